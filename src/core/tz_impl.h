/*
 * What the three files behind core/tz.h share: tz.c (the table and its lookups), tzif.c (reading
 * the bytes) and tz_rule.c (the POSIX TZ footer).
 */
#ifndef FF_CORE_TZ_IMPL_H
#define FF_CORE_TZ_IMPL_H

#include "core/tz.h"

/* From at_us on, until the next point, this offset holds. */
struct tz_point {
	int64_t at_us;
	int64_t offset_us;
};

/* Points ascend strictly, and each differs in offset from what held before it. */
struct tz {
	char *name;
	int64_t first_offset_us; /* before the first point */
	struct tz_point *points;
	size_t n, cap;
	bool periodic; /* the rules go on for ever ... */
	int64_t table_end_us; /* ... and points are complete only before this */
};

/* The Gregorian calendar repeats, weekdays too, after 400 years. */
#define TZ_PERIOD_US (INT64_C(146097) * US_PER_DAY)

/* A day of the year on which daylight saving time starts or ends, and the local time of that. */
struct tz_rule_day {
	enum { RULE_JULIAN, RULE_YEARDAY, RULE_WEEKDAY } kind;
	int day; /* Jn: 1..365, never 29 February; n: 0..365 */
	int month, week, weekday; /* Mm.w.d; week 5 is the last one */
	int64_t time_us; /* -167..167 hours after midnight, on the clock that was in force */
};

struct tz_rule {
	int64_t std_us, dst_us; /* offsets east of UTC */
	bool has_dst;
	struct tz_rule_day start, end; /* of daylight saving time */
};

/* Reads a POSIX TZ string with the extensions of RFC 8536 3.3.1: text, of len bytes, is all of it. */
int tz_rule_parse(const char *text, size_t len, struct tz_rule *rule, struct err *err);

/* Makes tz follow the rule from from_us on, which must not lie before its last point. */
void tz_extend(struct tz *tz, const struct tz_rule *rule, int64_t from_us);

/* A zone without any point, at offset 0. */
struct tz *tz_new(const char *name);

/* Appends a change; at_us must not lie before the last point. Replaces what the same instant had
 * before, and does nothing if the offset stays as it is. */
void tz_add(struct tz *tz, int64_t at_us, int64_t offset_us);

#endif
