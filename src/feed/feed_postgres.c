/*
 * PostgreSQL: the triggers notify a channel with the seq of each change; a connection of the
 * feed's own listens.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "feed/backend.h"

#define CHANNEL "flowfile_scheduler"

struct postgres_feed {
	struct feed feed;
	struct event *readable;
};

static struct postgres_feed *
of(struct feed *feed)
{
	return (struct postgres_feed *)feed;
}

static struct feed *
postgres_create(void)
{
	struct postgres_feed *f = xcalloc(1, sizeof(*f));

	return &f->feed;
}

/* A listener is idle for long. Servers before 14 have no such limit. */
static const char session_sql[] = "SELECT set_config(name, '0', false) FROM pg_settings "
				  "WHERE name = 'idle_session_timeout'";

struct batch {
	int64_t count, first_seq;
};

static void
on_notify(const char *payload, void *arg)
{
	struct batch *batch = arg;
	int64_t seq;

	/* Somebody else's text on our channel: our triggers name a seq, each of their own. */
	if (!text_to_int(payload, 1, INT64_MAX, &seq))
		return;
	if (batch->count++ == 0 || seq < batch->first_seq)
		batch->first_seq = seq;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;
	struct batch batch = {0};
	struct err err = ERR_INIT;
	int r = db_consume_notifies(feed->db, on_notify, &batch, &err);

	(void)fd;
	(void)what;
	feed->stats.checks++;
	feed->stats.events += batch.count;
	if (batch.count > 0)
		feed_give_hint(feed, FEED_CHANGED, batch.first_seq);
	if (r >= 0)
		return;
	feed_lose(feed, &err);
	/* The receiver's connections may be broken, too: better known now than at its next heartbeat. */
	feed_give_hint(feed, FEED_CHANGED, 0);
}

static int
postgres_connect(struct feed *feed, bool fresh, struct err *err)
{
	struct postgres_feed *f = of(feed);

	if (!fresh && db_reconnect(feed->db, err) < 0)
		return -1;
	if (db_script(feed->db, session_sql, err) < 0 || db_listen(feed->db, CHANNEL, err) < 0)
		return -1;
	f->readable =
		event_new(feed->base, db_socket(feed->db), EV_READ | EV_PERSIST, on_readable, feed);
	assert(f->readable != NULL);
	event_add(f->readable, NULL);
	/* What came together with the answer to LISTEN has been read from the socket already. */
	event_active(f->readable, EV_READ, 0);
	return 0;
}

static void
postgres_disconnect(struct feed *feed)
{
	if (of(feed)->readable == NULL)
		return;
	event_free(of(feed)->readable);
	of(feed)->readable = NULL;
}

static void
postgres_free(struct feed *feed)
{
	free(feed);
}

const struct feed_backend feed_postgres = {
	/* Connecting holds up the loop. */
	.options = {.connect_timeout_ms = 1500,
		.statement_timeout_ms = 1500,
		.application_name = "flowfile_scheduler feed"},
	.create = postgres_create,
	.connect = postgres_connect,
	.disconnect = postgres_disconnect,
	.free = postgres_free,
};
