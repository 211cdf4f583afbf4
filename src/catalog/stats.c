#include "catalog/stats.h"

#include "catalog/favorites.h"
#include "catalog/flows.h"
#include "catalog/runs.h"
#include "catalog/tables.h"

#define RECENT_RUNS 10

/* In the order of the statement's columns, which is that of the answer. */
static const char *const counts[] = {"total_namespaces", "total_flows", "total_runs",
	"total_favorites", "total_table_favorites", "total_artifacts", "total_tables",
	"total_virtual_tables", "total_schedules"};

static int
json_counts(struct catalog *cat, int64_t total_runs, struct json *j, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATS_COUNTS);
	int r;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, total_runs);
	r = stmt_step(st, err);
	for (int i = 0; r > 0 && i < (int)(sizeof(counts) / sizeof(counts[0])); i++)
		json_kv_int(j, counts[i], col_int(st, i));
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

int
stats_json(struct catalog *cat, struct arena *a, struct json *j, struct err *err)
{
	const struct run_filter recent = {.limit = RECENT_RUNS};
	struct run_page page;
	struct flow_list favorites;
	struct table_list tables;
	struct run_list active;

	if (runs_list(cat, &recent, a, &page, err) < 0 ||
		flows_marked(cat, FAVORITE_FLOW, a, &favorites, err) < 0 ||
		tables_favorites(cat, a, &tables, err) < 0 || runs_active(cat, a, &active, err) < 0)
		return -1;
	json_object(j);
	if (json_counts(cat, page.total, j, err) < 0)
		return -1;
	json_key(j, "recent_runs");
	json_array(j);
	for (size_t i = 0; i < page.n; i++) {
		page.items[i].flow_name = page.items[i].stored_name;
		runs_json_api(j, &page.items[i]);
	}
	json_array_end(j);
	json_key(j, "favorite_flows");
	json_array(j);
	for (size_t i = 0; i < favorites.n; i++)
		flows_json(j, &favorites.items[i]);
	json_array_end(j);
	json_key(j, "favorite_tables");
	json_array(j);
	for (size_t i = 0; i < tables.n; i++)
		tables_json(j, &tables.items[i]);
	json_array_end(j);
	json_key(j, "active_runs");
	json_array(j);
	for (size_t i = 0; i < active.n; i++)
		runs_json_active(j, &active.items[i]);
	json_array_end(j);
	json_object_end(j);
	return 0;
}
