/* The tables that a query names, without the engine's parser: what follows FROM and JOIN, and commas behind FROM. */
#include <string.h>

#include "base/text.h"
#include "flow/lineage.h"
#include "flow/query.h"

#define DEPTH_MAX 256

struct scan {
	const char *at; /* behind the word */
	struct arena *arena;
	struct query_word word;
	const char **names;
	size_t n;
	bool tables[DEPTH_MAX]; /* whether commas of this level of parentheses part tables */
	size_t depth;
};

static struct query_word
next_word(struct scan *s)
{
	s->word = query_word(s->at);
	s->at = s->word.at + s->word.len;
	return s->word;
}

static bool
is_one_of(const struct scan *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (query_word_is(&s->word, *words))
			return true;
	return false;
}

/* Further down than we count any comma may part tables. */
static bool
parts_tables(const struct scan *s)
{
	return s->depth >= DEPTH_MAX || s->tables[s->depth];
}

static void
set_parts_tables(struct scan *s, bool tables)
{
	if (s->depth < DEPTH_MAX)
		s->tables[s->depth] = tables;
}

static void
open_parenthesis(struct scan *s, bool tables)
{
	s->depth++;
	set_parts_tables(s, tables);
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

static bool
is_name(const struct query_word *w)
{
	return w->kind == QUERY_NAME || w->kind == QUERY_QUOTED || w->kind == QUERY_STRING;
}

/* A name, and what follows it with dots: "a.b.c". */
static const char *
take_name(struct scan *s)
{
	const char *name = query_word_text(&s->word, s->arena);
	struct query_word dot, part;

	for (;;) {
		dot = query_word(s->at);
		part = query_word(dot.at + dot.len);
		if (!query_word_is(&dot, "."))
			return name;
		s->at = dot.at + dot.len;
		if (!is_name(&part))
			return name;
		name = arena_printf(s->arena, "%s.%s", name, query_word_text(&part, s->arena));
		s->at = part.at + part.len;
	}
}

/* "FROM x : t" calls t x. */
static bool
was_alias(struct scan *s)
{
	struct query_word w = query_word(s->at);

	if (!query_word_is(&w, ":"))
		return false;
	s->at = w.at + w.len;
	return true;
}

/* What stands where a table may: "a.b.c". Parentheses and words that may be before it are gone over; a query of its own is not gone into. */
static void
take_table(struct scan *s)
{
	static const char *const before[] = {"LATERAL", "ONLY", NULL};
	static const char *const lists[] = {
		"FROM", "TABLE", "PIVOT", "PIVOT_WIDER", "PIVOT_LONGER", "UNPIVOT", NULL};
	static const char *const query[] = {"SELECT", "WITH", NULL};
	bool inside = false;

	for (;;) {
		const char *before_it = s->at;

		next_word(s);
		if (query_word_is(&s->word, "(")) {
			open_parenthesis(s, true);
			inside = true;
			continue;
		}
		if (!is_name(&s->word)) {
			s->at = before_it;
			return;
		}
		if (is_one_of(s, query) || (inside && query_word_is(&s->word, "VALUES"))) {
			set_parts_tables(s, false);
			return;
		}
		if (is_one_of(s, lists)) {
			set_parts_tables(s, true);
		} else if (!is_one_of(s, before)) {
			const char *name = take_name(s);

			if (!was_alias(s)) {
				keep(s, name);
				return;
			}
		}
		inside = false;
	}
}

static void
take_sign(struct scan *s)
{
	struct query_word next = query_word(s->at);

	if (query_word_is(&s->word, "("))
		open_parenthesis(s, false);
	else if (query_word_is(&s->word, ")") && s->depth > 0)
		s->depth--;
	else if (query_word_is(&s->word, ",") && parts_tables(s))
		take_table(s);
	else if (query_word_is(&s->word, ".") && is_name(&next))
		next_word(s); /* a column, whatever it is called */
}

static void
take_word(struct scan *s)
{
	static const char *const begin[] = {
		"FROM", "JOIN", "TABLE", "PIVOT", "PIVOT_WIDER", "PIVOT_LONGER", "UNPIVOT", NULL};
	static const char *const end[] = {"SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT",
		"UNION", "INTERSECT", "EXCEPT", "WINDOW", "QUALIFY", "OFFSET", NULL};

	if (is_one_of(s, begin)) {
		set_parts_tables(s, true);
		take_table(s);
	} else if (is_one_of(s, end)) {
		set_parts_tables(s, false);
	}
}

const char **
lineage_query_names(const char *sql, struct arena *a)
{
	struct scan s = {.at = sql, .arena = a};

	while (next_word(&s).kind != QUERY_END) {
		if (s.word.kind == QUERY_NAME)
			take_word(&s);
		else if (s.word.kind == QUERY_SIGN)
			take_sign(&s);
	}
	keep(&s, NULL);
	return s.names;
}
