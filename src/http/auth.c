#include "http/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/users.h"
#include "jwt.h"

/* --- secrets ---------------------------------------------------------------------------------------------- */

bool
auth_same(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	volatile unsigned char difference = na != nb;

	for (size_t i = 0; i < na; i++)
		difference |= (unsigned char)(a[i] ^ b[nb ? i % nb : 0]);
	return difference == 0;
}

static bool
is_token(const char *s)
{
	return strlen(s) == AUTH_TOKEN_SIZE - 1 &&
		strspn(s, "0123456789abcdef") == AUTH_TOKEN_SIZE - 1;
}

/* Whole or not at all: written aside, and linked to its name unless another daemon was faster. */
static int
make_token(const char *path, struct err *err)
{
	unsigned char bytes[(AUTH_TOKEN_SIZE - 1) / 2];
	char token[AUTH_TOKEN_SIZE + 1], *aside = xasprintf("%s.XXXXXX", path);
	int fd = -1, rc = -1;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		err_errno(err, errno, "random numbers");
		goto out;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	strcat(token, "\n");
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, token, strlen(token)) < 0 ||
		(link(aside, path) < 0 && errno != EEXIST))
		err_errno(err, errno, "token file %s", path);
	else
		rc = 0;
	if (fd >= 0) {
		close(fd);
		unlink(aside);
	}
out:
	free(aside);
	return rc;
}

int
auth_token_load(const char *path, char token[AUTH_TOKEN_SIZE], struct err *err)
{
	struct err why = ERR_INIT;
	struct stat st;
	char *text;

	text = file_read(path, 4096, NULL, &why);
	if (!text && why.code == ERR_NOT_FOUND) {
		err_clear(&why);
		if (make_token(path, err) < 0)
			return -1;
		text = file_read(path, 4096, NULL, &why);
	}
	if (!text)
		return err_set(err, why.code, "token file %s: %s", path, why.text);
	text[strcspn(text, " \t\r\n")] = '\0';
	if (!is_token(text)) {
		free(text);
		return err_set(err, ERR_USAGE,
			"token file %s: not 64 hex digits; delete it, and a new one is made", path);
	}
	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
		free(text);
		return err_set(err, ERR_USAGE,
			"token file %s: others may read it; chmod 600 it, or delete it", path);
	}
	memcpy(token, text, AUTH_TOKEN_SIZE);
	free(text);
	return 0;
}

/* --- where a request comes from ------------------------------------------------------------------------------ */

static bool
in_list(const char *const *list, const char *s, size_t len)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strlen(list[i]) == len && !strncasecmp(list[i], s, len))
			return true;
	return false;
}

/* An address by which loopback and this machine are reached; any literal address: no name resolves to it by surprise. */
static bool
is_own_host(const struct auth_options *o, const char *host, size_t len)
{
	if (len > 0 && host[0] == '[')
		return true;
	if (len > 0 && strspn(host, "0123456789.") >= len)
		return true;
	return (len == 9 && !strncasecmp(host, "localhost", 9)) || in_list(o->hosts, host, len);
}

static size_t
host_len(const char *host)
{
	return host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
}

/* "http://localhost:8080" is allowed by itself; "http://localhost:*" stands for every port. */
static bool
origin_is_allowed(const struct auth_options *o, const char *origin)
{
	size_t len = strlen(origin), n;

	for (size_t i = 0; o->cors_origins && o->cors_origins[i]; i++) {
		n = strlen(o->cors_origins[i]);
		if (n > 2 && !strcmp(o->cors_origins[i] + n - 2, ":*")) {
			if (len >= n - 2 && !strncasecmp(o->cors_origins[i], origin, n - 2) &&
				(origin[n - 2] == ':' || origin[n - 2] == '\0'))
				return true;
		} else if (!strcasecmp(o->cors_origins[i], origin)) {
			return true;
		}
	}
	return false;
}

int
auth_check_origin(const struct auth_options *o, const struct http_request *r, const char **why)
{
	const char *host = http_request_header(r, "host");
	const char *origin = http_request_header(r, "origin");
	const char *authority;

	if (!host && !r->is_unix) {
		*why = "A Host header is required";
		return 400;
	}
	for (size_t i = 0, n = 0; i < r->n_headers; i++) {
		n += !strcmp(r->headers[i].name, "host");
		if (n > 1) {
			*why = "There is more than one Host header";
			return 400;
		}
	}
	if (host && !r->is_unix && !is_own_host(o, host, host_len(host))) {
		*why = "This server is not reached by that name: see http_hosts";
		return 421;
	}
	if (!origin || origin_is_allowed(o, origin))
		return 0;
	/* A page of this server itself. */
	authority = strstr(origin, "://");
	if (host && authority && !strcasecmp(authority + 3, host))
		return 0;
	*why = "Pages of that origin may not use this server: see cors_origins";
	return 403;
}

const char *
auth_cors_headers(const struct auth_options *o, const struct http_request *r, struct arena *a)
{
	const char *origin = http_request_header(r, "origin");

	if (!origin || !origin_is_allowed(o, origin) || strpbrk(origin, "\r\n"))
		return NULL;
	return arena_printf(a,
		"access-control-allow-origin: %s\r\naccess-control-allow-credentials: true\r\n"
		"vary: Origin\r\n",
		origin);
}

/* --- who asks --------------------------------------------------------------------------------------------------- */

/* The token behind "Bearer"; NULL without. */
static const char *
bearer(const struct http_request *r)
{
	const char *value = http_request_header(r, "authorization");

	if (!value || strncasecmp(value, "bearer ", 7) != 0)
		return NULL;
	value += 7;
	return value + strspn(value, " ");
}

static bool
cookie_is(const struct http_request *r, const char *token)
{
	const char *p = http_request_header(r, "cookie");
	const size_t len = sizeof(AUTH_COOKIE) - 1;
	char value[AUTH_TOKEN_SIZE];
	size_t n;

	while (p && *p) {
		p += strspn(p, "; ");
		n = strcspn(p, ";");
		if (n == len + AUTH_TOKEN_SIZE && !strncmp(p, AUTH_COOKIE "=", len + 1)) {
			memcpy(value, p + len + 1, AUTH_TOKEN_SIZE - 1);
			value[AUTH_TOKEN_SIZE - 1] = '\0';
			if (auth_same(value, token))
				return true;
		}
		p += n;
	}
	return false;
}

bool
auth_has_token(const struct auth_options *o, const struct http_request *r)
{
	const char *token = bearer(r);

	if (o->mode == AUTH_MODE_ALL || r->is_unix)
		return true;
	return o->token[0] && ((token && auth_same(token, o->token)) || cookie_is(r, o->token));
}

static int
refuse(struct call *c, const char *why)
{
	call_header(c, "www-authenticate", "Bearer");
	return call_fail(c, 401, "%s", why);
}

static int
be_local_user(struct call *c)
{
	if (users_local(c->cat->db, &c->who.user_id, &c->err) < 0)
		return -1;
	c->who.username = "local_user";
	c->who.admin = true;
	return 0;
}

static void
be_user(struct call *c, const struct user_info *user)
{
	c->who.user_id = user->id;
	c->who.username = user->username;
	c->who.admin = user->admin;
	c->who.restricted = !user->admin;
}

/* Contract 6.2: the kernel's owner, where a kernel says which one it is and its owner may still work. */
static int
be_service(const struct auth_options *o, struct call *c)
{
	const char *kernel = http_request_header(c->request, "x-kernel-id");
	struct user_info owner;
	int rc;

	rc = kernel ? users_of_kernel(c->cat, kernel, c->a, &owner, &c->err) : 0;
	if (rc < 0)
		return -1;
	if (rc > 0 && !owner.disabled) {
		be_user(c, &owner);
	} else {
		c->who.user_id = o->internal_user_id;
		c->who.username = "_internal_service";
	}
	c->who.internal = true;
	return 0;
}

static const char *
jwt_secret(const struct auth_options *o)
{
	if (o->jwt_secret || !o->store)
		return o->jwt_secret;
	return secure_store_get(o->store)->jwt_secret;
}

static const char *
internal_token(const struct auth_options *o)
{
	if (o->internal_token || !o->store)
		return o->internal_token;
	return secure_store_get(o->store)->internal_token;
}

/* Contract 6.1. On a desktop there is one user, who has no row of their own. */
static int
be_bearer(const struct auth_options *o, struct call *c, const char *token, const char *secret)
{
	const char *name = jwt_subject(token, secret, clock_wall(&clock_real) / US_PER_SEC, c->a);
	struct user_info user;
	int rc;

	if (name && o->desktop && !strcmp(name, "local_user")) {
		c->who.user_id = 1;
		c->who.username = "local_user";
		c->who.admin = true;
		return 0;
	}
	if (!name || o->desktop)
		return refuse(c, "Could not validate credentials");
	rc = users_by_name(c->cat, name, c->a, &user, &c->err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return refuse(c, "Could not validate credentials");
	if (user.disabled)
		return call_fail(c, 400, "Inactive user");
	be_user(c, &user);
	return 0;
}

static bool
has_internal_token(const struct auth_options *o, const struct call *c)
{
	const char *token = http_request_header(c->request, "x-internal-token"), *right;

	if (c->route->auth != AUTH_ANY || !token || !*token)
		return false;
	right = internal_token(o);
	return right && *right && auth_same(token, right);
}

int
auth_identify(const struct auth_options *o, struct call *c)
{
	const char *token = bearer(c->request), *secret;

	if (c->route->auth == AUTH_NONE)
		return 0;
	if (auth_has_token(o, c->request))
		return be_local_user(c);
	if (o->mode == AUTH_MODE_FLOWFILE && has_internal_token(o, c))
		return be_service(o, c);
	if (!token)
		return refuse(c, "Not authenticated");
	secret = o->mode == AUTH_MODE_FLOWFILE ? jwt_secret(o) : NULL;
	if (secret && *secret)
		return be_bearer(o, c, token, secret);
	return refuse(c, "Could not validate credentials");
}
