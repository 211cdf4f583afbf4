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
	/*
	 * 1: we hold it (also when we held it already); 0: another does; -1: cannot tell, and do
	 * not hold it. Asks each time, so that a lost lock is noticed. A server that does not
	 * answer is waited for a second at most, and then not for some seconds.
	 */
	int (*acquire)(struct guard *g, struct err *err);
	void (*release)(struct guard *g);
};

extern const struct guard_ops guard_real;

/* url as for db_open; not a database in memory. A SQLite catalog must exist, a server may be away. */
int guard_create(const char *url, struct guard **out, struct err *err);
void guard_free(struct guard *g); /* releases */

#endif
