#include "flow/catalog_sql.h"

#include <string.h>

#include "base/text.h"
#include "catalog/flows.h"
#include "catalog/resolve.h"
#include "flow/delta.h"
#include "nodes/nodes.h"

/* --- virtual tables ------------------------------------------------------------------------------------- */

/* A virtual table that is made of itself, over whatever others. */
static int
check_loop(struct plan *plan, struct scope *scope, const struct table_info *table, struct err *err)
{
	const char *loop = table->name;
	struct table_info between;
	const struct scope *s;

	for (s = scope; s != NULL && s->table_id != table->id; s = s->outer) {
		if (s->table_id == ID_NONE)
			continue;
		if (tables_get(plan->catalog, s->table_id, &plan->arena, &between, err) < 0)
			return -1;
		loop = arena_printf(&plan->arena, "%s, which reads %s", between.name, loop);
	}
	if (s == NULL)
		return 0;
	return err_set(err, ERR_USAGE, "virtual tables read each other in a loop: %s reads %s",
		table->name, loop);
}

static int
splice_flow(struct plan *plan, struct scope *outer, const struct table_info *table,
	const struct flow *flow, struct relation **out, struct err *err)
{
	const struct flow_node *writer = NULL;
	struct scope *scope;

	for (size_t i = 0; writer == NULL && i < flow->n_nodes; i++)
		if (catalog_writer_makes(&flow->nodes[i], table->name))
			writer = &flow->nodes[i];
	if (writer == NULL)
		return err_set(err, ERR_NOT_FOUND,
			"%s: no catalog_writer of it makes the virtual table %s", flow->path,
			table->name);
	if (plan_check(flow, err) < 0)
		return err_prefix(err, "%s", flow->path);
	scope = plan_scope(plan, flow, outer, table->id);
	if (plan_compile(plan, scope, writer, 0, out, err) < 0)
		return err_prefix(err, "%s", flow->path);
	return 0;
}

static int
flow_relation(struct plan *plan, struct scope *scope, const struct table_info *table,
	struct relation **out, struct err *err)
{
	struct flow_info producer;
	struct flow *flow;

	if (table->producer_registration_id == ID_NONE)
		return err_set(err, ERR_USAGE, "the virtual table %s has no producer", table->name);
	if (flows_get(plan->catalog, table->producer_registration_id, &plan->arena, &producer,
		    err) < 0 ||
		flow_read(producer.flow_path, NULL, 0, &flow, err) < 0)
		return err_prefix(err, "virtual table %s", table->name);
	plan_adopt(plan, flow);
	for (const struct scope *s = scope; flow->outer == NULL && s != NULL; s = s->outer)
		flow->outer = s->flow;
	return splice_flow(plan, scope, table, flow, out, err);
}

static int
query_relation(struct plan *plan, struct scope *outer, const struct table_info *table,
	struct relation **out, struct err *err)
{
	struct scope *scope = plan_scope(plan, NULL, outer, table->id);

	if (catalog_sql_compile(plan, scope, table->sql_query, NULL, out, err) < 0)
		return err_prefix(err, "virtual table %s", table->name);
	return 0;
}

static struct relation *
find_read(const struct plan *plan, int64_t id)
{
	for (const struct plan_table *t = plan->tables; t != NULL; t = t->next)
		if (t->id == id)
			return t->relation;
	return NULL;
}

static void
keep_read(struct plan *plan, int64_t id, struct relation *relation)
{
	struct plan_table *t = arena_alloc(&plan->arena, sizeof(*t));

	*t = (struct plan_table){id, relation, plan->tables};
	plan->tables = t;
}

static int
virtual_relation(struct plan *plan, struct scope *scope, const struct table_info *table,
	struct relation **out, struct err *err)
{
	bool by_query = table->sql_query != NULL && *table->sql_query != '\0';

	*out = find_read(plan, table->id);
	if (*out != NULL)
		return 0;
	if (check_loop(plan, scope, table, err) < 0 ||
		(by_query ? query_relation : flow_relation)(plan, scope, table, out, err) < 0)
		return -1;
	keep_read(plan, table->id, *out);
	return 0;
}

int
catalog_relation(struct plan *plan, struct scope *scope, const struct table_info *table,
	struct relation **out, struct err *err)
{
	const char *sql;

	if (table_is_virtual(table))
		return virtual_relation(plan, scope, table, out, err);
	if (catalog_scan_sql(table, DELTA_LATEST, plan->shapes, &plan->arena, &sql, err) < 0 ||
		plan_relation(plan, scope, sql, NULL, 0, out, err) < 0)
		return -1;
	(*out)->is_scan = true;
	return 0;
}

/* --- queries -------------------------------------------------------------------------------------------- */

struct binding {
	struct plan *plan;
	struct scope *scope;
	struct query query;
	struct relation **inputs;
	struct catalog_sql_uses *uses;
};

static int
find_table(struct catalog *cat, const char *name, struct arena *a, struct table_info *out,
	struct err *err)
{
	struct table_matches found;
	int64_t id;

	if (tables_resolve(cat, name, ID_NONE, true, a, &found, err) == 0)
		return tables_get(cat, found.items[0].id, a, out, err);
	if (err->code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT,
			"several tables are called %s: write %s, or which one you mean", name,
			found.items[0].qualified_name);
	if (err->code != ERR_NOT_FOUND)
		return -1;
	/* The same again, which says the nearest name. Here a number is a name, too, and no id. */
	err_clear(err);
	if (resolve_table(cat, name, &id, err) < 0)
		return -1;
	return err_set(err, ERR_NOT_FOUND, "no table is called '%s'", name);
}

static void
note_use(struct catalog_sql_uses *uses, int64_t id, const char *name)
{
	if (uses == NULL)
		return;
	for (size_t i = 0; i < uses->n; i++)
		if (uses->items[i].id == id)
			return;
	uses->items[uses->n++] = (struct catalog_sql_use){id, name};
}

static bool
is_hidden(const struct query *q, const char *name)
{
	for (size_t i = 0; i < q->n_ctes; i++)
		if (text_equal_nocase(q->ctes[i], name))
			return true;
	return false;
}

int
catalog_sql_bind(struct plan *plan, struct scope *scope, struct query *query,
	struct query_table *table, struct relation **relation, struct err *err)
{
	while (is_hidden(query, (*relation)->name)) {
		struct relation *in = *relation;
		const char *sql = arena_printf(&plan->arena, "SELECT * FROM %s", in->name);

		if (plan_relation(plan, scope, sql, &in, 1, relation, err) < 0)
			return -1;
	}
	table->becomes = (*relation)->name;
	return 0;
}

static int
bind_table(struct binding *b, size_t i, struct err *err)
{
	struct query_table *t = &b->query.tables[i];
	const char *name = query_table_name(t, &b->plan->arena);
	struct table_info table;

	if (find_table(b->plan->catalog, name, &b->plan->arena, &table, err) < 0 ||
		catalog_relation(b->plan, b->scope, &table, &b->inputs[i], err) < 0 ||
		catalog_sql_bind(b->plan, b->scope, &b->query, t, &b->inputs[i], err) < 0)
		return -1;
	note_use(b->uses, table.id, name);
	return 0;
}

int
catalog_sql_compile(struct plan *plan, struct scope *scope, const char *sql,
	struct catalog_sql_uses *uses, struct relation **out, struct err *err)
{
	struct arena *a = &plan->arena;
	struct binding b = {.plan = plan, .scope = scope, .uses = uses};

	if (query_parse(plan->shapes, sql, a, &b.query, err) < 0)
		return -1;
	if (plan->catalog == NULL && b.query.n_tables > 0)
		return err_set(err, ERR_FAILED, "it needs the catalog, and there is none");
	b.inputs = arena_array(a, b.query.n_tables + 1, sizeof(struct relation *));
	if (uses != NULL)
		*uses = (struct catalog_sql_uses){
			arena_array(a, b.query.n_tables + 1, sizeof(*uses->items)), 0};
	for (size_t i = 0; i < b.query.n_tables; i++)
		if (bind_table(&b, i, err) < 0)
			return -1;
	if (query_bind(&b.query, a, &sql, err) < 0)
		return -1;
	return plan_relation(plan, scope, sql, b.inputs, b.query.n_tables, out, err);
}
