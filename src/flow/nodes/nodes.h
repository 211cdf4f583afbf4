/* The functions of the table of kinds (flow/node.h), by family. */
#ifndef FF_FLOW_NODES_H
#define FF_FLOW_NODES_H

#include "flow/node.h"

/* input.c: rows that are written in the flow itself */
int node_manual_input(struct compiler *c, struct err *err);
int node_flow_input(struct compiler *c, struct err *err);

/* read.c: files */
int node_read(struct compiler *c, struct err *err);
enum node_mode node_read_judge(const struct flow_node *node, const char **why);

/* catalog_read.c: tables of the catalog */
struct table_info;
struct catalog;
int node_catalog_reader(struct compiler *c, struct err *err);
/* The table that a reader's settings name: by id, full name, or name and namespace. */
int catalog_reader_table(struct catalog *cat, const cJSON *settings, struct arena *a,
	struct table_info *out, struct err *err);
/* What reads one version of a table's own data. In the arena. */
int catalog_scan_sql(const struct table_info *table, int64_t version, struct duck *duck,
	struct arena *a, const char **sql, struct err *err);

/* catalog_write.c */
int node_catalog_writer(struct compiler *c, struct err *err);
int node_catalog_writer_write(struct plan *plan, const struct flow_node *node,
	struct relation *relation, int64_t *rows, struct err *err);
/* Whether a node is the writer that makes the virtual table of this name. */
bool catalog_writer_makes(const struct flow_node *node, const char *table);

/* pass.c: what changes nothing */
int node_pass(struct compiler *c, struct err *err);
int node_flow_output(struct compiler *c, struct err *err);
int node_api_response(struct compiler *c, struct err *err);

/* sql_query.c */
int node_sql_query(struct compiler *c, struct err *err);

/* filter.c */
int node_filter(struct compiler *c, struct err *err);

/* formula.c */
int node_formula(struct compiler *c, struct err *err);

/* rows.c: columns and rows of one input, or several of one shape */
int node_select(struct compiler *c, struct err *err);
int node_sort(struct compiler *c, struct err *err);
int node_unique(struct compiler *c, struct err *err);
int node_record_id(struct compiler *c, struct err *err);
int node_record_count(struct compiler *c, struct err *err);
int node_union(struct compiler *c, struct err *err);
/* A list of {column, how} as ORDER BY has it, each column with the prefix before it; "" when there is none. field: the list's name. */
int rows_order(struct compiler *c, const cJSON *list, const char *field, const char *prefix,
	const char **sql, struct err *err);

/* graph.c */
int node_graph_solver(struct compiler *c, struct err *err);

/* pivot.c */
int node_pivot(struct compiler *c, struct err *err);

/* chance.c */
int node_sample(struct compiler *c, struct err *err);
int node_random_split(struct compiler *c, struct err *err);

/* window.c */
int node_window_functions(struct compiler *c, struct err *err);

/* reshape.c: columns or pieces of text that become rows */
int node_unpivot(struct compiler *c, struct err *err);
int node_text_to_rows(struct compiler *c, struct err *err);

/* rename.c */
int node_dynamic_rename(struct compiler *c, struct err *err);
enum node_mode node_dynamic_rename_judge(const struct flow_node *node, const char **why);

/* join.c */
int node_join(struct compiler *c, struct err *err);
int node_cross_join(struct compiler *c, struct err *err);

/* fuzzy.c */
int node_fuzzy_match(struct compiler *c, struct err *err);

/* aggregate.c: one value of many */
struct aggregate {
	const char *row; /* the column that numbers the rows */
	const char *over; /* "": of a group; else " OVER (...)" */
	const char *sql; /* given back, as what follows */
	bool ordered; /* it reads the number of the row */
};
/* Of an input's column. The error says what is asked, and needs the field's name before it. */
int aggregate_of(struct compiler *c, const struct column *column, const char *name,
	struct aggregate *out, struct err *err);

/* group_by.c */
int node_group_by(struct compiler *c, struct err *err);

/* checkpoint.c: programs */
int node_checkpoint(struct compiler *c, struct err *err);

/* run_flow.c: flows within flows */
int node_run_flow(struct compiler *c, struct err *err);
enum node_mode node_run_flow_judge(const struct flow_node *node, const char **why);

/* output.c: files */
int node_output(struct compiler *c, struct err *err);
int node_output_write(struct plan *plan, const struct flow_node *node, struct relation *relation,
	int64_t *rows, struct err *err);
enum node_mode node_output_judge(const struct flow_node *node, const char **why);

#endif
