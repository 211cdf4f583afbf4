/* What the catalog notes of a write to a table's data, after the data is there: one transaction, and updated_at always moves (D-15). */
#ifndef FF_CATALOG_TABLE_WRITE_H
#define FF_CATALOG_TABLE_WRITE_H

#include "catalog/tables.h"

struct table_written {
	const char *name; /* of a table that is made; else it stays */
	int64_t namespace_id;
	const char *description; /* NULL keeps */
	const char *file_path; /* NULL: a virtual table, which producer makes */
	const char *schema_json, *partition_columns; /* JSON; NULL: keep */
	const char *scd2_config; /* JSON; NULL: keep; "": there is none any more */
	int64_t row_count, column_count, size_bytes;
	int64_t flow_id, run_id; /* who wrote; ID_NONE: nobody that is known */
	const int64_t *reads; /* the tables that the flow reads: its links to them are noted, too */
	size_t n_reads;
};

/* id ID_NONE: the table is made. *out: its id. */
int tables_record_write(struct catalog *cat, int64_t id, const struct table_written *written,
	int64_t *out, struct err *err);

/* The flow of exactly this path, the oldest of several; ID_NONE when there is none. */
int tables_flow_of_path(struct catalog *cat, const char *path, int64_t *id, struct err *err);

#endif
