/* Runs whose processes this daemon looks after: see struct task. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "engine_impl.h"
#include "runner/exitfile.h"
#include "store/fence.h"
#include "store/runs.h"

#define REFUSED_US (30 * US_PER_SEC) /* until what the database refused is tried again */

struct task *
task_get(const struct engine *e, int64_t run_id)
{
	return idmap_get(&e->tasks, run_id);
}

struct task *
task_from_run(struct engine *e, const struct active_run *run, enum run_state state)
{
	struct task *t = xcalloc(1, sizeof(*t));

	assert(!idmap_get(&e->tasks, run->row.id));
	t->run_id = run->row.id;
	t->state = state;
	t->foreign = run->row.origin != RUN_OURS;
	t->attempts = t->foreign ? 1 : (int)run->attempt;
	t->born = e->boot;
	if (run->row.started_us < e->now_us)
		t->born = boottime_add(e->boot, run->row.started_us - e->now_us);
	t->flow_id = run->row.flow_id;
	t->flow_id2 = run->row.flow_id2;
	t->schedule_id = run->schedule_id;
	t->flow_path = xstrdup(run->flow_path ? run->flow_path : "");
	t->cause = xstrdup(run->cause ? run->cause : "");
	idmap_put(&e->tasks, t->run_id, t);
	return t;
}

void
task_put_run(struct engine *e, const struct task *t)
{
	const struct run_row row = {
		.id = t->run_id,
		.flow_id = t->flow_id,
		.flow_id2 = t->flow_id2,
		.origin = t->foreign ? RUN_FOREIGN : RUN_OURS,
		.has_pid = t->foreign || t->shim.pid != 0,
		.started_us = e->now_us - boottime_diff(e->boot, t->born),
	};

	world_put_run(&e->world, &row, t->state);
}

static void
task_free(struct task *t)
{
	free(t->flow_path);
	free(t->cause);
	free(t->state_dir);
	free(t);
}

void
task_drop(struct engine *e, struct task *t)
{
	/* The runner lets go of what it watches for us. */
	if (t->foreign && t->state != RUN_ENDED)
		e->env.runner_ops->abandon(e->env.runner, t->run_id);
	idmap_remove(&e->tasks, t->run_id);
	task_free(t);
}

void
tasks_free(struct engine *e)
{
	struct task *t;
	size_t pos = 0;

	while ((t = idmap_any(&e->tasks, &pos)))
		task_drop(e, t);
	idmap_free(&e->tasks);
}

static void
task_set(struct engine *e, struct task *t, enum run_state state)
{
	struct run *r = world_run(&e->world, t->run_id);

	t->state = state;
	t->retry = e->boot;
	if (r)
		world_set_run_state(&e->world, r, state);
}

static void
exit_unknown(struct task *t, const char *reason)
{
	memset(&t->exit, 0, sizeof(t->exit));
	t->exit.code = -1;
	t->exit.cpu_us = -1;
	t->exit.started_us = TIME_NONE;
	t->exit.ended_us = TIME_NONE;
	exit_set_reason(&t->exit, "%s", reason);
}

/* Nothing ran: the shim left before go. It is to be started again, within reason (P9). */
static void
task_never_started(struct engine *e, struct task *t)
{
	if (t->attempts >= ATTEMPTS_MAX) {
		exit_unknown(t, "it could not be started: its supervisor ended every time");
		t->spawn_failed = true;
		task_set(e, t, RUN_ENDED);
		return;
	}
	t->attempts++;
	t->reclaim = true;
	task_set(e, t, RUN_CLAIMED);
	t->retry = boottime_add(e->boot, (t->attempts - 1) * 200 * US_PER_MS);
}

static void
take_ended(struct engine *e, struct task *t, const struct runner_event *event)
{
	t->exit = event->exit;
	if (!t->foreign && !t->exit.known && t->exit.started_us == TIME_NONE &&
		!t->exit.cancelled && !t->wants_cancel) {
		if (engine_leads(e)) {
			task_never_started(e, t);
			return;
		}
		t->unstarted = true; /* reported, or known when we lead */
	}
	if (t->foreign && !t->exit.reason[0])
		snprintf(t->exit.reason, sizeof(t->exit.reason), "its process is gone");
	task_set(e, t, RUN_ENDED);
}

static void
take_event(struct engine *e, const struct runner_event *event)
{
	struct task *t = task_get(e, event->run_id);

	if (!t)
		return;
	switch (event->type) {
	case RUNNER_READY:
		t->shim = event->shim;
		t->flow = event->flow;
		xstrset(&t->state_dir, event->state_dir);
		task_set(e, t, RUN_READY);
		if (t->wants_cancel)
			task_cancel(e, t);
		break;
	case RUNNER_FAILED:
		t->exit = event->exit;
		t->spawn_failed = true;
		task_set(e, t, RUN_ENDED);
		break;
	case RUNNER_ENDED:
		take_ended(e, t, event);
		break;
	}
}

void
tasks_take_events(struct engine *e)
{
	for (size_t i = 0; i < e->n_events; i++)
		take_event(e, &e->events[i]);
	e->n_events = 0;
}

static bool
has_news(const struct engine *e, const struct task *t)
{
	return (t->state == RUN_READY || t->state == RUN_ENDED) &&
		boottime_diff(t->retry, e->boot) <= 0;
}

void
task_cancel(struct engine *e, struct task *t)
{
	switch (t->state) {
	case RUN_SPAWNED:
		t->wants_cancel = true;
		break;
	case RUN_READY:
		e->env.runner_ops->abandon(e->env.runner, t->run_id);
		/* fall through */
	case RUN_CLAIMED:
		exit_unknown(t, "cancelled before it started");
		t->exit.cancelled = true;
		task_set(e, t, RUN_ENDED);
		break;
	case RUN_STARTED:
	case RUN_CANCELLING:
		if (!e->env.runner_ops->cancel(e->env.runner, t->run_id))
			log_warning("Cannot signal the process of a run run=%" PRId64, t->run_id);
		task_set(e, t, RUN_CANCELLING);
		break;
	default:
		break;
	}
}

/* --- meeting runs in the catalog ----------------------------------------------------------------- */

/* Flowfile launched a table trigger by itself: noted at most once an hour, and kept. */
static void
note_push(struct engine *e, const struct active_run *run)
{
	const struct schedule *s =
		run->schedule_id ? world_schedule(&e->world, run->schedule_id) : NULL;

	if (!s || s->type != SCHEDULE_TABLE || run->row.origin != RUN_FOREIGN)
		return;
	if (e->push_seen_us != TIME_NONE && e->now_us - e->push_seen_us < US_PER_HOUR &&
		e->now_us >= e->push_seen_us)
		return;
	e->push_seen_us = e->now_us;
	e->push_to_store = true;
	world_note_push(&e->world, e->now_us);
}

static void
meet_foreign(struct engine *e, const struct active_run *run)
{
	struct proc_id proc;
	struct err err = ERR_INIT;

	if (!run->open)
		return;
	world_put_run(&e->world, &run->row, RUN_ELSEWHERE);
	note_push(e, run);
	if (run->row.origin == RUN_DESIGNER || !run->row.has_pid ||
		!e->options.policy.reap_foreign || task_get(e, run->row.id))
		return;
	if (e->env.find_process(
		    (pid_t)run->pid, run->row.id, run->row.started_us, &proc, e->env.arg)) {
		if (e->env.runner_ops->watch(e->env.runner, run->row.id, &proc, &err) < 0) {
			log_warning("Cannot watch a run of Flowfile: %s run=%" PRId64, err.text,
				run->row.id);
			return;
		}
		task_from_run(e, run, RUN_STARTED);
	} else if (db_get_type(e->env.db) != DB_SQLITE) {
		return; /* the number of a process on some other host, for all we know */
	} else {
		exit_unknown(task_from_run(e, run, RUN_ENDED), "its process is gone");
	}
}

static struct task *
adopt(struct engine *e, const struct active_run *run, bool same_boot)
{
	const struct adoption adoption = {
		.run_id = run->row.id,
		.attempt = (int)run->attempt,
		.shim = {(pid_t)run->shim_pid, (uint64_t)run->shim_start},
		.flow = {(pid_t)run->flow_pid, (uint64_t)run->flow_start},
		.rebooted = !same_boot,
		.state_dir = run->state_dir,
	};
	struct task *t = task_from_run(e, run, RUN_STARTED);
	struct err err = ERR_INIT;

	t->shim = adoption.shim;
	t->flow = adoption.flow;
	xstrset(&t->state_dir, run->state_dir);
	log_info("Run adopted run=%" PRId64 " flow=%" PRId64, t->run_id, t->flow_id);
	if (e->env.runner_ops->adopt(e->env.runner, &adoption, &err) < 0) {
		log_error("Cannot adopt a run: %s run=%" PRId64, err.text, t->run_id);
		exit_unknown(t, "it could not be watched after a restart of the scheduler");
		t->exit.started_us = 0;
		task_set(e, t, RUN_ENDED);
	}
	return t;
}

/* Claimed, by this daemon or one that is gone, and no process of ours: it never started. */
static struct task *
take_over_claim(struct engine *e, const struct active_run *run)
{
	struct task *t = task_from_run(e, run, RUN_CLAIMED);

	t->reclaim = true;
	t->attempts++;
	t->born = e->boot; /* what nobody launched for long is not old */
	if (!run->open) {
		exit_unknown(t, "cancelled before it started");
		t->state = RUN_ENDED;
	}
	return t;
}

static void
meet_ours(struct engine *e, const struct active_run *run)
{
	bool here = run->host && !strcmp(run->host, e->env.host.host);
	bool same_boot = here && run->boot_id && !strcmp(run->boot_id, e->env.host.boot_id);
	struct task *t = task_get(e, run->row.id);
	struct run_row row = run->row;

	if (!t && !strcmp(run->state, "claimed") && engine_leads(e))
		t = take_over_claim(e, run);
	else if (!t && !strcmp(run->state, "recorded") && here)
		t = adopt(e, run, same_boot);
	if (t)
		row.started_us = e->now_us - boottime_diff(e->boot, t->born);
	if (engine_leads(e))
		world_put_run(&e->world, &row, t ? t->state : RUN_ELSEWHERE);
	/* Wherever it has come to: a cancel that was accepted holds for whoever looks after the run next. */
	if (t && run->cancel_us != TIME_NONE && t->state != RUN_CANCELLING)
		task_cancel(e, t);
}

void
task_meet(struct engine *e, const struct active_run *run)
{
	if (run->state)
		meet_ours(e, run);
	else if (engine_leads(e))
		meet_foreign(e, run);
}

/* --- launching ----------------------------------------------------------------------------------- */

/* The database refuses its row: it waits, and harms nobody else (P12). */
static void
put_off_task(struct engine *e, void *item, const struct err *err)
{
	struct task *t = *(struct task **)item;

	engine_complain(e, (struct about){'r', t->run_id}, "Cannot store what became of a run: %s",
		err->text);
	t->retry = boottime_add(e->boot, REFUSED_US);
}

struct reclaim {
	struct task *t; /* first: see put_off_task() */
	int claimed, attempt;
};

static int
claim_task(struct engine *e, void *item, struct err *err)
{
	const struct claimant who = {e->env.holder_id, e->env.host.host, e->env.host.boot_id};
	struct reclaim *r = item;

	r->claimed = claim_again(e->env.db, r->t->run_id, &who, e->now_us, &r->attempt, err);
	return r->claimed < 0 ? -1 : 0;
}

static void
task_claimed(struct engine *e, void *item)
{
	const struct reclaim *r = item;
	struct task *t = r->t;

	if (r->claimed) {
		t->reclaim = false;
		t->attempts = r->attempt;
		log_info("Run is started again run=%" PRId64 " attempt=%d", t->run_id, t->attempts);
	} else {
		exit_unknown(t, "it was closed or cancelled before it started");
		task_set(e, t, RUN_ENDED);
	}
}

/* A claim that another daemon, or an earlier attempt, left is put in our name first. */
static void
reclaim(struct engine *e, struct task *t)
{
	static const struct writing claim = {"claim a run again", sizeof(struct reclaim),
		claim_task, task_claimed, put_off_task, 0, 0, false};
	struct reclaim r = {.t = t};

	if (t->attempts <= ATTEMPTS_MAX) {
		engine_write(e, &claim, &r, 1);
		return;
	}
	exit_unknown(t, "it could not be started, attempt after attempt");
	t->spawn_failed = true;
	task_set(e, t, RUN_ENDED);
}

static void
launch(struct engine *e, struct task *t)
{
	struct err err = ERR_INIT;

	if (t->reclaim)
		reclaim(e, t);
	if (t->reclaim || t->state != RUN_CLAIMED)
		return;
	if (engine_spawn(e, t, &err) == 0) {
		task_set(e, t, RUN_SPAWNED);
		return;
	}
	log_warning("Cannot start a run: %s run=%" PRId64, err.text, t->run_id);
	if (err.code == ERR_USAGE || err.code == ERR_NOT_FOUND || t->attempts >= ATTEMPTS_MAX) {
		exit_unknown(t, err.text);
		t->spawn_failed = true;
		task_set(e, t, RUN_ENDED);
		return;
	}
	t->attempts++;
	t->reclaim = true;
	t->retry = boottime_add(e->boot, t->attempts * 200 * US_PER_MS);
}

void
tasks_launch(struct engine *e)
{
	struct task *t;
	size_t pos = 0;
	int n = 0;

	while ((t = idmap_each(&e->tasks, &pos)) && engine_leads(e)) {
		if (t->state == RUN_CLAIMED && boottime_diff(t->retry, e->boot) <= 0) {
			if (n++ == LAUNCHES_PER_TURN) {
				e->again = true;
				break;
			}
			launch(e, t);
		}
		if (t->state == RUN_ENDED && has_news(e, t))
			e->again = true;
	}
}

/* --- storing what became of them ------------------------------------------------------------------ */

static void
log_end(const struct task *t)
{
	char took[TIMEFMT_SIZE], how[64];

	if (t->exit.known && t->exit.signal)
		snprintf(how, sizeof(how), "signal=%d", t->exit.signal);
	else if (t->exit.known)
		snprintf(how, sizeof(how), "exit=%d", t->exit.code);
	else
		snprintf(how, sizeof(how), "exit=unknown");
	if (t->exit.started_us > 0 && t->exit.ended_us > t->exit.started_us) {
		time_format_duration(t->exit.ended_us - t->exit.started_us, took);
		log_info("Run ended%s%s after %s run=%" PRId64 " flow=%" PRId64 " %s",
			t->exit.reason[0] ? ": " : "", t->exit.reason, took, t->run_id, t->flow_id,
			how);
	} else {
		log_info("Run ended%s%s run=%" PRId64 " flow=%" PRId64 " %s",
			t->exit.reason[0] ? ": " : "", t->exit.reason, t->run_id, t->flow_id, how);
	}
}

static int
store_one(struct engine *e, void *item, struct err *err)
{
	struct task *t = *(struct task **)item;
	int64_t ended_us = t->exit.ended_us > 0 && t->exit.ended_us <= e->now_us ? t->exit.ended_us
										 : e->now_us;
	int r;

	if (t->row_gone)
		return 0;
	if (t->state == RUN_READY) {
		r = runs_record(
			e->env.db, t->run_id, &t->shim, &t->flow, t->state_dir, e->now_us, err);
		if (r >= 0)
			t->wants_cancel = r == 0; /* closed meanwhile: it must not start */
		return r < 0 ? -1 : 0;
	}
	if (t->spawn_failed)
		return runs_spawn_failed(e->env.db, t->run_id, t->exit.reason, e->now_us, err);
	return runs_end(e->env.db, t->run_id, &t->exit, NULL, ended_us, err);
}

/* After the commit: let go what is recorded, forget what is over. */
static void
settle(struct engine *e, void *item)
{
	struct task *t = *(struct task **)item;

	if (t->state == RUN_READY && t->wants_cancel) {
		e->env.runner_ops->abandon(e->env.runner, t->run_id);
		exit_unknown(t, "it was closed before it started");
		task_set(e, t, RUN_ENDED);
		e->again = true;
	} else if (t->state == RUN_READY) {
		e->env.runner_ops->go(e->env.runner, t->run_id);
		task_set(e, t, RUN_STARTED);
		log_debug("Run started run=%" PRId64 " pid=%d", t->run_id, (int)t->shim.pid);
	} else if (t->state == RUN_ENDED) {
		log_end(t);
		figures_ended(t);
		e->ended++;
		if (t->spawn_failed || !t->exit.known || t->exit.code != 0 || t->exit.signal)
			e->failed++;
		if (!t->foreign)
			e->env.runner_ops->forget(
				e->env.runner, t->run_id, t->attempts, t->state_dir);
		engine_no_complaint(e, (struct about){'r', t->run_id});
		world_end_run(&e->world, t->run_id);
		e->resync = e->resync || t->row_gone;
		task_drop(e, t);
	}
}

static struct task **
news(struct engine *e, size_t *n)
{
	struct task **list = arena_array(&e->arena, e->tasks.n, sizeof(struct task *));
	struct task *t;
	size_t pos = 0;

	*n = 0;
	while ((t = idmap_each(&e->tasks, &pos))) {
		if (t->unstarted && t->state == RUN_ENDED) {
			t->unstarted = false;
			task_never_started(e, t);
		}
		if (has_news(e, t))
			list[(*n)++] = t;
	}
	return list;
}

int
tasks_store(struct engine *e)
{
	static const struct writing storing = {"store what became of a run", sizeof(struct task *),
		store_one, settle, put_off_task, 0, 0, false};
	size_t n;
	struct task **list = news(e, &n);

	if (n > 0)
		e->changed = true;
	return engine_write(e, &storing, list, n);
}

/* --- without the lease ---------------------------------------------------------------------------- */

bool
task_is_reported(const struct engine *e, int64_t run_id, int64_t attempt)
{
	return (intptr_t)idmap_get(&e->reported, run_id) == (intptr_t)attempt;
}

static int
report(struct engine *e, void *item, struct err *err)
{
	struct task *t = *(struct task **)item;

	return runs_report_exit(
		e->env.db, t->run_id, t->attempts, &t->exit, e->env.host.host, e->now_us, err);
}

/* Until the leader closes the row, it is not to be adopted again. */
static void
reported(struct engine *e, void *item)
{
	struct task *t = *(struct task **)item;

	idmap_put(&e->reported, t->run_id, (void *)(intptr_t)t->attempts);
	task_drop(e, t);
}

/* What never started is given up; what the next leader sees by itself is forgotten. */
static void
stand_down(struct engine *e, struct task *t)
{
	if (t->state == RUN_SPAWNED || t->state == RUN_READY) {
		e->env.runner_ops->abandon(e->env.runner, t->run_id);
		exit_unknown(t, "");
		t->exit.cancelled = t->wants_cancel;
		t->unstarted = !t->wants_cancel;
		task_set(e, t, RUN_ENDED);
	}
	if (t->foreign || t->state == RUN_CLAIMED)
		task_drop(e, t);
}

int
tasks_stand_down(struct engine *e)
{
	static const struct writing reports = {"report an ended run", sizeof(struct task *), report,
		reported, put_off_task, 0, 0, true};
	struct task **list = arena_array(&e->arena, e->tasks.n, sizeof(struct task *));
	size_t n = 0, pos = 0;
	struct task *t;

	while ((t = idmap_each(&e->tasks, &pos)))
		list[n++] = t;
	for (size_t i = 0; i < n; i++)
		stand_down(e, list[i]);
	for (n = pos = 0; (t = idmap_each(&e->tasks, &pos));)
		if (has_news(e, t))
			list[n++] = t;
	return engine_write(e, &reports, list, n);
}
