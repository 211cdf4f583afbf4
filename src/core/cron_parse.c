/*
 * Reading cron expressions: contract 4.6, which is croniter's grammar from version 5 on.
 *
 * The grammar has no nesting: fields are split at blanks, items at commas, and an item is one of a
 * handful of forms. An item sets bits in the field's set; what the items of the two day fields mean
 * together is settled at the end.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "core/cron.h"

#define N_FIELDS 5
#define NUMBER_MAX 1000000 /* larger ones, steps included, are all the same */
#define QUOTE_MAX 40 /* how much of a wrong item an error repeats */

/* A piece of the expression; borrowed. */
struct piece {
	const char *at;
	size_t len;
};

enum field_id { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

struct field_kind {
	const char *title;
	int min, max;
	int max_written; /* 7 for Sunday */
	const char *names; /* of min, min + 1, ..., three letters each; "" for none */
};

static const struct field_kind kinds[N_FIELDS] = {
	[MINUTE] = {"minute", 0, 59, 59, ""},
	[HOUR] = {"hour", 0, 23, 23, ""},
	[DAY] = {"day of month", 1, 31, 31, ""},
	[MONTH] = {"month", 1, 12, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	[WEEKDAY] = {"day of week", 0, 6, 7, "sunmontuewedthufrisat"},
};

/* What has been read of one field. */
struct field {
	const struct field_kind *kind;
	uint64_t set; /* bit per value */
	bool star; /* an item was '*', or all of it was '?': every value, and not restricted */
	bool random;
	bool last_day;
	int nearest_weekday;
	uint8_t nth[7];
	bool has_nth;
};

static int
wrong(const struct field *f, struct piece p, struct err *err, const char *what)
{
	int shown = (int)(p.len < QUOTE_MAX ? p.len : QUOTE_MAX);

	return err_set(err, ERR_USAGE, "%s: '%.*s%s' %s", f->kind->title, shown, p.at,
		p.len > QUOTE_MAX ? "..." : "", what);
}

static char
lower(char c)
{
	return (char)tolower((unsigned char)c);
}

static bool
piece_is(struct piece p, const char *word)
{
	return p.len == strlen(word) && strncasecmp(p.at, word, p.len) == 0;
}

/* Splits p at its first c: *before gets what is before it, p what is behind. */
static bool
piece_split(struct piece *p, char c, struct piece *before)
{
	const char *found = memchr(p->at, c, p->len);

	if (found == NULL)
		return false;
	*before = (struct piece){p->at, (size_t)(found - p->at)};
	p->len -= before->len + 1;
	p->at = found + 1;
	return true;
}

/* All digits, one at least. */
static bool
piece_number(struct piece p, int *out)
{
	int n = 0;

	for (size_t i = 0; i < p.len; i++) {
		if (!isdigit((unsigned char)p.at[i]))
			return false;
		if (n < NUMBER_MAX)
			n = n * 10 + (p.at[i] - '0');
	}
	*out = n;
	return p.len > 0;
}

static bool
piece_name(struct piece p, const struct field_kind *kind, int *out)
{
	if (p.len != 3)
		return false;
	for (const char *name = kind->names; *name != '\0'; name += 3) {
		if (strncasecmp(p.at, name, 3) == 0) {
			*out = kind->min + (int)(name - kind->names) / 3;
			return true;
		}
	}
	return false;
}

/* A number or a name, within the field's range; weekday 7 becomes 0. item is quoted in errors. */
static int
read_value(const struct field *f, struct piece p, struct piece item, int *out, struct err *err)
{
	const struct field_kind *kind = f->kind;
	char what[32];

	if (piece_name(p, kind, out))
		return 0;
	if (p.len == 0)
		return wrong(f, item, err, "lacks a value");
	if (!piece_number(p, out))
		return wrong(f, p, err, "is not a value");
	if (*out < kind->min || *out > kind->max_written) {
		bool below = *out < kind->min;
		snprintf(what, sizeof(what), "is %s %d", below ? "below" : "above",
			below ? kind->min : kind->max_written);
		return wrong(f, p, err, what);
	}
	if (*out > kind->max)
		*out = kind->min;
	return 0;
}

static uint64_t
every_value(const struct field_kind *kind)
{
	return (UINT64_C(2) << kind->max) - (UINT64_C(1) << kind->min);
}

/* Every step-th value from low up to high. */
static uint64_t
values_between(int low, int high, int step)
{
	uint64_t set = 0;

	for (int v = low; v <= high; v += step)
		set |= UINT64_C(1) << v;
	return set;
}

/* With equal ends a range is the whole field; with the larger one first it wraps around. */
static uint64_t
range_values(const struct field_kind *kind, int low, int high, int step)
{
	int last, skip;

	if (low == high)
		return values_between(kind->min, kind->max, step);
	if (low < high)
		return values_between(low, high, step);
	last = low + (kind->max - low) / step * step;
	skip = last + step == kind->max + 1 ? 0 : step - (kind->max - last);
	return values_between(low, kind->max, step) | values_between(kind->min + skip, high, step);
}

/* The ends of 'a-b', or of 'a' and '*' with a step behind. */
static int
read_ends(const struct field *f, struct piece p, struct piece item, int ends[2], struct err *err)
{
	struct piece low;

	ends[0] = f->kind->min;
	ends[1] = f->kind->max;
	if (piece_is(p, "*"))
		return 0;
	if (!piece_split(&p, '-', &low))
		return read_value(f, p, item, &ends[0], err);
	if (read_value(f, low, item, &ends[0], err) != 0)
		return -1;
	if (f->kind == &kinds[DAY] && piece_is(p, "l"))
		return 0;
	return read_value(f, p, item, &ends[1], err);
}

/* 'a', 'a-b', 'a-b/s', 'a/s' or '*'/s. */
static int
read_range(struct field *f, struct piece item, struct err *err)
{
	struct piece step_text = item, range = item;
	int step = 1, ends[2];

	if (piece_split(&step_text, '/', &range)) {
		if (!piece_number(step_text, &step))
			return wrong(f, item, err, "has a step that is not a number");
		if (step == 0)
			return wrong(f, item, err, "has a step of 0");
	} else if (memchr(item.at, '-', item.len) == NULL) {
		if (read_value(f, item, item, &ends[0], err) != 0)
			return -1;
		f->set |= UINT64_C(1) << ends[0];
		return 0;
	}
	if (read_ends(f, range, item, ends, err) != 0)
		return -1;
	f->set |= range_values(f->kind, ends[0], ends[1], step);
	return 0;
}

static void
add_nth(struct field *f, uint64_t weekdays, int nth)
{
	for (size_t w = 0; w < ARRAY_LEN(f->nth); w++) {
		if ((weekdays >> w & 1) != 0)
			f->nth[w] |= (uint8_t)(1u << nth);
	}
	f->has_nth = true;
}

/* '5#2', 'fri#2' or 'mon-wed#2': weekdays is what stands before the '#', nth what is behind. */
static int
read_nth(struct field *f, struct piece item, struct piece weekdays, struct piece nth,
	struct err *err)
{
	int k, low, high;
	struct piece first, last = weekdays;

	if (!piece_number(nth, &k) || k < 1 || k > 5)
		return wrong(f, item, err, "needs a number from 1 to 5 behind the '#'");
	if (!piece_split(&last, '-', &first)) {
		if (read_value(f, weekdays, item, &low, err) != 0)
			return -1;
		add_nth(f, UINT64_C(1) << low, k);
		return 0;
	}
	if (!piece_name(first, f->kind, &low) || !piece_name(last, f->kind, &high))
		return wrong(f, item, err, "needs names, not numbers, in a range before '#'");
	add_nth(f, range_values(f->kind, low, high, 1), k);
	return 0;
}

static int
read_weekday_item(struct field *f, struct piece item, struct err *err)
{
	struct piece weekdays, nth = item, after_l = {item.at + 1, item.len - 1};
	int value;

	if (piece_split(&nth, '#', &weekdays))
		return read_nth(f, item, weekdays, nth, err);
	if (lower(item.at[0]) == 'l' && piece_number(after_l, &value)) {
		if (read_value(f, after_l, item, &value, err) != 0)
			return -1;
		add_nth(f, UINT64_C(1) << value, CRON_NTH_LAST);
		return 0;
	}
	return read_range(f, item, err);
}

/* 'l', or '15w', which must be all of the field. */
static int
read_day_item(struct field *f, struct piece item, struct piece text, struct err *err)
{
	struct piece before_w = {item.at, item.len - 1};
	int day;

	if (piece_is(item, "l")) {
		f->last_day = true;
		return 0;
	}
	if (lower(item.at[item.len - 1]) != 'w' || !piece_number(before_w, &day))
		return read_range(f, item, err);
	if (item.len != text.len)
		return wrong(f, text, err, "has 'w' in a list");
	return read_value(f, before_w, item, &f->nearest_weekday, err);
}

static int
read_item(struct field *f, struct piece item, struct piece text, struct err *err)
{
	if (item.len == 0)
		return wrong(f, text, err, "has an empty item");
	if (piece_is(item, "*")) {
		f->star = true;
		return 0;
	}
	if (f->kind == &kinds[WEEKDAY])
		return read_weekday_item(f, item, err);
	if (f->kind == &kinds[DAY])
		return read_day_item(f, item, text, err);
	return read_range(f, item, err);
}

/* A value in [low, high], the same one for the same seed and field (splitmix64). */
static int
draw(const struct field_kind *kind, uint64_t seed, int low, int high)
{
	uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(kind - kinds + 1);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return low + (int)(z % (uint64_t)(high - low + 1));
}

/* 'r', 'r(a-b)', 'r/s' and 'r(a-b)/s': one value, or every s-th from a random start. */
static int
read_random(struct field *f, struct piece text, uint64_t seed, struct err *err)
{
	struct piece rest = {text.at + 1, text.len - 1}, ends;
	int low = f->kind->min, high = f->kind->max, step = 0, start;

	if (rest.len > 0 && rest.at[0] == '(') {
		struct piece first;
		rest = (struct piece){rest.at + 1, rest.len - 1};
		if (!piece_split(&rest, ')', &ends) || !piece_split(&ends, '-', &first) ||
			!piece_number(first, &low) || !piece_number(ends, &high) || low >= high ||
			low < f->kind->min || high > f->kind->max)
			return wrong(f, text, err, "has bad limits");
	}
	if (rest.len > 0) {
		struct piece step_text = {rest.at + 1, rest.len - 1};
		if (rest.at[0] != '/' || !piece_number(step_text, &step) || step == 0)
			return wrong(f, text, err, "is not a value");
	}
	f->random = true;
	start = draw(f->kind, seed, low, step > 0 && step <= high - low ? low + step - 1 : high);
	f->set |= step > 0 ? values_between(start, high, step) : UINT64_C(1) << start;
	return 0;
}

static int
read_field(struct field *f, struct piece text, uint64_t seed, struct err *err)
{
	struct piece rest = text, item;
	bool is_day = f->kind == &kinds[DAY] || f->kind == &kinds[WEEKDAY];

	if (is_day && piece_is(text, "?")) {
		f->star = true;
		return 0;
	}
	if (lower(text.at[0]) == 'r')
		return read_random(f, text, seed, err);
	while (piece_split(&rest, ',', &item)) {
		if (read_item(f, item, text, err) != 0)
			return -1;
	}
	if (read_item(f, rest, text, err) != 0)
		return -1;
	if (f->has_nth && f->set != 0)
		return wrong(f, text, err, "mixes '#' or 'l' with plain weekdays");
	return 0;
}

static bool
has_star(struct piece text)
{
	return memchr(text.at, '*', text.len) != NULL;
}

/*
 * Which of the two day fields count: both, if both are restricted (either may match then), or the
 * one that is. One that lists every value counts as '*' if the other one's text has a '*' in it.
 * '#' and 'l<n>' stand alone, the day of month is ignored.
 */
static void
settle_days(struct cron *cron, const struct field f[N_FIELDS], const struct piece text[N_FIELDS])
{
	const struct field *day = &f[DAY], *weekday = &f[WEEKDAY];
	bool any_day = day->star || (day->set == every_value(day->kind) && has_star(text[WEEKDAY]));
	bool any_weekday = weekday->star ||
		(weekday->set == every_value(weekday->kind) && has_star(text[DAY]));

	if (weekday->has_nth && !weekday->star) {
		cron->has_nth = true;
		memcpy(cron->nth, weekday->nth, sizeof(cron->nth));
		return;
	}
	if (any_day && any_weekday)
		cron->days = (uint32_t)every_value(day->kind);
	if (!any_weekday)
		cron->weekdays = (uint8_t)weekday->set;
	if (!any_day) {
		cron->days = (uint32_t)day->set;
		cron->last_day = day->last_day;
		cron->nearest_weekday = (uint8_t)day->nearest_weekday;
	}
}

/* Splits at blanks. More than five are counted, but not kept. */
static int
split_fields(const char *expr, struct piece text[N_FIELDS], struct err *err)
{
	static const char blanks[] = " \t\n\v\f\r";
	size_t n = 0;

	for (const char *at = expr + strspn(expr, blanks); *at != '\0'; at += strspn(at, blanks)) {
		size_t len = strcspn(at, blanks);
		if (n < N_FIELDS)
			text[n] = (struct piece){at, len};
		n++;
		at += len;
	}
	if (n == 0)
		return err_set(err, ERR_USAGE, "the cron expression is empty");
	if (text[0].at[0] == '@')
		return err_set(
			err, ERR_USAGE, "'@' shortcuts are not supported, write five fields");
	if (n != N_FIELDS)
		return err_set(err, ERR_USAGE,
			"expected five fields (minute, hour, day of month, month, day of week), "
			"found %zu",
			n);
	return 0;
}

int
cron_parse(const char *expr, uint64_t seed, struct cron *cron, struct err *err)
{
	struct piece text[N_FIELDS];
	struct field fields[N_FIELDS];

	memset(cron, 0, sizeof(*cron));
	memset(fields, 0, sizeof(fields));
	if (split_fields(expr, text, err) != 0)
		return -1;
	for (size_t i = 0; i < N_FIELDS; i++) {
		fields[i].kind = &kinds[i];
		if (read_field(&fields[i], text[i], seed, err) != 0)
			return -1;
		if (fields[i].star)
			fields[i].set = every_value(fields[i].kind);
		cron->random |= fields[i].random;
	}
	cron->minutes = fields[MINUTE].set;
	cron->hours = (uint32_t)fields[HOUR].set;
	cron->months = (uint16_t)fields[MONTH].set;
	cron->fixed_time = text[MINUTE].at[0] != '*' && text[HOUR].at[0] != '*';
	settle_days(cron, fields, text);
	return 0;
}
