/*
 * The translator of formulas: words, then expressions by precedence, each of which is SQL and a type as soon as it is read. The levels are
 * Flowfile's own (engine.md 6): "or" 1, "and" 2, comparisons 3, + and - 4, * and / 5, and % & | in 10, so that
 * [a] > 1 & [b] < 2 needs parentheses.
 */
#include "flow/formula.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"

#define SQL_MAX (8 * 1024 * 1024)
#define ARGS_MAX 64
#define UNARY_LEVEL 11 /* above all operators */

/* --- words ------------------------------------------------------------------------------------------------ */

enum word { WORD_END, WORD_NUMBER, WORD_TEXT, WORD_COLUMN, WORD_NAME, WORD_SIGN };

struct parser {
	const char *text, *at; /* at: behind the word in hand */
	const struct columns *columns;
	struct arena *arena;
	int depth;
	/* the word in hand */
	enum word is;
	const char *start;
	const char *value; /* without quotes or brackets */
};

struct expr {
	const char *sql;
	enum type_class type;
	const char *literal; /* of a text that is written in the formula; else NULL */
};

static int fail(struct parser *p, const char *at, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int
fail(struct parser *p, const char *at, struct err *err, const char *fmt, ...)
{
	int line = 1, column = 1;
	char what[512];
	va_list ap;

	for (const char *s = p->text; s < at; s++) {
		if (*s == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*s & 0xc0) != 0x80) {
			column++;
		}
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_USAGE, "line %d, column %d: %s", line, column, what);
}

static void
skip_blanks(struct parser *p)
{
	for (;;) {
		while (isspace((unsigned char)*p->at))
			p->at++;
		if (p->at[0] != '/' || p->at[1] != '/')
			return;
		p->at += strcspn(p->at, "\n");
	}
}

static const char *
copy(struct parser *p, const char *from, size_t len)
{
	char *s = arena_alloc(p->arena, len + 1);

	memcpy(s, from, len);
	return s;
}

/* A backslash before the quote or another one takes it as it is; before anything else it stands for itself, as in patterns. */
static int
read_text(struct parser *p, struct err *err)
{
	char quote = *p->at++, *out = arena_alloc(p->arena, strlen(p->at) + 1);
	size_t n = 0;

	while (*p->at != quote) {
		if (*p->at == '\0')
			return fail(p, p->start, err, "a text that does not end");
		if (*p->at == '\\' && (p->at[1] == quote || p->at[1] == '\\'))
			p->at++;
		out[n++] = *p->at++;
	}
	p->at++;
	p->is = WORD_TEXT;
	p->value = out;
	return 0;
}

static int
read_column(struct parser *p, struct err *err)
{
	const char *end = strchr(p->at, ']');

	if (end == NULL)
		return fail(p, p->start, err, "a column's name that does not end with ]");
	p->is = WORD_COLUMN;
	p->value = copy(p, p->at + 1, (size_t)(end - p->at - 1));
	p->at = end + 1;
	return 0;
}

static void
read_number(struct parser *p)
{
	p->at += strspn(p->at, "0123456789");
	if (*p->at == '.' && isdigit((unsigned char)p->at[1]))
		p->at += 1 + strspn(p->at + 1, "0123456789");
	if ((*p->at == 'e' || *p->at == 'E') &&
		(isdigit((unsigned char)p->at[1]) ||
			((p->at[1] == '-' || p->at[1] == '+') && isdigit((unsigned char)p->at[2]))))
		p->at += 2 + strspn(p->at + 2, "0123456789");
	p->is = WORD_NUMBER;
	p->value = copy(p, p->start, (size_t)(p->at - p->start));
}

/* To the next word. */
static int
next(struct parser *p, struct err *err)
{
	static const char *const signs[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">", "+", "-",
		"*", "/", "%", "&", "|", "(", ")", ","};

	skip_blanks(p);
	p->start = p->at;
	if (*p->at == '\0') {
		p->is = WORD_END;
		p->value = "the end";
		return 0;
	}
	if (*p->at == '"' || *p->at == '\'')
		return read_text(p, err);
	if (*p->at == '[')
		return read_column(p, err);
	if (isdigit((unsigned char)*p->at)) {
		read_number(p);
		return 0;
	}
	if (isalpha((unsigned char)*p->at) || *p->at == '_') {
		while (isalnum((unsigned char)*p->at) || *p->at == '_')
			p->at++;
		p->is = WORD_NAME;
		p->value = copy(p, p->start, (size_t)(p->at - p->start));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (text_starts(p->at, signs[i])) {
			p->at += strlen(signs[i]);
			p->is = WORD_SIGN;
			p->value = signs[i];
			return 0;
		}
	return fail(p, p->at, err, "'%c' means nothing here", *p->at);
}

static bool
is_sign(const struct parser *p, const char *sign)
{
	return p->is == WORD_SIGN && strcmp(p->value, sign) == 0;
}

static bool
is_name(const struct parser *p, const char *name)
{
	return p->is == WORD_NAME && text_equal_nocase(p->value, name);
}

static int
expect_sign(struct parser *p, const char *sign, struct err *err)
{
	if (!is_sign(p, sign))
		return fail(p, p->start, err, "'%s' is expected, and there is %s", sign, p->value);
	return next(p, err);
}

/* --- values ------------------------------------------------------------------------------------------------- */

static const char *
name_of(enum type_class type)
{
	static const char *const names[] = {"nothing", "a truth value", "a number", "a number",
		"a number", "a text", "bytes", "a date", "a date and time", "a time", "a duration",
		"a list", "a structure", "something"};

	return names[type];
}

static bool
is_unsure(enum type_class type)
{
	return type == TYPE_NULL || type == TYPE_OTHER;
}

static int parse(struct parser *p, int level, struct expr *out, struct err *err);

static int
take_column(struct parser *p, struct expr *out, struct err *err)
{
	const struct column *column = columns_find(p->columns, p->value);
	struct nearest near = nearest_to(p->value);

	if (column != NULL) {
		*out = (struct expr){
			sql_quoted(p->arena, column->name), type_classify(column->type), NULL};
		return next(p, err);
	}
	for (size_t i = 0; i < p->columns->n; i++)
		nearest_offer(&near, p->columns->items[i].name);
	if (near.name != NULL)
		return fail(p, p->start, err, "there is no column %s; did you mean %s?", p->value,
			near.name);
	return fail(p, p->start, err, "there is no column %s; there are %s", p->value,
		columns_list(p->columns, p->arena));
}

/* if c then a elseif c then b else d endif */
static int
take_if(struct parser *p, struct expr *out, struct err *err)
{
	const char *sql = "CASE";
	struct expr condition, value;
	enum type_class type = TYPE_NULL;

	while (is_name(p, "if") || is_name(p, "elseif")) {
		const char *at;

		if (next(p, err) < 0)
			return -1;
		at = p->start;
		if (parse(p, 1, &condition, err) < 0)
			return -1;
		if (condition.type != TYPE_BOOL && !is_unsure(condition.type))
			return fail(p, at, err, "a condition is expected, and this is %s",
				name_of(condition.type));
		if (!is_name(p, "then"))
			return fail(
				p, p->start, err, "'then' is expected, and there is %s", p->value);
		if (next(p, err) < 0 || parse(p, 1, &value, err) < 0)
			return -1;
		type = type == TYPE_NULL                               ? value.type
			: type == TYPE_INT && value.type == TYPE_FLOAT ? TYPE_FLOAT
								       : type;
		sql = arena_printf(p->arena, "%s WHEN %s THEN %s", sql, condition.sql, value.sql);
	}
	if (!is_name(p, "else"))
		return fail(p, p->start, err, "'elseif' or 'else' is expected, and there is %s",
			p->value);
	if (next(p, err) < 0 || parse(p, 1, &value, err) < 0)
		return -1;
	if (!is_name(p, "endif"))
		return fail(p, p->start, err, "'endif' is expected, and there is %s", p->value);
	type = type == TYPE_NULL                               ? value.type
		: type == TYPE_INT && value.type == TYPE_FLOAT ? TYPE_FLOAT
							       : type;
	*out = (struct expr){arena_printf(p->arena, "%s ELSE %s END", sql, value.sql), type, NULL};
	return next(p, err);
}

/* --- functions -------------------------------------------------------------------------------------------------- */

static const struct formula_function *
find_function(const char *name)
{
	for (const struct formula_function *f = formula_functions; f->name != NULL; f++)
		if (text_equal_nocase(f->name, name))
			return f;
	return NULL;
}

static bool
fits(char takes, const struct expr *arg)
{
	if (takes == 'a' || is_unsure(arg->type))
		return true;
	switch (takes) {
	case 't':
		return arg->type == TYPE_TEXT;
	case 'b':
		return arg->type == TYPE_BOOL;
	case 'd':
		return arg->type == TYPE_DATE || arg->type == TYPE_DATETIME || arg->literal != NULL;
	default:
		return type_is_number(arg->type);
	}
}

static const char *
wanted(char takes)
{
	return takes == 't'    ? "a text (to_string() makes one)"
		: takes == 'b' ? "a truth value"
		: takes == 'd' ? "a date (to_date() and to_datetime() make one)"
			       : "a number (to_number() makes one)";
}

/* The template with its arguments in place. */
static const char *
fill(struct parser *p, const char *sql, const struct expr *args, int n)
{
	const char *result;
	struct buf b;

	buf_init(&b, SQL_MAX);
	for (; *sql != '\0'; sql++) {
		if (*sql == '$' && sql[1] >= '1' && sql[1] <= '9') {
			buf_puts(&b, args[*++sql - '1'].sql);
		} else if (*sql == '$' && (sql[1] == '*' || sql[1] == '+')) {
			bool concat = *++sql == '+';

			for (int i = 0; i < n; i++)
				buf_printf(&b, concat ? "%sCAST(%s AS VARCHAR)" : "%s%s",
					i == 0           ? ""
						: concat ? " || "
							 : ", ",
					args[i].sql);
		} else {
			buf_putc(&b, *sql);
		}
	}
	result = buf_failed(&b) ? NULL : arena_strdup(p->arena, buf_str(&b));
	buf_free(&b);
	return result;
}

static enum type_class
result_type(const struct formula_function *f, const struct expr *args, int n)
{
	switch (f->gives) {
	case 't':
		return TYPE_TEXT;
	case 'i':
		return TYPE_INT;
	case 'f':
		return TYPE_FLOAT;
	case 'b':
		return TYPE_BOOL;
	case 'd':
		return TYPE_DATE;
	case 's':
		return TYPE_DATETIME;
	case 'l':
		return TYPE_LIST;
	case 'm':
		return TYPE_DECIMAL;
	case 'n':
		return is_unsure(args[0].type) ? TYPE_FLOAT : args[0].type;
	default:
		for (int i = 0; i < n; i++)
			if (args[i].type != TYPE_NULL)
				return args[i].type;
		return TYPE_NULL;
	}
}

/* "1mo": a number and a unit, of Polars. */
static int
truncate_date(struct parser *p, const char *at, const struct expr *args, const char **sql,
	struct err *err)
{
	static const struct {
		const char *unit, *engine;
	} units[] = {{"us", "microseconds"}, {"ms", "milliseconds"}, {"s", "seconds"},
		{"m", "minutes"}, {"h", "hours"}, {"d", "days"}, {"w", "weeks"}, {"mo", "months"},
		{"q", "quarters"}, {"y", "years"}};
	static const char *const origins[] = {"TIMESTAMP '1970-01-01'", "TIMESTAMP '1969-12-29'"};
	const char *every = args[1].literal, *unit;
	long n;

	if (every == NULL)
		return fail(p, at, err,
			"date_truncate: its second argument must be a text such as '1mo'");
	n = strtol(every, (char **)&unit, 10);
	for (size_t i = 0; n > 0 && n < 1000000 && i < ARRAY_LEN(units); i++)
		if (strcmp(units[i].unit, unit) == 0) {
			*sql = arena_printf(p->arena,
				"time_bucket(INTERVAL '%ld %s', CAST(%s AS TIMESTAMP), %s)", n,
				units[i].engine, args[0].sql, origins[strcmp(unit, "w") == 0]);
			return 0;
		}
	return fail(p, at, err,
		"date_truncate: '%s' is no number with a unit (us ms s m h d w mo q y)", every);
}

/* What depends on the type of the first argument. */
static const char *
by_type(struct parser *p, const struct formula_function *f, const struct expr *args)
{
	enum type_class type = args[0].type;

	if (strcmp(f->name, "to_integer") == 0 && (type == TYPE_FLOAT || type == TYPE_DECIMAL))
		return arena_printf(p->arena, "TRY_CAST(trunc(%s) AS BIGINT)", args[0].sql);
	if (strcmp(f->name, "to_date") == 0 && type != TYPE_TEXT)
		return arena_printf(p->arena, "CAST(%s AS DATE)", args[0].sql);
	if (strcmp(f->name, "to_datetime") == 0 && type != TYPE_TEXT)
		return arena_printf(p->arena, "CAST(%s AS TIMESTAMP)", args[0].sql);
	return NULL;
}

static int
call(struct parser *p, const struct formula_function *f, const char *at, struct expr *args, int n,
	struct expr *out, struct err *err)
{
	size_t takes = strlen(f->takes);
	const char *sql = NULL;
	int given = n;

	if (n < f->min || (f->max >= 0 && n > f->max))
		return fail(p, at, err, "%s takes %s%d argument%s, and there %s %d", f->name,
			f->max < 0                              ? "at least "
				: f->max > f->min && n < f->min ? "at least "
				: f->max > f->min               ? "at most "
								: "",
			n < f->min ? f->min : f->max,
			(n < f->min ? f->min : f->max) == 1 ? "" : "s", n == 1 ? "is" : "are", n);
	for (int i = 0; i < n; i++) {
		char letter = f->takes[(size_t)i < takes ? (size_t)i : takes - 1];

		if (!fits(letter, &args[i]))
			return fail(p, at, err, "%s: argument %d is %s, and must be %s", f->name,
				i + 1, name_of(args[i].type), wanted(letter));
		if (letter == 'd' && args[i].literal != NULL)
			args[i].sql = arena_printf(p->arena, "CAST(%s AS TIMESTAMP)", args[i].sql);
	}
	for (int i = 0; n < f->max && i < 2; i++)
		if (f->presets[i] != NULL)
			args[n++] = (struct expr){f->presets[i], TYPE_OTHER, NULL};
	if (f->sql == NULL) {
		if (truncate_date(p, at, args, &sql, err) < 0)
			return -1;
	} else {
		sql = by_type(p, f, args);
		if (sql == NULL)
			sql = fill(p, f->sql, args, n);
	}
	if (sql == NULL)
		return fail(p, at, err, "its SQL is too long");
	if (f->gives == 'k' && args[0].type == TYPE_DATE)
		sql = arena_printf(p->arena, "CAST(%s AS DATE)", sql);
	*out = (struct expr){sql, result_type(f, args, given), NULL};
	if (f->gives == 'k' && args[0].literal != NULL)
		out->type = TYPE_DATETIME;
	return 0;
}

static int
take_call(struct parser *p, struct expr *out, struct err *err)
{
	const struct formula_function *f = find_function(p->value);
	struct nearest near = nearest_to(p->value);
	const char *at = p->start, *name = p->value;
	struct expr *args = arena_array(p->arena, ARGS_MAX + 2, sizeof(*args));
	int n = 0;

	if (f == NULL) {
		for (const struct formula_function *g = formula_functions; g->name != NULL; g++)
			nearest_offer(&near, g->name);
		return near.name != NULL
			? fail(p, at, err, "there is no function %s; did you mean %s?", name,
				  near.name)
			: fail(p, at, err, "there is no function %s", name);
	}
	if (next(p, err) < 0 || expect_sign(p, "(", err) < 0)
		return -1;
	while (!is_sign(p, ")")) {
		if (n == ARGS_MAX)
			return fail(p, p->start, err, "more than %d arguments", ARGS_MAX);
		if (parse(p, 1, &args[n++], err) < 0)
			return -1;
		if (!is_sign(p, ")") && expect_sign(p, ",", err) < 0)
			return -1;
	}
	if (next(p, err) < 0)
		return -1;
	return call(p, f, at, args, n, out, err);
}

/* --- expressions ---------------------------------------------------------------------------------------------------- */

static int
take_name(struct parser *p, struct expr *out, struct err *err)
{
	if (is_name(p, "if"))
		return take_if(p, out, err);
	if (is_name(p, "true") || is_name(p, "false")) {
		*out = (struct expr){is_name(p, "true") ? "TRUE" : "FALSE", TYPE_BOOL, NULL};
		return next(p, err);
	}
	if (is_name(p, "null") || is_name(p, "none")) {
		*out = (struct expr){"NULL", TYPE_NULL, NULL};
		return next(p, err);
	}
	return take_call(p, out, err);
}

static int
take_operand(struct parser *p, struct expr *out, struct err *err)
{
	bool minus = is_sign(p, "-");

	if (minus || is_sign(p, "+")) {
		const char *at = p->start;

		if (next(p, err) < 0 || parse(p, UNARY_LEVEL, out, err) < 0)
			return -1;
		if (!type_is_number(out->type) && !is_unsure(out->type))
			return fail(p, at, err,
				"a number is expected behind the sign, and this is %s",
				name_of(out->type));
		if (minus)
			out->sql = arena_printf(p->arena, "(-%s)", out->sql);
		return 0;
	}
	switch (p->is) {
	case WORD_NUMBER:
		*out = (struct expr){
			p->value, strpbrk(p->value, ".eE") != NULL ? TYPE_FLOAT : TYPE_INT, NULL};
		if (out->type == TYPE_FLOAT)
			out->sql = arena_printf(p->arena, "CAST(%s AS DOUBLE)", p->value);
		return next(p, err);
	case WORD_TEXT:
		*out = (struct expr){sql_literal(p->arena, p->value), TYPE_TEXT, p->value};
		return next(p, err);
	case WORD_COLUMN:
		return take_column(p, out, err);
	case WORD_NAME:
		return take_name(p, out, err);
	default:
		break;
	}
	if (!is_sign(p, "("))
		return fail(p, p->start, err, "a value is expected, and there is %s", p->value);
	if (next(p, err) < 0 || parse(p, 1, out, err) < 0)
		return -1;
	out->sql = arena_printf(p->arena, "(%s)", out->sql);
	return expect_sign(p, ")", err);
}

enum kind { LOGIC, COMPARE, ADD, CALCULATE, DIVIDE, MODULO, CONTAINS };

static const struct operator
{
	const char *sign, *sql;
	int level;
	enum kind kind;
}
operators[] = {
	{"or", "OR", 1, LOGIC},
	{"and", "AND", 2, LOGIC},
	{"==", "=", 3, COMPARE},
	{"=", "=", 3, COMPARE},
	{"!=", "<>", 3, COMPARE},
	{"<>", "<>", 3, COMPARE},
	{"<=", "<=", 3, COMPARE},
	{">=", ">=", 3, COMPARE},
	{"<", "<", 3, COMPARE},
	{">", ">", 3, COMPARE},
	{"+", "+", 4, ADD},
	{"-", "-", 4, CALCULATE},
	{"*", "*", 5, CALCULATE},
	{"/", "/", 5, DIVIDE},
	{"%", "%", 10, MODULO},
	{"&", "AND", 10, LOGIC},
	{"|", "OR", 10, LOGIC},
	{"in", NULL, 10, CONTAINS},
};

static const struct operator* operator_here(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (isalpha((unsigned char)operators[i].sign[0]) ? is_name(p, operators[i].sign)
								 : is_sign(p, operators[i].sign))
			return &operators[i];
	return NULL;
}

static bool
are_numbers(const struct expr *a, const struct expr *b)
{
	return (type_is_number(a->type) || is_unsure(a->type)) &&
		(type_is_number(b->type) || is_unsure(b->type));
}

static bool
is_date(const struct expr *a)
{
	return a->type == TYPE_DATE || a->type == TYPE_DATETIME || a->type == TYPE_TIME ||
		a->type == TYPE_DURATION;
}

/* A literal text may be compared with anything that the engine reads out of it. */
static bool
can_compare(const struct expr *a, const struct expr *b)
{
	bool numbers = type_is_number(a->type) && type_is_number(b->type);

	return is_unsure(a->type) || is_unsure(b->type) || a->type == b->type || numbers ||
		(is_date(a) && is_date(b)) || (is_date(a) && b->literal != NULL) ||
		(is_date(b) && a->literal != NULL);
}

static enum type_class
wider(const struct expr *a, const struct expr *b)
{
	if (a->type == TYPE_FLOAT || b->type == TYPE_FLOAT)
		return TYPE_FLOAT;
	return a->type == TYPE_DECIMAL || b->type == TYPE_DECIMAL ? TYPE_DECIMAL
		: is_unsure(a->type)                              ? b->type
								  : a->type;
}

static int
join(struct parser *p, const struct operator* op, const char *at, struct expr *a,
	const struct expr *b, struct err *err)
{
	struct arena *arena = p->arena;
	enum type_class type = wider(a, b);
	bool good = are_numbers(a, b);
	const char *sql = NULL;

	switch (op->kind) {
	case LOGIC:
		good = (a->type == TYPE_BOOL || is_unsure(a->type)) &&
			(b->type == TYPE_BOOL || is_unsure(b->type));
		type = TYPE_BOOL;
		break;
	case COMPARE:
		good = can_compare(a, b);
		type = TYPE_BOOL;
		break;
	case ADD:
		if (a->type == TYPE_TEXT && b->type == TYPE_TEXT) {
			good = true;
			sql = arena_printf(arena, "(%s || %s)", a->sql, b->sql);
			type = TYPE_TEXT;
		}
		break;
	case CALCULATE:
		if (*op->sign == '-' && is_date(a) && is_date(b)) {
			good = true;
			type = TYPE_DURATION;
			sql = arena_printf(arena, "(CAST(%s AS TIMESTAMP) - CAST(%s AS TIMESTAMP))",
				a->sql, b->sql);
		}
		break;
	case DIVIDE:
		sql = arena_printf(
			arena, "(CAST(%s AS DOUBLE) / CAST(%s AS DOUBLE))", a->sql, b->sql);
		type = TYPE_FLOAT;
		break;
	case MODULO:
		sql = arena_printf(
			arena, "(((%s %% %s) + %s) %% %s)", a->sql, b->sql, b->sql, b->sql);
		break;
	case CONTAINS: /* x in y: y contains x */
		good = (a->type == TYPE_TEXT || is_unsure(a->type)) &&
			(b->type == TYPE_TEXT || is_unsure(b->type));
		sql = arena_printf(arena, "regexp_matches(%s, %s)", b->sql, a->sql);
		type = TYPE_BOOL;
		break;
	}
	if (!good)
		return fail(p, at, err, "'%s' does not go between %s and %s", op->sign,
			name_of(a->type), name_of(b->type));
	if (sql == NULL)
		sql = arena_printf(arena, "(%s %s %s)", a->sql, op->sql, b->sql);
	*a = (struct expr){sql, type, NULL};
	return 0;
}

/* Operands with operators of this level or higher between them. */
static int
parse(struct parser *p, int level, struct expr *out, struct err *err)
{
	const struct operator* op;
	struct expr right;
	const char *at;

	if (++p->depth > FORMULA_DEPTH_MAX)
		return fail(p, p->start, err, "nested more than %d deep", FORMULA_DEPTH_MAX);
	if (take_operand(p, out, err) < 0)
		return -1;
	while ((op = operator_here(p)) != NULL && op->level >= level) {
		at = p->start;
		if (next(p, err) < 0 || parse(p, op->level + 1, &right, err) < 0 ||
			join(p, op, at, out, &right, err) < 0)
			return -1;
		if (strlen(out->sql) > SQL_MAX)
			return fail(p, at, err, "its SQL is too long");
	}
	p->depth--;
	return 0;
}

int
formula_translate(const char *text, const struct columns *columns, struct arena *a,
	struct formula *out, struct err *err)
{
	struct parser p = {.text = text, .at = text, .columns = columns, .arena = a};
	struct expr expr;

	if (strlen(text) > FORMULA_MAX_BYTES)
		return err_set(
			err, ERR_USAGE, "a formula of more than %d KiB", FORMULA_MAX_BYTES / 1024);
	if (next(&p, err) < 0)
		return -1;
	if (p.is == WORD_END)
		return err_set(err, ERR_USAGE, "there is no formula");
	if (parse(&p, 1, &expr, err) < 0)
		return -1;
	if (p.is != WORD_END)
		return fail(&p, p.start, err, "the end or an operator is expected, and there is %s",
			p.value);
	*out = (struct formula){expr.sql, expr.type};
	return 0;
}
