#include "flow/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "base/units.h"
#include "flow/checkpoint.h"
#include "flow/node.h"

/* An output that is to be written, and what it reads. */
struct output {
	const struct flow_node *node;
	struct relation *relation; /* of an end: reads all that it reads, and gives nothing */
	bool is_end; /* a checkpoint that no output needs: it is run for what it does */
};

struct run {
	struct plan *plan;
	const struct flow_run_options *options;
	struct flow_progress *progress;
	struct output *outputs;
	size_t n_outputs;
	bool *needed, *done; /* by node */
	bool *waits; /* by node: a checkpoint that comes behind an output */
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
 * What one output reads twice the engine computes once by itself. What several of these outputs read is stored, at the last place that is the same for
 * all of them: where a reader serves others than the relation does.
 */
static void
find_shared(struct run *r, size_t from, size_t to)
{
	struct relation **needed;
	size_t n;

	for (size_t i = from; i < to; i++) {
		needed = plan_needed(r->plan, r->outputs[i].relation, &n);
		for (size_t k = 0; k < n; k++)
			needed[k]->outputs = 0; /* of those before */
	}
	for (size_t i = from; i < to; i++) {
		needed = plan_needed(r->plan, r->outputs[i].relation, &n);
		for (size_t k = 0; k < n; k++)
			needed[k]->outputs += number_of(i);
	}
	for (size_t i = from; i < to; i++) {
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

/* Marks the checkpoints that no output needs and that nobody reads but such ones, and all that they need. */
static void
find_ends(struct run *r, bool *ends)
{
	const struct flow *flow = r->plan->top->flow;

	for (size_t i = flow->n_nodes; i-- > 0;)
		if (!r->needed[i] && checkpoint_is_program(&flow->nodes[i])) {
			ends[i] = true;
			plan_mark_needed(flow, i, r->needed);
		}
}

static int
find_outputs(struct run *r, struct err *err)
{
	const struct flow *flow = r->plan->top->flow;
	bool *is_output = arena_array(&r->plan->arena, flow->n_nodes + 1, sizeof(bool));
	bool *ends = arena_array(&r->plan->arena, flow->n_nodes + 1, sizeof(bool));
	const char *why;

	for (size_t i = 0; i < flow->n_nodes; i++) {
		is_output[i] = node_judge(&flow->nodes[i], &why) == NODE_OUTPUT &&
			(r->options->only == 0 || r->options->only == flow->nodes[i].id);
		if (is_output[i])
			plan_mark_needed(flow, i, r->needed);
	}
	if (r->options->only == 0)
		find_ends(r, ends);
	r->outputs = arena_array(&r->plan->arena, flow->n_nodes + 1, sizeof(*r->outputs));
	for (size_t i = 0; i < flow->n_nodes; i++)
		if (is_output[i] || ends[i])
			r->outputs[r->n_outputs++] =
				(struct output){.node = &flow->nodes[i], .is_end = ends[i]};
	if (r->n_outputs == 0 && r->options->only != 0)
		return err_set(err, ERR_NOT_FOUND, "node %" PRId64 " is no output of this flow",
			r->options->only);
	return 0;
}

static int
check_checkpoints(struct run *r, struct err *err)
{
	const struct flow *flow = r->plan->top->flow;

	for (size_t i = 0; i < flow->n_nodes; i++)
		if (r->needed[i] && checkpoint_is_program(&flow->nodes[i]) &&
			checkpoint_check(r->plan, &flow->nodes[i], err) < 0)
			return -1;
	return 0;
}

/* What it reads; it runs when its turn comes among the outputs. */
static int
compile_end(struct run *r, struct output *end, struct err *err)
{
	struct plan *plan = r->plan;
	const struct flow *flow = plan->top->flow;
	size_t n = end->node->n_inputs;
	struct relation **inputs = arena_array(&plan->arena, n + 1, sizeof(struct relation *));

	for (size_t i = 0; i < n; i++) {
		const struct flow_edge *edge = &end->node->inputs[i];

		if (plan_compile(plan, plan->top, &flow->nodes[edge->from], edge->handle,
			    &inputs[i], err) < 0)
			return -1;
		if (inputs[i] == NULL) {
			err_set(err, ERR_USAGE, "node %" PRId64 " (%s) has no output %d to be read",
				flow->nodes[edge->from].id, flow->nodes[edge->from].kind->type,
				edge->handle);
			return flow_node_failed(end->node, err);
		}
	}
	return plan_relation(
		plan, plan->top, "SELECT true AS done", inputs, n, &end->relation, err);
}

/* Finds the checkpoints that come behind an output. */
static void
find_waiting(struct run *r)
{
	const struct flow *flow = r->plan->top->flow;
	bool *before;
	const char *why;

	for (size_t i = 0; i < flow->n_nodes; i++) {
		if (!r->needed[i] || node_judge(&flow->nodes[i], &why) != NODE_CHECKPOINT)
			continue;
		before = xcalloc(flow->n_nodes, sizeof(*before));
		plan_mark_needed(flow, i, before);
		before[i] = false;
		for (size_t k = 0; k < r->n_outputs; k++)
			if (before[r->outputs[k].node - flow->nodes])
				r->waits[i] = true;
		free(before);
	}
}

/* Whether one of the outputs from..at-1, which are compiled and not written yet, comes before this node. */
static bool
is_behind(const struct run *r, size_t node, size_t from, size_t at)
{
	const struct flow *flow = r->plan->top->flow;
	bool *before = xcalloc(flow->n_nodes, sizeof(*before)), result = false;

	plan_mark_needed(flow, node, before);
	for (size_t k = from; k < at; k++)
		result = result || before[r->outputs[k].node - flow->nodes];
	free(before);
	return result;
}

/* A checkpoint runs when it is compiled: with one before this output that comes behind another, that one is written first. */
static bool
has_to_wait(const struct run *r, size_t from, size_t at)
{
	const struct flow *flow = r->plan->top->flow;
	const struct output *output = &r->outputs[at];
	bool *needed = xcalloc(flow->n_nodes, sizeof(*needed)), waits = false;

	for (size_t i = 0; i < output->node->n_inputs; i++)
		plan_mark_needed(flow, output->node->inputs[i].from, needed);
	for (size_t i = 0; !waits && i < flow->n_nodes; i++)
		waits = needed[i] && r->waits[i] && is_behind(r, i, from, at);
	free(needed);
	return waits;
}

/* Compiles outputs up to the first that has to wait. Returns which that is, or how many there are; -1 with err. */
static ssize_t
compile_outputs(struct run *r, size_t from, struct err *err)
{
	size_t i;

	for (i = from; i < r->n_outputs && !has_to_wait(r, from, i); i++) {
		struct output *output = &r->outputs[i];
		int rc = output->is_end ? compile_end(r, output, err)
					: plan_compile(r->plan, r->plan->top, output->node, 0,
						  &output->relation, err);

		if (rc < 0)
			return -1;
	}
	return (ssize_t)i;
}

/* It says itself how it went. */
static int
run_end(struct run *r, const struct output *output, struct err *err)
{
	struct relation *ignored;

	return plan_compile(r->plan, r->plan->top, output->node, 0, &ignored, err);
}

static int
write_rows(struct run *r, const struct output *output, struct err *err)
{
	const struct flow_node *node = output->node;
	struct boottime begin = clock_boot(&clock_real);
	char took[TIMEFMT_SIZE];
	int64_t rows = -1;

	if (node->kind->write(r->plan, node, output->relation, &rows, err) < 0)
		return duck_interrupted(r->plan->duck) ? -1 : flow_node_failed(node, err);
	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (rows >= 0)
		plan_say(r->plan, "node %" PRId64 " (%s): %" PRId64 " rows in %s", node->id,
			node->kind->type, rows, took);
	else
		plan_say(r->plan, "node %" PRId64 " (%s): done in %s", node->id, node->kind->type,
			took);
	return 0;
}

static int
write_output(struct run *r, const struct output *output, struct err *err)
{
	begin_step(r, output->node);
	say_nodes(r, output->node, output->relation);
	if ((output->is_end ? run_end(r, output, err) : write_rows(r, output, err)) < 0)
		return -1;
	end_step(r, output->node);
	return 0;
}

static int
write_outputs(struct run *r, size_t from, size_t to, struct err *err)
{
	find_shared(r, from, to);
	for (size_t i = from; i < to; i++)
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
	ssize_t to;

	*progress = (struct flow_progress){0};
	r.needed = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*r.needed));
	r.waits = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*r.waits));
	r.done = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*r.done));
	for (size_t i = 0; i < flow->n_nodes; i++)
		progress->nodes += counts(&flow->nodes[i]);
	tell(&r);
	if (find_outputs(&r, err) < 0 || check_checkpoints(&r, err) < 0)
		return -1;
	find_waiting(&r);
	for (size_t from = 0; from < r.n_outputs; from = (size_t)to) {
		to = compile_outputs(&r, from, err);
		if (to < 0 || write_outputs(&r, from, (size_t)to, err) < 0)
			return -1;
	}
	return 0;
}
