/* Who leads, and what the scheduler has before it. */
#ifndef FF_CATALOG_STATUS_H
#define FF_CATALOG_STATUS_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"

#define STATUS_LOCK_STALE_US (90 * US_PER_SEC) /* contract 4.2, strictly more */

/* The lock row. Strings in the arena, NULL when not known. */
struct leader_info {
	bool any; /* there is a row */
	bool active; /* and its heartbeat is fresh */
	bool ours; /* and one of our daemons holds it, not a Python scheduler */
	const char *holder_id;
	int64_t started_us, heartbeat_us;
	const char *host, *version, *boot_id; /* of ours */
	int64_t pid, pid_start; /* start: runner/proc.h */
};
int status_leader(struct catalog *cat, struct arena *a, struct leader_info *out, struct err *err);
/* {active, holder_id, started_at, heartbeat_at, is_embedded} (contract 5.6). */
void status_json_leader(struct json *j, const struct leader_info *leader, bool is_embedded);

/* A daemon of ours that was seen lately. */
struct instance_info {
	const char *holder_id, *host, *version, *boot_id;
	int64_t pid, pid_start;
	int64_t started_us, seen_us;
	bool leads;
};

struct status_info {
	struct leader_info leader;
	bool prepared; /* our own tables are there */
	bool paused;
	int64_t active_runs;
	int64_t open_requests;
	int64_t schedules, schedules_enabled;
	struct instance_info *instances;
	size_t n_instances;
	int64_t due; /* schedules that are due and have not been launched */
	int64_t next_due_us; /* the next one's time; TIME_NEVER: none */
	int64_t next_schedule_id;
};
int status_get(struct catalog *cat, struct arena *a, struct status_info *out, struct err *err);
void status_json(struct json *j, const struct status_info *status);

/* When a scheduler of ours on a host was last heard of; TIME_NONE: none is remembered. Needs our tables. */
int status_host_seen(struct catalog *cat, const char *host, int64_t *seen_us, struct err *err);

/* Stops or resumes the launching of runs by schedules, and wakes the leader. *changed may be NULL. */
int status_set_paused(struct catalog *cat, bool paused, bool *changed, struct err *err);

/* Whether it is stopped. */
int status_paused(struct catalog *cat, bool *paused, struct err *err);

/* Whether our own tables are in the catalog. */
int status_prepared(struct catalog *cat, bool *prepared, struct err *err);

#endif
