#include "catalog/flow_interface.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"
#include "base/text.h"

#define FILE_MAX (16 * 1024 * 1024)
#define DEPTH_MAX 64
#define NODES_MAX 500000 /* of a YAML tree, with what its aliases stand for */

/* --- YAML as JSON ------------------------------------------------------------------------------------- */

struct converter {
	yaml_document_t document;
	int left; /* nodes that may still be made */
};

/* A plain scalar is what it looks like, a quoted one text. */
static cJSON *
convert_scalar(const yaml_node_t *node)
{
	const char *s = (const char *)node->data.scalar.value;
	int64_t n;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return cJSON_CreateString(s);
	if (*s == '\0' || strcmp(s, "~") == 0 || strcasecmp(s, "null") == 0)
		return cJSON_CreateNull();
	if (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0)
		return cJSON_CreateBool(strcasecmp(s, "true") == 0);
	if (text_to_int(s, -(INT64_C(1) << 53), INT64_C(1) << 53, &n))
		return cJSON_CreateNumber((double)n);
	return cJSON_CreateString(s);
}

static cJSON *convert(struct converter *c, int index, int depth);

static cJSON *
convert_sequence(struct converter *c, const yaml_node_t *node, int depth)
{
	cJSON *list = cJSON_CreateArray(), *item;

	for (const yaml_node_item_t *i = node->data.sequence.items.start;
		i < node->data.sequence.items.top; i++) {
		item = convert(c, *i, depth + 1);
		if (item == NULL) {
			cJSON_Delete(list);
			return NULL;
		}
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

static cJSON *
convert_mapping(struct converter *c, const yaml_node_t *node, int depth)
{
	cJSON *object = cJSON_CreateObject(), *item;
	const yaml_node_t *key;

	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
		p < node->data.mapping.pairs.top; p++) {
		key = yaml_document_get_node(&c->document, p->key);
		item = key->type == YAML_SCALAR_NODE ? convert(c, p->value, depth + 1) : NULL;
		if (item == NULL) {
			cJSON_Delete(object);
			return NULL;
		}
		cJSON_AddItemToObject(object, (const char *)key->data.scalar.value, item);
	}
	return object;
}

/* NULL: too deep or too much, or a key that is no text. */
static cJSON *
convert(struct converter *c, int index, int depth)
{
	const yaml_node_t *node = yaml_document_get_node(&c->document, index);

	if (depth > DEPTH_MAX || c->left-- == 0)
		return NULL;
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return convert_scalar(node);
	case YAML_SEQUENCE_NODE:
		return convert_sequence(c, node, depth);
	case YAML_MAPPING_NODE:
		return convert_mapping(c, node, depth);
	default:
		return NULL;
	}
}

static cJSON *
parse_yaml(const char *text, size_t len)
{
	struct converter c = {.left = NODES_MAX};
	yaml_parser_t parser;
	cJSON *out = NULL;

	if (!yaml_parser_initialize(&parser))
		return NULL;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &c.document)) {
		if (yaml_document_get_root_node(&c.document) != NULL)
			out = convert(&c, 1, 0);
		yaml_document_delete(&c.document);
	}
	yaml_parser_delete(&parser);
	return out;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcasecmp(s + n - m, end) == 0;
}

static cJSON *
parse_file(const char *path)
{
	bool json = ends_with(path, ".json");
	struct err err = ERR_INIT;
	cJSON *out = NULL;
	char *text;
	size_t len;

	if (!json && !ends_with(path, ".yaml") && !ends_with(path, ".yml"))
		return NULL;
	text = file_read(path, FILE_MAX, &len, &err);
	if (text != NULL)
		out = json ? cJSON_ParseWithLength(text, len) : parse_yaml(text, len);
	free(text);
	return out;
}

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
	cJSON *file = parse_file(path);
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
