#include "store/sources.h"

#include <stdlib.h>

#include "base/mem.h"

/* A virtual table and a source of it that was written. */
struct pair {
	int64_t table_id, source_id;
	int64_t source_seq;
	int64_t run_id; /* that wrote; 0: none is known */
};

struct pairs {
	struct pair *items;
	size_t n, cap;
};

int
sources_pending(struct db *db, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_PENDING);
	int r = stmt_step(st, err);

	stmt_reset(st);
	return r;
}

static int
read_pending(struct db *db, struct pairs *pairs, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_PENDING);
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		if (pairs->n == pairs->cap) {
			pairs->cap = pairs->cap > 0 ? 2 * pairs->cap : 16;
			pairs->items = xrealloc(pairs->items, pairs->cap, sizeof(*pairs->items));
		}
		pairs->items[pairs->n++] = (struct pair){
			col_int(st, 0), col_int(st, 1), col_int(st, 2), col_int_or(st, 3, 0)};
	}
	return r;
}

/* One write of a virtual table. 0: the table is gone. */
static int
note(struct db *db, const struct pair *pair, int64_t *seq, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_LOCK);
	int64_t id;
	int r;

	stmt_int(st, 1, pair->table_id);
	r = stmt_get_int(st, &id, err);
	if (r <= 0)
		return r;
	st = db_stmt(db, SQL_SOURCES_NOTE);
	stmt_int(st, 1, pair->table_id);
	stmt_int_or_null(st, 2, pair->run_id, 0);
	if (stmt_get_int(st, seq, err) < 0)
		return -1;
	st = db_stmt(db, SQL_SOURCES_STAMP);
	stmt_int(st, 1, pair->table_id);
	stmt_int(st, 2, *seq);
	return stmt_exec(st, NULL, err) < 0 ? -1 : 1;
}

static int
set_passed_on(struct db *db, const struct pair *pair, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_PASSED_ON);

	stmt_int(st, 1, pair->table_id);
	stmt_int(st, 2, pair->source_id);
	stmt_int(st, 3, pair->source_seq);
	return stmt_exec(st, NULL, err);
}

static int
settle(struct db *db, int64_t table_id, int64_t seq, int64_t first_seq, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_SETTLE);

	stmt_int(st, 1, table_id);
	stmt_int(st, 2, seq);
	stmt_int(st, 3, first_seq);
	return stmt_exec(st, NULL, err);
}

static int
pass_on(struct db *db, const struct pairs *pairs, int64_t *seqs, struct err *err)
{
	int64_t first = 0;

	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *pair = &pairs->items[i];

		/* They are in the order of their tables: one write for each. */
		if ((i == 0 || pair->table_id != pair[-1].table_id) &&
			note(db, pair, &seqs[i], err) < 0)
			return -1;
		if (first == 0)
			first = seqs[i];
		if (set_passed_on(db, pair, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < pairs->n; i++)
		if (seqs[i] > 0 && settle(db, pairs->items[i].table_id, seqs[i], first, err) < 0)
			return -1;
	return 0;
}

int
sources_pass_on(struct db *db, struct err *err)
{
	struct pairs pairs = {NULL, 0, 0};
	int64_t *seqs;
	int r = read_pending(db, &pairs, err);

	if (r >= 0 && pairs.n > 0) {
		seqs = xcalloc(pairs.n, sizeof(*seqs));
		r = pass_on(db, &pairs, seqs, err);
		free(seqs);
	}
	free(pairs.items);
	return r < 0 ? -1 : 0;
}
