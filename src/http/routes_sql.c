/* Queries over the catalog's tables (contract 5.11). They are run by query children (queries.h). */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "catalog/flows.h"
#include "catalog/virtual.h"
#include "config.h"
#include "http/api.h"
#include "routes.h"

#define FLOW_MAX (16 * 1024 * 1024)

/* A list of the numbers from one to another; none when that is smaller. */
static void
json_kv_range(struct json *j, const char *key, int64_t from, int64_t to)
{
	json_key(j, key);
	json_array(j);
	for (int64_t id = from; id <= to; id++)
		json_int(j, id);
	json_array_end(j);
}

/* --- a result ------------------------------------------------------------------------------------------ */

/* Whatever is wrong with a query is told within the result. */
static int
write_error(struct call *c, const char *error)
{
	struct json *j = &c->j;

	json_object(j);
	json_kv_range(j, "columns", 1, 0);
	json_kv_range(j, "dtypes", 1, 0);
	json_kv_range(j, "rows", 1, 0);
	json_kv_int(j, "total_rows", 0);
	json_kv_bool(j, "truncated", false);
	json_kv_double(j, "execution_time_ms", 0);
	json_kv_range(j, "used_tables", 1, 0);
	json_kv_string(j, "error", error);
	json_object_end(j);
	return 0;
}

static int
execute_sql(struct call *c)
{
	const char *sql = call_string(c, "query");
	struct err err = ERR_INIT;
	struct json *j;

	if (virtual_check_query(sql, &err) < 0)
		return write_error(c, err.text);
	j = call_query_begin(c, "sql");
	json_kv_string(j, "sql", sql);
	json_kv_int(j, "max_rows", call_int(c, "max_rows"));
	return call_query_end(c, NULL);
}

/* --- a flow ---------------------------------------------------------------------------------------------- */

/* Contract: what goes wrong is a 500 with its text. */
static int
fail(struct call *c, const char *detail)
{
	call_detail(c, detail);
	c->raw_error = true;
	return call_fail(c, 500, "%s", detail);
}

static int
fail_saving(struct call *c)
{
	char detail[sizeof(c->err.text)];

	return fail(c, catalog_detail(&c->err, detail, sizeof(detail)));
}

static void
begin_node(struct json *j, int64_t id, const char *type, bool is_start, int x, int y)
{
	json_object(j);
	json_kv_int(j, "id", id);
	json_kv_string(j, "type", type);
	json_kv_bool(j, "is_start_node", is_start);
	json_kv_int(j, "x_position", x);
	json_kv_int(j, "y_position", y);
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* A reader for each table, and the query behind them: its nodes lie where Flowfile puts them. */
static void
write_nodes(struct json *j, const cJSON *result)
{
	const cJSON *tables = cJSON_GetObjectItemCaseSensitive(result, "tables"), *table;
	int n = cJSON_GetArraySize(tables), i = 0;

	json_key(j, "nodes");
	json_array(j);
	cJSON_ArrayForEach(table, tables)
	{
		begin_node(j, i + 1, "catalog_reader", true, 100, 100 + 150 * i);
		json_kv_range(j, "input_ids", 1, 0);
		json_kv_range(j, "outputs", n + 1, n + 1);
		json_key(j, "setting_input");
		json_object(j);
		json_kv_int(j, "catalog_table_id",
			(int64_t)cJSON_GetNumberValue(
				cJSON_GetObjectItemCaseSensitive(table, "id")));
		json_kv_string(j, "catalog_full_table_name", text_of(table, "full_name"));
		json_kv_string(j, "catalog_table_name", text_of(table, "name"));
		json_object_end(j);
		json_object_end(j);
		i++;
	}
	begin_node(j, n + 1, "sql_query", n == 0, 400, 200);
	json_kv_range(j, "input_ids", 1, n);
	json_kv_range(j, "outputs", 1, 0);
	json_key(j, "setting_input");
	json_object(j);
	json_key(j, "sql_query_input");
	json_object(j);
	json_kv_string(j, "sql_code", text_of(result, "sql_code"));
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_array_end(j);
}

static void
write_flow(struct json *j, const struct call *c, int64_t flow_id, const cJSON *result)
{
	const char *description = call_string(c, "description");

	json_object(j);
	json_kv_string(j, "flowfile_version", "0.16.0");
	json_kv_int(j, "flowfile_id", flow_id);
	json_kv_string(j, "flowfile_name", call_string(c, "name"));
	json_key(j, "flowfile_settings");
	json_object(j);
	json_kv_int(j, "flow_id", flow_id);
	json_kv_string(j, "name", call_string(c, "name"));
	json_kv_string(j, "description", description ? description : "");
	json_kv_string(j, "execution_mode", "Performance");
	json_object_end(j);
	write_nodes(j, result);
	json_object_end(j);
}

/* "My_query_123.json" in the folder of flows; nothing in a name leads out of it. */
static const char *
flow_path(struct call *c, int64_t flow_id)
{
	char *name = arena_strdup(c->a, call_string(c, "name"));

	for (char *p = name; *p; p++)
		if (*p == ' ' || *p == '/' || (unsigned char)*p < ' ')
			*p = '_';
	return arena_printf(
		c->a, "%s/%.200s_%lld.json", c->cat->paths->flows, name, (long long)flow_id);
}

static int
save_file(struct call *c, const char *path, int64_t flow_id)
{
	cJSON *result = cJSON_Parse(c->result);
	struct buf text;
	struct json j;
	int rc;

	buf_init(&text, FLOW_MAX);
	json_init(&j, &text);
	write_flow(&j, c, flow_id, result);
	cJSON_Delete(result);
	rc = file_mkdirs(c->cat->paths->flows, 0755, &c->err);
	if (rc == 0)
		rc = file_write_atomic(path, buf_str(&text), text.len, 0644, &c->err);
	buf_free(&text);
	return rc;
}

static int
register_flow(struct call *c)
{
	int64_t flow_id = clock_wall(c->cat->clock) / US_PER_MS % INT32_MAX, id;
	const char *path = flow_path(c, flow_id);
	const struct flow_new new = {
		.name = call_string(c, "name"),
		.flow_path = path,
		.description = call_string(c, "description"),
		.namespace_id = call_int(c, "namespace_id"),
	};

	if (save_file(c, path, flow_id) < 0)
		return fail_saving(c);
	if (flows_register(c->cat, &new, &id, &c->err) < 0) {
		unlink(path);
		return fail_saving(c);
	}
	json_object(&c->j);
	json_kv_int(&c->j, "flow_id", id);
	json_object_end(&c->j);
	return 0;
}

static int
save_as_flow(struct call *c)
{
	struct json *j;

	if (virtual_check_query(call_string(c, "query"), &c->err) < 0)
		return fail_saving(c);
	j = call_query_begin(c, "flow");
	json_kv_string(j, "sql", call_string(c, "query"));
	return call_query_end(c, register_flow);
}

/* --- the table -------------------------------------------------------------------------------------------- */

static const struct field sql_fields[] = {FIELD_REQUIRED("query", FIELD_STRING),
	{.name = "max_rows", .place = IN_BODY, .kind = FIELD_INT, .preset = 10000}, {0}};
static const struct field save_fields[] = {FIELD_REQUIRED("query", FIELD_STRING),
	FIELD_REQUIRED("name", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("description", FIELD_STRING),
	{.name = "used_tables", .place = IN_BODY, .kind = FIELD_STRINGS}, {0}};

static const struct member sql_members[] = {{"columns", "[string]", false},
	{"dtypes", "[string]", false}, {"rows", "[any]", false}, {"total_rows", "integer", false},
	{"truncated", "boolean", false}, {"execution_time_ms", "number", false},
	{"used_tables", "[string]", false}, {"error", "string", true}, {0}};
static const struct member flow_id_members[] = {{"flow_id", "integer", false}, {0}};
static const struct shape shapes[] = {{"SqlResult", sql_members}, {"FlowId", flow_id_members}, {0}};

static const struct route routes[] = {
	{"POST", "/catalog/sql/execute", AUTH_USER, 200, sql_fields, "SqlResult", execute_sql,
		"Run a query over the catalog's tables; what is wrong with it is told in error",
		false, false},
	{"POST", "/catalog/sql/save-as-flow", AUTH_USER, 200, save_fields, "FlowId", save_as_flow,
		"Make a flow of a query, with a reader for each table", false, false},
	{0},
};

const struct route_set routes_sql = {"SQL", routes, shapes};
