#include <dirent.h>
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
#include "base/text.h"
#include "delta_impl.h"

#define SMALL_BYTES (FILE_TARGET_BYTES / 2)
#define PARAMETERS_MAX (1024 * 1024)
#define FOLDER_DEPTH_MAX 32
/* A file that no version knows may be of a commit that comes yet. */
#define UNKNOWN_MIN_US US_PER_DAY

/* --- optimize ------------------------------------------------------------------------------------------------------- */

struct grouped {
	const struct delta_file *file;
	const char *group; /* the same for the files of a partition */
	size_t place;
};

static const char *
group_of(const struct delta_snapshot *s, const struct delta_file *file, struct arena *a)
{
	const char *group = "";

	for (size_t i = 0; i < s->partition_columns.n; i++) {
		const char *value = file->partition[i];

		group = value != NULL ? arena_printf(a, "%s%zu:%s", group, strlen(value), value)
				      : arena_printf(a, "%s-", group);
	}
	return group;
}

static int
compare_grouped(const void *a, const void *b)
{
	const struct grouped *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* The files that may be written anew, those of a partition together and otherwise as they came. */
static struct grouped *
group_files(const struct delta_snapshot *s, int64_t size_max, struct arena *a, size_t *n)
{
	struct grouped *files = arena_array(a, s->n_files + 1, sizeof(*files));

	*n = 0;
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].size <= size_max)
			files[(*n)++] =
				(struct grouped){&s->files[i], group_of(s, &s->files[i], a), i};
	if (*n > 0)
		qsort(files, *n, sizeof(*files), compare_grouped);
	return files;
}

static const char *
rewrite_sql(struct delta_txn *t, const struct delta_file *const *files, size_t n,
	const struct delta_names *order)
{
	const struct delta_snapshot *s = &t->base;
	const char *text, *comma = "";
	struct buf b;

	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < s->columns.n; i++) {
		if (delta_names_have(&s->partition_columns, s->columns.items[i].name))
			continue;
		buf_puts(&b, comma);
		sql_ident(&b, s->columns.items[i].name);
		comma = ", ";
	}
	buf_printf(&b, " FROM (%s) AS q", snapshot_scan_sql(s, files, n, NULL, t->a));
	for (size_t i = 0; i < order->n; i++) {
		buf_puts(&b, i > 0 ? ", " : " ORDER BY ");
		sql_ident(&b, order->items[i]);
	}
	text = arena_strdup(t->a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* Writes some files of one partition as one. */
static int
rewrite(struct delta_txn *t, const struct grouped *from, size_t n, const struct delta_names *order,
	struct err *err)
{
	const struct delta_file **files = arena_array(t->a, n, sizeof(*files));
	size_t before = t->added.n;
	int64_t rows = 0, written = 0;

	for (size_t i = 0; i < n; i++) {
		files[i] = from[i].file;
		txn_remove(t, from[i].file);
		rows = rows < 0 || from[i].file->rows < 0 ? -1 : rows + from[i].file->rows;
	}
	if (files_write_partition(t->d, t->dir, rewrite_sql(t, files, n, order), t->type,
		    &t->partition_columns, files[0]->partition, t->a, &t->added, err) < 0)
		return -1;
	for (size_t i = before; i < t->added.n; i++)
		written += t->added.items[i].rows;
	if (rows >= 0 && rows != written)
		return err_set(err, ERR_FAILED,
			"%s is damaged: %" PRId64 " rows were read from files of %" PRId64, t->dir,
			written, rows);
	return 0;
}

/* How many files from here on become one: those of a partition up to the size of a file, or all of it. */
static size_t
bin(const struct grouped *files, size_t n, bool whole)
{
	int64_t size = 0;
	size_t i = 0;

	while (i < n && strcmp(files[i].group, files[0].group) == 0) {
		size += files[i].file->size;
		if (i > 0 && !whole && size > FILE_TARGET_BYTES)
			break;
		i++;
	}
	return i;
}

static int
check_order(const struct delta_txn *t, const struct delta_names *order, struct err *err)
{
	const struct delta_field *field;

	for (size_t i = 0; i < order->n; i++) {
		field = delta_field_find(t->type, order->items[i]);
		if (field == NULL)
			return err_set(err, ERR_USAGE, "%s has no column \"%s\"; it has %s", t->dir,
				order->items[i], columns_list(&t->base.columns, t->a));
		if (delta_names_have(&t->partition_columns, order->items[i]))
			return err_set(err, ERR_USAGE,
				"%s is partitioned by \"%s\": its files need no order by it",
				t->dir, order->items[i]);
		if (field->type->kind != DELTA_PRIMITIVE)
			return err_set(err, ERR_USAGE, "column \"%s\" has no order: it is %s",
				order->items[i], delta_type_sql(field->type, t->a));
	}
	return 0;
}

static const char *
optimize_parameters(const struct delta_names *order, struct arena *a)
{
	const char *text;
	struct json j, l;
	struct buf b, list;

	buf_init(&b, PARAMETERS_MAX);
	buf_init(&list, PARAMETERS_MAX);
	json_init(&j, &b);
	json_init(&l, &list);
	json_array(&l);
	for (size_t i = 0; i < order->n; i++)
		json_string(&l, order->items[i]);
	json_array_end(&l);
	json_object(&j);
	json_kv_string(&j, "targetSize", arena_printf(a, "%d", FILE_TARGET_BYTES));
	json_kv_string(&j, "zOrderBy", buf_str(&list));
	json_object_end(&j);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	buf_free(&list);
	return text;
}

static int
optimize(struct delta_txn *t, const struct delta_names *order, struct delta_written *out,
	struct err *err)
{
	bool whole = order->n > 0;
	struct grouped *files;
	size_t n, of_bin;

	if (!t->exists)
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", t->dir);
	if (check_order(t, order, err) < 0)
		return -1;
	files = group_files(&t->base, whole ? INT64_MAX : SMALL_BYTES, t->a, &n);
	for (size_t i = 0; i < n; i += of_bin) {
		of_bin = bin(files + i, n - i, whole);
		if ((whole || of_bin > 1) && rewrite(t, files + i, of_bin, order, err) < 0)
			return -1;
	}
	out->version = t->base.version;
	if (t->n_removed == 0)
		return 0;
	t->moves_only = true;
	t->operation = "OPTIMIZE";
	t->parameters = optimize_parameters(order, t->a);
	return txn_commit(t, out, err);
}

int
delta_optimize(struct duck *d, const char *dir, const struct delta_names *z_order,
	struct delta_written *out, struct err *err)
{
	static const struct delta_names none;
	struct arena a = ARENA_INIT;
	struct delta_txn t;
	int is, rc;

	*out = (struct delta_written){.version = -1};
	is = delta_is_table(dir, err);
	if (is < 0)
		return -1;
	if (is == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", dir);
	rc = txn_begin(&t, d, dir, NULL, &a, err);
	if (rc == 0)
		rc = optimize(&t, z_order != NULL ? z_order : &none, out, err);
	if (rc < 0 && !out->committed)
		txn_abort(&t);
	arena_free(&a);
	return rc;
}

/* --- vacuum --------------------------------------------------------------------------------------------------------- */

struct vacuum {
	const char *dir;
	const struct log_state *state;
	int64_t removed_before_ms;
	int64_t unknown_before_us; /* by the time of their last change */
	bool forgets; /* a checkpoint may have dropped what was removed within the time to keep */
	struct arena *a;
	struct found {
		const char **names;
		size_t n;
	} files, folders; /* folders that killed writers left, each before those in it */
};

static void
add_name(struct found *found, const char *name, struct arena *a)
{
	const char **names;

	/* Full when the number is a power of two. */
	if ((found->n & (found->n - 1)) == 0) {
		names = arena_array(a, found->n ? 2 * found->n : 1, sizeof(*names));
		if (found->n)
			memcpy(names, found->names, found->n * sizeof(*names));
		found->names = names;
	}
	found->names[found->n++] = arena_strdup(a, name);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len >= n && strcmp(s + len - n, end) == 0;
}

/* Whether nobody needs a file of that path any more. What is no parquet and was never in the table is somebody's. */
static bool
is_needless(const struct vacuum *v, const char *path, const struct stat *sb)
{
	int64_t changed_us = sb->st_mtim.tv_sec * US_PER_SEC;
	struct log_file *file;

	HASH_FIND_STR(v->state->files, path, file);
	if (file != NULL)
		return !file->live && file->deleted_ms <= v->removed_before_ms;
	return !v->forgets && changed_us < v->unknown_before_us && ends_with(path, ".parquet");
}

static int walk(struct vacuum *v, const char *below, int depth, bool leftover, struct err *err);

/* Names that begin so are no data, but for folders of partitions, which have a '='. */
static bool
is_hidden(const char *name)
{
	return (name[0] == '_' || name[0] == '.') && strchr(name, '=') == NULL;
}

static bool
is_leftover_of_log(const char *name)
{
	return (text_starts(name, "_commit_") && ends_with(name, ".json.tmp")) ||
		(text_starts(name, ".checkpoint-") && ends_with(name, ".tmp"));
}

/* leftover: all that is old enough is to go. */
static int
look_at(struct vacuum *v, const char *path, const char *name, int depth, bool leftover,
	struct err *err)
{
	char *full = path_join(v->dir, path);
	struct stat sb;
	bool is_old;
	int rc = lstat(full, &sb);

	free(full);
	if (rc < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s/%s", v->dir, path);
	is_old = sb.st_mtim.tv_sec * US_PER_SEC < v->unknown_before_us;
	if (S_ISDIR(sb.st_mode)) {
		leftover = leftover || (depth == 0 && files_is_leftover(name));
		if (leftover && is_old)
			add_name(&v->folders, path, v->a);
		return leftover || !is_hidden(name) ? walk(v, path, depth + 1, leftover, err) : 0;
	}
	if (!S_ISREG(sb.st_mode))
		return 0;
	if (leftover ? is_old : !is_hidden(name) && is_needless(v, path, &sb))
		add_name(&v->files, path, v->a);
	return 0;
}

static int
walk(struct vacuum *v, const char *below, int depth, bool leftover, struct err *err)
{
	char *folder = path_join(v->dir, below);
	DIR *d = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL && errno != ENOENT)
		rc = err_errno(err, errno, "%s", folder);
	if (depth > FOLDER_DEPTH_MAX)
		rc = err_set(
			err, ERR_FAILED, "%s: more than %d folders deep", folder, FOLDER_DEPTH_MAX);
	while (rc == 0 && d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = look_at(v,
			*below ? arena_printf(v->a, "%s/%s", below, entry->d_name) : entry->d_name,
			entry->d_name, depth, leftover, err);
	}
	if (d != NULL)
		closedir(d);
	free(folder);
	return rc;
}

static int
look_at_log(struct vacuum *v, struct err *err)
{
	char *folder = path_join(v->dir, DELTA_LOG_DIR);
	DIR *d = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		rc = err_errno(err, errno, "%s", folder);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (is_leftover_of_log(entry->d_name))
			rc = look_at(v, arena_printf(v->a, DELTA_LOG_DIR "/%s", entry->d_name),
				entry->d_name, 1, true, err);
	if (d != NULL)
		closedir(d);
	free(folder);
	return rc;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
delete_files(const struct vacuum *v, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->files.n; i++) {
		char *path = path_join(v->dir, v->files.names[i]), *folder = path_dirname(path);

		if (unlink(path) < 0 && errno != ENOENT)
			rc = err_errno(err, errno, "delete %s", path);
		if (strchr(v->files.names[i], '/') != NULL)
			rmdir(folder); /* a partition's, when it was the last file there */
		free(folder);
		free(path);
	}
	for (size_t i = v->folders.n; rc == 0 && i-- > 0;) {
		char *path = path_join(v->dir, v->folders.names[i]);

		rmdir(path); /* a file that is younger may be in it */
		free(path);
	}
	return rc;
}

/* A file by its full path may be one below the folder by another name: then it would not be known again. */
static int
check_paths(const struct delta_snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].path[0] == '/')
			return err_set(err, ERR_FAILED,
				"%s has files by their full path (%s): none are deleted", s->dir,
				s->files[i].path);
	return 0;
}

/* Checkpoints remember removed files for a time of the table's. Whoever wants more keeps all that they do not know. */
static int
find_forgotten(
	struct vacuum *v, const struct delta_snapshot *s, int64_t retention_hours, struct err *err)
{
	struct log_listing l;

	if (log_list(v->dir, v->a, &l, err) < 0)
		return -1;
	v->forgets = l.n_checkpoints > 0 &&
		retention_hours * US_PER_HOUR > snapshot_interval_us(s,
							"delta.deletedFileRetentionDuration",
							TOMBSTONES_US);
	return 0;
}

static int
vacuum(struct vacuum *v, const struct delta_snapshot *s, bool dry_run, struct err *err)
{
	if (snapshot_check_writable(s, err) < 0 || check_paths(s, err) < 0 ||
		walk(v, "", 0, false, err) < 0 || look_at_log(v, err) < 0)
		return -1;
	if (v->files.n > 0)
		qsort(v->files.names, v->files.n, sizeof(*v->files.names), compare_names);
	return dry_run ? 0 : delete_files(v, err);
}

int
delta_vacuum(struct duck *d, const char *dir, int64_t retention_hours, bool dry_run,
	struct arena *a, struct delta_names *out, struct err *err)
{
	int64_t now_us = clock_wall(&clock_real), before_us;
	struct vacuum v = {.dir = dir, .a = a};
	struct delta_snapshot s;
	struct log_state state;
	int rc;

	if (retention_hours < 0 || retention_hours > now_us / US_PER_HOUR)
		return err_set(err, ERR_USAGE, "%" PRId64 " hours cannot be kept", retention_hours);
	before_us = now_us - retention_hours * US_PER_HOUR;
	v.removed_before_ms = before_us / US_PER_MS;
	v.unknown_before_us =
		before_us < now_us - UNKNOWN_MIN_US ? before_us : now_us - UNKNOWN_MIN_US;
	rc = log_read(dir, DELTA_LATEST, true, d, &state, err);
	if (rc == 0)
		rc = snapshot_of_state(&state, dir, a, &s, err);
	v.state = &state;
	if (rc == 0)
		rc = find_forgotten(&v, &s, retention_hours, err);
	if (rc == 0)
		rc = vacuum(&v, &s, dry_run, err);
	log_state_free(&state);
	*out = (struct delta_names){v.files.names, rc == 0 ? v.files.n : 0};
	return rc;
}
