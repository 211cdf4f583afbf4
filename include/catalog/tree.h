/* The catalog as a tree: namespaces with all that is filed in them (contract 5.2). */
#ifndef FF_CATALOG_TREE_H
#define FF_CATALOG_TREE_H

#include "base/json.h"
#include "catalog/catalog.h"

/* Writes the list of catalogs with their schemas. What has no namespace is not in it. */
int tree_json(struct catalog *cat, struct arena *a, struct json *j, struct err *err);

#endif
