/* Everything that is wrong with a flow, as far as it can be found without running it. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "flow/checkpoint.h"
#include "flow/node.h"

/* The nodes that a run would come to: outputs, programs that nobody reads, and all that these need. */
static void
mark_needed(const struct flow *flow, bool *needed)
{
	bool some = false;
	const char *why;

	for (size_t i = 0; i < flow->n_nodes; i++)
		if (node_judge(&flow->nodes[i], &why) == NODE_OUTPUT ||
			checkpoint_is_program(&flow->nodes[i])) {
			plan_mark_needed(flow, i, false, needed);
			some = true;
		}
	for (size_t i = 0; !some && i < flow->n_nodes; i++)
		needed[i] = true;
}

static bool
has_open_input(const struct flow_node *node, const bool *open)
{
	for (size_t i = 0; i < node->n_inputs; i++)
		if (open[node->inputs[i].from])
			return true;
	return false;
}

/* The error's text without the name of the node, which the reader has beside it. */
static const char *
take_text(struct plan *plan, const struct flow_node *node, const struct err *err)
{
	struct err prefix = ERR_INIT;

	err_set(&prefix, ERR_USAGE, "%s", "");
	flow_node_failed(node, &prefix);
	return arena_strdup(&plan->arena,
		text_starts(err->text, prefix.text) ? err->text + strlen(prefix.text) : err->text);
}

/* *open: what is behind it cannot be looked at. */
static int
check_node(struct plan *plan, const struct flow_node *node, bool *open, struct err *err)
{
	struct relation *relation;

	if (checkpoint_is_program(node)) {
		if (checkpoint_check(plan, plan->top, node, err) < 0)
			return -1;
		*open = !checkpoint_has_columns(node);
	}
	return *open ? 0 : plan_compile(plan, plan->top, node, 0, &relation, err);
}

size_t
plan_find_broken(struct plan *plan, const char **errors)
{
	const struct flow *flow = plan->top->flow;
	bool *needed = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*needed));
	bool *open = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*open));
	struct err err = ERR_INIT;
	const char *why;
	size_t n = 0;

	assert(plan->explains);
	mark_needed(flow, needed);
	for (size_t i = 0; i < flow->n_nodes; i++) {
		const struct flow_node *node = &flow->nodes[i];

		errors[i] = NULL;
		open[i] = has_open_input(node, open) || node_judge(node, &why) == NODE_UNSUPPORTED;
		if (!needed[i] || open[i] || check_node(plan, node, &open[i], &err) == 0)
			continue;
		errors[i] = take_text(plan, node, &err);
		err_clear(&err);
		open[i] = true;
		n++;
	}
	return n;
}
