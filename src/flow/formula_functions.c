/*
 * The functions of formulas: a row each. Templates say what a call becomes; a few functions depend on what their arguments
 * say, and have C of their own. Arguments are repeated in a template only where there is no other way, since what is repeated
 * within itself grows fast.
 */
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "formula_value.h"

#define GUESSED_MAX 40 /* longer words are not guessed at */
#define NAN_SQL "CAST('nan' AS DOUBLE)"
#define BLANKS /* what Unicode calls white space */                                                \
	" \t\n\v\f\r\xc2\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"    \
	"\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
/* What a text must be to become a number. The engine takes blanks, _ and halves, which Polars does not. */
#define INT_PATTERN "[+-]?[0-9]+"
#define FLOAT_PATTERN                                                                              \
	"[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity|nan)"
/* A cast whose error quotes the text that is no number. */
#define NUMBER_OF_TEXT(pattern, type)                                                              \
	"CAST(CASE WHEN regexp_full_match($1, '" pattern                                           \
	"') THEN $1 ELSE '\"' || $1 || '\"' END AS " type ")"

/* What a call gives, when it is no fixed type. */
enum {
	RESULT_FIRST = 100, /* as its first argument */
	RESULT_UNITED, /* one type for all of them */
};

/* What an argument may be. A capital is written out in the formula: it is needed before there are rows. */
static const struct {
	char letter;
	unsigned types; /* 0: any */
	enum type_class null; /* what a bare null is taken for */
	const char *wants;
} letters[] = {
	{'t', TYPE_BIT(TYPE_TEXT), TYPE_TEXT, "a text"},
	{'T', TYPE_BIT(TYPE_TEXT), TYPE_TEXT, "a text in quotes"},
	{'C', TYPE_BIT(TYPE_TEXT), TYPE_TEXT, "one character in quotes"},
	{'n', TYPES_NUMBER, TYPE_FLOAT, "a number"},
	{'i', TYPES_NUMBER, TYPE_INT, "a number"},
	{'d', TYPES_DAY, TYPE_DATETIME, "a date"},
	{'h', TYPE_BIT(TYPE_DATETIME) | TYPE_BIT(TYPE_TIME), TYPE_DATETIME, "a date with time"},
	{'l', TYPE_BIT(TYPE_BOOL) | TYPE_BIT(TYPE_INT), TYPE_BOOL, "true or false"},
	{'s', 0, TYPE_TEXT, "a value"}, /* becomes a text */
	{'u', 0, TYPE_NULL, "a value"}, /* becomes what holds all, text too */
	{'m', 0, TYPE_NULL, "a value"}, /* the same, but text stays among its own */
	{'c', 0, TYPE_NULL, "a value"}, /* can be compared with the first */
	{'a', 0, TYPE_NULL, "a value"},
};

struct function;
typedef int translate_cb(struct translation *t, const struct value *v, size_t n, struct value *out);

/* How the template differs for a type of the first argument. */
struct variant {
	enum type_class type;
	const char *sql;
};

struct function {
	const char *name;
	const char *args; /* a letter each, those behind ? may be missing, + repeats the last */
	int result; /* a type, or one of the above */
	const char *sql; /* the template */
	const struct variant *variants; /* others, for some types; ended by an empty one */
	translate_cb *translate; /* instead of templates; may change the type */
	const char *missing[2]; /* SQL of arguments that are not given, from the first of them */
};

/* --- functions that read their arguments --------------------------------------------------------------- */

static int
translate_is_string(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)t, (void)n;
	out->sql = v[0].type == TYPE_TEXT ? "true" : "false";
	return 0;
}

static int
translate_to_string(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)n;
	*out = v[0];
	value_to_text(t, out);
	return 0;
}

/* A whole number to a whole number's power stays one. */
static int
translate_power(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	bool whole = v[0].type == TYPE_INT && v[1].type == TYPE_INT;

	out->type = whole ? TYPE_INT : TYPE_FLOAT;
	return sql_expand(t,
		!whole ? "pow($1, $2)"
		       : "CASE WHEN $2 < 0 THEN error('power: a whole number has no negative "
			 "power') "
			 "ELSE CAST(pow($1, $2) AS BIGINT) END",
		v, n, &out->sql);
}

static int
translate_mod(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	return sql_expand(t, remainder_sql(out->type), v, n, &out->sql);
}

static bool
is_written_natural(const struct value *v)
{
	return v->node->kind == NODE_INT && v->node->name[0] != '-';
}

/* A start below 0 counts from the end. Before the beginning there is nothing, which uses up the length. */
static int
translate_mid(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	return sql_expand(t,
		is_written_natural(&v[1]) && is_written_natural(&v[2])
			? "substring($1, $2 + 1, $3)"
			: "CASE WHEN $3 <= 0 THEN '' WHEN $2 >= 0 THEN substring($1, $2 + 1, $3) "
			  "WHEN -$2 <= length($1) THEN substring($1, $2, $3) "
			  "ELSE left($1, greatest($3 + length($1) + $2, 0)) END",
		v, n, &out->sql);
}

static int
translate_date_truncate(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)n;
	return truncate_to(t, &v[0], &v[1], &out->sql);
}

static int
translate_date_trim(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	static const char *const parts[] = {"year", "month", "day", "hour", "minute", "second"};
	struct nearest near = nearest_to(v[1].node->name);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcmp(parts[i], v[1].node->name) == 0)
			return sql_expand(t,
				v[0].type == TYPE_DATE ? "CAST(date_trunc($2, $1) AS DATE)"
						       : "date_trunc($2, $1)",
				v, n, &out->sql);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		nearest_offer(&near, parts[i]);
	return value_error(t, v[1].node,
		"date_trim() keeps year, month, day, hour, minute or second, not %.40s%s%s%s",
		v[1].node->name, near.name ? "; did you mean " : "", near.name ? near.name : "",
		near.name ? "?" : "");
}

static int
translate_format_date(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)n;
	return format_write(t, &v[0], &v[1], &out->sql);
}

static int
translate_parse(struct translation *t, const struct value *v, struct value *out, const char *sql)
{
	struct value both[] = {v[0], v[1]};

	return format_read(t, &v[1], &both[1].sql) < 0 ? -1
						       : sql_expand(t, sql, both, 2, &out->sql);
}

static int
translate_to_date(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)n;
	return translate_parse(t, v, out, "CAST(try_strptime($1, $2) AS DATE)");
}

static int
translate_to_datetime(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	(void)n;
	return translate_parse(t, v, out, "CAST(try_strptime($1, $2) AS TIMESTAMP)");
}

/*
 * The engine's distances count bytes: where there are others than ASCII, the same control character stands for the same
 * one of them in both texts. There are as many as follow here; what is beyond them is left out of the comparison.
 */
#define OTHERS "array_to_string(list_distinct(regexp_extract_all($1 || $2, '[^\\x00-\\x7f]')), '')"
#define CONTROLS                                                                                   \
	"'\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a"    \
	"\x1b\x1c\x1d"                                                                             \
	"\x1e\x1f'"
#define BY_CHARACTER(distance)                                                                     \
	distance "(translate($1, " OTHERS ", " CONTROLS "), translate($2, " OTHERS ", " CONTROLS   \
		 "))"
#define SIMILARITY(distance)                                                                       \
	"(1 - " BY_CHARACTER(distance) " / greatest(length($1), length($2), 1))"
/*
 * The different pairs of bytes that follow each other, in hexadecimal digits. The text is no part of the lambda's body, where
 * its columns could be hidden by parameters.
 */
#define PAIRS(x)                                                                                   \
	"list_distinct(list_transform([hex(" x ")], lambda h: CASE WHEN length(h) < 4 THEN [h] "   \
	"ELSE list_transform(range(1, length(h) - 2, 2), lambda k: array_slice(h, k, k + 3)) END)" \
	"[1])"
#define SHARED "len(list_intersect(" PAIRS("$1") ", " PAIRS("$2") "))"
#define OF_PAIRS(share) "CASE WHEN $1 = '' OR $2 = '' THEN " NAN_SQL " ELSE " share " END"

static const struct {
	const char *method, *sql;
} similarities[] = {
	{"levenshtein", SIMILARITY("levenshtein")},
	{"damerau_levenshtein", SIMILARITY("damerau_levenshtein")},
	{"jaro", "CASE WHEN $1 = $2 THEN 1.0 ELSE " BY_CHARACTER("jaro_similarity") " END"},
	{"jaro_winkler",
		"CASE WHEN $1 = $2 THEN 1.0 ELSE " BY_CHARACTER("jaro_winkler_similarity") " END"},
	{"hamming",
		"CASE WHEN $1 = $2 THEN 0 WHEN length($1) = length($2) THEN CAST(" BY_CHARACTER(
			"hamming") " AS DOUBLE) END"},
	{"jaccard",
		OF_PAIRS(SHARED
			" / len(list_distinct(list_concat(" PAIRS("$1") ", " PAIRS("$2") ")))")},
	{"sorensen_dice",
		OF_PAIRS("2 * " SHARED " / (len(" PAIRS("$1") ") + len(" PAIRS("$2") "))")},
};

static int
translate_similarity(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	const char *method = v[2].node->name;

	for (size_t i = 0; i < ARRAY_LEN(similarities); i++)
		if (strcmp(similarities[i].method, method) == 0)
			return sql_expand(t, similarities[i].sql, v, n, &out->sql);
	return value_error(t, v[2].node,
		"string_similarity() has no method %.40s here; it has levenshtein, "
		"damerau_levenshtein, jaro, jaro_winkler, hamming, jaccard and sorensen_dice",
		method);
}

/* --- variants ------------------------------------------------------------------------------------------ */

#define END_OF_VARIANTS                                                                            \
	{                                                                                          \
		TYPE_NULL, NULL                                                                    \
	}
#define VARIANTS(...)                                                                              \
	(const struct variant[])                                                                   \
	{                                                                                          \
		__VA_ARGS__, END_OF_VARIANTS                                                       \
	}
#define FOR_INT(sql) VARIANTS({TYPE_INT, sql})
#define FOR_DATE(sql) VARIANTS({TYPE_DATE, sql})
/* A date plus a duration is a date, of which hours may be lost. */
#define ADDS(duration)                                                                             \
	.sql = "($1 + " duration ")", .variants = FOR_DATE("CAST(($1 + " duration ") AS DATE)")
#define US(n) "epoch_us(CAST($" n " AS TIMESTAMP))"

static const struct variant to_integer[] = {
	{TYPE_INT, "$1"},
	{TYPE_BOOL, "CAST($1 AS BIGINT)"},
	{TYPE_FLOAT, "CAST(trunc($1) AS BIGINT)"},
	{TYPE_DECIMAL, "CAST(trunc($1) AS BIGINT)"},
	{TYPE_TEXT, NUMBER_OF_TEXT(INT_PATTERN, "BIGINT")},
	{TYPE_DATE, "CAST(($1 - DATE '1970-01-01') AS BIGINT)"},
	{TYPE_DATETIME, "epoch_us($1)"},
	{TYPE_NULL, NULL},
};

static const struct variant to_float[] = {
	{TYPE_FLOAT, "CAST($1 AS DOUBLE)"},
	{TYPE_INT, "CAST($1 AS DOUBLE)"},
	{TYPE_BOOL, "CAST($1 AS DOUBLE)"},
	{TYPE_DECIMAL, "CAST($1 AS DOUBLE)"},
	{TYPE_TEXT, NUMBER_OF_TEXT(FLOAT_PATTERN, "DOUBLE")},
	{TYPE_DATE, "CAST(($1 - DATE '1970-01-01') AS DOUBLE)"},
	{TYPE_DATETIME, "CAST(epoch_us($1) AS DOUBLE)"},
	{TYPE_NULL, NULL},
};

/* Nothing is null afterwards, as in Flowfile. */
static const struct variant to_boolean[] = {
	{TYPE_BOOL, "coalesce($1, false)"},
	{TYPE_INT, "coalesce($1 <> 0, false)"},
	{TYPE_DECIMAL, "coalesce($1 <> 0, false)"},
	{TYPE_FLOAT, "coalesce($1 <> 0 AND isfinite($1), false)"},
	{TYPE_TEXT,
		"coalesce(regexp_full_match($1, '(?i:true|yes|t|y)|-?[0-9]+(\\.[0-9]+)?') AND "
		"NOT regexp_full_match($1, '-?0(\\.0*)?'), false)"},
	{TYPE_NULL, NULL},
};

static int
translate_to_decimal(struct translation *t, const struct value *v, size_t n, struct value *out)
{
	struct value both[] = {v[0], v[n - 1]};

	if (function_call(t, "to_float", v[0].node, both, 1, &both[0]) < 0)
		return -1;
	out->sql = both[0].sql;
	return n < 2 ? 0 : sql_expand(t, "round_even($1, CAST($2 AS INTEGER))", both, 2, &out->sql);
}

/* --- the table ------------------------------------------------------------------------------------------- */

static const struct function functions[] = {
	/* texts */
	/* of one null alone the engine would make another type */
	{"concat", "s+", TYPE_TEXT, .sql = "CAST(($|) AS VARCHAR)"},
	{"contains", "tt", TYPE_BOOL, .sql = "regexp_matches($1, $2)"},
	{"count_match", "tt", TYPE_INT, .sql = "len(regexp_extract_all($1, $2))"},
	{"ends_with", "tt", TYPE_BOOL, .sql = "ends_with($1, $2)"},
	/* counts bytes, as Polars does */
	{"find_position", "tt", TYPE_INT,
		.sql = "CASE WHEN strpos($1, $2) > 0 THEN strlen(left($1, strpos($1, $2) - 1)) "
		       "END"},
	{"left", "ti", TYPE_TEXT, .sql = "left($1, CASE WHEN $2 < 0 THEN 0 ELSE $2 END)"},
	{"left_trim", "t", TYPE_TEXT, .sql = "ltrim($1, '" BLANKS "')"},
	{"length", "t", TYPE_INT, .sql = "length($1)"},
	{"lowercase", "t", TYPE_TEXT, .sql = "lower($1)"},
	{"mid", "tii", TYPE_TEXT, .translate = translate_mid},
	{"pad_left", "ti?C", TYPE_TEXT,
		.sql = "CASE WHEN length($1) >= $2 THEN $1 ELSE lpad($1, CAST($2 AS INTEGER), $3) "
		       "END",
		.missing = {"' '"}},
	{"pad_right", "ti?C", TYPE_TEXT,
		.sql = "CASE WHEN length($1) >= $2 THEN $1 ELSE rpad($1, CAST($2 AS INTEGER), $3) "
		       "END",
		.missing = {"' '"}},
	{"repeat", "ti", TYPE_TEXT, .sql = "repeat($1, $2)"},
	{"replace", "ttt", TYPE_TEXT, .sql = "replace($1, $2, $3)"},
	{"reverse", "t", TYPE_TEXT, .sql = "reverse($1)"},
	/* the last 0 are all of them, and a negative number leaves out the first: the slice from -$2 on */
	{"right", "ti", TYPE_TEXT,
		.sql = "CASE WHEN $2 > 0 THEN right($1, $2) ELSE substring($1, 1 - $2) END"},
	{"right_trim", "t", TYPE_TEXT, .sql = "rtrim($1, '" BLANKS "')"},
	{"split", "tt", TYPE_LIST, .sql = "string_split($1, $2)"},
	{"starts_with", "tt", TYPE_BOOL, .sql = "starts_with($1, $2)"},
	{"string_similarity", "tt?T", TYPE_FLOAT, .translate = translate_similarity,
		.missing = {"'levenshtein'"}},
	{"substring", "tii", TYPE_TEXT, .translate = translate_mid},
	{"titlecase", "t", TYPE_TEXT,
		.sql = "array_to_string(list_transform(regexp_extract_all($1, "
		       "'[\\p{L}\\p{N}]+|[^\\p{L}\\p{N}]+'), lambda w: upper(w[1]) || "
		       "lower(w[2:])), '')"},
	{"trim", "t", TYPE_TEXT, .sql = "trim($1, '" BLANKS "')"},
	{"uppercase", "t", TYPE_TEXT, .sql = "upper($1)"},
	/* logic */
	{"_not", "l", RESULT_FIRST, .sql = "(NOT $1)", .variants = FOR_INT("(~$1)")},
	{"between", "acc", TYPE_BOOL, .sql = "($1 BETWEEN $2 AND $3)"},
	{"coalesce", "u+", RESULT_UNITED, .sql = "coalesce($*)"},
	{"does_not_equal", "ac", TYPE_BOOL, .sql = "($1 <> $2)"},
	{"equals", "ac", TYPE_BOOL, .sql = "($1 = $2)"},
	{"greatest", "m+", RESULT_UNITED, .sql = "greatest($*)"},
	{"ifnull", "uu", RESULT_UNITED, .sql = "coalesce($1, $2)"},
	{"is_empty", "a", TYPE_BOOL, .sql = "($1 IS NULL)"},
	{"is_not_empty", "a", TYPE_BOOL, .sql = "($1 IS NOT NULL)"},
	{"is_string", "a", TYPE_BOOL, .translate = translate_is_string},
	{"least", "m+", RESULT_UNITED, .sql = "least($*)"},
	{"not", "l", RESULT_FIRST, .sql = "(NOT $1)", .variants = FOR_INT("(~$1)")},
	{"nullif", "ac", RESULT_FIRST, .sql = "nullif($1, $2)"},
	{"nvl", "uu", RESULT_UNITED, .sql = "coalesce($1, $2)"},
	/* numbers; where the engine fails, Polars has NaN or an infinity */
	{"abs", "n", RESULT_FIRST, .sql = "abs($1)"},
	{"acos", "n", TYPE_FLOAT,
		.sql = "CASE WHEN abs($1) > 1 THEN " NAN_SQL " ELSE acos($1) END"},
	{"asin", "n", TYPE_FLOAT,
		.sql = "CASE WHEN abs($1) > 1 THEN " NAN_SQL " ELSE asin($1) END"},
	{"atan", "n", TYPE_FLOAT, .sql = "atan($1)"},
	{"ceil", "n", RESULT_FIRST, .sql = "ceil($1)", .variants = FOR_INT("$1")},
	{"cos", "n", TYPE_FLOAT, .sql = "CASE WHEN isinf($1) THEN " NAN_SQL " ELSE cos($1) END"},
	{"exp", "n", TYPE_FLOAT, .sql = "exp($1)"},
	{"floor", "n", RESULT_FIRST, .sql = "floor($1)", .variants = FOR_INT("$1")},
#define LOG(name)                                                                                  \
	"CASE WHEN $1 < 0 THEN " NAN_SQL " WHEN $1 = 0 THEN CAST('-inf' AS DOUBLE) ELSE " name     \
	"($1) END"
	{"log", "n", TYPE_FLOAT, .sql = LOG("ln")},
	{"log10", "n", TYPE_FLOAT, .sql = LOG("log10")},
	{"log2", "n", TYPE_FLOAT, .sql = LOG("log2")},
	{"mod", "nn", RESULT_UNITED, .translate = translate_mod},
	{"negation", "n", RESULT_FIRST, .sql = "(-$1)"},
	{"negative", "", TYPE_INT, .sql = "CAST(-1 AS BIGINT)"},
	{"pow", "nn", TYPE_FLOAT, .translate = translate_power},
	{"power", "nn", TYPE_FLOAT, .translate = translate_power},
	{"random_int", "?ii", TYPE_INT, .sql = "($1 + CAST(floor(random() * ($2 - $1)) AS BIGINT))",
		.missing = {"0", "2"}},
	{"round", "n?i", RESULT_FIRST, .sql = "round_even($1, CAST($2 AS INTEGER))",
		.variants = FOR_INT("$1"), .missing = {"0"}},
	{"sign", "n", RESULT_FIRST,
		.sql = "CASE WHEN isnan($1) THEN $1 ELSE CAST(sign($1) AS DOUBLE) END",
		.variants = VARIANTS({TYPE_INT, "CAST(sign($1) AS BIGINT)"},
			{TYPE_DECIMAL, "CAST(sign($1) AS DECIMAL(18, 0))"})},
	{"sin", "n", TYPE_FLOAT, .sql = "CASE WHEN isinf($1) THEN " NAN_SQL " ELSE sin($1) END"},
	{"sqrt", "n", TYPE_FLOAT, .sql = "CASE WHEN $1 < 0 THEN " NAN_SQL " ELSE sqrt($1) END"},
	{"tan", "n", TYPE_FLOAT, .sql = "CASE WHEN isinf($1) THEN " NAN_SQL " ELSE tan($1) END"},
	{"tanh", "n", TYPE_FLOAT, .sql = "tanh($1)"},
	/* dates */
	{"add_days", "di", RESULT_FIRST, ADDS("to_days(CAST($2 AS INTEGER))")},
	{"add_hours", "di", RESULT_FIRST, ADDS("to_hours($2)")},
	{"add_minutes", "di", RESULT_FIRST, ADDS("to_minutes($2)")},
	{"add_months", "di", RESULT_FIRST, ADDS("to_months(CAST($2 AS INTEGER))")},
	{"add_seconds", "di", RESULT_FIRST, ADDS("to_seconds($2)")},
	{"add_weeks", "di", RESULT_FIRST, ADDS("to_days(CAST(7 * $2 AS INTEGER))")},
	{"add_years", "di", RESULT_FIRST, ADDS("to_days(CAST(365 * $2 AS INTEGER))")},
	{"date_diff_days", "dd", TYPE_INT, .sql = "((" US("1") " - " US("2") ") // 86400000000)"},
	{"date_trim", "dT", RESULT_FIRST, .translate = translate_date_trim},
	{"date_truncate", "dT", RESULT_FIRST, .translate = translate_date_truncate},
	{"datetime_diff_nanoseconds", "dd", TYPE_INT,
		.sql = "((" US("1") " - " US("2") ") * 1000)"},
	{"datetime_diff_seconds", "dd", TYPE_INT,
		.sql = "((" US("1") " - " US("2") ") // 1000000)"},
	{"day", "d", TYPE_INT, .sql = "day($1)"},
	{"dayofweek", "d", TYPE_INT, .sql = "isodow($1)"},
	{"dayofyear", "d", TYPE_INT, .sql = "dayofyear($1)"},
	/* the time of the day stays */
	{"end_of_month", "d", RESULT_FIRST, .sql = "(last_day($1) + ($1 - date_trunc('day', $1)))",
		.variants = FOR_DATE("last_day($1)")},
	{"format_date", "d?T", TYPE_TEXT, .translate = translate_format_date,
		.missing = {"'%Y-%m-%d'"}},
	{"hour", "h", TYPE_INT, .sql = "hour($1)"},
	{"minute", "h", TYPE_INT, .sql = "minute($1)"},
	{"month", "d", TYPE_INT, .sql = "month($1)"},
	{"now", "", TYPE_DATETIME, .sql = "localtimestamp"},
	{"quarter", "d", TYPE_INT, .sql = "quarter($1)"},
	{"second", "h", TYPE_INT, .sql = "second($1)"},
	{"start_of_month", "d", RESULT_FIRST,
		.sql = "(date_trunc('month', $1) + ($1 - date_trunc('day', $1)))",
		.variants = FOR_DATE("CAST(date_trunc('month', $1) AS DATE)")},
	{"today", "", TYPE_DATETIME, .sql = "localtimestamp"},
	{"week", "d", TYPE_INT, .sql = "week($1)"},
	{"weekday", "d", TYPE_INT, .sql = "isodow($1)"},
	{"year", "d", TYPE_INT, .sql = "year($1)"},
	/* types */
	{"to_boolean", "a", TYPE_BOOL, .sql = "coalesce(CAST($1 AS BOOLEAN), false)",
		.variants = to_boolean},
	{"to_date", "t?T", TYPE_DATE, .translate = translate_to_date, .missing = {"'%Y-%m-%d'"}},
	{"to_datetime", "t?T", TYPE_DATETIME, .translate = translate_to_datetime,
		.missing = {"'%Y-%m-%d %H:%M:%S'"}},
	{"to_decimal", "a?i", TYPE_FLOAT, .translate = translate_to_decimal},
	{"to_float", "a", TYPE_FLOAT, .sql = "CAST($1 AS DOUBLE)", .variants = to_float},
	{"to_integer", "a", TYPE_INT, .sql = "CAST($1 AS BIGINT)", .variants = to_integer},
	{"to_number", "a", TYPE_FLOAT, .sql = "CAST($1 AS DOUBLE)", .variants = to_float},
	{"to_string", "a", TYPE_TEXT, .translate = translate_to_string},
};

const char *
formula_function_name(size_t i)
{
	return i < ARRAY_LEN(functions) ? functions[i].name : NULL;
}

/* --- calls ------------------------------------------------------------------------------------------------ */

struct arity {
	size_t min, max;
};

static struct arity
function_arity(const struct function *f)
{
	struct arity arity = {strcspn(f->args, "?+"), strlen(f->args)};

	if (strchr(f->args, '?') != NULL)
		arity.max--;
	if (strchr(f->args, '+') != NULL)
		arity.max = SIZE_MAX;
	return arity;
}

static char
argument_letter(const struct function *f, size_t i)
{
	size_t required = strcspn(f->args, "?+");

	if (i < required)
		return f->args[i];
	return f->args[required] == '+' ? f->args[required - 1] : f->args[i + 1];
}

static int
check_number(struct translation *t, const struct function *f, const struct node *call, size_t n)
{
	struct arity arity = function_arity(f);

	if (n >= arity.min && n <= arity.max)
		return 0;
	if (arity.max == SIZE_MAX)
		return value_error(t, call, "%s() takes %zu or more arguments, not %zu", f->name,
			arity.min, n);
	if (arity.max == 0)
		return value_error(t, call, "%s() takes no arguments", f->name);
	return value_error(t, call, "%s() takes %zu%s%.0zu argument%s, not %zu", f->name, arity.min,
		arity.max > arity.min ? " to " : "", arity.max > arity.min ? arity.max : 0,
		arity.max == 1 ? "" : "s", n);
}

/* Checks one argument by its letter and makes of it what the templates expect. */
static int
take_argument(struct translation *t, const struct function *f, size_t i, struct value *v)
{
	char letter = argument_letter(f, i);
	size_t row = 0;
	bool valid;

	while (letters[row].letter != letter)
		row++;
	valid = letters[row].types == 0 || type_fits(v->type, letters[row].types);
	if (letter == 'T' || letter == 'C')
		valid = v->node->kind == NODE_TEXT &&
			(letter == 'T' ||
				(v->node->name[0] != '\0' && text_width(v->node->name) == 1));
	if (!valid)
		return value_error(t, v->node, "%s() wants %s as argument %zu, this is %s%s",
			f->name, letters[row].wants, i + 1,
			v->type == TYPE_TEXT && v->node->kind == NODE_TEXT
				? "the text "
				: type_described(v->type),
			v->type == TYPE_TEXT && v->node->kind == NODE_TEXT ? v->sql : "");
	value_type_null(v, letters[row].null);
	if (letter == 's')
		value_to_text(t, v);
	if (letter == 'i' && v->type != TYPE_INT && v->type != TYPE_OTHER) {
		v->sql = arena_printf(t->a, "CAST(trunc(%s) AS BIGINT)", v->sql);
		v->type = TYPE_INT;
	}
	return 0;
}

/* The arguments that are not given, where the function has values for them. */
static size_t
add_missing(struct translation *t, const struct function *f, const struct node *call,
	struct value *v, size_t n)
{
	size_t min = function_arity(f).min;
	const char *sql;
	struct node *node;

	for (; n < min + ARRAY_LEN(f->missing) && f->missing[n - min] != NULL; n++) {
		sql = f->missing[n - min];
		node = arena_alloc(t->a, sizeof(*node));
		*node = (struct node){NODE_INT, call->at, 1, sql, NULL, 0};
		v[n] = (struct value){sql, TYPE_INT, node};
		if (sql[0] != '\'')
			continue;
		node->kind = NODE_TEXT;
		node->name = arena_printf(t->a, "%.*s", (int)strlen(sql) - 2, sql + 1);
		v[n].type = TYPE_TEXT;
	}
	return n;
}

/* The function that is meant, or NULL: one with nearly this name, or one whose name nearly begins so ("uper"). */
static const char *
guess_function(struct translation *t, const char *name)
{
	struct nearest near = nearest_to(name), begins = {.word = name, .distance = 2};
	int len = (int)strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		nearest_offer(&near, functions[i].name);
		for (int more = 0; more < 2 && len > 2; more++) {
			nearest_offer(
				&begins, arena_printf(t->a, "%.*s", len + more, functions[i].name));
			if (begins.name != NULL && text_starts(functions[i].name, begins.name))
				begins.name = functions[i].name;
		}
	}
	return near.name != NULL ? near.name : begins.name;
}

static const struct function *
find_function(struct translation *t, const char *name, const struct node *call)
{
	const char *guess;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	guess = strlen(name) < GUESSED_MAX ? guess_function(t, name) : NULL;
	value_error(t, call, "there is no function %.40s%s%s%s", name,
		guess != NULL ? "; did you mean " : "", guess != NULL ? guess : "",
		guess != NULL ? "?" : "");
	return NULL;
}

static const char *
choose_template(const struct function *f, enum type_class first)
{
	for (size_t i = 0; f->variants != NULL && f->variants[i].sql != NULL; i++)
		if (f->variants[i].type == first)
			return f->variants[i].sql;
	return f->sql;
}

int
function_call(struct translation *t, const char *name, const struct node *call,
	struct value *values, size_t n, struct value *out)
{
	const struct function *f = find_function(t, name, call);
	struct value *v = arena_array(t->a, n + ARRAY_LEN(f->missing), sizeof(*v));

	if (f == NULL || check_number(t, f, call, n) < 0)
		return -1;
	if (n > 0)
		memcpy(v, values, n * sizeof(*v));
	n = add_missing(t, f, call, v, n);
	*out = (struct value){NULL, TYPE_OTHER, call};
	for (size_t i = 0; i < n; i++) {
		if (take_argument(t, f, i, &v[i]) < 0)
			return -1;
		if (argument_letter(f, i) == 'c' && values_compare(t, &v[0], &v[i]) < 0)
			return -1;
	}
	if (f->result == RESULT_UNITED &&
		values_unite(t, v, n, argument_letter(f, 0) == 'u', &out->type) < 0)
		return -1;
	if (f->result < RESULT_FIRST)
		out->type = (enum type_class)f->result;
	else if (f->result == RESULT_FIRST)
		out->type = v[0].type;
	return f->translate != NULL
		? f->translate(t, v, n, out)
		: sql_expand(t, choose_template(f, n > 0 ? v[0].type : TYPE_NULL), v, n, &out->sql);
}
