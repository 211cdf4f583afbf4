/*
 * The API's place in the daemon: its options from the configuration, its start, and what it is told. An address that is
 * taken, by another daemon of this host most often, is tried again every ten seconds: scheduling does not depend on it.
 *
 * Owner: the daemon; from its thread.
 */
#ifndef FF_DAEMON_WEB_H
#define FF_DAEMON_WEB_H

#include "daemon/config.h"
#include "engine/engine.h"

struct event_base;
struct web;

/* ERR_USAGE: the options make no sense. *out is set in any case, for web_stop(). */
int web_start(struct event_base *base, const struct config *config, const char *holder_id,
	struct web **out, struct err *err);
void web_stop(struct web *web);

/* After a turn. */
void web_tell(struct web *web, const struct engine_status *status, bool stopping);
/* The feed heard of a commit. */
void web_changed(struct web *web);

#endif
