#include "core/slots.h"

#include <assert.h>

#include "core/world.h"

/* As many slots as catching up counts; a year of minutes is more than anybody reads. */
#define COVERED_MAX 1000000

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b < 0 ? q - 1 : q;
}

int64_t
interval_last(int64_t anchor_us, int64_t interval_us, int64_t at_us)
{
	assert(interval_us > 0);
	return anchor_us + floor_div(at_us - anchor_us, interval_us) * interval_us;
}

int64_t
interval_next(int64_t anchor_us, int64_t interval_us, int64_t after_us)
{
	return interval_last(anchor_us, interval_us, after_us) + interval_us;
}

void
slots_plan(struct schedule *s, int64_t now_us)
{
	int64_t base = s->slot_us < now_us ? s->slot_us : now_us;

	if (s->type == SCHEDULE_INTERVAL)
		s->next_us = interval_next(s->anchor_us, s->interval_us, base);
	else if (s->type == SCHEDULE_CRON)
		s->next_us = cron_next(s->cron, s->tz, base);
	else
		s->next_us = TIME_NEVER;
}

int64_t
slots_take(const struct schedule *s, int64_t now_us, int64_t *covered)
{
	/* From the first that is due on: the clock may have gone back behind the cursor. But not what the cursor
	 * has passed: a clock that is a little behind the one it was moved by. */
	int64_t from =
		s->slot_us >= s->next_us && s->slot_us <= now_us ? s->slot_us : s->next_us - 1;
	int64_t slot;

	if (s->type == SCHEDULE_INTERVAL) {
		slot = interval_last(s->anchor_us, s->interval_us, now_us);
		*covered =
			(slot - interval_last(s->anchor_us, s->interval_us, from)) / s->interval_us;
	} else {
		slot = cron_last(s->cron, s->tz, from, now_us, COVERED_MAX, covered);
	}
	if (slot == TIME_NONE || *covered < 1) {
		slot = s->next_us;
		*covered = 1;
	}
	return slot;
}
