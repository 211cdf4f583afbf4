/*
 * Rows as Flowfile's API shows them (contract 5.9): null, truth values, numbers and texts as they are, all else as the text that Python
 * makes of it. Nested values are as the engine writes them.
 */
#ifndef FF_FLOW_CELLS_H
#define FF_FLOW_CELLS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "flow/columns.h"
#include "flow/duck.h"

#define CELLS_ALL INT64_C(-1)

struct cells {
	struct columns columns; /* with the engine's types, in the arena */
	struct duck_rows *rows;
};

/* Runs a SELECT for at most limit rows. */
int cells_query(struct duck *d, const char *sql, int64_t limit, struct arena *a, struct cells *out,
	struct err *err);
void cells_free(struct cells *cells);

/* One cell of the current row, as a bare value. */
void cells_json_value(const struct cells *cells, size_t column, struct json *j);
/* The rows that are left, [[...], ...]; how many. */
int64_t cells_json_rows(const struct cells *cells, struct json *j);

/* The same as objects, by the names of their columns; lists of numbers are lists. The arena holds what is in between. */
int64_t cells_json_objects(
	const struct cells *cells, const struct columns *names, struct arena *a, struct json *j);
/* An expression of a type as what is shown of it, where that is not the value itself. In the arena. */
const char *cells_sql(const char *sql, const char *type, struct arena *a);

/* "columns": [...], "dtypes": [...] with what name() makes of an engine's type. */
void columns_json(const struct columns *columns, const char *(*name)(const char *, struct arena *),
	struct arena *a, struct json *j);
/* [{"name": ..., "dtype": ...}, ...] as the catalog stores a schema. */
void columns_json_schema(const struct columns *columns, struct arena *a, struct json *j);

/* What Arrow calls an engine's type: "int64", "timestamp[us]", "list<item: string>". In the arena where it is made up. */
const char *type_to_arrow(const char *type, struct arena *a);

#endif
