/* flowfile runs ... */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/resolve.h"
#include "catalog/runs.h"
#include "cli/cli.h"

static int
read_filter(struct cli *cli, struct run_filter *f, struct err *err)
{
	const char *flow = args_value(cli, "flow"), *schedule = args_value(cli, "schedule");

	*f = (struct run_filter){
		.run_type = args_value(cli, "type"),
		.search = args_value(cli, "search"),
		.status = args_value(cli, "status"),
		.active = args_has(cli, "active"),
	};
	if (f->run_type != NULL && !runs_type_known(f->run_type))
		return err_set(err, ERR_USAGE,
			"--type: '%s' is none of scheduled, manual, on_demand, in_designer_run",
			f->run_type);
	if (f->status != NULL && !runs_status_filter(f->status))
		return err_set(err, ERR_USAGE,
			"--status: '%s' is none of running, success, failed, cancelled, unknown",
			f->status);
	if (args_int(cli, "limit", 1, RUNS_LIMIT_MAX, RUNS_LIMIT_DEFAULT, &f->limit, err) < 0 ||
		args_int(cli, "offset", 0, INT64_MAX, 0, &f->offset, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0)
		return -1;
	if (flow != NULL && resolve_flow(&cli->catalog, flow, &f->registration_id, err) < 0)
		return -1;
	return schedule == NULL ? 0
				: resolve_schedule(&cli->catalog, schedule, &f->schedule_id, err);
}

static const char *
how_long(struct arena *a, const struct run_info *r, int64_t now_us)
{
	if (r->ended_us != TIME_NONE)
		return out_duration(a, r->duration_s);
	if (r->started_us == TIME_NONE || r->started_us > now_us)
		return "-";
	return out_duration(a, (double)(now_us - r->started_us) / (double)US_PER_SEC);
}

static int
runs_list_run(struct cli *cli, struct err *err)
{
	static const struct out_column columns[] = {
		{"ID", true, false},
		{"FLOW", false, true},
		{"TYPE", false, false},
		{"SCHEDULE", true, false},
		{"STARTED (UTC)", false, false},
		{"TOOK", true, false},
		{"STATUS", false, false},
	};
	struct arena *a = &cli->arena;
	struct run_filter filter;
	enum unseen *unseen;
	struct run_page page;
	struct out_table t;
	size_t n_open = 0, n_ended = 0;
	int64_t now_us;

	if (read_filter(cli, &filter, err) < 0 ||
		runs_list(&cli->catalog, &filter, a, &page, err) < 0)
		return -1;
	unseen = arena_array(a, page.n + 1, sizeof(*unseen));
	if (unseen_look(cli, page.items, page.n, unseen, err) < 0)
		return -1;
	if (cli->json) {
		runs_json_page(out_json_begin(cli), &page);
		return out_json_end(cli, err);
	}
	now_us = clock_wall(cli->catalog.clock);
	out_table_begin(&t, a, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < page.n; i++) {
		const struct run_info *r = &page.items[i];

		out_cell(&t, out_int(a, r->id));
		out_cell(&t, r->flow_name);
		out_cell(&t, r->run_type);
		out_cell(&t, r->schedule_id == ID_NONE ? NULL : out_int(a, r->schedule_id));
		out_cell(&t, out_time_cell(a, r->started_us, now_us));
		out_cell(&t, how_long(a, r, now_us));
		out_cell(&t,
			unseen[i] == UNSEEN_ENDED ? arena_printf(a, "%s*", runs_status(r))
						  : runs_status(r));
		n_open += unseen[i] == UNSEEN_OPEN || unseen[i] == UNSEEN_LOST;
		n_ended += unseen[i] == UNSEEN_ENDED;
	}
	out_table_end(&t,
		page.total == 0
			? "No runs."
			: arena_printf(a, "No more runs; there are %lld.", (long long)page.total));
	fflush(stdout);
	if (n_ended > 0)
		fputs("* Not recorded yet: no scheduler is running.\n", stderr);
	if (n_open > 0)
		fputs("No scheduler is running: what has not ended is shown as the last one knew "
		      "it.\n",
			stderr);
	if (page.total > filter.offset + (int64_t)page.n)
		fprintf(stderr, "%zu of %lld runs; --offset %lld shows more.\n", page.n,
			(long long)page.total, (long long)(filter.offset + (int64_t)page.n));
	return 0;
}

static const char *
exit_text(struct arena *a, const struct run_details *d)
{
	if (d->exit_signal > 0)
		return arena_printf(a, "signal %lld (%s)", (long long)d->exit_signal,
			strsignal((int)d->exit_signal));
	return d->exit_code == COUNT_NONE ? NULL : out_int(a, d->exit_code);
}

static void
print_details(struct cli *cli, const struct run_details *d)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;

	out_field("Cause", d->cause);
	out_field("Due", out_time(a, d->due_us, now_us));
	out_field("Host", d->host);
	out_field("Exit status", exit_text(a, d));
	if (d->reason != NULL)
		out_field("Reason", d->reason);
	if (d->cancel_us != TIME_NONE)
		out_field("Cancelled",
			arena_printf(a, "%s by %s", out_time(a, d->cancel_us, now_us),
				d->cancel_by != NULL ? d->cancel_by : "-"));
	if (d->cpu_us != COUNT_NONE)
		out_field("CPU time", out_duration(a, (double)d->cpu_us / (double)US_PER_SEC));
	if (d->max_rss_kb != COUNT_NONE)
		out_field("Peak memory", out_bytes(a, d->max_rss_kb * 1024));
	if (d->attempt > 1)
		out_field("Attempt",
			arena_printf(a,
				"%lld; before, its scheduler or its supervisor ended, or was told "
				"to, when nothing of the flow had run yet",
				(long long)d->attempt));
}

static void
print_run(struct cli *cli, const struct run_info *r, enum unseen unseen)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;

	out_field("Id", out_int(a, r->id));
	out_field("Flow",
		r->registration_id == ID_NONE ? r->flow_name
					      : arena_printf(a, "%s (%lld)", r->flow_name,
							(long long)r->registration_id));
	out_field("File", r->flow_path);
	out_field("Status", arena_printf(a, "%s%s", runs_status(r), unseen_text(unseen)));
	out_field("Type", r->run_type);
	if (r->schedule_id != ID_NONE)
		out_field("Schedule", out_int(a, r->schedule_id));
	out_field("User", out_int(a, r->user_id));
	out_field("Started", out_time(a, r->started_us, now_us));
	out_field("Ended", out_time(a, r->ended_us, now_us));
	out_field("Took", how_long(a, r, now_us));
	if (r->number_of_nodes > 0)
		out_field("Nodes",
			arena_printf(a, "%lld of %lld", (long long)r->nodes_completed,
				(long long)r->number_of_nodes));
	if (r->ended_us == TIME_NONE && r->pid > 0)
		out_field("Process", out_int(a, r->pid));
	out_field("Log",
		r->has_log ? cli_hint(cli,
				     arena_printf(a, "`flowfile runs logs %lld`", (long long)r->id))
			   : NULL);
}

static int
runs_show_run(struct cli *cli, struct err *err)
{
	struct run_info run;
	enum unseen unseen;
	const char *last;
	int64_t id;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_run(&cli->catalog, cli->args[0], &id, err) < 0 ||
		runs_get(&cli->catalog, id, &cli->arena, &run, err) < 0 ||
		unseen_look(cli, &run, 1, &unseen, err) < 0)
		return -1;
	if (cli->json) {
		runs_json_detail(out_json_begin(cli), &run);
		return out_json_end(cli, err);
	}
	print_run(cli, &run, unseen);
	if (run.details.found)
		print_details(cli, &run.details);
	if (run.success == TRI_FALSE && (last = log_last_line(cli, id)) != NULL)
		out_field("Last line", last);
	return 0;
}

/* The latest run unless one is named. */
static int
which_log(struct cli *cli, int64_t *id, struct err *err)
{
	if (cli->n_args > 0)
		return resolve_run(&cli->catalog, cli->args[0], id, err);
	if (runs_latest_spawned(&cli->catalog, id, err) < 0)
		return -1;
	return *id != ID_NONE ? 0 : err_set(err, ERR_NOT_FOUND, "there is no run yet");
}

/* Whether it ran on another host, and that one's logs are not in a folder that this one has, too. */
static bool
is_elsewhere(const struct cli *cli, const struct run_info *run)
{
	return run->details.host != NULL && !run->has_log &&
		!catalog_same(run->details.host, cli->config->instance_name);
}

static int
runs_logs_run(struct cli *cli, struct err *err)
{
	bool follow = args_has(cli, "follow");
	struct run_info run;
	int64_t id;

	if (cli->json)
		return err_set(err, ERR_USAGE,
			"--json: a log is text, and is printed as it is; `flowfile runs show ID "
			"--json` has the rest of a run");
	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 || which_log(cli, &id, err) < 0 ||
		runs_get(&cli->catalog, id, &cli->arena, &run, err) < 0)
		return -1;
	if (!runs_type_spawned(run.run_type))
		return err_set(err, ERR_NOT_FOUND,
			"run %lld has no log: it ran inside Flowfile's designer", (long long)id);
	if (cli->n_args == 0)
		fprintf(stderr, "Run %lld of %s, the latest: %s, started %s.\n", (long long)id,
			out_clean(&cli->arena, run.flow_name), runs_status(&run),
			out_time(&cli->arena, run.started_us, clock_wall(cli->catalog.clock)));
	if (is_elsewhere(cli, &run)) {
		if (!follow || run.ended_us != TIME_NONE)
			return err_set(err, ERR_NOT_FOUND,
				"run %lld ran on %s, and its log is there: there is none here in "
				"%s",
				(long long)id, run.details.host, cli->config->paths.logs);
		fprintf(stderr, "Run %lld runs on %s, and its log is there; waiting for its end.\n",
			(long long)id, out_clean(&cli->arena, run.details.host));
	}
	return follow_log(cli, id, follow, err);
}

static int
runs_cancel_run(struct cli *cli, struct err *err)
{
	int64_t id;

	if (cli_open(cli, CLI_NEED_OURS, err) < 0 ||
		resolve_run(&cli->catalog, cli->args[0], &id, err) < 0)
		return -1;
	return request_cancel(cli, id, err);
}

static const struct cli_option list_options[] = {
	{"flow", 0, "FLOW", "only of this flow", false},
	{"schedule", 0, "ID", "only of this schedule", false},
	{"type", 0, "T", "scheduled, manual, on_demand or in_designer_run", false},
	{"status", 0, "S", "running, success, failed, cancelled or unknown", false},
	{"search", 0, "TEXT", "only of flows with this in their name", false},
	{"active", 0, NULL, "only those that have not ended", false},
	{"limit", 0, "N", "at most so many; 50 if not said, 500 at most", false},
	{"offset", 0, "N", "leave out the first N", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option logs_options[] = {
	{"follow", 'f', NULL, "go on until the run has ended", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option cancel_options[] = {
	{"wait", 0, NULL, "wait until the run has ended", false},
	{"queue", 0, NULL, "keep the request if no scheduler is running", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_runs[] = {
	{"list", "", "Lists runs, latest first", runs_list_run, 0, 0, list_options, NULL, false},
	{"show", "ID", "Shows one run", runs_show_run, 1, 1, NULL, NULL, false},
	{"logs", "[ID]", "Prints a run's log, that of the latest run without an id", runs_logs_run,
		0, 1, logs_options, "`flowfile runs list` shows the ids.", false},
	{"cancel", "ID", "Ends a run", runs_cancel_run, 1, 1, cancel_options,
		"A run that has ended already is left as it is, and that is no error.", false},
	{0},
};
