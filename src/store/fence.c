#include "store/fence.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

int
fence_begin(struct db *db, const char *holder_id, struct err *err)
{
	struct stmt *st;
	int64_t one;
	int r;

	if (db_begin(db, err) < 0)
		return -1;
	st = db_stmt(db, SQL_FENCE_CHECK);
	stmt_text(st, 1, holder_id);
	r = stmt_get_int(st, &one, err);
	if (r > 0)
		return 0;
	db_rollback(db);
	if (r < 0)
		return err_prefix(err, "check the lease");
	return err_set(err, ERR_FENCED, "another scheduler holds the lock now");
}

int
lock_read(struct db *db, int64_t now_us, struct lock_row *row, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOCK_READ);
	int r;

	memset(row, 0, sizeof(*row));
	r = stmt_step(st, err);
	if (r < 0)
		return err_prefix(err, "read the scheduler lock");
	if (r > 0) {
		snprintf(row->holder_id, sizeof(row->holder_id), "%s", col_text(st, 0));
		snprintf(row->heartbeat_text, sizeof(row->heartbeat_text), "%s", col_text(st, 2));
		/* An unreadable time is as good as a very old one: nobody can be renewing it. */
		if (col_time(st, 1, &row->heartbeat_us) <= 0)
			row->heartbeat_us = 0;
		row->age_us = col_null(st, 3) ? now_us - row->heartbeat_us : col_int(st, 3);
		row->guarded = col_bool(st, 4);
	}
	stmt_reset(st);
	return 0;
}

int
lock_take(struct db *db, const struct lock_row *old, const char *holder_id, int64_t now_us,
	struct err *err)
{
	struct stmt *st = db_stmt(db, old->holder_id[0] ? SQL_LOCK_REPLACE : SQL_LOCK_INSERT);
	int64_t changed;

	stmt_text(st, 1, holder_id);
	stmt_time(st, 2, now_us);
	if (old->holder_id[0]) {
		stmt_text(st, 3, old->holder_id);
		stmt_text(st, 4, old->heartbeat_text);
	}
	if (stmt_exec(st, &changed, err) < 0)
		return err_prefix(err, "take the scheduler lock");
	return changed > 0;
}

int
lock_renew(struct db *db, const char *holder_id, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOCK_RENEW);
	int64_t changed;

	stmt_text(st, 1, holder_id);
	stmt_time(st, 2, now_us);
	if (stmt_exec(st, &changed, err) < 0)
		return err_prefix(err, "renew the scheduler lock");
	return changed > 0;
}

int
lock_drop(struct db *db, const char *holder_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOCK_DROP);

	stmt_text(st, 1, holder_id);
	if (stmt_exec(st, NULL, err) < 0)
		return err_prefix(err, "release the scheduler lock");
	return 0;
}

int
instance_put(
	struct db *db, const struct instance *me, bool guarded, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_INSTANCE_PUT);

	stmt_text(st, 1, me->holder_id);
	stmt_text(st, 2, me->host);
	stmt_text(st, 3, me->boot_id);
	stmt_int(st, 4, me->pid);
	stmt_int(st, 5, me->pid_start);
	stmt_text(st, 6, me->version);
	stmt_time(st, 7, me->started_us);
	stmt_time(st, 8, now_us);
	stmt_int(st, 9, guarded);
	return stmt_exec(st, NULL, err);
}

int
instance_drop(struct db *db, const char *holder_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_INSTANCE_DROP);

	stmt_text(st, 1, holder_id);
	return stmt_exec(st, NULL, err);
}

int
instance_alive(
	struct db *db, const char *holder_id, int64_t now_us, int64_t within_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_INSTANCE_ALIVE);
	int64_t one;

	stmt_text(st, 1, holder_id);
	stmt_time(st, 2, now_us - within_us);
	stmt_time(st, 3, now_us + within_us);
	return stmt_get_int(st, &one, err);
}

int
instance_host_sign(struct db *db, const char *host, int64_t *sign, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_INSTANCE_HOST_SEEN);
	uint64_t sum = 0;
	int64_t seen_us;
	int r;

	stmt_text(st, 1, host);
	while ((r = stmt_step(st, err)) > 0)
		if (col_time(st, 0, &seen_us) > 0)
			sum += (uint64_t)seen_us;
	*sign = (int64_t)(sum & INT64_MAX);
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

int
instance_prune(struct db *db, int64_t before_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_INSTANCE_PRUNE);

	stmt_time(st, 1, before_us);
	return stmt_exec(st, NULL, err);
}
