/*
 * SQLite.
 *
 * The file is shared with Flowfile's programs, so nothing about it is changed that they would
 * notice: foreign keys stay unenforced (contract 1.1) and the journal mode of an existing file is
 * left alone. A file that we make is in WAL mode. Memory is kept small: the daemon sleeps most of
 * the time.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/backend.h"

#define CACHE_KB 512
#define FOLDER_MODE 0755

struct sqlite_conn {
	sqlite3 *handle;
	sqlite3_stmt *data_version;
	sqlite3_stmt *schema_version;
	sqlite3_stmt *begin, *begin_read, *commit;
};

struct sqlite_stmt {
	sqlite3_stmt *handle;
	int *param_of; /* for each of SQLite's parameters, which of ours (0-based) */
	int n_bound;
};

/* What SQLite's primary result codes mean to an operator. What ails the file or its disk, and no row of it, is a lost
 * database: nothing is tried before it has been opened anew. */
static const struct {
	int code;
	enum err_code err;
	const char *text;
} failures[] = {
	{SQLITE_BUSY, ERR_BUSY, "locked by another program"},
	{SQLITE_LOCKED, ERR_BUSY, "locked by another program"},
	{SQLITE_SCHEMA, ERR_BUSY, "the tables are being changed by another program"},
	{SQLITE_FULL, ERR_LOST, "the disk is full; free some space"},
	{SQLITE_CANTOPEN, ERR_LOST,
		"cannot open the file or its journal; check that its folder exists and may be "
		"written"},
	{SQLITE_NOTADB, ERR_LOST, "not a SQLite database"},
	{SQLITE_READONLY, ERR_LOST,
		"no permission to write; check the file, its folder and the file system"},
	{SQLITE_PERM, ERR_LOST, "no permission; check the file and its folder"},
	{SQLITE_CORRUPT, ERR_LOST,
		"the database is damaged; restore a backup (Flowfile keeps some in db_backups "
		"beside it)"},
	{SQLITE_IOERR, ERR_LOST, "the file cannot be read or written"},
	{SQLITE_PROTOCOL, ERR_BUSY, "file locking fails; is this a network file system?"},
};

static struct sqlite_conn *
impl_of(const struct db_conn *conn)
{
	return conn->impl;
}

static const char *
location_of(const struct db_conn *conn)
{
	return conn->path != NULL ? conn->path : conn->url.location;
}

static int
constraint_failed(sqlite3 *handle, struct err *err)
{
	switch (sqlite3_extended_errcode(handle)) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return err_set(err, ERR_CONFLICT, "%s", sqlite3_errmsg(handle));
	default:
		return err_set(err, ERR_FAILED, "%s", sqlite3_errmsg(handle));
	}
}

/* Sets err from the connection's last failure. Returns -1. */
static int
sqlite_failed(const struct db_conn *conn, int rc, struct err *err)
{
	sqlite3 *handle = impl_of(conn)->handle;

	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		return constraint_failed(handle, err);
	if (rc == SQLITE_READONLY_DBMOVED)
		return err_set(
			err, ERR_LOST, "%s: the file was moved or replaced", location_of(conn));
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].code != (rc & 0xff))
			continue;
		err_set(err, failures[i].err, "%s: %s (%s)", location_of(conn), failures[i].text,
			sqlite3_errmsg(handle));
		if ((rc & 0xff) == SQLITE_IOERR && sqlite3_system_errno(handle) != 0)
			err_set(err, failures[i].err, "%s: %s: %s", location_of(conn),
				failures[i].text, strerror(sqlite3_system_errno(handle)));
		return -1;
	}
	return err_set(err, ERR_FAILED, "%s", sqlite3_errmsg(handle));
}

static int
run(struct db_conn *conn, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(impl_of(conn)->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sqlite_failed(conn, rc, err);
}

/* A statement without rows that is run again and again: it stays prepared in *kept. */
static int
run_kept(struct db_conn *conn, const char *sql, sqlite3_stmt **kept, struct err *err)
{
	int rc = SQLITE_OK;

	if (*kept == NULL)
		rc = sqlite3_prepare_v3(
			impl_of(conn)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(*kept);
	if (rc == SQLITE_DONE) {
		sqlite3_reset(*kept);
		return 0;
	}
	sqlite_failed(conn, rc, err);
	sqlite3_reset(*kept);
	return -1;
}

/* The first column of a statement's first row. The statement stays prepared in *cached. */
static int
get_number(
	struct db_conn *conn, const char *sql, sqlite3_stmt **cached, int64_t *out, struct err *err)
{
	int rc = SQLITE_OK;

	if (*cached == NULL)
		rc = sqlite3_prepare_v3(
			impl_of(conn)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, cached, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(*cached);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(*cached, 0);
		rc = sqlite3_reset(*cached);
		return rc == SQLITE_OK ? 0 : sqlite_failed(conn, rc, err);
	}
	sqlite_failed(conn, rc, err);
	sqlite3_reset(*cached);
	return -1;
}

static int
get_number_once(struct db_conn *conn, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int r = get_number(conn, sql, &st, out, err);

	sqlite3_finalize(st);
	return r;
}

static void
sqlite_close(struct db_conn *conn)
{
	struct sqlite_conn *impl = impl_of(conn);
	int rc;

	sqlite3_finalize(impl->data_version);
	sqlite3_finalize(impl->schema_version);
	sqlite3_finalize(impl->begin);
	sqlite3_finalize(impl->begin_read);
	sqlite3_finalize(impl->commit);
	rc = sqlite3_close(impl->handle);
	assert(rc == SQLITE_OK); /* a statement was left */
	(void)rc;
	free(impl);
	conn->impl = NULL;
}

/* The path made absolute, so that a later chdir does not matter. Owned. */
static char *
absolute(const char *path)
{
	char *cwd, *joined;

	if (path[0] == '/' || (cwd = getcwd(NULL, 0)) == NULL)
		return xstrdup(path);
	joined = path_join(cwd, path);
	free(cwd);
	return joined;
}

/* The folder of a database that is about to be made. */
static int
make_folder(const char *path, struct err *err)
{
	char *dir = path_dirname(path);
	int r = file_mkdirs(dir, FOLDER_MODE, err);

	if (r < 0)
		err_prefix(err, "%s", path);
	free(dir);
	return r;
}

static int
explain_missing(const char *path, struct err *err)
{
	char *dir = path_dirname(path);
	struct stat sb;

	if (stat(dir, &sb) != 0)
		err_errno(err, errno, "%s: its folder cannot be used", path);
	else if (!S_ISDIR(sb.st_mode))
		err_set(err, ERR_FAILED, "%s: %s is not a folder", path, dir);
	else
		err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
	free(dir);
	return -1;
}

/* SQLite's own message for all of these is "unable to open database file". */
static int
check_file(const struct db_conn *conn, const char *path, bool create, struct err *err)
{
	struct stat sb;

	if (path[strlen(path) - 1] == '/')
		return err_set(err, ERR_FAILED, "%s: is a folder, not a database", path);
	if (stat(path, &sb) != 0) {
		if (errno == ENOENT && create)
			return make_folder(path, err);
		if (errno == ENOENT)
			return explain_missing(path, err);
		return err_errno(err, errno, "%s", path);
	}
	if (S_ISDIR(sb.st_mode))
		return err_set(err, ERR_FAILED, "%s: is a folder, not a database", path);
	if (!S_ISREG(sb.st_mode))
		return err_set(err, ERR_FAILED, "%s: is not a regular file", path);
	if (access(path, R_OK) != 0)
		return err_errno(err, errno, "%s: cannot be read", path);
	if (!conn->options.read_only && access(path, W_OK) != 0)
		return err_errno(err, errno, "%s: cannot be written", path);
	return 0;
}

static int
open_handle(struct db_conn *conn, const char *path, bool create, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX;
	int rc;

	if (conn->options.read_only)
		flags |= SQLITE_OPEN_READONLY;
	else
		flags |= SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	rc = sqlite3_open_v2(path, &impl_of(conn)->handle, flags, sqlite_clock_vfs());
	if (impl_of(conn)->handle == NULL)
		return err_set(err, ERR_FAILED, "%s: out of memory", path);
	if (rc != SQLITE_OK)
		return sqlite_failed(conn, rc, err);
	sqlite3_extended_result_codes(impl_of(conn)->handle, 1);
	sqlite3_busy_timeout(impl_of(conn)->handle, conn->options.busy_timeout_ms);
	return 0;
}

/* A file without any page is new: nobody's journal mode is changed by ours. */
static int
set_up(struct db_conn *conn, bool create, struct err *err)
{
	char *pragmas = sqlite3_mprintf("PRAGMA foreign_keys = OFF;"
					"PRAGMA synchronous = FULL;"
					"PRAGMA mmap_size = 0;"
					"PRAGMA cache_size = -%d;",
		CACHE_KB);
	int64_t pages = 1;
	int r = run(conn, pragmas, err);

	sqlite3_free(pragmas);
	/* The first that reads the file: finds out whether it is a database. */
	if (r < 0 || get_number_once(conn, "PRAGMA page_count", &pages, err) < 0)
		return -1;
	/* Busy: another program makes it at this moment, in this or its own mode. */
	if (create && pages == 0 && !conn->url.memory &&
		run(conn, "PRAGMA journal_mode = WAL", err) < 0 && err->code != ERR_BUSY)
		return -1;
	return 0;
}

/* Without permission SQLite opens for reading and says nothing until the first write. */
static int
check_writable(const struct db_conn *conn, struct err *err)
{
	if (conn->options.read_only || conn->url.memory ||
		sqlite3_db_readonly(impl_of(conn)->handle, "main") != 1)
		return 0;
	return err_set(err, ERR_FAILED, "%s: cannot be written; check the file and its file system",
		location_of(conn));
}

static int
sqlite_open(struct db_conn *conn, bool creating, struct err *err)
{
	bool create = creating && conn->options.create && !conn->options.read_only;
	char *path = NULL;

	if (!conn->url.memory) {
		path = conn->path != NULL ? xstrdup(conn->path) : absolute(conn->url.location);
		if (check_file(conn, path, create, err) < 0)
			goto fail;
	}
	conn->impl = xcalloc(1, sizeof(struct sqlite_conn));
	if (open_handle(conn, path != NULL ? path : ":memory:", create, err) < 0 ||
		check_writable(conn, err) < 0 || set_up(conn, create, err) < 0)
		goto fail;
	if (path != NULL)
		xstrset(&conn->path, sqlite3_db_filename(impl_of(conn)->handle, "main"));
	free(path);
	return 0;
fail:
	/* Whoever opens it for the first time has no reason to think that it gets better. */
	if (creating && err != NULL && err->code == ERR_LOST)
		err->code = ERR_FAILED;
	if (conn->impl != NULL)
		sqlite_close(conn);
	free(path);
	return -1;
}

static int
sqlite_begin(struct db_conn *conn, bool read_only, struct err *err)
{
	struct sqlite_conn *impl = impl_of(conn);

	return read_only ? run_kept(conn, "BEGIN DEFERRED", &impl->begin_read, err)
			 : run_kept(conn, "BEGIN IMMEDIATE", &impl->begin, err);
}

static int
sqlite_commit(struct db_conn *conn, struct err *err)
{
	return run_kept(conn, "COMMIT", &impl_of(conn)->commit, err);
}

static void
sqlite_rollback(struct db_conn *conn)
{
	/* After some failures SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(impl_of(conn)->handle))
		sqlite3_exec(impl_of(conn)->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* Finds our parameters by name: "$3" may be SQLite's first. */
static void
map_params(struct sqlite_stmt *impl, int n_params)
{
	impl->n_bound = sqlite3_bind_parameter_count(impl->handle);
	impl->param_of = xcalloc((size_t)impl->n_bound + 1, sizeof(int));
	for (int i = 0; i < impl->n_bound; i++) {
		const char *name = sqlite3_bind_parameter_name(impl->handle, i + 1);

		assert(name != NULL && name[0] == '$');
		impl->param_of[i] = atoi(name + 1) - 1;
		assert(impl->param_of[i] >= 0 && impl->param_of[i] < n_params);
	}
}

static int
prepare(struct stmt *st, struct err *err)
{
	struct db_conn *conn = st->db->conn;
	struct sqlite_stmt *impl;
	sqlite3_stmt *handle = NULL;
	int rc = sqlite3_prepare_v3(impl_of(conn)->handle, st->sql, -1,
		st->named ? SQLITE_PREPARE_PERSISTENT : 0, &handle, NULL);

	if (rc != SQLITE_OK)
		return sqlite_failed(conn, rc, err);
	assert(handle != NULL); /* not only a comment */
	impl = xcalloc(1, sizeof(*impl));
	impl->handle = handle;
	map_params(impl, st->n_params);
	st->impl = impl;
	return 0;
}

/* Texts stay where they are until the statement is reset: bound without a copy. */
static int
bind(sqlite3_stmt *handle, int i, const struct param *param)
{
	switch (param->type) {
	case PARAM_INT:
	case PARAM_BOOL:
		return sqlite3_bind_int64(handle, i, param->i);
	case PARAM_DOUBLE:
		return sqlite3_bind_double(handle, i, param->d);
	case PARAM_TEXT:
		return sqlite3_bind_text(handle, i, param->text, -1, SQLITE_STATIC);
	case PARAM_NULL:
	case PARAM_UNSET:
		break;
	}
	return sqlite3_bind_null(handle, i);
}

static int
sqlite_start(struct stmt *st, struct err *err)
{
	struct sqlite_stmt *impl;

	if (st->impl == NULL && prepare(st, err) < 0)
		return -1;
	impl = st->impl;
	/* PostgreSQL would refuse it. */
	assert(!st->db->conn->tx_reads || sqlite3_stmt_readonly(impl->handle));
	for (int i = 0; i < impl->n_bound; i++) {
		int rc = bind(impl->handle, i + 1, &st->params[impl->param_of[i]]);

		if (rc != SQLITE_OK)
			return sqlite_failed(st->db->conn, rc, err);
	}
	return 0;
}

static sqlite3_stmt *
handle_of(const struct stmt *st)
{
	return ((struct sqlite_stmt *)st->impl)->handle;
}

static int
sqlite_step(struct stmt *st, struct err *err)
{
	int rc = sqlite3_step(handle_of(st));

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return sqlite_failed(st->db->conn, rc, err);
}

static int64_t
sqlite_changed(const struct stmt *st)
{
	/* The connection's count is that of the last write, which was not this. */
	if (sqlite3_stmt_readonly(handle_of(st)))
		return 0;
	return sqlite3_changes(impl_of(st->db->conn)->handle);
}

static void
sqlite_reset(struct stmt *st)
{
	if (st->impl != NULL)
		sqlite3_reset(handle_of(st));
}

static void
sqlite_finish(struct stmt *st)
{
	struct sqlite_stmt *impl = st->impl;

	if (impl == NULL)
		return;
	sqlite3_finalize(impl->handle);
	free(impl->param_of);
	free(impl);
	st->impl = NULL;
}

static bool
sqlite_is_null(const struct stmt *st, int c)
{
	assert(c >= 0 && c < sqlite3_data_count(handle_of(st)));
	return sqlite3_column_type(handle_of(st), c) == SQLITE_NULL;
}

static int64_t
sqlite_get_int(const struct stmt *st, int c)
{
	return sqlite3_column_int64(handle_of(st), c);
}

static double
sqlite_get_double(const struct stmt *st, int c)
{
	return sqlite3_column_double(handle_of(st), c);
}

static bool
sqlite_get_bool(const struct stmt *st, int c)
{
	return sqlite3_column_type(handle_of(st), c) == SQLITE_INTEGER &&
		sqlite3_column_int64(handle_of(st), c) == 1;
}

static const char *
sqlite_get_text(const struct stmt *st, int c)
{
	return (const char *)sqlite3_column_text(handle_of(st), c);
}

static int
sqlite_data_version(struct db_conn *conn, int64_t *version, struct err *err)
{
	return get_number(conn, "PRAGMA data_version", &impl_of(conn)->data_version, version, err);
}

/* Where the file's header has what (SQLite's file format, 1.3). */
#define HEADER_READ_VERSION 19
#define HEADER_CHANGE_COUNTER 24
#define HEADER_PEEKED 28
#define READ_VERSION_WAL 2

/* Asks the file below the connection: neither the page cache nor a lock takes part. */
static int
sqlite_peek(struct db_conn *conn, struct db_peek *out, struct err *err)
{
	sqlite3_file *file = NULL;
	unsigned char header[HEADER_PEEKED] = {0};
	int rc, writing = 0;

	rc = sqlite3_file_control(impl_of(conn)->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc != SQLITE_OK || file->pMethods == NULL)
		return err_set(err, ERR_FAILED, "%s: has no file", location_of(conn));
	/* A new file is empty: it reads as zeros. */
	rc = file->pMethods->xRead(file, header, sizeof(header), 0);
	if (rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ)
		rc = file->pMethods->xCheckReservedLock(file, &writing);
	if (rc != SQLITE_OK)
		return err_set(err, ERR_FAILED, "%s: the file cannot be read (%s)",
			location_of(conn), sqlite3_errstr(rc));
	out->wal = header[HEADER_READ_VERSION] == READ_VERSION_WAL;
	out->writing = writing != 0;
	out->counter = (int64_t)header[HEADER_CHANGE_COUNTER] << 24 |
		header[HEADER_CHANGE_COUNTER + 1] << 16 | header[HEADER_CHANGE_COUNTER + 2] << 8 |
		header[HEADER_CHANGE_COUNTER + 3];
	return 0;
}

static int
sqlite_schema_version(struct db_conn *conn, int64_t *version, struct err *err)
{
	return get_number(
		conn, "PRAGMA schema_version", &impl_of(conn)->schema_version, version, err);
}

static int
sqlite_socket(const struct db_conn *conn)
{
	(void)conn;
	return -1;
}

static int
sqlite_listen(struct db_conn *conn, const char *channel, struct err *err)
{
	(void)conn;
	return err_set(err, ERR_FAILED, "listen to %s: SQLite does not notify", channel);
}

static int
sqlite_consume(struct db_conn *conn, db_notify_cb cb, void *arg, struct err *err)
{
	(void)conn;
	(void)cb;
	(void)arg;
	(void)err;
	return 0;
}

const struct db_backend sqlite_backend = {
	.type = DB_SQLITE,
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.script = run,
	.start = sqlite_start,
	.step = sqlite_step,
	.changed = sqlite_changed,
	.reset = sqlite_reset,
	.finish = sqlite_finish,
	.is_null = sqlite_is_null,
	.get_int = sqlite_get_int,
	.get_double = sqlite_get_double,
	.get_bool = sqlite_get_bool,
	.get_text = sqlite_get_text,
	.data_version = sqlite_data_version,
	.schema_version = sqlite_schema_version,
	.peek = sqlite_peek,
	.socket = sqlite_socket,
	.listen = sqlite_listen,
	.consume = sqlite_consume,
};
