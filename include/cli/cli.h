/*
 * The command line. Nouns and verbs are rows in tables: one file per noun (src/cli/cmd_*.c) exports its
 * verbs, cli_nouns names the nouns, args.c reads what was typed, out.c prints.
 *
 * A handler returns 0, or -1 with the error, which main prints once; the error's code is the exit
 * status (0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict). A command that did its work and found
 * something wrong (a run that failed, a doctor's finding) sets cli->status instead.
 */
#ifndef FF_CLI_CLI_H
#define FF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/runs.h"
#include "catalog/status.h"
#include "daemon/config.h"

struct cli;
struct tz;

struct cli_option {
	const char *name; /* without the dashes */
	char letter; /* 0: none */
	const char *value; /* what it takes, for the help; NULL: it is a switch */
	const char *help;
	bool repeats;
};

struct cli_command {
	const char *verb; /* NULL for a noun that is a command itself */
	const char *args; /* "FLOW", "ID|NAME", "" */
	const char *summary;
	int (*run)(struct cli *cli, struct err *err);
	int min_args, max_args;
	const struct cli_option *options; /* ends with a NULL name; may be NULL */
	const char *notes; /* more help; may be NULL */
	bool raw; /* everything behind the verb is passed on as it is */
};

struct cli_noun {
	const char *noun;
	const char *summary; /* NULL: for programs, not shown to people */
	const struct cli_command *commands; /* ends with a NULL run */
};

extern const struct cli_noun cli_nouns[]; /* ends with a NULL noun */
extern const struct cli_option cli_global_options[];

/* The verbs of each noun. */
extern const struct cli_command cmd_cron[], cmd_doctor[], cmd_flows[], cmd_init[],
	cmd_query_child[], cmd_run[], cmd_runs[], cmd_scheduler[], cmd_schedules[], cmd_sql[],
	cmd_tables[], cmd_version[];

#define CLI_ARGS_MAX 16
#define CLI_OPTIONS_MAX 64

struct cli_given {
	const struct cli_option *option;
	const char *value; /* NULL for a switch */
};

struct cli {
	const struct cli_noun *noun;
	const struct cli_command *command; /* NULL: none was named */
	const char *args[CLI_ARGS_MAX];
	int n_args;
	struct cli_given given[CLI_OPTIONS_MAX];
	int n_given;
	char **raw; /* of a raw command: NULL-terminated, borrowed from argv */
	const char *program; /* argv[0] */
	bool json;
	int status;

	struct arena arena; /* what a command makes lives until the end */
	struct config *config;
	const char *database; /* URL; borrowed from the config or the arguments */
	struct catalog catalog;
	struct buf out;
	struct json writer;
};

/* --- args.c ------------------------------------------------------------------------------------ */

/* Reads the arguments. ERR_USAGE says what is wrong, with the nearest name there is. */
int args_parse(struct cli *cli, int argc, char **argv, struct err *err);
bool args_has(const struct cli *cli, const char *option);
/* The last value given; NULL when the option was not. */
const char *args_value(const struct cli *cli, const char *option);
/* As a number within bounds; fallback when it was not given. */
int args_int(const struct cli *cli, const char *option, int64_t min, int64_t max, int64_t fallback,
	int64_t *out, struct err *err);

/* --- help.c ------------------------------------------------------------------------------------ */

void help_program(FILE *out);
void help_noun(const struct cli_noun *noun, FILE *out);
void help_command(const struct cli_noun *noun, const struct cli_command *command, FILE *out);
/* "flowfile schedules show ID|NAME"; for errors with all options, in lines that go below "Usage: ". In the arena. */
const char *
help_usage_full(struct arena *a, const struct cli_noun *noun, const struct cli_command *command);
const char *
help_usage(struct arena *a, const struct cli_noun *noun, const struct cli_command *command);

/* --- open.c ------------------------------------------------------------------------------------ */

/* Reads the configuration once. */
int cli_configure(struct cli *cli, struct err *err);

enum cli_need {
	CLI_NEED_CATALOG, /* Flowfile's tables */
	CLI_NEED_OURS /* the scheduler's own, too */
};
/* Opens the catalog and looks whether what is needed is there; the errors say what to do. */
int cli_open(struct cli *cli, enum cli_need need, struct err *err);
/* The catalog for what can do without: false when there is none to be had. */
bool cli_open_if_there(struct cli *cli);
/* The namespace that --namespace names; fallback when it was not given. */
int cli_namespace(struct cli *cli, int64_t fallback, int64_t *id, struct err *err);
/* A path that does not depend on the current folder; URIs stay as they are. In the arena. */
const char *cli_absolute(struct cli *cli, const char *path, struct err *err);
/* For a command that changes something: that it was told what. */
int cli_needs_change(struct cli *cli, struct err *err);
/* For a command that has no JSON to print: refuses --json. */
int cli_no_json(struct cli *cli, struct err *err);
/* A name that --name gave, NULL when it did not: not empty, and UTF-8. */
int cli_check_name(const char *name, struct err *err);
/* Text in which each command in backquotes, `flowfile ...`, has the --config and --database that this one was
 * given, so that it acts on the same catalog. In the arena; NULL stays NULL. */
const char *cli_hint(struct cli *cli, const char *text);
/* "alice@host", for the record of who asked. In the arena. */
const char *cli_who(struct cli *cli);
void cli_close(struct cli *cli);

/* --- out.c ------------------------------------------------------------------------------------- */

/* Text without control characters, so that a name cannot play with the terminal. In the arena. */
const char *out_clean(struct arena *a, const char *s);

/* "2026-05-20 08:00:05 UTC" */
const char *out_time_plain(struct arena *a, int64_t us);
/* "2026-05-20 08:00:05 UTC (3h 10m ago)"; "-" for TIME_NONE. now_us gives the age. */
const char *out_time(struct arena *a, int64_t us, int64_t now_us);
/* The same without the "UTC", for a column whose title says so. */
const char *out_time_cell(struct arena *a, int64_t us, int64_t now_us);
/* "2026-05-20 08:00:05 UTC = 10:00:05 +02:00 (in 5m 00s)", the second by a zone's wall clock, with the date when
 * that is another. tz NULL: without it. */
const char *out_time_in(struct arena *a, int64_t us, const struct tz *tz, int64_t now_us);
const char *out_age(struct arena *a, int64_t us, int64_t now_us);
const char *out_int(struct arena *a, int64_t v); /* "-" for negative numbers */
const char *out_bytes(struct arena *a, int64_t v);
const char *out_duration(struct arena *a, double seconds); /* "-" when negative */

struct out_column {
	const char *title;
	bool right; /* numbers */
	bool shrink; /* may be cut when the terminal is too narrow; never when it is none */
};

/* Rows of cells, printed aligned when they are all there. */
struct out_table {
	struct arena *arena;
	const struct out_column *columns;
	size_t n_columns;
	const char **cells;
	size_t n_cells;
};

void out_table_begin(
	struct out_table *t, struct arena *a, const struct out_column *columns, size_t n_columns);
/* NULL and "" print as "-". Borrowed until the end. */
void out_cell(struct out_table *t, const char *text);
/* Prints; empty_text instead of a table without rows. */
void out_table_end(struct out_table *t, const char *empty_text);

/* "Name:      value" with values in one column; NULL prints as "-". */
void out_field(const char *name, const char *value);

/* JSON to standard output, one line: begin, write, end. */
struct json *out_json_begin(struct cli *cli);
int out_json_end(struct cli *cli, struct err *err);

/* --- leader.c ---------------------------------------------------------------------------------- */

/* Whether a process that is recorded ran on this machine and is not there any more. Containers share the kernel's
 * boot id, but not their processes: the host must be the same by name, too. */
bool process_is_gone(const struct cli *cli, const char *host, const char *boot_id, int64_t pid,
	int64_t pid_start);
/* The same of the leader. */
bool leader_is_gone(const struct cli *cli, const struct leader_info *leader);
/* Whether somebody leads, as far as this machine can tell. */
bool leader_lives(const struct cli *cli, const struct leader_info *leader);
/* What is known of a leader that is none any more: "the process of the last one (pid 12 on h) is gone; its last
 * heartbeat was 9s ago". In the arena. */
const char *leader_lost(struct cli *cli, const struct leader_info *leader);

/* --- unseen.c ---------------------------------------------------------------------------------- */

/*
 * Runs that ended, or may have, while no scheduler was there to record it. What their supervisors left on this
 * machine is put into runs that the catalog has as open. Those that another program started record their end
 * themselves and are left alone.
 */
enum unseen {
	UNSEEN_NOTHING, /* it has ended for the catalog, too, or a scheduler is running */
	UNSEEN_OPEN, /* as the last scheduler knew it */
	UNSEEN_LOST, /* the same, and its processes on this machine are gone */
	UNSEEN_ENDED /* *run says now how it ended */
};
/* Looks at n runs. For each that is open *state (an array of n) is what became of it. */
int
unseen_look(struct cli *cli, struct run_info *runs, size_t n, enum unseen *states, struct err *err);
/* What is said behind a run's status: " (...)"; "" for UNSEEN_NOTHING. */
const char *unseen_text(enum unseen state);

/* --- request.c --------------------------------------------------------------------------------- */

/* Asks the leading daemon to run a flow now (schedule_id ID_NONE: manually). */
int request_run(struct cli *cli, int64_t registration_id, int64_t schedule_id, struct err *err);
int request_cancel(struct cli *cli, int64_t run_id, struct err *err);

/* --- follow.c ---------------------------------------------------------------------------------- */

/* Copies a run's log to standard output; with follow until the run has ended. */
int follow_log(struct cli *cli, int64_t run_id, bool follow, struct err *err);
/* The last line that the run itself wrote, mostly why it failed; NULL: none, or no log is here. In the command's arena. */
const char *log_last_line(struct cli *cli, int64_t run_id);
/* Waits until the run has ended and, for a moment, until how it ended is known; *run is what became of it.
 * 1: whoever waits has been told to end (SIGINT), which was said; the run goes on. */
int follow_run(struct cli *cli, int64_t run_id, struct run_info *run, struct err *err);

/* --- scheduler_open.c ---------------------------------------------------------------------------- */

int scheduler_open_run(struct cli *cli, struct err *err);

#endif
