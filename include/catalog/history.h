/*
 * The history of runs as our triggers keep it: which runs a page has, and how many there are, without reading
 * them all. For the catalog's own files.
 */
#ifndef FF_CATALOG_HISTORY_H
#define FF_CATALOG_HISTORY_H

#include "catalog/catalog.h"
#include "catalog/runs.h"

/* Whether there is one that answers this filter for this catalog; else the runs themselves must be searched. */
int
history_serves(struct catalog *cat, const struct run_filter *filter, bool *serves, struct err *err);

/* The values of a filter as $1 and on: registration, schedule, type, search, as far as they are set. */
void run_filter_bind(struct stmt *st, const struct run_filter *f);

/* The totals into page, and the ids of its runs, latest first. */
int history_page(struct catalog *cat, const struct run_filter *filter, struct arena *a,
	struct run_page *page, int64_t **ids, size_t *n, struct err *err);

#endif
