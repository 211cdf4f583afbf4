/* Write transactions of the leader: each one checks first that the lease is still ours (promise P6). */
#ifndef FF_STORE_FENCE_H
#define FF_STORE_FENCE_H

#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

/* db_begin() and the check. ERR_FENCED, with nothing open, when scheduler_lock names another holder. */
int fence_begin(struct db *db, const char *holder_id, struct err *err);

/* The row of scheduler_lock. holder_id "" when there is none. */
struct lock_row {
	char holder_id[64];
	char heartbeat_text[48]; /* as stored, for compare-and-set */
	int64_t heartbeat_us;
	int64_t age_us; /* of the heartbeat: by the database's clock on PostgreSQL, else by now_us */
	bool guarded; /* a daemon of ours that held the guard (lease/guard.h) */
};
int lock_read(struct db *db, int64_t now_us, struct lock_row *row, struct err *err);
/* 1: taken; 0: another was faster. old: as read; an empty holder_id means that there was no row. */
int lock_take(struct db *db, const struct lock_row *old, const char *holder_id, int64_t now_us,
	struct err *err);
/* 1: renewed; 0: it is not ours any more. */
int lock_renew(struct db *db, const char *holder_id, int64_t now_us, struct err *err);
/* Deletes the row if it still names us. */
int lock_drop(struct db *db, const char *holder_id, struct err *err);

/* Our row in scheduler_instances: who lives where. */
struct instance {
	const char *holder_id, *host, *boot_id, *version;
	int64_t pid, pid_start, started_us;
};
int instance_put(
	struct db *db, const struct instance *me, bool guarded, int64_t now_us, struct err *err);
int instance_drop(struct db *db, const char *holder_id, struct err *err);
/* 1: a daemon of ours with this holder_id was seen less than within_us ago; 0: not. One seen in the future
 * was seen before the clock was set back. */
int instance_alive(
	struct db *db, const char *holder_id, int64_t now_us, int64_t within_us, struct err *err);
/* A number that changes with every sign of life of a daemon of this host, however its clock is set. */
int instance_host_sign(struct db *db, const char *host, int64_t *sign, struct err *err);
int instance_prune(struct db *db, int64_t before_us, struct err *err);

#endif
