/* Queries as they are looked at without the engine: every table that one names in the plain way is found. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/lineage.h"
#include "flow/query.h"
#include "fuzz.h"

static bool
is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* What comes behind a whole query in brackets hides nothing of it. */
static void
check_found(const char *text, struct arena *a)
{
	char *sql =
		arena_printf(a, "(SELECT * FROM a_table JOIN s.\"An other\" USING (k)) %s", text);
	const char *const *names = lineage_query_names(sql, a);

	assert(is_among(names, "a_table") && is_among(names, "s.An other"));
}

/* Each word lies behind the one before it, and they come to the end. */
static void
check_words(const char *text, size_t len, struct arena *a)
{
	const char *p = text;
	struct query_word w;

	while ((w = query_word(p)).kind != QUERY_END) {
		assert(w.at >= p && w.len > 0 && w.at + w.len <= text + len);
		(void)query_word_text(&w, a);
		p = w.at + w.len;
	}
}

int
FUZZ_TARGET(query)(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	char *text = xcalloc(1, size + 1);

	memcpy(text, data, size);
	check_words(text, strlen(text), &a);
	(void)query_normalize(text, &a);
	check_found(text, &a);
	arena_free(&a);
	free(text);
	return 0;
}
