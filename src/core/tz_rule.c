/* The POSIX TZ string in the footer of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3". */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "tz_impl.h"

#define TEXT_LEN_MAX 256
#define PERIOD_YEARS 400

/* Reading from text; at most a NUL is read behind its end. */
struct scan {
	const char *at;
};

static bool
scan_char(struct scan *s, char c)
{
	if (*s->at != c)
		return false;
	s->at++;
	return true;
}

static bool
scan_number(struct scan *s, int min, int max, int *out)
{
	int n = 0;

	if (!isdigit((unsigned char)*s->at))
		return false;
	for (; isdigit((unsigned char)*s->at); s->at++) {
		n = n * 10 + (*s->at - '0');
		if (n > max)
			return false;
	}
	*out = n;
	return n >= min;
}

/* "CET", or "<+03>". The names themselves are of no use here. */
static bool
scan_name(struct scan *s)
{
	const char *start = s->at;
	bool quoted = scan_char(s, '<');

	while (isalpha((unsigned char)*s->at) ||
		(quoted && (isdigit((unsigned char)*s->at) || *s->at == '+' || *s->at == '-')))
		s->at++;
	if (quoted)
		return s->at - start >= 2 && scan_char(s, '>');
	return s->at - start >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool
scan_time(struct scan *s, int hours_max, int64_t *out_us)
{
	bool negative = false;
	int hours, minutes = 0, seconds = 0;

	if (scan_char(s, '-'))
		negative = true;
	else
		scan_char(s, '+');
	if (!scan_number(s, 0, hours_max, &hours))
		return false;
	if (scan_char(s, ':')) {
		if (!scan_number(s, 0, 59, &minutes))
			return false;
		if (scan_char(s, ':') && !scan_number(s, 0, 59, &seconds))
			return false;
	}
	*out_us = (hours * 3600 + minutes * 60 + seconds) * US_PER_SEC;
	if (negative)
		*out_us = -*out_us;
	return true;
}

/* ",M3.5.0/2", ",J60" or ",59/-1:30" */
static bool
scan_rule_day(struct scan *s, struct tz_rule_day *day)
{
	bool good;

	if (!scan_char(s, ','))
		return false;
	if (scan_char(s, 'M')) {
		day->kind = RULE_WEEKDAY;
		good = scan_number(s, 1, 12, &day->month) && scan_char(s, '.') &&
			scan_number(s, 1, 5, &day->week) && scan_char(s, '.') &&
			scan_number(s, 0, 6, &day->weekday);
	} else if (scan_char(s, 'J')) {
		day->kind = RULE_JULIAN;
		good = scan_number(s, 1, 365, &day->day);
	} else {
		day->kind = RULE_YEARDAY;
		good = scan_number(s, 0, 365, &day->day);
	}
	day->time_us = 2 * US_PER_HOUR;
	return good && (!scan_char(s, '/') || scan_time(s, 167, &day->time_us));
}

static bool
scan_rule(struct scan *s, struct tz_rule *rule)
{
	if (!scan_name(s) || !scan_time(s, 24, &rule->std_us))
		return false;
	rule->std_us = -rule->std_us; /* POSIX counts west */
	if (*s->at == '\0')
		return true;
	rule->has_dst = true;
	if (!scan_name(s))
		return false;
	rule->dst_us = rule->std_us + US_PER_HOUR;
	if (*s->at != ',') {
		if (!scan_time(s, 24, &rule->dst_us))
			return false;
		rule->dst_us = -rule->dst_us;
	}
	return scan_rule_day(s, &rule->start) && scan_rule_day(s, &rule->end) && *s->at == '\0';
}

int
tz_rule_parse(const char *text, size_t len, struct tz_rule *rule, struct err *err)
{
	char copy[TEXT_LEN_MAX + 1];
	struct scan s = {copy};

	memset(rule, 0, sizeof(*rule));
	if (len > TEXT_LEN_MAX)
		return err_set(err, ERR_FAILED, "TZ string of %zu bytes is too long", len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) != len || !scan_rule(&s, rule))
		return err_set(err, ERR_FAILED, "malformed TZ string");
	return 0;
}

/* The day, since 1970, on which the rule falls in a year. */
static int64_t
rule_day_of(const struct tz_rule_day *rule, int64_t year)
{
	int64_t first = civil_to_days(year, 1, 1);
	int ahead;

	switch (rule->kind) {
	case RULE_JULIAN:
		return first + rule->day - 1 +
			(rule->day >= 60 && civil_days_in_month(year, 2) == 29);
	case RULE_YEARDAY:
		return first + rule->day;
	case RULE_WEEKDAY:
		break;
	}
	first = civil_to_days(year, rule->month, 1);
	ahead = (rule->weekday - civil_weekday(first) + 7) % 7 + 7 * (rule->week - 1);
	if (ahead >= civil_days_in_month(year, rule->month))
		ahead -= 7;
	return first + ahead;
}

/* Keeps points sorted; of two at one instant the one that was added last stays behind. */
static void
insert_point(struct tz_point *points, size_t n, struct tz_point p)
{
	while (n > 0 && points[n - 1].at_us > p.at_us) {
		points[n] = points[n - 1];
		n--;
	}
	points[n] = p;
}

/* All starts and ends in a stretch of years, sorted. Returns how many: two a year. */
static size_t
list_points(const struct tz_rule *rule, int64_t year, int64_t n_years, struct tz_point *points)
{
	size_t n = 0;

	for (int64_t y = year; y < year + n_years; y++) {
		int64_t start_us = rule_day_of(&rule->start, y) * US_PER_DAY + rule->start.time_us;
		int64_t end_us = rule_day_of(&rule->end, y) * US_PER_DAY + rule->end.time_us;
		insert_point(points, n++, (struct tz_point){start_us - rule->std_us, rule->dst_us});
		insert_point(points, n++, (struct tz_point){end_us - rule->dst_us, rule->std_us});
	}
	return n;
}

/*
 * Rules reach up to eight days into the years beside theirs, and one that starts as the other year's
 * ends makes no change at all. So the list begins two years before from_us and goes on two years
 * behind the period that lookups fall into.
 */
void
tz_extend(struct tz *tz, const struct tz_rule *rule, int64_t from_us)
{
	struct tz_point *points;
	size_t n, i = 0;
	int64_t year;
	int month, day;

	if (!rule->has_dst) {
		tz_add(tz, from_us, rule->std_us);
		return;
	}
	civil_from_days(from_us / US_PER_DAY, &year, &month, &day);
	points = xcalloc(2 * (PERIOD_YEARS + 8), sizeof(*points));
	n = list_points(rule, year - 2, PERIOD_YEARS + 8, points);
	while (i < n && points[i].at_us <= from_us)
		i++;
	assert(i > 0);
	tz_add(tz, from_us, points[i - 1].offset_us);
	for (; i < n; i++)
		tz_add(tz, points[i].at_us, points[i].offset_us);
	tz->periodic = true;
	tz->table_end_us = civil_to_days(year + PERIOD_YEARS + 3, 1, 1) * US_PER_DAY;
	free(points);
}
