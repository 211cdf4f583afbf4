#include "flow/run.h"

#include <inttypes.h>
#include <stdlib.h>
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

/* With an output all is done that it reads. *n goes up by how many that are. */
static void
mark_done(struct run *r, size_t at, bool *done, size_t *n)
{
	const struct flow *flow = r->plan->top->flow;

	if (done[at])
		return;
	done[at] = true;
	*n += counts(&flow->nodes[at]);
	for (size_t i = 0; i < flow->nodes[at].n_inputs; i++)
		mark_done(r, flow->nodes[at].inputs[i].from, done, n);
}

/* Something begins that a node, and all before it, is done with. */
static void
begin_step(struct run *r, const struct flow_node *node)
{
	const struct flow *flow = r->plan->top->flow;
	bool *done = xcalloc(flow->n_nodes + 1, sizeof(*done));

	memcpy(done, r->done, flow->n_nodes * sizeof(*done));
	r->progress->step = 0;
	if (node != NULL)
		mark_done(r, (size_t)(node - flow->nodes), done, &r->progress->step);
	free(done);
	r->progress->current = node;
	tell(r);
}

static void
end_step(struct run *r, const struct flow_node *node)
{
	if (node != NULL)
		mark_done(
			r, (size_t)(node - r->plan->top->flow->nodes), r->done, &r->progress->done);
	r->progress->current = NULL;
	r->progress->step = 0;
	tell(r);
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

/* Which nodes a statement computes: those have no times of their own. */
static void
say_nodes(struct run *r, const struct flow_node *node, struct relation *relation)
{
	struct relation **needed;
	const char *list = "";
	size_t n, told = 0;

	needed = plan_needed(r->plan, relation, &n);
	for (size_t i = 0; i < n; i++) {
		const struct relation *one = needed[i];

		if (one->node == NULL || one->node == node || one->scope != r->plan->top)
			continue;
		list = arena_printf(&r->plan->arena, "%s%s%" PRId64 " (%s%s)", list,
			told++ > 0 ? ", " : "", one->node->id, one->node->kind->type,
			one->stored ? ", kept" : "");
	}
	if (told > 0)
		plan_say(r->plan, "node %" PRId64 " (%s): computed from %s", node->id,
			node->kind->type, list);
}

/* Its own node; NULL when it is none of the flow's, but of a virtual table that it reads. */
static const struct flow_node *
node_of(const struct run *r, const struct relation *relation)
{
	return relation->scope == r->plan->top ? relation->node : NULL;
}

static int
store_one(struct run *r, struct relation *relation, struct err *err)
{
	struct boottime begin = clock_boot(&clock_real);
	const struct flow_node *node = node_of(r, relation);
	char took[TIMEFMT_SIZE];
	int64_t rows;

	if (relation->stored)
		return 0;
	begin_step(r, node);
	if (node != NULL)
		say_nodes(r, node, relation);
	if (plan_store(r->plan, relation, &rows, err) < 0)
		return -1;
	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (node != NULL)
		plan_say(r->plan,
			"node %" PRId64 " (%s): %" PRId64 " rows kept, for several outputs, in %s",
			node->id, node->kind->type, rows, took);
	end_step(r, node);
	return 0;
}

static int
store_shared(struct run *r, struct relation *relation, struct err *err)
{
	struct relation **needed;
	size_t n;

	needed = plan_needed(r->plan, relation, &n);
	for (size_t i = 0; i < n; i++)
		if (needed[i]->shared && !needed[i]->is_scan && store_one(r, needed[i], err) < 0)
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

	begin_step(r, node);
	say_nodes(r, node, output->relation);
	if (node->kind->write(r->plan, node, output->relation, &rows, err) < 0)
		return duck_interrupted(r->plan->duck) ? -1 : flow_node_failed(node, err);
	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (rows >= 0)
		plan_say(r->plan, "node %" PRId64 " (%s): %" PRId64 " rows in %s", node->id,
			node->kind->type, rows, took);
	else
		plan_say(r->plan, "node %" PRId64 " (%s): done in %s", node->id, node->kind->type,
			took);
	end_step(r, node);
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
