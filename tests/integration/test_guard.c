/* The guard: who holds it, who gets it when its holder ends, on a file and on a server. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "lease/guard.h"
#include "pg_cluster.h"
#include "store_util.h"

#define DEADLINE_US (10 * US_PER_SEC)

static struct pg_cluster *pg;
static const char *catalog; /* a SQLite file */
static char *lock_file;

static struct guard *
make_guard(const char *url)
{
	struct guard *g = NULL;

	ck_ok(guard_create(url, &g, e));
	return g;
}

static int
acquire(struct guard *g)
{
	struct err err = ERR_INIT;
	int r = guard_real.acquire(g, &err);

	ck_assert_msg((r < 0) == (err.code != ERR_NONE), "%d: %s", r, err.text);
	return r;
}

/* Asks again until the answer is so; some ends take the system or the server a moment. */
static void
await(struct guard *g, int wanted)
{
	struct boottime deadline = boottime_add(clock_boot(&clock_real), DEADLINE_US);

	while (acquire(g) != wanted) {
		ck_assert_int_gt(boottime_diff(deadline, clock_boot(&clock_real)), 0);
		poll(NULL, 0, 10);
	}
}

/* Another process that holds the guard until it is told to end, or killed. */
struct holder {
	pid_t pid;
	int tell;
};

static struct holder
start_holder(const char *url, bool with_child)
{
	int tell[2], ready[2];
	struct holder h;
	char c;

	ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	h.pid = fork();
	if (h.pid == 0) {
		struct guard *g = make_guard(url);

		/* The test runner has a handler of its own. */
		signal(SIGTERM, SIG_DFL);
		close(tell[1]);
		if (acquire(g) != 1)
			_exit(1);
		/* As the daemon starts a run, which outlives it. */
		if (with_child && fork() == 0) {
			execlp("sleep", "sleep", "30", (char *)NULL);
			_exit(1);
		}
		(void)!write(ready[1], "x", 1);
		(void)!read(tell[0], &c, 1);
		guard_free(g);
		_exit(0);
	}
	close(tell[0]);
	close(ready[1]);
	h.tell = tell[1];
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return h;
}

static void
end_holder(struct holder *h, int signal)
{
	if (signal != 0)
		kill(h->pid, signal);
	close(h->tell);
	waitpid(h->pid, NULL, 0);
}

static const char *
url_of(int i)
{
	return i == 0 ? catalog : pg_cluster_url(pg);
}

static void
set_up(void)
{
	struct db *db;

	catalog = tmp_path("catalog.db");
	unlink(catalog);
	db = must_open(catalog, true);
	db_close(db);
	lock_file = xasprintf("%s.scheduler-lock", catalog);
	unlink(lock_file);
}

static void
tear_down(void)
{
	free(lock_file);
}

/* ---- Both kinds ---- */

START_TEST(one_of_two_holds_it)
{
	struct guard *a = make_guard(url_of(_i)), *b = make_guard(url_of(_i));

	ck_assert_int_eq(acquire(a), 1);
	ck_assert_int_eq(acquire(b), 0);
	ck_assert_int_eq(acquire(a), 1);
	guard_real.release(a);
	ck_assert_int_eq(acquire(b), 1);
	ck_assert_int_eq(acquire(a), 0);
	guard_real.release(b);
	guard_real.release(b);
	ck_assert_int_eq(acquire(a), 1);
	guard_free(a);
	ck_assert_int_eq(acquire(b), 1);
	guard_free(b);
}
END_TEST

START_TEST(it_is_free_when_its_holder_ends)
{
	static const int ends[] = {0, SIGTERM, SIGKILL};
	struct guard *g = make_guard(url_of(_i));

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct holder h = start_holder(url_of(_i), false);

		ck_assert_int_eq(acquire(g), 0);
		end_holder(&h, ends[i]);
		await(g, 1);
		guard_real.release(g);
	}
	guard_free(g);
}
END_TEST

START_TEST(a_run_that_outlives_its_daemon_does_not_keep_it)
{
	struct guard *g = make_guard(url_of(_i));
	struct holder h = start_holder(url_of(_i), true);

	ck_assert_int_eq(acquire(g), 0);
	end_holder(&h, SIGKILL);
	await(g, 1);
	guard_free(g);
}
END_TEST

/* ---- The file ---- */

START_TEST(it_is_free_at_once_when_its_holder_is_killed)
{
	struct guard *g = make_guard(catalog);
	struct holder h = start_holder(catalog, false);

	ck_assert_int_eq(acquire(g), 0);
	end_holder(&h, SIGKILL);
	ck_assert_int_eq(acquire(g), 1);
	guard_free(g);
}
END_TEST

START_TEST(closing_another_descriptor_of_the_file_does_not_lose_it)
{
	struct guard *a = make_guard(catalog), *b = make_guard(catalog);
	struct holder h;
	int fd;

	ck_assert_int_eq(acquire(a), 1);
	fd = open(lock_file, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(acquire(b), 0);
	guard_free(b);
	/* Nor in another process, which asks from scratch. */
	h.pid = fork();
	if (h.pid == 0) {
		b = make_guard(catalog);
		_exit(acquire(b) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(h.pid, &fd, 0), h.pid);
	ck_assert_int_eq(fd, 0);
	guard_free(a);
}
END_TEST

START_TEST(the_lock_file_is_private_names_its_holder_and_stays)
{
	struct guard *g = make_guard(catalog);
	char *wanted = xasprintf("%ld\n", (long)getpid()), *text;
	struct stat st;

	ck_assert_int_eq(acquire(g), 1);
	ck_assert_int_eq(stat(lock_file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	text = file_read(lock_file, 100, NULL, NULL);
	ck_assert_str_eq(text, wanted);
	free(text);
	guard_free(g);
	text = file_read(lock_file, 100, NULL, NULL);
	ck_assert_str_eq(text, "");
	free(text);
	free(wanted);
}
END_TEST

START_TEST(a_link_to_the_catalog_leads_to_the_same_lock)
{
	const char *link = tmp_path("link.db");
	char *url = xasprintf("sqlite:///%s", catalog);
	struct guard *a, *b, *c;

	unlink(link);
	ck_assert_int_eq(symlink(catalog, link), 0);
	a = make_guard(catalog);
	b = make_guard(link);
	c = make_guard(url);
	ck_assert_int_eq(acquire(a), 1);
	ck_assert_int_eq(acquire(b), 0);
	ck_assert_int_eq(acquire(c), 0);
	guard_free(a);
	guard_free(b);
	guard_free(c);
	free(url);
}
END_TEST

START_TEST(who_loses_the_file_asks_for_the_new_one)
{
	struct guard *a = make_guard(catalog), *b = make_guard(catalog);

	ck_assert_int_eq(acquire(a), 1);
	ck_assert_int_eq(unlink(lock_file), 0);
	ck_assert_int_eq(acquire(a), 1);
	ck_assert_int_eq(acquire(b), 0);
	ck_assert_int_eq(unlink(lock_file), 0);
	ck_assert_int_eq(acquire(b), 1);
	ck_assert_int_eq(acquire(a), 0);
	guard_free(a);
	guard_free(b);
}
END_TEST

START_TEST(what_is_no_lock_file_is_an_error)
{
	struct guard *g = make_guard(catalog);

	ck_assert_int_eq(mkdir(lock_file, 0700), 0);
	ck_assert_int_eq(acquire(g), -1);
	ck_assert_int_eq(rmdir(lock_file), 0);
	ck_assert_int_eq(mkfifo(lock_file, 0600), 0);
	ck_assert_int_eq(acquire(g), -1);
	ck_assert_int_eq(unlink(lock_file), 0);
	ck_assert_int_eq(symlink("/dev/null", lock_file), 0);
	ck_assert_int_eq(acquire(g), -1);
	ck_assert_int_eq(unlink(lock_file), 0);
	ck_assert_int_eq(acquire(g), 1);
	guard_free(g);
}
END_TEST

START_TEST(a_catalog_that_cannot_have_one_is_refused)
{
	struct guard *g = NULL;

	ck_fails(guard_create(tmp_path("missing.db"), &g, e), ERR_NOT_FOUND, "missing.db");
	ck_fails(guard_create(":memory:", &g, e), ERR_USAGE, "memory");
	ck_assert_ptr_null(g);
}
END_TEST

/* ---- The server ---- */

START_TEST(a_holder_without_its_connection_holds_nothing)
{
	struct guard *a = make_guard(pg_cluster_url(pg)), *b = make_guard(pg_cluster_url(pg));
	struct db *db = must_open(pg_cluster_url(pg), false);

	ck_assert_int_eq(acquire(a), 1);
	ck_assert_int_eq(must_int(db,
				 "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				 "WHERE application_name = 'flowfile_scheduler guard'"),
		1);
	await(b, 1);
	ck_assert_int_eq(acquire(a), -1);
	ck_assert_int_eq(acquire(a), 0);
	guard_free(b);
	await(a, 1);
	guard_free(a);
	db_close(db);
}
END_TEST

START_TEST(a_server_that_is_away_cannot_tell)
{
	struct guard *g = make_guard(pg_cluster_url(pg));
	struct boottime before;

	ck_assert_int_eq(acquire(g), 1);
	pg_cluster_stop(pg);
	ck_assert_int_eq(acquire(g), -1);
	before = clock_boot(&clock_real);
	ck_assert_int_eq(acquire(g), -1);
	ck_assert_int_lt(boottime_diff(clock_boot(&clock_real), before), US_PER_SEC);
	pg_cluster_start(pg);
	await(g, 1);
	guard_free(g);
}
END_TEST

START_TEST(a_server_that_does_not_answer_is_not_waited_for)
{
	struct guard *g = make_guard(pg_cluster_url(pg));
	struct db *db = must_open(pg_cluster_url(pg), false);
	pid_t backend;
	struct boottime before;

	ck_assert_int_eq(acquire(g), 1);
	backend = (pid_t)must_int(db,
		"SELECT pid FROM pg_stat_activity "
		"WHERE application_name = 'flowfile_scheduler guard'");
	ck_assert_int_eq(kill(backend, SIGSTOP), 0);
	before = clock_boot(&clock_real);
	ck_assert_int_eq(acquire(g), -1);
	ck_assert_int_lt(boottime_diff(clock_boot(&clock_real), before), 3 * US_PER_SEC / 2);
	ck_assert_int_eq(kill(backend, SIGCONT), 0);
	await(g, 1);
	guard_free(g);
	db_close(db);
}
END_TEST

START_TEST(a_server_that_is_slow_has_not_lost_it)
{
	struct guard *g = make_guard(pg_cluster_url(pg)), *other = make_guard(pg_cluster_url(pg));
	struct db *db = must_open(pg_cluster_url(pg), false);
	struct boottime before;

	ck_assert_int_eq(acquire(g), 1);
	must_run(db, "BEGIN; LOCK TABLE pg_catalog.pg_locks");
	before = clock_boot(&clock_real);
	ck_assert_int_eq(acquire(g), 1);
	/* It did have to wait. */
	ck_assert_int_gt(boottime_diff(clock_boot(&clock_real), before), US_PER_SEC / 4);
	must_run(db, "ROLLBACK");
	ck_assert_int_eq(acquire(other), 0);
	guard_free(g);
	guard_free(other);
	db_close(db);
}
END_TEST

static TCase *
both_kinds(int kinds)
{
	TCase *tc = tcase_create("both");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, one_of_two_holds_it, 0, kinds);
	tcase_add_loop_test(tc, it_is_free_when_its_holder_ends, 0, kinds);
	tcase_add_loop_test(tc, a_run_that_outlives_its_daemon_does_not_keep_it, 0, kinds);
	return tc;
}

static TCase *
file_kind(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, it_is_free_at_once_when_its_holder_is_killed);
	tcase_add_test(tc, closing_another_descriptor_of_the_file_does_not_lose_it);
	tcase_add_test(tc, the_lock_file_is_private_names_its_holder_and_stays);
	tcase_add_test(tc, a_link_to_the_catalog_leads_to_the_same_lock);
	tcase_add_test(tc, who_loses_the_file_asks_for_the_new_one);
	tcase_add_test(tc, what_is_no_lock_file_is_an_error);
	tcase_add_test(tc, a_catalog_that_cannot_have_one_is_refused);
	return tc;
}

static TCase *
postgres_kind(void)
{
	TCase *tc = tcase_create("postgres");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_holder_without_its_connection_holds_nothing);
	tcase_add_test(tc, a_server_that_is_away_cannot_tell);
	tcase_add_test(tc, a_server_that_does_not_answer_is_not_waited_for);
	tcase_add_test(tc, a_server_that_is_slow_has_not_lost_it);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("guard");
	SRunner *runner;
	int failed;

	tmp_init();
#ifdef HAVE_POSTGRES
	pg = pg_cluster_create();
#endif
	suite_add_tcase(suite, both_kinds(pg != NULL ? 2 : 1));
	suite_add_tcase(suite, file_kind());
	if (pg != NULL)
		suite_add_tcase(suite, postgres_kind());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	pg_cluster_free(pg);
	return failed == 0 ? 0 : 1;
}
