/* Flowfile's language of formulas, as SQL. */
#ifndef FF_FLOW_FORMULA_H
#define FF_FLOW_FORMULA_H

#include "flow/columns.h"

#include "base/err.h"

struct formula {
	const char *sql;
	enum type_class type;
};

int formula_translate(const char *text, const struct columns *columns, struct arena *a,
	struct formula *out, struct err *err);

#endif
