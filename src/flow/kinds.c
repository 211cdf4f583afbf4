/* The table of kinds of nodes (contract 7.1). */
#include <string.h>

#include "flow/node.h"
#include "nodes/nodes.h"

#define NATIVELY "; let Flowfile run this flow: run_command in the configuration, man scheduler.ini"

#define PYTHON "Python code, which is run on files of its inputs in a process of its own"
#define MODELS                                                                                     \
	"models are kept by Flowfile, as objects of its own Python environment, and only it can "  \
	"read them" NATIVELY

const struct node_kind node_kinds[] = {
	{"manual_input", NODE_LAZY, 0, 0, false, node_manual_input, NULL, NULL, NULL},
	{"read", NODE_LAZY, 0, 0, false, node_read, NULL, node_read_judge, NULL},
	{"catalog_reader", NODE_LAZY, 0, 0, false, node_catalog_reader, NULL, NULL, NULL},
	{"flow_input", NODE_LAZY, 0, 0, false, node_flow_input, NULL, NULL, NULL},
	{"filter", NODE_LAZY, 1, 1, false, node_filter, NULL, NULL, NULL},
	{"formula", NODE_LAZY, 1, 1, false, node_formula, NULL, NULL, NULL},
	{"select", NODE_LAZY, 1, 1, false, node_select, NULL, NULL, NULL},
	{"dynamic_rename", NODE_LAZY, 1, 1, false, node_dynamic_rename, NULL,
		node_dynamic_rename_judge, NULL},
	{"sort", NODE_LAZY, 1, 1, false, node_sort, NULL, NULL, NULL},
	{"record_id", NODE_LAZY, 1, 1, false, node_record_id, NULL, NULL, NULL},
	{"sample", NODE_LAZY, 1, 1, false, node_sample, NULL, NULL, NULL},
	{"unique", NODE_LAZY, 1, 1, false, node_unique, NULL, NULL, NULL},
	{"group_by", NODE_LAZY, 1, 1, false, node_group_by, NULL, NULL, NULL},
	{"random_split", NODE_LAZY, 1, 1, false, node_random_split, NULL, NULL, NULL},
	{"window_functions", NODE_LAZY, 1, 1, false, node_window_functions, NULL, NULL, NULL},
	{"pivot", NODE_LAZY, 1, 1, false, node_pivot, NULL, NULL, NULL},
	{"unpivot", NODE_LAZY, 1, 1, false, node_unpivot, NULL, NULL, NULL},
	{"text_to_rows", NODE_LAZY, 1, 1, false, node_text_to_rows, NULL, NULL, NULL},
	{"graph_solver", NODE_CHECKPOINT, 1, 1, false, node_graph_solver, NULL, NULL,
		"its edges are read and its groups found before the plan goes on"},
	{"record_count", NODE_LAZY, 1, 1, false, node_record_count, NULL, NULL, NULL},
	{"union", NODE_LAZY, 1, INPUTS_MANY, false, node_union, NULL, NULL, NULL},
	{"sql_query", NODE_LAZY, 0, INPUTS_MANY, false, node_sql_query, NULL, NULL, NULL},
	{"join", NODE_LAZY, 1, 1, true, node_join, NULL, NULL, NULL},
	{"cross_join", NODE_LAZY, 1, 1, true, node_cross_join, NULL, NULL, NULL},
	{"fuzzy_match", NODE_CHECKPOINT, 1, 1, true, node_fuzzy_match, NULL, NULL,
		"the texts of both sides are compared before the plan goes on"},
	{"wait_for", NODE_LAZY, 1, 1, true, node_pass, NULL, NULL, NULL},
	{"polars_code", NODE_CHECKPOINT, 0, INPUTS_MANY, false, node_checkpoint, NULL, NULL,
		PYTHON},
	{"python_script", NODE_CHECKPOINT, 0, INPUTS_MANY, false, node_checkpoint, NULL, NULL,
		PYTHON},
	{"command", NODE_CHECKPOINT, 0, INPUTS_MANY, false, node_checkpoint, NULL, NULL,
		"a program, which is run on files of its inputs"},
	{"output", NODE_OUTPUT, 1, 1, false, node_output, node_output_write, node_output_judge,
		NULL},
	{"catalog_writer", NODE_OUTPUT, 1, 1, false, node_catalog_writer, node_catalog_writer_write,
		NULL, NULL},
	{"flow_output", NODE_DROPPED, 1, 1, false, node_flow_output, NULL, NULL, NULL},
	{"api_response", NODE_DROPPED, 1, 1, false, node_api_response, NULL, NULL, NULL},
	{"explore_data", NODE_DROPPED, 1, 1, false, node_pass, NULL, NULL, NULL},
	{"run_flow", NODE_LAZY, 0, INPUTS_MANY, false, node_run_flow, NULL, node_run_flow_judge,
		NULL},
	{"train_model", NODE_UNSUPPORTED, 1, 1, false, NULL, NULL, NULL, MODELS},
	{"apply_model", NODE_UNSUPPORTED, 1, 1, false, NULL, NULL, NULL, MODELS},
	{"evaluate_model", NODE_UNSUPPORTED, 1, 1, false, NULL, NULL, NULL, MODELS},
	{"external_source", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"sources outside are read by Flowfile only" NATIVELY},
	{"database_reader", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"databases are read by Flowfile only" NATIVELY},
	{"database_writer", NODE_UNSUPPORTED, 1, 1, false, NULL, NULL, NULL,
		"databases are written by Flowfile only" NATIVELY},
	{"cloud_storage_reader", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"object storage is read by Flowfile only" NATIVELY},
	{"cloud_storage_writer", NODE_UNSUPPORTED, 1, 1, false, NULL, NULL, NULL,
		"object storage is written by Flowfile only" NATIVELY},
	{"kafka_source", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"Kafka is read by Flowfile only" NATIVELY},
	{"google_analytics_reader", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"Google Analytics is read by Flowfile only" NATIVELY},
	{"rest_api_reader", NODE_UNSUPPORTED, 0, 0, false, NULL, NULL, NULL,
		"web services are read by Flowfile only" NATIVELY},
	{"promise", NODE_UNSUPPORTED, 0, INPUTS_MANY, false, NULL, NULL, NULL,
		"it was placed but never set up: give it a type in the designer, or take it out"},
	{NULL, NODE_UNSUPPORTED, 0, INPUTS_MANY, false, NULL, NULL, NULL, NULL},
};

static const struct node_kind custom = {"custom", NODE_UNSUPPORTED, 0, INPUTS_MANY, false, NULL,
	NULL, NULL,
	"a type of the user's own, whose code is not in the flow but where Flowfile is "
	"installed: only it can run it" NATIVELY};

const struct node_kind *
node_kind(const char *type)
{
	for (const struct node_kind *kind = node_kinds; kind->type != NULL; kind++)
		if (strcmp(kind->type, type) == 0)
			return kind;
	return &custom;
}

enum node_mode
node_judge(const struct flow_node *node, const char **why)
{
	*why = node->unknown != NULL ? node->unknown : node->kind->why;
	return node->kind->judge != NULL ? node->kind->judge(node, why) : node->kind->mode;
}

const char *
node_mode_name(enum node_mode mode)
{
	static const char *const names[] = {
		"lazy", "checkpoint", "output", "dropped", "unsupported"};

	return names[mode];
}
