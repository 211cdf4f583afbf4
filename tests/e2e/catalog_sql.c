/*
 * For tests in shell: catalog_sql URL STATEMENT... runs the statements and prints the first column
 * of their rows. Stands in for a program of Flowfile's that writes to the catalog.
 */
#include <stdio.h>
#include <string.h>

#include "store/db.h"

static int
run(struct db *db, const char *sql, struct err *err)
{
	struct stmt *st = db_stmt_text(db, sql);
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		const char *text = col_text(st, 0);

		puts(text != NULL ? text : "NULL");
	}
	stmt_finish(st);
	return r;
}

int
main(int argc, char **argv)
{
	const struct db_options options = {0};
	struct err err = ERR_INIT;
	struct db *db;

	if (argc < 3 || db_open(argv[1], &options, &db, &err) < 0) {
		fprintf(stderr, "catalog_sql: %s\n", argc < 3 ? "URL STATEMENT..." : err.text);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (run(db, argv[i], &err) < 0) {
			fprintf(stderr, "catalog_sql: %s: %s\n", argv[i], err.text);
			db_close(db);
			return 1;
		}
	}
	db_close(db);
	return 0;
}
