/* A user's favorite and followed flows (contract 5.3). Favorite tables are catalog/tables.h's. */
#ifndef FF_CATALOG_FAVORITES_H
#define FF_CATALOG_FAVORITES_H

#include "base/json.h"
#include "catalog/catalog.h"

enum favorite_kind { FAVORITE_FLOW, FAVORITE_FOLLOW };

struct favorite_info {
	int64_t id;
	int64_t user_id;
	int64_t registration_id;
	int64_t created_us;
};

/* Of the catalog's user. One that is there already stays as it is. ERR_NOT_FOUND: no such flow. */
int favorites_add(struct catalog *cat, enum favorite_kind kind, int64_t registration_id,
	struct favorite_info *out, struct err *err);
/* ERR_NOT_FOUND: it was none. */
int favorites_remove(
	struct catalog *cat, enum favorite_kind kind, int64_t registration_id, struct err *err);
/* Ids of flows, the newest mark first. */
int favorites_list(struct catalog *cat, enum favorite_kind kind, struct arena *a, int64_t **ids,
	size_t *n, struct err *err);

void favorites_json(struct json *j, const struct favorite_info *favorite);

#endif
