/* What both databases have in common: handles, transactions, the statement cache, faults. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/backend.h"

static int
or_default(int value, int fallback)
{
	return value > 0 ? value : fallback;
}

static void
options_set(struct db_options *to, const struct db_options *from)
{
	static const struct db_options none;

	*to = from != NULL ? *from : none;
	to->busy_timeout_ms = or_default(to->busy_timeout_ms, DB_BUSY_TIMEOUT_MS);
	to->statement_timeout_ms = or_default(to->statement_timeout_ms, DB_STATEMENT_TIMEOUT_MS);
	to->connect_timeout_ms = or_default(to->connect_timeout_ms, DB_CONNECT_TIMEOUT_MS);
	to->application_name =
		xstrdup(to->application_name != NULL ? to->application_name : "flowfile_scheduler");
}

static const struct db_backend *
backend_for(enum db_type type)
{
#ifdef HAVE_POSTGRES
	if (type == DB_POSTGRES)
		return &postgres_backend;
#endif
	assert(type == DB_SQLITE);
	return &sqlite_backend;
}

static struct db *
handle_new(struct db_conn *conn)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->conn = conn;
	conn->refs++;
	TAILQ_INIT(&db->stmts);
	return db;
}

static void
conn_free(struct db_conn *conn)
{
	if (conn->impl != NULL)
		conn->backend->close(conn);
	db_url_free(&conn->url);
	free(conn->path);
	free((char *)conn->options.application_name);
	free(conn);
}

int
db_open(const char *url, const struct db_options *options, struct db **out, struct err *err)
{
	struct db_conn *conn = xcalloc(1, sizeof(*conn));

	options_set(&conn->options, options);
	if (db_url_parse(url, &conn->url, err) < 0)
		goto fail;
	conn->backend = backend_for(conn->url.type);
	if (conn->backend->open(conn, true, err) < 0)
		goto fail;
	*out = handle_new(conn);
	return 0;
fail:
	conn_free(conn);
	return -1;
}

struct db *
db_share(struct db *db)
{
	return handle_new(db->conn);
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_rollback(db);
	for (size_t i = 0; i < SQL_COUNT; i++)
		if (db->named[i] != NULL)
			stmt_free(db->named[i]);
	assert(TAILQ_EMPTY(&db->stmts));
	if (--db->conn->refs == 0)
		conn_free(db->conn);
	free(db);
}

int
db_check_url(const char *url, enum db_type *type, struct err *err)
{
	struct db_url parsed = {0};
	int r = db_url_parse(url, &parsed, err);

	if (r == 0)
		*type = parsed.type;
	db_url_free(&parsed);
	return r;
}

enum db_type
db_get_type(const struct db *db)
{
	return db->conn->backend->type;
}

const char *
db_path(const struct db *db)
{
	return db->conn->path;
}

const char *
db_display(const struct db *db)
{
	return db->conn->path != NULL ? db->conn->path : db->conn->url.display;
}

int
db_reconnect(struct db *db, struct err *err)
{
	struct db_conn *conn = db->conn;
	struct stmt *st;

	db_rollback(db);
	if (db_fault(db, "reconnect", false, err) < 0)
		return -1;
	/* A shared connection, or a database in memory, cannot be lost in earnest. */
	if (conn->refs == 1 && !conn->url.memory) {
		TAILQ_FOREACH (st, &db->stmts, link) {
			stmt_reset(st);
			conn->backend->finish(st);
		}
		if (conn->impl != NULL)
			conn->backend->close(conn);
		if (conn->backend->open(conn, false, err) < 0)
			return -1;
	}
	db->lost = false;
	return 0;
}

void
db_set_fault(struct db *db, db_fault_cb cb, void *arg)
{
	db->fault = cb;
	db->fault_arg = arg;
}

int
db_fault(struct db *db, const char *step, bool after, struct err *err)
{
	enum err_code code;

	if (db->fault == NULL)
		return 0;
	code = db->fault(step, after, db->fault_arg);
	if (code == ERR_NONE)
		return 0;
	return err_set(err, code, "%s: injected failure%s", step, after ? " afterwards" : "");
}

static void
count_failure(enum err_code code)
{
	metrics_count(METRIC_STORE_ERRORS,
		code == ERR_BUSY               ? "busy"
			: code == ERR_LOST     ? "lost"
			: code == ERR_UNKNOWN  ? "unknown"
			: code == ERR_CONFLICT ? "conflict"
			: code == ERR_FENCED   ? "fenced"
					       : "failed",
		NULL);
}

int
db_failed(struct db *db, const struct err *err)
{
	count_failure(err->code);
	if (err->code == ERR_LOST || err->code == ERR_UNKNOWN) {
		db_rollback(db);
		db->lost = true;
	} else if (db_in_transaction(db) && db->tx_failed == ERR_NONE) {
		db->tx_failed = err->code;
	}
	return -1;
}

int
db_usable(struct db *db, const char *step, struct err *err)
{
	assert(db->conn->tx_owner == NULL || db->conn->tx_owner == db);
	if (db->lost || db->conn->impl == NULL)
		return err_set(err, ERR_LOST, "%s: not connected to %s", step, db_display(db));
	if (db->tx_failed != ERR_NONE)
		return err_set(err, db->tx_failed, "%s: the transaction has failed already", step);
	return 0;
}

static void
reset_all(struct db *db)
{
	struct stmt *st;

	TAILQ_FOREACH (st, &db->stmts, link)
		stmt_reset(st);
}

static int
begin(struct db *db, bool read_only, struct err *err)
{
	assert(!db_in_transaction(db));
	db->conn->tx_began_us = clock_boot(&clock_real).us;
	if (db_usable(db, "begin", err) < 0)
		return -1;
	if (db_fault(db, "begin", false, err) < 0 ||
		db->conn->backend->begin(db->conn, read_only, err) < 0)
		return db_failed(db, err);
	db->conn->tx_owner = db;
	db->conn->tx_reads = read_only;
	return 0;
}

int
db_begin(struct db *db, struct err *err)
{
	return begin(db, false, err);
}

int
db_begin_read(struct db *db, struct err *err)
{
	return begin(db, true, err);
}

int
db_commit(struct db *db, struct err *err)
{
	struct db_conn *conn = db->conn;

	assert(db_in_transaction(db) || db->lost);
	reset_all(db);
	if (db_usable(db, "commit", err) < 0 || db_fault(db, "commit", false, err) < 0 ||
		conn->backend->commit(conn, err) < 0) {
		db_failed(db, err);
		db_rollback(db);
		return -1;
	}
	if (!conn->tx_reads)
		metrics_observe(
			METRIC_STORE_TRANSACTION, clock_boot(&clock_real).us - conn->tx_began_us);
	conn->tx_owner = NULL;
	conn->tx_reads = false;
	if (db_fault(db, "commit", true, err) < 0)
		return db_failed(db, err);
	return 0;
}

void
db_rollback(struct db *db)
{
	if (!db_in_transaction(db))
		return;
	reset_all(db);
	if (db->conn->impl != NULL)
		db->conn->backend->rollback(db->conn);
	db->conn->tx_owner = NULL;
	db->conn->tx_reads = false;
	db->tx_failed = ERR_NONE;
}

bool
db_in_transaction(const struct db *db)
{
	return db->conn->tx_owner == db;
}

int
db_script(struct db *db, const char *sql, struct err *err)
{
	if (db_usable(db, "script", err) < 0)
		return -1;
	if (db_fault(db, "script", false, err) < 0 ||
		db->conn->backend->script(db->conn, sql, err) < 0)
		return db_failed(db, err);
	return 0;
}

int
db_data_version(struct db *db, int64_t *version, struct err *err)
{
	if (db_usable(db, "data version", err) < 0)
		return -1;
	if (db->conn->backend->data_version(db->conn, version, err) < 0)
		return db_failed(db, err);
	return 0;
}

int
db_peek(struct db *db, struct db_peek *out, struct err *err)
{
	if (db_usable(db, "peek", err) < 0)
		return -1;
	if (db->conn->backend->peek == NULL)
		return err_set(err, ERR_FAILED, "peek: only SQLite can");
	return db->conn->backend->peek(db->conn, out, err);
}

int
db_schema_version(struct db *db, int64_t *version, struct err *err)
{
	if (db_usable(db, "schema version", err) < 0)
		return -1;
	if (db->conn->backend->schema_version(db->conn, version, err) < 0)
		return db_failed(db, err);
	return 0;
}

int
db_socket(const struct db *db)
{
	return db->conn->impl != NULL ? db->conn->backend->socket(db->conn) : -1;
}

int
db_listen(struct db *db, const char *channel, struct err *err)
{
	if (db_usable(db, "listen", err) < 0)
		return -1;
	if (db->conn->backend->listen(db->conn, channel, err) < 0)
		return db_failed(db, err);
	return 0;
}

int
db_consume_notifies(struct db *db, db_notify_cb cb, void *arg, struct err *err)
{
	if (db_usable(db, "notifications", err) < 0)
		return -1;
	if (db->conn->backend->consume(db->conn, cb, arg, err) < 0)
		return db_failed(db, err);
	return 0;
}
