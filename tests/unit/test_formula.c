/* Formulas without an engine: what they become, which columns they read, and what is said of wrong ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/formula.h"

static struct arena a;
static struct column items[] = {
	{"a", "BIGINT"},
	{"b", "DOUBLE"},
	{"text", "VARCHAR"},
	{"day", "DATE"},
	{"at", "TIMESTAMP"},
	{"yes", "BOOLEAN"},
	{"list", "VARCHAR[]"},
	{"uuid", "UUID"},
	{"say \"hi\"", "BIGINT"},
};
static const struct columns columns = {items, ARRAY_LEN(items)};

static void
set_up(void)
{
	a = (struct arena)ARENA_INIT;
}

static void
tear_down(void)
{
	arena_free(&a);
}

/* The SQL, or why there is none. */
static const char *
translate(const char *text)
{
	struct err err = ERR_INIT;
	struct formula formula;

	if (formula_translate(text, &columns, &a, &formula, &err) == 0)
		return formula.sql;
	ck_assert_int_eq(err.code, ERR_USAGE);
	return arena_printf(&a, "%s", err.text);
}

static const struct {
	const char *text, *sql;
} translations[] = {
	{"1", "CAST(1 AS BIGINT)"},
	{"-1", "CAST(-1 AS BIGINT)"},
	{"-9223372036854775808", "CAST(-9223372036854775808 AS BIGINT)"},
	{"1.5", "CAST(1.5 AS DOUBLE)"},
	{"5.", "CAST(5.0 AS DOUBLE)"},
	{".5e-1_0", "CAST(0.5e-10 AS DOUBLE)"},
	{"1_000", "CAST(1000 AS BIGINT)"},
	{"True", "true"},
	{"null", "NULL"},
	{"None", "NULL"},
	{"'a'", "'a'"},
	{"\"it's\"", "'it''s'"},
	{"'it\\'s'", "'it''s'"},
	{"\"\\\\ \\d\"", "'\\ \\d'"},
	{"\"\\x41\\101\\u00e9\\U0001F44D\"", "'AAé👍'"},
	{"\"a\\\nb\"", "'ab'"},
	{"[say \"hi\"]", "\"say \"\"hi\"\"\""},
	{"[a] // [nothing]", "\"a\""},
	{"\"// no comment\"", "'// no comment'"},
	{"[a]+[b]", "(\"a\" + \"b\")"},
	{"[text] + 'x'", "(\"text\" || 'x')"},
	{"[text] + null", "CAST(NULL AS VARCHAR)"},
	{"[yes] + [a]", "(CAST(\"yes\" AS BIGINT) + \"a\")"},
	{"-[a]", "(-\"a\")"},
	{"--[a]", "(-(-\"a\"))"},
	{"-(-(1))", "(-CAST(-1 AS BIGINT))"},
	{"([yes])", "\"yes\""},
	{"[yes] or [yes] and [yes]", "(\"yes\" OR (\"yes\" AND \"yes\"))"},
	{"[yes] AND [yes] And [yes]", "(\"yes\" AND \"yes\" AND \"yes\")"},
	{"[yes] & [yes] | [yes]", "((\"yes\" AND \"yes\") OR \"yes\")"},
	{"[yes] | [a]", "(CAST(\"yes\" AS BIGINT) | \"a\")"},
	{"[a] - [a] - [a]", "((\"a\" - \"a\") - \"a\")"},
	{"[a] + [a] * [a]", "(\"a\" + (\"a\" * \"a\"))"},
	{"([a] + [a]) * [a]", "((\"a\" + \"a\") * \"a\")"},
	{"[a] < [b] + [a]", "(\"a\" < (\"b\" + \"a\"))"},
	{"[a] + [a] = [b]", "(\"a\" + CAST((\"a\" = \"b\") AS BIGINT))"},
	{"[a] != [b] or [yes]", "((\"a\" <> \"b\") OR \"yes\")"},
	{"'x' in [text]", "regexp_matches(\"text\", 'x')"},
	{"if [yes] then 1 elseif [a] = [b] then [b] else null endif",
		"CASE WHEN \"yes\" THEN CAST(1 AS BIGINT) WHEN (\"a\" = \"b\") THEN \"b\" ELSE "
		"CAST(NULL AS DOUBLE) END"},
	{"if [yes] then 'x' else [a] endif",
		"CASE WHEN \"yes\" THEN 'x' ELSE CAST(\"a\" AS VARCHAR) END"},
	{"replace([text], 'a', \"$1\")", "replace(\"text\", 'a', '$1')"},
	{"left([text], [b])",
		"left(\"text\", CASE WHEN CAST(trunc(\"b\") AS BIGINT) < 0 THEN 0 ELSE "
		"CAST(trunc(\"b\") AS BIGINT) END)"},
	{"concat([text], [yes])", "CAST((\"text\" || CAST(\"yes\" AS VARCHAR)) AS VARCHAR)"},
	{"round([a], 2)", "\"a\""},
	{"date_truncate([day], '1h30m')",
		"(DATE '1970-01-01' + CAST(epoch_us(time_bucket(to_microseconds(5400000000), "
		"CAST(\"day\" AS TIMESTAMP), TIMESTAMP '1970-01-01')) // 86400000000 AS INTEGER))"},
	{"date_truncate([at], '2w')",
		"time_bucket(to_microseconds(1209600000000), CAST(\"at\" AS TIMESTAMP), TIMESTAMP "
		"'1970-01-05')"},
	{"format_date([day], '%F it''s' )", NULL}, /* two texts */
	{"format_date([at], \"%d. %P 100%%\")",
		"(strftime(\"at\", '%d. ') || CASE WHEN hour(\"at\") < 12 THEN 'am' ELSE 'pm' END "
		"|| strftime(\"at\", ' 100%%'))"},
	{"to_datetime([text], '%F %T%.f')",
		"CAST(try_strptime(\"text\", ['%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%d %H:%M:%S']) AS "
		"TIMESTAMP)"},
};

START_TEST(a_formula_becomes_sql)
{
	const char *sql = translate(translations[_i].text);

	if (translations[_i].sql == NULL)
		ck_assert_ptr_nonnull(strstr(sql, "expected"));
	else
		ck_assert_str_eq(sql, translations[_i].sql);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"", "the formula is empty"},
	{" // nothing\n", "the formula is empty"},
	{"\xff", "a formula is UTF-8, this is not"},
	{"1 +", "column 4: expected a value, but the formula ends here"},
	{"1 2", "column 3: expected an operator, found 2"},
	{"1 'x'", "column 3: expected an operator, found a text"},
	{"(1", "column 1: this ( is not closed"},
	{"(1 2)", "column 4: expected ) or an operator, found 2"},
	{"1)", "column 2: this ) closes nothing"},
	{"abs(1", "column 6: expected , or ) or an operator, but the formula ends here"},
	{"abs(1,)", "column 7: expected a value, found )"},
	{"'abc", "column 1: this text has no end, a '"},
	{"'abc\\'", "column 1: this text has no end, a '"},
	{"[abc", "column 1: this column has no end, a ]"},
	{"[]", "column 1: a column has a name, [] has none"},
	{"\"é\" ! 1", "column 5: ! has no meaning here"},
	{"1 § 2", "column 3: § has no meaning here"},
	{"12abc", "column 1: 12a is no number"},
	{"1.2.3", "column 1: 1.2. is no number"},
	{"\"\\x4\"", "column 2: \\x wants the number of a character in 2 hexadecimal digits"},
	{"\"\\ud800\"", "column 2: \\u wants the number of a character"},
	{"\"\\0\"", "column 2: a text cannot contain a NUL"},
	{"a", "column 1: a is no value: a column is [a], a text \"a\", a call a(...)"},
	{"1 +\n\t[nothing]", "line 2, column 2: there is no column nothing"},
	{"[txt]", "column 1: there is no column txt; did you mean text?"},
	{"[Text]", "did you mean text?"},
	{"[completely else]", "there is no column completely else; there are: a, b, text, day,"},
	{"1 + uper('x')", "column 5: there is no function uper; did you mean uppercase?"},
	{"frobnicate('x')", "column 1: there is no function frobnicate"},
	{"Uppercase('x')", "did you mean uppercase?"},
	{"abs()", "column 1: abs() takes 1 argument, not 0"},
	{"now(1)", "column 1: now() takes no arguments"},
	{"left('x')", "column 1: left() takes 2 arguments, not 1"},
	{"pad_left('x')", "column 1: pad_left() takes 2 to 3 arguments, not 1"},
	{"random_int(1, 2, 3)", "column 1: random_int() takes 0 to 2 arguments, not 3"},
	{"concat()", "column 1: concat() takes 1 or more arguments, not 0"},
	{"length([a])", "column 8: length() wants a text as argument 1, this is a whole number"},
	{"abs('x')", "column 5: abs() wants a number as argument 1, this is the text 'x'"},
	{"year('2024-01-01')",
		"column 6: year() wants a date as argument 1, this is the text '2024-01-01'"},
	{"hour([day])", "column 6: hour() wants a date with time as argument 1, this is a date"},
	{"pad_left([text], 3, 'ab')",
		"column 21: pad_left() wants one character in quotes as argument 3"},
	{"pad_left([text], 3, '')", "wants one character in quotes"},
	{"date_trim([day], [text])",
		"column 18: date_trim() wants a text in quotes as argument 2, this is a text"},
	{"date_trim([day], 'mont')",
		"column 18: date_trim() keeps year, month, day, hour, minute or second, not mont; "
		"did you mean month?"},
	{"date_truncate([day], '')", "column 22:  is no length of time"},
	{"date_truncate([day], '1')", "1 is no length of time"},
	{"date_truncate([day], '0d')", "0d is no length of time"},
	{"date_truncate([day], '1mo1d')", "1mo1d is no length of time"},
	{"date_truncate([day], '1w1d')", "1w1d is no length of time"},
	{"date_truncate([day], '99999999999999999999d')", "is no length of time"},
	{"format_date([at], '%')", "column 19: in the format %, % cannot be written"},
	{"format_date([day], '%F %H')",
		"column 20: in the format %F %H, %H is of a time, which a date has not"},
	{"to_date([text], '%U')", "column 17: in the format %U, %U cannot be read"},
	{"[text] + 1",
		"column 8: a text + a whole number is not possible; to_string() makes a text, "
		"to_number() a number"},
	{"[day] + 1",
		"column 7: a date + a whole number is not possible; add_days() and its like are"},
	{"[a] and [yes] or [text]", "column 18: or wants true or false, this is a text"},
	{"[a] > 1 & [b] < 2", "column 11: & wants true or false, this is a number"},
	{"[text] = 1", "column 10: a text cannot be compared with a whole number"},
	{"between([a], 1, [text])", "column 17: a whole number cannot be compared with a text"},
	{"if [a] then 1 else 2 endif",
		"column 4: a condition is true or false, this is a whole number"},
	{"if [yes] then 1 else [list] endif",
		"column 22: this is a list, but there is a whole number before it; one type must "
		"hold both"},
	{"if [yes] then 1 endif", "column 17: expected elseif or else, found endif"},
	{"if [yes] 1", "column 10: expected then, found 1"},
	{"if [yes] then 1 else 2", "column 23: expected endif, but the formula ends here"},
	{"IF [yes] then 1 else 2 endif", "column 1: IF is written in small letters"},
	{"if [yes] THEN 1 else 2 endif", "column 10: then is written in small letters: then"},
	{"1 + then", "column 5: expected a value, found then"},
	{"9223372036854775808", "column 1: 9223372036854775808 does not fit into 64 bits"},
	{"string_similarity('a', 'b', 'fuzzy')",
		"column 29: string_similarity() has no method fuzzy here"},
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
	const char *error = translate(wrong[_i].text);

	ck_assert_msg(strncmp(error, wrong[_i].error, strlen(wrong[_i].error)) == 0 ||
			(strncmp(wrong[_i].error, "column", 6) != 0 &&
				strstr(error, wrong[_i].error) != NULL),
		"%s: %s\nnot: %s", wrong[_i].text, error, wrong[_i].error);
}
END_TEST

/* What is not known of a type is left to the engine. */
START_TEST(types_that_are_not_known_fit_everywhere)
{
	ck_assert_str_eq(translate("uppercase([uuid])"), "upper(\"uuid\")");
	ck_assert_str_eq(translate("[uuid] + 1"), "(\"uuid\" + CAST(1 AS BIGINT))");
	ck_assert_str_eq(translate("[uuid] = [text]"), "(\"uuid\" = \"text\")");
}
END_TEST

START_TEST(the_columns_that_a_formula_reads_are_named_once)
{
	struct err err = ERR_INIT;
	const char **names;
	size_t n;

	ck_assert_int_eq(
		formula_columns(
			"if [x] then f([y], '[no]') elseif [x] then [z z] else 1 endif // [no]", &a,
			&names, &n, &err),
		0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(names[0], "x");
	ck_assert_str_eq(names[1], "y");
	ck_assert_str_eq(names[2], "z z");
	ck_assert_int_eq(formula_columns("1", &a, &names, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(formula_columns("[x", &a, &names, &n, &err), -1);
}
END_TEST

/* n times the piece, between two others. */
static const char *
repeated(const char *before, const char *piece, int n, const char *behind)
{
	char *text = xmalloc(strlen(before) + strlen(piece) * (size_t)n + strlen(behind) + 1);
	const char *kept;

	strcpy(text, before);
	for (int i = 0; i < n; i++)
		strcat(text, piece);
	kept = arena_strdup(&a, strcat(text, behind));
	free(text);
	return kept;
}

START_TEST(depth_and_length_have_bounds)
{
	static const char *const nested[] = {"(", "-", "abs(", "if [yes] then ", "if ", "1 - ("};
	struct err err = ERR_INIT;
	const char **names;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(nested); i++)
		ck_assert_ptr_nonnull(strstr(
			translate(repeated("", nested[i], 1000, "1")), "more than 150 values"));
	ck_assert_ptr_nonnull(
		strstr(translate(repeated("1", "+1", 200, "")), "more than 150 values"));
	ck_assert_ptr_nonnull(strstr(translate(repeated("'", "x", FORMULA_TEXT_MAX, "'")),
		"a formula has at most 65536 bytes"));
	ck_assert_int_eq(formula_columns(repeated("", "(", 1000, "1"), &a, &names, &n, &err), -1);
	ck_assert_ptr_nonnull(
		strstr(translate(repeated("[yes]", " or [yes]", 5000, "")), "(\"yes\" OR"));
}
END_TEST

/* An argument that a function's SQL repeats grows with each level. */
START_TEST(what_grows_too_much_is_an_error)
{
	ck_assert_ptr_nonnull(
		strstr(translate(repeated(repeated("", "mod(7, ", 30, "[a]"), ")", 30, "")),
			"the formula becomes more than 262144 bytes of SQL"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("formula");
	TCase *tc = tcase_create("translation");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_formula_becomes_sql, 0, ARRAY_LEN(translations));
	tcase_add_loop_test(tc, what_is_wrong_is_said_with_its_place, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, types_that_are_not_known_fit_everywhere);
	tcase_add_test(tc, the_columns_that_a_formula_reads_are_named_once);
	tcase_add_test(tc, depth_and_length_have_bounds);
	tcase_add_test(tc, what_grows_too_much_is_an_error);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
