/* The promises, checked against what happened to simulated processes and in what order things were committed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "sim.h"

#define LATE_US US_PER_SEC /* P5 */
#define CLOSE_US (10 * US_PER_SEC) /* P10: "within seconds" */

/* --- what a transaction touched ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	char letter;
} table_letters[] = {
	{"flow_runs", 'r'},
	{"flow_schedules", 's'},
	{"scheduler_lock", 'l'},
	{"scheduler_instances", 'i'},
	{"scheduler_requests", 'q'},
	{"scheduler_changes", 'c'},
	{"scheduler_active", 'a'},
	{"scheduler_runs", 'x'},
	{"scheduler_firings", 'f'},
	{"scheduler_tables", 't'},
};

void
judge_touch(struct sim *s, int op, const char *table, int64_t rowid)
{
	char letter = 'o';

	for (size_t i = 0; i < ARRAY_LEN(table_letters); i++)
		if (!strcmp(table, table_letters[i].name))
			letter = table_letters[i].letter;
	if (s->n_touched == ARRAY_LEN(s->touched))
		s->touched_overflow = true;
	else
		s->touched[s->n_touched++] = (struct touched){op, letter, rowid};
}

void
judge_rolled_back(struct sim *s)
{
	s->n_touched = 0;
}

/* P6: what only the leader may change. */
static bool
needs_lease(const struct touched *t)
{
	if (t->table == 'i' || t->table == 'c' || t->table == 'l')
		return false;
	return t->table != 'q' || t->op != SQLITE_INSERT;
}

static bool
holds_lock(struct sim *s, const struct daemon *d)
{
	return sql_int(s, 0, "SELECT holder_id = '%s' FROM scheduler_lock", d->holder);
}

void
judge_before_commit(struct sim *s, struct daemon *d)
{
	if (d->storing_sources && !holds_lock(s, d))
		sim_fail(s, "P6", "daemon %d stores sources but the lock is another's", d->id);
	for (size_t i = 0; i < s->n_touched; i++) {
		if (!needs_lease(&s->touched[i]))
			continue;
		if (!holds_lock(s, d))
			sim_fail(s, "P6",
				"daemon %d writes (table %c, row %lld) but the lock is another's",
				d->id, s->touched[i].table, (long long)s->touched[i].rowid);
		return;
	}
}

/* --- runs ------------------------------------------------------------------------------------------------- */

static void
run_update_active(struct sim *s, int64_t id)
{
	struct jrun *r = truth_run(s, id);
	struct sflow *f = truth_flow(s, r->flow_id);
	/* Flowfile's flows close their row a little before they end; that frees the flow. */
	bool active = r->open || (r->ours && r->proc && proc_lives(r->proc));

	if (active == r->active)
		return;
	r->active = active;
	if (active) {
		assert(s->n_active < (int)ARRAY_LEN(s->active));
		s->active[s->n_active++] = id;
	} else {
		for (int i = 0; i < s->n_active; i++)
			if (s->active[i] == id)
				s->active[i--] = s->active[--s->n_active];
	}
	if (r->ours) {
		s->n_ours_active += active ? 1 : -1;
		if (!active)
			s->place_T = s->T;
	}
	if (f) {
		f->n_active += active ? 1 : -1;
		if (f->n_active == 0)
			f->free_T = s->T;
	}
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A run whose end cannot be stored keeps its flow, and a place, even if its flow has closed the row. */
static bool
is_held_by_refused(const struct sim *s, int64_t flow_id)
{
	for (int i = 0; i < s->n_refused; i++)
		if (s->refused[i].table == 'r' &&
			(s->options.policy.max_concurrent_runs > 0 ||
				s->runs[s->refused[i].id].flow_id == flow_id))
			return true;
	return false;
}

/* From when on a schedule that is due could have been launched, if everything is well. */
static int64_t
launchable_T(struct sim *s, struct sched *x)
{
	int64_t due = truth_due(s, x);

	if (due == TIME_NEVER || s->paused || is_held_by_refused(s, s->flows[x->flow].id))
		return TIME_NEVER;
	due = later(later(due, s->flows[x->flow].free_T), later(x->changed_T, s->paused_T));
	if (s->options.policy.max_concurrent_runs > 0)
		due = later(due, s->place_T);
	if (x->kind == KIND_TABLE || x->kind == KIND_SET)
		due = later(due, x->fired_T + s->options.policy.trigger_min_gap_us);
	return later(due, s->calm_from);
}

static void
check_lateness(struct sim *s, struct sched *x)
{
	int64_t from = launchable_T(s, x);

	if (s->phase != PHASE_CALM || from == TIME_NEVER)
		return;
	if (s->T - from > LATE_US)
		sim_fail(s, "P5", "schedule %lld is claimed %lld ms late", (long long)x->id,
			(long long)((s->T - from) / US_PER_MS));
}

static void
slots_add(struct sched *x, int64_t slot_us)
{
	if (x->n_slots == x->cap_slots) {
		x->cap_slots = x->cap_slots ? 2 * x->cap_slots : 16;
		x->slots = xrealloc(x->slots, x->cap_slots, sizeof(*x->slots));
	}
	x->slots[x->n_slots++] = slot_us;
}

/* A slot that had fired before the clock went back over it is passed by, with what it stood for. */
static bool
fired_within(const struct sched *x, int64_t after_us, int64_t until_us)
{
	for (size_t i = 0; i < x->n_slots; i++)
		if (x->slots[i] > after_us && x->slots[i] <= until_us)
			return true;
	return false;
}

static bool
is_on_grid(const struct sched *x, int64_t slot_us)
{
	if (x->kind == KIND_CRON)
		return truth_next(x, slot_us - 1) == slot_us;
	return !x->cursor_known || (slot_us - x->cursor_us) % x->interval_us == 0;
}

/* The clock was once so far ahead that the slot was history, and is back. */
static bool
is_forgotten(const struct sim *s, int64_t slot_us)
{
	return s->options.history_us > 0 && s->max_wall_us - slot_us > s->options.history_us;
}

static void
check_slot(struct sim *s, struct daemon *d, struct sched *x, int64_t run_id)
{
	int64_t slot_us, covered, count, last = TIME_NONE;
	char text[TIMEFMT_SIZE];
	sqlite3_stmt *st;

	sqlite3_prepare_v2(s->sql,
		"SELECT slot_key, covered FROM scheduler_firings WHERE run_id = ?1", -1, &st, NULL);
	sqlite3_bind_int64(st, 1, run_id);
	if (sqlite3_step(st) != SQLITE_ROW ||
		!time_parse((const char *)sqlite3_column_text(st, 0), &slot_us)) {
		sim_fail(s, "P4", "run %lld of schedule %lld names no slot", (long long)run_id,
			(long long)x->id);
		sqlite3_finalize(st);
		return;
	}
	covered = sqlite3_column_int64(st, 1);
	sqlite3_finalize(st);
	time_format_utc(slot_us, text);
	s->n_slots_checked++;
	if (covered > 1)
		cover(COVER_SLOTS_TOGETHER);
	if (truth_fired(x, slot_us) && !is_forgotten(s, slot_us))
		sim_fail(s, "P4", "slot %s of schedule %lld fires twice", text, (long long)x->id);
	if (slot_us > d->turn_wall_us)
		sim_fail(s, "P4", "slot %s of schedule %lld fires before its time", text,
			(long long)x->id);
	if (!is_on_grid(x, slot_us))
		sim_fail(s, "P4", "%s is no slot of schedule %lld (%s %s)", text, (long long)x->id,
			x->kind == KIND_CRON ? truth_exprs[x->expr] : "interval",
			x->kind == KIND_CRON ? truth_zones[x->zone] : "");
	if (x->cursor_known && covered < 2000) {
		/* A turn has one now: what came due while it stood still is not its own. */
		count = truth_count(x, x->cursor_us, d->turn_wall_us, covered + 50, &last);
		if (last != slot_us || covered > count ||
			(covered < count && !fired_within(x, x->cursor_us, last)))
			sim_fail(s, "P4",
				"slot %s of schedule %lld stands for %lld slots, but there were "
				"%lld",
				text, (long long)x->id, (long long)covered, (long long)count);
	}
	slots_add(x, slot_us);
	x->cursor_us = slot_us;
	x->cursor_known = slot_us <= host_wall(d->host); /* else it was set back meanwhile */
	x->next_us = TIME_NONE;
	x->fired_T = s->T;
}

/* P3: each table it watches has a write that no run consumed. */
static void
check_phantom(struct sim *s, struct sched *x, int64_t run_id)
{
	for (int i = 0; i < x->n_watches; i++)
		if (s->tables[x->watches[i]].writes <= x->consumed[i])
			sim_fail(s, "P3",
				"run %lld of schedule %lld: table %lld has no write that was not "
				"consumed",
				(long long)run_id, (long long)x->id,
				(long long)s->tables[x->watches[i]].id);
}

/* Its row is gone: only the daemon that has it in hand can know of it. */
static bool
is_forgotten_by(const struct jrun *o, int64_t id, struct daemon *d)
{
	return o->deleted && !runner_has(&d->runner, id);
}

static void
check_alone(struct sim *s, struct daemon *d, int64_t id, const struct jrun *r)
{
	for (int i = 0; i < s->n_active; i++) {
		const struct jrun *o = &s->runs[s->active[i]];

		if (s->active[i] == id || o->flow_id != r->flow_id ||
			is_forgotten_by(o, s->active[i], d))
			continue;
		if (o->open)
			sim_fail(s, "P1",
				"run %lld is claimed while run %lld of flow %lld is active",
				(long long)id, (long long)s->active[i], (long long)r->flow_id);
		else if (o->ours)
			sim_fail(s, "P8", "run %lld is claimed while processes of run %lld live",
				(long long)id, (long long)s->active[i]);
	}
}

static void
cover_fired(const struct sim *s, const struct sched *x)
{
	static const enum cover kinds[] = {COVER_INTERVAL, COVER_CRON, COVER_TABLE, COVER_SET};

	if (x->kind == KIND_TABLE && s->tables[x->watches[0]].is_virtual)
		cover(COVER_TABLE_VIRTUAL);
	else
		cover(kinds[x->kind]);
}

static void
run_claimed(struct sim *s, struct daemon *d, int64_t id, struct jrun *r)
{
	struct sched *x = r->sched_id ? truth_sched(s, r->sched_id) : NULL;

	s->n_claims++;
	TRACE(s, "daemon %d claims run %lld of flow %lld for schedule %lld", d->id, (long long)id,
		(long long)r->flow_id, (long long)r->sched_id);
	check_alone(s, d, id, r);
	actor_claimed(s, id);
	if (!x) {
		cover(COVER_REQUEST);
		return;
	}
	truth_use_rules(x, d->rules);
	if (!x->enabled)
		sim_fail(s, "P3", "schedule %lld fires while it is disabled", (long long)x->id);
	check_lateness(s, x);
	cover_fired(s, x);
	if (x->kind == KIND_INTERVAL || x->kind == KIND_CRON) {
		check_slot(s, d, x, id);
	} else {
		check_phantom(s, x, id);
		truth_consumed(s, x);
	}
}

/* Flowfile started it: it consumed what was written before. */
static void
run_foreign(struct sim *s, int64_t id, struct jrun *r)
{
	struct sched *x = r->sched_id ? truth_sched(s, r->sched_id) : NULL;

	(void)id;
	if (!x)
		return;
	cover(COVER_BY_FLOWFILE);
	truth_consumed(s, x);
	x->cursor_known = false;
}

static void
run_inserted(struct sim *s, struct daemon *d, int64_t id)
{
	struct jrun *r = truth_run(s, id);
	struct sflow *f;
	sqlite3_stmt *st;

	sqlite3_prepare_v2(s->sql,
		"SELECT registration_id, schedule_id, run_type = 'in_designer_run', ended_at IS "
		"NULL, "
		"run_type = 'scheduled' FROM flow_runs WHERE id = ?1",
		-1, &st, NULL);
	sqlite3_bind_int64(st, 1, id);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*r = (struct jrun){.seen = true, .ours = d != NULL, .claimed_T = s->T};
		r->flow_id = sqlite3_column_int64(st, 0);
		r->sched_id = sqlite3_column_int(st, 4) ? sqlite3_column_int64(st, 1) : 0;
		r->designer = sqlite3_column_int(st, 2);
		r->open = sqlite3_column_int(st, 3);
	}
	sqlite3_finalize(st);
	if (d)
		run_claimed(s, d, id, r);
	else
		run_foreign(s, id, r);
	f = truth_flow(s, r->flow_id);
	if (f && r->open)
		f->n_open++;
	run_update_active(s, id);
}

static void
run_closed(struct sim *s, struct daemon *d, int64_t id, struct jrun *r, bool success)
{
	struct sflow *f = truth_flow(s, r->flow_id);

	r->open = false;
	r->closed_T = s->T;
	if (f)
		f->n_open--;
	TRACE(s, "run %lld is closed by %s: %s", (long long)id, d ? "a daemon" : "Flowfile",
		success ? "success" : "no success");
	cover(!d ? COVER_CLOSED_BY_FLOW : success ? COVER_SUCCESS : COVER_FAILURE);
	if (!d || !r->proc)
		return;
	if (proc_flow_lives(r->proc) && !r->lost && !(!r->ours && s->clock_stepped))
		sim_fail(s, "P8", "run %lld is closed by daemon %d while its processes live",
			(long long)id, d->id);
}

static void
run_updated(struct sim *s, struct daemon *d, int64_t id)
{
	struct jrun *r = truth_run(s, id);
	bool open = true, success = false;
	sqlite3_stmt *st;

	sqlite3_prepare_v2(s->sql,
		"SELECT ended_at IS NULL, success IS 1 FROM flow_runs WHERE id = ?1", -1, &st,
		NULL);
	sqlite3_bind_int64(st, 1, id);
	if (sqlite3_step(st) == SQLITE_ROW) {
		open = sqlite3_column_int(st, 0);
		success = sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	if (!r->seen)
		return;
	if (d && !r->open && open)
		sim_fail(s, "P7", "run %lld had ended and is open again", (long long)id);
	if (d && !r->open && !r->success && success)
		sim_fail(s, "P7", "run %lld turns into a success", (long long)id);
	if (r->open && !open)
		run_closed(s, d, id, r, success);
	r->success = success;
	run_update_active(s, id);
}

/* Whatever went on, nobody will write its end. */
static void
run_deleted(struct sim *s, int64_t id)
{
	struct jrun *r = truth_run(s, id);
	struct sflow *f = truth_flow(s, r->flow_id);

	if (!r->seen)
		return;
	if (r->open && f)
		f->n_open--;
	r->open = false;
	r->deleted = r->lost = true;
	cover(COVER_DELETED);
	run_update_active(s, id);
}

static void
cover_state(struct sim *s, const struct daemon *d, int64_t id, int64_t attempt)
{
	struct jrun *r = truth_run(s, id);
	char state = (char)sql_int(s, 0,
		"SELECT unicode(state) FROM scheduler_runs WHERE run_id = %lld", (long long)id);

	if (state == 'c' && r->state == 'r')
		cover(COVER_RECORDED_AGAIN);
	else if (state == 'c' && r->state == 'c' && attempt != r->attempt)
		cover(r->attempt_by == d ? COVER_CLAIMED_AGAIN : COVER_CLAIM_TAKEN_OVER);
	else if (state == 'c' && r->state == 0)
		cover(COVER_CLAIMED);
	else if (state == 'r' && r->state == 'c')
		cover(COVER_RECORDED);
	else if (state == 'e' && r->state == 'c')
		cover(COVER_CLAIM_ENDED);
	else if (state == 'e' && r->state == 'r')
		cover(COVER_ENDED);
	r->state = state;
}

/* Any commit may have passed the lock on. */
static void
cover_lock(struct sim *s, const struct daemon *d)
{
	char now = d ? 'd' : 'p';
	const char *holder = d ? d->holder : s->peer_holder;

	if (!sql_int(s, 0, "SELECT count(*) FROM scheduler_lock")) {
		if (s->lock_of)
			cover(COVER_LEASE_FREE);
		s->lock_of = 0;
		return;
	}
	if (!sql_int(s, 0, "SELECT holder_id = '%s' FROM scheduler_lock", holder))
		return;
	if (!s->lock_of)
		cover(COVER_LEASE_TAKEN);
	else if (s->lock_of != now)
		cover(now == 'd' ? COVER_LEASE_FROM_PEER : COVER_LEASE_TO_PEER);
	else if (strcmp(s->lock_holder, holder) != 0)
		cover(COVER_LEASE_OVER);
	s->lock_of = now;
	snprintf(s->lock_holder, sizeof(s->lock_holder), "%s", holder);
}

/* P9: a claim is one attempt, and the launch follows it, unless something goes wrong. */
static void
run_attempted(struct sim *s, struct daemon *d, int64_t id)
{
	struct jrun *r = truth_run(s, id);
	int64_t attempt = sql_int(
		s, 0, "SELECT attempt FROM scheduler_runs WHERE run_id = %lld", (long long)id);

	cover_state(s, d, id, attempt);
	if (attempt == r->attempt)
		return;
	if (attempt > 1 && r->attempt_by == d && r->attempt_life == d->life &&
		!r->attempt_launched && d->trouble_T < r->attempt_T)
		sim_fail(s, "P9", "run %lld: attempt %lld follows attempt %lld without a launch",
			(long long)id, (long long)attempt, (long long)r->attempt);
	r->attempt = attempt;
	r->attempt_T = s->T;
	r->attempt_by = d;
	r->attempt_life = d->life;
	r->attempt_launched = false;
}

/* One row may be touched twice in a transaction: as it is now counts. */
static bool
touched_before(const struct sim *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (s->touched[k].table == 'r' && s->touched[k].rowid == s->touched[i].rowid &&
			s->touched[k].op != SQLITE_DELETE)
			return true;
	return false;
}

void
judge_committed(struct sim *s, struct daemon *d)
{
	size_t n = s->n_touched;

	if (s->touched_overflow)
		sim_fail(s, "SIM", "a transaction touched more rows than the judge can remember");
	s->commits++;
	if (n == 0)
		return;
	if (d)
		virtual_committed(s, d);
	for (size_t i = 0; i < n; i++) {
		if (s->touched[i].table == 'l')
			cover_lock(s, d);
		if (s->touched[i].table == 'x' && d && s->touched[i].op != SQLITE_DELETE)
			run_attempted(s, d, s->touched[i].rowid);
		if (s->touched[i].table == 'r' && s->touched[i].op == SQLITE_DELETE)
			run_deleted(s, s->touched[i].rowid);
		if (s->touched[i].table != 'r' || touched_before(s, i))
			continue;
		if (s->touched[i].op == SQLITE_INSERT)
			run_inserted(s, d, s->touched[i].rowid);
		else if (s->touched[i].op == SQLITE_UPDATE)
			run_updated(s, d, s->touched[i].rowid);
	}
	s->n_touched = 0;
	daemons_hint(s, d);
}

/* --- processes ------------------------------------------------------------------------------------------------ */

/* P1, and its excuse: upstream's guard reads and inserts in two steps, and its cancel closes rows of
 * living processes; whoever of ours comes second has no excuse. */
static void
check_overlap(struct proc *p)
{
	struct sim *s = p->s;
	const struct jrun *mine = truth_run(s, p->run_id);

	for (int i = 0; i < s->n_active; i++) {
		const struct jrun *o = &s->runs[s->active[i]];

		if (s->active[i] == p->run_id || o->flow_id != p->flow_id || !o->proc ||
			!proc_flow_lives(o->proc))
			continue;
		if (p->foreign || (!o->ours && (o->claimed_T >= mine->claimed_T || !o->open)) ||
			(p->owner && is_forgotten_by(o, s->active[i], p->owner)))
			continue;
		sim_fail(s, "P1", "flow %lld runs twice: run %lld starts while run %lld lives",
			(long long)p->flow_id, (long long)p->run_id, (long long)s->active[i]);
	}
}

void
judge_flow_started(struct proc *p)
{
	struct sim *s = p->s;
	struct jrun *r = truth_run(s, p->run_id);

	TRACE(s, "flow %lld of run %lld starts (%s)", (long long)p->flow_id, (long long)p->run_id,
		p->foreign ? "Flowfile's" : "ours");
	s->n_starts++;
	cover(COVER_STARTED);
	if (p->foreign)
		s->n_foreign++;
	check_overlap(p);
	r->proc = p;
	r->start_T = s->T;
	if (++r->starts > 1)
		sim_fail(s, "P9", "run %lld starts a second time", (long long)p->run_id);
	if (s->phase == PHASE_CALM && r->ours && r->claimed_T >= s->calm_from &&
		s->T - r->claimed_T > LATE_US)
		sim_fail(s, "P5", "run %lld starts %lld ms after its claim", (long long)p->run_id,
			(long long)((s->T - r->claimed_T) / US_PER_MS));
	run_update_active(s, p->run_id);
}

void
judge_flow_gone(struct proc *p)
{
	struct jrun *r = truth_run(p->s, p->run_id);

	if (r->proc == p)
		r->gone_T = p->s->T;
	run_update_active(p->s, p->run_id);
}

void
judge_spawn_failed(struct proc *p)
{
	truth_run(p->s, p->run_id)->spawn_failed = true;
}

/* P11: no flow is touched while the database is away. */
static void
check_database_there(struct daemon *d, const char *what, int64_t run_id)
{
	if (sim_faulty(d->s) && d->outage_from < d->last_turn_T && d->s->T < d->outage_until)
		sim_fail(d->s, "P11", "daemon %d %s run %lld while the database is away", d->id,
			what, (long long)run_id);
}

void
judge_launch(struct daemon *d, int64_t run_id)
{
	truth_run(d->s, run_id)->attempts++;
	truth_run(d->s, run_id)->attempt_launched = true;
	check_database_there(d, "launches", run_id);
}

void
judge_go(struct daemon *d, const struct proc *p)
{
	cover(COVER_GONE);
	if (p->born_cancelled)
		sim_fail(d->s, "P7", "run %lld is let go although its cancel was accepted before",
			(long long)p->run_id);
	check_database_there(d, "lets go", p->run_id);
}

void
judge_signal(struct daemon *d, struct proc *p)
{
	struct jrun *r = truth_run(d->s, p->run_id);

	check_database_there(d, "ends", p->run_id);
	if (r->open && proc_flow_lives(p))
		r->cancel_sent = true;
}

void
judge_after_turn(struct daemon *d)
{
	if (sim_wall(d->s) > d->s->max_wall_us)
		d->s->max_wall_us = sim_wall(d->s);
}

/* --- when all is calm ----------------------------------------------------------------------------------------- */

static bool
has_place(const struct sim *s)
{
	int64_t limit = s->options.policy.max_concurrent_runs;

	return limit <= 0 || s->n_ours_active < limit;
}

static void
sweep_schedule(struct sim *s, struct sched *x)
{
	int64_t from = launchable_T(s, x);

	if (from == TIME_NEVER || s->flows[x->flow].n_active > 0 || !has_place(s))
		return;
	if (s->T - from > LATE_US + US_PER_SEC)
		sim_fail(s, x->kind == KIND_TABLE || x->kind == KIND_SET ? "P2" : "P5",
			"schedule %lld has been due for %lld s and its flow is free",
			(long long)x->id, (long long)((s->T - from) / US_PER_SEC));
}

/*
 * A schedule whose cursor the model lost: on its grid, what is passed in the calm must be fired. Not what the
 * clock went back over: it may have been fired before, or stood for.
 */
static void
sweep_lost_schedule(struct sim *s, struct sched *x)
{
	int64_t wall = host_wall(&s->hosts[0]), from, slot;

	if (!x->exists || !x->enabled || x->bad || x->cursor_known || s->paused ||
		sql_is_refused(s, 's', x->id) || is_held_by_refused(s, s->flows[x->flow].id) ||
		!s->flows[x->flow].registered || !s->users[x->owner].enabled ||
		(x->kind != KIND_CRON && x->kind != KIND_INTERVAL) ||
		s->flows[x->flow].n_active > 0 || !has_place(s))
		return;
	from = later(later(s->calm_from, s->flows[x->flow].free_T),
		later(x->changed_T, later(s->place_T, s->paused_T)));
	from = later(wall - (s->T - from), s->relived_us);
	slot = x->kind == KIND_INTERVAL ? from + x->interval_us : truth_next(x, from);
	if (wall - slot > 2 * US_PER_SEC)
		sim_fail(s, "P5", "schedule %lld lets a slot pass", (long long)x->id);
}

/* P10: what is gone is closed within seconds, what is closed is gone. */
static void
sweep_run(struct sim *s, int64_t id)
{
	struct jrun *r = &s->runs[id];
	bool lives = r->proc && proc_lives(r->proc);
	int64_t from = later(later(r->gone_T, r->claimed_T), s->calm_from);

	if (r->designer || lives || !r->open || s->T - from <= CLOSE_US ||
		sql_is_refused(s, 'r', id))
		return;
	if (!r->ours && r->starts == 0)
		return;
	sim_fail(s, "P10", "run %lld is open, but there is no process of it since %lld s",
		(long long)id, (long long)((s->T - from) / US_PER_SEC));
}

/* Requests are answered as fast as schedules fire; those to run may wait for a place. */
static void
sweep_requests(struct sim *s)
{
	int64_t from = later(later(s->request_T, s->paused_T), s->calm_from), n;

	if (s->requests_done || s->T - from <= 3 * US_PER_SEC)
		return;
	n = sql_int(s, 0,
		"SELECT count(*) FROM scheduler_requests WHERE outcome IS NULL AND kind <> 'run' "
		"AND NOT sim_refused('q', id) AND NOT sim_refused('r', run_id)");
	if (n > 0)
		sim_fail(s, "P2", "a request is not answered");
	n = sql_int(s, 0,
		"SELECT count(*) FROM scheduler_requests WHERE outcome IS NULL AND NOT "
		"sim_refused('q', id) AND NOT sim_refused('r', run_id)");
	if (n > 0 && has_place(s) && !is_held_by_refused(s, 0) &&
		s->T - s->place_T > 3 * US_PER_SEC)
		sim_fail(s, "P2", "a request to run is not answered");
	s->requests_done = n == 0;
}

void
judge_sweep(struct sim *s)
{
	const struct daemon *leader = daemon_leading(s);

	if (!leader) {
		sim_fail(s, "P5", "nobody leads, though all is calm");
		return;
	}
	for (int i = 0; i < s->n_scheds; i++) {
		truth_use_rules(&s->scheds[i], leader->rules);
		sweep_schedule(s, &s->scheds[i]);
		sweep_lost_schedule(s, &s->scheds[i]);
	}
	for (int i = 0; i < s->n_active; i++)
		sweep_run(s, s->active[i]);
	virtual_sweep(s);
	sweep_requests(s);
}

void
judge_calm_begins(struct sim *s)
{
	for (int i = 0; i < s->n_daemons; i++) {
		struct daemon *d = &s->daemons[i];

		d->calm_T = s->T;
		d->calm_turns = d->turns;
		d->calm_steps = d->steps;
		d->calm_vm_ops = d->vm_ops;
		d->calm_causes = d->causes;
	}
}

/* --- the end -------------------------------------------------------------------------------------------------- */

/*
 * P13. A daemon wakes for its heartbeat, its poll, what it hears, and what is due; and what it reads then does
 * not depend on how many schedules there are.
 */
static void
check_idle(struct sim *s, struct daemon *d)
{
	int64_t span = s->T - d->calm_T, beats, turns, ops, causes;

	if (!d->up || span <= 0)
		return;
	causes = d->causes - d->calm_causes;
	beats = span / s->options.heartbeat_us + span / s->options.poll_us + span / US_PER_HOUR + 2;
	turns = d->turns - d->calm_turns;
	ops = d->vm_ops - d->calm_vm_ops;
	if (turns > (daemon_leading(s) == d ? beats : span / US_PER_SEC + beats) + 4 * causes + 20)
		sim_fail(s, "P13", "daemon %d took %lld turns for %lld beats and %lld news", d->id,
			(long long)turns, (long long)beats, (long long)causes);
	if (daemon_leading(s) == d && ops > 600 * beats + 50000)
		sim_fail(s, "P13", "daemon %d made the database work %lld steps for %lld beats",
			d->id, (long long)ops, (long long)beats);
}

/* Attempt after attempt failed, or it grew too old before one did not. */
static bool
gave_up(struct sim *s, int64_t id)
{
	return sql_int(s, 0,
		"SELECT attempt >= 5 OR cancel_by = 'run_max_age' FROM scheduler_runs WHERE run_id "
		"= %lld",
		(long long)id);
}

static void
check_over(struct sim *s, int64_t id)
{
	const struct jrun *r = &s->runs[id];

	if (!r->seen || r->open || !r->ours)
		return;
	if (r->success && !r->deleted && (r->cancel_sent || r->core_cancelled))
		sim_fail(s, "P7", "run %lld was cancelled and is a success", (long long)id);
	if (r->starts == 0 && !r->spawn_failed && !r->cancel_asked && !r->core_cancelled &&
		!r->lost && r->attempts < 5 && !gave_up(s, id))
		sim_fail(s, "P9",
			"run %lld was claimed, never started, and closed after %d attempts",
			(long long)id, r->attempts);
	if (r->starts == 0 && r->success)
		sim_fail(s, "P9", "run %lld never started and is a success", (long long)id);
	if (r->starts == 1 && r->success && !r->proc->row_closed && r->proc->exit.known &&
		r->proc->exit.code != 0)
		sim_fail(s, "P10", "run %lld failed and is a success", (long long)id);
}

void
judge_over(struct sim *s)
{
	for (size_t id = 1; id < s->n_runs; id++)
		check_over(s, (int64_t)id);
	if (s->idle)
		for (int i = 0; i < s->n_daemons; i++)
			check_idle(s, &s->daemons[i]);
}
