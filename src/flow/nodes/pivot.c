/* Values of one column that become columns. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "nodes.h"

#define VALUES_MAX 200

/*
 * In two steps: groups by the index and the pivot column, and of these a row for each index. The groups are i0, i1, ... (the index), p, and
 * a0, a1, ... (the aggregations).
 */
struct pivot {
	struct compiler *c;
	const char **index, **aggregations;
	size_t n_index, n_aggregations;
	const struct column *by, *value;
	struct relation *groups;
	const char *values[VALUES_MAX]; /* NULL among them: where there is none */
	size_t n_values;
};

static int
take_columns(struct pivot *p, const cJSON *input, struct err *err)
{
	struct compiler *c = p->c;
	const struct column *column;
	const char *by, *value;

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (setting_texts(input, "index_columns", c->arena, &p->index, &p->n_index, err) < 0 ||
		setting_texts(input, "aggregations", c->arena, &p->aggregations, &p->n_aggregations,
			err) < 0 ||
		setting_required(input, "pivot_column", c->arena, &by, err) < 0 ||
		setting_required(input, "value_col", c->arena, &value, err) < 0 ||
		node_column(c, 0, by, "pivot_column", &p->by, err) < 0 ||
		node_column(c, 0, value, "value_col", &p->value, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n_index; i++)
		if (node_column(c, 0, p->index[i], "index_columns", &column, err) < 0)
			return -1;
	return p->n_aggregations > 0 ? 0 : err_set(err, ERR_USAGE, "aggregations: there is none");
}

/* --- groups --------------------------------------------------------------------------------------------------- */

static int
add_aggregations(struct pivot *p, const char *row, struct buf *sql, bool *ordered, struct err *err)
{
	struct aggregate aggregate = {.row = row, .over = ""};

	for (size_t i = 0; i < p->n_aggregations; i++) {
		if (aggregate_of(p->c, p->value, p->aggregations[i], &aggregate, err) < 0)
			return err_prefix(err, "aggregations[%zu]", i);
		buf_printf(sql, ", %s AS a%zu", aggregate.sql, i);
		*ordered = *ordered || aggregate.ordered;
	}
	return 0;
}

static int
write_groups(struct pivot *p, struct buf *sql, struct err *err)
{
	struct compiler *c = p->c;
	const char *row = node_own_name(c, 0, "_row"), *from = c->in[0]->name;
	bool ordered = false;

	buf_puts(sql, "SELECT ");
	for (size_t i = 0; i < p->n_index; i++)
		buf_printf(sql, "%s AS i%zu, ", sql_quoted(c->arena, p->index[i]), i);
	buf_printf(sql, "%s AS p", sql_quoted(c->arena, p->by->name));
	if (add_aggregations(p, row, sql, &ordered, err) < 0)
		return -1;
	if (ordered)
		from = arena_printf(
			c->arena, "(SELECT *, row_number() OVER () AS %s FROM %s)", row, from);
	buf_printf(sql, " FROM %s GROUP BY ALL", from);
	return 0;
}

/* They are stored, for they are read twice; where nothing may be, they are computed for the values only. */
static int
make_groups(struct pivot *p, struct err *err)
{
	struct compiler *c = p->c;
	struct buf sql;
	int rc;

	node_begin_sql(&sql);
	rc = write_groups(p, &sql, err);
	if (rc == 0)
		rc = plan_relation(
			c->plan, c->scope, buf_str(&sql), c->in, c->n_in, &p->groups, err);
	buf_free(&sql);
	return rc < 0 ? -1 : node_store(c, p->groups, err);
}

/* --- columns -------------------------------------------------------------------------------------------------- */

static int
take_values(struct pivot *p, struct duck_rows *rows, struct err *err)
{
	while (duck_rows_next(rows)) {
		if (p->n_values == VALUES_MAX) {
			plan_say(p->c->plan,
				"node %" PRId64
				" (pivot): column %s has more than %d values; the first "
				"%d become columns, the others are left out",
				p->c->node->id, p->by->name, VALUES_MAX, VALUES_MAX);
			return 0;
		}
		p->values[p->n_values] = duck_text_copy(rows, 0, p->c->arena);
		if (p->values[p->n_values] != NULL && *p->values[p->n_values] == '\0')
			return err_set(err, ERR_USAGE,
				"pivot_column: a value of %s is an empty text, which can be no "
				"column's name",
				p->by->name);
		p->n_values++;
	}
	return 0;
}

static int
find_values(struct pivot *p, struct err *err)
{
	struct compiler *c = p->c;
	const char *sql = arena_printf(c->arena,
		"SELECT %s FROM (SELECT DISTINCT p FROM (%s) AS g) ORDER BY p NULLS FIRST LIMIT %d",
		sql_as_text(c->arena, "p", type_classify(p->by->type)),
		plan_sql_text(c->plan, p->groups), VALUES_MAX + 1);
	struct duck_rows *rows;
	int rc;

	if (duck_query(c->plan->duck, sql, &rows, err) < 0)
		return -1;
	rc = take_values(p, rows, err);
	duck_rows_free(rows);
	return rc;
}

/* Of sums and counts there is a zero where an index has no such value, as in Polars. */
static void
add_column(struct pivot *p, size_t value, size_t aggregation, struct buf *sql)
{
	struct arena *a = p->c->arena;
	const char *text = p->values[value], *name = text != NULL ? text : "null", *agg;
	const char *by = sql_as_text(a, "p", type_classify(p->by->type));
	const char *where =
		text == NULL ? "p IS NULL" : arena_printf(a, "%s = %s", by, sql_literal(a, text));

	agg = p->aggregations[aggregation];
	if (text_equal_nocase(agg, "sum") || text_equal_nocase(agg, "count"))
		buf_printf(sql, "coalesce(any_value(a%zu) FILTER (%s), 0) AS ", aggregation, where);
	else
		buf_printf(sql, "any_value(a%zu) FILTER (%s) AS ", aggregation, where);
	sql_ident(sql, p->n_aggregations > 1 ? arena_printf(a, "%s_%s", name, agg) : name);
}

static void
write_columns(struct pivot *p, struct buf *sql)
{
	size_t n = 0;

	buf_puts(sql, "SELECT ");
	for (size_t i = 0; i < p->n_index; i++) {
		buf_printf(sql, "%si%zu AS ", n++ > 0 ? ", " : "", i);
		sql_ident(sql, p->index[i]);
	}
	for (size_t i = 0; i < p->n_values; i++)
		for (size_t k = 0; k < p->n_aggregations; k++) {
			buf_puts(sql, n++ > 0 ? ", " : "");
			add_column(p, i, k, sql);
		}
	buf_printf(sql, " FROM %s", p->groups->name);
	for (size_t i = 0; i < p->n_index; i++)
		buf_printf(sql, "%si%zu", i > 0 ? ", " : " GROUP BY ", i);
}

int
node_pivot(struct compiler *c, struct err *err)
{
	struct pivot p = {.c = c};
	struct buf sql;

	if (take_columns(&p, setting_object(c->settings, "pivot_input"), err) < 0 ||
		make_groups(&p, err) < 0 || find_values(&p, err) < 0)
		return duck_interrupted(c->plan->duck) ? -1 : err_prefix(err, "pivot_input");
	if (p.n_values == 0 && p.n_index == 0)
		return err_set(err, ERR_FAILED,
			"its input has no rows, so that nothing says which columns there are");
	node_begin_sql(&sql);
	write_columns(&p, &sql);
	c->in = arena_array(c->arena, 1, sizeof(struct relation *));
	c->in[0] = p.groups;
	c->n_in = 1;
	return node_emit_sql(c, 0, &sql, err);
}
