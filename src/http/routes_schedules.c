/* Schedules: contract 5.5. */
#include <cjson/cJSON.h>

#include "catalog/runs.h"
#include "catalog/schedules.h"
#include "routes.h"

static const char *const types[] = {"interval", "cron", "table_trigger", "table_set_trigger", NULL};

/* --- reading ------------------------------------------------------------------------------------------ */

static int
list_schedules(struct call *c)
{
	struct schedule_list list;

	if (schedules_list(c->cat, call_int(c, "registration_id"), c->a, &list, &c->err) < 0)
		return -1;
	json_array(&c->j);
	for (size_t i = 0; i < list.n; i++)
		schedules_json(&c->j, &list.items[i]);
	json_array_end(&c->j);
	return 0;
}

static int
write_schedule(struct call *c, int64_t id)
{
	struct schedule_info info;

	if (schedules_get(c->cat, id, c->a, &info, &c->err) < 0)
		return -1;
	schedules_json(&c->j, &info);
	return 0;
}

static int
get_schedule(struct call *c)
{
	return write_schedule(c, call_int(c, "id"));
}

static int
validate_cron(struct call *c)
{
	const char *expr = call_string(c, "cron_expression");
	struct err err = ERR_INIT;
	bool valid = schedules_check_cron(
			     c->cat, expr ? expr : "", call_string(c, "cron_timezone"), &err) == 0;
	char detail[sizeof(err.text)];

	json_object(&c->j);
	json_kv_bool(&c->j, "valid", valid);
	json_kv_string(&c->j, "error", valid ? NULL : catalog_detail(&err, detail, sizeof(detail)));
	json_object_end(&c->j);
	return 0;
}

/* --- writing --------------------------------------------------------------------------------------------- */

static const int64_t *
int_list(struct call *c, const char *name, size_t *n)
{
	const cJSON *list = call_value(c, name)->json, *item;
	int64_t *ids = arena_array(c->a, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*ids));

	*n = 0;
	cJSON_ArrayForEach(item, list) ids[(*n)++] = param_int(item);
	return ids;
}

/* COUNT_NONE: not given. What is less than nothing is as wrong as nothing. */
static int64_t
interval_of(const struct call *c)
{
	int64_t s = call_int(c, "interval_seconds");

	return !call_given(c, "interval_seconds") ? COUNT_NONE : s < 0 ? 0 : s;
}

static int
create_schedule(struct call *c)
{
	struct schedule_new new = {
		.registration_id = call_int(c, "registration_id"),
		.type = schedule_type_parse(call_string(c, "schedule_type")),
		.interval_s = interval_of(c),
		.cron_expression = call_string(c, "cron_expression"),
		.cron_timezone = call_string(c, "cron_timezone"),
		.trigger_table_id = call_int(c, "trigger_table_id"),
		.disabled = !call_bool(c, "enabled"),
		.name = call_string(c, "name"),
		.description = call_string(c, "description"),
	};
	int64_t id;

	new.trigger_table_ids = int_list(c, "trigger_table_ids", &new.n_trigger_tables);
	if (schedules_create(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return write_schedule(c, id);
}

static int
update_schedule(struct call *c)
{
	struct schedule_change change = SCHEDULE_CHANGE_INIT;

	if (call_given(c, "enabled"))
		change.enabled = call_bool(c, "enabled") ? TRI_TRUE : TRI_FALSE;
	change.interval_s = interval_of(c);
	change.cron_expression = call_string(c, "cron_expression");
	change.cron_timezone = call_string(c, "cron_timezone");
	change.name = call_string(c, "name");
	change.description = call_string(c, "description");
	if (schedules_update(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return write_schedule(c, call_int(c, "id"));
}

static int
delete_schedule(struct call *c)
{
	return schedules_delete(c->cat, call_int(c, "id"), &c->err);
}

/* --- run now ------------------------------------------------------------------------------------------------ */

static int
run_schedule(struct call *c)
{
	struct schedule_info schedule;

	if (c->wait_id)
		return api_take_run(c);
	if (schedules_get(c->cat, call_int(c, "id"), c->a, &schedule, &c->err) < 0)
		return -1;
	if (!schedule.flow_name)
		return call_fail(c, 404, "Flow not found");
	return api_ask_run(c, schedule.registration_id, schedule.id);
}

/* --- the table ------------------------------------------------------------------------------------------------ */

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field list_fields[] = {
	{.name = "registration_id", .place = IN_QUERY, .kind = FIELD_INT}, {0}};
static const struct field cron_fields[] = {FIELD_OPTIONAL("cron_expression", FIELD_STRING),
	FIELD_OPTIONAL("cron_timezone", FIELD_STRING), {0}};
static const struct field create_fields[] = {
	{.name = "registration_id", .place = IN_BODY, .kind = FIELD_INT, .required = true},
	{.name = "schedule_type",
		.place = IN_BODY,
		.kind = FIELD_ENUM,
		.required = true,
		.values = types},
	FIELD_OPTIONAL("interval_seconds", FIELD_INT),
	FIELD_OPTIONAL("cron_expression", FIELD_STRING),
	FIELD_OPTIONAL("cron_timezone", FIELD_STRING),
	FIELD_OPTIONAL("trigger_table_id", FIELD_INT),
	FIELD_OPTIONAL("trigger_table_ids", FIELD_INTS),
	{.name = "enabled", .place = IN_BODY, .kind = FIELD_BOOL, .preset = 1},
	FIELD_OPTIONAL("name", FIELD_STRING), FIELD_OPTIONAL("description", FIELD_STRING), {0}};
static const struct field update_fields[] = {FIELD_ID, FIELD_OPTIONAL("enabled", FIELD_BOOL),
	FIELD_OPTIONAL("interval_seconds", FIELD_INT),
	FIELD_OPTIONAL("cron_expression", FIELD_STRING),
	FIELD_OPTIONAL("cron_timezone", FIELD_STRING), FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), {0}};

static const struct member schedule_members[] = {{"id", "integer", false},
	{"registration_id", "integer", false}, {"owner_id", "integer", false},
	{"enabled", "boolean", false}, {"name", "string", true}, {"description", "string", true},
	{"schedule_type", "string", false}, {"interval_seconds", "integer", true},
	{"cron_expression", "string", true}, {"cron_timezone", "string", true},
	{"trigger_table_id", "integer", true}, {"trigger_table_name", "string", true},
	{"trigger_namespace_id", "integer", true}, {"trigger_namespace_name", "string", true},
	{"trigger_full_table_name", "string", true}, {"trigger_table_ids", "[integer]", false},
	{"trigger_table_names", "[string]", false}, {"trigger_full_table_names", "[string]", false},
	{"last_triggered_at", "datetime", true},
	{"last_trigger_table_updated_at", "datetime", true}, {"created_at", "datetime", false},
	{"updated_at", "datetime", false}, {0}};
static const struct member cron_members[] = {
	{"valid", "boolean", false}, {"error", "string", true}, {0}};
static const struct shape shapes[] = {
	{"Schedule", schedule_members}, {"CronCheck", cron_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/schedules", AUTH_ANY, 200, list_fields, "[Schedule]", list_schedules,
		"Schedules, newest first", false, false},
	{"POST", "/catalog/schedules", AUTH_USER, 201, create_fields, "Schedule", create_schedule,
		"Make a schedule", false, false},
	{"POST", "/catalog/schedules/validate-cron", AUTH_USER, 200, cron_fields, "CronCheck",
		validate_cron, "Check a cron expression and a time zone", false, false},
	{"GET", "/catalog/schedules/{id}", AUTH_ANY, 200, by_id, "Schedule", get_schedule,
		"One schedule", false, false},
	{"PUT", "/catalog/schedules/{id}", AUTH_ANY, 200, update_fields, "Schedule",
		update_schedule, "Change a schedule; what is null stays", false, false},
	{"DELETE", "/catalog/schedules/{id}", AUTH_ANY, 204, by_id, NULL, delete_schedule,
		"Delete a schedule; its runs stay", false, false},
	{"POST", "/catalog/schedules/{id}/run-now", AUTH_USER, 200, by_id, "Run", run_schedule,
		"Start its flow now; answers with the run", false, false},
	{0},
};

const struct route_set routes_schedules = {"Schedules", routes, shapes};
