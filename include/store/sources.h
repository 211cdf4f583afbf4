/*
 * What virtual tables are computed from (scheduler_sources): a write to a source is passed on as a write of the virtual table, once
 * however many ways there are between them, so that whoever watches the virtual table hears of it.
 */
#ifndef FF_STORE_SOURCES_H
#define FF_STORE_SOURCES_H

#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

/* Whether there are writes that were not passed on: 1, 0. */
int sources_pending(struct db *db, struct err *err);
/* Passes them on, in the caller's write transaction. */
int sources_pass_on(struct db *db, struct err *err);

#endif
