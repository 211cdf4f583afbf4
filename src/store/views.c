#include "store/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/schema_parts.h"

#define SCRIPT_MAX (64 * 1024)

static const char *
script_text(void)
{
	const struct schema_script *s = schema_scripts;

	while (strcmp(s->name, "access-views") != 0)
		s++;
	return s->text;
}

/* What stands before the name of a table, so that it is not the view's own: "main.", "\"public\".". Owned by the caller. */
static char *
schema_prefix(struct db *db, struct err *err)
{
	struct stmt *st;
	char *prefix = NULL;

	if (db_get_type(db) == DB_SQLITE)
		return xstrdup("main.");
	st = db_stmt_text(db, "SELECT quote_ident(current_schema()) || '.'");
	if (stmt_step(st, err) > 0 && !col_null(st, 0))
		prefix = xstrdup(col_text(st, 0));
	else if (err->code == ERR_NONE)
		err_set(err, ERR_FAILED, "there is no current schema");
	stmt_finish(st);
	return prefix;
}

int
views_make(struct db *db, struct err *err)
{
	char *prefix = schema_prefix(db, err);
	struct buf text;
	int rc;

	if (!prefix)
		return -1;
	buf_init(&text, SCRIPT_MAX);
	/* Comments stay behind: one of them explains the sign. */
	for (const char *line = script_text(), *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		for (const char *p = line; strncmp(line, "--", 2) != 0 && p < end; p++)
			if (*p == '@')
				buf_puts(&text, prefix);
			else
				buf_putc(&text, *p);
	}
	rc = db_script(db, buf_str(&text), err);
	buf_free(&text);
	free(prefix);
	return rc < 0 ? err_prefix(err, "views of what a user may see") : 0;
}

int
views_show(struct db *db, int64_t user_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_ACCESS_SET_USER);

	stmt_int(st, 1, user_id);
	return stmt_exec(st, NULL, err);
}
