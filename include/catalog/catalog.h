/*
 * The catalog: flows, tables, namespaces, schedules, runs. What may be written into Flowfile's tables
 * and what is said when it may not (contract 5.2 to 5.8) is decided here, once, for the HTTP API and
 * for the command line.
 *
 * Every function works on a struct catalog, which owns nothing: it names the connection, the places,
 * the clock and who is asking. What a reading function returns lives in the arena it is given.
 *
 * Errors: the first line of an error's text is the API's `detail`, word for word. What follows a
 * newline is for people: why, and what to do (catalog_detail() cuts it off). Codes stand for
 * statuses: ERR_USAGE 422, ERR_NOT_FOUND 404, ERR_CONFLICT 409, all else 500.
 */
#ifndef FF_CATALOG_CATALOG_H
#define FF_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/paths.h"
#include "store/db.h"

struct zones;

struct catalog {
	struct db *db;
	const struct paths *paths;
	const struct clock *clock;
	struct zones *zones;
	int64_t user_id; /* owner of what is made; whose favorites are shown */
	bool partial; /* views stand before the tables (store/views.h): totals kept for all do not count */
	bool has_history; /* our history was found; the catalog's own note */
};

#define ID_NONE INT64_C(0) /* NULL in a column that holds an id */
#define COUNT_NONE INT64_C(-1) /* NULL in a column that counts something */

/* A boolean that may be NULL. */
enum tri { TRI_NULL = -1, TRI_FALSE = 0, TRI_TRUE = 1 };

/* The API's `detail`: the first line of the error. Returns out. */
const char *catalog_detail(const struct err *err, char *out, size_t size);

/* The items below are for the catalog's own files. */

/* The current row's column as a string in the arena; NULL for NULL. */
const char *catalog_text(struct arena *a, const struct stmt *st, int c);
/* The current row's time; TIME_NONE for NULL and for what cannot be read. */
int64_t catalog_time(const struct stmt *st, int c);
enum tri catalog_tri(const struct stmt *st, int c);
/* Ends a write transaction: commits when rc is 0, else rolls back. Returns the outcome. */
int catalog_finish(struct catalog *cat, int rc, struct err *err);
/* Room for one more item behind n; the array lives in the arena and grows by doubling. */
void *catalog_grow(struct arena *a, void *items, size_t n, size_t size);
/* The item with an id among items that are in the order of their ids and begin with them; NULL. */
void *catalog_find(void *items, size_t n, size_t size, int64_t id);
/* The end of a range that begins with an id and holds it alone, or everything when it is ID_NONE. */
int64_t catalog_last_id(int64_t first);
/* One statement whose only parameter is an id. */
int catalog_exec_id(struct catalog *cat, enum sql_id sql, int64_t id, struct err *err);
/* Whether two texts, either of which may be NULL, are the same. */
bool catalog_same(const char *a, const char *b);
/* true, false or null. */
void catalog_json_tri(struct json *j, const char *key, enum tri v);
/* "2026-05-20T08:00:05Z", where the API's form without a zone is not due; null for TIME_NONE. key NULL: a bare value. */
void catalog_json_utc(struct json *j, const char *key, int64_t us);
/* The number that a statement with an id gives; 0 when there is no row. */
int catalog_count(struct catalog *cat, enum sql_id sql, int64_t id, int64_t *out, struct err *err);

#endif
