# Real processes under fire. `make check` has a short round on each store, `make chaos` a longer one:
# CHAOS_SECONDS=N says how long, CHAOS_STORES which stores.
CHAOS_SECONDS = 60
CHAOS_STORES = sqlite
if POSTGRES
CHAOS_STORES += postgres
endif

dist_check_SCRIPTS += \
	tests/chaos/test_chaos_postgres.sh \
	tests/chaos/test_chaos_sqlite.sh \
	tests/chaos/test_checker.sh
TESTS += tests/chaos/test_checker.sh
EXTRA_DIST += \
	tests/chaos/chaos.py \
	tests/chaos/checker.py \
	tests/chaos/run.sh \
	tests/chaos/stores.py \
	tests/chaos/test_checker.py
# Sanitizers slow every process down so much that lateness says nothing.
if !SANITIZERS
TESTS += tests/chaos/test_chaos_sqlite.sh
if POSTGRES
TESTS += tests/chaos/test_chaos_postgres.sh
endif
endif

check_PROGRAMS += tests/chaos/chaos_flow
tests_chaos_chaos_flow_SOURCES = tests/chaos/chaos_flow.c

.PHONY: chaos
chaos: $(bin_PROGRAMS) $(pkglibexec_PROGRAMS) tests/chaos/chaos_flow
	@for store in $(CHAOS_STORES); do \
		abs_top_builddir='$(abs_top_builddir)' $(srcdir)/tests/chaos/run.sh $$store $(CHAOS_SECONDS) || exit 1; \
	done
