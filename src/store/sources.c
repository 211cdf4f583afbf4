#include "store/sources.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/fence.h"

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

static void
add(struct pairs *pairs, struct pair pair)
{
	if (pairs->n == pairs->cap) {
		pairs->cap = pairs->cap > 0 ? 2 * pairs->cap : 16;
		pairs->items = xrealloc(pairs->items, pairs->cap, sizeof(*pairs->items));
	}
	pairs->items[pairs->n++] = pair;
}

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

	while ((r = stmt_step(st, err)) > 0)
		add(pairs,
			(struct pair){col_int(st, 0), col_int(st, 1), col_int(st, 2),
				col_int_or(st, 3, 0)});
	return r;
}

static int
read_write(struct db *db, int64_t table_id, int64_t *seq, int64_t *at_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_WRITTEN);
	int r;

	*seq = 0;
	*at_us = TIME_NONE;
	stmt_int(st, 1, table_id);
	r = stmt_step(st, err);
	if (r > 0) {
		*seq = col_int(st, 0);
		if (col_time(st, 1, at_us) <= 0)
			*at_us = TIME_NONE;
	}
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

/* A virtual table that was noted: the write that this is, and the one before. */
struct noted {
	int64_t table_id;
	int64_t seq, earlier;
};

/* One write of a virtual table. 0: the table is gone. */
static int
note(struct db *db, const struct pair *pair, struct noted *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_LOCK);
	int64_t id, ignored;
	int r;

	stmt_int(st, 1, pair->table_id);
	r = stmt_get_int(st, &id, err);
	if (r <= 0)
		return r;
	out->table_id = pair->table_id;
	if (read_write(db, pair->table_id, &out->earlier, &ignored, err) < 0)
		return -1;
	st = db_stmt(db, SQL_SOURCES_NOTE);
	stmt_int(st, 1, pair->table_id);
	stmt_int_or_null(st, 2, pair->run_id, 0);
	if (stmt_get_int(st, &out->seq, err) < 0)
		return -1;
	st = db_stmt(db, SQL_SOURCES_STAMP);
	stmt_int(st, 1, pair->table_id);
	stmt_int(st, 2, out->seq);
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
settle(struct db *db, const struct noted *noted, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_SETTLE);

	stmt_int(st, 1, noted->table_id);
	stmt_int(st, 2, noted->seq);
	stmt_int(st, 3, noted->earlier);
	return stmt_exec(st, NULL, err);
}

static int
pass_on(struct db *db, const struct pairs *pairs, struct noted *noted, struct err *err)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *pair = &pairs->items[i];

		/* They are in the order of their tables: one write for each. */
		if ((i == 0 || pair->table_id != pair[-1].table_id) &&
			note(db, pair, &noted[i], err) < 0)
			return -1;
		if (set_passed_on(db, pair, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < pairs->n; i++)
		if (noted[i].seq > 0 && settle(db, &noted[i], err) < 0)
			return -1;
	return 0;
}

int
sources_pass_on(struct db *db, struct err *err)
{
	struct pairs pairs = {NULL, 0, 0};
	struct noted *noted;
	int r = read_pending(db, &pairs, err);

	if (r >= 0 && pairs.n > 0) {
		noted = xcalloc(pairs.n, sizeof(*noted));
		r = pass_on(db, &pairs, noted, err);
		free(noted);
	}
	free(pairs.items);
	return r < 0 ? -1 : 0;
}

/* --- what they are computed from -------------------------------------------------------------------------- */

/* What is stored, in order. */
struct stored {
	struct pairs pairs;
	bool first; /* nothing ever was */
};

static int
load_stored(struct db *db, struct stored *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_LIST);
	int64_t known;
	int r;

	while ((r = stmt_step(st, err)) > 0)
		add(&out->pairs,
			(struct pair){.table_id = col_int(st, 0), .source_id = col_int(st, 1)});
	if (r < 0 || stmt_get_int(db_stmt(db, SQL_SOURCES_KNOWN), &known, err) < 0)
		return -1;
	out->first = known == 0;
	return 0;
}

static int
by_pair(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->table_id != y->table_id)
		return x->table_id < y->table_id ? -1 : 1;
	return (x->source_id > y->source_id) - (x->source_id < y->source_id);
}

static int
by_table(const void *key, const void *item)
{
	const int64_t *id = key;
	const struct sources *t = item;

	return (*id > t->table_id) - (*id < t->table_id);
}

static bool
is_wanted(const struct pair *pair, const struct sources *tables, size_t n)
{
	const struct sources *t =
		n > 0 ? bsearch(&pair->table_id, tables, n, sizeof(*tables), by_table) : NULL;

	for (size_t i = 0; t && i < t->n; i++)
		if (t->ids[i] == pair->source_id)
			return true;
	return t && t->partly;
}

static int
add_pair(struct db *db, int64_t table_id, int64_t source_id, int64_t seq, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_ADD);

	stmt_int(st, 1, table_id);
	stmt_int(st, 2, source_id);
	stmt_int(st, 3, seq);
	return stmt_exec(st, NULL, err);
}

/* Writes are compared by their order, which a clock that is set does not change; a file has nothing but its time. */
static int
add_source(struct db *db, const struct sources *t, int64_t source_id, bool first, struct err *err)
{
	int64_t own_seq, own_us, seq, at_us;
	bool since;

	if (read_write(db, t->table_id, &own_seq, &own_us, err) < 0 ||
		read_write(db, source_id, &seq, &at_us, err) < 0)
		return -1;
	since = !first && seq > own_seq && (t->changed_us == TIME_NONE || at_us > t->changed_us);
	return add_pair(db, t->table_id, source_id, since ? 0 : seq, err);
}

static int
remove_pair(struct db *db, const struct pair *pair, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_REMOVE);

	stmt_int(st, 1, pair->table_id);
	stmt_int(st, 2, pair->source_id);
	return stmt_exec(st, NULL, err);
}

static bool
is_stored(const struct stored *stored, int64_t table_id, int64_t source_id)
{
	const struct pair pair = {.table_id = table_id, .source_id = source_id};

	return stored->pairs.n > 0 &&
		bsearch(&pair, stored->pairs.items, stored->pairs.n, sizeof(pair), by_pair);
}

static bool
differs(const struct stored *stored, const struct sources *tables, size_t n)
{
	for (size_t i = 0; i < stored->pairs.n; i++)
		if (!is_wanted(&stored->pairs.items[i], tables, n))
			return true;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n; k++)
			if (!is_stored(stored, tables[i].table_id, tables[i].ids[k]))
				return true;
	return stored->first;
}

static int
store(struct db *db, const struct stored *stored, const struct sources *tables, size_t n,
	struct err *err)
{
	if (stored->first && add_pair(db, 0, 0, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < stored->pairs.n; i++)
		if (!is_wanted(&stored->pairs.items[i], tables, n) &&
			remove_pair(db, &stored->pairs.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n; k++)
			if (!is_stored(stored, tables[i].table_id, tables[i].ids[k]) &&
				add_source(db, &tables[i], tables[i].ids[k], stored->first, err) <
					0)
				return -1;
	return 0;
}

static int
store_fenced(struct db *db, const char *holder_id, const struct stored *stored,
	const struct sources *tables, size_t n, struct err *err)
{
	if (fence_begin(db, holder_id, err) < 0)
		return -1;
	if (store(db, stored, tables, n, err) < 0 || db_commit(db, err) < 0) {
		db_rollback(db);
		return -1;
	}
	return 1;
}

int
sources_update(struct db *db, const char *holder_id, const struct sources *tables, size_t n,
	struct err *err)
{
	struct stored stored = {0};
	int r = load_stored(db, &stored, err);

	if (r == 0 && differs(&stored, tables, n))
		r = store_fenced(db, holder_id, &stored, tables, n, err);
	free(stored.pairs.items);
	return r;
}
