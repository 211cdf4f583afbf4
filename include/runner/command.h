/*
 * The run command: a template such as "python3 -m flowfile run flow {flow_path} --run-id {run_id}", split
 * into words without a shell; {flow_path} and {run_id} are replaced inside each word, once
 * (contract section 9). Owner of the result: the caller.
 */
#ifndef FF_RUNNER_COMMAND_H
#define FF_RUNNER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Checks a template: it can be split, is not empty. ERR_USAGE otherwise. */
int command_check(const char *template, struct err *err);

/*
 * The argument vector for a flow. A flow file that is executable (regular, x for us, and not .yaml,
 * .yml or .json) is run
 * directly, without arguments: the environment (FLOWFILE_RUN_ID, ...) tells it the rest.
 * Owned, NULL-terminated: command_free().
 */
char **command_expand(const char *template, const char *flow_path, int64_t run_id, struct err *err);
void command_free(char **argv);

/* Where the program of argv[0] is, by PATH: owned path, or NULL with err ("run command 'x': not found in PATH"). */
char *command_resolve(const char *program, struct err *err);

#endif
