/*
 * The feed on SQLite: other processes write, the feed must give a hint after each commit, and
 * rest otherwise. Every wait is for an event, with a deadline; only the tests that nothing
 * happens watch for a while.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "feed/feed.h"
#include "loop_util.h"
#include "skip.h"

/* No event for so long means that the feed is at rest: its longest interval is 200 ms. */
#define SETTLED_MS 500 /* longer than any ladder: nothing more comes */
#define IDLE_MS 1500

static char dir[] = "/tmp/ff-test-feed-XXXXXX";
static char *path; /* the catalog */
static struct feed *feed;

/* What the hints were, and what their receiver saw when it read at once. */
static int changes, resyncs, visible;
static bool receiver_reads;
static int warnings;

static void
on_log(enum log_level level, const char *line, void *arg)
{
	(void)line;
	(void)arg;
	warnings += level == LOG_WARNING_LEVEL;
}

/* ---- Other processes ---- */

static void
run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		_exit(1);
	}
}

static sqlite3 *
open_db(const char *file, int busy_ms)
{
	sqlite3 *db;

	if (sqlite3_open(file, &db) != SQLITE_OK)
		_exit(1);
	sqlite3_busy_timeout(db, busy_ms);
	return db;
}

/* Runs SQL in a process of its own and waits for its end. */
static void
run_elsewhere(const char *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
run_elsewhere(const char *file, const char *fmt, ...)
{
	int status;
	va_list ap;
	pid_t pid = fork();

	if (pid == 0) {
		char sql[2048];
		sqlite3 *db = open_db(file, 10000);

		va_start(ap, fmt);
		vsnprintf(sql, sizeof(sql), fmt, ap);
		va_end(ap);
		run_sql(db, sql);
		sqlite3_close(db);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
commit_elsewhere(int n)
{
	run_elsewhere(path, "INSERT INTO commits VALUES (%d)", n);
}

static void
make_catalog(const char *file, const char *journal_mode)
{
	run_elsewhere(file,
		"PRAGMA journal_mode = %s; CREATE TABLE commits (n INTEGER PRIMARY KEY);",
		journal_mode);
}

/* ---- The receiver ---- */

/* A number that the database gives; -1: none. */
static int
read_number(const char *sql)
{
	sqlite3 *db = open_db(path, 10000);
	sqlite3_stmt *st;
	int n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int(st, 0);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return n;
}

static int
read_visible(void)
{
	return read_number("SELECT coalesce(max(n), 0) FROM commits");
}

static void
on_hint(enum feed_hint hint, int64_t first_seq, void *arg)
{
	(void)arg;
	ck_assert_int_eq(first_seq, 0);
	changes += hint == FEED_CHANGED;
	resyncs += hint == FEED_RESYNC;
	if (receiver_reads)
		visible = read_visible();
}

static void
start_feed(void)
{
	struct err err = ERR_INIT;

	if (feed_create(loop, path, on_hint, NULL, &feed, &err) < 0)
		ck_abort_msg("%s", err.text);
}

static void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/catalog.db", dir);
	loop = event_base_new();
	changes = resyncs = visible = warnings = 0;
	receiver_reads = true;
	log_set_sink(on_log, NULL);
}

static void
tear_down(void)
{
	char *command = xasprintf("rm -rf '%s' '%s.away'", dir, dir);

	feed_free(feed);
	feed = NULL;
	event_base_free(loop);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(path);
}

static bool
is_at_rest(void)
{
	struct feed_stats stats;

	feed_get_stats(feed, &stats);
	return stats.at_rest != 0;
}

/* Takes in what has happened, and waits until nothing is looked at any more because of it. */
static void
settle(void)
{
	do {
		event_base_loop(loop, EVLOOP_NONBLOCK);
		LOOP_UNTIL(is_at_rest());
		event_base_loop(loop, EVLOOP_NONBLOCK);
	} while (!is_at_rest());
}

/* ---- Every commit ---- */

static const struct mode {
	const char *journal, *synchronous;
} modes[] = {
	{"delete", "full"},
	{"truncate", "full"},
	{"wal", "full"},
	{"delete", "off"},
	{"persist", "full"},
	{"memory", "full"},
	{"wal", "normal"},
	{"wal", "off"},
};
/* The first of them, for tests that watch what does not happen. */
#define MODES_FEW 3

#define MANY 300

/* Some commits follow at once, some after a pause: the feed is met at rest, on its ladder, in its
 * looks. */
static pid_t
start_writer(const struct mode *mode)
{
	char sql[128];
	pid_t pid = fork();

	if (pid == 0) {
		sqlite3 *db = open_db(path, 10000);

		snprintf(sql, sizeof(sql), "PRAGMA journal_mode = %s; PRAGMA synchronous = %s;",
			mode->journal, mode->synchronous);
		run_sql(db, sql);
		for (int n = 1; n <= MANY; n++) {
			snprintf(sql, sizeof(sql), "INSERT INTO commits VALUES (%d)", n);
			run_sql(db, sql);
			if (n % 3 != 0)
				usleep((useconds_t)(rand() % 1500));
		}
		_exit(0);
	}
	return pid;
}

START_TEST(each_commit_is_followed_by_a_hint_when_it_can_be_seen)
{
	pid_t writer;
	int status;

	make_catalog(path, modes[_i].journal);
	start_feed();
	writer = start_writer(&modes[_i]);
	LOOP_UNTIL(visible == MANY);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(resyncs, 0);
}
END_TEST

static const struct program {
	const char *probe, *command; /* %s: the catalog */
} programs[] = {
	{"sqlite3 -version", "sqlite3 '%s' 'INSERT INTO commits VALUES (%d)'"},
	{"python3 -c 'import sqlite3'",
		"python3 -c 'import sqlite3, sys\n"
		"c = sqlite3.connect(sys.argv[1])\n"
		"c.execute(\"INSERT INTO commits VALUES (?)\", (sys.argv[2],))\n"
		"c.commit()' '%s' %d"},
};

START_TEST(writes_by_other_programs_are_heard)
{
	const struct program *program = &programs[_i / 2];
	char *command;

	command = xasprintf("%s >/dev/null 2>&1", program->probe);
	if (system(command) != 0) {
		free(command);
		SKIP_TEST(program->probe);
	}
	free(command);
	make_catalog(path, _i % 2 == 0 ? "delete" : "wal");
	start_feed();
	for (int n = 1; n <= 5; n++) {
		command = xasprintf(program->command, path, n);
		ck_assert_int_eq(system(command), 0);
		LOOP_UNTIL(visible == n);
		free(command);
	}
}
END_TEST

START_TEST(a_writer_without_a_busy_timeout_does_not_fail_because_of_the_feed)
{
	static const useconds_t gaps_us[] = {0, 100, 400, 900};
	struct event *ended;
	bool done = false;
	int status, fds[2];
	pid_t pid;

	make_catalog(path, "delete");
	start_feed();
	receiver_reads = false;
	ck_assert_int_eq(pipe(fds), 0);
	ended = event_new(loop, fds[0], EV_READ, loop_set_flag, &done);
	event_add(ended, NULL);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db = open_db(path, 0);

		for (int n = 1; n <= MANY; n++) {
			char sql[64];

			snprintf(sql, sizeof(sql), "INSERT INTO commits VALUES (%d)", n);
			run_sql(db, sql);
			usleep(gaps_us[n * 4 / (MANY + 1)]);
		}
		_exit(0);
	}
	close(fds[1]);
	LOOP_UNTIL(done && changes > 0);
	event_free(ended);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_long_transaction_is_heard_when_it_commits)
{
	int go[2], before, status;
	pid_t pid;

	make_catalog(path, modes[_i].journal);
	start_feed();
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db = open_db(path, 10000);
		char c;

		close(go[1]);
		/* Spills: the database or its log are written to long before the commit. */
		run_sql(db,
			"PRAGMA cache_size = 2; BEGIN IMMEDIATE; INSERT INTO commits VALUES (1);"
			"CREATE TABLE big (a); WITH RECURSIVE s (i) AS (VALUES (1) UNION ALL "
			"SELECT i + 1 FROM s WHERE i < 500) INSERT INTO big SELECT randomblob(500) "
			"FROM s");
		if (read(go[0], &c, 1) == 0)
			run_sql(db, "COMMIT");
		_exit(0);
	}
	loop_run_until_quiet(SETTLED_MS);
	before = changes;
	ck_assert_int_eq(before, 0);
	close(go[1]);
	LOOP_UNTIL(visible == 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(go[0]);
}
END_TEST

START_TEST(a_rollback_gives_no_hint)
{
	make_catalog(path, _i == 0 ? "delete" : "wal");
	start_feed();
	settle();
	run_elsewhere(path, "BEGIN IMMEDIATE; INSERT INTO commits VALUES (1); ROLLBACK");
	settle();
	ck_assert_int_eq(changes, 0);
	commit_elsewhere(1);
	LOOP_UNTIL(visible == 1);
}
END_TEST

/* Its journal is rolled back by the next who comes, and the change counter has the same value
 * again. */
START_TEST(a_commit_after_a_writer_that_crashed_in_its_own_is_heard)
{
	char *journal = xasprintf("%s-journal", path);
	int ready[2];
	pid_t pid;
	char c;

	make_catalog(path, "delete");
	start_feed();
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db = open_db(path, 10000);

		run_sql(db,
			"PRAGMA cache_size = 2; BEGIN IMMEDIATE; INSERT INTO commits VALUES (1);"
			"CREATE TABLE big (a); WITH RECURSIVE s (i) AS (VALUES (1) UNION ALL "
			"SELECT i + 1 FROM s WHERE i < 500) INSERT INTO big SELECT randomblob(500) "
			"FROM s");
		(void)!write(ready[1], "x", 1);
		pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(access(journal, F_OK), 0);
	settle();
	commit_elsewhere(2);
	LOOP_UNTIL(visible == 2);
	free(journal);
}
END_TEST

/* As above, but the writer died after its pages were written. Here it does commit, and its
 * journal is put back in no time: the same to all who come later. */
START_TEST(a_commit_with_the_same_change_counter_as_one_that_was_undone_is_heard)
{
	char *journal = xasprintf("%s-journal", path);
	char *copy = xasprintf("cp '%s' '%s.copy'", journal, journal);
	char *back = xasprintf("%s.copy", journal);
	int status;
	pid_t pid;

	make_catalog(path, "delete");
	start_feed();
	receiver_reads = false;
	pid = fork();
	if (pid == 0) {
		sqlite3 *db = open_db(path, 10000);

		/* The first page, where the counter is, must be in the copy. */
		run_sql(db,
			"PRAGMA synchronous = off; BEGIN IMMEDIATE;"
			"PRAGMA user_version = 1; INSERT INTO commits VALUES (1)");
		if (system(copy) != 0)
			_exit(1);
		run_sql(db, "COMMIT");
		_exit(rename(back, journal) == 0 ? 0 : 1);
	}
	LOOP_UNTIL(changes > 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	settle();
	changes = 0;
	run_elsewhere(path, "PRAGMA synchronous = off; INSERT INTO commits VALUES (2)");
	LOOP_UNTIL(changes > 0);
	/* The first was undone, or this has shown nothing. */
	ck_assert_int_eq(read_visible(), 2);
	ck_assert_int_eq(read_number("SELECT count(*) FROM commits"), 1);
	free(journal);
	free(copy);
	free(back);
}
END_TEST

/* A writer that commits and goes on at once. Returns how long the hint took, which nobody was to
 * be led into the writer's way by. */
static int64_t
time_hint_into_transaction(int n)
{
	struct boottime start = clock_boot(&clock_real);
	int64_t took_us;
	int fds[2];
	pid_t pid;

	changes = 0;
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db = open_db(path, 10000);
		char sql[64], c;

		close(fds[1]);
		snprintf(sql, sizeof(sql), "INSERT INTO commits VALUES (%d); BEGIN IMMEDIATE", n);
		run_sql(db, sql);
		(void)!read(fds[0], &c, 1);
		_exit(0);
	}
	LOOP_UNTIL(changes > 0);
	took_us = boottime_diff(clock_boot(&clock_real), start);
	close(fds[0]);
	close(fds[1]);
	waitpid(pid, NULL, 0);
	return took_us;
}

START_TEST(a_hint_waits_for_a_pause_between_writers_but_not_for_long)
{
	int64_t longest_us = 0;

	make_catalog(path, "delete");
	start_feed();
	receiver_reads = false;
	/* Where the writer was held up between its transactions, there was a pause. */
	for (int n = 1; n <= 5; n++) {
		int64_t took_us = time_hint_into_transaction(n);

		longest_us = took_us > longest_us ? took_us : longest_us;
	}
	ck_assert_int_gt(longest_us, 200 * US_PER_MS);
	ck_assert_int_lt(longest_us, US_PER_SEC);
}
END_TEST

/* ---- Rest ---- */

START_TEST(an_idle_catalog_wakes_nobody)
{
	struct feed_stats before, after;

	make_catalog(path, modes[_i].journal);
	start_feed();
	commit_elsewhere(1);
	LOOP_UNTIL(visible == 1);
	settle();
	feed_get_stats(feed, &before);
	ck_assert_int_eq(loop_run_until_quiet(IDLE_MS), 0);
	feed_get_stats(feed, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

START_TEST(readers_wake_nobody)
{
	make_catalog(path, _i == 0 ? "delete" : "wal");
	start_feed();
	settle();
	for (int i = 0; i < 20; i++)
		run_elsewhere(path, "BEGIN; SELECT * FROM commits; COMMIT");
	ck_assert_int_eq(loop_run_until_quiet(SETTLED_MS), 0);
	ck_assert_int_eq(changes, 0);
}
END_TEST

static void
write_file(const char *suffix, const char *flags)
{
	char *name = xasprintf("%s/%s", dir, suffix);
	FILE *f = fopen(name, flags);

	ck_assert_ptr_nonnull(f);
	fputs("text", f);
	fclose(f);
	free(name);
}

static void
remove_file(const char *suffix)
{
	char *name = xasprintf("%s/%s", dir, suffix);

	ck_assert_int_eq(unlink(name), 0);
	free(name);
}

START_TEST(other_files_in_the_folder_do_not_matter)
{
	static const char *const names[] = {
		"other.db", "other.db-wal", "catalog.db.bak", "catalog.db-journal2", "catalog"};
	struct feed_stats before, after;

	make_catalog(path, _i == 0 ? "delete" : "wal");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		write_file(names[i], "w");
	start_feed();
	settle();
	feed_get_stats(feed, &before);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (int n = 0; n < 10; n++)
			write_file(names[i], "a");
	ck_assert_int_eq(loop_run_until_quiet(SETTLED_MS), 0);
	/* That they come and go is noticed, but makes nobody look at the catalog. */
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		remove_file(names[i]);
	settle();
	feed_get_stats(feed, &after);
	ck_assert_int_eq(before.checks, after.checks);
	ck_assert_int_eq(changes + resyncs, 0);
}
END_TEST

START_TEST(checkpoints_are_not_held_up)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	make_catalog(path, "wal");
	start_feed();
	commit_elsewhere(1);
	LOOP_UNTIL(visible == 1);
	db = open_db(path, 0);
	sqlite3_prepare_v2(db, "PRAGMA wal_checkpoint(TRUNCATE)", -1, &st, NULL);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	commit_elsewhere(2);
	LOOP_UNTIL(visible == 2);
}
END_TEST

/* ---- Change of scene ---- */

START_TEST(the_journal_mode_may_change)
{
	make_catalog(path, "delete");
	start_feed();
	commit_elsewhere(1);
	LOOP_UNTIL(visible == 1);
	run_elsewhere(path, "PRAGMA journal_mode = wal; INSERT INTO commits VALUES (2)");
	LOOP_UNTIL(visible == 2);
	for (int n = 3; n <= 20; n++) {
		commit_elsewhere(n);
		LOOP_UNTIL(visible == n);
	}
	ck_assert_int_eq(resyncs, 0);
}
END_TEST

START_TEST(a_file_that_takes_the_catalogs_place_is_watched_instead)
{
	char *other = xasprintf("%s/other.db", dir);
	const char *mode = _i % 2 == 0 ? "delete" : "wal";

	make_catalog(path, _i / 2 == 0 ? "delete" : "wal");
	start_feed();
	make_catalog(other, mode);
	run_elsewhere(other, "INSERT INTO commits VALUES (100)");
	ck_assert_int_eq(rename(other, path), 0);
	LOOP_UNTIL(resyncs == 1 && visible == 100);
	for (int n = 101; n <= 105; n++) {
		commit_elsewhere(n);
		LOOP_UNTIL(visible == n);
	}
	settle();
	ck_assert_int_eq(loop_run_until_quiet(SETTLED_MS), 0);
	ck_assert_int_eq(resyncs, 1);
	free(other);
}
END_TEST

START_TEST(a_catalog_that_was_away_is_watched_again)
{
	char *away = xasprintf("%s/away.db", dir);

	make_catalog(path, "delete");
	start_feed();
	ck_assert_int_eq(rename(path, away), 0);
	LOOP_UNTIL(warnings > 0);
	run_elsewhere(away, "INSERT INTO commits VALUES (7)");
	ck_assert_int_eq(rename(away, path), 0);
	LOOP_UNTIL(resyncs > 0 && visible == 7);
	commit_elsewhere(8);
	LOOP_UNTIL(visible == 8);
	ck_assert_int_eq(warnings, 1);
	free(away);
}
END_TEST

START_TEST(a_folder_that_was_away_is_watched_again)
{
	char *away = xasprintf("%s.away", dir);

	make_catalog(path, "delete");
	start_feed();
	ck_assert_int_eq(rename(dir, away), 0);
	/* First the watch is gone, then the catalog. */
	LOOP_UNTIL(warnings == 2);
	ck_assert_int_eq(rename(away, dir), 0);
	LOOP_UNTIL(resyncs > 0);
	commit_elsewhere(1);
	LOOP_UNTIL(visible == 1);
	settle();
	ck_assert_int_eq(loop_run_until_quiet(SETTLED_MS), 0);
	free(away);
}
END_TEST

/* ---- Without inotify ---- */

static bool
set_inotify_limit(const char *limit)
{
	int fd = open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, limit, strlen(limit)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

START_TEST(without_inotify_the_catalog_is_polled_until_it_can_be_watched)
{
	make_catalog(path, _i == 0 ? "delete" : "wal");
	if (unshare(CLONE_NEWUSER) < 0 || !set_inotify_limit("0")) {
		SKIP_TEST("inotify cannot be limited here");
	}
	start_feed();
	ck_assert_int_eq(warnings, 1);
	for (int n = 1; n <= 3; n++) {
		commit_elsewhere(n);
		LOOP_UNTIL(visible == n);
	}
	ck_assert(set_inotify_limit("100"));
	settle();
	commit_elsewhere(4);
	LOOP_UNTIL(visible == 4);
	ck_assert_int_eq(warnings, 1);
	ck_assert_int_eq(resyncs, 0);
}
END_TEST

/* ---- Errors ---- */

static int
count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(nothing_is_left_open)
{
	int before;

	make_catalog(path, _i == 0 ? "delete" : "wal");
	before = count_descriptors();
	for (int i = 0; i < 10; i++) {
		start_feed();
		loop_run_until_quiet(1);
		feed_free(feed);
	}
	feed = NULL;
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused)
{
	struct err err = ERR_INIT;
	struct feed *none = NULL;

	ck_assert_int_eq(feed_create(loop, path, on_hint, NULL, &none, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	err_clear(&err);
	ck_assert_int_eq(feed_create(loop, ":memory:", on_hint, NULL, &none, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_ptr_null(none);
}
END_TEST

static Suite *
feed_suite(void)
{
	Suite *suite = suite_create("feed");
	TCase *tc = tcase_create("sqlite");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, each_commit_is_followed_by_a_hint_when_it_can_be_seen, 0,
		(int)ARRAY_LEN(modes));
	tcase_add_loop_test(
		tc, writes_by_other_programs_are_heard, 0, 2 * (int)ARRAY_LEN(programs));
	tcase_add_test(tc, a_writer_without_a_busy_timeout_does_not_fail_because_of_the_feed);
	tcase_add_loop_test(tc, a_long_transaction_is_heard_when_it_commits, 0, MODES_FEW);
	tcase_add_loop_test(tc, a_rollback_gives_no_hint, 0, 2);
	tcase_add_test(tc, a_commit_after_a_writer_that_crashed_in_its_own_is_heard);
	tcase_add_test(tc, a_commit_with_the_same_change_counter_as_one_that_was_undone_is_heard);
	tcase_add_test(tc, a_hint_waits_for_a_pause_between_writers_but_not_for_long);
	tcase_add_loop_test(tc, an_idle_catalog_wakes_nobody, 0, MODES_FEW);
	tcase_add_loop_test(tc, readers_wake_nobody, 0, 2);
	tcase_add_loop_test(tc, other_files_in_the_folder_do_not_matter, 0, 2);
	tcase_add_test(tc, checkpoints_are_not_held_up);
	tcase_add_test(tc, the_journal_mode_may_change);
	tcase_add_loop_test(tc, a_file_that_takes_the_catalogs_place_is_watched_instead, 0, 4);
	tcase_add_test(tc, a_catalog_that_was_away_is_watched_again);
	tcase_add_test(tc, a_folder_that_was_away_is_watched_again);
	tcase_add_loop_test(
		tc, without_inotify_the_catalog_is_polled_until_it_can_be_watched, 0, 2);
	tcase_add_loop_test(tc, nothing_is_left_open, 0, 2);
	tcase_add_test(tc, what_cannot_be_watched_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(feed_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
