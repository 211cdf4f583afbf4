/*
 * Cron expressions: contract 4.6 line by line, and the wanted rule of 4.5 at changes of the offset.
 * cron_vectors.txt comes from cron_model.py; test_cron FILE replays another such file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "core/cron.h"
#include "zone_files.h"

_Static_assert(sizeof(struct cron) <= 64, "100,000 of them are held in memory");

static const char *vector_file = VECTOR_DIR "/cron_vectors.txt";

static struct cron
parse(const char *expr)
{
	struct err err = ERR_INIT;
	struct cron cron;

	ck_assert_msg(cron_parse(expr, 0, &cron, &err) == 0, "'%s': %s", expr, err.text);
	return cron;
}

static int64_t
at(const char *text)
{
	int64_t us;

	ck_assert_msg(time_parse(text, &us), "'%s'", text);
	return us;
}

/* "4 9 58" for bits 4, 9 and 58 */
static const char *
set_text(uint64_t set, char out[256])
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < 64; i++) {
		if ((set >> i & 1) != 0)
			len += (size_t)snprintf(
				out + len, 256 - len, "%s%d", len > 0 ? " " : "", i);
	}
	return out;
}

static const struct set_case {
	const char *expr;
	char field; /* m h d M w */
	const char *values;
} set_cases[] = {
	/* a,b  a-b  a-b/s  * /s  a/s */
	{"5 * * * *", 'm', "5"},
	{"5,7,7 * * * *", 'm', "5 7"},
	{"5-8 * * * *", 'm', "5 6 7 8"},
	{"5-12/3 * * * *", 'm', "5 8 11"},
	{"5-11/3,40 * * * *", 'm', "5 8 11 40"},
	{"*/20 * * * *", 'm', "0 20 40"},
	{"50/4 * * * *", 'm', "50 54 58"},
	{"0 20/1 * * *", 'h', "20 21 22 23"},
	{"0 0 28/2 * *", 'd', "28 30"},
	{"0 0 1 9/2 *", 'M', "9 11"},
	{"0 0 * * 2/2", 'w', "2 4 6"},
	{"* * * * *", 'h', "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
	{"* * * * *", 'M', "1 2 3 4 5 6 7 8 9 10 11 12"},
	{"0 */2 1 */4 *", 'M', "1 5 9"},
	/* a/s with a the maximum is an equal-ends range */
	{"59/5 * * * *", 'm', "0 5 10 15 20 25 30 35 40 45 50 55"},
	{"0 23/6 * * *", 'h', "0 6 12 18"},
	{"0 0 31/7 * *", 'd', "1 8 15 22 29"},
	{"0 0 1 dec/5 *", 'M', "1 6 11"},
	{"0 0 * * sat/3", 'w', "0 3 6"},
	/* leading zeros; large steps */
	{"007 * * * *", 'm', "7"},
	{"0 0 0001-004/02 * *", 'd', "1 3"},
	{"*/70 * * * *", 'm', "0"},
	{"*/99999999999999999999 * * * *", 'm', "0"},
	{"10-20/60 * * * *", 'm', "10"},
	{"58-10/70 * * * *", 'm', "58"},
	/* weekday 7 becomes 0 first, the maximum is 6 */
	{"0 0 * * 7", 'w', "0"},
	{"0 0 * * 5-7", 'w', "0 5 6"},
	{"0 0 5 * 0-7", 'w', "0 1 2 3 4 5 6"},
	{"0 0 * * 0-7/2", 'w', "0 2 4 6"},
	{"0 0 * * 7/3", 'w', "0 3 6"},
	{"0 0 * * 7-2", 'w', "0 1 2"},
	{"0 0 * * 1-7/2", 'w', "0 1 3 5"},
	/* reversed ranges wrap */
	{"0 22-2 * * *", 'h', "0 1 2 22 23"},
	{"0 0 1 nov-feb *", 'M', "1 2 11 12"},
	{"0 0 * * fri-mon", 'w', "0 1 5 6"},
	{"0 0 30-2 * *", 'd', "1 2 30 31"},
	{"58-10/5 * * * *", 'm', "4 9 58"},
	{"0 0 * * sat-tue/2", 'w', "2 6"},
	{"55-10/5 * * * *", 'm', "0 5 10 55"},
	{"0 20-5/2 * * *", 'h', "0 2 4 20 22"},
	{"0 21-5/2 * * *", 'h', "2 4 21 23"},
	{"0 0 1 oct-apr/3 *", 'M', "1 4 10"},
	{"0 0 1 nov-feb/2 *", 'M', "1 11"},
	/* equal ends: the whole field */
	{"0 10-10 * * *", 'h', "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
	{"0 0 1 jan-jan *", 'M', "1 2 3 4 5 6 7 8 9 10 11 12"},
	{"3-3/25 * * * *", 'm', "0 25 50"},
	{"0 0 5 * sun-7", 'w', "0 1 2 3 4 5 6"},
	{"0 0 5-5/10 * *", 'd', "1 11 21 31"},
	/* '*' in a list is everything */
	{"0 0 1 *,5 *", 'M', "1 2 3 4 5 6 7 8 9 10 11 12"},
	{"0 0 1 5,* *", 'M', "1 2 3 4 5 6 7 8 9 10 11 12"},
	/* names and case */
	{"0 0 1 JAN,Feb,mar,apr,may,jun *", 'M', "1 2 3 4 5 6"},
	{"0 0 1 jul,aug,sep,oct,nov,dec *", 'M', "7 8 9 10 11 12"},
	{"0 0 * * SUN,Mon,tue,wed", 'w', "0 1 2 3"},
	{"0 0 * * thu-6", 'w', "4 5 6"},
	{"0 0 1 mar-11/4 *", 'M', "3 7 11"},
	/* 'l' as a range end is 31 */
	{"0 0 28-l * *", 'd', "28 29 30 31"},
	{"0 0 5,25-L/3 * *", 'd', "5 25 28 31"},
	/* blanks are trimmed and of any kind */
	{"  1\t2 3   4 \t 5 \n", 'm', "1"},
	{"  1\t2 3   4 \t 5 \n", 'h', "2"},
	{"  1\t2 3   4 \t 5 \n", 'd', "3"},
	{"  1\t2 3   4 \t 5 \n", 'M', "4"},
	{"  1\t2 3   4 \t 5 \n", 'w', "5"},
};

START_TEST(a_field_means_the_values_of_the_grammar)
{
	const struct set_case *c = &set_cases[_i];
	struct cron cron = parse(c->expr);
	char text[256];
	uint64_t set = 0;

	switch (c->field) {
	case 'm':
		set = cron.minutes;
		break;
	case 'h':
		set = cron.hours;
		break;
	case 'd':
		set = cron.days;
		break;
	case 'M':
		set = cron.months;
		break;
	case 'w':
		set = cron.weekdays;
		break;
	}
	ck_assert_msg(strcmp(set_text(set, text), c->values) == 0, "'%s' %c: %s, not %s", c->expr,
		c->field, text, c->values);
}
END_TEST

/* The days of a month on which an expression with times fires, in UTC. */
static const struct day_case {
	const char *expr;
	int year, month;
	const char *days;
} day_cases[] = {
	/* May 2026 begins on a Friday and has 31 days. */
	{"0 0 l * *", 2026, 5, "31"},
	{"0 0 l * *", 2026, 2, "28"},
	{"0 0 l * *", 2028, 2, "29"},
	{"0 0 L,15 * *", 2026, 4, "15 30"},
	{"0 0 28-l * *", 2026, 2, "28"},
	{"0 0 28-l * *", 2026, 4, "28 29 30"},
	{"0 0 29-l * *", 2026, 2, ""},
	{"0 0 ? * 5", 2026, 5, "1 8 15 22 29"},
	{"0 0 15 * ?", 2026, 5, "15"},
	{"0 0 ? * ?", 2026, 2,
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28"},
	{"0 0 * * 0", 2026, 5, "3 10 17 24 31"},
	{"0 0 * * 7", 2026, 5, "3 10 17 24 31"},
	/* k-th and last weekdays */
	{"0 0 * * 5#2", 2026, 5, "8"},
	{"0 0 * * FRI#2", 2026, 5, "8"},
	{"0 0 * * fri#1,mon#1", 2026, 5, "1 4"},
	{"0 0 * * 5#5", 2026, 5, "29"},
	{"0 0 * * 1#5", 2026, 5, ""},
	{"0 0 * * mon-wed#2", 2026, 5, "11 12 13"},
	{"0 0 * * sat-mon#1", 2026, 5, "2 3 4"},
	{"0 0 * * sun-sun#1", 2026, 5, "1 2 3 4 5 6 7"},
	{"0 0 * * l5", 2026, 5, "29"},
	{"0 0 * * l5,L3", 2026, 5, "27 29"},
	{"0 0 * * 1#1,1#3", 2026, 5, "4 18"},
	{"0 0 * * 7#1", 2026, 5, "3"},
	{"0 0 * * l7", 2026, 5, "31"},
	{"0 0 * * l0", 2026, 5, "31"},
	{"0 0 * * 5#02", 2026, 5, "8"},
	{"0 0 * * l0,1#1", 2026, 5, "4 31"},
	/* they ignore the day of month */
	{"0 0 15 * 5#2", 2026, 5, "8"},
	{"0 0 1 * l5", 2026, 5, "29"},
	{"0 0 1-31 * 5#2", 2026, 5, "8"},
	/* both restricted: either */
	{"0 0 13 * fri", 2026, 5, "1 8 13 15 22 29"},
	{"0 0 l * mon", 2026, 5, "4 11 18 25 31"},
	{"0 0 */10 * mon", 2026, 5, "1 4 11 18 21 25 31"},
	{"0 0 */2 * 1-5/4", 2026, 5, "1 3 4 5 7 8 9 11 13 15 17 18 19 21 22 23 25 27 29 31"},
	{"0 0 15 * */6", 2026, 5, "2 3 9 10 15 16 17 23 24 30 31"},
	{"0 0 15 * *,1", 2026, 5, "15"},
	{"0 0 15 * *,5#2", 2026, 5, "15"},
	{"0 0 *,7 * 1", 2026, 5, "4 11 18 25"},
	/* a day field of every value is '*' if there is a star in the other one */
	{"0 0 1-31 * */2", 2026, 5, "2 3 5 7 9 10 12 14 16 17 19 21 23 24 26 28 30 31"},
	{"0 0 1-31 * 1", 2026, 2,
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28"},
	{"0 0 */1 * mon", 2026, 2,
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28"},
	{"0 0 */9 * 0-6", 2026, 5, "1 10 19 28"},
	{"0 0 */9 * mon-sun", 2026, 5, "1 10 19 28"},
	{"0 0 5 * 0-6", 2026, 2,
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28"},
	/* the calendar is followed after a short February */
	{"0 0 */30 * *", 2026, 2, "1"},
	{"0 0 */30 * *", 2026, 3, "1 31"},
	{"0 0 31/2 2 *", 2026, 2, "1 3 5 7 9 11 13 15 17 19 21 23 25 27"},
	{"0 0 29 2 *", 2026, 2, ""},
	{"0 0 29 2 *", 2028, 2, "29"},
	{"0 0 29 2 *", 2100, 2, ""},
	{"0 0 29 2 *", 2000, 2, "29"},
	{"0 0 1 6 *", 2026, 5, ""},
	/* the weekday nearest to a day, not leaving the month */
	{"0 0 15w * *", 2026, 5, "15"},
	{"0 0 16W * *", 2026, 5, "15"},
	{"0 0 17w * *", 2026, 5, "18"},
	{"0 0 31w * *", 2026, 5, "29"},
	{"0 0 1w * *", 2026, 8, "3"},
	{"0 0 31w * *", 2026, 2, "27"},
};

START_TEST(the_days_of_a_month_follow_both_day_fields)
{
	const struct day_case *c = &day_cases[_i];
	struct cron cron = parse(c->expr);
	struct tz *utc = tz_utc();
	int64_t first = civil_to_days(c->year, c->month, 1);
	int64_t us = first * US_PER_DAY - 1;
	uint64_t days = 0;
	char text[256];

	while ((us = cron_next(&cron, utc, us)) != TIME_NEVER) {
		int64_t day = us / US_PER_DAY - first;
		ck_assert_int_eq(us % US_PER_DAY, 0);
		if (day >= civil_days_in_month(c->year, c->month))
			break;
		days |= UINT64_C(1) << (day + 1);
	}
	ck_assert_msg(strcmp(set_text(days, text), c->days) == 0, "'%s': %s, not %s", c->expr, text,
		c->days);
	tz_free(utc);
}
END_TEST

static const struct bad_case {
	const char *expr;
	const char *error;
} bad_cases[] = {
	{"", "empty"},
	{"  \t ", "empty"},
	{"@daily", "'@'"},
	{" @hourly", "'@'"},
	{"@ * * * *", "'@'"},
	{"* * * *", "found 4"},
	{"* * * * * *", "found 6"},
	{"0 0 1 1 * 2026 *", "found 7"},
	{"60 * * * *", "minute: '60' is above 59"},
	{"61,5 * * * *", "minute: '61' is above 59"},
	{"* 24 * * *", "hour: '24' is above 23"},
	{"* * 0 * *", "day of month: '0' is below 1"},
	{"* * 32 * *", "day of month: '32' is above 31"},
	{"* * 0-5 * *", "day of month: '0' is below 1"},
	{"* * 5-0 * *", "day of month: '0' is below 1"},
	{"* * * 0 *", "month: '0' is below 1"},
	{"* * * 0-5 *", "month: '0' is below 1"},
	{"* * * 13 *", "month: '13' is above 12"},
	{"* * * * 8", "day of week: '8' is above 7"},
	{"* * * * 1-8", "day of week: '8' is above 7"},
	{"5-60 * * * *", "minute: '60' is above 59"},
	{"99999999999999999999 * * * *", "above 59"},
	{"-5 * * * *", "minute: '-5' lacks a value"},
	{"5- * * * *", "minute: '5-' lacks a value"},
	{"5,,6 * * * *", "minute: '5,,6' has an empty item"},
	{",5 * * * *", "minute: ',5' has an empty item"},
	{"5, * * * *", "minute: '5,' has an empty item"},
	{", * * * *", "minute: ',' has an empty item"},
	{"1.5 * * * *", "minute: '1.5' is not a value"},
	{"+5 * * * *", "minute: '+5' is not a value"},
	{"* * * janu *", "month: 'janu' is not a value"},
	{"* * * ja *", "month: 'ja' is not a value"},
	{"* * * mon *", "month: 'mon' is not a value"},
	{"* * * * jan", "day of week: 'jan' is not a value"},
	{"jan * * * *", "minute: 'jan' is not a value"},
	{"*/0 * * * *", "minute: '*/0' has a step of 0"},
	{"1-5/00 * * * *", "has a step of 0"},
	{"*/ * * * *", "a step that is not a number"},
	{"*/x * * * *", "a step that is not a number"},
	{"*/-2 * * * *", "a step that is not a number"},
	{"*/5/2 * * * *", "a step that is not a number"},
	{"/5 * * * *", "minute: '/5' lacks a value"},
	{"*-5 * * * *", "minute: '*' is not a value"},
	{"5-* * * * *", "minute: '*' is not a value"},
	{"1-2-3 * * * *", "minute: '2-3' is not a value"},
	{"5--6 * * * *", "is not a value"},
	{"** * * * *", "minute: '**' is not a value"},
	{"*5 * * * *", "is not a value"},
	{"? * * * *", "minute: '?' is not a value"},
	{"* ? * * *", "hour: '?' is not a value"},
	{"* * * ? *", "month: '?' is not a value"},
	{"* * ?,5 * *", "day of month: '?' is not a value"},
	{"* * * * 5,?", "day of week: '?' is not a value"},
	{"* * ?/2 * *", "day of month: '?' is not a value"},
	{"l * * * *", "minute: 'l' is not a value"},
	{"* * * l *", "month: 'l' is not a value"},
	{"* * * * l", "day of week: 'l' is not a value"},
	{"* * l-5 * *", "day of month: 'l' is not a value"},
	{"* * l/2 * *", "day of month: 'l' is not a value"},
	{"* * l5 * *", "day of month: 'l5' is not a value"},
	{"* * * * 5l", "day of week: '5l' is not a value"},
	{"* * * * l8", "day of week: '8' is above 7"},
	{"* * * * lfri", "day of week: 'lfri' is not a value"},
	{"* * * * l1-3", "day of week: 'l1' is not a value"},
	{"* * * * 5#0", "1 to 5 behind the '#'"},
	{"* * * * 5#6", "1 to 5 behind the '#'"},
	{"* * * * 5#", "1 to 5 behind the '#'"},
	{"* * * * 5#2#2", "1 to 5 behind the '#'"},
	{"* * * * 5#2/2", "1 to 5 behind the '#'"},
	{"* * * * #2", "'#2' lacks a value"},
	{"* * * * 8#2", "'8' is above 7"},
	{"* * * * *#2", "'*' is not a value"},
	{"* * * * 1-3#2", "needs names"},
	{"* * * * mon-3#2", "needs names"},
	{"* * 5#2 * *", "day of month: '5#2' is not a value"},
	{"* * * * 1,5#2", "mixes"},
	{"* * * * 5#2,mon", "mixes"},
	{"* * * * l5,1-3", "mixes"},
	{"* * * * *,4,5#2", "mixes"},
	{"h * * * *", "minute: 'h' is not a value"},
	{"h/5 * * * *", "minute: 'h' is not a value"},
	{"H(0-29) * * * *", "is not a value"},
	{"r,5 * * * *", "minute: 'r,5' is not a value"},
	{"5,r * * * *", "minute: 'r' is not a value"},
	{"r/0 * * * *", "minute: 'r/0' is not a value"},
	{"r(5-5) * * * *", "bad limits"},
	{"r(0-60) * * * *", "bad limits"},
	{"r(0-5 * * * *", "bad limits"},
	{"rx * * * *", "is not a value"},
	{"* * 15w,3 * *", "has 'w' in a list"},
	{"* * 32w * *", "'32' is above 31"},
	{"* * w * *", "'w' is not a value"},
	{"15w * * * *", "minute: '15w' is not a value"},
	{"0x10 * * * *", "is not a value"},
	{"\xd9\xa1 * * * *", "is not a value"},
};

START_TEST(a_bad_expression_is_rejected_with_the_field_named)
{
	const struct bad_case *c = &bad_cases[_i];
	struct err err = ERR_INIT;
	struct cron cron;

	ck_assert_msg(cron_parse(c->expr, 0, &cron, &err) == -1, "'%s' is accepted", c->expr);
	ck_assert_msg(strstr(err.text, c->error) != NULL, "'%s': '%s' lacks '%s'", c->expr,
		err.text, c->error);
	ck_assert_int_eq(err.code, ERR_USAGE);
}
END_TEST

START_TEST(an_endless_expression_is_rejected_or_read_without_harm)
{
	struct err err = ERR_INIT;
	struct cron cron;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, i == 0 ? "1" : ",59");
	buf_puts(&b, " * * * *");
	ck_assert_int_eq(cron_parse(buf_str(&b), 0, &cron, &err), 0);
	ck_assert(cron.minutes == (UINT64_C(1) << 1 | UINT64_C(1) << 59));
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, " * * * *");
	ck_assert_int_eq(cron_parse(buf_str(&b), 0, &cron, &err), -1);
	ck_assert_uint_lt(strlen(err.text), 100);
	buf_free(&b);
}
END_TEST

/* Fire instants one after the other, strictly after the first column. */
static const struct fire_case {
	const char *why, *expr, *zone, *after;
	const char *fires[5];
} fire_cases[] = {
	{"strictly after", "0 8 * * *", "UTC", "2024-05-20T08:00:00Z", {"2024-05-21T08:00:00Z"}},
	{"a microsecond before", "0 8 * * *", "UTC", "2024-05-20T07:59:59.999999Z",
		{"2024-05-20T08:00:00Z", "2024-05-21T08:00:00Z"}},
	{"in mid-minute", "* * * * *", "UTC", "2024-05-20T08:00:59.5Z",
		{"2024-05-20T08:01:00Z", "2024-05-20T08:02:00Z"}},
	{"over the year", "30 23 31 12 *", "UTC", "2024-12-31T23:30:00Z", {"2025-12-31T23:30:00Z"}},
	{"before 1970", "0 0 1 1 *", "UTC", "1955-06-01T00:00:00Z",
		{"1956-01-01T00:00:00Z", "1957-01-01T00:00:00Z"}},
	{"29 February over 2100", "0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z",
		{"2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"}},
	{"29 February in 2000", "0 0 29 2 *", "UTC", "1996-03-01T00:00:00Z",
		{"2000-02-29T00:00:00Z"}},
	{"a fifth Monday in February", "0 0 * 2 1#5", "UTC", "2072-03-01T00:00:00Z",
		{"2112-02-29T00:00:00Z"}},

	/* Amsterdam: back at 2024-10-27 01:00Z, 03:00 to 02:00 */
	{"daily 02:30 is once", "30 2 * * *", "Europe/Amsterdam", "2024-10-26T12:00:00Z",
		{"2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
	{"between the passes", "30 2 * * *", "Europe/Amsterdam", "2024-10-27T00:45:00Z",
		{"2024-10-28T01:30:00Z"}},
	{"in the second pass", "30 2 * * *", "Europe/Amsterdam", "2024-10-27T01:15:00Z",
		{"2024-10-28T01:30:00Z"}},
	{"two runs, not four", "0,30 2 * * *", "Europe/Amsterdam", "2024-10-26T12:00:00Z",
		{"2024-10-27T00:00:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:00:00Z"}},
	{"wildcard has no pause", "*/15 * * * *", "Europe/Amsterdam", "2024-10-27T00:30:00Z",
		{"2024-10-27T00:45:00Z", "2024-10-27T01:00:00Z", "2024-10-27T01:15:00Z",
			"2024-10-27T01:30:00Z", "2024-10-27T01:45:00Z"}},
	{"wildcard minute, fixed hour: both passes", "*/30 2 * * *", "Europe/Amsterdam",
		"2024-10-26T12:00:00Z",
		{"2024-10-27T00:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:00:00Z",
			"2024-10-27T01:30:00Z", "2024-10-28T01:00:00Z"}},
	{"fixed minute, wildcard hour: both passes", "30 */2 * * *", "Europe/Amsterdam",
		"2024-10-26T23:00:00Z",
		{"2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27T03:30:00Z"}},
	{"the slot at the end of the repeated hour", "0 3 * * *", "Europe/Amsterdam",
		"2024-10-26T12:00:00Z", {"2024-10-27T02:00:00Z", "2024-10-28T02:00:00Z"}},
	{"a star inside does not make a wildcard", "0,*/30 2 * * *", "Europe/Amsterdam",
		"2024-10-26T12:00:00Z",
		{"2024-10-27T00:00:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:00:00Z"}},

	/* Amsterdam: forward at 2024-03-31 01:00Z, 02:00 to 03:00 */
	{"missing 02:30", "30 2 * * *", "Europe/Amsterdam", "2024-03-30T12:00:00Z",
		{"2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"}},
	{"wildcard goes on", "*/15 * * * *", "Europe/Amsterdam", "2024-03-31T00:30:00Z",
		{"2024-03-31T00:45:00Z", "2024-03-31T01:00:00Z", "2024-03-31T01:15:00Z"}},
	{"wildcard of the missing hour: nothing", "*/15 2 * * *", "Europe/Amsterdam",
		"2024-03-30T12:00:00Z", {"2024-04-01T00:00:00Z"}},
	{"all slots of the gap together, with the one at its end", "0,30 2,3 * * *",
		"Europe/Amsterdam", "2024-03-30T12:00:00Z",
		{"2024-03-31T01:00:00Z", "2024-03-31T01:30:00Z", "2024-04-01T00:00:00Z"}},
	{"after the gap's one fire", "15,45 2 * * *", "Europe/Amsterdam", "2024-03-31T01:00:00Z",
		{"2024-04-01T00:15:00Z"}},
	{"a date that is only in the gap", "30 2 31 3 *", "Europe/Amsterdam",
		"2024-01-01T00:00:00Z", {"2024-03-31T01:00:00Z", "2025-03-31T00:30:00Z"}},

	/* New York: forward 2024-03-10 07:00Z, back 2024-11-03 06:00Z */
	{"New York, missing", "30 2 * * *", "America/New_York", "2024-03-09T12:00:00Z",
		{"2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z"}},
	{"New York, repeated", "30 1 * * *", "America/New_York", "2024-11-02T12:00:00Z",
		{"2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"}},
	{"New York, hourly", "0 * * * *", "America/New_York", "2024-11-03T04:30:00Z",
		{"2024-11-03T05:00:00Z", "2024-11-03T06:00:00Z", "2024-11-03T07:00:00Z"}},

	/* Lord Howe moves by half an hour: back 2024-04-06 15:00Z (02:00 to 01:30), forward
	 * 2024-10-05 15:30Z (02:00 to 02:30) */
	{"Lord Howe, repeated half hour", "45 1 * * *", "Australia/Lord_Howe",
		"2024-04-06T00:00:00Z", {"2024-04-06T14:45:00Z", "2024-04-07T15:15:00Z"}},
	{"Lord Howe, wildcard", "*/15 * * * *", "Australia/Lord_Howe", "2024-04-06T14:31:00Z",
		{"2024-04-06T14:45:00Z", "2024-04-06T15:00:00Z", "2024-04-06T15:15:00Z",
			"2024-04-06T15:30:00Z"}},
	{"Lord Howe, hourly skips to the full hour", "0 * * * *", "Australia/Lord_Howe",
		"2024-04-06T14:00:00Z", {"2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z"}},
	{"Lord Howe, gap", "0,15,30 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00:00Z",
		{"2024-10-05T15:30:00Z", "2024-10-06T15:00:00Z", "2024-10-06T15:15:00Z"}},

	/* Apia left out 2011-12-30: at 10:00Z from 30 December 00:00 (-10) to the 31st (+14) */
	{"Apia, a skipped day", "30 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
		{"2011-12-29T19:30:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:30:00Z"}},
	{"Apia, merged with the slot after it", "0 0 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
		{"2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
	{"Apia, only that day", "0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z",
		{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},
	{"Apia, wildcard", "0 */12 * * *", "Pacific/Apia", "2011-12-29T21:00:00Z",
		{"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},

	/* Kathmandu went from +5:30 to +5:45 at 1985-12-31 18:30Z */
	{"Kathmandu", "0 8 * * *", "Asia/Kathmandu", "2024-05-20T00:00:00Z",
		{"2024-05-20T02:15:00Z"}},
	{"Kathmandu, gap of a quarter", "10 0 * * *", "Asia/Kathmandu", "1985-12-31T00:00:00Z",
		{"1985-12-31T18:30:00Z", "1986-01-01T18:25:00Z"}},

	/* Kwajalein had no 21 August 1993; Casablanca is back an hour in Ramadan */
	{"Kwajalein", "0 6 * * *", "Pacific/Kwajalein", "1993-08-20T12:00:00Z",
		{"1993-08-20T18:00:00Z", "1993-08-21T12:00:00Z", "1993-08-21T18:00:00Z"}},
	{"Casablanca", "30 2 * * *", "Africa/Casablanca", "2023-03-18T12:00:00Z",
		{"2023-03-19T01:30:00Z", "2023-03-20T02:30:00Z"}},

	/* Monrovia was at -0:44:30 until 1972-01-07 00:44:30Z, then 0 */
	{"an offset with seconds: local seconds are 0", "0 12 * * *", "Africa/Monrovia",
		"1971-06-01T00:00:00Z", {"1971-06-01T12:44:30Z", "1971-06-02T12:44:30Z"}},
	{"... for wildcards too, up to the change", "*/2 * * * *", "Africa/Monrovia",
		"1972-01-07T00:41:00Z",
		{"1972-01-07T00:42:30Z", "1972-01-07T00:46:00Z", "1972-01-07T00:48:00Z"}},
	{"slots in a gap that is no whole minutes", "10 0 * * *", "Africa/Monrovia",
		"1972-01-06T12:00:00Z", {"1972-01-07T00:44:30Z", "1972-01-08T00:10:00Z"}},
};

START_TEST(fire_instants_follow_the_rule_for_offset_changes)
{
	const struct fire_case *c = &fire_cases[_i];
	struct cron cron = parse(c->expr);
	const struct tz *tz = zone_file(c->zone);
	int64_t us = at(c->after);

	for (size_t i = 0; i < ARRAY_LEN(c->fires) && c->fires[i] != NULL; i++) {
		char text[TIMEFMT_SIZE];
		us = cron_next(&cron, tz, us);
		time_format_utc(us, text);
		ck_assert_msg(us == at(c->fires[i]), "%s: '%s' in %s: %s, not %s", c->why, c->expr,
			c->zone, text, c->fires[i]);
	}
	zone_files_free();
}
END_TEST

START_TEST(an_impossible_date_parses_never_fires_and_costs_little)
{
	static const char *const exprs[] = {"0 0 31 2 *", "* * 31 2 *", "0 0 30 2 *",
		"*/5 * 31 4,6,9,11 *", "0 0 31 2 ?", "* * 30 feb *"};
	const struct tz *tz = zone_file("Europe/Amsterdam");
	int64_t now = at("2024-05-20T00:00:00Z");
	clock_t start = clock();

	for (size_t i = 0; i < ARRAY_LEN(exprs); i++) {
		struct cron cron = parse(exprs[i]);
		for (int n = 0; n < 10; n++)
			ck_assert(cron_next(&cron, tz, now) == TIME_NEVER);
		ck_assert(cron_last(&cron, tz, TIME_NONE, now, 10, NULL) == TIME_NONE);
	}
	/* Some 70 searches of 50 years: minute by minute, one alone would take as long. */
	ck_assert_msg(clock() - start < CLOCKS_PER_SEC, "took more than a second");
	zone_files_free();
}
END_TEST

START_TEST(times_beyond_all_years_do_no_harm)
{
	struct cron fixed = parse("0 0 * * *"), wildcard = parse("* * * * *");
	const struct tz *tz = zone_file("Europe/Amsterdam");
	const struct cron *crons[] = {&fixed, &wildcard};

	for (size_t i = 0; i < ARRAY_LEN(crons); i++) {
		ck_assert(cron_next(crons[i], tz, TIME_NEVER) == TIME_NEVER);
		ck_assert(cron_next(crons[i], tz, at("9999-12-31 23:59:59")) == TIME_NEVER);
		ck_assert(cron_next(crons[i], tz, at("9999-12-30 00:00:00")) != TIME_NEVER);
		ck_assert(cron_next(crons[i], tz, TIME_NONE) < at("0001-01-03 00:00:00"));
		ck_assert(cron_last(crons[i], tz, TIME_NONE, TIME_NONE, 1, NULL) == TIME_NONE);
		ck_assert(cron_last(crons[i], tz, TIME_NONE, TIME_NEVER, 1, NULL) != TIME_NONE);
		ck_assert(cron_last(crons[i], tz, TIME_NEVER, 0, 1, NULL) == TIME_NONE);
	}
	zone_files_free();
}
END_TEST

START_TEST(the_last_fire_and_the_count_agree_with_the_fires_one_by_one)
{
	static const char *const exprs[] = {"30 2 * * *", "*/15 2 * * *", "*/7 * * * *",
		"0 0 29 2 *", "* * 1 * *", "15,45 1-3 * * sun", "0 12 30 12 *"};
	static const char *const zones[] = {
		"Europe/Amsterdam", "Australia/Lord_Howe", "Pacific/Apia"};

	for (size_t i = 0; i < ARRAY_LEN(exprs) * ARRAY_LEN(zones); i++) {
		struct cron cron = parse(exprs[i / ARRAY_LEN(zones)]);
		const struct tz *tz = zone_file(zones[i % ARRAY_LEN(zones)]);
		int64_t floor_us = at("2011-09-20T00:00:00Z"), last_us = TIME_NONE, us = floor_us;
		for (int64_t n = 0, count; n < 300 && us < at("2013-01-01T00:00:00Z"); n++) {
			int64_t next_us = cron_next(&cron, tz, us);
			ck_assert(next_us > us);
			ck_assert(cron_last(&cron, tz, floor_us, next_us - 1, 5000, &count) ==
				last_us);
			ck_assert_int_eq(count, n);
			ck_assert(cron_last(&cron, tz, us, next_us, 5000, &count) == next_us);
			ck_assert_int_eq(count, 1);
			ck_assert(cron_last(&cron, tz, floor_us, next_us, n, &count) == next_us);
			ck_assert_int_eq(count, n);
			ck_assert(cron_last(&cron, tz, next_us, next_us, 5, &count) == TIME_NONE);
			ck_assert_int_eq(count, 0);
			us = last_us = next_us;
		}
	}
	zone_files_free();
}
END_TEST

START_TEST(random_fields_depend_on_the_seed_and_stay_in_range)
{
	struct err err = ERR_INIT;
	struct cron a, b;
	uint64_t minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0, limited = 0, steps = 0;

	for (uint64_t seed = 0; seed < 3000; seed++) {
		ck_assert_int_eq(cron_parse("r R r r r", seed, &a, &err), 0);
		ck_assert_int_eq(cron_parse("r r r r r", seed, &b, &err), 0);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		ck_assert(a.random && a.fixed_time);
		ck_assert_int_eq(__builtin_popcountll(a.minutes), 1);
		minutes |= a.minutes;
		hours |= a.hours;
		days |= a.days;
		months |= a.months;
		weekdays |= a.weekdays;
		ck_assert_int_eq(cron_parse("r(20-29) r/5 * * *", seed, &a, &err), 0);
		limited |= a.minutes;
		steps |= a.hours;
		ck_assert_int_ge(__builtin_popcount(a.hours), 4);
		ck_assert_int_eq(cron_parse("r(10-12)/70 r(3-9)/3 * * *", seed, &a, &err), 0);
		ck_assert((a.minutes & ~UINT64_C(0x1c00)) == 0 && a.minutes != 0);
		ck_assert((a.hours & ~UINT32_C(0x3f8)) == 0 && a.hours != 0);
	}
	ck_assert(minutes == (UINT64_C(1) << 60) - 1);
	ck_assert(hours == 0xffffff && days == 0xfffffffe && months == 0x1ffe && weekdays == 0x7f);
	ck_assert(limited == 0x3ff00000 && steps == 0xffffff);
	ck_assert(!parse("0 0 * * *").random);
}
END_TEST

/* "N1 N2 N3", "N1 >T", ">T" or "never", see cron_model.py */
static void
check_fires(const char *line, const struct cron *cron, const struct tz *tz, int64_t after_us,
	char *text)
{
	int64_t us = after_us, n = 0, count;

	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "), n++) {
		int64_t next_us = cron_next(cron, tz, us);
		int64_t want_us = strtoll(word + (word[0] == '>'), NULL, 10) * US_PER_SEC;
		if (strcmp(word, "never") == 0)
			want_us = TIME_NEVER;
		if (word[0] == '>' && next_us > want_us)
			break;
		ck_assert_msg(next_us == want_us, "%s: number %d is %lld", line, (int)n + 1,
			(long long)(next_us / US_PER_SEC));
		if (want_us == TIME_NEVER)
			break;
		ck_assert(cron_last(cron, tz, us, next_us - 1, 1, NULL) == TIME_NONE);
		us = next_us;
	}
	if (n > 0)
		ck_assert(cron_last(cron, tz, after_us, us, 10, &count) == us && count == n);
}

START_TEST(fires_are_those_of_the_independent_model)
{
	FILE *f = fopen(vector_file, "re");
	char *line = NULL, *copy;
	size_t cap = 0;
	int n = 0;

	ck_assert_msg(f != NULL, "no %s", vector_file);
	for (; getline(&line, &cap, f) > 0; n++) {
		struct err err = ERR_INIT;
		struct cron cron;
		char *rest, *expr, *zone, *after;
		line[strcspn(line, "\n")] = '\0';
		copy = rest = xstrdup(line);
		expr = strsep(&rest, "|");
		zone = strsep(&rest, "|");
		ck_assert_msg(zone != NULL, "%s", line);
		if (strcmp(zone, "invalid") == 0) {
			ck_assert_msg(
				cron_parse(expr, 0, &cron, &err) != 0, "%s: is accepted", line);
		} else {
			ck_assert_msg(
				cron_parse(expr, 0, &cron, &err) == 0, "%s: %s", line, err.text);
			after = strsep(&rest, "|");
			ck_assert_msg(rest != NULL, "%s", line);
			check_fires(line, &cron, zone_file(zone),
				strtoll(after, NULL, 10) * US_PER_SEC, rest);
		}
		free(copy);
	}
	ck_assert_int_gt(n, 0);
	free(line);
	fclose(f);
	zone_files_free();
}
END_TEST

static Suite *
cron_suite(bool replay_only)
{
	Suite *s = suite_create("cron");
	TCase *tc = tcase_create("grammar");

	if (!replay_only) {
		tcase_add_loop_test(
			tc, a_field_means_the_values_of_the_grammar, 0, ARRAY_LEN(set_cases));
		tcase_add_loop_test(
			tc, the_days_of_a_month_follow_both_day_fields, 0, ARRAY_LEN(day_cases));
		tcase_add_loop_test(tc, a_bad_expression_is_rejected_with_the_field_named, 0,
			ARRAY_LEN(bad_cases));
		tcase_add_test(tc, an_endless_expression_is_rejected_or_read_without_harm);
		tcase_add_test(tc, random_fields_depend_on_the_seed_and_stay_in_range);
		suite_add_tcase(s, tc);
		tc = tcase_create("fires");
		tcase_add_loop_test(tc, fire_instants_follow_the_rule_for_offset_changes, 0,
			ARRAY_LEN(fire_cases));
		tcase_add_test(tc, an_impossible_date_parses_never_fires_and_costs_little);
		tcase_add_test(tc, times_beyond_all_years_do_no_harm);
		tcase_add_test(tc, the_last_fire_and_the_count_agree_with_the_fires_one_by_one);
		suite_add_tcase(s, tc);
		tc = tcase_create("vectors");
	}
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, fires_are_those_of_the_independent_model);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (argc > 1)
		vector_file = argv[1];
	runner = srunner_create(cron_suite(argc > 1));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
