/* Runs that this daemon did not start, as the engine meets them: Flowfile's, and those of other hosts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "pg_cluster.h"
#include "store_util.h"

#define TURNS 20

static struct pg_cluster *cluster;
static struct db *db;
static struct engine *engine;
static bool alive; /* the process that the run's row names is seen on this host */
static int watched;

/* --- a runner that only watches ------------------------------------------------------------------- */

static int
watch(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err)
{
	(void)r;
	(void)run_id;
	(void)proc;
	(void)err;
	watched++;
	return 0;
}

static void
abandon(struct runner *r, int64_t run_id)
{
	(void)r;
	(void)run_id;
}

static const struct runner_ops runner = {.watch = watch, .abandon = abandon};

static bool
find_process(pid_t pid, int64_t run_id, int64_t started_us, struct proc_id *out, void *arg)
{
	(void)run_id;
	(void)started_us;
	(void)arg;
	*out = (struct proc_id){pid, 1};
	return alive;
}

static const struct tz *
no_zone(const char *name, void *arg, struct err *err)
{
	(void)arg;
	err_set(err, ERR_NOT_FOUND, "no zone %s", name);
	return NULL;
}

/* --- the world -------------------------------------------------------------------------------------- */

static void
start_engine(void)
{
	const struct engine_options options = {
		.policy = {.reap_foreign = true, .run_start_grace_us = 300 * US_PER_SEC},
		.heartbeat_us = 10 * US_PER_SEC,
		.poll_us = 30 * US_PER_SEC,
		.run_command = "true",
		.log_dir = "/nowhere",
	};
	struct engine_env env = {
		.clock = &clock_real,
		.db = db,
		.runner_ops = &runner,
		.zone = no_zone,
		.find_process = find_process,
		.holder_id = "one",
		.host = {"here", "boot"},
		.pid = 1,
		.version = "test",
	};

	engine = engine_create(&env, &options);
}

static void
turn(void)
{
	struct engine_next next;

	for (int i = 0; i < TURNS; i++) {
		engine_mark_changed(engine, 0);
		engine_turn(engine, &next);
	}
}

static void
open_catalog(int backend)
{
	db = catalog_make(backend ? pg_cluster_url(cluster) : NULL, NULL);
	must_run(db,
		"INSERT INTO flow_runs (id, flow_name, user_id, pid, started_at, nodes_completed,"
		" number_of_nodes, run_type)"
		" VALUES (1, 'f', 1, 4711, CURRENT_TIMESTAMP, 0, 0, 'scheduled')");
	watched = 0;
	start_engine();
}

static void
teardown(void)
{
	engine_free(engine);
	db_close(db);
}

static int64_t
open_runs(void)
{
	return must_int(db, "SELECT count(*) FROM flow_runs WHERE ended_at IS NULL");
}

/* --- what is promised ---------------------------------------------------------------------------------- */

START_TEST(on_sqlite_a_run_without_its_process_is_closed)
{
	alive = false;
	open_catalog(0);
	turn();
	ck_assert_int_eq(open_runs(), 0);
}
END_TEST

START_TEST(on_postgres_a_run_whose_process_was_never_seen_here_is_left_alone)
{
	alive = false;
	open_catalog(1);
	turn();
	ck_assert_int_eq(open_runs(), 1);
	/* Nor after everything was read again. */
	engine_mark_resync(engine);
	turn();
	ck_assert_int_eq(open_runs(), 1);
	ck_assert_int_eq(watched, 0);
}
END_TEST

START_TEST(a_run_whose_process_was_seen_is_closed_when_it_goes)
{
	const struct runner_event gone = {
		.type = RUNNER_ENDED, .run_id = 1, .exit = {.code = -1, .started_us = 1}};

	alive = true;
	open_catalog(_i);
	turn();
	ck_assert_int_eq(watched, 1);
	ck_assert_int_eq(open_runs(), 1);
	alive = false;
	engine_runner_event(&gone, engine);
	turn();
	ck_assert_int_eq(open_runs(), 0);
}
END_TEST

/* Asks for the end of run 1; the answer. Borrowed. */
static const char *
cancel(void)
{
	must_run(db,
		"INSERT INTO scheduler_requests (kind, run_id, created_at)"
		" VALUES ('cancel', 1, CURRENT_TIMESTAMP)");
	turn();
	return must_rows(db, "1:SELECT detail FROM scheduler_requests ORDER BY id DESC LIMIT 1");
}

START_TEST(a_second_cancel_of_a_run_elsewhere_says_that_nobody_is_told)
{
	alive = true;
	open_catalog(_i);
	must_run(db, "DELETE FROM scheduler_runs WHERE run_id = 1");
	must_run(db,
		"INSERT INTO scheduler_runs (run_id, state, host, boot_id, shim_pid, shim_start,"
		" flow_pid, flow_start) VALUES (1, 'recorded', 'elsewhere', 'boot', 4711, 1, 4712, "
		"2)");
	ck_assert_str_eq(cancel(), "its host is told to end it\n");
	ck_assert_str_eq(cancel(), "its host was told to end it before, and is not told again\n");
	ck_assert_int_eq(open_runs(), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_runs");
	TCase *tc = tcase_create("engine_runs");
	SRunner *sr;
	int failed;

	tmp_init();
	cluster = store_test_cluster();
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, on_sqlite_a_run_without_its_process_is_closed);
	tcase_add_loop_test(tc, a_run_whose_process_was_seen_is_closed_when_it_goes, 0,
		cluster != NULL ? 2 : 1);
	tcase_add_loop_test(tc, a_second_cancel_of_a_run_elsewhere_says_that_nobody_is_told, 0,
		cluster != NULL ? 2 : 1);
	if (cluster != NULL)
		tcase_add_test(
			tc, on_postgres_a_run_whose_process_was_never_seen_here_is_left_alone);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	pg_cluster_free(cluster);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
