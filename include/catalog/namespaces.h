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
	const char *storage_uri, *storage_connection_name; /* NULL: none */
};
int namespaces_create(
	struct catalog *cat, const struct namespace_new *new, int64_t *id, struct err *err);
/* What is not set, and a name or description that is NULL, stays. */
struct namespace_change {
	const char *name, *description;
	bool set_storage_uri, set_storage_connection;
	const char *storage_uri, *storage_connection_name; /* NULL clears */
};
/* Dots and names that are taken are refused as on creation (D-29). Storage: only of level 0 without physical tables. */
int namespaces_update(
	struct catalog *cat, int64_t id, const struct namespace_change *change, struct err *err);
/* Refused while it has children, flows, tables or notebooks. */
int namespaces_delete(struct catalog *cat, int64_t id, struct err *err);

/* General.default; ID_NONE when there is none. */
int namespaces_default(struct catalog *cat, int64_t *id, struct err *err);

/*
 * Removes the flows that collected in General's "Unnamed Flows" or "Python Editor", and their files where those are
 * in the folders for such flows. Flows with artifacts are kept. *allowed is false for any other namespace.
 */
struct namespace_cleanup {
	bool allowed;
	int64_t deleted, kept;
};
int
namespaces_cleanup(struct catalog *cat, int64_t id, struct namespace_cleanup *out, struct err *err);

void namespaces_json(struct json *j, const struct namespace_info *ns);
/* The same without the end of the object: the tree adds to it. */
void namespaces_json_open(struct json *j, const struct namespace_info *ns);

#endif
