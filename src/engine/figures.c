/* What the engine counts for /metrics. */
#include <string.h>

#include "base/metrics.h"
#include "base/text.h"
#include "engine_impl.h"

void
figures_claimed(const struct engine *e, const struct launch *l, const struct claim *c)
{
	int64_t late_us = clock_wall(e->env.clock) - l->due_us;

	if (l->kind != JOB_SCHEDULE) {
		metrics_count(METRIC_RUNS_STARTED, c->schedule_id ? "on_demand" : "manual", NULL);
		return;
	}
	metrics_count(METRIC_RUNS_STARTED, "scheduled", NULL);
	if (l->type == SCHEDULE_TABLE || l->type == SCHEDULE_TABLE_SET)
		metrics_observe(METRIC_TRIGGER_LATENCY, late_us);
	else
		metrics_observe(METRIC_LAUNCH_LATENESS, late_us);
}

static const char *
outcome_of(const struct task *t)
{
	if (t->spawn_failed)
		return "not_started";
	if (t->exit.cancelled)
		return "cancelled";
	if (!t->exit.known)
		return "unknown";
	return t->exit.code == 0 && t->exit.signal == 0 ? "success" : "failed";
}

/* A task knows its cause, which says it as well. */
static const char *
type_of(const struct task *t)
{
	if (t->foreign)
		return "other";
	if (t->schedule_id == 0)
		return "manual";
	return text_starts(t->cause, "run now") ? "on_demand" : "scheduled";
}

void
figures_ended(const struct task *t)
{
	metrics_count(METRIC_RUNS_ENDED, outcome_of(t), type_of(t));
}
