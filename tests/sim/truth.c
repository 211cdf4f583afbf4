/*
 * What must happen, worked out another way than the program does: slots by trying every minute with
 * rules of daylight saving written out, pending writes by the order of commits.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "sim.h"

/* --- zones -------------------------------------------------------------------------------------------- */

#define ZONES 10

const char *const truth_zones[] = {"UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata",
	"Australia/Sydney", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham",
	"Australia/Lord_Howe", "Pacific/Kiritimati", NULL};
const int truth_n_zones = ZONES;

/* Whose files they have once the zone data was changed: summer time is abolished. */
static const char *const new_files[ZONES] = {
	[1] = "Africa/Lagos", [2] = "America/Panama", [4] = "Australia/Brisbane"};

static struct tz *zones[2][ZONES];

static struct tz *
read_zone(const char *name, const char *file, struct err *err)
{
	char path[256], *data;
	struct tz *tz;
	size_t len;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", file);
	data = file_read(path, 1 << 20, &len, err);
	if (!data)
		return NULL;
	tz = tz_parse(name, data, len, err);
	free(data);
	return tz;
}

const struct tz *
truth_zone(const char *name, void *arg, struct err *err)
{
	const struct daemon *d = arg;
	const char *file;
	int i;

	for (i = 0; truth_zones[i] && strcmp(truth_zones[i], name) != 0; i++)
		;
	if (!truth_zones[i]) {
		err_set(err, ERR_USAGE, "no zone '%s'", name);
		return NULL;
	}
	if (zones[d->rules][i])
		return zones[d->rules][i];
	file = d->rules && new_files[i] ? new_files[i] : name;
	return zones[d->rules][i] = i == 0 ? tz_utc() : read_zone(name, file, err);
}

void
truth_free_zones(void)
{
	for (int i = 0; i < 2 * ZONES; i++) {
		struct tz **zone = &zones[i / ZONES][i % ZONES];

		if (*zone)
			tz_free(*zone);
		*zone = NULL;
	}
}

void
truth_use_rules(struct sched *x, int rules)
{
	if (x->rules == rules)
		return;
	x->rules = rules;
	x->next_us = TIME_NONE;
}

/* Minutes since 1970 of the n-th (last: 0) Sunday of a month. */
static int64_t
sunday(int64_t year, int month, int nth)
{
	int64_t day;

	if (nth > 0) {
		day = civil_to_days(year, month, 1);
		day += (7 - civil_weekday(day)) % 7 + 7 * (nth - 1);
	} else {
		day = civil_to_days(year, month, civil_days_in_month(year, month));
		day -= civil_weekday(day);
	}
	return day * 1440;
}

/* A year of a zone: when its summer is, in minutes. */
struct year {
	int64_t start, end, from, to;
};

static void
year_fill(struct year *y, int zone, int64_t minute)
{
	int64_t year;
	int month, day;

	civil_from_days(minute / 1440, &year, &month, &day);
	y->start = civil_to_days(year, 1, 1) * 1440;
	y->end = civil_to_days(year + 1, 1, 1) * 1440;
	switch (zone) {
	case 1: /* the European Union: 01:00 UTC, last Sundays of March and October */
		y->from = sunday(year, 3, 0) + 60;
		y->to = sunday(year, 10, 0) + 60;
		break;
	case 2: /* 02:00 local: second Sunday of March, first of November */
		y->from = sunday(year, 3, 2) + 7 * 60;
		y->to = sunday(year, 11, 1) + 6 * 60;
		break;
	case 4: /* 16:00 UTC the day before the first Sundays of April and October: its winter */
		y->from = sunday(year, 4, 1) - 8 * 60;
		y->to = sunday(year, 10, 1) - 8 * 60;
		break;
	case 5: /* Newfoundland: as New York, by its own clock */
		y->from = sunday(year, 3, 2) + 5 * 60 + 30;
		y->to = sunday(year, 11, 1) + 4 * 60 + 30;
		break;
	case 7: /* New Zealand, 14:00 UTC the day before the first Sunday of April and the last of September: its winter */
		y->from = sunday(year, 4, 1) - 10 * 60;
		y->to = sunday(year, 9, 0) - 10 * 60;
		break;
	case 8: /* 02:00 local, as Sydney, by half an hour: its winter */
		y->from = sunday(year, 4, 1) - 9 * 60;
		y->to = sunday(year, 10, 1) - 8 * 60 - 30;
		break;
	default:
		y->from = y->to = y->end;
	}
}

/* Which rules hold where one schedule is looked at. */
struct place {
	int zone;
	bool new_rules;
};

/* Minutes east of UTC at a minute: the rules as they stand since 2008. */
static int64_t
offset_min(struct place place, int64_t minute)
{
	static const int64_t outside[ZONES] = {0, 60, -300, 330, 660, -210, 345, 825, 660, 840},
			     inside[ZONES] = {0, 120, -240, 330, 600, -150, 345, 765, 630, 840};
	static struct year years[ZONES];
	int zone = place.zone;
	struct year *y = &years[zone];

	if (place.new_rules && new_files[zone])
		return zone == 4 ? inside[zone] : outside[zone];
	if (minute < y->start || minute >= y->end)
		year_fill(y, zone, minute);
	return minute >= y->from && minute < y->to ? inside[zone] : outside[zone];
}

/* --- expressions: a number, a list, a range, a step -------------------------------------------------------- */

const char *const truth_exprs[] = {"*/15 * * * *", "0 * * * *", "30 2 * * *", "0 8 * * 1-5",
	"5,35 * * * *", "15 */6 * * *", "0 0 1 * *", "30 1,2,3 * * *", "*/20 2 * * *",
	"59 23 * * 0", "*/5 * * * *", "0 0 31 2 *"};
const int truth_n_exprs = 12;

/* The values of a field as bits; *p goes on behind it. */
static uint64_t
field_bits(const char **p, int min, int max)
{
	uint64_t bits = 0;

	while (**p == ' ')
		++*p;
	for (;;) {
		int lo = min, hi = max, step = 1;

		if (**p == '*') {
			++*p;
		} else {
			lo = hi = (int)strtol(*p, (char **)p, 10);
			if (**p == '-') {
				++*p;
				hi = (int)strtol(*p, (char **)p, 10);
			}
		}
		if (**p == '/') {
			++*p;
			step = (int)strtol(*p, (char **)p, 10);
		}
		for (int v = lo; v <= hi; v += step)
			bits |= UINT64_C(1) << v;
		if (**p != ',')
			return bits;
		++*p;
	}
}

static const uint64_t *
expr_bits(int expr)
{
	static uint64_t bits[16][5];
	const char *p = truth_exprs[expr];

	if (!bits[expr][0]) {
		bits[expr][0] = field_bits(&p, 0, 59);
		bits[expr][1] = field_bits(&p, 0, 23);
		bits[expr][2] = field_bits(&p, 1, 31);
		bits[expr][3] = field_bits(&p, 1, 12);
		bits[expr][4] = field_bits(&p, 0, 6);
	}
	return bits[expr];
}

static bool
has(uint64_t bits, int64_t value)
{
	return bits >> value & 1;
}

/* Whether the local time, in minutes, is in the expression. None here restricts both days. */
static bool
matches(int expr, int64_t local)
{
	const uint64_t *bits = expr_bits(expr);
	int64_t days = local / 1440, year;
	int month, day;

	if (!has(bits[0], local % 60) || !has(bits[1], local % 1440 / 60))
		return false;
	civil_from_days(days, &year, &month, &day);
	return has(bits[2], day) && has(bits[3], month) && has(bits[4], civil_weekday(days));
}

static bool
is_fixed(int expr)
{
	const char *hour = strchr(truth_exprs[expr], ' ') + 1;

	return truth_exprs[expr][0] != '*' && *hour != '*';
}

/* Contract 4.5, the wanted rule: wildcard jobs follow real time; fixed ones the wall clock, once. */
static bool
is_slot(int expr, struct place place, int64_t minute)
{
	int64_t offset = offset_min(place, minute), before = offset_min(place, minute - 1);
	int64_t local = minute + offset, earlier;

	if (!is_fixed(expr))
		return matches(expr, local);
	if (offset > before) /* what the gap swallowed, together with what falls on its end */
		for (int64_t l = minute + before; l < local; l++)
			if (matches(expr, l))
				return true;
	earlier = offset_min(place, minute - 120);
	if (earlier > offset && offset_min(place, local - earlier) == earlier)
		return false; /* the second pass */
	return matches(expr, local);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t
truth_next(const struct sched *x, int64_t after_us)
{
	int64_t minute = floor_div(after_us, US_PER_MIN) + 1;
	const struct place place = {x->zone, x->rules};

	if (x->kind == KIND_INTERVAL)
		return x->cursor_us +
			(floor_div(after_us - x->cursor_us, x->interval_us) + 1) * x->interval_us;
	if (truth_exprs[x->expr][4] == '3' && truth_exprs[x->expr][5] == '1')
		return TIME_NEVER; /* 31 February */
	for (int64_t end = minute + 70 * 1440; minute < end; minute++)
		if (is_slot(x->expr, place, minute))
			return minute * US_PER_MIN;
	return TIME_NEVER;
}

int64_t
truth_count(const struct sched *x, int64_t after_us, int64_t until_us, int64_t max, int64_t *last)
{
	int64_t n = 0, at = after_us;

	while (n < max && (at = truth_next(x, at)) <= until_us) {
		*last = at;
		n++;
	}
	return n;
}

/* --- finding things ------------------------------------------------------------------------------------------ */

struct sched *
truth_sched(struct sim *s, int64_t id)
{
	for (int i = s->n_scheds - 1; i >= 0; i--)
		if (s->scheds[i].id == id && s->scheds[i].exists)
			return &s->scheds[i];
	return NULL;
}

struct sflow *
truth_flow(struct sim *s, int64_t id)
{
	for (int i = 0; i < s->n_flows; i++)
		if (s->flows[i].id == id)
			return &s->flows[i];
	return NULL;
}

struct jrun *
truth_run(struct sim *s, int64_t id)
{
	size_t n = s->n_runs;

	assert(id > 0);
	if ((size_t)id >= n) {
		s->n_runs = (size_t)id * 2 + 64;
		s->runs = xrealloc(s->runs, s->n_runs, sizeof(*s->runs));
		memset(s->runs + n, 0, (s->n_runs - n) * sizeof(*s->runs));
	}
	return &s->runs[id];
}

/* --- writes ---------------------------------------------------------------------------------------------------- */

void
truth_written(struct sim *s, int table)
{
	struct stable *t = &s->tables[table];

	t->writes = t->own = ++s->commits;
	t->write_T = t->own_T = s->T;
}

void
truth_arm(struct sim *s, struct sched *x)
{
	for (int i = 0; i < x->n_watches; i++)
		x->consumed[i] = s->commits;
}

void
truth_consumed(struct sim *s, struct sched *x)
{
	truth_arm(s, x);
	x->fired_T = s->T;
}

/* Wall instants become T as the clock stands; worlds whose clock steps are judged more mildly. */
static int64_t
to_T(const struct sim *s, int64_t wall_us)
{
	return wall_us == TIME_NEVER ? TIME_NEVER : wall_us - s->base_us - s->wall_step_us;
}

bool
truth_fired(const struct sched *x, int64_t slot_us)
{
	for (size_t i = 0; i < x->n_slots; i++)
		if (x->slots[i] == slot_us)
			return true;
	return false;
}

/* The clock went back over slots that were fired. When the last of them comes again, it stands for all before. */
static int64_t
last_fired(const struct sched *x, int64_t wall_us)
{
	int64_t last = x->cursor_us;

	for (size_t i = 0; i < x->n_slots; i++)
		if (x->slots[i] > last && x->slots[i] <= wall_us)
			last = x->slots[i];
	return last;
}

int64_t
truth_due(struct sim *s, struct sched *x)
{
	int64_t due = 0, last;

	if (!x->exists || !x->enabled || x->bad || !s->flows[x->flow].registered ||
		!s->users[x->owner].enabled || sql_is_refused(s, 's', x->id))
		return TIME_NEVER;
	if (x->kind == KIND_INTERVAL || x->kind == KIND_CRON) {
		if (!x->cursor_known)
			return TIME_NEVER;
		last = s->clock_stepped ? last_fired(x, sim_wall(s)) : x->cursor_us;
		if (last != x->cursor_us)
			return to_T(s, truth_next(x, last));
		if (x->next_us == TIME_NONE)
			do
				x->next_us = truth_next(
					x, x->next_us == TIME_NONE ? x->cursor_us : x->next_us);
			while (truth_fired(x, x->next_us)); /* the clock went back over it */
		return to_T(s, x->next_us);
	}
	for (int i = 0; i < x->n_watches; i++) {
		const struct stable *t = &s->tables[x->watches[i]];

		if (!t->exists || t->writes <= x->consumed[i])
			return TIME_NEVER;
		if (t->write_T > due)
			due = t->write_T;
	}
	return due;
}
