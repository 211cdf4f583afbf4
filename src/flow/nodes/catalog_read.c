/*
 * Tables of the catalog as sources: Delta tables, single files of parquet that older versions of Flowfile made, and virtual tables and queries, which
 * become a part of the plan, so that all of it is one statement.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "catalog/resolve.h"
#include "catalog/tables.h"
#include "flow/catalog_sql.h"
#include "flow/delta.h"
#include "nodes.h"

/* --- which table ------------------------------------------------------------------------------------------- */

static int
find_by_name(struct catalog *cat, const char *full, const char *name, int64_t namespace_id,
	struct arena *a, struct table_info *out, struct err *err)
{
	struct table_matches found;
	int64_t id;

	if (full != NULL && *full != '\0') {
		if (resolve_table(cat, full, &id, err) == 0)
			return tables_get(cat, id, a, out, err);
		if (err->code != ERR_NOT_FOUND || name == NULL || *name == '\0')
			return -1;
		err_clear(err);
	}
	if (name == NULL || *name == '\0')
		return err_set(err, ERR_USAGE,
			"it names no table: catalog_table_id, catalog_full_table_name or "
			"catalog_table_name");
	if (tables_resolve(cat, name, namespace_id, false, a, &found, err) == 0)
		return tables_get(cat, found.items[0].id, a, out, err);
	/* The same again for its error, which says the nearest name. */
	if (err->code == ERR_NOT_FOUND && namespace_id == ID_NONE) {
		err_clear(err);
		return resolve_table(cat, name, &id, err) < 0 ? -1
							      : tables_get(cat, id, a, out, err);
	}
	if (err->code == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, "no table is called '%s' in namespace %" PRId64,
			name, namespace_id);
	return -1;
}

int
catalog_reader_table(struct catalog *cat, const cJSON *settings, struct arena *a,
	struct table_info *out, struct err *err)
{
	const char *full, *name;
	int64_t id, namespace_id;

	if (setting_int(settings, "catalog_table_id", 0, INT64_MAX, ID_NONE, &id, err) < 0 ||
		setting_text(settings, "catalog_full_table_name", NULL, a, &full, err) < 0 ||
		setting_text(settings, "catalog_table_name", NULL, a, &name, err) < 0 ||
		setting_int(settings, "catalog_namespace_id", 0, INT64_MAX, ID_NONE, &namespace_id,
			err) < 0)
		return -1;
	if (id != ID_NONE) {
		if (tables_get(cat, id, a, out, err) == 0)
			return 0;
		if (err->code != ERR_NOT_FOUND)
			return -1;
		if ((full == NULL || *full == '\0') && (name == NULL || *name == '\0'))
			return err_set(err, ERR_NOT_FOUND,
				"catalog_table_id: no table has the id %" PRId64, id);
		err_clear(err);
	}
	return find_by_name(cat, full, name, namespace_id, a, out, err);
}

/* --- tables with data ------------------------------------------------------------------------------------------ */

int
catalog_scan_sql(const struct table_info *table, int64_t version, struct duck *duck,
	struct arena *a, const char **sql, struct err *err)
{
	struct delta_snapshot snapshot;
	int is_delta;

	if (table->file_path == NULL)
		return err_set(err, ERR_NOT_FOUND, "table %s has no data yet", table->name);
	if (table->is_remote_storage)
		return err_set(err, ERR_USAGE,
			"table %s is in an object storage, which only Flowfile reads", table->name);
	if (!table->file_exists)
		return err_set(err, ERR_NOT_FOUND, "table %s: there is no table at %s", table->name,
			table->file_path);
	is_delta = delta_is_table(table->file_path, err);
	if (is_delta < 0)
		return err_prefix(err, "table %s", table->name);
	if (is_delta) {
		if (delta_open(table->file_path, version, duck, a, &snapshot, err) < 0)
			return err_prefix(err, "table %s", table->name);
		*sql = delta_scan_sql(&snapshot, a);
		return 0;
	}
	if (version != DELTA_LATEST)
		return err_set(err, ERR_USAGE,
			"table %s is one file of parquet, which has no versions", table->name);
	*sql = arena_printf(a, "SELECT * FROM read_parquet(%s)",
		sql_literal(a, sql_pattern(a, table->file_path)));
	return 0;
}

static const char *
scd2_column(const cJSON *config, const char *field)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, field));
}

/* The rows that were valid at a time, now, or ever (the preset), of a table that keeps its history. */
static int
add_view(struct compiler *c, const cJSON *config, const char **sql, struct err *err)
{
	static const char *const views[] = {"all", "active", "current", "active_at", "as_of", NULL};
	const char *from = scd2_column(config, "valid_from_column");
	const char *to = scd2_column(config, "valid_to_column");
	const char *current = scd2_column(config, "is_current_column"), *as_of, *time;
	int view;

	if (setting_word(c->settings, "scd2_view", views, 0, c->arena, &view, err) < 0)
		return -1;
	if (view == 0)
		return 0;
	if (view <= 2) {
		*sql = arena_printf(c->arena, "SELECT * FROM (%s) WHERE %s", *sql,
			sql_quoted(c->arena, current != NULL ? current : "is_current"));
		return 0;
	}
	if (setting_required(c->settings, "scd2_as_of", c->arena, &as_of, err) < 0)
		return -1;
	from = sql_quoted(c->arena, from != NULL ? from : "valid_from");
	to = sql_quoted(c->arena, to != NULL ? to : "valid_to");
	time = arena_printf(c->arena, "CAST(%s AS TIMESTAMP)", sql_literal(c->arena, as_of));
	*sql = arena_printf(c->arena,
		"SELECT * FROM (%s) WHERE CAST(%s AS TIMESTAMP) <= %s AND (%s IS NULL OR CAST(%s "
		"AS TIMESTAMP) > %s)",
		*sql, from, time, to, to, time);
	return 0;
}

static int
emit_physical(struct compiler *c, const struct table_info *table, int64_t version, struct err *err)
{
	cJSON *config = table->scd2_config != NULL ? cJSON_Parse(table->scd2_config) : NULL;
	const char *sql;
	int rc = catalog_scan_sql(table, version, c->plan->shapes, c->arena, &sql, err);

	if (rc == 0 && config != NULL)
		rc = add_view(c, config, &sql, err);
	else if (rc == 0 && cJSON_IsString(cJSON_GetObjectItem(c->settings, "scd2_view")))
		plan_say(c->plan,
			"node %" PRId64 ": scd2_view is ignored: table %s keeps no history",
			c->node->id, table->name);
	cJSON_Delete(config);
	if (rc < 0 || node_emit(c, 0, sql, err) < 0)
		return -1;
	node_set_scan(c, 0, true);
	return 0;
}

/* --- what is made when it is read --------------------------------------------------------------------------------- */

static int
emit_relation(struct compiler *c, struct relation *relation, struct err *err)
{
	c->in[0] = relation;
	c->n_in = 1;
	return node_emit(c, 0, arena_printf(c->arena, "SELECT * FROM %s", relation->name), err);
}

static int
emit_query(struct compiler *c, const char *query, struct err *err)
{
	struct relation *relation;

	if (catalog_sql_compile(c->plan, c->scope, query, NULL, &relation, err) < 0)
		return err_prefix(err, "sql_query");
	return emit_relation(c, relation, err);
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static int
check_settings(struct compiler *c, int64_t *version, const char **query, struct err *err)
{
	const char *changes;

	if (setting_int(c->settings, "delta_version", 0, INT64_MAX, DELTA_LATEST, version, err) <
			0 ||
		setting_text(c->settings, "sql_query", "", c->arena, query, err) < 0 ||
		setting_text(c->settings, "cdc_mode", "off", c->arena, &changes, err) < 0)
		return -1;
	if (strcmp(changes, "off") != 0)
		return err_set(err, ERR_USAGE,
			"cdc_mode: '%s': changes of tables are read by Flowfile only", changes);
	if (c->plan->catalog == NULL)
		return err_set(err, ERR_FAILED, "it needs the catalog, and there is none");
	return 0;
}

int
node_catalog_reader(struct compiler *c, struct err *err)
{
	struct table_info table;
	struct relation *relation;
	const char *query;
	int64_t version;

	if (check_settings(c, &version, &query, err) < 0)
		return -1;
	if (*query != '\0')
		return emit_query(c, query, err);
	if (catalog_reader_table(c->plan->catalog, c->settings, c->arena, &table, err) < 0)
		return -1;
	if (!table_is_virtual(&table))
		return emit_physical(c, &table, version, err);
	if (version != DELTA_LATEST)
		return err_set(err, ERR_USAGE,
			"delta_version: table %s is virtual and has no versions", table.name);
	if (catalog_relation(c->plan, c->scope, &table, &relation, err) < 0)
		return -1;
	return emit_relation(c, relation, err);
}
