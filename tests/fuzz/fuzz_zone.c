/* Files of the tz database: whatever bytes they have, what is read gives each instant one offset, and finds the instant of each local time. */
#include <assert.h>

#include "core/cron.h"
#include "core/tz.h"
#include "fuzz.h"

#define STEP_US (INT64_C(97) * 24 * 3600 * US_PER_SEC)
#define STEPS 400 /* some hundred years */

static void
check_at(const struct tz *tz, int64_t at)
{
	struct tz_span span = tz_span_at(tz, at);
	struct tz_change change;
	int64_t local = tz_to_local(tz, at), found[2];
	int n;

	assert(span.start_us <= at && at < span.end_us);
	assert(span.offset_us >= TZ_OFFSET_MIN_US && span.offset_us <= TZ_OFFSET_MAX_US);
	assert(span.offset_us == tz_offset_at(tz, at) && local == at + span.offset_us);
	n = tz_from_local(tz, local, found);
	assert(n >= 1 && (n > 2 || found[0] == at || found[n - 1] == at));
	if (tz_next_change(tz, at, at + STEP_US, &change)) {
		assert(change.at_us > at && change.before_us == span.offset_us);
		assert(change.after_us != change.before_us);
		assert(tz_offset_at(tz, change.at_us) == change.after_us);
	}
}

int
FUZZ_TARGET(zone)(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct cron nightly;
	struct tz *tz = tz_parse("Fuzz/Zone", data, size, &err);
	int64_t at = -60 * STEP_US, next;

	if (!tz) {
		assert(err.text[0] != '\0');
		return 0;
	}
	assert(cron_parse("30 2 * * *", 0, &nightly, &err) == 0);
	for (int i = 0; i < STEPS; i++, at += STEP_US)
		check_at(tz, at);
	next = cron_next(&nightly, tz, 0);
	assert(next > 0 && cron_last(&nightly, tz, 0, next, 2, NULL) == next);
	tz_free(tz);
	return 0;
}
