#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "delta_impl.h"

/* Parameters of an operation are short, but for names of columns. */
#define PARAMETERS_MAX (1024 * 1024)

/* --- what the files of an operation share -------------------------------------------------------------------- */

const char *
write_parameters(struct arena *a, const char *mode, const struct delta_names *partition_columns)
{
	struct buf b, list;
	struct json j, l;
	const char *text;

	buf_init(&b, PARAMETERS_MAX);
	buf_init(&list, PARAMETERS_MAX);
	json_init(&j, &b);
	json_init(&l, &list);
	json_array(&l);
	for (size_t i = 0; i < partition_columns->n; i++)
		json_string(&l, partition_columns->items[i]);
	json_array_end(&l);
	json_object(&j);
	json_kv_string(&j, "mode", mode);
	json_kv_string(&j, "partitionBy", buf_str(&list)); /* JSON in a text, as others have it */
	json_object_end(&j);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	buf_free(&list);
	return text;
}

int
write_describe(struct delta_txn *t, const char *sql, const struct delta_type **out, struct err *err)
{
	struct columns columns;

	if (duck_describe(t->d, sql, t->a, &columns, err) < 0)
		return -1;
	return delta_type_of_columns(&columns, t->a, out, err);
}

static bool
same_names(const struct delta_names *a, const struct delta_names *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (i >= b->n || strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->n == b->n;
}

static int
check_partition_columns(const struct delta_txn *t, struct err *err)
{
	const struct delta_names *names = &t->partition_columns;
	const struct delta_field *field;

	for (size_t i = 0; i < names->n; i++) {
		field = delta_field_find(t->type, names->items[i]);
		if (field == NULL)
			return err_set(err, ERR_USAGE,
				"the rows have no column \"%s\", by which %s is partitioned",
				names->items[i], t->dir);
		if (field->type->kind != DELTA_PRIMITIVE ||
			strcmp(field->type->name, "binary") == 0)
			return err_set(err, ERR_USAGE,
				"a table cannot be partitioned by \"%s\", which is %s",
				names->items[i], delta_type_sql(field->type, t->a));
		for (size_t k = 0; k < i; k++)
			if (strcmp(names->items[k], names->items[i]) == 0)
				return err_set(err, ERR_USAGE,
					"the partition column \"%s\" is there twice",
					names->items[i]);
	}
	if (names->n > 0 && names->n >= t->type->n)
		return err_set(err, ERR_USAGE,
			"no column is left besides those that a table is partitioned by");
	return 0;
}

int
write_take_shape(struct delta_txn *t, const struct delta_type *type,
	const struct delta_names *partition_columns, struct err *err)
{
	if (t->type == NULL || !delta_type_equal(t->type, type)) {
		t->type = type;
		t->changes_schema = true;
	}
	if (partition_columns->n > 0 && !same_names(partition_columns, &t->partition_columns)) {
		t->partition_columns = *partition_columns;
		t->changes_schema = true;
	}
	return check_partition_columns(t, err);
}

/* The rows as the type has them: for each of its columns the expression, in order. */
const char *
write_select(struct delta_txn *t, const char *sql, const char *const *expressions)
{
	const char *text;
	struct buf b;

	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < t->type->n; i++) {
		buf_printf(&b, "%s%s AS ", i > 0 ? ", " : "", expressions[i]);
		sql_ident(&b, t->type->fields[i].name);
	}
	buf_printf(&b, " FROM (%s\n) AS q", sql);
	text = arena_strdup(t->a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* Adds the rows, which have the very columns of the table after it. */
int
write_rows(struct delta_txn *t, const char *sql, struct err *err)
{
	const char **casts = arena_array(t->a, t->type->n, sizeof(*casts));

	for (size_t i = 0; i < t->type->n; i++)
		casts[i] = arena_printf(t->a, "CAST(%s AS %s)",
			sql_quoted(t->a, t->type->fields[i].name),
			delta_type_sql(t->type->fields[i].type, t->a));
	return files_write(t->d, t->dir, write_select(t, sql, casts), t->type,
		&t->partition_columns, t->a, &t->added, err);
}

static int64_t
rows_added(const struct delta_txn *t)
{
	int64_t rows = 0;

	for (size_t i = 0; i < t->added.n; i++)
		rows += t->added.items[i].rows;
	return rows;
}

static const struct delta_write_options *
or_none(const struct delta_write_options *options)
{
	static const struct delta_write_options none;

	return options != NULL ? options : &none;
}

/* --- create ------------------------------------------------------------------------------------------------------- */

static int
create(struct delta_txn *t, const struct columns *columns,
	const struct delta_write_options *options, struct delta_written *out, struct err *err)
{
	const struct delta_type *type;

	if (t->exists)
		return err_set(err, ERR_CONFLICT, "%s is a Delta table already", t->dir);
	if (delta_type_of_columns(columns, t->a, &type, err) < 0 ||
		write_take_shape(t, type, &options->partition_columns, err) < 0)
		return -1;
	t->operation = "CREATE TABLE";
	t->parameters = write_parameters(t->a, "ErrorIfExists", &t->partition_columns);
	return txn_commit(t, out, err);
}

int
delta_create(struct duck *d, const char *dir, const struct columns *columns,
	const struct delta_write_options *options, struct delta_written *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	int rc;

	*out = (struct delta_written){.version = -1};
	rc = txn_begin(&t, d, dir, NULL, &a, err);
	if (rc == 0)
		rc = create(&t, columns, or_none(options), out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}

/* --- overwrite ---------------------------------------------------------------------------------------------------- */

/* The rows of a SELECT are all that the table has from now on. *rows, in out: where they are counted. */
static int
replace_all(struct delta_txn *t, const char *sql, int64_t *rows, struct delta_written *out,
	struct err *err)
{
	if (write_rows(t, sql, err) < 0)
		return -1;
	for (size_t i = 0; i < t->base.n_files; i++)
		txn_remove(t, &t->base.files[i]);
	t->reads = true;
	t->operation = "WRITE";
	t->parameters = write_parameters(t->a, "Overwrite", &t->partition_columns);
	*rows = rows_added(t);
	return txn_commit(t, out, err);
}

static int
overwrite(struct delta_txn *t, const char *sql, const struct delta_write_options *options,
	struct delta_written *out, struct err *err)
{
	const struct delta_type *type;

	if (write_describe(t, sql, &type, err) < 0 ||
		write_take_shape(t, type, &options->partition_columns, err) < 0)
		return -1;
	return replace_all(t, sql, &out->rows_inserted, out, err);
}

int
delta_overwrite(struct duck *d, const char *dir, const char *sql,
	const struct delta_write_options *options, struct delta_written *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	int rc;

	options = or_none(options);
	*out = (struct delta_written){.version = -1};
	rc = txn_begin(&t, d, dir, options->expected_version, &a, err);
	t.told = options->arena;
	if (rc == 0)
		rc = overwrite(&t, sql, options, out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}

/* --- a column of numbers ------------------------------------------------------------------------------------------ */

static int
number_rows(struct delta_txn *t, const char *name, struct delta_written *out, struct err *err)
{
	struct delta_type *type = arena_alloc(t->a, sizeof(*type));
	const char *sql;

	if (*name == '\0')
		return err_set(err, ERR_USAGE, "a column needs a name");
	for (size_t i = 0; i < t->base.type->n; i++)
		if (strcasecmp(t->base.type->fields[i].name, name) == 0)
			return err_set(err, ERR_USAGE, "there is a column \"%s\" already",
				t->base.type->fields[i].name);
	*type = *t->base.type;
	type->fields = arena_array(t->a, type->n + 1, sizeof(*type->fields));
	memcpy(type->fields + 1, t->base.type->fields, type->n++ * sizeof(*type->fields));
	type->fields[0] = (struct delta_field){.name = name, .nullable = true, .metadata = "{}"};
	if (delta_type_parse("BIGINT", t->a, &type->fields[0].type, err) < 0)
		return -1;
	sql = arena_printf(t->a, "SELECT row_number() OVER () AS %s, * FROM (%s)",
		sql_quoted(t->a, name), delta_scan_sql(&t->base, t->a));
	t->type = type;
	t->changes_schema = true;
	return replace_all(t, sql, &out->rows_updated, out, err);
}

int
delta_number_rows(struct duck *d, const char *dir, const char *name,
	const int64_t *expected_version, struct delta_written *out, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	int rc;

	*out = (struct delta_written){.version = -1};
	rc = delta_is_table(dir, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", dir);
	rc = txn_begin(&t, d, dir, expected_version, &a, err);
	if (rc == 0)
		rc = number_rows(&t, name, out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}

/* --- append ------------------------------------------------------------------------------------------------------- */

/* A column of the rows that the table does not have. */
int
write_unknown_column(const struct delta_txn *t, const char *name, struct err *err)
{
	for (size_t i = 0; i < t->base.type->n; i++)
		if (strcasecmp(t->base.type->fields[i].name, name) == 0)
			return err_set(err, ERR_USAGE,
				"the rows have a column \"%s\", which is \"%s\" in %s", name,
				t->base.type->fields[i].name, t->dir);
	return err_set(err, ERR_USAGE, "%s has no column \"%s\"; it has %s", t->dir, name,
		columns_list(&t->base.columns, t->a));
}

static bool
differs_in_case(const struct delta_type *type, const char *name)
{
	for (size_t i = 0; i < type->n; i++)
		if (strcasecmp(type->fields[i].name, name) == 0)
			return true;
	return false;
}

/* The table's columns, and those of the rows that it does not have, if they may be added. */
int
write_widen(struct delta_txn *t, const struct delta_type *rows, bool add_columns, struct err *err)
{
	struct delta_type *type = arena_alloc(t->a, sizeof(*type));

	*type = *t->base.type;
	type->fields = arena_array(t->a, type->n + rows->n, sizeof(*type->fields));
	memcpy(type->fields, t->base.type->fields, type->n * sizeof(*type->fields));
	for (size_t i = 0; i < rows->n; i++) {
		if (delta_field_find(t->base.type, rows->fields[i].name) != NULL)
			continue;
		if (!add_columns || differs_in_case(t->base.type, rows->fields[i].name))
			return write_unknown_column(t, rows->fields[i].name, err);
		type->fields[type->n++] = rows->fields[i];
		t->changes_schema = true;
	}
	if (t->changes_schema)
		t->type = type;
	return 0;
}

/* The engine calls NULLs of no type INTEGER: such a column may be anything as long as there is nothing in it. */
static const char *
cast_nulls(const char *expression, const struct delta_type *from, const char *to,
	const char *otherwise, struct arena *a)
{
	if (from->kind != DELTA_PRIMITIVE || strcmp(from->name, "integer") != 0)
		return NULL;
	return arena_printf(a,
		"CASE WHEN %s IS NULL THEN CAST(NULL AS %s) ELSE CAST(error(%s) AS %s) END",
		expression, to, sql_literal(a, otherwise), to);
}

/* How a column of the table is made of the rows' one; NULL with err when something could be lost. */
const char *
write_cast(struct delta_txn *t, const struct delta_field *to, const struct delta_type *rows,
	struct err *err)
{
	const struct delta_field *from = delta_field_find(rows, to->name);
	const char *name = sql_quoted(t->a, to->name), *type = delta_type_sql(to->type, t->a);
	const char *cast, *why;

	if (from == NULL)
		return arena_printf(t->a, "CAST(NULL AS %s)", type);
	cast = delta_type_cast(name, from->type, to->type, t->a);
	if (cast != NULL)
		return cast;
	why = arena_printf(t->a,
		"column \"%s\" is %s in the rows and %s in %s: something could be lost", to->name,
		delta_type_sql(from->type, t->a), type, t->dir);
	cast = cast_nulls(name, from->type, type, why, t->a);
	if (cast == NULL)
		err_set(err, ERR_USAGE, "%s", why);
	return cast;
}

static int
write_matched(struct delta_txn *t, const char *sql, const struct delta_type *rows,
	const struct delta_write_options *options, struct err *err)
{
	const char **casts;

	if (options->partition_columns.n > 0 &&
		!same_names(&options->partition_columns, &t->partition_columns))
		return err_set(err, ERR_USAGE,
			"%s is not partitioned by the columns that were given; an overwrite could "
			"change that",
			t->dir);
	if (write_widen(t, rows, options->add_columns, err) < 0)
		return -1;
	casts = arena_array(t->a, t->type->n, sizeof(*casts));
	for (size_t i = 0; i < t->type->n; i++) {
		casts[i] = write_cast(t, &t->type->fields[i], rows, err);
		if (casts[i] == NULL)
			return -1;
	}
	return files_write(t->d, t->dir, write_select(t, sql, casts), t->type,
		&t->partition_columns, t->a, &t->added, err);
}

int
write_append(struct delta_txn *t, const char *sql, const struct delta_write_options *options,
	struct delta_written *out, struct err *err)
{
	const struct delta_type *rows;
	int rc;

	if (write_describe(t, sql, &rows, err) < 0)
		return -1;
	if (t->exists)
		rc = write_matched(t, sql, rows, options, err);
	else
		rc = write_take_shape(t, rows, &options->partition_columns, err) < 0
			? -1
			: write_rows(t, sql, err);
	if (rc < 0)
		return -1;
	out->version = t->base.version;
	if (t->exists && t->added.n == 0 && !t->changes_schema)
		return 0;
	t->operation = "WRITE";
	t->parameters = write_parameters(
		t->a, t->exists ? "Append" : "ErrorIfExists", &t->partition_columns);
	out->rows_inserted = rows_added(t);
	return txn_commit(t, out, err);
}

int
delta_append(struct duck *d, const char *dir, const char *sql,
	const struct delta_write_options *options, struct delta_written *out, struct err *err)
{
	struct err ours = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	bool again = true;
	int rc = -1;

	options = or_none(options);
	/* Once more when another one made the table at the same time: then it is there to append to. */
	for (int i = 0; rc < 0 && again && i < 2; i++) {
		err_clear(&ours);
		*out = (struct delta_written){.version = -1};
		rc = txn_begin(&t, d, dir, options->expected_version, &a, &ours);
		t.told = options->arena;
		if (rc == 0)
			rc = write_append(&t, sql, options, out, &ours);
		if (rc < 0 && !out->committed)
			txn_abort(&t);
		again = rc < 0 && ours.code == ERR_CONFLICT && !t.exists &&
			options->expected_version == NULL;
	}
	if (rc < 0 && err != NULL)
		*err = ours;
	arena_free(&a);
	return rc;
}
