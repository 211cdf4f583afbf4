/*
 * Checkpoints: nodes that the engine cannot express. What is before one is written to files, a program runs on them, and the plan goes on from the files
 * that it leaves. That happens when the node is compiled, because its columns are known only then, and once in a plan.
 */
#ifndef FF_FLOW_CHECKPOINT_H
#define FF_FLOW_CHECKPOINT_H

#include "flow/plan.h"

/* Whether a node is a program of somebody's: of the checkpoints those that may have effects, and whose result nobody knows before. */
bool checkpoint_is_program(const struct flow_node *node);

/* Of such nodes: refuses wrong settings, and what the machine has not that the node needs, before anything is computed. What only
 * plans looks at the settings. */
int checkpoint_check(struct plan *plan, const struct scope *scope, const struct flow_node *node,
	struct err *err);

/* The same: whether the node says what columns it has, so that what is behind it can be planned without running it. */
bool checkpoint_has_columns(const struct flow_node *node);

#endif
