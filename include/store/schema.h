/*
 * The catalog's shape: making it, checking it, bringing our own tables up to date.
 *
 * Flowfile's tables are never altered and alembic_version is never written, except when the whole
 * catalog is made by us from nothing. Our tables are prefixed scheduler_ and move by numbered
 * migrations with checksums; our triggers are dropped and made anew when one is missing or differs.
 */
#ifndef FF_STORE_SCHEMA_H
#define FF_STORE_SCHEMA_H

#include <stdbool.h>

#include "base/err.h"
#include "store/db.h"

struct schema_info {
	char revision[33]; /* alembic_version, "" when there is none */
	bool older_revision; /* older than 030: Flowfile 0.16 must bring it up to date first */
	bool newer_revision; /* newer than 030, but all columns we need are there */
	int our_version; /* highest applied migration of ours; 0: none */
	int program_version; /* highest this program knows */
	int triggers_missing; /* how many of ours are not there */
	bool empty; /* no tables at all */
};

/* Looks, changes nothing. */
int schema_inspect(struct db *db, struct schema_info *info, struct err *err);

/*
 * Makes the catalog usable: creates all of Flowfile's tables with the seed rows of contract 1.5
 * (user local_user, namespaces General > default, Unnamed Flows, Local Flows; db_info) when the
 * database is empty, applies our migrations, ensures the triggers, fills the mirrors
 * (scheduler_active, scheduler_tables, scheduler_consumed) for what existed before. Runs under a
 * lock, one transaction per step: safe when several start at once, and after a crash in the middle.
 *
 * Refuses, changing nothing, with a message that says what to do: a catalog that lacks tables or
 * columns we need (naming the first), a revision older than 030, our tables newer than the program,
 * a migration whose checksum differs. Warns in the log for a revision newer than 030.
 */
int schema_prepare(struct db *db, struct err *err);

/*
 * Makes missing triggers anew and, if any was missing, catches up with what they missed:
 * scheduler_active is rebuilt, tables whose updated_at is later than the stamp last seen get a
 * write journalled, schedules without rows in scheduler_consumed are armed by their watermark
 * (contract 4.7, 4.8). Returns how many were missing. Opens its own transaction unless one is open.
 */
int schema_ensure_triggers(struct db *db, struct err *err);

/* Drops all that is ours: triggers, view, tables. Flowfile's stay. */
int schema_remove_ours(struct db *db, struct err *err);

#endif
