/*
 * Each run is a job. A job watches one process at a time (by pidfd, or by looking) and its phase says
 * which and what its end means:
 *
 *	STARTING   the shim, from which no word has come      its end: the launch failed, as it said, or
 *	                                                      it was killed: the run never started
 *	READY      the shim, which waits for go               its end: as in GOING
 *	GOING      the shim, which supervises                 its end: the exit is in its message or file,
 *	                                                      or it was killed: the job goes on ALONE
 *	ALONE      the flow's process; when that is gone, any other that is left of the run
 *	                                                      its end: the next one; none: the run is over
 *	LEAVING    the shim of an abandoned run               its end: the job is freed
 *
 * Handlers only change jobs. What is to be told is queued in `news` and told from the loop with no
 * handler on the stack, so that the callback may do anything but free the runner.
 */
#include "runner/runner.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "runner/exitfile.h"
#include "runner/wire.h"

/* A shim that says nothing for so long (a log on a dead mount) is killed. */
#define READY_LIMIT_MS 30000
#define LOOK_MS 200 /* between looks at a process without a pidfd */
#define MEMBER_LOOK_MS 1000 /* between looks whether a process is still of the run's group */
#define GRACE_MS 10000
#define KILL_AGAIN_MS 1000
#define STATE_DIR_MODE 0700

extern char **environ;

enum job_phase { JOB_STARTING, JOB_READY, JOB_GOING, JOB_ALONE, JOB_LEAVING };

struct job {
	struct runner *r;
	int64_t run_id;
	UT_hash_handle hh; /* in r->jobs by run_id, unless LEAVING */
	TAILQ_ENTRY(job) leaving;
	TAILQ_ENTRY(job) news;
	enum job_phase phase;

	struct exit_record record; /* pids; the exit as far as it is known */
	int control; /* to the shim, -1 for an adopted one */
	struct event *on_control; /* until the shim is ready */
	struct event *deadline; /* STARTING: for ready; ALONE: for KILL */
	int grace_ms;

	struct proc_id watched; /* pid 0: none */
	int pidfd;
	struct event *on_process;

	bool has_failed; /* STARTING: the record says why */
	bool has_end; /* the record is complete */
	bool grouped; /* ALONE: the flow leads the process group of its number */
	bool flow_waited; /* ALONE: its status is in the record */
	bool watched_only; /* not ours: no shim, no files */
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
	int grace_ms;
	bool without_pidfd;
	struct job *jobs; /* every run in hand */
	struct job_list leaving; /* abandoned, not yet collected */
	struct job_list news; /* jobs with something to tell, oldest first; a subset of jobs */
	struct event *on_news;
	struct event *on_child;
};

static void job_watch(struct job *job, const struct proc_id *id);
static void job_check(struct job *job);
static void reap_orphans(struct runner *r);

static struct timeval
timeval_ms(int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

/* ---- jobs ------------------------------------------------------------------------------- */

static struct job *
job_find(struct runner *r, int64_t run_id)
{
	struct job *job;

	HASH_FIND(hh, r->jobs, &run_id, sizeof(run_id), job);
	return job;
}

/* NULL when the run is in hand already. */
static struct job *
job_create(struct runner *r, int64_t run_id, enum job_phase phase, struct err *err)
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
	job->grace_ms = r->grace_ms;
	exit_record_init(&job->record, run_id);
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

static void
job_unwatch(struct job *job)
{
	event_drop(&job->on_process);
	close_fd(&job->pidfd);
	job->watched.pid = 0;
}

static void
job_drop_news(struct job *job)
{
	if (job->is_news)
		TAILQ_REMOVE(&job->r->news, job, news);
	job->is_news = false;
}

static void
job_free(struct job *job)
{
	job_drop_news(job);
	if (job->phase == JOB_LEAVING)
		TAILQ_REMOVE(&job->r->leaving, job, leaving);
	else
		HASH_DELETE(hh, job->r->jobs, job);
	job_unwatch(job);
	event_drop(&job->on_control);
	event_drop(&job->deadline);
	close_fd(&job->control);
	free(job->tree);
	free(job);
}

static void
job_has_news(struct job *job)
{
	if (!job->is_news)
		TAILQ_INSERT_TAIL(&job->r->news, job, news);
	job->is_news = true;
	event_active(job->r->on_news, EV_TIMEOUT, 0);
}

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

/* ---- watching a process ------------------------------------------------------------------ */

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

/* Whether what is watched still keeps the run from being over. A process that makes a session of its
 * own, as daemons do, leaves the group without a word. */
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
static void
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

static void
job_signal_watched(const struct job *job, int sig)
{
	/* A child that was not collected keeps its pid; any other is checked. */
	if (job->watched.pid != 0 && job->watched.start == 0)
		kill(job->watched.pid, sig);
	else if (job->watched.pid != 0)
		proc_signal(&job->watched, sig);
}

static void
job_set_deadline(struct job *job, int ms, event_callback_fn cb)
{
	const struct timeval limit = timeval_ms(ms);

	event_drop(&job->deadline);
	job->deadline = evtimer_new(job->r->base, cb, job);
	assert(job->deadline != NULL);
	evtimer_add(job->deadline, &limit);
}

/* ---- a run without a shim ---------------------------------------------------------------- */

static void
job_end(struct job *job)
{
	event_drop(&job->deadline);
	job->tell_ended = true;
	job_has_news(job);
}

/* The flow was ours to wait for, our shim being dead and we a subreaper. */
static void
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

/* Some process that is left of the run: its first, one of the group, one that was below it when it was
 * cancelled. */
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
		marked = started_read(job->r->state_dir, job->run_id, &e->started_us);
	if (marked < 0)
		e->started_us = proc_start_us(&job->record.flow);
	if (marked == 0) {
		e->known = false;
		e->code = -1;
		e->signal = 0;
		why = "never started: the daemon or the supervisor ended before it was let go";
	} else if (!e->known) {
		why = job->watched_only ? "ended; nobody saw how"
					: "its supervisor was killed; nobody saw how it ended";
	}
	exit_set_reason(e, "%s", why);
}

static void
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

static void
job_cancel_alone(struct job *job)
{
	const struct proc_id *flow = &job->record.flow;
	const struct proc_tree below = {
		.root = flow->pid,
		.session = flow->pid,
		.run_id = job->run_id,
		.skip_group = job->grouped,
	};

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
	job_set_deadline(job, job->grace_ms, on_kill);
}

/* ---- a run with a shim ------------------------------------------------------------------- */

/* 0 when the shim will say nothing more, -1 when there is nothing now. */
static int
job_receive(struct job *job)
{
	struct wire_reply reply;
	int rc = 0;

	while (job->control >= 0 && (rc = wire_reply_receive(job->control, &reply)) == 1) {
		switch ((enum wire_kind)reply.kind) {
		case WIRE_READY:
			job->record.shim = reply.record.shim;
			job->record.flow = reply.record.flow;
			if (job->phase != JOB_STARTING)
				break;
			job->phase = JOB_READY;
			job->watched.start = reply.record.shim.start;
			job->tell_ready = true;
			event_drop(&job->deadline);
			job_has_news(job);
			break;
		case WIRE_FAILED:
			job->record.exit = reply.record.exit;
			job->has_failed = true;
			break;
		case WIRE_ENDED:
			job->record = reply.record;
			job->has_end = true;
			break;
		}
	}
	return rc;
}

/* Only until the shim is ready; what it says later waits until it ends. */
static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	if (job_receive(job) < 0 && job->phase == JOB_STARTING && !job->has_failed)
		event_add(job->on_control, NULL);
}

static void
on_ready_limit(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	exit_set_reason(&job->record.exit, "its supervisor did not become ready within %d s",
		READY_LIMIT_MS / 1000);
	job_signal_watched(job, SIGKILL);
}

/* Whether the exit file speaks of this run and not of an earlier one with the same id. */
static bool
job_read_exit_file(struct job *job)
{
	struct exit_record found;
	struct err err = ERR_INIT;
	int rc = exit_record_read(job->r->state_dir, job->run_id, &found, &err);

	if (rc < 0)
		log_warning("Exit of a run cannot be read run=%" PRId64 " error=%s", job->run_id,
			err.text);
	if (rc != 1 || found.run_id != job->run_id || found.flow.pid != job->record.flow.pid ||
		found.flow.start != job->record.flow.start)
		return false;
	job->record = found;
	return true;
}

static void
job_shim_gone(struct job *job, int status)
{
	struct run_exit *e = &job->record.exit;

	event_drop(&job->deadline);
	event_drop(&job->on_control);
	if (job->phase == JOB_STARTING && e->reason[0] == '\0') {
		/* Not its word, but its death: the next may have more luck. */
		exit_set_reason(e, "never started: its supervisor ended (wait status %d)", status);
		job_end(job);
	} else if (job->phase == JOB_STARTING) {
		job->tell_failed = true;
		job_has_news(job);
	} else if (job->has_end || job_read_exit_file(job)) {
		job_end(job);
	} else {
		job->phase = JOB_ALONE;
		job->grouped = true;
		job_go_on_alone(job);
		/* What the shim was asked for is now ours to do. */
		if (e->cancelled && !job->tell_ended)
			job_cancel_alone(job);
	}
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
	reap_orphans(r);
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
 * Collects dead children that only fell to us because we are a subreaper. A job's own process is left
 * to the job, which calls here again when it is through with it; a child of our session is somebody
 * else's in this program.
 */
static void
reap_orphans(struct runner *r)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		if (runner_owns(r, info.si_pid) || getsid(info.si_pid) == getsid(0))
			return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reap_orphans(arg);
}

/* ---- operations -------------------------------------------------------------------------- */

/* Every signal blocked, so that none can end the shim before it is ready for it. */
static int
spawn_shim(const struct runner *r, int64_t run_id, int control, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char name[] = "flowfile-shim", id[32];
	char *argv[] = {name, id, NULL};
	sigset_t all;
	int rc;

	snprintf(id, sizeof(id), "run=%" PRId64, run_id);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, control, WIRE_SHIM_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &all);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, r->shim_path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* The launch is in the socket before the shim exists: whatever goes wrong here, nothing ran. */
static int
start_shim(const struct runner *r, const struct launch_spec *spec, int *control, pid_t *pid,
	struct err *err)
{
	int pair[2] = {-1, -1}, rc = -1;
	struct buf packet;

	buf_init(&packet, WIRE_LAUNCH_MAX);
	if (wire_launch_pack(spec, r->state_dir, &packet, err) < 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
		send(pair[0], packet.data, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		err_errno(err, errno, "control socket");
		goto out;
	}
	rc = spawn_shim(r, spec->run_id, pair[1], pid);
	if (rc != 0) {
		rc = err_errno(err, rc, "start %s", r->shim_path);
		goto out;
	}
	*control = pair[0];
	pair[0] = -1;
out:
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	buf_free(&packet);
	return rc;
}

static int
real_launch(struct runner *r, const struct launch_spec *spec, struct err *err)
{
	struct job *job = job_create(r, spec->run_id, JOB_STARTING, err);
	struct proc_id shim = {0, 0};

	if (job == NULL)
		return -1;
	job->grace_ms = spec->grace_ms;
	if (start_shim(r, spec, &job->control, &shim.pid, err) < 0) {
		job_free(job);
		return err_prefix(err, "launch run %" PRId64, spec->run_id);
	}
	job->record.shim = shim;
	job->on_control = event_new(r->base, job->control, EV_READ, on_control, job);
	assert(job->on_control != NULL);
	event_add(job->on_control, NULL);
	job_watch(job, &shim);
	job_set_deadline(job, READY_LIMIT_MS, on_ready_limit);
	return 0;
}

/* What was recorded without a start time could be anybody: taken as gone. */
static struct proc_id
recorded(const struct proc_id *id)
{
	return id->start != 0 ? *id : (struct proc_id){0, 0};
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
	job_drop_news(job);
	HASH_DELETE(hh, r->jobs, job);
	event_drop(&job->on_control);
	event_drop(&job->deadline);
	close_fd(&job->control);
	job->phase = JOB_LEAVING;
	TAILQ_INSERT_TAIL(&r->leaving, job, leaving);
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
real_adopt(struct runner *r, int64_t run_id, const struct proc_id *shim, const struct proc_id *flow,
	struct err *err)
{
	struct job *job = job_create(r, run_id, JOB_GOING, err);

	if (job == NULL)
		return -1;
	job->record.shim = recorded(shim);
	job->record.flow = recorded(flow);
	job_watch(job, &job->record.shim);
	return 0;
}

static int
real_watch(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err)
{
	struct job *job = job_create(r, run_id, JOB_ALONE, err);

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
real_forget(struct runner *r, int64_t run_id)
{
	exit_files_remove(r->state_dir, run_id);
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

static char *
find_shim(const char *configured)
{
	const char *path = configured != NULL ? configured : getenv("FLOWFILE_SHIM");

	return xstrdup(path != NULL && path[0] != '\0' ? path : PKGLIBEXECDIR "/flowfile-shim");
}

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
	r->shim_path = find_shim(options->shim_path);
	r->state_dir = state_dir;
	r->grace_ms = options->grace_ms > 0 ? options->grace_ms : GRACE_MS;
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
