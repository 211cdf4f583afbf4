/* Edits of a table's rows (contract 5.8). A query child (queries.h) checks them against the columns, writes them and records the write. */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/document.h"
#include "base/mem.h"
#include "catalog/tables.h"
#include "routes.h"
#include "table_routes.h"

/* A table with rows of its own that we may write. */
static int
get_editable(struct call *c, struct table_info *table)
{
	if (tables_get(c->cat, call_int(c, "id"), c->a, table, &c->err) < 0)
		return -1;
	if (table_is_virtual(table))
		return call_fail(c, 422, "Table '%s' is virtual and has no rows of its own to edit",
			table->name);
	if (table->is_remote_storage)
		return api_refuse_remote(c, table);
	if (!api_is_delta(c, table->file_path))
		return call_fail(c, 422, "Table '%s' is not a Delta table and cannot be edited",
			table->name);
	if (table->scd2_config)
		return call_fail(c, 422,
			"Table '%s' keeps its history (scd2), which only Flowfile writes",
			table->name);
	return 0;
}

static void
put_expected(struct call *c, struct json *j)
{
	if (call_given(c, "expected_version"))
		json_kv_int(j, "expected_version", call_int(c, "expected_version"));
}

static int
refuse_stale(struct call *c, int64_t current)
{
	int64_t expected = call_int(c, "expected_version");

	json_object(&c->j);
	json_key(&c->j, "detail");
	json_object(&c->j);
	json_kv_string(&c->j, "error", "stale_write");
	json_kv_string(&c->j, "resource_type", "catalog_table");
	json_kv_int(&c->j, "resource_id", call_int(c, "id"));
	json_kv_int(&c->j, "expected", expected);
	json_kv_int(&c->j, "current", current);
	json_kv_string(&c->j, "message",
		arena_printf(c->a,
			"This table was written since: it is at version %lld, not at %lld. "
			"Reload it.",
			(long long)current, (long long)expected));
	json_object_end(&c->j);
	json_object_end(&c->j);
	c->raw_error = true;
	c->error_status = 409;
	return -1;
}

static int
finish(struct call *c)
{
	cJSON *result = cJSON_Parse(c->result);
	const cJSON *stale = cJSON_GetObjectItemCaseSensitive(result, "stale");
	int rc = 0;

	if (cJSON_IsNumber(stale))
		rc = refuse_stale(c, (int64_t)stale->valuedouble);
	else
		json_raw(&c->j, c->result);
	cJSON_Delete(result);
	return rc;
}

static int
edit_table(struct call *c)
{
	static const char *const lists[] = {
		"key_columns", "upsert_columns", "upsert_rows", "new_columns", "delete_keys"};
	struct table_info table;
	struct json *j;

	if (get_editable(c, &table) < 0)
		return -1;
	j = call_query_begin(c, "edit");
	json_kv_int(j, "table_id", table.id);
	put_expected(c, j);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_key(j, lists[i]);
		document_write(j, call_value(c, lists[i])->json);
	}
	return call_query_end(c, finish);
}

static int
add_key_column(struct call *c)
{
	const char *name = call_string(c, "column_name");
	struct table_info table;
	struct json *j;

	if (get_editable(c, &table) < 0)
		return -1;
	j = call_query_begin(c, "key-column");
	json_kv_int(j, "table_id", table.id);
	put_expected(c, j);
	json_kv_string(j, "column_name", name ? name : "record_id");
	return call_query_end(c, finish);
}

/* --- the table ------------------------------------------------------------------------------------------------- */

#define LIST(name_, kind_, max_)                                                                   \
	{                                                                                          \
		.name = (name_), .place = IN_BODY, .kind = (kind_), .nullable = true,              \
		.has_max = true, .max = (max_)                                                     \
	}

static const char *const dtypes[] = {
	"String", "Int64", "Float64", "Boolean", "Date", "Datetime", NULL};

static const struct field new_column_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	{.name = "dtype", .place = IN_BODY, .kind = FIELD_ENUM, .required = true, .values = dtypes},
	{0}};
static const struct field edit_fields[] = {FIELD_ID,
	{.name = "key_columns",
		.place = IN_BODY,
		.kind = FIELD_STRINGS,
		.required = true,
		.has_min = true,
		.min = 1,
		.has_max = true,
		.max = 8},
	FIELD_OPTIONAL("expected_version", FIELD_INT),
	FIELD_OPTIONAL("upsert_columns", FIELD_STRINGS), LIST("upsert_rows", FIELD_LISTS, 10000),
	{.name = "new_columns",
		.place = IN_BODY,
		.kind = FIELD_OBJECTS,
		.members = new_column_fields,
		.has_max = true,
		.max = 25},
	LIST("delete_keys", FIELD_LISTS, 10000), {0}};
static const struct field key_fields[] = {FIELD_ID,
	{.name = "column_name", .place = IN_BODY, .kind = FIELD_STRING},
	FIELD_OPTIONAL("expected_version", FIELD_INT), {0}};

static const struct member edited_members[] = {{"table", "Table", false},
	{"rows_upserted", "integer", false}, {"rows_deleted", "integer", false},
	{"new_version", "integer", true}, {0}};
static const struct member key_members[] = {{"table", "Table", false},
	{"column_name", "string", false}, {"new_version", "integer", true}, {0}};
static const struct shape shapes[] = {
	{"EditedTable", edited_members}, {"KeyColumn", key_members}, {0}};

static const struct route routes[] = {
	{"POST", "/catalog/tables/{id}/edits", AUTH_USER, 200, edit_fields, "EditedTable",
		edit_table, "Change, add and delete rows by their keys, and add columns", false,
		false},
	{"POST", "/catalog/tables/{id}/key-column", AUTH_USER, 200, key_fields, "KeyColumn",
		add_key_column, "Number the rows in a new column", false, false},
	{0},
};

const struct route_set routes_edits = {"Edits", routes, shapes};
