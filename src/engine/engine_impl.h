/* The engine's inside, for its own files only. */
#ifndef FF_ENGINE_IMPL_H
#define FF_ENGINE_IMPL_H

#include "base/arena.h"
#include "core/decide.h"
#include "core/idmap.h"
#include "engine/engine.h"
#include "lease/lease.h"
#include "store/claim.h"
#include "store/load.h"

/* Launches claimed in one transaction: it stays far below the 5 s that Flowfile waits for a lock. */
#define CLAIMS_PER_TURN 256
/* Processes made in one turn: those that are ready by then are let go before the next are made. */
#define LAUNCHES_PER_TURN 32
/* Changes read in one go. */
#define CHANGES_PER_READ 2000
/* Cursors stored in one transaction; what is over that is stored when its row is read again. */
#define RESEEDS_MAX 5000
/* How often a claim that never started is tried before the run is closed as failed. */
#define ATTEMPTS_MAX 5

/*
 * A task: a run whose process this daemon looks after. It lives from the claim, or the adoption, until the
 * end is stored; longer than the world, which is cleared when it is in doubt.
 *
 *	claimed ─ launch ─▶ spawned ─ READY ─▶ ready ─ recorded, go ─▶ started ─ ENDED ─▶ ended ─ stored ─▶ gone
 *	   ▲                  │ FAILED                                  │ cancel
 *	   └── never started ─┴──────────▶ ended (spawn failed)         └─▶ cancelling ─ ENDED ─▶ ended
 */
struct task {
	int64_t run_id;
	enum run_state state;
	bool foreign; /* started by Flowfile: watched, not launched */
	bool spawn_failed;
	bool row_gone; /* its row was deleted and its id given to another run */
	bool wants_cancel;
	bool unstarted; /* ended: it certainly never ran, and nobody wanted that */
	int attempts;
	struct boottime born; /* when it was claimed: the wall clock may be set */
	struct boottime retry; /* claimed: not before; ready or ended: not stored before */
	struct proc_id shim, flow;
	struct run_exit exit;
	/* owned, what launching needs */
	char *flow_path, *cause;
	char *state_dir; /* owned: where its files are, once it is ready; NULL before */
	bool reclaim; /* claimed by a daemon that is gone, or never started: to be claimed again */
	int64_t flow_id, flow_id2, schedule_id; /* as in struct run_row */
};

/* A cursor that was seeded anew because its schedule was edited, to be stored. */
struct reseed {
	int64_t schedule_id, anchor_us, slot_us, triggered_us;
	char spec[512];
};

/* An object of the catalog: its kind as in scheduler_changes, and its id. */
struct about {
	char kind;
	int64_t id;
};

/* Another host that runs of ours are on: since when its daemons have not been heard of, by our boot clock. */
struct host_watch {
	char host[256];
	int64_t sign; /* instance_host_sign() */
	struct boottime since;
};

struct engine {
	struct engine_env env;
	/* options, owned copies */
	struct engine_options options;
	struct lease lease;
	struct world world;
	struct arena arena; /* of the turn */
	struct idmap tasks;
	struct idmap said; /* complaints made: see engine_complain() */
	struct idmap reported; /* without the lease: attempts whose end is told, by run */

	/* marks */
	bool changed, resync, reopen, reload_policy, draining;
	int64_t first_seq;
	struct runner_event *events;
	size_t n_events, cap_events;

	/* the turn */
	int64_t now_us;
	struct boottime boot;
	int64_t wall_minus_boot;
	bool loaded; /* the world is what the catalog was at `seq` */
	bool locals_adopted;
	int64_t seq; /* the last change read */
	int64_t schema_version;
	bool db_down;
	bool push_to_store;
	int64_t push_seen_us; /* when Flowfile was last seen to launch a table trigger */
	bool lease_known; /* the last look at the lock was answered */
	int db_failures;
	struct boottime db_retry, next_lease, next_poll, next_upkeep, next_instance;
	struct boottime next_host_upkeep;
	struct boottime retry; /* a database call failed: the next turn */
	struct boottime hold; /* no decision before: the world was found behind the catalog */
	int64_t next_decision_us;
	bool again; /* there is more to do at once */
	bool tables_changed; /* some were written: virtual ones that are made of them may have to be noted */
	bool sources_stale; /* what virtual tables are made of may be another now */
	struct boottime next_sources; /* not looked for before */

	/* ids to do something about, found while loading */
	int64_t *to_arm;
	size_t n_arm, cap_arm;
	struct reseed *to_reseed;
	size_t n_reseed, cap_reseed;
	struct host_watch *hosts;
	size_t n_hosts;
	int64_t *cancels; /* request ids of kind cancel and exited */
	size_t n_cancels, cap_cancels;
	struct about *
		put_off; /* what the database refused to write about: read again with the slow poll */
	size_t n_put_off, cap_put_off;

	int64_t launched, ended, failed, turns;
};

void ids_add(int64_t **ids, size_t *n, size_t *cap, int64_t id);

/* engine.c: a database call failed; decides what that means. Always returns -1. */
int engine_db_failed(struct engine *e, const char *what, const struct err *err);
bool engine_leads(const struct engine *e);

/* write.c */
/*
 * Something to be written about each item of an array, in one fenced transaction. If the database refuses what is in
 * one of them, the others are written without it (P12).
 */
struct writing {
	const char *what; /* "cannot ...", for the log */
	size_t size; /* of an item */
	/* The statements for one; may be called again after a rollback. */
	int (*work)(struct engine *e, void *item, struct err *err);
	/* They are committed. May be NULL. */
	void (*done)(struct engine *e, void *item);
	/* The database refuses them. NULL: a complaint is made about the object `kind`, whose id is at this place in
	 * the item, and it is read again with the slow poll. */
	void (*refused)(struct engine *e, void *item, const struct err *err);
	char kind;
	size_t id_at;
	bool without_lease; /* what a daemon that stands by may write */
};
/* 0: each is done or refused. -1: the database failed (engine_db_failed), and some may be done. */
int engine_write(struct engine *e, const struct writing *w, void *items, size_t n);
/* One number for an object, as the key of a map. */
int64_t engine_key(struct about about);
/* Logs a complaint about an object unless it was the last one made about it. */
void engine_complain(struct engine *e, struct about about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All is well with it again. */
void engine_no_complaint(struct engine *e, struct about about);

/* load.c */
int engine_load(struct engine *e);
int engine_read_changes(struct engine *e);
/* What was put off is read again. */
int engine_read_put_off(struct engine *e);
void engine_refresh_schedule(struct engine *e, int64_t id);
void engine_refresh_run(struct engine *e, int64_t id);
/* Runs of this host that an earlier daemon left. */
int engine_adopt_local(struct engine *e);

/* tasks.c */
struct task *task_get(const struct engine *e, int64_t run_id);
/* A task for a run as the catalog has it. */
struct task *task_from_run(struct engine *e, const struct active_run *run, enum run_state state);
/* Its run is in the world, whatever became of its row: its process is there (P8). */
void task_put_run(struct engine *e, const struct task *t);
void task_drop(struct engine *e, struct task *t);
/* Whether this daemon has told the leader how the attempt ended. */
bool task_is_reported(const struct engine *e, int64_t run_id, int64_t attempt);
void tasks_free(struct engine *e);
/* Takes what the runner said. */
void tasks_take_events(struct engine *e);
/* Launches what is claimed and due for a try. */
void tasks_launch(struct engine *e);
/* Stores what became of tasks: records, ends, failed spawns. */
int tasks_store(struct engine *e);
/* A daemon that does not lead: abandons what did not start, reports what ended. */
int tasks_stand_down(struct engine *e);
void task_cancel(struct engine *e, struct task *t);
/* What the world must hold of an active run, and a task for it if it is ours to look after. */
void task_meet(struct engine *e, const struct active_run *run);

/* requests.c */
/* Cancels and reported exits. */
int engine_take_requests(struct engine *e);
/* Requests for flows that run already. */
int engine_refuse(struct engine *e, const struct decision *d);
/* Gives up runs of hosts that have not been heard of for long. */
int engine_check_hosts(struct engine *e);
int engine_act_on_runs(struct engine *e, const struct decision *d);

/* launch.c */
int engine_claim(struct engine *e, const struct decision *d);
int engine_spawn(struct engine *e, struct task *t, struct err *err);

/* --- for /metrics (figures.c) --- */
void figures_claimed(const struct engine *e, const struct launch *l, const struct claim *c);
void figures_ended(const struct task *t);

#endif
