/* Files as sources: CSV, parquet, JSON and lines of JSON; one, or all of a folder. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "nodes.h"

enum file_type { FILE_CSV, FILE_PARQUET, FILE_JSON, FILE_NDJSON, FILE_EXCEL, FILE_IPC, FILE_AVRO };
static const char *const file_types[] = {
	"csv", "parquet", "json", "ndjson", "excel", "ipc", "avro", NULL};

enum node_mode
node_read_judge(const struct flow_node *node, const char **why)
{
	const cJSON *file = setting_object(node->settings, "received_file");
	const char *type =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "file_type"));

	for (int i = FILE_EXCEL; type != NULL && file_types[i] != NULL; i++)
		if (text_equal_nocase(type, file_types[i])) {
			*why = "the engine reads no Excel, Arrow IPC or Avro files; save the data "
			       "as CSV or parquet";
			return NODE_UNSUPPORTED;
		}
	return NODE_LAZY;
}

/* --- which files ------------------------------------------------------------------------------------------ */

/* The path in the engine's SQL: a folder stands for all files in it that end like its type. */
static int
add_path(struct compiler *c, const cJSON *file, enum file_type type, struct buf *sql,
	struct err *err)
{
	static const char *const modes[] = {"single_file", "directory", NULL};
	const char *path, *given;
	struct stat sb;
	int mode;

	if (setting_text(file, "path", NULL, c->arena, &given, err) < 0 ||
		setting_text(file, "abs_file_path", given, c->arena, &path, err) < 0 ||
		setting_word(file, "scan_mode", modes, 0, c->arena, &mode, err) < 0)
		return err_prefix(err, "received_file");
	if (path == NULL || *path == '\0')
		return err_set(err, ERR_USAGE, "received_file: path: it is missing");
	if (stat(path, &sb) < 0)
		return err_errno(err, errno, "received_file: %s", path);
	if (S_ISDIR(sb.st_mode) != (mode == 1))
		return err_set(err, ERR_USAGE, "received_file: %s is %s folder", path,
			mode == 1 ? "no" : "a");
	if (strpbrk(path, "*?[") != NULL && strchr(path, '\\') != NULL)
		return err_set(err, ERR_USAGE,
			"received_file: %s: the engine reads no path with a \\ beside one of *?[",
			path);
	path = sql_pattern(c->arena, path);
	if (mode == 1)
		path = arena_printf(c->arena, "%s/*.%s", path, file_types[type]);
	sql_text(sql, path);
	return 0;
}

/* --- CSV ---------------------------------------------------------------------------------------------------- */

static int
add_csv_options(struct compiler *c, const cJSON *table, struct buf *sql, struct err *err)
{
	const char *delimiter, *quote, *encoding;
	int64_t skip, sample;
	bool headers, ignore, ragged;

	if (setting_text(table, "delimiter", ",", c->arena, &delimiter, err) < 0 ||
		setting_text(table, "quote_char", "\"", c->arena, &quote, err) < 0 ||
		setting_text(table, "encoding", "utf-8", c->arena, &encoding, err) < 0 ||
		setting_int(table, "starting_from_line", 0, INT32_MAX, 0, &skip, err) < 0 ||
		setting_int(table, "infer_schema_length", -1, INT32_MAX, 10000, &sample, err) < 0 ||
		setting_bool(table, "has_headers", true, &headers, err) < 0 ||
		setting_bool(table, "ignore_errors", false, &ignore, err) < 0 ||
		setting_bool(table, "truncate_ragged_lines", false, &ragged, err) < 0)
		return err_prefix(err, "received_file: table_settings");
	buf_puts(sql, ", delim = ");
	sql_text(sql, delimiter);
	buf_puts(sql, ", quote = ");
	sql_text(sql, quote);
	buf_puts(sql, ", escape = ");
	sql_text(sql, quote);
	buf_printf(sql, ", header = %s, skip = %lld, sample_size = %lld",
		headers ? "true" : "false", (long long)skip, (long long)(sample > 0 ? sample : -1));
	if (!text_equal_nocase(encoding, "utf-8") && !text_equal_nocase(encoding, "utf8")) {
		buf_puts(sql, ", encoding = ");
		sql_text(sql, encoding);
	}
	if (ignore)
		buf_puts(sql, ", ignore_errors = true");
	if (ragged)
		buf_puts(sql, ", strict_mode = false");
	return 0;
}

/* Of a large file it reads 32 MB otherwise, to look at some thousand lines. */
#define SNIFF ", buffer_size = 4000000"
#define SNIFFED ", buffer_size=4000000"

/* Whether the engine's words are right: it does not double the quotes that are in names and paths, nor keep what makes a path literal. */
static bool
is_usable(struct compiler *c, const char *sql)
{
	struct err ignored = ERR_INIT;
	struct columns columns;

	return duck_describe(c->plan->shapes, sql, c->arena, &columns, &ignored) == 0;
}

/*
 * The call with all that the engine found out of the file put into words: finding it out costs 20 ms, and each statement that reads
 * the file would do it again. Where that cannot be had *sql stays empty.
 */
static int
fix_csv(struct compiler *c, const char *arguments, struct buf *sql, struct err *err)
{
	const char *query = arena_printf(
			   c->arena, "SELECT Prompt FROM sniff_csv(%s" SNIFF ")", arguments),
		   *prompt = NULL;
	struct duck_rows *rows;
	char *own;
	size_t len;

	if (duck_query(c->plan->shapes, query, &rows, err) < 0)
		return -1;
	if (duck_rows_next(rows))
		prompt = duck_text_copy(rows, 0, c->arena);
	duck_rows_free(rows);
	if (prompt == NULL)
		return err_set(
			err, ERR_FAILED, "received_file: the engine makes nothing of this file");
	len = strlen(prompt);
	if (len > 0 && prompt[len - 1] == ';')
		len--;
	prompt = arena_printf(c->arena, "SELECT * %.*s", (int)len, prompt);
	own = strstr(prompt, SNIFFED);
	if (own != NULL) /* not for reading all of it */
		memmove(own, own + strlen(SNIFFED), strlen(own + strlen(SNIFFED)) + 1);
	if (strstr(arguments, "''") == NULL && strchr(arguments, '[') == NULL &&
		is_usable(c, prompt))
		buf_puts(sql, prompt);
	return 0;
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

struct source {
	const cJSON *file;
	enum file_type type;
	bool is_folder, with_paths;
};

/* What stands between the parentheses. */
static int
add_arguments(struct compiler *c, const struct source *source, struct buf *sql, struct err *err)
{
	if (add_path(c, source->file, source->type, sql, err) < 0)
		return -1;
	if (source->type == FILE_CSV &&
		add_csv_options(c, setting_object(source->file, "table_settings"), sql, err) < 0)
		return -1;
	if (source->type == FILE_NDJSON)
		buf_puts(sql, ", format = 'newline_delimited'");
	if (source->with_paths)
		buf_puts(sql, ", filename = true");
	return 0;
}

static int
emit_call(struct compiler *c, const struct source *source, const char *arguments, struct err *err)
{
	static const char *const functions[] = {
		"read_csv", "read_parquet", "read_json", "read_json"};
	struct buf sql;

	node_begin_sql(&sql);
	if (source->type == FILE_CSV && !source->is_folder && !source->with_paths &&
		fix_csv(c, arguments, &sql, err) < 0) {
		buf_free(&sql);
		return -1;
	}
	if (*buf_str(&sql) == '\0')
		buf_printf(&sql, "SELECT * FROM %s(%s)", functions[source->type], arguments);
	if (node_emit_sql(c, 0, &sql, err) < 0)
		return -1;
	node_set_scan(c, 0, source->type == FILE_PARQUET);
	return 0;
}

int
node_read(struct compiler *c, struct err *err)
{
	static const char *const modes[] = {"single_file", "directory", NULL};
	struct source source = {.file = setting_object(c->settings, "received_file")};
	struct buf arguments;
	int type, mode, rc;

	if (source.file == NULL)
		return err_set(err, ERR_USAGE, "received_file: it is missing");
	if (setting_word(source.file, "file_type", file_types, FILE_CSV, c->arena, &type, err) <
			0 ||
		setting_word(source.file, "scan_mode", modes, 0, c->arena, &mode, err) < 0 ||
		setting_bool(source.file, "include_file_paths", false, &source.with_paths, err) < 0)
		return err_prefix(err, "received_file");
	source.type = (enum file_type)type;
	source.is_folder = mode == 1;
	node_begin_sql(&arguments);
	rc = add_arguments(c, &source, &arguments, err);
	if (rc == 0)
		rc = emit_call(c, &source, buf_str(&arguments), err);
	buf_free(&arguments);
	return rc;
}
