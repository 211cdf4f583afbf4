/* The life of a connection: reading requests within limits, one at a time, and writing what answers them. */
#include "conn.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define HEADERS_MAX 100
#define READ_AHEAD (16 * 1024) /* what waits unread while a request is being answered */
#define ANSWERS_AHEAD                                                                              \
	(64 * 1024) /* what a client may leave unread before its next request is looked at */
#define LINGER_MS 2000 /* how long a client may take to read what it is told before the end */
#define LINGER_BYTES (4 * 1024 * 1024) /* and how much it may still send */

/* --- deadlines ----------------------------------------------------------------------------------------- */

static void
set_deadline(struct conn *c, int ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (ms > 0)
		evtimer_add(c->deadline, &tv);
	else
		evtimer_del(c->deadline);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_HEAD)
		conn_reply_error(c, 408, "The request's headers took too long", true);
	else if (c->state == CONN_BODY)
		conn_reply_error(c, 408, "The request's body took too long", true);
	else if (c->state == CONN_IDLE && conn_pending(c) > 0)
		set_deadline(c, c->s->limits.idle_ms); /* still reading the last answer */
	else
		conn_close(c);
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static struct evbuffer *
output(const struct conn *c)
{
	return bufferevent_get_output(c->bev);
}

size_t
conn_pending(const struct conn *c)
{
	return evbuffer_get_length(output(c));
}

/* All that was to be said is said: the client may still read it. One that has said so is through, too. */
static void
say_goodbye(struct conn *c)
{
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	set_deadline(c, c->half_closed ? 1 : LINGER_MS);
}

/* Nothing more is answered: what is queued goes out, and what comes in is thrown away. How long the client may
 * take for what is queued is the limit for writing. */
static void
begin_ending(struct conn *c)
{
	c->state = CONN_ENDING;
	c->head_len = 0;
	http_request_free(c->request);
	c->request = NULL;
	bufferevent_setwatermark(c->bev, EV_READ, 0, 0);
	if (!c->half_closed)
		bufferevent_enable(c->bev, EV_READ);
	set_deadline(c, 0);
	if (conn_pending(c) == 0)
		say_goodbye(c);
}

static void
write_head(struct conn *c, const struct http_response *r, bool sized, bool keep)
{
	evbuffer_add_printf(
		output(c), "HTTP/1.1 %d %s\r\n", r->status, http_status_text(r->status));
	evbuffer_add_printf(output(c), "content-type: %s\r\n",
		r->content_type ? r->content_type : "application/json");
	if (sized && r->status != 204)
		evbuffer_add_printf(output(c), "content-length: %zu\r\n", r->body_len);
	if (!keep)
		evbuffer_add_printf(output(c), "connection: close\r\n");
	if (r->headers)
		evbuffer_add(output(c), r->headers, strlen(r->headers));
	evbuffer_add(output(c), "\r\n", 2);
}

static void next_request(struct conn *c);

void
conn_reply(struct conn *c, const struct http_response *r)
{
	bool keep = c->keep_alive && !r->close;

	c->on_close = NULL;
	write_head(c, r, true, keep);
	if (r->body_len > 0 && c->parser.method != HTTP_HEAD)
		evbuffer_add(output(c), r->body, r->body_len);
	if (keep)
		next_request(c);
	else
		begin_ending(c);
}

void
conn_reply_error(struct conn *c, int status, const char *text, bool close)
{
	struct buf body;
	struct json j;

	c->s->counts.rejected++;
	buf_init(&body, 4096);
	json_init(&j, &body);
	json_object(&j);
	json_kv_string(&j, "detail", text);
	json_object_end(&j);
	conn_reply(c,
		&(struct http_response){.status = status,
			.body = buf_str(&body),
			.body_len = body.len,
			.close = close});
	buf_free(&body);
}

bool
conn_watch(struct conn *c, http_close_cb on_close, void *arg)
{
	if (c->half_closed) {
		conn_close(c);
		return false;
	}
	c->on_close = on_close;
	c->close_arg = arg;
	return true;
}

/* --- streams ------------------------------------------------------------------------------------------------ */

/* Hundreds of them wait for hours: what reading a request took is given back. */
void
conn_stream(struct conn *c, const struct http_response *head, http_close_cb on_close, void *arg)
{
	write_head(c, head, false, false);
	if (head->body_len > 0)
		evbuffer_add(output(c), head->body, head->body_len);
	c->state = CONN_STREAM;
	c->on_close = on_close;
	c->close_arg = arg;
	buf_free(&c->text);
	set_deadline(c, 0);
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD);
	bufferevent_enable(c->bev, EV_READ);
}

static void
drop_slow_reader(struct conn *c)
{
	static const char reason[] =
		"event: dropped\ndata: {\"reason\":\"the reader is too slow\"}\n\n";

	c->s->counts.dropped_streams++;
	log_info("A stream is dropped: its reader is too slow client=%s", c->peer);
	evbuffer_add(output(c), reason, sizeof(reason) - 1);
	if (c->on_close)
		c->on_close(c->request_id, c->close_arg);
	c->on_close = NULL;
	begin_ending(c);
}

/* Past the buffers when nothing waits in them: one call of the system for each of a thousand streams, and no
 * memory. Errors are found by the next write. */
static size_t
send_at_once(struct conn *c, const void *data, size_t len)
{
	ssize_t n = -1;

	if (conn_pending(c) == 0)
		n = send(bufferevent_getfd(c->bev), data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n > 0 ? (size_t)n : 0;
}

bool
conn_stream_write(struct conn *c, const void *data, size_t len, http_release_cb release, void *arg)
{
	bool kept = conn_pending(c) + len <= c->s->limits.stream_max;
	size_t n = kept ? send_at_once(c, data, len) : 0;
	const char *rest = (const char *)data + n;

	if (!kept)
		drop_slow_reader(c);
	else if (n < len && release &&
		evbuffer_add_reference(output(c), rest, len - n, release, arg) == 0)
		return true;
	else if (n < len)
		evbuffer_add(output(c), rest, len - n);
	if (release)
		release(data, len, arg);
	return kept;
}

void
conn_stream_end(struct conn *c)
{
	c->on_close = NULL;
	begin_ending(c);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static struct conn *
conn_of(http_parser *p)
{
	return p->data;
}

/* A limit was met. What http_parser returns for it does not matter. */
static int
refuse(struct conn *c, int status, const char *text)
{
	c->failed = status;
	c->failed_text = text;
	return -1;
}

static void
begin_request(struct conn *c)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	c->request_id = c->number * REQUESTS_PER_CONN + ++c->requests % REQUESTS_PER_CONN;
	r->id = c->request_id;
	r->is_unix = c->is_unix;
	r->received_us = clock_boot(&clock_real).us;
	memcpy(r->peer, c->peer, sizeof(r->peer));
	c->request = r;
	c->head_len = c->cap_headers = 0;
	c->in_value = c->complete = false;
	c->failed = 0;
	buf_reset(&c->text);
}

static char *
take_text(struct conn *c)
{
	char *s = arena_strdup(&c->request->arena, buf_str(&c->text));

	buf_reset(&c->text);
	return s;
}

static int
on_url(http_parser *p, const char *at, size_t len)
{
	struct conn *c = conn_of(p);

	if (c->text.len + len > c->s->limits.line_max)
		return refuse(c, 414, "The request line is too long");
	buf_add(&c->text, at, len);
	return 0;
}

static void
end_target(struct conn *c)
{
	struct http_request *r = c->request;
	char *mark;

	if (r->target)
		return;
	r->target = take_text(c);
	r->path = arena_strdup(&r->arena, r->target);
	if ((mark = strchr(r->path, '#')))
		*mark = '\0';
	if ((mark = strchr(r->path, '?'))) {
		*mark = '\0';
		r->query = mark + 1;
	}
}

static void
end_value(struct conn *c)
{
	struct http_request *r = c->request;

	if (!c->in_value)
		return;
	r->headers[r->n_headers++].value = take_text(c);
	c->in_value = false;
}

static int
count_head(struct conn *c, size_t len)
{
	c->head_len += len;
	return c->head_len > c->s->limits.head_max
		? refuse(c, 431, "The request's headers are too long")
		: 0;
}

static int
on_header_field(http_parser *p, const char *at, size_t len)
{
	struct conn *c = conn_of(p);

	/* Behind a body: nobody wants it, and it must not pass for a header. */
	if (c->state == CONN_BODY)
		return count_head(c, len);
	end_target(c);
	end_value(c);
	if (count_head(c, len) < 0)
		return -1;
	buf_add(&c->text, at, len);
	return 0;
}

/* The name is complete: a value, perhaps an empty one, has begun. */
static int
begin_value(struct conn *c)
{
	struct http_request *r = c->request;
	char *name;

	if (r->n_headers == HEADERS_MAX)
		return refuse(c, 431, "The request has too many headers");
	if (!r->headers)
		r->headers = arena_array(&r->arena, HEADERS_MAX, sizeof(*r->headers));
	name = take_text(c);
	/* The parser takes blanks, with which a proxy in front may have read another header than we do. */
	for (char *s = name; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return refuse(c, 400, "This is no HTTP request");
		*s = (char)tolower((unsigned char)*s);
	}
	r->headers[r->n_headers].name = name;
	c->in_value = true;
	return 0;
}

static int
on_header_value(http_parser *p, const char *at, size_t len)
{
	struct conn *c = conn_of(p);

	if (c->state == CONN_BODY)
		return count_head(c, len);
	if ((!c->in_value && begin_value(c) < 0) || count_head(c, len) < 0)
		return -1;
	buf_add(&c->text, at, len);
	return 0;
}

static void
greet_body(struct conn *c)
{
	const char *expect = http_request_header(c->request, "expect");

	if (expect && c->parser.http_minor > 0 && !strcasecmp(expect, "100-continue"))
		evbuffer_add_printf(output(c), "HTTP/1.1 100 Continue\r\n\r\n");
}

static int
on_headers_complete(http_parser *p)
{
	struct conn *c = conn_of(p);
	struct http_request *r = c->request;

	end_target(c);
	end_value(c);
	r->method = http_method_str((enum http_method)p->method);
	c->keep_alive = http_should_keep_alive(p) != 0;
	if (p->http_major != 1)
		return refuse(c, 400, "Only HTTP/1.0 and HTTP/1.1 are spoken here");
	if (p->upgrade)
		return refuse(c, 400, "There is no other protocol to change to");
	r->has_body = (p->flags & F_CHUNKED) || p->content_length != UINT64_MAX;
	if (!(p->flags & F_CHUNKED) && r->has_body && p->content_length > c->s->limits.body_max)
		return refuse(c, 413, "The request's body is too large");
	if (r->has_body && p->content_length > 0) {
		greet_body(c);
		c->state = CONN_BODY;
		set_deadline(c, c->s->limits.body_ms);
	}
	return 0;
}

static int
on_body(http_parser *p, const char *at, size_t len)
{
	struct conn *c = conn_of(p);
	struct http_request *r = c->request;

	if (r->body_len + len > c->s->limits.body_max)
		return refuse(c, 413, "The request's body is too large");
	r->body = xrealloc(r->body, r->body_len + len + 1, 1);
	memcpy(r->body + r->body_len, at, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
	return 0;
}

static int
on_message_complete(http_parser *p)
{
	struct conn *c = conn_of(p);

	if (!c->request->body)
		c->request->body = xstrdup("");
	c->complete = true;
	http_parser_pause(p, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static void
reset_parser(struct conn *c)
{
	http_parser_init(&c->parser, HTTP_REQUEST);
	c->parser.data = c;
}

/* Whole: the callback's now. */
static void
dispatch(struct conn *c)
{
	struct http_request *r = c->request;

	c->request = NULL;
	c->state = CONN_BUSY;
	set_deadline(c, 0);
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD);
	c->s->cb(r, c->s->arg);
}

static void
fail_request(struct conn *c)
{
	c->keep_alive = false;
	if (c->failed)
		conn_reply_error(c, c->failed, c->failed_text, true);
	else
		conn_reply_error(c, 400, "This is no HTTP request", true);
}

/* Parses one piece of what has come; false when there is nothing to parse. */
static bool
parse_piece(struct conn *c, struct evbuffer *in)
{
	struct evbuffer_iovec piece;
	size_t n;

	if (evbuffer_peek(in, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
		return false;
	if (c->state == CONN_IDLE) {
		begin_request(c);
		c->state = CONN_HEAD;
		set_deadline(c, c->s->limits.head_ms);
	}
	n = http_parser_execute(&c->parser, &settings, piece.iov_base, piece.iov_len);
	evbuffer_drain(in, n);
	if (c->complete)
		dispatch(c);
	else if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK || c->parser.upgrade)
		fail_request(c);
	return true;
}

/* Who sends requests and reads no answers is not answered for ever. */
static bool
is_clogged(const struct conn *c)
{
	return c->state == CONN_IDLE && conn_pending(c) > ANSWERS_AHEAD;
}

static void
work(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	/* Answering at once comes back here through next_request(). */
	if (c->working)
		return;
	c->working = true;
	while (c->state <= CONN_BODY && !is_clogged(c) && parse_piece(c, in))
		continue;
	c->working = false;
	/* The rest of what has begun will not come. */
	if (c->half_closed && c->state <= CONN_BODY && !is_clogged(c))
		begin_ending(c);
}

static void
next_request(struct conn *c)
{
	reset_parser(c);
	c->complete = false;
	c->state = CONN_IDLE;
	set_deadline(c, c->s->limits.idle_ms);
	bufferevent_setwatermark(c->bev, EV_READ, 0, is_clogged(c) ? READ_AHEAD : 0);
	if (!c->half_closed)
		bufferevent_enable(c->bev, EV_READ);
	work(c);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);

	if (c->state == CONN_ENDING || c->state == CONN_STREAM) {
		evbuffer_drain(in, n);
		c->head_len += n;
		if (c->head_len > LINGER_BYTES)
			conn_close(c);
		return;
	}
	work(c);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_ENDING) {
		say_goodbye(c);
	} else if (c->state == CONN_IDLE) {
		bufferevent_setwatermark(bev, EV_READ, 0, 0);
		work(c);
	}
}

/* The limit for writing is over, but nobody has looked whether the client reads: this thread had to wait or to do
 * something else, and libevent looks at the clock first. */
static bool
is_ready_after_all(struct conn *c, short what)
{
	struct pollfd pfd = {.fd = bufferevent_getfd(c->bev), .events = POLLOUT};

	return (what & BEV_EVENT_TIMEOUT) && poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLOUT);
}

static bool
is_watched(const struct conn *c)
{
	return c->state == CONN_BUSY && c->on_close;
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	/* A client may be through with sending and still wait for its answer, unless that takes work. */
	if ((what & BEV_EVENT_EOF) && c->state != CONN_STREAM && !c->half_closed &&
		!is_watched(c) && (c->state == CONN_BUSY || conn_pending(c) > 0)) {
		c->half_closed = true;
		if (c->state <= CONN_BODY)
			work(c);
	} else if (is_ready_after_all(c, what)) {
		bufferevent_enable(bev, EV_WRITE);
	} else {
		conn_close(c);
	}
}

void
conn_close(struct conn *c)
{
	struct http_server *s = c->s;

	idmap_remove(&s->conns, c->number);
	if (c->on_close)
		c->on_close(c->request_id, c->close_arg);
	http_request_free(c->request);
	buf_free(&c->text);
	event_free(c->deadline);
	bufferevent_free(c->bev);
	free(c);
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static int
count_client(const struct http_server *s, const char *peer)
{
	const struct conn *c;
	size_t pos = 0;
	int n = 0;

	while ((c = idmap_each(&s->conns, &pos)))
		n += !strcmp(c->peer, peer);
	return n;
}

/* Without reading a word of it. */
static void
turn_away(struct http_server *s, evutil_socket_t fd, int status, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof(line),
		"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
		"retry-after: 1\r\nconnection: close\r\n\r\n{\"detail\":\"%s\"}",
		status, http_status_text(status), strlen(text) + strlen("{\"detail\":\"\"}"), text);

	s->counts.refused++;
	(void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	evutil_closesocket(fd);
}

void
conn_accept(struct http_server *s, evutil_socket_t fd, const char *peer, bool is_unix)
{
	const struct timeval write_limit = {
		s->limits.write_ms / 1000, s->limits.write_ms % 1000 * 1000};
	struct conn *c;
	int one = 1;

	s->counts.accepted++;
	if (s->conns.n >= (size_t)s->limits.connections_max) {
		turn_away(s, fd, 503, "Too many connections");
		return;
	}
	if (!is_unix && count_client(s, peer) >= s->limits.client_max) {
		turn_away(s, fd, 429, "Too many connections of one client");
		return;
	}
	if (!is_unix)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	evutil_make_socket_nonblocking(fd);
	c = xcalloc(1, sizeof(*c));
	c->s = s;
	c->number = ++s->last_conn;
	c->is_unix = is_unix;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	buf_init(&c->text, s->limits.head_max + s->limits.line_max);
	c->bev = bufferevent_socket_new(
		s->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	c->deadline = evtimer_new(s->base, on_deadline, c);
	assert(c->bev && c->deadline);
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, &write_limit);
	idmap_put(&s->conns, c->number, c);
	next_request(c);
}
