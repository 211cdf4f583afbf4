/* flowfile: the command line. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "config.h"

static int
cmd_version_run(struct cli *cli, struct err *err)
{
	struct json *j;

	if (!cli->json) {
		printf("flowfile %s\n", PACKAGE_VERSION);
		return 0;
	}
	j = out_json_begin(cli);
	json_object(j);
	json_kv_string(j, "version", PACKAGE_VERSION);
	json_object_end(j);
	return out_json_end(cli, err);
}

const struct cli_command cmd_version[] = {
	{.args = "", .summary = "Prints the version", .run = cmd_version_run},
	{0},
};

const struct cli_noun cli_nouns[] = {
	{"run", "Runs the scheduler, or one flow", cmd_run},
	{"flows", "Registered flows", cmd_flows},
	{"tables", "Catalog tables", cmd_tables},
	{"sql", "Runs a query over catalog tables", cmd_sql},
	{"schedules", "What makes flows run", cmd_schedules},
	{"runs", "Runs of flows, their logs", cmd_runs},
	{"scheduler", "The scheduler itself", cmd_scheduler},
	{"cron", "Cron expressions", cmd_cron},
	{"init", "Makes or prepares a catalog", cmd_init},
	{"doctor", "Looks for what is wrong", cmd_doctor},
	{"version", "Prints the version", cmd_version},
	{"query-child", NULL, cmd_query_child},
	{NULL, NULL, NULL},
};

/* The first word of the usage that was not given: "PATH". In the arena. */
static const char *
next_argument(struct cli *cli)
{
	const char *word = cli->command->args;

	for (int i = 0; i < cli->n_args && word[strcspn(word, " ")] != '\0'; i++)
		word += strcspn(word, " ") + 1;
	return arena_printf(&cli->arena, "%.*s", (int)strcspn(word, " "), word);
}

/* What is to be done when no command, or not all of one, was given. */
static int
incomplete(struct cli *cli, struct err *err)
{
	bool help = args_has(cli, "help");

	if (cli->noun == NULL) {
		help_program(stdout);
		return 0;
	}
	if (cli->command == NULL) {
		help_noun(cli->noun, help ? stdout : stderr);
		return help ? 0 : err_set(err, ERR_USAGE, "%s: which command?", cli->noun->noun);
	}
	if (help) {
		help_command(cli->noun, cli->command, stdout);
		return 0;
	}
	return err_set(err, ERR_USAGE, "%s is missing\nUsage: %s", next_argument(cli),
		help_usage_full(&cli->arena, cli->noun, cli->command));
}

static int
dispatch(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (args_parse(cli, argc, argv, err) < 0)
		return -1;
	/* A command's own --version has a value. */
	if (args_has(cli, "version") && args_value(cli, "version") == NULL &&
		!args_has(cli, "help"))
		return cmd_version_run(cli, err);
	if (cli->command == NULL || args_has(cli, "help") || cli->n_args < cli->command->min_args)
		return incomplete(cli, err);
	return cli->command->run(cli, err);
}

/* A full disk must not look like success. */
static int
flush_output(struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_errno(err, errno, "cannot write to standard output");
	return 0;
}

int
main(int argc, char **argv)
{
	struct cli cli = {.program = argv[0], .arena = ARENA_INIT};
	struct err err = ERR_INIT, flush_err = ERR_INIT;
	int rc, status;

	log_set_name("flowfile");
	log_set_level(LOG_WARNING_LEVEL);
	rc = dispatch(&cli, argc, argv, &err);
	status = rc < 0 ? err_exit_status(&err) : cli.status;
	if (rc == 0 && flush_output(&flush_err) < 0) {
		fprintf(stderr, "flowfile: %s\n", flush_err.text);
		status = 1;
	}
	if (rc < 0) {
		fflush(stdout);
		fprintf(stderr, "flowfile: %s\n", cli_hint(&cli, err.text));
	}
	cli_close(&cli);
	return status;
}
