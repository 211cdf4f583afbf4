/*
 * The runner and its shim with real processes. The test program is also what the flows run: started
 * with --helper it plays processes that a shell cannot.
 *
 * Every wait is for an event, with a deadline. The runs are checked twice: with pidfds and without.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "runner/exitfile.h"
#include "runner/proc.h"
#include "runner/runlog.h"
#include "runner/runner.h"

#define DEADLINE_MS 20000
#define TICK_US 1000
#define EVENTS_MAX 512
#define RUN 12
#define BURST 200
#define LATE_FLOW "FLOWFILE_TEST_LATE_FLOW"

static const struct runner_ops *const ops = &runner_real;

/* One runner and what it told, in a folder of its own. */
static struct world {
	struct event_base *base;
	struct runner *r;
	char dir[64];
	char *state, *log;
	const char *recorded; /* the state folder as the engine knows it of a run that is adopted */
	struct runner_event events[EVENTS_MAX];
	size_t n_events, n_taken;
	int fds;
	void (*on_event)(const struct runner_event *event);
} w;

static char self[4096];

/* ---- helpers: what the flows do ---------------------------------------------------------- */

static void
write_pid(const char *dir, const char *name, pid_t pid)
{
	char temp[512], path[512];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s/.%s", dir, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(temp, "we");
	if (f == NULL)
		_exit(99);
	fprintf(f, "%d", (int)pid);
	fclose(f);
	rename(temp, path);
}

static void
pause_for_ever(void)
{
	for (;;)
		pause();
}

/* Ignores TERM, and so does its child in a session of its own, and a grandchild in another. */
static void
help_stubborn(const char *dir)
{
	signal(SIGTERM, SIG_IGN);
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			setsid();
			write_pid(dir, "grandchild", getpid());
			pause_for_ever();
		}
		write_pid(dir, "child", getpid());
		pause_for_ever();
	}
	write_pid(dir, "leader", getpid());
	pause_for_ever();
}

/* Leaves a process in the group whose parent is in another session, stays and tells nobody. */
static void
help_foreign(const char *dir)
{
	char fifo[512], byte;
	pid_t child;

	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	if (fork() != 0)
		return;
	child = fork();
	if (child == 0) {
		write_pid(dir, "member", getpid());
		(void)!read(open(fifo, O_RDONLY), &byte, 1);
		write_pid(dir, "done", getpid());
		_exit(0);
	}
	setsid();
	write_pid(dir, "parent", getpid());
	waitpid(child, NULL, 0);
	pause_for_ever();
}

/* Starts a process of another run, as Flowfile's push path does, which starts one of its own. */
static void
help_push(const char *dir)
{
	if (fork() == 0) {
		setsid();
		execl(self, self, "--helper", "pushed", dir, "--run-id=99", NULL);
		_exit(99);
	}
	if (fork() == 0) {
		setsid();
		execl(self, self, "--helper", "pause", dir, "--run-id", "12", NULL);
		_exit(99);
	}
	pause_for_ever();
}

static void
help_pushed(const char *dir)
{
	if (fork() == 0) {
		write_pid(dir, "other-child", getpid());
		pause_for_ever();
	}
	write_pid(dir, "other", getpid());
	pause_for_ever();
}

static void
help_pause(const char *dir)
{
	write_pid(dir, "own", getpid());
	pause_for_ever();
}

/* Leaves a daemon behind: a session of its own, out of the group. */
static void
help_daemon(const char *dir)
{
	if (fork() == 0) {
		setsid();
		write_pid(dir, "daemon", getpid());
		pause_for_ever();
	}
}

/* As a supervisor that makes the flow file before it begins. */
static int
supervise_late_flow(char **argv)
{
	static const char script[] = "#!/bin/sh\necho direct\n";
	const char *path = getenv(LATE_FLOW);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		return 97;
	close(fd);
	execv(SHIM_PATH, argv);
	return 96;
}

static int
run_helper(const char *name, const char *dir)
{
	static const struct {
		const char *name;
		void (*run)(const char *dir);
	} helpers[] = {
		{"stubborn", help_stubborn},
		{"foreign", help_foreign},
		{"push", help_push},
		{"pushed", help_pushed},
		{"pause", help_pause},
		{"daemon", help_daemon},
	};

	for (size_t i = 0; i < ARRAY_LEN(helpers); i++) {
		if (strcmp(name, helpers[i].name) == 0) {
			helpers[i].run(dir);
			return 0;
		}
	}
	return 98;
}

/* ---- the world --------------------------------------------------------------------------- */

static int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
note_event(const struct runner_event *event, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(w.n_events, EVENTS_MAX);
	w.events[w.n_events++] = *event;
	if (w.on_event != NULL)
		w.on_event(event);
}

static void
open_runner_with(struct runner_options options)
{
	struct err err = ERR_INIT;

	if (options.shim_path == NULL)
		options.shim_path = SHIM_PATH;
	options.state_dir = w.state;
	options.grace_ms = 200;
	w.base = event_base_new();
	ck_assert_ptr_nonnull(w.base);
	ck_assert_msg(
		runner_create(w.base, &options, note_event, NULL, &w.r, &err) == 0, "%s", err.text);
}

static void
open_runner(bool without_pidfd)
{
	open_runner_with((struct runner_options){.without_pidfd = without_pidfd});
}

static void
close_runner(void)
{
	runner_free(w.r);
	event_base_free(w.base);
	w.r = NULL;
	w.base = NULL;
}

static void
remove_tree(const char *dir)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
open_world(const char *parent)
{
	memset(&w, 0, sizeof(w));
	snprintf(w.dir, sizeof(w.dir), "%s/ff-runner-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(w.dir));
	w.state = path_join(w.dir, "state");
	w.log = path_join(w.dir, "logs/scheduled_run_12.log");
	w.fds = count_fds();
	/* Also before there is a runner, what a daemon leaves behind falls to us. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

/* What must hold after every test: no descriptor too many and no dead child. */
static void
close_world(void)
{
	siginfo_t info = {.si_pid = 0};
	int rc = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);

	ck_assert_msg(rc < 0 || info.si_pid == 0, "zombie %d is left", (int)info.si_pid);
	if (w.r != NULL)
		close_runner();
	ck_assert_int_eq(count_fds(), w.fds);
	remove_tree(w.dir);
	free(w.state);
	free(w.log);
}

static void
setup(void)
{
	open_world("/tmp");
}

static void
teardown(void)
{
	close_world();
}

/* ---- waiting ----------------------------------------------------------------------------- */

static void
tick(struct boottime *end)
{
	if (end->us == 0)
		*end = boottime_add(clock_boot(&clock_real), DEADLINE_MS * US_PER_MS);
	ck_assert_msg(boottime_diff(*end, clock_boot(&clock_real)) > 0, "waited too long");
	if (w.base != NULL)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	usleep(TICK_US);
}

/* The next event that was not yet taken. */
static const struct runner_event *
next_event(void)
{
	struct boottime end = {0};

	while (w.n_taken == w.n_events)
		tick(&end);
	return &w.events[w.n_taken++];
}

static const struct runner_event *
expect(enum runner_event_type type, int64_t run_id)
{
	const struct runner_event *event = next_event();

	ck_assert_msg(event->type == type, "event %d instead of %d: %s", (int)event->type,
		(int)type, event->exit.reason);
	ck_assert_int_eq(event->run_id, run_id);
	return event;
}

static char *
in_dir(const char *name)
{
	return path_join(w.dir, name);
}

static bool
exists(const char *name)
{
	char *path = in_dir(name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static int
count_entries(const char *name)
{
	char *path = in_dir(name);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	free(path);
	return n;
}

static void
wait_file(const char *name)
{
	struct boottime end = {0};

	while (!exists(name))
		tick(&end);
}

static pid_t
wait_pid_file(const char *name)
{
	char *path = in_dir(name), *text;
	struct err err = ERR_INIT;
	pid_t pid;

	wait_file(name);
	text = file_read(path, 32, NULL, &err);
	ck_assert_msg(text != NULL, "%s", err.text);
	pid = (pid_t)atoi(text);
	free(text);
	free(path);
	return pid;
}

static void
wait_gone(const struct proc_id *id)
{
	struct boottime end = {0};

	while (proc_alive(id))
		tick(&end);
}

static bool
pid_lives(pid_t pid)
{
	struct proc_id id;

	return proc_identify(pid, &id);
}

static void
wait_pid_gone(pid_t pid)
{
	struct boottime end = {0};

	while (pid_lives(pid))
		tick(&end);
}

/* Until its parent has taken its status. */
static void
wait_collected(pid_t pid)
{
	struct boottime end = {0};

	while (kill(pid, 0) == 0)
		tick(&end);
}

static void
wait_no_zombies(void)
{
	struct boottime end = {0};
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		tick(&end);
	}
}

/* ---- launching --------------------------------------------------------------------------- */

static void
launch_argv(int64_t run_id, const char *const *argv, struct launch_spec spec)
{
	struct err err = ERR_INIT;

	spec.run_id = run_id;
	spec.argv = argv;
	if (spec.attempt == 0)
		spec.attempt = 1;
	if (spec.log_path == NULL)
		spec.log_path = w.log;
	if (spec.grace_ms == 0)
		spec.grace_ms = 10000;
	ck_assert_msg(ops->launch(w.r, &spec, &err) == 0, "%s", err.text);
}

static void
launch_shell(int64_t run_id, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	launch_argv(run_id, argv, (struct launch_spec){.cwd = w.dir});
}

static void
launch_helper(const char *name, int grace_ms)
{
	const char *const argv[] = {self, "--helper", name, w.dir, NULL};

	launch_argv(RUN, argv, (struct launch_spec){.cwd = w.dir, .grace_ms = grace_ms});
}

/* Launches, waits until it is ready, lets it go. */
static const struct runner_event *
start_shell(const char *script)
{
	const struct runner_event *ready;

	launch_shell(RUN, script);
	ready = expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	return ready;
}

static const struct runner_event *
start_helper(const char *name, int grace_ms)
{
	const struct runner_event *ready;

	launch_helper(name, grace_ms);
	ready = expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	return ready;
}

static void
make_fifo(void)
{
	char *path = in_dir("fifo");

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	free(path);
}

/* Opens and closes the FIFO that a flow waits on. */
static void
release_fifo(void)
{
	char *path = in_dir("fifo");
	struct boottime end = {0};
	int fd;

	while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		tick(&end);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	free(path);
}

static char *
read_log(void)
{
	struct err err = ERR_INIT;
	char *text = file_read(w.log, 1 << 20, NULL, &err);

	ck_assert_msg(text != NULL, "%s", err.text);
	return text;
}

static bool
log_has(const char *text)
{
	char *log = read_log();
	bool has = strstr(log, text) != NULL;

	free(log);
	return has;
}

static void
write_script(const char *name, const char *text, mode_t mode)
{
	char *path = in_dir(name);
	struct err err = ERR_INIT;

	ck_assert_msg(file_write_atomic(path, text, strlen(text), mode, &err) == 0, "%s", err.text);
	free(path);
}

/* ---- ready, go, end ---------------------------------------------------------------------- */

START_TEST(a_run_ends_with_its_exit_code)
{
	const struct runner_event *ready, *ended;
	struct exit_record stored;
	struct err err = ERR_INIT;
	int64_t before = clock_wall(&clock_real);

	open_runner(_i);
	ready = start_shell("echo hello; exit 3");
	ck_assert_int_gt(ready->shim.pid, 0);
	ck_assert_int_gt(ready->flow.pid, 0);
	ck_assert_uint_gt(ready->shim.start, 0);
	ck_assert_uint_gt(ready->flow.start, 0);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, 3);
	ck_assert_int_eq(ended->exit.signal, 0);
	ck_assert_int_ge(ended->exit.started_us, before);
	ck_assert_int_ge(ended->exit.ended_us, ended->exit.started_us);
	ck_assert_int_ge(ended->exit.cpu_us, 0);
	ck_assert_int_gt(ended->exit.max_rss_kb, 0);
	ck_assert(!ended->exit.cancelled && !ended->exit.killed);
	ck_assert_str_eq(ended->exit.reason, "");
	ck_assert(log_has("hello\n[flowfile_scheduler] run 12 ended: exit code 3 after "));

	ck_assert_int_eq(exit_record_read(w.state, RUN, 1, &stored, &err), 1);
	ck_assert_int_eq(stored.exit.code, 3);
	ck_assert_int_eq(stored.exit.started_us, ended->exit.started_us);
	ops->forget(w.r, RUN, 1, NULL);
	ck_assert_int_eq(exit_record_read(w.state, RUN, 1, &stored, &err), 0);
	ck_assert(!exists("state/12.1.started"));
}
END_TEST

START_TEST(a_run_ends_with_its_signal)
{
	const struct runner_event *ended;

	open_runner(_i);
	start_shell("kill -9 $$");
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, -1);
	ck_assert_int_eq(ended->exit.signal, SIGKILL);
	ck_assert(!ended->exit.cancelled && !ended->exit.killed);
	ck_assert(log_has("run 12 ended: signal 9 (Killed) after "));
}
END_TEST

START_TEST(nothing_runs_before_go)
{
	const struct runner_event *ready;

	open_runner(_i);
	launch_shell(RUN, "touch ran");
	ready = expect(RUNNER_READY, RUN);
	ck_assert(proc_alive(&ready->flow));
	ck_assert(!exists("state/12.1.started"));
	ck_assert(!exists("ran"));
	ops->go(w.r, RUN);
	expect(RUNNER_ENDED, RUN);
	ck_assert(exists("ran"));
}
END_TEST

START_TEST(a_flow_has_a_clean_process)
{
	const char *const env[] = {"FLOWFILE_RUN_ID=12", "WORDS=two words", NULL};
	const char *const argv[] = {"sh", "-c",
		"echo fds $(ls /proc/self/fd | wc -l); echo run $FLOWFILE_RUN_ID, $WORDS;"
		"echo in $(pwd); grep -E 'Sig(Blk|Ign)' /proc/self/status;"
		"echo ids $$ $(ps -o pgid= -o sid= -p $$)",
		NULL};
	const struct runner_event *ended;
	char expected[128];

	open_runner(_i);
	signal(SIGPIPE, SIG_IGN); /* as a daemon does; the flow must not inherit it */
	launch_argv(RUN, argv, (struct launch_spec){.cwd = w.dir, .env = env});
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert_int_eq(ended->exit.code, 0);
	/* 0, 1, 2 and what ls itself opened */
	ck_assert(log_has("fds 4\n"));
	ck_assert(log_has("run 12, two words\n"));
	snprintf(expected, sizeof(expected), "in %s\n", w.dir);
	ck_assert(log_has(expected));
	ck_assert(log_has("SigBlk:\t0000000000000000\n"));
	/* posix_spawn() leaves the C library's own two signals, 32 and 33, ignored. */
	ck_assert(log_has("SigIgn:\t0000000180000000\n") || log_has("SigIgn:\t0000000000000000\n"));
	snprintf(expected, sizeof(expected), "ids %d %d %d\n", (int)ended->flow.pid,
		(int)ended->flow.pid, (int)ended->flow.pid);
	ck_assert(log_has(expected));
}
END_TEST

START_TEST(ps_shows_whose_supervisor_it_is)
{
	const struct runner_event *ready;
	char path[64], *args;
	struct err err = ERR_INIT;
	size_t len;

	open_runner(_i);
	launch_shell(RUN, ":");
	ready = expect(RUNNER_READY, RUN);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)ready->shim.pid);
	args = file_read(path, 4096, &len, &err);
	ck_assert_uint_eq(len, sizeof("flowfile-shim\0run=12"));
	ck_assert_mem_eq(args, "flowfile-shim\0run=12", len);
	free(args);
	ops->abandon(w.r, RUN);
	wait_gone(&ready->shim);
	wait_no_zombies();
}
END_TEST

START_TEST(an_abandoned_run_never_runs)
{
	const struct runner_event *ready;

	open_runner(_i);
	launch_shell(RUN, "touch ran");
	ready = expect(RUNNER_READY, RUN);
	ops->abandon(w.r, RUN);
	ops->go(w.r, RUN); /* of no effect */
	wait_gone(&ready->flow);
	wait_gone(&ready->shim);
	wait_no_zombies();
	ck_assert(!exists("ran"));
	ck_assert(!exists("state/12.1.exit"));
	ck_assert(!exists("state/12.1.started"));
	ck_assert_uint_eq(w.n_events, 1);
}
END_TEST

START_TEST(an_abandoned_id_can_be_launched_at_once)
{
	open_runner(_i);
	launch_shell(RUN, "touch first");
	ops->abandon(w.r, RUN); /* before a word came from it */
	launch_shell(RUN, "touch second");
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	expect(RUNNER_ENDED, RUN);
	wait_no_zombies();
	ck_assert(!exists("first"));
	ck_assert(exists("second"));
}
END_TEST

START_TEST(a_run_in_hand_is_not_launched_again)
{
	const char *const argv[] = {"true", NULL};
	const struct launch_spec spec = {.run_id = RUN, .argv = argv, .log_path = w.log};
	struct err err = ERR_INIT;

	open_runner(_i);
	launch_shell(RUN, ":");
	ck_assert_int_eq(ops->launch(w.r, &spec, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	expect(RUNNER_ENDED, RUN);
}
END_TEST

/* go from within the callback, as the engine may do */
static void
go_at_once(const struct runner_event *event)
{
	if (event->type == RUNNER_READY)
		ops->go(w.r, event->run_id);
}

START_TEST(a_callback_may_call_the_runner)
{
	open_runner(_i);
	w.on_event = go_at_once;
	launch_shell(RUN, "exit 5");
	expect(RUNNER_READY, RUN);
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 5);
}
END_TEST

START_TEST(a_shim_that_cannot_be_started_is_an_error)
{
	const char *const argv[] = {"true", NULL};
	const struct launch_spec spec = {.run_id = RUN, .argv = argv, .log_path = w.log};
	const struct runner_options options = {.shim_path = "/nowhere/shim", .state_dir = w.state};
	struct err err = ERR_INIT;

	w.base = event_base_new();
	ck_assert_int_eq(runner_create(w.base, &options, note_event, NULL, &w.r, &err), 0);
	if (ops->launch(w.r, &spec, &err) == 0) {
		/* Under an emulator (valgrind) posix_spawn() cannot tell: it dies without a word. */
		ck_assert(expect(RUNNER_ENDED, RUN)->exit.started_us == TIME_NONE);
		return;
	}
	ck_assert_str_eq(err.text, "launch run 12: start /nowhere/shim: No such file or directory");
	ck_assert_int_eq(err.code, ERR_FAILED); /* which is tried again */
	ck_assert(!ops->cancel(w.r, RUN));
}
END_TEST

START_TEST(a_command_has_a_bound)
{
	char *word = xmalloc(70000);
	const char *const argv[] = {"true", word, NULL};
	const struct launch_spec spec = {.run_id = RUN, .argv = argv, .log_path = w.log};
	struct err err = ERR_INIT;

	memset(word, 'x', 69999);
	word[69999] = '\0';
	open_runner(false);
	ck_assert_int_eq(ops->launch(w.r, &spec, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	free(word);
}
END_TEST

START_TEST(a_command_and_environment_of_some_size_arrive)
{
	char *word = xmalloc(60000), script[] = "test ${#1} = 59999 && test \"$LAST\" = last";
	const char *const argv[] = {"sh", "-c", script, "sh", word, NULL};
	const char *const env[] = {"LAST=last", NULL};

	memset(word, 'x', 59999);
	word[59999] = '\0';
	open_runner(false);
	launch_argv(RUN, argv, (struct launch_spec){.env = env});
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 0);
	free(word);
}
END_TEST

START_TEST(a_supervisor_that_hangs_is_killed)
{
	char *fifo = in_dir("fifo"); /* to open it for writing takes a reader */
	const char *const argv[] = {"true", NULL};
	const struct runner_event *failed;

	make_fifo();
	open_runner_with((struct runner_options){.ready_ms = 50, .without_pidfd = _i});
	launch_argv(RUN, argv, (struct launch_spec){.log_path = fifo});
	failed = expect(RUNNER_FAILED, RUN);
	ck_assert_str_eq(failed->exit.reason, "its supervisor did not become ready within 50 ms");
	wait_no_zombies();
	free(fifo);
}
END_TEST

/* As after `helper & exec flowfile_scheduler` in a script. */
START_TEST(dead_children_from_before_the_runner_are_collected)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(8);
	open_runner(_i);
	start_shell("exit 0");
	expect(RUNNER_ENDED, RUN);
	wait_no_zombies();
	ck_assert(!pid_lives(pid));
}
END_TEST

/* ---- what cannot be started -------------------------------------------------------------- */

static const struct {
	const char *program, *log, *cwd, *reason;
} hopeless[] = {
	{"no-such-program", "l", ".", "run command 'no-such-program': not found in PATH"},
	{"./missing", "l", ".", "run command './missing': No such file or directory"},
	{"./plain", "l", ".", "run command './plain': not executable by this user"},
	{"./folder", "l", ".", "run command './folder': Is a directory"},
	{"true", "plain/x/l", ".", "Not a directory"},
	{"true", "folder", ".", "Is a directory"},
	{"true", "l", "./missing", "working folder "},
};

START_TEST(what_cannot_be_started_fails_before_go)
{
	const char *const argv[] = {hopeless[_i].program, NULL};
	char *log = in_dir(hopeless[_i].log), *folder = in_dir("folder");
	char *cwd = in_dir(hopeless[_i].cwd);
	const struct runner_event *failed;

	write_script("plain", "#!/bin/sh\n", 0644);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	open_runner(false);
	launch_argv(RUN, argv, (struct launch_spec){.log_path = log, .cwd = cwd});
	failed = expect(RUNNER_FAILED, RUN);
	ck_assert_msg(strstr(failed->exit.reason, hopeless[_i].reason) != NULL, "%s",
		failed->exit.reason);
	wait_no_zombies();
	ck_assert(!exists("state/12.1.exit"));
	free(log);
	free(cwd);
	free(folder);
}
END_TEST

START_TEST(a_failed_start_is_in_the_log_too)
{
	const char *const argv[] = {"no-such-program", NULL};

	open_runner(false);
	launch_argv(RUN, argv, (struct launch_spec){.cwd = NULL});
	expect(RUNNER_FAILED, RUN);
	ck_assert(log_has("[flowfile_scheduler] run 12 could not be started: run command "
			  "'no-such-program': not found in PATH\n"));
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *reason;
} unrunnable[] = {
	{"#!/no/such/interpreter -x\n", 127, "its interpreter /no/such/interpreter: No such file"},
	{"#!/no/such/caf\xe9\n", 127, "its interpreter /no/such/caf?: No such file"},
	{"#!/bin/sh\r\nexit 0\r\n", 127, "script ends with CR LF, as on Windows: "},
	{"echo no first line\n", 126, "Exec format error (a script begins with #!"},
};

START_TEST(what_only_exec_can_tell_is_an_end_with_a_reason)
{
	const char *const argv[] = {"./script", NULL};
	const struct runner_event *ended;

	write_script("script", unrunnable[_i].text, 0755);
	open_runner(false);
	launch_argv(RUN, argv, (struct launch_spec){.cwd = w.dir});
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, unrunnable[_i].code);
	ck_assert(ended->exit.started_us == TIME_NONE);
	ck_assert_msg(strstr(ended->exit.reason, unrunnable[_i].reason) != NULL, "%s",
		ended->exit.reason);
	ck_assert(log_has(unrunnable[_i].reason));
}
END_TEST

START_TEST(a_flow_does_not_run_when_its_start_cannot_be_noted)
{
	const struct runner_event *ended;

	open_runner(false);
	launch_shell(RUN, "touch ran");
	expect(RUNNER_READY, RUN);
	remove_tree(w.state);
	ops->go(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert(ended->exit.started_us == TIME_NONE);
	ck_assert_int_eq(ended->exit.code, 126);
	ck_assert(strstr(ended->exit.reason, "cannot note its start in ") != NULL);
	ck_assert(!exists("ran"));
}
END_TEST

/* A flow file that is a program is run itself; its file system may hang, so that only the supervisor looks:
 * here it is made after the launch. */
START_TEST(the_supervisor_looks_at_the_flow_file_and_not_the_daemon)
{
	const char *const words[] = {"sh", "-c", "echo $0 $1", "{flow_path}", "{run_id}", NULL};
	char *flow = in_dir(_i == 0 ? "late job" : "late job.yaml");
	char *filled = xasprintf("%s 12\n", flow);

	setenv(LATE_FLOW, flow, 1);
	open_runner_with((struct runner_options){.shim_path = self});
	launch_argv(RUN, words, (struct launch_spec){.flow_path = flow});
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 0);
	ck_assert(log_has(_i == 0 ? "direct\n" : filled));
	unsetenv(LATE_FLOW);
	free(flow);
	free(filled);
}
END_TEST

START_TEST(a_word_that_gets_too_long_fails_the_start)
{
	const char *const words[] = {"echo", "{flow_path}{flow_path}", NULL};
	char *flow = xmalloc(20001);

	memset(flow, 'x', 20000);
	flow[20000] = '\0';
	open_runner(false);
	launch_argv(RUN, words, (struct launch_spec){.flow_path = flow});
	ck_assert(
		strstr(expect(RUNNER_FAILED, RUN)->exit.reason, "a word is longer than ") != NULL);
	free(flow);
}
END_TEST

/* ---- a daemon that dies ------------------------------------------------------------------ */

static int daemon_pipe[2];
static bool daemon_goes;

static void
daemon_event(const struct runner_event *event)
{
	if (event->type != RUNNER_READY)
		return;
	(void)!write(daemon_pipe[1], event, sizeof(*event)); /* as the engine records it */
	if (daemon_goes)
		ops->go(w.r, event->run_id);
}

/* A process that acts as the daemon: launches, tells the pids, and then runs until it is killed. */
static pid_t
start_daemon(const char *script, bool goes, struct runner_event *ready)
{
	pid_t pid;

	ck_assert_int_eq(pipe2(daemon_pipe, O_CLOEXEC), 0);
	daemon_goes = goes;
	pid = fork();
	if (pid == 0) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not outlive a test that fails */
		open_runner(false);
		w.on_event = daemon_event;
		launch_shell(RUN, script);
		event_base_dispatch(w.base);
		_exit(0);
	}
	close(daemon_pipe[1]);
	ck_assert_int_eq(read(daemon_pipe[0], ready, sizeof(*ready)), sizeof(*ready));
	close(daemon_pipe[0]);
	return pid;
}

static void
kill_daemon(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
adopt_run(int64_t run_id, const struct runner_event *ready, bool rebooted)
{
	const struct adoption run = {run_id, 1, ready->shim, ready->flow, rebooted, w.recorded};
	struct err err = ERR_INIT;

	ck_assert_msg(ops->adopt(w.r, &run, &err) == 0, "%s", err.text);
}

static void
adopt(const struct runner_event *ready)
{
	adopt_run(RUN, ready, false);
	ck_assert_uint_eq(w.n_events, 0); /* never from within the call */
}

START_TEST(a_daemon_that_dies_before_go_has_run_nothing)
{
	const struct runner_event *ended;
	struct runner_event ready;

	kill_daemon(start_daemon("touch ran", false, &ready));
	open_runner(_i);
	adopt(&ready);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert(ended->exit.started_us == TIME_NONE);
	ck_assert(strstr(ended->exit.reason, "never started") != NULL);
	wait_gone(&ready.flow);
	wait_no_zombies();
	ck_assert(!exists("ran"));
}
END_TEST

/* The daemon is started again with another state folder, while a run goes on (0) or when it is over (1). */
START_TEST(a_run_is_adopted_with_the_files_of_its_own_folder)
{
	const struct runner_event *ended;
	struct runner_event ready;
	char *old = w.state;
	pid_t daemon;

	make_fifo();
	daemon = start_daemon("touch up; read x < fifo; exit 7", true, &ready);
	wait_file("up");
	kill_daemon(daemon);
	if (_i == 1) {
		release_fifo();
		wait_gone(&ready.shim);
	}
	w.recorded = old;
	w.state = path_join(w.dir, "another");
	open_runner(false);
	adopt(&ready);
	if (_i == 0)
		release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert_msg(ended->exit.known, "%s", ended->exit.reason);
	ck_assert_int_eq(ended->exit.code, 7);
	ck_assert_int_eq(count_entries("state"), 1);
	ops->forget(w.r, RUN, 1, old);
	ck_assert_int_eq(count_entries("state"), 0);
	wait_no_zombies();
	free(old);
}
END_TEST

/* Nothing can be read of it, and the flow may have run: better not twice. */
START_TEST(a_run_whose_folder_is_gone_is_not_taken_for_never_started)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;
	int status;

	daemon = start_daemon("exit 7", true, &ready);
	wait_gone(&ready.shim);
	kill_daemon(daemon);
	while (waitpid(-1, &status, WNOHANG) > 0)
		continue;
	w.recorded = "/nowhere/state";
	open_runner(false);
	adopt(&ready);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert(ended->exit.started_us != TIME_NONE);
	wait_no_zombies();
}
END_TEST

/* What is recorded is what a later daemon finds, from whatever folder it is started. */
START_TEST(a_run_that_is_ready_names_its_folder_from_the_root)
{
	char *real;

	ck_assert_int_eq(chdir(w.dir), 0);
	free(w.state);
	w.state = xstrdup("state");
	open_runner(false);
	launch_shell(RUN, "true");
	real = realpath("state", NULL);
	ck_assert_str_eq(expect(RUNNER_READY, RUN)->state_dir, real);
	ops->abandon(w.r, RUN);
	wait_no_zombies();
	free(real);
}
END_TEST

START_TEST(a_flow_goes_on_without_its_daemon)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;

	make_fifo();
	daemon = start_daemon("touch up; read x < fifo; touch ran; exit 7", true, &ready);
	wait_file("up");
	kill_daemon(daemon);
	ck_assert(proc_alive(&ready.shim));
	open_runner(_i);
	adopt(&ready);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, 7);
	ck_assert(exists("ran"));
	wait_no_zombies();
}
END_TEST

START_TEST(a_run_that_ended_meanwhile_is_adopted_with_its_exit)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;
	int status;

	daemon = start_daemon("exit 7", true, &ready);
	wait_gone(&ready.shim);
	kill_daemon(daemon);
	while (waitpid(-1, &status, WNOHANG) > 0)
		continue;
	open_runner(_i);
	adopt(&ready);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, 7);
	ck_assert(ended->exit.started_us != TIME_NONE);
}
END_TEST

START_TEST(an_adopted_run_can_be_cancelled)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;

	daemon = start_daemon("touch up; exec sleep 1000", true, &ready);
	wait_file("up");
	kill_daemon(daemon);
	open_runner(_i);
	adopt(&ready);
	ck_assert(ops->cancel(w.r, RUN));
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known && ended->exit.cancelled);
	ck_assert_int_eq(ended->exit.signal, SIGTERM);
	wait_no_zombies();
}
END_TEST

START_TEST(a_new_grace_is_for_adopted_runs_too)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;

	daemon = start_daemon("trap '' TERM; touch up; while :; do sleep 0.02; done", true, &ready);
	wait_file("up");
	kill_daemon(daemon);
	kill(ready.shim.pid, SIGKILL);
	open_runner(_i);
	runner_set_grace(w.r, 10 * DEADLINE_MS);
	adopt(&ready);
	runner_set_grace(w.r, 50);
	ck_assert(ops->cancel(w.r, RUN));
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.killed);
	wait_no_zombies();
}
END_TEST

START_TEST(a_clean_stop_of_the_daemon_leaves_runs_alone)
{
	const struct runner_event *going, *waiting;

	make_fifo();
	open_runner(_i);
	going = start_shell("read x < fifo; exit 4");
	launch_shell(RUN + 1, "touch ran");
	waiting = expect(RUNNER_READY, RUN + 1);
	close_runner();
	wait_gone(&waiting->shim);
	ck_assert(proc_alive(&going->flow));

	open_runner(_i);
	adopt_run(RUN, going, false);
	adopt_run(RUN + 1, waiting, false);
	ck_assert(expect(RUNNER_ENDED, RUN + 1)->exit.started_us == TIME_NONE);
	release_fifo();
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 4);
	ck_assert(!exists("ran"));
	wait_no_zombies();
}
END_TEST

/* ---- killed at any moment ------------------------------------------------------------------ */

static void
wait_us(int64_t us)
{
	struct boottime end = boottime_add(clock_boot(&clock_real), us);

	while (boottime_diff(end, clock_boot(&clock_real)) > 0)
		continue;
}

/* A flow that was said to have never started has not run and will not; one with exit code 0 has. */
static void
check_verdict(const struct runner_event *ended)
{
	wait_gone(&ended->flow);
	if (ended->exit.started_us == TIME_NONE)
		ck_assert_msg(!exists("ran"), "it ran, and was said to have never started");
	if (ended->exit.known && ended->exit.code == 0)
		ck_assert(exists("ran"));
}

#define MOMENTS 60
#define MOMENT_US 40

START_TEST(a_verdict_is_true_whenever_the_supervisor_is_killed)
{
	const struct runner_event *ready;

	for (int i = 0; i < MOMENTS; i++) {
		teardown();
		setup();
		open_runner(false);
		ready = start_shell("touch ran");
		wait_us(i * MOMENT_US);
		kill(ready->shim.pid, _i == 0 ? SIGKILL : SIGTERM);
		check_verdict(expect(RUNNER_ENDED, RUN));
		wait_no_zombies();
	}
}
END_TEST

START_TEST(a_verdict_is_true_whenever_the_daemon_is_killed)
{
	struct runner_event ready;
	pid_t daemon;

	for (int i = 0; i < MOMENTS; i++) {
		teardown();
		setup();
		daemon = start_daemon("touch ran", true, &ready);
		wait_us(i * MOMENT_US);
		kill_daemon(daemon);
		open_runner(false);
		adopt(&ready);
		check_verdict(expect(RUNNER_ENDED, RUN));
		wait_no_zombies();
	}
}
END_TEST

/* ---- who a process is -------------------------------------------------------------------- */

START_TEST(a_reused_pid_is_gone)
{
	struct runner_event ready = {.run_id = RUN};
	const struct runner_event *ended;
	struct proc_id innocent;
	pid_t pid = fork();

	if (pid == 0)
		pause_for_ever();
	ck_assert(proc_identify(pid, &innocent));
	ready.shim = ready.flow = innocent;
	ready.shim.start--;
	ready.flow.start--;
	ck_assert(!proc_alive(&ready.shim));
	ck_assert(!proc_signal(&ready.shim, SIGKILL));
	open_runner(_i);
	adopt(&ready);
	ops->cancel(w.r, RUN); /* must not reach the innocent */
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert(proc_alive(&innocent));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

/* 0: it ended before the restart, and its exit file says how; 1: it was running; 2: it had been recorded, and
 * whether it was let go in the last moment nobody knows. */
START_TEST(after_a_restart_of_the_machine_runs_are_over)
{
	struct runner_event ready;
	const struct runner_event *ended;
	pid_t daemon =
		start_daemon(_i == 0 ? "exit 7" : "touch up; exec sleep 1000", _i != 2, &ready);

	if (_i == 0)
		wait_file("state/12.1.exit");
	else if (_i == 1)
		wait_file("up");
	kill(ready.shim.pid, SIGKILL);
	kill(ready.flow.pid, SIGKILL);
	kill_daemon(daemon);
	wait_gone(&ready.flow);
	open_runner(false);
	/* The numbers are somebody else's by now. */
	adopt_run(RUN, &(struct runner_event){.shim = {getpid(), 1}, .flow = {getpid(), 1}}, true);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert_int_eq(ended->exit.known, _i == 0);
	ck_assert_int_eq(ended->exit.code, _i == 0 ? 7 : -1);
	ck_assert(ended->exit.started_us != TIME_NONE);
	ck_assert_str_eq(
		ended->exit.reason, _i == 0 ? "" : "the machine was restarted while it ran");
	wait_no_zombies();
}
END_TEST

/* Its daemon died, the next one launched the run again, and only now the first shim gets to work. */
START_TEST(a_late_shim_leaves_the_next_attempt_alone)
{
	const char *const argv[] = {"sh", "-c", "echo late", NULL};
	struct launch_spec late = {.attempt = 2};
	struct runner_event ready;
	pid_t daemon;

	make_fifo();
	daemon = start_daemon("echo here; touch up; read x < fifo; exit 5", true, &ready);
	wait_file("up");
	open_runner(_i);
	launch_argv(RUN, argv, late);
	expect(RUNNER_READY, RUN);
	ops->abandon(w.r, RUN);
	ck_assert(exists("state/12.1.started"));
	ck_assert(log_has("here\n"));
	kill_daemon(daemon);
	adopt_run(RUN, &ready, false);
	release_fifo();
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 5);
	ck_assert(log_has("here\n[flowfile_scheduler] run 12 ended: exit code 5 after "));
	wait_no_zombies();
}
END_TEST

START_TEST(a_log_begins_anew_when_its_id_comes_again)
{
	open_runner(false);
	start_shell("echo first");
	expect(RUNNER_ENDED, RUN);
	ops->forget(w.r, RUN, 1, NULL);
	start_shell("echo second");
	expect(RUNNER_ENDED, RUN);
	ck_assert(log_has("second\n[flowfile_scheduler] run 12 ended: exit code 0 after "));
	ck_assert(!log_has("first"));
}
END_TEST

START_TEST(leftovers_of_an_earlier_run_are_removed_at_launch)
{
	struct exit_record stale;
	struct err err = ERR_INIT;

	open_runner(_i);
	exit_record_init(&stale, RUN, 1);
	ck_assert_int_eq(exit_record_write(w.state, &stale, &err), 0);
	ck_assert_int_eq(started_mark(w.state, RUN, 1), 0);
	launch_shell(RUN, "exit 2");
	expect(RUNNER_READY, RUN);
	ck_assert(!exists("state/12.1.exit"));
	ck_assert(!exists("state/12.1.started"));
	ops->go(w.r, RUN);
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 2);
}
END_TEST

START_TEST(zombies_do_not_count_as_alive)
{
	struct proc_id id;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		pause_for_ever();
	}
	while (getpgid(pid) != pid)
		usleep(TICK_US);
	ck_assert(proc_identify(pid, &id));
	ck_assert(proc_alive(&id) && proc_group_alive(pid));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert(!proc_alive(&id) && !proc_group_alive(pid));
	waitpid(pid, NULL, 0);
	ck_assert(!proc_alive(&id) && !proc_group_alive(pid));
}
END_TEST

/* ---- cancel ------------------------------------------------------------------------------ */

START_TEST(cancel_ends_a_flow_with_term)
{
	const struct runner_event *ended;

	open_runner(_i);
	start_shell("trap 'echo bye; exit 0' TERM; sh -c 'touch up; exec sleep 1000'");
	wait_file("up");
	ck_assert(ops->cancel(w.r, RUN));
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known && ended->exit.cancelled && !ended->exit.killed);
	ck_assert_int_eq(ended->exit.code, 0); /* it says so itself; it is cancelled all the same */
	ck_assert(log_has("bye\n[flowfile_scheduler] run 12 cancelled: exit code 0 after "));
	ck_assert(!ops->cancel(w.r, RUN)); /* not ours any more */
	wait_no_zombies();
}
END_TEST

START_TEST(term_to_the_recorded_pid_cancels)
{
	const struct runner_event *ready, *ended;

	open_runner(_i);
	ready = start_shell("exec sleep 1000");
	wait_file("state/12.1.started");
	kill(ready->shim.pid, SIGTERM); /* Flowfile's own cancel */
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.cancelled);
	ck_assert_int_eq(ended->exit.signal, SIGTERM);
}
END_TEST

START_TEST(a_stopped_flow_can_be_cancelled)
{
	const struct runner_event *ready, *ended;

	open_runner(_i);
	ready = start_shell("touch up; exec sleep 1000");
	wait_file("up");
	kill(ready->flow.pid, SIGSTOP);
	ops->cancel(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.cancelled && !ended->exit.killed);
}
END_TEST

static void
check_stubborn_is_gone(const struct runner_event *ended, const pid_t pids[3])
{
	ck_assert(ended->exit.cancelled && ended->exit.killed);
	ck_assert_int_eq(ended->exit.signal, SIGKILL);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(!pid_lives(pids[i]), "process %d of the run is left", i);
	wait_no_zombies();
}

static void
wait_stubborn(pid_t pids[3])
{
	pids[0] = wait_pid_file("leader");
	pids[1] = wait_pid_file("child");
	pids[2] = wait_pid_file("grandchild");
}

START_TEST(what_ignores_term_is_killed_after_the_grace)
{
	const struct runner_event *ended;
	struct boottime start;
	pid_t pids[3];

	open_runner(_i);
	start_helper("stubborn", 300);
	wait_stubborn(pids);
	start = clock_boot(&clock_real);
	ops->cancel(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert_int_ge(boottime_diff(clock_boot(&clock_real), start), 300 * US_PER_MS);
	check_stubborn_is_gone(ended, pids);
	ck_assert(log_has("run 12 cancelled and killed: signal 9 (Killed) after "));
}
END_TEST

START_TEST(a_second_cancel_kills_at_once)
{
	const struct runner_event *ready, *ended;
	pid_t pids[3];

	open_runner(_i);
	ready = start_helper("stubborn", 3600 * 1000);
	wait_stubborn(pids);
	ops->cancel(w.r, RUN);
	/* Two pending TERMs are one: the first must have been read. */
	wait_file("state/12.1.started");
	for (struct boottime end = {0};;) {
		char path[64], *text;
		bool pending;

		snprintf(path, sizeof(path), "/proc/%d/status", (int)ready->shim.pid);
		text = file_read(path, 8192, NULL, NULL);
		ck_assert_ptr_nonnull(text);
		pending = strstr(text, "ShdPnd:\t0000000000000000") == NULL;
		free(text);
		if (!pending)
			break;
		tick(&end);
	}
	ops->cancel(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	check_stubborn_is_gone(ended, pids);
}
END_TEST

START_TEST(another_run_that_was_pushed_is_left_alone)
{
	pid_t other, child, own;

	open_runner(_i);
	start_helper("push", 10000);
	other = wait_pid_file("other");
	child = wait_pid_file("other-child");
	own = wait_pid_file("own"); /* --run-id 12 is this run */
	ops->cancel(w.r, RUN);
	ck_assert(expect(RUNNER_ENDED, RUN)->exit.cancelled);
	ck_assert(!pid_lives(own));
	ck_assert(pid_lives(other));
	ck_assert(pid_lives(child));
	kill(child, SIGKILL);
	kill(other, SIGKILL);
	wait_pid_gone(other);
	wait_pid_gone(child);
	wait_no_zombies(); /* they fell to us */
}
END_TEST

START_TEST(a_run_cancelled_before_go_never_ran)
{
	const struct runner_event *ended;

	open_runner(_i);
	launch_shell(RUN, "touch ran");
	if (_i == 0)
		expect(RUNNER_READY, RUN);
	ck_assert(ops->cancel(w.r, RUN));
	if (_i == 1) /* before a word came from it */
		expect(RUNNER_READY, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known && ended->exit.cancelled);
	ck_assert_int_eq(ended->exit.signal, SIGTERM);
	ck_assert(ended->exit.started_us == TIME_NONE);
	ck_assert(!exists("ran"));
	ck_assert(log_has("cancelled before its start\n"));
}
END_TEST

/* ---- a shim that is killed --------------------------------------------------------------- */

START_TEST(a_flow_outlives_its_supervisor)
{
	const struct runner_event *ready, *ended;

	make_fifo();
	open_runner(_i);
	ready = start_shell("touch up; read x < fifo; echo still here; exit 6");
	wait_file("up");
	kill(ready->shim.pid, SIGKILL);
	wait_gone(&ready->shim);
	ck_assert(proc_alive(&ready->flow));
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known); /* we are the subreaper */
	ck_assert_int_eq(ended->exit.code, 6);
	ck_assert_int_ge(ended->exit.cpu_us, 0);
	ck_assert(ended->exit.started_us != TIME_NONE);
	ck_assert(log_has("still here\n"));
	wait_no_zombies();
}
END_TEST

START_TEST(a_group_without_supervisor_holds_its_run)
{
	const struct runner_event *ready, *ended;

	make_fifo();
	open_runner(_i);
	ready = start_shell("(read x < fifo; touch done) & touch up; exit 6");
	wait_file("up");
	wait_collected(ready->flow.pid);
	kill(ready->shim.pid, SIGKILL);
	wait_gone(&ready->shim);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(exists("done"));
	ck_assert(!ended->exit.known); /* the shim had taken the status with it */
	ck_assert(ended->exit.started_us != TIME_NONE);
	ck_assert(ended->exit.reason[0] != '\0');
	wait_no_zombies();
}
END_TEST

START_TEST(a_run_without_supervisor_can_be_cancelled)
{
	const struct runner_event *ready, *ended;
	pid_t pids[3];

	open_runner(_i);
	ready = start_helper("stubborn", 100);
	wait_stubborn(pids);
	kill(ready->shim.pid, SIGKILL);
	wait_gone(&ready->shim);
	/* Until the runner knows, TERM goes to the dead shim; then it takes over what was asked. */
	ck_assert(ops->cancel(w.r, RUN));
	ended = expect(RUNNER_ENDED, RUN);
	check_stubborn_is_gone(ended, pids);
}
END_TEST

START_TEST(a_supervisor_killed_before_go_has_run_nothing)
{
	const struct runner_event *ready, *ended;

	open_runner(_i);
	launch_shell(RUN, "touch ran");
	ready = expect(RUNNER_READY, RUN);
	kill(ready->shim.pid, SIGKILL);
	ops->go(w.r, RUN);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert(ended->exit.started_us == TIME_NONE);
	ck_assert_int_eq(ended->exit.code, -1);
	wait_no_zombies();
	ck_assert(!exists("ran"));
}
END_TEST

START_TEST(a_supervisor_killed_before_its_first_word_has_run_nothing)
{
	char *fifo = in_dir("fifo");
	const char *const argv[] = {"true", NULL};
	const struct runner_event *ended;
	char path[64], text[32] = "";
	int fd;

	make_fifo(); /* holds it in the opening of its log */
	open_runner(_i);
	launch_argv(RUN, argv, (struct launch_spec){.log_path = fifo});
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	kill((pid_t)atoi(text), SIGKILL);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert(ended->exit.started_us == TIME_NONE);
	wait_no_zombies();
	free(fifo);
}
END_TEST

START_TEST(a_process_killed_before_go_never_ran)
{
	const struct runner_event *ready, *ended;

	open_runner(_i);
	launch_shell(RUN, "touch ran");
	ready = expect(RUNNER_READY, RUN);
	kill(ready->flow.pid, SIGKILL);
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.signal, SIGKILL);
	ck_assert(ended->exit.started_us == TIME_NONE);
}
END_TEST

/* Its parent is another daemon that lives: nobody tells us its status. */
START_TEST(a_foreign_flow_without_supervisor_ends_unknown)
{
	const struct runner_event *ended;
	struct runner_event ready;
	pid_t daemon;

	make_fifo();
	daemon = start_daemon("touch up; read x < fifo; exit 6", true, &ready);
	wait_file("up");
	kill(ready.shim.pid, SIGKILL);
	wait_gone(&ready.shim);
	open_runner(_i);
	adopt(&ready);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(!ended->exit.known);
	ck_assert_int_eq(ended->exit.code, -1);
	ck_assert(ended->exit.started_us != TIME_NONE);
	kill_daemon(daemon);
	wait_no_zombies();
}
END_TEST

/* ---- when a run is over ------------------------------------------------------------------ */

START_TEST(a_group_that_outlives_its_leader_holds_the_run)
{
	const struct runner_event *ready, *ended;

	make_fifo();
	open_runner(_i);
	ready = start_shell("(read x < fifo; touch done) & exit 2");
	wait_gone(&ready->flow);
	ck_assert(proc_alive(&ready->shim));
	ck_assert_uint_eq(w.n_events, w.n_taken);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(exists("done"));
	ck_assert_int_eq(ended->exit.code, 2); /* the leader's */
}
END_TEST

START_TEST(a_group_member_with_a_parent_elsewhere_holds_the_run)
{
	pid_t parent;

	make_fifo();
	open_runner(_i);
	start_helper("foreign", 10000);
	parent = wait_pid_file("parent");
	wait_pid_file("member");
	release_fifo();
	expect(RUNNER_ENDED, RUN);
	ck_assert(exists("done"));
	ck_assert(pid_lives(parent));
	kill(parent, SIGKILL);
	wait_pid_gone(parent);
	wait_no_zombies();
}
END_TEST

START_TEST(a_daemon_left_behind_does_not_hold_the_run)
{
	pid_t daemon;

	open_runner(_i);
	start_helper("daemon", 10000);
	ck_assert_int_eq(expect(RUNNER_ENDED, RUN)->exit.code, 0);
	daemon = wait_pid_file("daemon");
	ck_assert(pid_lives(daemon));
	kill(daemon, SIGKILL);
	wait_pid_gone(daemon);
	wait_no_zombies();
}
END_TEST

START_TEST(an_end_is_told_even_when_no_file_can_be_written)
{
	const struct runner_event *ended;

	make_fifo();
	open_runner(_i);
	start_shell("touch up; read x < fifo; exit 9");
	wait_file("up");
	remove_tree(w.state);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(ended->exit.known);
	ck_assert_int_eq(ended->exit.code, 9);
	ck_assert(log_has("cannot keep its exit: "));
}
END_TEST

/* ---- watching what others started -------------------------------------------------------- */

START_TEST(a_watched_process_ends_when_its_group_is_gone)
{
	const struct runner_event *ended;
	struct err err = ERR_INIT;
	struct proc_id id;
	pid_t pid;

	make_fifo();
	pid = fork();
	if (pid == 0) {
		setsid();
		ck_assert_int_eq(chdir(w.dir), 0);
		execlp("sh", "sh", "-c", "(read x < fifo; touch done) & touch up; exit 0", NULL);
		_exit(99);
	}
	ck_assert(proc_identify(pid, &id));
	while (getpgid(pid) != pid)
		usleep(TICK_US);
	open_runner(_i);
	ck_assert_int_eq(ops->watch(w.r, RUN, &id, &err), 0);
	wait_file("up");
	wait_gone(&id);
	release_fifo();
	ended = expect(RUNNER_ENDED, RUN);
	ck_assert(exists("done"));
	ck_assert(ended->exit.started_us != TIME_NONE);
	wait_no_zombies();
}
END_TEST

START_TEST(a_watched_process_can_be_cancelled)
{
	const struct runner_event *ended;
	struct err err = ERR_INIT;
	struct proc_id id;
	pid_t pids[3], pid = fork();

	if (pid == 0) {
		setsid();
		execl(self, self, "--helper", "stubborn", w.dir, NULL);
		_exit(99);
	}
	wait_stubborn(pids);
	ck_assert(proc_identify(pid, &id));
	open_runner(_i);
	ck_assert_int_eq(ops->watch(w.r, RUN, &id, &err), 0);
	ck_assert(ops->cancel(w.r, RUN));
	ended = expect(RUNNER_ENDED, RUN);
	check_stubborn_is_gone(ended, pids);
}
END_TEST

START_TEST(a_watched_process_that_is_gone_has_ended)
{
	const struct proc_id gone = {1 << 22, 1};
	struct err err = ERR_INIT;

	open_runner(_i);
	ck_assert_int_eq(ops->watch(w.r, RUN, &gone, &err), 0);
	ck_assert_uint_eq(w.n_events, 0);
	ck_assert(!expect(RUNNER_ENDED, RUN)->exit.known);
}
END_TEST

START_TEST(process_1_and_what_has_no_start_time_are_nobodys_flow)
{
	struct err err = ERR_INIT;
	struct proc_id id;

	open_runner(false);
	ck_assert(proc_identify(1, &id));
	ck_assert_int_eq(ops->watch(w.r, RUN, &id, &err), 0);
	expect(RUNNER_ENDED, RUN);
	ck_assert(proc_identify(getpid(), &id));
	id.start = 0;
	ck_assert_int_eq(ops->watch(w.r, RUN, &id, &err), 0);
	ck_assert(ops->cancel(w.r, RUN)); /* reaches nobody */
	expect(RUNNER_ENDED, RUN);
}
END_TEST

/* ---- the log ----------------------------------------------------------------------------- */

static mode_t
log_mode(void)
{
	struct stat st;

	ck_assert_int_eq(stat(w.log, &st), 0);
	return st.st_mode & 0777;
}

START_TEST(a_log_is_new_and_private)
{
	char *dir = path_dirname(w.log);
	struct err err = ERR_INIT;

	umask(022);
	if (_i == 1) { /* an old one, open to all */
		ck_assert_int_eq(file_mkdirs(dir, 0755, &err), 0);
		ck_assert_int_eq(file_write_atomic(w.log, "old text\n", 9, 0666, &err), 0);
		ck_assert_int_eq(chmod(w.log, 0666), 0);
	}
	open_runner(false);
	start_shell("printf 'no newline'; printf ' and stderr' >&2");
	expect(RUNNER_ENDED, RUN);
	ck_assert_uint_eq(log_mode(), 0640);
	ck_assert(!log_has("old text"));
	ck_assert(log_has("no newline and stderr\n[flowfile_scheduler] run 12 ended: exit code 0"));
	free(dir);
}
END_TEST

#define LINES 200000
#define CAP (256 * 1024)

/* Lines are "line 000001", twelve bytes each. */
static void
check_capped_log(void)
{
	char *log = read_log(), *mark = strstr(log, "\n... "), *tail;
	int64_t left_out, first, total = (int64_t)LINES * 12;

	ck_assert_uint_le(strlen(log), CAP);
	ck_assert_uint_gt(strlen(log), CAP * 9 / 10);
	ck_assert(strncmp(log, "line 000001\nline 000002\n", 24) == 0);
	ck_assert_ptr_nonnull(mark);
	ck_assert_int_ge(mark - log, CAP / 2 - 4096);
	ck_assert_int_le(mark - log, CAP / 2);
	left_out = strtoll(mark + 5, NULL, 10);
	/* What follows the mark is the text that the number says. */
	tail = strchr(mark + 1, '\n') + 1;
	first = strtoll(tail + 5, NULL, 10);
	ck_assert_int_eq((mark - log) + left_out + 12 * (LINES - first + 1), total);
	ck_assert_ptr_nonnull(strstr(tail, "line 200000\n[flowfile_scheduler] run 12 ended"));
	free(log);
}

START_TEST(a_capped_log_keeps_its_first_and_its_newest_half)
{
	static const char *const folders[] = {"/tmp", "/dev/shm"};
	const char *const argv[] = {"seq", "-f", "line %06.0f", "200000", NULL};

	teardown();
	open_world(folders[_i]);
	open_runner(false);
	launch_argv(RUN, argv, (struct launch_spec){.log_max_bytes = CAP});
	expect(RUNNER_READY, RUN);
	ops->go(w.r, RUN);
	expect(RUNNER_ENDED, RUN);
	check_capped_log();
}
END_TEST

/* ---- many -------------------------------------------------------------------------------- */

START_TEST(two_hundred_runs_at_once)
{
	int ready = 0, ended = 0;
	char name[64], *log;
	const char *const argv[] = {"true", NULL};
	int64_t seen[BURST] = {0};

	open_runner(_i);
	w.on_event = go_at_once;
	for (int i = 0; i < BURST; i++) {
		snprintf(name, sizeof(name), "logs/%d", i);
		log = in_dir(name);
		launch_argv(i, argv, (struct launch_spec){.log_path = log});
		free(log);
	}
	while (ended < BURST) {
		const struct runner_event *event = next_event();

		ready += event->type == RUNNER_READY;
		ended += event->type == RUNNER_ENDED;
		ck_assert(event->type != RUNNER_FAILED);
		if (event->type == RUNNER_ENDED) {
			ck_assert(event->exit.known && event->exit.code == 0);
			seen[event->run_id]++;
		}
	}
	ck_assert_int_eq(ready, BURST);
	for (int i = 0; i < BURST; i++)
		ck_assert_int_eq(seen[i], 1);
	wait_no_zombies();
}
END_TEST

START_TEST(the_host_is_known)
{
	struct host_id id;
	struct err err = ERR_INIT;

	ck_assert_int_eq(host_id_get(&id, &err), 0);
	ck_assert_uint_gt(strlen(id.host), 0);
	ck_assert_uint_eq(strlen(id.boot_id), 36);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("runner");
	TCase *runs = tcase_create("runs"), *faults = tcase_create("faults");

	tcase_add_checked_fixture(runs, setup, teardown);
	tcase_set_timeout(runs, 60);
	/* twice: with pidfds and without */
	tcase_add_loop_test(runs, a_run_ends_with_its_exit_code, 0, 2);
	tcase_add_loop_test(runs, a_run_ends_with_its_signal, 0, 2);
	tcase_add_loop_test(runs, nothing_runs_before_go, 0, 2);
	tcase_add_test(runs, a_flow_has_a_clean_process);
	tcase_add_test(runs, ps_shows_whose_supervisor_it_is);
	tcase_add_loop_test(runs, an_abandoned_run_never_runs, 0, 2);
	tcase_add_loop_test(runs, an_abandoned_id_can_be_launched_at_once, 0, 2);
	tcase_add_test(runs, a_run_in_hand_is_not_launched_again);
	tcase_add_test(runs, a_callback_may_call_the_runner);
	tcase_add_test(runs, a_shim_that_cannot_be_started_is_an_error);
	tcase_add_test(runs, a_command_has_a_bound);
	tcase_add_test(runs, a_command_and_environment_of_some_size_arrive);
	tcase_add_loop_test(runs, a_supervisor_that_hangs_is_killed, 0, 2);
	tcase_add_loop_test(runs, dead_children_from_before_the_runner_are_collected, 0, 2);
	tcase_add_loop_test(runs, what_cannot_be_started_fails_before_go, 0, ARRAY_LEN(hopeless));
	tcase_add_test(runs, a_failed_start_is_in_the_log_too);
	tcase_add_loop_test(
		runs, what_only_exec_can_tell_is_an_end_with_a_reason, 0, ARRAY_LEN(unrunnable));
	tcase_add_test(runs, a_flow_does_not_run_when_its_start_cannot_be_noted);
	tcase_add_loop_test(runs, the_supervisor_looks_at_the_flow_file_and_not_the_daemon, 0, 2);
	tcase_add_test(runs, a_word_that_gets_too_long_fails_the_start);
	tcase_add_loop_test(runs, cancel_ends_a_flow_with_term, 0, 2);
	tcase_add_test(runs, term_to_the_recorded_pid_cancels);
	tcase_add_test(runs, a_stopped_flow_can_be_cancelled);
	tcase_add_loop_test(runs, what_ignores_term_is_killed_after_the_grace, 0, 2);
	tcase_add_test(runs, a_second_cancel_kills_at_once);
	tcase_add_test(runs, another_run_that_was_pushed_is_left_alone);
	tcase_add_loop_test(runs, a_run_cancelled_before_go_never_ran, 0, 2);
	tcase_add_test(runs, a_group_that_outlives_its_leader_holds_the_run);
	tcase_add_test(runs, a_group_member_with_a_parent_elsewhere_holds_the_run);
	tcase_add_test(runs, a_daemon_left_behind_does_not_hold_the_run);
	tcase_add_test(runs, an_end_is_told_even_when_no_file_can_be_written);
	tcase_add_loop_test(runs, a_watched_process_ends_when_its_group_is_gone, 0, 2);
	tcase_add_loop_test(runs, a_watched_process_can_be_cancelled, 0, 2);
	tcase_add_loop_test(runs, a_watched_process_that_is_gone_has_ended, 0, 2);
	tcase_add_test(runs, process_1_and_what_has_no_start_time_are_nobodys_flow);
	tcase_add_loop_test(runs, a_log_is_new_and_private, 0, 2);
	tcase_add_loop_test(runs, a_capped_log_keeps_its_first_and_its_newest_half, 0, 2);
	tcase_add_loop_test(runs, two_hundred_runs_at_once, 0, 2);
	tcase_add_test(runs, the_host_is_known);
	suite_add_tcase(s, runs);

	tcase_add_checked_fixture(faults, setup, teardown);
	tcase_set_timeout(faults, 60);
	tcase_add_loop_test(faults, a_daemon_that_dies_before_go_has_run_nothing, 0, 2);
	tcase_add_loop_test(faults, a_flow_goes_on_without_its_daemon, 0, 2);
	tcase_add_loop_test(faults, a_run_is_adopted_with_the_files_of_its_own_folder, 0, 2);
	tcase_add_test(faults, a_run_whose_folder_is_gone_is_not_taken_for_never_started);
	tcase_add_test(faults, a_run_that_is_ready_names_its_folder_from_the_root);
	tcase_add_loop_test(faults, a_run_that_ended_meanwhile_is_adopted_with_its_exit, 0, 2);
	tcase_add_loop_test(faults, an_adopted_run_can_be_cancelled, 0, 2);
	tcase_add_loop_test(faults, a_new_grace_is_for_adopted_runs_too, 0, 2);
	tcase_add_loop_test(faults, a_clean_stop_of_the_daemon_leaves_runs_alone, 0, 2);
	tcase_add_loop_test(faults, a_verdict_is_true_whenever_the_supervisor_is_killed, 0, 2);
	tcase_add_test(faults, a_verdict_is_true_whenever_the_daemon_is_killed);
	tcase_add_loop_test(faults, a_reused_pid_is_gone, 0, 2);
	tcase_add_loop_test(faults, after_a_restart_of_the_machine_runs_are_over, 0, 3);
	tcase_add_loop_test(faults, a_late_shim_leaves_the_next_attempt_alone, 0, 2);
	tcase_add_test(faults, a_log_begins_anew_when_its_id_comes_again);
	tcase_add_test(faults, leftovers_of_an_earlier_run_are_removed_at_launch);
	tcase_add_test(faults, zombies_do_not_count_as_alive);
	tcase_add_loop_test(faults, a_flow_outlives_its_supervisor, 0, 2);
	tcase_add_loop_test(faults, a_group_without_supervisor_holds_its_run, 0, 2);
	tcase_add_loop_test(faults, a_run_without_supervisor_can_be_cancelled, 0, 2);
	tcase_add_loop_test(faults, a_supervisor_killed_before_go_has_run_nothing, 0, 2);
	tcase_add_loop_test(
		faults, a_supervisor_killed_before_its_first_word_has_run_nothing, 0, 2);
	tcase_add_test(faults, a_process_killed_before_go_never_ran);
	tcase_add_loop_test(faults, a_foreign_flow_without_supervisor_ends_unknown, 0, 2);
	suite_add_tcase(s, faults);
	return s;
}

int
main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 99;
	if (argc == 2 && getenv(LATE_FLOW) != NULL)
		return supervise_late_flow(argv);
	if (argc > 3 && strcmp(argv[1], "--helper") == 0)
		return run_helper(argv[2], argv[3]);
	runner = srunner_create(make_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
