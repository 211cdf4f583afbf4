/*
 * An arena: memory that is given out piece by piece and freed all at once. What lives for one turn
 * of the engine, or for one command, lives here.
 */
#ifndef FF_BASE_ARENA_H
#define FF_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head; /* the block in use, first; full ones behind it */
	size_t used; /* bytes given out since the last reset */
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Zeroed memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forgets everything given out; keeps one block for the next use. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
