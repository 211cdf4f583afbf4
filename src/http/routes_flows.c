/* Flows, favorites and follows: contract 5.3. */
#include "catalog/artifacts.h"
#include "catalog/favorites.h"
#include "catalog/flow_interface.h"
#include "catalog/flows.h"
#include "routes.h"

/* --- reading ------------------------------------------------------------------------------------------ */

static void
write_flows(struct call *c, const struct flow_list *list)
{
	json_array(&c->j);
	for (size_t i = 0; i < list->n; i++)
		flows_json(&c->j, &list->items[i]);
	json_array_end(&c->j);
}

static int
list_flows(struct call *c)
{
	struct flow_list list;

	if (flows_list(c->cat, call_int(c, "namespace_id"), c->a, &list, &c->err) < 0)
		return -1;
	write_flows(c, &list);
	return 0;
}

static int
write_flow(struct call *c, int64_t id)
{
	struct flow_info flow;

	if (flows_get(c->cat, id, c->a, &flow, &c->err) < 0)
		return -1;
	flows_json(&c->j, &flow);
	return 0;
}

static int
get_flow(struct call *c)
{
	return write_flow(c, call_int(c, "id"));
}

static int
get_interface(struct call *c)
{
	struct flow_interface interface;
	struct flow_info flow;

	if (flows_get(c->cat, call_int(c, "id"), c->a, &flow, &c->err) < 0)
		return -1;
	flow_interface_read(flow.flow_path, c->a, &interface);
	flow_interface_json(&c->j, flow.id, &interface);
	return 0;
}

static int
list_artifacts(struct call *c)
{
	struct artifact_list list;
	struct flow_info flow;

	if (flows_get(c->cat, call_int(c, "id"), c->a, &flow, &c->err) < 0 ||
		artifacts_of_flow(c->cat, flow.id, c->a, &list, &c->err) < 0)
		return -1;
	json_array(&c->j);
	for (size_t i = 0; i < list.n; i++)
		artifacts_json(&c->j, &list.items[i]);
	json_array_end(&c->j);
	return 0;
}

/* --- writing --------------------------------------------------------------------------------------------- */

static int
register_flow(struct call *c)
{
	const struct flow_new new = {
		.name = call_string(c, "name"),
		.flow_path = call_string(c, "flow_path"),
		.description = call_string(c, "description"),
		.namespace_id = call_int(c, "namespace_id"),
	};
	int64_t id;

	if (flows_register(c->cat, &new, &id, &c->err) < 0)
		return -1;
	return write_flow(c, id);
}

static int
update_flow(struct call *c)
{
	const struct flow_change change = {
		.name = call_string(c, "name"),
		.description = call_string(c, "description"),
		.namespace_id = call_int(c, "namespace_id"),
	};

	if (flows_update(c->cat, call_int(c, "id"), &change, &c->err) < 0)
		return -1;
	return write_flow(c, call_int(c, "id"));
}

static int
delete_flow(struct call *c)
{
	return flows_delete(c->cat, call_int(c, "id"), call_bool(c, "delete_file"), NULL, &c->err);
}

static int
run_flow(struct call *c)
{
	struct flow_info flow;

	if (c->wait_id)
		return api_take_run(c);
	if (flows_get(c->cat, call_int(c, "id"), c->a, &flow, &c->err) < 0)
		return -1;
	return api_ask_run(c, flow.id, ID_NONE);
}

/* --- favorites and follows ---------------------------------------------------------------------------------- */

static int
mark(struct call *c, enum favorite_kind kind)
{
	struct favorite_info favorite;

	if (favorites_add(c->cat, kind, call_int(c, "id"), &favorite, &c->err) < 0)
		return -1;
	favorites_json(&c->j, &favorite);
	return 0;
}

static int
add_favorite(struct call *c)
{
	return mark(c, FAVORITE_FLOW);
}

static int
add_follow(struct call *c)
{
	return mark(c, FAVORITE_FOLLOW);
}

static int
remove_favorite(struct call *c)
{
	return favorites_remove(c->cat, FAVORITE_FLOW, call_int(c, "id"), &c->err);
}

static int
remove_follow(struct call *c)
{
	return favorites_remove(c->cat, FAVORITE_FOLLOW, call_int(c, "id"), &c->err);
}

static int
list_marked(struct call *c, enum favorite_kind kind)
{
	struct flow_list list;

	if (flows_marked(c->cat, kind, c->a, &list, &c->err) < 0)
		return -1;
	write_flows(c, &list);
	return 0;
}

static int
list_favorites(struct call *c)
{
	return list_marked(c, FAVORITE_FLOW);
}

static int
list_following(struct call *c)
{
	return list_marked(c, FAVORITE_FOLLOW);
}

/* --- the table ------------------------------------------------------------------------------------------------ */

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field list_fields[] = {FIELD_IN_QUERY("namespace_id", FIELD_INT), {0}};
static const struct field register_fields[] = {FIELD_REQUIRED("name", FIELD_STRING),
	FIELD_REQUIRED("flow_path", FIELD_STRING), FIELD_OPTIONAL("description", FIELD_STRING),
	FIELD_OPTIONAL("namespace_id", FIELD_INT), {0}};
static const struct field update_fields[] = {FIELD_ID, FIELD_OPTIONAL("name", FIELD_STRING),
	FIELD_OPTIONAL("description", FIELD_STRING), FIELD_OPTIONAL("namespace_id", FIELD_INT),
	{0}};
static const struct field delete_fields[] = {
	FIELD_ID, FIELD_IN_QUERY("delete_file", FIELD_BOOL), {0}};

static const struct member flow_members[] = {{"id", "integer", false}, {"name", "string", false},
	{"description", "string", true}, {"flow_path", "string", false},
	{"namespace_id", "integer", true}, {"owner_id", "integer", false},
	{"created_at", "datetime", false}, {"updated_at", "datetime", false},
	{"is_favorite", "boolean", false}, {"is_following", "boolean", false},
	{"run_count", "integer", false}, {"last_run_at", "datetime", true},
	{"last_run_success", "boolean", true}, {"file_exists", "boolean", false},
	{"is_api_compatible", "boolean", false}, {"artifact_count", "integer", false},
	{"tables_produced", "[TableRef]", false}, {"tables_read", "[TableRef]", false},
	{"access", "Access", true}, {0}};
static const struct member ref_members[] = {{"id", "integer", false}, {"name", "string", false},
	{"namespace_id", "integer", true}, {0}};
static const struct member mark_members[] = {{"id", "integer", false},
	{"user_id", "integer", false}, {"registration_id", "integer", false},
	{"created_at", "datetime", false}, {0}};
static const struct member port_members[] = {
	{"name", "string", false}, {"node_id", "integer", false}, {0}};
static const struct member parameter_members[] = {{"name", "string", false},
	{"default_value", "string", false}, {"description", "string", false},
	{"type", "string", false}, {"enum_values", "[string]", true}, {0}};
static const struct member interface_members[] = {{"registration_id", "integer", false},
	{"inputs", "[FlowPort]", false}, {"outputs", "[FlowPort]", false},
	{"parameters", "[FlowParameter]", false}, {"file_exists", "boolean", false}, {0}};
static const struct member artifact_members[] = {{"id", "integer", false},
	{"name", "string", false}, {"version", "integer", false}, {"status", "string", false},
	{"description", "string", true}, {"python_type", "string", true},
	{"python_module", "string", true}, {"serialization_format", "string", true},
	{"size_bytes", "integer", true}, {"sha256", "string", true}, {"tags", "[string]", false},
	{"namespace_id", "integer", true}, {"source_registration_id", "integer", true},
	{"source_flow_id", "integer", true}, {"source_node_id", "integer", true},
	{"owner_id", "integer", true}, {"created_at", "datetime", true},
	{"updated_at", "datetime", true}, {"blob_exists", "boolean", false},
	{"version_count", "integer", false}, {"access", "Access", true}, {0}};
static const struct shape shapes[] = {{"Flow", flow_members}, {"TableRef", ref_members},
	{"FlowMark", mark_members}, {"FlowPort", port_members},
	{"FlowParameter", parameter_members}, {"FlowInterface", interface_members},
	{"Artifact", artifact_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/flows", AUTH_USER, 200, list_fields, "[Flow]", list_flows,
		"Registered flows by name", false, false},
	{"POST", "/catalog/flows", AUTH_USER, 201, register_fields, "Flow", register_flow,
		"Register a flow file", false, false},
	{"GET", "/catalog/flows/{id}", AUTH_USER, 200, by_id, "Flow", get_flow, "One flow", false,
		false},
	{"GET", "/catalog/flows/{id}/interface", AUTH_USER, 200, by_id, "FlowInterface",
		get_interface, "The inputs, outputs and parameters that its file declares", false,
		false},
	{"PUT", "/catalog/flows/{id}", AUTH_USER, 200, update_fields, "Flow", update_flow,
		"Change a flow; what is null stays", false, false},
	{"DELETE", "/catalog/flows/{id}", AUTH_ANY, 204, delete_fields, NULL, delete_flow,
		"Remove a flow and its schedules; its runs stay", false, false},
	{"GET", "/catalog/flows/{id}/artifacts", AUTH_ANY, 200, by_id, "[Artifact]", list_artifacts,
		"What it published, by name, the latest version first", false, false},
	{"POST", "/catalog/flows/{id}/run", AUTH_USER, 200, by_id, "Run", run_flow,
		"Start it now; answers with the run", false, false},
	{"POST", "/catalog/flows/{id}/favorite", AUTH_USER, 201, by_id, "FlowMark", add_favorite,
		"Make it a favorite", false, false},
	{"DELETE", "/catalog/flows/{id}/favorite", AUTH_USER, 204, by_id, NULL, remove_favorite,
		"Make it no favorite", false, false},
	{"POST", "/catalog/flows/{id}/follow", AUTH_USER, 201, by_id, "FlowMark", add_follow,
		"Follow it", false, false},
	{"DELETE", "/catalog/flows/{id}/follow", AUTH_USER, 204, by_id, NULL, remove_follow,
		"Follow it no more", false, false},
	{"GET", "/catalog/favorites", AUTH_USER, 200, NULL, "[Flow]", list_favorites,
		"Favorite flows, newest mark first", false, false},
	{"GET", "/catalog/following", AUTH_USER, 200, NULL, "[Flow]", list_following,
		"Followed flows, newest mark first", false, false},
	{0},
};

const struct route_set routes_flows = {"Flows", routes, shapes};
