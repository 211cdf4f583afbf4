/* The feed on PostgreSQL, against a server of the test's own that may be stopped and broken. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "feed/feed.h"
#include "loop_util.h"
#include "pg_cluster.h"
#include "skip.h"
#include "store/schema.h"
#include "store_util.h"

#define MANY 300
#define SETTLED_MS 300
#define IDLE_MS 1500

static struct pg_cluster *pg;
static struct feed *feed;
static struct db *other; /* another program */

static int changes, resyncs, warnings;
static int64_t first_seq; /* of the last hint */
static int64_t visible;
static bool receiver_reads;

static void
on_log(enum log_level level, const char *line, void *arg)
{
	(void)line;
	(void)arg;
	warnings += level == LOG_WARNING_LEVEL;
}

static void
on_hint(enum feed_hint hint, int64_t seq, void *arg)
{
	(void)arg;
	changes += hint == FEED_CHANGED;
	resyncs += hint == FEED_RESYNC;
	first_seq = seq;
	if (receiver_reads)
		visible = must_int(other, "SELECT coalesce(max(n), 0) FROM commits");
}

static void
start_feed(void)
{
	ck_ok(feed_create(loop, pg_cluster_url(pg), on_hint, NULL, &feed, e));
}

static void
set_up(void)
{
	loop = event_base_new();
	changes = resyncs = warnings = 0;
	first_seq = visible = -1;
	receiver_reads = false;
	log_set_sink(on_log, NULL);
	other = must_open(pg_cluster_url(pg), false);
	must_run(other, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
}

static void
tear_down(void)
{
	feed_free(feed);
	feed = NULL;
	db_close(other);
	event_base_free(loop);
}

START_TEST(each_commit_is_followed_by_a_hint_when_it_can_be_seen)
{
	int status;
	pid_t pid;

	must_run(other, "CREATE TABLE commits (n INTEGER PRIMARY KEY)");
	start_feed();
	receiver_reads = true;
	pid = fork();
	if (pid == 0) {
		struct db *db = must_open(pg_cluster_url(pg), false);

		for (int n = 1; n <= MANY; n++) {
			char sql[128];

			snprintf(sql, sizeof(sql),
				"INSERT INTO commits VALUES (%d);"
				"SELECT pg_notify('flowfile_scheduler', '%d')",
				n, n);
			must_run(db, sql);
			if (n % 3 != 0)
				usleep((useconds_t)(rand() % 1500));
		}
		db_close(db);
		_exit(0);
	}
	LOOP_UNTIL(visible == MANY);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(resyncs, 0);
}
END_TEST

START_TEST(a_table_write_by_psql_is_heard_with_its_seq)
{
	const char *const psql[] = {
		"psql", "-q", "-v", "ON_ERROR_STOP=1", pg_cluster_url(pg), NULL};
	int r;

	ck_ok(schema_prepare(other, e));
	start_feed();
	r = run_program(psql,
		"INSERT INTO catalog_tables (name, namespace_id, owner_id, file_path, table_type)"
		" VALUES ('orders', 1, 1, '/x', 'physical');");
	if (r == -1) {
		SKIP_TEST("psql is not installed");
	}
	ck_assert_int_eq(r, 0);
	LOOP_UNTIL(changes == 1);
	ck_assert_int_eq(first_seq, must_int(other, "SELECT max(seq) FROM scheduler_changes"));
	r = run_program(psql, "UPDATE catalog_tables SET updated_at = now() AT TIME ZONE 'UTC';");
	ck_assert_int_eq(r, 0);
	LOOP_UNTIL(changes == 2);
	ck_assert_int_eq(first_seq, must_int(other, "SELECT max(seq) FROM scheduler_changes"));
}
END_TEST

static const struct {
	const char *sql;
	int64_t first_seq;
} batches[] = {
	{"NOTIFY flowfile_scheduler, '12'", 12},
	{"BEGIN; NOTIFY flowfile_scheduler, '7'; NOTIFY flowfile_scheduler, '5';"
	 "NOTIFY flowfile_scheduler, '9'; COMMIT",
		5},
	/* Texts that no trigger of ours sends hide nothing. */
	{"BEGIN; NOTIFY flowfile_scheduler, '7'; NOTIFY flowfile_scheduler, 'what';"
	 "NOTIFY flowfile_scheduler, '-3'; NOTIFY flowfile_scheduler;"
	 "NOTIFY flowfile_scheduler, '99999999999999999999'; COMMIT",
		7},
};

START_TEST(a_hint_names_the_smallest_seq_of_what_came_together)
{
	start_feed();
	loop_run_until_quiet(SETTLED_MS);
	must_run(other, batches[_i].sql);
	LOOP_UNTIL(changes > 0);
	ck_assert_int_eq(first_seq, batches[_i].first_seq);
	loop_run_until_quiet(SETTLED_MS);
	ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(an_idle_catalog_wakes_nobody)
{
	struct feed_stats before, after;

	start_feed();
	must_run(other, "NOTIFY flowfile_scheduler, '1'; NOTIFY elsewhere");
	LOOP_UNTIL(changes == 1);
	loop_run_until_quiet(SETTLED_MS);
	feed_get_stats(feed, &before);
	ck_assert_int_eq(loop_run_until_quiet(IDLE_MS), 0);
	feed_get_stats(feed, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

START_TEST(a_broken_connection_is_made_anew_and_said)
{
	start_feed();
	loop_run_until_quiet(SETTLED_MS);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(
			must_int(other,
				"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				"WHERE application_name = 'flowfile_scheduler feed'"),
			1);
		/* Not heard by anybody: that is what FEED_RESYNC stands for. */
		must_run(other, "NOTIFY flowfile_scheduler, '1'");
		LOOP_UNTIL(resyncs == i);
		ck_assert_int_eq(warnings, i);
	}
	must_run(other, "NOTIFY flowfile_scheduler, '2'");
	LOOP_UNTIL(changes > 0 && first_seq == 2);
}
END_TEST

/* Also that the loop goes on meanwhile: a tick that is due while the server is away is not late. */
START_TEST(a_server_that_was_away_is_listened_to_again)
{
	struct boottime worst = {0}, last;
	bool ticked = false;
	struct event *tick;
	struct timeval every = {0, 10000};

	start_feed();
	db_close(other);
	pg_cluster_stop(pg);
	LOOP_UNTIL(warnings > 0);
	/* So that the receiver finds out, too. */
	ck_assert_int_eq(changes, 1);
	tick = event_new(loop, -1, EV_PERSIST, loop_set_flag, &ticked);
	event_add(tick, &every);
	last = clock_boot(&clock_real);
	for (int i = 0; i < 100; i++) {
		struct boottime now;

		ticked = false;
		LOOP_UNTIL(ticked);
		now = clock_boot(&clock_real);
		if (boottime_diff(now, last) > worst.us)
			worst.us = boottime_diff(now, last);
		last = now;
	}
	event_free(tick);
	ck_assert_int_lt(worst.us, 500 * US_PER_MS);
	ck_assert_int_eq(resyncs, 0);
	pg_cluster_start(pg);
	LOOP_UNTIL(resyncs == 1);
	other = must_open(pg_cluster_url(pg), false);
	must_run(other, "NOTIFY flowfile_scheduler, '3'");
	LOOP_UNTIL(changes == 2);
	ck_assert_int_eq(first_seq, 3);
}
END_TEST

START_TEST(a_server_that_is_not_there_at_the_start_is_an_error)
{
	struct feed *none = NULL;

	ck_fails(feed_create(loop, "postgresql://flowfile:secret@127.0.0.1:1/catalog", on_hint,
			 NULL, &none, e),
		ERR_LOST, "127.0.0.1");
	ck_assert_ptr_null(none);
}
END_TEST

static Suite *
feed_suite(void)
{
	Suite *suite = suite_create("feed_postgres");
	TCase *tc = tcase_create("postgres");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_commit_is_followed_by_a_hint_when_it_can_be_seen);
	tcase_add_test(tc, a_table_write_by_psql_is_heard_with_its_seq);
	tcase_add_loop_test(tc, a_hint_names_the_smallest_seq_of_what_came_together, 0,
		(int)ARRAY_LEN(batches));
	tcase_add_test(tc, an_idle_catalog_wakes_nobody);
	tcase_add_test(tc, a_broken_connection_is_made_anew_and_said);
	tcase_add_test(tc, a_server_that_was_away_is_listened_to_again);
	tcase_add_test(tc, a_server_that_is_not_there_at_the_start_is_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	SRunner *runner;
	int failed;

	pg = pg_cluster_create();
	if (pg == NULL)
		return 77;
	runner = srunner_create(feed_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	pg_cluster_free(pg);
	return failed == 0 ? 0 : 1;
}
