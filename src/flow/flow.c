#include "flow/flow.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "flow/node.h"
#include "flow/param.h"

/* A file while it is read: nodes in its order. */
struct reader {
	struct flow *flow;
	const struct flow_param *given;
	size_t n_given;
};

int
flow_node_failed(const struct flow_node *node, struct err *err)
{
	return err_prefix(err, "node %" PRId64 " (%s)", node->id, node->type);
}

const struct flow_node *
flow_node(const struct flow *flow, int64_t id)
{
	for (size_t i = 0; i < flow->n_nodes; i++)
		if (flow->nodes[i].id == id)
			return &flow->nodes[i];
	return NULL;
}

/* --- ids ------------------------------------------------------------------------------------------------ */

static bool
is_id(const cJSON *item, int64_t *id)
{
	if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble) ||
		fabs(item->valuedouble) > (double)INT32_MAX)
		return false;
	*id = (int64_t)item->valuedouble;
	return true;
}

/* The ids of a list or the one of a number; *n 0 for null and what is not there. */
static int
take_ids(struct reader *r, const cJSON *object, const char *field, int64_t **ids, size_t *n,
	struct err *err)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, field), *item;
	size_t size = cJSON_IsArray(value) ? (size_t)cJSON_GetArraySize(value) : 1;

	*n = 0;
	*ids = arena_array(&r->flow->arena, size + 1, sizeof(**ids));
	if (value == NULL || cJSON_IsNull(value))
		return 0;
	if (!cJSON_IsArray(value)) {
		if (!is_id(value, &(*ids)[(*n)++]))
			return err_set(err, ERR_USAGE, "%s: no id of a node", field);
		return 0;
	}
	cJSON_ArrayForEach(item, value) if (!is_id(item, &(*ids)[(*n)++])) return err_set(
		err, ERR_USAGE, "%s: item %zu is no id of a node", field, *n);
	return 0;
}

/* --- nodes ------------------------------------------------------------------------------------------------ */

/* A node that was placed and never set up has none: the same as none that were chosen. */
static int
read_settings(cJSON *item, struct flow_node *node, struct err *err)
{
	cJSON *settings = cJSON_GetObjectItemCaseSensitive(item, "setting_input");

	if (settings == NULL || cJSON_IsNull(settings)) {
		cJSON_DeleteItemFromObjectCaseSensitive(item, "setting_input");
		settings = cJSON_AddObjectToObject(item, "setting_input");
	}
	if (!cJSON_IsObject(settings))
		return err_set(err, ERR_USAGE, "setting_input: no object");
	node->settings = settings;
	return 0;
}

/* A type that was meant to be one of ours. Nodes of the user's own say that they are. */
static const char *
judge_type(const struct flow_node *node, struct arena *a)
{
	const cJSON *own = cJSON_GetObjectItemCaseSensitive(node->settings, "is_user_defined");
	struct nearest near = nearest_to(node->type);

	if (strcmp(node->kind->type, node->type) == 0 || cJSON_IsTrue(own))
		return NULL;
	for (const struct node_kind *kind = node_kinds; kind->type != NULL; kind++)
		nearest_offer(&near, kind->type);
	return near.name == NULL ? NULL
				 : arena_printf(a, "there is no type of nodes %s; did you mean %s?",
					   node->type, near.name);
}

static int
read_node(struct reader *r, cJSON *item, struct flow_node *node, struct err *err)
{
	struct arena *a = &r->flow->arena;

	if (!cJSON_IsObject(item))
		return err_set(err, ERR_USAGE, "no object");
	node->item = item;
	if (!is_id(cJSON_GetObjectItemCaseSensitive(item, "id"), &node->id))
		return err_set(err, ERR_USAGE, "id: no whole number");
	if (setting_required(item, "type", a, &node->type, err) < 0)
		return err_prefix(err, "node %" PRId64, node->id);
	node->kind = node_kind(node->type);
	if (setting_text(item, "node_reference", NULL, a, &node->reference, err) < 0 ||
		setting_text(item, "description", "", a, &node->description, err) < 0 ||
		read_settings(item, node, err) < 0)
		return flow_node_failed(node, err);
	node->unknown = judge_type(node, a);
	if (flow_node(r->flow, node->id) != NULL)
		return err_set(err, ERR_USAGE, "id %" PRId64 " is there twice", node->id);
	return 0;
}

static int
read_nodes(struct reader *r, struct err *err)
{
	cJSON *nodes = cJSON_GetObjectItemCaseSensitive(r->flow->document, "nodes");
	cJSON *item;
	struct flow *flow = r->flow;
	size_t size = (size_t)cJSON_GetArraySize(nodes), i = 0;

	if (!cJSON_IsArray(nodes))
		return err_set(err, ERR_USAGE, "nodes: no list of nodes");
	if (size > FLOW_NODES_MAX)
		return err_set(err, ERR_USAGE, "nodes: more than %d", FLOW_NODES_MAX);
	flow->nodes = arena_array(&flow->arena, size + 1, sizeof(*flow->nodes));
	for (item = nodes->child; i < size; item = item->next, i++) {
		if (read_node(r, item, &flow->nodes[i], err) < 0)
			return err_prefix(err, "nodes[%zu]", i);
		flow->n_nodes++;
	}
	return 0;
}

/* --- edges -------------------------------------------------------------------------------------------------- */

static int
handle_of(const char *text)
{
	return text != NULL && strncmp(text, "output-", 7) == 0 && text[7] >= '0' &&
			text[7] <= '9' && text[8] == '\0'
		? text[7] - '0'
		: -1;
}

/* Whether some output but the first has readers: then one that is not named could be meant to have any. */
static bool
has_other_handles(const cJSON *handles)
{
	const cJSON *item;

	cJSON_ArrayForEach(
		item, handles) if (handle_of(cJSON_GetStringValue(item)) != 0) return true;
	return false;
}

/*
 * Which output of `from` leads to a node: its `outputs` name the node, the n-th time for the n-th edge between the two. Flowfile always
 * writes both ends of an edge; where people leave this one out, it is the first output.
 */
static int
find_handle(struct reader *r, size_t from, int64_t to, size_t nth, int *handle, struct err *err)
{
	const cJSON *node = r->flow->nodes[from].item;
	const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(node, "outputs");
	const cJSON *handles = cJSON_GetObjectItemCaseSensitive(node, "output_handles");
	const cJSON *item;
	int i = 0, last = -1;
	int64_t id;

	cJSON_ArrayForEach(item, outputs)
	{
		if (is_id(item, &id) && id == to) {
			last = i;
			if (nth-- == 0)
				break;
		}
		i++;
	}
	*handle = 0;
	if (last < 0 && has_other_handles(handles))
		return err_set(err, ERR_USAGE,
			"it reads node %" PRId64
			", whose outputs do not name it, so that nothing says which of its "
			"output_handles is meant",
			r->flow->nodes[from].id);
	if (last < 0)
		return 0;
	item = cJSON_GetArrayItem(handles, last);
	*handle = item == NULL ? 0 : handle_of(cJSON_GetStringValue(item));
	if (*handle < 0)
		return err_set(err, ERR_USAGE,
			"output_handles of node %" PRId64 ": no handle at %d",
			r->flow->nodes[from].id, last);
	return 0;
}

static int
add_input(struct reader *r, struct flow_node *node, int64_t id, struct err *err)
{
	struct flow_edge *edge = &node->inputs[node->n_inputs];
	const struct flow_node *from = flow_node(r->flow, id);
	size_t nth = 0;

	if (from == NULL)
		return err_set(err, ERR_USAGE, "it reads node %" PRId64 ", which is not there", id);
	edge->from = (size_t)(from - r->flow->nodes);
	for (size_t i = 0; i < node->n_inputs; i++)
		nth += node->inputs[i].from == edge->from;
	if (find_handle(r, edge->from, node->id, nth, &edge->handle, err) < 0)
		return -1;
	r->flow->nodes[edge->from].n_readers++;
	node->n_inputs++;
	return 0;
}

/* Of the input that was added last. */
static int
name_handle(struct flow_node *node, const char *handle, struct err *err)
{
	int number = handle_of(handle);

	if (number < 0)
		return err_set(err, ERR_USAGE, "source_handle: '%s' is no output", handle);
	node->inputs[node->n_inputs - 1].handle = number;
	return 0;
}

/* run_flow: {from_id, input_handle, source_handle} says which input of the flow is meant. */
static int
add_slots(struct reader *r, struct flow_node *node, const cJSON *list, struct err *err)
{
	const cJSON *item;
	const char *slot, *handle;
	int64_t id;

	cJSON_ArrayForEach(item, list)
	{
		if (!is_id(cJSON_GetObjectItemCaseSensitive(item, "from_id"), &id))
			return err_set(
				err, ERR_USAGE, "input_connections: from_id: no id of a node");
		if (setting_text(item, "input_handle", "", &r->flow->arena, &slot, err) < 0 ||
			setting_text(item, "source_handle", "", &r->flow->arena, &handle, err) <
				0 ||
			add_input(r, node, id, err) < 0 ||
			(*handle != '\0' && name_handle(node, handle, err) < 0))
			return err_prefix(err, "input_connections");
		node->inputs[node->n_inputs - 1].slot = slot;
	}
	return 0;
}

static int
count_inputs(const struct flow_node *node, struct err *err)
{
	const struct node_kind *kind = node->kind;
	int n = (int)node->n_inputs - (node->has_right ? 1 : 0);
	bool inputs = cJSON_GetObjectItemCaseSensitive(node->item, "inputs") != NULL;

	if (kind->right && !node->has_right)
		return err_set(err, ERR_USAGE,
			"its right input is not connected: right_input_id is missing%s",
			n > 1 ? ", and input_ids has the left one only" : "");
	if (!kind->right && node->has_right)
		return err_set(err, ERR_USAGE, "right_input_id: it has no right input");
	if (n < kind->min_inputs)
		return err_set(err, ERR_USAGE,
			inputs ? "its input is not connected: input_ids names its inputs, not "
				 "inputs"
				: n == 0 ? "its input is not connected: input_ids names none"
					 : "it has too few inputs");
	if (kind->max_inputs == 0 && n > 0)
		return err_set(err, ERR_USAGE,
			"it takes no input, and has %d: take them out of input_ids", n);
	if (kind->max_inputs != INPUTS_MANY && n > kind->max_inputs)
		return err_set(err, ERR_USAGE,
			"it takes %d input%s, and has %d: put a union before it, or take some out "
			"of input_ids",
			kind->max_inputs, kind->max_inputs == 1 ? "" : "s", n);
	return 0;
}

static int
connect_node(struct reader *r, struct flow_node *node, const cJSON *item, struct err *err)
{
	const cJSON *slots = cJSON_GetObjectItemCaseSensitive(item, "input_connections");
	int64_t *left, *main, *right;
	size_t n_left, n_main, n_right, n_slots = (size_t)cJSON_GetArraySize(slots);

	if (take_ids(r, item, "left_input_id", &left, &n_left, err) < 0 ||
		take_ids(r, item, "input_ids", &main, &n_main, err) < 0 ||
		take_ids(r, item, "right_input_id", &right, &n_right, err) < 0)
		return -1;
	node->inputs = arena_array(
		&r->flow->arena, n_left + n_main + n_right + n_slots + 1, sizeof(*node->inputs));
	if (n_slots > 0)
		return add_slots(r, node, slots, err);
	for (size_t i = 0; i < n_left; i++)
		if (add_input(r, node, left[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n_main; i++)
		if ((n_left == 0 || main[i] != left[0]) && add_input(r, node, main[i], err) < 0)
			return -1;
	if (n_right > 0 && add_input(r, node, right[0], err) < 0)
		return -1;
	node->has_right = n_right > 0;
	return 0;
}

static int
check_outputs(const struct reader *r, const struct flow_node *node, struct err *err)
{
	const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(node->item, "outputs"), *item;
	int64_t id;

	cJSON_ArrayForEach(item, outputs)
	{
		if (!is_id(item, &id))
			return err_set(err, ERR_USAGE, "outputs: no id of a node");
		if (flow_node(r->flow, id) == NULL)
			return err_set(err, ERR_USAGE, "outputs: there is no node %" PRId64, id);
	}
	return 0;
}

static int
connect_nodes(struct reader *r, struct err *err)
{
	for (size_t i = 0; i < r->flow->n_nodes; i++) {
		struct flow_node *node = &r->flow->nodes[i];

		if (check_outputs(r, node, err) < 0 || connect_node(r, node, node->item, err) < 0 ||
			count_inputs(node, err) < 0)
			return flow_node_failed(node, err);
	}
	return 0;
}

/* --- the order ------------------------------------------------------------------------------------------------ */

/* "4 -> 7 -> 4", beginning with any node that is left over. */
static int
name_cycle(struct flow *flow, const bool *placed, struct err *err)
{
	/* One more than there are nodes: the last one seen is there twice. */
	size_t *seen = arena_array(&flow->arena, flow->n_nodes + 1, sizeof(*seen));
	size_t at = 0, n = 0, first;
	const char *text = "";

	while (placed[at])
		at++;
	for (;;) {
		for (first = 0; first < n && seen[first] != at; first++)
			;
		seen[n++] = at;
		if (first < n - 1 || n > flow->n_nodes)
			break;
		for (size_t i = 0; i < flow->nodes[seen[n - 1]].n_inputs; i++)
			if (!placed[flow->nodes[seen[n - 1]].inputs[i].from])
				at = flow->nodes[seen[n - 1]].inputs[i].from;
	}
	while (n-- > first)
		text = arena_printf(&flow->arena, "%s%s%" PRId64, text, *text ? " -> " : "",
			flow->nodes[seen[n]].id);
	return err_set(err, ERR_USAGE, "its nodes form a cycle: %s", text);
}

/* Puts each node behind all it reads, and keeps the file's order otherwise. */
static int
put_in_order(struct flow *flow, struct err *err)
{
	size_t n = flow->n_nodes, done = 0, before;
	struct flow_node *nodes = arena_array(&flow->arena, n + 1, sizeof(*nodes));
	size_t *place = arena_array(&flow->arena, n + 1, sizeof(*place));
	bool *placed = arena_array(&flow->arena, n + 1, sizeof(*placed));

	do {
		before = done;
		for (size_t i = 0; i < n; i++) {
			bool ready = !placed[i];

			for (size_t k = 0; ready && k < flow->nodes[i].n_inputs; k++)
				ready = placed[flow->nodes[i].inputs[k].from];
			if (!ready)
				continue;
			placed[i] = true;
			place[i] = done;
			nodes[done++] = flow->nodes[i];
		}
	} while (done > before);
	if (done < n)
		return name_cycle(flow, placed, err);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < nodes[i].n_inputs; k++)
			nodes[i].inputs[k].from = place[nodes[i].inputs[k].from];
	flow->nodes = nodes;
	return 0;
}

/* --- the file -------------------------------------------------------------------------------------------------- */

static const char *
name_of(const char *path, struct arena *a)
{
	char *name = arena_strdup(a, path_basename(path)), *dot = strrchr(name, '.');

	if (dot != NULL && dot != name)
		*dot = '\0';
	return name;
}

static int
read_flow(struct reader *r, struct err *err)
{
	struct flow *flow = r->flow;

	if (!cJSON_IsObject(flow->document) ||
		cJSON_GetObjectItemCaseSensitive(flow->document, "nodes") == NULL)
		return err_set(err, ERR_USAGE, "no flow file: it has no nodes");
	if (params_apply(flow, r->given, r->n_given, err) < 0 || read_nodes(r, err) < 0 ||
		connect_nodes(r, err) < 0)
		return -1;
	return put_in_order(flow, err);
}

static int
finish(struct flow *flow, const char *path, const struct flow_param *given, size_t n_given,
	struct flow **out, struct err *err)
{
	struct reader r = {.flow = flow, .given = given, .n_given = n_given};

	flow->path = arena_strdup(&flow->arena, path);
	flow->name = name_of(path, &flow->arena);
	if (read_flow(&r, err) < 0) {
		flow_free(flow);
		return err_prefix(err, "%s", path);
	}
	*out = flow;
	return 0;
}

int
flow_read(const char *path, const struct flow_param *given, size_t n_given, struct flow **out,
	struct err *err)
{
	struct flow *flow = xcalloc(1, sizeof(*flow));

	flow->document = document_read(path, err);
	if (flow->document == NULL) {
		flow_free(flow);
		return -1;
	}
	return finish(flow, path, given, n_given, out, err);
}

int
flow_of_document(cJSON *document, const char *name, struct flow **out, struct err *err)
{
	struct flow *flow = xcalloc(1, sizeof(*flow));

	flow->document = document;
	return finish(flow, name, NULL, 0, out, err);
}

int
flow_check_params(const char *path, const struct flow_param *given, size_t n_given, struct err *err)
{
	struct flow *flow;
	struct err ignored = ERR_INIT;
	int rc = 0;

	if (n_given == 0)
		return 0;
	flow = xcalloc(1, sizeof(*flow));
	flow->document = document_read(path, &ignored);
	if (cJSON_IsObject(flow->document))
		rc = params_apply(flow, given, n_given, err);
	flow_free(flow);
	return rc;
}

void
flow_free(struct flow *flow)
{
	if (flow == NULL)
		return;
	cJSON_Delete(flow->document);
	arena_free(&flow->arena);
	free(flow);
}
