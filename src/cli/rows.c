/* Rows of the engine on standard output: as a table, as CSV, as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/flow.h"

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
print_table(struct cli *cli, struct duck_rows *rows, const char *empty)
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
	out_table_end(&t, empty);
}

int
cli_print_rows(struct cli *cli, struct duck_rows *rows, const char *empty, struct err *err)
{
	if (cli->json)
		return print_json(cli, rows, err);
	if (args_has(cli, "csv"))
		print_csv(cli, rows);
	else
		print_table(cli, rows, empty);
	return 0;
}
