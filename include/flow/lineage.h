/*
 * What virtual tables are computed from: the tables that the producing flow reads on the way to its writer, or those that the query names, and
 * what those are computed from in turn. Found without the query engine, from the catalog's rows and the flow files; kept in
 * scheduler_sources, by which a write to a source becomes one of the virtual table (store/sources.h).
 */
#ifndef FF_FLOW_LINEAGE_H
#define FF_FLOW_LINEAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"

/* Flow files as they were read last. */
struct lineage;

struct lineage *lineage_create(void);
void lineage_free(struct lineage *l); /* NULL does nothing */

/*
 * Brings scheduler_sources up to date, in a transaction of the leader of this holder_id. 1: they changed, 0: they did not, -1. A flow file that
 * cannot be read leaves its tables as they were, with a line in the log.
 *
 * A source that is new, and was written after the virtual table was last defined, counts as written since. Not so on the first call
 * ever on a catalog.
 */
int lineage_refresh(struct lineage *l, struct db *db, const char *holder_id, struct err *err);

/*
 * The names of tables that a query may read, "table" to "catalog.schema.table", by a look at its words: it may name too many (for example
 * common table expressions), never too few. In the arena; ends with NULL.
 */
const char **lineage_query_names(const char *sql, struct arena *a);

#endif
