/*
 * Time zones, from TZif bytes that somebody else read (the core touches no files).
 *
 * A zone is immutable after tz_parse() and can be shared, between threads too. Instants are wall
 * time in microseconds since 1970 UTC (base/clock.h); "local" is civil time in the zone, expressed
 * as the microseconds it would be if it were UTC. Before the first transition the first local time
 * type holds, after the last one the POSIX TZ footer, for ever (RFC 8536).
 */
#ifndef FF_CORE_TZ_H
#define FF_CORE_TZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct tz; /* owned by whoever called tz_parse() or tz_utc() */

/* Every offset of every zone lies within these (RFC 8536 3.2), in microseconds east of UTC. */
#define TZ_OFFSET_MIN_US (-89999 * US_PER_SEC)
#define TZ_OFFSET_MAX_US (93599 * US_PER_SEC)

/* Reads TZif version 1 to 4 (RFC 8536, RFC 9636). NULL with err if the bytes are malformed. */
struct tz *tz_parse(const char *name, const void *data, size_t len, struct err *err);
struct tz *tz_utc(void);
void tz_free(struct tz *tz);
const char *tz_name(const struct tz *tz);

/* Whether a zone key may be looked up at all (contract 4.6): relative, normalized, no "..", not
 * empty, printable. Says nothing about whether such a zone exists. */
bool tz_name_is_safe(const char *name);

/* The longest stretch around an instant in which the offset does not change. */
struct tz_span {
	int64_t start_us; /* first instant of it; TIME_NONE when it has no beginning */
	int64_t end_us; /* first instant after it; TIME_NEVER when it has no end */
	int64_t offset_us;
};
struct tz_span tz_span_at(const struct tz *tz, int64_t utc_us);

/* Offset from UTC in force at an instant, in microseconds east. */
int64_t tz_offset_at(const struct tz *tz, int64_t utc_us);
int64_t tz_to_local(const struct tz *tz, int64_t utc_us);

/*
 * The first change of the UTC offset strictly after an instant. False if there is none before
 * limit_us. Transitions that leave the offset as it is do not count.
 */
struct tz_change {
	int64_t at_us;
	int64_t before_us, after_us; /* offsets on both sides */
};
bool tz_next_change(const struct tz *tz, int64_t after_us, int64_t limit_us, struct tz_change *out);

/*
 * How many instants have the local time local_us: 0 in a gap, 1 normally, 2 in a repeated hour (more
 * only for pathological zones). The two earliest are in *out, earliest first. In a gap, out[0] is
 * the instant of the change, the first after the gap.
 */
int tz_from_local(const struct tz *tz, int64_t local_us, int64_t out[2]);

#endif
