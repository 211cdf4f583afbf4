#include "catalog/namespaces.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/flows.h"

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

/* --- storage: an address and a connection of Flowfile's that has the keys to it ----------------------- */

static const struct scheme {
	const char *prefix;
	const char *provider; /* of the connection */
} schemes[] = {
	{"s3://", "s3"},
	{"s3a://", "s3"},
	{"gs://", "gcs"},
	{"gcs://", "gcs"},
	{"az://", "adls"},
	{"abfs://", "adls"},
	{"abfss://", "adls"},
	{"adl://", "adls"},
};

static int
check_storage(struct catalog *cat, int64_t level, int64_t owner_id, const char *uri,
	const char *connection, struct err *err)
{
	const struct scheme *scheme = NULL;
	struct stmt *st;
	int64_t found;
	int r;

	if (level != 0)
		return err_set(err, ERR_USAGE,
			"Storage can only be set on a catalog, not on a schema in it");
	if (uri == NULL || *uri == '\0')
		return connection == NULL || *connection == '\0'
			? 0
			: err_set(err, ERR_USAGE, "storage_connection_name requires storage_uri");
	for (size_t i = 0; i < ARRAY_LEN(schemes) && scheme == NULL; i++)
		if (strncasecmp(uri, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			scheme = &schemes[i];
	if (scheme == NULL)
		return err_set(err, ERR_USAGE,
			"storage_uri must be the address of an object storage (s3://, gs://, "
			"abfss://, "
			"...)");
	if (connection == NULL || *connection == '\0')
		return err_set(err, ERR_USAGE, "storage_uri requires storage_connection_name");
	st = db_stmt(cat->db, SQL_CAT_CLOUD_CONNECTION);
	stmt_text(st, 1, connection);
	stmt_int(st, 2, owner_id);
	stmt_text(st, 3, scheme->provider);
	r = stmt_get_int(st, &found, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(err, ERR_USAGE, "The catalog's owner has no cloud connection '%s'",
			connection);
	if (found == 0)
		return err_set(err, ERR_USAGE,
			"The cloud connection '%s' is for another kind of storage", connection);
	return 0;
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
	if ((new->storage_uri != NULL || new->storage_connection_name != NULL) &&
		check_storage(cat, level + 1, cat->user_id, new->storage_uri,
			new->storage_connection_name, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_NAMESPACE_INSERT);
	stmt_text(st, 1, new->name);
	stmt_int_or_null(st, 2, new->parent_id, ID_NONE);
	stmt_int(st, 3, level + 1);
	stmt_text(st, 4, new->description);
	stmt_int(st, 5, cat->user_id);
	stmt_time(st, 6, clock_wall(cat->clock));
	stmt_bool(st, 7, false);
	stmt_text(st, 8, new->storage_uri);
	stmt_text(st, 9, new->storage_connection_name);
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

/* The storage as it is to be; refused once there are physical tables. */
static int
change_storage(struct catalog *cat, const struct namespace_info *old,
	const struct namespace_change *change, struct namespace_info *new, struct err *err)
{
	int64_t tables;

	if (!change->set_storage_uri && !change->set_storage_connection)
		return 0;
	if (change->set_storage_uri)
		new->storage_uri = change->storage_uri;
	if (change->set_storage_connection)
		new->storage_connection_name = change->storage_connection_name;
	if (new->storage_uri == NULL || *new->storage_uri == '\0')
		new->storage_connection_name = NULL;
	if (old->level == 0 && catalog_same(new->storage_uri, old->storage_uri) &&
		catalog_same(new->storage_connection_name, old->storage_connection_name))
		return 0;
	if (old->level == 0) {
		if (catalog_count(cat, SQL_CAT_NAMESPACE_PHYSICAL, old->id, &tables, err) < 0)
			return -1;
		if (tables > 0)
			return err_set(err, ERR_CONFLICT,
				"Cannot change the storage of catalog %lld: it has %lld physical "
				"table(s)",
				(long long)old->id, (long long)tables);
	}
	return check_storage(cat, old->level, old->owner_id, new->storage_uri,
		new->storage_connection_name, err);
}

static int
update_in_transaction(struct catalog *cat, int64_t id, const struct namespace_change *change,
	struct arena *a, struct err *err)
{
	struct namespace_info old, new;
	struct stmt *st;

	if (namespaces_get(cat, id, a, &old, err) < 0)
		return -1;
	new = old;
	if (change->name != NULL)
		new.name = change->name;
	if (change->description != NULL)
		new.description = change->description;
	if (!catalog_same(new.name, old.name) &&
		check_name(cat, new.name, old.parent_id, id, err) < 0)
		return -1;
	if (change_storage(cat, &old, change, &new, err) < 0)
		return -1;
	if (catalog_same(new.name, old.name) && catalog_same(new.description, old.description) &&
		catalog_same(new.storage_uri, old.storage_uri) &&
		catalog_same(new.storage_connection_name, old.storage_connection_name))
		return 0;
	st = db_stmt(cat->db, SQL_CAT_NAMESPACE_UPDATE);
	stmt_text(st, 1, new.name);
	stmt_text(st, 2, new.description);
	stmt_text(st, 3, new.storage_uri);
	stmt_text(st, 4, new.storage_connection_name);
	stmt_time(st, 5, clock_wall(cat->clock));
	stmt_int(st, 6, id);
	return stmt_exec(st, NULL, err);
}

int
namespaces_update(
	struct catalog *cat, int64_t id, const struct namespace_change *change, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update_in_transaction(cat, id, change, &a, err), err);
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

/* --- cleaning up ------------------------------------------------------------------------------------------ */

static const char *const scratch_folders[] = {"unnamed_flows", "python_editor_flows"};

/* Whether a file is where flows without a name are put; a path that climbs out of there is not. */
static bool
is_scratch_file(struct catalog *cat, const char *path)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(scratch_folders) && !found; i++) {
		char *folder = path_join(cat->paths->flows, scratch_folders[i]);

		found = text_starts(path, folder) && path[strlen(folder)] == '/' &&
			strstr(path, "/../") == NULL;
		free(folder);
	}
	return found;
}

static int
cleanup_flow(struct catalog *cat, const struct flow_info *flow, struct namespace_cleanup *out,
	struct err *err)
{
	if (flows_delete(cat, flow->id, is_scratch_file(cat, flow->flow_path), NULL, err) == 0) {
		out->deleted++;
		return 0;
	}
	if (err->code == ERR_CONFLICT)
		out->kept++;
	else if (err->code != ERR_NOT_FOUND) /* somebody else was faster */
		return -1;
	err_clear(err);
	return 0;
}

int
namespaces_cleanup(struct catalog *cat, int64_t id, struct namespace_cleanup *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct namespace_info ns;
	struct flow_list flows;
	int rc = -1;

	*out = (struct namespace_cleanup){0};
	if (namespaces_get(cat, id, &a, &ns, err) < 0)
		goto out;
	out->allowed = strcmp(ns.full_name, "General.Unnamed Flows") == 0 ||
		strcmp(ns.full_name, "General.Python Editor") == 0;
	rc = 0;
	if (!out->allowed)
		goto out;
	rc = flows_list(cat, id, &a, &flows, err);
	for (size_t i = 0; rc == 0 && i < flows.n; i++)
		rc = cleanup_flow(cat, &flows.items[i], out, err);
out:
	arena_free(&a);
	return rc;
}

void
namespaces_json_open(struct json *j, const struct namespace_info *ns)
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
}

void
namespaces_json(struct json *j, const struct namespace_info *ns)
{
	namespaces_json_open(j, ns);
	json_object_end(j);
}
