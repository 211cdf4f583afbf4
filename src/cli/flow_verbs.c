/* `flowfile flows check` and `plan`: what a flow file would do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/flow.h"
#include "flow/checkpoint.h"
#include "flow/eval.h"
#include "flow/node.h"
#include "flow/subflow.h"

/* --- check ------------------------------------------------------------------------------------------------- */

struct verdict {
	enum node_mode mode;
	const char *why;
	const char *error; /* NULL: none */
};

/* What was found of a flow. */
struct check {
	const struct flow *flow;
	struct verdict *verdicts; /* by node */
	struct flow_warning *warnings;
	size_t n_warnings, n_errors;
	bool found; /* something stands in the way of a run */
};

/* With a look at the flows that it runs. */
static void
judge(struct cli *cli, const struct flow *flow, const struct flow_node *node, struct verdict *out)
{
	struct err err = ERR_INIT;
	const char *name;
	size_t count = 0;

	out->mode = node_judge(node, &out->why);
	if (!node_runs_flow(node) || out->mode == NODE_UNSUPPORTED)
		return;
	(void)cli_open_if_there(cli);
	if (subflow_check(cli->catalog.db, flow, node, &cli->arena, &count, &name, &err) == 0) {
		out->why = arena_printf(&cli->arena, "the flow %s is a part of the plan", name);
		return;
	}
	out->mode = NODE_UNSUPPORTED;
	out->why = arena_strdup(&cli->arena, err.text);
}

static const char *
mode_of(const struct verdict *v, const char **why)
{
	*why = v->error != NULL ? v->error : v->why;
	return v->error != NULL ? "broken" : node_mode_name(v->mode);
}

static void
check_json(struct cli *cli, const struct check *c)
{
	struct json *j = out_json_begin(cli);
	const char *why, *mode;

	json_array(j);
	for (size_t i = 0; i < c->flow->n_nodes; i++) {
		const struct flow_node *node = &c->flow->nodes[i];

		mode = mode_of(&c->verdicts[i], &why);
		json_object(j);
		json_kv_int(j, "id", node->id);
		json_kv_string(j, "type", node->type);
		json_kv_string(j, "name", node->reference);
		json_kv_string(j, "mode", mode);
		json_kv_string(j, "reason", why);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
check_table(struct cli *cli, const struct check *c)
{
	/* An error is not cut. */
	const struct out_column columns[] = {{"NODE", true, false}, {"TYPE", false, false},
		{"NAME", false, false}, {"MODE", false, false},
		{"REASON", false, c->n_errors == 0}};
	struct out_table t;
	const char *why, *mode;

	out_table_begin(&t, &cli->arena, columns, 5);
	for (size_t i = 0; i < c->flow->n_nodes; i++) {
		const struct flow_node *node = &c->flow->nodes[i];

		mode = mode_of(&c->verdicts[i], &why);
		out_cell(&t, out_int(&cli->arena, node->id));
		out_cell(&t, out_clean(&cli->arena, node->type));
		out_cell(&t, out_clean(&cli->arena, node->reference));
		out_cell(&t, mode);
		out_cell(&t, out_clean(&cli->arena, why));
	}
	out_table_end(&t, "The flow has no nodes: there is nothing to run.");
}

/* Puts the nodes into statements, as for a run; where the engine is not there only the file was looked at. */
static int
check_nodes(struct cli *cli, struct check *c, struct err *err)
{
	struct plan_options options = {.explains = true};
	struct err ignored = ERR_INIT;
	struct plan *plan;
	const char **found;
	struct duck *duck;

	if (cli_engine_open(cli, &duck, &ignored) < 0) {
		fprintf(stderr, "flowfile: only the structure of the file was checked: %s\n",
			ignored.text);
		return 0;
	}
	if (cli_open_if_there(cli))
		options.catalog = &cli->catalog;
	options.duck = duck;
	if (plan_create(&options, &plan, err) < 0) {
		duck_close(duck);
		return -1;
	}
	plan_scope(plan, c->flow, NULL, 0);
	found = arena_array(&plan->arena, c->flow->n_nodes + 1, sizeof(*found));
	c->n_errors = plan_find_broken(plan, found);
	for (size_t i = 0; i < c->flow->n_nodes; i++)
		if (found[i] != NULL && c->verdicts[i].mode != NODE_UNSUPPORTED)
			c->verdicts[i].error = arena_strdup(&cli->arena, found[i]);
	plan_free(plan);
	duck_close(duck);
	return 0;
}

static int
check_flow(struct cli *cli, struct check *c, struct err *err)
{
	struct err found = ERR_INIT;

	c->found = c->flow->n_nodes == 0 || plan_check(c->flow, &found) < 0;
	c->verdicts = arena_array(&cli->arena, c->flow->n_nodes + 1, sizeof(*c->verdicts));
	for (size_t i = 0; i < c->flow->n_nodes; i++) {
		judge(cli, c->flow, &c->flow->nodes[i], &c->verdicts[i]);
		if (c->verdicts[i].mode == NODE_UNSUPPORTED)
			c->found = true;
	}
	c->n_warnings = flow_warnings(c->flow, &cli->arena, &c->warnings);
	if (c->flow->n_nodes > 0 && check_nodes(cli, c, err) < 0)
		return -1;
	for (size_t i = 0; i < c->n_warnings; i++)
		fprintf(stderr, "flowfile: node %" PRId64 " (%s): %s\n", c->warnings[i].node->id,
			c->warnings[i].node->type, out_clean(&cli->arena, c->warnings[i].text));
	if (c->n_errors > 0)
		c->found = true;
	return 0;
}

int
flows_check_run(struct cli *cli, struct err *err)
{
	struct check c = {0};
	struct flow *flow;
	int rc;

	if (cli_check_params(cli, cli->args[0], err) < 0 ||
		cli_read_flow(cli, cli->args[0], &flow, err) < 0)
		return -1;
	c.flow = flow;
	rc = check_flow(cli, &c, err);
	if (rc == 0 && cli->json) {
		check_json(cli, &c);
		rc = out_json_end(cli, err);
	} else if (rc == 0) {
		check_table(cli, &c);
	}
	if (c.found)
		cli->status = 1;
	flow_free(flow);
	return rc;
}

/* --- plan ---------------------------------------------------------------------------------------------------- */

/* title: more of what it is; "" for none. */
static int
print_plan(struct plan *plan, const struct scope *scope, const struct flow_node *node,
	struct relation *relation, const char *title, struct err *err)
{
	char *explain = NULL;
	struct duck_rows *rows;
	const char *text;
	size_t len;

	explain = arena_printf(&plan->arena, "EXPLAIN %s", plan_sql_text(plan, relation));
	printf("-- %s%s\n%s;\n\n", plan_node_name(plan, scope, node), title,
		plan_sql_text(plan, relation));
	if (duck_explain(plan->duck, explain, &rows, err) < 0)
		return -1;
	while (duck_rows_next(rows)) {
		text = duck_text(rows, 1, &len);
		printf("%.*s\n", (int)len, text);
	}
	duck_rows_free(rows);
	return 0;
}

/* What is handed to a program. */
static int
plan_inputs(struct plan *plan, struct scope *scope, const struct flow_node *node, struct err *err)
{
	const struct flow *flow = scope->flow;
	struct relation *relation;
	const char *title;

	for (size_t i = 0; i < node->n_inputs; i++) {
		const struct flow_edge *edge = &node->inputs[i];
		const struct flow_node *from = &flow->nodes[edge->from];

		title = arena_printf(&plan->arena, ", input %zu of node %" PRId64 " (%s)", i + 1,
			node->id, node->kind->type);
		if (plan_compile(plan, scope, from, edge->handle, &relation, err) < 0 ||
			(relation != NULL &&
				print_plan(plan, scope, from, relation, title, err) < 0))
			return -1;
	}
	return 0;
}

/* The checkpoints on the way to a node, itself included, that were not printed before. *open: one that stops the plan, because nobody
 * knows what comes out of it. */
static int
plan_checkpoints(struct plan *plan, struct scope *scope, const struct flow_node *node,
	bool *printed, const struct flow_node **open, struct err *err)
{
	const struct flow *flow = scope->flow;
	bool *needed = arena_array(&plan->arena, flow->n_nodes, sizeof(*needed));

	*open = NULL;
	plan_mark_needed(flow, (size_t)(node - flow->nodes), plan->alone, needed);
	for (size_t i = 0; *open == NULL && i < flow->n_nodes; i++) {
		const struct flow_node *at = &flow->nodes[i];

		if (!needed[i] || !checkpoint_is_program(at))
			continue;
		if (checkpoint_check(plan, scope, at, err) < 0)
			return -1;
		if (!printed[i] && plan_inputs(plan, scope, at, err) < 0)
			return -1;
		printed[i] = true;
		if (!checkpoint_has_columns(at))
			*open = at;
	}
	return 0;
}

static int
plan_node(struct plan *plan, struct scope *scope, const struct flow_node *node, bool *printed,
	struct err *err)
{
	struct relation *relation;
	const struct flow_node *open;

	if (plan_checkpoints(plan, scope, node, printed, &open, err) < 0)
		return -1;
	if (open != NULL) {
		printf("-- %s: not before node %" PRId64
		       " (%s) has run a program; its columns are known only then\n\n",
			plan_node_name(plan, scope, node), open->id, open->kind->type);
		return 0;
	}
	if (plan_compile(plan, scope, node, 0, &relation, err) < 0)
		return -1;
	if (relation == NULL)
		return err_set(err, ERR_USAGE, "node %" PRId64 " (%s) gives no rows", node->id,
			node->kind->type);
	return print_plan(plan, scope, node, relation, "", err);
}

/* Its programs and outputs, and those of flows that it runs, in the order of the nodes. */
static int
plan_outputs(struct plan *plan, struct scope *scope, struct err *err)
{
	const struct flow *flow = scope->flow;
	bool *printed = arena_array(&plan->arena, flow->n_nodes + 1, sizeof(*printed));
	const struct flow_node *open;
	struct subflow *sub;
	const char *why;

	for (size_t i = 0; i < flow->n_nodes; i++) {
		const struct flow_node *node = &flow->nodes[i];

		if (node_runs_flow(node) && subflow_open(plan, scope, node, &sub, err) < 0)
			return plan_node_failed(plan, scope, node, err);
		if ((node_runs_flow(node) && !sub->call.by_rows &&
			    plan_outputs(plan, sub->scope, err) < 0) ||
			(checkpoint_is_program(node) &&
				plan_checkpoints(plan, scope, node, printed, &open, err) < 0) ||
			(node_judge(node, &why) == NODE_OUTPUT &&
				plan_node(plan, scope, node, printed, err) < 0))
			return -1;
	}
	return 0;
}

static int
plan_flow(struct cli *cli, struct plan *plan, const struct flow *flow, struct err *err)
{
	const struct flow_node *node;
	int64_t id;

	if (args_int(cli, "output", 1, INT64_MAX, 0, &id, err) < 0)
		return -1;
	if (id == 0)
		return plan_outputs(plan, plan->top, err);
	plan->alone = true;
	node = flow_node(flow, id);
	if (node == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no node %" PRId64, id);
	return plan_node(plan, plan->top, node,
		arena_array(&plan->arena, flow->n_nodes + 1, sizeof(bool)), err);
}

int
flows_plan_run(struct cli *cli, struct err *err)
{
	struct plan_options options = {.explains = true};
	struct duck *duck = NULL;
	struct plan *plan = NULL;
	struct flow *flow;
	int rc = -1;

	if (cli_no_json(cli, err) < 0 || cli_check_params(cli, cli->args[0], err) < 0 ||
		cli_read_flow(cli, cli->args[0], &flow, err) < 0)
		return -1;
	if (cli_open_if_there(cli))
		options.catalog = &cli->catalog;
	if (plan_check(flow, err) == 0 && cli_engine_open(cli, &duck, err) == 0) {
		options.duck = duck;
		if (plan_create(&options, &plan, err) == 0) {
			plan_scope(plan, flow, NULL, 0);
			rc = plan_flow(cli, plan, flow, err);
		}
	}
	plan_free(plan);
	duck_close(duck);
	flow_free(flow);
	return rc;
}

/* --- eval ---------------------------------------------------------------------------------------------------- */

int
flows_eval_run(struct cli *cli, struct err *err)
{
	const char *names[CLI_ARGS_MAX], *values[CLI_ARGS_MAX];
	struct duck *duck;
	struct buf out;
	size_t n = 0;
	int rc;

	if (cli_no_json(cli, err) < 0)
		return -1;
	for (int i = 1; i < cli->n_args; i++) {
		const char *equals = strchr(cli->args[i], '=');

		if (equals == NULL || equals == cli->args[i])
			return err_set(err, ERR_USAGE, "'%s' is not NAME=VALUE", cli->args[i]);
		names[n] = arena_printf(
			&cli->arena, "%.*s", (int)(equals - cli->args[i]), cli->args[i]);
		values[n++] = equals + 1;
	}
	if (cli_engine_open(cli, &duck, err) < 0)
		return -1;
	buf_init(&out, 64 * 1024 * 1024);
	rc = eval_expression(duck, cli->args[0], names, values, n, &out, err);
	if (rc == 0)
		printf("%s\n", buf_str(&out));
	buf_free(&out);
	duck_close(duck);
	return rc;
}
