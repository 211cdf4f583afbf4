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

static int
check_file(const char *path, struct stat *sb, struct err *err)
{
	if (stat(path, sb) < 0)
		return err_errno(err, errno, "received_file: %s", path);
	return 0;
}

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
	if (check_file(path, &sb, err) < 0)
		return -1;
	if (S_ISDIR(sb.st_mode) != (mode == 1))
		return err_set(err, ERR_USAGE, "received_file: %s is %s folder", path,
			mode == 1 ? "no" : "a");
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

/* --- all of them ---------------------------------------------------------------------------------------------- */

static int
add_call(struct compiler *c, const cJSON *file, enum file_type type, struct buf *sql,
	struct err *err)
{
	static const char *const functions[] = {
		"read_csv", "read_parquet", "read_json", "read_json"};
	bool paths;

	if (setting_bool(file, "include_file_paths", false, &paths, err) < 0)
		return err_prefix(err, "received_file");
	buf_printf(sql, "SELECT * FROM %s(", functions[type]);
	if (add_path(c, file, type, sql, err) < 0)
		return -1;
	if (type == FILE_CSV &&
		add_csv_options(c, setting_object(file, "table_settings"), sql, err) < 0)
		return -1;
	if (type == FILE_NDJSON)
		buf_puts(sql, ", format = 'newline_delimited'");
	buf_printf(sql, "%s)", paths ? ", filename = true" : "");
	return 0;
}

int
node_read(struct compiler *c, struct err *err)
{
	const cJSON *file = setting_object(c->settings, "received_file");
	struct buf sql;
	int type;

	if (file == NULL)
		return err_set(err, ERR_USAGE, "received_file: it is missing");
	if (setting_word(file, "file_type", file_types, FILE_CSV, c->arena, &type, err) < 0)
		return err_prefix(err, "received_file");
	node_begin_sql(&sql);
	if (add_call(c, file, (enum file_type)type, &sql, err) < 0) {
		buf_free(&sql);
		return -1;
	}
	return node_emit_sql(c, 0, &sql, err);
}
