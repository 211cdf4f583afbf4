#include "catalog/runs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/history.h"
#include "catalog/status.h"

#define RUN_COLUMNS                                                                                \
	"r.id, r.registration_id, r.flow_uuid, f.name, r.flow_name, r.flow_path, r.user_id, "      \
	"r.started_at, r.ended_at, r.success, r.nodes_completed, r.number_of_nodes, "              \
	"r.duration_seconds, r.run_type, r.schedule_id, r.pid, r.flow_snapshot IS NOT NULL"
#define DETAIL_FIRST 17 /* the column of the first detail */
#define DETAIL_END 33
#define RUN_FROM " FROM flow_runs r LEFT JOIN flow_registrations f ON f.id = r.registration_id"

/* Ours, which a catalog that was never prepared does not have. */
static const struct select {
	const char *columns, *from;
	bool prepared;
} selects[] = {
	{RUN_COLUMNS ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
		     "NULL, NULL, NULL, NULL",
		RUN_FROM, false},
	{RUN_COLUMNS ", x.state, x.host, x.cause, x.cancel_by, x.reason, x.due_at, x.cancel_at, "
		     "x.attempt, x.exit_code, x.exit_signal, x.cpu_us, x.max_rss_kb, x.boot_id, "
		     "x.state_dir, x.shim_pid, x.shim_start",
		RUN_FROM " LEFT JOIN scheduler_runs x ON x.run_id = r.id", true},
};

static int
find_select(struct catalog *cat, const struct select **out, struct err *err)
{
	bool prepared;

	prepared = cat->has_history;
	if (!prepared && status_prepared(cat, &prepared, err) < 0)
		return -1;
	*out = &selects[prepared ? 1 : 0];
	return 0;
}

static const struct run_type {
	const char *name;
	bool spawned; /* a process of its own, with a log file */
} run_types[] = {
	{"in_designer_run", false},
	{"scheduled", true},
	{"manual", true},
	{"on_demand", true},
};

static const struct run_type *
find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(run_types); i++)
		if (name != NULL && strcmp(run_types[i].name, name) == 0)
			return &run_types[i];
	return NULL;
}

bool
runs_type_known(const char *run_type)
{
	return find_type(run_type) != NULL;
}

bool
runs_type_spawned(const char *run_type)
{
	const struct run_type *type = find_type(run_type);

	return type != NULL && type->spawned;
}

/* Who asks for the end of a run that is too old is the engine, in the option's name. */
#define CANCEL_BY_AGE "run_max_age"

/* A run without a process is closed with the reason alone. */
static bool
was_cancelled(const struct run_details *d)
{
	if (d->cancel_us != TIME_NONE)
		return d->cancel_by == NULL || strcmp(d->cancel_by, CANCEL_BY_AGE) != 0;
	return d->reason != NULL && text_starts(d->reason, "cancelled");
}

const char *
runs_status(const struct run_info *run)
{
	const struct run_details *d = &run->details;

	if (run->ended_us != TIME_NONE) {
		if (run->success == TRI_TRUE)
			return "success";
		if (d->found && was_cancelled(d))
			return "cancelled";
		return run->success == TRI_NULL ? "unknown" : "failed";
	}
	if (d->found && d->cancel_us != TIME_NONE)
		return "cancelling";
	if (d->found && d->state != NULL && strcmp(d->state, "claimed") == 0)
		return "starting";
	return "running";
}

bool
runs_is_starting(const struct run_info *run)
{
	const struct run_details *d = &run->details;

	return run->ended_us == TIME_NONE && d->found && d->state != NULL &&
		strcmp(d->state, "claimed") == 0;
}

bool
runs_verdict_pending(const struct run_info *run)
{
	const struct run_details *d = &run->details;

	return run->ended_us != TIME_NONE && d->found && d->state != NULL &&
		(strcmp(d->state, "claimed") == 0 || strcmp(d->state, "recorded") == 0);
}

const char *
runs_failure(struct arena *a, const struct run_info *run)
{
	const struct run_details *d = &run->details;
	const char *how = NULL;

	if (run->ended_us == TIME_NONE || run->success == TRI_TRUE || !d->found)
		return NULL;
	if (d->exit_signal > 0)
		how = arena_printf(a, "signal %lld (%s)", (long long)d->exit_signal,
			strsignal((int)d->exit_signal));
	else if (d->exit_code != COUNT_NONE)
		how = arena_printf(a, "exit code %lld", (long long)d->exit_code);
	if (d->reason != NULL)
		how = how == NULL ? d->reason : arena_printf(a, "%s, %s", how, d->reason);
	if (d->cancel_us == TIME_NONE || d->cancel_by == NULL)
		return how;
	return arena_printf(a, "%s %s%s%s", was_cancelled(d) ? "by" : "ended for", d->cancel_by,
		how != NULL ? ", " : "", how != NULL ? how : "");
}

/* runs_status() in SQL: what of the runs, and what of our row of them ("x"). */
#define WAS_CANCELLED                                                                              \
	"EXISTS (SELECT 1 FROM scheduler_runs x WHERE x.run_id = r.id AND ((x.cancel_at IS NOT "   \
	"NULL AND coalesce(x.cancel_by, '') <> '" CANCEL_BY_AGE "') OR (x.cancel_at IS NULL AND "  \
	"x.reason LIKE 'cancelled%')))"

static const struct status_filter {
	const char *status, *condition;
	enum tri cancelled;
} status_filters[] = {
	{"running", "r.ended_at IS NULL", TRI_NULL},
	{"success", "r.ended_at IS NOT NULL AND r.success IS TRUE", TRI_NULL},
	{"failed", "r.ended_at IS NOT NULL AND r.success IS FALSE", TRI_FALSE},
	{"unknown", "r.ended_at IS NOT NULL AND r.success IS NULL", TRI_FALSE},
	{"cancelled", "r.ended_at IS NOT NULL AND r.success IS NOT TRUE", TRI_TRUE},
};

static const struct status_filter *
find_status(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_filters); i++)
		if (strcmp(status_filters[i].status, status) == 0)
			return &status_filters[i];
	return NULL;
}

bool
runs_status_filter(const char *status)
{
	return find_status(status) != NULL;
}

/* A catalog that was never prepared knows of no cancelled run. */
static void
add_status(struct buf *sql, const char *status, bool prepared)
{
	const struct status_filter *f = find_status(status);

	assert(f != NULL);
	buf_printf(sql, " AND %s", f->condition);
	if (f->cancelled != TRI_NULL && prepared)
		buf_printf(sql, " AND %s%s", f->cancelled == TRI_TRUE ? "" : "NOT ", WAS_CANCELLED);
	else if (f->cancelled == TRI_TRUE)
		buf_puts(sql, " AND 1 = 0");
}

static bool
log_exists(struct catalog *cat, int64_t id)
{
	char *path = paths_run_log(cat->paths, id);
	bool found = access(path, F_OK) == 0;

	free(path);
	return found;
}

static void
read_details(const struct stmt *st, struct arena *a, struct run_details *d)
{
	int c = DETAIL_FIRST;

	d->found = !col_null(st, c);
	d->state = catalog_text(a, st, c++);
	d->host = catalog_text(a, st, c++);
	d->cause = catalog_text(a, st, c++);
	d->cancel_by = catalog_text(a, st, c++);
	d->reason = catalog_text(a, st, c++);
	d->due_us = catalog_time(st, c++);
	d->cancel_us = catalog_time(st, c++);
	d->attempt = col_int_or(st, c++, COUNT_NONE);
	d->exit_code = col_int_or(st, c++, COUNT_NONE);
	d->exit_signal = col_int_or(st, c++, COUNT_NONE);
	d->cpu_us = col_int_or(st, c++, COUNT_NONE);
	d->max_rss_kb = col_int_or(st, c++, COUNT_NONE);
	d->boot_id = catalog_text(a, st, c++);
	d->state_dir = catalog_text(a, st, c++);
	d->shim_pid = col_int_or(st, c++, 0);
	d->shim_start = col_int_or(st, c++, 0);
	assert(c == DETAIL_END);
}

static void
read_row(struct catalog *cat, const struct stmt *st, struct arena *a, struct run_info *r)
{
	r->id = col_int(st, 0);
	r->registration_id = col_int_or(st, 1, ID_NONE);
	r->flow_uuid = catalog_text(a, st, 2);
	r->stored_name = catalog_text(a, st, 4);
	r->flow_name = col_null(st, 3) ? r->stored_name : catalog_text(a, st, 3);
	r->flow_path = catalog_text(a, st, 5);
	r->user_id = col_int(st, 6);
	r->started_us = catalog_time(st, 7);
	r->ended_us = catalog_time(st, 8);
	r->success = catalog_tri(st, 9);
	r->nodes_completed = col_int(st, 10);
	r->number_of_nodes = col_int(st, 11);
	r->duration_s = col_null(st, 12) ? -1.0 : col_double(st, 12);
	r->run_type = catalog_text(a, st, 13);
	r->schedule_id = col_int_or(st, 14, ID_NONE);
	r->pid = col_int_or(st, 15, 0);
	r->has_snapshot = col_bool(st, 16);
	r->has_log = runs_type_spawned(r->run_type) && log_exists(cat, r->id);
	read_details(st, a, &r->details);
}

static int
read_rows(struct catalog *cat, struct stmt *st, struct arena *a, struct run_info **items, size_t *n,
	struct err *err)
{
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		*items = catalog_grow(a, *items, *n, sizeof(**items));
		(*items)[*n] = (struct run_info){0};
		read_row(cat, st, a, &(*items)[(*n)++]);
	}
	return r;
}

/*
 * The conditions of a filter, whose values run_filter_bind() gives; how many. Ids are reused (D-11): a schedule's runs are those
 * since it was created.
 */
static int
add_conditions(struct buf *sql, const struct run_filter *f, bool prepared)
{
	int n = 0;

	buf_puts(sql, " WHERE 1 = 1");
	if (f->registration_id != ID_NONE)
		buf_printf(sql,
			" AND r.flow_uuid = (SELECT flow_uuid FROM flow_registrations WHERE id = "
			"$%d)",
			++n);
	if (f->schedule_id != ID_NONE) {
		n++;
		buf_printf(sql,
			" AND r.schedule_id = $%d AND NOT EXISTS (SELECT 1 FROM flow_schedules s"
			" WHERE s.id = $%d AND s.created_at > r.started_at)",
			n, n);
	}
	if (f->run_type != NULL)
		buf_printf(sql, " AND r.run_type = $%d", ++n);
	if (f->search != NULL)
		buf_printf(sql, " AND lower(r.flow_name) LIKE '%%' || lower($%d) || '%%'", ++n);
	if (f->active)
		buf_puts(sql, " AND r.ended_at IS NULL");
	if (f->status != NULL)
		add_status(sql, f->status, prepared);
	return n;
}

static int
select_counts(struct catalog *cat, const struct select *select, const struct run_filter *filter,
	struct run_page *out, struct err *err)
{
	struct stmt *st;
	struct buf sql;
	int r;

	buf_init(&sql, 2048);
	buf_puts(&sql,
		"SELECT count(*), count(CASE WHEN r.success IS TRUE THEN 1 END),"
		" count(CASE WHEN r.success IS FALSE THEN 1 END) FROM flow_runs r");
	add_conditions(&sql, filter, select->prepared);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	run_filter_bind(st, filter);
	r = stmt_step(st, err);
	if (r > 0) {
		out->total = col_int(st, 0);
		out->total_success = col_int(st, 1);
		out->total_failed = col_int(st, 2);
		out->total_running = out->total - out->total_success - out->total_failed;
	}
	stmt_finish(st);
	buf_free(&sql);
	return r < 0 ? -1 : 0;
}

static int
select_page(struct catalog *cat, const struct select *select, const struct run_filter *filter,
	struct arena *a, struct run_page *out, struct err *err)
{
	struct stmt *st;
	struct buf sql;
	int n, r;

	buf_init(&sql, 4096);
	buf_printf(&sql, "SELECT %s%s", select->columns, select->from);
	n = add_conditions(&sql, filter, select->prepared);
	buf_printf(
		&sql, " ORDER BY r.started_at DESC, r.id DESC LIMIT $%d OFFSET $%d", n + 1, n + 2);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	run_filter_bind(st, filter);
	stmt_int(st, n + 1, filter->limit);
	stmt_int(st, n + 2, filter->offset);
	r = read_rows(cat, st, a, &out->items, &out->n, err);
	stmt_finish(st);
	buf_free(&sql);
	return r;
}

static int
select_kept(struct catalog *cat, const struct run_filter *filter, struct arena *a,
	struct run_page *out, struct err *err)
{
	struct run_list list;
	int64_t *ids;
	size_t n;

	if (history_page(cat, filter, a, out, &ids, &n, err) < 0 ||
		runs_by_ids(cat, ids, n, a, &list, err) < 0)
		return -1;
	out->items = arena_array(a, n + 1, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		const struct run_info *run =
			catalog_find(list.items, list.n, sizeof(*list.items), ids[i]);

		if (run != NULL)
			out->items[out->n++] = *run;
	}
	return 0;
}

int
runs_list(struct catalog *cat, const struct run_filter *filter, struct arena *a,
	struct run_page *out, struct err *err)
{
	const struct select *select;
	bool kept;
	int rc;

	*out = (struct run_page){0};
	if (find_select(cat, &select, err) < 0)
		return -1;
	if (history_serves(cat, filter, &kept, err) < 0)
		return -1;
	/* One snapshot, so that the counts fit the page. */
	if (db_begin_read(cat->db, err) < 0)
		return -1;
	rc = kept ? select_kept(cat, filter, a, out, err)
		  : select_counts(cat, select, filter, out, err);
	if (rc == 0 && !kept)
		rc = select_page(cat, select, filter, a, out, err);
	db_rollback(cat->db);
	return rc;
}

int
runs_get(struct catalog *cat, int64_t id, struct arena *a, struct run_info *out, struct err *err)
{
	const struct select *select;
	struct stmt *st;
	struct buf sql;
	int r;

	*out = (struct run_info){0};
	if (find_select(cat, &select, err) < 0)
		return -1;
	buf_init(&sql, 4096);
	buf_printf(&sql, "SELECT %s, r.flow_snapshot, r.node_results_json%s WHERE r.id = $1",
		select->columns, select->from);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0) {
		read_row(cat, st, a, out);
		out->flow_snapshot = catalog_text(a, st, DETAIL_END);
		out->node_results = catalog_text(a, st, DETAIL_END + 1);
	}
	stmt_finish(st);
	buf_free(&sql);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, "Run not found");
	return r < 0 ? -1 : 0;
}

/* All rows of the select with these conditions and this order. */
static int
select_list(struct catalog *cat, const struct select *select, const char *tail, struct arena *a,
	struct run_list *out, struct err *err)
{
	struct stmt *st;
	struct buf sql;
	int r;

	*out = (struct run_list){NULL, 0};
	buf_init(&sql, 4096 + strlen(tail));
	buf_printf(&sql, "SELECT %s%s", select->columns, select->from);
	buf_puts(&sql, tail);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	r = read_rows(cat, st, a, &out->items, &out->n, err);
	stmt_finish(st);
	buf_free(&sql);
	return r;
}

int
runs_by_ids(struct catalog *cat, const int64_t *ids, size_t n, struct arena *a,
	struct run_list *out, struct err *err)
{
	const struct select *select;
	struct buf tail;
	int rc;

	*out = (struct run_list){NULL, 0};
	if (n == 0)
		return 0;
	if (find_select(cat, &select, err) < 0)
		return -1;
	buf_init(&tail, 64 + n * 24);
	buf_puts(&tail, " WHERE r.id IN (");
	for (size_t i = 0; i < n; i++)
		buf_printf(&tail, "%s%lld", i > 0 ? "," : "", (long long)ids[i]);
	buf_puts(&tail, ") ORDER BY r.id");
	assert(!buf_failed(&tail));
	rc = select_list(cat, select, buf_str(&tail), a, out, err);
	buf_free(&tail);
	return rc;
}

int
runs_active(struct catalog *cat, struct arena *a, struct run_list *out, struct err *err)
{
	const struct select *select;

	if (find_select(cat, &select, err) < 0)
		return -1;
	return select_list(cat, select,
		select == &selects[0]
			? " WHERE r.ended_at IS NULL ORDER BY r.started_at DESC, r.id DESC"
			: " WHERE r.id IN (SELECT run_id FROM scheduler_active) AND r.ended_at IS "
			  "NULL ORDER BY r.started_at DESC, r.id DESC",
		a, out, err);
}

int
runs_latest_spawned(struct catalog *cat, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_RUN_LATEST_SPAWNED);
	int r = stmt_step(st, err);

	*id = r > 0 ? col_int(st, 0) : ID_NONE;
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

int
runs_user(struct catalog *cat, int64_t id, int64_t *user_id, struct err *err)
{
	return catalog_count(cat, SQL_CAT_RUN_USER, id, user_id, err);
}

static int
complete_in_transaction(struct catalog *cat, int64_t id, bool success, int64_t nodes_completed,
	int64_t number_of_nodes, bool *closed, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_RUN_STARTED_AT);
	int64_t now_us = clock_wall(cat->clock), started_us = TIME_NONE;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0)
		started_us = catalog_time(st, 0);
	stmt_reset(st);
	*closed = r > 0;
	if (r <= 0)
		return r;
	st = db_stmt(cat->db, SQL_CAT_RUN_COMPLETE);
	stmt_time(st, 1, now_us);
	stmt_bool(st, 2, success);
	if (started_us == TIME_NONE)
		stmt_null(st, 3);
	else
		stmt_double(st, 3, (double)(now_us - started_us) / (double)US_PER_SEC);
	stmt_int(st, 4, nodes_completed);
	stmt_int(st, 5, number_of_nodes);
	stmt_int(st, 6, id);
	return stmt_exec(st, NULL, err);
}

int
runs_complete(struct catalog *cat, int64_t id, bool success, int64_t nodes_completed,
	int64_t number_of_nodes, bool *closed, struct err *err)
{
	bool was_open = false;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = complete_in_transaction(
		cat, id, success, nodes_completed, number_of_nodes, &was_open, err);
	rc = catalog_finish(cat, rc, err);
	if (closed != NULL)
		*closed = rc == 0 && was_open;
	return rc;
}

int
runs_progress(struct catalog *cat, int64_t id, int64_t nodes_completed, int64_t number_of_nodes,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_RUN_PROGRESS);

	stmt_int(st, 1, nodes_completed);
	stmt_int(st, 2, number_of_nodes);
	stmt_int(st, 3, id);
	return stmt_exec(st, NULL, err);
}

static void
json_fields(struct json *j, const struct run_info *r)
{
	json_kv_int(j, "id", r->id);
	json_kv_int_or_null(j, "registration_id", r->registration_id, ID_NONE);
	json_kv_string(j, "flow_uuid", r->flow_uuid);
	json_kv_string(j, "flow_name", r->flow_name);
	json_kv_string(j, "flow_path", r->flow_path);
	json_kv_int(j, "user_id", r->user_id);
	json_kv_time(j, "started_at", r->started_us);
	json_kv_time(j, "ended_at", r->ended_us);
	catalog_json_tri(j, "success", r->success);
	json_kv_int(j, "nodes_completed", r->nodes_completed);
	json_kv_int(j, "number_of_nodes", r->number_of_nodes);
	if (r->duration_s < 0.0)
		json_kv_null(j, "duration_seconds");
	else
		json_kv_double(j, "duration_seconds", r->duration_s);
	json_kv_string(j, "run_type", r->run_type);
	json_kv_int_or_null(j, "schedule_id", r->schedule_id, ID_NONE);
	json_kv_bool(j, "has_snapshot", r->has_snapshot);
	json_kv_bool(j, "has_log", r->has_log);
}

/* Which contract 5.4 does not have. */
static void
json_details(struct json *j, const struct run_details *d)
{
	json_kv_int_or_null(j, "exit_code", d->exit_code, COUNT_NONE);
	json_kv_int_or_null(
		j, "signal", d->exit_signal > 0 ? d->exit_signal : COUNT_NONE, COUNT_NONE);
	json_kv_string(j, "reason", d->reason);
	json_kv_string(j, "cause", d->cause);
	json_kv_time(j, "cancel_requested_at", d->cancel_us);
	json_kv_string(j, "cancel_requested_by", d->cancel_by);
	json_kv_string(j, "host", d->host);
	if (d->cpu_us < 0)
		json_kv_null(j, "cpu_seconds");
	else
		json_kv_double(j, "cpu_seconds", (double)d->cpu_us / (double)US_PER_SEC);
	json_kv_int_or_null(j, "peak_memory_bytes",
		d->max_rss_kb < 0 ? COUNT_NONE : d->max_rss_kb * 1024, COUNT_NONE);
	json_kv_int_or_null(j, "attempt", d->attempt, COUNT_NONE);
}

void
runs_json_api(struct json *j, const struct run_info *run)
{
	json_object(j);
	json_fields(j, run);
	json_object_end(j);
}

void
runs_json(struct json *j, const struct run_info *run)
{
	json_object(j);
	json_fields(j, run);
	json_kv_string(j, "status", runs_status(run));
	json_object_end(j);
}

static void
json_detail_fields(struct json *j, const struct run_info *run)
{
	json_fields(j, run);
	json_kv_string(j, "flow_snapshot", run->flow_snapshot);
	json_kv_string(j, "node_results_json", run->node_results);
}

void
runs_json_api_detail(struct json *j, const struct run_info *run)
{
	json_object(j);
	json_detail_fields(j, run);
	json_object_end(j);
}

void
runs_json_detail(struct json *j, const struct run_info *run)
{
	json_object(j);
	json_detail_fields(j, run);
	json_kv_string(j, "status", runs_status(run));
	json_details(j, &run->details);
	json_object_end(j);
}

static void
json_page(struct json *j, const struct run_page *page,
	void (*item)(struct json *j, const struct run_info *run))
{
	json_object(j);
	json_key(j, "items");
	json_array(j);
	for (size_t i = 0; i < page->n; i++)
		item(j, &page->items[i]);
	json_array_end(j);
	json_kv_int(j, "total", page->total);
	json_kv_int(j, "total_success", page->total_success);
	json_kv_int(j, "total_failed", page->total_failed);
	json_kv_int(j, "total_running", page->total_running);
	json_object_end(j);
}

void
runs_json_api_page(struct json *j, const struct run_page *page)
{
	json_page(j, page, runs_json_api);
}

void
runs_json_page(struct json *j, const struct run_page *page)
{
	json_page(j, page, runs_json);
}

void
runs_json_active(struct json *j, const struct run_info *r)
{
	json_object(j);
	json_kv_int(j, "id", r->id);
	json_kv_int_or_null(j, "registration_id", r->registration_id, ID_NONE);
	json_kv_string(j, "flow_name", r->stored_name);
	json_kv_string(j, "flow_path", r->flow_path);
	json_kv_int(j, "user_id", r->user_id);
	json_kv_time(j, "started_at", r->started_us);
	json_kv_int(j, "nodes_completed", r->nodes_completed);
	json_kv_int(j, "number_of_nodes", r->number_of_nodes);
	json_kv_string(j, "run_type", r->run_type);
	json_kv_int_or_null(j, "schedule_id", r->schedule_id, ID_NONE);
	json_object_end(j);
}
