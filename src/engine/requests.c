/* What people and other daemons ask for: cancel, an exit seen elsewhere; and runs whose time is up. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine_impl.h"
#include "store/fence.h"
#include "store/runs.h"

/* A request and the run it is about, read in one place and acted on after the commit. */
struct order {
	struct request_row request;
	char kind[16], by[128], detail[600];
	bool found;
	struct active_run run;
	char host[256];
	bool run_found;
	bool cancel_task;
};

static void
take_request(const struct request_row *row, void *arg)
{
	struct order *o = arg;

	o->request = *row;
	text_copy(o->kind, sizeof(o->kind), row->kind);
	text_copy(o->by, sizeof(o->by), row->requested_by);
	text_copy(o->detail, sizeof(o->detail), row->detail);
	o->found = true;
}

static void
take_run(const struct active_run *run, void *arg)
{
	struct order *o = arg;

	o->run = *run;
	snprintf(o->host, sizeof(o->host), "%s", run->host ? run->host : "");
	o->run_found = true;
}

static int
read_order(struct engine *e, int64_t id, struct order *o, struct err *err)
{
	memset(o, 0, sizeof(*o));
	if (load_request(e->env.db, id, take_request, o, err) < 0)
		return -1;
	if (o->found && o->request.run_id &&
		load_active_run(e->env.db, o->request.run_id, take_run, o, err) < 0)
		return -1;
	return 0;
}

static int
order_cancel(struct engine *e, struct order *o, struct err *err)
{
	struct db *db = e->env.db;
	int64_t run_id = o->request.run_id;
	const char *answer = "told to end";
	int first;

	if (!o->run_found) {
		answer = "it had ended already";
	} else if (task_get(e, run_id) || o->run.state) {
		first = runs_note_cancel(db, run_id, o->by, e->now_us, err);
		if (first < 0)
			return -1;
		o->cancel_task = true;
		/* A daemon there hears of the note, which is there or not: a second one tells it nothing. */
		if (!task_get(e, run_id))
			answer = first
				? "its host is told to end it"
				: "its host was told to end it before, and is not told again";
	} else if (o->run.row.has_pid) {
		answer = e->options.policy.reap_foreign
			? "Flowfile started it, and no process of it was seen here: end it there"
			: "Flowfile started it and reap_foreign_runs is off: end it there";
		return claim_answer(db, o->request.id, false, run_id, answer, e->now_us, err);
	} else if (runs_end(db, run_id, NULL, "cancelled; it has no process that could be ended",
			   e->now_us, err) < 0) {
		return -1;
	} else {
		answer = "closed; it has no process that could be ended";
	}
	return claim_answer(db, o->request.id, true, run_id, answer, e->now_us, err);
}

/* Another daemon tells how an attempt on its host ended, or that it never began. */
static int
order_exited(struct engine *e, struct order *o, struct err *err)
{
	struct db *db = e->env.db;
	struct run_exit exit;
	int64_t attempt;

	if (runs_parse_exit(o->detail, &attempt, &exit) < 0)
		return claim_answer(db, o->request.id, false, 0, "cannot be read", e->now_us, err);
	if (!o->run_found || attempt != o->run.attempt || !o->run.state ||
		task_get(e, o->request.run_id))
		return claim_answer(db, o->request.id, true, 0, "not needed", e->now_us, err);
	if (!exit.known && exit.started_us == TIME_NONE && !exit.cancelled && o->run.open) {
		/* It becomes a claim without a process, which engine_refresh_run() takes over. */
		const struct claimant who = {
			e->env.holder_id, e->env.host.host, e->env.host.boot_id};

		int ignored;

		if (claim_again(db, o->request.run_id, &who, e->now_us, &ignored, err) < 0)
			return -1;
	} else if (runs_end(db, o->request.run_id, &exit, NULL, e->now_us, err) < 0) {
		return -1;
	}
	return claim_answer(db, o->request.id, true, 0, NULL, e->now_us, err);
}

static int
carry_out(struct engine *e, struct order *o, struct err *err)
{
	if (!o->found)
		return 0;
	if (!strcmp(o->kind, "cancel"))
		return order_cancel(e, o, err);
	if (!strcmp(o->kind, "exited"))
		return order_exited(e, o, err);
	return claim_answer(
		e->env.db, o->request.id, false, 0, "unknown kind of request", e->now_us, err);
}

int
engine_take_requests(struct engine *e)
{
	struct err err = ERR_INIT;
	struct order *o;
	struct task *t;
	bool told;
	int64_t id;

	while (e->n_cancels > 0) {
		o = arena_alloc(&e->arena, sizeof(*o));
		id = e->cancels[e->n_cancels - 1];
		if (fence_begin(e->env.db, e->env.holder_id, &err) < 0)
			return engine_db_failed(e, "take requests", &err);
		if (read_order(e, id, o, &err) < 0 || carry_out(e, o, &err) < 0 ||
			db_commit(e->env.db, &err) < 0) {
			db_rollback(e->env.db);
			if (!engine_is_about_one_row(&err))
				return engine_db_failed(e, "take requests", &err);
			/* It stays open, and harms nobody else (P12). */
			log_error("Cannot carry out a request: %s request=%" PRId64, err.text, id);
			e->n_cancels--;
			continue;
		}
		e->n_cancels--;
		e->changed = true;
		e->again = true;
		/* The first cancel gives the flow its grace: meeting the run again carries it out. A second is an order
		 * of its own: at once. */
		t = task_get(e, o->request.run_id);
		told = t && t->state == RUN_CANCELLING;
		/* A row that was closed before leaves no change behind when its run ends. */
		if (o->request.run_id)
			engine_refresh_run(e, o->request.run_id);
		t = task_get(e, o->request.run_id);
		if (o->cancel_task)
			log_info("Cancel asked for by=%s run=%" PRId64, o->by[0] ? o->by : "-",
				o->request.run_id);
		if (o->cancel_task && t && (told || t->state != RUN_CANCELLING))
			task_cancel(e, t);
	}
	return 0;
}

int
engine_refuse(struct engine *e, const struct decision *d)
{
	struct err err = ERR_INIT;

	if (d->n_refusals == 0)
		return 0;
	if (fence_begin(e->env.db, e->env.holder_id, &err) < 0)
		goto fail;
	for (size_t i = 0; i < d->n_refusals; i++)
		if (claim_answer(e->env.db, d->refusals[i].request_id, false, d->refusals[i].run_id,
			    "Flow already has an active run", e->now_us, &err) < 0)
			goto fail;
	if (db_commit(e->env.db, &err) < 0)
		goto fail;
	for (size_t i = 0; i < d->n_refusals; i++)
		world_drop_request(&e->world, d->refusals[i].request_id);
	return 0;
fail:
	db_rollback(e->env.db);
	for (size_t i = 0; i < d->n_refusals; i++)
		world_launch_retry(&e->world, JOB_REQUEST, d->refusals[i].request_id);
	return engine_db_failed(e, "answer requests", &err);
}

static const char *
close_reason(enum run_act act)
{
	switch (act) {
	case RUN_ACT_CLOSE_PIDLESS:
		return "no process was ever recorded for it";
	case RUN_ACT_CLOSE_DESIGNER:
		return "left open in the designer for longer than designer_run_max_age";
	default:
		return "older than run_max_age";
	}
}

static int
act(struct engine *e, const struct run_action *a, struct err *err)
{
	const struct run *r = world_run(&e->world, a->run_id);

	/* One on another host is ended by the daemon there, which hears of the note. */
	if (a->act == RUN_ACT_CANCEL && (task_get(e, a->run_id) || (r && r->origin == RUN_OURS)))
		return runs_note_cancel(e->env.db, a->run_id, "run_max_age", e->now_us, err);
	return runs_end(e->env.db, a->run_id, NULL, close_reason(a->act), e->now_us, err);
}

int
engine_act_on_runs(struct engine *e, const struct decision *d)
{
	struct err err = ERR_INIT;

	if (d->n_actions == 0)
		return 0;
	if (fence_begin(e->env.db, e->env.holder_id, &err) < 0)
		goto fail;
	for (size_t i = 0; i < d->n_actions; i++)
		if (act(e, &d->actions[i], &err) < 0)
			goto fail;
	if (db_commit(e->env.db, &err) < 0)
		goto fail;
	for (size_t i = 0; i < d->n_actions; i++) {
		struct task *t = task_get(e, d->actions[i].run_id);

		log_warning("%s: %s run=%" PRId64,
			d->actions[i].act == RUN_ACT_CANCEL ? "Run is told to end"
							    : "Run is closed",
			close_reason(d->actions[i].act), d->actions[i].run_id);
		if (d->actions[i].act == RUN_ACT_CANCEL && t)
			task_cancel(e, t);
	}
	e->changed = true;
	e->again = true;
	return 0;
fail:
	db_rollback(e->env.db);
	engine_db_failed(e, "end runs whose time is up", &err);
	/* Their deadlines went with the decision: read the runs again. */
	e->resync = true;
	return -1;
}

/* --- hosts ---------------------------------------------------------------------------------------- */

struct lost_search {
	struct engine *e;
	int64_t *run_ids;
	size_t n, cap;
	char (*hosts)[256];
};

static void
note_elsewhere(const struct active_run *run, void *arg)
{
	struct lost_search *s = arg;

	if (!run->state || !run->host || !strcmp(run->host, s->e->env.host.host) || s->n == s->cap)
		return;
	snprintf(s->hosts[s->n], sizeof(s->hosts[s->n]), "%s", run->host);
	s->run_ids[s->n++] = run->row.id;
}

/* How long a host has given no sign of life: by our boot clock, since wall clocks may be set. */
static int64_t
silent_us(struct engine *e, const char *host, int64_t sign)
{
	struct host_watch *w = NULL;

	for (size_t i = 0; i < e->n_hosts && !w; i++)
		if (!strcmp(e->hosts[i].host, host))
			w = &e->hosts[i];
	if (!w) {
		e->hosts = xrealloc(e->hosts, e->n_hosts + 1, sizeof(*e->hosts));
		w = &e->hosts[e->n_hosts++];
		snprintf(w->host, sizeof(w->host), "%s", host);
		w->sign = sign;
		w->since = e->boot;
	}
	if (w->sign != sign) {
		w->sign = sign;
		w->since = e->boot;
	}
	return boottime_diff(e->boot, w->since);
}

static int
give_up_run(struct engine *e, int64_t run_id)
{
	struct err err = ERR_INIT;

	if (fence_begin(e->env.db, e->env.holder_id, &err) < 0)
		return engine_db_failed(e, "give up a run", &err);
	if (runs_end(e->env.db, run_id, NULL, "its host has not been heard of", e->now_us, &err) <
			0 ||
		db_commit(e->env.db, &err) < 0) {
		db_rollback(e->env.db);
		return engine_db_failed(e, "give up a run", &err);
	}
	e->changed = true;
	engine_refresh_run(e, run_id);
	return 0;
}

int
engine_check_hosts(struct engine *e)
{
	struct lost_search s = {.e = e, .cap = e->world.runs.n};
	struct err err = ERR_INIT;
	int64_t sign;

	if (e->options.lost_host_us <= 0 || s.cap == 0)
		return 0;
	s.run_ids = arena_array(&e->arena, s.cap, sizeof(*s.run_ids));
	s.hosts = arena_array(&e->arena, s.cap, sizeof(*s.hosts));
	if (load_active_runs(e->env.db, note_elsewhere, &s, &err) < 0)
		return engine_db_failed(e, "look for runs of other hosts", &err);
	for (size_t i = 0; i < s.n; i++) {
		if (instance_host_sign(e->env.db, s.hosts[i], &sign, &err) < 0)
			return engine_db_failed(e, "look for other hosts", &err);
		if (silent_us(e, s.hosts[i], sign) <= e->options.lost_host_us)
			continue;
		log_warning("Run is given up: its host has not been heard of host=%s run=%" PRId64,
			s.hosts[i], s.run_ids[i]);
		if (give_up_run(e, s.run_ids[i]) < 0)
			return -1;
	}
	return 0;
}
