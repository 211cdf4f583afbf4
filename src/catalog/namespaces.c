#include "catalog/namespaces.h"

#include <stdlib.h>
#include <string.h>

static int
by_name(const void *a, const void *b)
{
	const struct namespace_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

static void
read_row(const struct stmt *st, struct arena *a, struct namespace_info *ns)
{
	const char *parent = col_text(st, 10);

	ns->id = col_int(st, 0);
	ns->name = catalog_text(a, st, 1);
	ns->parent_id = col_int_or(st, 2, ID_NONE);
	ns->level = col_int(st, 3);
	ns->description = catalog_text(a, st, 4);
	ns->owner_id = col_int(st, 5);
	ns->created_us = catalog_time(st, 6);
	ns->updated_us = catalog_time(st, 7);
	ns->storage_uri = catalog_text(a, st, 8);
	ns->storage_connection_name = catalog_text(a, st, 9);
	ns->full_name = parent != NULL ? arena_printf(a, "%s.%s", parent, ns->name) : ns->name;
}

static int
select_rows(struct catalog *cat, int64_t id, int64_t parent_id, struct arena *a,
	struct namespace_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_NAMESPACES_LIST);
	int r;

	out->items = NULL;
	out->n = 0;
	stmt_int(st, 1, id);
	stmt_int(st, 2, parent_id);
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		read_row(st, a, &out->items[out->n++]);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_name);
	return r;
}

int
namespaces_list(struct catalog *cat, int64_t parent_id, struct arena *a, struct namespace_list *out,
	struct err *err)
{
	return select_rows(cat, ID_NONE, parent_id, a, out, err);
}

int
namespaces_get(struct catalog *cat, int64_t id, struct arena *a, struct namespace_info *out,
	struct err *err)
{
	struct namespace_list list = {NULL, 0};

	if (id > 0 && select_rows(cat, id, NAMESPACES_ALL, a, &list, err) < 0)
		return -1;
	if (list.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Namespace not found");
	*out = list.items[0];
	return 0;
}

int
namespaces_check(struct catalog *cat, int64_t id, struct err *err)
{
	int64_t found;

	if (id == ID_NONE)
		return 0;
	if (catalog_count(cat, SQL_CAT_NAMESPACE_EXISTS, id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Namespace not found");
	return 0;
}

static int
check_name(struct catalog *cat, const char *name, int64_t parent_id, int64_t self, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_NAMESPACE_NAME_TAKEN);
	int64_t other;
	int r;

	if (*name == '\0')
		return err_set(err, ERR_USAGE, "Namespace name must not be empty");
	if (strchr(name, '.') != NULL)
		return err_set(err, ERR_USAGE, "Namespace name must not contain '.'");
	stmt_text(st, 1, name);
	stmt_int_or_null(st, 2, parent_id, ID_NONE);
	stmt_int(st, 3, self);
	r = stmt_get_int(st, &other, err);
	if (r > 0)
		return err_set(
			err, ERR_CONFLICT, "Namespace with this name already exists at this level");
	return r;
}

static int
create_in_transaction(
	struct catalog *cat, const struct namespace_new *new, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_NAMESPACE_LEVEL);
	int64_t level = -1;

	if (new->parent_id != ID_NONE) {
		stmt_int(st, 1, new->parent_id);
		if (stmt_get_int(st, &level, err) < 0)
			return -1;
		if (level < 0)
			return err_set(err, ERR_NOT_FOUND, "Parent namespace not found");
		if (level >= 1)
			return err_set(err, ERR_USAGE, "Cannot nest deeper than catalog -> schema");
	}
	if (check_name(cat, new->name, new->parent_id, ID_NONE, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_NAMESPACE_INSERT);
	stmt_text(st, 1, new->name);
	stmt_int_or_null(st, 2, new->parent_id, ID_NONE);
	stmt_int(st, 3, level + 1);
	stmt_text(st, 4, new->description);
	stmt_int(st, 5, cat->user_id);
	stmt_time(st, 6, clock_wall(cat->clock));
	stmt_bool(st, 7, false);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

int
namespaces_create(
	struct catalog *cat, const struct namespace_new *new, int64_t *id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, create_in_transaction(cat, new, id, err), err);
}

static int
update_in_transaction(struct catalog *cat, int64_t id, const char *name, const char *description,
	struct arena *a, struct err *err)
{
	struct namespace_info old;
	struct stmt *st;

	if (namespaces_get(cat, id, a, &old, err) < 0)
		return -1;
	if (name == NULL)
		name = old.name;
	if (description == NULL)
		description = old.description;
	if (catalog_same(name, old.name) && catalog_same(description, old.description))
		return 0;
	if (!catalog_same(name, old.name) && check_name(cat, name, old.parent_id, id, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_NAMESPACE_UPDATE);
	stmt_text(st, 1, name);
	stmt_text(st, 2, description);
	stmt_time(st, 3, clock_wall(cat->clock));
	stmt_int(st, 4, id);
	return stmt_exec(st, NULL, err);
}

int
namespaces_update(
	struct catalog *cat, int64_t id, const char *name, const char *description, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update_in_transaction(cat, id, name, description, &a, err), err);
	arena_free(&a);
	return rc;
}

static int
delete_in_transaction(struct catalog *cat, int64_t id, struct err *err)
{
	int64_t n;

	if (id == ID_NONE)
		return err_set(err, ERR_NOT_FOUND, "Namespace not found");
	if (namespaces_check(cat, id, err) < 0)
		return -1;
	if (catalog_count(cat, SQL_CAT_NAMESPACE_CONTENT, id, &n, err) < 0)
		return -1;
	if (n > 0)
		return err_set(err, ERR_USAGE, "Cannot delete namespace with children or flows");
	if (catalog_exec_id(cat, SQL_CAT_NAMESPACE_DROP_GRANTS, id, err) < 0)
		return -1;
	return catalog_exec_id(cat, SQL_CAT_NAMESPACE_DELETE, id, err);
}

int
namespaces_delete(struct catalog *cat, int64_t id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, delete_in_transaction(cat, id, err), err);
}

int
namespaces_default(struct catalog *cat, int64_t *id, struct err *err)
{
	*id = ID_NONE;
	return stmt_get_int(db_stmt(cat->db, SQL_CAT_NAMESPACE_DEFAULT), id, err) < 0 ? -1 : 0;
}

void
namespaces_json(struct json *j, const struct namespace_info *ns)
{
	json_object(j);
	json_kv_int(j, "id", ns->id);
	json_kv_string(j, "name", ns->name);
	json_kv_int_or_null(j, "parent_id", ns->parent_id, ID_NONE);
	json_kv_int(j, "level", ns->level);
	json_kv_string(j, "description", ns->description);
	json_kv_int(j, "owner_id", ns->owner_id);
	json_kv_time(j, "created_at", ns->created_us);
	json_kv_time(j, "updated_at", ns->updated_us);
	json_kv_string(j, "storage_uri", ns->storage_uri);
	json_kv_string(j, "storage_connection_name", ns->storage_connection_name);
	json_kv_null(j, "access");
	json_object_end(j);
}
