/* Nodes that compute over many rows: groups, windows, splits, pivots, graphs and matches of texts that are alike. */
#include "node_test.h"

#define COLUMN(name, type) "{name: " name ", data_type: " type "}"
#define KEYED COLUMN("k", "String") ", " COLUMN("v", "Int64")

/* The case's node is 2, of these rows, and 3 writes what it gives. */
static int
run_node(const char *type, const char *columns, const char *data, const char *settings,
	struct err *err)
{
	struct flow_progress progress;

	return run_nodes(
		arena_printf(&a,
			ROWS("1", "manual_input", "2", "%s",
				"%s") "- {id: 2, type: %s, input_ids: [1], outputs: [3, 4], "
				      "setting_input: {%s}}\n" WRITTEN("3", "2", "",
					      "o.csv") "- {id: 4, type: output, "
						       "input_ids: [2], setting_input: "
						       "{output_settings: {name: "
						       "o.parquet, directory: ., "
						       "file_type: parquet}}}\n",
			columns, data, type, settings),
		&progress, err);
}

/* As Flowfile names them. */
static const char *
types_of(const char *path)
{
	struct err err = ERR_INIT;
	struct columns columns;
	const char *result = "";

	ck_assert_msg(duck_describe(d, arena_printf(&a, "SELECT * FROM '%s'", path), &a, &columns,
			      &err) == 0,
		"%s", err.text);
	for (size_t i = 0; i < columns.n; i++)
		result = arena_printf(&a, "%s%s%s", result, i > 0 ? " " : "",
			type_to_polars(columns.items[i].type, &a));
	return result;
}

static const struct {
	const char *type, *columns, *data, *settings, *rows, *types;
} cases[] = {
	/* A column of the input's own is none of ours. */
	{"group_by", COLUMN("_row", "Int64") ", " COLUMN("_ROW_", "Int64"), "[3, 1, 2], [7, 8, 9]",
		"groupby_input: {agg_cols: [{old_name: _row, agg: first}, {old_name: _row, agg: "
		"last, new_name: l}, {old_name: _ROW_, agg: concat, new_name: c}]}",
		"_row_first,l,c\n3,2,\"7,8,9\"\n", "Int64 Int64 String"},
	{"group_by", COLUMN("b", "Boolean"), "[true, null, true, false]",
		"groupby_input: {agg_cols: [{old_name: b, agg: sum}, {old_name: b, agg: mean}, "
		"{old_name: b, agg: median}, {old_name: b, agg: max}, {old_name: b, agg: count}]}",
		"b_sum,b_mean,b_median,b_max,b_count\n2,0.6666666666666666,1.0,true,3\n",
		"Int64 Float64 Float64 Boolean Int64"},
	{"group_by", KEYED, "[], []",
		"groupby_input: {agg_cols: [{old_name: v, agg: sum}, {old_name: v, agg: mean}, "
		"{old_name: v, agg: n_unique}, {old_name: k, agg: first}, {old_name: k, agg: "
		"concat}]}",
		"v_sum,v_mean,v_n_unique,k_first,k_concat\n0,,0,,\"\"\n",
		"Int64 Float64 Int64 String String"},
	{"group_by", COLUMN("f", "Float64") ", " COLUMN("g", "Float32"),
		"['nan', 1, 2], [null, 'nan', 'nan']",
		"groupby_input: {agg_cols: [{old_name: f, agg: max}, {old_name: f, agg: min}, "
		"{old_name: g, agg: max}, {old_name: g, agg: sum, output_type: Float32}]}",
		"f_max,f_min,g_max,g_sum\n2.0,1.0,nan,nan\n", "Float64 Float64 Float32 Float32"},
	{"group_by",
		COLUMN("d", "Date") ", " COLUMN("m", "'Decimal(10, 2)'") ", " COLUMN("u", "UInt64"),
		"['2024-01-01', '2024-01-02'], ['1.00', '1.01'], [18446744073709551615, 0]",
		"groupby_input: {agg_cols: [{old_name: d, agg: mean}, {old_name: m, agg: median}, "
		"{old_name: m, agg: sum}, {old_name: u, agg: sum}]}",
		"d_mean,m_median,m_sum,u_sum\n2024-01-01 "
		"12:00:00,1.005,2.01,18446744073709551615\n",
		"Datetime(time_unit='us', time_zone=None) Float64 Decimal(precision=38, scale=2) "
		"UInt64"},
};

START_TEST(a_node_makes_of_its_input_what_it_says)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(run_node(cases[_i].type, cases[_i].columns, cases[_i].data,
			      cases[_i].settings, &err) == 0,
		"%s {%s}: %s", cases[_i].type, cases[_i].settings, err.text);
	text = text_of("o.csv");
	ck_assert_msg(strcmp(text, cases[_i].rows) == 0, "%s {%s} gives\n%s", cases[_i].type,
		cases[_i].settings, text);
	free(text);
	ck_assert_str_eq(types_of("o.parquet"), cases[_i].types);
}
END_TEST

static const struct {
	const char *type, *columns, *settings, *error;
} wrong[] = {
	{"group_by", COLUMN("d", "Date"), "groupby_input: {agg_cols: [{old_name: d, agg: sum}]}",
		"node 2 (group_by): groupby_input: agg_cols[0]: agg: sum takes numbers, and column "
		"d "
		"is Date"},
	{"group_by", COLUMN("k", "String"),
		"groupby_input: {agg_cols: [{old_name: k, agg: median}]}",
		"median takes numbers and times, and column k is String"},
};

START_TEST(wrong_settings_are_said_with_node_and_field)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_node(wrong[_i].type, wrong[_i].columns, "", wrong[_i].settings, &err), -1);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("nodes_compute");
	TCase *tc = tcase_create("nodes_compute");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
		tc, a_node_makes_of_its_input_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, wrong_settings_are_said_with_node_and_field, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
