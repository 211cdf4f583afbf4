#include "flow/formula.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "formula_value.h"

/* --- operators --------------------------------------------------------------------------------------- */

/* Sums and differences of dates and durations. */
static const struct {
	char op;
	enum type_class left, right, result;
	const char *sql;
} durations[] = {
	{'-', TYPE_DATE, TYPE_DATE, TYPE_DURATION,
		"(CAST($1 AS TIMESTAMP) - CAST($2 AS TIMESTAMP))"},
	{'-', TYPE_DATE, TYPE_DATETIME, TYPE_DURATION, "(CAST($1 AS TIMESTAMP) - $2)"},
	{'-', TYPE_DATETIME, TYPE_DATE, TYPE_DURATION, "($1 - CAST($2 AS TIMESTAMP))"},
	{'-', TYPE_DATETIME, TYPE_DATETIME, TYPE_DURATION, "($1 - $2)"},
	{'-', TYPE_DATE, TYPE_DURATION, TYPE_DATE, "CAST(($1 - $2) AS DATE)"},
	{'-', TYPE_DATETIME, TYPE_DURATION, TYPE_DATETIME, "($1 - $2)"},
	{'-', TYPE_DURATION, TYPE_DURATION, TYPE_DURATION, "($1 - $2)"},
	{'+', TYPE_DATE, TYPE_DURATION, TYPE_DATE, "CAST(($1 + $2) AS DATE)"},
	{'+', TYPE_DATETIME, TYPE_DURATION, TYPE_DATETIME, "($1 + $2)"},
	{'+', TYPE_DURATION, TYPE_DATE, TYPE_DATE, "CAST(($1 + $2) AS DATE)"},
	{'+', TYPE_DURATION, TYPE_DATETIME, TYPE_DATETIME, "($1 + $2)"},
	{'+', TYPE_DURATION, TYPE_DURATION, TYPE_DURATION, "($1 + $2)"},
};

/* Those of numbers. */
static const struct {
	char op;
	const char *sql;
} arithmetic[] = {
	{'+', "($1 + $2)"},
	{'-', "($1 - $2)"},
	{'*', "($1 * $2)"},
	{'/', "($1 / $2)"},
};

/* The engine would give what is joined with a null another type. */
static int
join_texts(struct translation *t, struct value *v, struct value *out)
{
	if (v[0].type == TYPE_NULL || v[1].type == TYPE_NULL) {
		value_type_null(out, TYPE_TEXT);
		return 0;
	}
	out->type = TYPE_TEXT;
	return sql_expand(t, "($1 || $2)", v, 2, &out->sql);
}

static int
translate_arithmetic(
	struct translation *t, const struct node *node, struct value *v, struct value *out)
{
	char op = node->name[0];
	const unsigned numbers = TYPES_NUMBER | TYPE_BIT(TYPE_BOOL);

	if (op == '+' && (v[0].type == TYPE_TEXT || v[1].type == TYPE_TEXT) &&
		type_fits(v[0].type, TYPE_BIT(TYPE_TEXT)) &&
		type_fits(v[1].type, TYPE_BIT(TYPE_TEXT)))
		return join_texts(t, v, out);
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		if (durations[i].op == op && durations[i].left == v[0].type &&
			durations[i].right == v[1].type) {
			out->type = durations[i].result;
			return sql_expand(t, durations[i].sql, v, 2, &out->sql);
		}
	if (!type_fits(v[0].type, numbers) || !type_fits(v[1].type, numbers))
		return value_error(t, node, "%s %s %s is not possible%s", type_described(v[0].type),
			node->name, type_described(v[1].type),
			v[0].type == TYPE_TEXT || v[1].type == TYPE_TEXT
				? "; to_string() makes a text, to_number() a number"
				: (TYPE_BIT(v[0].type) & TYPES_DAY) != 0
				? "; add_days() and its like are"
				: "");
	for (size_t i = 0; i < 2; i++) {
		value_type_null(&v[i], TYPE_INT);
		value_to_number(t, &v[i]);
	}
	if (values_unite(t, v, 2, false, &out->type) < 0)
		return -1;
	if (op == '%')
		return sql_expand(t, remainder_sql(out->type), v, 2, &out->sql);
	if (op == '/')
		out->type = TYPE_FLOAT;
	for (size_t i = 0; i < ARRAY_LEN(arithmetic); i++)
		if (arithmetic[i].op == op)
			return sql_expand(t, arithmetic[i].sql, v, 2, &out->sql);
	return -1;
}

/* Of true and false, or bit by bit of whole numbers; `and` and `&` differ only in how close they bind. */
static int
translate_logic(struct translation *t, const struct node *node, struct value *v, struct value *out)
{
	bool both = strcmp(node->name, "and") == 0 || strcmp(node->name, "&") == 0, bits = false;
	struct buf b;
	const char *between;

	for (size_t i = 0; i < node->n; i++) {
		if (!type_fits(v[i].type, TYPE_BIT(TYPE_BOOL) | TYPE_BIT(TYPE_INT)))
			return value_error(t, v[i].node, "%s wants true or false, this is %s",
				node->name, type_described(v[i].type));
		bits = bits || v[i].type == TYPE_INT;
	}
	between = bits ? (both ? " & " : " | ") : (both ? " AND " : " OR ");
	buf_init(&b, FORMULA_SQL_MAX);
	for (size_t i = 0; i < node->n; i++) {
		value_type_null(&v[i], bits ? TYPE_INT : TYPE_BOOL);
		if (bits)
			value_to_number(t, &v[i]);
		buf_puts(&b, i == 0 ? "(" : between);
		buf_puts(&b, v[i].sql);
	}
	buf_putc(&b, ')');
	out->type = bits ? TYPE_INT : TYPE_BOOL;
	return sql_take(t, &b, &out->sql);
}

static int
translate_comparison(
	struct translation *t, const struct node *node, struct value *v, struct value *out)
{
	const char *name = strcmp(node->name, "==") == 0 ? "="
		: strcmp(node->name, "!=") == 0          ? "<>"
							 : node->name;

	if (values_compare(t, &v[0], &v[1]) < 0)
		return -1;
	out->type = TYPE_BOOL;
	return sql_expand(t, arena_printf(t->a, "($1 %s $2)", name), v, 2, &out->sql);
}

/* x in y: y contains x. */
static int
translate_in(struct translation *t, const struct node *node, struct value *v, struct value *out)
{
	struct value swapped[] = {v[1], v[0]};

	return function_call(t, "contains", node, swapped, 2, out);
}

static const struct {
	const char *name;
	int (*translate)(
		struct translation *t, const struct node *node, struct value *v, struct value *out);
} operators[] = {
	{"or", translate_logic},
	{"and", translate_logic},
	{"|", translate_logic},
	{"&", translate_logic},
	{"in", translate_in},
	{"=", translate_comparison},
	{"==", translate_comparison},
	{"!=", translate_comparison},
	{"<", translate_comparison},
	{"<=", translate_comparison},
	{">", translate_comparison},
	{">=", translate_comparison},
	{"+", translate_arithmetic},
	{"-", translate_arithmetic},
	{"*", translate_arithmetic},
	{"/", translate_arithmetic},
	{"%", translate_arithmetic},
};

static int
translate_items(struct translation *t, const struct node *node, struct value **out)
{
	struct value *values = arena_array(t->a, node->n + 1, sizeof(*values));

	*out = values;
	for (size_t i = 0; i < node->n; i++)
		if (node_translate(t, node->items[i], &values[i]) < 0)
			return -1;
	return 0;
}

static int
translate_operator(struct translation *t, const struct node *node, struct value *out)
{
	struct value *values;

	if (translate_items(t, node, &values) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (strcmp(operators[i].name, node->name) == 0)
			return operators[i].translate(t, node, values, out);
	return -1;
}

/* --- the other nodes --------------------------------------------------------------------------------- */

/* The values of the branches are at the odd places, but for the last, which has no condition before it. */
static int
translate_if(struct translation *t, const struct node *node, struct value *out)
{
	struct value *v, *results;
	size_t n = node->n / 2;
	struct buf b;

	if (translate_items(t, node, &v) < 0)
		return -1;
	results = arena_array(t->a, n + 1, sizeof(*results));
	for (size_t i = 0; i < n; i++) {
		if (!type_fits(v[2 * i].type, TYPE_BIT(TYPE_BOOL)))
			return value_error(t, v[2 * i].node,
				"a condition is true or false, this is %s",
				type_described(v[2 * i].type));
		results[i] = v[2 * i + 1];
	}
	results[n] = v[node->n - 1];
	if (values_unite(t, results, n + 1, true, &out->type) < 0)
		return -1;
	buf_init(&b, FORMULA_SQL_MAX);
	buf_puts(&b, "CASE");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, " WHEN %s THEN %s", v[2 * i].sql, results[i].sql);
	buf_printf(&b, " ELSE %s END", results[n].sql);
	return sql_take(t, &b, &out->sql);
}

static int
translate_column(struct translation *t, const struct node *node, struct value *out)
{
	const struct column *column = columns_find(t->columns, node->name);
	struct nearest near = nearest_to(node->name);

	if (column != NULL) {
		out->sql = sql_quoted(t->a, node->name);
		out->type = type_classify(column->type);
		return 0;
	}
	for (size_t i = 0; i < t->columns->n; i++)
		nearest_offer(&near, t->columns->items[i].name);
	if (near.name != NULL)
		return value_error(
			t, node, "there is no column %s; did you mean %s?", node->name, near.name);
	return value_error(t, node, "there is no column %s; there are: %s", node->name,
		columns_list(t->columns, t->a));
}

static int
translate_int(struct translation *t, const struct node *node, struct value *out)
{
	int64_t value;

	if (!text_to_int(node->name, INT64_MIN, INT64_MAX, &value))
		return value_error(t, node, "%.40s does not fit into 64 bits", node->name);
	out->sql = arena_printf(t->a, "CAST(%" PRId64 " AS BIGINT)", value);
	out->type = TYPE_INT;
	return 0;
}

static int
translate_call(struct translation *t, const struct node *node, struct value *out)
{
	struct value *values;

	return translate_items(t, node, &values) < 0
		? -1
		: function_call(t, node->name, node, values, node->n, out);
}

/* The tree is at most FORMULA_DEPTH_MAX high, which bounds the recursion. */
int
node_translate(struct translation *t, const struct node *node, struct value *out)
{
	*out = (struct value){"NULL", TYPE_NULL, node};
	switch (node->kind) {
	case NODE_NULL:
		return 0;
	case NODE_BOOL:
		out->sql = node->name;
		out->type = TYPE_BOOL;
		return 0;
	case NODE_INT:
		return translate_int(t, node, out);
	case NODE_FLOAT:
		out->sql = arena_printf(t->a, "CAST(%s AS DOUBLE)", node->name);
		out->type = TYPE_FLOAT;
		return 0;
	case NODE_TEXT:
		out->sql = sql_literal(t->a, node->name);
		out->type = TYPE_TEXT;
		return 0;
	case NODE_COLUMN:
		return translate_column(t, node, out);
	case NODE_CALL:
		return translate_call(t, node, out);
	case NODE_OPERATOR:
		return translate_operator(t, node, out);
	case NODE_IF:
		return translate_if(t, node, out);
	}
	return -1;
}

int
formula_translate(const char *text, const struct columns *columns, struct arena *a,
	struct formula *out, struct err *err)
{
	struct translation t = {text, columns, a, err};
	struct node *root;
	struct value value;

	if (formula_parse(text, a, &root, err) < 0 || node_translate(&t, root, &value) < 0)
		return -1;
	*out = (struct formula){value.sql, value.type};
	return 0;
}

/* --- columns ----------------------------------------------------------------------------------------- */

static void
collect(const struct node *node, struct columns *columns, struct arena *a)
{
	if (node->kind == NODE_COLUMN && columns_find(columns, node->name) == NULL)
		columns_add(columns, a, node->name, "");
	for (size_t i = 0; i < node->n; i++)
		collect(node->items[i], columns, a);
}

int
formula_columns(const char *text, struct arena *a, const char ***names, size_t *n, struct err *err)
{
	struct columns columns = {NULL, 0};
	struct node *root;

	if (formula_parse(text, a, &root, err) < 0)
		return -1;
	collect(root, &columns, a);
	*names = arena_array(a, columns.n + 1, sizeof(**names));
	*n = columns.n;
	for (size_t i = 0; i < columns.n; i++)
		(*names)[i] = columns.items[i].name;
	return 0;
}
