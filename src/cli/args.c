#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/cli.h"

const struct cli_option cli_global_options[] = {
	{"config", 0, "FILE", "read the configuration from FILE", false},
	{"database", 0, "URL", "the catalog: a file, sqlite:///... or postgresql://...", false},
	{"json", 0, NULL, "print JSON for programs", false},
	{"help", 'h', NULL, "say how a command is used", false},
	{"version", 0, NULL, "print the version", false},
	{NULL, 0, NULL, NULL, false},
};

/* --- looking up -------------------------------------------------------------------------------- */

static const struct cli_option *
find_in(const struct cli_option *options, const char *name, size_t len, char letter)
{
	for (; options != NULL && options->name != NULL; options++) {
		if (letter != 0 ? options->letter == letter
				: strlen(options->name) == len &&
					strncmp(options->name, name, len) == 0)
			return options;
	}
	return NULL;
}

static const struct cli_option *
find_option(const struct cli *cli, const char *name, size_t len, char letter)
{
	const struct cli_option *found = NULL;

	if (cli->command != NULL)
		found = find_in(cli->command->options, name, len, letter);
	return found != NULL ? found : find_in(cli_global_options, name, len, letter);
}

static int
unknown_option(const struct cli *cli, const char *word, size_t len, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *name = arena_printf(&a, "%.*s", (int)len, word);
	struct nearest near = nearest_to(name);
	const struct cli_option *o;

	for (o = cli_global_options; o->name != NULL; o++)
		nearest_offer(&near, o->name);
	if (cli->command != NULL)
		for (o = cli->command->options; o != NULL && o->name != NULL; o++)
			nearest_offer(&near, o->name);
	if (near.name != NULL)
		err_set(err, ERR_USAGE, "unknown option --%s; did you mean --%s?", name, near.name);
	else if (cli->command != NULL)
		err_set(err, ERR_USAGE, "unknown option --%s\nUsage: %s", name,
			help_usage_full(&a, cli->noun, cli->command));
	else
		err_set(err, ERR_USAGE,
			"unknown option --%s; options of a command come after its name", name);
	arena_free(&a);
	return -1;
}

static int
find_noun(struct cli *cli, const char *word, struct err *err)
{
	struct nearest near = nearest_to(word);

	for (const struct cli_noun *n = cli_nouns; n->noun != NULL; n++) {
		if (strcmp(n->noun, word) == 0) {
			cli->noun = n;
			if (n->commands[0].verb == NULL)
				cli->command = &n->commands[0];
			return 0;
		}
		if (n->summary != NULL)
			nearest_offer(&near, n->noun);
	}
	if (near.name != NULL)
		return err_set(err, ERR_USAGE, "unknown command '%s'; did you mean '%s'?", word,
			near.name);
	return err_set(err, ERR_USAGE, "unknown command '%s'; `flowfile --help` lists them", word);
}

static int
find_verb(struct cli *cli, const char *word, struct err *err)
{
	struct nearest near = nearest_to(word);

	for (const struct cli_command *c = cli->noun->commands; c->run != NULL; c++) {
		if (strcmp(c->verb, word) == 0) {
			cli->command = c;
			return 0;
		}
		nearest_offer(&near, c->verb);
	}
	if (near.name != NULL)
		return err_set(err, ERR_USAGE, "unknown command '%s %s'; did you mean '%s %s'?",
			cli->noun->noun, word, cli->noun->noun, near.name);
	return err_set(err, ERR_USAGE, "unknown command '%s %s'; `flowfile %s --help` lists them",
		cli->noun->noun, word, cli->noun->noun);
}

/* --- reading ----------------------------------------------------------------------------------- */

static int
give(struct cli *cli, const struct cli_option *option, const char *value, struct err *err)
{
	if (!option->repeats && option->value != NULL && args_has(cli, option->name))
		return err_set(err, ERR_USAGE, "--%s is given twice", option->name);
	if (cli->n_given == CLI_OPTIONS_MAX)
		return err_set(err, ERR_USAGE, "too many options");
	cli->given[cli->n_given++] = (struct cli_given){option, value};
	return 0;
}

/* "--name", "--name=value", "--name value", "-x": *i is moved past a value. */
static int
take_option(struct cli *cli, int argc, char **argv, int *i, struct err *err)
{
	const char *word = argv[*i], *name = word + 2, *value = NULL;
	const struct cli_option *option;

	if (word[1] == '-') {
		size_t len = strcspn(name, "=");

		if (name[len] == '=')
			value = name + len + 1;
		option = find_option(cli, name, len, 0);
		if (option == NULL)
			return unknown_option(cli, name, len, err);
	} else {
		option = word[2] == '\0' ? find_option(cli, NULL, 0, word[1]) : NULL;
		if (option == NULL)
			return err_set(err, ERR_USAGE, "unknown option %s", word);
	}
	if (option->value == NULL && value != NULL)
		return err_set(err, ERR_USAGE, "--%s takes no value", option->name);
	if (option->value != NULL && value == NULL) {
		if (*i + 1 >= argc)
			return err_set(err, ERR_USAGE, "--%s needs a value: --%s %s", option->name,
				option->name, option->value);
		value = argv[++*i];
	}
	return give(cli, option, value, err);
}

static int
take_word(struct cli *cli, const char *word, struct err *err)
{
	if (cli->noun == NULL && strcmp(word, "help") == 0)
		return give(cli, find_option(cli, NULL, 0, 'h'), NULL, err);
	if (cli->noun == NULL)
		return find_noun(cli, word, err);
	if (cli->command == NULL)
		return find_verb(cli, word, err);
	if (cli->n_args == cli->command->max_args || cli->n_args == CLI_ARGS_MAX)
		return err_set(err, ERR_USAGE, "unexpected argument '%s'\nUsage: %s", word,
			help_usage_full(&cli->arena, cli->noun, cli->command));
	cli->args[cli->n_args++] = word;
	return 0;
}

int
args_parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool only_words = false;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		int rc;

		if (cli->command != NULL && cli->command->raw) {
			cli->raw = &argv[i];
			break;
		}
		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
			continue;
		}
		if (!only_words && word[0] == '-' && word[1] != '\0')
			rc = take_option(cli, argc, argv, &i, err);
		else
			rc = take_word(cli, word, err);
		if (rc < 0)
			return -1;
	}
	cli->json = args_has(cli, "json");
	if (cli->json && args_has(cli, "csv"))
		return err_set(err, ERR_USAGE, "--csv and --json: rows are printed as one of them");
	return 0;
}

/* --- asking ------------------------------------------------------------------------------------ */

bool
args_has(const struct cli *cli, const char *option)
{
	for (int i = 0; i < cli->n_given; i++)
		if (strcmp(cli->given[i].option->name, option) == 0)
			return true;
	return false;
}

const char *
args_value(const struct cli *cli, const char *option)
{
	const char *value = NULL;

	for (int i = 0; i < cli->n_given; i++)
		if (strcmp(cli->given[i].option->name, option) == 0)
			value = cli->given[i].value;
	return value;
}

int
args_int(const struct cli *cli, const char *option, int64_t min, int64_t max, int64_t fallback,
	int64_t *out, struct err *err)
{
	const char *value = args_value(cli, option);

	*out = fallback;
	if (value == NULL || text_to_int(value, min, max, out))
		return 0;
	if (max == INT64_MAX)
		return err_set(err, ERR_USAGE, "--%s: '%s' is not a number of at least %lld",
			option, value, (long long)min);
	return err_set(err, ERR_USAGE, "--%s: '%s' is not a number from %lld to %lld", option,
		value, (long long)min, (long long)max);
}
