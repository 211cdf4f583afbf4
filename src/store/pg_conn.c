#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "store/pg_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define GRACE_MAX_MS 5000 /* beyond the server's own timeout */
#define SERVER_VERSION_MIN 120000

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

int
pg_conn_lost(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
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
	struct pg_conn *impl = pg_conn_of(conn);
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
	struct pg_conn *impl = pg_conn_of(conn);
	int unsent;

	while ((unsent = impl->pq->PQflush(impl->pg)) > 0 || impl->pq->PQisBusy(impl->pg)) {
		short events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0));

		if (!wait_socket(impl->pq->PQsocket(impl->pg), events, deadline)) {
			give_up(impl);
			return err_set(err, ERR_LOST, "%s: no answer", conn->url.display);
		}
		if (!impl->pq->PQconsumeInput(impl->pg))
			return pg_conn_lost(conn, err);
	}
	return unsent < 0 ? pg_conn_lost(conn, err) : 0;
}

static bool
is_error(const struct libpq *pq, const PGresult *result)
{
	ExecStatusType status = pq->PQresultStatus(result);

	return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
		status != PGRES_EMPTY_QUERY;
}

int
pg_conn_finish(struct db_conn *conn, int sent, PGresult **out, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	struct boottime deadline = answer_deadline(conn);
	PGresult *kept = NULL, *result;
	int r;

	if (!sent)
		return pg_conn_lost(conn, err);
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
		r = pg_conn_lost(conn, err);
	if (r == 0 && is_error(impl->pq, kept))
		r = result_failed(conn, kept, err);
	if (r < 0)
		impl->pq->PQclear(kept);
	else
		*out = kept;
	return r;
}

int
pg_conn_not_open(const struct db_conn *conn, struct err *err)
{
	return err_set(err, ERR_LOST, "%s: not connected", conn->url.display);
}

void
pg_conn_forget_plan(const struct pg_conn *impl, struct stmt *st)
{
	if (strcmp(impl->state, "0A000") != 0 && strcmp(impl->state, "26000") != 0)
		return;
	pg_stmt_of(st)->generation++;
	pg_stmt_of(st)->prepared = false;
}

/* Reads on to the end of the pipeline. *failed: the first result that is an error, and *failed_at whose it is; *kept: the
 * last one, when there is none. 0, or -1 when the connection is lost. */
static int
read_pipeline(
	struct db_conn *conn, PGresult **failed, int *failed_at, PGresult **kept, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
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
	return pg_conn_lost(conn, err);
}

int
pg_conn_collect(struct db_conn *conn, struct stmt *last, PGresult **out, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	PGresult *failed = NULL, *kept = NULL;
	int failed_at = 0, n = impl->n_posted, r;
	struct stmt *st;

	if (!impl->pq->PQpipelineSync(impl->pg))
		r = pg_conn_lost(conn, err);
	else
		r = read_pipeline(conn, &failed, &failed_at, &kept, err);
	impl->n_posted = 0;
	if (r == 0 && !impl->pq->PQexitPipelineMode(impl->pg))
		r = pg_conn_lost(conn, err);
	if (r == 0 && failed != NULL) {
		r = result_failed(conn, failed, err);
		st = failed_at < n ? impl->posted[failed_at] : last;
		if (st != NULL)
			pg_conn_forget_plan(impl, st);
	}
	if (r == 0 && last != NULL && kept == NULL)
		r = pg_conn_lost(conn, err);
	impl->pq->PQclear(failed);
	if (r == 0 && out != NULL)
		*out = kept;
	else
		impl->pq->PQclear(kept);
	return r;
}

int
pg_conn_collect_posted(struct db_conn *conn, struct err *err)
{
	return pg_conn_of(conn)->n_posted > 0 ? pg_conn_collect(conn, NULL, NULL, err) : 0;
}

int
pg_conn_query(struct db_conn *conn, const char *sql, PGresult **out, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);

	if (impl->pg == NULL)
		return pg_conn_not_open(conn, err);
	if (pg_conn_collect_posted(conn, err) < 0)
		return -1;
	return pg_conn_finish(conn, impl->pq->PQsendQuery(impl->pg, sql), out, err);
}

int
pg_conn_run(struct db_conn *conn, const char *sql, struct err *err)
{
	PGresult *result;

	if (pg_conn_query(conn, sql, &result, err) < 0)
		return -1;
	pg_conn_of(conn)->pq->PQclear(result);
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
	struct pg_conn *impl = pg_conn_of(conn);
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
	struct pg_conn *impl = pg_conn_of(conn);
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
	int r = pg_conn_run(conn, sql, err);

	free(sql);
	return r;
}

static int
check_version(struct db_conn *conn, struct err *err)
{
	struct pg_conn *impl = pg_conn_of(conn);
	int version = impl->pq->PQserverVersion(impl->pg);

	if (version >= SERVER_VERSION_MIN)
		return 0;
	return err_set(err, ERR_FAILED, "%s: the server has PostgreSQL %d; %d or newer is needed",
		conn->url.display, version / 10000, SERVER_VERSION_MIN / 10000);
}

void
pg_conn_close(struct db_conn *conn)
{
	give_up(pg_conn_of(conn));
	free(conn->impl);
	conn->impl = NULL;
}

/* Host names are looked up by the C library inside PQconnectStartParams(), with its own timeouts. */
int
pg_conn_open(struct db_conn *conn, bool creating, struct err *err)
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
	pg_conn_close(conn);
	return -1;
}
