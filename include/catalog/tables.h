/* Catalog tables (contract 5.8, 5.9): the records; the data is elsewhere. */
#ifndef FF_CATALOG_TABLES_H
#define FF_CATALOG_TABLES_H

#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "catalog/catalog.h"

/* A flow or a table that is named in passing. */
struct flow_ref {
	int64_t id;
	const char *name;
};

struct table_info {
	int64_t id;
	const char *name;
	int64_t namespace_id;
	const char *namespace_name; /* the schema's; may be NULL */
	const char *catalog_name; /* its parent's; may be NULL */
	const char *description;
	int64_t owner_id;
	bool file_exists;
	bool is_remote_storage;
	bool is_favorite;
	const char *schema_json;
	int64_t row_count, column_count, size_bytes; /* COUNT_NONE: not known */
	const char *file_path;
	int64_t source_registration_id;
	const char *source_registration_name;
	int64_t source_run_id;
	struct flow_ref *read_by; /* by name */
	size_t n_read_by;
	const char *table_type;
	int64_t producer_registration_id;
	const char *producer_registration_name;
	enum tri is_optimized;
	const char *sql_query, *polars_plan, *source_table_versions;
	const char *partition_columns, *scd2_config;
	int64_t prediction_table_id;
	const char *prediction_table_name;
	int64_t created_us, updated_us;
};
/* It holds no data: it is a name for a query, or for what a flow makes. */
static inline bool
table_is_virtual(const struct table_info *table)
{
	return strcmp(table->table_type, "virtual") == 0;
}

struct table_list {
	struct table_info *items; /* by name, then id */
	size_t n;
};

/* namespace_id ID_NONE: all. */
int tables_list(struct catalog *cat, int64_t namespace_id, struct arena *a, struct table_list *out,
	struct err *err);
int tables_get(
	struct catalog *cat, int64_t id, struct arena *a, struct table_info *out, struct err *err);

/* What a virtual table is computed from (scheduler_sources), by name; none until a scheduler looked. */
int tables_sources(struct catalog *cat, int64_t id, struct arena *a, struct flow_ref **items,
	size_t *n, struct err *err);

/*
 * updated_us of virtual tables becomes the last write of them as the scheduler derived it from what they are computed from, which
 * Flowfile's column does not have.
 */
int tables_derive_writes(struct catalog *cat, struct table_info *tables, size_t n, struct err *err);

/* "schema.table", or the bare name. In the arena. */
const char *tables_full_name(struct arena *a, const char *schema, const char *name);

struct table_new {
	const char *name;
	int64_t namespace_id;
	const char *description;
	const char *file_path; /* may be NULL */
	const char *storage_format; /* NULL: delta */
	int64_t source_registration_id;
	int64_t row_count, size_bytes; /* COUNT_NONE: not known */
	const char *schema_json; /* NULL: not known */
	int64_t column_count; /* COUNT_NONE, or 0 without a schema: not known */
	/* Virtual tables, contract 5.10: the flow that makes it, or a query. */
	bool is_virtual;
	int64_t producer_registration_id;
	const char *sql_query;
};
int tables_register(struct catalog *cat, const struct table_new *new, int64_t *id, struct err *err);

/*
 * Records that a table's data was written: updated_at always moves, to now, or past what is there when
 * that is later (D-15, and a clock that went back). run_id is the run that wrote, ID_NONE outside of one.
 */
struct table_touch {
	int64_t run_id;
	int64_t row_count, size_bytes; /* COUNT_NONE keeps */
};
int tables_touch(struct catalog *cat, int64_t id, const struct table_touch *touch,
	int64_t *updated_us, struct err *err);

/* NULL, ID_NONE: keep. Only the columns that change are written and never updated_at (D-16). */
struct table_change {
	const char *name;
	const char *description;
	int64_t namespace_id;
	const char *file_path;
	const char *storage_format; /* with file_path; NULL: delta */
	int64_t source_registration_id;
	bool set_prediction;
	int64_t prediction_table_id; /* with set_prediction; ID_NONE clears */
};
int
tables_update(struct catalog *cat, int64_t id, const struct table_change *change, struct err *err);

/*
 * Records that a table's data was replaced (contract 5.8 "refresh"). NULL, COUNT_NONE: what is not
 * known stays as it was. updated_at moves as in tables_touch(). Data at another place than before is
 * removed if it is managed (D-37).
 */
struct table_data {
	const char *file_path; /* NULL: ERR_USAGE */
	const char *storage_format; /* NULL: by what is there */
	const char *schema_json, *description;
	int64_t row_count, column_count, size_bytes;
};
int
tables_overwrite(struct catalog *cat, int64_t id, const struct table_data *data, struct err *err);

/* The size after upkeep, which is no write: updated_at stays. */
int tables_set_size(struct catalog *cat, int64_t id, int64_t size_bytes, struct err *err);

/* Removes what is in the managed folder (paths->tables); all else is the user's and stays. */
void tables_drop_data(struct catalog *cat, const char *file_path);

/* Favorites of the catalog's user. Adding one that is there changes nothing. */
struct table_favorite {
	int64_t id, user_id, table_id, created_us;
};
int
tables_add_favorite(struct catalog *cat, int64_t id, struct table_favorite *out, struct err *err);
int tables_drop_favorite(struct catalog *cat, int64_t id, struct err *err);
/* Newest favorite first. */
int tables_favorites(struct catalog *cat, struct arena *a, struct table_list *out, struct err *err);

/*
 * Removes the record and what hangs on it. Schedules that watch it are disabled, for its id may be
 * used again for another table (D-11); *disabled (may be NULL) counts them. Files stay.
 */
int tables_delete(struct catalog *cat, int64_t id, int64_t *disabled, struct err *err);

/*
 * Contract 5.8 "Resolve": q is "table", "schema.table" or "catalog.schema.table". The first match
 * counts. strict: several are ERR_CONFLICT (they are in out nevertheless). warn: whether the API
 * lists the matches as warnings.
 */
struct table_match {
	int64_t id;
	const char *name;
	int64_t namespace_id;
	const char *namespace_name;
	const char *qualified_name;
};
struct table_matches {
	struct table_match *items;
	size_t n;
	bool warn;
};
int tables_resolve(struct catalog *cat, const char *q, int64_t namespace_id, bool strict,
	struct arena *a, struct table_matches *out, struct err *err);

/* For the catalog's own files, within a transaction. */

/* Whether a table of that name may be there: its form, the namespace, no other one (self excepted). */
int tables_check_place(
	struct catalog *cat, const char *name, int64_t namespace_id, int64_t self, struct err *err);
int tables_apply(struct catalog *cat, int64_t id, const struct table_change *change,
	struct arena *a, struct err *err);
int tables_next_stamp(struct catalog *cat, int64_t id, int64_t *stamp_us, struct err *err);

void tables_json(struct json *j, const struct table_info *table);

/* Whether a table's history (scd2_config, may be NULL) names columns that a schema does not have: it is none any more. */
bool tables_scd2_is_stale(const char *scd2_json, const char *schema_json);

#endif
