/*
 * Slots: the instants at which an interval or cron schedule is due. Pure arithmetic.
 *
 * An interval's slots are anchor + k * interval for all integers k: no drift (contract D-23). Slots that pass
 * while nothing could launch are caught up by one run for the latest of them.
 */
#ifndef FF_CORE_SLOTS_H
#define FF_CORE_SLOTS_H

#include <stdint.h>

#include "core/cron.h"
#include "core/tz.h"

/* The first slot strictly after an instant, and the last one at or before it. interval_us > 0. */
int64_t interval_next(int64_t anchor_us, int64_t interval_us, int64_t after_us);
int64_t interval_last(int64_t anchor_us, int64_t interval_us, int64_t at_us);

struct schedule;

/* Sets next_us from slot_us; a slot_us later than now (the clock went back) counts as now. */
void slots_plan(struct schedule *s, int64_t now_us);

/* The slot a launch at now stands for, the latest one due, and how many are caught up by it (>= 1). */
int64_t slots_take(const struct schedule *s, int64_t now_us, int64_t *covered);

#endif
