/* The JSON writer. What it writes is read back with cJSON. */
#include <check.h>
#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/document.h"
#include "base/json.h"
#include "base/mem.h"

static struct buf out;
static struct json j;

static void
start(void)
{
	buf_init(&out, 1 << 20);
	json_init(&j, &out);
}

static void
stop(void)
{
	buf_free(&out);
}

/* Begins a new text in the same buffer. */
static void
again(void)
{
	buf_reset(&out);
	json_init(&j, &out);
}

static void
check_parses(void)
{
	cJSON *doc = cJSON_ParseWithOpts(buf_str(&out), NULL, 1);

	if (doc == NULL) /* an assertion that holds costs more than the parser */
		ck_abort_msg("%s", buf_str(&out));
	cJSON_Delete(doc);
}

START_TEST(values_stand_alone)
{
	json_null(&j);
	ck_assert_str_eq(buf_str(&out), "null");
	again();
	json_bool(&j, true);
	ck_assert_str_eq(buf_str(&out), "true");
	again();
	json_int(&j, INT64_MIN);
	ck_assert_str_eq(buf_str(&out), "-9223372036854775808");
	again();
	json_int(&j, INT64_MAX);
	ck_assert_str_eq(buf_str(&out), "9223372036854775807");
	again();
	json_string(&j, NULL);
	ck_assert_str_eq(buf_str(&out), "null");
	again();
	json_array(&j);
	json_array_end(&j);
	ck_assert_str_eq(buf_str(&out), "[]");
	again();
	json_object(&j);
	json_object_end(&j);
	ck_assert_str_eq(buf_str(&out), "{}");
}
END_TEST

START_TEST(an_object_keeps_the_order_it_is_written_in)
{
	json_object(&j);
	json_kv_int(&j, "id", 7);
	json_kv_string(&j, "name", "n");
	json_kv_string(&j, "nothing", NULL);
	json_kv_int_or_null(&j, "a", 0, 0);
	json_kv_int_or_null(&j, "b", 0, -1);
	json_kv_bool(&j, "ok", false);
	json_kv_null(&j, "null");
	json_kv_double(&j, "took", 1);
	json_kv_time(&j, "at", INT64_C(1779264005000000));
	json_kv_time(&j, "at_us", INT64_C(1779264005000001));
	json_kv_time(&j, "never", TIME_NONE);
	json_object_end(&j);
	ck_assert_str_eq(buf_str(&out),
		"{\"id\":7,\"name\":\"n\",\"nothing\":null,\"a\":null,\"b\":0,\"ok\":false,"
		"\"null\":null,\"took\":1.0,\"at\":\"2026-05-20T08:00:05\","
		"\"at_us\":\"2026-05-20T08:00:05.000001\",\"never\":null}");
	check_parses();
}
END_TEST

START_TEST(levels_are_nested_with_the_right_commas)
{
	json_object(&j);
	json_key(&j, "items");
	json_array(&j);
	for (int i = 0; i < 2; i++) {
		json_object(&j);
		json_key(&j, "tags");
		json_array(&j);
		json_string(&j, "x");
		json_array(&j);
		json_array_end(&j);
		json_int(&j, i);
		json_array_end(&j);
		json_kv_null(&j, "z");
		json_object_end(&j);
	}
	json_array_end(&j);
	json_kv_int(&j, "total", 2);
	json_object_end(&j);
	ck_assert_str_eq(buf_str(&out),
		"{\"items\":[{\"tags\":[\"x\",[],0],\"z\":null},{\"tags\":[\"x\",[],1],\"z\":null}]"
		","
		"\"total\":2}");
	check_parses();
}
END_TEST

START_TEST(the_deepest_level_can_be_reached)
{
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		json_array(&j);
	json_int(&j, 1);
	json_int(&j, 2);
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		json_array_end(&j);
	check_parses();
	ck_assert_uint_eq(out.len, 2 * (JSON_DEPTH_MAX - 1) + 3);
}
END_TEST

START_TEST(going_deeper_is_a_bug)
{
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_array(&j);
}
END_TEST

START_TEST(a_second_value_at_the_top_is_a_bug)
{
	json_int(&j, 1);
	json_int(&j, 2);
}
END_TEST

/* The escapes are those of Python's json with ensure_ascii off. */
START_TEST(strings_are_escaped_where_they_must_be)
{
	static const char *const cases[][2] = {
		{"", "\"\""},
		{"plain / 'text' <&>", "\"plain / 'text' <&>\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
		{"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
		{"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80",
			"\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
		{"\xE2\x80\xA8", "\"\xE2\x80\xA8\""},
		{"a\xFF"
		 "b",
			"\"a\xEF\xBF\xBD"
			"b\""},
		{"\xC3", "\"\xEF\xBF\xBD\""},
		{"\xE2\x82\"", "\"\xEF\xBF\xBD\\\"\""},
		{"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		again();
		json_string(&j, cases[i][0]);
		ck_assert_str_eq(buf_str(&out), cases[i][1]);
		check_parses();
	}
	again();
	json_object(&j);
	json_kv_null(&j, "a\"\n");
	json_object_end(&j);
	ck_assert_str_eq(buf_str(&out), "{\"a\\\"\\n\":null}");
}
END_TEST

START_TEST(every_byte_gives_a_text_that_parses)
{
	char text[3] = "";

	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b++) {
			text[0] = (char)a;
			text[1] = (char)b;
			again();
			json_string(&j, text);
			check_parses();
		}
	}
}
END_TEST

/* The right-hand sides are what Python's repr() says. */
START_TEST(doubles_are_written_as_python_does)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0.0"},
		{-0.0, "-0.0"},
		{1, "1.0"},
		{-1, "-1.0"},
		{0.1, "0.1"},
		{0.020135, "0.020135"},
		{1.5, "1.5"},
		{100, "100.0"},
		{123456789, "123456789.0"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1.0 / 3, "0.3333333333333333"},
		{2.0 / 3, "0.6666666666666666"},
		{1e15, "1000000000000000.0"},
		{9999999999999998, "9999999999999998.0"},
		{1e16, "1e+16"},
		{12345678901234567890.0, "1.2345678901234567e+19"},
		{9007199254740993.0, "9007199254740992.0"},
		{1e22, "1e+22"},
		{1e23, "1e+23"},
		{1e100, "1e+100"},
		{-1.5e300, "-1.5e+300"},
		{0.0001, "0.0001"},
		{0.00012345, "0.00012345"},
		{0.00001, "1e-05"},
		{1.5e-10, "1.5e-10"},
		{DBL_MAX, "1.7976931348623157e+308"},
		{DBL_MIN, "2.2250738585072014e-308"},
		{DBL_EPSILON, "2.220446049250313e-16"},
		{4.9406564584124654e-324, "5e-324"},
		{1.5e-323, "1.5e-323"},
		{2.2250738585072009e-308, "2.225073858507201e-308"},
		{5.684341886080802e-14, "5.684341886080802e-14"}, /* 2^-44: not the nearest of 16 */
		{9.5367431640625e-07, "9.5367431640625e-07"},
		{1779264005.123456, "1779264005.123456"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		again();
		json_double(&j, cases[i].value);
		ck_assert_str_eq(buf_str(&out), cases[i].text);
		check_parses();
	}
}
END_TEST

START_TEST(what_is_no_number_is_null)
{
	json_array(&j);
	json_double(&j, NAN);
	json_double(&j, INFINITY);
	json_double(&j, -INFINITY);
	json_array_end(&j);
	ck_assert_str_eq(buf_str(&out), "[null,null,null]");
}
END_TEST

/* xorshift: the same numbers on every run */
static uint64_t
next_bits(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

START_TEST(a_double_reads_back_as_itself)
{
	uint64_t seed = 88172645463325252, bits;
	double v, back;

	for (int i = 0; i < 100000; i++) {
		bits = next_bits(&seed);
		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		again();
		json_double(&j, v);
		back = strtod(buf_str(&out), NULL);
		if (memcmp(&v, &back, sizeof(v)) != 0)
			ck_abort_msg("%a became %s", v, buf_str(&out));
	}
	for (int e = -1074; e < 1024; e++) {
		again();
		json_double(&j, ldexp(1, e));
		if (!(strtod(buf_str(&out), NULL) == ldexp(1, e))) /* no tolerance wanted */
			ck_abort_msg("2^%d became %s", e, buf_str(&out));
	}
}
END_TEST

START_TEST(a_full_buffer_is_told_at_the_end)
{
	buf_free(&out);
	buf_init(&out, 10);
	json_init(&j, &out);
	json_array(&j);
	for (int i = 0; i < 100; i++)
		json_string(&j, "four");
	json_array_end(&j);
	ck_assert(buf_failed(&out));
	ck_assert_uint_le(out.len, 10);
}
END_TEST

START_TEST(a_tree_is_written_as_it_was_read)
{
	static const char text[] =
		"{\"a\":[1,-2.5,9007199254740992,0.30000000000000004,1e+300,null,"
		"true],\"b\":{\"é\\\"\":\"x\\ny\",\"c\":[],\"d\":{}}}";
	char deep[101] = "", *p = deep;
	cJSON *tree = cJSON_Parse(text);

	document_write(&j, tree);
	ck_assert_str_eq(buf_str(&out), text);
	cJSON_Delete(tree);
	again();
	for (int i = 0; i < 100; i++)
		*p++ = i < 50 ? '[' : ']';
	tree = cJSON_Parse(deep);
	document_write(&j, tree);
	ck_assert_str_eq(buf_str(&out), deep);
	cJSON_Delete(tree);
}
END_TEST

static Suite *
json_suite(void)
{
	Suite *s = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, values_stand_alone);
	tcase_add_test(tc, an_object_keeps_the_order_it_is_written_in);
	tcase_add_test(tc, levels_are_nested_with_the_right_commas);
	tcase_add_test(tc, the_deepest_level_can_be_reached);
	tcase_add_test_raise_signal(tc, going_deeper_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(tc, a_second_value_at_the_top_is_a_bug, SIGABRT);
	tcase_add_test(tc, strings_are_escaped_where_they_must_be);
	tcase_add_test(tc, every_byte_gives_a_text_that_parses);
	tcase_add_test(tc, doubles_are_written_as_python_does);
	tcase_add_test(tc, what_is_no_number_is_null);
	tcase_add_test(tc, a_double_reads_back_as_itself);
	tcase_add_test(tc, a_tree_is_written_as_it_was_read);
	tcase_add_test(tc, a_full_buffer_is_told_at_the_end);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(json_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
