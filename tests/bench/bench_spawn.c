/*
 * What the supervision of a run costs, beside what a process costs at all: a burst of launches up
 * to the last "ready", the whole of the runs, and the floor, as many `true` made and waited for
 * with nothing between. All in one go, so that the ratios hold on a busy machine; the best of some
 * rounds.
 *
 * Logs and exit files go to $TMPDIR or /tmp: making files may cost more than making processes.
 *
 *	bench_spawn [runs] [rounds]
 */
#include <event2/event.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/runner.h"

#define ROUNDS_MAX 1000

extern char **environ;

static struct {
	struct runner *r;
	struct event_base *base;
	char dir[64];
	int runs, ready, ended;
	int64_t id;
} b;

enum figure { FIG_TRUE, FIG_SHIM, FIG_LAUNCH, FIG_READY, FIG_END, FIGURES };

static const char *const names[FIGURES] = {
	[FIG_TRUE] = "true, made and waited for",
	[FIG_SHIM] = "the shim alone, made and ended",
	[FIG_LAUNCH] = "launch, the calls",
	[FIG_READY] = "launch, to the last ready",
	[FIG_END] = "go, to the last end",
};

static double
since_ms(struct boottime start)
{
	return (double)boottime_diff(clock_boot(&clock_real), start) / 1000.0;
}

static void
on_event(const struct runner_event *event, void *arg)
{
	(void)arg;
	if (event->type == RUNNER_READY) {
		b.ready++;
	} else {
		b.ended++;
		runner_real.forget(b.r, event->run_id, 1, NULL);
	}
	if (b.ready == b.runs || b.ended == b.runs)
		event_base_loopbreak(b.base);
}

static double
burst_ms(const char *program, int n)
{
	char name[] = "x", *argv[] = {name, NULL};
	struct boottime start = clock_boot(&clock_real);
	pid_t *pids = xcalloc((size_t)n, sizeof(*pids));
	posix_spawn_file_actions_t quiet;

	/* The shim, called by hand, says that one should not. */
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < n; i++)
		if (posix_spawn(&pids[i], program, &quiet, NULL, argv, environ) != 0)
			abort();
	posix_spawn_file_actions_destroy(&quiet);
	for (int i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	free(pids);
	return since_ms(start);
}

static void
launch(int64_t id)
{
	static const char *const argv[] = {"/bin/true", NULL};
	char log[128];
	const struct launch_spec spec = {.run_id = id,
		.attempt = 1,
		.argv = argv,
		.log_path = log,
		.log_max_bytes = 64 << 20,
		.grace_ms = 1};
	struct err err = ERR_INIT;

	snprintf(log, sizeof(log), "%s/logs/%d.log", b.dir, (int)id);
	if (runner_real.launch(b.r, &spec, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void
measure_runs(double figures[FIGURES])
{
	struct boottime start = clock_boot(&clock_real);
	int64_t first = b.id;

	b.ready = b.ended = 0;
	for (int i = 0; i < b.runs; i++)
		launch(b.id++);
	figures[FIG_LAUNCH] = since_ms(start);
	event_base_dispatch(b.base);
	figures[FIG_READY] = since_ms(start);
	start = clock_boot(&clock_real);
	b.ready = 0;
	for (int64_t id = first; id < b.id; id++)
		runner_real.go(b.r, id);
	event_base_dispatch(b.base);
	figures[FIG_END] = since_ms(start);
}

static void
measure(double best[FIGURES], int rounds)
{
	double now[FIGURES];

	for (int i = 0; i < rounds; i++) {
		now[FIG_TRUE] = burst_ms("/bin/true", b.runs);
		now[FIG_SHIM] = burst_ms(SHIM_PATH, b.runs);
		measure_runs(now);
		for (int k = 0; k < FIGURES; k++)
			if (i == 0 || now[k] < best[k])
				best[k] = now[k];
	}
}

int
main(int argc, char **argv)
{
	struct runner_options options = {.shim_path = SHIM_PATH};
	double best[FIGURES];
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	const char *tmp = getenv("TMPDIR");
	struct err err = ERR_INIT;
	char state[128], command[128];

	b.runs = argc > 1 ? atoi(argv[1]) : 200;
	snprintf(b.dir, sizeof(b.dir), "%s/ff-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (b.runs < 1 || rounds < 1 || rounds > ROUNDS_MAX || mkdtemp(b.dir) == NULL)
		return 2;
	snprintf(state, sizeof(state), "%s/state", b.dir);
	options.state_dir = state;
	b.base = event_base_new();
	if (runner_create(b.base, &options, on_event, NULL, &b.r, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	measure(best, rounds);
	runner_free(b.r);
	event_base_free(b.base);
	printf("%d runs, best of %d rounds\n", b.runs, rounds);
	for (int k = 0; k < FIGURES; k++)
		printf("  %-32s %8.1f ms %6.2f\n", names[k], best[k], best[k] / best[FIG_TRUE]);
	snprintf(command, sizeof(command), "rm -rf '%s'", b.dir);
	return system(command) != 0;
}
