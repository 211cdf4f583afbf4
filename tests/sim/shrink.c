/*
 * Shrinking: a world that breaks a promise is made with less and less, as long as the same promise is broken: without a kind of
 * fault or actor, with fewer daemons and things, shorter, and at last without single happenings. Each trial is a process of
 * its own, since the program may crash in it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sim.h"

#define TRIALS_MAX 6000
#define LUCKS 6 /* tried with each smaller world, as it goes another way than the larger one */
#define LUCKS_ALONE 60 /* tried for a shorter way */

/* What came of a world. */
struct outcome {
	char promise[8]; /* "" none, "crash" */
	int64_t T, happenings, kept, events, told;
	double used[INGREDIENTS];
};

static int n_trials;

static void
live(const struct recipe *recipe, bool lines, struct outcome *out)
{
	struct sim *s = scene_create(recipe, lines ? TELL_LAST : TELL_NOTHING);

	s->telling = TELL_NOTHING; /* lines are counted only */
	scene_run(s);
	memcpy(out->promise, s->promise, sizeof(out->promise));
	out->T = s->T;
	out->happenings = s->happenings;
	for (int64_t i = 0; i < s->happenings; i++)
		out->kept += recipe_has(recipe, i);
	out->events = s->n_done;
	out->told = s->n_told;
	memcpy(out->used, s->used, sizeof(out->used));
	scene_destroy(s);
}

static struct outcome
try(const struct recipe *recipe, bool lines)
{
	struct outcome out = {.promise = "crash"};
	int ends[2], status;
	pid_t pid;

	n_trials++;
	if (pipe(ends) < 0)
		return out;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct outcome mine = {0};

		live(recipe, lines, &mine);
		_exit(write(ends[1], &mine, sizeof(mine)) != (ssize_t)sizeof(mine));
	}
	close(ends[1]);
	if (read(ends[0], &out, sizeof(out)) != (ssize_t)sizeof(out))
		snprintf(out.promise, sizeof(out.promise), "crash");
	close(ends[0]);
	waitpid(pid, &status, 0);
	return out;
}

/* The smallest world up to now. */
struct smallest {
	struct recipe recipe;
	struct outcome outcome;
};

static int64_t
size_of(const struct outcome *o)
{
	return o->events + 10 * o->kept;
}

static bool
keep_if_smaller(struct smallest *x, const struct recipe *less)
{
	struct outcome out;

	if (n_trials >= TRIALS_MAX)
		return false;
	out = try(less, false);
	if (strcmp(out.promise, x->outcome.promise) != 0 || size_of(&out) > size_of(&x->outcome))
		return false;
	recipe_copy(&x->recipe, less);
	x->outcome = out;
	return true;
}

/* Frees it. */
static bool
keep_if_broken(struct smallest *x, struct recipe *less)
{
	bool kept = keep_if_smaller(x, less);
	double luck = less->value[ING_LUCK];

	less->given[ING_LUCK] = true;
	for (int i = 1; !kept && i < LUCKS; i++) {
		less->value[ING_LUCK] = luck + i;
		kept = keep_if_smaller(x, less);
	}
	recipe_free(less);
	return kept;
}

static void
try_lucks(struct smallest *x)
{
	struct recipe less = {0};
	double luck = x->recipe.value[ING_LUCK];

	recipe_copy(&less, &x->recipe);
	less.given[ING_LUCK] = true;
	for (int i = 1; i < LUCKS_ALONE; i++) {
		less.value[ING_LUCK] = luck + i;
		keep_if_smaller(x, &less);
	}
	recipe_free(&less);
}

static bool
try_value(struct smallest *x, enum ingredient i, double value)
{
	struct recipe less = {0};

	recipe_copy(&less, &x->recipe);
	less.given[i] = true;
	less.value[i] = value;
	return keep_if_broken(x, &less);
}

static void
shrink_count(struct smallest *x, enum ingredient i, double least)
{
	while (x->outcome.used[i] > least &&
		(try_value(x, i, least) ||
			try_value(x, i, (double)(int64_t)((x->outcome.used[i] + least) / 2)) ||
			try_value(x, i, x->outcome.used[i] - 1)))
		;
}

/* The chaos lasts for seven tenths of a world: a failure in it needs no more than up to there. */
static void
shrink_length(struct smallest *x)
{
	double needed = (double)(x->outcome.T / US_PER_SEC + 2) * 10 / 7;

	if (needed < x->outcome.used[ING_SECONDS])
		try_value(x, ING_SECONDS, (double)(int64_t)needed + 1);
	while (x->outcome.used[ING_SECONDS] > 1 &&
		try_value(x, ING_SECONDS, (double)(int64_t)(x->outcome.used[ING_SECONDS] / 2)))
		;
}

static bool
is_in(const struct recipe *r, int64_t from, int64_t to)
{
	for (int64_t i = from; i <= to; i++)
		if (recipe_has(r, i))
			return true;
	return false;
}

/* From the end on, in halves of halves: what happened last is needed most, and what it leaves stays as it was numbered. */
static void
shrink_happenings(struct smallest *x)
{
	for (int64_t size = x->outcome.happenings / 2; size > 0; size /= 2) {
		for (int64_t to = x->outcome.happenings - 1; to >= 0; to -= size) {
			int64_t from = to - size + 1 > 0 ? to - size + 1 : 0;
			struct recipe less = {0};

			if (!is_in(&x->recipe, from, to))
				continue;
			recipe_copy(&less, &x->recipe);
			recipe_leave_out_span(&less, from, to);
			keep_if_broken(x, &less);
		}
	}
}

static void
shrink_ingredients(struct smallest *x)
{
	for (int i = INGREDIENTS - 1; i >= ING_GUARD; i--)
		if (i != ING_LUCK && x->outcome.used[i] > 0)
			try_value(x, (enum ingredient)i, 0);
	shrink_count(x, ING_DAEMONS, 1);
	shrink_count(x, ING_HOSTS, 1);
	shrink_count(x, ING_SCHEDULES, 1);
	shrink_count(x, ING_FLOWS, 1);
	shrink_count(x, ING_VIRTUALS, 0);
	shrink_count(x, ING_TABLES, 0);
}

static void
print_outcome(const char *when, const struct outcome *o)
{
	int64_t s = o->T / US_PER_SEC;

	printf("%s: %lld events, %lld lines of a story, %lld happenings, %.0f daemons, %.0f flows, "
	       "%.0f schedules, %02lld:%02lld:%02lld\n",
		when, (long long)o->events, (long long)o->told, (long long)o->kept,
		o->used[ING_DAEMONS], o->used[ING_FLOWS], o->used[ING_SCHEDULES],
		(long long)(s / 3600), (long long)(s / 60 % 60), (long long)(s % 60));
}

bool
shrink(const struct recipe *recipe, enum telling telling)
{
	struct smallest x = {0};
	struct sim *s;
	int64_t before;

	recipe_copy(&x.recipe, recipe);
	x.outcome = try(recipe, true);
	if (x.outcome.promise[0] == '\0') {
		recipe_free(&x.recipe);
		return false;
	}
	print_outcome("before", &x.outcome);
	do {
		before = size_of(&x.outcome);
		shrink_length(&x);
		shrink_ingredients(&x);
		try_lucks(&x);
		shrink_happenings(&x);
	} while (size_of(&x.outcome) < before && n_trials < TRIALS_MAX);
	x.outcome = try(&x.recipe, true);
	print_outcome("after", &x.outcome);
	printf("in %d trials; again:\n", n_trials);
	recipe_print(&x.recipe);
	printf(" --story\n");
	s = scene_create(&x.recipe, telling);
	scene_run(s);
	printf("seed %llu: %s is broken: %s\n", (unsigned long long)s->seed, s->promise,
		s->message);
	scene_destroy(s);
	recipe_free(&x.recipe);
	return true;
}
