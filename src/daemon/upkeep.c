#include "daemon/upkeep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "runner/exitfile.h"
#include "store/load.h"
#include "store/runs.h"

static bool
is_run_log(const char *name)
{
	return fnmatch("scheduled_run_*.log", name, 0) == 0 || fnmatch("flow_*.log", name, 0) == 0;
}

static bool
is_old(int dir_fd, const char *name, int64_t before_s)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_mtime < before_s;
}

int
upkeep_clear_logs(const char *dir, int64_t max_age_s, int64_t now_us)
{
	int64_t before_s = now_us / US_PER_SEC - max_age_s;
	struct dirent *entry;
	DIR *d = opendir(dir);
	int n = 0;

	if (!d) {
		if (errno != ENOENT)
			log_warning("Cannot look for old logs: %s dir=%s", strerror(errno), dir);
		return 0;
	}
	while ((entry = readdir(d))) {
		if (!is_run_log(entry->d_name) || !is_old(dirfd(d), entry->d_name, before_s))
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) == 0)
			n++;
		else
			log_warning("Cannot delete an old log: %s file=%s/%s", strerror(errno), dir,
				entry->d_name);
	}
	closedir(d);
	return n;
}

static bool
has_logs(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	bool found = false;

	while (d && !found && (entry = readdir(d)))
		found = is_run_log(entry->d_name);
	if (d)
		closedir(d);
	return found;
}

void
upkeep_note_catalog(const struct paths *paths, const char *catalog)
{
	char *other = paths_noted_catalog(paths);
	struct err err = ERR_INIT;

	if (!other || strcmp(other, catalog) != 0) {
		if (other && has_logs(paths->logs))
			log_warning("Logs of another catalog are written over: give each catalog a "
				    "storage_dir of its own dir=%s catalog=%s",
				paths->logs, other);
		if (paths_note_catalog(paths, catalog, &err) < 0)
			log_warning("Cannot note whose logs these are: %s", err.text);
	}
	free(other);
}

static void
ignore_run(const struct active_run *run, void *arg)
{
	(void)run;
	(void)arg;
}

/* 1: the run's files in this folder are of no use any more. */
typedef int (*over_cb)(struct db *db, int64_t run_id, const char *dir, struct err *err);

/* A run that has a file was recorded before: if it is not active now, it is over. */
static int
is_not_active(struct db *db, int64_t run_id, const char *dir, struct err *err)
{
	int r = load_active_run(db, run_id, ignore_run, NULL, err);

	(void)dir;
	return r < 0 ? -1 : r == 0;
}

static int
clear_exits(const char *dir, struct db *db, over_cb is_over, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0, over = 0, attempt;
	int64_t run_id;

	if (!d)
		return 0;
	while (over >= 0 && (entry = readdir(d))) {
		if (!exit_file_is(entry->d_name, &run_id, &attempt))
			continue;
		over = is_over(db, run_id, dir, err);
		if (over > 0) {
			exit_files_remove(dir, run_id, attempt);
			n++;
		}
	}
	closedir(d);
	return over < 0 ? -1 : n;
}

/* Folders of other catalogs are beside ours: of those only what the catalog says is ours goes. */
static int
clear_neighbours(const char *parent, const char *own, struct db *db, struct err *err)
{
	DIR *d = opendir(parent);
	struct dirent *entry;
	int n = 0, cleared = 0;
	char *dir;

	if (!d)
		return 0;
	while (cleared >= 0 && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		dir = path_join(parent, entry->d_name);
		if (strcmp(dir, own) != 0) {
			cleared = clear_exits(dir, db, runs_files_over, err);
			n += cleared;
		}
		free(dir);
	}
	closedir(d);
	return cleared < 0 ? -1 : n;
}

int
upkeep_clear_exits(const char *dir, struct db *db, struct err *err)
{
	char *own = realpath(dir, NULL), *parent;
	int n, more = 0;

	if (!own)
		return 0;
	parent = path_dirname(own);
	n = clear_exits(own, db, is_not_active, err);
	if (n >= 0)
		more = clear_neighbours(parent, own, db, err);
	free(parent);
	free(own);
	return n < 0 || more < 0 ? -1 : n + more;
}
