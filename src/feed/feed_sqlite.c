/*
 * SQLite: inotify says that somebody is writing; a look finds out whether a commit can be seen.
 *
 * With a rollback journal a reader's lock fails a writer that has no busy timeout (the sqlite3
 * shell has none) if both meet. So the feed takes none: it reads the file's change counter. And
 * the hint, which makes its receiver read, waits for a pause, or it would hit a writer that
 * commits statement after statement. The journal's deletion is the commit; where the journal is
 * kept (TRUNCATE, PERSIST, MEMORY, OFF) there are only the writes to the file itself, somewhat
 * before it.
 *
 * With a write-ahead log readers disturb nobody, but the events come before the commit can be
 * seen and nothing comes after it. So the feed looks at PRAGMA data_version again and again, also
 * when it saw something, because that may have been an earlier commit.
 *
 * The looks after an event make a ladder: each comes after half of the time that has passed
 * since, so that the delay is at most half of what the writer itself took.
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "feed/backend.h"
#include "feed/watch.h"

/* The ladder: its shortest and longest interval, and its end. A commit to the log that takes
 * longer is left to the next event, or to the slow poll of the feed's owner. */
#define STEP_MIN_US 50
#define STEP_MAX_US (200 * US_PER_MS)
#define LADDER_US (1600 * US_PER_MS)
/* From the journal's end to the first look: what follows at once has begun by then. */
#define PAUSE_US 500
/* From a write to the file to the first look, if no journal's end comes before. */
#define MAIN_DELAY_US US_PER_MS
/* The longest wait for a pause between writers. */
#define PATIENCE_US (250 * US_PER_MS)
/* A writer in full swing wakes us so often, at most. */
#define WINDOW_US US_PER_MS
#define WINDOW_WAKES 8
/* Without inotify: one look to the next, and how many looks until inotify is tried again. */
#define POLL_US (250 * US_PER_MS)
#define POLLS_PER_WATCH 20

struct file_id {
	dev_t dev;
	ino_t ino;
};

/* What a look reads. */
enum version_source {
	FROM_NOWHERE, /* not read yet, or not to be trusted */
	FROM_HEADER, /* the change counter */
	FROM_CONNECTION /* PRAGMA data_version */
};

struct sqlite_feed {
	struct feed feed;
	struct file_id file; /* as it was before it was opened */
	enum version_source source;
	int64_t version; /* as of the last hint */

	/* The ladder. */
	struct boottime since; /* the event */
	struct boottime look_at; /* NEVER: at rest */
	struct boottime look_until; /* log: look on whatever is seen */
	struct boottime moved_at; /* journal: waiting for a pause since. NEVER: not */

	struct watch *watch; /* NULL: polls */
	struct event *watch_event;
	struct err watch_why; /* why it polls, as last logged */
	int polls;

	/* The limit on wakes: in this window, and until when nothing is read. */
	struct boottime window;
	int wakes;
	struct boottime read_at; /* NEVER: as it comes */

	int timer_fd;
	struct event *timer_event;
	struct boottime timer_at;
};

static const struct boottime NEVER = {TIME_NEVER};

static struct sqlite_feed *
of(struct feed *feed)
{
	return (struct sqlite_feed *)feed;
}

static bool
is_due(struct boottime at, struct boottime now)
{
	return boottime_diff(at, now) <= 0;
}

static struct feed *
sqlite_create(void)
{
	struct sqlite_feed *f = xcalloc(1, sizeof(*f));

	f->look_at = f->moved_at = f->read_at = f->timer_at = NEVER;
	f->timer_fd = -1;
	return &f->feed;
}

static void
arm(struct sqlite_feed *f)
{
	struct boottime at = f->look_at.us < f->read_at.us ? f->look_at : f->read_at;
	struct itimerspec spec = {0};

	if (at.us == f->timer_at.us)
		return;
	if (at.us != TIME_NEVER) {
		spec.it_value.tv_sec = at.us / US_PER_SEC;
		spec.it_value.tv_nsec = at.us % US_PER_SEC * 1000;
	}
	timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	f->timer_at = at;
}

static int
identify(const char *path, struct file_id *id, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, errno, "catalog %s", path);
	*id = (struct file_id){st.st_dev, st.st_ino};
	return 0;
}

static bool
is_replaced(struct sqlite_feed *f)
{
	struct file_id id = {0, 0};

	return identify(db_path(f->feed.db), &id, NULL) < 0 || id.dev != f->file.dev ||
		id.ino != f->file.ino;
}

/* ---- Looking ---- */

static void
start_ladder(struct sqlite_feed *f, struct boottime now, int64_t delay_us)
{
	f->since = now;
	f->look_at = boottime_add(now, delay_us);
}

static void
climb(struct sqlite_feed *f, struct boottime now)
{
	int64_t step = boottime_diff(now, f->since) / 2;

	if (step < STEP_MIN_US)
		step = STEP_MIN_US;
	if (step > STEP_MAX_US)
		step = STEP_MAX_US;
	f->look_at = boottime_add(now, step);
}

static void
give_hint(struct sqlite_feed *f, enum version_source source, int64_t version)
{
	f->source = source;
	f->version = version;
	feed_give_hint(&f->feed, FEED_CHANGED, 0);
}

static bool
has_moved(const struct sqlite_feed *f, enum version_source source, int64_t version)
{
	return f->source != source || f->version != version;
}

/* With a write-ahead log; without a watch also with a journal, because a remote file must be
 * locked to be read as it is. */
static void
look_through_connection(struct sqlite_feed *f, struct boottime now)
{
	struct err err = ERR_INIT;
	int64_t version;
	int r = db_data_version(f->feed.db, &version, &err);

	if (r < 0 && err.code != ERR_BUSY) {
		feed_lose(&f->feed, &err);
		return;
	}
	if (f->watch == NULL)
		f->look_at = boottime_add(now, POLL_US);
	else if (r < 0 || !is_due(f->look_until, now))
		climb(f, now);
	else
		f->look_at = NEVER;
	if (r == 0 && has_moved(f, FROM_CONNECTION, version))
		give_hint(f, FROM_CONNECTION, version);
}

/* While there is a journal, the counter may be that of a transaction that is rolled back later,
 * and come again with another one. */
static enum version_source
trust_header(const struct sqlite_feed *f)
{
	char *journal = xasprintf("%s-journal", db_path(f->feed.db));
	bool exists = access(journal, F_OK) == 0;

	free(journal);
	return exists ? FROM_NOWHERE : FROM_HEADER;
}

/* What has not moved by now is followed by another event when it does. */
static void
look_at_header(struct sqlite_feed *f, struct boottime now, const struct db_peek *peek)
{
	f->look_at = NEVER;
	if (!has_moved(f, FROM_HEADER, peek->counter)) {
		f->moved_at = NEVER;
		return;
	}
	if (f->moved_at.us == TIME_NEVER)
		f->moved_at = now;
	if (peek->writing && boottime_diff(now, f->moved_at) < PATIENCE_US) {
		climb(f, now);
		return;
	}
	f->moved_at = NEVER;
	give_hint(f, trust_header(f), peek->counter);
}

static void
look(struct sqlite_feed *f, struct boottime now)
{
	struct err err = ERR_INIT;
	struct db_peek peek;

	f->feed.stats.checks++;
	if (f->watch == NULL) {
		look_through_connection(f, now);
		return;
	}
	if (db_peek(f->feed.db, &peek, &err) < 0)
		feed_lose(&f->feed, &err);
	else if (peek.wal)
		look_through_connection(f, now);
	else
		look_at_header(f, now, &peek);
}

/* Where a later look starts from. */
static int
look_first(struct sqlite_feed *f, struct err *err)
{
	struct err why = ERR_INIT;
	struct db_peek peek;

	f->source = FROM_NOWHERE;
	f->moved_at = NEVER;
	if (db_peek(f->feed.db, &peek, err) < 0)
		return -1;
	f->version = peek.counter;
	if (!peek.wal && f->watch != NULL && !peek.writing)
		f->source = FROM_HEADER;
	if (!peek.wal && f->watch != NULL)
		return 0;
	if (db_data_version(f->feed.db, &f->version, &why) == 0)
		f->source = FROM_CONNECTION;
	else if (why.code != ERR_BUSY)
		return err_set(err, why.code, "%s", why.text);
	return 0;
}

/* ---- Being woken ---- */

static void
stop_watching(struct sqlite_feed *f)
{
	if (f->watch_event != NULL)
		event_free(f->watch_event);
	f->watch_event = NULL;
	watch_free(f->watch);
	f->watch = NULL;
	f->read_at = NEVER;
}

/* Looks now and then instead, until the watch can be had again. */
static void
start_polling(struct sqlite_feed *f, struct boottime now, const struct err *why)
{
	stop_watching(f);
	f->polls = 0;
	f->look_at = boottime_add(now, POLL_US);
	if (strcmp(f->watch_why.text, why->text) == 0)
		return;
	f->watch_why = *why;
	log_warning("Catalog writes are looked for every %d ms: %s", (int)(POLL_US / US_PER_MS),
		why->text);
}

static void
take_events(struct sqlite_feed *f, struct boottime now)
{
	struct err err = ERR_INIT;
	unsigned seen;

	if (watch_read(f->watch, &seen, &f->feed.stats.events, &err) < 0) {
		start_polling(f, now, &err);
		return;
	}
	if ((seen & WATCH_FILE) && is_replaced(f)) {
		feed_reconnect(&f->feed);
		return;
	}
	if (f->feed.lost)
		return;
	if (seen & WATCH_WAL)
		f->look_until = boottime_add(now, LADDER_US);
	if (seen & (WATCH_WAL | WATCH_FILE))
		start_ladder(f, now, 0);
	else if (seen & WATCH_JOURNAL)
		start_ladder(f, now, PAUSE_US);
	else if ((seen & WATCH_MAIN) && boottime_diff(f->look_at, now) > MAIN_DELAY_US)
		start_ladder(f, now, MAIN_DELAY_US);
}

static void
limit_wakes(struct sqlite_feed *f, struct boottime now)
{
	if (boottime_diff(now, f->window) >= WINDOW_US) {
		f->window = now;
		f->wakes = 0;
	}
	if (++f->wakes < WINDOW_WAKES)
		return;
	event_del(f->watch_event);
	f->read_at = boottime_add(f->window, WINDOW_US);
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct sqlite_feed *f = arg;
	struct boottime now = clock_boot(&clock_real);

	(void)fd;
	(void)what;
	limit_wakes(f, now);
	take_events(f, now);
	if (is_due(f->look_at, now))
		look(f, now);
	arm(f);
}

static int
start_watching(struct sqlite_feed *f, struct err *err)
{
	if (f->watch != NULL)
		return watch_refresh(f->watch, err);
	if (watch_create(db_path(f->feed.db), &f->watch, err) < 0)
		return -1;
	err_clear(&f->watch_why);
	f->watch_event =
		event_new(f->feed.base, watch_fd(f->watch), EV_READ | EV_PERSIST, on_watch, f);
	assert(f->watch_event != NULL);
	event_add(f->watch_event, NULL);
	return 0;
}

static void
poll_without_watch(struct sqlite_feed *f, struct boottime now)
{
	struct err err = ERR_INIT;

	if (is_replaced(f)) {
		feed_reconnect(&f->feed);
		return;
	}
	if (++f->polls % POLLS_PER_WATCH == 0) {
		if (start_watching(f, &err) < 0) {
			start_polling(f, now, &err);
		} else {
			log_info("Catalog writes are watched for again");
			f->look_until = boottime_add(now, LADDER_US);
			start_ladder(f, now, 0);
		}
	}
	look(f, now);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sqlite_feed *f = arg;
	struct boottime now = clock_boot(&clock_real);
	uint64_t expirations;

	(void)what;
	(void)!read(fd, &expirations, sizeof(expirations));
	f->timer_at = NEVER;
	if (is_due(f->read_at, now)) {
		f->read_at = NEVER;
		event_add(f->watch_event, NULL);
		take_events(f, now);
	}
	if (is_due(f->look_at, now)) {
		if (f->watch == NULL)
			poll_without_watch(f, now);
		else
			look(f, now);
	}
	arm(f);
}

/* ---- The connection ---- */

static int
open_timer(struct sqlite_feed *f, struct err *err)
{
	if (f->timer_fd >= 0)
		return 0;
	/* libevent's own timers are no finer than a millisecond. */
	f->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (f->timer_fd < 0)
		return err_errno(err, errno, "timerfd");
	f->timer_event = event_new(f->feed.base, f->timer_fd, EV_READ | EV_PERSIST, on_timer, f);
	assert(f->timer_event != NULL);
	event_add(f->timer_event, NULL);
	return 0;
}

/*
 * Watched first, then opened: what happens between is an event that waits for us. Once it is
 * open, a lock does not make the feed wait: it looks again later.
 */
static int
sqlite_connect(struct feed *feed, bool fresh, struct err *err)
{
	struct sqlite_feed *f = of(feed);
	struct boottime now = clock_boot(&clock_real);
	struct err why = ERR_INIT;

	(void)fresh;
	if (db_path(feed->db) == NULL)
		return err_set(err, ERR_USAGE, "a catalog in memory cannot be watched");
	if (open_timer(f, err) < 0 || identify(db_path(feed->db), &f->file, err) < 0)
		return -1;
	if (start_watching(f, &why) < 0)
		start_polling(f, now, &why);
	if (db_reconnect(feed->db, err) < 0 ||
		db_script(feed->db, "PRAGMA busy_timeout = 0", err) < 0)
		return -1;
	if (look_first(f, err) < 0)
		return -1;
	start_ladder(f, now, 0);
	f->look_until = boottime_add(now, LADDER_US);
	arm(f);
	return 0;
}

/* The watch goes on: it tells when the file is back. */
static void
sqlite_disconnect(struct feed *feed)
{
	of(feed)->look_at = NEVER;
}

static bool
sqlite_at_rest(const struct feed *feed)
{
	const struct sqlite_feed *f = (const struct sqlite_feed *)feed;

	return f->watch != NULL && f->look_at.us == TIME_NEVER && f->read_at.us == TIME_NEVER;
}

static void
sqlite_free(struct feed *feed)
{
	struct sqlite_feed *f = of(feed);

	stop_watching(f);
	if (f->timer_event != NULL)
		event_free(f->timer_event);
	if (f->timer_fd >= 0)
		close(f->timer_fd);
	free(f);
}

const struct feed_backend feed_sqlite = {
	.create = sqlite_create,
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.free = sqlite_free,
	.at_rest = sqlite_at_rest,
};
