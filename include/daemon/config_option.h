/*
 * The table of options behind config.h, and the reader of INI files. Only the configuration's own
 * files and its test use this.
 */
#ifndef FF_DAEMON_CONFIG_OPTION_H
#define FF_DAEMON_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "daemon/config.h"

struct option;

/* How values of one kind are read from text and written back. */
struct option_kind {
	/* Fills the field; -1 with err saying what is wrong with the text (without naming the key). */
	int (*parse)(const struct option *option, const char *text, void *field, struct err *err);
	void (*print)(const void *field, FILE *out);
	/* Whether an empty text means "as if it were not there". */
	bool may_be_empty;
};

#define OPTION_ALIASES_MAX 2

struct option {
	const char *key;
	const struct option_kind *kind;
	size_t offset; /* of the field in struct config */
	const char
		*fallback; /* the default as one would write it; "" when config_load finds it out */
	int64_t min, max; /* numbers only, in the unit of the field */
	const char *aliases[OPTION_ALIASES_MAX]; /* variables besides FLOWFILE_SCHEDULER_<KEY> */
	/* An alias that upstream reads: a bare integer, and what is none is ignored with a warning
	 * (contract 2.1). */
	bool alias_is_integer;
	const char *what; /* one or two sentences */
};

extern const struct option config_options[];
extern const size_t config_options_count;

/* NULL if there is none of that name. */
const struct option *option_find(const char *key);
/* " (did you mean x?)", or "" when no key is near. Returns out. */
const char *option_suggest(const char *key, char *out, size_t size);
/* Reads text into the option's field. err says what is wrong, without the key. */
int
option_set(const struct option *option, struct config *config, const char *text, struct err *err);
void option_print(const struct option *option, const struct config *config, FILE *out);
#define OPTION_PREFIX "FLOWFILE_SCHEDULER_"
#define OPTION_VARIABLE_SIZE 64
/* "FLOWFILE_SCHEDULER_POLL_INTERVAL". Returns out. */
const char *option_variable(const struct option *option, char *out, size_t size);

/* Called for each "key = value"; -1 with err stops the reading. key and value are borrowed. */
typedef int (*ini_cb)(int line, const char *key, const char *value, void *arg, struct err *err);

/*
 * Reads "key = value" lines; blank lines and lines that start with '#' or ';' say nothing. The only
 * section is [scheduler], and it need not be named. Changes text. err starts with "file:line".
 */
int ini_parse(const char *file, char *text, size_t len, ini_cb cb, void *arg, struct err *err);

#endif
