/* Formulas: what they are worth on the engine, and what is said of those that are none. */
#include <string.h>

#include "engine_test.h"
#include "flow/formula.h"

static struct duck *d;
static struct arena a;
static struct columns columns;

/* One row. */
#define ROW                                                                                        \
	"SELECT 7::BIGINT AS i, -7::BIGINT AS m, 2.5::DOUBLE AS f, 'Hello World' AS s, "           \
	"NULL::BIGINT AS n, NULL::VARCHAR AS ns, "                                                 \
	"true AS t, DATE '2024-01-31' AS day, TIMESTAMP '2024-02-29 13:14:15' AS moment, 'a  b' "  \
	"AS \"with blank\", '' AS empty, "                                                         \
	"'été 日本' AS u"

static void
set_up(void)
{
	struct err err = ERR_INIT;

	d = engine_test_open();
	a = (struct arena)ARENA_INIT;
	ck_assert_int_eq(duck_exec(d, "CREATE TABLE r AS " ROW, NULL, &err), 0);
	ck_assert_int_eq(duck_describe(d, "SELECT * FROM r", &a, &columns, &err), 0);
}

static void
tear_down(void)
{
	duck_close(d);
	arena_free(&a);
}

static const struct {
	const char *formula, *value;
} cases[] = {
	{"1 + 2 * 3", "7"},
	{"(1 + 2) * 3", "9"},
	{"10 - 3 - 2", "5"},
	{"7 / 2", "3.5"},
	{"1 / 0", "inf"},
	{"-7 % 3", "2"},
	{"7 % 3", "1"},
	{"[m] % 3", "2"},
	{"-[i]", "-7"},
	{"[i] > 1", "true"},
	{"([i] > 1) & ([f] < 2)", "false"},
	{"([i] > 1) | ([f] < 2)", "true"},
	{"[i] > 1 and [f] < 3", "true"},
	{"[i] > 10 or [t]", "true"},
	{"[i] = 7", "true"},
	{"[i] == 7", "true"},
	{"[i] != 7", "false"},
	{"[n] = 1", "NULL"},
	{"[n] + 1", "NULL"},
	{"'a' + \"b\"", "ab"},
	{"[s] + '!'", "Hello World!"},
	{"'World' in [s]", "true"},
	{"[with blank]", "a  b"},
	{"'it''s'", NULL}, /* two texts side by side are no formula */
	{"'it\\'s'", "it's"},
	{"\"it's\"", "it's"},
	{"1 // a comment\n + 1", "2"},
	{"if [i] > 5 then 'big' else 'small' endif", "big"},
	{"if [i] > 50 then 'big' elseif [i] > 5 then 'middle' else 'small' endif", "middle"},
	{"if [n] > 50 then 'big' else 'small' endif", "small"},
	{"IF true THEN 1 ELSE 2 ENDIF", "1"},
	{"concat([s], 1, true)", "Hello World1true"},
	{"concat([s], [ns])", "NULL"},
	{"count_match([s], 'o')", "2"},
	{"length([s])", "11"},
	{"length([u])", "6"},
	{"length([ns])", "NULL"},
	{"uppercase([u])", "ÉTÉ 日本"},
	{"lowercase([s])", "hello world"},
	{"titlecase('one tWO-three')", "One Two-Three"},
	{"left([s], 2)", "He"},
	{"left([u], 2)", "ét"},
	{"right([s], 3)", "rld"},
	{"mid([s], 0, 5)", "Hello"},
	{"mid([s], 6, 50)", "World"},
	{"substring([s], 6)", "World"},
	{"substring([s], 1, 3)", "ell"},
	{"replace('a.c', '.', 'b')", "abc"},
	{"find_position([s], 'World')", "6"},
	{"find_position([s], 'H')", "0"},
	{"find_position([s], 'zz')", "NULL"},
	{"pad_left('7', 3, '0')", "007"},
	{"pad_left('1234', 3, '0')", "1234"},
	{"pad_right('7', 3)", "7  "},
	{"trim('  a b\t')", "a b"},
	{"left_trim('  a ')", "a "},
	{"right_trim('  a ')", "  a"},
	{"round(string_similarity('kitten', 'sitting'), 3)", "0.571"},
	{"string_similarity('a', 'a', 'jaro_winkler')", "1.0"},
	{"starts_with([s], 'Hell')", "true"},
	{"ends_with([s], 'x')", "false"},
	{"reverse('abc')", "cba"},
	{"repeat('ab', 3)", "ababab"},
	{"split('a,b,c', ',')", "[a, b, c]"},
	{"equals([i], 7)", "true"},
	{"does_not_equal([s], 'x')", "true"},
	{"is_empty([n])", "true"},
	{"is_empty([empty])", "false"},
	{"is_not_empty([n])", "false"},
	{"not([t])", "false"},
	{"is_string([s])", "true"},
	{"is_string([i])", "false"},
	{"contains([s], 'W.r')", "true"},
	{"contains([s], 'W\\.r')", "false"},
	{"coalesce([n], [i])", "7"},
	{"ifnull([ns], 'x')", "x"},
	{"nvl([n], 0)", "0"},
	{"nullif([i], 7)", "NULL"},
	{"between([i], 7, 9)", "true"},
	{"greatest(1, [i], 3)", "7"},
	{"least(1, [i], 3)", "1"},
	{"negative([i])", "-7"},
	{"log(1)", "0.0"},
	{"log(0)", "-inf"},
	{"log(-1)", "nan"},
	{"log([n])", "NULL"},
	{"log2(8)", "3.0"},
	{"log10(1000)", "3.0"},
	{"exp(0)", "1.0"},
	{"sqrt(9)", "3.0"},
	{"sqrt(-1)", "nan"},
	{"abs([m])", "7"},
	{"asin(2)", "nan"},
	{"power(2, 10)", "1024.0"},
	{"mod(-7, 3)", "2"},
	{"sign([m])", "-1"},
	{"ceil(2.1)", "3.0"},
	{"floor(-2.1)", "-3.0"},
	{"round(2.5)", "2.0"},
	{"round(3.5)", "4.0"},
	{"round(2.345, 2)", "2.34"},
	{"random_int(5, 6)", "5"},
	{"year([day])", "2024"},
	{"month([moment])", "2"},
	{"day([day])", "31"},
	{"hour([moment])", "13"},
	{"hour([day])", "0"},
	{"minute([moment])", "14"},
	{"second([moment])", "15"},
	{"week([day])", "5"},
	{"weekday([day])", "3"},
	{"quarter([day])", "1"},
	{"dayofyear([day])", "31"},
	{"add_days([day], 1)", "2024-02-01"},
	{"add_weeks([day], 1)", "2024-02-07"},
	{"add_months([day], 1)", "2024-02-29"},
	{"add_years([day], 1)", "2025-01-30"},
	{"add_hours([moment], 11)", "2024-03-01 00:14:15"},
	{"add_minutes([moment], -15)", "2024-02-29 12:59:15"},
	{"add_seconds([moment], 45)", "2024-02-29 13:15:00"},
	{"datetime_diff_seconds([moment], [day])", "2553255"},
	{"datetime_diff_nanoseconds([moment], [moment])", "0"},
	{"date_diff_days([moment], [day])", "29"},
	{"date_diff_days([day], [moment])", "-29"},
	{"date_trim([day], 'month')", "2024-01-01"},
	{"date_truncate([day], '1mo')", "2024-01-01"},
	{"date_truncate([moment], '15m')", "2024-02-29 13:00:00"},
	{"date_truncate([day], '1w')", "2024-01-29"},
	{"date_truncate([moment], '1q')", "2024-01-01 00:00:00"},
	{"format_date([day], '%d/%m/%Y')", "31/01/2024"},
	{"start_of_month([moment])", "2024-02-01 00:00:00"},
	{"end_of_month(add_months([day], 1))", "2024-02-29"},
	{"to_string([i])", "7"},
	{"to_string([f])", "2.5"},
	{"to_date('2024-02-30')", "NULL"},
	{"to_date('2024-02-29')", "2024-02-29"},
	{"to_date('29/02/2024', '%d/%m/%Y')", "2024-02-29"},
	{"to_date([moment])", "2024-02-29"},
	{"to_datetime('2024-02-29 01:02:03')", "2024-02-29 01:02:03"},
	{"to_integer(2.9)", "2"},
	{"to_integer(-2.9)", "-2"},
	{"to_integer('12')", "12"},
	{"to_integer('x')", "NULL"},
	{"to_float('1.5')", "1.5"},
	{"to_number('7')", "7.0"},
	{"to_boolean('true')", "true"},
	{"to_decimal(1.25, 2)", "1.25"},
	{"[day] > '2024-01-01'", "true"},
	{"[day] < [moment]", "true"},
	{"null", "NULL"},
};

START_TEST(a_formula_is_worth_what_it_says)
{
	struct formula formula;
	struct err err = ERR_INIT;
	struct duck_rows *rows;
	const char *text;
	int rc = formula_translate(cases[_i].formula, &columns, &a, &formula, &err);

	if (cases[_i].value == NULL) {
		ck_assert_int_eq(rc, -1);
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", cases[_i].formula, err.text);
	ck_assert_msg(
		duck_query(d, arena_printf(&a, "SELECT CAST(%s AS VARCHAR) FROM r", formula.sql),
			&rows, &err) == 0,
		"%s: %s", cases[_i].formula, err.text);
	ck_assert(duck_rows_next(rows));
	text = duck_text_copy(rows, 0, &a);
	ck_assert_msg(strcmp(text != NULL ? text : "NULL", cases[_i].value) == 0,
		"%s is %s, not %s", cases[_i].formula, text != NULL ? text : "NULL",
		cases[_i].value);
	duck_rows_free(rows);
}
END_TEST

/* The type that the translator names is the engine's, so that those who build on it can rely on it. */
START_TEST(its_type_is_known_before_it_runs)
{
	struct formula formula;
	struct columns got;
	struct err err = ERR_INIT;

	if (cases[_i].value == NULL)
		return;
	ck_assert_int_eq(formula_translate(cases[_i].formula, &columns, &a, &formula, &err), 0);
	ck_assert_int_eq(duck_describe(d, arena_printf(&a, "SELECT %s AS x FROM r", formula.sql),
				 &a, &got, &err),
		0);
	if (formula.type != TYPE_OTHER && formula.type != TYPE_NULL)
		ck_assert_msg(type_classify(got.items[0].type) == formula.type, "%s is %s, not %d",
			cases[_i].formula, got.items[0].type, formula.type);
}
END_TEST

static const struct {
	const char *formula, *error;
} wrong[] = {
	{"", "there is no formula"},
	{"  // nothing", "there is no formula"},
	{"1 +", "line 1, column 4: a value is expected, and there is the end"},
	{"[nothing", "line 1, column 1: a column's name that does not end with ]"},
	{"'abc", "line 1, column 1: a text that does not end"},
	{"1 2", "line 1, column 3: the end or an operator is expected, and there is 2"},
	{"uppercas([s])",
		"line 1, column 1: there is no function uppercas; did you mean uppercase?"},
	{"frobnicate([s])", "line 1, column 1: there is no function frobnicate"},
	{"[I]", "there is no column I; did you mean i?"},
	{"uppercase([i])", "uppercase: argument 1 is a number, and must be a text"},
	{"abs([s])", "abs: argument 1 is a text, and must be a number"},
	{"left([s])", "left takes 2 arguments, and there is 1"},
	{"round(1, 2, 3)", "round takes at most 2 arguments, and there are 3"},
	{"concat()", "concat takes at least 1 argument, and there are 0"},
	{"[i] + [s]", "line 1, column 5: '+' does not go between a number and a text"},
	{"[i] = [s]", "'=' does not go between a number and a text"},
	{"[i] and [t]", "'and' does not go between a number and a truth value"},
	{"[i] > 1 & [f] < 2", "'&' does not go between a number and a number"},
	{"if [i] then 1 else 2 endif", "column 4: a condition is expected, and this is a number"},
	{"if [t] then 1 endif", "'elseif' or 'else' is expected, and there is endif"},
	{"if [t] then 1 else 2", "'endif' is expected, and there is the end"},
	{"-[s]", "a number is expected behind the sign, and this is a text"},
	{"(1", "')' is expected, and there is the end"},
	{"1\n+ 2 +\n  $", "line 3, column 3: '$' means nothing here"},
	{"date_truncate([day], 'month')", "'month' is no number with a unit"},
	{"[s]; DROP TABLE r", "';' means nothing here"},
};

START_TEST(what_is_no_formula_is_said_with_its_place)
{
	struct formula formula;
	struct err err = ERR_INIT;

	ck_assert_int_eq(formula_translate(wrong[_i].formula, &columns, &a, &formula, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
}
END_TEST

START_TEST(what_is_nested_too_deep_is_refused)
{
	struct formula formula;
	struct err err = ERR_INIT;
	char text[2 * 1000 + 2];

	memset(text, '(', 1000);
	text[1000] = '1';
	memset(text + 1001, ')', 1000);
	text[2001] = '\0';
	ck_assert_int_eq(formula_translate(text, &columns, &a, &formula, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "nested more than"));
}
END_TEST

START_TEST(what_would_grow_without_end_is_refused)
{
	struct formula formula;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (int i = 0; i < 60; i++)
		buf_puts(&b, "mod(");
	buf_puts(&b, "[i]");
	for (int i = 0; i < 60; i++)
		buf_puts(&b, ", 7)");
	ck_assert_int_eq(formula_translate(buf_str(&b), &columns, &a, &formula, &err), 0);
	buf_reset(&b);
	for (int i = 0; i < 60; i++)
		buf_puts(&b, "mod(7, ");
	buf_puts(&b, "[i]");
	for (int i = 0; i < 60; i++)
		buf_puts(&b, ")");
	ck_assert_int_eq(formula_translate(buf_str(&b), &columns, &a, &formula, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "too long"));
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("formula");
	TCase *tc = tcase_create("formula");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
		tc, a_formula_is_worth_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(
		tc, its_type_is_known_before_it_runs, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(
		tc, what_is_no_formula_is_said_with_its_place, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, what_is_nested_too_deep_is_refused);
	tcase_add_test(tc, what_would_grow_without_end_is_refused);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
