/* Data of the catalog's tables that we write: where it lies, and what the catalog is told of it. */
#ifndef FF_FLOW_TABLE_DATA_H
#define FF_FLOW_TABLE_DATA_H

#include "base/paths.h"
#include "catalog/table_write.h"
#include "flow/delta.h"
#include "flow/duck.h"

/* Where the data of a new table of this name will be: "<tables>/<name>_<8 hex>". In the arena. */
const char *table_data_new_folder(const struct paths *paths, const char *name, struct arena *a);

/* Columns as the catalog stores a schema. In the arena. */
const char *table_data_schema(const struct columns *columns, struct arena *a);

/* Place, columns, partitions, rows and bytes of the newest version, not of what came in (D-36). In the arena. */
int table_data_measure(struct duck *duck, const char *dir, struct arena *a, struct table_written *w,
	struct err *err);

/*
 * The same after a commit that tells what it made (its options have an arena), without the engine where the write was alone. -1 with err: the rows
 * could not be counted, and *w says so; all else of it is known.
 */
int table_data_after(struct duck *duck, const char *dir, struct arena *a,
	const struct delta_written *written, struct table_written *w, struct err *err);

#endif
