#include "feed/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define FOLDER_EVENTS                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |     \
		IN_ONLYDIR)
#define EVENT_SIZE_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)
/* How many events one call may take in, times some thirty. */
#define READS_MAX 64
#define SEEN_ALL (WATCH_MAIN | WATCH_JOURNAL | WATCH_WAL | WATCH_FILE)

struct watch {
	int fd;
	char *path, *wal, *folder;
	const char *name; /* in path */
	int folder_wd;
	int main_wd, wal_wd; /* -1: no such file */
};

/* Events of files in the folder, by what follows the database's name. */
static const struct {
	const char *suffix;
	uint32_t mask;
	unsigned seen;
} folder_rules[] = {
	{"", IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO, WATCH_FILE},
	{"-journal", IN_DELETE | IN_MOVED_FROM, WATCH_JOURNAL},
	{"-wal", IN_CREATE | IN_MOVED_TO, WATCH_WAL},
};

static int
fail(struct err *err, int errnum, const char *path)
{
	if (errnum == EMFILE)
		return err_set(err, ERR_FAILED,
			"no inotify instance is left; raise fs.inotify.max_user_instances or the "
			"limit "
			"of open files");
	if (errnum == ENOSPC)
		return err_set(err, ERR_FAILED,
			"no inotify watch is left; raise fs.inotify.max_user_watches");
	return err_errno(err, errnum, "watch %s", path);
}

static int
check_file_system(const char *folder, struct err *err)
{
	const char *remote;

	if (file_system_remote(folder, &remote) < 0)
		return err_errno(err, errno, "watch %s", folder);
	if (remote != NULL)
		return err_set(err, ERR_FAILED,
			"%s is on a %s file system, which does not tell of writes by other hosts; "
			"put the catalog on a local disk, or use PostgreSQL for several hosts",
			folder, remote);
	return 0;
}

/* A file that may be missing. */
static int
watch_file(struct watch *w, const char *path, int *wd, struct err *err)
{
	int old = *wd;

	*wd = inotify_add_watch(w->fd, path, IN_MODIFY);
	if (*wd < 0 && errno != ENOENT)
		return fail(err, errno, path);
	/* The file that had been watched before lives on as long as somebody has it open. */
	if (old >= 0 && old != *wd)
		(void)inotify_rm_watch(w->fd, old);
	return 0;
}

int
watch_refresh(struct watch *w, struct err *err)
{
	if (watch_file(w, w->path, &w->main_wd, err) < 0)
		return -1;
	return watch_file(w, w->wal, &w->wal_wd, err);
}

static int
start(struct watch *w, struct err *err)
{
	if (check_file_system(w->folder, err) < 0)
		return -1;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return fail(err, errno, w->folder);
	w->folder_wd = inotify_add_watch(w->fd, w->folder, FOLDER_EVENTS);
	if (w->folder_wd < 0)
		return fail(err, errno, w->folder);
	return watch_refresh(w, err);
}

int
watch_create(const char *path, struct watch **out, struct err *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->path = xstrdup(path);
	w->wal = xasprintf("%s-wal", path);
	w->folder = path_dirname(path);
	w->name = path_basename(w->path);
	w->fd = w->main_wd = w->wal_wd = -1;
	if (start(w, err) < 0) {
		watch_free(w);
		return -1;
	}
	*out = w;
	return 0;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w->wal);
	free(w->folder);
	free(w);
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

static unsigned
seen_in_folder(const struct watch *w, const struct inotify_event *ev)
{
	size_t len = strlen(w->name);

	if (ev->len == 0 || strncmp(ev->name, w->name, len) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(folder_rules); i++)
		if ((ev->mask & folder_rules[i].mask) != 0 &&
			strcmp(ev->name + len, folder_rules[i].suffix) == 0)
			return folder_rules[i].seen;
	return 0;
}

static int
seen_in_event(struct watch *w, const struct inotify_event *ev, unsigned *seen, struct err *err)
{
	if (ev->mask & IN_Q_OVERFLOW) {
		*seen |= SEEN_ALL;
		return 0;
	}
	if (ev->wd == w->folder_wd) {
		if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED))
			return err_set(err, ERR_NOT_FOUND, "the folder %s is gone", w->folder);
		*seen |= seen_in_folder(w, ev);
		return 0;
	}
	if (ev->mask & IN_IGNORED) {
		if (ev->wd == w->main_wd)
			w->main_wd = -1;
		if (ev->wd == w->wal_wd)
			w->wal_wd = -1;
		return 0;
	}
	if (ev->wd == w->main_wd)
		*seen |= WATCH_MAIN;
	if (ev->wd == w->wal_wd)
		*seen |= WATCH_WAL;
	return 0;
}

static int
take_in(struct watch *w, const char *buf, size_t len, unsigned *seen, int64_t *events,
	struct err *err)
{
	for (size_t at = 0; at < len; ++*events) {
		const struct inotify_event *ev = (const void *)(buf + at);

		if (seen_in_event(w, ev, seen, err) < 0)
			return -1;
		at += sizeof(*ev) + ev->len;
	}
	return 0;
}

int
watch_read(struct watch *w, unsigned *seen, int64_t *events, struct err *err)
{
	_Alignas(struct inotify_event) char buf[8192];

	*seen = 0;
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(w->fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return err_errno(err, errno, "watch %s", w->folder);
		if (n < 0)
			break;
		if (take_in(w, buf, (size_t)n, seen, events, err) < 0)
			return -1;
		if ((size_t)n < sizeof(buf) - EVENT_SIZE_MAX)
			break;
	}
	/* A new -wal, or after an overflow any file, is one that we do not watch yet. What was
	 * written to it before this is seen by the checks that follow. */
	if ((*seen & WATCH_WAL) != 0 && w->wal_wd < 0)
		return watch_file(w, w->wal, &w->wal_wd, err);
	return 0;
}
