/* The tables that a query names, without the engine's parser: what follows FROM and JOIN, and commas behind FROM. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "flow/lineage.h"
#include "flow/query.h"

#define DEPTH_MAX 256

enum word { WORD_NAME, WORD_PUNCTUATION, WORD_END };

struct scan {
	const char *at;
	struct arena *arena;
	const char *text; /* of the word: a name without its quotes, or one sign */
	bool quoted;
	const char **names;
	size_t n;
	bool tables[DEPTH_MAX]; /* whether commas of this level of parentheses part tables */
	int depth;
};

static const char *
take_quoted(struct scan *s)
{
	char quote = *s->at++, *text = arena_alloc(s->arena, strlen(s->at) + 1), *p = text;

	while (*s->at != '\0') {
		if (*s->at == quote && *++s->at != quote)
			break;
		*p++ = *s->at++;
	}
	return text;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

static void
skip_blank(struct scan *s)
{
	s->at = query_skip_blank(s->at);
}

static enum word
next_word(struct scan *s)
{
	size_t len;

	skip_blank(s);
	s->quoted = *s->at == '"';
	if (*s->at == '\0')
		return WORD_END;
	if (s->quoted) {
		s->text = take_quoted(s);
		return WORD_NAME;
	}
	if (is_name_char(*s->at)) {
		for (len = 0; is_name_char(s->at[len]); len++)
			;
		s->text = arena_printf(s->arena, "%.*s", (int)len, s->at);
		s->at += len;
		return WORD_NAME;
	}
	if (*s->at == '\'') {
		take_quoted(s);
		s->text = "'";
		return WORD_PUNCTUATION;
	}
	s->text = arena_printf(s->arena, "%c", *s->at++);
	return WORD_PUNCTUATION;
}

static bool
is_one_of(const struct scan *s, const char *const *words)
{
	for (; !s->quoted && *words != NULL; words++)
		if (text_equal_nocase(s->text, *words))
			return true;
	return false;
}

static void
keep(struct scan *s, const char *name)
{
	const char **more;

	if (s->n % 16 == 0) {
		more = arena_array(s->arena, s->n + 17, sizeof(*more));
		if (s->n > 0)
			memcpy(more, s->names, s->n * sizeof(*more));
		s->names = more;
	}
	s->names[s->n++] = name;
}

static void
open_parenthesis(struct scan *s)
{
	if (s->depth + 1 < DEPTH_MAX)
		s->tables[++s->depth] = false;
}

/* What stands where a table may: "a.b.c". Parentheses and words that may be before it are gone over; a query of its own is not gone into. */
static void
take_table(struct scan *s)
{
	static const char *const before[] = {"LATERAL", "ONLY", NULL};
	static const char *const lists[] = {"FROM", "TABLE", "PIVOT", "UNPIVOT", NULL};
	static const char *const query[] = {"SELECT", "WITH", "VALUES", NULL};
	const char *name;

	for (;;) {
		skip_blank(s);
		if (*s->at == '(') {
			s->at++;
			open_parenthesis(s);
			s->tables[s->depth] = true;
			continue;
		}
		if (*s->at != '"' && !is_name_char(*s->at))
			return;
		next_word(s);
		if (is_one_of(s, query)) {
			s->tables[s->depth] = false;
			return;
		}
		if (is_one_of(s, lists))
			s->tables[s->depth] = true;
		else if (!is_one_of(s, before))
			break;
	}
	name = s->text;
	for (skip_blank(s); *s->at == '.'; skip_blank(s)) {
		s->at++;
		skip_blank(s);
		if (next_word(s) != WORD_NAME)
			break;
		name = arena_printf(s->arena, "%s.%s", name, s->text);
	}
	keep(s, name);
}

static void
take_sign(struct scan *s)
{
	if (*s->text == '(')
		open_parenthesis(s);
	else if (*s->text == ')' && s->depth > 0)
		s->depth--;
	else if (*s->text == ',' && s->tables[s->depth])
		take_table(s);
}

static void
take_name(struct scan *s)
{
	static const char *const begin[] = {"FROM", "JOIN", "TABLE", "PIVOT", "UNPIVOT", NULL};
	static const char *const end[] = {"SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT",
		"UNION", "INTERSECT", "EXCEPT", "WINDOW", "QUALIFY", "OFFSET", NULL};

	if (is_one_of(s, begin)) {
		s->tables[s->depth] = true;
		take_table(s);
	} else if (is_one_of(s, end)) {
		s->tables[s->depth] = false;
	}
}

const char **
lineage_query_names(const char *sql, struct arena *a)
{
	struct scan s = {.at = sql, .arena = a};
	enum word word;

	while ((word = next_word(&s)) != WORD_END) {
		if (word == WORD_NAME)
			take_name(&s);
		else
			take_sign(&s);
	}
	keep(&s, NULL);
	return s.names;
}
