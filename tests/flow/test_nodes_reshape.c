/* Nodes that turn columns and texts into rows, rename by a rule, wait, or stand where a flow meets others. */
#include "node_test.h"

#define COLUMNS                                                                                    \
	"{name: k, data_type: String}, {name: v, data_type: Int64}, "                              \
	"{name: 'a \"é', data_type: Float64}, {name: t, data_type: String}, "                     \
	"{name: d, data_type: Date}"

/* The case's node is 2, of these rows, and 3 writes what it gives. */
static int
run_node(const char *type, const char *settings, const char *data, struct err *err)
{
	struct flow_progress progress;

	return run_nodes(
		arena_printf(&a,
			ROWS("1", "manual_input", "2", COLUMNS,
				"%s") "- {id: 2, type: %s, input_ids: [1], outputs: [3], "
				      "setting_input: {%s}}\n" WRITTEN("3", "2", "", "o.csv"),
			data, type, settings),
		&progress, err);
}

#define NAN_AND_NULL "['x', 'y'], [1, null], ['nan', '0.5'], ['p,q,', null], ['2024-02-29', null]"
#define NONE "[], [], [], [], []"
#define SPLIT "['x', 'y', 'z'], [1, 2, 3], [1, 2, 3], ['x|y', '', 'pzq'], [null, null, null]"

static const struct {
	const char *type, *settings, *data, *rows;
} cases[] = {
	{"unpivot", "unpivot_input: {index_columns: [k], value_columns: [v, 'a \"é']}",
		NAN_AND_NULL,
		"k,variable,value\nx,v,1.0\ny,v,\nx,\"a \"\"é\",nan\ny,\"a \"\"é\",0.5\n"},
	{"unpivot", "unpivot_input: {index_columns: [k, d, t], value_columns: []}", NAN_AND_NULL,
		"k,d,t,variable,value\nx,2024-02-29,\"p,q,\",v,1.0\ny,,,v,\n"
		"x,2024-02-29,\"p,q,\",\"a \"\"é\",nan\ny,,,\"a \"\"é\",0.5\n"},
	{"unpivot", "unpivot_input: {value_columns: [v, t]}", NAN_AND_NULL,
		"variable,value\nv,1\nv,\nt,\"p,q,\"\nt,\n"},
	{"unpivot",
		"unpivot_input: {data_type_selector_mode: data_type, data_type_selector: float}",
		NAN_AND_NULL, "variable,value\n\"a \"\"é\",nan\n\"a \"\"é\",0.5\n"},
	{"unpivot",
		"unpivot_input: {index_columns: [v], data_type_selector_mode: data_type, "
		"data_type_selector: numeric}",
		NAN_AND_NULL,
		"v,variable,value\n1,v,1.0\n,v,\n1,\"a \"\"é\",nan\n,\"a \"\"é\",0.5\n"},
	{"unpivot",
		"unpivot_input: {index_columns: [v], data_type_selector_mode: data_type, "
		"data_type_selector: string}",
		NAN_AND_NULL, "v,variable,value\n1,k,x\n,k,y\n1,t,\"p,q,\"\n,t,\n"},
	{"unpivot", "unpivot_input: {data_type_selector_mode: data_type, data_type_selector: date}",
		NAN_AND_NULL, "variable,value\nd,2024-02-29\nd,\n"},
	{"unpivot",
		"unpivot_input: {index_columns: [k], data_type_selector_mode: data_type, "
		"data_type_selector: all}",
		"['x'], [1], [0.5], ['p'], ['2024-02-29']",
		"k,variable,value\nx,k,x\nx,v,1\nx,\"a \"\"é\",0.5\nx,t,p\nx,d,2024-02-29\n"},
	/* In this mode the columns that are named do not count, and in the other one the type. */
	{"unpivot",
		"unpivot_input: {value_columns: [k], data_type_selector_mode: data_type, "
		"data_type_selector: date}",
		NAN_AND_NULL, "variable,value\nd,2024-02-29\nd,\n"},
	{"unpivot", "unpivot_input: {value_columns: [k], data_type_selector: date}", NAN_AND_NULL,
		"variable,value\nk,x\nk,y\n"},
	{"unpivot", "unpivot_input: {index_columns: [k], value_columns: [v]}", NONE,
		"k,variable,value\n"},

	{"text_to_rows", "text_to_rows_input: {column_to_split: t}", NAN_AND_NULL,
		"k,v,\"a \"\"é\",t,d\nx,1,nan,p,2024-02-29\nx,1,nan,q,2024-02-29\n"
		"x,1,nan,\"\",2024-02-29\ny,,0.5,,\n"},
	{"text_to_rows",
		"text_to_rows_input: {column_to_split: t, output_column_name: 'a \"é', "
		"split_fixed_value: '|'}",
		SPLIT,
		"k,v,\"a \"\"é\",t,d\nx,1,x,x|y,\nx,1,y,x|y,\ny,2,\"\",\"\",\nz,3,pzq,pzq,\n"},
	{"text_to_rows",
		"text_to_rows_input: {column_to_split: t, output_column_name: \"it's\", "
		"split_by_fixed_value: false, split_by_column: k}",
		SPLIT,
		"k,v,\"a \"\"é\",t,d,it's\nx,1,1.0,x|y,,\"\"\nx,1,1.0,x|y,,|y\n"
		"y,2,2.0,\"\",,\"\"\nz,3,3.0,pzq,,p\nz,3,3.0,pzq,,q\n"},
	/* What parts the text may be unknown, too. */
	{"text_to_rows",
		"text_to_rows_input: {column_to_split: k, split_by_fixed_value: false, "
		"split_by_column: t}",
		"['pzq'], [1], [1], [null], [null]", "k,v,\"a \"\"é\",t,d\n,1,1.0,,\n"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: k, split_fixed_value: ''}",
		"['né'], [1], [1], [null], [null]", "k,v,\"a \"\"é\",t,d\nn,1,1.0,,\né,1,1.0,,\n"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: t}", NONE, "k,v,\"a \"\"é\",t,d\n"},

	{"dynamic_rename", "dynamic_rename_input: {rename_mode: prefix, prefix: 'ü '}", NONE,
		"ü k,ü v,\"ü a \"\"é\",ü t,ü d\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: suffix, suffix: _x, prefix: unused, "
		"selection_mode: list, selected_columns: [t, k]}",
		NAN_AND_NULL, "k_x,v,\"a \"\"é\",t_x,d\nx,1,nan,\"p,q,\",2024-02-29\ny,,0.5,,\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: prefix, prefix: n_, selection_mode: "
		"data_type, selected_data_type: Numeric}",
		NONE, "k,n_v,\"n_a \"\"é\",t,d\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: prefix, prefix: s_, selection_mode: "
		"data_type, selected_data_type: string}",
		NONE, "s_k,v,\"a \"\"é\",s_t,d\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: prefix, prefix: d_, selection_mode: "
		"data_type, selected_data_type: Date}",
		NONE, "k,v,\"a \"\"é\",t,d_d\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: prefix, prefix: o_, selection_mode: "
		"data_type, selected_data_type: Other}",
		NONE, "k,v,\"a \"\"é\",t,d\n"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: formula, formula: "
		"'concat(uppercase([column_name]), \"!\")', selection_mode: list, "
		"selected_columns: ['a \"é', k]}",
		NONE, "K!,v,\"A \"\"É!\",t,d\n"},

	/* Other columns keep their names, and their first value goes with the row. */
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: first_row, selection_mode: list, "
		"selected_columns: [t, v]}",
		"['x', 'y', 'z'], [7, 8, 9], [1, 2, 3], ['a b', p, q], [null, null, null]",
		"k,7,\"a \"\"é\",a b,d\ny,8,2.0,p,\nz,9,3.0,q,\n"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: first_row}",
		"['x'], [7], [1.5], ['t'], ['2024-02-29']", "x,7,1.5,t,2024-02-29\n"},

	{"flow_output", "output_name: result", "['x'], [1], [1], ['p'], [null]",
		"k,v,\"a \"\"é\",t,d\nx,1,1.0,p,\n"},
	{"api_response", "orientation: columns, max_rows: null", "['x'], [1], [1], ['p'], [null]",
		"k,v,\"a \"\"é\",t,d\nx,1,1.0,p,\n"},
};

START_TEST(a_node_makes_of_its_input_what_it_says)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(run_node(cases[_i].type, cases[_i].settings, cases[_i].data, &err) == 0,
		"%s {%s}: %s", cases[_i].type, cases[_i].settings, err.text);
	text = text_of("o.csv");
	ck_assert_msg(strcmp(text, cases[_i].rows) == 0, "%s {%s} gives\n%s", cases[_i].type,
		cases[_i].settings, text);
	free(text);
}
END_TEST

static const struct {
	const char *type, *settings, *error;
} wrong[] = {
	{"unpivot", "", "node 2 (unpivot): unpivot_input: it is missing"},
	{"unpivot", "unpivot_input: {index_columns: [z]}",
		"unpivot_input: index_columns: its input has no column z; there are k, v"},
	{"unpivot", "unpivot_input: {value_columns: [k, z]}",
		"unpivot_input: value_columns: its input has no column z"},
	{"unpivot", "unpivot_input: {index_columns: [k, v, 'a \"é', t, d]}",
		"value_columns: all columns are of the index"},
	{"unpivot", "unpivot_input: {data_type_selector_mode: type}",
		"data_type_selector_mode: 'type' is none of column, data_type"},
	{"unpivot",
		"unpivot_input: {data_type_selector_mode: data_type, data_type_selector: money}",
		"data_type_selector: 'money' is none of all, float"},
	{"text_to_rows", "", "text_to_rows_input: it is missing"},
	{"text_to_rows", "text_to_rows_input: {}", "column_to_split: it is missing"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: z}",
		"column_to_split: its input has no column z"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: v}",
		"column_to_split: column v is no text but Int64"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: t, split_by_fixed_value: false}",
		"split_by_column: it is missing"},
	{"text_to_rows",
		"text_to_rows_input: {column_to_split: t, split_by_fixed_value: false, "
		"split_by_column: d}",
		"split_by_column: column d is no text but Date"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: t, split_by_fixed_value: maybe}",
		"split_by_fixed_value: neither true nor false"},
	{"text_to_rows", "text_to_rows_input: {column_to_split: t, output_column_name: K}",
		"the columns k and K differ only in upper and lower case"},
	{"dynamic_rename", "", "dynamic_rename_input: it is missing"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: infix}",
		"rename_mode: 'infix' is none of prefix, suffix, formula, first_row"},
	{"dynamic_rename",
		"dynamic_rename_input: {rename_mode: first_row, selection_mode: list, "
		"selected_columns: [k, z]}",
		"selected_columns: its input has no column z"},
	{"dynamic_rename", "dynamic_rename_input: {selection_mode: some}",
		"selection_mode: 'some' is none of all, list, data_type"},
	{"dynamic_rename", "dynamic_rename_input: {selection_mode: list, selected_columns: [k, z]}",
		"selected_columns: its input has no column z"},
	{"dynamic_rename", "dynamic_rename_input: {selection_mode: data_type}",
		"selected_data_type: it is missing"},
	{"dynamic_rename",
		"dynamic_rename_input: {selection_mode: data_type, selected_data_type: Money}",
		"selected_data_type: 'Money' is none of numeric, string, date, other"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: formula}",
		"formula: it is missing"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: formula, formula: '[name]'}",
		"formula: column 1: there is no column name"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: formula, formula: '\"\"'}",
		"formula: it gives no name for column k"},
	{"dynamic_rename", "dynamic_rename_input: {rename_mode: formula, formula: '\"same\"'}",
		"two columns are called same; rename one"},
	{"api_response", "orientation: rows",
		"node 2 (api_response): orientation: 'rows' is none of records, columns"},
	{"api_response", "max_rows: -1", "max_rows: -1 is not between"},
	{"flow_output", "output_name: [a]", "output_name: no text"},
};

START_TEST(wrong_settings_are_said_with_node_and_field)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(run_node(wrong[_i].type, wrong[_i].settings, NAN_AND_NULL, &err), -1);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

static const struct {
	const char *data, *error;
} headless[] = {
	{NONE, "dynamic_rename_input: first_row: its input has no rows"},
	{"['x'], [1], [1], [null], ['2024-02-29']", "first_row: it has no name for column t"},
	{"[' '], [1], [1], [t], ['2024-02-29']", "first_row: it has no name for column k"},
	{"['t'], [1], [2], [t], ['2024-02-29']", "two columns are called t; rename one"},
};

START_TEST(a_first_row_without_names_is_said)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_node("dynamic_rename", "dynamic_rename_input: {rename_mode: first_row}",
			headless[_i].data, &err),
		-1);
	ck_assert_msg(strstr(err.text, headless[_i].error) != NULL, "%s\nnot: %s", err.text,
		headless[_i].error);
}
END_TEST

#define N "{name: n, data_type: Int64}"

START_TEST(a_flow_alone_has_the_rows_its_input_was_drawn_with)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(run_nodes(ROWS("1", "flow_input", "2", N, "[1, null]")
					WRITTEN("2", "1", "", "o.csv"),
			      &progress, &err) == 0,
		"%s", err.text);
	text = text_of("o.csv");
	ck_assert_str_eq(text, "n\n1\n\n");
	free(text);
}
END_TEST

START_TEST(an_input_without_columns_is_said)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_nodes(ROWS("1", "flow_input", "2", "", "") WRITTEN("2", "1", "", "o.csv"),
			&progress, &err),
		-1);
	ck_assert_ptr_nonnull(
		strstr(err.text, "node 1 (flow_input): raw_data_format: columns: there is none"));
}
END_TEST

/* Node 4 writes what has waited, and stands first in the file; node 3 is what is waited for. */
#define WAITING(folder)                                                                            \
	WRITTEN("4", "5", "", "late.csv")                                                          \
	ROWS("1", "manual_input", "5", N, "[1, 2]")                                                \
	ROWS("2", "manual_input", "3", N, "[3]")                                                   \
	WRITTEN("3", "2", "5", folder "early.csv")                                                 \
	"- {id: 5, type: wait_for, input_ids: [1], "                                               \
	"right_input_id: 3, outputs: [4], "                                                        \
	"setting_input: {}}\n"

static char order[64];

static void
note_current(void *arg, const struct flow_progress *progress)
{
	char one[8];

	(void)arg;
	if (progress->current == NULL)
		return;
	snprintf(one, sizeof(one), "%lld ", (long long)progress->current->id);
	strncat(order, one, sizeof(order) - strlen(order) - 1);
}

START_TEST(what_waits_is_written_behind_what_it_waits_for)
{
	const struct flow_run_options how = {.progress = note_current};
	const struct plan_options options = {.duck = d};
	const char *text = "nodes:\n" WAITING("");
	struct flow_progress progress;
	struct err err = ERR_INIT;
	struct flow *flow;
	struct plan *plan;
	char *rows;

	*order = '\0';
	ck_assert_int_eq(file_write_atomic("flow.yaml", text, strlen(text), 0644, &err), 0);
	ck_assert_msg(flow_read("flow.yaml", NULL, 0, &flow, &err) == 0, "%s", err.text);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	ck_assert_msg(flow_run(plan, &how, &progress, &err) == 0, "%s", err.text);
	ck_assert_str_eq(order, "3 4 ");
	ck_assert_uint_eq(progress.done, progress.nodes);
	rows = text_of("late.csv");
	ck_assert_str_eq(rows, "n\n1\n2\n");
	free(rows);
	plan_free(plan);
	flow_free(flow);
}
END_TEST

START_TEST(what_waits_is_not_written_when_that_fails)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(run_nodes(WAITING("no-such-folder/"), &progress, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "node 3 (output)"));
	ck_assert_int_ne(access("late.csv", F_OK), 0);
}
END_TEST

START_TEST(what_waits_for_nothing_is_said)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_nodes(ROWS("1", "manual_input", "2", N,
				  "[1]") "- {id: 2, type: wait_for, input_ids: [1], outputs: [3], "
					 "setting_input: {}}\n" WRITTEN("3", "2", "", "o.csv"),
			&progress, &err),
		-1);
	ck_assert_ptr_nonnull(
		strstr(err.text, "node 2 (wait_for): its right input is not connected"));
}
END_TEST

/* At the end of a flow there is nothing for them to do, and the others are all that is counted. */
START_TEST(ends_for_other_flows_do_nothing_in_a_run)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_msg(run_nodes(ROWS("1", "manual_input", "2, 3, 4", N, "[1]") WRITTEN("2", "1", "",
					"o.csv") "- {id: 3, type: flow_output, input_ids: [1], "
						 "setting_input: {}}\n"
						 "- {id: 4, type: api_response, input_ids: [1], "
						 "setting_input: {}}\n",
			      &progress, &err) == 0,
		"%s", err.text);
	ck_assert_uint_eq(progress.nodes, 2);
	ck_assert_uint_eq(progress.done, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("nodes_reshape");
	TCase *tc = tcase_create("nodes_reshape");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
		tc, a_node_makes_of_its_input_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, wrong_settings_are_said_with_node_and_field, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_loop_test(
		tc, a_first_row_without_names_is_said, 0, sizeof(headless) / sizeof(headless[0]));
	tcase_add_test(tc, a_flow_alone_has_the_rows_its_input_was_drawn_with);
	tcase_add_test(tc, an_input_without_columns_is_said);
	tcase_add_test(tc, what_waits_is_written_behind_what_it_waits_for);
	tcase_add_test(tc, what_waits_is_not_written_when_that_fails);
	tcase_add_test(tc, what_waits_for_nothing_is_said);
	tcase_add_test(tc, ends_for_other_flows_do_nothing_in_a_run);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
