/*
 * `flowfile query-child`: answers one question of the daemon's API, in a process of its own that loads the engine (src/http/queries.h).
 *
 * Standard input brings two lines of JSON, the settings and the question; standard output takes "STATUS LENGTH\n" and so many bytes: the
 * result as JSON with status 200, else the detail of the error. When it is a socket and the other side closes it, or a signal
 * tells to end, nobody wants the answer any more.
 *
 * A row of the table for each kind of question ("what"), with the function that writes the result to q->j.
 */
#ifndef FF_CLI_QUERY_H
#define FF_CLI_QUERY_H

#include <cjson/cJSON.h>

#include "catalog/tables.h"
#include "flow/plan.h"

struct inquiry {
	struct arena arena;
	cJSON *settings, *question;
	struct paths paths;
	struct catalog catalog;
	struct duck *duck; /* NULL until query_engine() */
	struct plan *plan; /* of it; NULL until then */
	struct scope *scope;
	struct buf out;
	struct json j;
	int status; /* of an error; 0: by its code */
};

enum query_need {
	QUERY_TABLE = 1, /* "table_id" */
	QUERY_ENGINE = 2,
	/* It writes into the catalog, and comes to its end though nobody wants the answer. */
	QUERY_WRITES = 4,
};

struct inquiry_kind {
	const char *what;
	unsigned needs;
	/* table: NULL without QUERY_TABLE. */
	int (*run)(struct inquiry *q, const struct table_info *table, struct err *err);
};
extern const struct inquiry_kind query_kinds[]; /* ends with a NULL what */

/* Members of the question. */
int64_t query_int(const struct inquiry *q, const char *name, int64_t preset);
bool query_bool(const struct inquiry *q, const char *name);
const char *query_text(const struct inquiry *q, const char *name); /* NULL: not there */

/* The status that an error is answered with; returns -1. */
int query_fail(struct inquiry *q, int status);

/* query_seal.c: when the SELECT is known, and before it is run. more: one more folder, NULL: none. */
int query_seal(struct inquiry *q, const char *more, struct err *err);

/* query_rows.c */
int query_preview(struct inquiry *q, const struct table_info *table, struct err *err);
int query_stats(struct inquiry *q, const struct table_info *table, struct err *err);
int query_materialize(struct inquiry *q, const struct table_info *table, struct err *err);
/* query_table.c */
int query_history(struct inquiry *q, const struct table_info *table, struct err *err);
int query_optimize(struct inquiry *q, const struct table_info *table, struct err *err);
int query_vacuum(struct inquiry *q, const struct table_info *table, struct err *err);
/* query_write.c */
int query_import(struct inquiry *q, const struct table_info *table, struct err *err);
/* query_edit.c; the result {"stale": N}: the table is at version N, and not at the one that was expected */
int query_edit(struct inquiry *q, const struct table_info *table, struct err *err);
int query_key_column(struct inquiry *q, const struct table_info *table, struct err *err);
/* query_chart.c */
int query_compute(struct inquiry *q, const struct table_info *table, struct err *err);
int query_fields(struct inquiry *q, const struct table_info *table, struct err *err);
/* query_sql.c */
int query_sql(struct inquiry *q, const struct table_info *table, struct err *err);
int query_schema(struct inquiry *q, const struct table_info *table, struct err *err);
int query_flow(struct inquiry *q, const struct table_info *table, struct err *err);

#endif
