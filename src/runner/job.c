/* The life of a job, and how it watches a process. */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/proc.h"

#define LOOK_MS 200 /* between looks at a process without a pidfd */
#define MEMBER_LOOK_MS 1000 /* between looks whether a process is still of the run's group */

static void job_check(struct job *job);

static struct timeval
timeval_ms(int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

struct job *
job_find(struct runner *r, int64_t run_id)
{
	struct job *job;

	HASH_FIND(hh, r->jobs, &run_id, sizeof(run_id), job);
	return job;
}

/* NULL when the run is in hand already. */
struct job *
job_create(struct runner *r, int64_t run_id, int attempt, enum job_phase phase, struct err *err)
{
	struct job *job = job_find(r, run_id);

	if (job != NULL) {
		err_set(err, ERR_CONFLICT, "run %" PRId64 " is being supervised already", run_id);
		return NULL;
	}
	job = xcalloc(1, sizeof(*job));
	job->r = r;
	job->run_id = run_id;
	job->phase = phase;
	job->control = job->pidfd = -1;
	job->grace_ms = -1;
	exit_record_init(&job->record, run_id, attempt);
	HASH_ADD(hh, r->jobs, run_id, sizeof(job->run_id), job);
	return job;
}

static void
event_drop(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
job_stop_listening(struct job *job)
{
	event_drop(&job->on_control);
	event_drop(&job->deadline);
}

static void
job_unwatch(struct job *job)
{
	event_drop(&job->on_process);
	close_fd(&job->pidfd);
	job->watched.pid = 0;
}

void
job_drop_news(struct job *job)
{
	if (job->is_news)
		TAILQ_REMOVE(&job->r->news, job, news);
	job->is_news = false;
}

void
job_free(struct job *job)
{
	job_drop_news(job);
	if (job->phase == JOB_LEAVING)
		TAILQ_REMOVE(&job->r->leaving, job, leaving);
	else
		HASH_DELETE(hh, job->r->jobs, job);
	job_unwatch(job);
	job_stop_listening(job);
	close_fd(&job->control);
	free(job->tree);
	free(job->state_dir);
	free(job);
}

const char *
job_state_dir(const struct job *job)
{
	return job->state_dir != NULL ? job->state_dir : job->r->state_dir;
}

void
job_end(struct job *job)
{
	job_stop_listening(job);
	job->tell_ended = true;
	job_has_news(job);
}

void
job_leave(struct job *job)
{
	job_drop_news(job);
	job_stop_listening(job);
	close_fd(&job->control);
	HASH_DELETE(hh, job->r->jobs, job);
	job->phase = JOB_LEAVING;
	TAILQ_INSERT_TAIL(&job->r->leaving, job, leaving);
}

void
job_has_news(struct job *job)
{
	if (!job->is_news)
		TAILQ_INSERT_TAIL(&job->r->news, job, news);
	job->is_news = true;
	event_active(job->r->on_news, EV_TIMEOUT, 0);
}

static void
on_process(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	job_check(arg);
}

static bool
job_process_lives(const struct job *job)
{
	struct pollfd fd = {.fd = job->pidfd, .events = POLLIN};
	siginfo_t info = {.si_pid = 0};

	if (job->watched.pid == 0)
		return false;
	if (job->pidfd >= 0)
		return poll(&fd, 1, 0) == 0;
	if (job->watched.start != 0)
		return proc_alive(&job->watched);
	/* Our own child, not yet collected: the pid is its. */
	return waitid(P_PID, (id_t)job->watched.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == 0;
}

/* Whether what is watched still keeps the run from being over. A process that makes a session of
 * its own, as daemons do, leaves the group without a word. */
static bool
job_is_held(const struct job *job)
{
	if (!job_process_lives(job))
		return false;
	if (job->phase != JOB_ALONE || job->watched.pid == job->record.flow.pid)
		return true;
	for (size_t i = 0; i < job->n_tree; i++)
		if (job->watched.pid == job->tree[i].pid)
			return true;
	return getpgid(job->watched.pid) == job->record.flow.pid;
}

/* How often a watched process must be looked at although nothing was heard of it; 0: never. */
static int
job_look_ms(const struct job *job)
{
	if (job->pidfd < 0)
		return LOOK_MS;
	return job->phase == JOB_ALONE && job->watched.pid != job->record.flow.pid ? MEMBER_LOOK_MS
										   : 0;
}

/* A process that is gone already is noticed from the loop, too. */
void
job_watch(struct job *job, const struct proc_id *id)
{
	const struct proc_id target = *id;
	struct timeval look;
	bool gone = false;

	job_unwatch(job);
	job->watched = target;
	if (!job->r->without_pidfd) {
		job->pidfd = proc_pidfd_open(&target);
		gone = job->pidfd < 0 && errno == ESRCH;
	}
	job->on_process = event_new(job->r->base, job->pidfd,
		EV_PERSIST | (job->pidfd >= 0 ? EV_READ : 0), on_process, job);
	assert(job->on_process != NULL);
	look = timeval_ms(job_look_ms(job));
	event_add(job->on_process, job_look_ms(job) > 0 ? &look : NULL);
	if (gone)
		event_active(job->on_process, EV_TIMEOUT, 0);
}

void
job_signal_watched(const struct job *job, int sig)
{
	/* A child that was not collected keeps its pid; any other is checked. */
	if (job->watched.pid != 0 && job->watched.start == 0)
		kill(job->watched.pid, sig);
	else if (job->watched.pid != 0)
		proc_signal(&job->watched, sig);
}

void
job_set_deadline(struct job *job, int ms, event_callback_fn cb)
{
	const struct timeval limit = timeval_ms(ms);

	event_drop(&job->deadline);
	job->deadline = evtimer_new(job->r->base, cb, job);
	assert(job->deadline != NULL);
	evtimer_add(job->deadline, &limit);
}

/* Called whenever the watched process may be gone. */
static void
job_check(struct job *job)
{
	struct runner *r = job->r;
	struct proc_id gone = job->watched;
	struct rusage used;
	int status = 0;

	if (job_is_held(job))
		return;
	if (proc_reap(&gone, &status, &used) && job->phase == JOB_ALONE &&
		gone.pid == job->record.flow.pid)
		job_take_status(job, status, &used);
	job_unwatch(job);
	job_receive(job);
	switch (job->phase) {
	case JOB_STARTING:
	case JOB_READY:
	case JOB_GOING:
		job_shim_gone(job, status);
		break;
	case JOB_ALONE:
		job_go_on_alone(job);
		break;
	case JOB_LEAVING:
		job_free(job);
		break;
	}
	runner_reap_orphans(r);
}
