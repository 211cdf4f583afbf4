/* Values while they become SQL: what fits where, and how one type becomes another. */
#include "formula_value.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int
value_error(struct translation *t, const struct node *node, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return formula_error(t->text, node->at, t->err, "%s", message);
}

static const struct {
	const char *described;
	const char *null;
} types[] = {
	[TYPE_NULL] = {"null", NULL},
	[TYPE_BOOL] = {"true or false", "CAST(NULL AS BOOLEAN)"},
	[TYPE_INT] = {"a whole number", "CAST(NULL AS BIGINT)"},
	[TYPE_FLOAT] = {"a number", "CAST(NULL AS DOUBLE)"},
	[TYPE_DECIMAL] = {"a decimal number", NULL},
	[TYPE_TEXT] = {"a text", "CAST(NULL AS VARCHAR)"},
	[TYPE_BINARY] = {"bytes", "CAST(NULL AS BLOB)"},
	[TYPE_DATE] = {"a date", "CAST(NULL AS DATE)"},
	[TYPE_DATETIME] = {"a date with time", "CAST(NULL AS TIMESTAMP)"},
	[TYPE_TIME] = {"a time", "CAST(NULL AS TIME)"},
	[TYPE_DURATION] = {"a duration", "CAST(NULL AS INTERVAL)"},
	[TYPE_LIST] = {"a list", NULL},
	[TYPE_STRUCT] = {"a struct", NULL},
	[TYPE_OTHER] = {"of another type", NULL},
};

const char *
type_described(enum type_class type)
{
	return types[type].described;
}

bool
type_fits(enum type_class type, unsigned allowed)
{
	return type == TYPE_NULL || type == TYPE_OTHER || (TYPE_BIT(type) & allowed) != 0;
}

/* --- from one type to another ------------------------------------------------------------------------ */

void
value_type_null(struct value *v, enum type_class type)
{
	if (v->type == TYPE_NULL && types[type].null != NULL)
		*v = (struct value){types[type].null, type, v->node};
}

void
value_to_text(struct translation *t, struct value *v)
{
	v->sql = sql_as_text(t->a, v->sql, v->type);
	v->type = TYPE_TEXT;
}

void
value_to_number(struct translation *t, struct value *v)
{
	if (v->type != TYPE_BOOL)
		return;
	v->sql = arena_printf(t->a, "CAST(%s AS BIGINT)", v->sql);
	v->type = TYPE_INT;
}

/* The type that holds both, TYPE_OTHER for those that are not known, TYPE_NULL when there is none. */
static enum type_class
common_type(enum type_class a, enum type_class b, bool mix_text)
{
	static const enum type_class ladders[][4] = {
		{TYPE_BOOL, TYPE_INT, TYPE_DECIMAL, TYPE_FLOAT},
		{TYPE_DATE, TYPE_DATETIME, TYPE_NULL, TYPE_NULL},
	};
	int at_a, at_b;

	if (a == b || b == TYPE_NULL)
		return a;
	if (a == TYPE_NULL)
		return b;
	if (a == TYPE_OTHER || b == TYPE_OTHER)
		return TYPE_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(ladders); i++) {
		at_a = at_b = -1;
		for (int j = 0; j < 4; j++) {
			at_a = ladders[i][j] == a ? j : at_a;
			at_b = ladders[i][j] == b ? j : at_b;
		}
		if (at_a >= 0 && at_b >= 0)
			return ladders[i][at_a > at_b ? at_a : at_b];
	}
	if (mix_text && (a == TYPE_TEXT || b == TYPE_TEXT) && a != TYPE_LIST && b != TYPE_LIST &&
		a != TYPE_STRUCT && b != TYPE_STRUCT)
		return TYPE_TEXT;
	return TYPE_NULL;
}

int
values_unite(
	struct translation *t, struct value *values, size_t n, bool mix_text, enum type_class *out)
{
	enum type_class both;

	*out = TYPE_NULL;
	for (size_t i = 0; i < n; i++) {
		if (values[i].type == TYPE_NULL)
			continue;
		both = common_type(*out, values[i].type, mix_text);
		if (both == TYPE_NULL)
			return value_error(t, values[i].node,
				"this is %s, but there is %s before it; one type must hold both",
				type_described(values[i].type), type_described(*out));
		*out = both;
	}
	for (size_t i = 0; i < n; i++) {
		value_type_null(&values[i], *out);
		if (*out == TYPE_TEXT)
			value_to_text(t, &values[i]);
		if (type_is_number(*out))
			value_to_number(t, &values[i]);
	}
	return 0;
}

int
values_compare(struct translation *t, struct value *left, struct value *right)
{
	enum type_class type = common_type(left->type, right->type, false);

	if (type == TYPE_NULL && left->type != TYPE_NULL)
		return value_error(t, right->node, "%s cannot be compared with %s",
			type_described(left->type), type_described(right->type));
	value_type_null(left, type);
	value_type_null(right, type);
	if (type_is_number(type)) {
		value_to_number(t, left);
		value_to_number(t, right);
	}
	return 0;
}

const char *
remainder_sql(enum type_class type)
{
	return type == TYPE_FLOAT ? "($1 - floor($1 / $2) * $2)" : "((($1 % $2) + $2) % $2)";
}

/* --- templates ---------------------------------------------------------------------------------------- */

int
sql_take(struct translation *t, struct buf *b, const char **out)
{
	bool failed = buf_failed(b);

	*out = arena_strdup(t->a, buf_str(b));
	buf_free(b);
	return failed ? err_set(t->err, ERR_USAGE,
				"the formula becomes more than %d bytes of SQL: make it several",
				FORMULA_SQL_MAX)
		      : 0;
}

static void
add_all(struct buf *b, const struct value *values, size_t n, const char *between)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_puts(b, between);
		buf_puts(b, values[i].sql);
	}
}

int
sql_expand(struct translation *t, const char *sql, const struct value *values, size_t n,
	const char **out)
{
	struct buf b;

	buf_init(&b, FORMULA_SQL_MAX);
	for (const char *s = sql; *s != '\0'; s++) {
		if (*s != '$') {
			buf_putc(&b, *s);
		} else if (*++s == '*') {
			add_all(&b, values, n, ", ");
		} else if (*s == '|') {
			add_all(&b, values, n, " || ");
		} else {
			assert(isdigit((unsigned char)*s) && (size_t)(*s - '1') < n);
			buf_puts(&b, values[*s - '1'].sql);
		}
	}
	return sql_take(t, &b, out);
}
