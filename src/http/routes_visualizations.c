/* Saved visualizations: their records (contract 5.12). What they show is in routes_charts.c. */
#include <cjson/cJSON.h>

#include "base/clock.h"
#include "catalog/visualizations.h"
#include "routes.h"

/* --- reading ------------------------------------------------------------------------------------------- */

static int
write_list(struct call *c, int64_t table_id, bool with_specs)
{
	struct visualization_list list;

	if (visualizations_list(c->cat, table_id, c->a, &list, &c->err) < 0)
		return -1;
	json_array(&c->j);
	for (size_t i = 0; i < list.n; i++)
		visualizations_json(&c->j, &list.items[i], with_specs);
	json_array_end(&c->j);
	return 0;
}

static int
list_all(struct call *c)
{
	return write_list(c, ID_NONE, false);
}

static int
list_of_table(struct call *c)
{
	int64_t id = call_int(c, "id");

	return write_list(c, id == ID_NONE ? ID_NOBODY : id, true);
}

static int
write_one(struct call *c, int64_t id)
{
	struct visualization_info v;

	if (visualizations_get(c->cat, id, c->a, &v, &c->err) < 0)
		return -1;
	visualizations_json(&c->j, &v, true);
	return 0;
}

static int
get_one(struct call *c)
{
	return write_one(c, call_int(c, "id"));
}

/* --- writing --------------------------------------------------------------------------------------------- */

/* NULL when there is none. */
static const char *
spec_of(struct call *c)
{
	const cJSON *spec = call_value(c, "spec")->json;
	char *text = spec ? cJSON_PrintUnformatted(spec) : NULL;
	const char *kept = arena_strdup(c->a, text);

	cJSON_free(text);
	return kept;
}

static int
create(struct call *c)
{
	const char *source = call_string(c, "source_type");
	const struct visualization_new new = {
		.name = call_string(c, "name"),
		.description = call_string(c, "description"),
		.chart_type = call_string(c, "chart_type"),
		.spec_json = spec_of(c),
		.spec_gw_version = call_string(c, "spec_gw_version"),
		.is_sql = source && *source == 's',
		.catalog_table_id = call_int(c, "catalog_table_id"),
		.sql_query = call_string(c, "sql_query"),
		.namespace_id = call_int(c, "namespace_id"),
		.thumbnail_data_url = call_string(c, "thumbnail_data_url"),
	};
	int64_t id;

	if (visualizations_create(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return write_one(c, id);
}

static bool
is_set(const struct call *c, const char *name)
{
	return call_value(c, name)->given;
}

/* 409 with what it was and what it is. */
static int
refuse_stale(struct call *c, int64_t expected_us, int64_t current_us)
{
	json_object(&c->j);
	json_key(&c->j, "detail");
	json_object(&c->j);
	json_kv_string(&c->j, "error", "stale_write");
	json_kv_string(&c->j, "resource_type", "visualization");
	json_kv_int(&c->j, "resource_id", call_int(c, "id"));
	json_kv_time(&c->j, "expected", expected_us);
	json_kv_time(&c->j, "current", current_us);
	json_kv_string(&c->j, "message", c->err.text);
	json_object_end(&c->j);
	json_object_end(&c->j);
	c->raw_error = true;
	return -1;
}

static int
update(struct call *c)
{
	const struct visualization_change change = {
		.set_name = is_set(c, "name"),
		.name = call_string(c, "name"),
		.set_description = is_set(c, "description"),
		.description = call_string(c, "description"),
		.set_chart_type = is_set(c, "chart_type"),
		.chart_type = call_string(c, "chart_type"),
		.set_spec = is_set(c, "spec"),
		.spec_json = spec_of(c),
		.set_gw_version = is_set(c, "spec_gw_version"),
		.spec_gw_version = call_string(c, "spec_gw_version"),
		.set_namespace = is_set(c, "namespace_id"),
		.namespace_id = call_int(c, "namespace_id"),
		.set_query = is_set(c, "sql_query"),
		.sql_query = call_string(c, "sql_query"),
		.set_table = is_set(c, "catalog_table_id"),
		.catalog_table_id = call_int(c, "catalog_table_id"),
		.set_thumbnail = is_set(c, "thumbnail_data_url"),
		.thumbnail_data_url = call_string(c, "thumbnail_data_url"),
		.expected_us = call_given(c, "expected_updated_at")
			? call_value(c, "expected_updated_at")->i
			: TIME_NONE,
	};
	int64_t stale_us;

	if (visualizations_update(c->cat, call_int(c, "id"), &change, &stale_us, &c->err) < 0)
		return stale_us == TIME_NONE ? -1 : refuse_stale(c, change.expected_us, stale_us);
	return write_one(c, call_int(c, "id"));
}

static int
delete_one(struct call *c)
{
	return visualizations_delete(c->cat, call_int(c, "id"), &c->err);
}

/* --- the table ------------------------------------------------------------------------------------------------ */

static const char *const sources[] = {"table", "sql", NULL};

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field create_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("chart_type", FIELD_STRING),
	FIELD_REQUIRED("spec", FIELD_OBJECTS), FIELD_OPTIONAL("spec_gw_version", FIELD_STRING),
	{.name = "source_type", .place = IN_BODY, .kind = FIELD_ENUM, .values = sources},
	FIELD_OPTIONAL("catalog_table_id", FIELD_INT), FIELD_OPTIONAL("sql_query", FIELD_STRING),
	FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("thumbnail_data_url", FIELD_STRING), {0}};
static const struct field update_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("chart_type", FIELD_STRING),
	FIELD_OPTIONAL("spec", FIELD_OBJECTS), FIELD_OPTIONAL("spec_gw_version", FIELD_STRING),
	FIELD_OPTIONAL("namespace_id", FIELD_INT), FIELD_OPTIONAL("sql_query", FIELD_STRING),
	FIELD_OPTIONAL("catalog_table_id", FIELD_INT),
	FIELD_OPTIONAL("thumbnail_data_url", FIELD_STRING),
	FIELD_OPTIONAL("expected_updated_at", FIELD_DATETIME), {0}};

static const struct member members[] = {{"id", "integer", false}, {"name", "string", false},
	{"description", "string", true}, {"chart_type", "string", true}, {"spec", "[any]", false},
	{"spec_gw_version", "string", true}, {"source_type", "string", false},
	{"catalog_table_id", "integer", true}, {"sql_query", "string", true},
	{"namespace_id", "integer", true}, {"thumbnail_data_url", "string", true},
	{"created_by", "integer", true}, {"created_at", "datetime", false},
	{"updated_at", "datetime", false}, {"table_name", "string", true},
	{"table_namespace_name", "string", true}, {"table_full_name", "string", true},
	{"table_type", "string", true}, {"namespace_name", "string", true},
	{"access", "Access", true}, {0}};
static const struct shape shapes[] = {{"Visualization", members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/visualizations", AUTH_USER, 200, NULL, "[Visualization]", list_all,
		"Visualizations without their specs, newest first", false, false},
	{"POST", "/catalog/visualizations", AUTH_USER, 201, create_fields, "Visualization", create,
		"Save a visualization of a table or of a query", false, false},
	{"GET", "/catalog/visualizations/{id}", AUTH_USER, 200, by_id, "Visualization", get_one,
		"One visualization", false, false},
	{"PUT", "/catalog/visualizations/{id}", AUTH_USER, 200, update_fields, "Visualization",
		update, "Change a visualization; what is null is cleared", false, false},
	{"DELETE", "/catalog/visualizations/{id}", AUTH_USER, 204, by_id, NULL, delete_one,
		"Delete a visualization", false, false},
	{"GET", "/catalog/tables/{id}/visualizations", AUTH_USER, 200, by_id, "[Visualization]",
		list_of_table, "A table's visualizations, newest first", false, false},
	{0},
};

const struct route_set routes_visualizations = {"Visualizations", routes, shapes};
