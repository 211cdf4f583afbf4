/* One row for each group of rows. The order of the groups is not promised. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "nodes.h"

/* $ stands for the column. */
static const struct aggregation {
	const char *name, *sql;
	bool ordered; /* it depends on the order of the rows */
	bool numbers; /* it takes nothing else */
} aggregations[] = {
	{"sum", "coalesce(sum($), 0)", false, true},
	{"mean", "avg($)", false, true},
	{"median", "median($)", false, true},
	{"std", "stddev_samp($)", false, true},
	{"var", "var_samp($)", false, true},
	{"min", "min($)", false, false},
	{"max", "max($)", false, false},
	{"count", "count($)", false, false},
	{"n_unique", "(count(DISTINCT $) + CAST(count(*) > count($) AS BIGINT))", false, false},
	{"first", "first($ ORDER BY _row)", true, false},
	{"last", "last($ ORDER BY _row)", true, false},
	{"concat", "string_agg(CAST($ AS VARCHAR), ',' ORDER BY _row)", true, false},
};

struct group {
	struct compiler *c;
	struct buf select, by;
	int n_keys, n;
	bool ordered;
};

static const struct aggregation *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aggregations); i++)
		if (text_equal_nocase(aggregations[i].name, name))
			return &aggregations[i];
	return NULL;
}

static const char *
fill(struct arena *a, const char *sql, const char *column)
{
	const char *at, *result = "";

	for (; (at = strchr(sql, '$')) != NULL; sql = at + 1)
		result = arena_printf(a, "%s%.*s%s", result, (int)(at - sql), sql, column);
	return arena_printf(a, "%s%s", result, sql);
}

/* What the engine counts and adds up in types of its own becomes what Polars has. */
static const char *
result_type(const struct aggregation *g, const struct column *column, const char *asked)
{
	if (asked != NULL)
		return asked;
	if (strcmp(g->name, "sum") == 0 && type_classify(column->type) == TYPE_INT)
		return "BIGINT";
	return NULL;
}

static int
add_key(struct group *g, const char *old, const char *new)
{
	buf_printf(&g->select, "%s%s AS %s", g->n++ > 0 ? ", " : "", sql_quoted(g->c->arena, old),
		sql_quoted(g->c->arena, new));
	buf_printf(&g->by, "%s%s", g->n_keys++ > 0 ? ", " : "", sql_quoted(g->c->arena, old));
	return 0;
}

static int
add_value(struct group *g, const struct column *column, const char *agg, const char *new,
	const char *asked, struct err *err)
{
	const struct aggregation *found = find(agg);
	enum type_class class = type_classify(column->type);
	const char *sql, *type, *engine = NULL;

	if (found == NULL)
		return err_set(err, ERR_USAGE, "agg: there is no %s", agg);
	if (found->numbers && !type_is_number(class) && class != TYPE_BOOL &&
		class != TYPE_DURATION)
		return err_set(err, ERR_USAGE, "agg: %s takes numbers, and column %s is %s", agg,
			column->name, type_to_polars(column->type, g->c->arena));
	if (asked != NULL && *asked != '\0' &&
		(engine = type_from_polars(asked, g->c->arena)) == NULL)
		return err_set(err, ERR_USAGE, "output_type: there is no type %s", asked);
	sql = fill(g->c->arena, found->sql, sql_quoted(g->c->arena, column->name));
	type = result_type(found, column, engine);
	buf_printf(&g->select, type != NULL ? "%sCAST(%s AS %s) AS " : "%s%s%.0s AS ",
		g->n++ > 0 ? ", " : "", sql, type != NULL ? type : "");
	sql_ident(&g->select, new);
	g->ordered = g->ordered || found->ordered;
	return 0;
}

static int
add_column(struct group *g, const cJSON *item, struct err *err)
{
	const struct column *column;
	const char *old, *new, *agg, *type;
	struct arena *a = g->c->arena;

	if (setting_required(item, "old_name", a, &old, err) < 0 ||
		node_column(g->c, 0, old, "old_name", &column, err) < 0 ||
		setting_required(item, "agg", a, &agg, err) < 0 ||
		setting_text(item, "output_type", NULL, a, &type, err) < 0)
		return -1;
	if (text_equal_nocase(agg, "groupby") || text_equal_nocase(agg, "group_by")) {
		if (setting_text(item, "new_name", old, a, &new, err) < 0)
			return -1;
		return add_key(g, old, *new != '\0' ? new : old);
	}
	if (setting_text(item, "new_name", arena_printf(a, "%s_%s", old, agg), a, &new, err) < 0)
		return -1;
	return add_value(g, column, agg, new, type, err);
}

static int
add_columns(struct group *g, struct err *err)
{
	const cJSON *list = setting_array(
			    setting_object(g->c->settings, "groupby_input"), "agg_cols"),
		    *item;
	int i = 0;

	cJSON_ArrayForEach(item, list)
	{
		if (add_column(g, item, err) < 0)
			return err_prefix(err, "groupby_input: agg_cols[%d]", i);
		i++;
	}
	return i > 0 ? 0 : err_set(err, ERR_USAGE, "groupby_input: agg_cols: there is none");
}

int
node_group_by(struct compiler *c, struct err *err)
{
	struct group g = {.c = c};
	struct buf sql;
	int rc;

	node_begin_sql(&g.select);
	node_begin_sql(&g.by);
	node_begin_sql(&sql);
	rc = add_columns(&g, err);
	buf_printf(&sql, "SELECT %s FROM ", buf_str(&g.select));
	if (g.ordered)
		buf_printf(
			&sql, "(SELECT *, row_number() OVER () AS _row FROM %s)", c->in[0]->name);
	else
		buf_puts(&sql, c->in[0]->name);
	if (g.n_keys > 0)
		buf_printf(&sql, " GROUP BY %s", buf_str(&g.by));
	buf_free(&g.select);
	buf_free(&g.by);
	if (rc == 0)
		return node_emit_sql(c, 0, &sql, err);
	buf_free(&sql);
	return -1;
}
