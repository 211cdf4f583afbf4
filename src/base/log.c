#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* A line up to PIPE_BUF goes through a pipe in one piece, whoever else writes to it. */
#define LINE_SIZE PIPE_BUF
#define NAME_WIDTH 64
#define CUT_MARK "..."
/* A line that keeps coming is counted out at least this often. */
#define REPEAT_WINDOW_US US_PER_MIN
/* How long a non-blocking stderr that takes nothing may hold us, and how often within a line. */
#define STUCK_MS 200
#define STUCK_TRIES 8

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

static atomic_int min_level = LOG_INFO_LEVEL;

/* Recursive, so that a sink which runs out of memory can still say so. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Everything below is guarded by the lock. */
static const char *logger = "flowfile.scheduler";
static const struct clock *log_clock = &clock_real;
static log_sink_cb sink;
static void *sink_arg;
static bool in_sink;

/* The last line on stderr, and how often it came again since something was written. */
static struct {
	enum log_level level;
	char text[LINE_SIZE];
	bool any;
	unsigned long repeats;
	struct boottime written;
} last;

void
log_set_level(enum log_level level)
{
	atomic_store(&min_level, (int)level);
}

enum log_level
log_get_level(void)
{
	return (enum log_level)atomic_load(&min_level);
}

int
log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (text_equal_nocase(name, level_names[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

/* One write, unless stderr takes only a part or, made non-blocking by somebody, nothing at all. */
static void
write_stderr(const char *line, size_t len)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
	int tries = 0;
	ssize_t n;

	while (len > 0) {
		n = write(STDERR_FILENO, line, len);
		if (n >= 0) {
			line += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (++tries > STUCK_TRIES || poll(&fd, 1, STUCK_MS) == 0)
				return;
		} else if (errno != EINTR) {
			return;
		}
	}
}

/* Local time, as Python's logging writes it. */
static size_t
put_prefix(char *line, enum log_level level)
{
	int64_t now = clock_wall(log_clock);
	time_t sec = (time_t)(now / US_PER_SEC - (now % US_PER_SEC < 0));
	struct tm tm;
	int n;

	if (localtime_r(&sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	n = snprintf(line, LINE_SIZE,
		"%04d-%02d-%02d %02d:%02d:%02d,%03d [%s] %.*s: ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)((now - sec * US_PER_SEC) / US_PER_MS), level_names[level], NAME_WIDTH,
		logger);
	assert(n > 0 && n < LINE_SIZE / 2);
	return (size_t)n;
}

static void
put_line(enum log_level level, const char *text)
{
	char line[LINE_SIZE];
	size_t at = put_prefix(line, level), len = strlen(text);
	size_t room = sizeof(line) - at - 1; /* the newline */

	if (len > room) {
		len = text_utf8_floor(text, room - strlen(CUT_MARK));
		memcpy(line + at, text, len);
		memcpy(line + at + len, CUT_MARK, strlen(CUT_MARK));
		len += strlen(CUT_MARK);
	} else {
		memcpy(line + at, text, len);
	}
	line[at + len] = '\n';
	write_stderr(line, at + len + 1);
}

static void
put_repeats(void)
{
	char text[64];

	if (last.repeats == 0)
		return;
	snprintf(text, sizeof(text), "Last message repeated %lu time%s", last.repeats,
		last.repeats == 1 ? "" : "s");
	last.repeats = 0;
	put_line(last.level, text);
}

/* Writes a line, or counts it when it is the one that was just written. */
static void
emit(enum log_level level, const char *text)
{
	struct boottime now = clock_boot(log_clock);

	if (last.any && last.level == level && strcmp(last.text, text) == 0) {
		last.repeats++;
		if (boottime_diff(now, last.written) < REPEAT_WINDOW_US)
			return;
		put_repeats();
	} else {
		put_repeats();
		put_line(level, text);
		last.any = true;
		last.level = level;
		memcpy(last.text, text, strlen(text) + 1);
	}
	last.written = now;
}

/* Tells what was counted, before something changes in how lines come out. */
static void
settle(void)
{
	put_repeats();
	last.any = false;
}

void
log_set_name(const char *name)
{
	pthread_mutex_lock(&lock);
	settle();
	logger = name;
	pthread_mutex_unlock(&lock);
}

void
log_set_clock(const struct clock *clock)
{
	pthread_mutex_lock(&lock);
	settle();
	log_clock = clock != NULL ? clock : &clock_real;
	pthread_mutex_unlock(&lock);
}

void
log_set_sink(log_sink_cb cb, void *arg)
{
	pthread_mutex_lock(&lock);
	settle();
	sink = cb;
	sink_arg = arg;
	pthread_mutex_unlock(&lock);
}

/* Whatever was put into it, a message is one line: a newline could fake another. */
static void
make_one_line(char *text)
{
	size_t len = 0;

	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
		if (*p != ' ')
			len = (size_t)(p - text) + 1;
	}
	text[len] = '\0';
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[LINE_SIZE];
	int saved = errno, n;
	va_list ap;

	if ((int)level < atomic_load(&min_level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(text, sizeof(text), "Unprintable message (%s)", fmt);
	else if ((size_t)n >= sizeof(text))
		text[text_utf8_floor(text, sizeof(text) - 1)] = '\0';
	make_one_line(text);

	pthread_mutex_lock(&lock);
	if (sink != NULL && !in_sink) {
		in_sink = true;
		sink(level, text, sink_arg);
		in_sink = false;
	} else {
		emit(level, text);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

/* What was counted but not yet told, when the program ends. */
__attribute__((destructor)) static void
flush_at_exit(void)
{
	if (pthread_mutex_trylock(&lock) != 0)
		return;
	put_repeats();
	pthread_mutex_unlock(&lock);
}

/* Characters of two or three bytes that would change how the rest of the line is shown: C1
 * controls, line separators and the marks that reverse the direction of text. */
static bool
is_tricky(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	if (n == 2)
		return u[0] == 0xC2 && u[1] < 0xA0;
	if (n != 3 || u[0] != 0xE2)
		return false;
	return (u[1] == 0x80 &&
		       ((u[2] >= 0x8E && u[2] <= 0x8F) || (u[2] >= 0xA8 && u[2] <= 0xAE))) ||
		(u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9);
}

/* At most 4 bytes for each of the 4 of a character, and a NUL. */
#define PIECE_SIZE 17

/* One character, or one bad sequence, as it is shown. */
static size_t
show_piece(const char *s, size_t n, bool valid, char out[PIECE_SIZE])
{
	static const char shorts[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	const char *found = n == 1 ? strchr(shorts, *s) : NULL;
	bool hide =
		!valid || is_tricky(s, n) || (n == 1 && ((unsigned char)*s < 0x20 || *s == 0x7f));
	size_t len = 0;

	if (found != NULL) {
		out[len++] = '\\';
		out[len++] = letters[found - shorts];
		return len;
	}
	if (!hide) {
		memcpy(out, s, n);
		return n;
	}
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(
			out + len, PIECE_SIZE - len, "\\x%02x", (unsigned char)s[i]);
	return len;
}

const char *
log_text(const char *text, char *out, size_t size)
{
	const size_t mark = strlen(CUT_MARK);
	size_t at = 0, cut_at = 1, len, n, shown;
	char piece[PIECE_SIZE];
	bool valid;

	assert(size >= 8);
	if (text == NULL)
		return strcpy(out, "null");
	len = strlen(text);
	out[at++] = '"';
	for (size_t i = 0; i < len; i += n) {
		n = text_utf8_step(text + i, len - i, &valid);
		shown = show_piece(text + i, n, valid, piece);
		if (at + shown + 2 > size) { /* the quote and the NUL */
			memcpy(out + cut_at, CUT_MARK, mark);
			at = cut_at + mark;
			break;
		}
		memcpy(out + at, piece, shown);
		at += shown;
		if (at + mark + 2 <= size)
			cut_at = at; /* the last place where the mark fits, too */
	}
	out[at++] = '"';
	out[at] = '\0';
	return out;
}
