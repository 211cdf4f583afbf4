/* The table of offset changes, and the lookups in it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/tz.h"
#include "tz_impl.h"

#define NAME_LEN_MAX 255

struct tz *
tz_new(const char *name)
{
	struct tz *tz = xcalloc(1, sizeof(*tz));

	tz->name = xstrdup(name);
	return tz;
}

struct tz *
tz_utc(void)
{
	return tz_new("UTC");
}

void
tz_free(struct tz *tz)
{
	if (tz == NULL)
		return;
	free(tz->points);
	free(tz->name);
	free(tz);
}

const char *
tz_name(const struct tz *tz)
{
	return tz->name;
}

void
tz_add(struct tz *tz, int64_t at_us, int64_t offset_us)
{
	assert(tz->n == 0 || tz->points[tz->n - 1].at_us <= at_us);
	if (tz->n > 0 && tz->points[tz->n - 1].at_us == at_us)
		tz->n--;
	if (offset_us == (tz->n > 0 ? tz->points[tz->n - 1].offset_us : tz->first_offset_us))
		return;
	if (tz->n == tz->cap) {
		tz->cap = tz->cap == 0 ? 64 : 2 * tz->cap;
		tz->points = xrealloc(tz->points, tz->cap, sizeof(*tz->points));
	}
	tz->points[tz->n++] = (struct tz_point){at_us, offset_us};
}

bool
tz_name_is_safe(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_LEN_MAX)
		return false;
	for (const char *c = name; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	/* No part between slashes may be empty, "." or "..": not at the ends either. */
	for (const char *part = name;;) {
		size_t n = strcspn(part, "/");
		if (n == 0 || (n == 1 && part[0] == '.') ||
			(n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (part[n] == '\0')
			return true;
		part += n + 1;
	}
}

/* Added without overflow: past the ends there is only the end. */
static int64_t
add_clamped(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? TIME_NEVER : TIME_NONE;
	return sum;
}

/* How many points lie at or before an instant. */
static size_t
points_until(const struct tz *tz, int64_t utc_us)
{
	size_t low = 0, high = tz->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (tz->points[mid].at_us <= utc_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct tz_span
tz_span_at(const struct tz *tz, int64_t utc_us)
{
	int64_t shift_us = 0;
	struct tz_span span = {TIME_NONE, TIME_NEVER, tz->first_offset_us};
	size_t i;

	if (tz->periodic && utc_us >= tz->table_end_us) {
		int64_t past_us = add_clamped(utc_us, -tz->table_end_us);
		shift_us = past_us - past_us % TZ_PERIOD_US;
		utc_us = utc_us - shift_us - TZ_PERIOD_US;
		shift_us = add_clamped(shift_us, TZ_PERIOD_US);
	}
	i = points_until(tz, utc_us);
	if (i > 0) {
		span.start_us = add_clamped(tz->points[i - 1].at_us, shift_us);
		span.offset_us = tz->points[i - 1].offset_us;
	}
	if (i < tz->n)
		span.end_us = add_clamped(tz->points[i].at_us, shift_us);
	return span;
}

int64_t
tz_offset_at(const struct tz *tz, int64_t utc_us)
{
	return tz_span_at(tz, utc_us).offset_us;
}

int64_t
tz_to_local(const struct tz *tz, int64_t utc_us)
{
	return add_clamped(utc_us, tz_offset_at(tz, utc_us));
}

bool
tz_next_change(const struct tz *tz, int64_t after_us, int64_t limit_us, struct tz_change *out)
{
	struct tz_span span = tz_span_at(tz, after_us);

	if (span.end_us == TIME_NEVER || span.end_us >= limit_us)
		return false;
	out->at_us = span.end_us;
	out->before_us = span.offset_us;
	out->after_us = tz_offset_at(tz, span.end_us);
	return true;
}

int
tz_from_local(const struct tz *tz, int64_t local_us, int64_t out[2])
{
	int64_t latest_us = add_clamped(local_us, -TZ_OFFSET_MIN_US);
	struct tz_span span = tz_span_at(tz, add_clamped(local_us, -TZ_OFFSET_MAX_US));
	int64_t gap_us = TIME_NONE;
	int n = 0;

	for (;;) {
		int64_t utc_us = add_clamped(local_us, -span.offset_us);
		if (utc_us >= span.start_us && utc_us < span.end_us) {
			if (n < 2)
				out[n] = utc_us;
			n++;
		} else if (utc_us < span.start_us && gap_us == TIME_NONE) {
			/* The clock is past local_us already: it jumped over it, or it comes again. */
			gap_us = span.start_us;
		}
		if (span.end_us == TIME_NEVER || span.end_us > latest_us)
			break;
		span = tz_span_at(tz, span.end_us);
	}
	if (n == 0)
		out[0] = gap_us;
	return n;
}
