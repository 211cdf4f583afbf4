/* Runs that ended while no scheduler was there to record it. */
#include <string.h>

#include "cli/cli.h"
#include "runner/exitfile.h"

/* The exit record of a run that really ran; one that never began is started again, and has not ended. */
static bool
read_record(const struct cli *cli, const struct run_info *run, struct exit_record *record)
{
	const struct run_details *d = &run->details;
	struct err ignored = ERR_INIT;

	return d->state_dir != NULL && d->attempt > 0 &&
		catalog_same(d->host, cli->config->instance_name) &&
		exit_record_read(d->state_dir, run->id, (int)d->attempt, record, &ignored) > 0 &&
		record->exit.started_us != TIME_NONE && record->exit.ended_us != TIME_NONE;
}

/* As the next scheduler will record it. */
static void
fill(struct cli *cli, struct run_info *run, const struct run_exit *e)
{
	struct run_details *d = &run->details;

	run->ended_us = e->ended_us;
	run->success = e->known && e->code == 0 && !e->cancelled && d->cancel_us == TIME_NONE
		? TRI_TRUE
		: TRI_FALSE;
	if (run->started_us != TIME_NONE && run->ended_us >= run->started_us)
		run->duration_s = (double)(run->ended_us - run->started_us) / (double)US_PER_SEC;
	d->state = "ended";
	d->exit_code = e->code >= 0 ? e->code : COUNT_NONE;
	d->exit_signal = e->signal > 0 ? e->signal : COUNT_NONE;
	d->cpu_us = e->cpu_us >= 0 ? e->cpu_us : COUNT_NONE;
	d->max_rss_kb = e->max_rss_kb >= 0 ? e->max_rss_kb : COUNT_NONE;
	if (e->reason[0] != '\0')
		d->reason = arena_strdup(&cli->arena, e->reason);
	if (e->cancelled && d->cancel_us == TIME_NONE) {
		d->cancel_us = e->ended_us;
		d->cancel_by = "SIGTERM";
	}
}

static enum unseen
look(struct cli *cli, struct run_info *run)
{
	const struct run_details *d = &run->details;
	/* Asked first: the record is written before its supervisor ends. */
	bool gone = process_is_gone(cli, d->host, d->boot_id, d->shim_pid, d->shim_start);
	struct exit_record record;

	if (!read_record(cli, run, &record))
		return gone ? UNSEEN_LOST : UNSEEN_OPEN;
	fill(cli, run, &record.exit);
	return UNSEEN_ENDED;
}

int
unseen_look(struct cli *cli, struct run_info *runs, size_t n, enum unseen *states, struct err *err)
{
	struct leader_info leader;
	bool asked = false, lives = false;

	for (size_t i = 0; i < n; i++) {
		states[i] = UNSEEN_NOTHING;
		if (runs[i].ended_us != TIME_NONE || !runs[i].details.found)
			continue;
		if (!asked && status_leader(&cli->catalog, &cli->arena, &leader, err) < 0)
			return -1;
		if (!asked)
			lives = leader_lives(cli, &leader);
		asked = true;
		if (!lives)
			states[i] = look(cli, &runs[i]);
	}
	return 0;
}

const char *
unseen_text(enum unseen state)
{
	static const char *const texts[] = {
		[UNSEEN_NOTHING] = "",
		[UNSEEN_OPEN] = " (as the last scheduler knew it; none is running)",
		[UNSEEN_LOST] = " (as the last scheduler knew it; its process is gone)",
		[UNSEEN_ENDED] = " (not recorded yet: no scheduler is running)",
	};

	return texts[state];
}
