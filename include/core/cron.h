/*
 * Cron expressions: five fields, the grammar of contract 4.6 (croniter 5 and newer), and the rule of
 * contract 4.5 for changes of the UTC offset.
 */
#ifndef FF_CORE_CRON_H
#define FF_CORE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/tz.h"

/* A compiled expression: plain data, copyable, no owner. Fields are bit sets. */
struct cron {
	uint64_t minutes;  /* bit m, 0..59 */
	uint32_t hours;    /* bit h, 0..23 */
	uint32_t days;     /* bit d, 1..31 */
	uint16_t months;   /* bit m, 1..12 */
	uint8_t weekdays;  /* bit w, 0 = Sunday .. 6 */
	uint8_t last_day;  /* set: 'l' in the day field; see cron.c for how it combines */
	uint8_t nth[7];    /* per weekday: bits 1..5 for '#k', bit 6 for 'l' (last) */
	bool any_nth;      /* the weekday field is made of '#' or 'l<n>' items */
	bool days_star;    /* the field counts as unrestricted */
	bool weekdays_star;
	bool fixed_time;   /* neither minute nor hour starts with '*': see cron_next */
	bool has_last_range; /* days 'l' as a range end */
	uint8_t last_range_from[4]; /* up to 4 such ranges: start, and step in the next array */
	uint8_t last_range_step[4];
	uint8_t n_last_ranges;
	uint8_t random_mask; /* fields given as 'r': their value was drawn by cron_parse */
};

/*
 * Compiles an expression. Leading and trailing blanks are ignored, case too. On failure err names
 * the field and what is wrong with it ("minute: '61' is above 59"). seed feeds 'r' (random) fields,
 * so that the same seed gives the same value.
 */
int cron_parse(const char *expr, uint64_t seed, struct cron *cron, struct err *err);

/*
 * The first fire instant strictly after after_us (wall time), in zone tz. TIME_NEVER when there is
 * none within 50 years. Always a whole minute of local time, or the instant of an offset change.
 *
 * Wildcard jobs (minute or hour starts with '*') fire at each UTC minute whose wall clock matches.
 * Fixed-time jobs fire once per wall-clock slot: in a repeated hour at its first pass, and slots in
 * a gap together, once, at the first instant after the gap.
 */
int64_t cron_next(const struct cron *cron, const struct tz *tz, int64_t after_us);

/*
 * The last fire instant at or before at_us, not looking back beyond floor_us (exclusive).
 * TIME_NONE when there is none. With the number of fire instants in (floor_us, at_us] in *count
 * (may be NULL; counting stops at count_max).
 */
int64_t cron_last(const struct cron *cron, const struct tz *tz, int64_t floor_us, int64_t at_us,
	int64_t count_max, int64_t *count);

#endif
