/* flowfile init: makes or prepares a catalog. */
#include <stdio.h>

#include "catalog/status.h"
#include "cli/cli.h"
#include "store/schema.h"

static int
say(struct cli *cli, const char *what, const char *text, struct err *err)
{
	struct json *j;

	if (!cli->json) {
		printf("%s %s.\n", db_display(cli->catalog.db), text);
		return 0;
	}
	j = out_json_begin(cli);
	json_object(j);
	json_kv_string(j, "catalog", db_display(cli->catalog.db));
	json_kv_string(j, "done", what);
	json_object_end(j);
	return out_json_end(cli, err);
}

static int
remove_ours(struct cli *cli, struct err *err)
{
	struct leader_info leader;
	struct schema_info info;

	if (schema_inspect(cli->catalog.db, &info, err) < 0)
		return -1;
	if (info.our_version == 0)
		return say(cli, "nothing", "has nothing of the scheduler's in it", err);
	if (status_leader(&cli->catalog, &cli->arena, &leader, err) < 0)
		return -1;
	if (leader.ours && leader_lives(cli, &leader))
		return err_set(err, ERR_CONFLICT,
			"the scheduler is working on it (%s, pid %lld): stop it first", leader.host,
			(long long)leader.pid);
	if (schema_remove_ours(cli->catalog.db, err) < 0)
		return -1;
	return say(cli, "removed", "is as Flowfile knows it: the scheduler's tables are gone", err);
}

static int
init_run(struct cli *cli, struct err *err)
{
	bool remove = args_has(cli, "remove");
	const struct db_options options = {.create = !remove, .application_name = "flowfile"};
	struct schema_info info;

	if (cli_configure(cli, err) < 0)
		return -1;
	if (db_open(cli->database, &options, &cli->catalog.db, err) < 0)
		return err_prefix(err, "open the catalog");
	if (remove)
		return remove_ours(cli, err);
	if (schema_inspect(cli->catalog.db, &info, err) < 0 ||
		schema_prepare(cli->catalog.db, err) < 0)
		return err_prefix(err, "%s", db_display(cli->catalog.db));
	if (info.empty)
		return say(cli, "made", "is a new catalog", err);
	if (info.our_version == 0)
		return say(cli, "prepared", "is prepared for the scheduler", err);
	return say(cli, "checked", "was prepared already", err);
}

static const struct cli_option init_options[] = {
	{"remove", 0, NULL, "drop the scheduler's own tables and triggers instead", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_init[] = {
	{NULL, "", "Makes a catalog, or prepares Flowfile's for the scheduler", init_run, 0, 0,
		init_options,
		"Flowfile's own tables are not changed. The scheduler does this by itself when it "
		"starts.",
		false},
	{0},
};
