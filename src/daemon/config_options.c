#include "daemon/config_option.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "base/units.h"

static int
parse_text(const struct option *option, const char *text, void *field, struct err *err)
{
	size_t len = strlen(text);

	(void)option;
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0])
		return err_set(err, ERR_USAGE, "%s: write it without the quotes", text);
	if (text_starts(text, "~/"))
		return err_set(err, ERR_USAGE, "%s: ~ is not expanded, write the whole path", text);
	xstrset(field, len > 0 ? text : NULL);
	return 0;
}

static int
parse_command(const struct option *option, const char *text, void *field, struct err *err)
{
	size_t n;
	char **words = text_split_words(text, &n, err);

	(void)option;
	if (words == NULL)
		return -1;
	text_free_words(words);
	xstrset(field, n > 0 ? text : NULL);
	return 0;
}

static void
print_text(const void *field, FILE *out)
{
	const char *text = *(char *const *)field;

	fputs(text != NULL ? text : "", out);
}

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static int
parse_level(const struct option *option, const char *text, void *field, struct err *err)
{
	enum log_level *level = field;

	(void)option;
	if (log_level_parse(text, level) < 0)
		return err_set(
			err, ERR_USAGE, "\"%s\" is none of debug, info, warning, error", text);
	return 0;
}

static void
print_level(const void *field, FILE *out)
{
	fputs(level_names[*(const enum log_level *)field], out);
}

static int
parse_bool(const struct option *option, const char *text, void *field, struct err *err)
{
	(void)option;
	if (!text_to_bool(text, field))
		return err_set(err, ERR_USAGE, "\"%s\" is neither true nor false", text);
	return 0;
}

static void
print_bool(const void *field, FILE *out)
{
	fputs(*(const bool *)field ? "true" : "false", out);
}

static int
parse_count(const struct option *option, const char *text, void *field, struct err *err)
{
	if (text_to_int(text, option->min, option->max, field))
		return 0;
	return err_set(err, ERR_USAGE, "\"%s\" is not a whole number from %" PRId64 " to %" PRId64,
		text, option->min, option->max);
}

static void
print_count(const void *field, FILE *out)
{
	fprintf(out, "%" PRId64, *(const int64_t *)field);
}

/* unit_ms: what one of the field is in milliseconds. */
static int
parse_duration(const struct option *option, const char *text, int64_t unit_ms, int64_t *field,
	struct err *err)
{
	int64_t ms;
	char min[32], max[32];

	if (!duration_parse_ms(text, &ms) || ms % unit_ms != 0)
		return err_set(err, ERR_USAGE,
			"\"%s\" is not a duration such as 90, 90s, 5m, 2h or 1d", text);
	if (ms < option->min * unit_ms || ms > option->max * unit_ms)
		return err_set(err, ERR_USAGE, "%s is not between %s and %s", text,
			duration_format_ms(option->min * unit_ms, min, sizeof(min)),
			duration_format_ms(option->max * unit_ms, max, sizeof(max)));
	*field = ms / unit_ms;
	return 0;
}

static void
print_duration(int64_t ms, FILE *out)
{
	char text[32];

	fputs(duration_format_ms(ms, text, sizeof(text)), out);
}

static int
parse_seconds(const struct option *option, const char *text, void *field, struct err *err)
{
	return parse_duration(option, text, 1000, field, err);
}

static void
print_seconds(const void *field, FILE *out)
{
	print_duration(*(const int64_t *)field * 1000, out);
}

static int
parse_millis(const struct option *option, const char *text, void *field, struct err *err)
{
	return parse_duration(option, text, 1, field, err);
}

static void
print_millis(const void *field, FILE *out)
{
	print_duration(*(const int64_t *)field, out);
}

static int
parse_bytes(const struct option *option, const char *text, void *field, struct err *err)
{
	int64_t bytes;
	char min[32], max[32];

	if (!size_parse(text, &bytes))
		return err_set(
			err, ERR_USAGE, "\"%s\" is not a size such as 500K, 64M or 2G", text);
	if (bytes != 0 && (bytes < option->min || bytes > option->max))
		return err_set(err, ERR_USAGE, "%s is neither 0 nor between %s and %s", text,
			size_format(option->min, min, sizeof(min)),
			size_format(option->max, max, sizeof(max)));
	*(int64_t *)field = bytes;
	return 0;
}

static void
print_bytes(const void *field, FILE *out)
{
	char text[32];

	fputs(size_format(*(const int64_t *)field, text, sizeof(text)), out);
}

static int
parse_auth(const struct option *option, const char *text, void *field, struct err *err)
{
	(void)option;
	if (strcmp(text, "token") != 0 && strcmp(text, "flowfile") != 0 &&
		strcmp(text, "none") != 0)
		return err_set(err, ERR_USAGE, "\"%s\" is none of token, flowfile, none", text);
	xstrset(field, text);
	return 0;
}

static const struct option_kind kind_auth = {parse_auth, print_text, false};
static const struct option_kind kind_text = {parse_text, print_text, true};
static const struct option_kind kind_command = {parse_command, print_text, true};
static const struct option_kind kind_level = {parse_level, print_level, false};
static const struct option_kind kind_bool = {parse_bool, print_bool, false};
static const struct option_kind kind_count = {parse_count, print_count, false};
static const struct option_kind kind_seconds = {parse_seconds, print_seconds, false};
static const struct option_kind kind_millis = {parse_millis, print_millis, false};
static const struct option_kind kind_bytes = {parse_bytes, print_bytes, false};

#define FIELD(name) offsetof(struct config, name)
#define DAY_S 86400
#define LONG_S (DURATION_MAX_MS / 1000)
#define LONG_DAYS (LONG_S / DAY_S)

/*
 * The order is that of the sample file. Each sentence is for the person who edits the file; "0:" says
 * what zero means where it is special.
 */
const struct option config_options[] = {
	{"database", &kind_text, FIELD(database), "", 0, 0,
		{"FLOWFILE_DATABASE_URL", "FLOWFILE_DB_PATH"}, false,
		"The catalog: a SQLite file, or postgresql://user@host/name. Empty: Flowfile's own "
		"place, "
		"<storage_dir>/database/flowfile_catalog.db."},
	{"storage_dir", &kind_text, FIELD(storage_dir), "", 0, 0, {"FLOWFILE_STORAGE_DIR"}, false,
		"Directory of logs, flows, tables and the scheduler's own files. Empty: "
		"Flowfile's, which "
		"is ~/.flowfile, or /app/internal_storage with FLOWFILE_MODE=docker."},
	{"run_command", &kind_command, FIELD(run_command), "", 0, 0, {"FLOWFILE_RUN_COMMAND"},
		false,
		"The command that runs one flow file; a flow that is an executable file is run "
		"directly. Both begin in the scheduler's working directory. The command is split "
		"into words like a shell would, but run without one. {flow_path} and {run_id} are "
		"replaced. Empty: flowfile run flow {flow_path} --run-id {run_id}, with the "
		"flowfile "
		"beside flowfile_scheduler. Beside Flowfile: python3 -m flowfile run flow "
		"{flow_path} --run-id {run_id}."},
	{"instance_name", &kind_text, FIELD(instance_name), "", 0, 0, {NULL}, false,
		"How this host is called in the catalog; must differ between hosts that share one. "
		"Empty: "
		"the host name."},
	{"log_level", &kind_level, FIELD(log_level), "info", 0, 0, {NULL}, false,
		"The least important lines that are logged: debug, info, warning or error."},
	{"max_concurrent_runs", &kind_count, FIELD(max_concurrent_runs), "32", 0, 100000, {NULL},
		false, "How many runs may be active at once; more wait for a place. 0: no limit."},
	{"cancel_grace", &kind_millis, FIELD(cancel_grace_ms), "10s", 0, DAY_S * 1000, {NULL},
		false, "How long a cancelled run has after SIGTERM before SIGKILL."},
	{"run_max_age", &kind_seconds, FIELD(run_max_age_s), "1d", 0, LONG_S,
		{"FLOWFILE_RUN_MAX_AGE_SECONDS"}, true,
		"A run that is active for longer is ended and closed as failed. 0: never."},
	{"run_start_grace", &kind_seconds, FIELD(run_start_grace_s), "5m", 0, LONG_S, {NULL}, false,
		"A run that another program recorded without a process is closed after this time."},
	{"designer_run_max_age", &kind_seconds, FIELD(designer_run_max_age_s), "1d", 0, LONG_S,
		{NULL}, false,
		"A run in Flowfile's designer that is open for longer is closed, so that it stops "
		"holding "
		"back its flow. 0: never."},
	{"lost_host_timeout", &kind_seconds, FIELD(lost_host_timeout_s), "15m", 0, LONG_S, {NULL},
		false,
		"Runs of a host that was not heard of for so long are closed as failed. 0: never."},
	{"reap_foreign_runs", &kind_bool, FIELD(reap_foreign_runs), "true", 0, 0, {NULL}, false,
		"Whether to close runs that Flowfile itself started and whose process is gone. On "
		"PostgreSQL only those whose process was seen alive on this host: Flowfile may run "
		"on "
		"another."},
	{"run_log_retention_days", &kind_count, FIELD(run_log_retention_days), "30", 0, LONG_DAYS,
		{"FLOWFILE_RUN_LOG_RETENTION_DAYS"}, true,
		"Log files of runs and flows are deleted after so many days. 0: kept."},
	{"run_log_max_size", &kind_bytes, FIELD(run_log_max_bytes), "64M", 4096, INT64_C(1) << 50,
		{NULL}, false,
		"Output of a run past this size is left out of its log. 0: no limit."},
	{"history_retention_days", &kind_count, FIELD(history_retention_days), "90", 1, LONG_DAYS,
		{NULL}, false,
		"The scheduler's own records (firings, requests, table writes) are deleted after "
		"so many "
		"days. The list of runs is Flowfile's and stays."},
	{"engine_memory", &kind_bytes, FIELD(engine_memory_bytes), "0", INT64_C(32) << 20,
		INT64_C(1) << 50, {NULL}, false,
		"Memory that one run of a flow file may use before it puts data aside on disk. 0: "
		"80 % of "
		"the machine's."},
	{"engine_threads", &kind_count, FIELD(engine_threads), "0", 0, 1024, {NULL}, false,
		"Threads that one run of a flow file may use. 0: one for each processor."},
	{"engine_temp_dir", &kind_text, FIELD(engine_temp_dir), "", 0, 0, {NULL}, false,
		"Where a run of a flow file puts data aside that does not fit into its memory. "
		"Empty: "
		"TMPDIR, or else /tmp."},
	{"python", &kind_text, FIELD(python), "python3", 0, 0, {"FLOWFILE_PYTHON"}, false,
		"The interpreter that runs Python code of flow files. It needs the package "
		"polars."},
	{"query_timeout", &kind_millis, FIELD(query_timeout_ms), "60s", 1000, DAY_S * 1000, {NULL},
		false,
		"How long a query over the API may take, such as a table's preview or SQL, and how "
		"long it waits for a place before that."},
	{"query_memory", &kind_bytes, FIELD(query_memory_bytes), "1G", INT64_C(32) << 20,
		INT64_C(1) << 50, {NULL}, false,
		"Memory that one query over the API may use before it puts data aside on disk. 0: "
		"80 % of the machine's."},
	{"queries_max", &kind_count, FIELD(queries_max), "4", 1, 1000, {NULL}, false,
		"How many queries over the API may run at once, each in a process of its own; more "
		"wait for a place."},
	{"heartbeat_interval", &kind_seconds, FIELD(heartbeat_s), "10s", 1, 30, {NULL}, false,
		"How often the leader renews its lock, which others may take after 90s without "
		"it."},
	{"poll_interval", &kind_seconds, FIELD(poll_s), "30s", 1, 3600, {NULL}, false,
		"How often the catalog is looked through for changes that no event announced."},
	{"trigger_min_gap", &kind_seconds, FIELD(trigger_min_gap_s), "0s", 0, 30 * DAY_S, {NULL},
		false,
		"The least time between two runs of one schedule that table writes start. "
		"Writes in between are not lost: one run follows for all of them."},
	{"database_timeout", &kind_millis, FIELD(database_timeout_ms), "5s", 100, 60000, {NULL},
		false, "How long a statement waits for another program's lock on the catalog."},
	{"http_listen", &kind_text, FIELD(http_listen), "127.0.0.1:63580", 0, 0, {NULL}, false,
		"Addresses at which the API is served, separated by commas, such as "
		"127.0.0.1:63580 or [::1]:63580; none: not over TCP."},
	{"http_socket", &kind_text, FIELD(http_socket), "", 0, 0, {NULL}, false,
		"A unix socket at which the API is served to this user without a token. Empty: "
		"none."},
	{"http_auth", &kind_auth, FIELD(http_auth), "token", 0, 0, {NULL}, false,
		"Who may use the API. token: whoever has the token of http_token_file. flowfile: "
		"also Flowfile's users and services, by JWT_SECRET_KEY and "
		"FLOWFILE_INTERNAL_TOKEN, or on a desktop by Flowfile's own store of secrets. "
		"none: "
		"everybody, which is refused at any address but loopback."},
	{"http_token_file", &kind_text, FIELD(http_token_file), "", 0, 0, {NULL}, false,
		"The file that holds the token; made at the first start. Empty: "
		"<storage_dir>/scheduler_token."},
	{"http_hosts", &kind_text, FIELD(http_hosts), "", 0, 0, {NULL}, false,
		"Further names by which clients reach the API, separated by commas. Requests to "
		"any other name are refused, so that no web page can reach it by a name of its "
		"own."},
	{"cors_origins", &kind_text, FIELD(cors_origins), "", 0, 0, {NULL}, false,
		"Web pages that may use the API, separated by commas, such as "
		"http://localhost:8080 or http://localhost:* for every port. Empty: none."},
	{"wait_for_flowfile", &kind_bool, FIELD(wait_for_flowfile), "false", 0, 0, {NULL}, false,
		"Whether to wait for Flowfile to make the catalog instead of making one where none "
		"is."},
};
const size_t config_options_count = ARRAY_LEN(config_options);

const struct option *
option_find(const char *key)
{
	for (size_t i = 0; i < config_options_count; i++) {
		if (strcmp(config_options[i].key, key) == 0)
			return &config_options[i];
	}
	return NULL;
}

const char *
option_suggest(const char *key, char *out, size_t size)
{
	struct nearest near = nearest_to(key);

	for (size_t i = 0; i < config_options_count; i++)
		nearest_offer(&near, config_options[i].key);
	out[0] = '\0';
	if (near.name != NULL)
		snprintf(out, size, " (did you mean %s?)", near.name);
	return out;
}

int
option_set(const struct option *option, struct config *config, const char *text, struct err *err)
{
	void *field = (char *)config + option->offset;

	if (text[0] == '\0' && !option->kind->may_be_empty)
		return err_set(err, ERR_USAGE, "the value is missing");
	return option->kind->parse(option, text, field, err);
}

void
option_print(const struct option *option, const struct config *config, FILE *out)
{
	option->kind->print((const char *)config + option->offset, out);
}

const char *
option_variable(const struct option *option, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, OPTION_PREFIX "%s", option->key);

	for (char *p = out + sizeof(OPTION_PREFIX) - 1; p < out + n; p++)
		*p = *p == '_' ? '_' : (char)(*p - 'a' + 'A');
	return out;
}
