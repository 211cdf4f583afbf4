/* Run-now and cancel: asked of the leader, whichever daemon that is, through the catalog. */
#include <string.h>

#include "catalog/requests.h"
#include "catalog/runs.h"
#include "routes.h"

#define START_WAIT_MS 5000 /* for the start of a run that was claimed */

static int
submit(struct call *c, struct request_new *new)
{
	new->requested_by = c->who.username;
	return requests_submit(c->cat, new, &c->wait_id, &c->err) < 0 ? -1 : CALL_WAIT;
}

int
api_ask_run(struct call *c, int64_t registration_id, int64_t schedule_id)
{
	struct request_new new = {
		.kind = "run", .registration_id = registration_id, .schedule_id = schedule_id};

	return submit(c, &new);
}

int
api_ask_cancel(struct call *c, int64_t run_id)
{
	struct request_new new = {.kind = "cancel", .run_id = run_id};

	return submit(c, &new);
}

/* Flowfile's words for what the leader refuses; anything else is a conflict. */
static int
refused(struct call *c, const char *detail)
{
	if (detail && !strcmp(detail, "Flow not found"))
		return call_fail(c, 404, "%s", detail);
	return call_fail(c, 409, "%s", detail ? detail : "The scheduler refused");
}

int
api_take_answer(struct call *c, int64_t *run_id)
{
	struct request_answer answer;

	if (requests_wait(c->cat, c->wait_id, 0, c->a, &answer, &c->err) < 0)
		return -1;
	if (!answer.answered)
		return CALL_WAIT;
	if (!answer.done)
		return refused(c, answer.detail);
	*run_id = answer.run_id;
	return 0;
}

int
api_take_run(struct call *c)
{
	struct run_info run;
	int64_t run_id;
	int rc = api_take_answer(c, &run_id);

	if (rc != 0)
		return rc;
	if (runs_get(c->cat, run_id, c->a, &run, &c->err) < 0)
		return -1;
	/* Claimed, and not known yet whether it could be started: the answer tells which. */
	if (runs_is_starting(&run) && c->waited_ms < START_WAIT_MS)
		return CALL_WAIT;
	run.flow_name = run.stored_name;
	runs_json_api(&c->j, &run);
	return 0;
}
