/* What virtual tables are computed from, and that writes to it are passed on, on both databases. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/log.h"
#include "flow/lineage.h"
#include "pg_cluster.h"
#include "skip.h"
#include "store/schema.h"
#include "store/sources.h"
#include "store_util.h"

static struct pg_cluster *cluster; /* NULL: only SQLite is tested */
static struct lineage *lineage;
static struct db *db;

/* Tables 1 a, 2 b, 3 c of General.default, where we lead. Loop tests run with 0 SQLite, 1 PostgreSQL. */
static void
open_catalog(int postgres)
{
	log_set_level(LOG_ERROR_LEVEL);
	db = catalog_make(postgres ? pg_cluster_url(cluster) : NULL, NULL);
	lineage = lineage_create();
	must_run(db,
		"INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at) "
		"VALUES (1, 'me', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP);"
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, table_type, "
		"created_at, updated_at)"
		" VALUES (1, 'a', 2, 1, 'physical', '2026-05-20 08:00:00', '2026-05-20 08:00:00'),"
		" (2, 'b', 2, 1, 'physical', '2026-05-20 08:00:00', '2026-05-20 08:00:00'),"
		" (3, 'c', 2, 1, 'physical', '2026-05-20 08:00:00', '2026-05-20 08:00:00')");
}

static void
close_catalog(void)
{
	lineage_free(lineage);
	db_close(db);
}

static void
add_query(int id, const char *name, const char *sql)
{
	char text[600];

	snprintf(text, sizeof(text),
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, table_type, "
		"sql_query, created_at, updated_at) VALUES (%d, '%s', 2, 1, 'virtual', '%s', "
		"CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
		id, name, sql);
	must_run(db, text);
}

static void
write_table(int id)
{
	char sql[120];

	snprintf(sql, sizeof(sql),
		"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = %d", id);
	must_run(db, sql);
}

static int64_t
writes(int id)
{
	char sql[100];

	snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM scheduler_table_writes WHERE table_id = %d", id);
	return must_int(db, sql);
}

static int
refresh(void)
{
	struct err err = ERR_INIT;
	int r = lineage_refresh(lineage, db, "me", &err);

	ck_assert_msg(r >= 0, "%s", err.text);
	return r;
}

/* Whether something was. */
static bool
pass_on(void)
{
	struct err err = ERR_INIT;
	int r = sources_pending(db, &err);

	ck_assert_msg(r >= 0, "%s", err.text);
	if (r == 0)
		return false;
	ck_assert_int_eq(db_begin(db, &err), 0);
	ck_assert_msg(sources_pass_on(db, &err) == 0, "%s", err.text);
	ck_assert_int_eq(db_commit(db, &err), 0);
	ck_assert_int_eq(sources_pending(db, &err), 0);
	return true;
}

/* "table|source". */
#define SOURCES                                                                                    \
	"2:SELECT table_id, source_id FROM scheduler_sources WHERE table_id > 0 ORDER BY 1, 2"

START_TEST(queries_are_computed_from_what_they_name)
{
	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM a WHERE k IN (SELECT k FROM General.\"default\".b)");
	add_query(11, "w", "SELECT * FROM \"default\".v JOIN c USING (k)");
	add_query(12, "x", "WITH q AS (SELECT 1) SELECT * FROM q, nothing");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n10|2\n11|1\n11|2\n11|3\n11|10\n");
	ck_assert_int_eq(refresh(), 0);
	must_run(db, "UPDATE catalog_tables SET sql_query = 'SELECT 1 FROM b' WHERE id = 10");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|2\n11|2\n11|3\n11|10\n");
	must_run(db, "DELETE FROM catalog_tables WHERE id = 10");
	ck_assert_str_eq(must_rows(db, SOURCES), "11|2\n11|3\n");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "11|3\n");
	close_catalog();
}
END_TEST

START_TEST(a_loop_does_no_harm)
{
	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM w, a");
	add_query(11, "w", "SELECT * FROM v, w");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n10|11\n11|1\n11|10\n");
	write_table(1);
	ck_assert(pass_on());
	ck_assert(!pass_on());
	/* One in the loop is made another: it does not hear of itself. */
	write_table(10);
	ck_assert(pass_on());
	ck_assert(!pass_on());
	ck_assert_int_eq(writes(10), 3);
	ck_assert_int_eq(writes(11), 3);
	close_catalog();
}
END_TEST

START_TEST(a_write_is_passed_on_once_for_each_virtual_table)
{
	open_catalog(_i);
	/* Two ways from a to x. */
	add_query(10, "v", "SELECT * FROM a");
	add_query(11, "w", "SELECT * FROM a");
	add_query(12, "x", "SELECT * FROM v, w");
	refresh();
	ck_assert(!pass_on());
	write_table(1);
	ck_assert(pass_on());
	ck_assert_int_eq(writes(10), 2);
	ck_assert_int_eq(writes(11), 2);
	ck_assert_int_eq(writes(12), 2);
	ck_assert_int_eq(writes(1), 2);
	ck_assert(!pass_on());
	ck_assert_int_eq(must_int(db, "SELECT last_seq FROM scheduler_tables WHERE table_id = 12"),
		must_int(db, "SELECT max(seq) FROM scheduler_table_writes WHERE table_id = 12"));
	write_table(2);
	ck_assert(!pass_on());
	/* A virtual table that becomes another is one of its readers' sources. */
	write_table(10);
	ck_assert(pass_on());
	ck_assert_int_eq(writes(12), 3);
	ck_assert_int_eq(writes(11), 2);
	close_catalog();
}
END_TEST

START_TEST(the_run_that_wrote_is_passed_on)
{
	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM a");
	refresh();
	must_run(db,
		"UPDATE catalog_tables SET source_run_id = 7, updated_at = CURRENT_TIMESTAMP "
		"WHERE id = 1");
	ck_assert(pass_on());
	ck_assert_int_eq(must_int(db,
				 "SELECT run_id FROM scheduler_table_writes WHERE table_id = 10 "
				 "ORDER BY seq DESC LIMIT 1"),
		7);
	close_catalog();
}
END_TEST

START_TEST(only_what_was_written_since_the_definition_counts)
{
	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM a");
	/* The first look ever: what was before is before. */
	write_table(1);
	ck_assert_int_eq(refresh(), 1);
	ck_assert(!pass_on());
	add_query(11, "w", "SELECT * FROM a");
	ck_assert_int_eq(refresh(), 1);
	ck_assert(!pass_on());
	/* Written between the definition and the look, whatever the clock says. */
	add_query(12, "x", "SELECT * FROM b");
	must_run(db,
		"UPDATE scheduler_tables SET last_write_at = '2099-01-01 00:00:00' WHERE table_id "
		"= 12");
	write_table(2);
	ck_assert_int_eq(refresh(), 1);
	ck_assert(pass_on());
	ck_assert_int_eq(writes(12), 2);
	ck_assert_int_eq(writes(11), 1);
	close_catalog();
}
END_TEST

START_TEST(an_id_that_comes_again_inherits_nothing)
{
	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM a");
	refresh();
	must_run(db, "DELETE FROM catalog_tables WHERE id = 1");
	ck_assert_str_eq(must_rows(db, SOURCES), "");
	must_run(db,
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, created_at, "
		"updated_at) "
		"VALUES (1, 'other', 2, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)");
	refresh();
	write_table(1);
	ck_assert(!pass_on());
	close_catalog();
}
END_TEST

START_TEST(who_does_not_lead_stores_nothing)
{
	struct err err = ERR_INIT;

	open_catalog(_i);
	add_query(10, "v", "SELECT * FROM a");
	ck_assert_int_lt(lineage_refresh(lineage, db, "another", &err), 0);
	ck_assert_int_eq(err.code, ERR_FENCED);
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM scheduler_sources"), 0);
	close_catalog();
}
END_TEST

/* --- tables that flows make --- */

static void
write_flow(const char *path, const char *more, const char *source)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f,
		"flowfile_version: 0.16.0\nflowfile_id: 1\nflowfile_name: t\n"
		"flowfile_settings: {}\nnodes:\n"
		"- {id: 1, type: catalog_reader, outputs: [2], setting_input: {%s}}\n"
		"- {id: 2, type: some_node_of_mine, input_ids: [1], outputs: [3], setting_input: "
		"{}}\n"
		"- {id: 3, type: catalog_writer, input_ids: [2], setting_input: "
		"{catalog_write_settings: {table_name: v, write_mode: virtual}}}\n"
		"- {id: 4, type: catalog_reader, outputs: [5], setting_input: "
		"{catalog_table_name: c}}\n"
		"- {id: 5, type: catalog_writer, input_ids: [4], setting_input: "
		"{catalog_write_settings: {table_name: d, write_mode: overwrite}}}\n%s",
		source, more);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(flows_are_computed_from_what_their_writer_reads)
{
	const char *path = tmp_path("flow.yaml");
	char sql[600];

	open_catalog(_i);
	write_flow(path, "", "catalog_table_id: 1, catalog_table_name: gone");
	snprintf(sql, sizeof(sql),
		"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid)"
		" VALUES (1, 'f', '%s', 1, 'uuid-1');"
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, table_type, "
		"producer_registration_id, created_at, updated_at) VALUES (10, 'v', 2, 1, "
		"'virtual', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
		path);
	must_run(db, sql);
	refresh();
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n");
	write_flow(path, "# another size\n",
		"catalog_table_id: 99, catalog_full_table_name: General.default.b");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|2\n");
	write_flow(path, "# and another\n", "sql_query: SELECT * FROM a JOIN c USING (k)");
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n10|3\n");
	/* What was written since the file was, and not before; also for those who read it. */
	add_query(12, "y", "SELECT * FROM v");
	refresh();
	ck_assert(!pass_on());
	write_flow(path, "# before\n", "catalog_table_id: 2");
	write_table(2);
	must_run(db,
		"UPDATE scheduler_tables SET last_write_at = '2026-01-01 00:00:00' WHERE table_id "
		"= 2");
	ck_assert_int_eq(refresh(), 1);
	ck_assert(!pass_on());
	write_flow(path, "# since then\n", "sql_query: SELECT * FROM a JOIN c USING (k)");
	write_table(3);
	must_run(db,
		"UPDATE scheduler_tables SET last_write_at = '2099-01-01 00:00:00' WHERE table_id "
		"= 3");
	ck_assert_int_eq(refresh(), 1);
	ck_assert(pass_on());
	ck_assert_int_eq(writes(10), 2);
	ck_assert_int_eq(writes(12), 2);
	must_run(db, "DELETE FROM catalog_tables WHERE id = 12");
	/* What cannot be read now stays as it was, also for those who read it. */
	add_query(11, "w", "SELECT * FROM v");
	refresh();
	write_flow(path, "and no YAML: [\n", "");
	ck_assert_int_eq(refresh(), 0);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n10|3\n11|1\n11|3\n11|10\n");
	close_catalog();
	remove(path);
}
END_TEST

/* --- flows that run flows --- */

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* The first output reads a; the second what it is given, beside ${more}. */
#define PARTS(more)                                                                                \
	"flowfile_settings: {parameters: [{name: more, default_value: c}]}\nnodes:\n"              \
	"- {id: 1, type: catalog_reader, outputs: [2], setting_input: {catalog_table_name: a}}\n"  \
	"- {id: 2, type: flow_output, input_ids: [1], setting_input: {output_name: x}}\n"          \
	"- {id: 3, type: flow_input, outputs: [5], setting_input: {input_name: in}}\n"             \
	"- {id: 4, type: catalog_reader, outputs: [5], setting_input: {catalog_table_name: " more  \
	"}}\n"                                                                                     \
	"- {id: 5, type: union, input_ids: [3, 4], outputs: [6], setting_input: {}}\n"             \
	"- {id: 6, type: flow_output, input_ids: [5], setting_input: {output_name: y}}\n"
#define WHOLE(handle, bindings)                                                                    \
	"nodes:\n"                                                                                 \
	"- {id: 1, type: catalog_reader, outputs: [2], setting_input: {catalog_table_name: b}}\n"  \
	"- {id: 2, type: run_flow, input_ids: [1], outputs: [3], output_handles: [" handle         \
	"], setting_input: {flow_reference: {registration_id: 2}" bindings "}}\n"                  \
	"- {id: 3, type: catalog_writer, input_ids: [2], setting_input: "                          \
	"{catalog_write_settings: {table_name: v, write_mode: virtual}}}\n"

START_TEST(what_flows_that_are_run_read_counts)
{
	char whole[200], parts[200], sql[900];

	snprintf(whole, sizeof(whole), "%s", tmp_path("whole.yaml"));
	snprintf(parts, sizeof(parts), "%s", tmp_path("parts.yaml"));
	open_catalog(_i);
	write_text(whole, WHOLE("output-0", ""));
	write_text(parts, PARTS("'${more}'"));
	snprintf(sql, sizeof(sql),
		"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid)"
		" VALUES (1, 'f', '%s', 1, 'uuid-1');"
		"INSERT INTO catalog_tables (id, name, namespace_id, owner_id, table_type, "
		"producer_registration_id, created_at, updated_at) VALUES (10, 'v', 2, 1, "
		"'virtual', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
		whole);
	must_run(db, sql);
	refresh();
	ck_assert_str_eq(must_rows(db, SOURCES), ""); /* the flow is not known yet */
	snprintf(sql, sizeof(sql),
		"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid)"
		" VALUES (2, 'g', '%s', 1, 'uuid-2')",
		parts);
	must_run(db, sql);
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n");
	write_text(whole, WHOLE("output-1", ""));
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|2\n10|3\n");
	write_table(3);
	ck_assert(pass_on());
	ck_assert_int_eq(writes(10), 2);
	write_text(whole, WHOLE("output-1", ", parameter_bindings: {more: a}"));
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|1\n10|2\n");
	/* The file of the flow that is run is looked at, too. */
	write_text(parts, PARTS("b, else: none"));
	ck_assert_int_eq(refresh(), 1);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|2\n");
	write_text(parts, "none: [\n");
	ck_assert_int_eq(refresh(), 0);
	ck_assert_str_eq(must_rows(db, SOURCES), "10|2\n");
	close_catalog();
	remove(whole);
	remove(parts);
}
END_TEST

/* --- names in queries --- */

static const struct {
	const char *sql, *names;
} queries[] = {
	{"SELECT 1", ""},
	{"select * from a", "a "},
	{"SELECT * FROM a, b.c x, \"D e\".f AS y JOIN g ON a.x = f(y, z), h", "a b.c D e.f g h "},
	{"SELECT x, y FROM a WHERE x = 'FROM b' AND y IN (1, 2) -- FROM c", "a "},
	{"SELECT /* FROM b */ * FROM (SELECT q, r FROM a) AS t, c", "a c "},
	{"SELECT * FROM ((a JOIN b USING (k)))", "a b "},
	{"SELECT * FROM (FROM a)", "a "},
	{"FROM a SELECT x, y", "a "},
	{"SELECT (SELECT max(x) FROM a), z FROM b UNION SELECT p, q FROM c ORDER BY p, q",
		"a b c "},
	{"WITH t AS (SELECT * FROM a), u AS (SELECT 1, 2) SELECT * FROM t", "a t "},
	{"SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x) ON true", "a b "},
	{"SELECT * FROM a . b . c", "a.b.c "},
	{"SELECT * FROM \"x\"\"y\"", "x\"y "},
	{"SELECT * FROM (VALUES (1, 2)), a", "a "},
	{"SELECT * FROM", ""},
	{"SELECT ((((((", ""},
	{"SELECT * FROM a.", "a "},
	{"SELECT '", ""},
	{"SELECT $$it's$$, $q$ $$ ' $q$ FROM a", "a "},
	{"SELECT E'it\\'s' FROM a", "a "},
	{"SELECT 1 /* a /* b */ ' */ FROM a", "a "},
	{"SELECT 1 /* /* */ FROM a", ""},
	{"SELECT x\u00a0FROM\u2003a,\u00a0b", "a b "},
	{"SELECT * FROM x : a, 'y' : b JOIN z : (SELECT 1) ON true", "a b "},
	{"SELECT * FROM 'a', b.'c', $$it's$$, E'it\\'s'", "a b.c it's it's "},
	{"SELECT 1FROM a", "a "},
	{"SELECT * FROM a JOIN b ON a.limit = b.x, c", "a b c "},
	{"SELECT * FROM VALUES (1, 2) AS v, a", "VALUES a "},
};

START_TEST(tables_are_found_without_a_parser)
{
	struct arena a = ARENA_INIT;
	const char *names = "";

	for (const char **name = lineage_query_names(queries[_i].sql, &a); *name != NULL; name++)
		names = arena_printf(&a, "%s%s ", names, *name);
	ck_assert_str_eq(names, queries[_i].names);
	arena_free(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lineage");
	TCase *tc = tcase_create("databases"), *words = tcase_create("queries");
	SRunner *sr;
	int n, failed;

	tmp_init();
	cluster = store_test_cluster();
	n = cluster ? 2 : 1;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, queries_are_computed_from_what_they_name, 0, n);
	tcase_add_loop_test(tc, a_loop_does_no_harm, 0, n);
	tcase_add_loop_test(tc, a_write_is_passed_on_once_for_each_virtual_table, 0, n);
	tcase_add_loop_test(tc, the_run_that_wrote_is_passed_on, 0, n);
	tcase_add_loop_test(tc, only_what_was_written_since_the_definition_counts, 0, n);
	tcase_add_loop_test(tc, an_id_that_comes_again_inherits_nothing, 0, n);
	tcase_add_loop_test(tc, who_does_not_lead_stores_nothing, 0, n);
	tcase_add_loop_test(tc, flows_are_computed_from_what_their_writer_reads, 0, n);
	tcase_add_loop_test(tc, what_flows_that_are_run_read_counts, 0, n);
	suite_add_tcase(s, tc);
	tcase_add_loop_test(words, tables_are_found_without_a_parser, 0,
		(int)(sizeof(queries) / sizeof(queries[0])));
	suite_add_tcase(s, words);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	pg_cluster_free(cluster);
	return failed != 0;
}
