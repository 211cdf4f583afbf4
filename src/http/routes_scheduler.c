/* The scheduler itself (contract 5.6): who leads, and whether schedules are launched. */
#include <string.h>

#include "catalog/status.h"
#include "http/api.h"
#include "routes.h"

/* Active is who launches: a leader of ours that is paused does not, and only the others' own programs stop them. */
static int
get_status(struct call *c)
{
	struct leader_info leader;
	bool paused;

	if (status_leader(c->cat, c->a, &leader, &c->err) < 0 ||
		status_paused(c->cat, &paused, &c->err) < 0)
		return -1;
	if (paused && leader.ours)
		leader.active = false;
	status_json_leader(
		&c->j, &leader, leader.holder_id && !strcmp(leader.holder_id, c->api->holder_id));
	return 0;
}

static int
set_paused(struct call *c, bool paused, const char *changed_text, const char *same_text)
{
	bool changed;

	if (status_set_paused(c->cat, paused, &changed, &c->err) < 0)
		return -1;
	json_object(&c->j);
	json_kv_string(&c->j, "message", changed ? changed_text : same_text);
	json_object_end(&c->j);
	return 0;
}

static int
start(struct call *c)
{
	return set_paused(c, false, "Scheduler started", "Scheduler already running");
}

static int
stop(struct call *c)
{
	return set_paused(c, true, "Scheduler stopped", "Scheduler not running");
}

static const struct member status_members[] = {{"active", "boolean", false},
	{"holder_id", "string", true}, {"started_at", "datetime", true},
	{"heartbeat_at", "datetime", true}, {"is_embedded", "boolean", true}, {0}};
static const struct member message_members[] = {{"message", "string", false}, {0}};
static const struct shape shapes[] = {
	{"SchedulerStatus", status_members}, {"Message", message_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/scheduler/status", AUTH_USER, 200, NULL, "SchedulerStatus", get_status,
		"Who leads, and whether schedules are launched", false, false},
	{"POST", "/catalog/scheduler/start", AUTH_USER, 200, NULL, "Message", start,
		"Go on launching schedules", false, false},
	{"POST", "/catalog/scheduler/stop", AUTH_USER, 200, NULL, "Message", stop,
		"Launch no schedule until it is started again; runs go on", false, false},
	{0},
};

const struct route_set routes_scheduler = {"Scheduler", routes, shapes};
