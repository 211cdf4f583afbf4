/*
 * Wake-ups on both clocks, exactly: a slot is a wall-clock instant and must come on time across clock steps and
 * suspend; a heartbeat runs on the boot clock. Two timerfds; the wall one also fires when the clock is set.
 * Owner: the daemon.
 */
#ifndef FF_DAEMON_WAKE_H
#define FF_DAEMON_WAKE_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct event_base;
struct wake;

typedef void (*wake_cb)(void *arg);

int wake_create(struct event_base *base, wake_cb cb, void *arg, struct wake **out, struct err *err);
void wake_free(struct wake *wake);
/* Calls back at whichever comes first; TIME_NEVER: only the boot time. Past instants: at once. */
void wake_arm(struct wake *wake, int64_t wall_us, struct boottime boot);

#endif
