/* Whole flows on the engine: one statement for each output, and files that are whole or as they were. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engine_test.h"
#include "flow/node.h"
#include "flow/run.h"

static char dir[] = "/tmp/test_flow_run.XXXXXX";
static struct duck *d;
static struct plan *plan;
static struct flow *flow;
static struct arena a;

static void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
	plan = NULL;
	flow = NULL;
}

static void
tear_down(void)
{
	char command[128];

	plan_free(plan);
	flow_free(flow);
	duck_close(d);
	arena_free(&a);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
write_text(const char *name, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write_atomic(name, text, strlen(text), 0644, &err), 0);
}

static const char *
text_of(const char *name)
{
	struct err err = ERR_INIT;
	char *text = file_read(name, 1 << 20, NULL, &err), *copy;

	ck_assert_msg(text != NULL, "%s", err.text);
	copy = arena_strdup(&a, text);
	free(text);
	return copy;
}

/* The flow is read and can be run; what follows may fail. */
static void
open_flow(const char *text)
{
	const struct plan_options options = {.duck = d};
	struct err err = ERR_INIT;

	write_text("flow.yaml", text);
	ck_assert_msg(flow_read("flow.yaml", NULL, 0, &flow, &err) == 0, "%s", err.text);
	ck_assert_msg(plan_create(&options, &plan, &err) == 0, "%s", err.text);
	plan_scope(plan, flow, NULL, 0);
}

static int
run_flow(const char *text, int64_t only, struct flow_progress *progress, struct err *err)
{
	const struct flow_run_options options = {.only = only};

	open_flow(text);
	return flow_run(plan, &options, progress, err);
}

#define SALES "country,amount\nNL,5\nBE,7\nNL,\nFR,11\n"
#define READ(id, file, outputs)                                                                    \
	"- {id: " id ", type: read, outputs: [" outputs                                            \
	"], setting_input: {received_file: {path: " file ", file_type: csv}}}\n"
#define OVER(id, from, outputs, more)                                                              \
	"- {id: " id ", type: filter, input_ids: [" from "], outputs: [" outputs "], " more        \
	"setting_input: {split_mode: true, filter_input: {mode: basic, basic_filter: "             \
	"{field: amount, operator: greater_than, value: 6}}}}\n"
#define WRITE(id, from, name)                                                                      \
	"- {id: " id ", type: output, input_ids: [" from                                           \
	"], setting_input: {output_settings: {name: " name ", directory: ., file_type: csv}}}\n"

#define BOTH_SIDES                                                                                 \
	"nodes:\n" READ("1", "sales.csv", "2")                                                     \
		OVER("2", "1", "3, 4", "output_handles: [output-0, output-1], ")                   \
			WRITE("3", "2", "more.csv") WRITE("4", "2", "less.csv")

START_TEST(each_output_gets_its_side_of_a_filter_and_neither_gets_nulls)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	write_text("sales.csv", SALES);
	ck_assert_msg(run_flow(BOTH_SIDES, 0, &progress, &err) == 0, "%s", err.text);
	ck_assert_str_eq(text_of("more.csv"), "country,amount\nBE,7\nFR,11\n");
	ck_assert_str_eq(text_of("less.csv"), "country,amount\nNL,5\n");
	ck_assert_uint_eq(progress.nodes, 4);
	ck_assert_uint_eq(progress.done, 4);
}
END_TEST

START_TEST(one_output_never_touches_the_path_of_another)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	write_text("sales.csv", SALES);
	ck_assert_msg(run_flow("nodes:\n" READ("1", "sales.csv", "2") WRITE("2", "1", "copy.csv")
				       READ("3", "not-there.csv", "4") WRITE("4", "3", "other.csv"),
			      2, &progress, &err) == 0,
		"%s", err.text);
	ck_assert_str_eq(text_of("copy.csv"), SALES);
	ck_assert_int_ne(access("other.csv", F_OK), 0);
	ck_assert_uint_eq(progress.done, 2);
}
END_TEST

/* Nothing of it is run, so that there is nothing to wait for. */
START_TEST(one_output_alone_waits_for_nothing)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	const char *text = "nodes:\n" READ("1", "sales.csv", "3") READ("2", "not-there.csv",
		"3") "- {id: 3, type: wait_for, input_ids: [1], right_input_id: 2, outputs: "
		     "[4]}\n" WRITE("4", "3", "copy.csv");

	write_text("sales.csv", SALES);
	ck_assert_msg(run_flow(text, 4, &progress, &err) == 0, "%s", err.text);
	ck_assert_str_eq(text_of("copy.csv"), SALES);
}
END_TEST

START_TEST(a_flow_that_fails_before_it_writes_leaves_all_files_alone)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	write_text("sales.csv", SALES);
	write_text("copy.csv", "as it was\n");
	ck_assert_int_eq(
		run_flow("nodes:\n" READ("1", "sales.csv", "2") WRITE("2", "1", "copy.csv")
				 READ("3", "not-there.csv", "4") WRITE("4", "3", "other.csv"),
			0, &progress, &err),
		-1);
	ck_assert_ptr_nonnull(strstr(err.text, "node 3 (read): received_file: not-there.csv"));
	ck_assert_str_eq(text_of("copy.csv"), "as it was\n");
	ck_assert_uint_eq(progress.done, 0);
}
END_TEST

/* Types are found in the first 10,000 rows; what comes behind them is no number. */
START_TEST(a_file_that_lies_about_its_types_is_said_with_its_line)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "amount\n");
	for (int i = 0; i < 12000; i++)
		buf_puts(&b, "7\n");
	buf_puts(&b, "many\n");
	write_text("sales.csv", buf_str(&b));
	buf_free(&b);
	write_text("copy.csv", "as it was\n");
	ck_assert_int_eq(
		run_flow("nodes:\n" READ("1", "sales.csv", "2") WRITE("2", "1", "copy.csv"), 0,
			&progress, &err),
		-1);
	ck_assert_msg(
		strstr(err.text, "Line: 12002") != NULL && strstr(err.text, "\"many\"") != NULL,
		"%s", err.text);
	ck_assert_str_eq(text_of("copy.csv"), "as it was\n");
	ck_assert_int_eq(system("test -z \"$(ls | grep part)\""), 0);
}
END_TEST

/* EXPLAIN of a node's statement. */
static const char *
explained(int64_t id)
{
	struct relation *relation;
	struct duck_rows *rows;
	struct err err = ERR_INIT;
	const char *text;

	ck_assert_msg(plan_compile(plan, plan->top, flow_node(flow, id), 0, &relation, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(
		duck_explain(d, arena_printf(&a, "EXPLAIN %s", plan_sql_text(plan, relation)),
			&rows, &err),
		0);
	ck_assert(duck_rows_next(rows));
	text = duck_text_copy(rows, 1, &a);
	duck_rows_free(rows);
	return text;
}

START_TEST(the_filters_of_a_reader_reach_the_scan)
{
	struct err err = ERR_INIT;
	const char *text;

	ck_assert_int_eq(
		duck_exec(d,
			"COPY (SELECT range AS amount, 'x' AS x FROM range(10)) TO 'sales.parquet'",
			NULL, &err),
		0);
	open_flow("nodes:\n"
		  "- {id: 1, type: read, outputs: [2], setting_input: {received_file: {path: "
		  "sales.parquet, file_type: parquet}}}\n" OVER("2", "1", "3", "")
			  OVER("3", "2", "", ""));
	text = explained(3);
	ck_assert_ptr_nonnull(strstr(text, "Filters:"));
	ck_assert_ptr_null(strstr(text, "│           FILTER          │"));
}
END_TEST

START_TEST(what_several_outputs_read_is_computed_once)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	write_text("sales.csv", SALES);
	ck_assert_int_eq(run_flow("nodes:\n" READ("1", "sales.csv", "2") OVER("2", "1", "3, 4", "")
					  WRITE("3", "2", "a.csv") WRITE("4", "2", "b.csv"),
				 0, &progress, &err),
		0);
	ck_assert(plan->top->relations[1 * FLOW_HANDLES_MAX]
			  ->stored); /* the filter, where both begin */
	ck_assert(!plan->top->relations[0]->stored); /* not the file before it */
	ck_assert_str_eq(text_of("a.csv"), text_of("b.csv"));
}
END_TEST

START_TEST(a_path_is_no_pattern)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	write_text("a1b.csv", "x\nother\n");
	write_text("a[1]*.csv", "x\nright\n");
	ck_assert_msg(run_flow("nodes:\n" READ("1", "'a[1]*.csv'", "2") WRITE("2", "1", "o.csv"), 0,
			      &progress, &err) == 0,
		"%s", err.text);
	ck_assert_str_eq(text_of("o.csv"), "x\nright\n");
	plan_free(plan);
	flow_free(flow);
	write_text("a?\\.csv", "x\n");
	err_clear(&err);
	ck_assert_int_eq(run_flow("nodes:\n" READ("1", "'a?\\.csv'", "2") WRITE("2", "1", "o.csv"),
				 0, &progress, &err),
		-1);
	ck_assert_ptr_nonnull(strstr(err.text, "no path with a \\ beside"));
}
END_TEST

START_TEST(columns_that_differ_in_case_only_are_refused)
{
	struct relation *relation;
	struct err err = ERR_INIT;

	open_flow("nodes:\n"
		  "- {id: 1, type: manual_input, setting_input: {raw_data_format: {columns: "
		  "[{name: a, data_type: Int64}, "
		  "{name: A, data_type: String}], data: [[1], [x]]}}}\n");
	ck_assert_int_eq(plan_compile(plan, plan->top, flow_node(flow, 1), 0, &relation, &err), -1);
	ck_assert_ptr_nonnull(
		strstr(err.text, "node 1 (manual_input): the columns a and A differ only in"));
}
END_TEST

static const struct {
	const char *format, *rows;
} manual[] = {
	{"columns: [{name: n, data_type: Int64}, {name: 'a \"b\"', data_type: String}], data: [[1, "
	 "null, '3'], [x, \"it's\", null]]",
		"n,\"a \"\"b\"\"\"\n1,x\n,it's\n3,\n"},
	{"columns: [{name: d, data_type: Date}, {name: f, data_type: Float64}, {name: b, "
	 "data_type: Boolean}], data: [['2024-02-29'], [1.5], [true]]",
		"d,f,b\n2024-02-29,1.5,true\n"},
	{"columns: [{name: été, data_type: String}], data: [['日本']]", "été\n日本\n"},
	{"columns: [{name: n, data_type: Int64}], data: []", "n\n"},
	{"columns: [{name: n, data_type: Int64}], data: [[]]", "n\n"},
};

START_TEST(rows_of_the_flow_itself_are_typed)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a,
		"nodes:\n"
		"- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: "
		"{%s}}}\n" WRITE("2", "1", "o.csv"),
		manual[_i].format);

	ck_assert_msg(run_flow(text, 0, &progress, &err) == 0, "%s", err.text);
	ck_assert_str_eq(text_of("o.csv"), manual[_i].rows);
}
END_TEST

static const struct {
	const char *nodes, *error;
} wrong[] = {
	{"- {id: 1, type: read}\n", "node 1 (read): received_file: it is missing"},
	{"- {id: 1, type: read, setting_input: {received_file: {file_type: csv}}}\n",
		"received_file: path: it is missing"},
	{"- {id: 1, type: read, setting_input: {received_file: {path: ., file_type: csv}}}\n",
		"received_file: . is a folder"},
	{"- {id: 1, type: read, setting_input: {received_file: {path: flow.yaml, file_type: "
	 "odt}}}\n",
		"received_file: file_type: 'odt' is none of csv"},
	{"- {id: 1, type: manual_input}\n", "raw_data_format: columns: there is none"},
	{"- {id: 1, type: manual_input, setting_input: {raw_data_format: {columns: [{name: a, "
	 "data_type: Intt}], data: [[1]]}}}\n",
		"column a: there is no type Intt"},
	{"- {id: 1, type: manual_input, setting_input: {raw_data_format: {columns: [{name: a}], "
	 "data: [[1], [2]]}}}\n",
		"data: 2 lists for 1 columns"},
	{"- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: {columns: "
	 "[{name: a, data_type: Int64}], data: [[1]]}}}\n"
	 "- {id: 2, type: filter, input_ids: [1], setting_input: {filter_input: {mode: basic, "
	 "basic_filter: {field: b}}}}\n",
		"node 2 (filter): filter_input: basic_filter: field: its input has no column b; "
		"there are a"},
	{"- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: {columns: "
	 "[{name: a, data_type: Int64}], data: [[1]]}}}\n"
	 "- {id: 2, type: filter, input_ids: [1], setting_input: {filter_input: {mode: basic, "
	 "basic_filter: {field: a, operator: like}}}}\n",
		"operator: there is no like"},
	{"- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: {columns: "
	 "[{name: a, data_type: Int64}], data: [[1]]}}}\n"
	 "- {id: 2, type: filter, input_ids: [1], setting_input: {filter_input: {mode: basic, "
	 "basic_filter: {field: a, value: x}}}}\n",
		"value: 'x' is no number, and column a holds numbers"},
};

START_TEST(what_is_wrong_is_said_with_node_and_field)
{
	const struct flow_node *last;
	struct relation *relation;
	struct err err = ERR_INIT;

	open_flow(arena_printf(&a, "nodes:\n%s", wrong[_i].nodes));
	last = &flow->nodes[flow->n_nodes - 1];
	ck_assert_int_eq(plan_compile(plan, plan->top, last, 0, &relation, &err), -1);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
}
END_TEST

static const struct {
	const char *type, *operator, * value, *rows;
} filters[] = {
	{"Int64", "equals", "2", "2\n"},
	{"Int64", "!=", "2", "1\n3\n"},
	{"Int64", "greater_than_or_equals", "2", "2\n3\n"},
	{"Int64", "<", "2", "1\n"},
	{"Int64", "in", "'1, 3'", "1\n3\n"},
	{"Int64", "not_in", "'1, 3'", "2\n"},
	{"Int64", "between", "1, value2: 2", "1\n2\n"},
	{"Int64", "is_null", "''", "\n"},
	{"Int64", "is_not_null", "''", "1\n2\n3\n"},
	{"String", "contains", "'2'", "2\n"},
	{"String", "not_contains", "'2'", "1\n3\n"},
	{"String", "starts_with", "'3'", "3\n"},
	{"String", "ends_with", "'%'", ""},
	{"String", "equals", "\"1' OR '1'='1\"", ""},
};

START_TEST(each_operator_of_a_filter)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a,
		"nodes:\n- {id: 1, type: manual_input, outputs: [2], setting_input: "
		"{raw_data_format: {columns: [{name: a, "
		"data_type: %s}], data: [[1, 2, 3, null]]}}}\n"
		"- {id: 2, type: filter, input_ids: [1], outputs: [3], setting_input: "
		"{filter_input: {mode: basic, "
		"basic_filter: {field: a, operator: '%s', value: %s}}}}\n" WRITE("3", "2", "o.csv"),
		filters[_i].type, filters[_i].operator, filters[_i].value);

	ck_assert_msg(run_flow(text, 0, &progress, &err) == 0, "%s", err.text);
	ck_assert_str_eq(text_of("o.csv"), arena_printf(&a, "a\n%s", filters[_i].rows));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flow_run");
	TCase *tc = tcase_create("run");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_output_gets_its_side_of_a_filter_and_neither_gets_nulls);
	tcase_add_test(tc, one_output_never_touches_the_path_of_another);
	tcase_add_test(tc, one_output_alone_waits_for_nothing);
	tcase_add_test(tc, a_flow_that_fails_before_it_writes_leaves_all_files_alone);
	tcase_add_test(tc, a_file_that_lies_about_its_types_is_said_with_its_line);
	tcase_add_test(tc, the_filters_of_a_reader_reach_the_scan);
	tcase_add_test(tc, what_several_outputs_read_is_computed_once);
	tcase_add_test(tc, a_path_is_no_pattern);
	tcase_add_test(tc, columns_that_differ_in_case_only_are_refused);
	tcase_add_loop_test(
		tc, rows_of_the_flow_itself_are_typed, 0, sizeof(manual) / sizeof(manual[0]));
	tcase_add_loop_test(
		tc, what_is_wrong_is_said_with_node_and_field, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_loop_test(tc, each_operator_of_a_filter, 0, sizeof(filters) / sizeof(filters[0]));
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
