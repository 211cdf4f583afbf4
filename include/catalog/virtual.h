/* Virtual tables (contract 5.10): records of tables that a flow or a query makes when they are read. */
#ifndef FF_CATALOG_VIRTUAL_H
#define FF_CATALOG_VIRTUAL_H

#include "catalog/tables.h"

/*
 * Whether a query only reads (contract 5.11): ERR_USAGE says what it does besides. It is looked at without its
 * comments; words in strings count, too.
 */
int virtual_check_query(const char *query, struct err *err);

/* The table, if it is one that a query makes. */
int virtual_get_query(
	struct catalog *cat, int64_t id, struct arena *a, struct table_info *out, struct err *err);

/* A virtual table is made by tables_register() with is_virtual. The columns of one that a flow makes are known when it was read once. */

/*
 * NULL, ID_NONE: keep. updated_at moves when what the table holds may be another now: by its producer or its query,
 * never by a name (D-10).
 */
struct virtual_change {
	struct table_change record;
	int64_t producer_registration_id; /* of those that a flow makes */
	const char *sql_query; /* of those that a query makes */
	const char *schema_json; /* with sql_query: the columns it gives */
	int64_t column_count; /* COUNT_NONE: not known */
};
int virtual_update_flow(
	struct catalog *cat, int64_t id, const struct virtual_change *change, struct err *err);
int virtual_update_query(
	struct catalog *cat, int64_t id, const struct virtual_change *change, struct err *err);

#endif
