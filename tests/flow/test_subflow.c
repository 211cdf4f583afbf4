/* Flows that run flows: what goes in and out, what they write, and what is refused before anything is. */
#include "node_test.h"

static struct flow_progress progress;
static struct err err;

static void
put_flow(const char *name, const char *params, const char *nodes)
{
	const char *text = arena_printf(
		&a, "flowfile_settings: {parameters: [%s]}\nnodes:\n%s", params, nodes);
	struct err write_err = ERR_INIT;

	ck_assert_int_eq(file_write_atomic(name, text, strlen(text), 0644, &write_err), 0);
}

#define N "{name: n, data_type: Int64}"
#define READS(id, outputs, name)                                                                   \
	"- {id: " id ", type: flow_input, outputs: [" outputs                                      \
	"], setting_input: {input_name: " name ", raw_data_format: {columns: [" N                  \
	"], data: [[77]]}}}\n"
#define GIVES(id, from, name)                                                                      \
	"- {id: " id ", type: flow_output, input_ids: [" from                                      \
	"], setting_input: {output_name: " name "}}\n"
#define OVER(id, from, outputs, value)                                                             \
	"- {id: " id ", type: filter, input_ids: [" from "], outputs: [" outputs                   \
	"], setting_input: {filter_input: {mode: basic, basic_filter: {field: n, operator: "       \
	"greater_than, value: '" value "'}}}}\n"
/* more: of the node; settings: besides flow_reference. */
#define RUNS(id, path, outputs, more, settings)                                                    \
	"- {id: " id ", type: run_flow, outputs: [" outputs "], " more                             \
	"setting_input: {flow_reference: {flow_path: " path "}" settings "}}\n"
#define FROM(node, slot) "{from_id: " node ", input_handle: " slot ", source_handle: output-0}"
#define PARAM "{name: least, default_value: '0', type: integer}"

/* Two inputs, of which one is kept as it is and the other filtered by ${least}. */
static void
put_prices(void)
{
	put_flow("prices.yaml", PARAM,
		READS("1", "3", "first") READS("2", "4", "second") GIVES("3", "1", "same")
			OVER("4", "2", "5", "${least}") GIVES("5", "4", "over"));
}

/* A plan has a database to itself. */
static int
runs(const char *nodes)
{
	duck_close(d);
	d = engine_test_open();
	err_clear(&err);
	return run_nodes(nodes, &progress, &err);
}

static void
runs_well(const char *nodes)
{
	ck_assert_msg(runs(nodes) == 0, "%s", err.text);
}

static void
has(const char *path, const char *wanted)
{
	char *text = text_of(path);

	ck_assert_str_eq(text, wanted);
	free(text);
}

static const char *const connections[] = {
	/* By name, by number, and by what the slots say. */
	FROM("1", "second") ", " FROM("2", "first") "], ",
	FROM("2", "input-0") ", " FROM("1", "input-1") "], ",
	FROM("2", "in_a") ", " FROM("1", "in_b") "], ",
	FROM("1", "input-0") ", " FROM("2", "input-1") "], ",
};
static const char *const slots[] = {
	"",
	", input_slots: [], output_slots: null",
	", input_slots: [{handle: in_a, input_name: first}, {slot_id: in_b, node_id: 2}]",
	", input_slots: [second, first], output_slots: [{name: same}, {name: over}]",
};

START_TEST(inputs_and_outputs_find_their_ends)
{
	put_prices();
	runs_well(arena_printf(&a,
		ROWS("1", "manual_input", "3", N, "[1, 5, 9]")
			ROWS("2", "manual_input", "3", N, "[4]") RUNS("3", "prices.yaml", "4, 5",
				"output_handles: [output-1, output-0], input_connections: [%s",
				", parameter_bindings: {least: 3}%s")
				WRITTEN("4", "3", "", "over.csv") WRITTEN("5", "3", "", "same.csv"),
		connections[_i], slots[_i]));
	has("over.csv", "n\n5\n9\n");
	has("same.csv", "n\n4\n");
	ck_assert_uint_eq(progress.done, progress.nodes);
	ck_assert_uint_eq(progress.nodes, 5);
}
END_TEST

static const struct {
	const char *bindings, *rows;
} bindings[] = {
	{"{least: '5'}", "n\n9\n"},
	{"[{name: least, value: 5}]", "n\n9\n"},
	{"[{parameter_name: least, source: constant, constant: '8'}]", "n\n9\n"},
	{"[{parameter: least, type: integer, value: 8}]", "n\n9\n"},
	{"[{param: least, mode: default, value: 8}]", "n\n1\n5\n9\n"},
	{"{least: null}", "n\n1\n5\n9\n"},
	{"null", "n\n1\n5\n9\n"},
	{"{least: '${mine}'}", "n\n9\n"},
};

START_TEST(parameters_are_bound)
{
	struct flow_param mine = {"mine", "6"};
	const struct flow_run_options how = {0};
	const struct plan_options options = {.duck = d};
	const char *text;
	struct flow *flow;
	struct plan *plan;

	err_clear(&err);
	put_flow("one.yaml", PARAM,
		READS("1", "2", "x") OVER("2", "1", "3", "${least}") GIVES("3", "2", "y"));
	text = arena_printf(&a,
		"nodes:\n" ROWS("1", "manual_input", "3", N, "[1, 5, 9]")
			RUNS("3", "one.yaml", "4", "input_ids: [1], ", ", parameter_bindings: %s")
				WRITTEN("4", "3", "", "o.csv"),
		bindings[_i].bindings);
	ck_assert_int_eq(file_write_atomic("flow.yaml", text, strlen(text), 0644, &err), 0);
	ck_assert_int_eq(
		flow_read("flow.yaml", &mine, strstr(text, "${mine}") != NULL, &flow, &err), 0);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	ck_assert_msg(flow_run(plan, &how, &progress, &err) == 0, "%s", err.text);
	plan_free(plan);
	flow_free(flow);
	has("o.csv", bindings[_i].rows);
}
END_TEST

START_TEST(only_what_is_asked_for_is_looked_at)
{
	put_flow("two.yaml", "",
		READS("1", "2", "x") GIVES(
			"2", "1", "good") "- {id: 3, type: read, outputs: [4], setting_input: "
					  "{received_file: {path: "
					  "none.csv, file_type: csv}}}\n" GIVES("4", "3", "bad"));
	runs_well(ROWS("1", "manual_input", "2", N, "[1]") RUNS(
		"2", "two.yaml", "3", "input_ids: [1], ", "") WRITTEN("3", "2", "", "o.csv"));
	has("o.csv", "n\n1\n");
	ck_assert_int_eq(runs(ROWS("1", "manual_input", "2", N, "[1]") RUNS("2", "two.yaml", "3, 4",
				 "output_handles: [output-0, output-1], input_ids: [1], ",
				 "") WRITTEN("3", "2", "", "p.csv") WRITTEN("4", "2", "", "q.csv")),
		-1);
	ck_assert_msg(
		strstr(err.text, "node 2 (run_flow) > two, node 3 (read): received_file") != NULL,
		"%s", err.text);
	ck_assert_int_ne(access("p.csv", F_OK), 0);
}
END_TEST

START_TEST(filters_behind_a_flow_reach_the_files_before_it)
{
	const struct plan_options options = {.duck = d};
	const char *nodes = "nodes:\n"
			    "- {id: 1, type: read, outputs: [2], setting_input: {received_file: "
			    "{path: n.parquet, file_type: parquet}}}\n" RUNS("2", "one.yaml", "3",
				    "input_ids: [1], ", "") OVER("3", "2", "", "7");
	struct relation *relation;
	struct duck_rows *rows;
	struct flow *flow;
	struct plan *plan;
	const char *text;

	err_clear(&err);
	put_flow("one.yaml", PARAM,
		READS("1", "2", "x") OVER("2", "1", "3", "${least}") GIVES("3", "2", "y"));
	ck_assert_int_eq(
		duck_exec(d, "COPY (SELECT range AS n, 'x' AS x FROM range(10)) TO 'n.parquet'",
			NULL, &err),
		0);
	ck_assert_int_eq(file_write_atomic("flow.yaml", nodes, strlen(nodes), 0644, &err), 0);
	ck_assert_int_eq(flow_read("flow.yaml", NULL, 0, &flow, &err), 0);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	ck_assert_msg(plan_compile(plan, plan->top, flow_node(flow, 3), 0, &relation, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(
		duck_explain(d, arena_printf(&a, "EXPLAIN %s", plan_sql_text(plan, relation)),
			&rows, &err),
		0);
	ck_assert(duck_rows_next(rows));
	text = duck_text_copy(rows, 1, &a);
	duck_rows_free(rows);
	ck_assert_msg(strstr(text, "n>7") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "FILTER   ") == NULL, "%s", text);
	plan_free(plan);
	flow_free(flow);
}
END_TEST

#define WORDS "{name: w, data_type: String}, {name: least, data_type: Int64}"
#define BY_ROWS                                                                                    \
	", iteration_mode: rows, parameter_bindings: [{name: least, column: least}, {name: "       \
	"word, kind: column, column_name: w}]"

static void
put_rows_flow(void)
{
	put_flow("each.yaml", PARAM ", {name: word, default_value: none}",
		ROWS("1", "manual_input", "2", N ", {name: w, data_type: String}",
			"[1, 5, 9], ['${word}', '${word}', '${word}']")
			OVER("2", "1", "3", "${least}") GIVES("3", "2", "y"));
}

START_TEST(a_flow_is_run_for_each_row)
{
	put_rows_flow();
	runs_well(ROWS("1", "manual_input", "2", WORDS, "[a, b, a, null], [6, 8, 6, 4]") RUNS(
		"2", "each.yaml", "3", "input_ids: [1], ", BY_ROWS) WRITTEN("3", "2", "", "o.csv"));
	has("o.csv", "n,w\n9,a\n9,b\n9,a\n5,none\n9,none\n");
	/* The columns are there without rows, too. */
	runs_well(ROWS("1", "manual_input", "2", WORDS, "[], []") RUNS(
		"2", "each.yaml", "3", "input_ids: [1], ", BY_ROWS) WRITTEN("3", "2", "", "o.csv"));
	has("o.csv", "n,w\n");
}
END_TEST

START_TEST(too_many_rows_are_refused)
{
	put_rows_flow();
	ck_assert_int_eq(runs("- {id: 1, type: sql_query, outputs: [2], setting_input: "
			      "{sql_query_input: {sql_code: 'SELECT 1 AS least, NULL AS w FROM "
			      "range(1001)'}}}\n" RUNS("2", "each.yaml", "3", "input_ids: [1], ",
				      BY_ROWS) WRITTEN("3", "2", "", "o.csv")),
		-1);
	ck_assert_msg(strstr(err.text, "more than 1000 rows") != NULL, "%s", err.text);
}
END_TEST

/* --- what flows do ---------------------------------------------------------------------------------------- */

#define COMMAND(id, from, outputs, command)                                                        \
	"- {id: " id ", type: command, input_ids: [" from "], outputs: [" outputs                  \
	"], setting_input: {command: '" command "'}}\n"
#define COPY "cp $FLOWFILE_INPUT $FLOWFILE_OUTPUT"

START_TEST(what_a_flow_writes_is_written_in_its_turn)
{
	put_flow("inner.yaml", "",
		READS("1", "2, 3", "x") WRITTEN("2", "1", "", "inner.csv") OVER("3", "1", "4", "1")
			GIVES("4", "3", "y"));
	put_flow("steps.yaml", "",
		READS("1", "2", "x") RUNS("2", "inner.yaml", "3", "input_ids: [1], ", "")
			COMMAND("3", "2", "4", "cat inner.csv >seen; " COPY) GIVES("4", "3", "y"));
	/* Node 4 is behind a program that looks at what the flow in it has written. */
	runs_well(ROWS("1", "manual_input", "2", N, "[1, 2]") RUNS("2", "steps.yaml", "3",
		"input_ids: [1], ", "") COMMAND("3", "2", "4", "cat inner.csv >>seen; " COPY)
			WRITTEN("4", "3", "", "o.csv"));
	has("seen", "n\n1\n2\nn\n1\n2\n");
	has("o.csv", "n\n2\n");
	ck_assert_uint_eq(progress.done, 4);
}
END_TEST

START_TEST(a_flow_that_nobody_reads_is_run_for_what_it_does)
{
	put_flow("does.yaml", "",
		ROWS("1", "manual_input", "2, 3", N, "[1, 2]") WRITTEN("2", "1", "", "does.csv")
			COMMAND("3", "1", "", "echo ran >>ran"));
	runs_well(ROWS("1", "manual_input", "3", N, "[5]") RUNS("2", "does.yaml", "3", "",
		"") "- {id: 3, type: wait_for, input_ids: [1], right_input_id: 2, outputs: "
		    "[4]}\n" COMMAND("4", "3", "5", "cat does.csv >seen; " COPY)
			    WRITTEN("5", "4", "", "o.csv"));
	has("does.csv", "n\n1\n2\n");
	has("seen", "n\n1\n2\n");
	has("ran", "ran\n");
	has("o.csv", "n\n5\n");
	ck_assert_uint_eq(progress.done, 5);
}
END_TEST

START_TEST(what_fails_in_a_flow_is_said_with_all_nodes_on_the_way)
{
	put_flow("inner.yaml", "",
		ROWS("1", "manual_input", "2", N, "[1, 2]") OVER("2", "1", "3", "x")
			GIVES("3", "2", "y"));
	put_flow("outer.yaml", "",
		RUNS("4", "inner.yaml", "5", "", "") GIVES("5", "4", "y") ROWS(
			"1", "manual_input", "2", N, "[1, 2]") WRITTEN("2", "1", "", "early.csv"));
	ck_assert_int_eq(
		runs(RUNS("7", "outer.yaml", "8", "", "") WRITTEN("8", "7", "", "o.csv")), -1);
	ck_assert_msg(strstr(err.text,
			      "node 7 (run_flow) > outer, node 4 (run_flow) > inner, node 2 "
			      "(filter): filter_input") == err.text,
		"%s", err.text);
	ck_assert_int_ne(access("early.csv", F_OK), 0);
	put_flow("inner.yaml", "",
		ROWS("1", "manual_input", "2", N, "[1, 2]")
			WRITTEN("2", "1", "", "no-such-folder/x.csv"));
	ck_assert_int_eq(runs(RUNS("7", "inner.yaml", "", "", "")), -1);
	ck_assert_msg(strstr(err.text, "node 7 (run_flow) > inner, node 2 (output): ") == err.text,
		"%s", err.text);
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------------------- */

static const struct {
	const char *more, *settings, *error;
} refused[] = {
	{"input_ids: [1], ", ", append_run_metadata: true", "append_run_metadata: which columns"},
	{"input_ids: [1], ", ", iteration_mode: sometimes", "iteration_mode: 'sometimes' is none"},
	{"", ", iteration_mode: rows", "iteration_mode: rows needs one input"},
	{"input_ids: [1], ", ", iteration_mode: rows",
		"node 1 (flow_input): what an input gets when a flow is run for each row"},
	{"input_ids: [1], ", ", parameter_bindings: [{name: least, column: n}]",
		"parameter_bindings: least: a column's values need iteration_mode rows"},
	{"input_ids: [1], ", ", parameter_bindings: [{value: 3}]",
		"parameter_bindings[0]: name: it is missing"},
	{"input_ids: [1], ", ", parameter_bindings: [{name: least, source: secret, value: 1}]",
		"parameter_bindings[0]: least: 'secret' is neither constant nor column"},
	{"input_ids: [1], ", ", parameter_bindings: {least: x}",
		"prices.yaml: parameter least: 'x' is no integer"},
	{"input_ids: [1], ", ", input_slots: [{name: third}]",
		"input_slots: the flow prices has no flow_input third; there are first, second"},
	{"input_connections: [" FROM("1", "third") "], ", "",
		"input_handle: the flow prices has no input third; there are first, second"},
	{"input_connections: [" FROM("1", "first") ", " FROM("1", "first") "], ", "",
		"two lead to the input first"},
	{"input_connections: [{from_id: 1, input_handle: first, source_handle: x}], ", "",
		"source_handle: 'x' is no output"},
	{"input_connections: [" FROM("1", "first") "], output_handles: [output-1], ", "",
		"node 2 (run_flow) > prices, node 2 (flow_input): nothing is connected to the "
		"input second"},
	{"input_connections: [" FROM("1", "first") "], output_handles: [output-2], ", "",
		"the flow prices has no output for output-2; there are same, over"},
};

START_TEST(what_is_not_understood_is_refused)
{
	put_prices();
	ck_assert_int_eq(runs(arena_printf(&a,
				 ROWS("1", "manual_input", "2, 2", N, "[1]")
					 RUNS("2", "prices.yaml", "3", "%s", "%s")
						 WRITTEN("3", "2", "", "o.csv"),
				 refused[_i].more, refused[_i].settings)),
		-1);
	ck_assert_msg(strstr(err.text, "node 2 (run_flow)") == err.text ||
			strstr(err.text, "flow.yaml: node 2 (run_flow)") == err.text,
		"%s", err.text);
	ck_assert_msg(strstr(err.text, refused[_i].error) != NULL, "%s\nnot: %s", err.text,
		refused[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

static const struct {
	const char *nodes, *settings, *error;
} unfit[] = {
	{"- {id: 1, type: kafka_source}\n", "",
		"bad.yaml: node 1 (kafka_source): it cannot be run"},
	{ROWS("1", "manual_input", "2", N, "[1]") "- {id: 2, type: catalog_writer, input_ids: [1], "
						  "setting_input: {catalog_write_settings: "
						  "{table_name: v, write_mode: virtual}}}\n",
		"", "node 2 (catalog_writer): write_mode: a virtual table is made by"},
	{ROWS("1", "manual_input", "2", N, "[1]") WRITTEN("2", "1", "", "x.csv"),
		", iteration_mode: rows", "node 2 (output): a flow that is run for each row can"},
	{RUNS("1", "bad.yaml", "", "", ""), "", "loop: bad runs bad"},
	{RUNS("1", "flow.yaml", "", "", ""), "",
		"node 1 (run_flow): flows run each other in a loop: flow runs bad, which runs "
		"flow"},
	{RUNS("1", "gone.yaml", "", "", ""), "", "gone.yaml"},
};

START_TEST(flows_that_cannot_be_run_are_refused_before_anything_is)
{
	const char *input = strstr(unfit[_i].settings, "rows") != NULL ? "input_ids: [1], " : "";

	put_flow("bad.yaml", "", unfit[_i].nodes);
	ck_assert_int_eq(runs(arena_printf(&a,
				 ROWS("1", "manual_input", "2, 3", N, "[1]") RUNS("3", "bad.yaml",
					 "", "%s", "%s") WRITTEN("2", "1", "", "o.csv"),
				 input, unfit[_i].settings)),
		-1);
	ck_assert_msg(strstr(err.text, "node 3 (run_flow)") == err.text, "%s", err.text);
	ck_assert_msg(strstr(err.text, unfit[_i].error) != NULL, "%s\nnot: %s", err.text,
		unfit[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

/* Each runs the next one twice: as many as there are ways, and no more than are allowed. */
START_TEST(flows_that_multiply_are_stopped)
{
	for (int i = 0; i < 12; i++)
		put_flow(arena_printf(&a, "f%d.yaml", i), "",
			arena_printf(&a,
				RUNS("1", "f%d.yaml", "", "", "") RUNS("2", "f%d.yaml", "", "", ""),
				i + 1, i + 1));
	put_flow("f12.yaml", "", ROWS("1", "manual_input", "", N, "[1]"));
	ck_assert_int_eq(runs(RUNS("1", "f0.yaml", "", "", "")), -1);
	ck_assert_msg(
		strstr(err.text, "more than 1000 flows within flows") != NULL, "%s", err.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("subflow");
	TCase *tc = tcase_create("subflow");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, inputs_and_outputs_find_their_ends, 0,
		sizeof(connections) / sizeof(connections[0]));
	tcase_add_loop_test(tc, parameters_are_bound, 0, sizeof(bindings) / sizeof(bindings[0]));
	tcase_add_test(tc, only_what_is_asked_for_is_looked_at);
	tcase_add_test(tc, filters_behind_a_flow_reach_the_files_before_it);
	tcase_add_test(tc, a_flow_is_run_for_each_row);
	tcase_add_test(tc, too_many_rows_are_refused);
	tcase_add_test(tc, what_a_flow_writes_is_written_in_its_turn);
	tcase_add_test(tc, a_flow_that_nobody_reads_is_run_for_what_it_does);
	tcase_add_test(tc, what_fails_in_a_flow_is_said_with_all_nodes_on_the_way);
	tcase_add_loop_test(
		tc, what_is_not_understood_is_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(tc, flows_that_cannot_be_run_are_refused_before_anything_is, 0,
		sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_test(tc, flows_that_multiply_are_stopped);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
