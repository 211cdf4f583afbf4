# Tests against real databases, processes and files.
if TESTS_BUILT
integration_tests = \
	tests/integration/test_runner
check_PROGRAMS += $(integration_tests)
TESTS += $(integration_tests)

tests_integration_test_runner_SOURCES = tests/integration/test_runner.c
tests_integration_test_runner_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) \
	-DSHIM_PATH=\"$(abs_top_builddir)/flowfile-shim\"
tests_integration_test_runner_LDADD = librunner.a libbase.a $(EVENT_LIBS) $(CHECK_LIBS)
EXTRA_tests_integration_test_runner_DEPENDENCIES = flowfile-shim

# For tests that need a PostgreSQL server.
check_LIBRARIES += libpgcluster.a
libpgcluster_a_SOURCES = \
	tests/integration/pg_cluster.c \
	tests/integration/pg_cluster.h
endif
