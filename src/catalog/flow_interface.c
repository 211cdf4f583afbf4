#include "catalog/flow_interface.h"

#include <stdlib.h>
#include <string.h>

#include "base/document.h"

/* --- the parts of a flow file ----------------------------------------------------------------------------- */

static const char *
get_text(struct arena *a, const cJSON *object, const char *name, const char *preset)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return arena_strdup(a, s != NULL ? s : preset);
}

static int
by_node(const void *a, const void *b)
{
	const struct flow_port *x = a, *y = b;

	return (x->node_id > y->node_id) - (x->node_id < y->node_id);
}

/* The nodes of a type, each with the name that its settings give. */
static struct flow_port *
read_ports(const cJSON *nodes, const char *type, const char *name, struct arena *a, size_t *n)
{
	struct flow_port *ports = NULL;
	const cJSON *node;

	*n = 0;
	cJSON_ArrayForEach(node, nodes)
	{
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(node, "id");
		const cJSON *settings = cJSON_GetObjectItemCaseSensitive(node, "setting_input");
		const char *is = get_text(a, node, "type", "");

		if (strcmp(is, type) != 0 || !cJSON_IsObject(settings) || !cJSON_IsNumber(id))
			continue;
		ports = catalog_grow(a, ports, *n, sizeof(*ports));
		ports[(*n)++] = (struct flow_port){
			(int64_t)id->valuedouble, get_text(a, settings, name, "")};
	}
	if (*n > 1)
		qsort(ports, *n, sizeof(*ports), by_node);
	return ports;
}

static void
read_parameter(const cJSON *item, struct arena *a, struct flow_parameter *out)
{
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(item, "enum_values"), *value;

	*out = (struct flow_parameter){
		.name = get_text(a, item, "name", ""),
		.default_value = get_text(a, item, "default_value", ""),
		.description = get_text(a, item, "description", ""),
		.type = get_text(a, item, "type", "string"),
	};
	if (!cJSON_IsArray(values))
		return;
	out->enum_values =
		arena_array(a, (size_t)cJSON_GetArraySize(values) + 1, sizeof(*out->enum_values));
	cJSON_ArrayForEach(value, values) if (cJSON_IsString(value))
		out->enum_values[out->n_enum_values++] = arena_strdup(a, value->valuestring);
}

void
flow_interface_read(const char *path, struct arena *a, struct flow_interface *out)
{
	struct err ignored = ERR_INIT;
	cJSON *file = document_read(path, &ignored);
	const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(file, "nodes"), *item;
	const cJSON *settings = cJSON_GetObjectItemCaseSensitive(file, "flowfile_settings");
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(settings, "parameters");

	*out = (struct flow_interface){.readable = cJSON_IsObject(file) && cJSON_IsArray(nodes)};
	if (out->readable) {
		out->inputs = read_ports(nodes, "flow_input", "input_name", a, &out->n_inputs);
		out->outputs = read_ports(nodes, "flow_output", "output_name", a, &out->n_outputs);
		cJSON_ArrayForEach(item, list)
		{
			out->parameters = catalog_grow(
				a, out->parameters, out->n_parameters, sizeof(*out->parameters));
			read_parameter(item, a, &out->parameters[out->n_parameters++]);
		}
	}
	cJSON_Delete(file);
}

/* --- on the wire ----------------------------------------------------------------------------------------------- */

static void
json_ports(struct json *j, const char *key, const struct flow_port *ports, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		json_object(j);
		json_kv_string(j, "name", ports[i].name);
		json_kv_int(j, "node_id", ports[i].node_id);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
json_parameter(struct json *j, const struct flow_parameter *p)
{
	json_object(j);
	json_kv_string(j, "name", p->name);
	json_kv_string(j, "default_value", p->default_value);
	json_kv_string(j, "description", p->description);
	json_kv_string(j, "type", p->type);
	json_key(j, "enum_values");
	if (p->enum_values == NULL) {
		json_null(j);
	} else {
		json_array(j);
		for (size_t i = 0; i < p->n_enum_values; i++)
			json_string(j, p->enum_values[i]);
		json_array_end(j);
	}
	json_object_end(j);
}

void
flow_interface_json(struct json *j, int64_t registration_id, const struct flow_interface *interface)
{
	json_object(j);
	json_kv_int(j, "registration_id", registration_id);
	json_ports(j, "inputs", interface->inputs, interface->n_inputs);
	json_ports(j, "outputs", interface->outputs, interface->n_outputs);
	json_key(j, "parameters");
	json_array(j);
	for (size_t i = 0; i < interface->n_parameters; i++)
		json_parameter(j, &interface->parameters[i]);
	json_array_end(j);
	json_kv_bool(j, "file_exists", interface->readable);
	json_object_end(j);
}
