#include "core/decide.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/slots.h"

#define OWNER_OF(node_, type, member) ((type *)((char *)(node_)-offsetof(type, member)))

static struct schedule *
schedule_of(struct job *job)
{
	return OWNER_OF(job, struct schedule, job);
}

/* Slots and minimum gaps that have come: their schedules become ready. */
static void
take_timers(struct world *w, int64_t now_us)
{
	struct heap_node *node;

	while ((node = heap_top(&w->timers)) && node->key <= now_us) {
		struct job *job = OWNER_OF(node, struct job, node);
		struct schedule *s = schedule_of(job);

		world_schedule_due(w, s, now_us);
		/* Ready, or later than was thought: never due and still here. */
		assert(job->place == JOB_READY || node->index == HEAP_NOWHERE ||
			node->key > now_us);
	}
}

static void
take_deadlines(struct world *w, int64_t now_us, struct arena *arena, struct decision *out)
{
	struct heap_node *node;
	size_t cap = 0;

	while ((node = heap_top(&w->deadlines)) && node->key <= now_us) {
		struct run *r = OWNER_OF(node, struct run, node);

		if (out->n_actions == cap) {
			struct run_action *more =
				arena_array(arena, cap ? 2 * cap : 16, sizeof(*more));

			if (cap)
				memcpy(more, out->actions, cap * sizeof(*more));
			out->actions = more;
			cap = cap ? 2 * cap : 16;
		}
		out->actions[out->n_actions++] = (struct run_action){r->id, r->deadline_act};
		heap_remove(&w->deadlines, node);
	}
}

static void
add_launch(struct job *job, int64_t now_us, struct decision *out)
{
	struct launch *l = &out->launches[out->n_launches++];

	*l = (struct launch){
		.kind = job->kind,
		.id = job->id,
		.flow_id = job->flow_id,
		.due_us = job->due_us,
		.slot_us = TIME_NONE,
		.covered = 1,
		.anchor_us = TIME_NONE,
		.triggered_us = TIME_NONE,
	};
	if (job->kind == JOB_SCHEDULE) {
		struct schedule *s = schedule_of(job);

		l->type = s->type;
		l->spec_hash = s->spec_hash;
		l->anchor_us = s->anchor_us;
		l->triggered_us = s->fired_us;
		if (s->type == SCHEDULE_CRON)
			l->local_offset_us = tz_offset_at(s->tz, now_us);
		if (s->type == SCHEDULE_INTERVAL || s->type == SCHEDULE_CRON)
			l->slot_us = slots_take(s, now_us, &l->covered);
	}
}

/* A request for a flow that runs already is refused at once, whether or not there is a place. */
static void
take_refusals(struct world *w, struct arena *arena, struct decision *out)
{
	struct job *job;
	size_t pos = 0;

	if (w->requests.n == 0)
		return;
	out->refusals = arena_array(arena, w->requests.n, sizeof(*out->refusals));
	while ((job = idmap_each(&w->requests, &pos))) {
		struct run *busy = world_flow_run(w, job->flow_id);

		if (!busy || job->place == JOB_CLAIMING)
			continue;
		out->refusals[out->n_refusals++] = (struct refusal){job->id, busy->id};
		world_job_claim(w, job);
	}
}

/* A busy flow's jobs step aside until it is free. False: no place is left. */
static bool
take_job(struct world *w, struct job *job, int64_t now_us, int64_t places, struct decision *out)
{
	if (world_flow_run(w, job->flow_id) || world_flow_claimed(w, job->flow_id)) {
		world_job_wait(w, job);
		return true;
	}
	if ((int64_t)out->n_launches >= places)
		return false;
	add_launch(job, now_us, out);
	world_job_claim(w, job);
	return true;
}

static int
compare_ready(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;

	if (x->due_us != y->due_us)
		return x->due_us < y->due_us ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* While schedules are paused, what people ask for is launched still. */
static void
take_requests(struct world *w, int64_t now_us, size_t max, int64_t places, struct arena *arena,
	struct decision *out)
{
	struct job **ready = arena_array(arena, w->requests.n, sizeof(*ready)), *job;
	size_t pos = 0, n = 0;

	while ((job = idmap_each(&w->requests, &pos)))
		if (job->place == JOB_READY)
			ready[n++] = job;
	qsort(ready, n, sizeof(*ready), compare_ready);
	for (size_t i = 0; i < n && out->n_launches < max; i++)
		if (!take_job(w, ready[i], now_us, places, out))
			return;
}

/* First come, first served, until places run out. */
static void
take_ready(struct world *w, int64_t now_us, size_t max, struct arena *arena, struct decision *out)
{
	int64_t limit = w->policy.max_concurrent_runs;
	int64_t places = limit > 0 ? limit - w->n_ours : INT64_MAX;
	struct heap_node *node;

	if (max > w->ready.n)
		max = w->ready.n;
	out->launches = arena_array(arena, max, sizeof(*out->launches));
	if (w->paused) {
		take_requests(w, now_us, max, places, arena, out);
		return;
	}
	while (out->n_launches < max && (node = heap_top(&w->ready)))
		if (!take_job(w, OWNER_OF(node, struct job, node), now_us, places, out))
			return;
	if (w->ready.n > 0 && (int64_t)out->n_launches < places)
		out->next_us = now_us;
}

static void
sooner(int64_t *next_us, const struct heap *h)
{
	const struct heap_node *node = heap_top(h);

	if (node && node->key < *next_us)
		*next_us = node->key;
}

void
decide(struct world *w, int64_t now_us, size_t max_launches, struct arena *arena,
	struct decision *out)
{
	memset(out, 0, sizeof(*out));
	out->next_us = TIME_NEVER;
	take_timers(w, now_us);
	take_deadlines(w, now_us, arena, out);
	take_refusals(w, arena, out);
	take_ready(w, now_us, max_launches, arena, out);
	sooner(&out->next_us, &w->timers);
	sooner(&out->next_us, &w->deadlines);
}
