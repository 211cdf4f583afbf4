#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/zones.h"
#include "daemon/notify.h"
#include "daemon/upkeep.h"
#include "daemon/wake.h"
#include "daemon/web.h"
#include "engine/engine.h"
#include "feed/feed.h"
#include "flow/lineage.h"
#include "lease/guard.h"
#include "runner/command.h"
#include "runner/proc.h"
#include "runner/runner.h"
#include "store/schema.h"

#define SIGNALS 3
#define ONCE_TRIES 5 /* of --once on a catalog that others keep busy */
#define QUIET_TURNS 8
#define ONCE_LIMIT_S 30 /* of one pass, whatever it waits for */
#define DRAIN_S 2 /* how long a stop waits for what is being started */
/* Flowfile spawns a flow right after its run's row; a process much older or younger has a reused pid
 * (contract D-20). */
#define FOREIGN_BEFORE_US (5 * US_PER_SEC)
#define FOREIGN_AFTER_US (120 * US_PER_SEC)

struct daemon {
	struct config *config;
	const struct daemon_args *args;
	struct event_base *base;
	struct event *signals[SIGNALS];
	struct event *turn; /* runs the engine once the loop has gathered what happened */
	struct wake *wake;
	struct db *db;
	struct zones *zones;
	struct lineage *lineage;
	struct guard *guard;
	struct feed *feed;
	struct runner *runner;
	struct engine *engine;
	struct web *web; /* NULL with --once */
	char holder_id[33];
	char *bindir;
	char *shim;
	char *state_dir; /* of this catalog */
	bool stopping;
	bool done; /* --once: all there was to do was done */
	int quiet; /* turns in a row with nothing being started, before an end */
	bool ready_said;
};

/* --- what the engine is told ------------------------------------------------------------------------ */

/* Our own `flowfile run flow`, for the template (contract section 9): single quotes keep blanks. */
static char *
own_run_command(const char *bindir)
{
	struct buf b;

	buf_init(&b, 16 * 1024);
	buf_putc(&b, '\'');
	for (const char *p = bindir; *p; p++) {
		if (*p == '\'')
			buf_puts(&b, "'\\''");
		else
			buf_putc(&b, *p);
	}
	buf_puts(&b, "/flowfile' run flow {flow_path} --run-id {run_id}");
	return buf_take(&b);
}

/* So that the flow, and what it calls, finds the same catalog and our command line. */
static char **
flow_env(const struct daemon *d)
{
	const char *path = getenv("PATH");
	const char *url = db_path(d->db) ? db_path(d->db) : d->config->database;
	char **env = xcalloc(9, sizeof(*env));
	size_t n = 0;

	/* Last, so that nobody's python3 or flowfile is hidden by what lies beside us. */
	env[n++] = xasprintf("PATH=%s:%s", path ? path : "/usr/local/bin:/usr/bin:/bin", d->bindir);
	env[n++] = xasprintf("FLOWFILE_CLI=%s/flowfile", d->bindir);
	env[n++] = xasprintf("FLOWFILE_STORAGE_DIR=%s", d->config->paths.base);
	env[n++] = xasprintf("FLOWFILE_DATABASE_URL=%s", url);
	if (db_path(d->db))
		env[n++] = xasprintf("FLOWFILE_DB_PATH=%s", db_path(d->db));
	/* A log is no terminal: what a Python flow had printed would be lost when it is cancelled. */
	if (getenv("PYTHONUNBUFFERED") == NULL)
		env[n++] = xstrdup("PYTHONUNBUFFERED=1");
	/* Where we have these, they go over the others in the flow, too, and may be relative. */
	if (text_env("FLOWFILE_SCHEDULER_DATABASE"))
		env[n++] = xasprintf("FLOWFILE_SCHEDULER_DATABASE=%s", url);
	if (text_env("FLOWFILE_SCHEDULER_STORAGE_DIR"))
		env[n++] = xasprintf("FLOWFILE_SCHEDULER_STORAGE_DIR=%s", d->config->paths.base);
	return env;
}

static struct policy
policy_of(const struct config *c)
{
	return (struct policy){
		.max_concurrent_runs = c->max_concurrent_runs,
		.trigger_min_gap_us = c->trigger_min_gap_s * US_PER_SEC,
		.run_max_age_us = c->run_max_age_s > 0 ? c->run_max_age_s * US_PER_SEC : 0,
		.run_start_grace_us = c->run_start_grace_s * US_PER_SEC,
		.designer_run_max_age_us = c->designer_run_max_age_s * US_PER_SEC,
		.reap_foreign = c->reap_foreign_runs,
	};
}

struct owned_options {
	struct engine_options options;
	char *command;
	char **env;
};

static void
options_make(const struct daemon *d, struct owned_options *out)
{
	const struct config *c = d->config;

	out->command = c->run_command ? xstrdup(c->run_command) : own_run_command(d->bindir);
	out->env = flow_env(d);
	out->options = (struct engine_options){
		.policy = policy_of(c),
		.heartbeat_us = c->heartbeat_s * US_PER_SEC,
		.poll_us = c->poll_s * US_PER_SEC,
		.lost_host_us = c->lost_host_timeout_s * US_PER_SEC,
		.history_us =
			c->history_retention_days > 0 ? c->history_retention_days * US_PER_DAY : 0,
		.cancel_grace_ms = (int)c->cancel_grace_ms,
		.log_max_bytes = c->run_log_max_bytes,
		.run_command = out->command,
		.log_dir = c->paths.logs,
		.env = (const char *const *)out->env,
	};
}

static void
options_free(struct owned_options *o)
{
	for (size_t i = 0; o->env[i]; i++)
		free(o->env[i]);
	free(o->env);
	free(o->command);
}

static bool
find_process(pid_t pid, int64_t run_id, int64_t started_us, struct proc_id *out, void *arg)
{
	int64_t start_us, named;

	(void)arg;
	if (!proc_identify(pid, out))
		return false;
	/* Flowfile's command line says which run it is, whatever the clock was set to since. */
	named = proc_run_id(pid);
	if (named != 0)
		return named == run_id;
	start_us = proc_start_us(out);
	return start_us == TIME_NONE ||
		(start_us >= started_us - FOREIGN_BEFORE_US &&
			start_us <= started_us + FOREIGN_AFTER_US);
}

static void
on_upkeep(void *arg)
{
	struct daemon *d = arg;
	int64_t days = d->config->run_log_retention_days;
	struct err err = ERR_INIT;
	int n;

	if (days > 0) {
		n = upkeep_clear_logs(d->config->paths.logs, days * 86400, clock_wall(&clock_real));
		if (n > 0)
			log_info("Old run logs deleted files=%d", n);
	}
	if (upkeep_clear_exits(d->state_dir, d->db, &err) < 0)
		log_warning("Files of ended runs are left for now: %s", err.text);
}

static bool
find_sources(void *arg)
{
	struct daemon *d = arg;
	struct err err = ERR_INIT;
	int r = lineage_refresh(d->lineage, d->db, d->holder_id, &err);

	if (r < 0)
		log_warning("Cannot note what virtual tables are made of: %s", err.text);
	return r > 0;
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static void
want_turn(struct daemon *d)
{
	event_active(d->turn, 0, 0);
}

static void
on_wake(void *arg)
{
	want_turn(arg);
}

static void
on_feed(enum feed_hint hint, int64_t first_seq, void *arg)
{
	struct daemon *d = arg;

	if (hint == FEED_RESYNC)
		engine_mark_resync(d->engine);
	else
		engine_mark_changed(d->engine, first_seq);
	web_changed(d->web);
	want_turn(d);
}

static void
on_runner(const struct runner_event *event, void *arg)
{
	struct daemon *d = arg;

	engine_runner_event(event, d->engine);
	want_turn(d);
}

/* A stop, like --once, is done when everything claimed has been let go; and when the loop has gone round some
 * times, so that runs of an earlier pass which ended meanwhile have said so. */
static void
check_done(struct daemon *d, const struct engine_status *status)
{
	if (!d->args->once && !d->stopping)
		return;
	if (!d->stopping && !status->lock_known)
		return; /* the database did not answer: see limit_pass() */
	if (!d->stopping && !status->leading)
		log_info("Skipped: another scheduler holds the lock");
	if (status->leading && (status->starting > 0 || !status->settled)) {
		d->quiet = 0;
	} else if (!status->leading || ++d->quiet >= QUIET_TURNS) {
		d->done = true;
		event_base_loopbreak(d->base);
	} else {
		want_turn(d);
	}
}

/* A pass is for cron and the like, which start the next one on top of one that hangs. */
static void
limit_pass(struct daemon *d)
{
	const struct timeval limit = {ONCE_LIMIT_S, 0};

	if (d->args->once)
		event_base_loopexit(d->base, &limit);
}

/* After the loop: 0, or why a pass did not get to its end (contract 3.1). */
static int
judge_pass(const struct daemon *d, struct err *err)
{
	struct engine_status status;

	if (!d->args->once || d->done || d->stopping)
		return 0;
	engine_get_status(d->engine, &status);
	if (!status.lock_known)
		return err_set(err, ERR_FAILED, "the catalog did not answer: nothing was done");
	return err_set(err, ERR_FAILED,
		"the pass did not end within %d s: %" PRId64 " runs wait for their start%s",
		ONCE_LIMIT_S, status.starting,
		status.settled ? "" : ", and the catalog refuses what is to be stored");
}

static void
say_status(struct daemon *d, const struct engine_status *status)
{
	char text[160];

	if (!d->ready_said) {
		d->ready_said = true;
		notify_ready();
	}
	if (!status->database_up)
		snprintf(text, sizeof(text), "The catalog is away");
	else if (!status->leading)
		snprintf(text, sizeof(text), "Standing by: another scheduler leads");
	else
		snprintf(text, sizeof(text),
			"Leading: %" PRId64 " schedules, %" PRId64 " runs active, %" PRId64 " due",
			status->schedules, status->active_runs, status->due);
	notify_status(text);
	notify_alive();
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct engine_next next;
	struct engine_status status;

	(void)fd;
	(void)what;
	engine_turn(d->engine, &next);
	engine_get_status(d->engine, &status);
	wake_arm(d->wake, next.wall_us, next.boot);
	say_status(d, &status);
	web_tell(d->web, &status, d->stopping);
	check_done(d, &status);
}

/* --- signals ---------------------------------------------------------------------------------------------- */

/* Who and where we are stays until the next start; the rest of fresh is taken over. */
static void
keep_for_now(struct config *fresh, struct config *old)
{
	const struct {
		const char *name;
		bool changed;
	} kept[] = {
		{"database", strcmp(fresh->database, old->database) != 0},
		{"storage_dir", strcmp(fresh->paths.base, old->paths.base) != 0},
		{"instance_name", strcmp(fresh->instance_name, old->instance_name) != 0},
		{"database_timeout", fresh->database_timeout_ms != old->database_timeout_ms},
	};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (kept[i].changed)
			log_warning("A new %s takes effect at the next start", kept[i].name);
	xstrset(&fresh->database, old->database);
	xstrset(&fresh->instance_name, old->instance_name);
	fresh->database_timeout_ms = old->database_timeout_ms;
	config_swap_paths(fresh, old);
}

static void
reload(struct daemon *d)
{
	struct owned_options options;
	struct config *fresh;
	struct err err = ERR_INIT;

	if (daemon_configure(d->args, &fresh, &err) < 0 ||
		(fresh->run_command && command_check(fresh->run_command, &err) < 0)) {
		log_error("Configuration not changed: %s", err.text);
		return;
	}
	keep_for_now(fresh, d->config);
	config_free(d->config);
	d->config = fresh;
	log_set_level(fresh->log_level);
	runner_set_grace(d->runner, (int)fresh->cancel_grace_ms);
	options_make(d, &options);
	engine_reload(d->engine, &options.options);
	options_free(&options);
	if (fresh->file)
		log_info("Configuration read again file=%s", fresh->file);
	else
		log_info("Configuration read again: there is no file, so all options have their "
			 "defaults or come from variables");
	want_turn(d);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	const struct timeval limit = {DRAIN_S, 0};
	struct daemon *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		reload(d);
		return;
	}
	if (d->stopping)
		_exit(0);
	d->stopping = true;
	log_info("Stopping: flows that run go on signal=%d", (int)sig);
	notify_stopping();
	engine_drain(d->engine);
	event_base_loopexit(d->base, &limit);
	want_turn(d);
}

static int
watch_signals(struct daemon *d, struct err *err)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

	for (int i = 0; i < SIGNALS; i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return err_set(err, ERR_FAILED, "watch signal %d", numbers[i]);
	}
	return 0;
}

/* --- start and end ------------------------------------------------------------------------------------------ */

static bool
is_made_by_flowfile_later(const struct config *c)
{
	enum db_type type;
	struct err err = ERR_INIT;

	return c->wait_for_flowfile && db_check_url(c->database, &type, &err) == 0 &&
		type == DB_SQLITE;
}

static int
open_catalog(struct daemon *d, struct err *err)
{
	struct db_options options = {
		.create = !is_made_by_flowfile_later(d->config),
		.busy_timeout_ms = (int)d->config->database_timeout_ms,
		.application_name = "flowfile_scheduler",
	};
	struct schema_info info;

	if (db_open(d->config->database, &options, &d->db, err) < 0)
		return -1;
	if (d->config->wait_for_flowfile) {
		if (schema_inspect(d->db, &info, err) < 0)
			return -1;
		if (info.empty)
			return err_set(err, ERR_NOT_FOUND, "the catalog is empty");
	}
	return schema_prepare(d->db, err);
}

/* Everything that needs the database to answer. */
static int
connect_catalog(struct daemon *d, struct err *err)
{
	if (open_catalog(d, err) < 0 || guard_create(d->config->database, &d->guard, err) < 0)
		return -1;
	return feed_create(d->base, d->config->database, on_feed, d, &d->feed, err);
}

static void
disconnect_catalog(struct daemon *d)
{
	feed_free(d->feed);
	guard_free(d->guard);
	db_close(d->db);
	d->feed = NULL;
	d->guard = NULL;
	d->db = NULL;
}

/* A database that does not answer yet is waited for; one that is wrong is an error. */
static int
wait_for_catalog(struct daemon *d, struct err *err)
{
	struct timespec pause = {1, 0};
	int tries = 0;

	while (connect_catalog(d, err) < 0) {
		bool later = d->config->wait_for_flowfile && err->code == ERR_NOT_FOUND;
		bool busy = err->code == ERR_BUSY;

		disconnect_catalog(d);
		if (!later && !busy && err->code != ERR_LOST)
			return -1;
		if (d->args->once && !(busy && ++tries < ONCE_TRIES))
			return -1;
		log_warning("Waiting for the catalog: %s", err->text);
		err_clear(err);
		notify_patience(60);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void
make_holder_id(char out[33])
{
	unsigned char raw[6];

	/* 12 hex digits, as Flowfile's (contract 4.2). */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw)) {
		log_error("No random numbers");
		exit(1);
	}
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

static int
make_engine(struct daemon *d, struct err *err)
{
	struct engine_env env = {
		.clock = &clock_real,
		.db = d->db,
		.guard_ops = &guard_real,
		.guard = d->guard,
		.runner_ops = &runner_real,
		.runner = d->runner,
		.zone = zones_find,
		.zone_arg = d->zones,
		.find_process = find_process,
		.find_sources = find_sources,
		.upkeep = on_upkeep,
		.arg = d,
		.pid = getpid(),
		.version = PACKAGE_VERSION,
	};
	struct owned_options options;
	struct proc_id me;

	if (host_id_get(&env.host, err) < 0)
		return -1;
	snprintf(env.host.host, sizeof(env.host.host), "%s", d->config->instance_name);
	make_holder_id(env.holder_id);
	memcpy(d->holder_id, env.holder_id, sizeof(d->holder_id));
	if (proc_identify(getpid(), &me))
		env.pid_start = (int64_t)me.start;
	options_make(d, &options);
	d->engine = engine_create(&env, &options.options);
	options_free(&options);
	return 0;
}

/* Exit files are named by run ids, which mean something in one catalog only: each has its own folder. */
static char *
catalog_state_dir(const struct daemon *d)
{
	return xasprintf("%s/%016" PRIx64, d->config->paths.state, text_hash(db_display(d->db)));
}

static int
make_folders(const struct config *c, struct err *err)
{
	if (file_mkdirs(c->paths.logs, 0755, err) < 0 || file_mkdirs(c->paths.state, 0700, err) < 0)
		return -1;
	return 0;
}

/* Without it no flow can run: better said now than at the first run. */
static int
find_shim(struct daemon *d, struct err *err)
{
	d->shim = runner_find_shim();
	if (access(d->shim, X_OK) == 0)
		return 0;
	return err_errno(err, errno,
		"the supervisor of runs cannot be executed (install all of this program, "
		"or set FLOWFILE_SHIM): %s",
		d->shim);
}

static int
start(struct daemon *d, struct err *err)
{
	struct runner_options runner = {.grace_ms = (int)d->config->cancel_grace_ms};

	/* `flowfile` is its neighbour. */
	if (!(d->bindir = path_own_folder()))
		d->bindir = xstrdup("/usr/bin");
	if (find_shim(d, err) < 0)
		return -1;
	if (d->config->run_command && command_check(d->config->run_command, err) < 0)
		return err_prefix(err, "run_command");
	if (!(d->base = event_base_new()) ||
		!(d->turn = event_new(d->base, -1, EV_PERSIST, on_turn, d)))
		return err_set(err, ERR_FAILED, "make the event loop");
	if (make_folders(d->config, err) < 0 || wait_for_catalog(d, err) < 0)
		return -1;
	upkeep_note_catalog(&d->config->paths, db_display(d->db));
	d->zones = zones_new();
	d->lineage = lineage_create();
	d->state_dir = catalog_state_dir(d);
	runner.state_dir = d->state_dir;
	runner.shim_path = d->shim;
	if (watch_signals(d, err) < 0 || wake_create(d->base, on_wake, d, &d->wake, err) < 0 ||
		runner_create(d->base, &runner, on_runner, d, &d->runner, err) < 0)
		return -1;
	if (make_engine(d, err) < 0)
		return -1;
	return d->args->once ? 0 : web_start(d->base, d->config, d->holder_id, &d->web, err);
}

static void
finish(struct daemon *d)
{
	web_stop(d->web);
	if (d->engine)
		engine_stop(d->engine);
	runner_free(d->runner);
	engine_free(d->engine);
	wake_free(d->wake);
	for (int i = 0; i < SIGNALS; i++)
		if (d->signals[i])
			event_free(d->signals[i]);
	disconnect_catalog(d);
	if (d->turn)
		event_free(d->turn);
	if (d->base)
		event_base_free(d->base);
	lineage_free(d->lineage);
	zones_free(d->zones);
	config_free(d->config);
	free(d->bindir);
	free(d->shim);
	free(d->state_dir);
}

/* A handler, before there is anything to put away. */
static void
leave_at_once(int sig)
{
	(void)sig;
	_exit(0);
}

int
daemon_configure(const struct daemon_args *args, struct config **out, struct err *err)
{
	if (config_load(args->config_file, out, err) < 0)
		return -1;
	if (args->database == NULL || config_set_database(*out, args->database, err) == 0)
		return 0;
	config_free(*out);
	return -1;
}

int
daemon_run(struct config *config, const struct daemon_args *args, struct err *err)
{
	struct daemon d = {.config = config, .args = args};
	int r;

	log_set_level(config->log_level);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* until they are watched: nothing has begun */
	signal(SIGTERM, leave_at_once);
	signal(SIGINT, leave_at_once);
	r = start(&d, err);
	if (r == 0) {
		log_info("Started version=%s catalog=%s", PACKAGE_VERSION, db_display(d.db));
		want_turn(&d);
		limit_pass(&d);
		event_base_dispatch(d.base);
		r = judge_pass(&d, err);
	}
	finish(&d);
	if (r == 0)
		log_info("Stopped");
	return r;
}
