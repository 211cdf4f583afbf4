#include "catalog/tree.h"

#include "catalog/artifacts.h"
#include "catalog/flows.h"
#include "catalog/namespaces.h"
#include "catalog/tables.h"
#include "catalog/visualizations.h"

struct notebook {
	int64_t id, namespace_id, owner_id;
	const char *name, *description, *default_kernel_id, *namespace_name;
	int64_t created_us, updated_us;
};

/* All there is; each list is in the order in which it is shown. */
struct tree {
	struct arena *a;
	struct namespace_list namespaces;
	struct flow_list flows;
	struct artifact_list artifacts;
	struct table_list tables;
	struct visualization_list visualizations;
	struct notebook *notebooks;
	size_t n_notebooks;
};

static int
read_notebooks(struct catalog *cat, struct tree *t, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_NOTEBOOKS_LIST);
	struct notebook *b;
	int r;

	while ((r = stmt_step(st, err)) > 0) {
		t->notebooks =
			catalog_grow(t->a, t->notebooks, t->n_notebooks, sizeof(*t->notebooks));
		b = &t->notebooks[t->n_notebooks++];
		b->id = col_int(st, 0);
		b->name = catalog_text(t->a, st, 1);
		b->description = catalog_text(t->a, st, 2);
		b->namespace_id = col_int_or(st, 3, ID_NONE);
		b->default_kernel_id = catalog_text(t->a, st, 4);
		b->owner_id = col_int(st, 5);
		b->created_us = catalog_time(st, 6);
		b->updated_us = catalog_time(st, 7);
		b->namespace_name = catalog_text(t->a, st, 8);
	}
	return r;
}

static void
json_notebook(struct json *j, const struct notebook *b)
{
	json_object(j);
	json_kv_int(j, "id", b->id);
	json_kv_string(j, "name", b->name);
	json_kv_string(j, "description", b->description);
	json_kv_int_or_null(j, "namespace_id", b->namespace_id, ID_NONE);
	json_kv_string(j, "default_kernel_id", b->default_kernel_id);
	json_kv_int(j, "owner_id", b->owner_id);
	json_kv_time(j, "created_at", b->created_us);
	json_kv_time(j, "updated_at", b->updated_us);
	json_kv_string(j, "namespace_name", b->namespace_name);
	json_kv_null(j, "access");
	json_object_end(j);
}

static void
open_list(struct json *j, const char *key)
{
	json_key(j, key);
	json_array(j);
}

static void
json_content(struct json *j, const struct tree *t, int64_t id)
{
	open_list(j, "flows");
	for (size_t i = 0; i < t->flows.n; i++)
		if (t->flows.items[i].namespace_id == id)
			flows_json(j, &t->flows.items[i]);
	json_array_end(j);
	open_list(j, "artifacts");
	for (size_t i = 0; i < t->artifacts.n; i++)
		if (t->artifacts.items[i].namespace_id == id)
			artifacts_json(j, &t->artifacts.items[i]);
	json_array_end(j);
	open_list(j, "tables");
	for (size_t i = 0; i < t->tables.n; i++)
		if (t->tables.items[i].namespace_id == id)
			tables_json(j, &t->tables.items[i]);
	json_array_end(j);
	open_list(j, "visualizations");
	for (size_t i = 0; i < t->visualizations.n; i++)
		if (t->visualizations.items[i].namespace_id == id)
			visualizations_json(j, &t->visualizations.items[i], false);
	json_array_end(j);
	open_list(j, "notebooks");
	for (size_t i = 0; i < t->n_notebooks; i++)
		if (t->notebooks[i].namespace_id == id)
			json_notebook(j, &t->notebooks[i]);
	json_array_end(j);
}

static void
json_node(struct json *j, const struct tree *t, const struct namespace_info *ns, bool is_root)
{
	namespaces_json_open(j, ns);
	open_list(j, "children");
	for (size_t i = 0; is_root && i < t->namespaces.n; i++)
		if (t->namespaces.items[i].parent_id == ns->id)
			json_node(j, t, &t->namespaces.items[i], false);
	json_array_end(j);
	json_content(j, t, ns->id);
	json_object_end(j);
}

int
tree_json(struct catalog *cat, struct arena *a, struct json *j, struct err *err)
{
	struct tree t = {.a = a};

	if (namespaces_list(cat, NAMESPACES_ALL, a, &t.namespaces, err) < 0 ||
		flows_list(cat, ID_NONE, a, &t.flows, err) < 0 ||
		artifacts_in_namespaces(cat, a, &t.artifacts, err) < 0 ||
		tables_list(cat, ID_NONE, a, &t.tables, err) < 0 ||
		visualizations_list(cat, ID_NONE, a, &t.visualizations, err) < 0 ||
		read_notebooks(cat, &t, err) < 0)
		return -1;
	json_array(j);
	for (size_t i = 0; i < t.namespaces.n; i++)
		if (t.namespaces.items[i].parent_id == ID_NONE)
			json_node(j, &t, &t.namespaces.items[i], true);
	json_array_end(j);
	return 0;
}
