#include "flow/cells.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SQL_MAX (64 * 1024 * 1024)

/* --- types ------------------------------------------------------------------------------------------- */

static const struct {
	const char *engine, *arrow;
} arrow_names[] = {
	{"NULL", "null"},
	{"\"NULL\"", "null"},
	{"BOOLEAN", "bool"},
	{"TINYINT", "int8"},
	{"SMALLINT", "int16"},
	{"INTEGER", "int32"},
	{"BIGINT", "int64"},
	{"HUGEINT", "decimal128(38, 0)"},
	{"UHUGEINT", "decimal128(38, 0)"},
	{"UTINYINT", "uint8"},
	{"USMALLINT", "uint16"},
	{"UINTEGER", "uint32"},
	{"UBIGINT", "uint64"},
	{"FLOAT", "float"},
	{"DOUBLE", "double"},
	{"BLOB", "binary"},
	{"DATE", "date32[day]"},
	{"TIMESTAMP", "timestamp[us]"},
	{"TIMESTAMP_S", "timestamp[s]"},
	{"TIMESTAMP_MS", "timestamp[ms]"},
	{"TIMESTAMP_NS", "timestamp[ns]"},
	{"TIMESTAMP WITH TIME ZONE", "timestamp[us, tz=UTC]"},
	{"TIME", "time64[us]"},
	{"INTERVAL", "duration[us]"},
};

/* The end of the first of several parts that commas separate: parentheses and quotes hold theirs together. */
static size_t
part_len(const char *s)
{
	int depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else if (!quoted && s[i] == '(')
			depth++;
		else if (!quoted && s[i] == ')' && depth-- == 0)
			break;
		else if (!quoted && s[i] == ',' && depth == 0)
			break;
	}
	return i;
}

static size_t
name_len(const char *s)
{
	size_t i = 0;

	if (*s != '"')
		return strcspn(s, " ");
	while (s[++i] != '\0' && (s[i] != '"' || s[++i] == '"'))
		;
	return i;
}

/* A field's name, without the quotes that it may have. */
static const char *
field_name(const char *s, size_t len, struct arena *a)
{
	char *name = arena_printf(a, "%.*s", (int)len, s), *to = name;

	if (*s != '"')
		return name;
	for (size_t i = 1; i + 1 < len; i++) {
		*to++ = s[i];
		i += s[i] == '"'; /* doubled */
	}
	*to = '\0';
	return name;
}

static const char *
struct_to_arrow(const char *parts, struct arena *a)
{
	const char *text = "struct<", *comma = "";

	while (*parts != '\0' && *parts != ')') {
		size_t len = part_len(parts), name = name_len(parts);
		const char *type = arena_printf(a, "%.*s", (int)(len - name - 1), parts + name + 1);

		text = arena_printf(a, "%s%s%s: %s", text, comma, field_name(parts, name, a),
			type_to_arrow(type, a));
		comma = ", ";
		parts += len;
		parts += strspn(parts, ", ");
	}
	return arena_printf(a, "%s>", text);
}

static const char *
map_to_arrow(const char *parts, struct arena *a)
{
	size_t len = part_len(parts);
	const char *key = arena_printf(a, "%.*s", (int)len, parts), *value = parts + len;

	value += strspn(value, ", ");
	return arena_printf(a, "map<%s, %s>", type_to_arrow(key, a),
		type_to_arrow(arena_printf(a, "%.*s", (int)part_len(value), value), a));
}

const char *
type_to_arrow(const char *type, struct arena *a)
{
	size_t len = strlen(type);

	if (len > 2 && type[len - 1] == ']') {
		while (len > 0 && type[len - 1] != '[')
			len--;
		return arena_printf(a, "list<item: %s>",
			type_to_arrow(arena_printf(a, "%.*s", (int)len - 1, type), a));
	}
	if (text_starts(type, "DECIMAL(")) {
		int precision = 38, scale = 0;

		sscanf(type, "DECIMAL(%d,%d)", &precision, &scale);
		return arena_printf(a, "decimal128(%d, %d)", precision, scale);
	}
	if (text_starts(type, "STRUCT("))
		return struct_to_arrow(type + strlen("STRUCT("), a);
	if (text_starts(type, "MAP("))
		return map_to_arrow(type + strlen("MAP("), a);
	for (size_t i = 0; i < ARRAY_LEN(arrow_names); i++)
		if (strcmp(arrow_names[i].engine, type) == 0)
			return arrow_names[i].arrow;
	return "string";
}

void
columns_json(const struct columns *columns, const char *(*name)(const char *, struct arena *),
	struct arena *a, struct json *j)
{
	json_key(j, "columns");
	json_array(j);
	for (size_t i = 0; i < columns->n; i++)
		json_string(j, columns->items[i].name);
	json_array_end(j);
	json_key(j, "dtypes");
	json_array(j);
	for (size_t i = 0; i < columns->n; i++)
		json_string(j, name(columns->items[i].type, a));
	json_array_end(j);
}

void
columns_json_schema(const struct columns *columns, struct arena *a, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < columns->n; i++) {
		json_object(j);
		json_kv_string(j, "name", columns->items[i].name);
		json_kv_string(j, "dtype", type_to_polars(columns->items[i].type, a));
		json_object_end(j);
	}
	json_array_end(j);
}

/* --- rows --------------------------------------------------------------------------------------------- */

/* Python writes six digits of a second's fraction, or none; and the offset of a zone in full. */
const char *
cells_sql(const char *sql, const char *type, struct arena *a)
{
	const char *zone = strcmp(type, "TIMESTAMP WITH TIME ZONE") == 0 ? "+00:00" : "";

	if (type_classify(type) != TYPE_DATETIME)
		return sql;
	return arena_printf(a,
		"CASE WHEN date_part('microsecond', %s) %% 1000000 = 0 "
		"THEN strftime(CAST(%s AS TIMESTAMP), '%%Y-%%m-%%d %%H:%%M:%%S%s') "
		"ELSE strftime(CAST(%s AS TIMESTAMP), '%%Y-%%m-%%d %%H:%%M:%%S.%%f%s') END",
		sql, sql, zone, sql, zone);
}

/* Columns by their places: two of a query may have one name. */
static char *
shown_sql(const char *query, const struct columns *columns, int64_t limit, struct arena *a)
{
	struct buf sql;

	buf_init(&sql, SQL_MAX);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < columns->n; i++) {
		buf_puts(&sql, i > 0 ? ", " : "");
		buf_puts(&sql, cells_sql(arena_printf(a, "c%zu", i), columns->items[i].type, a));
	}
	buf_printf(&sql, " FROM (%s\n) AS t(", query);
	for (size_t i = 0; i < columns->n; i++)
		buf_printf(&sql, "%sc%zu", i > 0 ? ", " : "", i);
	buf_puts(&sql, ")");
	if (limit != CELLS_ALL)
		buf_printf(&sql, " LIMIT %" PRId64, limit);
	return buf_take(&sql);
}

int
cells_query(struct duck *d, const char *sql, int64_t limit, struct arena *a, struct cells *out,
	struct err *err)
{
	char *shown;
	int rc;

	*out = (struct cells){0};
	if (duck_describe(d, sql, a, &out->columns, err) < 0)
		return -1;
	shown = shown_sql(sql, &out->columns, limit, a);
	rc = duck_query(d, shown, &out->rows, err);
	free(shown);
	return rc;
}

void
cells_free(struct cells *cells)
{
	duck_rows_free(cells->rows);
	cells->rows = NULL;
}

/* Integers that no cell holds come as their digits, and are numbers all the same. */
static bool
is_wide_int(const char *type)
{
	return strcmp(type, "HUGEINT") == 0 || strcmp(type, "UHUGEINT") == 0 ||
		strcmp(type, "UBIGINT") == 0;
}

static void
json_text(const struct cells *cells, size_t column, struct json *j)
{
	char digits[64];
	size_t len;
	const char *text = duck_text(cells->rows, column, &len);

	if (is_wide_int(cells->columns.items[column].type) && len < sizeof(digits)) {
		snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
		json_raw(j, digits);
	} else {
		json_string_n(j, text, len);
	}
}

void
cells_json_value(const struct cells *cells, size_t column, struct json *j)
{
	switch (duck_cell(cells->rows, column)) {
	case CELL_NULL:
		json_null(j);
		break;
	case CELL_BOOL:
		json_bool(j, duck_bool(cells->rows, column));
		break;
	case CELL_INT:
		json_int(j, duck_int(cells->rows, column));
		break;
	case CELL_DOUBLE:
		json_double(j, duck_double(cells->rows, column));
		break;
	case CELL_TEXT:
		json_text(cells, column, j);
		break;
	}
}

int64_t
cells_json_rows(const struct cells *cells, struct json *j)
{
	int64_t n = 0;

	json_array(j);
	while (duck_rows_next(cells->rows)) {
		json_array(j);
		for (size_t i = 0; i < cells->columns.n; i++)
			cells_json_value(cells, i, j);
		json_array_end(j);
		n++;
	}
	json_array_end(j);
	return n;
}

/* A list of numbers is JSON as the engine writes it, but for blanks, as long as all of them are some. NULL: it is not. */
static const char *
json_list(const struct cells *cells, size_t column, struct arena *a)
{
	const char *type = cells->columns.items[column].type;
	char *text, *to;

	if (strcmp(type, "DOUBLE[]") != 0 || duck_cell(cells->rows, column) != CELL_TEXT)
		return NULL;
	text = to = arena_strdup(a, duck_text_copy(cells->rows, column, a));
	for (const char *from = text; *from != '\0'; from++) {
		if (strchr("[]0123456789+-.eE, ", *from) == NULL)
			return NULL;
		if (*from != ' ')
			*to++ = *from;
	}
	*to = '\0';
	return text;
}

int64_t
cells_json_objects(
	const struct cells *cells, const struct columns *names, struct arena *a, struct json *j)
{
	const char *list;
	int64_t n = 0;

	json_array(j);
	while (duck_rows_next(cells->rows)) {
		json_object(j);
		for (size_t i = 0; i < cells->columns.n; i++) {
			json_key(j, names->items[i].name);
			list = json_list(cells, i, a);
			if (list != NULL)
				json_raw(j, list);
			else
				cells_json_value(cells, i, j);
		}
		json_object_end(j);
		n++;
	}
	json_array_end(j);
	return n;
}
