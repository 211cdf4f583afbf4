/* The HTTP server on loopback, in this thread, with small limits. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/server.h"

#define CLIENTS 8
#define GUARD_S 20
#define BIG (512 * 1024)

static struct event_base *base;
static struct http_server *server;
static struct http_limits limits;
static struct event *guard;

struct client {
	int fd;
	struct event *on_read;
	struct buf got;
	bool ended;
};
static struct client clients[CLIENTS];

/* --- the server's side ------------------------------------------------------------------------------- */

static struct buf seen; /* "POST /a body;" for each request */
static int64_t kept_id;
static char *big;

/* As a machine with much else to do would. */
static void
pass_write_limit(void)
{
	const struct timespec limit = {0, (limits.write_ms + 20) * 1000000L};

	nanosleep(&limit, NULL);
}

static void
on_request(struct http_request *r, void *arg)
{
	struct http_response response = {.status = 200, .body = "ok", .body_len = 2};

	(void)arg;
	buf_printf(&seen, "%s %s %s;", r->method, r->target, r->body);
	ck_assert_uint_eq(strlen(r->body), r->body_len);
	if (!strcmp(r->path, "/later")) {
		kept_id = r->id;
	} else if (!strcmp(r->path, "/big") || !strcmp(r->path, "/stall")) {
		if (r->path[1] == 's')
			pass_write_limit();
		response.body = big;
		response.body_len = BIG;
		http_reply(server, r->id, &response);
	} else if (!strcmp(r->path, "/header")) {
		const char *value = http_request_header(r, "x-it");

		response.body = value ? value : "none";
		response.body_len = strlen(response.body);
		http_reply(server, r->id, &response);
	} else {
		http_reply(server, r->id, &response);
	}
	http_request_free(r);
}

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	ck_abort_msg("nothing has happened; seen: %.500s; got: %.500s", buf_str(&seen),
		buf_str(&clients[0].got));
}

static void
setup(void)
{
	const struct timeval tv = {GUARD_S, 0};
	struct err err = ERR_INIT;

	base = event_base_new();
	limits = http_limits_default;
	buf_init(&seen, 1 << 20);
	kept_id = 0;
	big = xcalloc(1, BIG);
	memset(big, 'b', BIG);
	for (int i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	guard = evtimer_new(base, on_guard, NULL);
	evtimer_add(guard, &tv);
	ck_assert_msg(http_server_create(base, &limits, on_request, NULL, &server, &err) == 0, "%s",
		err.text);
	ck_assert_msg(http_listen_tcp(server, "127.0.0.1:0", &err) == 0, "%s", err.text);
}

static void
leave(struct client *c)
{
	if (c->fd < 0)
		return;
	event_free(c->on_read);
	close(c->fd);
	c->fd = -1;
	buf_free(&c->got);
}

static void
teardown(void)
{
	for (int i = 0; i < CLIENTS; i++)
		leave(&clients[i]);
	http_server_free(server);
	event_free(guard);
	event_base_free(base);
	buf_free(&seen);
	free(big);
}

/* The limits are the server's from its making on. */
static void
restart(void)
{
	struct err err = ERR_INIT;

	http_server_free(server);
	ck_assert_int_eq(http_server_create(base, &limits, on_request, NULL, &server, &err), 0);
	ck_assert_int_eq(http_listen_tcp(server, "127.0.0.1:0", &err), 0);
}

/* --- the client's side --------------------------------------------------------------------------------- */

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	char block[65536];
	ssize_t n = recv(fd, block, sizeof(block), MSG_DONTWAIT);

	(void)what;
	if (n > 0)
		buf_add(&c->got, block, (size_t)n);
	else
		c->ended = true;
	if (c->ended)
		event_del(c->on_read);
}

static struct client *
adopt(struct client *c, int fd)
{
	c->fd = fd;
	c->ended = false;
	buf_init(&c->got, 64 << 20);
	c->on_read = event_new(base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_add(c->on_read, NULL);
	return c;
}

static struct client *
join(int i)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return adopt(&clients[i], fd);
}

/* Sends as far as it goes, and lets the server work meanwhile. */
static void
say_bytes(struct client *c, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0 && !c->ended) {
		n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static void
say(struct client *c, const char *text)
{
	say_bytes(c, text, strlen(text));
}

#define until(condition)                                                                           \
	while (!(condition))                                                                       \
	event_base_loop(base, EVLOOP_ONCE)

/* Whether of so many that ever came so many are left. */
static bool
has_connections(int64_t accepted, int64_t left)
{
	struct http_counts counts;

	http_server_count(server, &counts);
	return counts.accepted == accepted && counts.connections == left;
}

static int
count(const struct client *c, const char *part)
{
	int n = 0;

	for (const char *p = buf_str(&c->got); (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

/* Until the client has got that text so often. */
static void
hears(struct client *c, const char *part, int times)
{
	until(count(c, part) >= times || c->ended);
	ck_assert_msg(count(c, part) == times, "%d times '%s' in: %.2000s", count(c, part), part,
		buf_str(&c->got));
}

/* The connection ends with that answer, of one whole form. */
static void
is_refused(struct client *c, const char *status, const char *detail)
{
	char body[256];
	size_t len = (size_t)snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", detail);
	char length[64];

	until(c->ended);
	snprintf(length, sizeof(length), "content-length: %zu\r\n", len);
	ck_assert_msg(
		text_starts(buf_str(&c->got), status), "%s is not %s", buf_str(&c->got), status);
	ck_assert_ptr_nonnull(strstr(buf_str(&c->got), length));
	ck_assert_ptr_nonnull(strstr(buf_str(&c->got), "connection: close\r\n"));
	ck_assert_str_eq(strstr(buf_str(&c->got), "\r\n\r\n") + 4, body);
	ck_assert_str_eq(buf_str(&seen), "");
}

/* --- requests ---------------------------------------------------------------------------------------------- */

START_TEST(a_connection_serves_one_request_after_another)
{
	struct client *c = join(0);

	say(c, "GET /a HTTP/1.1\r\n\r\n");
	hears(c, "\r\n\r\nok", 1);
	say(c, "POST /b?x=1#y HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
	hears(c, "\r\n\r\nok", 2);
	ck_assert_str_eq(buf_str(&seen), "GET /a ;POST /b?x=1#y abc;");
	ck_assert(!c->ended);
}
END_TEST

START_TEST(requests_sent_ahead_are_answered_in_order)
{
	struct client *c = join(0);

	say(c,
		"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nxyGET /3 "
		"HTTP/1.1\r\n\r\n"
		"POST /4 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\nGET /5 "
		"HTTP/1.1\r\n\r\n");
	hears(c, "\r\n\r\nok", 5);
	ck_assert_str_eq(buf_str(&seen), "GET /1 ;POST /2 xy;GET /3 ;POST /4 z;GET /5 ;");
}
END_TEST

START_TEST(the_next_request_waits_for_the_answer_to_the_first)
{
	struct client *c = join(0);

	say(c, "GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	until(kept_id);
	ck_assert_str_eq(buf_str(&seen), "GET /later ;");
	http_reply_error(server, kept_id, 404, "x");
	hears(c, "{\"detail\":\"x\"}", 1);
	hears(c, "\r\n\r\nok", 1);
	/* An answer that comes twice hits nobody. */
	http_reply_error(server, kept_id, 404, "x");
	say(c, "GET /c HTTP/1.1\r\n\r\n");
	hears(c, "\r\n\r\nok", 2);
	ck_assert_int_eq(count(c, "detail"), 1);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
	static const char text[] =
		"POST /a?b HTTP/1.1\r\nX-Other:\r\nX-It:  v \r\nTransfer-Encoding: chunked\r\n\r\n"
		"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\nGET /header "
		"HTTP/1.1\r\nx-iT: w\r\n\r\n";
	struct client *c = join(0);

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		say_bytes(c, text + i, 1);
	hears(c, "HTTP/1.1 200 OK\r\n", 2);
	hears(c, "\r\n\r\nw", 1);
	ck_assert_str_eq(buf_str(&seen), "POST /a?b abcde;GET /header ;");
}
END_TEST

START_TEST(what_stands_behind_a_body_is_no_header)
{
	struct client *c = join(0);

	say(c,
		"POST /header HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-It: "
		"smuggled\r\nX-B: c\r\n\r\n");
	hears(c, "\r\n\r\nnone", 1);
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
	struct client *c = join(0);

	say(c, "GET /header HTTP/1.1\r\nX-It:\r\n\r\n");
	hears(c, "content-length: 0\r\n", 1);
	say(c, "GET /header HTTP/1.1\r\nX-It:\r\nX-B: c\r\n\r\n");
	hears(c, "content-length: 0\r\n", 2);
}
END_TEST

START_TEST(the_answer_to_head_has_no_body)
{
	struct client *c = join(0);

	say(c, "HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	hears(c, "content-length: 2\r\n", 2);
	hears(c, "\r\n\r\nok", 1);
}
END_TEST

START_TEST(a_body_is_asked_for_when_it_is_expected)
{
	struct client *c = join(0);

	say(c, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	hears(c, "HTTP/1.1 100 Continue\r\n\r\n", 1);
	say(c, "hi");
	hears(c, "\r\n\r\nok", 1);
	ck_assert_str_eq(buf_str(&seen), "POST /a hi;");
}
END_TEST

START_TEST(one_that_is_too_large_is_not)
{
	struct client *c = join(0);

	say(c, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
	is_refused(c, "HTTP/1.1 413 ", "The request's body is too large");
	ck_assert_int_eq(count(c, "100 Continue"), 0);
}
END_TEST

START_TEST(http_1_0_ends_with_its_answer_unless_it_asks)
{
	struct client *c = join(0), *d = join(1);

	say(c, "GET /a HTTP/1.0\r\n\r\n");
	until(c->ended);
	hears(c, "connection: close\r\n", 1);
	hears(c, "\r\n\r\nok", 1);
	say(d,
		"POST /b HTTP/1.0\r\nConnection: keep-alive\r\nExpect: "
		"100-continue\r\nContent-Length: 1\r\n\r\nx");
	hears(d, "\r\n\r\nok", 1);
	ck_assert_int_eq(count(d, "100 Continue"), 0);
	say(d, "GET /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	hears(d, "\r\n\r\nok", 2);
}
END_TEST

START_TEST(connection_close_is_heeded)
{
	struct client *c = join(0);

	say(c, "GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	until(c->ended);
	hears(c, "\r\n\r\nok", 1);
	ck_assert_str_eq(buf_str(&seen), "GET /a ;");
}
END_TEST

START_TEST(who_has_said_all_still_gets_the_answers)
{
	struct client *c = join(0);

	say(c, "GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	shutdown(c->fd, SHUT_WR);
	until(kept_id);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	http_reply_error(server, kept_id, 404, "x");
	until(c->ended);
	hears(c, "{\"detail\":\"x\"}", 1);
	hears(c, "\r\n\r\nok", 1);
}
END_TEST

START_TEST(who_goes_within_a_request_is_forgotten)
{
	static const char *const parts[] = {"G", "GET /a HT", "GET /a HTTP/1.1\r\nX",
		"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", "GET /a HTTP/1.1\r\n\r\nGET /b",
		"GET /later HTTP/1.1\r\n\r\n"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct client *c = join(0);

		say(c, parts[i]);
		if (i + 1 == ARRAY_LEN(parts))
			until(kept_id);
		leave(c);
	}
	http_reply_error(server, kept_id, 404, "x");
	until(has_connections((int64_t)ARRAY_LEN(parts), 0));
}
END_TEST

/* --- what is no request -------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	size_t len;
} malformed[] = {
#define BAD(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	BAD("hello\r\n\r\n"),
	BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	BAD("GET\r\n\r\n"),
	BAD("BREW /a HTTP/1.1\r\n\r\n"),
	BAD("GET /a b HTTP/1.1\r\n\r\n"),
	BAD("GET /\0a HTTP/1.1\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\nX: a\0b\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\nX\0: a\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\n: a\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\nX y: a\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\nX : a\r\n\r\n"),
	BAD("GET /a HTTP/1.1\r\nnothing\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
	BAD("POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
	BAD("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
	BAD("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
	BAD("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"),
#undef BAD
};

START_TEST(what_is_no_request_is_a_400)
{
	struct client *c = join(0);

	say_bytes(c, malformed[_i].text, malformed[_i].len);
	is_refused(c, "HTTP/1.1 400 ", "This is no HTTP request");
}
END_TEST

static const struct {
	const char *text, *status, *detail;
} refused[] = {
	{"GET /a\r\n\r\n", "HTTP/1.1 400 ", "Only HTTP/1.0 and HTTP/1.1 are spoken here"},
	{"GET /a HTTP/2.0\r\n\r\n", "HTTP/1.1 400 ", "Only HTTP/1.0 and HTTP/1.1 are spoken here"},
	{"GET /a HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 400 ",
		"There is no other protocol to change to"},
	{"CONNECT a:1 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ",
		"There is no other protocol to change to"},
};

START_TEST(what_is_not_done_here_is_said)
{
	struct client *c = join(0);

	say(c, refused[_i].text);
	is_refused(c, refused[_i].status, refused[_i].detail);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------- */

/* One byte more than fits is refused, and what fits is not. */
static void
probe(const char *before, size_t fits, const char *after, const char *status, const char *detail)
{
	struct client *c;
	struct buf text;

	for (size_t n = fits; n <= fits + 1; n++) {
		buf_init(&text, 1 << 20);
		buf_puts(&text, before);
		for (size_t i = 0; i < n; i++)
			buf_putc(&text, 'a');
		buf_puts(&text, after);
		c = join(0);
		say(c, buf_str(&text));
		if (n == fits) {
			hears(c, "\r\n\r\nok", 1);
			buf_reset(&seen);
			leave(c);
		} else {
			is_refused(c, status, detail);
		}
		buf_free(&text);
	}
}

START_TEST(a_long_request_line_is_refused)
{
	limits.line_max = 100;
	restart();
	probe("GET /", 99, " HTTP/1.1\r\n\r\n", "HTTP/1.1 414 ", "The request line is too long");
}
END_TEST

START_TEST(long_headers_are_refused)
{
	limits.head_max = 100;
	restart();
	probe("GET / HTTP/1.1\r\nX: b\r\nY: ", 97, "\r\n\r\n", "HTTP/1.1 431 ",
		"The request's headers are too long");
}
END_TEST

START_TEST(a_long_name_of_a_header_is_refused)
{
	limits.head_max = 100;
	restart();
	probe("GET / HTTP/1.1\r\nX", 98, ": b\r\n\r\n", "HTTP/1.1 431 ",
		"The request's headers are too long");
}
END_TEST

START_TEST(many_headers_are_refused)
{
	struct buf text;
	struct client *c;

	for (int n = 100; n <= 101; n++) {
		buf_init(&text, 1 << 20);
		buf_puts(&text, "GET / HTTP/1.1\r\n");
		for (int i = 0; i < n; i++)
			buf_puts(&text, "X: a\r\n");
		buf_puts(&text, "\r\n");
		c = join(0);
		say(c, buf_str(&text));
		buf_free(&text);
		if (n == 100) {
			hears(c, "\r\n\r\nok", 1);
			buf_reset(&seen);
			leave(c);
		} else {
			is_refused(c, "HTTP/1.1 431 ", "The request has too many headers");
		}
	}
}
END_TEST

START_TEST(a_large_body_is_refused)
{
	limits.body_max = 10;
	restart();
	probe("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbbbbb\r\n5\r\n", 5,
		"\r\n0\r\n\r\n", "HTTP/1.1 400 ", "This is no HTTP request");
	leave(&clients[0]);
	say(join(0), "POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n");
	is_refused(&clients[0], "HTTP/1.1 413 ", "The request's body is too large");
	leave(&clients[0]);
	say(join(0),
		"POST / HTTP/1.1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n5\r\nbbbbb\r\n6\r\nbbbbbb\r\n0\r\n\r\n");
	is_refused(&clients[0], "HTTP/1.1 413 ", "The request's body is too large");
}
END_TEST

START_TEST(endless_trailers_are_refused)
{
	struct client *c = join(0);

	say(c, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	for (int i = 0; i < 100000 && !c->ended; i++)
		say(c, "X-T: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	is_refused(c, "HTTP/1.1 431 ", "The request's headers are too long");
}
END_TEST

START_TEST(headers_that_take_long_are_refused)
{
	limits.head_ms = 30;
	restart();
	say(join(0), "GET /a HTTP/1.1\r\nX:");
	is_refused(&clients[0], "HTTP/1.1 408 ", "The request's headers took too long");
}
END_TEST

/* A byte now and then does not help. */
START_TEST(headers_that_trickle_are_refused)
{
	struct client *c;

	limits.head_ms = 30;
	restart();
	c = join(0);
	say(c, "GET /a HTTP/1.1\r\nX: ");
	while (!c->ended && c->got.len == 0) {
		say(c, "a");
		event_base_loopexit(base, &(struct timeval){0, 1000});
		event_base_dispatch(base);
	}
	is_refused(c, "HTTP/1.1 408 ", "The request's headers took too long");
}
END_TEST

START_TEST(a_body_that_takes_long_is_refused)
{
	limits.body_ms = 30;
	restart();
	say(join(0), "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
	is_refused(&clients[0], "HTTP/1.1 408 ", "The request's body took too long");
}
END_TEST

START_TEST(an_idle_connection_ends_without_a_word)
{
	struct client *c;

	limits.idle_ms = 30;
	restart();
	c = join(0);
	until(c->ended);
	ck_assert_str_eq(buf_str(&c->got), "");
	leave(c);
	c = join(0);
	say(c, "GET /a HTTP/1.1\r\n\r\n");
	until(c->ended);
	hears(c, "\r\n\r\nok", 1);
	ck_assert_int_eq(count(c, "HTTP/1.1"), 1);
}
END_TEST

START_TEST(who_is_being_answered_is_not_idle)
{
	struct client *c;
	struct http_counts counts;

	limits.idle_ms = limits.head_ms = 300;
	restart();
	c = join(0);
	say(c, "GET /later HTTP/1.1\r\n\r\n");
	until(kept_id);
	/* Another connection shows that the time is over. */
	join(1);
	until(clients[1].ended);
	http_server_count(server, &counts);
	ck_assert_int_eq(counts.connections, 1);
	http_reply_error(server, kept_id, 404, "x");
	hears(c, "{\"detail\":\"x\"}", 1);
}
END_TEST

static void
on_gone(int64_t id, void *arg)
{
	ck_assert_int_eq(id, kept_id);
	++*(int *)arg;
}

START_TEST(who_is_watched_is_missed_when_gone)
{
	struct client *c = join(0);
	int gone = 0;

	say(c, "GET /later HTTP/1.1\r\n\r\n");
	until(kept_id);
	ck_assert(http_watch(server, kept_id, on_gone, &gone));
	shutdown(c->fd, SHUT_WR);
	until(gone);
	until(has_connections(1, 0));
	http_reply_error(server, kept_id, 404, "x");
	ck_assert(!http_watch(server, kept_id, on_gone, &gone));
	ck_assert_int_eq(gone, 1);
}
END_TEST

START_TEST(who_is_watched_is_not_missed_after_the_answer)
{
	struct client *c = join(0);
	int gone = 0;

	say(c, "GET /later HTTP/1.1\r\n\r\n");
	until(kept_id);
	ck_assert(http_watch(server, kept_id, on_gone, &gone));
	http_reply_error(server, kept_id, 404, "x");
	hears(c, "{\"detail\":\"x\"}", 1);
	leave(c);
	until(has_connections(1, 0));
	ck_assert_int_eq(gone, 0);
}
END_TEST

START_TEST(who_has_gone_before_is_not_watched)
{
	struct client *c = join(0);
	int gone = 0;

	say(c, "GET /later HTTP/1.1\r\n\r\n");
	until(kept_id);
	shutdown(c->fd, SHUT_WR);
	/* Another request shows that the first one's end was seen. */
	say(join(1), "GET /a HTTP/1.1\r\n\r\n");
	hears(&clients[1], "\r\n\r\nok", 1);
	ck_assert(!http_watch(server, kept_id, on_gone, &gone));
	ck_assert_int_eq(gone, 0);
}
END_TEST

START_TEST(one_client_gets_so_many_connections)
{
	limits.client_max = 2;
	restart();
	join(0);
	join(1);
	join(2);
	until(clients[2].ended);
	ck_assert(text_starts(buf_str(&clients[2].got), "HTTP/1.1 429 "));
	ck_assert_ptr_nonnull(strstr(buf_str(&clients[2].got),
		"\r\n\r\n{\"detail\":\"Too many connections of one client\"}"));
	ck_assert_ptr_nonnull(strstr(buf_str(&clients[2].got), "retry-after: 1\r\n"));
	say(&clients[1], "GET /a HTTP/1.1\r\n\r\n");
	hears(&clients[1], "\r\n\r\nok", 1);
}
END_TEST

START_TEST(all_clients_get_so_many_connections)
{
	struct http_counts counts;

	limits.connections_max = 2;
	restart();
	join(0);
	join(1);
	join(2);
	until(clients[2].ended);
	ck_assert(text_starts(buf_str(&clients[2].got), "HTTP/1.1 503 "));
	ck_assert_ptr_nonnull(
		strstr(buf_str(&clients[2].got), "\r\n\r\n{\"detail\":\"Too many connections\"}"));
	http_server_count(server, &counts);
	ck_assert_int_eq(counts.refused, 1);
	/* A place that is given back is another's. */
	leave(&clients[0]);
	until(has_connections(3, 1));
	say(join(3), "GET /a HTTP/1.1\r\n\r\n");
	hears(&clients[3], "\r\n\r\nok", 1);
}
END_TEST

/* --- clients that do not read --------------------------------------------------------------------------------------- */

/* Does not read. */
static struct client *
join_deaf(int i)
{
	struct client *c = join(i);

	event_del(c->on_read);
	return c;
}

START_TEST(who_never_reads_is_dropped)
{
	limits.write_ms = 50;
	restart();
	say(join_deaf(0),
		"GET /big HTTP/1.1\r\n\r\nGET /big HTTP/1.1\r\n\r\nGET /big HTTP/1.1\r\n\r\nGET "
		"/big HTTP/1.1\r\n\r\n"
		"GET /big HTTP/1.1\r\n\r\nGET /big HTTP/1.1\r\n\r\nGET /big HTTP/1.1\r\n\r\nGET "
		"/big HTTP/1.1\r\n\r\n");
	until(has_connections(1, 0));
}
END_TEST

START_TEST(who_reads_is_not_dropped_for_the_servers_own_delay)
{
	struct client *c;

	limits.write_ms = 50;
	restart();
	c = join(0);
	say(c, "GET /stall HTTP/1.1\r\n\r\n");
	until(c->ended || c->got.len > BIG);
	ck_assert_uint_gt(c->got.len, BIG);
}
END_TEST

START_TEST(who_does_not_read_is_not_answered_further)
{
	struct client *c = join_deaf(0);
	int answers = 0;

	for (int i = 0; i < 30; i++)
		say(c, "GET /big HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 200; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	for (const char *p = buf_str(&seen); (p = strchr(p, ';')); p++)
		answers++;
	ck_assert_int_lt(answers, 20);
	/* Once it reads it gets all of them. */
	event_add(c->on_read, NULL);
	until(c->ended || c->got.len > 30 * (size_t)BIG);
	hears(c, "HTTP/1.1 200 OK\r\n", 30);
}
END_TEST

START_TEST(an_answer_may_be_read_slowly)
{
	struct client *c;

	limits.idle_ms = 300;
	limits.write_ms = 5000;
	restart();
	c = join_deaf(0);
	say(c, "GET /big HTTP/1.1\r\n\r\n");
	join(1);
	until(clients[1].ended);
	leave(&clients[1]);
	join(1);
	until(clients[1].ended);
	event_add(c->on_read, NULL);
	until(c->ended);
	ck_assert_uint_gt(c->got.len, BIG);
}
END_TEST

/* --- unix sockets ----------------------------------------------------------------------------------------------------- */

START_TEST(a_unix_socket_is_its_users_and_goes_with_the_server)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct err err = ERR_INIT;
	struct stat st;
	int fd;

	snprintf(
		un.sun_path, sizeof(un.sun_path), "/tmp/flowfile-test-http-%d.sock", (int)getpid());
	unlink(un.sun_path);
	/* Left behind by one that died. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	ck_assert_msg(http_listen_unix(server, un.sun_path, 0600, &err) == 0, "%s", err.text);
	ck_assert_int_eq(stat(un.sun_path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(http_listen_unix(server, un.sun_path, 0600, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	adopt(&clients[0], fd);
	say(&clients[0], "GET /a HTTP/1.1\r\n\r\n");
	hears(&clients[0], "\r\n\r\nok", 1);
	restart();
	ck_assert_int_eq(stat(un.sun_path, &st), -1);
}
END_TEST

START_TEST(what_is_no_socket_is_not_replaced)
{
	struct err err = ERR_INIT;
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/tmp/flowfile-test-http-%d.file", (int)getpid());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	ck_assert_int_eq(http_listen_unix(server, path, 0600, &err), -1);
	ck_assert_int_eq(stat(path, &st), 0);
	unlink(path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http server");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 2 * GUARD_S);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_connection_serves_one_request_after_another);
	tcase_add_test(tc, requests_sent_ahead_are_answered_in_order);
	tcase_add_test(tc, the_next_request_waits_for_the_answer_to_the_first);
	tcase_add_test(tc, a_request_may_come_byte_by_byte);
	tcase_add_test(tc, what_stands_behind_a_body_is_no_header);
	tcase_add_test(tc, an_empty_value_is_a_value);
	tcase_add_test(tc, the_answer_to_head_has_no_body);
	tcase_add_test(tc, a_body_is_asked_for_when_it_is_expected);
	tcase_add_test(tc, one_that_is_too_large_is_not);
	tcase_add_test(tc, http_1_0_ends_with_its_answer_unless_it_asks);
	tcase_add_test(tc, connection_close_is_heeded);
	tcase_add_test(tc, who_has_said_all_still_gets_the_answers);
	tcase_add_test(tc, who_goes_within_a_request_is_forgotten);
	tcase_add_loop_test(tc, what_is_no_request_is_a_400, 0, ARRAY_LEN(malformed));
	tcase_add_loop_test(tc, what_is_not_done_here_is_said, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, a_long_request_line_is_refused);
	tcase_add_test(tc, long_headers_are_refused);
	tcase_add_test(tc, a_long_name_of_a_header_is_refused);
	tcase_add_test(tc, many_headers_are_refused);
	tcase_add_test(tc, a_large_body_is_refused);
	tcase_add_test(tc, endless_trailers_are_refused);
	tcase_add_test(tc, headers_that_take_long_are_refused);
	tcase_add_test(tc, headers_that_trickle_are_refused);
	tcase_add_test(tc, a_body_that_takes_long_is_refused);
	tcase_add_test(tc, an_idle_connection_ends_without_a_word);
	tcase_add_test(tc, who_is_being_answered_is_not_idle);
	tcase_add_test(tc, who_is_watched_is_missed_when_gone);
	tcase_add_test(tc, who_is_watched_is_not_missed_after_the_answer);
	tcase_add_test(tc, who_has_gone_before_is_not_watched);
	tcase_add_test(tc, one_client_gets_so_many_connections);
	tcase_add_test(tc, all_clients_get_so_many_connections);
	tcase_add_test(tc, who_never_reads_is_dropped);
	tcase_add_test(tc, who_reads_is_not_dropped_for_the_servers_own_delay);
	tcase_add_test(tc, who_does_not_read_is_not_answered_further);
	tcase_add_test(tc, an_answer_may_be_read_slowly);
	tcase_add_test(tc, a_unix_socket_is_its_users_and_goes_with_the_server);
	tcase_add_test(tc, what_is_no_socket_is_not_replaced);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
