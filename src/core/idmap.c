#include "core/idmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
idmap_free(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){NULL, 0, 0};
}

/* Fibonacci hashing: row ids are dense, this spreads them over the high bits. */
static size_t
home(const struct idmap *m, int64_t id)
{
	uint64_t h = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);

	return (size_t)(h >> 20) & (m->cap - 1);
}

static struct idmap_slot *
find(const struct idmap *m, int64_t id)
{
	size_t i = home(m, id);

	while (m->slots[i].value && m->slots[i].id != id)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

void *
idmap_get(const struct idmap *m, int64_t id)
{
	return m->cap ? find(m, id)->value : NULL;
}

static void
grow(struct idmap *m)
{
	struct idmap old = *m;

	m->cap = old.cap ? 2 * old.cap : 16;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			*find(m, old.slots[i].id) = old.slots[i];
	free(old.slots);
}

void
idmap_put(struct idmap *m, int64_t id, void *value)
{
	struct idmap_slot *slot;

	assert(value);
	if (4 * (m->n + 1) > 3 * m->cap)
		grow(m);
	slot = find(m, id);
	if (!slot->value)
		m->n++;
	*slot = (struct idmap_slot){id, value};
}

void *
idmap_remove(struct idmap *m, int64_t id)
{
	struct idmap_slot *slot = m->cap ? find(m, id) : NULL;
	void *value = slot ? slot->value : NULL;
	size_t hole, i;

	if (!value)
		return NULL;
	m->n--;
	/* Close the gap: pull back every later entry of the run that may stand in the hole. */
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & (m->cap - 1); m->slots[i].value; i = (i + 1) & (m->cap - 1)) {
		size_t h = home(m, m->slots[i].id);

		if (((i - h) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct idmap_slot){0, NULL};
	return value;
}

void *
idmap_each(const struct idmap *m, size_t *pos)
{
	while (*pos < m->cap) {
		void *value = m->slots[(*pos)++].value;

		if (value)
			return value;
	}
	return NULL;
}

/* Goes on from where it was, since the front is empty by then; what a removal moved back comes in the next round. */
void *
idmap_any(const struct idmap *m, size_t *pos)
{
	void *value = idmap_each(m, pos);

	if (value || m->n == 0)
		return value;
	*pos = 0;
	return idmap_each(m, pos);
}
