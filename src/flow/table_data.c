#include "flow/table_data.h"

#include <assert.h>

#include "base/json.h"
#include "base/uuid.h"
#include "flow/cells.h"
#include "flow/delta.h"

#define TEXT_MAX (16 * 1024 * 1024)

const char *
table_data_new_folder(const struct paths *paths, const char *name, struct arena *a)
{
	char *safe = arena_strdup(a, name), uuid[UUID_SIZE];

	for (char *p = safe; *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	uuid4(uuid);
	return arena_printf(a, "%s/%s_%.8s", paths->tables, safe, uuid);
}

static const char *
keep(struct buf *b, struct arena *a)
{
	const char *text = arena_strdup(a, buf_str(b));

	buf_free(b);
	return text;
}

const char *
table_data_schema(const struct columns *columns, struct arena *a)
{
	struct json j;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	json_init(&j, &b);
	columns_json_schema(columns, a, &j);
	return keep(&b, a);
}

static const char *
names_json(const struct delta_names *names, struct arena *a)
{
	struct json j;
	struct buf b;

	if (names->n == 0)
		return NULL;
	buf_init(&b, TEXT_MAX);
	json_init(&j, &b);
	json_array(&j);
	for (size_t i = 0; i < names->n; i++)
		json_string(&j, names->items[i]);
	json_array_end(&j);
	return keep(&b, a);
}

int
table_data_measure(struct duck *duck, const char *dir, struct arena *a, struct table_written *w,
	struct err *err)
{
	struct delta_snapshot s;

	if (delta_open(dir, DELTA_LATEST, duck, a, &s, err) < 0)
		return -1;
	w->file_path = dir;
	w->schema_json = table_data_schema(&s.columns, a);
	w->partition_columns = names_json(&s.partition_columns, a);
	w->column_count = (int64_t)s.columns.n;
	w->size_bytes = s.size;
	w->row_count = s.rows;
	if (s.rows >= 0)
		return 0;
	return duck_number(duck,
		arena_printf(a, "SELECT count(*) FROM (%s)", delta_scan_sql(&s, a)), &w->row_count,
		err);
}

/* What the write itself does not know, as it was not alone or some files say no number of rows. */
static int
count_again(struct duck *duck, const char *dir, struct arena *a, struct table_written *w,
	struct err *err)
{
	struct table_written measured = {0};

	if (table_data_measure(duck, dir, a, &measured, err) < 0)
		return -1;
	w->row_count = measured.row_count;
	w->size_bytes = measured.size_bytes;
	return 0;
}

int
table_data_after(struct duck *duck, const char *dir, struct arena *a,
	const struct delta_written *written, struct table_written *w, struct err *err)
{
	assert(written->columns.n > 0);
	*w = (struct table_written){
		.file_path = dir,
		.schema_json = table_data_schema(&written->columns, a),
		.partition_columns = names_json(&written->partition_columns, a),
		.column_count = (int64_t)written->columns.n,
		.row_count = written->rows,
		.size_bytes = written->size,
	};
	if ((written->rows >= 0 && written->size >= 0) || count_again(duck, dir, a, w, err) == 0)
		return 0;
	w->row_count = COUNT_NONE; /* keeps what the catalog has */
	if (written->size < 0)
		w->size_bytes = COUNT_NONE;
	return -1;
}
