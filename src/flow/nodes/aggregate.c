/* What groups, pivots and windows make of the values of a column: one, as Polars has it. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "nodes.h"

/* The engine knows no deviation of what is not finite. CASE and not FILTER, which it mixes up in some statements with many windows. */
#define OF_FINITE(f)                                                                               \
	"CASE WHEN count($)# > 1 AND bool_or(NOT isfinite($))# THEN CAST('nan' AS DOUBLE) "        \
	"ELSE " f "(CASE WHEN isfinite($) THEN $ END)# END"

/* In the statement, $ stands for the column, @ for the number of the row and # for the window. */
static const struct aggregation {
	const char *name, *sql;
	const char *
		floats; /* instead, of floats: NaN is the greatest of nothing but NaN; NULL: the same */
	bool ordered; /* it depends on the order of the rows */
	enum { ANY, NUMBERS, MEASURES } takes; /* measures: numbers and times */
} aggregations[] = {
	{"sum", "coalesce(sum($)#, 0)", NULL, false, NUMBERS},
	{"mean", "avg($)#", NULL, false, MEASURES},
	{"median", "median($)#", NULL, false, MEASURES},
	{"std", "stddev_samp($)#", OF_FINITE("stddev_samp"), false, NUMBERS},
	{"var", "var_samp($)#", OF_FINITE("var_samp"), false, NUMBERS},
	{"min", "min($)#", NULL, false, ANY},
	{"max", "max($)#", "coalesce(max(CASE WHEN NOT isnan($) THEN $ END)#, max($)#)", false,
		ANY},
	{"count", "count($)#", NULL, false, ANY},
	{"n_unique", "(count(DISTINCT $) + CAST(count(*) > count($) AS BIGINT))", NULL, false, ANY},
	{"first", "first($ ORDER BY @)", NULL, true, ANY},
	{"last", "last($ ORDER BY @)", NULL, true, ANY},
	{"concat", "coalesce(string_agg($, ',' ORDER BY @), '')", NULL, true, ANY},
};

static const struct aggregation *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aggregations); i++)
		if (text_equal_nocase(aggregations[i].name, name))
			return &aggregations[i];
	return NULL;
}

static int
unknown(const char *name, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *list = "";

	for (size_t i = 0; i < ARRAY_LEN(aggregations); i++)
		list = arena_printf(&a, "%s%s%s", list, i > 0 ? ", " : "", aggregations[i].name);
	err_set(err, ERR_USAGE, "'%s' is none of %s", name, list);
	arena_free(&a);
	return -1;
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
fill(struct arena *a, const char *sql, const char *column, const struct aggregate *of)
{
	const char *result = "", *part;
	size_t n;

	for (n = strcspn(sql, "$@#"); sql[n] != '\0'; n = strcspn(sql, "$@#")) {
		part = sql[n] == '$' ? column : sql[n] == '@' ? of->row : of->over;
		result = arena_printf(a, "%s%.*s%s", result, (int)n, sql, part);
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
	if (strcmp(g->name, "concat") == 0)
		return sql_as_text(a, name, class);
	return name;
}

/* Sums of the engine come in a type that no file has, and those of short floats in a longer one; NULL: it is right. */
static const char *
result_type(const struct aggregation *g, const struct column *column)
{
	enum type_class class = type_classify(column->type);

	if (g->takes != ANY && strcmp(column->type, "FLOAT") == 0)
		return "FLOAT";
	if (strcmp(g->name, "sum") != 0 || strstr(column->type, "HUGEINT") != NULL)
		return NULL;
	if (strcmp(column->type, "UBIGINT") == 0)
		return "UBIGINT";
	return class == TYPE_INT || class == TYPE_BOOL ? "BIGINT" : NULL;
}

int
aggregate_of(struct compiler *c, const struct column *column, const char *name,
	struct aggregate *out, struct err *err)
{
	const struct aggregation *g = find(name);
	enum type_class class = type_classify(column->type);
	const char *sql, *type;

	if (g == NULL)
		return unknown(name, err);
	if (!takes(g, class))
		return err_set(err, ERR_USAGE, "%s takes numbers%s, and column %s is %s", name,
			g->takes == MEASURES ? " and times" : "", column->name,
			type_to_polars(column->type, c->arena));
	sql = class == TYPE_FLOAT && g->floats != NULL ? g->floats : g->sql;
	out->ordered = g->ordered;
	out->sql = fill(c->arena, sql, value_of(g, column, c->arena), out);
	type = result_type(g, column);
	if (type != NULL)
		out->sql = arena_printf(c->arena, "CAST(%s AS %s)", out->sql, type);
	return 0;
}
