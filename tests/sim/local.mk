# The simulator: see doc/simulation.md. `make check` runs SIM_CHECK_SEEDS worlds, `make sim SEEDS=N` as many
# as wanted, `make sim-mutants` proves that it notices broken promises.
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = \
	tests/sim/actors.c \
	tests/sim/cover.c \
	tests/sim/daemon.c \
	tests/sim/host.c \
	tests/sim/judge.c \
	tests/sim/main.c \
	tests/sim/peer.c \
	tests/sim/recipe.c \
	tests/sim/recipe.h \
	tests/sim/runner.c \
	tests/sim/shrink.c \
	tests/sim/sim.c \
	tests/sim/sim.h \
	tests/sim/sql.c \
	tests/sim/truth.c \
	tests/sim/virtual.c \
	tests/sim/scene.c
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sim_sim_LDADD = libengine.a liblease.a librunner.a libstore.a libcore.a libbase.a $(STORE_LIBS) \
	$(EVENT_LIBS)

# Without --seeds: some seconds; `make sim SEEDS=N` runs more.
if SANITIZERS
sim_check_seeds = 100
else
sim_check_seeds = 600
endif
tests_sim_sim_CPPFLAGS += -DSIM_CHECK_SEEDS=$(sim_check_seeds)
TESTS += tests/sim/sim

dist_check_SCRIPTS += tests/sim/mutants.sh
EXTRA_DIST += \
	tests/sim/mutants/P1-guard.patch \
	tests/sim/mutants/P1-world.patch \
	tests/sim/mutants/P10-adopt.patch \
	tests/sim/mutants/P11-go.patch \
	tests/sim/mutants/P12-refused.patch \
	tests/sim/mutants/P12-row.patch \
	tests/sim/mutants/P13-reload.patch \
	tests/sim/mutants/P13-spin.patch \
	tests/sim/mutants/P2-journal.patch \
	tests/sim/mutants/P2-leaderless.patch \
	tests/sim/mutants/P2-roots.patch \
	tests/sim/mutants/P2-wake.patch \
	tests/sim/mutants/P3-path.patch \
	tests/sim/mutants/P3-set.patch \
	tests/sim/mutants/P3-settle.patch \
	tests/sim/mutants/P4-cursor.patch \
	tests/sim/mutants/P4-dst.patch \
	tests/sim/mutants/P5-timer.patch \
	tests/sim/mutants/P6-fence.patch \
	tests/sim/mutants/P7-takeover.patch \
	tests/sim/mutants/P7-verdict.patch \
	tests/sim/mutants/P8-cancel.patch \
	tests/sim/mutants/P8-deleted.patch \
	tests/sim/mutants/P9-again.patch \
	tests/sim/mutants/P9-lost.patch

SEEDS = 10000
MUTANT_SEEDS = 400

sim: tests/sim/sim
	tests/sim/sim --seeds $(SEEDS)
sim-mutants:
	top_srcdir='$(top_srcdir)' $(srcdir)/tests/sim/mutants.sh $(MUTANT_SEEDS)
.PHONY: sim sim-mutants
