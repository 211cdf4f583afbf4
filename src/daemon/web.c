#include "daemon/web.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "config.h"
#include "http/api.h"

#define AGAIN_S 10 /* between tries to get an address that is taken */

struct web {
	struct api_options options;
	char **listen, **hosts, **origins;
	/* A reload replaces the configuration. */
	char *database, *socket, *holder_id, *query_program, *temp_dir, *python;
	struct api *api; /* NULL: not yet */
	struct event *again;
	bool said;
};

/* "a, b" as a NULL-terminated list; "none" and NULL are empty ones. */
static char **
split(const char *text)
{
	char **list = xcalloc(1, sizeof(*list));
	size_t n = 0, len;

	for (const char *p = text && strcmp(text, "none") != 0 ? text : ""; *p;) {
		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len == 0)
			break;
		list = xrealloc(list, n + 2, sizeof(*list));
		list[n] = xstrndup(p, len);
		list[++n] = NULL;
		p += len;
	}
	return list;
}

static void
free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static bool
is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]", 5);
}

/* On a desktop Flowfile keeps its secrets in a store; read here once, so that it is said at the start what is in it. */
static void
find_secrets(struct auth_options *auth)
{
	char *dir;

	if (!auth->desktop || (auth->jwt_secret && auth->internal_token))
		return;
	dir = secure_store_dir();
	if (dir) {
		auth->store = secure_store_new(dir);
		secure_store_get(auth->store);
	} else {
		log_warning("Flowfile's secrets cannot be read, so its tokens are refused: neither "
			    "HOME nor FLOWFILE_SECURE_STORAGE_PATH is set");
	}
	free(dir);
}

static int
set_auth(struct web *web, const struct config *c, struct err *err)
{
	struct auth_options *auth = &web->options.auth;
	const char *user = getenv("FLOWFILE_INTERNAL_SERVICE_USER_ID");
	const char *mode = getenv("FLOWFILE_MODE");
	char *path;
	int rc = 0;

	auth->mode = !strcmp(c->http_auth, "none")  ? AUTH_MODE_ALL
		: !strcmp(c->http_auth, "flowfile") ? AUTH_MODE_FLOWFILE
						    : AUTH_MODE_TOKEN;
	auth->hosts = (const char *const *)web->hosts;
	auth->cors_origins = (const char *const *)web->origins;
	auth->jwt_secret = text_env("JWT_SECRET_KEY");
	auth->internal_token = text_env("FLOWFILE_INTERNAL_TOKEN");
	auth->internal_user_id = user ? atoll(user) : 1;
	auth->desktop = !mode || !strcmp(mode, "electron");
	if (auth->mode == AUTH_MODE_FLOWFILE)
		find_secrets(auth);
	for (size_t i = 0; auth->mode == AUTH_MODE_ALL && web->listen[i]; i++)
		if (!is_loopback(web->listen[i]))
			return err_set(err, ERR_USAGE,
				"http_auth = none is for loopback addresses only, and http_listen "
				"names %s",
				web->listen[i]);
	if (auth->mode == AUTH_MODE_ALL)
		return 0;
	path = c->http_token_file ? xstrdup(c->http_token_file)
				  : path_join(c->paths.base, "scheduler_token");
	rc = auth_token_load(path, auth->token, err);
	free(path);
	return rc;
}

/* It lies beside this program. */
static char *
find_query_program(void)
{
	char *folder = path_own_folder(), *program = path_join(folder ? folder : ".", "flowfile");

	free(folder);
	return program;
}

static void
try_again(struct web *web)
{
	const struct timeval pause = {AGAIN_S, 0};

	evtimer_add(web->again, &pause);
}

static int
try_start(struct web *web, struct err *err)
{
	if (api_start(&web->options, &web->api, err) < 0)
		return -1;
	for (size_t i = 0; web->listen[i]; i++)
		log_info(
			"The API is served address=%s port=%d", web->listen[i], api_port(web->api));
	if (web->options.unix_path)
		log_info("The API is served socket=%s", web->options.unix_path);
	return 0;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct web *web = arg;
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	if (try_start(web, &err) < 0)
		try_again(web);
}

int
web_start(struct event_base *base, const struct config *config, const char *holder_id,
	struct web **out, struct err *err)
{
	struct web *web = xcalloc(1, sizeof(*web));

	web->database = xstrdup(config->database);
	web->socket = config->http_socket ? xstrdup(config->http_socket) : NULL;
	web->holder_id = xstrdup(holder_id);
	web->query_program = find_query_program();
	web->python = config->python ? xstrdup(config->python) : NULL;
	web->temp_dir = config->engine_temp_dir ? xstrdup(config->engine_temp_dir) : NULL;
	web->listen = split(config->http_listen);
	web->hosts = split(config->http_hosts);
	web->origins = split(config->cors_origins);
	web->options = (struct api_options){
		.listen = (const char *const *)web->listen,
		.unix_path = web->socket,
		.unix_mode = 0600,
		.limits = http_limits_default,
		.database = web->database,
		.database_timeout_ms = (int)config->database_timeout_ms,
		.query_program = web->query_program,
		.query_timeout_ms = config->query_timeout_ms,
		.query_memory_bytes = config->query_memory_bytes,
		.queries_max = (int)config->queries_max,
		.engine_threads = (int)config->engine_threads,
		.engine_temp_dir = web->temp_dir,
		.python = web->python,
		.log_max_bytes = config->run_log_max_bytes,
		.paths = config->paths,
		.holder_id = web->holder_id,
		.version = PACKAGE_VERSION,
	};
	web->again = evtimer_new(base, on_again, web);
	assert(web->again);
	*out = web;
	if (!web->listen[0] && !config->http_socket)
		return 0;
	if (set_auth(web, config, err) < 0)
		return -1;
	if (try_start(web, err) == 0)
		return 0;
	if (err->code == ERR_USAGE)
		return -1;
	log_warning("The API is not served yet: %s", err->text);
	err_clear(err);
	try_again(web);
	return 0;
}

void
web_stop(struct web *web)
{
	if (!web)
		return;
	api_stop(web->api);
	secure_store_free(web->options.auth.store);
	event_free(web->again);
	free_list(web->listen);
	free_list(web->hosts);
	free_list(web->origins);
	free(web->database);
	free(web->socket);
	free(web->holder_id);
	free(web->query_program);
	free(web->temp_dir);
	free(web->python);
	free(web);
}

void
web_tell(struct web *web, const struct engine_status *status, bool stopping)
{
	const struct api_facts facts = {
		.engine = *status,
		.turn_boot_us = clock_boot(&clock_real).us,
		.heartbeat_boot_us = status->renewed_boot_us,
		.stopping = stopping,
	};

	if (web && web->api)
		api_tell(web->api, &facts);
}

void
web_changed(struct web *web)
{
	if (web && web->api)
		api_changed(web->api);
}
