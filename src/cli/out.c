#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "core/tz.h"

#define OUT_MAX ((size_t)1 << 30) /* bytes of one JSON answer */
#define COLUMN_GAP 2
#define SHRINK_MIN 8 /* a column is cut down to no less */

const char *
out_clean(struct arena *a, const char *s)
{
	char *copy;

	if (s == NULL)
		return NULL;
	copy = arena_strdup(a, s);
	for (unsigned char *p = (unsigned char *)copy; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = *p == '\n' || *p == '\t' ? ' ' : '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?'; /* C1 controls */
	}
	return copy;
}

const char *
out_age(struct arena *a, int64_t us, int64_t now_us)
{
	char text[TIMEFMT_SIZE];
	int64_t diff = us > now_us ? us - now_us : now_us - us;

	if (diff < US_PER_SEC)
		return "now";
	time_format_duration(diff - diff % US_PER_SEC, text);
	return us > now_us ? arena_printf(a, "in %s", text) : arena_printf(a, "%s ago", text);
}

const char *
out_time_plain(struct arena *a, int64_t us)
{
	char text[TIMEFMT_SIZE];

	time_format_human(us, text);
	return arena_printf(a, "%s UTC", text);
}

const char *
out_time_cell(struct arena *a, int64_t us, int64_t now_us)
{
	char text[TIMEFMT_SIZE];

	if (us == TIME_NONE || us == TIME_NEVER)
		return "-";
	time_format_human(us, text);
	return arena_printf(a, "%s (%s)", text, out_age(a, us, now_us));
}

const char *
out_time(struct arena *a, int64_t us, int64_t now_us)
{
	return out_time_in(a, us, NULL, now_us);
}

/* "10:00:05 +02:00", with the date in front when it is not that of UTC. */
static const char *
local_text(struct arena *a, int64_t us, const struct tz *tz)
{
	char utc[TIMEFMT_SIZE], local[TIMEFMT_SIZE];
	int64_t offset_min = tz_offset_at(tz, us) / US_PER_MIN;
	int64_t size = offset_min < 0 ? -offset_min : offset_min;
	const size_t date = strlen("2026-05-20 ");

	time_format_human(us, utc);
	time_format_human(tz_to_local(tz, us), local);
	return arena_printf(a, "%s %c%02lld:%02lld",
		strncmp(utc, local, date) == 0 ? local + date : local, offset_min < 0 ? '-' : '+',
		(long long)(size / 60), (long long)(size % 60));
}

const char *
out_time_in(struct arena *a, int64_t us, const struct tz *tz, int64_t now_us)
{
	char text[TIMEFMT_SIZE];

	if (us == TIME_NONE || us == TIME_NEVER)
		return "-";
	time_format_human(us, text);
	return arena_printf(a, "%s UTC%s%s (%s)", text, tz != NULL ? " = " : "",
		tz != NULL ? local_text(a, us, tz) : "", out_age(a, us, now_us));
}

const char *
out_int(struct arena *a, int64_t v)
{
	return v < 0 ? "-" : arena_printf(a, "%lld", (long long)v);
}

const char *
out_bytes(struct arena *a, int64_t v)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double scaled = (double)v;
	size_t unit = 0;

	if (v < 0)
		return "-";
	while (scaled >= 1024.0 && unit + 1 < ARRAY_LEN(units)) {
		scaled /= 1024.0;
		unit++;
	}
	if (unit == 0)
		return arena_printf(a, "%lld B", (long long)v);
	return arena_printf(a, "%.1f %s", scaled, units[unit]);
}

const char *
out_duration(struct arena *a, double seconds)
{
	char text[TIMEFMT_SIZE];

	if (seconds < 0.0 || seconds > 1e12)
		return "-";
	time_format_duration((int64_t)(seconds * (double)US_PER_SEC), text);
	return arena_strdup(a, text);
}

/* --- tables ------------------------------------------------------------------------------------ */

void
out_table_begin(
	struct out_table *t, struct arena *a, const struct out_column *columns, size_t n_columns)
{
	*t = (struct out_table){.arena = a, .columns = columns, .n_columns = n_columns};
}

void
out_cell(struct out_table *t, const char *text)
{
	t->cells = catalog_grow(t->arena, t->cells, t->n_cells, sizeof(*t->cells));
	text = out_clean(t->arena, text);
	t->cells[t->n_cells++] = text == NULL || *text == '\0' ? "-" : text;
}

/* Columns of the terminal; 0 when standard output is none, and nothing is cut. */
static size_t
terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

/* Takes columns away from the widest that may be cut, until the table fits or none may. */
static void
shrink(const struct out_table *t, size_t *widths, size_t terminal)
{
	size_t total = 0;

	for (size_t c = 0; c < t->n_columns; c++)
		total += widths[c] + (c > 0 ? COLUMN_GAP : 0);
	while (terminal > 0 && total > terminal) {
		size_t widest = t->n_columns;

		for (size_t c = 0; c < t->n_columns; c++)
			if (t->columns[c].shrink && widths[c] > SHRINK_MIN &&
				(widest == t->n_columns || widths[c] > widths[widest]))
				widest = c;
		if (widest == t->n_columns)
			return;
		widths[widest]--;
		total--;
	}
}

/* How many bytes the first n characters take. */
static size_t
bytes_of(const char *s, size_t n)
{
	const char *p = s;

	while (n > 0 && *p != '\0') {
		p++;
		while (((unsigned char)*p & 0xc0) == 0x80)
			p++;
		n--;
	}
	return (size_t)(p - s);
}

static void
print_cell(const char *text, size_t width, bool right, bool last)
{
	size_t have = text_width(text), pad = have < width ? width - have : 0;

	if (right)
		printf("%*s", (int)pad, "");
	if (have > width)
		printf("%.*s…", (int)bytes_of(text, width - 1), text);
	else
		fputs(text, stdout);
	if (!right && !last)
		printf("%*s", (int)pad, "");
	if (!last)
		printf("%*s", COLUMN_GAP, "");
}

void
out_table_end(struct out_table *t, const char *empty_text)
{
	size_t *widths = arena_array(t->arena, t->n_columns, sizeof(*widths));

	if (t->n_cells == 0) {
		puts(empty_text);
		return;
	}
	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = text_width(t->columns[c].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t width = text_width(t->cells[i]), c = i % t->n_columns;

		if (width > widths[c])
			widths[c] = width;
	}
	shrink(t, widths, terminal_width());
	for (size_t c = 0; c < t->n_columns; c++)
		print_cell(
			t->columns[c].title, widths[c], t->columns[c].right, c + 1 == t->n_columns);
	putchar('\n');
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t c = i % t->n_columns;

		print_cell(t->cells[i], widths[c], t->columns[c].right, c + 1 == t->n_columns);
		if (c + 1 == t->n_columns)
			putchar('\n');
	}
}

void
out_field(const char *name, const char *value)
{
	struct arena a = ARENA_INIT;

	value = out_clean(&a, value);
	printf("%-14s %s\n", name, value == NULL || *value == '\0' ? "-" : value);
	arena_free(&a);
}

/* --- JSON -------------------------------------------------------------------------------------- */

struct json *
out_json_begin(struct cli *cli)
{
	buf_free(&cli->out);
	buf_init(&cli->out, OUT_MAX);
	json_init(&cli->writer, &cli->out);
	return &cli->writer;
}

int
out_json_end(struct cli *cli, struct err *err)
{
	if (buf_failed(&cli->out))
		return err_set(err, ERR_FAILED, "the answer is larger than 1 GiB");
	puts(buf_str(&cli->out));
	return 0;
}
