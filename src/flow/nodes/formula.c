/* A column that a formula gives: in the place of one of its name, or behind all others. */
#include <string.h>

#include "base/text.h"
#include "flow/formula.h"
#include "nodes.h"

struct wanted {
	const char *name, *type; /* type NULL: what the formula gives */
	struct formula formula;
};

static int
take_settings(struct compiler *c, struct wanted *w, struct err *err)
{
	const cJSON *function = setting_object(c->settings, "function");
	const cJSON *field = setting_object(function, "field");
	const char *text, *type;

	if (function == NULL || field == NULL)
		return err_set(err, ERR_USAGE, "function: it is missing");
	if (setting_required(field, "name", c->arena, &w->name, err) < 0 ||
		setting_text(field, "data_type", "Auto", c->arena, &type, err) < 0)
		return err_prefix(err, "function: field");
	if (setting_required(function, "function", c->arena, &text, err) < 0 ||
		formula_translate(text, &c->in[0]->columns, c->arena, &w->formula, err) < 0)
		return err_prefix(err, "function");
	w->type = NULL;
	if (*type == '\0' || text_equal_nocase(type, "auto"))
		return 0;
	w->type = type_from_polars(type, c->arena);
	return w->type != NULL
		? 0
		: err_set(err, ERR_USAGE, "function: field: data_type: there is no type %s", type);
}

static void
add_value(const struct wanted *w, struct buf *sql)
{
	if (w->type != NULL)
		buf_printf(sql, "CAST(%s AS %s) AS ", w->formula.sql, w->type);
	else
		buf_printf(sql, "%s AS ", w->formula.sql);
	sql_ident(sql, w->name);
}

int
node_formula(struct compiler *c, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	struct wanted w;
	struct buf sql;

	if (take_settings(c, &w, err) < 0)
		return -1;
	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < in->n; i++) {
		if (strcmp(in->items[i].name, w.name) == 0)
			add_value(&w, &sql);
		else
			sql_ident(&sql, in->items[i].name);
		buf_puts(&sql, i + 1 < in->n ? ", " : "");
	}
	if (columns_find(in, w.name) == NULL) {
		buf_puts(&sql, ", ");
		add_value(&w, &sql);
	}
	buf_printf(&sql, " FROM %s", c->in[0]->name);
	return node_emit_sql(c, 0, &sql, err);
}
