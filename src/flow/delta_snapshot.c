#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "delta_impl.h"

/* Columns of a scan that no table has. */
#define FILE_COLUMN "__flowfile_file"

#define READER_VERSION_MAX 3
#define WRITER_VERSION_MAX 7

/* Deletion vectors and column mapping may be allowed without being used; whether they are is looked at. */
static const char *const reader_known[] = {
	"columnMapping", "deletionVectors", "timestampNtz", "vacuumProtocolCheck"};
static const char *const writer_known[] = {"appendOnly", "changeDataFeed", "checkConstraints",
	"columnMapping", "deletionVectors", "generatedColumns", "identityColumns", "invariants",
	"timestampNtz", "vacuumProtocolCheck"};

/* What a table may use of what writers must know, by its settings and its columns' metadata. */
static const struct {
	const char *setting; /* begins so */
	const char *value; /* NULL: any */
	const char *what;
} writer_settings[] = {
	{"delta.constraints.", NULL, "check constraints"},
	{"delta.enableChangeDataFeed", "true", "the change data feed"},
	{"delta.enableRowTracking", "true", "row tracking"},
	{"delta.enableInCommitTimestamps", "true", "in-commit timestamps"},
};
static const struct {
	const char *key, *what;
} writer_metadata[] = {
	{"\"delta.invariants\"", "invariants of columns"},
	{"\"delta.generationExpression\"", "generated columns"},
	{"\"delta.identity.", "identity columns"},
};

/* --- reading metaData and protocol --------------------------------------------------------------------- */

static const char *
json_text(const cJSON *json, const char *name, struct arena *a)
{
	return arena_strdup(a, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)));
}

static int64_t
json_number(const cJSON *json, const char *name, int64_t otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

static struct delta_names
json_names(const cJSON *json, const char *name, struct arena *a)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, name), *item;
	struct delta_names names = {NULL, 0};
	const char **items;

	items = arena_array(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*items));
	cJSON_ArrayForEach(item, list)
	{
		if (cJSON_IsString(item))
			items[names.n++] = arena_strdup(a, item->valuestring);
	}
	names.items = items;
	return names;
}

static void
take_settings(const cJSON *metadata, struct arena *a, struct delta_snapshot *out)
{
	const cJSON *map = cJSON_GetObjectItemCaseSensitive(metadata, "configuration"), *item;
	struct delta_setting *settings =
		arena_array(a, (size_t)cJSON_GetArraySize(map) + 1, sizeof(*settings));

	cJSON_ArrayForEach(item, map)
	{
		if (cJSON_IsString(item))
			settings[out->n_settings++] = (struct delta_setting){
				arena_strdup(a, item->string), arena_strdup(a, item->valuestring)};
	}
	out->settings = settings;
}

static int
take_columns(struct delta_snapshot *out, struct arena *a, struct err *err)
{
	const struct delta_field *field;

	if (out->schema_string == NULL)
		return err_set(err, ERR_FAILED, "it has no schema");
	if (delta_type_of_schema(out->schema_string, a, &out->type, err) < 0)
		return -1;
	for (size_t i = 0; i < out->type->n; i++)
		columns_add(&out->columns, a, out->type->fields[i].name,
			delta_type_sql(out->type->fields[i].type, a));
	for (size_t i = 0; i < out->partition_columns.n; i++) {
		field = delta_field_find(out->type, out->partition_columns.items[i]);
		if (field == NULL || field->type->kind != DELTA_PRIMITIVE)
			return err_set(err, ERR_FAILED,
				"its partition column \"%s\" is no plain column of it",
				out->partition_columns.items[i]);
	}
	if (out->partition_columns.n >= out->type->n)
		return err_set(err, ERR_FAILED, "it has no column besides its partition columns");
	return 0;
}

static int
take_metadata(const char *text, struct arena *a, struct delta_snapshot *out, struct err *err)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *format = cJSON_GetObjectItemCaseSensitive(json, "format");
	const char *provider;
	int rc;

	out->id = json_text(json, "id", a);
	out->name = json_text(json, "name", a);
	out->description = json_text(json, "description", a);
	out->schema_string = json_text(json, "schemaString", a);
	out->created_ms = json_number(json, "createdTime", 0);
	out->partition_columns = json_names(json, "partitionColumns", a);
	take_settings(json, a, out);
	provider = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(format, "provider"));
	if (provider != NULL && strcmp(provider, "parquet") != 0)
		rc = err_set(err, ERR_FAILED, "its files are %s, not parquet", provider);
	else
		rc = take_columns(out, a, err);
	cJSON_Delete(json);
	return rc;
}

static void
take_protocol(const char *text, struct arena *a, struct delta_snapshot *out)
{
	cJSON *json = cJSON_Parse(text);

	out->reader_version = (int)json_number(json, "minReaderVersion", 1);
	out->writer_version = (int)json_number(json, "minWriterVersion", 1);
	out->reader_features = json_names(json, "readerFeatures", a);
	out->writer_features = json_names(json, "writerFeatures", a);
	cJSON_Delete(json);
}

const char *
delta_setting(const struct delta_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_settings; i++)
		if (strcmp(s->settings[i].name, name) == 0)
			return s->settings[i].value;
	return NULL;
}

int64_t
snapshot_interval_us(const struct delta_snapshot *s, const char *name, int64_t otherwise)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = {
		{"week", 7 * US_PER_DAY},
		{"day", US_PER_DAY},
		{"hour", US_PER_HOUR},
		{"minute", US_PER_MIN},
		{"second", US_PER_SEC},
		{"millisecond", US_PER_MS},
	};
	const char *value = delta_setting(s, name);
	char unit[16];
	int64_t n;

	if (value == NULL || sscanf(value, "interval %" SCNd64 " %15[a-z]", &n, unit) != 2)
		return otherwise;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text_starts(unit, units[i].unit) && n >= 0 && n <= INT64_MAX / units[i].us)
			return n * units[i].us;
	return otherwise;
}

/* --- what is asked of readers and writers ----------------------------------------------------------------- */

static const char *
unknown(const struct delta_names *features, const char *const *known, size_t n)
{
	const struct delta_names names = {known, n};

	for (size_t i = 0; i < features->n; i++)
		if (!delta_names_have(&names, features->items[i]))
			return features->items[i];
	return NULL;
}

static int
check_readable(const struct delta_snapshot *s, struct err *err)
{
	const char *feature = NULL, *mapping = delta_setting(s, "delta.columnMapping.mode");

	if (s->reader_version > READER_VERSION_MAX)
		return err_set(err, ERR_FAILED, "it needs version %d of the reader's protocol",
			s->reader_version);
	if (s->reader_version == READER_VERSION_MAX)
		feature = unknown(&s->reader_features, reader_known, ARRAY_LEN(reader_known));
	if (feature != NULL)
		return err_set(err, ERR_FAILED, "it needs the reader's feature \"%s\"", feature);
	if (mapping != NULL && strcmp(mapping, "none") != 0)
		return err_set(err, ERR_FAILED,
			"it uses column mapping (\"%s\"), which is not supported", mapping);
	return 0;
}

static int
check_field_writable(const struct delta_field *field, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(writer_metadata); i++)
		if (strstr(field->metadata, writer_metadata[i].key) != NULL)
			return err_set(err, ERR_FAILED,
				"it cannot be written: column \"%s\" uses %s, which are not kept",
				field->name, writer_metadata[i].what);
	for (size_t i = 0; i < field->type->n; i++)
		if (check_field_writable(&field->type->fields[i], err) < 0)
			return -1;
	return 0;
}

int
snapshot_check_writable(const struct delta_snapshot *s, struct err *err)
{
	const char *feature = NULL;

	if (s->writer_version > WRITER_VERSION_MAX)
		return err_set(err, ERR_FAILED,
			"%s cannot be written: it needs version %d of the writer's protocol",
			s->dir, s->writer_version);
	if (s->writer_version == WRITER_VERSION_MAX)
		feature = unknown(&s->writer_features, writer_known, ARRAY_LEN(writer_known));
	if (feature != NULL)
		return err_set(err, ERR_FAILED,
			"%s cannot be written: it needs the writer's feature \"%s\"", s->dir,
			feature);
	for (size_t i = 0; i < s->n_settings; i++)
		for (size_t k = 0; k < ARRAY_LEN(writer_settings); k++)
			if (text_starts(s->settings[i].name, writer_settings[k].setting) &&
				(writer_settings[k].value == NULL ||
					strcmp(s->settings[i].value, writer_settings[k].value) ==
						0))
				return err_set(err, ERR_FAILED,
					"%s cannot be written: it uses %s (%s), not kept here",
					s->dir, writer_settings[k].what, s->settings[i].name);
	for (size_t i = 0; i < s->type->n; i++)
		if (check_field_writable(&s->type->fields[i], err) < 0)
			return err_prefix(err, "%s", s->dir);
	return 0;
}

/* --- files --------------------------------------------------------------------------------------------------- */

static const char *const *
take_partition(const cJSON *values, const struct delta_names *columns, struct arena *a)
{
	const char **out = arena_array(a, columns->n + 1, sizeof(*out));

	for (size_t i = 0; i < columns->n; i++) {
		out[i] = json_text(values, columns->items[i], a);
		if (out[i] != NULL && out[i][0] == '\0') /* as the protocol has it */
			out[i] = NULL;
	}
	return out;
}

static int64_t
rows_of_stats(const char *stats)
{
	cJSON *json = stats != NULL ? cJSON_Parse(stats) : NULL;
	int64_t rows = json_number(json, "numRecords", -1);

	cJSON_Delete(json);
	return rows;
}

static int
take_file(const struct log_file *from, const struct delta_names *columns, struct arena *a,
	struct delta_file *out, struct err *err)
{
	cJSON *json = cJSON_Parse(from->action);
	const cJSON *vector = cJSON_GetObjectItemCaseSensitive(json, "deletionVector");
	int rc = 0;

	out->path = arena_strdup(a, from->path);
	out->action = arena_strdup(a, from->action);
	out->size = json_number(json, "size", 0);
	out->stats = json_text(json, "stats", a);
	out->rows = rows_of_stats(out->stats);
	out->partition = take_partition(
		cJSON_GetObjectItemCaseSensitive(json, "partitionValues"), columns, a);
	if (vector != NULL && !cJSON_IsNull(vector))
		rc = err_set(err, ERR_FAILED,
			"it uses deletion vectors (of %s), which are not supported", from->path);
	else if (strstr(from->path, "://") != NULL)
		rc = err_set(err, ERR_FAILED, "its file %s is no file of this machine", from->path);
	cJSON_Delete(json);
	return rc;
}

static int
take_files(
	const struct log_state *state, struct arena *a, struct delta_snapshot *out, struct err *err)
{
	struct delta_file *files = arena_array(a, HASH_COUNT(state->files) + 1, sizeof(*files)),
			  *file;

	out->files = files;
	for (const struct log_file *f = state->files; f != NULL; f = f->hh.next) {
		if (!f->live)
			continue;
		file = &files[out->n_files++];
		if (take_file(f, &out->partition_columns, a, file, err) < 0)
			return -1;
		out->size += file->size;
		if (file->rows < 0)
			out->rows = -1;
		else if (out->rows >= 0)
			out->rows += file->rows;
	}
	return 0;
}

int
snapshot_of_state(const struct log_state *state, const char *dir, struct arena *a,
	struct delta_snapshot *out, struct err *err)
{
	*out = (struct delta_snapshot){.dir = arena_strdup(a, dir), .version = state->version};
	take_protocol(state->protocol, a, out);
	/* The protocol first: what it needs may be what the rest cannot be read without. */
	if ((out->reader_version > READER_VERSION_MAX && check_readable(out, err) < 0) ||
		take_metadata(state->metadata, a, out, err) < 0 || check_readable(out, err) < 0 ||
		take_files(state, a, out, err) < 0)
		return err_prefix(err, "%s cannot be read", dir);
	return 0;
}

static int
check_files(const struct delta_snapshot *s, struct arena *a, struct err *err)
{
	struct stat sb;

	for (size_t i = 0; i < s->n_files; i++)
		if (stat(snapshot_file_path(s, &s->files[i], a), &sb) < 0)
			return err_set(err, ERR_NOT_FOUND,
				"version %" PRId64
				" of %s cannot be read any more: its file %s was deleted",
				s->version, s->dir, s->files[i].path);
	return 0;
}

int
delta_open(const char *dir, int64_t version, struct duck *d, struct arena *a,
	struct delta_snapshot *out, struct err *err)
{
	struct log_state state;
	int rc;

	rc = log_read(dir, version, false, d, &state, err);
	if (rc == 0)
		rc = snapshot_of_state(&state, dir, a, out, err);
	log_state_free(&state);
	/* The newest version's files are there; older ones' are what a vacuum deletes. */
	if (rc == 0 && version != DELTA_LATEST)
		rc = check_files(out, a, err);
	return rc;
}

/* --- scans --------------------------------------------------------------------------------------------------- */

const char *
snapshot_file_path(const struct delta_snapshot *s, const struct delta_file *file, struct arena *a)
{
	char *path = path_join(s->dir, file->path);
	const char *copy = arena_strdup(a, path);

	free(path);
	return copy;
}

static const char *
no_rows_sql(const struct delta_snapshot *s, const char *index, struct arena *a)
{
	const char *sql;
	struct buf b;

	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < s->columns.n; i++) {
		buf_printf(
			&b, "%sCAST(NULL AS %s) AS ", i > 0 ? ", " : "", s->columns.items[i].type);
		sql_ident(&b, s->columns.items[i].name);
	}
	if (index != NULL)
		buf_printf(&b, ", 0 AS %s", index);
	buf_puts(&b, " WHERE false");
	sql = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return sql;
}

static void
put_partition_value(struct buf *b, const char *value, const char *type)
{
	buf_puts(b, "CAST(");
	if (value != NULL && strcmp(type, "BLOB") == 0)
		buf_puts(b, "encode(");
	sql_text(b, value);
	if (value != NULL && strcmp(type, "BLOB") == 0)
		buf_putc(b, ')');
	buf_printf(b, " AS %s)", type);
}

/* What the log says of each file: (path, index, partition values). */
static void
put_file_values(struct buf *b, const struct delta_snapshot *s,
	const struct delta_file *const *files, size_t n, struct arena *a)
{
	buf_puts(b, "(VALUES ");
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? ", (" : "(");
		sql_text(b, snapshot_file_path(s, files[i], a));
		buf_printf(b, ", %zu", i);
		for (size_t k = 0; k < s->partition_columns.n; k++) {
			buf_puts(b, ", ");
			put_partition_value(b, files[i]->partition[k],
				columns_find(&s->columns, s->partition_columns.items[k])->type);
		}
		buf_putc(b, ')');
	}
	buf_puts(b, ") AS f(path, place");
	for (size_t k = 0; k < s->partition_columns.n; k++)
		buf_printf(b, ", p%zu", k);
	buf_putc(b, ')');
}

/* The columns by name and with their types: a file that lacks one gives NULLs, one with a narrower type is cast. */
static void
put_read_parquet(struct buf *b, const struct delta_snapshot *s,
	const struct delta_file *const *files, size_t n, bool with_file, struct arena *a)
{
	const char *comma = "";

	buf_puts(b, "read_parquet([");
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? ", " : "");
		sql_text(b, sql_pattern(a, snapshot_file_path(s, files[i], a)));
	}
	buf_puts(b, "], hive_partitioning = false, schema = MAP {");
	for (size_t i = 0; i < s->columns.n; i++) {
		if (delta_names_have(&s->partition_columns, s->columns.items[i].name))
			continue;
		buf_puts(b, comma);
		sql_text(b, s->columns.items[i].name);
		buf_puts(b, ": {'name': ");
		sql_text(b, s->columns.items[i].name);
		buf_puts(b, ", 'type': ");
		sql_text(b, s->columns.items[i].type);
		buf_puts(b, ", 'default_value': NULL}");
		comma = ", ";
	}
	buf_printf(b, "}%s) AS s", with_file ? ", filename = '" FILE_COLUMN "'" : "");
}

static void
put_scan_columns(struct buf *b, const struct delta_snapshot *s)
{
	for (size_t i = 0; i < s->columns.n; i++) {
		size_t k = 0;

		while (k < s->partition_columns.n &&
			strcmp(s->partition_columns.items[k], s->columns.items[i].name) != 0)
			k++;
		buf_puts(b, i > 0 ? ", " : "");
		if (k < s->partition_columns.n) {
			buf_printf(b, "f.p%zu AS ", k);
		} else {
			buf_puts(b, "s.");
		}
		sql_ident(b, s->columns.items[i].name);
	}
}

const char *
snapshot_scan_sql(const struct delta_snapshot *s, const struct delta_file *const *files, size_t n,
	const char *index, struct arena *a)
{
	bool joined = s->partition_columns.n > 0 || index != NULL;
	const char *sql;
	struct buf b;

	if (n == 0)
		return no_rows_sql(s, index, a);
	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b, "SELECT ");
	put_scan_columns(&b, s);
	if (index != NULL)
		buf_printf(&b, ", f.place AS %s", index);
	buf_puts(&b, " FROM ");
	put_read_parquet(&b, s, files, n, joined, a);
	if (joined) {
		/* Of files that a filter on the values leaves out the engine reads no more than what describes them. */
		buf_puts(&b, " JOIN ");
		put_file_values(&b, s, files, n, a);
		buf_puts(&b, " ON s." FILE_COLUMN " = f.path");
	}
	sql = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return sql;
}

const char *
delta_scan_sql(const struct delta_snapshot *s, struct arena *a)
{
	const struct delta_file **files = arena_array(a, s->n_files + 1, sizeof(*files));

	for (size_t i = 0; i < s->n_files; i++)
		files[i] = &s->files[i];
	return snapshot_scan_sql(s, files, s->n_files, NULL, a);
}
