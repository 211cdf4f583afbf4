/*
 * The log of one run: written by the flow itself, capped by its shim, read by anybody.
 *
 * The flow's stdout and stderr are the file, opened for appending. Nothing is between: it is the
 * fastest way, and a flow whose shim is killed neither blocks on a full pipe nor dies of SIGPIPE.
 *
 * The cap. A log past max_bytes loses its middle: the first half of the cap stays, then one line
 * says how much is missing, then comes the newest half. The shim looks at the size now and then
 * (more often the faster it grows) and, a quarter past the cap, takes blocks out of the middle with
 * FALLOC_FL_COLLAPSE_RANGE. The kernel does this and each append under the same lock of the file,
 * so that nothing an appending flow writes meanwhile is lost or moved; the file only becomes
 * shorter. Where the file system cannot (tmpfs, btrfs, NFS), the middle is punched out instead: its
 * space is free, its offsets stay, and the file is put together when the run is over. Where that is
 * missing as well, only the end of the run cuts. A shim that was killed cuts no more.
 *
 * A follower reads with struct runlog_reader, whose positions are those that the text had when it
 * was written: they never move, whatever is cut, and a place can be named in them for good. It
 * holds a read lock (of its open file, F_OFD_SETLK) for the moment of each read, the shim a write
 * lock while it cuts. To anything else (tail -f, an editor) a cut looks like what it is: a file
 * that lost its middle.
 */
#ifndef FF_RUNNER_RUNLOG_H
#define FF_RUNNER_RUNLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define RUNLOG_MAX_LEAST 4096 /* a smaller cap than this is taken as this */
#define RUNLOG_MARK_MAX 640 /* the longest line that stands for what is left out */

/*
 * Opens a run's log to append: made with mode 0640 less the umask, its folder too; what was there
 * stays. A descriptor, close-on-exec.
 */
int runlog_open(const char *path, struct err *err);

enum runlog_way { RUNLOG_COLLAPSE, RUNLOG_PUNCH, RUNLOG_AT_END };

/* Owned by the shim. */
struct runlog {
	int append_fd; /* what the flow writes to; borrowed */
	int edit_fd; /* a description of its own, that does not append; -1 until it is needed */
	int64_t max; /* 0: no cap */
	int64_t head; /* where the middle begins */
	enum runlog_way way;
	int64_t removed; /* bytes that collapsing took out so far */
	int64_t hole; /* bytes punched out behind the head */
	int64_t kept; /* where the text behind the marking line begins in the file */
	int64_t last_size; /* at the last look */
	int interval_ms; /* until the next look */
};

void runlog_init(struct runlog *log, int append_fd, int64_t max_bytes);
/* Cuts when it is time. Milliseconds until the next look; -1: never. */
int runlog_watch(struct runlog *log);
/* Appends the last line (without its newline) and holds the cap for good. */
void runlog_finish(struct runlog *log, const char *line);

/* Reads a log that may grow and be cut meanwhile. Plain data: nothing to free. */
struct runlog_reader {
	int fd; /* borrowed; must be seekable */
	int64_t pos; /* of the next byte, in the text as it was written */
	int64_t head; /* where a middle would begin; -1: no cap */
};

/* max_bytes: the cap the log is written with; pos: 0 or where an earlier reader was. */
void runlog_reader_init(struct runlog_reader *reader, int fd, int64_t max_bytes, int64_t pos);
/*
 * The next bytes, at most size, which must be RUNLOG_MARK_MAX or more; 0: nothing more for now
 * (once the run has ended: the end); -1 with errno. Where text is left out, the line that says so
 * is read instead.
 */
ssize_t runlog_read(struct runlog_reader *reader, char *buf, size_t size);

#endif
