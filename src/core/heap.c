#include "core/heap.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void
heap_free(struct heap *h)
{
	free(h->nodes);
	*h = (struct heap){NULL, 0, 0};
}

void
heap_node_init(struct heap_node *node)
{
	*node = (struct heap_node){0, 0, HEAP_NOWHERE};
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void
place(struct heap *h, size_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->index = (uint32_t)i;
}

static void
sift_up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0 && before(node, h->nodes[(i - 1) / 2])) {
		place(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, node);
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && before(h->nodes[child + 1], h->nodes[child]))
			child++;
		if (!before(h->nodes[child], node))
			break;
		place(h, i, h->nodes[child]);
		i = child;
	}
	place(h, i, node);
}

void
heap_put(struct heap *h, struct heap_node *node, int64_t key, int64_t tie)
{
	heap_remove(h, node);
	node->key = key;
	node->tie = tie;
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 16;
		h->nodes = xrealloc(h->nodes, h->cap, sizeof(*h->nodes));
	}
	h->n++;
	assert(h->n < HEAP_NOWHERE);
	sift_up(h, h->n - 1, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	struct heap_node *last;
	size_t i = node->index;

	if (node->index == HEAP_NOWHERE)
		return;
	assert(i < h->n && h->nodes[i] == node);
	node->index = HEAP_NOWHERE;
	last = h->nodes[--h->n];
	if (last == node)
		return;
	if (i > 0 && before(last, h->nodes[(i - 1) / 2]))
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

struct heap_node *
heap_top(const struct heap *h)
{
	return h->n ? h->nodes[0] : NULL;
}
