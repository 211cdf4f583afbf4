/* One file per resource, and what they share. */
#ifndef FF_HTTP_ROUTES_H
#define FF_HTTP_ROUTES_H

#include "http/route.h"

extern const struct route_set routes_charts, routes_edits, routes_engine, routes_flows,
	routes_health, routes_live, routes_namespaces, routes_openapi, routes_page, routes_runs,
	routes_scheduler, routes_schedules, routes_sql, routes_stats, routes_tables, routes_virtual,
	routes_visualizations;

/* Fields that many routes have. */
#define FIELD_ID                                                                                   \
	{                                                                                          \
		.name = "id", .place = IN_PATH, .kind = FIELD_INT, .required = true                \
	}
/* A member of the body that may be absent or null. */
#define FIELD_OPTIONAL(name_, kind_)                                                               \
	{                                                                                          \
		.name = (name_), .place = IN_BODY, .kind = (kind_), .nullable = true               \
	}
#define FIELD_REQUIRED(name_, kind_)                                                               \
	{                                                                                          \
		.name = (name_), .place = IN_BODY, .kind = (kind_), .required = true               \
	}
#define FIELD_IN_QUERY(name_, kind_)                                                               \
	{                                                                                          \
		.name = (name_), .place = IN_QUERY, .kind = (kind_)                                \
	}

/* Asks whoever leads; CALL_WAIT, and c->wait_id is the request's; -1. */
int api_ask_run(struct call *c, int64_t registration_id, int64_t schedule_id);
int api_ask_cancel(struct call *c, int64_t run_id);
/* What became of the request c->wait_id (catalog/requests.h): 0 and the run it names; CALL_WAIT; -1. */
int api_take_answer(struct call *c, int64_t *run_id);
/* The same, and writes that run as the answer. */
int api_take_run(struct call *c);

#endif
