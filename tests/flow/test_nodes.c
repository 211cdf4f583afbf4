/* What each node makes of its input: the flow of a case writes a CSV file, which is compared. */
#include "node_test.h"

/* Node 1 and 2 are there; the case's node is 3 and is written by 4. */
#define LEFT                                                                                       \
	"- {id: 1, type: manual_input, outputs: [3], setting_input: {raw_data_format: {columns: "  \
	"[{name: k, data_type: String}, "                                                          \
	"{name: v, data_type: Int64}, {name: w, data_type: Float64}], data: [[b, a, null, a, b], " \
	"[2, 1, 5, 3, null], "                                                                     \
	"[0.5, null, 1.5, 2.5, 1.0]]}}}\n"
#define RIGHT                                                                                      \
	"- {id: 2, type: manual_input, outputs: [3], setting_input: {raw_data_format: {columns: "  \
	"[{name: k, data_type: String}, "                                                          \
	"{name: v, data_type: Int64}, {name: x, data_type: String}], data: [[a, c, null], [10, "   \
	"30, 50], [one, three, none]]}}}\n"
#define TO_FILE                                                                                    \
	"- {id: 4, type: output, input_ids: [3], setting_input: {output_settings: {name: o.csv, "  \
	"directory: ., file_type: csv}}}\n"

static int
run_node(const char *type, const char *inputs, const char *settings, struct err *err)
{
	const char *nodes = arena_printf(&a,
		LEFT "%s- {id: 3, type: %s, outputs: [4], %s, setting_input: {%s}}\n" TO_FILE,
		strstr(inputs, "2") != NULL ? RIGHT : "", type, inputs, settings);
	struct flow_progress progress;

	return run_nodes(nodes, &progress, err);
}

#define ONE "input_ids: [1]"
#define TWO "input_ids: [1], right_input_id: 2"
#define MANY "input_ids: [1, 2]"

static const struct {
	const char *type, *inputs, *settings, *rows;
} cases[] = {
	{"select", ONE,
		"keep_missing: false, select_input: [{old_name: v, new_name: 'a \"b\"'}, "
		"{old_name: "
		"k, keep: false}]",
		"\"a \"\"b\"\"\"\n2\n1\n5\n3\n\n"},
	{"select", ONE,
		"keep_missing: true, select_input: [{old_name: w, data_type: String, "
		"data_type_change: true}]",
		"w,k,v\n0.5,b,2\n,a,1\n1.5,,5\n2.5,a,3\n1.0,b,\n"},
	/* Those without a position come first; what is not named, last. */
	{"select", ONE,
		"select_input: [{old_name: w, position: 2, data_type: double}, {old_name: v}]",
		"v,w,k\n2,0.5,b\n1,,a\n5,1.5,\n3,2.5,a\n,1.0,b\n"},
	{"select", ONE,
		"keep_missing: false, select_input: [{old_name: k}, {old_name: gone, is_available: "
		"false}]",
		"k\nb\na\n\na\nb\n"},
	{"sort", ONE, "sort_input: [{column: k, how: asc}, {column: v, how: desc}]",
		"k,v,w\n,5,1.5\na,3,2.5\na,1,\nb,,1.0\nb,2,0.5\n"},
	{"sort", ONE, "sort_input: [{column: v, how: desc}]",
		"k,v,w\nb,,1.0\n,5,1.5\na,3,2.5\nb,2,0.5\na,1,\n"},
	{"sort", ONE, "sort_input: []", "k,v,w\nb,2,0.5\na,1,\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"unique", ONE, "unique_input: {columns: [k], strategy: first}",
		"k,v,w\nb,2,0.5\na,1,\n,5,1.5\n"},
	{"unique", ONE, "unique_input: {columns: [k], strategy: last}",
		"k,v,w\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"unique", ONE, "unique_input: {columns: [k], strategy: none}", "k,v,w\n,5,1.5\n"},
	{"unique", ONE, "unique_input: {strategy: any}",
		"k,v,w\nb,2,0.5\na,1,\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"sample", ONE, "sample_size: 2", "k,v,w\nb,2,0.5\na,1,\n"},
	{"sample", ONE, "sample_method: last, sample_size: 2", "k,v,w\nb,,1.0\na,3,2.5\n"},
	/* Only random_fraction reads the fraction. */
	{"sample", ONE, "sample_method: random, sample_size: 0, fraction: 10.0, seed: null",
		"k,v,w\n"},
	{"sample", ONE, "sample_method: random, sample_size: 9",
		"k,v,w\nb,2,0.5\na,1,\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"sample", ONE, "sample_method: random_fraction, fraction: 100",
		"k,v,w\nb,2,0.5\na,1,\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"record_id", ONE, "record_id_input: {output_column_name: id, offset: 10}",
		"id,k,v,w\n10,b,2,0.5\n11,a,1,\n12,,5,1.5\n13,a,3,2.5\n14,b,,1.0\n"},
	{"record_count", ONE, "", "number_of_records\n5\n"},
	{"formula", ONE, "function: {field: {name: s, data_type: Float64}, function: '[v] + 1'}",
		"k,v,w,s\nb,2,0.5,3.0\na,1,,2.0\n,5,1.5,6.0\na,3,2.5,4.0\nb,,1.0,\n"},
	{"formula", ONE,
		"function: {field: {name: v}, function: 'if is_empty([v]) then 0 else [v] endif'}",
		"k,v,w\nb,2,0.5\na,1,\n,5,1.5\na,3,2.5\nb,0,1.0\n"},
	{"filter", ONE,
		"filter_input: {mode: basic, basic_filter: {field: w, operator: <, value: inf}}",
		"k,v,w\nb,2,0.5\n,5,1.5\na,3,2.5\nb,,1.0\n"},
	{"filter", ONE,
		"filter_input: {mode: basic, basic_filter: {field: v, operator: '>', value: 2.5}}",
		"k,v,w\n,5,1.5\na,3,2.5\n"},
	{"filter", ONE,
		"filter_input: {mode: advanced, advanced_filter: '([v] > 1) & ([k] != \"b\")'}",
		"k,v,w\na,3,2.5\n"},
	{"union", MANY, "union_input: {mode: relaxed}",
		"k,v,w,x\nb,2,0.5,\na,1,,\n,5,1.5,\na,3,2.5,\nb,,1.0,\na,10,,one\nc,30,,three\n,50,"
		",none\n"},
	{"union", MANY, "union_input: {mode: selective}",
		"k,v\nb,2\na,1\n,5\na,3\nb,\na,10\nc,30\n,50\n"},
	{"group_by", ONE,
		"groupby_input: {agg_cols: [{old_name: v, agg: sum, new_name: s}, {old_name: w, "
		"agg: count, new_name: n}, "
		"{old_name: k, agg: n_unique, new_name: u}, {old_name: k, agg: concat, new_name: "
		"c}, "
		"{old_name: v, agg: first, new_name: f}, {old_name: v, agg: last, new_name: l}, "
		"{old_name: w, agg: mean, new_name: m}, {old_name: v, agg: max, new_name: x, "
		"output_type: Float64}]}",
		"s,n,u,c,f,l,m,x\n11,4,3,\"b,a,a,b\",2,,1.375,5.0\n"},
};

START_TEST(a_node_makes_of_its_input_what_it_says)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(run_node(cases[_i].type, cases[_i].inputs, cases[_i].settings, &err) == 0,
		"%s: %s", cases[_i].type, err.text);
	text = file_read("o.csv", 1 << 20, NULL, &err);
	ck_assert_ptr_nonnull(text);
	ck_assert_msg(strcmp(text, cases[_i].rows) == 0, "%s {%s} gives\n%s", cases[_i].type,
		cases[_i].settings, text);
	free(text);
}
END_TEST

/* Of joins and groups the order is not promised: they are compared in the order of their lines. */
static const struct {
	const char *type, *inputs, *settings, *rows;
} unordered[] = {
	{"group_by", ONE,
		"groupby_input: {agg_cols: [{old_name: k, agg: groupby, new_name: key}, {old_name: "
		"v, agg: sum}]}",
		",5\na,4\nb,2\nkey,v_sum\n"},
	{"join", TWO, "join_input: {how: inner, join_mapping: [{left_col: k, right_col: k}]}",
		"a,1,,10,one\na,3,2.5,10,one\nk,v,w,v_right,x\n"},
	{"join", TWO, "join_input: {how: left, join_mapping: [{left_col: k, right_col: k}]}",
		",5,1.5,,\na,1,,10,one\na,3,2.5,10,one\nb,,1.0,,\nb,2,0.5,,\nk,v,w,v_right,x\n"},
	{"join", TWO, "join_input: {how: right, join_mapping: [{left_col: k, right_col: k}]}",
		",,,50,none\n,,c,30,three\n1,,a,10,one\n3,2.5,a,10,one\nv,w,k,v_right,x\n"},
	{"join", TWO, "join_input: {how: semi, join_mapping: [{left_col: k, right_col: k}]}",
		"a,1,\na,3,2.5\nk,v,w\n"},
	/* What is chosen of the left side does not count. */
	{"join", TWO,
		"join_input: {how: semi, join_mapping: [{left_col: k, right_col: k}], left_select: "
		"{select: [{old_name: k, keep: false}, {old_name: v, new_name: z}]}}",
		"a,1,\na,3,2.5\nk,v,w\n"},
	{"join", TWO, "join_input: {how: anti, join_mapping: [{left_col: k, right_col: k}]}",
		",5,1.5\nb,,1.0\nb,2,0.5\nk,v,w\n"},
	{"join", TWO,
		"join_input: {how: inner, join_mapping: [{left_col: k, right_col: k}], "
		"left_select: {renames: [{old_name: v, keep: false}, "
		"{old_name: w, keep: false}]}, right_select: {renames: [{old_name: k, new_name: "
		"key, keep: true}, {old_name: x, new_name: y}]}}",
		"a,a,10,one\na,a,10,one\nk,key,v,y\n"},
	{"cross_join", TWO,
		"auto_keep_all: false, cross_join_input: {left_select: {renames: [{old_name: k}]}, "
		"right_select: {renames: [{old_name: x}]}}",
		",none\n,one\n,three\na,none\na,none\na,one\na,one\na,three\na,three\nb,none\nb,"
		"none\nb,one\nb,one\nb,three\nb,three\nk,x\n"},
};

static int
by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char *
sorted(char *text)
{
	const char *lines[64], *result = "";
	size_t n = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL && text != NULL)
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		result = arena_printf(&a, "%s%s\n", result, lines[i]);
	return result;
}

START_TEST(rows_without_an_order_are_the_same_rows)
{
	struct err err = ERR_INIT;
	const char *rows;
	char *text;

	ck_assert_msg(run_node(unordered[_i].type, unordered[_i].inputs, unordered[_i].settings,
			      &err) == 0,
		"%s: %s", unordered[_i].settings, err.text);
	text = file_read("o.csv", 1 << 20, NULL, &err);
	ck_assert_ptr_nonnull(text);
	rows = sorted(text);
	ck_assert_msg(strcmp(rows, unordered[_i].rows) == 0, "%s {%s} gives\n%s",
		unordered[_i].type, unordered[_i].settings, rows);
	free(text);
}
END_TEST

static const struct {
	const char *type, *inputs, *settings, *error;
} wrong[] = {
	{"select", ONE, "select_input: [{old_name: z}]",
		"node 3 (select): select_input[0]: old_name: its input has no column z"},
	{"select", ONE, "select_input: [{old_name: k, data_type: Textt, data_type_change: true}]",
		"data_type: there is no type Textt"},
	{"select", ONE, "select_input: [{old_name: k, keep: maybe}]",
		"select_input[0]: keep: neither true nor false"},
	{"select", ONE, "keep_missing: false", "select_input: it keeps no column"},
	{"select", ONE, "select_input: [{old_name: k}, {old_name: v, new_name: k}]",
		"two columns are called k; rename one"},
	{"join", TWO, "join_input: {join_mapping: [{left_col: k, right_col: v}]}",
		"join_input: join_mapping[0]: k is String and v is Int64: convert one"},
	{"sort", ONE, "sort_input: [{column: z}]",
		"sort_input[0]: column: its input has no column z"},
	{"sort", ONE, "sort_input: [{column: k, how: up}]",
		"sort_input[0]: how: 'up' is none of asc, desc"},
	{"unique", ONE, "unique_input: {columns: [z]}",
		"unique_input: columns: its input has no column z"},
	{"unique", ONE, "unique_input: {strategy: best}",
		"unique_input: strategy: 'best' is none of"},
	{"select", ONE, "select_input: [{old_name: k, position: first}]",
		"select_input[0]: position: no whole number"},
	{"sample", ONE, "sample_method: random_fraction, fraction: 0",
		"fraction: it is not more than 0"},
	{"sample", ONE, "sample_method: random_fraction, fraction: 101",
		"fraction: 101 is not between 0 and 100"},
	{"sample", ONE, "sample_method: random, seed: -1", "seed: -1 is not between 0"},
	{"sample", ONE, "sample_size: -1", "sample_size: -1 is not between"},
	{"record_id", ONE, "record_id_input: {output_column_name: k}",
		"there is a column k already"},
	{"formula", ONE, "function: {field: {name: s}, function: '[z]'}",
		"function: column 1: there is no column z"},
	{"formula", ONE, "function: {field: {name: s, data_type: Intt}, function: '1'}",
		"there is no type Intt"},
	{"formula", ONE, "", "function: it is missing"},
	{"filter", ONE, "filter_input: {mode: advanced, advanced_filter: '[v] + 1'}",
		"advanced_filter: it gives no truth value"},
	{"filter", ONE, "filter_input: {mode: basic, basic_filter: {field: v, value: nan}}",
		"value: 'nan' is no number"},
	{"filter", ONE, "filter_input: {mode: basic, basic_filter: {field: w, value: '0x2'}}",
		"value: '0x2' is no number"},
	{"output", ONE, "output_settings: {name: x.csv, directory: ., write_mode: append}",
		"node 3 (output): it cannot be run: write_mode append: files are not appended to"},
	{"union", MANY, "union_input: {mode: all}",
		"union_input: mode: 'all' is none of relaxed, selective"},
	{"group_by", ONE, "groupby_input: {agg_cols: []}", "agg_cols: there is none"},
	{"group_by", ONE, "groupby_input: {agg_cols: [{old_name: v, agg: avrage}]}",
		"agg_cols[0]: agg: 'avrage' is none of sum, mean"},
	{"group_by", ONE, "groupby_input: {agg_cols: [{old_name: k, agg: sum}]}",
		"sum takes numbers, and column k is String"},
	{"join", TWO, "join_input: {join_mapping: []}", "join_input: join_mapping: there is none"},
	{"join", TWO, "join_input: {join_mapping: [{left_col: k, right_col: z}]}",
		"join_mapping[0]: right_col: its input has no column z"},
	{"join", TWO, "join_input: {how: sideways, join_mapping: [{left_col: k}]}",
		"how: 'sideways' is none of inner"},
	{"join", TWO, "", "join_input: it is missing"},
};

START_TEST(wrong_settings_are_said_with_node_and_field)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(run_node(wrong[_i].type, wrong[_i].inputs, wrong[_i].settings, &err), -1);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

START_TEST(every_kind_of_the_table_can_be_judged)
{
	const char *why;

	for (const struct node_kind *kind = node_kinds; kind->type != NULL; kind++) {
		const struct flow_node node = {.kind = kind};
		enum node_mode mode = node_judge(&node, &why);

		ck_assert_ptr_eq(node_kind(kind->type), kind);
		ck_assert((kind->compile == NULL) == (mode == NODE_UNSUPPORTED));
		ck_assert((kind->write != NULL) == (mode == NODE_OUTPUT));
		ck_assert(mode != NODE_UNSUPPORTED || why != NULL);
	}
	ck_assert_int_eq(
		node_judge(&(struct flow_node){.kind = node_kind("mine")}, &why), NODE_UNSUPPORTED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("nodes");
	TCase *tc = tcase_create("nodes");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
		tc, a_node_makes_of_its_input_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, rows_without_an_order_are_the_same_rows, 0,
		sizeof(unordered) / sizeof(unordered[0]));
	tcase_add_loop_test(tc, wrong_settings_are_said_with_node_and_field, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, every_kind_of_the_table_can_be_judged);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
