/*
 * The runner of a simulated daemon: what src/runner/runner.c makes of shims and flows, over the
 * processes of host.c. Everything it has to tell comes by an event, never from within a call.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

void
runner_init(struct runner *r, struct daemon *d)
{
	r->d = d;
	LIST_INIT(&r->jobs);
}

/* As when storage_dir or the database's address was changed in between. */
static const char *const folders[] = {"/state/0", "/state/1"};

int
runner_folder(const struct daemon *d)
{
	return d->life % 2;
}

static int
folder_of(const struct runner *r, const char *state_dir)
{
	for (int i = 0; state_dir && i < (int)ARRAY_LEN(folders); i++)
		if (!strcmp(state_dir, folders[i]))
			return i;
	return runner_folder(r->d);
}

static struct job_entry *
find(struct runner *r, int64_t run_id)
{
	struct job_entry *j;

	LIST_FOREACH(j, &r->jobs, link)
	if (j->run_id == run_id)
		return j;
	return NULL;
}

static struct job_entry *
add(struct runner *r, int64_t run_id, struct proc *p)
{
	struct job_entry *j = xcalloc(1, sizeof(*j));

	j->run_id = run_id;
	j->proc = p;
	LIST_INSERT_HEAD(&r->jobs, j, link);
	return j;
}

static void
drop(struct job_entry *j)
{
	LIST_REMOVE(j, link);
	free(j);
}

bool
runner_has(struct runner *r, int64_t run_id)
{
	return find(r, run_id) != NULL;
}

/* The daemon is gone: waiting shims hear the end of its socket. */
void
runner_clear(struct runner *r)
{
	struct job_entry *j;

	while ((j = LIST_FIRST(&r->jobs))) {
		if (j->proc && j->proc->owner == r->d && j->proc->owner_life == r->d->life &&
			!j->adopted && !j->watched)
			proc_leave(j->proc);
		drop(j);
	}
}

/* --- news -------------------------------------------------------------------------------------------- */

/* One message from the runner to the engine, on its way. */
struct message {
	struct daemon *d;
	int life;
	struct job_entry *job;
	struct runner_event event;
};

static bool
job_is_there(struct runner *r, const struct job_entry *job)
{
	struct job_entry *j;

	LIST_FOREACH(j, &r->jobs, link)
	if (j == job)
		return true;
	return false;
}

static void
on_message(struct sim *s, void *what, int64_t arg)
{
	struct message *m = what;
	struct daemon *d = m->d;

	(void)arg;
	if (d->in_turn) { /* stalled: it is heard when the turn is over */
		sim_in(s, 50 * US_PER_MS, on_message, m, 0);
		return;
	}
	if (d->up && d->life == m->life && job_is_there(&d->runner, m->job)) {
		TRACE(s, "daemon %d hears: run %lld %s", d->id, (long long)m->event.run_id,
			m->event.type == RUNNER_READY           ? "is ready"
				: m->event.type == RUNNER_ENDED ? "ended"
								: "could not be started");
		if (m->event.type != RUNNER_READY)
			drop(m->job);
		d->causes++;
		engine_runner_event(&m->event, d->engine);
		daemon_wake(d, 0);
	}
}

static void
tell(struct daemon *d, struct job_entry *j, enum runner_event_type type,
	const struct run_exit *exit)
{
	struct message *m = arena_alloc(&d->s->arena, sizeof(*m));

	m->d = d;
	m->life = d->life;
	m->job = j;
	m->event.type = type;
	m->event.run_id = j->run_id;
	m->event.state_dir = folders[j->folder];
	if (j->proc) {
		m->event.shim = j->proc->shim;
		m->event.flow = j->proc->flow;
	}
	if (exit)
		m->event.exit = *exit;
	/* Without a descriptor a process is not watched but looked at now and then. */
	sim_in(d->s,
		rng_range(&d->s->rngs[STREAM_PROCESSES], 20, j->looked_at ? 200 * US_PER_MS : 2000),
		on_message, m, 0);
}

void
runner_proc_ready(struct proc *p)
{
	struct job_entry *j;

	if (!p->owner || !p->owner->up || p->owner->life != p->owner_life)
		return;
	j = find(&p->owner->runner, p->run_id);
	if (j && j->proc == p)
		tell(p->owner, j, RUNNER_READY, NULL);
}

void
runner_proc_failed(struct proc *p, const char *why)
{
	struct sim *s = p->s;

	for (int i = 0; i < s->n_daemons; i++) {
		struct daemon *d = &s->daemons[i];
		struct job_entry *j = d->up ? find(&d->runner, p->run_id) : NULL;
		struct run_exit exit = p->exit;

		if (!j || j->proc != p)
			continue;
		snprintf(exit.reason, sizeof(exit.reason), "%s", why);
		tell(d, j, RUNNER_FAILED, &exit);
	}
}

/* What can be said of a run whose processes are gone: its exit file, or its mark "started". */
static struct run_exit
conclude(struct daemon *d, const struct job_entry *j)
{
	const struct disk_file *f = host_file(d->host, j->run_id, j->attempt, j->folder);
	struct run_exit e = {.code = -1, .cpu_us = -1, .max_rss_kb = -1, .started_us = TIME_NONE};

	e.ended_us = host_wall(d->host);
	e.cancelled = j->cancelled;
	e.killed = j->killed;
	if (j->watched) {
		e.started_us = j->proc ? j->proc->exit.started_us : 0;
		snprintf(e.reason, sizeof(e.reason), "ended; nobody saw how");
		return e;
	}
	if (f->exited)
		return f->exit;
	if (!j->adopted && j->proc && j->proc->told)
		return j->proc->exit;
	if (j->rebooted) {
		e.started_us = f->marked ? f->started_us : 0;
		snprintf(e.reason, sizeof(e.reason), "the machine was restarted while it ran");
		return e;
	}
	if (!f->marked) {
		snprintf(e.reason, sizeof(e.reason), "never started");
		return e;
	}
	cover(COVER_LOST);
	e.started_us = f->started_us;
	snprintf(e.reason, sizeof(e.reason), "its supervisor was killed; nobody saw how it ended");
	return e;
}

static void
finish(struct daemon *d, struct job_entry *j)
{
	struct run_exit e;

	if (j->ended)
		return;
	j->ended = true;
	e = conclude(d, j);
	tell(d, j, RUNNER_ENDED, &e);
}

/* Its shim, its flow or all of it went: whoever watches it looks. */
void
runner_proc_gone(struct proc *p)
{
	struct sim *s = p->s;

	if (proc_lives(p))
		return;
	for (int i = 0; i < s->n_daemons; i++) {
		struct daemon *d = &s->daemons[i];
		struct job_entry *j = d->up ? find(&d->runner, p->run_id) : NULL;

		if (j && j->proc == p)
			finish(d, j);
	}
}

/* --- operations ------------------------------------------------------------------------------------ */

static int
op_launch(struct runner *r, const struct launch_spec *spec, struct err *err)
{
	struct daemon *d = r->d;
	struct sim *s = d->s;
	struct job_entry *j;
	int64_t flow_id = 0;

	daemon_maybe_die(d, s->faults.crash_runner, "before launch");
	if (d->dead)
		return err_set(err, ERR_FAILED, "dead");
	for (size_t i = 0; spec->env[i]; i++)
		if (!strncmp(spec->env[i], "FLOWFILE_FLOW_ID=", 17))
			flow_id = strtoll(spec->env[i] + 17, NULL, 10);
	judge_launch(d, spec->run_id);
	if (sim_strikes(s, s->faults.spawn_error)) {
		sim_trouble(s, d);
		TRACE(s, "daemon %d cannot fork for run %lld", d->id, (long long)spec->run_id);
		return err_set(err, ERR_FAILED, "fork: resource temporarily unavailable");
	}
	if (s->T < d->no_fds_until) {
		TRACE(s, "daemon %d has no descriptor for run %lld", d->id,
			(long long)spec->run_id);
		return err_set(err, ERR_FAILED, "control socket: too many open files");
	}
	if (find(r, spec->run_id))
		return err_set(err, ERR_FAILED, "run %lld is in hand", (long long)spec->run_id);
	TRACE(s, "daemon %d launches run %lld", d->id, (long long)spec->run_id);
	j = add(r, spec->run_id, host_launch(d->host, d, spec, flow_id));
	j->attempt = spec->attempt;
	j->folder = runner_folder(d);
	daemon_maybe_die(d, s->faults.crash_runner, "after launch");
	daemon_may_stall(d);
	return 0;
}

static void
op_go(struct runner *r, int64_t run_id)
{
	struct daemon *d = r->d;
	struct job_entry *j;

	daemon_may_stall(d);
	daemon_maybe_die(d, d->s->faults.crash_runner, "before go");
	if (d->dead)
		return;
	j = find(r, run_id);
	if (!j || !j->proc || j->ended)
		return;
	TRACE(d->s, "daemon %d lets run %lld go", d->id, (long long)run_id);
	judge_go(d, j->proc);
	if (j->proc->shim_phase == SHIM_READY)
		proc_go(j->proc);
	daemon_maybe_die(d, d->s->faults.crash_runner, "after go");
}

static void
op_abandon(struct runner *r, int64_t run_id)
{
	struct daemon *d = r->d;
	struct job_entry *j;

	daemon_maybe_die(d, d->s->faults.crash_runner, "before abandon");
	if (d->dead || !(j = find(r, run_id)))
		return;
	cover(COVER_ABANDONED);
	TRACE(d->s, "daemon %d abandons run %lld", d->id, (long long)run_id);
	assert(!j->proc || j->watched || !j->proc->going);
	if (j->proc && !j->watched)
		proc_leave(j->proc);
	drop(j);
}

static void
on_alone_kill(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)s;
	(void)arg;
	if (proc_flow_lives(p))
		proc_kill_group(p);
}

static bool
op_cancel(struct runner *r, int64_t run_id)
{
	struct daemon *d = r->d;
	struct job_entry *j;

	daemon_maybe_die(d, d->s->faults.crash_runner, "before cancel");
	if (d->dead || !(j = find(r, run_id)))
		return false;
	if (j->ended)
		return true;
	if (j->cancelled)
		j->killed = true;
	j->cancelled = true;
	if (!j->proc)
		return true;
	cover(proc_flow_lives(j->proc) ? COVER_CANCELLED : COVER_CANCELLED_WAITING);
	TRACE(d->s, "daemon %d cancels run %lld", d->id, (long long)run_id);
	judge_signal(d, j->proc);
	if (j->killed && j->proc->shim_phase == SHIM_GONE) {
		on_alone_kill(d->s, j->proc, 0);
		return true;
	}
	if (j->proc->shim_phase == SHIM_GONE)
		sim_in(d->s, 10 * US_PER_SEC, on_alone_kill, j->proc, 0);
	proc_term(j->proc);
	return true;
}

static void
on_adopted_gone(struct sim *s, void *what, int64_t arg)
{
	struct message *m = what;

	(void)s;
	(void)arg;
	if (m->d->up && m->d->life == m->life && job_is_there(&m->d->runner, m->job))
		finish(m->d, m->job);
}

static void
check_later(struct daemon *d, struct job_entry *j)
{
	struct message *m = arena_alloc(&d->s->arena, sizeof(*m));

	m->d = d;
	m->life = d->life;
	m->job = j;
	sim_in(d->s, 10, on_adopted_gone, m, 0);
}

static struct proc *
find_flow(struct host *h, const struct proc_id *shim, const struct proc_id *flow)
{
	struct proc *p;

	LIST_FOREACH(p, &h->procs, link)
	if (proc_lives(p) &&
		((shim->start && !p->foreign && p->shim.pid == shim->pid &&
			 p->shim.start == shim->start) ||
			(flow->start && p->flow.pid == flow->pid && p->flow.start == flow->start)))
		return p;
	return NULL;
}

static int
op_adopt(struct runner *r, const struct adoption *run, struct err *err)
{
	struct daemon *d = r->d;
	int64_t run_id = run->run_id;
	struct job_entry *j;

	if (d->dead)
		return err_set(err, ERR_FAILED, "dead");
	if (find(r, run_id))
		return err_set(err, ERR_FAILED, "run %lld is in hand", (long long)run_id);
	TRACE(d->s, "daemon %d adopts run %lld", d->id, (long long)run_id);
	j = add(r, run_id, run->rebooted ? NULL : find_flow(d->host, &run->shim, &run->flow));
	j->attempt = run->attempt;
	j->folder = folder_of(r, run->state_dir);
	j->rebooted = run->rebooted;
	j->adopted = true;
	j->looked_at = d->s->T < d->no_fds_until;
	cover(run->rebooted                                        ? COVER_ADOPTED_REBOOTED
			: truth_run(d->s, run_id)->attempt_by == d ? COVER_ADOPTED_OWN
								   : COVER_ADOPTED_OTHER);
	if (!j->proc)
		check_later(d, j);
	return 0;
}

static int
op_watch(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err)
{
	const struct proc_id none = {0, 0};
	struct daemon *d = r->d;
	struct job_entry *j;

	if (d->dead)
		return err_set(err, ERR_FAILED, "dead");
	if (find(r, run_id))
		return err_set(err, ERR_FAILED, "run %lld is in hand", (long long)run_id);
	j = add(r, run_id, find_flow(d->host, &none, proc));
	cover(COVER_WATCHED);
	j->watched = true;
	j->looked_at = d->s->T < d->no_fds_until;
	if (!j->proc)
		check_later(d, j);
	return 0;
}

static void
op_forget(struct runner *r, int64_t run_id, int attempt, const char *state_dir)
{
	if (!r->d->dead)
		host_forget_files(r->d->host, run_id, attempt, folder_of(r, state_dir));
}

const struct runner_ops sim_runner_ops = {
	.launch = op_launch,
	.go = op_go,
	.abandon = op_abandon,
	.cancel = op_cancel,
	.adopt = op_adopt,
	.watch = op_watch,
	.forget = op_forget,
};
