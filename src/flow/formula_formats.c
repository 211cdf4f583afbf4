/*
 * The formats of dates that Polars knows (those of the Rust crate chrono) and its lengths of time, as the engine has them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "formula_value.h"

/* What a code, behind its %, becomes. One of the first three of what is needed is there. */
static const struct code {
	const char *code;
	const char *write; /* in the engine's strftime() */
	const char *read; /* in its strptime(); NULL: cannot be read */
	const char *sql; /* a text made of the date $1, where strftime() has no such code */
	const char *means; /* other codes that stand for it, instead of all that */
	bool of_time; /* a date without time has none */
} codes[] = {
	{"%", "%%", "%%", NULL, NULL, false},
	{"n", "\n", "\n", NULL, NULL, false},
	{"t", "\t", "\t", NULL, NULL, false},
	{"Y", "%Y", "%Y", NULL, NULL, false},
	{"C", NULL, NULL, "lpad(CAST(year($1) // 100 AS VARCHAR), 2, '0')", NULL, false},
	{"y", "%y", "%y", NULL, NULL, false},
	{"q", NULL, NULL, "CAST(quarter($1) AS VARCHAR)", NULL, false},
	{"m", "%m", "%m", NULL, NULL, false},
	{"-m", "%-m", "%m", NULL, NULL, false},
	{"b", "%b", "%b", NULL, NULL, false},
	{"h", "%b", "%b", NULL, NULL, false},
	{"B", "%B", "%B", NULL, NULL, false},
	{"d", "%d", "%d", NULL, NULL, false},
	{"-d", "%-d", "%d", NULL, NULL, false},
	{"e", NULL, "%d", "lpad(CAST(day($1) AS VARCHAR), 2, ' ')", NULL, false},
	{"-e", "%-d", "%d", NULL, NULL, false},
	{"a", "%a", "%a", NULL, NULL, false},
	{"A", "%A", "%A", NULL, NULL, false},
	{"w", "%w", NULL, NULL, NULL, false},
	{"u", "%u", NULL, NULL, NULL, false},
	{"U", "%U", NULL, NULL, NULL, false},
	{"W", "%W", NULL, NULL, NULL, false},
	{"G", "%G", NULL, NULL, NULL, false},
	{"g", NULL, NULL, "lpad(CAST(isoyear($1) % 100 AS VARCHAR), 2, '0')", NULL, false},
	{"V", "%V", NULL, NULL, NULL, false},
	{"j", "%j", "%j", NULL, NULL, false},
	{"-j", "%-j", "%j", NULL, NULL, false},
	{"D", NULL, NULL, NULL, "%m/%d/%y", false},
	{"x", NULL, NULL, NULL, "%m/%d/%y", false},
	{"F", NULL, NULL, NULL, "%Y-%m-%d", false},
	{"v", NULL, NULL, NULL, "%e-%b-%Y", false},
	{"H", "%H", "%H", NULL, NULL, true},
	{"-H", "%-H", "%H", NULL, NULL, true},
	{"k", NULL, "%H", "lpad(CAST(hour($1) AS VARCHAR), 2, ' ')", NULL, true},
	{"I", "%I", "%I", NULL, NULL, true},
	{"-I", "%-I", "%I", NULL, NULL, true},
	{"l", NULL, "%I", "lpad(CAST((hour($1) + 11) % 12 + 1 AS VARCHAR), 2, ' ')", NULL, true},
	{"P", NULL, "%p", "CASE WHEN hour($1) < 12 THEN 'am' ELSE 'pm' END", NULL, true},
	{"p", "%p", "%p", NULL, NULL, true},
	{"M", "%M", "%M", NULL, NULL, true},
	{"-M", "%-M", "%M", NULL, NULL, true},
	{"S", "%S", "%S", NULL, NULL, true},
	{"-S", "%-S", "%S", NULL, NULL, true},
	{"f", "%f000", NULL, NULL, NULL, true},
	{"3f", "%g", NULL, NULL, NULL, true},
	{"6f", "%f", NULL, NULL, NULL, true},
	{"9f", "%f000", NULL, NULL, NULL, true},
	{".3f", ".%g", ".%f", NULL, NULL, true},
	{".6f", ".%f", ".%f", NULL, NULL, true},
	{".9f", ".%f000", ".%f", NULL, NULL, true},
	/* as many threes of digits as there are */
	{".f", NULL, ".%f",
		"CASE WHEN microsecond($1) % 1000000 = 0 THEN '' "
		"WHEN microsecond($1) % 1000 = 0 THEN strftime($1, '.%g') ELSE strftime($1, '.%f') "
		"END",
		NULL, true},
	{"R", NULL, NULL, NULL, "%H:%M", true},
	{"T", NULL, NULL, NULL, "%H:%M:%S", true},
	{"X", NULL, NULL, NULL, "%H:%M:%S", true},
	{"r", NULL, NULL, NULL, "%I:%M:%S %p", true},
	{"c", NULL, NULL, NULL, "%a %b %e %H:%M:%S %Y", true},
	{"s", NULL, NULL, "CAST(epoch_us($1) // 1000000 AS VARCHAR)", NULL, true},
	{"z", NULL, "%z", NULL, NULL, true},
};

/* The code that follows a %, NULL when there is none such. */
static const struct code *
find_code(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strncmp(codes[i].code, s, strlen(codes[i].code)) == 0)
			return &codes[i];
	return NULL;
}

static int
no_code(struct translation *t, const struct value *format, const char *at, const char *why)
{
	return value_error(
		t, format->node, "in the format %.60s, %%%.1s %s", format->node->name, at, why);
}

/* --- writing ------------------------------------------------------------------------------------------ */

/* A text that is made piece by piece: of what strftime() can write in a row, and of what it cannot. */
struct pieces {
	struct translation *t;
	const struct value *date, *format;
	struct buf sql, run; /* the finished pieces; the format of the one that is not */
};

static void
end_run(struct pieces *p)
{
	if (p->run.len == 0)
		return;
	if (p->sql.len > 0)
		buf_puts(&p->sql, " || ");
	buf_printf(&p->sql, "strftime(%s, ", p->date->sql);
	sql_text(&p->sql, buf_str(&p->run));
	buf_putc(&p->sql, ')');
	buf_reset(&p->run);
}

static int
add_piece(struct pieces *p, const char *sql)
{
	const char *piece;

	end_run(p);
	if (sql_expand(p->t, sql, p->date, 1, &piece) < 0)
		return -1;
	buf_printf(&p->sql, "%s%s", p->sql.len > 0 ? " || " : "", piece);
	return 0;
}

/* Codes that stand for others do so once: none of theirs does. */
static int
write_codes(struct pieces *p, const char *format)
{
	const struct code *code;

	for (const char *s = format; *s != '\0'; s++) {
		if (*s != '%') {
			buf_putc(&p->run, *s);
			continue;
		}
		code = find_code(++s);
		if (code == NULL ||
			(code->write == NULL && code->sql == NULL && code->means == NULL))
			return no_code(p->t, p->format, s, "cannot be written");
		if (code->of_time && p->date->type == TYPE_DATE)
			return no_code(p->t, p->format, s, "is of a time, which a date has not");
		s += strlen(code->code) - 1;
		if (code->write != NULL)
			buf_puts(&p->run, code->write);
		else if (code->sql != NULL ? add_piece(p, code->sql) < 0
					   : write_codes(p, code->means) < 0)
			return -1;
	}
	return 0;
}

int
format_write(struct translation *t, const struct value *date, const struct value *format,
	const char **sql)
{
	struct pieces p = {.t = t, .date = date, .format = format};
	int rc;

	buf_init(&p.sql, FORMULA_SQL_MAX);
	buf_init(&p.run, FORMULA_SQL_MAX);
	rc = write_codes(&p, format->node->name);
	end_run(&p);
	buf_free(&p.run);
	if (rc == 0)
		rc = sql_take(t, &p.sql, sql);
	else
		buf_free(&p.sql);
	*sql = rc < 0 ? NULL
		: **sql == '\0'
		? arena_printf(t->a, "CASE WHEN %s IS NULL THEN NULL ELSE '' END", date->sql)
		: arena_printf(t->a, "(%s)", *sql);
	return rc;
}

/* --- reading ------------------------------------------------------------------------------------------ */

static int
read_codes(struct translation *t, const struct value *format, const char *s, bool fraction,
	struct buf *b)
{
	const struct code *code;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			buf_putc(b, *s);
			continue;
		}
		code = find_code(++s);
		if (code == NULL || (code->read == NULL && code->means == NULL))
			return no_code(t, format, s, "cannot be read");
		s += strlen(code->code) - 1;
		if (strcmp(code->code, ".f") == 0 && !fraction)
			continue;
		if (code->read != NULL)
			buf_puts(b, code->read);
		else if (read_codes(t, format, code->means, fraction, b) < 0)
			return -1;
	}
	return 0;
}

/* A fraction of a second may be missing where %.f is, so that the engine tries two formats. */
int
format_read(struct translation *t, const struct value *format, const char **sql)
{
	const char *text = format->node->name;
	struct buf formats[2];
	int rc = 0;

	for (size_t i = 0; i < 2; i++) {
		buf_init(&formats[i], FORMULA_SQL_MAX);
		rc = rc < 0 ? rc : read_codes(t, format, text, i == 0, &formats[i]);
	}
	*sql = arena_printf(t->a, "[%s, %s]", sql_literal(t->a, buf_str(&formats[0])),
		sql_literal(t->a, buf_str(&formats[1])));
	if (strcmp(buf_str(&formats[0]), buf_str(&formats[1])) == 0)
		*sql = sql_literal(t->a, buf_str(&formats[0]));
	buf_free(&formats[0]);
	buf_free(&formats[1]);
	return rc;
}

/* --- lengths of time ------------------------------------------------------------------------------------ */

static const struct {
	const char *unit;
	int64_t months, us;
	const char *from; /* where counting begins: weeks begin on Mondays */
} units[] = {
	{"us", 0, 1, "1970-01-01"},
	{"ms", 0, 1000, "1970-01-01"},
	{"mo", 1, 0, "1970-01-01"},
	{"s", 0, 1000000, "1970-01-01"},
	{"m", 0, 60 * INT64_C(1000000), "1970-01-01"},
	{"h", 0, 3600 * INT64_C(1000000), "1970-01-01"},
	{"d", 0, 86400 * INT64_C(1000000), "1970-01-01"},
	{"w", 0, 7 * 86400 * INT64_C(1000000), "1970-01-05"},
	{"q", 3, 0, "1970-01-01"},
	{"y", 12, 0, "1970-01-01"},
};

#define COUNT_MAX 100000

/* One number and unit at *s, added to the sums; false when there is none. */
static bool
read_unit(const char **s, int64_t *months, int64_t *us, const char **from)
{
	int64_t count = 0;

	while (isdigit((unsigned char)**s) && count <= COUNT_MAX)
		count = 10 * count + (*(*s)++ - '0');
	for (size_t i = 0; count > 0 && count <= COUNT_MAX && i < ARRAY_LEN(units); i++)
		if (text_starts(*s, units[i].unit)) {
			*s += strlen(units[i].unit);
			*months += count * units[i].months;
			*us += count * units[i].us;
			*from = units[i].from;
			return true;
		}
	return false;
}

/* Several units are added up; months, whose length differs, and weeks, which begin on Mondays, stand alone. */
int
truncate_to(
	struct translation *t, const struct value *date, const struct value *unit, const char **sql)
{
	const char *s = unit->node->name, *from = NULL, *interval;
	int64_t months = 0, us = 0;
	size_t n = 0;
	bool valid, weeks = strchr(s, 'w') != NULL;

	for (valid = *s != '\0'; valid && *s != '\0'; n++)
		valid = n < ARRAY_LEN(units) && read_unit(&s, &months, &us, &from);
	if (!valid || (months > 0 && us > 0) || (weeks && n > 1))
		return value_error(t, unit->node,
			"%.40s is no length of time: they are numbers up to %d and y, q, mo, w, d, "
			"h, m, s, ms "
			"or us, like 3mo or 1h30m",
			unit->node->name, COUNT_MAX);
	interval = months > 0 ? arena_printf(t->a, "to_months(%" PRId64 ")", months)
			      : arena_printf(t->a, "to_microseconds(%" PRId64 ")", us);
	*sql = arena_printf(t->a, "time_bucket(%s, CAST(%s AS TIMESTAMP), TIMESTAMP '%s')",
		interval, date->sql, from);
	/* Where such a length does not divide a day, Polars cuts what is left towards 1970. */
	if (date->type == TYPE_DATE)
		*sql = arena_printf(t->a,
			months > 0 ? "CAST(%s AS DATE)"
				   : "(DATE '1970-01-01' + CAST(epoch_us(%s) // 86400000000 AS "
				     "INTEGER))",
			*sql);
	return 0;
}
