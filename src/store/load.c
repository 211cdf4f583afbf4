#include "store/load.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"

/* A schedule that watches so many makes no sense. */
#define WATCHES_MAX 1024

int
load_last_seq(struct db *db, int64_t *seq, struct err *err)
{
	return stmt_get_int(db_stmt(db, SQL_LOAD_LAST_SEQ), seq, err) < 0 ? -1 : 0;
}

static void
read_time(const struct stmt *st, int c, const char *name, int64_t *us, const char **unreadable)
{
	if (col_time(st, c, us) < 0) {
		*us = TIME_NONE;
		if (unreadable)
			*unreadable = name;
	}
}

static void
read_schedule(const struct stmt *st, struct schedule_row *row)
{
	*row = (struct schedule_row){
		.id = col_int(st, 0),
		.flow_id = col_int(st, 1),
		.owner_id = col_int(st, 2),
		.enabled = col_bool(st, 3),
		.type = col_text(st, 4),
		.interval_s = col_int(st, 5),
		.cron_expression = col_text(st, 6),
		.cron_timezone = col_text(st, 7),
		.cursor_spec = col_text(st, 11),
	};
	read_time(st, 8, "last_triggered_at", &row->last_triggered_us, &row->unreadable);
	read_time(st, 9, "created_at", &row->created_us, &row->unreadable);
	read_time(st, 10, "updated_at", &row->updated_us, NULL);
	read_time(st, 12, "anchor_at", &row->cursor_anchor_us, NULL);
	read_time(st, 13, "slot_at", &row->cursor_slot_us, NULL);
	read_time(st, 14, "triggered_at", &row->cursor_triggered_us, NULL);
}

static void
read_watch(const struct stmt *st, struct watch_row *row)
{
	*row = (struct watch_row){
		.table_id = col_int(st, 1),
		.consumed = col_int_or(st, 2, -1),
		.generation = col_int(st, 3),
		.last_seq = col_int_or(st, 4, -1),
		.table_generation = col_int(st, 6),
		.exists = col_bool(st, 7),
	};
	read_time(st, 5, "", &row->last_write_us, NULL);
	read_time(st, 8, "", &row->pending_us, NULL);
	if (row->pending_us == TIME_NONE)
		row->pending_us = TIME_NEVER;
}

/* The watches of one schedule, collected from rows ordered by schedule. */
struct watch_list {
	struct watch_row rows[WATCHES_MAX];
	size_t n;
};

/*
 * Takes the watches of schedule id from st, whose current row (if more) is the first not taken yet.
 * Returns whether there is a current row afterwards, or -1.
 */
static int
take_watches(struct stmt *st, int more, int64_t id, struct watch_list *list, struct err *err)
{
	list->n = 0;
	while (more > 0 && col_int(st, 0) <= id) {
		if (col_int(st, 0) == id && list->n < WATCHES_MAX)
			read_watch(st, &list->rows[list->n++]);
		more = stmt_step(st, err);
	}
	return more;
}

/* Both statements go forward together, ordered by schedule id. */
static int
merge_schedules(
	struct stmt *st, struct stmt *watches, load_schedule_cb cb, void *arg, struct err *err)
{
	struct watch_list *list = xmalloc(sizeof(*list));
	struct schedule_row row;
	int found = 0, r, more = stmt_step(watches, err);

	r = more < 0 ? -1 : stmt_step(st, err);
	while (r > 0) {
		read_schedule(st, &row);
		more = take_watches(watches, more, row.id, list, err);
		if (more < 0)
			break;
		row.watches = list->rows;
		row.n_watches = list->n;
		if (list->n == WATCHES_MAX)
			row.unreadable = "schedule_trigger_tables (too many tables)";
		cb(&row, arg);
		found = 1;
		r = stmt_step(st, err);
	}
	stmt_reset(st);
	stmt_reset(watches);
	free(list);
	return r < 0 || more < 0 ? -1 : found;
}

int
load_schedules(struct db *db, load_schedule_cb cb, void *arg, struct err *err)
{
	if (merge_schedules(db_stmt(db, SQL_LOAD_SCHEDULES), db_stmt(db, SQL_LOAD_WATCHES), cb, arg,
		    err) < 0)
		return err_prefix(err, "read the schedules");
	return 0;
}

int
load_schedule(struct db *db, int64_t id, load_schedule_cb cb, void *arg, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_SCHEDULE);
	struct stmt *watches = db_stmt(db, SQL_LOAD_SCHEDULE_WATCHES);
	int r;

	stmt_int(st, 1, id);
	stmt_int(watches, 1, id);
	r = merge_schedules(st, watches, cb, arg, err);
	return r < 0 ? err_prefix(err, "read schedule %lld", (long long)id) : r;
}

static void
read_run(const struct stmt *st, struct active_run *run)
{
	const char *type = col_text(st, 3);
	const char *state = col_text(st, 8);
	bool ours = state && strcmp(state, "foreign") != 0;

	*run = (struct active_run){
		.row =
			{
				.id = col_int(st, 0),
				.flow_id = col_int(st, 1),
				.flow_id2 = col_int(st, 2),
				.origin = ours ? RUN_OURS : RUN_FOREIGN,
				.has_pid = !col_null(st, 4),
			},
		.state = ours ? state : NULL,
		.pid = col_int(st, 4),
		.flow_path = col_text(st, 6),
		.schedule_id = col_int(st, 7),
		.host = col_text(st, 9),
		.boot_id = col_text(st, 10),
		.holder_id = col_text(st, 11),
		.shim_pid = col_int(st, 12),
		.shim_start = col_int(st, 13),
		.flow_pid = col_int(st, 14),
		.flow_start = col_int(st, 15),
		.cause = col_text(st, 17),
		.attempt = col_int_or(st, 18, 1),
		.open = col_bool(st, 19),
		.state_dir = col_text(st, 20),
	};
	if (!ours && type && !strcmp(type, "in_designer_run"))
		run->row.origin = RUN_DESIGNER;
	read_time(st, 5, "", &run->row.started_us, NULL);
	if (run->row.started_us == TIME_NONE)
		run->row.started_us = 0;
	read_time(st, 16, "", &run->cancel_us, NULL);
}

static int
each_run(struct stmt *st, load_run_cb cb, void *arg, struct err *err)
{
	struct active_run run;
	int r, found = 0;

	while ((r = stmt_step(st, err)) > 0) {
		read_run(st, &run);
		cb(&run, arg);
		found = 1;
	}
	return r < 0 ? err_prefix(err, "read the active runs") : found;
}

int
load_active_runs(struct db *db, load_run_cb cb, void *arg, struct err *err)
{
	return each_run(db_stmt(db, SQL_LOAD_ACTIVE_RUNS), cb, arg, err) < 0 ? -1 : 0;
}

int
load_active_run(struct db *db, int64_t id, load_run_cb cb, void *arg, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_ACTIVE_RUN);

	stmt_int(st, 1, id);
	return each_run(st, cb, arg, err);
}

static int
each_request(struct stmt *st, load_request_cb cb, void *arg, struct err *err)
{
	struct request_row row;
	int r, found = 0;

	while ((r = stmt_step(st, err)) > 0) {
		row = (struct request_row){
			.id = col_int(st, 0),
			.kind = col_text(st, 1),
			.flow_id = col_int(st, 2),
			.run_id = col_int(st, 3),
			.user_id = col_int(st, 4),
			.requested_by = col_text(st, 6),
			.detail = col_text(st, 7),
		};
		read_time(st, 5, "", &row.created_us, NULL);
		cb(&row, arg);
		found = 1;
	}
	return r < 0 ? err_prefix(err, "read the requests") : found;
}

int
load_requests(struct db *db, load_request_cb cb, void *arg, struct err *err)
{
	return each_request(db_stmt(db, SQL_LOAD_REQUESTS), cb, arg, err) < 0 ? -1 : 0;
}

int
load_request(struct db *db, int64_t id, load_request_cb cb, void *arg, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_REQUEST);

	stmt_int(st, 1, id);
	return each_request(st, cb, arg, err);
}

int
load_paused(struct db *db, bool *paused, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_PAUSED);
	int r = stmt_step(st, err);

	*paused = r > 0 && !strcmp(col_text(st, 0), "1");
	stmt_reset(st);
	return r < 0 ? err_prefix(err, "read whether launching is paused") : 0;
}

int
load_push_seen(struct db *db, int64_t *seen_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_PUSH_SEEN);
	int r = stmt_step(st, err);

	if (r <= 0 || !time_parse(col_text(st, 0), seen_us))
		*seen_us = TIME_NONE;
	stmt_reset(st);
	return r < 0 ? err_prefix(err, "read whether Flowfile launches triggers") : 0;
}

int
put_push_seen(struct db *db, int64_t seen_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_PUT_PUSH_SEEN);
	char at[TIMEFMT_SIZE];

	time_format_catalog(seen_us, at);
	stmt_text(st, 1, at);
	return stmt_exec(st, NULL, err);
}

int
load_table(struct db *db, int64_t id, struct world *w, int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_TABLE);
	int64_t at_us;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		if (col_time(st, 1, &at_us) <= 0)
			at_us = now_us;
		world_put_table(
			w, id, col_bool(st, 3), col_int(st, 0), at_us, col_int(st, 2), now_us);
	}
	stmt_reset(st);
	return r < 0 ? err_prefix(err, "read table %lld", (long long)id) : 0;
}

int
load_changes(
	struct db *db, int64_t after_seq, int max, load_change_cb cb, void *arg, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_LOAD_CHANGES);
	int r, n = 0;

	stmt_int(st, 1, after_seq);
	stmt_int(st, 2, max);
	while ((r = stmt_step(st, err)) > 0) {
		const char *kind = col_text(st, 1);
		struct change change = {col_int(st, 0), kind ? kind[0] : '?', col_int(st, 2)};

		cb(&change, arg);
		n++;
	}
	return r < 0 ? err_prefix(err, "read what changed") : n;
}
