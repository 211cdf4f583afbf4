/* What flows published: models and other objects of Flowfile's kernels (contract 5.2, 5.3). Only read here. */
#ifndef FF_CATALOG_ARTIFACTS_H
#define FF_CATALOG_ARTIFACTS_H

#include "base/json.h"
#include "catalog/catalog.h"

struct artifact_info {
	int64_t id;
	const char *name;
	int64_t version;
	const char *status; /* "active", "pending", ...; never "deleted" */
	const char *description, *python_type, *python_module, *serialization_format;
	int64_t size_bytes; /* COUNT_NONE: not known */
	const char *sha256;
	const char *tags; /* JSON, or words with commas; may be NULL */
	int64_t namespace_id, source_registration_id;
	int64_t source_flow_id, source_node_id; /* COUNT_NONE: none */
	int64_t owner_id;
	int64_t created_us, updated_us;
	int64_t version_count;
};

struct artifact_list {
	struct artifact_info *items;
	size_t n;
};

/* All versions, by name, the latest version first. */
int artifacts_of_flow(struct catalog *cat, int64_t registration_id, struct arena *a,
	struct artifact_list *out, struct err *err);
/* One per namespace and name, by these: the latest active version, else the latest; with the count of versions. */
int artifacts_in_namespaces(
	struct catalog *cat, struct arena *a, struct artifact_list *out, struct err *err);

void artifacts_json(struct json *j, const struct artifact_info *artifact);

#endif
