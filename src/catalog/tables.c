#include "catalog/tables.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/namespaces.h"
#include "catalog/status.h"

#define FORMAT_DEFAULT "delta"

static int
table_by_name(const void *a, const void *b)
{
	const struct table_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

static int
ref_by_name(const void *a, const void *b)
{
	const struct flow_ref *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

/* A Delta directory, or one parquet file (contract 5.9). */
static bool
data_exists(const char *path)
{
	struct stat sb;
	bool found;
	char *log;

	if (stat(path, &sb) < 0)
		return false;
	if (S_ISREG(sb.st_mode)) {
		size_t len = strlen(path);

		return len > 8 && text_equal_nocase(path + len - 8, ".parquet");
	}
	log = path_join(path, "_delta_log");
	found = stat(log, &sb) == 0 && S_ISDIR(sb.st_mode);
	free(log);
	return found;
}

static void
look_at_storage(struct table_info *t)
{
	bool is_virtual = table_is_virtual(t);

	t->is_remote_storage = t->file_path != NULL && strstr(t->file_path, "://") != NULL;
	t->file_exists = is_virtual || t->is_remote_storage ||
		(t->file_path != NULL && data_exists(t->file_path));
}

static void
read_row(const struct stmt *st, struct arena *a, struct table_info *t)
{
	t->id = col_int(st, 0);
	t->name = catalog_text(a, st, 1);
	t->namespace_id = col_int_or(st, 2, ID_NONE);
	t->namespace_name = catalog_text(a, st, 3);
	t->catalog_name = catalog_text(a, st, 4);
	t->description = catalog_text(a, st, 5);
	t->owner_id = col_int(st, 6);
	t->is_favorite = col_bool(st, 7);
	t->schema_json = catalog_text(a, st, 8);
	t->row_count = col_int_or(st, 9, COUNT_NONE);
	t->column_count = col_int_or(st, 10, COUNT_NONE);
	t->size_bytes = col_int_or(st, 11, COUNT_NONE);
	t->file_path = catalog_text(a, st, 12);
	t->source_registration_id = col_int_or(st, 13, ID_NONE);
	t->source_registration_name = catalog_text(a, st, 14);
	t->source_run_id = col_int_or(st, 15, ID_NONE);
	t->table_type = catalog_text(a, st, 16);
	t->producer_registration_id = col_int_or(st, 17, ID_NONE);
	t->producer_registration_name = catalog_text(a, st, 18);
	t->is_optimized = catalog_tri(st, 19);
	t->sql_query = catalog_text(a, st, 20);
	t->polars_plan = catalog_text(a, st, 21);
	t->source_table_versions = catalog_text(a, st, 22);
	t->partition_columns = catalog_text(a, st, 23);
	t->scd2_config = catalog_text(a, st, 24);
	t->prediction_table_id = col_int_or(st, 25, ID_NONE);
	t->prediction_table_name = catalog_text(a, st, 26);
	t->created_us = catalog_time(st, 27);
	t->updated_us = catalog_time(st, 28);
	look_at_storage(t);
}

static int
attach_readers(struct catalog *cat, int64_t id, struct arena *a, const struct table_list *list,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLES_READERS);
	int r;

	stmt_int(st, 1, id);
	stmt_int(st, 2, catalog_last_id(id));
	while ((r = stmt_step(st, err)) > 0) {
		struct table_info *t =
			catalog_find(list->items, list->n, sizeof(*list->items), col_int(st, 0));
		struct flow_ref *ref;

		if (t == NULL)
			continue;
		t->read_by = catalog_grow(a, t->read_by, t->n_read_by, sizeof(*t->read_by));
		ref = &t->read_by[t->n_read_by++];
		ref->id = col_int(st, 1);
		ref->name = catalog_text(a, st, 2);
	}
	return r;
}

static int
select_tables(struct catalog *cat, int64_t id, int64_t namespace_id, struct arena *a,
	struct table_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLES_LIST);
	int r;

	out->items = NULL;
	out->n = 0;
	stmt_int(st, 1, id);
	stmt_int(st, 2, namespace_id);
	stmt_int(st, 3, cat->user_id);
	stmt_int(st, 4, catalog_last_id(id));
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		out->items[out->n] = (struct table_info){0};
		read_row(st, a, &out->items[out->n++]);
	}
	if (r < 0 || attach_readers(cat, id, a, out, err) < 0)
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		struct table_info *t = &out->items[i];

		if (t->n_read_by > 1)
			qsort(t->read_by, t->n_read_by, sizeof(*t->read_by), ref_by_name);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), table_by_name);
	return 0;
}

int
tables_list(struct catalog *cat, int64_t namespace_id, struct arena *a, struct table_list *out,
	struct err *err)
{
	return select_tables(cat, ID_NONE, namespace_id, a, out, err);
}

int
tables_get(
	struct catalog *cat, int64_t id, struct arena *a, struct table_info *out, struct err *err)
{
	struct table_list list = {NULL, 0};

	if (id > 0 && select_tables(cat, id, ID_NONE, a, &list, err) < 0)
		return -1;
	if (list.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	*out = list.items[0];
	return 0;
}

int
tables_sources(struct catalog *cat, int64_t id, struct arena *a, struct flow_ref **items, size_t *n,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_SOURCES_OF);
	int r;

	*items = NULL;
	*n = 0;
	stmt_int(st, 1, id);
	while ((r = stmt_step(st, err)) > 0) {
		*items = catalog_grow(a, *items, *n, sizeof(**items));
		(*items)[(*n)++] = (struct flow_ref){col_int(st, 0),
			tables_full_name(a, catalog_text(a, st, 2), catalog_text(a, st, 1))};
	}
	return r;
}

const char *
tables_full_name(struct arena *a, const char *schema, const char *name)
{
	if (schema == NULL || name == NULL)
		return name;
	return arena_printf(a, "%s.%s", schema, name);
}

int
tables_check_place(
	struct catalog *cat, const char *name, int64_t namespace_id, int64_t self, struct err *err)
{
	struct stmt *st;
	int64_t other;
	int r;

	if (*name == '\0')
		return err_set(err, ERR_USAGE, "Table name must not be empty");
	if (strchr(name, '.') != NULL)
		return err_set(err, ERR_USAGE,
			"Table name must not contain '.'\nGive the namespace apart from the name.");
	if (namespaces_check(cat, namespace_id, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_NAME_TAKEN);
	stmt_text(st, 1, name);
	stmt_int_or_null(st, 2, namespace_id, ID_NONE);
	stmt_int(st, 3, self);
	r = stmt_get_int(st, &other, err);
	if (r > 0)
		return err_set(err, ERR_CONFLICT,
			"A table with this name already exists in this namespace\nIt is table "
			"%lld.",
			(long long)other);
	return r;
}

static int
check_flow(struct catalog *cat, int64_t registration_id, const char *missing, struct err *err)
{
	int64_t found = 1;

	if (registration_id != ID_NONE &&
		catalog_count(cat, SQL_CAT_FLOW_EXISTS, registration_id, &found, err) < 0)
		return -1;
	return found == 0 ? err_set(err, ERR_NOT_FOUND, "%s", missing) : 0;
}

static int
insert_row(struct catalog *cat, const struct table_new *new, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_INSERT);
	bool columns_known = new->schema_json != NULL || new->column_count > 0;

	stmt_text(st, 1, new->name);
	stmt_int_or_null(st, 2, new->namespace_id, ID_NONE);
	stmt_text(st, 3, new->description);
	stmt_int(st, 4, cat->user_id);
	stmt_text(st, 5, new->file_path);
	stmt_text(st, 6, new->storage_format != NULL ? new->storage_format : FORMAT_DEFAULT);
	stmt_int_or_null(st, 7, new->row_count, COUNT_NONE);
	stmt_int_or_null(st, 8, new->size_bytes, COUNT_NONE);
	stmt_int_or_null(st, 9, new->source_registration_id, ID_NONE);
	stmt_time(st, 10, clock_wall(cat->clock));
	stmt_bool(st, 11, false);
	stmt_text(st, 12, new->is_virtual ? "virtual" : "physical");
	stmt_text(st, 13, new->schema_json);
	stmt_int_or_null(st, 14, columns_known ? new->column_count : COUNT_NONE, COUNT_NONE);
	stmt_int_or_null(st, 15, new->producer_registration_id, ID_NONE);
	stmt_text(st, 16, new->sql_query);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

static int
register_in_transaction(
	struct catalog *cat, const struct table_new *new, int64_t *id, struct err *err)
{
	if (check_flow(cat, new->producer_registration_id, "Producer flow not found", err) < 0 ||
		tables_check_place(cat, new->name, new->namespace_id, ID_NONE, err) < 0 ||
		check_flow(cat, new->source_registration_id, "Flow not found", err) < 0)
		return -1;
	return insert_row(cat, new, id, err);
}

int
tables_register(struct catalog *cat, const struct table_new *new, int64_t *id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, register_in_transaction(cat, new, id, err), err);
}

/* The stamp of a write that is made now: past the one that is there (D-15, and a clock that went back). */
int
tables_next_stamp(struct catalog *cat, int64_t id, int64_t *stamp_us, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_LOCK);
	int64_t now = clock_wall(cat->clock), old = TIME_NONE;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0)
		old = catalog_time(st, 0);
	stmt_reset(st);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	*stamp_us = old != TIME_NONE && now <= old ? old + 1 : now;
	return 0;
}

static int
touch_in_transaction(struct catalog *cat, int64_t id, const struct table_touch *touch,
	int64_t *updated_us, struct err *err)
{
	struct stmt *st;
	int64_t now;

	if (tables_next_stamp(cat, id, &now, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_TOUCH);
	stmt_time(st, 1, now);
	stmt_int_or_null(st, 2, touch->run_id, ID_NONE);
	stmt_int_or_null(st, 3, touch->row_count, COUNT_NONE);
	stmt_int_or_null(st, 4, touch->size_bytes, COUNT_NONE);
	stmt_int(st, 5, id);
	if (updated_us != NULL)
		*updated_us = now;
	return stmt_exec(st, NULL, err);
}

int
tables_touch(struct catalog *cat, int64_t id, const struct table_touch *touch, int64_t *updated_us,
	struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, touch_in_transaction(cat, id, touch, updated_us, err), err);
}

static int
rename_table(
	struct catalog *cat, int64_t id, const char *name, int64_t namespace_id, struct err *err)
{
	struct stmt *st;

	if (tables_check_place(cat, name, namespace_id, id, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_RENAME);
	stmt_text(st, 1, name);
	stmt_int_or_null(st, 2, namespace_id, ID_NONE);
	stmt_int(st, 3, id);
	return stmt_exec(st, NULL, err);
}

static int
set_prediction(struct catalog *cat, int64_t id, int64_t prediction_id, struct err *err)
{
	struct stmt *st;
	int64_t found = 1;

	if (prediction_id == id)
		return err_set(err, ERR_USAGE, "A table cannot be its own prediction table");
	if (prediction_id != ID_NONE &&
		catalog_count(cat, SQL_CAT_TABLE_EXISTS, prediction_id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	st = db_stmt(cat->db, SQL_CAT_TABLE_SET_PREDICTION);
	stmt_int_or_null(st, 1, prediction_id, ID_NONE);
	stmt_int(st, 2, id);
	return stmt_exec(st, NULL, err);
}

/* Where its data is and who makes it. */
static int
move_table(struct catalog *cat, int64_t id, const struct table_change *change, struct err *err)
{
	struct stmt *st;

	if (change->file_path != NULL) {
		st = db_stmt(cat->db, SQL_CAT_TABLE_SET_PATH);
		stmt_text(st, 1, change->file_path);
		stmt_text(st, 2,
			change->storage_format != NULL ? change->storage_format : FORMAT_DEFAULT);
		stmt_int(st, 3, id);
		if (stmt_exec(st, NULL, err) < 0)
			return -1;
	}
	if (change->source_registration_id == ID_NONE)
		return 0;
	if (check_flow(cat, change->source_registration_id, "Flow not found", err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_SET_SOURCE);
	stmt_int(st, 1, change->source_registration_id);
	stmt_int(st, 2, id);
	return stmt_exec(st, NULL, err);
}

int
tables_apply(struct catalog *cat, int64_t id, const struct table_change *change, struct arena *a,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_CURRENT);
	const char *name = NULL, *description = NULL;
	int64_t namespace_id = ID_NONE;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		name = catalog_text(a, st, 0);
		description = catalog_text(a, st, 1);
		namespace_id = col_int_or(st, 2, ID_NONE);
	}
	stmt_reset(st);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	if ((change->name != NULL && !catalog_same(change->name, name)) ||
		(change->namespace_id != ID_NONE && change->namespace_id != namespace_id)) {
		if (change->namespace_id != ID_NONE)
			namespace_id = change->namespace_id;
		if (change->name != NULL)
			name = change->name;
		if (rename_table(cat, id, name, namespace_id, err) < 0)
			return -1;
	}
	if (change->description != NULL && !catalog_same(change->description, description)) {
		st = db_stmt(cat->db, SQL_CAT_TABLE_DESCRIBE);
		stmt_text(st, 1, change->description);
		stmt_int(st, 2, id);
		if (stmt_exec(st, NULL, err) < 0)
			return -1;
	}
	if (move_table(cat, id, change, err) < 0)
		return -1;
	if (change->set_prediction)
		return set_prediction(cat, id, change->prediction_table_id, err);
	return 0;
}

int
tables_update(struct catalog *cat, int64_t id, const struct table_change *change, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, tables_apply(cat, id, change, &a, err), err);
	arena_free(&a);
	return rc;
}

static const enum sql_id table_cascade[] = {
	SQL_CAT_TABLE_DROP_READ_LINKS,
	SQL_CAT_TABLE_DROP_FAVORITES,
	SQL_CAT_TABLE_DROP_VISUALIZATION_GRANTS,
	SQL_CAT_TABLE_DROP_VISUALIZATIONS,
	SQL_CAT_TABLE_DROP_GRANTS,
	SQL_CAT_TABLE_DROP_PREDICTIONS,
	SQL_CAT_TABLE_DELETE,
};

static int
delete_in_transaction(struct catalog *cat, int64_t id, int64_t *disabled, struct err *err)
{
	struct stmt *st;
	int64_t found;

	if (catalog_count(cat, SQL_CAT_TABLE_EXISTS, id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	st = db_stmt(cat->db, SQL_CAT_TABLE_DISABLE_SCHEDULES);
	stmt_int(st, 1, id);
	stmt_bool(st, 2, false);
	stmt_time(st, 3, clock_wall(cat->clock));
	if (stmt_exec(st, disabled, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(table_cascade); i++)
		if (catalog_exec_id(cat, table_cascade[i], id, err) < 0)
			return -1;
	return 0;
}

int
tables_delete(struct catalog *cat, int64_t id, int64_t *disabled, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, delete_in_transaction(cat, id, disabled, err), err);
}

int
tables_derive_writes(struct catalog *cat, struct table_info *tables, size_t n, struct err *err)
{
	bool prepared;

	if (status_prepared(cat, &prepared, err) < 0)
		return -1;
	for (size_t i = 0; prepared && i < n; i++) {
		struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_LAST_WRITE);
		int64_t us = TIME_NONE;
		int r;

		if (!table_is_virtual(&tables[i]))
			continue;
		stmt_int(st, 1, tables[i].id);
		r = stmt_step(st, err);
		if (r > 0)
			us = catalog_time(st, 0);
		stmt_reset(st);
		if (r < 0)
			return -1;
		if (us > 0)
			tables[i].updated_us = us;
	}
	return 0;
}

/* The parts of a dotted name in the arena; their number, or 0 when it is none. */
static size_t
split_name(struct arena *a, const char *q, char *parts[3])
{
	char *p = arena_strdup(a, q);
	size_t n = 0;

	for (;;) {
		char *dot = strchr(p, '.');

		if (dot != NULL)
			*dot = '\0';
		if (*p == '\0' || n == 3)
			return 0;
		parts[n++] = p;
		if (dot == NULL)
			return n;
		p = dot + 1;
	}
}

static int
namespace_known(struct catalog *cat, const char *schema, const char *catalog, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLES_RESOLVE_NAMESPACE);
	int64_t n = 0;

	stmt_text(st, 1, schema);
	stmt_text(st, 2, catalog);
	if (stmt_get_int(st, &n, err) < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_NOT_FOUND, "Namespace not found");
	return 0;
}

static int
select_matches(struct catalog *cat, const char *name, int64_t namespace_id, const char *schema,
	const char *catalog, struct arena *a, struct table_matches *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLES_RESOLVE);
	int r;

	stmt_text(st, 1, name);
	stmt_int(st, 2, namespace_id);
	stmt_text(st, 3, schema);
	stmt_text(st, 4, catalog);
	while ((r = stmt_step(st, err)) > 0) {
		struct table_match *m;

		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		m = &out->items[out->n++];
		m->id = col_int(st, 0);
		m->name = catalog_text(a, st, 1);
		m->namespace_id = col_int_or(st, 2, ID_NONE);
		m->namespace_name = catalog_text(a, st, 3);
		m->qualified_name = tables_full_name(a, m->namespace_name, m->name);
		if (!col_null(st, 4))
			m->qualified_name =
				arena_printf(a, "%s.%s", col_text(st, 4), m->qualified_name);
	}
	return r;
}

int
tables_resolve(struct catalog *cat, const char *q, int64_t namespace_id, bool strict,
	struct arena *a, struct table_matches *out, struct err *err)
{
	char *parts[3] = {NULL, NULL, NULL};
	size_t n = split_name(a, q, parts);
	const char *schema = n >= 2 ? parts[n - 2] : NULL, *catalog = n == 3 ? parts[0] : NULL;

	*out = (struct table_matches){NULL, 0, false};
	if (n == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	if (schema != NULL && namespace_known(cat, schema, catalog, err) < 0)
		return -1;
	if (select_matches(cat, parts[n - 1], n == 1 ? namespace_id : ID_NONE, schema, catalog, a,
		    out, err) < 0)
		return -1;
	if (out->n == 0)
		return err_set(err, ERR_NOT_FOUND, "Catalog table not found");
	out->warn = n == 1 && out->n > 1;
	if (strict && out->n > 1)
		return err_set(err, ERR_CONFLICT, "Table name '%s' is ambiguous", q);
	return 0;
}

/* The strings of a stored JSON array; null when there is none. */
static void
json_names(struct json *j, const char *key, const cJSON *array)
{
	const cJSON *item;

	if (!cJSON_IsArray(array)) {
		json_kv_null(j, key);
		return;
	}
	json_key(j, key);
	json_array(j);
	cJSON_ArrayForEach(item, array) json_string(j, cJSON_GetStringValue(item));
	json_array_end(j);
}

static void
json_schema_columns(struct json *j, const char *text)
{
	cJSON *columns = text != NULL ? cJSON_Parse(text) : NULL;
	const cJSON *column;
	bool whole = cJSON_IsArray(columns);

	cJSON_ArrayForEach(column, columns) whole = whole &&
		cJSON_IsString(cJSON_GetObjectItem(column, "name")) &&
		cJSON_IsString(cJSON_GetObjectItem(column, "dtype"));
	json_key(j, "schema_columns");
	json_array(j);
	if (whole) {
		cJSON_ArrayForEach(column, columns)
		{
			json_object(j);
			json_kv_string(j, "name",
				cJSON_GetStringValue(cJSON_GetObjectItem(column, "name")));
			json_kv_string(j, "dtype",
				cJSON_GetStringValue(cJSON_GetObjectItem(column, "dtype")));
			json_object_end(j);
		}
	}
	json_array_end(j);
	cJSON_Delete(columns);
}

static void
json_scd2(struct json *j, const char *text)
{
	static const char *const names[] = {
		"surrogate_key_column",
		"valid_from_column",
		"valid_to_column",
		"is_current_column",
	};
	cJSON *scd2 = text != NULL ? cJSON_Parse(text) : NULL;

	if (!cJSON_IsObject(scd2)) {
		json_kv_null(j, "scd2");
		cJSON_Delete(scd2);
		return;
	}
	json_key(j, "scd2");
	json_object(j);
	json_names(j, "business_keys", cJSON_GetObjectItem(scd2, "business_keys"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_kv_string(
			j, names[i], cJSON_GetStringValue(cJSON_GetObjectItem(scd2, names[i])));
	json_names(j, "compare_columns", cJSON_GetObjectItem(scd2, "compare_columns"));
	json_kv_bool(j, "full_snapshot", cJSON_IsTrue(cJSON_GetObjectItem(scd2, "full_snapshot")));
	json_object_end(j);
	cJSON_Delete(scd2);
}

static void
json_readers(struct json *j, const struct table_info *t)
{
	json_key(j, "read_by_flows");
	json_array(j);
	for (size_t i = 0; i < t->n_read_by; i++) {
		json_object(j);
		json_kv_int(j, "id", t->read_by[i].id);
		json_kv_string(j, "name", t->read_by[i].name);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
json_kv_names(struct json *j, const char *key, const char *text)
{
	cJSON *array = text != NULL ? cJSON_Parse(text) : NULL;

	json_names(j, key, array);
	cJSON_Delete(array);
}

static void
json_full_names(struct json *j, const struct table_info *t)
{
	struct arena a = ARENA_INIT;
	const char *full = tables_full_name(&a, t->namespace_name, t->name);

	json_kv_string(j, "full_table_name", full);
	json_kv_string(j, "qualified_name",
		t->catalog_name != NULL ? arena_printf(&a, "%s.%s", t->catalog_name, full) : full);
	arena_free(&a);
}

void
tables_json(struct json *j, const struct table_info *t)
{
	json_object(j);
	json_kv_int(j, "id", t->id);
	json_kv_string(j, "name", t->name);
	json_kv_int_or_null(j, "namespace_id", t->namespace_id, ID_NONE);
	json_kv_string(j, "namespace_name", t->namespace_name);
	json_full_names(j, t);
	json_kv_string(j, "description", t->description);
	json_kv_int(j, "owner_id", t->owner_id);
	json_kv_bool(j, "file_exists", t->file_exists);
	json_kv_bool(j, "is_remote_storage", t->is_remote_storage);
	json_kv_bool(j, "is_favorite", t->is_favorite);
	json_schema_columns(j, t->schema_json);
	json_kv_int_or_null(j, "row_count", t->row_count, COUNT_NONE);
	json_kv_int_or_null(j, "column_count", t->column_count, COUNT_NONE);
	json_kv_int_or_null(j, "size_bytes", t->size_bytes, COUNT_NONE);
	json_kv_string(j, "file_path", t->file_path);
	json_kv_int_or_null(j, "source_registration_id", t->source_registration_id, ID_NONE);
	json_kv_string(j, "source_registration_name", t->source_registration_name);
	json_kv_int_or_null(j, "source_run_id", t->source_run_id, ID_NONE);
	json_readers(j, t);
	json_kv_string(j, "table_type", t->table_type);
	json_kv_int_or_null(j, "producer_registration_id", t->producer_registration_id, ID_NONE);
	json_kv_string(j, "producer_registration_name", t->producer_registration_name);
	catalog_json_tri(j, "is_optimized", t->is_optimized);
	json_kv_null(j, "laziness_blockers");
	json_kv_string(j, "sql_query", t->sql_query);
	json_kv_string(j, "polars_plan", t->polars_plan);
	json_kv_string(j, "source_table_versions", t->source_table_versions);
	json_kv_names(j, "partition_columns", t->partition_columns);
	json_scd2(j, t->scd2_config);
	json_kv_int_or_null(j, "prediction_table_id", t->prediction_table_id, ID_NONE);
	json_kv_string(j, "prediction_table_name", t->prediction_table_name);
	json_kv_time(j, "created_at", t->created_us);
	json_kv_time(j, "updated_at", t->updated_us);
	json_kv_null(j, "access");
	json_object_end(j);
}
