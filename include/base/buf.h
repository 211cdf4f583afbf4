/*
 * A growing string with a mandatory maximum. Going past the maximum marks the buffer as failed and
 * later writes do nothing; the owner checks buf_failed() once at the end.
 */
#ifndef FF_BASE_BUF_H
#define FF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* always NUL-terminated after the first write; NULL before */
	size_t len;
	size_t cap;
	size_t max; /* most bytes of content */
	bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empty, not failed; keeps the memory */

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The text; "" when nothing was written. Borrowed until the next write. */
const char *buf_str(const struct buf *b);
/* Hands the text over to the caller (owned), never NULL; the buffer is empty afterwards, and
 * still failed if it was. */
char *buf_take(struct buf *b);
static inline bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

#endif
