/* Small text tools: strict number reading, word splitting. */
#ifndef FF_BASE_TEXT_H
#define FF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A decimal integer and nothing else, within [min, max]. */
bool text_to_int(const char *s, int64_t min, int64_t max, int64_t *out);
/* true/false, yes/no, on/off, 1/0 in any case. */
bool text_to_bool(const char *s, bool *out);
/* Copies s (NULL: ""), cut between characters to what fits. */
void text_copy(char *out, size_t size, const char *s);
bool text_starts(const char *s, const char *prefix);
bool text_equal_nocase(const char *a, const char *b);
/* Removes blanks at both ends in place; returns the start. */
char *text_trim(char *s);

/*
 * Splits a command line into words as a POSIX shell would (blanks, single and double quotes,
 * backslash), with no expansion of any kind (contract section 9). Returns a NULL-terminated owned
 * array of owned words, *n its length; NULL with err for an unclosed quote or a trailing backslash.
 */
char **text_split_words(const char *line, size_t *n, struct err *err);
void text_free_words(char **words);

/* FNV-1a, 64 bits: to notice a difference, or to name a thing by it; nothing an attacker could not meet. */
uint64_t text_hash(const char *s);
/* The value of an environment variable that is set to something; NULL otherwise. Borrowed. */
const char *text_env(const char *name);

/* The length of the character at s (len > 0 bytes follow). When it is not valid UTF-8, *valid is
 * false and the length is that of the bad part, which stands for one U+FFFD. */
size_t text_utf8_step(const char *s, size_t len, bool *valid);
/* The longest length up to n at which a text of n bytes or more can be cut between characters. */
size_t text_utf8_floor(const char *s, size_t n);
/* Whether s is valid UTF-8. */
bool text_is_utf8(const char *s, size_t len);
/* Columns that s takes on a terminal: one per code point. */
size_t text_width(const char *s);

#endif
