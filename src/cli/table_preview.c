/* `flowfile tables preview`: the first rows of a table, read as a flow reads it: through a catalog_reader node. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "catalog/resolve.h"
#include "cli/flow.h"
#include "flow/plan.h"

#define LIMIT_PRESET 20
#define LIMIT_MAX 10000

/* The shortest text that means the same number. */
static const char *
double_text(double v, struct arena *a)
{
	const char *text;
	struct buf b;

	if (!isfinite(v))
		return isnan(v) ? "NaN" : v > 0 ? "inf" : "-inf";
	buf_init(&b, 64);
	json_put_double(&b, v);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* A cell as text; NULL for NULL. */
static const char *
cell_text(const struct duck_rows *rows, size_t i, struct arena *a)
{
	switch (duck_cell(rows, i)) {
	case CELL_NULL:
		return NULL;
	case CELL_BOOL:
		return duck_bool(rows, i) ? "true" : "false";
	case CELL_INT:
		return arena_printf(a, "%lld", (long long)duck_int(rows, i));
	case CELL_DOUBLE:
		return double_text(duck_double(rows, i), a);
	default:
		return duck_text_copy(rows, i, a);
	}
}

static void
json_cell(struct json *j, const char *key, const struct duck_rows *rows, size_t i, struct arena *a)
{
	switch (duck_cell(rows, i)) {
	case CELL_NULL:
		json_kv_null(j, key);
		break;
	case CELL_BOOL:
		json_kv_bool(j, key, duck_bool(rows, i));
		break;
	case CELL_INT:
		json_kv_int(j, key, duck_int(rows, i));
		break;
	case CELL_DOUBLE:
		if (isfinite(duck_double(rows, i)))
			json_kv_double(j, key, duck_double(rows, i));
		else
			json_kv_string(j, key, cell_text(rows, i, a));
		break;
	default:
		json_kv_string(j, key, duck_text_copy(rows, i, a));
	}
}

static int
print_json(struct cli *cli, struct duck_rows *rows, struct err *err)
{
	const struct columns *columns = duck_rows_columns(rows);
	struct json *j = out_json_begin(cli);

	json_array(j);
	while (duck_rows_next(rows)) {
		json_object(j);
		for (size_t i = 0; i < columns->n; i++)
			json_cell(j, columns->items[i].name, rows, i, &cli->arena);
		json_object_end(j);
	}
	json_array_end(j);
	return out_json_end(cli, err);
}

static void
print_csv_field(const char *text)
{
	if (text == NULL)
		return;
	if (*text != '\0' && strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void
print_csv(struct cli *cli, struct duck_rows *rows)
{
	const struct columns *columns = duck_rows_columns(rows);

	for (size_t i = 0; i < columns->n; i++) {
		fputs(i > 0 ? "," : "", stdout);
		print_csv_field(columns->items[i].name);
	}
	putchar('\n');
	while (duck_rows_next(rows)) {
		for (size_t i = 0; i < columns->n; i++) {
			fputs(i > 0 ? "," : "", stdout);
			print_csv_field(cell_text(rows, i, &cli->arena));
		}
		putchar('\n');
	}
}

static void
print_table(struct cli *cli, struct duck_rows *rows)
{
	const struct columns *columns = duck_rows_columns(rows);
	struct out_column *titles = arena_array(&cli->arena, columns->n + 1, sizeof(*titles));
	struct out_table t;

	for (size_t i = 0; i < columns->n; i++)
		titles[i] = (struct out_column){out_clean(&cli->arena, columns->items[i].name),
			type_is_number(type_classify(columns->items[i].type)), true};
	out_table_begin(&t, &cli->arena, titles, columns->n);
	while (duck_rows_next(rows))
		for (size_t i = 0; i < columns->n; i++)
			out_cell(&t, out_clean(&cli->arena, cell_text(rows, i, &cli->arena)));
	out_table_end(&t, "The table has no rows.");
}

static int
print_rows(struct cli *cli, struct plan *plan, struct relation *relation, int64_t limit,
	struct err *err)
{
	struct duck_rows *rows;
	int rc = 0;

	if (duck_query(plan->duck,
		    arena_printf(&plan->arena, "SELECT * FROM (%s) LIMIT %lld",
			    plan_sql_text(plan, relation), (long long)limit),
		    &rows, err) < 0)
		return -1;
	if (cli->json)
		rc = print_json(cli, rows, err);
	else if (args_has(cli, "csv"))
		print_csv(cli, rows);
	else
		print_table(cli, rows);
	duck_rows_free(rows);
	return rc;
}

/* A flow of one reader, in a file for as long as it takes to read it. */
static int
make_flow(struct cli *cli, int64_t id, int64_t version, struct flow **out, struct err *err)
{
	const char *at = version < 0
		? ""
		: arena_printf(&cli->arena, ", \"delta_version\": %lld", (long long)version);
	char path[] = "/tmp/flowfile-preview-XXXXXX.json";
	int fd = mkstemps(path, (int)strlen(".json")), rc;

	if (fd < 0)
		return err_set(err, ERR_FAILED, "%s cannot be made", path);
	dprintf(fd,
		"{\"flowfile_version\": \"1\", \"flowfile_id\": 1, \"flowfile_name\": \"preview\", "
		"\"flowfile_settings\": {}, \"nodes\": [{\"id\": 1, \"type\": \"catalog_reader\", "
		"\"setting_input\": {\"catalog_table_id\": %lld%s}}]}",
		(long long)id, at);
	close(fd);
	rc = flow_read(path, NULL, 0, out, err);
	unlink(path);
	return rc;
}

static int
preview(struct cli *cli, const struct flow *flow, int64_t limit, struct err *err)
{
	struct plan_options options = {.catalog = &cli->catalog};
	struct relation *relation;
	struct plan *plan = NULL;
	int rc = -1;

	if (cli_engine_open(cli, &options.duck, err) < 0)
		return -1;
	cli_plan_configure(cli, &options);
	if (plan_create(&options, &plan, err) == 0) {
		plan_scope(plan, flow, NULL, 0);
		rc = plan_compile(plan, plan->top, &flow->nodes[0], 0, &relation, err);
		if (rc == 0)
			rc = print_rows(cli, plan, relation, limit, err);
		plan_free(plan);
	}
	duck_close(options.duck);
	return rc;
}

int
tables_preview_run(struct cli *cli, struct err *err)
{
	int64_t id, limit, version;
	struct flow *flow;
	int rc;

	if (args_int(cli, "limit", 0, LIMIT_MAX, LIMIT_PRESET, &limit, err) < 0 ||
		args_int(cli, "version", 0, INT64_MAX, -1, &version, err) < 0 ||
		cli_open(cli, CLI_NEED_CATALOG, err) < 0 ||
		resolve_table(&cli->catalog, cli->args[0], &id, err) < 0 ||
		make_flow(cli, id, version, &flow, err) < 0)
		return -1;
	rc = preview(cli, flow, limit, err);
	flow_free(flow);
	return rc;
}
