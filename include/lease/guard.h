/*
 * The guard: a lock that vanishes with the process that holds it. Among daemons of ours it tells a
 * dead leader from a slow one within a second (design section 7); scheduler_lock stays the
 * authority, for Python peers and for the fence.
 *
 * SQLite: an open file description lock on "<catalog>.scheduler-lock" beside the catalog.
 * PostgreSQL: a session advisory lock on a connection of its own.
 */
#ifndef FF_LEASE_GUARD_H
#define FF_LEASE_GUARD_H

#include <stdbool.h>

#include "base/err.h"

struct guard;

struct guard_ops {
	/* 1: we hold it (also when we held it already); 0: another does; -1: cannot tell. Does not block. */
	int (*acquire)(struct guard *g, struct err *err);
	void (*release)(struct guard *g);
};

extern const struct guard_ops guard_real;

int guard_create(const char *url, struct guard **out, struct err *err);
void guard_free(struct guard *g); /* releases */

#endif
