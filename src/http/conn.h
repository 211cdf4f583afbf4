/* A connection, for the server's own files. */
#ifndef FF_HTTP_CONN_H
#define FF_HTTP_CONN_H

#include <event2/util.h>
#include <http_parser.h>

#include "base/buf.h"
#include "core/idmap.h"
#include "http/server.h"

/* Ids of requests are the connection's number times this, and a count. */
#define REQUESTS_PER_CONN INT64_C(10000000)

/*
 *	IDLE ─ first byte ─▶ HEAD ─▶ BODY ─▶ BUSY ─ reply ─▶ IDLE
 *	                       │       │       ├─ stream ─▶ STREAM ─┐
 *	                       └ error ┴───────┴─ closing ─▶ ENDING ◀┘   what is to be sent goes out, then the
 *	                                                                 client is given a moment to read it
 */
enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_BUSY, CONN_STREAM, CONN_ENDING };

struct evconnlistener;
struct bufferevent;
struct event;

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	http_request_cb cb;
	void *arg;
	struct evconnlistener **listeners;
	size_t n_listeners;
	char **unix_paths;
	size_t n_unix_paths;
	struct event *accept_again;
	int port;
	struct idmap conns; /* by number */
	int64_t last_conn;
	struct http_counts counts;
};

struct conn {
	struct http_server *s;
	int64_t number, request_id, requests;
	enum conn_state state;
	struct bufferevent *bev;
	struct event *deadline;
	char peer[64];
	bool is_unix;

	http_parser parser;
	struct http_request *request; /* being read */
	struct buf text; /* the part that is being read: target, header name, header value */
	size_t head_len, cap_headers;
	bool in_value;
	bool complete; /* the request is whole */
	int failed; /* status of a limit that was met while reading */
	const char *failed_text;
	bool keep_alive;
	bool half_closed; /* nothing more will come */
	bool working; /* in conn_work(): the state is looked at there */

	http_close_cb on_close;
	void *close_arg;
};

void conn_accept(struct http_server *s, evutil_socket_t fd, const char *peer, bool is_unix);
void conn_close(struct conn *c);
void conn_reply(struct conn *c, const struct http_response *response);
/* While it is BUSY. False: the client has gone, and so has the connection. */
bool conn_watch(struct conn *c, http_close_cb on_close, void *arg);
void conn_reply_error(struct conn *c, int status, const char *text, bool close);
void
conn_stream(struct conn *c, const struct http_response *head, http_close_cb on_close, void *arg);
/* release NULL: the bytes are copied, as far as they have to wait. */
bool
conn_stream_write(struct conn *c, const void *data, size_t len, http_release_cb release, void *arg);
size_t conn_pending(const struct conn *c);
void conn_stream_end(struct conn *c);

#endif
