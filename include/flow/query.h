/*
 * A query that a person wrote: one SELECT. The engine's own parser says which tables it names, before anything is bound; its
 * text can then be had with other names for them.
 */
#ifndef FF_FLOW_QUERY_H
#define FF_FLOW_QUERY_H

#include "flow/duck.h"

/* A place in the text where a table stands. Parts that are not written are NULL. */
struct query_table {
	const char *catalog, *schema, *name;
	const char *
		becomes; /* its name in query_bind()'s text, no need to quote; NULL: stays as it is */
	size_t at; /* bytes into the text */
	bool has_alias;
};

/* A column that is named with its table's schema or more: schema.table.column. */
struct query_column {
	const char **parts;
	size_t n;
	size_t at;
};

struct query {
	const char *text;
	struct query_table *tables;
	size_t n_tables;
	struct query_column *columns;
	size_t n_columns;
	const char **ctes; /* names of its own common table expressions */
	size_t n_ctes;
};

/*
 * ERR_USAGE: it is not one SELECT, its syntax is wrong (with line and column), or it takes rows from a function that may read
 * more than tables: all but range, generate_series and unnest. In the arena.
 */
int
query_parse(struct duck *d, const char *text, struct arena *a, struct query *out, struct err *err);

/* Behind blanks and comments; a comment without an end goes to that of the text. */
const char *query_skip_blank(const char *p);

/* The text with the tables' new names. Columns can be named by the old ones still. In the arena. */
const char *query_bind(const struct query *query, struct arena *a);

#endif
