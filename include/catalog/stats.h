/* How much there is in the catalog (contract 5.7). */
#ifndef FF_CATALOG_STATS_H
#define FF_CATALOG_STATS_H

#include "base/json.h"
#include "catalog/catalog.h"

/* Writes the whole answer, with the favorites of the catalog's user. */
int stats_json(struct catalog *cat, struct arena *a, struct json *j, struct err *err);

#endif
