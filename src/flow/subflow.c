#include "flow/subflow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "flow/checkpoint.h"

#define OUTPUT_HANDLE "output-"
#define INPUT_HANDLE "input-"

/* --- settings ---------------------------------------------------------------------------------------------- */

/* The first of these fields (ends with NULL) that says something. NULL: none does, or it is no text. */
static const char *
first_text(const cJSON *item, const char *const *fields, struct arena *a)
{
	const char *text = NULL;

	for (; *fields != NULL && (text == NULL || *text == '\0'); fields++)
		text = setting_as_text(cJSON_GetObjectItemCaseSensitive(item, *fields), a);
	return text != NULL && *text != '\0' ? text : NULL;
}

static int
take_reference(struct subflow_call *call, struct err *err)
{
	const cJSON *reference = setting_object(call->node->settings, "flow_reference");

	if (setting_int(reference, "registration_id", 0, INT64_MAX, ID_NONE, &call->registration_id,
		    err) < 0 ||
		setting_text(reference, "flow_uuid", "", call->arena, &call->uuid, err) < 0 ||
		setting_text(reference, "flow_path", "", call->arena, &call->path, err) < 0)
		return err_prefix(err, "flow_reference");
	if (*call->uuid == '\0')
		call->uuid = NULL;
	if (*call->path == '\0')
		call->path = NULL;
	if (call->registration_id == ID_NONE && call->uuid == NULL && call->path == NULL)
		return err_set(err, ERR_USAGE,
			"flow_reference: it names no flow: registration_id, flow_uuid or "
			"flow_path");
	return 0;
}

/* A text is a name; the key of an object that holds slots is a handle. */
static int
take_slot(struct subflow_call *call, const cJSON *item, struct subflow_slot *slot, struct err *err)
{
	static const char *const names[] = {
		"name", "input_name", "output_name", "slot_name", "slot", NULL};
	static const char *const handles[] = {
		"handle", "handle_id", "input_handle", "output_handle", "slot_id", "id", NULL};

	if (cJSON_IsString(item)) {
		slot->handle = item->string;
		slot->name = arena_strdup(call->arena, item->valuestring);
		return 0;
	}
	if (!cJSON_IsObject(item))
		return err_set(err, ERR_USAGE, "neither a name nor an object");
	slot->name = first_text(item, names, call->arena);
	slot->handle = first_text(item, handles, call->arena);
	if (slot->handle == NULL)
		slot->handle = item->string;
	if (setting_int(item, "node_id", 0, INT32_MAX, 0, &slot->node_id, err) < 0)
		return -1;
	if (slot->name == NULL && slot->node_id == 0)
		return err_set(err, ERR_USAGE, "name: it is missing");
	return 0;
}

static int
take_slots(struct subflow_call *call, const char *field, struct subflow_slots *out, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(call->node->settings, field), *item;

	out->items =
		arena_array(call->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->items));
	if (list != NULL && !cJSON_IsNull(list) && !cJSON_IsArray(list) && !cJSON_IsObject(list))
		return err_set(err, ERR_USAGE, "%s: no list", field);
	cJSON_ArrayForEach(item, list)
	{
		if (take_slot(call, item, &out->items[out->n], err) < 0)
			return err_prefix(err, "%s[%zu]", field, out->n);
		out->n++;
	}
	return 0;
}

/* --- parameters -------------------------------------------------------------------------------------------- */

enum binding { BOUND_NOT, BOUND_CONSTANT, BOUND_COLUMN, BOUND_UNKNOWN };

static enum binding
binding_of(const char *word)
{
	static const struct {
		const char *word;
		enum binding binding;
	} words[] = {
		{"constant", BOUND_CONSTANT},
		{"literal", BOUND_CONSTANT},
		{"fixed", BOUND_CONSTANT},
		{"static", BOUND_CONSTANT},
		{"value", BOUND_CONSTANT},
		{"column", BOUND_COLUMN},
		{"field", BOUND_COLUMN},
		{"default", BOUND_NOT},
		{"none", BOUND_NOT},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_equal_nocase(words[i].word, word))
			return words[i].binding;
	return BOUND_UNKNOWN;
}

/* How the value comes: as it says, or by what is given. */
static int
find_binding(const cJSON *item, const char *column, const char *value, struct arena *a,
	enum binding *out, struct err *err)
{
	static const char *const kinds[] = {
		"kind", "mode", "source", "binding_type", "source_type", NULL};
	const char *kind = first_text(item, kinds, a), *type = NULL;

	if (kind == NULL) { /* "type" may be the parameter's, too */
		if (setting_text(item, "type", "", a, &type, err) < 0)
			return -1;
		kind = binding_of(type) != BOUND_UNKNOWN ? type : NULL;
	}
	*out = kind != NULL      ? binding_of(kind)
		: column != NULL ? BOUND_COLUMN
		: value != NULL  ? BOUND_CONSTANT
				 : BOUND_NOT;
	if (*out == BOUND_UNKNOWN)
		return err_set(err, ERR_USAGE, "'%s' is neither constant nor column", kind);
	if (*out == BOUND_COLUMN && column == NULL)
		return err_set(err, ERR_USAGE, "column: it is missing");
	return 0;
}

static int
take_binding(struct subflow_call *call, const cJSON *item, struct err *err)
{
	static const char *const names[] = {
		"name", "parameter", "parameter_name", "param", "param_name", NULL};
	static const char *const columns[] = {
		"column", "column_name", "source_column", "input_column", "field", NULL};
	static const char *const values[] = {
		"value", "constant", "constant_value", "literal", NULL};
	struct arena *a = call->arena;
	const char *name = first_text(item, names, a), *column, *value;
	enum binding binding = BOUND_CONSTANT;

	if (name == NULL)
		name = arena_strdup(a, item->string); /* of an object of values */
	if (name == NULL || *name == '\0')
		return err_set(err, ERR_USAGE, "name: it is missing");
	if (cJSON_IsNull(item))
		return 0;
	column = first_text(item, columns, a);
	value = cJSON_IsObject(item) ? first_text(item, values, a) : setting_as_text(item, a);
	if (cJSON_IsObject(item) && find_binding(item, column, value, a, &binding, err) < 0)
		return err_prefix(err, "%s", name);
	if (!cJSON_IsObject(item) && value == NULL)
		return err_set(err, ERR_USAGE, "%s: no value", name);
	if (binding == BOUND_COLUMN)
		call->columns[call->n_columns++] = (struct subflow_column){name, column};
	else if (binding == BOUND_CONSTANT)
		call->params[call->n_params++] =
			(struct flow_param){name, value != NULL ? value : ""};
	return 0;
}

static int
take_bindings(struct subflow_call *call, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(
			    call->node->settings, "parameter_bindings"),
		    *item;
	size_t size = (size_t)cJSON_GetArraySize(list), i = 0;

	call->params = arena_array(call->arena, size + 1, sizeof(*call->params));
	call->columns = arena_array(call->arena, size + 1, sizeof(*call->columns));
	if (list != NULL && !cJSON_IsNull(list) && !cJSON_IsArray(list) && !cJSON_IsObject(list))
		return err_set(err, ERR_USAGE, "parameter_bindings: no list");
	cJSON_ArrayForEach(item, list)
	{
		if (take_binding(call, item, err) < 0)
			return err_prefix(err, "parameter_bindings[%zu]", i);
		i++;
	}
	return 0;
}

static int
take_iteration(struct subflow_call *call, struct err *err)
{
	static const char *const modes[] = {"none", "once", "single", "off", "rows", "row",
		"per_row", "each_row", "for_each_row", NULL};
	int mode;

	if (setting_word(
		    call->node->settings, "iteration_mode", modes, 0, call->arena, &mode, err) < 0)
		return -1;
	call->by_rows = mode >= 4;
	if (call->n_columns > 0 && !call->by_rows)
		return err_set(err, ERR_USAGE,
			"parameter_bindings: %s: a column's values need iteration_mode rows",
			call->columns[0].param);
	if (call->by_rows && call->node->n_inputs != 1)
		return err_set(err, ERR_USAGE,
			"iteration_mode: rows needs one input, whose rows they are");
	return 0;
}

int
subflow_take(const struct flow *flow, const struct flow_node *node, struct arena *a,
	struct subflow_call *out, struct err *err)
{
	*out = (struct subflow_call){.arena = a, .flow = flow, .node = node};
	if (take_reference(out, err) < 0 || take_slots(out, "input_slots", &out->inputs, err) < 0 ||
		take_slots(out, "output_slots", &out->outputs, err) < 0 ||
		take_bindings(out, err) < 0 || take_iteration(out, err) < 0)
		return -1;
	return 0;
}

/* --- which flow -------------------------------------------------------------------------------------------- */

/* 1: there is one. */
static int
step_found(struct stmt *st, const struct subflow_call *call, const char **path, const char **name,
	struct err *err)
{
	int r = stmt_step(st, err);

	if (r > 0) {
		*path = catalog_text(call->arena, st, 0);
		*name = catalog_text(call->arena, st, 1);
		stmt_reset(st);
	}
	return r;
}

static int
find_registered(struct db *db, const struct subflow_call *call, const char **path,
	const char **name, struct err *err)
{
	struct stmt *st;
	int r = 0;

	if (call->uuid != NULL) {
		st = db_stmt(db, SQL_CAT_FLOW_OF_UUID);
		stmt_text(st, 1, call->uuid);
		r = step_found(st, call, path, name, err);
	}
	if (r == 0 && call->registration_id != ID_NONE) {
		st = db_stmt(db, SQL_CAT_FLOW_OF_ID);
		stmt_int(st, 1, call->registration_id);
		r = step_found(st, call, path, name, err);
	}
	return r;
}

static const char *
path_beside(const struct subflow_call *call)
{
	char *folder = path_dirname(call->flow->path), *path = path_join(folder, call->path);
	const char *copy = arena_strdup(call->arena, path);

	free(folder);
	free(path);
	return copy;
}

int
subflow_find(struct db *db, const struct subflow_call *call, const char **path, const char **name,
	struct err *err)
{
	int r = 0;

	if (db != NULL)
		r = find_registered(db, call, path, name, err);
	if (r != 0)
		return r > 0 ? 0 : -1;
	if (call->path != NULL) {
		*path = path_beside(call);
		*name = NULL;
		return 0;
	}
	if (db == NULL)
		return err_set(err, ERR_FAILED,
			"flow_reference: it names a flow of the catalog, and there is none");
	if (call->uuid != NULL)
		return err_set(
			err, ERR_NOT_FOUND, "flow_reference: no flow has the uuid %s", call->uuid);
	return err_set(err, ERR_NOT_FOUND, "flow_reference: no flow has the id %" PRId64,
		call->registration_id);
}

static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
		(stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino &&
			x.st_dev == y.st_dev);
}

static int
check_loop(const struct subflow_call *call, const char *path, struct err *err)
{
	const struct flow *f = call->flow;
	const char *loop = "";

	for (; f != NULL && !same_file(f->path, path); f = f->outer)
		loop = arena_printf(call->arena, "%s, which runs %s", f->name, loop);
	if (f == NULL)
		return 0;
	return err_set(err, ERR_USAGE, "flows run each other in a loop: %s runs %s%s", f->name,
		loop + (strncmp(loop, ", ", 2) == 0 ? 2 : 0), f->name);
}

/* --- what is connected to what ----------------------------------------------------------------------------- */

struct ends {
	const char *type, *field, *slots, *handle;
};
static const struct ends inputs = {"flow_input", "input_name", "input_slots", INPUT_HANDLE};
static const struct ends outputs = {"flow_output", "output_name", "output_slots", OUTPUT_HANDLE};

static const char *
name_of(const struct flow_node *node, const struct ends *ends)
{
	const char *name =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node->settings, ends->field));

	return name != NULL ? name : "";
}

static bool
is_end(const struct flow_node *node, const struct ends *ends)
{
	return strcmp(node->kind->type, ends->type) == 0;
}

/* The n-th of them, by their ids; NULL: there are not so many. */
static const struct flow_node *
nth_end(const struct flow *sub, const struct ends *ends, size_t n)
{
	for (size_t i = 0; i < sub->n_nodes; i++) {
		size_t before = 0;

		for (size_t k = 0; k < sub->n_nodes; k++)
			before +=
				is_end(&sub->nodes[k], ends) && sub->nodes[k].id < sub->nodes[i].id;
		if (is_end(&sub->nodes[i], ends) && before == n)
			return &sub->nodes[i];
	}
	return NULL;
}

static const struct flow_node *
named_end(const struct flow *sub, const struct ends *ends, const char *name, int64_t id)
{
	const struct flow_node *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < sub->n_nodes; i++) {
		const struct flow_node *node = &sub->nodes[i];

		if (!is_end(node, ends) || (name != NULL && strcmp(name_of(node, ends), name) != 0))
			continue;
		if (name == NULL ? node->id == id : true) {
			/* Of several of one name the id says which. */
			if (found == NULL || node->id == id)
				found = node;
			n++;
		}
	}
	return n > 1 && found->id != id ? NULL : found;
}

/* "a, b"; "none" */
static const char *
list_ends(const struct flow *sub, const struct ends *ends, struct arena *a)
{
	const struct flow_node *node;
	const char *list = "";

	for (size_t i = 0; (node = nth_end(sub, ends, i)) != NULL; i++)
		list = arena_printf(a, "%s%s%s", list, i > 0 ? ", " : "", name_of(node, ends));
	return *list != '\0' ? list : "none";
}

static int
slot_end(const struct subflow_call *call, const struct flow *sub, const struct ends *ends,
	const struct subflow_slot *slot, const struct flow_node **out, struct err *err)
{
	*out = named_end(sub, ends, slot->name, slot->node_id);
	if (*out == NULL && slot->name != NULL && slot->node_id != 0)
		*out = named_end(sub, ends, NULL, slot->node_id); /* it was renamed */
	if (*out != NULL)
		return 0;
	return err_set(err, ERR_USAGE, "%s: the flow %s has no %s %s; there are %s", ends->slots,
		sub->name, ends->type,
		slot->name != NULL ? slot->name
				   : arena_printf(call->arena, "of node %" PRId64, slot->node_id),
		list_ends(sub, ends, call->arena));
}

/* "input-2" and "output-2" are the third. */
static bool
handle_number(const char *handle, const struct ends *ends, size_t *n)
{
	int64_t number;

	if (!text_starts(handle, ends->handle) ||
		!text_to_int(handle + strlen(ends->handle), 0, FLOW_NODES_MAX, &number))
		return false;
	*n = (size_t)number;
	return true;
}

/* What a handle means: one of the slots, by its handle or name, or else by its number; without slots the same of the flow's own ends. *out
 * NULL: nothing. */
static int
find_end(const struct subflow_call *call, const struct flow *sub, const struct ends *ends,
	const char *handle, size_t place, const struct flow_node **out, struct err *err)
{
	const struct subflow_slots *slots = ends == &inputs ? &call->inputs : &call->outputs;
	bool numbered = *handle == '\0' || handle_number(handle, ends, &place);

	for (size_t i = 0; i < slots->n; i++) {
		const struct subflow_slot *slot = &slots->items[i];

		if ((slot->handle != NULL && strcmp(slot->handle, handle) == 0) ||
			(slot->name != NULL && strcmp(slot->name, handle) == 0))
			return slot_end(call, sub, ends, slot, out, err);
	}
	if (numbered && place < slots->n)
		return slot_end(call, sub, ends, &slots->items[place], out, err);
	*out = named_end(sub, ends, handle, 0);
	if (*out == NULL && numbered && slots->n == 0)
		*out = nth_end(sub, ends, place);
	return 0;
}

static int
edge_end(const struct subflow_call *call, const struct flow *sub, size_t edge,
	const struct flow_node **out, struct err *err)
{
	const char *slot = call->node->inputs[edge].slot;

	slot = slot != NULL ? slot : "";
	if (find_end(call, sub, &inputs, slot, edge, out, err) < 0)
		return -1;
	if (*out != NULL)
		return 0;
	if (*slot == '\0')
		return err_set(err, ERR_USAGE,
			"its input %zu is none of the flow %s, whose inputs are %s", edge + 1,
			sub->name, list_ends(sub, &inputs, call->arena));
	return err_set(err, ERR_USAGE,
		"input_connections: input_handle: the flow %s has no input %s; there are %s",
		sub->name, slot, list_ends(sub, &inputs, call->arena));
}

const struct flow_edge *
subflow_input(
	const struct subflow_call *call, const struct flow *sub, const struct flow_node *input)
{
	const struct flow_node *node;
	struct err ignored = ERR_INIT;

	for (size_t i = 0; !call->by_rows && i < call->node->n_inputs; i++)
		if (edge_end(call, sub, i, &node, &ignored) == 0 && node == input)
			return &call->node->inputs[i];
	return NULL;
}

int
subflow_output(const struct subflow_call *call, const struct flow *sub, int handle,
	const struct flow_node **out, struct err *err)
{
	const char *text = arena_printf(call->arena, OUTPUT_HANDLE "%d", handle);

	if (find_end(call, sub, &outputs, text, 0, out, err) < 0)
		return -1;
	if (*out != NULL || (handle == 0 && nth_end(sub, &outputs, 0) == NULL))
		return 0;
	return err_set(err, ERR_USAGE, "the flow %s has no output for %s; there are %s", sub->name,
		text, list_ends(sub, &outputs, call->arena));
}

/* --- reading it -------------------------------------------------------------------------------------------- */

static int
check_connections(const struct subflow_call *call, const struct flow *sub, struct err *err)
{
	const struct flow_node *one, *other;

	for (size_t i = 0; i < call->node->n_inputs; i++) {
		if (edge_end(call, sub, i, &one, err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (edge_end(call, sub, k, &other, err) < 0)
				return -1;
			else if (one == other)
				return err_set(err, ERR_USAGE,
					"input_connections: two lead to the input %s",
					name_of(one, &inputs));
	}
	return 0;
}

/* A virtual table stands for what its flow gives on its own, not within another and with its values. */
static int
check_tables(const struct flow *sub, struct err *err)
{
	for (size_t i = 0; i < sub->n_nodes; i++) {
		const struct flow_node *node = &sub->nodes[i];
		const cJSON *settings = setting_object(node->settings, "catalog_write_settings");
		const char *mode = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(settings, "write_mode"));

		if (strcmp(node->kind->type, "catalog_writer") != 0 || mode == NULL ||
			!text_equal_nocase(mode, "virtual"))
			continue;
		err_set(err, ERR_USAGE,
			"write_mode: a virtual table is made by a run of its own flow, not within "
			"another");
		return flow_node_failed(node, err);
	}
	return 0;
}

/* How often something would be written is known only when the rows are. */
static int
check_rows(const struct flow *sub, struct err *err)
{
	bool *needed = xcalloc(sub->n_nodes + 1, sizeof(*needed));
	const struct flow_node *bad = NULL;
	const char *why;

	for (size_t i = 0; i < sub->n_nodes; i++)
		if (is_end(&sub->nodes[i], &outputs))
			plan_mark_needed(sub, i, false, needed);
	for (size_t i = 0; bad == NULL && i < sub->n_nodes; i++) {
		const struct flow_node *node = &sub->nodes[i];

		if (node_runs_flow(node) || is_end(node, &inputs) ||
			node_judge(node, &why) == NODE_OUTPUT ||
			(checkpoint_is_program(node) && !needed[i]))
			bad = node;
	}
	free(needed);
	if (bad == NULL)
		return 0;
	err_set(err, ERR_USAGE,
		is_end(bad, &inputs)
			? "what an input gets when a flow is run for each row only Flowfile knows"
			: "a flow that is run for each row can give rows only, and run no others");
	return flow_node_failed(bad, err);
}

int
subflow_fits(const struct subflow_call *call, const struct flow *sub, struct err *err)
{
	if (plan_check(sub, err) == 0 && check_tables(sub, err) == 0 &&
		(call->by_rows ? check_rows(sub, err) : check_connections(call, sub, err)) == 0)
		return 0;
	return err_prefix(err, "%s", sub->path);
}

int
subflow_read(const struct subflow_call *call, const char *path, const struct flow_param *more,
	size_t n_more, size_t *count, struct flow **out, struct err *err)
{
	struct flow_param *params =
		arena_array(call->arena, call->n_params + n_more + 1, sizeof(*params));

	if (++*count > SUBFLOWS_MAX)
		return err_set(err, ERR_USAGE, "more than %d flows within flows", SUBFLOWS_MAX);
	/* Of two of one name the last counts. */
	for (size_t i = 0; i < call->n_params; i++)
		params[i] = call->params[i];
	for (size_t i = 0; i < n_more; i++)
		params[call->n_params + i] = more[i];
	if (check_loop(call, path, err) < 0 ||
		flow_read(path, params, call->n_params + n_more, out, err) < 0)
		return -1;
	(*out)->outer = call->flow;
	return 0;
}

static int
check_below(struct db *db, const struct flow *flow, struct arena *a, size_t *count, struct err *err)
{
	const char *name;

	for (size_t i = 0; i < flow->n_nodes; i++)
		if (node_runs_flow(&flow->nodes[i]) &&
			subflow_check(db, flow, &flow->nodes[i], a, count, &name, err) < 0) {
			flow_node_failed(&flow->nodes[i], err);
			return err_prefix(err, "%s", flow->path);
		}
	return 0;
}

int
subflow_check(struct db *db, const struct flow *flow, const struct flow_node *node, struct arena *a,
	size_t *count, const char **name, struct err *err)
{
	struct subflow_call call;
	const char *path;
	struct flow *sub;
	int rc;

	if (subflow_take(flow, node, a, &call, err) < 0 ||
		subflow_find(db, &call, &path, name, err) < 0 ||
		subflow_read(&call, path, NULL, 0, count, &sub, err) < 0)
		return -1;
	if (*name == NULL)
		*name = arena_strdup(a, sub->name);
	rc = subflow_fits(&call, sub, err);
	if (rc == 0)
		rc = check_below(db, sub, a, count, err);
	flow_free(sub);
	return rc;
}
