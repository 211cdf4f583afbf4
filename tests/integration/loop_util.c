#include "loop_util.h"

struct event_base *loop;

void
loop_set_flag(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

struct event *
loop_start_timer(int ms, bool *flag)
{
	struct timeval wait = {ms / 1000, ms % 1000 * 1000};
	struct event *timer = evtimer_new(loop, loop_set_flag, flag);

	ck_assert_ptr_nonnull(timer);
	evtimer_add(timer, &wait);
	return timer;
}

int
loop_run_until_quiet(int quiet_ms)
{
	bool quiet = false;
	int wakes = -1;

	while (!quiet) {
		struct event *timer = loop_start_timer(quiet_ms, &quiet);

		wakes++;
		event_base_loop(loop, EVLOOP_ONCE);
		event_free(timer);
	}
	return wakes;
}
