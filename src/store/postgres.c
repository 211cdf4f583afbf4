/* PostgreSQL: transactions, statements and their values, notifications. The connection is pg_conn.c's. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/pg_conn.h"

#define NUMBER_SIZE 40

static const struct libpq *
pq_of(const struct stmt *st)
{
	return pg_conn_of(st->db->conn)->pq;
}

static int
pg_begin(struct db_conn *conn, bool read_only, struct err *err)
{
	return pg_conn_run(conn,
		read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
			  : "BEGIN ISOLATION LEVEL READ COMMITTED",
		err);
}

/* The server answers the COMMIT of a failed transaction with ROLLBACK, and no error. */
static int
pg_commit(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	PGresult *result;
	int r = 0;

	/* Until here, nothing can have been committed. */
	if (impl->pg != NULL && pg_conn_collect_posted(conn, err) < 0)
		return -1;
	if (pg_conn_query(conn, "COMMIT", &result, err) < 0) {
		if (err->code == ERR_LOST)
			err->code = ERR_UNKNOWN;
		return -1;
	}
	if (strcmp(impl->pq->PQcmdStatus(result), "COMMIT") != 0)
		r = err_set(err, ERR_FAILED, "the transaction had failed and is rolled back");
	impl->pq->PQclear(result);
	return r;
}

static void
pg_rollback(struct db_conn *conn)
{
	struct pg_conn *impl = pg_conn_of(conn);
	struct err ignored = ERR_INIT;

	if (impl->pg != NULL)
		pg_conn_collect_posted(conn, &ignored);
	err_clear(&ignored);
	/* A COMMIT that was refused has ended it already. */
	if (impl->pg != NULL && impl->pq->PQtransactionStatus(impl->pg) != PQTRANS_IDLE)
		pg_conn_run(conn, "ROLLBACK", &ignored);
}

static const char *
param_text(const struct param *param, char number[NUMBER_SIZE])
{
	switch (param->type) {
	case PARAM_INT:
		snprintf(number, NUMBER_SIZE, "%" PRId64, param->i);
		return number;
	case PARAM_DOUBLE:
		snprintf(number, NUMBER_SIZE, "%.17g", param->d);
		return number;
	case PARAM_BOOL:
		return param->i ? "t" : "f";
	case PARAM_TEXT:
		return param->text;
	case PARAM_NULL:
	case PARAM_UNSET:
		break;
	}
	return NULL;
}

static void
server_name(const struct stmt *st, char out[80])
{
	snprintf(out, 80, "%.60s_%d", st->name, pg_stmt_of(st)->generation);
}

static int
prepare(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	struct pg_conn *impl = pg_conn_of(conn);
	PGresult *result;
	char name[80];

	server_name(st, name);
	if (pg_conn_finish(conn, impl->pq->PQsendPrepare(impl->pg, name, st->sql, 0, NULL), &result,
		    err) < 0)
		return -1;
	impl->pq->PQclear(result);
	pg_stmt_of(st)->prepared = true;
	return 0;
}

/* Types of parameters are left to the server, values go as text. */
static int
send_stmt(struct stmt *st)
{
	struct pg_conn *impl = pg_conn_of(st->db->conn);
	const char *values[DB_PARAMS_MAX];
	char numbers[DB_PARAMS_MAX][NUMBER_SIZE];
	char name[80];

	for (int i = 0; i < st->n_params; i++)
		values[i] = param_text(&st->params[i], numbers[i]);
	if (!st->named)
		return impl->pq->PQsendQueryParams(
			impl->pg, st->sql, st->n_params, NULL, values, NULL, NULL, 0);
	server_name(st, name);
	return impl->pq->PQsendQueryPrepared(impl->pg, name, st->n_params, values, NULL, NULL, 0);
}

static void
keep_result(struct stmt *st, PGresult *result)
{
	const struct libpq *pq = pq_of(st);
	struct pg_stmt *impl = pg_stmt_of(st);
	const char *status = pq->PQcmdStatus(result);

	impl->result = result;
	impl->row = -1;
	/* "SELECT 3" counts rows, too. */
	impl->changed =
		strncmp(status, "SELECT", 6) == 0 ? 0 : strtoll(pq->PQcmdTuples(result), NULL, 10);
}

/* Connected, and the statement known to the server. */
static int
make_ready(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;

	if (pg_conn_of(conn)->pg == NULL)
		return pg_conn_not_open(conn, err);
	if (st->impl == NULL)
		st->impl = xcalloc(1, sizeof(struct pg_stmt));
	if (!st->named || pg_stmt_of(st)->prepared)
		return 0;
	return pg_conn_collect_posted(conn, err) < 0 ? -1 : prepare(st, err);
}

static int
pg_start(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	PGresult *result;
	int sent;

	if (make_ready(st, err) < 0)
		return -1;
	sent = send_stmt(st);
	if (pg_conn_of(conn)->n_posted > 0) {
		if (!sent)
			return pg_conn_lost(conn, err);
		if (pg_conn_collect(conn, st, &result, err) < 0)
			return -1;
	} else if (pg_conn_finish(conn, sent, &result, err) < 0) {
		pg_conn_forget_plan(pg_conn_of(conn), st);
		return -1;
	}
	keep_result(st, result);
	return 0;
}

static int
pg_post(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	struct pg_conn *impl = pg_conn_of(conn);

	if (make_ready(st, err) < 0 ||
		(impl->n_posted == PG_POSTED_MAX && pg_conn_collect_posted(conn, err) < 0))
		return -1;
	if (impl->n_posted == 0 && !impl->pq->PQenterPipelineMode(impl->pg))
		return pg_conn_lost(conn, err);
	if (!send_stmt(st))
		return pg_conn_lost(conn, err);
	impl->posted[impl->n_posted++] = st;
	return 0;
}

static int
pg_step(struct stmt *st, struct err *err)
{
	struct pg_stmt *impl = pg_stmt_of(st);

	(void)err;
	return ++impl->row < pq_of(st)->PQntuples(impl->result);
}

static int64_t
pg_changed(const struct stmt *st)
{
	return pg_stmt_of(st)->changed;
}

static void
pg_reset(struct stmt *st)
{
	struct pg_stmt *impl = pg_stmt_of(st);

	pq_of(st)->PQclear(impl->result);
	impl->result = NULL;
}

static void
pg_finish(struct stmt *st)
{
	/* The server forgets it with the connection; a named one is finished only then. */
	free(st->impl);
	st->impl = NULL;
}

static const char *
value(const struct stmt *st, int c)
{
	return pq_of(st)->PQgetvalue(pg_stmt_of(st)->result, pg_stmt_of(st)->row, c);
}

static bool
pg_is_null(const struct stmt *st, int c)
{
	const struct pg_stmt *impl = pg_stmt_of(st);

	assert(c >= 0 && c < pq_of(st)->PQnfields(impl->result) && impl->row >= 0);
	return pq_of(st)->PQgetisnull(impl->result, impl->row, c);
}

static bool
pg_get_bool(const struct stmt *st, int c)
{
	const char *text = value(st, c);

	return strcmp(text, "t") == 0 || strcmp(text, "1") == 0;
}

/* A boolean is 1 or 0, as on SQLite. */
static int64_t
pg_get_int(const struct stmt *st, int c)
{
	return pg_get_bool(st, c) ? 1 : strtoll(value(st, c), NULL, 10);
}

static double
pg_get_double(const struct stmt *st, int c)
{
	return strtod(value(st, c), NULL);
}

static int
get_number(struct db_conn *conn, const char *sql, int64_t *out, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	PGresult *result;

	if (pg_conn_query(conn, sql, &result, err) < 0)
		return -1;
	assert(impl->pq->PQntuples(result) == 1);
	*out = strtoll(impl->pq->PQgetvalue(result, 0, 0), NULL, 10);
	impl->pq->PQclear(result);
	return 0;
}

static int
pg_data_version(struct db_conn *conn, int64_t *version, struct err *err)
{
	(void)err;
	(void)conn;
	*version = 0;
	return 0;
}

static int
pg_schema_version(struct db_conn *conn, int64_t *version, struct err *err)
{
	return get_number(conn,
		"SELECT count(*) FROM pg_catalog.pg_trigger t "
		"JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE t.tgname LIKE 'scheduler\\_%' AND NOT t.tgisinternal "
		"AND t.tgenabled <> 'D' AND n.nspname = current_schema()",
		version, err);
}

static int
pg_socket(const struct db_conn *conn)
{
	struct pg_conn *impl = pg_conn_of(conn);

	return impl->pg != NULL ? impl->pq->PQsocket(impl->pg) : -1;
}

static int
pg_listen(struct db_conn *conn, const char *channel, struct err *err)
{
	char sql[128];

	assert(strspn(channel, "abcdefghijklmnopqrstuvwxyz_") == strlen(channel));
	snprintf(sql, sizeof(sql), "LISTEN %.63s", channel);
	return pg_conn_run(conn, sql, err);
}

static int
pg_consume(struct db_conn *conn, db_notify_cb cb, void *arg, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	PGnotify *notify;

	if (impl->pg == NULL)
		return pg_conn_not_open(conn, err);
	if (!impl->pq->PQconsumeInput(impl->pg))
		return pg_conn_lost(conn, err);
	while ((notify = impl->pq->PQnotifies(impl->pg)) != NULL) {
		cb(notify->extra, arg);
		impl->pq->PQfreemem(notify);
	}
	return 0;
}

const struct db_backend postgres_backend = {
	.type = DB_POSTGRES,
	.open = pg_conn_open,
	.close = pg_conn_close,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.script = pg_conn_run,
	.start = pg_start,
	.post = pg_post,
	.step = pg_step,
	.changed = pg_changed,
	.reset = pg_reset,
	.finish = pg_finish,
	.is_null = pg_is_null,
	.get_int = pg_get_int,
	.get_double = pg_get_double,
	.get_bool = pg_get_bool,
	.get_text = value,
	.data_version = pg_data_version,
	.schema_version = pg_schema_version,
	.socket = pg_socket,
	.listen = pg_listen,
	.consume = pg_consume,
};
