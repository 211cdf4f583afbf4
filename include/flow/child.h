/*
 * A program that a node of a flow runs: in a process group of its own, watched to its end. The process that runs flows has threads
 * and the engine in it, so that nothing of ours runs between its fork and its exec.
 *
 * The group is led by a tiny shell, which ends the group when this process is gone, however that came. When the program has ended, so is all
 * that is left of its group.
 */
#ifndef FF_FLOW_CHILD_H
#define FF_FLOW_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CHILD_GRACE_MS 5000 /* from TERM to KILL, when nothing else is asked for */

struct child_options {
	const char *const *argv; /* the program first, found by PATH */
	const char *const *
		env; /* "NAME=VALUE", more than this process has; "NAME": without it; NULL behind the last */
	const char *stdin_path; /* NULL: nothing */
	const char *stdout_path; /* a new file for it; NULL: to the lines */
	int64_t timeout_ms; /* 0: none */
	int64_t memory_max_bytes; /* of address space, for each of its processes; 0: as much as there is */
	int64_t grace_ms; /* 0: CHILD_GRACE_MS */
	bool (*is_told_to_end)(void *arg); /* asked ten times a second; may be NULL */
	void (*say)(void *arg, const char *line); /* what it writes, line by line */
	void *arg;
};

/*
 * Runs it to its end. An error says how it ended when that was not with 0, with the last of what it wrote on standard error; ERR_NOT_FOUND:
 * there is no such program.
 */
int child_run(const struct child_options *options, struct err *err);

#endif
