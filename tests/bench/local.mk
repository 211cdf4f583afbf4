# Figures, not tests: built by make check, never run by it.
if TESTS_BUILT
check_PROGRAMS += tests/bench/bench_spawn
tests_bench_bench_spawn_SOURCES = tests/bench/bench_spawn.c
tests_bench_bench_spawn_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	-DSHIM_PATH=\"$(abs_top_builddir)/flowfile-shim\"
tests_bench_bench_spawn_LDADD = librunner.a libbase.a $(EVENT_LIBS)
EXTRA_tests_bench_bench_spawn_DEPENDENCIES = flowfile-shim

check_PROGRAMS += tests/bench/bench_mark tests/bench/bench_writer
tests_bench_bench_mark_SOURCES = tests/bench/bench_mark.c
tests_bench_bench_mark_LDFLAGS = $(AM_LDFLAGS) $(SHIM_LDFLAGS)
tests_bench_bench_writer_SOURCES = tests/bench/bench_writer.c
tests_bench_bench_writer_LDADD = libstore.a libbase.a $(STORE_LIBS) $(CJSON_LIBS)

check_PROGRAMS += tests/bench/bench_sql
tests_bench_bench_sql_SOURCES = tests/bench/bench_sql.c
tests_bench_bench_sql_LDADD = libflow.a libcatalog.a libstore.a libcore.a libbase.a $(STORE_LIBS) $(FLOW_LIBS)

check_PROGRAMS += tests/bench/bench_feed
tests_bench_bench_feed_SOURCES = tests/bench/bench_feed.c
tests_bench_bench_feed_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SQLITE_CFLAGS)
tests_bench_bench_feed_LDADD = libpgcluster.a $(feed_libs)
endif

# BENCH=latency,burst runs some of it.
.PHONY: bench
bench: all tests/bench/bench_mark tests/bench/bench_writer tests/bench/bench_sql
	abs_top_builddir='$(abs_top_builddir)' python3 $(srcdir)/tests/bench/bench.py '$(BENCH)'
EXTRA_DIST += tests/bench/bench.py tests/bench/bench_flows.py
