/*
 * run_flow: a flow within a flow (contract 7.1). What the settings of such a node say, which flow file that is, and how the two fit
 * together: each input of the node is a flow_input there, and each of its outputs a flow_output.
 *
 * What the fields in its lists are called is not known for certain: doc/flows.md says what is understood.
 */
#ifndef FF_FLOW_SUBFLOW_H
#define FF_FLOW_SUBFLOW_H

#include <string.h>

#include "flow/node.h"

#define SUBFLOWS_MAX 1000 /* flows that one flow runs, and those that they run */
#define SUBFLOW_ROWS_MAX 1000 /* for which one is run */

struct db;

/* What an input or output is called on both sides. What is not written is NULL, or 0. */
struct subflow_slot {
	const char *handle, *name;
	int64_t node_id; /* in the flow that is run */
};
struct subflow_slots {
	struct subflow_slot *items;
	size_t n;
};

struct subflow_column {
	const char *param, *column;
};

/* A run_flow node's settings. Everything is in the arena. */
struct subflow_call {
	struct arena *arena;
	const struct flow *flow; /* the node's */
	const struct flow_node *node;
	const char *uuid, *path; /* NULL: not given */
	int64_t registration_id; /* ID_NONE: not given */
	struct subflow_slots inputs, outputs;
	struct flow_param *params; /* with values that are given */
	size_t n_params;
	struct subflow_column *columns; /* parameters whose values a column has */
	size_t n_columns;
	bool by_rows; /* it is run for each row of its input */
};

/* ERR_USAGE: something is not understood, or goes beyond what is run natively. */
int subflow_take(const struct flow *flow, const struct flow_node *node, struct arena *a,
	struct subflow_call *out, struct err *err);

/* Its file and what it is called: of the registration with its uuid, its id, or else by its path, which may be relative to the
 * flow's. db NULL: there is no catalog. */
int subflow_find(struct db *db, const struct subflow_call *call, const char **path,
	const char **name, struct err *err);

/*
 * Reads the flow with the call's parameters, and with those of `more` over them. Refuses flows that run each other in a loop, and too
 * many: *count goes up by one. Owned by the caller.
 */
int subflow_read(const struct subflow_call *call, const char *path, const struct flow_param *more,
	size_t n_more, size_t *count, struct flow **out, struct err *err);

/* Refuses nodes that cannot be run, or not within another flow, and connections that lead nowhere. */
int subflow_fits(const struct subflow_call *call, const struct flow *sub, struct err *err);

/* What is connected to a flow_input of the flow that is run; NULL: nothing. */
const struct flow_edge *subflow_input(
	const struct subflow_call *call, const struct flow *sub, const struct flow_node *input);

/* The flow_output behind an output of the node. *out NULL: the flow has none, and the first stands for that it was run. */
int subflow_output(const struct subflow_call *call, const struct flow *sub, int handle,
	const struct flow_node **out, struct err *err);

/* Refuses all that running the node would refuse before it begins. *name: what the flow is called. */
int subflow_check(struct db *db, const struct flow *flow, const struct flow_node *node,
	struct arena *a, size_t *count, const char **name, struct err *err);

/* --- in a plan ---------------------------------------------------------------------------------------- */

struct subflow {
	struct subflow_call call;
	const char *name, *path;
	struct scope *scope; /* of the flow; by rows: with its own values, to look at */
	struct scope **rows; /* by rows: one for each, which may be the same; NULL: not asked yet */
	size_t n_rows;
};

/* What a run_flow node of the scope's flow runs; the scope keeps it. */
int subflow_open(struct plan *plan, struct scope *scope, const struct flow_node *node,
	struct subflow **out, struct err *err);

static inline bool
node_runs_flow(const struct flow_node *node)
{
	return strcmp(node->kind->type, "run_flow") == 0;
}

#endif
