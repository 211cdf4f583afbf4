/*
 * Processes as the kernel tells of them: who one is, whether it lives, its group, its descendants.
 *
 * A pid alone is reused, so that a process is named by pid and start time (and the boot, which the
 * holder of a record compares: runner.h, struct host_id). Everything here reads /proc at the moment
 * of the call; nothing is kept. Shared by the runner and the shim.
 */
#ifndef FF_RUNNER_PROC_H
#define FF_RUNNER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/process.h"

/* Identity of a live process; false when there is none such. A zombie counts as gone. */
bool proc_identify(pid_t pid, struct proc_id *id);
/* Whether exactly this process lives (not a zombie). */
bool proc_alive(const struct proc_id *id);
/* Whether any live process is in this process group (zombies do not count). */
bool proc_group_alive(pid_t pgid);
/* Some live process of the group. False when there is none. */
bool proc_group_member(pid_t pgid, struct proc_id *member);
/* Whether the pid is still this process's, which has ended and was not waited for: a zombie. */
bool proc_is_zombie(const struct proc_id *id);
/* Whether the pid now belongs to another process than this one, dead or alive. */
bool proc_is_reused(const struct proc_id *id);

/* Wall time at which it started, from its start ticks: exact to some 10 ms. TIME_NONE if unknown.
 * */
int64_t proc_start_us(const struct proc_id *id);

/*
 * A pidfd (close-on-exec) of exactly this process; with start 0, of whoever has the pid. -1 with
 * errno: ESRCH when it is gone, ENOSYS or EPERM where the kernel or a sandbox has no pidfds.
 */
int proc_pidfd_open(const struct proc_id *id);
/* Sends a signal to exactly this process. False when it is gone. */
bool proc_signal(const struct proc_id *id, int sig);

/*
 * Collects a dead child of ours without waiting: true with its status and usage. False when it
 * still lives, is not our child, or the pid is somebody else by now. With start 0 the pid is taken
 * as it is.
 */
bool proc_reap(const struct proc_id *id, int *status, struct rusage *usage);

/* The run that a process's arguments name by `--run-id N` or `--run-id=N` (contract 3.1); 0: none. */
int64_t proc_run_id(pid_t pid);

/* Whose descendants are sought. */
struct proc_tree {
	pid_t root; /* the processes below it, not itself */
	pid_t session; /* the run's own session */
	int64_t run_id; /* the run's id */
	bool skip_group; /* leave out process group `session`, which is signalled as one */
};

/*
 * The live descendants of a run, sessions of their own included. A descendant whose arguments carry
 * `--run-id` with another id is another run, which Flowfile's push path started out of this one
 * (contract 4.10): it, its session and everything below it are left out. Returns how many; *out is
 * owned by the caller, NULL when there are none.
 */
size_t proc_tree_find(const struct proc_tree *tree, struct proc_id **out);

#endif
