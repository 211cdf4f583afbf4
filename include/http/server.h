/*
 * An HTTP/1.1 server: listeners, connections, limits. Parsing is http_parser's. What a request means
 * is for the callback: it answers at once or later, by the request's id, from the server's thread.
 *
 * Every connection has one request at a time: what a client sends behind it waits, unread beyond a few
 * kilobytes. A client's mistake is answered with a status and {"detail": ...}, which never repeats what the
 * client sent, and the connection is closed.
 *
 * Owner: one thread, that of the event base. An id whose client has gone is no error: nothing happens.
 */
#ifndef FF_HTTP_SERVER_H
#define FF_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct event_base;
struct http_server;

struct http_limits {
	size_t line_max; /* bytes of method, target and version */
	size_t head_max; /* bytes of all headers */
	size_t body_max; /* bytes */
	size_t stream_max; /* bytes that a slow reader of a stream may be behind */
	int connections_max; /* in all */
	int client_max; /* of one address */
	int head_ms; /* from the first byte to the end of the headers */
	int body_ms; /* for the body */
	int idle_ms; /* between requests, and before the first */
	int write_ms; /* without any byte taken by the client */
};
extern const struct http_limits http_limits_default;

struct http_header {
	char *name; /* lower case */
	char *value;
};

/* A request, with all its memory in its arena. */
struct http_request {
	struct arena arena;
	int64_t id;
	const char *method; /* "GET"; static */
	char *target; /* as it was sent */
	char *path; /* up to the '?', escapes as they were sent */
	char *query; /* behind it; NULL without */
	struct http_header *headers;
	size_t n_headers;
	char *body; /* NUL-terminated; "" without */
	size_t body_len;
	bool has_body; /* even an empty one: a length was given */
	char peer[64]; /* address of the client; "unix" */
	bool is_unix;
	int64_t received_us; /* boot time of its first byte */
};

/* The first header of that name (lower case); NULL. */
const char *http_request_header(const struct http_request *r, const char *name);
void http_request_free(struct http_request *r);

/* The request belongs to the callback, which frees it whenever it likes. */
typedef void (*http_request_cb)(struct http_request *r, void *arg);

int http_server_create(struct event_base *base, const struct http_limits *limits,
	http_request_cb cb, void *arg, struct http_server **out, struct err *err);
/* Ends every connection. */
void http_server_free(struct http_server *s);

/* "127.0.0.1:63580", "[::1]:63580"; port 0: any. ERR_USAGE for what is no address. */
int http_listen_tcp(struct http_server *s, const char *address, struct err *err);
/* A socket file of the mode; one that nobody listens on any more is replaced, and it goes with the server. */
int http_listen_unix(struct http_server *s, const char *path, unsigned mode, struct err *err);
/* The port of the first TCP listener; 0 without one. */
int http_server_port(const struct http_server *s);

struct http_response {
	int status;
	const char *content_type; /* NULL: application/json */
	const char *headers; /* further lines, each with its "\r\n"; may be NULL */
	const char *body;
	size_t body_len;
	bool close; /* the connection ends with it */
};
void http_reply(struct http_server *s, int64_t id, const struct http_response *response);
/* {"detail": text}. */
void http_reply_error(struct http_server *s, int64_t id, int status, const char *text);

/* Instead of a reply: a body that goes on until its end or the client's. on_close is called once, when the client
 * has gone, was dropped, or the server ends; not after http_stream_end(). False when it was called already. */
typedef void (*http_close_cb)(int64_t id, void *arg);

/* For an answer that takes work: on_close is called once when the client goes before it has it, or closes its half of the
 * connection. False, and not called, when it has gone already. */
bool http_watch(struct http_server *s, int64_t id, http_close_cb on_close, void *arg);

bool http_stream_start(struct http_server *s, int64_t id, const struct http_response *head,
	http_close_cb on_close, void *arg);
/* False when the client has gone or was dropped for being more than stream_max behind. */
bool http_stream_write(struct http_server *s, int64_t id, const void *data, size_t len);
/* The same of bytes that many streams get: they are not copied, and must not change or go until release is called,
 * once, in any case. */
typedef void (*http_release_cb)(const void *data, size_t len, void *arg);
bool http_stream_share(struct http_server *s, int64_t id, const void *data, size_t len,
	http_release_cb release, void *arg);
/* How far behind the client is, in bytes. */
size_t http_stream_pending(struct http_server *s, int64_t id);
void http_stream_end(struct http_server *s, int64_t id);

struct http_counts {
	int64_t connections; /* open now */
	int64_t accepted, refused, dropped_streams;
	int64_t rejected; /* requests that met a limit or were no HTTP */
};
void http_server_count(const struct http_server *s, struct http_counts *out);

/* "Not Found" for 404. */
const char *http_status_text(int status);

#endif
