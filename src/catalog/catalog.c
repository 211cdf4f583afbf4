#include "catalog/catalog.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"

const char *
catalog_detail(const struct err *err, char *out, size_t size)
{
	size_t len = strcspn(err->text, "\n");

	assert(size > 0);
	if (len >= size)
		len = size - 1;
	memcpy(out, err->text, len);
	out[len] = '\0';
	return out;
}

const char *
catalog_text(struct arena *a, const struct stmt *st, int c)
{
	return arena_strdup(a, col_text(st, c));
}

int64_t
catalog_time(const struct stmt *st, int c)
{
	int64_t us;

	return col_time(st, c, &us) > 0 ? us : TIME_NONE;
}

enum tri
catalog_tri(const struct stmt *st, int c)
{
	if (col_null(st, c))
		return TRI_NULL;
	return col_bool(st, c) ? TRI_TRUE : TRI_FALSE;
}

int
catalog_finish(struct catalog *cat, int rc, struct err *err)
{
	if (rc == 0)
		rc = db_commit(cat->db, err);
	if (rc < 0)
		db_rollback(cat->db);
	return rc;
}

void *
catalog_grow(struct arena *a, void *items, size_t n, size_t size)
{
	void *more;

	if (n == 0)
		return arena_array(a, 8, size);
	if (n < 8 || (n & (n - 1)) != 0)
		return items;
	more = arena_array(a, 2 * n, size);
	memcpy(more, items, n * size);
	return more;
}

void *
catalog_find(void *items, size_t n, size_t size, int64_t id)
{
	size_t low = 0, high = n;
	int64_t at;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		memcpy(&at, (char *)items + mid * size, sizeof(at));
		if (at == id)
			return (char *)items + mid * size;
		if (at < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int64_t
catalog_last_id(int64_t first)
{
	return first == ID_NONE ? INT64_MAX : first;
}

int
catalog_exec_id(struct catalog *cat, enum sql_id sql, int64_t id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, sql);

	stmt_int(st, 1, id);
	return stmt_exec(st, NULL, err);
}

int
catalog_count(struct catalog *cat, enum sql_id sql, int64_t id, int64_t *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, sql);

	*out = 0;
	stmt_int(st, 1, id);
	return stmt_get_int(st, out, err) < 0 ? -1 : 0;
}

bool
catalog_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void
catalog_json_tri(struct json *j, const char *key, enum tri v)
{
	if (v == TRI_NULL)
		json_kv_null(j, key);
	else
		json_kv_bool(j, key, v == TRI_TRUE);
}

void
catalog_json_utc(struct json *j, const char *key, int64_t us)
{
	char text[TIMEFMT_SIZE];

	if (key != NULL)
		json_key(j, key);
	if (us == TIME_NONE) {
		json_null(j);
		return;
	}
	time_format_utc(us, text);
	json_string(j, text);
}
