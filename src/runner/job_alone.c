/* A run whose shim was killed, or that somebody else started: its processes are watched themselves.
 * */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/proc.h"

#define KILL_AGAIN_MS 1000

/* The flow was ours to wait for, our shim being dead and we a subreaper. */
void
job_take_status(struct job *job, int status, const struct rusage *used)
{
	struct run_exit *e = &job->record.exit;

	job->flow_waited = e->known = true;
	if (WIFEXITED(status))
		e->code = WEXITSTATUS(status);
	else
		e->signal = WTERMSIG(status);
	e->cpu_us = (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * US_PER_SEC +
		used->ru_utime.tv_usec + used->ru_stime.tv_usec;
	e->max_rss_kb = used->ru_maxrss;
}

/* Some process that is left of the run: its first, one of the group, one that was below it when it
 * was cancelled. */
static bool
job_next_process(struct job *job, struct proc_id *next)
{
	const struct proc_id *flow = &job->record.flow;

	*next = *flow;
	if (flow->pid > 0 && proc_alive(flow))
		return true;
	/* As long as somebody is in the group, no other process can have its number. */
	if (job->grouped && !proc_is_reused(flow) && proc_group_member(flow->pid, next))
		return true;
	for (size_t i = 0; i < job->n_tree; i++) {
		*next = job->tree[i];
		if (proc_alive(next))
			return true;
	}
	return false;
}

/* What can be said of a run that ended without its shim. */
static void
job_conclude(struct job *job)
{
	struct run_exit *e = &job->record.exit;
	const char *why = "";
	int marked = 1;

	e->ended_us = clock_wall(&clock_real);
	if (!job->watched_only)
		marked = started_read(
			job_state_dir(job), job->run_id, job->record.attempt, &e->started_us);
	if (job->rebooted && marked <= 0) {
		/* Its mark may have been lost with the power. */
		e->started_us = 0;
		marked = 1;
	}
	if (marked < 0) {
		e->started_us = proc_start_us(&job->record.flow);
		if (e->started_us == TIME_NONE) /* which would say that it never ran */
			e->started_us = 0;
	}
	if (marked == 0) {
		e->known = false;
		e->code = -1;
		e->signal = 0;
		why = "never started: the daemon or the supervisor ended before it was let go";
	} else if (!e->known) {
		why = job->watched_only ? "ended; nobody saw how"
			: job->rebooted ? "the machine was restarted while it ran"
					: "its supervisor was killed; nobody saw how it ended";
	}
	exit_set_reason(e, "%s", why);
}

void
job_go_on_alone(struct job *job)
{
	struct proc_id next;
	struct rusage used;
	int status;

	if (!job->flow_waited && job->record.flow.pid > 0 &&
		proc_reap(&job->record.flow, &status, &used))
		job_take_status(job, status, &used);
	if (job_next_process(job, &next)) {
		job_watch(job, &next);
		return;
	}
	job_conclude(job);
	job_end(job);
}

static void
job_signal_alone(struct job *job, int sig)
{
	const struct proc_id *flow = &job->record.flow;
	const bool group = job->grouped && !proc_is_reused(flow);

	assert(flow->pid > 1);
	if (group)
		kill(-flow->pid, sig);
	else if (!job->grouped)
		proc_signal(flow, sig);
	for (size_t i = 0; i < job->n_tree; i++)
		proc_signal(&job->tree[i], sig);
	if (sig == SIGTERM && group)
		kill(-flow->pid, SIGCONT);
}

static void
on_kill(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	job->record.exit.killed = true;
	job_signal_alone(job, SIGKILL);
	job_set_deadline(job, KILL_AGAIN_MS, on_kill);
}

void
job_cancel_alone(struct job *job)
{
	const struct proc_id *flow = &job->record.flow;
	const struct proc_tree below = {
		.root = flow->pid,
		.session = flow->pid,
		.run_id = job->run_id,
		.skip_group = job->grouped,
	};

	if (flow->pid == 0) /* nobody; its end is about to be told */
		return;
	if (job->record.exit.cancelled && job->deadline != NULL) {
		on_kill(-1, 0, job);
		return;
	}
	job->record.exit.cancelled = true;
	free(job->tree);
	job->tree = NULL;
	job->n_tree = 0;
	/* Once the flow is gone, nothing tells any more what it had started. */
	if (flow->pid > 0 && proc_alive(flow))
		job->n_tree = proc_tree_find(&below, &job->tree);
	job_signal_alone(job, SIGTERM);
	job_set_deadline(job, job->grace_ms >= 0 ? job->grace_ms : job->r->grace_ms, on_kill);
}
