# The simulator: see doc/simulation.md. `make check` runs SIM_CHECK_SEEDS worlds, `make sim SEEDS=N` as many
# as wanted, `make sim-mutants` proves that it notices broken promises.
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = \
	tests/sim/actors.c \
	tests/sim/daemon.c \
	tests/sim/host.c \
	tests/sim/judge.c \
	tests/sim/main.c \
	tests/sim/peer.c \
	tests/sim/runner.c \
	tests/sim/sim.c \
	tests/sim/sim.h \
	tests/sim/sql.c \
	tests/sim/truth.c \
	tests/sim/scene.c
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sim_sim_LDADD = libengine.a liblease.a librunner.a libstore.a libcore.a libbase.a $(STORE_LIBS) \
	$(EVENT_LIBS)

TESTS += tests/sim/sim
EXTRA_DIST += tests/sim/mutants.sh $(sim_mutants)
sim_mutants = \
	tests/sim/mutants/P1-guard.patch
SEEDS = 10000
MUTANT_SEEDS = 400

sim: tests/sim/sim
	tests/sim/sim --seeds $(SEEDS)
sim-mutants:
	top_srcdir='$(top_srcdir)' $(srcdir)/tests/sim/mutants.sh $(MUTANT_SEEDS)
.PHONY: sim sim-mutants
