#include "flow/run.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "base/units.h"
#include "flow/node.h"

/* An output that is to be written, and what it reads. */
struct output {
	const struct flow_node *node;
	struct relation *relation;
};

struct run {
	struct plan *plan;
	const struct flow_run_options *options;
	struct flow_progress *progress;
	struct output *outputs;
	size_t n_outputs;
	bool *done; /* by node */
};

/* --- progress ------------------------------------------------------------------------------------------- */

static bool
counts(const struct flow_node *node)
{
	const char *why;

	return node_judge(node, &why) != NODE_DROPPED;
}

static void
tell(struct run *r)
{
	if (r->options->progress != NULL)
		r->options->progress(r->options->arg, r->progress);
}

/* With an output all is done that it reads. */
static void
mark_done(struct run *r, size_t at)
{
	const struct flow *flow = r->plan->top->flow;

	if (r->done[at])
		return;
	r->done[at] = true;
	r->progress->done += counts(&flow->nodes[at]);
	for (size_t i = 0; i < flow->nodes[at].n_inputs; i++)
		mark_done(r, flow->nodes[at].inputs[i].from);
}

/* --- what several outputs read ---------------------------------------------------------------------------- */

/* A number for a set of outputs, by adding up those of its members (splitmix64). */
static uint64_t
number_of(size_t output)
{
	uint64_t z = (output + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/*
 * What one output reads twice the engine computes once by itself. What several outputs read is stored, at the last place that is the same for all
 * of them: where a reader serves others than the relation does.
 */
static void
find_shared(struct run *r)
{
	struct relation **needed;
	size_t n;

	for (size_t i = 0; i < r->n_outputs; i++) {
		needed = plan_needed(r->plan, r->outputs[i].relation, &n);
		for (size_t k = 0; k < n; k++)
			needed[k]->outputs += number_of(i);
	}
	for (size_t i = 0; i < r->n_outputs; i++) {
		needed = plan_needed(r->plan, r->outputs[i].relation, &n);
		for (size_t k = 0; k < n; k++)
			for (size_t m = 0; m < needed[k]->n_inputs; m++)
				if (needed[k]->inputs[m]->outputs != needed[k]->outputs)
					needed[k]->inputs[m]->shared = true;
		if (r->outputs[i].relation->outputs != number_of(i))
			r->outputs[i].relation->shared = true;
	}
}

static int
store_shared(struct run *r, struct relation *relation, struct err *err)
{
	struct relation **needed;
	size_t n;

	needed = plan_needed(r->plan, relation, &n);
	for (size_t i = 0; i < n; i++)
		if (needed[i]->shared && !needed[i]->is_scan &&
			plan_store(r->plan, needed[i], err) < 0)
			return -1;
	return 0;
}

/* --- outputs -------------------------------------------------------------------------------------------------- */

static int
find_outputs(struct run *r, struct err *err)
{
	const struct flow *flow = r->plan->top->flow;
	const char *why;

	r->outputs = arena_array(&r->plan->arena, flow->n_nodes + 1, sizeof(*r->outputs));
	for (size_t i = 0; i < flow->n_nodes; i++) {
		const struct flow_node *node = &flow->nodes[i];

		if (node_judge(node, &why) == NODE_OUTPUT &&
			(r->options->only == 0 || r->options->only == node->id))
			r->outputs[r->n_outputs++].node = node;
	}
	if (r->n_outputs == 0 && r->options->only != 0)
		return err_set(err, ERR_NOT_FOUND, "node %" PRId64 " is no output of this flow",
			r->options->only);
	return 0;
}

static int
compile_outputs(struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->n_outputs; i++)
		if (plan_compile(r->plan, r->plan->top, r->outputs[i].node, 0,
			    &r->outputs[i].relation, err) < 0)
			return -1;
	return 0;
}

static int
write_output(struct run *r, const struct output *output, struct err *err)
{
	const struct flow_node *node = output->node;
	struct boottime begin = clock_boot(&clock_real);
	char took[TIMEFMT_SIZE];
	int64_t rows = -1;

	r->progress->current = node;
	tell(r);
	if (node->kind->write(r->plan, node, output->relation, &rows, err) < 0)
		return duck_interrupted(r->plan->duck) ? -1 : flow_node_failed(node, err);
	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (rows >= 0)
		plan_say(r->plan, "node %" PRId64 " (%s): %" PRId64 " rows in %s", node->id,
			node->kind->type, rows, took);
	else
		plan_say(r->plan, "node %" PRId64 " (%s): done in %s", node->id, node->kind->type,
			took);
	mark_done(r, (size_t)(node - r->plan->top->flow->nodes));
	r->progress->current = NULL;
	tell(r);
	return 0;
}

static int
write_outputs(struct run *r, struct err *err)
{
	find_shared(r);
	for (size_t i = 0; i < r->n_outputs; i++)
		if (store_shared(r, r->outputs[i].relation, err) < 0 ||
			write_output(r, &r->outputs[i], err) < 0)
			return -1;
	return 0;
}

int
flow_run(struct plan *plan, const struct flow_run_options *options, struct flow_progress *progress,
	struct err *err)
{
	const struct flow *flow = plan->top->flow;
	struct run r = {.plan = plan, .options = options, .progress = progress};

	*progress = (struct flow_progress){0};
	r.done = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*r.done));
	for (size_t i = 0; i < flow->n_nodes; i++)
		progress->nodes += counts(&flow->nodes[i]);
	tell(&r);
	if (find_outputs(&r, err) < 0 || compile_outputs(&r, err) < 0)
		return -1;
	return write_outputs(&r, err);
}
