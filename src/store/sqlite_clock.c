/*
 * SQLite's CURRENT_TIMESTAMP and 'now', from a clock of ours: a VFS that is the default one in
 * everything but the time. For the simulator, whose triggers must see simulated time. One clock for
 * the process; it must outlive the connections.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "store/backend.h"

/* SQLite counts milliseconds of the julian day; this is 1970-01-01. */
#define EPOCH_JULIAN_MS INT64_C(210866760000000)
#define MS_PER_DAY 86400000.0

static const struct clock *current = &clock_real;
static sqlite3_vfs shim;

static int
time_int64(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	(void)vfs;
	*out = EPOCH_JULIAN_MS + clock_wall(current) / US_PER_MS;
	return SQLITE_OK;
}

static int
time_double(sqlite3_vfs *vfs, double *out)
{
	sqlite3_int64 ms;

	time_int64(vfs, &ms);
	*out = (double)ms / MS_PER_DAY;
	return SQLITE_OK;
}

/* A copy of the default VFS works as the default one does: its methods look at pAppData, not at
 * which VFS they were called through. */
static void
shim_register(void)
{
	const sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	assert(real != NULL && real->iVersion >= 2);
	shim = *real;
	shim.pNext = NULL;
	shim.zName = "flowfile-clock";
	shim.xCurrentTime = time_double;
	shim.xCurrentTimeInt64 = time_int64;
	sqlite3_vfs_register(&shim, 0);
}

void
db_set_clock(const struct clock *clock)
{
	if (clock != NULL && shim.zName == NULL)
		shim_register();
	current = clock != NULL ? clock : &clock_real;
}

const char *
sqlite_clock_vfs(void)
{
	return current != &clock_real ? shim.zName : NULL;
}
