#include "catalog/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"
#include "catalog/runs.h"
#include "catalog/tables.h"
#include "catalog/users.h"
#include "catalog/zones.h"
#include "core/slots.h"
#include "store/load.h"

/* The schedule in a world of its own. */
struct view {
	struct world world;
	const struct schedule *schedule; /* NULL: there is none */
	struct err bad; /* what is wrong with its row */
	int64_t now_us;
};

/* Put in as if it were enabled: what would be is asked of disabled ones too. */
static void
view_schedule(const struct schedule_row *row, void *arg)
{
	struct view *view = arg;
	struct schedule_row enabled = *row;
	bool reseed;

	enabled.enabled = true;
	world_put_schedule(&view->world, &enabled, view->now_us, &reseed, &view->bad);
	view->schedule = world_schedule(&view->world, row->id);
}

static void
view_run(const struct active_run *run, void *arg)
{
	struct view *view = arg;

	world_put_run(&view->world, &run->row, RUN_ELSEWHERE);
}

static int
view_open(struct view *view, struct catalog *cat, const struct policy *policy, int64_t id,
	struct err *err)
{
	int r;

	*view = (struct view){.bad = ERR_INIT, .now_us = clock_wall(cat->clock)};
	world_init(&view->world, policy, zones_find, cat->zones);
	r = load_schedule(cat->db, id, view_schedule, view, err);
	if (r > 0)
		return 0;
	world_free(&view->world);
	return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "Schedule not found");
}

static bool
is_bad(const struct view *view)
{
	return view->schedule->bad_hash != 0;
}

/* --- when -------------------------------------------------------------------------------------- */

static int64_t
slot_after(const struct schedule *s, int64_t after_us)
{
	if (s->type == SCHEDULE_INTERVAL)
		return interval_next(s->anchor_us, s->interval_us, after_us);
	return cron_next(s->cron, s->tz, after_us);
}

static void
list_upcoming(const struct view *view, size_t count, struct arena *a, struct upcoming *out)
{
	const struct schedule *s = view->schedule;
	int64_t at_us = view->now_us;

	*out = (struct upcoming){.due_us = TIME_NONE};
	if (s->job.place == JOB_READY)
		out->due_us = s->job.due_us;
	out->on_data = s->type == SCHEDULE_TABLE || s->type == SCHEDULE_TABLE_SET;
	if (s->type == SCHEDULE_CRON && strcmp(tz_name(s->tz), "UTC") != 0)
		out->tz = s->tz;
	if (out->on_data)
		return;
	out->times = arena_array(a, count, sizeof(*out->times));
	while (out->n < count && (at_us = slot_after(s, at_us)) != TIME_NEVER)
		out->times[out->n++] = at_us;
}

int
explain_upcoming(struct catalog *cat, int64_t id, size_t count, struct arena *a,
	struct upcoming *out, struct err *err)
{
	const struct policy policy = {0};
	struct view view;
	int rc = 0;

	if (view_open(&view, cat, &policy, id, err) < 0)
		return -1;
	if (is_bad(&view))
		rc = err_set(err, ERR_USAGE, "schedule %lld cannot fire: %s", (long long)id,
			view.bad.text);
	else
		list_upcoming(&view, count, a, out);
	world_free(&view.world);
	return rc;
}

/* --- why --------------------------------------------------------------------------------------- */

static const char *
time_text(struct arena *a, int64_t us)
{
	char text[TIMEFMT_SIZE];

	time_format_human(us, text);
	return arena_printf(a, "%s UTC", text);
}

static const char *
watch_state(const struct watch *x)
{
	if (!x->table->exists)
		return "gone";
	if (x->consumed < 0)
		return "not_armed";
	if (x->generation != x->table->generation)
		return "reused";
	return x->table->last_seq > x->consumed ? "written" : "unchanged";
}

static void
list_tables(const struct view *view, struct arena *a, struct explanation *out)
{
	const struct schedule *s = view->schedule;

	out->n_tables = s->n_watches;
	out->tables = arena_array(a, s->n_watches, sizeof(*out->tables));
	for (size_t i = 0; i < s->n_watches; i++) {
		const struct watch *x = &s->watches[i];

		out->tables[i] = (struct explain_table){
			.id = x->table->id,
			.name = schedules_table_name(a, &out->schedule, x->table->id),
			.state = watch_state(x),
			.last_write_us = x->table->last_write_us,
		};
	}
}

static const char *
join_tables(struct arena *a, const struct explanation *e, const char *state)
{
	const char *text = NULL;

	for (size_t i = 0; i < e->n_tables; i++)
		if (strcmp(e->tables[i].state, state) == 0)
			text = text == NULL ? e->tables[i].name
					    : arena_printf(a, "%s, %s", text, e->tables[i].name);
	return text;
}

/* What a data trigger that is not due waits for. */
static const char *
waits_for(struct arena *a, const struct view *view, const struct explanation *e)
{
	const char *gone = join_tables(a, e, "gone"), *reused = join_tables(a, e, "reused");
	const char *unarmed = join_tables(a, e, "not_armed");
	const char *unchanged = join_tables(a, e, "unchanged"),
		   *written = join_tables(a, e, "written");
	const struct job *job = &view->schedule->job;

	if (gone != NULL)
		return arena_printf(a,
			"It cannot fire: %s is not in the catalog any more. Delete the schedule, "
			"or "
			"make one for another table.",
			gone);
	if (reused != NULL)
		return arena_printf(a,
			"It does not fire: the table it was made for was deleted, and its id now "
			"belongs to another table, %s. Disable and enable the schedule to watch "
			"that "
			"one.",
			reused);
	if (unarmed != NULL)
		return arena_printf(a,
			"It has not been armed for %s yet; the scheduler does so when it sees it.",
			unarmed);
	if (unchanged != NULL && written == NULL)
		return arena_printf(a, "It waits for %s%s to be written.",
			e->n_tables > 1 ? "each of " : "", unchanged);
	if (unchanged != NULL)
		return arena_printf(a, "It waits for %s to be written; %s %s been.", unchanged,
			written, strchr(written, ',') != NULL ? "have" : "has");
	return arena_printf(a,
		"Its tables have been written, but the least time between two runs "
		"(trigger_min_gap) is not over before %s.",
		time_text(a, job->node.key));
}

/* Why it cannot launch although it is due; NULL: nothing stands against it. */
static const char *
block_text(struct catalog *cat, struct arena *a, const struct explanation *e, const char **state,
	struct err *err)
{
	const struct schedule_info *s = &e->schedule;
	struct user_info user;

	*state = "blocked";
	if (s->flow_name == NULL)
		return arena_printf(a,
			"Its flow %lld is not registered any more. Delete the schedule.",
			(long long)s->registration_id);
	if (users_get(cat, s->owner_id, a, &user, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return NULL;
		err_clear(err);
		return arena_printf(a, "Its owner, user %lld, does not exist any more.",
			(long long)s->owner_id);
	}
	if (user.disabled)
		return arena_printf(a, "Its owner, %s, is disabled.",
			user.username != NULL ? user.username : "a user");
	return NULL;
}

static void
explain_due(const struct view *view, struct arena *a, struct explanation *out)
{
	const struct run *busy = world_flow_run(&view->world, view->schedule->job.flow_id);
	int64_t limit = view->world.policy.max_concurrent_runs;
	const char *since = time_text(a, out->due_us);

	out->state = "waiting";
	if (busy != NULL) {
		out->busy_run_id = busy->id;
		out->reason = arena_printf(a,
			"It is due since %s. Its flow is busy with run %lld (since %s), and it "
			"runs "
			"when that has ended.",
			since, (long long)busy->id, time_text(a, busy->started_us));
	} else if (out->paused) {
		out->reason = arena_printf(a,
			"It is due since %s, but the scheduler is paused. Go on with `flowfile "
			"scheduler resume`.",
			since);
	} else if (!out->leader.active) {
		out->reason = arena_printf(a,
			"It is due since %s, but no scheduler is running. Start one with `flowfile "
			"run flowfile_scheduler`.",
			since);
	} else if (limit > 0 && view->world.n_ours >= limit) {
		out->reason = arena_printf(a,
			"It is due since %s. All %lld places for runs (max_concurrent_runs) are "
			"taken; it is launched when one is free.",
			since, (long long)limit);
	} else {
		out->state = "due";
		out->reason =
			arena_printf(a, "It is due since %s and about to be launched.", since);
	}
}

static int
judge(struct catalog *cat, const struct view *view, struct arena *a, struct explanation *out,
	struct err *err)
{
	const struct schedule *s = view->schedule;
	const char *blocked;

	if (!out->schedule.enabled) {
		out->state = "disabled";
		out->reason = arena_printf(a,
			"It is disabled. Enable it with `flowfile schedules enable %lld`; what "
			"happened meanwhile does not count.",
			(long long)out->schedule.id);
		return 0;
	}
	if (is_bad(view)) {
		out->state = "bad_row";
		out->reason = arena_printf(a, "It cannot fire: %s.", view->bad.text);
		return 0;
	}
	blocked = block_text(cat, a, out, &out->state, err);
	if (err->code != ERR_NONE)
		return -1;
	if (blocked != NULL) {
		out->reason = blocked;
		return 0;
	}
	if (s->job.place == JOB_READY) {
		out->due_us = s->job.due_us;
		explain_due(view, a, out);
		return 0;
	}
	out->state = "idle";
	if (out->upcoming.on_data)
		out->reason = waits_for(a, view, out);
	else if (s->next_us == TIME_NEVER)
		out->reason = "It never fires: no date fits its expression.";
	else
		out->reason = arena_printf(
			a, "It waits for its next time, %s.", time_text(a, s->next_us));
	return 0;
}

/* NULL when the run is gone. */
static int
outcome_of(struct catalog *cat, int64_t run_id, struct arena *a, const char **out, struct err *err)
{
	struct run_info run;

	*out = NULL;
	if (run_id == ID_NONE)
		return 0;
	if (runs_get(cat, run_id, a, &run, err) == 0)
		*out = runs_status(&run);
	else if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* Our own record of the last firing, else the last run that somebody else's scheduler made. */
static int
last_firing(struct catalog *cat, int64_t id, struct arena *a, struct explain_firing *out,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_LAST_FIRING);
	struct run_filter filter = {.schedule_id = id, .run_type = "scheduled", .limit = 1};
	struct run_page page;
	int r;

	*out = (struct explain_firing){.due_us = TIME_NONE, .fired_us = TIME_NONE};
	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		out->any = true;
		out->fired_us = catalog_time(st, 0);
		out->due_us = catalog_time(st, 1);
		out->cause = catalog_text(a, st, 2);
		out->covered = col_int(st, 3);
		out->run_id = col_int_or(st, 4, ID_NONE);
	}
	stmt_reset(st);
	if (r != 0)
		return r < 0 ? -1 : outcome_of(cat, out->run_id, a, &out->run_outcome, err);
	if (runs_list(cat, &filter, a, &page, err) < 0)
		return -1;
	if (page.n > 0) {
		out->any = true;
		out->fired_us = page.items[0].started_us;
		out->cause = "another scheduler";
		out->covered = 1;
		out->run_id = page.items[0].id;
		out->run_outcome = runs_status(&page.items[0]);
	}
	return 0;
}

static int
fill(struct catalog *cat, struct view *view, size_t count, struct arena *a, struct explanation *out,
	struct err *err)
{
	int64_t id = out->schedule.id;

	if (load_active_runs(cat->db, view_run, view, err) < 0 ||
		load_paused(cat->db, &out->paused, err) < 0 ||
		status_leader(cat, a, &out->leader, err) < 0 ||
		last_firing(cat, id, a, &out->last, err) < 0)
		return -1;
	list_tables(view, a, out);
	out->upcoming = (struct upcoming){.due_us = TIME_NONE};
	if (!is_bad(view))
		list_upcoming(view, count, a, &out->upcoming);
	return judge(cat, view, a, out, err);
}

int
explain_schedule(struct catalog *cat, const struct policy *policy, int64_t id, size_t count,
	struct arena *a, struct explanation *out, struct err *err)
{
	struct view view;
	int rc;

	*out = (struct explanation){.due_us = TIME_NONE};
	if (schedules_get(cat, id, a, &out->schedule, err) < 0 ||
		view_open(&view, cat, policy, id, err) < 0)
		return -1;
	rc = fill(cat, &view, count, a, out, err);
	world_free(&view.world);
	return rc;
}

/* --- JSON -------------------------------------------------------------------------------------- */

static void
json_tables(struct json *j, const struct explanation *e)
{
	json_key(j, "tables");
	json_array(j);
	for (size_t i = 0; i < e->n_tables; i++) {
		json_object(j);
		json_kv_int(j, "id", e->tables[i].id);
		json_kv_string(j, "name", e->tables[i].name);
		json_kv_string(j, "state", e->tables[i].state);
		catalog_json_utc(j, "last_write_at", e->tables[i].last_write_us);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
json_last(struct json *j, const struct explain_firing *last)
{
	if (!last->any) {
		json_kv_null(j, "last_firing");
		return;
	}
	json_key(j, "last_firing");
	json_object(j);
	catalog_json_utc(j, "fired_at", last->fired_us);
	catalog_json_utc(j, "due_at", last->due_us);
	json_kv_string(j, "cause", last->cause);
	json_kv_int(j, "covered", last->covered);
	json_kv_int_or_null(j, "run_id", last->run_id, ID_NONE);
	json_kv_string(j, "run_outcome", last->run_outcome);
	json_object_end(j);
}

void
explain_json(struct json *j, const struct explanation *e)
{
	json_object(j);
	json_key(j, "schedule");
	schedules_json(j, &e->schedule);
	json_kv_string(j, "flow_name", e->schedule.flow_name);
	json_kv_string(j, "state", e->state);
	json_kv_string(j, "reason", e->reason);
	catalog_json_utc(j, "due_at", e->due_us);
	json_kv_int_or_null(j, "busy_run_id", e->busy_run_id, ID_NONE);
	json_tables(j, e);
	json_last(j, &e->last);
	json_key(j, "next_at");
	json_array(j);
	for (size_t i = 0; i < e->upcoming.n; i++)
		catalog_json_utc(j, NULL, e->upcoming.times[i]);
	json_array_end(j);
	json_kv_bool(j, "scheduler_active", e->leader.active);
	json_kv_bool(j, "paused", e->paused);
	json_object_end(j);
}
