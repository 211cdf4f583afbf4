/* Distances of texts: known ones, and those of many texts against the engine's or against the plain way to compute them. */
#include <math.h>
#include <string.h>

#include "engine_test.h"
#include "flow/similarity.h"

static double
distance(enum similarity_method method, const char *x, const char *y)
{
	struct similarity *s = similarity_create(method, 1);
	double result;

	similarity_add(s, x, strlen(x));
	similarity_add(s, y, strlen(y));
	similarity_hold(s, 0);
	result = similarity_distance(s, 1);
	similarity_free(s);
	return result;
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
	enum similarity_method method;
	const char *x, *y;
	double distance;
} known[] = {
	{SIMILARITY_LEVENSHTEIN, "kitten", "sitting", 3.0 / 7},
	{SIMILARITY_LEVENSHTEIN, "über", "uber", 1.0 / 4},
	{SIMILARITY_LEVENSHTEIN, "a€😀b", "a€😁b", 1.0 / 4},
	{SIMILARITY_LEVENSHTEIN, "", "", 0},
	{SIMILARITY_LEVENSHTEIN, "", "ab", 1},
	{SIMILARITY_LEVENSHTEIN, "ab", "", 1},
	{SIMILARITY_LEVENSHTEIN, LONG, LONG, 0},
	{SIMILARITY_LEVENSHTEIN, LONG "x", "y" LONG, 2.0 / 71},
	{SIMILARITY_JARO, "martha", "marhta", 1 - 17.0 / 18},
	{SIMILARITY_JARO, "dixon", "dicksonx", 1 - 0.7666666666666666},
	{SIMILARITY_JARO, "", "", 0},
	{SIMILARITY_JARO, "", "a", 1},
	{SIMILARITY_JARO, "a", "a", 0},
	{SIMILARITY_JARO, "ab", "cd", 1},
	{SIMILARITY_JARO_WINKLER, "martha", "marhta", 1 - 0.9611111111111111},
	/* Not above 0.7: the common beginning does not count. */
	{SIMILARITY_JARO_WINKLER, "abcx", "abyz", 1.0 / 3},
	{SIMILARITY_JARO_WINKLER, "abcdefgh", "abcdefgx", 1 - (11.0 / 12 + 0.4 / 12)},
	{SIMILARITY_HAMMING, "karolin", "kathrin", 3.0 / 7},
	{SIMILARITY_HAMMING, "abc", "abcde", 2.0 / 5},
	{SIMILARITY_HAMMING, "ü", "u", 1},
	{SIMILARITY_DAMERAU_LEVENSHTEIN, "ab", "ba", 1.0 / 2},
	{SIMILARITY_DAMERAU_LEVENSHTEIN, "ca", "abc", 2.0 / 3},
	{SIMILARITY_DAMERAU_LEVENSHTEIN, "üa", "aü", 1.0 / 2},
	{SIMILARITY_DAMERAU_LEVENSHTEIN, "", "a", 1},
	{SIMILARITY_DAMERAU_LEVENSHTEIN, "a", "", 1},
	{SIMILARITY_INDEL, "lewenstein", "levenshtein", 3.0 / 21},
	{SIMILARITY_INDEL, "ab", "ba", 2.0 / 4},
	{SIMILARITY_INDEL, "", "", 0},
	{SIMILARITY_INDEL, "a", "b", 1},
	{SIMILARITY_INDEL, LONG "x", "y" LONG, 2.0 / 142},
};

START_TEST(a_distance_is_what_is_known_of_it)
{
	double found = distance(known[_i].method, known[_i].x, known[_i].y);

	ck_assert_msg(fabs(found - known[_i].distance) < 1e-12, "%s %s %s: %.17g, not %.17g",
		similarity_names[known[_i].method], known[_i].x, known[_i].y, found,
		known[_i].distance);
}
END_TEST

/* --- many texts ------------------------------------------------------------------------------------------------ */

#define TEXTS 220
#define LENGTH_MAX 90

static char texts[TEXTS][LENGTH_MAX + 1];

/* Of few characters, so that there is much to match; every fourth text is long. */
static void
make_texts(void)
{
	uint32_t random = 12345;

	for (size_t i = 0; i < TEXTS; i++) {
		size_t n;

		random = random * 1103515245 + 12345;
		n = (random >> 16) % (i % 4 == 0 ? LENGTH_MAX : 12);
		for (size_t k = 0; k < n; k++) {
			random = random * 1103515245 + 12345;
			texts[i][k] = (char)('a' + (random >> 16) % (2 + i % 4));
		}
		texts[i][n] = '\0';
	}
}

/* The number of pairs whose distance the engine has otherwise. The sixth digit is that of another way to add up. */
static void
compare_with_engine(enum similarity_method method, const char *formula)
{
	struct similarity *s = similarity_create(method, 1);
	struct err err = ERR_INIT;
	struct duck *d = engine_test_open();
	struct arena a = ARENA_INIT;
	struct duck_rows *rows;
	const char *list = "";

	make_texts();
	for (size_t i = 0; i < TEXTS; i++) {
		similarity_add(s, texts[i], strlen(texts[i]));
		list = arena_printf(&a, "%s%s(%zu, '%s')", list, i > 0 ? ", " : "", i, texts[i]);
	}
	ck_assert_msg(
		duck_query(d,
			arena_printf(&a,
				"WITH t(i, x) AS (VALUES %s) SELECT CAST(a.i AS BIGINT), "
				"CAST(b.i AS BIGINT), CAST(%s AS DOUBLE) FROM t a, (SELECT i, "
				"x AS y FROM t) b WHERE x <> '' AND y <> '' ORDER BY a.i",
				list, formula),
			&rows, &err) == 0,
		"%s", err.text);
	while (duck_rows_next(rows)) {
		size_t x = (size_t)duck_int(rows, 0), y = (size_t)duck_int(rows, 1);
		double found;

		similarity_hold(s, x);
		found = similarity_distance(s, y);
		ck_assert_msg(fabs(found - duck_double(rows, 2)) < 1e-9, "%s '%s' '%s': %g, not %g",
			similarity_names[method], texts[x], texts[y], found, duck_double(rows, 2));
	}
	duck_rows_free(rows);
	similarity_free(s);
	duck_close(d);
	arena_free(&a);
}

static const struct {
	enum similarity_method method;
	const char *formula;
} engine[] = {
	{SIMILARITY_LEVENSHTEIN, "levenshtein(x, y) / greatest(length(x), length(y))"},
	{SIMILARITY_DAMERAU_LEVENSHTEIN,
		"damerau_levenshtein(x, y) / greatest(length(x), length(y))"},
	{SIMILARITY_JARO, "1 - jaro_similarity(x, y)"},
	{SIMILARITY_JARO_WINKLER, "1 - jaro_winkler_similarity(x, y)"},
};

START_TEST(distances_are_those_of_the_engine)
{
	compare_with_engine(engine[_i].method, engine[_i].formula);
}
END_TEST

/* What is put in and left out, by the table. */
static size_t
plain_indel(const char *x, const char *y)
{
	size_t table[LENGTH_MAX + 1][LENGTH_MAX + 1], m = strlen(x), n = strlen(y);

	for (size_t i = 0; i <= m; i++)
		for (size_t k = 0; k <= n; k++) {
			if (i == 0 || k == 0)
				table[i][k] = i + k;
			else if (x[i - 1] == y[k - 1])
				table[i][k] = table[i - 1][k - 1];
			else if (table[i - 1][k] < table[i][k - 1])
				table[i][k] = table[i - 1][k] + 1;
			else
				table[i][k] = table[i][k - 1] + 1;
		}
	return table[m][n];
}

START_TEST(indel_is_that_of_the_table)
{
	struct similarity *s = similarity_create(SIMILARITY_INDEL, 1);

	make_texts();
	for (size_t i = 0; i < TEXTS; i++)
		similarity_add(s, texts[i], strlen(texts[i]));
	for (size_t i = 0; i < TEXTS; i++) {
		similarity_hold(s, i);
		for (size_t k = 0; k < TEXTS; k++) {
			double whole = (double)(strlen(texts[i]) + strlen(texts[k]));
			double found = similarity_distance(s, k);

			ck_assert_msg(whole == 0 ||
					fabs(found -
						(double)plain_indel(texts[i], texts[k]) / whole) <
						1e-12,
				"'%s' '%s': %g", texts[i], texts[k], found);
		}
	}
	similarity_free(s);
}
END_TEST

/* With a bound, what is above it stays above, and what is not is right. */
START_TEST(a_bound_changes_nothing_below_it)
{
	struct similarity *all = similarity_create((enum similarity_method)_i, 1);
	struct similarity *near = similarity_create((enum similarity_method)_i, 0.3);

	make_texts();
	for (size_t i = 0; i < TEXTS; i++) {
		similarity_add(all, texts[i], strlen(texts[i]));
		similarity_add(near, texts[i], strlen(texts[i]));
	}
	for (size_t i = 0; i < TEXTS; i++) {
		similarity_hold(all, i);
		similarity_hold(near, i);
		for (size_t k = 0; k < TEXTS; k++) {
			double right = similarity_distance(all, k),
			       found = similarity_distance(near, k);

			ck_assert(right > 0.3 ? found > 0.3 : found == right);
		}
	}
	similarity_free(all);
	similarity_free(near);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("similarity");
	TCase *tc = tcase_create("similarity");

	tcase_add_loop_test(
		tc, a_distance_is_what_is_known_of_it, 0, sizeof(known) / sizeof(known[0]));
	tcase_add_loop_test(
		tc, distances_are_those_of_the_engine, 0, sizeof(engine) / sizeof(engine[0]));
	tcase_add_test(tc, indel_is_that_of_the_table);
	tcase_add_loop_test(tc, a_bound_changes_nothing_below_it, 0, 6);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
