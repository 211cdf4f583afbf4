/* Runs (contract 5.4). */
#ifndef FF_CATALOG_RUNS_H
#define FF_CATALOG_RUNS_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"

/* What we know of a run beyond Flowfile's row; found is false when nothing. Strings in the arena. */
struct run_details {
	bool found;
	const char *state, *host, *cause, *cancel_by, *reason;
	int64_t due_us, cancel_us;
	int64_t attempt;
	int64_t exit_code, exit_signal; /* COUNT_NONE: not known */
	int64_t cpu_us, max_rss_kb; /* COUNT_NONE: not known */
	/* Where its supervisor is, for as long as the run is open. Not in the API. */
	const char *boot_id, *state_dir;
	int64_t shim_pid, shim_start;
};

struct run_info {
	int64_t id;
	int64_t registration_id;
	const char *flow_uuid;
	const char *flow_name; /* what the flow is called now, else as stored */
	const char *stored_name; /* as it was when the run began */
	const char *flow_path;
	int64_t user_id;
	int64_t started_us, ended_us; /* ended TIME_NONE: active */
	enum tri success;
	int64_t nodes_completed, number_of_nodes;
	double duration_s; /* negative: NULL */
	const char *run_type;
	int64_t schedule_id;
	int64_t pid; /* 0: none. Not in the API */
	bool has_snapshot;
	bool has_log;
	const char *flow_snapshot, *node_results; /* only by runs_get */
	struct run_details details;
};

struct run_filter {
	int64_t registration_id; /* ID_NONE: any, as the next */
	int64_t schedule_id;
	const char *run_type; /* NULL: any */
	const char *search; /* NULL: any; a part of the stored name, in any case */
	const char *status; /* NULL: any; one that runs_status_filter() knows */
	bool active; /* only those that have not ended */
	int64_t limit; /* 1..500 */
	int64_t offset;
};
#define RUNS_LIMIT_DEFAULT 50
#define RUNS_LIMIT_MAX 500

struct run_page {
	struct run_info *items; /* latest first */
	size_t n;
	int64_t total, total_success, total_failed, total_running;
};

int runs_list(struct catalog *cat, const struct run_filter *filter, struct arena *a,
	struct run_page *out, struct err *err);
int
runs_get(struct catalog *cat, int64_t id, struct arena *a, struct run_info *out, struct err *err);

/* Whether a run type is one of the four, and whether such runs are processes of their own. */
bool runs_type_known(const char *run_type);
bool runs_type_spawned(const char *run_type);
/* Whether runs can be listed by it: "running" (which has not ended, however), "success", "failed", "cancelled",
 * "unknown". */
bool runs_status_filter(const char *status);

/*
 * The one word for how a run is doing, the same wherever it is said: "starting", "running" or "cancelling"
 * while it is open; "success", "failed", "cancelled" or "unknown" once it has ended. One that was ended for
 * its age has failed: nobody asked for its end.
 */
const char *runs_status(const struct run_info *run);
/*
 * Why an ended run is no success, for people: "exit code 3", "signal 9 (Killed)", the reason, who cancelled it;
 * NULL when it is a success or nothing is known. In the arena.
 */
const char *runs_failure(struct arena *a, const struct run_info *run);
/* Whether the run is open and its process is not there yet. */
bool runs_is_starting(const struct run_info *run);
/* Whether the run has ended and its scheduler has not yet stored how. */
bool runs_verdict_pending(const struct run_info *run);

struct run_list {
	struct run_info *items;
	size_t n;
};
/* Those of the ids that are there, by id. */
int runs_by_ids(struct catalog *cat, const int64_t *ids, size_t n, struct arena *a,
	struct run_list *out, struct err *err);
/* Those that have not ended, latest first. */
int runs_active(struct catalog *cat, struct arena *a, struct run_list *out, struct err *err);
/* The id of the latest run that is a process of its own; ID_NONE: there is none. */
int runs_latest_spawned(struct catalog *cat, int64_t *id, struct err *err);

/* The user that a run acts as; ID_NONE when there is no such run. */
int runs_user(struct catalog *cat, int64_t id, int64_t *user_id, struct err *err);

/*
 * Closes a run that is still open, as the run itself does when it is done (contract 3.3), and never one
 * that somebody else has closed (D-08). *closed (may be NULL) says whether it was open.
 */
int runs_complete(struct catalog *cat, int64_t id, bool success, int64_t nodes_completed,
	int64_t number_of_nodes, bool *closed, struct err *err);
/* How far an open run is; nothing happens to one that has ended. */
int runs_progress(struct catalog *cat, int64_t id, int64_t nodes_completed, int64_t number_of_nodes,
	struct err *err);

/* Exactly the fields of contract 5.4: what the API answers. */
void runs_json_api(struct json *j, const struct run_info *run);
void runs_json_api_detail(struct json *j, const struct run_info *run);
void runs_json_api_page(struct json *j, const struct run_page *page);

/* The command line's: the same fields, and behind them "status"; in detail also what is in run_details. */
void runs_json(struct json *j, const struct run_info *run);
void runs_json_detail(struct json *j, const struct run_info *run);
void runs_json_page(struct json *j, const struct run_page *page);
void runs_json_active(struct json *j, const struct run_info *run);

#endif
