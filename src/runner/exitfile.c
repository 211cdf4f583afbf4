#include "runner/exitfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define VERSION_LINE "flowfile-run-exit 1"
#define NO_TIME "none"

enum field_type { FIELD_I64, FIELD_INT, FIELD_BOOL, FIELD_TIME, FIELD_PID, FIELD_U64, FIELD_TEXT };

/* Every key of the file. All must be there. */
static const struct field {
	const char *key;
	enum field_type type;
	size_t offset;
} fields[] = {
	{"run", FIELD_I64, offsetof(struct exit_record, run_id)},
	{"attempt", FIELD_INT, offsetof(struct exit_record, attempt)},
	{"shim_pid", FIELD_PID, offsetof(struct exit_record, shim.pid)},
	{"shim_start", FIELD_U64, offsetof(struct exit_record, shim.start)},
	{"flow_pid", FIELD_PID, offsetof(struct exit_record, flow.pid)},
	{"flow_start", FIELD_U64, offsetof(struct exit_record, flow.start)},
	{"known", FIELD_BOOL, offsetof(struct exit_record, exit.known)},
	{"code", FIELD_INT, offsetof(struct exit_record, exit.code)},
	{"signal", FIELD_INT, offsetof(struct exit_record, exit.signal)},
	{"cpu_us", FIELD_I64, offsetof(struct exit_record, exit.cpu_us)},
	{"max_rss_kb", FIELD_I64, offsetof(struct exit_record, exit.max_rss_kb)},
	{"started_us", FIELD_TIME, offsetof(struct exit_record, exit.started_us)},
	{"ended_us", FIELD_TIME, offsetof(struct exit_record, exit.ended_us)},
	{"cancelled", FIELD_BOOL, offsetof(struct exit_record, exit.cancelled)},
	{"killed", FIELD_BOOL, offsetof(struct exit_record, exit.killed)},
	{"reason", FIELD_TEXT, offsetof(struct exit_record, exit.reason)},
};

void
exit_record_init(struct exit_record *record, int64_t run_id, int attempt)
{
	memset(record, 0, sizeof(*record));
	record->run_id = run_id;
	record->attempt = attempt;
	record->exit.code = -1;
	record->exit.cpu_us = -1;
	record->exit.max_rss_kb = -1;
	record->exit.started_us = TIME_NONE;
	record->exit.ended_us = TIME_NONE;
}

/* Names in a reason are bytes of the file system, and a database refuses what is no text: one "?" for each
 * sequence that is no UTF-8, a blank for each control character. In place. */
static void
make_storable(char *text)
{
	size_t len = strlen(text), n;
	char *out = text;
	bool valid;

	for (const char *p = text; len > 0; p += n, len -= n) {
		n = text_utf8_step(p, len, &valid);
		if (!valid)
			*out++ = '?';
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*out++ = ' ';
		else
			out = (char *)memmove(out, p, n) + n;
	}
	*out = '\0';
}

void
exit_set_reason(struct run_exit *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(out->reason))
		out->reason[text_utf8_floor(out->reason, sizeof(out->reason) - 1)] = '\0';
	make_storable(out->reason);
}

static void
format_value(const struct field *f, const struct exit_record *record, char *out, size_t size)
{
	const char *at = (const char *)record + f->offset;
	int64_t n = 0;
	uint64_t u;

	switch (f->type) {
	case FIELD_TEXT:
		snprintf(out, size, "%s", at);
		return;
	case FIELD_U64:
		memcpy(&u, at, sizeof(u));
		snprintf(out, size, "%" PRIu64, u);
		return;
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(&n, at, sizeof(n));
		break;
	case FIELD_INT:
	case FIELD_PID:
		n = *(const int *)(const void *)at;
		break;
	case FIELD_BOOL:
		n = *(const bool *)at;
		break;
	}
	if (f->type == FIELD_TIME && n == TIME_NONE)
		snprintf(out, size, NO_TIME);
	else
		snprintf(out, size, "%" PRId64, n);
}

size_t
exit_record_format(const struct exit_record *record, char out[EXIT_TEXT_MAX])
{
	char value[sizeof(record->exit.reason)];
	size_t len;

	len = (size_t)snprintf(out, EXIT_TEXT_MAX, VERSION_LINE "\n");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		format_value(&fields[i], record, value, sizeof(value));
		len += (size_t)snprintf(
			out + len, EXIT_TEXT_MAX - len, "%s %s\n", fields[i].key, value);
		assert(len < EXIT_TEXT_MAX);
	}
	return len;
}

static bool
parse_value(const struct field *f, const char *text, struct exit_record *record)
{
	static const int64_t least[] = {[FIELD_I64] = INT64_MIN, [FIELD_INT] = INT_MIN};
	static const int64_t most[] = {[FIELD_I64] = INT64_MAX,
		[FIELD_INT] = INT_MAX,
		[FIELD_BOOL] = 1,
		[FIELD_TIME] = INT64_MAX,
		[FIELD_PID] = INT_MAX,
		[FIELD_U64] = INT64_MAX};
	char *at = (char *)record + f->offset;
	int64_t n = TIME_NONE;

	if (f->type == FIELD_TEXT) {
		snprintf(at, sizeof(record->exit.reason), "%s", text);
		make_storable(at);
		return true;
	}
	if (!(f->type == FIELD_TIME && strcmp(text, NO_TIME) == 0) &&
		!text_to_int(text, f->type <= FIELD_INT ? least[f->type] : 0, most[f->type], &n))
		return false;
	if (f->type == FIELD_BOOL)
		*(bool *)at = n != 0;
	else if (f->type == FIELD_INT || f->type == FIELD_PID)
		*(int *)(void *)at = (int)n;
	else
		memcpy(at, &n, sizeof(n));
	return true;
}

static int
parse_line(char *line, struct exit_record *record, unsigned *seen, struct err *err)
{
	char *value = strchr(line, ' ');

	if (value == NULL)
		return err_set(err, ERR_FAILED, "exit file: line without a value");
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(line, fields[i].key) != 0)
			continue;
		if (!parse_value(&fields[i], value, record))
			return err_set(err, ERR_FAILED, "exit file: bad value of %s", line);
		*seen |= 1u << i;
	}
	return 0;
}

int
exit_record_parse(const char *text, struct exit_record *record, struct err *err)
{
	char *copy = xstrdup(text), *rest = copy, *line = strsep(&rest, "\n");
	unsigned seen = 0;
	int rc = -1;

	exit_record_init(record, 0, 0);
	if (strcmp(line, VERSION_LINE) != 0) {
		err_set(err, ERR_FAILED, "exit file: not version 1");
		goto out;
	}
	while (rest != NULL && *rest != '\0') {
		line = strsep(&rest, "\n");
		/* A line without its end is one that was cut. */
		if (rest == NULL) {
			err_set(err, ERR_FAILED, "exit file: cut off");
			goto out;
		}
		if (parse_line(line, record, &seen, err) < 0)
			goto out;
	}
	if (seen != (1u << ARRAY_LEN(fields)) - 1) {
		err_set(err, ERR_FAILED, "exit file: not complete");
		goto out;
	}
	rc = 0;
out:
	free(copy);
	return rc;
}

static char *
state_path(const char *state_dir, int64_t run_id, int attempt, const char *suffix)
{
	return xasprintf("%s/%" PRId64 ".%d.%s", state_dir, run_id, attempt, suffix);
}

/* 0, or -1 with errno. */
static int
write_and_sync(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : fd_fill_and_close(fd, text, len);
}

static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, saved;

	if (fd < 0)
		return -1;
	rc = fd_sync_dir(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* The mark is the file that is written: making one costs more than all the rest. */
int
exit_record_write(const char *state_dir, const struct exit_record *record, struct err *err)
{
	char *mark = state_path(state_dir, record->run_id, record->attempt, "started");
	char *path = state_path(state_dir, record->run_id, record->attempt, "exit");
	char text[EXIT_TEXT_MAX];
	size_t len = exit_record_format(record, text);
	int rc = 0;

	if (write_and_sync(mark, text, len) < 0 || rename(mark, path) < 0 ||
		sync_dir(state_dir) < 0)
		rc = err_errno(err, errno, "%s", path);
	free(mark);
	free(path);
	return rc;
}

int
exit_record_read(const char *state_dir, int64_t run_id, int attempt, struct exit_record *record,
	struct err *err)
{
	char *path = state_path(state_dir, run_id, attempt, "exit");
	struct err why = ERR_INIT;
	char *text = file_read(path, EXIT_TEXT_MAX, NULL, &why);
	int rc = -1;

	if (text == NULL && why.code == ERR_NOT_FOUND)
		rc = 0;
	else if (text != NULL && exit_record_parse(text, record, &why) == 0)
		rc = 1;
	if (rc < 0)
		err_set(err, why.code, "%s: %s", path, why.text);
	free(text);
	free(path);
	return rc;
}

int
started_mark(const char *state_dir, int64_t run_id, int attempt)
{
	char *path = state_path(state_dir, run_id, attempt, "started");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int saved = errno;

	free(path);
	if (fd >= 0)
		close(fd);
	errno = saved;
	return fd >= 0 ? 0 : -1;
}

int
started_read(const char *state_dir, int64_t run_id, int attempt, int64_t *at_us)
{
	char *path = state_path(state_dir, run_id, attempt, "started");
	struct stat st;
	int rc = 1;

	if (stat(path, &st) == 0)
		*at_us = (int64_t)st.st_mtim.tv_sec * US_PER_SEC + st.st_mtim.tv_nsec / 1000;
	else /* a folder that is gone says nothing about what was in it */
		rc = errno == ENOENT && stat(state_dir, &st) == 0 ? 0 : -1;
	free(path);
	return rc;
}

void
exit_files_remove(const char *state_dir, int64_t run_id, int attempt)
{
	static const char *const suffixes[] = {"exit", "started"};
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		path = state_path(state_dir, run_id, attempt, suffixes[i]);
		unlink(path);
		free(path);
	}
}

bool
exit_file_is(const char *name, int64_t *run_id, int *attempt)
{
	int end = 0;

	return sscanf(name, "%" SCNd64 ".%d.%n", run_id, attempt, &end) == 2 && end > 0 &&
		(!strcmp(name + end, "exit") || !strcmp(name + end, "started"));
}
