#include "flow/plan.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "flow/node.h"
#include "flow/subflow.h"

#define SQL_MAX (64 * 1024 * 1024)
#define SHAPES "_shapes"

/* --- life --------------------------------------------------------------------------------------------- */

int
plan_create(const struct plan_options *options, struct plan **out, struct err *err)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->duck = options->duck;
	plan->catalog = options->catalog;
	plan->explains = options->explains;
	plan->run_id = options->run_id;
	plan->flow_id = options->flow_id;
	plan->temp_dir = options->temp_dir;
	plan->python = options->python;
	plan->grace_ms = options->grace_ms;
	plan->say = options->say;
	plan->say_arg = options->say_arg;
	if (duck_connect(plan->duck, &plan->shapes, err) < 0 ||
		duck_exec(plan->shapes,
			"ATTACH IF NOT EXISTS ':memory:' AS " SHAPES "; USE " SHAPES, NULL,
			err) < 0) {
		plan_free(plan);
		return -1;
	}
	*out = plan;
	return 0;
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	duck_close(plan->shapes);
	if (plan->folder != NULL)
		file_remove_all(plan->folder);
	for (size_t i = 0; i < plan->n_flows; i++)
		flow_free(plan->flows[i]);
	free(plan->flows);
	arena_free(&plan->arena);
	free(plan);
}

void
plan_adopt(struct plan *plan, struct flow *flow)
{
	plan->flows = xrealloc(plan->flows, plan->n_flows + 1, sizeof(struct flow *));
	plan->flows[plan->n_flows++] = flow;
}

const char *
plan_file(struct plan *plan, const char *suffix, struct err *err)
{
	const char *temp = plan->temp_dir != NULL ? plan->temp_dir : text_env("TMPDIR");
	char *folder;

	if (plan->folder == NULL) {
		folder = arena_printf(
			&plan->arena, "%s/flowfile-XXXXXX", temp != NULL ? temp : "/tmp");
		if (mkdtemp(folder) == NULL) {
			err_errno(err, errno, "temporary folder %s", folder);
			return NULL;
		}
		plan->folder = folder;
	}
	return arena_printf(&plan->arena, "%s/%u%s", plan->folder, plan->n_names++, suffix);
}

void
plan_say(struct plan *plan, const char *fmt, ...)
{
	char *line;
	va_list ap;

	if (plan->say == NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line != NULL)
		plan->say(plan->say_arg, line);
	free(line);
}

struct scope *
plan_scope(struct plan *plan, const struct flow *flow, struct scope *outer, int64_t table_id)
{
	struct scope *scope = arena_alloc(&plan->arena, sizeof(*scope));

	scope->flow = flow;
	scope->outer = outer;
	scope->table_id = table_id;
	scope->prefix = outer != NULL ? arena_printf(&plan->arena, "v%u_n", plan->n_names++) : "n";
	scope->title = "";
	if (flow != NULL) {
		scope->relations = arena_array(&plan->arena, flow->n_nodes * FLOW_HANDLES_MAX + 1,
			sizeof(struct relation *));
		scope->subflows =
			arena_array(&plan->arena, flow->n_nodes + 1, sizeof(struct subflow *));
	}
	if (outer == NULL)
		plan->top = scope;
	return scope;
}

const char *
plan_node_name(struct plan *plan, const struct scope *scope, const struct flow_node *node)
{
	return arena_printf(
		&plan->arena, "%snode %" PRId64 " (%s)", scope->title, node->id, node->kind->type);
}

int
plan_node_failed(
	struct plan *plan, const struct scope *scope, const struct flow_node *node, struct err *err)
{
	if (duck_interrupted(plan->duck))
		return -1;
	return err_prefix(err, "%s", plan_node_name(plan, scope, node));
}

static struct relation **
place_of(const struct scope *scope, const struct flow_node *node, int handle)
{
	return &scope->relations[(size_t)(node - scope->flow->nodes) * FLOW_HANDLES_MAX +
		(size_t)handle];
}

/* --- columns ----------------------------------------------------------------------------------------------- */

static int
check_names(const struct columns *columns, struct err *err)
{
	for (size_t i = 0; i < columns->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(columns->items[i].name, columns->items[k].name) == 0)
				return err_set(err, ERR_USAGE,
					strcmp(columns->items[i].name, columns->items[k].name) == 0
						? "two columns are called %s%.0s; rename one"
						: "the columns %s and %s differ only in upper and "
						  "lower case; "
						  "rename one",
					columns->items[k].name, columns->items[i].name);
	return 0;
}

/* An empty table of that shape, which those who read the relation are bound to. */
static int
make_shape(struct plan *plan, const struct relation *relation, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_printf(&b, "CREATE TABLE " SHAPES ".%s (", relation->name);
	for (size_t i = 0; i < relation->columns.n; i++) {
		buf_puts(&b, i > 0 ? ", " : "");
		sql_ident(&b, relation->columns.items[i].name);
		buf_printf(&b, " %s", relation->columns.items[i].type);
	}
	buf_puts(&b, ")");
	rc = duck_exec(plan->shapes, buf_str(&b), NULL, err);
	buf_free(&b);
	return rc;
}

static int
find_columns(struct plan *plan, struct relation *relation, struct err *err)
{
	if (duck_describe(plan->shapes, relation->sql, &plan->arena, &relation->columns, err) < 0)
		return -1;
	for (size_t i = 0; i < relation->columns.n; i++)
		if (type_classify(relation->columns.items[i].type) == TYPE_NULL)
			relation->columns.items[i].type = "INTEGER"; /* as a table would have it */
	if (check_names(&relation->columns, err) < 0)
		return -1;
	return make_shape(plan, relation, err);
}

static struct relation *
add_relation(struct plan *plan, struct scope *scope, const char *name, const char *sql,
	struct relation **inputs, size_t n_inputs)
{
	struct relation *relation = arena_alloc(&plan->arena, sizeof(*relation));

	*relation = (struct relation){
		.name = name,
		.sql = arena_strdup(&plan->arena, sql),
		.inputs = arena_array(&plan->arena, n_inputs + 1, sizeof(*inputs)),
		.n_inputs = n_inputs,
		.scope = scope,
	};
	for (size_t i = 0; i < n_inputs; i++)
		relation->inputs[i] = inputs[i];
	return relation;
}

int
plan_relation(struct plan *plan, struct scope *scope, const char *sql, struct relation **inputs,
	size_t n_inputs, struct relation **out, struct err *err)
{
	const char *name = arena_printf(&plan->arena, "q%u", plan->n_names++);

	*out = add_relation(plan, scope, name, sql, inputs, n_inputs);
	return find_columns(plan, *out, err);
}

/* --- compiling ------------------------------------------------------------------------------------------------ */

void
node_begin_sql(struct buf *sql)
{
	buf_init(sql, SQL_MAX);
}

int
node_emit(struct compiler *c, int handle, const char *sql, struct err *err)
{
	struct relation **place = place_of(c->scope, c->node, handle);
	const char *name = handle == 0
		? arena_printf(c->arena, "%s%" PRId64, c->scope->prefix, c->node->id)
		: arena_printf(c->arena, "%s%" PRId64 "_%d", c->scope->prefix, c->node->id, handle);

	assert(*place == NULL && handle >= 0 && handle < FLOW_HANDLES_MAX);
	*place = add_relation(c->plan, c->scope, name, sql, c->in, c->n_in);
	(*place)->node = c->node;
	(*place)->handle = handle;
	return find_columns(c->plan, *place, err);
}

int
node_emit_sql(struct compiler *c, int handle, struct buf *sql, struct err *err)
{
	int rc;

	if (buf_failed(sql))
		rc = err_set(
			err, ERR_FAILED, "its SQL is longer than %d MB", SQL_MAX / 1024 / 1024);
	else
		rc = node_emit(c, handle, buf_str(sql), err);
	buf_free(sql);
	return rc;
}

void
node_set_scan(struct compiler *c, int handle, bool is_scan)
{
	(*place_of(c->scope, c->node, handle))->is_scan = is_scan;
}

void
node_set_once(struct compiler *c, int handle)
{
	(*place_of(c->scope, c->node, handle))->once = true;
}

int
node_emit_input(struct compiler *c, int handle, size_t input)
{
	*place_of(c->scope, c->node, handle) = c->in[input];
	return 0;
}

int
node_column(const struct compiler *c, size_t input, const char *name, const char *field,
	const struct column **out, struct err *err)
{
	struct nearest near = nearest_to(name);

	*out = columns_find(&c->in[input]->columns, name);
	if (*out != NULL)
		return 0;
	for (size_t i = 0; strlen(name) > 2 && i < c->in[input]->columns.n; i++)
		nearest_offer(&near, c->in[input]->columns.items[i].name);
	if (near.name != NULL)
		return err_set(err, ERR_USAGE,
			"%s: its input has no column %s; did you mean %s? there are %s", field,
			name, near.name, columns_list(&c->in[input]->columns, c->arena));
	return err_set(err, ERR_USAGE, "%s: its input has no column %s; there are %s", field, name,
		columns_list(&c->in[input]->columns, c->arena));
}

const char *
node_own_name(const struct compiler *c, size_t input, const char *base)
{
	const struct columns *in = &c->in[input]->columns;
	const char *name = base;

	for (size_t i = 0; i < in->n; i++)
		if (text_equal_nocase(in->items[i].name, name)) {
			name = arena_printf(c->arena, "%s_", name);
			i = (size_t)-1;
		}
	return sql_quoted(c->arena, name);
}

/* Of several outputs none is changed, as Flowfile has it, and what an output writes is its input. */
static int
fit_fields(struct compiler *c, struct err *err)
{
	const char *why;
	enum node_mode mode = node_judge(c->node, &why);

	if ((mode != NODE_LAZY && mode != NODE_CHECKPOINT) || c->several ||
		*place_of(c->scope, c->node, 0) == NULL) /* a program was run for what it does */
		return 0;
	for (int h = 1; h < FLOW_HANDLES_MAX; h++)
		if (*place_of(c->scope, c->node, h) != NULL)
			return 0;
	return node_fit_fields(c, place_of(c->scope, c->node, 0), err);
}

/* Whether an input gives nothing but the order. */
static bool
is_waited_for(const struct flow_node *node, size_t input)
{
	return strcmp(node->kind->type, "wait_for") == 0 && node->has_right &&
		input + 1 == node->n_inputs;
}

static int
compile(struct plan *plan, struct scope *scope, const struct flow_node *node, unsigned wanted,
	struct err *err)
{
	struct compiler c = {
		.plan = plan,
		.scope = scope,
		.node = node,
		.settings = node->settings,
		.arena = &plan->arena,
		.in = arena_array(&plan->arena, node->n_inputs + 1, sizeof(struct relation *)),
		.n_in = node->n_inputs,
		.wanted = wanted,
	};

	for (size_t i = 0; i < node->n_inputs; i++) {
		const struct flow_node *from = &scope->flow->nodes[node->inputs[i].from];

		if (plan->alone && is_waited_for(node, i))
			continue;
		c.in[i] = *place_of(scope, from, node->inputs[i].handle);
		if (c.in[i] == NULL) {
			err_set(err, ERR_USAGE, "node %" PRId64 " (%s) has no output %d to be read",
				from->id, from->kind->type, node->inputs[i].handle);
			return plan_node_failed(plan, scope, node, err);
		}
	}
	if (node->kind->compile(&c, err) == 0 && fit_fields(&c, err) == 0)
		return 0;
	return c.is_told ? -1 : plan_node_failed(plan, scope, node, err);
}

/* Nodes are in an order that what one needs comes before it. */
void
plan_mark_needed(const struct flow *flow, size_t at, bool alone, bool *needed)
{
	needed[at] = true;
	for (size_t i = at + 1; i-- > 0;)
		for (size_t k = 0; needed[i] && k < flow->nodes[i].n_inputs; k++)
			if (!alone || !is_waited_for(&flow->nodes[i], k))
				needed[flow->nodes[i].inputs[k].from] = true;
}

/* The outputs that are compiled, a bit for each. */
static unsigned
compiled(const struct scope *scope, const struct flow_node *node)
{
	unsigned bits = 0;

	for (int h = 0; h < FLOW_HANDLES_MAX; h++)
		if (*place_of(scope, node, h) != NULL)
			bits |= 1u << h;
	return bits;
}

/* Most nodes have all of their outputs at once; a flow is compiled as far as it is asked for. */
static int
compile_wanted(struct plan *plan, struct scope *scope, const struct flow_node *node,
	unsigned wanted, struct err *err)
{
	unsigned there = compiled(scope, node);

	if (node_runs_flow(node) ? (wanted & ~there) == 0 : there != 0)
		return 0;
	return compile(plan, scope, node, wanted & ~there, err);
}

/* What a run_flow node hands over, before the flow that it runs. */
static int
compile_outer(struct plan *plan, const struct scope *scope, struct err *err)
{
	struct relation *ignored;

	for (size_t i = 0; scope->caller != NULL && i < scope->caller->n_inputs; i++) {
		const struct flow_edge *edge = &scope->caller->inputs[i];

		if (plan_compile(plan, scope->outer, &scope->outer->flow->nodes[edge->from],
			    edge->handle, &ignored, err) < 0)
			return -1;
	}
	return 0;
}

int
plan_compile(struct plan *plan, struct scope *scope, const struct flow_node *node, int handle,
	struct relation **out, struct err *err)
{
	const struct flow *flow = scope->flow;
	unsigned *wanted;
	int rc = 0;

	if (compile_outer(plan, scope, err) < 0)
		return -1;
	wanted = xcalloc(flow->n_nodes, sizeof(*wanted));
	wanted[node - flow->nodes] = 1u << handle;
	for (size_t i = (size_t)(node - flow->nodes) + 1; i-- > 0;)
		for (size_t k = 0; wanted[i] != 0 && k < flow->nodes[i].n_inputs; k++) {
			const struct flow_edge *edge = &flow->nodes[i].inputs[k];

			if (!plan->alone || !is_waited_for(&flow->nodes[i], k))
				wanted[edge->from] |= 1u << edge->handle;
		}
	for (size_t i = 0; rc == 0 && i < flow->n_nodes; i++)
		if (wanted[i] != 0)
			rc = compile_wanted(plan, scope, &flow->nodes[i], wanted[i], err);
	free(wanted);
	if (rc == 0)
		*out = *place_of(scope, node, handle);
	return rc;
}

int
plan_check(const struct flow *flow, struct err *err)
{
	const char *why;

	for (size_t i = 0; i < flow->n_nodes; i++) {
		if (node_judge(&flow->nodes[i], &why) != NODE_UNSUPPORTED)
			continue;
		err_set(err, ERR_USAGE, "it cannot be run: %s", why);
		return flow_node_failed(&flow->nodes[i], err);
	}
	return 0;
}

/* --- statements -------------------------------------------------------------------------------------------------- */

struct walk {
	struct relation **found;
	size_t n, cap;
	unsigned mark;
};

static void
walk(struct walk *w, struct relation *relation)
{
	if (relation->mark == w->mark)
		return;
	relation->mark = w->mark;
	for (size_t i = 0; !relation->stored && i < relation->n_inputs; i++)
		walk(w, relation->inputs[i]);
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 32;
		w->found = xrealloc(w->found, w->cap, sizeof(struct relation *));
	}
	w->found[w->n++] = relation;
}

struct relation **
plan_needed(struct plan *plan, struct relation *relation, size_t *n)
{
	struct walk w = {.mark = ++plan->marks};
	struct relation **result;

	walk(&w, relation);
	result = arena_array(&plan->arena, w.n + 1, sizeof(struct relation *));
	memcpy(result, w.found, w.n * sizeof(struct relation *));
	free(w.found);
	*n = w.n;
	return result;
}

void
plan_sql(struct plan *plan, struct relation *relation, struct buf *sql)
{
	struct relation **needed;
	size_t n, ctes = 0;

	if (relation->stored) {
		buf_printf(sql, "SELECT * FROM %s", relation->name);
		return;
	}
	needed = plan_needed(plan, relation, &n);
	for (size_t i = 0; i + 1 < n; i++)
		if (!needed[i]->stored)
			buf_printf(sql, "%s%s AS %s(%s\n)", ctes++ == 0 ? "WITH " : ",\n",
				needed[i]->name, needed[i]->once ? "MATERIALIZED " : "",
				needed[i]->sql);
	if (ctes == 0)
		buf_puts(sql, relation->sql);
	else if (text_starts(relation->sql, "SELECT"))
		buf_printf(sql, "\n%s", relation->sql);
	else /* a query with a WITH of its own */
		buf_printf(sql, "\nSELECT * FROM (%s\n)", relation->sql);
}

const char *
plan_sql_text(struct plan *plan, struct relation *relation)
{
	const char *result;
	struct buf b;

	buf_init(&b, SQL_MAX);
	plan_sql(plan, relation, &b);
	result = arena_strdup(&plan->arena, buf_str(&b));
	buf_free(&b);
	return result;
}

int
plan_store(struct plan *plan, struct relation *relation, int64_t *rows, struct err *err)
{
	char *sql;
	int rc;

	if (relation->stored)
		return 0;
	sql = xasprintf(
		"CREATE TEMP TABLE %s AS %s", relation->name, plan_sql_text(plan, relation));
	rc = duck_exec(plan->duck, sql, NULL, err);
	free(sql);
	if (rc == 0 && rows != NULL)
		rc = duck_number(plan->duck,
			arena_printf(&plan->arena, "SELECT count(*) FROM %s", relation->name), rows,
			err);
	if (rc < 0 && relation->node != NULL)
		return plan_node_failed(plan, relation->scope, relation->node, err);
	relation->stored = rc == 0;
	return rc;
}

int
node_store(struct compiler *c, struct relation *relation, struct err *err)
{
	if (c->plan->explains || relation->is_scan)
		return 0;
	return plan_store(c->plan, relation, NULL, err);
}

int
node_make_table(
	struct compiler *c, const struct columns *columns, struct relation **out, struct err *err)
{
	struct buf sql;
	int rc;

	node_begin_sql(&sql);
	for (size_t i = 0; i < columns->n; i++)
		buf_printf(&sql, "%sCAST(NULL AS %s) AS %s", i > 0 ? ", " : "SELECT ",
			columns->items[i].type, columns->items[i].name);
	buf_puts(&sql, " WHERE false");
	rc = plan_relation(c->plan, c->scope, buf_str(&sql), NULL, 0, out, err);
	buf_free(&sql);
	return rc < 0 ? -1 : node_store(c, *out, err);
}
