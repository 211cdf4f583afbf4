/* Schedules in words: types, what blocks them, and the text their cursor was computed from. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/mem.h"
#include "core/world.h"

static const char *const type_names[] = {
	[SCHEDULE_INTERVAL] = "interval",
	[SCHEDULE_CRON] = "cron",
	[SCHEDULE_TABLE] = "table_trigger",
	[SCHEDULE_TABLE_SET] = "table_set_trigger",
};

const char *
schedule_type_name(enum schedule_type type)
{
	return type_names[type];
}

int
schedule_type_parse(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(type_names); i++)
		if (!strcmp(name, type_names[i]))
			return (int)i;
	return -1;
}

const char *
block_reason_text(enum block_reason reason)
{
	static const char *const texts[] = {
		[BLOCK_NONE] = "nothing",
		[BLOCK_FLOW_GONE] = "its flow is not registered any more",
		[BLOCK_OWNER_DISABLED] = "its owner is disabled",
		[BLOCK_OWNER_GONE] = "its owner does not exist",
	};

	return texts[reason];
}

void
schedule_spec(const struct schedule_row *row, char *out, size_t size)
{
	switch (schedule_type_parse(row->type)) {
	case SCHEDULE_INTERVAL:
		snprintf(out, size, "interval:%" PRId64, row->interval_s);
		break;
	case SCHEDULE_CRON:
		snprintf(out, size, "cron:%s|%s", row->cron_expression ? row->cron_expression : "",
			row->cron_timezone ? row->cron_timezone : "");
		break;
	case SCHEDULE_TABLE:
		snprintf(out, size, "table:");
		break;
	default:
		snprintf(out, size, "set:");
	}
}

uint64_t
schedule_spec_hash(const char *s)
{
	uint64_t h = text_hash(s);

	return h ? h : 1;
}
