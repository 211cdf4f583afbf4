/* Nodes that choose, order, number or count rows, and choose columns. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

/* --- columns ------------------------------------------------------------------------------------------------ */

/* "a", "b" AS "c", ... of what select_input keeps, in its order; then, with keep_missing, what it does not name. */
static int
add_choice(struct compiler *c, const cJSON *item, struct buf *sql, bool *named, int *n,
	struct err *err)
{
	const struct column *column;
	const char *old, *new, *type, *engine;
	bool keep, available, change;

	if (setting_required(item, "old_name", c->arena, &old, err) < 0 ||
		setting_text(item, "new_name", old, c->arena, &new, err) < 0 ||
		setting_text(item, "data_type", "", c->arena, &type, err) < 0 ||
		setting_bool(item, "keep", true, &keep, err) < 0 ||
		setting_bool(item, "is_available", true, &available, err) < 0 ||
		setting_bool(item, "data_type_change", *type != '\0', &change, err) < 0)
		return -1;
	column = columns_find(&c->in[0]->columns, old);
	if (column != NULL)
		named[column - c->in[0]->columns.items] = true;
	if (!keep || (column == NULL && !available))
		return 0;
	if (column == NULL)
		return node_column(c, 0, old, "old_name", &column, err);
	engine = change && *type != '\0' ? type_from_polars(type, c->arena) : NULL;
	if (change && *type != '\0' && engine == NULL)
		return err_set(err, ERR_USAGE, "data_type: there is no type %s", type);
	buf_puts(sql, (*n)++ > 0 ? ", " : "");
	if (engine != NULL && strcmp(engine, column->type) != 0)
		buf_printf(sql, "CAST(%s AS %s) AS ", sql_quoted(c->arena, old), engine);
	else
		buf_printf(sql, "%s AS ", sql_quoted(c->arena, old));
	sql_ident(sql, *new != '\0' ? new : old);
	return 0;
}

struct choice {
	const cJSON *item;
	int index; /* in the list */
	int64_t position;
};

static int
by_position(const void *x, const void *y)
{
	const struct choice *a = x, *b = y;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->index - b->index;
}

/* In the order of their positions, those without one first; of one position in the order of the list. */
static int
order_choices(struct compiler *c, struct choice **out, size_t *n, struct err *err)
{
	const cJSON *list = setting_array(c->settings, "select_input"), *item;
	struct choice *choices =
		arena_array(c->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*choices));
	int i = 0;

	*out = choices;
	*n = (size_t)cJSON_GetArraySize(list);
	cJSON_ArrayForEach(item, list)
	{
		choices[i] = (struct choice){item, i, 0};
		if (setting_int(item, "position", INT32_MIN, INT32_MAX, 0, &choices[i].position,
			    err) < 0)
			return err_prefix(err, "select_input[%d]", i);
		i++;
	}
	qsort(choices, *n, sizeof(*choices), by_position);
	return 0;
}

static int
add_choices(struct compiler *c, struct buf *sql, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	bool *named = arena_array(c->arena, in->n + 1, sizeof(*named)), missing;
	struct choice *choices;
	size_t n_choices;
	int n = 0;

	if (setting_bool(c->settings, "keep_missing", true, &missing, err) < 0 ||
		order_choices(c, &choices, &n_choices, err) < 0)
		return -1;
	for (size_t i = 0; i < n_choices; i++)
		if (add_choice(c, choices[i].item, sql, named, &n, err) < 0)
			return err_prefix(err, "select_input[%d]", choices[i].index);
	for (size_t k = 0; missing && k < in->n; k++)
		if (!named[k]) {
			buf_puts(sql, n++ > 0 ? ", " : "");
			sql_ident(sql, in->items[k].name);
		}
	return n > 0 ? 0 : err_set(err, ERR_USAGE, "select_input: it keeps no column");
}

int
node_select(struct compiler *c, struct err *err)
{
	struct buf sql;

	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	if (add_choices(c, &sql, err) < 0) {
		buf_free(&sql);
		return -1;
	}
	buf_printf(&sql, " FROM %s", c->in[0]->name);
	return node_emit_sql(c, 0, &sql, err);
}

/* --- order ---------------------------------------------------------------------------------------------------- */

/* NULLs come first both ways, as in Polars. */
int
rows_order(struct compiler *c, const cJSON *list, const char *field, const char *prefix,
	const char **sql, struct err *err)
{
	static const char *const ways[] = {"asc", "desc", "ascending", "descending", NULL};
	const struct column *column;
	const cJSON *item;
	const char *name;
	int n = 0, how;

	*sql = "";
	cJSON_ArrayForEach(item, list)
	{
		if (setting_required(item, "column", c->arena, &name, err) < 0 ||
			node_column(c, 0, name, "column", &column, err) < 0 ||
			setting_word(item, "how", ways, 0, c->arena, &how, err) < 0)
			return err_prefix(err, "%s[%d]", field, n);
		*sql = arena_printf(c->arena, "%s%s%s%s %s NULLS FIRST", *sql, n++ > 0 ? ", " : "",
			prefix, sql_quoted(c->arena, name), how % 2 ? "DESC" : "ASC");
	}
	return 0;
}

int
node_sort(struct compiler *c, struct err *err)
{
	const char *order;

	if (rows_order(c, setting_array(c->settings, "sort_input"), "sort_input", "", &order, err) <
		0)
		return -1;
	if (*order == '\0')
		return node_emit_input(c, 0, 0);
	return node_emit(c, 0,
		arena_printf(c->arena, "SELECT * FROM %s ORDER BY %s", c->in[0]->name, order), err);
}

/* --- which rows -------------------------------------------------------------------------------------------------- */

/* The named columns with commas; all when none are named. */
static int
list_columns(struct compiler *c, const cJSON *object, const char *field, const char **list,
	struct err *err)
{
	const struct column *column;
	const char **names;
	size_t n;

	*list = "";
	if (setting_texts(object, field, c->arena, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (node_column(c, 0, names[i], field, &column, err) < 0)
			return -1;
		*list = arena_printf(c->arena, "%s%s%s", *list, i > 0 ? ", " : "",
			sql_quoted(c->arena, names[i]));
	}
	for (size_t i = 0; n == 0 && i < c->in[0]->columns.n; i++)
		*list = arena_printf(c->arena, "%s%s%s", *list, i > 0 ? ", " : "",
			sql_quoted(c->arena, c->in[0]->columns.items[i].name));
	return 0;
}

int
node_unique(struct compiler *c, struct err *err)
{
	static const char *const strategies[] = {"any", "first", "last", "none", NULL};
	const cJSON *input = setting_object(c->settings, "unique_input");
	const char *keys, *row = node_own_name(c, 0, "_row"), *pick = node_own_name(c, 0, "_pick");
	struct buf sql;
	int strategy;

	if (setting_word(input, "strategy", strategies, 0, c->arena, &strategy, err) < 0 ||
		list_columns(c, input, "columns", &keys, err) < 0)
		return err_prefix(err, "unique_input");
	node_begin_sql(&sql);
	buf_printf(&sql, "SELECT * EXCLUDE (%s, %s) FROM (SELECT *, ", row, pick);
	if (strategy == 3)
		buf_printf(&sql, "count(*) OVER (PARTITION BY %s) AS %s", keys, pick);
	else
		buf_printf(&sql, "row_number() OVER (PARTITION BY %s ORDER BY %s%s) AS %s", keys,
			row, strategy == 2 ? " DESC" : "", pick);
	buf_printf(&sql,
		" FROM (SELECT *, row_number() OVER () AS %s FROM %s)) WHERE %s = 1 ORDER BY %s",
		row, c->in[0]->name, pick, row);
	return node_emit_sql(c, 0, &sql, err);
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

int
node_record_id(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "record_id_input");
	const char *name, *keys = NULL;
	struct buf sql;
	int64_t offset;
	bool grouped;

	if (setting_text(input, "output_column_name", "record_id", c->arena, &name, err) < 0 ||
		setting_int(input, "offset", 0, INT64_MAX, 1, &offset, err) < 0 ||
		setting_bool(input, "group_by", false, &grouped, err) < 0 ||
		(grouped && list_columns(c, input, "group_by_columns", &keys, err) < 0))
		return err_prefix(err, "record_id_input");
	if (columns_find(&c->in[0]->columns, name) != NULL)
		return err_set(err, ERR_USAGE,
			"record_id_input: output_column_name: there is a column %s already", name);
	node_begin_sql(&sql);
	buf_printf(&sql,
		"SELECT CAST(row_number() OVER (%s%s) + %" PRId64 " AS UBIGINT) AS %s, * FROM %s",
		keys != NULL ? "PARTITION BY " : "", keys != NULL ? keys : "", offset - 1,
		sql_quoted(c->arena, name), c->in[0]->name);
	return node_emit_sql(c, 0, &sql, err);
}

int
node_record_count(struct compiler *c, struct err *err)
{
	return node_emit(c, 0,
		arena_printf(c->arena,
			"SELECT CAST(count(*) AS UBIGINT) AS number_of_records FROM %s",
			c->in[0]->name),
		err);
}

/* --- several inputs -------------------------------------------------------------------------------------------------- */

static bool
is_everywhere(const struct compiler *c, const char *name)
{
	for (size_t i = 1; i < c->n_in; i++)
		if (columns_find(&c->in[i]->columns, name) == NULL)
			return false;
	return true;
}

/* relaxed: all columns that any input has; selective: those that all have, in the first one's order. */
int
node_union(struct compiler *c, struct err *err)
{
	static const char *const modes[] = {"relaxed", "selective", NULL};
	const char *columns = "*";
	struct buf sql;
	int mode;

	if (setting_word(setting_object(c->settings, "union_input"), "mode", modes, 0, c->arena,
		    &mode, err) < 0)
		return err_prefix(err, "union_input");
	if (mode == 1) {
		columns = "";
		for (size_t i = 0; i < c->in[0]->columns.n; i++)
			if (is_everywhere(c, c->in[0]->columns.items[i].name))
				columns = arena_printf(c->arena, "%s%s%s", columns,
					*columns != '\0' ? ", " : "",
					sql_quoted(c->arena, c->in[0]->columns.items[i].name));
		if (*columns == '\0')
			return err_set(
				err, ERR_USAGE, "union_input: its inputs have no column in common");
	}
	node_begin_sql(&sql);
	for (size_t i = 0; i < c->n_in; i++)
		buf_printf(&sql, "%sSELECT %s FROM %s", i > 0 ? " UNION ALL BY NAME " : "", columns,
			c->in[i]->name);
	return node_emit_sql(c, 0, &sql, err);
}
