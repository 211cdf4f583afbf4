/*
 * Queries, each in a process of its own (`flowfile query-child`): the engine's library, its memory and its crashes are none of the
 * daemon's. A socket takes the question there and the answer back; when it closes, whoever is left knows that the other has gone.
 *
 *	WAITING ─ a place is free ─▶ RUNNING ─ answer, time limit, client gone ─▶ ENDING ─ the process has gone ─▶ freed
 *
 * A place is given up when the process has gone, not before. Nobody here waits for it: a pidfd tells of its end, and whoever
 * handles SIGCHLD collects it (runner/runner.h), or we do if that comes first.
 *
 * Owner: the API, from the server's thread.
 */
#ifndef FF_HTTP_QUERIES_H
#define FF_HTTP_QUERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/api.h"

struct event_base;
struct queries;

#define QUERY_ANSWER_MAX (64 * 1024 * 1024)

struct query_answer {
	int status; /* 200: text is the result, as JSON; 0: the client has gone; else it is the detail of an error */
	const char *text;
	size_t len;
};

/* Called once for each question, not from within queries_ask(). The text is borrowed. */
typedef void (*query_cb)(const struct query_answer *answer, void *arg);

/* all_gone is called when the last process has gone after queries_stop(). */
struct queries *queries_new(struct event_base *base, const struct api_options *options,
	void (*all_gone)(void *arg), void *arg);
/* Answers all that are asked, with 503, and tells the processes to end. */
void queries_stop(struct queries *qs);
/* Kills what is left. */
void queries_free(struct queries *qs);

/* question: one line of JSON, copied. False: too many are waiting, and cb is not called. */
bool
queries_ask(struct queries *qs, int64_t request_id, const char *question, query_cb cb, void *arg);
/* The client of the request has gone; nothing happens when it asked nothing. */
void queries_drop(struct queries *qs, int64_t request_id);
/* How many processes there are. */
int queries_running(const struct queries *qs);
int queries_waiting(const struct queries *qs);

#endif
