#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;
	int rc = clock_gettime(id, &ts);

	assert(rc == 0);
	return (int64_t)ts.tv_sec * US_PER_SEC + ts.tv_nsec / 1000;
}

static int64_t
real_wall(void *arg)
{
	(void)arg;
	return read_us(CLOCK_REALTIME);
}

static struct boottime
real_boot(void *arg)
{
	(void)arg;
	return (struct boottime){read_us(CLOCK_BOOTTIME)};
}

const struct clock clock_real = {real_wall, real_boot, NULL};

void
clock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us)
{
	int64_t end_us = read_us(CLOCK_MONOTONIC) + us;
	const struct timespec end = {end_us / US_PER_SEC, end_us % US_PER_SEC * 1000};
	int rc = pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &end);

	assert(rc == 0 || rc == ETIMEDOUT);
}
