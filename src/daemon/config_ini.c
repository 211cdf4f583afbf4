#include "daemon/config_option.h"

#include <string.h>

#include "base/text.h"

static int
parse_section(const char *line, struct err *err)
{
	if (strcmp(line, "[scheduler]") == 0)
		return 0;
	if (line[strlen(line) - 1] != ']')
		return err_set(err, ERR_USAGE, "%s: a section ends with ]", line);
	return err_set(err, ERR_USAGE, "%s: the only section is [scheduler]", line);
}

/* line is trimmed and not empty. */
static int
parse_pair(int number, char *line, ini_cb cb, void *arg, struct err *err)
{
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return err_set(err, ERR_USAGE, "%s: neither a comment nor \"key = value\"", line);
	*equals = '\0';
	return cb(number, text_trim(line), text_trim(equals + 1), arg, err);
}

static int
parse_line(int number, char *line, ini_cb cb, void *arg, struct err *err)
{
	line = text_trim(line);
	switch (*line) {
	case '\0':
	case '#':
	case ';':
		return 0;
	case '[':
		return parse_section(line, err);
	default:
		return parse_pair(number, line, cb, arg, err);
	}
}

int
ini_parse(const char *file, char *text, size_t len, ini_cb cb, void *arg, struct err *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	char *line = text_starts(text, bom) ? text + sizeof(bom) - 1 : text, *next;

	if (strlen(text) != len || !text_is_utf8(text, len))
		return err_set(err, ERR_USAGE, "%s: not a text file in UTF-8", file);
	for (int number = 1; line != NULL; number++, line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (parse_line(number, line, cb, arg, err) < 0)
			return err_prefix(err, "%s:%d", file, number);
	}
	return 0;
}
