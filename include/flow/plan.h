/*
 * A plan: the nodes that are needed for what is asked, each a relation with its SELECT, its columns and its inputs. What is asked becomes one
 * statement, "WITH n1 AS (...), n2 AS (...) SELECT * FROM n2", so that the engine sees all of it at once and reads no more than it must.
 *
 * Columns are found by an empty table for each relation in a database beside ("shapes"): binding a node costs the same however
 * much is before it.
 */
#ifndef FF_FLOW_PLAN_H
#define FF_FLOW_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "flow/columns.h"
#include "flow/duck.h"
#include "flow/flow.h"

struct catalog;
struct compiler;
struct subflow;

struct relation {
	const char *name; /* what SQL calls it, no need to quote */
	const char *sql; /* a SELECT over the names of its inputs */
	struct columns columns;
	struct relation **inputs;
	size_t n_inputs;
	const struct flow_node *node; /* whose output it is */
	struct scope *scope;
	int handle;
	bool is_scan; /* reads files that can be read again as cheaply: never stored */
	bool once; /* it might give other rows the next time: a statement that reads it twice computes it once */
	bool stored; /* a table of this name holds it */
	uint64_t
		outputs; /* which outputs of a run need it: a number that is the same only for the same ones */
	bool shared; /* more than one of them, each in its own way: it is stored before the first */
	unsigned mark; /* of the walk that saw it last */
};

/* A virtual table, which all who read it share. */
struct plan_table {
	int64_t id;
	struct relation *relation;
	struct plan_table *next;
};

/* A flow within a plan: the one that is run, or one that makes a virtual table, as a query does. */
struct scope {
	const struct flow *flow; /* NULL: of a query */
	const char *prefix; /* of the names of its relations */
	struct relation **relations; /* by node and handle; NULL: not compiled */
	struct scope *outer; /* NULL: the flow that is run */
	int64_t table_id; /* the virtual table that it makes; 0 for the flow that is run */
	const char
		*title; /* what people read before its nodes: "node 4 (run_flow) > Prices, "; "" */
	const struct flow_node *caller; /* the run_flow node of the outer flow that runs it; NULL */
	const struct subflow *as; /* what that node says */
	struct subflow **subflows; /* by node: what run_flow nodes run; NULL: not looked at */
	size_t first; /* the number of its first node among all of a run (run.c) */
};

struct plan {
	struct arena arena;
	struct duck *duck; /* runs it; borrowed */
	struct duck *shapes; /* finds columns; owned */
	struct catalog *catalog; /* borrowed; NULL: there is none */
	const char *folder; /* for files that live as long as the plan; made when needed */
	bool explains; /* nothing may be run: a checkpoint is known by the columns that it says it has */
	bool alone; /* one node only is looked at: what others wait for is left out */
	const char *temp_dir; /* where the folder is made; NULL: $TMPDIR, or /tmp */
	const char *python; /* the interpreter; NULL: python3 */
	bool python_is_ready; /* it was seen to have what the nodes need */
	int64_t grace_ms; /* that programs get to end, when they are told to; 0: CHILD_GRACE_MS */
	int64_t run_id; /* 0: none */
	int64_t flow_id; /* its registration; 0: none */
	unsigned marks;
	unsigned n_names; /* numbers that were given to names */
	struct scope *top;
	struct flow **flows; /* those that make virtual tables; owned */
	size_t n_flows;
	size_t n_subflows;
	struct plan_table *tables; /* virtual ones that were read */
	void (*say)(void *arg, const char *line); /* to the log; may be NULL */
	void *say_arg;
};

struct plan_options {
	struct duck *duck;
	struct catalog *catalog; /* may be NULL */
	bool explains;
	int64_t run_id, flow_id;
	const char *temp_dir, *python; /* as in the plan; borrowed */
	int64_t grace_ms;
	void (*say)(void *arg, const char *line);
	void *say_arg;
};

int plan_create(const struct plan_options *options, struct plan **out, struct err *err);
/* Removes its files too. */
void plan_free(struct plan *plan);

/* The scope of a flow, which outlives the plan; of a query when flow is NULL. */
struct scope *
plan_scope(struct plan *plan, const struct flow *flow, struct scope *outer, int64_t table_id);

/* The plan frees the flow in the end: one that was read to make a virtual table. */
void plan_adopt(struct plan *plan, struct flow *flow);

/* "node 4 (run_flow) > Prices, node 2 (filter)". In the arena. */
const char *
plan_node_name(struct plan *plan, const struct scope *scope, const struct flow_node *node);
/* Puts that before an error's text, unless the run was told to end. Returns -1. */
int plan_node_failed(struct plan *plan, const struct scope *scope, const struct flow_node *node,
	struct err *err);

/* Refuses what cannot be run, before anything is: each node of the flow, whether it is needed or not. */
int plan_check(const struct flow *flow, struct err *err);

/* Marks a node and all that it needs, by their places in the flow. alone: as the plan has it. */
void plan_mark_needed(const struct flow *flow, size_t at, bool alone, bool *needed);

/* Compiles a node and all it needs, within its flow and before it, what is compiled already excepted. *out: its output of this handle; NULL when the node is one that
 * nobody can read. */
int plan_compile(struct plan *plan, struct scope *scope, const struct flow_node *node, int handle,
	struct relation **out, struct err *err);

/* Compiles each node that an output needs (all where there is no output), by itself, so that one that is broken hides no other. errors: by
 * place in the flow; NULL where nothing was found, else in the arena. What is behind a broken node, or behind a program whose columns are
 * known only in a run, is left out. The plan must be one that only explains. Returns how many are broken. */
size_t plan_find_broken(struct plan *plan, const char **errors);

/* A relation and all that it needs, each behind its inputs; what is behind a stored one is not needed. In the arena. */
struct relation **plan_needed(struct plan *plan, struct relation *relation, size_t *n);

/* Writes the statement that gives a relation's rows. */
void plan_sql(struct plan *plan, struct relation *relation, struct buf *sql);
/* The same, in the arena. */
const char *plan_sql_text(struct plan *plan, struct relation *relation);

/* Makes a table of a relation, unless it is one, so that several can read it. *rows (may be NULL): how many it has, if it was made. */
int plan_store(struct plan *plan, struct relation *relation, int64_t *rows, struct err *err);

/* A name for a file in the plan's folder that nobody else has; NULL with err when the folder cannot be made. */
const char *plan_file(struct plan *plan, const char *suffix, struct err *err);

/* A relation that is no node's: made by the functions that compile, for example of a virtual table's query. */
int plan_relation(struct plan *plan, struct scope *scope, const char *sql, struct relation **inputs,
	size_t n_inputs, struct relation **out, struct err *err);

void plan_say(struct plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
