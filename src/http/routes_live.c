/* Streams: what happens in the catalog, and logs as they grow. Ours, not Flowfile's. */
#include <stdlib.h>
#include <string.h>

#include "catalog/runs.h"
#include "routes.h"
#include "streams.h"

static void
be_stream(struct call *c, int kind)
{
	c->stream = kind;
	c->content_type = "text/event-stream; charset=utf-8";
	/* nginx would hold the events back. */
	call_header(c, "x-accel-buffering", "no");
}

static int
get_events(struct call *c)
{
	const char *last = http_request_header(c->request, "last-event-id");
	struct live_id id;
	unsigned types;

	if (live_types_parse(call_string(c, "types"), &types) < 0)
		return call_fail(c, 422, "There is no such type of events");
	if (last && *last && !live_id_parse(last, &id))
		return call_fail(c, 422, "Last-Event-ID is none of this stream's ids");
	if (live_catch_up(c) < 0)
		return -1;
	be_stream(c, STREAM_EVENTS);
	return 0;
}

static int
get_log_stream(struct call *c)
{
	const char *last = http_request_header(c->request, "last-event-id");
	struct run_info run;
	char *end;

	if (runs_get(c->cat, call_int(c, "id"), c->a, &run, &c->err) < 0)
		return -1;
	if (!runs_type_spawned(run.run_type) || (run.ended_us != TIME_NONE && !run.has_log))
		return call_fail(c, 404, "Log file not found");
	c->stream_id = run.id;
	c->stream_offset = call_int(c, "offset");
	if (last && *last) {
		c->stream_offset = strtoll(last, &end, 10);
		if (*end || c->stream_offset < 0 || end - last > 18)
			return call_fail(c, 422, "Last-Event-ID is none of this stream's ids");
	}
	be_stream(c, STREAM_LOG);
	return 0;
}

static const struct field event_fields[] = {FIELD_IN_QUERY("types", FIELD_STRING), {0}};
static const struct field log_fields[] = {
	FIELD_ID,
	{
		.name = "offset",
		.place = IN_QUERY,
		.kind = FIELD_INT,
		.has_min = true,
	},
	{0},
};

static const struct route routes[] = {
	{"GET", "/events", AUTH_USER, 200, event_fields, "text/event-stream", get_events,
		"What happens, as server-sent events", true, false},
	{"GET", "/catalog/runs/{id}/log/stream", AUTH_ANY, 200, log_fields, "text/event-stream",
		get_log_stream, "A run's log as it grows, as server-sent events, until its end",
		true, false},
	{0},
};

const struct route_set routes_live = {"Live", routes, NULL};
