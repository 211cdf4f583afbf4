/*
 * The runner: starts flows as supervised subprocesses and tells how they end. Design section 8.
 *
 * It knows no database. The engine claims a run in the store, asks the runner to launch it, records
 * what the runner says, and then lets it go:
 *
 *	launch ─┬─ RUNNER_READY (pids) ─ engine records ─┬─ go ────── RUNNER_ENDED
 *	        └─ RUNNER_FAILED (why)                   └─ abandon:  nothing has run, no event
 *
 * Each run has a shim process (libexec flowfile-shim) which outlives the daemon. The shim holds the
 * flow's process, waiting on a pipe until go, in a session of its own. When the run is over, the
 * shim writes an exit file (exitfile.h) and ends. A later daemon adopts
 * what it finds recorded in the store.
 *
 * Every process is watched by pidfd where the kernel has them (Linux 5.3), else it is looked at
 * five times a second. While a runner lives, every dead child of this process is collected, also what
 * came to it as an orphan or was there before it became this program: nobody else in the process may make
 * children.
 *
 * Owner: the engine; all calls from its thread. Callbacks come from the event loop only, never from
 * within a call, and may call back into the runner, except runner_free().
 */
#ifndef FF_RUNNER_RUNNER_H
#define FF_RUNNER_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/process.h"

/* The machine since its last boot. */
struct host_id {
	char host[256]; /* host name */
	char boot_id[37]; /* /proc/sys/kernel/random/boot_id */
};

/* Where the supervisor of runs is: $FLOWFILE_SHIM, beside this program (a build folder), or where it is installed.
 * Owned; whether it is there is for the caller to see. */
char *runner_find_shim(void);

int host_id_get(struct host_id *id, struct err *err);

struct launch_spec {
	int64_t run_id;
	int attempt; /* which claim of the run this is: no two launches of a run have the same */
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH by the shim */
	/* With one, argv is what command_split() made, and the shim puts the path in, or runs the file itself
	 * (command_fill()): its file system may answer slowly or never. NULL: argv is meant as it is. */
	const char *flow_path;
	const char *const *env; /* NULL-terminated "NAME=value" on top of our own; may be NULL */
	const char *cwd; /* NULL: inherited */
	const char
		*log_path; /* made with mode 0640 less the umask, its folder too; emptied at go */
	int64_t log_max_bytes; /* 0: no cap; runlog.h */
	int grace_ms; /* from TERM to KILL */
};

/* A run as an earlier daemon recorded it. */
struct adoption {
	int64_t run_id;
	int attempt;
	struct proc_id shim, flow;
	bool rebooted; /* the machine was restarted since: the processes are gone */
	const char *state_dir; /* as RUNNER_READY gave it; NULL: this runner's own */
};

enum runner_event_type {
	RUNNER_READY, /* the flow's process exists and waits for go: pids are in the event */
	RUNNER_FAILED, /* could not be started: exit.reason says why. Nothing ran; forgotten */
	RUNNER_ENDED /* all of its process group is gone: exit says how. It is forgotten */
};

struct runner_event {
	enum runner_event_type type;
	int64_t run_id;
	struct proc_id shim, flow;
	struct run_exit exit;
	/* READY: where the shim will leave its files, to be recorded: a later daemon may have another
	 * folder. Absolute; the runner's, while it lives. */
	const char *state_dir;
};

typedef void (*runner_event_cb)(const struct runner_event *event, void *arg);

struct runner;

/* What the engine needs of a runner, so that the simulator can bring its own. */
struct runner_ops {
	/*
	 * -1: could not even be tried (no process, no descriptor, a command too long, an id in
	 * hand); nothing ran and no event will come. ERR_USAGE: no use to try again. The spec is not
	 * needed afterwards.
	 */
	int (*launch)(struct runner *r, const struct launch_spec *spec, struct err *err);
	/* After RUNNER_READY and the record: the flow starts. */
	void (*go)(struct runner *r, int64_t run_id);
	/* Instead of go, before or after RUNNER_READY: the flow never starts, the shim goes away,
	 * no event comes, and the id may be launched again at once. */
	void (*abandon)(struct runner *r, int64_t run_id);
	/* TERM now, KILL after the grace; again: KILL at once. RUNNER_ENDED follows, also when the
	 * run was not yet let go. False: not ours. */
	bool (*cancel)(struct runner *r, int64_t run_id);
	/*
	 * Takes over a recorded run of this host: RUNNER_ENDED will follow, from the shim's exit
	 * file, or without a status when the shim was killed and its group is gone. A run that was
	 * recorded but, its daemon having died before go, never started: !known and TIME_NONE.
	 * After a restart of the machine without an exit file it may always have run.
	 */
	int (*adopt)(struct runner *r, const struct adoption *run, struct err *err);
	/*
	 * Watches a process that somebody else started (Flowfile's core or push path): RUNNER_ENDED
	 * when it and, if it leads one, its process group are gone; without a status, unless it
	 * happens to be a child of ours by now. cancel works on it too.
	 */
	int (*watch)(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err);
	/* The engine has stored the end: the files may go. state_dir as in struct adoption. */
	void (*forget)(struct runner *r, int64_t run_id, int attempt, const char *state_dir);
};

struct event_base;

struct runner_options {
	const char *shim_path; /* NULL: runner_find_shim() */
	const char *state_dir; /* exit files; made with mode 0700 */
	int grace_ms; /* from TERM to KILL for runs without a live shim; 0: 10 s */
	int ready_ms; /* a shim that says nothing for so long is killed; 0: 30 s */
	bool without_pidfd; /* look at processes now and then even where the kernel has pidfds */
};

/*
 * Makes this process a subreaper, so that a flow whose shim was killed can still be waited for, and
 * handles SIGCHLD on the base: no other event base of the process may handle signals.
 */
int runner_create(struct event_base *base, const struct runner_options *options, runner_event_cb cb,
	void *arg, struct runner **out, struct err *err);
/* Lets go of everything: runs live on, waiting shims (no go yet) leave. */
void runner_free(struct runner *r);
/* Another grace for runs without a live shim; what counts down already goes on. */
void runner_set_grace(struct runner *r, int grace_ms);
extern const struct runner_ops runner_real;

#endif
