#include "catalog/flows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "catalog/history.h"
#include "catalog/namespaces.h"
#include "catalog/runs.h"

static int
flow_by_name(const void *a, const void *b)
{
	const struct flow_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

static int
ref_by_name(const void *a, const void *b)
{
	const struct table_ref *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

static void
read_row(const struct stmt *st, struct arena *a, struct flow_info *f)
{
	const char *schema = col_text(st, 13);

	f->id = col_int(st, 0);
	f->name = catalog_text(a, st, 1);
	f->description = catalog_text(a, st, 2);
	f->flow_path = catalog_text(a, st, 3);
	f->namespace_id = col_int_or(st, 4, ID_NONE);
	f->owner_id = col_int(st, 5);
	f->created_us = catalog_time(st, 6);
	f->updated_us = catalog_time(st, 7);
	f->flow_uuid = catalog_text(a, st, 8);
	f->is_api_compatible = col_bool(st, 9);
	f->is_favorite = col_bool(st, 10);
	f->is_following = col_bool(st, 11);
	f->artifact_count = col_int(st, 12);
	f->run_count = col_int(st, 15);
	f->last_run_id = col_int_or(st, 16, ID_NONE);
	f->last_run_us = catalog_time(st, 17);
	f->last_run_success = catalog_tri(st, 18);
	f->file_exists = access(f->flow_path, F_OK) == 0;
	if (schema != NULL && !col_null(st, 14))
		f->namespace_name = arena_printf(a, "%s.%s", col_text(st, 14), schema);
	else
		f->namespace_name = arena_strdup(a, schema);
}

#define PRODUCED                                                                                   \
	"SELECT t.source_registration_id, t.id, t.name, t.namespace_id FROM catalog_tables t"
#define READ                                                                                       \
	"SELECT l.registration_id, t.id, t.name, t.namespace_id FROM catalog_table_read_links l "  \
	"JOIN catalog_tables t ON t.id = l.table_id"

/* Hands the rows (flow, table, name, namespace) to the flows of the list, which is by id. */
static int
attach_refs(struct catalog *cat, bool produced, const char *where, int64_t id, struct arena *a,
	const struct flow_list *list, struct err *err)
{
	struct stmt *st =
		db_stmt_text(cat->db, arena_printf(a, "%s%s", produced ? PRODUCED : READ, where));
	int r;

	if (*where)
		stmt_int(st, 1, id);
	while ((r = stmt_step(st, err)) > 0) {
		struct flow_info *f =
			catalog_find(list->items, list->n, sizeof(*list->items), col_int(st, 0));
		struct table_ref **refs, *ref;
		size_t *n;

		if (f == NULL)
			continue;
		refs = produced ? &f->produced : &f->read;
		n = produced ? &f->n_produced : &f->n_read;
		*refs = catalog_grow(a, *refs, *n, sizeof(**refs));
		ref = &(*refs)[(*n)++];
		ref->id = col_int(st, 1);
		ref->name = catalog_text(a, st, 2);
		ref->namespace_id = col_int_or(st, 3, ID_NONE);
	}
	stmt_finish(st);
	return r;
}

/* How the last run of each is doing. */
static int
attach_last_runs(
	struct catalog *cat, struct arena *a, const struct flow_list *list, struct err *err)
{
	int64_t *ids = arena_array(a, list->n + 1, sizeof(*ids));
	const struct run_info *run;
	struct run_list runs;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].last_run_id != ID_NONE)
			ids[n++] = list->items[i].last_run_id;
	if (runs_by_ids(cat, ids, n, a, &runs, err) < 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		run = catalog_find(
			runs.items, runs.n, sizeof(*runs.items), list->items[i].last_run_id);
		if (run != NULL)
			list->items[i].last_run_status = runs_status(run);
	}
	return 0;
}

/* Which flows: the conditions for each of the three statements, with an id: $2 in the first, where the user
 * is $1, and $1 in the others. */
static const struct choice {
	const char *flows, *produced, *read;
} all = {"", "", ""},
  by_id = {" WHERE f.id = $2", " WHERE t.source_registration_id = $1",
	  " WHERE l.registration_id = $1"},
  by_namespace = {" WHERE f.namespace_id = $2",
	  " WHERE t.source_registration_id IN (SELECT id FROM flow_registrations WHERE "
	  "namespace_id = $1)",
	  " WHERE l.registration_id IN (SELECT id FROM flow_registrations WHERE namespace_id = "
	  "$1)"},
  marked[] = {
	  [FAVORITE_FLOW] = {" WHERE f.id IN (SELECT registration_id FROM flow_favorites WHERE "
			     "user_id = $2)",
		  " WHERE t.source_registration_id IN (SELECT registration_id FROM flow_favorites "
		  "WHERE user_id = $1)",
		  " WHERE l.registration_id IN (SELECT registration_id FROM flow_favorites WHERE "
		  "user_id = $1)"},
	  [FAVORITE_FOLLOW] = {" WHERE f.id IN (SELECT registration_id FROM flow_follows WHERE "
			       "user_id = $2)",
		  " WHERE t.source_registration_id IN (SELECT registration_id FROM flow_follows "
		  "WHERE user_id = $1)",
		  " WHERE l.registration_id IN (SELECT registration_id FROM flow_follows WHERE "
		  "user_id = $1)"},
};

#define FLOW_COLUMNS                                                                               \
	"SELECT f.id, f.name, f.description, f.flow_path, f.namespace_id, f.owner_id, "            \
	"f.created_at, f.updated_at, f.flow_uuid, f.is_api_compatible, "                           \
	"EXISTS (SELECT 1 FROM flow_favorites v WHERE v.registration_id = f.id AND v.user_id = "   \
	"$1), "                                                                                    \
	"EXISTS (SELECT 1 FROM flow_follows w WHERE w.registration_id = f.id AND w.user_id = "     \
	"$1), "                                                                                    \
	"(SELECT count(*) FROM global_artifacts g WHERE g.source_registration_id = f.id AND "      \
	"g.status <> 'deleted'), n.name, p.name, "
#define FLOW_FROM                                                                                  \
	" FROM flow_registrations f LEFT JOIN catalog_namespaces n ON n.id = f.namespace_id "      \
	"LEFT JOIN catalog_namespaces p ON p.id = n.parent_id "
#define BY_HISTORY                                                                                 \
	"(SELECT CAST(coalesce(sum(g.runs), 0) AS BIGINT) FROM scheduler_history_groups g WHERE "  \
	"g.flow_uuid = f.flow_uuid), r.id, r.started_at, r.success" FLOW_FROM                      \
	"LEFT JOIN flow_runs r ON r.id = (SELECT h.run_id FROM scheduler_history h WHERE "         \
	"h.group_id = (SELECT g.id FROM scheduler_history_groups g WHERE g.flow_uuid = "           \
	"f.flow_uuid ORDER BY g.last_at DESC, g.id DESC LIMIT 1) ORDER BY h.started_at DESC, "     \
	"h.run_id DESC LIMIT 1)"
#define BY_RUNS                                                                                    \
	"(SELECT count(*) FROM flow_runs r WHERE r.flow_uuid = f.flow_uuid), r.id, "               \
	"r.started_at, r.success" FLOW_FROM                                                        \
	"LEFT JOIN flow_runs r ON r.id = (SELECT x.id FROM flow_runs x WHERE x.flow_uuid = "       \
	"f.flow_uuid ORDER BY x.started_at DESC, x.id DESC LIMIT 1)"

static int
read_flows(struct catalog *cat, const struct choice *choice, int64_t id, struct arena *a,
	struct flow_list *out, struct err *err)
{
	const struct run_filter any = {0};
	struct stmt *st;
	bool kept;
	int r;

	if (history_serves(cat, &any, &kept, err) < 0)
		return -1;
	st = db_stmt_text(cat->db,
		arena_printf(a, "%s%s%s ORDER BY f.id", FLOW_COLUMNS, kept ? BY_HISTORY : BY_RUNS,
			choice->flows));
	stmt_int(st, 1, cat->user_id);
	if (*choice->flows)
		stmt_int(st, 2, id);
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		out->items[out->n] = (struct flow_info){0};
		read_row(st, a, &out->items[out->n++]);
	}
	stmt_finish(st);
	return r;
}

/* By id. */
static int
select_flows(struct catalog *cat, const struct choice *choice, int64_t id, struct arena *a,
	struct flow_list *out, struct err *err)
{
	*out = (struct flow_list){NULL, 0};
	if (read_flows(cat, choice, id, a, out, err) < 0 ||
		attach_refs(cat, true, choice->produced, id, a, out, err) < 0 ||
		attach_refs(cat, false, choice->read, id, a, out, err) < 0 ||
		attach_last_runs(cat, a, out, err) < 0)
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		struct flow_info *f = &out->items[i];

		if (f->n_produced > 1)
			qsort(f->produced, f->n_produced, sizeof(*f->produced), ref_by_name);
		if (f->n_read > 1)
			qsort(f->read, f->n_read, sizeof(*f->read), ref_by_name);
	}
	return 0;
}

int
flows_list(struct catalog *cat, int64_t namespace_id, struct arena *a, struct flow_list *out,
	struct err *err)
{
	if (select_flows(cat, namespace_id != ID_NONE ? &by_namespace : &all, namespace_id, a, out,
		    err) < 0)
		return -1;
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), flow_by_name);
	return 0;
}

int
flows_marked(struct catalog *cat, enum favorite_kind kind, struct arena *a, struct flow_list *out,
	struct err *err)
{
	struct flow_list found;
	struct flow_info *flow;
	int64_t *ids;
	size_t n;

	*out = (struct flow_list){NULL, 0};
	if (select_flows(cat, &marked[kind], cat->user_id, a, &found, err) < 0 ||
		favorites_list(cat, kind, a, &ids, &n, err) < 0)
		return -1;
	out->items = arena_array(a, n + 1, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		flow = catalog_find(found.items, found.n, sizeof(*found.items), ids[i]);
		if (flow != NULL)
			out->items[out->n++] = *flow;
	}
	return 0;
}

int
flows_get(struct catalog *cat, int64_t id, struct arena *a, struct flow_info *out, struct err *err)
{
	struct flow_list list;

	if (select_flows(cat, &by_id, id, a, &list, err) < 0)
		return -1;
	if (list.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Flow not found");
	*out = list.items[0];
	return 0;
}

int
flows_failing(
	struct catalog *cat, int64_t times, struct arena *a, struct flow_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_FLOWS_FAILING);
	int r;

	*out = (struct flow_list){NULL, 0};
	stmt_int(st, 1, times);
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		out->items[out->n++] = (struct flow_info){
			.id = col_int(st, 0),
			.name = catalog_text(a, st, 1),
		};
	}
	return r;
}

static int
check_name(
	struct catalog *cat, const char *name, int64_t namespace_id, int64_t self, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_FLOW_NAME_TAKEN);
	int64_t other;
	int r;

	stmt_text(st, 1, name);
	stmt_int_or_null(st, 2, namespace_id, ID_NONE);
	stmt_int(st, 3, self);
	r = stmt_get_int(st, &other, err);
	if (r > 0)
		return err_set(err, ERR_CONFLICT,
			"A flow with this name already exists in this namespace\nIt is flow %lld; "
			"choose another name with --name.",
			(long long)other);
	return r;
}

static int
register_in_transaction(
	struct catalog *cat, const struct flow_new *new, int64_t *id, struct err *err)
{
	char uuid[UUID_SIZE];
	struct stmt *st;

	if (namespaces_check(cat, new->namespace_id, err) < 0)
		return -1;
	if (new->unique && check_name(cat, new->name, new->namespace_id, ID_NONE, err) < 0)
		return -1;
	uuid4(uuid);
	st = db_stmt(cat->db, SQL_CAT_FLOW_INSERT);
	stmt_text(st, 1, new->name);
	stmt_text(st, 2, new->description);
	stmt_text(st, 3, new->flow_path);
	stmt_int_or_null(st, 4, new->namespace_id, ID_NONE);
	stmt_int(st, 5, cat->user_id);
	stmt_time(st, 6, clock_wall(cat->clock));
	stmt_text(st, 7, uuid);
	stmt_bool(st, 8, false);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

int
flows_register(struct catalog *cat, const struct flow_new *new, int64_t *id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, register_in_transaction(cat, new, id, err), err);
}

static int
update_in_transaction(struct catalog *cat, int64_t id, const struct flow_change *change,
	struct arena *a, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_FLOW_CURRENT);
	struct flow_change old, new;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		old.name = catalog_text(a, st, 0);
		old.description = catalog_text(a, st, 1);
		old.namespace_id = col_int_or(st, 2, ID_NONE);
	}
	stmt_reset(st);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "Flow not found");
	new.name = change->name != NULL ? change->name : old.name;
	new.description = change->description != NULL ? change->description : old.description;
	new.namespace_id =
		change->namespace_id != ID_NONE ? change->namespace_id : old.namespace_id;
	if (catalog_same(new.name, old.name) && catalog_same(new.description, old.description) &&
		new.namespace_id == old.namespace_id)
		return 0;
	if (namespaces_check(cat, change->namespace_id, err) < 0)
		return -1;
	if ((!catalog_same(new.name, old.name) || new.namespace_id != old.namespace_id) &&
		check_name(cat, new.name, new.namespace_id, id, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_FLOW_UPDATE);
	stmt_text(st, 1, new.name);
	stmt_text(st, 2, new.description);
	stmt_int_or_null(st, 3, new.namespace_id, ID_NONE);
	stmt_time(st, 4, clock_wall(cat->clock));
	stmt_int(st, 5, id);
	return stmt_exec(st, NULL, err);
}

int
flows_update(struct catalog *cat, int64_t id, const struct flow_change *change, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update_in_transaction(cat, id, change, &a, err), err);
	arena_free(&a);
	return rc;
}

/* Foreign keys are not enforced on SQLite (contract 1.1): what hangs on a flow goes by hand. */
static const enum sql_id flow_cascade[] = {
	SQL_CAT_FLOW_DROP_FAVORITES,
	SQL_CAT_FLOW_DROP_FOLLOWS,
	SQL_CAT_FLOW_DROP_READ_LINKS,
	SQL_CAT_FLOW_DROP_SCHEDULE_LINKS,
	SQL_CAT_FLOW_DROP_SCHEDULES,
	SQL_CAT_FLOW_DROP_API_KEYS,
	SQL_CAT_FLOW_DROP_API_GRANTS,
	SQL_CAT_FLOW_DROP_API_ENDPOINTS,
	SQL_CAT_FLOW_DROP_ARTIFACTS,
	SQL_CAT_FLOW_DROP_GRANTS,
	SQL_CAT_FLOW_UNLINK_RUNS,
	SQL_CAT_FLOW_DELETE,
};

/* *path: the file that nobody else refers to, owned by the caller; NULL when it is shared. */
static int
delete_in_transaction(struct catalog *cat, int64_t id, char **path, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_FLOW_PATH_GET);
	int64_t artifacts, same_path;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0)
		*path = xstrdup(col_text(st, 0));
	stmt_reset(st);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "Flow not found");
	if (catalog_count(cat, SQL_CAT_FLOW_ARTIFACTS, id, &artifacts, err) < 0 ||
		catalog_count(cat, SQL_CAT_FLOW_SAME_PATH, id, &same_path, err) < 0)
		return -1;
	if (artifacts > 0)
		return err_set(err, ERR_CONFLICT,
			"Cannot delete flow %lld: %lld active artifact(s) still reference it",
			(long long)id, (long long)artifacts);
	for (size_t i = 0; i < ARRAY_LEN(flow_cascade); i++)
		if (catalog_exec_id(cat, flow_cascade[i], id, err) < 0)
			return -1;
	if (same_path > 1)
		xstrset(path, NULL);
	return 0;
}

int
flows_delete(struct catalog *cat, int64_t id, bool delete_file, bool *file_deleted, struct err *err)
{
	char *path = NULL;
	bool gone = false;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, delete_in_transaction(cat, id, &path, err), err);
	if (rc == 0 && delete_file && path != NULL)
		gone = unlink(path) == 0;
	if (file_deleted != NULL)
		*file_deleted = gone;
	free(path);
	return rc;
}

void
flows_json_ref(struct json *j, const struct table_ref *ref)
{
	json_object(j);
	json_kv_int(j, "id", ref->id);
	json_kv_string(j, "name", ref->name);
	json_kv_int_or_null(j, "namespace_id", ref->namespace_id, ID_NONE);
	json_object_end(j);
}

static void
json_refs(struct json *j, const char *key, const struct table_ref *refs, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		flows_json_ref(j, &refs[i]);
	json_array_end(j);
}

void
flows_json(struct json *j, const struct flow_info *f)
{
	json_object(j);
	json_kv_int(j, "id", f->id);
	json_kv_string(j, "name", f->name);
	json_kv_string(j, "description", f->description);
	json_kv_string(j, "flow_path", f->flow_path);
	json_kv_int_or_null(j, "namespace_id", f->namespace_id, ID_NONE);
	json_kv_int(j, "owner_id", f->owner_id);
	json_kv_time(j, "created_at", f->created_us);
	json_kv_time(j, "updated_at", f->updated_us);
	json_kv_bool(j, "is_favorite", f->is_favorite);
	json_kv_bool(j, "is_following", f->is_following);
	json_kv_int(j, "run_count", f->run_count);
	json_kv_time(j, "last_run_at", f->last_run_us);
	catalog_json_tri(j, "last_run_success", f->last_run_success);
	json_kv_bool(j, "file_exists", f->file_exists);
	json_kv_bool(j, "is_api_compatible", f->is_api_compatible);
	json_kv_int(j, "artifact_count", f->artifact_count);
	json_refs(j, "tables_produced", f->produced, f->n_produced);
	json_refs(j, "tables_read", f->read, f->n_read);
	json_kv_null(j, "access");
	json_object_end(j);
}
