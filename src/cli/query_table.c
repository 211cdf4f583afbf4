/* What is asked of a Delta table as a whole: its past, its upkeep. */
#include <string.h>

#include "base/timefmt.h"
#include "flow/delta.h"
#include "query.h"

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
