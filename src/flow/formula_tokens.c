/* A formula's text as tokens: names, numbers, texts in quotes, [columns], operators; blanks and comments are none. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "formula_tree.h"

int
formula_error(const char *text, size_t at, struct err *err, const char *fmt, ...)
{
	size_t line = 1, column = 1;
	char message[512];
	va_list args;

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n')
			line++, column = 1;
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			column++;
	}
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (strchr(text, '\n') != NULL)
		return err_set(err, ERR_USAGE, "line %zu, column %zu: %s", line, column, message);
	return err_set(err, ERR_USAGE, "column %zu: %s", column, message);
}

static void
skip_blanks(struct lexer *l)
{
	const char *s = l->text;

	for (;;) {
		if (isspace((unsigned char)s[l->pos]))
			l->pos++;
		else if (s[l->pos] == '/' && s[l->pos + 1] == '/')
			l->pos += strcspn(s + l->pos, "\n");
		else
			return;
	}
}

/* --- texts ------------------------------------------------------------------------------------------ */

/* Escapes of one letter, as in Python, which reads the texts of formulas in Flowfile. */
static const struct {
	char letter, stands_for;
} escapes[] = {
	{'n', '\n'},
	{'t', '\t'},
	{'r', '\r'},
	{'a', '\a'},
	{'b', '\b'},
	{'f', '\f'},
	{'v', '\v'},
	{'\\', '\\'},
	{'\'', '\''},
	{'"', '"'},
};

/* Those by number: how many digits of which base. */
static const struct {
	char letter;
	int digits;
} numbered[] = {
	{'x', 2},
	{'u', 4},
	{'U', 8},
};

static void
add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_putc(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_putc(b, (char)(0xe0 | c >> 12));
		} else {
			buf_putc(b, (char)(0xf0 | c >> 18));
			buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_putc(b, (char)(0x80 | (c & 0x3f)));
}

/* Up to max digits at s; returns how many. */
static int
read_digits(const char *s, int base, int max, uint32_t *out)
{
	int n = 0;

	*out = 0;
	for (; n < max; n++) {
		int digit = isdigit((unsigned char)s[n]) ? s[n] - '0'
			: isxdigit((unsigned char)s[n])  ? tolower(s[n]) - 'a' + 10
							 : base;

		if (digit >= base)
			break;
		*out = *out * (uint32_t)base + (uint32_t)digit;
	}
	return n;
}

/* What follows a backslash, which l->pos is behind. What is no escape keeps its backslash: "\d" is for regular expressions. */
static int
read_escape(struct lexer *l, struct buf *b, struct err *err)
{
	const char *s = l->text + l->pos;
	uint32_t c;
	int n;

	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		if (*s == escapes[i].letter) {
			buf_putc(b, escapes[i].stands_for);
			l->pos++;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(numbered); i++)
		if (*s == numbered[i].letter) {
			n = read_digits(s + 1, 16, numbered[i].digits, &c);
			if (n < numbered[i].digits || c == 0 || c > 0x10ffff ||
				(c >= 0xd800 && c <= 0xdfff))
				return formula_error(l->text, l->pos - 1, err,
					"\\%c wants the number of a character in %d hexadecimal "
					"digits",
					*s, numbered[i].digits);
			add_utf8(b, c);
			l->pos += (size_t)n + 1;
			return 0;
		}
	n = read_digits(s, 8, 3, &c);
	if (n > 0 && c == 0)
		return formula_error(l->text, l->pos - 1, err, "a text cannot contain a NUL");
	if (n > 0)
		add_utf8(b, c);
	else if (*s != '\n') /* a backslash at the end of a line joins it with the next */
		buf_putc(b, '\\');
	l->pos += n > 0 ? (size_t)n : *s == '\n';
	return 0;
}

static int
read_text(struct lexer *l, struct token *out, struct err *err)
{
	char quote = l->text[l->pos++];
	struct buf b;
	int rc = 0;

	buf_init(&b, FORMULA_TEXT_MAX);
	while (rc == 0 && l->text[l->pos] != quote && l->text[l->pos] != '\0') {
		if (l->text[l->pos] == '\\') {
			l->pos++;
			rc = read_escape(l, &b, err);
		} else {
			buf_putc(&b, l->text[l->pos++]);
		}
	}
	if (rc == 0 && l->text[l->pos] == '\0')
		rc = formula_error(l->text, out->at, err, "this text has no end, a %c", quote);
	l->pos++;
	out->kind = TOKEN_TEXT;
	out->value = arena_strdup(l->a, buf_str(&b));
	buf_free(&b);
	return rc;
}

/* --- the others -------------------------------------------------------------------------------------- */

static int
read_column(struct lexer *l, struct token *out, struct err *err)
{
	size_t len = strcspn(l->text + ++l->pos, "]");

	if (l->text[l->pos + len] == '\0')
		return formula_error(l->text, out->at, err, "this column has no end, a ]");
	if (len == 0)
		return formula_error(l->text, out->at, err, "a column has a name, [] has none");
	out->kind = TOKEN_COLUMN;
	out->value = arena_printf(l->a, "%.*s", (int)len, l->text + l->pos);
	l->pos += len + 1;
	return 0;
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Digits with single _ between them, which are left out; returns how many bytes that are. */
static size_t
read_run(const char *s, struct buf *b)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]) ||
		(n > 0 && s[n] == '_' && isdigit((unsigned char)s[n + 1]))) {
		if (s[n] != '_')
			buf_putc(b, s[n]);
		n++;
	}
	return n;
}

static int
read_number(struct lexer *l, struct token *out, struct err *err)
{
	const char *s = l->text + l->pos;
	struct buf b;
	size_t n, exponent;

	buf_init(&b, FORMULA_TEXT_MAX);
	n = read_run(s, &b);
	out->kind = TOKEN_INT;
	if (s[n] == '.') {
		out->kind = TOKEN_FLOAT;
		buf_puts(&b, n == 0 ? "0." : ".");
		n++;
		n += read_run(s + n, &b);
		if (buf_str(&b)[b.len - 1] == '.')
			buf_putc(&b, '0');
	}
	exponent = (s[n] == 'e' || s[n] == 'E') ? n + 1 + (s[n + 1] == '-' || s[n + 1] == '+') : 0;
	if (exponent > 0 && isdigit((unsigned char)s[exponent])) {
		out->kind = TOKEN_FLOAT;
		buf_add(&b, s + n, exponent - n);
		n = exponent + read_run(s + exponent, &b);
	}
	l->pos += n;
	out->value = arena_strdup(l->a, buf_str(&b));
	buf_free(&b);
	if (is_word(s[n]) || s[n] == '.')
		return formula_error(
			l->text, out->at, err, "%.40s%c is no number", out->value, s[n]);
	return 0;
}

/* Those of two characters come first. */
static const char *const symbols[] = {
	"==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "&", "|"};

static const struct {
	char character;
	enum token_kind kind;
} marks[] = {
	{'(', TOKEN_OPEN},
	{')', TOKEN_CLOSE},
	{',', TOKEN_COMMA},
};

static int
read_symbol(struct lexer *l, struct token *out, struct err *err)
{
	const char *s = l->text + l->pos;
	bool valid;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (*s == marks[i].character) {
			out->kind = marks[i].kind;
			out->value = arena_printf(l->a, "%c", *s);
			l->pos++;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
		if (strncmp(s, symbols[i], strlen(symbols[i])) == 0) {
			out->kind = TOKEN_OPERATOR;
			out->value = symbols[i];
			l->pos += strlen(symbols[i]);
			return 0;
		}
	return formula_error(l->text, out->at, err, "%.*s has no meaning here",
		(int)text_utf8_step(s, strlen(s), &valid), s);
}

int
token_next(struct lexer *l, struct token *out, struct err *err)
{
	const char *s;
	size_t n = 0;

	skip_blanks(l);
	s = l->text + l->pos;
	*out = (struct token){.kind = TOKEN_END, .at = l->pos, .value = ""};
	if (*s == '\0')
		return 0;
	if (*s == '"' || *s == '\'')
		return read_text(l, out, err);
	if (*s == '[')
		return read_column(l, out, err);
	if (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1])))
		return read_number(l, out, err);
	if (!is_word(*s))
		return read_symbol(l, out, err);
	while (is_word(s[n]))
		n++;
	out->kind = TOKEN_NAME;
	out->value = arena_printf(l->a, "%.*s", (int)n, s);
	l->pos += n;
	return 0;
}
