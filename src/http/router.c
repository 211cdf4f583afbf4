/* From a method and a path to a route. */
#include <string.h>

#include "http/route.h"

/* Flowfile's page asks under /api, its core serves without (contract 5). */
static const char *
without_prefix(const char *path)
{
	return strncmp(path, "/api/", 5) == 0 ? path + 4 : path;
}

static size_t
segment(const char *p)
{
	return strcspn(p, "/");
}

/* Whether the path is the pattern's; fills captures of its {parameters}. */
static bool
matches(const char *pattern, const char *path, struct arena *a, const char **captures)
{
	size_t n = 0, want, have;

	while (*pattern == '/' && *path == '/') {
		want = segment(++pattern);
		have = segment(++path);
		if (*pattern == '{') {
			if (have == 0)
				return false;
			captures[n++] = arena_printf(a, "%.*s", (int)have, path);
		} else if (want != have || strncmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == '\0' && *path == '\0';
}

#define CAPTURES_MAX 4

int
route_find(const struct http_request *r, struct arena *a, const struct route **route,
	const char ***captures, const char **allow)
{
	const char *path = without_prefix(r->path);
	size_t len = strlen(r->path);
	const char *methods = NULL;

	*captures = arena_array(a, CAPTURES_MAX, sizeof(**captures));
	for (size_t i = 0; route_sets[i]; i++) {
		for (const struct route *x = route_sets[i]->routes; x->method; x++) {
			if (!matches(x->path, path, a, *captures))
				continue;
			if (!strcmp(x->method, r->method)) {
				*route = x;
				return 0;
			}
			methods =
				methods ? arena_printf(a, "%s, %s", methods, x->method) : x->method;
		}
	}
	*allow = methods;
	if (methods)
		return 405;
	if (len > 1 && r->path[len - 1] == '/' && r->path[1] != '/') {
		*allow = arena_printf(a, "%.*s%s%s", (int)(len - 1), r->path, r->query ? "?" : "",
			r->query ? r->query : "");
		return 307;
	}
	return 404;
}
