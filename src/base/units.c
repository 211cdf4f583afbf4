#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* From the largest to the smallest, so that formatting finds the shortest form. */
struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{"d", INT64_C(86400000)}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit sizes[] = {{"T", INT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20},
	{"K", 1 << 10}, {"", 1}, {NULL, 0}};

/* Digits, then the name of a unit; a bare number has the factor `bare`. */
static bool
parse(const char *s, const struct unit *units, int64_t bare, int64_t max, int64_t *out)
{
	size_t digits = strspn(s, "0123456789");
	const char *name = s + digits;
	int64_t factor = *name == '\0' ? bare : 0, value;
	char number[24];

	if (digits >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)digits, s);
	for (; units->name != NULL && factor == 0; units++) {
		if (text_equal_nocase(units->name, name))
			factor = units->factor;
	}
	if (factor == 0 || !text_to_int(number, 0, max / factor, &value))
		return false;
	*out = value * factor;
	return true;
}

static const char *
format(int64_t value, const struct unit *units, char *out, size_t size)
{
	while (units->factor != 1 && (value == 0 || value % units->factor != 0))
		units++;
	snprintf(out, size, "%" PRId64 "%s", value / units->factor, units->name);
	return out;
}

bool
duration_parse_ms(const char *s, int64_t *ms)
{
	return parse(s, durations, 1000, DURATION_MAX_MS, ms);
}

bool
duration_parse_s(const char *s, int64_t *seconds)
{
	int64_t ms;

	if (!duration_parse_ms(s, &ms) || ms % 1000 != 0)
		return false;
	*seconds = ms / 1000;
	return true;
}

const char *
duration_format_ms(int64_t ms, char *out, size_t size)
{
	if (ms == 0) {
		snprintf(out, size, "0s");
		return out;
	}
	return format(ms, durations, out, size);
}

bool
size_parse(const char *s, int64_t *bytes)
{
	return parse(s, sizes, 1, INT64_MAX, bytes);
}

const char *
size_format(int64_t bytes, char *out, size_t size)
{
	return format(bytes, sizes, out, size);
}
