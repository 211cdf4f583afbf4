/* Parameters: what a request brings, checked against the route's fields. Errors are of the form and the words of
 * contract 5.1, all of them at once. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "http/route.h"
#include "json_fault.h"

/* --- escapes ------------------------------------------------------------------------------------------ */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no text becomes U+FFFD: the catalog takes nothing else. */
static const char *
as_utf8(struct arena *a, const char *s, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *out, *p;
	bool valid;
	size_t n;

	if (text_is_utf8(s, len))
		return s;
	p = out = arena_alloc(a, 3 * len + 1);
	for (; len > 0; s += n, len -= n) {
		n = text_utf8_step(s, len, &valid);
		memcpy(p, valid ? s : replacement, valid ? n : 3);
		p += valid ? n : 3;
	}
	*p = '\0';
	return out;
}

const char *
url_decode(struct arena *a, const char *s, size_t len, bool is_query)
{
	char *out = arena_alloc(a, len + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		int high = s[i] == '%' && len - i >= 3 ? hex_digit(s[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s[i + 2]) : -1;

		if (low >= 0) {
			if (high == 0 && low == 0)
				return NULL;
			*p++ = (char)(high * 16 + low);
			i += 2;
		} else {
			*p++ = s[i] == '+' && is_query ? ' ' : s[i];
		}
	}
	*p = '\0';
	return as_utf8(a, out, (size_t)(p - out));
}

/* --- complaints ------------------------------------------------------------------------------------------ */

#define LOC_MAX 8

struct step {
	const char *name; /* NULL: an index */
	int index;
};

struct checker {
	struct call *c;
	int found;
	struct step loc[LOC_MAX]; /* of what is being checked */
	int depth;
};

static void
enter(struct checker *k, const char *name, int index)
{
	if (k->depth < LOC_MAX)
		k->loc[k->depth] = (struct step){name, index};
	k->depth++;
}

static void
leave(struct checker *k)
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

/* Opens one complaint, up to its input. */
static struct json *
complain(struct checker *k, const char *type, const char *msg)
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
	for (int i = 0; i < k->depth && i < LOC_MAX; i++) {
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
	struct json *j = complain(k, type, msg);

	json_string(j, input);
	json_object_end(j);
}

static void
complain_item(struct checker *k, const char *type, const char *msg, const cJSON *input)
{
	struct json *j = complain(k, type, msg);

	write_item(j, input);
	json_object_end(j);
}

/* The input is what the value is missing from. */
static void
complain_missing(struct checker *k, const cJSON *object)
{
	complain_item(k, "missing", "Field required", object);
}

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

/* The input is shown as it came: as text, or as JSON. */
static void
write_input(struct json *j, const char *text, const cJSON *item)
{
	if (text)
		json_string(j, text);
	else
		write_item(j, item);
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
	j = complain(k, low ? "greater_than_equal" : "less_than_equal", msg);
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
	j = complain(k, low ? "too_short" : "too_long",
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
	j = complain(k, "literal_error", arena_printf(k->c->a, "Input should be %s", expected));
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
	write_input(complain(k, r == NUMBER_NONE ? "int_parsing" : "int_parsing_size",
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

static void
take_text(struct checker *k, const struct field *f, const char *s, struct value *v)
{
	bool b;

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
		j = complain(
			k, "datetime_from_date_parsing", DATETIME_MSG " or date, invalid datetime");
		json_string(j, s);
		json_key(j, "ctx");
		json_object(j);
		json_kv_string(j, "error", "invalid datetime");
		json_object_end(j);
		json_object_end(j);
	}
}

static void take_json(struct checker *k, const struct field *f, const cJSON *item, struct value *v);

static void
take_members(struct checker *k, const struct field *members, const cJSON *object)
{
	for (const struct field *f = members; f && f->name; f++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->name);
		struct value ignored = {0};

		enter(k, f->name, 0);
		if (item)
			take_json(k, f, item, &ignored);
		else if (f->required)
			complain_missing(k, object);
		leave(k);
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
		enter(k, x->string, 0);
		if (!cJSON_IsString(x))
			complain_item(k, "string_type", STRING_MSG, x);
		leave(k);
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
		enter(k, NULL, i++);
		take_element(k, f, x);
		leave(k);
	}
	check_length(k, f, item);
}

static void
take_json(struct checker *k, const struct field *f, const cJSON *item, struct value *v)
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

/* --- the body ------------------------------------------------------------------------------------------------ */

static bool
is_json(const char *type)
{
	size_t len = type ? strcspn(type, "; ") : 0;

	return len == 0 || (len == 16 && !strncasecmp(type, "application/json", 16)) ||
		(len >= 17 && !strncasecmp(type, "application/", 12) &&
			!strncasecmp(type + len - 5, "+json", 5));
}

/* The only one there is. */
static void
complain_json(struct checker *k, int64_t offset, const char *why)
{
	struct json *j;

	enter(k, NULL, (int)offset);
	j = complain(k, "json_invalid", "JSON decode error");
	leave(k);
	json_object(j);
	json_object_end(j);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "error", why);
	json_object_end(j);
	json_object_end(j);
}

static void
complain_model(struct checker *k, const char *text, const cJSON *item)
{
	struct json *j = complain(k, "model_attributes_type", MODEL_MSG);

	write_input(j, text, item);
	json_object_end(j);
}

/* What its bytes say; NULL when they are no JSON. */
static const cJSON *
parse_body(struct checker *k, const char *text, size_t len)
{
	struct json_fault fault = {0, "Expecting value"};

	if (!json_find_fault(text, len, &fault))
		k->c->body = cJSON_ParseWithLength(text, len);
	if (!k->c->body)
		complain_json(k, fault.offset, fault.why);
	return k->c->body;
}

/* Parses the body if it is JSON. False: it cannot be read, and nothing else is to be told. */
static bool
read_body(struct checker *k)
{
	const struct http_request *r = k->c->request;
	bool rc = true;

	if (r->body_len == 0 || !is_json(http_request_header(r, "content-type")))
		return true;
	if (!text_is_utf8(r->body, r->body_len)) {
		json_object(&k->c->j);
		json_kv_string(&k->c->j, "detail", "There was an error parsing the body");
		json_object_end(&k->c->j);
		k->c->error_status = 400;
		return false;
	}
	enter(k, "body", 0);
	rc = parse_body(k, r->body, r->body_len) != NULL;
	leave(k);
	return rc;
}

/* The body as an object; NULL when there is none, or it was complained of. */
static const cJSON *
check_body(struct checker *k, bool required)
{
	const struct http_request *r = k->c->request;
	const cJSON *body = k->c->body;

	enter(k, "body", 0);
	if (!body && r->body_len > 0)
		complain_model(k, r->body, NULL);
	else if ((!body || cJSON_IsNull(body)) && required)
		complain_missing(k, NULL);
	else if (body && !cJSON_IsNull(body) && !cJSON_IsObject(body))
		complain_model(k, NULL, body);
	leave(k);
	return cJSON_IsObject(body) ? body : NULL;
}

/* --- the parts of a request ---------------------------------------------------------------------------------------- */

/* The last of that name in the query, as the reader upstream takes it. False: not there. *out NULL: with a NUL. */
static bool
query_value(struct call *c, const char *name, const char **out)
{
	bool found = false;

	for (const char *p = c->request->query; p && *p;) {
		size_t len = strcspn(p, "&"), eq = strcspn(p, "=&");
		const char *key = url_decode(c->a, p, eq, true);

		if (key && !strcmp(key, name)) {
			found = true;
			*out = eq < len ? url_decode(c->a, p + eq + 1, len - eq - 1, true) : "";
		}
		p += len + (p[len] == '&');
	}
	return found;
}

/* What Flowfile calls the {id} of a path, by what stands before it. */
static const char *
path_name(const struct call *c, const struct field *f)
{
	static const char *const names[][2] = {
		{"/namespaces/{id}", "namespace_id"},
		{"/flows/{id}", "flow_id"},
		{"/runs/{id}", "run_id"},
		{"/schedules/{id}", "schedule_id"},
		{"tables/{id}", "table_id"},
		{"/visualizations/{id}", "viz_id"},
	};

	for (size_t i = 0; !strcmp(f->name, "id") && i < ARRAY_LEN(names); i++)
		if (strstr(c->route->path, names[i][0]))
			return names[i][1];
	return f->name;
}

static void
take_from_text(struct checker *k, const struct field *f, const char *s, struct value *v)
{
	if (s)
		take_text(k, f, s, v);
	else
		complain_text(k, "string_type", STRING_MSG, "\xef\xbf\xbd");
}

static void
take_field(struct checker *k, const struct field *f, const char *captured, const cJSON *body,
	struct value *v)
{
	static const char *const places[] = {
		[IN_PATH] = "path", [IN_QUERY] = "query", [IN_BODY] = "body"};
	const cJSON *item;
	const char *s = NULL;

	enter(k, places[f->place], 0);
	enter(k, f->place == IN_PATH ? path_name(k->c, f) : f->name, 0);
	if (f->place == IN_BODY) {
		item = cJSON_GetObjectItemCaseSensitive(body, f->name);
		if (item)
			take_json(k, f, item, v);
		else if (f->required)
			complain_missing(k, body);
	} else if (f->place == IN_PATH) {
		take_from_text(k, f, url_decode(k->c->a, captured, strlen(captured), false), v);
	} else if (query_value(k->c, f->name, &s)) {
		take_from_text(k, f, s, v);
	} else if (f->required) {
		complain_missing(k, NULL);
	}
	leave(k);
	leave(k);
}

static void
take_fields(struct checker *k, const char *const *captures, bool in_body, const cJSON *body)
{
	const struct field *f = k->c->route->fields;
	size_t captured = 0;

	for (size_t i = 0; f && f[i].name; i++) {
		const char *capture = f[i].place == IN_PATH ? captures[captured++] : NULL;

		if ((f[i].place == IN_BODY) != in_body)
			continue;
		k->c->values[i].i = f[i].preset;
		if (!in_body || body)
			take_field(k, &f[i], capture, body, &k->c->values[i]);
	}
}

bool
params_read(struct call *c, const char *const *captures)
{
	struct checker k = {.c = c};
	const struct field *fields = c->route->fields;
	const cJSON *body = NULL;
	bool wants_body = false, body_optional = false;
	size_t n = 0;

	for (; fields && fields[n].name; n++) {
		wants_body = wants_body || fields[n].place == IN_BODY;
		body_optional = body_optional || fields[n].body_optional;
	}
	c->values = arena_array(c->a, n + 1, sizeof(*c->values));
	if (wants_body && !read_body(&k)) {
		if (c->error_status)
			return false;
	} else {
		take_fields(&k, captures, false, NULL);
		if (wants_body)
			body = check_body(&k, !body_optional);
		take_fields(&k, captures, true, body);
	}
	if (k.found) {
		json_array_end(&c->j);
		json_object_end(&c->j);
	}
	return k.found == 0;
}
