#include "catalog/favorites.h"

/* Where marks of a kind are, and the words for them. */
static const struct kind {
	const char *table, *column; /* of Flowfile's */
	enum sql_id exists;
	const char *no_object, *no_mark;
} kinds[] = {
	[FAVORITE_FLOW] = {"flow_favorites", "registration_id", SQL_CAT_FLOW_EXISTS,
		"Flow not found", "Favorite not found"},
	[FAVORITE_FOLLOW] = {"flow_follows", "registration_id", SQL_CAT_FLOW_EXISTS,
		"Flow not found", "Follow not found"},
	[FAVORITE_TABLE] = {"table_favorites", "table_id", SQL_CAT_TABLE_EXISTS,
		"Catalog table not found", "Table favorite not found"},
};

static int
insert(struct catalog *cat, const struct kind *kind, int64_t object_id, struct arena *a,
	struct err *err)
{
	struct stmt *st = db_stmt_text(cat->db,
		arena_printf(a,
			"INSERT INTO %s (user_id, %s, created_at) VALUES ($1, $2, $3) ON CONFLICT "
			"(user_id, %s) DO NOTHING",
			kind->table, kind->column, kind->column));
	int rc;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, object_id);
	stmt_time(st, 3, clock_wall(cat->clock));
	rc = stmt_exec(st, NULL, err);
	stmt_finish(st);
	return rc;
}

static int
look(struct catalog *cat, const struct kind *kind, int64_t object_id, struct arena *a,
	struct favorite_info *out, struct err *err)
{
	struct stmt *st = db_stmt_text(cat->db,
		arena_printf(a,
			"SELECT id, user_id, %s, created_at FROM %s WHERE user_id = $1 AND %s = $2",
			kind->column, kind->table, kind->column));
	int r;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, object_id);
	r = stmt_step(st, err);
	if (r > 0)
		*out = (struct favorite_info){
			col_int(st, 0), col_int(st, 1), col_int(st, 2), catalog_time(st, 3)};
	stmt_finish(st);
	return r < 0 ? -1 : 0;
}

static int
add_in_transaction(struct catalog *cat, const struct kind *kind, int64_t object_id, struct arena *a,
	struct favorite_info *out, struct err *err)
{
	int64_t found;

	if (catalog_count(cat, kind->exists, object_id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "%s", kind->no_object);
	if (insert(cat, kind, object_id, a, err) < 0)
		return -1;
	return look(cat, kind, object_id, a, out, err);
}

int
favorites_add(struct catalog *cat, enum favorite_kind kind, int64_t object_id,
	struct favorite_info *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	*out = (struct favorite_info){0};
	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = add_in_transaction(cat, &kinds[kind], object_id, &a, out, err);
	rc = catalog_finish(cat, rc, err);
	arena_free(&a);
	return rc;
}

int
favorites_remove(struct catalog *cat, enum favorite_kind kind, int64_t object_id, struct err *err)
{
	const struct kind *k = &kinds[kind];
	struct arena a = ARENA_INIT;
	struct stmt *st;
	int64_t n = 0;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	st = db_stmt_text(cat->db,
		arena_printf(
			&a, "DELETE FROM %s WHERE user_id = $1 AND %s = $2", k->table, k->column));
	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, object_id);
	rc = stmt_exec(st, &n, err);
	stmt_finish(st);
	rc = catalog_finish(cat, rc, err);
	arena_free(&a);
	if (rc == 0 && n == 0)
		return err_set(err, ERR_NOT_FOUND, "%s", k->no_mark);
	return rc;
}

int
favorites_list(struct catalog *cat, enum favorite_kind kind, struct arena *a, int64_t **ids,
	size_t *n, struct err *err)
{
	const struct kind *k = &kinds[kind];
	struct stmt *st = db_stmt_text(cat->db,
		arena_printf(a,
			"SELECT %s FROM %s WHERE user_id = $1 ORDER BY created_at DESC, id DESC",
			k->column, k->table));
	int r;

	*ids = NULL;
	*n = 0;
	stmt_int(st, 1, cat->user_id);
	while ((r = stmt_step(st, err)) > 0) {
		*ids = catalog_grow(a, *ids, *n, sizeof(**ids));
		(*ids)[(*n)++] = col_int(st, 0);
	}
	stmt_finish(st);
	return r;
}

void
favorites_json(struct json *j, enum favorite_kind kind, const struct favorite_info *favorite)
{
	json_object(j);
	json_kv_int(j, "id", favorite->id);
	json_kv_int(j, "user_id", favorite->user_id);
	json_kv_int(j, kinds[kind].column, favorite->object_id);
	json_kv_time(j, "created_at", favorite->created_us);
	json_object_end(j);
}
