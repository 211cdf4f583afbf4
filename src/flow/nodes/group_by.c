/* One row for each group of rows. The order of the groups is not promised. */
#include "base/text.h"
#include "nodes.h"

struct group {
	struct compiler *c;
	struct buf select, by;
	int n_keys, n;
	const char *row; /* a column for the number of each row */
	bool ordered; /* it is needed */
};

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
	struct aggregate aggregate = {.row = g->row, .over = ""};
	const char *type = NULL;

	if (aggregate_of(g->c, column, agg, &aggregate, err) < 0)
		return err_prefix(err, "agg");
	if (asked != NULL && *asked != '\0' &&
		(type = type_from_polars(asked, g->c->arena)) == NULL)
		return err_set(err, ERR_USAGE, "output_type: there is no type %s", asked);
	buf_printf(&g->select, type != NULL ? "%sCAST(%s AS %s) AS " : "%s%s%.0s AS ",
		g->n++ > 0 ? ", " : "", aggregate.sql, type != NULL ? type : "");
	sql_ident(&g->select, new);
	g->ordered = g->ordered || aggregate.ordered;
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
	struct group g = {.c = c, .row = node_own_name(c, 0, "_row")};
	struct buf sql;
	int rc;

	node_begin_sql(&g.select);
	node_begin_sql(&g.by);
	node_begin_sql(&sql);
	rc = add_columns(&g, err);
	buf_printf(&sql, "SELECT %s FROM ", buf_str(&g.select));
	if (g.ordered)
		buf_printf(&sql, "(SELECT *, row_number() OVER () AS %s FROM %s)", g.row,
			c->in[0]->name);
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
