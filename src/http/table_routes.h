/* What the files of tables share. */
#ifndef FF_HTTP_TABLE_ROUTES_H
#define FF_HTTP_TABLE_ROUTES_H

#include "catalog/tables.h"
#include "http/route.h"

/* A new table as the body has it: name, namespace, description; nothing is counted. */
struct table_new api_new_table(const struct call *c);
/* The table as the answer to what wrote it. */
int api_write_table(struct call *c, int64_t id);
/* 501: what needs the query engine. */
int api_need_engine(struct call *c, const char *what);

#endif
