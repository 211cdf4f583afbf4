/* Registered flows (contract 5.3). What is returned lives in the arena. */
#ifndef FF_CATALOG_FLOWS_H
#define FF_CATALOG_FLOWS_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/favorites.h"

/* A table in a flow's lists. */
struct table_ref {
	int64_t id;
	const char *name;
	int64_t namespace_id; /* ID_NONE: none */
};

struct flow_info {
	int64_t id;
	const char *name;
	const char *description; /* may be NULL */
	const char *flow_path;
	int64_t namespace_id;
	int64_t owner_id;
	int64_t created_us, updated_us;
	const char *flow_uuid;
	bool is_api_compatible;
	bool is_favorite, is_following; /* of the catalog's user */
	int64_t run_count; /* by uuid, as the next two */
	int64_t last_run_us; /* TIME_NONE: never */
	enum tri last_run_success;
	int64_t last_run_id; /* ID_NONE: never */
	const char *last_run_status; /* runs_status(); NULL: never. Not in the API */
	int64_t artifact_count;
	bool file_exists;
	struct table_ref *produced, *read;
	size_t n_produced, n_read;
	const char *namespace_name; /* "catalog.schema"; NULL without a namespace. Not in the API */
};

struct flow_list {
	struct flow_info *items; /* by name, then id */
	size_t n;
};

/* namespace_id ID_NONE: all. */
int flows_list(struct catalog *cat, int64_t namespace_id, struct arena *a, struct flow_list *out,
	struct err *err);
int
flows_get(struct catalog *cat, int64_t id, struct arena *a, struct flow_info *out, struct err *err);

/* Flows whose last runs, this many at least, all failed; only the ids and names are filled in. Needs our tables. */
int flows_failing(struct catalog *cat, int64_t times, struct arena *a, struct flow_list *out,
	struct err *err);
/* The user's favorites, or what they follow: newest mark first. */
int flows_marked(struct catalog *cat, enum favorite_kind kind, struct arena *a,
	struct flow_list *out, struct err *err);

struct flow_new {
	const char *name;
	const char *flow_path;
	const char *description; /* may be NULL */
	int64_t namespace_id; /* ID_NONE: none */
	bool unique; /* refuse a name that is taken in the namespace; the API does not */
};
int flows_register(struct catalog *cat, const struct flow_new *new, int64_t *id, struct err *err);

/* NULL and ID_NONE keep what is there. */
struct flow_change {
	const char *name;
	const char *description;
	int64_t namespace_id;
};
int
flows_update(struct catalog *cat, int64_t id, const struct flow_change *change, struct err *err);

/*
 * Removes the flow and by hand what hangs on it (contract 5.3), in one transaction; its runs stay. With
 * delete_file the file goes too, unless another registration has the same path; *file_deleted (may
 * be NULL) says whether.
 */
int flows_delete(
	struct catalog *cat, int64_t id, bool delete_file, bool *file_deleted, struct err *err);

void flows_json(struct json *j, const struct flow_info *flow);
void flows_json_ref(struct json *j, const struct table_ref *ref);

#endif
