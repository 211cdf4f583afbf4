/* What the triggers journal, arm and consume, on both databases. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "skip.h"
#include "pg_cluster.h"
#include "store/db.h"
#include "store/schema.h"
#include "store_util.h"

static struct pg_cluster *cluster; /* NULL: only SQLite is tested */

/* Tables 1 a, 2 b, 3 c; flows 1 and 2; written a while ago. Loop tests run with 0 SQLite, 1
 * PostgreSQL. */
static struct db *
catalog(int postgres)
{
	struct db *db = catalog_make(postgres ? pg_cluster_url(cluster) : NULL, NULL);

	must_run(db,
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, created_at, "
		"updated_at)"
		" VALUES (1, 'a', 2, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:00'),"
		" (2, 'b', 2, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:00'),"
		" (3, 'c', 2, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:00');"
		"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid)"
		" VALUES (1, 'f', '/f.yaml', 1, 'uuid-1'), (2, 'g', '/g.yaml', 1, 'uuid-2')");
	return db;
}

/* What core does after any data write. */
static void
write_table(struct db *db, int id)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"UPDATE catalog_tables SET row_count = coalesce(row_count, 0) + 1, "
		"updated_at = CURRENT_TIMESTAMP WHERE id = %d",
		id);
	must_run(db, sql);
}

/* What core does at a rename: the old value, read and written back with six digits. */
static void
rename_table(struct db *db, int id, const char *name, const char *old_stamp)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"UPDATE catalog_tables SET name = '%s', updated_at = '%s' WHERE id = %d", name,
		old_stamp, id);
	must_run(db, sql);
}

static void
add_schedule(struct db *db, int id, const char *type, const char *table, const char *enabled)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, "
		"schedule_type, "
		"trigger_table_id) VALUES (%d, 1, 1, %s, '%s', %s)",
		id, enabled, type, table);
	must_run(db, sql);
}

static void
add_link(struct db *db, int schedule, int table)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"INSERT INTO schedule_trigger_tables (schedule_id, table_id) VALUES (%d, %d)",
		schedule, table);
	must_run(db, sql);
}

static void
add_run(struct db *db, int id, const char *type, const char *schedule)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, user_id, "
		"started_at, "
		"run_type, schedule_id, nodes_completed, number_of_nodes) "
		"VALUES (%d, 1, 'uuid-1', 'f', 1, CURRENT_TIMESTAMP, '%s', %s, 0, 0)",
		id, type, schedule);
	must_run(db, sql);
}

static int64_t
writes(struct db *db, int table)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM scheduler_table_writes WHERE table_id = %d", table);
	return must_int(db, sql);
}

/* "schedule|table" of every pending write. */
static const char *
pending(struct db *db)
{
	return must_rows(db,
		"2:SELECT c.schedule_id, c.table_id FROM scheduler_consumed c "
		"JOIN scheduler_tables t ON t.table_id = c.table_id AND t.generation = "
		"c.generation "
		"WHERE t.last_seq > c.seq ORDER BY 1, 2");
}

/* --- writes --- */

START_TEST(each_data_write_is_journalled_once)
{
	struct db *db = catalog(_i);

	ck_assert_int_eq(writes(db, 1), 1);
	write_table(db, 1);
	ck_assert_int_eq(writes(db, 1), 2);
	ck_assert_int_eq(writes(db, 2), 1);
	ck_assert_int_eq(must_int(db, "SELECT last_seq FROM scheduler_tables WHERE table_id = 1"),
		must_int(db, "SELECT max(seq) FROM scheduler_changes"));
	db_close(db);
}
END_TEST

START_TEST(two_writes_within_a_second_are_two)
{
	struct db *db = catalog(_i);

	for (int i = 0; i < 5; i++)
		write_table(db, 1);
	ck_assert_int_eq(writes(db, 1), 6);
	/* In one transaction, too. */
	ck_ok(db_begin(db, e));
	write_table(db, 1);
	write_table(db, 1);
	ck_ok(db_commit(db, e));
	ck_assert_int_eq(writes(db, 1), 8);
	db_close(db);
}
END_TEST

START_TEST(writing_the_old_stamp_back_is_no_write)
{
	struct db *db = catalog(_i);

	rename_table(db, 1, "renamed", "2026-05-20 08:00:00.000000");
	rename_table(db, 1, "renamed", "2026-05-20 08:00:00.000000");
	must_run(db, "UPDATE catalog_tables SET description = 'd' WHERE id = 1");
	must_run(db,
		"UPDATE catalog_tables SET size_bytes = 5, updated_at = updated_at WHERE id = 1");
	ck_assert_int_eq(writes(db, 1), 1);
	ck_assert_str_eq(must_rows(db, "1:SELECT name FROM scheduler_tables WHERE table_id = 1"),
		"renamed\n");
	db_close(db);
}
END_TEST

START_TEST(a_stamp_rolled_back_in_time_hides_no_later_write)
{
	struct db *db = catalog(_i);

	/* D-16: a rename that had read the stamp before the write. */
	write_table(db, 1);
	rename_table(db, 1, "renamed", "2026-05-20 08:00:00.000000");
	ck_assert_int_eq(writes(db, 1), 2);
	write_table(db, 1);
	ck_assert_int_eq(writes(db, 1), 3);
	db_close(db);
}
END_TEST

START_TEST(writing_many_tables_at_once_journals_each)
{
	struct db *db = catalog(_i);

	must_run(db, "UPDATE catalog_tables SET row_count = 9, updated_at = CURRENT_TIMESTAMP");
	for (int table = 1; table <= 3; table++)
		ck_assert_int_eq(writes(db, table), 2);
	db_close(db);
}
END_TEST

START_TEST(a_write_is_the_runs_that_set_it_or_still_runs)
{
	struct db *db = catalog(_i);

	add_run(db, 7, "manual", "NULL");
	must_run(db,
		"UPDATE catalog_tables SET source_run_id = 7, updated_at = CURRENT_TIMESTAMP WHERE "
		"id = 1");
	write_table(db, 1);
	must_run(db, "UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP WHERE id = 7");
	/* Somebody else now; the column is left as it was. */
	write_table(db, 1);
	ck_assert_str_eq(must_rows(db,
				 "1:SELECT run_id FROM scheduler_table_writes WHERE table_id = 1 "
				 "ORDER BY seq"),
		"NULL\n7\n7\nNULL\n");
	db_close(db);
}
END_TEST

START_TEST(what_is_rolled_back_is_not_journalled)
{
	struct db *db = catalog(_i);
	int64_t before = must_int(db, "SELECT count(*) FROM scheduler_changes");

	ck_ok(db_begin(db, e));
	write_table(db, 1);
	add_run(db, 7, "scheduled", "1");
	db_rollback(db);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_changes"), before);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_active"), 0);
	db_close(db);
}
END_TEST

/* How updated_at is written (contract 1.2), and whether that is a data write. */
static const struct {
	const char *old, *new;
	bool is_write;
} stamp_cases[] = {
	{"2026-05-20 08:00:00", "2026-05-20 08:00:01", true},
	{"2026-05-20 08:00:00", "2026-05-20 08:00:00.000001", true},
	{"2026-05-20 08:00:00", "2026-05-20 08:00:00.000000", false},
	{"2026-05-20 08:00:00.000000", "2026-05-20 08:00:00", false},
	{"2026-05-20 08:00:00.500000", "2026-05-20 08:00:00", false},
	{"2026-05-20 08:00:00.500000", "2026-05-20 08:00:01", true},
	{"2026-05-20 08:00:00.5", "2026-05-20 08:00:00.500000", false},
	{"2026-05-20 08:00:00.5", "2026-05-20 08:00:00.500001", true},
	{"2026-05-20T08:00:00", "2026-05-20 08:00:00.000000", false},
	{"2026-05-20T08:00:00", "2026-05-20 08:00:00.25", true},
	{"2026-05-20 08:00:00.5", "2026-05-20T08:00:00", false},
	{"2026-05-20 08:00:00.123", "2026-05-20 08:00:00.123000", false},
	{"2026-05-20 08:00:09", "2026-05-20 08:00:10", true},
	{"2026-05-20 08:00:01", "2026-05-20 08:00:00", false},
};

START_TEST(stamps_are_compared_as_instants_whatever_their_form)
{
	struct db *db = catalog(0);
	char sql[200];

	snprintf(sql, sizeof(sql),
		"INSERT INTO catalog_tables (id, name, owner_id, updated_at) VALUES (9, 'x', 1, "
		"'%s');"
		"UPDATE catalog_tables SET updated_at = '%s' WHERE id = 9",
		stamp_cases[_i].old, stamp_cases[_i].new);
	must_run(db, sql);
	ck_assert_int_eq(writes(db, 9), stamp_cases[_i].is_write ? 2 : 1);
	db_close(db);
}
END_TEST

static int64_t now_us = INT64_C(1779350400000000); /* 2026-05-21 08:00:00 */

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

START_TEST(a_write_by_a_clock_that_went_back_counts)
{
	struct clock clock = {test_wall, test_boot, NULL};
	struct db *db;

	db_set_clock(&clock);
	db = catalog(0);
	write_table(db, 1);
	now_us -= US_PER_HOUR;
	write_table(db, 1);
	must_run(db,
		"UPDATE catalog_tables SET updated_at = "
		"strftime('%Y-%m-%d %H:%M:%f000', 'now', '+0 days') WHERE id = 1");
	ck_assert_int_eq(writes(db, 1), 4);
	ck_assert_str_eq(must_rows(db,
				 "2:SELECT stamp, last_write_at FROM scheduler_tables "
				 "WHERE table_id = 1"),
		"2026-05-21 07:00:00.000000|2026-05-21 07:00:00.000000\n");
	db_close(db);
}
END_TEST

/* --- tables that come and go --- */

START_TEST(a_deleted_table_is_a_change_but_no_write)
{
	struct db *db = catalog(_i);

	must_run(db, "DELETE FROM catalog_tables WHERE id = 3");
	ck_assert_int_eq(writes(db, 3), 1);
	ck_assert_str_eq(must_rows(db,
				 "2:SELECT kind, object_id FROM scheduler_changes "
				 "ORDER BY seq DESC LIMIT 1"),
		"d|3\n");
	db_close(db);
}
END_TEST

START_TEST(a_schedule_does_not_watch_another_table_under_its_tables_id)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "3", "TRUE");
	must_run(db,
		"DELETE FROM catalog_tables WHERE id = 3;"
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id) "
		"VALUES (3, 'other', 2, 1)");
	write_table(db, 3);
	ck_assert_str_eq(pending(db), "");
	/* Whoever enables it again sees the table's new name. */
	must_run(db,
		"UPDATE flow_schedules SET enabled = FALSE; UPDATE flow_schedules SET enabled = "
		"TRUE");
	ck_assert_str_eq(pending(db), "");
	write_table(db, 3);
	ck_assert_str_eq(pending(db), "1|3\n");
	db_close(db);
}
END_TEST

START_TEST(a_table_dropped_and_made_again_is_the_same_and_written)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "3", "TRUE");
	must_run(db,
		"DELETE FROM catalog_tables WHERE id = 3;"
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id) "
		"VALUES (3, 'c', 2, 1)");
	ck_assert_str_eq(pending(db), "1|3\n");
	db_close(db);
}
END_TEST

START_TEST(a_schedule_whose_table_is_not_there_yet_is_armed_when_it_is_made)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "9", "TRUE");
	add_schedule(db, 2, "table_set_trigger", "NULL", "TRUE");
	add_link(db, 2, 1);
	add_link(db, 2, 9);
	must_run(db, "INSERT INTO catalog_tables (id, name, owner_id) VALUES (9, 'late', 1)");
	ck_assert_str_eq(pending(db), "");
	write_table(db, 9);
	ck_assert_str_eq(pending(db), "1|9\n2|9\n");
	db_close(db);
}
END_TEST

/* --- arming --- */

START_TEST(a_new_schedule_is_armed_and_waits_for_the_next_write)
{
	struct db *db = catalog(_i);

	write_table(db, 1);
	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	ck_assert_str_eq(pending(db), "");
	write_table(db, 2);
	ck_assert_str_eq(pending(db), "");
	write_table(db, 1);
	ck_assert_str_eq(pending(db), "1|1\n");
	db_close(db);
}
END_TEST

START_TEST(writes_while_disabled_do_not_count)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "1", "FALSE");
	add_schedule(db, 2, "table_set_trigger", "NULL", "TRUE");
	add_link(db, 2, 1);
	add_link(db, 2, 2);
	must_run(db, "UPDATE flow_schedules SET enabled = FALSE WHERE id = 2");
	write_table(db, 1);
	must_run(db, "UPDATE flow_schedules SET enabled = TRUE");
	ck_assert_str_eq(pending(db), "");
	/* Enabling what is enabled forgets nothing. */
	write_table(db, 1);
	must_run(db, "UPDATE flow_schedules SET enabled = TRUE, name = 'n'");
	ck_assert_str_eq(pending(db), "1|1\n2|1\n");
	db_close(db);
}
END_TEST

START_TEST(links_arm_themselves_before_or_after_their_schedule)
{
	struct db *db = catalog(_i);

	add_link(db, 1, 1);
	write_table(db, 1);
	add_schedule(db, 1, "table_set_trigger", "NULL", "TRUE");
	add_link(db, 1, 2);
	ck_assert_str_eq(pending(db), "1|1\n");
	write_table(db, 2);
	ck_assert_str_eq(pending(db), "1|1\n1|2\n");
	must_run(db, "DELETE FROM schedule_trigger_tables WHERE table_id = 1");
	ck_assert_str_eq(pending(db), "1|2\n");
	must_run(db, "DELETE FROM flow_schedules");
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_consumed"), 0);
	db_close(db);
}
END_TEST

START_TEST(a_schedule_pointed_at_another_table_is_armed_anew)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	write_table(db, 1);
	write_table(db, 2);
	must_run(db, "UPDATE flow_schedules SET trigger_table_id = 2");
	ck_assert_str_eq(pending(db), "");
	write_table(db, 1);
	ck_assert_str_eq(pending(db), "");
	write_table(db, 2);
	ck_assert_str_eq(pending(db), "1|2\n");
	must_run(db, "UPDATE flow_schedules SET schedule_type = 'interval'");
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_consumed"), 0);
	db_close(db);
}
END_TEST

START_TEST(a_schedule_made_a_set_keeps_what_its_links_have_consumed)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "interval", "NULL", "TRUE");
	add_link(db, 1, 1);
	add_link(db, 1, 2);
	write_table(db, 2);
	must_run(db, "UPDATE flow_schedules SET schedule_type = 'table_set_trigger'");
	ck_assert_str_eq(pending(db), "1|2\n");
	db_close(db);
}
END_TEST

START_TEST(an_update_that_changes_nothing_forgets_no_write)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	write_table(db, 1);
	must_run(db,
		"UPDATE flow_schedules SET trigger_table_id = trigger_table_id, schedule_type = "
		"schedule_type, enabled = enabled");
	ck_assert_str_eq(pending(db), "1|1\n");
	db_close(db);
}
END_TEST

/* What we keep of schedule 1. */
static int64_t
rows_of_schedule(struct db *db)
{
	return must_int(db,
		"SELECT (SELECT count(*) FROM scheduler_cursors WHERE schedule_id = 1) "
		"+ (SELECT count(*) FROM scheduler_firings WHERE schedule_id = 1) "
		"+ (SELECT count(*) FROM scheduler_consumed WHERE schedule_id = 1)");
}

static const char leave_rows[] =
	"INSERT INTO scheduler_cursors (schedule_id, spec) VALUES (1, 'x');"
	"INSERT INTO scheduler_firings (schedule_id, slot_key, due_at, fired_at, cause) "
	"VALUES (1, '1:1', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 'x')";

START_TEST(nothing_of_a_deleted_schedule_is_left_for_the_next_with_its_id)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	must_run(db, leave_rows);
	ck_assert_int_eq(rows_of_schedule(db), 3);
	must_run(db, "DELETE FROM flow_schedules WHERE id = 1");
	ck_assert_int_eq(rows_of_schedule(db), 0);
	/* As when it was deleted while the triggers were away. */
	must_run(db, leave_rows);
	must_run(db,
		"INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation) "
		"VALUES (1, 1, 0, 1), (1, 2, 0, 1), (2, 1, 0, 1)");
	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	ck_assert_int_eq(rows_of_schedule(db), 1);
	add_link(db, 2, 1);
	ck_assert_str_eq(pending(db), "");
	db_close(db);
}
END_TEST

START_TEST(a_write_to_a_table_that_was_not_noted_yet_notes_it)
{
	struct db *db = catalog(_i);

	must_run(db, "DELETE FROM scheduler_tables WHERE table_id = 1");
	write_table(db, 1);
	ck_assert_str_eq(must_rows(db,
				 "4:SELECT table_id, generation, name, namespace_id "
				 "FROM scheduler_tables WHERE table_id = 1"),
		"1|1|a|2\n");
	db_close(db);
}
END_TEST

/* --- runs --- */

START_TEST(a_scheduled_run_consumes_what_its_schedule_can_see)
{
	struct db *db = catalog(_i);

	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	add_schedule(db, 2, "table_set_trigger", "NULL", "TRUE");
	add_link(db, 2, 1);
	add_link(db, 2, 2);
	write_table(db, 1);
	write_table(db, 2);
	add_run(db, 1, "manual", "1");
	add_run(db, 2, "scheduled", "NULL");
	ck_assert_str_eq(pending(db), "1|1\n2|1\n2|2\n");
	add_run(db, 3, "scheduled", "2");
	ck_assert_str_eq(pending(db), "1|1\n");
	write_table(db, 2);
	add_run(db, 4, "scheduled", "1");
	ck_assert_str_eq(pending(db), "2|2\n");
	db_close(db);
}
END_TEST

static const char active_sql[] =
	"3:SELECT run_id, registration_id, flow_uuid FROM scheduler_active ORDER BY 1";

START_TEST(the_mirror_of_active_runs_follows_every_change)
{
	struct db *db = catalog(_i);

	add_run(db, 1, "in_designer_run", "NULL");
	add_run(db, 2, "scheduled", "NULL");
	must_run(db,
		"INSERT INTO flow_runs (id, flow_name, user_id, started_at, ended_at) "
		"VALUES (3, 'f', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)");
	ck_assert_str_eq(must_rows(db, active_sql), "1|1|uuid-1\n2|1|uuid-1\n");
	must_run(db,
		"UPDATE flow_runs SET registration_id = NULL WHERE id = 1;"
		"UPDATE flow_runs SET flow_uuid = 'other' WHERE id = 2");
	ck_assert_str_eq(must_rows(db, active_sql), "1|NULL|uuid-1\n2|1|other\n");
	must_run(db,
		"UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP, success = TRUE WHERE id = 2");
	ck_assert_str_eq(must_rows(db, active_sql), "1|NULL|uuid-1\n");
	/* Closed twice, opened again, deleted. */
	must_run(db,
		"UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP WHERE id = 2;"
		"UPDATE flow_runs SET ended_at = NULL WHERE id IN (2, 3)");
	ck_assert_str_eq(must_rows(db, active_sql), "1|NULL|uuid-1\n2|1|other\n3|NULL|NULL\n");
	must_run(db, "DELETE FROM flow_runs WHERE id < 3");
	ck_assert_str_eq(must_rows(db, active_sql), "3|NULL|NULL\n");
	db_close(db);
}
END_TEST

/* What the runs say, and what is kept of them, in the same form: key, counts, first and last. */
static const char history_of_runs[] =
	"9:SELECT coalesce(flow_uuid, ''), coalesce(schedule_id, 0), run_type, flow_name, count(*),"
	" count(CASE WHEN success IS TRUE THEN 1 END), count(CASE WHEN success IS FALSE THEN 1 "
	"END),"
	" min(started_at), max(started_at) FROM flow_runs"
	" GROUP BY coalesce(flow_uuid, ''), coalesce(schedule_id, 0), run_type, flow_name"
	" ORDER BY 1, 2, 3, 4";
static const char history_kept[] = "9:SELECT flow_uuid, schedule_id, run_type, flow_name, runs, "
				   "successes, failures, first_at, "
				   "last_at FROM scheduler_history_groups ORDER BY 1, 2, 3, 4";
static const char history_rows[] =
	"2:SELECT h.run_id, h.started_at FROM scheduler_history h JOIN scheduler_history_groups g "
	"ON g.id = h.group_id JOIN flow_runs r ON r.id = h.run_id AND r.run_type = g.run_type "
	"AND coalesce(r.flow_uuid, '') = g.flow_uuid AND coalesce(r.schedule_id, 0) = "
	"g.schedule_id "
	"AND r.flow_name = g.flow_name ORDER BY 1";
static const char history_all[] = "2:SELECT id, started_at FROM flow_runs ORDER BY 1";

static void
check_history(struct db *db)
{
	char *want = xstrdup(must_rows(db, history_of_runs));

	ck_assert_str_eq(must_rows(db, history_kept), want);
	free(want);
	want = xstrdup(must_rows(db, history_all));
	ck_assert_str_eq(must_rows(db, history_rows), want);
	free(want);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_history"),
		must_int(db, "SELECT count(*) FROM flow_runs"));
}

static const char *const history_changes[] = {
	"UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP, success = TRUE WHERE id < 4",
	"UPDATE flow_runs SET success = FALSE WHERE id = 2",
	"UPDATE flow_runs SET success = NULL WHERE id = 3",
	"UPDATE flow_runs SET flow_uuid = 'other' WHERE id = 2",
	"UPDATE flow_runs SET flow_uuid = 'other', success = FALSE, schedule_id = 9 WHERE id = 1",
	"UPDATE flow_runs SET started_at = '2030-01-01 00:00:00' WHERE id = 4",
	"UPDATE flow_runs SET started_at = '2020-01-01 00:00:00.500000' WHERE id = 4",
	"UPDATE flow_runs SET flow_name = 'new', run_type = 'manual', schedule_id = NULL",
	"UPDATE flow_runs SET registration_id = NULL, pid = 5",
	"DELETE FROM flow_runs WHERE id = 4",
	"UPDATE flow_runs SET flow_uuid = NULL WHERE id = 3",
	"DELETE FROM flow_runs",
};

START_TEST(the_history_is_what_the_runs_are)
{
	struct db *db = catalog(_i);

	check_history(db);
	add_run(db, 1, "scheduled", "1");
	add_run(db, 2, "scheduled", "1");
	add_run(db, 3, "manual", "NULL");
	add_run(db, 4, "scheduled", "2");
	check_history(db);
	for (size_t i = 0; i < ARRAY_LEN(history_changes); i++) {
		must_run(db, history_changes[i]);
		check_history(db);
	}
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_history_groups"), 0);
	db_close(db);
}
END_TEST

START_TEST(the_history_is_made_anew_after_a_trigger_was_away)
{
	struct db *db = catalog(_i);
	struct err err = ERR_INIT;

	add_run(db, 1, "scheduled", "1");
	must_run(db,
		db_get_type(db) == DB_SQLITE ? "DROP TRIGGER scheduler_history_added"
					     : "DROP TRIGGER scheduler_history_added ON flow_runs");
	add_run(db, 2, "scheduled", "1");
	must_run(db, "UPDATE flow_runs SET success = TRUE WHERE id = 2");
	ck_assert_int_eq(schema_ensure_triggers(db, &err), 1);
	check_history(db);
	db_close(db);
}
END_TEST

START_TEST(nothing_of_a_deleted_run_is_left_for_the_next_with_its_id)
{
	struct db *db = catalog(_i);

	/* As when it was deleted while the triggers were away. */
	must_run(db, "INSERT INTO scheduler_active (run_id, flow_uuid) VALUES (2, 'old')");
	add_run(db, 2, "scheduled", "NULL");
	ck_assert_str_eq(must_rows(db, active_sql), "2|1|uuid-1\n");

	add_run(db, 1, "scheduled", "NULL");
	must_run(db,
		"INSERT INTO scheduler_runs (run_id, state) VALUES (1, 'ended');"
		"INSERT INTO scheduler_firings (schedule_id, slot_key, due_at, fired_at, cause, "
		"run_id) VALUES (1, 'k', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 'x', 1);"
		"DELETE FROM flow_runs");
	ck_assert_str_eq(must_rows(db, "1:SELECT run_id FROM scheduler_firings"), "NULL\n");
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_runs"), 0);
	db_close(db);
}
END_TEST

/* --- what the engine hears --- */

static const struct {
	const char *sql;
	const char *heard; /* kind|id lines */
} heard_cases[] = {
	{"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid) "
	 "VALUES (9, 'n', '/n', 1, 'uuid-9')",
		"f|9\n"},
	{"UPDATE flow_registrations SET flow_path = '/else' WHERE id = 2", "f|2\n"},
	{"UPDATE flow_registrations SET name = 'h' WHERE id = 2", "f|2\n"},
	{"UPDATE flow_registrations SET description = 'd' WHERE id = 2", ""},
	{"DELETE FROM flow_registrations WHERE id = 2", "f|2\n"},
	{"INSERT INTO users (id, username) VALUES (9, 'u')", "u|9\n"},
	{"UPDATE users SET disabled = TRUE WHERE id = 1", "u|1\n"},
	{"UPDATE users SET full_name = 'x' WHERE id = 1", ""},
	{"DELETE FROM users WHERE id = 1", "u|1\n"},
	{"INSERT INTO scheduler_lock (id, holder_id) VALUES (2, 'me')", "l|2\n"},
	{"UPDATE scheduler_lock SET heartbeat_at = CURRENT_TIMESTAMP", ""},
	{"UPDATE scheduler_lock SET holder_id = holder_id, heartbeat_at = CURRENT_TIMESTAMP", ""},
	{"INSERT INTO scheduler_settings (name, value) VALUES ('paused', '1')", "p|0\n"},
	{"INSERT INTO scheduler_requests (kind, created_at) VALUES ('run', CURRENT_TIMESTAMP)",
		"q|1\n"},
	{"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type) "
	 "VALUES (9, 1, 1, TRUE, 'interval')",
		"s|9\n"},
	{"UPDATE flow_schedules SET last_triggered_at = CURRENT_TIMESTAMP WHERE id = 5", "s|5\n"},
	{"DELETE FROM flow_schedules WHERE id = 5", "s|5\n"},
	{"INSERT INTO schedule_trigger_tables (schedule_id, table_id) VALUES (5, 1)", "s|5\n"},
	{"DELETE FROM schedule_trigger_tables WHERE schedule_id = 6", "s|6\n"},
	{"INSERT INTO flow_runs (id, flow_name, user_id, started_at) "
	 "VALUES (9, 'f', 1, CURRENT_TIMESTAMP)",
		"r|9\n"},
	{"UPDATE flow_runs SET pid = 7 WHERE id = 5", "r|5\n"},
	{"UPDATE flow_runs SET success = TRUE WHERE id = 5", "r|5\n"},
	{"UPDATE flow_runs SET nodes_completed = 3 WHERE id = 5", "n|5\n"},
	{"UPDATE flow_runs SET nodes_completed = 3, success = TRUE, ended_at = CURRENT_TIMESTAMP "
	 "WHERE id = 5",
		"r|5\n"},
	{"DELETE FROM flow_runs WHERE id = 5", "r|5\n"},
	{"INSERT INTO catalog_tables (id, name, owner_id) VALUES (9, 'n', 1)", "t|9\n"},
	{"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = 2", "t|2\n"},
	{"UPDATE catalog_tables SET name = 'n' WHERE id = 2", ""},
	{"DELETE FROM catalog_tables WHERE id = 2", "d|2\n"},
	{"INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version, "
	 "started_at, seen_at) VALUES ('me', 'h', 'b', 1, 1, 'v', CURRENT_TIMESTAMP, "
	 "CURRENT_TIMESTAMP)",
		""},
	{"INSERT INTO catalog_namespaces (name, level, owner_id) VALUES ('n', 0, 1)", ""},
};

START_TEST(the_engine_hears_of_what_matters_to_it)
{
	struct db *db = catalog(_i % 2);
	int64_t before;
	char sql[128];

	must_run(db, "INSERT INTO scheduler_lock (id, holder_id) VALUES (1, 'you')");
	add_schedule(db, 5, "interval", "NULL", "TRUE");
	add_link(db, 6, 1);
	add_run(db, 5, "manual", "NULL");
	before = must_int(db, "SELECT max(seq) FROM scheduler_changes");
	must_run(db, heard_cases[_i / 2].sql);
	snprintf(sql, sizeof(sql),
		"2:SELECT kind, object_id FROM scheduler_changes WHERE seq > %" PRId64
		" ORDER BY seq",
		before);
	ck_assert_str_eq(must_rows(db, sql), heard_cases[_i / 2].heard);
	db_close(db);
}
END_TEST

START_TEST(requests_and_locks_are_heard_of_through_their_life)
{
	struct db *db = catalog(_i);
	int64_t before = must_int(db, "SELECT max(seq) FROM scheduler_changes");
	char sql[128];

	must_run(db,
		"INSERT INTO scheduler_requests (kind, created_at) "
		"VALUES ('cancel', CURRENT_TIMESTAMP);"
		"UPDATE scheduler_requests SET outcome = 'done';"
		"INSERT INTO scheduler_lock (id, holder_id) VALUES (1, 'me');"
		"UPDATE scheduler_lock SET holder_id = 'you';"
		"DELETE FROM scheduler_lock;"
		"INSERT INTO scheduler_settings VALUES ('paused', '1');"
		"UPDATE scheduler_settings SET value = '0';"
		"DELETE FROM scheduler_settings");
	snprintf(sql, sizeof(sql),
		"1:SELECT kind FROM scheduler_changes WHERE seq > %" PRId64 " ORDER BY seq",
		before);
	ck_assert_str_eq(must_rows(db, sql), "q\nq\nl\nl\nl\np\np\np\n");
	db_close(db);
}
END_TEST

/* --- other programs, SQLite --- */

START_TEST(replacing_rows_is_taken_for_writing_them)
{
	struct db *db = catalog(0);

	add_schedule(db, 1, "table_trigger", "1", "1");
	must_run(db,
		"INSERT OR REPLACE INTO catalog_tables (id, name, namespace_id, owner_id) "
		"VALUES (1, 'a', 2, 1)");
	ck_assert_str_eq(pending(db), "1|1\n");
	add_run(db, 1, "scheduled", "1");
	must_run(db,
		"INSERT OR IGNORE INTO catalog_tables (id, name, namespace_id, owner_id) "
		"VALUES (1, 'a', 2, 1);"
		"UPDATE OR REPLACE catalog_tables SET row_count = 3 WHERE id = 1");
	ck_assert_str_eq(pending(db), "");
	must_run(db,
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id) "
		"VALUES (1, 'a', 2, 1) ON CONFLICT (id) DO UPDATE SET updated_at = "
		"CURRENT_TIMESTAMP");
	ck_assert_str_eq(pending(db), "1|1\n");
	db_close(db);
}
END_TEST

START_TEST(writers_see_their_own_ids_and_counts)
{
	struct db *db = catalog(0);

	must_run(db, "INSERT INTO catalog_tables (id, name, owner_id) VALUES (77, 'x', 1)");
	ck_assert_int_eq(must_int(db, "SELECT last_insert_rowid()"), 77);
	must_run(db, "UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id < 3");
	ck_assert_int_eq(must_int(db, "SELECT changes()"), 2);
	db_close(db);
}
END_TEST

static const char python[] =
	"import sqlite3, sys, datetime\n"
	"c = sqlite3.connect(sys.argv[1])\n"
	"assert c.execute('pragma foreign_keys').fetchone()[0] == 0\n"
	"# a catalog_writer's overwrite, as the ORM sends it\n"
	"c.execute('UPDATE catalog_tables SET row_count=?, size_bytes=?, "
	"updated_at=CURRENT_TIMESTAMP WHERE catalog_tables.id = ?', (5, 10, 1))\n"
	"c.commit()\n"
	"# a rename\n"
	"old = c.execute('SELECT updated_at FROM catalog_tables WHERE id = 3').fetchone()[0]\n"
	"old = datetime.datetime.fromisoformat(old)\n"
	"c.execute('UPDATE catalog_tables SET name=?, updated_at=? WHERE catalog_tables.id = ?', "
	"('orders2', old.strftime('%Y-%m-%d %H:%M:%S.%f'), 3))\n"
	"c.commit()\n"
	"# the scheduler's launch: run row and stamp in one commit, then the pid, then the end\n"
	"now = datetime.datetime.utcnow().strftime('%Y-%m-%d %H:%M:%S.%f')\n"
	"cur = c.execute('INSERT INTO flow_runs (registration_id, flow_name, user_id, started_at, "
	"nodes_completed, number_of_nodes, run_type, schedule_id, flow_uuid) "
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', (4, 'sensors_rollup', 1, now, 0, 0, 'scheduled', 4, "
	"'u'))\n"
	"run = cur.lastrowid\n"
	"assert run == 7, run\n"
	"c.execute('UPDATE flow_schedules SET last_triggered_at=? WHERE id = ?', (now, 4))\n"
	"c.commit()\n"
	"cur = c.execute('UPDATE flow_runs SET pid=? WHERE id = ?', (1234, run))\n"
	"assert cur.rowcount == 1\n"
	"c.commit()\n"
	"assert c.execute('SELECT count(*) FROM scheduler_active').fetchone()[0] == 1\n"
	"c.execute('UPDATE flow_runs SET ended_at=?, success=? WHERE id = ? AND ended_at IS NULL', "
	"(now, 1, run))\n"
	"# the lock\n"
	"c.execute('INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at) "
	"VALUES (1, ?, ?, ?)', ('0123456789ab', now, now))\n"
	"c.execute('DELETE FROM scheduler_lock WHERE scheduler_lock.id = ?', (1,))\n"
	"# deleting a table and a schedule by hand, children first\n"
	"c.execute('DELETE FROM schedule_trigger_tables WHERE schedule_id = ?', (4,))\n"
	"c.execute('DELETE FROM flow_schedules WHERE id = ?', (4,))\n"
	"c.execute('DELETE FROM catalog_tables WHERE id = ?', (6,))\n"
	"c.commit()\n";

START_TEST(pythons_writes_work_and_are_seen)
{
	const char *path = fixture_make(tmp_path("python.db"));
	const char *const argv[] = {"python3", "-W", "ignore", "-", path, NULL};
	struct db *db = must_open(path, false);
	int status;

	ck_ok(schema_prepare(db, e));
	ck_assert_str_eq(pending(db), "");
	must_run(db, "UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id IN (3, 5)");
	ck_assert_str_eq(pending(db), "4|3\n4|5\n");
	status = run_program(argv, python);
	if (status < 0) {
		db_close(db);
		SKIP_TEST("python3 is not there");
	}
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(pending(db), "3|1\n");
	ck_assert_int_eq(writes(db, 3), 2);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_active"), 0);
	ck_assert_int_eq(must_int(db,
				 "SELECT count(*) FROM scheduler_consumed "
				 "WHERE schedule_id = 4"),
		0);
	db_close(db);
}
END_TEST

START_TEST(the_sqlite_shells_writes_are_seen)
{
	const char *path = fixture_make(tmp_path("shell.db"));
	const char *const argv[] = {"sqlite3", "-bail", path, NULL};
	struct db *db = must_open(path, false);
	int status;

	ck_ok(schema_prepare(db, e));
	status = run_program(argv,
		"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id IN (1, 5);\n");
	if (status < 0)
		fprintf(stderr, "sqlite3 is not there: not tested\n");
	else
		ck_assert_str_eq(pending(db), "3|1\n4|5\n");
	db_close(db);
}
END_TEST

/* How Alembic changes a table on SQLite. */
static const char rebuild[] = "BEGIN;"
			      "CREATE TABLE _alembic_tmp_%s AS SELECT * FROM %s WHERE 0;"
			      "INSERT INTO _alembic_tmp_%s SELECT * FROM %s;"
			      "DROP TABLE %s;"
			      "ALTER TABLE _alembic_tmp_%s RENAME TO %s;"
			      "COMMIT;";

static const char *const rebuilt[] = {"catalog_tables", "flow_schedules", "flow_runs", "users",
	"flow_registrations", "schedule_trigger_tables", "scheduler_lock"};

START_TEST(flowfiles_migrations_can_rebuild_any_table)
{
	const char *path = fixture_make(tmp_path("rebuild.db"));
	const char *t = rebuilt[_i];
	struct db *db = must_open(path, false);
	char *sql = xasprintf(rebuild, t, t, t, t, t, t, t);
	int64_t before, after;
	struct err err = ERR_INIT;

	ck_ok(schema_prepare(db, e));
	ck_ok(db_schema_version(db, &before, e));
	raw_run(path, sql);
	ck_ok(db_schema_version(db, &after, e));
	ck_assert_int_ne(before, after);
	raw_run(path,
		"ALTER TABLE flow_runs ADD COLUMN more TEXT;"
		"ALTER TABLE flow_runs RENAME COLUMN more TO even_more;"
		"ALTER TABLE flow_runs DROP COLUMN even_more");
	ck_assert_int_gt(schema_ensure_triggers(db, &err), 0);
	ck_assert_int_eq(schema_ensure_triggers(db, &err), 0);
	ck_assert_str_eq(pending(db), "");
	must_run(db, "UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = 1");
	ck_assert_str_eq(pending(db), "3|1\n");
	free(sql);
	db_close(db);
}
END_TEST

/* --- PostgreSQL --- */

static void
note(const char *payload, void *arg)
{
	strcat(arg, payload);
	strcat(arg, " ");
}

START_TEST(every_change_is_notified_with_its_seq)
{
	struct db *db = catalog(1);
	struct db *listener = must_open(pg_cluster_url(cluster), false);
	char got[256] = "", wanted[256] = "";
	int64_t seq;

	ck_ok(db_listen(listener, "flowfile_scheduler", e));
	seq = must_int(db, "SELECT max(seq) FROM scheduler_changes");
	write_table(db, 1);
	must_run(db,
		"INSERT INTO scheduler_changes (kind, object_id, at) "
		"VALUES ('s', 1, CURRENT_TIMESTAMP)");
	snprintf(wanted, sizeof(wanted), "%" PRId64 " %" PRId64 " ", seq + 1, seq + 2);
	while (strlen(got) < strlen(wanted)) {
		struct pollfd pfd = {.fd = db_socket(listener), .events = POLLIN};

		ck_assert_int_eq(poll(&pfd, 1, 10000), 1);
		ck_ok(db_consume_notifies(listener, note, got, e));
	}
	ck_assert_str_eq(got, wanted);
	db_close(listener);
	db_close(db);
}
END_TEST

START_TEST(a_writer_needs_no_rights_on_our_tables_nor_our_path_nor_our_zone)
{
	char *url = NULL;
	struct db *db = catalog_make(pg_cluster_url(cluster), &url);
	const char *schema = strstr(url, "%3D") + 3;
	struct db *writer;
	char sql[400];

	must_run(db,
		"INSERT INTO catalog_tables (id, name, owner_id) VALUES (1, 'a', 1);"
		"DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN");
	snprintf(sql, sizeof(sql),
		"GRANT USAGE ON SCHEMA %s TO clerk; GRANT SELECT, UPDATE ON catalog_tables TO "
		"clerk",
		schema);
	must_run(db, sql);
	writer = must_open(pg_cluster_url(cluster), false);
	snprintf(sql, sizeof(sql),
		"SET ROLE clerk; SET search_path TO pg_catalog; SET TimeZone TO 'Asia/Tokyo';"
		"UPDATE %s.catalog_tables SET row_count = 1, "
		"updated_at = CURRENT_TIMESTAMP AT TIME ZONE 'UTC'",
		schema);
	must_run(writer, sql);
	ck_assert_int_eq(writes(db, 1), 2);
	snprintf(sql, sizeof(sql), "SELECT %s.scheduler_note('t', 1, NULL)", schema);
	ck_fails(db_script(writer, sql, e), ERR_FAILED, "permission denied");
	must_run(writer, "RESET ROLE");
	db_close(writer);
	must_run(db, "DROP OWNED BY clerk; DROP ROLE clerk");
	db_close(db);
	free(url);
}
END_TEST

struct writer {
	const char *url;
	int times;
};

static void *
write_often(void *arg)
{
	struct writer *w = arg;
	struct db *db = must_open(w->url, false);

	for (int i = 0; i < w->times; i++)
		write_table(db, 1);
	db_close(db);
	return NULL;
}

/* While many write, a schedule's runs claim; in the end nothing is lost and nothing counted twice.
 * */
START_TEST(no_write_is_lost_among_writers_and_claims_at_once)
{
	char *url = NULL;
	struct db *db = catalog_make(pg_cluster_url(cluster), &url);
	struct writer w = {.url = url, .times = 100};
	pthread_t threads[3];
	int64_t last = 0, seen = 0;

	must_run(db, "INSERT INTO catalog_tables (id, name, owner_id) VALUES (1, 'a', 1)");
	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_often, &w), 0);
	for (int run = 1; run <= 50; run++) {
		add_run(db, run, "scheduled", "1");
		seen = must_int(db, "SELECT seq FROM scheduler_consumed");
		ck_assert_int_ge(seen, last);
		last = seen;
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(writes(db, 1), 301);
	ck_assert_int_eq(must_int(db, "SELECT last_seq FROM scheduler_tables"),
		must_int(db, "SELECT max(seq) FROM scheduler_table_writes"));
	/* Pending exactly when there is a write after the last that was consumed. */
	ck_assert_int_eq(must_int(db,
				 "SELECT count(*) FROM scheduler_table_writes w "
				 "JOIN scheduler_consumed c ON w.seq > c.seq") > 0,
		strcmp(pending(db), "1|1\n") == 0);
	db_close(db);
	free(url);
}
END_TEST

START_TEST(an_uncommitted_write_is_not_consumed_by_a_claim_beside_it)
{
	char *url = NULL;
	struct db *db = catalog_make(pg_cluster_url(cluster), &url);
	struct db *writer = must_open(url, false);

	must_run(db, "INSERT INTO catalog_tables (id, name, owner_id) VALUES (1, 'a', 1)");
	add_schedule(db, 1, "table_trigger", "1", "TRUE");
	write_table(db, 1);
	ck_ok(db_begin(writer, e));
	write_table(writer, 1);
	add_run(db, 1, "scheduled", "1");
	ck_assert_str_eq(pending(db), "");
	ck_ok(db_commit(writer, e));
	ck_assert_str_eq(pending(db), "1|1\n");
	db_close(writer);
	db_close(db);
	free(url);
}
END_TEST

/* On SQLite, and on PostgreSQL when there is one. */
static void
add_both(TCase *tc, const TTest *test)
{
	tcase_add_loop_test(tc, test, 0, cluster != NULL ? 2 : 1);
}

static TCase *
write_case(void)
{
	TCase *tc = tcase_create("writes");

	tcase_set_timeout(tc, 60);
	add_both(tc, each_data_write_is_journalled_once);
	add_both(tc, two_writes_within_a_second_are_two);
	add_both(tc, writing_the_old_stamp_back_is_no_write);
	add_both(tc, a_stamp_rolled_back_in_time_hides_no_later_write);
	add_both(tc, writing_many_tables_at_once_journals_each);
	add_both(tc, a_write_is_the_runs_that_set_it_or_still_runs);
	add_both(tc, what_is_rolled_back_is_not_journalled);
	tcase_add_loop_test(tc, stamps_are_compared_as_instants_whatever_their_form, 0,
		(int)ARRAY_LEN(stamp_cases));
	tcase_add_test(tc, a_write_by_a_clock_that_went_back_counts);
	add_both(tc, a_write_to_a_table_that_was_not_noted_yet_notes_it);
	add_both(tc, a_deleted_table_is_a_change_but_no_write);
	add_both(tc, a_schedule_does_not_watch_another_table_under_its_tables_id);
	add_both(tc, a_table_dropped_and_made_again_is_the_same_and_written);
	add_both(tc, a_schedule_whose_table_is_not_there_yet_is_armed_when_it_is_made);
	return tc;
}

static TCase *
schedule_case(void)
{
	TCase *tc = tcase_create("schedules and runs");

	tcase_set_timeout(tc, 60);
	add_both(tc, a_new_schedule_is_armed_and_waits_for_the_next_write);
	add_both(tc, writes_while_disabled_do_not_count);
	add_both(tc, links_arm_themselves_before_or_after_their_schedule);
	add_both(tc, a_schedule_pointed_at_another_table_is_armed_anew);
	add_both(tc, a_schedule_made_a_set_keeps_what_its_links_have_consumed);
	add_both(tc, an_update_that_changes_nothing_forgets_no_write);
	add_both(tc, nothing_of_a_deleted_schedule_is_left_for_the_next_with_its_id);
	add_both(tc, a_scheduled_run_consumes_what_its_schedule_can_see);
	add_both(tc, the_mirror_of_active_runs_follows_every_change);
	add_both(tc, the_history_is_what_the_runs_are);
	add_both(tc, the_history_is_made_anew_after_a_trigger_was_away);
	add_both(tc, nothing_of_a_deleted_run_is_left_for_the_next_with_its_id);
	for (int i = 0; i < 2 * (int)ARRAY_LEN(heard_cases); i += cluster != NULL ? 1 : 2)
		tcase_add_loop_test(tc, the_engine_hears_of_what_matters_to_it, i, i + 1);
	add_both(tc, requests_and_locks_are_heard_of_through_their_life);
	return tc;
}

static TCase *
sqlite_case(void)
{
	TCase *tc = tcase_create("other programs");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, replacing_rows_is_taken_for_writing_them);
	tcase_add_test(tc, writers_see_their_own_ids_and_counts);
	tcase_add_test(tc, pythons_writes_work_and_are_seen);
	tcase_add_test(tc, the_sqlite_shells_writes_are_seen);
	tcase_add_loop_test(
		tc, flowfiles_migrations_can_rebuild_any_table, 0, (int)ARRAY_LEN(rebuilt));
	return tc;
}

static TCase *
postgres_case(void)
{
	TCase *tc = tcase_create("PostgreSQL");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_change_is_notified_with_its_seq);
	tcase_add_test(tc, a_writer_needs_no_rights_on_our_tables_nor_our_path_nor_our_zone);
	tcase_add_test(tc, no_write_is_lost_among_writers_and_claims_at_once);
	tcase_add_test(tc, an_uncommitted_write_is_not_consumed_by_a_claim_beside_it);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("triggers");
	SRunner *runner;
	int failed;

	tmp_init();
	cluster = store_test_cluster();
	suite_add_tcase(suite, write_case());
	suite_add_tcase(suite, schedule_case());
	suite_add_tcase(suite, sqlite_case());
	if (cluster != NULL)
		suite_add_tcase(suite, postgres_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	pg_cluster_free(cluster);
	return failed > 0;
}
