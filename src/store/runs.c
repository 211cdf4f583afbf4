#include "store/runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int
runs_record(struct db *db, int64_t run_id, const struct proc_id *shim, const struct proc_id *flow,
	const char *state_dir, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_SET_PID);
	int64_t changed;

	stmt_int(st, 1, run_id);
	stmt_int(st, 2, shim->pid);
	if (stmt_exec(st, &changed, err) < 0)
		return err_prefix(err, "record the process of run %" PRId64, run_id);
	if (changed == 0)
		return 0;
	st = db_stmt(db, SQL_RUN_RECORDED);
	stmt_int(st, 1, run_id);
	stmt_int(st, 2, shim->pid);
	stmt_int(st, 3, (int64_t)shim->start);
	stmt_int(st, 4, flow->pid);
	stmt_int(st, 5, (int64_t)flow->start);
	stmt_time(st, 6, now_us);
	stmt_text(st, 7, state_dir);
	if (stmt_post(st, err) < 0)
		return err_prefix(err, "record the process of run %" PRId64, run_id);
	return 1;
}

int
runs_files_over(struct db *db, int64_t run_id, const char *state_dir, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_FILES_OVER);
	int r;

	stmt_int(st, 1, run_id);
	stmt_text(st, 2, state_dir);
	r = stmt_step(st, err);
	stmt_reset(st);
	return r < 0 ? err_prefix(err, "ask whether run %" PRId64 " is over", run_id) : r > 0;
}

int
runs_note_cancel(struct db *db, int64_t run_id, const char *by, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_NOTE_CANCEL);
	int64_t changed;

	stmt_int(st, 1, run_id);
	stmt_time(st, 2, now_us);
	stmt_text(st, 3, by);
	return stmt_exec(st, &changed, err) < 0 ? -1 : changed > 0;
}

/* The run as it stands before its end is written. */
struct standing {
	int64_t started_us, ended_us, cancel_us;
	bool found, success;
};

static int
read_standing(struct db *db, int64_t run_id, struct standing *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_READ);
	int r;

	*out = (struct standing){TIME_NONE, TIME_NONE, TIME_NONE, false, false};
	stmt_int(st, 1, run_id);
	r = stmt_step(st, err);
	if (r > 0) {
		out->found = true;
		col_time(st, 0, &out->started_us);
		col_time(st, 1, &out->ended_us);
		out->success = col_bool(st, 2);
		col_time(st, 3, &out->cancel_us);
	}
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

static int
close_row(struct db *db, int64_t run_id, int64_t ended_us, bool success, int64_t started_us,
	struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_CLOSE);

	stmt_int(st, 1, run_id);
	stmt_time(st, 2, ended_us);
	stmt_bool(st, 3, success);
	if (started_us != TIME_NONE)
		stmt_double(
			st, 4, (double)(ended_us > started_us ? ended_us - started_us : 0) / 1e6);
	else
		stmt_null(st, 4);
	return stmt_post(st, err);
}

static int
put_verdict(struct db *db, int64_t run_id, const struct run_exit *exit, const char *reason,
	struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_ENDED);

	stmt_int(st, 1, run_id);
	stmt_int_or_null(st, 2, exit && exit->known && !exit->signal ? exit->code : -1, -1);
	stmt_int_or_null(st, 3, exit && exit->known ? exit->signal : 0, 0);
	stmt_text(st, 4, reason && reason[0] ? reason : NULL);
	stmt_int_or_null(st, 5, exit ? exit->cpu_us : -1, -1);
	stmt_int_or_null(st, 6, exit && exit->known ? exit->max_rss_kb : -1, -1);
	return stmt_post(st, err);
}

int
runs_end(struct db *db, int64_t run_id, const struct run_exit *exit, const char *reason,
	int64_t now_us, struct err *err)
{
	struct standing run;
	struct stmt *st;
	bool cancelled, success;

	if (read_standing(db, run_id, &run, err) < 0)
		goto fail;
	if (!run.found)
		return 0;
	cancelled = (exit && exit->cancelled) || run.cancel_us != TIME_NONE;
	success = exit && exit->known && exit->code == 0 && !exit->signal && !cancelled;
	if (close_row(db, run_id, now_us, success, run.started_us, err) < 0)
		goto fail;
	/* The flow wrote a success of its own after it was told to end, by us or by Flowfile, whose
	 * cancel closed the row and signalled the shim (P7, contract D-08, D-09). */
	if (run.success && cancelled &&
		(run.cancel_us == TIME_NONE || run.ended_us >= run.cancel_us)) {
		st = db_stmt(db, SQL_RUN_UNSUCCEED);
		stmt_int(st, 1, run_id);
		stmt_bool(st, 2, false);
		if (stmt_post(st, err) < 0)
			goto fail;
	}
	/* By a signal to its supervisor, as Flowfile's own cancel does it. */
	if (exit && exit->cancelled && run.cancel_us == TIME_NONE &&
		runs_note_cancel(db, run_id, "SIGTERM", now_us, err) < 0)
		goto fail;
	if (!reason || !reason[0])
		reason = exit ? exit->reason : NULL;
	if (put_verdict(db, run_id, exit, reason, err) < 0)
		goto fail;
	return 0;
fail:
	return err_prefix(err, "store the end of run %" PRId64, run_id);
}

int
runs_spawn_failed(
	struct db *db, int64_t run_id, const char *reason, int64_t now_us, struct err *err)
{
	if (close_row(db, run_id, now_us, false, TIME_NONE, err) < 0 ||
		put_verdict(db, run_id, NULL, reason, err) < 0)
		return err_prefix(err, "store that run %" PRId64 " could not start", run_id);
	return 0;
}

int
runs_report_exit(struct db *db, int64_t run_id, int64_t attempt, const struct run_exit *exit,
	const char *host, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_RUN_REPORT_EXIT);
	char detail[512];

	snprintf(detail, sizeof(detail),
		"%" PRId64 " %d %d %d %d %" PRId64 " %" PRId64 " %d %d %.255s", attempt,
		exit->started_us != TIME_NONE, exit->known, exit->code, exit->signal, exit->cpu_us,
		exit->max_rss_kb, exit->cancelled, exit->killed, exit->reason);
	stmt_int(st, 1, run_id);
	stmt_time(st, 2, now_us);
	stmt_text(st, 3, detail);
	stmt_text(st, 4, host);
	if (stmt_exec(st, NULL, err) < 0)
		return err_prefix(err, "report the end of run %" PRId64, run_id);
	return 0;
}

int
runs_parse_exit(const char *detail, int64_t *attempt, struct run_exit *exit)
{
	int started, known, cancelled, killed, used = 0;

	memset(exit, 0, sizeof(*exit));
	if (!detail ||
		sscanf(detail, "%" SCNd64 " %d %d %d %d %" SCNd64 " %" SCNd64 " %d %d%n", attempt,
			&started, &known, &exit->code, &exit->signal, &exit->cpu_us,
			&exit->max_rss_kb, &cancelled, &killed, &used) != 9)
		return -1;
	exit->known = known != 0;
	exit->cancelled = cancelled != 0;
	exit->killed = killed != 0;
	exit->ended_us = TIME_NONE;
	exit->started_us = started ? 0 : TIME_NONE;
	if (detail[used] == ' ')
		used++;
	snprintf(exit->reason, sizeof(exit->reason), "%s", detail + used);
	return 0;
}

int
runs_prune(struct db *db, int64_t before_us, int max, struct err *err)
{
	static const enum sql_id steps[] = {
		SQL_PRUNE_CHANGES, SQL_PRUNE_FIRINGS, SQL_PRUNE_REQUESTS};
	int64_t changed, total = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct stmt *st = db_stmt(db, steps[i]);

		stmt_time(st, 1, before_us);
		stmt_int(st, 2, max);
		if (stmt_exec(st, &changed, err) < 0)
			return err_prefix(err, "clear old history");
		total += changed;
	}
	return (int)total;
}
