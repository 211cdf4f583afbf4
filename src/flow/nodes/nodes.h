/* The functions of the table of kinds (flow/node.h), by family. */
#ifndef FF_FLOW_NODES_H
#define FF_FLOW_NODES_H

#include "flow/node.h"

/* input.c: rows that are written in the flow itself */
int node_manual_input(struct compiler *c, struct err *err);

/* read.c: files */
int node_read(struct compiler *c, struct err *err);
enum node_mode node_read_judge(const struct flow_node *node, const char **why);

/* pass.c: what changes nothing */
int node_pass(struct compiler *c, struct err *err);

/* filter.c */
int node_filter(struct compiler *c, struct err *err);

/* formula.c */
int node_formula(struct compiler *c, struct err *err);

/* rows.c: columns and rows of one input, or several of one shape */
int node_select(struct compiler *c, struct err *err);
int node_sort(struct compiler *c, struct err *err);
int node_unique(struct compiler *c, struct err *err);
int node_sample(struct compiler *c, struct err *err);
int node_record_id(struct compiler *c, struct err *err);
int node_record_count(struct compiler *c, struct err *err);
int node_union(struct compiler *c, struct err *err);

/* join.c */
int node_join(struct compiler *c, struct err *err);
int node_cross_join(struct compiler *c, struct err *err);

/* group_by.c */
int node_group_by(struct compiler *c, struct err *err);

/* output.c: files */
int node_output(struct compiler *c, struct err *err);
int node_output_write(struct plan *plan, const struct flow_node *node, struct relation *relation,
	int64_t *rows, struct err *err);
enum node_mode node_output_judge(const struct flow_node *node, const char **why);

#endif
