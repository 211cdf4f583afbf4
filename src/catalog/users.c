#include "catalog/users.h"

int
users_local(struct db *db, int64_t *id, struct err *err)
{
	*id = 1;
	return stmt_get_int(db_stmt(db, SQL_CAT_USER_LOCAL), id, err) < 0 ? -1 : 0;
}

int
users_get(struct catalog *cat, int64_t id, struct arena *a, struct user_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_USER_GET);
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		out->id = col_int(st, 0);
		out->username = catalog_text(a, st, 1);
		out->disabled = col_bool(st, 2);
	}
	stmt_reset(st);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, "User not found");
	return r < 0 ? -1 : 0;
}
