/* Edits of Delta tables by keys, and columns that number their rows. */
#include "delta_test.h"

static struct delta_written written;

static void
append(const char *sql)
{
	struct err err = ERR_INIT;

	ck_assert_msg(delta_append(d, table, sql, NULL, &written, &err) == 0, "%s", err.text);
}

static int
try_edit(const char *upserts, const char *deletes, const int64_t *expected, struct err *err)
{
	static const char *const key = "id";
	const struct delta_edit edit = {{&key, 1}, upserts, deletes};

	return delta_edit(d, table, &edit, expected, &written, err);
}

static void
edit(const char *upserts, const char *deletes)
{
	struct err err = ERR_INIT;

	ck_assert_msg(try_edit(upserts, deletes, NULL, &err) == 0, "%s", err.text);
}

static void
check_counts(int64_t inserted, int64_t updated, int64_t deleted)
{
	ck_assert_int_eq(written.rows_inserted, inserted);
	ck_assert_int_eq(written.rows_updated, updated);
	ck_assert_int_eq(written.rows_deleted, deleted);
}

#define NO_ROWS "SELECT 0 AS id WHERE false"

START_TEST(an_edit_is_one_commit)
{
	append("SELECT range AS id, 'v' || range AS v, 1 AS n FROM range(4)");
	append("SELECT range AS id, 'v' || range AS v, 1 AS n FROM range(4, 6)");
	edit("SELECT 1 AS id, 'one' AS v, DATE '2024-01-02' AS day UNION ALL SELECT 9, 'nine', "
	     "NULL",
		"SELECT 2 AS id UNION ALL SELECT 77 UNION ALL SELECT 2");
	check_counts(1, 1, 1);
	ck_assert_int_eq(written.version, 2);
	ck_assert_int_eq(written.files_removed, 1);
	ck_assert_str_eq(table_rows(),
		"0|v0|1|NULL\n1|one|1|2024-01-02\n3|v3|1|NULL\n4|v4|1|NULL\n5|v5|1|NULL\n"
		"9|nine|NULL|NULL");
	ck_assert_str_eq(rows_at(1, "count(*)", ""), "6");
	edit(NO_ROWS, "SELECT range AS id FROM range(100)");
	check_counts(0, 0, 6);
	ck_assert_str_eq(table_rows(), "");
}
END_TEST

START_TEST(an_edit_that_changes_nothing_is_none)
{
	append("SELECT 1 AS id, 'a' AS v, NULL::DOUBLE AS x UNION ALL SELECT 2, 'b', "
	       "'nan'::DOUBLE");
	edit("SELECT 1 AS id, 'a' AS v, NULL::DOUBLE AS x UNION ALL SELECT 2, 'b', 'nan'::DOUBLE",
		"SELECT 77 AS id");
	ck_assert(!written.committed);
	edit("SELECT 2 AS id", NO_ROWS);
	ck_assert(!written.committed);
	/* Beside one that changes something, what is the same is not counted. */
	edit("SELECT 1 AS id, 'a' AS v UNION ALL SELECT 2, 'c'", NO_ROWS);
	check_counts(0, 1, 0);
	ck_assert_str_eq(table_rows(), "1|a|NULL\n2|c|nan");
	edit("SELECT 1 AS id, NULL::VARCHAR AS v", NO_ROWS);
	check_counts(0, 1, 0);
	/* A column that comes is a change, though it has no values. */
	edit("SELECT 0 AS id, NULL::VARCHAR AS more WHERE false", NO_ROWS);
	ck_assert(written.committed);
	ck_assert_str_eq(table_rows(), "1|NULL|NULL|NULL\n2|c|nan|NULL");
}
END_TEST

START_TEST(an_edit_says_one_thing_of_a_key)
{
	static const struct {
		const char *upserts, *deletes;
	} cases[] = {
		{"SELECT 1 AS id, 'x' AS v UNION ALL SELECT 1, 'y'", NO_ROWS},
		{"SELECT 9 AS id, 'x' AS v UNION ALL SELECT 9, 'x'", NO_ROWS},
		{"SELECT 1 AS id, 'x' AS v", "SELECT 1 AS id"},
	};
	struct err err = ERR_INIT;

	append("SELECT 1 AS id, 'a' AS v");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err_clear(&err);
		ck_assert_int_eq(try_edit(cases[i].upserts, cases[i].deletes, NULL, &err), -1);
		ck_assert_int_eq(err.code, ERR_USAGE);
		ck_assert_ptr_nonnull(strstr(err.text, "two things of one key (id = "));
	}
	ck_assert_str_eq(table_rows(), "1|a");
	ck_assert_int_eq(open_at(DELTA_LATEST).version, 0);
	ck_assert_int_eq(count_files("", ".write-"), 0);
}
END_TEST

START_TEST(an_edit_of_another_version_is_refused)
{
	const int64_t first = 0, second = 1;
	struct err err = ERR_INIT;

	append("SELECT 1 AS id, 'a' AS v");
	append("SELECT 2 AS id, 'b' AS v");
	ck_assert_int_eq(try_edit("SELECT 1 AS id, 'x' AS v", NO_ROWS, &first, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_int_eq(delta_number_rows(d, table, "n", &first, &written, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_str_eq(table_rows(), "1|a\n2|b");
	err_clear(&err);
	ck_assert_int_eq(try_edit("SELECT 1 AS id, 'x' AS v", NO_ROWS, &second, &err), 0);
	ck_assert_str_eq(table_rows(), "1|x\n2|b");
}
END_TEST

START_TEST(rows_are_numbered_in_their_order)
{
	struct delta_write_options options = {.partition_columns = {
						      (const char *const[]){"p"},
						      1,
					      }};
	struct err err = ERR_INIT;

	append("SELECT 'v' || range AS v FROM range(3)");
	append("SELECT 'w' AS v");
	ck_assert_int_eq(delta_number_rows(d, table, "record_id", NULL, &written, &err), 0);
	ck_assert_int_eq(written.rows_updated, 4);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "*", ""), "1|v0\n2|v1\n3|v2\n4|w");
	ck_assert_int_eq(delta_number_rows(d, table, "RECORD_ID", NULL, &written, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	err_clear(&err);
	ck_assert_int_eq(
		delta_overwrite(d, table, "SELECT range AS v, range % 2 AS p FROM range(4)",
			&options, &written, &err),
		0);
	ck_assert_int_eq(delta_number_rows(d, table, "n", NULL, &written, &err), 0);
	ck_assert_int_eq((int)open_at(DELTA_LATEST).partition_columns.n, 1);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "count(DISTINCT n), max(n), count(*)", ""), "4|4|4");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("delta_edit");
	TCase *tc = tcase_create("editing");

	tcase_add_checked_fixture(tc, delta_test_set_up, delta_test_tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, an_edit_is_one_commit);
	tcase_add_test(tc, an_edit_that_changes_nothing_is_none);
	tcase_add_test(tc, an_edit_says_one_thing_of_a_key);
	tcase_add_test(tc, an_edit_of_another_version_is_refused);
	tcase_add_test(tc, rows_are_numbered_in_their_order);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
