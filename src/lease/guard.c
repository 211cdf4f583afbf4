#include "lease/guard.h"

#include <stddef.h>

#include "lease/guard_backend.h"
#include "store/db.h"

static int
acquire(struct guard *g, struct err *err)
{
	return g->backend->acquire(g, err);
}

static void
release(struct guard *g)
{
	g->backend->release(g);
}

const struct guard_ops guard_real = {acquire, release};

/* Where a URL leads is the store's business: it is opened for a moment to ask. */
static int
create_for_file(const char *url, struct guard **out, struct err *err)
{
	struct db *db;
	int r = 0;

	if (db_open(url, NULL, &db, err) < 0)
		return -1;
	if (db_path(db) != NULL)
		*out = guard_file_create(db_path(db));
	else
		r = err_set(err, ERR_USAGE, "a catalog in memory has no lock file");
	db_close(db);
	return r;
}

int
guard_create(const char *url, struct guard **out, struct err *err)
{
	enum db_type type;

	if (db_check_url(url, &type, err) < 0)
		return -1;
	if (type == DB_SQLITE)
		return create_for_file(url, out, err);
	*out = guard_postgres_create(url);
	return 0;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	g->backend->release(g);
	g->backend->free(g);
}
