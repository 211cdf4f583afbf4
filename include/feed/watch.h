/*
 * Watches a SQLite file with inotify: the file and its -wal for writes, their folder for files
 * that come and go. One non-blocking descriptor. Private to src/feed.
 *
 * Only creating, removing and renaming files in the folder wakes the reader, and only the
 * catalog's own names count; writes to other files there are not even seen. Reading the database,
 * locking it and opening its -shm raise nothing, so that a reader does not wake itself.
 *
 * Owner: the feed.
 */
#ifndef FF_FEED_WATCH_H
#define FF_FEED_WATCH_H

#include <stdint.h>

#include "base/err.h"

struct watch;

/* What may have happened since the last read. */
enum watch_seen {
	WATCH_MAIN = 1 << 0, /* the database file was written to: a commit will follow */
	WATCH_JOURNAL = 1 << 1, /* the rollback journal is gone: a commit or a rollback */
	WATCH_WAL = 1 << 2, /* the write-ahead log was written to: a commit will follow */
	WATCH_FILE = 1 << 3 /* the database file came, went or was replaced */
};

/* path is not a symbolic link itself: the names beside the file follow from it. Fails, saying
 * what to do, where the system gives no more watches, and on file systems whose other writers it
 * cannot see. */
int watch_create(const char *path, struct watch **out, struct err *err);
void watch_free(struct watch *w);
int watch_fd(const struct watch *w);

/* Watches the files that are at the path now. To be called before they are opened. */
int watch_refresh(struct watch *w, struct err *err);
/* Takes in what has happened without blocking: *seen is a set of WATCH_*, *events is increased by
 * the number of events. Fails when the watch sees nothing any more; only watch_free() is left
 * then. */
int watch_read(struct watch *w, unsigned *seen, int64_t *events, struct err *err);

#endif
