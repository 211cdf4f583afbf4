#include "flow/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/cells.h"

#define SQL_MAX (16 * 1024 * 1024)
#define STEPS_MAX 100
#define EXACT_MAX 9007199254740992.0 /* 2^53 */
#define NUMBERS "DOUBLE[]" /* a bin: its ends */

/* The steps so far. */
struct builder {
	struct arena *a;
	struct err *err;
	const char *sql; /* a SELECT of c0 to c<n - 1> */
	struct columns columns;
	const char *order; /* what ends the last SELECT; "": nothing */
	int steps;
};

/* --- pieces --------------------------------------------------------------------------------------------------------- */

static const cJSON *
member(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNull(value) ? NULL : value;
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member(object, name));
}

static int
unknown(struct builder *b, const char *what, const char *name)
{
	return err_set(b->err, ERR_USAGE, "%s '%s' is not supported", what,
		name != NULL ? name : "(none)");
}

static int
wrong(struct builder *b, const char *what)
{
	return err_set(b->err, ERR_USAGE, "%s is missing, or not what it should be", what);
}

static const char *
number(struct builder *b, double v)
{
	const char *text;
	struct buf digits;

	if (v == floor(v) && fabs(v) < EXACT_MAX)
		return arena_printf(b->a, "%.0f", v);
	buf_init(&digits, 64);
	json_put_double(&digits, v);
	text = arena_printf(b->a, "CAST('%s' AS DOUBLE)", buf_str(&digits));
	buf_free(&digits);
	return text;
}

/* The column of a name; NULL with err. *sql: how it is called. */
static const struct column *
find(struct builder *b, const char *fid, const char **sql)
{
	const struct column *column = fid != NULL ? columns_find(&b->columns, fid) : NULL;

	if (column == NULL) {
		err_set(b->err, ERR_NOT_FOUND, "there is no field '%s'",
			fid != NULL ? fid : "(none)");
		return NULL;
	}
	*sql = arena_printf(b->a, "t.c%zu", (size_t)(column - b->columns.items));
	return column;
}

static enum type_class
class_of(const struct column *column)
{
	return type_classify(column->type);
}

/* An instant in milliseconds; *sql becomes that of a column that has times. offset: minutes that UTC is ahead of it. */
static int
as_instant(struct builder *b, const struct column *column, double offset, const char **sql)
{
	enum type_class class = class_of(column);

	if (class != TYPE_DATE && class != TYPE_DATETIME && class != TYPE_TEXT)
		return err_set(b->err, ERR_USAGE, "field '%s' has no times", column->name);
	/* A text may name its own zone. */
	if (class == TYPE_TEXT && offset != 0)
		return err_set(b->err, ERR_USAGE,
			"an offset of the texts of field '%s' is not supported", column->name);
	if (strcmp(column->type, "TIMESTAMP WITH TIME ZONE") == 0)
		offset = 0;
	*sql = arena_printf(b->a, "(epoch_ms(TRY_CAST(%s AS TIMESTAMP)) + %s)", *sql,
		number(b, round(offset * 60000)));
	return 0;
}

/* The value as the client has seen it. */
static const char *
as_shown(struct builder *b, const struct column *column, const char *sql)
{
	enum type_class class = class_of(column);

	if (class == TYPE_TEXT || class == TYPE_BOOL || type_is_number(class))
		return sql;
	return arena_printf(b->a, "CAST(%s AS VARCHAR)", cells_sql(sql, column->type, b->a));
}

/* --- a step's SELECT ------------------------------------------------------------------------------------------------ */

/* The columns of the next step, each with its expression over those of this one. */
struct step {
	struct builder *b;
	struct columns columns;
	struct buf list;
};

static void
step_begin(struct step *s, struct builder *b)
{
	*s = (struct step){.b = b};
	buf_init(&s->list, SQL_MAX);
}

static void
step_add(struct step *s, const char *name, const char *type, const char *sql)
{
	buf_printf(&s->list, "%s%s AS c%zu", s->columns.n > 0 ? ", " : "", sql, s->columns.n);
	columns_add(&s->columns, s->b->a, name, type);
}

static void
step_keep(struct step *s, const char *except)
{
	const struct columns *columns = &s->b->columns;

	for (size_t i = 0; i < columns->n; i++)
		if (except == NULL || strcmp(columns->items[i].name, except) != 0)
			step_add(s, columns->items[i].name, columns->items[i].type,
				arena_printf(s->b->a, "t.c%zu", i));
}

static int
step_end(struct step *s, const char *rest, int rc)
{
	struct builder *b = s->b;

	if (rc == 0 && (buf_failed(&s->list) || strlen(b->sql) > SQL_MAX))
		rc = err_set(b->err, ERR_USAGE, "the payload asks for too much");
	if (rc == 0) {
		b->sql = arena_printf(
			b->a, "SELECT %s FROM (%s) AS t%s", buf_str(&s->list), b->sql, rest);
		b->columns = s->columns;
	}
	buf_free(&s->list);
	return rc;
}

/* --- filters -------------------------------------------------------------------------------------------------------- */

/* [from, to], each of which may be null. */
static int
add_bounds(struct builder *b, struct buf *out, const char *sql, const cJSON *value)
{
	const cJSON *ends[] = {cJSON_GetArrayItem(value, 0), cJSON_GetArrayItem(value, 1)};
	const char *and = "";

	if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != 2)
		return wrong(b, "a range's value");
	for (size_t i = 0; i < 2; i++) {
		if (cJSON_IsNull(ends[i]))
			continue;
		if (!cJSON_IsNumber(ends[i]))
			return wrong(b, "a range's value");
		buf_printf(out, "%s%s %s %s", and, sql,
			i == 0 ? ">=" : "<=", number(b, ends[i]->valuedouble));
		and = " AND ";
	}
	if (*and == '\0')
		buf_puts(out, "true");
	return 0;
}

/* Whether a column's value is one of those that the client has seen; values of another kind are never its own. */
static int
add_membership(struct builder *b, struct buf *out, const struct column *column, const char *sql,
	const cJSON *value)
{
	enum type_class class = class_of(column);
	bool by_number = type_is_number(class), some_null = false;
	const char *comma = "";
	const cJSON *item;

	if (!cJSON_IsArray(value))
		return wrong(b, "a filter's list of values");
	if (class == TYPE_LIST)
		return err_set(b->err, ERR_USAGE,
			"a filter of field '%s' is not supported: it has lists", column->name);
	buf_printf(out, "(coalesce(list_contains([");
	cJSON_ArrayForEach(item, value)
	{
		const char *text = cJSON_GetStringValue(item);

		some_null = some_null || cJSON_IsNull(item);
		if (by_number && cJSON_IsNumber(item))
			buf_printf(out, "%s%s", comma, number(b, item->valuedouble));
		else if (class == TYPE_BOOL && cJSON_IsBool(item))
			buf_printf(out, "%s%s", comma, cJSON_IsTrue(item) ? "true" : "false");
		else if (!by_number && class != TYPE_BOOL && text != NULL)
			buf_printf(out, "%s%s", comma, sql_literal(b->a, text));
		else
			continue;
		comma = ", ";
	}
	buf_printf(out, "]%s, %s), false)%s%s%s)",
		*comma != '\0'               ? ""
			: by_number          ? "::DOUBLE[]"
			: class == TYPE_BOOL ? "::BOOLEAN[]"
					     : "::VARCHAR[]",
		as_shown(b, column, sql), some_null ? " OR " : "", some_null ? sql : "",
		some_null ? " IS NULL" : "");
	return 0;
}

static int
add_filter(struct builder *b, struct buf *out, const cJSON *filter)
{
	const cJSON *rule = member(filter, "rule"), *value = member(rule, "value");
	const cJSON *offset = member(rule, "offset");
	const char *type = text_of(rule, "type"), *sql;
	const struct column *column = find(b, text_of(filter, "fid"), &sql);

	if (column == NULL)
		return -1;
	if (rule == NULL) {
		buf_puts(out, "true");
		return 0;
	}
	if (type == NULL)
		return unknown(b, "filter rule", NULL);
	if (strcmp(type, "range") == 0) {
		if (!type_is_number(class_of(column)))
			return err_set(
				b->err, ERR_USAGE, "field '%s' has no numbers", column->name);
		return add_bounds(b, out, sql, value);
	}
	if (strcmp(type, "temporal range") == 0)
		return as_instant(b, column, cJSON_IsNumber(offset) ? offset->valuedouble : 0,
			       &sql) < 0
			? -1
			: add_bounds(b, out, sql, value);
	if (strcmp(type, "one of") == 0)
		return add_membership(b, out, column, sql, value);
	if (strcmp(type, "not in") == 0) {
		buf_puts(out, "NOT ");
		return add_membership(b, out, column, sql, value);
	}
	if (strcmp(type, "regexp") != 0)
		return unknown(b, "filter rule", type);
	if (!cJSON_IsString(value))
		return wrong(b, "a filter's regular expression");
	buf_printf(out, "regexp_matches(CAST(%s AS VARCHAR), %s, '%s')", as_shown(b, column, sql),
		sql_literal(b->a, value->valuestring),
		cJSON_IsTrue(member(rule, "caseSensitive")) ? "c" : "i");
	return 0;
}

static int
filter_step(struct builder *b, const cJSON *step)
{
	const cJSON *filters = member(step, "filters"), *filter;
	struct buf where;
	struct step s;
	int rc = 0;

	if (!cJSON_IsArray(filters))
		return wrong(b, "filters");
	buf_init(&where, SQL_MAX);
	buf_puts(&where, " WHERE true");
	cJSON_ArrayForEach(filter, filters)
	{
		buf_puts(&where, " AND (");
		rc = rc == 0 ? add_filter(b, &where, filter) : rc;
		buf_puts(&where, ")");
	}
	if (buf_failed(&where))
		rc = err_set(b->err, ERR_USAGE, "the filters are too long");
	step_begin(&s, b);
	step_keep(&s, NULL);
	rc = step_end(&s, rc == 0 ? arena_strdup(b->a, buf_str(&where)) : "", rc);
	buf_free(&where);
	return rc;
}

/* --- transformations -------------------------------------------------------------------------------------------------- */

/* The value of the first parameter of a type. */
static const cJSON *
param(const cJSON *expression, const char *type)
{
	const cJSON *list = member(expression, "params"), *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *its = text_of(item, "type");

		if (its != NULL && strcmp(its, type) == 0)
			return member(item, "value");
	}
	return NULL;
}

/* Parameters that nobody looks at could mean another result. */
static int
check_params(struct builder *b, const cJSON *expression)
{
	static const char *const known[] = {"field", "value", "offset", "displayOffset", "format"};
	const cJSON *list = member(expression, "params"), *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *type = text_of(item, "type");
		bool found = false;

		for (size_t i = 0; type != NULL && i < ARRAY_LEN(known); i++)
			found = found || strcmp(type, known[i]) == 0;
		if (!found)
			return unknown(b, "parameter", type);
	}
	return 0;
}

static const char *
bin_sql(struct builder *b, const char *sql, double n, bool rounded)
{
	const char *low = arena_printf(b->a, "min(%s) OVER ()", sql);
	const char *width =
		arena_printf(b->a, "(CAST(max(%s) OVER () AS DOUBLE) - min(%s) OVER ())", sql, sql);
	const char *step = arena_printf(b->a, "(%s / %s)", width, number(b, n));
	const char *index = arena_printf(b->a,
		"(CASE WHEN %s = 0 THEN 0 ELSE least(floor((%s - %s) / %s), %s - 1) END)", width,
		sql, low, step, number(b, n));
	/* So many digits that bins can be told apart. */
	const char *digits = arena_printf(b->a,
		"CAST(CASE WHEN %s > 0 THEN least(greatest(2 - round(log10(%s)), 0), 15) ELSE 15 "
		"END AS INTEGER)",
		width, width);
	const char *from = arena_printf(b->a, "(%s * %s + %s)", index, step, low);
	const char *to = arena_printf(b->a, "((%s + 1) * %s + %s)", index, step, low);

	if (rounded) {
		from = arena_printf(b->a, "round(%s, %s)", from, digits);
		to = arena_printf(b->a, "round(%s, %s)", to, digits);
	}
	return arena_printf(b->a,
		"CASE WHEN %s IS NULL THEN NULL ELSE [CAST(%s AS DOUBLE), CAST(%s AS DOUBLE)] END",
		sql, from, to);
}

/* As many rows in each, by the order of the values. */
static const char *
bin_count_sql(struct builder *b, const char *sql, double n)
{
	return arena_printf(b->a,
		"CASE WHEN %s IS NULL THEN NULL ELSE CAST(least(floor((row_number() OVER "
		"(PARTITION BY %s "
		"IS NULL ORDER BY %s) - 1) / (count(*) OVER (PARTITION BY %s IS NULL) / %s)), %s - "
		"1) + 1 AS "
		"BIGINT) END",
		sql, sql, sql, sql, number(b, n), number(b, n));
}

static const char *
log_sql(struct builder *b, const char *sql, double base)
{
	return arena_printf(
		b->a, "CASE WHEN %s > 0 THEN ln(%s) / ln(%s) END", sql, sql, number(b, base));
}

/* Of a time as the client's clock shows it. week begins on Sunday. */
static const struct {
	const char *level, *drill, *feature;
} levels[] = {
	{"year", "date_trunc('year', %s)", "year(%s)"},
	{"quarter", "date_trunc('quarter', %s)", "quarter(%s)"},
	{"month", "date_trunc('month', %s)", "month(%s)"},
	{"week", "date_trunc('week', %s + INTERVAL 1 DAY) - INTERVAL 1 DAY", NULL},
	{"day", "date_trunc('day', %s)", "day(%s)"},
	{"hour", "date_trunc('hour', %s)", "hour(%s)"},
	{"minute", "date_trunc('minute', %s)", "minute(%s)"},
	{"second", "date_trunc('second', %s)", "second(%s)"},
	{"weekday", NULL, "dayofweek(%s)"},
	{"iso_year", "make_timestamp(isoyear(%s), 1, 1, 0, 0, 0)", "isoyear(%s)"},
	{"iso_week", "date_trunc('week', %s)", "week(%s)"},
};

/* The one place of a template of ours, "%s", is filled. */
static const char *
fill(struct builder *b, const char *template, const char *sql)
{
	const char *at = strstr(template, "%s");

	return arena_printf(b->a, "%.*s%s%s", (int)(at - template), template, sql, at + 2);
}

static int
time_sql(struct builder *b, const cJSON *expression, const char **sql)
{
	const cJSON *offset = param(expression, "offset"),
		    *shown = param(expression, "displayOffset");
	const cJSON *value = param(expression, "value"), *format = param(expression, "format");
	bool is_drill = strcmp(text_of(expression, "op"), "dateTimeDrill") == 0;
	const struct column *column =
		find(b, cJSON_GetStringValue(param(expression, "field")), sql);
	double display = cJSON_IsNumber(shown) ? shown->valuedouble : 0;
	const char *level = cJSON_GetStringValue(value), *template = NULL, *local;

	if (column == NULL)
		return -1;
	if (format != NULL && class_of(column) == TYPE_TEXT)
		return unknown(b, "time format", cJSON_GetStringValue(format));
	if (as_instant(b, column, cJSON_IsNumber(offset) ? offset->valuedouble : 0, sql) < 0)
		return -1;
	for (size_t i = 0; level != NULL && i < ARRAY_LEN(levels); i++)
		if (strcmp(level, levels[i].level) == 0)
			template = is_drill ? levels[i].drill : levels[i].feature;
	if (template == NULL)
		return unknown(b, is_drill ? "dateTimeDrill" : "dateTimeFeature", level);
	local = arena_printf(b->a, "make_timestamp_ms(CAST(%s - %s AS BIGINT))", *sql,
		number(b, round(display * 60000)));
	local = fill(b, template, local);
	*sql = is_drill ? arena_printf(b->a, "(epoch_ms(%s) + %s)", local,
				  number(b, round(display * 60000)))
			: local;
	return 0;
}

static int
number_sql(struct builder *b, const cJSON *expression, const char *op, const char **sql,
	const char **type)
{
	const cJSON *num = member(expression, "num");
	const struct column *column =
		find(b, cJSON_GetStringValue(param(expression, "field")), sql);
	double n = cJSON_IsNumber(num) ? num->valuedouble : 10;
	bool is_bin = strcmp(op, "bin") == 0;

	if (column == NULL)
		return -1;
	if (!type_is_number(class_of(column)))
		return err_set(b->err, ERR_USAGE, "field '%s' has no numbers", column->name);
	*type = is_bin ? NUMBERS : "DOUBLE";
	if (is_bin || strcmp(op, "binCount") == 0) {
		if (n < 1 || n != floor(n) || n > 1000000)
			return wrong(b, "a number of bins");
		*type = is_bin ? NUMBERS : "BIGINT";
		*sql = is_bin ? bin_sql(b, *sql, n, true) : bin_count_sql(b, *sql, n);
		return 0;
	}
	if (strcmp(op, "log2") == 0)
		n = 2;
	else if (strcmp(op, "log10") == 0)
		n = 10;
	if (!(n > 0) || n == 1 || !isfinite(n))
		return wrong(b, "a logarithm's base");
	*sql = log_sql(b, *sql, n);
	return 0;
}

static int
expression_sql(struct builder *b, const cJSON *expression, const char **sql, const char **type)
{
	static const char *const of_numbers[] = {"bin", "binCount", "log", "log2", "log10"};
	const char *op = text_of(expression, "op");

	*type = "BIGINT";
	if (op == NULL)
		return unknown(b, "expression", NULL);
	if (strcmp(op, "one") == 0) {
		*sql = "CAST(1 AS BIGINT)";
		return 0;
	}
	if (strcmp(op, "dateTimeDrill") == 0 || strcmp(op, "dateTimeFeature") == 0)
		return check_params(b, expression) < 0 ? -1 : time_sql(b, expression, sql);
	for (size_t i = 0; i < ARRAY_LEN(of_numbers); i++)
		if (strcmp(op, of_numbers[i]) == 0)
			return check_params(b, expression) < 0
				? -1
				: number_sql(b, expression, op, sql, type);
	return unknown(b, "expression", op);
}

/* One after another: each may read what the one before it made. */
static int
transform_step(struct builder *b, const cJSON *step)
{
	const cJSON *list = member(step, "transform"), *item;

	if (!cJSON_IsArray(list))
		return wrong(b, "transform");
	cJSON_ArrayForEach(item, list)
	{
		const cJSON *expression = member(item, "expression");
		const char *name = text_of(expression, "as"), *sql = NULL, *type;
		struct step s;

		if (name == NULL)
			name = text_of(item, "key");
		if (name == NULL)
			return wrong(b, "a transformation's name");
		if (++b->steps > STEPS_MAX)
			return err_set(b->err, ERR_USAGE, "there are too many steps");
		if (expression_sql(b, expression, &sql, &type) < 0)
			return -1;
		step_begin(&s, b);
		step_keep(&s, name);
		step_add(&s, name, type, sql);
		if (step_end(&s, "", 0) < 0)
			return -1;
	}
	return 0;
}

/* --- views -------------------------------------------------------------------------------------------------------------- */

/* With what an aggregate's value is counted as for later steps; NULL: as its field. */
static const struct {
	const char *agg, *sql, *type;
} aggregates[] = {
	{"sum", "coalesce(sum(%s), 0)", "DOUBLE"},
	{"mean", "avg(%s)", "DOUBLE"},
	{"median", "median(%s)", "DOUBLE"},
	{"max", "max(%s)", NULL},
	{"min", "min(%s)", NULL},
	{"variance", "var_pop(%s)", "DOUBLE"},
	{"stdev", "stddev_pop(%s)", "DOUBLE"},
};

static int
measure_sql(struct builder *b, const cJSON *measure, const char **sql, const char **type)
{
	const char *agg = text_of(measure, "agg"), *field = text_of(measure, "field");
	const cJSON *offset = member(measure, "offset");
	const struct column *column;
	bool is_time;

	*type = "BIGINT";
	if (agg == NULL)
		return unknown(b, "aggregation", NULL);
	if (strcmp(agg, "count") == 0 && field != NULL && strcmp(field, "*") == 0) {
		*sql = "count(*)";
		return 0;
	}
	if (strcmp(agg, "expr") == 0)
		return unknown(b, "aggregation", agg);
	column = find(b, field, sql);
	if (column == NULL)
		return -1;
	if (strcmp(agg, "count") == 0) {
		*sql = "count(*)";
		return 0;
	}
	if (strcmp(agg, "distinctCount") == 0) {
		*sql = arena_printf(b->a,
			"(count(DISTINCT %s) + CAST(bool_or(%s IS NULL) AS BIGINT))", *sql, *sql);
		return 0;
	}
	is_time = class_of(column) == TYPE_DATE || class_of(column) == TYPE_DATETIME;
	*type = column->type;
	/* Times are numbers for those who ask so. */
	if (member(measure, "format") != NULL) {
		if (!is_time)
			return unknown(b, "time format", text_of(measure, "format"));
		if (as_instant(b, column, cJSON_IsNumber(offset) ? offset->valuedouble : 0, sql) <
			0)
			return -1;
		*type = "BIGINT";
	} else if (class_of(column) == TYPE_BOOL) {
		*sql = arena_printf(b->a, "CAST(%s AS BIGINT)", *sql);
		*type = "BIGINT";
	}
	for (size_t i = 0; i < ARRAY_LEN(aggregates); i++) {
		if (strcmp(agg, aggregates[i].agg) != 0)
			continue;
		if (aggregates[i].type != NULL && !type_is_number(type_classify(*type)))
			return err_set(b->err, ERR_USAGE,
				"field '%s' has no numbers to make a %s of", column->name, agg);
		*sql = fill(b, aggregates[i].sql, *sql);
		*type = aggregates[i].type != NULL ? aggregates[i].type : *type;
		return 0;
	}
	return unknown(b, "aggregation", agg);
}

static int
add_groups(struct step *s, const cJSON *list, struct buf *by)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *sql;
		const struct column *column = find(s->b, cJSON_GetStringValue(item), &sql);

		if (column == NULL)
			return -1;
		if (columns_find(&s->columns, column->name) != NULL)
			continue;
		step_add(s, column->name, column->type, sql);
		buf_printf(by, "%s%s", by->len > 0 ? ", " : " GROUP BY ", sql);
	}
	return 0;
}

static int
add_measures(struct step *s, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *name = text_of(item, "asFieldKey"), *sql, *type;

		if (measure_sql(s->b, item, &sql, &type) < 0)
			return -1;
		if (name == NULL || *name == '\0')
			name = arena_printf(
				s->b->a, "%s_%s", text_of(item, "field"), text_of(item, "agg"));
		if (columns_find(&s->columns, name) != NULL)
			return err_set(s->b->err, ERR_USAGE, "the field '%s' is made twice", name);
		step_add(s, name, type, sql);
	}
	return 0;
}

static int
aggregate_query(struct builder *b, const cJSON *query)
{
	const cJSON *groups = member(query, "groupBy"), *measures = member(query, "measures");
	struct step s;
	struct buf by;
	int rc;

	if (!cJSON_IsArray(groups) || !cJSON_IsArray(measures) ||
		cJSON_GetArraySize(groups) + cJSON_GetArraySize(measures) == 0)
		return wrong(b, "what is aggregated");
	buf_init(&by, SQL_MAX);
	step_begin(&s, b);
	rc = add_groups(&s, groups, &by) < 0 ? -1 : add_measures(&s, measures);
	if (by.len == 0)
		buf_puts(&by, " HAVING count(*) > 0"); /* of no rows, none */
	rc = step_end(&s, arena_strdup(b->a, buf_str(&by)), rc);
	buf_free(&by);
	return rc;
}

static int
raw_query(struct builder *b, const cJSON *query)
{
	const cJSON *fields = member(query, "fields"), *item;
	struct step s;
	int rc = 0;

	if (!cJSON_IsArray(fields) || cJSON_GetArraySize(fields) == 0)
		return wrong(b, "fields");
	step_begin(&s, b);
	cJSON_ArrayForEach(item, fields)
	{
		const char *sql;
		const struct column *column =
			rc == 0 ? find(b, cJSON_GetStringValue(item), &sql) : NULL;

		if (column == NULL)
			rc = -1;
		else if (columns_find(&s.columns, column->name) == NULL)
			step_add(&s, column->name, column->type, sql);
	}
	return step_end(&s, "", rc);
}

/* A row for each field that is folded, which has its name and its value and is not there itself; the others are. */
static int
fold_query(struct builder *b, const cJSON *query)
{
	const cJSON *fields = member(query, "foldBy"), *item;
	const char *key = text_of(query, "newFoldKeyCol"),
		   *value = text_of(query, "newFoldValueCol");
	const char *all = "", *before = b->sql, *type = NULL;
	struct columns columns = {NULL, 0};
	int rc = 0;

	if (!cJSON_IsArray(fields) || cJSON_GetArraySize(fields) == 0 || key == NULL ||
		value == NULL || columns_find(&b->columns, key) != NULL ||
		columns_find(&b->columns, value) != NULL || strcmp(key, value) == 0)
		return wrong(b, "what is folded");
	cJSON_ArrayForEach(item, fields)
	{
		const char *sql;
		const struct column *column = find(b, cJSON_GetStringValue(item), &sql);
		struct step s;

		if (column == NULL)
			return -1;
		if (type != NULL && type_classify(type) != class_of(column) &&
			!(type_is_number(type_classify(type)) && type_is_number(class_of(column))))
			return err_set(b->err, ERR_USAGE,
				"field '%s' is of another kind than what it is folded with",
				column->name);
		type = type != NULL && strcmp(type, column->type) != 0 ? "DOUBLE" : column->type;
		step_begin(&s, b);
		for (size_t i = 0; i < b->columns.n; i++)
			step_add(&s, b->columns.items[i].name, b->columns.items[i].type,
				arena_printf(b->a,
					&b->columns.items[i] == column
						? "CASE WHEN false THEN t.c%zu END"
						: "t.c%zu",
					i));
		step_add(&s, key, "VARCHAR", sql_literal(b->a, column->name));
		step_add(&s, value, type, sql);
		if (buf_failed(&s.list))
			rc = err_set(b->err, ERR_USAGE, "the payload asks for too much");
		all = arena_printf(b->a, "%s%sSELECT %s FROM source AS t", all,
			*all != '\0' ? " UNION ALL " : "", buf_str(&s.list));
		buf_free(&s.list);
		columns = s.columns;
	}
	columns.items[columns.n - 1].type = type;
	b->sql = arena_printf(b->a, "WITH source AS (%s) %s", before, all);
	b->columns = columns;
	return rc;
}

static int
bin_query(struct builder *b, const cJSON *query)
{
	const cJSON *size = member(query, "binSize");
	const char *name = text_of(query, "newBinCol"), *sql;
	const struct column *column = find(b, text_of(query, "binBy"), &sql);
	struct step s;

	if (column == NULL)
		return -1;
	if (!type_is_number(class_of(column)) || name == NULL || !cJSON_IsNumber(size) ||
		!(size->valuedouble >= 1) || size->valuedouble > 1000000)
		return wrong(b, "what is binned");
	step_begin(&s, b);
	step_keep(&s, name);
	step_add(&s, name, NUMBERS, bin_sql(b, sql, floor(size->valuedouble), false));
	return step_end(&s, "", 0);
}

static int
view_step(struct builder *b, const cJSON *step)
{
	static const struct {
		const char *op;
		int (*add)(struct builder *b, const cJSON *query);
	} queries[] = {
		{"aggregate", aggregate_query},
		{"raw", raw_query},
		{"fold", fold_query},
		{"bin", bin_query},
	};
	const cJSON *list = member(step, "query"), *item;

	if (!cJSON_IsArray(list))
		return wrong(b, "query");
	cJSON_ArrayForEach(item, list)
	{
		const char *op = text_of(item, "op");
		size_t i = 0;

		while (i < ARRAY_LEN(queries) && (op == NULL || strcmp(op, queries[i].op) != 0))
			i++;
		if (i == ARRAY_LEN(queries))
			return unknown(b, "view query", op);
		if (++b->steps > STEPS_MAX)
			return err_set(b->err, ERR_USAGE, "there are too many steps");
		if (queries[i].add(b, item) < 0)
			return -1;
	}
	return 0;
}

/* --- all of it ---------------------------------------------------------------------------------------------------------- */

static int
sort_step(struct builder *b, const cJSON *step)
{
	const cJSON *by = member(step, "by"), *item;
	const char *sort = text_of(step, "sort"), *order = "", *sql;

	if (sort == NULL || (strcmp(sort, "ascending") != 0 && strcmp(sort, "descending") != 0))
		return unknown(b, "sort", sort);
	if (!cJSON_IsArray(by))
		return wrong(b, "by");
	cJSON_ArrayForEach(item, by)
	{
		if (find(b, cJSON_GetStringValue(item), &sql) == NULL)
			return -1;
		order = arena_printf(b->a, "%s%s%s %s NULLS LAST", order,
			*order != '\0' ? ", " : " ORDER BY ", sql, *sort == 'a' ? "ASC" : "DESC");
	}
	b->order = order;
	return 0;
}

static int
add_step(struct builder *b, const cJSON *step)
{
	static const struct {
		const char *type;
		int (*add)(struct builder *b, const cJSON *step);
	} steps[] = {
		{"filter", filter_step},
		{"transform", transform_step},
		{"view", view_step},
		{"sort", sort_step},
	};
	const char *type = text_of(step, "type");

	/* The engine keeps an order for the last SELECT only. */
	if (*b->order != '\0')
		return err_set(b->err, ERR_USAGE, "a step behind sort is not supported");
	if (++b->steps > STEPS_MAX)
		return err_set(b->err, ERR_USAGE, "there are too many steps");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (type != NULL && strcmp(type, steps[i].type) == 0)
			return steps[i].add(b, step);
	return unknown(b, "step", type);
}

static int
add_limit(struct builder *b, const cJSON *payload, const char *name, const char *keyword)
{
	const cJSON *value = member(payload, name);

	if (value == NULL || (cJSON_IsNumber(value) && value->valuedouble < 0))
		return 0;
	if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble) ||
		value->valuedouble >= EXACT_MAX)
		return wrong(b, name);
	b->order = arena_printf(b->a, "%s %s %s", b->order, keyword, number(b, value->valuedouble));
	return 0;
}

static int
add_payload(struct builder *b, const cJSON *payload)
{
	const cJSON *workflow = member(payload, "workflow"), *step;

	if (!cJSON_IsArray(workflow))
		return wrong(b, "workflow");
	cJSON_ArrayForEach(step, workflow) if (add_step(b, step) < 0) return -1;
	if (add_limit(b, payload, "limit", "LIMIT") < 0)
		return -1;
	return add_limit(b, payload, "offset", "OFFSET");
}

/* The source with the names that the steps use. */
static void
begin(struct builder *b, const char *source, const struct columns *columns)
{
	const char *names = "";
	struct step s;

	for (size_t i = 0; i < columns->n; i++)
		names = arena_printf(b->a, "%s%sc%zu", names, i > 0 ? ", " : "", i);
	b->sql = arena_printf(b->a, "SELECT * FROM (%s\n) AS t(%s)", source, names);
	step_begin(&s, b);
	for (size_t i = 0; i < columns->n; i++) {
		bool is_decimal = type_classify(columns->items[i].type) == TYPE_DECIMAL;

		step_add(&s, columns->items[i].name, is_decimal ? "DOUBLE" : columns->items[i].type,
			arena_printf(b->a, is_decimal ? "CAST(t.c%zu AS DOUBLE)" : "t.c%zu", i));
	}
	(void)step_end(&s, "", 0);
}

int
chart_compile(const char *source, const struct columns *columns, const cJSON *payload,
	struct arena *a, struct chart *out, struct err *err)
{
	struct builder b = {.a = a, .err = err, .order = ""};

	begin(&b, source, columns);
	if (payload != NULL && add_payload(&b, payload) < 0)
		return -1;
	out->sql = *b.order != '\0' ? arena_printf(a, "SELECT * FROM (%s) AS t%s", b.sql, b.order)
				    : b.sql;
	out->columns = b.columns;
	return 0;
}

/* --- fields --------------------------------------------------------------------------------------------------------------- */

void
chart_fields_json(const struct columns *columns, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < columns->n; i++) {
		const struct column *column = &columns->items[i];
		enum type_class class = type_classify(column->type);
		bool is_time = class == TYPE_DATE || class == TYPE_DATETIME;
		bool is_number = type_is_number(class);

		json_object(j);
		json_kv_string(j, "fid", column->name);
		json_kv_string(j, "name", column->name);
		json_kv_string(j, "basename", column->name);
		json_kv_string(j, "semanticType",
			is_number         ? "quantitative"
				: is_time ? "temporal"
					  : "nominal");
		json_kv_string(j, "analyticType", is_number ? "measure" : "dimension");
		if (is_time)
			json_kv_int(j, "offset", 0); /* in UTC, not in the browser's zone */
		json_object_end(j);
	}
	json_array_end(j);
}
