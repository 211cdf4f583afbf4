/*
 * Between db.c, which holds what both databases have in common, and sqlite.c, and postgres.c with pg_conn.c, which
 * hold the rest. Private to src/store.
 *
 * A struct db is a handle; handles made by db_share() use one struct db_conn. The last handle
 * closes it. A transaction belongs to the handle that began it (conn->tx_owner); while it is open
 * no other handle may use the connection: it would take part in a transaction that is not its own.
 *
 * A handle is lost after ERR_LOST or ERR_UNKNOWN, real or injected: everything fails with ERR_LOST
 * until db_reconnect().
 */
#ifndef FF_STORE_BACKEND_H
#define FF_STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "store/db.h"

#define DB_PARAMS_MAX 64
#define DB_BUSY_TIMEOUT_MS 5000
#define DB_STATEMENT_TIMEOUT_MS 30000
#define DB_CONNECT_TIMEOUT_MS 10000

struct sql_text {
	const char *name;
	const char *sqlite;
	const char *postgres;
};
extern const struct sql_text sql_texts[SQL_COUNT];

/* A URL taken apart. Owned: location, display. */
struct db_url {
	enum db_type type;
	bool memory; /* SQLite in memory */
	char *location; /* SQLite: the path as given; PostgreSQL: the URL as libpq takes it, with the password */
	char *display; /* for messages: without a password */
};

int db_url_parse(const char *url, struct db_url *out, struct err *err);
void db_url_free(struct db_url *url);

enum param_type { PARAM_UNSET, PARAM_NULL, PARAM_INT, PARAM_DOUBLE, PARAM_BOOL, PARAM_TEXT };

struct param {
	enum param_type type;
	int64_t i; /* PARAM_INT, PARAM_BOOL */
	double d;
	char *text; /* owned; kept for reuse */
	size_t cap;
};

struct stmt {
	struct db *db;
	const char *name; /* for messages and faults; borrowed. "sql" for text made at run time */
	const char *sql; /* borrowed from sql_texts, or owned */
	char *owned;
	bool named;
	bool busy; /* a row is current, or the end was not reached yet */
	int n_params;
	struct param *params;
	void *impl; /* the backend's; NULL: not prepared on this connection */
	TAILQ_ENTRY(stmt) link;
};

struct db_conn {
	const struct db_backend *backend;
	struct db_url url;
	struct db_options options; /* timeouts filled in; application_name owned */
	char *path; /* SQLite: absolute; NULL: memory */
	void *impl; /* NULL: closed */
	struct db *tx_owner; /* whose transaction is open */
	bool tx_reads; /* it is one of db_begin_read() */
	int64_t tx_began_us; /* boot time */
	int refs;
};

struct db {
	struct db_conn *conn;
	struct stmt *named[SQL_COUNT];
	TAILQ_HEAD(stmt_list, stmt) stmts; /* named ones and those made from text */
	enum err_code
		tx_failed; /* a statement of the transaction failed: only a rollback is left */
	bool lost;
	db_fault_cb fault;
	void *fault_arg;
};

/*
 * What a database can do. Functions that fail set err with a text that stands by itself; db.c puts
 * the statement's name before it.
 */
struct db_backend {
	enum db_type type;
	/* Fills conn->impl and conn->path. creating: options.create counts (not on a reconnect). */
	int (*open)(struct db_conn *conn, bool creating, struct err *err);
	void (*close)(struct db_conn *conn);

	int (*begin)(struct db_conn *conn, bool read_only, struct err *err);
	int (*commit)(struct db_conn *conn, struct err *err);
	void (*rollback)(struct db_conn *conn);
	int (*script)(struct db_conn *conn, const char *sql, struct err *err);

	/* Prepares when needed, binds and starts. No row is current yet. */
	int (*start)(struct stmt *st, struct err *err);
	/* The same without its result; may be NULL, where start costs no round trip. */
	int (*post)(struct stmt *st, struct err *err);
	/* 1: a row; 0: the end; -1 */
	int (*step)(struct stmt *st, struct err *err);
	int64_t (*changed)(const struct stmt *st);
	void (*reset)(struct stmt *st); /* gives up rows that are left */
	void (*finish)(struct stmt *st); /* frees st->impl; it may be prepared again */

	bool (*is_null)(const struct stmt *st, int c);
	int64_t (*get_int)(const struct stmt *st, int c);
	double (*get_double)(const struct stmt *st, int c);
	bool (*get_bool)(const struct stmt *st, int c);
	const char *(*get_text)(const struct stmt *st, int c);

	int (*data_version)(struct db_conn *conn, int64_t *version, struct err *err);
	int (*schema_version)(struct db_conn *conn, int64_t *version, struct err *err);
	int (*peek)(struct db_conn *conn, struct db_peek *out, struct err *err); /* may be NULL */
	int (*socket)(const struct db_conn *conn);
	int (*listen)(struct db_conn *conn, const char *channel, struct err *err);
	int (*consume)(struct db_conn *conn, db_notify_cb cb, void *arg, struct err *err);
};

extern const struct db_backend sqlite_backend;
#ifdef HAVE_POSTGRES
extern const struct db_backend postgres_backend;
/* The part of db_url_parse() that needs libpq. */
int postgres_url_parse(const char *url, struct db_url *out, struct err *err);
#endif

/* The VFS that follows the clock of db_set_clock(), or NULL for the default one. */
const char *sqlite_clock_vfs(void);

/* The highest n of the $n in sql, outside of quotes and comments. */
int sql_count_params(const char *sql);
/* Frees what a statement holds, takes it off its handle's list. */
void stmt_free(struct stmt *st);

/* Asks the fault callback. 0, or -1 with the injected failure. */
int db_fault(struct db *db, const char *step, bool after, struct err *err);
/* A step failed with err: the transaction is doomed, or the connection lost. Returns -1. */
int db_failed(struct db *db, const struct err *err);
/* Checks that the handle may be used now. */
int db_usable(struct db *db, const char *step, struct err *err);

#endif
