#include "worker.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/zones.h"

#define QUEUE_MAX 4096
#define OUT_MAX (64 * 1024 * 1024)
#define RECONNECT_US (500 * US_PER_MS)
#define WAIT_FIRST_US (4 * US_PER_MS)
#define WAIT_MOST_US (100 * US_PER_MS)
#define WAIT_LIMIT_MS 10000
#define NICER 10

struct worker {
	const struct api_options *options;
	const struct api_context *context;
	void (*done_cb)(void *arg);
	void *done_arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct api_jobs queue, later, done;
	int64_t n_waiting;
	bool looked; /* the last job was one of those that wait: a new one is next */
	bool stop;

	/* the thread's own */
	struct catalog cat;
	struct access *access; /* of restricted users */
	int64_t reconnect_us; /* not before */
	bool lost;
};

struct api_job *
api_job_new(struct http_request *request)
{
	struct api_job *job = xcalloc(1, sizeof(*job));
	struct call *c = &job->call;

	job->request = request;
	c->request = request;
	c->a = &job->arena;
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->headers, 16 * 1024);
	json_init(&c->j, &c->out);
	return job;
}

struct api_job *
api_job_new_work(void (*work)(struct api_job *job, struct catalog *cat),
	void (*done)(struct api_job *job), void *arg)
{
	struct api_job *job = xcalloc(1, sizeof(*job));

	job->work = work;
	job->done = done;
	job->arg = arg;
	return job;
}

void
api_job_free(struct api_job *job)
{
	if (!job)
		return;
	cJSON_Delete(job->call.body);
	buf_free(&job->call.out);
	buf_free(&job->call.headers);
	buf_free(&job->call.question);
	http_request_free(job->request);
	arena_free(&job->arena);
	free(job);
}

/* --- the database ---------------------------------------------------------------------------------------- */

static int64_t
now_us(void)
{
	return clock_boot(&clock_real).us;
}

static int
ready(struct worker *w, struct err *err)
{
	const struct db_options options = {
		.busy_timeout_ms = w->options->database_timeout_ms,
		.application_name = "flowfile_scheduler api",
	};

	if (w->cat.db && !w->lost)
		return 0;
	if (now_us() < w->reconnect_us)
		return err_set(err, ERR_LOST, "The catalog is away");
	w->reconnect_us = now_us() + RECONNECT_US;
	if (w->cat.db ? db_reconnect(w->cat.db, err) < 0
		      : db_open(w->options->database, &options, &w->cat.db, err) < 0) {
		err->code = ERR_LOST;
		return -1;
	}
	w->lost = false;
	return 0;
}

/* --- answering --------------------------------------------------------------------------------------------- */

/* The words for a client; those for people go to the log. */
static void
answer_error(struct worker *w, struct call *c)
{
	char detail[sizeof(c->err.text)];

	c->status = c->error_status ? c->error_status : call_error_status(&c->err);
	if (c->err.code == ERR_LOST || c->err.code == ERR_UNKNOWN)
		w->lost = true;
	if (c->raw_error)
		return;
	if (c->status == 503 && !c->error_status) {
		call_detail(
			c, c->err.code == ERR_BUSY ? "The catalog is busy" : "The catalog is away");
		call_header(c, "retry-after", "1");
	} else if (c->status == 500) {
		log_error("A request failed: %s method=%s path=%s", c->err.text, c->request->method,
			c->route->path);
		buf_reset(&c->out);
		buf_puts(&c->out, "Internal Server Error");
		c->content_type = "text/plain; charset=utf-8";
	} else {
		call_detail(c, catalog_detail(&c->err, detail, sizeof(detail)));
	}
}

/* True: the call is over; false: it waits. */
static bool
run(struct worker *w, struct api_job *job)
{
	struct call *c = &job->call;
	int rc;

	if (job->captures) {
		c->cat = &w->cat;
		if (ready(w, &c->err) < 0 || auth_identify(&w->options->auth, c) < 0) {
			answer_error(w, c);
			return true;
		}
		if (!params_read(c, job->captures)) {
			c->status = c->error_status ? c->error_status : 422;
			return true;
		}
		if (c->who.restricted && access_admit(w->access, c) < 0) {
			answer_error(w, c);
			return true;
		}
		job->captures = NULL;
	}
	w->cat.user_id = c->who.user_id;
	rc = ready(w, &c->err) < 0 ? -1 : (c->result ? c->then : c->route->handler)(c);
	job->asks = rc == CALL_QUERY;
	if (rc == CALL_WAIT && c->waited_ms < WAIT_LIMIT_MS)
		return false;
	if (rc == CALL_WAIT)
		rc = call_fail(c, 504, "No scheduler has answered yet; the request is kept");
	if (rc < 0)
		answer_error(w, c);
	else if (buf_failed(&c->out)) {
		call_fail(c, 500, "an answer larger than %d bytes", OUT_MAX);
		answer_error(w, c);
	}
	return true;
}

static void
process(struct worker *w, struct api_job *job, bool *over)
{
	struct err err = ERR_INIT;
	int64_t pause;

	if (job->began_us == 0)
		job->began_us = now_us();
	if (job->work) {
		*over = true;
		if (ready(w, &err) < 0)
			job->result = -1;
		else
			job->work(job, &w->cat);
		if (job->result < 0)
			w->lost = true;
		return;
	}
	job->call.api = w->context;
	*over = run(w, job);
	if (!*over) {
		job->call.waited_ms = (now_us() - job->began_us) / US_PER_MS;
		pause = (now_us() - job->began_us) / 2;
		job->due_us = now_us() +
			(pause < WAIT_FIRST_US                 ? WAIT_FIRST_US
					: pause > WAIT_MOST_US ? WAIT_MOST_US
							       : pause);
	}
}

/* --- the thread ------------------------------------------------------------------------------------------------ */

/* The next job; NULL at the end. Called with the lock held. Those that wait and new ones take turns: hundreds that
 * wait could ask a slow database without end. */
static struct api_job *
next_job(struct worker *w)
{
	struct api_job *job, *soonest;
	int64_t pause_us;

	for (;;) {
		soonest = NULL;
		TAILQ_FOREACH (job, &w->later, link)
			if (!soonest || job->due_us < soonest->due_us)
				soonest = job;
		if (w->stop)
			return NULL;
		pause_us = soonest ? soonest->due_us - now_us() : 0;
		job = TAILQ_FIRST(&w->queue);
		if (soonest && pause_us <= 0 && !(job && w->looked)) {
			TAILQ_REMOVE(&w->later, soonest, link);
			w->looked = true;
			return soonest;
		}
		if (job) {
			TAILQ_REMOVE(&w->queue, job, link);
			w->looked = false;
			return job;
		}
		if (soonest)
			clock_wait(&w->wake, &w->lock, pause_us);
		else
			pthread_cond_wait(&w->wake, &w->lock);
	}
}

void
worker_be_nice(void)
{
	id_t self = (id_t)gettid();
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, self);
	if (errno == 0)
		(void)setpriority(PRIO_PROCESS, self, nice + NICER);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct api_job *job;
	bool over, first;

	worker_be_nice();
	pthread_mutex_lock(&w->lock);
	while ((job = next_job(w))) {
		pthread_mutex_unlock(&w->lock);
		process(w, job, &over);
		pthread_mutex_lock(&w->lock);
		if (!over) {
			TAILQ_INSERT_TAIL(&w->later, job, link);
			continue;
		}
		first = TAILQ_EMPTY(&w->done);
		TAILQ_INSERT_TAIL(&w->done, job, link);
		w->n_waiting--;
		if (first)
			w->done_cb(w->done_arg);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
worker_start(const struct api_options *options, const struct api_context *context,
	void (*done)(void *arg), void *arg, struct worker **out, struct err *err)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	int rc;

	w->options = options;
	w->context = context;
	w->done_cb = done;
	w->done_arg = arg;
	w->cat.paths = &options->paths;
	w->cat.clock = &clock_real;
	w->cat.zones = zones_new();
	w->access = access_new(options, &w->cat);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	TAILQ_INIT(&w->queue);
	TAILQ_INIT(&w->later);
	TAILQ_INIT(&w->done);
	rc = pthread_create(&w->thread, NULL, work, w);
	if (rc != 0) {
		access_free(w->access);
		zones_free(w->cat.zones);
		free(w);
		return err_errno(err, rc, "start a thread");
	}
	*out = w;
	return 0;
}

static void
free_all(struct api_jobs *list)
{
	struct api_job *job;

	while ((job = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, job, link);
		api_job_free(job);
	}
}

void
worker_stop(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	free_all(&w->queue);
	free_all(&w->later);
	free_all(&w->done);
	access_free(w->access);
	db_close(w->cat.db);
	zones_free(w->cat.zones);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool
worker_give(struct worker *w, struct api_job *job)
{
	bool taken;

	pthread_mutex_lock(&w->lock);
	taken = w->n_waiting < QUEUE_MAX || job->work;
	if (taken) {
		w->n_waiting++;
		/* An event is for thousands, an answer for one. */
		if (job->work)
			TAILQ_INSERT_HEAD(&w->queue, job, link);
		else
			TAILQ_INSERT_TAIL(&w->queue, job, link);
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

void
worker_take(struct worker *w, struct api_jobs *out)
{
	TAILQ_INIT(out);
	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(out, &w->done, link);
	pthread_mutex_unlock(&w->lock);
}

int64_t
worker_waiting(struct worker *w)
{
	int64_t n;

	pthread_mutex_lock(&w->lock);
	n = w->n_waiting;
	pthread_mutex_unlock(&w->lock);
	return n;
}
