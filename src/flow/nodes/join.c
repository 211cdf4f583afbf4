/* Joins by equal keys, and of everything with everything. */
#include <string.h>

#include "base/text.h"
#include "join.h"

const char *const join_ways[] = {
	"inner", "left", "right", "full", "semi", "anti", "outer", "cross", NULL};
static const char *const joins[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN",
	"ANTI JOIN", "FULL JOIN", "CROSS JOIN"};

/* {renames: [...]} or {select: [...]}, or the list itself. */
static const cJSON *
choices_of(const cJSON *input, int side)
{
	const char *field = side == 0 ? "left_select" : "right_select";
	const cJSON *object = setting_object(input, field), *list;

	if (object == NULL)
		return setting_array(input, field);
	list = setting_array(object, "renames");
	return list != NULL ? list : setting_array(object, "select");
}

static const cJSON *
choice_of(const cJSON *list, const char *column)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *old =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "old_name"));

		if (old != NULL && strcmp(old, column) == 0)
			return item;
	}
	return NULL;
}

static bool
is_key(const struct join *j, int side, const char *name)
{
	for (size_t i = 0; i < j->n_keys; i++)
		if (strcmp(j->keys[side][i], name) == 0)
			return true;
	return false;
}

/* The keys of the side that gives nothing new are left out, unless they are asked for. */
static bool
is_kept_by_itself(const struct join *j, int side, const char *name)
{
	if (!is_key(j, side, name) || j->keeps_keys)
		return true;
	return side == 0 ? j->how != JOIN_RIGHT
			 : j->how == JOIN_RIGHT || j->how == JOIN_FULL || j->how == JOIN_OUTER;
}

static bool
is_taken(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (text_equal_nocase(columns->items[i].name, name))
			return true;
	return false;
}

static int
add_column(struct join *j, int side, const struct column *column, const cJSON *list, bool others,
	struct err *err)
{
	const cJSON *choice = choice_of(list, column->name);
	const char *name = column->name;
	bool keep = choice != NULL || list == NULL || others;
	bool join_key = is_key(j, side, column->name) && side == (j->how == JOIN_RIGHT ? 0 : 1);

	if (choice != NULL &&
		(setting_text(choice, "new_name", name, j->c->arena, &name, err) < 0 ||
			setting_bool(choice, "keep", !join_key, &keep, err) < 0))
		return -1;
	keep = keep || (j->keeps_keys && is_key(j, side, column->name));
	if (!keep || (choice == NULL && !is_kept_by_itself(j, side, column->name)))
		return 0;
	if (*name == '\0')
		name = column->name;
	while (side == 1 && is_taken(&j->out, name))
		name = arena_printf(j->c->arena, "%s_right", name);
	buf_printf(&j->sql, "%s%c.%s AS ", j->out.n > 0 ? ", " : "", side == 0 ? 'l' : 'r',
		sql_quoted(j->c->arena, column->name));
	sql_ident(&j->sql, name);
	columns_add(&j->out, j->c->arena, name, column->type);
	for (size_t i = 0; i < j->n_keys; i++)
		if (strcmp(j->keys[side][i], column->name) == 0)
			j->key_names[side][i] = name;
	return 0;
}

int
join_add_side(struct join *j, const cJSON *input, int side, struct err *err)
{
	const struct columns *in = &j->c->in[side]->columns;
	const cJSON *list = choices_of(input, side);
	bool all, others;

	if (setting_bool(j->c->settings, "auto_keep_all", true, &all, err) < 0 ||
		setting_bool(j->c->settings, side == 0 ? "auto_keep_left" : "auto_keep_right", true,
			&others, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n; i++)
		if (add_column(j, side, &in->items[i], list, all && others, err) < 0)
			return err_prefix(err, side == 0 ? "left_select" : "right_select");
	return 0;
}

static void
make_keys(struct join *j, size_t n)
{
	for (int side = 0; side < 2; side++) {
		j->keys[side] = arena_array(j->c->arena, n + 1, sizeof(**j->keys));
		j->key_names[side] = arena_array(j->c->arena, n + 1, sizeof(**j->keys));
	}
}

int
join_take_keys(struct join *j, const cJSON *input, struct err *err)
{
	const cJSON *list = setting_array(input, "join_mapping"), *item;
	const struct column *column;
	size_t size = (size_t)cJSON_GetArraySize(list);

	make_keys(j, size);
	cJSON_ArrayForEach(item, list)
	{
		const char **left = &j->keys[0][j->n_keys], **right = &j->keys[1][j->n_keys];

		if (setting_required(item, "left_col", j->c->arena, left, err) < 0 ||
			setting_text(item, "right_col", *left, j->c->arena, right, err) < 0 ||
			node_column(j->c, 0, *left, "left_col", &column, err) < 0 ||
			node_column(j->c, 1, *right, "right_col", &column, err) < 0)
			return err_prefix(err, "join_mapping[%zu]", j->n_keys);
		j->n_keys++;
	}
	if (j->n_keys == 0 && j->how != JOIN_CROSS)
		return err_set(err, ERR_USAGE, "join_mapping: there is none");
	return 0;
}

/* The engine would cast a text to a number, and fail at the first one that is none; Polars refuses it. */
static bool
are_comparable(enum type_class a, enum type_class b)
{
	if (a == b || a == TYPE_NULL || b == TYPE_NULL || a == TYPE_OTHER || b == TYPE_OTHER)
		return true;
	if (type_is_number(a) && type_is_number(b))
		return true;
	return (a == TYPE_DATE || a == TYPE_DATETIME) && (b == TYPE_DATE || b == TYPE_DATETIME);
}

static int
check_keys(const struct join *j, struct err *err)
{
	for (size_t i = 0; i < j->n_keys; i++) {
		const struct column *l = columns_find(&j->c->in[0]->columns, j->keys[0][i]);
		const struct column *r = columns_find(&j->c->in[1]->columns, j->keys[1][i]);

		if (!are_comparable(type_classify(l->type), type_classify(r->type)))
			return err_set(err, ERR_USAGE,
				"join_mapping[%zu]: %s is %s and %s is %s: convert one of them in "
				"a select node",
				i, l->name, type_to_polars(l->type, j->c->arena), r->name,
				type_to_polars(r->type, j->c->arena));
	}
	return 0;
}

static int
emit_join(struct join *j, const cJSON *input, struct err *err)
{
	bool one_sided = j->how == JOIN_SEMI || j->how == JOIN_ANTI;

	if (one_sided) {
		buf_puts(&j->sql, "SELECT l.*");
	} else {
		buf_puts(&j->sql, "SELECT ");
		if (join_add_side(j, input, 0, err) < 0 || join_add_side(j, input, 1, err) < 0) {
			buf_free(&j->sql);
			return -1;
		}
	}
	if (j->out.n == 0 && !one_sided) {
		buf_free(&j->sql);
		return err_set(err, ERR_USAGE, "it keeps no column");
	}
	buf_printf(&j->sql, " FROM %s AS l %s %s AS r", j->c->in[0]->name, joins[j->how],
		j->c->in[1]->name);
	for (size_t i = 0; j->how != JOIN_CROSS && i < j->n_keys; i++)
		buf_printf(&j->sql, "%sl.%s = r.%s", i > 0 ? " AND " : " ON ",
			sql_quoted(j->c->arena, j->keys[0][i]),
			sql_quoted(j->c->arena, j->keys[1][i]));
	return node_emit_sql(j->c, 0, &j->sql, err);
}

int
node_join(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "join_input");
	struct join j = {.c = c};
	int how;

	if (input == NULL)
		return err_set(err, ERR_USAGE, "join_input: it is missing");
	if (setting_word(input, "how", join_ways, JOIN_INNER, c->arena, &how, err) < 0)
		return err_prefix(err, "join_input");
	j.how = (enum join_how)how;
	if (join_take_keys(&j, input, err) < 0 || check_keys(&j, err) < 0)
		return err_prefix(err, "join_input");
	node_begin_sql(&j.sql);
	return emit_join(&j, input, err) < 0 ? err_prefix(err, "join_input") : 0;
}

int
node_cross_join(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "cross_join_input");
	struct join j = {.c = c, .how = JOIN_CROSS};

	make_keys(&j, 0);
	node_begin_sql(&j.sql);
	return emit_join(&j, input, err) < 0 ? err_prefix(err, "cross_join_input") : 0;
}
