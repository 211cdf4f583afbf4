#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Counted downwards, because INT64_MIN has no positive twin. */
bool
text_to_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	int64_t v = 0;
	bool negative;

	if (s == NULL)
		return false;
	negative = *s == '-';
	if (negative)
		s++;
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *s - '0', &v))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, v, &v))
		return false;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool
text_to_bool(const char *s, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true},
		{"false", false},
		{"yes", true},
		{"no", false},
		{"on", true},
		{"off", false},
		{"1", true},
		{"0", false},
	};

	if (s == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_equal_nocase(s, words[i].word)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

bool
text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* ASCII only: what counts as equal must not hang on the locale. */
bool
text_equal_nocase(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

char *
text_trim(char *s)
{
	size_t len;

	while (is_blank(*s))
		s++;
	len = strlen(s);
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

/* The word that is being read, and the words that are complete. */
struct splitter {
	struct buf word;
	bool in_word; /* "" is a word, too */
	char **words;
	size_t n;
};

static void
splitter_add(struct splitter *sp, char c)
{
	sp->in_word = true;
	buf_putc(&sp->word, c);
}

static void
splitter_end_word(struct splitter *sp)
{
	if (!sp->in_word)
		return;
	sp->words = xrealloc(sp->words, sp->n + 2, sizeof(*sp->words));
	sp->words[sp->n++] = buf_take(&sp->word);
	sp->words[sp->n] = NULL;
	sp->in_word = false;
}

/* Reads what follows an unquoted backslash; p is at the character behind it. */
static const char *
split_escape(struct splitter *sp, const char *p, struct err *err)
{
	if (*p == '\0') {
		err_set(err, ERR_USAGE, "a backslash at the end escapes nothing");
		return NULL;
	}
	if (*p != '\n') /* backslash and newline: the line goes on */
		splitter_add(sp, *p);
	return p + 1;
}

static const char *
split_single(struct splitter *sp, const char *p, struct err *err)
{
	sp->in_word = true;
	for (; *p != '\''; p++) {
		if (*p == '\0') {
			err_set(err, ERR_USAGE, "a single quote is not closed");
			return NULL;
		}
		splitter_add(sp, *p);
	}
	return p + 1;
}

static const char *
split_double(struct splitter *sp, const char *p, struct err *err)
{
	sp->in_word = true;
	for (; *p != '"'; p++) {
		if (*p == '\\' && p[1] == '\n') {
			p++;
			continue;
		}
		if (*p == '\\' && p[1] != '\0' && strchr("$`\"\\", p[1]) != NULL)
			p++;
		if (*p == '\0') {
			err_set(err, ERR_USAGE, "a double quote is not closed");
			return NULL;
		}
		splitter_add(sp, *p);
	}
	return p + 1;
}

/* One step of the line; NULL with err when it cannot be read. */
static const char *
split_step(struct splitter *sp, const char *p, struct err *err)
{
	switch (*p) {
	case ' ':
	case '\t':
	case '\n':
		splitter_end_word(sp);
		return p + 1;
	case '\\':
		return split_escape(sp, p + 1, err);
	case '\'':
		return split_single(sp, p + 1, err);
	case '"':
		return split_double(sp, p + 1, err);
	default:
		splitter_add(sp, *p);
		return p + 1;
	}
}

char **
text_split_words(const char *line, size_t *n, struct err *err)
{
	struct splitter sp = {.words = xcalloc(1, sizeof(char *))};
	const char *p = line;

	buf_init(&sp.word, strlen(line));
	while (p != NULL && *p != '\0')
		p = split_step(&sp, p, err);
	if (p == NULL) {
		text_free_words(sp.words);
		sp.words = NULL;
	} else {
		splitter_end_word(&sp);
		*n = sp.n;
	}
	buf_free(&sp.word);
	return sp.words;
}

void
text_free_words(char **words)
{
	if (words == NULL)
		return;
	for (char **w = words; *w != NULL; w++)
		free(*w);
	free(words);
}

/*
 * The second byte of a sequence is where overlong forms, surrogates and what is past U+10FFFF are
 * told apart (Unicode, table 3-7 "Well-Formed UTF-8 Byte Sequences").
 */
static const struct utf8_lead {
	unsigned char first, last; /* lead bytes */
	unsigned char low, high; /* second byte */
	unsigned char len;
} utf8_leads[] = {
	{0xC2, 0xDF, 0x80, 0xBF, 2},
	{0xE0, 0xE0, 0xA0, 0xBF, 3},
	{0xE1, 0xEC, 0x80, 0xBF, 3},
	{0xED, 0xED, 0x80, 0x9F, 3},
	{0xEE, 0xEF, 0x80, 0xBF, 3},
	{0xF0, 0xF0, 0x90, 0xBF, 4},
	{0xF1, 0xF3, 0x80, 0xBF, 4},
	{0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const struct utf8_lead *
utf8_find_lead(unsigned char c)
{
	for (size_t i = 0; i < ARRAY_LEN(utf8_leads); i++) {
		if (c >= utf8_leads[i].first && c <= utf8_leads[i].last)
			return &utf8_leads[i];
	}
	return NULL;
}

size_t
text_utf8_step(const char *s, size_t len, bool *valid)
{
	const unsigned char *u = (const unsigned char *)s;
	const struct utf8_lead *lead;
	size_t i;

	assert(len > 0);
	*valid = u[0] < 0x80;
	if (*valid)
		return 1;
	lead = utf8_find_lead(u[0]);
	if (lead == NULL)
		return 1;
	if (len < 2 || u[1] < lead->low || u[1] > lead->high)
		return 1;
	for (i = 2; i < lead->len; i++) {
		if (i >= len || (u[i] & 0xC0) != 0x80)
			return i;
	}
	*valid = true;
	return i;
}

size_t
text_utf8_floor(const char *s, size_t n)
{
	size_t start = n;
	bool valid;

	while (start > 0 && n - start < 3 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0 || utf8_find_lead((unsigned char)s[start - 1]) == NULL)
		return n; /* ends in ASCII, or in something that is no UTF-8 anyway */
	start--;
	if (text_utf8_step(s + start, n - start, &valid) == n - start && !valid)
		return start;
	return n;
}

bool
text_is_utf8(const char *s, size_t len)
{
	bool valid = true;

	for (size_t i = 0; valid && i < len;)
		i += text_utf8_step(s + i, len - i, &valid);
	return valid;
}

size_t
text_width(const char *s)
{
	size_t len = strlen(s), width = 0;
	bool valid;

	for (size_t i = 0; i < len; width++)
		i += text_utf8_step(s + i, len - i, &valid);
	return width;
}

void
text_copy(char *out, size_t size, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n >= size)
		n = text_utf8_floor(s, size - 1);
	if (n > 0)
		memcpy(out, s, n);
	out[n] = '\0';
}

uint64_t
text_hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}

const char *
text_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}
