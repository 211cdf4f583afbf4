/*
 * A private PostgreSQL cluster for a test program: made from nothing in a folder of its own, reached by a
 * local socket, removed with the program however that ends.
 *
 * Owner: the program that started it. Forked tests may use, stop and start it.
 */
#ifndef FF_TEST_PG_CLUSTER_H
#define FF_TEST_PG_CLUSTER_H

struct pg_cluster;

/* NULL, with a line on stderr, where the server's programs are not installed; exits when they fail. */
struct pg_cluster *pg_cluster_create(void);
void pg_cluster_free(struct pg_cluster *pg);

/* Its database "catalog", empty at first. Borrowed. */
const char *pg_cluster_url(const struct pg_cluster *pg);

/* pg_cluster_stop() does not wait for clients and breaks their connections. */
void pg_cluster_stop(struct pg_cluster *pg);
void pg_cluster_start(struct pg_cluster *pg);

#endif
