/*
 * The simulator: the real engine, core, lease and SQLite store in one thread, around them a world that
 * is made up: clocks, hosts, processes, daemons that crash, Flowfile's own scheduler, people and
 * programs that write. Design section 13; doc/simulation.md is for its readers.
 *
 *	recipe.c   what a world is made of, by name   shrink.c  a failure with less of it
 *	cover.c    what was seen
 *	main.c     seeds, options, what is printed        scene.c   one world from a seed, its phases
 *	sim.c      time, events, random numbers, trace    sql.c     the database as other programs see it
 *	host.c     hosts, processes, shims, exit files    daemon.c  daemons of ours: turns, faults, crashes
 *	runner.c   the runner of a daemon                 peer.c    Flowfile's scheduler and its push path
 *	actors.c   writers, users, the designer           judge.c   the promises
 *	truth.c    what must happen: writes and slots, kept apart from the program's own books
 *	virtual.c  virtual tables: what they are computed from, and that writes of it reach them
 *
 * Nothing here looks at a real clock or a real random number: a seed is a world.
 *
 * Owner of everything: struct sim, freed at the end of the seed.
 */
#ifndef FF_SIM_H
#define FF_SIM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/tz.h"
#include "engine/engine.h"
#include "recipe.h"
#include "runner/runner.h"
#include "store/db.h"

#define HOSTS_MAX 2
#define DAEMONS_MAX 5
#define FLOWS_MAX 64
#define TABLES_MAX 16
#define SCHEDS_MAX 600
#define WATCH_MAX 4
#define TRACE_LINES 400

struct sim;
struct daemon;
struct host;

/* --- random numbers: xoshiro256**, seeded by splitmix ------------------------------------------- */

struct rng {
	uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
int64_t rng_below(struct rng *r, int64_t n); /* 0 .. n-1 */
int64_t rng_range(struct rng *r, int64_t lo, int64_t hi); /* lo .. hi */
bool rng_chance(struct rng *r, double p);
/* A wait of the given mean, exponentially distributed, at least 1 us and at most 20 means. */
int64_t rng_wait(struct rng *r, int64_t mean_us);

/* One for each kind of deciders, so that fewer of one kind leave the others as they were. */
enum stream {
	STREAM_RECIPE,
	STREAM_FAULTS,
	STREAM_DAEMONS,
	STREAM_PROCESSES,
	STREAM_PEOPLE,
	STREAM_PEER,
	STREAMS
};

/* --- events ------------------------------------------------------------------------------------- */

typedef void (*event_cb)(struct sim *s, void *what, int64_t arg);

struct event {
	int64_t at;
	uint64_t order;
	event_cb cb;
	void *what;
	int64_t arg;
};

/* --- hosts and processes ------------------------------------------------------------------------- */

enum shim_phase { SHIM_STARTING, SHIM_READY, SHIM_GOING, SHIM_GONE };
enum flow_phase { FLOW_NONE, FLOW_WAITING, FLOW_RUNNING, FLOW_LINGERING, FLOW_GONE };

/* The processes of one attempt at a run: a shim, a flow and what the flow left in its group. */
struct proc {
	LIST_ENTRY(proc) link; /* of its host; kept until the end of the world */
	struct sim *s;
	struct host *host;
	int64_t run_id, flow_id;
	int attempt, folder;
	bool foreign; /* started by Flowfile: no shim */
	enum shim_phase shim_phase;
	enum flow_phase flow_phase;
	struct proc_id shim, flow;
	struct daemon *owner; /* the daemon at the other end of the control socket */
	int owner_life;
	bool going; /* the word go is on its way */
	bool told; /* its shim said how it ended to who launched it */
	bool born_cancelled; /* launched when its cancel had been accepted already */
	bool left; /* the other end of the socket is closed */
	/* fate */
	bool spawn_fails, exec_fails, shim_dies_early, ignores_term, closes_row, writes_late;
	int64_t duration_us, linger_us;
	int code;
	int write_table; /* index of a table that it writes when it ends, or -1 */
	/* what happened */
	bool termed, killed, row_closed;
	int grace_ms;
	int64_t started_T;
	struct run_exit exit;
};

struct disk_file { /* of an attempt at a run: the mark "started" and the exit file */
	struct disk_file *next; /* of the same run */
	int attempt, folder;
	bool marked, exited;
	struct run_exit exit;
	int64_t started_us, marked_T;
};

struct host {
	struct sim *s;
	int id;
	char name[16];
	char boot_id[37];
	int boots;
	int64_t boot_T; /* when it was booted */
	int64_t skew_us; /* of its wall clock against sim->wall_step_us */
	bool up;
	struct clock clock;
	int64_t full_until; /* the disk */
	LIST_HEAD(, proc) procs, dead; /* the dead are kept: events may still name them */
	pid_t next_pid;
	uint64_t next_start;
	struct disk_file **files; /* by run id */
	size_t n_files;
};

/* --- daemons ------------------------------------------------------------------------------------- */

struct guard {
	struct daemon *d;
};

/* One run in the hand of a daemon's runner. */
struct job_entry {
	LIST_ENTRY(job_entry) link;
	int64_t run_id;
	struct proc *proc; /* NULL: adopted, and there is no process of it */
	int attempt, folder;
	bool rebooted, watched, cancelled, killed, adopted;
	bool ended; /* its end is on the way to the engine */
	bool looked_at; /* there was no descriptor to watch it by */
	int64_t kill_order;
};

struct runner {
	struct daemon *d;
	LIST_HEAD(, job_entry) jobs;
};

struct daemon {
	struct sim *s;
	int id;
	struct host *host;
	bool up;
	int life; /* counts starts */
	int rules; /* which data of the zones it has read */
	int64_t no_fds_until; /* all its descriptors are taken */
	bool storing_sources; /* of virtual tables */
	bool dead; /* it has crashed: whatever it still does has no effect */
	bool in_turn, wake_pending, hint_pending, hint_due, changed_late;
	bool gracious; /* stops rather than crashes */
	struct engine *engine;
	struct db *db;
	struct guard guard;
	bool has_guard;
	struct runner runner;
	char holder[33];
	uint64_t wake_order;
	int64_t wake_T;
	int64_t outage_from, outage_until;
	int64_t trouble_T; /* the last fault that befell it */
	/* P13 */
	int64_t turns, steps, vm_ops, causes;
	int64_t same_instant, last_turn_T;
	int64_t turn_wall_us; /* the last turn's now */
	int64_t calm_T, calm_turns, calm_steps, calm_vm_ops, calm_causes;
};

/* --- the truth about the catalog --------------------------------------------------------------- */

enum sched_kind { KIND_INTERVAL, KIND_CRON, KIND_TABLE, KIND_SET };

struct sflow {
	int64_t id;
	char uuid[40];
	bool registered;
	int n_open, n_active; /* rows; rows or processes */
	int64_t free_T; /* since when none of its runs is active */
	int64_t min_duration_us, max_duration_us;
	bool slow_death; /* ignores TERM */
	bool closes_row;
	int writes; /* a table, or -1 */
	int exec_failures; /* in 1000 */
};

struct stable {
	int64_t id;
	bool exists;
	int64_t writes; /* order of the last write */
	int64_t own; /* the same, without those that are of its sources */
	int64_t write_T, own_T;
	int64_t stamp_us;
	bool stamp_fraction;
	/* virtual ones */
	bool is_virtual;
	bool by_flow; /* a flow's file says what it reads; else its query, which is in its row */
	uint32_t reads; /* bits of tables */
	uint32_t was; /* what it was computed from since that was last stored */
	bool redone; /* what it is computed from has changed since a write of it was noted */
	int64_t known_T; /* by when the engine must know what it reads */
	int64_t file_us, file_T; /* when its flow's file was changed; wall, T */
	int64_t covered; /* order of the last commit that noted writes of its sources */
};

struct sched {
	int64_t id;
	bool exists, enabled, bad;
	enum sched_kind kind;
	int flow; /* index */
	int owner; /* index */
	/* slots */
	int64_t interval_us;
	int expr, zone; /* of truth.c's tables */
	int rules; /* of the zone: truth_use_rules() */
	int64_t cursor_us; /* slots up to here are dealt with (wall) */
	bool cursor_known; /* false after something that the model does not follow: until the next firing */
	int64_t next_us; /* cached next slot after cursor_us; TIME_NONE: not computed */
	/* data */
	int n_watches;
	int watches[WATCH_MAX];
	int64_t consumed[WATCH_MAX];
	/* liveness */
	int64_t changed_T; /* last time somebody edited, enabled, made it */
	int64_t fired_T;
	int64_t *slots; /* fired ones, for P4 */
	size_t n_slots, cap_slots;
};

struct suser {
	int64_t id;
	bool enabled;
};

/* What the judge knows of a run, by its id. */
struct jrun {
	bool seen, ours, open, ended, success, designer;
	bool active; /* its row is open, or a process of it lives */
	bool cancel_asked;
	int64_t flow_id, sched_id, request_id;
	int64_t claimed_T, closed_T, gone_T;
	int starts, attempts;
	int64_t start_T;
	bool cancel_sent; /* the engine told it to end while it ran */
	bool core_cancelled; /* Flowfile's cancel closed its row */
	bool spawn_failed; /* the simulated shim said that it could not be started */
	bool lost; /* something happened after which its end cannot be known */
	bool deleted; /* somebody deleted its row */
	/* the last claim of it: which attempt that made, whose it was, whether a launch followed */
	int64_t attempt, attempt_T;
	char state; /* of its attempt, as stored: (c)laimed, (r)ecorded, (e)nded; 0: not known */
	const struct daemon *attempt_by;
	int attempt_life;
	bool attempt_launched;
	struct proc *proc; /* last one */
};

/* --- the world ---------------------------------------------------------------------------------- */

/* What may go wrong in this world, per opportunity or mean time. 0: never. */
struct faults {
	double busy, lost, unknown; /* per step, per step, per commit */
	double odd; /* per step: it fails for no reason that the program knows */
	double refuse_request; /* per request: its row cannot be changed */
	double crash_step, crash_runner; /* per database step, per runner action */
	double stall; /* per opportunity */
	int64_t stall_max_us;
	double hint_lost, hint_doubled;
	double spawn_error, spawn_fails, shim_dies_early;
	double regret; /* per claim: its cancel is asked for at once */
	int64_t crash_every_us, restart_every_us, outage_every_us, clock_step_every_us;
	int64_t reboot_every_us, shim_kill_every_us, suspend_every_us, refuse_every_us;
	int64_t disk_full_every_us, no_fds_every_us;
	int64_t zones_at_us; /* when the data of the zones is changed; 0: never */
};

/* A row that the database refuses to change for daemons: a run (r), schedule (s) or request (q). */
#define REFUSED_MAX 8
struct refused {
	char table;
	int64_t id;
};

enum phase { PHASE_CHAOS, PHASE_HEALING, PHASE_CALM, PHASE_OVER };

/* What is printed of a world. */
enum telling {
	TELL_NOTHING,
	TELL_LAST, /* what led to its failure */
	TELL_STORY, /* who did what when, as it goes */
	TELL_ALL /* what daemons log, too */
};

struct trace_line {
	int64_t T;
	char text[200];
};

struct sim {
	uint64_t seed;
	const struct recipe *recipe;
	double used[INGREDIENTS];
	struct rng rngs[STREAMS];
	uint64_t renewed[STREAMS];
	int64_t happenings; /* counts them */
	int64_t T; /* true time, microseconds since the world began */
	int64_t base_us; /* wall time at T = 0 */
	int64_t wall_step_us; /* what steps of the clock have added */
	struct event *events;
	size_t n_events, cap_events;
	uint64_t order;
	int depth; /* of stalls within stalls */

	enum phase phase;
	int64_t chaos_until, calm_from, until;
	bool healthy; /* a world without faults */
	bool clock_stepped;
	int rules; /* the zones' data on disk */
	struct faults faults;
	int64_t trouble_T; /* the last fault of any kind */

	struct host hosts[HOSTS_MAX];
	int n_hosts;
	struct host *here; /* whose clock the database sees now */
	struct daemon daemons[DAEMONS_MAX];
	int n_daemons;
	struct daemon *guard_holder;
	char lock_of; /* (d)aemon, (p)eer, 0 nobody */
	char lock_holder[40];
	struct daemon *author; /* whose statements run; NULL: another program */
	struct engine_options options;
	int64_t lost_hints_until;

	sqlite3 *sql;
	struct db *db; /* the first handle */

	struct sflow flows[FLOWS_MAX];
	int n_flows;
	struct stable tables[TABLES_MAX];
	int n_tables;
	struct sched scheds[SCHEDS_MAX];
	int n_scheds;
	struct suser users[3];
	bool paused;
	int64_t paused_T;
	int64_t commits; /* counts commits: the order of what happened */
	int64_t sources_changes; /* of what virtual tables are computed from */
	bool sources_known; /* that was stored once */
	int64_t sources_commit; /* up to which nothing was passed on, as it was not known */

	/* changes of the open transaction, by the update hook */
	struct touched {
		int op;
		char table;
		int64_t rowid;
	} touched[1 << 16];
	size_t n_touched;
	bool touched_overflow;

	struct arena arena; /* messages on their way */
	int64_t active[2000]; /* ids of active runs */
	int n_active, n_ours_active;
	int64_t place_T; /* since when there is a place */
	int64_t request_T; /* the last request */
	bool requests_done; /* all up to now are answered */
	struct refused refused[REFUSED_MAX];
	int n_refused;
	int64_t relived_us; /* wall times up to here have been before a step back */
	int64_t max_wall_us; /* the wall clock's highest */
	bool idle; /* nothing happens in this world: P13 is measured */
	struct jrun *runs; /* by id */
	size_t n_runs;

	/* peer */
	bool peer_on;
	bool peer_up;
	char peer_holder[16];
	bool push;
	int64_t peer_next_T;
	bool upstream_ever; /* Flowfile itself has started runs here */

	/* statistics */
	int64_t n_claims, n_starts, n_foreign, n_crashes, n_turns, n_steps, n_slots_checked;
	int64_t n_faults, n_done; /* n_done: events */

	bool failed;
	char promise[8];
	char message[400];
	bool tracing;
	enum telling telling;
	struct trace_line *trace;
	size_t n_trace;
	int64_t n_told; /* lines of the story */
};

/* --- sim.c -------------------------------------------------------------------------------------- */

void sim_at(struct sim *s, int64_t at, event_cb cb, void *what, int64_t arg);
void sim_in(struct sim *s, int64_t delay_us, event_cb cb, void *what, int64_t arg);
/* Runs events up to T = until; used by the main loop and, nested, by stalls. */
void sim_run_until(struct sim *s, int64_t until);
void sim_trace(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define TRACE(s, ...)                                                                              \
	do {                                                                                       \
		if ((s)->tracing)                                                                  \
			sim_trace((s), __VA_ARGS__);                                               \
	} while (0)
/* A promise is broken: the first one counts, the world stops. */
void sim_fail(struct sim *s, const char *promise, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Something went wrong on purpose. */
void sim_trouble(struct sim *s, struct daemon *d);
int64_t sim_wall(const struct sim *s); /* of the host that is at work */
bool sim_faulty(const struct sim *s); /* faults may happen now */
/* Something happens that a recipe may leave out: false. */
bool sim_happens(struct sim *s);
/* The same for an act of a stream: what it draws does not depend on the acts before it. */
bool sim_acts(struct sim *s, enum stream stream);
void sim_renew(struct sim *s, enum stream stream);
/* A fault that strikes with this probability. */
bool sim_strikes(struct sim *s, double p);

/* --- cover.c ------------------------------------------------------------------------------------ */

/* What is counted over all worlds. */
enum cover {
	COVER_CLAIMED,
	COVER_CLAIMED_AGAIN,
	COVER_CLAIM_TAKEN_OVER,
	COVER_RECORDED,
	COVER_RECORDED_AGAIN,
	COVER_CLAIM_ENDED,
	COVER_ENDED,
	COVER_GONE,
	COVER_ABANDONED,
	COVER_STARTED,
	COVER_ADOPTED_OWN,
	COVER_ADOPTED_OTHER,
	COVER_ADOPTED_REBOOTED,
	COVER_WATCHED,
	COVER_CANCELLED_WAITING,
	COVER_CANCELLED,
	COVER_KILLED,
	COVER_SUCCESS,
	COVER_FAILURE,
	COVER_CLOSED_BY_FLOW,
	COVER_DELETED,
	COVER_LOST,
	COVER_LEASE_TAKEN,
	COVER_LEASE_OVER,
	COVER_LEASE_TO_PEER,
	COVER_LEASE_FROM_PEER,
	COVER_LEASE_FREE,
	COVER_INTERVAL,
	COVER_CRON,
	COVER_TABLE,
	COVER_TABLE_VIRTUAL,
	COVER_SET,
	COVER_SLOTS_TOGETHER,
	COVER_BY_FLOWFILE,
	COVER_REQUEST,
	COVER_UNKNOWN_MADE,
	COVER_UNKNOWN_LOST,
	COVER_PASSED_ON,
	COVER_ZONES,
	COVERS
};
void cover(enum cover what);
enum step_fate { STEP_MADE, STEP_DIED, STEP_FAILED };
void cover_step(const char *name, enum step_fate fate);
/* Which were never seen; all: and how often the others were. */
void cover_print(bool all);

/* --- shrink.c ----------------------------------------------------------------------------------- */

/* Leaves out of a world that breaks a promise what is not needed for that; tells what is left. False: it breaks none. */
bool shrink(const struct recipe *recipe, enum telling telling);

/* --- sql.c -------------------------------------------------------------------------------------- */

/* Opens the world's database: a copy of a catalog that is made once. */
void sql_open(struct sim *s);
void sql_close(struct sim *s);
/* Other programs' statements, each committed at once unless inside BEGIN. sqlite3_mprintf formats. */
void sql_exec(struct sim *s, const char *fmt, ...);
int64_t sql_int(struct sim *s, int64_t none, const char *fmt, ...);
/* From now on daemons cannot change this row, nor what belongs to it; or they can again. */
void sql_refuse(struct sim *s, char table, int64_t id);
void sql_refuse_no_more(struct sim *s, char table, int64_t id);
bool sql_is_refused(const struct sim *s, char table, int64_t id);
/* The text form of a wall time, from a ring of buffers. */
const char *sql_stamp(int64_t us);
void sql_forget_template(void);

/* --- host.c ------------------------------------------------------------------------------------- */

void host_init(struct sim *s, int id);
void host_free(struct host *h);
void host_reboot(struct host *h);
int64_t host_wall(const struct host *h);
struct disk_file *host_file(struct host *h, int64_t run_id, int attempt, int folder);
void host_forget_files(struct host *h, int64_t run_id, int attempt, int folder);
struct proc *
host_launch(struct host *h, struct daemon *owner, const struct launch_spec *spec, int64_t flow_id);
struct proc *host_start_foreign(struct host *h, int64_t run_id, int64_t flow_id);
void proc_go(struct proc *p);
void proc_leave(struct proc *p); /* the daemon's end of the socket is closed */
void proc_term(struct proc *p); /* TERM to the pid that is recorded: the shim, or a foreign flow */
void proc_kill_group(struct proc *p);
void proc_kill_shim(struct proc *p);
/* Whether something that is written to its disk now fails. */
bool host_is_full(struct host *h);
bool proc_flow_lives(const struct proc *p);
bool proc_lives(const struct proc *p); /* anything of it */
struct proc *host_find(struct host *h, pid_t pid, uint64_t start); /* start 0: any */
struct proc *host_find_flow(struct host *h, pid_t pid);

/* --- runner.c ----------------------------------------------------------------------------------- */

extern const struct runner_ops sim_runner_ops;
void runner_init(struct runner *r, struct daemon *d);
/* Which folder its shims write to: another one after each start. */
int runner_folder(const struct daemon *d);
void runner_clear(struct runner *r);
bool runner_has(struct runner *r, int64_t run_id);
/* Something became of a process. */
void runner_proc_ready(struct proc *p);
void runner_proc_failed(struct proc *p, const char *why);
void runner_proc_gone(struct proc *p);

/* --- daemon.c ----------------------------------------------------------------------------------- */

void daemon_init(struct sim *s, int id, struct host *h, bool guard);
void daemon_start(struct daemon *d);
void daemon_crash(struct daemon *d);
void daemon_stop(struct daemon *d);
void daemon_wake(struct daemon *d, int64_t delay_us);
/* The clock was stepped, or the host was suspended: timers are looked at again. */
void daemons_clock_changed(struct sim *s);
/* Tells daemons that somebody committed. */
void daemons_hint(struct sim *s, const struct daemon *but);
void daemons_start_chaos(struct sim *s);
/* Faults at the point between two actions; may stall (others act meanwhile) or mark it dead. */
bool daemon_may_stall(struct daemon *d);
void daemon_maybe_die(struct daemon *d, double p, const char *where);
struct daemon *daemon_leading(struct sim *s);

/* --- scene.c, actors.c, peer.c ------------------------------------------------------------------ */

/* The recipe is borrowed until scene_destroy(). */
struct sim *scene_create(const struct recipe *recipe, enum telling telling);
void scene_run(struct sim *s);
void scene_destroy(struct sim *s);
void scene_heal(struct sim *s);

void actors_populate(struct sim *s);
void actors_start(struct sim *s);
bool actor_write_table(struct sim *s, int table, struct proc *by); /* false: it was rolled back */
/* A daemon committed a claim. */
void actor_claimed(struct sim *s, int64_t id);
void peer_start(struct sim *s);
void peer_push(struct sim *s, int table);
struct proc *peer_launch(struct sim *s, int sched, const char *run_type, int64_t flow);

/* --- truth.c ------------------------------------------------------------------------------------ */

extern const char *const truth_exprs[];
extern const int truth_n_exprs;
extern const char *const truth_zones[];
extern const int truth_n_zones;
const struct tz *truth_zone(const char *name, void *arg, struct err *err);
void truth_free_zones(void);
/* By which data of the zones its slots are from now on: 0 the old, 1 the changed. */
void truth_use_rules(struct sched *x, int rules);
/* The first slot strictly after an instant, by trying each minute; TIME_NEVER within two years. */
int64_t truth_next(const struct sched *x, int64_t after_us);
/* How many slots lie in (after, until]; stops at max. The last of them in *last. */
int64_t
truth_count(const struct sched *x, int64_t after_us, int64_t until_us, int64_t max, int64_t *last);
struct sched *truth_sched(struct sim *s, int64_t id);
struct sflow *truth_flow(struct sim *s, int64_t id);
struct jrun *truth_run(struct sim *s, int64_t id);
bool truth_fired(const struct sched *x, int64_t slot_us);
/* Since when the schedule could launch, T; TIME_NEVER while it need not. */
int64_t truth_due(struct sim *s, struct sched *x);
void truth_written(struct sim *s, int table);
void truth_arm(struct sim *s, struct sched *x);
/* A scheduled run of it was inserted. */
void truth_consumed(struct sim *s, struct sched *x);

/* --- virtual.c ---------------------------------------------------------------------------------- */

/* Around anything that changes what virtual tables are computed from. Silently: nothing in the catalog says so. */
void virtual_will_change(struct sim *s);
void virtual_changed(struct sim *s, int table, bool silently);
/* The engine's find_sources; arg is the daemon. */
bool virtual_find_sources(void *arg);
/* A daemon committed; before the judge forgets what was touched. */
void virtual_committed(struct sim *s, struct daemon *d);
void virtual_sweep(struct sim *s);

/* --- judge.c ------------------------------------------------------------------------------------ */

void judge_touch(struct sim *s, int op, const char *table, int64_t rowid); /* the update hook */
void judge_before_commit(struct sim *s, struct daemon *d);
void judge_committed(struct sim *s, struct daemon *d);
void judge_rolled_back(struct sim *s);
void judge_flow_started(struct proc *p);
void judge_flow_gone(struct proc *p);
void judge_launch(struct daemon *d, int64_t run_id);
void judge_go(struct daemon *d, const struct proc *p);
void judge_signal(struct daemon *d, struct proc *p);
void judge_spawn_failed(struct proc *p);
void judge_after_turn(struct daemon *d);
void judge_sweep(struct sim *s);
void judge_calm_begins(struct sim *s);
void judge_over(struct sim *s);

#endif
