#include "daemon/config_option.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/units.h"

#define SAMPLE_WIDTH 96

/* A sentence as comment lines, broken between words. */
static void
print_comment(const char *text, FILE *out)
{
	size_t column = 0, word;

	for (; *text != '\0'; text += word, text += strspn(text, " ")) {
		word = strcspn(text, " ");
		if (column > 0 && column + 1 + word > SAMPLE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column == 0 ? "# " : " ", (int)word, text);
	}
	fputc('\n', out);
}

static void
print_option_sample(const struct option *option, FILE *out)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_puts(&text, option->what);
	for (size_t i = 0; i < OPTION_ALIASES_MAX && option->aliases[i] != NULL; i++)
		buf_printf(&text, "%s %s", i == 0 ? " Also" : ",", option->aliases[i]);
	if (option->aliases[0] != NULL)
		buf_puts(&text, ".");
	assert(!buf_failed(&text));
	fputc('\n', out);
	print_comment(buf_str(&text), out);
	buf_free(&text);
	fprintf(out, "#%s =%s%s\n", option->key, option->fallback[0] != '\0' ? " " : "",
		option->fallback);
}

void
config_print_sample(FILE *out)
{
	print_comment(
		"Configuration of flowfile_scheduler: every option with its default. It is read "
		"from the file named by --config or FLOWFILE_SCHEDULER_CONFIG, else "
		"<storage_dir>/scheduler.ini, else flowfile/scheduler.ini in the directory that "
		"./configure was given as --sysconfdir: /usr/local/etc if it was given none, /etc "
		"with contrib/install.sh and in the container.",
		out);
	fputs("#\n", out);
	print_comment("Each option can also be given as a variable, which goes over the file: "
		      "FLOWFILE_SCHEDULER_ and the option's name in capitals.",
		out);
	fputs("#\n", out);
	print_comment(
		"Durations: 90, 90s, 5m, 2h, 1d. Sizes: 500K, 64M, 2G. A comment has a line of its "
		"own; values stand without quotes.",
		out);
	fputs("\n[scheduler]\n", out);
	for (size_t i = 0; i < config_options_count; i++)
		print_option_sample(&config_options[i], out);
}

/*
 * A catalog's URL without its passwords: what stands between the first ':' and the last '@' of the part
 * before '?', and every parameter whose name ends in "password". Rather too much than too little.
 */
static void
print_url(const char *url, FILE *out)
{
	const char *rest = strstr(url, "://"), *query, *colon, *at;

	if (rest == NULL) {
		fputs(url, out);
		return;
	}
	rest += 3;
	query = rest + strcspn(rest, "?");
	at = memrchr(rest, '@', (size_t)(query - rest));
	colon = memchr(rest, ':', (size_t)(query - rest));
	if (at != NULL && colon != NULL && colon < at) {
		fprintf(out, "%.*s:***", (int)(colon - url), url);
		url = at;
	}
	while ((rest = strstr(query, "password=")) != NULL) {
		rest += strlen("password=");
		fprintf(out, "%.*s***", (int)(rest - url), url);
		url = query = rest + strcspn(rest, "&");
	}
	fputs(url, out);
}

static char *
option_text(const struct option *option, const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return xstrdup("?");
	if (strcmp(option->key, "database") == 0)
		print_url(config->database, out);
	else
		option_print(option, config, out);
	fclose(out);
	return text;
}

static void
print_row(const char *name, const char *value, const char *note, FILE *out)
{
	if (*value == '\0')
		value = "-";
	if (*note != '\0')
		fprintf(out, "%-23s %-40s %s\n", name, value, note);
	else
		fprintf(out, "%-23s %s\n", name, value);
}

void
config_print(const struct config *config, FILE *out)
{
	const struct paths *paths = &config->paths;
	char *text;

	print_row("file", config->file != NULL ? config->file : "-", "", out);
	for (size_t i = 0; i < config_options_count; i++) {
		text = option_text(&config_options[i], config);
		print_row(config_options[i].key, text, config_source(config, config_options[i].key),
			out);
		free(text);
	}
	fputc('\n', out);
	print_row("base directory", paths->base, "", out);
	print_row("flows", paths->flows, "", out);
	print_row("table data", paths->tables, "", out);
	print_row("run logs", paths->logs, "", out);
	print_row("scheduler's own files", paths->state, "", out);
}
