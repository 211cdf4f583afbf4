#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "skip.h"
#include "store/db.h"
#include "store_util.h"

static const struct db_options create_it = {.create = true, .busy_timeout_ms = 5000};
static const struct db_options impatient = {.busy_timeout_ms = 1};

/* A database in memory with a table t(id, a, b). */
static struct db *
memory(void)
{
	struct db *db = must_open(":memory:", true);

	must_run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR UNIQUE, b)");
	return db;
}

static struct db *
file(const char *name)
{
	struct db *db = must_open(tmp_path(name), true);

	must_run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR UNIQUE, b)");
	return db;
}

/* --- URLs --- */

static const struct {
	const char *url;
	enum db_type type;
} good_urls[] = {
	{"/a/b.db", DB_SQLITE},
	{"b.db", DB_SQLITE},
	{"a file with : and spaces", DB_SQLITE},
	{":memory:", DB_SQLITE},
	{"sqlite://", DB_SQLITE},
	{"sqlite://:memory:", DB_SQLITE},
	{"sqlite:///:memory:", DB_SQLITE},
	{"sqlite:///relative/x.db", DB_SQLITE},
	{"sqlite:////absolute/x.db", DB_SQLITE},
	{"sqlite+pysqlite:////absolute/x.db", DB_SQLITE},
};

START_TEST(good_urls_are_told_apart)
{
	enum db_type type;

	ck_ok(db_check_url(good_urls[_i].url, &type, e));
	ck_assert_int_eq(type, good_urls[_i].type);
}
END_TEST

static const struct {
	const char *url, *part;
} bad_urls[] = {
	{"", "no database"},
	{NULL, "no database"},
	{"sqlite://x.db", "three slashes"},
	{"sqlite:///x.db?mode=ro", "\"?\""},
	{"file:x.db", "file:"},
	{"mysql://root:secret@h/d", "\"mysql://\""},
	{"sqlite3:///x.db", "\"sqlite3://\""},
};

START_TEST(bad_urls_are_refused_with_the_reason)
{
	enum db_type type;

	ck_fails(db_check_url(bad_urls[_i].url, &type, e), ERR_USAGE, bad_urls[_i].part);
}
END_TEST

START_TEST(a_password_in_a_bad_url_is_not_repeated)
{
	struct err err = ERR_INIT;
	enum db_type type;

	ck_assert_int_lt(db_check_url("mysql://root:secret@h/d", &type, &err), 0);
	ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

/* --- opening --- */

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static int
open_it(const char *url, const struct db_options *options, struct err *err)
{
	struct db *db;
	int r = db_open(url, options, &db, err);

	if (r == 0)
		db_close(db);
	return r;
}

static int
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

START_TEST(each_way_not_to_open_says_what_is_wrong)
{
	const char *text = tmp_path("text.db");
	const char *fifo = tmp_path("fifo.db");
	struct db_options no = {.create = false};
	int fds = open_fds();

	write_file(text, "this is not a database, but long enough to be taken for one\n");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_fails(open_it(text, &no, e), ERR_FAILED, "text.db: not a SQLite database");
	ck_fails(open_it("/tmp", &no, e), ERR_FAILED, "/tmp: is a folder");
	ck_fails(open_it(tmp_path("nowhere/"), &create_it, e), ERR_FAILED, "nowhere/: is a folder");
	ck_fails(open_it(fifo, &no, e), ERR_FAILED, "not a regular file");
	ck_fails(
		open_it(tmp_path("missing.db"), &no, e), ERR_NOT_FOUND, "missing.db: no such file");
	ck_fails(open_it(tmp_path("no/x.db"), &no, e), ERR_NOT_FOUND, "its folder cannot be used");
	ck_fails(open_it(tmp_path("text.db/x.db"), &no, e), ERR_FAILED, "Not a directory");
	ck_fails(open_it("/proc/nowhere/x.db", &create_it, e), ERR_NOT_FOUND, "/proc/nowhere");
	ck_fails(open_it("/proc/x.db", &create_it, e), ERR_FAILED, "cannot open the file");
	ck_assert_int_eq(open_fds(), fds);
	ck_assert_int_ne(access(tmp_path("missing.db"), F_OK), 0);
}
END_TEST

/* Permissions do not hold root back. */
static void
become_nobody(void)
{
	if (geteuid() == 0)
		ck_assert(setgid(65534) == 0 && setuid(65534) == 0);
}

START_TEST(a_file_without_permission_is_refused_unless_it_is_only_read)
{
	const char *readable = fixture_make(tmp_path("readable.db"));
	const char *secret = fixture_make(tmp_path("secret.db"));
	struct db_options reading = {.read_only = true};

	ck_assert_int_eq(chmod(tmp_path("."), 0755), 0);
	ck_assert_int_eq(chmod(readable, 0444), 0);
	ck_assert_int_eq(chmod(secret, 0000), 0);
	become_nobody();
	ck_fails(open_it(readable, &create_it, e), ERR_FAILED,
		"readable.db: cannot be written: Permission denied");
	ck_fails(open_it(secret, &reading, e), ERR_FAILED,
		"secret.db: cannot be read: Permission denied");
	ck_ok(open_it(readable, &reading, e));
}
END_TEST

START_TEST(a_folder_without_permission_is_named)
{
	const char *folder = tmp_path("closed");

	ck_assert_int_eq(chmod(tmp_path("."), 0755), 0);
	ck_assert_int_eq(mkdir(folder, 0555), 0);
	become_nobody();
	ck_fails(open_it(tmp_path("closed/x.db"), &create_it, e), ERR_FAILED,
		"closed/x.db: cannot open the file");
	ck_fails(
		open_it(tmp_path("closed/sub/x.db"), &create_it, e), ERR_FAILED, "closed/sub/x.db");
}
END_TEST

/* A file system of our own; false where that is not allowed. */
static bool
mount_small(const char *where, const char *options)
{
	ck_assert(mkdir(where, 0755) == 0);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0)
		return false;
	return mount("tmpfs", where, "tmpfs", 0, options) == 0;
}

START_TEST(a_read_only_file_system_is_named)
{
	const char *where = tmp_path("ro");
	char *path = xasprintf("%s/x.db", where);

	if (!mount_small(where, "size=4m"))
		SKIP_TEST("a file system cannot be mounted");
	fixture_make(path);
	ck_assert_int_eq(mount("tmpfs", where, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
	ck_fails(open_it(path, &create_it, e), ERR_FAILED, "Read-only file system");
	free(path);
}
END_TEST

static int
fill(struct db *db, struct err *err)
{
	return db_script(db,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
		"INSERT INTO t (b) SELECT zeroblob(4000) FROM n",
		err);
}

START_TEST(a_full_disk_is_said_and_survived)
{
	const char *where = tmp_path("full");
	char *path = xasprintf("%s/x.db", where);
	struct db *db;

	if (!mount_small(where, "size=512k"))
		SKIP_TEST("a file system cannot be mounted");
	db = must_open(path, true);
	must_run(
		db, "CREATE TABLE t (id INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'kept')");
	ck_ok(db_begin(db, e));
	ck_fails(fill(db, e), ERR_LOST, "x.db: the disk is full; free some space");
	ck_assert(!db_in_transaction(db));
	ck_ok(db_reconnect(db, e));
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM t"), 1);
	db_close(db);
	free(path);
}
END_TEST

START_TEST(a_full_database_is_said_and_survived)
{
	struct db *db = file("limit.db");

	must_run(db, "PRAGMA max_page_count = 20");
	ck_ok(db_begin(db, e));
	ck_fails(fill(db, e), ERR_LOST, "the disk is full");
	ck_fails(db_begin(db, e), ERR_LOST, "not connected");
	/* The limit was the connection's. */
	ck_ok(db_reconnect(db, e));
	ck_ok(fill(db, e));
	db_close(db);
}
END_TEST

START_TEST(a_damaged_file_is_said)
{
	const char *path = fixture_make(tmp_path("damaged.db"));
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Behind the first page, which names the tables. */
	for (off_t at = 4096; at < 400 * 1024; at += 512)
		ck_assert_int_eq(pwrite(fd, "damaged damaged ", 16, at), 16);
	close(fd);
	ck_fails(open_it(path, &impatient, e), ERR_FAILED,
		"damaged.db: the database is damaged; restore a backup");
}
END_TEST

START_TEST(a_new_file_is_made_with_its_folders_in_wal_mode)
{
	struct db *db = must_open(tmp_path("new/folder/x.db"), true);

	ck_assert_str_eq(db_path(db), tmp_path("new/folder/x.db"));
	ck_assert_str_eq(db_display(db), db_path(db));
	ck_assert_str_eq(must_rows(db, "1:PRAGMA journal_mode"), "wal\n");
	ck_assert_str_eq(must_rows(db, "1:PRAGMA synchronous"), "2\n");
	ck_assert_str_eq(must_rows(db, "1:PRAGMA foreign_keys"), "0\n");
	db_close(db);
}
END_TEST

START_TEST(an_existing_file_keeps_its_journal_mode)
{
	const char *path = fixture_make(tmp_path("rollback.db"));
	struct db *db = must_open(path, true);

	must_run(db, "CREATE TABLE t (a)");
	ck_assert_str_eq(must_rows(db, "1:PRAGMA journal_mode"), "delete\n");
	ck_assert_str_eq(must_rows(db, "1:PRAGMA foreign_keys"), "0\n");
	db_close(db);
}
END_TEST

START_TEST(a_relative_path_is_made_absolute)
{
	const char *path = tmp_path("relative.db");
	struct db *db;

	ck_assert_int_eq(chdir(tmp_path(".")), 0);
	db = must_open("sqlite:///relative.db", true);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_str_eq(db_path(db), path);
	ck_ok(db_reconnect(db, e));
	db_close(db);
}
END_TEST

/* --- statements --- */

START_TEST(parameters_are_found_by_number_in_any_order_and_more_than_once)
{
	struct db *db = memory();
	struct stmt *st = db_stmt_text(
		db, "SELECT $3, $1, $2, $1, $10, '$4', \"a$5\" -- $6\n FROM (SELECT 1 AS \"a$5\")");
	struct err err = ERR_INIT;

	for (int i = 1; i <= 10; i++)
		stmt_int(st, i, i * 11);
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_assert_int_eq(col_int(st, 0), 33);
	ck_assert_int_eq(col_int(st, 1), 11);
	ck_assert_int_eq(col_int(st, 2), 22);
	ck_assert_int_eq(col_int(st, 3), 11);
	ck_assert_int_eq(col_int(st, 4), 110);
	ck_assert_str_eq(col_text(st, 5), "$4");
	ck_assert_int_eq(stmt_step(st, &err), 0);
	stmt_finish(st);
	db_close(db);
}
END_TEST

START_TEST(values_come_back_as_they_went_in)
{
	struct db *db = memory();
	struct stmt *st = db_stmt_text(db, "SELECT $1, $2, $3, $4, $5, $6, $7");
	struct err err = ERR_INIT;
	char text[] = "h\xc3\xa9 \"q\" 'q'";
	int64_t us;

	stmt_int(st, 1, INT64_MIN);
	stmt_double(st, 2, 0.1);
	stmt_bool(st, 3, true);
	stmt_text(st, 4, text);
	memset(text, 'x', sizeof(text) - 1);
	stmt_time(st, 5, INT64_C(1779264002000001));
	stmt_time(st, 6, TIME_NONE);
	stmt_int_or_null(st, 7, -1, -1);
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_assert_int_eq(col_int(st, 0), INT64_MIN);
	ck_assert_double_eq(col_double(st, 1), 0.1);
	ck_assert(col_bool(st, 2));
	ck_assert_str_eq(col_text(st, 3), "h\xc3\xa9 \"q\" 'q'");
	ck_assert_str_eq(col_text(st, 4), "2026-05-20 08:00:02.000001");
	ck_assert_int_eq(col_time(st, 4, &us), 1);
	ck_assert_int_eq(us, INT64_C(1779264002000001));
	ck_assert(col_null(st, 5));
	ck_assert_int_eq(col_time(st, 5, &us), 0);
	ck_assert_int_eq(us, TIME_NONE);
	ck_assert_int_eq(col_int_or(st, 6, -5), -5);
	ck_assert_int_eq(col_int(st, 6), 0);
	ck_assert_ptr_null(col_text(st, 6));
	stmt_finish(st);
	db_close(db);
}
END_TEST

START_TEST(only_integer_one_is_true_and_only_times_are_times)
{
	struct db *db = memory();
	struct stmt *st = db_stmt_text(
		db, "SELECT 1, 2, '1', 1.0, 'true', NULL, 0, '2026-05-20 08:00:02', 'soon', ''");
	struct err err = ERR_INIT;
	int64_t us;

	ck_assert_int_eq(stmt_step(st, &err), 1);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(col_bool(st, i), i == 0);
	ck_assert_int_eq(col_time(st, 7, &us), 1);
	ck_assert_int_eq(col_time(st, 8, &us), -1);
	ck_assert_int_eq(us, TIME_NONE);
	ck_assert_int_eq(col_time(st, 9, &us), -1);
	stmt_finish(st);
	db_close(db);
}
END_TEST

START_TEST(a_statement_runs_again_with_its_bindings_and_counts_its_changes)
{
	struct db *db = memory();
	struct stmt *insert = db_stmt_text(db, "INSERT INTO t (b) VALUES ($1) RETURNING id");
	struct stmt *update = db_stmt_text(db, "UPDATE t SET b = b + 1 WHERE id <= $1");
	struct stmt *select = db_stmt_text(db, "SELECT count(*) FROM t");
	int64_t id = 0, changed = -1;

	stmt_int(insert, 1, 5);
	for (int i = 1; i <= 3; i++) {
		struct err err = ERR_INIT;

		ck_assert_int_eq(stmt_get_int(insert, &id, &err), 1);
		ck_assert_int_eq(id, i);
	}
	stmt_int(update, 1, 2);
	ck_ok(stmt_exec(update, &changed, e));
	ck_assert_int_eq(changed, 2);
	ck_ok(stmt_exec(select, &changed, e));
	ck_assert_int_eq(changed, 0);
	stmt_int(update, 1, 0);
	ck_ok(stmt_exec(update, &changed, e));
	ck_assert_int_eq(changed, 0);
	stmt_finish(insert);
	stmt_finish(update);
	stmt_finish(select);
	db_close(db);
}
END_TEST

START_TEST(different_statements_may_be_stepped_in_turn)
{
	struct db *db = memory();
	struct stmt *outer, *inner;
	struct err err = ERR_INIT;
	int64_t sum = 0, n;

	must_run(db, "INSERT INTO t (id) VALUES (1), (2), (3)");
	outer = db_stmt_text(db, "SELECT id FROM t ORDER BY id");
	inner = db_stmt_text(db, "SELECT id FROM t WHERE id >= $1 ORDER BY id");
	while (stmt_step(outer, &err) > 0) {
		stmt_int(inner, 1, col_int(outer, 0));
		while (stmt_step(inner, &err) > 0)
			sum += col_int(inner, 0);
	}
	ck_assert_int_eq(sum, 6 + 5 + 3);
	ck_assert_int_eq(stmt_get_int(outer, &n, &err), 1);
	stmt_finish(outer);
	stmt_finish(inner);
	db_close(db);
}
END_TEST

START_TEST(a_named_statement_is_made_once_and_outlives_a_schema_change)
{
	const char *path = fixture_make(tmp_path("named.db"));
	struct db *db = must_open(path, false);
	struct stmt *st = db_stmt(db, SQL_SCHEMA_REVISION);
	struct err err = ERR_INIT;

	ck_assert_ptr_eq(st, db_stmt(db, SQL_SCHEMA_REVISION));
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_assert_str_eq(col_text(st, 0), "030");
	stmt_reset(st);
	raw_run(path,
		"ALTER TABLE alembic_version ADD COLUMN more; UPDATE alembic_version SET "
		"version_num = '031'");
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_assert_str_eq(col_text(st, 0), "031");
	db_close(db);
}
END_TEST

START_TEST(a_failure_to_prepare_shows_at_step_with_the_name)
{
	struct db *db = memory();
	struct stmt *st = db_stmt_text(db, "SELEC 1");

	ck_fails(stmt_step(st, e), ERR_FAILED, "sql: near \"SELEC\"");
	ck_fails(stmt_step(db_stmt(db, SQL_SCHEMA_REVISION), e), ERR_FAILED,
		"schema_revision: no such table: alembic_version");
	stmt_finish(st);
	db_close(db);
}
END_TEST

START_TEST(an_unbound_parameter_is_a_bug)
{
	struct stmt *st = db_stmt_text(memory(), "SELECT $1, $2");
	struct err err = ERR_INIT;

	stmt_int(st, 1, 1);
	stmt_step(st, &err);
}
END_TEST

START_TEST(binding_to_a_busy_statement_is_a_bug)
{
	struct stmt *st = db_stmt_text(memory(), "SELECT $1");
	struct err err = ERR_INIT;

	stmt_int(st, 1, 1);
	ck_assert_int_eq(stmt_step(st, &err), 1);
	stmt_int(st, 1, 2);
}
END_TEST

/* --- transactions --- */

START_TEST(a_rollback_forgets_and_a_commit_keeps)
{
	struct db *db = memory();

	db_rollback(db);
	ck_ok(db_begin(db, e));
	ck_assert(db_in_transaction(db));
	must_run(db, "INSERT INTO t (id) VALUES (1)");
	db_rollback(db);
	ck_assert(!db_in_transaction(db));
	ck_ok(db_begin(db, e));
	must_run(db, "INSERT INTO t (id) VALUES (2)");
	ck_ok(db_commit(db, e));
	ck_assert(!db_in_transaction(db));
	ck_assert_str_eq(must_rows(db, "1:SELECT id FROM t"), "2\n");
	db_close(db);
}
END_TEST

START_TEST(a_failed_statement_leaves_only_the_rollback)
{
	struct db *db = memory();

	ck_ok(db_begin(db, e));
	must_run(db, "INSERT INTO t (a) VALUES ('x')");
	ck_fails(db_script(db, "INSERT INTO t (a) VALUES ('x')", e), ERR_CONFLICT, "t.a");
	ck_fails(db_script(db, "INSERT INTO t (a) VALUES ('y')", e), ERR_CONFLICT,
		"the transaction has failed already");
	ck_fails(db_commit(db, e), ERR_CONFLICT, "the transaction has failed already");
	ck_assert(!db_in_transaction(db));
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM t"), 0);
	db_close(db);
}
END_TEST

START_TEST(constraints_other_than_unique_are_no_conflict)
{
	struct db *db = memory();

	must_run(db, "CREATE TABLE n (id INTEGER PRIMARY KEY, a NOT NULL, b CHECK (b > 0))");
	ck_fails(db_script(db, "INSERT INTO n (a) VALUES (NULL)", e), ERR_FAILED, "NOT NULL");
	ck_fails(db_script(db, "INSERT INTO n VALUES (1, 1, 0)", e), ERR_FAILED, "CHECK");
	must_run(db, "INSERT INTO n VALUES (1, 1, 1)");
	ck_fails(db_script(db, "INSERT INTO n VALUES (1, 1, 1)", e), ERR_CONFLICT, "n.id");
	db_close(db);
}
END_TEST

START_TEST(a_lock_held_too_long_is_busy_and_the_rest_goes_on)
{
	struct db *holder = file("busy.db");
	struct err err = ERR_INIT;
	struct db *other;

	ck_assert_int_eq(db_open(db_path(holder), &impatient, &other, &err), 0);
	ck_ok(db_begin(holder, e));
	must_run(holder, "INSERT INTO t (id) VALUES (1)");
	ck_fails(db_begin(other, e), ERR_BUSY, "busy.db: locked by another program");
	ck_fails(db_script(other, "DELETE FROM t", e), ERR_BUSY, "locked");
	/* Readers are not held up in WAL mode, and see what was committed. */
	ck_assert_int_eq(must_int(other, "SELECT count(*) FROM t"), 0);
	ck_ok(db_commit(holder, e));
	ck_ok(db_begin(other, e));
	ck_assert_int_eq(must_int(other, "SELECT count(*) FROM t"), 1);
	ck_ok(db_commit(other, e));
	db_close(other);
	db_close(holder);
}
END_TEST

START_TEST(a_commit_that_finds_the_file_locked_is_rolled_back)
{
	const char *path = fixture_make(tmp_path("commit-busy.db"));
	struct err err = ERR_INIT;
	struct db *writer, *reader;

	ck_assert_int_eq(db_open(path, &impatient, &writer, &err), 0);
	reader = must_open(path, false);
	/* In rollback mode a reader holds up the commit. */
	ck_ok(db_begin_read(reader, e));
	ck_assert_int_eq(must_int(reader, "SELECT count(*) FROM users"), 3);
	ck_ok(db_begin(writer, e));
	must_run(writer, "DELETE FROM users");
	ck_fails(db_commit(writer, e), ERR_BUSY, "locked");
	ck_assert(!db_in_transaction(writer));
	db_rollback(reader);
	ck_assert_int_eq(must_int(writer, "SELECT count(*) FROM users"), 3);
	ck_ok(db_begin(writer, e));
	ck_ok(db_commit(writer, e));
	db_close(reader);
	db_close(writer);
}
END_TEST

START_TEST(reads_in_one_transaction_see_one_snapshot)
{
	struct db *reader = file("snapshot.db");
	struct db *writer = must_open(db_path(reader), false);

	ck_ok(db_begin_read(reader, e));
	ck_assert_int_eq(must_int(reader, "SELECT count(*) FROM t"), 0);
	must_run(writer, "INSERT INTO t (id) VALUES (1)");
	ck_assert_int_eq(must_int(reader, "SELECT count(*) FROM t"), 0);
	ck_ok(db_commit(reader, e));
	ck_assert_int_eq(must_int(reader, "SELECT count(*) FROM t"), 1);
	db_close(writer);
	db_close(reader);
}
END_TEST

START_TEST(writing_in_a_reading_transaction_is_a_bug)
{
	struct db *db = memory();
	struct err err = ERR_INIT;

	ck_ok(db_begin_read(db, e));
	stmt_exec(db_stmt_text(db, "DELETE FROM t"), NULL, &err);
}
END_TEST

START_TEST(a_forgotten_row_does_not_outlive_the_transaction)
{
	struct db *db = file("forgotten.db");
	struct db *other = must_open(db_path(db), false);
	struct stmt *st = db_stmt_text(db, "SELECT id FROM t ORDER BY id");
	struct err err = ERR_INIT;

	must_run(db, "INSERT INTO t (id) VALUES (1), (2)");
	ck_ok(db_begin_read(db, e));
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_ok(db_commit(db, e));
	must_run(other, "DELETE FROM t WHERE id = 1");
	ck_assert_int_eq(stmt_step(st, &err), 1);
	ck_assert_int_eq(col_int(st, 0), 2);
	stmt_finish(st);
	db_close(other);
	db_close(db);
}
END_TEST

START_TEST(closing_rolls_back)
{
	struct db *db = file("closing.db");

	ck_ok(db_begin(db, e));
	must_run(db, "INSERT INTO t (id) VALUES (1)");
	db_close(db);
	ck_assert_int_eq(raw_int(tmp_path("closing.db"), "SELECT count(*) FROM t"), 0);
}
END_TEST

START_TEST(versions_move_with_the_commits_of_others_and_with_the_schema)
{
	struct db *db = file("versions.db");
	int64_t data, schema, now;

	ck_ok(db_data_version(db, &data, e));
	ck_ok(db_schema_version(db, &schema, e));
	must_run(db, "INSERT INTO t (id) VALUES (1)");
	ck_ok(db_data_version(db, &now, e));
	ck_assert_int_eq(now, data);
	raw_run(db_path(db), "INSERT INTO t (id) VALUES (2)");
	ck_ok(db_data_version(db, &now, e));
	ck_assert_int_ne(now, data);
	ck_ok(db_schema_version(db, &now, e));
	ck_assert_int_eq(now, schema);
	raw_run(db_path(db), "CREATE TABLE u (a)");
	ck_ok(db_schema_version(db, &now, e));
	ck_assert_int_ne(now, schema);
	ck_assert_int_eq(db_socket(db), -1);
	db_close(db);
}
END_TEST

START_TEST(a_replaced_file_is_a_lost_connection_that_can_be_remade)
{
	const char *path = fixture_make(tmp_path("replaced.db"));
	struct db *db = must_open(path, false);

	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM users"), 3);
	fixture_make(path);
	raw_run(path, "DELETE FROM users WHERE id = 3");
	ck_fails(db_script(db, "DELETE FROM users", e), ERR_LOST, "moved or replaced");
	ck_fails(db_script(db, "DELETE FROM users", e), ERR_LOST, "not connected");
	ck_ok(db_reconnect(db, e));
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM users"), 2);
	unlink(path);
	ck_fails(db_reconnect(db, e), ERR_NOT_FOUND, "no such file");
	ck_assert_int_ne(access(path, F_OK), 0);
	db_close(db);
}
END_TEST

/* --- shared connections --- */

START_TEST(handles_on_one_connection_see_each_others_commits_and_live_apart)
{
	struct db *a = memory();
	struct db *b = db_share(a);

	ck_ok(db_begin(a, e));
	must_run(a, "INSERT INTO t (id) VALUES (1)");
	ck_assert(!db_in_transaction(b));
	ck_ok(db_commit(a, e));
	ck_assert_ptr_ne(db_stmt(a, SQL_SCHEMA_LOCK), db_stmt(b, SQL_SCHEMA_LOCK));
	db_close(a);
	ck_assert_int_eq(must_int(b, "SELECT count(*) FROM t"), 1);
	ck_ok(db_begin(b, e));
	db_close(b);
}
END_TEST

START_TEST(a_handle_that_dies_in_a_transaction_lets_the_others_go_on)
{
	struct db *a = memory();
	struct db *b = db_share(a);

	ck_ok(db_begin(b, e));
	must_run(b, "INSERT INTO t (id) VALUES (1)");
	db_close(b);
	ck_ok(db_begin(a, e));
	ck_assert_int_eq(must_int(a, "SELECT count(*) FROM t"), 0);
	db_close(a);
}
END_TEST

START_TEST(beginning_inside_anothers_transaction_is_a_bug)
{
	struct db *a = memory();
	struct err err = ERR_INIT;

	ck_ok(db_begin(a, e));
	db_begin(db_share(a), &err);
}
END_TEST

START_TEST(a_statement_inside_anothers_transaction_is_a_bug)
{
	struct db *a = memory();
	struct err err = ERR_INIT;

	ck_ok(db_begin(a, e));
	db_script(db_share(a), "DELETE FROM t", &err);
}
END_TEST

/* --- faults --- */

struct faults {
	char asked[512]; /* the steps, in order */
	const char *at; /* the step that fails; "+" before it: afterwards */
	enum err_code code;
};

static enum err_code
fail_at(const char *step, bool after, void *arg)
{
	struct faults *f = arg;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", after ? "+" : "", step);
	strcat(f->asked, name);
	strcat(f->asked, " ");
	return f->at != NULL && strcmp(f->at, name) == 0 ? f->code : ERR_NONE;
}

/* A transaction that inserts one row. */
static int
insert_one(struct db *db, struct err *err)
{
	struct stmt *st = db_stmt_text(db, "INSERT INTO t (b) VALUES (1)");
	int r = -1;

	if (db_begin(db, err) == 0 && stmt_exec(st, NULL, err) == 0)
		r = db_commit(db, err);
	db_rollback(db);
	stmt_finish(st);
	return r;
}

static const struct {
	const char *at;
	enum err_code code;
	const char *asked;
	int rows; /* committed nevertheless */
	bool lost;
} fault_cases[] = {
	{NULL, ERR_NONE, "begin sql commit +commit ", 1, false},
	{"begin", ERR_BUSY, "begin ", 0, false},
	{"begin", ERR_LOST, "begin ", 0, true},
	{"sql", ERR_BUSY, "begin sql ", 0, false},
	{"sql", ERR_FAILED, "begin sql ", 0, false},
	{"sql", ERR_LOST, "begin sql ", 0, true},
	{"commit", ERR_BUSY, "begin sql commit ", 0, false},
	{"commit", ERR_LOST, "begin sql commit ", 0, true},
	{"commit", ERR_UNKNOWN, "begin sql commit ", 0, true},
	{"+commit", ERR_UNKNOWN, "begin sql commit +commit ", 1, true},
};

START_TEST(a_fault_has_the_consequences_of_a_real_one)
{
	struct faults f = {.at = fault_cases[_i].at, .code = fault_cases[_i].code};
	struct db *db = memory();
	struct err err = ERR_INIT;

	db_set_fault(db, fail_at, &f);
	ck_assert_int_eq(insert_one(db, &err), f.at == NULL ? 0 : -1);
	ck_assert_int_eq(err.code, fault_cases[_i].code);
	ck_assert_str_eq(f.asked, fault_cases[_i].asked);
	f.at = NULL;
	if (fault_cases[_i].lost) {
		ck_fails(db_begin(db, e), ERR_LOST, "not connected to :memory:");
		ck_ok(db_reconnect(db, e));
	}
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM t"), fault_cases[_i].rows);
	ck_ok(insert_one(db, e));
	db_close(db);
}
END_TEST

START_TEST(a_handle_stays_lost_while_reconnecting_fails_and_others_do_not_notice)
{
	struct faults f = {.at = "begin", .code = ERR_LOST};
	struct db *db = memory();
	struct db *other = db_share(db);

	db_set_fault(db, fail_at, &f);
	ck_fails(db_begin(db, e), ERR_LOST, "begin: injected failure");
	f.at = "reconnect";
	ck_fails(db_reconnect(db, e), ERR_LOST, "injected");
	ck_fails(db_begin(db, e), ERR_LOST, "not connected");
	ck_ok(insert_one(other, e));
	f.at = NULL;
	ck_ok(db_reconnect(db, e));
	ck_assert_int_eq(must_int(db, "SELECT count(*) FROM t"), 1);
	db_close(other);
	db_close(db);
}
END_TEST

/* --- the clock --- */

static int64_t
fixed_wall(void *arg)
{
	return *(int64_t *)arg;
}

static struct boottime
fixed_boot(void *arg)
{
	return (struct boottime){*(int64_t *)arg};
}

static const char now_sql[] = "3:SELECT CURRENT_TIMESTAMP, strftime('%Y-%m-%d %H:%M:%f000', "
			      "'now'), date('now', '+1 day')";

START_TEST(the_databases_time_follows_a_clock_of_ours)
{
	int64_t now_us = INT64_C(1779264002750000);
	struct clock clock = {fixed_wall, fixed_boot, &now_us};
	const char *urls[] = {":memory:", tmp_path("clock.db")};
	struct db *db;

	db_set_clock(&clock);
	db = must_open(urls[_i], true);
	ck_assert_str_eq(must_rows(db, now_sql),
		"2026-05-20 08:00:02|2026-05-20 08:00:02.750000|2026-05-21\n");
	now_us += US_PER_DAY;
	ck_assert_str_eq(must_rows(db, now_sql),
		"2026-05-21 08:00:02|2026-05-21 08:00:02.750000|2026-05-22\n");
	db_set_clock(NULL);
	db_close(db);
	db = must_open(urls[_i], true);
	ck_assert_int_gt(must_int(db, "SELECT CAST(strftime('%Y', 'now') AS INTEGER)"), 2000);
	ck_assert_str_ne(must_rows(db, now_sql),
		"2026-05-21 08:00:02|2026-05-21 08:00:02.750000|2026-05-22\n");
	db_close(db);
}
END_TEST

START_TEST(an_open_database_takes_little_memory)
{
	struct db *db = must_open(fixture_make(tmp_path("memory.db")), false);

	ck_assert_str_eq(must_rows(db, "1:PRAGMA cache_size"), "-512\n");
	ck_assert_str_eq(must_rows(db, "1:PRAGMA mmap_size"), "0\n");
	db_close(db);
}
END_TEST

#define add_loop(tc, test, cases) tcase_add_loop_test(tc, test, 0, (int)ARRAY_LEN(cases))

static TCase *
opening_case(void)
{
	TCase *tc = tcase_create("opening");

	add_loop(tc, good_urls_are_told_apart, good_urls);
	add_loop(tc, bad_urls_are_refused_with_the_reason, bad_urls);
	tcase_add_test(tc, a_password_in_a_bad_url_is_not_repeated);
	tcase_add_test(tc, each_way_not_to_open_says_what_is_wrong);
	tcase_add_test(tc, a_file_without_permission_is_refused_unless_it_is_only_read);
	tcase_add_test(tc, a_folder_without_permission_is_named);
	tcase_add_test(tc, a_read_only_file_system_is_named);
	tcase_add_test(tc, a_full_disk_is_said_and_survived);
	tcase_add_test(tc, a_full_database_is_said_and_survived);
	tcase_add_test(tc, a_damaged_file_is_said);
	tcase_add_test(tc, a_new_file_is_made_with_its_folders_in_wal_mode);
	tcase_add_test(tc, an_existing_file_keeps_its_journal_mode);
	tcase_add_test(tc, a_relative_path_is_made_absolute);
	tcase_add_test(tc, an_open_database_takes_little_memory);
	return tc;
}

static TCase *
statement_case(void)
{
	TCase *tc = tcase_create("statements");

	tcase_add_test(tc, parameters_are_found_by_number_in_any_order_and_more_than_once);
	tcase_add_test(tc, values_come_back_as_they_went_in);
	tcase_add_test(tc, only_integer_one_is_true_and_only_times_are_times);
	tcase_add_test(tc, a_statement_runs_again_with_its_bindings_and_counts_its_changes);
	tcase_add_test(tc, different_statements_may_be_stepped_in_turn);
	tcase_add_test(tc, a_named_statement_is_made_once_and_outlives_a_schema_change);
	tcase_add_test(tc, a_failure_to_prepare_shows_at_step_with_the_name);
	tcase_add_test_raise_signal(tc, an_unbound_parameter_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(tc, binding_to_a_busy_statement_is_a_bug, SIGABRT);
	return tc;
}

static TCase *
transaction_case(void)
{
	TCase *tc = tcase_create("transactions");

	tcase_add_test(tc, a_rollback_forgets_and_a_commit_keeps);
	tcase_add_test(tc, a_failed_statement_leaves_only_the_rollback);
	tcase_add_test(tc, constraints_other_than_unique_are_no_conflict);
	tcase_add_test(tc, a_lock_held_too_long_is_busy_and_the_rest_goes_on);
	tcase_add_test(tc, a_commit_that_finds_the_file_locked_is_rolled_back);
	tcase_add_test(tc, reads_in_one_transaction_see_one_snapshot);
	tcase_add_test_raise_signal(tc, writing_in_a_reading_transaction_is_a_bug, SIGABRT);
	tcase_add_test(tc, a_forgotten_row_does_not_outlive_the_transaction);
	tcase_add_test(tc, closing_rolls_back);
	tcase_add_test(tc, versions_move_with_the_commits_of_others_and_with_the_schema);
	tcase_add_test(tc, a_replaced_file_is_a_lost_connection_that_can_be_remade);
	return tc;
}

static TCase *
simulation_case(void)
{
	TCase *tc = tcase_create("simulation");

	tcase_add_test(tc, handles_on_one_connection_see_each_others_commits_and_live_apart);
	tcase_add_test(tc, a_handle_that_dies_in_a_transaction_lets_the_others_go_on);
	tcase_add_test_raise_signal(tc, beginning_inside_anothers_transaction_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(tc, a_statement_inside_anothers_transaction_is_a_bug, SIGABRT);
	add_loop(tc, a_fault_has_the_consequences_of_a_real_one, fault_cases);
	tcase_add_test(tc, a_handle_stays_lost_while_reconnecting_fails_and_others_do_not_notice);
	tcase_add_loop_test(tc, the_databases_time_follows_a_clock_of_ours, 0, 2);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("db_sqlite");
	SRunner *runner;
	int failed;

	tmp_init();
	suite_add_tcase(suite, opening_case());
	suite_add_tcase(suite, statement_case());
	suite_add_tcase(suite, transaction_case());
	suite_add_tcase(suite, simulation_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
