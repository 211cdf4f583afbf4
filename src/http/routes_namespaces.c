/* Namespaces: contract 5.2. */
#include "catalog/namespaces.h"
#include "catalog/tree.h"
#include "routes.h"

static int
list_namespaces(struct call *c)
{
	struct namespace_list list;

	if (namespaces_list(c->cat, call_int(c, "parent_id"), c->a, &list, &c->err) < 0)
		return -1;
	json_array(&c->j);
	for (size_t i = 0; i < list.n; i++)
		namespaces_json(&c->j, &list.items[i]);
	json_array_end(&c->j);
	return 0;
}

static int
write_namespace(struct call *c, int64_t id)
{
	struct namespace_info ns;

	if (namespaces_get(c->cat, id, c->a, &ns, &c->err) < 0)
		return -1;
	namespaces_json(&c->j, &ns);
	return 0;
}

static int
create_namespace(struct call *c)
{
	const struct namespace_new new = {
		.name = call_string(c, "name"),
		.parent_id = call_int(c, "parent_id"),
		.description = call_string(c, "description"),
		.storage_uri = call_string(c, "storage_uri"),
		.storage_connection_name = call_string(c, "storage_connection_name"),
	};
	int64_t id;

	if (namespaces_create(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return write_namespace(c, id);
}

/* Of the storage's two, null clears and only an absent one stays. */
static int
update_namespace(struct call *c)
{
	const struct namespace_change change = {
		.name = call_string(c, "name"),
		.description = call_string(c, "description"),
		.set_storage_uri = call_value(c, "storage_uri")->given,
		.set_storage_connection = call_value(c, "storage_connection_name")->given,
		.storage_uri = call_string(c, "storage_uri"),
		.storage_connection_name = call_string(c, "storage_connection_name"),
	};

	if (namespaces_update(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return write_namespace(c, call_int(c, "id"));
}

static int
delete_namespace(struct call *c)
{
	return namespaces_delete(c->cat, call_int(c, "id"), &c->err);
}

static int
cleanup_flows(struct call *c)
{
	struct namespace_cleanup cleanup;

	if (namespaces_cleanup(c->cat, call_int(c, "id"), &cleanup, &c->err) < 0)
		return -1;
	if (!cleanup.allowed)
		return call_fail(c, 403,
			"Not authorized to bulk-clean flows outside the 'Unnamed Flows' and "
			"'Python Editor' scratch schemas");
	json_object(&c->j);
	json_kv_int(&c->j, "deleted", cleanup.deleted);
	json_kv_int(&c->j, "kept", cleanup.kept);
	json_object_end(&c->j);
	return 0;
}

static int
get_tree(struct call *c)
{
	return tree_json(c->cat, c->a, &c->j, &c->err);
}

static int
get_default(struct call *c)
{
	int64_t id;

	if (namespaces_default(c->cat, &id, &c->err) < 0)
		return -1;
	if (id == ID_NONE)
		json_null(&c->j);
	else
		json_int(&c->j, id);
	return 0;
}

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field list_fields[] = {FIELD_IN_QUERY("parent_id", FIELD_INT), {0}};
static const struct field create_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_OPTIONAL("parent_id", FIELD_INT), FIELD_OPTIONAL("description", FIELD_STRING),
	FIELD_OPTIONAL("storage_uri", FIELD_STRING),
	FIELD_OPTIONAL("storage_connection_name", FIELD_STRING), {0}};
static const struct field update_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("storage_uri", FIELD_STRING),
	FIELD_OPTIONAL("storage_connection_name", FIELD_STRING), {0}};

#define NAMESPACE_MEMBERS                                                                          \
	{"id", "integer", false}, {"name", "string", false}, {"parent_id", "integer", true},       \
		{"level", "integer", false}, {"description", "string", true},                      \
		{"owner_id", "integer", false}, {"created_at", "datetime", false},                 \
		{"updated_at", "datetime", false}, {"storage_uri", "string", true},                \
		{"storage_connection_name", "string", true},                                       \
	{                                                                                          \
		"access", "Access", true                                                           \
	}
static const struct member namespace_members[] = {NAMESPACE_MEMBERS, {0}};
static const struct member tree_members[] = {NAMESPACE_MEMBERS,
	{"children", "[NamespaceTree]", false}, {"flows", "[Flow]", false},
	{"artifacts", "[Artifact]", false}, {"tables", "[Table]", false},
	{"visualizations", "[Visualization]", false}, {"notebooks", "[NotebookSummary]", false},
	{0}};
static const struct member cleanup_members[] = {
	{"deleted", "integer", false}, {"kept", "integer", false}, {0}};
static const struct member notebook_members[] = {{"id", "integer", false},
	{"name", "string", false}, {"description", "string", true},
	{"namespace_id", "integer", true}, {"default_kernel_id", "string", true},
	{"owner_id", "integer", false}, {"created_at", "datetime", false},
	{"updated_at", "datetime", false}, {"namespace_name", "string", true},
	{"access", "Access", true}, {0}};
static const struct shape shapes[] = {{"Namespace", namespace_members},
	{"NamespaceTree", tree_members}, {"NamespaceCleanup", cleanup_members},
	{"NotebookSummary", notebook_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/namespaces", AUTH_ANY, 200, list_fields, "[Namespace]", list_namespaces,
		"Catalogs, or the schemas of one, by name", false, false},
	{"POST", "/catalog/namespaces", AUTH_USER, 201, create_fields, "Namespace",
		create_namespace, "Make a catalog, or a schema in one", false, false},
	{"GET", "/catalog/namespaces/tree", AUTH_USER, 200, NULL, "[NamespaceTree]", get_tree,
		"All namespaces with what is in them", false, false},
	{"PUT", "/catalog/namespaces/{id}", AUTH_ANY, 200, update_fields, "Namespace",
		update_namespace, "Change a namespace", false, false},
	{"DELETE", "/catalog/namespaces/{id}", AUTH_ANY, 204, by_id, NULL, delete_namespace,
		"Delete an empty namespace", false, false},
	{"POST", "/catalog/namespaces/{id}/cleanup_flows", AUTH_ANY, 200, by_id, "NamespaceCleanup",
		cleanup_flows, "Remove the flows that collected in a scratch schema", false, false},
	{"GET", "/catalog/default-namespace-id", AUTH_ANY, 200, NULL, "integer", get_default,
		"The id of General.default, or null", false, false},
	{0},
};

const struct route_set routes_namespaces = {"Namespaces", routes, shapes};
