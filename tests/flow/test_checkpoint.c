/* Nodes that run a program, on the real engine with real processes. Python code runs with tests/flow/fake, which stands in for Polars. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine_test.h"
#include "flow/checkpoint.h"
#include "flow/node.h"
#include "flow/run.h"

#define PYTHON "/usr/bin/python3"

static char dir[] = "/tmp/test_checkpoint.XXXXXX";
static struct duck *d;
static struct plan *plan;
static struct flow *flow;
static struct arena a;
static struct buf said;
static struct plan_options options;
static struct flow_progress progress;
static bool python_is_ready; /* to begin with */
static struct err err;

static void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("temp", 0700), 0);
	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
	plan = NULL;
	flow = NULL;
	buf_init(&said, 4 << 20);
	options = (struct plan_options){.temp_dir = "temp"};
	python_is_ready = false;
	err_clear(&err);
}

static void
close_flow(void)
{
	plan_free(plan);
	flow_free(flow);
	plan = NULL;
	flow = NULL;
}

static void
tear_down(void)
{
	char command[128];

	close_flow();
	duck_close(d);
	arena_free(&a);
	buf_free(&said);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *
text_of(const char *name)
{
	struct err read_err = ERR_INIT;
	char *text = file_read(name, 1 << 20, NULL, &read_err), *copy;

	ck_assert_msg(text != NULL, "%s", read_err.text);
	copy = arena_strdup(&a, text);
	free(text);
	return copy;
}

static bool
is_there(const char *name)
{
	return access(name, F_OK) == 0;
}

static void
say(void *arg, const char *line)
{
	(void)arg;
	buf_printf(&said, "%s\n", line);
}

static void
open_flow(const char *nodes)
{
	const char *text = arena_printf(&a, "nodes:\n%s", nodes);

	options.duck = d;
	options.say = say;
	ck_assert_int_eq(file_write_atomic("sales.yaml", text, strlen(text), 0644, &err), 0);
	ck_assert_msg(flow_read("sales.yaml", NULL, 0, &flow, &err) == 0, "%s", err.text);
	ck_assert_msg(plan_check(flow, &err) == 0, "%s", err.text);
	ck_assert_msg(plan_create(&options, &plan, &err) == 0, "%s", err.text);
	plan->python_is_ready = python_is_ready;
	plan_scope(plan, flow, NULL, 0);
}

static int
run_flow(const char *nodes)
{
	const struct flow_run_options how = {0};

	open_flow(nodes);
	return flow_run(plan, &how, &progress, &err);
}

static void
run_well(const char *nodes)
{
	ck_assert_msg(run_flow(nodes) == 0, "%s\n%s", err.text, buf_str(&said));
}

static void
run_badly(const char *nodes, const char *error)
{
	ck_assert_int_eq(run_flow(nodes), -1);
	ck_assert_msg(strstr(err.text, error) != NULL, "%s\nnot: %s", err.text, error);
}

static void
ck_said(const char *lines)
{
	ck_assert_msg(
		strstr(buf_str(&said), lines) != NULL, "%.4000s\nnot: %s", buf_str(&said), lines);
}

/* Whoever is killed is gone only a little later, and a zombie where nobody waits for it. */
static bool
is_alive(const char *pid_file)
{
	char path[64], text[512], *state;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", atoi(text_of(pid_file)));
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	state = strrchr(text, ')');
	return state != NULL && state[2] != 'Z';
}

static void
ck_gone(const char *pid_file)
{
	for (int i = 0; i < 1000 && is_alive(pid_file); i++)
		usleep(10000);
	ck_assert_msg(!is_alive(pid_file), "the process of %s lives", pid_file);
}

#define ROWS(outputs)                                                                              \
	"- {id: 1, type: manual_input, outputs: [" outputs                                         \
	"], setting_input: {raw_data_format: {columns: [{name: k, data_type: String}, {name: v, "  \
	"data_type: Int64}], data: [[b, a, null], [2, 1, 5]]}}}\n"
#define COMMAND(id, from, outputs, settings)                                                       \
	"- {id: " id ", type: command, input_ids: [" from "], outputs: [" outputs                  \
	"], setting_input: {" settings "}}\n"
#define WRITE(id, from, name)                                                                      \
	"- {id: " id ", type: output, input_ids: [" from                                           \
	"], setting_input: {output_settings: {name: " name ", directory: ., file_type: csv}}}\n"
/* One command between rows and a file. */
#define ONE(settings) ROWS("2") COMMAND("2", "1", "3", settings) WRITE("3", "2", "o.csv")
#define COPY "cp $FLOWFILE_INPUT $FLOWFILE_OUTPUT"

/* --- what goes in and out ----------------------------------------------------------------------------------- */

static const struct {
	const char *settings, *rows;
} commands[] = {
	{"command: '" COPY "'", "k,v\nb,2\na,1\n,5\n"},
	{"command: 'cp $FLOWFILE_INPUT_1 $FLOWFILE_OUTPUT'", "k,v\nb,2\na,1\n,5\n"},
	{"argv: [sh, -c, 'cp \"$FLOWFILE_INPUT\" \"$FLOWFILE_OUTPUT\"']", "k,v\nb,2\na,1\n,5\n"},
	{"input_format: csv, output_format: csv, command: 'grep -v b $FLOWFILE_INPUT "
	 ">$FLOWFILE_OUTPUT'",
		"k,v\na,1\n,5\n"},
	{"input_format: csv, output_format: csv, stdin: true, stdout: true, command: 'grep -v b'",
		"k,v\na,1\n,5\n"},
	{"input_format: csv, output_format: csv, stdin: true, stdout: true, argv: [sed, 's/,/;,/']",
		"k;,v\nb;,2\na;,1\n;,5\n"},
	{"input_format: csv, output_format: csv, stdin: true, stdout: true, command: 'head -n 1'",
		"k,v\n"},
	{"stdin: true, stdout: true, command: cat", "k,v\nb,2\na,1\n,5\n"},
	{"command: '" COPY "', columns: [{name: v, data_type: Float64}]", "v\n2.0\n1.0\n5.0\n"},
	{"output_format: csv, stdout: true, command: 'echo b,a; echo 01,2', columns: [{name: a, "
	 "data_type: Int64}, {name: b}]",
		"a,b\n2,01\n"},
};

START_TEST(a_command_makes_rows_of_rows)
{
	run_well(arena_printf(&a, ONE("%s"), commands[_i].settings));
	ck_assert_str_eq(text_of("o.csv"), commands[_i].rows);
	ck_assert_uint_eq(progress.done, 3);
}
END_TEST

/* The types of columns go through parquet, and what is behind it is bound to them. */
START_TEST(the_columns_of_its_output_flow_on)
{
	struct relation *relation;

	run_well(ROWS("2") COMMAND("2", "1", "3",
		"command: '" COPY
		"'") "- {id: 3, type: formula, input_ids: [2], outputs: [4], setting_input: "
		     "{function: {field: {name: w}, function: '[v] * 2'}}}\n" WRITE(
			     "4", "3", "o.csv"));
	ck_assert_str_eq(text_of("o.csv"), "k,v,w\nb,2,4\na,1,2\n,5,10\n");
	ck_assert_int_eq(plan_compile(plan, plan->top, flow_node(flow, 2), 0, &relation, &err), 0);
	ck_assert_str_eq(columns_find(&relation->columns, "v")->type, "BIGINT");
}
END_TEST

START_TEST(a_command_without_inputs_is_a_source_and_one_with_many_gets_all)
{
	run_well(ROWS("4") COMMAND("2", "", "4",
		"output_format: csv, command: 'echo x >$FLOWFILE_OUTPUT; echo 7 "
		">>$FLOWFILE_OUTPUT'") COMMAND("4", "1, 2", "5",
		"input_format: csv, output_format: csv, command: 'paste -d, $FLOWFILE_INPUT_1 "
		"$FLOWFILE_INPUT_2 >$FLOWFILE_OUTPUT'") WRITE("5", "4", "o.csv"));
	ck_assert_str_eq(text_of("o.csv"), "k,v,x\nb,2,7\na,1,\n,5,\n");
}
END_TEST

START_TEST(it_learns_who_it_is)
{
	options.run_id = 42;
	ck_assert_int_eq(setenv("FLOWFILE_INPUT_2", "of somebody else", 1), 0);
	run_well(ROWS("2") COMMAND("2", "1", "",
		"stdout: true, command: 'echo $FLOWFILE_RUN_ID $FLOWFILE_FLOW_NAME "
		"$FLOWFILE_NODE_ID ${FLOWFILE_OUTPUT-none} ${FLOWFILE_INPUT:+input} "
		"${FLOWFILE_INPUT_2-none} >who'"));
	unsetenv("FLOWFILE_INPUT_2");
	ck_assert_str_eq(text_of("who"), "42 sales 2 none input none\n");
}
END_TEST

START_TEST(what_it_writes_is_in_the_log)
{
	run_well(ONE("command: 'echo one; " COPY "; echo two >&2; cat; printf three'"));
	ck_said("[node 2] one\n");
	ck_said("[node 2] two\n");
	ck_said("[node 2] three\n");
	ck_said("node 2 (command): 3 rows in ");
}
END_TEST

START_TEST(a_line_without_an_end_is_said_in_pieces_and_much_of_it_stops_nothing)
{
	const char *first;

	run_well(ROWS("2") COMMAND("2", "1", "",
		"command: 'head -c 300000 /dev/zero; head -c 20000 /dev/zero | tr \"\\\\0\" "
		"\"\\\\n\" >&2'"));
	first = strstr(buf_str(&said), "[node 2] ?????");
	ck_assert_ptr_nonnull(first);
	ck_assert_uint_lt(strcspn(first, "\n"), 10000);
	ck_said("node 2 (command): done in ");
}
END_TEST

/* --- how often, and when ------------------------------------------------------------------------------------- */

START_TEST(however_many_outputs_read_it_it_runs_once)
{
	run_well(ROWS("2") COMMAND("2", "1", "3, 4, 5", "command: 'echo ran >>ran; " COPY "'")
			WRITE("3", "2", "a.csv") WRITE("4", "2", "b.csv")
				COMMAND("5", "2", "", "command: 'echo end >>ran'"));
	ck_assert_str_eq(text_of("ran"), "ran\nend\n");
	ck_assert_str_eq(text_of("a.csv"), text_of("b.csv"));
	ck_assert_uint_eq(progress.done, 5);
}
END_TEST

START_TEST(one_that_no_output_needs_is_not_touched_by_the_run_of_one_output)
{
	const struct flow_run_options how = {.only = 2};

	open_flow(ROWS("2, 3") WRITE("2", "1", "o.csv")
			COMMAND("3", "1", "", "command: 'echo ran >>ran'"));
	ck_assert_msg(flow_run(plan, &how, &progress, &err) == 0, "%s", err.text);
	ck_assert(!is_there("ran"));
}
END_TEST

/* What it is for is what it does: it comes when its turn comes, behind outputs before it, and its rows are not missed. */
START_TEST(one_that_nobody_reads_runs_in_its_turn)
{
	run_well(ROWS("2, 3") WRITE("2", "1", "o.csv") COMMAND(
		"3", "1", "", "command: 'cat o.csv >seen; echo x >$FLOWFILE_OUTPUT'"));
	ck_assert_str_eq(text_of("seen"), text_of("o.csv"));
	ck_said("node 3 (command): done in ");
	ck_assert_uint_eq(progress.done, 3);
}
END_TEST

START_TEST(columns_are_asked_of_rows_that_are_there_only)
{
	run_well(ROWS("2") COMMAND("2", "1", "",
		"command: 'echo ran >ran', output_field_config: {enabled: true, fields: [{name: x, "
		"data_type: Int64}]}"));
	ck_assert(is_there("ran"));
}
END_TEST

START_TEST(one_that_only_the_designer_reads_runs_too)
{
	run_well(ROWS("2") COMMAND("2", "1", "3",
		"command: 'echo ran >>ran; " COPY
		"'") "- {id: 3, type: explore_data, input_ids: [2]}\n");
	ck_assert_str_eq(text_of("ran"), "ran\n");
}
END_TEST

START_TEST(one_that_waits_for_an_output_runs_when_it_is_written)
{
	run_well("- {id: 1, type: manual_input, outputs: [2, 3, 5], setting_input: "
		 "{raw_data_format: {columns: [{name: v, data_type: Int64}], data: [[1]]}}}\n"
		 "- {id: 2, type: output, input_ids: [1], outputs: [3], setting_input: "
		 "{output_settings: {name: first.csv, directory: ., file_type: csv}}}\n"
		 "- {id: 3, type: wait_for, input_ids: [1], right_input_id: 2, outputs: "
		 "[4]}\n" COMMAND("4", "3", "6", "command: 'cat first.csv >seen; " COPY "'")
			 WRITE("5", "1", "other.csv") WRITE("6", "4", "o.csv"));
	ck_assert_str_eq(text_of("seen"), "v\n1\n");
	ck_assert_str_eq(text_of("o.csv"), "v\n1\n");
	ck_assert_str_eq(text_of("other.csv"), "v\n1\n");
	ck_assert_uint_eq(progress.done, 6);
}
END_TEST

/* They come before the plan goes on, too, but are no programs: what nobody reads of them is not computed. */
START_TEST(what_we_compute_ourselves_stands_beside_programs)
{
	run_well("- {id: 1, type: manual_input, outputs: [2, 5], setting_input: "
		 "{raw_data_format: {columns: [{name: a, data_type: String}, {name: b, data_type: "
		 "String}], data: [[x, y], [y, z]]}}}\n" COMMAND("2", "1", "3",
			 "command: '" COPY "'") "- {id: 3, type: graph_solver, input_ids: [2], "
						"outputs: [4], setting_input: "
						"{graph_solver_input: {col_from: a, col_to: b, "
						"output_column_name: g}}}\n" WRITE("4", "3",
							"o.csv") "- {id: 5, type: graph_solver, "
								 "input_ids: [1]}\n");
	ck_assert_str_eq(text_of("o.csv"), "a,b,g\nx,y,1\ny,z,1\n");
}
END_TEST

/* By chance, so that a second time would give other rows. */
START_TEST(what_is_before_it_and_read_by_others_is_computed_once)
{
	run_well("- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: "
		 "{columns: [{name: v, data_type: Int64}], data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
		 "11, 12, 13, 14, 15, 16, 17, 18, 19, 20]]}}}\n"
		 "- {id: 2, type: formula, input_ids: [1], outputs: [3, 4], setting_input: "
		 "{function: {field: {name: r}, function: 'random_int(0, 1000000)'}}}\n" COMMAND(
			 "3", "2", "5", "command: '" COPY "'") WRITE("4", "2", "a.csv")
			 WRITE("5", "3", "b.csv"));
	ck_assert_str_eq(text_of("a.csv"), text_of("b.csv"));
}
END_TEST

/* --- how it fails -------------------------------------------------------------------------------------------- */

static const struct {
	const char *settings, *error;
} failures[] = {
	{"command: 'echo no; echo 1 >&2; echo 2 >&2; echo 3 >&2; echo the table is locked >&2; "
	 "exit 3'",
		"node 2 (command): it exited with 3: 2 / 3 / the table is locked"},
	{"command: 'exit 3'", "node 2 (command): it exited with 3"},
	{"command: 'kill -9 $$'", "it was killed by signal 9 (Killed)"},
	{"command: 'nowhere-to-be-found'", "it exited with 127: "},
	{"argv: [nowhere-to-be-found]", "nowhere-to-be-found: No such file"},
	{"argv: [./temp]", "./temp: Permission denied"},
	{"command: 'true'",
		"it wrote no output: the program has to make the file that "
		"$FLOWFILE_OUTPUT names"},
	{"command: 'mkdir $FLOWFILE_OUTPUT'", "its output is no file"},
	{"command: 'true', stdout: true", "its output is empty"},
	{"command: 'echo k,v >$FLOWFILE_OUTPUT'", "its output: "},
	{"command: '" COPY "', columns: [{name: x}]",
		"its output: it has no column x, which columns names; there are k and v"},
	{"command: '" COPY "', columns: [{name: k, data_type: Int64}]",
		"its output: Conversion Error"},
	{"timeout_seconds: 0.1, command: 'echo $$ >pid; echo so far >&2; sleep 600'",
		"it was ended because it took longer than 100ms: so far"},
	{"memory_limit: 64M, command: 'ulimit -v >memory; exit 1'",
		"with at most 64M of memory: it exited with 1"},
};

START_TEST(how_it_fails_is_said_with_its_last_words)
{
	run_badly(arena_printf(&a,
			  ROWS("2, 4") WRITE("4", "1", "before.csv") COMMAND("2", "1", "3", "%s")
				  WRITE("3", "2", "o.csv"),
			  failures[_i].settings),
		failures[_i].error);
	ck_assert_msg(strstr(err.text, "node 2 (command): ") == err.text, "%s", err.text);
	ck_assert(!is_there("before.csv")); /* nothing is written before all is known */
	if (is_there("pid"))
		ck_gone("pid");
	if (is_there("memory"))
		ck_assert_str_eq(text_of("memory"), "65536\n");
	close_flow();
	ck_assert_int_eq(system("test -z \"$(ls temp)\""), 0);
}
END_TEST

static const struct {
	const char *settings, *error;
} wrong[] = {
	{"", "command: it is missing; so is argv"},
	{"command: x, argv: [x]", "command and argv: only one of them can be run"},
	{"command: x, input_format: ipc", "input_format: 'ipc' is none of parquet, csv"},
	{"command: x, timeout_seconds: -1", "timeout_seconds: -1 is not between 0 and"},
	{"command: x, memory_limit: much", "memory_limit: 'much' is no size"},
	{"command: x, columns: [{data_type: Int64}]", "columns[0]: name: it is missing"},
	{"command: x, columns: [{name: a, data_type: Intt}]", "columns: a: there is no type Intt"},
	{"command: x, stdout: maybe", "stdout: neither true nor false"},
};

START_TEST(wrong_settings_are_refused_before_anything_runs)
{
	run_badly(arena_printf(&a,
			  ROWS("2") COMMAND("2", "1", "3", "command: 'echo ran >>ran; " COPY "'")
				  WRITE("3", "2", "o.csv") COMMAND("4", "", "", "%s"),
			  wrong[_i].settings),
		arena_printf(&a, "node 4 (command): %s", wrong[_i].error));
	ck_assert(!is_there("ran"));
}
END_TEST

/* --- how it ends ---------------------------------------------------------------------------------------------- */

START_TEST(what_it_leaves_behind_is_ended_with_it)
{
	run_well(ONE("command: 'sleep 600 & echo $! >pid; " COPY "'"));
	ck_gone("pid");
}
END_TEST

/* Once the file is there, as the signal's thread does it. */
static void *
interrupt(void *arg)
{
	for (int i = 0; i < 3000 && !is_there("begun"); i++)
		usleep(10000);
	duck_interrupt(arg);
	return NULL;
}

static const char *const stubborn[] = {
	"sleep 600 & echo $! >pid; echo >begun; wait",
	"trap \"\" TERM; sleep 600 & echo $! >pid; echo >begun; wait; sleep 600",
	"trap \"echo >ended; exit\" TERM; sleep 600 & echo $! >pid; echo >begun; wait",
	"echo $$ >pid; echo >begun; kill -STOP $$",
};

START_TEST(a_run_that_is_told_to_end_ends_it_too)
{
	pthread_t thread;

	options.grace_ms = 300;
	ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, d), 0);
	run_badly(arena_printf(&a, ONE("command: '%s'"), stubborn[_i]), "interrupted");
	pthread_join(thread, NULL);
	ck_assert_str_eq(err.text, "interrupted");
	ck_gone("pid");
	ck_assert_int_eq(is_there("ended"), _i == 2);
	ck_assert(!is_there("o.csv"));
	close_flow();
	ck_assert_int_eq(system("test -z \"$(ls temp)\""), 0);
}
END_TEST

/* --- without a run --------------------------------------------------------------------------------------------- */

START_TEST(a_plan_goes_as_far_as_columns_are_known)
{
	struct relation *relation;

	options.explains = true;
	open_flow(ONE("command: 'echo >ran'"));
	ck_assert_int_eq(plan_compile(plan, plan->top, flow_node(flow, 3), 0, &relation, &err), -1);
	ck_assert_str_eq(err.text,
		"node 2 (command): it runs a program, and its columns are known only in a run; say "
		"them in columns to see the plan behind it");
	ck_assert(!checkpoint_has_columns(flow_node(flow, 2)));
}
END_TEST

START_TEST(columns_that_it_says_carry_a_plan_further)
{
	struct relation *relation;

	options.explains = true;
	open_flow(ONE("command: 'echo >ran', columns: [{name: x, data_type: Date}]"));
	ck_assert_msg(plan_compile(plan, plan->top, flow_node(flow, 3), 0, &relation, &err) == 0,
		"%s", err.text);
	ck_assert(checkpoint_has_columns(flow_node(flow, 2)));
	ck_assert_uint_eq(relation->columns.n, 1);
	ck_assert_str_eq(relation->columns.items[0].type, "DATE");
	ck_assert_str_eq(plan_sql_text(plan, relation), "SELECT * FROM n2");
	ck_assert(!is_there("ran"));
}
END_TEST

/* --- Python ------------------------------------------------------------------------------------------------------ */

static void
set_up_python(void)
{
	set_up();
	if (access(PYTHON, X_OK) == 0)
		options.python =
			PYTHON; /* what PATH has may be a script that looks for the real one */
	python_is_ready = true;
	setenv("PYTHONPATH", FAKE, 1);
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
}

static void
tear_down_python(void)
{
	unsetenv("PYTHONPATH");
	tear_down();
}

#define POLARS(id, from, outputs, code)                                                            \
	"- {id: " id ", type: polars_code, input_ids: [" from "], outputs: [" outputs              \
	"], setting_input: {polars_code_input: {polars_code: \"" code "\"}}}\n"
#define SCRIPT(id, from, outputs, more, code)                                                      \
	"- {id: " id ", type: python_script, input_ids: [" from "], outputs: [" outputs            \
	"], setting_input: {" more "python_script_input: {code: \"" code "\"}}}\n"

static const struct {
	const char *code, *rows;
} transforms[] = {
	{"output_df = input_df.filter(pl.col('v') > 1)", "k,v\nb,2\n,5\n"},
	{"input_df.filter(col('v') > lit(1))", "k,v\nb,2\n,5\n"},
	{"# a comment\\nx = input_df\\nx.filter(pl.col('v') > 1)", "k,v\nb,2\n,5\n"},
	{"  more = input_df.with_columns((pl.col('v') * 10).alias('w'))\\n  output_df = "
	 "more.collect()",
		"k,v,w\nb,2,20\na,1,10\n,5,50\n"},
	{"if True:\\n  return input_df.filter(pl.col('v') > 4)\\noutput_df = input_df",
		"k,v\n,5\n"},
	{"import json\\nn = json.loads('[4]')[0]\\noutput_df = input_df.filter(pl.col('v') > n)",
		"k,v\n,5\n"},
	{"pl.LazyFrame({'größe': [1, 2]})", "größe\n1\n2\n"},
};

START_TEST(polars_code_makes_output_df_of_input_df)
{
	run_well(arena_printf(&a, ROWS("2") POLARS("2", "1", "3", "%s") WRITE("3", "2", "o.csv"),
		transforms[_i].code));
	ck_assert_str_eq(text_of("o.csv"), transforms[_i].rows);
}
END_TEST

START_TEST(polars_code_of_several_inputs_or_none)
{
	python_is_ready = false; /* and it is */
	run_well(POLARS("1", "", "3", "output_df = pl.LazyFrame({'v': [1]})") POLARS(
		"2", "", "3", "pl.DataFrame({'v': [2]})") POLARS("3", "1, 2", "4",
		"output_df = pl.concat([input_df_2, input_df_1])") WRITE("4", "3", "o.csv"));
	ck_assert_str_eq(text_of("o.csv"), "v\n2\n1\n");
}
END_TEST

#define SCRIPTED(more, code)                                                                       \
	ROWS("3")                                                                                  \
	"- {id: 2, type: manual_input, node_reference: orders, outputs: [3], setting_input: "      \
	"{raw_data_format: {columns: [{name: k, data_type: String}, {name: v, data_type: "         \
	"Int64}], data: [[z], [9]]}}}\n" SCRIPT(                                                   \
		"3", "1, 2", "4", more, "import polars as pl\\n" code) WRITE("4", "3", "o.csv")

static const struct {
	const char *code, *rows, *said;
} scripts[] = {
	{"flowfile_ctx.publish_output(flowfile_ctx.read_input('orders'))", "k,v\nz,9\n", ""},
	{"flowfile_ctx.publish_output(flowfile_ctx.read_input('df_1').collect())",
		"k,v\nb,2\na,1\n,5\n", ""},
	{"flowfile_ctx.publish_output(flowfile_ctx.read_input())", "k,v\nb,2\na,1\n,5\nz,9\n", ""},
	{"flowfile_ctx.publish_output(flowfile_ctx.read_first())", "k,v\nb,2\na,1\n,5\n", ""},
	{"flowfile.publish_output(flowfile.read_inputs()['orders'][0])", "k,v\nz,9\n", ""},
	{"print('no output')\\nflowfile_ctx.log_info('said')", "k,v\nb,2\na,1\n,5\n",
		"[node 3] no output\n[node 3] INFO: said\n"},
	{"flowfile_ctx.publish_output(flowfile_ctx.read_input('orders'))\\nraise SystemExit(0)",
		"k,v\nz,9\n", ""},
};

START_TEST(a_script_reads_its_inputs_and_publishes_its_output)
{
	run_well(arena_printf(&a, SCRIPTED("", "%s"), scripts[_i].code));
	ck_assert_str_eq(text_of("o.csv"), scripts[_i].rows);
	ck_said(scripts[_i].said);
}
END_TEST

START_TEST(each_output_of_a_script_has_a_handle)
{
	run_well(ROWS(
		"2") "- {id: 2, type: python_script, input_ids: [1], outputs: [3, 4, 5], "
		     "output_handles: [output-0, output-1, output-0], setting_input: "
		     "{output_names: [low, high], python_script_input: {code: \"import polars as "
		     "pl\\nprint('ran')\\ndf = flowfile_ctx.read_input()\\n"
		     "flowfile_ctx.publish_output(df.filter(pl.col('v') > 1), 'high')\\n"
		     "flowfile_ctx.publish_output(df, name='low')\"}}}\n" WRITE("3", "2", "low.csv")
			     WRITE("4", "2", "high.csv") WRITE("5", "2", "o.csv"));
	ck_assert_str_eq(text_of("low.csv"), "k,v\nb,2\na,1\n,5\n");
	ck_assert_str_eq(text_of("high.csv"), "k,v\nb,2\n,5\n");
	ck_assert_str_eq(text_of("o.csv"), text_of("low.csv"));
	ck_assert_ptr_null(strstr(strstr(buf_str(&said), "] ran\n") + 1, "] ran\n"));
}
END_TEST

static const struct {
	const char *type, *code, *error, *said;
} python_failures[] = {
	{"polars", "x = 1\\n\\noutput_df = input_df + no_such",
		"node 2 (polars_code): line 3: NameError: name 'no_such' is not defined",
		"[node 2]   File \"<node 2>\", line 3, in transform\n[node 2]     output_df = "
		"input_df "
		"+ no_such\n"},
	{"polars", "x = 1\\nif x\\n  y", "node 2 (polars_code): line 2: SyntaxError: ", ""},
	{"polars", "x = 1", "node 2 (polars_code): it sets no output_df", ""},
	{"polars", "output_df = 5", "a frame of Polars is wanted, not int", ""},
	{"polars", "output_df = input_df.filter(pl.col('x') > 1)",
		"node 2 (polars_code): ColumnNotFoundError: ", ""},
	{"script", "def f(n):\\n  return 1 / n\\n\\nf(0)",
		"node 2 (python_script): line 2: ZeroDivisionError: division by zero",
		"[node 2]   File \"<node 2>\", line 4, in <module>\n[node 2]     f(0)\n"},
	{"script", "flowfile_ctx.read_input('x')",
		"line 1: KeyError: \"there is no input 'x'; there are ['df_1', 'main']\"", ""},
	{"script", "flowfile_ctx.publish_artifact('m', 1)",
		"line 1: AttributeError: flowfile_ctx.publish_artifact is there in a kernel of "
		"Flowfile only",
		""},
	{"script", "flowfile_ctx.publish_output(flowfile_ctx.read_input(), 'mian')",
		"it published ['mian'], and the node's outputs are ['main']", "'mian' is none of"},
	{"script", "raise SystemExit('enough')", "line 1: SystemExit: enough", ""},
	{"script", "import os\\nos._exit(4)", "it exited with 4", ""},
};

START_TEST(what_is_wrong_in_code_is_said_with_its_line)
{
	const char *node = strcmp(python_failures[_i].type, "polars") == 0
		? POLARS("2", "1", "3", "%s")
		: SCRIPT("2", "1", "3", "", "%s");

	run_badly(
		arena_printf(&a, "%s%s%s", ROWS("2"),
			arena_printf(&a, node, python_failures[_i].code), WRITE("3", "2", "o.csv")),
		python_failures[_i].error);
	ck_said(python_failures[_i].said);
}
END_TEST

static const struct {
	const char *nodes, *error;
} python_wrong[] = {
	{"- {id: 2, type: polars_code}\n",
		"node 2 (polars_code): polars_code_input: polars_code: it is missing"},
	{"- {id: 2, type: python_script}\n",
		"node 2 (python_script): python_script_input: code: it is missing"},
	{SCRIPT("2", "", "", "output_names: [a, a], ", "x"), "output_names: 'a' is there twice"},
	{SCRIPT("2", "", "", "output_names: [../a], ", "x"), "output_names: '../a' is not made of"},
	{SCRIPT("2", "", "", "output_names: [a,b,c,d,e,f,g,h,i,j,k], ", "x"),
		"output_names: there are 11 of them; 10 can be"},
};

START_TEST(wrong_settings_of_code_are_refused_before_anything_runs)
{
	run_badly(arena_printf(&a, "%s%s", python_wrong[_i].nodes,
			  COMMAND("3", "", "4", "command: 'echo ran >>ran'")
				  WRITE("4", "3", "o.csv")),
		python_wrong[_i].error);
	ck_assert(!is_there("ran"));
}
END_TEST

#define BEHIND_A_COMMAND                                                                           \
	COMMAND("1", "", "2", "command: 'echo ran >>ran'")                                         \
	POLARS("2", "1", "3", "input_df") WRITE("3", "2", "o.csv")

START_TEST(an_interpreter_without_polars_is_said_before_anything_runs)
{
	options.python = NULL;
	python_is_ready = false;
	setenv("PYTHONPATH", "/nowhere", 1);
	if (system("python3 -c 'import polars' 2>/dev/null") == 0)
		return; /* here is one with it */
	run_badly(BEHIND_A_COMMAND,
		"node 2 (polars_code): it is Python code, and python3 cannot import polars: pip "
		"install polars, or name an interpreter that has it with the option python");
	ck_assert(strstr(err.text, "No module named 'polars'") != NULL);
	ck_assert(!is_there("ran"));
}
END_TEST

START_TEST(an_interpreter_that_is_not_there_is_said_before_anything_runs)
{
	options.python = "/nowhere/python";
	python_is_ready = false;
	run_badly(BEHIND_A_COMMAND,
		"node 2 (polars_code): it is Python code, and there is no /nowhere/python: ");
	ck_assert(!is_there("ran"));
}
END_TEST

static void
add_python(Suite *suite)
{
	TCase *python = tcase_create("python");

	tcase_add_checked_fixture(python, set_up_python, tear_down_python);
	tcase_set_timeout(python, 60);
	tcase_add_loop_test(
		python, polars_code_makes_output_df_of_input_df, 0, ARRAY_LEN(transforms));
	tcase_add_test(python, polars_code_of_several_inputs_or_none);
	tcase_add_loop_test(
		python, a_script_reads_its_inputs_and_publishes_its_output, 0, ARRAY_LEN(scripts));
	tcase_add_test(python, each_output_of_a_script_has_a_handle);
	tcase_add_loop_test(
		python, what_is_wrong_in_code_is_said_with_its_line, 0, ARRAY_LEN(python_failures));
	tcase_add_loop_test(python, wrong_settings_of_code_are_refused_before_anything_runs, 0,
		ARRAY_LEN(python_wrong));
	tcase_add_test(python, an_interpreter_without_polars_is_said_before_anything_runs);
	tcase_add_test(python, an_interpreter_that_is_not_there_is_said_before_anything_runs);
	suite_add_tcase(suite, python);
}

int
main(void)
{
	Suite *suite = suite_create("checkpoint");
	TCase *tc = tcase_create("command");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_command_makes_rows_of_rows, 0, ARRAY_LEN(commands));
	tcase_add_test(tc, the_columns_of_its_output_flow_on);
	tcase_add_test(tc, a_command_without_inputs_is_a_source_and_one_with_many_gets_all);
	tcase_add_test(tc, it_learns_who_it_is);
	tcase_add_test(tc, what_it_writes_is_in_the_log);
	tcase_add_test(tc, a_line_without_an_end_is_said_in_pieces_and_much_of_it_stops_nothing);
	tcase_add_test(tc, however_many_outputs_read_it_it_runs_once);
	tcase_add_test(tc, one_that_no_output_needs_is_not_touched_by_the_run_of_one_output);
	tcase_add_test(tc, one_that_nobody_reads_runs_in_its_turn);
	tcase_add_test(tc, columns_are_asked_of_rows_that_are_there_only);
	tcase_add_test(tc, one_that_only_the_designer_reads_runs_too);
	tcase_add_test(tc, one_that_waits_for_an_output_runs_when_it_is_written);
	tcase_add_test(tc, what_we_compute_ourselves_stands_beside_programs);
	tcase_add_test(tc, what_is_before_it_and_read_by_others_is_computed_once);
	tcase_add_loop_test(tc, how_it_fails_is_said_with_its_last_words, 0, ARRAY_LEN(failures));
	tcase_add_loop_test(
		tc, wrong_settings_are_refused_before_anything_runs, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, what_it_leaves_behind_is_ended_with_it);
	tcase_add_loop_test(tc, a_run_that_is_told_to_end_ends_it_too, 0, ARRAY_LEN(stubborn));
	tcase_add_test(tc, a_plan_goes_as_far_as_columns_are_known);
	tcase_add_test(tc, columns_that_it_says_carry_a_plan_further);
	suite_add_tcase(suite, tc);
	if (system("command -v python3 >/dev/null 2>&1") == 0)
		add_python(suite);
	return engine_test_run(suite);
}
