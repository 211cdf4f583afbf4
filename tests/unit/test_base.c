/* Memory, arena, buffer, errors, clock and text. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- mem ---- */

START_TEST(zero_sized_requests_give_memory)
{
	void *a = xmalloc(0), *b = xcalloc(0, 8), *c = xrealloc(NULL, 0, 8);

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_nonnull(c);
	c = xrealloc(c, 0, 0);
	ck_assert_ptr_nonnull(c);
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(calloc_is_zeroed_and_realloc_keeps_the_content)
{
	int *v = xcalloc(4, sizeof(*v));

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(v[i], 0);
	v[3] = 7;
	v = xrealloc(v, 1000, sizeof(*v));
	ck_assert_int_eq(v[3], 7);
	free(v);
}
END_TEST

START_TEST(a_size_that_overflows_ends_the_program)
{
	void *p = xrealloc(NULL, SIZE_MAX / 2, 3);

	free(p);
}
END_TEST

START_TEST(strings_are_copied)
{
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 2), *c = xasprintf("%s-%d", "x", 5);

	ck_assert_str_eq(a, "abc");
	ck_assert_str_eq(b, "ab");
	ck_assert_str_eq(c, "x-5");
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(strset_tells_whether_the_text_differed)
{
	char *s = NULL;

	ck_assert_int_eq(xstrset(&s, NULL), 0);
	ck_assert_int_ne(xstrset(&s, "one two"), 0);
	ck_assert_int_eq(xstrset(&s, "one two"), 0);
	ck_assert_int_eq(xstrset(&s, s), 0);
	/* A part of the old text is a fine new text. */
	ck_assert_int_ne(xstrset(&s, s + 4), 0);
	ck_assert_str_eq(s, "two");
	ck_assert_int_ne(xstrset(&s, NULL), 0);
	ck_assert_ptr_null(s);
}
END_TEST

/* ---- arena ---- */

static const size_t arena_sizes[] = {0, 1, 15, 16, 17, 1000, 8191, 8192, 8193, 16384, 16385, 100000,
	600000, 1048576, 1048577, 3000000};

static bool
all_bytes_are(const unsigned char *p, size_t n, size_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != value)
			return false;
	}
	return true;
}

START_TEST(arena_memory_is_aligned_zeroed_and_apart)
{
	struct arena a = ARENA_INIT;
	unsigned char *pieces[ARRAY_LEN(arena_sizes)];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(arena_sizes); i++) {
			pieces[i] = arena_alloc(&a, arena_sizes[i]);
			ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			ck_assert(all_bytes_are(pieces[i], arena_sizes[i], 0));
			memset(pieces[i], (int)i + 1, arena_sizes[i]);
		}
		for (size_t i = 0; i < ARRAY_LEN(arena_sizes); i++)
			ck_assert(all_bytes_are(pieces[i], arena_sizes[i], i + 1));
		arena_reset(&a);
	}
	arena_free(&a);
}
END_TEST

START_TEST(arena_counts_what_is_given_out)
{
	struct arena a = ARENA_INIT;

	arena_alloc(&a, 100);
	ck_assert_uint_ge(a.used, 100);
	ck_assert_uint_lt(a.used, 200);
	arena_alloc(&a, 5000000);
	ck_assert_uint_ge(a.used, 5000100);
	arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	arena_free(&a);
	ck_assert_ptr_null(a.head);
	/* Free again, and use again, are fine. */
	arena_free(&a);
	ck_assert_ptr_nonnull(arena_alloc(&a, 1));
	arena_free(&a);
}
END_TEST

START_TEST(arena_reset_keeps_one_block_for_the_next_use)
{
	struct arena a = ARENA_INIT;
	struct arena_block *kept;

	for (int i = 0; i < 1000; i++)
		arena_alloc(&a, 1000);
	arena_reset(&a);
	kept = a.head;
	ck_assert_ptr_nonnull(kept);
	for (int i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	ck_assert_ptr_eq(a.head, kept);
	arena_free(&a);
}
END_TEST

START_TEST(arena_strings)
{
	struct arena a = ARENA_INIT;
	char *longer;

	ck_assert_ptr_null(arena_strdup(&a, NULL));
	ck_assert_str_eq(arena_strdup(&a, ""), "");
	ck_assert_str_eq(arena_strdup(&a, "flow"), "flow");
	ck_assert_str_eq(arena_printf(&a, "%d/%s", 12, "x"), "12/x");
	longer = arena_printf(&a, "%0100000d", 7);
	ck_assert_uint_eq(strlen(longer), 100000);
	ck_assert_int_eq(longer[99999], '7');
	ck_assert_ptr_nonnull(arena_array(&a, 0, 8));
	arena_free(&a);
}
END_TEST

START_TEST(an_arena_array_that_overflows_ends_the_program)
{
	struct arena a = ARENA_INIT;

	arena_array(&a, SIZE_MAX / 4, 8);
}
END_TEST

/* ---- buf ---- */

START_TEST(buf_collects_text)
{
	struct buf b;
	char *s;

	buf_init(&b, 100);
	ck_assert_str_eq(buf_str(&b), "");
	buf_puts(&b, "");
	ck_assert_str_eq(buf_str(&b), "");
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_add(&b, "defg", 3);
	buf_add(&b, NULL, 0);
	buf_printf(&b, "-%d-%s", 42, "x");
	ck_assert_str_eq(buf_str(&b), "abcdef-42-x");
	ck_assert_uint_eq(b.len, 11);
	ck_assert(!buf_failed(&b));
	s = buf_take(&b);
	ck_assert_str_eq(s, "abcdef-42-x");
	free(s);
	ck_assert_str_eq(buf_str(&b), "");
	buf_puts(&b, "again");
	ck_assert_str_eq(buf_str(&b), "again");
	buf_free(&b);
	s = buf_take(&b);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

START_TEST(buf_keeps_nul_bytes)
{
	struct buf b;

	buf_init(&b, 10);
	buf_add(&b, "a\0b", 3);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a\0b", 4);
	buf_free(&b);
}
END_TEST

/* Fills to the brim by every way of writing, at every maximum around the sizes it grows by. */
START_TEST(buf_takes_its_maximum_and_not_a_byte_more)
{
	struct buf b;

	for (size_t max = 0; max < 300; max++) {
		for (int way = 0; way < 3; way++) {
			buf_init(&b, max);
			for (size_t i = 0; i < max; i++) {
				if (way == 0)
					buf_putc(&b, 'x');
				else if (way == 1)
					buf_printf(&b, "%c", 'x');
				else if (i == 0)
					buf_printf(&b, "%0*d", (int)max, 0);
			}
			ck_assert(!buf_failed(&b));
			ck_assert_uint_eq(b.len, max);
			if (way == 0)
				buf_putc(&b, 'y');
			else
				buf_printf(&b, "%s", "y");
			ck_assert(buf_failed(&b));
			ck_assert_uint_eq(strlen(buf_str(&b)), max);
			ck_assert_ptr_null(strchr(buf_str(&b), 'y'));
			buf_free(&b);
		}
	}
}
END_TEST

START_TEST(a_failed_buf_takes_nothing_until_it_is_reset)
{
	struct buf b;

	buf_init(&b, 4);
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	ck_assert(buf_failed(&b));
	buf_puts(&b, "d"); /* would fit */
	buf_printf(&b, "d");
	ck_assert_str_eq(buf_str(&b), "abc");
	free(buf_take(&b));
	ck_assert(buf_failed(&b));
	buf_reset(&b);
	ck_assert(!buf_failed(&b));
	buf_puts(&b, "abcd");
	ck_assert_str_eq(buf_str(&b), "abcd");
	buf_reset(&b);
	ck_assert_str_eq(buf_str(&b), "");
	buf_free(&b);
}
END_TEST

/* ---- err ---- */

START_TEST(an_error_carries_code_and_context)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_set(&err, ERR_CONFLICT, "flow %d is busy", 3), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_int_eq(err_prefix(&err, "run %s", "now"), -1);
	ck_assert_str_eq(err.text, "run now: flow 3 is busy");
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	err_set(&err, ERR_FAILED, "again: %s", err.text);
	ck_assert_str_eq(err.text, "again: run now: flow 3 is busy");
	err_clear(&err);
	ck_assert_int_eq(err.code, ERR_NONE);
	ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(an_errno_becomes_text_and_code)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_errno(&err, ENOENT, "open %s", "/x"), -1);
	ck_assert_str_eq(err.text, "open /x: No such file or directory");
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	err_errno(&err, EACCES, "open");
	ck_assert_int_eq(err.code, ERR_FAILED);
	err_errno(&err, 99999, "open");
	ck_assert_str_eq(err.text, "open: Unknown error 99999");
}
END_TEST

START_TEST(a_long_error_is_cut_between_characters)
{
	struct err err = ERR_INIT;
	char text[2000];

	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 <= sizeof(text); i += 3)
			memcpy(text + i, "\xE2\x82\xAC", 4); /* euro signs */
		err_set(&err, ERR_FAILED, "%s", text);
		ck_assert_uint_gt(strlen(err.text), sizeof(err.text) - 5);
		ck_assert(text_is_utf8(err.text, strlen(err.text)));
		err_prefix(&err, "context");
		ck_assert(text_starts(err.text, "context: "));
		ck_assert(text_is_utf8(err.text, strlen(err.text)));
		err_errno(&err, EIO, "%s", text);
		ck_assert(text_is_utf8(err.text, strlen(err.text)));
	}
}
END_TEST

START_TEST(nobody_has_to_read_the_error)
{
	ck_assert_int_eq(err_set(NULL, ERR_FAILED, "x"), -1);
	ck_assert_int_eq(err_errno(NULL, EIO, "x"), -1);
	ck_assert_int_eq(err_prefix(NULL, "x"), -1);
	err_clear(NULL);
}
END_TEST

START_TEST(exit_status_is_one_of_four)
{
	static const struct {
		enum err_code code;
		int status;
	} cases[] = {
		{ERR_FAILED, 1},
		{ERR_USAGE, 2},
		{ERR_NOT_FOUND, 3},
		{ERR_CONFLICT, 4},
		{ERR_BUSY, 1},
		{ERR_LOST, 1},
		{ERR_UNKNOWN, 1},
		{ERR_FENCED, 1},
	};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err.code = cases[i].code;
		ck_assert_int_eq(err_exit_status(&err), cases[i].status);
	}
}
END_TEST

/* ---- clock ---- */

START_TEST(the_real_clocks_go_on)
{
	int64_t wall = clock_wall(&clock_real);
	struct boottime boot = clock_boot(&clock_real);

	ck_assert_int_gt(wall, INT64_C(1700000000) * US_PER_SEC); /* some day in 2023 */
	ck_assert_int_lt(wall, INT64_C(9999999999) * US_PER_SEC);
	ck_assert_int_gt(boot.us, 0);
	ck_assert_int_ge(boottime_diff(clock_boot(&clock_real), boot), 0);
	ck_assert_int_eq(boottime_diff(boottime_add(boot, 5), boot), 5);
}
END_TEST

/* ---- text ---- */

START_TEST(integers_are_read_strictly)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool ok;
		int64_t value;
	} cases[] = {
		{"0", INT64_MIN, INT64_MAX, true, 0},
		{"-0", INT64_MIN, INT64_MAX, true, 0},
		{"007", INT64_MIN, INT64_MAX, true, 7},
		{"-12", INT64_MIN, INT64_MAX, true, -12},
		{"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
		{"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
		{"18446744073709551617", INT64_MIN, INT64_MAX, false, 0},
		{"99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
		{"", INT64_MIN, INT64_MAX, false, 0},
		{"-", INT64_MIN, INT64_MAX, false, 0},
		{"--1", INT64_MIN, INT64_MAX, false, 0},
		{"+1", INT64_MIN, INT64_MAX, false, 0},
		{" 1", INT64_MIN, INT64_MAX, false, 0},
		{"1 ", INT64_MIN, INT64_MAX, false, 0},
		{"1.0", INT64_MIN, INT64_MAX, false, 0},
		{"0x10", INT64_MIN, INT64_MAX, false, 0},
		{"1e3", INT64_MIN, INT64_MAX, false, 0},
		{"\xD9\xA1", INT64_MIN, INT64_MAX, false, 0},
		{NULL, INT64_MIN, INT64_MAX, false, 0},
		{"1", 1, 65535, true, 1},
		{"65535", 1, 65535, true, 65535},
		{"0", 1, 65535, false, 0},
		{"65536", 1, 65535, false, 0},
	};
	int64_t v;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		v = 4711;
		ck_assert_msg(
			text_to_int(cases[i].text, cases[i].min, cases[i].max, &v) == cases[i].ok,
			"%s", cases[i].text);
		ck_assert_int_eq(v, cases[i].ok ? cases[i].value : 4711);
	}
}
END_TEST

START_TEST(booleans_are_read_in_any_case)
{
	static const char *const yes[] = {"true", "TRUE", "Yes", "on", "1"};
	static const char *const no[] = {"false", "False", "NO", "off", "0"};
	static const char *const neither[] = {"", "t", "2", "tru", "truee", " on", "01"};
	bool v;

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		v = false;
		ck_assert(text_to_bool(yes[i], &v) && v);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		v = true;
		ck_assert(text_to_bool(no[i], &v) && !v);
	}
	for (size_t i = 0; i < ARRAY_LEN(neither); i++)
		ck_assert_msg(!text_to_bool(neither[i], &v), "%s", neither[i]);
	ck_assert(!text_to_bool(NULL, &v));
}
END_TEST

START_TEST(a_text_has_a_hash_that_stays)
{
	/* From the algorithm's authors: names of folders and checksums in catalogs hang on it. */
	ck_assert_uint_eq(text_hash(""), UINT64_C(0xcbf29ce484222325));
	ck_assert_uint_eq(text_hash("a"), UINT64_C(0xaf63dc4c8601ec8c));
	ck_assert_uint_eq(text_hash("foobar"), UINT64_C(0x85944171f73967e8));
}
END_TEST

START_TEST(a_variable_that_is_empty_is_not_set)
{
	setenv("FLOWFILE_TEST_TEXT_ENV", "", 1);
	ck_assert_ptr_null(text_env("FLOWFILE_TEST_TEXT_ENV"));
	setenv("FLOWFILE_TEST_TEXT_ENV", "x", 1);
	ck_assert_str_eq(text_env("FLOWFILE_TEST_TEXT_ENV"), "x");
	unsetenv("FLOWFILE_TEST_TEXT_ENV");
	ck_assert_ptr_null(text_env("FLOWFILE_TEST_TEXT_ENV"));
}
END_TEST

START_TEST(texts_are_compared)
{
	ck_assert(text_starts("abc", ""));
	ck_assert(text_starts("abc", "abc"));
	ck_assert(!text_starts("ab", "abc"));
	ck_assert(text_equal_nocase("", ""));
	ck_assert(text_equal_nocase("aBz", "AbZ"));
	ck_assert(!text_equal_nocase("ab", "abc"));
	ck_assert(!text_equal_nocase("abc", "ab"));
	ck_assert(!text_equal_nocase("[", "{")); /* as far apart as a letter's two cases */
}
END_TEST

START_TEST(trim_takes_blanks_from_both_ends)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" \t\r\n", ""},
		{"a", "a"},
		{"  a b \n", "a b"},
	};
	char text[16];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strcpy(text, cases[i][0]);
		ck_assert_str_eq(text_trim(text), cases[i][1]);
	}
}
END_TEST

START_TEST(a_command_line_is_split_as_a_shell_would)
{
	static const struct {
		const char *line;
		const char *words[6];
	} cases[] = {
		{"", {NULL}},
		{" \t\n ", {NULL}},
		{"a", {"a"}},
		{"  python3  -m\tflowfile\nrun ", {"python3", "-m", "flowfile", "run"}},
		{"''", {""}},
		{"a '' \"\" b", {"a", "", "", "b"}},
		{"'a b'c\"d e\"", {"a bcd e"}},
		{"'a\\b\"$x'", {"a\\b\"$x"}},
		{"\"a\\\\b\\\"c\\$d\\`e\"", {"a\\b\"c$d`e"}},
		{"\"a\\nb\\'c\"", {"a\\nb\\'c"}},
		{"a\\ b\\'c\\\\", {"a b'c\\"}},
		{"a\\\nb \\\n c", {"ab", "c"}},
		{"\"a\\\nb\"", {"ab"}},
		{"'a\\\nb'", {"a\\\nb"}},
		{"a#b #c", {"a#b", "#c"}},
		{"$HOME * > x; y|z&", {"$HOME", "*", ">", "x;", "y|z&"}},
		{"run {flow_path} --run-id={run_id}", {"run", "{flow_path}", "--run-id={run_id}"}},
		{"'\xC3\xA4 \xE2\x82\xAC'", {"\xC3\xA4 \xE2\x82\xAC"}},
	};
	struct err err = ERR_INIT;
	char **words;
	size_t n, want;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		words = text_split_words(cases[i].line, &n, &err);
		ck_assert_ptr_nonnull(words);
		for (want = 0; cases[i].words[want] != NULL; want++) {
			ck_assert_msg(want < n, "%s", cases[i].line);
			ck_assert_str_eq(words[want], cases[i].words[want]);
		}
		ck_assert_msg(n == want, "%s", cases[i].line);
		ck_assert_ptr_null(words[n]);
		text_free_words(words);
	}
	ck_assert_int_eq(err.code, ERR_NONE);
}
END_TEST

START_TEST(a_command_line_with_an_open_end_is_refused)
{
	static const char *const cases[] = {
		"'", "\"", "a 'b", "a \"b", "a \"b\\\"", "\"\\", "\\", "a\\", "a b 'c d\\'e'"};
	struct err err;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err_clear(&err);
		ck_assert_msg(text_split_words(cases[i], &n, &err) == NULL, "%s", cases[i]);
		ck_assert_int_eq(err.code, ERR_USAGE);
		ck_assert_str_ne(err.text, "");
	}
	text_free_words(NULL);
}
END_TEST

/* What the pieces of a text are: v a character, a digit the length of a bad part. */
START_TEST(utf8_is_checked_by_the_book)
{
	static const struct {
		const char *text;
		const char *pieces;
	} cases[] = {
		{"", ""},
		{"az\x7F", "vvv"},
		{"\xC2\x80\xDF\xBF", "vv"},
		{"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", "vvvv"},
		{"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", "vv"},
		{"\xC0\x80", "11"}, /* overlong */
		{"\xC1\xBF", "11"}, /* overlong */
		{"\xE0\x9F\xBF", "111"}, /* overlong */
		{"\xED\xA0\x80", "111"}, /* surrogate */
		{"\xF0\x8F\xBF\xBF", "1111"},
		{"\xF4\x90\x80\x80", "1111"}, /* past U+10FFFF */
		{"\xF5\x80\x80\x80", "1111"},
		{"\xFF\xFE", "11"},
		{"\x80", "1"},
		{"\xC3", "1"},
		{"\xE2\x82", "2"},
		{"\xE2\x82x", "2v"},
		{"\xF0\x9F\x98", "3"},
		{"\xF0\x9F\x98\xE2\x82\xAC", "3v"},
		{"\xF0\x9F\x98\x80", "v"},
		{"\xC3\xC3\xA4", "1v"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *s = cases[i].text;
		size_t len = strlen(s), at = 0, k = 0;
		bool valid, all = true;

		for (; at < len; k++) {
			size_t n = text_utf8_step(s + at, len - at, &valid);

			ck_assert_int_ne(cases[i].pieces[k], '\0');
			ck_assert_int_eq(valid ? 'v' : '0' + (int)n, cases[i].pieces[k]);
			all = all && valid;
			at += n;
		}
		ck_assert_uint_eq(at, len);
		ck_assert_int_eq(cases[i].pieces[k], '\0');
		ck_assert(text_is_utf8(s, len) == all);
		ck_assert_uint_eq(text_width(s), k);
	}
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
	static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

	for (size_t n = 0; n < sizeof(text); n++)
		ck_assert_uint_eq(text_utf8_floor(text, n), want[n]);
	/* What is no UTF-8 stays as long as it is. */
	ck_assert_uint_eq(text_utf8_floor("\x80\x80\x80\x80\x80\x80", 6), 6);
	ck_assert_uint_eq(text_utf8_floor("a\xFF", 2), 2);
	ck_assert_uint_eq(text_utf8_floor("\x80\x80", 2), 2);
}
END_TEST

static Suite *
base_suite(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("memory");

	tcase_add_test(tc, zero_sized_requests_give_memory);
	tcase_add_test(tc, calloc_is_zeroed_and_realloc_keeps_the_content);
	tcase_add_exit_test(tc, a_size_that_overflows_ends_the_program, EXIT_FAILURE);
	tcase_add_test(tc, strings_are_copied);
	tcase_add_test(tc, strset_tells_whether_the_text_differed);
	tcase_add_test(tc, arena_memory_is_aligned_zeroed_and_apart);
	tcase_add_test(tc, arena_counts_what_is_given_out);
	tcase_add_test(tc, arena_reset_keeps_one_block_for_the_next_use);
	tcase_add_test(tc, arena_strings);
	tcase_add_exit_test(tc, an_arena_array_that_overflows_ends_the_program, EXIT_FAILURE);
	tcase_add_test(tc, buf_collects_text);
	tcase_add_test(tc, buf_keeps_nul_bytes);
	tcase_add_test(tc, buf_takes_its_maximum_and_not_a_byte_more);
	tcase_add_test(tc, a_failed_buf_takes_nothing_until_it_is_reset);
	suite_add_tcase(s, tc);

	tc = tcase_create("errors and clocks");
	tcase_add_test(tc, an_error_carries_code_and_context);
	tcase_add_test(tc, an_errno_becomes_text_and_code);
	tcase_add_test(tc, a_long_error_is_cut_between_characters);
	tcase_add_test(tc, nobody_has_to_read_the_error);
	tcase_add_test(tc, exit_status_is_one_of_four);
	tcase_add_test(tc, the_real_clocks_go_on);
	suite_add_tcase(s, tc);

	tc = tcase_create("text");
	tcase_add_test(tc, integers_are_read_strictly);
	tcase_add_test(tc, booleans_are_read_in_any_case);
	tcase_add_test(tc, texts_are_compared);
	tcase_add_test(tc, a_text_has_a_hash_that_stays);
	tcase_add_test(tc, a_variable_that_is_empty_is_not_set);
	tcase_add_test(tc, trim_takes_blanks_from_both_ends);
	tcase_add_test(tc, a_command_line_is_split_as_a_shell_would);
	tcase_add_test(tc, a_command_line_with_an_open_end_is_refused);
	tcase_add_test(tc, utf8_is_checked_by_the_book);
	tcase_add_test(tc, a_text_is_cut_between_characters);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(base_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
