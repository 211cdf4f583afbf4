/*
 * A connection to the catalog database: SQLite or PostgreSQL behind one small interface.
 *
 * Owner: whoever opened it; one thread at a time. A daemon's engine has one, its feed another
 * (SQLite's data_version does not move for a connection's own commits), each command line one.
 *
 * Statements are named (store/sql.h, generated from src/store/sql/ *.sql) and prepared once per
 * connection. Parameters are $1, $2, ... in both databases. A statement is used like this:
 *
 *	struct stmt *st = db_stmt(db, SQL_RUN_CLOSE);
 *	stmt_int(st, 1, run_id);
 *	stmt_time(st, 2, now_us);
 *	if (stmt_exec(st, &changed, err) < 0)
 *		return err_prefix(err, "close run %" PRId64, run_id);
 *
 * or with rows:
 *
 *	while ((r = stmt_step(st, err)) > 0)
 *		... col_int(st, 0) ... col_text(st, 1) ...
 *	if (r < 0) ...
 *
 * A statement stays busy until step returned 0 or a failure, or stmt_reset() was called; binding to
 * a busy statement is a bug. Different statements may be stepped in turn, the same one may not be
 * nested. Every parameter must have been bound before the first step; bindings are kept until bound
 * anew. Commit and rollback reset all statements of the handle.
 *
 * Values: times are wall microseconds, stored as the catalog's text form (SQLite) or timestamp
 * (PostgreSQL); TIME_NONE is NULL. Booleans are 0/1 or boolean.
 *
 * When a statement in a transaction fails, on either database, the transaction has failed: what
 * follows fails with the same code, and only db_rollback() is left. (So test for a conflict with ON
 * CONFLICT DO NOTHING and the count of changed rows, not by running into it.)
 *
 * Errors: ERR_BUSY (locked longer than the busy timeout, serialization failure, deadlock), ERR_LOST
 * (connection gone, nothing committed; db_reconnect() may help), ERR_UNKNOWN (gone during COMMIT),
 * ERR_CONFLICT (a unique constraint), ERR_FAILED (all else: message names the statement). After
 * ERR_LOST or ERR_UNKNOWN everything fails with ERR_LOST until db_reconnect().
 */
#ifndef FF_STORE_DB_H
#define FF_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/sql.h" /* enum sql_id, generated */

struct db;
struct stmt;

enum db_type { DB_SQLITE, DB_POSTGRES };

struct db_options {
	bool create; /* SQLite: make the file (and its folder) when it is missing */
	bool read_only;
	int busy_timeout_ms; /* how long one statement may wait for a lock; 0: 5000 */
	int statement_timeout_ms; /* PostgreSQL: how long one statement may take in all; 0: 30000 */
	int connect_timeout_ms; /* PostgreSQL; 0: 10000 */
	/* PostgreSQL: shows in pg_stat_activity. NULL: flowfile_scheduler. Borrowed during open. */
	const char *application_name;
};

/*
 * url: "/path/file.db", "path/file.db", "sqlite:///relative", "sqlite:////absolute",
 * "sqlite://:memory:" (":memory:" too), "postgresql://..." or "postgres://...", also SQLAlchemy's
 * "postgresql+driver://". Errors say what is wrong: not a database, a directory, no permission, no
 * such folder, malformed URL, no such host. A password never appears in an error.
 */
int db_open(const char *url, const struct db_options *options, struct db **out, struct err *err);
void db_close(struct db *db);
enum db_type db_get_type(const struct db *db);
/* The SQLite file as an absolute path; NULL for memory and PostgreSQL. Borrowed. */
const char *db_path(const struct db *db);
/* The location for messages and logs, without a password. Borrowed. */
const char *db_display(const struct db *db);
/* Checks a URL without opening it; same errors. */
int db_check_url(const char *url, enum db_type *type, struct err *err);
/* After ERR_LOST or ERR_UNKNOWN. Statements prepare themselves again. SQLite: reopens the file,
 * never making it; a database in memory or a shared connection stays as it is. */
int db_reconnect(struct db *db, struct err *err);

/* A write transaction: BEGIN IMMEDIATE, or BEGIN (READ COMMITTED). Not nestable. */
int db_begin(struct db *db, struct err *err);
/* One snapshot for several reads: BEGIN DEFERRED, or REPEATABLE READ READ ONLY. Writing in it is a
 * bug (SQLite) or an error (PostgreSQL). */
int db_begin_read(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
/* Never fails; fine when there is no transaction. */
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Named statement, prepared on first use. Never NULL: a failure to prepare shows at step. */
struct stmt *db_stmt(struct db *db, enum sql_id id);
/* SQL text made at run time (migrations, filters with a variable shape); finish it yourself. */
struct stmt *db_stmt_text(struct db *db, const char *sql);
void stmt_finish(struct stmt *st);
/* A script of many statements without parameters. In no transaction of its own. */
int db_script(struct db *db, const char *sql, struct err *err);

/* Parameters, 1-based. Text is copied. */
void stmt_int(struct stmt *st, int i, int64_t v);
void stmt_int_or_null(struct stmt *st, int i, int64_t v, int64_t none);
void stmt_double(struct stmt *st, int i, double v);
void stmt_bool(struct stmt *st, int i, bool v);
void stmt_text(struct stmt *st, int i, const char *s); /* NULL is NULL */
void stmt_time(struct stmt *st, int i, int64_t us); /* TIME_NONE is NULL */
void stmt_null(struct stmt *st, int i);

/* 1: a row; 0: the end; -1: err. */
int stmt_step(struct stmt *st, struct err *err);
/* Runs to the end; *changed (may be NULL) = rows changed by it. */
int stmt_exec(struct stmt *st, int64_t *changed, struct err *err);
/* As stmt_exec() of a statement of sql/; within a transaction without waiting for its end where that takes a round trip:
 * what goes wrong is then the error of a later statement, at the latest of the commit. */
int stmt_post(struct stmt *st, struct err *err);
/* Runs; 1 and the first row's first column, 0 when there was none, -1. Resets itself. */
int stmt_get_int(struct stmt *st, int64_t *out, struct err *err);
void stmt_reset(struct stmt *st);

/* Columns of the current row, 0-based. Text is borrowed until the next step; NULL for NULL. */
bool col_null(const struct stmt *st, int c);
int64_t col_int(const struct stmt *st, int c); /* 0 for NULL */
int64_t col_int_or(const struct stmt *st, int c, int64_t none);
double col_double(const struct stmt *st, int c);
bool col_bool(const struct stmt *st, int c); /* exactly integer 1, or true (contract 1.1) */
const char *col_text(const struct stmt *st, int c);
/* A catalog time: 1 and *us; 0 and TIME_NONE for NULL; -1 when the text cannot be read. */
int col_time(const struct stmt *st, int c, int64_t *us);

/* A number that moves when another connection committed. SQLite: data_version. PostgreSQL: always
 * 0 (it notifies instead). */
int db_data_version(struct db *db, int64_t *version, struct err *err);
/*
 * What a SQLite file tells without a lock: taking one, as db_data_version() does, makes a writer
 * fail that has no busy timeout, unless the journal is a write-ahead log. PostgreSQL: ERR_FAILED.
 */
struct db_peek {
	bool wal; /* there is a write-ahead log: commits do not move the counter */
	bool writing; /* another connection is writing, or was until just now */
	int64_t counter; /* moves when a commit's pages are written, before it is committed */
};
int db_peek(struct db *db, struct db_peek *out, struct err *err);
/* A number that moves when the schema changed. SQLite: schema_version. PostgreSQL: the number of
 * our triggers that exist. */
int db_schema_version(struct db *db, int64_t *version, struct err *err);

/* PostgreSQL's socket and notifications, for the feed; -1 for SQLite. */
int db_socket(const struct db *db);
int db_listen(struct db *db, const char *channel, struct err *err);
/* Takes in what has arrived without blocking, calls cb per notification. -1: ERR_LOST. */
typedef void (*db_notify_cb)(const char *payload, void *arg);
int db_consume_notifies(struct db *db, db_notify_cb cb, void *arg, struct err *err);

/*
 * Faults for tests and the simulator: cb is asked before each step ("begin", a statement's name,
 * "sql" for one made from text, "script", "commit", "reconnect"; `after` is set when asked again
 * after a commit succeeded). A code other than ERR_NONE is returned as the failure of that step,
 * with its consequences: ERR_LOST and ERR_UNKNOWN roll back what is open and lose the connection.
 * After a commit, ERR_UNKNOWN says "committed, but you do not know".
 */
typedef enum err_code (*db_fault_cb)(const char *step, bool after, void *arg);
void db_set_fault(struct db *db, db_fault_cb cb, void *arg);

/* Simulated time for the simulator: CURRENT_TIMESTAMP and 'now' of SQLite connections opened after
 * the call follow this clock, through a VFS of our own. One clock for the process at a time; it
 * must outlive those connections, which go over to the next one given. NULL: the real one. Not for
 * use beside other threads. */
struct clock;
void db_set_clock(const struct clock *clock);
/* Another handle on the same connection (the simulator's daemons share one database in memory). It
 * has its own statements, fault callback and transaction; using one handle while another has a
 * transaction open is a bug. Closing the last handle closes the connection; closing one with a
 * transaction open rolls back. */
struct db *db_share(struct db *db);

#endif
