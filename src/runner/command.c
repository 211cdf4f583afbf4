#include "runner/command.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define WORD_MAX (32 * 1024)
#define PATH_WITHOUT "/usr/local/bin:/usr/bin:/bin" /* when PATH is unset */

struct placeholder {
	const char *name;
	const char *value;
};

char **
command_split(const char *template, struct err *err)
{
	size_t n;
	char **words = text_split_words(template, &n, err);

	if (words == NULL) {
		if (err != NULL)
			err->code = ERR_USAGE;
		err_prefix(err, "run command");
		return NULL;
	}
	if (n == 0 || words[0][0] == '\0') {
		err_set(err, ERR_USAGE, "run command: empty");
		text_free_words(words);
		return NULL;
	}
	return words;
}

int
command_check(const char *template, struct err *err)
{
	char **words = command_split(template, err);

	if (words == NULL)
		return -1;
	text_free_words(words);
	return 0;
}

bool
command_is_flow_file(const char *path)
{
	static const char *const suffixes[] = {".yaml", ".yml", ".json"};
	size_t len = strlen(path), n;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		n = strlen(suffixes[i]);
		if (len >= n && text_equal_nocase(path + len - n, suffixes[i]))
			return true;
	}
	return false;
}

bool
command_is_direct(const char *flow_path)
{
	struct stat st;

	return !command_is_flow_file(flow_path) && stat(flow_path, &st) == 0 &&
		S_ISREG(st.st_mode) && access(flow_path, X_OK) == 0;
}

/* One word with its placeholders replaced, in one pass from left to right. NULL when too long. */
static char *
fill_word(const char *word, const struct placeholder *with, size_t n)
{
	const struct placeholder *hit;
	struct buf out;

	buf_init(&out, WORD_MAX);
	while (*word != '\0') {
		hit = NULL;
		for (size_t i = 0; i < n && hit == NULL; i++)
			if (text_starts(word, with[i].name))
				hit = &with[i];
		if (hit != NULL) {
			buf_puts(&out, hit->value);
			word += strlen(hit->name);
		} else {
			buf_putc(&out, *word++);
		}
	}
	if (buf_failed(&out)) {
		buf_free(&out);
		return NULL;
	}
	return buf_take(&out);
}

/* A program without a slash would be looked for in PATH, where it is not. */
static char **
direct_argv(const char *flow_path)
{
	char **argv = xcalloc(2, sizeof(*argv));

	argv[0] =
		strchr(flow_path, '/') != NULL ? xstrdup(flow_path) : xasprintf("./%s", flow_path);
	return argv;
}

char **
command_fill(const char *const *words, const char *flow_path, int64_t run_id, struct err *err)
{
	char number[24], **argv;
	const struct placeholder with[] = {{"{flow_path}", flow_path}, {"{run_id}", number}};
	size_t n = 0;

	if (command_is_direct(flow_path))
		return direct_argv(flow_path);
	while (words[n] != NULL)
		n++;
	argv = xcalloc(n + 1, sizeof(*argv));
	snprintf(number, sizeof(number), "%" PRId64, run_id);
	for (size_t i = 0; i < n; i++) {
		argv[i] = fill_word(words[i], with, ARRAY_LEN(with));
		if (argv[i] == NULL) {
			err_set(err, ERR_USAGE, "run command: a word is longer than %d bytes",
				WORD_MAX);
			text_free_words(argv);
			return NULL;
		}
	}
	return argv;
}

char **
command_expand(const char *template, const char *flow_path, int64_t run_id, struct err *err)
{
	char **words = command_split(template, err), **argv = NULL;

	if (words != NULL)
		argv = command_fill((const char *const *)words, flow_path, run_id, err);
	text_free_words(words);
	return argv;
}

void
command_free(char **argv)
{
	text_free_words(argv);
}

/* 0 if it can be executed by its mode, else an errno: ENOENT, EACCES, EISDIR. */
static int
check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return access(path, X_OK) < 0 ? errno : 0;
}

static void
say_refused(struct err *err, int why, const char *path)
{
	if (why == EACCES)
		err_set(err, ERR_FAILED, "run command '%s': not executable by this user", path);
	else
		err_errno(err, why, "run command '%s'", path);
}

/* What is not there, or is no program, does not end the search; what there was is remembered. */
static char *
search_path(const char *program, char **refused)
{
	const char *dirs = getenv("PATH"), *end;
	char *path;
	int rc;

	if (dirs == NULL)
		dirs = PATH_WITHOUT;
	for (;; dirs = end + 1) {
		end = strchrnul(dirs, ':');
		/* An empty folder in PATH is the current one. */
		path = xasprintf("%.*s/%s", end > dirs ? (int)(end - dirs) : 1,
			end > dirs ? dirs : ".", program);
		rc = check_program(path);
		if (rc == 0)
			return path;
		if (rc == EACCES && *refused == NULL)
			*refused = path;
		else
			free(path);
		if (*end == '\0')
			return NULL;
	}
}

char *
command_resolve(const char *program, struct err *err)
{
	char *found, *refused = NULL;
	int rc;

	if (program[0] == '\0') {
		err_set(err, ERR_USAGE, "run command: empty");
		return NULL;
	}
	if (strchr(program, '/') != NULL) {
		rc = check_program(program);
		if (rc == 0)
			return xstrdup(program);
		say_refused(err, rc, program);
		return NULL;
	}
	found = search_path(program, &refused);
	if (found == NULL && refused != NULL)
		say_refused(err, EACCES, refused);
	else if (found == NULL)
		err_set(err, ERR_NOT_FOUND, "run command '%s': not found in PATH", program);
	free(refused);
	return found;
}
