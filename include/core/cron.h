/*
 * Cron expressions: five fields, the grammar of contract 4.6 (croniter 5 and newer), and the rule of
 * contract 4.5 for changes of the UTC offset.
 *
 * Wildcard jobs (the minute or the hour field starts with '*') follow real time: they fire at each
 * instant whose wall clock shows a matching minute and no seconds, so twice in a repeated hour and
 * not at all in a gap. Fixed-time jobs fire once per wall-clock slot, when the wall clock first
 * reaches or passes it: in a repeated hour at its first pass, and slots in a gap together, once, at
 * the first instant after the gap.
 */
#ifndef FF_CORE_CRON_H
#define FF_CORE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/tz.h"

/* Bits of struct cron's nth: 1..5 for '#1'..'#5', and this one for 'l' (the last one of a month). */
#define CRON_NTH_LAST 6

/*
 * A compiled expression: plain data, copyable, no owner. A time matches if its minute, hour and
 * month are in their sets and any of the day members says yes; the parser has settled which of the
 * two day fields count, and leaves the others empty.
 */
struct cron {
	uint64_t minutes; /* bit m, 0..59 */
	uint32_t hours; /* bit h, 0..23 */
	uint32_t days; /* bit d, 1..31; all of them for "every day" */
	uint16_t months; /* bit m, 1..12 */
	uint8_t weekdays; /* bit w, 0 = Sunday .. 6 */
	uint8_t nth[7]; /* per weekday: which of the month's, see CRON_NTH_LAST */
	uint8_t nearest_weekday; /* '15w': Monday to Friday closest to this day, within its month; or 0 */
	bool has_nth; /* some nth is not empty */
	bool last_day; /* the last day of the month */
	bool fixed_time;
	bool random; /* a field was given as 'r': cron_parse with another seed gives other times */
};

/*
 * Compiles an expression. Leading and trailing blanks are ignored, case too. On failure err names
 * the field and what is wrong with it ("minute: '61' is above 59"), code ERR_USAGE. seed feeds 'r'
 * (random) fields, so that the same seed gives the same value.
 */
int cron_parse(const char *expr, uint64_t seed, struct cron *cron, struct err *err);

/*
 * The first fire instant strictly after after_us (wall time), in zone tz. TIME_NEVER when there is
 * none within 50 years.
 */
int64_t cron_next(const struct cron *cron, const struct tz *tz, int64_t after_us);

/*
 * The last fire instant at or before at_us, not looking back beyond floor_us (exclusive) nor more
 * than 50 years. TIME_NONE when there is none. With the number of fire instants in that stretch in
 * *count (may be NULL; counting stops at count_max).
 */
int64_t cron_last(const struct cron *cron, const struct tz *tz, int64_t floor_us, int64_t at_us,
	int64_t count_max, int64_t *count);

#endif
