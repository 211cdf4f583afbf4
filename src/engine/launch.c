/* From a decision to a claimed run, and from a claimed run to a process. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine_impl.h"
#include "runner/command.h"

static void
take_claimed(struct engine *e, const struct claim *c)
{
	const struct active_run run = {
		.row = {.id = c->run_id,
			.flow_id = c->flow_id,
			.origin = RUN_OURS,
			.started_us = e->now_us},
		.schedule_id = c->schedule_id,
		.flow_path = c->flow_path,
		.cause = c->cause,
		.attempt = 1,
	};
	struct task *t = task_get(e, c->run_id);

	if (t) {
		/* The row of a run that still goes on was deleted, and its id reused: wait for that end. */
		log_warning("Run claimed, but an earlier one of this id goes on run=%" PRId64,
			c->run_id);
		t->row_gone = true;
		return;
	}
	t = task_from_run(e, &run, RUN_CLAIMED);
	e->launched++;
	if (t->schedule_id)
		log_info("Run claimed: %s run=%" PRId64 " flow=%" PRId64 " schedule=%" PRId64,
			t->cause, t->run_id, t->flow_id, t->schedule_id);
	else
		log_info("Run claimed: %s run=%" PRId64 " flow=%" PRId64, t->cause, t->run_id,
			t->flow_id);
}

/* A launch of a decision and what becomes of it. */
struct claiming {
	const struct launch *launch;
	struct claim claim;
};

static struct about
about(const struct launch *l)
{
	return (struct about){l->kind == JOB_SCHEDULE ? 's' : 'q', l->id};
}

static int
claim_one(struct engine *e, void *item, struct err *err)
{
	const struct claimant who = {e->env.holder_id, e->env.host.host, e->env.host.boot_id};
	struct claiming *c = item;
	const struct launch *l = c->launch;

	if (claim_launch(e->env.db, l, &who, e->now_us, &e->arena, &c->claim, err) < 0)
		return -1;
	if (l->kind == JOB_REQUEST && c->claim.outcome == CLAIM_BLOCKED)
		return claim_answer(e->env.db, l->id, false, 0, "Flow not found", e->now_us, err);
	return 0;
}

static void
take_blocked(struct engine *e, const struct launch *l, enum block_reason why)
{
	if (l->kind == JOB_REQUEST) {
		world_drop_request(&e->world, l->id);
		return;
	}
	engine_complain(e, about(l), "Schedule is due but cannot launch: %s flow=%" PRId64,
		block_reason_text(why), l->flow_id);
	world_launch_blocked(&e->world, l->kind, l->id);
}

static void
take_outcome(struct engine *e, void *item)
{
	const struct claiming *c = item;
	const struct launch *l = c->launch;

	switch (c->claim.outcome) {
	case CLAIM_DONE:
		engine_no_complaint(e, about(l));
		take_claimed(e, &c->claim);
		figures_claimed(e, l, &c->claim);
		if (l->kind == JOB_REQUEST)
			world_drop_request(&e->world, l->id);
		break;
	case CLAIM_BLOCKED:
		take_blocked(e, l, c->claim.block);
		break;
	case CLAIM_BUSY:
	case CLAIM_STALE:
		/* The world is behind the catalog: read what it has wrong, and give it a moment. */
		if (c->claim.outcome == CLAIM_BUSY)
			engine_refresh_run(e, c->claim.run_id);
		world_launch_retry(&e->world, l->kind, l->id);
		if (l->kind == JOB_SCHEDULE)
			engine_refresh_schedule(e, l->id);
		else if (c->claim.outcome == CLAIM_STALE)
			world_drop_request(&e->world, l->id);
		e->hold = boottime_add(e->boot, 20 * US_PER_MS);
		break;
	}
}

/* It comes back with the slow poll, or when its flow or owner changes. */
static void
block_refused(struct engine *e, void *item, const struct err *err)
{
	const struct launch *l = ((struct claiming *)item)->launch;

	engine_complain(e, about(l), "Cannot claim a run: %s", err->text);
	world_launch_blocked(&e->world, l->kind, l->id);
}

int
engine_claim(struct engine *e, const struct decision *d)
{
	static const struct writing claims = {"claim a run", sizeof(struct claiming), claim_one,
		take_outcome, block_refused, 0, 0, false};
	struct claiming *items;

	if (d->n_launches == 0)
		return 0;
	items = arena_array(&e->arena, d->n_launches, sizeof(*items));
	for (size_t i = 0; i < d->n_launches; i++)
		items[i].launch = &d->launches[i];
	if (engine_write(e, &claims, items, d->n_launches) < 0)
		return -1;
	e->changed = true;
	e->again = true;
	return 0;
}

/* The options' environment and what tells the flow about itself. In the arena. */
static const char *const *
make_env(struct engine *e, const struct task *t)
{
	const char *const *base = e->options.env;
	const char **env;
	size_t n = 0;

	while (base && base[n])
		n++;
	env = arena_array(&e->arena, n + 5, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		env[i] = base[i];
	env[n++] = arena_printf(&e->arena, "FLOWFILE_RUN_ID=%" PRId64, t->run_id);
	env[n++] = arena_printf(&e->arena, "FLOWFILE_FLOW_ID=%" PRId64, t->flow_id);
	env[n++] = arena_printf(&e->arena, "FLOWFILE_RUN_CAUSE=%s", t->cause);
	if (t->schedule_id)
		env[n++] = arena_printf(&e->arena, "FLOWFILE_SCHEDULE_ID=%" PRId64, t->schedule_id);
	env[n] = NULL;
	return env;
}

int
engine_spawn(struct engine *e, struct task *t, struct err *err)
{
	struct launch_spec spec = {
		.run_id = t->run_id,
		.attempt = t->attempts,
		.flow_path = t->flow_path,
		.env = make_env(e, t),
		.log_max_bytes = e->options.log_max_bytes,
		.grace_ms = e->options.cancel_grace_ms,
	};
	char **words = command_split(e->options.run_command, err);
	int r;

	if (!words)
		return -1;
	spec.argv = (const char *const *)words;
	spec.log_path = arena_printf(
		&e->arena, "%s/scheduled_run_%" PRId64 ".log", e->options.log_dir, t->run_id);
	r = e->env.runner_ops->launch(e->env.runner, &spec, err);
	command_free(words);
	return r;
}
