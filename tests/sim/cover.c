/* What was seen in all worlds of a call, and what never was. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

static int64_t seen[COVERS];

static const char *const names[COVERS] = {
	[COVER_CLAIMED] = "run: claimed",
	[COVER_CLAIMED_AGAIN] = "run: claimed, never started, claimed again by the same daemon",
	[COVER_CLAIM_TAKEN_OVER] = "run: claimed, claimed again by another daemon",
	[COVER_RECORDED] = "run: claimed, recorded",
	[COVER_RECORDED_AGAIN] = "run: recorded, never started, claimed again",
	[COVER_CLAIM_ENDED] = "run: claimed, ended before it was recorded",
	[COVER_ENDED] = "run: recorded, ended",
	[COVER_GONE] = "run: let go",
	[COVER_ABANDONED] = "run: abandoned before it was let go",
	[COVER_STARTED] = "run: started",
	[COVER_ADOPTED_OWN] = "run: adopted by a later life of its daemon",
	[COVER_ADOPTED_OTHER] = "run: adopted by another daemon",
	[COVER_ADOPTED_REBOOTED] = "run: adopted after a restart of the machine",
	[COVER_WATCHED] = "run: of Flowfile, watched",
	[COVER_CANCELLED_WAITING] = "run: cancelled before it was let go",
	[COVER_CANCELLED] = "run: cancelled while it ran",
	[COVER_KILLED] = "run: killed after its grace",
	[COVER_SUCCESS] = "run: closed as a success by a daemon",
	[COVER_FAILURE] = "run: closed as no success by a daemon",
	[COVER_CLOSED_BY_FLOW] = "run: closed by its flow or by Flowfile",
	[COVER_DELETED] = "run: its row deleted while active",
	[COVER_LOST] = "run: its end known to nobody",
	[COVER_LEASE_TAKEN] = "lease: free, held",
	[COVER_LEASE_OVER] = "lease: held by a daemon, taken over by another",
	[COVER_LEASE_TO_PEER] = "lease: held by a daemon, taken over by Flowfile",
	[COVER_LEASE_FROM_PEER] = "lease: held by Flowfile, taken over by a daemon",
	[COVER_LEASE_FREE] = "lease: held, given up",
	[COVER_INTERVAL] = "schedule: interval fired",
	[COVER_CRON] = "schedule: cron fired",
	[COVER_TABLE] = "schedule: table fired",
	[COVER_TABLE_VIRTUAL] = "schedule: virtual table fired",
	[COVER_SET] = "schedule: table set fired",
	[COVER_SLOTS_TOGETHER] = "schedule: one run for several slots",
	[COVER_BY_FLOWFILE] = "schedule: fired by Flowfile",
	[COVER_REQUEST] = "request: run",
	[COVER_UNKNOWN_MADE] = "commit: outcome unknown, it was made",
	[COVER_UNKNOWN_LOST] = "commit: outcome unknown, it was not made",
	[COVER_PASSED_ON] = "virtual table: a write passed on",
	[COVER_ZONES] = "zones: daemons with the old and the new data at once",
};

/* Statements at which something went wrong, by name. */
#define STEPS_MAX 256
static struct step {
	const char *name;
	int64_t times, crashes, others;
} steps[STEPS_MAX];
static int n_steps;

void
cover(enum cover what)
{
	seen[what]++;
}

static struct step *
find(const char *name)
{
	static int last;

	for (int i = 0; i < n_steps; i++, last = last + 1 < n_steps ? last + 1 : 0)
		if (steps[last].name == name)
			return &steps[last];
	for (last = 0; last < n_steps; last++)
		if (!strcmp(steps[last].name, name))
			return &steps[last];
	if (n_steps == STEPS_MAX)
		return &steps[last = STEPS_MAX - 1];
	steps[n_steps] = (struct step){.name = name};
	return &steps[n_steps++];
}

void
cover_step(const char *name, enum step_fate fate)
{
	struct step *x = find(name);

	x->times += fate == STEP_MADE;
	x->crashes += fate == STEP_DIED;
	x->others += fate == STEP_FAILED;
}

void
cover_print(bool all)
{
	int never_died = 0, never_failed = 0;
	const char *between = "never seen: ", *comma = "no death at: ";

	for (int i = 0; all && i < COVERS; i++)
		printf("%12lld  %s\n", (long long)seen[i], names[i]);
	for (int i = 0; all && i < n_steps; i++)
		printf("%12lld  statement %s: %lld deaths, %lld other faults\n",
			(long long)steps[i].times, steps[i].name, (long long)steps[i].crashes,
			(long long)steps[i].others);
	for (int i = 0; i < n_steps; i++) {
		if (all && steps[i].crashes == 0) {
			printf("%s%s", comma, steps[i].name);
			comma = ", ";
		}
		never_died += steps[i].crashes == 0;
		never_failed += steps[i].others == 0;
	}
	if (comma[0] == ',')
		printf("\n");
	printf("%d kinds of statements, of which %d never saw a death and %d no other fault\n",
		n_steps, never_died, never_failed);
	for (int i = 0; i < COVERS; i++) {
		if (seen[i] > 0)
			continue;
		printf("%s%s", between, names[i]);
		between = "; ";
	}
	if (between[0] == ';')
		printf("\n");
}
