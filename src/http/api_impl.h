/* The API's inside, for its own files. */
#ifndef FF_HTTP_API_IMPL_H
#define FF_HTTP_API_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/api.h"
#include "worker.h"

struct event;
struct event_base;
struct live;
struct http_metrics;
struct logtails;
struct queries;

struct api {
	struct api_options options;
	struct api_context context;
	struct event_base *base;
	struct http_server *server;
	struct worker *worker;
	struct live *live;
	struct logtails *tails;
	struct queries *queries;
	struct http_metrics *metrics;
	pthread_t thread;
	int wake_fd; /* something is to be done in the server's thread */
	struct event *on_wake;
	atomic_bool stop, changed;
	pthread_mutex_t lock; /* of facts */
	struct api_facts facts;
};

#endif
