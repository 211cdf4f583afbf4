/*
 * A binary min-heap of nodes that live inside their owners. Ordered by key, then tie. The heap owns its
 * array, not the nodes; a node is in at most one heap.
 */
#ifndef FF_CORE_HEAP_H
#define FF_CORE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE UINT32_MAX

struct heap_node {
	int64_t key;
	int64_t tie;
	uint32_t index; /* HEAP_NOWHERE when in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t n, cap;
};

void heap_free(struct heap *h);
void heap_node_init(struct heap_node *node);
/* Adds the node, or moves it to a new key when it is in this heap. */
void heap_put(struct heap *h, struct heap_node *node, int64_t key, int64_t tie);
/* Fine when the node is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The smallest, NULL when empty. */
struct heap_node *heap_top(const struct heap *h);

#endif
