#include "core/world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/slots.h"

/* A longer interval is a typing error, and the arithmetic stays far from its limits. */
#define INTERVAL_MAX_S (INT64_C(100) * 366 * 86400)

/* How long Flowfile's push path takes from its commit to its run's row, with room to spare; and no write waits
 * longer than that in all (P5). */
#define PUSH_GRACE_US (300 * US_PER_MS)
#define PUSH_WAIT_MAX_US (700 * US_PER_MS)
#define PUSH_KEPT_US (7 * US_PER_DAY)

void
world_init(struct world *w, const struct policy *policy, zone_cb zone, void *zone_arg)
{
	memset(w, 0, sizeof(*w));
	w->policy = *policy;
	w->zone = zone;
	w->zone_arg = zone_arg;
	TAILQ_INIT(&w->blocked);
}

/* --- flows ------------------------------------------------------------------------------------ */

static struct flow *
flow_get(struct world *w, int64_t id)
{
	struct flow *f = idmap_get(&w->flows, id);

	if (!f) {
		f = xcalloc(1, sizeof(*f));
		f->id = id;
		TAILQ_INIT(&f->waiting);
		idmap_put(&w->flows, id, f);
	}
	return f;
}

static void
flow_release(struct world *w, struct flow *f)
{
	if (f->claiming || !TAILQ_EMPTY(&f->waiting) || !LIST_EMPTY(&f->runs[0]) ||
		!LIST_EMPTY(&f->runs[1]))
		return;
	idmap_remove(&w->flows, f->id);
	free(f);
}

struct run *
world_flow_run(const struct world *w, int64_t flow_id)
{
	struct flow *f = idmap_get(&w->flows, flow_id);

	if (!f)
		return NULL;
	return LIST_EMPTY(&f->runs[0]) ? LIST_FIRST(&f->runs[1]) : LIST_FIRST(&f->runs[0]);
}

/* --- jobs ------------------------------------------------------------------------------------- */

static bool
place_is_due(uint8_t place)
{
	return place >= JOB_READY;
}

/* Takes the job out of wherever it is; it is JOB_OFF then. */
static void
job_detach(struct world *w, struct job *job)
{
	struct flow *f;

	if (place_is_due(job->place))
		w->n_due--;
	switch (job->place) {
	case JOB_IDLE:
		heap_remove(&w->timers, &job->node);
		break;
	case JOB_READY:
		heap_remove(&w->ready, &job->node);
		break;
	case JOB_WAITING:
		f = flow_get(w, job->flow_id);
		TAILQ_REMOVE(&f->waiting, job, link);
		flow_release(w, f);
		break;
	case JOB_CLAIMING:
		f = flow_get(w, job->flow_id);
		if (f->claiming == job)
			f->claiming = NULL;
		flow_release(w, f);
		break;
	case JOB_BLOCKED:
		TAILQ_REMOVE(&w->blocked, job, link);
		break;
	default:
		break;
	}
	job->place = JOB_OFF;
}

static void
job_ready(struct world *w, struct job *job, int64_t due_us)
{
	job_detach(w, job);
	job->place = JOB_READY;
	job->due_us = due_us;
	w->n_due++;
	heap_put(&w->ready, &job->node, due_us, job->id);
}

/* The flow is free again, or a claim came back: whoever waited gets its turn. */
static void
flow_wake(struct world *w, int64_t flow_id)
{
	struct flow *f = idmap_get(&w->flows, flow_id);
	struct job *job;

	while (f && (job = TAILQ_FIRST(&f->waiting))) {
		job_ready(w, job, job->due_us);
		f = idmap_get(&w->flows, flow_id);
	}
}

static struct job *
job_find(const struct world *w, enum job_kind kind, int64_t id)
{
	struct schedule *s;

	if (kind == JOB_REQUEST)
		return idmap_get(&w->requests, id);
	s = idmap_get(&w->schedules, id);
	return s ? &s->job : NULL;
}

/* --- schedules --------------------------------------------------------------------------------- */

/* When the last table of those watched got a write not consumed; TIME_NEVER while one has none. */
static int64_t
data_due(const struct schedule *s)
{
	int64_t due = TIME_NONE;

	for (size_t i = 0; i < s->n_watches; i++) {
		const struct watch *x = &s->watches[i];

		if (!x->table->exists || x->consumed < 0 || x->generation != x->table->generation ||
			x->table->last_seq <= x->consumed)
			return TIME_NEVER;
		if (x->pending_us > due)
			due = x->pending_us;
	}
	return s->n_watches ? due : TIME_NEVER;
}

/* When Flowfile's push path has had its moment: after the newest write, but never long after the first. */
static int64_t
push_from(const struct schedule *s, int64_t now_us)
{
	const struct watch *x = &s->watches[0];
	int64_t from_us = x->table->last_write_us + PUSH_GRACE_US;

	if (from_us > x->pending_us + PUSH_WAIT_MAX_US)
		from_us = x->pending_us + PUSH_WAIT_MAX_US;
	/* The database's clock may be a little ahead; a write far ahead is of before the clock was set back. */
	return from_us <= now_us + 2 * PUSH_GRACE_US ? from_us : now_us;
}

/* From when a data schedule whose tables are all written may launch; the minimum gap is contract D-24. */
static int64_t
data_from(const struct world *w, const struct schedule *s, int64_t now_us)
{
	int64_t from_us = now_us;

	if (s->type == SCHEDULE_TABLE && now_us < w->push_until_us)
		from_us = push_from(s, now_us);
	if (w->policy.trigger_min_gap_us && s->fired_us != TIME_NONE && s->fired_us <= now_us &&
		s->fired_us + w->policy.trigger_min_gap_us > from_us)
		from_us = s->fired_us + w->policy.trigger_min_gap_us;
	return from_us;
}

/* Puts the schedule where it belongs, by what is known of it. */
static void
schedule_place(struct world *w, struct schedule *s, int64_t now_us)
{
	int64_t due_us, from_us;

	job_detach(w, &s->job);
	s->job.due_us = TIME_NEVER;
	if (!s->enabled || s->bad_hash)
		return;
	if (s->type == SCHEDULE_INTERVAL || s->type == SCHEDULE_CRON) {
		due_us = s->next_us;
		from_us = due_us;
	} else {
		due_us = data_due(s);
		from_us = due_us == TIME_NEVER ? TIME_NEVER : data_from(w, s, now_us);
	}
	if (from_us <= now_us) {
		job_ready(w, &s->job, due_us);
		return;
	}
	s->job.place = JOB_IDLE;
	if (from_us != TIME_NEVER)
		heap_put(&w->timers, &s->job.node, from_us, s->job.id);
}

static struct table *
table_get(struct world *w, int64_t id)
{
	struct table *t = idmap_get(&w->tables, id);

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->id = id;
		LIST_INIT(&t->watches);
		idmap_put(&w->tables, id, t);
	}
	return t;
}

static void
table_set(struct table *t, const struct watch_row *row)
{
	t->exists = row->exists;
	if (row->last_seq < t->last_seq && row->exists)
		return; /* rows may be read out of order; seqs of a table only grow */
	t->last_seq = row->last_seq;
	t->last_write_us = row->last_write_us;
	t->generation = row->table_generation;
}

static void
watches_clear(struct world *w, struct schedule *s)
{
	for (size_t i = 0; i < s->n_watches; i++) {
		struct table *t = s->watches[i].table;

		LIST_REMOVE(&s->watches[i], link);
		if (LIST_EMPTY(&t->watches)) {
			idmap_remove(&w->tables, t->id);
			free(t);
		}
	}
	free(s->watches);
	s->watches = NULL;
	s->n_watches = 0;
}

static void
watches_set(struct world *w, struct schedule *s, const struct schedule_row *row)
{
	struct watch *fresh = row->n_watches ? xcalloc(row->n_watches, sizeof(*fresh)) : NULL;

	for (size_t i = 0; i < row->n_watches; i++) {
		const struct watch_row *from = &row->watches[i];
		struct table *t = table_get(w, from->table_id);

		table_set(t, from);
		fresh[i] = (struct watch){
			.schedule = s,
			.table = t,
			.consumed = from->consumed,
			.generation = from->generation,
			.pending_us = from->pending_us,
		};
		LIST_INSERT_HEAD(&t->watches, &fresh[i], link);
	}
	/* The old ones go last, so that a table both watch stays. */
	watches_clear(w, s);
	s->watches = fresh;
	s->n_watches = (uint16_t)row->n_watches;
}

/*
 * Where slots go on. Our cursor holds if the row was neither edited nor fired by somebody else
 * since; otherwise the last launch, whoever made it, is the new anchor.
 */
static void
cursor_set(struct schedule *s, const struct schedule_row *row, const char *spec,
	uint64_t spec_before, int64_t now_us, bool *reseed)
{
	bool have = row->cursor_spec && row->cursor_slot_us != TIME_NONE;
	bool edited = have ? strcmp(row->cursor_spec, spec) != 0
			   : spec_before != 0 && spec_before != schedule_spec_hash(spec);
	bool fired_by_other = row->last_triggered_us != TIME_NONE &&
		(!have || row->last_triggered_us != row->cursor_triggered_us);
	int64_t created_us = row->created_us != TIME_NONE ? row->created_us : now_us;

	*reseed = false;
	if (have && !edited && !fired_by_other) {
		s->anchor_us = row->cursor_anchor_us != TIME_NONE ? row->cursor_anchor_us
								  : row->cursor_slot_us;
		s->slot_us = row->cursor_slot_us;
	} else if (s->type == SCHEDULE_CRON && edited) {
		/* The old cursor means nothing to the new expression (contract D-06). */
		s->slot_us = have && row->updated_us != TIME_NONE &&
				row->updated_us > row->cursor_slot_us && row->updated_us < now_us
			? row->updated_us
			: now_us;
		s->anchor_us = s->slot_us;
		*reseed = true;
	} else if (row->last_triggered_us != TIME_NONE) {
		s->anchor_us = row->last_triggered_us;
		s->slot_us = row->last_triggered_us;
	} else if (s->type == SCHEDULE_INTERVAL) {
		/* Never fired: due at once, and its phase is its creation. */
		s->anchor_us = created_us < now_us ? created_us : now_us;
		s->slot_us = s->anchor_us - 1;
	} else {
		s->anchor_us = created_us;
		s->slot_us = created_us;
	}
	/* Without a stored cursor an edit made while nobody looks could not be told from the first sight. */
	if (s->type == SCHEDULE_CRON && !have)
		*reseed = true;
}

static int
compile_interval(struct schedule *s, const struct schedule_row *row, struct err *err)
{
	if (row->interval_s <= 0)
		return err_set(err, ERR_USAGE, "interval_seconds is missing or not positive");
	if (row->interval_s > INTERVAL_MAX_S)
		return err_set(err, ERR_USAGE,
			"interval_seconds %" PRId64 " is more than 100 years", row->interval_s);
	s->interval_us = row->interval_s * US_PER_SEC;
	return 0;
}

static int
compile_cron(struct world *w, struct schedule *s, const struct schedule_row *row, struct err *err)
{
	const char *zone = row->cron_timezone && row->cron_timezone[0] ? row->cron_timezone : "UTC";

	if (!row->cron_expression || !row->cron_expression[0])
		return err_set(err, ERR_USAGE, "cron_expression is missing");
	if (!(s->tz = w->zone(zone, w->zone_arg, err)))
		return err_prefix(err, "cron_timezone");
	if (!s->cron)
		s->cron = xmalloc(sizeof(*s->cron));
	if (cron_parse(row->cron_expression, (uint64_t)row->id, s->cron, err) < 0)
		return err_prefix(err, "cron_expression '%s'", row->cron_expression);
	return 0;
}

static int
compile(struct world *w, struct schedule *s, const struct schedule_row *row, struct err *err)
{
	int type = schedule_type_parse(row->type);

	if (row->unreadable)
		return err_set(err, ERR_USAGE, "column %s cannot be read", row->unreadable);
	if (type < 0)
		return err_set(err, ERR_USAGE, "schedule_type '%s' is not known",
			row->type ? row->type : "");
	s->type = (uint8_t)type;
	if (type == SCHEDULE_TABLE && row->n_watches < 1)
		return err_set(err, ERR_USAGE, "trigger_table_id is missing");
	if (type == SCHEDULE_TABLE_SET && row->n_watches < 2)
		return err_set(err, ERR_USAGE, "a table set needs at least 2 tables, it has %zu",
			row->n_watches);
	if (type == SCHEDULE_INTERVAL)
		return compile_interval(s, row, err);
	return type == SCHEDULE_CRON ? compile_cron(w, s, row, err) : 0;
}

int
world_put_schedule(struct world *w, const struct schedule_row *row, int64_t now_us, bool *reseed,
	struct err *err)
{
	struct schedule *s = idmap_get(&w->schedules, row->id);
	char spec[512];
	uint64_t bad_before, spec_before;
	int64_t flow_id;

	if (!s) {
		s = xcalloc(1, sizeof(*s));
		heap_node_init(&s->job.node);
		s->job.kind = JOB_SCHEDULE;
		s->job.id = row->id;
		s->job.due_us = TIME_NEVER;
		idmap_put(&w->schedules, row->id, s);
	}
	flow_id = s->job.flow_id;
	job_detach(w, &s->job);
	s->job.flow_id = row->flow_id;
	s->job.owner_id = row->owner_id;
	s->enabled = row->enabled;
	s->fired_us = row->last_triggered_us;
	s->next_us = TIME_NEVER;
	watches_set(w, s, row);
	schedule_spec(row, spec, sizeof(spec));
	spec_before = s->spec_hash;
	s->spec_hash = schedule_spec_hash(spec);
	*reseed = false;

	bad_before = s->bad_hash;
	s->bad_hash = 0;
	if (compile(w, s, row, err) < 0) {
		s->bad_hash = schedule_spec_hash(err->text);
		flow_wake(w, flow_id);
		return row->enabled && s->bad_hash != bad_before ? -1 : 0;
	}
	cursor_set(s, row, spec, spec_before, now_us, reseed);
	slots_plan(s, now_us);
	schedule_place(w, s, now_us);
	flow_wake(w, flow_id);
	return 0;
}

void
world_drop_schedule(struct world *w, int64_t id)
{
	struct schedule *s = idmap_remove(&w->schedules, id);
	int64_t flow_id;

	if (!s)
		return;
	flow_id = s->job.flow_id;
	job_detach(w, &s->job);
	watches_clear(w, s);
	free(s->cron);
	free(s);
	flow_wake(w, flow_id);
}

struct schedule *
world_schedule(const struct world *w, int64_t id)
{
	return idmap_get(&w->schedules, id);
}

void
world_put_table(struct world *w, int64_t id, bool exists, int64_t last_seq, int64_t last_write_us,
	int64_t generation, int64_t now_us)
{
	const struct watch_row row = {
		.exists = exists,
		.last_seq = last_seq,
		.last_write_us = last_write_us,
		.table_generation = generation,
	};
	struct table *t = idmap_get(&w->tables, id);
	struct watch *x;

	if (!t)
		return;
	table_set(t, &row);
	LIST_FOREACH(x, &t->watches, link)
	{
		if (t->last_seq > x->consumed && x->pending_us == TIME_NEVER)
			x->pending_us = t->last_write_us;
		if (x->schedule->job.place != JOB_CLAIMING)
			schedule_place(w, x->schedule, now_us);
	}
}

/* --- requests ---------------------------------------------------------------------------------- */

void
world_put_request(struct world *w, int64_t id, int64_t flow_id, int64_t user_id, int64_t created_us)
{
	struct job *job = idmap_get(&w->requests, id);

	if (job)
		return;
	job = xcalloc(1, sizeof(*job));
	heap_node_init(&job->node);
	job->kind = JOB_REQUEST;
	job->id = id;
	job->flow_id = flow_id;
	job->owner_id = user_id;
	idmap_put(&w->requests, id, job);
	job_ready(w, job, created_us);
}

void
world_drop_request(struct world *w, int64_t id)
{
	struct job *job = idmap_remove(&w->requests, id);
	int64_t flow_id;

	if (!job)
		return;
	flow_id = job->flow_id;
	job_detach(w, job);
	free(job);
	flow_wake(w, flow_id);
}

/* --- runs -------------------------------------------------------------------------------------- */

static void
run_detach_flows(struct world *w, struct run *r)
{
	for (int i = 0; i < 2; i++) {
		struct flow *f;

		if (!r->flow_ids[i])
			continue;
		LIST_REMOVE(r, links[i]);
		f = flow_get(w, r->flow_ids[i]);
		flow_release(w, f);
		flow_wake(w, r->flow_ids[i]);
		r->flow_ids[i] = 0;
	}
}

static void
run_attach_flow(struct world *w, struct run *r, int i, int64_t flow_id)
{
	struct flow *f;

	r->flow_ids[i] = flow_id;
	if (!flow_id)
		return;
	f = flow_get(w, flow_id);
	LIST_INSERT_HEAD(&f->runs[i], r, links[i]);
}

/* What is to be done about the run, and when, if nothing is heard of it. */
static void
run_plan(struct world *w, struct run *r)
{
	const struct policy *p = &w->policy;
	int64_t limit_us = 0;

	r->deadline_act = RUN_ACT_NONE;
	if (r->state == RUN_CANCELLING || r->state == RUN_ENDED) {
		limit_us = 0;
	} else if (r->origin == RUN_DESIGNER) {
		limit_us = p->designer_run_max_age_us;
		r->deadline_act = RUN_ACT_CLOSE_DESIGNER;
	} else if (r->origin == RUN_FOREIGN && !r->has_pid) {
		limit_us = p->reap_foreign ? p->run_start_grace_us : 0;
		r->deadline_act = RUN_ACT_CLOSE_PIDLESS;
	} else if (r->origin == RUN_OURS || p->reap_foreign) {
		limit_us = p->run_max_age_us;
		r->deadline_act = RUN_ACT_CANCEL;
	}
	if (limit_us > 0)
		heap_put(&w->deadlines, &r->node, r->started_us + limit_us, r->id);
	else
		heap_remove(&w->deadlines, &r->node);
}

struct run *
world_put_run(struct world *w, const struct run_row *row, enum run_state state)
{
	struct run *r = idmap_get(&w->runs, row->id);
	int64_t second = row->flow_id2 != row->flow_id ? row->flow_id2 : 0;

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		heap_node_init(&r->node);
		r->id = row->id;
		r->origin = (uint8_t)row->origin;
		r->state = (uint8_t)state;
		r->started_us = row->started_us;
		idmap_put(&w->runs, row->id, r);
		if (r->origin == RUN_OURS)
			w->n_ours++;
	}
	r->has_pid = row->has_pid;
	if (r->flow_ids[0] != row->flow_id || r->flow_ids[1] != second) {
		run_detach_flows(w, r);
		run_attach_flow(w, r, 0, row->flow_id);
		run_attach_flow(w, r, 1, second);
	}
	run_plan(w, r);
	return r;
}

void
world_end_run(struct world *w, int64_t id)
{
	struct run *r = idmap_remove(&w->runs, id);

	if (!r)
		return;
	heap_remove(&w->deadlines, &r->node);
	if (r->origin == RUN_OURS)
		w->n_ours--;
	run_detach_flows(w, r);
	free(r);
}

struct run *
world_run(const struct world *w, int64_t id)
{
	return idmap_get(&w->runs, id);
}

void
world_set_run_state(struct world *w, struct run *r, enum run_state state)
{
	r->state = (uint8_t)state;
	run_plan(w, r);
}

/* --- what happens around ------------------------------------------------------------------------ */

static void
unblock(struct world *w, bool by_flow, int64_t id)
{
	struct job *job, *next;

	for (job = TAILQ_FIRST(&w->blocked); job; job = next) {
		next = TAILQ_NEXT(job, link);
		if ((by_flow ? job->flow_id : job->owner_id) == id)
			job_ready(w, job, job->due_us);
	}
}

void
world_flow_changed(struct world *w, int64_t flow_id)
{
	unblock(w, true, flow_id);
}

void
world_user_changed(struct world *w, int64_t user_id)
{
	unblock(w, false, user_id);
}

void
world_note_push(struct world *w, int64_t seen_us)
{
	if (seen_us + PUSH_KEPT_US > w->push_until_us)
		w->push_until_us = seen_us + PUSH_KEPT_US;
}

void
world_unblock_all(struct world *w)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&w->blocked)))
		job_ready(w, job, job->due_us);
}

void
world_clock_stepped(struct world *w, int64_t now_us, int64_t delta_us)
{
	struct schedule *s;
	struct run *r;
	size_t pos;

	for (pos = 0; (s = idmap_each(&w->schedules, &pos));) {
		if (s->job.place == JOB_CLAIMING || s->job.place == JOB_OFF)
			continue;
		slots_plan(s, now_us);
		schedule_place(w, s, now_us);
	}
	for (pos = 0; (r = idmap_each(&w->runs, &pos));) {
		r->started_us += delta_us;
		run_plan(w, r);
	}
}

void
world_set_policy(struct world *w, const struct policy *policy, int64_t now_us)
{
	w->policy = *policy;
	world_clock_stepped(w, now_us, 0);
}

/* --- for decide() ------------------------------------------------------------------------------ */

void
world_schedule_due(struct world *w, struct schedule *s, int64_t now_us)
{
	schedule_place(w, s, now_us);
}

void
world_job_claim(struct world *w, struct job *job)
{
	struct flow *f;

	/* A refused request is claimed too, beside the run or claim that is in its way. */
	job_detach(w, job);
	f = flow_get(w, job->flow_id);
	job->place = JOB_CLAIMING;
	w->n_due++;
	if (!f->claiming)
		f->claiming = job;
}

void
world_job_wait(struct world *w, struct job *job)
{
	struct flow *f;

	job_detach(w, job);
	f = flow_get(w, job->flow_id);
	job->place = JOB_WAITING;
	w->n_due++;
	TAILQ_INSERT_TAIL(&f->waiting, job, link);
}

bool
world_flow_claimed(const struct world *w, int64_t flow_id)
{
	struct flow *f = idmap_get(&w->flows, flow_id);

	return f && f->claiming;
}

/* --- outcomes ---------------------------------------------------------------------------------- */

void
world_launch_retry(struct world *w, enum job_kind kind, int64_t id)
{
	struct job *job = job_find(w, kind, id);
	int64_t flow_id;

	if (!job || job->place != JOB_CLAIMING)
		return;
	flow_id = job->flow_id;
	job_ready(w, job, job->due_us);
	flow_wake(w, flow_id);
}

void
world_launch_blocked(struct world *w, enum job_kind kind, int64_t id)
{
	struct job *job = job_find(w, kind, id);
	int64_t flow_id;

	if (!job || job->place != JOB_CLAIMING)
		return;
	flow_id = job->flow_id;
	job_detach(w, job);
	job->place = JOB_BLOCKED;
	w->n_due++;
	TAILQ_INSERT_TAIL(&w->blocked, job, link);
	flow_wake(w, flow_id);
}

/* --- the end ----------------------------------------------------------------------------------- */

void
world_clear(struct world *w)
{
	struct schedule *s;
	struct job *job;
	struct run *r;
	size_t run = 0, schedule = 0, request = 0;

	while ((r = idmap_any(&w->runs, &run)))
		world_end_run(w, r->id);
	while ((s = idmap_any(&w->schedules, &schedule)))
		world_drop_schedule(w, s->job.id);
	while ((job = idmap_any(&w->requests, &request)))
		world_drop_request(w, job->id);
	assert(w->tables.n == 0 && w->flows.n == 0 && w->n_due == 0 && w->n_ours == 0);
}

void
world_free(struct world *w)
{
	world_clear(w);
	idmap_free(&w->schedules);
	idmap_free(&w->requests);
	idmap_free(&w->tables);
	idmap_free(&w->flows);
	idmap_free(&w->runs);
	heap_free(&w->timers);
	heap_free(&w->ready);
	heap_free(&w->deadlines);
}
