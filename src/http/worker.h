/*
 * The worker: a thread that has the catalog and answers calls, one after another. What waits for the leader is looked
 * at again and again meanwhile, and keeps nobody from being answered.
 */
#ifndef FF_HTTP_WORKER_H
#define FF_HTTP_WORKER_H

#include <sys/queue.h>

#include "http/api.h"
#include "http/route.h"

struct worker;

/* A call on its way through the worker and back. */
struct api_job {
	TAILQ_ENTRY(api_job) link;
	struct call call;
	struct http_request *request; /* owned; NULL for `work` */
	const char **captures; /* of the path; NULL once the call is admitted */
	struct arena arena;
	int64_t due_us; /* boot time; of the next look at what it waits for */
	int64_t began_us; /* boot time */
	bool asks; /* a query child, on its way from the worker */
	/* Instead of a request: something of the server's own, on the worker's catalog. */
	void (*work)(struct api_job *job, struct catalog *cat);
	void (*done)(struct api_job *job); /* in the server's thread */
	void *arg; /* borrowed, or in the arena */
	int result; /* of work */
};

TAILQ_HEAD(api_jobs, api_job);

/* done is called from the worker's thread whenever worker_take() would give something. */
int worker_start(const struct api_options *options, const struct api_context *context,
	void (*done)(void *arg), void *arg, struct worker **out, struct err *err);
void worker_stop(struct worker *w);

/* For a thread of the API, at its start: launching goes first where both want a processor. Each thread has a nice value of its
 * own on Linux, and those of flows are the engine's. */
void worker_be_nice(void);

/* False when too much is waiting; the job is the caller's still. */
bool worker_give(struct worker *w, struct api_job *job);
/* All that is done by now, in order. */
void worker_take(struct worker *w, struct api_jobs *out);
int64_t worker_waiting(struct worker *w);

struct api_job *api_job_new(struct http_request *request);
/* To be given with worker_give(), which always takes it, and before all requests. */
struct api_job *api_job_new_work(void (*work)(struct api_job *job, struct catalog *cat),
	void (*done)(struct api_job *job), void *arg);
void api_job_free(struct api_job *job);

#endif
