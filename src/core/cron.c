/*
 * When a compiled expression fires: a calendar search in local time, month by month and not minute
 * by minute, and its translation to instants (contract 4.5, the wanted rule).
 */
#include <assert.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "core/cron.h"

#define MINUTES_PER_DAY 1440
#define SEARCH_US (50 * 366 * US_PER_DAY)

/* Years 1 to 9999, where no sum overflows. Nothing fires outside. */
#define EARLIEST_US (INT64_C(-62135596800) * US_PER_SEC)
#define LATEST_US (INT64_C(253402300799) * US_PER_SEC)

static int64_t
div_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The days of a month on which a weekday is the k-th or the last of it. */
static uint32_t
nth_days(uint8_t nth, int first_day, int n_days)
{
	uint32_t set = 0;
	int last_day = first_day + (n_days - first_day) / 7 * 7;

	for (int k = 1; k <= 5; k++) {
		if ((nth >> k & 1) != 0 && first_day + 7 * (k - 1) <= n_days)
			set |= UINT32_C(1) << (first_day + 7 * (k - 1));
	}
	if ((nth >> CRON_NTH_LAST & 1) != 0)
		set |= UINT32_C(1) << last_day;
	return set;
}

/* The Monday to Friday closest to a day without leaving its month; a day past its end is its end. */
static int
nearest_weekday(int day, int weekday_of_first, int n_days)
{
	int weekday;

	if (day > n_days)
		day = n_days;
	weekday = (weekday_of_first + day - 1) % 7;
	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < n_days ? day + 1 : day - 2;
	return day;
}

/* The matching days of a month, bits 1..31. */
static uint32_t
month_days(const struct cron *cron, int64_t year, int month)
{
	int n_days = civil_days_in_month(year, month);
	int first = civil_weekday(civil_to_days(year, month, 1));
	uint32_t set = cron->days;

	for (int w = 0; w < 7; w++) {
		int day = 1 + (w - first + 7) % 7;
		/* Bits 0, 7, 14, 21, 28: the same weekday all through the month. */
		if ((cron->weekdays >> w & 1) != 0)
			set |= UINT32_C(0x10204081) << day;
		if (cron->has_nth)
			set |= nth_days(cron->nth[w], day, n_days);
	}
	if (cron->last_day)
		set |= UINT32_C(1) << n_days;
	if (cron->nearest_weekday != 0)
		set |= UINT32_C(1) << nearest_weekday(cron->nearest_weekday, first, n_days);
	return set & (uint32_t)((UINT64_C(2) << n_days) - 2);
}

/* The first matching minute of a day, from the given one on; -1 if there is none. */
static int
day_minute(const struct cron *cron, int from)
{
	int hour = from / 60;
	uint64_t minutes = cron->minutes & (UINT64_MAX << (from % 60));
	uint32_t hours = cron->hours & (uint32_t)(UINT64_C(0xffffffff) << hour);

	if ((hours >> hour & 1) != 0) {
		if (minutes != 0)
			return hour * 60 + __builtin_ctzll(minutes);
		hours &= hours - 1;
	}
	if (hours == 0)
		return -1;
	return __builtin_ctz(hours) * 60 + __builtin_ctzll(cron->minutes);
}

/* The first matching day after a given one; may look a year past to_day. INT64_MAX if none. */
static int64_t
day_after(const struct cron *cron, int64_t after_day, int64_t to_day)
{
	int64_t year;
	int month, day;
	uint32_t later; /* the days of the first month that count */

	civil_from_days(after_day, &year, &month, &day);
	later = (uint32_t)(UINT64_C(0xfffffffe) << day);
	for (; civil_to_days(year, 1, 1) <= to_day; year++, month = 1) {
		for (; month <= 12; month++) {
			uint32_t days;
			if ((cron->months >> month & 1) == 0) {
				later = UINT32_MAX;
				continue;
			}
			days = month_days(cron, year, month) & later;
			later = UINT32_MAX;
			if (days != 0)
				return civil_to_days(year, month, __builtin_ctz(days));
		}
	}
	return INT64_MAX;
}

/* The first matching local time, a whole minute, in [from_us, to_us). TIME_NEVER if there is none. */
static int64_t
match_local(const struct cron *cron, int64_t from_us, int64_t to_us)
{
	int64_t from_minute = div_floor(from_us + US_PER_MIN - 1, US_PER_MIN);
	int64_t day = div_floor(from_minute, MINUTES_PER_DAY);
	int minute = day_minute(cron, (int)(from_minute - day * MINUTES_PER_DAY));
	int64_t next = minute < 0 ? day : day - 1; /* the first day to look at, less one */
	int64_t found, at_us;

	found = day_after(cron, next, div_floor(to_us, US_PER_DAY));
	if (found == INT64_MAX)
		return TIME_NEVER;
	if (found != day)
		minute = day_minute(cron, 0);
	at_us = (found * MINUTES_PER_DAY + minute) * US_PER_MIN;
	return at_us < to_us ? at_us : TIME_NEVER;
}

/* Stretch by stretch of one offset: matching local times are instants as they are. */
static int64_t
next_wildcard(const struct cron *cron, const struct tz *tz, int64_t after_us, int64_t limit_us)
{
	struct tz_span span = tz_span_at(tz, after_us + 1);
	int64_t from_us = after_us + 1;

	for (;;) {
		int64_t to_us = span.end_us < limit_us + 1 ? span.end_us : limit_us + 1;
		int64_t local_us =
			match_local(cron, from_us + span.offset_us, to_us + span.offset_us);
		if (local_us != TIME_NEVER)
			return local_us - span.offset_us;
		if (to_us > limit_us)
			return TIME_NEVER;
		from_us = to_us;
		span = tz_span_at(tz, from_us);
	}
}

/* The earliest local time that the wall clock has neither shown nor passed until an instant. */
static int64_t
first_unseen(const struct tz *tz, int64_t at_us)
{
	struct tz_span span = tz_span_at(tz, at_us);
	int64_t unseen_us = at_us + 1 + span.offset_us;
	int64_t oldest_us = at_us - (TZ_OFFSET_MAX_US - TZ_OFFSET_MIN_US);

	/* Before the clock went back, by no more than the widest difference, it had come further. */
	while (span.start_us != TIME_NONE && span.start_us > oldest_us) {
		int64_t change_us = span.start_us;
		span = tz_span_at(tz, change_us - 1);
		if (change_us + span.offset_us > unseen_us)
			unseen_us = change_us + span.offset_us;
	}
	return unseen_us;
}

/* The first instant at which the wall clock shows a local time or a later one. */
static int64_t
first_reached(const struct tz *tz, int64_t local_us, int64_t after_us)
{
	int64_t from_us = local_us - TZ_OFFSET_MAX_US;
	struct tz_span span = tz_span_at(tz, from_us > after_us ? from_us : after_us);

	for (;;) {
		int64_t at_us = local_us - span.offset_us;
		if (at_us < span.end_us)
			return at_us > span.start_us ? at_us : span.start_us;
		span = tz_span_at(tz, span.end_us);
	}
}

/* The next slot that the wall clock has not come to yet, and when it does. */
static int64_t
next_fixed(const struct cron *cron, const struct tz *tz, int64_t after_us, int64_t limit_us)
{
	int64_t from_us = first_unseen(tz, after_us);
	int64_t local_us = match_local(cron, from_us, limit_us + TZ_OFFSET_MAX_US + 1);
	int64_t at_us;

	if (local_us == TIME_NEVER)
		return TIME_NEVER;
	at_us = first_reached(tz, local_us, after_us);
	return at_us <= limit_us ? at_us : TIME_NEVER;
}

static int64_t
next_until(const struct cron *cron, const struct tz *tz, int64_t after_us, int64_t limit_us)
{
	if (after_us < EARLIEST_US)
		after_us = EARLIEST_US;
	if (limit_us > LATEST_US)
		limit_us = LATEST_US;
	if (after_us >= limit_us)
		return TIME_NEVER;
	return cron->fixed_time ? next_fixed(cron, tz, after_us, limit_us)
				: next_wildcard(cron, tz, after_us, limit_us);
}

int64_t
cron_next(const struct cron *cron, const struct tz *tz, int64_t after_us)
{
	if (after_us >= LATEST_US)
		return TIME_NEVER;
	if (after_us < EARLIEST_US)
		after_us = EARLIEST_US;
	return next_until(cron, tz, after_us, after_us + SEARCH_US);
}

static int64_t
count_fires(const struct cron *cron, const struct tz *tz, int64_t floor_us, int64_t at_us,
	int64_t count_max)
{
	int64_t n = 0;

	while (n < count_max) {
		floor_us = next_until(cron, tz, floor_us, at_us);
		if (floor_us == TIME_NEVER)
			break;
		n++;
	}
	return n;
}

/*
 * There is no search backwards: cron_next never decreases, so the last fire instant is found by
 * halving the stretch in which it must lie.
 */
int64_t
cron_last(const struct cron *cron, const struct tz *tz, int64_t floor_us, int64_t at_us,
	int64_t count_max, int64_t *count)
{
	int64_t last_us = TIME_NONE, low_us, high_us;

	if (at_us > LATEST_US)
		at_us = LATEST_US;
	if (at_us < EARLIEST_US)
		at_us = EARLIEST_US;
	if (floor_us < at_us - SEARCH_US)
		floor_us = at_us - SEARCH_US;
	/* Nothing fires in (high_us, at_us]; what fires in (low_us, high_us] is not known yet. */
	low_us = floor_us;
	high_us = at_us;
	while (low_us < high_us) {
		int64_t middle_us = last_us == TIME_NONE ? low_us : low_us + (high_us - low_us) / 2;
		int64_t next_us = next_until(cron, tz, middle_us, high_us);
		if (next_us != TIME_NEVER) {
			low_us = last_us = next_us;
		} else {
			high_us = middle_us;
		}
	}
	if (count != NULL)
		*count = last_us == TIME_NONE ? 0
					      : count_fires(cron, tz, floor_us, at_us, count_max);
	return last_us;
}
