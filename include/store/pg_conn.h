/*
 * A connection to PostgreSQL, through libpq's asynchronous calls: whatever happens to the server or the
 * network, nothing waits longer than its deadline. The server is told a shorter one for each statement and
 * each lock; when even the answer that it timed out does not come, the connection is given up.
 *
 * Results are fetched whole; the statements that return many rows have a LIMIT.
 *
 * Private to src/store. All that can fail here returns 0, or -1 with err: ERR_LOST when the connection was given up.
 */
#ifndef FF_STORE_PG_CONN_H
#define FF_STORE_PG_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "store/backend.h"
#include "store/libpq.h"

#define PG_POSTED_MAX 64

struct pg_conn {
	const struct libpq *pq;
	PGconn *pg; /* NULL: given up */
	char state[6]; /* SQLSTATE of the last failure */
	/* Sent in pipeline mode; their results are still to be read. */
	struct stmt *posted[PG_POSTED_MAX];
	int n_posted;
};

struct pg_stmt {
	bool prepared;
	int generation; /* part of its name on the server */
	PGresult *result;
	int row; /* -1: before the first */
	int64_t changed;
};

static inline struct pg_conn *
pg_conn_of(const struct db_conn *conn)
{
	return conn->impl;
}

static inline struct pg_stmt *
pg_stmt_of(const struct stmt *st)
{
	return st->impl;
}

/* As db_backend has them. */
int pg_conn_open(struct db_conn *conn, bool creating, struct err *err);
void pg_conn_close(struct db_conn *conn);

/* Text without parameters, perhaps several statements; *out is owned by the caller. */
int pg_conn_query(struct db_conn *conn, const char *sql, PGresult **out, struct err *err);
int pg_conn_run(struct db_conn *conn, const char *sql, struct err *err);

/* Takes all results of what was sent; keeps the last, or the first that is an error. sent: whether sending
 * succeeded. *out is owned by the caller. */
int pg_conn_finish(struct db_conn *conn, int sent, PGresult **out, struct err *err);

/* Ends the pipeline of what was posted, and of last (NULL: none), whose result is *out. */
int pg_conn_collect(struct db_conn *conn, struct stmt *last, PGresult **out, struct err *err);
/* The same where nothing else was sent, or perhaps nothing at all. */
int pg_conn_collect_posted(struct db_conn *conn, struct err *err);

/* After a failure of that statement: the tables changed below it, or somebody discarded it. Then it has a new name next
 * time. */
void pg_conn_forget_plan(const struct pg_conn *impl, struct stmt *st);

/* -1: gives the connection up, with what libpq says. */
int pg_conn_lost(struct db_conn *conn, struct err *err);
/* -1: it was given up before. */
int pg_conn_not_open(const struct db_conn *conn, struct err *err);

#endif
