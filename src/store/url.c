/*
 * Where a catalog is. The forms are SQLAlchemy's, so that FLOWFILE_DATABASE_URL means the same to
 * all: three slashes before a relative path, four before an absolute one, nothing decoded in
 * between.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/backend.h"

/* "postgresql+driver" has the family "postgresql". 0 when url has no scheme. */
static size_t
scheme_length(const char *url, size_t *family)
{
	size_t n = 0;

	while (isalnum((unsigned char)url[n]) || strchr("+-._", url[n]) != NULL) {
		if (url[n] == '\0')
			return 0;
		n++;
	}
	if (n == 0 || strncmp(url + n, "://", 3) != 0)
		return 0;
	*family = strcspn(url, "+:");
	return n;
}

static bool
family_is(const char *url, size_t family, const char *name)
{
	return strlen(name) == family && strncmp(url, name, family) == 0;
}

static int
set_path(struct db_url *out, const char *path, struct err *err)
{
	out->type = DB_SQLITE;
	out->memory = path[0] == '\0' || strcmp(path, ":memory:") == 0;
	if (!out->memory && text_starts(path, "file:"))
		return err_set(err, ERR_USAGE,
			"\"%.200s\": file: URIs are not supported; write the path by itself", path);
	out->location = xstrdup(out->memory ? ":memory:" : path);
	out->display = xstrdup(out->location);
	return 0;
}

/* rest: what follows "sqlite://" */
static int
parse_sqlite(const char *rest, struct db_url *out, struct err *err)
{
	if (strcmp(rest, ":memory:") == 0 || rest[0] == '\0')
		return set_path(out, ":memory:", err);
	if (rest[0] != '/')
		return err_set(err, ERR_USAGE,
			"\"sqlite://%.200s\": write three slashes before a relative path, four "
			"before an "
			"absolute one",
			rest);
	if (strchr(rest, '?') != NULL)
		return err_set(err, ERR_USAGE,
			"\"sqlite://%.200s\": options after \"?\" are not supported", rest);
	return set_path(out, rest + 1, err);
}

static int
parse_postgres(const char *rest, struct db_url *out, struct err *err)
{
#ifdef HAVE_POSTGRES
	/* libpq knows no drivers. */
	char *url = xasprintf("postgresql%s", rest);
	int r = postgres_url_parse(url, out, err);

	free(url);
	return r;
#else
	(void)rest;
	(void)out;
	return err_set(err, ERR_USAGE, "this program was built without PostgreSQL");
#endif
}

int
db_url_parse(const char *url, struct db_url *out, struct err *err)
{
	size_t family = 0;
	size_t scheme;

	*out = (struct db_url){0};
	if (url == NULL || url[0] == '\0')
		return err_set(err, ERR_USAGE, "no database given");
	scheme = scheme_length(url, &family);
	if (scheme == 0)
		return set_path(out, url, err);
	if (family_is(url, family, "sqlite"))
		return parse_sqlite(url + scheme + 3, out, err);
	if (family_is(url, family, "postgresql") || family_is(url, family, "postgres"))
		return parse_postgres(url + scheme, out, err);
	/* The rest may hold a password. */
	return err_set(err, ERR_USAGE,
		"\"%.*s://\" is not a database this program knows: sqlite:// or postgresql://",
		(int)(scheme < 40 ? scheme : 40), url);
}

void
db_url_free(struct db_url *url)
{
	free(url->location);
	free(url->display);
	*url = (struct db_url){0};
}
