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

/* The route of the path and the method. NULL: *methods are those that the path has, NULL when it has none. */
static const struct route *
find(const char *path, const char *method, struct arena *a, const char **captures,
	const char **methods)
{
	*methods = NULL;
	for (size_t i = 0; route_sets[i]; i++) {
		for (const struct route *x = route_sets[i]->routes; x->method; x++) {
			if (!matches(x->path, path, a, captures))
				continue;
			if (!strcmp(x->method, method))
				return x;
			*methods = *methods ? arena_printf(a, "%s, %s", *methods, x->method)
					    : x->method;
		}
	}
	return NULL;
}

int
route_find(const struct http_request *r, struct arena *a, const struct route **route,
	const char ***captures, const char **allow)
{
	const char *path = without_prefix(r->path), *methods;
	size_t len = strlen(r->path);

	*captures = arena_array(a, CAPTURES_MAX, sizeof(**captures));
	*allow = NULL;
	*route = find(path, r->method, a, *captures, &methods);
	if (*route)
		return 0;
	if (methods) {
		*allow = methods;
		return 405;
	}
	if (len < 2 || r->path[len - 1] != '/' || r->path[1] == '/')
		return 404;
	path = arena_printf(a, "%.*s", (int)(len - 1), r->path);
	if (!find(without_prefix(path), r->method, a, *captures, &methods) && !methods)
		return 404;
	*allow = arena_printf(a, "%s%s%s", path, r->query ? "?" : "", r->query ? r->query : "");
	return 307;
}
