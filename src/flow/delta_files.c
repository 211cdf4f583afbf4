#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/uuid.h"
#include "delta_impl.h"

/* A column of the rows while they are written, which no table has. */
#define PARTITION_COLUMN "__flowfile_partition"
#define TEMP_PREFIX ".write-"
#define PARTITIONS_MAX 10000
/* Statistics are kept of so many columns, as other writers do, and of texts up to that length. */
#define STATS_COLUMNS_MAX 32
#define STATS_TEXT_MAX 64
#define STATS_FILES_AT_ONCE 500
#define STATS_JSON_MAX (1024 * 1024)

/* A file that the engine wrote into the temporary folder. */
struct written {
	const char *temp;
	const char *partition; /* JSON */
	const char *stats; /* NULL: it has no rows */
	int64_t rows;
};

struct writing {
	struct duck *d;
	const char *dir;
	const char *temp_dir;
	const struct delta_type *type;
	struct delta_names partition_columns;
	struct arena *a;
	struct written *items;
	size_t n;
	int64_t rows; /* that the engine says it wrote */
};

/* --- folders and files ------------------------------------------------------------------------------------------ */

bool
files_is_leftover(const char *name)
{
	return text_starts(name, TEMP_PREFIX);
}

/* A folder of files and of folders of files. */
static void
remove_folder(const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char *child;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		child = path_join(path, entry->d_name);
		if (unlink(child) < 0 && depth > 0)
			remove_folder(child, depth - 1);
		free(child);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void
files_delete(const char *dir, const struct added_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		char *path = path_join(dir, files->items[i].path);

		unlink(path);
		free(path);
	}
}

static void
add_written(struct writing *w, const char *temp, const char *partition)
{
	struct written *items;

	/* Full when the number is a power of two. */
	if ((w->n & (w->n - 1)) == 0) {
		items = arena_array(w->a, w->n ? 2 * w->n : 1, sizeof(*items));
		if (w->n)
			memcpy(items, w->items, w->n * sizeof(*items));
		w->items = items;
	}
	w->items[w->n++] = (struct written){arena_strdup(w->a, temp), partition, NULL, 0};
}

/* All files of a folder. */
static int
find_written(struct writing *w, const char *folder, const char *partition, struct err *err)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	char *path;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s", folder);
	while ((errno = 0, entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		path = path_join(folder, entry->d_name);
		add_written(w, path, partition);
		free(path);
	}
	if (errno != 0)
		rc = err_errno(err, errno, "%s", folder);
	closedir(d);
	return rc;
}

static int
sync_path(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || (flags & O_DIRECTORY ? fd_sync_dir(fd) : fsync(fd)) < 0)
		rc = err_errno(err, errno, "sync %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- statistics ---------------------------------------------------------------------------------------------------- */

/* How a type's smallest and largest value are found in the texts of the parquet file, and told; NULL: not at all. */
static const struct {
	const char *name; /* the table's; of decimals its beginning */
	const char *cast; /* NULL: as the column's type */
	const char *told; /* a format of the value */
	bool is_number;
} stats_types[] = {
	{"byte", NULL, "CAST(%s AS VARCHAR)", true},
	{"short", NULL, "CAST(%s AS VARCHAR)", true},
	{"integer", NULL, "CAST(%s AS VARCHAR)", true},
	{"long", NULL, "CAST(%s AS VARCHAR)", true},
	{"decimal", NULL, "CAST(%s AS VARCHAR)", true},
	{"float", "DOUBLE", "CAST(%s AS VARCHAR)", true},
	{"double", NULL, "CAST(%s AS VARCHAR)", true},
	{"date", NULL, "CAST(%s AS VARCHAR)", false},
	{"timestamp", NULL, "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", false},
	{"timestamp_ntz", NULL, "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S.%%f')", false},
	{"string", NULL, "%s", false},
};

static int
stats_type(const struct delta_type *type)
{
	if (type->kind != DELTA_PRIMITIVE)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(stats_types); i++)
		if (strcmp(stats_types[i].name, type->name) == 0 ||
			(type->precision > 0 && strcmp(stats_types[i].name, "decimal") == 0))
			return (int)i;
	return -1;
}

/* The columns in the files of which nulls are counted. A comma parts the names of nested columns in what the engine tells. */
static size_t
stats_columns(const struct writing *w, const struct delta_field ***out)
{
	const struct delta_field **fields = arena_array(w->a, w->type->n + 1, sizeof(*fields));
	size_t n = 0, seen = 0;

	for (size_t i = 0; i < w->type->n; i++) {
		const struct delta_field *field = &w->type->fields[i];

		if (delta_names_have(&w->partition_columns, field->name))
			continue;
		if ((seen++ < STATS_COLUMNS_MAX || !field->nullable) &&
			field->type->kind == DELTA_PRIMITIVE && strchr(field->name, ',') == NULL)
			fields[n++] = field;
	}
	*out = fields;
	return n;
}

/* One end of a column's values, NULL when it is not known of all row groups. */
static void
put_bound(struct buf *b, const struct delta_field *field, const char *end, struct arena *a)
{
	int row = stats_type(field->type);
	const char *of =
		arena_printf(a, "FILTER (path_in_schema = %s)", sql_literal(a, field->name));
	const char *cast, *value;

	if (row < 0) {
		buf_puts(b, ", NULL");
		return;
	}
	cast = stats_types[row].cast != NULL ? stats_types[row].cast : field->type->sql;
	value = arena_printf(a, "%s(TRY_CAST(stats_%s_value AS %s)) %s", end, end, cast, of);
	buf_printf(b,
		", CASE WHEN bool_and(%s_is_exact IS NOT FALSE AND (TRY_CAST(stats_%s_value AS %s) "
		"IS NOT NULL OR stats_null_count = num_values)) %s THEN ",
		end, end, cast, of);
	buf_printf(b, stats_types[row].told, value);
	buf_puts(b, " END");
}

static const char *
stats_sql(const struct writing *w, size_t first, size_t n, const struct delta_field *const *fields,
	size_t n_fields)
{
	const char *sql;
	struct buf b;

	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b,
		"SELECT file_name, CAST(sum(row_group_num_rows) FILTER (column_id = 0) AS BIGINT)");
	for (size_t i = 0; i < n_fields; i++) {
		buf_puts(&b, ", CAST(sum(stats_null_count) FILTER (path_in_schema = ");
		sql_text(&b, fields[i]->name);
		buf_puts(&b, ") AS BIGINT)");
		put_bound(&b, fields[i], "min", w->a);
		put_bound(&b, fields[i], "max", w->a);
	}
	buf_puts(&b, " FROM parquet_metadata([");
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, i > 0 ? ", " : "");
		sql_text(&b, sql_pattern(w->a, w->items[first + i].temp));
	}
	buf_puts(&b, "]) GROUP BY file_name");
	sql = arena_strdup(w->a, buf_str(&b));
	buf_free(&b);
	return sql;
}

static void
put_value(struct json *j, const struct delta_field *field, const char *text)
{
	int row = stats_type(field->type);

	json_key(j, field->name);
	if (!stats_types[row].is_number)
		json_string(j, text);
	else if (strcmp(field->type->name, "float") == 0 ||
		strcmp(field->type->name, "double") == 0)
		json_double(j, strtod(text, NULL));
	else
		json_raw(j, text);
}

static bool
is_told(const struct delta_field *field, const char *text)
{
	return text != NULL && strlen(text) <= STATS_TEXT_MAX &&
		(!stats_types[stats_type(field->type)].is_number || isfinite(strtod(text, NULL)));
}

/* Of three columns for each field: its NULLs, its smallest and its largest value. */
static void
put_bounds(struct json *j, const struct duck_rows *rows, const struct delta_field *const *fields,
	size_t n, bool max, struct arena *a)
{
	json_key(j, max ? "maxValues" : "minValues");
	json_object(j);
	for (size_t i = 0; i < n; i++) {
		const char *min_text = duck_text_copy(rows, 3 * i + 3, a);
		const char *max_text = duck_text_copy(rows, 3 * i + 4, a);

		if (is_told(fields[i], min_text) && is_told(fields[i], max_text))
			put_value(j, fields[i], max ? max_text : min_text);
	}
	json_object_end(j);
}

static int
take_stats(struct written *file, const struct duck_rows *rows,
	const struct delta_field *const *fields, size_t n, struct arena *a, struct err *err)
{
	struct json j;
	struct buf b;

	buf_init(&b, STATS_JSON_MAX);
	json_init(&j, &b);
	file->rows = duck_int(rows, 1);
	json_object(&j);
	json_kv_int(&j, "numRecords", file->rows);
	put_bounds(&j, rows, fields, n, false, a);
	put_bounds(&j, rows, fields, n, true, a);
	json_key(&j, "nullCount");
	json_object(&j);
	for (size_t i = 0; i < n; i++)
		if (duck_cell(rows, 3 * i + 2) == CELL_INT) {
			if (!fields[i]->nullable && duck_int(rows, 3 * i + 2) > 0) {
				buf_free(&b);
				return err_set(err, ERR_USAGE, "column \"%s\" must not be NULL",
					fields[i]->name);
			}
			json_kv_int(&j, fields[i]->name, duck_int(rows, 3 * i + 2));
		}
	json_object_end(&j);
	json_object_end(&j);
	file->stats = buf_failed(&b) ? arena_printf(a, "{\"numRecords\":%" PRId64 "}", file->rows)
				     : arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return 0;
}

static struct written *
written_at(struct writing *w, const char *temp)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->items[i].temp, temp) == 0)
			return &w->items[i];
	return NULL;
}

/* The engine tells them from the files' footers. A file without rows has nothing to tell. */
static int
collect_stats(struct writing *w, struct err *err)
{
	const struct delta_field **fields;
	size_t n_fields = stats_columns(w, &fields), n;
	struct duck_rows *rows;
	struct written *file;
	int rc = 0;

	for (size_t first = 0; rc == 0 && first < w->n; first += n) {
		n = w->n - first < STATS_FILES_AT_ONCE ? w->n - first : STATS_FILES_AT_ONCE;
		if (duck_query(w->d, stats_sql(w, first, n, fields, n_fields), &rows, err) < 0)
			return -1;
		while (rc == 0 && duck_rows_next(rows)) {
			file = written_at(w, duck_text_copy(rows, 0, w->a));
			if (file != NULL && duck_cell(rows, 1) == CELL_INT && duck_int(rows, 1) > 0)
				rc = take_stats(file, rows, fields, n_fields, w->a, err);
		}
		duck_rows_free(rows);
	}
	return rc;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int
copy(struct writing *w, const char *sql, const char *target, const char *options, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, DELTA_SQL_MAX);
	buf_printf(&b, "COPY (%s\n) TO ", sql);
	sql_text(&b, target);
	buf_printf(&b, " (FORMAT parquet, COMPRESSION zstd%s)", options);
	rc = buf_failed(&b)
		? err_set(err, ERR_FAILED, "a statement of more than %d bytes", DELTA_SQL_MAX)
		: duck_exec(w->d, buf_str(&b), &w->rows, err);
	buf_free(&b);
	return rc;
}

static const char *
partition_json(const struct delta_names *columns, const char *const *values, struct arena *a)
{
	const char *text;
	struct json j;
	struct buf b;

	buf_init(&b, COMMIT_MAX_BYTES);
	json_init(&j, &b);
	json_object(&j);
	for (size_t i = 0; i < columns->n; i++)
		json_kv_string(&j, columns->items[i], values[i]);
	json_object_end(&j);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static int
write_one(struct writing *w, const char *sql, const char *const *values, struct err *err)
{
	const char *target = arena_printf(w->a, "%s/data.parquet", w->temp_dir);

	if (mkdir(w->temp_dir, 0777) < 0)
		return err_errno(err, errno, "make directory %s", w->temp_dir);
	if (copy(w, sql, target, "", err) < 0)
		return -1;
	add_written(w, target, partition_json(&w->partition_columns, values, w->a));
	return 0;
}

/* A value as the log has it. */
static const char *
partition_text_sql(const struct delta_field *field, struct arena *a)
{
	const char *column = sql_quoted(a, field->name);

	if (strcmp(field->type->name, "timestamp") == 0)
		return arena_printf(a, "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", column);
	if (strcmp(field->type->name, "timestamp_ntz") == 0)
		return arena_printf(a, "strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.%%f')", column);
	return arena_printf(a, "CAST(%s AS VARCHAR)", column);
}

/* Names of the two tables that hold the rows and their partitions while they are written. */
struct partitioning {
	const char *rows, *partitions;
	const char *columns; /* the partition columns */
	const char *same; /* whether a row is of a partition */
};

static struct partitioning
partitioning_new(const struct writing *w, const char *uuid)
{
	struct partitioning p = {
		.rows = arena_printf(w->a, "\"__flowfile_rows_%s\"", uuid),
		.partitions = arena_printf(w->a, "\"__flowfile_partitions_%s\"", uuid),
		.columns = "",
		.same = "true",
	};

	for (size_t i = 0; i < w->partition_columns.n; i++) {
		const char *name = sql_quoted(w->a, w->partition_columns.items[i]);

		p.columns = arena_printf(w->a, "%s%s%s", p.columns, i > 0 ? ", " : "", name);
		p.same = arena_printf(
			w->a, "%s AND r.%s IS NOT DISTINCT FROM p.%s", p.same, name, name);
	}
	return p;
}

/* The rows, with an empty text in a partition column as the NULL that it is in a table; and the different values. */
static int
make_partitions(struct writing *w, const char *sql, const struct partitioning *p, struct err *err)
{
	const char *replace = "";
	char *statement;
	int64_t n;
	int rc;

	for (size_t i = 0; i < w->partition_columns.n; i++) {
		const char *name = w->partition_columns.items[i];

		if (strcmp(delta_field_find(w->type, name)->type->name, "string") == 0)
			replace = arena_printf(w->a, "%s%snullif(%s, '') AS %s", replace,
				*replace ? ", " : " REPLACE (", sql_quoted(w->a, name),
				sql_quoted(w->a, name));
	}
	statement = xasprintf("CREATE TEMP TABLE %s AS SELECT *%s%s FROM (%s\n); "
			      "CREATE TEMP TABLE %s AS SELECT row_number() OVER () AS "
			      "\"" PARTITION_COLUMN "\", * FROM (SELECT DISTINCT %s FROM %s)",
		p->rows, replace, *replace ? ")" : "", sql, p->partitions, p->columns, p->rows);
	rc = duck_exec(w->d, statement, NULL, err);
	free(statement);
	if (rc == 0)
		rc = duck_number(w->d, arena_printf(w->a, "SELECT count(*) FROM %s", p->partitions),
			&n, err);
	if (rc == 0 && n > PARTITIONS_MAX)
		rc = err_set(err, ERR_USAGE,
			"%" PRId64 " partitions by %s: a write makes at most %d", n, p->columns,
			PARTITIONS_MAX);
	return rc;
}

static int
take_partitions(struct writing *w, const struct partitioning *p, struct err *err)
{
	const char **values = arena_array(w->a, w->partition_columns.n, sizeof(*values));
	const char *sql = "SELECT \"" PARTITION_COLUMN "\"";
	const struct delta_field *field;
	struct duck_rows *rows;
	int rc = 0;

	for (size_t i = 0; i < w->partition_columns.n; i++) {
		field = delta_field_find(w->type, w->partition_columns.items[i]);
		sql = arena_printf(w->a, "%s, %s", sql, partition_text_sql(field, w->a));
	}
	sql = arena_printf(w->a, "%s FROM %s ORDER BY 1", sql, p->partitions);
	if (duck_query(w->d, sql, &rows, err) < 0)
		return -1;
	while (rc == 0 && duck_rows_next(rows)) {
		for (size_t i = 0; rc == 0 && i < w->partition_columns.n; i++) {
			values[i] = duck_text_copy(rows, i + 1, w->a);
			field = delta_field_find(w->type, w->partition_columns.items[i]);
			if (values[i] == NULL && !field->nullable)
				rc = err_set(err, ERR_USAGE, "column \"%s\" must not be NULL",
					field->name);
		}
		if (rc == 0)
			rc = find_written(w,
				arena_printf(w->a, "%s/" PARTITION_COLUMN "=%" PRId64, w->temp_dir,
					duck_int(rows, 0)),
				partition_json(&w->partition_columns, values, w->a), err);
	}
	duck_rows_free(rows);
	return rc;
}

/* The engine's own way would have the values in names of folders, where not all values fit: it is given numbers. */
static int
write_partitioned(struct writing *w, const char *sql, const char *uuid, struct err *err)
{
	struct partitioning p = partitioning_new(w, uuid);
	const char *rows_sql;
	int rc;

	rc = make_partitions(w, sql, &p, err);
	if (rc == 0) {
		/* One after the other: the engine keeps the files of a hundred open, and begins others for the rest. */
		rows_sql = arena_printf(w->a,
			"SELECT r.* EXCLUDE (%s), p.\"" PARTITION_COLUMN
			"\" FROM %s r JOIN %s p ON %s ORDER BY p.\"" PARTITION_COLUMN "\", r.rowid",
			p.columns, p.rows, p.partitions, p.same);
		rc = copy(
			w, rows_sql, w->temp_dir, ", PARTITION_BY (\"" PARTITION_COLUMN "\")", err);
	}
	if (rc == 0)
		rc = take_partitions(w, &p, err);
	duck_exec(w->d,
		arena_printf(w->a, "DROP TABLE IF EXISTS %s; DROP TABLE IF EXISTS %s", p.rows,
			p.partitions),
		NULL, NULL);
	return rc;
}

/* --- from the temporary folder into the table's --------------------------------------------------------------- */

static void
add_file(struct added_files *files, struct added_file file, struct arena *a)
{
	struct added_file *items;

	if ((files->n & (files->n - 1)) == 0) {
		items = arena_array(a, files->n ? 2 * files->n : 1, sizeof(*items));
		if (files->n)
			memcpy(items, files->items, files->n * sizeof(*items));
		files->items = items;
	}
	files->items[files->n++] = file;
}

static int
adopt(struct writing *w, const struct written *from, struct added_files *out, struct err *err)
{
	struct added_file file = {
		.rows = from->rows, .partition = from->partition, .stats = from->stats};
	char uuid[UUID_SIZE], *target;
	struct stat sb;
	int rc = 0;

	uuid4(uuid);
	file.path = arena_printf(w->a, "part-%s.parquet", uuid);
	if (sync_path(from->temp, 0, err) < 0)
		return -1;
	target = path_join(w->dir, file.path);
	if (stat(from->temp, &sb) < 0 || rename(from->temp, target) < 0)
		rc = err_errno(err, errno, "%s", target);
	free(target);
	if (rc < 0)
		return -1;
	file.size = sb.st_size;
	file.modified_ms = sb.st_mtim.tv_sec * 1000 + sb.st_mtim.tv_nsec / 1000000;
	add_file(out, file, w->a);
	return 0;
}

/* Of a file that was not found, or that has no statistics, no rows would be there. */
static int
check_rows(const struct writing *w, struct err *err)
{
	int64_t rows = 0;

	for (size_t i = 0; i < w->n; i++)
		rows += w->items[i].rows;
	if (rows != w->rows)
		return err_set(err, ERR_FAILED,
			"%s: %" PRId64 " rows were written, and files of %" PRId64
			" rows are there; the table is as it was",
			w->dir, w->rows, rows);
	return 0;
}

static int
adopt_all(struct writing *w, struct added_files *out, struct err *err)
{
	if (collect_stats(w, err) < 0 || check_rows(w, err) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		if (w->items[i].stats != NULL && adopt(w, &w->items[i], out, err) < 0)
			return -1;
	return sync_path(w->dir, O_DIRECTORY, err);
}

static int
write_files(struct duck *d, const char *dir, const char *sql, const struct delta_type *type,
	const struct delta_names *partition_columns, const char *const *values, struct arena *a,
	struct added_files *out, struct err *err)
{
	struct writing w = {
		.d = d, .dir = dir, .type = type, .partition_columns = *partition_columns, .a = a};
	char uuid[UUID_SIZE];
	int rc;

	uuid4(uuid);
	w.temp_dir = arena_printf(a, "%s/" TEMP_PREFIX "%s", dir, uuid);
	if (partition_columns->n > 0 && values == NULL)
		rc = write_partitioned(&w, sql, uuid, err);
	else
		rc = write_one(&w, sql, values, err);
	if (rc == 0)
		rc = adopt_all(&w, out, err);
	remove_folder(w.temp_dir, 1);
	return rc;
}

int
files_write(struct duck *d, const char *dir, const char *sql, const struct delta_type *type,
	const struct delta_names *partition_columns, struct arena *a, struct added_files *out,
	struct err *err)
{
	return write_files(d, dir, sql, type, partition_columns, NULL, a, out, err);
}

int
files_write_partition(struct duck *d, const char *dir, const char *sql,
	const struct delta_type *type, const struct delta_names *partition_columns,
	const char *const *values, struct arena *a, struct added_files *out, struct err *err)
{
	return write_files(d, dir, sql, type, partition_columns, values, a, out, err);
}
