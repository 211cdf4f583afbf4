/*
 * Virtual tables: what they are computed from in truth, what a daemon is told of it in place of src/flow/lineage.c, and whether
 * writes of it reach them, each once. Tables are bits by their index.
 */
#include <string.h>

#include "base/log.h"
#include "sim.h"
#include "store/sources.h"

#define LOOK_US US_PER_SEC /* the engine looks for sources no oftener */
#define FILE_US US_PER_SEC /* by how much clocks that stamp files and writes may differ */

static uint32_t
bit(const struct sim *s, const struct stable *t)
{
	return UINT32_C(1) << (t - s->tables);
}

static uint32_t
walk(const struct sim *s, uint32_t found, uint32_t reads)
{
	for (int i = 0; i < s->n_tables; i++) {
		uint32_t one = UINT32_C(1) << i;

		if (!(reads & one) || (found & one) || !s->tables[i].exists)
			continue;
		found |= one;
		if (s->tables[i].is_virtual)
			found = walk(s, found, s->tables[i].reads);
	}
	return found;
}

/* All that it is computed from, over however many others; not itself, even in a loop. */
static uint32_t
sources_of(const struct sim *s, const struct stable *t)
{
	return walk(s, bit(s, t), t->reads) & ~bit(s, t);
}

void
virtual_will_change(struct sim *s)
{
	s->sources_changes++;
	for (int i = 0; i < s->n_tables; i++)
		if (s->tables[i].is_virtual && s->tables[i].exists)
			s->tables[i].was |= sources_of(s, &s->tables[i]);
}

void
virtual_changed(struct sim *s, int table, bool silently)
{
	struct stable *t = &s->tables[table];

	for (int i = 0; i < s->n_tables; i++)
		if (i == table || (sources_of(s, &s->tables[i]) & bit(s, t)))
			s->tables[i].redone = true;
	t->known_T = s->T + LOOK_US + (silently ? s->options.poll_us : 0);
	if (silently) {
		t->file_us = host_wall(&s->hosts[0]);
		t->file_T = s->T;
	}
}

/* --- what the engine is told ---------------------------------------------------------------------------------- */

static struct sources
describe(const struct sim *s, const struct stable *t, int64_t *ids)
{
	struct sources out = {.table_id = t->id, .changed_us = TIME_NONE, .ids = ids};
	uint32_t from = sources_of(s, t);

	if (t->by_flow)
		out.changed_us = t->file_us;
	for (int i = 0; i < s->n_tables; i++) {
		const struct stable *source = &s->tables[i];

		if (!(from & bit(s, source)))
			continue;
		out.ids[out.n++] = source->id;
		if (source->by_flow && source->file_us > out.changed_us)
			out.changed_us = source->file_us;
	}
	return out;
}

static void
note_stored(struct sim *s, int64_t changes)
{
	if (!s->sources_known)
		s->sources_commit = s->commits;
	s->sources_known = true;
	for (int i = 0; changes == s->sources_changes && i < s->n_tables; i++)
		s->tables[i].was = 0;
}

bool
virtual_find_sources(void *arg)
{
	struct daemon *d = arg;
	struct sim *s = d->s;
	struct sources found[TABLES_MAX];
	int64_t ids[TABLES_MAX][TABLES_MAX], changes = s->sources_changes;
	struct err err = ERR_INIT;
	size_t n = 0;
	int r;

	for (int i = 0; i < s->n_tables; i++)
		if (s->tables[i].is_virtual && s->tables[i].exists) {
			found[n] = describe(s, &s->tables[i], ids[n]);
			n++;
		}
	d->storing_sources = true;
	r = sources_update(d->db, d->holder, found, n, &err);
	d->storing_sources = false;
	if (r < 0)
		log_warning("Cannot note what virtual tables are made of: %s", err.text);
	else if (!d->dead)
		note_stored(s, changes);
	return r > 0;
}

/* --- the judge's part ---------------------------------------------------------------------------------------------- */

/* By when the engine must know what it is computed from. */
static int64_t
known_T(const struct sim *s, const struct stable *t, uint32_t from)
{
	int64_t T = t->known_T;

	for (int i = 0; i < s->n_tables; i++)
		if ((from & bit(s, &s->tables[i])) && s->tables[i].known_T > T)
			T = s->tables[i].known_T;
	return T;
}

static int64_t
file_T(const struct sim *s, const struct stable *t, uint32_t from)
{
	int64_t T = t->by_flow ? t->file_T : 0;

	for (int i = 0; i < s->n_tables; i++)
		if ((from & bit(s, &s->tables[i])) && s->tables[i].file_T > T)
			T = s->tables[i].file_T;
	return T;
}

/* Since when a write of a source has to reach it; TIME_NEVER: none has. */
static int64_t
owed_T(const struct sim *s, const struct stable *t)
{
	uint32_t from = sources_of(s, t);
	int64_t since = TIME_NEVER, file = file_T(s, t, from);

	for (int i = 0; i < s->n_tables; i++) {
		const struct stable *source = &s->tables[i];

		if ((from & bit(s, source)) && source->own > t->writes &&
			source->own > s->sources_commit &&
			(file == 0 || source->own_T > file + FILE_US) && source->own_T < since)
			since = source->own_T;
	}
	if (since != TIME_NEVER && known_T(s, t, from) > since)
		since = known_T(s, t, from);
	return since;
}

/* P3: one write for all that was written before, and none without. What it was newly made of may have been noted since, as part
 * of what it knows already: that is one more. */
static void
passed_on(struct sim *s, struct daemon *d, struct stable *t, int times)
{
	uint32_t from = sources_of(s, t) | t->was;
	int64_t since = owed_T(s, t);
	bool written = false;

	for (int i = 0; i < s->n_tables; i++)
		if ((from & bit(s, &s->tables[i])) && s->tables[i].own > t->covered)
			written = true;
	TRACE(s, "daemon %d notes that virtual table %lld changed", d->id, (long long)t->id);
	if (times > 1)
		sim_fail(s, "P3", "virtual table %lld is noted as written %d times at once",
			(long long)t->id, times);
	if (!t->is_virtual)
		sim_fail(s, "P3", "table %lld is noted as written, and is not virtual",
			(long long)t->id);
	if (!written && !t->redone)
		sim_fail(s, "P3",
			"virtual table %lld is noted as written, but nothing was that it is "
			"computed from",
			(long long)t->id);
	t->redone = t->redone && written;
	cover(COVER_PASSED_ON);
	t->write_T = since < s->T ? since : s->T;
}

void
virtual_committed(struct sim *s, struct daemon *d)
{
	int times[TABLES_MAX] = {0};
	bool any = false;

	for (size_t i = 0; i < s->n_touched; i++)
		for (int k = 0; s->touched[i].table == 't' && k < s->n_tables; k++)
			if (s->tables[k].id == s->touched[i].rowid) {
				times[k]++;
				any = true;
			}
	if (!any)
		return;
	for (int k = 0; k < s->n_tables; k++)
		if (times[k] > 0)
			passed_on(s, d, &s->tables[k], times[k]);
	/* One transaction: those that were noted are sources of one another. */
	for (int k = 0; k < s->n_tables; k++)
		if (times[k] > 0)
			s->tables[k].writes = s->tables[k].covered = s->commits;
}

void
virtual_sweep(struct sim *s)
{
	for (int i = 0; s->sources_known && i < s->n_tables; i++) {
		const struct stable *t = &s->tables[i];
		int64_t since = t->is_virtual && t->exists ? owed_T(s, t) : TIME_NEVER;

		if (since < s->calm_from)
			since = s->calm_from;
		if (since != TIME_NEVER && s->T - since > 2 * US_PER_SEC)
			sim_fail(s, "P2",
				"virtual table %lld has not heard for %lld s that a source of it "
				"was written",
				(long long)t->id, (long long)((s->T - since) / US_PER_SEC));
	}
}
