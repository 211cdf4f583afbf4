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
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/uuid.h"
#include "delta_impl.h"

#define CHECKPOINT_INTERVAL 10
#define CHECKPOINT_INTERVAL_MAX 1000000
#define PARTS_MAX 10000

/* A row of a checkpoint is one action. What others put there besides, as the statistics once more in columns, is left out. */
static const struct {
	const char *action, *type;
	const char *required; /* a field without which the action is not there */
} actions[] = {
	{"txn", "STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)", "appId"},
	{"add",
		"STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, "
		"modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, "
		"tags MAP(VARCHAR, VARCHAR), deletionVector STRUCT(storageType VARCHAR, "
		"pathOrInlineDv VARCHAR, \"offset\" INTEGER, sizeInBytes INTEGER, "
		"cardinality BIGINT))",
		"path"},
	{"remove",
		"STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, "
		"extendedFileMetadata BOOLEAN, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT)",
		"path"},
	{"metaData",
		"STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, "
		"format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), "
		"schemaString VARCHAR, partitionColumns VARCHAR[], "
		"configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)",
		"id"},
	{"protocol",
		"STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, "
		"readerFeatures VARCHAR[], writerFeatures VARCHAR[])",
		"minReaderVersion"},
};

static char *
checkpoint_path(const char *dir, const struct log_checkpoint *c, int part)
{
	if (c->parts == 0)
		return xasprintf(
			"%s/%s/%020" PRId64 ".checkpoint.parquet", dir, DELTA_LOG_DIR, c->version);
	return xasprintf("%s/%s/%020" PRId64 ".checkpoint.%010d.%010d.parquet", dir, DELTA_LOG_DIR,
		c->version, part, c->parts);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

/* One column: each row's action as a commit has it. */
static void
put_read_sql(struct buf *b, const char *dir, const struct log_checkpoint *c, struct arena *a)
{
	buf_puts(b, "SELECT CASE");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		buf_printf(b,
			" WHEN \"%s\".\"%s\" IS NOT NULL THEN '{\"%s\":' || CAST(to_json(\"%s\") "
			"AS "
			"VARCHAR) || '}'",
			actions[i].action, actions[i].required, actions[i].action,
			actions[i].action);
	buf_puts(b, " END FROM read_parquet([");
	for (int part = 1; part <= (c->parts ?: 1); part++) {
		char *path = checkpoint_path(dir, c, part);

		buf_puts(b, part > 1 ? ", " : "");
		sql_text(b, sql_pattern(a, path));
		free(path);
	}
	buf_puts(b, "], hive_partitioning = false, schema = MAP {");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		buf_printf(b, "%s'%s': {'name': '%s', 'type': '%s', 'default_value': NULL}",
			i > 0 ? ", " : "", actions[i].action, actions[i].action, actions[i].type);
	buf_puts(b, "})");
}

static int
apply_row(struct log_state *state, const struct duck_rows *rows, const char *where, struct err *err)
{
	const char *text;
	cJSON *action;
	size_t len;
	int rc;

	if (duck_cell(rows, 0) != CELL_TEXT)
		return 0; /* an action that we do not know */
	text = duck_text(rows, 0, &len);
	action = cJSON_ParseWithLength(text, len);
	if (action == NULL)
		return err_set(err, ERR_FAILED, "%s: no action", where);
	rc = log_apply(state, action, state->version, where, err);
	cJSON_Delete(action);
	return rc;
}

int
checkpoint_read(struct log_state *state, const struct log_checkpoint *checkpoint, struct duck *d,
	struct err *err)
{
	char *where = checkpoint_path(state->dir, checkpoint, 1);
	struct duck_rows *rows = NULL;
	struct arena a = ARENA_INIT;
	struct buf sql;
	int rc = -1;

	buf_init(&sql, DELTA_SQL_MAX);
	if (d == NULL) {
		err_set(err, ERR_FAILED, "%s: reading a checkpoint needs the engine", where);
		goto out;
	}
	if (checkpoint->parts > PARTS_MAX) {
		err_set(err, ERR_FAILED, "%s: a checkpoint of more than %d parts", where,
			PARTS_MAX);
		goto out;
	}
	put_read_sql(&sql, state->dir, checkpoint, &a);
	rc = duck_query(d, buf_str(&sql), &rows, err);
	if (rc < 0)
		err_prefix(err, "%s", where);
	while (rc == 0 && duck_rows_next(rows))
		rc = apply_row(state, rows, where, err);
out:
	duck_rows_free(rows);
	buf_free(&sql);
	arena_free(&a);
	free(where);
	return rc;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* Each action as a line; the number of them, or -1. */
static int64_t
write_lines(
	const char *path, const struct log_state *state, int64_t removed_since_ms, struct err *err)
{
	FILE *f = fopen(path, "we");
	int64_t n = 2;

	if (f == NULL)
		return err_errno(err, errno, "%s", path);
	fprintf(f, "{\"protocol\":%s}\n{\"metaData\":%s}\n", state->protocol, state->metadata);
	for (const struct log_app *app = state->apps; app != NULL; app = app->hh.next, n++)
		fprintf(f, "{\"txn\":%s}\n", app->action);
	for (const struct log_file *file = state->files; file != NULL; file = file->hh.next) {
		if (!file->live && file->deleted_ms < removed_since_ms)
			continue;
		fprintf(f, "{\"%s\":%s}\n", file->live ? "add" : "remove", file->action);
		n++;
	}
	if (ferror(f) || fflush(f) != 0) {
		err_errno(err, errno, "%s", path);
		fclose(f);
		return -1;
	}
	return fclose(f) == 0 ? n : err_errno(err, errno, "%s", path);
}

static int
lines_to_parquet(struct duck *d, const char *lines, const char *parquet, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct buf b;
	int rc;

	buf_init(&b, DELTA_SQL_MAX);
	buf_puts(&b, "COPY (SELECT * FROM read_json(");
	sql_text(&b, sql_pattern(&a, lines));
	buf_puts(&b, ", format = 'newline_delimited', columns = {");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		buf_printf(
			&b, "%s'%s': '%s'", i > 0 ? ", " : "", actions[i].action, actions[i].type);
	buf_puts(&b, "})) TO ");
	sql_text(&b, parquet);
	buf_puts(&b, " (FORMAT parquet, COMPRESSION snappy)");
	rc = duck_exec(d, buf_str(&b), NULL, err);
	buf_free(&b);
	arena_free(&a);
	return rc;
}

static int
publish(const char *temp, const char *path, const char *dir, int64_t version, int64_t n,
	struct err *err)
{
	char *hint, *text;
	int fd, rc = 0;

	fd = open(temp, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0 || rename(temp, path) < 0)
		rc = err_errno(err, errno, "%s", path);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return -1;
	/* Syncs the folder, too. */
	hint = xasprintf("%s/%s/_last_checkpoint", dir, DELTA_LOG_DIR);
	text = xasprintf("{\"version\":%" PRId64 ",\"size\":%" PRId64 "}", version, n);
	rc = file_write_atomic(hint, text, strlen(text), 0666, err);
	free(hint);
	free(text);
	return rc;
}

static int
write_checkpoint(struct duck *d, const char *dir, const struct log_state *state,
	int64_t removed_since_ms, struct err *err)
{
	struct log_checkpoint c = {.version = state->version};
	char uuid[UUID_SIZE], *lines, *parquet, *path = checkpoint_path(dir, &c, 1);
	int64_t n;
	int rc;

	uuid4(uuid);
	lines = xasprintf("%s/%s/.checkpoint-%s.json.tmp", dir, DELTA_LOG_DIR, uuid);
	parquet = xasprintf("%s/%s/.checkpoint-%s.parquet.tmp", dir, DELTA_LOG_DIR, uuid);
	n = write_lines(lines, state, removed_since_ms, err);
	rc = n < 0 ? -1 : lines_to_parquet(d, lines, parquet, err);
	if (rc == 0)
		rc = publish(parquet, path, dir, state->version, n, err);
	unlink(lines);
	unlink(parquet);
	free(lines);
	free(parquet);
	free(path);
	return rc;
}

/* --- clearing the log ------------------------------------------------------------------------------------------ */

static bool
is_older(const char *dir, const struct log_checkpoint *c, int64_t than_us)
{
	char *path = checkpoint_path(dir, c, 1);
	struct stat sb;
	bool older = stat(path, &sb) == 0 && sb.st_mtim.tv_sec < than_us / US_PER_SEC;

	free(path);
	return older;
}

/* All before the newest checkpoint that is that old: it and what came after can be read as before. */
static void
clear_log(const struct delta_snapshot *s, struct arena *a)
{
	int64_t since_us = clock_wall(&clock_real) -
		snapshot_interval_us(s, "delta.logRetentionDuration", 30 * US_PER_DAY);
	const char *enabled = delta_setting(s, "delta.enableExpiredLogCleanup");
	struct log_listing l;
	struct err err = ERR_INIT;
	size_t keep;

	if ((enabled != NULL && strcmp(enabled, "false") == 0) || log_list(s->dir, a, &l, &err) < 0)
		return;
	keep = l.n_checkpoints;
	while (keep > 0 && !is_older(s->dir, &l.checkpoints[keep - 1], since_us))
		keep--;
	if (keep == 0)
		return;
	for (size_t i = 0; i < l.n_commits; i++)
		if (l.commits[i] < l.checkpoints[keep - 1].version) {
			char *path = log_commit_path(s->dir, l.commits[i]);

			unlink(path);
			free(path);
		}
	for (size_t i = 0; i < keep - 1; i++)
		for (int part = 1; part <= (l.checkpoints[i].parts ?: 1); part++) {
			char *path = checkpoint_path(s->dir, &l.checkpoints[i], part);

			unlink(path);
			free(path);
		}
}

int
delta_checkpoint(struct duck *d, const char *dir, int64_t version, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct delta_snapshot s;
	struct log_state state;
	int64_t removed_since_us;
	int rc;

	rc = log_read(dir, version, true, d, &state, err);
	if (rc == 0)
		rc = snapshot_of_state(&state, dir, &a, &s, err);
	if (rc == 0)
		rc = snapshot_check_writable(&s, err);
	if (rc == 0) {
		removed_since_us = clock_wall(&clock_real) -
			snapshot_interval_us(
				&s, "delta.deletedFileRetentionDuration", TOMBSTONES_US);
		rc = write_checkpoint(d, dir, &state, removed_since_us / US_PER_MS, err);
	}
	if (rc == 0)
		clear_log(&s, &a);
	log_state_free(&state);
	arena_free(&a);
	return rc;
}

void
checkpoint_when_due(struct duck *d, const struct delta_snapshot *s, int64_t version)
{
	const char *setting = delta_setting(s, "delta.checkpointInterval");
	int64_t interval = CHECKPOINT_INTERVAL;
	struct err err = ERR_INIT;

	if (setting != NULL && !text_to_int(setting, 1, CHECKPOINT_INTERVAL_MAX, &interval))
		interval = CHECKPOINT_INTERVAL;
	if (version == 0 || version % interval != 0)
		return;
	/* The commit stands without it; the next one that is due has its commits, too. */
	if (delta_checkpoint(d, s->dir, version, &err) < 0)
		log_warning("A checkpoint of a Delta table failed table=%s version=%" PRId64 ": %s",
			s->dir, version, err.text);
}
