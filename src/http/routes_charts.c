/* What visualizations show (contract 5.12): asked of a query child (queries.h). */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/document.h"
#include "catalog/tables.h"
#include "catalog/virtual.h"
#include "catalog/visualizations.h"
#include "routes.h"

#define ROWS_PRESET 100000
#define ROWS_MAX 500000

struct source {
	bool is_sql;
	int64_t table_id; /* ID_NONE: none was named */
	const char *query;
};

/* --- sources ------------------------------------------------------------------------------------------------------ */

static int
check_source(struct call *c, const struct source *s)
{
	struct table_info table;

	if (s->is_sql && !s->query)
		return call_fail(c, 422, "sql_query is required when source_type='sql'");
	if (!s->is_sql && s->table_id == ID_NONE)
		return call_fail(c, 422, "table_id is required when source_type='table'");
	return s->is_sql ? virtual_check_query(s->query, &c->err)
			 : tables_get(c->cat, s->table_id, c->a, &table, &c->err);
}

/* Of a visualization that is saved. */
static int
get_saved(struct call *c, struct source *out)
{
	struct visualization_info v;

	if (visualizations_get(c->cat, call_int(c, "id"), c->a, &v, &c->err) < 0)
		return -1;
	*out = (struct source){!strcmp(v.source_type, "sql"), v.catalog_table_id, v.sql_query};
	return check_source(c, out);
}

static int
get_given(struct call *c, struct source *out)
{
	const cJSON *source = call_value(c, "source")->json;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(source, "table_id");
	const char *type =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(source, "source_type"));

	*out = (struct source){
		.is_sql = !strcmp(type, "sql"),
		.table_id = id && !cJSON_IsNull(id) ? param_int(id) : ID_NONE,
		.query =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(source, "sql_query")),
	};
	/* 0 names a table that nobody has. */
	if (id && !cJSON_IsNull(id) && out->table_id == ID_NONE)
		out->table_id = ID_NOBODY;
	return check_source(c, out);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static struct json *
begin(struct call *c, const char *what, const struct source *s)
{
	struct json *j = call_query_begin(c, what);

	if (s->is_sql)
		json_kv_string(j, "sql", s->query);
	else
		json_kv_int(j, "table_id", s->table_id);
	return j;
}

static int
ask_rows(struct call *c, const struct source *s)
{
	int64_t max = call_int(c, "max_rows");
	struct json *j = begin(c, "compute", s);

	json_kv_int(j, "max_rows", max <= 0 ? ROWS_PRESET : max > ROWS_MAX ? ROWS_MAX : max);
	if (call_given(c, "payload")) {
		json_key(j, "payload");
		document_write(j, call_value(c, "payload")->json);
	}
	return call_query_end(c, NULL);
}

static int
compute_saved(struct call *c)
{
	struct source s;

	return get_saved(c, &s) < 0 ? -1 : ask_rows(c, &s);
}

static int
compute_given(struct call *c)
{
	struct source s;

	return get_given(c, &s) < 0 ? -1 : ask_rows(c, &s);
}

static int
list_saved(struct call *c)
{
	struct source s;

	if (get_saved(c, &s) < 0)
		return -1;
	begin(c, "fields", &s);
	return call_query_end(c, NULL);
}

static int
list_given(struct call *c)
{
	struct source s;

	if (get_given(c, &s) < 0)
		return -1;
	begin(c, "fields", &s);
	return call_query_end(c, NULL);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const char *const sources[] = {"table", "sql", NULL};

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field saved_compute_fields[] = {FIELD_ID,
	{.name = "payload",
		.place = IN_BODY,
		.kind = FIELD_OBJECT,
		.nullable = true,
		.body_optional = true},
	FIELD_OPTIONAL("max_rows", FIELD_INT), {0}};
static const struct field source_fields[] = {{.name = "source_type",
						     .place = IN_BODY,
						     .kind = FIELD_ENUM,
						     .required = true,
						     .values = sources},
	FIELD_OPTIONAL("table_id", FIELD_INT), FIELD_OPTIONAL("sql_query", FIELD_STRING), {0}};
#define SOURCE                                                                                     \
	{                                                                                          \
		.name = "source", .place = IN_BODY, .kind = FIELD_OBJECT, .required = true,        \
		.members = source_fields                                                           \
	}
static const struct field compute_fields[] = {SOURCE, FIELD_REQUIRED("payload", FIELD_OBJECT),
	{.name = "max_rows", .place = IN_BODY, .kind = FIELD_INT, .preset = ROWS_PRESET}, {0}};
static const struct field field_fields[] = {SOURCE, {0}};

static const struct member compute_members[] = {{"rows", "[any]", false},
	{"total_rows", "integer", false}, {"truncated", "boolean", false},
	{"elapsed_ms", "number", false}, {"cache_hit", "boolean", false}, {"error", "string", true},
	{0}};
static const struct member fields_members[] = {{"fields", "[any]", false},
	{"cache_hit", "boolean", false}, {"error", "string", true}, {0}};
static const struct shape shapes[] = {
	{"Compute", compute_members}, {"Fields", fields_members}, {0}};

static const struct route routes[] = {
	{"POST", "/catalog/visualizations/compute", AUTH_USER, 200, compute_fields, "Compute",
		compute_given, "What a source shows", false, false},
	{"POST", "/catalog/visualizations/fields", AUTH_USER, 200, field_fields, "Fields",
		list_given, "A source's fields", false, false},
	{"POST", "/catalog/visualizations/{id}/compute", AUTH_USER, 200, saved_compute_fields,
		"Compute", compute_saved, "What a visualization shows", false, false},
	{"POST", "/catalog/visualizations/{id}/fields", AUTH_USER, 200, by_id, "Fields", list_saved,
		"A visualization's fields", false, false},
	{0},
};

const struct route_set routes_charts = {"Charts", routes, shapes};
