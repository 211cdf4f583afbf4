#include "base/timefmt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define ERA_YEARS 400
#define ERA_DAYS 146097
/* 0000-03-01, where eras of years that begin in March count from, in days before 1970-01-01. */
#define MARCH_ZERO 719468

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
floor_mod(int64_t a, int64_t b)
{
	return a % b + (a % b < 0 ? b : 0);
}

/* eras * ERA_DAYS + days; when the result is in range, so is every step on the way. */
static int64_t
era_days(int64_t eras, int64_t days)
{
	int64_t product, sum;
	bool overflow;

	eras += floor_div(days, ERA_DAYS);
	days = floor_mod(days, ERA_DAYS);
	if (eras < 0) { /* both parts of the same sign */
		eras++;
		days -= ERA_DAYS;
	}
	overflow = __builtin_mul_overflow(eras, (int64_t)ERA_DAYS, &product) ||
		__builtin_add_overflow(product, days, &sum);
	assert(!overflow);
	return sum;
}

/*
 * Years are taken to begin in March, so that the leap day is the last of its year and the months
 * before it have the fixed lengths that (153 * m + 2) / 5 sums up.
 */
int64_t
civil_to_days(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	assert(month >= 1 && month <= 12);
	era = floor_div(year, ERA_YEARS);
	year_of_era = floor_mod(year, ERA_YEARS);
	if (month <= 2 && --year_of_era < 0) {
		year_of_era += ERA_YEARS;
		era--;
	}
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	return era_days(era,
		year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - MARCH_ZERO);
}

void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t shifted = floor_mod(days, ERA_DAYS) + MARCH_ZERO;
	int64_t era = floor_div(days, ERA_DAYS) + shifted / ERA_DAYS;
	int64_t doe = shifted % ERA_DAYS; /* day of era, 0..146096 */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t m = (5 * doy + 2) / 153; /* 0 = March */

	*day = (int)(doy - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = era * ERA_YEARS + yoe + (*month <= 2);
}

int
civil_weekday(int64_t days)
{
	return (int)((floor_mod(days, 7) + 4) % 7); /* 1970-01-01 was a Thursday */
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
civil_days_in_month(int64_t year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	assert(month >= 1 && month <= 12);
	return month == 2 && is_leap(year) ? 29 : lengths[month - 1];
}

int64_t
civil_to_us(const struct civil *c)
{
	int64_t days = civil_to_days(c->year, c->month, c->day), us;
	int64_t of_day =
		c->hour * US_PER_HOUR + c->minute * US_PER_MIN + c->second * US_PER_SEC + c->us;
	bool overflow;

	if (days < 0) { /* both parts of the same sign, as in era_days */
		days++;
		of_day -= US_PER_DAY;
	}
	overflow = __builtin_mul_overflow(days, US_PER_DAY, &us) ||
		__builtin_add_overflow(us, of_day, &us);
	assert(!overflow);
	return us;
}

void
civil_from_us(int64_t us, struct civil *c)
{
	int64_t of_day = floor_mod(us, US_PER_DAY);

	civil_from_days(floor_div(us, US_PER_DAY), &c->year, &c->month, &c->day);
	c->hour = (int)(of_day / US_PER_HOUR);
	c->minute = (int)(of_day % US_PER_HOUR / US_PER_MIN);
	c->second = (int)(of_day % US_PER_MIN / US_PER_SEC);
	c->us = (int)(of_day % US_PER_SEC);
}

/* What the forms differ in. */
enum fraction { FRACTION_NEVER, FRACTION_IF_ANY, FRACTION_ALWAYS };

static void
format(int64_t us, char between, enum fraction fraction, const char *zone, char *out)
{
	struct civil c;
	int n;

	civil_from_us(us, &c);
	n = snprintf(out, TIMEFMT_SIZE, "%04" PRId64 "-%02d-%02d%c%02d:%02d:%02d", c.year, c.month,
		c.day, between, c.hour, c.minute, c.second);
	assert(n > 0 && n < TIMEFMT_SIZE);
	if (fraction == FRACTION_ALWAYS || (fraction == FRACTION_IF_ANY && c.us != 0))
		n += snprintf(out + n, (size_t)(TIMEFMT_SIZE - n), ".%06d", c.us);
	snprintf(out + n, (size_t)(TIMEFMT_SIZE - n), "%s", zone);
}

void
time_format_catalog(int64_t us, char out[TIMEFMT_SIZE])
{
	format(us, ' ', FRACTION_ALWAYS, "", out);
}

void
time_format_utc(int64_t us, char out[TIMEFMT_SIZE])
{
	format(us, 'T', FRACTION_IF_ANY, "Z", out);
}

void
time_format_api(int64_t us, char out[TIMEFMT_SIZE])
{
	format(us, 'T', FRACTION_IF_ANY, "", out);
}

void
time_format_human(int64_t us, char out[TIMEFMT_SIZE])
{
	format(us, ' ', FRACTION_NEVER, "", out);
}

void
time_format_duration(int64_t us, char out[TIMEFMT_SIZE])
{
	const char *sign = us < 0 ? "-" : "";
	uint64_t ms = (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) / 1000;
	uint64_t s = ms / 1000;

	if (ms == 0)
		sign = "";
	if (s == 0)
		snprintf(out, TIMEFMT_SIZE, "%s%" PRIu64 "ms", sign, ms);
	else if (s < 60)
		snprintf(out, TIMEFMT_SIZE, "%s%" PRIu64 "s", sign, s);
	else if (s < 3600)
		snprintf(out, TIMEFMT_SIZE, "%s%" PRIu64 "m %02" PRIu64 "s", sign, s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TIMEFMT_SIZE, "%s%" PRIu64 "h %02" PRIu64 "m", sign, s / 3600,
			s % 3600 / 60);
	else
		snprintf(out, TIMEFMT_SIZE, "%s%" PRIu64 "d %" PRIu64 "h", sign, s / 86400,
			s % 86400 / 3600);
}

/* Reads exactly n digits at *p and moves it on; false if there are not as many. */
static bool
take_digits(const char **p, int n, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return true;
}

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool
take_date(const char **p, struct civil *c)
{
	int year;

	if (!take_digits(p, 4, &year) || !take_char(p, '-') || !take_digits(p, 2, &c->month) ||
		!take_char(p, '-') || !take_digits(p, 2, &c->day))
		return false;
	c->year = year;
	return year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
		c->day <= civil_days_in_month(year, c->month);
}

/* 1 to 9 digits; what is finer than a microsecond is dropped. */
static bool
take_fraction(const char **p, int *us)
{
	int n = 0;

	for (*us = 0; **p >= '0' && **p <= '9'; (*p)++, n++) {
		if (n < 6)
			*us = *us * 10 + (**p - '0');
	}
	for (int i = n; i < 6; i++)
		*us *= 10;
	return n >= 1 && n <= 9;
}

/* HH:MM[:SS[.fraction]] */
static bool
take_time(const char **p, struct civil *c)
{
	if (!take_digits(p, 2, &c->hour) || !take_char(p, ':') || !take_digits(p, 2, &c->minute))
		return false;
	if (take_char(p, ':')) {
		if (!take_digits(p, 2, &c->second))
			return false;
		if (take_char(p, '.') && !take_fraction(p, &c->us))
			return false;
	}
	return c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

/* "", "Z", or an offset as +HH, +HHMM or +HH:MM. */
static bool
take_zone(const char **p, int64_t *offset_us)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes = 0;

	*offset_us = 0;
	if (**p == '\0' || take_char(p, 'Z'))
		return true;
	if (!take_char(p, '+') && !take_char(p, '-'))
		return false;
	if (!take_digits(p, 2, &hours))
		return false;
	if (**p != '\0') {
		(void)take_char(p, ':');
		if (!take_digits(p, 2, &minutes))
			return false;
	}
	*offset_us = sign * (hours * US_PER_HOUR + minutes * US_PER_MIN);
	return hours <= 23 && minutes <= 59;
}

bool
time_parse(const char *text, int64_t *us)
{
	struct civil c = {0};
	const char *p = text;
	int64_t offset_us = 0;

	if (text == NULL || !take_date(&p, &c))
		return false;
	if (*p != '\0') {
		if (!take_char(&p, ' ') && !take_char(&p, 'T'))
			return false;
		if (!take_time(&p, &c) || !take_zone(&p, &offset_us) || *p != '\0')
			return false;
	}
	*us = civil_to_us(&c) - offset_us;
	return true;
}
