/* What the hourly upkeep clears of the runner's files, and what it must leave. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "daemon/upkeep.h"
#include "pg_cluster.h"
#include "runner/exitfile.h"
#include "store/load.h"
#include "store/runs.h"
#include "store_util.h"

#define T0 INT64_C(1789000000000000)

static const struct proc_id shim = {100, 5000}, flow = {101, 5001};

static struct pg_cluster *cluster;
static struct db *db;
static char *own, *former, *strange;

static char *
make_folder(const char *name)
{
	char *parent = realpath(tmp_path("."), NULL), *state = path_join(parent, "state");
	char *dir = path_join(state, name);

	ck_ok(file_mkdirs(dir, 0700, e));
	free(parent);
	free(state);
	return dir;
}

static void
open_catalog(int backend)
{
	db = catalog_make(backend ? pg_cluster_url(cluster) : NULL, NULL);
	own = make_folder("own");
	former = make_folder("former");
	strange = make_folder("strange");
}

static void
teardown(void)
{
	for (int64_t id = 1; id <= 3; id++) {
		exit_files_remove(own, id, 1);
		exit_files_remove(former, id, 1);
		exit_files_remove(strange, id, 1);
	}
	db_close(db);
	free(own);
	free(former);
	free(strange);
}

/* A run that this folder was recorded for. */
static void
make_run(int64_t id, const char *dir, bool ended)
{
	struct run_exit exit = {.known = true, .cpu_us = -1, .max_rss_kb = -1};
	char *text;

	text = xasprintf(
		"INSERT INTO flow_runs (id, flow_name, user_id, started_at, nodes_completed,"
		" number_of_nodes, run_type) VALUES (%" PRId64
		", 'f', 1, '2026-09-10 00:00:00.000000', 0, 0, 'scheduled');"
		"INSERT INTO scheduler_runs (run_id, state) VALUES (%" PRId64 ", 'claimed');",
		id, id);
	must_run(db, text);
	free(text);
	ck_assert_int_eq(runs_record(db, id, &shim, &flow, dir, T0, NULL), 1);
	if (ended)
		ck_ok(runs_end(db, id, &exit, NULL, T0, e));
}

static void
mark(const char *dir, int64_t id)
{
	ck_assert_int_eq(started_mark(dir, id, 1), 0);
}

static bool
is_marked(const char *dir, int64_t id)
{
	int64_t at_us;

	return started_read(dir, id, 1, &at_us) == 1;
}

static void
keep_folder(const struct active_run *run, void *arg)
{
	char **out = arg;

	xstrset(out, run->state_dir);
}

START_TEST(a_recorded_run_tells_the_next_daemon_where_its_files_are)
{
	char *dir = NULL;

	open_catalog(_i);
	make_run(1, "/elsewhere/state/0123", false);
	ck_ok(load_active_runs(db, keep_folder, &dir, e));
	ck_assert_str_eq(dir, "/elsewhere/state/0123");
	free(dir);
}
END_TEST

START_TEST(files_of_ended_runs_go_and_those_of_active_runs_stay)
{
	open_catalog(_i);
	make_run(1, own, true);
	make_run(2, own, false);
	for (int64_t id = 1; id <= 3; id++)
		mark(own, id); /* of run 3 there is no row any more */
	ck_assert_int_eq(upkeep_clear_exits(own, db, NULL), 2);
	ck_assert(!is_marked(own, 1));
	ck_assert(is_marked(own, 2));
	ck_assert(!is_marked(own, 3));
}
END_TEST

START_TEST(files_in_a_former_folder_go_when_their_run_has_ended)
{
	open_catalog(_i);
	make_run(1, former, true);
	make_run(2, former, false);
	mark(former, 1);
	mark(former, 2);
	ck_assert_int_eq(upkeep_clear_exits(own, db, NULL), 1);
	ck_assert(!is_marked(former, 1));
	ck_assert(is_marked(former, 2));
}
END_TEST

START_TEST(files_of_another_catalog_stay_whatever_our_run_of_that_id_does)
{
	open_catalog(_i);
	make_run(1, own, true);
	mark(strange, 1);
	mark(strange, 2);
	ck_assert_int_eq(upkeep_clear_exits(own, db, NULL), 0);
	ck_assert(is_marked(strange, 1));
	ck_assert(is_marked(strange, 2));
}
END_TEST

START_TEST(a_folder_that_is_not_there_has_nothing_to_clear)
{
	open_catalog(_i);
	ck_assert_int_eq(upkeep_clear_exits(tmp_path("nowhere"), db, NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("upkeep");
	TCase *t = tcase_create("exits");
	SRunner *runner;
	int failed, backends;

	tmp_init();
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 30);
	cluster = store_test_cluster();
	backends = cluster ? 2 : 1;
	tcase_add_loop_test(
		t, a_recorded_run_tells_the_next_daemon_where_its_files_are, 0, backends);
	tcase_add_loop_test(t, files_of_ended_runs_go_and_those_of_active_runs_stay, 0, backends);
	tcase_add_loop_test(t, files_in_a_former_folder_go_when_their_run_has_ended, 0, backends);
	tcase_add_loop_test(
		t, files_of_another_catalog_stay_whatever_our_run_of_that_id_does, 0, backends);
	tcase_add_loop_test(t, a_folder_that_is_not_there_has_nothing_to_clear, 0, backends);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	pg_cluster_free(cluster);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
