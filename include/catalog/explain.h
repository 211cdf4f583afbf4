/*
 * Why a schedule runs or does not: what it waits for, why it fired last, when it fires next. The rows are
 * read as the engine reads them and judged by the same core, so that what is said is what will be done.
 */
#ifndef FF_CATALOG_EXPLAIN_H
#define FF_CATALOG_EXPLAIN_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/schedules.h"
#include "catalog/status.h"
#include "core/world.h"

#define EXPLAIN_TIMES_MAX 1000

/* The times at which a schedule is due next. */
struct upcoming {
	int64_t due_us; /* due since then and not launched yet; TIME_NONE: not due */
	int64_t *times; /* after now */
	size_t n;
	bool on_data; /* it fires on writes, not at times */
	const struct tz *
		tz; /* of a cron schedule with a zone other than UTC, whose clock it follows; NULL */
};

/*
 * Contract section 4 and 9; of a disabled schedule: the times if it were enabled. ERR_NOT_FOUND, ERR_USAGE for
 * a row that makes no sense.
 */
int explain_upcoming(struct catalog *cat, int64_t id, size_t count, struct arena *a,
	struct upcoming *out, struct err *err);

/* A table that it watches. */
struct explain_table {
	int64_t id;
	const char *name;
	const char *state; /* "written", "unchanged", "gone", "reused", "not_armed" */
	int64_t last_write_us; /* TIME_NONE: none is known */
};

struct explain_firing {
	bool any;
	int64_t fired_us, due_us;
	const char *cause;
	int64_t covered; /* how many slots or writes it stands for */
	int64_t run_id; /* ID_NONE: none */
	const char *run_outcome; /* NULL: there is no such run any more */
};

struct explanation {
	struct schedule_info schedule;
	const char *state; /* "disabled", "bad_row", "blocked", "waiting", "due" or "idle" */
	const char *reason; /* a sentence or two */
	int64_t due_us; /* since when it is due; TIME_NONE */
	int64_t busy_run_id; /* "waiting": the run that its flow is busy with; ID_NONE */
	struct explain_table *tables;
	size_t n_tables;
	struct explain_firing last;
	struct upcoming upcoming;
	struct leader_info leader;
	bool paused;
};

int explain_schedule(struct catalog *cat, const struct policy *policy, int64_t id, size_t count,
	struct arena *a, struct explanation *out, struct err *err);

void explain_json(struct json *j, const struct explanation *e);

#endif
