#include "feed/feed.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "feed/backend.h"

/* From one attempt to connect to the next. */
#define WAIT_MIN_MS 100
#define WAIT_MAX_MS 5000
/* An attempt that held up the loop for so long is not repeated before WAIT_MAX_MS. */
#define ATTEMPT_SLOW_US (300 * US_PER_MS)

static const struct feed_backend *const backends[] = {
	[DB_SQLITE] = &feed_sqlite,
	[DB_POSTGRES] = &feed_postgres,
};

void
feed_give_hint(struct feed *feed, enum feed_hint hint, int64_t first_seq)
{
	feed->stats.hints++;
	metrics_count(METRIC_FEED_HINTS, hint == FEED_RESYNC ? "resync" : "changed", NULL);
	feed->cb(hint, first_seq, feed->arg);
}

static void
wait_longer(struct feed *feed)
{
	feed->wait_ms = feed->wait_ms == 0 ? WAIT_MIN_MS : feed->wait_ms * 2;
	if (feed->wait_ms > WAIT_MAX_MS)
		feed->wait_ms = WAIT_MAX_MS;
}

void
feed_lose(struct feed *feed, const struct err *why)
{
	struct timeval wait;

	feed->backend->disconnect(feed);
	if (!feed->lost || strcmp(feed->why.text, why->text) != 0)
		log_warning("Catalog writes cannot be heard of, trying again: %s", why->text);
	feed->lost = true;
	feed->why = *why;
	wait_longer(feed);
	wait = (struct timeval){feed->wait_ms / 1000, feed->wait_ms % 1000 * 1000};
	evtimer_add(feed->retry, &wait);
}

void
feed_reconnect(struct feed *feed)
{
	struct boottime before = clock_boot(&clock_real);
	struct err err = ERR_INIT;

	evtimer_del(feed->retry);
	feed->backend->disconnect(feed);
	if (feed->backend->connect(feed, false, &err) < 0) {
		if (boottime_diff(clock_boot(&clock_real), before) > ATTEMPT_SLOW_US)
			feed->wait_ms = WAIT_MAX_MS;
		feed_lose(feed, &err);
		return;
	}
	if (feed->lost)
		log_info("Catalog writes are heard of again");
	feed->lost = false;
	feed->wait_ms = 0;
	feed->stats.reconnects++;
	feed_give_hint(feed, FEED_RESYNC, 0);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	feed_reconnect(arg);
}

int
feed_create(struct event_base *base, const char *url, feed_cb cb, void *arg, struct feed **out,
	struct err *err)
{
	const struct feed_backend *backend;
	enum db_type type;
	struct feed *feed;

	if (db_check_url(url, &type, err) < 0)
		return -1;
	backend = backends[type];
	feed = backend->create();
	feed->backend = backend;
	feed->base = base;
	feed->cb = cb;
	feed->arg = arg;
	feed->retry = evtimer_new(base, on_retry, feed);
	assert(feed->retry != NULL);
	if (db_open(url, &backend->options, &feed->db, err) < 0)
		goto fail;
	if (backend->connect(feed, true, err) < 0)
		goto fail;
	*out = feed;
	return 0;
fail:
	feed_free(feed);
	return -1;
}

void
feed_free(struct feed *feed)
{
	if (feed == NULL)
		return;
	feed->backend->disconnect(feed);
	event_free(feed->retry);
	db_close(feed->db);
	feed->backend->free(feed);
}

void
feed_get_stats(const struct feed *feed, struct feed_stats *out)
{
	*out = feed->stats;
	out->at_rest = !feed->lost && (!feed->backend->at_rest || feed->backend->at_rest(feed));
}
