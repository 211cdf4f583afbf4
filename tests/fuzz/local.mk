# Fuzzing of what people and programs write. `make check` replays the corpora; `make fuzz FUZZ_SECONDS=60` looks for more, with clang's
# libFuzzer and sanitizers, in a build of its own.
fuzz_targets = auth command conn cron delta exitfile flow formula ini query request runlog zone
check_PROGRAMS += tests/fuzz/replay
TESTS += tests/fuzz/replay
tests_fuzz_replay_SOURCES = \
	tests/fuzz/fuzz.h \
	tests/fuzz/fuzz_auth.c \
	tests/fuzz/fuzz_command.c \
	tests/fuzz/fuzz_conn.c \
	tests/fuzz/fuzz_cron.c \
	tests/fuzz/fuzz_delta.c \
	tests/fuzz/fuzz_exitfile.c \
	tests/fuzz/fuzz_flow.c \
	tests/fuzz/fuzz_formula.c \
	tests/fuzz/fuzz_ini.c \
	tests/fuzz/fuzz_query.c \
	tests/fuzz/fuzz_request.c \
	tests/fuzz/fuzz_runlog.c \
	tests/fuzz/fuzz_zone.c \
	tests/fuzz/replay.c
tests_fuzz_replay_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CJSON_CFLAGS) \
	-DCORPUS=\"$(abs_top_srcdir)/tests/fuzz/corpus\"
tests_fuzz_replay_LDADD = libhttp.a libflow.a libcatalog.a libffconfig.a librunner.a libstore.a libcore.a libbase.a \
	$(STORE_LIBS) $(CJSON_LIBS) $(EVENT_LIBS) $(HTTP_LIBS) $(FLOW_LIBS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.sh

FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz:
	FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_TARGETS='$(fuzz_targets)' $(srcdir)/tests/fuzz/fuzz.sh
