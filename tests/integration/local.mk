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

check_LIBRARIES += libstoreutil.a
libstoreutil_a_SOURCES = \
	tests/integration/skip.h \
	tests/integration/store_util.c \
	tests/integration/store_util.h
libstoreutil_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CHECK_CFLAGS) \
	-DFIXTURES=\"$(abs_top_srcdir)/tests/fixtures\"

store_tests = \
	tests/integration/test_db_sqlite \
	tests/integration/test_fence \
	tests/integration/test_engine_runs \
	tests/integration/test_lineage \
	tests/integration/test_schema \
	tests/integration/test_triggers \
	tests/integration/test_upkeep
if POSTGRES
store_tests += \
	tests/integration/test_catalog_postgres \
	tests/integration/test_db_postgres
endif
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)
store_test_ldadd = libstoreutil.a libpgcluster.a libstore.a libbase.a $(STORE_LIBS) \
	$(CJSON_LIBS) $(CHECK_LIBS)

tests_integration_test_catalog_postgres_SOURCES = tests/unit/test_cli_catalog.c
tests_integration_test_catalog_postgres_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DTEST_POSTGRES
tests_integration_test_catalog_postgres_LDADD = libcatalog.a libpgcluster.a libstore.a libcore.a \
	libbase.a $(STORE_LIBS) $(CJSON_LIBS) $(CHECK_LIBS)

tests_integration_test_db_sqlite_SOURCES = tests/integration/test_db_sqlite.c
tests_integration_test_db_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_db_sqlite_LDADD = $(store_test_ldadd)

tests_integration_test_db_postgres_SOURCES = tests/integration/test_db_postgres.c
tests_integration_test_db_postgres_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_db_postgres_LDADD = $(store_test_ldadd)

tests_integration_test_fence_SOURCES = tests/integration/test_fence.c
tests_integration_test_fence_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_fence_LDADD = $(store_test_ldadd)

tests_integration_test_lineage_SOURCES = tests/integration/test_lineage.c
tests_integration_test_lineage_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_lineage_LDADD = libstoreutil.a libpgcluster.a libflow.a libcatalog.a libstore.a libcore.a \
	libbase.a $(STORE_LIBS) $(FLOW_LIBS) $(CHECK_LIBS)

tests_integration_test_schema_SOURCES = tests/integration/test_schema.c
tests_integration_test_schema_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_schema_LDADD = $(store_test_ldadd)

tests_integration_test_triggers_SOURCES = tests/integration/test_triggers.c
tests_integration_test_triggers_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_triggers_LDADD = $(store_test_ldadd)

tests_integration_test_upkeep_SOURCES = tests/integration/test_upkeep.c src/daemon/upkeep.c
tests_integration_test_upkeep_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_upkeep_LDADD = librunner.a libstoreutil.a libpgcluster.a libstore.a \
	libcore.a libbase.a $(STORE_LIBS) $(CJSON_LIBS) $(CHECK_LIBS)

store_engine_libs = libengine.a liblease.a librunner.a libstoreutil.a libpgcluster.a libstore.a libcore.a \
	libbase.a $(STORE_LIBS) $(EVENT_LIBS) $(CJSON_LIBS) $(CHECK_LIBS)

tests_integration_test_engine_runs_SOURCES = tests/integration/test_engine_runs.c
tests_integration_test_engine_runs_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_engine_runs_LDADD = $(store_engine_libs)

check_LIBRARIES += libloop.a
libloop_a_SOURCES = \
	tests/integration/loop_util.c \
	tests/integration/loop_util.h
libloop_a_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)

feed_tests = \
	tests/integration/test_feed \
	tests/integration/test_guard
if POSTGRES
feed_tests += tests/integration/test_feed_postgres
endif
check_PROGRAMS += $(feed_tests)
TESTS += $(feed_tests)
feed_libs = libfeed.a libstore.a libbase.a $(STORE_LIBS) $(CJSON_LIBS) $(EVENT_LIBS)

tests_integration_test_feed_SOURCES = tests/integration/test_feed.c
tests_integration_test_feed_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(SQLITE_CFLAGS)
tests_integration_test_feed_LDADD = libloop.a $(feed_libs) $(CHECK_LIBS)

tests_integration_test_feed_postgres_SOURCES = tests/integration/test_feed_postgres.c
tests_integration_test_feed_postgres_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_integration_test_feed_postgres_LDADD = libloop.a libfeed.a $(store_test_ldadd) $(EVENT_LIBS)

tests_integration_test_guard_SOURCES = tests/integration/test_guard.c
tests_integration_test_guard_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_integration_test_guard_LDADD = liblease.a $(store_test_ldadd)
endif
EXTRA_DIST += tests/fixtures/flowfile-0.16-catalog.sql
