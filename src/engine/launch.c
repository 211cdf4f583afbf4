/* From a decision to a claimed run, and from a claimed run to a process. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine_impl.h"
#include "runner/command.h"

static struct claimant
claimant(const struct engine *e)
{
	return (struct claimant){e->env.holder_id, e->env.host.host, e->env.host.boot_id};
}

static void
take_claimed(struct engine *e, const struct claim *c)
{
	struct task *t = task_get(e, c->run_id);

	if (t) {
		/* The row of a run that still goes on was deleted, and its id reused: wait for that end. */
		log_warning("Run claimed, but an earlier one of this id goes on run=%" PRId64,
			c->run_id);
		t->row_gone = true;
		return;
	}
	t = task_add(e, c->run_id, RUN_CLAIMED);
	t->flow_id = c->flow_id;
	t->schedule_id = c->schedule_id;
	t->flow_path = xstrdup(c->flow_path ? c->flow_path : "");
	t->cause = xstrdup(c->cause ? c->cause : "");
	t->attempts = 1;
	e->launched++;
	if (t->schedule_id)
		log_info("Run claimed: %s run=%" PRId64 " flow=%" PRId64 " schedule=%" PRId64,
			t->cause, t->run_id, t->flow_id, t->schedule_id);
	else
		log_info("Run claimed: %s run=%" PRId64 " flow=%" PRId64, t->cause, t->run_id,
			t->flow_id);
}

/* Says why a schedule is blocked, once per reason; detail may be NULL. */
static void
log_blocked(struct engine *e, const struct launch *l, enum block_reason why, const char *detail)
{
	static char said[BLOCK_STORE_ERROR + 1];

	if (l->kind != JOB_SCHEDULE || idmap_get(&e->said, l->id) == &said[why])
		return;
	idmap_put(&e->said, l->id, &said[why]);
	log_warning("Schedule is due but cannot launch: %s%s%s schedule=%" PRId64 " flow=%" PRId64,
		block_reason_text(why), detail ? ": " : "", detail ? detail : "", l->id,
		l->flow_id);
}

static void
take_outcome(struct engine *e, const struct launch *l, const struct claim *c)
{
	switch (c->outcome) {
	case CLAIM_DONE:
		idmap_remove(&e->said, l->id);
		take_claimed(e, c);
		if (l->kind == JOB_REQUEST)
			world_drop_request(&e->world, l->id);
		break;
	case CLAIM_BLOCKED:
		log_blocked(e, l, c->block, NULL);
		if (l->kind == JOB_REQUEST)
			world_drop_request(&e->world, l->id);
		else
			world_launch_blocked(&e->world, l->kind, l->id, c->block);
		break;
	case CLAIM_BUSY:
	case CLAIM_STALE:
		/* The world is behind the catalog: read what it has wrong, and give it a moment. */
		if (c->outcome == CLAIM_BUSY)
			engine_refresh_run(e, c->run_id);
		world_launch_retry(&e->world, l->kind, l->id);
		if (l->kind == JOB_SCHEDULE)
			engine_refresh_schedule(e, l->id);
		else if (c->outcome == CLAIM_STALE)
			world_drop_request(&e->world, l->id);
		e->hold = boottime_add(e->boot, 20 * US_PER_MS);
		break;
	}
}

/* Claims n launches in one transaction. */
static int
claim_some(struct engine *e, const struct launch *launches, size_t n, struct claim *claims,
	struct err *err)
{
	const struct claimant who = claimant(e);

	if (fence_begin(e->env.db, e->env.holder_id, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (claim_launch(e->env.db, &launches[i], &who, e->now_us, &e->arena, &claims[i],
			    err) < 0)
			goto fail;
		if (launches[i].kind == JOB_REQUEST && claims[i].outcome == CLAIM_BLOCKED &&
			claim_answer(e->env.db, launches[i].id, false, 0, "Flow not found",
				e->now_us, err) < 0)
			goto fail;
	}
	if (db_commit(e->env.db, err) == 0)
		return 0;
fail:
	db_rollback(e->env.db);
	return -1;
}

bool
engine_is_about_one_row(const struct err *err)
{
	return err->code == ERR_FAILED || err->code == ERR_CONFLICT || err->code == ERR_USAGE;
}

/* One at a time, so that a row the database refuses harms nobody else (P12). */
static int
claim_each(struct engine *e, const struct decision *d, struct claim *claims)
{
	for (size_t i = 0; i < d->n_launches; i++) {
		const struct launch *l = &d->launches[i];
		struct err err = ERR_INIT;

		if (claim_some(e, l, 1, &claims[i], &err) == 0) {
			take_outcome(e, l, &claims[i]);
		} else if (engine_is_about_one_row(&err)) {
			log_blocked(e, l, BLOCK_STORE_ERROR, err.text);
			world_launch_blocked(&e->world, l->kind, l->id, BLOCK_STORE_ERROR);
		} else {
			for (; i < d->n_launches; i++)
				world_launch_retry(
					&e->world, d->launches[i].kind, d->launches[i].id);
			return engine_db_failed(e, "claim runs", &err);
		}
	}
	e->changed = true;
	e->again = true;
	return 0;
}

int
engine_claim(struct engine *e, const struct decision *d)
{
	struct claim *claims;
	struct err err = ERR_INIT;

	if (d->n_launches == 0)
		return 0;
	claims = arena_array(&e->arena, d->n_launches, sizeof(*claims));
	if (claim_some(e, d->launches, d->n_launches, claims, &err) < 0) {
		if (engine_is_about_one_row(&err))
			return claim_each(e, d, claims);
		for (size_t i = 0; i < d->n_launches; i++)
			world_launch_retry(&e->world, d->launches[i].kind, d->launches[i].id);
		return engine_db_failed(e, "claim runs", &err);
	}
	for (size_t i = 0; i < d->n_launches; i++)
		take_outcome(e, &d->launches[i], &claims[i]);
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
