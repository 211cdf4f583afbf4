/*
 * The log, for the operator: one line per thing that happened, a plain sentence and then key=value
 * pairs, ids always. Lines look as Flowfile's do (contract 3.1), on stderr:
 *
 *     2026-05-20 08:00:05,123 [INFO] flowfile.scheduler: Run started run=12 flow=3 schedule=7
 *
 * Each line is one write of at most PIPE_BUF bytes; what is longer is cut and ends in "...". The
 * same line again right after itself is counted, not written: "Last message repeated 3 times" comes
 * before the next other line, at exit, and once a minute while it goes on.
 *
 * Safe from any thread, not between fork and exec. errno is left alone. Control characters in a
 * message become blanks; text from outside goes through log_text(), which shows what was there.
 */
#ifndef FF_BASE_LOG_H
#define FF_BASE_LOG_H

#include <stddef.h>

struct clock;

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARNING_LEVEL, LOG_ERROR_LEVEL };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* The logger name in each line; default "flowfile.scheduler". Borrowed. */
void log_set_name(const char *name);
/* Where messages go instead of stderr (tests, the simulator): each one, without time, level and
 * name. What the sink itself logs goes to stderr. NULL: back to stderr. */
typedef void (*log_sink_cb)(enum log_level level, const char *line, void *arg);
void log_set_sink(log_sink_cb cb, void *arg);
/* Whose time the lines bear (tests, the simulator). Borrowed. NULL: back to the machine's. */
void log_set_clock(const struct clock *clock);
/* Reads "debug", "info", "warning" or "error". Returns -1 if it is none of them. */
int log_level_parse(const char *name, enum log_level *level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_DEBUG_LEVEL, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING_LEVEL, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR_LEVEL, __VA_ARGS__)

/* Quotes and escapes text from outside into out: no control characters, no bad UTF-8.
 * What does not fit in size (at least 8) is cut, ending in `..."`. NULL gives null. Returns out. */
const char *log_text(const char *text, char *out, size_t size);

#endif
