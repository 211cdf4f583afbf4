/* What Graphic Walker asks for, and the rows that come of it on the real engine. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine_test.h"
#include "flow/cells.h"
#include "flow/chart.h"

#define ANSWER_MAX (1024 * 1024)

static struct duck *d;
static struct arena a;

/* n: 1 to 6 and NULL; k, k2 and "it's ""x""" are texts; day and seen are times. */
#define SOURCE                                                                                     \
	"SELECT * FROM (VALUES "                                                                   \
	"(1, 'a', 0.5::DOUBLE, DATE '2024-01-01', TIMESTAMP '2024-03-31 23:30:00', true, "         \
	"1.25::DECIMAL(9,2)), "                                                                    \
	"(2, 'b', 1.5, DATE '2024-12-30', TIMESTAMP '2024-04-01 00:30:00.5', false, 2.50), "       \
	"(3, 'a', 2.5, DATE '2025-01-05', TIMESTAMP '2024-04-07 12:00:00', true, 3.75), "          \
	"(4, 'O''c', NULL, NULL, NULL, NULL, NULL), "                                              \
	"(NULL, NULL, -1.0, DATE '2023-06-15', TIMESTAMP '2023-06-15 01:02:03', false, 0)) "       \
	"t(n, k, \"it's \"\"x\"\"\", day, seen, ok, price)"

static void
set_up(void)
{
	d = engine_test_open();
}

static void
tear_down(void)
{
	duck_close(d);
	arena_free(&a);
	a = (struct arena)ARENA_INIT;
}

static int
try_chart(const char *payload, const char **rows, struct err *err)
{
	cJSON *tree = cJSON_Parse(payload);
	struct columns columns;
	struct chart chart;
	struct cells cells;
	struct json j;
	struct buf b;
	int rc;

	ck_assert_msg(tree != NULL, "%s", payload);
	ck_assert_int_eq(duck_describe(d, SOURCE, &a, &columns, err), 0);
	rc = chart_compile(SOURCE, &columns, tree, &a, &chart, err);
	cJSON_Delete(tree);
	if (rc < 0)
		return -1;
	if (cells_query(d, chart.sql, CELLS_ALL, &a, &cells, err) < 0) {
		printf("%s\n", chart.sql);
		return -1;
	}
	buf_init(&b, ANSWER_MAX);
	json_init(&j, &b);
	ck_assert_uint_eq(cells.columns.n, chart.columns.n);
	cells_json_objects(&cells, &chart.columns, &a, &j);
	cells_free(&cells);
	*rows = arena_strdup(&a, buf_str(&b));
	buf_free(&b);
	return 0;
}

#define WORKFLOW(steps) "{\"workflow\":[" steps "]}"
#define FILTER(fid, rule)                                                                          \
	"{\"type\":\"filter\",\"filters\":[{\"fid\":\"" fid "\",\"rule\":" rule "}]}"
#define RULE(type, value) "{\"type\":\"" type "\",\"value\":" value "}"
#define VIEW(query) "{\"type\":\"view\",\"query\":[" query "]}"
#define RAW(fields) VIEW("{\"op\":\"raw\",\"fields\":[" fields "]}")
#define AGGREGATE(groups, measures)                                                                \
	VIEW("{\"op\":\"aggregate\",\"groupBy\":[" groups "],\"measures\":[" measures "]}")
#define MEASURE(field, agg, key)                                                                   \
	"{\"field\":\"" field "\",\"agg\":\"" agg "\",\"asFieldKey\":\"" key "\"}"
#define SORT(by) "{\"type\":\"sort\",\"sort\":\"ascending\",\"by\":[" by "]}"
#define TRANSFORM(key, op, params, more)                                                           \
	"{\"type\":\"transform\",\"transform\":[{\"key\":\"" key "\",\"expression\":{\"op\":\"" op \
	"\",\"as\":\"" key "\",\"params\":[" params "]" more "}}]}"
#define OF(fid) "{\"type\":\"field\",\"value\":\"" fid "\"}"
#define VALUE(value) "{\"type\":\"value\",\"value\":" value "}"
#define MINUTES(type, n) "{\"type\":\"" type "\",\"value\":" n "}"
#define N RAW("\"n\"") "," SORT("\"n\"")

static const struct {
	const char *payload, *rows;
} cases[] = {
	/* filters */
	{WORKFLOW(FILTER("n", RULE("range", "[2,3.5]")) "," N), "[{\"n\":2},{\"n\":3}]"},
	{WORKFLOW(FILTER("n", RULE("range", "[null,2]")) "," N), "[{\"n\":1},{\"n\":2}]"},
	{WORKFLOW(FILTER("n", RULE("range", "[null,null]")) "," RAW("\"n\"") "," SORT("\"n\"")),
		"[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4},{\"n\":null}]"},
	{WORKFLOW(FILTER("k", RULE("one of", "[\"O'c\",\"b\",7]")) "," N), "[{\"n\":2},{\"n\":4}]"},
	{WORKFLOW(FILTER("k", RULE("one of", "[null]")) "," N), "[{\"n\":null}]"},
	{WORKFLOW(FILTER("k", RULE("one of", "[]")) "," N), "[]"},
	{WORKFLOW(FILTER("k", RULE("not in", "[\"a\"]")) "," N),
		"[{\"n\":2},{\"n\":4},{\"n\":null}]"},
	{WORKFLOW(FILTER("k", RULE("not in", "[\"a\",null]")) "," N), "[{\"n\":2},{\"n\":4}]"},
	{WORKFLOW(FILTER("it's \\\"x\\\"", RULE("one of", "[1.5,-1,\"0.5\"]")) "," N),
		"[{\"n\":2},{\"n\":null}]"},
	{WORKFLOW(FILTER("ok", RULE("one of", "[true,1]")) "," N), "[{\"n\":1},{\"n\":3}]"},
	{WORKFLOW(FILTER("day", RULE("one of", "[\"2025-01-05\"]")) "," N), "[{\"n\":3}]"},
	{WORKFLOW(FILTER("seen",
		 RULE("one of",
			 "[\"2024-04-01 00:30:00.500000\",\"2024-04-07 "
			 "12:00:00\"]")) "," N),
		"[{\"n\":2},{\"n\":3}]"},
	{WORKFLOW(FILTER("price", RULE("one of", "[2.5]")) "," RAW("\"n\",\"price\"")),
		"[{\"n\":2,\"price\":2.5}]"},
	{WORKFLOW(FILTER("k", RULE("regexp", "\"^[AO]\"")) "," N),
		"[{\"n\":1},{\"n\":3},{\"n\":4}]"},
	{WORKFLOW(FILTER(
		 "k", "{\"type\":\"regexp\",\"value\":\"^[AO]\",\"caseSensitive\":true}") "," N),
		"[{\"n\":4}]"},
	/* 2024-04-01T00:00Z to 2024-04-07T12:00Z */
	{WORKFLOW(FILTER("seen", RULE("temporal range", "[1711929600000,1712491200000]")) "," N),
		"[{\"n\":2},{\"n\":3}]"},
	/* Its clock is an hour ahead of UTC: 23:30 is 22:30, and 00:30 is 23:30. */
	{WORKFLOW(FILTER("seen",
		 "{\"type\":\"temporal "
		 "range\",\"value\":[1711927800000,null],\"offset\":-60}") "," N),
		"[{\"n\":2},{\"n\":3}]"},
	{WORKFLOW("{\"type\":\"filter\",\"filters\":[]}," N),
		"[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4},{\"n\":null}]"},
	/* transformations */
	{WORKFLOW(TRANSFORM("x", "one", "", "") "," AGGREGATE("", MEASURE("x", "sum", "s"))),
		"[{\"s\":5}]"},
	{WORKFLOW(TRANSFORM("l", "log2", OF("n"), "") "," RAW("\"n\",\"l\"") "," SORT("\"n\"")),
		"[{\"n\":1,\"l\":0.0},{\"n\":2,\"l\":1.0},{\"n\":3,\"l\":1."
		"5849625007211563},"
		"{\"n\":4,\"l\":2.0},{\"n\":null,\"l\":null}]"},
	{WORKFLOW(TRANSFORM("l", "log", OF("n"), ",\"num\":4") "," FILTER(
		 "n", RULE("range", "[4,4]")) "," RAW("\"l\"")),
		"[{\"l\":1.0}]"},
	{WORKFLOW(TRANSFORM("l", "log10", OF("it's \\\"x\\\""), "") "," FILTER(
		 "it's \\\"x\\\"", RULE("range", "[null,0]")) "," RAW("\"l\"")),
		"[{\"l\":null}]"},
	{WORKFLOW(TRANSFORM("b", "bin", OF("n"), ",\"num\":3") "," AGGREGATE(
		 "\"b\"", MEASURE("b", "count", "c")) "," SORT("\"b\"")),
		"[{\"b\":[1.0,2.0],\"c\":1},{\"b\":[2.0,3.0],\"c\":1},{\"b\":[3.0,4.0],"
		"\"c\":2},"
		"{\"b\":null,\"c\":1}]"},
	{WORKFLOW(FILTER("n", RULE("range", "[2,2]")) "," TRANSFORM(
		 "b", "bin", OF("n"), "") "," RAW("\"b\"")),
		"[{\"b\":[2.0,2.0]}]"},
	{WORKFLOW(TRANSFORM("b", "binCount", OF("n"), ",\"num\":2") "," RAW("\"n\",\"b\"") "," SORT(
		 "\"n\"")),
		"[{\"n\":1,\"b\":1},{\"n\":2,\"b\":1},{\"n\":3,\"b\":2},{\"n\":4,\"b\":2},"
		"{\"n\":null,\"b\":null}]"},
	{WORKFLOW(TRANSFORM("t", "dateTimeDrill", OF("seen") "," VALUE("\"month\""),
		 "") "," AGGREGATE("\"t\"", MEASURE("t", "count", "c")) "," SORT("\"t\"")),
		"[{\"t\":1685577600000,\"c\":1},{\"t\":1709251200000,\"c\":1},"
		"{\"t\":1711929600000,\"c\":2},{\"t\":null,\"c\":1}]"},
	/* Shown an hour ahead, the last of March is in April, which begins an hour before UTC's. */
	{WORKFLOW(TRANSFORM("t", "dateTimeDrill",
		 OF("seen") "," VALUE("\"month\"") "," MINUTES("offset", "0") "," MINUTES(
			 "displayOffset", "-60"),
		 "") "," FILTER("n", RULE("range", "[1,1]")) "," RAW("\"t\"")),
		"[{\"t\":1711926000000}]"},
	/* Weeks begin on Sunday, those of ISO on Monday. */
	{WORKFLOW(TRANSFORM(
		 "w", "dateTimeDrill", OF("day") "," VALUE("\"week\""), "") "," TRANSFORM("i",
		 "dateTimeDrill", OF("day") "," VALUE("\"iso_week\""), "") "," TRANSFORM("y",
		 "dateTimeDrill", OF("day") "," VALUE("\"iso_year\""), "") "," FILTER("n",
		 RULE("range", "[2,3]")) "," RAW("\"w\",\"i\",\"y\"") "," SORT("\"w\"")),
		"[{\"w\":1735430400000,\"i\":1735516800000,\"y\":1735689600000},"
		"{\"w\":1736035200000,\"i\":1735516800000,\"y\":1735689600000}]"},
	{WORKFLOW(TRANSFORM("w", "dateTimeFeature", OF("day") "," VALUE("\"weekday\""),
		 "") "," TRANSFORM("q", "dateTimeFeature", OF("day") "," VALUE("\"quarter\""),
		 "") "," TRANSFORM("i", "dateTimeFeature", OF("day") "," VALUE("\"iso_week\""),
		 "") "," TRANSFORM("h", "dateTimeFeature",
		 OF("seen") "," VALUE("\"hour\"") "," MINUTES("displayOffset", "-60"),
		 "") "," FILTER("n", RULE("range", "[1,1]")) "," RAW("\"w\",\"q\",\"i\",\"h\"")),
		"[{\"w\":1,\"q\":1,\"i\":1,\"h\":0}]"},
	/* One that has a name that was there takes its place. */
	{WORKFLOW(TRANSFORM("n", "one", "", "") "," AGGREGATE("\"n\"", "")), "[{\"n\":1}]"},
	/* views */
	{WORKFLOW(AGGREGATE("\"k\"",
		 MEASURE("n", "sum", "s") "," MEASURE("n", "mean", "m") "," MEASURE(
			 "n", "max", "x")) "," SORT("\"k\"")),
		"[{\"k\":\"O'c\",\"s\":4,\"m\":4.0,\"x\":4},{\"k\":\"a\",\"s\":4,\"m\":2.0,"
		"\"x\":3},"
		"{\"k\":\"b\",\"s\":2,\"m\":2.0,\"x\":2},{\"k\":null,\"s\":0,\"m\":null,"
		"\"x\":null}]"},
	{WORKFLOW(AGGREGATE("",
		 MEASURE("n", "count", "c") "," MEASURE("k", "distinctCount", "d") "," MEASURE(
			 "n", "median", "m") "," MEASURE("n", "variance", "v") "," MEASURE("n",
			 "stdev", "") "," MEASURE("day", "min", "first") "," MEASURE("ok", "sum",
			 "true") "," MEASURE("*", "count", "all"))),
		"[{\"c\":5,\"d\":4,\"m\":2.5,\"v\":1.25,\"n_stdev\":1.118033988749895,"
		"\"first\":\"2023-06-15\",\"true\":2,\"all\":5}]"},
	{WORKFLOW(AGGREGATE("",
		 "{\"field\":\"seen\",\"agg\":\"min\",\"asFieldKey\":\"m\","
		 "\"format\":\"%Y\",\"offset\":0}")),
		"[{\"m\":1686790923000}]"},
	{WORKFLOW(FILTER("n", RULE("range", "[9,9]")) "," AGGREGATE("", MEASURE("n", "sum", "s"))),
		"[]"},
	{WORKFLOW(AGGREGATE("\"k\"", MEASURE("n", "sum", "s")) "," FILTER(
		 "s", RULE("range", "[3,null]")) "," AGGREGATE("", MEASURE("s", "count", "c"))),
		"[{\"c\":2}]"},
	{WORKFLOW(FILTER("n", RULE("range", "[1,1]")) "," VIEW(
		 "{\"op\":\"fold\",\"foldBy\":[\"n\",\"price\"],\"newFoldKeyCol\":"
		 "\"key\","
		 "\"newFoldValueCol\":\"value\"}") "," RAW("\"key\",\"value\","
							   "\"k\",\"n\"") "," SORT("\"key\"")),
		"[{\"key\":\"n\",\"value\":1.0,\"k\":\"a\",\"n\":null},"
		"{\"key\":\"price\",\"value\":1.25,\"k\":\"a\",\"n\":1}]"},
	{WORKFLOW(VIEW("{\"op\":\"bin\",\"binBy\":\"n\",\"newBinCol\":\"b\",\"binSize\":"
		       "2}") "," FILTER("n", RULE("range", "[4,4]")) "," RAW("\"b\"")),
		"[{\"b\":[2.5,4.0]}]"},
	/* order and limits */
	{"{\"workflow\":[" RAW(
		 "\"n\"") ",{\"type\":\"sort\",\"sort\":\"descending\",\"by\":[\"n\"]}],"
			  "\"limit\":2,\"offset\":1}",
		"[{\"n\":3},{\"n\":2}]"},
	{"{\"workflow\":[" N "],\"limit\":-1,\"offset\":null}",
		"[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4},{\"n\":null}]"},
};

START_TEST(a_payload_is_answered)
{
	struct err err = ERR_INIT;
	const char *rows;

	ck_assert_msg(try_chart(cases[_i].payload, &rows, &err) == 0, "%s: %s", cases[_i].payload,
		err.text);
	ck_assert_str_eq(rows, cases[_i].rows);
}
END_TEST

static const struct {
	const char *payload, *why;
} refused[] = {
	{"{}", "workflow is missing"},
	{WORKFLOW("{\"type\":\"magic\"}"), "step 'magic' is not supported"},
	{WORKFLOW("7"), "step '(none)' is not supported"},
	{WORKFLOW(VIEW("{\"op\":\"pivot\"}")), "view query 'pivot' is not supported"},
	{WORKFLOW(FILTER("gone", RULE("range", "[1,2]"))), "there is no field 'gone'"},
	{WORKFLOW(FILTER("n", RULE("near", "[1,2]"))), "filter rule 'near' is not supported"},
	{WORKFLOW(FILTER("n", RULE("range", "[\"1; DROP\",2]"))), "a range's value"},
	{WORKFLOW(FILTER("n", RULE("range", "[1]"))), "a range's value"},
	{WORKFLOW(FILTER("k", RULE("range", "[1,2]"))), "field 'k' has no numbers"},
	{WORKFLOW(FILTER("n", RULE("temporal range", "[1,2]"))), "field 'n' has no times"},
	{WORKFLOW(FILTER("k", RULE("one of", "{}"))), "a filter's list of values"},
	{WORKFLOW(TRANSFORM("x", "paint", "", "")), "expression 'paint' is not supported"},
	{WORKFLOW(TRANSFORM("x", "expr", "{\"type\":\"sql\",\"value\":\"n + 1\"}", "")),
		"expression 'expr' is not supported"},
	{WORKFLOW(TRANSFORM("x", "log2", OF("n") ",{\"type\":\"map\",\"value\":{}}", "")),
		"parameter 'map' is not supported"},
	{WORKFLOW(TRANSFORM("x", "bin", OF("n"), ",\"num\":0")), "a number of bins"},
	{WORKFLOW(TRANSFORM("x", "log", OF("n"), ",\"num\":1")), "a logarithm's base"},
	{WORKFLOW(TRANSFORM("x", "bin", OF("k"), "")), "field 'k' has no numbers"},
	{WORKFLOW(TRANSFORM("x", "dateTimeFeature", OF("day") "," VALUE("\"week\""), "")),
		"dateTimeFeature 'week' is not supported"},
	{WORKFLOW(TRANSFORM("x", "dateTimeDrill", OF("day") "," VALUE("\"eon\""), "")),
		"dateTimeDrill 'eon' is not supported"},
	{WORKFLOW(AGGREGATE("", MEASURE("n", "mode", "m"))), "aggregation 'mode' is not supported"},
	{WORKFLOW(AGGREGATE("", MEASURE("sum(n)", "expr", "m"))),
		"aggregation 'expr' is not supported"},
	{WORKFLOW(AGGREGATE("", MEASURE("k", "sum", "m"))),
		"field 'k' has no numbers to make a sum of"},
	{WORKFLOW(AGGREGATE("", "")), "what is aggregated"},
	{WORKFLOW(AGGREGATE("\"n\"", MEASURE("k", "max", "n"))), "the field 'n' is made twice"},
	{WORKFLOW(SORT("\"n\"") "," RAW("\"n\"")), "a step behind sort is not supported"},
	{WORKFLOW("{\"type\":\"sort\",\"sort\":\"asc; DROP\",\"by\":[]}"), "is not supported"},
	{"{\"workflow\":[],\"limit\":\"1\"}", "limit"},
};

START_TEST(what_is_not_known_is_named)
{
	struct err err = ERR_INIT;
	const char *rows;

	ck_assert_int_eq(try_chart(refused[_i].payload, &rows, &err), -1);
	ck_assert_msg(strstr(err.text, refused[_i].why) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_payload_has_an_end)
{
	struct err err = ERR_INIT;
	const char *rows;
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	buf_puts(&b, "{\"workflow\":[");
	for (int i = 0; i < 200; i++)
		buf_puts(&b, FILTER("n", RULE("range", "[1,1]")) ",");
	buf_puts(&b, N "]}");
	ck_assert_int_eq(try_chart(buf_str(&b), &rows, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "too many steps"));
	buf_free(&b);
}
END_TEST

START_TEST(columns_are_fields_by_their_types)
{
	static const char want[] =
		"[{\"fid\":\"n\",\"name\":\"n\",\"basename\":\"n\",\"semanticType\":"
		"\"quantitative\","
		"\"analyticType\":\"measure\"},"
		"{\"fid\":\"day\",\"name\":\"day\",\"basename\":\"day\",\"semanticType\":"
		"\"temporal\","
		"\"analyticType\":\"dimension\",\"offset\":0},"
		"{\"fid\":\"ok\",\"name\":\"ok\",\"basename\":\"ok\",\"semanticType\":\"nominal\","
		"\"analyticType\":\"dimension\"}]";
	struct column items[] = {{"n", "DECIMAL(9,2)"}, {"day", "DATE"}, {"ok", "BOOLEAN"}};
	const struct columns columns = {items, 3};
	struct json j;
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	json_init(&j, &b);
	chart_fields_json(&columns, &j);
	ck_assert_str_eq(buf_str(&b), want);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chart");
	TCase *tc = tcase_create("payloads");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_payload_is_answered, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(tc, what_is_not_known_is_named, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(tc, a_payload_has_an_end);
	tcase_add_test(tc, columns_are_fields_by_their_types);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
