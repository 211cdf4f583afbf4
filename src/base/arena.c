#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Under the address sanitizer, using memory of a turn that is over is reported. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define BLOCK_MIN ((size_t)16 * 1024)
#define BLOCK_MAX ((size_t)1024 * 1024) /* the most that grows by itself and outlives a reset */
#define ALIGNMENT alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t cap;
	size_t used;
	alignas(max_align_t) char data[];
};

static struct arena_block *
block_new(size_t cap)
{
	struct arena_block *b = xrealloc(NULL, 1, sizeof(*b) + cap);

	b->next = NULL;
	b->cap = cap;
	b->used = 0;
	POISON(b->data, cap);
	return b;
}

static void
block_free(struct arena_block *b)
{
	UNPOISON(b->data, b->cap);
	free(b);
}

/* A block with room for size bytes at the head, or, for a big piece, behind it. */
static struct arena_block *
block_for(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;
	size_t cap = b == NULL ? BLOCK_MIN : b->cap * 2;

	if (b != NULL && b->cap - b->used >= size)
		return b;
	if (cap > BLOCK_MAX)
		cap = BLOCK_MAX;
	if (size <= cap / 2) {
		b = block_new(cap);
		b->next = a->head;
		a->head = b;
		return b;
	}
	/* Its own block, so that what is left of the head is not wasted. */
	b = block_new(size);
	if (a->head == NULL) {
		a->head = b;
	} else {
		b->next = a->head->next;
		a->head->next = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b;
	void *p;

	if (size == 0)
		size = 1;
	if (size > SIZE_MAX / 2) /* more than there is; ends the program */
		return xrealloc(NULL, size, 2);
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	b = block_for(a, size);
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	UNPOISON(p, size);
	return memset(p, 0, size);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		total = SIZE_MAX;
	return arena_alloc(a, total);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t size;

	if (s == NULL)
		return NULL;
	size = strlen(s) + 1;
	return memcpy(arena_alloc(a, size), s, size);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	s = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *keep = NULL, *next;

	/* Keep the biggest, so that a steady load soon runs in one block. */
	for (struct arena_block *b = a->head; b != NULL; b = next) {
		next = b->next;
		if (b->cap <= BLOCK_MAX && (keep == NULL || b->cap > keep->cap)) {
			if (keep != NULL)
				block_free(keep);
			keep = b;
		} else {
			block_free(b);
		}
	}
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = 0;
		POISON(keep->data, keep->cap);
	}
	a->head = keep;
	a->used = 0;
}

void
arena_free(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->head; b != NULL; b = next) {
		next = b->next;
		block_free(b);
	}
	a->head = NULL;
	a->used = 0;
}
