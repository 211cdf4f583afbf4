/* Rows that are written in the flow itself (contract 7.1: the data is column-major). */
#include "flow/subflow.h"
#include "nodes.h"

struct raw {
	const cJSON *columns, *data;
	size_t n_columns, n_rows;
};

static int
look_at(const cJSON *format, struct raw *raw, struct err *err)
{
	const cJSON *column;

	raw->columns = setting_array(format, "columns");
	raw->data = setting_array(format, "data");
	raw->n_columns = (size_t)cJSON_GetArraySize(raw->columns);
	raw->n_rows = 0;
	if (raw->n_columns == 0)
		return err_set(err, ERR_USAGE, "raw_data_format: columns: there is none");
	if (raw->data == NULL || raw->data->child == NULL)
		return 0;
	if ((size_t)cJSON_GetArraySize(raw->data) != raw->n_columns)
		return err_set(err, ERR_USAGE, "raw_data_format: data: %d lists for %zu columns",
			cJSON_GetArraySize(raw->data), raw->n_columns);
	raw->n_rows = (size_t)cJSON_GetArraySize(raw->data->child);
	cJSON_ArrayForEach(column, raw->data) if (!cJSON_IsArray(column) ||
		(size_t)cJSON_GetArraySize(column) != raw->n_rows) return err_set(err, ERR_USAGE,
		"raw_data_format: data: its lists are not all of one length");
	return 0;
}

static void
add_value(struct buf *sql, const cJSON *value, struct arena *a)
{
	char *json;

	if (cJSON_IsArray(value) || cJSON_IsObject(value)) {
		json = cJSON_PrintUnformatted(value);
		sql_text(sql, json);
		cJSON_free(json);
	} else {
		sql_text(sql, setting_as_text(value, a));
	}
}

/* VALUES takes rows, and the data is columns: unnest() of a list for each column turns it without going over it once for each row. */
static int
add_column(struct compiler *c, const struct raw *raw, int at, struct buf *sql, struct err *err)
{
	const cJSON *column = cJSON_GetArrayItem(raw->columns, at), *value;
	const char *name, *type, *engine;
	int i = 0;

	if (setting_required(column, "name", c->arena, &name, err) < 0 ||
		setting_text(column, "data_type", "String", c->arena, &type, err) < 0)
		return err_prefix(err, "raw_data_format: columns[%d]", at);
	engine = type_from_polars(type, c->arena);
	if (engine == NULL)
		return err_set(err, ERR_USAGE, "raw_data_format: column %s: there is no type %s",
			name, type);
	buf_printf(sql, "%sunnest(CAST([", at > 0 ? ", " : "");
	cJSON_ArrayForEach(value, cJSON_GetArrayItem(raw->data, at))
	{
		buf_puts(sql, i++ > 0 ? ", " : "");
		add_value(sql, value, c->arena);
	}
	buf_printf(sql, "] AS %s[])) AS ", engine);
	sql_ident(sql, name);
	return 0;
}

int
node_manual_input(struct compiler *c, struct err *err)
{
	struct buf sql;
	struct raw raw;

	if (look_at(setting_object(c->settings, "raw_data_format"), &raw, err) < 0)
		return -1;
	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < raw.n_columns; i++)
		if (add_column(c, &raw, (int)i, &sql, err) < 0) {
			buf_free(&sql);
			return -1;
		}
	return node_emit_sql(c, 0, &sql, err);
}

/* Rows of its own would be a trap there: they are for drawing the flow. */
static int
emit_given(struct compiler *c, const char *name, struct err *err)
{
	struct scope *outer = c->scope->outer;
	const struct flow_edge *edge = subflow_input(&c->scope->as->call, c->scope->flow, c->node);
	struct relation *in;

	if (edge == NULL)
		return err_set(err, ERR_USAGE,
			"nothing is connected to the input %s of the flow %s", name,
			c->scope->as->name);
	if (plan_compile(c->plan, outer, &outer->flow->nodes[edge->from], edge->handle, &in, err) <
		0)
		return -1;
	c->in = arena_alloc(c->arena, sizeof(struct relation *));
	c->in[0] = in;
	c->n_in = 1;
	return node_emit(c, 0, arena_printf(c->arena, "SELECT * FROM %s", in->name), err);
}

/* What a flow that runs this one hands over under the name comes in its place; alone it has the rows that it was drawn with. */
int
node_flow_input(struct compiler *c, struct err *err)
{
	const char *name;

	if (setting_text(c->settings, "input_name", "", c->arena, &name, err) < 0)
		return -1;
	if (c->scope->caller != NULL)
		return emit_given(c, name, err);
	return node_manual_input(c, err);
}
