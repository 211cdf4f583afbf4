/* Civil time and times as text. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"

static int64_t
us_of(int64_t year, int month, int day, int hour, int minute, int second, int us)
{
	struct civil c = {year, month, day, hour, minute, second, us};

	return civil_to_us(&c);
}

/* ---- civil ---- */

START_TEST(known_days_have_their_numbers)
{
	static const struct {
		int64_t year;
		int month, day;
		int64_t days;
		int weekday;
	} cases[] = {
		{1970, 1, 1, 0, 4}, {1969, 12, 31, -1, 3}, {2000, 2, 29, 11016, 2},
		{2000, 3, 1, 11017, 3}, {2026, 5, 20, 20593, 3}, {9999, 12, 31, 2932896, 5},
		{10000, 1, 1, 2932897, 6}, {1, 1, 1, -719162, 1},
		{0, 1, 1, -719528, 6}, /* a leap year */
		{0, 2, 29, -719469, 2}, {-1, 12, 31, -719529, 5}, {-400, 3, 1, -865565, 3},
		{-4713, 11, 24, -2440588, 1}, /* day 0 of the Julian day count */
	};
	int64_t year;
	int month, day;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(
			civil_to_days(cases[i].year, cases[i].month, cases[i].day), cases[i].days);
		civil_from_days(cases[i].days, &year, &month, &day);
		ck_assert_int_eq(year, cases[i].year);
		ck_assert_int_eq(month, cases[i].month);
		ck_assert_int_eq(day, cases[i].day);
		ck_assert_int_eq(civil_weekday(cases[i].days), cases[i].weekday);
	}
}
END_TEST

/* Walks 1,200 years from year -400 on, day by day. */
START_TEST(every_day_follows_the_one_before)
{
	int64_t days = civil_to_days(-400, 1, 1), end = civil_to_days(801, 1, 1), year = -400, y;
	int month = 1, day = 1, weekday = civil_weekday(days), m, d;
	bool same = true;

	for (; days < end && same; days++) {
		civil_from_days(days, &y, &m, &d);
		same = y == year && m == month && d == day && civil_to_days(y, m, d) == days &&
			civil_weekday(days) == weekday;
		weekday = (weekday + 1) % 7;
		if (++day > civil_days_in_month(year, month)) {
			day = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
	ck_assert_msg(same, "at day %lld", (long long)days);
}
END_TEST

/* The C library counts the same way, over all the years that its int can name. */
START_TEST(days_agree_with_the_c_library)
{
	const int64_t last = INT64_C(2147483647) * 365;
	struct tm tm;
	int64_t year;
	int month, day;
	bool same = true;

	for (int64_t days = -last; days < last && same; days += last / 50021) {
		time_t t = (time_t)(days * 86400);

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		civil_from_days(days, &year, &month, &day);
		same = year == (int64_t)tm.tm_year + 1900 && month == tm.tm_mon + 1 &&
			day == tm.tm_mday && civil_weekday(days) == tm.tm_wday &&
			civil_to_days(year, month, day) == days;
	}
	ck_assert(same);
}
END_TEST

START_TEST(the_ends_of_the_range_go_there_and_back)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MIN + 146096,
		INT64_MIN + 146097, INT64_MIN + 719468, INT64_MAX - 719468, INT64_MAX - 146097,
		INT64_MAX - 1, INT64_MAX};
	struct civil c;
	int64_t year;
	int month, day;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		civil_from_days(ends[i], &year, &month, &day);
		ck_assert(ends[i] < 0 ? year < 0 : year > 0);
		ck_assert_int_eq(civil_to_days(year, month, day), ends[i]);
		ck_assert_int_le(civil_weekday(ends[i]), 6);
		ck_assert_int_ge(civil_weekday(ends[i]), 0);
		civil_from_us(ends[i], &c);
		ck_assert_int_eq(civil_to_us(&c), ends[i]);
	}
	civil_from_us(INT64_MAX, &c);
	ck_assert_int_eq(c.year, 294247);
	civil_from_us(INT64_MIN, &c);
	ck_assert_int_eq(c.year, -290308);
}
END_TEST

START_TEST(months_have_their_lengths)
{
	ck_assert_int_eq(civil_days_in_month(2023, 2), 28);
	ck_assert_int_eq(civil_days_in_month(2024, 2), 29);
	ck_assert_int_eq(civil_days_in_month(1900, 2), 28);
	ck_assert_int_eq(civil_days_in_month(2000, 2), 29);
	ck_assert_int_eq(civil_days_in_month(-4, 2), 29);
	ck_assert_int_eq(civil_days_in_month(-100, 2), 28);
	ck_assert_int_eq(civil_days_in_month(2023, 4), 30);
	ck_assert_int_eq(civil_days_in_month(2023, 12), 31);
}
END_TEST

START_TEST(a_day_outside_its_month_is_counted_on)
{
	ck_assert_int_eq(civil_to_days(2026, 1, 32), civil_to_days(2026, 2, 1));
	ck_assert_int_eq(civil_to_days(2026, 3, 0), civil_to_days(2026, 2, 28));
	ck_assert_int_eq(civil_to_days(2026, 1, 366), civil_to_days(2027, 1, 1));
}
END_TEST

START_TEST(microseconds_split_and_join)
{
	struct civil c;

	ck_assert_int_eq(us_of(1970, 1, 1, 0, 0, 0, 0), 0);
	civil_from_us(-1, &c);
	ck_assert_int_eq(c.year, 1969);
	ck_assert_int_eq(c.month, 12);
	ck_assert_int_eq(c.day, 31);
	ck_assert_int_eq(c.hour, 23);
	ck_assert_int_eq(c.minute, 59);
	ck_assert_int_eq(c.second, 59);
	ck_assert_int_eq(c.us, 999999);
	ck_assert_int_eq(civil_to_us(&c), -1);
	civil_from_us(INT64_C(1779264005123456), &c);
	ck_assert_int_eq(c.day, 20);
	ck_assert_int_eq(c.hour, 8);
	ck_assert_int_eq(c.us, 123456);
}
END_TEST

/* ---- forms ---- */

START_TEST(a_time_is_written_in_each_form)
{
	static const struct {
		int64_t us;
		const char *catalog, *utc, *api, *human;
	} cases[] = {
		{INT64_C(1779264005000000), "2026-05-20 08:00:05.000000", "2026-05-20T08:00:05Z",
			"2026-05-20T08:00:05", "2026-05-20 08:00:05"},
		{INT64_C(1779264005000120), "2026-05-20 08:00:05.000120",
			"2026-05-20T08:00:05.000120Z", "2026-05-20T08:00:05.000120",
			"2026-05-20 08:00:05"},
		{0, "1970-01-01 00:00:00.000000", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00",
			"1970-01-01 00:00:00"},
		{-1, "1969-12-31 23:59:59.999999", "1969-12-31T23:59:59.999999Z",
			"1969-12-31T23:59:59.999999", "1969-12-31 23:59:59"},
		{INT64_MAX, "294247-01-10 04:00:54.775807", "294247-01-10T04:00:54.775807Z",
			"294247-01-10T04:00:54.775807", "294247-01-10 04:00:54"},
		{INT64_MIN, "-290308-12-21 19:59:05.224192", "-290308-12-21T19:59:05.224192Z",
			"-290308-12-21T19:59:05.224192", "-290308-12-21 19:59:05"},
	};
	char text[TIMEFMT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		time_format_catalog(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].catalog);
		time_format_utc(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].utc);
		time_format_api(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].api);
		time_format_human(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].human);
	}
	time_format_catalog(us_of(33, 4, 3, 0, 0, 0, 0), text);
	ck_assert_str_eq(text, "0033-04-03 00:00:00.000000");
}
END_TEST

START_TEST(a_duration_is_written_for_people)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{0, "0ms"},
		{999, "0ms"},
		{-999, "0ms"},
		{850000, "850ms"},
		{999999, "999ms"},
		{US_PER_SEC, "1s"},
		{12 * US_PER_SEC + 999999, "12s"},
		{US_PER_MIN, "1m 00s"},
		{3 * US_PER_MIN + 5 * US_PER_SEC, "3m 05s"},
		{US_PER_HOUR - 1, "59m 59s"},
		{2 * US_PER_HOUR + 10 * US_PER_MIN, "2h 10m"},
		{2 * US_PER_HOUR + 5 * US_PER_MIN, "2h 05m"},
		{US_PER_DAY, "1d 0h"},
		{4 * US_PER_DAY + 3 * US_PER_HOUR, "4d 3h"},
		{-90 * US_PER_SEC, "-1m 30s"},
		{INT64_MAX, "106751991d 4h"},
		{INT64_MIN, "-106751991d 4h"},
	};
	char text[TIMEFMT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		time_format_duration(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

/* ---- reading ---- */

START_TEST(times_are_read_in_the_forms_that_occur)
{
	static const struct {
		const char *text;
		struct civil utc;
	} cases[] = {
		{"2026-05-20 08:00:05", {2026, 5, 20, 8, 0, 5, 0}},
		{"2026-05-20T08:00:05", {2026, 5, 20, 8, 0, 5, 0}},
		{"2026-05-20 08:00:05.123456", {2026, 5, 20, 8, 0, 5, 123456}},
		{"2026-05-20 08:00:05.1", {2026, 5, 20, 8, 0, 5, 100000}},
		{"2026-05-20 08:00:05.001", {2026, 5, 20, 8, 0, 5, 1000}},
		{"2026-05-20 08:00:05.1234567", {2026, 5, 20, 8, 0, 5, 123456}},
		{"2026-05-20 08:00:05.999999999", {2026, 5, 20, 8, 0, 5, 999999}},
		{"2026-05-20", {2026, 5, 20, 0, 0, 0, 0}},
		{"2026-05-20 08:30", {2026, 5, 20, 8, 30, 0, 0}},
		{"2026-05-20T08:30Z", {2026, 5, 20, 8, 30, 0, 0}},
		{"2026-05-20T08:00:05Z", {2026, 5, 20, 8, 0, 5, 0}},
		{"2026-05-20T08:00:05.25Z", {2026, 5, 20, 8, 0, 5, 250000}},
		{"2026-05-20 08:00:05+02:00", {2026, 5, 20, 6, 0, 5, 0}},
		{"2026-05-20 08:00:05+0530", {2026, 5, 20, 2, 30, 5, 0}},
		{"2026-05-20 08:00:05-08", {2026, 5, 20, 16, 0, 5, 0}},
		{"2026-05-20 08:00-03:30", {2026, 5, 20, 11, 30, 0, 0}},
		{"2026-05-20 08:00:05.5+00:00", {2026, 5, 20, 8, 0, 5, 500000}},
		{"2026-01-01 00:00:00+01:00", {2025, 12, 31, 23, 0, 0, 0}},
		{"2024-02-29", {2024, 2, 29, 0, 0, 0, 0}},
		{"2000-02-29", {2000, 2, 29, 0, 0, 0, 0}},
		{"0001-01-01 00:00:00", {1, 1, 1, 0, 0, 0, 0}},
		{"0001-01-01 00:00:00+23:59", {0, 12, 31, 0, 1, 0, 0}},
		{"9999-12-31 23:59:59.999999", {9999, 12, 31, 23, 59, 59, 999999}},
		{"1960-06-01 12:00:00.5", {1960, 6, 1, 12, 0, 0, 500000}},
	};
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		us = 0;
		ck_assert_msg(time_parse(cases[i].text, &us), "%s", cases[i].text);
		ck_assert_msg(us == civil_to_us(&cases[i].utc), "%s", cases[i].text);
	}
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const cases[] = {"", " ", "now", "2026", "2026-05", "2026-05-",
		"2026-5-20", "26-05-20", "02026-05-20", "2026-05-2", "2026-05-200", "2026/05/20",
		"20260520", "-2026-05-20", "+2026-05-20", "0000-01-01", "2026-00-20", "2026-13-20",
		"2026-05-00", "2026-05-32", "2026-02-29", "1900-02-29", "2026-04-31", "2026-05-20 ",
		" 2026-05-20", "2026-05-20Z", "2026-05-20+02:00", "2026-05-20 08",
		"2026-05-20 08:", "2026-05-20 8:00", "2026-05-20 08:0",
		"2026-05-20 08:00:", "2026-05-20 08:00:5", "2026-05-20 08:00:05.",
		"2026-05-20 08:00:05.1234567890", "2026-05-20 08:00:05,5", "2026-05-20 24:00:00",
		"2026-05-20 08:60:00", "2026-05-20 08:00:60", "2026-05-20  08:00:05",
		"2026-05-20t08:00:05", "2026-05-20_08:00:05", "2026-05-20 08:00:05 ",
		"2026-05-20 08:00:05z", "2026-05-20 08:00:05ZZ", "2026-05-20 08:00:05 Z",
		"2026-05-20 08:00:05+", "2026-05-20 08:00:05+2",
		"2026-05-20 08:00:05+02:", "2026-05-20 08:00:05+02:0", "2026-05-20 08:00:05+020",
		"2026-05-20 08:00:05+02000", "2026-05-20 08:00:05+24:00",
		"2026-05-20 08:00:05+02:60", "2026-05-20 08:00:05+02:00Z",
		"2026-05-20 08:00:05+-2:00",
		"2026-05-20 08:00:05\xE2\x88\x92"
		"02:00",
		"2026-05-20 -8:00:05", "2026-05-20 08:00.5", NULL};
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		us = 4711;
		ck_assert_msg(!time_parse(cases[i], &us), "%s", cases[i]);
		ck_assert_int_eq(us, 4711);
	}
}
END_TEST

/* The text ends anywhere, or has any other byte anywhere: nothing is read behind its end, and what
 * is taken is written back as it stood. */
START_TEST(a_damaged_time_is_refused_or_is_another_time)
{
	static const char whole[] = "2026-05-20 08:00:05.123456";
	char copy[sizeof(whole)], back[TIMEFMT_SIZE];
	char *heap;
	int64_t us;

	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		heap = xstrndup(whole, n);
		ck_assert_msg(time_parse(heap, &us) == (n == 10 || n == 16 || n == 19 || n > 20),
			"%s", heap);
		free(heap);
	}
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		for (int c = 1; c < 256; c++) {
			memcpy(copy, whole, sizeof(copy));
			copy[i] = (char)c;
			if (!time_parse(copy, &us) || c == 'T' || c == 'Z' || c == '+' || c == '-')
				continue;
			time_format_catalog(us, back);
			if (strcmp(back, copy) != 0)
				ck_abort_msg("%s became %s", copy, back);
		}
	}
}
END_TEST

START_TEST(what_we_write_we_read)
{
	static const int64_t times[] = {0, 1, -1, INT64_C(1779264005000120),
		INT64_C(253402300799999999), INT64_C(-62135596800000000)};
	void (*const forms[])(int64_t, char *) = {
		time_format_catalog, time_format_utc, time_format_api};
	char text[TIMEFMT_SIZE];
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
			forms[f](times[i], text);
			ck_assert(time_parse(text, &us));
			ck_assert_int_eq(us, times[i]);
		}
	}
}
END_TEST

static Suite *
timefmt_suite(void)
{
	Suite *s = suite_create("timefmt");
	TCase *tc = tcase_create("civil");

	tcase_add_test(tc, known_days_have_their_numbers);
	tcase_add_test(tc, every_day_follows_the_one_before);
	tcase_add_test(tc, days_agree_with_the_c_library);
	tcase_add_test(tc, the_ends_of_the_range_go_there_and_back);
	tcase_add_test(tc, months_have_their_lengths);
	tcase_add_test(tc, a_day_outside_its_month_is_counted_on);
	tcase_add_test(tc, microseconds_split_and_join);
	suite_add_tcase(s, tc);

	tc = tcase_create("forms");
	tcase_add_test(tc, a_time_is_written_in_each_form);
	tcase_add_test(tc, a_duration_is_written_for_people);
	tcase_add_test(tc, times_are_read_in_the_forms_that_occur);
	tcase_add_test(tc, what_is_no_time_is_refused);
	tcase_add_test(tc, a_damaged_time_is_refused_or_is_another_time);
	tcase_add_test(tc, what_we_write_we_read);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(timefmt_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
