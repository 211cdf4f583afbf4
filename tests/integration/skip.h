/* Tests that need more than a build. */
#ifndef FF_TEST_SKIP_H
#define FF_TEST_SKIP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* What a test needs is not on this machine: the test ends here and counts as passed, unless
 * FLOWFILE_TEST_REQUIRE_ALL says that all of them must run. */
#define SKIP_TEST(why)                                                                             \
	do {                                                                                       \
		ck_assert_msg(getenv("FLOWFILE_TEST_REQUIRE_ALL") == NULL, "not tested: %s", why); \
		fprintf(stderr, "%s: not tested: %s\n", __func__, why);                            \
		return;                                                                            \
	} while (0)

#endif
