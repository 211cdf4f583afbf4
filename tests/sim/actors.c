/* People and programs that use the catalog: writers, users, the designer. They know nothing of daemons. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

/* --- writers ---------------------------------------------------------------------------------------------- */

/* Upstream's ORM writes whole seconds by CURRENT_TIMESTAMP; ours and a bound time have a fraction. */
bool
actor_write_table(struct sim *s, int table, struct proc *by)
{
	struct stable *t = &s->tables[table];
	int64_t now_us = sim_wall(s);
	long long id = (long long)t->id;

	if (!t->exists)
		return false;
	if (rng_chance(&s->rngs[STREAM_PEOPLE], 0.03)) {
		sql_exec(s, "BEGIN IMMEDIATE");
		sql_exec(s,
			"UPDATE catalog_tables SET updated_at = CURRENT_TIMESTAMP WHERE id = %lld",
			id);
		sql_exec(s, "ROLLBACK");
		return false;
	}
	if (now_us > t->stamp_us && rng_chance(&s->rngs[STREAM_PEOPLE], 0.3)) {
		t->stamp_us = now_us;
		t->stamp_fraction = true;
		sql_exec(s,
			"UPDATE catalog_tables SET row_count = %lld, updated_at = '%s' WHERE id = "
			"%lld",
			(long long)s->commits, sql_stamp(now_us), id);
	} else {
		t->stamp_us = now_us / US_PER_SEC * US_PER_SEC;
		t->stamp_fraction = false;
		sql_exec(s,
			"UPDATE catalog_tables SET row_count = %lld, updated_at = "
			"CURRENT_TIMESTAMP WHERE id "
			"= %lld",
			(long long)s->commits, id);
	}
	TRACE(s, "table %lld is written%s", id, by ? " by a flow" : "");
	truth_written(s, table);
	if (s->push && rng_chance(&s->rngs[STREAM_PEOPLE], 0.8))
		peer_push(s, table);
	return true;
}

/* Rename, optimize, vacuum: the stamp that was read is written back, with a fraction. No write (D-16). */
static void
rename_table(struct sim *s, int table)
{
	struct stable *t = &s->tables[table];

	if (!t->exists || s->T - t->write_T < 2 * US_PER_SEC)
		return;
	TRACE(s, "table %lld is renamed", (long long)t->id);
	sql_exec(s,
		"UPDATE catalog_tables SET name = 'table %lld %lld', updated_at = CASE WHEN "
		"instr(updated_at, '.') THEN updated_at ELSE updated_at || '.000000' END WHERE id "
		"= %lld",
		(long long)t->id, (long long)s->commits, (long long)t->id);
}

static uint32_t
some_tables(struct sim *s, int below)
{
	uint32_t bits = 0;

	for (int i = 0; below > 0 && i < 3; i++)
		bits |= UINT32_C(1) << rng_below(&s->rngs[STREAM_PEOPLE], below);
	return bits;
}

/* Another query, which is a write of its row; or another flow file, of which the catalog knows nothing. A world whose clock is
 * set cannot tell what a file came before. */
static void
edit_virtual(struct sim *s, int table)
{
	struct stable *t = &s->tables[table];
	bool silently = t->by_flow && !s->faults.clock_step_every_us &&
		rng_chance(&s->rngs[STREAM_PEOPLE], 0.7);
	uint32_t reads;

	if (!t->exists)
		return;
	virtual_will_change(s);
	/* Mostly what was there before; now and then in a loop. */
	reads = some_tables(s, rng_chance(&s->rngs[STREAM_PEOPLE], 0.1) ? s->n_tables : table);
	if (!silently && !actor_write_table(s, table, NULL))
		return;
	TRACE(s, "virtual table %lld is made of others%s", (long long)t->id,
		silently ? ", in its flow's file" : "");
	t->reads = reads;
	virtual_changed(s, table, silently);
}

/* To read is no write, also if the row is written back as it was. */
static void
read_virtual(struct sim *s, int table)
{
	const struct stable *t = &s->tables[table];

	TRACE(s, "virtual table %lld is read", (long long)t->id);
	if (s->T - t->write_T > 2 * US_PER_SEC)
		sql_exec(s, "UPDATE catalog_tables SET updated_at = updated_at WHERE id = %lld",
			(long long)t->id);
	sql_int(s, 0,
		"SELECT count(*) FROM catalog_tables t JOIN scheduler_sources s ON s.table_id = "
		"t.id WHERE t.id = %lld",
		(long long)t->id);
}

static int64_t write_mean_us;
static int64_t user_mean_us;

static void
on_write(struct sim *s, void *what, int64_t table)
{
	bool acts = sim_acts(s, STREAM_PEOPLE);

	if (s->phase != PHASE_OVER)
		sim_in(s, rng_wait(&s->rngs[STREAM_PEOPLE], write_mean_us), on_write, what, table);
	if (!acts)
		return;
	if (rng_chance(&s->rngs[STREAM_PEOPLE], 0.1)) {
		rename_table(s, (int)table);
		return;
	}
	if (s->tables[table].is_virtual && rng_chance(&s->rngs[STREAM_PEOPLE], 0.9)) {
		if (rng_chance(&s->rngs[STREAM_PEOPLE], 0.5))
			edit_virtual(s, (int)table);
		else
			read_virtual(s, (int)table);
		return;
	}
	actor_write_table(s, (int)table, NULL);
	if (rng_chance(&s->rngs[STREAM_PEOPLE], 0.3))
		actor_write_table(s, (int)table, NULL);
}

/* --- the catalog as it is made ------------------------------------------------------------------------------ */

static void
make_flow(struct sim *s)
{
	struct sflow *f = &s->flows[s->n_flows];

	*f = (struct sflow){
		.id = 100 + s->n_flows, .registered = sim_acts(s, STREAM_PEOPLE), .writes = -1};
	snprintf(f->uuid, sizeof(f->uuid), "00000000-0000-4000-8000-%012d", s->n_flows);
	f->min_duration_us = rng_range(&s->rngs[STREAM_PEOPLE], 1, 5000) * US_PER_MS;
	f->max_duration_us = f->min_duration_us + rng_wait(&s->rngs[STREAM_PEOPLE], 2 * US_PER_MIN);
	f->slow_death = rng_chance(&s->rngs[STREAM_PEOPLE], 0.2);
	f->closes_row = rng_chance(&s->rngs[STREAM_PEOPLE], 0.4);
	if (s->n_tables > 0 && !s->idle && rng_chance(&s->rngs[STREAM_PEOPLE], 0.15))
		f->writes = (int)rng_below(&s->rngs[STREAM_PEOPLE], s->n_tables);
	f->exec_failures = rng_chance(&s->rngs[STREAM_PEOPLE], 0.1) ? 200 : 0;
	if (f->registered)
		TRACE(s, "flow %lld is made", (long long)f->id);
	if (f->registered)
		sql_exec(s,
			"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid) "
			"VALUES "
			"(%lld, "
			"'flow %d', '/flows/%d.yaml', 1, '%s')",
			(long long)f->id, s->n_flows, s->n_flows, f->uuid);
	s->n_flows++;
}

static void
make_table(struct sim *s)
{
	struct stable *t = &s->tables[s->n_tables++];

	*t = (struct stable){.id = 10 + s->n_tables,
		.exists = sim_acts(s, STREAM_PEOPLE),
		.stamp_us = sim_wall(s)};
	if (!t->exists)
		return;
	TRACE(s, "table %lld is made", (long long)t->id);
	sql_exec(s,
		"INSERT INTO catalog_tables (id, name, owner_id) VALUES (%lld, 'table %lld', 1)",
		(long long)t->id, (long long)t->id);
}

static void
insert_virtual(struct sim *s, const struct stable *t)
{
	sql_exec(s,
		"INSERT INTO catalog_tables (id, name, owner_id, table_type, sql_query) VALUES "
		"(%lld, 'table %lld', 1, 'virtual', %s)",
		(long long)t->id, (long long)t->id, t->by_flow ? "NULL" : "'SELECT'");
}

static void
make_virtual(struct sim *s)
{
	struct stable *t = &s->tables[s->n_tables];

	*t = (struct stable){.id = 11 + s->n_tables,
		.exists = sim_acts(s, STREAM_PEOPLE),
		.stamp_us = sim_wall(s),
		.is_virtual = true,
		.by_flow = rng_chance(&s->rngs[STREAM_PEOPLE], 0.5),
		.reads = some_tables(s, s->n_tables)};
	s->n_tables++;
	if (!t->exists)
		return;
	TRACE(s, "virtual table %lld is made", (long long)t->id);
	insert_virtual(s, t);
	virtual_changed(s, s->n_tables - 1, false);
	truth_written(s, s->n_tables - 1);
	t->covered = t->writes;
}

static void
add_watches(struct sim *s, struct sched *x, int n)
{
	while (x->n_watches < n) {
		int table = (int)rng_below(&s->rngs[STREAM_PEOPLE], s->n_tables);
		bool have = false;

		for (int i = 0; i < x->n_watches; i++)
			have |= x->watches[i] == table;
		if (!have)
			x->watches[x->n_watches++] = table;
	}
}

static void
choose_kind(struct sim *s, struct sched *x)
{
	x->kind = (enum sched_kind)rng_below(&s->rngs[STREAM_PEOPLE], 4);
	if (s->idle && x->kind > KIND_CRON && s->n_tables < 2)
		x->kind = KIND_INTERVAL;
	if (x->kind == KIND_TABLE && s->n_tables < 1)
		x->kind = KIND_INTERVAL;
	if (x->kind == KIND_SET && s->n_tables < 2)
		x->kind = KIND_CRON;
	if (s->idle && x->kind == KIND_CRON)
		x->kind = KIND_INTERVAL;
	if (x->kind == KIND_INTERVAL)
		x->interval_us = s->idle
			? 90 * US_PER_DAY
			: rng_range(&s->rngs[STREAM_PEOPLE], 4, 480) * 30 * US_PER_SEC;
	x->expr = (int)rng_below(&s->rngs[STREAM_PEOPLE], truth_n_exprs);
	x->zone = (int)rng_below(&s->rngs[STREAM_PEOPLE], truth_n_zones);
	if (x->kind == KIND_TABLE)
		add_watches(s, x, 1);
	if (x->kind == KIND_SET)
		add_watches(
			s, x, (int)rng_range(&s->rngs[STREAM_PEOPLE], 2, s->n_tables < 3 ? 2 : 3));
}

static void
insert_schedule(struct sim *s, struct sched *x)
{
	static const char *const types[] = {
		"interval", "cron", "table_trigger", "table_set_trigger"};
	char interval[24] = "NULL", trigger[24] = "NULL", expr[64] = "NULL", zone[64] = "NULL";

	if (x->kind == KIND_INTERVAL)
		snprintf(interval, sizeof(interval), "%lld",
			(long long)(x->interval_us / US_PER_SEC));
	if (x->kind == KIND_TABLE)
		snprintf(trigger, sizeof(trigger), "%lld", (long long)s->tables[x->watches[0]].id);
	if (x->kind == KIND_CRON) {
		snprintf(expr, sizeof(expr), "'%s'", truth_exprs[x->expr]);
		if (x->zone > 0 || rng_chance(&s->rngs[STREAM_PEOPLE], 0.3))
			snprintf(zone, sizeof(zone), "'%s'", truth_zones[x->zone]);
	}
	sql_exec(s, "BEGIN IMMEDIATE");
	sql_exec(s,
		"INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, "
		"schedule_type, "
		"interval_seconds, trigger_table_id, cron_expression, cron_timezone, created_at, "
		"last_trigger_table_updated_at) VALUES (%lld, %lld, %lld, %d, '%s', %s, %s, %s, "
		"%s, '%s', "
		"(SELECT updated_at FROM catalog_tables WHERE id = %s))",
		(long long)x->id, (long long)s->flows[x->flow].id, (long long)s->users[x->owner].id,
		x->enabled, types[x->kind], interval, trigger, expr, zone, sql_stamp(sim_wall(s)),
		trigger);
	if (x->kind == KIND_SET)
		for (int i = 0; i < x->n_watches; i++)
			sql_exec(s,
				"INSERT INTO schedule_trigger_tables (schedule_id, table_id) "
				"VALUES (%lld, "
				"%lld)",
				(long long)x->id, (long long)s->tables[x->watches[i]].id);
	sql_exec(s, "COMMIT");
}

static void
tell_schedule(struct sim *s, const struct sched *x)
{
	const long long id = x->id, flow = s->flows[x->flow].id;

	if (x->kind == KIND_INTERVAL)
		TRACE(s, "schedule %lld is made: flow %lld every %lld s", id, flow,
			(long long)(x->interval_us / US_PER_SEC));
	else if (x->kind == KIND_CRON)
		TRACE(s, "schedule %lld is made: flow %lld at %s %s", id, flow,
			truth_exprs[x->expr], truth_zones[x->zone]);
	else if (x->kind == KIND_TABLE)
		TRACE(s, "schedule %lld is made: flow %lld when table %lld is written", id, flow,
			(long long)s->tables[x->watches[0]].id);
	else
		TRACE(s, "schedule %lld is made: flow %lld when tables %lld, %lld%s are written",
			id, flow, (long long)s->tables[x->watches[0]].id,
			(long long)s->tables[x->watches[1]].id,
			x->n_watches > 2 ? " and one more" : "");
}

static void
make_schedule(struct sim *s)
{
	struct sched *x;

	if (s->n_scheds == SCHEDS_MAX)
		return;
	x = &s->scheds[s->n_scheds];
	*x = (struct sched){
		.id = 1000 + s->n_scheds, .exists = sim_acts(s, STREAM_PEOPLE), .enabled = true};
	s->n_scheds++;
	x->flow = (int)rng_below(&s->rngs[STREAM_PEOPLE], s->n_flows);
	x->owner = (int)rng_below(&s->rngs[STREAM_PEOPLE], 3);
	x->next_us = TIME_NONE;
	x->changed_T = s->T;
	x->fired_T = -TIME_NEVER / 2;
	choose_kind(s, x);
	/* An interval is due when it is made; a cron's slots come after that (contract 4.4, 4.5). */
	x->cursor_us = sim_wall(s) - (x->kind == KIND_INTERVAL ? x->interval_us : 0);
	/* Another host's clock, or the now of a turn that stalls, may be behind: then an interval counts
	 * from when it is first seen. */
	x->cursor_known = (s->n_hosts == 1 && s->faults.stall <= 0) || x->kind == KIND_CRON;
	if (!x->exists)
		return;
	tell_schedule(s, x);
	insert_schedule(s, x);
	truth_arm(s, x);
}

/* Rows that make no sense: they must harm nobody (P12). */
static const char *const bad_rows[] = {
	"UPDATE flow_schedules SET cron_expression = 'no cron', schedule_type = 'cron' WHERE id = "
	"%lld",
	"UPDATE flow_schedules SET cron_expression = '* * * * *', cron_timezone = 'Mars/Olympus', "
	"schedule_type = 'cron' WHERE id = %lld",
	"UPDATE flow_schedules SET interval_seconds = NULL, schedule_type = 'interval' WHERE id = "
	"%lld",
	"UPDATE flow_schedules SET interval_seconds = -5, schedule_type = 'interval' WHERE id = "
	"%lld",
	"UPDATE flow_schedules SET interval_seconds = 9000000000000000000, schedule_type = "
	"'interval' WHERE "
	"id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'full_moon' WHERE id = %lld",
	"UPDATE flow_schedules SET last_triggered_at = 'yesterday' WHERE id = %lld",
	"UPDATE flow_schedules SET created_at = x'ff00ff' WHERE id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'table_trigger', trigger_table_id = NULL WHERE "
	"id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'table_trigger', trigger_table_id = 987654 "
	"WHERE id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'table_set_trigger' WHERE id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'interval', interval_seconds = 60, "
	"registration_id = "
	"987654 WHERE id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'interval', interval_seconds = 60, owner_id = "
	"987654 WHERE "
	"id = %lld",
	"UPDATE flow_schedules SET schedule_type = 'interval', enabled = 'yes' WHERE id = %lld",
};

static void
plant_bad_row(struct sim *s)
{
	struct sched *x = &s->scheds[rng_below(&s->rngs[STREAM_PEOPLE], s->n_scheds)];
	const char *row = bad_rows[rng_below(
		&s->rngs[STREAM_PEOPLE], (int64_t)(sizeof(bad_rows) / sizeof(*bad_rows)))];

	if (!sim_acts(s, STREAM_PEOPLE) || !x->exists || x->bad)
		return;
	x->bad = true;
	TRACE(s, "schedule %lld is made a bad row", (long long)x->id);
	sql_exec(s, "DELETE FROM schedule_trigger_tables WHERE schedule_id = %lld",
		(long long)x->id);
	sql_exec(s, row, (long long)x->id);
}

static int
count(struct sim *s, enum ingredient i, int64_t chosen, int max)
{
	double n = recipe_take(s->recipe, i, (double)chosen, s->used);

	return n < max ? (int)n : max;
}

void
actors_populate(struct sim *s)
{
	int64_t virtuals;
	int n;

	for (int i = 0; i < 3; i++) {
		s->users[i] = (struct suser){i + 1, true};
		if (i > 0)
			sql_exec(s,
				"INSERT INTO users (id, username, disabled) VALUES (%d, 'user %d', "
				"0)",
				i + 1, i + 1);
	}
	n = count(s, ING_TABLES, s->idle ? 3 : rng_range(&s->rngs[STREAM_RECIPE], 0, 6),
		TABLES_MAX / 2);
	for (int i = 0; i < n; i++)
		make_table(s);
	virtuals = rng_chance(&s->rngs[STREAM_RECIPE], 0.6)
		? rng_range(&s->rngs[STREAM_RECIPE], 1, 6)
		: 0;
	n = count(s, ING_VIRTUALS, s->n_tables > 0 ? virtuals : 0, TABLES_MAX / 2);
	for (int i = 0; i < n && s->n_tables > 0; i++)
		make_virtual(s);
	n = count(s, ING_FLOWS, rng_range(&s->rngs[STREAM_RECIPE], 1, 10), FLOWS_MAX);
	for (int i = 0; i == 0 || i < n; i++)
		make_flow(s);
	n = count(s, ING_SCHEDULES,
		s->idle ? rng_range(&s->rngs[STREAM_RECIPE], 2, 400)
			: rng_range(&s->rngs[STREAM_RECIPE], 1, 15),
		SCHEDS_MAX);
	for (int i = 0; i < n; i++)
		make_schedule(s);
	if (count(s, ING_BAD_ROWS, !s->idle && rng_chance(&s->rngs[STREAM_RECIPE], 0.25), 1) > 0 &&
		s->n_scheds > 0)
		for (int i = 0; i < 4; i++)
			plant_bad_row(s);
	write_mean_us = rng_range(&s->rngs[STREAM_RECIPE], 1, 120) * US_PER_MIN;
	user_mean_us = rng_range(&s->rngs[STREAM_RECIPE], 2, 60) * US_PER_MIN;
}

/* --- users ------------------------------------------------------------------------------------------------------ */

static struct sched *
some_schedule(struct sim *s)
{
	struct sched *x =
		s->n_scheds ? &s->scheds[rng_below(&s->rngs[STREAM_PEOPLE], s->n_scheds)] : NULL;

	return x && x->exists && !x->bad ? x : NULL;
}

/* Core arms a trigger when it is enabled (contract 4.9). */
static void
toggle_schedule(struct sim *s)
{
	struct sched *x = some_schedule(s);

	if (!x)
		return;
	x->enabled = !x->enabled;
	x->changed_T = s->T;
	TRACE(s, "schedule %lld is %s", (long long)x->id, x->enabled ? "enabled" : "disabled");
	sql_exec(s,
		"UPDATE flow_schedules SET enabled = %d, updated_at = CURRENT_TIMESTAMP, "
		"last_trigger_table_updated_at = CASE WHEN %d AND schedule_type LIKE 'table%%' "
		"THEN (SELECT "
		"max(updated_at) FROM catalog_tables WHERE id = %lld OR id = %lld OR id = %lld) "
		"ELSE "
		"last_trigger_table_updated_at END WHERE id = %lld",
		x->enabled, x->enabled, (long long)s->tables[x->watches[0]].id,
		(long long)s->tables[x->watches[1]].id, (long long)s->tables[x->watches[2]].id,
		(long long)x->id);
	if (x->enabled)
		truth_arm(s, x);
}

static void
edit_schedule(struct sim *s)
{
	struct sched *x = some_schedule(s);

	if (!x || x->kind > KIND_CRON)
		return;
	x->changed_T = s->T;
	x->cursor_known = false;
	x->next_us = TIME_NONE;
	if (x->kind == KIND_INTERVAL) {
		x->interval_us = rng_range(&s->rngs[STREAM_PEOPLE], 2, 240) * 30 * US_PER_SEC;
		sql_exec(s,
			"UPDATE flow_schedules SET interval_seconds = %lld, updated_at = "
			"CURRENT_TIMESTAMP "
			"WHERE id = %lld",
			(long long)(x->interval_us / US_PER_SEC), (long long)x->id);
	} else {
		x->expr = (int)rng_below(&s->rngs[STREAM_PEOPLE], truth_n_exprs);
		x->zone = (int)rng_below(&s->rngs[STREAM_PEOPLE], truth_n_zones);
		sql_exec(s,
			"UPDATE flow_schedules SET cron_expression = '%s', cron_timezone = '%s', "
			"updated_at = "
			"CURRENT_TIMESTAMP WHERE id = %lld",
			truth_exprs[x->expr], truth_zones[x->zone], (long long)x->id);
	}
	TRACE(s, "schedule %lld is edited", (long long)x->id);
}

static void
delete_schedule(struct sim *s)
{
	struct sched *x = some_schedule(s);

	if (!x || s->n_scheds > SCHEDS_MAX - 4)
		return;
	TRACE(s, "schedule %lld is deleted", (long long)x->id);
	x->exists = false;
	sql_exec(s, "BEGIN IMMEDIATE");
	sql_exec(s, "DELETE FROM schedule_trigger_tables WHERE schedule_id = %lld",
		(long long)x->id);
	sql_exec(s, "DELETE FROM flow_schedules WHERE id = %lld", (long long)x->id);
	sql_exec(s, "COMMIT");
	make_schedule(s);
}

static void
toggle_user(struct sim *s)
{
	int i = (int)rng_below(&s->rngs[STREAM_PEOPLE], 3);

	s->users[i].enabled = !s->users[i].enabled;
	for (int k = 0; k < s->n_scheds; k++)
		if (s->scheds[k].owner == i)
			s->scheds[k].changed_T = s->T;
	TRACE(s, "user %d is %s", i + 1, s->users[i].enabled ? "enabled" : "disabled");
	sql_exec(s, "UPDATE users SET disabled = %d WHERE id = %lld", !s->users[i].enabled,
		(long long)s->users[i].id);
}

/* Only the row goes: its schedules dangle until it is back. */
static void
toggle_flow(struct sim *s)
{
	struct sflow *f = &s->flows[rng_below(&s->rngs[STREAM_PEOPLE], s->n_flows)];

	f->registered = !f->registered;
	for (int k = 0; k < s->n_scheds; k++)
		if (&s->flows[s->scheds[k].flow] == f)
			s->scheds[k].changed_T = s->T;
	TRACE(s, "flow %lld is %s", (long long)f->id, f->registered ? "back" : "gone");
	if (f->registered)
		sql_exec(s,
			"INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid) "
			"VALUES "
			"(%lld, 'back', '/flows/back.yaml', 1, '%s')",
			(long long)f->id, f->uuid);
	else
		sql_exec(s, "DELETE FROM flow_registrations WHERE id = %lld", (long long)f->id);
}

/* Dropped, and made anew by the same name, which is a write. */
static void
toggle_table(struct sim *s)
{
	int i = s->n_tables ? (int)rng_below(&s->rngs[STREAM_PEOPLE], s->n_tables) : -1;
	struct stable *t = &s->tables[i < 0 ? 0 : i];

	if (i < 0)
		return;
	virtual_will_change(s);
	t->exists = !t->exists;
	TRACE(s, "table %lld is %s", (long long)t->id, t->exists ? "made anew" : "dropped");
	if (!t->exists) {
		sql_exec(s, "DELETE FROM catalog_tables WHERE id = %lld", (long long)t->id);
		return;
	}
	sql_exec(s,
		"INSERT INTO catalog_tables (id, name, owner_id, table_type) SELECT table_id, "
		"name, 1, "
		"'%s' FROM scheduler_tables WHERE table_id = %lld",
		t->is_virtual ? "virtual" : "physical", (long long)t->id);
	t->stamp_us = sim_wall(s);
	truth_written(s, i);
	t->covered = t->writes;
	virtual_changed(s, i, false);
}

/* From now on there is one more. */
static void
add_virtual(struct sim *s)
{
	if (s->n_tables == 0 || s->n_tables == TABLES_MAX)
		return;
	virtual_will_change(s);
	make_virtual(s);
	sim_in(s, rng_wait(&s->rngs[STREAM_PEOPLE], write_mean_us), on_write, NULL,
		s->n_tables - 1);
}

static void
toggle_pause(struct sim *s)
{
	s->paused = !s->paused;
	s->paused_T = s->T;
	TRACE(s, "launching is %s", s->paused ? "paused" : "resumed");
	sql_exec(s,
		"INSERT INTO scheduler_settings (name, value) VALUES ('paused', '%d') ON CONFLICT "
		"(name) DO "
		"UPDATE SET value = excluded.value",
		s->paused);
}

static void
maybe_refuse_request(struct sim *s)
{
	if (sim_strikes(s, s->faults.refuse_request))
		sql_refuse(s, 'q', sql_int(s, 0, "SELECT max(id) FROM scheduler_requests"));
}

static void
request_run(struct sim *s)
{
	struct sflow *f = &s->flows[rng_below(&s->rngs[STREAM_PEOPLE], s->n_flows)];

	s->request_T = s->T;
	s->requests_done = false;
	TRACE(s, "a run of flow %lld is asked for", (long long)f->id);
	sql_exec(s,
		"INSERT INTO scheduler_requests (kind, registration_id, user_id, requested_by, "
		"created_at) "
		"VALUES ('run', %lld, 1, 'sim', '%s')",
		(long long)f->id, sql_stamp(sim_wall(s)));
	maybe_refuse_request(s);
}

static void
ask_cancel(struct sim *s, int64_t id)
{
	s->request_T = s->T;
	s->requests_done = false;
	s->runs[id].cancel_asked = true;
	TRACE(s, "the cancel of run %lld is asked for", (long long)id);
	sql_exec(s,
		"INSERT INTO scheduler_requests (kind, run_id, user_id, requested_by, created_at) "
		"VALUES ('cancel', %lld, 1, 'sim', '%s')",
		(long long)id, sql_stamp(sim_wall(s)));
	maybe_refuse_request(s);
}

static void
on_regret(struct sim *s, void *what, int64_t id)
{
	(void)what;
	if (sim_faulty(s) && s->runs[id].open)
		ask_cancel(s, id);
}

/* Some are sorry at once: the cancel comes before the start, when daemons may die or lose the lock. */
void
actor_claimed(struct sim *s, int64_t id)
{
	if (sim_strikes(s, s->faults.regret))
		sim_in(s, rng_below(&s->rngs[STREAM_FAULTS], 10 * US_PER_MS), on_regret, NULL, id);
}

static void
cancel_run(struct sim *s)
{
	struct jrun *r;
	struct proc *p;
	int64_t id, pid;

	if (s->n_active == 0)
		return;
	id = s->active[rng_below(&s->rngs[STREAM_PEOPLE], s->n_active)];
	r = &s->runs[id];
	if (rng_chance(&s->rngs[STREAM_PEOPLE], 0.6)) {
		ask_cancel(s, id);
		return;
	}
	/* Flowfile's own: TERM to the pid, the row closed at once (D-09). */
	if (!r->open)
		return;
	pid = sql_int(s, 0, "SELECT pid FROM flow_runs WHERE id = %lld", (long long)id);
	p = pid ? host_find(&s->hosts[0], (pid_t)pid, 0) : NULL;
	TRACE(s, "Flowfile cancels run %lld", (long long)id);
	if (p)
		proc_term(p);
	r->core_cancelled = r->ours && p && p->run_id == id;
	r->cancel_asked = true;
	if (r->open)
		sql_exec(s,
			"UPDATE flow_runs SET ended_at = '%s', success = 0, duration_seconds = 1 "
			"WHERE id = %lld",
			sql_stamp(sim_wall(s)), (long long)id);
}

/* Somebody tidies up by hand: the rows of runs that still go on go, too. An id does not come again here, so the last
 * row stays. */
static void
delete_run(struct sim *s)
{
	int64_t id = s->n_active ? s->active[rng_below(&s->rngs[STREAM_PEOPLE], s->n_active)] : 0;

	if (!id || s->runs[id].deleted)
		return;
	TRACE(s, "the row of run %lld is deleted", (long long)id);
	sql_exec(s,
		"INSERT INTO flow_runs (id, flow_name, user_id, started_at, ended_at, success, "
		"nodes_completed, number_of_nodes, run_type) SELECT max(id) + 1, 'x', 1, '%s', "
		"'%s', 1, 0, 0, 'manual' FROM flow_runs HAVING max(id) = %lld",
		sql_stamp(sim_wall(s)), sql_stamp(sim_wall(s)), (long long)id);
	sql_exec(s, "DELETE FROM flow_runs WHERE id = %lld", (long long)id);
}

static void
on_designer_ends(struct sim *s, void *what, int64_t id)
{
	(void)what;
	sql_exec(s,
		"UPDATE flow_runs SET ended_at = '%s', success = 1, duration_seconds = 1 WHERE id "
		"= %lld AND "
		"ended_at IS NULL",
		sql_stamp(sim_wall(s)), (long long)id);
}

static void
on_designer_starts(struct sim *s, void *what, int64_t flow)
{
	struct sflow *f = &s->flows[flow];
	int64_t id = sql_int(s, 0, "SELECT coalesce(max(id), 0) + 1 FROM flow_runs");

	(void)what;
	TRACE(s, "flow %lld runs in the designer as run %lld", (long long)f->id, (long long)id);
	sql_exec(s,
		"INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, user_id, "
		"started_at, "
		"nodes_completed, number_of_nodes, run_type) VALUES (%lld, %lld, '%s', 'flow', 0, "
		"'%s', 0, "
		"0, 'in_designer_run')",
		(long long)id, (long long)f->id, f->uuid, sql_stamp(sim_wall(s)));
	sim_in(s,
		rng_chance(&s->rngs[STREAM_PEOPLE], 0.2)
			? 600 * US_PER_MIN
			: rng_wait(&s->rngs[STREAM_PEOPLE], US_PER_MIN),
		on_designer_ends, NULL, id);
}

static void
run_in_designer(struct sim *s)
{
	on_designer_starts(s, NULL, rng_below(&s->rngs[STREAM_PEOPLE], s->n_flows));
}

/* The moment before a slot: the daemon cannot have heard of it yet. */
static void
collide(struct sim *s)
{
	struct sched *x = some_schedule(s);
	int64_t due = x ? truth_due(s, x) : TIME_NEVER;

	if (due != TIME_NEVER && due > s->T)
		sim_at(s, due - rng_below(&s->rngs[STREAM_PEOPLE], 5 * US_PER_MS),
			on_designer_starts, NULL, x->flow);
}

static void (*const user_acts[])(struct sim *s) = {request_run, request_run, cancel_run, cancel_run,
	toggle_schedule, toggle_schedule, edit_schedule, delete_schedule, toggle_user, toggle_flow,
	toggle_pause, run_in_designer, collide, request_run, cancel_run, toggle_table, delete_run,
	delete_run, add_virtual};

static void
on_user(struct sim *s, void *what, int64_t arg)
{
	bool acts = sim_acts(s, STREAM_PEOPLE);
	int64_t act = rng_below(
		&s->rngs[STREAM_PEOPLE], (int64_t)(sizeof(user_acts) / sizeof(*user_acts)));

	if (s->phase != PHASE_OVER)
		sim_in(s, rng_wait(&s->rngs[STREAM_PEOPLE], user_mean_us), on_user, what, arg);
	if (acts)
		user_acts[act](s);
}

void
actors_start(struct sim *s)
{
	if (s->idle)
		return;
	for (int i = 0; recipe_take(s->recipe, ING_WRITES, 1, s->used) > 0 && i < s->n_tables; i++)
		sim_in(s, rng_wait(&s->rngs[STREAM_PEOPLE], write_mean_us), on_write, NULL, i);
	if (recipe_take(s->recipe, ING_PEOPLE, 1, s->used) > 0)
		sim_in(s, rng_wait(&s->rngs[STREAM_PEOPLE], user_mean_us), on_user, NULL, 0);
}
