/* What is asked of a Delta table as a whole: its past, its upkeep. */
#include <string.h>

#include "base/timefmt.h"
#include "flow/delta.h"
#include "query.h"

/* --- the past ------------------------------------------------------------------------------------------- */

/* As Python's isoformat() of a time in UTC. */
static const char *
iso_time(int64_t us, struct arena *a)
{
	char text[TIMEFMT_SIZE];

	if (us == TIME_NONE)
		return NULL;
	time_format_api(us, text);
	return arena_printf(a, "%s+00:00", text);
}

static void
json_commit(struct json *j, const struct delta_commit *commit, struct arena *a)
{
	json_object(j);
	json_kv_int(j, "version", commit->version);
	json_kv_string(j, "timestamp", iso_time(commit->timestamp_us, a));
	json_kv_string(j, "operation", commit->operation);
	json_key(j, "parameters");
	if (commit->parameters != NULL)
		json_raw(j, commit->parameters);
	else
		json_null(j);
	json_object_end(j);
}

int
query_history(struct inquiry *q, const struct table_info *table, struct err *err)
{
	int64_t limit = query_int(q, "limit", 0), current;
	struct delta_commit *commits;
	size_t n;

	if (delta_history(table->file_path, limit > 0 ? (size_t)limit : 0, &q->arena, &commits, &n,
		    &current, err) < 0)
		return -1;
	json_object(&q->j);
	json_kv_int(&q->j, "current_version", current);
	json_key(&q->j, "history");
	json_array(&q->j);
	for (size_t i = 0; i < n; i++)
		json_commit(&q->j, &commits[i], &q->arena);
	json_array_end(&q->j);
	json_object_end(&q->j);
	return 0;
}

/* --- upkeep ---------------------------------------------------------------------------------------------- */

static int
json_size(struct inquiry *q, const struct table_info *table, struct err *err)
{
	struct delta_snapshot now;

	if (delta_open(table->file_path, DELTA_LATEST, q->duck, &q->arena, &now, err) < 0)
		return -1;
	json_kv_int(&q->j, "size_bytes", now.size);
	return 0;
}

static struct delta_names
order_of(struct inquiry *q)
{
	const cJSON *columns = cJSON_GetObjectItemCaseSensitive(q->question, "z_order_columns");
	const char **names =
		arena_array(&q->arena, (size_t)cJSON_GetArraySize(columns) + 1, sizeof(*names));
	const cJSON *column;
	size_t n = 0;

	cJSON_ArrayForEach(column, columns) names[n++] = cJSON_GetStringValue(column);
	return (struct delta_names){names, n};
}

/* In Flowfile's words, which list those that are not there as Python does. */
static int
check_order(struct inquiry *q, const struct table_info *table, const struct delta_names *order,
	struct err *err)
{
	struct delta_snapshot now;
	const char *missing = "";

	if (delta_open(table->file_path, DELTA_LATEST, q->duck, &q->arena, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < order->n; i++)
		if (columns_find(&now.columns, order->items[i]) == NULL)
			missing = arena_printf(&q->arena, "%s%s'%s'", missing,
				*missing != '\0' ? ", " : "", order->items[i]);
	return *missing == '\0'
		? 0
		: err_set(err, ERR_USAGE, "z_order_columns not in table schema: [%s]", missing);
}

int
query_optimize(struct inquiry *q, const struct table_info *table, struct err *err)
{
	struct delta_names order = order_of(q);
	struct delta_written written;

	if (check_order(q, table, &order, err) < 0 ||
		delta_optimize(q->duck, table->file_path, &order, &written, err) < 0)
		return -1;
	json_object(&q->j);
	json_key(&q->j, "metrics");
	json_object(&q->j);
	json_kv_int(&q->j, "numFilesAdded", written.files_added);
	json_kv_int(&q->j, "numFilesRemoved", written.files_removed);
	json_object_end(&q->j);
	if (json_size(q, table, err) < 0)
		return -1;
	json_object_end(&q->j);
	return 0;
}

int
query_vacuum(struct inquiry *q, const struct table_info *table, struct err *err)
{
	bool dry_run = query_bool(q, "dry_run");
	struct delta_names removed;

	if (delta_vacuum(q->duck, table->file_path, query_int(q, "retention_hours", 168), dry_run,
		    &q->arena, &removed, err) < 0)
		return -1;
	json_object(&q->j);
	json_kv_bool(&q->j, "dry_run", dry_run);
	json_key(&q->j, "files_removed");
	json_array(&q->j);
	for (size_t i = 0; i < removed.n; i++)
		json_string(&q->j, removed.items[i]);
	json_array_end(&q->j);
	json_kv_int(&q->j, "file_count", (int64_t)removed.n);
	if (json_size(q, table, err) < 0)
		return -1;
	json_object_end(&q->j);
	return 0;
}
