/* Rows for which something holds. Advanced: a formula. Basic: one comparison with a value. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/formula.h"
#include "nodes.h"

/* --- basic ---------------------------------------------------------------------------------------------- */

enum filter_operator {
	EQUALS,
	NOT_EQUALS,
	GREATER,
	GREATER_OR_EQUAL,
	LESS,
	LESS_OR_EQUAL,
	CONTAINS,
	NOT_CONTAINS,
	STARTS_WITH,
	ENDS_WITH,
	IS_NULL,
	IS_NOT_NULL,
	IN,
	NOT_IN,
	BETWEEN
};

static const struct {
	const char *name;
	enum filter_operator is;
	const char *sql; /* between the column and the value */
} operators[] = {
	{"equals", EQUALS, "="},
	{"=", EQUALS, "="},
	{"==", EQUALS, "="},
	{"not_equals", NOT_EQUALS, "<>"},
	{"!=", NOT_EQUALS, "<>"},
	{"<>", NOT_EQUALS, "<>"},
	{"greater_than", GREATER, ">"},
	{">", GREATER, ">"},
	{"greater_than_or_equals", GREATER_OR_EQUAL, ">="},
	{">=", GREATER_OR_EQUAL, ">="},
	{"less_than", LESS, "<"},
	{"<", LESS, "<"},
	{"less_than_or_equals", LESS_OR_EQUAL, "<="},
	{"<=", LESS_OR_EQUAL, "<="},
	{"contains", CONTAINS, NULL},
	{"not_contains", NOT_CONTAINS, NULL},
	{"starts_with", STARTS_WITH, NULL},
	{"ends_with", ENDS_WITH, NULL},
	{"is_null", IS_NULL, NULL},
	{"is_not_null", IS_NOT_NULL, NULL},
	{"in", IN, NULL},
	{"not_in", NOT_IN, NULL},
	{"between", BETWEEN, NULL},
};

struct basic {
	struct compiler *c;
	const struct column *column;
	enum type_class class;
	enum filter_operator is;
	const char *sign;
	const char *value, *value2;
};

static int
find_operator(struct basic *b, const char *name, struct err *err)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (text_equal_nocase(operators[i].name, name)) {
			b->is = operators[i].is;
			b->sign = operators[i].sql;
			return 0;
		}
	return err_set(err, ERR_USAGE, "operator: there is no %s", name);
}

static bool
is_number(const struct basic *b, const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end != '\0')
		return false;
	return isfinite(number) ? strpbrk(text, "xX") == NULL : b->class == TYPE_FLOAT;
}

/* Whether the engine takes it for a number as it is, and not for the name of a column, as "nan". A cast would make 2.5 an integer. */
static bool
is_literal(const char *number)
{
	return number[strspn(number, "+-0123456789.eE")] == '\0';
}

/* The value as one of the column's type: a text that is none is an error here, not when rows come. */
static int
add_value(const struct basic *b, const char *value, struct buf *sql, struct err *err)
{
	bool truth;

	if (type_is_number(b->class) && !is_number(b, value))
		return err_set(err, ERR_USAGE,
			"value: '%s' is no number, and column %s holds numbers", value,
			b->column->name);
	if (is_literal(value) && type_is_number(b->class)) {
		buf_puts(sql, value);
	} else if (b->class == TYPE_BOOL) {
		if (!text_to_bool(value, &truth))
			return err_set(
				err, ERR_USAGE, "value: '%s' is neither true nor false", value);
		buf_puts(sql, truth ? "TRUE" : "FALSE");
	} else if (b->class == TYPE_TEXT) {
		sql_text(sql, value);
	} else {
		buf_puts(sql, "CAST(");
		sql_text(sql, value);
		buf_printf(sql, " AS %s)", b->column->type);
	}
	return 0;
}

/* "a, b, c", with quotes around items that need them. */
static int
add_list(const struct basic *b, struct buf *sql, struct err *err)
{
	char *copy = arena_strdup(b->c->arena, b->value), *rest = copy, *item;
	size_t len;

	buf_puts(sql, "(");
	while ((item = strsep(&rest, ",")) != NULL) {
		item = text_trim(item);
		len = strlen(item);
		if (len >= 2 && (item[0] == '\'' || item[0] == '"') && item[len - 1] == item[0]) {
			item[len - 1] = '\0';
			item++;
		}
		if (add_value(b, item, sql, err) < 0)
			return -1;
		buf_puts(sql, rest != NULL ? ", " : "");
	}
	buf_puts(sql, ")");
	return 0;
}

/* Text functions take the column as text, whatever it is. */
static void
add_text_test(const struct basic *b, const char *column, struct buf *sql)
{
	const char *function = b->is == STARTS_WITH ? "starts_with"
		: b->is == ENDS_WITH                ? "ends_with"
						    : "contains";

	buf_printf(sql, "%s%s(CAST(%s AS VARCHAR), ", b->is == NOT_CONTAINS ? "NOT " : "", function,
		column);
	sql_text(sql, b->value);
	buf_puts(sql, ")");
}

static int
add_condition(const struct basic *b, struct buf *sql, struct err *err)
{
	const char *column = sql_quoted(b->c->arena, b->column->name);

	switch (b->is) {
	case IS_NULL:
	case IS_NOT_NULL:
		buf_printf(sql, "%s IS %sNULL", column, b->is == IS_NULL ? "" : "NOT ");
		return 0;
	case CONTAINS:
	case NOT_CONTAINS:
	case STARTS_WITH:
	case ENDS_WITH:
		add_text_test(b, column, sql);
		return 0;
	case IN:
	case NOT_IN:
		buf_printf(sql, "%s %sIN ", column, b->is == IN ? "" : "NOT ");
		return add_list(b, sql, err);
	case BETWEEN:
		if (b->value2 == NULL || *b->value2 == '\0')
			return err_set(err, ERR_USAGE, "value2: it is missing");
		buf_printf(sql, "%s BETWEEN ", column);
		if (add_value(b, b->value, sql, err) < 0)
			return -1;
		buf_puts(sql, " AND ");
		return add_value(b, b->value2, sql, err);
	default:
		buf_printf(sql, "%s %s ", column, b->sign);
		return add_value(b, b->value, sql, err);
	}
}

static int
basic(struct compiler *c, const cJSON *settings, struct buf *sql, struct err *err)
{
	struct basic b = {.c = c};
	const char *field, *operator;

	if (setting_required(settings, "field", c->arena, &field, err) < 0 ||
		node_column(c, 0, field, "field", &b.column, err) < 0 ||
		setting_text(settings, "operator", "equals", c->arena, &operator, err) < 0 ||
		find_operator(&b, operator, err) < 0 ||
		setting_text(settings, "value", "", c->arena, &b.value, err) < 0 ||
		setting_text(settings, "value2", NULL, c->arena, &b.value2, err) < 0)
		return -1;
	b.class = type_classify(b.column->type);
	return add_condition(&b, sql, err);
}

/* --- both ------------------------------------------------------------------------------------------------- */

static int
advanced(struct compiler *c, const cJSON *input, struct buf *sql, struct err *err)
{
	struct formula formula;
	const char *text;

	if (setting_required(input, "advanced_filter", c->arena, &text, err) < 0)
		return -1;
	if (formula_translate(text, &c->in[0]->columns, c->arena, &formula, err) < 0)
		return err_prefix(err, "advanced_filter");
	if (formula.type != TYPE_BOOL && formula.type != TYPE_NULL && formula.type != TYPE_OTHER)
		return err_set(err, ERR_USAGE, "advanced_filter: it gives no truth value");
	buf_puts(sql, formula.sql);
	return 0;
}

static int
emit(struct compiler *c, int handle, const char *before, const char *condition, struct err *err)
{
	struct buf sql;

	node_begin_sql(&sql);
	buf_printf(&sql, "SELECT * FROM %s WHERE %s(%s)", c->in[0]->name, before, condition);
	return node_emit_sql(c, handle, &sql, err);
}

int
node_filter(struct compiler *c, struct err *err)
{
	static const char *const modes[] = {"basic", "advanced", NULL};
	const cJSON *input = setting_object(c->settings, "filter_input");
	struct buf condition;
	bool split;
	int mode, rc;

	if (setting_word(input, "mode", modes, 1, c->arena, &mode, err) < 0)
		return err_prefix(err, "filter_input");
	if (setting_bool(c->settings, "split_mode", false, &split, err) < 0)
		return -1;
	node_begin_sql(&condition);
	rc = mode == 0 ? basic(c, setting_object(input, "basic_filter"), &condition, err)
		       : advanced(c, input, &condition, err);
	if (rc < 0)
		err_prefix(err, mode == 0 ? "filter_input: basic_filter" : "filter_input");
	if (rc == 0)
		rc = emit(c, 0, "", buf_str(&condition), err);
	if (rc == 0 && split)
		rc = emit(c, 1, "NOT ", buf_str(&condition), err);
	buf_free(&condition);
	return rc;
}
