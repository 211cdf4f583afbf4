#include "catalog/history.h"

#include <assert.h>

#include "base/buf.h"
#include "store/schema.h"

#define HISTORY_VERSION 2 /* of our tables, since which there is one */

static int
is_there(struct catalog *cat, bool *there, struct err *err)
{
	struct schema_info info;

	*there = cat->has_history;
	if (*there)
		return 0;
	if (schema_inspect(cat->db, &info, err) < 0)
		return -1;
	*there = cat->has_history =
		info.our_version >= HISTORY_VERSION && info.triggers_missing == 0;
	return 0;
}

/* Whether the schedule's id had another schedule before, whose runs are not this one's (D-11). */
static int
is_reused(struct catalog *cat, int64_t schedule_id, bool *reused, struct err *err)
{
	int64_t n;

	if (catalog_count(cat, SQL_CAT_HISTORY_REUSED, schedule_id, &n, err) < 0)
		return -1;
	*reused = n > 0;
	return 0;
}

int
history_serves(struct catalog *cat, const struct run_filter *filter, bool *serves, struct err *err)
{
	bool reused = false;

	*serves = false;
	if (cat->partial || filter->active || filter->status != NULL)
		return 0;
	if (is_there(cat, serves, err) < 0)
		return -1;
	if (*serves && filter->schedule_id != ID_NONE &&
		is_reused(cat, filter->schedule_id, &reused, err) < 0)
		return -1;
	*serves = *serves && !reused;
	return 0;
}

/* The conditions on groups g, with parameters from $1 on. Returns how many. SQLite's LIKE knows no case. */
static int
add_conditions(struct buf *sql, const struct catalog *cat, const struct run_filter *f)
{
	int n = 0;

	buf_puts(sql, " WHERE 1 = 1");
	if (f->registration_id != ID_NONE)
		buf_printf(sql,
			" AND g.flow_uuid = (SELECT flow_uuid FROM flow_registrations WHERE id = "
			"$%d)",
			++n);
	if (f->schedule_id != ID_NONE)
		buf_printf(sql, " AND g.schedule_id = $%d", ++n);
	if (f->run_type != NULL)
		buf_printf(sql, " AND g.run_type = $%d", ++n);
	if (f->search != NULL)
		buf_printf(sql, " AND g.flow_name %s '%%' || CAST($%d AS VARCHAR) || '%%'",
			db_get_type(cat->db) == DB_SQLITE ? "LIKE" : "ILIKE", ++n);
	return n;
}

void
run_filter_bind(struct stmt *st, const struct run_filter *f)
{
	int n = 0;

	if (f->registration_id != ID_NONE)
		stmt_int(st, ++n, f->registration_id);
	if (f->schedule_id != ID_NONE)
		stmt_int(st, ++n, f->schedule_id);
	if (f->run_type != NULL)
		stmt_text(st, ++n, f->run_type);
	if (f->search != NULL)
		stmt_text(st, ++n, f->search);
}

/* *last_us: when the last of them began; TIME_NONE: that cannot be read. */
static int
read_totals(struct catalog *cat, const struct run_filter *filter, struct run_page *page,
	int64_t *last_us, struct err *err)
{
	struct stmt *st;
	struct buf sql;
	int r;

	buf_init(&sql, 2048);
	buf_puts(&sql,
		"SELECT CAST(coalesce(sum(g.runs), 0) AS BIGINT),"
		" CAST(coalesce(sum(g.successes), 0) AS BIGINT),"
		" CAST(coalesce(sum(g.failures), 0) AS BIGINT), max(g.last_at)"
		" FROM scheduler_history_groups g");
	add_conditions(&sql, cat, filter);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	run_filter_bind(st, filter);
	r = stmt_step(st, err);
	if (r > 0) {
		page->total = col_int(st, 0);
		page->total_success = col_int(st, 1);
		page->total_failed = col_int(st, 2);
		page->total_running = page->total - page->total_success - page->total_failed;
		*last_us = catalog_time(st, 3);
	}
	stmt_finish(st);
	buf_free(&sql);
	return r < 0 ? -1 : 0;
}

static int
count_all(struct catalog *cat, int64_t *n, struct err *err)
{
	*n = 0;
	return stmt_get_int(db_stmt(cat->db, SQL_CAT_HISTORY_TOTAL), n, err) < 0 ? -1 : 0;
}

static bool
is_filtered(const struct run_filter *f)
{
	return f->registration_id != ID_NONE || f->schedule_id != ID_NONE || f->run_type != NULL ||
		f->search != NULL;
}

/*
 * Two ways to the same page. By time: from the last run that counts backwards, leaving out those of other groups;
 * about `wanted * all / matching` are met. By group: all that match, and then their order. A cross join is made in
 * the order in which it is written. Returns how many parameters go before limit and offset.
 */
static int
write_page(struct buf *sql, const struct catalog *cat, const struct run_filter *f, bool by_time,
	bool bounded)
{
	int n;

	buf_puts(sql, "SELECT h.run_id FROM ");
	if (!is_filtered(f))
		buf_puts(sql, "scheduler_history h");
	else if (by_time)
		buf_puts(sql, "scheduler_history h CROSS JOIN scheduler_history_groups g");
	else
		buf_puts(sql, "scheduler_history_groups g CROSS JOIN scheduler_history h");
	n = add_conditions(sql, cat, f);
	if (is_filtered(f))
		buf_puts(sql, " AND h.group_id = g.id");
	if (bounded)
		buf_printf(sql, " AND h.started_at <= $%d", ++n);
	buf_printf(sql, " ORDER BY h.started_at DESC, h.run_id DESC LIMIT $%d OFFSET $%d", n + 1,
		n + 2);
	return n;
}

static int
read_ids(struct catalog *cat, const struct run_filter *f, bool by_time, int64_t last_us,
	struct arena *a, int64_t **ids, size_t *n, struct err *err)
{
	struct stmt *st;
	struct buf sql;
	int n_bound, r;

	buf_init(&sql, 4096);
	n_bound = write_page(&sql, cat, f, by_time, last_us != TIME_NONE);
	assert(!buf_failed(&sql));
	st = db_stmt_text(cat->db, buf_str(&sql));
	run_filter_bind(st, f);
	if (last_us != TIME_NONE)
		stmt_time(st, n_bound, last_us);
	stmt_int(st, n_bound + 1, f->limit);
	stmt_int(st, n_bound + 2, f->offset);
	while ((r = stmt_step(st, err)) > 0) {
		*ids = catalog_grow(a, *ids, *n, sizeof(**ids));
		(*ids)[(*n)++] = col_int(st, 0);
	}
	stmt_finish(st);
	buf_free(&sql);
	return r;
}

int
history_page(struct catalog *cat, const struct run_filter *filter, struct arena *a,
	struct run_page *page, int64_t **ids, size_t *n, struct err *err)
{
	int64_t last_us = TIME_NONE, all, wanted = filter->limit + filter->offset;

	*ids = NULL;
	*n = 0;
	if (read_totals(cat, filter, page, &last_us, err) < 0)
		return -1;
	if (page->total <= filter->offset || filter->limit == 0)
		return 0;
	all = page->total;
	if (is_filtered(filter) && count_all(cat, &all, err) < 0)
		return -1;
	return read_ids(cat, filter,
		!is_filtered(filter) ||
			(double)wanted * (double)all < (double)page->total * (double)page->total,
		last_us, a, ids, n, err);
}
