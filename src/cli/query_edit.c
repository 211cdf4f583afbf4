/*
 * Edits of a table's rows by their keys (contract 5.8): rows come as lists of JSON, each cell is checked against its column's type here, and all of
 * them go into the statement as one text of JSON, which the engine takes apart and casts.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/document.h"
#include "flow/delta.h"
#include "flow/table_data.h"
#include "query.h"

#define ROWS_MAX (32 * 1024 * 1024)
#define EXACT_MAX                                                                                  \
	9007199254740992.0 /* 2^53: where a number of JSON may be another one than was meant */
#define DATE_LEN 10 /* "2024-01-02" */

/* --- cells ------------------------------------------------------------------------------------------------------ */

static bool
is_integer(const char *s)
{
	s += *s == '-' || *s == '+';
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static bool
is_number(const char *s)
{
	char *end;

	if (*s == '\0' || isspace((unsigned char)*s))
		return false;
	(void)strtod(s, &end);
	return *end == '\0';
}

/* A date, or midnight of one: nothing is lost. */
static bool
is_date(const char *s)
{
	size_t len = strlen(s);

	return len == DATE_LEN ||
		(len > DATE_LEN && (s[DATE_LEN] == 'T' || s[DATE_LEN] == ' ') &&
			s[strspn(s + DATE_LEN + 1, "0:.Z") + DATE_LEN + 1] == '\0');
}

/* No more digits behind the point than a "DECIMAL(18,3)" keeps. */
static bool
fits_decimal(const char *s, const char *type)
{
	const char *point = strchr(s, '.'), *comma = strchr(type, ',');
	int scale = comma != NULL ? atoi(comma + 1) : 0;

	return is_number(s) && strpbrk(s, "eEnNxX") == NULL &&
		(point == NULL || (int)strlen(point + 1) <= scale);
}

static const char *
number_text(double v, struct arena *a)
{
	const char *text;
	struct buf b;

	if (v == floor(v) && fabs(v) < EXACT_MAX)
		return arena_printf(a, "%.0f", v);
	buf_init(&b, 64);
	json_put_double(&b, v);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* What the engine casts to the column's type and nothing is lost by it; NULL: it is no value of that type. */
static const char *
cell_text(const cJSON *value, const char *type, struct arena *a)
{
	enum type_class class = type_classify(type);
	const char *text = cJSON_GetStringValue(value);

	if (cJSON_IsBool(value))
		return class != TYPE_BOOL ? NULL : cJSON_IsTrue(value) ? "true" : "false";
	if (cJSON_IsNumber(value)) {
		if (!type_is_number(class) || !isfinite(value->valuedouble) ||
			(class == TYPE_INT && fabs(value->valuedouble) >= EXACT_MAX))
			return NULL;
		text = number_text(value->valuedouble, a);
	}
	if (text == NULL)
		return NULL;
	switch (class) {
	case TYPE_BOOL:
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? text : NULL;
	case TYPE_INT:
		return is_integer(text) ? text : NULL;
	case TYPE_FLOAT:
		return is_number(text) ? text : NULL;
	case TYPE_DECIMAL:
		return fits_decimal(text, type) ? text : NULL;
	case TYPE_DATE:
		return is_date(text) ? text : NULL;
	case TYPE_TEXT:
	case TYPE_DATETIME:
	case TYPE_TIME:
		return text;
	default:
		return NULL;
	}
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

struct rows {
	const char *field; /* of the question */
	const cJSON *list;
	struct columns columns; /* of each of them */
	size_t n_keys; /* how many columns, the first ones or all, ... */
	const bool *is_key; /* ... may not be null */
};

static int
put_cell(struct inquiry *q, const struct rows *rows, size_t row, size_t column, const cJSON *value,
	struct json *j, struct err *err)
{
	const struct column *c = &rows->columns.items[column];
	struct json told;
	const char *text;
	struct buf said;

	if (cJSON_IsNull(value)) {
		if (rows->is_key[column])
			return err_set(err, ERR_USAGE, "%s[%zu]: key column '%s' is null",
				rows->field, row, c->name);
		json_null(j);
		return 0;
	}
	text = cell_text(value, c->type, &q->arena);
	if (text != NULL) {
		json_string(j, text);
		return 0;
	}
	buf_init(&said, ROWS_MAX);
	json_init(&told, &said);
	document_write(&told, value);
	err_set(err, ERR_USAGE, "%s[%zu]: column '%s': %.100s is no %s", rows->field, row, c->name,
		buf_str(&said), type_to_polars(c->type, &q->arena));
	buf_free(&said);
	return -1;
}

static int
put_rows(struct inquiry *q, const struct rows *rows, struct json *j, struct err *err)
{
	const cJSON *row, *value;
	size_t n = 0, column;

	json_array(j);
	cJSON_ArrayForEach(row, rows->list)
	{
		if ((size_t)cJSON_GetArraySize(row) != rows->columns.n)
			return err_set(err, ERR_USAGE, "%s[%zu]: %d values for %zu columns",
				rows->field, n, cJSON_GetArraySize(row), rows->columns.n);
		json_array(j);
		column = 0;
		cJSON_ArrayForEach(value,
			row) if (put_cell(q, rows, n, column++, value, j, err) < 0) return -1;
		json_array_end(j);
		n++;
	}
	json_array_end(j);
	return 0;
}

/* A SELECT of the rows, and of the columns of `more` as NULLs; in the arena. */
static int
rows_sql(struct inquiry *q, const struct rows *rows, const struct columns *more, const char **sql,
	struct err *err)
{
	struct buf text, b;
	struct json j;
	int rc;

	buf_init(&text, ROWS_MAX);
	buf_init(&b, 2 * ROWS_MAX);
	json_init(&j, &text);
	rc = put_rows(q, rows, &j, err);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < rows->columns.n; i++) {
		buf_printf(&b, "%sCAST(r[%zu] AS %s) AS ", i > 0 ? ", " : "", i + 1,
			rows->columns.items[i].type);
		sql_ident(&b, rows->columns.items[i].name);
	}
	for (size_t i = 0; more != NULL && i < more->n; i++) {
		buf_printf(&b, ", CAST(NULL AS %s) AS ", more->items[i].type);
		sql_ident(&b, more->items[i].name);
	}
	buf_puts(&b, " FROM (SELECT unnest(from_json(");
	sql_text(&b, buf_str(&text));
	buf_puts(&b, ", '[[\"VARCHAR\"]]')) AS r)");
	if (rc == 0 && (buf_failed(&text) || buf_failed(&b)))
		rc = err_set(err, ERR_USAGE, "%s: too much at once", rows->field);
	*sql = arena_strdup(&q->arena, buf_str(&b));
	buf_free(&text);
	buf_free(&b);
	return rc;
}

/* --- an edit ---------------------------------------------------------------------------------------------------- */

struct edit {
	struct delta_names keys;
	struct columns table; /* as it is */
	struct columns new; /* those that come */
};

static const cJSON *
list_of(struct inquiry *q, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(q->question, name);
}

static const struct column *
find_nocase(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (strcasecmp(columns->items[i].name, name) == 0)
			return &columns->items[i];
	return NULL;
}

static int
take_new_columns(struct inquiry *q, struct edit *e, struct err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list_of(q, "new_columns"))
	{
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(item, "name"));
		const char *type = cJSON_GetStringValue(cJSON_GetObjectItem(item, "dtype"));

		if (*name == '\0')
			return err_set(err, ERR_USAGE, "new_columns: a column needs a name");
		if (find_nocase(&e->table, name) != NULL || find_nocase(&e->new, name) != NULL)
			return err_set(err, ERR_USAGE,
				"new_columns: there is a column '%s' already", name);
		columns_add(&e->new, &q->arena, name, type_from_polars(type, &q->arena));
	}
	return 0;
}

static int
take_keys(struct inquiry *q, struct edit *e, struct err *err)
{
	const cJSON *list = list_of(q, "key_columns"), *item;
	const char **names =
		arena_array(&q->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*names));

	e->keys.items = names;
	cJSON_ArrayForEach(item, list)
	{
		const char *name = cJSON_GetStringValue(item);
		const struct column *column = columns_find(&e->table, name);

		if (column == NULL)
			return err_set(
				err, ERR_USAGE, "key_columns: there is no column '%s'", name);
		for (size_t i = 0; i < e->keys.n; i++)
			if (strcmp(names[i], name) == 0)
				return err_set(
					err, ERR_USAGE, "key_columns: '%s' is there twice", name);
		names[e->keys.n++] = column->name;
	}
	return 0;
}

static bool
is_key(const struct edit *e, const char *name)
{
	for (size_t i = 0; i < e->keys.n; i++)
		if (strcmp(e->keys.items[i], name) == 0)
			return true;
	return false;
}

/* Rows of only keys when none are to be changed. */
static int
take_upsert_columns(struct inquiry *q, const struct edit *e, struct columns *out, struct err *err)
{
	const cJSON *list = list_of(q, "upsert_columns"), *item;
	bool some = cJSON_GetArraySize(list_of(q, "upsert_rows")) > 0;

	cJSON_ArrayForEach(item, list)
	{
		const char *name = cJSON_GetStringValue(item);
		const struct column *column = columns_find(&e->table, name);

		if (column == NULL)
			column = columns_find(&e->new, name);
		if (column == NULL)
			return err_set(
				err, ERR_USAGE, "upsert_columns: there is no column '%s'", name);
		if (columns_find(out, name) != NULL)
			return err_set(err, ERR_USAGE, "upsert_columns: '%s' is there twice", name);
		columns_add(out, &q->arena, column->name, column->type);
	}
	for (size_t i = 0; i < e->keys.n; i++) {
		const struct column *key = columns_find(&e->table, e->keys.items[i]);

		if (columns_find(out, key->name) != NULL)
			continue;
		if (some)
			return err_set(err, ERR_USAGE, "upsert_columns: key column '%s' is missing",
				key->name);
		columns_add(out, &q->arena, key->name, key->type);
	}
	return 0;
}

static const bool *
mark_keys(struct inquiry *q, const struct edit *e, const struct columns *columns)
{
	bool *marks = arena_array(&q->arena, columns->n + 1, sizeof(*marks));

	for (size_t i = 0; i < columns->n; i++)
		marks[i] = is_key(e, columns->items[i].name);
	return marks;
}

static int
upserts_sql(struct inquiry *q, const struct edit *e, const char **sql, struct err *err)
{
	struct rows rows = {.field = "upsert_rows", .list = list_of(q, "upsert_rows")};
	struct columns more = {NULL, 0};

	if (take_upsert_columns(q, e, &rows.columns, err) < 0)
		return -1;
	rows.is_key = mark_keys(q, e, &rows.columns);
	for (size_t i = 0; i < e->new.n; i++)
		if (columns_find(&rows.columns, e->new.items[i].name) == NULL)
			columns_add(&more, &q->arena, e->new.items[i].name, e->new.items[i].type);
	return rows_sql(q, &rows, &more, sql, err);
}

static int
deletes_sql(struct inquiry *q, const struct edit *e, const char **sql, struct err *err)
{
	struct rows rows = {.field = "delete_keys", .list = list_of(q, "delete_keys")};

	for (size_t i = 0; i < e->keys.n; i++)
		columns_add(&rows.columns, &q->arena, e->keys.items[i],
			columns_find(&e->table, e->keys.items[i])->type);
	rows.is_key = mark_keys(q, e, &rows.columns);
	return rows_sql(q, &rows, NULL, sql, err);
}

static int
edit(struct inquiry *q, const char *dir, const int64_t *expected, struct delta_written *written,
	struct err *err)
{
	struct delta_snapshot now;
	struct delta_edit change;
	struct edit e = {0};

	if (delta_open(dir, DELTA_LATEST, q->duck, &q->arena, &now, err) < 0)
		return -1;
	/* Before what is asked is looked at: it may be right for what was there. */
	if (expected != NULL && now.version != *expected)
		return err_set(err, ERR_CONFLICT, "the table is at another version");
	e.table = now.columns;
	if (take_new_columns(q, &e, err) < 0 || take_keys(q, &e, err) < 0 ||
		upserts_sql(q, &e, &change.upserts, err) < 0 ||
		deletes_sql(q, &e, &change.deletes, err) < 0)
		return -1;
	change.keys = e.keys;
	/* Types were taken from this version. */
	return delta_edit(
		q->duck, dir, &change, expected != NULL ? expected : &now.version, written, err);
}

/* --- what is told of it ----------------------------------------------------------------------------------------- */

/* Who expected another version is told which one there is, by a result of its own. */
static int
tell_stale(struct inquiry *q, const char *dir, const int64_t *expected, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct delta_snapshot now;

	if (err->code != ERR_CONFLICT || expected == NULL ||
		delta_open(dir, DELTA_LATEST, q->duck, &q->arena, &now, &ignored) < 0 ||
		now.version == *expected)
		return -1;
	err_clear(err);
	json_object(&q->j);
	json_kv_int(&q->j, "stale", now.version);
	json_object_end(&q->j);
	return 1;
}

/* The data is written; the catalog is told of it. */
static int
record(struct inquiry *q, const struct table_info *table, struct err *err)
{
	struct table_written w = {0};
	int64_t id;

	if (table_data_measure(q->duck, table->file_path, &q->arena, &w, err) < 0 ||
		tables_record_write(&q->catalog, table->id, &w, &id, err) < 0) {
		err_prefix(err, "The data was written, but the catalog was not told");
		return err->code == ERR_FAILED ? query_fail(q, 500) : -1;
	}
	return 0;
}

static int
begin_answer(struct inquiry *q, const struct table_info *table, bool changed, struct err *err)
{
	struct table_info now;

	if ((changed && record(q, table, err) < 0) ||
		tables_get(&q->catalog, table->id, &q->arena, &now, err) < 0)
		return -1;
	json_object(&q->j);
	json_key(&q->j, "table");
	tables_json(&q->j, &now);
	return 0;
}

static void
end_answer(struct inquiry *q, const struct delta_written *written)
{
	json_kv_int_or_null(&q->j, "new_version", written->committed ? written->version : -1, -1);
	json_object_end(&q->j);
}

static const int64_t *
expected_version(struct inquiry *q, int64_t *out)
{
	*out = query_int(q, "expected_version", -1);
	return cJSON_IsNumber(list_of(q, "expected_version")) ? out : NULL;
}

int
query_edit(struct inquiry *q, const struct table_info *table, struct err *err)
{
	struct delta_written written;
	int64_t version;
	const int64_t *expected = expected_version(q, &version);
	int rc = edit(q, table->file_path, expected, &written, err);

	if (rc < 0) {
		rc = tell_stale(q, table->file_path, expected, err);
		return rc < 0 ? -1 : 0;
	}
	if (begin_answer(q, table, written.committed, err) < 0)
		return -1;
	json_kv_int(&q->j, "rows_upserted", written.rows_inserted + written.rows_updated);
	json_kv_int(&q->j, "rows_deleted", written.rows_deleted);
	end_answer(q, &written);
	return 0;
}

int
query_key_column(struct inquiry *q, const struct table_info *table, struct err *err)
{
	const char *name = query_text(q, "column_name");
	struct delta_written written;
	int64_t version;
	const int64_t *expected = expected_version(q, &version);
	int rc = delta_number_rows(q->duck, table->file_path, name, expected, &written, err);

	if (rc < 0) {
		rc = tell_stale(q, table->file_path, expected, err);
		return rc < 0 ? -1 : 0;
	}
	if (begin_answer(q, table, written.committed, err) < 0)
		return -1;
	json_kv_string(&q->j, "column_name", name);
	end_answer(q, &written);
	return 0;
}
