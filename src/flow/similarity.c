#include "flow/similarity.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHARACTERS 0x110000
#define WORD 64 /* characters of a text whose places fit into one machine word */

const char *const similarity_names[] = {
	"levenshtein", "jaro", "jaro_winkler", "hamming", "damerau_levenshtein", "indel", NULL};

struct text {
	size_t at, n; /* in the pool of characters */
};

struct similarity {
	enum similarity_method method;
	double distance_max;
	struct text *texts;
	size_t n_texts, texts_cap;
	uint32_t *pool; /* characters by number, in the order that they are met */
	size_t n_pool, pool_cap, longest;
	uint32_t *numbers; /* by code point; 0: not met */
	uint32_t n_numbers; /* the numbers are below it */
	const uint32_t *held;
	size_t n_held;
	uint64_t *masks; /* by character: its places in the held text, when that has at most WORD */
	size_t *last; /* by character: scratch of Damerau's, 0 in between */
	size_t *rows[3]; /* scratch */
	bool *seen[2]; /* scratch of Jaro's */
};

struct similarity *
similarity_create(enum similarity_method method, double distance_max)
{
	struct similarity *s = xcalloc(1, sizeof(*s));

	s->method = method;
	s->distance_max = distance_max;
	s->numbers = xcalloc(CHARACTERS, sizeof(*s->numbers));
	s->n_numbers = 1;
	return s;
}

void
similarity_free(struct similarity *s)
{
	if (s == NULL)
		return;
	free(s->texts);
	free(s->pool);
	free(s->numbers);
	free(s->masks);
	free(s->last);
	for (size_t i = 0; i < ARRAY_LEN(s->rows); i++)
		free(s->rows[i]);
	free(s->seen[0]);
	free(s->seen[1]);
	free(s);
}

/* --- texts ---------------------------------------------------------------------------------------------------- */

/* The engine's texts are valid. */
static uint32_t
take_character(const unsigned char **p)
{
	uint32_t c = *(*p)++;
	int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	c &= 0xffu >> (more > 0 ? more + 2 : 0);
	while (more-- > 0)
		c = c << 6 | (*(*p)++ & 0x3fu);
	return c < CHARACTERS ? c : 0xfffd;
}

void
similarity_add(struct similarity *s, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	struct text *added;
	uint32_t *number;

	assert(s->masks == NULL);
	if (s->n_texts == s->texts_cap) {
		s->texts_cap = s->texts_cap ? 2 * s->texts_cap : 64;
		s->texts = xrealloc(s->texts, s->texts_cap, sizeof(*s->texts));
	}
	if (s->n_pool + len > s->pool_cap) {
		s->pool_cap = 2 * s->pool_cap + len;
		s->pool = xrealloc(s->pool, s->pool_cap, sizeof(*s->pool));
	}
	added = &s->texts[s->n_texts++];
	added->at = s->n_pool;
	while (p < end) {
		number = &s->numbers[take_character(&p)];
		if (*number == 0)
			*number = s->n_numbers++;
		s->pool[s->n_pool++] = *number;
	}
	added->n = s->n_pool - added->at;
	if (added->n > s->longest)
		s->longest = added->n;
}

static void
prepare(struct similarity *s)
{
	s->masks = xcalloc(s->n_numbers, sizeof(*s->masks));
	s->last = xcalloc(s->n_numbers, sizeof(*s->last));
	for (size_t i = 0; i < ARRAY_LEN(s->rows); i++)
		s->rows[i] = xcalloc(s->longest + 2, sizeof(**s->rows));
	s->seen[0] = xcalloc(s->longest + 1, sizeof(**s->seen));
	s->seen[1] = xcalloc(s->longest + 1, sizeof(**s->seen));
}

void
similarity_hold(struct similarity *s, size_t number)
{
	if (s->masks == NULL)
		prepare(s);
	for (size_t i = 0; i < s->n_held && i < WORD; i++)
		s->masks[s->held[i]] = 0;
	s->held = s->pool + s->texts[number].at;
	s->n_held = s->texts[number].n;
	for (size_t i = 0; i < s->n_held && i < WORD; i++)
		s->masks[s->held[i]] |= UINT64_C(1) << i;
}

/* --- distances: a is the held text, b the other ------------------------------------------------------------- */

static size_t
least(size_t x, size_t y)
{
	return x < y ? x : y;
}

/*
 * Myers' and Hyyrö's way: a column of the table of distances is two words, the places where it goes up and where it goes down, and a character of b
 * takes it to the next. Only the lowest place is counted.
 */
static size_t
levenshtein_word(const struct similarity *s, const uint32_t *b, size_t n)
{
	uint64_t up = ~UINT64_C(0), down = 0, lowest = UINT64_C(1) << (s->n_held - 1);
	size_t distance = s->n_held;

	for (size_t i = 0; i < n; i++) {
		uint64_t same = s->masks[b[i]];
		uint64_t diagonal = (((same & up) + up) ^ up) | same | down;
		uint64_t right_up = down | ~(diagonal | up), right_down = up & diagonal;

		distance += (right_up & lowest) != 0;
		distance -= (right_down & lowest) != 0;
		right_up = right_up << 1 | 1;
		right_down <<= 1;
		up = right_down | ~(diagonal | right_up);
		down = right_up & diagonal;
	}
	return distance;
}

static size_t
levenshtein_long(const struct similarity *s, const uint32_t *b, size_t n)
{
	size_t *row = s->rows[0], diagonal, above;

	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; i < s->n_held; i++) {
		diagonal = row[0]++;
		for (size_t k = 1; k <= n; k++) {
			above = row[k];
			row[k] = least(
				least(row[k - 1], above) + 1, diagonal + (s->held[i] != b[k - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

static size_t
levenshtein(const struct similarity *s, const uint32_t *b, size_t n)
{
	if (s->n_held == 0)
		return n;
	return s->n_held <= WORD ? levenshtein_word(s, b, n) : levenshtein_long(s, b, n);
}

/* How long the longest text is that both have in them with gaps: in one word by Hyyrö. */
static size_t
common_word(const struct similarity *s, const uint32_t *b, size_t n)
{
	uint64_t open = ~UINT64_C(0), met;

	for (size_t i = 0; i < n; i++) {
		met = open & s->masks[b[i]];
		open = (open + met) | (open - met);
	}
	if (s->n_held < WORD)
		open |= ~UINT64_C(0) << s->n_held;
	return (size_t)__builtin_popcountll(~open);
}

static size_t
common_long(const struct similarity *s, const uint32_t *b, size_t n)
{
	size_t *row = s->rows[0], diagonal, above;

	memset(row, 0, (n + 1) * sizeof(*row));
	for (size_t i = 0; i < s->n_held; i++) {
		diagonal = 0;
		for (size_t k = 1; k <= n; k++) {
			above = row[k];
			if (s->held[i] == b[k - 1])
				row[k] = diagonal + 1;
			else if (row[k - 1] > above)
				row[k] = row[k - 1];
			diagonal = above;
		}
	}
	return row[n];
}

static size_t
indel(const struct similarity *s, const uint32_t *b, size_t n)
{
	return s->n_held + n -
		2 * (s->n_held <= WORD ? common_word(s, b, n) : common_long(s, b, n));
}

static size_t
hamming(const struct similarity *s, const uint32_t *b, size_t n)
{
	size_t common = least(s->n_held, n), distance = s->n_held + n - 2 * common;

	for (size_t i = 0; i < common; i++)
		distance += s->held[i] != b[i];
	return distance;
}

/*
 * Characters that change places may have others between them, which are put in or left out; Zhao and Sahinalp: it is enough to look
 * where there are none between them in one of the texts, and so a few rows will do. Row -1 and column -1 are out of reach.
 */
static size_t
damerau(struct similarity *s, const uint32_t *b, size_t n)
{
	size_t *row = s->rows[0] + 1, *above = s->rows[1] + 1, *swap;
	size_t *corners = s->rows[2]; /* by column: before the last row that has its character */
	size_t out = s->n_held + n + 1;

	for (size_t k = 0; k <= n; k++) {
		row[k] = k;
		above[k] = corners[k] = out;
	}
	row[-1] = above[-1] = out;
	for (size_t i = 1; i <= s->n_held; i++) {
		size_t column = 0; /* the last one that has the row's character */
		size_t corner = out; /* two rows above and before that column */
		size_t passed; /* two rows above and one column before */

		swap = above, above = row, row = swap;
		passed = row[0];
		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			bool same = s->held[i - 1] == b[k - 1];
			size_t met = s->last[b[k -
				1]]; /* the last row that has the column's character */
			size_t best = least(least(row[k - 1], above[k]) + 1, above[k - 1] + !same);

			if (same) {
				column = k;
				corners[k] = k > 1 ? above[k - 2] : out;
				corner = passed;
			} else if (k - column == 1) {
				best = least(best, corners[k] + (i - met));
			} else if (i - met == 1) {
				best = least(best, corner + (k - column));
			}
			passed = row[k];
			row[k] = best;
		}
		s->last[s->held[i - 1]] = i;
	}
	for (size_t i = 0; i < s->n_held; i++)
		s->last[s->held[i]] = 0;
	return row[n];
}

/* --- Jaro ----------------------------------------------------------------------------------------------------- */

/* Marks the characters that each text has of the other, not too far away; returns how many. */
static size_t
mark_common(struct similarity *s, const uint32_t *b, size_t n)
{
	size_t half = (s->n_held > n ? s->n_held : n) / 2, reach = half > 0 ? half - 1 : 0;
	size_t found = 0;

	memset(s->seen[0], 0, s->n_held * sizeof(bool));
	memset(s->seen[1], 0, n * sizeof(bool));
	for (size_t i = 0; i < s->n_held; i++) {
		size_t end = least(i + reach + 1, n);

		for (size_t k = i > reach ? i - reach : 0; k < end; k++)
			if (!s->seen[1][k] && s->held[i] == b[k]) {
				s->seen[0][i] = s->seen[1][k] = true;
				found++;
				break;
			}
	}
	return found;
}

/* Of those that are marked, how many stand in another order. */
static size_t
count_swapped(const struct similarity *s, const uint32_t *b, size_t found)
{
	size_t swapped = 0;

	for (size_t i = 0, k = 0; found > 0; i++) {
		if (!s->seen[0][i])
			continue;
		while (!s->seen[1][k])
			k++;
		swapped += s->held[i] != b[k++];
		found--;
	}
	return swapped / 2;
}

static double
jaro(struct similarity *s, const uint32_t *b, size_t n)
{
	size_t found = mark_common(s, b, n), swapped;

	if (s->n_held == 0 && n == 0)
		return 1;
	if (found == 0)
		return 0;
	swapped = count_swapped(s, b, found);
	return ((double)found / (double)s->n_held + (double)found / (double)n +
		       (double)(found - swapped) / (double)found) /
		3;
}

static double
jaro_winkler(struct similarity *s, const uint32_t *b, size_t n)
{
	double similarity = jaro(s, b, n);
	size_t begin = 0;

	while (begin < 4 && begin < s->n_held && begin < n && s->held[begin] == b[begin])
		begin++;
	if (similarity > 0.7)
		similarity += (double)begin * 0.1 * (1 - similarity);
	return similarity;
}

/* --- all -------------------------------------------------------------------------------------------------------- */

double
similarity_distance(struct similarity *s, size_t number)
{
	const uint32_t *b = s->pool + s->texts[number].at;
	size_t n = s->texts[number].n, longer = s->n_held > n ? s->n_held : n;
	double whole = (double)(s->method == SIMILARITY_INDEL ? s->n_held + n : longer);
	double least_possible = (double)(longer - least(s->n_held, n)) / whole;

	if (s->method == SIMILARITY_JARO)
		return 1 - jaro(s, b, n);
	if (s->method == SIMILARITY_JARO_WINKLER)
		return 1 - jaro_winkler(s, b, n);
	if (longer == 0)
		return 0;
	if (least_possible > s->distance_max)
		return least_possible;
	switch (s->method) {
	case SIMILARITY_HAMMING:
		return (double)hamming(s, b, n) / whole;
	case SIMILARITY_DAMERAU_LEVENSHTEIN: /* at least half of Levenshtein's, who takes two changes for one swap */
		least_possible = (double)levenshtein(s, b, n) / 2 / whole;
		return least_possible > s->distance_max ? least_possible
							: (double)damerau(s, b, n) / whole;
	case SIMILARITY_INDEL:
		return (double)indel(s, b, n) / whole;
	default:
		return (double)levenshtein(s, b, n) / whole;
	}
}
