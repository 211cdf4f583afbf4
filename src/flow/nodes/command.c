/* The settings of a command, which are ours: Flowfile has no such node. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "program.h"

#define TIMEOUT_MAX_S (100.0 * 366 * 86400)

static const char *const formats[] = {"parquet", "csv", NULL};

/* A text is the shell's; a list is run as it is. */
static int
take_argv(const cJSON *settings, struct arena *a, struct program *out, struct err *err)
{
	const char *command, **argv;
	size_t n;

	if (setting_text(settings, "command", NULL, a, &command, err) < 0 ||
		setting_texts(settings, "argv", a, &argv, &n, err) < 0)
		return -1;
	if (command != NULL && *command == '\0')
		command = NULL;
	if ((command != NULL) == (n > 0))
		return err_set(err, ERR_USAGE,
			command != NULL ? "command and argv: only one of them can be run"
					: "command: it is missing; so is argv");
	if (command != NULL) {
		argv = arena_array(a, 4, sizeof(*argv));
		argv[0] = "/bin/sh";
		argv[1] = "-c";
		argv[2] = command;
	}
	out->argv = argv;
	return 0;
}

static int
take_columns(const cJSON *settings, struct arena *a, struct columns *out, struct err *err)
{
	const cJSON *columns = setting_array(settings, "columns"), *column;
	const char *name, *type, *engine;

	cJSON_ArrayForEach(column, columns)
	{
		if (setting_required(column, "name", a, &name, err) < 0 ||
			setting_text(column, "data_type", "String", a, &type, err) < 0)
			return err_prefix(err, "columns[%zu]", out->n);
		engine = type_from_polars(type, a);
		if (engine == NULL)
			return err_set(
				err, ERR_USAGE, "columns: %s: there is no type %s", name, type);
		columns_add(out, a, name, engine);
	}
	return 0;
}

static int
take_limits(const cJSON *settings, struct arena *a, struct program *out, struct err *err)
{
	const char *memory;
	double timeout;

	if (setting_double(settings, "timeout_seconds", 0, TIMEOUT_MAX_S, 0, &timeout, err) < 0 ||
		setting_text(settings, "memory_limit", "0", a, &memory, err) < 0)
		return -1;
	if (!size_parse(memory, &out->memory_max_bytes))
		return err_set(err, ERR_USAGE,
			"memory_limit: '%s' is no size; say it in bytes, or as 512M or 2G", memory);
	out->timeout_ms = (int64_t)(timeout * 1000);
	if (timeout > 0 && out->timeout_ms == 0)
		out->timeout_ms = 1;
	return 0;
}

int
command_take(const struct flow_node *node, struct arena *a, struct program *out, struct err *err)
{
	static const char *const outputs[] = {"main"};
	const cJSON *settings = node->settings;
	int reads, writes;

	*out = (struct program){.outputs = outputs, .n_outputs = 1};
	if (take_argv(settings, a, out, err) < 0 ||
		setting_word(settings, "input_format", formats, FORMAT_PARQUET, a, &reads, err) <
			0 ||
		setting_word(settings, "output_format", formats, FORMAT_PARQUET, a, &writes, err) <
			0 ||
		setting_bool(settings, "stdin", false, &out->takes_stdin, err) < 0 ||
		setting_bool(settings, "stdout", false, &out->gives_stdout, err) < 0 ||
		take_columns(settings, a, &out->columns, err) < 0 ||
		take_limits(settings, a, out, err) < 0)
		return -1;
	if (out->takes_stdin && node->n_inputs == 0)
		return err_set(err, ERR_USAGE, "stdin: the node has no input");
	out->reads = (enum file_format)reads;
	out->writes = (enum file_format)writes;
	return 0;
}

/* Those of a flow that runs this one as a command are not its own. Returns how many there are, and adds them where env is not NULL. */
static size_t
add_foreign(struct arena *a, const char **env)
{
	size_t n = 0;

	for (char **e = environ; *e != NULL; e++)
		if (text_starts(*e, "FLOWFILE_INPUT") || text_starts(*e, "FLOWFILE_OUTPUT")) {
			if (env != NULL)
				env[n] = arena_printf(a, "%.*s", (int)strcspn(*e, "="), *e);
			n++;
		}
	return n;
}

int
command_prepare(struct program_run *run, struct err *err)
{
	struct arena *a = &run->plan->arena;
	size_t n_inputs = run->node->n_inputs, n;

	(void)err;
	run->argv = run->program->argv;
	run->env = arena_array(a, add_foreign(a, NULL) + n_inputs + 6, sizeof(*run->env));
	n = add_foreign(a, run->env);
	if (n_inputs > 0)
		run->env[n++] = arena_printf(a, "FLOWFILE_INPUT=%s", run->inputs[0]);
	for (size_t i = 0; i < n_inputs; i++)
		run->env[n++] = arena_printf(a, "FLOWFILE_INPUT_%zu=%s", i + 1, run->inputs[i]);
	if (!run->program->gives_stdout)
		run->env[n++] = arena_printf(a, "FLOWFILE_OUTPUT=%s", run->outputs[0]);
	run->env[n++] = arena_printf(a, "FLOWFILE_FLOW_NAME=%s", run->scope->flow->name);
	run->env[n++] = arena_printf(a, "FLOWFILE_NODE_ID=%" PRId64, run->node->id);
	if (run->plan->run_id != 0)
		run->env[n++] = arena_printf(a, "FLOWFILE_RUN_ID=%" PRId64, run->plan->run_id);
	return 0;
}
