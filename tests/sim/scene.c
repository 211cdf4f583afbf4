/* A world from a seed: its population, its faults, and its three phases: chaos, healing, calm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "sim.h"

#define HEALING_US (6 * US_PER_MIN) /* a lease of Flowfile's grows stale, what was lost is found */
#define SWEEP_US (2 * US_PER_SEC)

static const char *const no_env[] = {NULL};

/* Often close to a change of the offset, where the slots are hard. */
static int64_t
choose_start(struct sim *s, int64_t length_us)
{
	static const char *const changes[] = {"2026-03-29 01:00:00", "2026-10-25 01:00:00",
		"2027-03-14 07:00:00", "2027-11-07 06:00:00", "2028-02-29 00:00:00",
		"2026-12-31 23:00:00", "2026-04-04 16:00:00", "2026-10-03 16:00:00",
		"2026-04-04 15:00:00", "2026-09-26 14:00:00", "2027-11-07 04:30:00"};
	int64_t at = 0;

	if (rng_chance(&s->rngs[STREAM_RECIPE], 0.4)) {
		time_parse(changes[rng_below(&s->rngs[STREAM_RECIPE], ARRAY_LEN(changes))], &at);
		return at - rng_below(&s->rngs[STREAM_RECIPE], length_us) -
			rng_below(&s->rngs[STREAM_RECIPE], US_PER_SEC);
	}
	time_parse("2026-01-01 00:00:00", &at);
	return at + rng_below(&s->rngs[STREAM_RECIPE], 900 * US_PER_DAY);
}

static double
sometimes(struct sim *s, double p, double lo, double hi)
{
	double u = (double)rng_below(&s->rngs[STREAM_RECIPE], 1000) / 1000.0;

	return rng_chance(&s->rngs[STREAM_RECIPE], p) ? lo + u * u * (hi - lo) : 0;
}

static int64_t
sometimes_every(struct sim *s, double p, int64_t lo_min, int64_t hi_min)
{
	return rng_chance(&s->rngs[STREAM_RECIPE], p)
		? rng_range(&s->rngs[STREAM_RECIPE], lo_min, hi_min) * US_PER_MIN
		: 0;
}

static double
take(struct sim *s, enum ingredient i, double chosen)
{
	return recipe_take(s->recipe, i, chosen, s->used);
}

/* Each world has its own choice of faults: what happens all the time hides what happens rarely. */
static void
choose_faults(struct sim *s)
{
	struct faults *f = &s->faults;

	f->busy = sometimes(s, 0.4, 0.0005, 0.03);
	f->lost = sometimes(s, 0.4, 0.0005, 0.02);
	f->odd = sometimes(s, 0.2, 0.0005, 0.02);
	f->refuse_request = sometimes(s, 0.2, 0.05, 0.5);
	f->unknown = sometimes(s, 0.4, 0.001, 0.05);
	f->crash_step = sometimes(s, 0.4, 0.0002, 0.005);
	f->crash_runner = sometimes(s, 0.4, 0.002, 0.1);
	f->stall = sometimes(s, 0.4, 0.0002, 0.01);
	f->stall_max_us =
		rng_chance(&s->rngs[STREAM_RECIPE], 0.5) ? 900 * US_PER_SEC : 20 * US_PER_SEC;
	f->hint_lost = sometimes(s, 0.4, 0.01, 1.0);
	f->hint_doubled = sometimes(s, 0.4, 0.05, 0.5);
	f->spawn_error = sometimes(s, 0.2, 0.01, 0.3);
	f->spawn_fails = sometimes(s, 0.3, 0.01, 0.2);
	f->shim_dies_early = sometimes(s, 0.2, 0.01, 0.1);
	f->crash_every_us = sometimes_every(s, 0.5, 3, 120);
	f->restart_every_us = sometimes_every(s, 0.3, 5, 120);
	f->outage_every_us = sometimes_every(s, 0.3, 5, 120);
	f->clock_step_every_us = sometimes_every(s, 0.2, 10, 200);
	f->reboot_every_us = sometimes_every(s, 0.2, 20, 200);
	f->shim_kill_every_us = sometimes_every(s, 0.3, 2, 60);
	f->suspend_every_us = sometimes_every(s, 0.2, 20, 200);
	f->refuse_every_us = sometimes_every(s, 0.25, 5, 60);
	f->disk_full_every_us = sometimes_every(s, 0.2, 5, 60);
	f->no_fds_every_us = sometimes_every(s, 0.2, 5, 60);
	f->zones_at_us = sometimes_every(s, 0.2, 1, 600);
	f->regret = 0.05;
	if (s->healthy)
		*f = (struct faults){0};
	recipe_take_faults(s->recipe, f, s->used);
}

static void
choose_options(struct sim *s)
{
	static const int limits[] = {0, 0, 1, 2, 5, 32};
	struct engine_options *o = &s->options;

	o->policy.max_concurrent_runs = (int64_t)take(s, ING_LIMIT,
		s->idle ? 0 : limits[rng_below(&s->rngs[STREAM_RECIPE], ARRAY_LEN(limits))]);
	o->policy.trigger_min_gap_us =
		rng_chance(&s->rngs[STREAM_RECIPE], 0.1) ? 2 * US_PER_MIN : 0;
	o->policy.run_max_age_us =
		rng_chance(&s->rngs[STREAM_RECIPE], 0.2) ? 90 * US_PER_SEC : US_PER_DAY;
	o->policy.run_start_grace_us = 300 * US_PER_SEC;
	o->policy.designer_run_max_age_us =
		rng_chance(&s->rngs[STREAM_RECIPE], 0.5) ? 20 * US_PER_MIN : US_PER_DAY;
	o->policy.reap_foreign = true;
	o->heartbeat_us =
		rng_chance(&s->rngs[STREAM_RECIPE], 0.3) ? 10 * US_PER_SEC : 25 * US_PER_SEC;
	o->poll_us = rng_chance(&s->rngs[STREAM_RECIPE], 0.5) ? 30 * US_PER_SEC : 5 * US_PER_MIN;
	o->lost_host_us = rng_chance(&s->rngs[STREAM_RECIPE], 0.5) ? 15 * US_PER_MIN : 0;
	o->history_us = rng_chance(&s->rngs[STREAM_RECIPE], 0.3) ? US_PER_DAY : 0;
	o->cancel_grace_ms = 10000;
	o->run_command = "flow {flow_path}";
	o->log_dir = "/nowhere";
	o->env = no_env;
}

/* Worlds with many daemons cost more an hour: they are shorter. */
static int64_t
choose_length(struct sim *s, bool alone)
{
	struct rng *r = &s->rngs[STREAM_RECIPE];

	return (alone ? rng_range(r, 10, 240) : rng_range(r, 6, 24)) * US_PER_DAY / 240;
}

static void
choose_daemons(struct sim *s)
{
	struct rng *r = &s->rngs[STREAM_RECIPE];
	bool guard = take(s, ING_GUARD, rng_chance(r, 0.7)) != 0, alone = true;
	int hosts = 1, daemons = 1;

	if (!s->idle && rng_chance(r, 0.55)) {
		hosts = rng_chance(r, 0.4) ? 2 : 1;
		daemons = (int)rng_range(r, 2, DAEMONS_MAX);
		alone = false;
	}
	s->n_hosts = take(s, ING_HOSTS, hosts) < 2 ? 1 : HOSTS_MAX;
	s->n_daemons = (int)take(s, ING_DAEMONS, daemons);
	s->n_daemons = s->n_daemons < 1      ? 1
		: s->n_daemons < DAEMONS_MAX ? s->n_daemons
					     : DAEMONS_MAX;
	for (int i = 0; i < s->n_hosts; i++)
		host_init(s, i);
	for (int i = 0; i < s->n_daemons; i++)
		daemon_init(s, i, &s->hosts[i % s->n_hosts], guard);
	if (s->n_hosts == 2)
		s->hosts[1].skew_us = rng_range(r, -900, 900) * US_PER_MS;
	/* Flowfile and its database file are on one machine. */
	s->peer_on = take(s, ING_PEER, !s->idle && hosts == 1 && rng_chance(r, 0.3)) != 0;
	s->push = take(s, ING_PUSH, !s->idle && hosts == 1 && rng_chance(r, 0.3)) != 0;
	s->until = choose_length(s, alone);
}

static void
engine_says(enum log_level level, const char *line, void *arg)
{
	struct sim *s = arg;

	if (s->tracing)
		sim_trace(s, "  %s%s", level >= LOG_ERROR_LEVEL ? "error: " : "", line);
}

static void
set_phases(struct sim *s, int64_t length_us)
{
	s->chaos_until = length_us * 7 / 10;
	s->calm_from = s->chaos_until + HEALING_US;
	s->until = length_us > s->calm_from + 10 * US_PER_MIN ? length_us
							      : s->calm_from + 10 * US_PER_MIN;
}

struct sim *
scene_create(const struct recipe *recipe, enum telling telling)
{
	struct sim *s = xcalloc(1, sizeof(*s));
	int64_t length_us;

	s->seed = recipe->seed;
	s->recipe = recipe;
	s->telling = telling;
	s->tracing = telling != TELL_NOTHING;
	if (s->tracing)
		s->trace = xcalloc(TRACE_LINES, sizeof(*s->trace));
	take(s, ING_LUCK, 0);
	for (int i = 0; i < STREAMS; i++)
		sim_renew(s, (enum stream)i);
	s->idle = rng_chance(&s->rngs[STREAM_RECIPE], 0.05);
	s->healthy = rng_chance(&s->rngs[STREAM_RECIPE], 0.15) || s->idle;
	choose_daemons(s);
	choose_options(s);
	choose_faults(s);
	length_us = s->until;
	s->base_us = choose_start(s, length_us);
	set_phases(s, (int64_t)take(s, ING_SECONDS, (double)(length_us / US_PER_SEC)) * US_PER_SEC);
	s->here = &s->hosts[0];
	s->max_wall_us = s->base_us;
	log_set_sink(engine_says, s);
	log_set_level(s->tracing ? LOG_DEBUG_LEVEL : LOG_ERROR_LEVEL);
	sql_open(s);
	actors_populate(s);
	return s;
}

/* --- what befalls the whole world ------------------------------------------------------------------------------ */

static void
set_clock(struct sim *s, int64_t step_us)
{
	if (step_us < 0 && host_wall(&s->hosts[0]) > s->relived_us)
		s->relived_us = host_wall(&s->hosts[0]);
	s->wall_step_us += step_us;
	s->clock_stepped = true;
	sim_trouble(s, NULL);
	TRACE(s, "the clock is set: %+lld ms", (long long)(step_us / US_PER_MS));
	for (int i = 0; i < s->n_scheds; i++) {
		s->scheds[i].cursor_known = false;
		s->scheds[i].next_us = TIME_NONE;
	}
	daemons_clock_changed(s);
}

static void
on_clock_step(struct sim *s, void *what, int64_t arg)
{
	static const int64_t sizes[] = {US_PER_SEC, US_PER_MIN, US_PER_HOUR, 5 * US_PER_HOUR,
		US_PER_DAY, 400 * US_PER_DAY, 3650 * US_PER_DAY};
	int64_t size = sizes[rng_below(&s->rngs[STREAM_FAULTS], ARRAY_LEN(sizes))];

	if (!sim_faulty(s))
		return;
	if (sim_happens(s)) {
		set_clock(s, rng_range(&s->rngs[STREAM_FAULTS], -size, size));
		/* Somebody usually puts it right again. */
		if (rng_chance(&s->rngs[STREAM_FAULTS], 0.7)) {
			sim_run_until(s, s->T + rng_wait(&s->rngs[STREAM_FAULTS], US_PER_MIN));
			set_clock(s, -s->wall_step_us);
		}
	}
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.clock_step_every_us), on_clock_step,
		what, arg);
}

static void
on_reboot(struct sim *s, void *what, int64_t arg)
{
	struct host *h = &s->hosts[rng_below(&s->rngs[STREAM_FAULTS], s->n_hosts)];

	if (!sim_faulty(s))
		return;
	if (sim_happens(s)) {
		sim_trouble(s, NULL);
		host_reboot(h);
	}
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.reboot_every_us), on_reboot, what,
		arg);
}

static void
on_shim_kill(struct sim *s, void *what, int64_t arg)
{
	if (!sim_faulty(s))
		return;
	if (s->n_active > 0 && sim_happens(s)) {
		struct jrun *r =
			&s->runs[s->active[rng_below(&s->rngs[STREAM_FAULTS], s->n_active)]];

		if (r->ours && r->proc && r->proc->shim_phase != SHIM_GONE)
			proc_kill_shim(r->proc);
	}
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.shim_kill_every_us), on_shim_kill,
		what, arg);
}

static void
on_accept(struct sim *s, void *what, int64_t id)
{
	struct sched *x = what;

	if (s->phase != PHASE_CHAOS) /* for good, then */
		return;
	sql_refuse_no_more(s, x ? 's' : 'r', id);
	if (x)
		x->changed_T = s->T;
}

/* A row that cannot be changed, for a while or for good: it must harm nobody else (P12). */
static void
on_refuse(struct sim *s, void *what, int64_t arg)
{
	struct sched *x = NULL;
	int64_t id;

	if (!sim_faulty(s))
		return;
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.refuse_every_us), on_refuse, what,
		arg);
	if (s->n_scheds == 0 || !sim_happens(s))
		return;
	if (s->n_active > 0 && rng_chance(&s->rngs[STREAM_FAULTS], 0.7)) {
		id = s->active[rng_below(&s->rngs[STREAM_FAULTS], s->n_active)];
		if (!s->runs[id].ours)
			return;
	} else {
		x = &s->scheds[rng_below(&s->rngs[STREAM_FAULTS], s->n_scheds)];
		id = x->id;
	}
	sql_refuse(s, x ? 's' : 'r', id);
	sim_trouble(s, NULL);
	if (rng_chance(&s->rngs[STREAM_FAULTS], 0.6))
		sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], 5 * US_PER_MIN), on_accept, x, id);
}

/* The lid is shut: time goes on, nothing else does. */
static void
on_suspend(struct sim *s, void *what, int64_t arg)
{
	if (!sim_faulty(s))
		return;
	if (sim_happens(s)) {
		TRACE(s, "suspended");
		s->T += rng_wait(&s->rngs[STREAM_FAULTS], 30 * US_PER_MIN);
		TRACE(s, "resumed");
		sim_trouble(s, NULL);
	}
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.suspend_every_us), on_suspend, what,
		arg);
}

static void
on_disk_full(struct sim *s, void *what, int64_t arg)
{
	struct host *h = &s->hosts[rng_below(&s->rngs[STREAM_FAULTS], s->n_hosts)];

	if (!sim_faulty(s))
		return;
	sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], s->faults.disk_full_every_us), on_disk_full,
		what, arg);
	if (!sim_happens(s))
		return;
	h->full_until = s->T + rng_wait(&s->rngs[STREAM_FAULTS], 40 * US_PER_SEC);
	TRACE(s, "the disk of %s is full", h->name);
	sim_trouble(s, NULL);
}

/* A package is upgraded. Whoever started before has read the zones as they were. */
static void
on_zones(struct sim *s, void *what, int64_t arg)
{
	(void)what;
	(void)arg;
	if (!sim_faulty(s) || !sim_happens(s))
		return;
	TRACE(s, "the data of the time zones is changed");
	sim_trouble(s, NULL);
	s->rules = 1;
}

static void
start_chaos(struct sim *s)
{
	static const struct {
		size_t every;
		event_cb cb;
	} kinds[] = {
		{offsetof(struct faults, clock_step_every_us), on_clock_step},
		{offsetof(struct faults, reboot_every_us), on_reboot},
		{offsetof(struct faults, shim_kill_every_us), on_shim_kill},
		{offsetof(struct faults, suspend_every_us), on_suspend},
		{offsetof(struct faults, refuse_every_us), on_refuse},
		{offsetof(struct faults, disk_full_every_us), on_disk_full},
		{offsetof(struct faults, zones_at_us), on_zones},
	};

	if (s->healthy)
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int64_t every = *(int64_t *)((char *)&s->faults + kinds[i].every);

		if (every)
			sim_in(s, rng_wait(&s->rngs[STREAM_FAULTS], every), kinds[i].cb, NULL, 0);
	}
	daemons_start_chaos(s);
}

/* --- phases ------------------------------------------------------------------------------------------------------- */

/* From now on nothing fails; what failed is mended. */
void
scene_heal(struct sim *s)
{
	TRACE(s, "---- healing");
	s->phase = PHASE_HEALING;
	s->peer_up = false;
	for (int i = 0; i < s->n_daemons; i++)
		if (!s->daemons[i].up)
			daemon_start(&s->daemons[i]);
	/* What the designer's user left open, he closes; push goes on, so no daemon of Flowfile's is left. */
	s->push = false;
}

static void
on_sweep(struct sim *s, void *what, int64_t arg)
{
	if (s->phase != PHASE_CALM)
		return;
	judge_sweep(s);
	sim_in(s, SWEEP_US, on_sweep, what, arg);
}

void
scene_run(struct sim *s)
{
	for (int i = 0; i < s->n_daemons; i++)
		daemon_start(&s->daemons[i]);
	actors_start(s);
	peer_start(s);
	start_chaos(s);
	sim_run_until(s, s->chaos_until);
	if (s->failed)
		return;
	if (s->T > s->calm_from - HEALING_US) { /* a suspend or stall led beyond */
		s->calm_from = s->T + HEALING_US;
		if (s->until < s->calm_from + 10 * US_PER_MIN)
			s->until = s->calm_from + 10 * US_PER_MIN;
	}
	scene_heal(s);
	sim_run_until(s, s->calm_from);
	if (s->failed)
		return;
	TRACE(s, "---- calm");
	s->phase = PHASE_CALM;
	judge_calm_begins(s);
	sim_in(s, SWEEP_US, on_sweep, NULL, 0);
	sim_run_until(s, s->until);
	if (s->failed)
		return;
	s->phase = PHASE_OVER;
	judge_over(s);
}

void
scene_destroy(struct sim *s)
{
	s->phase = PHASE_OVER;
	s->failed = true;
	for (int i = 0; i < s->n_daemons; i++)
		if (s->daemons[i].up)
			daemon_crash(&s->daemons[i]);
	sql_close(s);
	for (int i = 0; i < s->n_hosts; i++)
		host_free(&s->hosts[i]);
	for (int i = 0; i < s->n_scheds; i++)
		free(s->scheds[i].slots);
	arena_free(&s->arena);
	free(s->events);
	free(s->runs);
	free(s->trace);
	log_set_sink(NULL, NULL);
	free(s);
}
