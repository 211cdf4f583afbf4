/* Queries as people write them: which tables they name, their text with other names, and the node that runs one over its inputs. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine_test.h"
#include "flow/lineage.h"
#include "flow/node.h"
#include "flow/query.h"

static struct arena arena;
static struct err err;
static struct duck *duck;

static void
set_up(void)
{
	err_clear(&err);
	duck = engine_test_open();
}

static void
tear_down(void)
{
	duck_close(duck);
	arena_free(&arena);
	arena = (struct arena)ARENA_INIT;
}

/* Whoever finds tables without the engine finds at least those that it finds. */
static void
check_lineage(const char *sql, const char *table)
{
	const char **name = lineage_query_names(sql, &arena);

	while (*name != NULL && strcmp(*name, table) != 0)
		name++;
	ck_assert_msg(*name != NULL, "%s: %s is not found", sql, table);
}

static struct query
parsed(const char *sql)
{
	struct query q;

	ck_assert_msg(query_parse(duck, sql, &arena, &q, &err) == 0, "%s: %s", sql, err.text);
	for (size_t i = 0; i < q.n_tables; i++)
		check_lineage(sql, query_table_name(&q.tables[i], &arena));
	return q;
}

/* "General.default.t a.b c", as the tables stand in the text's tree. */
static const char *
tables_of(const char *sql)
{
	const struct query q = parsed(sql);
	const char *text = "";

	for (size_t i = 0; i < q.n_tables; i++)
		text = arena_printf(&arena, "%s%s%s", text, *text != '\0' ? " " : "",
			query_table_name(&q.tables[i], &arena));
	return text;
}

/* The query with each table called t0, t1 and so on; NULL with err. */
static const char *
bind_to(const char *sql)
{
	struct query q = parsed(sql);
	const char *text;

	for (size_t i = 0; i < q.n_tables; i++)
		q.tables[i].becomes = arena_printf(&arena, "t%zu", i);
	return query_bind(&q, &arena, &text, &err) == 0 ? text : NULL;
}

static const char *
bound(const char *sql)
{
	const char *text = bind_to(sql);

	ck_assert_msg(text != NULL, "%s: %s", sql, err.text);
	return text;
}

#define refused(sql, part)                                                                         \
	do {                                                                                       \
		struct query q_;                                                                   \
		ck_assert_int_lt(query_parse(duck, sql, &arena, &q_, &err), 0);                    \
		ck_assert_int_eq(err.code, ERR_USAGE);                                             \
		ck_assert_msg(strstr(err.text, part) != NULL, "%s: %s", sql, err.text);            \
		err_clear(&err);                                                                   \
	} while (0)

START_TEST(tables_are_found_wherever_they_stand)
{
	ck_assert_str_eq(tables_of("SELECT 1"), "");
	ck_assert_str_eq(tables_of("SELECT * FROM a, b.c JOIN d.e.f USING (x)"), "a b.c d.e.f");
	ck_assert_str_eq(tables_of("SELECT (SELECT max(x) FROM a) FROM (SELECT * FROM b) AS q "
				   "WHERE x IN (SELECT y FROM c) AND EXISTS (SELECT 1 FROM d)"),
		"a b c d");
	ck_assert_str_eq(tables_of("SELECT * FROM a UNION ALL SELECT * FROM b"), "a b");
	ck_assert_str_eq(tables_of("SELECT * FROM a PIVOT (sum(v) FOR k IN (1, 2))"), "a");
	ck_assert_str_eq(tables_of("SELECT * FROM range(3), unnest([1, 2])"), "");
	ck_assert_str_eq(tables_of("SELECT 'FROM a' -- FROM b\n FROM \"c d\" /* FROM e */"), "c d");
	ck_assert_str_eq(
		tables_of("FROM x : a, y : (SELECT 1), z : b.c, 'd', d.\"e\""), "a b.c d d.e");
	ck_assert_str_eq(tables_of("SELECT * FROM VALUES (1, 2) AS v, a"), "a");
	ck_assert_str_eq(
		tables_of("FROM (PIVOT_LONGER a ON x, y), (PIVOT b ON z IN (1)), c"), "a b c");
	/* A column is one after its dot. */
	ck_assert_str_eq(tables_of("FROM a JOIN b ON a.limit = b.order, c"), "a b c");
}
END_TEST

START_TEST(tables_are_found_whatever_is_written_around_them)
{
	ck_assert_str_eq(tables_of("SELECT $$it's$$, $x$ $$ ' $x$, a$b FROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT E'it\\'s', e'\\\\', 'x\\', f'x' FROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT 1 /* a /* b */ ' */ FROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT 1 -- '\rFROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT 1FROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT 1.FROM a"), "a");
	ck_assert_str_eq(tables_of("SELECT 1_0.5e+3FROM a, b"), "a b");
	/* Blanks that are no ASCII. */
	ck_assert_str_eq(
		tables_of("SELECT 'x\u00a0y',\u00a0a\u3000FROM\u200ba,\u2000b\ufeff"), "a b");
	ck_assert_str_eq(tables_of("SELECT \"a\u00a0b\"FROM\u2060\"c\u00a0d\""), "c\u00a0d");
}
END_TEST

START_TEST(names_of_the_query_itself_are_no_tables)
{
	ck_assert_str_eq(tables_of("WITH a AS (SELECT * FROM b) SELECT * FROM a, A, c"), "b c");
	/* Within itself the name is still a table's. */
	ck_assert_str_eq(tables_of("WITH a AS (SELECT * FROM a) SELECT * FROM a"), "a");
	ck_assert_str_eq(tables_of("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 "
				   "FROM r, lim WHERE n < 3) SELECT * FROM r"),
		"lim");
	/* So it is where a recursive one begins, whatever stands around it. */
	ck_assert_str_eq(tables_of("WITH RECURSIVE a AS (SELECT x FROM a UNION SELECT x + 1 FROM a "
				   "WHERE x < 9) SELECT * FROM a"),
		"a");
	ck_assert_str_eq(
		tables_of("WITH RECURSIVE a AS (WITH b AS (SELECT * FROM a) SELECT x FROM "
			  "(SELECT * FROM a, b) UNION SELECT x FROM a, b) SELECT * FROM a"),
		"a a");
	ck_assert_str_eq(tables_of("WITH RECURSIVE a(x) USING KEY (x) AS (SELECT * FROM a UNION "
				   "SELECT x FROM a WHERE EXISTS (SELECT * FROM a)) SELECT * FROM "
				   "a"),
		"a");
	/* One that is known inside only. */
	ck_assert_str_eq(
		tables_of("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) AS x, a"), "a");
	ck_assert_str_eq(tables_of("WITH a AS (SELECT 1) SELECT * FROM s.a"), "s.a");
}
END_TEST

START_TEST(the_text_stays_but_for_its_tables)
{
	ck_assert_str_eq(bound("SELECT 'é', x FROM \"tàb\" WHERE y = 'tàb'"),
		"SELECT 'é', x FROM t0 AS \"tàb\" WHERE y = 'tàb'");
	ck_assert_str_eq(bound("SELECT * FROM g . /* c */ \"de\"\"f\" . a AS q, b"),
		"SELECT * FROM t0 AS q, t1 AS \"b\"");
	ck_assert_str_eq(bound("SELECT g.d.a.x, d.a.y, a.z FROM g.d.a"),
		"SELECT a.x, a.y, a.z FROM t0 AS \"a\"");
	ck_assert_str_eq(bound("SELECT 1 ; -- done"), "SELECT 1 ");
	ck_assert_str_eq(bound("SELECT ';' AS \"a;b\" ;"), "SELECT ';' AS \"a;b\" ");
	ck_assert_str_eq(bound("FROM a SELECT x"), "FROM t0 AS \"a\" SELECT x");
	ck_assert_str_eq(bound("SELECT 1;; "), "SELECT 1");
	ck_assert_str_eq(bound("SELECT $$ ; -- $$"), "SELECT $$ ; -- $$");
	ck_assert_str_eq(bound("SELECT E'\\' ; -- '"), "SELECT E'\\' ; -- '");
	ck_assert_str_eq(bound("SELECT 1 ; /* a /* b */ ; */"), "SELECT 1 ");
	ck_assert_str_eq(bound("TABLE /* c */ a UNION (TABLE g.b ORDER BY b.x)"),
		"FROM /* c */ t0 AS \"a\" UNION (FROM t1 AS \"b\" ORDER BY b.x)");
	ck_assert_str_eq(
		bound("FROM x : g.a, $$b c$$, 'd'"), "FROM x : t0, t1 AS \"b c\", t2 AS \"d\"");
}
END_TEST

START_TEST(blanks_of_Unicode_move_nothing)
{
	ck_assert_str_eq(bound("SELECT a\u00a0FROM\u3000b,\u200bc -- \u00a0é\n, d"),
		"SELECT a  FROM   t0 AS \"b\",   t1 AS \"c\" --   é\n, t2 AS \"d\"");
	ck_assert_str_eq(bound("SELECT '\u00a0',\u00a0g.a.x FROM g.a"),
		"SELECT '\u00a0',  a.x FROM t0 AS \"a\"");
}
END_TEST

START_TEST(a_name_that_is_not_at_its_place_is_an_error)
{
	static const char *const hidden[] = {"SELECT * FROM E'\\x61bc'", "SELECT * FROM 'ab'\n'c'",
		/* The engine takes the text for one that ends at the second quote. */
		"SELECT E'\\'\u00a0' FROM abc"};

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		struct query q;
		const char *text;

		ck_assert_msg(query_parse(duck, hidden[i], &arena, &q, &err) == 0, "%s", err.text);
		ck_assert_uint_eq(q.n_tables, 1);
		q.tables[0].becomes = "t0";
		ck_assert_int_lt(query_bind(&q, &arena, &text, &err), 0);
		ck_assert_int_eq(err.code, ERR_USAGE);
		ck_assert_msg(strstr(err.text, "abc") != NULL, "%s", err.text);
		err_clear(&err);
	}
}
END_TEST

START_TEST(only_one_SELECT_over_tables)
{
	refused("", "empty");
	refused("SELECT 1; SELECT 2", "only one statement");
	refused("DROP TABLE a", "only SELECT");
	refused("COPY a TO 'x.csv'", "only SELECT");
	refused("ATTACH 'x.db'", "only SELECT");
	refused("SELECT * FROM read_csv('/etc/passwd')", "read_csv()");
	refused("SELECT * FROM query('SELECT 1')", "query()");
	refused("SELECT (SELECT 1 FROM read_text('/etc/passwd'))", "read_text()");
	refused("SELECT * FROM (SHOW TABLES)", "SHOW");
	refused("SELECT * FROM (DESCRIBE a)", "SHOW");
	refused("SELECT * FROM a AT (VERSION => 3)", "catalog_reader");
	/* Where the engine does not see it, it would look for a file. */
	refused("WITH RECURSIVE \"/a.csv\" AS (SELECT * FROM \"/a.csv\" UNION ALL SELECT * FROM "
		"\"/a.csv\" WHERE false) SELECT * FROM \"/a.csv\"",
		"/a.csv: what WITH defines");
	refused("SELEC 1", "line 1, column 1: syntax error");
	refused("SELECT 'é',\n 'é' FRM a", "line 2, column 10: ");
}
END_TEST

/* --- the node --- */

static const char *
file(const char *nodes)
{
	static char path[] = "/tmp/test_query.XXXXXX.yaml";
	int fd;

	memcpy(strstr(path, ".yaml") - 6, "XXXXXX", 6);
	fd = mkstemps(path, 5);
	ck_assert_int_ge(fd, 0);
	dprintf(fd,
		"flowfile_version: 0.16.0\nflowfile_id: 1\nflowfile_name: t\n"
		"flowfile_settings: {}\nnodes:\n%s",
		nodes);
	close(fd);
	return path;
}

/* What node 9 gives over the inputs (1: k = 1, 2; 2: k = 2, w = b): "1|a;2|b"; NULL with err. */
static const char *
run_query(const char *sql)
{
	const char *path = file(arena_printf(&arena,
		"- {id: 1, type: manual_input, outputs: [9], setting_input: {raw_data_format: "
		"{columns: [{name: k, data_type: Int64}], data: [[1, 2]]}}}\n"
		"- {id: 2, type: manual_input, outputs: [9], setting_input: {raw_data_format: "
		"{columns: [{name: k, data_type: Int64}, {name: w, data_type: String}], data: "
		"[[2], [b]]}}}\n"
		"- {id: 9, type: sql_query, input_ids: [1, 2], setting_input: {sql_query_input: "
		"{sql_code: \"%s\"}}}\n",
		sql));
	struct plan_options options = {.duck = duck};
	struct relation *relation;
	struct duck_rows *rows;
	const char *text = "";
	struct plan *plan;
	struct flow *flow;
	int rc;

	err_clear(&err);
	ck_assert_msg(flow_read(path, NULL, 0, &flow, &err) == 0, "%s", err.text);
	unlink(path);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	rc = plan_compile(plan, plan->top, flow_node(flow, 9), 0, &relation, &err);
	if (rc == 0)
		rc = duck_query(duck,
			arena_printf(&arena, "SELECT string_agg(s::VARCHAR, ';') FROM (%s) AS s",
				plan_sql_text(plan, relation)),
			&rows, &err);
	if (rc == 0 && duck_rows_next(rows))
		text = duck_text_copy(rows, 0, &arena);
	if (rc == 0)
		duck_rows_free(rows);
	plan_free(plan);
	flow_free(flow);
	/* A plan has a database to itself. */
	duck_close(duck);
	duck = engine_test_open();
	return rc == 0 ? text : NULL;
}

#define gives(sql, wanted)                                                                         \
	do {                                                                                       \
		const char *got_ = run_query(sql);                                                 \
		ck_assert_msg(got_ != NULL, "%s", err.text);                                       \
		ck_assert_str_eq(got_, wanted);                                                    \
	} while (0)
#define not_run(sql, part)                                                                         \
	do {                                                                                       \
		ck_assert_ptr_null(run_query(sql));                                                \
		ck_assert_msg(strstr(err.text,                                                     \
				      "node 9 (sql_query): sql_query_input: sql_code: ") != NULL,  \
			"%s", err.text);                                                           \
		ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);                     \
	} while (0)

START_TEST(the_node_queries_its_inputs)
{
	gives("SELECT k, w FROM input_1 LEFT JOIN input_2 USING (k) ORDER BY k",
		"{'k': 1, 'w': NULL};{'k': 2, 'w': b}");
	gives("SELECT input_1.k + 1 AS n FROM input_1;", "{'n': 2};{'n': 3}");
	gives("SELECT count(*) AS n FROM input_1 a, INPUT_1 b", "{'n': 4}");
	gives("SELECT 7 AS n", "{'n': 7}");
	/* Names that the plan uses, too. */
	gives("WITH n1 AS (SELECT 5 AS k), q0 AS (SELECT 6 AS k) SELECT n1.k AS a, i.k AS b FROM "
	      "n1, q0, input_1 AS i ORDER BY b",
		"{'a': 5, 'b': 1};{'a': 5, 'b': 2}");
}
END_TEST

START_TEST(what_the_node_cannot_run_is_said)
{
	not_run("SELECT * FROM input_3", "there is no input_3; its inputs are input_1 to input_2");
	not_run("SELECT * FROM input_0", "there is no input_0");
	not_run("SELECT * FROM other.input_1", "there is no input_1");
	not_run("SELECT zz FROM input_1", "zz");
	not_run("SELECT k, k FROM input_1", "two columns are called k");
	not_run("SELECT * FROM read_csv('x')", "read_csv()");
	not_run("SELECT FROM", "line 1, column");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("query");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, tables_are_found_wherever_they_stand);
	tcase_add_test(tc, tables_are_found_whatever_is_written_around_them);
	tcase_add_test(tc, names_of_the_query_itself_are_no_tables);
	tcase_add_test(tc, the_text_stays_but_for_its_tables);
	tcase_add_test(tc, blanks_of_Unicode_move_nothing);
	tcase_add_test(tc, a_name_that_is_not_at_its_place_is_an_error);
	tcase_add_test(tc, only_one_SELECT_over_tables);
	tcase_add_test(tc, the_node_queries_its_inputs);
	tcase_add_test(tc, what_the_node_cannot_run_is_said);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
