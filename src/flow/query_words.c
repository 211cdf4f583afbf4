/* The words of a query, parted as the engine's own lexer does it. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "flow/query.h"

/* --- blanks -------------------------------------------------------------------------------------------- */

/* The length of a blank that is no ASCII, 0: there is none. Others are letters for the engine. */
static size_t
unicode_blank(const char *p)
{
	static const char *const blanks[] = {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x81\x9f",
		"\xe2\x81\xa0", "\xe3\x80\x80", "\xef\xbb\xbf", NULL};

	if ((*p & 0x80) == 0)
		return 0;
	for (size_t i = 0; blanks[i] != NULL; i++)
		if (text_starts(p, blanks[i]))
			return strlen(blanks[i]);
	/* U+2000 to U+200C */
	return text_starts(p, "\xe2\x80") && (p[2] & 0xff) >= 0x80 && (p[2] & 0xff) <= 0x8c ? 3 : 0;
}

/* Comments stand in each other. */
static const char *
skip_comment(const char *p)
{
	int depth = 0;

	do {
		if (p[0] == '/' && p[1] == '*') {
			depth++;
			p += 2;
		} else if (p[0] == '*' && p[1] == '/') {
			depth--;
			p += 2;
		} else if (*p != '\0') {
			p++;
		}
	} while (depth > 0 && *p != '\0');
	return p;
}

static const char *
skip_blank(const char *p)
{
	for (;;) {
		if (isspace((unsigned char)*p))
			p++;
		else if (p[0] == '-' && p[1] == '-')
			p += strcspn(p, "\r\n");
		else if (p[0] == '/' && p[1] == '*')
			p = skip_comment(p);
		else if (unicode_blank(p) > 0)
			p += unicode_blank(p);
		else
			return p;
	}
}

/* --- words ----------------------------------------------------------------------------------------------- */

static bool
begins_name(const char *p)
{
	return isalpha((unsigned char)*p) || *p == '_' ||
		((*p & 0x80) != 0 && unicode_blank(p) == 0);
}

static const char *
skip_name(const char *p)
{
	while (begins_name(p) || isdigit((unsigned char)*p) || *p == '$')
		p++;
	return p;
}

/* Without a sign. What stands behind it needs no blank before it: 1FROM is two words. */
static const char *
skip_number(const char *p)
{
	static const char digits[] = "0123456789_";
	const char *exponent;

	if (*p == '0' && (p[1] == 'x' || p[1] == 'X'))
		return p + 2 + strspn(p + 2, "0123456789abcdefABCDEF_");
	p += strspn(p, digits);
	if (*p == '.')
		p += 1 + strspn(p + 1, digits);
	if (*p != 'e' && *p != 'E')
		return p;
	exponent = p + 1 + (p[1] == '+' || p[1] == '-');
	return isdigit((unsigned char)*exponent) ? exponent + strspn(exponent, digits) : p;
}

/* The quote stands for itself where it is there twice, or behind a backslash if that escapes. */
static const char *
skip_quoted(const char *p, bool escapes)
{
	char quote = *p++;

	for (; *p != '\0'; p++) {
		if (escapes && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == quote && *++p != quote)
			return p;
	}
	return p;
}

/* The length of "$$" or "$tag$", 0: there is none. */
static size_t
dollar_tag(const char *p)
{
	const char *end = p + 1;

	if (*p != '$')
		return 0;
	if (begins_name(end))
		while (begins_name(end) || isdigit((unsigned char)*end))
			end++;
	return *end == '$' ? (size_t)(end + 1 - p) : 0;
}

static const char *
skip_dollars(const char *p, size_t tag)
{
	const char *end = p + tag;

	while (*end != '\0' && strncmp(end, p, tag) != 0)
		end++;
	return *end != '\0' ? end + tag : end;
}

static bool
is_escaped_string(const char *p)
{
	return (*p == 'e' || *p == 'E') && p[1] == '\'';
}

struct query_word
query_word(const char *p)
{
	const char *at = skip_blank(p), *end;
	enum query_word_kind kind;

	if (*at == '\0') {
		kind = QUERY_END;
		end = at;
	} else if (*at == '\'' || is_escaped_string(at)) {
		kind = QUERY_STRING;
		end = *at == '\'' ? skip_quoted(at, false) : skip_quoted(at + 1, true);
	} else if (dollar_tag(at) > 0) {
		kind = QUERY_STRING;
		end = skip_dollars(at, dollar_tag(at));
	} else if (*at == '"') {
		kind = QUERY_QUOTED;
		end = skip_quoted(at, false);
	} else if (begins_name(at)) {
		kind = QUERY_NAME;
		end = skip_name(at);
	} else if (isdigit((unsigned char)*at)) {
		kind = QUERY_NUMBER;
		end = skip_number(at);
	} else {
		kind = QUERY_SIGN;
		end = at + 1;
	}
	return (struct query_word){kind, at, (size_t)(end - at)};
}

/* --- what they say ------------------------------------------------------------------------------------------ */

static char *
without_quotes(const char *p, const char *end, bool escapes, struct arena *a)
{
	char quote = *p++, *text = arena_alloc(a, (size_t)(end - p) + 1), *out = text;

	for (; p < end; p++) {
		if (escapes && *p == '\\' && p + 1 < end)
			p++;
		else if (*p == quote && (++p >= end || *p != quote))
			break;
		*out++ = *p;
	}
	*out = '\0';
	return text;
}

const char *
query_word_text(const struct query_word *w, struct arena *a)
{
	const char *end = w->at + w->len;
	size_t tag;

	if (w->kind != QUERY_STRING && w->kind != QUERY_QUOTED)
		return arena_printf(a, "%.*s", (int)w->len, w->at);
	tag = dollar_tag(w->at);
	if (tag > 0)
		return arena_printf(a, "%.*s",
			(int)(w->len >= 2 * tag ? w->len - 2 * tag : w->len - tag), w->at + tag);
	return is_escaped_string(w->at) ? without_quotes(w->at + 1, end, true, a)
					: without_quotes(w->at, end, false, a);
}

bool
query_word_is(const struct query_word *w, const char *text)
{
	if (w->kind != QUERY_NAME && w->kind != QUERY_SIGN)
		return false;
	for (size_t i = 0; i < w->len; i++)
		if (tolower((unsigned char)w->at[i]) != tolower((unsigned char)text[i]))
			return false;
	return text[w->len] == '\0';
}

const char *
query_normalize(const char *text, struct arena *a)
{
	char *copy = arena_strdup(a, text), *p = copy, *end = NULL;
	struct query_word w;

	do {
		w = query_word(p);
		for (size_t n; p < w.at; p += n) {
			n = unicode_blank(p);
			if (n > 0)
				memset(p, ' ', n);
			else
				n = 1;
		}
		if (!query_word_is(&w, ";") && w.kind != QUERY_END)
			end = NULL;
		else if (end == NULL)
			end = p;
		p += w.len;
	} while (w.kind != QUERY_END);
	*end = '\0';
	return copy;
}
