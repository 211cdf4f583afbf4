/*
 * What the runner and a shim say to each other, over a SOCK_SEQPACKET pair: one message, one
 * packet.
 *
 *	runner ──▶ shim   the launch: everything it must know
 *	       ◀──        WIRE_READY (pids), or WIRE_FAILED (why) and it leaves
 *	       ──▶        WIRE_GO, or the end of file
 *	       ◀──        WIRE_ENDED: the exit record, also when no file could be written
 *
 * Parameters go this way because arguments and environment of a process are for anybody to see, and
 * bounded. Both sides are of one build, except while a new version is being installed under a
 * running daemon: the version number tells.
 */
#ifndef FF_RUNNER_WIRE_H
#define FF_RUNNER_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "runner/exitfile.h"
#include "runner/runner.h"

#define WIRE_SHIM_FD 3 /* the shim's end */
#define WIRE_GO 'g'
#define WIRE_LAUNCH_MAX (64 * 1024)

/* A launch as the shim sees it. The strings are in the packet; the two arrays are owned. */
struct wire_launch {
	int64_t run_id;
	int attempt;
	int64_t log_max_bytes;
	int grace_ms;
	const char *state_dir;
	const char *log_path;
	const char *cwd; /* NULL: inherited */
	const char *flow_path; /* NULL: argv is complete */
	char **argv;
	char **env;
};

enum wire_kind { WIRE_READY = 1, WIRE_FAILED, WIRE_ENDED };

struct wire_reply {
	uint32_t magic;
	uint32_t kind;
	struct exit_record record; /* READY: the pids; FAILED: exit.reason; ENDED: all */
};

/* Packs a launch. ERR_USAGE when it is larger than a packet may be. */
int wire_launch_pack(
	const struct launch_spec *spec, const char *state_dir, struct buf *out, struct err *err);
/* Unpacks it; data must stay. -1 when it is not one of this version. */
int wire_launch_unpack(char *data, size_t len, struct wire_launch *launch, struct err *err);
void wire_launch_free(struct wire_launch *launch);

/* One packet, never blocking. 0, or -1 with errno. */
int wire_reply_send(int fd, enum wire_kind kind, const struct exit_record *record);
/* 1 and *reply; 0: the other end is gone, or does not speak this version; -1: nothing now. */
int wire_reply_receive(int fd, struct wire_reply *reply);

#endif
