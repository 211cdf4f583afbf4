#include "catalog/artifacts.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static int
by_namespace(const void *a, const void *b)
{
	const struct artifact_info *x = a, *y = b;
	int r;

	if (x->namespace_id != y->namespace_id)
		return x->namespace_id < y->namespace_id ? -1 : 1;
	r = strcmp(x->name, y->name);
	return r != 0 ? r : (x->version < y->version) - (x->version > y->version);
}

static int
by_name(const void *a, const void *b)
{
	const struct artifact_info *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->version < y->version) - (x->version > y->version);
}

static void
read_row(const struct stmt *st, struct arena *a, struct artifact_info *x)
{
	int c = 0;

	x->id = col_int(st, c++);
	x->name = catalog_text(a, st, c++);
	x->version = col_int(st, c++);
	x->status = catalog_text(a, st, c++);
	x->description = catalog_text(a, st, c++);
	x->python_type = catalog_text(a, st, c++);
	x->python_module = catalog_text(a, st, c++);
	x->serialization_format = catalog_text(a, st, c++);
	x->size_bytes = col_int_or(st, c++, COUNT_NONE);
	x->sha256 = catalog_text(a, st, c++);
	x->tags = catalog_text(a, st, c++);
	x->namespace_id = col_int_or(st, c++, ID_NONE);
	x->source_registration_id = col_int_or(st, c++, ID_NONE);
	x->source_flow_id = col_int_or(st, c++, COUNT_NONE);
	x->source_node_id = col_int_or(st, c++, COUNT_NONE);
	x->owner_id = col_int_or(st, c++, ID_NONE);
	x->created_us = catalog_time(st, c++);
	x->updated_us = catalog_time(st, c);
	x->version_count = 1;
}

static int
select_rows(struct catalog *cat, enum sql_id sql, int64_t id, struct arena *a,
	struct artifact_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, sql);
	int r;

	*out = (struct artifact_list){NULL, 0};
	if (sql == SQL_CAT_ARTIFACTS_OF_FLOW)
		stmt_int(st, 1, id);
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		read_row(st, a, &out->items[out->n++]);
	}
	return r;
}

int
artifacts_of_flow(struct catalog *cat, int64_t registration_id, struct arena *a,
	struct artifact_list *out, struct err *err)
{
	if (select_rows(cat, SQL_CAT_ARTIFACTS_OF_FLOW, registration_id, a, out, err) < 0)
		return -1;
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_name);
	return 0;
}

static bool
is_active(const struct artifact_info *x)
{
	return strcmp(x->status, "active") == 0;
}

/* The versions of one artifact, the latest first, as one. */
static struct artifact_info
merge_versions(const struct artifact_info *items, size_t n)
{
	const struct artifact_info *shown = NULL;
	struct artifact_info out;
	int64_t active = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_active(&items[i]))
			continue;
		if (active++ == 0)
			shown = &items[i];
	}
	out = shown != NULL ? *shown : items[0];
	out.version_count = active > 0 ? active : (int64_t)n;
	return out;
}

int
artifacts_in_namespaces(
	struct catalog *cat, struct arena *a, struct artifact_list *out, struct err *err)
{
	struct artifact_list all;
	size_t end;

	*out = (struct artifact_list){NULL, 0};
	if (select_rows(cat, SQL_CAT_ARTIFACTS_LIST, ID_NONE, a, &all, err) < 0)
		return -1;
	if (all.n > 1)
		qsort(all.items, all.n, sizeof(*all.items), by_namespace);
	out->items = arena_array(a, all.n + 1, sizeof(*out->items));
	for (size_t i = 0; i < all.n; i = end) {
		const struct artifact_info *first = &all.items[i];

		for (end = i + 1; end < all.n; end++)
			if (all.items[end].namespace_id != first->namespace_id ||
				strcmp(all.items[end].name, first->name) != 0)
				break;
		out->items[out->n++] = merge_versions(first, end - i);
	}
	return 0;
}

/* As they were stored: a JSON list, or words with commas between them. */
static void
json_tags(struct json *j, const char *tags)
{
	cJSON *list = tags != NULL ? cJSON_Parse(tags) : NULL;
	const cJSON *item;

	json_key(j, "tags");
	json_array(j);
	if (cJSON_IsArray(list)) {
		cJSON_ArrayForEach(item, list) if (cJSON_IsString(item))
			json_string(j, item->valuestring);
	} else if (tags != NULL && list == NULL) {
		for (const char *p = tags; *p != '\0';) {
			size_t len;

			p += strspn(p, ", \t");
			len = strcspn(p, ",");
			while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
				len--;
			if (len > 0)
				json_string_n(j, p, len);
			p += strcspn(p, ",");
		}
	}
	json_array_end(j);
	cJSON_Delete(list);
}

void
artifacts_json(struct json *j, const struct artifact_info *x)
{
	json_object(j);
	json_kv_int(j, "id", x->id);
	json_kv_string(j, "name", x->name);
	json_kv_int(j, "version", x->version);
	json_kv_string(j, "status", x->status);
	json_kv_string(j, "description", x->description);
	json_kv_string(j, "python_type", x->python_type);
	json_kv_string(j, "python_module", x->python_module);
	json_kv_string(j, "serialization_format", x->serialization_format);
	json_kv_int_or_null(j, "size_bytes", x->size_bytes, COUNT_NONE);
	json_kv_string(j, "sha256", x->sha256);
	json_tags(j, x->tags);
	json_kv_int_or_null(j, "namespace_id", x->namespace_id, ID_NONE);
	json_kv_int_or_null(j, "source_registration_id", x->source_registration_id, ID_NONE);
	json_kv_int_or_null(j, "source_flow_id", x->source_flow_id, COUNT_NONE);
	json_kv_int_or_null(j, "source_node_id", x->source_node_id, COUNT_NONE);
	json_kv_int_or_null(j, "owner_id", x->owner_id, ID_NONE);
	json_kv_time(j, "created_at", x->created_us);
	json_kv_time(j, "updated_at", x->updated_us);
	json_kv_bool(j, "blob_exists", true);
	json_kv_int(j, "version_count", x->version_count);
	json_kv_null(j, "access");
	json_object_end(j);
}
