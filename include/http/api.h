/*
 * The API of a running daemon: a thread with the server and what it streams, and a worker with a connection to the
 * catalog of its own. Design sections 10 and 11.
 *
 *	client ─▶ server ─▶ worker's queue ─▶ route's handler ─▶ server ─▶ client
 *	            └─ /healthz, /readyz, /metrics: at once, without the catalog
 *
 * The engine's thread tells it what it knows (api_tell) and that the catalog changed (api_changed); nothing it
 * does waits for the engine, and nothing the engine does waits for it.
 *
 * Owner: the daemon. api_tell() and api_changed() may be called from any thread.
 */
#ifndef FF_HTTP_API_H
#define FF_HTTP_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/paths.h"
#include "engine/engine.h"
#include "http/auth.h"
#include "http/server.h"

struct api_options {
	const char *const *listen; /* NULL-terminated addresses; may be empty */
	const char *unix_path; /* NULL: none */
	unsigned unix_mode;
	struct http_limits limits;
	struct auth_options auth;
	const char *database; /* URL */
	int database_timeout_ms;
	/* Queries, each in a process of its own. */
	const char *query_program; /* path of `flowfile` */
	int64_t query_timeout_ms,
		query_memory_bytes; /* of one; bytes 0: as much as the engine likes */
	int queries_max; /* at once */
	int engine_threads;
	const char *engine_temp_dir; /* NULL: the system's */
	const char *python; /* of flows that make virtual tables */
	int64_t log_max_bytes; /* the cap that the runs' logs are written with */
	struct paths paths; /* borrowed texts, which stay */
	const char *holder_id; /* of this daemon */
	const char *version;
};

/* What the engine's thread knows, for those who do not ask the catalog. */
struct api_facts {
	struct engine_status engine;
	int64_t heartbeat_boot_us; /* boot time of the last renewal of the lease; TIME_NONE */
	int64_t turn_boot_us; /* of the last turn */
	bool stopping;
};

/* What handlers find in call->api. */
struct api_context {
	const char *holder_id, *version;
	const struct paths *paths;
	void (*facts)(const struct api_context *x, struct api_facts *out);
	/* For routes of the server's own thread. */
	struct api *api;
	bool desktop; /* Flowfile's mode is electron: its one user may read every file */
};

struct api;

/* ERR_CONFLICT: an address is taken. */
int api_start(const struct api_options *options, struct api **out, struct err *err);
/* Streams get their end; what is being answered is answered, for a second. */
void api_stop(struct api *api);
/* Of the first address; 0 without one. */
int api_port(const struct api *api);

void api_tell(struct api *api, const struct api_facts *facts);
/* The feed heard of a commit. */
void api_changed(struct api *api);

#endif
