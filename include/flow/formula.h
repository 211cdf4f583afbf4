/*
 * Flowfile's language of formulas, as SQL: [column], texts in either quote, numbers, true, false, // comments, if c then a elseif c
 * then b else d endif, operators and functions (doc/formulas.md). Values mean what they mean in Polars.
 */
#ifndef FF_FLOW_FORMULA_H
#define FF_FLOW_FORMULA_H

#include "base/err.h"
#include "flow/columns.h"

#define FORMULA_MAX_BYTES (64 * 1024)
#define FORMULA_DEPTH_MAX 100

struct formula {
	const char *sql; /* one scalar expression over the columns; in the arena */
	enum type_class type; /* TYPE_OTHER: not known before it runs */
};

/* ERR_USAGE says where ("line 1, column 7"), what was found there and what was expected. */
int formula_translate(const char *text, const struct columns *columns, struct arena *a,
	struct formula *out, struct err *err);

/* --- its functions --- */

struct formula_function {
	const char *name;
	int min, max; /* arguments; max -1: any number */
	/* What they must be, the last letter for all that follow: a anything, t text, n number, i whole number, b truth value, d
	 * date or time. */
	const char *takes;
	/* What comes out: t, i, f, b as above (i whole, f not), m a decimal, d a date, s date and time, l a list, n a number, 1 as the first argument that is
	 * no NULL, k as the first argument, and cast to that. */
	char gives;
	/* SQL with $1 to $9 for arguments, $* for all of them with commas, $+ for all with ||. An argument may stand there more than once. Where
	 * fewer are given, what is in `presets` stands for the others, from the last one on. */
	const char *sql; /* NULL: made by the translator */
	const char *presets[2];
};
extern const struct formula_function formula_functions[]; /* ends with a NULL name */

#endif
