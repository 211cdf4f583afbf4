/* Virtual tables: made by a flow or by a query when they are read (contract 5.10). Here are their records. */
#include <cjson/cJSON.h>

#include "catalog/virtual.h"
#include "routes.h"
#include "table_routes.h"

static int
create(struct call *c, const struct table_new *new)
{
	int64_t id;

	if (tables_register(c->cat, new, &id, &c->err) < 0)
		return -1;
	return api_write_table(c, id);
}

static int
create_by_flow(struct call *c)
{
	struct table_new new = api_new_table(c);

	new.is_virtual = true;
	new.producer_registration_id = call_int(c, "producer_registration_id");
	return create(c, &new);
}

/* A query is run for one row, which gives its columns: a list of {"name", "dtype"}. id: of the table that it is for; ID_NONE: a new one. */
static int
ask_schema(struct call *c, int64_t id, route_handler then)
{
	struct json *j = call_query_begin(c, "schema");

	json_kv_string(j, "sql", call_string(c, "sql_query"));
	json_kv_int(j, "becomes_table_id", id);
	return call_query_end(c, then);
}

static int64_t
count_columns(const struct call *c)
{
	cJSON *columns = cJSON_Parse(c->result);
	int64_t n = cJSON_GetArraySize(columns);

	cJSON_Delete(columns);
	return n;
}

static int
finish_creation(struct call *c)
{
	struct table_new new = api_new_table(c);

	new.is_virtual = true;
	new.sql_query = call_string(c, "sql_query");
	new.schema_json = c->result;
	new.column_count = count_columns(c);
	return create(c, &new);
}

static int
create_by_query(struct call *c)
{
	struct table_new new = api_new_table(c);

	if (virtual_check_query(call_string(c, "sql_query"), &c->err) < 0 ||
		tables_check_place(c->cat, new.name, new.namespace_id, ID_NONE, &c->err) < 0)
		return -1;
	return ask_schema(c, ID_NONE, finish_creation);
}

static struct virtual_change
change_of(const struct call *c)
{
	return (struct virtual_change){.record = {
					       .name = call_string(c, "name"),
					       .description = call_string(c, "description"),
					       .namespace_id = call_int(c, "namespace_id"),
				       }};
}

static int
update_by_flow(struct call *c)
{
	struct virtual_change change = change_of(c);

	change.producer_registration_id = call_int(c, "producer_registration_id");
	if (virtual_update_flow(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return api_write_table(c, call_int(c, "id"));
}

static int
finish_update(struct call *c)
{
	struct virtual_change change = change_of(c);

	change.sql_query = call_string(c, "sql_query");
	change.schema_json = c->result;
	change.column_count = c->result ? count_columns(c) : COUNT_NONE;
	if (virtual_update_query(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return api_write_table(c, call_int(c, "id"));
}

static int
update_by_query(struct call *c)
{
	struct table_info old;
	const char *query = call_string(c, "sql_query");

	if (virtual_get_query(c->cat, call_int(c, "id"), c->a, &old, &c->err) < 0)
		return -1;
	if (!query || catalog_same(query, old.sql_query))
		return finish_update(c);
	if (virtual_check_query(query, &c->err) < 0)
		return -1;
	return ask_schema(c, old.id, finish_update);
}

static const struct field create_flow_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_OPTIONAL("namespace_id", FIELD_INT), FIELD_OPTIONAL("description", FIELD_STRING),
	FIELD_REQUIRED("producer_registration_id", FIELD_INT), {0}};
static const struct field update_flow_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("producer_registration_id", FIELD_INT), {0}};
static const struct field create_query_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_OPTIONAL("namespace_id", FIELD_INT), FIELD_OPTIONAL("description", FIELD_STRING),
	FIELD_REQUIRED("sql_query", FIELD_STRING), {0}};
static const struct field update_query_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	FIELD_OPTIONAL("sql_query", FIELD_STRING), {0}};

static const struct route routes[] = {
	{"POST", "/catalog/virtual-tables", AUTH_USER, 201, create_flow_fields, "Table",
		create_by_flow, "Make a table that a flow makes when it is read", false, false},
	{"PUT", "/catalog/virtual-tables/{id}", AUTH_USER, 200, update_flow_fields, "Table",
		update_by_flow, "Change a virtual table; what is null stays", false, false},
	{"POST", "/catalog/query-virtual-tables", AUTH_USER, 201, create_query_fields, "Table",
		create_by_query, "Make a table that a query makes when it is read", false, false},
	{"PUT", "/catalog/query-virtual-tables/{id}", AUTH_USER, 200, update_query_fields, "Table",
		update_by_query, "Change a table made by a query; what is null stays", false,
		false},
	{0},
};

const struct route_set routes_virtual = {"Virtual tables", routes, NULL};
