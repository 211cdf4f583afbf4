/* flowfile_scheduler: the daemon's command line (contract 3.1). */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#include "base/log.h"
#include "daemon/daemon.h"

static const char usage[] =
	"Usage: flowfile_scheduler [--once] [--config FILE] [--database URL]\n"
	"\n"
	"Launches the flows of a Flowfile catalog when their schedules are due or their\n"
	"data is ready. Runs in the foreground and logs to stderr.\n"
	"\n"
	"  --once            one pass: launch what is due now, then exit\n"
	"  --config FILE     the configuration; without it, scheduler.ini in Flowfile's\n"
	"                    folder (~/.flowfile), then\n"
	"                    " SYSCONFDIR "/flowfile/scheduler.ini\n"
	"  --database URL    the catalog: a SQLite file, or postgresql://user@host/name\n"
	"  --print-config    print the configuration in force and where it comes from\n"
	"  --version         print the version\n"
	"  -h, --help        print this\n";

enum { OPT_ONCE = 1, OPT_CONFIG, OPT_DATABASE, OPT_PRINT_CONFIG, OPT_VERSION };

static const struct option options[] = {
	{"once", no_argument, NULL, OPT_ONCE},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"database", required_argument, NULL, OPT_DATABASE},
	{"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int
fail(const struct err *err)
{
	fprintf(stderr, "flowfile_scheduler: %s\n", err->text);
	/* Contract 3.1 knows 1 and, for wrong usage, 2. */
	return err->code == ERR_USAGE ? 2 : 1;
}

int
main(int argc, char **argv)
{
	struct daemon_args args = {NULL, NULL, false};
	struct config *config;
	struct err err = ERR_INIT;
	bool print = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_ONCE:
			args.once = true;
			break;
		case OPT_CONFIG:
			args.config_file = optarg;
			break;
		case OPT_DATABASE:
			args.database = optarg;
			break;
		case OPT_PRINT_CONFIG:
			print = true;
			break;
		case OPT_VERSION:
			puts("flowfile_scheduler " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try 'flowfile_scheduler --help'.\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"flowfile_scheduler: unexpected argument '%s'\nTry 'flowfile_scheduler "
			"--help'.\n",
			argv[optind]);
		return 2;
	}
	if (daemon_configure(&args, &config, &err) < 0)
		return fail(&err);
	if (print) {
		config_print(config, stdout);
		config_free(config);
		return 0;
	}
	if (daemon_run(config, &args, &err) < 0)
		return fail(&err);
	return 0;
}
