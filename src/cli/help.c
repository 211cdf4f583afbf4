#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config.h"

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

static void
print_options(const struct cli_option *options, FILE *out)
{
	char left[64];

	for (; options != NULL && options->name != NULL; options++) {
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", options->letter != 0 ? '-' : ' ',
			options->letter != 0 ? options->letter : ' ',
			options->letter != 0 ? ", " : "  ", options->name,
			options->value != NULL ? " " : "",
			options->value != NULL ? options->value : "");
		fprintf(out, "  %-28s %s%s\n", left, options->help,
			options->repeats ? " (may be repeated)" : "");
	}
}

void
help_command(const struct cli_noun *noun, const struct cli_command *command, FILE *out)
{
	struct arena a = ARENA_INIT;
	bool options = command->options != NULL;

	fprintf(out, "Usage: %s%s\n\n%s.\n", help_usage(&a, noun, command),
		options ? " [OPTION]..." : "", command->summary);
	if (options) {
		fputs("\nOptions:\n", out);
		print_options(command->options, out);
	}
	if (!command->raw) {
		fputs("\nFor every command:\n", out);
		print_options(cli_global_options, out);
	}
	if (command->notes != NULL)
		fprintf(out, "\n%s\n", command->notes);
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
		fprintf(out, "  %-28s %s\n", arena_printf(&a, "%s %s", c->verb, c->args),
			c->summary);
	fprintf(out, "\n`flowfile %s COMMAND --help` tells more.\n", noun->noun);
	arena_free(&a);
}

void
help_program(FILE *out)
{
	fprintf(out,
		"flowfile %s: schedules, runs and looks after data flows\n\n"
		"Usage: flowfile COMMAND [ARGUMENT]... [OPTION]...\n\n",
		PACKAGE_VERSION);
	for (const struct cli_noun *n = cli_nouns; n->noun != NULL; n++) {
		fprintf(out, "  %-11s%s\n", n->noun, n->summary);
		if (n->commands[0].verb == NULL)
			continue;
		fputs("             ", out);
		for (const struct cli_command *c = n->commands; c->run != NULL; c++)
			fprintf(out, "%s%s", c == n->commands ? "" : " | ", c->verb);
		fputc('\n', out);
	}
	fputs("\nFor every command:\n", out);
	print_options(cli_global_options, out);
	fputs("\n`flowfile COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 wrong "
	      "usage,\n"
	      "3 not found, 4 conflict.\n",
		out);
}
