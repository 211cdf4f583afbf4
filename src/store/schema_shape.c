/* Which tables and columns of Flowfile's our programs rely on, and whether they are there. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/schema_parts.h"

/* Contract 1.3, and of 1.4 what the API counts. */
static const struct {
	const char *table;
	const char *columns;
} needed[] = {
	{"users",
		"id username email full_name hashed_password disabled is_admin "
		"must_change_password"},
	{"catalog_namespaces",
		"id name parent_id level description owner_id created_at updated_at is_public "
		"storage_uri "
		"storage_connection_name"},
	{"flow_registrations",
		"id name description flow_path namespace_id owner_id created_at updated_at "
		"flow_uuid "
		"is_api_compatible"},
	{"flow_runs",
		"id registration_id flow_name flow_path user_id started_at ended_at success "
		"nodes_completed number_of_nodes duration_seconds run_type pid schedule_id "
		"flow_snapshot "
		"node_results_json flow_uuid"},
	{"flow_schedules",
		"id registration_id owner_id enabled name description schedule_type "
		"interval_seconds "
		"trigger_table_id last_triggered_at last_trigger_table_updated_at created_at "
		"updated_at "
		"cron_expression cron_timezone last_cron_slot"},
	{"schedule_trigger_tables", "id schedule_id table_id created_at"},
	{"catalog_tables",
		"id name namespace_id description owner_id file_path storage_format schema_json "
		"row_count "
		"column_count size_bytes source_registration_id source_run_id created_at "
		"updated_at "
		"table_type producer_registration_id serialized_lazy_frame is_optimized sql_query "
		"polars_plan source_table_versions partition_columns scd2_config "
		"prediction_table_id"},
	{"catalog_table_read_links", "id table_id registration_id created_at"},
	{"scheduler_lock", "id holder_id started_at heartbeat_at"},
	{"db_info", "id app_version updated_at"},
	{"flow_favorites", "id user_id registration_id created_at"},
	{"flow_follows", "id user_id registration_id created_at"},
	{"table_favorites", "id user_id table_id created_at"},
	{"global_artifacts", "id namespace_id status source_registration_id"},
	{"catalog_notebooks", "id namespace_id"},
};

/* Ours, which the triggers write to: when one is missing, every write of everybody fails. */
static const char *const ours[] = {"scheduler_changes", "scheduler_tables", "scheduler_consumed",
	"scheduler_cursors", "scheduler_firings", "scheduler_runs", "scheduler_active",
	"scheduler_requests", "scheduler_instances", "scheduler_settings", "scheduler_history",
	"scheduler_history_groups", "scheduler_sources"};

#define N_NEEDED ARRAY_LEN(needed)
#define N_OURS ARRAY_LEN(ours)

static bool
has_word(const char *words, const char *word, size_t len)
{
	for (const char *p = words; (p = strstr(p, word)) != NULL; p++) {
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

static void
note_missing(struct schema_shape *shape, const char *table, const char *column)
{
	if (shape->missing[0] == '\0')
		snprintf(shape->missing, sizeof(shape->missing), "%s%s%s", table,
			column[0] != '\0' ? "." : "", column);
}

static void
check_columns(struct schema_shape *shape, const char *table, const char *wanted, const char *there)
{
	char column[64];

	for (const char *p = wanted; *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		snprintf(column, sizeof(column), "%.*s", (int)len, p);
		if (!has_word(there, column, len))
			note_missing(shape, table, column);
		p += len;
	}
}

static void
shape_row(struct schema_shape *shape, bool found[], const char *table, const char *columns)
{
	shape->n_tables++;
	if (strcmp(table, "alembic_version") == 0)
		shape->revision_table = true;
	if (strcmp(table, "scheduler_migrations") == 0)
		shape->migrations_table = true;
	for (size_t i = 0; i < N_NEEDED; i++) {
		if (strcmp(table, needed[i].table) != 0)
			continue;
		found[i] = true;
		check_columns(shape, table, needed[i].columns, columns);
	}
	for (size_t i = 0; i < N_OURS; i++)
		if (strcmp(table, ours[i]) == 0)
			found[N_NEEDED + i] = true;
}

int
schema_get_shape(struct db *db, struct schema_shape *shape, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_SHAPE);
	bool found[N_NEEDED + N_OURS] = {false};
	int r;

	memset(shape, 0, sizeof(*shape));
	while ((r = stmt_step(st, err)) > 0)
		shape_row(shape, found, col_text(st, 0), col_text(st, 1));
	if (r < 0)
		return -1;
	for (size_t i = 0; i < N_NEEDED; i++)
		if (!found[i])
			note_missing(shape, needed[i].table, "");
	for (size_t i = 0; i < N_OURS && shape->ours_missing == NULL; i++)
		if (!found[N_NEEDED + i])
			shape->ours_missing = ours[i];
	return 0;
}
