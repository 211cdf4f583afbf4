/*
 * flowfile-shim: the supervisor of one run. Design section 8.
 *
 * It is started by the runner in a session of its own with every signal blocked, learns on
 * descriptor 3 what to run (runner/wire.h), makes the flow's process, and says that it is ready.
 * Only the word "go" lets the process become the flow; if the daemon goes away before it, nothing
 * runs.
 *
 * From then on it needs the daemon no more. It waits until the flow's process and its whole process
 * group are gone, holds the log's cap, turns SIGTERM (ours and that of Flowfile's own cancel) into
 * the end of the flow and everything it started, and as its last act writes the exit file.
 *
 * What must hold:
 *   - the mark "started" is made before the flow's first instruction, so that a run without it has
 *     certainly not run;
 *   - no signal is sent to the group after it was seen empty: its number may be somebody else's;
 *   - other runs that were started out of this one are left alone (proc_tree_find()).
 *
 * It is small and linked statically where that works, because every run pays for its start: no
 * event loop, no threads, no allocation that matters.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "runner/command.h"
#include "runner/exitfile.h"
#include "runner/proc.h"
#include "runner/runlog.h"
#include "runner/wire.h"

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127
#define KILL_AGAIN_MS 200 /* between rounds of KILL while something is left */
#define LINGER_FIRST_MS 10 /* between looks at a group that outlives its leader */
#define LINGER_MAX_MS 1000

struct shim {
	struct wire_launch launch;
	struct exit_record record;
	struct runlog log;
	char **argv; /* what the flow's process becomes; owned unless it is the launch's */
	char *program; /* owned */
	int control; /* to the runner; nobody may be at its other end any more */
	int signals;
	int gate; /* to the flow's process: a byte lets it go; struct gate_failure comes back */

	bool leader_gone;
	int status; /* of the leader */
	bool group_gone;
	bool childless;
	bool lingering; /* the leader is gone and its group is not */
	struct boottime started, kill_at, look_at;
	bool must_kill, must_look;
};

/* What keeps the flow's process from becoming the flow. */
struct gate_failure {
	int marking; /* it could not make its mark; else it could not execute */
	int why; /* errno */
};

static char packet[WIRE_LAUNCH_MAX];

static pid_t
flow_pid(const struct shim *s)
{
	return s->record.flow.pid;
}

/* ---- before go -------------------------------------------------------------------------- */

static int
receive_launch(struct shim *s, struct err *err)
{
	ssize_t n;

	do {
		n = recv(s->control, packet, sizeof(packet), 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(err, ERR_FAILED, "no launch came");
	return wire_launch_unpack(packet, (size_t)n, &s->launch, err);
}

/*
 * Our own stdout and stderr become the log as well: a daemon's terminal or pipe must not be held
 * open by us, and the flow inherits them. Standard input stays what the daemon's is (contract 3.2).
 */
static int
take_log(struct shim *s, struct err *err)
{
	int fd = runlog_open(s->launch.log_path, err);

	if (fd < 0)
		return -1;
	if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return err_errno(err, errno, "run log %s", s->launch.log_path);
	if (fd == STDIN_FILENO) /* the daemon had none */
		(void)!dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	else if (fd > STDERR_FILENO)
		close(fd);
	runlog_init(&s->log, STDOUT_FILENO, s->launch.log_max_bytes);
	return 0;
}

/* After PATH and the working folder are the flow's. */
static int
choose_command(struct shim *s, struct err *err)
{
	const char *const *words = (const char *const *)s->launch.argv;

	if (s->launch.flow_path != NULL)
		s->argv = command_fill(words, s->launch.flow_path, s->launch.run_id, err);
	else
		s->argv = s->launch.argv;
	if (s->argv == NULL)
		return -1;
	s->program = command_resolve(s->argv[0], err);
	return s->program != NULL ? 0 : -1;
}

static int
prepare(struct shim *s, struct err *err)
{
	/* Ids are used again after the newest runs were deleted. */
	exit_files_remove(s->launch.state_dir, s->launch.run_id, s->launch.attempt);
	if (take_log(s, err) < 0)
		return -1;
	if (s->launch.cwd != NULL && chdir(s->launch.cwd) < 0)
		return err_errno(err, errno, "working folder %s", s->launch.cwd);
	for (char **env = s->launch.env; *env != NULL; env++)
		if (putenv(*env) != 0)
			return err_errno(err, errno, "environment");
	return choose_command(s, err);
}

/*
 * The flow's process up to its exec. Nothing of ours may stay open in it but the gate. It makes the
 * mark itself, as the last thing that can be known not to have happened: without it, nobody would
 * know that it ran, and so it must not.
 */
static _Noreturn void
become_flow(const struct shim *s, int gate)
{
	struct gate_failure failure = {.marking = true};
	sigset_t none;
	char go;

	close(s->gate); /* or the end of the shim would not be heard */
	close(s->control);
	setsid();
	if (read(gate, &go, 1) != 1)
		_exit(EXIT_CANNOT_EXECUTE);
	if (started_mark(s->launch.state_dir, s->launch.run_id, s->launch.attempt) == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(s->program, s->argv);
		failure.marking = false;
	}
	failure.why = errno;
	(void)!write(gate, &failure, sizeof(failure));
	_exit(!failure.marking && failure.why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

static int
make_flow(struct shim *s, struct err *err)
{
	sigset_t watched;
	int gate[2];
	pid_t pid;

	sigemptyset(&watched);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGCHLD);
	s->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0)
		return err_errno(err, errno, "supervise");
	s->gate = gate[0];
	pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0)
		become_flow(s, gate[1]);
	close(gate[1]);
	if (!proc_identify(pid, &s->record.flow) || !proc_identify(getpid(), &s->record.shim)) {
		kill(pid, SIGKILL);
		return err_set(err, ERR_FAILED, "cannot read /proc");
	}
	return 0;
}

/* What the runner hears is said in the log as well, where the user looks. */
static void
report_failure(struct shim *s, const struct err *err)
{
	char line[sizeof(s->record.exit.reason) + 128];

	exit_set_reason(&s->record.exit, "%s", err->text);
	if (s->log.append_fd == STDOUT_FILENO) {
		snprintf(line, sizeof(line),
			"[flowfile_scheduler] run %" PRId64 " could not be started: %s",
			s->launch.run_id, s->record.exit.reason);
		runlog_finish(&s->log, line);
	}
	wire_reply_send(s->control, WIRE_FAILED, &s->record);
}

/* ---- the run ---------------------------------------------------------------------------- */

/* Collects every dead child; keeps the leader's status. */
static void
reap(struct shim *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == flow_pid(s)) {
			s->leader_gone = true;
			s->status = status;
		}
	}
	s->childless = pid < 0 && errno == ECHILD;
}

/*
 * Whether the flow's process group is empty. Members that are children of ours announce their end,
 * but not that they leave for a session of their own, as every daemon does; and one whose parent
 * lives elsewhere announces nothing. Hence a look now and then, as long as something is left.
 */
static bool
group_is_gone(struct shim *s)
{
	siginfo_t info;

	s->lingering = false;
	if (kill(-flow_pid(s), 0) < 0 && errno == ESRCH)
		return true;
	s->lingering = waitid(P_PGID, (id_t)flow_pid(s), &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
		proc_group_alive(flow_pid(s));
	return !s->lingering;
}

static size_t
find_tree(const struct shim *s, struct proc_id **tree)
{
	const struct proc_tree what = {
		.root = getpid(),
		.session = flow_pid(s),
		.run_id = s->launch.run_id,
		.skip_group = true,
	};

	return proc_tree_find(&what, tree);
}

static bool
tree_is_gone(const struct shim *s)
{
	struct proc_id *tree;
	size_t n = s->childless ? 0 : find_tree(s, &tree);

	if (n > 0)
		free(tree);
	return n == 0;
}

/* The run holds its place until its group is empty; a cancelled one also until everything that made
 * itself a session of its own is gone. */
static bool
is_over(struct shim *s)
{
	if (!s->leader_gone)
		return false;
	s->group_gone = s->group_gone || group_is_gone(s);
	return s->group_gone && (!s->record.exit.cancelled || tree_is_gone(s));
}

static void
signal_run(struct shim *s, int sig)
{
	struct proc_id *tree;
	size_t n;

	/* Right after go the process may not yet have made its session. */
	if (!s->group_gone && kill(-flow_pid(s), sig) < 0 && errno == ESRCH && !s->leader_gone)
		kill(flow_pid(s), sig);
	if (!s->group_gone && sig == SIGTERM)
		kill(-flow_pid(s), SIGCONT); /* what is stopped could not hear it */
	n = find_tree(s, &tree);
	for (size_t i = 0; i < n; i++) {
		proc_signal(&tree[i], sig);
		if (sig == SIGTERM)
			proc_signal(&tree[i], SIGCONT);
	}
	free(tree);
}

static void
kill_run(struct shim *s)
{
	s->record.exit.killed = true;
	signal_run(s, SIGKILL);
	s->must_kill = true;
	s->kill_at = boottime_add(clock_boot(&clock_real), KILL_AGAIN_MS * US_PER_MS);
}

/* The first word asks, the second does not. */
static void
cancel_run(struct shim *s)
{
	if (s->record.exit.cancelled) {
		kill_run(s);
		return;
	}
	s->record.exit.cancelled = true;
	signal_run(s, SIGTERM);
	s->must_kill = true;
	s->kill_at = boottime_add(clock_boot(&clock_real), s->launch.grace_ms * US_PER_MS);
}

/* How often we were asked to end since the last call. */
static int
read_signals(const struct shim *s)
{
	struct signalfd_siginfo info;
	int asked = 0;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		asked += info.ssi_signo != SIGCHLD;
	return asked;
}

static int
ms_until(struct boottime then, struct boottime now)
{
	int64_t us = boottime_diff(then, now);

	if (us <= 0)
		return 0;
	return us / US_PER_MS < INT32_MAX ? (int)(us / US_PER_MS) + 1 : INT32_MAX;
}

/* The shorter of two waits, of which -1 is for ever. */
static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void
wait_for_something(const struct shim *s, int timeout)
{
	struct pollfd fd = {.fd = s->signals, .events = POLLIN};
	struct boottime now = clock_boot(&clock_real);

	if (s->must_kill)
		timeout = sooner(timeout, ms_until(s->kill_at, now));
	if (s->must_look)
		timeout = sooner(timeout, ms_until(s->look_at, now));
	poll(&fd, 1, timeout);
}

static void
watch_log(struct shim *s)
{
	int ms = runlog_watch(&s->log);

	s->must_look = ms >= 0;
	if (ms >= 0)
		s->look_at = boottime_add(clock_boot(&clock_real), ms * US_PER_MS);
}

static void
supervise(struct shim *s)
{
	int linger = LINGER_FIRST_MS;
	struct boottime now;

	watch_log(s);
	while (!is_over(s)) {
		wait_for_something(s, s->lingering ? linger : -1);
		if (s->lingering)
			linger = linger < LINGER_MAX_MS / 2 ? linger * 2 : LINGER_MAX_MS;
		for (int n = read_signals(s); n > 0; n--)
			cancel_run(s);
		reap(s);
		now = clock_boot(&clock_real);
		if (s->must_kill && boottime_diff(s->kill_at, now) <= 0 && !is_over(s))
			kill_run(s);
		if (s->must_look && boottime_diff(s->look_at, now) <= 0)
			watch_log(s);
	}
}

/* ---- the end ---------------------------------------------------------------------------- */

#define FIRST_LINE_MAX 128

/* The interpreter that a script's first line names; NULL when it is no script. *crlf: the line ends as on Windows,
 * and the kernel takes the CR for a part of the name. */
static const char *
read_interpreter(const char *program, char line[FIRST_LINE_MAX], bool *crlf)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, FIRST_LINE_MAX - 1) : -1;
	char *name;
	size_t len;

	*crlf = false;
	if (fd >= 0)
		close(fd);
	if (n <= 2 || strncmp(line, "#!", 2) != 0)
		return NULL;
	line[n] = '\0';
	len = strcspn(line, "\n");
	*crlf = line[len] == '\n' && line[len - 1] == '\r';
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\r\n")] = '\0';
	return name;
}

static void
say_crlf(struct shim *s)
{
	exit_set_reason(&s->record.exit,
		"the first line of %s ends with CR LF, as on Windows: save it with LF alone",
		s->program);
}

/* A script whose first line names an interpreter that is not there gives the error of the script. */
static void
explain_exec_failure(struct shim *s, int why)
{
	char line[FIRST_LINE_MAX], buf[64], *text = strerror_r(why, buf, sizeof(buf));
	const char *name;
	bool crlf;

	name = read_interpreter(s->program, line, &crlf);
	if (why == ENOENT && crlf)
		say_crlf(s);
	else if (why == ENOENT && name != NULL)
		exit_set_reason(&s->record.exit, "cannot execute %s: its interpreter %s: %s",
			s->program, name, text);
	else
		exit_set_reason(&s->record.exit, "cannot execute %s: %s%s", s->program, text,
			why == ENOEXEC ? " (a script begins with #! and its interpreter)" : "");
}

/* Why the flow's process did not become the flow. */
static void
record_failure(struct shim *s, const struct gate_failure *failure)
{
	char text[64];

	s->record.exit.started_us = TIME_NONE;
	if (failure->marking)
		exit_set_reason(&s->record.exit, "cannot note its start in %s: %s",
			s->launch.state_dir, strerror_r(failure->why, text, sizeof(text)));
	else
		explain_exec_failure(s, failure->why);
}

/* What a plain exit code would leave to the log: a file that is gone or is no program any more, which the command
 * that runs flow files failed on, and `#!/usr/bin/env` of a script from Windows. */
static void
explain_failure(struct shim *s)
{
	const char *path = s->launch.flow_path;
	char line[FIRST_LINE_MAX];
	bool crlf;

	if (path != NULL && access(path, F_OK) < 0 && errno == ENOENT)
		exit_set_reason(&s->record.exit, "there is no flow file %s", path);
	else if (path != NULL && !command_is_direct(path) && !command_is_flow_file(path) &&
		strcmp(path_basename(s->program), "flowfile") == 0)
		exit_set_reason(&s->record.exit, "the flow file %s is not executable", path);
	else if (s->record.exit.code == 127 && read_interpreter(s->program, line, &crlf) != NULL &&
		crlf)
		say_crlf(s);
}

static void
record_status(struct shim *s)
{
	struct run_exit *e = &s->record.exit;
	struct rusage used;
	struct gate_failure failure;
	int64_t at;

	e->known = true;
	e->ended_us = clock_wall(&clock_real);
	if (WIFEXITED(s->status))
		e->code = WEXITSTATUS(s->status);
	else
		e->signal = WTERMSIG(s->status);
	if (recv(s->gate, &failure, sizeof(failure), MSG_DONTWAIT) == (ssize_t)sizeof(failure))
		record_failure(s, &failure);
	else if (e->signal != 0 &&
		started_read(s->launch.state_dir, s->launch.run_id, s->launch.attempt, &at) == 0)
		e->started_us = TIME_NONE; /* killed on the way to its exec */
	else if (e->code > 0)
		explain_failure(s);
	if (getrusage(RUSAGE_CHILDREN, &used) == 0) {
		e->cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * US_PER_SEC +
			used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		e->max_rss_kb = used.ru_maxrss;
	}
}

/* "run 12 ended: exit code 3 after 1.2 s" */
static void
write_last_line(struct shim *s)
{
	const struct run_exit *e = &s->record.exit;
	char how[64], line[sizeof(e->reason) + 192];
	int64_t ms = boottime_diff(clock_boot(&clock_real), s->started) / US_PER_MS;

	if (e->code >= 0)
		snprintf(how, sizeof(how), "exit code %d", e->code);
	else
		snprintf(how, sizeof(how), "signal %d (%s)", e->signal, strsignal(e->signal));
	if (e->started_us == TIME_NONE)
		snprintf(line, sizeof(line),
			"[flowfile_scheduler] run %" PRId64 " could not be started: %s",
			s->launch.run_id,
			e->cancelled           ? "cancelled before its start"
				: e->reason[0] ? e->reason
					       : how);
	else
		snprintf(line, sizeof(line),
			"[flowfile_scheduler] run %" PRId64 " %s: %s after %" PRId64 ".%" PRId64
			" s",
			s->launch.run_id,
			e->killed              ? "cancelled and killed"
				: e->cancelled ? "cancelled"
					       : "ended",
			how, ms / 1000, ms % 1000 / 100);
	runlog_finish(&s->log, line);
}

/* The disk may be full for a while. Whoever waits for us hears it over the socket as well. */
static void
write_exit_file(const struct shim *s)
{
	static const int pauses_ms[] = {0, 100, 400, 1500};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++) {
		if (pauses_ms[i] > 0)
			poll(NULL, 0, pauses_ms[i]);
		if (exit_record_write(s->launch.state_dir, &s->record, &err) == 0)
			return;
	}
	dprintf(STDERR_FILENO, "[flowfile_scheduler] run %" PRId64 ": cannot keep its exit: %s\n",
		s->launch.run_id, err.text);
}

static void
finish(struct shim *s)
{
	record_status(s);
	write_last_line(s);
	write_exit_file(s);
	wire_reply_send(s->control, WIRE_ENDED, &s->record);
}

/* ---- from ready to go ------------------------------------------------------------------- */

/* The status is that of a flow that was cancelled or could not be executed, unless somebody else
 * ended the waiting process. */
static void
end_flow_unstarted(struct shim *s)
{
	if (s->leader_gone)
		return;
	kill(flow_pid(s), SIGKILL);
	waitpid(flow_pid(s), &s->status, 0);
	s->status = s->record.exit.cancelled ? SIGTERM : EXIT_CANNOT_EXECUTE << 8;
	s->leader_gone = s->group_gone = true;
}

enum word { WORD_GO, WORD_LEAVE, WORD_END };

/* What comes first: go; the end of the daemon, or that it does not want the run; a cancel or the
 * death of the waiting process, which end the run before it began. */
static enum word
await_word(struct shim *s)
{
	struct pollfd fds[] = {
		{.fd = s->control, .events = POLLIN},
		{.fd = s->signals, .events = POLLIN},
	};
	char word;

	for (;;) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents != 0) {
			s->record.exit.cancelled = read_signals(s) > 0;
			reap(s);
			if (s->record.exit.cancelled || s->leader_gone)
				return WORD_END;
		}
		if (fds[0].revents != 0)
			return recv(s->control, &word, 1, MSG_DONTWAIT) == 1 && word == WIRE_GO
				? WORD_GO
				: WORD_LEAVE;
	}
}

/*
 * It may have been killed while it waited: then its status says so. What an earlier run of this id left in
 * the log goes only now: before, another attempt of this run may be writing it.
 */
static void
let_go(struct shim *s)
{
	const char go = WIRE_GO;

	(void)!ftruncate(STDOUT_FILENO, 0);
	s->started = clock_boot(&clock_real);
	s->record.exit.started_us = clock_wall(&clock_real);
	(void)!send(s->gate, &go, 1, MSG_NOSIGNAL);
}

static void
run(struct shim *s)
{
	enum word word = await_word(s);

	if (word == WORD_GO) {
		let_go(s);
		supervise(s);
	} else {
		end_flow_unstarted(s);
	}
	if (word != WORD_LEAVE)
		finish(s);
}

static int
serve(struct shim *s)
{
	struct err err = ERR_INIT;

	exit_record_init(&s->record, 0, 0);
	if (receive_launch(s, &err) < 0)
		goto failed;
	s->record.run_id = s->launch.run_id;
	s->record.attempt = s->launch.attempt;
	if (prepare(s, &err) < 0 || make_flow(s, &err) < 0)
		goto failed;
	if (wire_reply_send(s->control, WIRE_READY, &s->record) == 0)
		run(s);
	else
		end_flow_unstarted(s);
	return 0;
failed:
	report_failure(s, &err);
	return 1;
}

int
main(int argc, char **argv)
{
	struct shim s = {.control = WIRE_SHIM_FD, .signals = -1, .gate = -1};
	int rc;

	(void)argv;
	if (argc != 2 || fcntl(s.control, F_SETFD, FD_CLOEXEC) < 0) {
		dprintf(STDERR_FILENO, "flowfile-shim is started by flowfile_scheduler only\n");
		return 2;
	}
	/* Whatever a library left open in the daemon is nothing for us or the flow. */
	syscall(SYS_close_range, s.control + 1, ~0U, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	rc = serve(&s);
	free(s.program);
	if (s.argv != s.launch.argv)
		command_free(s.argv);
	wire_launch_free(&s.launch);
	return rc;
}
