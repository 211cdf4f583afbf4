/* Where a text stops being JSON, in the words and with the offsets of Flowfile's decoder (Python's json). What passes
 * here is also JSON to the stricter half of readers: no control characters, no leading zeros. */
#include "json_fault.h"

#include <ctype.h>
#include <string.h>

struct scanner {
	const char *text, *end;
	struct json_fault *fault;
	int depth;
};

static const char *
fail(struct scanner *s, const char *at, const char *why)
{
	s->fault->why = why;
	s->fault->offset = 0;
	/* Characters, not bytes. */
	for (const char *p = s->text; p < at && p < s->end; p++)
		s->fault->offset += ((unsigned char)*p & 0xc0) != 0x80;
	return NULL;
}

static const char *
skip_blanks(const struct scanner *s, const char *p)
{
	while (p < s->end && strchr(" \t\n\r", *p) && *p)
		p++;
	return p;
}

static bool
is_at(const struct scanner *s, const char *p, char c)
{
	return p < s->end && *p == c;
}

/* p is behind the backslash; returns what is behind the escape. */
static const char *
scan_escape(struct scanner *s, const char *p)
{
	int value = 0;

	if (*p != 'u')
		return *p && strchr("\"\\/bfnrt", *p) ? p + 1 : fail(s, p - 1, "Invalid \\escape");
	if (s->end - p <= 5)
		return fail(s, p, "Invalid \\uXXXX escape");
	for (int i = 1; i <= 4; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return fail(s, p, "Invalid \\uXXXX escape");
		value |= p[i] != '0';
	}
	return value ? p + 5 : fail(s, p - 1, "Unsupported \\u0000 escape");
}

/* p is behind the quote. */
static const char *
scan_string(struct scanner *s, const char *p)
{
	const char *begin = p - 1;

	while (p && p < s->end && *p != '"') {
		if ((unsigned char)*p < 0x20)
			return fail(s, p, "Invalid control character at");
		if (*p != '\\')
			p++;
		else if (++p == s->end)
			break;
		else
			p = scan_escape(s, p);
	}
	if (!p)
		return NULL;
	return p < s->end ? p + 1 : fail(s, begin, "Unterminated string starting at");
}

static const char *
skip_digits(const struct scanner *s, const char *p)
{
	while (p < s->end && isdigit((unsigned char)*p))
		p++;
	return p;
}

static const char *
scan_number(struct scanner *s, const char *start)
{
	const char *p = start + (*start == '-'), *q;

	if (p >= s->end || !isdigit((unsigned char)*p))
		return fail(s, start, "Expecting value");
	p = *p == '0' ? p + 1 : skip_digits(s, p);
	if (is_at(s, p, '.') && (q = skip_digits(s, p + 1)) > p + 1)
		p = q;
	if (is_at(s, p, 'e') || is_at(s, p, 'E')) {
		const char *digits = p + 1 + (is_at(s, p + 1, '+') || is_at(s, p + 1, '-'));

		if ((q = skip_digits(s, digits)) > digits)
			p = q;
	}
	return p;
}

static const char *scan_value(struct scanner *s, const char *p);

/* p is behind the brace. */
static const char *
scan_object(struct scanner *s, const char *p)
{
	p = skip_blanks(s, p);
	if (is_at(s, p, '}'))
		return p + 1;
	for (;;) {
		if (!is_at(s, p, '"'))
			return fail(s, p, "Expecting property name enclosed in double quotes");
		if (!(p = scan_string(s, p + 1)))
			return NULL;
		p = skip_blanks(s, p);
		if (!is_at(s, p, ':'))
			return fail(s, p, "Expecting ':' delimiter");
		if (!(p = scan_value(s, skip_blanks(s, p + 1))))
			return NULL;
		p = skip_blanks(s, p);
		if (is_at(s, p, '}'))
			return p + 1;
		if (!is_at(s, p, ','))
			return fail(s, p, "Expecting ',' delimiter");
		p = skip_blanks(s, p + 1);
	}
}

/* p is behind the bracket. */
static const char *
scan_array(struct scanner *s, const char *p)
{
	p = skip_blanks(s, p);
	if (is_at(s, p, ']'))
		return p + 1;
	for (;;) {
		if (!(p = scan_value(s, p)))
			return NULL;
		p = skip_blanks(s, p);
		if (is_at(s, p, ']'))
			return p + 1;
		if (!is_at(s, p, ','))
			return fail(s, p, "Expecting ',' delimiter");
		p = skip_blanks(s, p + 1);
	}
}

static const char *
scan_value(struct scanner *s, const char *p)
{
	static const char *const words[] = {"null", "true", "false"};
	size_t len;

	if (p >= s->end)
		return fail(s, p, "Expecting value");
	for (size_t i = 0; i < 3; i++) {
		len = strlen(words[i]);
		if ((size_t)(s->end - p) >= len && strncmp(p, words[i], len) == 0)
			return p + len;
	}
	if (*p == '"')
		return scan_string(s, p + 1);
	if (*p != '{' && *p != '[')
		return scan_number(s, p);
	if (s->depth >= JSON_FAULT_DEPTH_MAX)
		return fail(s, p, "Too deeply nested");
	s->depth++;
	p = *p == '{' ? scan_object(s, p + 1) : scan_array(s, p + 1);
	s->depth--;
	return p;
}

bool
json_find_fault(const char *text, size_t len, struct json_fault *fault)
{
	struct scanner s = {.text = text, .end = text + len, .fault = fault};
	const char *p = scan_value(&s, skip_blanks(&s, text));

	if (p && (p = skip_blanks(&s, p)) != s.end)
		p = fail(&s, p, "Extra data");
	return p == NULL;
}
