/* A run with a shim: its start, what the shim says, and its end. */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "runner/wire.h"

extern char **environ;

int
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
			job_stop_listening(job);
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

/* Its log may be on a dead mount. */
static void
on_ready_limit(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	exit_set_reason(&job->record.exit, "its supervisor did not become ready within %d ms",
		job->r->ready_ms);
	job_signal_watched(job, SIGKILL);
}

static bool
job_read_exit_file(struct job *job)
{
	struct exit_record found;
	struct err err = ERR_INIT;
	int rc = exit_record_read(
		job_state_dir(job), job->run_id, job->record.attempt, &found, &err);

	if (rc < 0)
		log_warning("Exit of a run cannot be read run=%" PRId64 " error=%s", job->run_id,
			err.text);
	if (rc != 1)
		return false;
	job->record = found;
	return true;
}

void
job_shim_gone(struct job *job, int status)
{
	struct run_exit *e = &job->record.exit;

	job_stop_listening(job);
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
start_shim(struct job *job, const struct launch_spec *spec, struct err *err)
{
	int pair[2] = {-1, -1}, rc = -1;
	struct buf packet;

	buf_init(&packet, WIRE_LAUNCH_MAX);
	if (wire_launch_pack(spec, job->r->state_dir, &packet, err) < 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
		send(pair[0], packet.data, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		err_errno(err, errno, "control socket");
		goto out;
	}
	job->control = pair[0]; /* closed with the job */
	rc = spawn_shim(job->r, spec->run_id, pair[1], &job->record.shim.pid);
	if (rc != 0) {
		rc = err_errno(err, rc, "start %s", job->r->shim_path);
		/* Not the flow is missing but a part of this program, which is being installed anew: it is
		 * worth another try. */
		err->code = ERR_FAILED;
	}
out:
	if (job->control < 0 && pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	buf_free(&packet);
	return rc;
}

int
job_launch(struct job *job, const struct launch_spec *spec, struct err *err)
{
	job->grace_ms = spec->grace_ms;
	if (start_shim(job, spec, err) < 0)
		return err_prefix(err, "launch run %" PRId64, spec->run_id);
	job->on_control = event_new(job->r->base, job->control, EV_READ, on_control, job);
	assert(job->on_control != NULL);
	event_add(job->on_control, NULL);
	job_watch(job, &job->record.shim);
	job_set_deadline(job, job->r->ready_ms, on_ready_limit);
	return 0;
}
