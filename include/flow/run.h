/* Running a flow: every output of it, in an order that each finds what is written before it. */
#ifndef FF_FLOW_RUN_H
#define FF_FLOW_RUN_H

#include "flow/plan.h"

struct flow_progress {
	size_t nodes, done; /* of the nodes that count */
	size_t step; /* how many are done when what is done now is */
	const struct flow_node *current; /* the output that is being written; NULL: none */
};

struct flow_run_options {
	int64_t only; /* the id of the one output to run; 0: all */
	void (*progress)(void *arg, const struct flow_progress *progress);
	void *arg;
};

/* Runs the flow of the plan's top scope, which plan_check() let through. *progress is how far it came, also when it failed. */
int flow_run(struct plan *plan, const struct flow_run_options *options,
	struct flow_progress *progress, struct err *err);

#endif
