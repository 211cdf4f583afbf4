/*
 * What the store's tests share: a folder for their files, a catalog that Flowfile made, and
 * database calls that end the test when they fail.
 */
#ifndef FF_TEST_STORE_UTIL_H
#define FF_TEST_STORE_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/db.h"

/* Makes the folder; it goes away with the process that made it. Call it first, in main. */
void tmp_init(void);
/* "folder/name". Borrowed, until the end. */
const char *tmp_path(const char *name);

/* SQLite by itself, as another program would use it. */
void raw_run(const char *path, const char *sql);
/* The first value of the first row as text; "" when there is none, "NULL". Owned. */
char *raw_text(const char *path, const char *sql);
int64_t raw_int(const char *path, const char *sql);
/* A copy of the catalog in tests/fixtures, in rollback mode as Flowfile leaves it. Returns path. */
const char *fixture_make(const char *path);

/* Through the store. */
struct db *must_open(const char *url, bool create);
void must_run(struct db *db, const char *sql);
int64_t must_int(struct db *db, const char *sql);
/* Rows as "a|b\nc|d\n"; NULL as "NULL". Borrowed until the next call. */
const char *must_rows(struct db *db, const char *sql);

/* A cluster where there can be one. NULL: this build, or this machine, has no PostgreSQL, which ends
 * the program when FLOWFILE_TEST_REQUIRE_POSTGRES says that it must. */
struct pg_cluster;
struct pg_cluster *store_test_cluster(void);

/* Where there is no catalog yet: a new file, or a new schema of the cluster when its URL is given.
 * Owned. */
char *empty_url(const char *postgres_url);
/* A catalog made there by schema_prepare(). *url (may be NULL): where it is; owned. */
struct db *catalog_make(const char *postgres_url, char **url);
/* All rows of all tables that are not ours, and on SQLite their sqlite_master, as text. Owned. */
char *catalog_dump(struct db *db);

/* Runs a program with a text on its standard input; its exit status. -1: it is not there. */
int run_program(const char *const argv[], const char *input);

/* In the calls below, e is where the error goes. */
#define ck_ok(call)                                                                                \
	do {                                                                                       \
		struct err ck_err = ERR_INIT;                                                      \
		struct err *e = &ck_err;                                                           \
		int ck_r = (call);                                                                 \
		ck_assert_msg(ck_r >= 0, "%s: %s", #call, e->text);                                \
	} while (0)

/* call must fail with the code, and its message must have the text in it. */
#define ck_fails(call, wanted, part)                                                               \
	do {                                                                                       \
		struct err ck_err = ERR_INIT;                                                      \
		struct err *e = &ck_err;                                                           \
		int ck_r = (call);                                                                 \
		ck_assert_msg(ck_r < 0, "%s succeeded", #call);                                    \
		ck_assert_msg(e->code == (wanted), "%s: code %d: %s", #call, e->code, e->text);    \
		ck_assert_msg(strstr(e->text, (part)) != NULL, "%s: \"%s\" is not in: %s", #call,  \
			(part), e->text);                                                          \
	} while (0)

#endif
