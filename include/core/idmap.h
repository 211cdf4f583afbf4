/* A map from row ids to pointers: 16 bytes an entry, no allocation per entry. Owns nothing it points to. */
#ifndef FF_CORE_IDMAP_H
#define FF_CORE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	int64_t id;
	void *value; /* NULL: free */
};

struct idmap {
	struct idmap_slot *slots;
	size_t n, cap; /* cap is a power of two, or 0 */
};

void idmap_free(struct idmap *m);
void *idmap_get(const struct idmap *m, int64_t id);
/* value is not NULL; replaces what was there. */
void idmap_put(struct idmap *m, int64_t id, void *value);
/* Returns what was there, or NULL. */
void *idmap_remove(struct idmap *m, int64_t id);
/* Walks all values in no order; start with *pos = 0; NULL at the end. No put or remove in between. */
void *idmap_each(const struct idmap *m, size_t *pos);
/* Some value, NULL when there is none: to take out all, one after another. *pos is 0 at first. */
void *idmap_any(const struct idmap *m, size_t *pos);

#endif
