/* The world and the decision: what launches, in which order, and what keeps it back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/decide.h"
#include "core/slots.h"

#define T0 (INT64_C(1779264000) * US_PER_SEC) /* 2026-05-20T08:00:00Z */
#define S US_PER_SEC

static struct world w;
static struct arena arena;
static struct decision d;
static struct tz *utc;

static const struct tz *
zone(const char *name, void *arg, struct err *err)
{
	(void)arg;
	if (strcmp(name, "UTC") != 0) {
		err_set(err, ERR_USAGE, "no zone '%s'", name);
		return NULL;
	}
	return utc;
}

static void
setup(void)
{
	const struct policy policy = {.reap_foreign = true, .run_start_grace_us = 300 * S};

	utc = tz_utc();
	world_init(&w, &policy, zone, NULL);
}

static void
teardown(void)
{
	world_free(&w);
	arena_free(&arena);
	tz_free(utc);
}

/* An interval schedule created at T0 that never fired. */
static struct schedule_row
interval_row(int64_t id, int64_t flow_id, int64_t seconds)
{
	return (struct schedule_row){
		.id = id,
		.flow_id = flow_id,
		.owner_id = 1,
		.enabled = true,
		.type = "interval",
		.interval_s = seconds,
		.last_triggered_us = TIME_NONE,
		.created_us = T0,
		.updated_us = T0,
		.cursor_anchor_us = TIME_NONE,
		.cursor_slot_us = TIME_NONE,
		.cursor_triggered_us = TIME_NONE,
	};
}

static struct schedule_row
cron_row(int64_t id, int64_t flow_id, const char *expression)
{
	struct schedule_row row = interval_row(id, flow_id, 0);

	row.type = "cron";
	row.cron_expression = expression;
	return row;
}

static struct watch_row
watch_row(int64_t table_id, int64_t consumed, int64_t last_seq)
{
	return (struct watch_row){
		.table_id = table_id,
		.consumed = consumed,
		.generation = 1,
		.pending_us = last_seq > consumed ? T0 + last_seq * S : TIME_NEVER,
		.exists = true,
		.last_seq = last_seq,
		.last_write_us = T0 + last_seq * S,
		.table_generation = 1,
	};
}

static struct schedule_row
data_row(int64_t id, int64_t flow_id, const struct watch_row *watches, size_t n)
{
	struct schedule_row row = interval_row(id, flow_id, 0);

	row.type = n == 1 ? "table_trigger" : "table_set_trigger";
	row.watches = watches;
	row.n_watches = n;
	return row;
}

static int
put(const struct schedule_row *row, int64_t now_us)
{
	struct err err = ERR_INIT;
	bool reseed;

	return world_put_schedule(&w, row, now_us, &reseed, &err);
}

static void
decide_at(int64_t now_us)
{
	arena_reset(&arena);
	decide(&w, now_us, 100, &arena, &d);
}

static struct run *
put_run(int64_t id, int64_t flow_id, enum run_origin origin, int64_t started_us)
{
	const struct run_row row = {id, flow_id, 0, origin, true, started_us};

	return world_put_run(&w, &row, RUN_STARTED);
}

/* The row as it is after the store claimed launch l at now. */
static void
claimed(struct schedule_row *row, const struct launch *l, int64_t now_us)
{
	static char spec[512];

	schedule_spec(row, spec, sizeof(spec));
	row->last_triggered_us = row->cursor_triggered_us = now_us;
	row->cursor_spec = spec;
	row->cursor_anchor_us = l->anchor_us;
	row->cursor_slot_us = l->slot_us;
	put(row, now_us);
}

START_TEST(a_new_interval_fires_at_once_and_then_keeps_its_phase)
{
	struct schedule_row row = interval_row(1, 10, 300);

	put(&row, T0 + 2 * S);
	decide_at(T0 + 2 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].slot_us, T0);
	claimed(&row, &d.launches[0], T0 + 2 * S);
	decide_at(T0 + 3 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + 300 * S);
}
END_TEST

START_TEST(slots_missed_while_away_are_caught_up_by_one_run)
{
	struct schedule_row row = interval_row(1, 10, 60);

	put(&row, T0);
	decide_at(T0);
	claimed(&row, &d.launches[0], T0);
	decide_at(T0 + 3605 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].slot_us, T0 + 3600 * S);
	ck_assert_int_eq(d.launches[0].covered, 60);
	ck_assert_int_eq(d.launches[0].due_us, T0 + 60 * S);
}
END_TEST

START_TEST(an_interval_fired_by_somebody_else_counts_from_that)
{
	struct schedule_row row = interval_row(1, 10, 300);

	put(&row, T0);
	decide_at(T0);
	claimed(&row, &d.launches[0], T0);
	row.last_triggered_us = T0 + 317 * S; /* Flowfile's scheduler */
	put(&row, T0 + 318 * S);
	decide_at(T0 + 318 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + 617 * S);
}
END_TEST

START_TEST(the_creation_of_a_cron_schedule_never_fires_it)
{
	struct schedule_row row = cron_row(1, 10, "0 8 * * *");

	put(&row, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + 86400 * S);
}
END_TEST

START_TEST(an_edited_cron_starts_anew_and_says_so)
{
	struct schedule_row row = cron_row(1, 10, "0 * * * *");
	struct err err = ERR_INIT;
	bool reseed;

	row.cursor_spec = "cron:30 2 * * *|";
	row.cursor_slot_us = T0 - 86400 * S;
	row.last_triggered_us = row.cursor_triggered_us = T0 - 86400 * S;
	ck_assert_int_eq(world_put_schedule(&w, &row, T0 + 90 * S, &reseed, &err), 0);
	ck_assert(reseed);
	decide_at(T0 + 90 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + 3600 * S);
}
END_TEST

START_TEST(a_table_trigger_fires_for_a_write_not_consumed)
{
	struct watch_row watch = watch_row(7, 3, 3);
	struct schedule_row row = data_row(1, 10, &watch, 1);

	put(&row, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	world_put_table(&w, 7, true, 4, T0 + 9 * S, 1, T0 + 10 * S);
	decide_at(T0 + 10 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].due_us, T0 + 9 * S);
}
END_TEST

START_TEST(a_set_fires_only_when_every_table_advanced)
{
	struct watch_row watches[2] = {watch_row(7, 3, 3), watch_row(8, 5, 5)};
	struct schedule_row row = data_row(1, 10, watches, 2);

	put(&row, T0);
	world_put_table(&w, 7, true, 6, T0 + S, 1, T0 + S);
	decide_at(T0 + S);
	ck_assert_uint_eq(d.n_launches, 0);
	world_put_table(&w, 8, true, 7, T0 + 2 * S, 1, T0 + 2 * S);
	decide_at(T0 + 2 * S);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_table_whose_id_was_reused_does_not_fire)
{
	struct watch_row watch = watch_row(7, 3, 3);
	struct schedule_row row = data_row(1, 10, &watch, 1);

	put(&row, T0);
	world_put_table(&w, 7, true, 9, T0, 2, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
}
END_TEST

START_TEST(a_table_that_is_gone_does_not_fire)
{
	struct watch_row watch = watch_row(7, 3, 4);
	struct schedule_row row = data_row(1, 10, &watch, 1);

	watch.exists = false;
	put(&row, T0 + 60 * S);
	decide_at(T0 + 60 * S);
	ck_assert_uint_eq(d.n_launches, 0);
}
END_TEST

START_TEST(two_data_runs_keep_the_least_gap)
{
	struct watch_row watch = watch_row(7, 3, 4);
	struct schedule_row row = data_row(1, 10, &watch, 1);

	w.policy.trigger_min_gap_us = 100 * S;
	row.last_triggered_us = T0;
	put(&row, T0 + 10 * S);
	decide_at(T0 + 10 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + 100 * S);
	decide_at(T0 + 100 * S);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(where_flowfile_pushes_it_is_left_a_moment_and_no_write_waits_long)
{
	struct watch_row watch = watch_row(7, 3, 3);
	struct schedule_row row = data_row(1, 10, &watch, 1);
	int64_t ms = US_PER_MS, at = T0 + 10 * S;

	put(&row, T0);
	world_note_push(&w, T0);
	world_put_table(&w, 7, true, 4, at, 1, at);
	decide_at(at);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, at + 300 * ms);
	/* Writes that go on and on do not put it off for ever. */
	for (int i = 1; i <= 6; i++)
		world_put_table(&w, 7, true, 4 + i, at + i * 100 * ms, 1, at + i * 100 * ms);
	decide_at(at + 600 * ms);
	ck_assert_int_eq(d.next_us, at + 700 * ms);
	decide_at(at + 700 * ms);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_week_after_flowfile_last_pushed_it_is_not_waited_for)
{
	struct watch_row watch = watch_row(7, 3, 3);
	struct schedule_row row = data_row(1, 10, &watch, 1);
	int64_t later = T0 + 8 * 86400 * S;

	put(&row, T0);
	world_note_push(&w, T0);
	world_put_table(&w, 7, true, 4, later, 1, later);
	decide_at(later);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_cron_edited_before_it_ever_fired_starts_anew)
{
	struct schedule_row row = cron_row(1, 10, "0 20 * * *");

	put(&row, T0);
	row.cron_expression = "30 8 * * *";
	put(&row, T0 + 3600 * S);
	decide_at(T0 + 3600 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, T0 + (86400 + 1800) * S);
}
END_TEST

START_TEST(a_busy_flow_keeps_its_schedule_due_until_it_is_free)
{
	struct schedule_row row = interval_row(1, 10, 300);

	put_run(5, 10, RUN_DESIGNER, T0);
	put(&row, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(world_schedule(&w, 1)->job.place, JOB_WAITING);
	ck_assert_int_eq(d.next_us, TIME_NEVER);
	world_end_run(&w, 5);
	decide_at(T0 + 700 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].covered, 3);
}
END_TEST

START_TEST(a_run_known_only_by_uuid_keeps_its_flow_busy_too)
{
	const struct run_row run = {5, 0, 10, RUN_FOREIGN, true, T0};
	struct schedule_row row = interval_row(1, 10, 300);

	world_put_run(&w, &run, RUN_ELSEWHERE);
	put(&row, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
}
END_TEST

START_TEST(two_schedules_of_one_flow_launch_it_once)
{
	struct schedule_row a = interval_row(1, 10, 300), b = interval_row(2, 10, 300);

	put(&a, T0);
	put(&b, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].id, 1);
	ck_assert_int_eq(world_schedule(&w, 2)->job.place, JOB_WAITING);
}
END_TEST

START_TEST(a_launch_that_failed_is_tried_again_and_the_other_waits)
{
	struct schedule_row a = interval_row(1, 10, 300), b = interval_row(2, 10, 300);

	put(&a, T0);
	put(&b, T0);
	decide_at(T0);
	world_launch_retry(&w, JOB_SCHEDULE, 1);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].id, 1);
}
END_TEST

START_TEST(places_are_given_in_the_order_in_which_jobs_became_due)
{
	struct schedule_row a = interval_row(1, 10, 300), b = interval_row(2, 11, 300),
			    c = interval_row(3, 12, 300);

	w.policy.max_concurrent_runs = 1;
	a.created_us = T0 + 2 * S;
	c.created_us = T0 + S;
	put(&a, T0 + 5 * S);
	put(&b, T0 + 5 * S);
	put(&c, T0 + 5 * S);
	decide_at(T0 + 5 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].id, 2);
	put_run(50, 11, RUN_OURS, T0 + 5 * S);
	claimed(&b, &d.launches[0], T0 + 5 * S);
	decide_at(T0 + 6 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	world_end_run(&w, 50);
	decide_at(T0 + 7 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].id, 3);
}
END_TEST

START_TEST(runs_of_others_take_no_place)
{
	struct schedule_row a = interval_row(1, 10, 300);

	w.policy.max_concurrent_runs = 1;
	put_run(50, 11, RUN_FOREIGN, T0);
	put(&a, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_request_for_a_busy_flow_is_refused_even_when_no_place_is_free)
{
	w.policy.max_concurrent_runs = 1;
	put_run(50, 10, RUN_OURS, T0);
	world_put_request(&w, 9, 10, 1, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_uint_eq(d.n_refusals, 1);
	ck_assert_int_eq(d.refusals[0].request_id, 9);
	ck_assert_int_eq(d.refusals[0].run_id, 50);
	world_drop_request(&w, 9);
	decide_at(T0);
	ck_assert_uint_eq(d.n_refusals, 0);
}
END_TEST

START_TEST(a_paused_scheduler_launches_nothing_and_forgets_nothing)
{
	struct schedule_row a = interval_row(1, 10, 300);

	w.paused = true;
	put(&a, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	w.paused = false;
	decide_at(T0 + 10 * S);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(what_people_ask_for_is_launched_though_schedules_are_paused)
{
	struct schedule_row a = interval_row(1, 10, 300);

	w.paused = true;
	put(&a, T0);
	world_put_request(&w, 8, 12, 1, T0 + 1);
	world_put_request(&w, 7, 11, 1, T0);
	decide_at(T0 + S);
	ck_assert_uint_eq(d.n_launches, 2);
	ck_assert_int_eq(d.launches[0].kind, JOB_REQUEST);
	ck_assert_int_eq(d.launches[0].id, 7);
	ck_assert_int_eq(d.launches[1].id, 8);
}
END_TEST

START_TEST(a_blocked_schedule_waits_for_what_blocks_it)
{
	struct schedule_row a = interval_row(1, 10, 300);

	put(&a, T0);
	decide_at(T0);
	world_launch_blocked(&w, JOB_SCHEDULE, 1);
	decide_at(T0 + S);
	ck_assert_uint_eq(d.n_launches, 0);
	world_user_changed(&w, 2);
	decide_at(T0 + S);
	ck_assert_uint_eq(d.n_launches, 0);
	world_user_changed(&w, 1);
	decide_at(T0 + S);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_disabled_schedule_does_nothing)
{
	struct schedule_row a = interval_row(1, 10, 300);

	a.enabled = false;
	put(&a, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(d.next_us, TIME_NEVER);
}
END_TEST

START_TEST(a_row_that_makes_no_sense_is_told_once_and_harms_nobody)
{
	struct schedule_row good = interval_row(1, 10, 300), bad = cron_row(2, 11, "61 * * * *");

	ck_assert_int_eq(put(&bad, T0), -1);
	ck_assert_int_eq(put(&bad, T0), 0);
	put(&good, T0);
	decide_at(T0);
	ck_assert_uint_eq(d.n_launches, 1);
	bad.cron_expression = "* * * * *";
	ck_assert_int_eq(put(&bad, T0), 0);
	ck_assert_int_eq(world_schedule(&w, 2)->job.place, JOB_IDLE);
}
END_TEST

/* Rows that must be refused, each with what the message names. */
static const struct {
	const char *type, *cron, *zone, *names;
	int64_t interval_s;
	const char *unreadable;
} bad_rows[] = {
	{"interval", NULL, NULL, "interval_seconds", 0, NULL},
	{"interval", NULL, NULL, "interval_seconds", -5, NULL},
	{"interval", NULL, NULL, "100 years", INT64_C(9000000000000), NULL},
	{"cron", NULL, NULL, "cron_expression", 0, NULL},
	{"cron", "* * * *", NULL, "cron_expression", 0, NULL},
	{"cron", "* * * * *", "Mars/Olympus", "cron_timezone", 0, NULL},
	{"table_trigger", NULL, NULL, "trigger_table_id", 0, NULL},
	{"table_set_trigger", NULL, NULL, "at least 2 tables", 0, NULL},
	{"sometimes", NULL, NULL, "schedule_type", 0, NULL},
	{NULL, NULL, NULL, "schedule_type", 0, NULL},
	{"interval", NULL, NULL, "last_triggered_at", 60, "last_triggered_at"},
};

START_TEST(a_bad_row_is_named)
{
	struct schedule_row row = interval_row(1, 10, bad_rows[_i].interval_s);
	struct err err = ERR_INIT;
	bool reseed;

	row.type = bad_rows[_i].type;
	row.cron_expression = bad_rows[_i].cron;
	row.cron_timezone = bad_rows[_i].zone;
	row.unreadable = bad_rows[_i].unreadable;
	ck_assert_int_eq(world_put_schedule(&w, &row, T0, &reseed, &err), -1);
	ck_assert_msg(strstr(err.text, bad_rows[_i].names) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_clock_that_goes_back_ten_years_does_not_silence_schedules)
{
	struct schedule_row row = interval_row(1, 10, 60);
	int64_t then = T0 - 10 * 365 * 86400 * S;

	put(&row, T0);
	decide_at(T0);
	claimed(&row, &d.launches[0], T0);
	world_clock_stepped(&w, then, then - T0);
	decide_at(then);
	ck_assert_int_le(d.next_us, then + 60 * S);
}
END_TEST

START_TEST(what_piles_up_after_the_clock_went_back_is_caught_up_by_one_run)
{
	struct schedule_row row = interval_row(1, 10, 60);
	int64_t then = T0 - 86400 * S;

	put(&row, T0);
	decide_at(T0);
	claimed(&row, &d.launches[0], T0);
	world_clock_stepped(&w, then, then - T0);
	w.paused = true;
	decide_at(then + 61 * S);
	w.paused = false;
	decide_at(then + 3605 * S);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.launches[0].slot_us, then + 3600 * S);
	ck_assert_int_eq(d.launches[0].covered, 60);
}
END_TEST

START_TEST(a_write_of_before_the_clock_went_back_is_not_held_for_a_push)
{
	struct watch_row watch = watch_row(7, 3, 3);
	struct schedule_row row = data_row(1, 10, &watch, 1);
	int64_t then = T0 - 3600 * S;

	put(&row, T0);
	world_note_push(&w, T0);
	world_put_table(&w, 7, true, 4, T0, 1, T0);
	world_clock_stepped(&w, then, then - T0);
	decide_at(then);
	ck_assert_uint_eq(d.n_launches, 1);
}
END_TEST

START_TEST(a_clock_step_does_not_age_runs)
{
	int64_t later = T0 + 10 * 365 * 86400 * S;

	w.policy.run_max_age_us = 86400 * S;
	put_run(5, 10, RUN_OURS, T0);
	world_clock_stepped(&w, later, later - T0);
	decide_at(later);
	ck_assert_uint_eq(d.n_actions, 0);
	decide_at(later + 86400 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	ck_assert_int_eq(d.actions[0].act, RUN_ACT_CANCEL);
}
END_TEST

START_TEST(a_run_of_others_without_a_process_is_closed_after_the_grace)
{
	const struct run_row run = {5, 10, 0, RUN_FOREIGN, false, T0};

	world_put_run(&w, &run, RUN_ELSEWHERE);
	decide_at(T0 + 299 * S);
	ck_assert_uint_eq(d.n_actions, 0);
	ck_assert_int_eq(d.next_us, T0 + 300 * S);
	decide_at(T0 + 300 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	ck_assert_int_eq(d.actions[0].act, RUN_ACT_CLOSE_PIDLESS);
}
END_TEST

/* What could not be written is undone by planning the run anew, or comes back with its row. */
START_TEST(an_action_is_given_once_and_again_when_the_run_is_planned_anew)
{
	struct run *r;

	w.policy.run_max_age_us = 3600 * S;
	r = put_run(5, 10, RUN_OURS, T0);
	decide_at(T0 + 3600 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	decide_at(T0 + 3601 * S);
	ck_assert_uint_eq(d.n_actions, 0);
	world_set_run_state(&w, r, (enum run_state)r->state);
	decide_at(T0 + 3602 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	put_run(5, 10, RUN_OURS, T0);
	decide_at(T0 + 3603 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	world_set_run_state(&w, r, RUN_CANCELLING);
	decide_at(T0 + 3604 * S);
	ck_assert_uint_eq(d.n_actions, 0);
}
END_TEST

START_TEST(a_designer_run_blocks_no_longer_than_the_rule_says)
{
	w.policy.designer_run_max_age_us = 3600 * S;
	put_run(5, 10, RUN_DESIGNER, T0);
	decide_at(T0 + 3600 * S);
	ck_assert_uint_eq(d.n_actions, 1);
	ck_assert_int_eq(d.actions[0].act, RUN_ACT_CLOSE_DESIGNER);
}
END_TEST

START_TEST(a_decision_that_was_cut_short_goes_on_at_once)
{
	struct schedule_row a = interval_row(1, 10, 300), b = interval_row(2, 11, 300);

	put(&a, T0);
	put(&b, T0);
	decide(&w, T0, 1, &arena, &d);
	ck_assert_uint_eq(d.n_launches, 1);
	ck_assert_int_eq(d.next_us, T0);
}
END_TEST

START_TEST(a_deleted_schedule_is_forgotten_wherever_it_was)
{
	struct watch_row watch = watch_row(7, 3, 4);
	struct schedule_row ready = interval_row(1, 10, 300), waiting = interval_row(2, 11, 300),
			    data = data_row(3, 12, &watch, 1);

	put_run(5, 11, RUN_OURS, T0);
	put(&ready, T0);
	put(&waiting, T0);
	put(&data, T0 + 60 * S);
	decide_at(T0 + 60 * S);
	for (int64_t id = 1; id <= 3; id++)
		world_drop_schedule(&w, id);
	decide_at(T0 + 999 * S);
	ck_assert_uint_eq(d.n_launches, 0);
	ck_assert_int_eq(w.n_due, 0);
	ck_assert_uint_eq(w.tables.n, 0);
}
END_TEST

START_TEST(heaps_give_out_in_order_whatever_is_removed)
{
	enum { N = 500 };
	static struct heap_node nodes[N];
	struct heap h = {NULL, 0, 0};
	uint32_t r = 12345;
	int64_t last = INT64_MIN;

	for (int i = 0; i < N; i++) {
		heap_node_init(&nodes[i]);
		r = r * 1103515245u + 12345u;
		heap_put(&h, &nodes[i], (int64_t)(r >> 8) % 1000, i);
	}
	for (int i = 0; i < N; i += 3)
		heap_remove(&h, &nodes[i]);
	for (int i = 1; i < N; i += 3)
		heap_put(&h, &nodes[i], (int64_t)i * 7 % 1000, i);
	while (heap_top(&h)) {
		ck_assert_int_ge(heap_top(&h)->key, last);
		last = heap_top(&h)->key;
		heap_remove(&h, heap_top(&h));
	}
	heap_free(&h);
}
END_TEST

START_TEST(all_can_be_taken_out_of_an_id_map)
{
	struct idmap m = {0};
	static int values[1000];
	size_t pos = 0;
	int *v, n = 0;

	for (int i = 0; i < 1000; i++)
		idmap_put(&m, i * 7, &values[i]);
	while ((v = idmap_any(&m, &pos))) {
		ck_assert_ptr_eq(idmap_remove(&m, (v - values) * 7), v);
		n++;
	}
	ck_assert_int_eq(n, 1000);
	ck_assert_uint_eq(m.n, 0);
	idmap_free(&m);
}
END_TEST

START_TEST(an_id_map_holds_what_was_put_and_not_removed)
{
	enum { N = 3000 };
	static int values[N];
	struct idmap m = {NULL, 0, 0};
	size_t pos = 0, n = 0;

	for (int i = 0; i < N; i++)
		idmap_put(&m, (int64_t)i * 64 - 5, &values[i]);
	for (int i = 0; i < N; i += 2)
		ck_assert_ptr_eq(idmap_remove(&m, (int64_t)i * 64 - 5), &values[i]);
	for (int i = 0; i < N; i++)
		ck_assert_ptr_eq(
			idmap_get(&m, (int64_t)i * 64 - 5), i % 2 ? (void *)&values[i] : NULL);
	while (idmap_each(&m, &pos))
		n++;
	ck_assert_uint_eq(n, N / 2);
	ck_assert_ptr_null(idmap_remove(&m, 1));
	idmap_free(&m);
}
END_TEST

START_TEST(interval_slots_lie_at_the_anchor_in_both_directions)
{
	ck_assert_int_eq(interval_next(100, 60, 100), 160);
	ck_assert_int_eq(interval_next(100, 60, 99), 100);
	ck_assert_int_eq(interval_next(100, 60, -81), -80);
	ck_assert_int_eq(interval_last(100, 60, 99), 40);
	ck_assert_int_eq(interval_last(100, 60, 100), 100);
	ck_assert_int_eq(interval_last(100, 60, -81), -140);
}
END_TEST

static Suite *
suite(void)
{
	const TTest *const tests[] = {
		a_new_interval_fires_at_once_and_then_keeps_its_phase,
		slots_missed_while_away_are_caught_up_by_one_run,
		an_interval_fired_by_somebody_else_counts_from_that,
		the_creation_of_a_cron_schedule_never_fires_it,
		an_edited_cron_starts_anew_and_says_so,
		a_table_trigger_fires_for_a_write_not_consumed,
		a_set_fires_only_when_every_table_advanced,
		a_table_whose_id_was_reused_does_not_fire,
		a_table_that_is_gone_does_not_fire,
		two_data_runs_keep_the_least_gap,
		where_flowfile_pushes_it_is_left_a_moment_and_no_write_waits_long,
		a_week_after_flowfile_last_pushed_it_is_not_waited_for,
		a_cron_edited_before_it_ever_fired_starts_anew,
		a_busy_flow_keeps_its_schedule_due_until_it_is_free,
		a_run_known_only_by_uuid_keeps_its_flow_busy_too,
		two_schedules_of_one_flow_launch_it_once,
		a_launch_that_failed_is_tried_again_and_the_other_waits,
		places_are_given_in_the_order_in_which_jobs_became_due,
		runs_of_others_take_no_place,
		a_request_for_a_busy_flow_is_refused_even_when_no_place_is_free,
		a_paused_scheduler_launches_nothing_and_forgets_nothing,
		what_people_ask_for_is_launched_though_schedules_are_paused,
		a_blocked_schedule_waits_for_what_blocks_it,
		a_disabled_schedule_does_nothing,
		a_row_that_makes_no_sense_is_told_once_and_harms_nobody,
		a_clock_that_goes_back_ten_years_does_not_silence_schedules,
		what_piles_up_after_the_clock_went_back_is_caught_up_by_one_run,
		a_write_of_before_the_clock_went_back_is_not_held_for_a_push,
		a_clock_step_does_not_age_runs,
		a_run_of_others_without_a_process_is_closed_after_the_grace,
		an_action_is_given_once_and_again_when_the_run_is_planned_anew,
		a_designer_run_blocks_no_longer_than_the_rule_says,
		a_decision_that_was_cut_short_goes_on_at_once,
		a_deleted_schedule_is_forgotten_wherever_it_was,
		heaps_give_out_in_order_whatever_is_removed,
		all_can_be_taken_out_of_an_id_map,
		an_id_map_holds_what_was_put_and_not_removed,
		interval_slots_lie_at_the_anchor_in_both_directions,
	};
	Suite *s = suite_create("decide");
	TCase *tc = tcase_create("decide");

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, a_bad_row_is_named, 0, (int)ARRAY_LEN(bad_rows));
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
