/*
 * Between feed.c, which holds what both databases have in common (the connection's loss and
 * return), and feed_sqlite.c and feed_postgres.c. Private to src/feed.
 */
#ifndef FF_FEED_BACKEND_H
#define FF_FEED_BACKEND_H

#include <stdbool.h>

#include "base/err.h"
#include "feed/feed.h"
#include "store/db.h"

struct event;

struct feed_backend {
	struct db_options options; /* of the feed's own connection */
	/* Allocates what begins with a struct feed and fills in what is beyond it. */
	struct feed *(*create)(void);
	/*
	 * Makes sure that every later commit is heard of, and starts to listen on the event loop.
	 * The connection is open when fresh, else it must be opened anew.
	 */
	int (*connect)(struct feed *feed, bool fresh, struct err *err);
	/* Stops listening. Fine when it does not. */
	void (*disconnect)(struct feed *feed);
	void (*free)(struct feed *feed);
	/* Whether only an event will wake it. NULL: always. */
	bool (*at_rest)(const struct feed *feed);
};

extern const struct feed_backend feed_sqlite;
extern const struct feed_backend feed_postgres;

struct feed {
	const struct feed_backend *backend;
	struct event_base *base;
	struct db *db;
	feed_cb cb;
	void *arg;
	struct feed_stats stats;

	/* While the connection is lost. */
	bool lost;
	struct event *retry;
	int64_t wait_ms;
	struct err why; /* as it was last logged */
};

void feed_give_hint(struct feed *feed, enum feed_hint hint, int64_t first_seq);
/* Nothing can be heard any more because of why: stops listening and connects again later. */
void feed_lose(struct feed *feed, const struct err *why);
/* Connects again now; feed_lose() when that fails, else FEED_RESYNC. */
void feed_reconnect(struct feed *feed);

#endif
