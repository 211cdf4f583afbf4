/*
 * sim [--first N] [--seeds N] [--days D] [--all | --first-failure]   runs worlds
 * sim --seed N [--trace] [--days D]                                  runs one, showing what happened in it
 *
 * Without --all, the last events before each failure are shown and the fifth failure ends the program; --first-failure
 * ends it at the first, without them.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define FAILURES_SHOWN 5

struct totals {
	int64_t passed, failed;
	int64_t us, claims, starts, foreign, crashes, faults, turns, steps, slots;
};

static void
report_failure(const struct sim *s)
{
	printf("seed %llu: %s is broken: %s\n", (unsigned long long)s->seed, s->promise,
		s->message);
}

static uint64_t seed_now;

/* The program itself is broken in this world. */
static void
on_crash(int sig)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "seed %llu crashes\n", (unsigned long long)seed_now);

	(void)!write(STDOUT_FILENO, line, (size_t)n);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
watch_crashes(void)
{
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	signal(SIGBUS, on_crash);
}

static bool
run_seed(uint64_t seed, double days, bool trace, bool echo, struct totals *t)
{
	struct sim *s;
	bool ok;

	seed_now = seed;
	s = scene_create(seed, days, trace, echo);
	scene_run(s);
	ok = !s->failed;
	if (!ok)
		report_failure(s);
	if (t) {
		t->passed += ok;
		t->failed += !ok;
		t->us += s->T;
		t->claims += s->n_claims;
		t->starts += s->n_starts;
		t->foreign += s->n_foreign;
		t->crashes += s->n_crashes;
		t->faults += s->n_faults;
		t->turns += s->n_turns;
		t->steps += s->n_steps;
		t->slots += s->n_slots_checked;
	}
	scene_destroy(s);
	return ok;
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: sim [--first N] [--seeds N] [--days D] [--all | --first-failure]\n"
		"       sim --seed N [--trace] [--days D]\n");
	return 2;
}

static void
print_totals(const struct totals *t, double seconds)
{
	printf("%.1f simulated days in %.1f s (%.0f seeds/s): %lld claims, %lld flows started "
	       "(%lld by "
	       "Flowfile), %lld slots checked, %lld turns, %lld statements, %lld faults, %lld "
	       "crashes\n",
		(double)t->us / (double)US_PER_DAY, seconds,
		(double)(t->passed + t->failed) / (seconds > 0 ? seconds : 1), (long long)t->claims,
		(long long)t->starts, (long long)t->foreign, (long long)t->slots,
		(long long)t->turns, (long long)t->steps, (long long)t->faults,
		(long long)t->crashes);
	printf("%lld passed, %lld failed\n", (long long)t->passed, (long long)t->failed);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"first", required_argument, NULL, 'f'},
		{"seeds", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"days", required_argument, NULL, 'd'},
		{"trace", no_argument, NULL, 't'},
		{"all", no_argument, NULL, 'a'},
		{"first-failure", no_argument, NULL, 'F'},
		{NULL, 0, NULL, 0},
	};
	uint64_t first = 1, seeds = SIM_CHECK_SEEDS;
	bool one = false, trace = false, all = false, first_only = false;
	struct totals totals = {0};
	double days = 0;
	struct timespec from, to;
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	watch_crashes();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			first = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 's':
			first = strtoull(optarg, NULL, 10);
			seeds = 1;
			one = true;
			break;
		case 'd':
			days = strtod(optarg, NULL);
			break;
		case 't':
			trace = true;
			break;
		case 'F':
			first_only = true;
			break;
		case 'a':
			all = true;
			break;
		default:
			return usage();
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		if (run_seed(seed, days, one, trace, &totals) || one || all)
			continue;
		if (first_only)
			break;
		/* Once more, for what led to it. */
		run_seed(seed, days, true, false, NULL);
		if (totals.failed == FAILURES_SHOWN)
			break;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_totals(&totals,
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	sql_forget_template();
	truth_free_zones();
	return totals.failed > 0;
}
