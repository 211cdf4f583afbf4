/* What is asked of a table's rows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "flow/catalog_sql.h"
#include "flow/cells.h"
#include "flow/delta.h"
#include "query.h"

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
	int is_delta = 0;

	if (version != DELTA_LATEST && !table_is_virtual(table))
		is_delta = delta_is_table(table->file_path, err);
	if (is_delta < 0)
		return -1;
	if (is_delta)
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
	if (!table_is_virtual(table)) {
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
		if (query_bool(q, "must_resolve"))
			return query_fail(q, 422);
		if (!table_is_virtual(table))
			return -1;
		write_empty(q);
		return 0;
	}
	return query_seal(q, NULL, err) < 0 ? -1 : write_preview(q, table, sql, err);
}

/* --- statistics ----------------------------------------------------------------------------------------------- */

/* The different values in their order, one more than asked for tells that there are more. */
static int
write_values(struct inquiry *q, const char *sql, const char *column, struct err *err)
{
	int64_t limit = query_int(q, "limit", 100), n = 0;
	const char *distinct = arena_printf(&q->arena,
		"SELECT DISTINCT v FROM (SELECT %s AS v FROM (%s\n)) WHERE v IS NOT NULL ORDER BY "
		"v "
		"LIMIT %lld",
		column, sql, (long long)limit + 1);
	struct cells cells;

	if (cells_query(q->duck, distinct, CELLS_ALL, &q->arena, &cells, err) < 0)
		return -1;
	json_key(&q->j, "values");
	json_array(&q->j);
	while (duck_rows_next(cells.rows) && n++ < limit)
		cells_json_value(&cells, 0, &q->j);
	json_array_end(&q->j);
	cells_free(&cells);
	json_kv_bool(&q->j, "truncated", n > limit);
	json_kv_int_or_null(&q->j, "distinct_count", n > limit ? COUNT_NONE : n, COUNT_NONE);
	return 0;
}

static bool
has_range(const char *type)
{
	enum type_class c = type_classify(type);

	return type_is_number(c) || (c >= TYPE_DATE && c <= TYPE_DURATION);
}

/* Of numbers and times; null of all else. */
static int
write_range(struct inquiry *q, const char *sql, const char *column, bool ranged, struct err *err)
{
	const char *range =
		arena_printf(&q->arena, "SELECT min(%s), max(%s) FROM (%s\n)", column, column, sql);
	struct cells cells = {.rows = NULL};
	bool some = false;

	if (ranged) {
		if (cells_query(q->duck, range, CELLS_ALL, &q->arena, &cells, err) < 0)
			return -1;
		some = duck_rows_next(cells.rows);
	}
	for (size_t i = 0; i < 2; i++) {
		json_key(&q->j, i == 0 ? "min" : "max");
		if (some)
			cells_json_value(&cells, i, &q->j);
		else
			json_null(&q->j);
	}
	cells_free(&cells);
	return 0;
}

static int
write_stats(struct inquiry *q, const struct table_info *table, struct err *err)
{
	const char *name = query_text(q, "column"), *sql, *quoted;
	const struct column *column;
	struct columns columns;

	if (table_sql(q, table, &sql, err) < 0 || query_seal(q, NULL, err) < 0 ||
		duck_describe(q->duck, sql, &q->arena, &columns, err) < 0)
		return -1;
	column = columns_find(&columns, name);
	if (column == NULL)
		return err_set(err, ERR_NOT_FOUND, "column '%s' not found in source schema", name);
	quoted = sql_quoted(&q->arena, name);
	json_object(&q->j);
	json_kv_string(&q->j, "dtype", type_to_polars(column->type, &q->arena));
	if (write_values(q, sql, quoted, err) < 0 ||
		write_range(q, sql, quoted, has_range(column->type), err) < 0)
		return -1;
	json_kv_bool(&q->j, "cache_hit", false);
	json_kv_null(&q->j, "error");
	json_object_end(&q->j);
	return 0;
}

int
query_stats(struct inquiry *q, const struct table_info *table, struct err *err)
{
	if (write_stats(q, table, err) == 0)
		return 0;
	err_prefix(err, "Worker compute failed");
	return query_fail(q, 502);
}

/* --- a virtual table as a file -------------------------------------------------------------------------------- */

/* The file is there whole, or as it was before. The engine sees its folder as the last thing that it is told. */
static int
write_file(struct inquiry *q, const char *sql, const char *path, int64_t *rows, struct err *err)
{
	const char *part = arena_printf(&q->arena, "%s.%ld.part", path, (long)getpid());
	char *folder = path_dirname(path);
	int rc = file_mkdirs(folder, 0700, err);

	if (rc == 0)
		rc = query_seal(q, folder, err);
	free(folder);
	if (rc < 0)
		return -1;
	if (duck_exec(q->duck,
		    arena_printf(&q->arena, "COPY (%s\n) TO %s (FORMAT parquet, COMPRESSION zstd)",
			    sql, sql_literal(&q->arena, part)),
		    rows, err) < 0) {
		unlink(part);
		return -1;
	}
	return rename(part, path) == 0 ? 0 : err_errno(err, errno, "%s", path);
}

int
query_materialize(struct inquiry *q, const struct table_info *table, struct err *err)
{
	const char *path = arena_printf(
		&q->arena, "%s/virtual_tables/%lld.parquet", q->paths.state, (long long)table->id);
	const char *sql = NULL;
	struct stat sb;
	int64_t rows;

	if (table_sql(q, table, &sql, err) < 0)
		return query_fail(q, 422);
	if (write_file(q, sql, path, &rows, err) < 0 || stat(path, &sb) < 0) {
		err_prefix(err, "Worker materialisation failed");
		return query_fail(q, 503);
	}
	json_object(&q->j);
	json_kv_string(&q->j, "path", path);
	json_kv_string(&q->j, "format", "parquet");
	json_kv_int(&q->j, "row_count", rows);
	json_kv_double(
		&q->j, "mtime", (double)sb.st_mtim.tv_sec + (double)sb.st_mtim.tv_nsec / 1e9);
	json_object_end(&q->j);
	return 0;
}
