/* Who may ask: credentials, and where a request may come from. Contract 6, design section 11. */
#ifndef FF_HTTP_AUTH_H
#define FF_HTTP_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "http/route.h"
#include "http/secure_store.h"

enum auth_mode {
	AUTH_MODE_TOKEN, /* a bearer token of this daemon's, or its cookie: the local user */
	AUTH_MODE_FLOWFILE, /* Flowfile's JWT and internal token; ours, too */
	AUTH_MODE_ALL /* everybody is the local user: loopback and unix sockets only */
};

#define AUTH_TOKEN_SIZE 65
#define AUTH_COOKIE "flowfile_scheduler"

struct auth_options {
	enum auth_mode mode;
	char token[AUTH_TOKEN_SIZE]; /* 64 hex digits */
	const char *jwt_secret; /* FLOWFILE mode; NULL: no JWT is taken */
	const char *internal_token; /* NULL: none is taken */
	struct secure_store *store; /* has either where it is NULL; NULL: there is none */
	int64_t internal_user_id;
	bool desktop; /* Flowfile's mode is electron: its only user is local_user, id 1 */
	const char *const *cors_origins; /* NULL-terminated; NULL: none */
	const char *const *hosts; /* further names this server is reached by; NULL: none */
};

/* Reads the token file, or makes it, mode 0600. */
int auth_token_load(const char *path, char token[AUTH_TOKEN_SIZE], struct err *err);

/* Whether two secrets are the same, in a time that does not tell where they differ. */
bool auth_same(const char *a, const char *b);

/*
 * Host and Origin: 0, or the status and *why. A browser's page of another site must not drive the daemon, nor may a name
 * that somebody made resolve to this address.
 */
int auth_check_origin(const struct auth_options *o, const struct http_request *r, const char **why);
/* The headers that answer a request of an allowed origin; NULL: none are due. In the arena. */
const char *
auth_cors_headers(const struct auth_options *o, const struct http_request *r, struct arena *a);

/* Who asks, into c->who and c->cat->user_id. -1: call_fail() was called, 401, 400 or 403. */
int auth_identify(const struct auth_options *o, struct call *c);

/* Whether the token of this daemon is in the request: for what needs no catalog. */
bool auth_has_token(const struct auth_options *o, const struct http_request *r);

#endif
