/* The transactions of the leader, and complaints about the rows they find. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine_impl.h"
#include "store/fence.h"

/* The database works but refuses what one row asks for. */
static bool
is_about_one_row(const struct err *err)
{
	return err->code == ERR_FAILED || err->code == ERR_CONFLICT || err->code == ERR_USAGE;
}

int64_t
engine_key(struct about about)
{
	return (int64_t)((uint64_t)about.id * 128 + (uint64_t)(about.kind & 127));
}

static int
transact(struct engine *e, const struct writing *w, char *items, size_t n, bool *begun,
	struct err *err)
{
	struct db *db = e->env.db;
	int r = w->without_lease ? db_begin(db, err) : fence_begin(db, e->env.holder_id, err);

	*begun = r >= 0;
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = w->work(e, items + i * w->size, err);
	if (r >= 0)
		r = db_commit(db, err);
	if (r < 0) {
		db_rollback(db);
		return -1;
	}
	for (size_t i = 0; w->done && i < n; i++)
		w->done(e, items + i * w->size);
	return 0;
}

static void
refuse(struct engine *e, const struct writing *w, char *item, const struct err *err)
{
	struct about about = {w->kind, 0};

	if (w->refused) {
		w->refused(e, item, err);
		return;
	}
	memcpy(&about.id, item + w->id_at, sizeof(about.id));
	engine_complain(e, about, "Cannot %s: %s", w->what, err->text);
	for (size_t i = 0; i < e->n_put_off; i++)
		if (engine_key(e->put_off[i]) == engine_key(about))
			return;
	if (e->n_put_off == e->cap_put_off) {
		e->cap_put_off = e->cap_put_off ? 2 * e->cap_put_off : 8;
		e->put_off = xrealloc(e->put_off, e->cap_put_off, sizeof(*e->put_off));
	}
	e->put_off[e->n_put_off++] = about;
}

int
engine_write(struct engine *e, const struct writing *w, void *items, size_t n)
{
	struct err err = ERR_INIT;
	bool begun;

	if (n == 0 || transact(e, w, items, n, &begun, &err) == 0)
		return 0;
	if (!begun || !is_about_one_row(&err))
		return engine_db_failed(e, w->what, &err);
	if (n == 1) {
		refuse(e, w, items, &err);
		return 0;
	}
	/* By halves, so that one row in hundreds costs some transactions, not hundreds. */
	if (engine_write(e, w, items, n / 2) < 0)
		return -1;
	return engine_write(e, w, (char *)items + n / 2 * w->size, n - n / 2);
}

/* --- complaints ------------------------------------------------------------------------------------ */

static const struct {
	char kind;
	const char *name;
} kinds[] = {{'s', "schedule"}, {'r', "run"}, {'q', "request"}};

void
engine_complain(struct engine *e, struct about about, const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text) + 128];
	const char *name = NULL;
	va_list ap;
	void *mark;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mark = (void *)(uintptr_t)(schedule_spec_hash(text) | 1);
	if (idmap_get(&e->said, engine_key(about)) == mark)
		return;
	idmap_put(&e->said, engine_key(about), mark);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == about.kind)
			name = kinds[i].name;
	if (name)
		log_warning("%s %s=%" PRId64, text, name, about.id);
	else
		log_warning("%s", text);
}

void
engine_no_complaint(struct engine *e, struct about about)
{
	idmap_remove(&e->said, engine_key(about));
}
