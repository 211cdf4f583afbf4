#include "catalog/status.h"

#include <string.h>

#include "catalog/zones.h"
#include "core/world.h"
#include "store/load.h"
#include "store/schema.h"

int
status_prepared(struct catalog *cat, bool *prepared, struct err *err)
{
	struct schema_info info;

	*prepared = false;
	if (schema_inspect(cat->db, &info, err) < 0)
		return -1;
	*prepared = info.our_version > 0;
	return 0;
}

static int
read_instance(struct catalog *cat, struct arena *a, struct leader_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATUS_INSTANCE);
	int r;

	stmt_text(st, 1, out->holder_id);
	r = stmt_step(st, err);
	if (r > 0) {
		out->ours = true;
		out->host = catalog_text(a, st, 0);
		out->version = catalog_text(a, st, 1);
		out->pid = col_int(st, 2);
		out->boot_id = catalog_text(a, st, 3);
		out->pid_start = col_int(st, 4);
	}
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

int
status_leader(struct catalog *cat, struct arena *a, struct leader_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATUS_LOCK);
	bool prepared;
	int r;

	*out = (struct leader_info){.started_us = TIME_NONE, .heartbeat_us = TIME_NONE};
	r = stmt_step(st, err);
	if (r > 0) {
		out->any = true;
		out->holder_id = catalog_text(a, st, 0);
		out->started_us = catalog_time(st, 1);
		out->heartbeat_us = catalog_time(st, 2);
		out->active = out->heartbeat_us != TIME_NONE &&
			clock_wall(cat->clock) - out->heartbeat_us <= STATUS_LOCK_STALE_US;
	}
	stmt_reset(st);
	if (r <= 0)
		return r < 0 ? -1 : 0;
	if (status_prepared(cat, &prepared, err) < 0)
		return -1;
	return prepared ? read_instance(cat, a, out, err) : 0;
}

void
status_json_leader(struct json *j, const struct leader_info *leader, bool is_embedded)
{
	json_object(j);
	json_kv_bool(j, "active", leader->active);
	json_kv_string(j, "holder_id", leader->holder_id);
	json_kv_time(j, "started_at", leader->started_us);
	json_kv_time(j, "heartbeat_at", leader->heartbeat_us);
	if (leader->any)
		json_kv_bool(j, "is_embedded", is_embedded);
	else
		json_kv_null(j, "is_embedded");
	json_object_end(j);
}

static int
read_counts(struct catalog *cat, struct status_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATUS_COUNTS);
	int r = stmt_step(st, err);

	if (r > 0) {
		out->active_runs = col_int(st, 0);
		out->schedules = col_int(st, 1);
		out->schedules_enabled = col_int(st, 2);
	}
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

static int
read_instances(struct catalog *cat, struct arena *a, struct status_info *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATUS_INSTANCES);
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		struct instance_info *i;

		out->instances =
			catalog_grow(a, out->instances, out->n_instances, sizeof(*out->instances));
		i = &out->instances[out->n_instances++];
		i->holder_id = catalog_text(a, st, 0);
		i->host = catalog_text(a, st, 1);
		i->version = catalog_text(a, st, 2);
		i->pid = col_int(st, 3);
		i->started_us = catalog_time(st, 4);
		i->seen_us = catalog_time(st, 5);
		i->boot_id = catalog_text(a, st, 6);
		i->pid_start = col_int(st, 7);
		i->leads = out->leader.any && catalog_same(i->holder_id, out->leader.holder_id);
	}
	return r;
}

/* What the engine would see: the schedules in a world of their own. */
struct plan {
	struct world world;
	int64_t now_us;
};

static void
plan_schedule(const struct schedule_row *row, void *arg)
{
	struct plan *plan = arg;
	struct err err = ERR_INIT;
	bool reseed;

	world_put_schedule(&plan->world, row, plan->now_us, &reseed, &err);
}

static int
read_plan(struct catalog *cat, struct status_info *out, struct err *err)
{
	struct policy policy = {0};
	struct plan plan = {.now_us = clock_wall(cat->clock)};
	struct heap_node *node;
	int rc;

	world_init(&plan.world, &policy, zones_find, cat->zones);
	rc = load_schedules(cat->db, plan_schedule, &plan, err);
	out->due = plan.world.n_due;
	node = heap_top(&plan.world.timers);
	if (node != NULL) {
		out->next_due_us = node->key;
		out->next_schedule_id = node->tie;
	}
	world_free(&plan.world);
	return rc;
}

static int
read_ours(struct catalog *cat, struct arena *a, struct status_info *out, struct err *err)
{
	if (read_instances(cat, a, out, err) < 0 || load_paused(cat->db, &out->paused, err) < 0 ||
		stmt_get_int(db_stmt(cat->db, SQL_CAT_STATUS_OPEN_REQUESTS), &out->open_requests,
			err) < 0)
		return -1;
	return read_plan(cat, out, err);
}

int
status_get(struct catalog *cat, struct arena *a, struct status_info *out, struct err *err)
{
	*out = (struct status_info){.next_due_us = TIME_NEVER};
	if (status_leader(cat, a, &out->leader, err) < 0 || read_counts(cat, out, err) < 0 ||
		status_prepared(cat, &out->prepared, err) < 0)
		return -1;
	return out->prepared ? read_ours(cat, a, out, err) : 0;
}

int
status_host_seen(struct catalog *cat, const char *host, int64_t *seen_us, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_STATUS_HOST_SEEN);
	int r;

	stmt_text(st, 1, host);
	r = stmt_step(st, err);
	*seen_us = r > 0 ? catalog_time(st, 0) : TIME_NONE;
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

static void
json_instances(struct json *j, const struct status_info *s)
{
	json_key(j, "instances");
	json_array(j);
	for (size_t i = 0; i < s->n_instances; i++) {
		const struct instance_info *in = &s->instances[i];

		json_object(j);
		json_kv_string(j, "holder_id", in->holder_id);
		json_kv_bool(j, "leads", in->leads);
		json_kv_string(j, "host", in->host);
		json_kv_int(j, "pid", in->pid);
		json_kv_string(j, "version", in->version);
		json_kv_time(j, "started_at", in->started_us);
		json_kv_time(j, "seen_at", in->seen_us);
		json_object_end(j);
	}
	json_array_end(j);
}

void
status_json(struct json *j, const struct status_info *s)
{
	json_object(j);
	json_kv_bool(j, "active", s->leader.active);
	json_kv_string(j, "holder_id", s->leader.holder_id);
	json_kv_time(j, "started_at", s->leader.started_us);
	json_kv_time(j, "heartbeat_at", s->leader.heartbeat_us);
	json_kv_bool(j, "ours", s->leader.ours);
	json_kv_bool(j, "prepared", s->prepared);
	json_kv_bool(j, "paused", s->paused);
	json_kv_int(j, "active_runs", s->active_runs);
	json_kv_int(j, "due", s->due);
	json_kv_int(j, "open_requests", s->open_requests);
	json_kv_int(j, "schedules", s->schedules);
	json_kv_int(j, "schedules_enabled", s->schedules_enabled);
	json_kv_time(j, "next_due_at", s->next_due_us == TIME_NEVER ? TIME_NONE : s->next_due_us);
	json_kv_int_or_null(j, "next_schedule_id", s->next_schedule_id, ID_NONE);
	json_instances(j, s);
	json_object_end(j);
}

int
status_paused(struct catalog *cat, bool *paused, struct err *err)
{
	bool prepared;

	*paused = false;
	if (status_prepared(cat, &prepared, err) < 0)
		return -1;
	return prepared ? load_paused(cat->db, paused, err) : 0;
}

static int
put_paused(struct catalog *cat, bool paused, bool *changed, struct err *err)
{
	struct stmt *st;
	bool now;

	if (load_paused(cat->db, &now, err) < 0)
		return -1;
	*changed = now != paused;
	if (!*changed)
		return 0;
	st = db_stmt(cat->db, SQL_CAT_SETTING_PUT);
	stmt_text(st, 1, "paused");
	stmt_text(st, 2, paused ? "1" : "0");
	return stmt_exec(st, NULL, err);
}

int
status_set_paused(struct catalog *cat, bool paused, bool *changed, struct err *err)
{
	bool ignored;

	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(
		cat, put_paused(cat, paused, changed != NULL ? changed : &ignored, err), err);
}
