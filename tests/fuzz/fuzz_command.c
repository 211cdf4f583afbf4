/* Run commands, and the names of flow files that are put into them: the first line is the template, the rest the name. The name stays one
 * word, whatever is in it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "runner/command.h"

#define NOWHERE "/nonexistent/" /* so that none is a program */

/* The word with its placeholders replaced, in the plain way. */
static char *
replace(const char *word, const char *path)
{
	static const char flow[] = "{flow_path}", run[] = "{run_id}";
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	while (*word)
		if (strncmp(word, flow, sizeof(flow) - 1) == 0) {
			buf_puts(&b, path);
			word += sizeof(flow) - 1;
		} else if (strncmp(word, run, sizeof(run) - 1) == 0) {
			buf_puts(&b, "42");
			word += sizeof(run) - 1;
		} else {
			buf_putc(&b, *word++);
		}
	return buf_take(&b);
}

static void
check(char **words, const char *path)
{
	struct err err = ERR_INIT;
	char **filled = command_fill((const char *const *)words, path, 42, &err);
	size_t i;

	assert(filled && words[0]);
	for (i = 0; words[i]; i++) {
		char *expected = replace(words[i], path);

		assert(filled[i] && strcmp(filled[i], expected) == 0);
		free(expected);
	}
	assert(!filled[i]);
	command_free(filled);
}

int
FUZZ_TARGET(command)(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	char *template = xcalloc(1, size + 1), *path, *rest, **words;

	memcpy(template, data, size);
	rest = template;
	strsep(&rest, "\n");
	path = xcalloc(1, sizeof(NOWHERE) + strlen(rest ? rest : ""));
	stpcpy(stpcpy(path, NOWHERE), rest ? rest : "");
	words = command_split(template, &err);
	assert((command_check(template, &err) == 0) <= (words != NULL));
	if (words)
		check(words, path);
	else
		assert(err.code == ERR_USAGE && err.text[0] != '\0');
	command_free(words);
	free(path);
	free(template);
	return 0;
}
