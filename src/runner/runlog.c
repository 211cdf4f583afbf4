#include "runner/runlog.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LOG_MODE 0640
#define DIR_MODE 0750
#define MARK_MIN 128 /* room for the marking line with any number in it */
#define MARK_HEAD "... "
#define MARK_TAIL " bytes left out here (run_log_max_size) ..."
#define BLOCK_MIN 4096
#define BLOCK_MAX (64 * 1024)
#define LOOK_FIRST_MS 250
#define LOOK_MIN_MS 20
#define LOOK_MAX_MS 2000
#define LOCK_TRIES 50 /* a millisecond apart; a reader holds the lock for a few calls only */

/* The line in place of the middle. */
struct mark {
	int64_t at; /* where it is in the file */
	int64_t len; /* with blanks up to the end of the line it was laid over */
	int64_t left_out; /* bytes of text that are missing, those under the line too */
};

/* An existing file keeps its mode unless it lets others read; only a regular one is touched. */
static int
reuse(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		(st.st_mode & 0777 & ~(mode_t)LOG_MODE) != 0 &&
		fchmod(fd, st.st_mode & LOG_MODE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
make_or_reuse(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, LOG_MODE);

	/* Also a link whose target is missing "exists": then the target is made. */
	if (fd < 0 && errno == EEXIST) {
		fd = reuse(path);
		if (fd < 0 && errno == ENOENT)
			fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, LOG_MODE);
	}
	return fd;
}

int
runlog_open(const char *path, struct err *err)
{
	int fd = make_or_reuse(path);
	char *dir;

	if (fd < 0 && errno == ENOENT) {
		dir = path_dirname(path);
		if (file_mkdirs(dir, DIR_MODE, err) < 0)
			err_prefix(err, "run log %s", path);
		else if ((fd = make_or_reuse(path)) < 0)
			err_errno(err, errno, "run log %s", path);
		free(dir);
	} else if (fd < 0) {
		err_errno(err, errno, "run log %s", path);
	}
	return fd;
}

/* What the file system can take out is whole blocks. */
static int64_t
block_size(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_blksize < BLOCK_MIN)
		return BLOCK_MIN;
	return st.st_blksize < BLOCK_MAX ? st.st_blksize : BLOCK_MAX;
}

static bool
is_small(int64_t max, int64_t block)
{
	return max < 4 * block;
}

static int64_t
head_size(int64_t max, int64_t block)
{
	return is_small(max, block) ? max / 2 : max / 2 / block * block;
}

static int64_t
at_least(int64_t max_bytes)
{
	return max_bytes > 0 && max_bytes < RUNLOG_MAX_LEAST ? RUNLOG_MAX_LEAST : max_bytes;
}

void
runlog_init(struct runlog *log, int append_fd, int64_t max_bytes)
{
	int64_t block = block_size(append_fd);
	struct stat st;

	memset(log, 0, sizeof(*log));
	log->append_fd = append_fd;
	log->edit_fd = -1;
	log->interval_ms = LOOK_FIRST_MS;
	if (max_bytes <= 0 || fstat(append_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	log->max = at_least(max_bytes);
	log->head = head_size(log->max, block);
	/* Blocks too large for the cap: nothing can be taken out of so small a file. */
	log->way = is_small(log->max, block) ? RUNLOG_AT_END : RUNLOG_COLLAPSE;
}

static int64_t
size_now(const struct runlog *log)
{
	struct stat st;

	return fstat(log->append_fd, &st) == 0 ? st.st_size : 0;
}

/* Writing at a place needs a description without O_APPEND; by name it could be another file. */
static bool
open_edit(struct runlog *log)
{
	char path[32];

	if (log->edit_fd < 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", log->append_fd);
		log->edit_fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	}
	return log->edit_fd >= 0;
}

/* False when somebody holds a lock that excludes it. Where there are no locks, there is none to
 * hold. */
static bool
try_lock(int fd, short type)
{
	struct flock all = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &all) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* Keeps readers out while the file is changed. One that does not let go cannot stop the cap. */
static void
lock_out_readers(const struct runlog *log)
{
	for (int i = 0; i < LOCK_TRIES && !try_lock(log->edit_fd, F_WRLCK); i++)
		poll(NULL, 0, 1);
}

static void
let_in_readers(const struct runlog *log)
{
	try_lock(log->edit_fd, F_UNLCK);
}

/* Where the line that begins at or after `from` bytes into the text ends, if it does. */
static size_t
line_end(const char *text, size_t len, size_t from)
{
	const char *end = from < len ? memchr(text + from, '\n', len - from) : NULL;

	return end != NULL ? (size_t)(end - text) + 1 : 0;
}

/* The marking line, `len` bytes with its newline, filled with blanks. */
static void
mark_write(const struct runlog *log, char *out, size_t len, int64_t left_out)
{
	char before = '\n';
	int n;

	if (pread(log->edit_fd, &before, 1, log->head - 1) != 1)
		before = '\n';
	n = snprintf(out, len, "%s" MARK_HEAD "%" PRId64 MARK_TAIL, before == '\n' ? "" : "\n",
		left_out);
	assert(n > 0 && (size_t)n < len);
	memset(out + n, ' ', len - (size_t)n);
	out[len - 1] = '\n';
}

/* Takes [head, head + length) out, in the best way up to `last` that this file system knows. */
static bool
take_out(struct runlog *log, int64_t length, enum runlog_way last)
{
	static const int modes[] = {
		[RUNLOG_COLLAPSE] = FALLOC_FL_COLLAPSE_RANGE,
		[RUNLOG_PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	};

	for (; log->way <= last; log->way++) {
		if (fallocate(log->edit_fd, modes[log->way], log->head, length) < 0)
			continue;
		if (log->way == RUNLOG_COLLAPSE)
			log->removed += length;
		else
			log->hole = length;
		return true;
	}
	return false;
}

/*
 * Cuts `length` bytes (whole blocks) behind the head. The marking line is laid over the text behind
 * them beforehand, so that nobody finds the file without it, also not one who reads without a lock;
 * if nothing can be cut, the text is put back.
 */
static bool
cut(struct runlog *log, int64_t length, enum runlog_way last)
{
	char saved[RUNLOG_MARK_MAX], mark[RUNLOG_MARK_MAX];
	int64_t at = log->head + length;
	ssize_t got = pread(log->edit_fd, saved, sizeof(saved), at);
	size_t len;

	if (got < MARK_MIN)
		return false;
	len = line_end(saved, (size_t)got, MARK_MIN - 1);
	if (len == 0)
		len = MARK_MIN;
	mark_write(log, mark, len, log->removed + length + (int64_t)len);
	if (pwrite(log->edit_fd, mark, len, at) != (ssize_t)len)
		return false;
	if (take_out(log, length, last)) {
		log->kept = (int64_t)len + (log->way == RUNLOG_COLLAPSE ? log->head : at);
		return true;
	}
	(void)!pwrite(log->edit_fd, saved, len, at);
	return false;
}

/* Cuts so much that at most `size` bytes are on disk, if that can be done. */
static bool
cut_to(struct runlog *log, int64_t now, int64_t size, enum runlog_way last)
{
	int64_t block = block_size(log->append_fd);
	int64_t length = (now - size + block - 1) / block * block;

	bool done;

	if (log->way > last || length <= log->hole || !open_edit(log))
		return false;
	lock_out_readers(log);
	done = cut(log, length, last);
	let_in_readers(log);
	return done;
}

int
runlog_watch(struct runlog *log)
{
	int64_t size, grown;

	if (log->max == 0 || log->way == RUNLOG_AT_END)
		return -1;
	size = size_now(log);
	grown = size - log->last_size;
	if (grown > log->max / 8)
		log->interval_ms /= 2;
	else
		log->interval_ms *= 2;
	if (log->interval_ms < LOOK_MIN_MS)
		log->interval_ms = LOOK_MIN_MS;
	if (log->interval_ms > LOOK_MAX_MS)
		log->interval_ms = LOOK_MAX_MS;
	if (size - log->hole > log->max + log->max / 4)
		cut_to(log, size, log->max, RUNLOG_PUNCH);
	log->last_size = size_now(log);
	return log->interval_ms;
}

static bool
copy_down(int fd, int64_t from, int64_t to, int64_t len)
{
	static char block[BLOCK_MAX];
	ssize_t n;

	while (len > 0) {
		n = pread(fd, block, len < BLOCK_MAX ? (size_t)len : BLOCK_MAX, from);
		if (n <= 0 || pwrite(fd, block, (size_t)n, to) != n)
			return false;
		from += n;
		to += n;
		len -= n;
	}
	return true;
}

/* Puts a finished log together: head, marking line, as much of the newest text as fits. */
static void
compact(struct runlog *log, int64_t size, int64_t room)
{
	char text[RUNLOG_MARK_MAX], mark[MARK_MIN];
	int64_t tail = log->max - log->head - MARK_MIN - room, from;
	ssize_t got;

	if (tail < 0)
		tail = 0;
	from = size - tail;
	got = pread(log->edit_fd, text, sizeof(text), from);
	if (got > 0)
		from += (int64_t)line_end(text, (size_t)got, 0);
	if (from < log->kept)
		from = log->kept;
	tail = size - from;
	mark_write(log, mark, sizeof(mark), size + log->removed - log->head - tail);
	if (copy_down(log->edit_fd, from, log->head + MARK_MIN, tail) &&
		pwrite(log->edit_fd, mark, sizeof(mark), log->head) == (ssize_t)sizeof(mark) &&
		ftruncate(log->edit_fd, log->head + MARK_MIN + tail) == 0)
		log->removed = 0;
}

/* Makes room for the last line within the cap. */
static void
hold_cap(struct runlog *log, int64_t room)
{
	int64_t size = size_now(log);

	if (log->max == 0 || size + room <= log->max || !open_edit(log))
		return;
	if (cut_to(log, size, log->max - room, RUNLOG_COLLAPSE))
		size = size_now(log);
	if (size + room > log->max) {
		lock_out_readers(log);
		compact(log, size, room);
		let_in_readers(log);
	}
}

void
runlog_finish(struct runlog *log, const char *line)
{
	char text[512], last = '\n';
	int64_t size;
	int len;

	hold_cap(log, (int64_t)strlen(line) + 2);
	size = size_now(log);
	if (size > 0 && open_edit(log) && pread(log->edit_fd, &last, 1, size - 1) != 1)
		last = '\n';
	len = snprintf(text, sizeof(text), "%s%s\n", last == '\n' ? "" : "\n", line);
	if (len > 0 && (size_t)len < sizeof(text))
		(void)!write(log->append_fd, text, (size_t)len);
	if (log->edit_fd >= 0)
		close(log->edit_fd);
	log->edit_fd = -1;
}

void
runlog_reader_init(struct runlog_reader *reader, int fd, int64_t max_bytes, int64_t pos)
{
	reader->fd = fd;
	reader->pos = pos;
	reader->head = max_bytes > 0 ? head_size(at_least(max_bytes), block_size(fd)) : -1;
}

static bool
mark_parse(const char *text, size_t len, struct mark *mark)
{
	const char *p = text, *end = text + len;
	char *after;

	p += len > 0 && *p == '\n';
	if ((size_t)(end - p) < MARK_MIN - 1 || memcmp(p, MARK_HEAD, strlen(MARK_HEAD)) != 0)
		return false;
	mark->left_out = strtoll(p + strlen(MARK_HEAD), &after, 10);
	if (memcmp(after, MARK_TAIL, strlen(MARK_TAIL)) != 0)
		return false;
	for (p = after + strlen(MARK_TAIL); p < end && *p == ' ';)
		p++;
	if (p == end || *p != '\n')
		return false;
	mark->len = p + 1 - text;
	return true;
}

/* The marking line of a log, at the head or behind the hole that begins there. */
static bool
mark_find(const struct runlog_reader *reader, char text[RUNLOG_MARK_MAX + 1], struct mark *mark)
{
	ssize_t got;

	memset(mark, 0, sizeof(*mark));
	mark->at = reader->head;
	if (reader->head < 0)
		return false;
	got = pread(reader->fd, text, RUNLOG_MARK_MAX, mark->at);
	if (got > 0 && text[0] == '\0') {
		mark->at = lseek(reader->fd, reader->head, SEEK_DATA);
		got = mark->at > 0 ? pread(reader->fd, text, RUNLOG_MARK_MAX, mark->at) : -1;
	}
	if (got <= 0)
		return false;
	text[got] = '\0';
	return mark_parse(text, (size_t)got, mark);
}

static ssize_t
read_next(struct runlog_reader *reader, char *buf, size_t size)
{
	char text[RUNLOG_MARK_MAX + 1];
	int64_t from = reader->pos, shift = 0;
	struct mark mark;
	ssize_t n;

	if (mark_find(reader, text, &mark)) {
		if (from >= reader->head && from < reader->head + mark.left_out) {
			memcpy(buf, text, (size_t)mark.len);
			reader->pos = reader->head + mark.left_out;
			return mark.len;
		}
		if (from < reader->head && size > (size_t)(reader->head - from))
			size = (size_t)(reader->head - from);
		if (from >= reader->head)
			shift = mark.left_out - mark.len - (mark.at - reader->head);
	}
	n = pread(reader->fd, buf, size, from - shift);
	reader->pos += n > 0 ? n : 0;
	return n;
}

ssize_t
runlog_read(struct runlog_reader *reader, char *buf, size_t size)
{
	ssize_t n;

	assert(size >= RUNLOG_MARK_MAX);
	/* It is being cut: what would be read may be of another place. */
	if (!try_lock(reader->fd, F_RDLCK))
		return 0;
	n = read_next(reader, buf, size);
	try_lock(reader->fd, F_UNLCK);
	return n;
}
