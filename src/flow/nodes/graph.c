/* Groups of what hangs together: the rows are the edges of a graph. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nodes.h"

struct graph {
	struct compiler *c;
	const char *from, *to; /* the ends of an edge, as text */
	const char *output;
	struct relation *points; /* (point, id): from 0, in the order that they come */
	struct relation *groups; /* (id, number): from 1, in the order of their first points */
};

static int
take_end(struct graph *g, const cJSON *input, const char *field, const char **text, struct err *err)
{
	const struct column *column;
	const char *name;

	if (setting_required(input, field, g->c->arena, &name, err) < 0 ||
		node_column(g->c, 0, name, field, &column, err) < 0)
		return -1;
	*text = sql_as_text(
		g->c->arena, sql_quoted(g->c->arena, name), type_classify(column->type));
	return 0;
}

static int
take_settings(struct graph *g, struct err *err)
{
	const cJSON *input = setting_object(g->c->settings, "graph_solver_input");

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (take_end(g, input, "col_from", &g->from, err) < 0 ||
		take_end(g, input, "col_to", &g->to, err) < 0 ||
		setting_text(input, "output_column_name", "graph_group", g->c->arena, &g->output,
			err) < 0)
		return -1;
	if (*g->output == '\0')
		g->output = "graph_group";
	return 0;
}

/* --- points and edges ----------------------------------------------------------------------------------------- */

static int
make_points(struct graph *g, struct err *err)
{
	struct compiler *c = g->c;
	const char *sql = arena_printf(c->arena,
		"SELECT point, row_number() OVER (ORDER BY min(place)) - 1 AS id FROM (SELECT "
		"unnest([s, t]) AS point, unnest([2 * place, 2 * place + 1]) AS place FROM (SELECT "
		"%s AS s, "
		"%s AS t, row_number() OVER () AS place FROM %s) WHERE s IS NOT NULL AND t IS NOT "
		"NULL) GROUP BY point",
		g->from, g->to, c->in[0]->name);

	if (node_store(c, c->in[0], err) < 0 ||
		plan_relation(c->plan, c->scope, sql, c->in, c->n_in, &g->points, err) < 0)
		return -1;
	return node_store(c, g->points, err);
}

static int
query_edges(struct graph *g, struct duck_rows **edges, struct err *err)
{
	struct compiler *c = g->c;
	struct relation *inputs[] = {c->in[0], g->points}, *ids;
	const char *sql = arena_printf(c->arena,
		"SELECT f.id AS s, t.id AS t FROM (SELECT %s AS s, %s AS t FROM %s) AS e JOIN %s "
		"AS "
		"f ON f.point = e.s JOIN %s AS t ON t.point = e.t",
		g->from, g->to, c->in[0]->name, g->points->name, g->points->name);

	if (plan_relation(c->plan, c->scope, sql, inputs, 2, &ids, err) < 0)
		return -1;
	return duck_query(c->plan->duck, plan_sql_text(c->plan, ids), edges, err);
}

/* --- groups --------------------------------------------------------------------------------------------------- */

/* The first point of the group, to which the path gets shorter on the way. */
static size_t
find(size_t *parents, size_t point)
{
	while (parents[point] != point) {
		parents[point] = parents[parents[point]];
		point = parents[point];
	}
	return point;
}

static void
unite(size_t *parents, struct duck_rows *edges)
{
	size_t s, t;

	while (duck_rows_next(edges)) {
		s = find(parents, (size_t)duck_int(edges, 0));
		t = find(parents, (size_t)duck_int(edges, 1));
		parents[s > t ? s : t] = s > t ? t : s;
	}
}

/* Adds (id, number) of each of n points. */
static int
append_groups(struct graph *g, size_t *parents, size_t n, struct err *err)
{
	int64_t *numbers = xcalloc(n + 1, sizeof(*numbers)), groups = 0;
	struct duck_appender *appender;
	size_t first;

	if (duck_append_begin(g->c->plan->duck, g->groups->name, &appender, err) < 0) {
		free(numbers);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		first = find(parents, i);
		numbers[i] = first == i ? ++groups : numbers[first];
		duck_append_int(appender, (int64_t)i);
		duck_append_int(appender, numbers[i]);
		duck_append_row(appender);
	}
	free(numbers);
	return duck_append_end(appender, err);
}

static int
find_groups(struct graph *g, struct err *err)
{
	struct compiler *c = g->c;
	struct duck_rows *edges;
	size_t *parents;
	int64_t n;
	int rc;

	if (duck_number(c->plan->duck,
		    arena_printf(c->arena, "SELECT count(*) FROM %s", g->points->name), &n,
		    err) < 0 ||
		query_edges(g, &edges, err) < 0)
		return -1;
	parents = xcalloc((size_t)n + 1, sizeof(*parents));
	for (size_t i = 0; i < (size_t)n; i++)
		parents[i] = i;
	unite(parents, edges);
	duck_rows_free(edges);
	rc = append_groups(g, parents, (size_t)n, err);
	free(parents);
	return rc;
}

static int
make_groups(struct graph *g, struct err *err)
{
	struct columns columns = {0};

	columns_add(&columns, g->c->arena, "id", "BIGINT");
	columns_add(&columns, g->c->arena, "number", "BIGINT");
	if (node_make_table(g->c, &columns, &g->groups, err) < 0)
		return -1;
	return g->c->plan->explains ? 0 : find_groups(g, err);
}

/* --- the node -------------------------------------------------------------------------------------------------- */

/* The input's columns and the number of the group, in the place of a column of that name or behind all. */
static void
add_columns(struct graph *g, struct buf *sql)
{
	const struct columns *in = &g->c->in[0]->columns;
	struct arena *a = g->c->arena;
	const char *output = sql_quoted(a, g->output);
	const char *number =
		arena_printf(a, "CAST(coalesce(g.number, 0) AS UBIGINT) AS %s", output);

	for (size_t i = 0; i < in->n; i++) {
		buf_puts(sql, i > 0 ? ", " : "");
		if (strcmp(in->items[i].name, g->output) == 0)
			buf_puts(sql, number);
		else
			buf_printf(sql, "e.%s", sql_quoted(a, in->items[i].name));
	}
	if (columns_find(in, g->output) == NULL)
		buf_printf(sql, ", %s", number);
}

/* The group of a row is that of its first end; a row whose first end is in no edge has group 0. */
static int
emit(struct graph *g, struct err *err)
{
	struct compiler *c = g->c;
	const char *row = node_own_name(c, 0, "_row"), *end = node_own_name(c, 0, "_end");
	struct relation *inputs[] = {c->in[0], g->points, g->groups};
	struct buf sql;

	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	add_columns(g, &sql);
	buf_printf(&sql,
		" FROM (SELECT *, %s AS %s, row_number() OVER () AS %s FROM %s) AS e LEFT JOIN %s "
		"AS p ON p.point = e.%s LEFT JOIN %s AS g ON g.id = p.id ORDER BY e.%s",
		g->from, end, row, c->in[0]->name, g->points->name, end, g->groups->name, row);
	c->in = inputs;
	c->n_in = ARRAY_LEN(inputs);
	return node_emit_sql(c, 0, &sql, err);
}

int
node_graph_solver(struct compiler *c, struct err *err)
{
	struct graph g = {.c = c};

	if (take_settings(&g, err) < 0)
		return err_prefix(err, "graph_solver_input");
	if (make_points(&g, err) < 0 || make_groups(&g, err) < 0)
		return -1;
	return emit(&g, err);
}
