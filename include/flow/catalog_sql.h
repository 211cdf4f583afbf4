/*
 * Tables of the catalog as relations of a plan, and queries over them. A virtual table is what it stands for: the nodes of the
 * flow that makes it, or its query, become a part of the reader's plan.
 */
#ifndef FF_FLOW_CATALOG_SQL_H
#define FF_FLOW_CATALOG_SQL_H

#include "catalog/tables.h"
#include "flow/plan.h"
#include "flow/query.h"

/* A table's rows: of its newest version, or as they are made when it is virtual. Virtual tables that read each other in a loop are an error
 * that names it. */
int catalog_relation(struct plan *plan, struct scope *scope, const struct table_info *table,
	struct relation **out, struct err *err);

/* The tables that a query reads, each once. */
struct catalog_sql_use {
	int64_t id;
	const char
		*name; /* as the query has it: "table", "schema.table" or "catalog.schema.table" */
};
struct catalog_sql_uses {
	struct catalog_sql_use *items;
	size_t n;
};

/*
 * One SELECT over the catalog's tables, by the names of contract 5.11: a bare name has to be the only one, ERR_CONFLICT otherwise.
 * uses may be NULL. All in the plan's arena.
 */
int catalog_sql_compile(struct plan *plan, struct scope *scope, const char *sql,
	struct catalog_sql_uses *uses, struct relation **out, struct err *err);

/*
 * Gives a table of a query its relation. *relation becomes another one with the same rows when the query uses its name for
 * something of its own.
 */
int catalog_sql_bind(struct plan *plan, struct scope *scope, struct query *query,
	struct query_table *table, struct relation **relation, struct err *err);

#endif
