/*
 * What is told of processes, between those who run them and those who keep records: who one is, and how a
 * run's ended. Plain data, so that runner and store need not know each other.
 */
#ifndef FF_BASE_PROCESS_H
#define FF_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a process is. */
struct proc_id {
	pid_t pid; /* 0: none */
	uint64_t start; /* field 22 of /proc/<pid>/stat, clock ticks since boot; 0: not known */
};

/*
 * How a run ended.
 *
 *	known    started_us
 *	true     a time      it ran; code or signal say how it ended
 *	true     TIME_NONE   it ended before the flow's first instruction: reason says why it could
 *	                     not be executed (code 126, or 127 when something was not found), or it
 *	                     was cancelled or killed while it waited
 *	false    a time      it ran, or at least may have; nobody saw its status, reason says why
 *	false    TIME_NONE   it certainly never ran: its daemon or shim ended before go, the shim
 *	                     perhaps even before RUNNER_READY
 */
struct run_exit {
	bool known;
	int code; /* exit code, -1 when signalled or not known */
	int signal; /* 0 when it exited by itself */
	int64_t cpu_us; /* user + system of the flow and the children it waited for; -1 unknown */
	int64_t max_rss_kb; /* of the largest single process; -1 unknown */
	int64_t ended_us; /* wall time */
	int64_t started_us; /* wall time of go; TIME_NONE if the flow never ran */
	bool cancelled; /* we (or Flowfile's cancel) sent TERM */
	bool killed; /* KILL was needed */
	char reason[256]; /* "" or one line */
};

#endif
