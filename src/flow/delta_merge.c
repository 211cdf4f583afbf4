#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "delta_impl.h"

/* Columns that no table has: that a row has a match, that the match goes, and which file a row is from. */
#define HIT_COLUMN "__flowfile_hit"
#define GONE_COLUMN "__flowfile_gone"
#define FILE_COLUMN "__flowfile_at"
#define PARAMETERS_MAX (1024 * 1024)

struct merge {
	struct delta_txn *t;
	enum delta_merge_mode mode;
	const char *
		deletes; /* of an edit, which is an upsert otherwise: a SELECT of keys whose rows go; else NULL */
	const struct delta_names *keys;
	const struct delta_type *rows; /* of the SELECT */
	const char *source; /* a temporary table: the SELECT's rows, as the table has its columns */
	const char *same; /* whether t and s have the same keys */
	const struct delta_file **touched; /* files with such rows */
	size_t n_touched;
	const char *touched_sql; /* their rows */
	int64_t updated, deleted, unmatched;
};

#define TOLD_EDIT (DELTA_DELETE + 1)
static const struct {
	const char *matched, *not_matched; /* as the log tells them */
} told[] = {
	[DELTA_UPSERT] = {"[{\"actionType\":\"update\"}]", "[{\"actionType\":\"insert\"}]"},
	[DELTA_UPDATE] = {"[{\"actionType\":\"update\"}]", "[]"},
	[DELTA_DELETE] = {"[{\"actionType\":\"delete\"}]", "[]"},
	[TOLD_EDIT] = {"[{\"actionType\":\"delete\"},{\"actionType\":\"update\"}]",
		"[{\"actionType\":\"insert\"}]"},
};

/* --- the rows to merge -------------------------------------------------------------------------------------------- */

static bool
is_key(const struct merge *m, const char *name)
{
	return delta_names_have(m->keys, name);
}

static int
check_keys(const struct merge *m, struct err *err)
{
	if (m->keys->n == 0)
		return err_set(err, ERR_USAGE, "a merge needs key columns");
	for (size_t i = 0; i < m->keys->n; i++) {
		if (delta_field_find(m->rows, m->keys->items[i]) == NULL)
			return err_set(err, ERR_USAGE, "the rows have no key column \"%s\"",
				m->keys->items[i]);
		if (delta_field_find(m->t->base.type, m->keys->items[i]) == NULL)
			return write_unknown_column(m->t, m->keys->items[i], err);
	}
	return 0;
}

/* Whether a column of the table after the merge comes from the rows. A delete looks at keys only. */
static bool
is_taken(const struct merge *m, const char *name)
{
	return delta_field_find(m->rows, name) != NULL &&
		(m->mode != DELTA_DELETE || is_key(m, name));
}

/* They are read more than once, and may not be the same twice. */
static int
make_source(struct merge *m, const char *sql, struct err *err)
{
	const char *cast;
	struct buf b;
	int rc = 0;

	buf_init(&b, DELTA_SQL_MAX);
	buf_printf(&b, "CREATE TEMP TABLE %s AS SELECT true AS " HIT_COLUMN ", %s AS " GONE_COLUMN,
		m->source, m->mode == DELTA_DELETE ? "true" : "false");
	for (size_t i = 0; rc == 0 && i < m->t->type->n; i++) {
		const struct delta_field *field = &m->t->type->fields[i];

		if (!is_taken(m, field->name))
			continue;
		cast = write_cast(m->t, field, m->rows, err);
		if (cast == NULL) {
			rc = -1;
			break;
		}
		buf_printf(&b, ", %s AS ", cast);
		sql_ident(&b, field->name);
	}
	buf_printf(&b, " FROM (%s\n) AS q", sql);
	if (rc == 0)
		rc = duck_exec(m->t->d, buf_str(&b), NULL, err);
	buf_free(&b);
	return rc;
}

static int
add_deletes(struct merge *m, struct err *err)
{
	const struct delta_type *rows;
	struct buf b;
	int rc = 0;

	if (write_describe(m->t, m->deletes, &rows, err) < 0)
		return -1;
	buf_init(&b, DELTA_SQL_MAX);
	buf_printf(&b, "INSERT INTO %s BY NAME SELECT true AS " HIT_COLUMN ", true AS " GONE_COLUMN,
		m->source);
	for (size_t i = 0; rc == 0 && i < m->keys->n; i++) {
		const char *cast = write_cast(
			m->t, delta_field_find(m->t->base.type, m->keys->items[i]), rows, err);

		rc = cast != NULL ? 0 : -1;
		buf_printf(&b, ", %s AS ", cast != NULL ? cast : "");
		sql_ident(&b, m->keys->items[i]);
	}
	buf_printf(&b, " FROM (%s\n) AS q", m->deletes);
	if (rc == 0)
		rc = duck_exec(m->t->d, buf_str(&b), NULL, err);
	buf_free(&b);
	return rc;
}

static const char *
same_keys(const struct merge *m)
{
	const char *same = "";

	for (size_t i = 0; i < m->keys->n; i++) {
		const char *name = sql_quoted(m->t->a, m->keys->items[i]);

		same = arena_printf(
			m->t->a, "%s%st.%s = s.%s", same, i > 0 ? " AND " : "", name, name);
	}
	return same;
}

/* --- what it meets in the table ------------------------------------------------------------------------------- */

static int
find_touched(struct merge *m, struct err *err)
{
	const struct delta_snapshot *s = &m->t->base;
	const struct delta_file **files = arena_array(m->t->a, s->n_files + 1, sizeof(*files));
	struct duck_rows *rows;

	for (size_t i = 0; i < s->n_files; i++)
		files[i] = &s->files[i];
	m->touched = arena_array(m->t->a, s->n_files + 1, sizeof(*m->touched));
	m->n_touched = 0;
	if (duck_query(m->t->d,
		    arena_printf(m->t->a,
			    "SELECT DISTINCT CAST(" FILE_COLUMN
			    " AS BIGINT) FROM (%s) t SEMI JOIN %s s ON %s ORDER BY 1",
			    snapshot_scan_sql(s, files, s->n_files, FILE_COLUMN, m->t->a),
			    m->source, m->same),
		    &rows, err) < 0)
		return -1;
	while (duck_rows_next(rows))
		m->touched[m->n_touched++] = files[duck_int(rows, 0)];
	duck_rows_free(rows);
	m->touched_sql = snapshot_scan_sql(s, m->touched, m->n_touched, NULL, m->t->a);
	return 0;
}

/* The rows whose keys must be there once: no row may be changed by two, and of those that an upsert adds the next one could change only one. */
static const char *
rows_to_be_unique(const struct merge *m)
{
	const char *keyed = "";

	if (m->mode != DELTA_UPSERT)
		return arena_printf(
			m->t->a, "%s s SEMI JOIN (%s) t ON %s", m->source, m->touched_sql, m->same);
	for (size_t i = 0; i < m->keys->n; i++) /* NULL is no key's equal */
		keyed = arena_printf(m->t->a, "%s%ss.%s IS NOT NULL", keyed, i > 0 ? " AND " : "",
			sql_quoted(m->t->a, m->keys->items[i]));
	return arena_printf(m->t->a, "%s s WHERE %s", m->source, keyed);
}

/* The first row of a SELECT of keys and, behind them, a number; *n 0: there is none. What it says is in the arena. */
static int
find_keys(const struct merge *m, const char *sql, const char **text, int64_t *n, struct err *err)
{
	struct arena *a = m->t->a;
	struct duck_rows *rows;

	*text = "";
	*n = 0;
	if (duck_query(m->t->d, sql, &rows, err) < 0)
		return -1;
	if (duck_rows_next(rows)) {
		for (size_t i = 0; i < m->keys->n; i++) {
			const char *value = duck_text_copy(rows, i, a);

			if (value == NULL && duck_cell(rows, i) == CELL_INT)
				value = arena_printf(a, "%" PRId64, duck_int(rows, i));
			*text = arena_printf(a, "%s%s%s = %s", *text, i > 0 ? ", " : "",
				m->keys->items[i], value != NULL ? value : "?");
		}
		*n = duck_int(rows, m->keys->n);
	}
	duck_rows_free(rows);
	return 0;
}

static int
check_unique(const struct merge *m, struct err *err)
{
	struct arena *a = m->t->a;
	const char *names = "", *list = "", *text;
	int64_t n;

	if (m->mode == DELTA_DELETE || m->deletes != NULL ||
		(m->mode == DELTA_UPDATE && m->n_touched == 0))
		return 0;
	for (size_t i = 0; i < m->keys->n; i++) {
		names = arena_printf(
			a, "%s%ss.%s", names, i > 0 ? ", " : "", sql_quoted(a, m->keys->items[i]));
		list = arena_printf(a, "%s%s%s", list, i > 0 ? ", " : "", m->keys->items[i]);
	}
	if (find_keys(m,
		    arena_printf(a,
			    "SELECT %s, count(*) AS " HIT_COLUMN
			    " FROM %s GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1",
			    names, rows_to_be_unique(m)),
		    &text, &n, err) < 0)
		return -1;
	return n == 0 ? 0
		      : err_set(err, ERR_USAGE,
				"merge_keys %s: %" PRId64
				" rows of the input have %s; put a unique node before the writer",
				list, n, text);
}

/* An edit says one thing of each key, of those that the table does not have, too; to delete a row twice is to delete it. */
static int
check_edit(const struct merge *m, struct err *err)
{
	struct arena *a = m->t->a;
	const char *names = "", *text;
	int64_t n;

	for (size_t i = 0; i < m->keys->n; i++)
		names = arena_printf(
			a, "%s%s%s", names, i > 0 ? ", " : "", sql_quoted(a, m->keys->items[i]));
	if (find_keys(m,
		    arena_printf(a,
			    "SELECT %s, count(*) AS " HIT_COLUMN
			    " FROM %s GROUP BY ALL HAVING count(*) > 1 AND NOT "
			    "bool_and(" GONE_COLUMN ") LIMIT 1",
			    names, m->source),
		    &text, &n, err) < 0)
		return -1;
	return n == 0 ? 0
		      : err_set(err, ERR_USAGE, "the edit says two things of one key (%s)", text);
}

/* Of an edit: rows that are in the table as they are to be need nothing. */
static int
drop_unchanged(const struct merge *m, struct err *err)
{
	const struct delta_type *type = m->t->type;
	struct buf b;
	int rc;

	buf_init(&b, DELTA_SQL_MAX);
	buf_printf(&b,
		"DELETE FROM %s AS s WHERE NOT " GONE_COLUMN
		" AND EXISTS (SELECT 1 FROM (%s) t WHERE %s) AND NOT EXISTS (SELECT 1 FROM (%s) t "
		"WHERE %s AND (false",
		m->source, m->touched_sql, m->same, m->touched_sql, m->same);
	for (size_t i = 0; i < type->n; i++) {
		const char *name = sql_quoted(m->t->a, type->fields[i].name);

		if (!is_taken(m, type->fields[i].name) || is_key(m, type->fields[i].name))
			continue;
		if (delta_field_find(m->t->base.type, type->fields[i].name) != NULL)
			buf_printf(&b, " OR t.%s IS DISTINCT FROM s.%s", name, name);
		else
			buf_printf(&b, " OR s.%s IS NOT NULL", name);
	}
	buf_puts(&b, "))");
	rc = duck_exec(m->t->d, buf_str(&b), NULL, err);
	buf_free(&b);
	return rc;
}

static int
count(struct merge *m, struct err *err)
{
	struct arena *a = m->t->a;
	const char *matches =
		"SELECT count(*) FROM (%s) t SEMI JOIN (SELECT * FROM %s WHERE %s" GONE_COLUMN
		") s ON %s";
	struct duck *d = m->t->d;

	if (duck_number(d, arena_printf(a, matches, m->touched_sql, m->source, "NOT ", m->same),
		    &m->updated, err) < 0 ||
		duck_number(d, arena_printf(a, matches, m->touched_sql, m->source, "", m->same),
			&m->deleted, err) < 0)
		return -1;
	if (m->mode != DELTA_UPSERT)
		return 0;
	return duck_number(d,
		arena_printf(a,
			"SELECT count(*) FROM %s s ANTI JOIN (%s) t ON %s WHERE NOT " GONE_COLUMN,
			m->source, m->touched_sql, m->same),
		&m->unmatched, err);
}

/* --- what comes in place of it -------------------------------------------------------------------------------- */

/* The rows of the touched files, changed where they have a match. */
static void
put_changed(struct buf *b, const struct merge *m)
{
	const struct delta_type *type = m->t->type;

	buf_puts(b, "SELECT ");
	for (size_t i = 0; i < type->n; i++) {
		const char *name = sql_quoted(m->t->a, type->fields[i].name);
		bool known = delta_field_find(m->t->base.type, type->fields[i].name) != NULL;
		const char *old = known ? arena_printf(m->t->a, "t.%s", name)
					: arena_printf(m->t->a, "CAST(NULL AS %s)",
						  delta_type_sql(type->fields[i].type, m->t->a));

		buf_puts(b, i > 0 ? ", " : "");
		if (m->mode != DELTA_DELETE && is_taken(m, type->fields[i].name) &&
			!is_key(m, type->fields[i].name))
			buf_printf(b, "CASE WHEN s." HIT_COLUMN " THEN s.%s ELSE %s END AS %s",
				name, old, name);
		else
			buf_printf(b, "%s AS %s", old, name);
	}
	buf_printf(b,
		" FROM (%s) t LEFT JOIN %s s ON %s WHERE s." GONE_COLUMN " IS DISTINCT FROM true",
		m->touched_sql, m->source, m->same);
}

static void
put_inserted(struct buf *b, const struct merge *m)
{
	const struct delta_type *type = m->t->type;

	buf_puts(b, "SELECT ");
	for (size_t i = 0; i < type->n; i++) {
		buf_puts(b, i > 0 ? ", " : "");
		if (is_taken(m, type->fields[i].name))
			buf_puts(b, "s.");
		else
			buf_printf(b, "CAST(NULL AS %s) AS ",
				delta_type_sql(type->fields[i].type, m->t->a));
		sql_ident(b, type->fields[i].name);
	}
	buf_printf(b, " FROM %s s ANTI JOIN (%s) t ON %s WHERE NOT s." GONE_COLUMN, m->source,
		m->touched_sql, m->same);
}

static int
write_result(struct merge *m, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, DELTA_SQL_MAX);
	if (m->n_touched > 0)
		put_changed(&b, m);
	if (m->unmatched > 0) {
		buf_puts(&b, m->n_touched > 0 ? " UNION ALL " : "");
		put_inserted(&b, m);
	}
	rc = b.len > 0 ? write_rows(m->t, buf_str(&b), err) : 0;
	buf_free(&b);
	return rc;
}

/* --- a merge -------------------------------------------------------------------------------------------------------- */

static const char *
parameters(const struct merge *m)
{
	int what = m->deletes != NULL ? (int)TOLD_EDIT : (int)m->mode;
	const char *predicate = "", *text;
	struct json j;
	struct buf b;

	for (size_t i = 0; i < m->keys->n; i++) {
		const char *name = sql_quoted(m->t->a, m->keys->items[i]);

		predicate = arena_printf(m->t->a, "%s%starget.%s = source.%s", predicate,
			i > 0 ? " AND " : "", name, name);
	}
	buf_init(&b, PARAMETERS_MAX);
	json_init(&j, &b);
	json_object(&j);
	json_kv_string(&j, "predicate", predicate);
	json_kv_string(&j, "matchedPredicates", told[what].matched);
	json_kv_string(&j, "notMatchedPredicates", told[what].not_matched);
	json_object_end(&j);
	text = arena_strdup(m->t->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static int
prepare_edit(struct merge *m, struct err *err)
{
	if (add_deletes(m, err) < 0 || check_edit(m, err) < 0 || find_touched(m, err) < 0)
		return -1;
	return m->n_touched > 0 ? drop_unchanged(m, err) : 0;
}

static int
merge_from_source(struct merge *m, struct delta_written *out, struct err *err)
{
	struct delta_txn *t = m->t;

	if (m->deletes != NULL && prepare_edit(m, err) < 0)
		return -1;
	if (find_touched(m, err) < 0 || check_unique(m, err) < 0 || count(m, err) < 0)
		return -1;
	out->version = t->base.version;
	if (m->updated + m->deleted + m->unmatched == 0 && !t->changes_schema)
		return 0;
	if (write_result(m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_touched; i++)
		txn_remove(t, m->touched[i]);
	t->reads = true;
	t->operation = "MERGE";
	t->parameters = parameters(m);
	out->rows_inserted = m->unmatched;
	out->rows_updated = m->updated;
	out->rows_deleted = m->deleted;
	return txn_commit(t, out, err);
}

/* A table of the engine's that no other write has. */
static void
name_source(struct merge *m)
{
	char uuid[UUID_SIZE];

	uuid4(uuid);
	m->source = arena_printf(m->t->a, "\"__flowfile_source_%s\"", uuid);
}

static int
merge_into(struct merge *m, const char *sql, bool add_columns, struct delta_written *out,
	struct err *err)
{
	struct delta_txn *t = m->t;
	int rc;

	if (write_describe(t, sql, &m->rows, err) < 0 || check_keys(m, err) < 0 ||
		(m->mode != DELTA_DELETE && write_widen(t, m->rows, add_columns, err) < 0))
		return -1;
	name_source(m);
	m->same = same_keys(m);
	rc = make_source(m, sql, err);
	if (rc == 0)
		rc = merge_from_source(m, out, err);
	duck_exec(t->d, arena_printf(t->a, "DROP TABLE IF EXISTS %s", m->source), NULL, NULL);
	return rc;
}

/* There is nothing to change in a table that was not there; but the next upsert must find each key once. */
static int
merge_into_new(struct delta_txn *t, const char *sql, enum delta_merge_mode mode,
	const struct delta_names *keys, const struct delta_write_options *options,
	struct delta_written *out, struct err *err)
{
	struct merge m = {.t = t, .mode = mode, .keys = keys};
	int rc;

	if (mode != DELTA_UPSERT)
		return write_append(t, arena_printf(t->a, "SELECT * FROM (%s\n) AS q LIMIT 0", sql),
			options, out, err);
	name_source(&m);
	rc = duck_exec(
		t->d, arena_printf(t->a, "CREATE TEMP TABLE %s AS %s", m.source, sql), NULL, err);
	if (rc == 0)
		rc = check_unique(&m, err);
	if (rc == 0)
		rc = write_append(
			t, arena_printf(t->a, "SELECT * FROM %s", m.source), options, out, err);
	duck_exec(t->d, arena_printf(t->a, "DROP TABLE IF EXISTS %s", m.source), NULL, NULL);
	return rc;
}

int
delta_merge(struct duck *d, const char *dir, const char *sql, enum delta_merge_mode mode,
	const struct delta_names *keys, const struct delta_write_options *options,
	struct delta_written *out, struct err *err)
{
	static const struct delta_write_options none;
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	struct merge m = {.t = &t, .mode = mode, .keys = keys};
	int rc;

	if (options == NULL)
		options = &none;
	*out = (struct delta_written){.version = -1};
	rc = txn_begin(&t, d, dir, options->expected_version, &a, err);
	t.told = options->arena;
	if (rc == 0)
		rc = t.exists ? merge_into(&m, sql, options->add_columns, out, err)
			      : merge_into_new(&t, sql, mode, keys, options, out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}

int
delta_edit(struct duck *d, const char *dir, const struct delta_edit *edit,
	const int64_t *expected_version, struct delta_written *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	struct merge m = {
		.t = &t, .mode = DELTA_UPSERT, .keys = &edit->keys, .deletes = edit->deletes};
	int rc;

	*out = (struct delta_written){.version = -1};
	rc = delta_is_table(dir, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", dir);
	rc = txn_begin(&t, d, dir, expected_version, &a, err);
	if (rc == 0)
		rc = merge_into(&m, edit->upserts, true, out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}
