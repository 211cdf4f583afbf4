/* Data of tables as far as the catalog knows it: that it was replaced, and what of it is ours to remove. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/tables.h"

/* --- removing -------------------------------------------------------------------------------------------- */

/* Strictly inside, links followed: a link in the managed folder does not make its target managed. */
static bool
is_managed(const struct paths *paths, const char *real)
{
	char root[PATH_MAX];
	size_t len;

	if (realpath(paths->tables, root) == NULL)
		return false;
	len = strlen(root);
	return strncmp(real, root, len) == 0 && real[len] == '/' && real[len + 1] != '\0';
}

void
tables_drop_data(struct catalog *cat, const char *file_path)
{
	char real[PATH_MAX];

	if (file_path == NULL || strstr(file_path, "://") != NULL ||
		realpath(file_path, real) == NULL || !is_managed(cat->paths, real))
		return;
	if (file_remove_all(real) < 0)
		log_warning(
			"A table's data could not be removed: %s path=%s", strerror(errno), real);
}

/* --- replacing --------------------------------------------------------------------------------------------- */

static const char *
format_of(const char *path)
{
	struct stat sb;
	char *log;
	bool is_delta;

	if (strstr(path, "://") != NULL)
		return "delta";
	log = path_join(path, "_delta_log");
	is_delta = stat(log, &sb) == 0 && S_ISDIR(sb.st_mode);
	free(log);
	return is_delta ? "delta" : "parquet";
}

static bool
has_column(const cJSON *schema, const char *name)
{
	const cJSON *column;

	cJSON_ArrayForEach(column, schema)
	{
		const char *its = cJSON_GetStringValue(cJSON_GetObjectItem(column, "name"));

		if (its != NULL && strcmp(its, name) == 0)
			return true;
	}
	return false;
}

bool
tables_scd2_is_stale(const char *scd2_json, const char *schema_json)
{
	static const char *const names[] = {"surrogate_key_column", "valid_from_column",
		"valid_to_column", "is_current_column"};
	cJSON *scd2 = scd2_json != NULL ? cJSON_Parse(scd2_json) : NULL;
	cJSON *schema = schema_json != NULL ? cJSON_Parse(schema_json) : NULL;
	bool stale = false;

	for (size_t i = 0; i < ARRAY_LEN(names) && cJSON_GetArraySize(schema) > 0; i++) {
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(scd2, names[i]));

		stale = stale || (name != NULL && !has_column(schema, name));
	}
	cJSON_Delete(scd2);
	cJSON_Delete(schema);
	return stale;
}

static int
write_data(struct catalog *cat, int64_t id, const struct table_data *data, struct err *err)
{
	struct stmt *st;
	int64_t now;

	if (tables_next_stamp(cat, id, &now, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_OVERWRITE);
	stmt_text(st, 1, data->file_path);
	stmt_text(st, 2,
		data->storage_format != NULL ? data->storage_format : format_of(data->file_path));
	stmt_text(st, 3, data->schema_json);
	stmt_int_or_null(st, 4, data->row_count, COUNT_NONE);
	stmt_int_or_null(st, 5, data->column_count, COUNT_NONE);
	stmt_int_or_null(st, 6, data->size_bytes, COUNT_NONE);
	stmt_text(st, 7, data->description);
	stmt_time(st, 8, now);
	stmt_int(st, 9, id);
	return stmt_exec(st, NULL, err);
}

static int
overwrite_in_transaction(struct catalog *cat, int64_t id, const struct table_data *data,
	struct arena *a, const char **old_path, struct err *err)
{
	struct table_info old;

	if (tables_get(cat, id, a, &old, err) < 0)
		return -1;
	if (data->file_path == NULL)
		return err_set(err, ERR_USAGE,
			"overwrite_table_data requires either table_path or parquet_path");
	*old_path = old.file_path;
	if (write_data(cat, id, data, err) < 0)
		return -1;
	if (tables_scd2_is_stale(old.scd2_config, data->schema_json))
		return catalog_exec_id(cat, SQL_CAT_TABLE_DROP_SCD2, id, err);
	return 0;
}

/* Whether two paths are of the same file or folder, or one holds the other. */
static bool
overlap(const char *a, const char *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	size_t n;

	if (strcmp(a, b) == 0)
		return true;
	if (realpath(a, x) == NULL || realpath(b, y) == NULL)
		return false;
	n = strlen(x) < strlen(y) ? strlen(x) : strlen(y);
	return strncmp(x, y, n) == 0 && (x[n] == '\0' || x[n] == '/') &&
		(y[n] == '\0' || y[n] == '/');
}

int
tables_overwrite(struct catalog *cat, int64_t id, const struct table_data *data, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *old_path = NULL;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, overwrite_in_transaction(cat, id, data, &a, &old_path, err), err);
	if (rc == 0 && old_path != NULL && strstr(data->file_path, "://") == NULL &&
		!overlap(old_path, data->file_path))
		tables_drop_data(cat, old_path);
	arena_free(&a);
	return rc;
}

int
tables_set_size(struct catalog *cat, int64_t id, int64_t size_bytes, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_SET_SIZE);

	stmt_int(st, 1, size_bytes);
	stmt_int(st, 2, id);
	return stmt_exec(st, NULL, err);
}

/* --- favorites ------------------------------------------------------------------------------------------------ */

static int
add_in_transaction(struct catalog *cat, int64_t id, struct table_favorite *out, struct err *err)
{
	struct stmt *st;
	int64_t found;
	int r;

	if (catalog_count(cat, SQL_CAT_TABLE_EXISTS, id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	st = db_stmt(cat->db, SQL_CAT_TABLE_FAVORITE_ADD);
	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, id);
	stmt_time(st, 3, clock_wall(cat->clock));
	if (stmt_exec(st, NULL, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_FAVORITE_GET);
	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, id);
	r = stmt_step(st, err);
	if (r > 0)
		*out = (struct table_favorite){
			col_int(st, 0), cat->user_id, id, catalog_time(st, 1)};
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

int
tables_add_favorite(struct catalog *cat, int64_t id, struct table_favorite *out, struct err *err)
{
	*out = (struct table_favorite){0};
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, add_in_transaction(cat, id, out, err), err);
}

int
tables_drop_favorite(struct catalog *cat, int64_t id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_FAVORITE_DROP);
	int64_t n;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, id);
	if (stmt_exec(st, &n, err) < 0)
		return -1;
	return n > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "Table favorite not found");
}

int
tables_favorites(struct catalog *cat, struct arena *a, struct table_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_FAVORITES);
	struct table_info *t;
	int r;

	*out = (struct table_list){NULL, 0};
	stmt_int(st, 1, cat->user_id);
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		t = &out->items[out->n];
		if (tables_get(cat, col_int(st, 0), a, t, err) == 0)
			out->n++;
		else if (err->code != ERR_NOT_FOUND)
			break;
		else
			err_clear(err);
	}
	stmt_reset(st);
	return r == 0 ? 0 : -1;
}
