/*
 * What Graphic Walker asks of a chart's data (its "data query payload": a workflow of filter, transform, view and sort steps) as one SELECT over
 * the source. The meaning is that of Graphic Walker's own evaluation. What is not known here is an error that names it: no step is ever left out.
 *
 * All that comes from the payload is in the SQL as a literal; columns are called c0, c1 and so on within it.
 */
#ifndef FF_FLOW_CHART_H
#define FF_FLOW_CHART_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "flow/columns.h"

struct chart {
	const char *sql; /* a SELECT */
	struct columns
		columns; /* of it, in their order, by the names that the payload knows; types only where they are known */
};

/*
 * source: a SELECT with these columns. payload NULL: its rows as they are. Decimals become floating-point numbers, which charts can
 * show. In the arena.
 */
int chart_compile(const char *source, const struct columns *columns, const cJSON *payload,
	struct arena *a, struct chart *out, struct err *err);

/* The columns as fields of Graphic Walker: [{"fid": ..., "name": ..., "basename": ..., "semanticType": ..., "analyticType": ...}, ...]. */
void chart_fields_json(const struct columns *columns, struct json *j);

#endif
