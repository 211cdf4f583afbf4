#include "flow/duck.h"

#include <assert.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "config.h"

#define SQL_MAX (64 * 1024 * 1024)

/* --- the library -------------------------------------------------------------------------------------- */

/* What we use of duckdb.h, which need not be installed; the layouts are a part of its stable C API. */
typedef void *handle;

struct result {
	uint64_t counts[3];
	void *pointers[3];
};

struct progress {
	double percentage;
	uint64_t done, total;
};

enum {
	TYPE_ID_BOOLEAN = 1,
	TYPE_ID_TINYINT,
	TYPE_ID_SMALLINT,
	TYPE_ID_INTEGER,
	TYPE_ID_BIGINT,
	TYPE_ID_UTINYINT,
	TYPE_ID_USMALLINT,
	TYPE_ID_UINTEGER,
	TYPE_ID_UBIGINT,
	TYPE_ID_FLOAT,
	TYPE_ID_DOUBLE,
	TYPE_ID_VARCHAR = 17
};

/* A text of up to 12 bytes lies in the cell itself; of a longer one its first four and a pointer. */
#define TEXT_INLINE 12
struct text_cell {
	uint32_t len;
	char bytes[TEXT_INLINE];
};

static struct {
	void *library;
	const char *(*library_version)(void);
	int (*open_ext)(const char *path, handle *db, handle config, char **error);
	void (*close)(handle *db);
	int (*connect)(handle db, handle *connection);
	void (*disconnect)(handle *connection);
	int (*create_config)(handle *config);
	int (*set_config)(handle config, const char *name, const char *value);
	void (*destroy_config)(handle *config);
	int (*query)(handle connection, const char *sql, struct result *result);
	void (*destroy_result)(struct result *result);
	const char *(*result_error)(struct result *result);
	uint64_t (*column_count)(struct result *result);
	const char *(*column_name)(struct result *result, uint64_t column);
	int (*column_type)(struct result *result, uint64_t column);
	uint64_t (*rows_changed)(struct result *result);
	handle (*fetch_chunk)(struct result result);
	uint64_t (*data_chunk_get_size)(handle chunk);
	handle (*data_chunk_get_vector)(handle chunk, uint64_t column);
	void *(*vector_get_data)(handle vector);
	uint64_t *(*vector_get_validity)(handle vector);
	void (*destroy_data_chunk)(handle *chunk);
	int (*appender_create)(
		handle connection, const char *schema, const char *table, handle *appender);
	int (*append_int64)(handle appender, int64_t value);
	int (*append_double)(handle appender, double value);
	int (*appender_end_row)(handle appender);
	const char *(*appender_error)(handle appender);
	int (*appender_close)(handle appender);
	int (*appender_destroy)(handle *appender);
	void (*interrupt)(handle connection);
	struct progress (*query_progress)(handle connection);
	void (*free)(void *p);
} lib;

static const struct {
	const char *name;
	void **at;
} symbols[] = {
#define SYMBOL(name)                                                                               \
	{                                                                                          \
		"duckdb_" #name, (void **)(void *)&lib.name                                        \
	}
	SYMBOL(library_version),
	SYMBOL(open_ext),
	SYMBOL(close),
	SYMBOL(connect),
	SYMBOL(disconnect),
	SYMBOL(create_config),
	SYMBOL(set_config),
	SYMBOL(destroy_config),
	SYMBOL(query),
	SYMBOL(destroy_result),
	SYMBOL(result_error),
	SYMBOL(column_count),
	SYMBOL(column_name),
	SYMBOL(column_type),
	SYMBOL(rows_changed),
	SYMBOL(fetch_chunk),
	SYMBOL(data_chunk_get_size),
	SYMBOL(data_chunk_get_vector),
	SYMBOL(vector_get_data),
	SYMBOL(vector_get_validity),
	SYMBOL(destroy_data_chunk),
	SYMBOL(appender_create),
	SYMBOL(append_int64),
	SYMBOL(append_double),
	SYMBOL(appender_end_row),
	SYMBOL(appender_error),
	SYMBOL(appender_close),
	SYMBOL(appender_destroy),
	SYMBOL(interrupt),
	SYMBOL(query_progress),
	SYMBOL(free),
#undef SYMBOL
};

const char *
duck_library_path(struct arena *a)
{
	const char *given = text_env("FLOWFILE_LIBDUCKDB"), *beside;
	char *folder;

	if (given != NULL)
		return arena_strdup(a, given);
	folder = path_own_folder();
	beside = folder != NULL ? arena_printf(a, "%s/libduckdb.so", folder) : NULL;
	free(folder);
	if (beside != NULL && access(beside, R_OK) == 0)
		return beside;
	if (access(DUCKDB_LIBRARY, R_OK) == 0)
		return DUCKDB_LIBRARY;
	return "libduckdb.so";
}

static int
load(const char *path, struct err *err)
{
	/* Lazily: it calls 24,000 functions by name, and looking for all of them takes as long as the rest of the loading. */
	void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);

	if (library == NULL)
		return err_set(err, ERR_FAILED,
			"flow files and queries need the engine DuckDB, whose library cannot be "
			"loaded: %s\n"
			"contrib/engine.sh fetches it; FLOWFILE_LIBDUCKDB names another "
			"libduckdb.so.",
			dlerror());
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		*symbols[i].at = dlsym(library, symbols[i].name);
		if (*symbols[i].at == NULL) {
			dlclose(library);
			return err_set(err, ERR_FAILED,
				"%s is no DuckDB that can be used: it has no %s (1.2 or newer is "
				"needed)",
				path, symbols[i].name);
		}
	}
	lib.library = library;
	return 0;
}

static int
load_once(const char *path, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc = 0;

	if (lib.library == NULL)
		rc = load(path != NULL ? path : duck_library_path(&a), err);
	arena_free(&a);
	return rc;
}

int
duck_check(struct err *err)
{
	return load_once(NULL, err);
}

const char *
duck_version(void)
{
	return lib.library != NULL ? lib.library_version() : "";
}

/* --- a connection --------------------------------------------------------------------------------------- */

struct duck {
	handle db; /* NULL: another one's */
	handle connection;
	struct duck *first;
	atomic_bool interrupted; /* of the first */
};

static int
take_config(const struct duck_options *o, handle *config, struct err *err)
{
	char memory[32], threads[16], temp[32];
	const struct {
		const char *name, *value;
	} settings[] = {
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"memory_limit", o->memory_max_bytes > 0 ? memory : NULL},
		{"threads", o->threads > 0 ? threads : NULL},
		{"temp_directory", o->temp_dir != NULL ? o->temp_dir : ""},
		{"max_temp_directory_size", o->temp_max_bytes > 0 ? temp : NULL},
	};

	snprintf(memory, sizeof(memory), "%" PRId64 "B", o->memory_max_bytes);
	snprintf(threads, sizeof(threads), "%d", o->threads);
	snprintf(temp, sizeof(temp), "%" PRId64 "B", o->temp_max_bytes);
	if (lib.create_config(config) != 0)
		return err_set(err, ERR_FAILED, "the engine cannot be configured");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (settings[i].value != NULL &&
			lib.set_config(*config, settings[i].name, settings[i].value) != 0) {
			lib.destroy_config(config);
			return err_set(err, ERR_FAILED, "the engine takes no %s = %s",
				settings[i].name, settings[i].value);
		}
	return 0;
}

/* What holds for each connection: one zone on every machine, and progress that is counted but not shown. */
static int
set_up(struct duck *d, struct err *err)
{
	if (lib.connect(d->first->db, &d->connection) != 0)
		return err_set(err, ERR_FAILED, "the engine takes no connection");
	return duck_exec(d,
		"SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET "
		"enable_progress_bar_print = false; "
		"SET progress_bar_time = 0",
		NULL, err);
}

int
duck_open(const struct duck_options *options, struct duck **out, struct err *err)
{
	struct duck *d;
	handle config = NULL;
	char *why = NULL;
	int rc;

	if (load_once(options->library, err) < 0 || take_config(options, &config, err) < 0)
		return -1;
	d = xcalloc(1, sizeof(*d));
	d->first = d;
	rc = lib.open_ext(":memory:", &d->db, config, &why);
	lib.destroy_config(&config);
	if (rc != 0) {
		err_set(err, ERR_FAILED, "the engine does not start: %s", why != NULL ? why : "?");
		lib.free(why);
		free(d);
		return -1;
	}
	if (set_up(d, err) < 0) {
		duck_close(d);
		return -1;
	}
	*out = d;
	return 0;
}

int
duck_connect(struct duck *first, struct duck **out, struct err *err)
{
	struct duck *d = xcalloc(1, sizeof(*d));

	assert(first->first == first);
	d->first = first;
	if (set_up(d, err) < 0) {
		duck_close(d);
		return -1;
	}
	*out = d;
	return 0;
}

void
duck_close(struct duck *d)
{
	if (d == NULL)
		return;
	if (d->connection != NULL)
		lib.disconnect(&d->connection);
	if (d->db != NULL)
		lib.close(&d->db);
	free(d);
}

/* --- statements ------------------------------------------------------------------------------------------ */

/* Without the excerpt of the statement, which is none of the user's; what else is said in further lines on the same one. */
static void
take_error(const char *text, struct err *err)
{
	bool no_memory = strncmp(text, "Out of Memory Error", 19) == 0;
	struct buf b;
	size_t n;

	buf_init(&b, sizeof(err->text));
	while (*text != '\0' && strncmp(text, "LINE ", 5) != 0) {
		n = strcspn(text, "\n");
		if (n == 0)
			break;
		buf_puts(&b, b.len > 0 && b.len + 2 < b.max ? "; " : "");
		buf_add(&b, text, n < b.max - b.len ? n : text_utf8_floor(text, b.max - b.len));
		text += n + (text[n] == '\n');
	}
	err_set(err, ERR_FAILED, "%s%s", buf_str(&b),
		no_memory ? "\nengine_memory bounds it; what does not fit goes to engine_temp_dir "
			    "(man "
			    "scheduler.ini)."
			  : "");
	buf_free(&b);
}

static int
failed(struct duck *d, struct result *result, struct err *err)
{
	const char *text = lib.result_error(result);

	if (duck_interrupted(d))
		err_set(err, ERR_FAILED, "interrupted");
	else
		take_error(text != NULL ? text : "the engine failed without a word", err);
	lib.destroy_result(result);
	return -1;
}

static int
run(struct duck *d, const char *sql, struct result *result, struct err *err)
{
	memset(result, 0, sizeof(*result));
	if (duck_interrupted(d))
		return err_set(err, ERR_FAILED, "interrupted");
	return lib.query(d->connection, sql, result) == 0 ? 0 : failed(d, result, err);
}

int
duck_exec(struct duck *d, const char *sql, int64_t *changed, struct err *err)
{
	struct result result;

	if (run(d, sql, &result, err) < 0)
		return -1;
	if (changed != NULL)
		*changed = (int64_t)lib.rows_changed(&result);
	lib.destroy_result(&result);
	return 0;
}

static void
set_places(struct buf *b, const char *setting, const struct duck_places *places)
{
	buf_printf(b, "SET %s = [", setting);
	for (size_t i = 0; i < places->n; i++) {
		buf_puts(b, i > 0 ? ", " : "");
		sql_text(b, places->items[i]);
	}
	buf_puts(b, "]; ");
}

int
duck_seal(struct duck *d, const struct duck_places *folders, const struct duck_places *files,
	struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	set_places(&b, "allowed_directories", folders);
	set_places(&b, "allowed_paths", files);
	buf_puts(&b, "SET enable_external_access = false; SET lock_configuration = true");
	rc = duck_exec(d, buf_str(&b), NULL, err);
	buf_free(&b);
	return rc;
}

/* --- rows that are added ------------------------------------------------------------------------------------- */

struct duck_appender {
	handle appender;
	bool failed; /* nothing more is added */
};

int
duck_append_begin(struct duck *d, const char *table, struct duck_appender **out, struct err *err)
{
	struct duck_appender *appender = xcalloc(1, sizeof(*appender));

	*out = appender;
	appender->failed =
		lib.appender_create(d->connection, NULL, table, &appender->appender) != 0;
	if (!appender->failed)
		return 0;
	*out = NULL;
	return duck_append_end(appender, err);
}

void
duck_append_int(struct duck_appender *appender, int64_t value)
{
	appender->failed = appender->failed || lib.append_int64(appender->appender, value) != 0;
}

void
duck_append_double(struct duck_appender *appender, double value)
{
	appender->failed = appender->failed || lib.append_double(appender->appender, value) != 0;
}

void
duck_append_row(struct duck_appender *appender)
{
	appender->failed = appender->failed || lib.appender_end_row(appender->appender) != 0;
}

int
duck_append_end(struct duck_appender *appender, struct err *err)
{
	bool failed = appender->failed || lib.appender_close(appender->appender) != 0;

	if (failed)
		take_error(lib.appender_error(appender->appender), err);
	lib.appender_destroy(&appender->appender);
	free(appender);
	return failed ? -1 : 0;
}

/* --- rows --------------------------------------------------------------------------------------------------- */

struct duck_rows {
	struct arena arena;
	struct columns columns;
	struct result result;
	handle chunk; /* NULL: none yet, or all are through */
	uint64_t n, row; /* of the chunk */
	int *ids;
	void **data;
	uint64_t **validity; /* NULL: no NULLs in the column */
};

static bool
id_is_native(int id)
{
	return (id >= TYPE_ID_BOOLEAN && id <= TYPE_ID_DOUBLE && id != TYPE_ID_UBIGINT) ||
		id == TYPE_ID_VARCHAR;
}

static bool
type_is_native(const char *type)
{
	static const char *const native[] = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT",
		"UTINYINT", "USMALLINT", "UINTEGER", "FLOAT", "DOUBLE", "VARCHAR"};

	for (size_t i = 0; i < ARRAY_LEN(native); i++)
		if (strcmp(type, native[i]) == 0)
			return true;
	return false;
}

/* The statement with every column that has no cell of its own as text. Columns are named by their place, for names may be there twice. */
static const char *
with_cells(const char *sql, const struct columns *columns, struct arena *a)
{
	const char *result;
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < columns->n; i++)
		buf_printf(&b,
			type_is_native(columns->items[i].type) ? "%sc%zu"
							       : "%sCAST(c%zu AS VARCHAR)",
			i > 0 ? ", " : "", i);
	buf_printf(&b, " FROM (%s\n) AS t(", sql);
	for (size_t i = 0; i < columns->n; i++)
		buf_printf(&b, "%sc%zu", i > 0 ? ", " : "", i);
	buf_puts(&b, ")");
	result = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return result;
}

static void
take_columns(struct duck_rows *rows)
{
	uint64_t n = lib.column_count(&rows->result);

	rows->ids = arena_array(&rows->arena, n + 1, sizeof(*rows->ids));
	rows->data = arena_array(&rows->arena, n + 1, sizeof(*rows->data));
	rows->validity = arena_array(&rows->arena, n + 1, sizeof(*rows->validity));
	for (uint64_t i = 0; i < n; i++)
		rows->ids[i] = lib.column_type(&rows->result, i);
}

static int
open_rows(struct duck *d, const char *sql, struct duck_rows *rows, struct err *err)
{
	if (run(d, sql, &rows->result, err) < 0)
		return -1;
	take_columns(rows);
	return 0;
}

int
duck_query(struct duck *d, const char *sql, struct duck_rows **out, struct err *err)
{
	struct duck_rows *rows = xcalloc(1, sizeof(*rows));
	bool plain = true;

	if (duck_describe(d, sql, &rows->arena, &rows->columns, err) < 0)
		goto failed;
	for (size_t i = 0; i < rows->columns.n; i++)
		plain = plain && type_is_native(rows->columns.items[i].type);
	if (open_rows(d, plain ? sql : with_cells(sql, &rows->columns, &rows->arena), rows, err) <
		0)
		goto failed;
	*out = rows;
	return 0;
failed:
	arena_free(&rows->arena);
	free(rows);
	return -1;
}

int
duck_explain(struct duck *d, const char *sql, struct duck_rows **out, struct err *err)
{
	struct duck_rows *rows = xcalloc(1, sizeof(*rows));

	if (open_rows(d, sql, rows, err) < 0) {
		arena_free(&rows->arena);
		free(rows);
		return -1;
	}
	*out = rows;
	return 0;
}

void
duck_rows_free(struct duck_rows *rows)
{
	if (rows == NULL)
		return;
	if (rows->chunk != NULL)
		lib.destroy_data_chunk(&rows->chunk);
	lib.destroy_result(&rows->result);
	arena_free(&rows->arena);
	free(rows);
}

const struct columns *
duck_rows_columns(const struct duck_rows *rows)
{
	return &rows->columns;
}

static bool
next_chunk(struct duck_rows *rows)
{
	handle vector;
	uint64_t columns = lib.column_count(&rows->result);

	if (rows->chunk != NULL)
		lib.destroy_data_chunk(&rows->chunk);
	rows->chunk = lib.fetch_chunk(rows->result);
	rows->n = rows->chunk != NULL ? lib.data_chunk_get_size(rows->chunk) : 0;
	rows->row = 0;
	for (uint64_t i = 0; rows->n > 0 && i < columns; i++) {
		vector = lib.data_chunk_get_vector(rows->chunk, i);
		rows->data[i] = lib.vector_get_data(vector);
		rows->validity[i] = lib.vector_get_validity(vector);
	}
	return rows->n > 0;
}

bool
duck_rows_next(struct duck_rows *rows)
{
	if (rows->chunk != NULL && rows->row + 1 < rows->n) {
		rows->row++;
		return true;
	}
	return next_chunk(rows);
}

enum duck_cell
duck_cell(const struct duck_rows *rows, size_t column)
{
	const uint64_t *validity = rows->validity[column];
	int id = rows->ids[column];

	if (validity != NULL && (validity[rows->row / 64] >> (rows->row % 64) & 1) == 0)
		return CELL_NULL;
	if (id == TYPE_ID_BOOLEAN)
		return CELL_BOOL;
	if (id == TYPE_ID_FLOAT || id == TYPE_ID_DOUBLE)
		return CELL_DOUBLE;
	assert(id_is_native(id));
	return id == TYPE_ID_VARCHAR ? CELL_TEXT : CELL_INT;
}

bool
duck_bool(const struct duck_rows *rows, size_t column)
{
	return ((const bool *)rows->data[column])[rows->row];
}

int64_t
duck_int(const struct duck_rows *rows, size_t column)
{
	const void *data = rows->data[column];
	uint64_t row = rows->row;

	switch (rows->ids[column]) {
	case TYPE_ID_BOOLEAN:
		return ((const bool *)data)[row];
	case TYPE_ID_TINYINT:
		return ((const int8_t *)data)[row];
	case TYPE_ID_SMALLINT:
		return ((const int16_t *)data)[row];
	case TYPE_ID_INTEGER:
		return ((const int32_t *)data)[row];
	case TYPE_ID_BIGINT:
		return ((const int64_t *)data)[row];
	case TYPE_ID_UTINYINT:
		return ((const uint8_t *)data)[row];
	case TYPE_ID_USMALLINT:
		return ((const uint16_t *)data)[row];
	case TYPE_ID_UINTEGER:
		return ((const uint32_t *)data)[row];
	default:
		abort(); /* no column of integers: duck_cell() says which are */
	}
}

double
duck_double(const struct duck_rows *rows, size_t column)
{
	if (rows->ids[column] == TYPE_ID_DOUBLE)
		return ((const double *)rows->data[column])[rows->row];
	if (rows->ids[column] == TYPE_ID_FLOAT)
		return (double)((const float *)rows->data[column])[rows->row];
	return (double)duck_int(rows, column);
}

const char *
duck_text(const struct duck_rows *rows, size_t column, size_t *len)
{
	const struct text_cell *cell = &((const struct text_cell *)rows->data[column])[rows->row];
	const char *data;

	assert(rows->ids[column] == TYPE_ID_VARCHAR);
	*len = cell->len;
	if (cell->len <= TEXT_INLINE)
		return cell->bytes;
	memcpy(&data, cell->bytes + 4, sizeof(data));
	return data;
}

const char *
duck_text_copy(const struct duck_rows *rows, size_t column, struct arena *a)
{
	const char *text;
	char *copy;
	size_t len;

	if (duck_cell(rows, column) != CELL_TEXT)
		return NULL;
	text = duck_text(rows, column, &len);
	copy = arena_alloc(a, len + 1);
	memcpy(copy, text, len);
	return copy;
}

int
duck_describe(
	struct duck *d, const char *sql, struct arena *a, struct columns *out, struct err *err)
{
	struct duck_rows rows = {0};
	char *describe = xasprintf("DESCRIBE %s", sql);
	int rc = open_rows(d, describe, &rows, err);

	free(describe);
	*out = (struct columns){NULL, 0};
	while (rc == 0 && duck_rows_next(&rows))
		columns_add(out, a, duck_text_copy(&rows, 0, a), duck_text_copy(&rows, 1, a));
	if (rows.chunk != NULL)
		lib.destroy_data_chunk(&rows.chunk);
	if (rc == 0)
		lib.destroy_result(&rows.result);
	arena_free(&rows.arena);
	return rc;
}

int
duck_number(struct duck *d, const char *sql, int64_t *out, struct err *err)
{
	struct duck_rows *rows;
	enum duck_cell cell;

	if (duck_query(d, sql, &rows, err) < 0)
		return -1;
	*out = 0;
	if (duck_rows_next(rows)) {
		cell = duck_cell(rows, 0);
		if (cell == CELL_INT || cell == CELL_BOOL)
			*out = duck_int(rows, 0);
		else if (cell == CELL_DOUBLE)
			*out = (int64_t)duck_double(rows, 0);
		else if (cell == CELL_TEXT)
			*out = strtoll(duck_text_copy(rows, 0, &rows->arena), NULL, 10);
	}
	duck_rows_free(rows);
	return 0;
}

/* --- from another thread --------------------------------------------------------------------------------------- */

void
duck_interrupt(struct duck *d)
{
	atomic_store(&d->first->interrupted, true);
	lib.interrupt(d->connection);
}

bool
duck_interrupted(const struct duck *d)
{
	return atomic_load(&d->first->interrupted);
}

double
duck_progress(const struct duck *d)
{
	return lib.query_progress(d->connection).percentage;
}
