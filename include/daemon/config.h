/*
 * The configuration: an INI file, then the environment over it. Parsed whole, validated whole, then
 * swapped in whole: a bad file on reload leaves the running configuration as it was.
 *
 * One table (config_options.c) names every option with its type, default, bounds, environment names and one
 * sentence; the sample file, the manual page and the parser come from it or are checked against it.
 *
 * A struct config is immutable after it was loaded and owned by its loader. Durations in the file are
 * written as "90", "90s", "5m", "2h", "1d"; sizes as "64M"; here they are in the unit of the name.
 */
#ifndef FF_DAEMON_CONFIG_H
#define FF_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/paths.h"

struct config {
	char *file; /* what was read, NULL if none */
	char **sources; /* config_source's: one per option, NULL for a default */
	struct paths paths;
	char *database; /* URL or path; default: the contract's catalog path */
	char *storage_dir; /* NULL: from the environment */
	char *run_command; /* NULL: our own `flowfile run flow` */
	char *instance_name; /* default: host name; must differ between hosts that share a catalog */
	enum log_level log_level;
	int64_t max_concurrent_runs; /* 0: no limit */
	int64_t cancel_grace_ms; /* from TERM to KILL */
	int64_t run_max_age_s; /* 0: none */
	int64_t run_start_grace_s; /* a run of others without a pid is closed after it */
	int64_t designer_run_max_age_s; /* 0: never closed */
	int64_t lost_host_timeout_s; /* runs of a host not heard of for so long are closed; 0: never */
	bool reap_foreign_runs; /* close runs that Flowfile started and whose process is gone */
	int64_t run_log_retention_days; /* 0: kept */
	int64_t run_log_max_bytes; /* 0: no cap */
	int64_t engine_memory_bytes; /* 0: 80 % of the machine's */
	int64_t engine_threads; /* 0: one for each processor */
	char *engine_temp_dir; /* NULL: $TMPDIR, or /tmp */
	char *python; /* of Python code in flow files */
	int64_t query_timeout_ms;
	int64_t query_memory_bytes; /* 0: 80 % of the machine's */
	int64_t queries_max; /* at once */
	int64_t history_retention_days; /* our own firings, requests and change journal */
	int64_t heartbeat_s; /* 1..30 */
	int64_t poll_s; /* slow poll behind the change feed */
	int64_t trigger_min_gap_s; /* least time between two data-triggered runs of one schedule */
	int64_t database_timeout_ms; /* wait for a lock */
	char *http_listen; /* addresses, separated by commas; NULL: no TCP listener */
	char *http_socket; /* NULL: none */
	char *http_auth; /* "token", "flowfile", "none" */
	char *http_token_file; /* NULL: <base>/scheduler_token */
	char *http_hosts; /* names, separated by commas; NULL: none */
	char *cors_origins; /* as http_hosts */
	bool wait_for_flowfile; /* never make a catalog, wait until Flowfile has */
};

/*
 * file: NULL looks at $FLOWFILE_SCHEDULER_CONFIG, then <base>/scheduler.ini, then
 * SYSCONFDIR/flowfile/scheduler.ini, and none is fine; a named file must exist. Environment:
 * FLOWFILE_SCHEDULER_<OPTION> for each option, then Flowfile's own names; empty counts as not set.
 * Errors name file:line and the key, suggest the nearest known key, or name the variable. Upstream's
 * two integer variables are ignored with a warning when they are no integers.
 */
int config_load(const char *file, struct config **out, struct err *err);
/* A database that was named on the command line goes over the file and the environment. */
int config_set_database(struct config *config, const char *url, struct err *err);
void config_free(struct config *config);
/* Exchanges the places of two configurations: a running daemon keeps its own until the next start. */
void config_swap_paths(struct config *a, struct config *b);

/* Prints the sample configuration: every option, its sentence, its default, commented out. */
void config_print_sample(FILE *out);
/* Where the value of an option comes from, for messages: "default", "file:line", a variable's name or
 * "--database".
 * The key must exist. Borrowed from the config. */
const char *config_source(const struct config *config, const char *key);
/* The options, from *i on (0 at first), that neither the file nor a default gave: the next one's key and where it
 * comes from. False at the end. */
bool
config_next_override(const struct config *config, size_t *i, const char **key, const char **source);
/* Prints what is in force and where each value came from. No secrets. */
void config_print(const struct config *config, FILE *out);

#endif
