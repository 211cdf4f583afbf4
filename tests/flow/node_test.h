/* For tests of nodes: a flow is run in a folder of its own, and what it wrote is read. */
#ifndef FF_TESTS_NODE_TEST_H
#define FF_TESTS_NODE_TEST_H

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engine_test.h"
#include "flow/node.h"
#include "flow/run.h"

static char dir[] = "/tmp/test_nodes.XXXXXX";
static struct duck *d;
static struct arena a;

static inline void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
}

static inline void
tear_down(void)
{
	char command[128];

	duck_close(d);
	arena_free(&a);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Checks and runs a flow of these nodes. */
static inline int
run_nodes(const char *nodes, struct flow_progress *progress, struct err *err)
{
	const char *text = arena_printf(&a, "nodes:\n%s", nodes);
	const struct flow_run_options how = {0};
	const struct plan_options options = {.duck = d};
	struct err write_err = ERR_INIT;
	struct flow *flow;
	struct plan *plan;
	int rc;

	ck_assert_int_eq(file_write_atomic("flow.yaml", text, strlen(text), 0644, &write_err), 0);
	if (flow_read("flow.yaml", NULL, 0, &flow, err) < 0)
		return -1;
	ck_assert_int_eq(plan_create(&options, &plan, err), 0);
	plan_scope(plan, flow, NULL, 0);
	rc = plan_check(flow, err);
	if (rc == 0)
		rc = flow_run(plan, &how, progress, err);
	plan_free(plan);
	flow_free(flow);
	return rc;
}

static inline char *
text_of(const char *path)
{
	struct err err = ERR_INIT;
	char *text = file_read(path, 1 << 20, NULL, &err);

	ck_assert_msg(text != NULL, "%s", err.text);
	return text;
}

#define ROWS(id, type, outputs, columns, data)                                                     \
	"- {id: " id ", type: " type ", outputs: [" outputs                                        \
	"], setting_input: {input_name: rows, raw_data_format: {columns: [" columns                \
	"], data: [" data "]}}}\n"
#define WRITTEN(id, from, outputs, name)                                                           \
	"- {id: " id ", type: output, input_ids: [" from "], outputs: [" outputs                   \
	"], setting_input: {output_settings: {name: " name ", directory: ., file_type: csv}}}\n"

#endif
