/* The worker's thread: what waits costs nothing and keeps nobody from being answered. */
#include <check.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/http/worker.h"
#include "base/clock.h"
#include "http/auth.h"

static const struct api_options options = {.database = "sqlite://:memory:"};
static struct worker *worker;

static sem_t done; /* there is something to take */

static void
on_done(void *arg)
{
	(void)arg;
	sem_post(&done);
}

static void
setup(void)
{
	struct err err = ERR_INIT;

	sem_init(&done, 0, 0);
	ck_assert_msg(
		worker_start(&options, NULL, on_done, NULL, &worker, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
	worker_stop(worker);
	sem_destroy(&done);
}

static void
give(const struct route *route)
{
	struct api_job *job = api_job_new(NULL);

	job->call.route = route;
	job->call.status = route->success;
	ck_assert(worker_give(worker, job));
}

static int64_t
boot_us(void)
{
	return clock_boot(&clock_real).us;
}

/* The route of the next that is answered. */
static const struct route *
await(void)
{
	static struct api_jobs taken = TAILQ_HEAD_INITIALIZER(taken);
	const struct route *route;
	struct api_job *job;

	while (TAILQ_EMPTY(&taken)) {
		sem_wait(&done);
		worker_take(worker, &taken);
	}
	job = TAILQ_FIRST(&taken);
	TAILQ_REMOVE(&taken, job, link);
	ck_assert_int_eq(job->call.status, 200);
	route = job->call.route;
	api_job_free(job);
	return route;
}

/* --- a call that waits ------------------------------------------------------------------------------- */

#define WAIT_MS 1500

static int
wait_a_while(struct call *c)
{
	return c->waited_ms < WAIT_MS ? CALL_WAIT : 0;
}

static int64_t
processor_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * US_PER_SEC + ts.tv_nsec / 1000;
}

START_TEST(a_call_that_waits_takes_no_processor_time)
{
	const struct route route = {"POST", "/wait", .success = 200, .handler = wait_a_while};
	int64_t began_us = boot_us(), before_us = processor_us();

	give(&route);
	await();
	ck_assert_int_ge(boot_us() - began_us, WAIT_MS * US_PER_MS);
	ck_assert_int_lt(processor_us() - before_us, WAIT_MS * US_PER_MS / 2);
}
END_TEST

/* --- many that wait ---------------------------------------------------------------------------------- */

#define MANY 150
#define PATIENCE_MS 8000 /* less than the worker's */

static atomic_bool asked; /* the one behind them was */

/* As slow as a database across the network. */
static int
wait_for_the_other(struct call *c)
{
	nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
	return !atomic_load(&asked) && c->waited_ms < PATIENCE_MS ? CALL_WAIT : 0;
}

static int
ask(struct call *c)
{
	(void)c;
	atomic_store(&asked, true);
	return 0;
}

START_TEST(many_that_wait_keep_nobody_from_being_answered)
{
	const struct route waiting = {
		"POST", "/wait", .success = 200, .handler = wait_for_the_other};
	const struct route plain = {"GET", "/plain", .success = 200, .handler = ask};

	for (int i = 0; i < MANY; i++)
		give(&waiting);
	give(&plain);
	ck_assert_str_eq(await()->path, "/plain");
	for (int i = 0; i < MANY; i++)
		await();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("worker");
	TCase *tc = tcase_create("worker");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_call_that_waits_takes_no_processor_time);
	tcase_add_test(tc, many_that_wait_keep_nobody_from_being_answered);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
