/* What the files of tables share. */
#ifndef FF_HTTP_TABLE_ROUTES_H
#define FF_HTTP_TABLE_ROUTES_H

#include "catalog/tables.h"
#include "http/route.h"

/* A new table as the body has it: name, namespace, description; nothing is counted. */
struct table_new api_new_table(const struct call *c);
/* The table as the answer to what wrote it. */
int api_write_table(struct call *c, int64_t id);
/* Whether there is a Delta table; path may be NULL. */
bool api_is_delta(struct call *c, const char *path);
/* 422: a table that is not ours to read. */
int api_refuse_remote(struct call *c, const struct table_info *table);

#endif
