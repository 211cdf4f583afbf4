/* Between guard.c and the two kinds of guard. Private to src/lease. */
#ifndef FF_LEASE_GUARD_BACKEND_H
#define FF_LEASE_GUARD_BACKEND_H

#include "base/err.h"
#include "lease/guard.h"

struct guard_backend {
	/* As in struct guard_ops. */
	int (*acquire)(struct guard *g, struct err *err);
	void (*release)(struct guard *g);
	/* After a release. */
	void (*free)(struct guard *g);
};

/* The guards begin with this. */
struct guard {
	const struct guard_backend *backend;
};

/* path: of the catalog, absolute and not a symbolic link. */
struct guard *guard_file_create(const char *path);
struct guard *guard_postgres_create(const char *url);

#endif
