/* Tables that keep their history: what is written is what can be read as of any time. */
#include "catalog_test.h"
#include "flow/delta.h"

static int64_t now_us;

static int64_t
wall(void *arg)
{
	(void)arg;
	return now_us;
}

static struct boottime
boot(void *arg)
{
	(void)arg;
	return (struct boottime){now_us};
}

static const struct clock our_clock = {wall, boot, NULL};

/* Day D of May 2026, at noon. */
static void
on_day(int day)
{
	now_us = INT64_C(1777636800) * US_PER_SEC + (day - 1) * US_PER_DAY; /* 2026-05-01 12:00 */
}

static void
set_up_history(void)
{
	set_up();
	cat.clock = &our_clock;
	on_day(1);
}

#define HISTORY "table_name: t, write_mode: scd2, merge_keys: [k]"
#define ALL                                                                                        \
	"concat_ws('|', k, coalesce(v, 'NULL'), surrogate_key, strftime(valid_from, '%d'), "       \
	"coalesce(strftime(valid_to, '%d'), '-'), is_current)"
#define T "catalog_table_name: t"

#define history(settings, what, wanted)                                                            \
	do {                                                                                       \
		const char *got_ = select_rows(settings, what);                                    \
		ck_assert_msg(got_ != NULL, "%s", err.text);                                       \
		ck_assert_str_eq(got_, wanted);                                                    \
	} while (0)

START_TEST(changed_rows_are_closed_and_added_again)
{
	struct table_info first, second;

	ok(write_rows("[1, 2]", "[a, b]", HISTORY));
	first = table_of("t");
	ck_assert_str_eq(first.scd2_config,
		"{\"business_keys\":[\"k\"],\"surrogate_key_column\":\"surrogate_key\","
		"\"valid_from_column\":\"valid_from\",\"valid_to_column\":\"valid_to\","
		"\"is_current_column\":\"is_current\",\"compare_columns\":[],"
		"\"full_snapshot\":false}");
	ck_assert_int_eq(first.row_count, 2);
	ck_assert_int_eq(first.column_count, 6);
	on_day(2);
	ok(write_rows("[2, 3, 1]", "[B, c, a]", HISTORY));
	second = table_of("t");
	ck_assert_int_gt(second.updated_us, first.updated_us);
	ck_assert_int_eq(second.row_count, 4);
	ck_assert_str_eq(second.scd2_config, first.scd2_config);
	history(T, ALL, "1|a|1|01|-|true;2|B|3|02|-|true;2|b|2|01|02|false;3|c|4|02|-|true");
	/* In one version. */
	history(T ", delta_version: 1", ALL,
		"1|a|1|01|-|true;2|B|3|02|-|true;2|b|2|01|02|false;3|c|4|02|-|true");
	reads(T ", scd2_view: current", "1|a;2|B;3|c");
	reads(T ", scd2_view: as_of, scd2_as_of: '2026-05-01 13:00:00'", "1|a;2|b");
	reads(T ", scd2_view: as_of, scd2_as_of: '2026-05-02 12:00:00'", "1|a;2|B;3|c");
	reads(T ", scd2_view: as_of, scd2_as_of: '2026-04-30 12:00:00'", "");
}
END_TEST

START_TEST(what_says_nothing_new_is_no_write)
{
	struct table_info before, after;

	ok(write_rows("[1, 2]", "[a, null]", HISTORY));
	before = table_of("t");
	on_day(2);
	ok(write_rows("[2]", "[null]", HISTORY));
	ok(write_rows("[]", "[]", HISTORY));
	ok(write_rows("[2, 1]", "[null, a]", HISTORY ", scd2: {full_snapshot: true}"));
	after = table_of("t");
	ck_assert_int_eq(after.updated_us, before.updated_us);
	not_read(T ", delta_version: 1", "table t");
	/* NULL is the same as NULL only. */
	ok(write_rows("[2]", "['']", HISTORY));
	history(T, ALL, "1|a|1|01|-|true;2|NULL|2|01|02|false;2||3|02|-|true");
}
END_TEST

START_TEST(keys_that_a_full_snapshot_has_not_are_closed_and_may_come_again)
{
	ok(write_rows("[1, 2, 3]", "[a, b, c]", HISTORY ", scd2: {full_snapshot: true}"));
	on_day(2);
	ok(write_rows("[1, 3]", "[a, C]", HISTORY ", scd2: {full_snapshot: true}"));
	history(T, ALL, "1|a|1|01|-|true;2|b|2|01|02|false;3|C|4|02|-|true;3|c|3|01|02|false");
	on_day(3);
	ok(write_rows("[2]", "[b]", HISTORY));
	history(T " , scd2_view: current", ALL, "1|a|1|01|-|true;2|b|5|03|-|true;3|C|4|02|-|true");
	reads(T ", scd2_view: as_of, scd2_as_of: '2026-05-02 13:00:00'", "1|a;3|C");
	on_day(4);
	ok(write_rows("[]", "[]", HISTORY ", scd2: {full_snapshot: true}"));
	reads(T ", scd2_view: current", "");
	ck_assert_int_eq(table_of("t").row_count, 5);
}
END_TEST

/* Rows of k, v and w. */
static int
write_wide(const char *k, const char *v, const char *w, const char *settings)
{
	return run_file(file(arena_printf(&arena,
				"- {id: 1, type: manual_input, outputs: [2], setting_input: "
				"{raw_data_format: {columns: [{name: k, data_type: Int64}, "
				"{name: v, data_type: String}, {name: w, data_type: Float64}], "
				"data: [%s, %s, %s]}}}\n"
				"- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
				"{catalog_write_settings: {%s}}}\n",
				k, v, w, settings)),
		ID_NONE);
}

#define WIDE "concat_ws('|', k, v, coalesce(w::VARCHAR, 'NULL'), is_current)"

START_TEST(only_columns_that_are_compared_make_a_change)
{
	const char *settings = HISTORY ", scd2: {compare_columns: [v]}";

	ok(write_wide("[1, 2]", "[a, b]", "[1, 2]", settings));
	on_day(2);
	ok(write_wide("[1, 2]", "[a, B]", "[7, 8]", settings));
	history(T, WIDE, "1|a|1.0|true;2|B|8.0|true;2|b|2.0|false");
	ck_assert_ptr_nonnull(strstr(table_of("t").scd2_config, "\"compare_columns\":[\"v\"]"));
	fails(write_rows("[1]", "[a]", HISTORY ", scd2: {compare_columns: [z]}"), ERR_USAGE,
		"scd2: compare_columns: its input has no column z");
	fails(write_rows("[1]", "[a]", HISTORY ", scd2: {compare_columns: [k]}"), ERR_USAGE,
		"scd2: compare_columns: k is a key");
}
END_TEST

START_TEST(columns_may_come_and_stay_away)
{
	ok(write_rows("[1, 2]", "[a, b]", HISTORY));
	on_day(2);
	ok(write_wide("[1, 2]", "[a, b]", "[null, 5]", HISTORY));
	history(T, WIDE, "1|a|NULL|true;2|b|5.0|true;2|b|NULL|false");
	on_day(3);
	ok(write_rows("[2]", "[B]", HISTORY));
	history(T " , scd2_view: current", WIDE, "1|a|NULL|true;2|B|5.0|true");
}
END_TEST

START_TEST(a_clock_that_was_set_back_leaves_the_history_in_order)
{
	on_day(9);
	ok(write_rows("[1]", "[a]", HISTORY));
	on_day(2);
	ok(write_rows("[1]", "[b]", HISTORY));
	ok(write_rows("[1]", "[c]", HISTORY));
	history(T, "concat_ws('|', v, strftime(valid_from, '%d.%f'), valid_to > valid_from)",
		"a|09.000000|true;b|09.000001|true;c|09.000002");
}
END_TEST

static const struct {
	const char *k, *v, *settings;
	enum err_code code;
	const char *error;
} wrong[] = {
	{"[1, null]", "[a, b]", HISTORY, ERR_USAGE, "the key k is NULL in 1 rows"},
	{"[1, 7, 7]", "[a, b, b]", HISTORY, ERR_USAGE, "2 rows have one key (k = 7)"},
	{"[1]", "[a]", "table_name: t, write_mode: scd2, merge_keys: [v]", ERR_CONFLICT,
		"keeps its history by the keys k, and merge_keys are v"},
	{"[1]", "[a]", HISTORY ", scd2: {business_keys: [k, v]}", ERR_USAGE,
		"scd2: business_keys: they are k, v, and merge_keys are k"},
	{"[1]", "[a]", HISTORY ", scd2: {valid_from_column: since}", ERR_CONFLICT,
		"scd2: valid_from_column: the table has valid_from, and the flow says since"},
	{"[1]", "[a]",
		"table_name: n, write_mode: scd2, merge_keys: [k], scd2: "
		"{valid_from_column: V}",
		ERR_USAGE, "its input has the column v, which the table keeps itself"},
	{"[1]", "[a]",
		"table_name: n, write_mode: scd2, merge_keys: [k], scd2: "
		"{valid_from_column: is_current}",
		ERR_USAGE, "valid_from_column and is_current_column are both is_current"},
	{"[1]", "[a]",
		"table_name: n, write_mode: scd2, merge_keys: [k], scd2: "
		"{surrogate_key_column: k}",
		ERR_USAGE, "surrogate_key_column: k is a key"},
	{"[1]", "[a]", "table_name: n, write_mode: scd2, merge_keys: [z]", ERR_USAGE,
		"its input has no column z"},
	{"[1]", "[a]", "table_name: plain, write_mode: scd2, merge_keys: [k]", ERR_CONFLICT,
		"table plain is there already and keeps no history"},
	{"[1]", "[a]", "table_name: t, write_mode: append", ERR_USAGE,
		"only the write modes scd2 and overwrite change it"},
};

START_TEST(what_would_break_the_history_is_refused)
{
	struct table_info before;

	ok(write_rows("[1]", "[x]", "table_name: plain"));
	ok(write_rows("[1, 2]", "[a, b]", HISTORY));
	before = table_of("t");
	on_day(2);
	fails(write_rows(wrong[_i].k, wrong[_i].v, wrong[_i].settings), wrong[_i].code,
		wrong[_i].error);
	ck_assert_int_eq(table_of("t").updated_us, before.updated_us);
	history(T, ALL, "1|a|1|01|-|true;2|b|2|01|-|true");
}
END_TEST

START_TEST(names_are_those_of_the_table)
{
	const char *names = "scd2: {surrogate_key_column: id, valid_from_column: 'since \"x\"', "
			    "valid_to_column: until, is_current_column: now, business_keys: [k]}";

	ok(write_rows("[1, 2]", "[a, b]",
		arena_printf(&arena, "table_name: t, write_mode: scd2, %s", names)));
	on_day(2);
	ok(write_rows("[1]", "[A]", HISTORY)); /* they need not be said again */
	history(T,
		"concat_ws('|', id, k, v, strftime(\"since \"\"x\"\"\", '%d'), "
		"coalesce(strftime(until, '%d'), '-'), now)",
		"1|1|a|01|02|false;2|2|b|01|-|true;3|1|A|02|-|true");
	reads(T ", scd2_view: active", "1|A;2|b");
	reads(T ", scd2_view: active_at, scd2_as_of: '2026-05-01 13:00:00'", "1|a;2|b");
}
END_TEST

/* As another program may have made it: texts for keys, and times with a zone. */
START_TEST(tables_of_others_are_continued)
{
	struct table_info t;

	ok(write_rows("[1]", "[x]", HISTORY));
	t = table_of("t");
	open_anew();
	{
		struct delta_written out;

		ok(delta_overwrite(duck, t.file_path,
			"SELECT 'a-key' AS surrogate_key, 1::BIGINT AS k, 'x' AS v, "
			"'2026-05-01 14:00:00+02'::TIMESTAMPTZ AS valid_from, "
			"NULL::TIMESTAMPTZ AS valid_to, true AS is_current",
			NULL, &out, &err));
	}
	on_day(2);
	ok(write_rows("[1]", "[y]", HISTORY));
	history(T,
		"concat_ws('|', v, CASE WHEN surrogate_key = 'a-key' THEN 'old' ELSE "
		"length(surrogate_key)::VARCHAR END, valid_from::TIMESTAMP, "
		"coalesce(valid_to::TIMESTAMP::VARCHAR, '-'))",
		"x|old|2026-05-01 12:00:00|2026-05-02 12:00:00;y|36|2026-05-02 12:00:00|-");
	reads(T ", scd2_view: as_of, scd2_as_of: '2026-05-01 12:00:00'", "1|x");
}
END_TEST

START_TEST(a_table_that_is_overwritten_keeps_no_history)
{
	ok(write_rows("[1]", "[a]", HISTORY));
	ok(write_rows("[2]", "[b]", "table_name: t"));
	ck_assert_ptr_null(table_of("t").scd2_config);
	reads(T, "2|b");
}
END_TEST

START_TEST(partitions_and_keys_of_several_columns)
{
	const char *settings = "table_name: t, write_mode: scd2, merge_keys: [k, v], "
			       "partition_by: [v]";

	ok(write_wide("[1, 1]", "[a, b]", "[1, 2]", settings));
	on_day(2);
	ok(write_wide("[1, 1, 2]", "[a, b, a]", "[1, 3, 4]", settings));
	history(T, WIDE, "1|a|1.0|true;1|b|2.0|false;1|b|3.0|true;2|a|4.0|true");
	ck_assert_str_eq(table_of("t").partition_columns, "[\"v\"]");
	fails(write_wide("[1, 1]", "[a, a]", "[1, 2]", settings), ERR_USAGE,
		"2 rows have one key (k = 1, v = a)");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scd2");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up_history, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, changed_rows_are_closed_and_added_again);
	tcase_add_test(tc, what_says_nothing_new_is_no_write);
	tcase_add_test(tc, keys_that_a_full_snapshot_has_not_are_closed_and_may_come_again);
	tcase_add_test(tc, only_columns_that_are_compared_make_a_change);
	tcase_add_test(tc, columns_may_come_and_stay_away);
	tcase_add_test(tc, a_clock_that_was_set_back_leaves_the_history_in_order);
	tcase_add_loop_test(
		tc, what_would_break_the_history_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, names_are_those_of_the_table);
	tcase_add_test(tc, tables_of_others_are_continued);
	tcase_add_test(tc, a_table_that_is_overwritten_keeps_no_history);
	tcase_add_test(tc, partitions_and_keys_of_several_columns);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
