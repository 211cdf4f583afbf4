/*
 * The command that runs a flow.
 *
 * A template such as "python3 -m flowfile run flow {flow_path} --run-id {run_id}" is split into
 * words without a shell, and then {flow_path} and {run_id} are replaced inside each word. What was
 * put in is not looked at again: a path that itself contains {run_id} stays as it is, and a path
 * with blanks stays one word (contract section 9).
 *
 * A flow file that is itself a program needs no template: a regular file that we may execute and
 * whose name does not end in .yaml, .yml or .json (in any case) is run directly, without arguments.
 * The environment (FLOWFILE_RUN_ID, ...) tells it the rest.
 */
#ifndef FF_RUNNER_COMMAND_H
#define FF_RUNNER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What is used where no template is configured. */
#define COMMAND_DEFAULT "flowfile run flow {flow_path} --run-id {run_id}"

/* What beside Flowfile runs its flow files. */
#define COMMAND_FLOWFILE "python3 -m flowfile run flow {flow_path} --run-id {run_id}"

/* Checks a template: it can be split and names a program. ERR_USAGE otherwise. */
int command_check(const char *template, struct err *err);

/* Whether a path ends as a flow description does: .yaml, .yml or .json. */
bool command_is_flow_file(const char *path);

/* Whether the flow file is a program that is run directly. */
bool command_is_direct(const char *flow_path);

/*
 * The words of a template, placeholders and all, or NULL with err. Like the vectors below owned by the
 * caller and NULL-terminated, freed with command_free(). Looks at no file.
 */
char **command_split(const char *template, struct err *err);
/*
 * The argument vector for a flow: the flow file itself, or the words with the placeholders replaced. Looks
 * at the flow file, which takes as long as its file system does: not for the daemon.
 */
char **
command_fill(const char *const *words, const char *flow_path, int64_t run_id, struct err *err);
/* Both in one. */
char **command_expand(const char *template, const char *flow_path, int64_t run_id, struct err *err);
void command_free(char **argv);

/*
 * Where a program is: itself when it has a slash, else looked for in PATH. An owned path of
 * something that may be executed, or NULL with err ("run command 'x': not found in PATH").
 */
char *command_resolve(const char *program, struct err *err);

#endif
