/* Nodes that run a program: files of the inputs, the program, files of the outputs. */
#include "flow/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "flow/child.h"
#include "nodes.h"
#include "program.h"

#define FAILURE_MAX (64 * 1024)

/* What the kinds differ in. */
struct family {
	const char *type;
	int (*take)(const struct flow_node *node, struct arena *a, struct program *out,
		struct err *err);
	int (*check)(struct plan *plan, struct err *err); /* may be NULL */
	int (*prepare)(struct program_run *run, struct err *err);
};

static const struct family families[] = {
	{"command", command_take, NULL, command_prepare},
	{"polars_code", polars_code_take, python_check, python_prepare},
	{"python_script", python_script_take, python_check, python_prepare},
};

static const struct family *
family_of(const struct flow_node *node)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (strcmp(families[i].type, node->kind->type) == 0)
			return &families[i];
	return NULL;
}

bool
checkpoint_is_program(const struct flow_node *node)
{
	return family_of(node) != NULL;
}

int
checkpoint_check(
	struct plan *plan, const struct scope *scope, const struct flow_node *node, struct err *err)
{
	const struct family *family = family_of(node);
	struct program program;

	if (family->take(node, &plan->arena, &program, err) == 0 &&
		(plan->explains || family->check == NULL || family->check(plan, err) == 0))
		return 0;
	return plan_node_failed(plan, scope, node, err);
}

bool
checkpoint_has_columns(const struct flow_node *node)
{
	return cJSON_GetArraySize(setting_array(node->settings, "columns")) > 0;
}

/* --- the program ------------------------------------------------------------------------------------------------ */

struct log {
	struct plan *plan;
	const char *title; /* NULL: nothing is said */
};

static void
say_line(void *arg, const char *line)
{
	const struct log *log = arg;

	if (log->title != NULL)
		plan_say(log->plan, "[%s] %s", log->title, line);
}

static bool
is_told_to_end(void *arg)
{
	const struct log *log = arg;

	return duck_interrupted(log->plan->duck);
}

int
program_start(
	struct plan *plan, const char *title, const struct child_options *options, struct err *err)
{
	struct log log = {plan, title};
	struct child_options all = *options;

	all.is_told_to_end = is_told_to_end;
	all.say = say_line;
	all.arg = &log;
	all.grace_ms = plan->grace_ms;
	return child_run(&all, err);
}

/* Python code says itself what is wrong with it. */
static void
take_failure(const struct program_run *run, struct err *err)
{
	struct err ignored = ERR_INIT;
	char *text =
		run->failure != NULL ? file_read(run->failure, FAILURE_MAX, NULL, &ignored) : NULL;

	if (text != NULL && *text != '\0' && !duck_interrupted(run->plan->duck))
		err_set(err, ERR_FAILED, "%s", text);
	free(text);
}

static int
run_program(const struct program_run *run, struct err *err)
{
	const struct program *program = run->program;
	const struct child_options options = {
		.argv = run->argv,
		.env = run->env,
		.stdin_path = program->takes_stdin ? run->inputs[0] : NULL,
		.stdout_path = program->gives_stdout ? run->outputs[0] : NULL,
		.timeout_ms = program->timeout_ms,
		.memory_max_bytes = program->memory_max_bytes,
	};

	if (program_start(run->plan,
		    arena_printf(
			    &run->plan->arena, "%snode %" PRId64, run->scope->title, run->node->id),
		    &options, err) == 0)
		return 0;
	take_failure(run, err);
	return -1;
}

/* --- what goes in ------------------------------------------------------------------------------------------------- */

static const char *const suffixes[] = {".parquet", ".csv"};

static int
write_input(
	struct compiler *c, enum file_format format, size_t i, const char *path, struct err *err)
{
	struct relation *input = c->in[i];
	struct buf sql;
	int rc;

	/* Read by others too: both go on from the same rows, which are computed once. */
	if (input->node != NULL && input->node->n_readers > 1 && node_store(c, input, err) < 0)
		return -1;
	node_begin_sql(&sql);
	buf_puts(&sql, "COPY (");
	plan_sql(c->plan, input, &sql);
	buf_puts(&sql, "\n) TO ");
	sql_text(&sql, path);
	buf_puts(&sql, format == FORMAT_CSV ? " (FORMAT csv, HEADER true)" : " (FORMAT parquet)");
	rc = duck_exec(c->plan->duck, buf_str(&sql), NULL, err);
	buf_free(&sql);
	return rc == 0 ? 0 : err_prefix(err, "its input %zu", i + 1);
}

static int
write_inputs(struct compiler *c, struct program_run *run, struct err *err)
{
	enum file_format format = run->program->reads;

	run->inputs = arena_array(c->arena, c->n_in + 1, sizeof(*run->inputs));
	for (size_t i = 0; i < c->n_in; i++) {
		run->inputs[i] = plan_file(c->plan, suffixes[format], err);
		if (run->inputs[i] == NULL || write_input(c, format, i, run->inputs[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
name_outputs(struct compiler *c, struct program_run *run, struct err *err)
{
	const struct program *program = run->program;

	run->outputs = arena_array(c->arena, program->n_outputs, sizeof(*run->outputs));
	for (size_t i = 0; i < program->n_outputs; i++) {
		run->outputs[i] = plan_file(c->plan, suffixes[program->writes], err);
		if (run->outputs[i] == NULL)
			return -1;
	}
	return 0;
}

/* --- what comes out ----------------------------------------------------------------------------------------------- */

/* The file as a call; with the columns that it says it has, CSV is taken as text. */
static const char *
scan_of(struct compiler *c, const struct program *program, const char *path)
{
	const char *file = sql_literal(c->arena, sql_pattern(c->arena, path));

	if (program->writes == FORMAT_PARQUET)
		return arena_printf(c->arena, "read_parquet(%s)", file);
	return arena_printf(c->arena,
		"read_csv(%s, delim = ',', quote = '\"', escape = '\"', header = true, %s)", file,
		program->columns.n > 0 ? "all_varchar = true" : "sample_size = -1");
}

/* The columns that it says it has, in their order and with their types. */
static int
select_columns(struct compiler *c, const struct columns *wanted, const char *scan, const char **sql,
	struct err *err)
{
	const char *all = arena_printf(c->arena, "SELECT * FROM %s", scan), *list = "";
	struct columns there;

	if (duck_describe(c->plan->shapes, all, c->arena, &there, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted->n; i++) {
		const struct column *column = &wanted->items[i];
		const char *name = sql_quoted(c->arena, column->name);

		if (columns_find(&there, column->name) == NULL)
			return err_set(err, ERR_FAILED,
				"it has no column %s, which columns names; there are %s",
				column->name, columns_list(&there, c->arena));
		list = arena_printf(c->arena, "%s%sCAST(%s AS %s) AS %s", list, i > 0 ? ", " : "",
			name, column->type, name);
	}
	*sql = arena_printf(c->arena, "SELECT %s FROM %s", list, scan);
	return 0;
}

static struct relation *
output_of(const struct compiler *c, int handle)
{
	return c->scope->relations[(size_t)(c->node - c->scope->flow->nodes) * FLOW_HANDLES_MAX +
		(size_t)handle];
}

/* Rows as a table: what is wrong with them shows here and not in those who read them. */
static int
keep_rows(struct compiler *c, struct relation *relation, const char *rest, struct err *err)
{
	const char *sql = arena_printf(
		c->arena, "CREATE TEMP TABLE %s AS %s%s", relation->name, relation->sql, rest);

	if (duck_exec(c->plan->duck, sql, NULL, err) < 0)
		return -1;
	relation->stored = true;
	return 0;
}

static int
emit_file(struct compiler *c, const struct program_run *run, size_t i, struct err *err)
{
	const struct program *program = run->program;
	const char *scan = scan_of(c, program, run->outputs[i]);
	const char *sql = arena_printf(c->arena, "SELECT * FROM %s", scan);
	bool is_plain = program->writes == FORMAT_PARQUET && program->columns.n == 0;

	if ((program->columns.n > 0 && select_columns(c, &program->columns, scan, &sql, err) < 0) ||
		node_emit(c, (int)i, sql, err) < 0)
		return err_prefix(err, "its output");
	node_set_scan(c, (int)i, is_plain);
	if (is_plain || keep_rows(c, output_of(c, (int)i), "", err) == 0)
		return 0;
	return err_prefix(err, "its output");
}

static int
check_there(const struct program_run *run, size_t i, bool *there, struct err *err)
{
	struct stat sb;

	*there = stat(run->outputs[i], &sb) == 0;
	if (!*there)
		return 0;
	if (!S_ISREG(sb.st_mode))
		return err_set(err, ERR_FAILED, "its output is no file");
	if (sb.st_size == 0 && run->node->n_readers > 0)
		return err_set(
			err, ERR_FAILED, "its output is empty, without even names of columns");
	*there = sb.st_size > 0;
	return 0;
}

/* It ended well and wrote nothing. */
static int
emit_nothing(struct compiler *c, const struct program *program, struct err *err)
{
	if (program->passes_on && c->n_in > 0)
		return node_emit_input(c, 0, 0);
	if (program->code != NULL)
		return err_set(err, ERR_FAILED, "it published no output, and others read it");
	return err_set(err, ERR_FAILED,
		"it wrote no output: the program has to make the file that $FLOWFILE_OUTPUT names, "
		"or, with stdout: true, to write it on standard output");
}

static int
emit_outputs(struct compiler *c, const struct program_run *run, struct err *err)
{
	size_t n = 0, n_in = c->n_in;
	bool there;

	if (c->node->n_readers == 0)
		return 0; /* it was run for what it does */
	c->n_in = 0; /* a file needs nothing any more */
	for (size_t i = 0; i < run->program->n_outputs; i++) {
		if (check_there(run, i, &there, err) < 0 ||
			(there && emit_file(c, run, i, err) < 0))
			return -1;
		n += there;
	}
	c->n_in = n_in;
	return n > 0 ? 0 : emit_nothing(c, run->program, err);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

/* The engine does not know that it has no rows, or its plan would be about that. */
static int
emit_columns(struct compiler *c, const struct columns *columns, struct err *err)
{
	const char *list = "";

	if (columns->n == 0)
		return err_set(err, ERR_USAGE,
			"it runs a program, and its columns are known only in a run%s",
			strcmp(c->node->kind->type, "command") == 0
				? "; say them in columns to see the plan behind it"
				: "");
	for (size_t i = 0; i < columns->n; i++)
		list = arena_printf(c->arena, "%s%sCAST(NULL AS %s) AS %s", list, i > 0 ? ", " : "",
			columns->items[i].type, sql_quoted(c->arena, columns->items[i].name));
	c->n_in = 0;
	if (node_emit(c, 0, arena_printf(c->arena, "SELECT %s", list), err) < 0)
		return -1;
	return keep_rows(c, output_of(c, 0), " LIMIT 0", err);
}

static int
say_done(struct compiler *c, struct boottime begin, struct err *err)
{
	const struct relation *output = output_of(c, 0);
	char took[TIMEFMT_SIZE];
	int64_t rows;

	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (output == NULL || output->node != c->node) {
		plan_say(c->plan, "%s: done in %s", plan_node_name(c->plan, c->scope, c->node),
			took);
		return 0;
	}
	if (duck_number(c->plan->duck,
		    arena_printf(c->arena, "SELECT count(*) FROM (%s)",
			    plan_sql_text(c->plan, output_of(c, 0))),
		    &rows, err) < 0)
		return err_prefix(err, "its output");
	plan_say(c->plan, "%s: %" PRId64 " rows in %s", plan_node_name(c->plan, c->scope, c->node),
		rows, took);
	return 0;
}

static void
remove_inputs(struct compiler *c, const struct program_run *run)
{
	for (size_t i = 0; i < c->n_in; i++)
		unlink(run->inputs[i]);
}

int
node_checkpoint(struct compiler *c, struct err *err)
{
	const struct family *family = family_of(c->node);
	struct boottime begin = clock_boot(&clock_real);
	struct program program;
	struct program_run run = {
		.plan = c->plan, .scope = c->scope, .node = c->node, .program = &program};

	if (family->take(c->node, c->arena, &program, err) < 0)
		return -1;
	if (c->plan->explains)
		return emit_columns(c, &program.columns, err);
	if (family->check != NULL && family->check(c->plan, err) < 0)
		return -1;
	if (write_inputs(c, &run, err) < 0 || name_outputs(c, &run, err) < 0 ||
		family->prepare(&run, err) < 0 || run_program(&run, err) < 0)
		return -1;
	remove_inputs(c, &run);
	if (emit_outputs(c, &run, err) < 0)
		return -1;
	return say_done(c, begin, err);
}
