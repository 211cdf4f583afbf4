/*
 * Streams: GET /events and the logs that grow. What their handlers say in call->stream, and what the server's thread
 * does then. Everything here is the server's thread's, except live_catch_up().
 *
 *	feed ─▶ api_changed ─▶ live_wake ─▶ (worker) journal_read ─▶ live_take ─▶ ring, streams, log tails
 */
#ifndef FF_HTTP_STREAMS_H
#define FF_HTTP_STREAMS_H

#include "http/api.h"
#include "http/route.h"
#include "journal.h"
#include "worker.h"

enum stream_kind { STREAM_NONE, STREAM_EVENTS, STREAM_LOG };

struct live;
struct logtails;

struct live *live_new(struct api *api);
void live_free(struct live *l);
/* The catalog may have changed. */
void live_wake(struct live *l);
/* What the worker's thread has read goes into the ring and to the streams. */
void live_take(struct live *l);
/* The request becomes a stream. */
void live_open(struct live *l, struct call *c, const struct http_response *head);
int64_t live_count(const struct live *l);

/* In a handler: reads the journal, so that what comes from then on is what the stream has to tell. */
int live_catch_up(struct call *c);
/* "run.started,leadership" as bits; NULL and "" are all. -1: there is no such type. */
int live_types_parse(const char *s, unsigned *types);

struct logtails *logtails_new(struct api *api);
void logtails_free(struct logtails *t);
void logtails_open(struct logtails *t, struct call *c, const struct http_response *head);
/* The run has ended, or something about it changed. */
void logtails_hear(struct logtails *t, int64_t run_id);
int64_t logtails_count(const struct logtails *t);

#endif
