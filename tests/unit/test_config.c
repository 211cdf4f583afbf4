/* Paths, units, suggestions and the configuration. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/units.h"
#include "daemon/config_option.h"

#define FILE_MAX (1 << 20)

extern char **environ;

#define HOME_TEMPLATE "/tmp/ff-config-XXXXXX"

static char home[sizeof(HOME_TEMPLATE)];
static char ini[sizeof(home) + 32];

/* Each test runs in a process of its own: what it sets, the next one does not see. */
static void
setup(void)
{
	char *const *entry = environ;

	while (*entry != NULL) {
		size_t len = strcspn(*entry, "=");
		char *name = xstrndup(*entry, len);

		if (text_starts(name, "FLOWFILE_") || strcmp(name, "TESTING") == 0) {
			unsetenv(name);
			entry = environ;
		} else {
			entry++;
		}
		free(name);
	}
	strcpy(home, HOME_TEMPLATE);
	ck_assert_ptr_nonnull(mkdtemp(home));
	setenv("HOME", home, 1);
	snprintf(ini, sizeof(ini), "%s/test.ini", home);
}

static void
teardown(void)
{
	char *file = path_join(home, ".flowfile/scheduler.ini");

	unlink(file);
	unlink(ini);
	free(file);
	file = path_join(home, ".flowfile");
	rmdir(file);
	free(file);
	ck_assert_int_eq(rmdir(home), 0);
}

static void
write_file(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_msg(file_write_atomic(path, text, strlen(text), 0600, &err) == 0, "%s", err.text);
}

static struct config *
load_text(const char *text)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;

	write_file(ini, text);
	ck_assert_msg(config_load(ini, &config, &err) == 0, "%s", err.text);
	return config;
}

static void
apply_env(const char *const *pairs)
{
	for (; pairs != NULL && *pairs != NULL; pairs += 2) {
		if (pairs[1] == NULL)
			unsetenv(pairs[0]);
		else
			setenv(pairs[0], pairs[1], 1);
	}
}

/* --- paths --- */

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* "@" stands for the current directory. */
static const struct {
	const char *const *env;
	const char *storage_dir;
	const char *base, *user_data, *catalog, *logs, *flows, *tables;
} path_cases[] = {
	{ENV("HOME", "/h"), NULL, "/h/.flowfile", "/h", "/h/.flowfile/database/flowfile_catalog.db",
		"/h/.flowfile/logs", "/h/.flowfile/flows", "/h/.flowfile/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_STORAGE_DIR", "/s", "FLOWFILE_USER_DATA_DIR", "/ignored"),
		NULL, "/s", "/h", "/s/database/flowfile_catalog.db", "/s/logs", "/s/flows",
		"/s/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_STORAGE_DIR", ""), NULL, "/h/.flowfile", "/h",
		"/h/.flowfile/database/flowfile_catalog.db", "/h/.flowfile/logs",
		"/h/.flowfile/flows", "/h/.flowfile/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_STORAGE_DIR", "/s"), "/given", "/given", "/h",
		"/given/database/flowfile_catalog.db", "/given/logs", "/given/flows",
		"/given/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_STORAGE_DIR", "rel"), NULL, "@/rel", "/h",
		"@/rel/database/flowfile_catalog.db", "@/rel/logs", "@/rel/flows",
		"@/rel/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_DB_PATH", "some/where.db"), NULL, "/h/.flowfile", "/h",
		"some/where.db", "/h/.flowfile/logs", "/h/.flowfile/flows",
		"/h/.flowfile/catalog_tables"},
	{ENV("HOME", "/h", "TESTING", "True"), NULL, "/h/.flowfile", "/h",
		"/h/.flowfile/temp/test_flowfile_catalog.db", "/h/.flowfile/temp/test_logs",
		"/h/.flowfile/flows", "/h/.flowfile/catalog_tables"},
	{ENV("HOME", "/h", "TESTING", "true"), NULL, "/h/.flowfile", "/h",
		"/h/.flowfile/database/flowfile_catalog.db", "/h/.flowfile/logs",
		"/h/.flowfile/flows", "/h/.flowfile/catalog_tables"},
	{ENV("HOME", "/h", "TESTING", "True", "FLOWFILE_DB_PATH", "/x.db"), NULL, "/h/.flowfile",
		"/h", "/x.db", "/h/.flowfile/temp/test_logs", "/h/.flowfile/flows",
		"/h/.flowfile/catalog_tables"},
	{ENV("FLOWFILE_MODE", "docker"), NULL, "/app/internal_storage", "/data/user",
		"/app/internal_storage/database/flowfile_catalog.db", "/app/internal_storage/logs",
		"/data/user/flows", "/data/user/catalog_tables"},
	{ENV("FLOWFILE_MODE", "docker", "FLOWFILE_STORAGE_DIR", "", "FLOWFILE_USER_DATA_DIR", "/u"),
		NULL, "@", "/u", "@/database/flowfile_catalog.db", "@/logs", "/u/flows",
		"/u/catalog_tables"},
	{ENV("FLOWFILE_MODE", "docker", "FLOWFILE_STORAGE_DIR", "/s"), "/given", "/given",
		"/data/user", "/given/database/flowfile_catalog.db", "/given/logs",
		"/data/user/flows", "/data/user/catalog_tables"},
	{ENV("HOME", "/h", "FLOWFILE_MODE", "electron"), NULL, "/h/.flowfile", "/h",
		"/h/.flowfile/database/flowfile_catalog.db", "/h/.flowfile/logs",
		"/h/.flowfile/flows", "/h/.flowfile/catalog_tables"},
};

static void
check_path(const char *got, const char *want)
{
	char *cwd = getcwd(NULL, 0);
	char *full = want[0] == '@' ? xasprintf("%s%s", cwd, want + 1) : xstrdup(want);

	ck_assert_str_eq(got, full);
	free(full);
	free(cwd);
}

START_TEST(test_paths_are_found_as_flowfile_finds_them)
{
	struct err err = ERR_INIT;
	struct paths paths;
	char *state;

	apply_env(path_cases[_i].env);
	ck_assert_int_eq(paths_resolve(path_cases[_i].storage_dir, &paths, &err), 0);
	check_path(paths.base, path_cases[_i].base);
	check_path(paths.user_data, path_cases[_i].user_data);
	check_path(paths.catalog, path_cases[_i].catalog);
	check_path(paths.logs, path_cases[_i].logs);
	check_path(paths.flows, path_cases[_i].flows);
	check_path(paths.tables, path_cases[_i].tables);
	state = xasprintf("%s/scheduler", paths.base);
	ck_assert_str_eq(paths.state, state);
	free(state);
	paths_free(&paths);
}
END_TEST

START_TEST(test_a_run_log_is_named_after_its_run)
{
	struct err err = ERR_INIT;
	struct paths paths;
	char *log;

	ck_assert_int_eq(paths_resolve("/s", &paths, &err), 0);
	log = paths_run_log(&paths, INT64_C(12345678901));
	ck_assert_str_eq(log, "/s/logs/scheduled_run_12345678901.log");
	free(log);
	paths_free(&paths);
}
END_TEST

START_TEST(test_without_home_the_account_says_where_home_is)
{
	struct err err = ERR_INIT;
	struct paths paths;

	unsetenv("HOME");
	ck_assert_int_eq(paths_resolve(NULL, &paths, &err), 0);
	ck_assert_int_eq(paths.user_data[0], '/');
	paths_free(&paths);
}
END_TEST

START_TEST(test_a_relative_directory_needs_a_current_one)
{
	struct err err = ERR_INIT;
	struct paths paths;

	ck_assert_int_eq(chdir(home), 0);
	ck_assert_int_eq(rmdir(home), 0);
	ck_assert_int_eq(paths_resolve("rel", &paths, &err), -1);
	ck_assert_str_eq(err.text,
		"storage directory: rel is relative and the current directory is unknown");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(mkdir(home, 0700), 0);
}
END_TEST

/* --- units --- */

static const struct {
	const char *text;
	int64_t ms; /* -1: no duration */
	const char *back; /* NULL: as it was */
} durations[] = {
	{"90", 90000, "90s"},
	{"90s", 90000, NULL},
	{"5m", 300000, NULL},
	{"2h", 7200000, NULL},
	{"1d", 86400000, NULL},
	{"24h", 86400000, "1d"},
	{"1500ms", 1500, NULL},
	{"0", 0, "0s"},
	{"0d", 0, "0s"},
	{"007s", 7000, "7s"},
	{"5M", 300000, "5m"},
	{"3660000d", DURATION_MAX_MS, NULL},
	{"3660001d", -1, NULL},
	{"99999999999999999999", -1, NULL},
	{"99999999999999999999999999999999s", -1, NULL},
	{"", -1, NULL},
	{"s", -1, NULL},
	{"-5s", -1, NULL},
	{"+5s", -1, NULL},
	{"1.5h", -1, NULL},
	{"5 m", -1, NULL},
	{"1h30m", -1, NULL},
	{"5w", -1, NULL},
};

START_TEST(test_durations_are_read_and_written_back)
{
	int64_t ms;
	char back[32];

	if (durations[_i].ms < 0) {
		ck_assert(!duration_parse_ms(durations[_i].text, &ms));
		return;
	}
	ck_assert(duration_parse_ms(durations[_i].text, &ms));
	ck_assert_int_eq(ms, durations[_i].ms);
	ck_assert_str_eq(duration_format_ms(ms, back, sizeof(back)),
		durations[_i].back != NULL ? durations[_i].back : durations[_i].text);
}
END_TEST

START_TEST(test_seconds_are_whole)
{
	int64_t s;

	ck_assert(duration_parse_s("3000ms", &s));
	ck_assert_int_eq(s, 3);
	ck_assert(!duration_parse_s("1500ms", &s));
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
	const char *back;
} sizes[] = {
	{"0", 0, "0"},
	{"4096", 4096, "4K"},
	{"4097", 4097, "4097"},
	{"64M", 67108864, "64M"},
	{"64m", 67108864, "64M"},
	{"2T", INT64_C(2199023255552), "2T"},
	{"8388608T", -1, NULL},
	{"64MB", -1, NULL},
	{"M", -1, NULL},
	{"-1", -1, NULL},
};

START_TEST(test_sizes_are_read_and_written_back)
{
	int64_t bytes;
	char back[32];

	if (sizes[_i].bytes < 0) {
		ck_assert(!size_parse(sizes[_i].text, &bytes));
		return;
	}
	ck_assert(size_parse(sizes[_i].text, &bytes));
	ck_assert_int_eq(bytes, sizes[_i].bytes);
	ck_assert_str_eq(size_format(bytes, back, sizeof(back)), sizes[_i].back);
}
END_TEST

/* --- suggestions --- */

static const struct {
	const char *a, *b;
	size_t distance;
} distances[] = {
	{"", "", 0},
	{"abc", "abc", 0},
	{"", "abc", 3},
	{"abc", "", 3},
	{"abc", "abd", 1},
	{"abc", "acb", 1},
	{"kitten", "sitting", 3},
	{"polintervall", "poll_interval", 3},
};

START_TEST(test_distance_counts_edits)
{
	ck_assert_uint_eq(
		nearest_distance(distances[_i].a, distances[_i].b), distances[_i].distance);
	ck_assert_uint_eq(
		nearest_distance(distances[_i].b, distances[_i].a), distances[_i].distance);
}
END_TEST

START_TEST(test_the_nearest_name_is_offered_and_only_if_it_is_near)
{
	static const char *const names[] = {"list", "show", "create", "delete"};
	static const char *const cases[][2] = {{"crate", "create"}, {"lsit", "list"},
		{"sho", "show"}, {"frobnicate", NULL}, {"", NULL}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nearest near = nearest_to(cases[i][0]);

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			nearest_offer(&near, names[k]);
		if (cases[i][1] == NULL)
			ck_assert_ptr_null(near.name);
		else
			ck_assert_str_eq(near.name, cases[i][1]);
	}
}
END_TEST

START_TEST(test_a_word_too_long_to_compare_is_near_to_nothing)
{
	char word[200];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert(nearest_distance(word, "a") == SIZE_MAX);
	ck_assert(nearest_distance("a", word) == SIZE_MAX);
}
END_TEST

/* --- configuration --- */

START_TEST(test_defaults_are_those_of_the_header)
{
	struct config *config = load_text("");
	char host[256] = "", *catalog = path_join(home, ".flowfile/database/flowfile_catalog.db");

	gethostname(host, sizeof(host) - 1);
	ck_assert_str_eq(config->file, ini);
	ck_assert_str_eq(config->database, catalog);
	ck_assert_ptr_null(config->storage_dir);
	ck_assert_ptr_null(config->run_command);
	ck_assert_str_eq(config->instance_name, host);
	ck_assert_int_eq(config->log_level, LOG_INFO_LEVEL);
	ck_assert_int_eq(config->max_concurrent_runs, 32);
	ck_assert_int_eq(config->cancel_grace_ms, 10000);
	ck_assert_int_eq(config->run_max_age_s, 86400);
	ck_assert_int_eq(config->run_start_grace_s, 300);
	ck_assert_int_eq(config->designer_run_max_age_s, 86400);
	ck_assert_int_eq(config->lost_host_timeout_s, 900);
	ck_assert(config->reap_foreign_runs);
	ck_assert_int_eq(config->run_log_retention_days, 30);
	ck_assert_int_eq(config->run_log_max_bytes, 64 << 20);
	ck_assert_int_eq(config->history_retention_days, 90);
	ck_assert_int_eq(config->heartbeat_s, 10);
	ck_assert_int_eq(config->poll_s, 30);
	ck_assert_int_eq(config->trigger_min_gap_s, 0);
	ck_assert_int_eq(config->database_timeout_ms, 5000);
	ck_assert(!config->wait_for_flowfile);
	ck_assert_str_eq(config_source(config, "poll_interval"), "default");
	free(catalog);
	config_free(config);
}
END_TEST

START_TEST(test_a_file_sets_every_kind_of_value)
{
	struct config *config =
		load_text("\xef\xbb\xbf# comment\r\n"
			  "\n"
			  "  poll_interval=2m\r\n"
			  "; another\n"
			  "[scheduler]\n"
			  "cancel_grace = 1500ms\n"
			  "log_level = Warning\n"
			  "wait_for_flowfile = Yes\n"
			  "run_log_max_size = 1G\n"
			  "run_command = python3 -m flowfile run flow \"{flow_path}\" # x=y\n"
			  "instance_name = n\xc3\xb6rd\n"
			  "storage_dir =\n"
			  "max_concurrent_runs = 0");

	ck_assert_int_eq(config->poll_s, 120);
	ck_assert_int_eq(config->cancel_grace_ms, 1500);
	ck_assert_int_eq(config->log_level, LOG_WARNING_LEVEL);
	ck_assert(config->wait_for_flowfile);
	ck_assert_int_eq(config->run_log_max_bytes, 1 << 30);
	ck_assert_str_eq(config->run_command, "python3 -m flowfile run flow \"{flow_path}\" # x=y");
	ck_assert_str_eq(config->instance_name, "n\xc3\xb6rd");
	ck_assert_ptr_null(config->storage_dir);
	ck_assert_int_eq(config->max_concurrent_runs, 0);
	config_free(config);
}
END_TEST

/* What follows the file's name in the error. */
static const struct {
	const char *text, *error;
} bad_files[] = {
	{"poll_intervall = 5s", ":1: poll_intervall: no such option (did you mean poll_interval?)"},
	{"\n\nrun-command = x", ":3: run-command: no such option (did you mean run_command?)"},
	{"colour = red", ":1: colour: no such option"},
	{"[scheduler]\n[database]", ":2: [database]: the only section is [scheduler]"},
	{"[scheduler", ":1: [scheduler: a section ends with ]"},
	{"poll_interval", ":1: poll_interval: neither a comment nor \"key = value\""},
	{"poll_interval =", ":1: poll_interval: the value is missing"},
	{"poll_interval = soon",
		":1: poll_interval: \"soon\" is not a duration such as 90, 90s, 5m, 2h or 1d"},
	{"poll_interval = 30s ; slow",
		":1: poll_interval: \"30s ; slow\" is not a duration such as 90, 90s, 5m, 2h or "
		"1d"},
	{"poll_interval = 2h", ":1: poll_interval: 2h is not between 1s and 1h"},
	{"heartbeat_interval = 31", ":1: heartbeat_interval: 31 is not between 1s and 30s"},
	{"heartbeat_interval = 1500ms",
		":1: heartbeat_interval: \"1500ms\" is not a duration such as 90, 90s, 5m, 2h or "
		"1d"},
	{"max_concurrent_runs = -1",
		":1: max_concurrent_runs: \"-1\" is not a whole number from 0 to 100000"},
	{"log_level = loud", ":1: log_level: \"loud\" is none of debug, info, warning, error"},
	{"wait_for_flowfile = maybe", ":1: wait_for_flowfile: \"maybe\" is neither true nor false"},
	{"run_log_max_size = big",
		":1: run_log_max_size: \"big\" is not a size such as 500K, 64M or 2G"},
	{"run_log_max_size = 1", ":1: run_log_max_size: 1 is neither 0 nor between 4K and 1024T"},
	{"run_command = sh 'x", ":1: run_command: a single quote is not closed"},
	{"database = \"/x.db\"", ":1: database: \"/x.db\": write it without the quotes"},
	{"database = ~/x.db", ":1: database: ~/x.db: ~ is not expanded, write the whole path"},
	{"instance_name = \xff", ": not a text file in UTF-8"},
	{"= 5", ":1: : no such option"},
};

START_TEST(test_a_bad_file_is_refused_with_line_and_key)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;
	char *want = xasprintf("configuration: %s%s", ini, bad_files[_i].error);

	write_file(ini, bad_files[_i].text);
	ck_assert_int_eq(config_load(ini, &config, &err), -1);
	ck_assert_str_eq(err.text, want);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_ptr_null(config);
	free(want);
}
END_TEST

START_TEST(test_an_option_set_twice_is_refused)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;
	char *want = xasprintf("configuration: %s:3: poll_interval: set before, at %s:1", ini, ini);

	write_file(ini, "poll_interval = 5s\n[scheduler]\npoll_interval = 5s\n");
	ck_assert_int_eq(config_load(ini, &config, &err), -1);
	ck_assert_str_eq(err.text, want);
	free(want);
}
END_TEST

START_TEST(test_a_file_that_is_named_must_exist)
{
	struct config *config;
	struct err err = ERR_INIT;

	ck_assert_int_eq(config_load(ini, &config, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "test.ini"));
	err_clear(&err);
	setenv("FLOWFILE_SCHEDULER_CONFIG", ini, 1);
	ck_assert_int_eq(config_load(NULL, &config, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "test.ini"));
}
END_TEST

START_TEST(test_the_file_is_looked_for_in_the_storage_directory)
{
	struct config *config;
	struct err err = ERR_INIT;
	char *dir = path_join(home, ".flowfile"), *file = path_join(dir, "scheduler.ini");

	ck_assert_int_eq(file_mkdirs(dir, 0700, &err), 0);
	write_file(file, "poll_interval = 7s\n");
	ck_assert_int_eq(config_load(NULL, &config, &err), 0);
	ck_assert_str_eq(config->file, file);
	ck_assert_int_eq(config->poll_s, 7);
	config_free(config);
	/* ... unless a variable names another */
	write_file(ini, "poll_interval = 8s\n");
	setenv("FLOWFILE_SCHEDULER_CONFIG", ini, 1);
	ck_assert_int_eq(config_load(NULL, &config, &err), 0);
	ck_assert_int_eq(config->poll_s, 8);
	config_free(config);
	free(dir);
	free(file);
}
END_TEST

START_TEST(test_the_environment_goes_over_the_file)
{
	struct config *config;
	char *line = xasprintf("%s:1", ini);

	setenv("FLOWFILE_SCHEDULER_POLL_INTERVAL", "9s", 1);
	setenv("FLOWFILE_SCHEDULER_LOG_LEVEL", "", 1);
	config = load_text("log_level = error\npoll_interval = 5s\n");
	ck_assert_int_eq(config->poll_s, 9);
	ck_assert_str_eq(
		config_source(config, "poll_interval"), "FLOWFILE_SCHEDULER_POLL_INTERVAL");
	ck_assert_int_eq(config->log_level, LOG_ERROR_LEVEL);
	ck_assert_str_eq(config_source(config, "log_level"), line);
	config_free(config);
	free(line);
}
END_TEST

START_TEST(test_a_database_that_is_named_goes_over_all)
{
	struct config *config;
	struct err err = ERR_INIT;
	const char *key, *source;
	size_t i = 0;

	setenv("FLOWFILE_DATABASE_URL", "/e/other.db", 1);
	setenv("FLOWFILE_SCHEDULER_POLL_INTERVAL", "9s", 1);
	config = load_text("database = /f/other.db\nlog_level = error\n");
	ck_assert_int_eq(config_set_database(config, "/a/named.db", &err), 0);
	ck_assert_str_eq(config->database, "/a/named.db");
	/* What neither the file nor a default gave. */
	ck_assert(config_next_override(config, &i, &key, &source));
	ck_assert_str_eq(key, "database");
	ck_assert_str_eq(source, "--database");
	ck_assert(config_next_override(config, &i, &key, &source));
	ck_assert_str_eq(key, "poll_interval");
	ck_assert_str_eq(source, "FLOWFILE_SCHEDULER_POLL_INTERVAL");
	ck_assert(!config_next_override(config, &i, &key, &source));
	ck_assert_int_eq(config_set_database(config, "", &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_int_eq(config_set_database(config, "~/x.db", &err), -1);
	ck_assert_str_eq(config->database, "/a/named.db");
	config_free(config);
}
END_TEST

START_TEST(test_a_bad_variable_is_refused_by_name)
{
	struct config *config;
	struct err err = ERR_INIT;

	setenv("FLOWFILE_SCHEDULER_POLL_INTERVAL", "soon", 1);
	write_file(ini, "");
	ck_assert_int_eq(config_load(ini, &config, &err), -1);
	ck_assert_str_eq(err.text,
		"configuration: FLOWFILE_SCHEDULER_POLL_INTERVAL: \"soon\" is "
		"not a duration such as 90, 90s, 5m, 2h or 1d");
}
END_TEST

static const struct {
	const char *const *env;
	const char *database, *source;
} databases[] = {
	{NULL, "/file.db", NULL},
	{ENV("FLOWFILE_DB_PATH", "rel.db"), "rel.db", "FLOWFILE_DB_PATH"},
	{ENV("FLOWFILE_DB_PATH", "rel.db", "FLOWFILE_DATABASE_URL", "postgresql://h/d"),
		"postgresql://h/d", "FLOWFILE_DATABASE_URL"},
	{ENV("FLOWFILE_DATABASE_URL", "postgresql://h/d", "FLOWFILE_SCHEDULER_DATABASE", "/own.db"),
		"/own.db", "FLOWFILE_SCHEDULER_DATABASE"},
};

START_TEST(test_the_catalog_is_named_by_the_most_particular_source)
{
	struct config *config;

	apply_env(databases[_i].env);
	config = load_text("database = /file.db\n");
	ck_assert_str_eq(config->database, databases[_i].database);
	if (databases[_i].source != NULL)
		ck_assert_str_eq(config_source(config, "database"), databases[_i].source);
	config_free(config);
}
END_TEST

START_TEST(test_flowfiles_storage_variable_goes_over_the_file)
{
	struct config *config = load_text("storage_dir = /from/file\n");

	ck_assert_str_eq(config->paths.logs, "/from/file/logs");
	ck_assert_str_eq(config->database, "/from/file/database/flowfile_catalog.db");
	config_free(config);
	setenv("FLOWFILE_STORAGE_DIR", "/from/env", 1);
	config = load_text("storage_dir = /from/file\n");
	ck_assert_str_eq(config->paths.logs, "/from/env/logs");
	config_free(config);
}
END_TEST

/* Upstream reads them with Python's int() (contract 2.1). */
static const struct {
	const char *value;
	int64_t max_age_s, retention_days;
	bool warns;
} integers[] = {
	{"5", 5, 5, false},
	{" 5 ", 5, 5, false},
	{"+5", 5, 5, false},
	{"0", 0, 0, false},
	{"-3", 0, 0, false},
	{"", 86400, 30, false},
	{"99999999999999999999", DURATION_MAX_MS / 1000, DURATION_MAX_MS / 86400000, false},
	{"1h", 86400, 30, true},
	{"5.5", 86400, 30, true},
	{"many", 86400, 30, true},
	{"  ", 86400, 30, true},
};

static int warnings;

static void
count_warnings(enum log_level level, const char *line, void *arg)
{
	(void)line;
	(void)arg;
	warnings += level == LOG_WARNING_LEVEL;
}

START_TEST(test_flowfiles_integer_variables_are_read_as_upstream_reads_them)
{
	struct config *config;

	setenv("FLOWFILE_RUN_MAX_AGE_SECONDS", integers[_i].value, 1);
	setenv("FLOWFILE_RUN_LOG_RETENTION_DAYS", integers[_i].value, 1);
	log_set_sink(count_warnings, NULL);
	config = load_text("");
	log_set_sink(NULL, NULL);
	ck_assert_int_eq(config->run_max_age_s, integers[_i].max_age_s);
	ck_assert_int_eq(config->run_log_retention_days, integers[_i].retention_days);
	ck_assert_int_eq(warnings, integers[_i].warns ? 2 : 0);
	config_free(config);
}
END_TEST

static const struct {
	const char *variable;
	int warnings;
} near_variables[] = {
	{"FLOWFILE_SCHEDULER_POL_INTERVAL", 1},
	{"FLOWFILE_SCHEDULER_DATABSE", 1},
	{"FLOWFILE_SCHEDULER_ENABLED", 0},
	{"FLOWFILE_SCHEDULER_DATABASE", 0},
	/* what Kubernetes sets for a service called flowfile-scheduler */
	{"FLOWFILE_SCHEDULER_PORT", 0},
	{"FLOWFILE_SCHEDULER_SERVICE_HOST", 0},
	{"FLOWFILE_SCHEDULER_PORT_8080_TCP_ADDR", 0},
};

START_TEST(test_a_mistyped_variable_is_warned_of)
{
	struct config *config;

	setenv(near_variables[_i].variable, "tcp://10.0.0.1:80", 1);
	log_set_sink(count_warnings, NULL);
	config = load_text("");
	log_set_sink(NULL, NULL);
	ck_assert_int_eq(warnings, near_variables[_i].warnings);
	config_free(config);
}
END_TEST

/* --- printed forms --- */

static char *
printed(void (*print)(const struct config *, FILE *), const struct config *config)
{
	char *text = xcalloc(1, FILE_MAX);
	FILE *out = fmemopen(text, FILE_MAX, "w");

	ck_assert_ptr_nonnull(out);
	print(config, out);
	fclose(out);
	return text;
}

static void
print_sample(const struct config *config, FILE *out)
{
	(void)config;
	config_print_sample(out);
}

static char *
read_source(const char *name)
{
	struct err err = ERR_INIT;
	char *path = path_join(TEST_SRCDIR, name), *text = file_read(path, FILE_MAX, NULL, &err);

	ck_assert_msg(text != NULL, "%s", err.text);
	free(path);
	return text;
}

START_TEST(test_the_sample_file_is_what_the_table_says)
{
	char *sample = printed(print_sample, NULL), *file = read_source("etc/scheduler.ini.sample");

	ck_assert_str_eq(file, sample);
	free(sample);
	free(file);
}
END_TEST

START_TEST(test_the_sample_uncommented_gives_the_defaults)
{
	char *text = printed(print_sample, NULL), *wanted, *got;
	struct config *config = load_text("");

	wanted = printed(config_print, config);
	config_free(config);
	for (size_t i = 0; i < config_options_count; i++) {
		char *line = xasprintf("\n#%s =", config_options[i].key);
		const char *found = strstr(text, line);

		ck_assert_msg(found != NULL, "%s", line);
		text[found - text + 1] = ' '; /* instead of the # */
		free(line);
	}
	config = load_text(text);
	for (size_t i = 0; i < config_options_count; i++) /* the same but for where it is from */
		xstrset(&config->sources[i], NULL);
	got = printed(config_print, config);
	ck_assert_str_eq(got, wanted);
	config_free(config);
	free(text);
	free(wanted);
	free(got);
}
END_TEST

START_TEST(test_the_minimal_file_is_valid)
{
	char *text = read_source("etc/scheduler.ini.minimal");

	config_free(load_text(text));
	free(text);
}
END_TEST

START_TEST(test_the_manual_names_every_option_and_its_default)
{
	char *manual = read_source("man/scheduler.ini.5");

	for (size_t i = 0; i < config_options_count; i++) {
		const struct option *option = &config_options[i];
		char *item = option->fallback[0] != '\0'
			? xasprintf("\n.It Ic %s No = Ar %s\n", option->key, option->fallback)
			: xasprintf("\n.It Ic %s\n", option->key);

		ck_assert_msg(strstr(manual, item) != NULL, "not in the manual:%s", item);
		free(item);
		for (size_t k = 0; k < OPTION_ALIASES_MAX && option->aliases[k] != NULL; k++)
			ck_assert_msg(strstr(manual, option->aliases[k]) != NULL, "%s",
				option->aliases[k]);
	}
	free(manual);
}
END_TEST

static const struct {
	const char *url, *shown;
} urls[] = {
	{"/data/a:b@c.db", "/data/a:b@c.db"},
	{"postgresql://h/d", "postgresql://h/d"},
	{"postgresql://u@h/d", "postgresql://u@h/d"},
	{"postgresql://u:s3cret@h:5432/d", "postgresql://u:***@h:5432/d"},
	{"postgresql://u:s3@cret@h/d?sslmode=require", "postgresql://u:***@h/d?sslmode=require"},
	{"postgresql://h:5432/d", "postgresql://h:5432/d"},
	{"postgresql://h/d?user=u&password=s3cret&port=1",
		"postgresql://h/d?user=u&password=***&port=1"},
	{"postgresql://u:s3cret@h/d?sslpassword=s3cret", "postgresql://u:***@h/d?sslpassword=***"},
	{"sqlite:////a.db", "sqlite:////a.db"},
};

START_TEST(test_printing_the_configuration_hides_passwords)
{
	struct config *config;
	char *text, *want;

	setenv("FLOWFILE_DATABASE_URL", urls[_i].url, 1);
	config = load_text("");
	text = printed(config_print, config);
	want = xasprintf("database                %-40s FLOWFILE_DATABASE_URL\n", urls[_i].shown);
	ck_assert_msg(strstr(text, want) != NULL, "%s", text);
	/* Of "s3cret" the rest: a temporary folder's name may have those two by chance. */
	ck_assert_ptr_null(strstr(text, "cret"));
	free(want);
	free(text);
	config_free(config);
}
END_TEST

static TCase *
add_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, ARRAY_LEN(table))

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = add_case(suite, "paths");

	LOOP(tc, test_paths_are_found_as_flowfile_finds_them, path_cases);
	tcase_add_test(tc, test_a_run_log_is_named_after_its_run);
	tcase_add_test(tc, test_without_home_the_account_says_where_home_is);
	tcase_add_test(tc, test_a_relative_directory_needs_a_current_one);

	tc = add_case(suite, "units and suggestions");
	LOOP(tc, test_durations_are_read_and_written_back, durations);
	tcase_add_test(tc, test_seconds_are_whole);
	LOOP(tc, test_sizes_are_read_and_written_back, sizes);
	LOOP(tc, test_distance_counts_edits, distances);
	tcase_add_test(tc, test_the_nearest_name_is_offered_and_only_if_it_is_near);
	tcase_add_test(tc, test_a_word_too_long_to_compare_is_near_to_nothing);

	tc = add_case(suite, "loading");
	tcase_add_test(tc, test_defaults_are_those_of_the_header);
	tcase_add_test(tc, test_a_file_sets_every_kind_of_value);
	LOOP(tc, test_a_bad_file_is_refused_with_line_and_key, bad_files);
	tcase_add_test(tc, test_an_option_set_twice_is_refused);
	tcase_add_test(tc, test_a_file_that_is_named_must_exist);
	tcase_add_test(tc, test_the_file_is_looked_for_in_the_storage_directory);
	tcase_add_test(tc, test_the_environment_goes_over_the_file);
	tcase_add_test(tc, test_a_database_that_is_named_goes_over_all);
	tcase_add_test(tc, test_a_bad_variable_is_refused_by_name);
	LOOP(tc, test_the_catalog_is_named_by_the_most_particular_source, databases);
	tcase_add_test(tc, test_flowfiles_storage_variable_goes_over_the_file);
	LOOP(tc, test_flowfiles_integer_variables_are_read_as_upstream_reads_them, integers);
	LOOP(tc, test_a_mistyped_variable_is_warned_of, near_variables);

	tc = add_case(suite, "printing");
	tcase_add_test(tc, test_the_sample_file_is_what_the_table_says);
	tcase_add_test(tc, test_the_sample_uncommented_gives_the_defaults);
	tcase_add_test(tc, test_the_minimal_file_is_valid);
	tcase_add_test(tc, test_the_manual_names_every_option_and_its_default);
	LOOP(tc, test_printing_the_configuration_hides_passwords, urls);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
