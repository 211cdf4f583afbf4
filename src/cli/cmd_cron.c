/* flowfile cron next: needs no database (contract section 9). */
#include <stdio.h>

#include "base/timefmt.h"
#include "catalog/zones.h"
#include "cli/cli.h"
#include "core/cron.h"

#define COUNT_MAX 1000000

static int
print_times(struct cli *cli, const struct cron *cron, const struct tz *tz, int64_t after_us,
	int64_t count, struct err *err)
{
	struct json *j = cli->json ? out_json_begin(cli) : NULL;
	char text[TIMEFMT_SIZE];
	int64_t n = 0;

	if (j != NULL)
		json_array(j);
	for (; n < count; n++) {
		after_us = cron_next(cron, tz, after_us);
		if (after_us == TIME_NEVER)
			break;
		time_format_utc(after_us, text);
		if (j != NULL)
			json_string(j, text);
		else
			puts(text);
	}
	if (n == 0)
		fputs("never\n", stderr);
	if (j == NULL)
		return 0;
	json_array_end(j);
	return out_json_end(cli, err);
}

static int
cron_next_run(struct cli *cli, struct err *err)
{
	const char *zone = args_value(cli, "tz"), *after = args_value(cli, "after");
	int64_t after_us = clock_wall(&clock_real), count;
	struct zones *zones;
	const struct tz *tz;
	struct cron cron;
	int rc = -1;

	if (args_int(cli, "count", 1, COUNT_MAX, 5, &count, err) < 0)
		return -1;
	if (after != NULL && !time_parse(after, &after_us))
		return err_set(err, ERR_USAGE,
			"--after: '%s' is not a time; write it like 2026-05-25T10:00:00Z", after);
	if (cron_parse(cli->args[0], 0, &cron, err) < 0)
		return err_prefix(err, "cron expression '%s'", cli->args[0]);
	zones = zones_new();
	tz = zones_get(zones, zone, err);
	if (tz != NULL)
		rc = print_times(cli, &cron, tz, after_us, count, err);
	zones_free(zones);
	return rc;
}

static const struct cli_option next_options[] = {
	{"tz", 0, "ZONE", "the zone whose wall clock counts; UTC if not said", false},
	{"after", 0, "UTC", "times after this one: 2026-05-25T10:00:00Z; now if not said", false},
	{"count", 0, "N", "how many; 5 if not said", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_cron[] = {
	{"next", "EXPR", "Prints the next times of a cron expression, in UTC", cron_next_run, 1, 1,
		next_options,
		"EXPR has five fields: minute hour day-of-month month day-of-week. Quote it.",
		false},
	{0},
};
