/*
 * What the files behind flow/delta.h share. Private to them.
 *
 *	delta_schema.c      types, between the engine's and the table's
 *	delta_log.c         finding and replaying commits
 *	delta_checkpoint.c  reading and writing checkpoints, clearing old logs
 *	delta_snapshot.c    what the log says, as a snapshot; protocol and features; scans
 *	delta_files.c       writing parquet files and their statistics
 *	delta_commit.c      a transaction: what comes and goes, the commit, conflicts
 *	delta_write.c       create, overwrite, append
 *	delta_merge.c       upsert, update, delete
 *	delta_maintain.c    optimize, vacuum
 */
#ifndef FF_FLOW_DELTA_IMPL_H
#define FF_FLOW_DELTA_IMPL_H

#include <cjson/cJSON.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/json.h"
#include "flow/delta.h"

#define DELTA_LOG_DIR "_delta_log"
/* One commit; an overwrite of some 500,000 files fits. */
#define COMMIT_MAX_BYTES (256 * 1024 * 1024)
#define DELTA_SQL_MAX (64 * 1024 * 1024)
/* Written into files of that size, roughly; files of half of it and less are small. */
#define FILE_TARGET_BYTES (128 * 1024 * 1024)

/* How long a checkpoint keeps what is known of removed files, unless the table says so. */
#define TOMBSTONES_US (7 * US_PER_DAY)

/* --- delta_schema.c --- */

struct delta_field {
	const char *name;
	const struct delta_type *type;
	bool nullable;
	const char *metadata; /* JSON */
};

enum delta_kind { DELTA_PRIMITIVE, DELTA_STRUCT, DELTA_ARRAY, DELTA_MAP };

struct delta_type {
	enum delta_kind kind;
	const char *sql; /* primitive: the engine's name */
	const char *name; /* primitive: the table's */
	int precision, scale; /* decimal */
	bool only_null; /* primitive: nothing else is known of it */
	struct delta_field *fields; /* struct */
	size_t n;
	const struct delta_type *key, *value; /* map; the element of an array is its value */
	bool contains_null; /* of the value */
};

/* The type that stands in a table for one of the engine: the next one that holds all of its values. */
int
delta_type_parse(const char *sql, struct arena *a, const struct delta_type **out, struct err *err);
/* The columns of a table for those of a relation; the names of the columns are in the errors. */
int delta_type_of_columns(const struct columns *columns, struct arena *a,
	const struct delta_type **out, struct err *err);
int delta_type_of_schema(
	const char *schema_string, struct arena *a, const struct delta_type **out, struct err *err);
const char *delta_type_sql(const struct delta_type *type, struct arena *a);
const char *delta_type_schema(const struct delta_type *type, struct arena *a);
/* A value of one cast to the other: an expression, or NULL when something could be lost. */
const char *delta_type_cast(const char *expression, const struct delta_type *from,
	const struct delta_type *to, struct arena *a);
bool delta_type_equal(const struct delta_type *a, const struct delta_type *b);
bool delta_type_has(const struct delta_type *type, const char *primitive);
/* Of a struct; NULL: none. */
const struct delta_field *delta_field_find(const struct delta_type *type, const char *name);
bool delta_names_have(const struct delta_names *names, const char *name);

/* --- delta_log.c --- */

struct log_checkpoint {
	int64_t version;
	int parts; /* 0: one file without a number */
	int found;
};

/* The versions that a folder has, in their order. Checkpoints are complete ones. */
struct log_listing {
	int64_t *commits;
	size_t n_commits;
	struct log_checkpoint *checkpoints;
	size_t n_checkpoints;
};

/* A file of the table, live or removed, by its path. */
struct log_file {
	char *path; /* decoded; below the folder where it lies there */
	char *action; /* JSON of the last add or remove */
	int64_t added_in; /* a remove of the same commit speaks of what was before */
	int64_t deleted_ms;
	bool live;
	UT_hash_handle hh;
};

/* The last version of each application's transactions, which a checkpoint must keep. */
struct log_app {
	char *id;
	char *action;
	UT_hash_handle hh;
};

/* The state of a table, grown commit by commit. */
struct log_state {
	const char *dir; /* borrowed */
	char *real_dir; /* owned; NULL: as dir */
	int64_t version;
	char *metadata, *protocol; /* JSON; NULL: none yet */
	struct log_file *files;
	struct log_app *apps;
	bool keep_removed;
};

int log_list(const char *dir, struct arena *a, struct log_listing *out, struct err *err);
/* The state at a version. To be freed, in any case. */
int log_read(const char *dir, int64_t version, bool keep_removed, struct duck *d,
	struct log_state *state, struct err *err);
void log_state_free(struct log_state *state);
/* One action; where is for errors ("file:line"). Of what comes from a checkpoint, version is the checkpoint's. */
int log_apply(struct log_state *state, const cJSON *action, int64_t version, const char *where,
	struct err *err);
char *log_commit_path(const char *dir, int64_t version); /* owned by the caller */
/* Calls for each action of a commit, or for those of one kind. ERR_NOT_FOUND: no such commit. */
typedef int (*log_action_cb)(const cJSON *action, const char *where, void *arg, struct err *err);
int log_read_commit(const char *dir, int64_t version, const char *only, log_action_cb cb, void *arg,
	struct err *err);
/* The path that the log has, as one of the file system's; owned by the caller. */
char *log_decode_path(const struct log_state *state, const char *path);

/* --- delta_checkpoint.c --- */

int checkpoint_read(struct log_state *state, const struct log_checkpoint *checkpoint,
	struct duck *d, struct err *err);
/* After a commit: a checkpoint, when one is due. What fails there is logged only. */
void checkpoint_when_due(struct duck *d, const struct delta_snapshot *s, int64_t version);

/* --- delta_snapshot.c --- */

int snapshot_of_state(const struct log_state *state, const char *dir, struct arena *a,
	struct delta_snapshot *out, struct err *err);
/* Whether we may write it. */
int snapshot_check_writable(const struct delta_snapshot *s, struct err *err);
/* As delta_scan_sql(), of some of the files; index (may be NULL) names one more column: which of the files each row is from. */
const char *snapshot_scan_sql(const struct delta_snapshot *s, const struct delta_file *const *files,
	size_t n, const char *index, struct arena *a);
/* The path by which a scan opens a file. */
const char *
snapshot_file_path(const struct delta_snapshot *s, const struct delta_file *file, struct arena *a);
/* A setting like "interval 7 days". */
int64_t snapshot_interval_us(const struct delta_snapshot *s, const char *name, int64_t otherwise);

/* --- delta_files.c --- */

struct added_file {
	const char *path;
	int64_t size, rows, modified_ms;
	const char *partition; /* JSON */
	const char *stats; /* JSON */
};

struct added_files {
	struct added_file *items;
	size_t n;
};

/*
 * Writes the rows of a SELECT, whose columns are those of the type, and adds the files to out: durable, but in no
 * version yet. What is not committed is deleted by files_delete().
 */
int files_write(struct duck *d, const char *dir, const char *sql, const struct delta_type *type,
	const struct delta_names *partition_columns, struct arena *a, struct added_files *out,
	struct err *err);
/* The same into one file of a partition that is known; the SELECT has the other columns only. */
int files_write_partition(struct duck *d, const char *dir, const char *sql,
	const struct delta_type *type, const struct delta_names *partition_columns,
	const char *const *values, struct arena *a, struct added_files *out, struct err *err);
void files_delete(const char *dir, const struct added_files *files);
/* Whether the name is one that a killed writer may have left. */
bool files_is_leftover(const char *name);

/* --- delta_commit.c --- */

struct delta_txn {
	const char *dir;
	struct duck *d;
	struct arena *a; /* the caller's */
	struct arena *told; /* for the columns that are told of; NULL: none are */
	bool exists; /* the table, when it began */
	bool made_dir;
	struct delta_snapshot base; /* of a table that exists */
	const char *operation;
	const char *parameters; /* JSON */
	bool reads; /* what others write to it matters */
	bool moves_only; /* rows stay the same */
	struct added_files added;
	const struct delta_file **removed;
	size_t n_removed;
	const struct delta_type *type; /* of the table after it */
	struct delta_names partition_columns; /* after it */
	bool changes_schema;
};

int txn_begin(struct delta_txn *t, struct duck *d, const char *dir, const int64_t *expected_version,
	struct arena *a, struct err *err);
void txn_remove(struct delta_txn *t, const struct delta_file *file);
/* On failure what was written is deleted. */
int txn_commit(struct delta_txn *t, struct delta_written *out, struct err *err);
void txn_abort(struct delta_txn *t);

/* --- delta_write.c, for merges --- */

/* "operationParameters" of a write. */
const char *
write_parameters(struct arena *a, const char *mode, const struct delta_names *partition_columns);
/* The table's columns for those of a SELECT. */
int write_describe(
	struct delta_txn *t, const char *sql, const struct delta_type **out, struct err *err);
/* The table's columns and partition columns from now on; no partition columns: as they are. */
int write_take_shape(struct delta_txn *t, const struct delta_type *type,
	const struct delta_names *partition_columns, struct err *err);
/* The table's columns and those of the rows that it lacks, which are an error if they may not be added. */
int
write_widen(struct delta_txn *t, const struct delta_type *rows, bool add_columns, struct err *err);
int write_unknown_column(const struct delta_txn *t, const char *name, struct err *err);
/* An expression for a column of the table, of one of the rows or NULL. NULL, with err: something could be lost. */
const char *write_cast(struct delta_txn *t, const struct delta_field *to,
	const struct delta_type *rows, struct err *err);
/* A SELECT with the table's columns, made by an expression each. */
const char *write_select(struct delta_txn *t, const char *sql, const char *const *expressions);
/* Writes rows that have the table's columns. */
int write_rows(struct delta_txn *t, const char *sql, struct err *err);
/* Appends, or makes the table of the rows; commits. */
int write_append(struct delta_txn *t, const char *sql, const struct delta_write_options *options,
	struct delta_written *out, struct err *err);

#endif
