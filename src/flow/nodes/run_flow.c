/* Flows within flows: their nodes become a part of the plan, as those of a flow that makes a virtual table do. */
#include <inttypes.h>
#include <string.h>

#include "catalog/catalog.h"
#include "flow/subflow.h"
#include "nodes.h"

enum node_mode
node_run_flow_judge(const struct flow_node *node, const char **why)
{
	bool metadata;

	if (setting_bool(node->settings, "append_run_metadata", false, &metadata, NULL) == 0 &&
		metadata) {
		*why = "append_run_metadata: which columns those are only Flowfile knows; turn it "
		       "off";
		return NODE_UNSUPPORTED;
	}
	return NODE_LAZY;
}

/* --- opening ---------------------------------------------------------------------------------------------- */

/* One more of the flow, with these values over those of the call. */
static int
open_scope(struct plan *plan, struct scope *outer, struct subflow *sub,
	const struct flow_param *more, size_t n_more, struct scope **out, struct err *err)
{
	struct flow *flow;

	if (subflow_read(&sub->call, sub->path, more, n_more, &plan->n_subflows, &flow, err) < 0)
		return -1;
	plan_adopt(plan, flow);
	if (subflow_fits(&sub->call, flow, err) < 0)
		return -1;
	if (sub->name == NULL)
		sub->name = flow->name;
	*out = plan_scope(plan, flow, outer, ID_NONE);
	(*out)->caller = sub->call.node;
	(*out)->as = sub;
	(*out)->title = arena_printf(
		&plan->arena, "%s > %s, ", plan_node_name(plan, outer, sub->call.node), sub->name);
	return 0;
}

int
subflow_open(struct plan *plan, struct scope *scope, const struct flow_node *node,
	struct subflow **out, struct err *err)
{
	struct db *db = plan->catalog != NULL ? plan->catalog->db : NULL;
	struct subflow **place = &scope->subflows[node - scope->flow->nodes], *sub = *place;

	if (sub == NULL) {
		sub = arena_alloc(&plan->arena, sizeof(*sub));
		if (subflow_take(scope->flow, node, &plan->arena, &sub->call, err) < 0 ||
			subflow_find(db, &sub->call, &sub->path, &sub->name, err) < 0 ||
			open_scope(plan, scope, sub, NULL, 0, &sub->scope, err) < 0)
			return -1;
		*place = sub;
	}
	*out = sub;
	return 0;
}

/* --- for each row ----------------------------------------------------------------------------------------- */

/* The columns that give values, of all rows, as texts. */
static int
query_rows(struct compiler *c, const struct subflow *sub, struct duck_rows **rows, struct err *err)
{
	const struct subflow_call *call = &sub->call;
	const struct column *column;
	struct relation *relation;
	struct buf sql;
	int rc;

	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT true");
	for (size_t i = 0; i < call->n_columns; i++) {
		const char *name = call->columns[i].column;

		if (node_column(c, 0, name, "column", &column, err) < 0) {
			buf_free(&sql);
			return err_prefix(err, "parameter_bindings: %s", call->columns[i].param);
		}
		buf_printf(&sql, ", %s",
			sql_as_text(
				c->arena, sql_quoted(c->arena, name), type_classify(column->type)));
		buf_printf(&sql, " AS p%zu", i);
	}
	buf_printf(&sql, " FROM %s LIMIT %d", c->in[0]->name, SUBFLOW_ROWS_MAX + 1);
	rc = plan_relation(c->plan, c->scope, buf_str(&sql), c->in, 1, &relation, err);
	buf_free(&sql);
	if (rc < 0)
		return -1;
	return duck_query(c->plan->duck, plan_sql_text(c->plan, relation), rows, err);
}

static bool
same_values(const struct flow_param *a, const struct flow_param *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i].value, b[i].value) != 0)
			return false;
	return true;
}

/* A row's values; what is NULL stays as the flow has it. */
static size_t
take_row(struct compiler *c, const struct subflow *sub, struct duck_rows *rows,
	struct flow_param *out)
{
	size_t n = 0;

	for (size_t i = 0; i < sub->call.n_columns; i++) {
		const char *value = duck_text_copy(rows, i + 1, c->arena);

		if (value != NULL)
			out[n++] = (struct flow_param){sub->call.columns[i].param, value};
	}
	return n;
}

struct row {
	struct flow_param *values;
	size_t n;
	struct scope *scope;
};

/* Rows of the same values share one. */
static int
open_row(struct compiler *c, struct subflow *sub, struct row *rows, size_t at, struct err *err)
{
	struct row *row = &rows[at];

	for (size_t i = 0; row->scope == NULL && i < at; i++)
		if (rows[i].n == row->n && same_values(rows[i].values, row->values, row->n))
			row->scope = rows[i].scope;
	if (row->scope == NULL &&
		open_scope(c->plan, c->scope, sub, row->values, row->n, &row->scope, err) < 0)
		return -1;
	sub->rows[at] = row->scope;
	return 0;
}

static int
open_rows(struct compiler *c, struct subflow *sub, struct err *err)
{
	struct row *rows = arena_array(c->arena, SUBFLOW_ROWS_MAX + 1, sizeof(*rows));
	struct duck_rows *found;
	size_t n = 0;

	if (query_rows(c, sub, &found, err) < 0)
		return -1;
	for (; n <= SUBFLOW_ROWS_MAX && duck_rows_next(found); n++) {
		rows[n].values =
			arena_array(c->arena, sub->call.n_columns + 1, sizeof(*rows[n].values));
		rows[n].n = take_row(c, sub, found, rows[n].values);
	}
	duck_rows_free(found);
	if (n > SUBFLOW_ROWS_MAX)
		return err_set(err, ERR_USAGE, "iteration_mode: its input has more than %d rows",
			SUBFLOW_ROWS_MAX);
	sub->rows = arena_array(c->arena, n + 1, sizeof(struct scope *));
	for (sub->n_rows = 0; sub->n_rows < n; sub->n_rows++)
		if (open_row(c, sub, rows, sub->n_rows, err) < 0)
			return -1;
	return 0;
}

/* --- outputs ---------------------------------------------------------------------------------------------- */

/* What one of them gives. */
static int
output_of(struct compiler *c, const struct subflow *sub, struct scope *scope, int handle,
	struct relation **out, struct err *err)
{
	const struct flow_node *node;

	if (subflow_output(&sub->call, scope->flow, handle, &node, err) < 0)
		return -1;
	if (node == NULL)
		return plan_relation(c->plan, scope, "SELECT true AS done", NULL, 0, out, err);
	if (plan_compile(c->plan, scope, node, 0, out, err) == 0)
		return 0;
	c->is_told = true;
	return -1;
}

static int
emit(struct compiler *c, int handle, const char *sql, struct relation **in, size_t n_in,
	struct err *err)
{
	struct relation **own = c->in;
	size_t n_own = c->n_in;
	int rc;

	c->in = in;
	c->n_in = n_in;
	rc = node_emit(c, handle, sql, err);
	c->in = own;
	c->n_in = n_own;
	return rc;
}

/* One below the other, in the order of the rows. */
static int
emit_rows(struct compiler *c, const struct subflow *sub, int handle, struct err *err)
{
	struct relation **in = arena_array(c->arena, sub->n_rows + 1, sizeof(struct relation *));
	struct buf sql;
	int rc = 0;

	node_begin_sql(&sql);
	for (size_t i = 0; rc == 0 && i < sub->n_rows; i++) {
		rc = output_of(c, sub, sub->rows[i], handle, &in[i], err);
		if (rc == 0)
			buf_printf(&sql, "%sSELECT * FROM %s", i > 0 ? " UNION ALL BY NAME " : "",
				in[i]->name);
	}
	/* Without rows there are none, of the columns that it has by itself. */
	if (rc == 0 && sub->n_rows == 0) {
		rc = output_of(c, sub, sub->scope, handle, &in[0], err);
		if (rc == 0)
			buf_printf(&sql, "SELECT * FROM %s WHERE false", in[0]->name);
	}
	if (rc == 0)
		rc = emit(c, handle, buf_str(&sql), in, sub->n_rows > 0 ? sub->n_rows : 1, err);
	buf_free(&sql);
	return rc;
}

static int
emit_output(struct compiler *c, const struct subflow *sub, int handle, struct err *err)
{
	struct relation *relation;

	if (sub->call.by_rows)
		return emit_rows(c, sub, handle, err);
	if (output_of(c, sub, sub->scope, handle, &relation, err) < 0)
		return -1;
	return emit(c, handle, arena_printf(c->arena, "SELECT * FROM %s", relation->name),
		&relation, 1, err);
}

static size_t
count_outputs(const struct flow *flow)
{
	size_t n = 0;

	for (size_t i = 0; i < flow->n_nodes; i++)
		n += strcmp(flow->nodes[i].kind->type, "flow_output") == 0;
	return n;
}

int
node_run_flow(struct compiler *c, struct err *err)
{
	struct subflow *sub;

	if (subflow_open(c->plan, c->scope, c->node, &sub, err) < 0)
		return -1;
	c->several = count_outputs(sub->scope->flow) > 1;
	if (sub->call.by_rows && sub->rows == NULL && open_rows(c, sub, err) < 0)
		return -1;
	for (int h = 0; h < FLOW_HANDLES_MAX; h++)
		if ((c->wanted & (1u << h)) != 0 && emit_output(c, sub, h, err) < 0)
			return -1;
	return 0;
}
