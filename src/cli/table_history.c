/* `flowfile tables history`: the versions of a table. */
#include "base/mem.h"
#include "base/timefmt.h"
#include "catalog/resolve.h"
#include "catalog/tables.h"
#include "cli/flow.h"
#include "flow/delta.h"

#define LIMIT_PRESET 50

static void
print_json(struct cli *cli, const struct delta_commit *commits, size_t n, int64_t current)
{
	struct json *j = out_json_begin(cli);

	json_object(j);
	json_kv_int(j, "current_version", current);
	json_key(j, "history");
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		json_object(j);
		json_kv_int(j, "version", commits[i].version);
		catalog_json_utc(j, "timestamp", commits[i].timestamp_us);
		json_kv_string(j, "operation", commits[i].operation);
		json_key(j, "parameters");
		if (commits[i].parameters != NULL)
			json_raw(j, commits[i].parameters);
		else
			json_null(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void
print_text(struct cli *cli, const struct delta_commit *commits, size_t n)
{
	static const struct out_column columns[] = {
		{"VERSION", true, false},
		{"WRITTEN (UTC)", false, false},
		{"OPERATION", false, false},
		{"PARAMETERS", false, true},
	};
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct out_table t;

	out_table_begin(&t, &cli->arena, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		out_cell(&t, out_int(&cli->arena, commits[i].version));
		out_cell(&t, out_time_cell(&cli->arena, commits[i].timestamp_us, now_us));
		out_cell(&t, commits[i].operation);
		out_cell(&t, commits[i].parameters);
	}
	out_table_end(&t, "The table has no versions.");
}

int
tables_history_run(struct cli *cli, struct err *err)
{
	struct delta_commit *commits;
	struct table_info table;
	int64_t id, limit, current;
	int is_delta = 0;
	size_t n;

	if (args_int(cli, "limit", 1, 100000, LIMIT_PRESET, &limit, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		tables_get(&cli->catalog, id, &cli->arena, &table, err) < 0)
		return -1;
	if (table.file_path != NULL && !table.is_remote_storage)
		is_delta = delta_is_table(table.file_path, err);
	if (is_delta < 0)
		return err_prefix(err, "table %s", table.name);
	if (is_delta == 0)
		return err_set(err, ERR_USAGE,
			"table %s is no Delta table on this machine, and only those have versions",
			table.name);
	if (delta_history(
		    table.file_path, (size_t)limit, &cli->arena, &commits, &n, &current, err) < 0)
		return err_prefix(err, "table %s", table.name);
	if (!cli->json) {
		print_text(cli, commits, n);
		return 0;
	}
	print_json(cli, commits, n, current);
	return out_json_end(cli, err);
}
