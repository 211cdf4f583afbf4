#include "journal.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/runs.h"
#include "catalog/schedules.h"
#include "catalog/status.h"
#include "core/idmap.h"

#define READ_MAX 4096 /* changes; more at once are a LIVE_RESYNC */
#define ENDED_KEPT 1024 /* ended runs whose further changes are known to be no news */
#define LATE_US (60 * US_PER_SEC) /* a run that ended so long before its change has been told of */
#define GAP_US (30 * US_PER_SEC) /* how long a seq that was passed over may still be committed */
#define DATA_MAX (256 * 1024)

const char *const live_type_names[LIVE_TYPES] = {
	[LIVE_RUN_QUEUED] = "run.queued",
	[LIVE_RUN_STARTED] = "run.started",
	[LIVE_RUN_FINISHED] = "run.finished",
	[LIVE_RUN_CANCELLED] = "run.cancelled",
	[LIVE_RUN_PROGRESS] = "run.progress",
	[LIVE_SCHEDULE_CHANGED] = "schedule.changed",
	[LIVE_SCHEDULE_DELETED] = "schedule.deleted",
	[LIVE_TABLE_WRITTEN] = "table.written",
	[LIVE_TABLE_DELETED] = "table.deleted",
	[LIVE_LEADERSHIP] = "leadership",
	[LIVE_RESYNC] = "resync",
};

/* How far a run has come, as it was told. */
enum phase { PHASE_NONE, PHASE_QUEUED, PHASE_STARTED, PHASE_ENDED };

struct line {
	int64_t seq, object_id, at_us, run_id, namespace_id, owner_id;
	char kind;
	const char *name;
};

/* The changes of one batch. */
struct batch {
	struct arena arena;
	struct line *lines;
	size_t n;
};

struct journal {
	bool begun;
	int64_t low; /* all up to here has been read */
	int64_t last; /* the highest that was read */
	int64_t *passed; /* between them, read already; ascending */
	size_t n_passed;
	int64_t gap_boot_us; /* since when low + 1 is missing */

	struct idmap phases; /* of runs: an enum phase */
	int64_t ended[ENDED_KEPT];
	size_t n_ended;
	char *holder; /* as last told */
	struct live_events batch; /* of the read that is under way, by id */

	pthread_mutex_t lock; /* of what follows */
	struct live_events out;
	int64_t out_seq;
};

struct journal *
journal_new(void)
{
	struct journal *j = xcalloc(1, sizeof(*j));

	j->passed = xcalloc(READ_MAX, sizeof(*j->passed));
	pthread_mutex_init(&j->lock, NULL);
	TAILQ_INIT(&j->out);
	TAILQ_INIT(&j->batch);
	return j;
}

static void
free_events(struct live_events *list)
{
	struct live_event *e;

	while ((e = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, e, link);
		free(e);
	}
}

void
journal_free(struct journal *j)
{
	if (!j)
		return;
	free_events(&j->out);
	free_events(&j->batch);
	pthread_mutex_destroy(&j->lock);
	idmap_free(&j->phases);
	free(j->passed);
	free(j->holder);
	free(j);
}

void
journal_take(struct journal *j, struct live_events *out, int64_t *last_seq)
{
	TAILQ_INIT(out);
	pthread_mutex_lock(&j->lock);
	TAILQ_CONCAT(out, &j->out, link);
	*last_seq = j->out_seq;
	pthread_mutex_unlock(&j->lock);
}

/* --- events ------------------------------------------------------------------------------------------ */

bool
live_id_parse(const char *s, struct live_id *out)
{
	int end = 0;

	*out = (struct live_id){0, 0};
	if (strlen(s) > 24 || *s < '0' || *s > '9')
		return false;
	if (sscanf(s, "%" SCNd64 "%n", &out->seq, &end) == 1 && !s[end])
		return true;
	return s[end] == '.' && sscanf(s, "%" SCNd64 ".%1d%n", &out->seq, &out->part, &end) == 2 &&
		!s[end];
}

struct live_event *
live_event_new(struct live_id id, enum live_type type, const char *data)
{
	char head[96];
	int n = snprintf(head, sizeof(head), "id: %" PRId64, id.seq);
	size_t len = strlen(data);
	struct live_event *e;

	if (id.part)
		n += snprintf(head + n, sizeof(head) - (size_t)n, ".%d", id.part);
	n += snprintf(
		head + n, sizeof(head) - (size_t)n, "\nevent: %s\ndata: ", live_type_names[type]);
	e = xcalloc(1, sizeof(*e) + (size_t)n + len + 3);
	*e = (struct live_event){.id = id, .type = type, .refs = 1, .len = (size_t)n + len + 2};
	memcpy(e->text, head, (size_t)n);
	memcpy(e->text + n, data, len);
	memcpy(e->text + (size_t)n + len, "\n\n", 3);
	return e;
}

static void
put(struct journal *j, struct live_id id, enum live_type type, const struct line *l,
	int64_t owner_id, struct buf *data)
{
	struct live_event *e, *before;

	/* What is too large to be told is to be asked for. */
	if (buf_failed(data)) {
		buf_reset(data);
		buf_printf(data, "{\"id\":%" PRId64 "}", l->object_id);
	}
	e = live_event_new(id, type, buf_str(data));
	e->object_id = l->object_id;
	e->owner_id = owner_id;
	before = TAILQ_LAST(&j->batch, live_events);
	while (before && live_id_compare(before->id, id) > 0)
		before = TAILQ_PREV(before, live_events, link);
	if (before)
		TAILQ_INSERT_AFTER(&j->batch, before, e, link);
	else
		TAILQ_INSERT_HEAD(&j->batch, e, link);
}

/* --- runs ------------------------------------------------------------------------------------------------ */

static enum phase
get_phase(const struct journal *j, int64_t run_id)
{
	return (enum phase)(intptr_t)idmap_get(&j->phases, run_id);
}

static void
set_phase(struct journal *j, int64_t run_id, enum phase phase)
{
	int64_t *oldest = &j->ended[j->n_ended % ENDED_KEPT];

	idmap_put(&j->phases, run_id, (void *)(intptr_t)phase);
	if (phase != PHASE_ENDED)
		return;
	if (*oldest && *oldest != run_id && get_phase(j, *oldest) == PHASE_ENDED)
		idmap_remove(&j->phases, *oldest);
	*oldest = run_id;
	j->n_ended++;
}

static enum phase
phase_of(const struct run_info *run)
{
	const struct run_details *d = &run->details;

	if (run->ended_us != TIME_NONE)
		return PHASE_ENDED;
	return d->found && d->state && !strcmp(d->state, "claimed") ? PHASE_QUEUED : PHASE_STARTED;
}

/* Whether there was a process: a claim can end without one. */
static bool
ever_started(const struct run_info *run)
{
	return phase_of(run) != PHASE_QUEUED && (run->pid > 0 || !run->details.found);
}

struct run_changes {
	const struct line *first, *second, *last; /* of one run in the batch; may be the same */
};

static void
put_run(struct journal *j, const struct line *l, enum phase phase, enum live_type type,
	const struct run_info *run)
{
	struct buf data;
	struct json json;

	buf_init(&data, DATA_MAX);
	json_init(&json, &data);
	runs_json(&json, run);
	put(j, (struct live_id){l->seq, (int)phase}, type, l,
		run->user_id ? run->user_id : LIVE_FOR_ADMINS, &data);
	buf_free(&data);
}

static void
tell_run(struct journal *j, const struct run_changes *c, const struct run_info *run)
{
	enum phase told = get_phase(j, run->id), now = phase_of(run);

	/* The id came again, for another run; or an old run was touched. */
	if (now < told)
		told = PHASE_NONE;
	if (told == PHASE_NONE && now == PHASE_ENDED && run->ended_us < c->first->at_us - LATE_US)
		return;
	if (told < PHASE_QUEUED)
		put_run(j, c->first, PHASE_QUEUED, LIVE_RUN_QUEUED, run);
	if (told < PHASE_STARTED && ever_started(run))
		put_run(j, told == PHASE_NONE ? c->second : c->first, PHASE_STARTED,
			LIVE_RUN_STARTED, run);
	if (told < PHASE_ENDED && now == PHASE_ENDED)
		put_run(j, c->last, PHASE_ENDED,
			!strcmp(runs_status(run), "cancelled") ? LIVE_RUN_CANCELLED
							       : LIVE_RUN_FINISHED,
			run);
	if (now != told)
		set_phase(j, run->id, now);
}

/* The other changes of the same object, so that it is looked at once. Marks them. */
static struct run_changes
gather(struct batch *b, size_t i)
{
	struct line *l = &b->lines[i];
	struct run_changes c = {l, l, l};

	for (size_t k = i + 1; k < b->n; k++) {
		if (b->lines[k].kind != l->kind || b->lines[k].object_id != l->object_id)
			continue;
		c.last = &b->lines[k];
		if (c.second == c.first)
			c.second = c.last;
		b->lines[k].kind = 0;
	}
	return c;
}

static int
read_run(struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err)
{
	struct run_changes c = gather(b, i);
	struct run_info run;

	if (runs_get(cat, c.first->object_id, &b->arena, &run, err) == 0) {
		tell_run(j, &c, &run);
		return 0;
	}
	if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	idmap_remove(&j->phases, c.first->object_id);
	return 0;
}

/* How far it is, while it goes on: the last of several. */
static int
read_progress(struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err)
{
	const struct line *l = gather(b, i).last;
	struct run_info run;

	if (runs_get(cat, l->object_id, &b->arena, &run, err) == 0) {
		if (phase_of(&run) == PHASE_STARTED)
			put_run(j, l, PHASE_NONE, LIVE_RUN_PROGRESS, &run);
		return 0;
	}
	if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* --- all else ------------------------------------------------------------------------------------------------ */

static int
read_schedule(struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err)
{
	const struct line *l = gather(b, i).last;
	struct schedule_info info;
	struct buf data;
	struct json json;
	int rc = schedules_get(cat, l->object_id, &b->arena, &info, err);

	if (rc < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	buf_init(&data, DATA_MAX);
	json_init(&json, &data);
	if (rc == 0) {
		schedules_json(&json, &info);
	} else {
		err_clear(err);
		json_object(&json);
		json_kv_int(&json, "id", l->object_id);
		json_object_end(&json);
	}
	put(j, (struct live_id){l->seq, 0}, rc == 0 ? LIVE_SCHEDULE_CHANGED : LIVE_SCHEDULE_DELETED,
		l, rc == 0 ? info.owner_id : LIVE_FOR_ADMINS, &data);
	buf_free(&data);
	return 0;
}

static int
read_table(struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err)
{
	const struct line *l = &b->lines[i];
	struct buf data;
	struct json json;

	(void)cat;
	(void)err;
	buf_init(&data, DATA_MAX);
	json_init(&json, &data);
	json_object(&json);
	json_kv_int(&json, "id", l->object_id);
	json_kv_string(&json, "name", l->name);
	json_kv_int_or_null(&json, "namespace_id", l->namespace_id, ID_NONE);
	if (l->kind == 't')
		json_kv_int_or_null(&json, "run_id", l->run_id, ID_NONE);
	json_kv_time(&json, "at", l->at_us);
	json_object_end(&json);
	put(j, (struct live_id){l->seq, 0},
		l->kind == 't' ? LIVE_TABLE_WRITTEN : LIVE_TABLE_DELETED, l,
		l->owner_id ? l->owner_id : LIVE_FOR_ADMINS, &data);
	buf_free(&data);
	return 0;
}

static int
read_leadership(struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err)
{
	const struct line *l = gather(b, i).last;
	struct leader_info leader;
	const char *holder;
	struct buf data;
	struct json json;

	if (status_leader(cat, &b->arena, &leader, err) < 0)
		return -1;
	holder = leader.any && leader.holder_id ? leader.holder_id : "";
	if (j->holder && !strcmp(j->holder, holder))
		return 0;
	xstrset(&j->holder, holder);
	buf_init(&data, DATA_MAX);
	json_init(&json, &data);
	json_object(&json);
	json_kv_string(&json, "holder_id", *holder ? holder : NULL);
	json_kv_string(&json, "host", leader.host);
	json_kv_time(&json, "started_at", leader.started_us);
	json_object_end(&json);
	put(j, (struct live_id){l->seq, 0}, LIVE_LEADERSHIP, l, LIVE_FOR_ALL, &data);
	buf_free(&data);
	return 0;
}

static const struct reader {
	char kind;
	int (*read)(
		struct journal *j, struct catalog *cat, struct batch *b, size_t i, struct err *err);
} readers[] = {
	{'r', read_run},
	{'n', read_progress},
	{'s', read_schedule},
	{'t', read_table},
	{'d', read_table},
	{'l', read_leadership},
};

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool
is_passed(const struct journal *j, int64_t seq)
{
	for (size_t i = j->n_passed; i-- > 0 && j->passed[i] >= seq;)
		if (j->passed[i] == seq)
			return true;
	return false;
}

/* PostgreSQL only: numbers that a transaction took and has not committed yet, or never will. */
static void
pass(struct journal *j, int64_t seq)
{
	size_t i = j->n_passed++;

	for (; i > 0 && j->passed[i - 1] > seq; i--)
		j->passed[i] = j->passed[i - 1];
	j->passed[i] = seq;
}

static void
close_gaps(struct journal *j, const struct clock *clock)
{
	int64_t now_us = clock_boot(clock).us, low = j->low;
	size_t i = 0;

	if (j->n_passed > 0 && j->passed[0] != low + 1 && j->gap_boot_us != 0 &&
		(now_us - j->gap_boot_us > GAP_US || j->n_passed > READ_MAX / 2))
		low = j->passed[0] - 1;
	while (i < j->n_passed && j->passed[i] == low + 1)
		low = j->passed[i++];
	if (low != j->low || j->gap_boot_us == 0)
		j->gap_boot_us = now_us;
	j->low = low;
	j->n_passed -= i;
	memmove(j->passed, j->passed + i, j->n_passed * sizeof(*j->passed));
}

static void
advance(struct journal *j, struct catalog *cat, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->lines[i].seq > j->last)
			j->last = b->lines[i].seq;
		pass(j, b->lines[i].seq);
	}
	if (db_get_type(cat->db) == DB_SQLITE) {
		j->low = j->last;
		j->n_passed = 0;
	} else {
		close_gaps(j, cat->clock);
	}
}

static int
read_batch(struct journal *j, struct catalog *cat, struct batch *b, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_LIVE_CHANGES);
	int r;

	b->n = 0;
	stmt_int(st, 1, j->low);
	stmt_int(st, 2, READ_MAX);
	while ((r = stmt_step(st, err)) > 0) {
		const char *kind = col_text(st, 1);
		struct line *l;

		if (is_passed(j, col_int(st, 0)))
			continue;
		b->lines = catalog_grow(&b->arena, b->lines, b->n, sizeof(*b->lines));
		l = &b->lines[b->n++];
		*l = (struct line){
			.seq = col_int(st, 0),
			.kind = kind ? kind[0] : '?',
			.object_id = col_int(st, 2),
			.at_us = catalog_time(st, 3),
			.run_id = col_int(st, 4),
			.name = catalog_text(&b->arena, st, 5),
			.namespace_id = col_int(st, 6),
			.owner_id = col_int(st, 7),
		};
	}
	return r;
}

/* At the end of the journal, knowing what is open. */
static int
begin(struct journal *j, struct catalog *cat, struct err *err)
{
	struct live_events old;
	struct line none = {0};
	struct buf data;
	struct stmt *st;
	int64_t ignored;
	int r;

	idmap_free(&j->phases);
	memset(j->ended, 0, sizeof(j->ended));
	if (stmt_get_int(db_stmt(cat->db, SQL_LOAD_LAST_SEQ), &j->last, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_LIVE_OPEN_RUNS);
	while ((r = stmt_step(st, err)) > 0)
		set_phase(j, col_int(st, 0), col_int(st, 1) ? PHASE_QUEUED : PHASE_STARTED);
	if (r < 0)
		return -1;
	j->low = j->last;
	j->n_passed = 0;
	j->gap_boot_us = 0;
	j->begun = true;
	journal_take(j, &old, &ignored);
	free_events(&old);
	free_events(&j->batch);
	buf_init(&data, 256);
	buf_puts(&data, "{\"reason\":\"read anew what you show: events were left out\"}");
	put(j, (struct live_id){j->last, 0}, LIVE_RESYNC, &none, LIVE_FOR_ALL, &data);
	buf_free(&data);
	return 0;
}

static int
tell(struct journal *j, struct catalog *cat, struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < sizeof(readers) / sizeof(readers[0]); k++)
			if (readers[k].kind == b->lines[i].kind &&
				readers[k].read(j, cat, b, i, err) < 0)
				return -1;
	return 0;
}

static int
read_all(struct journal *j, struct catalog *cat, struct batch *b, struct err *err)
{
	int64_t last;

	/* A journal that ends before what was read is another one: the catalog was replaced. */
	if (stmt_get_int(db_stmt(cat->db, SQL_LOAD_LAST_SEQ), &last, err) < 0)
		return -1;
	if (!j->begun || last < j->low)
		return begin(j, cat, err);
	if (read_batch(j, cat, b, err) < 0)
		return -1;
	if (b->n + j->n_passed >= READ_MAX)
		return begin(j, cat, err);
	if (tell(j, cat, b, err) < 0) {
		/* What half of it has noted must not be taken for told. */
		j->begun = false;
		return -1;
	}
	advance(j, cat, b);
	return 0;
}

int
journal_read(struct journal *j, struct catalog *cat, struct err *err)
{
	struct batch b = {.arena = ARENA_INIT};
	int rc;

	/* One snapshot, so that what an event says is as new as the change it is under. */
	if (db_begin_read(cat->db, err) < 0)
		return -1;
	rc = read_all(j, cat, &b, err);
	db_rollback(cat->db);
	arena_free(&b.arena);
	pthread_mutex_lock(&j->lock);
	if (rc == 0)
		TAILQ_CONCAT(&j->out, &j->batch, link);
	j->out_seq = j->last;
	pthread_mutex_unlock(&j->lock);
	free_events(&j->batch);
	return rc;
}
