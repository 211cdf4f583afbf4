/* Schedules (contract 5.5): checks, arming, and the API's shape of them. */
#ifndef FF_CATALOG_SCHEDULES_H
#define FF_CATALOG_SCHEDULES_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"
#include "core/world.h"

#define SCHEDULE_INTERVAL_MIN_S INT64_C(60)
#define SCHEDULE_INTERVAL_MAX_S INT64_C(2147483647)

/* A table that a set watches. */
struct trigger_ref {
	int64_t table_id;
	const char *name; /* "#<id>" when the table is gone */
	const char *full_name; /* "schema.table"; the same "#<id>" */
	bool gone;
	const char *was; /* gone: "schema.table" as it was called last; NULL: not known */
};

struct schedule_info {
	int64_t id;
	int64_t registration_id;
	int64_t owner_id;
	bool enabled;
	const char *name, *description;
	const char *schedule_type; /* as stored */
	int type; /* enum schedule_type; -1 when it is none of them */
	int64_t interval_s; /* COUNT_NONE: NULL */
	const char *cron_expression, *cron_timezone;
	int64_t trigger_table_id;
	const char *trigger_table_name; /* NULL: none, or the table is gone */
	const char *trigger_was; /* as a trigger_ref's */
	int64_t trigger_namespace_id;
	const char *trigger_namespace_name;
	struct trigger_ref *tables; /* of a set, as they were given */
	size_t n_tables;
	int64_t last_triggered_us, last_table_updated_us;
	int64_t created_us, updated_us;
	const char *flow_name; /* NULL: the flow is gone. Not in the API */
};

struct schedule_list {
	struct schedule_info *items; /* newest first */
	size_t n;
};

/* registration_id ID_NONE: all. */
int schedules_list(struct catalog *cat, int64_t registration_id, struct arena *a,
	struct schedule_list *out, struct err *err);
int schedules_get(struct catalog *cat, int64_t id, struct arena *a, struct schedule_info *out,
	struct err *err);

struct schedule_new {
	int64_t registration_id;
	int type; /* enum schedule_type */
	int64_t interval_s; /* COUNT_NONE: not given */
	const char *cron_expression, *cron_timezone;
	int64_t trigger_table_id;
	const int64_t *trigger_table_ids; /* sets only */
	size_t n_trigger_tables;
	bool disabled;
	const char *name, *description;
};
/* Row, links and watermark in one transaction (D-17); the watermark is what is there now (4.9). */
int
schedules_create(struct catalog *cat, const struct schedule_new *new, int64_t *id, struct err *err);

/* NULL, COUNT_NONE, TRI_NULL: keep. Enabling arms data triggers: what was written before is past. */
struct schedule_change {
	enum tri enabled;
	int64_t interval_s;
	const char *cron_expression, *cron_timezone;
	const char *name, *description;
};
#define SCHEDULE_CHANGE_INIT                                                                       \
	{                                                                                          \
		.enabled = TRI_NULL, .interval_s = COUNT_NONE                                      \
	}
int schedules_update(
	struct catalog *cat, int64_t id, const struct schedule_change *change, struct err *err);

/* With its links; its runs stay. */
int schedules_delete(struct catalog *cat, int64_t id, struct err *err);

/* The texts of contract 5.5, expression before zone. */
int schedules_check_cron(struct catalog *cat, const char *expr, const char *zone, struct err *err);

/* What makes it fire, for people: "every 5m", "cron 0 2 * * * Europe/Amsterdam", "when raw.orders is written". */
const char *schedules_describe(struct arena *a, const struct schedule_info *s);
/* A table that it watches, for people: "raw.orders"; of one that is gone "raw.orders (#31)", or "#31". */
const char *schedules_table_name(struct arena *a, const struct schedule_info *s, int64_t table_id);
/* Why it can never fire, whatever its trigger is: its flow is gone, or a table that it watches. NULL: nothing is. */
const char *schedules_lost(struct arena *a, const struct schedule_info *s);

void schedules_json(struct json *j, const struct schedule_info *s);

#endif
