/* Python code in a flow: run by the driver (src/flow/driver.py) in an interpreter that has Polars, as a kernel of Flowfile would. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "flow/child.h"
#include "program.h"

#define PYTHON "python3"
#define REQUEST_MAX (16 * 1024 * 1024)

static const char *
interpreter(const struct plan *plan)
{
	return plan->python != NULL ? plan->python : PYTHON;
}

/* --- settings ----------------------------------------------------------------------------------------------- */

static const char *const main_only[] = {"main"};

int
polars_code_take(
	const struct flow_node *node, struct arena *a, struct program *out, struct err *err)
{
	*out = (struct program){.outputs = main_only, .n_outputs = 1, .is_transform = true};
	if (setting_required(setting_object(node->settings, "polars_code_input"), "polars_code", a,
		    &out->code, err) < 0)
		return err_prefix(err, "polars_code_input");
	return 0;
}

static bool
is_output_name(const char *name)
{
	return *name >= 'a' && *name <= 'z' &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* They name files, and each is one handle. */
static int
take_output_names(const cJSON *settings, struct arena *a, struct program *out, struct err *err)
{
	const char **names;

	if (setting_texts(settings, "output_names", a, &names, &out->n_outputs, err) < 0)
		return -1;
	if (out->n_outputs == 0) {
		out->outputs = main_only;
		out->n_outputs = 1;
		return 0;
	}
	if (out->n_outputs > FLOW_HANDLES_MAX)
		return err_set(err, ERR_USAGE, "output_names: there are %zu of them; %d can be",
			out->n_outputs, FLOW_HANDLES_MAX);
	for (size_t i = 0; i < out->n_outputs; i++) {
		if (!is_output_name(names[i]))
			return err_set(err, ERR_USAGE,
				"output_names: '%s' is not made of lower-case letters, digits and "
				"'_', a letter first",
				names[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(names[i], names[k]) == 0)
				return err_set(err, ERR_USAGE, "output_names: '%s' is there twice",
					names[i]);
	}
	out->outputs = names;
	return 0;
}

int
python_script_take(
	const struct flow_node *node, struct arena *a, struct program *out, struct err *err)
{
	*out = (struct program){.passes_on = true};
	if (setting_required(setting_object(node->settings, "python_script_input"), "code", a,
		    &out->code, err) < 0)
		return err_prefix(err, "python_script_input");
	return take_output_names(node->settings, a, out, err);
}

/* --- before anything is computed ------------------------------------------------------------------------------ */

int
python_check(struct plan *plan, struct err *err)
{
	static const char script[] =
		"try:\n import polars\nexcept ImportError as error:\n raise SystemExit(error)";
	const char *const argv[] = {interpreter(plan), "-c", script, NULL};
	const struct child_options options = {.argv = argv};

	if (plan->python_is_ready)
		return 0;
	if (program_start(plan, NULL, &options, err) == 0) {
		plan->python_is_ready = true;
		return 0;
	}
	if (duck_interrupted(plan->duck))
		return -1;
	if (err->code == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND,
			"it is Python code, and there is no %s: install Python, or name an "
			"interpreter with the option python (FLOWFILE_PYTHON)",
			argv[0]);
	err_prefix(err,
		"it is Python code, and %s cannot import polars: pip install polars, or name an "
		"interpreter that has it with the option python (FLOWFILE_PYTHON)",
		argv[0]);
	err->code = ERR_NOT_FOUND;
	return -1;
}

/* --- one run --------------------------------------------------------------------------------------------------- */

/* As Flowfile calls an input: by what people called the node, or by its id. */
static const char *
input_name(const struct program_run *run, size_t i)
{
	const struct flow_node *from = &run->scope->flow->nodes[run->node->inputs[i].from];

	if (from->reference != NULL && *from->reference != '\0')
		return from->reference;
	return arena_printf(&run->plan->arena, "df_%" PRId64, from->id);
}

/* What the driver reads. */
static void
write_request(const struct program_run *run, const char *code, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_kv_bool(&j, "transform", run->program->is_transform);
	json_kv_string(&j, "code", code);
	json_kv_string(
		&j, "name", arena_printf(&run->plan->arena, "<node %" PRId64 ">", run->node->id));
	json_kv_string(&j, "failure", run->failure);
	json_key(&j, "inputs");
	json_array(&j);
	for (size_t i = 0; i < run->node->n_inputs; i++) {
		json_object(&j);
		json_kv_string(&j, "name", input_name(run, i));
		json_kv_string(&j, "path", run->inputs[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key(&j, "outputs");
	json_object(&j);
	for (size_t i = 0; i < run->program->n_outputs; i++)
		json_kv_string(&j, run->program->outputs[i], run->outputs[i]);
	json_object_end(&j);
	json_object_end(&j);
}

/* A file of the plan with this text; NULL with err. */
static const char *
put_file(struct plan *plan, const char *suffix, const char *text, struct err *err)
{
	const char *path = plan_file(plan, suffix, err);

	if (path == NULL || file_write_atomic(path, text, strlen(text), 0600, err) < 0)
		return NULL;
	return path;
}

static const char *
put_request(const struct program_run *run, const char *code, struct err *err)
{
	struct buf request;
	const char *path;

	buf_init(&request, REQUEST_MAX);
	write_request(run, code, &request);
	path = put_file(run->plan, "-request.json", buf_str(&request), err);
	buf_free(&request);
	return path;
}

int
python_prepare(struct program_run *run, struct err *err)
{
	struct plan *plan = run->plan;
	const char **argv = arena_array(&plan->arena, 5, sizeof(*argv)), *code;

	if (command_prepare(run, err) < 0)
		return -1;
	run->argv = argv;
	argv[0] = interpreter(plan);
	argv[1] = "-u";
	run->failure = plan_file(plan, "-failure.txt", err);
	code = put_file(plan, "-code.py", run->program->code, err);
	argv[2] = put_file(plan, "-driver.py", python_driver, err);
	if (run->failure == NULL || code == NULL || argv[2] == NULL)
		return -1;
	argv[3] = put_request(run, code, err);
	return argv[3] != NULL ? 0 : -1;
}
