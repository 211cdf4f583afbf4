/*
 * Memory that does not fail: out of memory is logged and ends the program (design: the state of the
 * world is in the database, a restart loses nothing).
 */
#ifndef FF_BASE_MEM_H
#define FF_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size); /* n * size, checked for overflow */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Replaces the owned string *dst by a copy of src; NULL frees it. Returns whether it differed. */
int xstrset(char **dst, const char *src);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
