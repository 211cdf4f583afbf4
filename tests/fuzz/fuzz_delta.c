/* Commits of Delta tables: whatever another writer left there is a version or an error. NUL ends a commit. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "flow/delta.h"
#include "fuzz.h"

#define COMMITS_MAX 4

static char dir[64], log_dir[128];

static void
clear(void)
{
	char path[192];

	for (int i = 0; i < COMMITS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%020d.json", log_dir, i);
		unlink(path);
	}
	rmdir(log_dir);
	rmdir(dir);
}

static bool
write_commit(int version, const uint8_t *data, size_t size)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%020d.json", log_dir, version);
	f = fopen(path, "we");
	return f && fwrite(data, 1, size, f) == size && fclose(f) == 0;
}

static bool
write_table(const uint8_t *data, size_t size)
{
	if (!fuzz_file(dir, "delta", "", 0) || unlink(dir) < 0 || mkdir(dir, 0700) < 0)
		return false;
	snprintf(log_dir, sizeof(log_dir), "%s/_delta_log", dir);
	if (mkdir(log_dir, 0700) < 0)
		return false;
	for (int i = 0; i < COMMITS_MAX; i++) {
		const uint8_t *end = memchr(data, 0, size);
		size_t n = end ? (size_t)(end - data) : size;

		if (!write_commit(i, data, n))
			return false;
		if (!end)
			break;
		data += n + 1;
		size -= n + 1;
	}
	return true;
}

static void
check(const struct delta_snapshot *s, struct arena *a)
{
	const char *sql = delta_scan_sql(s, a);

	assert(s->version >= 0 && s->version < COMMITS_MAX && s->type && sql);
	for (size_t i = 0; i < s->n_files; i++)
		assert(s->files[i].path && s->files[i].action && s->files[i].rows >= -1);
}

int
FUZZ_TARGET(delta)(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct delta_snapshot snapshot;
	struct delta_commit *commits;
	int64_t current;
	size_t n;

	if (write_table(data, size)) {
		if (delta_open(dir, DELTA_LATEST, NULL, &a, &snapshot, &err) == 0)
			check(&snapshot, &a);
		else
			assert(err.code != ERR_NONE && err.text[0] != '\0');
		err = (struct err)ERR_INIT;
		if (delta_history(dir, 0, &a, &commits, &n, &current, &err) < 0)
			assert(err.text[0] != '\0');
	}
	clear();
	arena_free(&a);
	return 0;
}
