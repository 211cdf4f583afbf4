#include "catalog/zones.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

#define ZONE_FILE_MAX (1024 * 1024) /* the largest real ones are some 4 KiB */

struct zone {
	char *name;
	struct tz *tz;
	struct zone *next;
};

struct zones {
	char *dir;
	struct tz *utc;
	struct zone *head;
};

struct zones *
zones_new(void)
{
	struct zones *zones = xcalloc(1, sizeof(*zones));
	const char *dir = getenv("TZDIR");

	zones->dir = xstrdup(dir != NULL && *dir != '\0' ? dir : "/usr/share/zoneinfo");
	return zones;
}

void
zones_free(struct zones *zones)
{
	struct zone *z, *next;

	if (zones == NULL)
		return;
	for (z = zones->head; z != NULL; z = next) {
		next = z->next;
		tz_free(z->tz);
		free(z->name);
		free(z);
	}
	if (zones->utc != NULL)
		tz_free(zones->utc);
	free(zones->dir);
	free(zones);
}

const char *
zones_dir(const struct zones *zones)
{
	return zones->dir;
}

/* Replaces one component of the path by what the folder has in another case; false if nothing fits. */
static bool
fix_component(const char *folder, char *component, size_t len)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	bool found = false;

	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		if (strlen(e->d_name) != len || strncasecmp(e->d_name, component, len) != 0)
			continue;
		memcpy(component, e->d_name, len);
		found = true;
	}
	closedir(d);
	return found;
}

/* Most mistakes are in the case or in blanks for underscores: the name as it should be, or NULL. */
static char *
nearest_zone(const struct zones *zones, const char *name)
{
	char *guess = xstrdup(name), *start = guess, *end, *folder;
	bool found;

	for (char *p = guess; *p != '\0'; p++)
		if (*p == ' ')
			*p = '_';
	found = tz_name_is_safe(guess);
	while (found) {
		end = start + strcspn(start, "/");
		folder = start == guess ? xstrdup("") : xstrndup(guess, (size_t)(start - guess));
		char *path = path_join(zones->dir, folder);
		found = fix_component(path, start, (size_t)(end - start));
		free(path);
		free(folder);
		if (*end == '\0')
			break;
		start = end + 1;
	}
	if (found && strcmp(guess, name) != 0)
		return guess;
	free(guess);
	return NULL;
}

static int
unknown_zone(const struct zones *zones, const char *name, const char *why, struct err *err)
{
	char *near = nearest_zone(zones, name);

	if (near != NULL)
		err_set(err, ERR_USAGE, "unknown time zone '%s'; did you mean '%s'?", name, near);
	else
		err_set(err, ERR_USAGE,
			"unknown time zone '%s': %s; names are like Europe/Amsterdam or UTC", name,
			why);
	free(near);
	return -1;
}

static struct tz *
zone_load(const struct zones *zones, const char *name, struct err *err)
{
	char *path = path_join(zones->dir, name), *data = NULL;
	struct err why = ERR_INIT;
	struct tz *tz = NULL;
	struct stat sb;
	size_t len;

	if (stat(path, &sb) < 0 || !S_ISREG(sb.st_mode)) {
		unknown_zone(zones, name, "the tz database has no such file", err);
		goto out;
	}
	data = file_read(path, ZONE_FILE_MAX, &len, err);
	if (data == NULL)
		goto out;
	tz = tz_parse(name, data, len, &why);
	if (tz == NULL)
		unknown_zone(zones, name, why.text, err);
out:
	free(data);
	free(path);
	return tz;
}

const struct tz *
zones_get(struct zones *zones, const char *name, struct err *err)
{
	struct zone *z;
	struct tz *tz;

	if (name == NULL || *name == '\0' || strcmp(name, "UTC") == 0) {
		if (zones->utc == NULL)
			zones->utc = tz_utc();
		return zones->utc;
	}
	for (z = zones->head; z != NULL; z = z->next)
		if (strcmp(z->name, name) == 0)
			return z->tz;
	if (!tz_name_is_safe(name)) {
		unknown_zone(zones, name, "not a name of the tz database", err);
		return NULL;
	}
	tz = zone_load(zones, name, err);
	if (tz == NULL)
		return NULL;
	z = xcalloc(1, sizeof(*z));
	z->name = xstrdup(name);
	z->tz = tz;
	z->next = zones->head;
	zones->head = z;
	return tz;
}

const struct tz *
zones_find(const char *name, void *arg, struct err *err)
{
	return zones_get(arg, name, err);
}
