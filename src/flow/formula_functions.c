/* The functions of formulas. Where Polars and the engine differ, the SQL says what Polars does. */
#include <stddef.h>

#include "flow/formula.h"

#define US "epoch_us(CAST($1 AS TIMESTAMP)) - epoch_us(CAST($2 AS TIMESTAMP))"

const struct formula_function formula_functions[] = {
	/* texts */
	{"concat", 1, -1, "a", 't', "($+)", {NULL}},
	{"count_match", 2, 2, "tt", 'i', "CAST(len(regexp_extract_all($1, $2)) AS BIGINT)", {NULL}},
	{"length", 1, 1, "t", 'i', "length($1)", {NULL}},
	{"uppercase", 1, 1, "t", 't', "upper($1)", {NULL}},
	{"lowercase", 1, 1, "t", 't', "lower($1)", {NULL}},
	{"titlecase", 1, 1, "t", 't',
		"array_to_string(list_transform(regexp_extract_all(lower($1), "
		"'[\\p{L}\\p{N}]+|[^\\p{L}\\p{N}]+'), "
		"lambda w: upper(w[1]) || w[2:]), '')",
		{NULL}},
	{"left", 2, 2, "ti", 't', "left($1, $2)", {NULL}},
	{"right", 2, 2, "ti", 't', "right($1, $2)", {NULL}},
	{"mid", 3, 3, "tii", 't', "substr($1, ($2) + 1, $3)", {NULL}},
	{"substring", 2, 3, "tii", 't', "substr($1, ($2) + 1, $3)", {"2147483647"}},
	{"replace", 3, 3, "ttt", 't', "replace($1, $2, $3)", {NULL}},
	{"find_position", 2, 2, "tt", 'i', "(nullif(instr($1, $2), 0) - 1)", {NULL}},
	{"pad_left", 2, 3, "tit", 't',
		"CASE WHEN length($1) >= $2 THEN $1 ELSE lpad($1, CAST($2 AS INTEGER), $3) END",
		{"' '"}},
	{"pad_right", 2, 3, "tit", 't',
		"CASE WHEN length($1) >= $2 THEN $1 ELSE rpad($1, CAST($2 AS INTEGER), $3) END",
		{"' '"}},
	{"trim", 1, 1, "t", 't', "regexp_replace($1, '^\\s+|\\s+$', '', 'g')", {NULL}},
	{"left_trim", 1, 1, "t", 't', "regexp_replace($1, '^\\s+', '')", {NULL}},
	{"right_trim", 1, 1, "t", 't', "regexp_replace($1, '\\s+$', '')", {NULL}},
	{"string_similarity", 2, 3, "ttt", 'f',
		"CASE lower($3) WHEN 'levenshtein' THEN 1 - levenshtein($1, $2) / "
		"greatest(length($1), length($2), 1) "
		"WHEN 'damerau_levenshtein' THEN 1 - damerau_levenshtein($1, $2) / "
		"greatest(length($1), length($2), 1) "
		"WHEN 'jaro' THEN jaro_similarity($1, $2) WHEN 'jaro_winkler' THEN "
		"jaro_winkler_similarity($1, $2) "
		"WHEN 'jaccard' THEN jaccard($1, $2) WHEN 'hamming' THEN CASE WHEN length($1) = "
		"length($2) THEN "
		"1 - hamming($1, $2) / greatest(length($1), 1) END "
		"ELSE error('string_similarity: there is no method ' || $3) END",
		{"'levenshtein'"}},
	{"starts_with", 2, 2, "tt", 'b', "starts_with($1, $2)", {NULL}},
	{"ends_with", 2, 2, "tt", 'b', "ends_with($1, $2)", {NULL}},
	{"reverse", 1, 1, "t", 't', "reverse($1)", {NULL}},
	{"repeat", 2, 2, "ti", 't', "repeat($1, $2)", {NULL}},
	{"split", 2, 2, "tt", 'l', "string_split($1, $2)", {NULL}},
	/* logic */
	{"equals", 2, 2, "aa", 'b', "($1 = $2)", {NULL}},
	{"does_not_equal", 2, 2, "aa", 'b', "($1 <> $2)", {NULL}},
	{"is_empty", 1, 1, "a", 'b', "($1 IS NULL)", {NULL}},
	{"is_not_empty", 1, 1, "a", 'b', "($1 IS NOT NULL)", {NULL}},
	{"not", 1, 1, "b", 'b', "(NOT $1)", {NULL}},
	{"is_string", 1, 1, "a", 'b', "(typeof($1) = 'VARCHAR')", {NULL}},
	{"contains", 2, 2, "tt", 'b', "regexp_matches($1, $2)", {NULL}},
	{"coalesce", 1, -1, "a", '1', "coalesce($*)", {NULL}},
	{"ifnull", 2, 2, "aa", '1', "coalesce($*)", {NULL}},
	{"nvl", 2, 2, "aa", '1', "coalesce($*)", {NULL}},
	{"nullif", 2, 2, "aa", '1', "nullif($1, $2)", {NULL}},
	{"between", 3, 3, "aaa", 'b', "($1 BETWEEN $2 AND $3)", {NULL}},
	{"greatest", 1, -1, "a", '1', "greatest($*)", {NULL}},
	{"least", 1, -1, "a", '1', "least($*)", {NULL}},
	/* numbers */
	{"negation", 1, 1, "n", 'n', "(-$1)", {NULL}},
	{"negative", 1, 1, "n", 'n', "(-$1)", {NULL}},
	{"log", 1, 1, "n", 'f',
		"CASE WHEN $1 > 0 THEN ln($1) WHEN $1 = 0 THEN CAST('-inf' AS DOUBLE) WHEN $1 < 0 "
		"THEN CAST('nan' AS DOUBLE) END",
		{NULL}},
	{"log2", 1, 1, "n", 'f',
		"CASE WHEN $1 > 0 THEN log2($1) WHEN $1 = 0 THEN CAST('-inf' AS DOUBLE) WHEN $1 < "
		"0 THEN CAST('nan' AS DOUBLE) END",
		{NULL}},
	{"log10", 1, 1, "n", 'f',
		"CASE WHEN $1 > 0 THEN log10($1) WHEN $1 = 0 THEN CAST('-inf' AS DOUBLE) WHEN $1 < "
		"0 THEN CAST('nan' AS DOUBLE) END",
		{NULL}},
	{"exp", 1, 1, "n", 'f', "exp($1)", {NULL}},
	{"sqrt", 1, 1, "n", 'f', "CASE WHEN $1 < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt($1) END",
		{NULL}},
	{"abs", 1, 1, "n", 'n', "abs($1)", {NULL}},
	{"sin", 1, 1, "n", 'f', "sin($1)", {NULL}},
	{"cos", 1, 1, "n", 'f', "cos($1)", {NULL}},
	{"tan", 1, 1, "n", 'f', "tan($1)", {NULL}},
	{"asin", 1, 1, "n", 'f',
		"CASE WHEN abs($1) > 1 THEN CAST('nan' AS DOUBLE) ELSE asin($1) END", {NULL}},
	{"acos", 1, 1, "n", 'f',
		"CASE WHEN abs($1) > 1 THEN CAST('nan' AS DOUBLE) ELSE acos($1) END", {NULL}},
	{"atan", 1, 1, "n", 'f', "atan($1)", {NULL}},
	{"tanh", 1, 1, "n", 'f', "tanh($1)", {NULL}},
	{"power", 2, 2, "nn", 'f', "pow($1, $2)", {NULL}},
	{"pow", 2, 2, "nn", 'f', "pow($1, $2)", {NULL}},
	{"mod", 2, 2, "nn", 'n', "((($1 % $2) + $2) % $2)", {NULL}},
	{"sign", 1, 1, "n", 'i', "CAST(sign($1) AS BIGINT)", {NULL}},
	{"ceil", 1, 1, "n", 'n', "ceil($1)", {NULL}},
	{"floor", 1, 1, "n", 'n', "floor($1)", {NULL}},
	{"round", 1, 2, "ni", 'f', "round_even(CAST($1 AS DOUBLE), CAST($2 AS INTEGER))", {"0"}},
	{"random_int", 2, 2, "ii", 'i', "CAST(floor(random() * ($2 - $1)) + $1 AS BIGINT)", {NULL}},
	/* dates */
	{"now", 0, 0, "", 's', "CAST(now() AS TIMESTAMP)", {NULL}},
	{"today", 0, 0, "", 'd', "CAST(now() AS DATE)", {NULL}},
	{"year", 1, 1, "d", 'i', "year($1)", {NULL}},
	{"month", 1, 1, "d", 'i', "month($1)", {NULL}},
	{"day", 1, 1, "d", 'i', "day($1)", {NULL}},
	{"hour", 1, 1, "d", 'i', "hour(CAST($1 AS TIMESTAMP))", {NULL}},
	{"minute", 1, 1, "d", 'i', "minute(CAST($1 AS TIMESTAMP))", {NULL}},
	{"second", 1, 1, "d", 'i', "second(CAST($1 AS TIMESTAMP))", {NULL}},
	{"week", 1, 1, "d", 'i', "weekofyear($1)", {NULL}},
	{"weekday", 1, 1, "d", 'i', "isodow($1)", {NULL}},
	{"dayofweek", 1, 1, "d", 'i', "isodow($1)", {NULL}},
	{"quarter", 1, 1, "d", 'i', "quarter($1)", {NULL}},
	{"dayofyear", 1, 1, "d", 'i', "dayofyear($1)", {NULL}},
	{"add_days", 2, 2, "di", 'k', "($1 + to_days(CAST($2 AS INTEGER)))", {NULL}},
	{"add_weeks", 2, 2, "di", 'k', "($1 + to_days(7 * CAST($2 AS INTEGER)))", {NULL}},
	{"add_months", 2, 2, "di", 'k', "($1 + to_months(CAST($2 AS INTEGER)))", {NULL}},
	{"add_years", 2, 2, "di", 'k', "($1 + to_days(365 * CAST($2 AS INTEGER)))", {NULL}},
	{"add_hours", 2, 2, "di", 's', "($1 + to_hours(CAST($2 AS BIGINT)))", {NULL}},
	{"add_minutes", 2, 2, "di", 's', "($1 + to_minutes(CAST($2 AS BIGINT)))", {NULL}},
	{"add_seconds", 2, 2, "di", 's', "($1 + to_seconds(CAST($2 AS BIGINT)))", {NULL}},
	{"datetime_diff_seconds", 2, 2, "dd", 'i', "((" US ") // 1000000)", {NULL}},
	{"datetime_diff_nanoseconds", 2, 2, "dd", 'i', "((" US ") * 1000)", {NULL}},
	{"date_diff_days", 2, 2, "dd", 'i', "((" US ") // 86400000000)", {NULL}},
	{"date_trim", 2, 2, "dt", 'k', "date_trunc($2, $1)", {NULL}},
	{"date_truncate", 2, 2, "dt", 'k', NULL, {NULL}},
	{"format_date", 2, 2, "dt", 't', "strftime($1, $2)", {NULL}},
	{"start_of_month", 1, 1, "d", 'k', "date_trunc('month', $1)", {NULL}},
	{"end_of_month", 1, 1, "d", 'k', "last_day($1)", {NULL}},
	/* types */
	{"to_string", 1, 1, "a", 't', "CAST($1 AS VARCHAR)", {NULL}},
	{"to_date", 1, 2, "at", 'd', "CAST(try_strptime($1, $2) AS DATE)", {"'%Y-%m-%d'"}},
	{"to_datetime", 1, 2, "at", 's', "try_strptime($1, $2)", {"'%Y-%m-%d %H:%M:%S'"}},
	{"to_integer", 1, 1, "a", 'i', "TRY_CAST($1 AS BIGINT)", {NULL}},
	{"to_float", 1, 1, "a", 'f', "TRY_CAST($1 AS DOUBLE)", {NULL}},
	{"to_number", 1, 1, "a", 'f', "TRY_CAST($1 AS DOUBLE)", {NULL}},
	{"to_decimal", 1, 2, "ai", 'm', "TRY_CAST($1 AS DECIMAL(38, $2))", {"9"}},
	{"to_boolean", 1, 1, "a", 'b', "TRY_CAST($1 AS BOOLEAN)", {NULL}},
	{NULL, 0, 0, NULL, 0, NULL, {NULL}},
};
