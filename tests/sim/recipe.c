#include "recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

#define FAULT_RATE(name, field)                                                                    \
	{                                                                                          \
		name, offsetof(struct faults, field), true                                         \
	}
#define FAULT_EVERY(name, field)                                                                   \
	{                                                                                          \
		name, offsetof(struct faults, field), false                                        \
	}

static const struct {
	const char *name;
	size_t offset; /* in struct faults, from ING_FAULTS on */
	bool is_rate;
} ingredients[INGREDIENTS] = {
	[ING_SECONDS] = {"seconds", 0, false},
	[ING_HOSTS] = {"hosts", 0, false},
	[ING_DAEMONS] = {"daemons", 0, false},
	[ING_TABLES] = {"tables", 0, false},
	[ING_VIRTUALS] = {"virtuals", 0, false},
	[ING_FLOWS] = {"flows", 0, false},
	[ING_SCHEDULES] = {"schedules", 0, false},
	[ING_GUARD] = {"guard", 0, false},
	[ING_PEER] = {"flowfile", 0, false},
	[ING_PUSH] = {"push", 0, false},
	[ING_BAD_ROWS] = {"bad-rows", 0, false},
	[ING_WRITES] = {"writes", 0, false},
	[ING_PEOPLE] = {"people", 0, false},
	[ING_LIMIT] = {"limit", 0, false},
	[ING_LUCK] = {"luck", 0, false},
	[ING_FAULTS] = FAULT_RATE("busy", busy),
	FAULT_RATE("lost", lost),
	FAULT_RATE("unknown", unknown),
	FAULT_RATE("odd", odd),
	FAULT_RATE("refuse-request", refuse_request),
	FAULT_RATE("crash-step", crash_step),
	FAULT_RATE("crash-runner", crash_runner),
	FAULT_RATE("stall", stall),
	FAULT_RATE("hint-lost", hint_lost),
	FAULT_RATE("hint-doubled", hint_doubled),
	FAULT_RATE("no-fork", spawn_error),
	FAULT_RATE("no-spawn", spawn_fails),
	FAULT_RATE("shim-dies", shim_dies_early),
	FAULT_RATE("regret", regret),
	FAULT_EVERY("crash", crash_every_us),
	FAULT_EVERY("restart", restart_every_us),
	FAULT_EVERY("outage", outage_every_us),
	FAULT_EVERY("clock", clock_step_every_us),
	FAULT_EVERY("reboot", reboot_every_us),
	FAULT_EVERY("shim-kill", shim_kill_every_us),
	FAULT_EVERY("suspend", suspend_every_us),
	FAULT_EVERY("refuse", refuse_every_us),
	FAULT_EVERY("disk-full", disk_full_every_us),
	FAULT_EVERY("no-fds", no_fds_every_us),
	FAULT_EVERY("zones", zones_at_us),
};

const char *
recipe_name(enum ingredient i)
{
	return ingredients[i].name;
}

void
recipe_free(struct recipe *r)
{
	free(r->without);
	*r = (struct recipe){0};
}

void
recipe_copy(struct recipe *to, const struct recipe *from)
{
	struct span *without = xcalloc(from->n_without + 1, sizeof(*without));

	for (size_t i = 0; i < from->n_without; i++)
		without[i] = from->without[i];
	free(to->without);
	*to = *from;
	to->without = without;
}

static bool
set_one(struct recipe *r, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	char *end;
	double v;

	if (!equals)
		return false;
	v = strtod(equals + 1, &end);
	if (end != text + len || !(v >= 0))
		return false;
	for (int i = 0; i < INGREDIENTS; i++) {
		if (strlen(ingredients[i].name) != (size_t)(equals - text) ||
			strncmp(ingredients[i].name, text, (size_t)(equals - text)) != 0)
			continue;
		r->given[i] = true;
		r->value[i] = v;
		return true;
	}
	return false;
}

bool
recipe_set(struct recipe *r, const char *text)
{
	size_t len;

	for (; *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		if (!set_one(r, text, len))
			return false;
	}
	return true;
}

/* --- what is left out ---------------------------------------------------------------------------------------- */

void
recipe_leave_out_span(struct recipe *r, int64_t from, int64_t to)
{
	size_t n = 0;

	/* What it meets becomes a part of it. */
	for (size_t i = 0; i < r->n_without; i++) {
		const struct span *x = &r->without[i];

		if (x->to + 1 < from || x->from > to + 1) {
			r->without[n++] = *x;
			continue;
		}
		from = x->from < from ? x->from : from;
		to = x->to > to ? x->to : to;
	}
	r->without = xrealloc(r->without, n + 1, sizeof(*r->without));
	for (r->n_without = n + 1; n > 0 && r->without[n - 1].from > to; n--)
		r->without[n] = r->without[n - 1];
	r->without[n] = (struct span){from, to};
}

bool
recipe_leave_out(struct recipe *r, const char *text)
{
	int64_t from, to;
	char *end;

	while (*text) {
		from = to = strtoll(text, &end, 10);
		if (*end == '-')
			to = strtoll(end + 1, &end, 10);
		if (end == text || from < 0 || to < from || (*end && *end != ','))
			return false;
		recipe_leave_out_span(r, from, to);
		text = *end ? end + 1 : end;
	}
	return true;
}

bool
recipe_has(const struct recipe *r, int64_t happening)
{
	size_t lo = 0, hi = r->n_without;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r->without[mid].to < happening)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == r->n_without || r->without[lo].from > happening;
}

/* --- for the world, and for people ------------------------------------------------------------------------------- */

void
recipe_print(const struct recipe *r)
{
	const char *between = " --set ";

	printf("sim --seed %llu", (unsigned long long)r->seed);
	for (int i = 0; i < INGREDIENTS; i++) {
		if (!r->given[i])
			continue;
		printf("%s%s=%.9g", between, ingredients[i].name, r->value[i]);
		between = ",";
	}
	for (size_t i = 0; i < r->n_without; i++) {
		printf("%s%lld", i == 0 ? " --without " : ",", (long long)r->without[i].from);
		if (r->without[i].to > r->without[i].from)
			printf("-%lld", (long long)r->without[i].to);
	}
}

double
recipe_take(const struct recipe *r, enum ingredient i, double chosen, double *used)
{
	return used[i] = r->given[i] ? r->value[i] : chosen;
}

void
recipe_take_faults(const struct recipe *r, struct faults *f, double *used)
{
	for (int i = ING_FAULTS; i < INGREDIENTS; i++) {
		char *at = (char *)f + ingredients[i].offset;
		double v;

		if (ingredients[i].is_rate) {
			memcpy(&v, at, sizeof(v));
			v = recipe_take(r, (enum ingredient)i, v, used);
			memcpy(at, &v, sizeof(v));
		} else {
			int64_t us;

			memcpy(&us, at, sizeof(us));
			v = recipe_take(r, (enum ingredient)i, (double)us / 1e6, used);
			if (r->given[i])
				us = (int64_t)(v * 1e6);
			memcpy(at, &us, sizeof(us));
		}
	}
}
