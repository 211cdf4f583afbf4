#include "scd2.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/uuid.h"
#include "catalog/catalog.h"

/* How often a write begins anew because another one came before it. */
#define TRIES 5
#define HIT "__flowfile_hit"

/* --- settings ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *field, *preset;
	size_t at;
} names[] = {
	{"surrogate_key_column", "surrogate_key", offsetof(struct scd2, surrogate)},
	{"valid_from_column", "valid_from", offsetof(struct scd2, from)},
	{"valid_to_column", "valid_to", offsetof(struct scd2, to)},
	{"is_current_column", "is_current", offsetof(struct scd2, current)},
};

static const char **
name_at(struct scd2 *scd2, size_t i)
{
	return (const char **)(void *)((char *)scd2 + names[i].at);
}

static const char *
name_of(const struct scd2 *scd2, size_t i)
{
	return *(const char *const *)(const void *)((const char *)scd2 + names[i].at);
}

static bool
has_name(const struct delta_names *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

static bool
same_names(const struct delta_names *a, const struct delta_names *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!has_name(b, a->items[i]))
			return false;
	return a->n == b->n;
}

static const char *
list_names(const struct delta_names *list, struct arena *a)
{
	const char *text = "";

	for (size_t i = 0; i < list->n; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? ", " : "", list->items[i]);
	return *text != '\0' ? text : "none";
}

static int
take_names(const cJSON *settings, const char *field, struct arena *a, struct delta_names *out,
	struct err *err)
{
	const char **items;

	if (setting_texts(settings, field, a, &items, &out->n, err) < 0)
		return -1;
	out->items = items;
	return 0;
}

static int
take(const cJSON *settings, struct arena *a, struct scd2 *out, struct err *err)
{
	*out = (struct scd2){0};
	if (take_names(settings, "business_keys", a, &out->keys, err) < 0 ||
		take_names(settings, "compare_columns", a, &out->compare, err) < 0 ||
		setting_bool(settings, "full_snapshot", false, &out->full_snapshot, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char **name = name_at(out, i);

		if (setting_text(settings, names[i].field, NULL, a, name, err) < 0)
			return -1;
		if (*name != NULL && **name == '\0')
			*name = NULL;
	}
	return 0;
}

int
scd2_take(const cJSON *settings, const struct delta_names *merge_keys, struct arena *a,
	struct scd2 *out, struct err *err)
{
	if (take(settings, a, out, err) < 0)
		return err_prefix(err, "scd2");
	if (merge_keys->n > 0 && out->keys.n > 0 && !same_names(merge_keys, &out->keys))
		return err_set(err, ERR_USAGE,
			"scd2: business_keys: they are %s, and merge_keys are %s",
			list_names(&out->keys, a), list_names(merge_keys, a));
	if (out->keys.n == 0)
		out->keys = *merge_keys;
	if (out->keys.n == 0)
		return err_set(err, ERR_USAGE, "merge_keys: write_mode scd2 needs some");
	return 0;
}

int
scd2_check(const struct compiler *c, const struct scd2 *scd2, struct err *err)
{
	const struct column *column;

	for (size_t i = 0; i < scd2->keys.n; i++)
		if (node_column(c, 0, scd2->keys.items[i], "merge_keys", &column, err) < 0)
			return -1;
	for (size_t i = 0; i < scd2->compare.n; i++) {
		if (node_column(c, 0, scd2->compare.items[i], "scd2: compare_columns", &column,
			    err) < 0)
			return -1;
		if (has_name(&scd2->keys, scd2->compare.items[i]))
			return err_set(err, ERR_USAGE, "scd2: compare_columns: %s is a key",
				scd2->compare.items[i]);
	}
	return 0;
}

/* --- what the catalog has of it ----------------------------------------------------------------------------- */

static int
adopt(struct scd2 *scd2, const struct scd2 *table, struct arena *a, struct err *err)
{
	if (!same_names(&scd2->keys, &table->keys))
		return err_set(err, ERR_CONFLICT,
			"the table keeps its history by the keys %s, and merge_keys are %s",
			list_names(&table->keys, a), list_names(&scd2->keys, a));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char **name = name_at(scd2, i), *its = name_of(table, i);

		if (*name == NULL)
			*name = its;
		if (*name != NULL && its != NULL && strcmp(*name, its) != 0)
			return err_set(err, ERR_CONFLICT,
				"scd2: %s: the table has %s, and the flow says %s", names[i].field,
				its, *name);
	}
	return 0;
}

/* One column cannot be two things. */
static int
check_names(const struct scd2 *scd2, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (has_name(&scd2->keys, name_of(scd2, i)))
			return err_set(err, ERR_USAGE, "scd2: %s: %s is a key", names[i].field,
				name_of(scd2, i));
		for (size_t k = 0; k < i; k++)
			if (text_equal_nocase(name_of(scd2, i), name_of(scd2, k)))
				return err_set(err, ERR_USAGE, "scd2: %s and %s are both %s",
					names[k].field, names[i].field, name_of(scd2, i));
	}
	return 0;
}

int
scd2_settle(struct scd2 *scd2, const char *config, struct arena *a, struct err *err)
{
	cJSON *json = config != NULL ? cJSON_Parse(config) : NULL;
	struct scd2 table;
	int rc = 0;

	if (config != NULL && !cJSON_IsObject(json))
		rc = err_set(err, ERR_FAILED, "scd2_config of the table is no JSON object");
	else if (json != NULL && take(json, a, &table, err) < 0)
		rc = err_prefix(err, "scd2_config of the table");
	else if (json != NULL)
		rc = adopt(scd2, &table, a, err);
	cJSON_Delete(json);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (name_of(scd2, i) == NULL)
			*name_at(scd2, i) = names[i].preset;
	return check_names(scd2, err);
}

static void
add_names(cJSON *object, const char *field, const struct delta_names *list)
{
	cJSON *array = cJSON_AddArrayToObject(object, field);

	for (size_t i = 0; i < list->n; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i]));
}

const char *
scd2_config(const struct scd2 *scd2, struct arena *a)
{
	cJSON *object = cJSON_CreateObject();
	const char *result;
	char *text;

	add_names(object, "business_keys", &scd2->keys);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cJSON_AddStringToObject(object, names[i].field, name_of(scd2, i));
	add_names(object, "compare_columns", &scd2->compare);
	cJSON_AddBoolToObject(object, "full_snapshot", scd2->full_snapshot);
	text = cJSON_PrintUnformatted(object);
	result = arena_strdup(a, text);
	cJSON_free(text);
	cJSON_Delete(object);
	return result;
}

/* --- the rows ----------------------------------------------------------------------------------------------- */

struct write {
	struct plan *plan;
	struct duck *d;
	struct arena *a;
	const struct scd2 *scd2;
	const struct columns *rows; /* of the SELECT */
	const char *source; /* a temporary table: they may not be the same twice */
	const char *changes; /* another: whole rows of the table, closed and new ones */
	struct delta_snapshot table; /* as it is */
	const char *scan; /* a SELECT of it */
	const char *same; /* whether s and c have the same keys */
	const char *now; /* a TIMESTAMP, in UTC */
	int64_t last_key;
};

static int
check_rows_columns(const struct write *w, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; k < w->rows->n; k++)
			if (text_equal_nocase(w->rows->items[k].name, name_of(w->scd2, i)))
				return err_set(err, ERR_USAGE,
					"its input has the column %s, which the table keeps itself "
					"(scd2: %s)",
					w->rows->items[k].name, names[i].field);
	return 0;
}

static const char *
list_keys(const struct write *w)
{
	const char *list = "";

	for (size_t i = 0; i < w->scd2->keys.n; i++)
		list = arena_printf(w->a, "%s%s%s", list, i > 0 ? ", " : "",
			sql_quoted(w->a, w->scd2->keys.items[i]));
	return list;
}

/* "k = 1, l = x", in SQL. */
static const char *
key_as_text(const struct write *w)
{
	const char *text = "concat_ws(', '";

	for (size_t i = 0; i < w->scd2->keys.n; i++)
		text = arena_printf(w->a, "%s, %s || CAST(%s AS VARCHAR)", text,
			sql_literal(w->a, arena_printf(w->a, "%s = ", w->scd2->keys.items[i])),
			sql_quoted(w->a, w->scd2->keys.items[i]));
	return arena_printf(w->a, "%s)", text);
}

/* Fails with the first key that more than one of these rows has. what: "... have one key". */
static int
check_unique(const struct write *w, const char *from, const char *what, struct err *err)
{
	struct duck_rows *rows;
	int rc = 0;

	if (duck_query(w->d,
		    arena_printf(w->a,
			    "SELECT %s, count(*) FROM %s GROUP BY %s HAVING count(*) > 1 ORDER BY "
			    "1 LIMIT 1",
			    key_as_text(w), from, list_keys(w)),
		    &rows, err) < 0)
		return -1;
	if (duck_rows_next(rows))
		rc = err_set(err, ERR_USAGE,
			"%" PRId64 " %s have one key (%s): nothing was written", duck_int(rows, 1),
			what, duck_text_copy(rows, 0, w->a));
	duck_rows_free(rows);
	return rc;
}

static int
check_keys(const struct write *w, struct err *err)
{
	const char *key;
	int64_t n;

	for (size_t i = 0; i < w->scd2->keys.n; i++) {
		key = w->scd2->keys.items[i];
		if (duck_number(w->d,
			    arena_printf(w->a, "SELECT count(*) FROM %s WHERE %s IS NULL",
				    w->source, sql_quoted(w->a, key)),
			    &n, err) < 0)
			return -1;
		if (n > 0)
			return err_set(err, ERR_USAGE,
				"the key %s is NULL in %" PRId64 " rows: nothing was written", key,
				n);
	}
	return check_unique(w, w->source, "rows", err);
}

static int
make_source(const struct write *w, const char *sql, struct err *err)
{
	if (duck_exec(w->d, arena_printf(w->a, "CREATE TEMP TABLE %s AS %s", w->source, sql), NULL,
		    err) < 0)
		return -1;
	return check_keys(w, err);
}

/* --- a new table -------------------------------------------------------------------------------------------- */

static void
set_now(struct write *w, int64_t us)
{
	w->now = arena_printf(w->a, "make_timestamp(CAST(%" PRId64 " AS BIGINT))", us);
}

static int
make_table(struct write *w, const char *dir, const struct delta_names *partition,
	struct delta_written *out, struct err *err)
{
	const struct delta_write_options options = {.partition_columns = *partition, .arena = w->a};
	const struct scd2 *h = w->scd2;
	const char *sql;

	set_now(w, clock_wall(w->plan->catalog->clock));
	sql = arena_printf(w->a,
		"SELECT CAST(row_number() OVER (ORDER BY s.rowid) AS BIGINT) AS %s, s.*, %s AS %s, "
		"CAST(NULL AS TIMESTAMP) AS %s, true AS %s FROM %s s",
		sql_quoted(w->a, h->surrogate), w->now, sql_quoted(w->a, h->from),
		sql_quoted(w->a, h->to), sql_quoted(w->a, h->current), w->source);
	return delta_append(w->d, dir, sql, &options, out, err);
}

/* --- a table that is there ---------------------------------------------------------------------------------- */

static int
find_column(const struct write *w, const char *name, const struct column **out, struct err *err)
{
	*out = columns_find(&w->table.columns, name);
	if (*out != NULL)
		return 0;
	return err_set(err, ERR_CONFLICT,
		"the table has no column %s, by which it keeps its history", name);
}

static int
check_table(const struct write *w, struct err *err)
{
	const struct scd2 *h = w->scd2;
	const struct column *key, *from, *to, *current, *column;
	enum type_class class;

	if (find_column(w, h->surrogate, &key, err) < 0 ||
		find_column(w, h->from, &from, err) < 0 || find_column(w, h->to, &to, err) < 0 ||
		find_column(w, h->current, &current, err) < 0)
		return -1;
	for (size_t i = 0; i < h->keys.n; i++)
		if (find_column(w, h->keys.items[i], &column, err) < 0)
			return -1;
	class = type_classify(key->type);
	if (class != TYPE_INT && class != TYPE_TEXT)
		return err_set(err, ERR_USAGE, "column %s is %s: new keys are numbers or texts",
			key->name, key->type);
	if (type_classify(from->type) != TYPE_DATETIME || type_classify(to->type) != TYPE_DATETIME)
		return err_set(err, ERR_USAGE, "the columns %s and %s are %s and %s, not times",
			from->name, to->name, from->type, to->type);
	if (type_classify(current->type) != TYPE_BOOL)
		return err_set(err, ERR_USAGE, "column %s is %s, not true or false", current->name,
			current->type);
	return 0;
}

/* The number that the table's keys have come to, and a time behind all in it, though the clock was set back. */
static int
find_last(struct write *w, struct err *err)
{
	const struct scd2 *h = w->scd2;
	const char *from = sql_quoted(w->a, h->from), *to = sql_quoted(w->a, h->to);
	const struct column *key = columns_find(&w->table.columns, h->surrogate);
	int64_t now = clock_wall(w->plan->catalog->clock), last;

	if (duck_number(w->d,
		    arena_printf(w->a,
			    "SELECT greatest(max(epoch_us(CAST(%s AS TIMESTAMP))), "
			    "max(epoch_us(CAST(%s AS TIMESTAMP))) FILTER (NOT %s)) FROM (%s)",
			    from, to, sql_quoted(w->a, h->current), w->scan),
		    &last, err) < 0)
		return -1;
	set_now(w, last >= now ? last + 1 : now);
	w->last_key = 0;
	if (type_classify(key->type) != TYPE_INT)
		return 0;
	return duck_number(w->d,
		arena_printf(
			w->a, "SELECT max(%s) FROM (%s)", sql_quoted(w->a, key->name), w->scan),
		&w->last_key, err);
}

static int
open_table(struct write *w, const char *dir, struct err *err)
{
	const char *current;

	if (delta_open(dir, DELTA_LATEST, w->d, w->a, &w->table, err) < 0 ||
		check_table(w, err) < 0)
		return -1;
	w->scan = delta_scan_sql(&w->table, w->a);
	current = arena_printf(w->a, "(%s) WHERE %s", w->scan, sql_quoted(w->a, w->scd2->current));
	if (check_unique(w, current, "current rows of the table", err) < 0)
		return -1;
	return find_last(w, err);
}

/* Whether s says something else than c. NULL is the same as NULL. */
static const char *
differs(const struct write *w)
{
	const char *text = "";

	for (size_t i = 0; i < w->rows->n; i++) {
		const char *name = w->rows->items[i].name, *quoted = sql_quoted(w->a, name);
		const char *more = *text != '\0' ? " OR " : "";

		if (has_name(&w->scd2->keys, name) ||
			(w->scd2->compare.n > 0 && !has_name(&w->scd2->compare, name)))
			continue;
		text = columns_find(&w->table.columns, name) != NULL
			? arena_printf(w->a, "%s%ss.%s IS DISTINCT FROM c.%s", text, more, quoted,
				  quoted)
			: arena_printf(w->a, "%s%ss.%s IS NOT NULL", text, more, quoted);
	}
	return *text != '\0' ? text : "false";
}

/* Of the table's own columns in a row that is closed. */
static const char *
closed_value(const struct write *w, const char *name)
{
	if (strcmp(name, w->scd2->to) == 0)
		return w->now;
	if (strcmp(name, w->scd2->current) == 0)
		return "false";
	return arena_printf(w->a, "c.%s", sql_quoted(w->a, name));
}

/* In a row that begins. What the input does not say stays as it was. */
static const char *
new_value(const struct write *w, const struct column *column)
{
	const struct scd2 *h = w->scd2;

	if (strcmp(column->name, h->surrogate) == 0)
		return type_classify(column->type) == TYPE_TEXT
			? "CAST(uuid() AS VARCHAR)"
			: arena_printf(w->a, "%" PRId64 " + row_number() OVER (ORDER BY s.rowid)",
				  w->last_key);
	if (strcmp(column->name, h->from) == 0)
		return w->now;
	if (strcmp(column->name, h->to) == 0)
		return "NULL";
	if (strcmp(column->name, h->current) == 0)
		return "true";
	return arena_printf(w->a, "%s.%s", columns_find(w->rows, column->name) != NULL ? "s" : "c",
		sql_quoted(w->a, column->name));
}

/* A cast to what the table has, of those columns that it keeps itself. */
static void
put_value(const struct write *w, const struct column *column, const char *value, struct buf *b)
{
	bool own = false;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		own = own || strcmp(column->name, name_of(w->scd2, i)) == 0;
	/* Zones are UTC's in the engine (duck.c). */
	buf_printf(b, own ? "CAST(%s AS %s)" : "%s%.0s", value, column->type);
	buf_puts(b, " AS ");
	sql_ident(b, column->name);
}

static void
put_columns(const struct write *w, bool is_new, struct buf *b)
{
	const struct columns *own = &w->table.columns;

	for (size_t i = 0; i < own->n; i++) {
		const struct column *column = &own->items[i];

		buf_puts(b, i > 0 ? ", " : "SELECT ");
		put_value(w, column, is_new ? new_value(w, column) : closed_value(w, column->name),
			b);
	}
	for (size_t i = 0; i < w->rows->n; i++) {
		const struct column *column = &w->rows->items[i];

		if (columns_find(own, column->name) != NULL)
			continue;
		buf_puts(b, ", ");
		if (is_new)
			buf_printf(b, "s.%s", sql_quoted(w->a, column->name));
		else
			buf_printf(b, "CAST(NULL AS %s)", column->type);
		buf_puts(b, " AS ");
		sql_ident(b, column->name);
	}
}

static int
make_changes(const struct write *w, int64_t *n, struct err *err)
{
	const char *current = sql_quoted(w->a, w->scd2->current), *different = differs(w);
	struct buf b;
	int rc;

	node_begin_sql(&b);
	buf_printf(&b,
		"CREATE OR REPLACE TEMP TABLE %s AS WITH cur AS (SELECT *, true AS " HIT
		" FROM (%s) WHERE %s) ",
		w->changes, w->scan, current);
	put_columns(w, false, &b);
	buf_printf(&b,
		" FROM cur c LEFT JOIN (SELECT *, true AS " HIT " FROM %s) s ON %s WHERE (s." HIT
		" AND (%s))%s UNION ALL ",
		w->source, w->same, different,
		w->scd2->full_snapshot ? " OR s." HIT " IS NULL" : "");
	put_columns(w, true, &b);
	buf_printf(&b, " FROM %s s LEFT JOIN cur c ON %s WHERE c." HIT " IS NULL OR %s", w->source,
		w->same, different);
	rc = duck_exec(w->d, buf_str(&b), NULL, err);
	buf_free(&b);
	if (rc < 0)
		return -1;
	return duck_number(w->d, arena_printf(w->a, "SELECT count(*) FROM %s", w->changes), n, err);
}

static int
change_table(struct write *w, const char *dir, struct delta_written *out, struct err *err)
{
	const struct delta_names key = {&w->scd2->surrogate, 1};
	const struct delta_write_options options = {
		.add_columns = true,
		.expected_version = &w->table.version,
		.arena = w->a,
	};
	int64_t n;

	if (open_table(w, dir, err) < 0 || make_changes(w, &n, err) < 0)
		return -1;
	*out = (struct delta_written){.version = w->table.version};
	if (n == 0)
		return 0;
	return delta_merge(w->d, dir, arena_printf(w->a, "SELECT * FROM %s", w->changes),
		DELTA_UPSERT, &key, &options, out, err);
}

/* Once more when another one has changed the table meanwhile: what is to be written depends on what is there. */
static int
write_again(struct write *w, const char *dir, const struct delta_names *partition,
	struct delta_written *out, struct err *err)
{
	struct err ours = ERR_INIT;
	int rc = -1;

	for (int i = 0; i < TRIES; i++) {
		err_clear(&ours);
		*out = (struct delta_written){.version = -1};
		rc = delta_is_table(dir, &ours);
		if (rc >= 0)
			rc = rc > 0 ? change_table(w, dir, out, &ours)
				    : make_table(w, dir, partition, out, &ours);
		if (rc == 0 || ours.code != ERR_CONFLICT || out->committed)
			break;
	}
	if (rc < 0 && err != NULL)
		*err = ours;
	return rc;
}

int
scd2_write(struct plan *plan, const struct scd2 *scd2, const char *dir, const char *sql,
	const struct columns *columns, const struct delta_names *partition,
	struct delta_written *out, struct err *err)
{
	struct write w = {
		.plan = plan, .d = plan->duck, .a = &plan->arena, .scd2 = scd2, .rows = columns};
	char uuid[UUID_SIZE];
	int rc;

	if (check_rows_columns(&w, err) < 0)
		return -1;
	uuid4(uuid);
	w.source = arena_printf(w.a, "\"__flowfile_rows_%s\"", uuid);
	w.changes = arena_printf(w.a, "\"__flowfile_changes_%s\"", uuid);
	w.same = "";
	for (size_t i = 0; i < scd2->keys.n; i++) {
		const char *name = sql_quoted(w.a, scd2->keys.items[i]);

		w.same = arena_printf(
			w.a, "%s%ss.%s = c.%s", w.same, i > 0 ? " AND " : "", name, name);
	}
	rc = make_source(&w, sql, err);
	if (rc == 0)
		rc = write_again(&w, dir, partition, out, err);
	duck_exec(w.d, arena_printf(w.a, "DROP TABLE IF EXISTS %s", w.source), NULL, NULL);
	duck_exec(w.d, arena_printf(w.a, "DROP TABLE IF EXISTS %s", w.changes), NULL, NULL);
	return rc;
}
