/*
 * sim [--first N] [--seeds N] [--days D] [--all | --first-failure]   runs worlds;
 *                                                                    --figures: with how often what was seen
 * sim --seed N [--trace | --story | --recipe]                        runs one, showing what happened in it
 * sim --seed N --shrink [--trace]                                    finds a small one that breaks the same promise
 *
 * --set NAME=VALUE,... and --without NUMBER-NUMBER,... change what worlds are made of (recipe.h).
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
run_seed(struct recipe *recipe, uint64_t seed, enum telling telling, struct totals *t)
{
	struct sim *s;
	bool ok;

	seed_now = recipe->seed = seed;
	s = scene_create(recipe, telling);
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

/* What the world is made of, each ingredient as it can be set. */
static void
print_recipe(struct recipe *recipe, uint64_t seed)
{
	struct sim *s;

	recipe->seed = seed;
	s = scene_create(recipe, TELL_NOTHING);
	for (int i = 0; i < INGREDIENTS; i++)
		printf("%s=%.9g\n", recipe_name((enum ingredient)i),
			i == ING_WRITES || i == ING_PEOPLE ? 1 : s->used[i]);
	scene_destroy(s);
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: sim [--first N] [--seeds N] [--days D] [--all | --first-failure] "
		"[--figures]\n"
		"       sim --seed N [--trace | --story | --recipe | --shrink [--trace]]\n"
		"       with --set NAME=VALUE,... and --without NUMBER-NUMBER,...\n");
	return 2;
}

static void
print_totals(const struct totals *t, double seconds)
{
	printf("%.2f simulated years in %.1f s (%.0f seeds/s): %lld claims, %lld flows started "
	       "(%lld by "
	       "Flowfile), %lld slots checked, %lld turns, %lld statements, %lld faults, %lld "
	       "crashes\n",
		(double)t->us / (double)US_PER_DAY / 365.25, seconds,
		(double)(t->passed + t->failed) / (seconds > 0 ? seconds : 1), (long long)t->claims,
		(long long)t->starts, (long long)t->foreign, (long long)t->slots,
		(long long)t->turns, (long long)t->steps, (long long)t->faults,
		(long long)t->crashes);
	printf("%lld passed, %lld failed\n", (long long)t->passed, (long long)t->failed);
}

struct options {
	uint64_t first, seeds;
	bool one, all, first_only, recipe, shrink, figures;
	enum telling telling;
};

static bool
read_options(int argc, char **argv, struct options *o, struct recipe *recipe)
{
	static const struct option options[] = {
		{"first", required_argument, NULL, 'f'},
		{"seeds", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"days", required_argument, NULL, 'd'},
		{"set", required_argument, NULL, 'S'},
		{"without", required_argument, NULL, 'w'},
		{"trace", no_argument, NULL, 't'},
		{"story", no_argument, NULL, 'y'},
		{"recipe", no_argument, NULL, 'r'},
		{"shrink", no_argument, NULL, 'k'},
		{"figures", no_argument, NULL, 'g'},
		{"all", no_argument, NULL, 'a'},
		{"first-failure", no_argument, NULL, 'F'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->first = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o->seeds = strtoull(optarg, NULL, 10);
			break;
		case 's':
			o->first = strtoull(optarg, NULL, 10);
			o->seeds = 1;
			o->one = true;
			break;
		case 'd':
			recipe->given[ING_SECONDS] = true;
			recipe->value[ING_SECONDS] = strtod(optarg, NULL) * 86400;
			break;
		case 'S':
			if (!recipe_set(recipe, optarg))
				return false;
			break;
		case 'w':
			if (!recipe_leave_out(recipe, optarg))
				return false;
			break;
		case 't':
			o->telling = TELL_ALL;
			break;
		case 'y':
			o->telling = TELL_STORY;
			break;
		case 'r':
			o->recipe = true;
			break;
		case 'k':
			o->shrink = true;
			break;
		case 'g':
			o->figures = true;
			break;
		case 'F':
			o->first_only = true;
			break;
		case 'a':
			o->all = true;
			break;
		default:
			return false;
		}
	}
	return o->one || !(o->recipe || o->shrink);
}

static void
run_seeds(const struct options *o, struct recipe *recipe, struct totals *totals)
{
	enum telling telling = o->telling;

	if (o->one && telling == TELL_NOTHING)
		telling = TELL_LAST;
	for (uint64_t seed = o->first; seed < o->first + o->seeds; seed++) {
		if (run_seed(recipe, seed, telling, totals) || o->one || o->all)
			continue;
		if (o->first_only)
			break;
		/* Once more, for what led to it. */
		run_seed(recipe, seed, TELL_LAST, NULL);
		if (totals->failed == FAILURES_SHOWN)
			break;
	}
}

int
main(int argc, char **argv)
{
	struct options o = {.first = 1, .seeds = SIM_CHECK_SEEDS};
	struct recipe recipe = {0};
	struct totals totals = {0};
	struct timespec from, to;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!read_options(argc, argv, &o, &recipe))
		return usage();
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (o.recipe) {
		print_recipe(&recipe, o.first);
	} else if (o.shrink) {
		recipe.seed = o.first;
		totals.failed = shrink(&recipe, o.telling == TELL_ALL ? TELL_ALL : TELL_STORY);
	} else {
		watch_crashes();
		run_seeds(&o, &recipe, &totals);
		clock_gettime(CLOCK_MONOTONIC, &to);
		print_totals(&totals,
			(double)(to.tv_sec - from.tv_sec) +
				(double)(to.tv_nsec - from.tv_nsec) / 1e9);
		cover_print(o.figures);
	}
	recipe_free(&recipe);
	sql_forget_template();
	truth_free_zones();
	return totals.failed > 0;
}
