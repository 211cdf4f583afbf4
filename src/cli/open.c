#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "catalog/resolve.h"
#include "catalog/users.h"
#include "catalog/zones.h"
#include "cli/cli.h"
#include "store/schema.h"

#define REVISION_NEEDED "030" /* Flowfile 0.16 */

int
cli_configure(struct cli *cli, struct err *err)
{
	const char *database = args_value(cli, "database");

	if (cli->config != NULL)
		return 0;
	if (config_load(args_value(cli, "config"), &cli->config, err) < 0)
		return -1;
	if (database != NULL && config_set_database(cli->config, database, err) < 0)
		return -1;
	cli->database = cli->config->database;
	cli->catalog.paths = &cli->config->paths;
	cli->catalog.clock = &clock_real;
	cli->catalog.zones = zones_new();
	return 0;
}

/* Whether what a command needs is there; says how to get it. */
static int
check_schema(struct cli *cli, enum cli_need need, struct err *err)
{
	const char *where = db_display(cli->catalog.db);
	struct schema_info info;

	if (schema_inspect(cli->catalog.db, &info, err) < 0)
		return err_prefix(err, "%s", where);
	if (info.empty)
		return err_set(err, ERR_FAILED,
			"%s is empty\nMake a catalog of it with `flowfile init`.", where);
	if (info.revision[0] == '\0')
		return err_set(err, ERR_FAILED,
			"%s is no Flowfile catalog: it has tables, but not alembic_version", where);
	if (info.older_revision)
		return err_set(err, ERR_FAILED,
			"%s has revision %s, and %s is needed\nStart Flowfile 0.16 once: it brings "
			"its "
			"catalog up to date.",
			where, info.revision, REVISION_NEEDED);
	if (info.our_version > info.program_version)
		return err_set(err, ERR_FAILED,
			"%s was prepared by a newer version of this program (%d; this one knows "
			"%d)",
			where, info.our_version, info.program_version);
	if (need == CLI_NEED_OURS && info.our_version == 0)
		return err_set(err, ERR_FAILED,
			"the scheduler has never worked on %s\nPrepare it with `flowfile init`.",
			where);
	return 0;
}

int
cli_open(struct cli *cli, enum cli_need need, struct err *err)
{
	struct db_options options = {.application_name = "flowfile"};

	if (cli_configure(cli, err) < 0)
		return -1;
	options.busy_timeout_ms = (int)cli->config->database_timeout_ms;
	if (db_open(cli->database, &options, &cli->catalog.db, err) < 0) {
		if (err->code == ERR_NOT_FOUND) {
			size_t len = strlen(err->text);

			snprintf(err->text + len, sizeof(err->text) - len,
				"\nMake a catalog with `flowfile init`, or say where it is with "
				"--database.");
		}
		return err_prefix(err, "open the catalog");
	}
	if (check_schema(cli, need, err) < 0)
		return -1;
	return users_local(cli->catalog.db, &cli->catalog.user_id, err);
}

bool
cli_open_if_there(struct cli *cli)
{
	struct err ignored = ERR_INIT;

	if (cli->catalog.db == NULL && cli_open(cli, CLI_NEED_CATALOG, &ignored) < 0) {
		db_close(cli->catalog.db);
		cli->catalog.db = NULL;
	}
	return cli->catalog.db != NULL;
}

int
cli_namespace(struct cli *cli, int64_t fallback, int64_t *id, struct err *err)
{
	const char *text = args_value(cli, "namespace");

	*id = fallback;
	return text == NULL ? 0 : resolve_namespace(&cli->catalog, text, id, err);
}

const char *
cli_absolute(struct cli *cli, const char *path, struct err *err)
{
	const char *result;
	char *cwd;

	if (path[0] == '/' || strstr(path, "://") != NULL)
		return path;
	cwd = getcwd(NULL, 0);
	if (cwd == NULL) {
		err_set(err, ERR_FAILED, "the current folder is gone");
		return NULL;
	}
	while (text_starts(path, "./"))
		path += 2;
	result = arena_printf(&cli->arena, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
	free(cwd);
	return result;
}

int
cli_needs_change(struct cli *cli, struct err *err)
{
	for (int i = 0; i < cli->n_given; i++)
		for (const struct cli_option *o = cli->command->options; o->name != NULL; o++)
			if (cli->given[i].option == o)
				return 0;
	return err_set(err, ERR_USAGE, "what shall be changed?\nUsage: %s",
		help_usage_full(&cli->arena, cli->noun, cli->command));
}

int
cli_no_json(struct cli *cli, struct err *err)
{
	return cli->json ? err_set(err, ERR_USAGE, "--json: `flowfile %s %s` prints no JSON",
				   cli->noun->noun, cli->command->verb)
			 : 0;
}

int
cli_check_name(const char *name, struct err *err)
{
	if (name == NULL)
		return 0;
	if (*name == '\0')
		return err_set(err, ERR_USAGE, "a name is needed: --name NAME");
	if (!text_is_utf8(name, strlen(name)))
		return err_set(err, ERR_USAGE, "--name is not UTF-8");
	return 0;
}

/* So that a shell reads it as one word. */
static const char *
quote(struct arena *a, const char *text)
{
	const char *result = "'";

	if (*text != '\0' &&
		text[strspn(text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"_-./:@%+=,")] == '\0')
		return text;
	for (; *text != '\0'; text++)
		result = *text == '\'' ? arena_printf(a, "%s'\\''", result)
				       : arena_printf(a, "%s%c", result, *text);
	return arena_printf(a, "%s'", result);
}

/* Without the password that a URL may hold: a hint is shown to whoever looks on. */
static const char *
database_option(struct cli *cli, const char *url)
{
	if (strstr(url, "://") == NULL || text_starts(url, "sqlite"))
		return quote(&cli->arena, url);
	return cli->catalog.db != NULL ? quote(&cli->arena, db_display(cli->catalog.db)) : "URL";
}

static const char *
given_options(struct cli *cli)
{
	const char *config = args_value(cli, "config"), *database = args_value(cli, "database");
	const char *text = "";

	if (config != NULL)
		text = arena_printf(&cli->arena, " --config %s", quote(&cli->arena, config));
	if (database != NULL)
		text = arena_printf(
			&cli->arena, "%s --database %s", text, database_option(cli, database));
	return text;
}

const char *
cli_hint(struct cli *cli, const char *text)
{
	static const char begin[] = "`flowfile ";
	const char *options, *result = "", *at, *end;

	if (text == NULL || *(options = given_options(cli)) == '\0')
		return text;
	while ((at = strstr(text, begin)) != NULL && (end = strchr(at + 1, '`')) != NULL) {
		result = arena_printf(
			&cli->arena, "%s%.*s%s`", result, (int)(end - text), text, options);
		text = end + 1;
	}
	return arena_printf(&cli->arena, "%s%s", result, text);
}

const char *
cli_who(struct cli *cli)
{
	const struct passwd *pw = getpwuid(geteuid());
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (pw != NULL)
		return arena_printf(&cli->arena, "%s@%s", pw->pw_name, host);
	return arena_printf(&cli->arena, "%ld@%s", (long)geteuid(), host);
}

void
cli_close(struct cli *cli)
{
	if (cli->catalog.db != NULL)
		db_close(cli->catalog.db);
	zones_free(cli->catalog.zones);
	config_free(cli->config);
	buf_free(&cli->out);
	arena_free(&cli->arena);
}
