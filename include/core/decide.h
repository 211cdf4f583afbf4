/*
 * The decision: what is to be done now. Pure: it reads and marks the world, nothing else, and the
 * same world and instant give the same decision.
 */
#ifndef FF_CORE_DECIDE_H
#define FF_CORE_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/world.h"

/* Launch this job: its flow is free, there is a place, it is first in line. */
struct launch {
	enum job_kind kind;
	int64_t id; /* of the schedule or request */
	int64_t flow_id;
	int64_t due_us;
	/* slot schedules: the slot it stands for, how many it covers, what its cursor becomes */
	enum schedule_type type;
	int64_t slot_us;
	int64_t covered;
	int64_t anchor_us;
	int64_t local_offset_us; /* cron: of its zone at now */
	int64_t triggered_us; /* last_triggered_at as the world knows it */
	uint64_t spec_hash; /* of the row the decision was made on */
};

/* A request that cannot be met: the flow runs already. */
struct refusal {
	int64_t request_id;
	int64_t run_id;
};

struct run_action {
	int64_t run_id;
	enum run_act act;
};

struct decision {
	struct launch *launches;
	size_t n_launches;
	struct refusal *refusals;
	size_t n_refusals;
	struct run_action *actions;
	size_t n_actions;
	int64_t next_us; /* when to decide again if nothing happens; TIME_NEVER */
};

/*
 * At most max_launches; the rest comes at next_us = now. All arrays live in the arena. Launched jobs
 * are JOB_CLAIMING until the world is told what became of them: their row is put in again, or
 * world_launch_retry(), world_launch_blocked(), world_drop_request(). A run an action was given for
 * has no deadline until its row is put in again.
 */
void decide(struct world *w, int64_t now_us, size_t max_launches, struct arena *arena,
	struct decision *out);

#endif
