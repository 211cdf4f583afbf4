/* What charts show (contract 5.12): a source's rows, as Graphic Walker asks for them, and its fields. What goes wrong with them is a result, too. */
#include <math.h>
#include <string.h>

#include "flow/catalog_sql.h"
#include "flow/cells.h"
#include "flow/chart.h"
#include "query.h"

/* The source: a table, or a query. Nothing else is read. */
static int
open_source(struct inquiry *q, const char **sql, struct columns *columns, struct err *err)
{
	const char *query = query_text(q, "sql");
	struct relation *relation;
	struct table_info table;

	if (query != NULL) {
		if (catalog_sql_compile(q->plan, q->scope, query, NULL, &relation, err) < 0)
			return -1;
	} else {
		/* Of all that can be wrong only a table that is not there is no result, and a catalog that is away. */
		if (tables_get(&q->catalog, query_int(q, "table_id", ID_NONE), &q->arena, &table,
			    err) < 0)
			return query_fail(q, err->code == ERR_NOT_FOUND ? 404 : 503);
		if (catalog_relation(q->plan, q->scope, &table, &relation, err) < 0)
			return -1;
	}
	*sql = plan_sql_text(q->plan, relation);
	*columns = relation->columns;
	return query_seal(q, NULL, err);
}

/* Begins the result anew; an error that has a status of its own is no result. */
static int
begin_error(struct inquiry *q)
{
	if (q->status != 0)
		return -1;
	buf_reset(&q->out);
	json_init(&q->j, &q->out);
	json_object(&q->j);
	return 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void
end_compute(struct inquiry *q, int64_t total, bool truncated, int64_t began_us, const char *error)
{
	int64_t us = clock_boot(&clock_real).us - began_us;

	json_kv_int(&q->j, "total_rows", total);
	json_kv_bool(&q->j, "truncated", truncated);
	json_kv_double(&q->j, "elapsed_ms", round((double)us / 100) / 10);
	json_kv_bool(&q->j, "cache_hit", false);
	json_kv_string(&q->j, "error", error);
	json_object_end(&q->j);
}

/* As many rows as asked for, and how many there are in all: counted only when there are more. */
static int
write_rows(struct inquiry *q, const struct chart *chart, int64_t *total, bool *truncated,
	struct err *err)
{
	int64_t max = query_int(q, "max_rows", 0);
	struct cells cells;

	if (cells_query(q->duck, chart->sql, max, &q->arena, &cells, err) < 0)
		return -1;
	json_key(&q->j, "rows");
	*total = cells_json_objects(&cells, &chart->columns, &q->arena, &q->j);
	cells_free(&cells);
	if (*total == max &&
		duck_number(q->duck,
			arena_printf(&q->arena, "SELECT count(*) FROM (%s\n)", chart->sql), total,
			err) < 0)
		return -1;
	*truncated = *total > max;
	return 0;
}

static int
compute(struct inquiry *q, struct err *err)
{
	const cJSON *payload = cJSON_GetObjectItemCaseSensitive(q->question, "payload");
	int64_t began_us = clock_boot(&clock_real).us, total;
	struct columns columns;
	struct chart chart;
	const char *source;
	bool truncated;

	if (open_source(q, &source, &columns, err) < 0 ||
		chart_compile(source, &columns, cJSON_IsObject(payload) ? payload : NULL, &q->arena,
			&chart, err) < 0)
		return -1;
	json_object(&q->j);
	if (write_rows(q, &chart, &total, &truncated, err) < 0)
		return -1;
	end_compute(q, total, truncated, began_us, NULL);
	return 0;
}

int
query_compute(struct inquiry *q, const struct table_info *table, struct err *err)
{
	int64_t began_us = clock_boot(&clock_real).us;

	(void)table;
	if (compute(q, err) == 0)
		return 0;
	if (begin_error(q) < 0)
		return -1;
	json_key(&q->j, "rows");
	json_raw(&q->j, "[]");
	end_compute(q, 0, false, began_us, err->text);
	err_clear(err);
	return 0;
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

static int
write_fields(struct inquiry *q, struct err *err)
{
	struct columns columns;
	const char *source;

	if (open_source(q, &source, &columns, err) < 0)
		return -1;
	json_object(&q->j);
	json_key(&q->j, "fields");
	chart_fields_json(&columns, &q->j);
	json_kv_bool(&q->j, "cache_hit", false);
	json_kv_null(&q->j, "error");
	json_object_end(&q->j);
	return 0;
}

int
query_fields(struct inquiry *q, const struct table_info *table, struct err *err)
{
	(void)table;
	if (write_fields(q, err) == 0)
		return 0;
	if (begin_error(q) < 0)
		return -1;
	json_key(&q->j, "fields");
	json_raw(&q->j, "[]");
	json_kv_bool(&q->j, "cache_hit", false);
	json_kv_string(&q->j, "error", err->text);
	json_object_end(&q->j);
	err_clear(err);
	return 0;
}
