/* For tests that need the query engine: they are skipped where its library is not there, unless it is required. */
#ifndef FF_TESTS_ENGINE_TEST_H
#define FF_TESTS_ENGINE_TEST_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/duck.h"

/* What a test program's main() returns: 77 for a skip, 0 or 1. */
static inline int
engine_test_run(Suite *suite)
{
	struct duck_options options = {.threads = 2};
	SRunner *runner = srunner_create(suite);
	struct err err = ERR_INIT;
	struct duck *d;
	int failed;

	if (duck_open(&options, &d, &err) < 0) {
		printf("skipped: %s\n", err.text);
		srunner_free(runner);
		return getenv("FLOWFILE_TEST_REQUIRE_ENGINE") != NULL ? 1 : 77;
	}
	duck_close(d);
	/* The library has threads from now on, and what forks must not have loaded it: tests run in this process. */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

/* An empty database of 2 threads; the test fails when it cannot be opened. */
static inline struct duck *
engine_test_open(void)
{
	struct duck_options options = {.threads = 2};
	struct err err = ERR_INIT;
	struct duck *d = NULL;

	ck_assert_msg(duck_open(&options, &d, &err) == 0, "%s", err.text);
	return d;
}

#endif
