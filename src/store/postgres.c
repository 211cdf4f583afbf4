/*
 * PostgreSQL, through libpq's asynchronous calls: whatever happens to the server or the network,
 * nothing waits longer than its deadline. The server is told a shorter one for each statement and
 * each lock; when even the answer that it timed out does not come, the connection is given up.
 *
 * Results are fetched whole; the statements that return many rows have a LIMIT.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/backend.h"
#include "store/libpq.h"

#define GRACE_MAX_MS 5000 /* beyond the server's own timeout */
#define SERVER_VERSION_MIN 120000
#define NUMBER_SIZE 40
#define POSTED_MAX 64

struct pg_conn {
	const struct libpq *pq;
	PGconn *pg; /* NULL: given up */
	char state[6]; /* SQLSTATE of the last failure */
	struct stmt
		*posted[POSTED_MAX]; /* sent in pipeline mode; their results are still to be read */
	int n_posted;
};

struct pg_stmt {
	bool prepared;
	int generation; /* part of its name on the server */
	PGresult *result;
	int row; /* -1: before the first */
	int64_t changed;
};

/* SQLSTATEs that callers tell apart; a class of two characters covers all in it. */
static const struct {
	const char *state;
	enum err_code code;
} states[] = {
	{"40001", ERR_BUSY}, /* serialization failure */
	{"40P01", ERR_BUSY}, /* deadlock */
	{"55P03", ERR_BUSY}, /* lock timeout */
	{"57014", ERR_BUSY}, /* statement timeout */
	{"23505", ERR_CONFLICT}, /* unique violation */
	{"57P", ERR_LOST}, /* shutdown, crash, starting up */
	{"25P03", ERR_LOST}, /* idle in transaction for too long */
	{"08", ERR_LOST}, /* connection */
	{"25006", ERR_LOST}, /* read-only: this server is no primary any more */
	{"53", ERR_LOST}, /* its disk or memory is full */
	{"58", ERR_LOST}, /* it cannot read or write its files */
};

static struct pg_conn *
impl_of(const struct db_conn *conn)
{
	return conn->impl;
}

static struct pg_stmt *
stmt_of(const struct stmt *st)
{
	return st->impl;
}

static const struct libpq *
pq_of(const struct stmt *st)
{
	return impl_of(st->db->conn)->pq;
}

static void
give_up(struct pg_conn *impl)
{
	if (impl->pg != NULL)
		impl->pq->PQfinish(impl->pg);
	impl->pg = NULL;
	impl->n_posted = 0;
}

/* One line, without the password: a server can be made to repeat it. */
static void
clean_message(const char *message, const char *password, char *out, size_t size)
{
	size_t len = password != NULL ? strlen(password) : 0;
	size_t n = 0;

	while (*message != '\0' && n + 4 < size) {
		if (len > 0 && strncmp(message, password, len) == 0) {
			n += (size_t)snprintf(out + n, size - n, "***");
			message += len;
		} else {
			out[n++] = (unsigned char)*message < ' ' ? ' ' : *message;
			message++;
		}
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static int
lost(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	char text[512] = "connection closed";

	if (impl->pg != NULL)
		clean_message(impl->pq->PQerrorMessage(impl->pg), impl->pq->PQpass(impl->pg), text,
			sizeof(text));
	err_set(err, ERR_LOST, "%s: %s", conn->url.display, text);
	give_up(impl);
	return -1;
}

static enum err_code
code_of(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
			return states[i].code;
	return ERR_FAILED;
}

/* Sets err from a result that is an error. */
static int
result_failed(struct db_conn *conn, const PGresult *result, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	const char *state = impl->pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = impl->pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	enum err_code code = state != NULL ? code_of(state) : ERR_LOST;

	snprintf(impl->state, sizeof(impl->state), "%s", state != NULL ? state : "");
	/* Without a state it is libpq that speaks: about the connection. */
	if (message == NULL)
		message = impl->pq->PQresultErrorMessage(result);
	err_set(err, code, "%s%s%s%s", message, state != NULL ? " (" : "",
		state != NULL ? state : "", state != NULL ? ")" : "");
	if (code == ERR_LOST || impl->pq->PQstatus(impl->pg) == CONNECTION_BAD) {
		err->code = ERR_LOST;
		err_prefix(err, "%s", conn->url.display);
		give_up(impl);
	}
	return -1;
}

static struct boottime
deadline_in(int ms)
{
	return boottime_add(clock_boot(&clock_real), ms * US_PER_MS);
}

/* The server's own timeout comes first. */
static struct boottime
answer_deadline(const struct db_conn *conn)
{
	int timeout_ms = conn->options.statement_timeout_ms;

	return deadline_in(timeout_ms + (timeout_ms < GRACE_MAX_MS ? timeout_ms : GRACE_MAX_MS));
}

/* Waits until the socket is ready. 1; 0 at the deadline. */
static int
wait_socket(int fd, short events, struct boottime deadline)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int64_t left_us;
	int n;

	do {
		left_us = boottime_diff(deadline, clock_boot(&clock_real));
		n = poll(&pfd, 1, left_us > 0 ? (int)(left_us / US_PER_MS) + 1 : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Moves bytes until a result can be had. */
static int
wait_result(struct db_conn *conn, struct boottime deadline, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	int unsent;

	while ((unsent = impl->pq->PQflush(impl->pg)) > 0 || impl->pq->PQisBusy(impl->pg)) {
		short events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0));

		if (!wait_socket(impl->pq->PQsocket(impl->pg), events, deadline)) {
			give_up(impl);
			return err_set(err, ERR_LOST, "%s: no answer", conn->url.display);
		}
		if (!impl->pq->PQconsumeInput(impl->pg))
			return lost(conn, err);
	}
	return unsent < 0 ? lost(conn, err) : 0;
}

static bool
is_error(const struct libpq *pq, const PGresult *result)
{
	ExecStatusType status = pq->PQresultStatus(result);

	return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
		status != PGRES_EMPTY_QUERY;
}

/*
 * Takes all results of what was sent; keeps the last, or the first that is an error. sent: whether
 * sending succeeded. 0 and *out (owned), or -1.
 */
static int
finish_command(struct db_conn *conn, int sent, PGresult **out, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	struct boottime deadline = answer_deadline(conn);
	PGresult *kept = NULL, *result;
	int r;

	if (!sent)
		return lost(conn, err);
	while ((r = wait_result(conn, deadline, err)) == 0 &&
		(result = impl->pq->PQgetResult(impl->pg)) != NULL) {
		if (kept != NULL && is_error(impl->pq, kept)) {
			impl->pq->PQclear(result);
			continue;
		}
		impl->pq->PQclear(kept);
		kept = result;
	}
	if (r == 0 && kept == NULL)
		r = lost(conn, err);
	if (r == 0 && is_error(impl->pq, kept))
		r = result_failed(conn, kept, err);
	if (r < 0)
		impl->pq->PQclear(kept);
	else
		*out = kept;
	return r;
}

static int
not_connected(const struct db_conn *conn, struct err *err)
{
	return err_set(err, ERR_LOST, "%s: not connected", conn->url.display);
}

/* The tables changed below a prepared statement, or somebody discarded it: under a new name next
 * time. */
static void
forget_outdated_plan(const struct pg_conn *impl, struct stmt *st)
{
	if (strcmp(impl->state, "0A000") != 0 && strcmp(impl->state, "26000") != 0)
		return;
	stmt_of(st)->generation++;
	stmt_of(st)->prepared = false;
}

/* Reads on to the end of the pipeline. *failed: the first result that is an error, and *failed_at whose it is; *kept: the
 * last one, when there is none. 0, or -1 when the connection is lost. */
static int
read_pipeline(
	struct db_conn *conn, PGresult **failed, int *failed_at, PGresult **kept, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	struct boottime deadline = answer_deadline(conn);
	PGresult *result;
	ExecStatusType status;
	int at = 0;

	while (at <= impl->n_posted + 1) {
		if (wait_result(conn, deadline, err) < 0)
			return -1;
		result = impl->pq->PQgetResult(impl->pg);
		if (result == NULL) { /* the end of one statement's */
			at++;
			continue;
		}
		status = impl->pq->PQresultStatus(result);
		if (status == PGRES_PIPELINE_SYNC) {
			impl->pq->PQclear(result);
			return 0;
		}
		if (*failed == NULL && is_error(impl->pq, result)) {
			*failed = result;
			*failed_at = at;
		} else if (*failed != NULL) {
			impl->pq->PQclear(result);
		} else {
			impl->pq->PQclear(*kept);
			*kept = result;
		}
	}
	return lost(conn, err);
}

/* Ends the pipeline of what was posted, and of last (NULL: none), whose result is *out. */
static int
collect(struct db_conn *conn, struct stmt *last, PGresult **out, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	PGresult *failed = NULL, *kept = NULL;
	int failed_at = 0, n = impl->n_posted, r;
	struct stmt *st;

	if (!impl->pq->PQpipelineSync(impl->pg))
		r = lost(conn, err);
	else
		r = read_pipeline(conn, &failed, &failed_at, &kept, err);
	impl->n_posted = 0;
	if (r == 0 && !impl->pq->PQexitPipelineMode(impl->pg))
		r = lost(conn, err);
	if (r == 0 && failed != NULL) {
		r = result_failed(conn, failed, err);
		st = failed_at < n ? impl->posted[failed_at] : last;
		if (st != NULL)
			forget_outdated_plan(impl, st);
	}
	if (r == 0 && last != NULL && kept == NULL)
		r = lost(conn, err);
	impl->pq->PQclear(failed);
	if (r == 0 && out != NULL)
		*out = kept;
	else
		impl->pq->PQclear(kept);
	return r;
}

static int
collect_posted(struct db_conn *conn, struct err *err)
{
	return impl_of(conn)->n_posted > 0 ? collect(conn, NULL, NULL, err) : 0;
}

/* Text without parameters, perhaps several statements. */
static int
query(struct db_conn *conn, const char *sql, PGresult **out, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);

	if (impl->pg == NULL)
		return not_connected(conn, err);
	if (collect_posted(conn, err) < 0)
		return -1;
	return finish_command(conn, impl->pq->PQsendQuery(impl->pg, sql), out, err);
}

static int
run(struct db_conn *conn, const char *sql, struct err *err)
{
	PGresult *result;

	if (query(conn, sql, &result, err) < 0)
		return -1;
	impl_of(conn)->pq->PQclear(result);
	return 0;
}

static void
notice(void *arg, const char *message)
{
	char line[512];

	(void)arg;
	log_debug("PostgreSQL says message=%s", log_text(message, line, sizeof(line)));
}

/* Connecting may fail for reasons that pass; only what surely will not is ERR_FAILED. */
static int
connect_failed(struct db_conn *conn, const char *why, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	char text[512];
	bool hopeless = impl->pq->PQconnectionNeedsPassword(impl->pg);

	clean_message(why != NULL ? why : impl->pq->PQerrorMessage(impl->pg),
		impl->pq->PQpass(impl->pg), text, sizeof(text));
	return err_set(err, hopeless ? ERR_FAILED : ERR_LOST, "connect to %s: %s",
		conn->url.display, text);
}

static int
connect_wait(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	struct boottime deadline = deadline_in(conn->options.connect_timeout_ms);
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	if (impl->pq->PQstatus(impl->pg) == CONNECTION_BAD)
		return connect_failed(conn, NULL, err);
	while (next != PGRES_POLLING_OK) {
		short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (!wait_socket(impl->pq->PQsocket(impl->pg), events, deadline))
			return connect_failed(conn, "no answer", err);
		next = impl->pq->PQconnectPoll(impl->pg);
		if (next == PGRES_POLLING_FAILED)
			return connect_failed(conn, NULL, err);
	}
	return 0;
}

/*
 * The session: our time zone and formats, bounds for everything, and keepalives so that the server
 * lets go of a vanished client's locks.
 */
static int
set_session(struct db_conn *conn, struct err *err)
{
	const struct db_options *options = &conn->options;
	char *sql = xasprintf("SET TimeZone = 'UTC';"
			      "SET DateStyle = 'ISO, YMD';"
			      "SET client_min_messages = warning;"
			      "SET standard_conforming_strings = on;"
			      "SET statement_timeout = %d;"
			      "SET lock_timeout = %d;"
			      "SET idle_in_transaction_session_timeout = %d;"
			      "SET tcp_keepalives_idle = 30;"
			      "SET tcp_keepalives_interval = 5;"
			      "SET tcp_keepalives_count = 3;"
			      "SET default_transaction_read_only = %s;",
		options->statement_timeout_ms, options->busy_timeout_ms,
		2 * options->statement_timeout_ms, options->read_only ? "on" : "off");
	int r = run(conn, sql, err);

	free(sql);
	return r;
}

static int
check_version(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	int version = impl->pq->PQserverVersion(impl->pg);

	if (version >= SERVER_VERSION_MIN)
		return 0;
	return err_set(err, ERR_FAILED, "%s: the server has PostgreSQL %d; %d or newer is needed",
		conn->url.display, version / 10000, SERVER_VERSION_MIN / 10000);
}

static void
pg_close(struct db_conn *conn)
{
	give_up(impl_of(conn));
	free(conn->impl);
	conn->impl = NULL;
}

/* Host names are looked up by the C library inside PQconnectStartParams(), with its own timeouts. */
static int
pg_open(struct db_conn *conn, bool creating, struct err *err)
{
	/* What stands in the URL goes before our defaults: later ones win. */
	const char *const keywords[] = {"fallback_application_name", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
		"client_encoding", NULL};
	const char *const values[] = {conn->options.application_name, "30", "5", "3", "30000",
		conn->url.location, "UTF8", NULL};
	const struct libpq *pq = libpq_load(err);
	struct pg_conn *impl;

	(void)creating;
	if (pq == NULL)
		return -1;
	conn->impl = impl = xcalloc(1, sizeof(*impl));
	impl->pq = pq;
	impl->pg = pq->PQconnectStartParams(keywords, values, 1);
	if (impl->pg == NULL) {
		err_set(err, ERR_FAILED, "connect to %s: out of memory", conn->url.display);
		goto fail;
	}
	pq->PQsetNoticeProcessor(impl->pg, notice, NULL);
	if (connect_wait(conn, err) < 0)
		goto fail;
	pq->PQsetnonblocking(impl->pg, 1);
	if (check_version(conn, err) < 0 || set_session(conn, err) < 0)
		goto fail;
	return 0;
fail:
	pg_close(conn);
	return -1;
}

static int
pg_begin(struct db_conn *conn, bool read_only, struct err *err)
{
	return run(conn,
		read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
			  : "BEGIN ISOLATION LEVEL READ COMMITTED",
		err);
}

/* The server answers the COMMIT of a failed transaction with ROLLBACK, and no error. */
static int
pg_commit(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	PGresult *result;
	int r = 0;

	/* Until here, nothing can have been committed. */
	if (impl->pg != NULL && collect_posted(conn, err) < 0)
		return -1;
	if (query(conn, "COMMIT", &result, err) < 0) {
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
	struct pg_conn *impl = impl_of(conn);
	struct err ignored = ERR_INIT;

	if (impl->pg != NULL)
		collect_posted(conn, &ignored);
	err_clear(&ignored);
	/* A COMMIT that was refused has ended it already. */
	if (impl->pg != NULL && impl->pq->PQtransactionStatus(impl->pg) != PQTRANS_IDLE)
		run(conn, "ROLLBACK", &ignored);
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
	snprintf(out, 80, "%.60s_%d", st->name, stmt_of(st)->generation);
}

static int
prepare(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	struct pg_conn *impl = impl_of(conn);
	PGresult *result;
	char name[80];

	server_name(st, name);
	if (finish_command(conn, impl->pq->PQsendPrepare(impl->pg, name, st->sql, 0, NULL), &result,
		    err) < 0)
		return -1;
	impl->pq->PQclear(result);
	stmt_of(st)->prepared = true;
	return 0;
}

/* Types of parameters are left to the server, values go as text. */
static int
send_stmt(struct stmt *st)
{
	struct pg_conn *impl = impl_of(st->db->conn);
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
	struct pg_stmt *impl = stmt_of(st);
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

	if (impl_of(conn)->pg == NULL)
		return not_connected(conn, err);
	if (st->impl == NULL)
		st->impl = xcalloc(1, sizeof(struct pg_stmt));
	if (!st->named || stmt_of(st)->prepared)
		return 0;
	return collect_posted(conn, err) < 0 ? -1 : prepare(st, err);
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
	if (impl_of(conn)->n_posted > 0) {
		if (!sent)
			return lost(conn, err);
		if (collect(conn, st, &result, err) < 0)
			return -1;
	} else if (finish_command(conn, sent, &result, err) < 0) {
		forget_outdated_plan(impl_of(conn), st);
		return -1;
	}
	keep_result(st, result);
	return 0;
}

static int
pg_post(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	struct pg_conn *impl = impl_of(conn);

	if (make_ready(st, err) < 0 ||
		(impl->n_posted == POSTED_MAX && collect_posted(conn, err) < 0))
		return -1;
	if (impl->n_posted == 0 && !impl->pq->PQenterPipelineMode(impl->pg))
		return lost(conn, err);
	if (!send_stmt(st))
		return lost(conn, err);
	impl->posted[impl->n_posted++] = st;
	return 0;
}

static int
pg_step(struct stmt *st, struct err *err)
{
	struct pg_stmt *impl = stmt_of(st);

	(void)err;
	return ++impl->row < pq_of(st)->PQntuples(impl->result);
}

static int64_t
pg_changed(const struct stmt *st)
{
	return stmt_of(st)->changed;
}

static void
pg_reset(struct stmt *st)
{
	struct pg_stmt *impl = stmt_of(st);

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
	return pq_of(st)->PQgetvalue(stmt_of(st)->result, stmt_of(st)->row, c);
}

static bool
pg_is_null(const struct stmt *st, int c)
{
	const struct pg_stmt *impl = stmt_of(st);

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
	struct pg_conn *impl = impl_of(conn);
	PGresult *result;

	if (query(conn, sql, &result, err) < 0)
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
	struct pg_conn *impl = impl_of(conn);

	return impl->pg != NULL ? impl->pq->PQsocket(impl->pg) : -1;
}

static int
pg_listen(struct db_conn *conn, const char *channel, struct err *err)
{
	char sql[128];

	assert(strspn(channel, "abcdefghijklmnopqrstuvwxyz_") == strlen(channel));
	snprintf(sql, sizeof(sql), "LISTEN %.63s", channel);
	return run(conn, sql, err);
}

static int
pg_consume(struct db_conn *conn, db_notify_cb cb, void *arg, struct err *err)
{
	struct pg_conn *impl = impl_of(conn);
	PGnotify *notify;

	if (impl->pg == NULL)
		return not_connected(conn, err);
	if (!impl->pq->PQconsumeInput(impl->pg))
		return lost(conn, err);
	while ((notify = impl->pq->PQnotifies(impl->pg)) != NULL) {
		cb(notify->extra, arg);
		impl->pq->PQfreemem(notify);
	}
	return 0;
}

const struct db_backend postgres_backend = {
	.type = DB_POSTGRES,
	.open = pg_open,
	.close = pg_close,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.script = run,
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
