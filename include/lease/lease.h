/*
 * The lease: row 1 of scheduler_lock (contract 4.2). Who holds it, and only who, acts.
 *
 * holder_id is random per process start and doubles as the fence: every write transaction of the engine
 * requires that the row still names us. Trust in an own lease is counted on the boot clock from the moment
 * the renewal was sent, and ends well before others may take the row.
 *
 * A row of others is taken over
 *   - at once, when it names a daemon of ours that held the guard and the guard is free: it is dead;
 *   - when its heartbeat has not moved for 90 s of our own boot clock;
 *   - when its heartbeat is more than 90 s old by the wall clock and it is not a daemon of ours that we
 *     see holding the guard (the rule of Flowfile's own scheduler).
 *
 * Owner: the engine.
 */
#ifndef FF_LEASE_LEASE_H
#define FF_LEASE_LEASE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "lease/guard.h"
#include "store/db.h"
#include "store/fence.h"

#define LEASE_STALE_US (90 * US_PER_SEC) /* contract 2.1: a constant of Flowfile's */
#define LEASE_TRUST_US (60 * US_PER_SEC) /* how long we act on a renewal */

struct lease {
	struct instance me; /* text borrowed from the engine */
	const struct guard_ops *guard_ops;
	struct guard *guard; /* borrowed; may be NULL: no fast take-over */
	bool held;
	bool guarded; /* we hold the guard */
	struct boottime trusted_until;
	/* what we saw of another's row, and since when it has not moved */
	char seen[112];
	char other[64];
	struct boottime seen_since;
};

void lease_init(struct lease *lease, const struct instance *me, const struct guard_ops *guard_ops,
	struct guard *guard);

/* Renews, or tries to take. 1: held; 0: another holds it; -1: the database did not answer. Opens its own
 * transaction. */
int lease_tick(struct lease *lease, struct db *db, const struct clock *clock, struct err *err);

/* Whether we may act now. */
bool lease_trusted(const struct lease *lease, struct boottime now);

/* Who held the lock when we last looked and it was not us; "-" when nobody did. Borrowed; one word. */
const char *lease_other(const struct lease *lease);

/* A transaction was fenced: the row names somebody else. */
void lease_lost(struct lease *lease);

/* Gives the lease up: the row is deleted if it is ours, the next daemon takes it at once. */
int lease_release(struct lease *lease, struct db *db, struct err *err);

#endif
