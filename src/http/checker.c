#include "checker.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"

/* --- complaints ------------------------------------------------------------------------------------------ */

#define INT_MSG "Input should be a valid integer"
#define INT_PARSING_MSG INT_MSG ", unable to parse string as an integer"
#define INT_SIZE_MSG "Unable to parse input string as an integer, exceeded maximum size"
#define BOOL_MSG "Input should be a valid boolean"
#define BOOL_PARSING_MSG BOOL_MSG ", unable to interpret input"
#define STRING_MSG "Input should be a valid string"
#define LIST_MSG "Input should be a valid list"
#define DICT_MSG "Input should be a valid dictionary"
#define MODEL_MSG DICT_MSG " or object to extract fields from"
#define DATETIME_MSG "Input should be a valid datetime"

void
checker_enter(struct checker *k, const char *name, int index)
{
	if (k->depth < CHECKER_DEPTH_MAX)
		k->loc[k->depth] = (struct step){name, index};
	k->depth++;
}

void
checker_leave(struct checker *k)
{
	k->depth--;
}

/* As it came, in the words of JSON. */
static void
write_item(struct json *j, const cJSON *item)
{
	char *text = item ? cJSON_PrintUnformatted(item) : NULL;

	if (text)
		json_raw(j, text);
	else
		json_null(j);
	cJSON_free(text);
}

struct json *
checker_complain(struct checker *k, const char *type, const char *msg)
{
	struct json *j = &k->c->j;

	if (k->found++ == 0) {
		json_object(j);
		json_key(j, "detail");
		json_array(j);
	}
	json_object(j);
	json_kv_string(j, "type", type);
	json_key(j, "loc");
	json_array(j);
	for (int i = 0; i < k->depth && i < CHECKER_DEPTH_MAX; i++) {
		if (k->loc[i].name)
			json_string(j, k->loc[i].name);
		else
			json_int(j, k->loc[i].index);
	}
	json_array_end(j);
	json_kv_string(j, "msg", msg);
	json_key(j, "input");
	return j;
}

static void
complain_text(struct checker *k, const char *type, const char *msg, const char *input)
{
	struct json *j = checker_complain(k, type, msg);

	json_string(j, input);
	json_object_end(j);
}

static void
complain_item(struct checker *k, const char *type, const char *msg, const cJSON *input)
{
	struct json *j = checker_complain(k, type, msg);

	write_item(j, input);
	json_object_end(j);
}

void
checker_complain_missing(struct checker *k, const cJSON *object)
{
	complain_item(k, "missing", "Field required", object);
}

/* The input is shown as it came: as text, or as JSON. */
static void
write_input(struct json *j, const char *text, const cJSON *item)
{
	if (text)
		json_string(j, text);
	else
		write_item(j, item);
}

void
checker_complain_model(struct checker *k, const char *text, const cJSON *item)
{
	struct json *j = checker_complain(k, "model_attributes_type", MODEL_MSG);

	write_input(j, text, item);
	json_object_end(j);
}

static bool
check_range(
	struct checker *k, const struct field *f, int64_t n, const char *text, const cJSON *item)
{
	bool low = f->has_min && n < f->min;
	const char *msg;
	struct json *j;

	if (!low && !(f->has_max && n > f->max))
		return true;
	msg = arena_printf(k->c->a, "Input should be %s than or equal to %lld",
		low ? "greater" : "less", (long long)(low ? f->min : f->max));
	j = checker_complain(k, low ? "greater_than_equal" : "less_than_equal", msg);
	write_input(j, text, item);
	json_key(j, "ctx");
	json_object(j);
	json_kv_int(j, low ? "ge" : "le", low ? f->min : f->max);
	json_object_end(j);
	json_object_end(j);
	return false;
}

static void
check_length(struct checker *k, const struct field *f, const cJSON *list)
{
	int64_t n = cJSON_GetArraySize(list), limit;
	bool low = f->has_min && n < f->min;
	struct json *j;

	if (!low && !(f->has_max && n > f->max))
		return;
	limit = low ? f->min : f->max;
	j = checker_complain(k, low ? "too_short" : "too_long",
		arena_printf(k->c->a,
			"List should have at %s %lld item%s after validation, not %lld",
			low ? "least" : "most", (long long)limit, limit == 1 ? "" : "s",
			(long long)n));
	write_item(j, list);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "field_type", "List");
	json_kv_int(j, low ? "min_length" : "max_length", limit);
	json_kv_int(j, "actual_length", n);
	json_object_end(j);
	json_object_end(j);
}

/* "'a', 'b' or 'c'" */
static const char *
list_values(struct arena *a, const char *const *values)
{
	const char *text = "";

	for (size_t i = 0; values[i]; i++)
		text = arena_printf(a, "%s%s'%s'", text,
			i == 0                  ? ""
				: values[i + 1] ? ", "
						: " or ",
			values[i]);
	return text;
}

static void
check_enum(struct checker *k, const struct field *f, const char *s, const cJSON *item)
{
	const char *expected;
	struct json *j;

	for (size_t i = 0; f->values[i]; i++)
		if (s && !strcmp(s, f->values[i]))
			return;
	expected = list_values(k->c->a, f->values);
	j = checker_complain(
		k, "literal_error", arena_printf(k->c->a, "Input should be %s", expected));
	write_input(j, item ? NULL : s, item);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "expected", expected);
	json_object_end(j);
	json_object_end(j);
}

/* --- values as text ---------------------------------------------------------------------------------------- */

enum number { NUMBER_NONE, NUMBER_TOO_LONG, NUMBER_READ };

/* As Flowfile's reader takes them: blanks around, single underscores between digits, a fraction of zeros. */
static enum number
parse_int(const char *s, int64_t *out)
{
	char digits[32];
	size_t n = 0;
	bool too_long = false;

	while (isspace((unsigned char)*s))
		s++;
	if (*s == '-')
		digits[n++] = '-';
	s += *s == '-' || *s == '+';
	if (!isdigit((unsigned char)*s))
		return NUMBER_NONE;
	while (*s == '0' && (isdigit((unsigned char)s[1]) || s[1] == '_'))
		s++;
	for (; isdigit((unsigned char)*s) || (*s == '_' && isdigit((unsigned char)s[1])); s++) {
		if (*s == '_')
			continue;
		too_long = too_long || n + 1 >= sizeof(digits);
		if (!too_long)
			digits[n++] = *s;
	}
	digits[n] = '\0';
	if (*s == '.' && s[1] == '0')
		for (s++; *s == '0'; s++)
			continue;
	while (isspace((unsigned char)*s))
		s++;
	if (*s)
		return NUMBER_NONE;
	return too_long || !text_to_int(digits, INT64_MIN, INT64_MAX, out) ? NUMBER_TOO_LONG
									   : NUMBER_READ;
}

/* 0: read. The complaint is made. */
static int
read_int(struct checker *k, const char *s, const cJSON *item, int64_t *out)
{
	enum number r = parse_int(s, out);

	if (r == NUMBER_READ)
		return 0;
	write_input(checker_complain(k, r == NUMBER_NONE ? "int_parsing" : "int_parsing_size",
			    r == NUMBER_NONE ? INT_PARSING_MSG : INT_SIZE_MSG),
		s, item);
	json_object_end(&k->c->j);
	return -1;
}

static bool
is_id(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "id") || (len > 3 && !strcmp(name + len - 3, "_id"));
}

/* An id is what the catalog's columns can hold; all else is nobody's. */
static int64_t
as_id(const struct field *f, int64_t n)
{
	if (f->kind != FIELD_INT || !is_id(f->name))
		return n;
	if (n < INT32_MIN || n > INT32_MAX || (n <= 0 && f->place != IN_PATH))
		return ID_NOBODY;
	return n;
}

static bool
parse_bool(const char *s, bool *out)
{
	static const char *const words[][6] = {
		{"0", "false", "f", "no", "n", "off"}, {"1", "true", "t", "yes", "y", "on"}};

	for (size_t v = 0; v < ARRAY_LEN(words); v++)
		for (size_t i = 0; i < ARRAY_LEN(words[v]); i++)
			if (!strcasecmp(s, words[v][i])) {
				*out = v == 1;
				return true;
			}
	return false;
}

void
checker_take_text(struct checker *k, const struct field *f, const char *s, struct value *v)
{
	bool b;

	if (!s) {
		complain_text(k, "string_type", STRING_MSG, "\xef\xbf\xbd");
		return;
	}
	v->given = true;
	switch (f->kind) {
	case FIELD_INT:
		if (read_int(k, s, NULL, &v->i) == 0 && check_range(k, f, v->i, s, NULL))
			v->i = as_id(f, v->i);
		break;
	case FIELD_BOOL:
		if (!parse_bool(s, &b))
			complain_text(k, "bool_parsing", BOOL_PARSING_MSG, s);
		else
			v->i = b;
		break;
	case FIELD_ENUM:
		check_enum(k, f, s, NULL);
		v->s = s;
		break;
	default:
		v->s = s;
	}
}

/* --- values as JSON -------------------------------------------------------------------------------------------- */

static int
take_int(struct checker *k, const cJSON *item, int64_t *out)
{
	const char *s = cJSON_GetStringValue(item);

	if (s)
		return read_int(k, s, NULL, out);
	if (cJSON_IsBool(item)) {
		*out = cJSON_IsTrue(item);
	} else if (!cJSON_IsNumber(item)) {
		complain_item(k, "int_type", INT_MSG, item);
		return -1;
	} else if (item->valuedouble != floor(item->valuedouble)) {
		complain_item(
			k, "int_from_float", INT_MSG ", got a number with a fractional part", item);
		return -1;
	} else if (fabs(item->valuedouble) >= 9.2e18) {
		complain_item(k, "int_parsing_size", INT_SIZE_MSG, item);
		return -1;
	} else {
		*out = (int64_t)item->valuedouble;
	}
	return 0;
}

int64_t
param_int(const void *element)
{
	const char *s = cJSON_GetStringValue(element);
	int64_t n = 0;

	if (s)
		parse_int(s, &n);
	else
		n = cJSON_IsBool((const cJSON *)element) ? cJSON_IsTrue((const cJSON *)element)
							 : (int64_t)cJSON_GetNumberValue(element);
	return n >= INT32_MIN && n <= INT32_MAX ? n : ID_NOBODY;
}

static void
take_bool(struct checker *k, const cJSON *item, struct value *v)
{
	const char *s = cJSON_GetStringValue(item);
	bool b = cJSON_IsTrue(item), whole;

	whole = cJSON_IsNumber(item) && item->valuedouble == floor(item->valuedouble);
	if (whole && (item->valuedouble == 0 || item->valuedouble == 1))
		b = item->valuedouble == 1;
	else if (s && !parse_bool(s, &b))
		complain_item(k, "bool_parsing", BOOL_PARSING_MSG, item);
	else if (whole)
		complain_item(k, "bool_parsing", BOOL_PARSING_MSG, item);
	else if (!s && !cJSON_IsBool(item))
		complain_item(k, "bool_type", BOOL_MSG, item);
	v->i = b;
}

static void
take_datetime(struct checker *k, const cJSON *item, struct value *v)
{
	const char *s = cJSON_GetStringValue(item);
	struct json *j;

	if (!s && !cJSON_IsNumber(item)) {
		complain_item(k, "datetime_type", DATETIME_MSG, item);
	} else if (!s) {
		/* Seconds since 1970, or milliseconds when there are too many of them. */
		double n = item->valuedouble;

		v->i = (int64_t)(fabs(n) > 2e10 ? n * 1e3 : n * 1e6);
	} else if (!time_parse(s, &v->i)) {
		j = checker_complain(
			k, "datetime_from_date_parsing", DATETIME_MSG " or date, invalid datetime");
		json_string(j, s);
		json_key(j, "ctx");
		json_object(j);
		json_kv_string(j, "error", "invalid datetime");
		json_object_end(j);
		json_object_end(j);
	}
}

static void
take_members(struct checker *k, const struct field *members, const cJSON *object)
{
	for (const struct field *f = members; f && f->name; f++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->name);
		struct value ignored = {0};

		checker_enter(k, f->name, 0);
		if (item)
			checker_take_json(k, f, item, &ignored);
		else if (f->required)
			checker_complain_missing(k, object);
		checker_leave(k);
	}
}

static void
take_object(struct checker *k, const struct field *f, const cJSON *item)
{
	if (cJSON_IsObject(item))
		take_members(k, f->members, item);
	else if (f->members)
		complain_item(k, "model_attributes_type", MODEL_MSG, item);
	else
		complain_item(k, "dict_type", DICT_MSG, item);
}

static void
take_map(struct checker *k, const cJSON *item)
{
	const cJSON *x;

	if (!cJSON_IsObject(item)) {
		complain_item(k, "dict_type", DICT_MSG, item);
		return;
	}
	cJSON_ArrayForEach(x, item)
	{
		checker_enter(k, x->string, 0);
		if (!cJSON_IsString(x))
			complain_item(k, "string_type", STRING_MSG, x);
		checker_leave(k);
	}
}

static void
take_element(struct checker *k, const struct field *f, const cJSON *x)
{
	int64_t n;

	switch (f->kind) {
	case FIELD_INTS:
		take_int(k, x, &n);
		break;
	case FIELD_LISTS:
		if (!cJSON_IsArray(x))
			complain_item(k, "list_type", LIST_MSG, x);
		break;
	case FIELD_OBJECTS:
		take_object(k, f, x);
		break;
	case FIELD_MAPS:
		take_map(k, x);
		break;
	default:
		if (!cJSON_IsString(x))
			complain_item(k, "string_type", STRING_MSG, x);
	}
}

static void
take_list(struct checker *k, const struct field *f, const cJSON *item)
{
	const cJSON *x;
	int i = 0;

	if (!cJSON_IsArray(item)) {
		complain_item(k, "list_type", LIST_MSG, item);
		return;
	}
	cJSON_ArrayForEach(x, item)
	{
		checker_enter(k, NULL, i++);
		take_element(k, f, x);
		checker_leave(k);
	}
	check_length(k, f, item);
}

void
checker_take_json(struct checker *k, const struct field *f, const cJSON *item, struct value *v)
{
	v->given = true;
	v->null = cJSON_IsNull(item);
	if (v->null && f->nullable)
		return;
	v->json = item;
	switch (f->kind) {
	case FIELD_INT:
		if (take_int(k, item, &v->i) == 0 && check_range(k, f, v->i, NULL, item))
			v->i = as_id(f, v->i);
		break;
	case FIELD_BOOL:
		take_bool(k, item, v);
		break;
	case FIELD_ENUM:
		v->s = cJSON_GetStringValue(item);
		check_enum(k, f, v->s, item);
		break;
	case FIELD_STRING:
		v->s = cJSON_GetStringValue(item);
		if (!v->s)
			complain_item(k, "string_type", STRING_MSG, item);
		break;
	case FIELD_DATETIME:
		take_datetime(k, item, v);
		break;
	case FIELD_OBJECT:
		take_object(k, f, item);
		break;
	case FIELD_INTS:
	case FIELD_STRINGS:
	case FIELD_LISTS:
	case FIELD_OBJECTS:
	case FIELD_MAPS:
		take_list(k, f, item);
		break;
	case FIELD_JSON:
		break;
	}
}
