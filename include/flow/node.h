/*
 * What the nodes of a flow do: a row for each type (src/flow/kinds.c), which says what goes in and which function turns its settings into SQL.
 * src/flow/nodes/ has the functions, a file for each family.
 */
#ifndef FF_FLOW_NODE_H
#define FF_FLOW_NODE_H

#include "base/buf.h"
#include "flow/columns.h"
#include "flow/flow.h"
#include "flow/plan.h"

enum node_mode {
	NODE_LAZY, /* a part of the plans of those who read it */
	NODE_CHECKPOINT, /* runs on its own, on what is before it; the plan goes on from its result */
	NODE_OUTPUT, /* what a run is for */
	NODE_DROPPED, /* for the designer only */
	NODE_UNSUPPORTED,
};

#define INPUTS_MANY (-1)

struct node_kind {
	const char *type;
	enum node_mode mode;
	int min_inputs, max_inputs; /* without the right one */
	bool right; /* it has a right input, and needs it */
	/*
	 * Compiles a node whose inputs are compiled: looks at all of its settings, and calls node_emit() for each of its outputs.
	 * Those of NODE_OUTPUT emit what they pass on, if anybody can read it.
	 */
	int (*compile)(struct compiler *c, struct err *err);
	/* NODE_OUTPUT: does what the node is for, with what its input gives. *rows: how many it wrote, -1 when that is not known. */
	int (*write)(struct plan *plan, const struct flow_node *node, struct relation *relation,
		int64_t *rows, struct err *err);
	/* Settings that change what is said above; NULL: none do. why may stay as it is. */
	enum node_mode (*judge)(const struct flow_node *node, const char **why);
	const char *why; /* NODE_UNSUPPORTED: what stands in the way; NODE_CHECKPOINT: what it is */
};

/* Never NULL: a type that nobody knows is a node of the user's own. */
const struct node_kind *node_kind(const char *type);
/* All kinds, in the contract's order; the last has a NULL type. */
extern const struct node_kind node_kinds[];
enum node_mode node_judge(const struct flow_node *node, const char **why);
const char *
node_mode_name(enum node_mode mode); /* "lazy", "checkpoint", "output", "dropped", "unsupported" */

/* --- for the functions that compile ------------------------------------------------------------------- */

struct compiler {
	struct plan *plan;
	struct scope *scope;
	const struct flow_node *node;
	const cJSON *settings; /* the node's */
	struct arena *arena; /* the plan's */
	struct relation **in; /* in the order of the node's inputs */
	size_t n_in;
	unsigned wanted; /* run_flow: the outputs that are asked for, a bit for each */
	bool several; /* run_flow: there are other outputs than these */
	bool is_told; /* the error names the nodes it is of */
};

/* A buffer for SQL that node_emit_sql() takes and frees; node_drop_sql() on the way out of an error. */
void node_begin_sql(struct buf *sql);
/*
 * One output of the node is this SELECT, which reads the inputs by their names (relation->name). Its columns are found by the engine; two whose names
 * differ in nothing but case are an error.
 */
int node_emit(struct compiler *c, int handle, const char *sql, struct err *err);
int node_emit_sql(struct compiler *c, int handle, struct buf *sql, struct err *err);
/* Whether what was emitted reads files that can be read again as cheaply as a table that was made of them. */
void node_set_scan(struct compiler *c, int handle, bool is_scan);
/* What was emitted might give other rows each time that it is computed: a statement computes it once. */
void node_set_once(struct compiler *c, int handle);
/* Gives a node's one output the columns that its settings ask for (output_field_config). */
int node_fit_fields(struct compiler *c, struct relation **relation, struct err *err);
/* The output is the input as it is. */
int node_emit_input(struct compiler *c, int handle, size_t input);
/* Stores a relation that is read more than once and might not be the same each time; not where nothing is stored. */
int node_store(struct compiler *c, struct relation *relation, struct err *err);
/* A table for rows that duck_append_begin() adds. Where nothing is stored it is none, and a relation without rows. */
int node_make_table(
	struct compiler *c, const struct columns *columns, struct relation **out, struct err *err);
/* The input's column of this name; the error lists what there is. field: which setting names it. */
int node_column(const struct compiler *c, size_t input, const char *name, const char *field,
	const struct column **out, struct err *err);
/* A name for a column of our own that begins so and that no column of the input has, in quotes. */
const char *node_own_name(const struct compiler *c, size_t input, const char *base);

#endif
