/*
 * The writer of the benchmark: a process of its own that commits writes to one table and prints, for
 * each, when its commit returned and how long it took, in nanoseconds.
 *
 *	bench_writer URL TABLE_ID COUNT GAP_MS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "store/db.h"

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int
write_once(struct db *db, int64_t table_id, struct err *err)
{
	char sql[256], at[TIMEFMT_SIZE];

	time_format_catalog(clock_wall(&clock_real), at);
	snprintf(sql, sizeof(sql),
		"UPDATE catalog_tables SET updated_at = '%s' WHERE id = %" PRId64, at, table_id);
	return db_script(db, sql, err);
}

int
main(int argc, char **argv)
{
	const struct db_options options = {.create = false};
	struct err err = ERR_INIT;
	struct timespec gap;
	struct db *db;
	long ms;

	if (argc != 5) {
		fputs("usage: bench_writer URL TABLE_ID COUNT GAP_MS\n", stderr);
		return 2;
	}
	ms = atol(argv[4]);
	gap = (struct timespec){ms / 1000, ms % 1000 * 1000000};
	if (db_open(argv[1], &options, &db, &err) < 0)
		goto fail;
	for (long i = atol(argv[3]); i > 0; i--) {
		int64_t before, after;

		nanosleep(&gap, NULL);
		before = now_ns();
		if (write_once(db, atoll(argv[2]), &err) < 0)
			goto fail;
		after = now_ns();
		printf("%" PRId64 " %" PRId64 "\n", after, after - before);
	}
	db_close(db);
	return 0;
fail:
	fprintf(stderr, "bench_writer: %s\n", err.text);
	return 1;
}
