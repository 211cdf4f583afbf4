/* For tests of Delta tables: a folder, an engine, and tables made by hand as other writers make them. */
#ifndef FF_TESTS_DELTA_TEST_H
#define FF_TESTS_DELTA_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine_test.h"
#include "flow/delta.h"

#define DELTA_TEST_TEXT_MAX (4 * 1024 * 1024)

static struct duck *d;
static struct arena a;
static char folder[64]; /* of the test */
static char *table; /* a table in it, "t" */

static inline void
delta_test_set_up(void)
{
	d = engine_test_open();
	snprintf(folder, sizeof(folder), "/tmp/test_delta.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	table = xasprintf("%s/t", folder);
}

static inline void
delta_test_tear_down(void)
{
	char *command = xasprintf("rm -rf '%s'", folder);

	ck_assert_int_eq(system(command), 0);
	free(command);
	free(table);
	duck_close(d);
	arena_free(&a);
	a = (struct arena)ARENA_INIT;
}

/* In the arena of the test. Processes that a test starts use it, too: no assertions here. */
__attribute__((format(printf, 1, 2))) static inline const char *
text(const char *fmt, ...)
{
	const char *copy = NULL;
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) >= 0) {
		copy = arena_strdup(&a, s);
		free(s);
	}
	va_end(ap);
	return copy;
}

static inline void
run(const char *sql)
{
	struct err err = ERR_INIT;

	ck_assert_msg(duck_exec(d, sql, NULL, &err) == 0, "%s: %s", sql, err.text);
}

/* Cells with a '|' between them, a line for each row; NULL is "NULL". In the arena. */
static inline const char *
rows_of(const char *sql)
{
	struct err err = ERR_INIT;
	struct duck_rows *rows;
	struct buf b;
	const char *copy;

	ck_assert_msg(duck_query(d, sql, &rows, &err) == 0, "%s: %s", sql, err.text);
	buf_init(&b, DELTA_TEST_TEXT_MAX);
	for (bool first = true; duck_rows_next(rows); first = false) {
		buf_puts(&b, first ? "" : "\n");
		for (size_t i = 0; i < duck_rows_columns(rows)->n; i++) {
			buf_puts(&b, i > 0 ? "|" : "");
			switch (duck_cell(rows, i)) {
			case CELL_NULL:
				buf_puts(&b, "NULL");
				break;
			case CELL_BOOL:
				buf_puts(&b, duck_bool(rows, i) ? "true" : "false");
				break;
			case CELL_INT:
				buf_printf(&b, "%" PRId64, duck_int(rows, i));
				break;
			case CELL_DOUBLE:
				buf_printf(&b, "%g", duck_double(rows, i));
				break;
			case CELL_TEXT:
				buf_puts(&b, duck_text_copy(rows, i, &a));
			}
		}
	}
	ck_assert(!buf_failed(&b));
	copy = arena_strdup(&a, buf_str(&b));
	buf_free(&b);
	duck_rows_free(rows);
	return copy;
}

static inline struct delta_snapshot
open_at(int64_t version)
{
	struct delta_snapshot s;
	struct err err = ERR_INIT;

	ck_assert_msg(delta_open(table, version, d, &a, &s, &err) == 0, "%s", err.text);
	return s;
}

/* "SELECT <what> FROM <the table at a version> <rest>", as rows_of() has it. */
static inline const char *
rows_at(int64_t version, const char *what, const char *rest)
{
	struct delta_snapshot s = open_at(version);

	return rows_of(text("SELECT %s FROM (%s) AS t %s", what, delta_scan_sql(&s, &a), rest));
}

/* All rows of the newest version, by their columns. */
static inline const char *
table_rows(void)
{
	return rows_at(DELTA_LATEST, "*", "ORDER BY ALL");
}

/* A file of the table. */
static inline void
put_file(const char *name, const char *content)
{
	char *path = path_join(table, name), *parent = path_dirname(path);
	struct err err = ERR_INIT;

	ck_assert_msg(file_mkdirs(parent, 0755, &err) == 0, "%s", err.text);
	ck_assert_msg(
		file_write_atomic(path, content, strlen(content), 0644, &err) == 0, "%s", err.text);
	free(parent);
	free(path);
}

static inline void
put_commit(int64_t version, const char *lines)
{
	put_file(text("_delta_log/%020" PRId64 ".json", version), lines);
}

static inline const char *
commit_text(int64_t version)
{
	char *path = xasprintf("%s/_delta_log/%020" PRId64 ".json", table, version), *data;
	struct err err = ERR_INIT;
	const char *copy;

	data = file_read(path, DELTA_TEST_TEXT_MAX, NULL, &err);
	ck_assert_msg(data != NULL, "%s", err.text);
	copy = arena_strdup(&a, data);
	free(data);
	free(path);
	return copy;
}

/* A parquet file of the table with the rows of a SELECT. */
static inline void
put_parquet(const char *name, const char *sql)
{
	char *path = path_join(table, name), *parent = path_dirname(path);
	struct err err = ERR_INIT;

	ck_assert_msg(file_mkdirs(parent, 0755, &err) == 0, "%s", err.text);
	run(text("COPY (%s) TO %s (FORMAT parquet)", sql, sql_literal(&a, path)));
	free(parent);
	free(path);
}

static inline bool
is_there(const char *name)
{
	char *path = path_join(table, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* As if a file had been written so many hours ago. */
static inline void
make_old(const char *name, int hours)
{
	char *path = path_join(table, name);
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= hours * 3600;
	times[1] = times[0];
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
}

/* How many entries of the table's folder, or of one in it, begin so. */
static inline int
count_files(const char *below, const char *prefix)
{
	char *path = path_join(table, below);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
			strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	free(path);
	return n;
}

#define PROTOCOL_OLD "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"

/* metaData as Spark writes it. fields and partition columns are the insides of JSON arrays, configuration that of an object. */
static inline const char *
metadata_of(const char *fields, const char *partition_columns, const char *configuration)
{
	struct buf b;
	const char *line;

	buf_init(&b, DELTA_TEST_TEXT_MAX);
	for (; *fields != '\0'; fields++) {
		if (*fields == '"' || *fields == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, *fields);
	}
	line = text(
		"{\"metaData\":{\"id\":\"0d5e7b2c-2c1a-4b6c-9f0a-7a3a7f3f1f10\",\"format\":"
		"{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
		"\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[%s]}\",\"partitionColumns\":[%s],"
		"\"configuration\":{%s},\"createdTime\":1564524294376}}\n",
		buf_str(&b), partition_columns, configuration);
	buf_free(&b);
	return line;
}

static inline const char *
field_of(const char *name, const char *type)
{
	return text("{\"name\":\"%s\",\"type\":%s,\"nullable\":true,\"metadata\":{}}", name, type);
}

#define ADD(path, values)                                                                          \
	"{\"add\":{\"path\":\"" path "\",\"partitionValues\":{" values                             \
	"},\"size\":403,\"modificationTime\":1564524296000,\"dataChange\":true}}\n"
#define REMOVE(path)                                                                               \
	"{\"remove\":{\"path\":\"" path                                                            \
	"\",\"deletionTimestamp\":1564524298214,\"dataChange\":true}}\n"

/* What opening the table says when it fails; the code has to be that. */
static inline const char *
open_error(int64_t version, enum err_code code)
{
	struct delta_snapshot s;
	struct err err = ERR_INIT;

	ck_assert_int_eq(delta_open(table, version, d, &a, &s, &err), -1);
	ck_assert_int_eq(err.code, code);
	return arena_strdup(&a, err.text);
}

#define ck_assert_has(haystack, needle)                                                            \
	ck_assert_msg(strstr(haystack, needle) != NULL, "%s: no %s", haystack, needle)

#endif
