/* The data of tables, and their upkeep (contract 5.8). What is to be found out in the data is asked of a query child (queries.h). */
#include <cjson/cJSON.h>
#include <string.h>

#include "catalog/tables.h"
#include "routes.h"
#include "table_routes.h"

/* What a table without data, or a virtual one that cannot be made, shows. */
static int
write_no_rows(struct call *c)
{
	json_raw(&c->j, "{\"columns\":[],\"dtypes\":[],\"rows\":[],\"total_rows\":0}");
	return 0;
}

static int
preview_table(struct call *c)
{
	struct table_info table;
	struct json *j;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err) < 0)
		return -1;
	if (!table_is_virtual(&table) && (!table.file_path || !table.file_exists))
		return write_no_rows(c);
	if (table.is_remote_storage)
		return api_refuse_remote(c, &table);
	j = call_query_begin(c, "preview");
	json_kv_int(j, "table_id", table.id);
	json_kv_int(j, "limit", call_int(c, "limit"));
	if (call_given(c, "version"))
		json_kv_int(j, "version", call_int(c, "version"));
	return call_query_end(c, NULL);
}

static int
count_column(struct call *c)
{
	struct table_info table;
	struct json *j;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err) < 0)
		return -1;
	j = call_query_begin(c, "stats");
	json_kv_int(j, "table_id", table.id);
	json_kv_string(j, "column", call_string(c, "column_name"));
	json_kv_int(j, "limit", call_int(c, "limit"));
	return call_query_end(c, NULL);
}

static int
get_history(struct call *c)
{
	struct table_info table;
	struct json *j;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err) < 0)
		return -1;
	if (table.is_remote_storage)
		return api_refuse_remote(c, &table);
	if (table_is_virtual(&table) || !api_is_delta(c, table.file_path)) {
		json_raw(&c->j, "{\"current_version\":0,\"history\":[]}");
		return 0;
	}
	j = call_query_begin(c, "history");
	json_kv_int(j, "table_id", table.id);
	json_kv_int(j, "limit", call_int(c, "limit"));
	return call_query_end(c, NULL);
}

/* A table that can be looked after, in *table. */
static int
get_kept(struct call *c, struct table_info *table)
{
	if (tables_get(c->cat, call_int(c, "id"), c->a, table, &c->err) < 0)
		return -1;
	if (table_is_virtual(table) || !table->file_path)
		return call_fail(c, 422,
			"Table '%s' is virtual and has no Delta storage to maintain", table->name);
	if (table->is_remote_storage)
		return api_refuse_remote(c, table);
	if (!api_is_delta(c, table->file_path))
		return call_fail(c, 422,
			"Table '%s' is not a Delta table and cannot be optimized or vacuumed",
			table->name);
	return 0;
}

/* The size that the result tells is the catalog's, too. */
static int
keep_size(struct call *c)
{
	cJSON *result = cJSON_Parse(c->result);
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(result, "size_bytes");
	int rc = 0;

	if (cJSON_IsNumber(size))
		rc = tables_set_size(
			c->cat, call_int(c, "id"), (int64_t)size->valuedouble, &c->err);
	cJSON_Delete(result);
	json_raw(&c->j, c->result);
	return rc;
}

static int
optimize_table(struct call *c)
{
	const cJSON *columns = call_value(c, "z_order_columns")->json, *column;
	struct table_info table;
	struct json *j;

	if (get_kept(c, &table) < 0)
		return -1;
	j = call_query_begin(c, "optimize");
	json_kv_int(j, "table_id", table.id);
	json_key(j, "z_order_columns");
	json_array(j);
	cJSON_ArrayForEach(column, columns) json_string(j, cJSON_GetStringValue(column));
	json_array_end(j);
	return call_query_end(c, keep_size);
}

static int
vacuum_table(struct call *c)
{
	bool dry_run = call_bool(c, "dry_run");
	struct table_info table;
	struct json *j;

	if (get_kept(c, &table) < 0)
		return -1;
	j = call_query_begin(c, "vacuum");
	json_kv_int(j, "table_id", table.id);
	json_kv_int(j, "retention_hours", call_int(c, "retention_hours"));
	json_kv_bool(j, "dry_run", dry_run);
	return call_query_end(c, dry_run ? NULL : keep_size);
}

static int
ask_virtual(struct call *c, const char *what, const struct table_info *table)
{
	bool by_query = table->sql_query && *table->sql_query;
	struct json *j;

	if (!by_query && !table->producer_registration_name)
		return call_fail(c, 404, "Producer flow not found");
	j = call_query_begin(c, what);
	json_kv_int(j, "table_id", table->id);
	json_kv_bool(j, "must_resolve", true);
	if (!strcmp(what, "preview"))
		json_kv_int(j, "limit", call_int(c, "limit"));
	return call_query_end(c, NULL);
}

static int
materialize_table(struct call *c)
{
	struct table_info table;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err) < 0)
		return -1;
	if (!table_is_virtual(&table))
		return call_fail(c, 400, "Catalog table with id=%lld is not a virtual table",
			(long long)table.id);
	return ask_virtual(c, "materialize", &table);
}

static int
resolve_virtual(struct call *c)
{
	struct table_info table;
	int rc = tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err);

	if (rc < 0 && c->err.code != ERR_NOT_FOUND)
		return -1;
	if (rc < 0 || !table_is_virtual(&table))
		return call_fail(c, 404, "Virtual table not found");
	return ask_virtual(c, "preview", &table);
}

/* --- the table ------------------------------------------------------------------------------------------------- */

#define LIMIT(name_, preset_, min_, max_)                                                          \
	{                                                                                          \
		.name = (name_), .place = IN_QUERY, .kind = FIELD_INT, .preset = (preset_),        \
		.has_min = true, .min = (min_), .has_max = true, .max = (max_)                     \
	}

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field preview_fields[] = {
	FIELD_ID, LIMIT("limit", 100, 1, 10000), FIELD_IN_QUERY("version", FIELD_INT), {0}};
static const struct field column_fields[] = {FIELD_ID,
	{.name = "column_name", .place = IN_PATH, .kind = FIELD_STRING, .required = true},
	LIMIT("limit", 100, 1, 1000), {0}};
static const struct field history_fields[] = {FIELD_ID, FIELD_IN_QUERY("limit", FIELD_INT), {0}};
static const struct field optimize_fields[] = {
	FIELD_ID, FIELD_OPTIONAL("z_order_columns", FIELD_STRINGS), {0}};
static const struct field vacuum_fields[] = {FIELD_ID,
	{.name = "retention_hours",
		.place = IN_BODY,
		.kind = FIELD_INT,
		.preset = 168,
		.has_min = true},
	{.name = "dry_run", .place = IN_BODY, .kind = FIELD_BOOL, .preset = 1}, {0}};
static const struct field resolve_fields[] = {FIELD_ID, LIMIT("limit", 100, 1, 10000), {0}};
static const struct member preview_members[] = {{"columns", "[string]", false},
	{"dtypes", "[string]", false}, {"rows", "[any]", false}, {"total_rows", "integer", false},
	{0}};
static const struct member materialized_members[] = {{"path", "string", false},
	{"format", "string", false}, {"row_count", "integer", false}, {"mtime", "number", false},
	{0}};
static const struct member stats_members[] = {{"dtype", "string", false},
	{"values", "[any]", false}, {"truncated", "boolean", false},
	{"distinct_count", "integer", true}, {"min", "any", true}, {"max", "any", true},
	{"cache_hit", "boolean", false}, {"error", "string", true}, {0}};
static const struct member version_members[] = {{"version", "integer", false},
	{"timestamp", "string", true}, {"operation", "string", true}, {"parameters", "any", true},
	{0}};
static const struct member history_members[] = {
	{"current_version", "integer", false}, {"history", "[TableVersion]", false}, {0}};
static const struct member optimized_members[] = {
	{"metrics", "any", false}, {"size_bytes", "integer", true}, {0}};
static const struct member vacuumed_members[] = {{"dry_run", "boolean", false},
	{"files_removed", "[string]", false}, {"file_count", "integer", false},
	{"size_bytes", "integer", true}, {0}};
static const struct shape shapes[] = {{"Preview", preview_members},
	{"Materialized", materialized_members}, {"ColumnStats", stats_members},
	{"TableVersion", version_members}, {"TableHistory", history_members},
	{"OptimizedTable", optimized_members}, {"VacuumedTable", vacuumed_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/tables/{id}/preview", AUTH_USER, 200, preview_fields, "Preview",
		preview_table, "The first rows", false, false},
	{"POST", "/catalog/tables/{id}/materialize", AUTH_ANY, 200, by_id, "Materialized",
		materialize_table, "A virtual table as a file of parquet", false, false},
	{"GET", "/catalog/tables/{id}/columns/{column_name}/stats", AUTH_USER, 200, column_fields,
		"ColumnStats", count_column, "A column's values", false, false},
	{"GET", "/catalog/tables/{id}/history", AUTH_USER, 200, history_fields, "TableHistory",
		get_history, "A table's versions, newest first", false, false},
	{"POST", "/catalog/tables/{id}/optimize", AUTH_USER, 200, optimize_fields, "OptimizedTable",
		optimize_table, "Compact a table, or order it by columns", false, false},
	{"POST", "/catalog/tables/{id}/vacuum", AUTH_USER, 200, vacuum_fields, "VacuumedTable",
		vacuum_table, "Remove a table's old files", false, false},
	{"POST", "/catalog/virtual-tables/{id}/resolve", AUTH_USER, 200, resolve_fields, "Preview",
		resolve_virtual, "The first rows of a virtual table", false, false},
	{0},
};

const struct route_set routes_engine = {"Data", routes, shapes};
