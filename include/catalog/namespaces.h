/* Namespaces: level 0 is a catalog, level 1 a schema in it (contract 5.2). */
#ifndef FF_CATALOG_NAMESPACES_H
#define FF_CATALOG_NAMESPACES_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"

struct namespace_info {
	int64_t id;
	const char *name;
	int64_t parent_id; /* ID_NONE: level 0 */
	int64_t level;
	const char *description;
	int64_t owner_id;
	int64_t created_us, updated_us;
	const char *storage_uri, *storage_connection_name;
	const char *full_name; /* "catalog.schema". Not in the API */
};

struct namespace_list {
	struct namespace_info *items; /* by name, then id */
	size_t n;
};

/* parent_id ID_NONE: the roots only; NAMESPACES_ALL: every one. */
#define NAMESPACES_ALL INT64_C(-1)
int namespaces_list(struct catalog *cat, int64_t parent_id, struct arena *a,
	struct namespace_list *out, struct err *err);
int namespaces_get(struct catalog *cat, int64_t id, struct arena *a, struct namespace_info *out,
	struct err *err);
/* "Namespace not found" unless it is there or ID_NONE. */
int namespaces_check(struct catalog *cat, int64_t id, struct err *err);

struct namespace_new {
	const char *name;
	int64_t parent_id;
	const char *description;
};
int namespaces_create(
	struct catalog *cat, const struct namespace_new *new, int64_t *id, struct err *err);
/* NULL keeps. Dots and names that are taken are refused as on creation (D-29). */
int namespaces_update(struct catalog *cat, int64_t id, const char *name, const char *description,
	struct err *err);
/* Refused while it has children, flows, tables or notebooks. */
int namespaces_delete(struct catalog *cat, int64_t id, struct err *err);

/* General.default; ID_NONE when there is none. */
int namespaces_default(struct catalog *cat, int64_t *id, struct err *err);

void namespaces_json(struct json *j, const struct namespace_info *ns);

#endif
