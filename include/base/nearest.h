/*
 * "Did you mean": the known name that is closest to a mistyped one.
 *
 *     struct nearest near = nearest_to(word);
 *     for (...) nearest_offer(&near, name);
 *     near.name is the best, NULL when none is close enough to be worth a question.
 */
#ifndef FF_BASE_NEAREST_H
#define FF_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* borrowed */
	const char *name; /* borrowed, one of the offered */
	size_t distance; /* a candidate must be nearer than this */
};

struct nearest nearest_to(const char *word);
void nearest_offer(struct nearest *near, const char *name);

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. SIZE_MAX for
 * words too long to compare. */
size_t nearest_distance(const char *a, const char *b);

#endif
