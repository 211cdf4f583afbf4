/* The query engine: statements, rows, errors, what is sealed, interruption. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "engine_test.h"

static struct duck *d;
static struct arena a;

static void
set_up(void)
{
	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
}

static void
tear_down(void)
{
	duck_close(d);
	arena_free(&a);
}

START_TEST(rows_come_with_their_types)
{
	struct err err = ERR_INIT;
	struct duck_rows *rows;
	size_t len;

	ck_assert_int_eq(duck_query(d,
				 "SELECT true AS b, 7::TINYINT AS i, 1.5::DOUBLE AS f, 'a text of "
				 "more than twelve bytes' AS t, "
				 "NULL::INTEGER AS n, DATE '2026-02-03' AS day, "
				 "12345678901234567890::HUGEINT AS h, [1, 2] AS l",
				 &rows, &err),
		0);
	ck_assert(duck_rows_next(rows));
	ck_assert_int_eq(duck_cell(rows, 0), CELL_BOOL);
	ck_assert(duck_bool(rows, 0));
	ck_assert_int_eq(duck_int(rows, 1), 7);
	ck_assert(duck_double(rows, 2) > 1.49 && duck_double(rows, 2) < 1.51);
	ck_assert_str_eq(duck_text_copy(rows, 3, &a), "a text of more than twelve bytes");
	ck_assert_int_eq(duck_cell(rows, 4), CELL_NULL);
	ck_assert_str_eq(duck_text_copy(rows, 5, &a), "2026-02-03");
	ck_assert_str_eq(duck_text_copy(rows, 6, &a), "12345678901234567890");
	ck_assert_mem_eq(duck_text(rows, 7, &len), "[1, 2]", 6);
	ck_assert_uint_eq(len, 6);
	ck_assert_str_eq(duck_rows_columns(rows)->items[5].type, "DATE");
	ck_assert_str_eq(duck_rows_columns(rows)->items[6].name, "h");
	ck_assert(!duck_rows_next(rows));
	duck_rows_free(rows);
}
END_TEST

START_TEST(rows_of_several_chunks_keep_their_order)
{
	struct err err = ERR_INIT;
	struct duck_rows *rows;
	int64_t n = 0;

	ck_assert_int_eq(
		duck_query(d, "SELECT i, 'x' AS x FROM range(10000) t(i) ORDER BY i", &rows, &err),
		0);
	while (duck_rows_next(rows)) {
		ck_assert_int_eq(duck_int(rows, 0), n);
		n++;
	}
	ck_assert_int_eq(n, 10000);
	duck_rows_free(rows);
}
END_TEST

START_TEST(an_error_is_one_line_of_the_engines_own)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(duck_exec(d, "SELECT nothing FROM nowhere", NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "nowhere"));
	ck_assert_ptr_null(strchr(err.text, '\n'));
	err_clear(&err);
	ck_assert_int_eq(duck_exec(d, "SELECT 1", NULL, &err), 0);
	/* What is too long for an error is cut. */
	ck_assert_int_eq(duck_exec(d, "SELECT CAST(repeat('x', 1000) AS INT)", NULL, &err), -1);
	ck_assert_msg(strstr(err.text, "xxxxx") != NULL, "%s", err.text);
}
END_TEST

START_TEST(rows_are_appended_to_a_table)
{
	struct duck_appender *appender;
	struct err err = ERR_INIT;
	struct duck_rows *rows;

	ck_assert_int_eq(duck_exec(d, "CREATE TEMP TABLE t (id BIGINT, x DOUBLE)", NULL, &err), 0);
	ck_assert_msg(duck_append_begin(d, "t", &appender, &err) == 0, "%s", err.text);
	for (int64_t i = 0; i < 5000; i++) {
		duck_append_int(appender, INT64_MAX - i);
		duck_append_double(appender, 0.5);
		duck_append_row(appender);
	}
	ck_assert_msg(duck_append_end(appender, &err) == 0, "%s", err.text);
	ck_assert_int_eq(duck_query(d, "SELECT min(id), sum(x) FROM t", &rows, &err), 0);
	ck_assert(duck_rows_next(rows));
	ck_assert_int_eq(duck_int(rows, 0), INT64_MAX - 4999);
	ck_assert_int_eq((int)duck_double(rows, 1), 2500);
	duck_rows_free(rows);
}
END_TEST

START_TEST(rows_that_cannot_be_appended_are_said)
{
	struct duck_appender *appender;
	struct err err = ERR_INIT;

	ck_assert_int_eq(duck_append_begin(d, "nowhere", &appender, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "nowhere"));
	ck_assert_int_eq(duck_exec(d, "CREATE TEMP TABLE t (id BIGINT, x DOUBLE)", NULL, &err), 0);
	ck_assert_int_eq(duck_append_begin(d, "t", &appender, &err), 0);
	duck_append_int(appender, 1);
	duck_append_row(appender);
	ck_assert_int_eq(duck_append_end(appender, &err), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(columns_are_described_without_running)
{
	struct err err = ERR_INIT;
	struct columns columns;

	ck_assert_int_eq(
		duck_describe(d, "SELECT 1 AS a, error('it ran') AS b", &a, &columns, &err), 0);
	ck_assert_uint_eq(columns.n, 2);
	ck_assert_str_eq(columns.items[0].type, "INTEGER");
}
END_TEST

START_TEST(a_sealed_database_reads_only_its_places)
{
	char dir[] = "/tmp/test_duck.XXXXXX", other[] = "/tmp/test_duck.XXXXXX", sql[256], file[64];
	const char *dirs[] = {dir}, *alone[] = {file};
	const struct duck_places folders = {dirs, 1}, files = {alone, 1};
	struct err err = ERR_INIT;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sql, sizeof(sql), "COPY (SELECT 1 AS a) TO '%s/a.csv'", dir);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), 0);
	ck_assert_ptr_nonnull(mkdtemp(other));
	snprintf(file, sizeof(file), "%s/b.csv", other);
	snprintf(sql, sizeof(sql), "COPY (SELECT 1 AS a) TO '%s'", file);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), 0);
	snprintf(sql, sizeof(sql), "COPY (SELECT 1 AS a) TO '%s/c.csv'", other);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), 0);
	ck_assert_int_eq(duck_seal(d, &folders, &files, &err), 0);
	snprintf(sql, sizeof(sql), "SELECT * FROM read_csv('%s')", file);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), 0);
	/* The one beside it is another's. */
	snprintf(sql, sizeof(sql), "SELECT * FROM read_csv('%s/c.csv')", other);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), -1);
	snprintf(sql, sizeof(sql), "%s/c.csv", other);
	unlink(sql);
	unlink(file);
	rmdir(other);
	snprintf(sql, sizeof(sql), "SELECT * FROM read_csv('%s/a.csv')", dir);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), 0);
	ck_assert_int_eq(duck_exec(d, "SELECT * FROM read_text('/etc/passwd')", NULL, &err), -1);
	ck_assert_int_eq(duck_exec(d, "COPY (SELECT 1) TO '/tmp/test_duck.out'", NULL, &err), -1);
	ck_assert_int_eq(duck_exec(d, "ATTACH '/tmp/test_duck.db'", NULL, &err), -1);
	ck_assert_int_eq(duck_exec(d, "SET enable_external_access = true", NULL, &err), -1);
	snprintf(sql, sizeof(sql), "SELECT * FROM read_text('%s/../../etc/passwd')", dir);
	ck_assert_int_eq(duck_exec(d, sql, NULL, &err), -1);
	snprintf(sql, sizeof(sql), "%s/a.csv", dir);
	unlink(sql);
	rmdir(dir);
}
END_TEST

static void *
interrupt(void *arg)
{
	double seen = -1;

	while (seen < 0) /* until the statement runs */
		seen = duck_progress(arg);
	duck_interrupt(arg);
	return NULL;
}

START_TEST(an_interrupted_statement_ends_and_none_begins)
{
	struct err err = ERR_INIT;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, d), 0);
	ck_assert_int_eq(duck_exec(d,
				 "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE "
				 "a.range + b.range = -1",
				 NULL, &err),
		-1);
	pthread_join(thread, NULL);
	ck_assert_str_eq(err.text, "interrupted");
	ck_assert_int_eq(duck_exec(d, "SELECT 1", NULL, &err), -1);
	ck_assert(duck_interrupted(d));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("duck");
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, rows_come_with_their_types);
	tcase_add_test(tc, rows_of_several_chunks_keep_their_order);
	tcase_add_test(tc, an_error_is_one_line_of_the_engines_own);
	tcase_add_test(tc, rows_are_appended_to_a_table);
	tcase_add_test(tc, rows_that_cannot_be_appended_are_said);
	tcase_add_test(tc, columns_are_described_without_running);
	tcase_add_test(tc, a_sealed_database_reads_only_its_places);
	tcase_add_test(tc, an_interrupted_statement_ends_and_none_begins);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
