/* Files as results. They are written aside and renamed, so that who reads them sees the old file or the whole new one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "flow/checkpoint.h"
#include "nodes.h"

enum file_type { FILE_CSV, FILE_PARQUET, FILE_JSON, FILE_NDJSON, FILE_EXCEL, FILE_IPC, FILE_AVRO };
static const char *const file_types[] = {
	"csv", "parquet", "json", "ndjson", "excel", "ipc", "avro", NULL};

enum write_mode { WRITE_OVERWRITE, WRITE_NEW_FILE, WRITE_APPEND };
static const char *const write_modes[] = {"overwrite", "new file", "append", NULL};

struct target {
	const char *path;
	int type, mode;
	const char *delimiter;
};

enum node_mode
node_output_judge(const struct flow_node *node, const char **why)
{
	const cJSON *file = setting_object(node->settings, "output_settings");
	const char *type =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "file_type"));
	const char *mode =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "write_mode"));

	for (int i = FILE_EXCEL; type != NULL && file_types[i] != NULL; i++)
		if (text_equal_nocase(type, file_types[i])) {
			*why = "the engine writes no Excel, Arrow IPC or Avro files; write CSV or "
			       "parquet";
			return NODE_UNSUPPORTED;
		}
	if (mode != NULL && text_equal_nocase(mode, write_modes[WRITE_APPEND])) {
		*why = "write_mode append: files are not appended to; write a new one, or a table "
		       "of the catalog";
		return NODE_UNSUPPORTED;
	}
	return NODE_OUTPUT;
}

/* --- settings ------------------------------------------------------------------------------------------------ */

static int
take_path(const cJSON *settings, struct arena *a, struct target *target, struct err *err)
{
	const char *name, *folder;

	if (setting_text(settings, "abs_file_path", NULL, a, &target->path, err) < 0)
		return -1;
	if (target->path != NULL && *target->path != '\0')
		return 0;
	if (setting_text(settings, "directory", ".", a, &folder, err) < 0 ||
		setting_required(settings, "name", a, &name, err) < 0)
		return -1;
	target->path = arena_printf(a, "%s/%s", folder, name);
	return 0;
}

static int
take_target(const struct flow_node *node, struct arena *a, struct target *target, struct err *err)
{
	const cJSON *settings = setting_object(node->settings, "output_settings");
	const cJSON *table = setting_object(settings, "table_settings");

	if (settings == NULL)
		return err_set(err, ERR_USAGE, "output_settings: it is missing");
	if (setting_word(settings, "file_type", file_types, FILE_CSV, a, &target->type, err) < 0 ||
		setting_word(settings, "write_mode", write_modes, WRITE_OVERWRITE, a, &target->mode,
			err) < 0 ||
		setting_text(table, "delimiter", ",", a, &target->delimiter, err) < 0 ||
		take_path(settings, a, target, err) < 0)
		return err_prefix(err, "output_settings");
	return 0;
}

/* Before anything is written. A program of the flow might make the folder. */
static int
check_folder(const struct compiler *c, const struct target *target, struct err *err)
{
	const struct flow *flow = c->scope->flow;
	char *folder;
	struct stat sb;
	int rc = 0;

	for (size_t i = 0; i < flow->n_nodes; i++)
		if (checkpoint_is_program(&flow->nodes[i]))
			return 0;
	folder = path_dirname(target->path);
	if (stat(folder, &sb) < 0)
		rc = err_errno(err, errno, "output_settings: folder %s", folder);
	else if (!S_ISDIR(sb.st_mode))
		rc = err_set(err, ERR_USAGE, "output_settings: %s is no folder", folder);
	free(folder);
	return rc;
}

int
node_output(struct compiler *c, struct err *err)
{
	struct target target;

	if (take_target(c->node, c->arena, &target, err) < 0 || check_folder(c, &target, err) < 0)
		return -1;
	return node_emit_input(c, 0, 0);
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void
add_copy(struct plan *plan, struct relation *relation, const struct target *target,
	const char *path, struct buf *sql)
{
	buf_puts(sql, "COPY (");
	plan_sql(plan, relation, sql);
	buf_puts(sql, "\n) TO ");
	sql_text(sql, path);
	switch (target->type) {
	case FILE_CSV:
		buf_puts(sql, " (FORMAT csv, HEADER true, DELIMITER ");
		sql_text(sql, target->delimiter);
		buf_puts(sql, ")");
		break;
	case FILE_PARQUET:
		buf_puts(sql, " (FORMAT parquet, COMPRESSION zstd)");
		break;
	default:
		buf_printf(sql, " (FORMAT json, ARRAY %s)",
			target->type == FILE_JSON ? "true" : "false");
	}
}

/* COPY syncs nothing (engine.md 4). */
static int
put_in_place(const char *temp, const char *path, struct err *err)
{
	int fd = open(temp, O_RDONLY | O_CLOEXEC), dir = -1;
	char *folder = path_dirname(path);
	int rc = -1;

	if (fd < 0 || fsync(fd) < 0 || rename(temp, path) < 0)
		err_errno(err, errno, "%s", path);
	else if ((dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		fd_sync_dir(dir) < 0)
		err_errno(err, errno, "%s", folder);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	free(folder);
	return rc;
}

int
node_output_write(struct plan *plan, const struct flow_node *node, struct relation *relation,
	int64_t *rows, struct err *err)
{
	struct target target;
	const char *temp;
	struct buf sql;
	struct stat sb;
	int rc;

	if (take_target(node, &plan->arena, &target, err) < 0)
		return -1;
	if (target.mode == WRITE_NEW_FILE && stat(target.path, &sb) == 0)
		return err_set(
			err, ERR_CONFLICT, "output_settings: %s is there already", target.path);
	temp = arena_printf(&plan->arena, "%s.%d.part", target.path, (int)getpid());
	node_begin_sql(&sql);
	add_copy(plan, relation, &target, temp, &sql);
	rc = duck_exec(plan->duck, buf_str(&sql), rows, err);
	buf_free(&sql);
	if (rc == 0)
		rc = put_in_place(temp, target.path, err);
	if (rc < 0)
		unlink(temp);
	return rc;
}
