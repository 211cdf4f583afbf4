/* flowfile scheduler ... */
#include <stdio.h>

#include "base/mem.h"
#include "catalog/status.h"
#include "cli/cli.h"

static const char *
leader_text(struct cli *cli, const struct leader_info *l)
{
	struct arena *a = &cli->arena;

	if (!l->any)
		return "none; start one with `flowfile run flowfile_scheduler`";
	if (!leader_lives(cli, l))
		return arena_printf(a, "none: %s. Start one with `flowfile run flowfile_scheduler`",
			leader_lost(cli, l));
	if (!l->ours)
		return arena_printf(a, "%s, a scheduler of Flowfile's own", l->holder_id);
	return arena_printf(a, "%s on %s, pid %lld, version %s", l->holder_id, l->host,
		(long long)l->pid, l->version);
}

/* One that ended without a word is remembered for a while. */
static const char *
instance_state(const struct cli *cli, const struct instance_info *in, int64_t now_us)
{
	if (process_is_gone(cli, in->host, in->boot_id, in->pid, in->pid_start))
		return "gone";
	if (in->seen_us == TIME_NONE || now_us - in->seen_us > STATUS_LOCK_STALE_US)
		return "not heard of";
	return in->leads ? "leads" : "stands by";
}

static void
print_instances(struct cli *cli, const struct status_info *s, int64_t now_us)
{
	static const struct out_column columns[] = {
		{"INSTANCE", false, false},
		{"HOST", false, true},
		{"PID", true, false},
		{"VERSION", false, false},
		{"STARTED (UTC)", false, false},
		{"SEEN", false, false},
		{"STATE", false, false},
	};
	struct arena *a = &cli->arena;
	struct out_table t;

	if (s->n_instances == 0)
		return;
	putchar('\n');
	out_table_begin(&t, a, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < s->n_instances; i++) {
		const struct instance_info *in = &s->instances[i];

		out_cell(&t, in->holder_id);
		out_cell(&t, in->host);
		out_cell(&t, out_int(a, in->pid));
		out_cell(&t, in->version);
		out_cell(&t, out_time_cell(a, in->started_us, now_us));
		out_cell(&t, out_age(a, in->seen_us, now_us));
		out_cell(&t, instance_state(cli, in, now_us));
	}
	out_table_end(&t, "");
}

static void
print_status(struct cli *cli, const struct status_info *s)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;

	out_field("Catalog", db_display(cli->catalog.db));
	out_field("Scheduler", cli_hint(cli, leader_text(cli, &s->leader)));
	if (s->leader.any) {
		out_field("Heartbeat", out_time(a, s->leader.heartbeat_us, now_us));
		out_field("Since", out_time(a, s->leader.started_us, now_us));
	}
	out_field("Launching",
		s->paused ? cli_hint(cli, "paused; go on with `flowfile scheduler resume`") : "on");
	out_field("Active runs", out_int(a, s->active_runs));
	out_field("Schedules",
		arena_printf(a, "%lld, %lld of them enabled", (long long)s->schedules,
			(long long)s->schedules_enabled));
	if (!s->prepared)
		return;
	out_field("Due", out_int(a, s->due));
	out_field("Requests", out_int(a, s->open_requests));
	if (s->next_due_us != TIME_NEVER)
		out_field("Next",
			arena_printf(a, "%s, schedule %lld%s", out_time(a, s->next_due_us, now_us),
				(long long)s->next_schedule_id,
				leader_lives(cli, &s->leader)
					? ""
					: ", but only if a scheduler runs then"));
	print_instances(cli, s, now_us);
}

static int
scheduler_status_run(struct cli *cli, struct err *err)
{
	struct status_info s;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		status_get(&cli->catalog, &cli->arena, &s, err) < 0)
		return -1;
	if (cli->json) {
		status_json(out_json_begin(cli), &s);
		return out_json_end(cli, err);
	}
	print_status(cli, &s);
	return 0;
}

static int
set_paused(struct cli *cli, bool paused, struct err *err)
{
	struct json *j;
	bool changed;

	if (cli_open(cli, CLI_NEED_OURS, err) < 0 ||
		status_set_paused(&cli->catalog, paused, &changed, err) < 0)
		return -1;
	if (cli->json) {
		j = out_json_begin(cli);
		json_object(j);
		json_kv_bool(j, "paused", paused);
		json_kv_bool(j, "changed", changed);
		json_object_end(j);
		return out_json_end(cli, err);
	}
	if (!changed)
		puts(paused ? "Launching was paused already." : "Launching was on already.");
	else if (paused)
		puts(cli_hint(cli,
			"Launching is paused: no schedule fires until `flowfile scheduler resume`. "
			"Active runs go on, and what you run by hand is launched."));
	else
		puts("Launching is on again: what became due meanwhile is launched now.");
	return 0;
}

static int
scheduler_pause_run(struct cli *cli, struct err *err)
{
	return set_paused(cli, true, err);
}

static int
scheduler_resume_run(struct cli *cli, struct err *err)
{
	return set_paused(cli, false, err);
}

const struct cli_command cmd_scheduler[] = {
	{"status", "", "Says who leads and what is to be done", scheduler_status_run, 0, 0, NULL,
		NULL, false},
	{"pause", "", "Keeps everything from being launched", scheduler_pause_run, 0, 0, NULL, NULL,
		false},
	{"resume", "", "Goes on launching", scheduler_resume_run, 0, 0, NULL, NULL, false},
	{"open", "", "Opens the scheduler's page in a browser", scheduler_open_run, 0, 0, NULL,
		"Prints the address, which lets in whoever has it. Where there is a display, a "
		"browser "
		"is started.",
		false},
	{0},
};
