#include "flow/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define SQL_MAX (64 * 1024 * 1024)
#define LISTED_MAX 12

void
columns_add(struct columns *columns, struct arena *a, const char *name, const char *type)
{
	struct column *items;

	/* Full when the number is a power of two. */
	if ((columns->n & (columns->n - 1)) == 0) {
		items = arena_array(a, columns->n ? 2 * columns->n : 1, sizeof(*items));
		if (columns->n)
			memcpy(items, columns->items, columns->n * sizeof(*items));
		columns->items = items;
	}
	columns->items[columns->n++] =
		(struct column){arena_strdup(a, name), arena_strdup(a, type)};
}

const struct column *
columns_find(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (strcmp(columns->items[i].name, name) == 0)
			return &columns->items[i];
	return NULL;
}

const char *
columns_list(const struct columns *columns, struct arena *a)
{
	const char *text = "";
	size_t n = columns->n < LISTED_MAX ? columns->n : LISTED_MAX;

	if (columns->n == 0)
		return "none";
	for (size_t i = 0; i < n; i++)
		text = arena_printf(a, "%s%s%s", text,
			i == 0                                  ? ""
				: i + 1 == n && n == columns->n ? " and "
								: ", ",
			columns->items[i].name);
	return n < columns->n ? arena_printf(a, "%s and %zu more", text, columns->n - n) : text;
}

/* --- types ------------------------------------------------------------------------------------------ */

static const struct {
	const char *engine; /* as far as its parentheses */
	enum type_class is;
	const char *polars; /* what it is called there */
} types[] = {
	{"NULL", TYPE_NULL, "Null"},
	{"\"NULL\"", TYPE_NULL, "Null"},
	{"BOOLEAN", TYPE_BOOL, "Boolean"},
	{"TINYINT", TYPE_INT, "Int8"},
	{"SMALLINT", TYPE_INT, "Int16"},
	{"INTEGER", TYPE_INT, "Int32"},
	{"BIGINT", TYPE_INT, "Int64"},
	{"HUGEINT", TYPE_INT, "Int128"},
	{"UTINYINT", TYPE_INT, "UInt8"},
	{"USMALLINT", TYPE_INT, "UInt16"},
	{"UINTEGER", TYPE_INT, "UInt32"},
	{"UBIGINT", TYPE_INT, "UInt64"},
	{"UHUGEINT", TYPE_INT, "UInt128"},
	{"FLOAT", TYPE_FLOAT, "Float32"},
	{"DOUBLE", TYPE_FLOAT, "Float64"},
	{"DECIMAL", TYPE_DECIMAL, "Decimal"},
	{"VARCHAR", TYPE_TEXT, "String"},
	{"ENUM", TYPE_TEXT, "Categorical"},
	{"UUID", TYPE_OTHER, "String"},
	{"BLOB", TYPE_BINARY, "Binary"},
	{"DATE", TYPE_DATE, "Date"},
	{"TIMESTAMP", TYPE_DATETIME, "Datetime(time_unit='us', time_zone=None)"},
	{"TIMESTAMP_S", TYPE_DATETIME, "Datetime(time_unit='ms', time_zone=None)"},
	{"TIMESTAMP_MS", TYPE_DATETIME, "Datetime(time_unit='ms', time_zone=None)"},
	{"TIMESTAMP_NS", TYPE_DATETIME, "Datetime(time_unit='ns', time_zone=None)"},
	{"TIMESTAMP WITH TIME ZONE", TYPE_DATETIME, "Datetime(time_unit='us', time_zone='UTC')"},
	{"TIME", TYPE_TIME, "Time"},
	{"INTERVAL", TYPE_DURATION, "Duration(time_unit='us')"},
	{"STRUCT", TYPE_STRUCT, "Struct"},
	{"MAP", TYPE_STRUCT, "Struct"},
};

static bool
ends_with_brackets(const char *type)
{
	size_t len = strlen(type);

	return len > 0 && type[len - 1] == ']';
}

/* The row of an engine's type, by its name before any parentheses; NULL: none. */
static const char *
base_name(const char *type, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(type, "("), type);
	return text_trim(out);
}

enum type_class
type_classify(const char *type)
{
	char buf[64];
	const char *name;

	if (ends_with_brackets(type))
		return TYPE_LIST;
	name = base_name(type, buf, sizeof(buf));
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].engine, name) == 0)
			return types[i].is;
	return TYPE_OTHER;
}

const char *
type_to_polars(const char *type, struct arena *a)
{
	char buf[64];
	const char *name;

	if (ends_with_brackets(type)) {
		size_t len = strlen(type);

		while (len > 0 && type[len - 1] != '[')
			len--;
		return arena_printf(a, "List(%s)",
			type_to_polars(
				arena_printf(a, "%.*s", (int)(len > 0 ? len - 1 : 0), type), a));
	}
	name = base_name(type, buf, sizeof(buf));
	if (strcmp(name, "DECIMAL") == 0) {
		int precision = 38, scale = 0;

		sscanf(type, "DECIMAL(%d,%d)", &precision, &scale);
		return arena_printf(a, "Decimal(precision=%d, scale=%d)", precision, scale);
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].engine, name) == 0)
			return types[i].polars;
	return "String";
}

/* Names that Polars, Python or Flowfile's older files have besides those of the table above. */
static const struct {
	const char *name, *engine;
} other_names[] = {
	{"Utf8", "VARCHAR"},
	{"str", "VARCHAR"},
	{"string", "VARCHAR"},
	{"Categorical", "VARCHAR"},
	{"Enum", "VARCHAR"},
	{"Object", "VARCHAR"},
	{"int", "BIGINT"},
	{"Integer", "BIGINT"},
	{"integer", "BIGINT"},
	{"float", "DOUBLE"},
	{"double", "DOUBLE"},
	{"Double", "DOUBLE"},
	{"Float", "DOUBLE"},
	{"bool", "BOOLEAN"},
	{"boolean", "BOOLEAN"},
	{"date", "DATE"},
	{"datetime", "TIMESTAMP"},
	{"time", "TIME"},
};

static const char *
datetime_from_polars(const char *name)
{
	if (strstr(name, "time_zone='") != NULL || strstr(name, "time_zone=\"") != NULL)
		return "TIMESTAMP WITH TIME ZONE";
	if (strstr(name, "'ns'") != NULL)
		return "TIMESTAMP_NS";
	return "TIMESTAMP";
}

const char *
type_from_polars(const char *name, struct arena *a)
{
	char buf[64];
	const char *base, *inner;
	int precision, scale;

	if (strncmp(name, "pl.", 3) == 0)
		name += 3;
	base = base_name(name, buf, sizeof(buf));
	if (strcmp(base, "Datetime") == 0)
		return datetime_from_polars(name);
	if (strcmp(base, "Duration") == 0)
		return "INTERVAL";
	if (strcmp(base, "Decimal") == 0) {
		const char *digits = name + strcspn(name, "0123456789");

		if (sscanf(digits, "%d%*[^0-9]%d", &precision, &scale) != 2 || precision < 1 ||
			precision > 38 || scale < 0 || scale > precision)
			precision = 38, scale = strchr(name, '(') != NULL ? 0 : 9;
		return arena_printf(a, "DECIMAL(%d,%d)", precision, scale);
	}
	if (strcmp(base, "List") == 0 && strlen(name) > strlen("List()")) {
		inner = type_from_polars(
			arena_printf(a, "%.*s", (int)(strlen(name) - strlen("List()")),
				name + strlen("List(")),
			a);
		return inner != NULL ? arena_printf(a, "%s[]", inner) : NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].is != TYPE_STRUCT && types[i].is != TYPE_NULL &&
			strcmp(types[i].polars, base) == 0)
			return types[i].engine;
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++)
		if (strcmp(other_names[i].name, base) == 0)
			return other_names[i].engine;
	return NULL;
}

/* --- pieces of SQL ---------------------------------------------------------------------------------- */

static void
quoted(struct buf *b, const char *s, char quote)
{
	size_t n;

	buf_putc(b, quote);
	while (*s != '\0') {
		n = strcspn(s, (char[]){quote, '\0'});
		buf_add(b, s, n);
		s += n;
		if (*s == quote) {
			buf_putc(b, quote);
			buf_putc(b, *s++);
		}
	}
	buf_putc(b, quote);
}

void
sql_ident(struct buf *b, const char *name)
{
	quoted(b, name, '"');
}

void
sql_text(struct buf *b, const char *text)
{
	if (text == NULL)
		buf_puts(b, "NULL");
	else
		quoted(b, text, '\'');
}

static const char *
keep(struct arena *a, struct buf *b)
{
	const char *s = arena_strdup(a, buf_str(b));

	buf_free(b);
	return s;
}

const char *
sql_quoted(struct arena *a, const char *name)
{
	struct buf b;

	buf_init(&b, SQL_MAX);
	sql_ident(&b, name);
	return keep(a, &b);
}

const char *
sql_literal(struct arena *a, const char *text)
{
	struct buf b;

	buf_init(&b, SQL_MAX);
	sql_text(&b, text);
	return keep(a, &b);
}

const char *
sql_pattern(struct arena *a, const char *path)
{
	char *out = arena_alloc(a, 3 * strlen(path) + 1), *p = out;

	for (; *path != '\0'; path++) {
		bool special = strchr("*?[", *path) != NULL;

		if (special)
			*p++ = '[';
		*p++ = *path;
		if (special)
			*p++ = ']';
	}
	return out;
}

const char *
sql_as_text(struct arena *a, const char *sql, enum type_class type)
{
	switch (type) {
	case TYPE_TEXT:
		return sql;
	case TYPE_FLOAT:
		return arena_printf(a,
			"replace(replace(replace(CAST(%s AS VARCHAR), '-nan', 'nan'), 'nan', "
			"'NaN'), 'e-0', 'e-')",
			sql);
	case TYPE_DATETIME:
		return arena_printf(a, "strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.%%f')", sql);
	default:
		return arena_printf(a, "CAST(%s AS VARCHAR)", sql);
	}
}
