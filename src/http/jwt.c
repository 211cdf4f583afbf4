#include "jwt.h"

#include <errno.h>
#include <jwt.h>
#include <stdbool.h>
#include <string.h>

/* A claim that is a time, if it is there at all: *at stays as it is when it is not. False: it is no number. */
static bool
read_time(jwt_t *jwt, const char *claim, int64_t *at)
{
	long n;

	errno = 0;
	n = jwt_get_grant_int(jwt, claim);
	if (errno == ENOENT)
		return true;
	if (errno != 0)
		return false;
	*at = n;
	return true;
}

/* Three parts of base64url, none empty: libjwt reads behind the end of an empty one. */
static bool
has_three_parts(const char *token)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
	size_t n;

	for (int part = 1;; part++) {
		n = strspn(token, digits);
		token += n;
		if (n == 0)
			return false;
		if (part == 3)
			return *token == '\0';
		if (*token++ != '.')
			return false;
	}
}

const char *
jwt_subject(const char *token, const char *secret, int64_t now_s, struct arena *a)
{
	int64_t expires_s = INT64_MAX, begins_s = INT64_MIN;
	const char *type, *subject, *result = NULL;
	jwt_t *jwt = NULL;

	/* The header's word for the algorithm is the sender's: anything but ours is refused, "none" first of all. */
	if (!has_three_parts(token) ||
		jwt_decode(&jwt, token, (const unsigned char *)secret, (int)strlen(secret)) != 0)
		return NULL;
	type = jwt_get_grant(jwt, "type");
	subject = jwt_get_grant(jwt, "sub");
	if (jwt_get_alg(jwt) == JWT_ALG_HS256 && read_time(jwt, "exp", &expires_s) &&
		read_time(jwt, "nbf", &begins_s) && expires_s > now_s && begins_s <= now_s &&
		(!type || strcmp(type, "refresh") != 0) && subject)
		result = arena_strdup(a, subject);
	jwt_free(jwt);
	return result;
}
