/* PostgreSQL URLs: checked and shown without their password. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

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

static char *
display(const PQconninfoOption *options)
{
	const char *user = option(options, "user");
	const char *host = option(options, "host");
	const char *port = option(options, "port");
	const char *dbname = option(options, "dbname");
	struct buf text;

	buf_init(&text, 1024);
	buf_printf(&text, "postgresql://%s%s%s", user, user[0] != '\0' ? "@" : "", host);
	if (port[0] != '\0')
		buf_printf(&text, ":%s", port);
	buf_printf(&text, "/%s", dbname);
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
