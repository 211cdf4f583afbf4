/*
 * An open file description lock: unlike a POSIX lock it is not lost when another descriptor of
 * the file is closed in the process. A child would share it until it executes something else
 * (O_CLOEXEC).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "lease/guard_backend.h"

struct file_guard {
	struct guard guard;
	char *path;
	int fd; /* -1: not held */
};

static struct file_guard *
of(struct guard *g)
{
	return (struct file_guard *)g;
}

static int
set_lock(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whether fd is the file that others find at the path. */
static bool
is_at_path(const struct file_guard *g, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(g->path, &there) == 0 &&
		ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* A hint for people who look into the file; nobody relies on it. */
static void
write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
}

static int
open_file(struct file_guard *g, struct err *err)
{
	struct stat st;
	int fd = open(g->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_errno(err, errno, "lock file %s", g->path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return err_set(err, ERR_FAILED, "lock file %s: not a regular file", g->path);
}

static void
file_release(struct guard *guard)
{
	struct file_guard *g = of(guard);

	if (g->fd < 0)
		return;
	if (is_at_path(g, g->fd))
		(void)!ftruncate(g->fd, 0);
	/* Not only closed: a child that is about to exec may still have it. */
	set_lock(g->fd, F_UNLCK);
	close(g->fd);
	g->fd = -1;
}

/* As acquire. The lock stays with fd. */
static int
lock_file(struct file_guard *g, int fd, struct err *err)
{
	if (set_lock(fd, F_WRLCK) < 0)
		return errno == EAGAIN || errno == EACCES
			? 0
			: err_errno(err, errno, "lock file %s", g->path);
	if (!is_at_path(g, fd))
		return err_set(err, ERR_BUSY, "lock file %s: removed meanwhile", g->path);
	return 1;
}

static int
file_acquire(struct guard *guard, struct err *err)
{
	struct file_guard *g = of(guard);
	int fd, r;

	if (g->fd >= 0 && is_at_path(g, g->fd))
		return 1;
	/* When somebody removed the file, another daemon may have locked a new one. */
	file_release(guard);
	fd = open_file(g, err);
	if (fd < 0)
		return -1;
	r = lock_file(g, fd, err);
	if (r != 1) {
		close(fd);
		return r;
	}
	write_pid(fd);
	g->fd = fd;
	return 1;
}

static void
file_free(struct guard *guard)
{
	free(of(guard)->path);
	free(guard);
}

static const struct guard_backend file_backend = {file_acquire, file_release, file_free};

struct guard *
guard_file_create(const char *path)
{
	struct file_guard *g = xcalloc(1, sizeof(*g));

	g->guard.backend = &file_backend;
	g->path = xasprintf("%s.scheduler-lock", path);
	g->fd = -1;
	return &g->guard;
}
