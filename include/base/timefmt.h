/*
 * Times as text.
 *
 * The catalog's form (contract 1.2) is "YYYY-MM-DD HH:MM:SS[.ffffff]", UTC without a zone. We write
 * six digits always; we read 0 to 9 digits (the last three are dropped) and a 'T' or a blank.
 */
#ifndef FF_BASE_TIMEFMT_H
#define FF_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMEFMT_SIZE 40 /* room for any of the forms below */

/* A civil date and time in the proleptic Gregorian calendar, zone unsaid. */
struct civil {
	int64_t year;
	int month; /* 1..12 */
	int day; /* 1..31 */
	int hour, minute, second;
	int us;
};

/* Days since 1970-01-01 of a civil date, and back. Any year that fits; the day may lie outside its
 * month and is counted on from there. */
int64_t civil_to_days(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t *year, int *month, int *day);
/* 0 = Sunday .. 6 = Saturday. */
int civil_weekday(int64_t days);
int civil_days_in_month(int64_t year, int month);
/* Seconds are whole days * 86400 + time of day, as if the civil time were UTC. */
int64_t civil_to_us(const struct civil *c);
void civil_from_us(int64_t us, struct civil *c);

/* "2026-05-20 08:00:05.000000" */
void time_format_catalog(int64_t us, char out[TIMEFMT_SIZE]);
/* "2026-05-20T08:00:05Z"; fraction only when it is not zero. */
void time_format_utc(int64_t us, char out[TIMEFMT_SIZE]);
/* "2026-05-20T08:00:05", ".ffffff" appended when not zero: the API's form (contract 5.1). */
void time_format_api(int64_t us, char out[TIMEFMT_SIZE]);
/* "2026-05-20 08:00:05" for people, UTC. */
void time_format_human(int64_t us, char out[TIMEFMT_SIZE]);
/* A duration for people: "850ms", "12s", "3m 05s", "2h 10m", "4d 3h". */
void time_format_duration(int64_t us, char out[TIMEFMT_SIZE]);

/* Reads the catalog's form: a date, then maybe HH:MM[:SS[.f]], then maybe a zone ("Z", "+02:00",
 * "+0200", "+02"), which is taken into account. False, *us untouched, if it is not one. */
bool time_parse(const char *text, int64_t *us);

#endif
