/* The pieces that schema.c puts together. Private to src/store. All of them run inside a
 * transaction of the caller's. */
#ifndef FF_STORE_SCHEMA_PARTS_H
#define FF_STORE_SCHEMA_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "store/db.h"

/* The files of src/store/sql/schema, compiled in. Ends with a row of NULLs. */
struct schema_script {
	const char *name; /* the file's, without ".sql" */
	const char *text;
};
extern const struct schema_script schema_scripts[];

/* The text of "<base>-sqlite" or "<base>-postgres". There must be one. */
const char *schema_script_text(const struct db *db, const char *base);

/* What there is, as far as it matters. */
struct schema_shape {
	int n_tables;
	bool revision_table; /* alembic_version */
	bool migrations_table; /* scheduler_migrations */
	char missing
		[128]; /* the first "table" or "table.column" that our programs need; "": none */
	const char *ours_missing; /* the first table of ours that is not there */
};
int schema_get_shape(struct db *db, struct schema_shape *shape, struct err *err);

/* The rows a new catalog starts with (contract 1.5). */
int schema_seed(struct db *db, struct err *err);

/* How many of our triggers are missing. */
int schema_count_missing(struct db *db, int *missing, struct err *err);
/* Drops our triggers and makes them anew. */
int schema_make_triggers(struct db *db, struct err *err);
/* Runs the statements that a named statement's rows hold. */
int schema_run_rows(struct db *db, enum sql_id id, struct err *err);

/* Makes up for what the triggers missed; see schema_ensure_triggers(). */
int schema_catch_up(struct db *db, struct err *err);

#endif
