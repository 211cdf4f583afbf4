/* Making a catalog, moving into one that Flowfile made, and catching up. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "pg_cluster.h"
#include "store/backend.h"
#include "store/schema.h"
#include "store/views.h"
#include "store_util.h"

#define N_TRIGGERS_MIN 25

static struct pg_cluster *cluster; /* NULL: only SQLite is tested */

static const char *
postgres_url(int postgres)
{
	return postgres ? pg_cluster_url(cluster) : NULL;
}

/* Our tables as text: what two ways to the same state must agree on. */
static char *
dump_ours(struct db *db)
{
	static const char *const parts[] = {
		"3:SELECT name, version, checksum FROM scheduler_migrations ORDER BY 1",
		"4:SELECT table_id, generation, name, namespace_id FROM scheduler_tables",
		"3:SELECT schedule_id, table_id, generation FROM scheduler_consumed ORDER BY 1, 2",
		"3:SELECT run_id, registration_id, flow_uuid FROM scheduler_active ORDER BY 1",
	};
	char *all = xstrdup("");

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *more = xasprintf("%s%s--\n", all, must_rows(db, parts[i]));

		free(all);
		all = more;
	}
	return all;
}

static void
check_complete(struct db *db)
{
	struct schema_info info;

	ck_ok(schema_inspect(db, &info, e));
	ck_assert_str_eq(info.revision, "030");
	ck_assert_int_eq(info.our_version, info.program_version);
	ck_assert_int_eq(info.triggers_missing, 0);
	ck_assert(!info.empty && !info.newer_revision);
}

static const char *
pending(struct db *db)
{
	return must_rows(db,
		"2:SELECT c.schedule_id, c.table_id FROM scheduler_consumed c "
		"JOIN scheduler_tables t ON t.table_id = c.table_id AND t.generation = "
		"c.generation "
		"WHERE t.last_seq > c.seq ORDER BY 1, 2");
}

/* --- a new catalog --- */

START_TEST(a_new_catalog_has_flowfiles_tables_to_the_letter)
{
	static const char shape[] =
		"3:SELECT type, name, sql FROM sqlite_master WHERE type <> 'trigger' AND "
		"(name NOT LIKE '%scheduler\\_%' ESCAPE '\\' OR name = 'scheduler_lock') "
		"AND name <> 'sqlite_sequence' ORDER BY rowid";
	struct db *theirs = must_open(fixture_make(tmp_path("shape.db")), false);
	struct db *ours = catalog_make(NULL, NULL);
	char *wanted = xstrdup(must_rows(theirs, shape));

	ck_assert_str_eq(must_rows(ours, shape), wanted);
	ck_assert_int_eq(must_int(ours,
				 "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
				 "(name NOT LIKE 'scheduler\\_%' ESCAPE '\\' OR name = "
				 "'scheduler_lock') AND name NOT LIKE 'sqlite%'"),
		35);
	free(wanted);
	db_close(theirs);
	db_close(ours);
}
END_TEST

static const char *const seed_queries[] = {
	"1:SELECT version_num FROM alembic_version",
	"4:SELECT id, username, email, full_name FROM users WHERE id = 1",
	"3:SELECT disabled, is_admin, must_change_password FROM users WHERE id = 1",
	"4:SELECT id, name, parent_id, level FROM catalog_namespaces WHERE id <= 4 ORDER BY id",
	"3:SELECT description, owner_id, is_public FROM catalog_namespaces WHERE id <= 4",
	"2:SELECT id, app_version FROM db_info",
	"1:SELECT count(*) FROM scheduler_lock",
};

START_TEST(a_new_catalog_starts_with_flowfiles_rows)
{
	struct db *theirs = must_open(fixture_make(tmp_path("seeds.db")), false);
	struct db *ours = catalog_make(NULL, NULL);

	for (size_t i = 0; i < ARRAY_LEN(seed_queries); i++) {
		char *wanted = xstrdup(must_rows(theirs, seed_queries[i]));

		ck_assert_str_eq(must_rows(ours, seed_queries[i]), wanted);
		free(wanted);
	}
	ck_assert_int_eq(must_int(ours, "SELECT count(*) FROM users"), 1);
	ck_assert_int_eq(must_int(ours, "SELECT count(*) FROM catalog_namespaces"), 4);
	db_close(theirs);
	db_close(ours);
}
END_TEST

START_TEST(postgres_starts_with_the_same_rows_and_columns)
{
	struct db *sqlite = must_open(":memory:", true);
	struct db *db = catalog_make(postgres_url(1), NULL);
	char *wanted;

	ck_ok(schema_prepare(sqlite, e));
	wanted = xstrdup(must_rows(sqlite,
		"2:SELECT m.name AS t, p.name AS c FROM sqlite_master m JOIN "
		"pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' "
		"ORDER BY m.name, p.cid"));
	ck_assert_str_eq(
		must_rows(db,
			"2:SELECT CAST(c.relname AS TEXT) COLLATE \"C\", a.attname FROM pg_class c "
			"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE "
			"c.relkind = 'r' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE "
			"nspname = current_schema()) ORDER BY 1, a.attnum"),
		wanted);
	free(wanted);
	ck_assert_str_eq(must_rows(db,
				 "4:SELECT id, name, parent_id, level FROM catalog_namespaces "
				 "ORDER BY id"),
		"1|General|NULL|0\n2|default|1|1\n3|Unnamed Flows|1|1\n4|Local Flows|1|1\n");
	db_close(sqlite);
	db_close(db);
}
END_TEST

START_TEST(nobody_knows_the_password_of_a_new_catalogs_user)
{
	struct db *a = catalog_make(NULL, NULL);
	struct db *b = must_open(":memory:", true);
	char *hash;

	ck_ok(schema_prepare(b, e));
	hash = xstrdup(must_rows(a, "1:SELECT hashed_password FROM users"));
	ck_assert_uint_eq(strlen(hash), 61);
	ck_assert_int_eq(strncmp(hash, "$2b$12$", 7), 0);
	/* 128 bits of salt and 184 of digest: the last character of each has bits that must be 0. */
	ck_assert_ptr_nonnull(strchr(".Oeu", hash[28]));
	ck_assert_ptr_nonnull(strchr(".CGKOSWaeimquy26", hash[59]));
	ck_assert_str_ne(must_rows(b, "1:SELECT hashed_password FROM users"), hash);
	free(hash);
	db_close(a);
	db_close(b);
}
END_TEST

START_TEST(preparing_again_changes_nothing)
{
	struct db *db = catalog_make(postgres_url(_i), NULL);
	char *theirs = catalog_dump(db), *ours = dump_ours(db), *again;
	int64_t before, after;

	ck_ok(db_schema_version(db, &before, e));
	ck_ok(schema_prepare(db, e));
	ck_ok(db_schema_version(db, &after, e));
	ck_assert_int_eq(before, after);
	again = catalog_dump(db);
	ck_assert_str_eq(again, theirs);
	free(again);
	again = dump_ours(db);
	ck_assert_str_eq(again, ours);
	free(again);
	free(theirs);
	free(ours);
	db_close(db);
}
END_TEST

START_TEST(a_prepared_catalog_is_prepared_while_another_writes)
{
	char *url = NULL;
	struct db *writer = catalog_make(postgres_url(_i), &url);
	struct db *db = must_open(url, false);

	/* Nothing is to be done, so nothing waits for a lock. */
	ck_ok(db_begin(writer, e));
	must_run(writer, "UPDATE users SET full_name = 'x'");
	ck_ok(schema_prepare(db, e));
	check_complete(db);
	ck_ok(db_commit(writer, e));
	db_close(db);
	db_close(writer);
	free(url);
}
END_TEST

START_TEST(several_that_start_at_once_make_one_catalog)
{
	char *url = empty_url(postgres_url(_i));
	pid_t pids[6];
	struct db *db;
	int status;

	fflush(NULL);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		if ((pids[i] = fork()) == 0) {
			db = must_open(url, true);
			ck_ok(schema_prepare(db, e));
			db_close(db);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	db = must_open(url, false);
	check_complete(db);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM users"), 1);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_migrations"), 4);
	db_close(db);
	free(url);
}
END_TEST

/* The connection breaks at the n-th step. */
struct crash {
	int steps, at;
};

static enum err_code
crash_at(const char *step, bool after, void *arg)
{
	struct crash *crash = arg;

	(void)step;
	return crash->steps++ == crash->at ? (after ? ERR_UNKNOWN : ERR_LOST) : ERR_NONE;
}

START_TEST(a_crash_at_any_step_is_made_good_by_the_next_start)
{
	char *wanted = NULL, *got;
	struct crash crash = {0, 0};
	bool crashed = true;

	for (; crashed; crash.at++) {
		char *url = empty_url(postgres_url(_i));
		struct db *db = must_open(url, true);
		struct err err = ERR_INIT;

		crash.steps = 0;
		db_set_fault(db, crash_at, &crash);
		crashed = schema_prepare(db, &err) < 0;
		db_close(db);
		db = must_open(url, true);
		ck_ok(schema_prepare(db, e));
		check_complete(db);
		got = dump_ours(db);
		ck_assert_str_eq(got, wanted != NULL ? wanted : got);
		free(wanted);
		wanted = got;
		ck_assert_int_eq(must_int(db, "SELECT count(*) FROM catalog_namespaces"), 4);
		db_close(db);
		free(url);
	}
	ck_assert_int_gt(crash.at, 20);
	free(wanted);
}
END_TEST

/* --- statements --- */

static int
prepare_only(struct db *db, const char *sql, struct err *err)
{
	bool sqlite = db_get_type(db) == DB_SQLITE;
	char *text = xasprintf(sqlite ? "EXPLAIN %s" : "PREPARE p AS %s; DEALLOCATE p", sql);
	struct stmt *st;
	int r = 0;

	/* What makes tables is no statement to PostgreSQL that could be prepared. */
	if (strncmp(sql, "CREATE", 6) == 0) {
		free(text);
		return 0;
	}
	if (!sqlite) {
		r = db_script(db, text, err);
		free(text);
		return r;
	}
	st = db_stmt_text(db, text);
	for (int i = 1; i <= sql_count_params(text); i++)
		stmt_null(st, i);
	r = stmt_exec(st, NULL, err);
	stmt_finish(st);
	free(text);
	return r;
}

START_TEST(every_statement_can_be_prepared)
{
	struct db *db = catalog_make(postgres_url(_i), NULL);
	bool views = false;

	/* First those that need the tables, then those that need the views. */
	for (int i = 0; i < 2 * SQL_COUNT; i++) {
		int id = i % SQL_COUNT;
		const struct sql_text *text = &sql_texts[id];
		struct err err = ERR_INIT;

		if (i == SQL_COUNT) {
			ck_ok(views_make(db, e));
			views = true;
		}
		if ((strncmp(text->name, "access_", 7) == 0) != views)
			continue;
		ck_assert_msg(prepare_only(db, _i == 0 ? text->sqlite : text->postgres, &err) == 0,
			"%s: %s", text->name, err.text);
		ck_assert_msg(sql_count_params(text->sqlite) == sql_count_params(text->postgres),
			"%s: the databases take different numbers of parameters", text->name);
	}
	db_close(db);
}
END_TEST

/* --- Flowfile's catalog --- */

static struct db *
fixture(const char *name, bool prepare)
{
	struct db *db = must_open(fixture_make(tmp_path(name)), false);

	if (prepare)
		ck_ok(schema_prepare(db, e));
	return db;
}

START_TEST(moving_in_leaves_flowfiles_part_as_it_is)
{
	struct db *db = fixture("move-in.db", false);
	char *before = catalog_dump(db), *after;
	struct schema_info info;

	ck_ok(schema_inspect(db, &info, e));
	ck_assert_str_eq(info.revision, "030");
	ck_assert_int_eq(info.our_version, 0);
	ck_assert_int_ge(info.triggers_missing, N_TRIGGERS_MIN);
	ck_ok(schema_prepare(db, e));
	check_complete(db);
	after = catalog_dump(db);
	ck_assert_str_eq(after, before);
	ck_assert_str_eq(must_rows(db, "1:PRAGMA journal_mode"), "delete\n");
	free(before);
	free(after);
	db_close(db);
}
END_TEST

START_TEST(armed_and_quiet_schedules_stay_quiet_until_the_next_write)
{
	struct db *db = fixture("quiet.db", true);

	ck_assert_str_eq(must_rows(db, "2:SELECT schedule_id, table_id FROM scheduler_consumed"),
		"3|1\n4|3\n4|5\n7|8\n");
	ck_assert_str_eq(pending(db), "");
	raw_run(db_path(db),
		"UPDATE catalog_tables SET row_count=12, updated_at=CURRENT_TIMESTAMP WHERE id IN "
		"(1, 5)");
	ck_assert_str_eq(pending(db), "3|1\n4|5\n");
	db_close(db);
}
END_TEST

/* Table stamp and watermark as they may stand in the file, and whether the write is pending. */
static const struct {
	const char *stamp, *watermark;
	bool pending;
} watermark_cases[] = {
	{"2026-05-20 10:00:00", NULL, false},
	{"2026-05-20 10:00:00", "2026-05-20 10:00:00", false},
	{"2026-05-20 10:00:00", "2026-05-20 10:00:00.000000", false},
	{"2026-05-20 10:00:00.000000", "2026-05-20 10:00:00", false},
	{"2026-05-20 10:00:00.000001", "2026-05-20 10:00:00", true},
	{"2026-05-20 10:00:01", "2026-05-20 10:00:00.999999", true},
	{"2026-05-20 10:00:00", "2026-05-20 10:00:00.000001", false},
	{"2026-05-20T10:00:01", "2026-05-20 10:00:00", true},
	{"2026-05-20 09:00:00", "2026-05-20 10:00:00", false},
	{"2026-05-20 10:00:00", "soon", false},
	{"soon", "2026-05-20 10:00:00", false},
};

START_TEST(a_schedule_is_armed_by_its_watermark_as_an_instant)
{
	struct db *db = fixture("watermark.db", false);
	struct stmt *table =
		db_stmt_text(db, "UPDATE catalog_tables SET updated_at = $1 WHERE id = 1");
	struct stmt *schedule = db_stmt_text(
		db, "UPDATE flow_schedules SET last_trigger_table_updated_at = $1 WHERE id = 3");

	stmt_text(table, 1, watermark_cases[_i].stamp);
	stmt_text(schedule, 1, watermark_cases[_i].watermark);
	ck_ok(stmt_exec(table, NULL, e));
	ck_ok(stmt_exec(schedule, NULL, e));
	ck_ok(schema_prepare(db, e));
	ck_assert_str_eq(pending(db), watermark_cases[_i].pending ? "3|1\n" : "");
	stmt_finish(table);
	stmt_finish(schedule);
	db_close(db);
}
END_TEST

START_TEST(each_table_of_a_set_is_armed_by_itself)
{
	struct db *db = fixture("set.db", false);

	must_run(db, "UPDATE catalog_tables SET updated_at = '2026-05-20 09:00:00' WHERE id = 3");
	ck_ok(schema_prepare(db, e));
	ck_assert_str_eq(pending(db), "4|3\n");
	db_close(db);
}
END_TEST

START_TEST(a_schedule_of_a_missing_table_waits_for_it)
{
	struct db *db = fixture("missing-table.db", false);

	must_run(db, "DELETE FROM catalog_tables WHERE id = 1");
	ck_ok(schema_prepare(db, e));
	ck_assert_str_eq(pending(db), "");
	must_run(db, "INSERT INTO catalog_tables (id, name, owner_id) VALUES (1, 'new', 1)");
	ck_assert_str_eq(pending(db), "");
	must_run(db, "UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = 1");
	ck_assert_str_eq(pending(db), "3|1\n");
	db_close(db);
}
END_TEST

static const struct {
	const char *sql, *message;
} refusals[] = {
	{"UPDATE alembic_version SET version_num = '029'", "revision 029 is older than 030"},
	{"DELETE FROM alembic_version", "no Flowfile catalog (no revision in alembic_version)"},
	{"DROP TABLE alembic_version", "no Flowfile catalog (no revision in alembic_version)"},
	{"DROP TABLE flow_runs", "flow_runs is missing at revision 030: the catalog is damaged"},
	{"ALTER TABLE flow_registrations DROP COLUMN is_api_compatible",
		"flow_registrations.is_api_compatible is missing at revision 030"},
	{"UPDATE alembic_version SET version_num = '040';"
	 "ALTER TABLE catalog_namespaces DROP COLUMN storage_uri",
		"catalog_namespaces.storage_uri is missing at revision 040: this Flowfile is too "
		"new"},
};

START_TEST(a_catalog_we_cannot_work_with_is_refused_and_left_alone)
{
	struct db *db = fixture("refused.db", false);
	char *before, *after;

	must_run(db, refusals[_i].sql);
	before = catalog_dump(db);
	ck_fails(schema_prepare(db, e), ERR_FAILED, refusals[_i].message);
	ck_fails(schema_prepare(db, e), ERR_FAILED, "catalog /tmp/");
	after = catalog_dump(db);
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(must_int(db,
				 "SELECT count(*) FROM sqlite_master WHERE name LIKE "
				 "'scheduler\\_%' ESCAPE '\\' AND name <> 'scheduler_lock'"),
		0);
	free(before);
	free(after);
	db_close(db);
}
END_TEST

START_TEST(another_programs_database_is_refused)
{
	struct db *db = must_open(tmp_path("other.db"), true);

	must_run(db, "CREATE TABLE bookmarks (url)");
	ck_fails(schema_prepare(db, e), ERR_FAILED, "no Flowfile catalog");
	/* What a Python scheduler leaves that was started before Flowfile (D-01). */
	must_run(db,
		"DROP TABLE bookmarks;"
		"CREATE TABLE catalog_tables (id INTEGER NOT NULL, name VARCHAR, updated_at "
		"DATETIME)");
	ck_fails(schema_prepare(db, e), ERR_FAILED, "If a Python scheduler made it");
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM sqlite_master"), 1);
	db_close(db);
}
END_TEST

static char last_line[512];

static void
keep_line(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	if (level == LOG_WARNING_LEVEL)
		snprintf(last_line, sizeof(last_line), "%s", line);
}

/* By number, and not by text. */
START_TEST(an_older_revision_is_known_as_such)
{
	const char *older[] = {"029", "9"};
	struct db *db = fixture("older.db", false);
	struct schema_info info;
	char sql[128];

	snprintf(sql, sizeof(sql), "UPDATE alembic_version SET version_num = '%s'", older[_i]);
	must_run(db, sql);
	ck_ok(schema_inspect(db, &info, e));
	ck_assert(info.older_revision && !info.newer_revision);
	ck_fails(schema_prepare(db, e), ERR_FAILED, "is older than 030");
	db_close(db);
}
END_TEST

START_TEST(a_newer_revision_with_all_we_need_is_taken_with_a_warning)
{
	const char *newer[] = {"031", "4ae1027a6acf"};
	struct db *db = fixture("newer.db", false);
	struct schema_info info;
	char sql[128];

	log_set_sink(keep_line, NULL);
	snprintf(sql, sizeof(sql), "UPDATE alembic_version SET version_num = '%s'", newer[_i]);
	must_run(db, sql);
	must_run(db, "ALTER TABLE flow_runs ADD COLUMN brand_new TEXT");
	ck_ok(schema_prepare(db, e));
	ck_ok(schema_inspect(db, &info, e));
	ck_assert(info.newer_revision && !info.older_revision);
	ck_assert_str_eq(info.revision, newer[_i]);
	ck_assert_ptr_nonnull(strstr(last_line, "newer"));
	ck_assert_ptr_nonnull(strstr(last_line, newer[_i]));
	db_close(db);
}
END_TEST

/* --- our own versions --- */

START_TEST(tables_of_a_newer_program_are_refused)
{
	struct db *db = catalog_make(postgres_url(_i), NULL);

	must_run(db,
		"INSERT INTO scheduler_migrations (name, version, checksum, applied_at) "
		"VALUES ('999-future', 999, 'x', CURRENT_TIMESTAMP)");
	ck_fails(schema_prepare(db, e), ERR_FAILED,
		"used by a newer flowfile_scheduler (its tables have version 999");
	must_run(db,
		"DELETE FROM scheduler_migrations WHERE version = 999;"
		"UPDATE scheduler_migrations SET checksum = 'other' WHERE version = 1 AND "
		"name <> 'triggers'");
	ck_fails(schema_prepare(db, e), ERR_FAILED, "migration 001-scheduler has checksum other");
	db_close(db);
}
END_TEST

/* Replaces a trigger by one that does nothing, to see whether it comes back. */
static void
spoil_trigger(struct db *db)
{
	must_run(db,
		db_get_type(db) == DB_SQLITE
			? "DROP TRIGGER scheduler_user_added; CREATE TRIGGER scheduler_user_added "
			  "AFTER INSERT ON users BEGIN SELECT 1; END"
			: "DROP TRIGGER scheduler_user_added ON users; CREATE TRIGGER "
			  "scheduler_user_added AFTER INSERT ON users FOR EACH ROW EXECUTE "
			  "FUNCTION "
			  "suppress_redundant_updates_trigger()");
}

static int64_t
trigger_spoiled(struct db *db)
{
	return must_int(db,
		db_get_type(db) == DB_SQLITE
			? "SELECT sql LIKE '%SELECT 1%' FROM sqlite_master WHERE name = "
			  "'scheduler_user_added'"
			: "SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
			  "WHERE tgname = 'scheduler_user_added' AND tgrelid = "
			  "CAST('users' AS regclass) AND proname LIKE 'suppress%'");
}

static const struct {
	const char *sql;
	bool replaced;
} trigger_versions[] = {
	{"UPDATE scheduler_migrations SET version = 0, checksum = 'x' WHERE name = 'triggers'",
		true},
	{"UPDATE scheduler_migrations SET checksum = 'x' WHERE name = 'triggers'", true},
	{"UPDATE scheduler_migrations SET version = 99, checksum = 'x' WHERE name = 'triggers'",
		false},
	{"UPDATE scheduler_migrations SET version = version WHERE name = 'triggers'", false},
};

START_TEST(older_triggers_are_replaced_and_newer_ones_kept)
{
	struct db *db = catalog_make(postgres_url(_i % 2), NULL);

	spoil_trigger(db);
	must_run(db, trigger_versions[_i / 2].sql);
	ck_ok(schema_prepare(db, e));
	ck_assert_int_eq(trigger_spoiled(db), !trigger_versions[_i / 2].replaced);
	db_close(db);
}
END_TEST

START_TEST(removing_ours_leaves_flowfiles)
{
	struct db *db = catalog_make(postgres_url(_i), NULL);
	char *before, *after;
	struct schema_info info;

	must_run(db,
		"INSERT INTO catalog_tables (id, name, owner_id) VALUES (1, 'a', 1);"
		"INSERT INTO scheduler_lock (id, holder_id) VALUES (1, 'me')");
	before = catalog_dump(db);
	ck_ok(schema_remove_ours(db, e));
	after = catalog_dump(db);
	ck_assert_str_eq(after, before);
	ck_ok(schema_inspect(db, &info, e));
	ck_assert_int_eq(info.our_version, 0);
	ck_assert_int_ge(info.triggers_missing, N_TRIGGERS_MIN);
	must_run(db, "UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP");
	ck_ok(schema_remove_ours(db, e));
	ck_ok(schema_prepare(db, e));
	check_complete(db);
	free(before);
	free(after);
	db_close(db);
}
END_TEST

/* --- triggers that went away --- */

/* One table, watched by schedule 1, which has consumed all of it; runs 1 (open) and 2. */
static struct db *
watched(int postgres)
{
	struct db *db = catalog_make(postgres_url(postgres), NULL);

	must_run(db,
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, created_at, "
		"updated_at) "
		"VALUES (1, 'a', 2, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:00'),"
		" (2, 'b', 2, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:00');"
		"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, "
		"schedule_type, "
		"trigger_table_id, last_trigger_table_updated_at) "
		"VALUES (1, 1, 1, TRUE, 'table_trigger', 1, '2026-05-20 08:00:00');"
		"INSERT INTO flow_runs (id, flow_name, user_id, started_at, ended_at) VALUES "
		"(1, 'f', 1, CURRENT_TIMESTAMP, NULL), (2, 'f', 1, CURRENT_TIMESTAMP, "
		"CURRENT_TIMESTAMP)");
	ck_assert_str_eq(pending(db), "");
	return db;
}

/* As if Flowfile's migrations had rebuilt every table. */
static void
drop_triggers(struct db *db)
{
	char *all = xstrdup(must_rows(db,
		db_get_type(db) == DB_SQLITE
			? "1:SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = "
			  "'trigger'"
			: "1:SELECT format('DROP TRIGGER %I ON %s;', tgname, CAST(tgrelid AS "
			  "regclass)) "
			  "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT "
			  "tgisinternal "
			  "AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = "
			  "current_schema())"));

	must_run(db, all);
	free(all);
}

static int
ensure(struct db *db)
{
	struct err err = ERR_INIT;
	int missing = schema_ensure_triggers(db, &err);

	ck_assert_msg(missing >= 0, "%s", err.text);
	return missing;
}

/* What happens while the triggers are away, and what is pending, written and active afterwards. */
static const struct {
	const char *sql;
	const char *pending, *active;
	int writes; /* of table 1, the first at its creation */
} away_cases[] = {
	{"SELECT 1", "", "1\n", 1},
	{"UPDATE catalog_tables SET updated_at = '2026-05-20 09:00:00' WHERE id = 1", "1|1\n",
		"1\n", 2},
	/* A Python scheduler has fired for it: its watermark is the table's stamp. */
	{"UPDATE catalog_tables SET updated_at = '2026-05-20 09:00:00' WHERE id = 1;"
	 "UPDATE flow_schedules SET last_trigger_table_updated_at = '2026-05-20 09:00:00.000000'",
		"", "1\n", 2},
	/* It has fired for an earlier one. */
	{"UPDATE catalog_tables SET updated_at = '2026-05-20 09:00:01' WHERE id = 1;"
	 "UPDATE flow_schedules SET last_trigger_table_updated_at = '2026-05-20 09:00:00'",
		"1|1\n", "1\n", 2},
	{"UPDATE catalog_tables SET name = 'z', updated_at = '2026-05-20 08:00:00.000000' "
	 "WHERE id = 1",
		"", "1\n", 1},
	/* A schedule made meanwhile, armed and not. */
	{"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, "
	 "trigger_table_id, last_trigger_table_updated_at) VALUES (2, 1, 1, TRUE, 'table_trigger', "
	 "1, "
	 "NULL), (3, 1, 1, TRUE, 'table_trigger', 1, '2026-05-20 07:00:00')",
		"3|1\n", "1\n", 1},
	{"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, "
	 "last_trigger_table_updated_at) VALUES (2, 1, 1, TRUE, 'table_set_trigger', "
	 "'2026-05-20 07:59:59.999999');"
	 "INSERT INTO schedule_trigger_tables (schedule_id, table_id) VALUES (2, 1), (2, 2)",
		"2|1\n2|2\n", "1\n", 1},
	{"DELETE FROM flow_schedules", "", "1\n", 1},
	{"UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP WHERE id = 1;"
	 "INSERT INTO flow_runs (id, flow_name, user_id, started_at) "
	 "VALUES (3, 'f', 1, CURRENT_TIMESTAMP)",
		"", "3\n", 1},
	/* Another table under its id. */
	{"DELETE FROM catalog_tables WHERE id = 1;"
	 "INSERT INTO catalog_tables (id, name, owner_id, created_at) "
	 "VALUES (1, 'other', 1, '2099-01-01 00:00:00')",
		"", "1\n", 2},
};

START_TEST(what_happened_without_triggers_is_caught_up_with)
{
	struct db *db = watched(_i % 2);
	int missing;

	drop_triggers(db);
	must_run(db, away_cases[_i / 2].sql);
	missing = ensure(db);
	ck_assert_int_ge(missing, N_TRIGGERS_MIN);
	ck_assert_str_eq(pending(db), away_cases[_i / 2].pending);
	ck_assert_str_eq(must_rows(db, "1:SELECT run_id FROM scheduler_active ORDER BY 1"),
		away_cases[_i / 2].active);
	ck_assert_int_eq(
		must_int(db, "SELECT count(*) FROM scheduler_table_writes WHERE table_id = 1"),
		away_cases[_i / 2].writes);
	ck_assert_int_eq(must_int(db,
				 "SELECT count(*) FROM scheduler_consumed k WHERE NOT EXISTS "
				 "(SELECT 1 FROM flow_schedules s WHERE s.id = k.schedule_id)"),
		0);
	ck_assert_int_eq(ensure(db), 0);
	check_complete(db);
	db_close(db);
}
END_TEST

START_TEST(catching_up_forgets_no_write_of_the_same_second)
{
	struct db *db = watched(_i);

	/* D-14: the run consumed the first write; the second has the same stamp. */
	must_run(db,
		"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = 1;"
		"INSERT INTO flow_runs (id, flow_name, user_id, started_at, run_type, schedule_id) "
		"VALUES (5, 'f', 1, CURRENT_TIMESTAMP, 'scheduled', 1);"
		"UPDATE flow_schedules SET last_trigger_table_updated_at = "
		"(SELECT updated_at FROM catalog_tables WHERE id = 1)");
	must_run(db,
		"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = 1;"
		"UPDATE flow_schedules SET last_trigger_table_updated_at = "
		"(SELECT updated_at FROM catalog_tables WHERE id = 1)");
	ck_assert_str_eq(pending(db), "1|1\n");
	drop_triggers(db);
	ensure(db);
	ck_assert_str_eq(pending(db), "1|1\n");
	db_close(db);
}
END_TEST

START_TEST(a_single_missing_trigger_is_noticed_wherever_it_went)
{
	struct db *db = watched(0);

	must_run(db, "DROP TRIGGER scheduler_run_added");
	ck_assert_int_eq(ensure(db), 1);
	/* It went with a renamed table. */
	must_run(db,
		"ALTER TABLE users RENAME TO users_old; CREATE TABLE users AS SELECT * FROM "
		"users_old");
	ck_assert_int_eq(ensure(db), 3);
	must_run(db, "UPDATE users SET disabled = 1");
	ck_assert_str_eq(
		must_rows(db, "1:SELECT kind FROM scheduler_changes ORDER BY seq DESC LIMIT 1"),
		"u\n");
	db_close(db);
}
END_TEST

START_TEST(a_disabled_trigger_is_a_missing_one)
{
	struct db *db = watched(1);
	int64_t before, after;

	ck_ok(db_schema_version(db, &before, e));
	must_run(db, "ALTER TABLE users DISABLE TRIGGER scheduler_user_changed");
	ck_ok(db_schema_version(db, &after, e));
	ck_assert_int_eq(after, before - 1);
	ck_assert_int_eq(ensure(db), 1);
	ck_ok(db_schema_version(db, &after, e));
	ck_assert_int_eq(after, before);
	db_close(db);
}
END_TEST

START_TEST(triggers_are_not_made_onto_missing_tables_of_ours)
{
	struct db *db = watched(0);

	drop_triggers(db);
	must_run(db, "DROP TABLE scheduler_active");
	ck_fails(schema_ensure_triggers(db, e), ERR_FAILED, "table scheduler_active is missing");
	/* Flowfile's writes go on. */
	must_run(db, "UPDATE flow_runs SET ended_at = CURRENT_TIMESTAMP");
	db_close(db);
}
END_TEST

START_TEST(triggers_can_be_ensured_inside_a_transaction)
{
	struct db *db = watched(_i);

	drop_triggers(db);
	ck_ok(db_begin(db, e));
	ck_assert_int_ge(ensure(db), N_TRIGGERS_MIN);
	ck_assert(db_in_transaction(db));
	db_rollback(db);
	ck_assert_int_ge(ensure(db), N_TRIGGERS_MIN);
	check_complete(db);
	db_close(db);
}
END_TEST

/* On SQLite, and on PostgreSQL when there is one. */
static void
add_both(TCase *tc, const TTest *test)
{
	tcase_add_loop_test(tc, test, 0, cluster != NULL ? 2 : 1);
}

static void
add_both_each(TCase *tc, const TTest *test, size_t n)
{
	for (int i = 0; i < 2 * (int)n; i += cluster != NULL ? 1 : 2)
		tcase_add_loop_test(tc, test, i, i + 1);
}

static TCase *
new_case(void)
{
	TCase *tc = tcase_create("new catalogs");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_new_catalog_has_flowfiles_tables_to_the_letter);
	tcase_add_test(tc, a_new_catalog_starts_with_flowfiles_rows);
	if (cluster != NULL)
		tcase_add_test(tc, postgres_starts_with_the_same_rows_and_columns);
	tcase_add_test(tc, nobody_knows_the_password_of_a_new_catalogs_user);
	add_both(tc, preparing_again_changes_nothing);
	add_both(tc, a_prepared_catalog_is_prepared_while_another_writes);
	add_both(tc, several_that_start_at_once_make_one_catalog);
	add_both(tc, every_statement_can_be_prepared);
	add_both(tc, a_crash_at_any_step_is_made_good_by_the_next_start);
	return tc;
}

static TCase *
flowfile_case(void)
{
	TCase *tc = tcase_create("Flowfile's catalog");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, moving_in_leaves_flowfiles_part_as_it_is);
	tcase_add_test(tc, armed_and_quiet_schedules_stay_quiet_until_the_next_write);
	tcase_add_loop_test(tc, a_schedule_is_armed_by_its_watermark_as_an_instant, 0,
		(int)ARRAY_LEN(watermark_cases));
	tcase_add_test(tc, each_table_of_a_set_is_armed_by_itself);
	tcase_add_test(tc, a_schedule_of_a_missing_table_waits_for_it);
	tcase_add_loop_test(tc, a_catalog_we_cannot_work_with_is_refused_and_left_alone, 0,
		(int)ARRAY_LEN(refusals));
	tcase_add_test(tc, another_programs_database_is_refused);
	tcase_add_loop_test(tc, an_older_revision_is_known_as_such, 0, 2);
	tcase_add_loop_test(tc, a_newer_revision_with_all_we_need_is_taken_with_a_warning, 0, 2);
	return tc;
}

static TCase *
ours_case(void)
{
	TCase *tc = tcase_create("ours");

	tcase_set_timeout(tc, 60);
	add_both(tc, tables_of_a_newer_program_are_refused);
	add_both_each(
		tc, older_triggers_are_replaced_and_newer_ones_kept, ARRAY_LEN(trigger_versions));
	add_both(tc, removing_ours_leaves_flowfiles);
	add_both_each(tc, what_happened_without_triggers_is_caught_up_with, ARRAY_LEN(away_cases));
	add_both(tc, catching_up_forgets_no_write_of_the_same_second);
	tcase_add_test(tc, a_single_missing_trigger_is_noticed_wherever_it_went);
	if (cluster != NULL)
		tcase_add_test(tc, a_disabled_trigger_is_a_missing_one);
	tcase_add_test(tc, triggers_are_not_made_onto_missing_tables_of_ours);
	add_both(tc, triggers_can_be_ensured_inside_a_transaction);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("schema");
	SRunner *runner;
	int failed;

	tmp_init();
	cluster = store_test_cluster();
	suite_add_tcase(suite, new_case());
	suite_add_tcase(suite, flowfile_case());
	suite_add_tcase(suite, ours_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	pg_cluster_free(cluster);
	return failed > 0;
}
