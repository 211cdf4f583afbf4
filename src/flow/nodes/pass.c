/* Nodes through which rows go as they are. */
#include "nodes.h"

/* Of wait_for this is the main input. What it waits for is compiled before it, and outputs on the way there are written before those behind
 * it: they come in the flow's order. */
int
node_pass(struct compiler *c, struct err *err)
{
	(void)err;
	return node_emit_input(c, 0, 0);
}

/* For a flow that runs this one; nobody asks for it otherwise. */
int
node_flow_output(struct compiler *c, struct err *err)
{
	const char *name;

	if (setting_text(c->settings, "output_name", "", c->arena, &name, err) < 0)
		return -1;
	return node_emit_input(c, 0, 0);
}

/* For who calls the flow through Flowfile's API, which limits and forms the answer; nobody asks for it otherwise. */
int
node_api_response(struct compiler *c, struct err *err)
{
	static const char *const orientations[] = {"records", "columns", NULL};
	int64_t max_rows;
	int orientation;

	if (setting_word(c->settings, "orientation", orientations, 0, c->arena, &orientation, err) <
			0 ||
		setting_int(c->settings, "max_rows", 0, INT64_MAX, 0, &max_rows, err) < 0)
		return -1;
	return node_emit_input(c, 0, 0);
}
