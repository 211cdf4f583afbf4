# Figures, not tests: built by make check, never run by it.
if TESTS_BUILT
check_PROGRAMS += tests/bench/bench_spawn
tests_bench_bench_spawn_SOURCES = tests/bench/bench_spawn.c
tests_bench_bench_spawn_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	-DSHIM_PATH=\"$(abs_top_builddir)/flowfile-shim\"
tests_bench_bench_spawn_LDADD = librunner.a libbase.a $(EVENT_LIBS)
EXTRA_tests_bench_bench_spawn_DEPENDENCIES = flowfile-shim
endif
