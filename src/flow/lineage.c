#include "flow/lineage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "flow/flow.h"
#include "flow/node.h"
#include "flow/subflow.h"
#include "nodes/nodes.h"
#include "store/sources.h"

/* How something names a table: by its id if there is one of it, else by its full name, else by name and namespace. */
struct reference {
	int64_t id, namespace_id; /* ID_NONE: none is given */
	const char *full, *name; /* NULL: none is given */
	struct reference *next;
};

/* A flow that another one runs, as it was found. */
struct run_file {
	struct subflow_call call; /* only what names it */
	const char *beside; /* where it is if the catalog does not know it; NULL: nowhere */
	const char *path; /* NULL: it was not found */
	struct stat seen;
	struct run_file *next;
};

/* What one virtual table's flow reads, with the flows that it runs, as their files said it. */
struct flow_reads {
	struct arena arena;
	char *path, *table;
	struct stat seen; /* the file, when it was read */
	bool readable;
	bool used; /* by a virtual table that is there */
	struct reference *first;
	struct run_file *runs;
	struct flow_reads *next;
};

struct lineage {
	struct flow_reads *flows;
};

struct table {
	int64_t id, namespace_id;
	const char *name, *schema, *catalog;
	const char *sql, *flow_path; /* NULL: none */
	bool is_virtual;
	/* Of a virtual one: */
	int64_t changed_us; /* when its flow's file was changed; TIME_NONE: no file says what it reads */
	bool unknown; /* what it reads cannot be found now */
	bool walked; /* by the walk that goes on */
	size_t *reads; /* places of tables */
	size_t n_reads;
};

struct tables {
	struct table *items; /* by id */
	size_t n;
};

/* --- flow files ------------------------------------------------------------------------------------------- */

static void
add_reference(struct arena *a, struct reference **list, struct reference reference)
{
	struct reference *r = arena_alloc(a, sizeof(*r));

	*r = reference;
	r->next = *list;
	*list = r;
}

static void
add_query(struct arena *a, struct reference **list, const char *sql)
{
	for (const char **name = lineage_query_names(sql, a); *name != NULL; name++)
		add_reference(a, list, (struct reference){.full = *name});
}

static const char *
text_of(const cJSON *settings, const char *field, struct arena *a)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, field));

	return text != NULL && *text != '\0' ? arena_strdup(a, text) : NULL;
}

static int64_t
id_of(const cJSON *settings, const char *field)
{
	struct err ignored = ERR_INIT;
	int64_t id;

	return setting_int(settings, field, 0, INT64_MAX, ID_NONE, &id, &ignored) < 0 ? ID_NONE
										      : id;
}

static void
add_reader(struct flow_reads *f, const struct flow_node *node)
{
	const cJSON *settings = node->settings;
	const char *sql = text_of(settings, "sql_query", &f->arena);
	struct reference r = {
		.id = id_of(settings, "catalog_table_id"),
		.namespace_id = id_of(settings, "catalog_namespace_id"),
		.full = text_of(settings, "catalog_full_table_name", &f->arena),
		.name = text_of(settings, "catalog_table_name", &f->arena),
	};

	if (sql != NULL)
		add_query(&f->arena, &f->first, sql);
	else
		add_reference(&f->arena, &f->first, r);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* --- flows that it runs --- */

struct look {
	struct flow_reads *f;
	struct db *db;
	size_t count;
};

/* Where a flow is now; NULL: nowhere. */
static const char *
find_file(struct db *db, const struct subflow_call *call, const char *beside)
{
	struct err ignored = ERR_INIT;
	const char *path, *name;

	return subflow_find(db, call, &path, &name, &ignored) == 0 ? path : beside;
}

static struct run_file *
note_file(struct look *look, const struct subflow_call *call)
{
	struct run_file *file = arena_alloc(&look->f->arena, sizeof(*file));
	struct subflow_call *known = &file->call;

	*known = (struct subflow_call){
		.arena = call->arena, .uuid = call->uuid, .registration_id = call->registration_id};
	file->beside = call->path != NULL ? find_file(NULL, call, NULL) : NULL;
	file->path = find_file(look->db, known, file->beside);
	if (file->path != NULL)
		stat(file->path, &file->seen);
	file->next = look->f->runs;
	look->f->runs = file;
	return file;
}

static bool
is_as_it_was(struct db *db, const struct run_file *file)
{
	struct arena a = ARENA_INIT;
	struct subflow_call call = file->call;
	struct stat now = {0};
	const char *path;
	bool same;

	call.arena = &a;
	path = find_file(db, &call, file->beside);
	same = catalog_same(path, file->path);
	if (same && path != NULL) {
		stat(path, &now);
		same = same_file(&file->seen, &now);
	}
	arena_free(&a);
	return same;
}

static int
add_needed(struct look *look, const struct flow *flow, unsigned *needed, struct err *err);

/* What leads to the outputs that are read, and what is connected to the inputs on the way there. */
static int
add_within(struct look *look, const struct subflow_call *call, const struct flow *sub,
	unsigned wanted, unsigned *needed, struct err *err)
{
	unsigned *within = xcalloc(sub->n_nodes + 1, sizeof(*within));
	const struct flow_node *output;
	const struct flow_edge *edge;
	int rc = 0;

	for (int h = 0; rc == 0 && h < FLOW_HANDLES_MAX; h++) {
		if ((wanted & (1u << h)) == 0)
			continue;
		rc = subflow_output(call, sub, h, &output, err);
		if (rc == 0 && output != NULL)
			within[output - sub->nodes] = 1;
	}
	if (rc == 0)
		rc = add_needed(look, sub, within, err);
	for (size_t i = 0; rc == 0 && i < sub->n_nodes; i++) {
		edge = within[i] != 0 ? subflow_input(call, sub, &sub->nodes[i]) : NULL;
		if (edge != NULL)
			needed[edge->from] |= 1u << edge->handle;
	}
	free(within);
	return rc;
}

static int
add_flow(struct look *look, const struct flow *flow, const struct flow_node *node, unsigned *needed,
	struct err *err)
{
	struct arena *a = &look->f->arena;
	struct subflow_call call;
	struct run_file *file;
	struct flow *sub;
	int rc;

	if (subflow_take(flow, node, a, &call, err) < 0)
		return -1;
	file = note_file(look, &call);
	if (file->path == NULL)
		return err_set(err, ERR_NOT_FOUND, "flow_reference: there is no such flow");
	if (subflow_read(&call, file->path, NULL, 0, &look->count, &sub, err) < 0)
		return -1;
	for (size_t i = 0; call.by_rows && i < node->n_inputs; i++)
		needed[node->inputs[i].from] |= 1u << node->inputs[i].handle;
	rc = add_within(look, &call, sub, needed[node - flow->nodes], needed, err);
	flow_free(sub);
	return rc;
}

/* The readers before the nodes that are needed. By node: the outputs that are, a bit for each. */
static int
add_needed(struct look *look, const struct flow *flow, unsigned *needed, struct err *err)
{
	/* Nodes are behind what they read. */
	for (size_t i = flow->n_nodes; i-- > 0;) {
		const struct flow_node *node = &flow->nodes[i];

		if (needed[i] == 0)
			continue;
		if (strcmp(node->kind->type, "catalog_reader") == 0)
			add_reader(look->f, node);
		if (node_runs_flow(node)) {
			if (add_flow(look, flow, node, needed, err) < 0)
				return flow_node_failed(node, err);
			continue;
		}
		for (size_t k = 0; k < node->n_inputs; k++)
			needed[node->inputs[k].from] |= 1u << node->inputs[k].handle;
	}
	return 0;
}

/* --- one file --- */

static int
add_readers(struct look *look, const struct flow *flow, struct err *err)
{
	unsigned *needed = xcalloc(flow->n_nodes + 1, sizeof(*needed));
	int rc;

	for (size_t i = 0; i < flow->n_nodes; i++)
		needed[i] = catalog_writer_makes(&flow->nodes[i], look->f->table);
	rc = add_needed(look, flow, needed, err);
	free(needed);
	return rc;
}

static void
read_file(struct flow_reads *f, struct db *db, const struct stat *now)
{
	struct look look = {.f = f, .db = db};
	struct err err = ERR_INIT;
	struct flow *flow;

	arena_reset(&f->arena);
	f->first = NULL;
	f->runs = NULL;
	f->seen = *now;
	f->readable = flow_read(f->path, NULL, 0, &flow, &err) == 0;
	if (f->readable) {
		f->readable = add_readers(&look, flow, &err) == 0;
		flow_free(flow);
	}
	if (!f->readable)
		log_warning("Cannot tell what a virtual table is made of: %s table=%s", err.text,
			f->table);
}

static bool
is_current(const struct flow_reads *f, struct db *db, const struct stat *now)
{
	bool same = same_file(&f->seen, now);

	for (const struct run_file *file = f->runs; same && file != NULL; file = file->next)
		same = is_as_it_was(db, file);
	return same;
}

static struct flow_reads *
reads_of(struct lineage *l, struct db *db, const char *path, const char *table)
{
	struct flow_reads *f;
	struct stat now = {0};

	for (f = l->flows; f != NULL; f = f->next)
		if (strcmp(f->path, path) == 0 && strcmp(f->table, table) == 0)
			break;
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->path = xstrdup(path);
		f->table = xstrdup(table);
		f->next = l->flows;
		l->flows = f;
		f->seen.st_size = -1;
	}
	f->used = true;
	stat(path, &now);
	if (!is_current(f, db, &now))
		read_file(f, db, &now);
	return f;
}

static void
free_reads(struct flow_reads *f)
{
	arena_free(&f->arena);
	free(f->path);
	free(f->table);
	free(f);
}

/* Of virtual tables that are gone. */
static void
drop_unused(struct lineage *l)
{
	for (struct flow_reads **at = &l->flows, *f; (f = *at) != NULL;) {
		if (f->used) {
			f->used = false;
			at = &f->next;
			continue;
		}
		*at = f->next;
		free_reads(f);
	}
}

struct lineage *
lineage_create(void)
{
	return xcalloc(1, sizeof(struct lineage));
}

void
lineage_free(struct lineage *l)
{
	if (l == NULL)
		return;
	for (struct flow_reads *f; (f = l->flows) != NULL;) {
		l->flows = f->next;
		free_reads(f);
	}
	free(l);
}

/* --- tables ------------------------------------------------------------------------------------------------ */

static int
load_tables(struct db *db, struct arena *a, struct tables *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SOURCES_TABLES);
	struct table *t;
	int r;

	*out = (struct tables){NULL, 0};
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		t = &out->items[out->n++];
		*t = (struct table){
			.id = col_int(st, 0),
			.name = catalog_text(a, st, 1),
			.namespace_id = col_int_or(st, 2, ID_NONE),
			.schema = catalog_text(a, st, 3),
			.catalog = catalog_text(a, st, 4),
			.is_virtual = strcmp(col_text(st, 5), "virtual") == 0,
			.sql = catalog_text(a, st, 6),
			.flow_path = catalog_text(a, st, 7),
			.changed_us = TIME_NONE,
		};
	}
	return r;
}

/* "t", "s.t", "c.s.t": what is given has to be the same. */
static bool
is_called(const struct table *t, const char *full)
{
	const char *dot = strrchr(full, '.');
	size_t len;

	if (dot == NULL)
		return strcmp(full, t->name) == 0;
	if (strcmp(dot + 1, t->name) != 0 || t->schema == NULL)
		return false;
	len = strlen(t->schema);
	if ((size_t)(dot - full) == len)
		return strncmp(full, t->schema, len) == 0;
	if (t->catalog == NULL || (size_t)(dot - full) != strlen(t->catalog) + 1 + len)
		return false;
	return text_starts(full, t->catalog) && strncmp(dot - len, t->schema, len) == 0 &&
		dot[-(ptrdiff_t)len - 1] == '.';
}

static void
add_read(struct table *t, size_t at, struct arena *a)
{
	for (size_t i = 0; i < t->n_reads; i++)
		if (t->reads[i] == at)
			return;
	t->reads = catalog_grow(a, t->reads, t->n_reads, sizeof(*t->reads));
	t->reads[t->n_reads++] = at;
}

/* All tables of that name: which one is meant shows when it is read. */
static bool
add_called(struct table *t, const struct tables *all, const struct reference *r, bool by_full,
	struct arena *a)
{
	bool found = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct table *other = &all->items[i];

		if (by_full ? !is_called(other, r->full)
			    : strcmp(other->name, r->name) != 0 ||
					(r->namespace_id != ID_NONE &&
						other->namespace_id != r->namespace_id))
			continue;
		add_read(t, i, a);
		found = true;
	}
	return found;
}

static void
add_referenced(
	struct table *t, const struct tables *all, const struct reference *r, struct arena *a)
{
	const struct table *by_id = NULL;

	if (r->id != ID_NONE)
		by_id = catalog_find(all->items, all->n, sizeof(*all->items), r->id);
	if (by_id != NULL)
		add_read(t, (size_t)(by_id - all->items), a);
	else if ((r->full == NULL || !add_called(t, all, r, true, a)) && r->name != NULL)
		add_called(t, all, r, false, a);
}

static void
note_change(struct table *t, const struct stat *file)
{
	int64_t changed_us =
		(int64_t)file->st_mtim.tv_sec * US_PER_SEC + file->st_mtim.tv_nsec / 1000;

	if (changed_us > t->changed_us)
		t->changed_us = changed_us;
}

static void
find_reads(struct lineage *l, struct db *db, struct table *t, const struct tables *all,
	struct arena *a)
{
	struct reference *list = NULL;
	struct flow_reads *f;

	if (t->sql != NULL && *t->sql != '\0') {
		add_query(a, &list, t->sql);
	} else if (t->flow_path != NULL) {
		f = reads_of(l, db, t->flow_path, t->name);
		t->unknown = !f->readable;
		list = f->first;
		note_change(t, &f->seen);
		for (const struct run_file *file = f->runs; file != NULL; file = file->next)
			note_change(t, &file->seen);
	}
	for (; list != NULL; list = list->next)
		add_referenced(t, all, list, a);
}

/* --- all that they are computed from --------------------------------------------------------------------------- */

static void
walk(const struct tables *all, struct table *t, struct sources *found, struct arena *a)
{
	for (size_t i = 0; i < t->n_reads; i++) {
		struct table *read = &all->items[t->reads[i]];

		if (read->walked)
			continue;
		read->walked = true;
		found->partly = found->partly || read->unknown;
		if (read->changed_us > found->changed_us)
			found->changed_us = read->changed_us;
		found->ids = catalog_grow(a, found->ids, found->n, sizeof(*found->ids));
		found->ids[found->n++] = read->id;
		walk(all, read, found, a);
	}
}

/* Of one virtual table. It is not computed from itself, even in a loop. */
static struct sources
sources_of(const struct tables *all, struct table *t, struct arena *a)
{
	struct sources found = {
		.table_id = t->id, .changed_us = t->changed_us, .partly = t->unknown};

	for (size_t i = 0; i < all->n; i++)
		all->items[i].walked = false;
	t->walked = true;
	walk(all, t, &found, a);
	return found;
}

static int
refresh(struct lineage *l, struct db *db, const char *holder_id, struct arena *a, struct err *err)
{
	struct sources *found;
	struct tables all;
	size_t n = 0;

	if (load_tables(db, a, &all, err) < 0)
		return -1;
	found = arena_array(a, all.n + 1, sizeof(*found));
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i].is_virtual)
			find_reads(l, db, &all.items[i], &all, a);
	drop_unused(l);
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i].is_virtual)
			found[n++] = sources_of(&all, &all.items[i], a);
	return sources_update(db, holder_id, found, n, err);
}

int
lineage_refresh(struct lineage *l, struct db *db, const char *holder_id, struct err *err)
{
	struct arena a = ARENA_INIT;
	int64_t n, known;
	int rc;

	if (stmt_get_int(db_stmt(db, SQL_SOURCES_COUNT_VIRTUAL), &n, err) < 0 ||
		stmt_get_int(db_stmt(db, SQL_SOURCES_KNOWN), &known, err) < 0)
		return -1;
	if (n == 0 && known > 0)
		return 0;
	rc = refresh(l, db, holder_id, &a, err);
	arena_free(&a);
	return rc;
}
