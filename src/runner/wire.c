#include "runner/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#define MAGIC_LAUNCH UINT32_C(0x46464c02) /* the last byte is the version */
#define MAGIC_REPLY UINT32_C(0x46465201)
#define WORDS_MAX 8192

/* A launch packet: this, and then strings, each with its NUL: state_dir, log_path, cwd and flow_path
 * ("" for none), the words of argv, the words of env. */
struct launch_head {
	uint32_t magic;
	int32_t grace_ms;
	int32_t attempt;
	int64_t run_id;
	int64_t log_max_bytes;
	uint32_t argc;
	uint32_t envc;
	uint32_t fill; /* there is a flow_path, which may be "" */
};

static uint32_t
count_words(const char *const *words)
{
	uint32_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	return n;
}

static void
pack_string(struct buf *out, const char *s)
{
	buf_add(out, s, strlen(s) + 1);
}

int
wire_launch_pack(
	const struct launch_spec *spec, const char *state_dir, struct buf *out, struct err *err)
{
	struct launch_head head = {
		.magic = MAGIC_LAUNCH,
		.grace_ms = spec->grace_ms,
		.attempt = spec->attempt,
		.run_id = spec->run_id,
		.log_max_bytes = spec->log_max_bytes,
		.argc = count_words(spec->argv),
		.envc = count_words(spec->env),
		.fill = spec->flow_path != NULL,
	};

	assert(head.argc > 0);
	buf_add(out, &head, sizeof(head));
	pack_string(out, state_dir);
	pack_string(out, spec->log_path);
	pack_string(out, spec->cwd != NULL ? spec->cwd : "");
	pack_string(out, spec->flow_path != NULL ? spec->flow_path : "");
	for (uint32_t i = 0; i < head.argc; i++)
		pack_string(out, spec->argv[i]);
	for (uint32_t i = 0; i < head.envc; i++)
		pack_string(out, spec->env[i]);
	if (buf_failed(out) || head.argc > WORDS_MAX || head.envc > WORDS_MAX)
		return err_set(err, ERR_USAGE,
			"run command: larger than %d bytes with its environment", WIRE_LAUNCH_MAX);
	return 0;
}

/* Takes one string out of [*p, end). NULL when none ends before the end. */
static char *
unpack_string(char **p, const char *end)
{
	char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	if (nul == NULL)
		return NULL;
	*p = nul + 1;
	return s;
}

static char **
unpack_words(char **p, const char *end, uint32_t n)
{
	char **words = xcalloc((size_t)n + 1, sizeof(*words));

	for (uint32_t i = 0; i < n; i++) {
		words[i] = unpack_string(p, end);
		if (words[i] == NULL) {
			free(words);
			return NULL;
		}
	}
	return words;
}

int
wire_launch_unpack(char *data, size_t len, struct wire_launch *launch, struct err *err)
{
	struct launch_head head;
	char *p = data + sizeof(head), *end = data + len;

	memset(launch, 0, sizeof(*launch));
	if (len < sizeof(head))
		goto bad;
	memcpy(&head, data, sizeof(head));
	if (head.magic != MAGIC_LAUNCH || head.argc == 0 || head.argc > WORDS_MAX ||
		head.envc > WORDS_MAX)
		goto bad;
	launch->run_id = head.run_id;
	launch->log_max_bytes = head.log_max_bytes;
	launch->grace_ms = head.grace_ms;
	launch->attempt = head.attempt;
	launch->state_dir = unpack_string(&p, end);
	launch->log_path = launch->state_dir != NULL ? unpack_string(&p, end) : NULL;
	launch->cwd = launch->log_path != NULL ? unpack_string(&p, end) : NULL;
	launch->flow_path = launch->cwd != NULL ? unpack_string(&p, end) : NULL;
	launch->argv = launch->flow_path != NULL ? unpack_words(&p, end, head.argc) : NULL;
	launch->env = launch->argv != NULL ? unpack_words(&p, end, head.envc) : NULL;
	if (launch->env == NULL || p != end)
		goto bad;
	if (launch->cwd[0] == '\0')
		launch->cwd = NULL;
	if (!head.fill)
		launch->flow_path = NULL;
	return 0;
bad:
	wire_launch_free(launch);
	return err_set(err, ERR_FAILED,
		"flowfile-shim is not of the daemon's version: restart the daemon");
}

void
wire_launch_free(struct wire_launch *launch)
{
	free(launch->argv);
	free(launch->env);
	launch->argv = launch->env = NULL;
}

int
wire_reply_send(int fd, enum wire_kind kind, const struct exit_record *record)
{
	struct wire_reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.magic = MAGIC_REPLY;
	reply.kind = kind;
	reply.record = *record;
	return send(fd, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) ==
			(ssize_t)sizeof(reply)
		? 0
		: -1;
}

int
wire_reply_receive(int fd, struct wire_reply *reply)
{
	ssize_t n;

	do {
		n = recv(fd, reply, sizeof(*reply), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -1;
	return n == (ssize_t)sizeof(*reply) && reply->magic == MAGIC_REPLY &&
			memchr(reply->record.exit.reason, '\0',
				sizeof(reply->record.exit.reason)) != NULL
		? 1
		: 0;
}
