#include "base/paths.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define DOCKER_BASE "/app/internal_storage"
#define DOCKER_USER_DATA "/data/user"

static bool
env_is(const char *name, const char *wanted)
{
	const char *value = getenv(name);

	return value != NULL && strcmp(value, wanted) == 0;
}

/* Relative paths hang on the directory we were started in; that is fixed here, once. Owned. */
static char *
make_absolute(const char *path, struct err *err)
{
	char *cwd, *full;

	if (path[0] == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL) {
		err_set(err, ERR_FAILED, "%s is relative and the current directory is unknown",
			path);
		return NULL;
	}
	full = path_join(cwd, path);
	free(cwd);
	return full;
}

const char *
paths_home(void)
{
	const char *home = text_env("HOME");
	const struct passwd *pw;

	if (home != NULL)
		return home;
	pw = getpwuid(getuid());
	return pw != NULL && pw->pw_dir != NULL && pw->pw_dir[0] != '\0' ? pw->pw_dir : NULL;
}

/* In docker mode an empty variable means the current directory (contract 2.1). Owned. */
static char *
docker_dir(const char *variable, const char *fallback, struct err *err)
{
	const char *value = getenv(variable);

	return make_absolute(value != NULL ? value : fallback, err);
}

static int
resolve_docker(const char *storage_dir, struct paths *paths, struct err *err)
{
	paths->base = storage_dir != NULL ? make_absolute(storage_dir, err)
					  : docker_dir("FLOWFILE_STORAGE_DIR", DOCKER_BASE, err);
	if (paths->base == NULL)
		return -1;
	paths->user_data = docker_dir("FLOWFILE_USER_DATA_DIR", DOCKER_USER_DATA, err);
	return paths->user_data == NULL ? -1 : 0;
}

static int
resolve_local(const char *storage_dir, struct paths *paths, struct err *err)
{
	const char *home = paths_home();

	if (storage_dir == NULL)
		storage_dir = text_env("FLOWFILE_STORAGE_DIR");
	if (home == NULL && storage_dir == NULL)
		return err_set(err, ERR_USAGE, "neither HOME nor FLOWFILE_STORAGE_DIR is set");
	/* A service account without a home still has its storage directory. */
	paths->user_data = make_absolute(home != NULL ? home : storage_dir, err);
	if (paths->user_data == NULL)
		return -1;
	paths->base = storage_dir != NULL ? make_absolute(storage_dir, err)
					  : path_join(paths->user_data, ".flowfile");
	return paths->base == NULL ? -1 : 0;
}

int
paths_resolve(const char *storage_dir, struct paths *paths, struct err *err)
{
	bool docker = env_is("FLOWFILE_MODE", "docker"), testing = env_is("TESTING", "True");
	const char *catalog = text_env("FLOWFILE_DB_PATH"), *data;

	*paths = (struct paths){0};
	if ((docker ? resolve_docker : resolve_local)(storage_dir, paths, err) < 0) {
		paths_free(paths);
		return err_prefix(err, "storage directory");
	}
	if (catalog != NULL)
		paths->catalog = xstrdup(catalog);
	else
		paths->catalog = path_join(paths->base,
			testing ? "temp/test_flowfile_catalog.db" : "database/flowfile_catalog.db");
	data = docker ? paths->user_data : paths->base;
	paths->logs = path_join(paths->base, testing ? "temp/test_logs" : "logs");
	paths->flows = path_join(data, "flows");
	paths->tables = path_join(data, "catalog_tables");
	paths->state = path_join(paths->base, "scheduler");
	return 0;
}

void
paths_free(struct paths *paths)
{
	free(paths->base);
	free(paths->user_data);
	free(paths->catalog);
	free(paths->logs);
	free(paths->flows);
	free(paths->tables);
	free(paths->state);
	*paths = (struct paths){0};
}

#define NOTE ".catalog"
#define NOTE_MAX 8192

int
paths_note_catalog(const struct paths *paths, const char *catalog, struct err *err)
{
	char *path = path_join(paths->logs, NOTE), *text = xasprintf("%s\n", catalog);
	int rc = file_write_atomic(path, text, strlen(text), 0644, err);

	free(text);
	free(path);
	return rc;
}

char *
paths_noted_catalog(const struct paths *paths)
{
	char *path = path_join(paths->logs, NOTE);
	char *text = file_read(path, NOTE_MAX, NULL, NULL);

	free(path);
	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

char *
paths_run_log(const struct paths *paths, int64_t run_id)
{
	return xasprintf("%s/scheduled_run_%" PRId64 ".log", paths->logs, run_id);
}
