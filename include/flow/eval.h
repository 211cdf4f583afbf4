/* One formula over one row, for people and tests: `flowfile flows eval`. */
#ifndef FF_FLOW_EVAL_H
#define FF_FLOW_EVAL_H

#include "base/buf.h"
#include "base/err.h"
#include "flow/duck.h"

/*
 * The row has n columns. What a value's text looks like is its type: a whole number, a number, true or false, a date
 * (2024-01-31), a date with time (2024-01-31 10:00:00, also with T and a fraction), null; anything else, and what is
 * in double quotes, is a text.
 *
 * Writes the value as to_string() has it ("null" for none), a tab, and the type as Polars calls it. Wrong formulas are
 * ERR_USAGE.
 */
int eval_expression(struct duck *d, const char *text, const char *const *names,
	const char *const *values, size_t n, struct buf *out, struct err *err);

#endif
