#include "catalog/resolve.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/text.h"
#include "catalog/tables.h"

/* What is looked for, and where. */
struct kind {
	const char *noun; /* "flow" */
	const char *list; /* the command that shows what there is */
	enum sql_id exists; /* by id */
	enum sql_id names; /* all of them, for "did you mean" */
};

static const struct kind kind_flow = {
	"flow", "flowfile flows list", SQL_CAT_FLOW_EXISTS, SQL_CAT_RESOLVE_FLOW_NAMES};
static const struct kind kind_table = {
	"table", "flowfile tables list", SQL_CAT_TABLE_EXISTS, SQL_CAT_RESOLVE_TABLE_NAMES};
static const struct kind kind_schedule = {"schedule", "flowfile schedules list",
	SQL_CAT_SCHEDULE_EXISTS, SQL_CAT_RESOLVE_SCHEDULE_NAMES};
static const struct kind kind_namespace = {
	"namespace", NULL, SQL_CAT_NAMESPACE_EXISTS, SQL_CAT_RESOLVE_NAMESPACE_NAMES};

/* An id: 1 and it is there, 0 when the text is a name. */
static int
by_id(struct catalog *cat, const struct kind *kind, const char *text, int64_t *id, struct err *err)
{
	int64_t n, found;

	if (text[strspn(text, "0123456789")] != '\0' || *text == '\0')
		return 0;
	if (!text_to_int(text, 1, INT64_MAX, &n))
		return err_set(err, ERR_NOT_FOUND, "no %s has the id %s", kind->noun, text);
	if (catalog_count(cat, kind->exists, n, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "no %s has the id %s%s%s%s", kind->noun, text,
			kind->list != NULL ? "\nSee what there is with `" : "",
			kind->list != NULL ? kind->list : "", kind->list != NULL ? "`." : "");
	*id = n;
	return 1;
}

static int
not_found(struct catalog *cat, const struct kind *kind, const char *text, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, kind->names);
	struct nearest near = nearest_to(text);
	struct arena a = ARENA_INIT;
	int r;

	/* The names must outlive the row: the nearest is one of them. */
	while ((r = stmt_step(st, err)) > 0)
		nearest_offer(&near, catalog_text(&a, st, 0));
	if (r == 0 && near.name != NULL)
		err_set(err, ERR_NOT_FOUND, "no %s is called '%s'; did you mean '%s'?", kind->noun,
			text, near.name);
	else if (r == 0)
		err_set(err, ERR_NOT_FOUND, "no %s is called '%s'%s%s%s", kind->noun, text,
			kind->list != NULL ? "\nSee what there is with `" : "",
			kind->list != NULL ? kind->list : "", kind->list != NULL ? "`." : "");
	arena_free(&a);
	return -1;
}

/* The candidates, "  12  General.default.orders" a line, as many as the error has room for. which: what to say instead of the name. */
static int
ambiguous(const struct kind *kind, const char *text, const char *which, const char *candidates,
	struct err *err)
{
	return err_set(err, ERR_CONFLICT, "more than one %s is called '%s'; say which: %s%s",
		kind->noun, text, which, candidates);
}

/* "A or B", "1, 2 or 3". */
static void
add_choice(struct buf *which, const char *choice, size_t i, size_t n)
{
	buf_printf(which, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", choice);
}

static void
add_candidate(struct buf *out, int64_t id, const char *a, const char *b, const char *c)
{
	buf_printf(out, "\n  %lld  %s%s%s%s%s", (long long)id, a != NULL ? a : "",
		a != NULL && b != NULL ? "." : "", b != NULL ? b : "",
		(a != NULL || b != NULL) && c != NULL ? "." : "", c != NULL ? c : "");
}

/* Rows: id, name, parent, grandparent. */
static int
by_name(struct catalog *cat, const struct kind *kind, struct stmt *st, const char *text,
	int64_t *id, struct err *err)
{
	struct buf candidates;
	int n = 0, r;

	buf_init(&candidates, 400);
	while ((r = stmt_step(st, err)) > 0) {
		if (n++ == 0)
			*id = col_int(st, 0);
		if (n <= 8)
			add_candidate(&candidates, col_int(st, 0), col_text(st, 3), col_text(st, 2),
				col_text(st, 1));
	}
	if (r == 0 && n == 0)
		r = not_found(cat, kind, text, err);
	else if (r == 0 && n > 1)
		r = ambiguous(kind, text, "one of these ids", buf_str(&candidates), err);
	buf_free(&candidates);
	return r;
}

int
resolve_flow(struct catalog *cat, const char *text, int64_t *id, struct err *err)
{
	int r = by_id(cat, &kind_flow, text, id, err);
	struct stmt *st;

	if (r != 0)
		return r < 0 ? -1 : 0;
	st = db_stmt(cat->db, SQL_CAT_RESOLVE_FLOW);
	stmt_text(st, 1, text);
	return by_name(cat, &kind_flow, st, text, id, err);
}

int
resolve_schedule(struct catalog *cat, const char *text, int64_t *id, struct err *err)
{
	int r = by_id(cat, &kind_schedule, text, id, err);
	struct stmt *st;

	if (r != 0)
		return r < 0 ? -1 : 0;
	st = db_stmt(cat->db, SQL_CAT_RESOLVE_SCHEDULE);
	stmt_text(st, 1, text);
	return by_name(cat, &kind_schedule, st, text, id, err);
}

int
resolve_namespace(struct catalog *cat, const char *text, int64_t *id, struct err *err)
{
	int r = by_id(cat, &kind_namespace, text, id, err);
	struct arena a = ARENA_INIT;
	char *catalog = NULL, *schema;
	struct stmt *st;

	if (r != 0)
		return r < 0 ? -1 : 0;
	schema = arena_strdup(&a, text);
	if (strchr(schema, '.') != NULL) {
		catalog = schema;
		schema = strchr(schema, '.');
		*schema++ = '\0';
	}
	st = db_stmt(cat->db, SQL_CAT_RESOLVE_NAMESPACE);
	stmt_text(st, 1, schema);
	stmt_text(st, 2, catalog);
	r = by_name(cat, &kind_namespace, st, text, id, err);
	arena_free(&a);
	return r;
}

int
resolve_table(struct catalog *cat, const char *text, int64_t *id, struct err *err)
{
	int r = by_id(cat, &kind_table, text, id, err);
	struct arena a = ARENA_INIT;
	struct table_matches found;
	struct buf candidates, which;
	size_t n;

	if (r != 0)
		return r < 0 ? -1 : 0;
	r = tables_resolve(cat, text, ID_NONE, true, &a, &found, err);
	if (r == 0) {
		*id = found.items[0].id;
	} else if (err->code == ERR_NOT_FOUND) {
		r = not_found(cat, &kind_table, text, err);
	} else if (err->code == ERR_CONFLICT) {
		buf_init(&candidates, 400);
		buf_init(&which, 400);
		n = found.n < 8 ? found.n : 8;
		for (size_t i = 0; i < n; i++) {
			add_candidate(&candidates, found.items[i].id, NULL, NULL,
				found.items[i].qualified_name);
			add_choice(&which, found.items[i].qualified_name, i, n);
		}
		r = ambiguous(&kind_table, text,
			buf_failed(&which) ? "one of these ids" : buf_str(&which),
			buf_str(&candidates), err);
		buf_free(&candidates);
		buf_free(&which);
	}
	arena_free(&a);
	return r;
}

int
resolve_run(struct catalog *cat, const char *text, int64_t *id, struct err *err)
{
	int64_t found;

	if (!text_to_int(text, 1, INT64_MAX, id))
		return err_set(err, ERR_USAGE,
			"'%s' is not a run's id; `flowfile runs list` shows them", text);
	if (catalog_count(cat, SQL_CAT_RUN_EXISTS, *id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND,
			"no run has the id %s; `flowfile runs list` shows them", text);
	return 0;
}
