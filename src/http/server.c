/* Listeners, and answers by id. What a connection does is in conn.c. */
#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conn.h"

const struct http_limits http_limits_default = {
	.line_max = 8 * 1024,
	.head_max = 32 * 1024,
	.body_max = 1024 * 1024,
	.stream_max = 256 * 1024,
	.connections_max = 2048,
	.client_max = 1536,
	.head_ms = 10 * 1000,
	.body_ms = 30 * 1000,
	.idle_ms = 75 * 1000,
	.write_ms = 30 * 1000,
};

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{200, "OK"},
	{201, "Created"},
	{204, "No Content"},
	{206, "Partial Content"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{416, "Range Not Satisfiable"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Entity"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

const char *
http_status_text(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Unknown";
}

/* --- requests -------------------------------------------------------------------------------------- */

const char *
http_request_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcmp(r->headers[i].name, name))
			return r->headers[i].value;
	return NULL;
}

void
http_request_free(struct http_request *r)
{
	if (!r)
		return;
	free(r->body);
	arena_free(&r->arena);
	free(r);
}

/* --- listeners ---------------------------------------------------------------------------------------- */

static void
name_peer(const struct sockaddr *sa, char *out, size_t size)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, out, (socklen_t)size);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, out, (socklen_t)size);
	else
		snprintf(out, size, "unix");
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	char peer[64];

	(void)l;
	(void)len;
	name_peer(sa, peer, sizeof(peer));
	conn_accept(arg, fd, peer, sa->sa_family == AF_UNIX);
}

/* Out of descriptors, most often: the listener would be woken at once again. */
static void
on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < s->n_listeners; i++)
		evconnlistener_enable(s->listeners[i]);
}

static void
on_accept_error(struct evconnlistener *l, void *arg)
{
	const struct timeval pause = {0, 100 * 1000};
	struct http_server *s = arg;

	log_warning("A connection cannot be accepted: %s", strerror(errno));
	evconnlistener_disable(l);
	evtimer_add(s->accept_again, &pause);
}

static int
add_listener(struct http_server *s, const struct sockaddr *sa, size_t len, struct err *err)
{
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct evconnlistener *l;

	l = evconnlistener_new_bind(s->base, on_accept, s, flags, 512, sa, (int)len);
	if (!l)
		return err_errno(err, errno, "listen");
	evconnlistener_set_error_cb(l, on_accept_error);
	s->listeners = xrealloc(s->listeners, s->n_listeners + 1, sizeof(struct evconnlistener *));
	s->listeners[s->n_listeners++] = l;
	return 0;
}

static void
note_port(struct http_server *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	evutil_socket_t fd = evconnlistener_get_fd(s->listeners[s->n_listeners - 1]);

	if (s->port || getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return;
	s->port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&ss)->sin6_port
						 : ((struct sockaddr_in *)(void *)&ss)->sin_port);
}

/* libevent's reader takes no port 0, which is any here. */
static int
parse_address(const char *address, struct sockaddr_storage *ss, int *len)
{
	size_t n = strlen(address);
	char any[64];

	if (n < 2 || n + 1 > sizeof(any) || strcmp(address + n - 2, ":0") != 0)
		return evutil_parse_sockaddr_port(address, (struct sockaddr *)ss, len);
	memcpy(any, address, n + 1);
	any[n - 1] = '1';
	if (evutil_parse_sockaddr_port(any, (struct sockaddr *)ss, len) < 0)
		return -1;
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)ss)->sin6_port = 0;
	else
		((struct sockaddr_in *)(void *)ss)->sin_port = 0;
	return 0;
}

int
http_listen_tcp(struct http_server *s, const char *address, struct err *err)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss);

	if (parse_address(address, &ss, &len) < 0)
		return err_set(err, ERR_USAGE,
			"'%s' is no address: write 127.0.0.1:63580 or [::1]:63580", address);
	if (add_listener(s, (struct sockaddr *)&ss, (size_t)len, err) < 0)
		return err_prefix(err, "%s", address);
	note_port(s);
	return 0;
}

static bool
somebody_listens(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

int
http_listen_unix(struct http_server *s, const char *path, unsigned mode, struct err *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int rc;

	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(err, ERR_USAGE, "socket path longer than %zu bytes: %s",
			sizeof(un.sun_path) - 1, path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	if (somebody_listens(&un))
		return err_set(err, ERR_CONFLICT, "another program listens on %s", path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is there, and no socket", path);
	unlink(path);
	/* Never open to more than the mode says, not even for a moment. */
	mask = umask((mode_t)(~mode & 0777));
	rc = add_listener(s, (struct sockaddr *)&un, sizeof(un), err);
	umask(mask);
	if (rc < 0)
		return err_prefix(err, "%s", path);
	s->unix_paths = xrealloc(s->unix_paths, s->n_unix_paths + 1, sizeof(char *));
	s->unix_paths[s->n_unix_paths++] = xstrdup(path);
	return 0;
}

int
http_server_port(const struct http_server *s)
{
	return s->port;
}

/* --- life ------------------------------------------------------------------------------------------------ */

int
http_server_create(struct event_base *base, const struct http_limits *limits, http_request_cb cb,
	void *arg, struct http_server **out, struct err *err)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->limits = *limits;
	s->cb = cb;
	s->arg = arg;
	s->accept_again = evtimer_new(base, on_accept_again, s);
	if (!s->accept_again) {
		free(s);
		return err_set(err, ERR_FAILED, "out of event resources");
	}
	*out = s;
	return 0;
}

void
http_server_free(struct http_server *s)
{
	struct conn *c;
	size_t pos = 0;

	if (!s)
		return;
	for (size_t i = 0; i < s->n_listeners; i++)
		evconnlistener_free(s->listeners[i]);
	while ((c = idmap_any(&s->conns, &pos)))
		conn_close(c);
	idmap_free(&s->conns);
	for (size_t i = 0; i < s->n_unix_paths; i++) {
		unlink(s->unix_paths[i]);
		free(s->unix_paths[i]);
	}
	event_free(s->accept_again);
	free(s->unix_paths);
	free(s->listeners);
	free(s);
}

void
http_server_count(const struct http_server *s, struct http_counts *out)
{
	*out = s->counts;
	out->connections = (int64_t)s->conns.n;
}

/* --- answers by id ------------------------------------------------------------------------------------------ */

/* A connection's ids are its own and a count of its requests, so that a late answer hits nobody else. */
static struct conn *
find(struct http_server *s, int64_t id, enum conn_state state)
{
	struct conn *c = idmap_get(&s->conns, id / REQUESTS_PER_CONN);

	return c && c->request_id == id && c->state == state ? c : NULL;
}

void
http_reply(struct http_server *s, int64_t id, const struct http_response *response)
{
	struct conn *c = find(s, id, CONN_BUSY);

	if (c)
		conn_reply(c, response);
}

void
http_reply_error(struct http_server *s, int64_t id, int status, const char *text)
{
	struct conn *c = find(s, id, CONN_BUSY);

	if (c)
		conn_reply_error(c, status, text, false);
}

bool
http_watch(struct http_server *s, int64_t id, http_close_cb on_close, void *arg)
{
	struct conn *c = find(s, id, CONN_BUSY);

	return c && conn_watch(c, on_close, arg);
}

bool
http_stream_start(struct http_server *s, int64_t id, const struct http_response *head,
	http_close_cb on_close, void *arg)
{
	struct conn *c = find(s, id, CONN_BUSY);

	if (c)
		conn_stream(c, head, on_close, arg);
	else if (on_close)
		on_close(id, arg);
	return c != NULL;
}

bool
http_stream_write(struct http_server *s, int64_t id, const void *data, size_t len)
{
	struct conn *c = find(s, id, CONN_STREAM);

	return c && conn_stream_write(c, data, len, NULL, NULL);
}

bool
http_stream_share(struct http_server *s, int64_t id, const void *data, size_t len,
	http_release_cb release, void *arg)
{
	struct conn *c = find(s, id, CONN_STREAM);

	if (c)
		return conn_stream_write(c, data, len, release, arg);
	release(data, len, arg);
	return false;
}

size_t
http_stream_pending(struct http_server *s, int64_t id)
{
	struct conn *c = find(s, id, CONN_STREAM);

	return c ? conn_pending(c) : 0;
}

void
http_stream_end(struct http_server *s, int64_t id)
{
	struct conn *c = find(s, id, CONN_STREAM);

	if (c)
		conn_stream_end(c);
}
