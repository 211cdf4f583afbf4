/*
 * The engine: one turn after another, each with one now.
 *
 *	feed, runner, clock, signals ─▶ mark ─▶ engine_turn ─▶ decide (core) ─▶ one fenced transaction ─▶ runner
 *
 * It joins store, lease and runner, which do not know each other, and touches the world only through the
 * struct engine_env it is given, so that the simulator can bring another. It never blocks but in the
 * database, whose calls are bounded by timeouts, and never calls the operating system itself.
 *
 * Owner: the daemon. All calls from one thread. Marks are cheap and may come at any time, also from inside
 * runner calls; the work is done in engine_turn().
 */
#ifndef FF_ENGINE_ENGINE_H
#define FF_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "core/world.h"
#include "lease/guard.h"
#include "runner/runner.h"
#include "store/db.h"

struct engine;

/* What may change on a reload. Text is copied. */
struct engine_options {
	struct policy policy;
	int64_t heartbeat_us, poll_us;
	int64_t lost_host_us; /* 0: never give up a run of a host that is not heard of */
	int64_t history_us; /* 0: keep our own history for ever */
	int cancel_grace_ms;
	int64_t log_max_bytes;
	const char *run_command; /* template, contract section 9 */
	const char *log_dir;
	const char *const *env; /* NULL-terminated NAME=value for every flow */
};

struct engine_env {
	const struct clock *clock;
	struct db *db; /* borrowed; the engine reconnects it */
	const struct guard_ops *guard_ops;
	struct guard *guard; /* may be NULL */
	const struct runner_ops *runner_ops;
	struct runner *runner;
	zone_cb zone;
	void *zone_arg;
	/* The live process `pid` if it runs this run, or was started around started_us (wall): false when it is
	 * gone or another. */
	bool (*find_process)(
		pid_t pid, int64_t run_id, int64_t started_us, struct proc_id *out, void *arg);
	/* What virtual tables are made of is looked for anew and stored; true: it is another now. May be NULL. */
	bool (*find_sources)(void *arg);
	/* At the start and once an hour: clear what is old on this host. May be NULL. */
	void (*upkeep)(void *arg);
	void *arg;
	struct host_id host;
	char holder_id[33];
	int64_t pid, pid_start;
	const char *version;
};

struct engine *engine_create(const struct engine_env *env, const struct engine_options *options);
/* Forgets everything; runs live on. Does not release the lease: engine_stop() does. */
void engine_free(struct engine *e);

/* --- marks ------------------------------------------------------------------------------------- */

/* Something in the catalog may have changed; first_seq as the feed gave it, 0: unknown. */
void engine_mark_changed(struct engine *e, int64_t first_seq);
/* Hints were lost: read everything anew. */
void engine_mark_resync(struct engine *e);
/* The runner's callback: arg is the engine. */
void engine_runner_event(const struct runner_event *event, void *arg);
void engine_reload(struct engine *e, const struct engine_options *options);

/* --- turns -------------------------------------------------------------------------------------- */

/* When the next turn is due if nothing is marked before: whichever comes first. */
struct engine_next {
	int64_t wall_us; /* TIME_NEVER: no slot is known */
	struct boottime boot; /* heartbeat, poll, retry */
};

/* Does everything there is to do now. Never fails: what does not work is logged and tried again. */
void engine_turn(struct engine *e, struct engine_next *next);

/* Before a stop: nothing more is claimed, so that `starting` comes to 0 within some turns. A claim that
 * was left would be started by the next leader of ours, but closed as failed by Flowfile's. */
void engine_drain(struct engine *e);
/* Stop: what waits for its go is abandoned (and will be started by the next leader), the lease is given up. */
void engine_stop(struct engine *e);

/* --- for status, --once and tests ----------------------------------------------------------------- */

struct engine_status {
	bool leading;
	bool database_up;
	bool lock_known; /* the database said who holds the lock */
	bool settled; /* the last turn did all it meant to: nothing failed, nothing is left for at once */
	int64_t schedules, due, active_runs, our_runs;
	int64_t starting; /* runs claimed but not let go yet */
	int64_t launched, ended, failed; /* since start */
	int64_t turns;
	int64_t next_slot_us;
	int64_t renewed_boot_us; /* when the lease was last renewed; TIME_NONE: not held */
};
void engine_get_status(const struct engine *e, struct engine_status *out);

#endif
