#include "flow/eval.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "flow/formula.h"

#define SQL_MAX (4 * 1024 * 1024)

/* How values look that are no texts: # is a digit, * one or more of them, the rest stands for itself. */
static const struct {
	const char *shape, *type;
} shapes[] = {
	{"*", "BIGINT"},
	{"-*", "BIGINT"},
	{"*.*", "DOUBLE"},
	{"-*.*", "DOUBLE"},
	{"*e*", "DOUBLE"},
	{"-*e*", "DOUBLE"},
	{"*e-*", "DOUBLE"},
	{"*.*e*", "DOUBLE"},
	{"*.*e-*", "DOUBLE"},
	{"-*.*e*", "DOUBLE"},
	{"-*.*e-*", "DOUBLE"},
	{"nan", "DOUBLE"},
	{"inf", "DOUBLE"},
	{"-inf", "DOUBLE"},
	{"true", "BOOLEAN"},
	{"false", "BOOLEAN"},
	{"####-##-##", "DATE"},
	{"####-##-## ##:##:##", "TIMESTAMP"},
	{"####-##-##T##:##:##", "TIMESTAMP"},
	{"####-##-## ##:##:##.*", "TIMESTAMP"},
	{"####-##-##T##:##:##.*", "TIMESTAMP"},
	{"null", "\"NULL\""},
};

static bool
has_shape(const char *value, const char *shape)
{
	for (; *shape != '\0'; shape++) {
		size_t digits = strspn(value, "0123456789");

		if ((*shape == '*' || *shape == '#') && digits == 0)
			return false;
		if (*shape == '*')
			value += digits;
		else if (*shape == '#' || *value == *shape)
			value++;
		else
			return false;
	}
	return *value == '\0';
}

static const char *
guess_type(const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (has_shape(value, shapes[i].shape))
			return shapes[i].type;
	return "VARCHAR";
}

static void
add_column(struct buf *sql, const char *name, const char *type, const char *value, struct arena *a)
{
	size_t len = strlen(value);

	if (len >= 2 && value[0] == '"' && value[len - 1] == '"')
		value = arena_printf(a, "%.*s", (int)len - 2, value + 1);
	if (strcmp(value, "null") == 0 && strcmp(type, "VARCHAR") != 0) {
		buf_puts(sql, "NULL");
	} else {
		buf_puts(sql, "CAST(");
		sql_text(sql, value);
		buf_printf(sql, " AS %s)", type);
	}
	buf_puts(sql, " AS ");
	sql_ident(sql, name);
}

/* The value as a text in *out, which is freed by the caller. */
static int
query_text(struct duck *d, const char *sql, struct buf *out, struct err *err)
{
	struct duck_rows *rows;
	const char *text;
	size_t len;

	if (duck_query(d, sql, &rows, err) < 0)
		return -1;
	if (!duck_rows_next(rows) || duck_cell(rows, 0) != CELL_TEXT) {
		buf_puts(out, "null");
	} else {
		text = duck_text(rows, 0, &len);
		buf_add(out, text, len);
	}
	duck_rows_free(rows);
	return 0;
}

static int
evaluate(struct duck *d, const struct formula *formula, const char *row, struct arena *a,
	struct buf *out, struct err *err)
{
	const char *sql = arena_printf(a, "SELECT %s AS v FROM (SELECT %s)", formula->sql, row);
	struct columns columns = {NULL, 0};
	struct formula text;

	/* Of what the engine gives, to_string() is one more formula. */
	if (duck_describe(d, sql, a, &columns, err) < 0 ||
		formula_translate("to_string([v])", &columns, a, &text, err) < 0)
		return -1;
	sql = arena_printf(a, "SELECT %s FROM (%s)", text.sql, sql);
	if (query_text(d, sql, out, err) < 0)
		return -1;
	buf_printf(out, "\t%s",
		formula->type == TYPE_NULL ? "Null" : type_to_polars(columns.items[0].type, a));
	return 0;
}

int
eval_expression(struct duck *d, const char *text, const char *const *names,
	const char *const *values, size_t n, struct buf *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct columns columns = {NULL, 0};
	struct formula formula;
	struct buf row;
	int rc;

	buf_init(&row, SQL_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_puts(&row, i > 0 ? ", " : "");
		add_column(&row, names[i], guess_type(values[i]), values[i], &a);
		columns_add(&columns, &a, names[i], guess_type(values[i]));
	}
	if (n == 0)
		buf_puts(&row, "1");
	rc = formula_translate(text, &columns, &a, &formula, err);
	if (rc == 0 && buf_failed(&row))
		rc = err_set(err, ERR_USAGE, "the values have more than %d bytes", SQL_MAX);
	if (rc == 0)
		rc = evaluate(d, &formula, buf_str(&row), &a, out, err);
	buf_free(&row);
	arena_free(&a);
	return rc;
}
