/* `flowfile sql`: one query over the catalog's tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flow.h"
#include "flow/catalog_sql.h"

#define QUERY_MAX (4 * 1024 * 1024)

/* The text of a file, "-" standing for the standard input, in the arena; NULL with err. */
static const char *
read_query(struct cli *cli, const char *path, struct err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	const char *text = NULL;
	char part[4096];
	struct buf b;
	size_t n;

	if (f == NULL) {
		err_errno(err, errno, "%s", path);
		return NULL;
	}
	buf_init(&b, QUERY_MAX);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	if (ferror(f))
		err_errno(err, errno, "%s", path);
	else if (buf_failed(&b))
		err_set(err, ERR_USAGE, "%s: a query of more than %d MB", path,
			QUERY_MAX / 1024 / 1024);
	else
		text = arena_strdup(&cli->arena, buf_str(&b));
	buf_free(&b);
	if (f != stdin)
		fclose(f);
	return text;
}

/* What --file or the argument says: one of them has to. */
static const char *
take_query(struct cli *cli, struct err *err)
{
	const char *file = args_value(cli, "file");

	if ((file != NULL) == (cli->n_args > 0)) {
		err_set(err, ERR_USAGE,
			"a query is needed, either as it is or with --file\nUsage: %s",
			help_usage_full(&cli->arena, cli->noun, cli->command));
		return NULL;
	}
	return file != NULL ? read_query(cli, file, err) : cli->args[0];
}

static int
print_result(struct cli *cli, struct plan *plan, struct relation *relation, int64_t limit,
	struct err *err)
{
	const char *sql = plan_sql_text(plan, relation);
	struct duck_rows *rows;
	int rc;

	if (limit >= 0)
		sql = arena_printf(
			&plan->arena, "SELECT * FROM (%s\n) LIMIT %lld", sql, (long long)limit);
	if (duck_query(plan->duck, sql, &rows, err) < 0)
		return -1;
	rc = cli_print_rows(cli, rows, "No rows.", err);
	duck_rows_free(rows);
	return rc;
}

static int
run_query(struct cli *cli, const char *sql, int64_t limit, struct err *err)
{
	struct plan_options options = {.catalog = &cli->catalog};
	struct relation *relation;
	struct plan *plan = NULL;
	int rc = -1;

	if (cli_engine_open(cli, &options.duck, err) < 0)
		return -1;
	cli_plan_configure(cli, &options);
	if (plan_create(&options, &plan, err) == 0)
		rc = catalog_sql_compile(
			plan, plan_scope(plan, NULL, NULL, 0), sql, NULL, &relation, err);
	if (rc == 0)
		rc = print_result(cli, plan, relation, limit, err);
	plan_free(plan);
	duck_close(options.duck);
	return rc;
}

static int
sql_run(struct cli *cli, struct err *err)
{
	const char *sql = take_query(cli, err);
	int64_t limit;

	if (sql == NULL || args_int(cli, "limit", 0, INT64_MAX, -1, &limit, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0)
		return -1;
	return run_query(cli, sql, limit, err);
}

static const struct cli_option sql_options[] = {
	{"file", 'f', "FILE", "read the query from FILE; - is the standard input", false},
	{"limit", 0, "N", "at most so many rows; all if not said", false},
	{"csv", 0, NULL, "as CSV", false},
	{NULL, 0, NULL, NULL, false},
};

const struct cli_command cmd_sql[] = {
	{.args = "[QUERY]",
		.summary = "Runs a query over the tables of the catalog",
		.run = sql_run,
		.max_args = 1,
		.options = sql_options,
		.notes = "QUERY is one SELECT. Tables are called table, schema.table or "
			 "catalog.schema.table; a bare name has to be the only one."},
	{0},
};
