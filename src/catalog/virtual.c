#include "catalog/virtual.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- the gate ------------------------------------------------------------------------------------------------ */

/* The query without comments, in upper case, one blank between words. Owned. */
static char *
normalize(const char *q)
{
	char *out = xmalloc(strlen(q) + 1), *p = out;

	while (*q) {
		const char *end = q[0] == '/' && q[1] == '*' ? strstr(q + 2, "*/") : NULL;
		bool blank = true;

		if (end)
			q = end + 2;
		else if (q[0] == '-' && q[1] == '-')
			q += strcspn(q, "\r\n");
		else if (isspace((unsigned char)*q))
			q++;
		else
			blank = false;
		if (!blank)
			*p++ = (char)toupper((unsigned char)*q++);
		else if (p > out && p[-1] != ' ')
			*p++ = ' ';
	}
	while (p > out && p[-1] == ' ')
		p--;
	*p = '\0';
	return out;
}

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

/* What a rule's word is followed by. */
enum follow {
	ANY, /* whatever is no part of a word */
	BLANK,
	PAREN, /* "(", maybe behind a blank */
	UPDATED /* " name SET" */
};

static bool
follows(const char *p, enum follow what)
{
	const char *name;

	switch (what) {
	case ANY:
		return !is_word_char(*p);
	case BLANK:
		return *p == ' ';
	case PAREN:
		return p[strspn(p, " ")] == '(';
	case UPDATED:
		if (*p != ' ')
			return false;
		for (name = ++p; is_word_char(*p); p++)
			continue;
		return p > name && strncmp(p, " SET", 4) == 0 && !is_word_char(p[4]);
	}
	return false;
}

/* In the order they are told. */
static const struct {
	const char *word;
	enum follow then;
	const char *what;
} forbidden[] = {
	{"DROP", BLANK, "DROP statements are"},
	{"CREATE", BLANK, "CREATE statements are"},
	{"ALTER", BLANK, "ALTER statements are"},
	{"TRUNCATE", BLANK, "TRUNCATE statements are"},
	{"RENAME", BLANK, "RENAME statements are"},
	{"INSERT INTO", ANY, "INSERT statements are"},
	{"UPDATE", UPDATED, "UPDATE statements are"},
	{"DELETE FROM", ANY, "DELETE statements are"},
	{"EXEC", PAREN, "EXECUTE statements are"},
	{"EXECUTE", PAREN, "EXECUTE statements are"},
	{"CALL", BLANK, "CALL statements (stored procedures) are"},
	{"GRANT", BLANK, "GRANT statements are"},
	{"REVOKE", BLANK, "REVOKE statements are"},
	{"COPY", ANY, "COPY statements are"},
	{"MERGE", BLANK, "MERGE statements are"},
	{"INTO OUTFILE", ANY, "INTO OUTFILE is"},
	{"LOAD DATA", ANY, "LOAD DATA statements are"},
	{"PRAGMA", ANY, "PRAGMA statements are"},
	{"ATTACH", ANY, "ATTACH statements are"},
	{"DETACH", ANY, "DETACH statements are"},
};

static bool
contains(const char *text, const char *word, enum follow then)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		if ((p == text || !is_word_char(p[-1])) && follows(p + len, then))
			return true;
	return false;
}

/* The function that stands where a table should, behind FROM, JOIN or a comma; NULL. Its length in *len. */
static const char *
table_function(const char *text, size_t *len)
{
	static const char *const before[] = {"FROM ", "JOIN "};

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		for (const char *p = text; (p = strstr(p, before[i])) != NULL;) {
			bool whole = p == text || !is_word_char(p[-1]);

			p += strlen(before[i]);
			for (*len = 0; is_word_char(p[*len]);)
				++*len;
			if (whole && *len > 0 && follows(p + *len, PAREN) &&
				strncmp(p, "SELECT", *len) != 0 && strncmp(p, "LATERAL", *len) != 0)
				return p;
		}
	}
	return NULL;
}

static int
check_reads(const char *text, struct err *err)
{
	const char *name;
	char lower[64];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (contains(text, forbidden[i].word, forbidden[i].then))
			return err_set(err, ERR_USAGE, "%s not allowed", forbidden[i].what);
	name = table_function(text, &len);
	if (name == NULL)
		return 0;
	if (len >= sizeof(lower))
		len = sizeof(lower) - 1;
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[len] = '\0';
	return err_set(err, ERR_USAGE,
		"SQL table functions are not allowed (found '%s(...)'). "
		"Reference connected inputs by name (input_1, input_2, ...).",
		lower);
}

int
virtual_check_query(const char *query, struct err *err)
{
	char *text;
	int rc;

	if (query[strspn(query, " \t\r\n\v\f")] == '\0')
		return err_set(err, ERR_USAGE, "SQL query cannot be empty");
	text = normalize(query);
	if (strncmp(text, "SELECT ", 7) != 0 &&
		(strncmp(text, "WITH ", 5) != 0 || strstr(text, " SELECT ") == NULL))
		rc = err_set(err, ERR_USAGE,
			"Only SELECT queries are allowed. The query must start with SELECT or "
			"WITH (for common table expressions).");
	else
		rc = check_reads(text, err);
	free(text);
	return rc;
}

/* --- changes --------------------------------------------------------------------------------------------------- */

static int
set_producer(struct catalog *cat, int64_t id, int64_t flow_id, struct err *err)
{
	struct stmt *st;
	int64_t found, now;

	if (catalog_count(cat, SQL_CAT_FLOW_EXISTS, flow_id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Producer flow not found");
	if (tables_next_stamp(cat, id, &now, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_SET_PRODUCER);
	stmt_int(st, 1, flow_id);
	stmt_time(st, 2, now);
	stmt_int(st, 3, id);
	return stmt_exec(st, NULL, err);
}

static int
set_query(struct catalog *cat, int64_t id, const struct virtual_change *change, struct err *err)
{
	struct stmt *st;
	int64_t now;

	if (virtual_check_query(change->sql_query, err) < 0 ||
		tables_next_stamp(cat, id, &now, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_SET_QUERY);
	stmt_text(st, 1, change->sql_query);
	stmt_time(st, 2, now);
	stmt_int(st, 3, id);
	stmt_text(st, 4, change->schema_json);
	stmt_int_or_null(st, 5, change->column_count, COUNT_NONE);
	return stmt_exec(st, NULL, err);
}

/* The table as it is, if it is virtual, and by a query if that is asked for. */
static int
get_virtual(struct catalog *cat, int64_t id, bool by_query, struct arena *a, struct table_info *out,
	struct err *err)
{
	const char *missing =
		by_query ? "Query virtual table not found" : "Virtual table not found";

	if (tables_get(cat, id, a, out, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			err_set(err, ERR_NOT_FOUND, "%s", missing);
		return -1;
	}
	if (!table_is_virtual(out) ||
		(by_query && (out->sql_query == NULL || *out->sql_query == '\0')))
		return err_set(err, ERR_NOT_FOUND, "%s", missing);
	return 0;
}

int
virtual_get_query(
	struct catalog *cat, int64_t id, struct arena *a, struct table_info *out, struct err *err)
{
	return get_virtual(cat, id, true, a, out, err);
}

static int
update(struct catalog *cat, int64_t id, const struct virtual_change *change, bool by_query,
	struct arena *a, struct err *err)
{
	struct table_info old;

	if (get_virtual(cat, id, by_query, a, &old, err) < 0 ||
		tables_apply(cat, id, &change->record, a, err) < 0)
		return -1;
	if (by_query && change->sql_query != NULL &&
		!catalog_same(change->sql_query, old.sql_query))
		return set_query(cat, id, change, err);
	if (!by_query && change->producer_registration_id != ID_NONE &&
		change->producer_registration_id != old.producer_registration_id)
		return set_producer(cat, id, change->producer_registration_id, err);
	return 0;
}

static int
update_whole(struct catalog *cat, int64_t id, const struct virtual_change *change, bool by_query,
	struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update(cat, id, change, by_query, &a, err), err);
	arena_free(&a);
	return rc;
}

int
virtual_update_flow(
	struct catalog *cat, int64_t id, const struct virtual_change *change, struct err *err)
{
	return update_whole(cat, id, change, false, err);
}

int
virtual_update_query(
	struct catalog *cat, int64_t id, const struct virtual_change *change, struct err *err)
{
	return update_whole(cat, id, change, true, err);
}
