/* `flowfile tables preview`: the first rows of a table, read as a flow reads it: through a catalog_reader node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "catalog/resolve.h"
#include "cli/flow.h"
#include "flow/plan.h"

#define LIMIT_PRESET 20
#define LIMIT_MAX 10000

static int
print_rows(struct cli *cli, struct plan *plan, struct relation *relation, int64_t limit,
	struct err *err)
{
	struct duck_rows *rows;
	int rc;

	if (duck_query(plan->duck,
		    arena_printf(&plan->arena, "SELECT * FROM (%s) LIMIT %lld",
			    plan_sql_text(plan, relation), (long long)limit),
		    &rows, err) < 0)
		return -1;
	rc = cli_print_rows(cli, rows, "The table has no rows.", err);
	duck_rows_free(rows);
	return rc;
}

/* A flow of one reader, in a file for as long as it takes to read it. */
static int
make_flow(struct cli *cli, int64_t id, int64_t version, struct flow **out, struct err *err)
{
	const char *at = version < 0
		? ""
		: arena_printf(&cli->arena, ", \"delta_version\": %lld", (long long)version);
	char path[] = "/tmp/flowfile-preview-XXXXXX.json";
	int fd = mkstemps(path, (int)strlen(".json")), rc;

	if (fd < 0)
		return err_set(err, ERR_FAILED, "%s cannot be made", path);
	dprintf(fd,
		"{\"flowfile_version\": \"1\", \"flowfile_id\": 1, \"flowfile_name\": \"preview\", "
		"\"flowfile_settings\": {}, \"nodes\": [{\"id\": 1, \"type\": \"catalog_reader\", "
		"\"setting_input\": {\"catalog_table_id\": %lld%s}}]}",
		(long long)id, at);
	close(fd);
	rc = flow_read(path, NULL, 0, out, err);
	unlink(path);
	return rc;
}

static int
preview(struct cli *cli, const struct flow *flow, int64_t limit, struct err *err)
{
	struct plan_options options = {.catalog = &cli->catalog};
	struct relation *relation;
	struct plan *plan = NULL;
	int rc = -1;

	if (cli_engine_open(cli, &options.duck, err) < 0)
		return -1;
	cli_plan_configure(cli, &options);
	if (plan_create(&options, &plan, err) == 0) {
		plan_scope(plan, flow, NULL, 0);
		rc = plan_compile(plan, plan->top, &flow->nodes[0], 0, &relation, err);
		if (rc == 0)
			rc = print_rows(cli, plan, relation, limit, err);
		plan_free(plan);
	}
	duck_close(options.duck);
	return rc;
}

int
tables_preview_run(struct cli *cli, struct err *err)
{
	int64_t id, limit, version;
	struct flow *flow;
	int rc;

	if (args_int(cli, "limit", 0, LIMIT_MAX, LIMIT_PRESET, &limit, err) < 0 ||
		args_int(cli, "version", 0, INT64_MAX, -1, &version, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		make_flow(cli, id, version, &flow, err) < 0)
		return -1;
	rc = preview(cli, flow, limit, err);
	flow_free(flow);
	return rc;
}
