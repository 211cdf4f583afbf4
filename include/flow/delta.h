/*
 * Delta tables: a folder of parquet files and, in _delta_log, one JSON file for each version, which says what files
 * came and went. We read and write them ourselves, as PROTOCOL.md of the Delta Lake project has it, with the engine
 * reading and writing the parquet.
 *
 * A version is a file that appears whole or not at all (link(2)), so that a kill at any point leaves the version before
 * it, and of two writers of one version one loses: it looks at what the other did and tries the next one, or gives up. What a
 * killed writer leaves are files that no version names; delta_vacuum() clears them.
 *
 * Tables of other writers are read as long as they ask for nothing of their readers that is not here; what is missing is named.
 * They are written when all that they ask of their writers is kept.
 */
#ifndef FF_FLOW_DELTA_H
#define FF_FLOW_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "flow/columns.h"
#include "flow/duck.h"

#define DELTA_LATEST INT64_C(-1)

struct delta_names {
	const char *const *items;
	size_t n;
};

struct delta_file {
	const char *path; /* absolute, or below the table's folder */
	int64_t size; /* bytes */
	int64_t rows; /* -1: not known */
	const char *const *partition; /* the text of each partition column's value; NULL: NULL */
	const char *stats; /* JSON; NULL: none */
	const char *action; /* what the log says of it, as JSON */
};

struct delta_setting {
	const char *name, *value;
};

struct delta_type;

/* One version of a table. Everything is in the arena that was given. */
struct delta_snapshot {
	const char *dir;
	int64_t version;
	const char *id, *name, *description; /* of the table; the last two may be NULL */
	const char *schema_string;
	struct columns columns; /* with the engine's types */
	const struct delta_type *type; /* the same, as a struct with its nested parts */
	struct delta_names partition_columns;
	const struct delta_setting *settings; /* its configuration */
	size_t n_settings;
	int64_t created_ms; /* 0: not said */
	int reader_version, writer_version;
	struct delta_names reader_features, writer_features;
	const struct delta_file *files; /* as they came to the table */
	size_t n_files;
	int64_t rows; /* -1: not known of all files */
	int64_t size; /* bytes of all files */
};

/* Whether dir has a version of a table: 1 or 0; -1 with err when that cannot be told, which is no "no". */
int delta_is_table(const char *dir, struct err *err);

/*
 * Reads what a version is made of: no data. d reads checkpoints and may be NULL for a table that needs none.
 * ERR_NOT_FOUND: no table, no such version, or one whose log or files were cleared since.
 */
int delta_open(const char *dir, int64_t version, struct duck *d, struct arena *a,
	struct delta_snapshot *out, struct err *err);

/* A SELECT of the rows, with the columns of the schema and no others, in the order in which their files came. Filters and
 * columns reach the parquet files; those that a filter on partition columns leaves out are not read. In the arena. */
const char *delta_scan_sql(const struct delta_snapshot *s, struct arena *a);
/* The value of a setting, NULL when it is not set. */
const char *delta_setting(const struct delta_snapshot *s, const char *name);

/* --- the past --- */

struct delta_commit {
	int64_t version;
	int64_t timestamp_us;
	const char *operation; /* "WRITE"; NULL: not said, and so the next */
	const char *parameters; /* JSON */
};

/* The newest commits first, at most limit (0: all that are there). *current: the newest version. */
int delta_history(const char *dir, size_t limit, struct arena *a, struct delta_commit **out,
	size_t *n, int64_t *current, struct err *err);

/* --- writing: one commit each, or none at all --- */

struct delta_write_options {
	struct delta_names
		partition_columns; /* n 0: as the table has them; merges into a table leave them so */
	bool add_columns; /* columns that the table does not have are added to it; else they are an error */
	/* The version that was read to make the rows: another one since then is ERR_CONFLICT. NULL: none in particular. */
	const int64_t *expected_version;
	struct arena *arena; /* for what is told of the table after it; NULL: its columns are not */
};

struct delta_written {
	int64_t version; /* the newest after it */
	bool committed; /* false: there was nothing to do */
	int64_t rows_inserted, rows_updated, rows_deleted;
	int64_t files_added, files_removed;
	int64_t bytes_added, bytes_removed;
	/* The table after a commit. -1: not known without reading it, as when others appended at the same time. */
	int64_t rows, size; /* bytes of all files */
	struct columns columns;
	struct delta_names partition_columns;
};

/* A table without rows. ERR_CONFLICT when there is one. */
int delta_create(struct duck *d, const char *dir, const struct columns *columns,
	const struct delta_write_options *options, struct delta_written *out, struct err *err);
/* The rows of a SELECT are the table from now on, and its columns the table's. A table that is not there is made. */
int delta_overwrite(struct duck *d, const char *dir, const char *sql,
	const struct delta_write_options *options, struct delta_written *out, struct err *err);
/*
 * Adds the rows of a SELECT. Columns are matched by name: those it has not become NULL, values are cast where nothing is lost by
 * it. A table that is not there is made. No rows: no commit. Appends to one table do not hinder each other.
 */
int delta_append(struct duck *d, const char *dir, const char *sql,
	const struct delta_write_options *options, struct delta_written *out, struct err *err);

enum delta_merge_mode { DELTA_UPSERT, DELTA_UPDATE, DELTA_DELETE };
/*
 * Changes the rows whose keys are those of a row of the SELECT; NULL is no key's equal. An upsert adds the rows without
 * a match. Of updated rows the columns that the SELECT has not keep their values. Only files with such rows are written
 * again. Two rows of the SELECT for one row of the table are an error. A table that is not there is made, empty but for
 * an upsert (as Flowfile does).
 */
int delta_merge(struct duck *d, const char *dir, const char *sql, enum delta_merge_mode mode,
	const struct delta_names *keys, const struct delta_write_options *options,
	struct delta_written *out, struct err *err);

/* Rows of a table that are changed, added and deleted by their keys. */
struct delta_edit {
	struct delta_names keys;
	/* A SELECT with the keys, of rows that are as given from now on; columns that the table lacks are added to it. */
	const char *upserts;
	const char *deletes; /* a SELECT of keys */
};
/*
 * All of it in one commit, as in an upsert and a delete. Rows that are as given already are not counted and not written; when nothing is to
 * be done there is no commit. ERR_USAGE: two rows of one key.
 */
int delta_edit(struct duck *d, const char *dir, const struct delta_edit *edit,
	const int64_t *expected_version, struct delta_written *out, struct err *err);

/*
 * Numbers the rows, in their order, from 1: a new column before the others. ERR_USAGE: there is one of that name.
 */
int delta_number_rows(struct duck *d, const char *dir, const char *name,
	const int64_t *expected_version, struct delta_written *out, struct err *err);

/* --- upkeep --- */

/* Joins the small files of each partition; or, with columns given, writes everything again in their order. The rows stay the same. */
int delta_optimize(struct duck *d, const char *dir, const struct delta_names *z_order,
	struct delta_written *out, struct err *err);

/*
 * Deletes the files that were removed from the table longer ago than that, and files that no version knows, which must
 * be a day old at least: a writer may not have come to its commit. Those stay, too, when more is to be kept than checkpoints
 * remember (delta.deletedFileRetentionDuration, 7 days): they may have been removed since. A dry run only lists them. Paths below the folder, in the arena.
 */
int delta_vacuum(struct duck *d, const char *dir, int64_t retention_hours, bool dry_run,
	struct arena *a, struct delta_names *out, struct err *err);

/* Writes the state of a version where readers find it without the commits before; done by itself every 10 commits. */
int delta_checkpoint(struct duck *d, const char *dir, int64_t version, struct err *err);

#endif
