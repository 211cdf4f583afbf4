/* Bytes into a connection, in pieces: the first byte says how large. What comes out must be answers. */
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/http/conn.h"
#include "fuzz.h"

#define ROUNDS_MAX 20000

static struct event_base *base;
static struct http_server *server;

static void
on_request(struct http_request *r, void *arg)
{
	(void)arg;
	assert(strlen(r->path) <= strlen(r->target));
	assert(r->body && r->body[r->body_len] == '\0');
	for (size_t i = 0; i < r->n_headers; i++)
		assert(r->headers[i].name && r->headers[i].value);
	if (r->path[0] == '/' && r->path[1] == 'e')
		http_reply_error(server, r->id, 404, "Not Found");
	else
		http_reply(server, r->id,
			&(struct http_response){
				.status = 200, .body = r->body, .body_len = r->body_len});
	http_request_free(r);
}

static void
start(void)
{
	struct http_limits limits = http_limits_default;
	struct err err = ERR_INIT;

	limits.head_max = 512;
	limits.line_max = 128;
	limits.body_max = 512;
	base = event_base_new();
	assert(http_server_create(base, &limits, on_request, NULL, &server, &err) == 0);
}

/* Reads what is there; false at the end. first: the first bytes ever read are kept there. */
static bool
drain(int fd, char first[9], size_t *n_first)
{
	char block[4096];
	ssize_t n;

	event_base_loop(base, EVLOOP_NONBLOCK);
	while ((n = recv(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n && *n_first < 8; i++)
			first[(*n_first)++] = block[i];
	return n != 0;
}

int
FUZZ_TARGET(conn)(const uint8_t *data, size_t size)
{
	struct http_counts counts;
	char first[9] = "";
	size_t piece, n_first = 0;
	int fd[2];

	if (!base)
		start();
	if (size == 0)
		return 0;
	piece = data[0] ? data[0] : size;
	data++;
	size--;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	conn_accept(server, fd[0], "127.0.0.1", false);
	while (size > 0) {
		size_t want = size < piece ? size : piece;
		ssize_t n = send(fd[1], data, want, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (!drain(fd[1], first, &n_first) || (n < 0 && n_first > 0))
			break;
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	shutdown(fd[1], SHUT_WR);
	for (int i = 0; i < 3 && drain(fd[1], first, &n_first); i++)
		continue;
	assert(n_first < 8 || !memcmp(first, "HTTP/1.1", 8));
	close(fd[1]);
	/* The connection goes when the client has gone, whatever it said. */
	for (int i = 0; i < ROUNDS_MAX; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		http_server_count(server, &counts);
		if (counts.connections == 0)
			return 0;
		usleep(100);
	}
	abort();
}
