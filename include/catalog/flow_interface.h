/* What a flow file declares for those who call it: inputs, outputs, parameters (contract 5.3, 7). */
#ifndef FF_CATALOG_FLOW_INTERFACE_H
#define FF_CATALOG_FLOW_INTERFACE_H

#include <stdbool.h>

#include "base/json.h"
#include "catalog/catalog.h"

struct flow_port {
	int64_t node_id;
	const char *name;
};

struct flow_parameter {
	const char *name, *default_value, *description, *type;
	const char **enum_values; /* NULL: null on the wire */
	size_t n_enum_values;
};

struct flow_interface {
	bool readable; /* else the rest is empty */
	struct flow_port *inputs, *outputs; /* by node */
	size_t n_inputs, n_outputs;
	struct flow_parameter *parameters;
	size_t n_parameters;
};

/* Reads a ".json", ".yaml" or ".yml" file. What is no flow file is no error: readable says so. */
void flow_interface_read(const char *path, struct arena *a, struct flow_interface *out);

void flow_interface_json(
	struct json *j, int64_t registration_id, const struct flow_interface *interface);

#endif
