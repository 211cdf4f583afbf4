/*
 * Catching up: what our triggers would have done, had they been there. On a catalog that we see for
 * the first time, and after a migration of Flowfile's dropped some of them.
 *
 * Times are compared as instants, never as text (contract 1.2).
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/schema_parts.h"

enum seen { SEEN_SAME, SEEN_NEW, SEEN_WRITTEN, SEEN_REPLACED, SEEN_RENAMED };

/* A row of catalog_tables beside what scheduler_tables says of it. */
struct table {
	int64_t id;
	enum seen seen;
	int64_t updated_us; /* TIME_NONE: cannot be read */
	int64_t old_seq; /* last_seq before the catch-up */
};

/* A schedule and a table that it watches. */
struct watch {
	int64_t schedule_id, table_id;
	int64_t watermark_us, updated_us; /* TIME_NONE: NULL or unreadable */
	bool exists; /* the table does */
	int64_t last_seq, generation; /* of the table */
	bool armed;
	int64_t seq, armed_generation; /* of the schedule */
};

/* Rows are collected before anything is written: what is being read must not change. */
struct list {
	void *rows;
	size_t n, cap;
};

static void *
list_add(struct list *list, size_t row_size)
{
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : 64;
		list->rows = xrealloc(list->rows, list->cap, row_size);
	}
	return (char *)list->rows + row_size * list->n++;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_int(const struct stmt *st, int a, int b)
{
	return col_int_or(st, a, INT64_MIN) == col_int_or(st, b, INT64_MIN);
}

/* Columns of schema_tables_seen. */
enum { T_ID, T_NAME, T_NAMESPACE, T_UPDATED, T_CREATED, T_SEEN, T_SEEN_NAME, T_SEEN_NAMESPACE };
enum { T_STAMP = T_SEEN_NAMESPACE + 1, T_LAST_WRITE, T_LAST_SEQ };

static enum seen
table_seen(const struct stmt *st, int64_t updated_us)
{
	bool renamed = !same_text(col_text(st, T_NAME), col_text(st, T_SEEN_NAME)) ||
		!same_int(st, T_NAMESPACE, T_SEEN_NAMESPACE);
	int64_t created_us, stamp_us, last_write_us;

	if (col_null(st, T_SEEN))
		return SEEN_NEW;
	col_time(st, T_CREATED, &created_us);
	col_time(st, T_STAMP, &stamp_us);
	col_time(st, T_LAST_WRITE, &last_write_us);
	/* Another table under the id of a deleted one. */
	if (renamed && created_us > last_write_us)
		return SEEN_REPLACED;
	if (updated_us != TIME_NONE && updated_us > stamp_us)
		return SEEN_WRITTEN;
	if (renamed || !same_text(col_text(st, T_UPDATED), col_text(st, T_STAMP)))
		return SEEN_RENAMED;
	return SEEN_SAME;
}

static int
read_tables(struct db *db, struct list *list, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_TABLES_SEEN);
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		struct table *table = list_add(list, sizeof(*table));

		table->id = col_int(st, T_ID);
		table->old_seq = col_int(st, T_LAST_SEQ);
		col_time(st, T_UPDATED, &table->updated_us);
		table->seen = table_seen(st, table->updated_us);
	}
	return r;
}

static int
journal(struct db *db, const struct table *table, struct err *err)
{
	struct stmt *change = db_stmt(db, SQL_SCHEMA_JOURNAL_WRITE);
	struct stmt *st = db_stmt(
		db, table->seen == SEEN_NEW ? SQL_SCHEMA_TABLE_NEW : SQL_SCHEMA_TABLE_WRITTEN);
	int64_t seq;

	stmt_int(change, 1, table->id);
	if (stmt_get_int(change, &seq, err) < 0)
		return -1;
	stmt_int(st, 1, table->id);
	stmt_int(st, 2, seq);
	stmt_time(st, 3, table->updated_us);
	if (table->seen != SEEN_NEW)
		stmt_int(st, 4, table->seen == SEEN_REPLACED);
	return stmt_exec(st, NULL, err);
}

static int
catch_up_table(struct db *db, const struct table *table, struct err *err)
{
	struct stmt *renamed;

	switch (table->seen) {
	case SEEN_SAME:
		return 0;
	case SEEN_RENAMED:
		renamed = db_stmt(db, SQL_SCHEMA_TABLE_RENAMED);
		stmt_int(renamed, 1, table->id);
		return stmt_exec(renamed, NULL, err);
	case SEEN_NEW:
	case SEEN_WRITTEN:
	case SEEN_REPLACED:
		break;
	}
	return journal(db, table, err);
}

/* Columns of schema_watches. */
enum { W_SCHEDULE, W_TABLE, W_WATERMARK, W_UPDATED, W_LAST_SEQ, W_GENERATION, W_SEQ };
enum { W_ARMED_GENERATION = W_SEQ + 1 };

static int
read_watches(struct db *db, struct list *list, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_WATCHES);
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		struct watch *w = list_add(list, sizeof(*w));

		*w = (struct watch){
			.schedule_id = col_int(st, W_SCHEDULE),
			.table_id = col_int(st, W_TABLE),
			.exists = !col_null(st, W_LAST_SEQ),
			.last_seq = col_int(st, W_LAST_SEQ),
			.generation = col_int(st, W_GENERATION),
			.armed = !col_null(st, W_SEQ) && col_int(st, W_ARMED_GENERATION) != 0,
			.seq = col_int(st, W_SEQ),
			.armed_generation = col_int(st, W_ARMED_GENERATION),
		};
		if (col_time(st, W_WATERMARK, &w->watermark_us) < 0)
			log_warning("Schedule has an unreadable watermark and is armed anew "
				    "schedule=%" PRId64,
				w->schedule_id);
		col_time(st, W_UPDATED, &w->updated_us);
	}
	return r;
}

static int
by_id(const void *key, const void *row)
{
	int64_t id = *(const int64_t *)key;
	int64_t other = ((const struct table *)row)->id;

	return (id > other) - (id < other);
}

/* Contract 4.7: a write is consumed when the watermark has reached it; without one the schedule is
 * armed. */
static bool
consumed_by_watermark(const struct watch *w)
{
	return w->watermark_us != TIME_NONE && w->updated_us != TIME_NONE &&
		w->updated_us <= w->watermark_us;
}

/*
 * What the schedule has consumed of the table. An armed one keeps what it has, with one exception:
 * while the triggers were away, a Python scheduler may have fired for the write that is journalled
 * only now.
 */
static int64_t
consumed_seq(const struct watch *w, const struct table *table)
{
	bool pending = w->watermark_us != TIME_NONE && w->updated_us != TIME_NONE &&
		w->updated_us > w->watermark_us;

	if (!w->armed)
		return pending ? w->last_seq - 1 : w->last_seq;
	if (table != NULL && table->seen == SEEN_WRITTEN && w->seq == table->old_seq &&
		consumed_by_watermark(w))
		return w->last_seq;
	return w->seq;
}

static int
catch_up_watch(struct db *db, const struct watch *w, const struct list *tables, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_CONSUMED_SET);
	const struct table *table = NULL;
	int64_t seq = 0, generation = 0;

	if (w->exists) {
		table = bsearch(&w->table_id, tables->rows, tables->n, sizeof(*table), by_id);
		seq = consumed_seq(w, table);
		generation = w->armed ? w->armed_generation : w->generation;
	} else if (w->armed) {
		return 0;
	}
	stmt_int(st, 1, w->schedule_id);
	stmt_int(st, 2, w->table_id);
	stmt_int(st, 3, seq);
	stmt_int(st, 4, generation);
	return stmt_exec(st, NULL, err);
}

static int
catch_up_lists(struct db *db, struct list *tables, struct list *watches, struct err *err)
{
	const struct table *table;
	const struct watch *watch;

	if (read_tables(db, tables, err) < 0)
		return -1;
	table = tables->rows;
	for (size_t i = 0; i < tables->n; i++)
		if (catch_up_table(db, &table[i], err) < 0)
			return -1;
	if (read_watches(db, watches, err) < 0)
		return -1;
	watch = watches->rows;
	for (size_t i = 0; i < watches->n; i++)
		if (catch_up_watch(db, &watch[i], tables, err) < 0)
			return -1;
	return 0;
}

int
schema_catch_up(struct db *db, struct err *err)
{
	static const enum sql_id first[] = {SQL_SCHEMA_CLEAR_ACTIVE, SQL_SCHEMA_FILL_ACTIVE,
		SQL_SCHEMA_SWEEP_CONSUMED, SQL_SCHEMA_SWEEP_CURSORS, SQL_SCHEMA_SWEEP_FIRINGS,
		SQL_SCHEMA_SWEEP_RUNS, SQL_SCHEMA_CLEAR_HISTORY, SQL_SCHEMA_CLEAR_HISTORY_GROUPS,
		SQL_SCHEMA_FILL_HISTORY_GROUPS, SQL_SCHEMA_FILL_HISTORY};
	struct list tables = {0}, watches = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(first); i++)
		r = stmt_exec(db_stmt(db, first[i]), NULL, err);
	if (r == 0)
		r = catch_up_lists(db, &tables, &watches, err);
	free(tables.rows);
	free(watches.rows);
	return r;
}
