#include "engine/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine_impl.h"
#include "store/fence.h"
#include "store/runs.h"
#include "store/schema.h"
#include "store/sources.h"

#define STANDBY_US US_PER_SEC /* how often a standby looks at the lock */
#define RETRY_US (100 * US_PER_MS) /* after a transaction that failed */
#define RECONNECT_MAX_US (5 * US_PER_SEC)
#define UPKEEP_US US_PER_HOUR /* contract 2.1: log sweep interval */
#define UPKEEP_FIRST_US (10 * US_PER_MIN) /* after the start: the clock may still be set */
#define PRUNE_ROWS 5000 /* deleted in one transaction */
#define STEP_US US_PER_SEC /* a smaller jump of the wall clock is not a step */

/* --- options ------------------------------------------------------------------------------------ */

static void
options_free(struct engine_options *o)
{
	free((char *)o->run_command);
	free((char *)o->log_dir);
	for (size_t i = 0; o->env && o->env[i]; i++)
		free((char *)o->env[i]);
	free((void *)o->env);
}

static void
options_copy(struct engine_options *to, const struct engine_options *from)
{
	const char **env;
	size_t n = 0;

	while (from->env && from->env[n])
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		env[i] = xstrdup(from->env[i]);
	*to = *from;
	to->run_command = from->run_command ? xstrdup(from->run_command) : NULL;
	to->log_dir = xstrdup(from->log_dir);
	to->env = env;
}

/* --- life ------------------------------------------------------------------------------------------ */

static void
note_time(struct engine *e)
{
	e->now_us = clock_wall(e->env.clock);
	e->boot = clock_boot(e->env.clock);
}

struct engine *
engine_create(const struct engine_env *env, const struct engine_options *options)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	struct instance me;

	e->env = *env;
	options_copy(&e->options, options);
	world_init(&e->world, &options->policy, env->zone, env->zone_arg);
	note_time(e);
	e->wall_minus_boot = e->now_us - e->boot.us;
	me = (struct instance){e->env.holder_id, e->env.host.host, e->env.host.boot_id,
		env->version, env->pid, env->pid_start, e->now_us};
	lease_init(&e->lease, &me, env->guard_ops, env->guard);
	e->next_lease = e->next_poll = e->next_instance = e->next_sources = e->boot;
	e->next_host_upkeep = e->boot;
	e->next_upkeep = boottime_add(e->boot, UPKEEP_FIRST_US);
	e->next_decision_us = TIME_NEVER;
	e->push_seen_us = TIME_NONE;
	return e;
}

void
engine_free(struct engine *e)
{
	if (!e)
		return;
	tasks_free(e);
	world_free(&e->world);
	arena_free(&e->arena);
	idmap_free(&e->said);
	idmap_free(&e->reported);
	options_free(&e->options);
	free(e->events);
	free(e->to_arm);
	free(e->to_reseed);
	free(e->cancels);
	free(e->put_off);
	free(e->hosts);
	free(e);
}

/* --- marks ------------------------------------------------------------------------------------------ */

void
engine_mark_changed(struct engine *e, int64_t first_seq)
{
	e->changed = true;
	if (first_seq > 0 && (e->first_seq == 0 || first_seq < e->first_seq))
		e->first_seq = first_seq;
}

void
engine_mark_resync(struct engine *e)
{
	e->resync = true;
	e->reopen = true;
}

void
engine_runner_event(const struct runner_event *event, void *arg)
{
	struct engine *e = arg;

	if (e->n_events == e->cap_events) {
		e->cap_events = e->cap_events ? 2 * e->cap_events : 16;
		e->events = xrealloc(e->events, e->cap_events, sizeof(*e->events));
	}
	e->events[e->n_events++] = *event;
}

void
engine_reload(struct engine *e, const struct engine_options *options)
{
	options_free(&e->options);
	options_copy(&e->options, options);
	e->reload_policy = true;
}

/* --- the database, when it fails ---------------------------------------------------------------------- */

bool
engine_leads(const struct engine *e)
{
	return lease_trusted(&e->lease, clock_boot(e->env.clock));
}

static void
stop_leading(struct engine *e)
{
	lease_lost(&e->lease);
	e->loaded = false;
	e->next_lease = boottime_add(e->boot, STANDBY_US);
}

int
engine_db_failed(struct engine *e, const char *what, const struct err *err)
{
	bool resync = e->resync;
	int64_t delay_us;

	e->resync = true;
	e->retry = boottime_add(e->boot, RETRY_US);
	switch (err->code) {
	case ERR_FENCED:
		log_warning(
			"Another scheduler leads now: stood down before it could act (%s)", what);
		stop_leading(e);
		break;
	case ERR_BUSY:
		/* Nothing is lost and nothing more is in doubt: the same again. */
		e->resync = resync;
		e->changed = true;
		log_warning("The catalog is busy: cannot %s yet: %s", what, err->text);
		break;
	case ERR_LOST:
	case ERR_UNKNOWN:
		log_error("The catalog is away: cannot %s: %s", what, err->text);
		e->db_down = true;
		delay_us = RETRY_US << (e->db_failures < 6 ? e->db_failures : 6);
		e->db_failures++;
		e->db_retry = boottime_add(
			e->boot, delay_us < RECONNECT_MAX_US ? delay_us : RECONNECT_MAX_US);
		break;
	default:
		/* The file may have been replaced or its journal lost: what is open may be the trouble. */
		log_error("Cannot %s: %s", what, err->text);
		e->reopen = true;
		e->retry = boottime_add(e->boot, 10 * RETRY_US);
		break;
	}
	return -1;
}

/* SQLite: hints are lost when another file took the catalog's place, restored from a backup for example.
 * What is open is the old one. */
static bool
reopen(struct engine *e)
{
	struct err err = ERR_INIT;

	e->reopen = false;
	if (!db_path(e->env.db))
		return true;
	if (db_reconnect(e->env.db, &err) < 0 || schema_prepare(e->env.db, &err) < 0) {
		err.code = ERR_LOST;
		engine_db_failed(e, "open the catalog anew", &err);
		return false;
	}
	e->next_lease = e->boot;
	return true;
}

static bool
database_ready(struct engine *e)
{
	struct err err = ERR_INIT;

	if (!e->db_down)
		return !e->reopen || reopen(e);
	if (boottime_diff(e->db_retry, e->boot) > 0)
		return false;
	if (db_reconnect(e->env.db, &err) < 0) {
		if (err.code != ERR_UNKNOWN)
			err.code = ERR_LOST;
		engine_db_failed(e, "reconnect", &err);
		return false;
	}
	e->db_down = false;
	e->resync = true;
	e->next_lease = e->boot;
	return true;
}

/* --- the lease ------------------------------------------------------------------------------------------ */

static void
keep_lease(struct engine *e)
{
	struct err err = ERR_INIT;
	bool held = e->lease.held;
	int r;

	if (boottime_diff(e->next_lease, e->boot) > 0)
		return;
	r = lease_tick(&e->lease, e->env.db, e->env.clock, &err);
	e->lease_known = r >= 0;
	e->next_lease = boottime_add(e->boot, r > 0 ? e->options.heartbeat_us : STANDBY_US);
	if (r < 0) {
		engine_db_failed(e, "renew the lease", &err);
	} else if (r > 0 && !held) {
		log_info("Leading: this scheduler holds the lock holder=%s", e->env.holder_id);
		e->loaded = false;
		e->next_poll = e->boot;
	} else if (r == 0 && held) {
		log_warning("Standing by: another scheduler took the lock holder=%s",
			lease_other(&e->lease));
		e->loaded = false;
	} else if (r == 0 && e->turns == 1) {
		log_info("Standing by: another scheduler holds the lock holder=%s",
			lease_other(&e->lease));
	}
}

/* --- whether it leads or not ------------------------------------------------------------------------------ */

static void
look_after_host(struct engine *e)
{
	if (!e->env.upkeep || boottime_diff(e->next_host_upkeep, e->boot) > 0)
		return;
	e->next_host_upkeep = boottime_add(e->boot, UPKEEP_US);
	e->env.upkeep(e->env.arg);
}

/* --- standing by ------------------------------------------------------------------------------------------ */

static void
meet_again(const struct active_run *run, void *arg)
{
	const struct engine *e = arg;

	if (task_get(e, run->row.id))
		task_meet(arg, run);
}

/* The leader noted a cancel for a run of this host. */
static void
look_for_cancels(struct engine *e)
{
	struct err err = ERR_INIT;

	if (e->tasks.n > 0 && load_active_runs(e->env.db, meet_again, e, &err) < 0)
		engine_db_failed(e, "look for cancelled runs", &err);
	else
		e->changed = false;
}

static void
say_alive(struct engine *e)
{
	struct err err = ERR_INIT;

	if (boottime_diff(e->next_instance, e->boot) > 0)
		return;
	e->next_instance = boottime_add(e->boot, e->options.heartbeat_us);
	if (instance_put(e->env.db, &e->lease.me, false, e->now_us, &err) < 0)
		engine_db_failed(e, "say that this scheduler stands by", &err);
	/* A hint of the leader's note may be lost. */
	else
		look_for_cancels(e);
	/* Another daemon of this host may have died. */
	e->locals_adopted = false;
}

static void
stand_by(struct engine *e)
{
	if (e->world.schedules.n > 0 || e->world.runs.n > 0)
		world_clear(&e->world);
	e->next_decision_us = TIME_NEVER;
	if (!e->locals_adopted && engine_adopt_local(e) < 0)
		return;
	if (tasks_stand_down(e) < 0)
		return;
	if (e->changed || e->resync)
		look_for_cancels(e);
	e->resync = false;
	say_alive(e);
	look_after_host(e);
}

/* --- leading -------------------------------------------------------------------------------------------- */

/* The safety net: triggers that an upgrade of Flowfile dropped, hints that were lost, hosts that are gone. */
static int
slow_poll(struct engine *e)
{
	struct err err = ERR_INIT;
	int64_t version;
	int missing;

	if (boottime_diff(e->next_poll, e->boot) > 0)
		return 0;
	e->next_poll = boottime_add(e->boot, e->options.poll_us);
	if (db_schema_version(e->env.db, &version, &err) < 0)
		return engine_db_failed(e, "look at the schema", &err);
	if (version != e->schema_version) {
		missing = schema_ensure_triggers(e->env.db, &err);
		if (missing < 0)
			return engine_db_failed(e, "look at the triggers", &err);
		if (missing > 0) {
			log_info("Triggers made in the catalog missing=%d", missing);
			e->resync = true;
		}
		if (db_schema_version(e->env.db, &e->schema_version, &err) < 0)
			return engine_db_failed(e, "look at the schema", &err);
	}
	world_unblock_all(&e->world);
	e->changed = e->tables_changed = e->sources_stale = true;
	if (!e->loaded)
		return 0;
	return engine_read_put_off(e) < 0 ? -1 : engine_check_hosts(e);
}

static int
refresh_world(struct engine *e)
{
	if (!e->loaded || e->resync)
		return engine_load(e);
	return e->changed ? engine_read_changes(e) : 0;
}

static int
arm(struct engine *e, void *item, struct err *err)
{
	return claim_arm(e->env.db, *(int64_t *)item, err);
}

static int
reseed(struct engine *e, void *item, struct err *err)
{
	const struct reseed *s = item;

	return claim_reseed(
		e->env.db, s->schedule_id, s->spec, s->anchor_us, s->slot_us, s->triggered_us, err);
}

static int
note_push_seen(struct engine *e, void *item, struct err *err)
{
	return put_push_seen(e->env.db, *(int64_t *)item, err);
}

/* What loading found to be missing: watermarks of ours, cursors of edited schedules, that Flowfile launches too. */
static int
store_seeds(struct engine *e)
{
	static const struct writing arming = {
		"arm a schedule", sizeof(int64_t), arm, NULL, NULL, 's', 0, false};
	static const struct writing seeding = {"store the cursor of a schedule",
		sizeof(struct reseed), reseed, NULL, NULL, 's',
		offsetof(struct reseed, schedule_id), false};
	static const struct writing noting = {"note that Flowfile launches triggers itself",
		sizeof(int64_t), note_push_seen, NULL, NULL, 'p', 0, false};
	size_t n_arm = e->n_arm;

	if (engine_write(e, &arming, e->to_arm, n_arm) < 0 ||
		engine_write(e, &seeding, e->to_reseed, e->n_reseed) < 0 ||
		engine_write(e, &noting, &e->push_seen_us, e->push_to_store) < 0)
		return -1;
	e->push_to_store = false;
	/* Refreshing finds again what could not be armed; that is for another time. */
	for (size_t i = 0; i < n_arm; i++)
		engine_refresh_schedule(e, e->to_arm[i]);
	e->n_arm = e->n_reseed = 0;
	return 0;
}

static int
pass_on(struct engine *e, void *item, struct err *err)
{
	(void)item;
	return sources_pass_on(e->env.db, err);
}

/* A write to what a virtual table is made of is one of the virtual table, too. */
static int
note_virtual_tables(struct engine *e)
{
	static const struct writing passing = {"note that virtual tables changed", sizeof(int64_t),
		pass_on, NULL, NULL, 0, 0, false};
	struct err err = ERR_INIT;
	int64_t all = 0;
	int r;

	if (!e->tables_changed)
		return 0;
	r = sources_pending(e->env.db, &err);
	if (r < 0)
		return engine_db_failed(e, "look at virtual tables", &err);
	if (r > 0 && engine_write(e, &passing, &all, 1) < 0)
		return -1;
	e->tables_changed = false;
	e->changed = e->changed || r > 0;
	return 0;
}

/* What they are made of, which flows and queries say: behind all that is due, since files are read for it. */
static void
look_for_sources(struct engine *e)
{
	if (!e->env.find_sources || !e->sources_stale ||
		boottime_diff(e->next_sources, e->boot) > 0)
		return;
	e->sources_stale = false;
	e->next_sources = boottime_add(e->boot, US_PER_SEC);
	if (e->env.find_sources(e->env.arg))
		e->tables_changed = e->again = true;
}

/* What could not be written is as before: jobs are due, times of runs are up. */
static void
undo(struct engine *e, const struct decision *d)
{
	for (size_t i = 0; i < d->n_launches; i++)
		world_launch_retry(&e->world, d->launches[i].kind, d->launches[i].id);
	for (size_t i = 0; i < d->n_refusals; i++)
		world_launch_retry(&e->world, JOB_REQUEST, d->refusals[i].request_id);
	for (size_t i = 0; i < d->n_actions; i++) {
		struct run *r = world_run(&e->world, d->actions[i].run_id);

		if (r)
			world_set_run_state(&e->world, r, (enum run_state)r->state);
	}
}

static int
decide_and_do(struct engine *e)
{
	struct decision d;

	if (boottime_diff(e->hold, e->boot) > 0)
		return 0;
	decide(&e->world, e->now_us, CLAIMS_PER_TURN, &e->arena, &d);
	e->next_decision_us = d.next_us;
	if (engine_act_on_runs(e, &d) == 0 && engine_refuse(e, &d) == 0 && engine_claim(e, &d) == 0)
		return 0;
	undo(e, &d);
	return -1;
}

static int
clear_history(struct engine *e, void *item, struct err *err)
{
	int64_t *n = item;

	*n = 0;
	if (e->options.history_us > 0)
		*n = runs_prune(e->env.db, e->now_us - e->options.history_us, PRUNE_ROWS, err);
	return *n < 0 ? -1 : instance_prune(e->env.db, e->now_us - 7 * US_PER_DAY, err);
}

static int
upkeep(struct engine *e)
{
	static const struct writing clearing = {
		"clear old history", sizeof(int64_t), clear_history, NULL, NULL, 0, 0, false};
	int64_t n = 0;

	if (boottime_diff(e->next_upkeep, e->boot) > 0)
		return 0;
	e->next_upkeep = boottime_add(e->boot, UPKEEP_US);
	if (engine_write(e, &clearing, &n, 1) < 0)
		return -1;
	if (n >= PRUNE_ROWS)
		e->next_upkeep = boottime_add(e->boot, US_PER_SEC);
	return 0;
}

/* Any step that fails has said so and planned the retry; the rest waits for the next turn. */
static void
lead(struct engine *e)
{
	e->locals_adopted = true;
	idmap_free(&e->reported);
	if (slow_poll(e) < 0 || refresh_world(e) < 0 || store_seeds(e) < 0 ||
		engine_take_requests(e) < 0 || tasks_store(e) < 0 || note_virtual_tables(e) < 0)
		return;
	if (e->changed && refresh_world(e) < 0)
		return;
	if (!e->draining && decide_and_do(e) < 0)
		return;
	tasks_launch(e);
	if (e->changed && engine_leads(e) && refresh_world(e) < 0)
		return;
	if (engine_leads(e)) {
		look_for_sources(e);
		upkeep(e);
	}
	look_after_host(e);
}

/* --- the turn ---------------------------------------------------------------------------------------------- */

static void
begin_turn(struct engine *e)
{
	int64_t offset, step;

	note_time(e);
	e->turns++;
	e->again = false;
	arena_reset(&e->arena);
	offset = e->now_us - e->boot.us;
	step = offset - e->wall_minus_boot;
	e->wall_minus_boot = offset;
	if (step > STEP_US || step < -STEP_US) {
		log_warning("The clock was set: it moved by %" PRId64 " ms", step / US_PER_MS);
		world_clock_stepped(&e->world, e->now_us, step);
		/* If it is set right again soon, history is not cleared by a wrong date. */
		e->next_upkeep = boottime_add(e->boot, UPKEEP_US);
	}
	if (e->reload_policy) {
		e->reload_policy = false;
		world_set_policy(&e->world, &e->options.policy, e->now_us);
	}
}

static void
sooner(struct boottime *t, struct boottime than)
{
	if (boottime_diff(than, *t) < 0)
		*t = than;
}

static void
plan_next(struct engine *e, struct engine_next *next)
{
	struct task *t;
	size_t pos = 0;
	bool waits = false;

	next->wall_us = e->next_decision_us;
	next->boot = e->next_lease;
	if (e->db_down)
		next->boot = e->db_retry;
	if (!e->db_down && engine_leads(e)) {
		sooner(&next->boot, e->next_poll);
		if (e->env.find_sources && e->sources_stale)
			sooner(&next->boot, e->next_sources);
		/* Due and not done: something before it failed, and is to be tried again first. */
		if (boottime_diff(e->next_upkeep, e->boot) > 0)
			sooner(&next->boot, e->next_upkeep);
	} else {
		next->wall_us = TIME_NEVER;
	}
	if (boottime_diff(e->retry, e->boot) > 0) {
		sooner(&next->boot, e->retry);
		waits = true;
	}
	if (boottime_diff(e->hold, e->boot) > 0) {
		sooner(&next->boot, e->hold);
		waits = true;
	}
	/* What is due already waits for something else. */
	if ((waits || e->world.paused || e->draining) && next->wall_us <= e->now_us)
		next->wall_us = TIME_NEVER;
	while ((t = idmap_each(&e->tasks, &pos)))
		if (boottime_diff(t->retry, e->boot) > 0)
			sooner(&next->boot, t->retry);
	if (e->again || e->n_events > 0)
		sooner(&next->boot, e->boot);
}

void
engine_turn(struct engine *e, struct engine_next *next)
{
	int failures = e->db_failures;

	begin_turn(e);
	tasks_take_events(e);
	/* The leader may have gone: whoever stands by looks at once. */
	if (e->changed && !e->lease.held)
		e->next_lease = e->boot;
	if (database_ready(e))
		keep_lease(e);
	if (!e->db_down) {
		if (engine_leads(e))
			lead(e);
		else if (!e->lease.held)
			stand_by(e);
	}
	/* A full disk may be read: it is back when there was nothing left that failed. */
	if (e->db_failures > 0 && e->db_failures == failures && !e->db_down) {
		log_info("The catalog is back");
		e->db_failures = 0;
	}
	plan_next(e, next);
}

void
engine_drain(struct engine *e)
{
	e->draining = true;
}

void
engine_stop(struct engine *e)
{
	struct err err = ERR_INIT;
	struct task *t;
	size_t pos = 0;

	while ((t = idmap_each(&e->tasks, &pos)))
		if (t->state == RUN_SPAWNED || t->state == RUN_READY)
			e->env.runner_ops->abandon(e->env.runner, t->run_id);
	if (e->db_down)
		return;
	if (lease_release(&e->lease, e->env.db, &err) < 0)
		log_warning("Cannot release the lock; others wait 90 s: %s", err.text);
}

/* --- for others ---------------------------------------------------------------------------------------------- */

void
engine_get_status(const struct engine *e, struct engine_status *out)
{
	struct task *t;
	size_t pos = 0;

	*out = (struct engine_status){
		.leading = engine_leads(e),
		.database_up = !e->db_down,
		.lock_known = e->lease_known,
		.settled = e->loaded && !e->resync && boottime_diff(e->retry, e->boot) <= 0,
		.schedules = (int64_t)e->world.schedules.n,
		.due = e->world.n_due,
		.active_runs = (int64_t)e->world.runs.n,
		.our_runs = e->world.n_ours,
		.launched = e->launched,
		.ended = e->ended,
		.failed = e->failed,
		.turns = e->turns,
		.next_slot_us = e->next_decision_us,
		.renewed_boot_us =
			e->lease.held ? e->lease.trusted_until.us - LEASE_TRUST_US : TIME_NONE,
	};
	while ((t = idmap_each(&e->tasks, &pos)))
		if (t->state == RUN_CLAIMED || t->state == RUN_SPAWNED || t->state == RUN_READY ||
			t->state == RUN_ENDED)
			out->starting++;
}
