/*
 * A line on the terminal that shows how far the engine is, on standard error if that is a terminal: nothing for what is done at once, and
 * nothing elsewhere. A thread of its own draws it, since the engine is busy.
 */
#ifndef FF_CLI_PROGRESS_H
#define FF_CLI_PROGRESS_H

#include <stddef.h>

#include "flow/duck.h"

struct progress;

/* NULL where there is no terminal; all functions take that. */
struct progress *progress_start(struct duck *duck);
/* What is done now, how much of all is, and how much more when this is done: 3 of 8, and then 5. total 0: that is not known. Copied. */
void progress_set(struct progress *p, const char *what, size_t done, size_t step, size_t total);
/* Around text that is printed meanwhile: the line is gone, and comes again. */
void progress_pause(struct progress *p);
void progress_go_on(struct progress *p);
void progress_stop(struct progress *p);

#endif
