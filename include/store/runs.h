/* The rows of a run after its claim: recorded, cancelled, ended. The caller began a fenced transaction. */
#ifndef FF_STORE_RUNS_H
#define FF_STORE_RUNS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/process.h"
#include "store/db.h"

/* The processes of a run and the folder that its supervisor writes to, before it is let go. 1; 0 when the
 * run was closed meanwhile: abandon it. */
int runs_record(struct db *db, int64_t run_id, const struct proc_id *shim,
	const struct proc_id *flow, const char *state_dir, int64_t now_us, struct err *err);
/* Whether a run that was recorded with this folder has ended: 1, 0. */
int runs_files_over(struct db *db, int64_t run_id, const char *state_dir, struct err *err);

/* Cancel was asked for, by whom; the first one counts: 1, and 0 when it was asked for before. */
int
runs_note_cancel(struct db *db, int64_t run_id, const char *by, int64_t now_us, struct err *err);

/*
 * The end. Closes flow_runs if it is open: ended_at, success (exit code 0 and not cancelled), duration; a row that the
 * flow closed itself keeps its own verdict, except that a cancelled run never becomes a success (P7).
 * scheduler_runs gets exit code, signal, reason, CPU and memory. exit NULL: closed without a process,
 * with only a reason.
 */
int runs_end(struct db *db, int64_t run_id, const struct run_exit *exit, const char *reason,
	int64_t now_us, struct err *err);

/* Contract 1.6 "spawn failed": ended_at and success = 0, no duration. */
int runs_spawn_failed(
	struct db *db, int64_t run_id, const char *reason, int64_t now_us, struct err *err);

/* A daemon that does not lead tells the leader how an attempt at a run of its host ended. Needs no
 * fence. host: who says it. */
int runs_report_exit(struct db *db, int64_t run_id, int64_t attempt, const struct run_exit *exit,
	const char *host, int64_t now_us, struct err *err);
/* The detail of such a request, back. started_us is only TIME_NONE or not. */
int runs_parse_exit(const char *detail, int64_t *attempt, struct run_exit *exit);

/* Housekeeping in small steps; returns how many rows went, at most max. */
int runs_prune(struct db *db, int64_t before_us, int max, struct err *err);

#endif
