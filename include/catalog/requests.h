/*
 * Requests to the leading daemon: run a flow now, cancel a run. A row in scheduler_requests; the leader
 * carries it out and writes outcome, detail and run_id.
 */
#ifndef FF_CATALOG_REQUESTS_H
#define FF_CATALOG_REQUESTS_H

#include <stdbool.h>

#include "catalog/catalog.h"

struct request_new {
	const char *kind; /* "run" or "cancel" */
	int64_t registration_id; /* run */
	int64_t schedule_id; /* run: on demand of a schedule; ID_NONE: manual */
	int64_t run_id; /* cancel */
	const char *requested_by;
};

struct request_answer {
	bool answered;
	bool done; /* else refused */
	int64_t run_id; /* ID_NONE: none */
	const char *detail; /* in the arena; may be NULL */
};

int
requests_submit(struct catalog *cat, const struct request_new *new, int64_t *id, struct err *err);

/* Waits until it is answered or the time is over (then answered is false). */
int requests_wait(struct catalog *cat, int64_t id, int64_t timeout_ms, struct arena *a,
	struct request_answer *out, struct err *err);

/* Takes it back unless it was answered; then *withdrawn is false. */
int requests_withdraw(struct catalog *cat, int64_t id, bool *withdrawn, struct err *err);

#endif
