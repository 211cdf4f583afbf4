/* The catalog in numbers: contract 5.7. */
#include "catalog/stats.h"
#include "routes.h"

static int
get_stats(struct call *c)
{
	return stats_json(c->cat, c->a, &c->j, &c->err);
}

static const struct member stats_members[] = {{"total_namespaces", "integer", false},
	{"total_flows", "integer", false}, {"total_runs", "integer", false},
	{"total_favorites", "integer", false}, {"total_table_favorites", "integer", false},
	{"total_artifacts", "integer", false}, {"total_tables", "integer", false},
	{"total_virtual_tables", "integer", false}, {"total_schedules", "integer", false},
	{"recent_runs", "[Run]", false}, {"favorite_flows", "[Flow]", false},
	{"favorite_tables", "[Table]", false}, {"active_runs", "[ActiveRun]", false}, {0}};
static const struct shape shapes[] = {{"Stats", stats_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/stats", AUTH_USER, 200, NULL, "Stats", get_stats,
		"How much there is, the last runs, and the favorites", false, false},
	{0},
};

const struct route_set routes_stats = {"Stats", routes, shapes};
