/*
 * How alike texts are, character by character, as Flowfile's fuzzy match has it (pl-fuzzy-frame-match on rapidfuzz): a distance from 0, the
 * same, to 1. All texts are added first; then one after the other is held against any of them.
 */
#ifndef FF_FLOW_SIMILARITY_H
#define FF_FLOW_SIMILARITY_H

#include <stddef.h>

enum similarity_method {
	SIMILARITY_LEVENSHTEIN, /* what is put in, left out or changed, of the longer text's length */
	SIMILARITY_JARO,
	SIMILARITY_JARO_WINKLER, /* Jaro, nearer for a common beginning when that is above 0.7 */
	SIMILARITY_HAMMING, /* what differs place by place; the shorter text is filled up with what differs */
	SIMILARITY_DAMERAU_LEVENSHTEIN, /* neighbours that change places are one change, too */
	SIMILARITY_INDEL, /* what is put in or left out, of both texts' lengths */
};
/* By the enum; NULL behind the last. */
extern const char *const similarity_names[];

struct similarity;

/* Distances above distance_max need not be right, as long as they are above it. */
struct similarity *similarity_create(enum similarity_method method, double distance_max);
void similarity_free(struct similarity *s); /* NULL does nothing */

/* Adds a text in UTF-8, whose number is how many there were before. Not after the first similarity_hold(). */
void similarity_add(struct similarity *s, const char *text, size_t len);
/* The text that is compared from here on. */
void similarity_hold(struct similarity *s, size_t number);
/* Of the text that is held. */
double similarity_distance(struct similarity *s, size_t number);

#endif
