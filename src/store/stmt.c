/* Statements: parameters, steps, columns, for both databases. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/backend.h"

/* Past a quoted text or a comment that starts at p; p itself when none does. */
static const char *
skip_quoted(const char *p)
{
	const char *end;

	if (*p == '\'' || *p == '"')
		end = strchr(p + 1, *p);
	else if (strncmp(p, "--", 2) == 0)
		end = strchr(p, '\n');
	else
		return p;
	return end != NULL ? end + 1 : p + strlen(p);
}

int
sql_count_params(const char *sql)
{
	int max = 0;

	for (const char *p = sql; *p != '\0';) {
		const char *next = skip_quoted(p);

		if (next == p && *p == '$' && isdigit((unsigned char)p[1])) {
			long n = strtol(p + 1, NULL, 10);

			assert(n >= 1 && n <= DB_PARAMS_MAX);
			max = (int)n > max ? (int)n : max;
		}
		p = next == p ? p + 1 : next;
	}
	return max;
}

static struct stmt *
stmt_new(struct db *db, const char *name, const char *sql)
{
	struct stmt *st = xcalloc(1, sizeof(*st));

	st->db = db;
	st->name = name;
	st->sql = sql;
	st->n_params = sql_count_params(sql);
	st->params = xcalloc((size_t)st->n_params + 1, sizeof(*st->params));
	TAILQ_INSERT_TAIL(&db->stmts, st, link);
	return st;
}

struct stmt *
db_stmt(struct db *db, enum sql_id id)
{
	const struct sql_text *text = &sql_texts[id];

	assert(id < SQL_COUNT);
	if (db->named[id] == NULL) {
		db->named[id] = stmt_new(db, text->name,
			db_get_type(db) == DB_SQLITE ? text->sqlite : text->postgres);
		db->named[id]->named = true;
	}
	return db->named[id];
}

struct stmt *
db_stmt_text(struct db *db, const char *sql)
{
	char *copy = xstrdup(sql);
	struct stmt *st = stmt_new(db, "sql", copy);

	st->owned = copy;
	return st;
}

void
stmt_free(struct stmt *st)
{
	stmt_reset(st);
	if (st->db->conn->backend != NULL)
		st->db->conn->backend->finish(st);
	TAILQ_REMOVE(&st->db->stmts, st, link);
	for (int i = 0; i < st->n_params; i++)
		free(st->params[i].text);
	free(st->params);
	free(st->owned);
	free(st);
}

void
stmt_finish(struct stmt *st)
{
	if (st == NULL)
		return;
	assert(!st->named);
	stmt_free(st);
}

static struct param *
param_at(struct stmt *st, int i, enum param_type type)
{
	assert(!st->busy);
	assert(i >= 1 && i <= st->n_params);
	st->params[i - 1].type = type;
	return &st->params[i - 1];
}

void
stmt_int(struct stmt *st, int i, int64_t v)
{
	param_at(st, i, PARAM_INT)->i = v;
}

void
stmt_int_or_null(struct stmt *st, int i, int64_t v, int64_t none)
{
	if (v == none)
		stmt_null(st, i);
	else
		stmt_int(st, i, v);
}

void
stmt_double(struct stmt *st, int i, double v)
{
	param_at(st, i, PARAM_DOUBLE)->d = v;
}

void
stmt_bool(struct stmt *st, int i, bool v)
{
	param_at(st, i, PARAM_BOOL)->i = v;
}

void
stmt_text(struct stmt *st, int i, const char *s)
{
	struct param *param;
	size_t size;

	if (s == NULL) {
		stmt_null(st, i);
		return;
	}
	param = param_at(st, i, PARAM_TEXT);
	size = strlen(s) + 1;
	if (size > param->cap) {
		param->text = xrealloc(param->text, size, 1);
		param->cap = size;
	}
	memcpy(param->text, s, size);
}

void
stmt_time(struct stmt *st, int i, int64_t us)
{
	char text[TIMEFMT_SIZE];

	if (us == TIME_NONE) {
		stmt_null(st, i);
		return;
	}
	time_format_catalog(us, text);
	stmt_text(st, i, text);
}

void
stmt_null(struct stmt *st, int i)
{
	param_at(st, i, PARAM_NULL);
}

static int
stmt_begin(struct stmt *st, int (*begin)(struct stmt *st, struct err *err), struct err *err)
{
	for (int i = 0; i < st->n_params; i++)
		assert(st->params[i].type != PARAM_UNSET);
	if (db_usable(st->db, st->name, err) < 0)
		return -1;
	if (db_fault(st->db, st->name, false, err) < 0)
		return db_failed(st->db, err);
	if (begin(st, err) < 0) {
		err_prefix(err, "%s", st->name);
		return db_failed(st->db, err);
	}
	return 0;
}

static int
stmt_start(struct stmt *st, struct err *err)
{
	if (stmt_begin(st, st->db->conn->backend->start, err) < 0)
		return -1;
	st->busy = true;
	return 0;
}

int
stmt_step(struct stmt *st, struct err *err)
{
	int r;

	if (!st->busy && stmt_start(st, err) < 0)
		return -1;
	r = st->db->conn->backend->step(st, err);
	if (r <= 0)
		stmt_reset(st);
	if (r < 0) {
		err_prefix(err, "%s", st->name);
		return db_failed(st->db, err);
	}
	return r;
}

int
stmt_exec(struct stmt *st, int64_t *changed, struct err *err)
{
	int r;

	assert(!st->busy);
	do {
		r = stmt_step(st, err);
	} while (r > 0);
	if (r == 0 && changed != NULL)
		*changed = st->db->conn->backend->changed(st);
	return r;
}

int
stmt_post(struct stmt *st, struct err *err)
{
	assert(!st->busy && st->named);
	if (st->db->conn->backend->post == NULL || !db_in_transaction(st->db))
		return stmt_exec(st, NULL, err);
	return stmt_begin(st, st->db->conn->backend->post, err);
}

int
stmt_get_int(struct stmt *st, int64_t *out, struct err *err)
{
	int rows = 0;
	int r;

	assert(!st->busy);
	/* To the end: a write with RETURNING has its result only then. */
	while ((r = stmt_step(st, err)) > 0) {
		if (rows++ == 0)
			*out = col_int(st, 0);
	}
	if (r < 0)
		return -1;
	return rows > 0;
}

void
stmt_reset(struct stmt *st)
{
	if (!st->busy)
		return;
	st->db->conn->backend->reset(st);
	st->busy = false;
}

bool
col_null(const struct stmt *st, int c)
{
	assert(st->busy);
	return st->db->conn->backend->is_null(st, c);
}

int64_t
col_int(const struct stmt *st, int c)
{
	return col_int_or(st, c, 0);
}

int64_t
col_int_or(const struct stmt *st, int c, int64_t none)
{
	return col_null(st, c) ? none : st->db->conn->backend->get_int(st, c);
}

double
col_double(const struct stmt *st, int c)
{
	return col_null(st, c) ? 0 : st->db->conn->backend->get_double(st, c);
}

bool
col_bool(const struct stmt *st, int c)
{
	return !col_null(st, c) && st->db->conn->backend->get_bool(st, c);
}

const char *
col_text(const struct stmt *st, int c)
{
	return col_null(st, c) ? NULL : st->db->conn->backend->get_text(st, c);
}

int
col_time(const struct stmt *st, int c, int64_t *us)
{
	const char *text = col_text(st, c);

	*us = TIME_NONE;
	if (text == NULL)
		return 0;
	return time_parse(text, us) ? 1 : -1;
}
