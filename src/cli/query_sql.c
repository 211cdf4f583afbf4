/* Queries that people write over the tables of the catalog (contract 5.11). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "flow/catalog_sql.h"
#include "flow/cells.h"
#include "query.h"

#define INPUT "input_"

/* Compiles the question's query and confines the engine. */
static int
compile(struct inquiry *q, struct catalog_sql_uses *uses, const char **sql, struct err *err)
{
	struct relation *relation;

	if (catalog_sql_compile(q->plan, q->scope, query_text(q, "sql"), uses, &relation, err) < 0)
		return -1;
	*sql = plan_sql_text(q->plan, relation);
	return query_seal(q, NULL, err);
}

/* --- a result --------------------------------------------------------------------------------------------- */

static int
check_tables(struct inquiry *q, struct err *err)
{
	struct stmt *st = db_stmt(q->catalog.db, SQL_CAT_TABLE_ANY);
	int64_t id;
	int r = stmt_get_int(st, &id, err);

	return r != 0 ? r : err_set(err, ERR_NOT_FOUND, "No catalog tables available");
}

static void
json_end_result(struct inquiry *q, int64_t total, bool truncated, int64_t us,
	const struct catalog_sql_uses *uses, const char *error)
{
	json_kv_int(&q->j, "total_rows", total);
	json_kv_bool(&q->j, "truncated", truncated);
	json_kv_double(&q->j, "execution_time_ms", round((double)us / 100) / 10);
	json_key(&q->j, "used_tables");
	json_array(&q->j);
	for (size_t i = 0; i < uses->n; i++)
		json_string(&q->j, uses->items[i].name);
	json_array_end(&q->j);
	json_kv_string(&q->j, "error", error);
	json_object_end(&q->j);
}

/* As many rows as asked for, and how many there are in all: counted only when there are more. */
static int
write_result(struct inquiry *q, const char *sql, int64_t *total, bool *truncated, struct err *err)
{
	int64_t max = query_int(q, "max_rows", 0);
	struct cells cells;

	if (max < 0)
		max = 0;
	if (cells_query(q->duck, sql, max, &q->arena, &cells, err) < 0)
		return -1;
	columns_json(&cells.columns, type_to_polars, &q->arena, &q->j);
	json_key(&q->j, "rows");
	*total = cells_json_rows(&cells, &q->j);
	cells_free(&cells);
	if (*total == max &&
		duck_number(q->duck, arena_printf(&q->arena, "SELECT count(*) FROM (%s\n)", sql),
			total, err) < 0)
		return -1;
	*truncated = *total > max;
	return 0;
}

static int
run_sql(struct inquiry *q, struct err *err)
{
	int64_t began_us = clock_boot(&clock_real).us, total;
	struct catalog_sql_uses uses;
	const char *sql;
	bool truncated;

	if (check_tables(q, err) < 0 || compile(q, &uses, &sql, err) < 0)
		return -1;
	json_object(&q->j);
	if (write_result(q, sql, &total, &truncated, err) < 0)
		return -1;
	json_end_result(q, total, truncated, clock_boot(&clock_real).us - began_us, &uses, NULL);
	return 0;
}

/* What goes wrong is a result, too: with empty lists and an error. */
int
query_sql(struct inquiry *q, const struct table_info *table, struct err *err)
{
	static const struct catalog_sql_uses none;

	(void)table;
	if (run_sql(q, err) == 0)
		return 0;
	buf_reset(&q->out);
	json_init(&q->j, &q->out);
	json_object(&q->j);
	columns_json(&(const struct columns){NULL, 0}, type_to_polars, &q->arena, &q->j);
	json_key(&q->j, "rows");
	json_array(&q->j);
	json_array_end(&q->j);
	json_end_result(q, 0, false, 0, &none, err->text);
	err_clear(err);
	return 0;
}

/* --- a schema ------------------------------------------------------------------------------------------------ */

/* A query that becomes a virtual table is run for one row: what fails then would fail for whoever reads it. */
static int
write_schema(struct inquiry *q, struct err *err)
{
	int64_t id = query_int(q, "becomes_table_id", ID_NONE);
	struct cells cells;
	const char *sql;

	/* The table may not be made of itself. */
	if (id != ID_NONE)
		q->scope = plan_scope(q->plan, NULL, q->scope, id);
	if (compile(q, NULL, &sql, err) < 0 ||
		cells_query(q->duck, sql, 1, &q->arena, &cells, err) < 0)
		return -1;
	columns_json_schema(&cells.columns, &q->arena, &q->j);
	cells_free(&cells);
	return 0;
}

int
query_schema(struct inquiry *q, const struct table_info *table, struct err *err)
{
	(void)table;
	if (write_schema(q, err) == 0)
		return 0;
	err_prefix(err, "SQL query failed");
	return query_fail(q, 422);
}

/* --- a flow ---------------------------------------------------------------------------------------------------- */

static int
check_names(const struct query *query, struct err *err)
{
	for (size_t i = 0; i < query->n_ctes; i++)
		if (strncasecmp(query->ctes[i], INPUT, strlen(INPUT)) == 0)
			return err_set(err, ERR_USAGE,
				"%s: in a flow the inputs of a query are called so; give this part "
				"of the query another name",
				query->ctes[i]);
	return 0;
}

/* Each table once, in the order in which the query names them; they are its inputs from then on. */
static int
write_inputs(struct inquiry *q, struct query *query, struct err *err)
{
	int64_t *ids = arena_array(&q->arena, query->n_tables + 1, sizeof(*ids));
	struct table_matches found;
	size_t n = 0, k;

	for (size_t i = 0; i < query->n_tables; i++) {
		struct query_table *t = &query->tables[i];

		if (tables_resolve(&q->catalog, query_table_name(t, &q->arena), ID_NONE, true,
			    &q->arena, &found, err) < 0)
			return -1;
		for (k = 0; k < n && ids[k] != found.items[0].id; k++)
			;
		if (k == n) {
			ids[n++] = found.items[0].id;
			json_object(&q->j);
			json_kv_int(&q->j, "id", found.items[0].id);
			json_kv_string(&q->j, "name", found.items[0].name);
			json_kv_string(&q->j, "full_name", found.items[0].qualified_name);
			json_object_end(&q->j);
		}
		t->becomes = arena_printf(&q->arena, INPUT "%zu", k + 1);
	}
	return 0;
}

static int
write_flow(struct inquiry *q, struct err *err)
{
	struct query query;
	const char *sql;

	if (compile(q, NULL, &sql, err) < 0 ||
		query_parse(q->duck, query_text(q, "sql"), &q->arena, &query, err) < 0 ||
		check_names(&query, err) < 0)
		return -1;
	json_object(&q->j);
	json_key(&q->j, "tables");
	json_array(&q->j);
	if (write_inputs(q, &query, err) < 0)
		return -1;
	json_array_end(&q->j);
	if (query_bind(&query, &q->arena, &sql, err) < 0)
		return -1;
	json_kv_string(&q->j, "sql_code", sql);
	json_object_end(&q->j);
	return 0;
}

int
query_flow(struct inquiry *q, const struct table_info *table, struct err *err)
{
	(void)table;
	return write_flow(q, err) < 0 ? query_fail(q, 500) : 0;
}
