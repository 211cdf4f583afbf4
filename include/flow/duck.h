/*
 * The query engine: DuckDB through its C API, from a library that is loaded when it is needed (engine.md 1 says why). A
 * struct duck is one connection; the first one owns the database in memory, which goes with it, and the others
 * that duck_connect() makes of it go before it. Only programs that do nothing else load the library, never the daemon:
 * after it is loaded a process has threads and must not fork.
 *
 * Not safe for several threads, but for duck_interrupt() and duck_progress(), which are meant for another one.
 */
#ifndef FF_FLOW_DUCK_H
#define FF_FLOW_DUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "flow/columns.h"

struct duck;

struct duck_options {
	const char *library; /* NULL: where it is looked for, see duck_library_path() */
	const char *
		temp_dir; /* for what does not fit into memory; made when needed; NULL: nothing is spilled */
	int64_t memory_max_bytes; /* 0: 80 % of the machine's */
	int64_t temp_max_bytes; /* 0: as much as the disk has */
	int threads; /* 0: one for each core */
};

/* Loads the library, if that was not done before, and opens an empty database. */
int duck_open(const struct duck_options *options, struct duck **out, struct err *err);
/* One more connection to the same database. */
int duck_connect(struct duck *first, struct duck **out, struct err *err);
void duck_close(struct duck *d); /* NULL does nothing */

/* Whether the library can be had: loads it. The error says how to get it. */
int duck_check(struct err *err);
/* The library's version ("v1.5.6"); "" before it is loaded. */
const char *duck_version(void);
/* Where the library would be taken from: $FLOWFILE_LIBDUCKDB, beside the program, where it was configured, or by the system's rules.
 * In the arena. */
const char *duck_library_path(struct arena *a);

/*
 * From here on the connection's database reads and writes no files but these and those below these folders (absolute), loads nothing and is not
 * configured again: for queries that strangers may write.
 */
struct duck_places {
	const char **items;
	size_t n;
};
int duck_seal(struct duck *d, const struct duck_places *folders, const struct duck_places *files,
	struct err *err);

/* Statements whose rows nobody wants. *changed (may be NULL): how many rows the last one wrote. */
int duck_exec(struct duck *d, const char *sql, int64_t *changed, struct err *err);

/* The columns that a SELECT gives, without running it. Several columns that differ in case only get other names from the
 * engine (a, A_1). In the arena. */
int duck_describe(
	struct duck *d, const char *sql, struct arena *a, struct columns *out, struct err *err);

/* --- rows --- */

enum duck_cell { CELL_NULL, CELL_BOOL, CELL_INT, CELL_DOUBLE, CELL_TEXT };

struct duck_rows;

/* Runs a SELECT. What is none of the kinds of cells comes as the engine's text of it. */
int duck_query(struct duck *d, const char *sql, struct duck_rows **out, struct err *err);
/* The same of an EXPLAIN: the second column is the text. */
int duck_explain(struct duck *d, const char *sql, struct duck_rows **out, struct err *err);
void duck_rows_free(struct duck_rows *rows); /* NULL does nothing */
/* Names, and types before they became cells. */
const struct columns *duck_rows_columns(const struct duck_rows *rows);
/* To the next row, the first at first: false behind the last. */
bool duck_rows_next(struct duck_rows *rows);
enum duck_cell duck_cell(const struct duck_rows *rows, size_t column);
bool duck_bool(const struct duck_rows *rows, size_t column);
int64_t duck_int(const struct duck_rows *rows, size_t column); /* of a CELL_BOOL, too */
double duck_double(const struct duck_rows *rows, size_t column); /* of a CELL_INT, too */
/* Of a CELL_TEXT: *len bytes that end with no NUL, borrowed until the rows are freed. */
const char *duck_text(const struct duck_rows *rows, size_t column, size_t *len);
/* A copy of it in the arena, NULL when it is no text. */
const char *duck_text_copy(const struct duck_rows *rows, size_t column, struct arena *a);

/* The one number in the only row of a SELECT; NULL counts as 0. */
int duck_number(struct duck *d, const char *sql, int64_t *out, struct err *err);

/* --- rows that are added --- */

/* Adds rows to a table, cell by cell. What fails is said at the end, which frees the appender. */
struct duck_appender;

int
duck_append_begin(struct duck *d, const char *table, struct duck_appender **out, struct err *err);
void duck_append_int(struct duck_appender *appender, int64_t value);
void duck_append_double(struct duck_appender *appender, double value);
void duck_append_row(struct duck_appender *appender);
int duck_append_end(struct duck_appender *appender, struct err *err);

/* --- from another thread --- */

/* Ends the statement that runs, and any that begins later: it fails, and duck_interrupted() is true from here on. */
void duck_interrupt(struct duck *d);
bool duck_interrupted(const struct duck *d);
/* How much of the running statement is done, 0 to 100; negative when that is not known. */
double duck_progress(const struct duck *d);

#endif
