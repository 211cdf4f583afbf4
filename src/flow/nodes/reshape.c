/* Columns that become rows, and pieces of a text that do. */
#include <string.h>

#include "nodes.h"

/* --- unpivot ------------------------------------------------------------------------------------------------ */

struct unpivot {
	const char **index, **values;
	size_t n_index, n_values;
};

static const char *const selectors[] = {"all", "float", "numeric", "string", "date", NULL};

static bool
selects(int selector, enum type_class type)
{
	switch (selector) {
	case 1:
		return type == TYPE_FLOAT;
	case 2:
		return type_is_number(type);
	case 3:
		return type == TYPE_TEXT;
	case 4:
		return type == TYPE_DATE;
	default:
		return true;
	}
}

/* Also a column of the index, when it is of the type, as Polars' selectors have it. */
static int
select_by_type(struct compiler *c, const cJSON *input, struct unpivot *u, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	int selector;

	if (setting_word(input, "data_type_selector", selectors, 0, c->arena, &selector, err) < 0)
		return -1;
	u->values = arena_array(c->arena, in->n + 1, sizeof(*u->values));
	u->n_values = 0;
	for (size_t i = 0; i < in->n; i++)
		if (selects(selector, type_classify(in->items[i].type)))
			u->values[u->n_values++] = in->items[i].name;
	return u->n_values > 0 ? 0
			       : err_set(err, ERR_USAGE,
					 "data_type_selector: no column of its input is of type %s",
					 selectors[selector]);
}

static bool
is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Those that are named; when none is, all that are not of the index, as Polars' manual has it (some of its versions give no rows). */
static int
select_by_name(struct compiler *c, const cJSON *input, struct unpivot *u, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;

	if (setting_texts(input, "value_columns", c->arena, &u->values, &u->n_values, err) < 0)
		return -1;
	if (u->n_values > 0)
		return 0;
	u->values = arena_array(c->arena, in->n + 1, sizeof(*u->values));
	for (size_t i = 0; i < in->n; i++)
		if (!is_among(in->items[i].name, u->index, u->n_index))
			u->values[u->n_values++] = in->items[i].name;
	return u->n_values > 0
		? 0
		: err_set(err, ERR_USAGE, "value_columns: all columns are of the index");
}

static int
take_unpivot(struct compiler *c, struct unpivot *u, struct err *err)
{
	static const char *const modes[] = {"column", "data_type", NULL};
	const cJSON *input = setting_object(c->settings, "unpivot_input");
	const struct column *column;
	int mode;

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (setting_word(input, "data_type_selector_mode", modes, 0, c->arena, &mode, err) < 0 ||
		setting_texts(input, "index_columns", c->arena, &u->index, &u->n_index, err) < 0 ||
		(mode == 0 ? select_by_name : select_by_type)(c, input, u, err) < 0)
		return -1;
	for (size_t i = 0; i < u->n_index; i++)
		if (node_column(c, 0, u->index[i], "index_columns", &column, err) < 0)
			return -1;
	for (size_t i = 0; i < u->n_values; i++)
		if (node_column(c, 0, u->values[i], "value_columns", &column, err) < 0)
			return -1;
	return 0;
}

/* All rows of the first column, then all of the second: the order that Polars gives. The values get the type that all of them fit. */
int
node_unpivot(struct compiler *c, struct err *err)
{
	struct unpivot u;
	struct buf sql;

	if (take_unpivot(c, &u, err) < 0)
		return err_prefix(err, "unpivot_input");
	node_begin_sql(&sql);
	for (size_t i = 0; i < u.n_values; i++) {
		buf_puts(&sql, i > 0 ? " UNION ALL SELECT " : "SELECT ");
		for (size_t k = 0; k < u.n_index; k++) {
			sql_ident(&sql, u.index[k]);
			buf_puts(&sql, ", ");
		}
		sql_text(&sql, u.values[i]);
		buf_puts(&sql, " AS variable, ");
		sql_ident(&sql, u.values[i]);
		buf_printf(&sql, " AS value FROM %s", c->in[0]->name);
	}
	return node_emit_sql(c, 0, &sql, err);
}

/* --- text_to_rows ------------------------------------------------------------------------------------------- */

struct split {
	const char *column, *output;
	const char *separator; /* as SQL */
};

static int
check_text(struct compiler *c, const char *name, const char *field, struct err *err)
{
	const struct column *column;

	if (node_column(c, 0, name, field, &column, err) < 0)
		return -1;
	return type_classify(column->type) == TYPE_TEXT
		? 0
		: err_set(err, ERR_USAGE, "%s: column %s is no text but %s", field, name,
			  type_to_polars(column->type, c->arena));
}

static int
take_separator(struct compiler *c, const cJSON *input, struct split *s, struct err *err)
{
	const char *text;
	bool fixed;

	if (setting_bool(input, "split_by_fixed_value", true, &fixed, err) < 0)
		return -1;
	if (fixed) {
		if (setting_text(input, "split_fixed_value", ",", c->arena, &text, err) < 0)
			return -1;
		s->separator = sql_literal(c->arena, text);
		return 0;
	}
	if (setting_required(input, "split_by_column", c->arena, &text, err) < 0 ||
		check_text(c, text, "split_by_column", err) < 0)
		return -1;
	s->separator = sql_quoted(c->arena, text);
	return 0;
}

static int
take_split(struct compiler *c, struct split *s, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "text_to_rows_input");

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (setting_required(input, "column_to_split", c->arena, &s->column, err) < 0 ||
		setting_text(input, "output_column_name", "", c->arena, &s->output, err) < 0 ||
		check_text(c, s->column, "column_to_split", err) < 0)
		return -1;
	if (*s->output == '\0')
		s->output = s->column;
	return take_separator(c, input, s, err);
}

/* Where the text or what parts it is NULL the row stays, with a NULL: unnest() of no list would drop it. */
static void
add_pieces(struct compiler *c, const struct split *s, struct buf *sql)
{
	const char *column = sql_quoted(c->arena, s->column);

	buf_printf(sql,
		"unnest(CASE WHEN %s IS NULL OR %s IS NULL THEN CAST([NULL] AS VARCHAR[]) "
		"ELSE string_split(%s, %s) END) AS ",
		column, s->separator, column, s->separator);
	sql_ident(sql, s->output);
}

int
node_text_to_rows(struct compiler *c, struct err *err)
{
	const struct columns *in = &c->in[0]->columns;
	struct split s;
	struct buf sql;

	if (take_split(c, &s, err) < 0)
		return err_prefix(err, "text_to_rows_input");
	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < in->n; i++) {
		buf_puts(&sql, i > 0 ? ", " : "");
		if (strcmp(in->items[i].name, s.output) == 0)
			add_pieces(c, &s, &sql);
		else
			sql_ident(&sql, in->items[i].name);
	}
	if (columns_find(in, s.output) == NULL) {
		buf_puts(&sql, ", ");
		add_pieces(c, &s, &sql);
	}
	buf_printf(&sql, " FROM %s", c->in[0]->name);
	return node_emit_sql(c, 0, &sql, err);
}
