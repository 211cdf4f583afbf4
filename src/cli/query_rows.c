/* What is asked of a table's rows. */
#include <string.h>

#include "flow/catalog_sql.h"
#include "flow/cells.h"
#include "flow/delta.h"
#include "query.h"

static bool
is_virtual(const struct table_info *table)
{
	return strcmp(table->table_type, "virtual") == 0;
}

/* The SELECT of a version that is not the newest. A table that is one file has none, and is read as it is. */
static int
version_sql(struct inquiry *q, const struct table_info *table, int64_t version, const char **sql,
	struct err *err)
{
	struct delta_snapshot snapshot;

	if (delta_open(table->file_path, version, q->duck, &q->arena, &snapshot, err) < 0)
		return err->code == ERR_NOT_FOUND ? query_fail(q, 410) : -1;
	*sql = delta_scan_sql(&snapshot, &q->arena);
	return 0;
}

/* The SELECT of a table's rows. */
static int
table_sql(struct inquiry *q, const struct table_info *table, const char **sql, struct err *err)
{
	int64_t version = query_int(q, "version", DELTA_LATEST);
	struct relation *relation;

	if (version != DELTA_LATEST && !is_virtual(table) && delta_is_table(table->file_path))
		return version_sql(q, table, version, sql, err);
	if (catalog_relation(q->plan, q->scope, table, &relation, err) < 0)
		return -1;
	*sql = plan_sql_text(q->plan, relation);
	return 0;
}

/* --- previews ------------------------------------------------------------------------------------------------- */

static void
write_empty(struct inquiry *q)
{
	json_raw(&q->j, "{\"columns\":[],\"dtypes\":[],\"rows\":[],\"total_rows\":0}");
}

/* How many rows there are: as recorded, or those that were shown when there are no more, or counted. */
static int
count_rows(struct inquiry *q, const struct table_info *table, const char *sql, int64_t shown,
	int64_t *total, struct err *err)
{
	bool is_old = query_int(q, "version", DELTA_LATEST) != DELTA_LATEST;

	*total = shown;
	if (!is_virtual(table)) {
		if (!is_old && table->row_count != COUNT_NONE)
			*total = table->row_count;
		return 0;
	}
	if (shown < query_int(q, "limit", 0))
		return 0;
	return duck_number(
		q->duck, arena_printf(&q->arena, "SELECT count(*) FROM (%s\n)", sql), total, err);
}

static int
write_preview(struct inquiry *q, const struct table_info *table, const char *sql, struct err *err)
{
	struct cells cells;
	int64_t shown, total;

	if (cells_query(q->duck, sql, query_int(q, "limit", 100), &q->arena, &cells, err) < 0)
		return -1;
	json_object(&q->j);
	columns_json(&cells.columns, type_to_arrow, &q->arena, &q->j);
	json_key(&q->j, "rows");
	shown = cells_json_rows(&cells, &q->j);
	cells_free(&cells);
	if (count_rows(q, table, sql, shown, &total, err) < 0)
		return -1;
	json_kv_int(&q->j, "total_rows", total);
	json_object_end(&q->j);
	return 0;
}

int
query_preview(struct inquiry *q, const struct table_info *table, struct err *err)
{
	const char *sql = NULL;

	if (table_sql(q, table, &sql, err) < 0) {
		if (!is_virtual(table) || query_bool(q, "must_resolve"))
			return -1;
		write_empty(q);
		return 0;
	}
	return write_preview(q, table, sql, err);
}
