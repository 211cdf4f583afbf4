#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "delta_impl.h"

#define VERSION_DIGITS 20
#define PART_DIGITS 10
/* Others commit and clear while we list and read: how often it is looked again. */
#define LIST_TRIES 5

/* --- which versions there are --------------------------------------------------------------------------- */

/* So many digits and nothing else; -1: no number. */
static int64_t
read_number(const char *s, int digits)
{
	int64_t n = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)s[i]) || n > (INT64_MAX - 9) / 10)
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	return n;
}

/* "<version>.checkpoint.parquet", "<version>.checkpoint.<part>.<parts>.parquet" */
static bool
read_checkpoint_name(const char *rest, struct log_checkpoint *c)
{
	int64_t part, parts;

	if (strcmp(rest, ".checkpoint.parquet") == 0) {
		c->parts = 0;
		return true;
	}
	if (!text_starts(rest, ".checkpoint."))
		return false;
	rest += strlen(".checkpoint.");
	part = read_number(rest, PART_DIGITS);
	if (part < 1 || rest[PART_DIGITS] != '.')
		return false;
	parts = read_number(rest + PART_DIGITS + 1, PART_DIGITS);
	if (parts < part || parts > INT_MAX || strcmp(rest + 2 * PART_DIGITS + 1, ".parquet") != 0)
		return false;
	c->parts = (int)parts;
	return true;
}

static void
add_commit(struct log_listing *l, int64_t version, struct arena *a)
{
	/* Full when the number is a power of two. */
	if ((l->n_commits & (l->n_commits - 1)) == 0) {
		int64_t *commits =
			arena_array(a, l->n_commits ? 2 * l->n_commits : 1, sizeof(*commits));

		if (l->n_commits)
			memcpy(commits, l->commits, l->n_commits * sizeof(*commits));
		l->commits = commits;
	}
	l->commits[l->n_commits++] = version;
}

static void
add_checkpoint(struct log_listing *l, struct log_checkpoint c, struct arena *a)
{
	for (size_t i = 0; c.parts > 0 && i < l->n_checkpoints; i++)
		if (l->checkpoints[i].version == c.version && l->checkpoints[i].parts == c.parts) {
			l->checkpoints[i].found++;
			return;
		}
	if ((l->n_checkpoints & (l->n_checkpoints - 1)) == 0) {
		struct log_checkpoint *checkpoints = arena_array(
			a, l->n_checkpoints ? 2 * l->n_checkpoints : 1, sizeof(*checkpoints));

		if (l->n_checkpoints)
			memcpy(checkpoints, l->checkpoints,
				l->n_checkpoints * sizeof(*checkpoints));
		l->checkpoints = checkpoints;
	}
	c.found = 1;
	l->checkpoints[l->n_checkpoints++] = c;
}

static int
compare_versions(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
compare_checkpoints(const void *a, const void *b)
{
	const struct log_checkpoint *x = a, *y = b;

	return (x->version > y->version) - (x->version < y->version);
}

/* Leaves those of which all parts are there, in their order, one for each version. */
static void
sort_listing(struct log_listing *l)
{
	size_t n = 0;

	if (l->n_commits > 0)
		qsort(l->commits, l->n_commits, sizeof(*l->commits), compare_versions);
	for (size_t i = 0; i < l->n_checkpoints; i++)
		if (l->checkpoints[i].found == (l->checkpoints[i].parts ?: 1))
			l->checkpoints[n++] = l->checkpoints[i];
	l->n_checkpoints = n;
	if (n > 0)
		qsort(l->checkpoints, n, sizeof(*l->checkpoints), compare_checkpoints);
}

static void
take_name(struct log_listing *l, const char *name, struct arena *a)
{
	struct log_checkpoint c = {.version = -1};

	c.version = strlen(name) > VERSION_DIGITS ? read_number(name, VERSION_DIGITS) : -1;
	if (c.version < 0)
		return;
	if (strcmp(name + VERSION_DIGITS, ".json") == 0)
		add_commit(l, c.version, a);
	else if (read_checkpoint_name(name + VERSION_DIGITS, &c))
		add_checkpoint(l, c, a);
}

/* The folder is looked at each time: _last_checkpoint is only a hint, which a killed writer leaves behind the truth. */
int
log_list(const char *dir, struct arena *a, struct log_listing *out, struct err *err)
{
	char *path = path_join(dir, DELTA_LOG_DIR);
	DIR *d = opendir(path);
	struct dirent *entry;

	free(path);
	*out = (struct log_listing){NULL, 0, NULL, 0};
	if (d == NULL && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", dir);
	if (d == NULL)
		return err_errno(err, errno, "%s/%s", dir, DELTA_LOG_DIR);
	while ((errno = 0, entry = readdir(d)) != NULL)
		take_name(out, entry->d_name, a);
	if (errno != 0) {
		err_errno(err, errno, "%s/%s", dir, DELTA_LOG_DIR);
		closedir(d);
		return -1;
	}
	closedir(d);
	sort_listing(out);
	if (out->n_commits == 0 && out->n_checkpoints == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is no Delta table", dir);
	return 0;
}

int
delta_is_table(const char *dir, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct log_listing listing;
	struct err ours = ERR_INIT;
	int is = log_list(dir, &a, &listing, &ours) == 0;

	arena_free(&a);
	if (is || ours.code == ERR_NOT_FOUND)
		return is;
	if (err != NULL)
		*err = ours;
	return -1;
}

static int64_t
newest(const struct log_listing *l)
{
	int64_t version = -1;

	if (l->n_commits > 0)
		version = l->commits[l->n_commits - 1];
	if (l->n_checkpoints > 0 && l->checkpoints[l->n_checkpoints - 1].version > version)
		version = l->checkpoints[l->n_checkpoints - 1].version;
	return version;
}

static bool
has_commits(const struct log_listing *l, int64_t first, int64_t last)
{
	const int64_t *at;
	size_t i;

	if (first > last)
		return true;
	at = l->n_commits > 0
		? bsearch(&first, l->commits, l->n_commits, sizeof(first), compare_versions)
		: NULL;
	if (at == NULL)
		return false;
	i = (size_t)(at - l->commits);
	return (uint64_t)(last - first) < l->n_commits - i &&
		l->commits[i + (size_t)(last - first)] == last;
}

/* The last one that a version can be grown from; NULL: none. */
static const struct log_checkpoint *
checkpoint_before(const struct log_listing *l, int64_t version)
{
	for (size_t i = l->n_checkpoints; i-- > 0;)
		if (l->checkpoints[i].version <= version)
			return &l->checkpoints[i];
	return NULL;
}

static int
gone(const char *dir, int64_t version, const struct log_listing *l, struct err *err)
{
	int64_t oldest = -1;

	for (size_t i = 0; i < l->n_checkpoints && oldest < 0; i++)
		if (has_commits(l, l->checkpoints[i].version + 1, newest(l)))
			oldest = l->checkpoints[i].version;
	if (has_commits(l, 0, newest(l)))
		oldest = 0;
	if (oldest < 0 || version >= oldest)
		return err_set(err, ERR_FAILED,
			"%s is damaged: its log lacks commits before version %" PRId64, dir,
			version);
	return err_set(err, ERR_NOT_FOUND,
		"version %" PRId64 " of %s is gone; the oldest that can be read is %" PRId64,
		version, dir, oldest);
}

/* --- commits ------------------------------------------------------------------------------------------------ */

char *
log_commit_path(const char *dir, int64_t version)
{
	return xasprintf("%s/%s/%020" PRId64 ".json", dir, DELTA_LOG_DIR, version);
}

/* Whether a line begins as an action of this kind does: {"add": */
static bool
line_is(const char *line, const char *kind)
{
	size_t len = strlen(kind);

	line += strspn(line, " \t{");
	return *line == '"' && strncmp(line + 1, kind, len) == 0 && line[len + 1] == '"';
}

static int
read_line(const char *line, const char *where, log_action_cb cb, void *arg, struct err *err)
{
	cJSON *action = cJSON_Parse(line);
	int rc;

	if (!cJSON_IsObject(action)) {
		cJSON_Delete(action);
		return err_set(err, ERR_FAILED, "%s: no action in JSON", where);
	}
	rc = cb(action, where, arg, err);
	cJSON_Delete(action);
	return rc;
}

int
log_read_commit(const char *dir, int64_t version, const char *only, log_action_cb cb, void *arg,
	struct err *err)
{
	char *path = log_commit_path(dir, version), *data, *line, *next, *where;
	int rc = 0, n = 1;
	size_t len;

	data = file_read(path, COMMIT_MAX_BYTES, &len, err);
	if (data == NULL) {
		free(path);
		return -1;
	}
	if (strlen(data) != len)
		rc = err_set(err, ERR_FAILED, "%s: a NUL is in it", path);
	for (line = data; rc == 0 && line != NULL; line = next, n++) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line = text_trim(line);
		if (*line == '\0' || (only != NULL && !line_is(line, only)))
			continue;
		where = xasprintf("%s:%d", path, n);
		rc = read_line(line, where, cb, arg, err);
		free(where);
	}
	free(data);
	free(path);
	return rc;
}

/* --- the state of a table -------------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
percent_decode(char *s)
{
	char *out = s;
	int high, low;

	for (; *s != '\0'; s++) {
		high = *s == '%' ? hex_digit(s[1]) : -1;
		low = high >= 0 ? hex_digit(s[2]) : -1;
		if (low >= 0 && (high || low)) {
			*out++ = (char)(high * 16 + low);
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* What follows the folder in a path below it; NULL: it lies elsewhere. */
static const char *
below(const char *dir, const char *path)
{
	size_t len = dir != NULL ? strlen(dir) : 0;

	if (len == 0 || strncmp(dir, path, len) != 0 || path[len] != '/')
		return NULL;
	return path + len + strspn(path + len, "/");
}

char *
log_decode_path(const struct log_state *state, const char *path)
{
	const char *rest;
	char *decoded;

	if (text_starts(path, "file:/"))
		path += strlen("file:") + strspn(path + strlen("file:"), "/") - 1;
	while (text_starts(path, "./"))
		path += 2;
	decoded = xstrdup(path);
	percent_decode(decoded);
	rest = below(state->dir, decoded);
	if (rest == NULL)
		rest = below(state->real_dir, decoded);
	if (rest != NULL)
		memmove(decoded, rest, strlen(rest) + 1);
	return decoded;
}

static void
replace_text(char **text, const cJSON *json)
{
	char *printed = cJSON_PrintUnformatted(json);

	xstrset(text, printed);
	cJSON_free(printed);
}

static struct log_file *
file_at(struct log_state *state, const char *path, const char *where, struct err *err)
{
	struct log_file *file;
	char *key;

	if (path == NULL || *path == '\0') {
		err_set(err, ERR_FAILED, "%s: an action without a path", where);
		return NULL;
	}
	key = log_decode_path(state, path);
	HASH_FIND_STR(state->files, key, file);
	if (file != NULL) {
		free(key);
		return file;
	}
	file = xcalloc(1, sizeof(*file));
	file->path = key;
	HASH_ADD_KEYPTR(hh, state->files, file->path, strlen(file->path), file);
	return file;
}

static void
file_free(struct log_state *state, struct log_file *file)
{
	HASH_DEL(state->files, file);
	free(file->path);
	free(file->action);
	free(file);
}

static int
apply_add(struct log_state *state, const cJSON *add, int64_t version, const char *where,
	struct err *err)
{
	struct log_file *file = file_at(state,
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(add, "path")), where, err);

	if (file == NULL)
		return -1;
	replace_text(&file->action, add);
	file->added_in = version;
	file->live = true;
	return 0;
}

static int
apply_remove(struct log_state *state, const cJSON *remove, int64_t version, const char *where,
	struct err *err)
{
	const cJSON *when = cJSON_GetObjectItemCaseSensitive(remove, "deletionTimestamp");
	struct log_file *file = file_at(state,
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(remove, "path")), where, err);

	if (file == NULL)
		return -1;
	if (file->live && file->added_in == version)
		return 0; /* the same file with other deleted rows takes its place */
	if (!state->keep_removed) {
		file_free(state, file);
		return 0;
	}
	replace_text(&file->action, remove);
	file->live = false;
	file->deleted_ms = cJSON_IsNumber(when) ? (int64_t)when->valuedouble : 0;
	return 0;
}

static int
apply_app(struct log_state *state, const cJSON *txn, const char *where, struct err *err)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(txn, "appId"));
	struct log_app *app;

	if (id == NULL)
		return err_set(err, ERR_FAILED, "%s: a transaction without an appId", where);
	HASH_FIND_STR(state->apps, id, app);
	if (app == NULL) {
		app = xcalloc(1, sizeof(*app));
		app->id = xstrdup(id);
		HASH_ADD_KEYPTR(hh, state->apps, app->id, strlen(app->id), app);
	}
	replace_text(&app->action, txn);
	return 0;
}

/* What an action is that has no name here does not matter to readers: the protocol would say so if it did. */
int
log_apply(struct log_state *state, const cJSON *action, int64_t version, const char *where,
	struct err *err)
{
	const cJSON *item;

	if ((item = cJSON_GetObjectItemCaseSensitive(action, "add")) != NULL)
		return apply_add(state, item, version, where, err);
	if ((item = cJSON_GetObjectItemCaseSensitive(action, "remove")) != NULL)
		return apply_remove(state, item, version, where, err);
	if ((item = cJSON_GetObjectItemCaseSensitive(action, "metaData")) != NULL)
		replace_text(&state->metadata, item);
	else if ((item = cJSON_GetObjectItemCaseSensitive(action, "protocol")) != NULL)
		replace_text(&state->protocol, item);
	else if ((item = cJSON_GetObjectItemCaseSensitive(action, "txn")) != NULL)
		return apply_app(state, item, where, err);
	return 0;
}

static void
state_clear(struct log_state *state)
{
	struct log_file *file, *next_file;
	struct log_app *app, *next_app;

	HASH_ITER (hh, state->files, file, next_file)
		file_free(state, file);
	HASH_ITER (hh, state->apps, app, next_app) {
		HASH_DEL(state->apps, app);
		free(app->id);
		free(app->action);
		free(app);
	}
	xstrset(&state->metadata, NULL);
	xstrset(&state->protocol, NULL);
}

void
log_state_free(struct log_state *state)
{
	state_clear(state);
	xstrset(&state->real_dir, NULL);
}

static int
apply_cb(const cJSON *action, const char *where, void *arg, struct err *err)
{
	struct log_state *state = arg;

	return log_apply(state, action, state->version, where, err);
}

static int
replay(struct log_state *state, const struct log_checkpoint *start, int64_t version, struct duck *d,
	struct err *err)
{
	int64_t v = 0;

	state_clear(state);
	if (start != NULL) {
		state->version = start->version;
		if (checkpoint_read(state, start, d, err) < 0)
			return -1;
		v = start->version + 1;
	}
	for (; v <= version; v++) {
		state->version = v;
		if (log_read_commit(state->dir, v, NULL, apply_cb, state, err) < 0)
			return -1;
	}
	if (state->metadata == NULL || state->protocol == NULL)
		return err_set(err, ERR_FAILED, "%s is damaged: version %" PRId64 " has no %s",
			state->dir, version, state->metadata == NULL ? "metaData" : "protocol");
	return 0;
}

/* *again: it may be that others changed the log while it was read. */
static int
read_once(struct log_state *state, int64_t version, struct duck *d, bool *again, struct err *err)
{
	struct arena a = ARENA_INIT;
	const struct log_checkpoint *start;
	struct log_listing l;
	int rc = -1;

	*again = false;
	if (log_list(state->dir, &a, &l, err) < 0)
		goto out;
	if (version > newest(&l)) {
		err_set(err, ERR_NOT_FOUND, "%s has no version %" PRId64 ": the newest is %" PRId64,
			state->dir, version, newest(&l));
		goto out;
	}
	if (version < 0)
		version = newest(&l);
	start = checkpoint_before(&l, version);
	if (d == NULL && has_commits(&l, 0, version))
		start = NULL;
	if (!has_commits(&l, start != NULL ? start->version + 1 : 0, version)) {
		gone(state->dir, version, &l, err);
		*again = true;
		goto out;
	}
	rc = replay(state, start, version, d, err);
	*again = rc < 0 && err->code == ERR_NOT_FOUND;
out:
	arena_free(&a);
	return rc;
}

int
log_read(const char *dir, int64_t version, bool keep_removed, struct duck *d,
	struct log_state *state, struct err *err)
{
	struct err ours = ERR_INIT;
	bool again = true;
	int rc = -1;

	*state = (struct log_state){.dir = dir, .keep_removed = keep_removed};
	state->real_dir = realpath(dir, NULL);
	for (int i = 0; rc < 0 && again && i < LIST_TRIES; i++) {
		err_clear(&ours);
		rc = read_once(state, version, d, &again, &ours);
	}
	if (rc < 0 && err != NULL)
		*err = ours;
	return rc;
}

/* --- the past ------------------------------------------------------------------------------------------------ */

struct taken {
	struct delta_commit *commit;
	struct arena *a;
};

static int
take_commit_info(const cJSON *action, const char *where, void *arg, struct err *err)
{
	const cJSON *info = cJSON_GetObjectItemCaseSensitive(action, "commitInfo");
	const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(info, "timestamp");
	const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(info, "operationParameters");
	struct taken *taken = arg;
	char *text;

	(void)where;
	(void)err;
	if (cJSON_IsNumber(timestamp))
		taken->commit->timestamp_us = (int64_t)timestamp->valuedouble * US_PER_MS;
	taken->commit->operation = arena_strdup(taken->a,
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "operation")));
	if (cJSON_IsObject(parameters)) {
		text = cJSON_PrintUnformatted(parameters);
		taken->commit->parameters = arena_strdup(taken->a, text);
		cJSON_free(text);
	}
	return 0;
}

static int
read_info(const char *dir, int64_t version, struct delta_commit *out, struct arena *a,
	struct err *err)
{
	char *path = log_commit_path(dir, version);
	struct taken taken = {out, a};
	struct stat sb;

	*out = (struct delta_commit){.version = version};
	if (stat(path, &sb) == 0)
		out->timestamp_us = sb.st_mtim.tv_sec * US_PER_SEC + sb.st_mtim.tv_nsec / 1000;
	free(path);
	return log_read_commit(dir, version, "commitInfo", take_commit_info, &taken, err);
}

int
delta_history(const char *dir, size_t limit, struct arena *a, struct delta_commit **out, size_t *n,
	int64_t *current, struct err *err)
{
	struct log_listing l;
	struct err gone_err = ERR_INIT;
	size_t wanted;

	if (log_list(dir, a, &l, err) < 0)
		return -1;
	wanted = limit > 0 && limit < l.n_commits ? limit : l.n_commits;
	*current = newest(&l);
	*out = arena_array(a, wanted + 1, sizeof(**out));
	*n = 0;
	for (size_t i = l.n_commits; i-- > 0 && *n < wanted;) {
		if (read_info(dir, l.commits[i], *out + *n, a, &gone_err) == 0)
			(*n)++;
		else if (gone_err.code != ERR_NOT_FOUND) {
			if (err != NULL)
				*err = gone_err;
			return -1;
		}
		err_clear(&gone_err); /* cleared meanwhile, as all before it will be */
	}
	return 0;
}
