/*
 * From what a person types to an id. Digits alone are an id, all else a name. What is not there is
 * ERR_NOT_FOUND and says the nearest name; several of one name are ERR_CONFLICT and are listed with ids.
 */
#ifndef FF_CATALOG_RESOLVE_H
#define FF_CATALOG_RESOLVE_H

#include "catalog/catalog.h"

int resolve_flow(struct catalog *cat, const char *text, int64_t *id, struct err *err);
/* Also "schema.table" and "catalog.schema.table". */
int resolve_table(struct catalog *cat, const char *text, int64_t *id, struct err *err);
/* A name is a schema's or a catalog's, or "catalog.schema". */
int resolve_namespace(struct catalog *cat, const char *text, int64_t *id, struct err *err);
int resolve_schedule(struct catalog *cat, const char *text, int64_t *id, struct err *err);
/* Runs have only ids: all else is ERR_USAGE. */
int resolve_run(struct catalog *cat, const char *text, int64_t *id, struct err *err);

#endif
