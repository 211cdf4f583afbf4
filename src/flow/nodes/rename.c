/* Many columns that are renamed by one rule. */
#include <string.h>

#include "base/text.h"
#include "flow/formula.h"
#include "nodes.h"

enum rename_mode { RENAME_PREFIX, RENAME_SUFFIX, RENAME_FORMULA, RENAME_FIRST_ROW };
static const char *const rename_modes[] = {"prefix", "suffix", "formula", "first_row", NULL};

enum node_mode
node_dynamic_rename_judge(const struct flow_node *node, const char **why)
{
	const cJSON *input = setting_object(node->settings, "dynamic_rename_input");
	const char *mode =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(input, "rename_mode"));

	if (mode == NULL || !text_equal_nocase(mode, "first_row"))
		return NODE_LAZY;
	*why = "the names are read from the first row before the plan goes on";
	return NODE_CHECKPOINT;
}

/* --- which columns ------------------------------------------------------------------------------------------ */

static const char *const groups[] = {"numeric", "string", "date", "other", NULL};

static int
group_of(enum type_class type)
{
	switch (type) {
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_DECIMAL:
		return 0;
	case TYPE_TEXT:
		return 1;
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
		return 2;
	default:
		return 3;
	}
}

static int
choose_listed(struct compiler *c, const cJSON *input, bool *chosen, struct err *err)
{
	const struct column *column;
	const char **names;
	size_t n;

	if (setting_texts(input, "selected_columns", c->arena, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (node_column(c, 0, names[i], "selected_columns", &column, err) < 0)
			return -1;
		chosen[column - c->in[0]->columns.items] = true;
	}
	return 0;
}

static int
choose_typed(struct compiler *c, const cJSON *input, bool *chosen, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	int group;

	if (setting_word(input, "selected_data_type", groups, -1, c->arena, &group, err) < 0)
		return -1;
	if (group < 0)
		return err_set(err, ERR_USAGE, "selected_data_type: it is missing");
	for (size_t i = 0; i < in->n; i++)
		chosen[i] = group_of(type_classify(in->items[i].type)) == group;
	return 0;
}

static int
choose(struct compiler *c, const cJSON *input, bool *chosen, struct err *err)
{
	static const char *const modes[] = {"all", "list", "data_type", NULL};
	int mode;

	if (setting_word(input, "selection_mode", modes, 0, c->arena, &mode, err) < 0)
		return -1;
	if (mode == 1)
		return choose_listed(c, input, chosen, err);
	if (mode == 2)
		return choose_typed(c, input, chosen, err);
	for (size_t i = 0; i < c->in[0]->columns.n; i++)
		chosen[i] = true;
	return 0;
}

/* --- new names ---------------------------------------------------------------------------------------------- */

static void
add_names(const struct columns *in, const char *formula, struct buf *sql)
{
	buf_printf(sql, "SELECT CAST((%s) AS VARCHAR) FROM (VALUES ", formula);
	for (size_t i = 0; i < in->n; i++) {
		buf_printf(sql, "%s(%zu, ", i > 0 ? ", " : "", i);
		sql_text(sql, in->items[i].name);
		buf_puts(sql, ")");
	}
	buf_puts(sql, ") AS names(_row, column_name) ORDER BY _row");
}

static int
take_names(struct compiler *c, struct duck_rows *rows, const char **names, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;

	for (size_t i = 0; i < in->n && duck_rows_next(rows); i++) {
		names[i] = duck_text_copy(rows, 0, c->arena);
		if (names[i] == NULL || *names[i] == '\0')
			return err_set(err, ERR_USAGE, "formula: it gives no name for column %s",
				in->items[i].name);
	}
	return 0;
}

/* The formula sees [column_name] and no rows: the engine can say at once what comes out. */
static int
name_by_formula(struct compiler *c, const cJSON *input, const char **names, struct err *err)
{
	struct columns known = {0};
	struct duck_rows *rows;
	struct formula formula;
	const char *text;
	struct buf sql;
	int rc;

	columns_add(&known, c->arena, "column_name", "VARCHAR");
	if (setting_required(input, "formula", c->arena, &text, err) < 0)
		return -1;
	if (formula_translate(text, &known, c->arena, &formula, err) < 0)
		return err_prefix(err, "formula");
	node_begin_sql(&sql);
	add_names(&c->in[0]->columns, formula.sql, &sql);
	rc = duck_query(c->plan->shapes, buf_str(&sql), &rows, err);
	buf_free(&sql);
	if (rc < 0)
		return err_prefix(err, "formula");
	rc = take_names(c, rows, names, err);
	duck_rows_free(rows);
	return rc;
}

/* The first row's values as text, NULL and all. */
static int
query_first_row(struct compiler *c, struct duck_rows **rows, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	struct buf sql;
	int rc;

	node_begin_sql(&sql);
	for (size_t i = 0; i < in->n; i++)
		buf_printf(&sql, "%s%s", i > 0 ? ", " : "SELECT ",
			sql_as_text(c->arena, sql_quoted(c->arena, in->items[i].name),
				type_classify(in->items[i].type)));
	buf_printf(&sql, " FROM (%s\n) AS t LIMIT 1", plan_sql_text(c->plan, c->in[0]));
	rc = duck_query(c->plan->duck, buf_str(&sql), rows, err);
	buf_free(&sql);
	return rc;
}

static int
take_first_row(struct compiler *c, struct duck_rows *rows, const char **names, const bool *chosen,
	struct err *err)
{
	const struct columns *in = &c->in[0]->columns;

	if (!duck_rows_next(rows))
		return err_set(err, ERR_FAILED, "first_row: its input has no rows");
	for (size_t i = 0; i < in->n; i++) {
		names[i] = duck_text_copy(rows, i, c->arena);
		if (chosen[i] &&
			(names[i] == NULL || *text_trim(arena_strdup(c->arena, names[i])) == '\0'))
			return err_set(err, ERR_FAILED, "first_row: it has no name for column %s",
				in->items[i].name);
	}
	return 0;
}

/* It must be the same row that gives the names and that is left out. */
static int
name_by_first_row(struct compiler *c, const char **names, const bool *chosen, struct err *err)
{
	struct duck_rows *rows;
	int rc;

	if (node_store(c, c->in[0], err) < 0 || query_first_row(c, &rows, err) < 0)
		return -1;
	rc = take_first_row(c, rows, names, chosen, err);
	duck_rows_free(rows);
	return rc;
}

static int
name_by_affix(struct compiler *c, const cJSON *input, enum rename_mode mode, const char **names,
	struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	const char *affix;

	if (setting_text(input, rename_modes[mode], "", c->arena, &affix, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n; i++)
		names[i] = arena_printf(c->arena, "%s%s",
			mode == RENAME_PREFIX ? affix : in->items[i].name,
			mode == RENAME_PREFIX ? in->items[i].name : affix);
	return 0;
}

static int
find_names(struct compiler *c, const char **names, bool *chosen, int *mode, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "dynamic_rename_input");

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (setting_word(input, "rename_mode", rename_modes, RENAME_PREFIX, c->arena, mode, err) <
			0 ||
		choose(c, input, chosen, err) < 0)
		return -1;
	if (*mode == RENAME_FORMULA)
		return name_by_formula(c, input, names, err);
	if (*mode == RENAME_FIRST_ROW)
		return name_by_first_row(c, names, chosen, err);
	return name_by_affix(c, input, (enum rename_mode) * mode, names, err);
}

int
node_dynamic_rename(struct compiler *c, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	const char **names = arena_array(c->arena, in->n + 1, sizeof(*names));
	bool *chosen = arena_array(c->arena, in->n + 1, sizeof(*chosen));
	struct buf sql;
	int mode;

	if (find_names(c, names, chosen, &mode, err) < 0)
		return err_prefix(err, "dynamic_rename_input");
	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < in->n; i++) {
		buf_puts(&sql, i > 0 ? ", " : "");
		sql_ident(&sql, in->items[i].name);
		buf_puts(&sql, " AS ");
		sql_ident(&sql, chosen[i] ? names[i] : in->items[i].name);
	}
	buf_printf(&sql, " FROM %s%s", c->in[0]->name, mode == RENAME_FIRST_ROW ? " OFFSET 1" : "");
	return node_emit_sql(c, 0, &sql, err);
}
