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
 * more than tables: all but range, generate_series and unnest. A part of it may not be called as a file could be, with a dot in
 * its name: where the engine does not see that part it would look for the file. In the arena.
 */
int
query_parse(struct duck *d, const char *text, struct arena *a, struct query *out, struct err *err);

/* The text with the tables' new names. Columns can be named by the old ones still. ERR_USAGE: a name is not where the engine saw it, as it is
 * written in a way that few know. In the arena. */
int query_bind(const struct query *query, struct arena *a, const char **text, struct err *err);

/* "t", "schema.t", "catalog.schema.t", as the query has it. In the arena. */
const char *query_table_name(const struct query_table *table, struct arena *a);

/* --- words --- */

enum query_word_kind {
	QUERY_END,
	QUERY_NAME,
	QUERY_QUOTED, /* a name in quotes */
	QUERY_STRING, /* 'a', E'a', $$a$$; where a table stands it is one's name */
	QUERY_NUMBER,
	QUERY_SIGN, /* one character */
};

struct query_word {
	enum query_word_kind kind;
	const char *at;
	size_t len; /* in bytes */
};

/* The word at p, or behind the blanks and comments that are there. What is not closed goes to the end of the text. */
struct query_word query_word(const char *p);
/* A name or a string without its quotes, all else as it is. In the arena. */
const char *query_word_text(const struct query_word *w, struct arena *a);
/* Whether it is this key word, in whatever case, or this sign. */
bool query_word_is(const struct query_word *w, const char *text);

/* The text without the semicolons that may end it, as it becomes a part of a longer one, and with plain blanks for those of Unicode, which
 * the engine replaces by shorter ones, so that places in it do not fit any more. In the arena. */
const char *query_normalize(const char *text, struct arena *a);

#endif
