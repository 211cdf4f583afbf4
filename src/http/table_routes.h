/* What the files of tables share. */
#ifndef FF_HTTP_TABLE_ROUTES_H
#define FF_HTTP_TABLE_ROUTES_H

#include "http/route.h"

/* The table as the answer to what wrote it. */
int api_write_table(struct call *c, int64_t id);
/* 501: what needs the query engine. */
int api_need_engine(struct call *c, const char *what);

#endif
