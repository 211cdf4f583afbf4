/* What group_by and pivot make of the values of a column: one, as Polars has it. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "nodes.h"

/* In the statement, $ stands for the column and @ for the number of the row. */
static const struct aggregation {
	const char *name, *sql;
	bool ordered; /* it depends on the order of the rows */
	enum { ANY, NUMBERS, MEASURES } takes; /* measures: numbers and times */
} aggregations[] = {
	{"sum", "coalesce(sum($), 0)", false, NUMBERS},
	{"mean", "avg($)", false, MEASURES},
	{"median", "median($)", false, MEASURES},
	{"std", "stddev_samp($)", false, NUMBERS},
	{"var", "var_samp($)", false, NUMBERS},
	{"min", "min($)", false, ANY},
	{"max", "max($)", false, ANY},
	{"count", "count($)", false, ANY},
	{"n_unique", "(count(DISTINCT $) + CAST(count(*) > count($) AS BIGINT))", false, ANY},
	{"first", "first($ ORDER BY @)", true, ANY},
	{"last", "last($ ORDER BY @)", true, ANY},
	{"concat", "coalesce(string_agg(CAST($ AS VARCHAR), ',' ORDER BY @), '')", true, ANY},
};

static const struct aggregation *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aggregations); i++)
		if (text_equal_nocase(aggregations[i].name, name))
			return &aggregations[i];
	return NULL;
}

static bool
takes(const struct aggregation *g, enum type_class class)
{
	if (g->takes == ANY || type_is_number(class) || class == TYPE_BOOL)
		return true;
	return g->takes == MEASURES &&
		(class == TYPE_DATE || class == TYPE_DATETIME || class == TYPE_DURATION);
}

static const char *
fill(struct arena *a, const char *sql, const char *column, const char *row)
{
	const char *result = "";
	size_t n;

	for (n = strcspn(sql, "$@"); sql[n] != '\0'; n = strcspn(sql, "$@")) {
		result = arena_printf(
			a, "%s%.*s%s", result, (int)n, sql, sql[n] == '$' ? column : row);
		sql += n + 1;
	}
	return arena_printf(a, "%s%s", result, sql);
}

/* The engine adds up no truth values, and rounds the median of a decimal to its digits. */
static const char *
value_of(const struct aggregation *g, const struct column *column, struct arena *a)
{
	enum type_class class = type_classify(column->type);
	const char *name = sql_quoted(a, column->name);

	if (class == TYPE_BOOL && g->takes != ANY)
		return arena_printf(a, "CAST(%s AS TINYINT)", name);
	if (class == TYPE_DECIMAL && strcmp(g->name, "median") == 0)
		return arena_printf(a, "CAST(%s AS DOUBLE)", name);
	return name;
}

/* Sums come in a type of the engine that no file has. */
static const char *
sum_type(const struct column *column)
{
	enum type_class class = type_classify(column->type);

	if (strstr(column->type, "HUGEINT") != NULL)
		return NULL;
	if (strcmp(column->type, "UBIGINT") == 0)
		return "UBIGINT";
	return class == TYPE_INT || class == TYPE_BOOL ? "BIGINT" : NULL;
}

int
aggregate_of(struct compiler *c, const struct column *column, const char *name, const char *row,
	struct aggregate *out, struct err *err)
{
	const struct aggregation *g = find(name);
	enum type_class class = type_classify(column->type);
	const char *type;

	if (g == NULL)
		return err_set(err, ERR_USAGE, "there is no %s", name);
	if (!takes(g, class))
		return err_set(err, ERR_USAGE, "%s takes numbers%s, and column %s is %s", name,
			g->takes == MEASURES ? " and times" : "", column->name,
			type_to_polars(column->type, c->arena));
	out->ordered = g->ordered;
	out->sql = fill(c->arena, g->sql, value_of(g, column, c->arena), row);
	if (strcmp(g->name, "max") == 0 && class == TYPE_FLOAT) /* NaN only of nothing else */
		out->sql = fill(c->arena, "coalesce(max($) FILTER (NOT isnan($)), max($))",
			value_of(g, column, c->arena), row);
	type = strcmp(g->name, "sum") == 0 ? sum_type(column) : NULL;
	if (type != NULL)
		out->sql = arena_printf(c->arena, "CAST(%s AS %s)", out->sql, type);
	return 0;
}
