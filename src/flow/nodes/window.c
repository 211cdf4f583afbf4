/* Columns that see the rows around each row. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "nodes.h"

enum family { ROLLING, CUMULATIVE, RANK, TILE };

static const struct window_function {
	const char *name;
	enum family family;
	const char *aggregate; /* of ROLLING and CUMULATIVE */
	bool spoiled; /* by any NaN in the window, which the engine's aggregate is not */
} functions[] = {
	{"rolling_sum", ROLLING, "sum", false},
	{"rolling_mean", ROLLING, "mean", false},
	{"rolling_min", ROLLING, "min", true},
	{"rolling_max", ROLLING, "max", true},
	{"rolling_std", ROLLING, "std", false},
	{"cum_sum", CUMULATIVE, "sum", false},
	{"cum_count", CUMULATIVE, "count", false},
	{"cum_min", CUMULATIVE, "min", false},
	{"cum_max", CUMULATIVE, "max", false},
	{"rank", RANK, NULL, false},
	{"tile", TILE, NULL, false},
};

/* The rows are s, with one more column, which numbers them. Names in an order say so: a new column may be called as one that it is ordered by. */
struct windows {
	struct compiler *c;
	const char *row;
	const char *partition; /* "" or "PARTITION BY a, b " */
	const char *order; /* "s.k ASC NULLS FIRST, s.row" */
	bool ordered; /* by what the settings say */
	const char **names, **exprs; /* of the new columns */
	size_t n;
};

/* --- functions ---------------------------------------------------------------------------------------------- */

static int
take_column(struct windows *w, const cJSON *item, const struct column **column, struct err *err)
{
	const char *name;

	if (setting_required(item, "column", w->c->arena, &name, err) < 0)
		return -1;
	return node_column(w->c, 0, name, "column", column, err);
}

/* How many rows of a window must have a value. */
static int
take_periods(const cJSON *item, struct arena *a, int64_t size, int64_t *periods, bool *zero,
	struct err *err)
{
	static const char *const edges[] = {"require_full", "partial", "fill_zero", NULL};
	int edge;

	if (setting_word(item, "edge_behavior", edges, 0, a, &edge, err) < 0 ||
		setting_int(item, "min_periods", 0, size, size, periods, err) < 0)
		return -1;
	if (edge != 0)
		*periods = 1;
	*zero = edge == 2;
	return 0;
}

static int
rolling(struct windows *w, const cJSON *item, const struct window_function *f, const char **expr,
	struct err *err)
{
	struct arena *a = w->c->arena;
	struct aggregate aggregate = {.row = w->row};
	const struct column *column;
	const char *name, *nan = "";
	int64_t size, periods;
	bool zero;

	if (take_column(w, item, &column, err) < 0 ||
		setting_int(item, "window_size", 1, INT32_MAX, 0, &size, err) < 0)
		return -1;
	if (size == 0)
		return err_set(err, ERR_USAGE, "window_size: it is missing");
	if (take_periods(item, a, size, &periods, &zero, err) < 0)
		return -1;
	aggregate.over = arena_printf(a,
		" OVER (%sORDER BY %s ROWS BETWEEN %" PRId64 " PRECEDING AND CURRENT ROW)",
		w->partition, w->order, size - 1);
	if (aggregate_of(w->c, column, f->aggregate, &aggregate, err) < 0)
		return err_prefix(err, "function");
	name = sql_quoted(a, column->name);
	if (type_classify(column->type) == TYPE_FLOAT && f->spoiled)
		nan = arena_printf(a, "WHEN bool_or(isnan(%s))%s THEN CAST('nan' AS %s) ", name,
			aggregate.over, column->type);
	*expr = arena_printf(a, "CASE WHEN count(%s)%s < %" PRId64 " THEN NULL %sELSE %s END", name,
		aggregate.over, periods, nan, aggregate.sql);
	if (zero)
		*expr = arena_printf(a, "coalesce(%s, 0)", *expr);
	return 0;
}

/* Where the column has no value there is none, but for a count. */
static int
cumulative(struct windows *w, const cJSON *item, const struct window_function *f, const char **expr,
	struct err *err)
{
	struct arena *a = w->c->arena;
	struct aggregate aggregate = {.row = w->row};
	const struct column *column;

	aggregate.over = arena_printf(
		a, " OVER (%sORDER BY %s ROWS UNBOUNDED PRECEDING)", w->partition, w->order);
	if (take_column(w, item, &column, err) < 0)
		return -1;
	if (aggregate_of(w->c, column, f->aggregate, &aggregate, err) < 0)
		return err_prefix(err, "function");
	if (strcmp(f->aggregate, "count") == 0)
		*expr = arena_printf(a, "CAST(%s AS UINTEGER)", aggregate.sql);
	else
		*expr = arena_printf(a, "CASE WHEN %s IS NOT NULL THEN %s END",
			sql_quoted(a, column->name), aggregate.sql);
	return 0;
}

/* Of one value, the row that comes first in the order has the lower ordinal. NULLs have no rank, and being the last count for none. */
static int
rank(struct windows *w, const cJSON *item, const char **expr, struct err *err)
{
	static const char *const methods[] = {"ordinal", "dense", "min", "max", "average", NULL};
	static const char *const numbers[] = {"row_number()", "dense_rank()", "rank()", "count(*)"};
	struct arena *a = w->c->arena;
	const struct column *column;
	const char *name, *over;
	int method;

	if (take_column(w, item, &column, err) < 0 ||
		setting_word(item, "rank_method", methods, 0, a, &method, err) < 0)
		return -1;
	name = sql_quoted(a, column->name);
	over = arena_printf(a, " OVER (%sORDER BY %s NULLS LAST%s%s)", w->partition, name,
		method == 0 ? ", " : "", method == 0 ? w->order : "");
	if (method < 4)
		*expr = arena_printf(a, "CAST(%s%s AS UINTEGER)", numbers[method], over);
	else
		*expr = arena_printf(a, "(rank()%s + count(*)%s) / 2", over, over);
	*expr = arena_printf(a, "CASE WHEN %s IS NOT NULL THEN %s END", name, *expr);
	return 0;
}

static int
tile(struct windows *w, const cJSON *item, const char **expr, struct err *err)
{
	int64_t groups;

	if (setting_int(item, "number_of_groups", 1, INT32_MAX, 0, &groups, err) < 0)
		return -1;
	if (groups == 0)
		return err_set(err, ERR_USAGE, "number_of_groups: it is missing");
	*expr = arena_printf(w->c->arena, "ntile(%" PRId64 ") OVER (%sORDER BY %s)", groups,
		w->partition, w->order);
	return 0;
}

static int
compute(struct windows *w, const cJSON *item, const char **expr, struct err *err)
{
	static const char *words[ARRAY_LEN(functions) + 1];
	const struct window_function *f;
	int which;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		words[i] = functions[i].name;
	if (setting_word(item, "function", words, -1, w->c->arena, &which, err) < 0)
		return -1;
	if (which < 0)
		return err_set(err, ERR_USAGE, "function: it is missing");
	f = &functions[which];
	if ((f->family == ROLLING || f->family == TILE) && !w->ordered)
		return err_set(err, ERR_USAGE, "function: %s needs an order, and order_by is empty",
			f->name);
	switch (f->family) {
	case ROLLING:
		return rolling(w, item, f, expr, err);
	case CUMULATIVE:
		return cumulative(w, item, f, expr, err);
	case RANK:
		return rank(w, item, expr, err);
	default:
		return tile(w, item, expr, err);
	}
}

/* --- the node ------------------------------------------------------------------------------------------------ */

static int
take_partition(struct windows *w, const cJSON *input, struct err *err)
{
	const struct column *column;
	const char **names;
	size_t n;

	w->partition = "";
	if (setting_texts(input, "partition_by", w->c->arena, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (node_column(w->c, 0, names[i], "partition_by", &column, err) < 0)
			return -1;
		w->partition = arena_printf(w->c->arena, "%s%s%s%s", w->partition,
			i > 0 ? ", " : "PARTITION BY ", sql_quoted(w->c->arena, names[i]),
			i + 1 == n ? " " : "");
	}
	return 0;
}

static int
take_order(struct windows *w, const cJSON *input, struct err *err)
{
	if (rows_order(w->c, setting_array(input, "order_by"), "order_by", "s.", &w->order, err) <
		0)
		return -1;
	w->ordered = *w->order != '\0';
	w->order = arena_printf(w->c->arena, "%s%ss.%s", w->order, w->ordered ? ", " : "", w->row);
	return 0;
}

static int
take_functions(struct windows *w, const cJSON *input, struct err *err)
{
	const cJSON *list = setting_array(input, "window_functions"), *item;
	size_t size = (size_t)cJSON_GetArraySize(list);

	w->names = arena_array(w->c->arena, size + 1, sizeof(*w->names));
	w->exprs = arena_array(w->c->arena, size + 1, sizeof(*w->exprs));
	cJSON_ArrayForEach(item, list)
	{
		if (setting_required(item, "new_column_name", w->c->arena, &w->names[w->n], err) <
				0 ||
			compute(w, item, &w->exprs[w->n], err) < 0)
			return err_prefix(err, "window_functions[%zu]", w->n);
		for (size_t i = 0; i < w->n; i++)
			if (strcmp(w->names[i], w->names[w->n]) == 0)
				return err_set(err, ERR_USAGE,
					"window_functions[%zu]: new_column_name: %s is taken by "
					"window_functions[%zu]",
					w->n, w->names[i], i);
		w->n++;
	}
	return 0;
}

static void
add_column(struct windows *w, size_t at, struct buf *sql)
{
	buf_printf(sql, "%s AS ", w->exprs[at]);
	sql_ident(sql, w->names[at]);
}

/* What has the name of a column of the input takes its place. */
static void
add_columns(struct windows *w, struct buf *sql)
{
	const struct columns *in = &w->c->in[0]->columns;
	size_t at;

	for (size_t i = 0; i < in->n; i++) {
		buf_puts(sql, i > 0 ? ", " : "");
		for (at = 0; at < w->n && strcmp(w->names[at], in->items[i].name) != 0;)
			at++;
		if (at < w->n)
			add_column(w, at, sql);
		else
			sql_ident(sql, in->items[i].name);
	}
	for (at = 0; at < w->n; at++)
		if (columns_find(in, w->names[at]) == NULL) {
			buf_puts(sql, ", ");
			add_column(w, at, sql);
		}
}

int
node_window_functions(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "window_input");
	struct windows w = {.c = c, .row = node_own_name(c, 0, "_row")};
	struct buf sql;

	if (take_partition(&w, input, err) < 0 || take_order(&w, input, err) < 0 ||
		take_functions(&w, input, err) < 0)
		return err_prefix(err, "window_input");
	if (w.n == 0)
		return node_emit_input(c, 0, 0);
	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	add_columns(&w, &sql);
	buf_printf(&sql, " FROM (SELECT *, row_number() OVER () AS %s FROM %s) AS s ORDER BY %s",
		w.row, c->in[0]->name, w.order);
	return node_emit_sql(c, 0, &sql, err);
}
