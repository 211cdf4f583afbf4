/* `flowfile tables preview`: the first rows of a table, read as a flow reads it: through a catalog_reader node. */
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

/* A flow of one reader. */
static int
make_flow(int64_t id, int64_t version, struct flow **out, struct err *err)
{
	cJSON *document = cJSON_CreateObject(), *node = cJSON_CreateObject(), *settings;

	cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "nodes"), node);
	cJSON_AddNumberToObject(node, "id", 1);
	cJSON_AddStringToObject(node, "type", "catalog_reader");
	settings = cJSON_AddObjectToObject(node, "setting_input");
	cJSON_AddNumberToObject(settings, "catalog_table_id", (double)id);
	if (version >= 0)
		cJSON_AddNumberToObject(settings, "delta_version", (double)version);
	return flow_of_document(document, "preview", out, err);
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
		make_flow(id, version, &flow, err) < 0)
		return -1;
	rc = preview(cli, flow, limit, err);
	flow_free(flow);
	return rc;
}
