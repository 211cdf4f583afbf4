/*
 * Time zones: TZif files of every shape, right and wrong. tz_vectors.txt comes from tz_model.py;
 * test_tz FILE replays another such file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "core/tz.h"
#include "zone_files.h"

#define TZIF_MAX 65536

static const char *vector_file = VECTOR_DIR "/tz_vectors.txt";

static int64_t
at(const char *text)
{
	int64_t us;

	ck_assert_msg(time_parse(text, &us), "'%s'", text);
	return us;
}

/* A zone file to be made: transitions to the types, leap seconds, a footer. */
struct made_zone {
	int64_t times[8];
	unsigned char types[8];
	size_t n_times;
	int32_t offsets[4];
	size_t n_types;
	int64_t leaps[4]; /* the k-th makes k seconds in all */
	size_t n_leaps;
	const char *footer; /* NULL: version 1, without one */
};

static void
put_be(struct buf *b, int64_t v, size_t len)
{
	while (len-- > 0)
		buf_putc(b, (char)(len >= 8 ? 0 : v >> (8 * len) & 0xff));
}

static void
put_block(struct buf *b, const struct made_zone *z, size_t time_len)
{
	buf_puts(b, "TZif");
	buf_putc(b, z->footer != NULL ? '2' : '\0');
	put_be(b, 0, 15);
	put_be(b, 0, 4);
	put_be(b, 0, 4);
	put_be(b, (int64_t)z->n_leaps, 4);
	put_be(b, (int64_t)z->n_times, 4);
	put_be(b, (int64_t)z->n_types, 4);
	put_be(b, 4, 4);
	for (size_t i = 0; i < z->n_times; i++)
		put_be(b, z->times[i], time_len);
	for (size_t i = 0; i < z->n_times; i++)
		put_be(b, z->types[i], 1);
	for (size_t i = 0; i < z->n_types; i++) {
		put_be(b, z->offsets[i], 4);
		put_be(b, 0, 2);
	}
	buf_add(b, "ABC", 4);
	for (size_t i = 0; i < z->n_leaps; i++) {
		put_be(b, z->leaps[i], time_len);
		put_be(b, (int64_t)i + 1, 4);
	}
}

static struct tz *
try_zone(const struct made_zone *z, struct err *err)
{
	struct buf b;
	struct tz *tz;

	buf_init(&b, TZIF_MAX);
	put_block(&b, z, 4);
	if (z->footer != NULL) {
		put_block(&b, z, 8);
		buf_printf(&b, "\n%s\n", z->footer);
	}
	tz = tz_parse("Test/Zone", b.data, b.len, err);
	buf_free(&b);
	return tz;
}

static struct tz *
make_zone(const struct made_zone *z)
{
	struct err err = ERR_INIT;
	struct tz *tz = try_zone(z, &err);

	ck_assert_msg(tz != NULL, "%s: %s", z->footer, err.text);
	return tz;
}

/* A zone that is only a footer. */
static struct tz *
footer_zone(const char *footer)
{
	struct made_zone z = {.offsets = {0}, .n_types = 1, .footer = footer};

	return make_zone(&z);
}

static const struct footer_case {
	const char *footer, *utc;
	int offset;
} footer_cases[] = {
	{"CET-1", "2050-07-01 00:00:00", 3600},
	{"<+0330>-3:30", "2050-07-01 00:00:00", 12600},
	{"<-00>0", "2050-07-01 00:00:00", 0},
	{"LMT0:44:30", "2050-07-01 00:00:00", -2670},
	{"XXX+24:59:59", "2050-07-01 00:00:00", -89999},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27 00:59:59", 3600},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27 01:00:00", 7200},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30 00:59:59", 7200},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30 01:00:00", 3600},
	/* 400 years later it is the same, however far */
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2450-03-27 00:59:59", 3600},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2450-03-27 01:00:00", 7200},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "9650-10-30 00:59:59", 7200},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "9650-10-30 01:00:00", 3600},
	/* without transitions the footer holds before 1970 too */
	{"CET-1CEST,M3.5.0,M10.5.0/3", "1650-03-27 00:59:59", 3600},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "1650-03-27 01:00:00", 7200},
	/* south, with summer over the new year */
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-01-01 00:00:00", 39600},
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-04-02 15:59:59", 39600},
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-04-02 16:00:00", 36000},
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-10-01 16:00:00", 39600},
	{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2050-01-01 00:00:00", 39600},
	{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2050-07-01 00:00:00", 37800},
	/* winter time as the exception */
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-01 00:00:00", 0},
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-01 00:00:00", 3600},
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-03-27 00:59:59", 0},
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-03-27 01:00:00", 3600},
	/* times before 0 and after 24 hours */
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27 00:59:59", -7200},
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27 01:00:00", -3600},
	{"IST-2IDT,M3.4.4/26,M10.5.0", "2050-03-25 00:00:00", 10800},
	{"IST-2IDT,M3.4.4/26,M10.5.0", "2050-03-24 23:59:59", 7200},
	{"EST5EDT,M3.2.0/+2:30:15,M11.1.0/-167", "2050-03-13 07:30:15", -14400},
	{"EST5EDT,M3.2.0/+2:30:15,M11.1.0/-167", "2050-03-13 07:30:14", -18000},
	/* Julian days leave out 29 February, plain ones count it from 0 */
	{"AAA0BBB,J60/0,J300/0", "2048-03-01 00:00:00", 3600},
	{"AAA0BBB,J60/0,J300/0", "2048-02-29 23:59:59", 0},
	{"AAA0BBB,J60/0,J300/0", "2049-03-01 00:00:00", 3600},
	{"AAA0BBB,J59/0,J300/0", "2048-02-28 00:00:00", 3600},
	{"AAA0BBB,59/0,299/0", "2048-02-29 00:00:00", 3600},
	{"AAA0BBB,59/0,299/0", "2049-03-01 00:00:00", 3600},
	{"AAA0BBB,59/0,299/0", "2049-02-28 23:59:59", 0},
	/* the fifth weekday is the last one */
	{"AAA0BBB,M2.5.0/0,M6.5.6/0", "2049-02-28 00:00:00", 3600},
	{"AAA0BBB,M2.5.1/0,M6.5.6/0", "2049-02-22 00:00:00", 3600},
	/* summer time all the year (RFC 8536 3.3.1) */
	{"XXX3EDT4,0/0,J365/23", "2050-01-01 02:59:59", -14400},
	{"XXX3EDT4,0/0,J365/23", "2050-01-01 03:00:00", -14400},
	{"XXX3EDT4,0/0,J365/23", "2050-07-01 00:00:00", -14400},
};

START_TEST(the_footer_rules_all_later_times)
{
	const struct footer_case *c = &footer_cases[_i];
	struct tz *tz = footer_zone(c->footer);
	int64_t offset = tz_offset_at(tz, at(c->utc)) / US_PER_SEC;

	ck_assert_msg(offset == c->offset, "%s at %s: %d, not %d", c->footer, c->utc, (int)offset,
		c->offset);
	tz_free(tz);
}
END_TEST

START_TEST(a_malformed_footer_is_rejected)
{
	static const char *const footers[] = {"C", "CE-1", "CET", "CET-", "CET-1X", "CET-25",
		"CET-1:60", "CET-1:00:60", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "<+03-3",
		"CET-1CEST,M3.5.0,", "CET-1CEST,M3.5,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,J366,J5",
		"CET-1CEST,366,5", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0 ",
		"CET-1CEST,M3.5.0,M10.5.0/", "CET-1CEST,M3.5.0,M10.5.0,",
		"CET-99999999999999999999", "<>0", " CET-1", "CET--1", "<+03>-3<+04",
		"CET-1CEST,M3.5.-1,M10.5.0"};

	for (size_t i = 0; i < ARRAY_LEN(footers); i++) {
		struct made_zone z = {.offsets = {0}, .n_types = 1, .footer = footers[i]};
		struct err err = ERR_INIT;
		ck_assert_msg(try_zone(&z, &err) == NULL, "'%s' is accepted", footers[i]);
		ck_assert_msg(strstr(err.text, "Test/Zone") != NULL, "%s", err.text);
	}
}
END_TEST

static const struct made_zone three_changes = {
	.times = {-1000, 0, 500, 1000},
	.types = {1, 2, 2, 0},
	.n_times = 4,
	.offsets = {-100, 3600, 7200},
	.n_types = 3,
	.footer = "",
};

START_TEST(each_stretch_between_transitions_has_its_offset)
{
	struct tz *tz = make_zone(&three_changes);
	static const int64_t expect[][2] = {{-1001, -100}, {-1000, 3600}, {-1, 3600}, {0, 7200},
		{500, 7200}, {999, 7200}, {1000, -100}, {INT64_C(100000000000), -100}};

	for (size_t i = 0; i < ARRAY_LEN(expect); i++)
		ck_assert_int_eq(
			tz_offset_at(tz, expect[i][0] * US_PER_SEC), expect[i][1] * US_PER_SEC);
	ck_assert_int_eq(tz_offset_at(tz, -1), 3600 * US_PER_SEC);
	ck_assert_int_eq(tz_to_local(tz, 1), 7200 * US_PER_SEC + 1);
	tz_free(tz);
}
END_TEST

START_TEST(a_transition_that_keeps_the_offset_is_no_change)
{
	struct tz *tz = make_zone(&three_changes);
	struct tz_span span = tz_span_at(tz, 600 * US_PER_SEC);
	struct tz_change change;

	ck_assert_int_eq(span.start_us, 0);
	ck_assert_int_eq(span.end_us, 1000 * US_PER_SEC);
	ck_assert(tz_next_change(tz, 0, TIME_NEVER, &change));
	ck_assert_int_eq(change.at_us, 1000 * US_PER_SEC);
	ck_assert_int_eq(change.before_us, 7200 * US_PER_SEC);
	ck_assert_int_eq(change.after_us, -100 * US_PER_SEC);
	ck_assert(tz_next_change(tz, -1, TIME_NEVER, &change));
	ck_assert_int_eq(change.at_us, 0);
	ck_assert(!tz_next_change(tz, 0, 1000 * US_PER_SEC, &change));
	ck_assert(tz_next_change(tz, 0, 1000 * US_PER_SEC + 1, &change));
	ck_assert(!tz_next_change(tz, 1000 * US_PER_SEC, TIME_NEVER, &change));
	span = tz_span_at(tz, -2000 * US_PER_SEC);
	ck_assert(span.start_us == TIME_NONE && span.end_us == -1000 * US_PER_SEC);
	span = tz_span_at(tz, 1000 * US_PER_SEC);
	ck_assert(span.start_us == 1000 * US_PER_SEC && span.end_us == TIME_NEVER);
	tz_free(tz);
}
END_TEST

START_TEST(a_year_of_summer_time_has_no_change)
{
	struct tz *tz = footer_zone("XXX3EDT4,0/0,J365/23");
	struct tz_change change;

	ck_assert(
		!tz_next_change(tz, at("2026-01-01 00:00:00"), at("2400-01-01 00:00:00"), &change));
	tz_free(tz);
}
END_TEST

START_TEST(changes_go_on_through_the_calendar_period)
{
	struct tz *tz = footer_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	struct tz_change change;
	int64_t us = at("2026-01-01 00:00:00");
	int n = 0;

	while (tz_next_change(tz, us, at("3026-01-01 00:00:00"), &change)) {
		struct civil c;
		civil_from_us(change.at_us, &c);
		ck_assert_int_eq(c.hour * 3600 + c.minute * 60 + c.second, 3600);
		ck_assert_int_eq(c.month, n % 2 == 0 ? 3 : 10);
		ck_assert_int_ge(c.day, 25);
		ck_assert_int_eq(c.year, 2026 + n / 2);
		ck_assert_int_eq(civil_weekday(change.at_us / US_PER_DAY), 0);
		ck_assert_int_eq(change.after_us - change.before_us,
			n % 2 == 0 ? US_PER_HOUR : -US_PER_HOUR);
		ck_assert_int_eq(tz_span_at(tz, change.at_us).start_us, change.at_us);
		ck_assert_int_eq(tz_span_at(tz, change.at_us - 1).end_us, change.at_us);
		us = change.at_us;
		n++;
	}
	ck_assert_int_eq(n, 2000);
	tz_free(tz);
}
END_TEST

START_TEST(a_local_time_has_none_one_or_two_instants)
{
	const struct tz *tz = zone_file("Europe/Amsterdam");
	int64_t out[2];

	ck_assert_int_eq(tz_from_local(tz, at("2024-05-20 08:00:00"), out), 1);
	ck_assert(out[0] == at("2024-05-20 06:00:00"));
	ck_assert_int_eq(tz_from_local(tz, at("2024-10-27 02:30:00"), out), 2);
	ck_assert(out[0] == at("2024-10-27 00:30:00") && out[1] == at("2024-10-27 01:30:00"));
	ck_assert_int_eq(tz_from_local(tz, at("2024-10-27 03:00:00"), out), 1);
	ck_assert(out[0] == at("2024-10-27 02:00:00"));
	ck_assert_int_eq(tz_from_local(tz, at("2024-03-31 02:30:00"), out), 0);
	ck_assert(out[0] == at("2024-03-31 01:00:00"));
	ck_assert_int_eq(tz_from_local(tz, at("2024-03-31 03:00:00"), out), 1);
	ck_assert(out[0] == at("2024-03-31 01:00:00"));
	ck_assert_int_eq(
		tz_from_local(zone_file("Pacific/Apia"), at("2011-12-30 12:00:00"), out), 0);
	ck_assert(out[0] == at("2011-12-30 10:00:00"));
	zone_files_free();
}
END_TEST

START_TEST(a_version_1_file_stays_at_its_last_offset)
{
	struct made_zone z = three_changes;
	struct tz *tz;

	z.footer = NULL;
	tz = make_zone(&z);
	ck_assert_int_eq(tz_offset_at(tz, -1 * US_PER_SEC), 3600 * US_PER_SEC);
	ck_assert_int_eq(tz_offset_at(tz, at("2100-01-01 00:00:00")), -100 * US_PER_SEC);
	tz_free(tz);
}
END_TEST

START_TEST(leap_seconds_are_taken_out_of_the_transitions)
{
	struct made_zone z = {.times = {100, 201, 302},
		.types = {1, 0, 1},
		.n_times = 3,
		.offsets = {0, 3600},
		.n_types = 2,
		.leaps = {150, 250},
		.n_leaps = 2,
		.footer = ""};
	struct tz *tz = make_zone(&z);
	struct tz_change change;
	int64_t us = 0;

	for (int i = 0; i < 3; i++) {
		ck_assert(tz_next_change(tz, us, TIME_NEVER, &change));
		ck_assert_int_eq(change.at_us, 100 * (i + 1) * US_PER_SEC);
		us = change.at_us;
	}
	tz_free(tz);
}
END_TEST

START_TEST(inconsistent_bytes_are_rejected)
{
	struct made_zone z = three_changes;
	struct err err = ERR_INIT;

	z.types[2] = 3;
	ck_assert_ptr_null(try_zone(&z, &err));
	z = three_changes;
	z.times[2] = z.times[1];
	ck_assert_ptr_null(try_zone(&z, &err));
	z = three_changes;
	z.offsets[2] = 93600;
	ck_assert_ptr_null(try_zone(&z, &err));
	z.offsets[2] = INT32_MIN;
	ck_assert_ptr_null(try_zone(&z, &err));
	z = three_changes;
	z.n_types = 0;
	ck_assert_ptr_null(try_zone(&z, &err));
	ck_assert_ptr_null(tz_parse("Empty", "", 0, &err));
	ck_assert_ptr_null(tz_parse("Text", "# tzdb data for Europe", 22, &err));
	ck_assert_msg(strstr(err.text, "Text") != NULL, "%s", err.text);
}
END_TEST

/* What a zone answers must be sound whatever its file said. */
static void
use_zone(const struct tz *tz)
{
	static const int64_t instants[] = {TIME_NONE, INT64_C(-62135596800000000), -1, 0,
		INT64_C(1700000000000000), INT64_C(253402300799000000), TIME_NEVER};

	for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
		struct tz_span span = tz_span_at(tz, instants[i]);
		struct tz_change change;
		int64_t out[2];
		ck_assert(span.start_us <= instants[i] && instants[i] <= span.end_us);
		ck_assert(span.offset_us >= TZ_OFFSET_MIN_US && span.offset_us <= TZ_OFFSET_MAX_US);
		if (tz_next_change(tz, instants[i], TIME_NEVER, &change))
			ck_assert(
				change.at_us > instants[i] && change.before_us != change.after_us);
		tz_to_local(tz, instants[i]);
		tz_from_local(tz, instants[i], out);
	}
}

START_TEST(a_file_cut_short_anywhere_is_rejected)
{
	static const char *const names[] = {"Europe/Amsterdam", "Africa/Casablanca", "UTC"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len;
		char *data = zone_file_read(names[i], &len);
		for (size_t cut = 0; cut < len; cut++) {
			struct err err = ERR_INIT;
			/* A copy of its exact size, so that a read past its end is noticed. */
			char *copy = xmalloc(cut + 1);
			memcpy(copy + 1, data, cut);
			ck_assert_msg(tz_parse(names[i], copy + 1, cut, &err) == NULL,
				"%s cut to %zu", names[i], cut);
			free(copy);
		}
		free(data);
	}
}
END_TEST

static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

START_TEST(damaged_files_do_no_harm)
{
	static const char *const names[] = {
		"Europe/Amsterdam", "Africa/Casablanca", "America/New_York", "Pacific/Apia", "UTC"};
	uint32_t state = 1;
	int good = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len;
		char *data = zone_file_read(names[i], &len);
		for (int n = 0; n < 2000; n++) {
			struct err err = ERR_INIT;
			char *copy = xmalloc(len);
			struct tz *tz;
			memcpy(copy, data, len);
			for (uint32_t k = next_random(&state) % 4 + 1; k > 0; k--) {
				/* Half of the damage to the headers and the footer. */
				size_t place = next_random(&state) % len;
				if (next_random(&state) % 4 == 0)
					place = next_random(&state) % 44;
				else if (next_random(&state) % 4 == 0)
					place = len - 1 - next_random(&state) % 32;
				copy[place] = (char)next_random(&state);
			}
			tz = tz_parse(names[i], copy, len, &err);
			if (tz != NULL)
				use_zone(tz);
			good += tz != NULL;
			tz_free(tz);
			free(copy);
		}
		free(data);
	}
	ck_assert_int_gt(good, 0);
}
END_TEST

START_TEST(every_zone_of_the_system_is_read)
{
	FILE *f = fopen("/usr/share/zoneinfo/zone1970.tab", "re");
	char *line = NULL;
	size_t cap = 0;
	int n = 0;

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &cap, f) > 0) {
		char name[256];
		/* countries, coordinates, zone, comments */
		if (line[0] != '#' && sscanf(line, "%*s %*s %255s", name) == 1) {
			ck_assert_msg(tz_name_is_safe(name), "%s", name);
			use_zone(zone_file(name));
			n++;
		}
	}
	ck_assert_int_gt(n, 200);
	free(line);
	fclose(f);
	zone_files_free();
}
END_TEST

START_TEST(a_zone_name_cannot_leave_its_directory)
{
	static const char *const good[] = {"UTC", "Europe/Amsterdam", "Etc/GMT+2", "EST",
		"America/Argentina/Buenos_Aires", "America/Port-au-Prince", "..a", "a..", ".a"};
	static const char *const bad[] = {"", "/etc/passwd", "../x", "Europe/../x", "Europe/..",
		"Europe/", "Europe//Amsterdam", "./UTC", "Europe/./Amsterdam", ".", "..", "/",
		"UTC ", "U\nTC", "Z\xc3\xbcrich", "UTC\x7f"};
	char long_name[300];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(tz_name_is_safe(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!tz_name_is_safe(bad[i]), "%s", bad[i]);
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert(!tz_name_is_safe(long_name));
}
END_TEST

START_TEST(utc_is_built_in)
{
	struct tz *utc = tz_utc();
	struct tz_change change;

	ck_assert_str_eq(tz_name(utc), "UTC");
	ck_assert_int_eq(tz_offset_at(utc, at("2026-01-01 00:00:00")), 0);
	ck_assert(!tz_next_change(utc, TIME_NONE, TIME_NEVER, &change));
	use_zone(utc);
	tz_free(utc);
	tz_free(NULL);
}
END_TEST

static void
check_vector(
	const char *line, const struct tz *tz, const char *what, int64_t us, const char *answer)
{
	long long a = 0, b = 0, c = 0;
	int fields = sscanf(answer, "%lld %lld %lld", &a, &b, &c);
	int64_t out[2] = {0, 0};
	struct tz_change change = {0, 0, 0};

	if (strcmp(what, "offset") == 0) {
		ck_assert_msg(tz_offset_at(tz, us) == a * US_PER_SEC, "%s", line);
	} else if (strcmp(what, "local") == 0) {
		ck_assert_msg(tz_from_local(tz, us, out) == a, "%s", line);
		ck_assert_msg(out[0] == b * US_PER_SEC, "%s", line);
		ck_assert_msg(fields < 3 || out[1] == c * US_PER_SEC, "%s", line);
	} else {
		ck_assert_str_eq(what, "change");
		ck_assert_msg(tz_next_change(tz, us, TIME_NEVER, &change), "%s", line);
		ck_assert_msg(change.at_us == a * US_PER_SEC && change.after_us == b * US_PER_SEC,
			"%s", line);
	}
}

START_TEST(answers_are_those_of_zoneinfo)
{
	FILE *f = fopen(vector_file, "re");
	char *line = NULL, *copy;
	size_t cap = 0;
	int n = 0;

	ck_assert_msg(f != NULL, "no %s", vector_file);
	for (; getline(&line, &cap, f) > 0; n++) {
		char *rest, *zone, *what, *us;
		line[strcspn(line, "\n")] = '\0';
		copy = rest = xstrdup(line);
		zone = strsep(&rest, "|");
		what = strsep(&rest, "|");
		us = strsep(&rest, "|");
		ck_assert_msg(rest != NULL, "%s", line);
		check_vector(line, zone_file(zone), what, strtoll(us, NULL, 10) * US_PER_SEC, rest);
		free(copy);
	}
	ck_assert_int_gt(n, 0);
	free(line);
	fclose(f);
	zone_files_free();
}
END_TEST

static Suite *
tz_suite(bool replay_only)
{
	Suite *s = suite_create("tz");
	TCase *tc = tcase_create("zones");

	tcase_set_timeout(tc, 300);
	suite_add_tcase(s, tc);
	tcase_add_test(tc, answers_are_those_of_zoneinfo);
	if (replay_only)
		return s;
	tcase_add_loop_test(tc, the_footer_rules_all_later_times, 0, ARRAY_LEN(footer_cases));
	tcase_add_test(tc, a_malformed_footer_is_rejected);
	tcase_add_test(tc, each_stretch_between_transitions_has_its_offset);
	tcase_add_test(tc, a_transition_that_keeps_the_offset_is_no_change);
	tcase_add_test(tc, a_year_of_summer_time_has_no_change);
	tcase_add_test(tc, changes_go_on_through_the_calendar_period);
	tcase_add_test(tc, a_local_time_has_none_one_or_two_instants);
	tcase_add_test(tc, a_version_1_file_stays_at_its_last_offset);
	tcase_add_test(tc, leap_seconds_are_taken_out_of_the_transitions);
	tcase_add_test(tc, inconsistent_bytes_are_rejected);
	tcase_add_test(tc, a_file_cut_short_anywhere_is_rejected);
	tcase_add_test(tc, damaged_files_do_no_harm);
	tcase_add_test(tc, every_zone_of_the_system_is_read);
	tcase_add_test(tc, a_zone_name_cannot_leave_its_directory);
	tcase_add_test(tc, utc_is_built_in);
	return s;
}

int
main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (argc > 1)
		vector_file = argv[1];
	runner = srunner_create(tz_suite(argc > 1));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
