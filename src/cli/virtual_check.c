/* Whether virtual tables can be read as they are. */
#include <stdio.h>
#include <string.h>

#include "catalog/flows.h"
#include "catalog/resolve.h"
#include "cli/flow.h"
#include "flow/catalog_sql.h"
#include "flow/lineage.h"

/* What can be known without the engine: that a flow file can be run, that a query does not name its own table. */
static int
check_without(struct cli *cli, const struct table_info *table, struct err *err)
{
	struct flow_info flow;
	struct err ignored = ERR_INIT;
	const char **names;
	int64_t id;

	if (table->producer_registration_id != ID_NONE)
		return flows_get(&cli->catalog, table->producer_registration_id, &cli->arena, &flow,
			       err) < 0
			? -1
			: cli_check_flow_file(flow.flow_path, err);
	if (table->sql_query == NULL)
		return 0;
	names = lineage_query_names(table->sql_query, &cli->arena);
	for (size_t i = 0; names[i] != NULL; i++) {
		if (resolve_table(&cli->catalog, names[i], &id, &ignored) == 0 && id == table->id)
			return err_set(err, ERR_USAGE,
				"virtual tables read each other in a loop: %s reads %s",
				table->name, table->name);
		err_clear(&ignored);
	}
	return 0;
}

int
cli_check_virtual(
	struct cli *cli, struct duck *duck, const struct table_info *table, struct err *err)
{
	struct plan_options options = {.duck = duck, .catalog = &cli->catalog, .explains = true};
	struct relation *relation;
	struct plan *plan;
	int rc;

	if (duck == NULL)
		return check_without(cli, table, err);
	cli_plan_configure(cli, &options);
	if (plan_create(&options, &plan, err) < 0)
		return -1;
	rc = catalog_relation(plan, plan_scope(plan, NULL, NULL, 0), table, &relation, err);
	plan_free(plan);
	return rc;
}

const char *
cli_virtual_fault(struct cli *cli, const struct table_info *table, const struct err *err)
{
	const char *prefix = arena_printf(&cli->arena, "virtual table %s: ", table->name);
	size_t len = strlen(prefix);

	return out_clean(
		&cli->arena, strncmp(err->text, prefix, len) == 0 ? err->text + len : err->text);
}

void
cli_note_virtual(struct cli *cli, int64_t id)
{
	struct err err = ERR_INIT, ignored = ERR_INIT;
	struct duck *duck = NULL;
	struct table_info table;

	if (tables_get(&cli->catalog, id, &cli->arena, &table, &err) < 0)
		return;
	if (cli_engine_open(cli, &duck, &ignored) < 0)
		duck = NULL;
	if (cli_check_virtual(cli, duck, &table, &err) < 0)
		fprintf(stderr, "Note: this %s cannot be answered as it is: %s\n",
			table.sql_query != NULL ? "query" : "table",
			cli_virtual_fault(cli, &table, &err));
	duck_close(duck);
}

/* Whether the table is read to make the virtual one. */
static bool
is_read_by(struct cli *cli, const struct table_info *table, const struct table_info *by)
{
	struct err ignored = ERR_INIT;
	const char **names;
	int64_t id;

	if (by->id == table->id || !table_is_virtual(by))
		return false;
	for (size_t i = 0; by->producer_registration_id != ID_NONE && i < table->n_read_by; i++)
		if (table->read_by[i].id == by->producer_registration_id)
			return true;
	if (by->sql_query == NULL)
		return false;
	names = lineage_query_names(by->sql_query, &cli->arena);
	for (size_t i = 0; names[i] != NULL; i++) {
		if (resolve_table(&cli->catalog, names[i], &id, &ignored) == 0 && id == table->id)
			return true;
		err_clear(&ignored);
	}
	return false;
}

int
cli_virtual_readers(
	struct cli *cli, const struct table_info *table, const char **out, struct err *err)
{
	struct table_list list;

	*out = NULL;
	if (tables_list(&cli->catalog, ID_NONE, &cli->arena, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (is_read_by(cli, table, &list.items[i]))
			*out = arena_printf(&cli->arena, "%s%s%s (%lld)", *out != NULL ? *out : "",
				*out != NULL ? ", " : "", list.items[i].name,
				(long long)list.items[i].id);
	return 0;
}
