/*
 * The world: what the engine knows of schedules, tables, requests and active runs, in memory, indexed so
 * that a decision costs what is due and what changed, never what exists (promise P13).
 *
 * The database is the truth and the world its copy: rows are put in as they are read, and whatever is
 * in doubt is read again. The core touches nothing else: no clock, no database, no process. Instants are
 * wall microseconds and come in as arguments.
 *
 * Every job (a schedule, or a request to run a flow now) is in exactly one place:
 *
 *	JOB_OFF       disabled, or its row makes no sense
 *	JOB_IDLE      nothing due; slot schedules are in `timers`, keyed by their next slot
 *	JOB_READY     due; in `ready`, first come first served by the instant it became due
 *	JOB_WAITING   due, but its flow has an active run: on the flow's list
 *	JOB_CLAIMING  in the decision that is being applied
 *	JOB_BLOCKED   due, but cannot launch until something else changes: on `blocked`
 *
 * Owner: the engine (or a test). Everything put in is copied.
 */
#ifndef FF_CORE_WORLD_H
#define FF_CORE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/err.h"
#include "core/cron.h"
#include "core/heap.h"
#include "core/idmap.h"
#include "core/tz.h"

enum schedule_type { SCHEDULE_INTERVAL, SCHEDULE_CRON, SCHEDULE_TABLE, SCHEDULE_TABLE_SET };

enum job_kind { JOB_SCHEDULE, JOB_REQUEST };
enum job_place { JOB_OFF, JOB_IDLE, JOB_READY, JOB_WAITING, JOB_CLAIMING, JOB_BLOCKED };

/* Why a due job cannot launch. */
enum block_reason {
	BLOCK_NONE,
	BLOCK_FLOW_GONE, /* its flow is not registered any more */
	BLOCK_OWNER_DISABLED, /* contract D-35 */
	BLOCK_OWNER_GONE,
};
const char *block_reason_text(enum block_reason reason);

struct job {
	struct heap_node node; /* in timers or ready */
	TAILQ_ENTRY(job) link; /* in a flow's waiting list or in blocked */
	int64_t id;
	int64_t flow_id;
	int64_t owner_id;
	int64_t due_us; /* when it became due; TIME_NEVER while it is not */
	uint8_t kind, place;
};
TAILQ_HEAD(job_list, job);

/* A table that at least one schedule watches. */
struct table {
	int64_t id;
	int64_t last_seq; /* of its last journalled write */
	int64_t last_write_us; /* when that was */
	int64_t generation; /* see scheduler_tables */
	bool exists;
	LIST_HEAD(, watch) watches;
};

/* One schedule's eye on one table. */
struct watch {
	struct schedule *schedule;
	struct table *table;
	LIST_ENTRY(watch) link; /* in table->watches */
	int64_t consumed; /* the last seq a run consumed; -1: not armed yet */
	int64_t generation; /* of the table it was armed on */
	int64_t pending_us; /* when the first write not consumed was made; TIME_NEVER: none is */
};

struct schedule {
	struct job job;
	int64_t interval_us; /* interval */
	int64_t anchor_us; /* interval: the phase of its slots */
	struct cron *cron; /* cron, owned */
	const struct tz *tz; /* cron, borrowed from the zone callback */
	int64_t slot_us; /* slots up to here are dealt with */
	int64_t next_us; /* the next slot after slot_us; TIME_NEVER: none */
	int64_t fired_us; /* last_triggered_at, TIME_NONE if never */
	uint64_t spec_hash; /* of schedule_spec(), to notice that the row was edited */
	uint64_t bad_hash; /* of the complaint last made about the row, so that it is made once */
	struct watch *watches; /* owned */
	uint16_t n_watches;
	uint8_t type;
	bool enabled;
};

/* A row of flow_schedules with what we keep beside it. Text is borrowed for the call. */
struct watch_row {
	int64_t table_id;
	int64_t consumed; /* -1: not armed */
	int64_t generation;
	int64_t pending_us; /* when the first write after consumed was made; TIME_NEVER */
	/* the table itself */
	bool exists;
	int64_t last_seq, last_write_us, table_generation;
};

struct schedule_row {
	int64_t id, flow_id, owner_id;
	bool enabled;
	const char *type;
	int64_t interval_s; /* 0: NULL */
	const char *cron_expression, *cron_timezone;
	int64_t last_triggered_us, created_us, updated_us; /* TIME_NONE: NULL */
	const char *unreadable; /* the name of a column that could not be read, or NULL */
	/* scheduler_cursors; spec NULL: no row */
	const char *cursor_spec;
	int64_t cursor_anchor_us, cursor_slot_us, cursor_triggered_us;
	const struct watch_row *watches;
	size_t n_watches;
};

/* Runs. */
enum run_origin {
	RUN_OURS, /* launched by a daemon of ours */
	RUN_FOREIGN, /* by Flowfile: its scheduler, its core, its push path */
	RUN_DESIGNER, /* in_designer_run, inside Flowfile's core */
};

enum run_state {
	RUN_CLAIMED, /* the row is committed; no process yet */
	RUN_SPAWNED, /* the shim was asked for */
	RUN_READY, /* the shim answered and waits */
	RUN_STARTED, /* recorded, then let go */
	RUN_CANCELLING, /* told to end */
	RUN_ENDED, /* gone; the store does not know yet */
	RUN_ELSEWHERE, /* active, but not watched by this process */
};

/* What may have to be done about a run when its time has come. */
enum run_act {
	RUN_ACT_NONE,
	RUN_ACT_CANCEL, /* older than run_max_age: end it */
	RUN_ACT_CLOSE_PIDLESS, /* no process was ever recorded (contract 4.11) */
	RUN_ACT_CLOSE_DESIGNER, /* left open by a core that died (contract D-19) */
};

struct run_row {
	int64_t id;
	int64_t flow_id; /* by registration_id; 0: none */
	int64_t flow_id2; /* by flow_uuid; 0: none */
	enum run_origin origin;
	bool has_pid;
	int64_t started_us;
};

struct run {
	struct heap_node node; /* in `deadlines` */
	int64_t id;
	int64_t flow_ids[2]; /* what it keeps busy; 0: nothing */
	int64_t started_us;
	uint8_t origin, state;
	uint8_t deadline_act; /* what is to be done when it comes up in `deadlines` */
	bool has_pid;
	LIST_ENTRY(run) links[2]; /* in the flows' run lists */
};

/* A flow that is busy or waited for; others are not kept. */
struct flow {
	int64_t id;
	LIST_HEAD(, run) runs[2]; /* active, by run->links[i] */
	struct job *claiming;
	struct job_list waiting;
};

/* What bounds launching and running; 0 switches a limit off. */
struct policy {
	int64_t max_concurrent_runs;
	int64_t trigger_min_gap_us;
	int64_t run_max_age_us;
	int64_t run_start_grace_us;
	int64_t designer_run_max_age_us;
	bool reap_foreign;
};

typedef const struct tz *(*zone_cb)(const char *name, void *arg, struct err *err);

struct world {
	struct policy policy;
	zone_cb zone;
	void *zone_arg;
	struct idmap schedules, requests, tables, flows, runs;
	struct heap timers, ready, deadlines;
	struct job_list blocked;
	int64_t n_ours; /* active runs of ours: what max_concurrent_runs counts */
	int64_t n_due; /* jobs that are ready, waiting or blocked */
	bool paused;
	int64_t push_until_us; /* Flowfile's push path is at work here: see world_note_push() */
};

void world_init(struct world *w, const struct policy *policy, zone_cb zone, void *zone_arg);
/* Forgets everything but policy and zones. */
void world_clear(struct world *w);
void world_free(struct world *w);
/* A reload: run deadlines and waiting jobs are planned anew. */
void world_set_policy(struct world *w, const struct policy *policy, int64_t now_us);

/* --- rows as they are read --------------------------------------------------------------------- */

/*
 * Puts in or replaces a schedule. A row that makes no sense is kept as JOB_OFF: returns -1 with err when that is news
 * (say it once), 0 otherwise. *reseed is set when the row was edited since its cursor was stored and the
 * new cursor (schedule->anchor_us, slot_us) should be stored (contract D-06).
 */
int world_put_schedule(struct world *w, const struct schedule_row *row, int64_t now_us,
	bool *reseed, struct err *err);
void world_drop_schedule(struct world *w, int64_t id);
/* A table's last write, or that it is gone (exists false). Tables nobody watches are not kept. */
void world_put_table(struct world *w, int64_t id, bool exists, int64_t last_seq,
	int64_t last_write_us, int64_t generation, int64_t now_us);
void world_put_request(
	struct world *w, int64_t id, int64_t flow_id, int64_t user_id, int64_t created_us);
void world_drop_request(struct world *w, int64_t id);
/* Puts in or updates an active run. state is kept for a run that is there already. Returns it. */
struct run *world_put_run(struct world *w, const struct run_row *row, enum run_state state);
/* The run's row is closed, its flow is free. */
void world_end_run(struct world *w, int64_t id);
struct run *world_run(const struct world *w, int64_t id);
void world_set_run_state(struct world *w, struct run *r, enum run_state state);
struct schedule *world_schedule(const struct world *w, int64_t id);
/* Some run of ours or others that keeps the flow busy; NULL: free. */
struct run *world_flow_run(const struct world *w, int64_t flow_id);
/* What blocked jobs may have waited for: the flow or the user changed. */
void world_flow_changed(struct world *w, int64_t flow_id);
void world_user_changed(struct world *w, int64_t user_id);
/*
 * Flowfile itself was seen to launch a table trigger. Its push path looks for an active run, then inserts its own,
 * unprotected (contract 4.10, D-04): whoever is quicker than it makes two runs of one flow. So for a week we leave
 * it a moment after each write; if it launches, its run consumes the write.
 */
void world_note_push(struct world *w, int64_t seen_us);
/* Lets every blocked job try again: the slow poll does, behind the two above. */
void world_unblock_all(struct world *w);
/* The wall clock stepped: slots are planned anew, ages of runs keep their length. */
void world_clock_stepped(struct world *w, int64_t now_us, int64_t delta_us);

/* --- the outcome of a launch that decide() asked for ------------------------------------------- */

/* Not now (the transaction failed): it stays due. Also for a run that will be read from the store. */
void world_launch_retry(struct world *w, enum job_kind kind, int64_t id);
/* Not before its flow or owner changes, or world_unblock_all(). */
void world_launch_blocked(struct world *w, enum job_kind kind, int64_t id);

/* --- for decide() ------------------------------------------------------------------------------ */

/* Its timer has come: it is placed anew. */
void world_schedule_due(struct world *w, struct schedule *s, int64_t now_us);
void world_job_claim(struct world *w, struct job *job);
void world_job_wait(struct world *w, struct job *job);
bool world_flow_claimed(const struct world *w, int64_t flow_id);

/* --- for people: why a schedule does not run ---------------------------------------------------- */

/* "interval:300", "cron:0 2 * * *|Europe/Amsterdam", "table:", "set:": what slots come from. */
void schedule_spec(const struct schedule_row *row, char *out, size_t size);
uint64_t schedule_spec_hash(const char *spec);
/* The type's name in the database, and back (-1: unknown). */
const char *schedule_type_name(enum schedule_type type);
int schedule_type_parse(const char *name);

#endif
