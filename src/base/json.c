#include "base/json.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/timefmt.h"

void
json_init(struct json *j, struct buf *out)
{
	*j = (struct json){.out = out};
}

/* What goes before every value: the comma, except after a key and for the first of its level. */
static void
before_value(struct json *j)
{
	if (j->key) {
		j->key = false;
		return;
	}
	assert(j->depth > 0 || !j->some[0]); /* a text has one value at its top */
	if (j->some[j->depth])
		buf_putc(j->out, ',');
	j->some[j->depth] = true;
}

static void
open_level(struct json *j, char c)
{
	before_value(j);
	buf_putc(j->out, c);
	assert(j->depth + 1 < JSON_DEPTH_MAX);
	j->some[++j->depth] = false;
}

static void
close_level(struct json *j, char c)
{
	assert(j->depth > 0 && !j->key);
	j->depth--;
	buf_putc(j->out, c);
}

void
json_object(struct json *j)
{
	open_level(j, '{');
}

void
json_object_end(struct json *j)
{
	close_level(j, '}');
}

void
json_array(struct json *j)
{
	open_level(j, '[');
}

void
json_array_end(struct json *j)
{
	close_level(j, ']');
}

static void
put_ascii(struct buf *out, char c)
{
	static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c != '\0' ? strchr(shorts, c) : NULL;

	if (found != NULL) {
		buf_putc(out, '\\');
		buf_putc(out, letters[found - shorts]);
	} else if ((unsigned char)c < 0x20) {
		buf_printf(out, "\\u%04x", (unsigned)c);
	} else {
		buf_putc(out, c);
	}
}

static bool
is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void
put_quoted(struct buf *out, const char *s, size_t len)
{
	size_t n;
	bool valid;

	buf_putc(out, '"');
	for (size_t i = 0; i < len; i += n) {
		for (n = 0; i + n < len && is_plain(s[i + n]); n++)
			;
		if (n > 0) {
			buf_add(out, s + i, n);
			continue;
		}
		n = text_utf8_step(s + i, len - i, &valid);
		if (!valid)
			buf_puts(out, "\xEF\xBF\xBD");
		else if (n == 1)
			put_ascii(out, s[i]);
		else
			buf_add(out, s + i, n);
	}
	buf_putc(out, '"');
}

void
json_key(struct json *j, const char *key)
{
	assert(j->depth > 0 && !j->key);
	before_value(j);
	put_quoted(j->out, key, strlen(key));
	buf_putc(j->out, ':');
	j->key = true;
}

void
json_string(struct json *j, const char *s)
{
	if (s == NULL) {
		json_null(j);
		return;
	}
	before_value(j);
	put_quoted(j->out, s, strlen(s));
}

void
json_string_n(struct json *j, const char *s, size_t len)
{
	before_value(j);
	put_quoted(j->out, s, len);
}

void
json_int(struct json *j, int64_t v)
{
	before_value(j);
	buf_printf(j->out, "%" PRId64, v);
}

/* A positive finite number as 0.digits * 10^point. */
struct decimal {
	char digits[DBL_DECIMAL_DIG + 1];
	int n;
	int point;
};

/* The nearest decimal of n digits. Digits are picked out one by one: the radix character is the
 * locale's. */
static void
decimal_nearest(struct decimal *d, double v, int n)
{
	char text[64];
	const char *p = text;

	snprintf(text, sizeof(text), "%.*e", n - 1, v);
	for (d->n = 0; *p != 'e'; p++) {
		if (*p >= '0' && *p <= '9')
			d->digits[d->n++] = *p;
	}
	d->digits[d->n] = '\0';
	d->point = atoi(p + 1) + 1;
}

/* The next larger decimal of as many digits. */
static void
decimal_up(struct decimal *d)
{
	int i = d->n - 1;

	for (; i >= 0 && d->digits[i] == '9'; i--)
		d->digits[i] = '0';
	if (i >= 0) {
		d->digits[i]++;
	} else {
		d->digits[0] = '1';
		d->point++;
	}
}

static bool
decimal_reads_as(const struct decimal *d, double v)
{
	char text[64];

	snprintf(text, sizeof(text), "%se%d", d->digits, d->point - d->n);
	return strtod(text, NULL) == v;
}

/*
 * The fewest digits that read back as v. Up to 15 digits always survive the way through a normal
 * double, so that fewer show as zeros at the end; in the subnormal range one has to look. Below a
 * power of two doubles lie twice as close as above it: there the nearest decimal can miss while the
 * next one above still reads back.
 */
static void
decimal_shortest(struct decimal *d, double v)
{
	int n = v < DBL_MIN ? 1 : DBL_DIG;

	for (;; n++) {
		decimal_nearest(d, v, n);
		if (n >= DBL_DECIMAL_DIG || decimal_reads_as(d, v))
			break;
		decimal_up(d);
		if (decimal_reads_as(d, v))
			break;
	}
	while (d->n > 1 && d->digits[d->n - 1] == '0')
		d->digits[--d->n] = '\0';
}

static void
put_times(struct buf *out, char c, int times)
{
	while (times-- > 0)
		buf_putc(out, c);
}

/* The form that Python's repr() gives: an exponent below 1e-4 and from 1e16 on, else a point with a
 * digit on both sides. */
static void
put_decimal(struct buf *out, const struct decimal *d)
{
	int whole = d->point < d->n ? d->point : d->n; /* digits before the point */

	if (d->point > 16 || d->point < -3) {
		buf_putc(out, d->digits[0]);
		if (d->n > 1)
			buf_printf(out, ".%s", d->digits + 1);
		buf_printf(out, "e%+03d", d->point - 1);
	} else if (d->point <= 0) {
		buf_puts(out, "0.");
		put_times(out, '0', -d->point);
		buf_puts(out, d->digits);
	} else {
		buf_add(out, d->digits, (size_t)whole);
		put_times(out, '0', d->point - whole);
		buf_putc(out, '.');
		buf_puts(out, whole < d->n ? d->digits + whole : "0");
	}
}

void
json_put_double(struct buf *out, double v)
{
	struct decimal d;

	if (signbit(v))
		buf_putc(out, '-');
	if (fpclassify(v) == FP_ZERO) {
		buf_puts(out, "0.0");
		return;
	}
	decimal_shortest(&d, fabs(v));
	put_decimal(out, &d);
}

void
json_double(struct json *j, double v)
{
	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	before_value(j);
	json_put_double(j->out, v);
}

void
json_bool(struct json *j, bool v)
{
	before_value(j);
	buf_puts(j->out, v ? "true" : "false");
}

void
json_raw(struct json *j, const char *text)
{
	before_value(j);
	buf_puts(j->out, text);
}

void
json_null(struct json *j)
{
	before_value(j);
	buf_puts(j->out, "null");
}

void
json_time(struct json *j, int64_t us)
{
	char text[TIMEFMT_SIZE];

	if (us == TIME_NONE) {
		json_null(j);
		return;
	}
	time_format_api(us, text);
	json_string(j, text);
}

void
json_kv_string(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_string(j, s);
}

void
json_kv_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

void
json_kv_int_or_null(struct json *j, const char *key, int64_t v, int64_t none)
{
	json_key(j, key);
	if (v == none)
		json_null(j);
	else
		json_int(j, v);
}

void
json_kv_double(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_double(j, v);
}

void
json_kv_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void
json_kv_time(struct json *j, const char *key, int64_t us)
{
	json_key(j, key);
	json_time(j, us);
}

void
json_kv_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}
