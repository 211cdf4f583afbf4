/* Exit files: what can be read is written the same way again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "runner/exitfile.h"

int
FUZZ_TARGET(exitfile)(const uint8_t *data, size_t size)
{
	char first[EXIT_TEXT_MAX], second[EXIT_TEXT_MAX];
	struct err err = ERR_INIT;
	struct exit_record record;
	char *text = xcalloc(1, size + 1);

	memcpy(text, data, size);
	if (exit_record_parse(text, &record, &err) == 0) {
		assert(exit_record_format(&record, first) == strlen(first));
		assert(exit_record_parse(first, &record, &err) == 0);
		exit_record_format(&record, second);
		assert(strcmp(first, second) == 0);
	} else {
		assert(err.text[0] != '\0');
	}
	free(text);
	return 0;
}
