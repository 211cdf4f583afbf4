#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "zone_files.h"

#define FILE_MAX (1024 * 1024)

static struct tz **zones;
static size_t n_zones;

char *
zone_file_read(const char *name, size_t *len)
{
	struct err err = ERR_INIT;
	char *path = path_join("/usr/share/zoneinfo", name);
	char *data = file_read(path, FILE_MAX, len, &err);

	ck_assert_msg(data != NULL, "%s (is tzdata installed?)", err.text);
	free(path);
	return data;
}

const struct tz *
zone_file(const char *name)
{
	struct err err = ERR_INIT;
	struct tz *tz;
	size_t len;
	char *data;

	for (size_t i = 0; i < n_zones; i++) {
		if (strcmp(tz_name(zones[i]), name) == 0)
			return zones[i];
	}
	data = zone_file_read(name, &len);
	tz = tz_parse(name, data, len, &err);
	ck_assert_msg(tz != NULL, "%s", err.text);
	free(data);
	zones = xrealloc(zones, n_zones + 1, sizeof(struct tz *));
	zones[n_zones++] = tz;
	return tz;
}

void
zone_files_free(void)
{
	for (size_t i = 0; i < n_zones; i++)
		tz_free(zones[i]);
	free(zones);
	zones = NULL;
	n_zones = 0;
}
