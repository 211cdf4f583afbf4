/*
 * The catalog's journal as events: what scheduler_changes tells, with what it is about. Any daemon derives the
 * same events under nearly the same ids, whether it leads or not, so that a client can go on with another one.
 *
 * An event's id is the seq of its change, and for runs a part behind it: "57.2". Several changes of one run that
 * are read at once give each transition once: the first under the first of these changes, the last under the last.
 * Elsewhere it may bear a smaller number, never a larger one that matters: what a client may see twice it does
 * not miss.
 *
 * Owner: the worker's thread, but for journal_take(), which is for any.
 */
#ifndef FF_HTTP_JOURNAL_H
#define FF_HTTP_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "catalog/catalog.h"

enum live_type {
	LIVE_RUN_QUEUED,
	LIVE_RUN_STARTED,
	LIVE_RUN_FINISHED,
	LIVE_RUN_CANCELLED,
	LIVE_RUN_PROGRESS,
	LIVE_SCHEDULE_CHANGED,
	LIVE_SCHEDULE_DELETED,
	LIVE_TABLE_WRITTEN,
	LIVE_TABLE_DELETED,
	LIVE_LEADERSHIP,
	LIVE_RESYNC, /* too much happened at once, or the journal began anew */
	LIVE_TYPES
};
extern const char *const live_type_names[LIVE_TYPES];

struct live_id {
	int64_t seq;
	int part; /* 0: the change has one event only */
};

#define LIVE_FOR_ALL INT64_C(0)
#define LIVE_FOR_ADMINS INT64_C(-1)

/* The bytes as they go to every stream. Counted references, in the server's thread only. */
struct live_event {
	TAILQ_ENTRY(live_event) link;
	struct live_id id;
	enum live_type type;
	int64_t object_id; /* of the run, schedule, table */
	int64_t owner_id; /* who may see it besides the unrestricted; LIVE_FOR_ALL */
	int refs;
	size_t len;
	char text[];
};
TAILQ_HEAD(live_events, live_event);

struct journal;

struct journal *journal_new(void);
void journal_free(struct journal *j);

/* Reads what is new. The first time, and after too much, it begins at the end, with LIVE_RESYNC. */
int journal_read(struct journal *j, struct catalog *cat, struct err *err);
/* What was read and not taken yet, in order; and the highest seq read. Any thread. */
void journal_take(struct journal *j, struct live_events *out, int64_t *last_seq);

/* An event with its references at 1; its data is JSON. */
struct live_event *live_event_new(struct live_id id, enum live_type type, const char *data);

/* "57", "57.2"; false for what is none. */
bool live_id_parse(const char *s, struct live_id *out);
static inline int
live_id_compare(struct live_id a, struct live_id b)
{
	return a.seq != b.seq ? (a.seq > b.seq) - (a.seq < b.seq)
			      : (a.part > b.part) - (a.part < b.part);
}

#endif
