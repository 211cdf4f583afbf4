/*
 * The runner: starts flows as supervised subprocesses and tells how they end. Design section 8.
 *
 * It knows no database. The engine claims a run in the store, asks the runner to launch it, records what
 * the runner says, and then lets it go:
 *
 *	runner_launch() ── RUNNER_READY (pids) ── engine records ── runner_go() ── RUNNER_ENDED
 *	                └─ RUNNER_FAILED (why)      └─ runner_abandon(): nothing has run
 *
 * Each run has a shim process (libexec flowfile-shim) which outlives the daemon; the shim holds the flow's process,
 * stopped on a pipe until go, in a session of its own. When the run is over, the shim writes the exit file
 * <state_dir>/<run_id>.exit and ends. A later daemon adopts what it finds recorded in the store.
 *
 * Owner: the engine; all calls from its thread. Callbacks come from the event loop, or from within
 * runner_dispatch(); they may call back into the runner.
 */
#ifndef FF_RUNNER_RUNNER_H
#define FF_RUNNER_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Who a process is: a pid alone is reused. */
struct proc_id {
	pid_t pid;      /* 0: none */
	uint64_t start; /* field 22 of /proc/<pid>/stat, clock ticks since boot */
};

/* The machine since its last boot. */
struct host_id {
	char host[256];   /* host name */
	char boot_id[37]; /* /proc/sys/kernel/random/boot_id */
};

int host_id_get(struct host_id *id, struct err *err);
/* Identity of a live process; false when there is none such. A zombie counts as gone. */
bool proc_identify(pid_t pid, struct proc_id *id);
/* Whether exactly this process lives (not a zombie). */
bool proc_alive(const struct proc_id *id);
/* Whether any live process is in this process group (zombies do not count). */
bool proc_group_alive(pid_t pgid);

/* How a run ended. */
struct run_exit {
	bool known;        /* false: nobody saw the status (the shim was killed) */
	int code;          /* exit code, -1 when signalled */
	int signal;        /* 0 when it exited by itself */
	int64_t cpu_us;    /* user + system of the flow and the children it waited for; -1 unknown */
	int64_t max_rss_kb;
	int64_t ended_us;  /* wall time */
	int64_t started_us; /* wall time of the exec; TIME_NONE if it never happened */
	bool cancelled;    /* we (or Flowfile's cancel) sent TERM */
	bool killed;       /* KILL was needed */
	char reason[256];  /* "" or a sentence: why it could not be executed, what is unknown */
};

struct launch_spec {
	int64_t run_id;
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH by the shim */
	const char *const *env;  /* NULL-terminated "NAME=value" added to our environment */
	const char *cwd;         /* NULL: inherited */
	const char *log_path;    /* truncated, mode 0640; its folder is made */
	int64_t log_max_bytes;   /* 0: no cap; see below */
	int grace_ms;            /* from TERM to KILL */
};

enum runner_event_type {
	RUNNER_READY,  /* the flow's process exists and waits for go: pids are in the event */
	RUNNER_FAILED, /* could not be started: exit.reason says why. Nothing ran. The run is forgotten */
	RUNNER_ENDED   /* all of its process group is gone: exit says how. The run is forgotten */
};

struct runner_event {
	enum runner_event_type type;
	int64_t run_id;
	struct proc_id shim, flow;
	struct run_exit exit;
};

typedef void (*runner_event_cb)(const struct runner_event *event, void *arg);

struct runner;

/* What the engine needs of a runner, so that the simulator can bring its own. */
struct runner_ops {
	/* -1: could not even fork; nothing ran and no event will come. */
	int (*launch)(struct runner *r, const struct launch_spec *spec, struct err *err);
	/* After RUNNER_READY and the record: the flow starts. */
	void (*go)(struct runner *r, int64_t run_id);
	/* Instead of go: the flow never starts, the shim goes away, the run is forgotten. */
	void (*abandon)(struct runner *r, int64_t run_id);
	/* TERM now, KILL after the grace; again: KILL at once. RUNNER_ENDED follows. False: not ours. */
	bool (*cancel)(struct runner *r, int64_t run_id);
	/*
	 * Takes over a recorded run of this host and boot: RUNNER_ENDED will follow, from the shim's exit file,
	 * or without a status when the shim was killed and its group is gone. `gone` is how to see a run that
	 * was recorded but, its daemon having died before go, never started: exit.started_us is TIME_NONE.
	 */
	int (*adopt)(struct runner *r, int64_t run_id, const struct proc_id *shim,
		const struct proc_id *flow, struct err *err);
	/*
	 * Watches a process that somebody else started (Flowfile's core or push path): RUNNER_ENDED without a status when
	 * it is gone. cancel works on it too, by its process group if it leads one.
	 */
	int (*watch)(struct runner *r, int64_t run_id, const struct proc_id *proc, struct err *err);
	/* The engine has stored the end: the exit file may go. */
	void (*forget)(struct runner *r, int64_t run_id);
};

struct event_base;

struct runner_options {
	const char *shim_path; /* NULL: FLOWFILE_SHIM, else PKGLIBEXECDIR/flowfile-shim */
	const char *state_dir; /* exit files; made with mode 0700 */
};

/* Makes this process a subreaper, so that a flow whose shim was killed can still be waited for. */
int runner_create(struct event_base *base, const struct runner_options *options, runner_event_cb cb,
	void *arg, struct runner **out, struct err *err);
/* Lets go of everything: runs live on, waiting shims (no go yet) leave. */
void runner_free(struct runner *r);
extern const struct runner_ops runner_real;

/*
 * The exit file: text, "key value" lines, version first, so that it can be read with cat. Read by a later daemon.
 * 1 and *exit; 0 when there is none; -1 when it is malformed.
 */
int exit_file_read(const char *state_dir, int64_t run_id, struct run_exit *exit, struct err *err);

#endif
