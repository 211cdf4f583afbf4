/* Parameters: what a request brings, checked against the route's fields. Errors are of the form and the words of
 * contract 5.1, all of them at once. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/route.h"

#define DEPTH_MAX 32 /* of a body's arrays and objects */

/* --- escapes ------------------------------------------------------------------------------------------ */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *
url_decode(struct arena *a, const char *s, size_t len, bool is_query)
{
	char *out = arena_alloc(a, len + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] == '+' && is_query) {
			*p++ = ' ';
		} else if (s[i] != '%') {
			*p++ = s[i];
		} else {
			if (len - i < 3)
				return NULL;
			high = hex_digit(s[i + 1]);
			low = hex_digit(s[i + 2]);
			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return NULL;
			*p++ = (char)(high * 16 + low);
			i += 2;
		}
	}
	*p = '\0';
	return out;
}

/* --- complaints ------------------------------------------------------------------------------------------ */

struct checker {
	struct call *c;
	int found;
};

static void
write_item(struct json *j, const cJSON *item)
{
	const cJSON *x;

	if (!item || cJSON_IsNull(item)) {
		json_null(j);
	} else if (cJSON_IsBool(item)) {
		json_bool(j, cJSON_IsTrue(item));
	} else if (cJSON_IsNumber(item)) {
		if (item->valuedouble == floor(item->valuedouble) && fabs(item->valuedouble) < 1e15)
			json_int(j, (int64_t)item->valuedouble);
		else
			json_double(j, item->valuedouble);
	} else if (cJSON_IsString(item)) {
		json_string(j, item->valuestring);
	} else if (cJSON_IsArray(item)) {
		json_array(j);
		cJSON_ArrayForEach(x, item) write_item(j, x);
		json_array_end(j);
	} else {
		json_object(j);
		cJSON_ArrayForEach(x, item)
		{
			json_key(j, x->string);
			write_item(j, x);
		}
		json_object_end(j);
	}
}

static const char *const places[] = {[IN_PATH] = "path", [IN_QUERY] = "query", [IN_BODY] = "body"};

/* Opens one complaint: its type, where, and what is wrong. index < 0: not within a list. */
static struct json *
complain(struct checker *k, const char *type, const struct field *f, int index, const char *msg)
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
	json_string(j, f ? places[f->place] : "body");
	if (f)
		json_string(j, f->name);
	if (index >= 0)
		json_int(j, index);
	json_array_end(j);
	json_kv_string(j, "msg", msg);
	json_key(j, "input");
	return j;
}

static void
complain_text(struct checker *k, const char *type, const struct field *f, const char *msg,
	const char *input)
{
	struct json *j = complain(k, type, f, -1, msg);

	json_string(j, input);
	json_object_end(j);
}

static void
complain_item(struct checker *k, const char *type, const struct field *f, int index,
	const char *msg, const cJSON *input)
{
	struct json *j = complain(k, type, f, index, msg);

	write_item(j, input);
	json_object_end(j);
}

static void
complain_missing(struct checker *k, const struct field *f, const cJSON *object)
{
	complain_item(k, "missing", f, -1, "Field required", object);
}

#define INT_MSG "Input should be a valid integer"
#define INT_PARSING_MSG INT_MSG ", unable to parse string as an integer"
#define BOOL_MSG "Input should be a valid boolean"
#define BOOL_PARSING_MSG BOOL_MSG ", unable to interpret input"

/* Within its limits? The input is shown as it came: as text, or as JSON. */
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
	j = complain(k, low ? "greater_than_equal" : "less_than_equal", f, -1, msg);
	if (text)
		json_string(j, text);
	else
		write_item(j, item);
	json_key(j, "ctx");
	json_object(j);
	json_kv_int(j, low ? "ge" : "le", low ? f->min : f->max);
	json_object_end(j);
	json_object_end(j);
	return false;
}

static bool
check_enum(struct checker *k, const struct field *f, const char *s, const cJSON *item)
{
	const char *expected = "";
	struct json *j;

	for (size_t i = 0; f->values[i]; i++)
		if (s && !strcmp(s, f->values[i]))
			return true;
	for (size_t i = 0; f->values[i]; i++)
		expected = arena_printf(k->c->a, "%s%s'%s'", expected,
			i == 0                     ? ""
				: f->values[i + 1] ? ", "
						   : " or ",
			f->values[i]);
	j = complain(
		k, "literal_error", f, -1, arena_printf(k->c->a, "Input should be %s", expected));
	if (item)
		write_item(j, item);
	else
		json_string(j, s);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "expected", expected);
	json_object_end(j);
	json_object_end(j);
	return false;
}

/* --- values as text ---------------------------------------------------------------------------------------- */

/* As Flowfile's reader takes them: blanks around, underscores between digits, a fraction of zeros. */
static bool
parse_int(const char *s, int64_t *out)
{
	char digits[32];
	size_t n = 0;
	const char *end;

	while (isspace((unsigned char)*s))
		s++;
	if (*s == '+' || *s == '-') {
		if (*s == '-')
			digits[n++] = '-';
		s++;
	}
	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s) || (*s == '_' && isdigit((unsigned char)s[1])); s++) {
		if (*s == '_')
			continue;
		if (n + 1 >= sizeof(digits))
			return false;
		digits[n++] = *s;
	}
	digits[n] = '\0';
	if (*s == '.')
		for (s++; *s == '0'; s++)
			continue;
	for (end = s; isspace((unsigned char)*end); end++)
		continue;
	return *end == '\0' && text_to_int(digits, INT64_MIN, INT64_MAX, out);
}

static bool
parse_bool(const char *s, bool *out)
{
	static const char *const words[][6] = {
		{"0", "false", "f", "no", "n", "off"}, {"1", "true", "t", "yes", "y", "on"}};

	for (size_t v = 0; v < 2; v++)
		for (size_t i = 0; i < 6; i++)
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
		if (!parse_int(s, &v->i))
			complain_text(k, "int_parsing", f, INT_PARSING_MSG, s);
		else
			check_range(k, f, v->i, s, NULL);
		break;
	case FIELD_BOOL:
		if (!parse_bool(s, &b))
			complain_text(k, "bool_parsing", f, BOOL_PARSING_MSG, s);
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

static bool
take_int(struct checker *k, const struct field *f, int index, const cJSON *item, int64_t *out)
{
	if (cJSON_IsBool(item)) {
		*out = cJSON_IsTrue(item);
	} else if (cJSON_IsNumber(item)) {
		if (item->valuedouble != floor(item->valuedouble) ||
			fabs(item->valuedouble) >= 9.2e18) {
			complain_item(k, "int_from_float", f, index,
				INT_MSG ", got a number with a fractional part", item);
			return false;
		}
		*out = (int64_t)item->valuedouble;
	} else if (!cJSON_IsString(item)) {
		complain_item(k, "int_type", f, index, INT_MSG, item);
		return false;
	} else if (!parse_int(item->valuestring, out)) {
		complain_item(k, "int_parsing", f, index, INT_PARSING_MSG, item);
		return false;
	}
	return index >= 0 || check_range(k, f, *out, NULL, item);
}

static void
take_bool(struct checker *k, const struct field *f, const cJSON *item, struct value *v)
{
	bool b = cJSON_IsTrue(item);

	if (cJSON_IsNumber(item) && (item->valuedouble == 0 || item->valuedouble == 1))
		b = item->valuedouble == 1;
	else if (cJSON_IsNumber(item) ||
		(cJSON_IsString(item) && !parse_bool(item->valuestring, &b)))
		complain_item(k, "bool_parsing", f, -1, BOOL_PARSING_MSG, item);
	else if (!cJSON_IsBool(item) && !cJSON_IsString(item))
		complain_item(k, "bool_type", f, -1, BOOL_MSG, item);
	v->i = b;
}

static void
take_list(struct checker *k, const struct field *f, const cJSON *item, struct value *v)
{
	const cJSON *x;
	int64_t n;
	int i = 0;

	v->json = item;
	if (!cJSON_IsArray(item)) {
		complain_item(k, "list_type", f, -1, "Input should be a valid list", item);
		return;
	}
	cJSON_ArrayForEach(x, item)
	{
		if (f->kind == FIELD_INTS)
			take_int(k, f, i, x, &n);
		else if (!cJSON_IsString(x))
			complain_item(k, "string_type", f, i, "Input should be a valid string", x);
		i++;
	}
}

static void
take_json(struct checker *k, const struct field *f, const cJSON *item, struct value *v)
{
	v->given = true;
	v->null = cJSON_IsNull(item);
	if (v->null && f->nullable)
		return;
	switch (f->kind) {
	case FIELD_INT:
		take_int(k, f, -1, item, &v->i);
		break;
	case FIELD_BOOL:
		take_bool(k, f, item, v);
		break;
	case FIELD_ENUM:
		v->s = cJSON_GetStringValue(item);
		check_enum(k, f, v->s, item);
		break;
	case FIELD_STRING:
		v->s = cJSON_GetStringValue(item);
		if (!v->s)
			complain_item(
				k, "string_type", f, -1, "Input should be a valid string", item);
		break;
	case FIELD_INTS:
	case FIELD_STRINGS:
		take_list(k, f, item, v);
		break;
	case FIELD_JSON:
		v->json = item;
		break;
	}
}

/* --- the parts of a request ---------------------------------------------------------------------------------------- */

static bool
is_json(const char *type)
{
	size_t len = type ? strcspn(type, "; ") : 0;

	return !type || (len == 16 && !strncasecmp(type, "application/json", 16)) ||
		(len > 17 && !strncasecmp(type, "application/", 12) &&
			!strncasecmp(type + len - 5, "+json", 5));
}

/* cJSON takes a depth of 1000: that many objects need a stack. */
static bool
is_too_deep(const char *s)
{
	bool quoted = false;
	int depth = 0;

	for (; *s; s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (!quoted && (*s == '[' || *s == '{') && ++depth > DEPTH_MAX)
			return true;
		else if (!quoted && (*s == ']' || *s == '}'))
			depth--;
	}
	return false;
}

static void
complain_json(struct checker *k, size_t offset, const char *why)
{
	struct json *j = &k->c->j;

	k->found++;
	json_object(j);
	json_key(j, "detail");
	json_array(j);
	json_object(j);
	json_kv_string(j, "type", "json_invalid");
	json_key(j, "loc");
	json_array(j);
	json_string(j, "body");
	json_int(j, (int64_t)offset);
	json_array_end(j);
	json_kv_string(j, "msg", "JSON decode error");
	json_key(j, "input");
	json_object(j);
	json_object_end(j);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "error", why);
	json_object_end(j);
	json_object_end(j);
}

/* The body as an object; NULL when there is none, and it was complained of if it is wrong. */
static const cJSON *
read_body(struct checker *k)
{
	const struct http_request *r = k->c->request;
	const char *end = NULL;
	cJSON *body;

	if (r->body_len == 0)
		return NULL;
	if (!is_json(http_request_header(r, "content-type"))) {
		struct json *j = complain(k, "model_attributes_type", NULL, -1,
			"Input should be a valid dictionary or object to extract fields from");

		json_string(j, r->body);
		json_object_end(j);
		return NULL;
	}
	if (strlen(r->body) != r->body_len || is_too_deep(r->body)) {
		complain_json(k, 0, "Too deeply nested");
		return NULL;
	}
	body = k->c->body = cJSON_ParseWithOpts(r->body, &end, 0);
	if (body)
		end += strspn(end, " \t\r\n");
	if (!body || *end) {
		complain_json(k, end ? (size_t)(end - r->body) : 0,
			body ? "Extra data" : "Expecting value");
		return NULL;
	}
	if (!cJSON_IsObject(body)) {
		complain_item(k, "model_attributes_type", NULL, -1,
			"Input should be a valid dictionary or object to extract fields from",
			body);
		return NULL;
	}
	return body;
}

/* The last of that name in the query, as the reader upstream takes it. NULL: not there. */
static const char *
query_value(struct call *c, const char *name)
{
	const char *found = NULL;

	for (const char *p = c->request->query; p && *p;) {
		size_t len = strcspn(p, "&"), eq = strcspn(p, "=&");
		const char *key = url_decode(c->a, p, eq, true);

		if (key && !strcmp(key, name)) {
			found = eq < len ? url_decode(c->a, p + eq + 1, len - eq - 1, true) : "";
			found = found ? found : "";
		}
		p += len + (p[len] == '&');
	}
	return found;
}

static void
take_field(struct checker *k, const struct field *f, const char *captured, const cJSON *body,
	struct value *v)
{
	const cJSON *item;
	const char *s;

	v->i = f->preset;
	if (f->place == IN_BODY) {
		item = cJSON_GetObjectItemCaseSensitive(body, f->name);
		if (item)
			take_json(k, f, item, v);
		else if (f->required)
			complain_missing(k, f, body);
		return;
	}
	if (f->place == IN_PATH)
		s = url_decode(k->c->a, captured, strlen(captured), false);
	else
		s = query_value(k->c, f->name);
	if (s)
		take_text(k, f, s, v);
	else if (f->place == IN_PATH)
		complain_text(k, "string_type", f, "Input should be a valid string", captured);
	else if (f->required)
		complain_missing(k, f, NULL);
}

bool
params_read(struct call *c, const char *const *captures)
{
	struct checker k = {.c = c};
	const struct field *fields = c->route->fields;
	const cJSON *body = NULL;
	bool wants_body = false, requires_body = false;
	size_t n = 0, captured = 0;

	for (; fields && fields[n].name; n++) {
		wants_body = wants_body || fields[n].place == IN_BODY;
		requires_body = requires_body || (fields[n].place == IN_BODY && fields[n].required);
	}
	c->values = arena_array(c->a, n + 1, sizeof(*c->values));
	if (wants_body) {
		body = read_body(&k);
		if (!body && !k.found && requires_body)
			complain_missing(&k, NULL, NULL);
	}
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];

		if (f->place == IN_BODY && !body)
			c->values[i].i = f->preset;
		else
			take_field(&k, f, f->place == IN_PATH ? captures[captured++] : NULL, body,
				&c->values[i]);
	}
	if (k.found) {
		json_array_end(&c->j);
		json_object_end(&c->j);
	}
	return k.found == 0;
}
