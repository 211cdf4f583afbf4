/*
 * Durations and sizes as people write them: "90", "90s", "5m", "2h", "1d", also "1500ms"; "64M". One
 * number, one unit, nothing else; no signs and no fractions.
 */
#ifndef FF_BASE_UNITS_H
#define FF_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ten thousand years: as microseconds it still fits an int64_t, and a time plus it, too. */
#define DURATION_MAX_MS (INT64_C(10000) * 366 * 86400 * 1000)

/* A bare number counts in seconds. False when it is no duration or longer than DURATION_MAX_MS. */
bool duration_parse_ms(const char *s, int64_t *ms);
/* As duration_parse_ms, in seconds; false when it is not a whole number of them. */
bool duration_parse_s(const char *s, int64_t *seconds);
/* The shortest exact form: "90s", "5m", "1d", "1500ms", "0s". Returns out. */
const char *duration_format_ms(int64_t ms, char *out, size_t size);

/* Bytes with an optional K, M, G or T (powers of 1024, either case). */
bool size_parse(const char *s, int64_t *bytes);
const char *size_format(int64_t bytes, char *out, size_t size);

#endif
