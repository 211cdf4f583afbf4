/*
 * Time. There are two clocks, and they are different types so that they cannot be mixed up:
 *
 *   wall time   int64_t in microseconds since 1970-01-01T00:00:00Z, in names that end in _us.
 *               For slots and records. Can step.
 *   boot time   struct boottime, microseconds since boot, running on in suspend. For leases and
 *               timeouts. Never steps.
 *
 * Only clock_real() calls the operating system; everything else is handed a struct clock or a now.
 */
#ifndef FF_BASE_CLOCK_H
#define FF_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

#define US_PER_MS INT64_C(1000)
#define US_PER_SEC INT64_C(1000000)
#define US_PER_MIN (60 * US_PER_SEC)
#define US_PER_HOUR (3600 * US_PER_SEC)
#define US_PER_DAY (86400 * US_PER_SEC)
#define TIME_NONE INT64_MIN /* "no such time", NULL in the database */
#define TIME_NEVER INT64_MAX /* "will not happen" */

struct boottime {
	int64_t us;
};

struct clock {
	int64_t (*wall)(void *arg);
	struct boottime (*boot)(void *arg);
	void *arg;
};

/* The machine's clocks (CLOCK_REALTIME, CLOCK_BOOTTIME). */
extern const struct clock clock_real;

static inline int64_t
clock_wall(const struct clock *c)
{
	return c->wall(c->arg);
}

static inline struct boottime
clock_boot(const struct clock *c)
{
	return c->boot(c->arg);
}

static inline struct boottime
boottime_add(struct boottime t, int64_t us)
{
	return (struct boottime){t.us + us};
}

/* a - b in microseconds. */
static inline int64_t
boottime_diff(struct boottime a, struct boottime b)
{
	return a.us - b.us;
}

/* Waits for a condition at most so long. The time of a suspend does not count: conditions know no boot clock. */
void clock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us);

#endif
