#include "queries.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "runner/proc.h"

#define WAITING_MAX 64
#define GRACE_MS 2000 /* from SIGTERM to SIGKILL */
#define HEAD_MAX 40 /* "200 12345\n" */
#define SETTINGS_MAX (64 * 1024)

enum query_state { QUERY_WAITING, QUERY_RUNNING, QUERY_ENDING };

struct query {
	TAILQ_ENTRY(query) link;
	struct queries *qs;
	enum query_state state;
	int64_t request_id;
	char *question;
	query_cb cb; /* NULL: answered */
	void *arg;
	struct event *deadline;

	/* since it runs */
	struct proc_id id; /* its pid is its group's number, too */
	int pidfd; /* -1: the kernel has none; the end of the answer counts then */
	struct event *on_exit;
	struct bufferevent *bev;
};

TAILQ_HEAD(query_list, query);

struct queries {
	struct event_base *base;
	const struct api_options *options;
	char *settings; /* what every process is told first */
	struct query_list waiting, running; /* running: the ending ones, too */
	int n_waiting, n_running;
	struct event *on_asked;
	bool stopping;
	void (*all_gone)(void *arg);
	void *all_gone_arg;
};

/* --- a query's end --------------------------------------------------------------------------------------- */

static void start_next(struct queries *qs);

static void
set_deadline(struct query *q, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	evtimer_add(q->deadline, &tv);
}

static void
tell(struct query *q, int status, const char *text, size_t len)
{
	const struct query_answer answer = {status, text, len};
	query_cb cb = q->cb;

	q->cb = NULL;
	if (cb)
		cb(&answer, q->arg);
}

static void
tell_error(struct query *q, int status, const char *detail)
{
	tell(q, status, detail, strlen(detail));
}

static void
free_query(struct query *q)
{
	assert(!q->cb);
	if (q->on_exit)
		event_free(q->on_exit);
	if (q->bev)
		bufferevent_free(q->bev);
	if (q->pidfd >= 0)
		close(q->pidfd);
	event_free(q->deadline);
	free(q->question);
	free(q);
}

/* The process has gone, and all that it said is read. */
static void
leave(struct query *q)
{
	struct queries *qs = q->qs;

	TAILQ_REMOVE(&qs->running, q, link);
	qs->n_running--;
	free_query(q);
	if (qs->stopping && qs->n_running == 0)
		qs->all_gone(qs->all_gone_arg);
	start_next(qs);
}

static bool
is_gone(const struct query *q)
{
	return !q->on_exit;
}

/* As long as anybody is in the group, no other process can have its number. */
static void
signal_group(const struct query *q, int sig)
{
	if (q->id.pid > 1 && !proc_is_reused(&q->id))
		kill(-q->id.pid, sig);
}

/* It was answered, by itself or by us. */
static void
end(struct query *q, int sig)
{
	q->state = QUERY_ENDING;
	bufferevent_free(q->bev);
	q->bev = NULL;
	if (sig)
		signal_group(q, sig);
	if (q->pidfd < 0)
		signal_group(q, SIGKILL);
	if (is_gone(q))
		leave(q);
	else
		set_deadline(q, GRACE_MS);
}

static void
on_exit_told(evutil_socket_t fd, short what, void *arg)
{
	struct query *q = arg;
	struct rusage used;
	int status;

	(void)fd;
	(void)what;
	event_free(q->on_exit);
	q->on_exit = NULL;
	/* Whoever it started; none of them may hold on to its answer. */
	signal_group(q, SIGKILL);
	proc_reap(&q->id, &status, &used);
	if (q->state == QUERY_ENDING)
		leave(q);
}

/* --- the answer -------------------------------------------------------------------------------------------- */

/* "200 12345\n" and so many bytes. False: it is not whole. */
static bool
read_answer(struct evbuffer *in, struct query_answer *out)
{
	size_t len = evbuffer_get_length(in), head;
	char line[HEAD_MAX + 1];
	const char *end;
	ev_ssize_t n = evbuffer_copyout(in, line, HEAD_MAX);
	uint64_t wanted;

	line[n > 0 ? n : 0] = '\0';
	end = strchr(line, '\n');
	if (!end || sscanf(line, "%d %" SCNu64, &out->status, &wanted) != 2)
		return false;
	head = (size_t)(end - line) + 1;
	if (wanted != len - head || out->status < 200 || out->status > 599)
		return false;
	out->text = (const char *)evbuffer_pullup(in, -1) + head;
	out->len = wanted;
	return true;
}

static void
on_socket(struct bufferevent *bev, short what, void *arg)
{
	struct query *q = arg;
	struct query_answer answer;

	(void)what;
	if (read_answer(bufferevent_get_input(bev), &answer)) {
		tell(q, answer.status, answer.text, answer.len);
	} else {
		log_warning("A query ended without an answer pid=%d", (int)q->id.pid);
		tell_error(
			q, 502, "The query ended without an answer; it may have run out of memory");
	}
	end(q, 0);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct query *q = arg;

	if (evbuffer_get_length(bufferevent_get_input(bev)) <= QUERY_ANSWER_MAX + HEAD_MAX)
		return;
	tell_error(q, 502, "The query's answer is too large");
	end(q, SIGKILL);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct query *q = arg;
	char detail[160], time[32];

	(void)fd;
	(void)what;
	duration_format_ms(q->qs->options->query_timeout_ms, time, sizeof(time));
	switch (q->state) {
	case QUERY_WAITING:
		snprintf(detail, sizeof(detail),
			"Too many queries are running: there was no place for this one within %s",
			time);
		TAILQ_REMOVE(&q->qs->waiting, q, link);
		q->qs->n_waiting--;
		tell_error(q, 503, detail);
		free_query(q);
		break;
	case QUERY_RUNNING:
		snprintf(detail, sizeof(detail),
			"The query took longer than %s, the limit that query_timeout sets", time);
		tell_error(q, 504, detail);
		end(q, SIGTERM);
		break;
	case QUERY_ENDING:
		signal_group(q, SIGKILL);
		set_deadline(q, GRACE_MS);
		break;
	}
}

/* --- its beginning ------------------------------------------------------------------------------------------- */

/* Our own secrets are no business of what answers queries, nor of the programs of virtual tables. Owned by the caller, its texts borrowed. */
static char **
make_environment(void)
{
	static const char *const secrets[] = {"JWT_SECRET_KEY=", "FLOWFILE_INTERNAL_TOKEN="};
	size_t n = 0, kept = 0;
	char **env;

	while (environ[n])
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	for (char **e = environ; *e; e++)
		if (!text_starts(*e, secrets[0]) && !text_starts(*e, secrets[1]))
			env[kept++] = *e;
	return env;
}

static int
spawn(const char *program, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char name[] = "flowfile", verb[] = "query-child";
	char *argv[] = {name, verb, NULL}, **env = make_environment();
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, program, &actions, &attr, argv, env);
	free(env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* It waits for its question, so that the pid is its own still. */
static void
watch(struct query *q, int fd)
{
	const struct proc_id any = {q->id.pid, 0};

	q->pidfd = proc_pidfd_open(&any);
	(void)proc_identify(q->id.pid, &q->id);
	if (q->pidfd >= 0) {
		q->on_exit = event_new(q->qs->base, q->pidfd, EV_READ, on_exit_told, q);
		assert(q->on_exit);
		event_add(q->on_exit, NULL);
	}
	evutil_make_socket_nonblocking(fd);
	q->bev = bufferevent_socket_new(q->qs->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert(q->bev);
	bufferevent_setcb(q->bev, on_read, NULL, on_socket, q);
	bufferevent_write(q->bev, q->qs->settings, strlen(q->qs->settings));
	bufferevent_write(q->bev, q->question, strlen(q->question));
	bufferevent_write(q->bev, "\n", 1);
	bufferevent_enable(q->bev, EV_READ);
}

static int
start(struct query *q)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	rc = spawn(q->qs->options->query_program, pair[1], &q->id.pid);
	close(pair[1]);
	if (rc != 0) {
		close(pair[0]);
		return rc;
	}
	q->state = QUERY_RUNNING;
	watch(q, pair[0]);
	set_deadline(q, q->qs->options->query_timeout_ms);
	return 0;
}

static void
start_next(struct queries *qs)
{
	struct query *q;
	char detail[512];
	int rc;

	while (qs->n_running < qs->options->queries_max && (q = TAILQ_FIRST(&qs->waiting))) {
		TAILQ_REMOVE(&qs->waiting, q, link);
		qs->n_waiting--;
		rc = start(q);
		if (rc == 0) {
			TAILQ_INSERT_TAIL(&qs->running, q, link);
			qs->n_running++;
			continue;
		}
		snprintf(detail, sizeof(detail),
			"The query engine's program %s cannot be started: %s",
			qs->options->query_program, strerror(rc));
		log_warning("%s", detail);
		tell_error(q, 503, detail);
		free_query(q);
	}
}

/* In a turn of its own, so that nothing is answered while the question is being asked. */
static void
on_asked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_next(arg);
}

bool
queries_ask(struct queries *qs, int64_t request_id, const char *question, query_cb cb, void *arg)
{
	struct query *q;

	if (qs->stopping || qs->n_waiting >= WAITING_MAX)
		return false;
	q = xcalloc(1, sizeof(*q));
	q->qs = qs;
	q->request_id = request_id;
	q->question = xstrdup(question);
	q->cb = cb;
	q->arg = arg;
	q->pidfd = -1;
	q->deadline = evtimer_new(qs->base, on_deadline, q);
	assert(q->deadline);
	set_deadline(q, qs->options->query_timeout_ms);
	TAILQ_INSERT_TAIL(&qs->waiting, q, link);
	qs->n_waiting++;
	event_active(qs->on_asked, EV_TIMEOUT, 0);
	return true;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static struct query *
find(struct query_list *list, int64_t request_id)
{
	struct query *q;

	TAILQ_FOREACH (q, list, link)
		if (q->request_id == request_id && q->cb)
			return q;
	return NULL;
}

void
queries_drop(struct queries *qs, int64_t request_id)
{
	struct query *q = find(&qs->running, request_id);

	if (q) {
		tell(q, 0, "", 0);
		end(q, SIGTERM);
	} else if ((q = find(&qs->waiting, request_id))) {
		TAILQ_REMOVE(&qs->waiting, q, link);
		qs->n_waiting--;
		tell(q, 0, "", 0);
		free_query(q);
	}
}

int
queries_running(const struct queries *qs)
{
	return qs->n_running;
}

int
queries_waiting(const struct queries *qs)
{
	return qs->n_waiting;
}

void
queries_stop(struct queries *qs)
{
	static const char why[] = "The scheduler is stopping";
	struct query *q, *next;

	qs->stopping = true;
	while ((q = TAILQ_FIRST(&qs->waiting))) {
		TAILQ_REMOVE(&qs->waiting, q, link);
		qs->n_waiting--;
		tell_error(q, 503, why);
		free_query(q);
	}
	for (q = TAILQ_FIRST(&qs->running); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->state != QUERY_RUNNING)
			continue;
		tell_error(q, 503, why);
		end(q, SIGTERM);
	}
}

static char *
settings_text(const struct api_options *o)
{
	struct buf text;
	struct json j;

	buf_init(&text, SETTINGS_MAX);
	json_init(&j, &text);
	json_object(&j);
	json_kv_string(&j, "database", o->database);
	json_kv_int(&j, "database_timeout_ms", o->database_timeout_ms);
	json_kv_string(&j, "storage_dir", o->paths.base);
	json_kv_int(&j, "memory", o->query_memory_bytes);
	json_kv_int(&j, "threads", o->engine_threads);
	json_kv_string(&j, "temp_dir", o->engine_temp_dir);
	json_kv_string(&j, "python", o->python);
	json_kv_int(&j, "answer_max", QUERY_ANSWER_MAX);
	json_object_end(&j);
	buf_putc(&text, '\n');
	return buf_take(&text);
}

struct queries *
queries_new(struct event_base *base, const struct api_options *options, void (*all_gone)(void *arg),
	void *arg)
{
	struct queries *qs = xcalloc(1, sizeof(*qs));

	qs->base = base;
	qs->options = options;
	qs->settings = settings_text(options);
	qs->all_gone = all_gone;
	qs->all_gone_arg = arg;
	TAILQ_INIT(&qs->waiting);
	TAILQ_INIT(&qs->running);
	qs->on_asked = event_new(base, -1, 0, on_asked, qs);
	assert(qs->on_asked);
	return qs;
}

void
queries_free(struct queries *qs)
{
	struct query *q;

	if (!qs)
		return;
	queries_stop(qs);
	while ((q = TAILQ_FIRST(&qs->running))) {
		signal_group(q, SIGKILL);
		TAILQ_REMOVE(&qs->running, q, link);
		free_query(q);
	}
	event_free(qs->on_asked);
	free(qs->settings);
	free(qs);
}
