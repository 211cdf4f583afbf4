#include "daemon/config.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_option.h"

#define FILE_MAX_BYTES (256 * 1024)

extern char **environ;

static char **
source_of(const struct config *config, const struct option *option)
{
	return &config->sources[option - config_options];
}

static void
set_defaults(struct config *config)
{
	struct err err = ERR_INIT;
	int rc;

	config->sources = xcalloc(config_options_count, sizeof(*config->sources));
	for (size_t i = 0; i < config_options_count; i++) {
		rc = option_set(&config_options[i], config, config_options[i].fallback, &err);
		assert(rc == 0);
	}
}

static int
take_pair(int line, const char *key, const char *value, void *arg, struct err *err)
{
	struct config *config = arg;
	const struct option *option = option_find(key);
	char **source, hint[96];

	if (option == NULL)
		return err_set(err, ERR_USAGE, "%s: no such option%s", key,
			option_suggest(key, hint, sizeof(hint)));
	source = source_of(config, option);
	if (*source != NULL)
		return err_set(err, ERR_USAGE, "%s: set before, at %s", key, *source);
	*source = xasprintf("%s:%d", config->file, line);
	if (option_set(option, config, value, err) < 0)
		return err_prefix(err, "%s", key);
	return 0;
}

/* One that is there but cannot be read must not be passed over in silence. */
static bool
is_there(const char *file)
{
	return access(file, F_OK) == 0 || errno == EACCES;
}

/* The first of the usual places that has a file; config->file stays NULL when none has. */
static int
find_file(struct config *config, struct err *err)
{
	struct paths paths;

	if (paths_resolve(text_env(OPTION_PREFIX "STORAGE_DIR"), &paths, err) < 0)
		return -1;
	config->file = path_join(paths.base, "scheduler.ini");
	paths_free(&paths);
	if (!is_there(config->file))
		xstrset(&config->file, SYSCONFDIR "/flowfile/scheduler.ini");
	if (!is_there(config->file))
		xstrset(&config->file, NULL);
	return 0;
}

static int
read_file(struct config *config, const char *file, struct err *err)
{
	size_t len;
	char *text;
	int rc;

	if (file == NULL)
		file = text_env(OPTION_PREFIX "CONFIG");
	if (file != NULL)
		config->file = xstrdup(file);
	else if (find_file(config, err) < 0)
		return -1;
	if (config->file == NULL)
		return 0;
	text = file_read(config->file, FILE_MAX_BYTES, &len, err);
	if (text == NULL)
		return -1;
	rc = ini_parse(config->file, text, len, take_pair, config, err);
	free(text);
	return rc;
}

static int
take_variable(struct config *config, const struct option *option, const char *variable,
	const char *text, struct err *err)
{
	if (option_set(option, config, text, err) < 0)
		return err_prefix(err, "%s", variable);
	xstrset(source_of(config, option), variable);
	return 0;
}

/*
 * Python's int(), and what upstream does with the result (contract 2.1): what is no integer is ignored
 * with a warning, zero and below switch the thing off.
 */
static int
take_integer(struct config *config, const struct option *option, const char *variable,
	const char *text, struct err *err)
{
	char *end, number[24], quoted[64];
	long long value = strtoll(text, &end, 10);

	if (end == text || end[strspn(end, " \t\r\n")] != '\0') {
		log_warning("Environment variable is not an integer, ignored variable=%s value=%s",
			variable, log_text(text, quoted, sizeof(quoted)));
		return 0;
	}
	if (value < 0)
		value = 0;
	else if (value > option->max)
		value = option->max;
	snprintf(number, sizeof(number), "%lld", value);
	return take_variable(config, option, variable, number, err);
}

/* The first variable that is set to something counts: our own name, then the aliases in their order. */
static int
read_variables(struct config *config, const struct option *option, struct err *err)
{
	char own[OPTION_VARIABLE_SIZE];
	const char *text = text_env(option_variable(option, own, sizeof(own)));

	if (text != NULL)
		return take_variable(config, option, own, text, err);
	for (size_t i = 0; i < OPTION_ALIASES_MAX && option->aliases[i] != NULL; i++) {
		text = text_env(option->aliases[i]);
		if (text != NULL)
			return (option->alias_is_integer ? take_integer : take_variable)(
				config, option, option->aliases[i], text, err);
	}
	return 0;
}

/* A variable whose name is nearly an option's would otherwise be left out without a word. */
static void
warn_of_typo(const char *entry)
{
	char key[OPTION_VARIABLE_SIZE], hint[96];
	size_t n = 0;

	if (!text_starts(entry, OPTION_PREFIX))
		return;
	for (const char *p = entry + strlen(OPTION_PREFIX); *p != '=' && *p != '\0'; p++) {
		if (n == sizeof(key) - 1)
			return;
		key[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	}
	key[n] = '\0';
	if (option_find(key) != NULL || strcmp(key, "config") == 0 || strcmp(key, "enabled") == 0)
		return;
	if (option_suggest(key, hint, sizeof(hint))[0] != '\0')
		log_warning("Environment variable names no option%s variable=%.*s", hint,
			(int)strcspn(entry, "="), entry);
}

static int
read_environment(struct config *config, struct err *err)
{
	for (char **entry = environ; *entry != NULL; entry++)
		warn_of_typo(*entry);
	for (size_t i = 0; i < config_options_count; i++) {
		if (read_variables(config, &config_options[i], err) < 0)
			return -1;
	}
	return 0;
}

/* What the defaults of the table leave open. */
static int
find_out(struct config *config, struct err *err)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (paths_resolve(config->storage_dir, &config->paths, err) < 0)
		return -1;
	if (config->database == NULL)
		config->database = xstrdup(config->paths.catalog);
	if (config->instance_name == NULL) {
		gethostname(host, sizeof(host) - 1);
		config->instance_name = xstrdup(host[0] != '\0' ? host : "localhost");
	}
	return 0;
}

int
config_load(const char *file, struct config **out, struct err *err)
{
	struct config *config = xcalloc(1, sizeof(*config));

	set_defaults(config);
	if (read_file(config, file, err) < 0 || read_environment(config, err) < 0 ||
		find_out(config, err) < 0) {
		config_free(config);
		return err_prefix(err, "configuration");
	}
	*out = config;
	return 0;
}

int
config_set_database(struct config *config, const char *url, struct err *err)
{
	const struct option *option = option_find("database");

	if (*url == '\0')
		return err_set(err, ERR_USAGE, "--database: the value is missing");
	if (option_set(option, config, url, err) < 0)
		return err_prefix(err, "--database");
	xstrset(source_of(config, option), "--database");
	return 0;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config_options_count; i++)
		free(config->sources[i]);
	free(config->sources);
	free(config->file);
	paths_free(&config->paths);
	free(config->database);
	free(config->storage_dir);
	free(config->run_command);
	free(config->http_listen);
	free(config->http_socket);
	free(config->http_auth);
	free(config->http_token_file);
	free(config->http_hosts);
	free(config->cors_origins);
	free(config->instance_name);
	free(config->engine_temp_dir);
	free(config->python);
	free(config);
}

const char *
config_source(const struct config *config, const char *key)
{
	const struct option *option = option_find(key);
	const char *source;

	assert(option != NULL);
	source = *source_of(config, option);
	return source != NULL ? source : "default";
}

bool
config_next_override(const struct config *config, size_t *i, const char **key, const char **source)
{
	size_t len = config->file != NULL ? strlen(config->file) : 0;

	while (*i < config_options_count) {
		*key = config_options[*i].key;
		*source = config->sources[(*i)++];
		if (*source != NULL &&
			!(len > 0 && strncmp(*source, config->file, len) == 0 &&
				(*source)[len] == ':'))
			return true;
	}
	return false;
}

void
config_swap_paths(struct config *a, struct config *b)
{
	struct paths paths = a->paths;

	a->paths = b->paths;
	b->paths = paths;
}
