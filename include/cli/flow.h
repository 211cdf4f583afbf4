/* What the command line does with flow files and the engine. */
#ifndef FF_CLI_FLOW_H
#define FF_CLI_FLOW_H

#include "catalog/tables.h"
#include "cli/cli.h"
#include "flow/duck.h"

struct flow;
struct plan_options;

struct cli_flow_run {
	const char *path;
	int64_t run_id; /* ID_NONE: nothing is recorded */
	bool recorded; /* the catalog is open */
};

/*
 * Runs a flow file with the --param of the command line. *signal_seen: the signal that told it to end, 0 for none. *nodes_done, *nodes: how
 * far it came. Nothing is recorded here but how far it is.
 */
int cli_run_flow_file(struct cli *cli, const struct cli_flow_run *asked, int *signal_seen,
	int64_t *nodes_done, int64_t *nodes, struct err *err);

/* Reads a flow file with the --param of the command line. ERR_USAGE when one of them is none of the flow's. */
int cli_read_flow(struct cli *cli, const char *path, struct flow **out, struct err *err);
/* What is wrong with the --param, and nothing else of the file. */
int cli_check_params(struct cli *cli, const char *path, struct err *err);

/* Whether a flow file can be read and all of its nodes can be run. */
int cli_check_flow_file(const char *path, struct err *err);

/* The engine with the limits of the configuration. */
int cli_engine_open(struct cli *cli, struct duck **duck, struct err *err);

/* A plan's options of the configuration, which cli_engine_open() has read. */
void cli_plan_configure(const struct cli *cli, struct plan_options *options);

/* Prints rows that are read on the way: --json and --csv say how; empty is said in place of a table without rows. */
int cli_print_rows(struct cli *cli, struct duck_rows *rows, const char *empty, struct err *err);

/* Verbs of `flowfile tables`. */
int tables_history_run(struct cli *cli, struct err *err);
int tables_preview_run(struct cli *cli, struct err *err);

/* Whether a virtual table can be read as it is; without an engine (NULL), as far as that can be known. */
int cli_check_virtual(
	struct cli *cli, struct duck *duck, const struct table_info *table, struct err *err);
/* What cli_check_virtual() found, without the table's name in front. In the arena. */
const char *
cli_virtual_fault(struct cli *cli, const struct table_info *table, const struct err *err);
/* Says on standard error that it cannot, if so. */
void cli_note_virtual(struct cli *cli, int64_t id);
/* The virtual tables that are computed from a table: "a (3), b (4)"; NULL: none. */
int cli_virtual_readers(
	struct cli *cli, const struct table_info *table, const char **out, struct err *err);

/* Verbs of `flowfile flows`. */
int flows_check_run(struct cli *cli, struct err *err);
int flows_plan_run(struct cli *cli, struct err *err);
int flows_eval_run(struct cli *cli, struct err *err);

#endif
