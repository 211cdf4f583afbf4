/* Reading TZif: RFC 8536, and RFC 9636 for version 4. Every byte is taken for hostile. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "tz_impl.h"

#define HEADER_LEN 44
#define TYPE_LEN 6

/* Some files begin with the Big Bang, which is more microseconds ago than an int64_t holds. */
#define SECONDS_LIMIT INT64_C(4000000000000)

struct bytes {
	const unsigned char *at;
	size_t left;
};

struct header {
	unsigned char version; /* 0 or '2', '3', '4', ... */
	uint64_t n_ut, n_std, n_leaps, n_times, n_types, n_chars;
};

/* A data block: pointers into the file, all within it. */
struct block {
	size_t time_len; /* 4 or 8 */
	struct header header;
	const unsigned char *times; /* n_times of time_len */
	const unsigned char *indexes; /* n_times */
	const unsigned char *types; /* n_types of TYPE_LEN */
	const unsigned char *leaps; /* n_leaps of time_len + 4 */
};

static int64_t
read_signed(const unsigned char *p, size_t len)
{
	uint64_t v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* The next len bytes, or NULL if there are not as many. */
static const unsigned char *
take(struct bytes *b, uint64_t len)
{
	const unsigned char *p = b->at;

	if (len > b->left)
		return NULL;
	b->at += len;
	b->left -= len;
	return p;
}

static int
read_header(struct bytes *b, struct header *h, struct err *err)
{
	const unsigned char *p = take(b, HEADER_LEN);
	uint64_t *counts[] = {
		&h->n_ut, &h->n_std, &h->n_leaps, &h->n_times, &h->n_types, &h->n_chars};

	if (p == NULL || memcmp(p, "TZif", 4) != 0)
		return err_set(err, ERR_FAILED, "not a TZif file");
	h->version = p[4];
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		*counts[i] = (uint64_t)read_signed(p + 20 + 4 * i, 4) & UINT32_MAX;
	if (h->n_types == 0 || h->n_chars == 0)
		return err_set(err, ERR_FAILED, "no local time types");
	if ((h->n_ut != 0 && h->n_ut != h->n_types) || (h->n_std != 0 && h->n_std != h->n_types))
		return err_set(err, ERR_FAILED, "inconsistent counts");
	return 0;
}

/* Reads a header and finds the data behind it. Counts have 32 bits, so no product overflows. */
static int
read_block(struct bytes *b, size_t time_len, struct block *block, struct err *err)
{
	struct header *h = &block->header;

	if (read_header(b, h, err) != 0)
		return -1;
	block->time_len = time_len;
	block->times = take(b, h->n_times * time_len);
	block->indexes = take(b, h->n_times);
	block->types = take(b, h->n_types * TYPE_LEN);
	if (block->times == NULL || block->indexes == NULL || block->types == NULL ||
		take(b, h->n_chars) == NULL)
		return err_set(err, ERR_FAILED, "cut short");
	block->leaps = take(b, h->n_leaps * (time_len + 4));
	if (block->leaps == NULL || take(b, h->n_std) == NULL || take(b, h->n_ut) == NULL)
		return err_set(err, ERR_FAILED, "cut short");
	return 0;
}

static int
type_offset(const struct block *block, size_t type, int64_t *offset_us, struct err *err)
{
	int64_t us;

	if (type >= block->header.n_types)
		return err_set(err, ERR_FAILED, "no local time type %zu", type);
	us = read_signed(block->types + type * TYPE_LEN, 4) * US_PER_SEC;
	if (us < TZ_OFFSET_MIN_US || us > TZ_OFFSET_MAX_US)
		return err_set(err, ERR_FAILED, "local time type %zu is out of range", type);
	*offset_us = us;
	return 0;
}

/*
 * Files of the "right" kind count leap seconds, the clock does not. *leap walks on with the times,
 * which ascend.
 */
static int64_t
without_leaps(const struct block *block, int64_t seconds, size_t *leap)
{
	size_t len = block->time_len;
	const unsigned char *p;

	while (*leap < block->header.n_leaps &&
		read_signed(block->leaps + *leap * (len + 4), len) <= seconds)
		++*leap;
	if (*leap == 0)
		return seconds;
	p = block->leaps + (*leap - 1) * (len + 4) + len;
	return seconds - read_signed(p, 4);
}

static int64_t
limit_seconds(int64_t seconds)
{
	if (seconds < -SECONDS_LIMIT)
		return -SECONDS_LIMIT;
	return seconds > SECONDS_LIMIT ? SECONDS_LIMIT : seconds;
}

static int
add_transitions(struct tz *tz, const struct block *block, int64_t *last_us, struct err *err)
{
	int64_t previous = INT64_MIN;
	size_t leap = 0;

	if (type_offset(block, 0, &tz->first_offset_us, err) != 0)
		return -1;
	for (size_t i = 0; i < block->header.n_times; i++) {
		int64_t seconds = read_signed(block->times + i * block->time_len, block->time_len);
		int64_t offset_us, at_us;
		if (i > 0 && seconds <= previous)
			return err_set(err, ERR_FAILED, "transitions are not in order");
		previous = seconds;
		if (type_offset(block, block->indexes[i], &offset_us, err) != 0)
			return -1;
		at_us = without_leaps(block, limit_seconds(seconds), &leap) * US_PER_SEC;
		if (at_us < *last_us)
			return err_set(err, ERR_FAILED, "leap seconds are not in order");
		tz_add(tz, at_us, offset_us);
		*last_us = at_us;
	}
	return 0;
}

/* The footer is a line of its own, empty if nothing is known of later times. */
static int
add_footer(struct tz *tz, struct bytes *b, int64_t from_us, struct err *err)
{
	const unsigned char *newline = take(b, 1);
	const unsigned char *end = b->left > 0 ? memchr(b->at, '\n', b->left) : NULL;
	struct tz_rule rule;

	if (newline == NULL || *newline != '\n' || end == NULL)
		return err_set(err, ERR_FAILED, "no footer");
	if (end == b->at)
		return 0;
	if (tz_rule_parse((const char *)b->at, (size_t)(end - b->at), &rule, err) != 0)
		return -1;
	if (from_us == TIME_NONE) {
		/* Without transitions the footer holds for all times: from the first year, say. */
		from_us = civil_to_days(1, 1, 1) * US_PER_DAY;
		tz->first_offset_us = rule.std_us;
	}
	tz_extend(tz, &rule, from_us);
	return 0;
}

static int
read_zone(struct tz *tz, struct bytes *b, struct err *err)
{
	struct block block;
	int64_t last_us = TIME_NONE;

	/* The first block is in the old form; when there is a second one, that says the same better. */
	if (read_block(b, 4, &block, err) != 0)
		return -1;
	if (block.header.version == 0)
		return add_transitions(tz, &block, &last_us, err);
	if (read_block(b, 8, &block, err) != 0 || add_transitions(tz, &block, &last_us, err) != 0)
		return -1;
	return add_footer(tz, b, last_us, err);
}

struct tz *
tz_parse(const char *name, const void *data, size_t len, struct err *err)
{
	struct tz *tz = tz_new(name);
	struct bytes b = {data, len};

	if (read_zone(tz, &b, err) != 0) {
		err_prefix(err, "time zone %s", name);
		tz_free(tz);
		return NULL;
	}
	return tz;
}
