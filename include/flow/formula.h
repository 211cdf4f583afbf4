/*
 * The formula language of Flowfile, as SQL of the engine: `if [age] >= 18 then uppercase([name]) else "child" endif`.
 * doc/formulas.md has all of it. What a formula gives is what Flowfile's polars_expr_transformer 0.5.5 makes of it on Polars, but
 * where that page says so.
 *
 * Errors are ERR_USAGE and begin with where in the text: "column 12: ", or "line 2, column 3: " in a text of several lines.
 */
#ifndef FF_FLOW_FORMULA_H
#define FF_FLOW_FORMULA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "flow/columns.h"

#define FORMULA_TEXT_MAX (64 * 1024) /* bytes of a formula */
#define FORMULA_DEPTH_MAX 150 /* values within values; the engine takes 1000 of what each becomes */
#define FORMULA_SQL_MAX (256 * 1024) /* bytes of what one becomes */

struct formula {
	const char *sql; /* one scalar expression over the columns, safe to put between operators */
	enum type_class type;
};

/* Checks names and, where they are known, types. The SQL lives in the arena. */
int formula_translate(const char *text, const struct columns *columns, struct arena *a,
	struct formula *out, struct err *err);

/* The names of the columns that a formula reads, each once, in the order of the text; in the arena. */
int
formula_columns(const char *text, struct arena *a, const char ***names, size_t *n, struct err *err);

/* The functions' names, one after the other: NULL behind the last. */
const char *formula_function_name(size_t i);

#endif
