/*
 * What virtual tables are computed from (scheduler_sources): a write to a source is passed on as a write of the virtual table, once
 * however many ways there are between them, so that whoever watches the virtual table hears of it.
 */
#ifndef FF_STORE_SOURCES_H
#define FF_STORE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

/* What a virtual table is computed from: every table that it reads, and what those read in turn. */
struct sources {
	int64_t table_id;
	int64_t changed_us; /* when something outside of the catalog last changed what it reads; TIME_NONE */
	bool partly; /* some of them cannot be told now: those that are stored stay */
	int64_t *ids;
	size_t n;
};

/*
 * Stores what all virtual tables are computed from, which are given in the order of their ids, in a transaction of the leader of
 * this holder_id. 1: that is another now, 0: it is as it was, -1.
 *
 * A source that is new, and was written after the virtual table and after changed_us, counts as written since. Not so when nothing was
 * ever stored before.
 */
int sources_update(struct db *db, const char *holder_id, const struct sources *tables, size_t n,
	struct err *err);

/* Whether there are writes that were not passed on: 1, 0. */
int sources_pending(struct db *db, struct err *err);
/* Passes them on, in the caller's write transaction. */
int sources_pass_on(struct db *db, struct err *err);

#endif
