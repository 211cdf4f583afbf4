# Fuzzing of what people and programs write. `make check` replays the corpora; `make fuzz FUZZ_SECONDS=60` looks for more, with clang's
# libFuzzer and sanitizers, in a build of its own.
fuzz_targets = auth conn flow formula request
fuzz_ldadd = libhttp.a libcatalog.a librunner.a libstore.a libcore.a libbase.a \
	$(STORE_LIBS) $(CJSON_LIBS) $(EVENT_LIBS) $(HTTP_LIBS)
fuzz_replays = tests/fuzz/replay_auth tests/fuzz/replay_conn tests/fuzz/replay_flow \
	tests/fuzz/replay_formula tests/fuzz/replay_request
fuzz_flow_ldadd = libflow.a libcatalog.a libstore.a libcore.a libbase.a $(STORE_LIBS) $(FLOW_LIBS)
check_PROGRAMS += $(fuzz_replays)
TESTS += $(fuzz_replays)
tests_fuzz_replay_auth_SOURCES = tests/fuzz/fuzz_auth.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_auth_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus/auth\"
tests_fuzz_replay_auth_LDADD = $(fuzz_ldadd)
tests_fuzz_replay_conn_SOURCES = tests/fuzz/fuzz_conn.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_conn_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) -DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus/conn\"
tests_fuzz_replay_conn_LDADD = $(fuzz_ldadd)
tests_fuzz_replay_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_request_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) -DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus/request\"
tests_fuzz_replay_request_LDADD = $(fuzz_ldadd)
tests_fuzz_replay_flow_SOURCES = tests/fuzz/fuzz_flow.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_flow_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) -DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus/flow\"
tests_fuzz_replay_flow_LDADD = $(fuzz_flow_ldadd)
tests_fuzz_replay_formula_SOURCES = tests/fuzz/fuzz_formula.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_formula_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) -DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus/formula\"
tests_fuzz_replay_formula_LDADD = $(fuzz_flow_ldadd)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.sh

FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz:
	FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_TARGETS='$(fuzz_targets)' $(srcdir)/tests/fuzz/fuzz.sh
