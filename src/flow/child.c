#include "flow/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define LINE_SIZE 8192 /* a longer line is said in pieces */
#define LAST_LINES 3 /* of standard error, for the error */
#define LAST_WIDTH 160 /* bytes of each */
#define LOOK_MS 100 /* between looks at what no descriptor announces */
#define LOOK_BLIND_MS 10 /* the same where the kernel has no pidfds */
#define DRAIN_MAX (1024 * 1024) /* bytes that are read after the end */

/* Holds the group's number until it is waited for, and hears the end of this process as the end of its input. */
static const char guard_script[] = "trap '' TERM INT HUP QUIT; read -r x; kill -KILL 0";

/* A limit that is set once it runs would come too late for its first steps. */
static const char limit_script[] = "ulimit -v \"$0\" && exec \"$@\"";

struct stream {
	int fd;
	char line[LINE_SIZE];
	size_t len;
	bool is_error;
};

struct child {
	const struct child_options *options;
	pid_t guard, pid;
	int lifeline; /* the guard's input */
	int pidfd;
	struct stream streams[2];
	char last[LAST_LINES][LAST_WIDTH];
	unsigned n_last;
	struct boottime end_at, kill_at;
	bool is_ending, timed_out, told;
	int status;
};

/* --- starting --------------------------------------------------------------------------------------------- */

static size_t
name_len(const char *variable)
{
	return strcspn(variable, "=");
}

static bool
is_replaced(const char *variable, const char *const *by)
{
	size_t len = name_len(variable);

	for (; by != NULL && *by != NULL; by++)
		if (name_len(*by) == len && strncmp(*by, variable, len) == 0)
			return true;
	return false;
}

/* Owned by the caller, its texts borrowed. */
static char **
make_environment(const char *const *more)
{
	size_t n = 0, n_more = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	while (more != NULL && more[n_more] != NULL)
		n_more++;
	env = xcalloc(n + n_more + 1, sizeof(*env));
	n = 0;
	for (char **e = environ; *e != NULL; e++)
		if (!is_replaced(*e, more))
			env[n++] = *e;
	for (size_t i = 0; i < n_more; i++)
		if (strchr(more[i], '=') != NULL)
			env[n++] = (char *)more[i];
	return env;
}

/* Owned by the caller, its texts borrowed. */
static const char **
limit_memory(const char *const *argv, const char *kib)
{
	const char *const shell[] = {"/bin/sh", "-c", limit_script, kib};
	size_t n = 0;
	const char **limited;

	while (argv[n] != NULL)
		n++;
	limited = xcalloc(ARRAY_LEN(shell) + n + 1, sizeof(*limited));
	memcpy(limited, shell, sizeof(shell));
	memcpy(limited + ARRAY_LEN(shell), argv, n * sizeof(*argv));
	return limited;
}

struct spawn {
	const char *const *argv;
	char **env;
	int fds[3]; /* become 0, 1 and 2 */
	pid_t group; /* 0: a new one */
};

static int
spawn(const struct spawn *s, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	/* Whatever a library has left open is nothing for it. */
	syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, s->fds[i], i);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, s->group);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	rc = posix_spawnp(pid, s->argv[0], &actions, &attributes, (char *const *)s->argv, s->env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
start_guard(struct child *c, struct err *err)
{
	const char *const argv[] = {"/bin/sh", "-c", guard_script, NULL};
	struct spawn s = {.argv = argv, .env = environ};
	int line[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;

	if (null < 0 || pipe2(line, O_CLOEXEC) < 0) {
		rc = errno;
		close_fd(&null);
		return err_errno(err, rc, "start");
	}
	s.fds[0] = line[0];
	s.fds[1] = s.fds[2] = null;
	rc = spawn(&s, &c->guard);
	close(line[0]);
	close(null);
	c->lifeline = line[1];
	return rc == 0 ? 0 : err_errno(err, rc, "start /bin/sh");
}

/* Where standard output goes, or input comes from. */
static int
open_file(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	return fd;
}

/* The stream keeps one end; the other is for the program. */
static int
open_stream(struct stream *stream, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	stream->fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return ends[1];
}

static int
open_all(struct child *c, int fds[3], struct err *err)
{
	const struct child_options *o = c->options;

	fds[0] = open_file(o->stdin_path != NULL ? o->stdin_path : "/dev/null", O_RDONLY, err);
	if (fds[0] < 0)
		return -1;
	fds[1] = o->stdout_path != NULL
		? open_file(o->stdout_path, O_WRONLY | O_CREAT | O_TRUNC, err)
		: open_stream(&c->streams[0], err);
	if (fds[1] < 0)
		return -1;
	fds[2] = open_stream(&c->streams[1], err);
	return fds[2] < 0 ? -1 : 0;
}

static int
start_program(struct child *c, struct err *err)
{
	struct spawn s = {.argv = c->options->argv, .fds = {-1, -1, -1}, .group = c->guard};
	const char **limited = NULL;
	char kib[32];
	int rc;

	if (c->options->memory_max_bytes > 0) {
		snprintf(kib, sizeof(kib), "%" PRId64, c->options->memory_max_bytes / 1024);
		s.argv = limited = limit_memory(s.argv, kib);
	}
	if (open_all(c, s.fds, err) < 0) {
		rc = -1;
	} else {
		s.env = make_environment(c->options->env);
		rc = spawn(&s, &c->pid);
		free(s.env);
		if (rc != 0)
			rc = err_errno(err, rc, "%s", s.argv[0]);
	}
	free(limited);
	for (int i = 0; i < 3; i++)
		close_fd(&s.fds[i]);
	if (rc < 0)
		return -1;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return 0;
}

/* --- what it writes --------------------------------------------------------------------------------------- */

static void
keep_last(struct child *c, const char *line)
{
	if (*line != '\0')
		text_copy(c->last[c->n_last++ % LAST_LINES], LAST_WIDTH, line);
}

static void
end_line(struct child *c, struct stream *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->line[i] == '\0')
			s->line[i] = '?';
	if (s->len > 0 && s->line[s->len - 1] == '\r')
		s->len--;
	s->line[s->len] = '\0';
	s->len = 0;
	if (s->is_error)
		keep_last(c, s->line);
	c->options->say(c->options->arg, s->line);
}

static void
take_bytes(struct child *c, struct stream *s, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n' || s->len == LINE_SIZE - 1)
			end_line(c, s);
		if (data[i] != '\n')
			s->line[s->len++] = data[i];
	}
}

/* Once, so that a program that never stops talking keeps nobody from looking at the clock. Returns how much came. */
static size_t
read_stream(struct child *c, struct stream *s)
{
	char data[LINE_SIZE];
	ssize_t n;

	if (s->fd < 0)
		return 0;
	n = read(s->fd, data, sizeof(data));
	if (n > 0)
		take_bytes(c, s, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(&s->fd);
	return n > 0 ? (size_t)n : 0;
}

/* What is still in the pipes; who left the group and holds them open is not waited for. */
static void
drain(struct child *c)
{
	for (size_t i = 0; i < ARRAY_LEN(c->streams); i++) {
		struct stream *s = &c->streams[i];
		size_t n, total = 0;

		while (total < DRAIN_MAX && (n = read_stream(c, s)) > 0)
			total += n;
		if (s->len > 0)
			end_line(c, s);
		close_fd(&s->fd);
	}
}

/* --- to its end ------------------------------------------------------------------------------------------- */

/* It may have left the group that it began in. */
static void
signal_child(const struct child *c, int sig)
{
	kill(-c->guard, sig);
	kill(c->pid, sig);
	if (sig == SIGTERM) {
		kill(-c->guard, SIGCONT); /* what is stopped could not hear it */
		kill(c->pid, SIGCONT);
	}
}

static void
begin_ending(struct child *c, struct boottime now)
{
	int64_t grace_ms = c->options->grace_ms > 0 ? c->options->grace_ms : CHILD_GRACE_MS;

	c->is_ending = true;
	c->kill_at = boottime_add(now, grace_ms * US_PER_MS);
	signal_child(c, SIGTERM);
}

static void
look_at_clock(struct child *c)
{
	const struct child_options *o = c->options;
	struct boottime now = clock_boot(&clock_real);

	if (!c->told && o->is_told_to_end != NULL && o->is_told_to_end(o->arg))
		c->told = true;
	if (!c->timed_out && o->timeout_ms > 0 && boottime_diff(now, c->end_at) >= 0)
		c->timed_out = true;
	if (!c->is_ending && (c->told || c->timed_out))
		begin_ending(c, now);
	else if (c->is_ending && boottime_diff(now, c->kill_at) >= 0)
		signal_child(c, SIGKILL);
}

static void
supervise(struct child *c)
{
	while (waitpid(c->pid, &c->status, WNOHANG) != c->pid) {
		struct pollfd fds[] = {
			{.fd = c->streams[0].fd, .events = POLLIN},
			{.fd = c->streams[1].fd, .events = POLLIN},
			{.fd = c->pidfd, .events = POLLIN},
		};

		look_at_clock(c);
		if (poll(fds, ARRAY_LEN(fds), c->pidfd >= 0 ? LOOK_MS : LOOK_BLIND_MS) <= 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(c->streams); i++)
			if (fds[i].revents != 0)
				read_stream(c, &c->streams[i]);
	}
}

/* The guard is in the group too, and holds its number for as long as it is not waited for. */
static void
end_group(struct child *c)
{
	if (c->guard > 0) {
		kill(-c->guard, SIGKILL);
		waitpid(c->guard, NULL, 0);
	}
	close_fd(&c->lifeline);
	close_fd(&c->pidfd);
}

/* ": its last lines" */
static void
add_last(const struct child *c, struct buf *b)
{
	unsigned first = c->n_last > LAST_LINES ? c->n_last - LAST_LINES : 0;

	for (unsigned i = first; i < c->n_last; i++)
		buf_printf(b, "%s%s", i == first ? ": " : " / ", c->last[i % LAST_LINES]);
}

static int
explain(const struct child *c, struct err *err)
{
	char time[32], size[32];
	struct buf last;

	if (c->told)
		return err_set(err, ERR_FAILED, "interrupted");
	if (!c->timed_out && WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0)
		return 0;
	buf_init(&last, sizeof(err->text));
	add_last(c, &last);
	duration_format_ms(c->options->timeout_ms, time, sizeof(time));
	if (c->timed_out)
		err_set(err, ERR_FAILED, "it was ended because it took longer than %s%s", time,
			buf_str(&last));
	else if (WIFSIGNALED(c->status))
		err_set(err, ERR_FAILED, "it was killed by signal %d (%s)%s", WTERMSIG(c->status),
			strsignal(WTERMSIG(c->status)), buf_str(&last));
	else
		err_set(err, ERR_FAILED, "it exited with %d%s", WEXITSTATUS(c->status),
			buf_str(&last));
	buf_free(&last);
	if (c->options->memory_max_bytes > 0 && !c->timed_out)
		err_prefix(err, "with at most %s of memory",
			size_format(c->options->memory_max_bytes, size, sizeof(size)));
	return -1;
}

int
child_run(const struct child_options *options, struct err *err)
{
	struct child *c = xcalloc(1, sizeof(*c));
	int rc = -1;

	signal(SIGCHLD, SIG_DFL); /* where it is ignored, there is nothing to wait for */
	c->options = options;
	c->lifeline = c->pidfd = c->streams[0].fd = c->streams[1].fd = -1;
	c->streams[1].is_error = true;
	c->end_at = boottime_add(clock_boot(&clock_real), options->timeout_ms * US_PER_MS);
	if (start_guard(c, err) == 0 && start_program(c, err) == 0) {
		supervise(c);
		end_group(c);
		drain(c);
		rc = explain(c, err);
	} else {
		end_group(c);
		for (size_t i = 0; i < ARRAY_LEN(c->streams); i++)
			close_fd(&c->streams[i].fd);
	}
	free(c);
	return rc;
}
