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
	int64_t id;
	struct request_row request;
	char kind[16], by[128], detail[600]; /* what its texts point to */
	bool found;
	/* the run */
	bool run_found, run_ours, run_open, run_has_pid, run_cancelled;
	int64_t run_attempt;
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
	o->request.kind = o->kind;
	o->request.requested_by = o->by;
	o->request.detail = o->detail;
	o->found = true;
}

static void
take_run(const struct active_run *run, void *arg)
{
	struct order *o = arg;

	o->run_found = true;
	o->run_ours = run->state != NULL;
	o->run_open = run->open;
	o->run_has_pid = run->row.has_pid;
	o->run_cancelled = run->cancel_us != TIME_NONE;
	o->run_attempt = run->attempt;
}

static int
read_order(struct engine *e, struct order *o, struct err *err)
{
	*o = (struct order){.id = o->id};
	if (load_request(e->env.db, o->id, take_request, o, err) < 0)
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
	} else if (task_get(e, run_id) || o->run_ours) {
		first = runs_note_cancel(db, run_id, o->by, e->now_us, err);
		if (first < 0)
			return -1;
		o->cancel_task = true;
		/* A daemon there hears of the note, which is there or not: a second one tells it nothing. */
		if (!task_get(e, run_id))
			answer = first
				? "its host is told to end it"
				: "its host was told to end it before, and is not told again";
	} else if (o->run_has_pid) {
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
	if (!o->run_found || attempt != o->run_attempt || !o->run_ours ||
		task_get(e, o->request.run_id))
		return claim_answer(db, o->request.id, true, 0, "not needed", e->now_us, err);
	if (!exit.known && exit.started_us == TIME_NONE && !exit.cancelled && o->run_open &&
		!o->run_cancelled) {
		/* engine_refresh_run() takes it over. */
		if (claim_back(db, o->request.run_id, err) < 0)
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

static int
do_order(struct engine *e, void *item, struct err *err)
{
	return read_order(e, item, err) < 0 ? -1 : carry_out(e, item, err);
}

static void
order_done(struct engine *e, void *item)
{
	struct order *o = item;
	struct task *t = task_get(e, o->request.run_id);
	/* The first cancel gives the flow its grace: meeting the run again carries it out. A second is an order
	 * of its own: at once. */
	bool told = t && t->state == RUN_CANCELLING;

	engine_no_complaint(e, (struct about){'q', o->id});
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

int
engine_take_requests(struct engine *e)
{
	static const struct writing orders = {"carry out a request", sizeof(struct order), do_order,
		order_done, NULL, 'q', offsetof(struct order, id), false};
	struct order *items;

	if (e->n_cancels == 0)
		return 0;
	items = arena_array(&e->arena, e->n_cancels, sizeof(*items));
	for (size_t i = 0; i < e->n_cancels; i++)
		items[i].id = e->cancels[i];
	if (engine_write(e, &orders, items, e->n_cancels) < 0)
		return -1;
	e->n_cancels = 0;
	e->changed = true;
	e->again = true;
	return 0;
}

static int
refuse_request(struct engine *e, void *item, struct err *err)
{
	const struct refusal *x = item;

	return claim_answer(e->env.db, x->request_id, false, x->run_id,
		"Flow already has an active run", e->now_us, err);
}

static void
request_refused(struct engine *e, void *item)
{
	world_drop_request(&e->world, ((struct refusal *)item)->request_id);
}

/* The slow poll lets it try again. */
static void
block_refusal(struct engine *e, void *item, const struct err *err)
{
	int64_t id = ((struct refusal *)item)->request_id;

	engine_complain(e, (struct about){'q', id}, "Cannot answer a request: %s", err->text);
	world_launch_blocked(&e->world, JOB_REQUEST, id);
}

int
engine_refuse(struct engine *e, const struct decision *d)
{
	static const struct writing refusals = {"answer a request", sizeof(struct refusal),
		refuse_request, request_refused, block_refusal, 0, 0, false};

	return engine_write(e, &refusals, d->refusals, d->n_refusals);
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
act(struct engine *e, void *item, struct err *err)
{
	const struct run_action *a = item;
	const struct run *r = world_run(&e->world, a->run_id);

	/* One on another host is ended by the daemon there, which hears of the note. */
	if (a->act == RUN_ACT_CANCEL && (task_get(e, a->run_id) || (r && r->origin == RUN_OURS)))
		return runs_note_cancel(e->env.db, a->run_id, "run_max_age", e->now_us, err);
	return runs_end(e->env.db, a->run_id, NULL, close_reason(a->act), e->now_us, err);
}

static void
acted(struct engine *e, void *item)
{
	const struct run_action *a = item;
	struct task *t = task_get(e, a->run_id);

	log_warning("%s: %s run=%" PRId64,
		a->act == RUN_ACT_CANCEL ? "Run is told to end" : "Run is closed",
		close_reason(a->act), a->run_id);
	if (a->act == RUN_ACT_CANCEL && t)
		task_cancel(e, t);
	e->changed = true;
	e->again = true;
}

int
engine_act_on_runs(struct engine *e, const struct decision *d)
{
	static const struct writing actions = {"end a run whose time is up",
		sizeof(struct run_action), act, acted, NULL, 'r',
		offsetof(struct run_action, run_id), false};

	return engine_write(e, &actions, d->actions, d->n_actions);
}

/* --- hosts ---------------------------------------------------------------------------------------- */

struct lost_run {
	int64_t run_id;
	char host[256];
};

struct lost_search {
	struct engine *e;
	struct lost_run *runs;
	size_t n, cap;
};

static void
note_elsewhere(const struct active_run *run, void *arg)
{
	struct lost_search *s = arg;

	if (!run->state || !run->host || !strcmp(run->host, s->e->env.host.host) || s->n == s->cap)
		return;
	s->runs[s->n].run_id = run->row.id;
	text_copy(s->runs[s->n].host, sizeof(s->runs->host), run->host);
	s->n++;
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
give_up(struct engine *e, void *item, struct err *err)
{
	return runs_end(e->env.db, ((struct lost_run *)item)->run_id, NULL,
		"its host has not been heard of", e->now_us, err);
}

static void
given_up(struct engine *e, void *item)
{
	const struct lost_run *r = item;

	log_warning("Run is given up: its host has not been heard of host=%s run=%" PRId64, r->host,
		r->run_id);
	e->changed = true;
	engine_refresh_run(e, r->run_id);
}

/* Leaves those of hosts that are silent for too long. */
static int
keep_lost(struct engine *e, struct lost_search *s, struct err *err)
{
	size_t n = 0;
	int64_t sign;

	for (size_t i = 0; i < s->n; i++) {
		if (instance_host_sign(e->env.db, s->runs[i].host, &sign, err) < 0)
			return -1;
		if (silent_us(e, s->runs[i].host, sign) > e->options.lost_host_us)
			s->runs[n++] = s->runs[i];
	}
	s->n = n;
	return 0;
}

int
engine_check_hosts(struct engine *e)
{
	static const struct writing lost = {"give up a run", sizeof(struct lost_run), give_up,
		given_up, NULL, 'r', offsetof(struct lost_run, run_id), false};
	struct lost_search s = {.e = e, .cap = e->world.runs.n};
	struct err err = ERR_INIT;

	if (e->options.lost_host_us <= 0 || s.cap == 0)
		return 0;
	s.runs = arena_array(&e->arena, s.cap, sizeof(*s.runs));
	if (load_active_runs(e->env.db, note_elsewhere, &s, &err) < 0 || keep_lost(e, &s, &err) < 0)
		return engine_db_failed(e, "look for runs of other hosts", &err);
	return engine_write(e, &lost, s.runs, s.n);
}
