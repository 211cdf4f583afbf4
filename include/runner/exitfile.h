/*
 * What a run leaves in the state folder for a later daemon.
 *
 *   <run_id>.<attempt>.started  made by the flow's process right before it becomes the flow.
 *   <run_id>.<attempt>.exit     how the run ended, written by the shim as its last act: into the
 *                               first file, which is then renamed, so that it is there whole or
 *                               not at all.
 *
 * With neither, the flow never ran in that attempt; unless the machine was restarted since, for the
 * first is not synced: that would double the time to a flow's start.
 *
 * An attempt is one claim of the run, which one daemon launches once: a shim that comes late, its
 * daemon being gone, touches nothing of the attempt that took its place. Ids come again when the newest
 * runs were deleted from the catalog: a shim first removes what is left of an earlier run's attempt.
 *
 * The exit file is text, one "key value" a line, the version first, so that it can be read with cat.
 *
 * Written by the shim; read and removed by the runner.
 */
#ifndef FF_RUNNER_EXITFILE_H
#define FF_RUNNER_EXITFILE_H

#include "base/err.h"
#include "runner/runner.h"

#define EXIT_TEXT_MAX 2048

struct exit_record {
	int64_t run_id;
	int attempt;
	struct proc_id shim, flow;
	struct run_exit exit;
};

/* The record of a run of which nothing is known yet. */
void exit_record_init(struct exit_record *record, int64_t run_id, int attempt);

/* Sets the reason: one line of valid UTF-8, cut between characters when it is too long. */
void
exit_set_reason(struct run_exit *exit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The file's text; *out is filled. The length. */
size_t exit_record_format(const struct exit_record *record, char out[EXIT_TEXT_MAX]);
/* 0; -1 when the text is malformed. Unknown keys are skipped: a newer shim may say more. */
int exit_record_parse(const char *text, struct exit_record *record, struct err *err);

/* Whole or not at all, and on disk when it returns. */
int exit_record_write(const char *state_dir, const struct exit_record *record, struct err *err);
/* 1 and *record; 0 when there is none; -1 when it is malformed or unreadable. */
int exit_record_read(const char *state_dir, int64_t run_id, int attempt, struct exit_record *record,
	struct err *err);

/* 0, or -1 with errno: EEXIST when there is a mark. */
int started_mark(const char *state_dir, int64_t run_id, int attempt);
/* For a run without an exit file. 1: marked, and *at_us is when; 0: certainly not; -1: the folder
 * cannot be asked. */
int started_read(const char *state_dir, int64_t run_id, int attempt, int64_t *at_us);

/* Removes both files, if they are there. */
void exit_files_remove(const char *state_dir, int64_t run_id, int attempt);

/* Whether a file of this name is one of the two, and whose. */
bool exit_file_is(const char *name, int64_t *run_id, int *attempt);

#endif
