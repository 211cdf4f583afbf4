#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "store_util.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "pg_cluster.h"
#include "store/schema.h"

static char folder[64];
static pid_t owner;
static char *paths[256];
static size_t n_paths;

static void
tmp_remove(void)
{
	pid_t pid;

	for (size_t i = 0; i < n_paths; i++)
		free(paths[i]);
	n_paths = 0;
	if (getpid() != owner)
		return;
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

void
tmp_init(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ff-store-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
	owner = getpid();
	atexit(tmp_remove);
}

const char *
tmp_path(const char *name)
{
	char *path = path_join(folder, name);

	for (size_t i = 0; i < n_paths; i++) {
		if (strcmp(paths[i], path) == 0) {
			free(path);
			return paths[i];
		}
	}
	ck_assert_uint_lt(n_paths, ARRAY_LEN(paths));
	paths[n_paths] = path;
	return paths[n_paths++];
}

static sqlite3 *
raw_open(const char *path)
{
	sqlite3 *raw = NULL;

	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	sqlite3_busy_timeout(raw, 5000);
	return raw;
}

void
raw_run(const char *path, const char *sql)
{
	sqlite3 *raw = raw_open(path);
	char *message = NULL;

	sqlite3_exec(raw, sql, NULL, NULL, &message);
	ck_assert_msg(message == NULL, "%s: %s", sql, message);
	sqlite3_close(raw);
}

char *
raw_text(const char *path, const char *sql)
{
	sqlite3 *raw = raw_open(path);
	sqlite3_stmt *st = NULL;
	char *text = xstrdup("");

	ck_assert_msg(sqlite3_prepare_v2(raw, sql, -1, &st, NULL) == SQLITE_OK, "%s: %s", sql,
		sqlite3_errmsg(raw));
	if (sqlite3_step(st) == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(st, 0);

		xstrset(&text, value != NULL ? value : "NULL");
	}
	sqlite3_finalize(st);
	sqlite3_close(raw);
	return text;
}

int64_t
raw_int(const char *path, const char *sql)
{
	char *text = raw_text(path, sql);
	int64_t n = strtoll(text, NULL, 10);

	free(text);
	return n;
}

const char *
fixture_make(const char *path)
{
	struct err err = ERR_INIT;
	char *sql = file_read(FIXTURES "/flowfile-0.16-catalog.sql", 1 << 20, NULL, &err);

	ck_assert_msg(sql != NULL, "%s", err.text);
	unlink(path);
	raw_run(path, sql);
	free(sql);
	return path;
}

struct db *
must_open(const char *url, bool create)
{
	struct db_options options = {.create = create, .busy_timeout_ms = 5000};
	struct err err = ERR_INIT;
	struct db *db;

	ck_assert_msg(db_open(url, &options, &db, &err) == 0, "%s", err.text);
	return db;
}

void
must_run(struct db *db, const char *sql)
{
	struct err err = ERR_INIT;

	ck_assert_msg(db_script(db, sql, &err) == 0, "%s: %s", sql, err.text);
}

int64_t
must_int(struct db *db, const char *sql)
{
	struct stmt *st = db_stmt_text(db, sql);
	struct err err = ERR_INIT;
	int64_t n = INT64_MIN;

	ck_assert_msg(stmt_get_int(st, &n, &err) == 1, "%s: %s", sql, err.text);
	stmt_finish(st);
	return n;
}

/* How many columns there are is not asked for: the statement says it with a leading "N:". */
const char *
must_rows(struct db *db, const char *sql)
{
	static struct buf text;
	int columns = atoi(sql);
	struct stmt *st = db_stmt_text(db, strchr(sql, ':') + 1);
	struct err err = ERR_INIT;
	int r;

	if (text.max == 0)
		buf_init(&text, 1 << 20);
	buf_reset(&text);
	while ((r = stmt_step(st, &err)) > 0) {
		for (int i = 0; i < columns; i++)
			buf_printf(&text, "%s%s", i > 0 ? "|" : "",
				col_null(st, i) ? "NULL" : col_text(st, i));
		buf_putc(&text, '\n');
	}
	ck_assert_msg(r == 0, "%s: %s", sql, err.text);
	stmt_finish(st);
	return buf_str(&text);
}

struct pg_cluster *
store_test_cluster(void)
{
	struct pg_cluster *cluster = NULL;

#ifdef HAVE_POSTGRES
	cluster = pg_cluster_create();
#endif
	if (cluster == NULL && getenv("FLOWFILE_TEST_REQUIRE_POSTGRES") != NULL) {
		fprintf(stderr, "FLOWFILE_TEST_REQUIRE_POSTGRES is set, and there is none\n");
		exit(1);
	}
	return cluster;
}

/* Schemas of one cluster do not see each other: a test has one to itself. */
static char *
make_schema(const char *postgres_url)
{
	static int n;
	struct db *db = must_open(postgres_url, false);
	char *sql = xasprintf("CREATE SCHEMA s%d_%d", (int)getpid(), n);
	char *url = xasprintf("%s&options=-csearch_path%%3Ds%d_%d", postgres_url, (int)getpid(), n);

	n++;
	must_run(db, sql);
	db_close(db);
	free(sql);
	return url;
}

char *
empty_url(const char *postgres_url)
{
	static int n;

	if (postgres_url != NULL)
		return make_schema(postgres_url);
	return xasprintf("%s/new-%d-%d.db", folder, (int)getpid(), n++);
}

struct db *
catalog_make(const char *postgres_url, char **url)
{
	char *where = empty_url(postgres_url);
	struct db *db = must_open(where, true);
	struct err err = ERR_INIT;

	ck_assert_msg(schema_prepare(db, &err) == 0, "%s", err.text);
	if (url != NULL)
		*url = where;
	else
		free(where);
	return db;
}

/* One statement per table, which gives its rows as one text each. */
static const char sqlite_dumps[] =
	"SELECT 'SELECT ''' || m.name || ': '' || ' || group_concat('quote(\"' || c.name || '\")', "
	"' || ''|'' || ') || ' FROM \"' || m.name || '\" ORDER BY 1' "
	"FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' "
	"AND (m.name NOT LIKE 'scheduler\\_%' ESCAPE '\\' OR m.name = 'scheduler_lock') "
	"AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' GROUP BY m.name "
	"UNION ALL SELECT 'SELECT type || name || coalesce(sql, '''') FROM sqlite_master "
	"WHERE (tbl_name NOT LIKE ''scheduler\\_%'' ESCAPE ''\\'' OR tbl_name = "
	"''scheduler_lock'') "
	"AND type <> ''trigger'' AND name NOT LIKE ''sqlite_seq%'' ORDER BY rowid'";
static const char postgres_dumps[] =
	"SELECT format('SELECT %L || CAST(x AS TEXT) FROM %I AS x ORDER BY 1', relname || ': ', "
	"relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
	"(SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
	"AND (relname NOT LIKE 'scheduler\\_%' OR relname = 'scheduler_lock') ORDER BY relname";

char *
catalog_dump(struct db *db)
{
	struct stmt *tables =
		db_stmt_text(db, db_get_type(db) == DB_SQLITE ? sqlite_dumps : postgres_dumps);
	struct err err = ERR_INIT;
	struct buf dump;

	buf_init(&dump, 1 << 22);
	while (stmt_step(tables, &err) > 0) {
		char *sql = xasprintf("1:%s", col_text(tables, 0));

		buf_puts(&dump, must_rows(db, sql));
		free(sql);
	}
	ck_assert_msg(err.code == ERR_NONE, "%s", err.text);
	ck_assert(!buf_failed(&dump));
	stmt_finish(tables);
	return buf_take(&dump);
}

int
run_program(const char *const argv[], const char *input)
{
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fds[0], 0);
		execvp(argv[0], (char *const *)argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	(void)fd_write_all(fds[1], input, strlen(input));
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}
