/*
 * The daemon: wires configuration, catalog, lease, feed, runner and engine to one event loop.
 *
 * Signals: TERM or INT stops (flows live on), a second one at once; HUP reads the configuration again.
 */
#ifndef FF_DAEMON_DAEMON_H
#define FF_DAEMON_DAEMON_H

#include <stdbool.h>

#include "base/err.h"
#include "daemon/config.h"

struct daemon_args {
	const char *config_file; /* NULL: the usual places */
	const char *database; /* over the configuration's; NULL: that */
	bool once; /* one pass, then out (contract 3.1) */
};

/* The configuration that the arguments ask for. */
int daemon_configure(const struct daemon_args *args, struct config **out, struct err *err);

/* Runs until told to stop. Takes over config. 0: stopped as asked; -1: could not start. */
int daemon_run(struct config *config, const struct daemon_args *args, struct err *err);

#endif
