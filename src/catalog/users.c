#include "catalog/users.h"

int
users_local(struct db *db, int64_t *id, struct err *err)
{
	*id = 1;
	return stmt_get_int(db_stmt(db, SQL_CAT_USER_LOCAL), id, err) < 0 ? -1 : 0;
}

/* 1: a user; 0: none; -1. */
static int
take(struct stmt *st, struct arena *a, struct user_info *out, struct err *err)
{
	int r = stmt_step(st, err);

	if (r > 0) {
		out->id = col_int(st, 0);
		out->username = catalog_text(a, st, 1);
		out->disabled = col_bool(st, 2);
		out->admin = col_bool(st, 3);
	}
	stmt_reset(st);
	return r;
}

int
users_get(struct catalog *cat, int64_t id, struct arena *a, struct user_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_USER_GET);
	int r;

	stmt_int(st, 1, id);
	r = take(st, a, out, err);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, "User not found");
	return r < 0 ? -1 : 0;
}

int
users_by_name(struct catalog *cat, const char *name, struct arena *a, struct user_info *out,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_USER_BY_NAME);

	stmt_text(st, 1, name);
	return take(st, a, out, err);
}

int
users_of_kernel(struct catalog *cat, const char *kernel_id, struct arena *a, struct user_info *out,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_USER_OF_KERNEL);

	stmt_text(st, 1, kernel_id);
	return take(st, a, out, err);
}
