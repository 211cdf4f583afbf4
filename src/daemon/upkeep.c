#include "daemon/upkeep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "runner/exitfile.h"
#include "store/load.h"

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

static void
ignore_run(const struct active_run *run, void *arg)
{
	(void)run;
	(void)arg;
}

int
upkeep_clear_exits(const char *dir, struct db *db, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0, active = 0, attempt;
	int64_t run_id;

	if (!d)
		return 0;
	while ((entry = readdir(d)) && active >= 0) {
		if (!exit_file_is(entry->d_name, &run_id, &attempt))
			continue;
		/* A run that has a file was recorded before: if it is not active now, it is over. */
		active = load_active_run(db, run_id, ignore_run, NULL, err);
		if (active == 0) {
			exit_files_remove(dir, run_id, attempt);
			n++;
		}
	}
	closedir(d);
	return active < 0 ? -1 : n;
}
