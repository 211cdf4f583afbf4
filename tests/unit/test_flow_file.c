/* Flow files as they are written: what is read, in which order, and what is said of what is wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/document.h"
#include "base/file.h"
#include "flow/node.h"

static char dir[] = "/tmp/test_flow_file.XXXXXX";
static char path[128];

static void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a flow.yaml", dir);
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

static int
read_text(const char *text, const struct flow_param *params, size_t n, struct flow **flow,
	struct err *err)
{
	struct err write_err = ERR_INIT;

	ck_assert_int_eq(file_write_atomic(path, text, strlen(text), 0644, &write_err), 0);
	return flow_read(path, params, n, flow, err);
}

static struct flow *
good(const char *text)
{
	struct err err = ERR_INIT;
	struct flow *flow = NULL;

	ck_assert_msg(read_text(text, NULL, 0, &flow, &err) == 0, "%s", err.text);
	return flow;
}

#define TWO                                                                                        \
	"nodes:\n"                                                                                 \
	"- {id: 2, type: filter, input_ids: [1], setting_input: {filter_input: {mode: basic}}}\n"  \
	"- {id: 1, type: read, outputs: [2], output_handles: [output-0]}\n"

START_TEST(nodes_come_behind_what_they_read)
{
	struct flow *flow = good(TWO);

	ck_assert_str_eq(flow->name, "a flow");
	ck_assert_uint_eq(flow->n_nodes, 2);
	ck_assert_int_eq(flow->nodes[0].id, 1);
	ck_assert_int_eq(flow->nodes[1].id, 2);
	ck_assert_uint_eq(flow->nodes[1].n_inputs, 1);
	ck_assert_uint_eq(flow->nodes[1].inputs[0].from, 0);
	ck_assert_uint_eq(flow->nodes[0].n_readers, 1);
	ck_assert_ptr_eq(flow_node(flow, 2), &flow->nodes[1]);
	ck_assert_ptr_null(flow_node(flow, 3));
	flow_free(flow);
}
END_TEST

START_TEST(an_edge_that_only_its_reader_names_leaves_by_the_first_output)
{
	struct flow *flow = good("nodes: [{id: 1, type: read}, {id: 2, type: filter, input_ids: "
				 "[1]}]");

	ck_assert_uint_eq(flow_node(flow, 2)->n_inputs, 1);
	ck_assert_int_eq(flow_node(flow, 2)->inputs[0].handle, 0);
	ck_assert_uint_eq(flow_node(flow, 1)->n_readers, 1);
	flow_free(flow);
}
END_TEST

START_TEST(a_mistyped_type_is_no_type_of_the_users_own)
{
	struct flow *flow = good("nodes:\n"
				 "- {id: 1, type: fliter}\n"
				 "- {id: 2, type: fliter, setting_input: {is_user_defined: true}}\n"
				 "- {id: 3, type: my_own_thing}\n");
	const char *why;

	ck_assert_int_eq(node_judge(flow_node(flow, 1), &why), NODE_UNSUPPORTED);
	ck_assert_str_eq(flow_node(flow, 1)->type, "fliter");
	ck_assert_str_eq(why, "there is no type of nodes fliter; did you mean filter?");
	for (int64_t id = 2; id <= 3; id++) {
		ck_assert_int_eq(node_judge(flow_node(flow, id), &why), NODE_UNSUPPORTED);
		ck_assert_ptr_nonnull(strstr(why, "of the user's own"));
	}
	flow_free(flow);
}
END_TEST

START_TEST(an_edge_has_the_handle_of_its_place_among_the_outputs)
{
	struct flow *flow =
		good("nodes:\n"
		     "- {id: 1, type: read, outputs: [2]}\n"
		     "- {id: 2, type: filter, input_ids: [1], outputs: [4, 3], output_handles: "
		     "[output-0, output-1]}\n"
		     "- {id: 3, type: explore_data, input_ids: [2]}\n"
		     "- {id: 4, type: explore_data, input_ids: 2}\n");

	ck_assert_int_eq(flow_node(flow, 3)->inputs[0].handle, 1);
	ck_assert_int_eq(flow_node(flow, 4)->inputs[0].handle, 0);
	flow_free(flow);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"", "there is nothing in it"},
	{"nodes: [", "not valid YAML: line 2"},
	{"[1, 2]", "it has no nodes"},
	{"name: x", "it has no nodes"},
	{"nodes: 5", "nodes: no list"},
	{"nodes: [5]", "nodes[0]: no object"},
	{"nodes: [{type: read}]", "nodes[0]: id: no whole number"},
	{"nodes: [{id: 1.5, type: read}]", "id: no whole number"},
	{"nodes: [{id: x, type: read}]", "id: no whole number"},
	{"nodes: [{id: 1}]", "node 1: type: it is missing"},
	{"nodes: [{id: 1, type: [read]}]", "node 1: type: no text"},
	{"nodes: [{id: 1, type: read, setting_input: 5}]",
		"node 1 (read): setting_input: no object"},
	{"nodes: [{id: 1, type: read, description: [a]}]", "node 1 (read): description: no text"},
	{"nodes: [{id: 1, type: read}, {id: 1, type: read}]", "nodes[1]: id 1 is there twice"},
	{"nodes: [{id: 1, type: filter}]", "node 1 (filter): its input is not connected"},
	{"nodes: [{id: 1, type: filter, input_ids: [7]}]",
		"node 1 (filter): it reads node 7, which is not there"},
	{"nodes: [{id: 1, type: filter, input_ids: [x]}]",
		"node 1 (filter): input_ids: item 1 is no id"},
	{"nodes: [{id: 1, type: read, outputs: [3], output_handles: [output-1]}, {id: 2, type: "
	 "filter, input_ids: [1]}, {id: 3, type: filter, input_ids: [1]}]",
		"node 2 (filter): it reads node 1, whose outputs do not name it"},
	{"nodes: [{id: 1, type: read, outputs: [2]}]",
		"node 1 (read): outputs: there is no node 2"},
	{"nodes: [{id: 1, type: read, outputs: [x]}]", "node 1 (read): outputs: no id of a node"},
	{"nodes: [{id: 1, type: read}, {id: 2, type: filter, inputs: [1]}]",
		"its input is not connected: input_ids names its inputs, not inputs"},
	{"nodes: [{id: 1, type: read}, {id: 2, type: join, input_ids: [1]}]",
		"its right input is not connected: right_input_id is missing"},
	{"nodes: [{id: 1, type: read}, {id: 2, type: join, input_ids: [1, 1]}]",
		"right_input_id is missing, and input_ids has the left one only"},
	{"nodes: []\n---\nnodes: []", "a second document begins at line 2"},
	{"nodes: []\n---\nnodes: [", "not valid YAML: line 4"},
	{"nodes: [{id: 1, type: read, outputs: [2], output_handles: [left]}, {id: 2, type: filter, "
	 "input_ids: [1]}]",
		"output_handles of node 1: no handle at 0"},
	{"nodes: [{id: 1, type: read, outputs: [2]}, {id: 2, type: filter, right_input_id: 1}]",
		"node 2 (filter): right_input_id: it has no right input"},
	{"nodes: [{id: 1, type: read, outputs: [3]}, {id: 2, type: read, outputs: [3]}, {id: 3, "
	 "type: filter, input_ids: [1, 2]}]",
		"node 3 (filter): it takes 1 input, and has 2: put a union before it"},
	{"nodes: [{id: 1, type: read, outputs: [2]}, {id: 2, type: read, input_ids: [1]}]",
		"node 2 (read): it takes no input, and has 1"},
	{"nodes: [{id: 1, type: filter, input_ids: [2], outputs: [2]}, {id: 2, type: filter, "
	 "input_ids: [1], outputs: [1]}]",
		"its nodes form a cycle: "},
	{"nodes: []\nflowfile_settings: {parameters: [5]}", "parameters: no object"},
	{"nodes: []\nflowfile_settings: {parameters: [{default_value: x}]}",
		"parameters: name: it is missing"},
	{"nodes: []\nflowfile_settings: {parameters: [{name: n, type: integer, default_value: x}]}",
		"parameter n: 'x' is no integer"},
	{"nodes: []\nnodes: []", "the key 'nodes', which is there twice, at line 2"},
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
	struct err err = ERR_INIT;
	struct flow *flow;

	ck_assert_int_eq(read_text(wrong[_i].text, NULL, 0, &flow, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
	ck_assert_msg(strstr(err.text, path) != NULL, "no file in: %s", err.text);
}
END_TEST

START_TEST(a_cycle_is_named)
{
	struct err err = ERR_INIT;
	struct flow *flow;

	ck_assert_int_eq(
		read_text("nodes:\n"
			  "- {id: 1, type: read, outputs: [2]}\n"
			  "- {id: 2, type: sql_query_of_mine, input_ids: [1, 4], outputs: [3]}\n"
			  "- {id: 3, type: filter, input_ids: [2], outputs: [4]}\n"
			  "- {id: 4, type: filter, input_ids: [3], outputs: [2]}\n",
			NULL, 0, &flow, &err),
		-1);
	ck_assert_msg(strstr(err.text, "2 -> 3 -> 4 -> 2") != NULL ||
			strstr(err.text, "3 -> 4 -> 2 -> 3") != NULL ||
			strstr(err.text, "4 -> 2 -> 3 -> 4") != NULL,
		"%s", err.text);
}
END_TEST

START_TEST(a_file_that_is_not_there_or_no_flow_is_an_error)
{
	struct err err = ERR_INIT;
	struct flow *flow;

	ck_assert_int_eq(flow_read("/nowhere/x.yaml", NULL, 0, &flow, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	err_clear(&err);
	ck_assert_int_eq(flow_read("/etc/hostname", NULL, 0, &flow, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
}
END_TEST

#define WITH_PARAMS                                                                                \
	"flowfile_settings: {parameters: [{name: low, default_value: '5', type: integer}, {name: " \
	"s}]}\n"                                                                                   \
	"nodes: [{id: 1, type: read, setting_input: {a: 'x${low}y${other}', b: {c: ['${s}', "      \
	"'${low}']}}}]\n"

START_TEST(parameters_are_put_into_settings_once)
{
	const struct flow_param given[] = {{"s", "${low}"}, {"other", "m"}};
	struct err err = ERR_INIT;
	struct flow *flow;
	const cJSON *settings;
	const char **texts;
	size_t n;

	ck_assert_int_eq(read_text(WITH_PARAMS, given, 2, &flow, &err), 0);
	settings = flow->nodes[0].settings;
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(settings, "a")), "x5ym");
	ck_assert_int_eq(
		setting_texts(setting_object(settings, "b"), "c", &flow->arena, &texts, &n, &err),
		0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(texts[0], "${low}");
	ck_assert_str_eq(texts[1], "5");
	ck_assert_uint_eq(flow->n_params, 3);
	flow_free(flow);
}
END_TEST

START_TEST(a_parameter_of_the_wrong_type_is_refused)
{
	const struct flow_param given[] = {{"low", "five"}};
	struct err err = ERR_INIT;
	struct flow *flow;

	ck_assert_int_eq(read_text(WITH_PARAMS, given, 1, &flow, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "parameter low: 'five' is no integer"));
}
END_TEST

START_TEST(a_parameter_that_nothing_uses_is_refused)
{
	const struct flow_param given[] = {{"lwo", "5"}}, far[] = {{"country", "NL"}};
	const struct flow_param in_environment[] = {{"x", "1"}};
	struct err err = ERR_INIT;
	struct flow *flow;

	ck_assert_int_eq(read_text(WITH_PARAMS, given, 1, &flow, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "the flow has no parameter lwo; did you mean low?"));
	ck_assert_int_eq(flow_check_params(path, given, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	err_clear(&err);
	ck_assert_int_eq(read_text(WITH_PARAMS, far, 1, &flow, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no parameter country; it has low, s"));
	err_clear(&err);
	ck_assert_int_eq(read_text("nodes: []", far, 1, &flow, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no parameter country, and no other"));
	err_clear(&err);
	ck_assert_int_eq(read_text("nodes: [{id: 1, type: command, setting_input: {command: 'echo "
				   "$FLOWFILE_PARAM_x'}}]",
				 in_environment, 1, &flow, &err),
		0);
	flow_free(flow);
}
END_TEST

/* What is said of the file's one node, or "" for nothing. */
static const struct {
	const char *node, *warnings;
} advice[] = {
	{"type: sort, setting_input: {sort_inputs: [{column: a}]}",
		"setting_input has no sort_inputs; did you mean sort_input?\n"},
	{"type: sort", "setting_input has no sort_input: the node passes its input on as it is\n"},
	{"type: select, setting_input: {select_input: []}",
		"setting_input has no select_input: the node passes its input on as it is\n"},
	{"type: sort, setting_input: {sort_input: [{column: a}, {colum: b}], cache_results: true}",
		"setting_input: sort_input[1] has no colum; did you mean column?\n"},
	{"type: filter, setting_input: {filter_input: {basic_filter: {fields: a}}}",
		"setting_input: filter_input: basic_filter has no fields; did you mean field?\n"},
	/* Both are there: it is no other word for the known one. */
	{"type: filter, setting_input: {filter_input: {basic_filter: {field: a, fields: b}}}", ""},
	{"type: filter, setting_input: {node_id: 4, of_nobody: 5}", ""},
	{"type: filter, discription: x", "a node has no discription; did you mean description?\n"},
	{"type: sql_query, inputs: [], setting_input: {}",
		"a node has no inputs; did you mean input_ids?\n"},
	{"type: catalog_writer, setting_input: {catalog_write_settings: {write_modus: x, "
	 "merge_key: "
	 "[a]}}",
		"setting_input: catalog_write_settings has no write_modus; did you mean "
		"write_mode?\n"
		"setting_input: catalog_write_settings has no merge_key; did you mean "
		"merge_keys?\n"},
	{"type: of_my_own, setting_input: {sort_inputs: 1}", ""},
};

START_TEST(keys_that_were_meant_to_be_others_are_named)
{
	const bool has_input = strstr(advice[_i].node, "sql_query") == NULL;
	struct arena a = ARENA_INIT;
	const char *all = "";
	struct flow_warning *warnings;
	struct flow *flow = good(arena_printf(&a, "nodes: [{id: 1, type: read}, {id: 2, %s%s}]",
		has_input ? "input_ids: [1], " : "", advice[_i].node));
	size_t n = flow_warnings(flow, &a, &warnings);

	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(warnings[i].node->id, 2);
		all = arena_printf(&a, "%s%s\n", all, warnings[i].text);
	}
	ck_assert_str_eq(all, advice[_i].warnings);
	flow_free(flow);
	arena_free(&a);
}
END_TEST

START_TEST(settings_are_taken_for_what_they_say)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	static const char *const words[] = {"one", "two", NULL};
	const char *text;
	int64_t n;
	double d;
	bool b;
	int w;
	cJSON *o = cJSON_Parse("{\"t\": 5, \"n\": \"7\", \"f\": \"1.5\", \"b\": \"yes\", \"w\": "
			       "\"TWO\", \"null\": null, \"x\": 1.5}");

	ck_assert_int_eq(setting_text(o, "t", NULL, &a, &text, &err), 0);
	ck_assert_str_eq(text, "5");
	ck_assert_int_eq(setting_int(o, "n", 0, 9, 1, &n, &err), 0);
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(setting_double(o, "f", 0, 9, 1, &d, &err), 0);
	ck_assert(d > 1.4 && d < 1.6);
	ck_assert_int_eq(setting_bool(o, "b", false, &b, &err), 0);
	ck_assert(b);
	ck_assert_int_eq(setting_word(o, "w", words, 0, &a, &w, &err), 0);
	ck_assert_int_eq(w, 1);
	ck_assert_int_eq(setting_int(o, "null", 0, 9, 4, &n, &err), 0);
	ck_assert_int_eq(n, 4);
	ck_assert_int_eq(setting_int(o, "x", 0, 9, 4, &n, &err), -1);
	ck_assert_str_eq(err.text, "x: no whole number");
	err_clear(&err);
	ck_assert_int_eq(setting_int(o, "n", 0, 5, 4, &n, &err), -1);
	ck_assert_str_eq(err.text, "n: 7 is not between 0 and 5");
	err_clear(&err);
	ck_assert_int_eq(setting_word(o, "t", words, 0, &a, &w, &err), -1);
	ck_assert_str_eq(err.text, "t: '5' is none of one, two");
	cJSON_Delete(o);
	arena_free(&a);
}
END_TEST

START_TEST(yaml_is_what_python_takes_it_for)
{
	static const char text[] = "{a: yes, b: 'yes', c: 1.50, d: 123456789012345678, e: ~, f: "
				   "2024-01-02, g: &x [1], h: *x}";
	struct err err = ERR_INIT;
	cJSON *t = document_parse_yaml(text, strlen(text), "t", &err);

	ck_assert_msg(t != NULL, "%s", err.text);
	ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(t, "a")));
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(t, "b")), "yes");
	ck_assert(cJSON_IsNumber(cJSON_GetObjectItem(t, "c")));
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(t, "d")), "123456789012345678");
	ck_assert(cJSON_IsNull(cJSON_GetObjectItem(t, "e")));
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(t, "f")), "2024-01-02");
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(t, "h")), 1);
	cJSON_Delete(t);
}
END_TEST

/* Nine lists of nine of the one before: more than memory, if it were all made. */
START_TEST(a_yaml_bomb_is_refused)
{
	struct err err = ERR_INIT;
	char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n", line[256];

	for (int i = 1; i < 12; i++) {
		snprintf(line, sizeof(line),
			"a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
		strcat(text, line);
	}
	ck_assert_ptr_null(document_parse_yaml(text, strlen(text), "t", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "too much"));
}
END_TEST

START_TEST(json_that_is_none_is_said_with_its_place)
{
	static const char text[] = "{\"a\": 1,\n \"b\": }";
	struct err err = ERR_INIT;

	ck_assert_ptr_null(document_parse_json(text, strlen(text), "t", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "t: not valid JSON: line 2"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flow_file");
	TCase *tc = tcase_create("file");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60); /* half a million nodes on a busy machine */
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nodes_come_behind_what_they_read);
	tcase_add_test(tc, an_edge_that_only_its_reader_names_leaves_by_the_first_output);
	tcase_add_test(tc, a_mistyped_type_is_no_type_of_the_users_own);
	tcase_add_test(tc, an_edge_has_the_handle_of_its_place_among_the_outputs);
	tcase_add_loop_test(
		tc, what_is_wrong_is_said_with_its_place, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, a_cycle_is_named);
	tcase_add_test(tc, a_file_that_is_not_there_or_no_flow_is_an_error);
	tcase_add_test(tc, parameters_are_put_into_settings_once);
	tcase_add_test(tc, a_parameter_of_the_wrong_type_is_refused);
	tcase_add_test(tc, a_parameter_that_nothing_uses_is_refused);
	tcase_add_loop_test(tc, keys_that_were_meant_to_be_others_are_named, 0,
		sizeof(advice) / sizeof(advice[0]));
	tcase_add_test(tc, settings_are_taken_for_what_they_say);
	tcase_add_test(tc, yaml_is_what_python_takes_it_for);
	tcase_add_test(tc, a_yaml_bomb_is_refused);
	tcase_add_test(tc, json_that_is_none_is_said_with_its_place);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
