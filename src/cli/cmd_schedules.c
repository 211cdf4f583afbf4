/* flowfile schedules ... */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "base/units.h"
#include "catalog/explain.h"
#include "catalog/resolve.h"
#include "catalog/schedules.h"
#include "catalog/tables.h"
#include "catalog/zones.h"
#include "cli/cli.h"

#define TABLES_MAX 256 /* that one set may watch, given on a command line */

/* --- list, show -------------------------------------------------------------------------------- */

static int
schedules_list_run(struct cli *cli, struct err *err)
{
	static const struct out_column columns[] = {
		{"ID", true, false},
		{"NAME", false, true},
		{"FLOW", false, true},
		{"FIRES", false, true},
		{"ENABLED", false, false},
		{"LAST FIRED (UTC)", false, false},
	};
	const char *flow = args_value(cli, "flow");
	int64_t flow_id = ID_NONE, now_us;
	struct arena *a = &cli->arena;
	struct schedule_list list;
	struct out_table t;
	struct json *j;

	if (cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		(flow != NULL && resolve_flow(&cli->catalog, flow, &flow_id, err) < 0) ||
		schedules_list(&cli->catalog, flow_id, a, &list, err) < 0)
		return -1;
	if (cli->json) {
		j = out_json_begin(cli);
		json_array(j);
		for (size_t i = 0; i < list.n; i++)
			schedules_json(j, &list.items[i]);
		json_array_end(j);
		return out_json_end(cli, err);
	}
	now_us = clock_wall(cli->catalog.clock);
	out_table_begin(&t, a, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < list.n; i++) {
		const struct schedule_info *s = &list.items[i];

		out_cell(&t, out_int(a, s->id));
		out_cell(&t, s->name);
		out_cell(&t,
			s->flow_name != NULL
				? s->flow_name
				: arena_printf(a, "#%lld (gone)", (long long)s->registration_id));
		out_cell(&t, schedules_describe(a, s));
		out_cell(&t, s->enabled ? "yes" : "no");
		out_cell(&t, out_time_cell(a, s->last_triggered_us, now_us));
	}
	out_table_end(&t,
		cli_hint(cli,
			"No schedules. Make one with `flowfile schedules create FLOW --every "
			"1h`."));
	return 0;
}

static void
print_head(struct cli *cli, const struct schedule_info *s)
{
	struct arena *a = &cli->arena;

	out_field("Id", out_int(a, s->id));
	out_field("Name", s->name);
	out_field("Flow",
		s->flow_name != NULL
			? arena_printf(a, "%s (%lld)", s->flow_name, (long long)s->registration_id)
			: arena_printf(a, "%lld (gone)", (long long)s->registration_id));
	out_field("Fires", schedules_describe(a, s));
}

static int
show_schedule(struct cli *cli, int64_t id, struct err *err)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;
	struct schedule_info s;

	if (schedules_get(&cli->catalog, id, a, &s, err) < 0)
		return -1;
	if (cli->json) {
		schedules_json(out_json_begin(cli), &s);
		return out_json_end(cli, err);
	}
	print_head(cli, &s);
	out_field("Description", s.description);
	out_field("Enabled", s.enabled ? "yes" : "no");
	out_field("Owner", out_int(a, s.owner_id));
	out_field("Last fired", out_time(a, s.last_triggered_us, now_us));
	if (s.type == SCHEDULE_TABLE || s.type == SCHEDULE_TABLE_SET)
		out_field("Writes up to", out_time(a, s.last_table_updated_us, now_us));
	out_field("Created", out_time(a, s.created_us, now_us));
	out_field("Changed", out_time(a, s.updated_us, now_us));
	return 0;
}

/* Opens the catalog and finds the schedule that the first argument names. */
static int
find_schedule(struct cli *cli, enum cli_need need, int64_t *id, struct err *err)
{
	if (cli_open(cli, need, err) < 0)
		return -1;
	return resolve_schedule(&cli->catalog, cli->args[0], id, err);
}

static int
schedules_show_run(struct cli *cli, struct err *err)
{
	int64_t id;

	if (find_schedule(cli, CLI_NEED_CATALOG, &id, err) < 0)
		return -1;
	return show_schedule(cli, id, err);
}

/* --- create ------------------------------------------------------------------------------------ */

static const struct {
	const char *option;
	int type;
} triggers[] = {
	{"every", SCHEDULE_INTERVAL},
	{"cron", SCHEDULE_CRON},
	{"on-table", SCHEDULE_TABLE},
	{"on-tables", SCHEDULE_TABLE_SET},
};

/* Which of the triggers was given: exactly one must be. */
static int
given_trigger(const struct cli *cli, int *type, const char **value, struct err *err)
{
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
		if (!args_has(cli, triggers[i].option))
			continue;
		if (first != NULL)
			return err_set(err, ERR_USAGE,
				"--%s and --%s together: a schedule has one trigger", first,
				triggers[i].option);
		first = triggers[i].option;
		*type = triggers[i].type;
		*value = args_value(cli, first);
	}
	if (first == NULL)
		return err_set(err, ERR_USAGE,
			"what shall make it run? One of --every DURATION, --cron EXPR, --on-table "
			"TABLE, --on-tables A,B");
	if (args_has(cli, "tz") && *type != SCHEDULE_CRON)
		return err_set(err, ERR_USAGE, "--tz belongs to --cron");
	return 0;
}

static int
parse_every(const char *value, int64_t *interval_s, struct err *err)
{
	if (!duration_parse_s(value, interval_s))
		return err_set(err, ERR_USAGE,
			"--every: '%s' is not a duration; write 90s, 5m, 2h or 1d", value);
	if (*interval_s < SCHEDULE_INTERVAL_MIN_S)
		return err_set(
			err, ERR_USAGE, "--every: '%s' is too short; the least is 60s", value);
	if (*interval_s > SCHEDULE_INTERVAL_MAX_S)
		return err_set(err, ERR_USAGE, "--every: '%s' is too long", value);
	return 0;
}

/* A table that a schedule is to watch may be one that its first run makes. */
static int
find_table(struct cli *cli, const char *name, int64_t *id, struct err *err)
{
	size_t len;

	if (resolve_table(&cli->catalog, name, id, err) == 0)
		return 0;
	len = strlen(err->text);
	if (err->code == ERR_NOT_FOUND && name[strspn(name, "0123456789")] != '\0')
		snprintf(err->text + len, sizeof(err->text) - len,
			"\nIf a flow will write it: `flowfile tables register %s`.",
			out_clean(&cli->arena, name));
	return -1;
}

static int
resolve_tables(struct cli *cli, const char *value, struct schedule_new *new, struct err *err)
{
	int64_t *ids = arena_array(&cli->arena, TABLES_MAX, sizeof(*ids));
	char *rest = arena_strdup(&cli->arena, value), *word;

	new->trigger_table_ids = ids;
	while ((word = strsep(&rest, ",")) != NULL) {
		word = text_trim(word);
		if (*word == '\0')
			return err_set(
				err, ERR_USAGE, "--on-tables: '%s' has an empty name", value);
		if (new->n_trigger_tables == TABLES_MAX)
			return err_set(
				err, ERR_USAGE, "--on-tables: more than %d tables", TABLES_MAX);
		if (find_table(cli, word, &ids[new->n_trigger_tables], err) < 0)
			return -1;
		for (size_t i = 0; i < new->n_trigger_tables; i++)
			if (ids[i] == ids[new->n_trigger_tables])
				return err_set(
					err, ERR_USAGE, "--on-tables: '%s' is there twice", word);
		new->n_trigger_tables++;
	}
	if (new->n_trigger_tables < 2)
		return err_set(err, ERR_USAGE,
			"--on-tables: '%s' is one table; a set has at least two, for one there is "
			"--on-table",
			value);
	return 0;
}

static int
set_trigger(struct cli *cli, const char *value, struct schedule_new *new, struct err *err)
{
	switch (new->type) {
	case SCHEDULE_INTERVAL:
		return parse_every(value, &new->interval_s, err);
	case SCHEDULE_CRON:
		new->cron_expression = value;
		new->cron_timezone = args_value(cli, "tz");
		return schedules_check_cron(&cli->catalog, value, new->cron_timezone, err);
	case SCHEDULE_TABLE:
		return find_table(cli, value, &new->trigger_table_id, err);
	default:
		return resolve_tables(cli, value, new, err);
	}
}

/* A cron expression that is accepted and yet never fires is most likely a mistake (D-28). */
static void
warn_never(struct cli *cli, int type, const char *expression, const char *zone)
{
	struct err ignored = ERR_INIT;
	struct cron cron;

	if (type != SCHEDULE_CRON || expression == NULL ||
		cron_parse(expression, 0, &cron, &ignored) < 0)
		return;
	if (cron_next(&cron, zones_get(cli->catalog.zones, zone, &ignored),
		    clock_wall(cli->catalog.clock)) == TIME_NEVER)
		fprintf(stderr, "Note: no date fits this expression; the schedule never fires.\n");
}

/* A flow that is started by the table it writes starts itself again, as fast as it runs (contract D-24). */
static void
warn_loop(struct cli *cli, const struct schedule_new *new)
{
	struct err ignored = ERR_INIT;
	struct table_info table;
	int64_t id;

	for (size_t i = 0; i < (new->type == SCHEDULE_TABLE ? 1 : new->n_trigger_tables); i++) {
		id = new->type == SCHEDULE_TABLE ? new->trigger_table_id
						 : new->trigger_table_ids[i];
		if (tables_get(&cli->catalog, id, &cli->arena, &table, &ignored) == 0 &&
			table.source_registration_id == new->registration_id)
			fprintf(stderr,
				"Warning: this flow writes %s itself, so each run starts the next "
				"one; "
				"trigger_min_gap in scheduler.ini slows that down.\n",
				out_clean(&cli->arena, table.name));
	}
}

static bool
same_tables(const struct schedule_info *a, const struct schedule_info *b)
{
	size_t found = 0;

	for (size_t i = 0; i < a->n_tables; i++)
		for (size_t k = 0; k < b->n_tables; k++)
			found += a->tables[i].table_id == b->tables[k].table_id;
	return a->n_tables == b->n_tables && found == a->n_tables;
}

static bool
same_trigger(struct arena *a, const struct schedule_info *x, const struct schedule_info *y)
{
	if (x->type != y->type)
		return false;
	if (x->type == SCHEDULE_TABLE)
		return x->trigger_table_id == y->trigger_table_id;
	if (x->type == SCHEDULE_TABLE_SET)
		return same_tables(x, y);
	return catalog_same(schedules_describe(a, x), schedules_describe(a, y));
}

/* Two of a flow that cannot be told apart, or fire together. */
static void
warn_twins(struct cli *cli, const struct schedule_info *s)
{
	struct err ignored = ERR_INIT;
	struct schedule_list list;

	if (schedules_list(&cli->catalog, s->registration_id, &cli->arena, &list, &ignored) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct schedule_info *other = &list.items[i];

		if (other->id == s->id)
			continue;
		if (same_trigger(&cli->arena, s, other))
			fprintf(stderr, "Warning: schedule %lld of this flow fires the same way.\n",
				(long long)other->id);
		if (s->name != NULL && catalog_same(s->name, other->name))
			fprintf(stderr,
				"Warning: schedule %lld of this flow has the same name; say which "
				"by "
				"the id.\n",
				(long long)other->id);
	}
}

static int
schedules_create_run(struct cli *cli, struct err *err)
{
	struct schedule_new new = {
		.interval_s = COUNT_NONE,
		.name = args_value(cli, "name"),
		.description = args_value(cli, "description"),
		.disabled = args_has(cli, "disabled"),
	};
	const char *value = NULL;
	struct schedule_info s;
	int64_t id;

	if (given_trigger(cli, &new.type, &value, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_flow(&cli->catalog, cli->args[0], &new.registration_id, err) < 0 ||
		set_trigger(cli, value, &new, err) < 0 ||
		schedules_create(&cli->catalog, &new, &id, err) < 0)
		return -1;
	warn_never(cli, new.type, new.cron_expression, new.cron_timezone);
	if (new.type == SCHEDULE_TABLE || new.type == SCHEDULE_TABLE_SET)
		warn_loop(cli, &new);
	if (schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0)
		return -1;
	warn_twins(cli, &s);
	if (cli->json)
		return show_schedule(cli, id, err);
	printf("Created schedule %lld: %s, %s%s.\n", (long long)id,
		out_clean(&cli->arena, s.flow_name),
		out_clean(&cli->arena, schedules_describe(&cli->arena, &s)),
		new.disabled                            ? " (disabled)"
			: new.type == SCHEDULE_INTERVAL ? ", the first time at once"
							: "");
	return 0;
}

/* --- set --------------------------------------------------------------------------------------- */

/* What makes it fire may change in its terms, not in its kind. */
static int
check_kind(struct cli *cli, const struct schedule_info *s, struct err *err)
{
	const char *wrong = NULL;

	if (args_has(cli, "every") && s->type != SCHEDULE_INTERVAL)
		wrong = "--every";
	else if (args_has(cli, "cron") && s->type != SCHEDULE_CRON)
		wrong = "--cron";
	else if (args_has(cli, "tz") && s->type != SCHEDULE_CRON)
		wrong = "--tz";
	if (wrong == NULL)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s: schedule %lld fires otherwise (%s)\nMake another with `flowfile schedules "
		"create %lld %s ...`, and delete this one.",
		wrong, (long long)s->id, schedules_describe(&cli->arena, s),
		(long long)s->registration_id, strcmp(wrong, "--tz") == 0 ? "--cron" : wrong);
}

static int
schedules_set_run(struct cli *cli, struct err *err)
{
	struct schedule_change change = SCHEDULE_CHANGE_INIT;
	const char *every = args_value(cli, "every");
	struct schedule_info s;
	int64_t id;

	change.cron_expression = args_value(cli, "cron");
	change.cron_timezone = args_value(cli, "tz");
	change.name = args_value(cli, "name");
	change.description = args_value(cli, "description");
	if (cli_needs_change(cli, err) < 0 ||
		(every != NULL && parse_every(every, &change.interval_s, err) < 0) ||
		find_schedule(cli, CLI_NEED_CATALOG, &id, err) < 0 ||
		schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0 ||
		check_kind(cli, &s, err) < 0 ||
		schedules_update(&cli->catalog, id, &change, err) < 0 ||
		schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0)
		return -1;
	warn_never(cli, s.type, s.cron_expression, s.cron_timezone);
	warn_twins(cli, &s);
	return show_schedule(cli, id, err);
}

/* --- enable, disable, delete, run -------------------------------------------------------------- */

static int
set_enabled(struct cli *cli, bool enabled, struct err *err)
{
	struct schedule_change change = SCHEDULE_CHANGE_INIT;
	struct schedule_info s;
	const char *lost;
	int64_t id;

	change.enabled = enabled ? TRI_TRUE : TRI_FALSE;
	if (find_schedule(cli, CLI_NEED_CATALOG, &id, err) < 0 ||
		schedules_update(&cli->catalog, id, &change, err) < 0 ||
		schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0)
		return -1;
	if (enabled && (lost = schedules_lost(&cli->arena, &s)) != NULL)
		fprintf(stderr, "Warning: it cannot fire: %s.\n", out_clean(&cli->arena, lost));
	if (cli->json)
		return show_schedule(cli, id, err);
	printf("Schedule %lld is %s.\n", (long long)id, enabled ? "enabled" : "disabled");
	return 0;
}

static int
schedules_enable_run(struct cli *cli, struct err *err)
{
	return set_enabled(cli, true, err);
}

static int
schedules_disable_run(struct cli *cli, struct err *err)
{
	return set_enabled(cli, false, err);
}

static int
schedules_delete_run(struct cli *cli, struct err *err)
{
	struct schedule_info s;
	int64_t id;

	if (find_schedule(cli, CLI_NEED_CATALOG, &id, err) < 0 ||
		schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0 ||
		schedules_delete(&cli->catalog, id, err) < 0)
		return -1;
	if (cli->json) {
		schedules_json(out_json_begin(cli), &s);
		return out_json_end(cli, err);
	}
	printf("Deleted schedule %lld. Its runs stay.\n", (long long)id);
	return 0;
}

static int
schedules_run_run(struct cli *cli, struct err *err)
{
	struct schedule_info s;
	int64_t id;

	if (find_schedule(cli, CLI_NEED_OURS, &id, err) < 0 ||
		schedules_get(&cli->catalog, id, &cli->arena, &s, err) < 0)
		return -1;
	if (s.flow_name == NULL)
		return err_set(err, ERR_NOT_FOUND,
			"the flow %lld of this schedule is not registered any more",
			(long long)s.registration_id);
	return request_run(cli, s.registration_id, id, err);
}

/* --- preview, explain -------------------------------------------------------------------------- */

static int
print_preview(struct cli *cli, int64_t id, const struct upcoming *up, struct err *err)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct json *j;

	if (cli->json) {
		j = out_json_begin(cli);
		json_object(j);
		json_kv_int(j, "schedule_id", id);
		catalog_json_utc(j, "due_at", up->due_us);
		json_key(j, "next_at");
		json_array(j);
		for (size_t i = 0; i < up->n; i++)
			catalog_json_utc(j, NULL, up->times[i]);
		json_array_end(j);
		json_object_end(j);
		return out_json_end(cli, err);
	}
	if (up->due_us != TIME_NONE)
		printf("due since %s\n", out_time(&cli->arena, up->due_us, now_us));
	for (size_t i = 0; i < up->n; i++)
		puts(out_time_in(&cli->arena, up->times[i], up->tz, now_us));
	if (up->on_data)
		printf("%s\n",
			cli_hint(cli,
				arena_printf(&cli->arena,
					"It fires when its tables are written, not at times. "
					"`flowfile schedules explain %lld` tells what it waits "
					"for.",
					(long long)id)));
	else if (up->n == 0)
		fputs("never\n", stderr);
	return 0;
}

static int
schedules_preview_run(struct cli *cli, struct err *err)
{
	struct upcoming up;
	int64_t id, count;

	if (args_int(cli, "count", 1, EXPLAIN_TIMES_MAX, 5, &count, err) < 0 ||
		find_schedule(cli, CLI_NEED_OURS, &id, err) < 0 ||
		explain_upcoming(&cli->catalog, id, (size_t)count, &cli->arena, &up, err) < 0)
		return -1;
	return print_preview(cli, id, &up, err);
}

static const char *
table_line(struct arena *a, const struct explain_table *t, int64_t now_us)
{
	static const struct {
		const char *state, *text;
	} texts[] = {
		{"written", "written, no run has taken it yet"},
		{"unchanged", "not written since"},
		{"gone", "not in the catalog any more"},
		{"reused", "another table now has its id"},
		{"not_armed", "not armed yet"},
	};
	const char *text = t->state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].state, t->state) == 0)
			text = texts[i].text;
	return arena_printf(a, "%s: %s; last write %s", t->name, text,
		out_time(a, t->last_write_us > 0 ? t->last_write_us : TIME_NONE, now_us));
}

static void
print_last(struct arena *a, const struct explain_firing *last, int64_t now_us)
{
	const char *text;

	if (!last->any) {
		out_field("Last fired", "never");
		return;
	}
	text = arena_printf(a, "%s, %s", out_time(a, last->fired_us, now_us),
		last->cause != NULL ? last->cause : "-");
	if (last->covered > 1)
		text = arena_printf(a, "%s (for %lld at once)", text, (long long)last->covered);
	if (last->run_id != ID_NONE)
		text = arena_printf(a, "%s: run %lld, %s", text, (long long)last->run_id,
			last->run_outcome != NULL ? last->run_outcome : "gone");
	out_field("Last fired", text);
}

static void
print_explanation(struct cli *cli, const struct explanation *e)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;

	print_head(cli, &e->schedule);
	/* "disabled. It is disabled." says it twice. */
	out_field("State",
		text_starts(e->reason, arena_printf(a, "It is %s", e->state))
			? e->reason
			: arena_printf(a, "%s. %s", e->state, e->reason));
	for (size_t i = 0; i < e->n_tables; i++)
		out_field(i == 0 ? "Tables" : "", table_line(a, &e->tables[i], now_us));
	print_last(a, &e->last, now_us);
	for (size_t i = 0; i < e->upcoming.n; i++)
		out_field(i == 0 ? (e->schedule.enabled ? "Next" : "Next, if on") : "",
			out_time_in(a, e->upcoming.times[i], e->upcoming.tz, now_us));
	if (!leader_lives(cli, &e->leader))
		out_field("Scheduler", "none is running: nothing fires");
	else if (e->paused)
		out_field("Scheduler", "paused: nothing fires");
}

static int
schedules_explain_run(struct cli *cli, struct err *err)
{
	struct explanation e;
	struct policy policy;
	int64_t id;

	if (find_schedule(cli, CLI_NEED_OURS, &id, err) < 0)
		return -1;
	policy = (struct policy){
		.max_concurrent_runs = cli->config->max_concurrent_runs,
		.trigger_min_gap_us = cli->config->trigger_min_gap_s * US_PER_SEC,
	};
	if (explain_schedule(&cli->catalog, &policy, id, 3, &cli->arena, &e, err) < 0)
		return -1;
	e.reason = cli_hint(cli, e.reason);
	if (cli->json) {
		explain_json(out_json_begin(cli), &e);
		return out_json_end(cli, err);
	}
	print_explanation(cli, &e);
	return 0;
}

static const struct cli_option list_options[] = {
	{"flow", 0, "FLOW", "only of this flow", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option create_options[] = {
	{"every", 0, "DURATION",
		"at a fixed interval, the first time at once: 90s, 5m, 2h, 1d; 60s at least",
		false},
	{"cron", 0, "EXPR", "at the times of a cron expression of five fields", false},
	{"tz", 0, "ZONE", "of --cron: Europe/Amsterdam; UTC if not said", false},
	{"on-table", 0, "TABLE", "whenever this table is written", false},
	{"on-tables", 0, "A,B[,C]", "when all of these have been written since the last run",
		false},
	{"name", 0, "NAME", "what it is called", false},
	{"description", 0, "TEXT", "what it is for", false},
	{"disabled", 0, NULL, "make it, but do not let it fire yet", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option set_options[] = {
	{"every", 0, "DURATION", "of an interval: 90s, 5m, 2h, 1d; 60s at least", false},
	{"cron", 0, "EXPR", "of a cron schedule: its expression", false},
	{"tz", 0, "ZONE", "of a cron schedule: its zone; '' is UTC", false},
	{"name", 0, "NAME", "what it is called", false},
	{"description", 0, "TEXT", "what it is for", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option run_options[] = {
	{"wait", 0, NULL, "wait until the run has ended; exit 1 if it failed", false},
	{"queue", 0, NULL, "keep the request if no scheduler is running", false},
	{NULL, 0, NULL, NULL, false},
};
static const struct cli_option preview_options[] = {
	{"count", 0, "N", "how many times; 5 if not said", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_schedules[] = {
	{"list", "", "Lists the schedules, newest first", schedules_list_run, 0, 0, list_options,
		NULL, false},
	{"show", "ID|NAME", "Shows one schedule", schedules_show_run, 1, 1, NULL, NULL, false},
	{"create", "FLOW --every D | --cron EXPR | --on-table T | --on-tables A,B",
		"Makes a schedule for a flow", schedules_create_run, 1, 1, create_options,
		"A data trigger is armed when it is made: only later writes make it fire.", false},
	{"set", "ID|NAME", "Changes a schedule", schedules_set_run, 1, 1, set_options,
		"An interval goes on from its last firing, a cron schedule from now.", false},
	{"enable", "ID|NAME", "Lets a schedule fire; earlier writes do not count",
		schedules_enable_run, 1, 1, NULL, NULL, false},
	{"disable", "ID|NAME", "Keeps a schedule from firing", schedules_disable_run, 1, 1, NULL,
		NULL, false},
	{"delete", "ID|NAME", "Deletes a schedule; its runs stay", schedules_delete_run, 1, 1, NULL,
		NULL, false},
	{"run", "ID|NAME", "Runs the schedule's flow now", schedules_run_run, 1, 1, run_options,
		NULL, false},
	{"preview", "ID|NAME", "Shows when it fires next", schedules_preview_run, 1, 1,
		preview_options, NULL, false},
	{"explain", "ID|NAME", "Says what it waits for and why it fired last",
		schedules_explain_run, 1, 1, NULL, NULL, false},
	{0},
};
