#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Formatting goes to a scratch text first, because an argument may be the error's own text. */
struct scratch {
	char text[sizeof(((struct err *)0)->text)];
};

/* What snprintf cut must not end in half a character. */
static void
mend_cut(char *text, size_t size, int wanted)
{
	if (wanted >= 0 && (size_t)wanted >= size)
		text[text_utf8_floor(text, size - 1)] = '\0';
}

static void
format(struct scratch *s, const char *fmt, va_list ap)
{
	int n = vsnprintf(s->text, sizeof(s->text), fmt, ap);

	if (n < 0)
		snprintf(s->text, sizeof(s->text), "unprintable error (%s)", fmt);
	mend_cut(s->text, sizeof(s->text), n);
}

/* text := a ": " b */
static void
join(struct err *err, const char *a, const char *b)
{
	struct scratch s = {""};
	int n = snprintf(s.text, sizeof(s.text), "%s: %s", a, b);

	mend_cut(s.text, sizeof(s.text), n);
	memcpy(err->text, s.text, sizeof(err->text));
}

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	struct scratch s = {""};
	va_list ap;

	assert(code != ERR_NONE);
	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	format(&s, fmt, ap);
	va_end(ap);
	err->code = code;
	memcpy(err->text, s.text, sizeof(err->text));
	return -1;
}

int
err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	struct scratch s = {""};
	char reason[128];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	format(&s, fmt, ap);
	va_end(ap);
	err->code = errnum == ENOENT ? ERR_NOT_FOUND : ERR_FAILED;
	join(err, s.text, strerror_r(errnum, reason, sizeof(reason)));
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	struct scratch s = {""};
	va_list ap;

	if (err == NULL)
		return -1;
	assert(err->code != ERR_NONE);
	va_start(ap, fmt);
	format(&s, fmt, ap);
	va_end(ap);
	join(err, s.text, err->text);
	return -1;
}

void
err_clear(struct err *err)
{
	if (err == NULL)
		return;
	err->code = ERR_NONE;
	err->text[0] = '\0';
}

int
err_exit_status(const struct err *err)
{
	switch (err->code) {
	case ERR_USAGE:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
		return (int)err->code;
	default:
		return ERR_FAILED;
	}
}
