/*
 * Reading the world: all of it in one snapshot, or the objects that scheduler_changes names.
 *
 * Rows are handed to callbacks, in the core's types; text in them is borrowed for the call.
 */
#ifndef FF_STORE_LOAD_H
#define FF_STORE_LOAD_H

#include <stdint.h>

#include "base/err.h"
#include "core/world.h"
#include "store/db.h"

/* An active run with what we keep of it. open: its row in flow_runs is; it can have been closed by Flowfile's
 * cancel, or by the flow itself, while its process lives. */
struct active_run {
	struct run_row row;
	bool open;
	const char *state; /* claimed, recorded; NULL: not ours */
	const char *host, *boot_id, *holder_id;
	int64_t pid; /* flow_runs.pid, 0: none */
	int64_t shim_pid, shim_start, flow_pid, flow_start;
	int64_t cancel_us; /* cancel was asked for; TIME_NONE */
	const char *flow_path, *cause;
	const char *state_dir; /* where its host keeps its files; NULL: not recorded */
	int64_t schedule_id, attempt;
};

struct change {
	int64_t seq;
	char kind; /* t d s f r n q u p l, see scheduler_changes */
	int64_t object_id;
};

struct request_row {
	int64_t id;
	const char *kind; /* run, cancel, exited */
	int64_t flow_id, run_id, user_id;
	int64_t created_us;
	const char *requested_by, *detail;
};

typedef void (*load_schedule_cb)(const struct schedule_row *row, void *arg);
typedef void (*load_run_cb)(const struct active_run *run, void *arg);
typedef void (*load_request_cb)(const struct request_row *request, void *arg);
typedef void (*load_change_cb)(const struct change *change, void *arg);

/* The highest seq of scheduler_changes, 0 when empty. */
int load_last_seq(struct db *db, int64_t *seq, struct err *err);
int load_schedules(struct db *db, load_schedule_cb cb, void *arg, struct err *err);
int load_active_runs(struct db *db, load_run_cb cb, void *arg, struct err *err);
int load_requests(struct db *db, load_request_cb cb, void *arg, struct err *err);
/* When Flowfile was last noted to launch table triggers itself; TIME_NONE if never. And its note. */
int load_push_seen(struct db *db, int64_t *seen_us, struct err *err);
int put_push_seen(struct db *db, int64_t seen_us, struct err *err);
int load_paused(struct db *db, bool *paused, struct err *err);

/* One object: 1 and the callback, 0 when it is not there (or not active, or not open). */
int load_schedule(struct db *db, int64_t id, load_schedule_cb cb, void *arg, struct err *err);
int load_active_run(struct db *db, int64_t id, load_run_cb cb, void *arg, struct err *err);
int load_request(struct db *db, int64_t id, load_request_cb cb, void *arg, struct err *err);
/* Puts the table's last write into the world. */
int load_table(struct db *db, int64_t id, struct world *w, int64_t now_us, struct err *err);

/* Changes after a seq, oldest first, at most max. Returns how many. */
int load_changes(
	struct db *db, int64_t after_seq, int max, load_change_cb cb, void *arg, struct err *err);

#endif
