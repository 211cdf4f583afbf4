#include "lease/lease.h"

#include <stdio.h>
#include <string.h>

void
lease_init(struct lease *lease, const struct instance *me, const struct guard_ops *guard_ops,
	struct guard *guard)
{
	memset(lease, 0, sizeof(*lease));
	lease->me = *me;
	lease->guard_ops = guard_ops;
	lease->guard = guard;
}

/* 1: the guard is ours; 0: another holds it; -1: there is none, or it cannot be told. */
static int
try_guard(struct lease *lease)
{
	struct err ignored = ERR_INIT;
	int r;

	if (!lease->guard)
		return -1;
	r = lease->guard_ops->acquire(lease->guard, &ignored);
	lease->guarded = r == 1;
	return r;
}

static void
drop_guard(struct lease *lease)
{
	if (lease->guard && lease->guarded)
		lease->guard_ops->release(lease->guard);
	lease->guarded = false;
}

static void
hold(struct lease *lease, struct boottime sent)
{
	lease->held = true;
	lease->trusted_until = boottime_add(sent, LEASE_TRUST_US);
	lease->seen[0] = '\0';
}

void
lease_lost(struct lease *lease)
{
	lease->held = false;
	drop_guard(lease);
}

const char *
lease_other(const struct lease *lease)
{
	return lease->other[0] ? lease->other : "-";
}

bool
lease_trusted(const struct lease *lease, struct boottime now)
{
	return lease->held && boottime_diff(lease->trusted_until, now) > 0;
}

/* Watches another's row: how long has it not moved, by our own boot clock? */
static int64_t
unmoved_us(struct lease *lease, const struct lock_row *row, struct boottime now)
{
	char seen[sizeof(lease->seen)];

	snprintf(seen, sizeof(seen), "%s %s", row->holder_id, row->heartbeat_text);
	snprintf(lease->other, sizeof(lease->other), "%s", row->holder_id);
	if (strcmp(seen, lease->seen) != 0) {
		memcpy(lease->seen, seen, sizeof(seen));
		lease->seen_since = now;
	}
	return boottime_diff(now, lease->seen_since);
}

static bool
may_take(struct lease *lease, const struct lock_row *row, int guard, struct boottime now)
{
	bool unmoved = unmoved_us(lease, row, now) > LEASE_STALE_US;

	if (!row->holder_id[0] || unmoved)
		return true;
	if (row->guarded)
		return guard == 1 || (guard < 0 && row->age_us > LEASE_STALE_US);
	return row->age_us > LEASE_STALE_US;
}

static int
renew(struct lease *lease, struct db *db, const struct clock *clock, struct err *err)
{
	struct boottime sent = clock_boot(clock);
	int64_t now_us = clock_wall(clock);
	int r;

	/* Also when we hold it: its connection or its file may be gone. */
	try_guard(lease);
	if (db_begin(db, err) < 0)
		return -1;
	r = lock_renew(db, lease->me.holder_id, now_us, err);
	if (r > 0 && instance_put(db, &lease->me, lease->guarded, now_us, err) < 0)
		r = -1;
	if (r > 0)
		r = db_commit(db, err) < 0 ? -1 : 1;
	else
		db_rollback(db);
	if (r > 0)
		hold(lease, sent);
	else if (r == 0)
		lease_lost(lease);
	return r;
}

/* 1: the lock is ours and recorded; 0: not. One transaction, so that two who read the same row cannot both win. */
static int
take(struct lease *lease, struct db *db, int guard, const struct clock *clock, struct err *err)
{
	int64_t now_us = clock_wall(clock);
	struct lock_row row;
	int r;

	if (lock_read(db, now_us, &row, err) < 0)
		return -1;
	/* A take-over whose commit we did not hear of. */
	if (!strcmp(row.holder_id, lease->me.holder_id))
		return renew(lease, db, clock, err);
	if (!may_take(lease, &row, guard, clock_boot(clock)))
		return 0;
	if (db_begin(db, err) < 0)
		return -1;
	r = lock_take(db, &row, lease->me.holder_id, now_us, err);
	if (r > 0 && instance_put(db, &lease->me, guard == 1, now_us, err) < 0)
		r = -1;
	if (r > 0)
		return db_commit(db, err) < 0 ? -1 : 1;
	db_rollback(db);
	return r;
}

/* Stand by: say that we live, and see whether the lock may be taken. */
static int
stand_by(struct lease *lease, struct db *db, const struct clock *clock, struct err *err)
{
	struct boottime sent = clock_boot(clock);
	int guard = try_guard(lease);
	int r = take(lease, db, guard, clock, err);

	if (r > 0)
		hold(lease, sent);
	else
		drop_guard(lease);
	return r;
}

int
lease_tick(struct lease *lease, struct db *db, const struct clock *clock, struct err *err)
{
	return lease->held ? renew(lease, db, clock, err) : stand_by(lease, db, clock, err);
}

int
lease_release(struct lease *lease, struct db *db, struct err *err)
{
	int r;

	if ((r = db_begin(db, err)) < 0)
		goto out;
	if (lock_drop(db, lease->me.holder_id, err) < 0 ||
		instance_drop(db, lease->me.holder_id, err) < 0) {
		db_rollback(db);
		r = -1;
		goto out;
	}
	r = db_commit(db, err);
out:
	lease->held = false;
	drop_guard(lease);
	return r;
}
