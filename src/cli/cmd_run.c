/* flowfile run ...: the scheduler, or one flow (contract 3.3). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/runs.h"
#include "cli/flow.h"
#include "runner/command.h"

/* --- the scheduler ----------------------------------------------------------------------------- */

/* The folder of this program; NULL when it cannot be told. In the arena. */
static const char *
own_folder(struct arena *a)
{
	char *dir = path_own_folder();
	const char *result = arena_strdup(a, dir);

	free(dir);
	return result;
}

static int
run_scheduler_run(struct cli *cli, struct err *err)
{
	const char *config = args_value(cli, "config"), *database = args_value(cli, "database");
	const char *folder = own_folder(&cli->arena), *beside;
	char *const none[] = {NULL};
	char *const *raw = cli->raw != NULL ? cli->raw : none;
	size_t n = 0, i = 0;
	char **argv;

	while (raw[n] != NULL)
		n++;
	argv = arena_array(&cli->arena, n + 6, sizeof(*argv));
	argv[i++] = arena_strdup(&cli->arena, "flowfile_scheduler");
	if (config != NULL) {
		argv[i++] = arena_strdup(&cli->arena, "--config");
		argv[i++] = arena_strdup(&cli->arena, config);
	}
	if (database != NULL) {
		argv[i++] = arena_strdup(&cli->arena, "--database");
		argv[i++] = arena_strdup(&cli->arena, database);
	}
	memcpy(&argv[i], raw, n * sizeof(*argv));
	if (folder != NULL) {
		beside = arena_printf(&cli->arena, "%s/flowfile_scheduler", folder);
		execv(beside, argv);
	}
	execvp("flowfile_scheduler", argv);
	return err_errno(err, errno, "flowfile_scheduler: neither beside this program nor in PATH");
}

/* --- one flow ---------------------------------------------------------------------------------- */

/* What became of the run, if it is in the catalog; failing to write that is only worth a warning. */
static void
record(struct cli *cli, const struct cli_flow_run *run, bool success, int64_t nodes_done,
	int64_t nodes)
{
	struct err err = ERR_INIT;
	bool closed;

	if (!run->recorded)
		return;
	if (runs_complete(&cli->catalog, run->run_id, success, nodes_done, nodes, &closed, &err) <
		0)
		fprintf(stderr, "flowfile: the end of run %lld was not recorded: %s\n",
			(long long)run->run_id, err.text);
	else if (!closed)
		fprintf(stderr, "flowfile: run %lld is not open; it is left as it is\n",
			(long long)run->run_id);
}

static int
check_path(const char *path, struct err *err)
{
	struct stat sb;

	if (stat(path, &sb) < 0)
		return err_set(err, ERR_FAILED, "there is no flow %s", path);
	if (!S_ISREG(sb.st_mode))
		return err_set(err, ERR_FAILED, "%s is not a file", path);
	if (!command_is_flow_file(path) && access(path, X_OK) != 0)
		return err_set(err, ERR_FAILED,
			"%s is neither a flow file (.yaml, .yml, .json) nor executable", path);
	return 0;
}

static int
check_params(const struct cli *cli, struct err *err)
{
	for (int i = 0; i < cli->n_given; i++) {
		const struct cli_given *given = &cli->given[i];

		if (strcmp(given->option->name, "param") != 0)
			continue;
		if (strchr(given->value, '=') == NULL || given->value[0] == '=')
			return err_set(
				err, ERR_FAILED, "--param: '%s' is not KEY=VALUE", given->value);
	}
	return 0;
}

static void
set_default(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 0);
}

/* What a program learns of its run; what the scheduler has set already stays. */
static void
set_environment(struct cli *cli, const struct cli_flow_run *run)
{
	struct arena *a = &cli->arena;
	const char *folder = own_folder(a), *path = getenv("PATH");
	struct err ignored = ERR_INIT;
	struct run_info info;

	for (int i = 0; i < cli->n_given; i++) {
		const struct cli_given *given = &cli->given[i];
		char *key, *value;

		if (strcmp(given->option->name, "param") != 0)
			continue;
		key = arena_strdup(a, given->value);
		value = strchr(key, '=');
		*value++ = '\0';
		setenv(arena_printf(a, "FLOWFILE_PARAM_%s", text_trim(key)), text_trim(value), 1);
	}
	if (folder != NULL) {
		/* Last, as the scheduler does it: nothing of the user's is hidden. */
		setenv("PATH",
			path != NULL && *path != '\0' ? arena_printf(a, "%s:%s", path, folder)
						      : folder,
			1);
		set_default("FLOWFILE_CLI", arena_printf(a, "%s/flowfile", folder));
	}
	setenv("PYTHONUNBUFFERED", "1", 0);
	if (run->run_id == ID_NONE)
		return;
	setenv("FLOWFILE_RUN_ID", out_int(a, run->run_id), 1);
	if (!run->recorded)
		return;
	set_default("FLOWFILE_DATABASE_URL", cli->database);
	set_default("FLOWFILE_STORAGE_DIR", cli->config->paths.base);
	if (runs_get(&cli->catalog, run->run_id, a, &info, &ignored) < 0)
		return;
	if (info.registration_id != ID_NONE)
		set_default("FLOWFILE_FLOW_ID", out_int(a, info.registration_id));
	if (info.schedule_id != ID_NONE)
		set_default("FLOWFILE_SCHEDULE_ID", out_int(a, info.schedule_id));
}

/*
 * Waits for the child and hands signals on to it. What the terminal sends reaches the child by itself,
 * so only what a process sent is handed on.
 */
static int
supervise(pid_t child, const sigset_t *signals, int *wstatus, struct err *err)
{
	siginfo_t info;
	int sig;

	for (;;) {
		if (waitpid(child, wstatus, WNOHANG) == child)
			return 0;
		sig = sigwaitinfo(signals, &info);
		if (sig < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for signals");
		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, sig);
	}
}

/* Ends this process the way the flow ended, for whoever watches it. */
static void
die_of(int sig)
{
	const struct rlimit no_core = {0, 0};
	sigset_t all;

	fflush(NULL);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(sig, SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(sig);
}

static int
start(const char *path, const sigset_t *old_mask, pid_t *child, struct err *err)
{
	char *argv[] = {(char *)path, NULL};

	fflush(NULL);
	*child = fork();
	if (*child < 0)
		return err_errno(err, errno, "start %s", path);
	if (*child > 0)
		return 0;
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	execv(path, argv);
	fprintf(stderr, "flowfile: %s cannot be executed: %s\n", path, strerror(errno));
	_exit(126);
}

static int
run_program(struct cli *cli, const struct cli_flow_run *run, struct err *err)
{
	char *path =
		strchr(run->path, '/') != NULL ? xstrdup(run->path) : xasprintf("./%s", run->path);
	sigset_t signals, old_mask;
	int wstatus = 0, rc;
	pid_t child = -1;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &old_mask);
	set_environment(cli, run);
	rc = start(path, &old_mask, &child, err);
	free(path);
	if (rc < 0 || supervise(child, &signals, &wstatus, err) < 0) {
		record(cli, run, false, 0, 0);
		return -1;
	}
	if (WIFSIGNALED(wstatus)) {
		/* The row stays open: whoever started us sees the signal and closes it with that. */
		die_of(WTERMSIG(wstatus));
		return err_set(err, ERR_FAILED, "killed by signal %d", WTERMSIG(wstatus));
	}
	record(cli, run, WEXITSTATUS(wstatus) == 0, 0, 0);
	if (WEXITSTATUS(wstatus) != 0)
		return err_set(
			err, ERR_FAILED, "%s exited with %d", run->path, WEXITSTATUS(wstatus));
	return 0;
}

/* A run that was told to end leaves its row open, as one that is killed: whoever started it sees the signal. */
static int
run_file(struct cli *cli, const struct cli_flow_run *run, struct err *err)
{
	int64_t done, nodes;
	int sig, rc;

	if (cli_check_params(cli, run->path, err) < 0) {
		record(cli, run, false, 0, 0);
		return -1;
	}
	set_environment(cli, run);
	rc = cli_run_flow_file(cli, run, &sig, &done, &nodes, err);
	if (rc < 0 && sig != 0) {
		fprintf(stderr, "flowfile: told to end (%s)\n", strsignal(sig));
		die_of(sig);
	}
	record(cli, run, rc == 0, done, nodes);
	if (rc < 0)
		err->code = ERR_FAILED; /* contract 3.3: whatever it is, 1 */
	return rc;
}

static int
run_flow_run(struct cli *cli, struct err *err)
{
	struct cli_flow_run run = {.path = cli->args[0]};
	struct err open_err = ERR_INIT;

	if (cli->n_args == 0)
		return err_set(err, ERR_FAILED,
			"which flow?\nUsage: flowfile run flow PATH [--run-id N] [--param K=V]...");
	if (args_int(cli, "run-id", 1, INT64_MAX, ID_NONE, &run.run_id, err) < 0 ||
		check_params(cli, err) < 0)
		return -1;
	if (run.run_id != ID_NONE) {
		run.recorded = cli_open(cli, CLI_NEED_CATALOG, &open_err) == 0;
		if (!run.recorded)
			fprintf(stderr, "flowfile: the run will not be recorded: %s\n",
				open_err.text);
	}
	if (cli_no_json(cli, err) < 0)
		return -1;
	if (check_path(run.path, err) < 0) {
		record(cli, &run, false, 0, 0);
		return -1;
	}
	return command_is_flow_file(run.path) ? run_file(cli, &run, err)
					      : run_program(cli, &run, err);
}

static const struct cli_option flow_options[] = {
	{"run-id", 0, "N", "record the end in this row of the catalog's runs", false},
	{"param", 0, "K=V",
		"a parameter: ${K} in a flow file; a program finds it as FLOWFILE_PARAM_K", true},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_run[] = {
	{"flowfile_scheduler", "[--once] [--config FILE] [--database URL]",
		"Runs the scheduler in the foreground", run_scheduler_run, 0, 0, NULL,
		"The arguments are flowfile_scheduler's own; see `flowfile_scheduler --help`.",
		true},
	{"flow", "PATH", "Runs one flow to its end", run_flow_run, 0, 1, flow_options, NULL, false},
	{0},
};
