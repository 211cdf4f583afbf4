/*
 * What a user who is no administrator may see and do: contract 6.4.
 *
 * One place for every route, so that none can forget it. Two means together:
 *
 * - Reading (GET) works on a connection of its own, where temporary views stand before Flowfile's tables and show
 *   only what the user owns or was granted. Lists, pages, totals, counts and names of what is linked follow by
 *   themselves, without a word in a statement.
 * - Every id that a request brings, in the path, the query or the body, is of a kind that is known here by its
 *   name, and is looked up before the handler runs. An id whose name is not known is refused.
 *
 * Owner: the worker, whose thread it is used from.
 */
#ifndef FF_HTTP_ACCESS_H
#define FF_HTTP_ACCESS_H

#include "http/api.h"
#include "http/route.h"

struct access;

/* No connection is made before it is needed. */
struct access *access_new(const struct api_options *options, const struct catalog *model);
void access_free(struct access *x);

/* For a restricted user whose parameters have been read. 0: the handler may run, c->cat is the catalog for it; -1: c->err
 * says why not, 403 unless the catalog is away. */
int access_admit(struct access *x, struct call *c);

/* Whether all ids that a route takes are known by their names: for the test that holds the rule above. */
bool access_knows(const struct route *route, const char **unknown);

#endif
