/* The columns of a relation: names, and types as the engine writes them ("BIGINT", "DECIMAL(18,3)"). */
#ifndef FF_FLOW_COLUMNS_H
#define FF_FLOW_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

struct column {
	const char *name;
	const char *type;
};

/* In their order. Names and types live where the arena says that was given to whoever made them. */
struct columns {
	struct column *items;
	size_t n;
};

void columns_add(struct columns *columns, struct arena *a, const char *name, const char *type);
/* NULL: none. Upper and lower case are different, as in Polars; the engine tells them not apart, so no relation has both. */
const struct column *columns_find(const struct columns *columns, const char *name);
/* "a, b and c": for errors, at most a handful of them. In the arena. */
const char *columns_list(const struct columns *columns, struct arena *a);

/* What kind of value a type holds, as far as translating cares. */
enum type_class {
	TYPE_NULL, /* only NULLs are known of it */
	TYPE_BOOL,
	TYPE_INT,
	TYPE_FLOAT,
	TYPE_DECIMAL,
	TYPE_TEXT,
	TYPE_BINARY,
	TYPE_DATE,
	TYPE_DATETIME,
	TYPE_TIME,
	TYPE_DURATION,
	TYPE_LIST,
	TYPE_STRUCT,
	TYPE_OTHER,
};
enum type_class type_classify(const char *type);
static inline bool
type_is_number(enum type_class c)
{
	return c == TYPE_INT || c == TYPE_FLOAT || c == TYPE_DECIMAL;
}

/*
 * Flowfile names types as Polars does: "Int64", "String", "Datetime(time_unit='us', time_zone=None)", also with "pl."
 * before it. type_from_polars() gives the engine's type, NULL for a name that is none (in the arena where it is made up);
 * type_to_polars() goes back, for the schemas that the catalog stores.
 */
const char *type_from_polars(const char *name, struct arena *a);
const char *type_to_polars(const char *type, struct arena *a);

/* --- pieces of SQL --- */

/* "name", with its quotes doubled. */
void sql_ident(struct buf *b, const char *name);
/* 'text', with its quotes doubled; NULL: NULL. */
void sql_text(struct buf *b, const char *text);
/* The same in the arena. */
const char *sql_quoted(struct arena *a, const char *name);
const char *sql_literal(struct arena *a, const char *text);
/*
 * A path as the pattern that only this file matches: the engine takes what it reads for patterns. Not quoted; in the arena. It cannot
 * be said of a path with a '\' beside one of "*?[": there the engine finds no file.
 */
const char *sql_pattern(struct arena *a, const char *path);
/* An expression as the text that Polars makes of its value. In the arena. */
const char *sql_as_text(struct arena *a, const char *sql, enum type_class type);

#endif
