/*
 * The feed says "something may have changed in the catalog", soon after any program's commit. What
 * changed, the engine reads from scheduler_changes itself. Hints may be doubled or late, and a lost
 * one is made good by the engine's slow poll. An idle catalog wakes nobody.
 *
 * SQLite: inotify on the file, its -wal and its folder, then the file's change counter or, with a
 * write-ahead log, PRAGMA data_version on a connection of the feed's own (design section 5). With a
 * rollback journal the hint comes when no writer is at work, half a millisecond after the commit,
 * because the receiver's read lock would fail a writer without a busy timeout; in a stream of
 * commits without a pause there is a hint every 250 ms. Where inotify cannot be used the catalog is
 * asked every 250 ms. FEED_RESYNC: another file is at the path now; open it anew.
 *
 * PostgreSQL: LISTEN on a connection of its own. When that breaks there is a hint as well, for those of
 * the receiver may be broken, too. After any reconnect it listens again and says so with FEED_RESYNC.
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
	FEED_CHANGED, /* read what is new. PostgreSQL: first_seq is the smallest notified, else 0 */
	FEED_RESYNC /* hints were lost: read everything anew */
};

typedef void (*feed_cb)(enum feed_hint hint, int64_t first_seq, void *arg);

/*
 * url as for db_open; not a database in memory. Changes after the return are heard of: read the
 * catalog's state after that. The database must be there now, later it may go and come.
 */
int feed_create(struct event_base *base, const char *url, feed_cb cb, void *arg, struct feed **out,
	struct err *err);
void feed_free(struct feed *feed);

/* For status and tests. */
struct feed_stats {
	int64_t events; /* from the system, or notifications */
	int64_t checks; /* looks at the database, or reads of its connection */
	int64_t hints; /* given */
	int64_t reconnects; /* each with a FEED_RESYNC */
	int64_t at_rest; /* 1: nothing is done before the next event; 0: it looks on, polls or connects again */
};
void feed_get_stats(const struct feed *feed, struct feed_stats *out);

#endif
