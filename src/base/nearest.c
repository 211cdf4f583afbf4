#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 63

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: the rows of the last two prefixes of a are enough. */
size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], *before, *last, *row, a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		before = rows[(i + 1) % 3];
		last = rows[(i - 1) % 3];
		row = rows[i % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = smaller(last[j], row[j - 1]) + 1;
			row[j] = smaller(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

struct nearest
nearest_to(const char *word)
{
	/* Up to a third of the letters may be wrong, and one in any case. */
	return (struct nearest){.word = word, .distance = strlen(word) / 3 + 2};
}

/* Of several as near as each other the first stays. */
void
nearest_offer(struct nearest *near, const char *name)
{
	size_t distance = nearest_distance(near->word, name);

	if (distance < near->distance) {
		near->distance = distance;
		near->name = name;
	}
}
