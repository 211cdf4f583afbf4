/* An event loop for tests: runs until something is so, or until nothing happens. */
#ifndef FF_TEST_LOOP_UTIL_H
#define FF_TEST_LOOP_UTIL_H

#include <check.h>
#include <event2/event.h>
#include <stdbool.h>

#define LOOP_DEADLINE_SEC 20

/* The loop; a fixture makes and frees it. */
extern struct event_base *loop;

/* Sets the bool that arg points to. */
void loop_set_flag(evutil_socket_t fd, short what, void *arg);
/* A timer that will set *flag. Free it. */
struct event *loop_start_timer(int ms, bool *flag);
/* Lets the loop run until nothing has happened for so long. Returns how often it was woken before. */
int loop_run_until_quiet(int quiet_ms);

/* Lets the loop run until the condition holds; it is asked after each event. */
#define LOOP_UNTIL(condition)                                                                      \
	do {                                                                                       \
		bool loop_expired = false;                                                         \
		struct event *loop_deadline =                                                      \
			loop_start_timer(LOOP_DEADLINE_SEC * 1000, &loop_expired);                 \
		while (!(condition)) {                                                             \
			ck_assert_msg(!loop_expired, "waited in vain for " #condition);            \
			event_base_loop(loop, EVLOOP_ONCE);                                        \
		}                                                                                  \
		event_free(loop_deadline);                                                         \
	} while (0)

#endif
