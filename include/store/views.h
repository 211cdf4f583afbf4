/*
 * A connection that sees of the catalog what one user may see (contract 6.4): temporary views stand before
 * Flowfile's tables, under their names. It is for reading, and for the statements of access.sql.
 */
#ifndef FF_STORE_VIEWS_H
#define FF_STORE_VIEWS_H

#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

/* Makes the views on a connection that has none; nothing is visible until views_show(). Anew after db_reconnect(). */
int views_make(struct db *db, struct err *err);
/* From here on it is what this user may see. */
int views_show(struct db *db, int64_t user_id, struct err *err);

#endif
