/*
 * The catalog: what may be written, what is said when it may not, and the shapes of the API. Built twice:
 * on SQLite in memory, and with TEST_POSTGRES on a private cluster.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "catalog/explain.h"
#include "catalog/flows.h"
#include "catalog/namespaces.h"
#include "catalog/requests.h"
#include "catalog/resolve.h"
#include "catalog/runs.h"
#include "catalog/schedules.h"
#include "catalog/status.h"
#include "catalog/tables.h"
#include "catalog/users.h"
#include "catalog/zones.h"
#include "store/schema.h"
#ifdef TEST_POSTGRES
#include "../integration/pg_cluster.h"
#endif

#define START_US INT64_C(1800000000000000) /* 2027-01-15 08:00:00 */

static int64_t now_us;

static int64_t
test_wall(void *arg)
{
	(void)arg;
	return now_us;
}

static struct boottime
test_boot(void *arg)
{
	(void)arg;
	return (struct boottime){now_us};
}

static const struct clock test_clock = {test_wall, test_boot, NULL};
static const char *url = ":memory:";
static struct paths paths;
static struct catalog cat;
static struct arena arena;
static struct err err;
static int64_t default_ns;

static void
sql(const char *text)
{
	ck_assert_msg(db_script(cat.db, text, &err) == 0, "%s: %s", text, err.text);
}

static void
setup(void)
{
	const struct db_options options = {.create = true};

	log_set_level(LOG_ERROR_LEVEL);
	now_us = START_US;
	setenv("TZDIR", "/usr/share/zoneinfo", 1);
	ck_assert_int_eq(paths_resolve("/nowhere", &paths, &err), 0);
	cat = (struct catalog){.paths = &paths, .clock = &test_clock, .zones = zones_new()};
	ck_assert_msg(db_open(url, &options, &cat.db, &err) == 0, "%s", err.text);
	if (db_get_type(cat.db) == DB_POSTGRES)
		sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	ck_assert_msg(schema_prepare(cat.db, &err) == 0, "%s", err.text);
	ck_assert_int_eq(users_local(cat.db, &cat.user_id, &err), 0);
	ck_assert_int_eq(namespaces_default(&cat, &default_ns, &err), 0);
	ck_assert_int_ne(default_ns, ID_NONE);
}

static void
teardown(void)
{
	db_close(cat.db);
	zones_free(cat.zones);
	paths_free(&paths);
	arena_free(&arena);
	err_clear(&err);
}

static int64_t
number(const char *text)
{
	struct stmt *st = db_stmt_text(cat.db, text);
	int64_t n = -1;

	ck_assert_msg(stmt_get_int(st, &n, &err) >= 0, "%s: %s", text, err.text);
	stmt_finish(st);
	return n;
}

/* The text in the first column of all rows, separated by commas; "NULL". In the arena. */
static const char *
text_of(const char *query)
{
	struct stmt *st = db_stmt_text(cat.db, query);
	const char *text = "";
	int r;

	while ((r = stmt_step(st, &err)) > 0)
		text = arena_printf(&arena, "%s%s%s", text, *text != '\0' ? "," : "",
			col_null(st, 0) ? "NULL" : col_text(st, 0));
	ck_assert_msg(r == 0, "%s: %s", query, err.text);
	stmt_finish(st);
	return text;
}

/* The time in the first column of the first row, in one form. In the arena. */
static const char *
time_of(const char *query)
{
	struct stmt *st = db_stmt_text(cat.db, query);
	char text[TIMEFMT_SIZE];
	int64_t us;

	ck_assert_msg(stmt_step(st, &err) > 0, "%s: %s", query, err.text);
	ck_assert_int_eq(col_time(st, 0, &us), 1);
	stmt_finish(st);
	time_format_catalog(us, text);
	return arena_strdup(&arena, text);
}

static int64_t
new_flow(const char *name)
{
	const struct flow_new new = {
		.name = name, .flow_path = "/nowhere/flow.yaml", .namespace_id = default_ns};
	int64_t id;

	ck_assert_msg(flows_register(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

static int64_t
new_table_in(const char *name, int64_t namespace_id)
{
	const struct table_new new = {.name = name,
		.namespace_id = namespace_id,
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE};
	int64_t id;

	ck_assert_msg(tables_register(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

static int64_t
new_table(const char *name)
{
	return new_table_in(name, default_ns);
}

static int64_t new_schedule(struct schedule_new new)
{
	int64_t id;

	if (new.type != SCHEDULE_INTERVAL)
		new.interval_s = COUNT_NONE;
	ck_assert_msg(schedules_create(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

static void
touch(int64_t table_id)
{
	const struct table_touch t = {
		.run_id = ID_NONE, .row_count = COUNT_NONE, .size_bytes = COUNT_NONE};

	ck_assert_msg(tables_touch(&cat, table_id, &t, NULL, &err) == 0, "%s", err.text);
}

/* The error is this code, and its first line is this text. */
static void
expect_error(int rc, enum err_code code, const char *detail)
{
	char line[sizeof(err.text)];

	ck_assert_int_eq(rc, -1);
	ck_assert_str_eq(catalog_detail(&err, line, sizeof(line)), detail);
	ck_assert_int_eq(err.code, code);
	ck_assert(!db_in_transaction(cat.db));
	err_clear(&err);
}

static const char *
json_of(void (*write)(struct json *j, const void *object), const void *object)
{
	struct json j;
	struct buf out;
	const char *text;

	buf_init(&out, 1 << 20);
	json_init(&j, &out);
	write(&j, object);
	text = arena_strdup(&arena, buf_str(&out));
	buf_free(&out);
	return text;
}

static void
write_flow(struct json *j, const void *o)
{
	flows_json(j, o);
}
static void
write_table(struct json *j, const void *o)
{
	tables_json(j, o);
}
static void
write_schedule(struct json *j, const void *o)
{
	schedules_json(j, o);
}
static void
write_run(struct json *j, const void *o)
{
	runs_json_detail(j, o);
}
static void
write_namespace(struct json *j, const void *o)
{
	namespaces_json(j, o);
}
static void
write_explanation(struct json *j, const void *o)
{
	explain_json(j, o);
}

/* --- schedules --------------------------------------------------------------------------------- */

START_TEST(a_schedule_that_may_not_be_is_refused_with_the_texts_of_the_api)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1"), t2 = new_table("t2");
	const int64_t one[] = {t1}, twice[] = {t1, t2, t1}, unknown[] = {t1, 99}, empty[1] = {0};
	const struct {
		struct schedule_new new;
		enum err_code code;
		const char *detail;
	} cases[] = {
		/* the flow comes before the rules of the type */
		{{.registration_id = 99, .type = SCHEDULE_INTERVAL, .interval_s = 1}, ERR_NOT_FOUND,
			"Flow not found"},
		{{.registration_id = flow, .type = SCHEDULE_INTERVAL, .interval_s = COUNT_NONE},
			ERR_USAGE, "interval_seconds must be >= 60"},
		{{.registration_id = flow, .type = SCHEDULE_INTERVAL, .interval_s = 59}, ERR_USAGE,
			"interval_seconds must be >= 60"},
		{{.registration_id = flow, .type = SCHEDULE_CRON}, ERR_USAGE,
			"cron_expression is required for cron schedules"},
		{{.registration_id = flow, .type = SCHEDULE_CRON, .cron_expression = " \t"},
			ERR_USAGE, "cron_expression is required for cron schedules"},
		{{.registration_id = flow,
			 .type = SCHEDULE_CRON,
			 .cron_expression = "61 * * * *",
			 .cron_timezone = "No/Where"},
			ERR_USAGE, "Invalid cron expression: '61 * * * *'"},
		{{.registration_id = flow, .type = SCHEDULE_CRON, .cron_expression = "@daily"},
			ERR_USAGE, "Invalid cron expression: '@daily'"},
		{{.registration_id = flow, .type = SCHEDULE_CRON, .cron_expression = "0 0 * * * *"},
			ERR_USAGE, "Invalid cron expression: '0 0 * * * *'"},
		{{.registration_id = flow,
			 .type = SCHEDULE_CRON,
			 .cron_expression = "0 2 * * *",
			 .cron_timezone = "europe/amsterdam"},
			ERR_USAGE, "Invalid timezone: 'europe/amsterdam'"},
		{{.registration_id = flow, .type = SCHEDULE_TABLE}, ERR_USAGE,
			"trigger_table_id is required for table_trigger schedules"},
		{{.registration_id = flow, .type = SCHEDULE_TABLE, .trigger_table_id = 99},
			ERR_NOT_FOUND, "Trigger table not found"},
		{{.registration_id = flow, .type = SCHEDULE_TABLE_SET, .trigger_table_ids = empty},
			ERR_USAGE, "table_set_trigger requires at least 2 trigger_table_ids"},
		{{.registration_id = flow,
			 .type = SCHEDULE_TABLE_SET,
			 .trigger_table_ids = one,
			 .n_trigger_tables = 1},
			ERR_USAGE, "table_set_trigger requires at least 2 trigger_table_ids"},
		{{.registration_id = flow,
			 .type = SCHEDULE_TABLE_SET,
			 .trigger_table_ids = unknown,
			 .n_trigger_tables = 2},
			ERR_NOT_FOUND, "Trigger table not found"},
		{{.registration_id = flow,
			 .type = SCHEDULE_TABLE_SET,
			 .trigger_table_ids = twice,
			 .n_trigger_tables = 3},
			ERR_USAGE, "trigger_table_ids names table 1 twice"},
	};
	int64_t id;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_error(schedules_create(&cat, &cases[i].new, &id, &err), cases[i].code,
			cases[i].detail);
	ck_assert_int_eq(number("SELECT count(*) FROM flow_schedules"), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM schedule_trigger_tables"), 0);
}
END_TEST

START_TEST(the_reason_stands_behind_the_api_text)
{
	ck_assert_int_eq(schedules_check_cron(&cat, "61 * * * *", NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "\nminute: "));
	err_clear(&err);
	ck_assert_int_eq(schedules_check_cron(&cat, "0 2 * * *", "europe/amsterdam", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "did you mean 'Europe/Amsterdam'?"));
	err_clear(&err);
}
END_TEST

START_TEST(a_new_schedule_has_every_client_default)
{
	const int64_t flow = new_flow("f");
	const int64_t id = new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_CRON,
		.cron_expression = " 0 2 * * * ",
		.name = "nightly"});

	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(number("SELECT count(*) FROM flow_schedules WHERE enabled IS TRUE"
				" AND owner_id = 1 AND schedule_type = 'cron'"
				" AND cron_expression = ' 0 2 * * * '"),
		1);
	ck_assert_str_eq(
		time_of("SELECT created_at FROM flow_schedules"), "2027-01-15 08:00:00.000000");
	ck_assert_str_eq(
		time_of("SELECT updated_at FROM flow_schedules"), "2027-01-15 08:00:00.000000");
	/* Python reads no other form (contract 8.4). */
	if (db_get_type(cat.db) == DB_SQLITE)
		ck_assert_str_eq(text_of("SELECT created_at FROM flow_schedules"),
			"2027-01-15 08:00:00.000000");
	ck_assert_str_eq(text_of("SELECT last_triggered_at FROM flow_schedules"), "NULL");
	ck_assert_str_eq(text_of("SELECT cron_timezone FROM flow_schedules"), "NULL");
}
END_TEST

START_TEST(a_data_trigger_is_armed_with_what_its_tables_are)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1"), t2 = new_table("t2");
	const int64_t ids[] = {t1, t2};

	/* One instant in two text forms, and a later one without a fraction. */
	sql("UPDATE catalog_tables SET updated_at = '2027-01-15 09:00:00.250000' WHERE id = 1");
	sql("UPDATE catalog_tables SET updated_at = '2027-01-15 09:00:01' WHERE id = 2");
	new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_TABLE, .trigger_table_id = t1});
	new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2,
		.disabled = true});
	ck_assert_str_eq(
		time_of("SELECT last_trigger_table_updated_at FROM flow_schedules WHERE id = 1"),
		"2027-01-15 09:00:00.250000");
	ck_assert_str_eq(
		time_of("SELECT last_trigger_table_updated_at FROM flow_schedules WHERE id = 2"),
		"2027-01-15 09:00:01.000000");
	ck_assert_str_eq(
		text_of("SELECT table_id FROM schedule_trigger_tables ORDER BY id"), "1,2");
	ck_assert_int_eq(number("SELECT count(*) FROM scheduler_consumed"), 3);
}
END_TEST

START_TEST(enabling_arms_and_what_was_written_meanwhile_is_past)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1");
	const int64_t id = new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE,
		.trigger_table_id = t1,
		.disabled = true});
	struct schedule_change change = SCHEDULE_CHANGE_INIT;

	now_us += US_PER_HOUR;
	touch(t1);
	now_us += US_PER_HOUR;
	change.enabled = TRI_TRUE;
	ck_assert_int_eq(schedules_update(&cat, id, &change, &err), 0);
	ck_assert_str_eq(time_of("SELECT last_trigger_table_updated_at FROM flow_schedules"),
		"2027-01-15 09:00:00.000000");
	ck_assert_str_eq(
		time_of("SELECT updated_at FROM flow_schedules"), "2027-01-15 10:00:00.000000");
	ck_assert_int_eq(number("SELECT count(*) FROM scheduler_consumed c, scheduler_tables t"
				" WHERE c.seq = t.last_seq"),
		1);

	/* Enabled already: nothing changes, nothing is armed. */
	touch(t1);
	now_us += US_PER_HOUR;
	ck_assert_int_eq(schedules_update(&cat, id, &change, &err), 0);
	ck_assert_str_eq(time_of("SELECT last_trigger_table_updated_at FROM flow_schedules"),
		"2027-01-15 09:00:00.000000");
	ck_assert_str_eq(
		time_of("SELECT updated_at FROM flow_schedules"), "2027-01-15 10:00:00.000000");
}
END_TEST

START_TEST(a_change_is_checked_as_a_creation_is)
{
	const int64_t flow = new_flow("f");
	const int64_t every = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_INTERVAL, .interval_s = 60});
	const int64_t cron = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_CRON, .cron_expression = "0 2 * * *"});
	struct schedule_change change = SCHEDULE_CHANGE_INIT;

	change.cron_expression = "0 3 * * *";
	expect_error(schedules_update(&cat, every, &change, &err), ERR_USAGE,
		"cron_expression/cron_timezone can only be set on cron schedules");
	expect_error(
		schedules_update(&cat, 99, &change, &err), ERR_NOT_FOUND, "Schedule not found");
	ck_assert_int_eq(schedules_update(&cat, cron, &change, &err), 0);
	change.cron_expression = NULL;
	change.cron_timezone = "Mars/Olympus";
	expect_error(schedules_update(&cat, cron, &change, &err), ERR_USAGE,
		"Invalid timezone: 'Mars/Olympus'");
	change.cron_timezone = NULL;
	change.interval_s = 30; /* checked on any type */
	expect_error(schedules_update(&cat, cron, &change, &err), ERR_USAGE,
		"interval_seconds must be >= 60");
	ck_assert_str_eq(
		text_of("SELECT cron_expression FROM flow_schedules WHERE id = 2"), "0 3 * * *");
}
END_TEST

START_TEST(deleting_a_schedule_takes_its_links_and_leaves_its_runs)
{
	const int64_t flow = new_flow("f"), ids[] = {new_table("t1"), new_table("t2")};
	const int64_t id = new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2});

	sql("INSERT INTO flow_runs (flow_name, user_id, started_at, run_type, schedule_id,"
	    " nodes_completed, number_of_nodes)"
	    " VALUES ('f', 1, '2027-01-15 08:00:00', 'scheduled', 1, 0, 0)");
	ck_assert_int_eq(schedules_delete(&cat, id, &err), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM flow_schedules"), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM schedule_trigger_tables"), 0);
	ck_assert_int_eq(number("SELECT schedule_id FROM flow_runs"), 1);
	expect_error(schedules_delete(&cat, id, &err), ERR_NOT_FOUND, "Schedule not found");
}
END_TEST

/* --- tables ------------------------------------------------------------------------------------ */

START_TEST(a_touch_always_moves_the_stamp)
{
	const int64_t t1 = new_table("t1");
	struct table_touch t = {.run_id = 7, .row_count = 5, .size_bytes = 100};
	int64_t before = number("SELECT max(seq) FROM scheduler_changes"), at_us;

	/* The same second, the same microsecond, the same figures: a write each time. */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(tables_touch(&cat, t1, &t, NULL, &err), 0);
	ck_assert_str_eq(
		time_of("SELECT updated_at FROM catalog_tables"), "2027-01-15 08:00:00.000003");
	ck_assert_int_eq(number("SELECT max(seq) FROM scheduler_changes"), before + 3);
	ck_assert_int_eq(number("SELECT count(*) FROM scheduler_table_writes WHERE run_id = 7"), 1);

	/* The clock went back an hour: the stamp does not. */
	now_us -= US_PER_HOUR;
	t.run_id = ID_NONE;
	t.row_count = t.size_bytes = COUNT_NONE;
	ck_assert_int_eq(tables_touch(&cat, t1, &t, &at_us, &err), 0);
	ck_assert_int_eq(at_us, START_US + 4);
	ck_assert_str_eq(text_of("SELECT source_run_id FROM catalog_tables"), "NULL");
	ck_assert_int_eq(number("SELECT row_count * 1000 + size_bytes FROM catalog_tables"), 5100);
	ck_assert_int_eq(number("SELECT max(seq) FROM scheduler_changes"), before + 4);
	expect_error(
		tables_touch(&cat, 99, &t, NULL, &err), ERR_NOT_FOUND, "Catalog table not found");
}
END_TEST

START_TEST(renaming_a_table_is_no_write)
{
	const int64_t t1 = new_table("t1");
	const struct table_change change = {.name = "t2", .description = "new"};
	const struct table_change dot = {.name = "a.b"}, same = {.name = "t3"};
	const struct table_change self = {.set_prediction = true, .prediction_table_id = t1};

	now_us += US_PER_HOUR;
	ck_assert_int_eq(tables_update(&cat, t1, &change, &err), 0);
	ck_assert_str_eq(text_of("SELECT name FROM catalog_tables"), "t2");
	ck_assert_str_eq(
		time_of("SELECT updated_at FROM catalog_tables"), "2027-01-15 08:00:00.000000");
	new_table("t3");
	expect_error(
		tables_update(&cat, t1, &dot, &err), ERR_USAGE, "Table name must not contain '.'");
	expect_error(tables_update(&cat, t1, &same, &err), ERR_CONFLICT,
		"A table with this name already exists in this namespace");
	expect_error(tables_update(&cat, t1, &self, &err), ERR_USAGE,
		"A table cannot be its own prediction table");
}
END_TEST

START_TEST(moving_a_table_is_no_write)
{
	const int64_t id = new_table("t"), flow = new_flow("f");
	const char *before = time_of("SELECT updated_at FROM catalog_tables");
	const struct table_change moved = {.file_path = "/d/t.parquet",
		.storage_format = "parquet",
		.source_registration_id = flow};
	const struct table_change nobody = {.source_registration_id = 99};
	struct table_info t;

	now_us += US_PER_HOUR;
	ck_assert_int_eq(tables_update(&cat, id, &moved, &err), 0);
	ck_assert_int_eq(tables_get(&cat, id, &arena, &t, &err), 0);
	ck_assert_str_eq(t.file_path, "/d/t.parquet");
	ck_assert_int_eq(t.source_registration_id, flow);
	ck_assert_str_eq(text_of("SELECT storage_format FROM catalog_tables"), "parquet");
	ck_assert_str_eq(time_of("SELECT updated_at FROM catalog_tables"), before);
	expect_error(tables_update(&cat, id, &nobody, &err), ERR_NOT_FOUND, "Flow not found");
}
END_TEST

START_TEST(a_table_that_may_not_be_is_refused)
{
	struct table_new new = {.name = "t1",
		.namespace_id = default_ns,
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE};
	int64_t id;

	new_table("t1");
	expect_error(tables_register(&cat, &new, &id, &err), ERR_CONFLICT,
		"A table with this name already exists in this namespace");
	new.namespace_id = 99;
	expect_error(tables_register(&cat, &new, &id, &err), ERR_NOT_FOUND, "Namespace not found");
	new.namespace_id = ID_NONE;
	new.source_registration_id = 99;
	expect_error(tables_register(&cat, &new, &id, &err), ERR_NOT_FOUND, "Flow not found");
	new.source_registration_id = ID_NONE;
	ck_assert_int_eq(tables_register(&cat, &new, &id, &err), 0);
	/* The unique index does not hold for NULL namespaces: the check does. */
	expect_error(tables_register(&cat, &new, &id, &err), ERR_CONFLICT,
		"A table with this name already exists in this namespace");
	new.name = "a.b";
	expect_error(tables_register(&cat, &new, &id, &err), ERR_USAGE,
		"Table name must not contain '.'");
}
END_TEST

START_TEST(deleting_a_table_disables_what_watches_it)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1"), t2 = new_table("t2"),
		      t3 = new_table("t3"), set[] = {t1, t2};
	int64_t disabled;

	new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_TABLE, .trigger_table_id = t1});
	new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = set,
		.n_trigger_tables = 2});
	new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_TABLE, .trigger_table_id = t3});
	sql("INSERT INTO catalog_table_read_links (table_id, registration_id) VALUES (1, 1)");
	ck_assert_int_eq(tables_delete(&cat, t1, &disabled, &err), 0);
	ck_assert_int_eq(disabled, 2);
	ck_assert_str_eq(text_of("SELECT id FROM flow_schedules WHERE enabled IS TRUE"), "3");
	ck_assert_int_eq(number("SELECT count(*) FROM catalog_table_read_links"), 0);
	expect_error(
		tables_delete(&cat, t1, &disabled, &err), ERR_NOT_FOUND, "Catalog table not found");
}
END_TEST

static int64_t
new_namespace(const char *name, int64_t parent_id)
{
	const struct namespace_new new = {.name = name, .parent_id = parent_id};
	int64_t id;

	ck_assert_msg(namespaces_create(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

START_TEST(a_table_name_resolves_as_in_the_contract)
{
	const int64_t sales = new_namespace("Sales", ID_NONE), hr = new_namespace("HR", ID_NONE);
	const int64_t sales_raw = new_namespace("raw", sales), hr_raw = new_namespace("raw", hr);
	const int64_t orders = new_table("orders"), in_sales = new_table_in("orders", sales_raw),
		      in_hr = new_table_in("orders", hr_raw),
		      people = new_table_in("people", hr_raw);
	const struct {
		const char *q;
		int64_t namespace_id;
		bool strict;
		int64_t id; /* the first; 0: an error */
		size_t n;
		bool warn;
		enum err_code code;
		const char *detail;
	} cases[] = {
		{"orders", ID_NONE, false, orders, 3, true, ERR_NONE, NULL},
		{"orders", hr_raw, true, in_hr, 1, false, ERR_NONE, NULL},
		{"orders", ID_NONE, true, 0, 3, true, ERR_CONFLICT,
			"Table name 'orders' is ambiguous"},
		{"raw.orders", ID_NONE, false, in_sales, 2, false, ERR_NONE, NULL},
		{"raw.orders", ID_NONE, true, 0, 2, false, ERR_CONFLICT,
			"Table name 'raw.orders' is ambiguous"},
		{"HR.raw.orders", ID_NONE, true, in_hr, 1, false, ERR_NONE, NULL},
		{"people", ID_NONE, true, people, 1, false, ERR_NONE, NULL},
		{"nowhere.orders", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND,
			"Namespace not found"},
		{"Sales.default.orders", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND,
			"Namespace not found"},
		{"raw.nothing", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND,
			"Catalog table not found"},
		{"", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND, "Catalog table not found"},
		{".orders", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND, "Catalog table not found"},
		{"a.b.c.d", ID_NONE, false, 0, 0, false, ERR_NOT_FOUND, "Catalog table not found"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct table_matches m;
		int rc = tables_resolve(
			&cat, cases[i].q, cases[i].namespace_id, cases[i].strict, &arena, &m, &err);

		ck_assert_msg(m.n == cases[i].n, "%s: %zu matches", cases[i].q, m.n);
		if (cases[i].id == 0) {
			expect_error(rc, cases[i].code, cases[i].detail);
			continue;
		}
		ck_assert_msg(rc == 0, "%s: %s", cases[i].q, err.text);
		ck_assert_int_eq(m.items[0].id, cases[i].id);
		ck_assert_int_eq(m.warn, cases[i].warn);
	}
}
END_TEST

/* --- flows, namespaces ------------------------------------------------------------------------- */

START_TEST(deleting_a_flow_takes_what_hangs_on_it_and_leaves_its_runs)
{
	static const char *const emptied[] = {"flow_registrations", "flow_favorites",
		"flow_follows", "catalog_table_read_links", "flow_schedules",
		"schedule_trigger_tables", "flow_api_endpoints", "flow_api_keys",
		"api_consumer_endpoints", "global_artifacts", "resource_grants"};
	const int64_t flow = new_flow("f"), ids[] = {new_table("t1"), new_table("t2")};
	bool file_deleted;

	new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2});
	sql("INSERT INTO flow_favorites (user_id, registration_id) VALUES (1, 1);"
	    "INSERT INTO flow_follows (user_id, registration_id) VALUES (1, 1);"
	    "INSERT INTO catalog_table_read_links (table_id, registration_id) VALUES (1, 1);"
	    "INSERT INTO flow_api_endpoints (registration_id, owner_id, slug) VALUES (1, 1, 's');"
	    "INSERT INTO flow_api_keys (endpoint_id, owner_id, name, key_hash, key_prefix)"
	    " VALUES (1, 1, 'k', 'h', 'p');"
	    "INSERT INTO api_consumer_endpoints (consumer_id, endpoint_id) VALUES (1, 1);"
	    "INSERT INTO global_artifacts (name, owner_id, source_registration_id, status,"
	    " serialization_format) VALUES ('a', 1, 1, 'active', 'pickle');"
	    "INSERT INTO resource_grants (resource_type, resource_id, group_id, granted_by)"
	    " VALUES ('flow', 1, 1, 1);"
	    "INSERT INTO flow_runs (registration_id, flow_uuid, flow_name, user_id, started_at,"
	    " run_type, nodes_completed, number_of_nodes)"
	    " VALUES (1, (SELECT flow_uuid FROM flow_registrations), 'f', 1,"
	    " '2027-01-15 08:00:00', 'manual', 0, 0)");
	expect_error(flows_delete(&cat, flow, false, NULL, &err), ERR_CONFLICT,
		"Cannot delete flow 1: 1 active artifact(s) still reference it");
	sql("UPDATE global_artifacts SET status = 'deleted'");
	ck_assert_int_eq(flows_delete(&cat, flow, true, &file_deleted, &err), 0);
	ck_assert(!file_deleted); /* there is none */
	for (size_t i = 0; i < ARRAY_LEN(emptied); i++)
		ck_assert_msg(
			number(arena_printf(&arena, "SELECT count(*) FROM %s", emptied[i])) == 0,
			"%s", emptied[i]);
	ck_assert_int_eq(number("SELECT count(*) FROM flow_runs WHERE registration_id IS NULL"
				" AND flow_uuid IS NOT NULL"),
		1);
	expect_error(flows_delete(&cat, flow, false, NULL, &err), ERR_NOT_FOUND, "Flow not found");
}
END_TEST

START_TEST(a_file_that_two_flows_have_stays)
{
	char path[] = "/tmp/ff-catalog-XXXXXX";
	struct flow_new new = {.name = "a", .flow_path = path};
	int64_t a, b;
	bool gone;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(flows_register(&cat, &new, &a, &err), 0);
	ck_assert_int_eq(flows_register(&cat, &new, &b, &err), 0);
	ck_assert_int_eq(flows_delete(&cat, a, true, &gone, &err), 0);
	ck_assert(!gone);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(flows_delete(&cat, b, true, &gone, &err), 0);
	ck_assert(gone);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(all_flows_are_listed_or_those_of_a_namespace)
{
	struct flow_list list;

	new_flow("b");
	new_flow("a");
	ck_assert_int_eq(flows_list(&cat, ID_NONE, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_str_eq(list.items[0].name, "a");
	ck_assert_int_eq(flows_list(&cat, default_ns, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_int_eq(flows_list(&cat, default_ns + 100, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(a_flow_name_is_taken_once_where_that_is_asked_for)
{
	const struct flow_new again = {.name = "a", .flow_path = "/x", .namespace_id = default_ns},
			      unique = {.name = "a",
				      .flow_path = "/x",
				      .namespace_id = default_ns,
				      .unique = true},
			      nowhere = {.name = "a", .flow_path = "/x", .namespace_id = 99};
	const struct flow_change rename = {.name = "a"}, move = {.namespace_id = 99};
	int64_t id, b;

	new_flow("a");
	expect_error(flows_register(&cat, &unique, &id, &err), ERR_CONFLICT,
		"A flow with this name already exists in this namespace");
	ck_assert_int_eq(flows_register(&cat, &again, &id, &err), 0);
	expect_error(
		flows_register(&cat, &nowhere, &id, &err), ERR_NOT_FOUND, "Namespace not found");
	b = new_flow("b");
	expect_error(flows_update(&cat, b, &rename, &err), ERR_CONFLICT,
		"A flow with this name already exists in this namespace");
	expect_error(flows_update(&cat, b, &move, &err), ERR_NOT_FOUND, "Namespace not found");
	expect_error(flows_update(&cat, 99, &rename, &err), ERR_NOT_FOUND, "Flow not found");
}
END_TEST

START_TEST(namespaces_nest_once_and_are_deleted_empty)
{
	const int64_t root = new_namespace("Sales", ID_NONE), child = new_namespace("raw", root);
	const struct {
		struct namespace_new new;
		enum err_code code;
		const char *detail;
	} cases[] = {
		{{.name = "x", .parent_id = 99}, ERR_NOT_FOUND, "Parent namespace not found"},
		{{.name = "x", .parent_id = child}, ERR_USAGE,
			"Cannot nest deeper than catalog -> schema"},
		{{.name = "a.b"}, ERR_USAGE, "Namespace name must not contain '.'"},
		{{.name = "Sales"}, ERR_CONFLICT,
			"Namespace with this name already exists at this level"},
		{{.name = "raw", .parent_id = root}, ERR_CONFLICT,
			"Namespace with this name already exists at this level"},
	};
	int64_t id;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_error(namespaces_create(&cat, &cases[i].new, &id, &err), cases[i].code,
			cases[i].detail);
	expect_error(namespaces_delete(&cat, root, &err), ERR_USAGE,
		"Cannot delete namespace with children or flows");
	new_table_in("t", child);
	expect_error(namespaces_delete(&cat, child, &err), ERR_USAGE,
		"Cannot delete namespace with children or flows");
	expect_error(
		namespaces_update(&cat, root, &(struct namespace_change){.name = "General"}, &err),
		ERR_CONFLICT, "Namespace with this name already exists at this level");
	expect_error(namespaces_update(&cat, root, &(struct namespace_change){.name = "a.b"}, &err),
		ERR_USAGE, "Namespace name must not contain '.'");
	sql("DELETE FROM catalog_tables");
	ck_assert_int_eq(namespaces_delete(&cat, child, &err), 0);
	ck_assert_int_eq(namespaces_delete(&cat, root, &err), 0);
	expect_error(namespaces_delete(&cat, root, &err), ERR_NOT_FOUND, "Namespace not found");
}
END_TEST

/* --- runs -------------------------------------------------------------------------------------- */

static void
new_run(const char *columns)
{
	sql(arena_printf(&arena,
		"INSERT INTO flow_runs (registration_id, flow_uuid, flow_name, user_id, run_type,"
		" nodes_completed, number_of_nodes, schedule_id, started_at, ended_at, success)"
		" VALUES (1, (SELECT flow_uuid FROM flow_registrations WHERE id = 1), 'stored', 1,"
		" 'scheduled', 0, 0, %s)",
		columns));
}

START_TEST(runs_are_listed_latest_first_and_counted)
{
	struct run_filter filter = {.limit = 2};
	struct run_page page;

	new_flow("now");
	new_schedule((struct schedule_new){
		.registration_id = 1, .type = SCHEDULE_INTERVAL, .interval_s = 60});
	new_run("1, '2027-01-15 08:00:01', '2027-01-15 08:00:02', TRUE");
	new_run("1, '2027-01-15 08:00:05', '2027-01-15 08:00:06', FALSE");
	new_run("1, '2027-01-15 08:00:05', NULL, NULL");
	/* Of a schedule that had the same id before this one was made (D-11). */
	new_run("1, '2026-01-15 08:00:05', '2027-01-15 08:00:06', TRUE");

	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_uint_eq(page.n, 2);
	ck_assert_int_eq(page.items[0].id, 3); /* the same instant: the higher id first */
	ck_assert_int_eq(page.items[1].id, 2);
	ck_assert_str_eq(page.items[0].flow_name, "now");
	ck_assert_str_eq(page.items[0].stored_name, "stored");
	ck_assert_int_eq(page.total, 4);
	ck_assert_int_eq(page.total_success, 2);
	ck_assert_int_eq(page.total_failed, 1);
	ck_assert_int_eq(page.total_running, 1);

	filter = (struct run_filter){.limit = 50, .schedule_id = 1};
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_int_eq(page.total, 3);
	filter = (struct run_filter){.limit = 50, .registration_id = 99};
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_int_eq(page.total, 0);
	filter = (struct run_filter){
		.limit = 50, .registration_id = 1, .active = true, .search = "TORE"};
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_int_eq(page.items[0].id, 3);
	filter = (struct run_filter){.limit = 50, .run_type = "manual"};
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_int_eq(page.total, 0);
}
END_TEST

/* One run, as its two rows say; NULL for ours: there is none. */
static const struct status_case {
	const char *ended, *success; /* of Flowfile's row */
	const char *ours; /* state, cancel_at, cancel_by, reason, exit_code, exit_signal */
	const char *status, *failure;
} status_cases[] = {
	{"NULL", "NULL", NULL, "running", NULL},
	{"NULL", "NULL", "'claimed', NULL, NULL, NULL, NULL, NULL", "starting", NULL},
	{"NULL", "NULL", "'recorded', NULL, NULL, NULL, NULL, NULL", "running", NULL},
	{"NULL", "NULL", "'recorded', '2027-01-15 08:00:00', 'a@h', NULL, NULL, NULL", "cancelling",
		NULL},
	{"'2027-01-15 08:00:01'", "TRUE", "'ended', NULL, NULL, NULL, 0, NULL", "success", NULL},
	{"'2027-01-15 08:00:01'", "FALSE", NULL, "failed", NULL},
	{"'2027-01-15 08:00:01'", "NULL", NULL, "unknown", NULL},
	{"'2027-01-15 08:00:01'", "FALSE", "'ended', NULL, NULL, NULL, 3, NULL", "failed",
		"exit code 3"},
	{"'2027-01-15 08:00:01'", "FALSE", "'ended', NULL, NULL, 'no place', NULL, NULL", "failed",
		"no place"},
	{"'2027-01-15 08:00:01'", "FALSE", "'ended', NULL, NULL, NULL, NULL, 9", "failed",
		"signal 9 (Killed)"},
	{"'2027-01-15 08:00:01'", "FALSE", "'ended', '2027-01-15 08:00:00', 'a@h', NULL, NULL, 15",
		"cancelled", "by a@h, signal 15 (Terminated)"},
	/* A flow that was told to end and exits with 0 in its grace. */
	{"'2027-01-15 08:00:01'", "FALSE", "'ended', '2027-01-15 08:00:00', 'a@h', NULL, 0, NULL",
		"cancelled", "by a@h, exit code 0"},
	{"'2027-01-15 08:00:01'", "FALSE",
		"'ended', NULL, NULL, 'cancelled; it has no process', NULL, NULL", "cancelled",
		"cancelled; it has no process"},
	/* Nobody cancelled it: it was too old. */
	{"'2027-01-15 08:00:01'", "FALSE",
		"'ended', '2027-01-15 08:00:00', 'run_max_age', NULL, NULL, 15", "failed",
		"ended for run_max_age, signal 15 (Terminated)"},
};

START_TEST(a_run_has_one_status_everywhere)
{
	static const char *const statuses[] = {
		"running", "success", "failed", "cancelled", "unknown"};
	const struct status_case *c = &status_cases[_i];
	struct run_filter filter = {.limit = 1};
	struct flow_info flow;
	struct run_page page;
	struct run_info run;

	new_flow("f");
	new_run(arena_printf(&arena, "NULL, '2027-01-15 07:59:00', %s, %s", c->ended, c->success));
	if (c->ours != NULL)
		sql(arena_printf(&arena,
			"INSERT INTO scheduler_runs (run_id, state, cancel_at, cancel_by, reason,"
			" exit_code, exit_signal) VALUES (1, %s)",
			c->ours));
	ck_assert_int_eq(runs_get(&cat, 1, &arena, &run, &err), 0);
	ck_assert_str_eq(runs_status(&run), c->status);
	ck_assert_pstr_eq(runs_failure(&arena, &run), c->failure);
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_str_eq(runs_status(&page.items[0]), c->status);
	ck_assert_int_eq(flows_get(&cat, 1, &arena, &flow, &err), 0);
	ck_assert_str_eq(flow.last_run_status, c->status);
	/* It is found by that status, and by no other; all that are open are found as running. */
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		filter.status = statuses[i];
		ck_assert(runs_status_filter(statuses[i]));
		ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
		ck_assert_int_eq(page.total,
			strcmp(run.ended_us == TIME_NONE ? "running" : c->status, statuses[i]) ==
				0);
		ck_assert_uint_eq(page.n, (size_t)page.total);
	}
}
END_TEST

START_TEST(a_flow_that_fails_each_time_is_found)
{
	struct flow_list list;

	new_flow("f");
	for (int i = 0; i < 3; i++)
		new_run("NULL, '2027-01-15 07:59:00', '2027-01-15 08:00:00', FALSE");
	ck_assert_int_eq(flows_failing(&cat, 4, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(flows_failing(&cat, 3, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.items[0].name, "f");
	/* Being cancelled is no failure of its own, and no success either. */
	sql("INSERT INTO scheduler_runs (run_id, state, cancel_at) VALUES (3, 'ended', '2027-01-15 "
	    "08:00:00')");
	ck_assert_int_eq(flows_failing(&cat, 3, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(flows_failing(&cat, 2, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 1);
	new_run("NULL, '2027-01-15 08:59:00', '2027-01-15 09:00:00', TRUE");
	ck_assert_int_eq(flows_failing(&cat, 2, &arena, &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(what_only_the_scheduler_knows_of_a_run_is_in_its_json)
{
	struct run_info run;
	int64_t id;

	new_flow("f");
	ck_assert_int_eq(runs_latest_spawned(&cat, &id, &err), 0);
	ck_assert_int_eq(id, ID_NONE);
	new_run("NULL, '2027-01-15 07:59:00', '2027-01-15 08:00:00', FALSE");
	new_run("NULL, '2027-01-15 07:59:30', NULL, NULL");
	sql("UPDATE flow_runs SET run_type = 'in_designer_run' WHERE id = 2");
	sql("INSERT INTO scheduler_runs (run_id, state, host, cause, cancel_by, reason, cancel_at,"
	    " attempt, exit_signal, cpu_us, max_rss_kb) VALUES (1, 'ended', 'h', 'run now', 'a@h',"
	    " 'why', '2027-01-15 07:59:59', 2, 9, 1500000, 4)");
	ck_assert_int_eq(runs_latest_spawned(&cat, &id, &err), 0);
	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(runs_get(&cat, 1, &arena, &run, &err), 0);
	ck_assert_ptr_nonnull(strstr(json_of(write_run, &run),
		"\"status\":\"cancelled\",\"exit_code\":null,\"signal\":9,\"reason\":\"why\","
		"\"cause\":\"run now\",\"cancel_requested_at\":\"2027-01-15T07:59:59\","
		"\"cancel_requested_by\":\"a@h\",\"host\":\"h\",\"cpu_seconds\":1.5,"
		"\"peak_memory_bytes\":4096,\"attempt\":2}"));
}
END_TEST

/* Before its first start the scheduler's tables are not there. */
START_TEST(runs_are_shown_from_a_catalog_that_was_never_prepared)
{
	struct run_filter filter = {.limit = 1};
	struct run_page page;
	struct run_info run;

	new_flow("f");
	new_run("NULL, '2027-01-15 07:59:00', '2027-01-15 08:00:00', FALSE");
	ck_assert_msg(schema_remove_ours(cat.db, &err) == 0, "%s", err.text);
	ck_assert_msg(runs_get(&cat, 1, &arena, &run, &err) == 0, "%s", err.text);
	ck_assert_str_eq(runs_status(&run), "failed");
	ck_assert_int_eq(runs_list(&cat, &filter, &arena, &page, &err), 0);
	ck_assert_uint_eq(page.n, 1);
}
END_TEST

START_TEST(an_ended_run_is_never_ended_again)
{
	bool closed;

	new_flow("f");
	new_run("NULL, '2027-01-15 07:59:58.500000', NULL, NULL");
	ck_assert_int_eq(runs_complete(&cat, 1, false, 0, 0, &closed, &err), 0);
	ck_assert(closed);
	ck_assert_str_eq(time_of("SELECT ended_at FROM flow_runs"), "2027-01-15 08:00:00.000000");
	ck_assert_int_eq(number("SELECT count(*) FROM flow_runs WHERE success IS FALSE"
				" AND duration_seconds = 1.5 AND nodes_completed = 0"),
		1);
	now_us += US_PER_SEC;
	ck_assert_int_eq(runs_complete(&cat, 1, true, 4, 4, &closed, &err), 0);
	ck_assert(!closed);
	ck_assert_str_eq(time_of("SELECT ended_at FROM flow_runs"), "2027-01-15 08:00:00.000000");
	ck_assert_int_eq(number("SELECT count(*) FROM flow_runs WHERE success IS FALSE"), 1);
	ck_assert_int_eq(runs_complete(&cat, 99, true, 4, 4, &closed, &err), 0);
	ck_assert(!closed);
}
END_TEST

/* --- requests, pause --------------------------------------------------------------------------- */

START_TEST(a_request_is_answered_or_taken_back)
{
	const struct request_new new = {
		.kind = "run", .registration_id = 1, .requested_by = "alice@host"};
	struct request_answer answer;
	bool withdrawn;
	int64_t id;

	ck_assert_int_eq(requests_submit(&cat, &new, &id, &err), 0);
	ck_assert_int_eq(requests_wait(&cat, id, 0, &arena, &answer, &err), 0);
	ck_assert(!answer.answered);
	sql("UPDATE scheduler_requests SET outcome = 'done', run_id = 5, detail = 'well'");
	ck_assert_int_eq(requests_wait(&cat, id, 0, &arena, &answer, &err), 0);
	ck_assert(answer.answered && answer.done);
	ck_assert_int_eq(answer.run_id, 5);
	ck_assert_str_eq(answer.detail, "well");
	ck_assert_int_eq(requests_withdraw(&cat, id, &withdrawn, &err), 0);
	ck_assert(!withdrawn);

	ck_assert_int_eq(requests_submit(&cat, &new, &id, &err), 0);
	ck_assert_int_eq(requests_withdraw(&cat, id, &withdrawn, &err), 0);
	ck_assert(withdrawn);
	expect_error(requests_wait(&cat, id, 0, &arena, &answer, &err), ERR_FAILED,
		arena_printf(&arena, "request %" PRId64 " is gone", id));
}
END_TEST

START_TEST(pausing_is_heard_once)
{
	int64_t before = number("SELECT count(*) FROM scheduler_changes WHERE kind = 'p'");
	struct status_info status;
	bool changed;

	ck_assert_int_eq(status_set_paused(&cat, true, &changed, &err), 0);
	ck_assert(changed);
	ck_assert_int_eq(status_set_paused(&cat, true, &changed, &err), 0);
	ck_assert(!changed);
	ck_assert_int_eq(
		number("SELECT count(*) FROM scheduler_changes WHERE kind = 'p'"), before + 1);
	ck_assert_int_eq(status_get(&cat, &arena, &status, &err), 0);
	ck_assert(status.paused);
	ck_assert_int_eq(status_set_paused(&cat, false, &changed, &err), 0);
	ck_assert(changed);
	ck_assert_int_eq(
		number("SELECT count(*) FROM scheduler_changes WHERE kind = 'p'"), before + 2);
}
END_TEST

START_TEST(the_lock_is_stale_after_more_than_90_seconds)
{
	struct leader_info leader;

	ck_assert_int_eq(status_leader(&cat, &arena, &leader, &err), 0);
	ck_assert(!leader.any && !leader.active);
	sql("INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)"
	    " VALUES (1, 'abc', '2027-01-15 07:00:00', '2027-01-15 07:58:30')");
	ck_assert_int_eq(status_leader(&cat, &arena, &leader, &err), 0);
	ck_assert(leader.any && leader.active && !leader.ours);
	now_us++;
	ck_assert_int_eq(status_leader(&cat, &arena, &leader, &err), 0);
	ck_assert(leader.any && !leader.active);
	sql("INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version,"
	    " started_at, seen_at) VALUES ('abc', 'h', 'b', 12, 1, '0.1', '2027-01-15 07:00:00',"
	    " '2027-01-15 07:58:30')");
	ck_assert_int_eq(status_leader(&cat, &arena, &leader, &err), 0);
	ck_assert(leader.ours);
	ck_assert_str_eq(leader.host, "h");
}
END_TEST

/* --- names ------------------------------------------------------------------------------------- */

START_TEST(a_name_that_is_not_there_says_the_nearest_and_one_of_many_says_them_all)
{
	int64_t id;

	new_flow("orders");
	new_flow("twice");
	new_flow("twice");
	new_flow("42");
	ck_assert_int_eq(resolve_flow(&cat, "orders", &id, &err), 0);
	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(resolve_flow(&cat, "3", &id, &err), 0);
	ck_assert_int_eq(id, 3);
	expect_error(resolve_flow(&cat, "odrers", &id, &err), ERR_NOT_FOUND,
		"no flow is called 'odrers'; did you mean 'orders'?");
	/* Digits are an id, whatever flows are called. */
	expect_error(resolve_flow(&cat, "42", &id, &err), ERR_NOT_FOUND, "no flow has the id 42");
	expect_error(resolve_flow(&cat, "99999999999999999999", &id, &err), ERR_NOT_FOUND,
		"no flow has the id 99999999999999999999");
	ck_assert_int_eq(resolve_flow(&cat, "twice", &id, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err.text, "\n  2  General.default.twice"));
	ck_assert_ptr_nonnull(strstr(err.text, "\n  3  General.default.twice"));
	err_clear(&err);
	expect_error(resolve_run(&cat, "abc", &id, &err), ERR_USAGE,
		"'abc' is not a run's id; `flowfile runs list` shows them");
	ck_assert_int_eq(resolve_namespace(&cat, "General.default", &id, &err), 0);
	ck_assert_int_eq(id, default_ns);
	ck_assert_int_eq(resolve_namespace(&cat, "default", &id, &err), 0);
	expect_error(resolve_namespace(&cat, "Sales.default", &id, &err), ERR_NOT_FOUND,
		"no namespace is called 'Sales.default'");
}
END_TEST

/* --- shapes ------------------------------------------------------------------------------------ */

START_TEST(objects_have_every_field_in_the_order_of_the_contract)
{
	struct flow_info flow;
	struct table_info table;
	struct schedule_info schedule;
	struct run_info run;
	struct namespace_info ns;
	const int64_t ids[] = {1, 2};

	new_flow("näme");
	new_table("t1");
	new_table("t2");
	sql("UPDATE catalog_tables SET source_registration_id = 1, partition_columns = '[\"a\"]',"
	    " schema_json = '[{\"name\": \"x\", \"dtype\": \"Int64\"}]', scd2_config ="
	    " '{\"business_keys\": [\"k\"], \"full_snapshot\": true}' WHERE id = 1");
	sql("INSERT INTO catalog_table_read_links (table_id, registration_id) VALUES (2, 1)");
	new_schedule((struct schedule_new){.registration_id = 1,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2});
	new_run("1, '2027-01-15 08:00:01.000500', '2027-01-15 08:00:02', TRUE");
	sql("UPDATE flow_registrations SET flow_uuid = 'U'; UPDATE flow_runs SET flow_uuid = 'U',"
	    " duration_seconds = 1.0");

	ck_assert_int_eq(flows_get(&cat, 1, &arena, &flow, &err), 0);
	ck_assert_str_eq(json_of(write_flow, &flow),
		"{\"id\":1,\"name\":\"näme\",\"description\":null,"
		"\"flow_path\":\"/nowhere/flow.yaml\",\"namespace_id\":2,\"owner_id\":1,"
		"\"created_at\":\"2027-01-15T08:00:00\",\"updated_at\":\"2027-01-15T08:00:00\","
		"\"is_favorite\":false,\"is_following\":false,\"run_count\":1,"
		"\"last_run_at\":\"2027-01-15T08:00:01.000500\",\"last_run_success\":true,"
		"\"file_exists\":false,\"is_api_compatible\":false,\"artifact_count\":0,"
		"\"tables_produced\":[{\"id\":1,\"name\":\"t1\",\"namespace_id\":2}],"
		"\"tables_read\":[{\"id\":2,\"name\":\"t2\",\"namespace_id\":2}],\"access\":null}");

	ck_assert_int_eq(tables_get(&cat, 1, &arena, &table, &err), 0);
	ck_assert_str_eq(json_of(write_table, &table),
		"{\"id\":1,\"name\":\"t1\",\"namespace_id\":2,\"namespace_name\":\"default\","
		"\"full_table_name\":\"default.t1\",\"qualified_name\":\"General.default.t1\","
		"\"description\":null,\"owner_id\":1,\"file_exists\":false,"
		"\"is_remote_storage\":false,\"is_favorite\":false,"
		"\"schema_columns\":[{\"name\":\"x\",\"dtype\":\"Int64\"}],\"row_count\":null,"
		"\"column_count\":null,\"size_bytes\":null,\"file_path\":null,"
		"\"source_registration_id\":1,\"source_registration_name\":\"näme\","
		"\"source_run_id\":null,\"read_by_flows\":[],\"table_type\":\"physical\","
		"\"producer_registration_id\":null,\"producer_registration_name\":null,"
		"\"is_optimized\":false,\"laziness_blockers\":null,\"sql_query\":null,"
		"\"polars_plan\":null,\"source_table_versions\":null,"
		"\"partition_columns\":[\"a\"],\"scd2\":{\"business_keys\":[\"k\"],"
		"\"surrogate_key_column\":null,\"valid_from_column\":null,"
		"\"valid_to_column\":null,\"is_current_column\":null,\"compare_columns\":null,"
		"\"full_snapshot\":true},\"prediction_table_id\":null,"
		"\"prediction_table_name\":null,\"created_at\":\"2027-01-15T08:00:00\","
		"\"updated_at\":\"2027-01-15T08:00:00\",\"access\":null}");

	ck_assert_int_eq(schedules_get(&cat, 1, &arena, &schedule, &err), 0);
	ck_assert_str_eq(json_of(write_schedule, &schedule),
		"{\"id\":1,\"registration_id\":1,\"owner_id\":1,\"enabled\":true,\"name\":null,"
		"\"description\":null,\"schedule_type\":\"table_set_trigger\","
		"\"interval_seconds\":null,\"cron_expression\":null,\"cron_timezone\":null,"
		"\"trigger_table_id\":null,\"trigger_table_name\":null,"
		"\"trigger_namespace_id\":null,\"trigger_namespace_name\":null,"
		"\"trigger_full_table_name\":null,\"trigger_table_ids\":[1,2],"
		"\"trigger_table_names\":[\"t1\",\"t2\"],"
		"\"trigger_full_table_names\":[\"default.t1\",\"default.t2\"],"
		"\"last_triggered_at\":null,"
		"\"last_trigger_table_updated_at\":\"2027-01-15T08:00:00\","
		"\"created_at\":\"2027-01-15T08:00:00\",\"updated_at\":\"2027-01-15T08:00:00\"}");

	ck_assert_int_eq(runs_get(&cat, 1, &arena, &run, &err), 0);
	ck_assert_str_eq(json_of(write_run, &run),
		"{\"id\":1,\"registration_id\":1,\"flow_uuid\":\"U\",\"flow_name\":\"näme\","
		"\"flow_path\":null,\"user_id\":1,\"started_at\":\"2027-01-15T08:00:01.000500\","
		"\"ended_at\":\"2027-01-15T08:00:02\",\"success\":true,\"nodes_completed\":0,"
		"\"number_of_nodes\":0,\"duration_seconds\":1.0,\"run_type\":\"scheduled\","
		"\"schedule_id\":1,\"has_snapshot\":false,\"has_log\":false,"
		"\"flow_snapshot\":null,\"node_results_json\":null,"
		"\"status\":\"success\",\"exit_code\":null,\"signal\":null,\"reason\":null,"
		"\"cause\":null,\"cancel_requested_at\":null,\"cancel_requested_by\":null,"
		"\"host\":null,\"cpu_seconds\":null,\"peak_memory_bytes\":null,"
		"\"attempt\":null}");

	ck_assert_int_eq(namespaces_get(&cat, default_ns, &arena, &ns, &err), 0);
	ck_assert_ptr_nonnull(strstr(json_of(write_namespace, &ns),
		"{\"id\":2,\"name\":\"default\",\"parent_id\":1,\"level\":1,"));
}
END_TEST

START_TEST(a_table_that_is_gone_shows_as_its_number)
{
	const int64_t flow = new_flow("f"), ids[] = {new_table("t1"), new_table("t2")};
	struct schedule_info s;

	new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2});
	sql("DELETE FROM catalog_tables WHERE id = 2");
	ck_assert_int_eq(schedules_get(&cat, 1, &arena, &s, &err), 0);
	ck_assert_ptr_nonnull(strstr(json_of(write_schedule, &s),
		"\"trigger_table_ids\":[1,2],\"trigger_table_names\":[\"t1\",\"#2\"],"
		"\"trigger_full_table_names\":[\"default.t1\",\"#2\"]"));
	/* People are told what it was called, where that was noted and may be seen. */
	ck_assert_str_eq(schedules_describe(&arena, &s),
		"when all of default.t1, default.t2 (#2, removed) are written");
	ck_assert_str_eq(
		schedules_lost(&arena, &s), "default.t2 (#2) is not in the catalog any more");
	cat.partial = true;
	ck_assert_int_eq(schedules_get(&cat, 1, &arena, &s, &err), 0);
	ck_assert_str_eq(
		schedules_describe(&arena, &s), "when all of default.t1, #2 (removed) are written");
	cat.partial = false;
	sql("DELETE FROM catalog_tables");
	ck_assert_int_eq(schedules_get(&cat, 1, &arena, &s, &err), 0);
	ck_assert_str_eq(schedules_lost(&arena, &s),
		"default.t1 (#1), default.t2 (#2) are not in the catalog any more");
	sql("DELETE FROM flow_registrations");
	ck_assert_int_eq(schedules_get(&cat, 1, &arena, &s, &err), 0);
	ck_assert_str_eq(schedules_lost(&arena, &s), "its flow, #1, is not registered any more");
}
END_TEST

/* --- zones ------------------------------------------------------------------------------------- */

START_TEST(zones_are_found_by_their_exact_names)
{
	static const struct {
		const char *name;
		bool good;
		const char *hint;
	} cases[] = {
		{"UTC", true, NULL}, {"Etc/GMT+2", true, NULL}, {"Europe/Amsterdam", true, NULL},
		{"", true, NULL}, {NULL, true, NULL}, {"utc", false, "did you mean 'UTC'?"},
		{"america/new york", false, "did you mean 'America/New_York'?"},
		{"Europe", false, "no such file"}, {"Europe/Atlantis", false, "no such file"},
		{"/usr/share/zoneinfo/UTC", false, "not a name"},
		{"../zoneinfo/UTC", false, "not a name"},
		{"Europe//Amsterdam", false, "not a name"},
		{"tzdata.zi", false, NULL}, /* a file, and no zone */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tz *tz = zones_get(cat.zones, cases[i].name, &err);

		ck_assert_msg((tz != NULL) == cases[i].good, "%s: %s", cases[i].name, err.text);
		if (tz == NULL) {
			ck_assert_int_eq(err.code, ERR_USAGE);
			ck_assert_msg(cases[i].hint == NULL || strstr(err.text, cases[i].hint),
				"%s: %s", cases[i].name, err.text);
			err_clear(&err);
		}
	}
	ck_assert_ptr_eq(zones_get(cat.zones, "Europe/Amsterdam", &err),
		zones_get(cat.zones, "Europe/Amsterdam", &err));
}
END_TEST

START_TEST(utc_needs_no_tz_database)
{
	struct zones *zones;

	setenv("TZDIR", "/nowhere", 1);
	zones = zones_new();
	ck_assert_ptr_nonnull(zones_get(zones, "UTC", &err));
	ck_assert_ptr_null(zones_get(zones, "Europe/Amsterdam", &err));
	err_clear(&err);
	zones_free(zones);
}
END_TEST

/* --- explain ----------------------------------------------------------------------------------- */

static struct explanation
explain(int64_t id)
{
	const struct policy policy = {.max_concurrent_runs = 1};
	struct explanation e;

	ck_assert_msg(
		explain_schedule(&cat, &policy, id, 2, &arena, &e, &err) == 0, "%s", err.text);
	return e;
}

static void
expect_state(int64_t id, const char *state, const char *reason)
{
	struct explanation e = explain(id);

	ck_assert_str_eq(e.state, state);
	ck_assert_msg(strstr(e.reason, reason) != NULL, "'%s' is not in '%s'", reason, e.reason);
}

static void
lead(void)
{
	sql("INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)"
	    " VALUES (1, 'abc', '2027-01-15 07:00:00', '2037-01-15 08:00:00')");
}

START_TEST(a_data_trigger_says_what_it_waits_for)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1"), t2 = new_table("t2"),
		      ids[] = {t1, t2};
	const int64_t id = new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_TABLE_SET,
		.trigger_table_ids = ids,
		.n_trigger_tables = 2});
	struct schedule_change off = SCHEDULE_CHANGE_INIT;
	struct explanation e;

	lead();
	expect_state(id, "idle", "It waits for each of default.t1, default.t2 to be written.");
	now_us += US_PER_SEC;
	touch(t1);
	expect_state(id, "idle", "It waits for default.t2 to be written; default.t1 has been.");
	touch(t2);
	expect_state(id, "due", "about to be launched");
	e = explain(id);
	ck_assert_uint_eq(e.n_tables, 2);
	ck_assert_str_eq(e.tables[0].state, "written");
	ck_assert(!e.last.any);

	/* in the order in which they stand in the way */
	new_run("NULL, '2027-01-15 08:00:01', NULL, NULL");
	expect_state(id, "waiting", "Its flow is busy with run 1");
	sql("UPDATE flow_runs SET ended_at = started_at");
	sql("UPDATE users SET disabled = TRUE WHERE id = 1");
	expect_state(id, "blocked", "Its owner, local_user, is disabled.");
	sql("UPDATE users SET disabled = FALSE WHERE id = 1");
	ck_assert_int_eq(status_set_paused(&cat, true, NULL, &err), 0);
	expect_state(id, "waiting", "the scheduler is paused");
	ck_assert_int_eq(status_set_paused(&cat, false, NULL, &err), 0);
	sql("DELETE FROM scheduler_lock");
	expect_state(id, "waiting", "no scheduler is running");
	sql("DELETE FROM flow_registrations");
	expect_state(id, "blocked", "Its flow 1 is not registered any more.");
	off.enabled = TRI_FALSE;
	ck_assert_int_eq(schedules_update(&cat, id, &off, &err), 0);
	expect_state(id, "disabled", "flowfile schedules enable 1");
}
END_TEST

START_TEST(a_table_that_was_deleted_or_replaced_is_named)
{
	const int64_t flow = new_flow("f"), t1 = new_table("t1");
	const int64_t id = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_TABLE, .trigger_table_id = t1});

	lead();
	sql("DELETE FROM catalog_tables");
	expect_state(id, "idle", "default.t1 (#1) is not in the catalog any more");
	sql("INSERT INTO catalog_tables (id, name, namespace_id, owner_id, created_at, updated_at,"
	    " storage_format, table_type) VALUES (1, 'other', 2, 1, '2027-01-15 08:00:00',"
	    " '2027-01-15 08:00:00', 'delta', 'physical')");
	expect_state(id, "idle", "belongs to another table, default.other");
}
END_TEST

START_TEST(slots_and_rows_that_make_no_sense_are_explained)
{
	const int64_t flow = new_flow("f");
	const int64_t every = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_INTERVAL, .interval_s = 3600});
	const int64_t cron = new_schedule((struct schedule_new){.registration_id = flow,
		.type = SCHEDULE_CRON,
		.cron_expression = "30 10 * * *",
		.cron_timezone = "Europe/Amsterdam"});
	const int64_t never = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_CRON, .cron_expression = "0 0 31 2 *"});
	struct explanation e;
	struct upcoming up;

	lead();
	expect_state(every, "due", "It is due since 2027-01-15 08:00:00 UTC");
	expect_state(cron, "idle", "It waits for its next time, 2027-01-15 09:30:00 UTC.");
	expect_state(never, "idle", "It never fires");
	e = explain(cron);
	ck_assert_uint_eq(e.upcoming.n, 2);
	ck_assert_int_eq(e.upcoming.times[1], START_US + 25 * US_PER_HOUR + 30 * US_PER_MIN);
	ck_assert_str_eq(tz_name(e.upcoming.tz), "Europe/Amsterdam");
	ck_assert_ptr_null(explain(never).upcoming.tz);
	ck_assert_ptr_nonnull(
		strstr(json_of(write_explanation, &e), "\"next_at\":[\"2027-01-15T09:30:00Z\","));
	sql("UPDATE flow_schedules SET cron_timezone = 'No/Where' WHERE id = 2");
	expect_state(
		cron, "bad_row", "It cannot fire: cron_timezone: unknown time zone 'No/Where'");
	ck_assert_int_eq(explain_upcoming(&cat, cron, 2, &arena, &up, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	err_clear(&err);
	expect_error(explain_upcoming(&cat, 99, 2, &arena, &up, &err), ERR_NOT_FOUND,
		"Schedule not found");
}
END_TEST

START_TEST(the_last_firing_is_told_with_its_run)
{
	const int64_t flow = new_flow("f");
	const int64_t id = new_schedule((struct schedule_new){
		.registration_id = flow, .type = SCHEDULE_INTERVAL, .interval_s = 3600});
	struct explanation e;

	new_run("1, '2027-01-15 08:00:01', '2027-01-15 08:00:02', FALSE");
	e = explain(id);
	ck_assert(e.last.any);
	ck_assert_str_eq(e.last.cause, "another scheduler");
	ck_assert_int_eq(e.last.run_id, 1);
	sql("INSERT INTO scheduler_firings (schedule_id, slot_key, due_at, fired_at, run_id, "
	    "covered,"
	    " cause) VALUES (1, 'k', '2027-01-15 08:00:00', '2027-01-15 08:00:01', 1, 3, 'slot "
	    "x')");
	e = explain(id);
	ck_assert_str_eq(e.last.cause, "slot x");
	ck_assert_int_eq(e.last.covered, 3);
	ck_assert_str_eq(e.last.run_outcome, "failed");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("catalog");
	TCase *tc = tcase_create("catalog");
	SRunner *runner;
	int failed;

#ifdef TEST_POSTGRES
	struct pg_cluster *pg = pg_cluster_create();

	if (pg == NULL)
		return 77;
	url = pg_cluster_url(pg);
	tcase_set_timeout(tc, 60);
#endif
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_schedule_that_may_not_be_is_refused_with_the_texts_of_the_api);
	tcase_add_test(tc, the_reason_stands_behind_the_api_text);
	tcase_add_test(tc, a_new_schedule_has_every_client_default);
	tcase_add_test(tc, a_data_trigger_is_armed_with_what_its_tables_are);
	tcase_add_test(tc, enabling_arms_and_what_was_written_meanwhile_is_past);
	tcase_add_test(tc, a_change_is_checked_as_a_creation_is);
	tcase_add_test(tc, deleting_a_schedule_takes_its_links_and_leaves_its_runs);
	tcase_add_test(tc, a_touch_always_moves_the_stamp);
	tcase_add_test(tc, renaming_a_table_is_no_write);
	tcase_add_test(tc, moving_a_table_is_no_write);
	tcase_add_test(tc, a_table_that_may_not_be_is_refused);
	tcase_add_test(tc, deleting_a_table_disables_what_watches_it);
	tcase_add_test(tc, a_table_name_resolves_as_in_the_contract);
	tcase_add_test(tc, deleting_a_flow_takes_what_hangs_on_it_and_leaves_its_runs);
	tcase_add_test(tc, a_file_that_two_flows_have_stays);
	tcase_add_test(tc, all_flows_are_listed_or_those_of_a_namespace);
	tcase_add_test(tc, a_flow_name_is_taken_once_where_that_is_asked_for);
	tcase_add_test(tc, namespaces_nest_once_and_are_deleted_empty);
	tcase_add_test(tc, runs_are_listed_latest_first_and_counted);
	tcase_add_loop_test(tc, a_run_has_one_status_everywhere, 0, (int)ARRAY_LEN(status_cases));
	tcase_add_test(tc, a_flow_that_fails_each_time_is_found);
	tcase_add_test(tc, what_only_the_scheduler_knows_of_a_run_is_in_its_json);
	tcase_add_test(tc, runs_are_shown_from_a_catalog_that_was_never_prepared);
	tcase_add_test(tc, an_ended_run_is_never_ended_again);
	tcase_add_test(tc, a_request_is_answered_or_taken_back);
	tcase_add_test(tc, pausing_is_heard_once);
	tcase_add_test(tc, the_lock_is_stale_after_more_than_90_seconds);
	tcase_add_test(tc, a_name_that_is_not_there_says_the_nearest_and_one_of_many_says_them_all);
	tcase_add_test(tc, objects_have_every_field_in_the_order_of_the_contract);
	tcase_add_test(tc, a_table_that_is_gone_shows_as_its_number);
	tcase_add_test(tc, zones_are_found_by_their_exact_names);
	tcase_add_test(tc, utc_needs_no_tz_database);
	tcase_add_test(tc, a_data_trigger_says_what_it_waits_for);
	tcase_add_test(tc, a_table_that_was_deleted_or_replaced_is_named);
	tcase_add_test(tc, slots_and_rows_that_make_no_sense_are_explained);
	tcase_add_test(tc, the_last_firing_is_told_with_its_run);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
#ifdef TEST_POSTGRES
	pg_cluster_free(pg);
#endif
	return failed == 0 ? 0 : 1;
}
