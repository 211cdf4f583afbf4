/*
 * What a world is made of: a seed chooses it, and each ingredient can be set by name, for example daemons=1 or busy=0.
 * Whatever happens that somebody decided on, a fault, an act, each thing that is made, has a number in the order of
 * time, and can be left out by it.
 */
#ifndef FF_SIM_RECIPE_H
#define FF_SIM_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faults;

enum ingredient {
	ING_SECONDS, /* from the beginning to the end of the calm, which is at least ten minutes */
	ING_HOSTS,
	ING_DAEMONS,
	ING_TABLES,
	ING_VIRTUALS,
	ING_FLOWS,
	ING_SCHEDULES,
	ING_GUARD, /* 0 or 1, as all below */
	ING_PEER,
	ING_PUSH,
	ING_BAD_ROWS,
	ING_WRITES,
	ING_PEOPLE,
	ING_LIMIT, /* of runs at a time; 0: none */
	ING_LUCK, /* another number, other faults and waits */
	ING_FAULTS, /* from here on: those of struct faults, a probability or the mean seconds between two */
	INGREDIENTS = ING_FAULTS + 25
};

struct span {
	int64_t from, to;
};

struct recipe {
	uint64_t seed;
	bool given[INGREDIENTS];
	double value[INGREDIENTS];
	struct span *without; /* in order, apart from each other; owned */
	size_t n_without;
};

void recipe_free(struct recipe *r);
void recipe_copy(struct recipe *to, const struct recipe *from);
/* "daemons=1,busy=0"; false: that is none. */
bool recipe_set(struct recipe *r, const char *text);
/* "3,7-12". */
bool recipe_leave_out(struct recipe *r, const char *text);
void recipe_leave_out_span(struct recipe *r, int64_t from, int64_t to);
bool recipe_has(const struct recipe *r, int64_t happening);
/* The options by which sim makes this world again. */
void recipe_print(const struct recipe *r);
const char *recipe_name(enum ingredient i);
/* What is set instead of what was chosen; *used tells. */
double recipe_take(const struct recipe *r, enum ingredient i, double chosen, double *used);
void recipe_take_faults(const struct recipe *r, struct faults *f, double *used);

#endif
