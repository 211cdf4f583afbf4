/* Flow files, JSON and YAML: whatever is in them is read or refused. What is read is in an order that can be run. */
#include <assert.h>
#include <stdlib.h>

#include "flow/node.h"
#include "fuzz.h"

static void
check(const struct flow *flow)
{
	for (size_t i = 0; i < flow->n_nodes; i++) {
		assert(flow->nodes[i].kind != NULL && cJSON_IsObject(flow->nodes[i].settings));
		for (size_t k = 0; k < flow->nodes[i].n_inputs; k++)
			assert(flow->nodes[i].inputs[k].from < i &&
				flow->nodes[i].inputs[k].handle < FLOW_HANDLES_MAX);
	}
}

static void
look(const struct flow *flow)
{
	struct err ignored = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct flow_warning *warnings;

	(void)plan_check(flow, &ignored);
	(void)flow_warnings(flow, &a, &warnings);
	arena_free(&a);
}

/* The first byte says as what the rest is read. */
int
FUZZ_TARGET(flow)(const uint8_t *data, size_t size)
{
	static const struct flow_param given[] = {{"p", "${p}"}};
	struct err err = ERR_INIT;
	struct flow *flow;
	char path[64];

	if (size == 0 || !fuzz_file(path, data[0] & 1 ? "yaml" : "json", data + 1, size - 1))
		return 0;
	/* A given parameter is refused where nothing uses it. */
	for (size_t n_given = 0; n_given <= 1; n_given++) {
		err_clear(&err);
		if (flow_read(path, given, n_given, &flow, &err) == 0) {
			check(flow);
			look(flow);
			flow_free(flow);
		} else {
			assert(err.code != ERR_NONE && err.text[0] != '\0');
		}
	}
	unlink(path);
	return 0;
}
