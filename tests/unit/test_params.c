/* What a request's parameters are read as, and what is said of those that are wrong (contract 5.1). */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "http/route.h"

static const char *const kinds[] = {"a", "b", "c", NULL};
static const struct field inner[] = {
	{.name = "kind", .place = IN_BODY, .kind = FIELD_ENUM, .required = true, .values = kinds},
	{.name = "n", .place = IN_BODY, .kind = FIELD_INT, .nullable = true}, {0}};
static const struct field fields[] = {
	{.name = "id", .place = IN_PATH, .kind = FIELD_INT, .required = true},
	{.name = "limit",
		.place = IN_QUERY,
		.kind = FIELD_INT,
		.preset = 50,
		.has_min = true,
		.min = 1,
		.has_max = true,
		.max = 500},
	{.name = "flag", .place = IN_QUERY, .kind = FIELD_BOOL},
	{.name = "q", .place = IN_QUERY, .kind = FIELD_STRING},
	{.name = "parent_id", .place = IN_QUERY, .kind = FIELD_INT},
	{.name = "name", .place = IN_BODY, .kind = FIELD_STRING, .required = true},
	{.name = "count", .place = IN_BODY, .kind = FIELD_INT, .nullable = true, .preset = 7},
	{.name = "on", .place = IN_BODY, .kind = FIELD_BOOL, .preset = 1},
	{.name = "kind", .place = IN_BODY, .kind = FIELD_ENUM, .values = kinds},
	{.name = "ids", .place = IN_BODY, .kind = FIELD_INTS, .nullable = true},
	{.name = "maps", .place = IN_BODY, .kind = FIELD_MAPS, .nullable = true},
	{.name = "keys",
		.place = IN_BODY,
		.kind = FIELD_STRINGS,
		.has_min = true,
		.min = 1,
		.has_max = true,
		.max = 2},
	{.name = "source", .place = IN_BODY, .kind = FIELD_OBJECT, .members = inner},
	{.name = "any", .place = IN_BODY, .kind = FIELD_OBJECT, .nullable = true},
	{.name = "at", .place = IN_BODY, .kind = FIELD_DATETIME, .nullable = true},
	{.name = "flow_id", .place = IN_BODY, .kind = FIELD_INT, .nullable = true}, {0}};
static const struct field optional_fields[] = {
	{.name = "name", .place = IN_BODY, .kind = FIELD_STRING, .nullable = true}, {0}};
static const struct field lone_fields[] = {{.name = "name",
						   .place = IN_BODY,
						   .kind = FIELD_STRING,
						   .nullable = true,
						   .body_optional = true},
	{0}};
static const struct route route = {.method = "PUT",
				  .path = "/catalog/flows/{id}",
				  .fields = fields},
			  optional_route = {.method = "PUT",
				  .path = "/x",
				  .fields = optional_fields},
			  lone_route = {.method = "PUT", .path = "/x", .fields = lone_fields};

static struct arena arena;
static struct call call;
static struct http_request request;
static struct http_header type_header = {(char[]){"content-type"}, NULL};

static void
clear(void)
{
	cJSON_Delete(call.body);
	buf_free(&call.out);
	arena_free(&arena);
	call = (struct call){0};
}

/* Reads a request anew. body NULL: none. */
static bool
read_as(const struct route *r, const char *type, const char *id, const char *query,
	const char *body, size_t body_len)
{
	const char *captures[] = {id};

	clear();
	arena = (struct arena)ARENA_INIT;
	type_header.value = (char *)type;
	request = (struct http_request){
		.method = r->method,
		.query = (char *)query,
		.headers = &type_header,
		.n_headers = type ? 1 : 0,
		.body = (char *)(body ? body : ""),
		.body_len = body_len,
		.has_body = body != NULL,
	};
	call = (struct call){.request = &request, .route = r, .a = &arena};
	buf_init(&call.out, 1 << 20);
	json_init(&call.j, &call.out);
	return params_read(&call, captures);
}

static bool
read_body(const char *body)
{
	return read_as(&route, "application/json", "1", NULL, body, body ? strlen(body) : 0);
}

static bool
read_query(const char *query)
{
	return read_as(&route, NULL, "1", query, "{\"name\":\"x\"}", 12);
}

static void
complains(const char *items)
{
	char want[4096];

	snprintf(want, sizeof(want), "{\"detail\":[%s]}", items);
	ck_assert_str_eq(buf_str(&call.out), want);
}

#define INT_MSG "Input should be a valid integer"
#define PARSE_MSG INT_MSG ", unable to parse string as an integer"
#define ITEM(type_, loc_, msg_, input_)                                                            \
	"{\"type\":\"" type_ "\",\"loc\":[" loc_ "],\"msg\":\"" msg_ "\",\"input\":" input_ "}"

/* --- texts -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	bool valid;
	int64_t value;
} ints[] = {
	{"5", true, 5},
	{"%2B5", true, 5},
	{"%205%20", true, 5},
	{"007", true, 7},
	{"5.0", true, 5},
	{"5.000", true, 5},
	{"1_00", true, 100},
	{"5.", false, 0},
	{"5.5", false, 0},
	{"1__0", false, 0},
	{"_1", false, 0},
	{"1_", false, 0},
	{"%2B-5", false, 0},
	{"0x5", false, 0},
	{"5e1", false, 0},
	{"", false, 0},
	{"abc", false, 0},
};

START_TEST(a_number_in_a_query_is_read_as_flowfile_does)
{
	char query[64];

	snprintf(query, sizeof(query), "limit=%s", ints[_i].text);
	ck_assert_msg(read_query(query) == ints[_i].valid, "%s", ints[_i].text);
	if (ints[_i].valid)
		ck_assert_int_eq(call_int(&call, "limit"), ints[_i].value);
	else
		ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "\"int_parsing\""));
}
END_TEST

START_TEST(an_empty_number_is_not_an_absent_one)
{
	ck_assert(!read_query("limit="));
	complains(ITEM("int_parsing", "\"query\",\"limit\"", PARSE_MSG, "\"\""));
	ck_assert(read_query("other=1"));
	ck_assert_int_eq(call_int(&call, "limit"), 50);
	ck_assert(!call_given(&call, "limit"));
}
END_TEST

START_TEST(a_number_beyond_its_limits_names_them)
{
	ck_assert(!read_query("limit=0"));
	complains("{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"limit\"],"
		  "\"msg\":\"Input should be greater than or equal to 1\",\"input\":\"0\","
		  "\"ctx\":{\"ge\":1}}");
	ck_assert(!read_query("limit=501"));
	complains("{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"limit\"],"
		  "\"msg\":\"Input should be less than or equal to 500\",\"input\":\"501\","
		  "\"ctx\":{\"le\":500}}");
}
END_TEST

START_TEST(a_number_too_large_to_hold_is_refused)
{
	ck_assert(!read_query("parent_id=99999999999999999999999999999999999999999"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "int_parsing_size"));
	ck_assert(!read_body("{\"name\":\"x\",\"count\":1e300}"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "int_parsing_size"));
}
END_TEST

START_TEST(an_id_that_cannot_be_is_nobodys)
{
	ck_assert(read_query("parent_id=0"));
	ck_assert_int_eq(call_int(&call, "parent_id"), ID_NOBODY);
	ck_assert(read_query("parent_id=3000000000"));
	ck_assert_int_eq(call_int(&call, "parent_id"), ID_NOBODY);
	ck_assert(read_query("parent_id=2147483647"));
	ck_assert_int_eq(call_int(&call, "parent_id"), 2147483647);
	ck_assert(read_body("{\"name\":\"x\",\"flow_id\":0}"));
	ck_assert_int_eq(call_int(&call, "flow_id"), ID_NOBODY);
	ck_assert(read_body("{\"name\":\"x\",\"flow_id\":null,\"count\":0}"));
	ck_assert_int_eq(call_int(&call, "flow_id"), 0);
	ck_assert_int_eq(call_int(&call, "count"), 0);
}
END_TEST

static const struct {
	const char *text;
	int value; /* -1: none */
} bools[] = {{"1", 1}, {"true", 1}, {"T", 1}, {"YES", 1}, {"y", 1}, {"On", 1}, {"0", 0},
	{"FALSE", 0}, {"f", 0}, {"no", 0}, {"N", 0}, {"off", 0}, {"2", -1}, {"", -1}, {"%20on", -1},
	{"enable", -1}};

START_TEST(a_switch_in_a_query_has_twelve_words)
{
	char query[64];

	snprintf(query, sizeof(query), "flag=%s", bools[_i].text);
	ck_assert_msg(read_query(query) == (bools[_i].value >= 0), "%s", bools[_i].text);
	if (bools[_i].value >= 0)
		ck_assert_int_eq(call_bool(&call, "flag"), bools[_i].value);
	else
		ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "\"bool_parsing\""));
}
END_TEST

START_TEST(a_query_is_decoded_and_its_last_value_counts)
{
	ck_assert(read_query("q=one&q=a+b%2Bc%26%e2%82%ac"));
	ck_assert_str_eq(call_string(&call, "q"), "a b+c&\xe2\x82\xac");
	ck_assert(read_query("q=100%&limit=5"));
	ck_assert_str_eq(call_string(&call, "q"), "100%");
	ck_assert(read_query("q=%zz%ff"));
	ck_assert_str_eq(call_string(&call, "q"), "%zz\xef\xbf\xbd");
	ck_assert(read_query("q"));
	ck_assert_str_eq(call_string(&call, "q"), "");
	ck_assert(!read_query("q=a%00b"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "\"string_type\""));
}
END_TEST

START_TEST(the_id_of_a_path_has_flowfiles_name_in_a_complaint)
{
	ck_assert(!read_as(&route, NULL, "abc", NULL, "{\"name\":\"x\"}", 12));
	complains(ITEM("int_parsing", "\"path\",\"flow_id\"", PARSE_MSG, "\"abc\""));
	ck_assert(read_as(&route, NULL, "%31", NULL, "{\"name\":\"x\"}", 12));
	ck_assert_int_eq(call_int(&call, "id"), 1);
}
END_TEST

/* --- members of the body ---------------------------------------------------------------------------------------- */

static const struct {
	const char *value, *type; /* NULL: it is taken */
	int64_t want;
} body_ints[] = {{"5", NULL, 5}, {"5.0", NULL, 5}, {"true", NULL, 1}, {"\"5\"", NULL, 5},
	{"\" 5.0 \"", NULL, 5}, {"null", NULL, 0}, {"-3", NULL, -3}, {"60.5", "int_from_float", 0},
	{"\"x\"", "int_parsing", 0}, {"[]", "int_type", 0}, {"{}", "int_type", 0}};

START_TEST(a_number_in_a_body_may_be_a_text_or_a_switch)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"name\":\"x\",\"count\":%s}", body_ints[_i].value);
	ck_assert_msg(read_body(body) == !body_ints[_i].type, "%s", body);
	if (!body_ints[_i].type)
		ck_assert_int_eq(call_int(&call, "count"), body_ints[_i].want);
	else
		ck_assert_ptr_nonnull(strstr(buf_str(&call.out), body_ints[_i].type));
}
END_TEST

static const struct {
	const char *value, *type;
	bool want;
} body_bools[] = {{"true", NULL, true}, {"false", NULL, false}, {"1", NULL, true},
	{"0", NULL, false}, {"1.0", NULL, true}, {"\"yes\"", NULL, true}, {"\"OFF\"", NULL, false},
	{"2", "bool_parsing", false}, {"\"maybe\"", "bool_parsing", false},
	{"0.5", "bool_type", false}, {"null", "bool_type", false}, {"[]", "bool_type", false}};

START_TEST(a_switch_in_a_body_may_be_a_number_or_a_word)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"name\":\"x\",\"on\":%s}", body_bools[_i].value);
	ck_assert_msg(read_body(body) == !body_bools[_i].type, "%s", body);
	if (!body_bools[_i].type)
		ck_assert_int_eq(call_bool(&call, "on"), body_bools[_i].want);
	else
		ck_assert_ptr_nonnull(strstr(buf_str(&call.out), body_bools[_i].type));
}
END_TEST

static const struct {
	const char *body, *items;
} wrong[] = {
	{"{}", ITEM("missing", "\"body\",\"name\"", "Field required", "{}")},
	{"{\"count\":1}", ITEM("missing", "\"body\",\"name\"", "Field required", "{\"count\":1}")},
	{"{\"name\":5}",
		ITEM("string_type", "\"body\",\"name\"", "Input should be a valid string", "5")},
	{"{\"name\":null}",
		ITEM("string_type", "\"body\",\"name\"", "Input should be a valid string", "null")},
	{"{\"name\":\"x\",\"count\":60.5}",
		ITEM("int_from_float", "\"body\",\"count\"",
			INT_MSG ", got a number with a fractional part", "60.5")},
	{"{\"name\":\"x\",\"kind\":\"d\"}",
		"{\"type\":\"literal_error\",\"loc\":[\"body\",\"kind\"],\"msg\":\"Input should be "
		"'a', 'b' or 'c'\",\"input\":\"d\",\"ctx\":{\"expected\":\"'a', 'b' or 'c'\"}}"},
	{"{\"name\":\"x\",\"kind\":[{\"a\":1}]}",
		"{\"type\":\"literal_error\",\"loc\":[\"body\",\"kind\"],\"msg\":\"Input should be "
		"'a', 'b' or 'c'\",\"input\":[{\"a\":1}],\"ctx\":{\"expected\":\"'a', 'b' or "
		"'c'\"}}"},
	{"{\"name\":\"x\",\"ids\":5}",
		ITEM("list_type", "\"body\",\"ids\"", "Input should be a valid list", "5")},
	{"{\"name\":\"x\",\"ids\":[1,\"2\",\"x\"]}",
		ITEM("int_parsing", "\"body\",\"ids\",2", PARSE_MSG, "\"x\"")},
	{"{\"name\":\"x\",\"maps\":[{\"a\":\"b\"},{\"a\":1},2]}",
		ITEM("string_type", "\"body\",\"maps\",1,\"a\"", "Input should be a valid string",
			"1") "," ITEM("dict_type", "\"body\",\"maps\",2",
			"Input should be a valid dictionary", "2")},
	{"{\"name\":\"x\",\"any\":[]}",
		ITEM("dict_type", "\"body\",\"any\"", "Input should be a valid dictionary", "[]")},
	{"{\"name\":\"x\",\"source\":{\"n\":[]}}",
		ITEM("missing", "\"body\",\"source\",\"kind\"", "Field required",
			"{\"n\":[]}") "," ITEM("int_type", "\"body\",\"source\",\"n\"", INT_MSG,
			"[]")},
	{"{\"name\":\"x\",\"keys\":[]}",
		"{\"type\":\"too_short\",\"loc\":[\"body\",\"keys\"],\"msg\":\"List should have at "
		"least 1 item after validation, not 0\",\"input\":[],\"ctx\":{\"field_type\":"
		"\"List\",\"min_length\":1,\"actual_length\":0}}"},
	{"{\"name\":\"x\",\"keys\":[\"a\",\"b\",\"c\"]}",
		"{\"type\":\"too_long\",\"loc\":[\"body\",\"keys\"],\"msg\":\"List should have at "
		"most 2 items after validation, not 3\",\"input\":[\"a\",\"b\",\"c\"],\"ctx\":{"
		"\"field_type\":\"List\",\"max_length\":2,\"actual_length\":3}}"},
	{"[]",
		ITEM("model_attributes_type", "\"body\"",
			"Input should be a valid dictionary or object to extract fields from",
			"[]")},
	{"null", ITEM("missing", "\"body\"", "Field required", "null")},
};

START_TEST(what_is_wrong_in_a_body_is_told_where_and_why)
{
	ck_assert_msg(!read_body(wrong[_i].body), "%s", wrong[_i].body);
	complains(wrong[_i].items);
}
END_TEST

START_TEST(all_that_is_wrong_is_told_in_the_order_of_path_query_body)
{
	ck_assert(!read_as(&route, NULL, "x", "limit=y", "{\"name\":1,\"on\":[]}", 19 - 1));
	complains(ITEM("int_parsing", "\"path\",\"flow_id\"", PARSE_MSG, "\"x\"") "," ITEM(
		"int_parsing", "\"query\",\"limit\"", PARSE_MSG, "\"y\"") "," ITEM("string_type",
		"\"body\",\"name\"", "Input should be a valid string", "1") "," ITEM("bool_type",
		"\"body\",\"on\"", "Input should be a valid boolean", "[]"));
}
END_TEST

START_TEST(absent_null_and_given_are_three_things)
{
	ck_assert(read_body("{\"name\":\"x\",\"count\":null,\"other\":[1]}"));
	ck_assert(call_value(&call, "count")->given && call_value(&call, "count")->null);
	ck_assert(!call_given(&call, "count"));
	ck_assert_int_eq(call_int(&call, "count"), 0);
	ck_assert(read_body("{\"name\":\"x\"}"));
	ck_assert(!call_value(&call, "count")->given);
	ck_assert_int_eq(call_int(&call, "count"), 7);
	ck_assert(call_bool(&call, "on"));
}
END_TEST

START_TEST(a_time_is_read_with_its_zone)
{
	int64_t want;

	ck_assert(time_parse("2026-05-20 08:00:05.25", &want));
	ck_assert(read_body("{\"name\":\"x\",\"at\":\"2026-05-20T10:00:05.250000+02:00\"}"));
	ck_assert_int_eq(call_value(&call, "at")->i, want);
	ck_assert(!read_body("{\"name\":\"x\",\"at\":\"yesterday\"}"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "datetime_from_date_parsing"));
	ck_assert(!read_body("{\"name\":\"x\",\"at\":true}"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "datetime_type"));
}
END_TEST

/* --- the body as a whole ---------------------------------------------------------------------------------------- */

START_TEST(a_body_is_needed_even_if_all_its_members_are_optional)
{
	ck_assert(!read_as(&optional_route, NULL, NULL, NULL, NULL, 0));
	complains(ITEM("missing", "\"body\"", "Field required", "null"));
	ck_assert(read_as(&optional_route, NULL, NULL, NULL, "{}", 2));
	ck_assert(read_as(&lone_route, NULL, NULL, NULL, NULL, 0));
	ck_assert(read_as(&lone_route, NULL, NULL, NULL, "null", 4));
}
END_TEST

static const struct {
	const char *type;
	bool json;
} types[] = {{NULL, true}, {"", true}, {"application/json", true},
	{"application/json; charset=utf-8", true}, {"Application/JSON", true},
	{"application/merge-patch+json", true}, {"text/plain", false}, {"text/json", false},
	{"application/jsonp", false}, {"application/x-www-form-urlencoded", false}};

START_TEST(a_body_of_another_type_is_a_text)
{
	ck_assert_msg(read_as(&route, types[_i].type, "1", NULL, "{\"name\":\"x\"}", 12) ==
			types[_i].json,
		"%s", types[_i].type);
	if (!types[_i].json)
		complains(ITEM("model_attributes_type", "\"body\"",
			"Input should be a valid dictionary or object to extract fields from",
			"\"{\\\"name\\\":\\\"x\\\"}\""));
}
END_TEST

/* As Python's json says it. */
static const struct {
	const char *body;
	int offset;
	const char *why;
} faults[] = {
	{"{", 1, "Expecting property name enclosed in double quotes"},
	{"{\"a\"", 4, "Expecting ':' delimiter"},
	{"{\"a\":", 5, "Expecting value"},
	{"{\"a\":1", 6, "Expecting ',' delimiter"},
	{"{\"a\":1,}", 7, "Expecting property name enclosed in double quotes"},
	{"{'a':1}", 1, "Expecting property name enclosed in double quotes"},
	{"[1,2", 4, "Expecting ',' delimiter"},
	{"[1,]", 3, "Expecting value"},
	{"[", 1, "Expecting value"},
	{"x", 0, "Expecting value"},
	{"  ", 2, "Expecting value"},
	{"{} x", 3, "Extra data"},
	{"01", 1, "Extra data"},
	{"-", 0, "Expecting value"},
	{"1.e5", 1, "Extra data"},
	{"{\"\xc3\xa9\": \"\xe2\x82\xac\" x}", 10, "Expecting ',' delimiter"},
	{"{\"a\":\"b", 5, "Unterminated string starting at"},
	{"{\"a\":\"b\n\"}", 7, "Invalid control character at"},
	{"{\"a\":\"\\q\"}", 6, "Invalid \\escape"},
	{"{\"a\":\"\\u12x4\"}", 7, "Invalid \\uXXXX escape"},
	{"\"\\u12", 2, "Invalid \\uXXXX escape"},
	{"\"a\\", 0, "Unterminated string starting at"},
};

START_TEST(a_body_that_is_no_json_is_all_that_is_told)
{
	char want[512];
	cJSON *why = cJSON_CreateString(faults[_i].why);
	char *quoted = cJSON_PrintUnformatted(why);

	snprintf(want, sizeof(want),
		"{\"type\":\"json_invalid\",\"loc\":[\"body\",%d],\"msg\":\"JSON decode "
		"error\",\"input\":{},\"ctx\":{\"error\":%s}}",
		faults[_i].offset, quoted);
	cJSON_free(quoted);
	cJSON_Delete(why);
	ck_assert_msg(
		!read_as(&route, NULL, "x", "limit=y", faults[_i].body, strlen(faults[_i].body)),
		"%s", faults[_i].body);
	complains(want);
}
END_TEST

START_TEST(a_body_that_is_no_text_is_refused)
{
	ck_assert(!read_as(&route, NULL, "1", NULL, "{\"name\":\"\xff\"}", 12));
	ck_assert_int_eq(call.error_status, 400);
	ck_assert_str_eq(
		buf_str(&call.out), "{\"detail\":\"There was an error parsing the body\"}");
	ck_assert(!read_body("{\"name\":\"a\\u0000b\"}"));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "json_invalid"));
	ck_assert(!read_as(&route, NULL, "1", NULL, "{\"name\":\"a\0b\"}", 14));
	ck_assert_ptr_nonnull(strstr(buf_str(&call.out), "json_invalid"));
}
END_TEST

START_TEST(a_deep_body_is_taken_or_refused_never_a_crash)
{
	char body[3000];
	size_t n = 0;

	for (size_t depth = 1; depth < 1200; depth = depth < 40 ? depth + 1 : depth * 2) {
		n = (size_t)snprintf(body, sizeof(body), "{\"name\":");
		memset(body + n, '[', depth);
		memset(body + n + depth, ']', depth);
		body[n + 2 * depth] = '}';
		body[n + 2 * depth + 1] = '\0';
		ck_assert(!read_body(body));
		ck_assert_ptr_nonnull(strstr(
			buf_str(&call.out), depth < 32 ? "string_type" : "Too deeply nested"));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("params");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_number_in_a_query_is_read_as_flowfile_does, 0, ARRAY_LEN(ints));
	tcase_add_test(t, an_empty_number_is_not_an_absent_one);
	tcase_add_test(t, a_number_beyond_its_limits_names_them);
	tcase_add_test(t, a_number_too_large_to_hold_is_refused);
	tcase_add_test(t, an_id_that_cannot_be_is_nobodys);
	tcase_add_loop_test(t, a_switch_in_a_query_has_twelve_words, 0, ARRAY_LEN(bools));
	tcase_add_test(t, a_query_is_decoded_and_its_last_value_counts);
	tcase_add_test(t, the_id_of_a_path_has_flowfiles_name_in_a_complaint);
	tcase_add_loop_test(
		t, a_number_in_a_body_may_be_a_text_or_a_switch, 0, ARRAY_LEN(body_ints));
	tcase_add_loop_test(
		t, a_switch_in_a_body_may_be_a_number_or_a_word, 0, ARRAY_LEN(body_bools));
	tcase_add_loop_test(t, what_is_wrong_in_a_body_is_told_where_and_why, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, all_that_is_wrong_is_told_in_the_order_of_path_query_body);
	tcase_add_test(t, absent_null_and_given_are_three_things);
	tcase_add_test(t, a_time_is_read_with_its_zone);
	tcase_add_test(t, a_body_is_needed_even_if_all_its_members_are_optional);
	tcase_add_loop_test(t, a_body_of_another_type_is_a_text, 0, ARRAY_LEN(types));
	tcase_add_loop_test(t, a_body_that_is_no_json_is_all_that_is_told, 0, ARRAY_LEN(faults));
	tcase_add_test(t, a_body_that_is_no_text_is_refused);
	tcase_add_test(t, a_deep_body_is_taken_or_refused_never_a_crash);
	tcase_add_checked_fixture(t, NULL, clear);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
