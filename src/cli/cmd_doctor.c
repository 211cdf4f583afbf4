/* flowfile doctor: looks for what keeps flows from running, and says what to do about it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "catalog/flows.h"
#include "catalog/schedules.h"
#include "catalog/tables.h"
#include "catalog/status.h"
#include "catalog/zones.h"
#include "cli/cli.h"
#include "cli/flow.h"
#include "core/cron.h"
#include "core/world.h"
#include "runner/command.h"
#include "runner/runner.h"
#include "store/load.h"
#include "store/schema.h"

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };
static const char *const level_names[] = {"ok", "warn", "fail"};

struct finding {
	enum level level;
	const char *what;
	const char *detail;
	const char *advice; /* NULL: nothing is to be done */
};

struct doctor {
	struct cli *cli;
	struct arena *arena;
	struct finding *findings;
	size_t n;
	bool readable; /* the catalog is open and has what we need */
	bool prepared;
	int64_t enabled; /* schedules */
};

static void
found(struct doctor *d, enum level level, const char *what, const char *detail, const char *advice)
{
	d->findings = catalog_grow(d->arena, d->findings, d->n, sizeof(*d->findings));
	d->findings[d->n++] =
		(struct finding){level, what, cli_hint(d->cli, detail), cli_hint(d->cli, advice)};
}

static void
failed(struct doctor *d, const char *what, const struct err *err, const char *advice)
{
	found(d, LEVEL_FAIL, what, arena_strdup(d->arena, err->text), advice);
}

/* --- the catalog ------------------------------------------------------------------------------- */

static const char *
journal_mode(struct doctor *d)
{
	struct stmt *st = db_stmt_text(d->cli->catalog.db, "PRAGMA journal_mode");
	struct err err = ERR_INIT;
	const char *mode = stmt_step(st, &err) > 0 ? arena_strdup(d->arena, col_text(st, 0)) : "?";

	stmt_finish(st);
	return mode;
}

static void
check_database(struct doctor *d)
{
	const struct db_options options = {.application_name = "flowfile doctor"};
	struct cli *cli = d->cli;
	struct err err = ERR_INIT;
	const char *path, *network;

	if (db_open(cli->database, &options, &cli->catalog.db, &err) < 0) {
		failed(d, "database", &err,
			err.code == ERR_NOT_FOUND
				? "make it with `flowfile init`, or name it with --database"
				: "check the path, its permissions and --database");
		return;
	}
	path = db_path(cli->catalog.db);
	if (path == NULL) {
		found(d, LEVEL_OK, "database", db_display(cli->catalog.db), NULL);
		return;
	}
	if (file_system_remote(path, &network) == 0 && network != NULL)
		found(d, LEVEL_WARN, "database",
			arena_printf(d->arena, "%s is on %s", path, network),
			"keep it on a local disk: locks and change events may not work there");
	else
		found(d, LEVEL_OK, "database",
			arena_printf(
				d->arena, "%s, SQLite, journal mode %s", path, journal_mode(d)),
			NULL);
}

static void
check_schema(struct doctor *d)
{
	struct schema_info info;
	struct err err = ERR_INIT;

	if (d->cli->catalog.db == NULL)
		return;
	if (schema_inspect(d->cli->catalog.db, &info, &err) < 0) {
		failed(d, "schema", &err, "is this a Flowfile catalog?");
		return;
	}
	if (info.empty || info.revision[0] == '\0') {
		found(d, LEVEL_FAIL, "schema", info.empty ? "no tables" : "no alembic_version",
			info.empty ? "make a catalog with `flowfile init`"
				   : "this is no Flowfile catalog; name the right one with "
				     "--database");
		return;
	}
	if (info.older_revision) {
		found(d, LEVEL_FAIL, "schema", arena_printf(d->arena, "revision %s", info.revision),
			"start Flowfile 0.16 once: it brings its catalog up to date");
		return;
	}
	d->readable = true;
	d->prepared = info.our_version > 0;
	found(d, info.newer_revision ? LEVEL_WARN : LEVEL_OK, "schema",
		arena_printf(d->arena, "revision %s", info.revision),
		info.newer_revision ? "newer than this program knows; look for an update" : NULL);
	if (!d->prepared)
		found(d, LEVEL_WARN, "scheduler tables", "none yet",
			"`flowfile init`, or just start the scheduler");
	else if (info.our_version > info.program_version)
		found(d, LEVEL_FAIL, "scheduler tables",
			arena_printf(d->arena, "version %d, newer than this program's %d",
				info.our_version, info.program_version),
			"update this program");
	else if (info.triggers_missing > 0)
		found(d, LEVEL_WARN, "scheduler tables",
			arena_printf(d->arena, "version %d, %d triggers are missing",
				info.our_version, info.triggers_missing),
			"`flowfile init`, or start the scheduler: it makes them anew and catches "
			"up");
	else
		found(d, LEVEL_OK, "scheduler tables",
			arena_printf(d->arena, "version %d, all triggers there", info.our_version),
			NULL);
}

/* Logs are named by run ids: two catalogs in one storage folder write over each other's. */
static void
check_log_owner(struct doctor *d)
{
	char *noted = paths_noted_catalog(&d->cli->config->paths);
	const char *owner = arena_strdup(d->arena, noted);

	free(noted);
	if (owner == NULL || d->cli->catalog.db == NULL ||
		strcmp(owner, db_display(d->cli->catalog.db)) == 0)
		return;
	found(d, LEVEL_WARN, "logs",
		arena_printf(d->arena,
			"those in %s are another catalog's, %s, and are taken for this one's",
			d->cli->config->paths.logs, owner),
		"give each catalog a storage_dir of its own");
}

/* --- folders and disk -------------------------------------------------------------------------- */

/* The folder itself, or the nearest one above it that is there. */
static const char *
existing_folder(struct arena *a, const char *path)
{
	char *p = arena_strdup(a, path);
	struct stat sb;

	while (stat(p, &sb) < 0) {
		char *slash = strrchr(p, '/');

		if (slash == NULL || slash == p)
			return "/";
		*slash = '\0';
	}
	return p;
}

static void
check_folder(struct doctor *d, const char *what, const char *path)
{
	const char *there = existing_folder(d->arena, path);
	struct stat sb;

	if (strcmp(there, path) == 0 && (stat(path, &sb) < 0 || !S_ISDIR(sb.st_mode)))
		found(d, LEVEL_FAIL, what, arena_printf(d->arena, "%s is not a folder", path),
			"move it out of the way");
	else if (access(there, W_OK | X_OK) != 0)
		found(d, LEVEL_FAIL, what, arena_printf(d->arena, "%s: %s", there, strerror(errno)),
			"let this user write there, or choose another storage_dir");
	else
		found(d, LEVEL_OK, what,
			strcmp(there, path) == 0
				? path
				: arena_printf(d->arena, "%s (made when needed)", path),
			NULL);
}

static void
check_folders(struct doctor *d)
{
	check_folder(d, "logs", d->cli->config->paths.logs);
	check_folder(d, "state", d->cli->config->paths.state);
}

static void
check_disk_of(struct doctor *d, const char *what, const char *path)
{
	const char *there = existing_folder(d->arena, path);
	struct statvfs fs;
	int64_t free_bytes;
	const char *text;

	if (statvfs(there, &fs) < 0)
		return;
	free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	text = arena_printf(d->arena, "%s free at %s", out_bytes(d->arena, free_bytes), there);
	if (free_bytes < (INT64_C(64) << 20))
		found(d, LEVEL_FAIL, what, text, "make room: runs cannot be recorded or logged");
	else if (free_bytes < (INT64_C(1) << 30) || (fs.f_files > 0 && fs.f_favail < 1000))
		found(d, LEVEL_WARN, what, text, "make room, or shorten run_log_retention_days");
	else
		found(d, LEVEL_OK, what, text, NULL);
}

static void
check_disk(struct doctor *d)
{
	check_disk_of(d, "disk of the catalog folder", d->cli->config->paths.base);
	check_disk_of(d, "disk of the logs", d->cli->config->paths.logs);
}

/* --- time -------------------------------------------------------------------------------------- */

#define YEAR_2024_US INT64_C(1704067200000000)

static void
check_clock(struct doctor *d)
{
	int64_t now_us = clock_wall(&clock_real), latest_us = TIME_NONE;
	struct err err = ERR_INIT;
	struct stmt *st;

	if (now_us < YEAR_2024_US) {
		found(d, LEVEL_FAIL, "clock", out_time(d->arena, now_us, now_us),
			"the machine's clock is wrong: set it, or let NTP do so");
		return;
	}
	if (d->readable) {
		st = db_stmt(d->cli->catalog.db, SQL_CAT_LATEST_RUN);
		if (stmt_step(st, &err) > 0)
			latest_us = catalog_time(st, 0);
		stmt_reset(st);
	}
	if (latest_us != TIME_NONE && latest_us > now_us + 5 * US_PER_MIN)
		found(d, LEVEL_WARN, "clock",
			arena_printf(d->arena, "now %s, but a run started at %s",
				out_time(d->arena, now_us, now_us),
				out_time(d->arena, latest_us, now_us)),
			"this clock, or that of the host which ran it, is wrong");
	else
		found(d, LEVEL_OK, "clock", out_time(d->arena, now_us, now_us), NULL);
}

static void
check_zones(struct doctor *d)
{
	static const char *const names[] = {"Etc/UTC", "Europe/Amsterdam"};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (zones_get(d->cli->catalog.zones, names[i], &err) != NULL)
			continue;
		found(d, LEVEL_FAIL, "time zones",
			arena_printf(
				d->arena, "%s: %s", zones_dir(d->cli->catalog.zones), err.text),
			"install the package tzdata, or set TZDIR");
		return;
	}
	found(d, LEVEL_OK, "time zones", zones_dir(d->cli->catalog.zones), NULL);
}

/* --- schedules and flows ----------------------------------------------------------------------- */

#define FINDINGS_MAX 10 /* of one kind: a hundred of them say no more */
#define FAILURES_MIN 3 /* in a row, before they are more than bad luck */

struct schedule_check {
	struct doctor *doctor;
	struct world world;
	int64_t good, bad, never;
};

/* A cron expression that fits no date is most likely a mistake; one whose table was replaced waits for a table that does not come back. */
static const char *
why_never(const struct schedule *s)
{
	if (s->type == SCHEDULE_CRON &&
		cron_next(s->cron, s->tz, clock_wall(&clock_real)) == TIME_NEVER)
		return "no date fits its expression";
	for (size_t i = 0; i < s->n_watches; i++)
		if (s->watches[i].table->exists && s->watches[i].consumed >= 0 &&
			s->watches[i].generation != s->watches[i].table->generation)
			return "a table that it watches was removed, and another has its id now";
	return NULL;
}

static void
check_never(struct schedule_check *check, int64_t id)
{
	const struct schedule *s = world_schedule(&check->world, id);
	const char *why = s != NULL ? why_never(s) : NULL;
	struct doctor *d = check->doctor;

	if (why == NULL || ++check->never > FINDINGS_MAX)
		return;
	found(d, LEVEL_WARN, "schedule",
		arena_printf(d->arena, "%" PRId64 " never fires: %s", id, why),
		s->type == SCHEDULE_CRON
			? arena_printf(d->arena,
				  "mend it with `flowfile schedules set %" PRId64 " --cron EXPR`",
				  id)
			: arena_printf(d->arena,
				  "watch that one with `flowfile schedules disable %" PRId64
				  "` and `flowfile schedules enable %" PRId64 "`",
				  id, id));
}

static void
check_schedule(const struct schedule_row *row, void *arg)
{
	struct schedule_check *check = arg;
	struct doctor *d = check->doctor;
	struct err err = ERR_INIT;
	bool reseed;

	if (!row->enabled)
		return;
	if (world_put_schedule(&check->world, row, clock_wall(&clock_real), &reseed, &err) == 0) {
		check->good++;
		check_never(check, row->id);
		return;
	}
	if (++check->bad <= FINDINGS_MAX)
		found(d, LEVEL_FAIL, "schedule",
			arena_printf(d->arena, "%" PRId64 " cannot fire: %s", row->id, err.text),
			arena_printf(d->arena,
				"mend it, or `flowfile schedules disable %" PRId64 "`", row->id));
}

static void
check_schedules(struct doctor *d)
{
	struct schedule_check check = {.doctor = d};
	struct policy policy = {0};
	struct err err = ERR_INIT;

	if (!d->prepared)
		return;
	world_init(&check.world, &policy, zones_find, d->cli->catalog.zones);
	if (load_schedules(d->cli->catalog.db, check_schedule, &check, &err) < 0)
		failed(d, "schedules", &err, NULL);
	else
		found(d, check.bad > 0 ? LEVEL_FAIL : LEVEL_OK, "schedules",
			check.bad == 0
				? arena_printf(d->arena, "%" PRId64 " enabled", check.good)
				: arena_printf(d->arena,
					  "%" PRId64 " of %" PRId64 " enabled ones cannot fire",
					  check.bad, check.good + check.bad),
			NULL);
	world_free(&check.world);
}

/* Enabled ones whose flow or table is gone. */
static void
check_lost(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct schedule_list list;
	const char *why;
	size_t n = 0;

	if (!d->readable || schedules_list(&d->cli->catalog, ID_NONE, d->arena, &list, &err) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct schedule_info *s = &list.items[i];

		if (!s->enabled || (why = schedules_lost(d->arena, s)) == NULL ||
			n++ >= FINDINGS_MAX)
			continue;
		found(d, LEVEL_WARN, "schedule",
			arena_printf(d->arena, "%" PRId64 "%s%s never fires: %s", s->id,
				s->name != NULL ? ", " : "", s->name != NULL ? s->name : "", why),
			arena_printf(d->arena,
				"`flowfile schedules delete %" PRId64
				"`, or disable it until that is back",
				s->id));
	}
}

static void
count_schedules(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct stmt *st;

	if (!d->readable)
		return;
	st = db_stmt(d->cli->catalog.db, SQL_CAT_STATUS_COUNTS);
	if (stmt_step(st, &err) > 0)
		d->enabled = col_int(st, 2);
	stmt_reset(st);
}

/* Flows that only a Flowfile can run, where no command for them is set. */
static void
check_flow_files(struct doctor *d, const struct flow_list *list)
{
	struct err err = ERR_INIT;
	size_t n = 0;

	if (d->cli->config->run_command != NULL)
		return;
	for (size_t i = 0; i < list->n; i++) {
		const struct flow_info *flow = &list->items[i];

		if (!command_is_flow_file(flow->flow_path))
			continue;
		n++;
		if (access(flow->flow_path, R_OK) == 0 &&
			cli_check_flow_file(flow->flow_path, &err) < 0)
			found(d, LEVEL_FAIL, "flow file",
				arena_printf(d->arena, "%s: %s", flow->name, err.text),
				"flowfile flows check shows what can be run; or let Flowfile run "
				"all flow files: run_command = " COMMAND_FLOWFILE);
		err_clear(&err);
	}
	if (n > 0 && duck_check(&err) < 0)
		found(d, LEVEL_FAIL, "flow files",
			arena_printf(d->arena, "%zu %s; %s", n,
				n > 1 ? "flows are flow files" : "flow is a flow file", err.text),
			"or let Flowfile run them: run_command = " COMMAND_FLOWFILE);
}

#define VIRTUAL_MAX 100 /* tables that are looked at: each is bound as if it were read */

/* Each on an engine of its own: a plan that failed leaves what it made so far. */
static int
check_virtual_table(struct doctor *d, const struct table_info *table, struct err *err)
{
	struct err no_engine = ERR_INIT;
	struct duck *duck = NULL;
	int rc;

	if (cli_engine_open(d->cli, &duck, &no_engine) < 0)
		duck = NULL;
	rc = cli_check_virtual(d->cli, duck, table, err);
	duck_close(duck);
	return rc;
}

static void
check_virtual(struct doctor *d, const struct table_list *list)
{
	struct err err = ERR_INIT;
	size_t n = 0, n_bad = 0;

	for (size_t i = 0; i < list->n && n < VIRTUAL_MAX && n_bad < FINDINGS_MAX; i++) {
		const struct table_info *t = &list->items[i];

		if (!table_is_virtual(t))
			continue;
		n++;
		if (check_virtual_table(d, t, &err) < 0) {
			n_bad++;
			found(d, LEVEL_WARN, "virtual table",
				arena_printf(d->arena, "%" PRId64 ", %s, cannot be read: %s", t->id,
					t->name, cli_virtual_fault(d->cli, t, &err)),
				t->sql_query != NULL
					? arena_printf(d->arena,
						  "mend it with `flowfile tables set %" PRId64
						  " --query SQL`",
						  t->id)
					: arena_printf(d->arena,
						  "mend its flow, or `flowfile tables remove "
						  "%" PRId64 "`",
						  t->id));
		}
		err_clear(&err);
	}
}

static void
check_tables(struct doctor *d)
{
	struct table_list list;
	struct err err = ERR_INIT;
	struct stat sb;
	size_t n_gone = 0;

	if (!d->readable)
		return;
	if (tables_list(&d->cli->catalog, ID_NONE, d->arena, &list, &err) < 0) {
		failed(d, "tables", &err, NULL);
		return;
	}
	for (size_t i = 0; i < list.n; i++) {
		const struct table_info *t = &list.items[i];

		if (t->file_path != NULL && !t->is_remote_storage && stat(t->file_path, &sb) < 0 &&
			n_gone++ < FINDINGS_MAX)
			found(d, LEVEL_WARN, "table",
				arena_printf(d->arena,
					"%" PRId64 ", %s, has no data: nothing is at %s", t->id,
					t->name, t->file_path),
				arena_printf(d->arena,
					"run what writes it, or `flowfile tables set %" PRId64
					" --path P`",
					t->id));
	}
	check_virtual(d, &list);
}

static void
check_failures(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct flow_list list;

	if (!d->prepared)
		return;
	if (flows_failing(&d->cli->catalog, FAILURES_MIN, d->arena, &list, &err) < 0)
		failed(d, "flows", &err, NULL);
	for (size_t i = 0; i < list.n && i < FINDINGS_MAX; i++)
		found(d, LEVEL_WARN, "flow",
			arena_printf(d->arena, "%s has failed the last %d times and more",
				list.items[i].name, FAILURES_MIN),
			arena_printf(d->arena, "look why: `flowfile runs list --flow %" PRId64 "`",
				list.items[i].id));
}

static void
check_flows(struct doctor *d)
{
	struct flow_list list;
	struct err err = ERR_INIT;
	const char *first = NULL;
	size_t missing = 0;

	if (!d->readable)
		return;
	if (flows_list(&d->cli->catalog, ID_NONE, d->arena, &list, &err) < 0) {
		failed(d, "flows", &err, NULL);
		return;
	}
	for (size_t i = 0; i < list.n; i++)
		if (!list.items[i].file_exists && missing++ == 0)
			first = list.items[i].flow_path;
	if (missing == 0)
		found(d, LEVEL_OK, "flows", arena_printf(d->arena, "%zu, all files there", list.n),
			NULL);
	else
		found(d, LEVEL_WARN, "flows",
			arena_printf(d->arena, "%zu of %zu have no file here, such as %s", missing,
				list.n, first),
			"their runs fail; `flowfile flows list` names them");
	check_flow_files(d, &list);
}

/* --- running ----------------------------------------------------------------------------------- */

static void
check_run_command(struct doctor *d)
{
	const char *template = d->cli->config->run_command;
	struct err err = ERR_INIT;
	char **argv, *path;

	if (template == NULL) {
		found(d, LEVEL_OK, "run command", "this program's own: " COMMAND_DEFAULT, NULL);
		return;
	}
	argv = command_expand(template, "/flow.yaml", 1, &err);
	if (argv == NULL) {
		failed(d, "run command", &err, "mend run_command in the configuration");
		return;
	}
	path = command_resolve(argv[0], &err);
	if (path == NULL)
		failed(d, "run command", &err,
			"install it, or mend run_command in the configuration");
	else
		found(d, LEVEL_OK, "run command", arena_printf(d->arena, "%s (%s)", template, path),
			NULL);
	free(path);
	command_free(argv);
}

/* What every run is supervised by. */
static void
check_shim(struct doctor *d)
{
	char *found_at = runner_find_shim();
	const char *path = arena_strdup(d->arena, found_at);

	free(found_at);
	if (access(path, X_OK) == 0)
		found(d, LEVEL_OK, "supervisor of runs", path, NULL);
	else
		found(d, LEVEL_FAIL, "supervisor of runs",
			arena_printf(d->arena, "%s: %s", path, strerror(errno)),
			"install this program as a whole, or set FLOWFILE_SHIM");
}

static void
check_lock(struct doctor *d)
{
	enum level nobody = LEVEL_WARN;
	struct leader_info l;
	struct err err = ERR_INIT;
	const char *age;

	if (!d->readable)
		return;
	if (status_leader(&d->cli->catalog, d->arena, &l, &err) < 0) {
		failed(d, "scheduler", &err, NULL);
		return;
	}
	if (!leader_lives(d->cli, &l) && d->enabled > 0)
		nobody = LEVEL_FAIL;
	if (!l.any) {
		found(d, nobody, "scheduler",
			d->enabled > 0 ? "none is running, so that no schedule fires"
				       : "none is running",
			"start it: `flowfile run flowfile_scheduler`");
		return;
	}
	age = out_age(d->arena, l.heartbeat_us, clock_wall(&clock_real));
	if (!leader_lives(d->cli, &l))
		found(d, nobody, "scheduler",
			arena_printf(d->arena, "none is running: %s", leader_lost(d->cli, &l)),
			"start one: `flowfile run flowfile_scheduler`. Its log says why the last "
			"one ended");
	else if (!l.ours)
		found(d, LEVEL_WARN, "scheduler",
			arena_printf(d->arena, "%s, one of Flowfile's own, heartbeat %s",
				l.holder_id, age),
			"stop that one if this program is to do the work");
	else
		found(d, LEVEL_OK, "scheduler",
			arena_printf(d->arena, "%s, pid %lld, heartbeat %s", l.host,
				(long long)l.pid, age),
			NULL);
}

static void
check_paused(struct doctor *d)
{
	struct err err = ERR_INIT;
	bool paused;

	if (!d->prepared)
		return;
	if (load_paused(d->cli->catalog.db, &paused, &err) < 0)
		failed(d, "launching", &err, NULL);
	else if (paused)
		found(d, LEVEL_WARN, "launching", "paused: no schedule fires",
			"go on with `flowfile scheduler resume`");
	else
		found(d, LEVEL_OK, "launching", "on", NULL);
}

static void (*const checks[])(struct doctor *) = {
	check_database,
	check_schema,
	check_folders,
	check_log_owner,
	check_disk,
	check_clock,
	check_zones,
	count_schedules,
	check_schedules,
	check_lost,
	check_flows,
	check_tables,
	check_failures,
	check_run_command,
	check_shim,
	check_lock,
	check_paused,
};

/* --- the report -------------------------------------------------------------------------------- */

static int
print_json(struct doctor *d, struct err *err)
{
	struct json *j = out_json_begin(d->cli);

	json_array(j);
	for (size_t i = 0; i < d->n; i++) {
		json_object(j);
		json_kv_string(j, "level", level_names[d->findings[i].level]);
		json_kv_string(j, "what", d->findings[i].what);
		json_kv_string(j, "detail", d->findings[i].detail);
		json_kv_string(j, "advice", d->findings[i].advice);
		json_object_end(j);
	}
	json_array_end(j);
	return out_json_end(d->cli, err);
}

/* The file, and what goes over it. */
static const char *
configuration_text(struct doctor *d)
{
	const struct config *config = d->cli->config;
	const char *key, *source, *text = config->file != NULL ? config->file : "no file";
	size_t i = 0;

	while (config_next_override(config, &i, &key, &source))
		text = arena_printf(d->arena, "%s, %s from %s", text, key, source);
	return text;
}

static bool
ends_sentence(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strchr(".!?", text[len - 1]) != NULL;
}

/* The lines of an error as sentences on one line. */
static const char *
sentence(struct arena *a, const char *detail)
{
	char *rest = arena_strdup(a, detail), *line;
	const char *text = "";

	while ((line = strsep(&rest, "\n")) != NULL)
		text = arena_printf(a, "%s%s%s", text,
			*text == '\0'                 ? ""
				: ends_sentence(text) ? " "
						      : ". ",
			line);
	return out_clean(a, text);
}

static int
doctor_run(struct cli *cli, struct err *err)
{
	struct doctor d = {.cli = cli, .arena = &cli->arena};
	struct err config_err = ERR_INIT;

	if (cli_configure(cli, &config_err) < 0) {
		failed(&d, "configuration", &config_err, "mend it; nothing else was looked at");
	} else {
		found(&d, LEVEL_OK, "configuration", configuration_text(&d), NULL);
		for (size_t i = 0; i < ARRAY_LEN(checks); i++)
			checks[i](&d);
	}
	for (size_t i = 0; i < d.n; i++)
		if (d.findings[i].level == LEVEL_FAIL)
			cli->status = 1;
	if (cli->json)
		return print_json(&d, err);
	for (size_t i = 0; i < d.n; i++) {
		const struct finding *f = &d.findings[i];
		const char *detail = sentence(d.arena, f->detail);

		printf("%-4s  %s: %s%s%s\n", level_names[f->level], f->what, detail,
			f->advice == NULL               ? ""
				: ends_sentence(detail) ? " "
							: "; ",
			f->advice != NULL ? f->advice : "");
	}
	return 0;
}

const struct cli_command cmd_doctor[] = {
	{NULL, "", "Looks at the catalog, the machine and the scheduler for what is wrong",
		doctor_run, 0, 0, NULL,
		"Exit status 1 when something must be mended; a line with \"warn\" alone does not "
		"do "
		"that. Enabled schedules without a scheduler must be mended.",
		false},
	{0},
};
