/* The runner: its operations, what it tells, and the orphans that fall to it. Jobs: job.h. */
#include "runner/runner.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "runner/proc.h"
#include "runner/wire.h"

#define GRACE_MS 10000
#define READY_MS 30000
#define STATE_DIR_MODE 0700

/* The one place where the engine is called. A job that has ended is gone before it is told of. */
static void
on_news(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;
	struct runner_event event;
	struct job *job;

	(void)fd;
	(void)what;
	while ((job = TAILQ_FIRST(&r->news)) != NULL) {
		event = (struct runner_event){
			.run_id = job->run_id,
			.shim = job->record.shim,
			.flow = job->record.flow,
			.exit = job->record.exit,
		};
		if (job->tell_ready) {
			event.type = RUNNER_READY;
			event.state_dir = r->state_dir;
			job->tell_ready = false;
			if (!job->tell_ended)
				job_drop_news(job);
		} else {
			assert(job->tell_failed || job->tell_ended);
			event.type = job->tell_failed ? RUNNER_FAILED : RUNNER_ENDED;
			job_free(job);
		}
		r->cb(&event, r->arg);
	}
}

/* ---- orphans ----------------------------------------------------------------------------- */

/* The flow falls to us when its shim was killed; the job may not have heard of that yet. */
static bool
job_owns(const struct job *job, pid_t pid)
{
	return pid == job->watched.pid ||
		(pid == job->record.flow.pid && job->phase != JOB_ALONE &&
			!proc_is_reused(&job->record.flow));
}

static bool
runner_owns(const struct runner *r, pid_t pid)
{
	const struct job *job;

	for (job = r->jobs; job != NULL; job = job->hh.next)
		if (job_owns(job, pid))
			return true;
	TAILQ_FOREACH (job, &r->leaving, leaving)
		if (job_owns(job, pid))
			return true;
	return false;
}

/*
 * Collects dead children that are no job's: they fell to us because we are a subreaper, or a wrapper had
 * started them before it became us. A job's own process is left to the job, which calls here again when it
 * is through with it.
 */
void
runner_reap_orphans(struct runner *r)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		if (runner_owns(r, info.si_pid))
			return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	runner_reap_orphans(arg);
}

/* ---- operations -------------------------------------------------------------------------- */

static int
real_launch(struct runner *r, const struct launch_spec *spec, struct err *err)
{
	struct job *job = job_create(r, spec->run_id, spec->attempt, JOB_STARTING, err);

	if (job == NULL)
		return -1;
	if (job_launch(job, spec, err) < 0) {
		job_free(job);
		return -1;
	}
	return 0;
}

/* What was recorded without a start time could be anybody, and is taken as gone. So is process 1:
 * it is nobody's flow, and its group's number means everybody to kill(). */
static struct proc_id
recorded(const struct proc_id *id)
{
	return id->pid > 1 && id->start != 0 ? *id : (struct proc_id){0, 0};
}

/* A shim that is dead by now is noticed by its end, not here. */
static void
real_go(struct runner *r, int64_t run_id)
{
	struct job *job = job_find(r, run_id);
	const char go = WIRE_GO;

	if (job == NULL || job->phase != JOB_READY)
		return;
	job->phase = JOB_GOING;
	(void)!send(job->control, &go, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
real_abandon(struct runner *r, int64_t run_id)
{
	struct job *job = job_find(r, run_id);

	if (job == NULL)
		return;
	assert(job->phase != JOB_GOING);
	if (job->watched.pid == 0) { /* its end was about to be told */
		job_free(job);
		return;
	}
	job_leave(job);
}

static bool
real_cancel(struct runner *r, int64_t run_id)
{
	struct job *job = job_find(r, run_id);

	if (job == NULL)
		return false;
	if (job->tell_ended || job->tell_failed)
		return true;
	if (job->phase == JOB_ALONE) {
		job_cancel_alone(job);
	} else {
		/* The shim will say it too; this is for a shim that is killed meanwhile. */
		job->record.exit.cancelled = true;
		job_signal_watched(job, SIGTERM);
	}
	return true;
}

static int
real_adopt(struct runner *r, const struct adoption *run, struct err *err)
{
	struct job *job = job_create(r, run->run_id, run->attempt, JOB_GOING, err);

	if (job == NULL)
		return -1;
	job->rebooted = run->rebooted;
	xstrset(&job->state_dir, run->state_dir);
	if (!run->rebooted) {
		job->record.shim = recorded(&run->shim);
		job->record.flow = recorded(&run->flow);
	}
	job_watch(job, &job->record.shim);
	return 0;
}

static int
real_watch(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err)
{
	struct job *job = job_create(r, run_id, 0, JOB_ALONE, err);

	if (job == NULL)
		return -1;
	job->record.flow = recorded(proc);
	job->watched_only = true;
	job->grouped = proc_alive(&job->record.flow) && getpgid(proc->pid) == proc->pid;
	job->record.exit.started_us = proc_start_us(proc);
	job_watch(job, &job->record.flow);
	return 0;
}

static void
real_forget(struct runner *r, int64_t run_id, int attempt, const char *state_dir)
{
	exit_files_remove(state_dir != NULL ? state_dir : r->state_dir, run_id, attempt);
}

const struct runner_ops runner_real = {
	.launch = real_launch,
	.go = real_go,
	.abandon = real_abandon,
	.cancel = real_cancel,
	.adopt = real_adopt,
	.watch = real_watch,
	.forget = real_forget,
};

/* ---- the runner itself ------------------------------------------------------------------- */

int
runner_create(struct event_base *base, const struct runner_options *options, runner_event_cb cb,
	void *arg, struct runner **out, struct err *err)
{
	struct runner *r;
	char *state_dir;

	if (file_mkdirs(options->state_dir, STATE_DIR_MODE, err) < 0)
		return err_prefix(err, "state folder");
	state_dir = realpath(options->state_dir, NULL);
	if (state_dir == NULL || access(state_dir, W_OK | X_OK) < 0) {
		free(state_dir);
		return err_errno(err, errno, "state folder %s", options->state_dir);
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		log_warning("Orphaned flows cannot be waited for error=%s", strerror(errno));
	r = xcalloc(1, sizeof(*r));
	r->base = base;
	r->cb = cb;
	r->arg = arg;
	r->shim_path =
		options->shim_path != NULL ? xstrdup(options->shim_path) : runner_find_shim();
	r->state_dir = state_dir;
	runner_set_grace(r, options->grace_ms > 0 ? options->grace_ms : GRACE_MS);
	r->ready_ms = options->ready_ms > 0 ? options->ready_ms : READY_MS;
	r->without_pidfd = options->without_pidfd;
	TAILQ_INIT(&r->leaving);
	TAILQ_INIT(&r->news);
	r->on_news = event_new(base, -1, 0, on_news, r);
	r->on_child = evsignal_new(base, SIGCHLD, on_child, r);
	assert(r->on_news != NULL && r->on_child != NULL);
	evsignal_add(r->on_child, NULL);
	*out = r;
	return 0;
}

void
runner_set_grace(struct runner *r, int grace_ms)
{
	r->grace_ms = grace_ms;
}

void
runner_free(struct runner *r)
{
	struct job *job, *next;

	if (r == NULL)
		return;
	HASH_ITER (hh, r->jobs, job, next)
		job_free(job);
	while ((job = TAILQ_FIRST(&r->leaving)) != NULL)
		job_free(job);
	event_free(r->on_news);
	event_free(r->on_child);
	free(r->shim_path);
	free(r->state_dir);
	free(r);
}
