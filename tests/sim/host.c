/*
 * Hosts: clocks, processes, a disk with the files of runs. A shim and its flow behave as
 * src/runner/shim.c does; what a daemon's runner makes of them is in runner.c.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

/* Few, so that pids come again. */
#define PID_FIRST 1000
#define PIDS 90

int64_t
host_wall(const struct host *h)
{
	return h->s->base_us + h->s->T + h->s->wall_step_us + h->skew_us;
}

static int64_t
clock_wall_cb(void *arg)
{
	return host_wall(arg);
}

static struct boottime
clock_boot_cb(void *arg)
{
	const struct host *h = arg;

	return (struct boottime){h->s->T - h->boot_T + US_PER_SEC};
}

static void
new_boot(struct host *h)
{
	h->boots++;
	h->boot_T = h->s->T;
	snprintf(h->boot_id, sizeof(h->boot_id), "boot-%d-of-host-%d", h->boots, h->id);
}

void
host_init(struct sim *s, int id)
{
	struct host *h = &s->hosts[id];

	h->s = s;
	h->id = id;
	h->up = true;
	h->full_until = 0;
	snprintf(h->name, sizeof(h->name), "host%d", id);
	h->clock = (struct clock){clock_wall_cb, clock_boot_cb, h};
	h->next_pid = PID_FIRST;
	h->next_start = 1;
	LIST_INIT(&h->procs);
	LIST_INIT(&h->dead);
	new_boot(h);
}

void
host_free(struct host *h)
{
	struct proc *p;

	while ((p = LIST_FIRST(&h->procs))) {
		LIST_REMOVE(p, link);
		free(p);
	}
	while ((p = LIST_FIRST(&h->dead))) {
		LIST_REMOVE(p, link);
		free(p);
	}
	free(h->files);
}

/* --- processes ------------------------------------------------------------------------------------ */

bool
proc_flow_lives(const struct proc *p)
{
	return p->flow_phase == FLOW_RUNNING || p->flow_phase == FLOW_LINGERING;
}

bool
proc_lives(const struct proc *p)
{
	return (!p->foreign && p->shim_phase != SHIM_GONE) || proc_flow_lives(p);
}

static bool
pid_is_used(const struct host *h, pid_t pid)
{
	struct proc *p;

	LIST_FOREACH(p, &h->procs, link)
	if ((p->shim.pid == pid && p->shim_phase != SHIM_GONE && !p->foreign) ||
		(p->flow.pid == pid && (p->flow_phase == FLOW_WAITING || proc_flow_lives(p))))
		return true;
	return false;
}

static void
bury_dead(struct host *h)
{
	struct proc *p, *next;

	for (p = LIST_FIRST(&h->procs); p; p = next) {
		next = LIST_NEXT(p, link);
		if (proc_lives(p) || p->flow_phase != FLOW_GONE)
			continue;
		LIST_REMOVE(p, link);
		LIST_INSERT_HEAD(&h->dead, p, link);
	}
}

static struct proc_id
new_pid(struct host *h)
{
	bury_dead(h);
	for (int i = 0; i < PIDS; i++) {
		pid_t pid = h->next_pid;

		h->next_pid = pid + 1 < PID_FIRST + PIDS ? pid + 1 : PID_FIRST;
		if (!pid_is_used(h, pid))
			return (struct proc_id){pid, h->next_start++};
	}
	/* Everything is taken: outside of the range, then. */
	h->next_start++;
	return (struct proc_id){(pid_t)(PID_FIRST + PIDS + (int)h->next_start), h->next_start};
}

struct proc *
host_find(struct host *h, pid_t pid, uint64_t start)
{
	struct proc *p;

	LIST_FOREACH(p, &h->procs, link)
	{
		const struct proc_id *id = p->foreign ? &p->flow : &p->shim;
		bool lives =
			p->foreign ? p->flow_phase == FLOW_RUNNING : p->shim_phase != SHIM_GONE;

		if (lives && id->pid == pid && (start == 0 || id->start == start))
			return p;
	}
	return NULL;
}

struct disk_file *
host_file(struct host *h, int64_t run_id, int attempt, int folder)
{
	size_t n = h->n_files;
	struct disk_file *f;

	if ((size_t)run_id >= n) {
		h->n_files = (size_t)run_id * 2 + 64;
		h->files = xrealloc(h->files, h->n_files, sizeof(*h->files));
		memset(h->files + n, 0, (h->n_files - n) * sizeof(*h->files));
	}
	for (f = h->files[run_id]; f; f = f->next)
		if (f->attempt == attempt && f->folder == folder)
			return f;
	f = arena_alloc(&h->s->arena, sizeof(*f));
	*f = (struct disk_file){.next = h->files[run_id], .attempt = attempt, .folder = folder};
	return h->files[run_id] = f;
}

void
host_forget_files(struct host *h, int64_t run_id, int attempt, int folder)
{
	struct disk_file *f = host_file(h, run_id, attempt, folder);

	f->marked = f->exited = false;
}

static struct proc *
proc_new(struct host *h, int64_t run_id, int64_t flow_id)
{
	struct sim *s = h->s;
	struct sflow *f = truth_flow(s, flow_id);
	struct proc *p = xcalloc(1, sizeof(*p));

	sim_renew(s, STREAM_PROCESSES);
	p->s = s;
	p->host = h;
	p->run_id = run_id;
	p->flow_id = flow_id;
	p->write_table = -1;
	p->duration_us = US_PER_SEC;
	p->exit = (struct run_exit){.code = -1,
		.cpu_us = -1,
		.max_rss_kb = -1,
		.started_us = TIME_NONE,
		.ended_us = TIME_NONE};
	if (f) {
		p->duration_us = rng_range(
			&s->rngs[STREAM_PROCESSES], f->min_duration_us, f->max_duration_us);
		p->ignores_term = f->slow_death;
		p->closes_row = f->closes_row;
		p->write_table = f->writes;
		p->exec_fails = rng_below(&s->rngs[STREAM_PROCESSES], 1000) < f->exec_failures;
	}
	p->code = rng_chance(&s->rngs[STREAM_PROCESSES], 0.1)
		? (int)rng_range(&s->rngs[STREAM_PROCESSES], 1, 3)
		: 0;
	if (rng_chance(&s->rngs[STREAM_PROCESSES], 0.1))
		p->linger_us = rng_wait(&s->rngs[STREAM_PROCESSES], 5 * US_PER_SEC);
	LIST_INSERT_HEAD(&h->procs, p, link);
	return p;
}

bool
host_is_full(struct host *h)
{
	return h->s->T < h->full_until && sim_strikes(h->s, 0.8);
}

/* --- the shim up to go ------------------------------------------------------------------------------- */

static void
shim_gone(struct proc *p)
{
	p->shim_phase = SHIM_GONE;
	p->owner = NULL;
}

static void
on_ready(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)arg;
	if (p->shim_phase != SHIM_STARTING)
		return;
	host_forget_files(p->host, p->run_id, p->attempt, p->folder);
	if (p->spawn_fails || host_is_full(p->host)) {
		shim_gone(p);
		p->flow_phase = FLOW_GONE;
		TRACE(s, "shim of run %lld cannot %s", (long long)p->run_id,
			p->spawn_fails ? "start the flow" : "open its log: the disk is full");
		judge_spawn_failed(p);
		runner_proc_failed(p,
			p->spawn_fails ? "run command 'flow': not found in PATH"
				       : "run log: no space left on device");
		return;
	}
	if (p->shim_dies_early) {
		shim_gone(p);
		p->flow_phase = FLOW_GONE;
		TRACE(s, "shim of run %lld dies before it is ready", (long long)p->run_id);
		runner_proc_gone(p);
		return;
	}
	if (p->left) {
		shim_gone(p);
		p->flow_phase = FLOW_GONE;
		return;
	}
	p->shim_phase = SHIM_READY;
	p->flow = new_pid(p->host);
	p->flow_phase = FLOW_WAITING;
	TRACE(s, "shim of run %lld is ready on %s (shim %d, flow %d)", (long long)p->run_id,
		p->host->name, (int)p->shim.pid, (int)p->flow.pid);
	runner_proc_ready(p);
}

struct proc *
host_launch(struct host *h, struct daemon *owner, const struct launch_spec *spec, int64_t flow_id)
{
	struct sim *s = h->s;
	struct proc *p = proc_new(h, spec->run_id, flow_id);

	p->shim = new_pid(h);
	p->attempt = spec->attempt;
	p->folder = runner_folder(owner);
	p->grace_ms = spec->grace_ms;
	p->born_cancelled = sql_int(s, 0,
		"SELECT cancel_at IS NOT NULL FROM scheduler_runs WHERE run_id = %lld",
		(long long)spec->run_id);
	p->owner = owner;
	p->owner_life = owner->life;
	p->spawn_fails = sim_strikes(s, s->faults.spawn_fails);
	p->shim_dies_early = sim_strikes(s, s->faults.shim_dies_early);
	sim_in(s,
		rng_chance(&s->rngs[STREAM_PROCESSES], 0.01) && sim_faulty(s)
			? rng_wait(&s->rngs[STREAM_PROCESSES], 3 * US_PER_SEC)
			: rng_range(&s->rngs[STREAM_PROCESSES], 500, 8000),
		on_ready, p, 0);
	return p;
}

/* --- the flow ------------------------------------------------------------------------------------------ */

static bool
write_exit(struct proc *p)
{
	struct disk_file *f;

	if (host_is_full(p->host))
		return false;
	f = host_file(p->host, p->run_id, p->attempt, p->folder);
	f->exited = true;
	f->exit = p->exit;
	return true;
}

static void
shim_ends(struct proc *p)
{
	p->told = true;
	shim_gone(p);
	judge_flow_gone(p);
	runner_proc_gone(p);
}

static void
on_exit_again(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)arg;
	if (p->shim_phase == SHIM_GONE) /* killed meanwhile */
		return;
	if (!write_exit(p))
		TRACE(s, "the shim of run %lld cannot keep its exit", (long long)p->run_id);
	shim_ends(p);
}

/* The shim tries for two seconds to write the exit file; then whoever launched it is all who hears of it. */
static void
all_gone(struct proc *p)
{
	struct sim *s = p->s;

	p->flow_phase = FLOW_GONE;
	TRACE(s, "flow of run %lld is gone (code %d, signal %d)", (long long)p->run_id,
		p->exit.code, p->exit.signal);
	if (p->foreign || p->shim_phase == SHIM_GONE) {
		judge_flow_gone(p);
		runner_proc_gone(p);
		return;
	}
	p->exit.ended_us = host_wall(p->host);
	if (write_exit(p)) {
		shim_ends(p);
		return;
	}
	p->shim_phase = SHIM_GOING;
	judge_flow_gone(p);
	sim_in(s, 2 * US_PER_SEC, on_exit_again, p, 0);
}

static void
on_linger_over(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)s;
	(void)arg;
	if (p->flow_phase == FLOW_LINGERING)
		all_gone(p);
}

/* The leader is gone; what it started may live on in its group. */
static void
leader_gone(struct proc *p, int code, int sig)
{
	p->exit.known = true;
	p->exit.code = sig ? -1 : code;
	p->exit.signal = sig;
	if (p->linger_us > 0 && !p->killed && !p->foreign) {
		p->flow_phase = FLOW_LINGERING;
		sim_in(p->s, p->termed ? 200 * US_PER_MS : p->linger_us, on_linger_over, p, 0);
		return;
	}
	all_gone(p);
}

static void
on_exit_now(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)s;
	if (p->flow_phase != FLOW_RUNNING)
		return;
	if (arg == 15)
		leader_gone(p, -1, 15);
	else
		leader_gone(p, p->code, 0);
}

/* The flow's work is done: it writes its table, tells the catalog, and exits a little later. */
static void
on_work_done(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)arg;
	if (p->flow_phase != FLOW_RUNNING || (p->termed && !p->ignores_term))
		return;
	s->here = p->host;
	if (p->write_table >= 0 && p->code == 0)
		actor_write_table(s, p->write_table, p);
	if (p->closes_row) {
		TRACE(s, "flow of run %lld closes its row", (long long)p->run_id);
		p->row_closed = true;
		/* Unconditional, as upstream's is (contract D-08). */
		sql_exec(s,
			"UPDATE flow_runs SET ended_at = '%s', success = %d, duration_seconds = "
			"1.0, "
			"nodes_completed = 1 WHERE id = %lld",
			sql_stamp(host_wall(p->host)), p->code == 0, (long long)p->run_id);
	}
	sim_in(s, rng_range(&s->rngs[STREAM_PROCESSES], 1000, 400 * US_PER_MS), on_exit_now, p, 0);
}

static void
flow_runs(struct proc *p)
{
	struct sim *s = p->s;

	p->flow_phase = FLOW_RUNNING;
	p->started_T = s->T;
	p->exit.started_us = host_wall(p->host);
	sim_in(s, p->duration_us, on_work_done, p, 0);
	judge_flow_started(p);
}

static void
on_go(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;
	struct disk_file *f = host_file(p->host, p->run_id, p->attempt, p->folder);

	(void)arg;
	if (p->shim_phase != SHIM_READY)
		return;
	p->shim_phase = SHIM_GOING;
	if (host_is_full(p->host)) {
		TRACE(s, "the start of run %lld cannot be noted: the disk is full",
			(long long)p->run_id);
		p->exit.known = true;
		p->exit.code = 126;
		snprintf(p->exit.reason, sizeof(p->exit.reason), "cannot note its start");
		judge_spawn_failed(p);
		all_gone(p);
		return;
	}
	f->marked = true;
	f->started_us = host_wall(p->host);
	f->marked_T = s->T;
	if (p->exec_fails) {
		TRACE(s, "flow of run %lld cannot be executed", (long long)p->run_id);
		p->exit.known = true;
		p->exit.code = 126;
		snprintf(p->exit.reason, sizeof(p->exit.reason),
			"cannot execute flow: no interpreter");
		judge_spawn_failed(p);
		all_gone(p);
		return;
	}
	flow_runs(p);
}

void
proc_go(struct proc *p)
{
	p->going = true;
	sim_in(p->s, rng_range(&p->s->rngs[STREAM_PROCESSES], 20, 300), on_go, p, 0);
}

static void
on_left(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)arg;
	if (p->shim_phase != SHIM_READY || p->going)
		return;
	TRACE(s, "shim of run %lld leaves: nobody let it go", (long long)p->run_id);
	shim_gone(p);
	p->flow_phase = FLOW_GONE;
	runner_proc_gone(p);
}

void
proc_leave(struct proc *p)
{
	p->left = true;
	if (!p->going)
		sim_in(p->s, rng_range(&p->s->rngs[STREAM_PROCESSES], 20, 5000), on_left, p, 0);
}

struct proc *
host_start_foreign(struct host *h, int64_t run_id, int64_t flow_id)
{
	struct proc *p = proc_new(h, run_id, flow_id);

	p->foreign = true;
	p->shim_phase = SHIM_GONE;
	p->flow = new_pid(h);
	p->closes_row = rng_chance(&h->s->rngs[STREAM_PROCESSES], 0.9);
	p->exec_fails = false;
	p->linger_us = 0;
	flow_runs(p);
	return p;
}

/* --- signals ----------------------------------------------------------------------------------------------- */

static void
on_grace_over(struct sim *s, void *what, int64_t arg)
{
	struct proc *p = what;

	(void)s;
	(void)arg;
	if (p->shim_phase == SHIM_GOING)
		proc_kill_group(p);
}

void
proc_kill_group(struct proc *p)
{
	cover(COVER_KILLED);
	p->killed = true;
	p->exit.killed = true;
	if (p->flow_phase == FLOW_RUNNING) {
		p->exit.known = true;
		p->exit.code = -1;
		p->exit.signal = 9;
		all_gone(p);
	} else if (p->flow_phase == FLOW_LINGERING) {
		all_gone(p);
	}
}

/* A flow that hears TERM ends by it, or in good order, after a moment. */
static void
flow_term(struct proc *p)
{
	struct sim *s = p->s;

	if (p->flow_phase == FLOW_LINGERING)
		sim_in(s, 200 * US_PER_MS, on_linger_over, p, 0);
	if (p->flow_phase == FLOW_RUNNING && !p->ignores_term)
		sim_in(s, rng_range(&s->rngs[STREAM_PROCESSES], 1000, 2 * US_PER_SEC), on_exit_now,
			p, rng_chance(&s->rngs[STREAM_PROCESSES], 0.7) ? 15 : 0);
}

void
proc_term(struct proc *p)
{
	struct sim *s = p->s;
	bool again = p->termed;

	if (p->shim_phase == SHIM_GOING && p->flow_phase == FLOW_GONE)
		return; /* the shim has other things to do now */
	TRACE(s, "TERM reaches run %lld%s", (long long)p->run_id, again ? " again" : "");
	p->exit.cancelled = true;
	if (p->foreign || p->shim_phase == SHIM_GONE) {
		p->termed = true;
		if (!again)
			flow_term(p);
		return;
	}
	if (p->shim_phase == SHIM_STARTING)
		return; /* blocked until it is ready; lost, for simplicity */
	p->termed = true;
	if (p->shim_phase == SHIM_READY) {
		p->exit.known = true;
		p->exit.signal = 15;
		all_gone(p);
		return;
	}
	if (again) {
		proc_kill_group(p);
		return;
	}
	flow_term(p);
	sim_in(s, p->grace_ms * US_PER_MS, on_grace_over, p, 0);
}

void
proc_kill_shim(struct proc *p)
{
	bool waiting = p->shim_phase == SHIM_READY, starting = p->shim_phase == SHIM_STARTING;

	TRACE(p->s, "shim of run %lld is killed", (long long)p->run_id);
	if (starting) {
		p->shim_dies_early = true;
		return;
	}
	shim_gone(p);
	if (waiting)
		p->flow_phase = FLOW_GONE;
	runner_proc_gone(p);
}

/* The power went: what was not synced may be lost. */
static void
lose_marks(struct host *h)
{
	for (size_t i = 0; i < h->n_files; i++)
		for (struct disk_file *f = h->files[i]; f; f = f->next)
			if (f->marked && h->s->T - f->marked_T < 30 * US_PER_SEC &&
				rng_chance(&h->s->rngs[STREAM_PROCESSES], 0.5))
				f->marked = false;
}

/* What was recorded and not yet let go cannot be told from what lost its mark. */
static void
note_lost_runs(struct host *h)
{
	struct sim *s = h->s;

	for (int i = 0; i < s->n_active; i++)
		if (sql_int(s, 0,
			    "SELECT count(*) FROM scheduler_runs WHERE run_id = %lld AND state = "
			    "'recorded' AND host = '%s'",
			    (long long)s->active[i], h->name))
			s->runs[s->active[i]].lost = true;
}

void
host_reboot(struct host *h)
{
	struct sim *s = h->s;
	struct proc *p;

	TRACE(s, "%s is rebooted", h->name);
	for (int i = 0; i < s->n_daemons; i++)
		if (s->daemons[i].host == h && s->daemons[i].up)
			daemon_crash(&s->daemons[i]);
	LIST_FOREACH(p, &h->procs, link)
	{
		if (!proc_lives(p))
			continue;
		p->shim_phase = SHIM_GONE;
		p->flow_phase = FLOW_GONE;
		judge_flow_gone(p);
	}
	lose_marks(h);
	note_lost_runs(h);
	new_boot(h);
}
