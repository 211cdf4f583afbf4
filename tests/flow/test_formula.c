/* Formulas on the engine: what each is worth, and that the manual says the same. */
#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "engine_test.h"
#include "flow/eval.h"
#include "flow/formula.h"

#define FILE_MAX (1024 * 1024)

static struct duck *d;
static struct arena a;

/* The row of formula_cases.txt. */
static const char *const names[] = {
	"a", "b", "t", "u", "d", "e", "n", "f", "i", "z", "y", "nan", "inf", "tt", "ff"};
static const char *const values[] = {"1", "2.5", "abc", "héllo", "2024-02-29",
	"2024-01-31 13:04:05.678901", "null", "-7.5", "-7", "", "0", "nan", "inf", "true", "false"};
#define TABLE                                                                                      \
	"CREATE TABLE r AS SELECT 1::BIGINT AS a, 2.5::DOUBLE AS b, 'abc' AS t, 'héllo' AS u, "   \
	"DATE '2024-02-29' AS d, TIMESTAMP '2024-01-31 13:04:05.678901' AS e, "                    \
	"-7.5::DOUBLE AS f, -7::BIGINT AS i, '' AS z, 0::BIGINT AS y, 'nan'::DOUBLE AS nan, "      \
	"'inf'::DOUBLE AS inf, true AS tt, false AS ff"

static void
set_up(void)
{
	struct err err = ERR_INIT;

	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
	ck_assert_int_eq(duck_exec(d, TABLE, NULL, &err), 0);
}

static void
tear_down(void)
{
	duck_close(d);
	arena_free(&a);
}

/* What eval_expression() writes, or "error: " and why. In the arena. */
static const char *
evaluate(const char *formula, const char *const *with, const char *const *are, size_t n)
{
	struct err err = ERR_INIT;
	struct buf b;
	const char *out;

	buf_init(&b, FILE_MAX);
	out = eval_expression(d, formula, with, are, n, &b, &err) < 0
		? arena_printf(&a, "error: %s", err.text)
		: arena_strdup(&a, buf_str(&b));
	buf_free(&b);
	return out;
}

static char *
read_lines(const char *path)
{
	struct err err = ERR_INIT;
	char *text = file_read(path, FILE_MAX, &(size_t){0}, &err), *kept;

	ck_assert_msg(text != NULL, "%s", err.text);
	kept = arena_strdup(&a, text);
	free(text);
	return kept;
}

/* --- the cases ---------------------------------------------------------------------------------------- */

static const char *
unescape(const char *s)
{
	char *out = arena_alloc(&a, strlen(s) + 1), *o = out;

	for (; *s != '\0'; s++)
		*o++ = *s != '\\' ? *s : *++s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
	return out;
}

/* "value : type" as "value<tab>type", with the time unit that a case leaves out. */
static const char *
expected_text(const char *expected)
{
	const char *type = strrchr(expected, ':');

	ck_assert_msg(type != NULL && type - expected >= 1, "%s has no type", expected);
	return arena_printf(&a, "%s\t%s",
		unescape(arena_printf(&a, "%.*s", (int)(type - expected - 1), expected)),
		strcmp(type, ": Datetime") == 0 ? "Datetime(time_unit='us', time_zone=None)"
						: type + 2);
}

static void
check_case(const char *formula, const char *expected)
{
	const char *got = evaluate(formula, names, values, sizeof(names) / sizeof(names[0]));

	if (strncmp(expected, "error: ", 7) == 0) {
		ck_assert_msg(
			strncmp(got, "error: ", 7) == 0, "%s is %s, but must fail", formula, got);
		ck_assert_msg(strstr(got, expected + 7) != NULL, "%s: %s\nnot: %s", formula, got,
			expected);
		return;
	}
	ck_assert_msg(strcmp(got, expected_text(expected)) == 0, "%s is %s\nnot %s", formula, got,
		expected_text(expected));
}

/* Calls the function with each case of the file; returns how many there are. */
static int
each_case(void (*check)(const char *formula, const char *expected))
{
	char *text = read_lines(CASES), *line, *expected;
	int n = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '#' || *line == '\0')
			continue;
		expected = strstr(line, " => ");
		ck_assert_msg(expected != NULL, "%s has no =>", line);
		*expected = '\0';
		check(line, expected + 4);
		n++;
	}
	return n;
}

START_TEST(a_formula_is_worth_what_it_is_in_polars)
{
	ck_assert_int_gt(each_case(check_case), 500);
}
END_TEST

/* Those who build on a formula rely on its type. Over a table nothing is folded into constants before it runs. */
static void
check_type(const char *formula, const char *expected)
{
	struct columns columns = {NULL, 0}, got = {NULL, 0};
	struct formula f, text;
	struct err err = ERR_INIT;
	struct duck_rows *rows;
	const char *sql, *value;

	if (strncmp(expected, "error: ", 7) == 0)
		return;
	ck_assert_int_eq(duck_describe(d, "SELECT * FROM r", &a, &columns, &err), 0);
	columns_add(&columns, &a, "n", "\"NULL\"");
	ck_assert_msg(formula_translate(formula, &columns, &a, &f, &err) == 0, "%s: %s", formula,
		err.text);
	sql = arena_printf(&a, "SELECT %s AS v FROM (SELECT *, NULL AS n FROM r)", f.sql);
	ck_assert_msg(duck_describe(d, sql, &a, &got, &err) == 0, "%s: %s", formula, err.text);
	if (f.type != TYPE_NULL)
		ck_assert_msg(f.type == type_classify(got.items[0].type), "%s is %s, not %d",
			formula, got.items[0].type, f.type);
	ck_assert_int_eq(formula_translate("to_string([v])", &got, &a, &text, &err), 0);
	ck_assert_msg(duck_query(d, arena_printf(&a, "SELECT %s FROM (%s)", text.sql, sql), &rows,
			      &err) == 0,
		"%s: %s", formula, err.text);
	ck_assert(duck_rows_next(rows));
	value = duck_cell(rows, 0) == CELL_TEXT ? duck_text_copy(rows, 0, &a) : "null";
	ck_assert_msg(strncmp(expected_text(expected), value, strlen(value)) == 0,
		"%s over a table is %s, not %s", formula, value, expected);
	duck_rows_free(rows);
}

START_TEST(its_type_is_known_and_a_table_makes_no_difference)
{
	each_case(check_type);
}
END_TEST

/* --- the manual ---------------------------------------------------------------------------------------- */

/* What is in `` behind *at, which moves behind it; NULL for none on this line. A | is \| in the page's tables. */
static const char *
next_code(const char **at)
{
	const char *from = strchr(*at, '`'), *to = from != NULL ? strchr(from + 1, '`') : NULL;
	char *out, *o;

	if (to == NULL)
		return NULL;
	*at = to + 1;
	out = o = arena_alloc(&a, (size_t)(to - from));
	for (from++; from < to; from++)
		if (*from != '\\' || from[1] != '|')
			*o++ = *from;
	return out;
}

/* A line "| `call` | what it does | `example` | `value` |": whether it is one. */
static bool
read_row(const char *line, const char **call, const char **example, const char **value)
{
	if (strncmp(line, "| `", 3) != 0)
		return false;
	*call = next_code(&line);
	line = strchr(line, '|');
	line = line != NULL ? strchr(line + 1, '|') : NULL;
	if (line == NULL)
		return false;
	*example = next_code(&line);
	*value = *example != NULL ? next_code(&line) : NULL;
	return *value != NULL;
}

START_TEST(the_manuals_examples_are_worth_what_it_says)
{
	char *text = read_lines(MANUAL), *line;
	const char *call, *example, *value, *got;
	int n = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (!read_row(line, &call, &example, &value))
			continue;
		got = evaluate(example, names, values, sizeof(names) / sizeof(names[0]));
		ck_assert_msg(strncmp(got, value, strlen(value)) == 0 && got[strlen(value)] == '\t',
			"%s is %s, the manual says %s", example, got, value);
		n++;
	}
	ck_assert_int_gt(n, 90);
}
END_TEST

/* Whether a row is about the function, and shows it. */
static bool
is_in_manual(const char *name)
{
	char *text = read_lines(MANUAL), *line;
	const char *call, *example, *value, *start = arena_printf(&a, "%s(", name);

	while ((line = strsep(&text, "\n")) != NULL)
		if (read_row(line, &call, &example, &value) &&
			strncmp(call, start, strlen(start)) == 0 && strstr(example, start) != NULL)
			return true;
	return false;
}

START_TEST(every_function_is_in_the_manual)
{
	const char *name;

	for (size_t i = 0; (name = formula_function_name(i)) != NULL; i++)
		ck_assert_msg(is_in_manual(name), "%s() has no row in the manual", name);
}
END_TEST

/* --- the rest ------------------------------------------------------------------------------------------- */

START_TEST(values_of_a_row_have_the_types_that_they_look_like)
{
	static const struct {
		const char *value, *is;
	} looks[] = {
		{"-12", "-12\tInt64"},
		{"1.50", "1.5\tFloat64"},
		{"2e3", "2000.0\tFloat64"},
		{"-1.5e-3", "-0.0015\tFloat64"},
		{"true", "true\tBoolean"},
		{"2024-02-29", "2024-02-29\tDate"},
		{"2024-02-29T10:11:12.5",
			"2024-02-29 10:11:12.500000\tDatetime(time_unit='us', time_zone=None)"},
		{"null", "null\tNull"},
		{"", "\tString"},
		{"-", "-\tString"},
		{"1.", "1.\tString"},
		{"\"12\"", "12\tString"},
		{"\"null\"", "null\tString"},
		{"O'Hara", "O'Hara\tString"},
		{"12 apples", "12 apples\tString"},
	};
	const char *const name[] = {"some \"column\""};

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		ck_assert_str_eq(
			evaluate("[some \"column\"]", name, &looks[i].value, 1), looks[i].is);
}
END_TEST

/* A lambda's parameter must not hide a column. */
START_TEST(columns_of_any_name_are_themselves)
{
	static const char *const odd[] = {"w", "h", "k"};
	static const char *const are[] = {"one two", "night", "nacht"};

	ck_assert_str_eq(evaluate("titlecase([w])", odd, are, 3), "One Two\tString");
	ck_assert_str_eq(evaluate("string_similarity([h], [k], 'sorensen_dice')", odd, are, 3),
		"0.25\tFloat64");
}
END_TEST

/* The engine joins what is said with `or` without nesting, too. */
START_TEST(a_chain_of_and_or_or_may_be_long)
{
	struct buf b;

	buf_init(&b, FORMULA_TEXT_MAX);
	buf_puts(&b, "[a] = 0");
	for (int i = 1; i <= 3000; i++)
		buf_printf(&b, " or [a] = %d", i);
	ck_assert_str_eq(evaluate(buf_str(&b), names, values, 1), "true\tBoolean");
	buf_free(&b);
}
END_TEST

START_TEST(what_is_as_deep_as_allowed_runs)
{
	struct buf b;

	buf_init(&b, FORMULA_TEXT_MAX);
	buf_puts(&b, "[a]");
	for (int i = 2; i < FORMULA_DEPTH_MAX; i++)
		buf_puts(&b, " + 1");
	ck_assert_str_eq(evaluate(buf_str(&b), names, values, 1),
		arena_printf(&a, "%d\tInt64", FORMULA_DEPTH_MAX - 1));
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("formula");
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_formula_is_worth_what_it_is_in_polars);
	tcase_add_test(tc, its_type_is_known_and_a_table_makes_no_difference);
	tcase_add_test(tc, the_manuals_examples_are_worth_what_it_says);
	tcase_add_test(tc, every_function_is_in_the_manual);
	tcase_add_test(tc, values_of_a_row_have_the_types_that_they_look_like);
	tcase_add_test(tc, columns_of_any_name_are_themselves);
	tcase_add_test(tc, a_chain_of_and_or_or_may_be_long);
	tcase_add_test(tc, what_is_as_deep_as_allowed_runs);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
