/* What is written into the catalog's tables. The data is committed first, then the catalog's row in one transaction, as catalog_writer nodes do. */
#include <inttypes.h>
#include <string.h>

#include "flow/delta.h"
#include "flow/table_data.h"
#include "query.h"

/* --- a file as a new table -------------------------------------------------------------------------------------- */

/* A flow of one reader, so that a file is read as flows read it. */
static int
read_file(struct inquiry *q, const char **sql, struct err *err)
{
	cJSON *document = cJSON_CreateObject(), *node = cJSON_CreateObject(), *file, *settings;
	const char *delimiter = query_text(q, "delimiter");
	struct relation *relation;
	struct flow *flow;

	cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "nodes"), node);
	cJSON_AddNumberToObject(node, "id", 1);
	cJSON_AddStringToObject(node, "type", "read");
	file = cJSON_AddObjectToObject(
		cJSON_AddObjectToObject(node, "setting_input"), "received_file");
	cJSON_AddStringToObject(file, "path", query_text(q, "path"));
	cJSON_AddStringToObject(file, "file_type", query_text(q, "file_type"));
	settings = cJSON_AddObjectToObject(file, "table_settings");
	if (delimiter != NULL)
		cJSON_AddStringToObject(settings, "delimiter", delimiter);
	if (flow_of_document(document, "import", &flow, err) < 0)
		return -1;
	plan_adopt(q->plan, flow);
	if (plan_compile(q->plan, plan_scope(q->plan, flow, NULL, 0), &flow->nodes[0], 0, &relation,
		    err) < 0)
		return -1;
	*sql = plan_sql_text(q->plan, relation);
	return 0;
}

static int
record_new(struct inquiry *q, const char *dir, int64_t *id, struct err *err)
{
	struct table_written measured = {0};
	struct table_new new = {
		.name = query_text(q, "name"),
		.namespace_id = query_int(q, "namespace_id", ID_NONE),
		.description = query_text(q, "description"),
		.file_path = dir,
	};

	if (table_data_measure(q->duck, dir, &q->arena, &measured, err) < 0)
		return -1;
	new.schema_json = measured.schema_json;
	new.column_count = measured.column_count;
	new.row_count = measured.row_count;
	new.size_bytes = measured.size_bytes;
	return tables_register(&q->catalog, &new, id, err);
}

static int
write_table(struct inquiry *q, int64_t id, struct err *err)
{
	struct table_info table;

	if (tables_get(&q->catalog, id, &q->arena, &table, err) < 0)
		return -1;
	tables_json(&q->j, &table);
	return 0;
}

int
query_import(struct inquiry *q, const struct table_info *none, struct err *err)
{
	const char *dir = table_data_new_folder(&q->paths, query_text(q, "name"), &q->arena);
	struct delta_written written;
	const char *sql;
	int64_t id;

	(void)none;
	if (read_file(q, &sql, err) < 0 ||
		delta_append(q->duck, dir, sql, NULL, &written, err) < 0) {
		err_prefix(err, "The file cannot be copied");
		return query_fail(q, 422);
	}
	if (record_new(q, dir, &id, err) < 0) {
		/* Perhaps it was recorded all the same: data without a record is better than the other way round. */
		if (err->code != ERR_UNKNOWN)
			tables_drop_data(&q->catalog, dir);
		return err->code == ERR_FAILED ? query_fail(q, 500) : -1;
	}
	return write_table(q, id, err);
}
