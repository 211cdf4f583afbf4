/* flowfile flows ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "catalog/flows.h"
#include "catalog/namespaces.h"
#include "catalog/resolve.h"
#include "catalog/runs.h"
#include "catalog/schedules.h"
#include "cli/cli.h"
#include "cli/flow.h"
#include "runner/command.h"

/* --- list -------------------------------------------------------------------------------------- */

static const char *
last_run(struct cli *cli, const struct flow_info *f, int64_t now_us)
{
	if (f->last_run_us == TIME_NONE || f->last_run_status == NULL)
		return NULL;
	return arena_printf(&cli->arena, "%s, %s", f->last_run_status,
		out_age(&cli->arena, f->last_run_us, now_us));
}

static int
flows_list_run(struct cli *cli, struct err *err)
{
	static const struct out_column columns[] = {
		{"ID", true, false},
		{"NAME", false, true},
		{"NAMESPACE", false, true},
		{"RUNS", true, false},
		{"LAST RUN", false, false},
		{"FILE", false, true},
	};
	int64_t namespace_id, now_us;
	struct flow_list list;
	struct out_table t;
	struct json *j;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		cli_namespace(cli, ID_NONE, &namespace_id, err) < 0 ||
		flows_list(&cli->catalog, namespace_id, &cli->arena, &list, err) < 0)
		return -1;
	if (cli->json) {
		j = out_json_begin(cli);
		json_array(j);
		for (size_t i = 0; i < list.n; i++)
			flows_json(j, &list.items[i]);
		json_array_end(j);
		return out_json_end(cli, err);
	}
	now_us = clock_wall(cli->catalog.clock);
	out_table_begin(&t, &cli->arena, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < list.n; i++) {
		const struct flow_info *f = &list.items[i];

		out_cell(&t, out_int(&cli->arena, f->id));
		out_cell(&t, f->name);
		out_cell(&t, f->namespace_name);
		out_cell(&t, out_int(&cli->arena, f->run_count));
		out_cell(&t, last_run(cli, f, now_us));
		out_cell(&t,
			f->file_exists ? f->flow_path
				       : arena_printf(&cli->arena, "%s (missing)", f->flow_path));
	}
	out_table_end(
		&t, cli_hint(cli, "No flows. Register one with `flowfile flows register PATH`."));
	return 0;
}

/* --- show -------------------------------------------------------------------------------------- */

static const char *
join_refs(struct arena *a, const struct table_ref *refs, size_t n)
{
	const char *text = NULL;

	for (size_t i = 0; i < n; i++)
		text = arena_printf(a, "%s%s%s (%lld)", i > 0 ? text : "", i > 0 ? ", " : "",
			refs[i].name, (long long)refs[i].id);
	return text;
}

static void
print_flow(struct cli *cli, const struct flow_info *f)
{
	struct arena *a = &cli->arena;
	int64_t now_us = clock_wall(cli->catalog.clock);

	out_field("Id", out_int(a, f->id));
	out_field("Name", f->name);
	out_field("Description", f->description);
	out_field("Namespace", f->namespace_name);
	out_field("File",
		f->file_exists ? f->flow_path : arena_printf(a, "%s (missing)", f->flow_path));
	out_field("Uuid", f->flow_uuid);
	out_field("Owner", out_int(a, f->owner_id));
	out_field("Runs", out_int(a, f->run_count));
	out_field("Last run", last_run(cli, f, now_us));
	out_field("Produces", join_refs(a, f->produced, f->n_produced));
	out_field("Reads", join_refs(a, f->read, f->n_read));
	out_field("Registered", out_time(a, f->created_us, now_us));
	out_field("Changed", out_time(a, f->updated_us, now_us));
}

static int
show_flow(struct cli *cli, int64_t id, struct err *err)
{
	struct schedule_list schedules;
	struct flow_info f;

	if (flows_get(&cli->catalog, id, &cli->arena, &f, err) < 0)
		return -1;
	if (cli->json) {
		flows_json(out_json_begin(cli), &f);
		return out_json_end(cli, err);
	}
	if (schedules_list(&cli->catalog, id, &cli->arena, &schedules, err) < 0)
		return -1;
	print_flow(cli, &f);
	for (size_t i = 0; i < schedules.n; i++) {
		const struct schedule_info *s = &schedules.items[i];

		out_field(i == 0 ? "Schedules" : "",
			arena_printf(&cli->arena, "%lld: %s%s", (long long)s->id,
				schedules_describe(&cli->arena, s),
				s->enabled ? "" : " (disabled)"));
	}
	return 0;
}

static int
flows_show_run(struct cli *cli, struct err *err)
{
	int64_t id;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_flow(&cli->catalog, cli->args[0], &id, err) < 0)
		return -1;
	return show_flow(cli, id, err);
}

/* --- register ---------------------------------------------------------------------------------- */

static int
check_flow_file(const char *path, struct err *err)
{
	struct stat sb;

	if (stat(path, &sb) < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no file %s", path);
	if (!S_ISREG(sb.st_mode))
		return err_set(err, ERR_USAGE, "%s is not a file", path);
	if (!text_is_utf8(path, strlen(path)))
		return err_set(err, ERR_USAGE, "the path is not UTF-8, which a catalog stores");
	if (!command_is_flow_file(path) && access(path, X_OK) != 0)
		return err_set(err, ERR_USAGE,
			"%s is no flow: it is neither .yaml, .yml or .json nor executable\n"
			"If it is a program, let it be run: chmod +x %s",
			path, path);
	return 0;
}

/* What a flow is called unless it is told: "/flows/daily.import.sh" is "daily.import". */
static const char *
name_of_file(struct cli *cli, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = arena_strdup(&cli->arena, slash != NULL ? slash + 1 : path);
	char *dot = strrchr(name, '.');

	if (dot != NULL && dot != name)
		*dot = '\0';
	return name;
}

/* Better known now than when its time has come. */
static void
note_unrunnable(struct cli *cli, const char *path)
{
	struct err err = ERR_INIT;

	if (cli_check_flow_file(path, &err) < 0)
		fprintf(stderr, "Note: this flow cannot be run as it is: %s\n",
			out_clean(&cli->arena, err.text));
	else if (duck_check(&err) < 0)
		fprintf(stderr, "Note: %s\n", err.text);
}

static int
flows_register_run(struct cli *cli, struct err *err)
{
	struct flow_new new = {
		.name = args_has(cli, "name") ? args_value(cli, "name")
					      : name_of_file(cli, cli->args[0]),
		.description = args_value(cli, "description"),
		.unique = true,
	};
	int64_t id, default_id;

	new.flow_path = cli_absolute(cli, cli->args[0], err);
	if (new.flow_path == NULL || check_flow_file(new.flow_path, err) < 0)
		return -1;
	if (cli_check_name(new.name, err) < 0 || cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		namespaces_default(&cli->catalog, &default_id, err) < 0 ||
		cli_namespace(cli, default_id, &new.namespace_id, err) < 0 ||
		flows_register(&cli->catalog, &new, &id, err) < 0)
		return -1;
	if (command_is_flow_file(new.flow_path) && cli->config->run_command == NULL)
		note_unrunnable(cli, new.flow_path);
	if (cli->json)
		return show_flow(cli, id, err);
	printf("Registered flow %lld, %s.\n", (long long)id, out_clean(&cli->arena, new.name));
	return 0;
}

/* --- set --------------------------------------------------------------------------------------- */

static int
flows_set_run(struct cli *cli, struct err *err)
{
	struct flow_change change = {
		.name = args_value(cli, "name"),
		.description = args_value(cli, "description"),
	};
	int64_t id;

	if (cli_needs_change(cli, err) < 0 || cli_check_name(change.name, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_flow(&cli->catalog, cli->args[0], &id, err) < 0 ||
		cli_namespace(cli, ID_NONE, &change.namespace_id, err) < 0 ||
		flows_update(&cli->catalog, id, &change, err) < 0)
		return -1;
	return show_flow(cli, id, err);
}

/* --- remove, run ------------------------------------------------------------------------------- */

/* A flow that runs would go on without anybody knowing of what; Flowfile's API allows it. */
static int
check_idle(struct cli *cli, int64_t id, struct err *err)
{
	const struct run_filter active = {.registration_id = id, .active = true, .limit = 1};
	struct run_page page;

	if (args_has(cli, "force"))
		return 0;
	if (runs_list(&cli->catalog, &active, &cli->arena, &page, err) < 0)
		return -1;
	if (page.n == 0)
		return 0;
	return err_set(err, ERR_CONFLICT,
		"run %lld of this flow is active\nEnd it with `flowfile runs cancel %lld`, or "
		"remove the flow all the same with --force: the run goes on.",
		(long long)page.items[0].id, (long long)page.items[0].id);
}

static int
flows_remove_run(struct cli *cli, struct err *err)
{
	bool delete_file = args_has(cli, "delete-file"), file_deleted;
	struct flow_info f;
	int64_t id;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_flow(&cli->catalog, cli->args[0], &id, err) < 0 ||
		flows_get(&cli->catalog, id, &cli->arena, &f, err) < 0 ||
		check_idle(cli, id, err) < 0 ||
		flows_delete(&cli->catalog, id, delete_file, &file_deleted, err) < 0)
		return -1;
	if (delete_file && !file_deleted && f.file_exists)
		fprintf(stderr,
			"The file %s stays: another flow has it, or it cannot be deleted.\n",
			out_clean(&cli->arena, f.flow_path));
	if (cli->json) {
		flows_json(out_json_begin(cli), &f);
		return out_json_end(cli, err);
	}
	printf("Removed flow %lld, %s, with its schedules. Its runs stay.\n", (long long)id,
		out_clean(&cli->arena, f.name));
	return 0;
}

static int
flows_run_run(struct cli *cli, struct err *err)
{
	int64_t id;

	if (cli_open(cli, CLI_NEED_OURS, err) < 0 ||
		resolve_flow(&cli->catalog, cli->args[0], &id, err) < 0)
		return -1;
	return request_run(cli, id, ID_NONE, err);
}

static const struct cli_option list_options[] = {
	{"namespace", 0, "NS", "only of this namespace: an id, schema or catalog.schema", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option register_options[] = {
	{"name", 0, "NAME", "what it is called; the file's name without suffix if not said", false},
	{"namespace", 0, "NS", "where it belongs; General.default if not said", false},
	{"description", 0, "TEXT", "what it is for", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option set_options[] = {
	{"name", 0, "NAME", "what it is called", false},
	{"namespace", 0, "NS", "where it belongs", false},
	{"description", 0, "TEXT", "what it is for", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option remove_options[] = {
	{"force", 0, NULL, "also while a run of it is active, which goes on", false},
	{"delete-file", 0, NULL, "the file too, if no other flow has it", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option run_options[] = {
	{"wait", 0, NULL, "wait until the run has ended; exit 1 if it failed", false},
	{"queue", 0, NULL, "keep the request if no scheduler is running", false},
	{NULL, 0, NULL, NULL, false},
};

#define PARAM                                                                                      \
	{                                                                                          \
		"param", 0, "K=V", "a parameter of the flow", true                                 \
	}

static const struct cli_option check_options[] = {
	PARAM,
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option plan_options[] = {
	PARAM,
	{"output", 0, "NODE", "only of this node, which need not be an output", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_flows[] = {
	{"list", "", "Lists the flows", flows_list_run, 0, 0, list_options, NULL, false},
	{"show", "FLOW", "Shows one flow, its tables and its schedules", flows_show_run, 1, 1, NULL,
		NULL, false},
	{"register", "PATH", "Makes a flow file or a program known", flows_register_run, 1, 1,
		register_options,
		"PATH is a flow file (.yaml, .yml, .json) or a program. A program is run as it is, "
		"in the working directory of the scheduler, with FLOWFILE_RUN_ID, "
		"FLOWFILE_FLOW_ID, FLOWFILE_RUN_CAUSE and others in its "
		"environment.",
		false},
	{"set", "FLOW", "Changes what is known of a flow", flows_set_run, 1, 1, set_options, NULL,
		false},
	{"remove", "FLOW", "Forgets a flow and its schedules; its runs stay", flows_remove_run, 1,
		1, remove_options, NULL, false},
	{"run", "FLOW", "Runs a flow now", flows_run_run, 1, 1, run_options, NULL, false},
	{"check", "PATH", "Says of each node of a flow file how it would be run", flows_check_run,
		1, 1, check_options,
		"Columns, tables and files are looked at, too, where the engine's library is "
		"there. "
		"Exit status 1 when a node cannot be run.",
		false},
	{"plan", "PATH",
		"Shows the statement that each output of a flow file becomes, and its plan",
		flows_plan_run, 1, 1, plan_options, NULL, false},
	{"eval", "FORMULA [NAME=VALUE]...", "Says what a formula is worth", flows_eval_run, 1,
		CLI_ARGS_MAX, NULL,
		"Each NAME is a column of the one row that it is worked out for.", false},
	{0},
};
