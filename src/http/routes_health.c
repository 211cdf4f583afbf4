/* Whether the process lives, and whether it is of use: for those who start and stop it. */
#include "base/clock.h"
#include "http/api.h"
#include "metrics.h"
#include "routes.h"

/* The engine's thread takes a turn at least at every heartbeat. */
#define TURN_LATE_US (60 * US_PER_SEC)

static int
get_healthz(struct call *c)
{
	json_object(&c->j);
	json_kv_string(&c->j, "status", "ok");
	json_kv_string(&c->j, "version", c->api->version);
	json_object_end(&c->j);
	return 0;
}

/* Ready: the database answers and it is known who leads, this daemon or another. */
static int
get_readyz(struct call *c)
{
	struct api_facts f;
	bool alive, ready;

	c->api->facts(c->api, &f);
	alive = f.turn_boot_us != 0 && clock_boot(&clock_real).us - f.turn_boot_us < TURN_LATE_US;
	ready = alive && f.engine.database_up && f.engine.lock_known && !f.stopping;
	c->status = ready ? 200 : 503;
	json_object(&c->j);
	json_kv_bool(&c->j, "ready", ready);
	json_kv_bool(&c->j, "database", f.engine.database_up);
	json_kv_bool(&c->j, "lease_known", f.engine.lock_known);
	json_kv_bool(&c->j, "leading", f.engine.leading);
	json_kv_bool(&c->j, "engine", alive);
	json_object_end(&c->j);
	return 0;
}

static int
get_metrics(struct call *c)
{
	metrics_page(c);
	return 0;
}

static const struct member health_members[] = {
	{"status", "string", false}, {"version", "string", false}, {0}};
static const struct member ready_members[] = {{"ready", "boolean", false},
	{"database", "boolean", false}, {"lease_known", "boolean", false},
	{"leading", "boolean", false}, {"engine", "boolean", false}, {0}};
static const struct shape shapes[] = {
	{"Health", health_members}, {"Readiness", ready_members}, {0}};

static const struct route routes[] = {
	{"GET", "/healthz", AUTH_NONE, 200, NULL, "Health", get_healthz, "The process lives", true,
		true},
	{"GET", "/readyz", AUTH_NONE, 200, NULL, "Readiness", get_readyz,
		"The database answers, and who leads is known; else 503", true, true},
	{"GET", "/metrics", AUTH_USER, 200, NULL, "text/plain", get_metrics,
		"Figures for Prometheus", true, true},
	{0},
};

const struct route_set routes_health = {"Health", routes, shapes};
