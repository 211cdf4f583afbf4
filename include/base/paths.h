/*
 * Where things are (contract 2.2): resolved from the environment as Flowfile does, so that both find
 * the same catalog, logs and flows.
 */
#ifndef FF_BASE_PATHS_H
#define FF_BASE_PATHS_H

#include <stdint.h>

#include "base/err.h"

/* All owned, absolute unless said otherwise. */
struct paths {
	char *base; /* $FLOWFILE_STORAGE_DIR, else $HOME/.flowfile; docker: /app/internal_storage */
	char *user_data; /* docker: $FLOWFILE_USER_DATA_DIR or /data/user; else $HOME */
	char *catalog; /* contract 2.2: $FLOWFILE_DB_PATH verbatim, TESTING, <base>/database/... */
	char *logs; /* <base>/logs, <base>/temp/test_logs when TESTING=True */
	char *flows;
	char *tables; /* managed table data */
	char *state; /* <base>/scheduler: exit files, leader lock; ours */
};

/* storage_dir (may be NULL) overrides the environment's base. Makes no directory. */
int paths_resolve(const char *storage_dir, struct paths *paths, struct err *err);
void paths_free(struct paths *paths);

/* Where the user is at home; NULL: nobody says. Borrowed until the next call. */
const char *paths_home(void);

/*
 * Logs are named by run ids, which mean something in one catalog only: two catalogs in one storage folder write
 * over each other's. "<logs>/.catalog" holds the name of the catalog whose scheduler started last.
 */
int paths_note_catalog(const struct paths *paths, const char *catalog, struct err *err);
/* Owned by the caller; NULL when it is not noted. */
char *paths_noted_catalog(const struct paths *paths);

/* "<logs>/scheduled_run_<id>.log", owned by the caller. */
char *paths_run_log(const struct paths *paths, int64_t run_id);

#endif
