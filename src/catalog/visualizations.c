#include "catalog/visualizations.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "catalog/namespaces.h"
#include "catalog/tables.h"

/* --- reading ------------------------------------------------------------------------------------------------ */

static void
read_row(const struct stmt *st, struct arena *a, struct visualization_info *v)
{
	v->id = col_int(st, 0);
	v->name = catalog_text(a, st, 1);
	v->description = catalog_text(a, st, 2);
	v->chart_type = catalog_text(a, st, 3);
	v->spec_json = catalog_text(a, st, 4);
	v->spec_gw_version = catalog_text(a, st, 5);
	v->source_type = catalog_text(a, st, 6);
	v->catalog_table_id = col_int_or(st, 7, ID_NONE);
	v->sql_query = catalog_text(a, st, 8);
	v->namespace_id = col_int_or(st, 9, ID_NONE);
	v->thumbnail_data_url = catalog_text(a, st, 10);
	v->created_by = col_int_or(st, 11, ID_NONE);
	v->created_us = catalog_time(st, 12);
	v->updated_us = catalog_time(st, 13);
	v->table_name = catalog_text(a, st, 14);
	v->table_namespace_name = catalog_text(a, st, 15);
	v->table_type = catalog_text(a, st, 16);
	v->namespace_name =
		v->namespace_id != ID_NONE ? catalog_text(a, st, 17) : v->table_namespace_name;
}

static int
newest_first(const void *a, const void *b)
{
	const struct visualization_info *x = a, *y = b;

	if (x->created_us != y->created_us)
		return x->created_us < y->created_us ? 1 : -1;
	return (x->id < y->id) - (x->id > y->id);
}

static int
select_rows(struct catalog *cat, int64_t id, int64_t table_id, struct arena *a,
	struct visualization_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_VISUALIZATIONS_LIST);
	int r;

	*out = (struct visualization_list){NULL, 0};
	stmt_int(st, 1, id);
	stmt_int(st, 2, table_id);
	stmt_int(st, 3, catalog_last_id(id));
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		out->items[out->n] = (struct visualization_info){0};
		read_row(st, a, &out->items[out->n++]);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), newest_first);
	return r;
}

static int
check_table(struct catalog *cat, int64_t id, struct err *err)
{
	int64_t found = 0;

	if (catalog_count(cat, SQL_CAT_TABLE_EXISTS, id, &found, err) < 0)
		return -1;
	return found != 0 ? 0 : err_set(err, ERR_NOT_FOUND, "Catalog table not found");
}

int
visualizations_list(struct catalog *cat, int64_t table_id, struct arena *a,
	struct visualization_list *out, struct err *err)
{
	if (table_id != ID_NONE && check_table(cat, table_id, err) < 0)
		return -1;
	return select_rows(cat, ID_NONE, table_id, a, out, err);
}

static int
not_found(int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "Visualization id=%lld not found", (long long)id);
}

int
visualizations_get(struct catalog *cat, int64_t id, struct arena *a, struct visualization_info *out,
	struct err *err)
{
	struct visualization_list list = {NULL, 0};

	if (id > 0 && select_rows(cat, id, ID_NONE, a, &list, err) < 0)
		return -1;
	if (list.n == 0)
		return not_found(id, err);
	*out = list.items[0];
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------- */

static int
check_thumbnail(const char *url, struct err *err)
{
	size_t n = 0;

	if (url == NULL)
		return 0;
	if (strncmp(url, "data:image/", 11) != 0)
		return err_set(err, ERR_USAGE, "thumbnail_data_url must be a data:image/* URL");
	for (const char *p = url; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	if (n > VISUALIZATION_THUMBNAIL_MAX)
		return err_set(err, ERR_USAGE, "thumbnail_data_url exceeds %d bytes",
			VISUALIZATION_THUMBNAIL_MAX);
	return 0;
}

static bool
is_blank(const char *s)
{
	return s == NULL || s[strspn(s, " \t\n\v\f\r")] == '\0';
}

static int
check_new(struct catalog *cat, const struct visualization_new *new, int64_t *namespace_id,
	struct arena *a, struct err *err)
{
	struct table_info table;

	*namespace_id = new->namespace_id;
	if (new->is_sql && is_blank(new->sql_query))
		return err_set(err, ERR_USAGE, "sql_query is required when source_type='sql'");
	if (!new->is_sql &&new->catalog_table_id == ID_NONE)
		return err_set(
			err, ERR_USAGE, "catalog_table_id is required when source_type='table'");
	if (!new->is_sql) {
		if (tables_get(cat, new->catalog_table_id, a, &table, err) < 0)
			return -1;
		if (new->namespace_id == ID_NONE)
			*namespace_id = table.namespace_id;
	}
	if (namespaces_check(cat, new->namespace_id, err) < 0)
		return -1;
	return check_thumbnail(new->thumbnail_data_url, err);
}

static int
create_in_transaction(struct catalog *cat, const struct visualization_new *new, int64_t *id,
	struct arena *a, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_VISUALIZATION_INSERT);
	char uuid[UUID_SIZE];
	int64_t namespace_id;

	if (check_new(cat, new, &namespace_id, a, err) < 0)
		return -1;
	uuid4(uuid);
	stmt_text(st, 1, new->name);
	stmt_text(st, 2, new->description);
	stmt_text(st, 3, new->chart_type);
	stmt_text(st, 4, new->spec_json);
	stmt_text(st, 5, new->spec_gw_version);
	stmt_text(st, 6, new->is_sql ? "sql" : "table");
	stmt_int_or_null(st, 7, new->is_sql ? ID_NONE : new->catalog_table_id, ID_NONE);
	stmt_text(st, 8, new->is_sql ? new->sql_query : NULL);
	stmt_text(st, 9, new->thumbnail_data_url);
	stmt_int_or_null(st, 10, namespace_id, ID_NONE);
	stmt_int(st, 11, cat->user_id);
	stmt_time(st, 12, clock_wall(cat->clock));
	stmt_text(st, 13, uuid);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

int
visualizations_create(
	struct catalog *cat, const struct visualization_new *new, int64_t *id, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, create_in_transaction(cat, new, id, &a, err), err);
	arena_free(&a);
	return rc;
}

/* What the row becomes; in the order of contract 5.12. */
static int
merge(struct catalog *cat, struct visualization_info *v, const struct visualization_change *change,
	struct err *err)
{
	bool is_sql = catalog_same(v->source_type, "sql");

	if (change->set_name && !(v->name = change->name))
		return err_set(err, ERR_USAGE, "name cannot be cleared");
	if (change->set_description)
		v->description = change->description;
	if (change->set_chart_type)
		v->chart_type = change->chart_type;
	if (change->set_spec && !(v->spec_json = change->spec_json))
		return err_set(err, ERR_USAGE, "spec cannot be cleared");
	if (change->set_gw_version)
		v->spec_gw_version = change->spec_gw_version;
	if (change->set_namespace) {
		if (namespaces_check(cat, change->namespace_id, err) < 0)
			return -1;
		v->namespace_id = change->namespace_id;
	}
	if (change->set_query && is_sql)
		v->sql_query = change->sql_query;
	if (change->set_table && !is_sql) {
		if (change->catalog_table_id == ID_NONE)
			return err_set(err, ERR_USAGE,
				"catalog_table_id cannot be cleared on a table-source viz");
		if (check_table(cat, change->catalog_table_id, err) < 0)
			return -1;
		v->catalog_table_id = change->catalog_table_id;
	}
	if (change->set_thumbnail)
		v->thumbnail_data_url = change->thumbnail_data_url;
	return change->set_thumbnail ? check_thumbnail(v->thumbnail_data_url, err) : 0;
}

/* The row's writer sees what nobody changes until the transaction's end. */
static int
lock_row(struct catalog *cat, int64_t id, struct err *err)
{
	int64_t found = 0;

	if (catalog_count(cat, SQL_CAT_VISUALIZATION_LOCK, id, &found, err) < 0)
		return -1;
	return found != 0 ? 0 : not_found(id, err);
}

static int
update_in_transaction(struct catalog *cat, int64_t id, const struct visualization_change *change,
	int64_t *stale_us, struct arena *a, struct err *err)
{
	struct visualization_info v;
	struct stmt *st;
	int64_t now = clock_wall(cat->clock);

	if (lock_row(cat, id, err) < 0 || visualizations_get(cat, id, a, &v, err) < 0)
		return -1;
	if (change->expected_us != TIME_NONE && change->expected_us != v.updated_us) {
		*stale_us = v.updated_us;
		return err_set(err, ERR_CONFLICT,
			"This visualization was modified in another session. Reload it or "
			"overwrite.");
	}
	if (merge(cat, &v, change, err) < 0)
		return -1;
	if (now <= v.updated_us)
		now = v.updated_us + 1;
	st = db_stmt(cat->db, SQL_CAT_VISUALIZATION_UPDATE);
	stmt_text(st, 1, v.name);
	stmt_text(st, 2, v.description);
	stmt_text(st, 3, v.chart_type);
	stmt_text(st, 4, v.spec_json);
	stmt_text(st, 5, v.spec_gw_version);
	stmt_int_or_null(st, 6, v.catalog_table_id, ID_NONE);
	stmt_text(st, 7, v.sql_query);
	stmt_text(st, 8, v.thumbnail_data_url);
	stmt_int_or_null(st, 9, v.namespace_id, ID_NONE);
	stmt_time(st, 10, now);
	stmt_int(st, 11, id);
	return stmt_exec(st, NULL, err);
}

int
visualizations_update(struct catalog *cat, int64_t id, const struct visualization_change *change,
	int64_t *stale_us, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	*stale_us = TIME_NONE;
	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update_in_transaction(cat, id, change, stale_us, &a, err), err);
	arena_free(&a);
	return rc;
}

static int
delete_in_transaction(struct catalog *cat, int64_t id, struct err *err)
{
	if (lock_row(cat, id, err) < 0 ||
		catalog_exec_id(cat, SQL_CAT_VISUALIZATION_DROP_GRANTS, id, err) < 0)
		return -1;
	return catalog_exec_id(cat, SQL_CAT_VISUALIZATION_DELETE, id, err);
}

int
visualizations_delete(struct catalog *cat, int64_t id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, delete_in_transaction(cat, id, err), err);
}

/* --- showing -------------------------------------------------------------------------------------------------- */

/* The charts of a stored text; none when it cannot be read. */
static void
json_spec(struct json *j, const char *text)
{
	cJSON *spec = text != NULL ? cJSON_Parse(text) : NULL;
	const cJSON *chart = cJSON_IsObject(spec) ? spec : spec != NULL ? spec->child : NULL;
	char *printed;

	json_array(j);
	for (; chart != NULL; chart = chart->next) {
		if (!cJSON_IsObject(chart))
			continue;
		printed = cJSON_PrintUnformatted(chart);
		json_raw(j, printed);
		cJSON_free(printed);
	}
	json_array_end(j);
	cJSON_Delete(spec);
}

void
visualizations_json(struct json *j, const struct visualization_info *v, bool with_spec)
{
	struct arena a = ARENA_INIT;

	json_object(j);
	json_kv_int(j, "id", v->id);
	json_kv_string(j, "name", v->name);
	json_kv_string(j, "description", v->description);
	json_kv_string(j, "chart_type", v->chart_type);
	json_key(j, "spec");
	json_spec(j, with_spec ? v->spec_json : NULL);
	json_kv_string(j, "spec_gw_version", v->spec_gw_version);
	json_kv_string(j, "source_type", v->source_type);
	json_kv_int_or_null(j, "catalog_table_id", v->catalog_table_id, ID_NONE);
	json_kv_string(j, "sql_query", v->sql_query);
	json_kv_int_or_null(j, "namespace_id", v->namespace_id, ID_NONE);
	json_kv_string(j, "thumbnail_data_url", v->thumbnail_data_url);
	json_kv_int_or_null(j, "created_by", v->created_by, ID_NONE);
	json_kv_time(j, "created_at", v->created_us);
	json_kv_time(j, "updated_at", v->updated_us);
	json_kv_string(j, "table_name", v->table_name);
	json_kv_string(j, "table_namespace_name", v->table_namespace_name);
	json_kv_string(
		j, "table_full_name", tables_full_name(&a, v->table_namespace_name, v->table_name));
	json_kv_string(j, "table_type", v->table_type);
	json_kv_string(j, "namespace_name", v->namespace_name);
	json_kv_null(j, "access");
	json_object_end(j);
	arena_free(&a);
}
