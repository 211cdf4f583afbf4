/* Run-now and cancel: asked of the leading daemon. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "catalog/requests.h"
#include "catalog/runs.h"
#include "catalog/status.h"
#include "cli/cli.h"

/* A leading daemon answers in milliseconds; this long it may be busy. */
#define ANSWER_TIMEOUT_MS 10000
/* Where the leader died another takes over by then, if there is one. */
#define TAKEOVER_TIMEOUT_MS 3000
#define START_LOOK_MS 10
#define START_TIMEOUT_MS 1000

static int
not_now(const struct leader_info *leader, struct err *err)
{
	if (leader->active)
		return err_set(err, ERR_FAILED,
			"the scheduler that leads on this catalog (%s) takes no requests: it is "
			"not "
			"flowfile_scheduler\nStop it and start `flowfile run flowfile_scheduler`, "
			"or "
			"keep the request for later with --queue.",
			leader->holder_id);
	return err_set(err, ERR_FAILED,
		"no scheduler is running, so nobody would do it\n"
		"Start one with `flowfile run flowfile_scheduler`, or keep the request for later "
		"with --queue.");
}

/* A leader that did not stop of itself: somebody or something will start it again. */
static bool
has_crashed(struct cli *cli, const struct leader_info *leader)
{
	return leader->any && leader->ours && (!leader->active || leader_is_gone(cli, leader));
}

/*
 * Nobody answered: the request goes, unless the answer has just come. When the leader has died meanwhile, it
 * stays for the next one.
 */
static int
give_up(struct cli *cli, int64_t id, struct request_answer *answer, struct err *err)
{
	struct leader_info found, *leader = &found;
	bool withdrawn;

	if (status_leader(&cli->catalog, &cli->arena, leader, err) < 0)
		return -1;
	if (has_crashed(cli, leader))
		return err_set(err, ERR_FAILED,
			"no scheduler leads: %s\nRequest %lld is kept: the next scheduler carries "
			"it "
			"out. Start one with `flowfile run flowfile_scheduler`.",
			leader_lost(cli, leader), (long long)id);
	if (requests_withdraw(&cli->catalog, id, &withdrawn, err) < 0)
		return -1;
	if (!withdrawn)
		return requests_wait(&cli->catalog, id, 0, &cli->arena, answer, err);
	return err_set(err, ERR_FAILED,
		"the scheduler (%s, pid %lld) has not done it within %d s, and the request was "
		"taken back\nIts places for runs may all be taken: see `flowfile runs list "
		"--active` and `flowfile scheduler status`.",
		leader->host != NULL ? leader->host : "gone meanwhile", (long long)leader->pid,
		ANSWER_TIMEOUT_MS / 1000);
}

static int
queued(struct cli *cli, int64_t id, struct err *err)
{
	struct json *j;

	if (!cli->json) {
		printf("Request %lld is kept for the scheduler.\n", (long long)id);
		return 0;
	}
	j = out_json_begin(cli);
	json_object(j);
	json_kv_int(j, "request_id", id);
	json_object_end(j);
	return out_json_end(cli, err);
}

/* 1: answered; 0: left in the queue, as the user wanted; -1. */
static int
ask(struct cli *cli, const struct request_new *request, struct request_answer *answer,
	struct err *err)
{
	bool queue = args_has(cli, "queue"), crashed, now;
	struct leader_info leader;
	int64_t id;

	if (queue && args_has(cli, "wait"))
		return err_set(err, ERR_USAGE,
			"--queue and --wait: what is kept for a scheduler that is not there is not "
			"waited for; give one of them");
	if (status_leader(&cli->catalog, &cli->arena, &leader, err) < 0)
		return -1;
	crashed = has_crashed(cli, &leader);
	now = leader.active && leader.ours && !crashed;
	if (!queue && !now && !crashed)
		return not_now(&leader, err);
	if (requests_submit(&cli->catalog, request, &id, err) < 0)
		return err_prefix(err, "ask the scheduler");
	if (!now && queue)
		return queued(cli, id, err);
	if (requests_wait(&cli->catalog, id, crashed ? TAKEOVER_TIMEOUT_MS : ANSWER_TIMEOUT_MS,
		    &cli->arena, answer, err) < 0)
		return -1;
	if (!answer->answered && queue)
		return queued(cli, id, err);
	if (!answer->answered && give_up(cli, id, answer, err) < 0)
		return -1;
	return 1;
}

/* A run is claimed first, and its process made then: that takes milliseconds. */
static int
wait_for_start(struct cli *cli, int64_t id, struct run_info *run, struct err *err)
{
	const struct timespec pause = {0, START_LOOK_MS * 1000000};

	for (int waited_ms = 0;; waited_ms += START_LOOK_MS) {
		if (runs_get(&cli->catalog, id, &cli->arena, run, err) < 0)
			return -1;
		if (strcmp(runs_status(run), "starting") != 0 || waited_ms >= START_TIMEOUT_MS)
			return 0;
		nanosleep(&pause, NULL);
	}
}

static int
print_run(struct cli *cli, const struct run_info *run, struct err *err)
{
	struct arena *a = &cli->arena;
	const char *name = out_clean(a, run->flow_name), *why = runs_failure(a, run), *last;

	if (cli->json) {
		runs_json_detail(out_json_begin(cli), run);
		return out_json_end(cli, err);
	}
	if (run->ended_us == TIME_NONE) {
		printf("Run %lld of %s %s.\n", (long long)run->id, name,
			strcmp(runs_status(run), "starting") == 0 ? "is being started"
								  : "has started");
		return 0;
	}
	printf("Run %lld of %s has ended: %s%s%s (%s).\n", (long long)run->id, name,
		runs_status(run), why != NULL ? ", " : "", why != NULL ? out_clean(a, why) : "",
		out_duration(a, run->duration_s));
	if (run->success != TRI_TRUE && (last = log_last_line(cli, run->id)) != NULL)
		printf("It said last: %s\n", last);
	if (run->success != TRI_TRUE && run->has_log)
		printf("Its log: %s\n",
			cli_hint(cli,
				arena_printf(a, "`flowfile runs logs %lld`", (long long)run->id)));
	return 0;
}

int
request_run(struct cli *cli, int64_t registration_id, int64_t schedule_id, struct err *err)
{
	const struct request_new request = {
		.kind = "run",
		.registration_id = registration_id,
		.schedule_id = schedule_id,
		.requested_by = cli_who(cli),
	};
	bool wait = args_has(cli, "wait");
	struct request_answer answer;
	struct run_info run;
	int r = ask(cli, &request, &answer, err);

	if (r <= 0)
		return r;
	if (!answer.done && answer.run_id != ID_NONE)
		return err_set(err, ERR_CONFLICT, "%s: run %lld",
			answer.detail != NULL ? answer.detail : "the scheduler refused",
			(long long)answer.run_id);
	if (!answer.done)
		return err_set(err, ERR_CONFLICT, "%s",
			answer.detail != NULL ? answer.detail : "the scheduler refused");
	if (wait)
		r = follow_run(cli, answer.run_id, &run, err);
	else
		r = wait_for_start(cli, answer.run_id, &run, err);
	if (r > 0)
		return 0;
	if (r < 0)
		return err_prefix(err, "run %lld", (long long)answer.run_id);
	if (run.ended_us != TIME_NONE && run.success != TRI_TRUE)
		cli->status = 1;
	return print_run(cli, &run, err);
}

/* Prints that there is nothing to cancel. Not an error: what was wanted is so. */
static int
ended_already(struct cli *cli, const struct run_info *run, struct err *err)
{
	if (cli->json) {
		runs_json_detail(out_json_begin(cli), run);
		return out_json_end(cli, err);
	}
	printf("Run %lld has ended already: %s, %s.\n", (long long)run->id, runs_status(run),
		out_time(&cli->arena, run->ended_us, clock_wall(cli->catalog.clock)));
	return 0;
}

/* A run is cancelled by a scheduler on its own host. */
static int
note_host(struct cli *cli, const struct run_info *run, struct err *err)
{
	const char *host = run->details.host;
	int64_t seen_us, now_us = clock_wall(cli->catalog.clock);

	if (host == NULL || run->ended_us != TIME_NONE)
		return 0;
	if (status_host_seen(&cli->catalog, host, &seen_us, err) < 0)
		return -1;
	if (seen_us != TIME_NONE && now_us - seen_us <= STATUS_LOCK_STALE_US)
		return 0;
	fprintf(stderr,
		"Run %lld is on %s, where no scheduler has been heard of%s%s: it is cancelled when "
		"one "
		"is there again, or closed after lost_host_timeout.\n",
		(long long)run->id, out_clean(&cli->arena, host),
		seen_us != TIME_NONE ? " since " : " lately",
		seen_us != TIME_NONE ? out_time(&cli->arena, seen_us, now_us) : "");
	return 0;
}

int
request_cancel(struct cli *cli, int64_t run_id, struct err *err)
{
	const struct request_new request = {
		.kind = "cancel", .run_id = run_id, .requested_by = cli_who(cli)};
	bool wait = args_has(cli, "wait");
	struct request_answer answer;
	struct run_info run;
	int r;

	if (runs_get(&cli->catalog, run_id, &cli->arena, &run, err) < 0)
		return -1;
	if (run.ended_us != TIME_NONE)
		return ended_already(cli, &run, err);
	r = ask(cli, &request, &answer, err);
	if (r <= 0)
		return r;
	if (answer.done && note_host(cli, &run, err) < 0)
		return -1;
	if (answer.done && wait)
		r = follow_run(cli, run_id, &run, err);
	else
		r = runs_get(&cli->catalog, run_id, &cli->arena, &run, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!answer.done && run.ended_us != TIME_NONE)
		return ended_already(cli, &run, err);
	if (!answer.done)
		return err_set(err, ERR_CONFLICT, "%s",
			answer.detail != NULL ? answer.detail : "the scheduler refused");
	if (cli->json || run.ended_us != TIME_NONE)
		return print_run(cli, &run, err);
	printf("Run %lld is being cancelled.\n", (long long)run_id);
	return 0;
}
