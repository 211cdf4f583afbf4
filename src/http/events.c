/* The ring of events and the streams that get them. */
#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "streams.h"

#define RING_EVENTS 1024
#define RING_BYTES (1024 * 1024)
#define HEARTBEAT_S 15
#define RETRY_MS 200 /* after a read that failed */
#define IDLE_MS                                                                                    \
	5000 /* between reads while nobody listens: a client of another daemon may come over */

struct stream {
	TAILQ_ENTRY(stream) link;
	struct live *live;
	int64_t id; /* the request's */
	unsigned types; /* bits of enum live_type */
	int64_t user_id; /* of a restricted one; else 0 */
};

struct live {
	struct api *api;
	struct journal *journal;
	struct event *later, *heartbeat;
	bool reading, again, waiting;

	TAILQ_HEAD(, stream) streams;
	int64_t n_streams;

	struct live_events ring;
	size_t n_ring, ring_bytes;
	struct live_id floor; /* events up to here are not in the ring any more */
	int64_t last_seq;
};

/* --- the ring --------------------------------------------------------------------------------------- */

static void
release(const void *data, size_t len, void *arg)
{
	struct live_event *e = arg;

	(void)data;
	(void)len;
	if (--e->refs == 0)
		free(e);
}

static void
forget_first(struct live *l)
{
	struct live_event *e = TAILQ_FIRST(&l->ring);

	TAILQ_REMOVE(&l->ring, e, link);
	l->n_ring--;
	l->ring_bytes -= e->len;
	if (live_id_compare(e->id, l->floor) > 0)
		l->floor = e->id;
	release(NULL, 0, e);
}

static void
keep(struct live *l, struct live_event *e)
{
	TAILQ_INSERT_TAIL(&l->ring, e, link);
	l->n_ring++;
	l->ring_bytes += e->len;
	while (l->n_ring > RING_EVENTS || (l->ring_bytes > RING_BYTES && l->n_ring > 1))
		forget_first(l);
}

/* --- streams ------------------------------------------------------------------------------------------- */

static void
stream_free(struct stream *s)
{
	TAILQ_REMOVE(&s->live->streams, s, link);
	if (--s->live->n_streams == 0)
		event_del(s->live->heartbeat);
	free(s);
}

static void
on_close(int64_t id, void *arg)
{
	(void)id;
	stream_free(arg);
}

static bool
wants(const struct stream *s, const struct live_event *e)
{
	if (!(s->types & 1U << e->type) && e->type != LIVE_RESYNC)
		return false;
	return !s->user_id || e->owner_id == LIVE_FOR_ALL || e->owner_id == s->user_id;
}

/* All of a list's events as one piece of text: what many streams get in one call each. NULL: too few for that. */
static struct live_event *
join(const struct live_events *list, unsigned *types)
{
	struct live_event *e, *all;
	size_t len = 0, n = 0;

	*types = 0;
	TAILQ_FOREACH (e, list, link) {
		*types |= 1U << e->type;
		len += e->len;
		n++;
	}
	if (n < 2)
		return NULL;
	all = xcalloc(1, sizeof(*all) + len);
	all->refs = 1;
	TAILQ_FOREACH (e, list, link) {
		memcpy(all->text + all->len, e->text, e->len);
		all->len += e->len;
	}
	return all;
}

static bool
send_shared(struct stream *s, struct live_event *e)
{
	e->refs++;
	return http_stream_share(s->live->api->server, s->id, e->text, e->len, release, e);
}

static void
send_each(struct stream *s, const struct live_events *list)
{
	struct live_event *e;

	TAILQ_FOREACH (e, list, link)
		if (wants(s, e) && !send_shared(s, e))
			return;
}

static void
send_to_all(struct live *l, const struct live_events *list)
{
	unsigned types;
	struct live_event *all = join(list, &types);
	struct stream *s, *next;

	/* One that is dropped takes itself off the list. */
	for (s = TAILQ_FIRST(&l->streams); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (all && !s->user_id && (s->types & types) == types)
			send_shared(s, all);
		else
			send_each(s, list);
	}
	if (all)
		release(NULL, 0, all);
}

static void
on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
	static const char beat[] = ": alive\n\n";
	struct live *l = arg;
	struct stream *s, *next;

	(void)fd;
	(void)what;
	for (s = TAILQ_FIRST(&l->streams); s; s = next) {
		next = TAILQ_NEXT(s, link);
		http_stream_write(l->api->server, s->id, beat, sizeof(beat) - 1);
	}
}

/* --- from the journal ------------------------------------------------------------------------------------ */

/* Older events are of no use any more. */
static void
begin_anew(struct live *l, struct live_event *e)
{
	while (l->n_ring > 0)
		forget_first(l);
	l->floor = e->id;
	release(NULL, 0, e);
}

void
live_take(struct live *l)
{
	struct live_events fresh;
	struct live_event *e;

	journal_take(l->journal, &fresh, &l->last_seq);
	send_to_all(l, &fresh);
	while ((e = TAILQ_FIRST(&fresh))) {
		TAILQ_REMOVE(&fresh, e, link);
		if (e->type <= LIVE_RUN_CANCELLED)
			logtails_hear(l->api->tails, e->object_id);
		if (e->type == LIVE_RESYNC)
			begin_anew(l, e);
		else
			keep(l, e);
	}
}

static void
read_journal(struct api_job *job, struct catalog *cat)
{
	struct live *l = job->arg;
	struct err err = ERR_INIT;

	if (journal_read(l->journal, cat, &err) == 0)
		return;
	/* 1: again, soon; -1: on a new connection. */
	job->result = err.code == ERR_LOST || err.code == ERR_UNKNOWN ? -1 : 1;
	log_debug("The journal cannot be read: %s", err.text);
}

static void
wait(struct live *l, int ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	l->waiting = true;
	evtimer_add(l->later, &tv);
}

static void
on_read(struct api_job *job)
{
	struct live *l = job->arg;

	l->reading = false;
	live_take(l);
	if (job->result != 0)
		wait(l, RETRY_MS);
	else if (l->again)
		live_wake(l);
}

static void
start_reading(struct live *l)
{
	l->reading = true;
	l->again = false;
	worker_give(l->api->worker, api_job_new_work(read_journal, on_read, l));
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct live *l = arg;

	(void)fd;
	(void)what;
	l->waiting = false;
	if (!l->reading)
		start_reading(l);
}

void
live_wake(struct live *l)
{
	l->again = true;
	if (l->reading || (l->waiting && l->n_streams + logtails_count(l->api->tails) == 0))
		return;
	if (l->n_streams + logtails_count(l->api->tails) > 0)
		start_reading(l);
	else
		wait(l, IDLE_MS);
}

/* --- opening ------------------------------------------------------------------------------------------------ */

int
live_types_parse(const char *s, unsigned *types)
{
	size_t n;
	int i;

	*types = 0;
	while (s && *s) {
		n = strcspn(s, ",");
		for (i = 0; i < LIVE_TYPES; i++)
			if (strlen(live_type_names[i]) == n && !memcmp(live_type_names[i], s, n))
				break;
		if (i == LIVE_TYPES)
			return -1;
		*types |= 1U << i;
		s += n + (s[n] == ',');
	}
	if (*types == 0)
		*types = (1U << LIVE_TYPES) - 1;
	return 0;
}

int
live_catch_up(struct call *c)
{
	return journal_read(c->api->api->live->journal, c->cat, &c->err);
}

static bool
send_position(struct stream *s, bool missed)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "retry: 2000\nid: %" PRId64 "\n%s\n",
		s->live->last_seq,
		missed ? "event: resync\ndata: {\"reason\":\"events since then are not kept any "
			 "more\"}\n"
		       : "");

	return http_stream_write(s->live->api->server, s->id, text, (size_t)n);
}

/* What came after the last event that the client has seen: behind it in the ring, or, when it was another daemon's,
 * all that bears a higher number. */
static void
resume(struct stream *s, struct live_id seen)
{
	struct live *l = s->live;
	struct live_event *e, *from = NULL, *next;

	if (live_id_compare(seen, l->floor) < 0 || seen.seq > l->last_seq) {
		send_position(s, true);
		return;
	}
	if (!http_stream_write(l->api->server, s->id, "retry: 2000\n\n", 13))
		return;
	TAILQ_FOREACH (e, &l->ring, link)
		if (live_id_compare(e->id, seen) == 0)
			from = e;
	for (e = from ? TAILQ_NEXT(from, link) : TAILQ_FIRST(&l->ring); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if ((from || live_id_compare(e->id, seen) > 0) && wants(s, e) && !send_shared(s, e))
			return;
	}
}

void
live_open(struct live *l, struct call *c, const struct http_response *head)
{
	const char *last = http_request_header(c->request, "last-event-id");
	struct stream *s = xcalloc(1, sizeof(*s));
	const struct timeval beat = {HEARTBEAT_S, 0};
	struct live_id seen;
	int rc = live_types_parse(call_string(c, "types"), &s->types);

	assert(rc == 0);
	live_take(l);
	s->live = l;
	s->id = c->request->id;
	s->user_id = c->who.restricted ? c->who.user_id : 0;
	TAILQ_INSERT_TAIL(&l->streams, s, link);
	l->n_streams++;
	if (l->n_streams == 1)
		event_add(l->heartbeat, &beat);
	if (!http_stream_start(l->api->server, s->id, head, on_close, s))
		return;
	if (last && live_id_parse(last, &seen))
		resume(s, seen);
	else
		send_position(s, last && *last);
	/* What was committed while the call was on its way. */
	live_wake(l);
}

int64_t
live_count(const struct live *l)
{
	return l->n_streams;
}

struct live *
live_new(struct api *api)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->api = api;
	l->journal = journal_new();
	TAILQ_INIT(&l->streams);
	TAILQ_INIT(&l->ring);
	l->later = evtimer_new(api->base, on_later, l);
	l->heartbeat = event_new(api->base, -1, EV_PERSIST, on_heartbeat, l);
	assert(l->later && l->heartbeat);
	/* Where the journal is now, so that what comes after can be told. */
	wait(l, 0);
	return l;
}

void
live_free(struct live *l)
{
	if (!l)
		return;
	assert(l->n_streams == 0);
	while (l->n_ring > 0)
		forget_first(l);
	journal_free(l->journal);
	event_free(l->later);
	event_free(l->heartbeat);
	free(l);
}
