/* Reading the catalog into the world: all of it once, then what scheduler_changes names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "engine_impl.h"
#include "store/fence.h"

void
ids_add(int64_t **ids, size_t *n, size_t *cap, int64_t id)
{
	if (*n == *cap) {
		*cap = *cap ? 2 * *cap : 32;
		*ids = xrealloc(*ids, *cap, sizeof(**ids));
	}
	(*ids)[(*n)++] = id;
}

static void
note_reseed(struct engine *e, const struct schedule_row *row)
{
	const struct schedule *s = world_schedule(&e->world, row->id);
	struct reseed *x;

	if (e->n_reseed == e->cap_reseed) {
		e->cap_reseed = e->cap_reseed ? 2 * e->cap_reseed : 8;
		e->to_reseed = xrealloc(e->to_reseed, e->cap_reseed, sizeof(*e->to_reseed));
	}
	x = &e->to_reseed[e->n_reseed++];
	*x = (struct reseed){row->id, s->anchor_us, s->slot_us, row->last_triggered_us, ""};
	schedule_spec(row, x->spec, sizeof(x->spec));
}

static void
take_schedule(const struct schedule_row *row, void *arg)
{
	struct engine *e = arg;
	struct err err = ERR_INIT;
	bool reseed;

	if (world_put_schedule(&e->world, row, e->now_us, &reseed, &err) < 0)
		log_warning("Schedule is skipped: %s schedule=%" PRId64, err.text, row->id);
	if (reseed && e->n_reseed < RESEEDS_MAX)
		note_reseed(e, row);
	for (size_t i = 0; i < row->n_watches; i++)
		if (row->watches[i].consumed < 0 && row->watches[i].exists &&
			row->watches[i].last_seq >= 0) {
			ids_add(&e->to_arm, &e->n_arm, &e->cap_arm, row->id);
			break;
		}
}

static void
take_run(const struct active_run *run, void *arg)
{
	task_meet(arg, run);
}

/* It was read before, and could not be carried out yet. */
static bool
is_waiting(const struct engine *e, int64_t request_id)
{
	for (size_t i = 0; i < e->n_cancels; i++)
		if (e->cancels[i] == request_id)
			return true;
	return false;
}

static void
take_request(const struct request_row *row, void *arg)
{
	struct engine *e = arg;

	if (row->kind && !strcmp(row->kind, "run"))
		world_put_request(&e->world, row->id, row->flow_id, row->user_id,
			row->created_us == TIME_NONE ? e->now_us : row->created_us);
	else if (!is_waiting(e, row->id))
		ids_add(&e->cancels, &e->n_cancels, &e->cap_cancels, row->id);
}

/* A row that is closed or gone does not free its flow while we look after its process (P8). */
static void
put_back_tasks(struct engine *e)
{
	struct task *t;
	size_t pos = 0;

	while ((t = idmap_each(&e->tasks, &pos)))
		if (!world_run(&e->world, t->run_id))
			task_put_run(e, t);
}

/* One snapshot, so that no change falls between the world and the change it is read up to. */
int
engine_load(struct engine *e)
{
	struct db *db = e->env.db;
	struct err err = ERR_INIT;
	int64_t push_us = TIME_NONE;

	e->loaded = false;
	world_clear(&e->world);
	e->n_arm = e->n_reseed = e->n_cancels = e->n_put_off = 0;
	if (db_begin_read(db, &err) < 0)
		return engine_db_failed(e, "load the catalog", &err);
	if (load_last_seq(db, &e->seq, &err) < 0 ||
		load_schedules(db, take_schedule, e, &err) < 0 ||
		load_active_runs(db, take_run, e, &err) < 0 ||
		load_requests(db, take_request, e, &err) < 0 ||
		load_paused(db, &e->world.paused, &err) < 0 ||
		load_push_seen(db, &push_us, &err) < 0) {
		db_rollback(db);
		return engine_db_failed(e, "load the catalog", &err);
	}
	db_rollback(db);
	put_back_tasks(e);
	if (push_us != TIME_NONE)
		world_note_push(&e->world, push_us);
	e->loaded = e->tables_changed = e->sources_stale = true;
	e->resync = false;
	e->first_seq = 0;
	log_debug("Catalog loaded schedules=%zu active_runs=%zu seq=%" PRId64, e->world.schedules.n,
		e->world.runs.n, e->seq);
	return 0;
}

static int
refresh_schedule(struct engine *e, int64_t id, struct err *err)
{
	int r = load_schedule(e->env.db, id, take_schedule, e, err);

	if (r == 0)
		world_drop_schedule(&e->world, id);
	return r < 0 ? -1 : 0;
}

/* A row that is closed frees its flow, unless its process is watched and still there (P8). */
static int
refresh_run(struct engine *e, int64_t id, struct err *err)
{
	struct task *t = task_get(e, id);
	int r = load_active_run(e->env.db, id, take_run, e, err);

	if (r == 0 && !t)
		world_end_run(&e->world, id);
	return r < 0 ? -1 : 0;
}

void
engine_refresh_schedule(struct engine *e, int64_t id)
{
	struct err err = ERR_INIT;

	if (refresh_schedule(e, id, &err) < 0)
		engine_db_failed(e, "read a schedule again", &err);
}

void
engine_refresh_run(struct engine *e, int64_t id)
{
	struct err err = ERR_INIT;

	if (refresh_run(e, id, &err) < 0)
		engine_db_failed(e, "read a run again", &err);
}

static int
refresh_request(struct engine *e, int64_t id, struct err *err)
{
	int r = load_request(e->env.db, id, take_request, e, err);

	if (r == 0)
		world_drop_request(&e->world, id);
	return r < 0 ? -1 : 0;
}

static int
refresh(struct engine *e, const struct change *c, struct err *err)
{
	switch (c->kind) {
	case 't':
	case 'd':
		e->tables_changed = e->sources_stale = true;
		if (!idmap_get(&e->world.tables, c->object_id))
			return 0;
		return load_table(e->env.db, c->object_id, &e->world, e->now_us, err);
	case 's':
		return refresh_schedule(e, c->object_id, err);
	case 'r':
		return refresh_run(e, c->object_id, err);
	case 'q':
		return refresh_request(e, c->object_id, err);
	case 'f':
		e->sources_stale = true;
		world_flow_changed(&e->world, c->object_id);
		return 0;
	case 'u':
		world_user_changed(&e->world, c->object_id);
		return 0;
	case 'p':
		return load_paused(e->env.db, &e->world.paused, err);
	case 'l':
		e->next_lease = e->boot;
		e->again = true;
		return 0;
	default:
		return 0; /* a newer program's kind */
	}
}

int
engine_read_put_off(struct engine *e)
{
	struct err err = ERR_INIT;
	size_t n = e->n_put_off;

	e->n_put_off = 0;
	for (size_t i = 0; i < n; i++) {
		const struct change c = {0, e->put_off[i].kind, e->put_off[i].id};

		if (refresh(e, &c, &err) < 0)
			return engine_db_failed(e, "read what was put off", &err);
	}
	return 0;
}

/* The changes of one read; each object once, at its last mention. */
struct batch {
	struct change *changes;
	size_t n;
	struct idmap seen; /* by kind and id */
};

static void
collect(const struct change *change, void *arg)
{
	struct batch *b = arg;

	b->changes[b->n++] = *change;
	metrics_count(METRIC_CHANGES, (const char[]){change->kind, '\0'}, NULL);
}

/* Newest first, so that the repeated mention is skipped; the order does not matter otherwise, since each
 * object is read as it is now. */
static int
apply(struct engine *e, struct batch *b, struct err *err)
{
	for (size_t i = b->n; i > 0; i--) {
		struct change *c = &b->changes[i - 1];
		int64_t key = engine_key((struct about){c->kind, c->object_id});

		if (idmap_get(&b->seen, key))
			continue;
		idmap_put(&b->seen, key, c);
		if (refresh(e, c, err) < 0)
			return -1;
	}
	return 0;
}

int
engine_read_changes(struct engine *e)
{
	struct batch *b = arena_alloc(&e->arena, sizeof(*b));
	struct err err = ERR_INIT;
	int64_t from = e->seq;
	int n, r = 0;

	/* PostgreSQL: a lower seq may be committed after a higher one; its notification names it. */
	if (e->first_seq > 0 && e->first_seq - 1 < from)
		from = e->first_seq - 1;
	b->changes = arena_array(&e->arena, CHANGES_PER_READ, sizeof(*b->changes));
	n = load_changes(e->env.db, from, CHANGES_PER_READ, collect, b, &err);
	if (n > 0)
		r = apply(e, b, &err);
	idmap_free(&b->seen);
	if (n < 0 || r < 0)
		return engine_db_failed(e, "read what changed", &err);
	e->first_seq = 0;
	e->changed = n == CHANGES_PER_READ;
	if (n > 0 && b->changes[n - 1].seq > e->seq)
		e->seq = b->changes[n - 1].seq;
	else if (e->changed)
		e->first_seq = b->changes[n - 1].seq + 1; /* not yet up to where we were */
	if (e->changed)
		e->again = true;
	return n;
}

/* Runs that this host's daemon launched, while another leads. */
static void
adopt_run(const struct active_run *run, void *arg)
{
	struct engine *e = arg;
	struct err ignored = ERR_INIT;

	if (!run->state || !run->host || strcmp(run->host, e->env.host.host) != 0 ||
		task_get(e, run->row.id) || task_is_reported(e, run->row.id, run->attempt))
		return;
	/* Whoever launched it looks after it while it lives. */
	if (run->holder_id && strcmp(run->holder_id, e->env.holder_id) != 0 &&
		instance_alive(e->env.db, run->holder_id, e->now_us, 3 * e->options.heartbeat_us,
			&ignored) > 0)
		return;
	task_meet(e, run);
}

int
engine_adopt_local(struct engine *e)
{
	struct err err = ERR_INIT;

	if (load_active_runs(e->env.db, adopt_run, e, &err) < 0)
		return engine_db_failed(e, "look for runs of an earlier daemon", &err);
	e->locals_adopted = true;
	return 0;
}
