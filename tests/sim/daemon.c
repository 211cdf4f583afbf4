/* Daemons of ours: the real engine with a made-up surrounding, its turns, faults and deaths. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

#define TURN_US 50 /* between turns that follow at once */
#define TURNS_AT_ONCE 3000

/* --- guard ----------------------------------------------------------------------------------------- */

static int
guard_acquire(struct guard *g, struct err *err)
{
	struct sim *s = g->d->s;

	if ((sim_faulty(s) && s->T < g->d->no_fds_until) || sim_strikes(s, s->faults.lost))
		return err_set(err, ERR_LOST, "guard: cannot tell");
	if (!g->d->dead && !s->guard_holder)
		s->guard_holder = g->d;
	return s->guard_holder == g->d;
}

static void
guard_release(struct guard *g)
{
	if (g->d->s->guard_holder == g->d)
		g->d->s->guard_holder = NULL;
}

static const struct guard_ops guard_sim = {guard_acquire, guard_release};

/* --- faults ------------------------------------------------------------------------------------------ */

void
daemon_maybe_die(struct daemon *d, double p, const char *where)
{
	struct sim *s = d->s;

	if (d->dead || !sim_strikes(s, p))
		return;
	TRACE(s, "daemon %d dies %s", d->id, where);
	daemon_crash(d);
}

/* Others act while it stands still. Not with a transaction open: the others would only wait. */
bool
daemon_may_stall(struct daemon *d)
{
	struct sim *s = d->s;
	int64_t us;

	if (d->dead || s->depth >= 3 || !sqlite3_get_autocommit(s->sql) ||
		!sim_strikes(s, s->faults.stall))
		return false;
	us = rng_chance(&s->rngs[STREAM_DAEMONS], 0.5)
		? rng_wait(&s->rngs[STREAM_DAEMONS], 200 * US_PER_MS)
		: rng_below(&s->rngs[STREAM_DAEMONS], s->faults.stall_max_us) + 1;
	TRACE(s, "daemon %d stalls for %lld ms", d->id, (long long)(us / US_PER_MS));
	sim_trouble(s, d);
	s->depth++;
	s->author = NULL;
	sim_run_until(s, s->T + us);
	s->author = d;
	s->here = d->host;
	s->depth--;
	TRACE(s, "daemon %d goes on", d->id);
	sim_trouble(s, d);
	return true;
}

static enum err_code
choose_fault(struct daemon *d, const char *step, bool after)
{
	struct sim *s = d->s;
	const struct faults *f = &s->faults;
	bool commit = !strcmp(step, "commit");

	if (sim_strikes(s, f->crash_step)) {
		TRACE(s, "daemon %d dies %s %s", d->id, after ? "after" : "before", step);
		daemon_crash(d);
		cover_step(step, STEP_DIED);
		return commit && after ? ERR_UNKNOWN : ERR_LOST;
	}
	if (commit && sim_strikes(s, f->unknown)) {
		cover(after ? COVER_UNKNOWN_MADE : COVER_UNKNOWN_LOST);
		return ERR_UNKNOWN;
	}
	if (after)
		return ERR_NONE;
	if (sim_strikes(s, f->lost))
		return ERR_LOST;
	if (sim_strikes(s, f->odd))
		return ERR_FAILED;
	return sim_strikes(s, f->busy) ? ERR_BUSY : ERR_NONE;
}

/* A full disk can be read and not be written; without descriptors what is open stays so. */
static bool
lacks_something(struct daemon *d, const char *step, bool after)
{
	return (!strcmp(step, "commit") && !after && host_is_full(d->host)) ||
		(!strcmp(step, "reconnect") && d->s->T < d->no_fds_until);
}

static enum err_code
on_step(const char *step, bool after, void *arg)
{
	struct daemon *d = arg;
	struct sim *s = d->s;
	enum err_code code;

	cover_step(step, STEP_MADE);
	d->steps++;
	s->n_steps++;
	if (d->dead)
		return ERR_LOST;
	if (!strcmp(step, "commit")) {
		if (after)
			judge_committed(s, d);
		else
			judge_before_commit(s, d);
	}
	if (!sim_faulty(s))
		return ERR_NONE;
	if (s->T < d->outage_until || lacks_something(d, step, after))
		return ERR_LOST;
	if (!strcmp(step, "begin") || (after && !strcmp(step, "commit"))) {
		daemon_may_stall(d);
		if (d->dead)
			return ERR_LOST;
	}
	code = choose_fault(d, step, after);
	if (code != ERR_NONE) {
		TRACE(s, "daemon %d: %s fails%s: %s", d->id, step, after ? " afterwards" : "",
			code == ERR_BUSY              ? "busy"
				: code == ERR_FAILED  ? "failed"
				: code == ERR_UNKNOWN ? "unknown"
						      : "lost");
		sim_trouble(s, d);
		if (!d->dead)
			cover_step(step, STEP_FAILED);
	}
	return code;
}

/* --- what the engine is given ---------------------------------------------------------------------------- */

static bool
find_process(pid_t pid, int64_t run_id, int64_t started_us, struct proc_id *out, void *arg)
{
	struct daemon *d = arg;
	struct proc *p = host_find(d->host, pid, 0);
	int64_t start_us;

	if (!p)
		return false;
	start_us = host_wall(d->host) - (d->s->T - p->started_T);
	*out = p->foreign ? p->flow : p->shim;
	if (p->foreign && p->run_id == run_id)
		return true;
	return p->foreign && start_us >= started_us - 2 * US_PER_SEC &&
		start_us <= started_us + US_PER_MIN;
}

static void
random_hex(struct sim *s, char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = "0123456789abcdef"[rng_below(&s->rngs[STREAM_DAEMONS], 16)];
	out[n] = '\0';
}

void
daemon_init(struct sim *s, int id, struct host *h, bool guard)
{
	struct daemon *d = &s->daemons[id];

	d->s = s;
	d->id = id;
	d->host = h;
	d->guard.d = d;
	d->has_guard = guard;
	runner_init(&d->runner, d);
}

void
daemon_start(struct daemon *d)
{
	struct sim *s = d->s;
	struct engine_env env = {0};

	assert(!d->up);
	d->life++;
	d->dead = false;
	d->rules = s->rules;
	for (int i = 0; i < s->n_daemons; i++)
		if (s->daemons[i].up && s->daemons[i].rules != d->rules)
			cover(COVER_ZONES);
	d->outage_until = d->no_fds_until = 0;
	d->hint_due = d->changed_late = false;
	random_hex(s, d->holder, 12);
	d->db = db_share(s->db);
	db_set_fault(d->db, on_step, d);
	env.clock = &d->host->clock;
	env.db = d->db;
	env.guard_ops = &guard_sim;
	env.guard = d->has_guard ? &d->guard : NULL;
	env.runner_ops = &sim_runner_ops;
	env.runner = &d->runner;
	env.zone = truth_zone;
	env.zone_arg = d;
	env.find_process = find_process;
	env.find_sources = virtual_find_sources;
	env.arg = d;
	snprintf(env.host.host, sizeof(env.host.host), "%s", d->host->name);
	memcpy(env.host.boot_id, d->host->boot_id, sizeof(env.host.boot_id));
	memcpy(env.holder_id, d->holder, sizeof(env.holder_id));
	env.pid = 100 + d->id;
	env.pid_start = d->life;
	env.version = "sim";
	s->here = d->host;
	d->engine = engine_create(&env, &s->options);
	d->up = true;
	d->wake_T = TIME_NEVER;
	TRACE(s, "daemon %d starts on %s as %s", d->id, d->host->name, d->holder);
	daemon_wake(d, rng_range(&s->rngs[STREAM_DAEMONS], 0, 5000));
}

static void
bury(struct daemon *d)
{
	d->dead = true; /* freeing the engine calls the runner, where a daemon may die */
	db_set_fault(d->db, NULL, NULL);
	engine_free(d->engine);
	d->engine = NULL;
	db_close(d->db);
	d->db = NULL;
	d->up = false;
	d->dead = false;
	d->wake_order++;
}

void
daemon_crash(struct daemon *d)
{
	struct sim *s = d->s;

	if (!d->up || d->dead)
		return;
	TRACE(s, "daemon %d is dead", d->id);
	s->n_crashes++;
	sim_trouble(s, d);
	d->dead = true;
	guard_release(&d->guard);
	runner_clear(&d->runner);
	if (!d->in_turn)
		bury(d);
}

static void
on_stop(struct sim *s, void *what, int64_t life)
{
	struct daemon *d = what;

	if (!d->up || d->life != life)
		return;
	if (d->in_turn) {
		sim_in(s, 100 * US_PER_MS, on_stop, d, life);
		return;
	}
	TRACE(s, "daemon %d is stopped", d->id);
	sim_trouble(s, d);
	s->here = d->host;
	s->author = d;
	d->in_turn = true;
	d->last_turn_T = s->T;
	engine_stop(d->engine);
	d->in_turn = false;
	s->author = NULL;
	guard_release(&d->guard);
	runner_clear(&d->runner);
	bury(d);
	if (s->phase != PHASE_CHAOS)
		daemon_start(d);
}

/* As src/daemon does: what began to start is brought to its end first, within some seconds. */
void
daemon_stop(struct daemon *d)
{
	struct sim *s = d->s;

	if (!d->up || d->in_turn)
		return;
	TRACE(s, "daemon %d is told to stop", d->id);
	sim_trouble(s, d);
	engine_drain(d->engine);
	daemon_wake(d, 0);
	sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], 500 * US_PER_MS), on_stop, d, d->life);
}

struct daemon *
daemon_leading(struct sim *s)
{
	struct engine_status st;

	for (int i = 0; i < s->n_daemons; i++) {
		if (!s->daemons[i].up)
			continue;
		engine_get_status(s->daemons[i].engine, &st);
		if (st.leading)
			return &s->daemons[i];
	}
	return NULL;
}

/* --- turns ----------------------------------------------------------------------------------------------- */

static void turn(struct daemon *d);

static void
on_wake(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	(void)s;
	if (!d->up || (uint64_t)arg != d->wake_order)
		return;
	if (d->in_turn)
		d->wake_pending = true;
	else
		turn(d);
}

static void
wake_at(struct daemon *d, int64_t T)
{
	d->wake_T = T;
	sim_at(d->s, T, on_wake, d, (int64_t)++d->wake_order);
}

void
daemon_wake(struct daemon *d, int64_t delay_us)
{
	struct sim *s = d->s;

	if (!d->up)
		return;
	if (d->in_turn)
		d->wake_pending = true;
	else if (s->T + delay_us < d->wake_T)
		wake_at(d, s->T + delay_us);
}

/* When the timers that the engine asked for go off. */
static int64_t
next_T(const struct daemon *d, const struct engine_next *next)
{
	const struct sim *s = d->s;
	int64_t T = next->boot.us - US_PER_SEC + d->host->boot_T, wall_T;

	if (next->wall_us != TIME_NEVER) {
		wall_T = next->wall_us - (host_wall(d->host) - s->T);
		if (wall_T < T)
			T = wall_T;
	}
	return T;
}

static void
note_turn(struct daemon *d)
{
	struct sim *s = d->s;

	d->turns++;
	s->n_turns++;
	d->same_instant = s->T - d->last_turn_T <= TURN_US ? d->same_instant + 1 : 0;
	d->last_turn_T = s->T;
	d->turn_wall_us = host_wall(d->host);
	if (d->same_instant > TURNS_AT_ONCE)
		sim_fail(s, "P13", "daemon %d turns round and round: %d turns at once", d->id,
			TURNS_AT_ONCE);
}

static void
turn(struct daemon *d)
{
	struct sim *s = d->s;
	struct engine_next next;
	int64_t T;

	note_turn(d);
	d->in_turn = true;
	d->wake_pending = false;
	s->here = d->host;
	s->author = d;
	engine_turn(d->engine, &next);
	s->author = NULL;
	d->in_turn = false;
	if (d->dead) {
		bury(d);
		return;
	}
	if (s->failed)
		return;
	if (d->changed_late)
		engine_mark_changed(d->engine, 0);
	if (d->changed_late || d->wake_pending)
		T = s->T;
	else
		T = next_T(d, &next);
	d->changed_late = false;
	wake_at(d, T > s->T ? T : s->T + TURN_US);
	judge_after_turn(d);
}

void
daemons_clock_changed(struct sim *s)
{
	for (int i = 0; i < s->n_daemons; i++)
		daemon_wake(&s->daemons[i], rng_range(&s->rngs[STREAM_DAEMONS], 10, 500));
}

/* --- the feed ------------------------------------------------------------------------------------------- */

static void
on_hint(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	(void)s;
	if (!d->up || d->life != arg)
		return;
	d->hint_due = false;
	d->causes++;
	if (d->in_turn) {
		d->changed_late = true;
		return;
	}
	engine_mark_changed(d->engine, 0);
	daemon_wake(d, 0);
}

void
daemons_hint(struct sim *s, const struct daemon *but)
{
	for (int i = 0; i < s->n_daemons; i++) {
		struct daemon *d = &s->daemons[i];

		if (d == but || !d->up)
			continue;
		if (sim_strikes(s, s->faults.hint_lost)) {
			s->lost_hints_until = s->T + s->options.poll_us;
			continue;
		}
		if (d->hint_due && !sim_strikes(s, s->faults.hint_doubled))
			continue;
		d->hint_due = true;
		sim_in(s, rng_range(&s->rngs[STREAM_DAEMONS], 15, 5000), on_hint, d, d->life);
	}
}

/* --- what befalls daemons, from outside -------------------------------------------------------------------- */

static void
on_restart(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	(void)arg;
	if (d->up) {
		if (d->in_turn)
			sim_in(s, US_PER_SEC, on_restart, d, 0);
		return;
	}
	if (s->phase == PHASE_CHAOS || s->phase == PHASE_HEALING)
		daemon_start(d);
}

static void
on_crash(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	if (!sim_faulty(s))
		return;
	if (sim_happens(s)) {
		if (arg)
			daemon_stop(d);
		else
			daemon_crash(d);
	}
	sim_in(s,
		rng_wait(&s->rngs[STREAM_DAEMONS],
			arg ? s->faults.restart_every_us : s->faults.crash_every_us),
		on_crash, d, arg);
}

/* Whatever it died of, somebody starts it again after a while. */
static void
on_look(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	if (!sim_faulty(s))
		return;
	if (!d->up)
		sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], 20 * US_PER_SEC), on_restart, d, 0);
	sim_in(s, 30 * US_PER_SEC, on_look, d, arg);
}

static void
on_outage(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	if (!sim_faulty(s))
		return;
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.outage_every_us), on_outage, d, arg);
	if (!sim_happens(s))
		return;
	d->outage_from = s->T;
	d->outage_until = s->T + rng_wait(&s->rngs[STREAM_FAULTS], 40 * US_PER_SEC);
	TRACE(s, "the database is away for daemon %d", d->id);
	sim_trouble(s, d);
}

/* Somebody leaks them. */
static void
on_no_fds(struct sim *s, void *what, int64_t arg)
{
	struct daemon *d = what;

	if (!sim_faulty(s))
		return;
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.no_fds_every_us), on_no_fds, d, arg);
	if (!sim_happens(s))
		return;
	d->no_fds_until = s->T + rng_wait(&s->rngs[STREAM_FAULTS], 40 * US_PER_SEC);
	TRACE(s, "daemon %d has no descriptor left", d->id);
	sim_trouble(s, d);
}

void
daemons_start_chaos(struct sim *s)
{
	for (int i = 0; i < s->n_daemons; i++) {
		struct daemon *d = &s->daemons[i];

		if (s->faults.crash_every_us)
			sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], s->faults.crash_every_us),
				on_crash, d, 0);
		if (s->faults.restart_every_us)
			sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], s->faults.restart_every_us),
				on_crash, d, 1);
		if (s->faults.outage_every_us)
			sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], s->faults.outage_every_us),
				on_outage, d, 0);
		if (s->faults.no_fds_every_us)
			sim_in(s, rng_wait(&s->rngs[STREAM_DAEMONS], s->faults.no_fds_every_us),
				on_no_fds, d, 0);
		sim_in(s, 30 * US_PER_SEC, on_look, d, 0);
	}
}
