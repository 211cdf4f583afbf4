#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "delta_impl.h"

/* A struct in a struct is three levels of JSON deeper, of which a writer has JSON_DEPTH_MAX. */
#define TYPE_DEPTH_MAX 8
#define TYPE_NAME_SIZE 64
#define PRECISION_MAX 38
#define SCHEMA_MAX (16 * 1024 * 1024)
/* Up to here each integer has a double of its own. */
#define DOUBLE_EXACT_MAX "9007199254740992"

#define INTEGERS_DOUBLE_MAX 32
#define INTEGERS_FLOAT_MAX 16

/* What a table has, and what the engine calls it. */
static const struct {
	const char *sql, *name;
	int bits; /* of an integer */
} primitives[] = {
	{"BOOLEAN", "boolean", 0},
	{"TINYINT", "byte", 8},
	{"SMALLINT", "short", 16},
	{"INTEGER", "integer", 32},
	{"BIGINT", "long", 64},
	{"FLOAT", "float", 0},
	{"DOUBLE", "double", 0},
	{"VARCHAR", "string", 0},
	{"BLOB", "binary", 0},
	{"DATE", "date", 0},
	{"TIMESTAMP WITH TIME ZONE", "timestamp", 0},
	{"TIMESTAMP", "timestamp_ntz", 0},
};

/* What the engine has besides, and what holds it in a table. */
static const struct {
	const char *sql, *stored;
} others[] = {
	{"UTINYINT", "SMALLINT"},
	{"USMALLINT", "INTEGER"},
	{"UINTEGER", "BIGINT"},
	{"UBIGINT", "DECIMAL(20,0)"},
	{"HUGEINT", "DECIMAL(38,0)"},
	{"UHUGEINT", "DECIMAL(38,0)"},
	{"TIMESTAMP_S", "TIMESTAMP"},
	{"TIMESTAMP_MS", "TIMESTAMP"},
	{"TIMESTAMP_NS", "TIMESTAMP"},
	{"UUID", "VARCHAR"},
	{"ENUM", "VARCHAR"},
	{"JSON", "VARCHAR"},
};

static struct delta_type *
type_new(enum delta_kind kind, struct arena *a)
{
	struct delta_type *type = arena_alloc(a, sizeof(*type));

	type->kind = kind;
	type->contains_null = true;
	return type;
}

static const struct delta_type *
primitive_new(size_t i, struct arena *a)
{
	struct delta_type *type = type_new(DELTA_PRIMITIVE, a);

	type->sql = primitives[i].sql;
	type->name = primitives[i].name;
	return type;
}

static const struct delta_type *
primitive_of_sql(const char *sql, struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		if (strcmp(primitives[i].sql, sql) == 0)
			return primitive_new(i, a);
	return NULL;
}

static const struct delta_type *
decimal_new(int precision, int scale, struct arena *a)
{
	struct delta_type *type = type_new(DELTA_PRIMITIVE, a);

	type->precision = precision;
	type->scale = scale;
	type->sql = arena_printf(a, "DECIMAL(%d,%d)", precision, scale);
	type->name = arena_printf(a, "decimal(%d,%d)", precision, scale);
	return type;
}

static bool
is_decimal(const struct delta_type *type)
{
	return type->precision > 0;
}

const struct delta_field *
delta_field_find(const struct delta_type *type, const char *name)
{
	for (size_t i = 0; i < type->n; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	return NULL;
}

bool
delta_names_have(const struct delta_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

/* The engine does not tell upper case from lower, nor do Delta tables. */
static int
check_names(const struct delta_type *type, struct err *err)
{
	if (type->n == 0)
		return err_set(err, ERR_USAGE, "it has no columns");
	for (size_t i = 0; i < type->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(type->fields[i].name, type->fields[k].name) == 0)
				return err_set(err, ERR_USAGE,
					"columns \"%s\" and \"%s\" have the same name but for "
					"upper and lower case",
					type->fields[k].name, type->fields[i].name);
	return 0;
}

static void
add_field(struct delta_type *type, struct delta_field field, struct arena *a)
{
	/* Full when the number is a power of two. */
	if ((type->n & (type->n - 1)) == 0) {
		struct delta_field *fields =
			arena_array(a, type->n ? 2 * type->n : 1, sizeof(*fields));

		if (type->n)
			memcpy(fields, type->fields, type->n * sizeof(*fields));
		type->fields = fields;
	}
	type->fields[type->n++] = field;
}

/* --- from the engine's text of a type ------------------------------------------------------------------ */

struct reader {
	const char *p;
	struct arena *a;
	int depth;
};

static const struct delta_type *read_type(struct reader *r, struct err *err);

static int
no_type(const char *sql, struct err *err)
{
	return err_set(err, ERR_USAGE, "Delta tables have no type for %s", sql);
}

static bool
take(struct reader *r, const char *s)
{
	r->p += strspn(r->p, " ");
	if (!text_starts(r->p, s))
		return false;
	r->p += strlen(s);
	return true;
}

/* "TIMESTAMP WITH TIME ZONE": up to what cannot be in a name. */
static int
take_words(struct reader *r, char out[TYPE_NAME_SIZE], struct err *err)
{
	size_t n = 0;

	r->p += strspn(r->p, " ");
	while (isalnum((unsigned char)r->p[n]) || r->p[n] == '_' || r->p[n] == ' ')
		n++;
	if (n == 0 || n >= TYPE_NAME_SIZE)
		return no_type(r->p, err);
	memcpy(out, r->p, n);
	out[n] = '\0';
	text_trim(out);
	r->p += n;
	return 0;
}

/* A quoted text, its quotes doubled inside. */
static const char *
take_quoted(struct reader *r, char quote)
{
	char *out = arena_alloc(r->a, strlen(r->p) + 1), *o = out;

	assert(*r->p == quote);
	for (r->p++; *r->p != '\0'; r->p++) {
		if (*r->p == quote && *++r->p != quote)
			return out;
		*o++ = *r->p;
	}
	return NULL;
}

static const char *
take_field_name(struct reader *r)
{
	const char *name;
	size_t n;

	r->p += strspn(r->p, " ");
	if (*r->p == '"')
		return take_quoted(r, '"');
	n = strcspn(r->p, " ,()");
	name = n > 0 && r->p[n] == ' ' ? arena_printf(r->a, "%.*s", (int)n, r->p) : NULL;
	r->p += n;
	return name;
}

static const struct delta_type *
read_struct(struct reader *r, struct err *err)
{
	struct delta_type *type = type_new(DELTA_STRUCT, r->a);
	struct delta_field field = {.nullable = true, .metadata = "{}"};
	const char *start = r->p;

	if (!take(r, "("))
		return no_type(start, err), NULL;
	do {
		field.name = take_field_name(r);
		if (field.name == NULL)
			return no_type("a struct whose fields have no names", err), NULL;
		field.type = read_type(r, err);
		if (field.type == NULL)
			return NULL;
		add_field(type, field, r->a);
	} while (take(r, ","));
	if (!take(r, ")"))
		return no_type(start, err), NULL;
	return type;
}

static const struct delta_type *
read_map(struct reader *r, struct err *err)
{
	struct delta_type *type = type_new(DELTA_MAP, r->a);
	const char *start = r->p;

	if (!take(r, "("))
		return no_type(start, err), NULL;
	type->key = read_type(r, err);
	if (type->key == NULL)
		return NULL;
	if (!take(r, ","))
		return no_type(start, err), NULL;
	type->value = read_type(r, err);
	if (type->value == NULL)
		return NULL;
	if (!take(r, ")"))
		return no_type(start, err), NULL;
	return type;
}

static const struct delta_type *
read_decimal(struct reader *r, struct err *err)
{
	int precision = 18, scale = 3, n = 0;

	if (sscanf(r->p, "(%d,%d)%n", &precision, &scale, &n) != 2 || n == 0 || precision < 1 ||
		precision > PRECISION_MAX || scale < 0 || scale > precision)
		return no_type("a decimal of such digits", err), NULL;
	r->p += n;
	return decimal_new(precision, scale, r->a);
}

/* The values of an ENUM, which do not matter. */
static int
skip_values(struct reader *r, struct err *err)
{
	if (!take(r, "("))
		return 0;
	do {
		r->p += strspn(r->p, " ");
		if (*r->p != '\'' || take_quoted(r, '\'') == NULL)
			return no_type("such an ENUM", err);
	} while (take(r, ","));
	return take(r, ")") ? 0 : no_type("such an ENUM", err);
}

static const struct delta_type *
read_null(struct reader *r)
{
	struct delta_type *type = type_new(DELTA_PRIMITIVE, r->a);

	type->sql = "VARCHAR";
	type->name = "string";
	type->only_null = true;
	return type;
}

static const struct delta_type *
read_base(struct reader *r, struct err *err)
{
	char name[TYPE_NAME_SIZE];
	const struct delta_type *type;

	if (take(r, "\"NULL\""))
		return read_null(r);
	if (take_words(r, name, err) < 0)
		return NULL;
	if (strcmp(name, "NULL") == 0)
		return read_null(r);
	if (strcmp(name, "STRUCT") == 0)
		return read_struct(r, err);
	if (strcmp(name, "MAP") == 0)
		return read_map(r, err);
	if (strcmp(name, "DECIMAL") == 0)
		return read_decimal(r, err);
	type = primitive_of_sql(name, r->a);
	for (size_t i = 0; type == NULL && i < ARRAY_LEN(others); i++)
		if (strcmp(others[i].sql, name) == 0) {
			if (skip_values(r, err) < 0)
				return NULL;
			if (delta_type_parse(others[i].stored, r->a, &type, err) < 0)
				return NULL;
		}
	if (type == NULL)
		no_type(name, err);
	return type;
}

/* A list of the type for each pair of brackets behind it. */
static const struct delta_type *
read_brackets(struct reader *r, const struct delta_type *type, struct err *err)
{
	struct delta_type *array;

	for (int n = 1; take(r, "["); n++) {
		r->p += strspn(r->p, "0123456789");
		if (!take(r, "]") || n > TYPE_DEPTH_MAX)
			return no_type("such a list", err), NULL;
		array = type_new(DELTA_ARRAY, r->a);
		array->value = type;
		type = array;
	}
	return type;
}

static const struct delta_type *
read_type(struct reader *r, struct err *err)
{
	const struct delta_type *type;
	int depth = r->depth;

	if (++r->depth > TYPE_DEPTH_MAX + 1) /* what is in the innermost counts, too */
		return no_type("what is nested that deep", err), NULL;
	type = read_base(r, err);
	if (type != NULL)
		type = read_brackets(r, type, err);
	r->depth = depth;
	return type;
}

/* How deep other types are in it; the reader of a text meets the brackets of a list behind what is in the list. */
static int
nesting(const struct delta_type *type)
{
	int deepest = -1, n;

	for (size_t i = 0; i < type->n; i++) {
		n = nesting(type->fields[i].type);
		deepest = n > deepest ? n : deepest;
	}
	if (type->key != NULL)
		deepest = nesting(type->key);
	if (type->value != NULL) {
		n = nesting(type->value);
		deepest = n > deepest ? n : deepest;
	}
	return deepest + 1;
}

int
delta_type_parse(const char *sql, struct arena *a, const struct delta_type **out, struct err *err)
{
	struct reader r = {sql, a, 0};

	*out = read_type(&r, err);
	if (*out == NULL)
		return -1;
	if (nesting(*out) > TYPE_DEPTH_MAX)
		return no_type("what is nested that deep", err);
	return r.p[strspn(r.p, " ")] == '\0' ? 0 : no_type(sql, err);
}

int
delta_type_of_columns(const struct columns *columns, struct arena *a, const struct delta_type **out,
	struct err *err)
{
	struct delta_type *type = type_new(DELTA_STRUCT, a);
	struct delta_field field = {.nullable = true, .metadata = "{}"};

	for (size_t i = 0; i < columns->n; i++) {
		field.name = columns->items[i].name;
		if (delta_type_parse(columns->items[i].type, a, &field.type, err) < 0)
			return err_prefix(err, "column \"%s\"", field.name);
		add_field(type, field, a);
	}
	*out = type;
	return check_names(type, err);
}

/* --- from a table's schema -------------------------------------------------------------------------------- */

static const struct delta_type *
of_json(const cJSON *json, int depth, struct arena *a, struct err *err);

static const struct delta_type *
of_name(const char *name, struct arena *a, struct err *err)
{
	int precision, scale;

	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		if (strcmp(primitives[i].name, name) == 0)
			return primitive_new(i, a);
	if (strcmp(name, "decimal") == 0)
		return decimal_new(10, 0, a);
	if (sscanf(name, "decimal(%d,%d)", &precision, &scale) == 2 && precision >= 1 &&
		precision <= PRECISION_MAX && scale >= 0 && scale <= precision)
		return decimal_new(precision, scale, a);
	err_set(err, ERR_FAILED, "the type \"%s\" is not supported", name);
	return NULL;
}

static bool
json_flag(const cJSON *json, const char *name)
{
	const cJSON *flag = cJSON_GetObjectItemCaseSensitive(json, name);

	return flag == NULL || !cJSON_IsFalse(flag);
}

static int
take_field(struct delta_type *type, const cJSON *json, int depth, struct arena *a, struct err *err)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "name");
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "metadata");
	struct delta_field field = {.nullable = json_flag(json, "nullable"), .metadata = "{}"};
	char *text;

	if (!cJSON_IsString(name) || name->valuestring[0] == '\0')
		return err_set(err, ERR_FAILED, "a column has no name");
	field.name = arena_strdup(a, name->valuestring);
	field.type = of_json(cJSON_GetObjectItemCaseSensitive(json, "type"), depth, a, err);
	if (field.type == NULL)
		return err_prefix(err, "column \"%s\"", field.name);
	if (cJSON_IsObject(metadata)) {
		text = cJSON_PrintUnformatted(metadata);
		field.metadata = arena_strdup(a, text);
		cJSON_free(text);
	}
	add_field(type, field, a);
	return 0;
}

static const struct delta_type *
of_struct(const cJSON *json, int depth, struct arena *a, struct err *err)
{
	struct delta_type *type = type_new(DELTA_STRUCT, a);
	const cJSON *field;

	cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(json, "fields"))
	{
		if (take_field(type, field, depth, a, err) < 0)
			return NULL;
	}
	return check_names(type, err) < 0 ? NULL : type;
}

static const struct delta_type *
of_json(const cJSON *json, int depth, struct arena *a, struct err *err)
{
	const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
	struct delta_type *type;

	if (depth > TYPE_DEPTH_MAX + 1) /* the columns are the struct around all */
		return err_set(err, ERR_FAILED, "it is nested too deep"), NULL;
	if (cJSON_IsString(json))
		return of_name(json->valuestring, a, err);
	if (kind != NULL && strcmp(kind, "struct") == 0)
		return of_struct(json, depth + 1, a, err);
	if (kind != NULL && strcmp(kind, "array") == 0) {
		type = type_new(DELTA_ARRAY, a);
		type->contains_null = json_flag(json, "containsNull");
		type->value = of_json(
			cJSON_GetObjectItemCaseSensitive(json, "elementType"), depth + 1, a, err);
		return type->value != NULL ? type : NULL;
	}
	if (kind != NULL && strcmp(kind, "map") == 0) {
		type = type_new(DELTA_MAP, a);
		type->contains_null = json_flag(json, "valueContainsNull");
		type->key = of_json(
			cJSON_GetObjectItemCaseSensitive(json, "keyType"), depth + 1, a, err);
		if (type->key != NULL)
			type->value = of_json(cJSON_GetObjectItemCaseSensitive(json, "valueType"),
				depth + 1, a, err);
		return type->key != NULL && type->value != NULL ? type : NULL;
	}
	err_set(err, ERR_FAILED, "the type \"%s\" is not supported", kind != NULL ? kind : "?");
	return NULL;
}

int
delta_type_of_schema(
	const char *schema_string, struct arena *a, const struct delta_type **out, struct err *err)
{
	cJSON *json = cJSON_Parse(schema_string);
	const struct delta_type *type;

	if (json == NULL)
		return err_set(err, ERR_FAILED, "its schema is no JSON");
	type = of_json(json, 0, a, err);
	cJSON_Delete(json);
	if (type == NULL)
		return -1;
	if (type->kind != DELTA_STRUCT)
		return err_set(err, ERR_FAILED, "its schema is no struct");
	*out = type;
	return 0;
}

/* --- to the engine, and to a table's schema ------------------------------------------------------------- */

static void
put_sql(struct buf *b, const struct delta_type *type)
{
	switch (type->kind) {
	case DELTA_PRIMITIVE:
		buf_puts(b, type->sql);
		return;
	case DELTA_ARRAY:
		put_sql(b, type->value);
		buf_puts(b, "[]");
		return;
	case DELTA_MAP:
		buf_puts(b, "MAP(");
		put_sql(b, type->key);
		buf_puts(b, ", ");
		put_sql(b, type->value);
		buf_putc(b, ')');
		return;
	case DELTA_STRUCT:
		buf_puts(b, "STRUCT(");
		for (size_t i = 0; i < type->n; i++) {
			buf_puts(b, i > 0 ? ", " : "");
			sql_ident(b, type->fields[i].name);
			buf_putc(b, ' ');
			put_sql(b, type->fields[i].type);
		}
		buf_putc(b, ')');
	}
}

const char *
delta_type_sql(const struct delta_type *type, struct arena *a)
{
	const char *sql;
	struct buf b;

	buf_init(&b, SCHEMA_MAX);
	put_sql(&b, type);
	sql = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return sql;
}

static void
put_type(struct json *j, const struct delta_type *type)
{
	if (type->kind == DELTA_PRIMITIVE) {
		json_string(j, type->name);
		return;
	}
	json_object(j);
	json_kv_string(j, "type",
		type->kind == DELTA_STRUCT        ? "struct"
			: type->kind == DELTA_MAP ? "map"
						  : "array");
	switch (type->kind) {
	case DELTA_ARRAY:
		json_key(j, "elementType");
		put_type(j, type->value);
		json_kv_bool(j, "containsNull", type->contains_null);
		break;
	case DELTA_MAP:
		json_key(j, "keyType");
		put_type(j, type->key);
		json_key(j, "valueType");
		put_type(j, type->value);
		json_kv_bool(j, "valueContainsNull", type->contains_null);
		break;
	default:
		json_key(j, "fields");
		json_array(j);
		for (size_t i = 0; i < type->n; i++) {
			json_object(j);
			json_kv_string(j, "name", type->fields[i].name);
			json_key(j, "type");
			put_type(j, type->fields[i].type);
			json_kv_bool(j, "nullable", type->fields[i].nullable);
			json_key(j, "metadata");
			json_raw(j, type->fields[i].metadata);
			json_object_end(j);
		}
		json_array_end(j);
	}
	json_object_end(j);
}

const char *
delta_type_schema(const struct delta_type *type, struct arena *a)
{
	const char *text;
	struct buf b;
	struct json j;

	buf_init(&b, SCHEMA_MAX);
	json_init(&j, &b);
	put_type(&j, type);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* --- comparing and casting -------------------------------------------------------------------------------- */

bool
delta_type_equal(const struct delta_type *a, const struct delta_type *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	switch (a->kind) {
	case DELTA_PRIMITIVE:
		return strcmp(a->sql, b->sql) == 0;
	case DELTA_ARRAY:
		return delta_type_equal(a->value, b->value);
	case DELTA_MAP:
		return delta_type_equal(a->key, b->key) && delta_type_equal(a->value, b->value);
	case DELTA_STRUCT:
		break;
	}
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
			!delta_type_equal(a->fields[i].type, b->fields[i].type))
			return false;
	return true;
}

bool
delta_type_has(const struct delta_type *type, const char *primitive)
{
	for (size_t i = 0; i < type->n; i++)
		if (delta_type_has(type->fields[i].type, primitive))
			return true;
	return (type->kind == DELTA_PRIMITIVE && strcmp(type->name, primitive) == 0) ||
		(type->key != NULL && delta_type_has(type->key, primitive)) ||
		(type->value != NULL && delta_type_has(type->value, primitive));
}

static int
integer_bits(const struct delta_type *type)
{
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		if (strcmp(primitives[i].sql, type->sql) == 0)
			return primitives[i].bits;
	return 0;
}

static bool
is(const struct delta_type *type, const char *name)
{
	return strcmp(type->name, name) == 0;
}

/* Where the values of one are all in the other, or the engine says which one is not. */
static bool
primitive_fits(const struct delta_type *from, const struct delta_type *to)
{
	int bits = integer_bits(from);

	if (is_decimal(from) && is_decimal(to))
		return to->scale >= from->scale;
	if (is_decimal(from))
		return from->scale == 0 && integer_bits(to) > 0;
	if (bits > 0)
		return integer_bits(to) > 0 || is_decimal(to) ||
			(is(to, "double") && bits <= INTEGERS_DOUBLE_MAX) ||
			(is(to, "float") && bits <= INTEGERS_FLOAT_MAX);
	return (is(from, "float") && is(to, "double")) ||
		(is(from, "date") && (is(to, "timestamp") || is(to, "timestamp_ntz"))) ||
		(is(from, "timestamp_ntz") && is(to, "timestamp"));
}

static bool
fits(const struct delta_type *from, const struct delta_type *to)
{
	const struct delta_field *field;

	if (from->only_null || delta_type_equal(from, to))
		return true;
	if (from->kind != to->kind)
		return false;
	switch (from->kind) {
	case DELTA_PRIMITIVE:
		return primitive_fits(from, to);
	case DELTA_ARRAY:
		return fits(from->value, to->value);
	case DELTA_MAP:
		return fits(from->key, to->key) && fits(from->value, to->value);
	case DELTA_STRUCT:
		break;
	}
	for (size_t i = 0; i < from->n; i++) {
		field = delta_field_find(to, from->fields[i].name);
		if (field == NULL || !fits(from->fields[i].type, field->type))
			return false;
	}
	return true;
}

const char *
delta_type_cast(const char *expression, const struct delta_type *from, const struct delta_type *to,
	struct arena *a)
{
	const char *sql = delta_type_sql(to, a);

	if (fits(from, to))
		return arena_printf(a, "CAST(%s AS %s)", expression, sql);
	if (from->kind == DELTA_PRIMITIVE && to->kind == DELTA_PRIMITIVE && is(from, "long") &&
		is(to, "double"))
		return arena_printf(a,
			"CASE WHEN %s BETWEEN -" DOUBLE_EXACT_MAX " AND " DOUBLE_EXACT_MAX
			" OR %s IS NULL THEN CAST(%s AS DOUBLE) ELSE CAST(error('the number ' || "
			"%s || ' is no exact DOUBLE') AS DOUBLE) END",
			expression, expression, expression, expression);
	return NULL;
}
