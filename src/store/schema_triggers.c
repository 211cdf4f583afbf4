/* Our triggers: which there should be, which there are, making them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/schema_parts.h"

#define TRIGGERS_MAX 64
#define NAME_SIZE 64

struct trigger {
	char name[NAME_SIZE];
	char table[NAME_SIZE];
};

static const char *
take_word(const char *p, char out[NAME_SIZE])
{
	size_t len;

	p += strspn(p, " \t\n");
	len = strcspn(p, " \t\n");
	assert(len > 0 && len < NAME_SIZE);
	snprintf(out, NAME_SIZE, "%.*s", (int)len, p);
	return p + len;
}

/* The triggers that the script makes: "CREATE TRIGGER name AFTER ... ON table". */
static int
wanted_triggers(const struct db *db, struct trigger out[TRIGGERS_MAX])
{
	static const char create[] = "\nCREATE TRIGGER ";
	const char *p = schema_script_text(db, "triggers");
	int n = 0;

	while ((p = strstr(p, create)) != NULL) {
		assert(n < TRIGGERS_MAX);
		p = take_word(p + sizeof(create) - 1, out[n].name);
		p = strstr(p, " ON ");
		assert(p != NULL);
		p = take_word(p + 4, out[n].table);
		n++;
	}
	return n;
}

int
schema_count_missing(struct db *db, int *missing, struct err *err)
{
	struct trigger wanted[TRIGGERS_MAX];
	int n = wanted_triggers(db, wanted);
	struct stmt *st = db_stmt(db, SQL_SCHEMA_TRIGGERS);
	int r;

	*missing = n;
	while ((r = stmt_step(st, err)) > 0) {
		for (int i = 0; i < n; i++)
			if (strcmp(col_text(st, 0), wanted[i].name) == 0 &&
				strcmp(col_text(st, 1), wanted[i].table) == 0)
				(*missing)--;
	}
	return r;
}

/* The rows first and then the statements: they change what is being read. */
int
schema_run_rows(struct db *db, enum sql_id id, struct err *err)
{
	struct stmt *st = db_stmt(db, id);
	struct arena arena = ARENA_INIT;
	char *all = arena_strdup(&arena, "");
	int r;

	while ((r = stmt_step(st, err)) > 0)
		all = arena_printf(&arena, "%s%s;\n", all, col_text(st, 0));
	if (r == 0)
		r = db_script(db, all, err);
	arena_free(&arena);
	return r;
}

int
schema_make_triggers(struct db *db, struct err *err)
{
	int64_t ignored;

	if (schema_run_rows(db, SQL_SCHEMA_DROP_TRIGGERS, err) < 0)
		return -1;
	if (stmt_get_int(db_stmt(db, SQL_SCHEMA_PIN_PATH), &ignored, err) < 0)
		return -1;
	return db_script(db, schema_script_text(db, "triggers"), err);
}
