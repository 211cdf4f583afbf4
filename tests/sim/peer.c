/* Flowfile's own scheduler and its push path, as contract section 4 describes them, defects included. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define TICK_US (30 * US_PER_SEC)

/* A launch between its guard and its insert (D-04). */
static void
insert_run(struct sim *s, struct sched *x)
{
	struct host *h = &s->hosts[0];
	const struct sflow *f = &s->flows[x->flow];
	int64_t id = sql_int(s, 0, "SELECT coalesce(max(id), 0) + 1 FROM flow_runs");
	struct proc *p;

	s->here = h;
	s->upstream_ever = true;
	sql_exec(s, "BEGIN IMMEDIATE");
	sql_exec(s,
		"INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, flow_path, "
		"user_id, "
		"started_at, nodes_completed, number_of_nodes, run_type, schedule_id) "
		"VALUES (%lld, %lld, '%s', 'flow', '/flows/f.yaml', 1, '%s', 0, 0, 'scheduled', "
		"%lld)",
		(long long)id, (long long)f->id, f->uuid, sql_stamp(host_wall(h)),
		(long long)x->id);
	sql_exec(s, "UPDATE flow_schedules SET last_triggered_at = '%s' WHERE id = %lld",
		sql_stamp(host_wall(h)), (long long)x->id);
	sql_exec(s, "COMMIT");
	TRACE(s, "Flowfile starts run %lld of flow %lld for schedule %lld", (long long)id,
		(long long)f->id, (long long)x->id);
	p = host_start_foreign(h, id, f->id);
	sql_exec(s, "UPDATE flow_runs SET pid = %d WHERE id = %lld", (int)p->flow.pid,
		(long long)id);
}

static void
on_insert(struct sim *s, void *what, int64_t arg)
{
	struct sched *x = what;

	if (x->exists && x->id == arg && s->flows[x->flow].registered)
		insert_run(s, x);
}

static bool
busy(struct sim *s, const struct sflow *f)
{
	return sql_int(s, 0,
		       "SELECT count(*) FROM scheduler_active WHERE registration_id = %lld OR "
		       "flow_uuid = '%s'",
		       (long long)f->id, f->uuid) > 0;
}

static bool
launch(struct sim *s, struct sched *x)
{
	const struct sflow *f = &s->flows[x->flow];

	if (!f->registered || busy(s, f))
		return false;
	if (rng_chance(&s->rngs[STREAM_PEER], 0.3))
		sim_in(s, rng_range(&s->rngs[STREAM_PEER], 500, 80 * US_PER_MS), on_insert, x,
			x->id);
	else
		insert_run(s, x);
	return true;
}

/* --- the tick ---------------------------------------------------------------------------------------------- */

static void
poll_tables(struct sim *s, struct sched *x)
{
	int64_t n, newer, unarmed;

	n = sql_int(s, 0,
		"SELECT last_trigger_table_updated_at IS NULL FROM flow_schedules WHERE id = %lld",
		(long long)x->id);
	unarmed = n;
	newer = 0;
	for (int i = 0; i < x->n_watches; i++)
		newer += sql_int(s, 0,
			"SELECT julianday(t.updated_at) > "
			"julianday(x.last_trigger_table_updated_at) + 1e-9 "
			"FROM catalog_tables t, flow_schedules x WHERE t.id = %lld AND x.id = %lld",
			(long long)s->tables[x->watches[i]].id, (long long)x->id);
	if (!unarmed && newer < x->n_watches)
		return;
	if (!unarmed && !launch(s, x))
		return;
	sql_exec(s,
		"UPDATE flow_schedules SET last_trigger_table_updated_at = (SELECT max(updated_at) "
		"FROM "
		"catalog_tables WHERE id IN (%lld, %lld, %lld, %lld)) WHERE id = %lld",
		(long long)s->tables[x->watches[0]].id,
		(long long)s->tables[x->watches[x->n_watches > 1 ? 1 : 0]].id,
		(long long)s->tables[x->watches[x->n_watches > 2 ? 2 : 0]].id,
		(long long)s->tables[x->watches[x->n_watches > 3 ? 3 : 0]].id, (long long)x->id);
}

static void
poll_interval(struct sim *s, struct sched *x)
{
	if (sql_int(s, 1,
		    "SELECT last_triggered_at IS NULL OR (julianday('%s') - "
		    "julianday(last_triggered_at)) "
		    "* 86400.0 >= interval_seconds FROM flow_schedules WHERE id = %lld",
		    sql_stamp(sim_wall(s)), (long long)x->id))
		launch(s, x);
}

/* Contract 4.11. */
static void
reap(struct sim *s)
{
	for (int i = 0; i < s->n_active; i++) {
		int64_t id = s->active[i];
		const struct jrun *r = &s->runs[id];
		int64_t pid;

		if (r->designer || !r->open)
			continue;
		pid = sql_int(s, 0, "SELECT pid FROM flow_runs WHERE id = %lld", (long long)id);
		if (pid ? host_find(&s->hosts[0], (pid_t)pid, 0) != NULL
			: s->T - r->claimed_T <= 300 * US_PER_SEC)
			continue;
		TRACE(s, "Flowfile reaps run %lld", (long long)id);
		s->runs[id].lost = true;
		sql_exec(s,
			"UPDATE flow_runs SET ended_at = '%s', success = 0, duration_seconds = 1 "
			"WHERE id = "
			"%lld AND ended_at IS NULL",
			sql_stamp(sim_wall(s)), (long long)id);
		i = -1;
	}
}

static bool
holds(struct sim *s)
{
	int64_t mine =
		sql_int(s, -1, "SELECT holder_id = '%s' FROM scheduler_lock", s->peer_holder);
	const char *now = sql_stamp(sim_wall(s));

	if (mine == -1)
		sql_exec(s,
			"INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at) "
			"VALUES (1, '%s', "
			"'%s', '%s')",
			s->peer_holder, now, now);
	else if (mine)
		sql_exec(s, "UPDATE scheduler_lock SET heartbeat_at = '%s' WHERE id = 1", now);
	else if (sql_int(s, 0,
			 "SELECT (julianday('%s') - julianday(heartbeat_at)) * 86400.0 > 90 FROM "
			 "scheduler_lock",
			 now))
		sql_exec(s,
			"UPDATE scheduler_lock SET holder_id = '%s', started_at = '%s', "
			"heartbeat_at = '%s' "
			"WHERE id = 1",
			s->peer_holder, now, now);
	else
		return false;
	return true;
}

static void
on_tick(struct sim *s, void *what, int64_t arg)
{
	(void)what;
	if (!s->peer_up || s->phase != PHASE_CHAOS)
		return;
	sim_in(s, TICK_US + rng_range(&s->rngs[STREAM_PEER], 0, US_PER_SEC), on_tick, NULL, arg);
	if (!holds(s))
		return;
	reap(s);
	for (int i = 0; i < s->n_scheds; i++) {
		struct sched *x = &s->scheds[i];

		if (!x->exists || !x->enabled || x->bad)
			continue;
		if (x->kind == KIND_INTERVAL)
			poll_interval(s, x);
		else if (x->kind != KIND_CRON)
			poll_tables(s, x);
	}
}

static void
on_switch(struct sim *s, void *what, int64_t arg)
{
	(void)what;
	if (s->phase != PHASE_CHAOS)
		return;
	if (!s->peer_up && !sim_happens(s)) {
		sim_in(s, rng_wait(&s->rngs[STREAM_PEER], 15 * US_PER_MIN), on_switch, NULL, arg);
		return;
	}
	s->peer_up = !s->peer_up;
	if (s->peer_up) {
		snprintf(s->peer_holder, sizeof(s->peer_holder), "peer%08llx",
			(unsigned long long)(rng_next(&s->rngs[STREAM_PEER]) & 0xffffffff));
		TRACE(s, "Flowfile's scheduler starts as %s", s->peer_holder);
		sim_in(s, 0, on_tick, NULL, 0);
	} else {
		TRACE(s, "Flowfile's scheduler ends");
		if (rng_chance(&s->rngs[STREAM_PEER], 0.7))
			sql_exec(s, "DELETE FROM scheduler_lock WHERE id = 1 AND holder_id = '%s'",
				s->peer_holder);
	}
	sim_in(s, rng_wait(&s->rngs[STREAM_PEER], 15 * US_PER_MIN), on_switch, NULL, arg);
}

void
peer_start(struct sim *s)
{
	if (s->peer_on)
		sim_in(s, rng_wait(&s->rngs[STREAM_PEER], 5 * US_PER_MIN), on_switch, NULL, 0);
}

/* --- push: contract 4.10 -------------------------------------------------------------------------------------- */

void
peer_push(struct sim *s, int table)
{
	for (int i = 0; i < s->n_scheds; i++) {
		struct sched *x = &s->scheds[i];
		const struct sflow *f = &s->flows[x->flow];

		if (!x->exists || !x->enabled || x->bad || x->kind != KIND_TABLE ||
			x->watches[0] != table || !f->registered ||
			sql_int(s, 0,
				"SELECT count(*) FROM scheduler_active WHERE flow_uuid = '%s'",
				f->uuid) > 0)
			continue;
		sql_exec(s,
			"UPDATE flow_schedules SET last_triggered_at = '%s', "
			"last_trigger_table_updated_at = "
			"(SELECT updated_at FROM catalog_tables WHERE id = %lld), updated_at = "
			"CURRENT_TIMESTAMP WHERE id = %lld",
			sql_stamp(sim_wall(s)), (long long)s->tables[table].id, (long long)x->id);
		if (rng_chance(&s->rngs[STREAM_PEER], 0.3))
			sim_in(s, rng_range(&s->rngs[STREAM_PEER], 500, 80 * US_PER_MS), on_insert,
				x, x->id);
		else
			insert_run(s, x);
	}
}
