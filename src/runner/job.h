/*
 * What the parts of the runner share: jobs. Private to src/runner.
 *
 * Each run is a job. A job watches one process at a time, and its phase says which, and what it
 * means when that process is gone:
 *
 *	phase     watches               when it is gone
 *	STARTING  the shim, still mute  the launch failed, as it said; or it was killed, and
 *	                                the run never started
 *	READY     the shim, waiting     as in GOING
 *	GOING     the shim              the exit is in its message or file; without, it was
 *	                                killed, and the job goes on ALONE
 *	ALONE     the flow's process    any other process of the run is next; without, the
 *	                                run is over
 *	LEAVING   an abandoned shim     the job is freed
 *
 * Handlers of events only change jobs. What is to be told is queued in `news` and told from the
 * loop with no handler on the stack, so that the callback may do anything but free the runner.
 *
 * Owner of a job: the runner, which frees it before its end is told.
 */
#ifndef FF_RUNNER_JOB_H
#define FF_RUNNER_JOB_H

#include <event2/event.h>
#include <sys/queue.h>
#include <uthash.h>

#include "runner/exitfile.h"
#include "runner/proc.h"
#include "runner/runner.h"

enum job_phase { JOB_STARTING, JOB_READY, JOB_GOING, JOB_ALONE, JOB_LEAVING };

struct job {
	struct runner *r;
	int64_t run_id;
	UT_hash_handle hh; /* in r->jobs by run_id, unless LEAVING */
	TAILQ_ENTRY(job) leaving;
	TAILQ_ENTRY(job) news;
	enum job_phase phase;

	char *state_dir; /* of an adopted run, where its shim writes; NULL: the runner's */
	struct exit_record record; /* pids; the exit as far as it is known */
	int control; /* to the shim, -1 for an adopted one */
	struct event *on_control; /* until the shim is ready */
	struct event *deadline; /* STARTING: for ready; ALONE: for KILL */
	int grace_ms; /* as launched; -1: the runner's */

	struct proc_id watched; /* pid 0: none */
	int pidfd;
	struct event *on_process;

	bool has_failed; /* STARTING: the record says why */
	bool has_end; /* the record is complete */
	bool grouped; /* ALONE: the flow leads the process group of its number */
	bool flow_waited; /* ALONE: its status is in the record */
	bool watched_only; /* not ours: no shim, no files */
	bool rebooted; /* adopted after a restart of the machine: no process */
	struct proc_id *tree; /* ALONE, cancelled: what was below the flow then; owned */
	size_t n_tree;

	bool is_news, tell_ready, tell_failed, tell_ended;
};

TAILQ_HEAD(job_list, job);

struct runner {
	struct event_base *base;
	runner_event_cb cb;
	void *arg;
	char *shim_path;
	char *state_dir; /* absolute: the shim may change its folder */
	int grace_ms, ready_ms;
	bool without_pidfd;
	struct job *jobs; /* every run in hand */
	struct job_list leaving; /* abandoned, not yet collected */
	struct job_list news; /* jobs with something to tell, oldest first; a subset of jobs */
	struct event *on_news;
	struct event *on_child;
};

/* ---- job.c: life, and watching a process ---- */

struct job *job_find(struct runner *r, int64_t run_id);
/* NULL with err when the run is in hand already. */
struct job *
job_create(struct runner *r, int64_t run_id, int attempt, enum job_phase phase, struct err *err);
void job_free(struct job *job);
/* Where the run's files are. */
const char *job_state_dir(const struct job *job);
/* No word of the shim is waited for any more, and nothing has to be done in time. */
void job_stop_listening(struct job *job);
/* Takes an abandoned job out of sight until its shim is gone. */
void job_leave(struct job *job);

/* Something is to be told of the job: tell_* says what. */
void job_has_news(struct job *job);
void job_drop_news(struct job *job);
/* The run is over and its record complete. */
void job_end(struct job *job);

/* Watches this process instead of the one before; one that is gone is noticed from the loop. */
void job_watch(struct job *job, const struct proc_id *id);
void job_signal_watched(const struct job *job, int sig);
/* Calls cb once, in place of any earlier deadline. */
void job_set_deadline(struct job *job, int ms, event_callback_fn cb);

/* ---- job_shim.c: a run with a shim ---- */

/* Starts the shim of a new job. Whatever goes wrong, nothing ran. */
int job_launch(struct job *job, const struct launch_spec *spec, struct err *err);
/* Takes what the shim has said. 0 when it will say nothing more, -1 when there is nothing now. */
int job_receive(struct job *job);
void job_shim_gone(struct job *job, int wait_status);

/* ---- job_alone.c: a run without a shim ---- */

/* Watches the next process that is left of the run; without one, ends the job. */
void job_go_on_alone(struct job *job);
/* The flow's process was ours to wait for. */
void job_take_status(struct job *job, int wait_status, const struct rusage *used);
void job_cancel_alone(struct job *job);

/* ---- runner.c ---- */

/* Collects dead children that fell to us, up to one that a job will take itself. */
void runner_reap_orphans(struct runner *r);

#endif
