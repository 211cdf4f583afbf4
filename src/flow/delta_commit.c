#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "config.h"
#include "delta_impl.h"

/* Each one lost is a commit of somebody else. */
#define COMMIT_TRIES 10000

/* What each version of the writer's protocol asks for, before there were names for it in the table. */
static const struct {
	int since;
	const char *feature;
} implied[] = {
	{2, "appendOnly"},
	{2, "invariants"},
	{3, "checkConstraints"},
	{4, "changeDataFeed"},
	{4, "generatedColumns"},
	{5, "columnMapping"},
	{6, "identityColumns"},
};

/* --- a transaction ----------------------------------------------------------------------------------------------- */

static int
check_expected(const struct delta_txn *t, int64_t expected, struct err *err)
{
	if (t->base.version != expected)
		return err_set(err, ERR_CONFLICT,
			"%s is at version %" PRId64 ", not at %" PRId64
			" any more: nothing was written",
			t->dir, t->base.version, expected);
	return 0;
}

int
txn_begin(struct delta_txn *t, struct duck *d, const char *dir, const int64_t *expected_version,
	struct arena *a, struct err *err)
{
	int is;

	*t = (struct delta_txn){.dir = dir, .d = d, .a = a, .parameters = "{}"};
	t->base.dir = dir;
	t->base.version = -1;
	t->reads = expected_version != NULL;
	is = delta_is_table(dir, err);
	if (is < 0)
		return -1;
	t->exists = is > 0;
	if (!t->exists && expected_version != NULL)
		return check_expected(t, *expected_version, err);
	if (!t->exists) {
		t->made_dir = access(dir, F_OK) < 0;
		return file_mkdirs(dir, 0777, err);
	}
	if (delta_open(dir, DELTA_LATEST, d, a, &t->base, err) < 0 ||
		(expected_version != NULL && check_expected(t, *expected_version, err) < 0) ||
		snapshot_check_writable(&t->base, err) < 0)
		return -1;
	t->type = t->base.type;
	t->partition_columns = t->base.partition_columns;
	return 0;
}

void
txn_remove(struct delta_txn *t, const struct delta_file *file)
{
	const struct delta_file **removed;

	/* Full when the number is a power of two. */
	if ((t->n_removed & (t->n_removed - 1)) == 0) {
		removed = arena_array(t->a, t->n_removed ? 2 * t->n_removed : 1, sizeof(*removed));
		if (t->n_removed)
			memcpy(removed, t->removed, t->n_removed * sizeof(*removed));
		t->removed = removed;
	}
	t->removed[t->n_removed++] = file;
}

void
txn_abort(struct delta_txn *t)
{
	char *log;

	files_delete(t->dir, &t->added);
	t->added.n = 0;
	if (t->exists)
		return;
	/* What was made for a new table; another one's commit makes the folders stay. */
	log = path_join(t->dir, DELTA_LOG_DIR);
	rmdir(log);
	free(log);
	if (t->made_dir)
		rmdir(t->dir);
}

/* --- the text of a commit ------------------------------------------------------------------------------------------ */

static void
put_names(struct json *j, const char *key, const struct delta_names *names)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < names->n; i++)
		json_string(j, names->items[i]);
	json_array_end(j);
}

static void
put_info(struct json *j, const struct delta_txn *t, int64_t now_ms)
{
	json_object(j);
	json_key(j, "commitInfo");
	json_object(j);
	json_kv_int(j, "timestamp", now_ms);
	json_kv_string(j, "operation", t->operation);
	json_key(j, "operationParameters");
	json_raw(j, t->parameters);
	if (t->exists)
		json_kv_int(j, "readVersion", t->base.version);
	json_kv_bool(j, "isBlindAppend", t->exists && !t->reads && t->n_removed == 0);
	json_kv_string(j, "engineInfo", "flowfile-scheduler:" PACKAGE_VERSION);
	json_object_end(j);
	json_object_end(j);
}

static bool
has_timestamp_ntz(const struct delta_snapshot *s)
{
	return s->reader_version >= 3 && s->writer_version >= 7 &&
		delta_names_have(&s->reader_features, "timestampNtz") &&
		delta_names_have(&s->writer_features, "timestampNtz");
}

/* The features that the table has, and timestampNtz. */
static void
put_features(struct json *j, const struct delta_txn *t)
{
	static const char *const mapping[] = {"columnMapping", "timestampNtz"};
	const struct delta_snapshot *s = &t->base;
	const char **names = arena_array(t->a,
		s->reader_features.n + s->writer_features.n + 1 +
			sizeof(implied) / sizeof(*implied),
		sizeof(*names));
	struct delta_names features = {names, 0};
	size_t skipped = s->reader_version == 2 ? 0 : 1;

	if (s->reader_version >= 3) {
		for (size_t i = 0; i < s->reader_features.n; i++)
			names[features.n++] = s->reader_features.items[i];
		if (!delta_names_have(&features, "timestampNtz"))
			names[features.n++] = "timestampNtz";
	} else {
		features = (struct delta_names){mapping + skipped, 2 - skipped};
	}
	put_names(j, "readerFeatures", &features);
	features = (struct delta_names){names, 0};
	for (size_t i = 0; i < s->writer_features.n; i++)
		names[features.n++] = s->writer_features.items[i];
	for (size_t i = 0; s->writer_version < 7 && i < ARRAY_LEN(implied); i++)
		if (implied[i].since <= s->writer_version)
			names[features.n++] = implied[i].feature;
	if (!delta_names_have(&features, "timestampNtz"))
		names[features.n++] = "timestampNtz";
	put_names(j, "writerFeatures", &features);
}

/* Of a new table, and of one that gets its first timestamps without a zone. */
static bool
needs_protocol(const struct delta_txn *t)
{
	return !t->exists ||
		(delta_type_has(t->type, "timestamp_ntz") && !has_timestamp_ntz(&t->base));
}

static void
put_protocol(struct json *j, const struct delta_txn *t)
{
	bool ntz = delta_type_has(t->type, "timestamp_ntz");

	json_object(j);
	json_key(j, "protocol");
	json_object(j);
	json_kv_int(j, "minReaderVersion", ntz ? 3 : 1);
	json_kv_int(j, "minWriterVersion", ntz ? 7 : 2);
	if (ntz)
		put_features(j, t);
	json_object_end(j);
	json_object_end(j);
}

static void
put_metadata(struct json *j, const struct delta_txn *t, int64_t now_ms)
{
	const struct delta_snapshot *s = &t->base;
	char uuid[UUID_SIZE];

	uuid4(uuid);
	json_object(j);
	json_key(j, "metaData");
	json_object(j);
	json_kv_string(j, "id", s->id != NULL ? s->id : uuid);
	if (s->name != NULL)
		json_kv_string(j, "name", s->name);
	if (s->description != NULL)
		json_kv_string(j, "description", s->description);
	json_key(j, "format");
	json_raw(j, "{\"provider\":\"parquet\",\"options\":{}}");
	json_kv_string(j, "schemaString", delta_type_schema(t->type, t->a));
	put_names(j, "partitionColumns", &t->partition_columns);
	json_key(j, "configuration");
	json_object(j);
	for (size_t i = 0; i < s->n_settings; i++)
		json_kv_string(j, s->settings[i].name, s->settings[i].value);
	json_object_end(j);
	json_kv_int(j, "createdTime", s->created_ms != 0 ? s->created_ms : now_ms);
	json_object_end(j);
	json_object_end(j);
}

static void
put_remove(struct json *j, const struct delta_txn *t, const struct delta_file *file, int64_t now_ms)
{
	cJSON *add = cJSON_Parse(file->action);
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(add, "partitionValues");
	char *text = cJSON_IsObject(values) ? cJSON_PrintUnformatted(values) : NULL;

	json_object(j);
	json_key(j, "remove");
	json_object(j);
	json_kv_string(
		j, "path", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(add, "path")));
	json_kv_int(j, "deletionTimestamp", now_ms);
	json_kv_bool(j, "dataChange", !t->moves_only);
	json_kv_bool(j, "extendedFileMetadata", true);
	json_key(j, "partitionValues");
	json_raw(j, text != NULL ? text : "{}");
	json_kv_int(j, "size", file->size);
	json_object_end(j);
	json_object_end(j);
	cJSON_free(text);
	cJSON_Delete(add);
}

static void
put_add(struct json *j, const struct delta_txn *t, const struct added_file *file)
{
	json_object(j);
	json_key(j, "add");
	json_object(j);
	json_kv_string(j, "path", file->path);
	json_key(j, "partitionValues");
	json_raw(j, file->partition);
	json_kv_int(j, "size", file->size);
	json_kv_int(j, "modificationTime", file->modified_ms);
	json_kv_bool(j, "dataChange", !t->moves_only);
	json_kv_string(j, "stats", file->stats);
	json_object_end(j);
	json_object_end(j);
}

/* Each action is a text of its own. */
static struct json *
line(struct json *j, struct buf *b)
{
	if (b->len > 0)
		buf_putc(b, '\n');
	json_init(j, b);
	return j;
}

static int
put_commit(struct buf *b, const struct delta_txn *t, struct err *err)
{
	int64_t now_ms = clock_wall(&clock_real) / US_PER_MS;
	struct json j;

	put_info(line(&j, b), t, now_ms);
	if (needs_protocol(t))
		put_protocol(line(&j, b), t);
	if (!t->exists || t->changes_schema)
		put_metadata(line(&j, b), t, now_ms);
	for (size_t i = 0; i < t->n_removed; i++)
		put_remove(line(&j, b), t, t->removed[i], now_ms);
	for (size_t i = 0; i < t->added.n; i++)
		put_add(line(&j, b), t, &t->added.items[i]);
	buf_putc(b, '\n');
	if (buf_failed(b))
		return err_set(err, ERR_FAILED, "%s: a commit of more than %d bytes", t->dir,
			COMMIT_MAX_BYTES);
	return 0;
}

/* --- conflicts ------------------------------------------------------------------------------------------------------- */

struct check {
	const struct delta_txn *t;
	struct log_state paths; /* knows the folder, to decode paths */
	const char *what; /* it did; NULL: nothing that matters */
};

static bool
changes_data(const cJSON *file)
{
	return !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(file, "dataChange"));
}

static bool
removes_ours(const struct check *check, const cJSON *remove)
{
	const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(remove, "path"));
	char *decoded = path != NULL ? log_decode_path(&check->paths, path) : NULL;
	bool ours = false;

	for (size_t i = 0; decoded != NULL && !ours && i < check->t->n_removed; i++)
		ours = strcmp(check->t->removed[i]->path, decoded) == 0;
	free(decoded);
	return ours;
}

static int
check_action(const cJSON *action, const char *where, void *arg, struct err *err)
{
	struct check *check = arg;
	const cJSON *item;

	(void)where;
	(void)err;
	if (cJSON_GetObjectItemCaseSensitive(action, "metaData") != NULL ||
		cJSON_GetObjectItemCaseSensitive(action, "protocol") != NULL) {
		check->what = "changed its columns or properties";
	} else if ((item = cJSON_GetObjectItemCaseSensitive(action, "remove")) != NULL) {
		if (removes_ours(check, item))
			check->what = "removed files that this one replaces";
		else if (check->t->reads && changes_data(item))
			check->what = "removed rows";
	} else if ((item = cJSON_GetObjectItemCaseSensitive(action, "add")) != NULL) {
		if (check->t->reads && changes_data(item) && check->what == NULL)
			check->what = "added rows";
	}
	return 0;
}

/* Whether what another one committed leaves ours as it would have been after it. */
static int
check_winner(const struct delta_txn *t, int64_t version, struct err *err)
{
	struct check check = {.t = t};
	int rc;

	if (!t->exists)
		return err_set(err, ERR_CONFLICT,
			"%s: another writer made this table at the same time", t->dir);
	check.paths = (struct log_state){.dir = t->dir, .real_dir = realpath(t->dir, NULL)};
	rc = log_read_commit(t->dir, version, NULL, check_action, &check, err);
	free(check.paths.real_dir);
	if (rc == 0 && check.what != NULL)
		return err_set(err, ERR_CONFLICT,
			"%s was changed while this write was under way: version %" PRId64
			" %s; nothing was written",
			t->dir, version, check.what);
	return rc;
}

/* --- the commit ------------------------------------------------------------------------------------------------------ */

/* Under its name unless that is taken: EEXIST. Where there are no hard links, the file moves. */
static int
take_version(const char *temp, const char *path)
{
	if (link(temp, path) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
		return -1;
	return renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE);
}

/*
 * Whether the file got its second name, whatever link() says: over NFS its reply may be lost, and the request that is sent
 * again finds the name taken, by ourselves (link(2) and the notes on O_EXCL in open(2)).
 */
static bool
is_linked(const char *temp)
{
	struct stat sb;

	return stat(temp, &sb) == 0 && sb.st_nlink == 2;
}

/* *version: the one that was tried first, then the one that it became. */
static int
publish(const struct delta_txn *t, const char *temp, int64_t *version, struct err *err)
{
	char *path;
	int why;

	for (int i = 0; i < COMMIT_TRIES; i++, ++*version) {
		path = log_commit_path(t->dir, *version);
		why = take_version(temp, path) == 0 ? 0 : errno;
		if (why == EEXIST && is_linked(temp))
			why = 0;
		if (why != 0 && why != EEXIST)
			err_errno(err, why, "%s", path);
		free(path);
		if (why == 0)
			return 0;
		if (why != EEXIST || check_winner(t, *version, err) < 0)
			return -1;
	}
	return err_set(err, ERR_CONFLICT,
		"%s: others committed %d times meanwhile; nothing was written", t->dir,
		COMMIT_TRIES);
}

static int
write_temp(const char *path, const struct buf *b, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 || fd_fill_and_close(fd, b->data, b->len) < 0)
		return err_errno(err, errno, "%s", path);
	return 0;
}

static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fd_sync_dir(fd);
	close(fd);
	return rc;
}

/* From here on the version is there, whatever is returned; it is an error that it may not last. */
static int
make_last(const struct delta_txn *t, const char *log, int64_t version, struct err *err)
{
	char *parent = path_dirname(t->dir);
	int rc = sync_dir(log);

	if (rc == 0 && !t->exists && (sync_dir(t->dir) < 0 || sync_dir(parent) < 0))
		rc = -1;
	if (rc < 0)
		err_errno(err, errno, "sync %s: version %" PRId64 " is there, but may not last",
			log, version);
	free(parent);
	return rc;
}

static int
commit(struct delta_txn *t, int64_t *version, bool *published, struct err *err)
{
	char *log = path_join(t->dir, DELTA_LOG_DIR), *temp, uuid[UUID_SIZE];
	struct buf b;
	int rc;

	uuid4(uuid);
	temp = xasprintf("%s/_commit_%s.json.tmp", log, uuid);
	buf_init(&b, COMMIT_MAX_BYTES);
	rc = put_commit(&b, t, err);
	if (rc == 0)
		rc = file_mkdirs(log, 0777, err);
	if (rc == 0)
		rc = write_temp(temp, &b, err);
	if (rc == 0)
		rc = publish(t, temp, version, err);
	*published = rc == 0;
	unlink(temp);
	if (rc == 0)
		rc = make_last(t, log, *version, err);
	buf_free(&b);
	free(temp);
	free(log);
	return rc;
}

static int
check_allowed(const struct delta_txn *t, struct err *err)
{
	const char *append_only = delta_setting(&t->base, "delta.appendOnly");

	if (t->n_removed > 0 && !t->moves_only && append_only != NULL &&
		strcmp(append_only, "true") == 0)
		return err_set(
			err, ERR_FAILED, "%s takes appended rows only (delta.appendOnly)", t->dir);
	return 0;
}

static void
count_rows(int64_t of_file, int sign, int64_t *rows, ssize_t *unknown)
{
	if (of_file < 0)
		*unknown += sign;
	else
		*rows += sign * of_file;
}

/* Of files that come to the table's and those that leave it. */
static int64_t
rows_after(const struct delta_txn *t)
{
	int64_t rows = 0;
	ssize_t unknown = 0;

	for (size_t i = 0; i < t->base.n_files; i++)
		count_rows(t->base.files[i].rows, 1, &rows, &unknown);
	for (size_t i = 0; i < t->n_removed; i++)
		count_rows(t->removed[i]->rows, -1, &rows, &unknown);
	for (size_t i = 0; i < t->added.n; i++)
		count_rows(t->added.items[i].rows, 1, &rows, &unknown);
	return unknown == 0 ? rows : -1;
}

/* What others commit in between leaves the columns as they are: it would be a conflict. */
static void
tell_table(const struct delta_txn *t, struct delta_written *out)
{
	bool alone = out->version == t->base.version + 1;
	const char **names;

	out->rows = alone ? rows_after(t) : -1;
	out->size = alone ? t->base.size - out->bytes_removed + out->bytes_added : -1;
	if (t->told == NULL)
		return;
	for (size_t i = 0; i < t->type->n; i++)
		columns_add(&out->columns, t->told, t->type->fields[i].name,
			delta_type_sql(t->type->fields[i].type, t->told));
	names = arena_array(t->told, t->partition_columns.n + 1, sizeof(*names));
	for (size_t i = 0; i < t->partition_columns.n; i++)
		names[i] = arena_strdup(t->told, t->partition_columns.items[i]);
	out->partition_columns = (struct delta_names){names, t->partition_columns.n};
}

int
txn_commit(struct delta_txn *t, struct delta_written *out, struct err *err)
{
	int64_t version = t->base.version + 1;
	bool published = false;
	int rc;

	assert(t->operation != NULL && t->type != NULL);
	rc = check_allowed(t, err);
	if (rc == 0)
		rc = commit(t, &version, &published, err);
	if (!published) {
		txn_abort(t);
		return -1;
	}
	out->version = version;
	out->committed = true;
	out->files_added = (int64_t)t->added.n;
	out->files_removed = (int64_t)t->n_removed;
	for (size_t i = 0; i < t->added.n; i++)
		out->bytes_added += t->added.items[i].size;
	for (size_t i = 0; i < t->n_removed; i++)
		out->bytes_removed += t->removed[i]->size;
	tell_table(t, out);
	checkpoint_when_due(t->d, &t->base, version);
	return rc;
}
