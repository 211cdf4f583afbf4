/* Parameters: what a request brings, checked against the route's fields. Errors are of the form and the words of
 * contract 5.1, all of them at once. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "checker.h"
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

	checker_enter(k, NULL, (int)offset);
	j = checker_complain(k, "json_invalid", "JSON decode error");
	checker_leave(k);
	json_object(j);
	json_object_end(j);
	json_key(j, "ctx");
	json_object(j);
	json_kv_string(j, "error", why);
	json_object_end(j);
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
	checker_enter(k, "body", 0);
	rc = parse_body(k, r->body, r->body_len) != NULL;
	checker_leave(k);
	return rc;
}

/* The body as an object; NULL when there is none, or it was complained of. */
static const cJSON *
check_body(struct checker *k, bool required)
{
	const struct http_request *r = k->c->request;
	const cJSON *body = k->c->body;

	checker_enter(k, "body", 0);
	if (!body && r->body_len > 0)
		checker_complain_model(k, r->body, NULL);
	else if ((!body || cJSON_IsNull(body)) && required)
		checker_complain_missing(k, NULL);
	else if (body && !cJSON_IsNull(body) && !cJSON_IsObject(body))
		checker_complain_model(k, NULL, body);
	checker_leave(k);
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
take_field(struct checker *k, const struct field *f, const char *captured, const cJSON *body,
	struct value *v)
{
	static const char *const places[] = {
		[IN_PATH] = "path", [IN_QUERY] = "query", [IN_BODY] = "body"};
	const cJSON *item;
	const char *s = NULL;

	checker_enter(k, places[f->place], 0);
	checker_enter(k, f->place == IN_PATH ? path_name(k->c, f) : f->name, 0);
	if (f->place == IN_BODY) {
		item = cJSON_GetObjectItemCaseSensitive(body, f->name);
		if (item)
			checker_take_json(k, f, item, v);
		else if (f->required)
			checker_complain_missing(k, body);
	} else if (f->place == IN_PATH) {
		checker_take_text(k, f, url_decode(k->c->a, captured, strlen(captured), false), v);
	} else if (query_value(k->c, f->name, &s)) {
		checker_take_text(k, f, s, v);
	} else if (f->required) {
		checker_complain_missing(k, NULL);
	}
	checker_leave(k);
	checker_leave(k);
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
