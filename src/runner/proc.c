#include "runner/proc.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* Fields of /proc/<pid>/stat, numbered as in proc(5). */
#define STAT_PPID 4
#define STAT_PGRP 5
#define STAT_SESSION 6
#define STAT_THREADS 20
#define STAT_START 22

#define CMDLINE_MAX (64 * 1024)

struct proc_stat {
	struct proc_id id;
	pid_t ppid, pgrp, session;
	bool live;
};

/* What is behind a process in the tree that is being searched. */
enum kin { KIN_UNSEEN, KIN_OURS, KIN_OTHER };

struct table_row {
	struct proc_stat st;
	enum kin kin;
};

struct table {
	struct table_row *rows; /* by pid */
	size_t n, cap;
};

/* One read gives all that fits. */
static ssize_t
read_proc(pid_t pid, const char *name, char *out, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? n : -1;
}

/*
 * The process that has the pid, zombies too. A process whose first thread has ended shows as a
 * zombie while its other threads run on: it lives.
 */
static bool
read_stat(pid_t pid, struct proc_stat *st)
{
	char text[1024], *p, state;
	long long field[STAT_START + 1];

	if (pid <= 0 || read_proc(pid, "stat", text, sizeof(text)) < 0)
		return false;
	/* The name may hold anything, a ")" too; nothing behind it does. */
	p = strrchr(text, ')');
	if (p == NULL || p[1] != ' ' || p[2] == '\0')
		return false;
	state = p[2];
	p += 3;
	for (int i = STAT_PPID; i <= STAT_START; i++) {
		if (*p == '\0')
			return false;
		field[i] = strtoll(p, &p, 10);
	}
	st->id.pid = pid;
	st->id.start = (uint64_t)field[STAT_START];
	st->ppid = (pid_t)field[STAT_PPID];
	st->pgrp = (pid_t)field[STAT_PGRP];
	st->session = (pid_t)field[STAT_SESSION];
	st->live = strchr("ZXx", state) == NULL || field[STAT_THREADS] > 1;
	return true;
}

bool
proc_identify(pid_t pid, struct proc_id *id)
{
	struct proc_stat st;

	if (!read_stat(pid, &st) || !st.live)
		return false;
	*id = st.id;
	return true;
}

bool
proc_alive(const struct proc_id *id)
{
	struct proc_id now;

	return proc_identify(id->pid, &now) && now.start == id->start;
}

bool
proc_is_zombie(const struct proc_id *id)
{
	struct proc_stat st;

	return read_stat(id->pid, &st) && st.id.start == id->start && !st.live;
}

bool
proc_is_reused(const struct proc_id *id)
{
	struct proc_stat st;

	return read_stat(id->pid, &st) && st.id.start != id->start;
}

int64_t
proc_start_us(const struct proc_id *id)
{
	long hz = sysconf(_SC_CLK_TCK);
	int64_t now = clock_wall(&clock_real);

	if (id->start == 0 || hz <= 0)
		return TIME_NONE;
	return now - clock_boot(&clock_real).us + (int64_t)id->start * (US_PER_SEC / hz);
}

static bool
entry_pid(const struct dirent *entry, pid_t *pid)
{
	int64_t n;

	if (!text_to_int(entry->d_name, 1, INT32_MAX, &n))
		return false;
	*pid = (pid_t)n;
	return true;
}

bool
proc_group_member(pid_t pgid, struct proc_id *member)
{
	const struct dirent *entry;
	struct proc_stat st;
	bool found = false;
	pid_t pid;
	DIR *dir;

	/* Zombies answer to this as well, but when nobody does, there is nothing to look for. */
	if (pgid <= 0 || (kill(-pgid, 0) < 0 && errno == ESRCH))
		return false;
	dir = opendir("/proc");
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		found = entry_pid(entry, &pid) && read_stat(pid, &st) && st.pgrp == pgid && st.live;
		if (found)
			*member = st.id;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

bool
proc_group_alive(pid_t pgid)
{
	struct proc_id member;

	return proc_group_member(pgid, &member);
}

int
proc_pidfd_open(const struct proc_id *id)
{
	int fd;

	if (id->pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	/* Who has both the pid and the start time now, also had them when the pidfd was made. */
	if (fd >= 0 && id->start != 0 && !proc_alive(id)) {
		close(fd);
		errno = ESRCH;
		return -1;
	}
	return fd;
}

bool
proc_signal(const struct proc_id *id, int sig)
{
	int fd = proc_pidfd_open(id), rc;

	if (fd >= 0) {
		rc = (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
		if (rc < 0 && errno == ENOSYS) /* Linux 5.3 has both; a sandbox may not */
			rc = kill(id->pid, sig);
		close(fd);
		return rc == 0;
	}
	return errno != ESRCH && proc_alive(id) && kill(id->pid, sig) == 0;
}

bool
proc_reap(const struct proc_id *id, int *status, struct rusage *usage)
{
	if (id->pid <= 0 || (id->start != 0 && proc_is_reused(id)))
		return false;
	return wait4(id->pid, status, WNOHANG, usage) == id->pid;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct table_row *x = a, *y = b;

	return (x->st.id.pid > y->st.id.pid) - (x->st.id.pid < y->st.id.pid);
}

static void
table_read(struct table *t)
{
	const struct dirent *entry;
	DIR *dir = opendir("/proc");
	pid_t pid;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!entry_pid(entry, &pid))
			continue;
		if (t->n == t->cap) {
			t->cap = t->cap > 0 ? t->cap * 2 : 256;
			t->rows = xrealloc(t->rows, t->cap, sizeof(*t->rows));
		}
		t->rows[t->n].kin = KIN_UNSEEN;
		if (read_stat(pid, &t->rows[t->n].st))
			t->n++;
	}
	if (dir != NULL)
		closedir(dir);
	if (t->n > 0)
		qsort(t->rows, t->n, sizeof(*t->rows), compare_rows);
}

static struct table_row *
table_find(const struct table *t, pid_t pid)
{
	struct table_row key = {.st.id.pid = pid};

	if (t->n == 0)
		return NULL;
	return bsearch(&key, t->rows, t->n, sizeof(*t->rows), compare_rows);
}

int64_t
proc_run_id(pid_t pid)
{
	static const char option[] = "--run-id";
	const size_t len = sizeof(option) - 1;
	char *args = xmalloc(CMDLINE_MAX);
	ssize_t size = read_proc(pid, "cmdline", args, CMDLINE_MAX);
	const char *end = args + (size > 0 ? size : 0), *value;
	int64_t n, run_id = 0;

	for (const char *p = args; p < end && run_id == 0; p += strlen(p) + 1) {
		if (strncmp(p, option, len) != 0)
			continue;
		value = p[len] == '=' ? p + len + 1 : p + len + 1 < end ? p + len + 1 : "";
		if ((p[len] == '=' || p[len] == '\0') && text_to_int(value, 1, INT64_MAX, &n))
			run_id = n;
	}
	free(args);
	return run_id;
}

static bool
is_other_run(pid_t pid, int64_t run_id)
{
	int64_t named = proc_run_id(pid);

	return named != 0 && named != run_id;
}

/* Every process below the root becomes ours or another run's. Parents come before children in
 * nearly all rows, so that one or two passes do; a pass without change ends it. */
static void
mark_descendants(struct table *t, const struct proc_tree *tree)
{
	const struct table_row *parent;
	struct table_row *row;
	bool changed;

	do {
		changed = false;
		for (size_t i = 0; i < t->n; i++) {
			row = &t->rows[i];
			parent = row->kin == KIN_UNSEEN ? table_find(t, row->st.ppid) : NULL;
			if (parent == NULL || parent->kin == KIN_UNSEEN)
				continue;
			row->kin = parent->kin;
			if (row->kin == KIN_OURS && is_other_run(row->st.id.pid, tree->run_id))
				row->kin = KIN_OTHER;
			changed = true;
		}
	} while (changed);
}

/* What another run left behind in its own session has been given to our subreaper, and is still
 * the other run's. */
static void
mark_other_sessions(struct table *t, pid_t own)
{
	pid_t session;

	for (size_t i = 0; i < t->n; i++) {
		session = t->rows[i].st.session;
		if (t->rows[i].kin != KIN_OTHER || session == own)
			continue;
		for (size_t k = 0; k < t->n; k++)
			if (t->rows[k].kin == KIN_OURS && t->rows[k].st.session == session)
				t->rows[k].kin = KIN_OTHER;
	}
}

size_t
proc_tree_find(const struct proc_tree *tree, struct proc_id **out)
{
	struct table t = {NULL, 0, 0};
	const struct proc_stat *st;
	struct table_row *root;
	size_t n = 0;

	*out = NULL;
	table_read(&t);
	root = table_find(&t, tree->root);
	if (root != NULL) {
		root->kin = KIN_OURS;
		mark_descendants(&t, tree);
		mark_other_sessions(&t, tree->session);
		*out = xcalloc(t.n, sizeof(**out));
	}
	for (size_t i = 0; root != NULL && i < t.n; i++) {
		st = &t.rows[i].st;
		if (t.rows[i].kin == KIN_OURS && &t.rows[i] != root && st->live &&
			!(tree->skip_group && st->pgrp == tree->session))
			(*out)[n++] = st->id;
	}
	if (n == 0) {
		free(*out);
		*out = NULL;
	}
	free(t.rows);
	return n;
}
