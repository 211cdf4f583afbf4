/*
 * The feed says "something may have changed in the catalog", soon after any program's commit. What
 * changed, the engine reads from scheduler_changes itself. Hints may be doubled or late, and a lost
 * one is made good by the engine's slow poll.
 *
 * SQLite: inotify on the catalog's folder (the file, its -wal, -journal, -shm), then PRAGMA data_version on
 * a connection of the feed's own, re-checked in a short ladder, because in WAL mode the event comes before
 * the commit can be seen (design section 5).
 * PostgreSQL: LISTEN on a connection of its own. After any reconnect it listens again and says so with
 * FEED_RESYNC.
 *
 * Owner: the daemon. Everything happens on the event loop; callbacks may not free the feed.
 */
#ifndef FF_FEED_FEED_H
#define FF_FEED_FEED_H

#include <stdint.h>

#include "base/err.h"

struct event_base;
struct feed;

enum feed_hint {
	FEED_CHANGED, /* read what is new; PostgreSQL: first_seq is the smallest seq notified, else 0 */
	FEED_RESYNC /* hints were lost: read everything anew */
};

typedef void (*feed_cb)(enum feed_hint hint, int64_t first_seq, void *arg);

/* url as for db_open. The first hint comes only after a change. */
int feed_create(struct event_base *base, const char *url, feed_cb cb, void *arg, struct feed **out,
	struct err *err);
void feed_free(struct feed *feed);

/* For status and tests: events seen, re-checks made, hints given. */
struct feed_stats {
	int64_t events, checks, hints, reconnects;
};
void feed_get_stats(const struct feed *feed, struct feed_stats *out);

#endif
