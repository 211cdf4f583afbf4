/* Logs as they grow. A timer looks at the files while somebody follows one: it works on every file system. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/runs.h"
#include "runner/runlog.h"
#include "streams.h"

#define LOOK_MS 100
#define CHUNK (16 * 1024) /* bytes of the log in one event */
#define CHUNKS 4 /* of one log, in one go */
#define BEHIND_MAX (64 * 1024) /* a reader so far behind gets no more for now */
#define CHECK_US (10 * US_PER_SEC) /* the end of the run is looked for even when nobody tells */
#define VERDICT_CHECK_US (200 * US_PER_MS) /* it has ended, how is not known yet */
#define VERDICT_MAX_US (15 * US_PER_SEC)
#define HEARTBEAT_US (15 * US_PER_SEC)
#define QUIET_LOOKS 2 /* an ended log is read once more: it may have been cut at that moment */

struct tail {
	TAILQ_ENTRY(tail) link;
	struct logtails *all;
	int64_t id; /* the request's */
	int64_t run_id;
	char *path;
	int fd; /* -1: there is no file yet */
	struct runlog_reader reader;
	int64_t offset; /* before the first read */
	int quiet; /* looks without anything new */

	bool checking; /* a job is on its way */
	int64_t check_us, spoke_us; /* boot time: of the next check; of the last byte sent */
	int64_t ended_us; /* boot time since when it is known to have ended; 0 */
	char *end; /* data of the last event; NULL: not yet */
};

struct logtails {
	struct api *api;
	struct event *timer;
	TAILQ_HEAD(, tail) tails;
	int64_t n;
	char chunk[CHUNK + 1];
};

static int64_t
now_us(void)
{
	return clock_boot(&clock_real).us;
}

static void
tail_free(struct tail *t)
{
	TAILQ_REMOVE(&t->all->tails, t, link);
	t->all->n--;
	if (t->fd >= 0)
		close(t->fd);
	free(t->path);
	free(t->end);
	free(t);
}

static void
on_close(int64_t id, void *arg)
{
	(void)id;
	tail_free(arg);
}

/* --- whether the run has ended ------------------------------------------------------------------------- */

struct check {
	struct logtails *all;
	int64_t id, run_id;
	bool ended;
	const char *end; /* in the job's arena */
};

static void
write_end(struct api_job *job, struct check *check, const struct run_info *run)
{
	const struct run_details *d = &run->details;
	struct buf data;
	struct json j;

	buf_init(&data, 16 * 1024);
	json_init(&j, &data);
	json_object(&j);
	json_kv_string(&j, "status", runs_status(run));
	json_kv_int_or_null(&j, "exit_code", d->found ? d->exit_code : COUNT_NONE, COUNT_NONE);
	json_kv_int_or_null(&j, "signal",
		d->found && d->exit_signal > 0 ? d->exit_signal : COUNT_NONE, COUNT_NONE);
	json_kv_string(&j, "reason", d->found ? d->reason : NULL);
	json_object_end(&j);
	check->end = buf_failed(&data) ? "{}" : arena_strdup(&job->arena, buf_str(&data));
	buf_free(&data);
}

static void
look_at_run(struct api_job *job, struct catalog *cat)
{
	struct check *check = job->arg;
	struct err err = ERR_INIT;
	struct run_info run;

	if (runs_get(cat, check->run_id, &job->arena, &run, &err) == 0) {
		check->ended = run.ended_us != TIME_NONE;
		if (check->ended)
			write_end(job, check, &run);
		if (runs_verdict_pending(&run))
			job->result = 1;
	} else if (err.code == ERR_NOT_FOUND) {
		check->ended = true;
		check->end = "{\"status\":\"deleted\",\"exit_code\":null,\"signal\":null,"
			     "\"reason\":\"the run was deleted\"}";
	} else if (err.code == ERR_LOST || err.code == ERR_UNKNOWN) {
		job->result = -1;
	}
}

static void
on_looked(struct api_job *job)
{
	struct check *check = job->arg;
	struct tail *t;

	TAILQ_FOREACH (t, &check->all->tails, link)
		if (t->id == check->id)
			break;
	if (!t)
		return;
	t->checking = false;
	if (!check->ended)
		return;
	if (t->ended_us == 0)
		t->ended_us = now_us();
	/* The supervisor has more to say, unless it died. */
	if (job->result != 0 && now_us() - t->ended_us < VERDICT_MAX_US) {
		t->check_us = now_us() + VERDICT_CHECK_US;
		return;
	}
	if (!t->end)
		t->end = xstrdup(check->end);
	t->quiet = 0;
}

static void
start_check(struct tail *t)
{
	struct api_job *job = api_job_new_work(look_at_run, on_looked, NULL);
	struct check *check = arena_alloc(&job->arena, sizeof(*check));

	*check = (struct check){.all = t->all, .id = t->id, .run_id = t->run_id};
	job->arg = check;
	t->checking = true;
	t->check_us = now_us() + CHECK_US;
	worker_give(t->all->api->worker, job);
}

void
logtails_hear(struct logtails *all, int64_t run_id)
{
	struct tail *t;

	TAILQ_FOREACH (t, &all->tails, link)
		if (t->run_id == run_id)
			t->check_us = 0;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* How many bytes at the end of the text are the beginning of a character that goes on. */
static size_t
torn_bytes(const char *s, size_t len)
{
	size_t want;

	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)s[len - back];

		if ((c & 0xC0) == 0x80)
			continue;
		want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
		return want > back ? back : 0;
	}
	return 0;
}

static bool
send_event(struct tail *t, const char *type, const char *data)
{
	struct buf out;
	bool there;

	buf_init(&out, 8 * CHUNK);
	buf_printf(&out, "id: %" PRId64 "\nevent: %s\ndata: %s\n\n",
		t->fd >= 0 ? t->reader.pos : t->offset, type, data);
	assert(!buf_failed(&out));
	t->spoke_us = now_us();
	there = http_stream_write(t->all->api->server, t->id, buf_str(&out), out.len);
	buf_free(&out);
	return there;
}

static bool
send_text(struct tail *t, char *text, size_t len, int64_t offset)
{
	struct buf data;
	struct json j;
	bool there;

	/* JSON's writer ends at a NUL; as any byte that is no text it becomes U+FFFD. */
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = '\xFF';
	text[len] = '\0';
	buf_init(&data, 7 * CHUNK);
	json_init(&j, &data);
	json_object(&j);
	json_kv_int(&j, "offset", offset);
	json_kv_string(&j, "text", text);
	json_object_end(&j);
	assert(!buf_failed(&data));
	there = send_event(t, "log", buf_str(&data));
	buf_free(&data);
	return there;
}

static bool
open_file(struct tail *t)
{
	if (t->fd >= 0)
		return true;
	t->fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (t->fd < 0)
		return false;
	runlog_reader_init(&t->reader, t->fd, t->all->api->options.log_max_bytes, t->offset);
	return true;
}

/* 1: there was something; 0: nothing for now; -1: the tail is gone. */
static int
read_chunk(struct tail *t)
{
	int64_t offset = t->reader.pos;
	char *chunk = t->all->chunk;
	ssize_t n = runlog_read(&t->reader, chunk, CHUNK);
	size_t torn;

	if (n <= 0)
		return 0;
	/* What is left out makes the positions jump: there is a line for it, which is whole. */
	torn = t->reader.pos - offset == n ? torn_bytes(chunk, (size_t)n) : 0;
	if (torn == (size_t)n && t->end)
		torn = 0;
	t->reader.pos -= (int64_t)torn;
	n -= (ssize_t)torn;
	if (n == 0)
		return 0;
	return send_text(t, chunk, (size_t)n, offset) ? 1 : -1;
}

/* Whether there may be more at once; -1: the tail is gone. */
static int
read_some(struct tail *t)
{
	int r = 0;

	if (!open_file(t))
		return 0;
	for (int i = 0; i < CHUNKS; i++) {
		if (http_stream_pending(t->all->api->server, t->id) > BEHIND_MAX)
			return 0;
		if ((r = read_chunk(t)) <= 0)
			return r;
		t->quiet = 0;
	}
	return 1;
}

static bool
finish(struct tail *t)
{
	struct http_server *server = t->all->api->server;
	int64_t id = t->id;

	if (!t->end || http_stream_pending(server, id) > BEHIND_MAX || ++t->quiet < QUIET_LOOKS)
		return false;
	if (send_event(t, "end", t->end)) {
		tail_free(t);
		http_stream_end(server, id);
	}
	return true;
}

/* Whether there may be more at once. */
static bool
look(struct tail *t)
{
	static const char beat[] = ": alive\n\n";
	int r = read_some(t);

	if (r != 0)
		return r > 0;
	if (finish(t))
		return false;
	if (!t->end && !t->checking && now_us() >= t->check_us)
		start_check(t);
	if (now_us() - t->spoke_us >= HEARTBEAT_US) {
		t->spoke_us = now_us();
		http_stream_write(t->all->api->server, t->id, beat, sizeof(beat) - 1);
	}
	return false;
}

static void
wait(struct logtails *all, int ms)
{
	const struct timeval tv = {0, ms * 1000};

	evtimer_add(all->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct logtails *all = arg;
	struct tail *t, *next;
	bool more = false;

	(void)fd;
	(void)what;
	for (t = TAILQ_FIRST(&all->tails); t; t = next) {
		next = TAILQ_NEXT(t, link);
		more |= look(t);
	}
	if (all->n > 0)
		wait(all, more ? 1 : LOOK_MS);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

void
logtails_open(struct logtails *all, struct call *c, const struct http_response *head)
{
	struct tail *t = xcalloc(1, sizeof(*t));

	t->all = all;
	t->id = c->request->id;
	t->run_id = c->stream_id;
	t->offset = c->stream_offset;
	t->path = paths_run_log(&all->api->options.paths, t->run_id);
	t->fd = -1;
	t->spoke_us = now_us();
	TAILQ_INSERT_TAIL(&all->tails, t, link);
	all->n++;
	if (http_stream_start(all->api->server, t->id, head, on_close, t))
		wait(all, 1);
}

int64_t
logtails_count(const struct logtails *all)
{
	return all->n;
}

struct logtails *
logtails_new(struct api *api)
{
	struct logtails *all = xcalloc(1, sizeof(*all));

	all->api = api;
	all->timer = evtimer_new(api->base, on_timer, all);
	assert(all->timer);
	TAILQ_INIT(&all->tails);
	return all;
}

void
logtails_free(struct logtails *all)
{
	if (!all)
		return;
	assert(all->n == 0);
	event_free(all->timer);
	free(all);
}
