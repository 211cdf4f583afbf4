#include "http/api.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "metrics.h"
#include "queries.h"
#include "streams.h"

/* At a stop, what is being answered has so long, and then the last answers to go out. */
static const struct timeval stop_limit = {1, 0}, send_limit = {0, 20 * 1000};

/* --- messages ----------------------------------------------------------------------------------------------- */

static void
wake(void *arg)
{
	const uint64_t one = 1;
	struct api *api = arg;

	(void)!write(api->wake_fd, &one, sizeof(one));
}

void
api_tell(struct api *api, const struct api_facts *facts)
{
	pthread_mutex_lock(&api->lock);
	api->facts = *facts;
	pthread_mutex_unlock(&api->lock);
}

void
api_changed(struct api *api)
{
	atomic_store(&api->changed, true);
	wake(api);
}

static void
read_facts(const struct api_context *x, struct api_facts *out)
{
	pthread_mutex_lock(&x->api->lock);
	*out = x->api->facts;
	pthread_mutex_unlock(&x->api->lock);
}

/* --- answers --------------------------------------------------------------------------------------------------- */

static const char safety[] = "x-content-type-options: nosniff\r\ncache-control: no-store\r\n";

static void
add_common_headers(struct api *api, struct call *c)
{
	const char *cors = auth_cors_headers(&api->options.auth, c->request, c->a);

	buf_puts(&c->headers, safety);
	if (cors)
		buf_puts(&c->headers, cors);
}

static void
deliver(struct api *api, struct api_job *job)
{
	struct call *c = &job->call;
	struct http_response response;

	add_common_headers(api, c);
	http_metrics_answered(api->metrics, c->route, c->status, c->request->received_us);
	response = (struct http_response){
		.status = c->status,
		.content_type = c->content_type,
		.headers = buf_str(&c->headers),
		.body = buf_str(&c->out),
		.body_len = c->out.len,
	};
	if (c->status == 200 && c->stream == STREAM_EVENTS)
		live_open(api->live, c, &response);
	else if (c->status == 200 && c->stream == STREAM_LOG)
		logtails_open(api->tails, c, &response);
	else
		http_reply(api->server, c->request->id, &response);
	api_job_free(job);
}

static void
refuse(struct api *api, struct api_job *job, int status, const char *why)
{
	struct call *c = &job->call;

	c->status = status;
	call_detail(c, why);
	if (status == 503)
		call_header(c, "retry-after", "1");
	deliver(api, job);
}

/* --- queries --------------------------------------------------------------------------------------------------- */

static const char busy[] = "Too many requests are waiting";

static void
take_result(struct api *api, struct api_job *job, const struct query_answer *answer)
{
	struct call *c = &job->call;

	if (c->then) {
		c->result = arena_printf(c->a, "%.*s", (int)answer->len, answer->text);
		if (!worker_give(api->worker, job))
			refuse(api, job, 503, busy);
		return;
	}
	buf_add(&c->out, answer->text, answer->len);
	deliver(api, job);
}

static void
on_query_answer(const struct query_answer *answer, void *arg)
{
	struct api_job *job = arg;
	struct call *c = &job->call;
	struct api *api = c->api->api;

	if (answer->status == 0)
		api_job_free(job);
	else if (answer->status == 200)
		take_result(api, job, answer);
	else
		refuse(api, job, answer->status,
			arena_printf(c->a, "%.*s", (int)answer->len, answer->text));
}

static void
on_client_gone(int64_t id, void *arg)
{
	struct api *api = arg;

	queries_drop(api->queries, id);
}

static void
ask_query(struct api *api, struct api_job *job)
{
	struct call *c = &job->call;

	if (!http_watch(api->server, c->request->id, on_client_gone, api))
		api_job_free(job);
	else if (!queries_ask(
			 api->queries, c->request->id, buf_str(&c->question), on_query_answer, job))
		refuse(api, job, 503, "Too many queries are waiting");
}

/* --- requests -------------------------------------------------------------------------------------------------- */

/* What comes back from the worker. */
static void
take_done(struct api *api, struct api_job *job)
{
	if (job->work) {
		job->done(job);
		api_job_free(job);
	} else if (job->asks) {
		ask_query(api, job);
	} else {
		deliver(api, job);
	}
}

static void
answer_here(struct api *api, struct api_job *job)
{
	struct call *c = &job->call;

	c->api = &api->context;
	if (c->route->auth != AUTH_NONE && !auth_has_token(&api->options.auth, c->request)) {
		call_header(c, "www-authenticate", "Bearer");
		c->status = 401;
		call_detail(c, "Not authenticated");
	} else if (c->route->handler(c) < 0) {
		c->status = c->error_status;
	}
	deliver(api, job);
}

/* A browser asks before it sends what a page of another origin wants. */
static bool
is_preflight(const struct http_request *r)
{
	return !strcmp(r->method, "OPTIONS") && http_request_header(r, "origin") &&
		http_request_header(r, "access-control-request-method");
}

static void
answer_preflight(struct api *api, struct api_job *job)
{
	struct call *c = &job->call;
	const char *headers = http_request_header(c->request, "access-control-request-headers");

	c->status = 200;
	c->content_type = "text/plain; charset=utf-8";
	buf_puts(&c->out, "OK");
	call_header(
		c, "access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
	call_header(c, "access-control-max-age", "600");
	if (headers)
		call_header(c, "access-control-allow-headers", headers);
	deliver(api, job);
}

/* 404, 405 with the methods there are, 307 with where. */
static void
answer_no_route(struct api *api, struct api_job *job, int status, const char *extra)
{
	struct call *c = &job->call;

	c->status = status;
	if (status != 307)
		call_detail(c, status == 404 ? "Not Found" : "Method Not Allowed");
	if (extra)
		call_header(c, status == 405 ? "allow" : "location", extra);
	deliver(api, job);
}

static void
on_request(struct http_request *r, void *arg)
{
	struct api *api = arg;
	struct api_job *job = api_job_new(r);
	struct call *c = &job->call;
	const char *extra = NULL, *why;
	int status;

	status = auth_check_origin(&api->options.auth, r, &why);
	if (status) {
		refuse(api, job, status, why);
		return;
	}
	if (is_preflight(r)) {
		answer_preflight(api, job);
		return;
	}
	status = route_find(r, &job->arena, &c->route, &job->captures, &extra);
	if (status) {
		answer_no_route(api, job, status, extra);
		return;
	}
	c->status = c->route->success;
	if (c->route->local)
		answer_here(api, job);
	else if (!worker_give(api->worker, job))
		refuse(api, job, 503, busy);
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;
	struct api_jobs done;
	struct api_job *job;
	bool idle;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n));
	if (atomic_load(&api->stop))
		queries_stop(api->queries);
	/* In this order: of what ends in between there is word again. */
	idle = worker_waiting(api->worker) == 0 && queries_running(api->queries) == 0;
	worker_take(api->worker, &done);
	while ((job = TAILQ_FIRST(&done))) {
		TAILQ_REMOVE(&done, job, link);
		take_done(api, job);
	}
	if (atomic_exchange(&api->changed, false))
		live_wake(api->live);
	if (atomic_load(&api->stop))
		event_base_loopexit(api->base, idle ? &send_limit : &stop_limit);
}

static void *
serve(void *arg)
{
	struct api *api = arg;

	worker_be_nice();
	event_base_dispatch(api->base);
	return NULL;
}

static int
listen_everywhere(struct api *api, struct err *err)
{
	const struct api_options *o = &api->options;

	for (size_t i = 0; o->listen && o->listen[i]; i++)
		if (http_listen_tcp(api->server, o->listen[i], err) < 0)
			return -1;
	if (o->unix_path && http_listen_unix(api->server, o->unix_path, o->unix_mode, err) < 0)
		return -1;
	return 0;
}

static void
free_parts(struct api *api)
{
	worker_stop(api->worker);
	queries_free(api->queries);
	http_server_free(api->server);
	logtails_free(api->tails);
	live_free(api->live);
	http_metrics_free(api->metrics);
	if (api->on_wake)
		event_free(api->on_wake);
	if (api->base)
		event_base_free(api->base);
	if (api->wake_fd >= 0)
		close(api->wake_fd);
	pthread_mutex_destroy(&api->lock);
	free(api);
}

static int
start_parts(struct api *api, struct err *err)
{
	int rc;

	api->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	api->base = event_base_new();
	if (api->wake_fd < 0 || !api->base)
		return err_errno(err, errno, "start the HTTP server");
	api->on_wake = event_new(api->base, api->wake_fd, EV_READ | EV_PERSIST, on_wake, api);
	assert(api->on_wake);
	event_add(api->on_wake, NULL);
	if (http_server_create(
		    api->base, &api->options.limits, on_request, api, &api->server, err) < 0 ||
		listen_everywhere(api, err) < 0 ||
		worker_start(&api->options, &api->context, wake, api, &api->worker, err) < 0)
		return -1;
	api->metrics = http_metrics_new();
	api->queries = queries_new(api->base, &api->options, wake, api);
	api->tails = logtails_new(api);
	api->live = live_new(api);
	rc = pthread_create(&api->thread, NULL, serve, api);
	return rc == 0 ? 0 : err_errno(err, rc, "start a thread");
}

int
api_start(const struct api_options *options, struct api **out, struct err *err)
{
	struct api *api = xcalloc(1, sizeof(*api));
	sigset_t all, before;
	int rc;

	api->options = *options;
	api->context = (struct api_context){
		.holder_id = options->holder_id,
		.version = options->version,
		.paths = &api->options.paths,
		.facts = read_facts,
		.api = api,
		.desktop = options->auth.desktop,
	};
	pthread_mutex_init(&api->lock, NULL);
	/* Signals are the daemon's thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_parts(api, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		free_parts(api);
	else
		*out = api;
	return rc;
}

void
api_stop(struct api *api)
{
	if (!api)
		return;
	atomic_store(&api->stop, true);
	wake(api);
	pthread_join(api->thread, NULL);
	free_parts(api);
}

int
api_port(const struct api *api)
{
	return http_server_port(api->server);
}
