#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* _exit, not exit: handlers may want memory too, and nothing of worth is left in this process. */
static _Noreturn void
die(size_t size)
{
	static _Thread_local bool dying;

	if (!dying) {
		dying = true;
		log_error("Out of memory, giving up wanted_bytes=%zu", size);
	}
	_exit(EXIT_FAILURE);
}

/* A size of zero gives a byte, so that NULL always means failure. */
static void *
checked(void *p, size_t size)
{
	if (p == NULL)
		die(size);
	return p;
}

void *
xmalloc(size_t size)
{
	return checked(malloc(size > 0 ? size : 1), size);
}

void *
xcalloc(size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	return checked(calloc(n, size), n <= SIZE_MAX / size ? n * size : SIZE_MAX);
}

void *
xrealloc(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		die(SIZE_MAX);
	return checked(realloc(p, total > 0 ? total : 1), total);
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s), strlen(s) + 1);
}

char *
xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n), n);
}

char *
xasprintf(const char *fmt, ...)
{
	char *s;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		die(0);
	return s;
}

int
xstrset(char **dst, const char *src)
{
	char *old = *dst;

	if (old == src || (old != NULL && src != NULL && strcmp(old, src) == 0))
		return 0;
	/* src may be a part of the old text: copy first. */
	*dst = src != NULL ? xstrdup(src) : NULL;
	free(old);
	return 1;
}
