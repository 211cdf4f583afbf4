#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config.h"

#define HELP_WIDTH 80
#define HELP_NAME 28 /* the width of names */

const char *
help_usage(struct arena *a, const struct cli_noun *noun, const struct cli_command *command)
{
	const char *text = arena_printf(a, "flowfile %s", noun->noun);

	if (command->verb != NULL)
		text = arena_printf(a, "%s %s", text, command->verb);
	if (*command->args != '\0')
		text = arena_printf(a, "%s %s", text, command->args);
	return text;
}

/* The text with one more word, on a new line if it does not fit. */
static const char *
append(struct arena *a, const char *text, const char *word, size_t indent)
{
	const char *line = strrchr(text, '\n');
	size_t column = line != NULL ? strlen(line + 1) : indent + strlen(text);

	if (column + 1 + strlen(word) > HELP_WIDTH)
		return arena_printf(a, "%s\n%*s%s", text, (int)indent, "", word);
	return arena_printf(a, "%s %s", text, word);
}

const char *
help_usage_full(struct arena *a, const struct cli_noun *noun, const struct cli_command *command)
{
	const struct cli_option *o = command->options;
	const char *text = "flowfile";
	char *rest = arena_strdup(a, help_usage(a, noun, command) + strlen(text)), *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			text = append(a, text, word, strlen("Usage: "));

	for (; o != NULL && o->name != NULL; o++) {
		/* Those that must be given are among the arguments. */
		if (strstr(command->args, arena_printf(a, "--%s", o->name)) != NULL)
			continue;
		text = append(a, text,
			arena_printf(a, "[--%s%s%s]%s", o->name, o->value != NULL ? " " : "",
				o->value != NULL ? o->value : "", o->repeats ? "..." : ""),
			strlen("Usage: "));
	}
	return text;
}

/*
 * Words, as many a line as there is room for, from a column on; lines that follow begin at indent. Ends the
 * last line.
 */
static void
print_words(const char *text, size_t column, size_t indent, FILE *out)
{
	bool fresh = true; /* nothing of the text is on this line yet */
	size_t len;

	for (text += strspn(text, " \n"); *text != '\0'; text += len, text += strspn(text, " \n")) {
		len = strcspn(text, " \n");
		if (!fresh && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			fresh = true;
		}
		column += (size_t)fprintf(out, "%s%.*s", fresh ? "" : " ", (int)len, text);
		fresh = false;
	}
	fputc('\n', out);
}

/* A name and what it is, in two columns; a name that is too long has a line of its own. */
static void
print_item(const char *name, const char *text, FILE *out)
{
	if (strlen(name) > HELP_NAME)
		fprintf(out, "  %s\n%*s", name, HELP_NAME + 3, "");
	else
		fprintf(out, "  %-*s ", HELP_NAME, name);
	print_words(text, HELP_NAME + 3, HELP_NAME + 3, out);
}

static void
print_options(const struct cli_option *options, FILE *out)
{
	struct arena a = ARENA_INIT;

	for (; options != NULL && options->name != NULL; options++) {
		const char *letter =
			options->letter != 0 ? arena_printf(&a, "-%c, ", options->letter) : "    ";

		print_item(arena_printf(&a, "%s--%s%s%s", letter, options->name,
				   options->value != NULL ? " " : "",
				   options->value != NULL ? options->value : ""),
			arena_printf(&a, "%s%s", options->help,
				options->repeats ? " (may be repeated)" : ""),
			out);
	}
	arena_free(&a);
}

void
help_command(const struct cli_noun *noun, const struct cli_command *command, FILE *out)
{
	static const char usage[] = "Usage: ";
	struct arena a = ARENA_INIT;
	bool options = command->options != NULL;

	fputs(usage, out);
	print_words(arena_printf(&a, "%s%s", help_usage(&a, noun, command),
			    options ? " [OPTION]..." : ""),
		strlen(usage), strlen(usage), out);
	fputc('\n', out);
	print_words(arena_printf(&a, "%s.", command->summary), 0, 0, out);
	if (options) {
		fputs("\nOptions:\n", out);
		print_options(command->options, out);
	}
	if (!command->raw) {
		fputs("\nFor every command:\n", out);
		print_options(cli_global_options, out);
	}
	if (command->notes != NULL) {
		fputc('\n', out);
		print_words(command->notes, 0, 0, out);
	}
	arena_free(&a);
}

void
help_noun(const struct cli_noun *noun, FILE *out)
{
	struct arena a = ARENA_INIT;

	if (noun->commands[0].verb == NULL) {
		help_command(noun, &noun->commands[0], out);
		return;
	}
	fprintf(out, "Usage: flowfile %s COMMAND\n\n%s.\n\n", noun->noun, noun->summary);
	for (const struct cli_command *c = noun->commands; c->run != NULL; c++)
		print_item(arena_printf(&a, "%s %s", c->verb, c->args), c->summary, out);
	fprintf(out, "\n`flowfile %s COMMAND --help` tells more.\n", noun->noun);
	arena_free(&a);
}

void
help_program(FILE *out)
{
	const int verbs_column = 13;
	struct arena a = ARENA_INIT;

	fprintf(out,
		"flowfile %s: schedules, runs and looks after data flows\n\n"
		"Usage: flowfile COMMAND [ARGUMENT]... [OPTION]...\n\n",
		PACKAGE_VERSION);
	for (const struct cli_noun *n = cli_nouns; n->noun != NULL; n++) {
		const char *verbs = "";

		if (n->summary == NULL)
			continue;
		fprintf(out, "  %-11s%s\n", n->noun, n->summary);
		if (n->commands[0].verb == NULL)
			continue;
		for (const struct cli_command *c = n->commands; c->run != NULL; c++)
			verbs = arena_printf(
				&a, "%s%s%s", verbs, c == n->commands ? "" : " | ", c->verb);
		fprintf(out, "%*s", verbs_column, "");
		print_words(verbs, (size_t)verbs_column, (size_t)verbs_column, out);
	}
	fputs("\nFor every command:\n", out);
	print_options(cli_global_options, out);
	fputc('\n', out);
	print_words("`flowfile COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 wrong "
		    "usage, 3 not found, 4 conflict.",
		0, 0, out);
	arena_free(&a);
}
