/* Cron expressions: whatever is typed is compiled or refused, and the instants of what is compiled lie in one line: there is none between an
 * instant and the next one, looked at from either side. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "core/cron.h"
#include "fuzz.h"

#define ZONE_MAX (1024 * 1024)
#define YEAR_US (INT64_C(366) * 24 * 3600 * US_PER_SEC)

/* Half-hour summer time; a day that was left out; summer time below zero; an odd offset; none at all. */
static const char *const zone_names[] = {"Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin",
	"Asia/Kathmandu", "America/New_York", "UTC"};

static const struct tz *
zone(size_t i)
{
	static struct tz *zones[ARRAY_LEN(zone_names)];
	struct err err = ERR_INIT;

	i %= ARRAY_LEN(zone_names);
	if (!zones[i]) {
		char *path = path_join("/usr/share/zoneinfo", zone_names[i]), *data;
		size_t len;

		data = file_read(path, ZONE_MAX, &len, &err);
		zones[i] = data ? tz_parse(zone_names[i], data, len, &err) : tz_utc();
		assert(zones[i]);
		free(data);
		free(path);
	}
	return zones[i];
}

static void
check(const struct cron *cron, const struct tz *tz, int64_t at)
{
	int64_t next = cron_next(cron, tz, at), count = -1, last;

	assert(next > at);
	last = cron_last(cron, tz, at - YEAR_US, at, 1, NULL);
	assert(last <= at && (last == TIME_NONE || cron_next(cron, tz, last) == next));
	if (next == TIME_NEVER)
		return;
	assert(cron_last(cron, tz, at, next, 2, &count) == next && count == 1);
	assert(cron_last(cron, tz, at, next - 1, 2, &count) == TIME_NONE && count == 0);
	assert(tz_from_local(tz, tz_to_local(tz, next), (int64_t[2]){0, 0}) >= 1);
}

/* The first byte is the zone, four more the minutes since 1970, the rest the expression. */
int
FUZZ_TARGET(cron)(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct cron cron;
	uint32_t minutes;
	char *expr;

	if (size < 5)
		return 0;
	memcpy(&minutes, data + 1, 4);
	expr = xcalloc(1, size - 4);
	memcpy(expr, data + 5, size - 5);
	if (cron_parse(expr, minutes, &cron, &err) < 0)
		assert(err.code == ERR_USAGE && err.text[0] != '\0');
	else
		check(&cron, zone(data[0]),
			(int64_t)(minutes % 60000000) * 60 * US_PER_SEC + data[0]);
	free(expr);
	return 0;
}
