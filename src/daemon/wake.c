#include "daemon/wake.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct wake {
	wake_cb cb;
	void *arg;
	int fds[2]; /* wall, boot */
	struct event *events[2];
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wake *wake = arg;
	uint64_t times;

	(void)what;
	/* ECANCELED says that the wall clock was set: as good a reason for a turn as any. */
	if (read(fd, &times, sizeof(times)) < 0 && errno != EAGAIN && errno != ECANCELED)
		log_error("Cannot read a timer errno=%d", errno);
	wake->cb(wake->arg);
}

int
wake_create(struct event_base *base, wake_cb cb, void *arg, struct wake **out, struct err *err)
{
	static const int clocks[2] = {CLOCK_REALTIME, CLOCK_BOOTTIME};
	struct wake *wake = xcalloc(1, sizeof(*wake));

	wake->cb = cb;
	wake->arg = arg;
	wake->fds[0] = wake->fds[1] = -1;
	for (int i = 0; i < 2; i++) {
		wake->fds[i] = timerfd_create(clocks[i], TFD_CLOEXEC | TFD_NONBLOCK);
		if (wake->fds[i] < 0) {
			err_errno(err, errno, "make a timer");
			goto fail;
		}
		wake->events[i] =
			event_new(base, wake->fds[i], EV_READ | EV_PERSIST, on_timer, wake);
		if (!wake->events[i] || event_add(wake->events[i], NULL) < 0) {
			err_set(err, ERR_FAILED, "watch a timer");
			goto fail;
		}
	}
	*out = wake;
	return 0;
fail:
	wake_free(wake);
	return -1;
}

void
wake_free(struct wake *wake)
{
	if (!wake)
		return;
	for (int i = 0; i < 2; i++) {
		if (wake->events[i])
			event_free(wake->events[i]);
		if (wake->fds[i] >= 0)
			close(wake->fds[i]);
	}
	free(wake);
}

/* Zero would disarm the timer: the past is 1 ns after the epoch. */
static struct itimerspec
at(int64_t us)
{
	struct itimerspec when = {{0, 0}, {0, 1}};

	if (us > 0) {
		when.it_value.tv_sec = us / US_PER_SEC;
		when.it_value.tv_nsec = us % US_PER_SEC * 1000 + (us % US_PER_SEC == 0);
	}
	return when;
}

void
wake_arm(struct wake *wake, int64_t wall_us, struct boottime boot)
{
	/* A far instant instead of none keeps the notice of clock steps. */
	struct itimerspec wall =
		at(wall_us == TIME_NEVER ? INT64_C(32503680000) * US_PER_SEC : wall_us);
	struct itimerspec due = at(boot.us);

	if (timerfd_settime(
		    wake->fds[0], TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wall, NULL) < 0 &&
		errno == ECANCELED) {
		/* The clock was set since the last read: look at once. */
		due = at(1);
	}
	timerfd_settime(wake->fds[1], TFD_TIMER_ABSTIME, &due, NULL);
}
