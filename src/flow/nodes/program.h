/* What a checkpoint runs, as its settings say it: command.c and python.c fill it in, checkpoint.c runs it. */
#ifndef FF_FLOW_NODES_PROGRAM_H
#define FF_FLOW_NODES_PROGRAM_H

#include "flow/node.h"

enum file_format { FORMAT_PARQUET, FORMAT_CSV };

struct program {
	const char *const *argv; /* of a command; that of Python code is made when it is run */
	enum file_format reads, writes;
	bool takes_stdin, gives_stdout;
	struct columns columns; /* what it says it gives; n 0: nothing is said */
	const char *const *outputs; /* names, one for each handle */
	size_t n_outputs;
	bool passes_on; /* when it writes nothing, its first input goes on */
	int64_t timeout_ms, memory_max_bytes; /* 0: none */
	const char *code; /* of Python; NULL: a command */
	bool is_transform; /* the code makes output_df of input_df */
};

/* The files of one run of it. In the plan's arena. */
struct program_run {
	struct plan *plan;
	const struct scope *scope;
	const struct flow_node *node;
	const struct program *program;
	const char **inputs; /* paths */
	const char **outputs; /* paths, where nothing is yet */
	const char *failure; /* where Python code says what went wrong with it; NULL: nowhere */
	const char *const *argv;
	const char **env; /* as of struct child_options */
};

int
command_take(const struct flow_node *node, struct arena *a, struct program *out, struct err *err);
int command_prepare(struct program_run *run, struct err *err);

int polars_code_take(
	const struct flow_node *node, struct arena *a, struct program *out, struct err *err);
int python_script_take(
	const struct flow_node *node, struct arena *a, struct program *out, struct err *err);
int python_prepare(struct program_run *run, struct err *err);
/* Whether the interpreter is there and has what the code needs; asked once in a plan. */
int python_check(struct plan *plan, struct err *err);

/* A program of a plan: it ends when the run is told to end, and what it writes goes to the log behind "[node 3] ", with that as
 * its title. NULL: it goes nowhere. */
struct child_options;
int program_start(
	struct plan *plan, const char *title, const struct child_options *options, struct err *err);

/* src/flow/driver.py */
extern const char python_driver[];

#endif
