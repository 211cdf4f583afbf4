/* GET /openapi.json: what the routes' table says of itself, in the words of OpenAPI 3.1. Made once. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "http/api.h"
#include "routes.h"

#define TEXT_MAX (1024 * 1024)

/* --- types ----------------------------------------------------------------------------------------------- */

static void
write_ref(struct json *j, const char *name, size_t len)
{
	char ref[96] = "#/components/schemas/";

	assert(strlen(ref) + len < sizeof(ref));
	strncat(ref, name, len);
	json_kv_string(j, "$ref", ref);
}

/* Into an open object: the type of a member or an answer, see struct member. */
static void
write_type(struct json *j, const char *type, size_t len)
{
	static const char *const plain[] = {"integer", "string", "boolean", "number"};

	if (type[0] == '[') {
		json_kv_string(j, "type", "array");
		json_key(j, "items");
		json_object(j);
		write_type(j, type + 1, len - 2);
		json_object_end(j);
		return;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (len == strlen(plain[i]) && !strncmp(type, plain[i], len)) {
			json_kv_string(j, "type", plain[i]);
			return;
		}
	if (len == 8 && !strncmp(type, "datetime", len)) {
		json_kv_string(j, "type", "string");
		json_kv_string(j, "format", "date-time");
	} else if (!(len == 3 && !strncmp(type, "any", len))) {
		write_ref(j, type, len);
	}
}

/* The schema of something that may be null. */
static void
write_schema(struct json *j, const char *type, bool nullable)
{
	json_object(j);
	if (nullable) {
		json_key(j, "anyOf");
		json_array(j);
		json_object(j);
	}
	write_type(j, type, strlen(type));
	if (nullable) {
		json_object_end(j);
		json_object(j);
		json_kv_string(j, "type", "null");
		json_object_end(j);
		json_array_end(j);
	}
	json_object_end(j);
}

/* --- fields --------------------------------------------------------------------------------------------------- */

static void write_object_of(struct json *j, const struct field *fields, bool in_body_only);

static void
write_items(struct json *j, const struct field *f)
{
	json_kv_string(j, "type", "array");
	json_key(j, "items");
	json_object(j);
	switch (f->kind) {
	case FIELD_INTS:
		json_kv_string(j, "type", "integer");
		break;
	case FIELD_STRINGS:
		json_kv_string(j, "type", "string");
		break;
	case FIELD_LISTS:
		json_kv_string(j, "type", "array");
		break;
	case FIELD_MAPS:
		json_kv_string(j, "type", "object");
		json_key(j, "additionalProperties");
		json_object(j);
		json_kv_string(j, "type", "string");
		json_object_end(j);
		break;
	default:
		write_object_of(j, f->members, false);
	}
	json_object_end(j);
	if (f->has_min)
		json_kv_int(j, "minItems", f->min);
	if (f->has_max)
		json_kv_int(j, "maxItems", f->max);
}

static void
write_enum(struct json *j, const struct field *f)
{
	json_kv_string(j, "type", "string");
	json_key(j, "enum");
	json_array(j);
	for (size_t i = 0; f->values[i]; i++)
		json_string(j, f->values[i]);
	json_array_end(j);
}

static void
write_field_type(struct json *j, const struct field *f)
{
	switch (f->kind) {
	case FIELD_INT:
		json_kv_string(j, "type", "integer");
		if (f->has_min)
			json_kv_int(j, "minimum", f->min);
		if (f->has_max)
			json_kv_int(j, "maximum", f->max);
		break;
	case FIELD_BOOL:
		json_kv_string(j, "type", "boolean");
		break;
	case FIELD_STRING:
		json_kv_string(j, "type", "string");
		break;
	case FIELD_ENUM:
		write_enum(j, f);
		break;
	case FIELD_DATETIME:
		json_kv_string(j, "type", "string");
		json_kv_string(j, "format", "date-time");
		break;
	case FIELD_OBJECT:
		write_object_of(j, f->members, false);
		break;
	case FIELD_JSON:
		break;
	default:
		write_items(j, f);
	}
}

static void
write_field(struct json *j, const struct field *f)
{
	json_object(j);
	if (f->nullable) {
		json_key(j, "anyOf");
		json_array(j);
		json_object(j);
	}
	write_field_type(j, f);
	if (f->nullable) {
		json_object_end(j);
		json_object(j);
		json_kv_string(j, "type", "null");
		json_object_end(j);
		json_array_end(j);
	} else if (f->kind == FIELD_BOOL && !f->required) {
		json_kv_bool(j, "default", f->preset != 0);
	} else if (f->kind == FIELD_INT && f->preset != 0) {
		json_kv_int(j, "default", f->preset);
	}
	json_object_end(j);
}

static bool
is_listed(const struct field *f, bool in_body_only)
{
	return !in_body_only || f->place == IN_BODY;
}

/* Into an open object. */
static void
write_object_of(struct json *j, const struct field *fields, bool in_body_only)
{
	bool some = false;

	json_kv_string(j, "type", "object");
	if (!fields)
		return;
	json_key(j, "properties");
	json_object(j);
	for (const struct field *f = fields; f->name; f++) {
		if (!is_listed(f, in_body_only))
			continue;
		some = some || f->required;
		json_key(j, f->name);
		write_field(j, f);
	}
	json_object_end(j);
	if (!some)
		return;
	json_key(j, "required");
	json_array(j);
	for (const struct field *f = fields; f->name; f++)
		if (is_listed(f, in_body_only) && f->required)
			json_string(j, f->name);
	json_array_end(j);
}

/* --- operations ------------------------------------------------------------------------------------------------- */

static void
write_parameters(struct json *j, const struct field *fields)
{
	json_key(j, "parameters");
	json_array(j);
	for (const struct field *f = fields; f && f->name; f++) {
		if (f->place == IN_BODY)
			continue;
		json_object(j);
		json_kv_string(j, "name", f->name);
		json_kv_string(j, "in", f->place == IN_PATH ? "path" : "query");
		json_kv_bool(j, "required", f->required || f->place == IN_PATH);
		json_key(j, "schema");
		write_field(j, f);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
open_content(struct json *j, const char *type)
{
	json_key(j, "content");
	json_object(j);
	json_key(j, type);
	json_object(j);
	json_key(j, "schema");
}

static void
close_content(struct json *j)
{
	json_object_end(j);
	json_object_end(j);
}

static void
write_body(struct json *j, const struct field *fields)
{
	bool some = false, optional = false;

	for (const struct field *f = fields; f && f->name; f++) {
		some = some || f->place == IN_BODY;
		optional = optional || f->body_optional;
	}
	if (!some)
		return;
	json_key(j, "requestBody");
	json_object(j);
	json_kv_bool(j, "required", !optional);
	open_content(j, "application/json");
	json_object(j);
	write_object_of(j, fields, true);
	json_object_end(j);
	close_content(j);
	json_object_end(j);
}

static void
write_response(struct json *j, const char *status, const char *text, const char *type)
{
	json_key(j, status);
	json_object(j);
	json_kv_string(j, "description", text);
	if (type) {
		open_content(j, strchr(type, '/') ? type : "application/json");
		write_schema(j, strchr(type, '/') ? "string" : type, false);
		close_content(j);
	}
	json_object_end(j);
}

static void
write_responses(struct json *j, const struct route *r)
{
	char status[4] = {(char)('0' + r->success / 100 % 10), (char)('0' + r->success / 10 % 10),
		(char)('0' + r->success % 10), '\0'};

	json_key(j, "responses");
	json_object(j);
	write_response(j, status, http_status_text(r->success), r->response);
	if (r->auth != AUTH_NONE)
		write_response(j, "401", "No credential, or a wrong one", "Error");
	if (strchr(r->path, '{'))
		write_response(j, "404", "Not there", "Error");
	if (r->auth != AUTH_NONE && strcmp(r->method, "GET") != 0)
		write_response(j, "409", "It is busy, or taken, or changed meanwhile", "Error");
	if (r->fields)
		write_response(
			j, "422", "A parameter is wrong (a list), or a rule (a text)", "Error");
	json_object_end(j);
}

/* "POST /catalog/flows/{id}/run" is post_catalog_flows_id_run. */
static void
write_operation_id(struct json *j, const struct route *r)
{
	char name[128];
	size_t n = 0;

	for (const char *p = r->method; *p; p++)
		name[n++] = (char)tolower((unsigned char)*p);
	for (const char *p = r->path; *p; p++) {
		assert(n + 2 < sizeof(name));
		if (isalnum((unsigned char)*p))
			name[n++] = *p;
		else if (name[n - 1] != '_')
			name[n++] = '_';
	}
	while (name[n - 1] == '_')
		n--;
	name[n] = '\0';
	json_kv_string(j, "operationId", name);
}

static void
write_security(struct json *j, enum route_auth auth)
{
	json_key(j, "security");
	json_array(j);
	for (int i = 0; i < (int)auth; i++) {
		json_object(j);
		json_key(j, i == 0 ? "bearer" : "internal");
		json_array(j);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
write_operation(struct json *j, const char *tag, const struct route *r)
{
	char method[8];
	size_t n = 0;

	for (; r->method[n] && n + 1 < sizeof(method); n++)
		method[n] = (char)tolower((unsigned char)r->method[n]);
	method[n] = '\0';
	json_key(j, method);
	json_object(j);
	json_key(j, "tags");
	json_array(j);
	json_string(j, tag);
	json_array_end(j);
	json_kv_string(j, "summary", r->summary);
	write_operation_id(j, r);
	write_parameters(j, r->fields);
	write_body(j, r->fields);
	write_responses(j, r);
	write_security(j, r->auth);
	json_object_end(j);
}

/* Whether an earlier route has the same path. */
static bool
is_written(const struct route *r)
{
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *x = route_sets[i]->routes; x->method; x++) {
			if (x == r)
				return false;
			if (!strcmp(x->path, r->path))
				return true;
		}
	return false;
}

static void
write_path(struct json *j, const char *path)
{
	json_key(j, path);
	json_object(j);
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			if (!strcmp(r->path, path))
				write_operation(j, route_sets[i]->tag, r);
	json_object_end(j);
}

/* --- the document -------------------------------------------------------------------------------------------------- */

static void
write_shape(struct json *j, const struct shape *shape)
{
	json_key(j, shape->name);
	json_object(j);
	json_kv_string(j, "type", "object");
	json_key(j, "properties");
	json_object(j);
	for (const struct member *m = shape->members; m->name; m++) {
		json_key(j, m->name);
		write_schema(j, m->type, m->nullable);
	}
	json_object_end(j);
	json_key(j, "required");
	json_array(j);
	for (const struct member *m = shape->members; m->name; m++)
		json_string(j, m->name);
	json_array_end(j);
	json_object_end(j);
}

/* A text, or for what is wrong with parameters a list of {type, loc, msg, input}; contract 5.1. */
static const struct member error_members[] = {{"detail", "any", false}, {0}};
static const struct shape shapes[] = {{"Error", error_members}, {0}};

static void
write_shapes(struct json *j)
{
	json_key(j, "schemas");
	json_object(j);
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct shape *s = route_sets[i]->shapes; s && s->name; s++)
			write_shape(j, s);
	json_object_end(j);
}

static void
write_security_schemes(struct json *j)
{
	json_key(j, "securitySchemes");
	json_object(j);
	json_key(j, "bearer");
	json_object(j);
	json_kv_string(j, "type", "http");
	json_kv_string(j, "scheme", "bearer");
	json_object_end(j);
	json_key(j, "internal");
	json_object(j);
	json_kv_string(j, "type", "apiKey");
	json_kv_string(j, "in", "header");
	json_kv_string(j, "name", "X-Internal-Token");
	json_object_end(j);
	json_object_end(j);
}

static void
write_document(struct json *j, const char *version)
{
	json_object(j);
	json_kv_string(j, "openapi", "3.1.0");
	json_key(j, "info");
	json_object(j);
	json_kv_string(j, "title", "flowfile_scheduler");
	json_kv_string(j, "version", version);
	json_object_end(j);
	json_key(j, "paths");
	json_object(j);
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			if (!is_written(r))
				write_path(j, r->path);
	json_object_end(j);
	json_key(j, "components");
	json_object(j);
	write_shapes(j);
	write_security_schemes(j);
	json_object_end(j);
	json_object_end(j);
}

static struct buf document; /* of the server's thread; stays until the program's end */

static int
get_openapi(struct call *c)
{
	struct json j;

	if (document.len == 0) {
		buf_init(&document, TEXT_MAX);
		json_init(&j, &document);
		write_document(&j, c->api->version);
		assert(!buf_failed(&document));
	}
	json_raw(&c->j, buf_str(&document));
	return 0;
}

static const struct route routes[] = {
	{"GET", "/openapi.json", AUTH_NONE, 200, NULL, "any", get_openapi,
		"This description of the API", true, true},
	{0},
};

const struct route_set routes_openapi = {"Description", routes, shapes};
