#include "catalog/favorites.h"

/* Where marks of a kind are, and the words for them. */
static const struct kind {
	const char *table; /* of Flowfile's */
	const char *no_mark;
} kinds[] = {
	[FAVORITE_FLOW] = {"flow_favorites", "Favorite not found"},
	[FAVORITE_FOLLOW] = {"flow_follows", "Follow not found"},
};

static int
insert(struct catalog *cat, const struct kind *kind, int64_t registration_id, struct arena *a,
	struct err *err)
{
	struct stmt *st = db_stmt_text(cat->db,
		arena_printf(a,
			"INSERT INTO %s (user_id, registration_id, created_at) VALUES ($1, $2, $3) "
			"ON CONFLICT (user_id, registration_id) DO NOTHING",
			kind->table));
	int rc;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, registration_id);
	stmt_time(st, 3, clock_wall(cat->clock));
	rc = stmt_exec(st, NULL, err);
	stmt_finish(st);
	return rc;
}

static int
look(struct catalog *cat, const struct kind *kind, int64_t registration_id, struct arena *a,
	struct favorite_info *out, struct err *err)
{
	struct stmt *st = db_stmt_text(cat->db,
		arena_printf(a,
			"SELECT id, user_id, registration_id, created_at FROM %s WHERE user_id = "
			"$1 AND "
			"registration_id = $2",
			kind->table));
	int r;

	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, registration_id);
	r = stmt_step(st, err);
	if (r > 0)
		*out = (struct favorite_info){
			col_int(st, 0), col_int(st, 1), col_int(st, 2), catalog_time(st, 3)};
	stmt_finish(st);
	return r < 0 ? -1 : 0;
}

static int
add_in_transaction(struct catalog *cat, const struct kind *kind, int64_t registration_id,
	struct arena *a, struct favorite_info *out, struct err *err)
{
	int64_t found;

	if (catalog_count(cat, SQL_CAT_FLOW_EXISTS, registration_id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Flow not found");
	if (insert(cat, kind, registration_id, a, err) < 0)
		return -1;
	return look(cat, kind, registration_id, a, out, err);
}

int
favorites_add(struct catalog *cat, enum favorite_kind kind, int64_t registration_id,
	struct favorite_info *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	*out = (struct favorite_info){0};
	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = add_in_transaction(cat, &kinds[kind], registration_id, &a, out, err);
	rc = catalog_finish(cat, rc, err);
	arena_free(&a);
	return rc;
}

int
favorites_remove(
	struct catalog *cat, enum favorite_kind kind, int64_t registration_id, struct err *err)
{
	const struct kind *k = &kinds[kind];
	struct arena a = ARENA_INIT;
	struct stmt *st;
	int64_t n = 0;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	st = db_stmt_text(cat->db,
		arena_printf(&a, "DELETE FROM %s WHERE user_id = $1 AND registration_id = $2",
			k->table));
	stmt_int(st, 1, cat->user_id);
	stmt_int(st, 2, registration_id);
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
			"SELECT registration_id FROM %s WHERE user_id = $1 ORDER BY created_at "
			"DESC, id DESC",
			k->table));
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
favorites_json(struct json *j, const struct favorite_info *favorite)
{
	json_object(j);
	json_kv_int(j, "id", favorite->id);
	json_kv_int(j, "user_id", favorite->user_id);
	json_kv_int(j, "registration_id", favorite->registration_id);
	json_kv_time(j, "created_at", favorite->created_us);
	json_object_end(j);
}
