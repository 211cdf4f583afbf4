/* PostgreSQL URLs: checked and shown without their password. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/backend.h"
#include "store/libpq.h"

static const char *
option(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val != NULL ? options->val : "";
	return "";
}

/* libpq's own messages quote the text, and with it perhaps the password. */
static int
malformed(struct err *err)
{
	return err_set(err, ERR_USAGE,
		"malformed PostgreSQL URL; it goes postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
		"with "
		"characters like @ / : # %% in the password written as %%40 %%2F %%3A %%23 %%25");
}

/* A password that was not escaped ends in the port, the host or the database's name, and from there
 * in messages. */
static bool
plausible(const PQconninfoOption *options)
{
	return strspn(option(options, "port"), "0123456789,") == strlen(option(options, "port")) &&
		strchr(option(options, "dbname"), '@') == NULL &&
		strpbrk(option(options, "host"), "@ ") == NULL;
}

static void
put_escaped(struct buf *text, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x80 || isalnum(c) || strchr("-._~/,", c) != NULL)
			buf_putc(text, *s);
		else
			buf_printf(text, "%%%02X", c);
	}
}

static bool
is_among(const char *keyword, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(keyword, *names) == 0)
			return true;
	return false;
}

/* Behind the '?' what has no other place: a socket's folder, several hosts, sslmode and the like. No secrets, which
 * libpq marks with a '*'. */
static void
put_rest(struct buf *text, const PQconninfoOption *options, const char *const *told)
{
	char sign = '?';

	for (; options->keyword != NULL; options++) {
		if (options->val == NULL || options->val[0] == '\0' ||
			options->dispchar[0] == '*' || is_among(options->keyword, told))
			continue;
		buf_printf(text, "%c%s=", sign, options->keyword);
		put_escaped(text, options->val);
		sign = '&';
	}
}

/* A URL that is good for the same database, where its password comes from elsewhere. */
static char *
display(const PQconninfoOption *options)
{
	static const char *const plain[] = {"user", "dbname", "host", "port", NULL};
	static const char *const short_form[] = {"user", "dbname", NULL};
	const char *user = option(options, "user");
	const char *host = option(options, "host");
	const char *port = option(options, "port");
	bool in_front = strpbrk(host, "/,") == NULL;
	struct buf text;

	buf_init(&text, 4096);
	buf_puts(&text, "postgresql://");
	put_escaped(&text, user);
	buf_puts(&text, user[0] != '\0' ? "@" : "");
	if (in_front) {
		buf_printf(&text, strchr(host, ':') != NULL ? "[%s]" : "%s", host);
		buf_printf(&text, "%s%s", port[0] != '\0' ? ":" : "", port);
	}
	buf_putc(&text, '/');
	put_escaped(&text, option(options, "dbname"));
	put_rest(&text, options, in_front ? plain : short_form);
	if (buf_failed(&text)) { /* longer than any that is meant */
		buf_free(&text);
		return xasprintf("postgresql://%s", host);
	}
	return buf_take(&text);
}

int
postgres_url_parse(const char *url, struct db_url *out, struct err *err)
{
	const struct libpq *pq = libpq_load(err);
	PQconninfoOption *options;
	char *message = NULL;
	int r = 0;

	if (pq == NULL)
		return -1;
	options = pq->PQconninfoParse(url, &message);
	pq->PQfreemem(message);
	if (options == NULL)
		return malformed(err);
	if (plausible(options)) {
		out->type = DB_POSTGRES;
		out->location = xstrdup(url);
		out->display = display(options);
	} else {
		r = malformed(err);
	}
	pq->PQconninfoFree(options);
	return r;
}
