/* Formulas: whatever is typed is translated or refused with a place. What is translated has its quotes and parentheses in pairs. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/formula.h"
#include "fuzz.h"

/* Outside of quotes no parenthesis is closed before it is opened, no statement ends, and no comment begins. */
static void
check_sql(const char *sql)
{
	int depth = 0;
	char quote = '\0';

	for (; *sql != '\0'; sql++) {
		if (quote != '\0') {
			quote = *sql == quote ? '\0' : quote;
		} else if (*sql == '\'' || *sql == '"') {
			quote = *sql;
		} else {
			depth += (*sql == '(') - (*sql == ')');
			assert(depth >= 0 && *sql != ';');
		}
	}
	assert(depth == 0 && quote == '\0');
}

/* The columns that a translated formula reads are there. */
static void
check_columns(const char *text, const struct columns *columns, struct arena *a)
{
	struct err err = ERR_INIT;
	const char **names;
	size_t n;

	assert(formula_columns(text, a, &names, &n, &err) == 0);
	for (size_t i = 0; i < n; i++)
		assert(columns_find(columns, names[i]) != NULL);
}

int
FUZZ_TARGET(formula)(const uint8_t *data, size_t size)
{
	struct column items[] = {{"a", "BIGINT"}, {"b", "VARCHAR"}, {"c", "DATE"}, {"d", "BOOLEAN"},
		{"e\"", "DOUBLE"}, {"f", "TIMESTAMP"}, {"g", "VARCHAR[]"}, {"h", "UUID"}};
	const struct columns columns = {items, ARRAY_LEN(items)};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct formula formula;
	char *text = xcalloc(1, size + 1);

	memcpy(text, data, size);
	if (formula_translate(text, &columns, &a, &formula, &err) == 0) {
		check_sql(formula.sql);
		check_columns(text, &columns, &a);
	} else {
		assert(err.code == ERR_USAGE && err.text[0] != '\0');
	}
	arena_free(&a);
	free(text);
	return 0;
}
