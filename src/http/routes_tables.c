/* Tables: their records, names and favorites (contract 5.8). What needs their data is in routes_engine.c. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/namespaces.h"
#include "catalog/tables.h"
#include "http/api.h"
#include "routes.h"
#include "table_routes.h"

/* --- answers ------------------------------------------------------------------------------------------ */

/* What was written is shown without whose favorite it is, as Flowfile shows it. */
int
api_write_table(struct call *c, int64_t id)
{
	struct table_info table;

	if (tables_get(c->cat, id, c->a, &table, &c->err) < 0)
		return -1;
	table.is_favorite = false;
	tables_json(&c->j, &table);
	return 0;
}

static int
write_list(struct call *c, const struct table_list *list)
{
	json_array(&c->j);
	for (size_t i = 0; i < list->n; i++)
		tables_json(&c->j, &list->items[i]);
	json_array_end(&c->j);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int
list_tables(struct call *c)
{
	struct table_list list;

	if (tables_list(c->cat, call_int(c, "namespace_id"), c->a, &list, &c->err) < 0)
		return -1;
	return write_list(c, &list);
}

static int
get_table(struct call *c)
{
	struct table_info table;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &table, &c->err) < 0)
		return -1;
	tables_json(&c->j, &table);
	return 0;
}

static void
write_candidates(struct call *c, const char *key, const struct table_matches *found, bool shown)
{
	json_key(&c->j, key);
	json_array(&c->j);
	for (size_t i = 0; shown && i < found->n; i++) {
		const struct table_match *m = &found->items[i];

		json_object(&c->j);
		json_kv_int(&c->j, "id", m->id);
		json_kv_string(&c->j, "name", m->name);
		json_kv_int_or_null(&c->j, "namespace_id", m->namespace_id, ID_NONE);
		json_kv_string(&c->j, "namespace_name", m->namespace_name);
		json_object_end(&c->j);
	}
	json_array_end(&c->j);
}

/* 409 with the tables that it may be. */
static int
refuse_ambiguous(struct call *c, const char *name, const struct table_matches *found)
{
	const char *list = "";

	for (size_t i = 0; i < found->n; i++)
		list = arena_printf(c->a, "%s%s%s.%s (id=%lld)", list, i > 0 ? ", " : "",
			found->items[i].namespace_name ? found->items[i].namespace_name : "<root>",
			found->items[i].name, (long long)found->items[i].id);
	json_object(&c->j);
	json_key(&c->j, "detail");
	json_object(&c->j);
	json_kv_string(&c->j, "message",
		arena_printf(c->a, "Table name '%s' is ambiguous; candidates: %s", name, list));
	json_kv_string(&c->j, "name", name);
	write_candidates(c, "candidates", found, true);
	json_object_end(&c->j);
	json_object_end(&c->j);
	c->raw_error = true;
	return -1;
}

static int
resolve_table(struct call *c)
{
	const char *q = call_string(c, "q");
	struct table_matches found;
	struct table_info table;

	if (tables_resolve(c->cat, q, call_int(c, "namespace_id"), call_bool(c, "strict"), c->a,
		    &found, &c->err) < 0)
		return c->err.code == ERR_CONFLICT ? refuse_ambiguous(c, q, &found) : -1;
	if (tables_get(c->cat, found.items[0].id, c->a, &table, &c->err) < 0)
		return -1;
	json_object(&c->j);
	json_key(&c->j, "table");
	tables_json(&c->j, &table);
	write_candidates(c, "warnings", &found, found.warn);
	json_object_end(&c->j);
	return 0;
}

/* --- writing --------------------------------------------------------------------------------------------- */

static int64_t
count_of(const struct call *c, const char *name)
{
	return call_given(c, name) ? call_int(c, name) : COUNT_NONE;
}

/* The columns as the catalog keeps them; NULL when none are given. */
static const char *
schema_of(struct call *c)
{
	const cJSON *columns = call_value(c, "schema_columns")->json;
	char *text = columns ? cJSON_PrintUnformatted(columns) : NULL;
	const char *kept = arena_strdup(c->a, text);

	cJSON_free(text);
	return kept;
}

/* All of them counted, unless it is said how many there are. */
static int64_t
column_count_of(const struct call *c)
{
	const cJSON *columns = call_value(c, "schema_columns")->json;

	if (call_given(c, "column_count") || !columns)
		return count_of(c, "column_count");
	return cJSON_GetArraySize(columns);
}

bool
api_is_delta(struct call *c, const char *path)
{
	struct stat sb;

	return path && stat(arena_printf(c->a, "%s/_delta_log", path), &sb) == 0 &&
		S_ISDIR(sb.st_mode);
}

int
api_refuse_remote(struct call *c, const struct table_info *table)
{
	return call_fail(c, 422,
		"Table '%s' is in an object storage, which only Flowfile reads and writes",
		table->name);
}

struct table_new
api_new_table(const struct call *c)
{
	return (struct table_new){
		.name = call_string(c, "name"),
		.namespace_id = call_int(c, "namespace_id"),
		.description = call_string(c, "description"),
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE,
		.column_count = COUNT_NONE,
	};
}

static bool
is_below(const char *path, const char *folder)
{
	char real[PATH_MAX];
	size_t len;

	if (!folder || !realpath(folder, real))
		return false;
	len = strlen(real);
	return !strncmp(path, real, len) && (path[len] == '/' || len == 1);
}

/* The path with its links followed, in the arena, when it may be read (contract 5.8); NULL, and the call has failed. */
static const char *
check_path(struct call *c, const char *path)
{
	const struct paths *paths = c->api->paths;
	char real[PATH_MAX];

	if (strstr(path, "..")) {
		call_fail(c, 403, "Access denied: path traversal not allowed");
		return NULL;
	}
	if (!realpath(path, real)) {
		if (c->api->desktop)
			call_fail(c, 422, "File not found: %s", path);
		else /* which files there are elsewhere is not told either */
			call_fail(c, 403, "Access denied");
		return NULL;
	}
	if (!c->api->desktop && !is_below(real, ".") && !is_below(real, paths->base) &&
		!is_below(real, paths->user_data)) {
		call_fail(c, 403, "Access denied");
		return NULL;
	}
	return arena_strdup(c->a, real);
}

/* By the end of its name; what the flows' reader cannot read is none. */
static const struct file_type {
	const char *ending, *type, *delimiter;
} file_types[] = {
	{".csv", "csv", ","},
	{".txt", "csv", ","},
	{".tsv", "csv", "\t"},
	{".parquet", "parquet", NULL},
	{".json", "json", NULL},
	{".ndjson", "ndjson", NULL},
	{".jsonl", "ndjson", NULL},
};

static const struct file_type *
type_of(struct call *c, const char *path)
{
	const char *name = path_basename(path), *ending = strrchr(name, '.');
	struct stat sb;

	if (stat(path, &sb) < 0 || !S_ISREG(sb.st_mode)) {
		call_fail(c, 422, "%s is no file", path);
		return NULL;
	}
	for (size_t i = 0; ending && i < ARRAY_LEN(file_types); i++)
		if (text_equal_nocase(ending, file_types[i].ending))
			return &file_types[i];
	call_fail(c, 422, "Unsupported file type: %s", ending ? ending : name);
	return NULL;
}

static int
import_file(struct call *c, const struct table_new *new, const char *path)
{
	const struct file_type *type = type_of(c, path);
	struct json *j;

	if (!type)
		return -1;
	j = call_query_begin(c, "import");
	json_kv_string(j, "name", new->name);
	json_kv_int(j, "namespace_id", new->namespace_id);
	json_kv_string(j, "description", new->description);
	json_kv_string(j, "path", path);
	json_kv_string(j, "file_type", type->type);
	json_kv_string(j, "delimiter", type->delimiter);
	return call_query_end(c, NULL);
}

/* Data that is a Delta table already needs no copy: its record is made. All else is copied. */
static int
register_table(struct call *c)
{
	struct table_new new = api_new_table(c);
	const char *path = check_path(c, call_string(c, "file_path"));
	int64_t id;

	if (!path || tables_check_place(c->cat, new.name, new.namespace_id, ID_NONE, &c->err) < 0)
		return -1;
	if (!api_is_delta(c, path))
		return import_file(c, &new, path);
	new.file_path = path;
	if (tables_register(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return api_write_table(c, id);
}

static int
register_data(struct call *c)
{
	struct table_new new = api_new_table(c);
	int64_t id;

	new.file_path = call_string(c, "table_path");
	new.storage_format = call_string(c, "storage_format");
	new.schema_json = schema_of(c);
	new.row_count = count_of(c, "row_count");
	new.column_count = column_count_of(c);
	new.size_bytes = count_of(c, "size_bytes");
	if (tables_register(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return api_write_table(c, id);
}

static int
refresh_table(struct call *c)
{
	const struct table_data data = {
		.file_path = call_string(c, "table_path"),
		.storage_format = call_string(c, "storage_format"),
		.schema_json = schema_of(c),
		.description = call_string(c, "description"),
		.row_count = count_of(c, "row_count"),
		.column_count = column_count_of(c),
		.size_bytes = count_of(c, "size_bytes"),
	};

	if (tables_overwrite(c->cat, call_int(c, "id"), &data, &c->err) < 0)
		return -1;
	return api_write_table(c, call_int(c, "id"));
}

static int
update_table(struct call *c)
{
	const struct table_change change = {
		.name = call_string(c, "name"),
		.description = call_string(c, "description"),
		.namespace_id = call_int(c, "namespace_id"),
		.set_prediction = call_value(c, "prediction_table_id")->given,
		.prediction_table_id = call_int(c, "prediction_table_id"),
	};

	if (tables_update(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return api_write_table(c, call_int(c, "id"));
}

static int
delete_table(struct call *c)
{
	struct table_info old;

	if (tables_get(c->cat, call_int(c, "id"), c->a, &old, &c->err) < 0 ||
		tables_delete(c->cat, old.id, NULL, &c->err) < 0)
		return -1;
	if (call_bool(c, "delete_file") && old.file_path)
		tables_drop_data(c->cat, old.file_path);
	return 0;
}

/* --- favorites ---------------------------------------------------------------------------------------------- */

static int
list_favorites(struct call *c)
{
	struct table_list list;

	if (tables_favorites(c->cat, c->a, &list, &c->err) < 0)
		return -1;
	return write_list(c, &list);
}

static int
add_favorite(struct call *c)
{
	struct table_favorite favorite;

	if (tables_add_favorite(c->cat, call_int(c, "id"), &favorite, &c->err) < 0)
		return -1;
	json_object(&c->j);
	json_kv_int(&c->j, "id", favorite.id);
	json_kv_int(&c->j, "user_id", favorite.user_id);
	json_kv_int(&c->j, "table_id", favorite.table_id);
	json_kv_time(&c->j, "created_at", favorite.created_us);
	json_object_end(&c->j);
	return 0;
}

static int
drop_favorite(struct call *c)
{
	return tables_drop_favorite(c->cat, call_int(c, "id"), &c->err);
}

/* --- the table ------------------------------------------------------------------------------------------------ */

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field list_fields[] = {FIELD_IN_QUERY("namespace_id", FIELD_INT), {0}};
static const struct field resolve_fields[] = {
	{.name = "q", .place = IN_QUERY, .kind = FIELD_STRING, .required = true},
	FIELD_IN_QUERY("namespace_id", FIELD_INT), FIELD_IN_QUERY("strict", FIELD_BOOL), {0}};
static const struct field register_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_REQUIRED("file_path", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("description", FIELD_STRING), {0}};
static const struct field data_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_REQUIRED("table_path", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("description", FIELD_STRING),
	{.name = "storage_format", .place = IN_BODY, .kind = FIELD_STRING},
	FIELD_OPTIONAL("schema_columns", FIELD_MAPS), FIELD_OPTIONAL("row_count", FIELD_INT),
	FIELD_OPTIONAL("column_count", FIELD_INT), FIELD_OPTIONAL("size_bytes", FIELD_INT), {0}};
static const struct field refresh_fields[] = {FIELD_ID, FIELD_OPTIONAL("table_path", FIELD_STRING),
	FIELD_OPTIONAL("storage_format", FIELD_STRING),
	FIELD_OPTIONAL("schema_columns", FIELD_MAPS), FIELD_OPTIONAL("row_count", FIELD_INT),
	FIELD_OPTIONAL("column_count", FIELD_INT), FIELD_OPTIONAL("size_bytes", FIELD_INT),
	FIELD_OPTIONAL("description", FIELD_STRING), {0}};
static const struct field update_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("prediction_table_id", FIELD_INT), {0}};
static const struct field delete_fields[] = {
	FIELD_ID, FIELD_IN_QUERY("delete_file", FIELD_BOOL), {0}};

static const struct member column_members[] = {
	{"name", "string", false}, {"dtype", "string", false}, {0}};
static const struct member reader_members[] = {
	{"id", "integer", false}, {"name", "string", false}, {0}};
static const struct member scd2_members[] = {{"business_keys", "[string]", false},
	{"surrogate_key_column", "string", false}, {"valid_from_column", "string", false},
	{"valid_to_column", "string", false}, {"is_current_column", "string", false},
	{"compare_columns", "[string]", false}, {"full_snapshot", "boolean", false}, {0}};
static const struct member table_members[] = {{"id", "integer", false}, {"name", "string", false},
	{"namespace_id", "integer", true}, {"namespace_name", "string", true},
	{"full_table_name", "string", true}, {"qualified_name", "string", true},
	{"description", "string", true}, {"owner_id", "integer", false},
	{"file_exists", "boolean", false}, {"is_remote_storage", "boolean", false},
	{"is_favorite", "boolean", false}, {"schema_columns", "[Column]", false},
	{"row_count", "integer", true}, {"column_count", "integer", true},
	{"size_bytes", "integer", true}, {"file_path", "string", true},
	{"source_registration_id", "integer", true}, {"source_registration_name", "string", true},
	{"source_run_id", "integer", true}, {"read_by_flows", "[TableReader]", false},
	{"table_type", "string", false}, {"producer_registration_id", "integer", true},
	{"producer_registration_name", "string", true}, {"is_optimized", "boolean", true},
	{"laziness_blockers", "[string]", true}, {"sql_query", "string", true},
	{"polars_plan", "string", true}, {"source_table_versions", "string", true},
	{"partition_columns", "[string]", true}, {"scd2", "Scd2", true},
	{"prediction_table_id", "integer", true}, {"prediction_table_name", "string", true},
	{"created_at", "datetime", false}, {"updated_at", "datetime", false},
	{"access", "Access", true}, {0}};
static const struct member candidate_members[] = {{"id", "integer", false},
	{"name", "string", false}, {"namespace_id", "integer", true},
	{"namespace_name", "string", true}, {0}};
static const struct member resolved_members[] = {
	{"table", "Table", false}, {"warnings", "[TableCandidate]", false}, {0}};
static const struct member favorite_members[] = {{"id", "integer", false},
	{"user_id", "integer", false}, {"table_id", "integer", false},
	{"created_at", "datetime", false}, {0}};
static const struct member access_members[] = {{"is_owner", "boolean", false},
	{"access_level", "string", false}, {"shared_by", "string", true}, {0}};
static const struct shape shapes[] = {{"Access", access_members}, {"Column", column_members},
	{"TableReader", reader_members}, {"Scd2", scd2_members}, {"Table", table_members},
	{"TableCandidate", candidate_members}, {"ResolvedTable", resolved_members},
	{"TableFavorite", favorite_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/tables", AUTH_ANY, 200, list_fields, "[Table]", list_tables,
		"Tables, by name", false, false},
	{"POST", "/catalog/tables", AUTH_ANY, 201, register_fields, "Table", register_table,
		"Copy a file into a new table; what is a Delta table already is registered as it "
		"is",
		false, false},
	{"POST", "/catalog/tables/from-data", AUTH_ANY, 201, data_fields, "Table", register_data,
		"Register data that was written elsewhere; nothing of it is read", false, false},
	{"GET", "/catalog/tables/resolve", AUTH_ANY, 200, resolve_fields, "ResolvedTable",
		resolve_table, "The table of a name: table, schema.table, catalog.schema.table",
		false, false},
	{"GET", "/catalog/tables/{id}", AUTH_ANY, 200, by_id, "Table", get_table, "One table",
		false, false},
	{"PUT", "/catalog/tables/{id}", AUTH_ANY, 200, update_fields, "Table", update_table,
		"Change a table's record; what is null stays, except prediction_table_id", false,
		false},
	{"DELETE", "/catalog/tables/{id}", AUTH_USER, 204, delete_fields, NULL, delete_table,
		"Delete a table's record; schedules that watch it are disabled", false, false},
	{"POST", "/catalog/tables/{id}/refresh", AUTH_ANY, 200, refresh_fields, "Table",
		refresh_table, "Record that a table's data was written", false, false},
	{"GET", "/catalog/table-favorites", AUTH_USER, 200, NULL, "[Table]", list_favorites,
		"Favorite tables, newest favorite first", false, false},
	{"POST", "/catalog/tables/{id}/favorite", AUTH_USER, 201, by_id, "TableFavorite",
		add_favorite, "Make a table a favorite", false, false},
	{"DELETE", "/catalog/tables/{id}/favorite", AUTH_USER, 204, by_id, NULL, drop_favorite,
		"Make a table no favorite any more", false, false},
	{0},
};

const struct route_set routes_tables = {"Tables", routes, shapes};
