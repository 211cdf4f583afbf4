/* Saved visualizations (contract 5.12): records; what they show is computed elsewhere. */
#ifndef FF_CATALOG_VISUALIZATIONS_H
#define FF_CATALOG_VISUALIZATIONS_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"

#define VISUALIZATION_THUMBNAIL_MAX 500000 /* characters */

struct visualization_info {
	int64_t id;
	const char *name, *description, *chart_type;
	const char *spec_json; /* an array of objects; old rows: one object */
	const char *spec_gw_version;
	const char *source_type; /* "table", "sql" */
	int64_t catalog_table_id;
	const char *sql_query;
	int64_t namespace_id;
	const char *thumbnail_data_url;
	int64_t created_by;
	int64_t created_us, updated_us;
	const char *table_name, *table_namespace_name,
		*table_type; /* NULL: no table, or it is gone */
	const char *namespace_name; /* its own, or its table's */
};

struct visualization_list {
	struct visualization_info *items; /* newest first */
	size_t n;
};

/* table_id ID_NONE: all; else that table must be there. */
int visualizations_list(struct catalog *cat, int64_t table_id, struct arena *a,
	struct visualization_list *out, struct err *err);
int visualizations_get(struct catalog *cat, int64_t id, struct arena *a,
	struct visualization_info *out, struct err *err);

struct visualization_new {
	const char *name, *description, *chart_type;
	const char *spec_json;
	const char *spec_gw_version;
	bool is_sql; /* else of a table */
	int64_t catalog_table_id;
	const char *sql_query;
	int64_t namespace_id; /* ID_NONE: its table's */
	const char *thumbnail_data_url;
};
int visualizations_create(
	struct catalog *cat, const struct visualization_new *new, int64_t *id, struct err *err);

/* What is set is written, NULL and ID_NONE clear. */
struct visualization_change {
	bool set_name, set_description, set_chart_type, set_spec, set_gw_version, set_namespace,
		set_query, set_table, set_thumbnail;
	const char *name, *description, *chart_type, *spec_json, *spec_gw_version, *sql_query,
		*thumbnail_data_url;
	int64_t namespace_id, catalog_table_id;
	int64_t expected_us; /* updated_at as the writer knows it; TIME_NONE: whatever it is */
};
/* *stale_us: TIME_NONE, or what updated_at is instead of what was expected (ERR_CONFLICT). */
int visualizations_update(struct catalog *cat, int64_t id,
	const struct visualization_change *change, int64_t *stale_us, struct err *err);
int visualizations_delete(struct catalog *cat, int64_t id, struct err *err);

/* The list of all shows no specs. */
void visualizations_json(struct json *j, const struct visualization_info *v, bool with_spec);

#endif
