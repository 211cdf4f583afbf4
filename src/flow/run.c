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
#include "flow/subflow.h"

/*
 * An output that is to be written, and what it reads. Those of a flow that is run by a node of another come where that node is. Nodes are
 * numbered through all of these flows.
 */
struct output {
	struct scope *scope;
	const struct flow_node *node;
	const struct flow_node
		*step; /* of the top flow: itself, or the run_flow node that it is of */
	struct relation *relation; /* of an end: reads all that it reads, and gives nothing */
	bool is_end; /* a checkpoint that no output needs: it is run for what it does */
};

struct run {
	struct plan *plan;
	const struct flow_run_options *options;
	struct flow_progress *progress;
	struct scope **scopes;
	size_t n_scopes, n_nodes;
	struct output *outputs;
	size_t n_outputs;
	bool *done; /* by node of the top flow */
	bool *needed; /* by number */
	bool *waits; /* by number: a checkpoint that comes behind an output */
};

/* --- all flows of a run -------------------------------------------------------------------------------- */

static size_t
number_of_node(const struct scope *scope, const struct flow_node *node)
{
	return scope->first + (size_t)(node - scope->flow->nodes);
}

static struct subflow *
subflow_of(const struct scope *scope, const struct flow_node *node)
{
	return scope->subflows[node - scope->flow->nodes];
}

static bool
is_output(const struct flow_node *node)
{
	const char *why;

	return node_judge(node, &why) == NODE_OUTPUT;
}

/* Opens all that its nodes run, and all that those run. */
static int
add_scope(struct run *r, struct scope *scope, struct err *err)
{
	struct subflow *sub;

	if (r->n_scopes > SUBFLOWS_MAX)
		return err_set(err, ERR_USAGE, "more than %d flows within flows", SUBFLOWS_MAX);
	scope->first = r->n_nodes;
	r->scopes[r->n_scopes++] = scope;
	r->n_nodes += scope->flow->n_nodes;
	for (size_t i = 0; i < scope->flow->n_nodes; i++) {
		const struct flow_node *node = &scope->flow->nodes[i];

		if (!node_runs_flow(node))
			continue;
		if (subflow_open(r->plan, scope, node, &sub, err) < 0)
			return plan_node_failed(r->plan, scope, node, err);
		/* What is run for each row does nothing but give rows. */
		if (!sub->call.by_rows && add_scope(r, sub->scope, err) < 0)
			return -1;
	}
	return 0;
}

static bool writes(const struct subflow *sub);

/* Whether it is an output, or runs a flow that has some. */
static bool
is_written(const struct scope *scope, const struct flow_node *node)
{
	const struct subflow *sub = subflow_of(scope, node);

	return sub != NULL ? writes(sub) : is_output(node);
}

static bool
writes(const struct subflow *sub)
{
	const struct flow *flow = sub->scope->flow;
	bool result = false;

	for (size_t i = 0; !sub->call.by_rows && i < flow->n_nodes; i++)
		result = result || is_written(sub->scope, &flow->nodes[i]);
	return result;
}

static void mark(const struct scope *scope, const struct flow_node *node, int handle, bool *marked);

static void
mark_inputs(const struct scope *scope, const struct flow_node *node, bool *marked)
{
	for (size_t i = 0; i < node->n_inputs; i++)
		mark(scope, &scope->flow->nodes[node->inputs[i].from], node->inputs[i].handle,
			marked);
}

/* What is behind a flow is behind what it writes, and needs what leads to the output that it reads. */
static void
mark_within(const struct subflow *sub, int handle, bool *marked)
{
	const struct scope *scope = sub->scope;
	const struct flow_node *output = NULL;
	struct err ignored = ERR_INIT; /* it is said when it is compiled */

	if (handle >= 0 &&
		subflow_output(&sub->call, scope->flow, handle, &output, &ignored) == 0 &&
		output != NULL)
		mark(scope, output, 0, marked);
	for (size_t i = 0; i < scope->flow->n_nodes; i++)
		if (is_written(scope, &scope->flow->nodes[i]))
			mark(scope, &scope->flow->nodes[i], -1, marked);
}

/* Marks a node and all that it needs, by their numbers. handle: the output that is read; negative: none. */
static void
mark(const struct scope *scope, const struct flow_node *node, int handle, bool *marked)
{
	const struct subflow *sub = subflow_of(scope, node);
	bool again = marked[number_of_node(scope, node)];

	marked[number_of_node(scope, node)] = true;
	if (sub != NULL && !sub->call.by_rows)
		mark_within(sub, handle, marked);
	if (again)
		return;
	mark_inputs(scope, node, marked);
	if (scope->caller != NULL)
		mark_inputs(scope->outer, scope->caller, marked);
}

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

/* Which nodes of its flow a statement computes: those have no times of their own. */
static void
say_nodes(
	struct run *r, struct scope *scope, const struct flow_node *node, struct relation *relation)
{
	struct relation **needed;
	const char *list = "";
	size_t n, told = 0;

	needed = plan_needed(r->plan, relation, &n);
	for (size_t i = 0; i < n; i++) {
		const struct relation *one = needed[i];

		if (one->node == NULL || one->node == node || one->scope != scope)
			continue;
		list = arena_printf(&r->plan->arena, "%s%s%" PRId64 " (%s%s)", list,
			told++ > 0 ? ", " : "", one->node->id, one->node->kind->type,
			one->stored ? ", kept" : "");
	}
	if (told > 0)
		plan_say(r->plan, "%s: computed from %s", plan_node_name(r->plan, scope, node),
			list);
}

/* Its own node; NULL when it is none of the flow's, but of another that it reads. */
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
		say_nodes(r, r->plan->top, node, relation);
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

static bool
is_wanted(const struct run *r, const struct flow_node *step)
{
	return r->options->only == 0 || r->options->only == step->id;
}

static void
add_output(struct run *r, struct scope *scope, const struct flow_node *node,
	const struct flow_node *step, bool is_end)
{
	r->outputs[r->n_outputs++] =
		(struct output){.scope = scope, .node = node, .step = step, .is_end = is_end};
}

static void
mark_outputs(struct run *r)
{
	for (size_t i = 0; i < r->plan->top->flow->n_nodes; i++) {
		const struct flow_node *node = &r->plan->top->flow->nodes[i];

		if (is_wanted(r, node) && is_written(r->plan->top, node))
			mark(r->plan->top, node, -1, r->needed);
	}
}

/* Marks the checkpoints that no output needs and that nobody reads but such ones, and all that they need. */
static void
find_ends(struct run *r, struct scope *scope, bool *ends)
{
	for (size_t i = scope->flow->n_nodes; i-- > 0;) {
		const struct flow_node *node = &scope->flow->nodes[i];
		const struct subflow *sub = subflow_of(scope, node);

		if (sub != NULL && !sub->call.by_rows)
			find_ends(r, sub->scope, ends);
		if (r->needed[scope->first + i] || !checkpoint_is_program(node))
			continue;
		ends[scope->first + i] = true;
		mark(scope, node, 0, r->needed);
	}
}

/* In the order of the nodes, those of a flow where it is run. step NULL: of the top flow. */
static void
add_outputs(struct run *r, struct scope *scope, const struct flow_node *step, const bool *ends)
{
	for (size_t i = 0; i < scope->flow->n_nodes; i++) {
		const struct flow_node *node = &scope->flow->nodes[i];
		const struct flow_node *of = step != NULL ? step : node;
		const struct subflow *sub = subflow_of(scope, node);

		if (!is_wanted(r, of))
			continue;
		if (sub != NULL && !sub->call.by_rows)
			add_outputs(r, sub->scope, of, ends);
		if (is_output(node) || ends[scope->first + i])
			add_output(r, scope, node, of, ends[scope->first + i]);
	}
}

static int
find_outputs(struct run *r, struct err *err)
{
	struct arena *a = &r->plan->arena;
	bool *ends;

	r->scopes = arena_array(a, SUBFLOWS_MAX + 1, sizeof(struct scope *));
	if (add_scope(r, r->plan->top, err) < 0)
		return -1;
	r->needed = arena_array(a, r->n_nodes + 1, sizeof(*r->needed));
	r->waits = arena_array(a, r->n_nodes + 1, sizeof(*r->waits));
	r->outputs = arena_array(a, r->n_nodes + 1, sizeof(*r->outputs));
	ends = arena_array(a, r->n_nodes + 1, sizeof(*ends));
	mark_outputs(r);
	if (r->options->only == 0)
		find_ends(r, r->plan->top, ends);
	add_outputs(r, r->plan->top, NULL, ends);
	if (r->n_outputs == 0 && r->options->only != 0)
		return err_set(err, ERR_NOT_FOUND, "node %" PRId64 " is no output of this flow",
			r->options->only);
	return 0;
}

static int
check_checkpoints(struct run *r, struct err *err)
{
	for (size_t s = 0; s < r->n_scopes; s++)
		for (size_t i = 0; i < r->scopes[s]->flow->n_nodes; i++) {
			const struct scope *scope = r->scopes[s];
			const struct flow_node *node = &scope->flow->nodes[i];

			if (r->needed[scope->first + i] && checkpoint_is_program(node) &&
				checkpoint_check(r->plan, scope, node, err) < 0)
				return -1;
		}
	return 0;
}

/* What it reads; it runs when its turn comes among the outputs. */
static int
compile_end(struct run *r, struct output *end, struct err *err)
{
	struct plan *plan = r->plan;
	const struct flow *flow = end->scope->flow;
	size_t n = end->node->n_inputs;
	struct relation **inputs = arena_array(&plan->arena, n + 1, sizeof(struct relation *));

	for (size_t i = 0; i < n; i++) {
		const struct flow_edge *edge = &end->node->inputs[i];

		if (plan_compile(plan, end->scope, &flow->nodes[edge->from], edge->handle,
			    &inputs[i], err) < 0)
			return -1;
		if (inputs[i] == NULL) {
			err_set(err, ERR_USAGE, "node %" PRId64 " (%s) has no output %d to be read",
				flow->nodes[edge->from].id, flow->nodes[edge->from].kind->type,
				edge->handle);
			return plan_node_failed(plan, end->scope, end->node, err);
		}
	}
	return plan_relation(
		plan, end->scope, "SELECT true AS done", inputs, n, &end->relation, err);
}

/* Marks what has to be there before a node. Owned by the caller. */
static bool *
before(const struct run *r, const struct scope *scope, const struct flow_node *node)
{
	bool *marked = xcalloc(r->n_nodes + 1, sizeof(*marked));

	mark(scope, node, -1, marked);
	marked[number_of_node(scope, node)] = false;
	return marked;
}

/* Whether one of the outputs from..to-1 comes before this node. */
static bool
is_behind(const struct run *r, const struct scope *scope, const struct flow_node *node, size_t from,
	size_t to)
{
	bool *marked = before(r, scope, node), result = false;

	for (size_t k = from; k < to; k++)
		result = result || marked[number_of_node(r->outputs[k].scope, r->outputs[k].node)];
	free(marked);
	return result;
}

/* Finds the checkpoints that come behind an output. */
static void
find_waiting(struct run *r)
{
	const char *why;

	for (size_t s = 0; s < r->n_scopes; s++)
		for (size_t i = 0; i < r->scopes[s]->flow->n_nodes; i++) {
			const struct scope *scope = r->scopes[s];
			const struct flow_node *node = &scope->flow->nodes[i];

			if (r->needed[scope->first + i] &&
				node_judge(node, &why) == NODE_CHECKPOINT)
				r->waits[scope->first + i] =
					is_behind(r, scope, node, 0, r->n_outputs);
		}
}

/* A checkpoint runs when it is compiled: with one before this output that comes behind another, which is compiled and not written yet,
 * that one is written first. */
static bool
has_to_wait(const struct run *r, size_t from, size_t at)
{
	const struct output *output = &r->outputs[at];
	bool *needed = before(r, output->scope, output->node), waits = false;

	for (size_t s = 0; !waits && s < r->n_scopes; s++)
		for (size_t i = 0; !waits && i < r->scopes[s]->flow->n_nodes; i++) {
			const struct scope *scope = r->scopes[s];

			waits = needed[scope->first + i] && r->waits[scope->first + i] &&
				is_behind(r, scope, &scope->flow->nodes[i], from, at);
		}
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
					: plan_compile(r->plan, output->scope, output->node, 0,
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

	return plan_compile(r->plan, output->scope, output->node, 0, &ignored, err);
}

static int
write_rows(struct run *r, const struct output *output, struct err *err)
{
	const struct flow_node *node = output->node;
	const char *name = plan_node_name(r->plan, output->scope, node);
	struct boottime begin = clock_boot(&clock_real);
	char took[TIMEFMT_SIZE];
	int64_t rows = -1;

	if (node->kind->write(r->plan, node, output->relation, &rows, err) < 0)
		return plan_node_failed(r->plan, output->scope, node, err);
	time_format_duration(boottime_diff(clock_boot(&clock_real), begin), took);
	if (rows >= 0)
		plan_say(r->plan, "%s: %" PRId64 " rows in %s", name, rows, took);
	else
		plan_say(r->plan, "%s: done in %s", name, took);
	return 0;
}

static int
write_output(struct run *r, size_t at, struct err *err)
{
	const struct output *output = &r->outputs[at];

	begin_step(r, output->step);
	say_nodes(r, output->scope, output->node, output->relation);
	if ((output->is_end ? run_end(r, output, err) : write_rows(r, output, err)) < 0)
		return -1;
	/* A flow is done when its last output is. */
	if (at + 1 == r->n_outputs || r->outputs[at + 1].step != output->step)
		end_step(r, output->step);
	return 0;
}

static int
write_outputs(struct run *r, size_t from, size_t to, struct err *err)
{
	find_shared(r, from, to);
	for (size_t i = from; i < to; i++)
		if (store_shared(r, r->outputs[i].relation, err) < 0 || write_output(r, i, err) < 0)
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
	plan->alone = options->only != 0;
	r.done = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*r.done));
	for (size_t i = 0; i < flow->n_nodes; i++)
		progress->nodes += counts(&flow->nodes[i]);
	tell(&r);
	if (find_outputs(&r, err) < 0 || check_checkpoints(&r, err) < 0)
		return -1;
	if (r.n_outputs == 0)
		plan_say(plan, "nothing to write: no node is an output");
	find_waiting(&r);
	for (size_t from = 0; from < r.n_outputs; from = (size_t)to) {
		to = compile_outputs(&r, from, err);
		if (to < 0 || write_outputs(&r, from, (size_t)to, err) < 0)
			return -1;
	}
	return 0;
}
