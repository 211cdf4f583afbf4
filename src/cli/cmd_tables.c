/* flowfile tables ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "catalog/namespaces.h"
#include "catalog/resolve.h"
#include "catalog/tables.h"
#include "catalog/virtual.h"
#include "cli/cli.h"
#include "cli/flow.h"
#include "flow/delta.h"
#include "store/schema.h"

static const char *
full_name(struct arena *a, const struct table_info *t)
{
	const char *name = tables_full_name(a, t->namespace_name, t->name);

	return t->catalog_name != NULL ? arena_printf(a, "%s.%s", t->catalog_name, name) : name;
}

static int
tables_list_run(struct cli *cli, struct err *err)
{
	static const struct out_column columns[] = {
		{"ID", true, false},
		{"TABLE", false, true},
		{"TYPE", false, false},
		{"ROWS", true, false},
		{"SIZE", true, false},
		{"LAST WRITE (UTC)", false, false},
		{"PRODUCED BY", false, true},
	};
	int64_t namespace_id, now_us;
	struct arena *a = &cli->arena;
	struct table_list list;
	struct out_table t;
	struct json *j;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		cli_namespace(cli, ID_NONE, &namespace_id, err) < 0 ||
		tables_list(&cli->catalog, namespace_id, a, &list, err) < 0)
		return -1;
	if (cli->json) {
		j = out_json_begin(cli);
		json_array(j);
		for (size_t i = 0; i < list.n; i++)
			tables_json(j, &list.items[i]);
		json_array_end(j);
		return out_json_end(cli, err);
	}
	if (tables_derive_writes(&cli->catalog, list.items, list.n, err) < 0)
		return -1;
	now_us = clock_wall(cli->catalog.clock);
	out_table_begin(&t, a, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < list.n; i++) {
		const struct table_info *info = &list.items[i];

		out_cell(&t, out_int(a, info->id));
		out_cell(&t, full_name(a, info));
		out_cell(&t, info->table_type);
		out_cell(&t, out_int(a, info->row_count));
		out_cell(&t, out_bytes(a, info->size_bytes));
		out_cell(&t, out_time_cell(a, info->updated_us, now_us));
		out_cell(&t,
			info->source_registration_name != NULL ? info->source_registration_name
							       : info->producer_registration_name);
	}
	out_table_end(&t,
		cli_hint(cli, "No tables. Make one known with `flowfile tables register NAME`."));
	return 0;
}

static const char *
flow_ref(struct arena *a, int64_t id, const char *name)
{
	if (id == ID_NONE)
		return NULL;
	return name != NULL ? arena_printf(a, "%s (%lld)", name, (long long)id)
			    : arena_printf(a, "%lld (gone)", (long long)id);
}

/* Where the data is, and what is there if it is no table of Flowfile's. */
static const char *
path_text(struct arena *a, const struct table_info *t)
{
	struct stat sb;

	if (t->file_path == NULL || t->file_exists)
		return t->file_path;
	if (stat(t->file_path, &sb) < 0)
		return arena_printf(a, "%s (nothing there)", t->file_path);
	if (S_ISDIR(sb.st_mode))
		return arena_printf(a, "%s (a folder, no Delta table)", t->file_path);
	return arena_printf(
		a, "%s (a file of %s, no Delta table)", t->file_path, out_bytes(a, sb.st_size));
}

/* What a virtual table is computed from, as the scheduler found it; NULL: it has not looked yet. */
static int
list_sources(struct cli *cli, int64_t id, const char **out, struct err *err)
{
	struct schema_info info;
	struct flow_ref *items;
	size_t n;

	*out = NULL;
	if (schema_inspect(cli->catalog.db, &info, err) < 0)
		return -1;
	if (info.our_version < info.program_version)
		return 0;
	if (tables_sources(&cli->catalog, id, &cli->arena, &items, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		*out = arena_printf(&cli->arena, "%s%s%s (%lld)", i > 0 ? *out : "",
			i > 0 ? ", " : "", items[i].name, (long long)items[i].id);
	return 0;
}

static void
print_table(struct cli *cli, const struct table_info *t, const char *sources)
{
	struct arena *a = &cli->arena;
	int64_t now_us = clock_wall(cli->catalog.clock);
	const char *readers = NULL;

	for (size_t i = 0; i < t->n_read_by; i++)
		readers = arena_printf(a, "%s%s%s (%lld)", i > 0 ? readers : "", i > 0 ? ", " : "",
			t->read_by[i].name, (long long)t->read_by[i].id);
	out_field("Id", out_int(a, t->id));
	out_field("Table", full_name(a, t));
	out_field("Description", t->description);
	out_field("Type", t->table_type);
	out_field("Path", path_text(a, t));
	out_field("Rows", out_int(a, t->row_count));
	out_field("Columns", out_int(a, t->column_count));
	out_field("Size", out_bytes(a, t->size_bytes));
	out_field("Last write", out_time(a, t->updated_us, now_us));
	out_field("By run", t->source_run_id == ID_NONE ? NULL : out_int(a, t->source_run_id));
	out_field(
		"Produced by", flow_ref(a, t->source_registration_id, t->source_registration_name));
	if (t->producer_registration_id != ID_NONE)
		out_field("Virtual of",
			flow_ref(a, t->producer_registration_id, t->producer_registration_name));
	if (t->sql_query != NULL)
		out_field("SQL", t->sql_query);
	if (table_is_virtual(t))
		out_field("Computed from", sources);
	out_field("Read by", readers);
	out_field("Registered", out_time(a, t->created_us, now_us));
}

static int
show_table(struct cli *cli, int64_t id, struct err *err)
{
	const char *sources;
	struct table_info t;

	if (tables_get(&cli->catalog, id, &cli->arena, &t, err) < 0)
		return -1;
	if (cli->json) {
		tables_json(out_json_begin(cli), &t);
		return out_json_end(cli, err);
	}
	if (tables_derive_writes(&cli->catalog, &t, 1, err) < 0 ||
		list_sources(cli, id, &sources, err) < 0)
		return -1;
	print_table(cli, &t, sources);
	return 0;
}

static int
tables_show_run(struct cli *cli, struct err *err)
{
	int64_t id;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0)
		return -1;
	return show_table(cli, id, err);
}

/* The format that a path stands for; NULL: the usual one. */
static const char *
format_of(const char *path)
{
	size_t len = strlen(path);

	return len > 8 && text_equal_nocase(path + len - 8, ".parquet") ? "parquet" : NULL;
}

/* --path and its format; *path stays NULL when it was not given. */
static int
read_path(struct cli *cli, const char **path, const char **format, struct err *err)
{
	*path = args_value(cli, "path");
	*format = NULL;
	if (*path == NULL)
		return 0;
	*path = cli_absolute(cli, *path, err);
	if (*path == NULL)
		return -1;
	*format = format_of(*path);
	return 0;
}

static void
note_data(struct cli *cli, const char *path)
{
	struct stat sb;

	if (path == NULL || strstr(path, "://") != NULL)
		return;
	if (stat(path, &sb) < 0)
		fprintf(stderr, "Note: there is nothing at %s yet.\n",
			out_clean(&cli->arena, path));
	else if (S_ISDIR(sb.st_mode) ? delta_is_table(path, NULL) == 0 : format_of(path) == NULL)
		fprintf(stderr,
			"Note: %s is neither a Delta folder nor a .parquet file; it cannot be read "
			"as a table.\n",
			out_clean(&cli->arena, path));
}

/* A bare name that meant one table so far. */
static void
note_ambiguous(struct cli *cli, const char *name)
{
	struct err why = ERR_INIT;
	int64_t id;

	if (resolve_table(&cli->catalog, name, &id, &why) < 0 && why.code == ERR_CONFLICT)
		fprintf(stderr, "Note: %s\n", why.text);
}

/* --query and --made-by: tables without data of their own. */
static int
read_virtual(struct cli *cli, struct table_new *new, struct err *err)
{
	const char *maker = args_value(cli, "made-by");

	new->sql_query = args_value(cli, "query");
	new->is_virtual = new->sql_query != NULL || maker != NULL;
	if (!new->is_virtual)
		return 0;
	if (new->sql_query != NULL && maker != NULL)
		return err_set(err, ERR_USAGE, "--query or --made-by: a table has one of them");
	if (new->file_path != NULL || args_has(cli, "flow"))
		return err_set(err, ERR_USAGE, "a virtual table has neither --path nor --flow");
	if (new->sql_query != NULL)
		return virtual_check_query(new->sql_query, err);
	return resolve_flow(&cli->catalog, maker, &new->producer_registration_id, err);
}

static int
tables_register_run(struct cli *cli, struct err *err)
{
	struct table_new new = {
		.name = cli->args[0],
		.description = args_value(cli, "description"),
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE,
	};
	const char *flow = args_value(cli, "flow");
	int64_t id, default_id;

	if (!text_is_utf8(new.name, strlen(new.name)))
		return err_set(err, ERR_USAGE, "the name is not UTF-8");
	if (read_path(cli, &new.file_path, &new.storage_format, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		namespaces_default(&cli->catalog, &default_id, err) < 0 ||
		cli_namespace(cli, default_id, &new.namespace_id, err) < 0 ||
		(flow != NULL &&
			resolve_flow(&cli->catalog, flow, &new.source_registration_id, err) < 0) ||
		read_virtual(cli, &new, err) < 0 ||
		tables_register(&cli->catalog, &new, &id, err) < 0)
		return -1;
	note_data(cli, new.file_path);
	if (new.is_virtual)
		cli_note_virtual(cli, id);
	note_ambiguous(cli, new.name);
	if (cli->json)
		return show_table(cli, id, err);
	printf("Registered table %lld, %s.\n", (long long)id, out_clean(&cli->arena, new.name));
	return 0;
}

static int
set_query(struct cli *cli, int64_t id, const struct table_change *record, const char *query,
	struct err *err)
{
	const struct virtual_change change = {
		.record = *record, .sql_query = query, .column_count = COUNT_NONE};
	struct table_info table;

	if (virtual_get_query(&cli->catalog, id, &cli->arena, &table, err) < 0)
		return err->code != ERR_NOT_FOUND
			? -1
			: err_set(err, ERR_USAGE,
				  "--query: table %lld is not one that a query makes\nMake one "
				  "with "
				  "`flowfile tables register NAME --query SQL`.",
				  (long long)id);
	return virtual_update_query(&cli->catalog, id, &change, err);
}

static int
tables_set_run(struct cli *cli, struct err *err)
{
	struct table_change change = {
		.name = args_value(cli, "name"),
		.description = args_value(cli, "description"),
	};
	const char *flow = args_value(cli, "flow"), *query = args_value(cli, "query");
	int64_t id;

	if (query != NULL && (flow != NULL || args_has(cli, "path")))
		return err_set(err, ERR_USAGE, "a virtual table has neither --path nor --flow");
	if (cli_needs_change(cli, err) < 0 || cli_check_name(change.name, err) < 0 ||
		read_path(cli, &change.file_path, &change.storage_format, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		cli_namespace(cli, ID_NONE, &change.namespace_id, err) < 0 ||
		(flow != NULL &&
			resolve_flow(&cli->catalog, flow, &change.source_registration_id, err) <
				0) ||
		(query != NULL ? set_query(cli, id, &change, query, err)
			       : tables_update(&cli->catalog, id, &change, err)) < 0)
		return -1;
	note_data(cli, change.file_path);
	if (query != NULL)
		cli_note_virtual(cli, id);
	return show_table(cli, id, err);
}

static int
tables_remove_run(struct cli *cli, struct err *err)
{
	const char *readers;
	struct table_info t;
	int64_t id, disabled;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		tables_get(&cli->catalog, id, &cli->arena, &t, err) < 0 ||
		cli_virtual_readers(cli, &t, &readers, err) < 0 ||
		tables_delete(&cli->catalog, id, &disabled, err) < 0)
		return -1;
	if (readers != NULL)
		fprintf(stderr,
			"Warning: virtual tables that read it cannot be answered now: %s.\n",
			out_clean(&cli->arena, readers));
	if (cli->json) {
		tables_json(out_json_begin(cli), &t);
		return out_json_end(cli, err);
	}
	printf("Removed table %lld, %s.%s\n", (long long)id,
		out_clean(&cli->arena, full_name(&cli->arena, &t)),
		!table_is_virtual(&t) ? " Its data stays." : "");
	if (disabled > 0)
		printf("%lld schedule%s that watched it %s disabled.\n", (long long)disabled,
			disabled > 1 ? "s" : "", disabled > 1 ? "are" : "is");
	return 0;
}

/* The run that we are a part of; a write is not to be lost over a variable that makes no sense. */
static int64_t
current_run(void)
{
	const char *text = getenv("FLOWFILE_RUN_ID");
	int64_t id = ID_NONE;

	if (text != NULL && *text != '\0' && !text_to_int(text, 1, INT64_MAX, &id))
		fprintf(stderr,
			"Note: FLOWFILE_RUN_ID is not a number; the write is noted without "
			"a run.\n");
	return id;
}

static int
tables_touch_run(struct cli *cli, struct err *err)
{
	struct table_touch touch = {.run_id = current_run()};
	int64_t id, updated_us;
	struct table_info t;

	if (args_int(cli, "rows", 0, INT64_MAX, COUNT_NONE, &touch.row_count, err) < 0 ||
		args_int(cli, "size", 0, INT64_MAX, COUNT_NONE, &touch.size_bytes, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		tables_touch(&cli->catalog, id, &touch, &updated_us, err) < 0)
		return -1;
	if (cli->json)
		return show_table(cli, id, err);
	if (tables_get(&cli->catalog, id, &cli->arena, &t, err) < 0)
		return -1;
	printf("Table %lld, %s, was written at %s.\n", (long long)id,
		out_clean(&cli->arena, full_name(&cli->arena, &t)),
		out_time_plain(&cli->arena, updated_us));
	return 0;
}

static const struct cli_option list_options[] = {
	{"namespace", 0, "NS", "only of this namespace: an id, schema or catalog.schema", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option register_options[] = {
	{"path", 0, "P", "where its data is: a Delta folder, a parquet file or a URI", false},
	{"namespace", 0, "NS", "where it belongs; General.default if not said", false},
	{"description", 0, "TEXT", "what is in it", false},
	{"flow", 0, "FLOW", "the flow that produces it", false},
	{"query", 0, "SQL", "it is virtual: what this SELECT over other tables gives", false},
	{"made-by", 0, "FLOW", "it is virtual: what this flow's catalog_writer of its name gets",
		false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option set_options[] = {
	{"name", 0, "NAME", "what it is called; schedules that watch it go on doing so", false},
	{"path", 0, "P", "where its data is", false},
	{"flow", 0, "FLOW", "the flow that produces it", false},
	{"query", 0, "SQL", "of one that a query makes: its SELECT, which counts as a write",
		false},
	{"namespace", 0, "NS", "where it belongs", false},
	{"description", 0, "TEXT", "what is in it", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option touch_options[] = {
	{"rows", 0, "N", "how many rows it has now", false},
	{"size", 0, "BYTES", "how large its data is now", false},
	{NULL, 0, NULL, NULL, false},
};

static const struct cli_option preview_options[] = {
	{"limit", 0, "N", "at most so many rows; 20 if not said", false},
	{"version", 0, "N", "as the table was in this version", false},
	{"csv", 0, NULL, "as CSV", false},
	{NULL, 0, NULL, NULL, false},
};

static const struct cli_option history_options[] = {
	{"limit", 0, "N", "at most so many versions; 50 if not said", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_tables[] = {
	{"list", "", "Lists the tables", tables_list_run, 0, 0, list_options, NULL, false},
	{"show", "TABLE", "Shows one table", tables_show_run, 1, 1, NULL, NULL, false},
	{"register", "NAME", "Makes a table known", tables_register_run, 1, 1, register_options,
		NULL, false},
	{"set", "TABLE", "Changes what is known of a table", tables_set_run, 1, 1, set_options,
		"But for a new query that is no write: no schedule fires.", false},
	{"remove", "TABLE", "Forgets a table; its data stays", tables_remove_run, 1, 1, NULL,
		"Schedules that watch it are disabled.", false},
	{"touch", "TABLE", "Says that a table was written: schedules that watch it fire",
		tables_touch_run, 1, 1, touch_options,
		"Inside a run, FLOWFILE_RUN_ID is noted as the run that wrote.", false},
	{"preview", "TABLE", "Shows rows of a table", tables_preview_run, 1, 1, preview_options,
		"It reads the table's data with the query engine.", false},
	{"history", "TABLE", "Lists the versions of a Delta table, newest first",
		tables_history_run, 1, 1, history_options,
		"`flowfile tables preview TABLE --version N` shows what was in one.", false},
	{0},
};
