/* All routes there are. */
#include "routes.h"

const struct route_set *const route_sets[] = {
	&routes_health,
	&routes_live,
	&routes_runs,
	&routes_page,
	&routes_schedules,
	&routes_flows,
	&routes_namespaces,
	&routes_stats,
	&routes_scheduler,
	&routes_tables,
	&routes_virtual,
	&routes_visualizations,
	&routes_engine,
	&routes_edits,
	&routes_charts,
	&routes_sql,
	&routes_openapi,
	NULL,
};
