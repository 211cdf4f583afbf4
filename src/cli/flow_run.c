/* `flowfile run flow` of a flow file: on the engine, in this process (contract 3.3). */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "catalog/runs.h"
#include "catalog/table_write.h"
#include "cli/cli.h"
#include "cli/flow.h"
#include "cli/progress.h"
#include "flow/node.h"
#include "flow/run.h"

/* --- being told to end ----------------------------------------------------------------------------------- */

static const int endings[] = {SIGTERM, SIGINT, SIGHUP};

struct watch {
	sigset_t signals;
	struct duck *duck;
	pthread_t thread;
	atomic_int seen;
};

static void *
watch_signals(void *arg)
{
	struct watch *w = arg;
	int sig;

	while (sigwait(&w->signals, &sig) != 0)
		;
	if (sig == SIGUSR1) /* the run is over */
		return NULL;
	atomic_store(&w->seen, sig);
	duck_interrupt(w->duck);
	return NULL;
}

/* Before the engine has threads, so that none of them gets the signals. */
static void
block_endings(struct watch *w)
{
	sigemptyset(&w->signals);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		sigaddset(&w->signals, endings[i]);
	sigaddset(&w->signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &w->signals, NULL);
}

static void
stop_watch(struct watch *w)
{
	pthread_kill(w->thread, SIGUSR1);
	pthread_join(w->thread, NULL);
}

/* --- one run ------------------------------------------------------------------------------------------------ */

struct flow_file_run {
	struct cli *cli;
	const struct cli_flow_run *asked;
	struct flow_progress progress;
	struct progress *bar; /* may be NULL */
	int64_t flow_id;
};

static void
say(void *arg, const char *line)
{
	struct flow_file_run *run = arg;

	progress_pause(run->bar);
	printf("%s\n", line);
	fflush(stdout);
	progress_go_on(run->bar);
}

/* How far it is, for whoever looks at the run's row; that it cannot be told changes nothing of the run. */
static void
tell_progress(void *arg, const struct flow_progress *progress)
{
	struct flow_file_run *run = arg;
	struct err ignored = ERR_INIT;
	char what[64] = "";

	if (progress->current != NULL)
		snprintf(what, sizeof(what), "node %" PRId64 " (%s)", progress->current->id,
			progress->current->kind->type);
	progress_set(run->bar, what, progress->done, progress->step, progress->nodes);
	if (run->asked->recorded)
		runs_progress(&run->cli->catalog, run->asked->run_id, (int64_t)progress->done,
			(int64_t)progress->nodes, &ignored);
}

static int
run_plan(struct flow_file_run *run, const struct flow *flow, struct duck *duck, struct err *err)
{
	struct plan_options options = {
		.duck = duck,
		.catalog = run->cli->catalog.db != NULL ? &run->cli->catalog : NULL,
		.run_id = run->asked->recorded ? run->asked->run_id : 0,
		.flow_id = run->flow_id,
		.say = say,
		.say_arg = run,
	};
	const struct flow_run_options how = {.progress = tell_progress, .arg = run};
	struct plan *plan;
	int rc;

	cli_plan_configure(run->cli, &options);
	if (plan_create(&options, &plan, err) < 0)
		return -1;
	plan_scope(plan, flow, NULL, 0);
	run->bar = progress_start(duck);
	rc = flow_run(plan, &how, &run->progress, err);
	progress_stop(run->bar);
	plan_free(plan);
	return rc;
}

int
cli_check_flow_file(const char *path, struct err *err)
{
	struct flow *flow;
	int rc;

	if (flow_read(path, NULL, 0, &flow, err) < 0)
		return -1;
	rc = plan_check(flow, err);
	flow_free(flow);
	return rc;
}

static int
take_params(struct cli *cli, struct flow_param **params, size_t *n, struct err *err)
{
	struct arena *a = &cli->arena;

	*n = 0;
	*params = arena_array(a, (size_t)cli->n_given + 1, sizeof(**params));
	for (int i = 0; i < cli->n_given; i++) {
		char *key, *value;

		if (strcmp(cli->given[i].option->name, "param") != 0)
			continue;
		key = arena_strdup(a, cli->given[i].value);
		value = strchr(key, '=');
		if (value == NULL || value == key)
			return err_set(err, ERR_USAGE, "--param: '%s' is not KEY=VALUE", key);
		*value++ = '\0';
		(*params)[(*n)++] = (struct flow_param){text_trim(key), text_trim(value)};
	}
	return 0;
}

int
cli_read_flow(struct cli *cli, const char *path, struct flow **out, struct err *err)
{
	struct flow_param *params;
	size_t n;

	if (take_params(cli, &params, &n, err) < 0)
		return -1;
	return flow_read(path, params, n, out, err);
}

int
cli_check_params(struct cli *cli, const char *path, struct err *err)
{
	struct flow_param *params;
	size_t n;

	if (take_params(cli, &params, &n, err) < 0)
		return -1;
	return flow_check_params(path, params, n, err) < 0 ? err_prefix(err, "--param") : 0;
}

int
cli_engine_open(struct cli *cli, struct duck **duck, struct err *err)
{
	const char *temp = text_env("TMPDIR");
	struct duck_options options = {0};

	if (cli_configure(cli, err) < 0)
		return -1;
	if (cli->config->engine_temp_dir != NULL) {
		temp = cli->config->engine_temp_dir;
		/* Better now than when something does not fit into memory. */
		if (file_mkdirs(temp, 0700, err) < 0)
			return err_prefix(err, "engine_temp_dir");
	}
	options.temp_dir = arena_printf(&cli->arena, "%s/flowfile-engine-%ld",
		temp != NULL ? temp : "/tmp", (long)getpid());
	options.memory_max_bytes = cli->config->engine_memory_bytes;
	options.threads = (int)cli->config->engine_threads;
	return duck_open(&options, duck, err);
}

/* Half the time that a run gets to end, so that there is some left to clean up in. */
void
cli_plan_configure(const struct cli *cli, struct plan_options *options)
{
	options->temp_dir = cli->config->engine_temp_dir;
	options->python = cli->config->python;
	options->grace_ms = cli->config->cancel_grace_ms / 2;
}

static bool
has_kind(const struct flow *flow, const char *prefix)
{
	for (size_t i = 0; i < flow->n_nodes; i++)
		if (text_starts(flow->nodes[i].kind->type, prefix))
			return true;
	return false;
}

/* Opens the catalog for a flow that has to do with it, and finds who the flow is there: by its run, or by its exact path. */
static int
find_catalog(struct flow_file_run *run, const struct flow *flow, struct err *err)
{
	struct cli *cli = run->cli;
	struct run_info info;
	const char *path;

	/* Flows that it runs may have to do with it; if they have not, it may be missing. */
	if (!has_kind(flow, "catalog_") && (!has_kind(flow, "run_flow") || !cli_open_if_there(cli)))
		return 0;
	if (cli->catalog.db == NULL && cli_open(cli, CLI_NEED_CATALOG, err) < 0)
		return -1;
	if (run->asked->recorded) {
		if (runs_get(&cli->catalog, run->asked->run_id, &cli->arena, &info, err) == 0)
			run->flow_id = info.registration_id;
		else if (err->code != ERR_NOT_FOUND)
			return -1;
		err_clear(err);
	}
	if (run->flow_id != ID_NONE)
		return 0;
	path = cli_absolute(cli, run->asked->path, err);
	if (path == NULL)
		return -1;
	return tables_flow_of_path(&cli->catalog, path, &run->flow_id, err);
}

static int
run_flow(struct flow_file_run *run, struct watch *watch, struct err *err)
{
	struct flow *flow;
	struct duck *duck;
	int rc;

	if (cli_read_flow(run->cli, run->asked->path, &flow, err) < 0)
		return -1;
	if (plan_check(flow, err) < 0 || find_catalog(run, flow, err) < 0 ||
		cli_engine_open(run->cli, &duck, err) < 0) {
		flow_free(flow);
		return -1;
	}
	watch->duck = duck;
	rc = pthread_create(&watch->thread, NULL, watch_signals, watch);
	if (rc == 0) {
		rc = run_plan(run, flow, duck, err);
		stop_watch(watch);
	} else {
		rc = err_errno(err, rc, "start a thread");
	}
	duck_close(duck);
	flow_free(flow);
	return rc;
}

int
cli_run_flow_file(struct cli *cli, const struct cli_flow_run *asked, int *signal_seen,
	int64_t *nodes_done, int64_t *nodes, struct err *err)
{
	struct flow_file_run run = {.cli = cli, .asked = asked};
	struct watch watch = {.seen = 0};
	int rc;

	block_endings(&watch);
	rc = run_flow(&run, &watch, err);
	*signal_seen = atomic_load(&watch.seen);
	*nodes_done = (int64_t)run.progress.done;
	*nodes = (int64_t)run.progress.nodes;
	return rc;
}
