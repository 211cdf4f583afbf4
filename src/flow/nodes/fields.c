/* The columns that a node's settings ask its output to have, whatever its type (output_field_config). */
#include <string.h>

#include "nodes.h"

enum fit { FIT_SELECT, FIT_ADD, FIT_ADD_KEEP, FIT_RAISE };

struct field {
	const char *name;
	const char *type; /* as the engine has it */
	const char *value; /* where the column is missing; NULL: none */
};

struct fields {
	struct compiler *c;
	const struct columns *columns; /* what there is */
	enum fit fit;
	struct field *items;
	size_t n;
};

static int
take_field(struct fields *f, const cJSON *item, struct err *err)
{
	struct field *field = &f->items[f->n++];
	struct arena *a = f->c->arena;
	const char *type;

	if (setting_required(item, "name", a, &field->name, err) < 0 ||
		setting_text(item, "data_type", "String", a, &type, err) < 0 ||
		setting_text(item, "default_value", NULL, a, &field->value, err) < 0)
		return -1;
	field->type = type_from_polars(type, a);
	return field->type != NULL
		? 0
		: err_set(err, ERR_USAGE, "data_type: there is no type %s", type);
}

static int
take_fields(struct fields *f, const cJSON *config, const cJSON *list, struct err *err)
{
	static const char *const fits[] = {
		"select_only", "add_missing", "add_missing_keep_extra", "raise_on_missing", NULL};
	const cJSON *item;
	int fit;

	if (setting_word(config, "validation_mode_behavior", fits, FIT_SELECT, f->c->arena, &fit,
		    err) < 0)
		return -1;
	f->fit = (enum fit)fit;
	f->items =
		arena_array(f->c->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*f->items));
	cJSON_ArrayForEach(item, list)
	{
		if (take_field(f, item, err) < 0)
			return err_prefix(err, "fields[%zu]", f->n - 1);
	}
	return 0;
}

static bool
is_asked(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].name, name) == 0)
			return true;
	return false;
}

static int
add_field(struct fields *f, const struct field *field, struct buf *sql, int *n, struct err *err)
{
	bool there = columns_find(f->columns, field->name) != NULL;

	if (!there && f->fit == FIT_RAISE)
		return err_set(err, ERR_FAILED, "it gives no column %s; there are %s", field->name,
			columns_list(f->columns, f->c->arena));
	if (!there && f->fit == FIT_SELECT)
		return 0;
	buf_puts(sql, (*n)++ > 0 ? ", " : "");
	if (!there)
		buf_printf(sql, "TRY_CAST(%s AS %s) AS ", sql_literal(f->c->arena, field->value),
			field->type);
	sql_ident(sql, field->name);
	return 0;
}

static int
add_columns(struct fields *f, struct buf *sql, struct err *err)
{
	int n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (add_field(f, &f->items[i], sql, &n, err) < 0)
			return -1;
	for (size_t i = 0; f->fit == FIT_ADD_KEEP && i < f->columns->n; i++)
		if (!is_asked(f, f->columns->items[i].name)) {
			buf_puts(sql, ", ");
			sql_ident(sql, f->columns->items[i].name);
		}
	return n > 0 ? 0
		     : err_set(err, ERR_FAILED, "it gives none of the columns that are asked for");
}

static int
write_relation(struct fields *f, struct relation **relation, struct err *err)
{
	struct relation *whole = *relation;
	struct buf sql;
	int rc;

	node_begin_sql(&sql);
	buf_puts(&sql, "SELECT ");
	rc = add_columns(f, &sql, err);
	buf_printf(&sql, " FROM %s", whole->name);
	if (rc == 0)
		rc = plan_relation(
			f->c->plan, f->c->scope, buf_str(&sql), &whole, 1, relation, err);
	buf_free(&sql);
	if (rc == 0)
		(*relation)->node = f->c->node;
	return rc;
}

/* Of types with digits or units only the kind counts. */
static int
check_types(const struct fields *f, const struct columns *columns, struct err *err)
{
	const struct column *column;

	for (size_t i = 0; i < f->n; i++) {
		const char *type = f->items[i].type;

		column = columns_find(columns, f->items[i].name);
		if (column == NULL || strcmp(column->type, type) == 0 ||
			(type_classify(type) == type_classify(column->type) &&
				type_classify(type) != TYPE_INT &&
				type_classify(type) != TYPE_FLOAT))
			continue;
		return err_set(err, ERR_FAILED, "column %s is %s, not %s", column->name,
			type_to_polars(column->type, f->c->arena),
			type_to_polars(type, f->c->arena));
	}
	return 0;
}

int
node_fit_fields(struct compiler *c, struct relation **relation, struct err *err)
{
	const cJSON *config = setting_object(c->settings, "output_field_config");
	const cJSON *list = setting_array(config, "fields");
	struct fields f = {.c = c, .columns = &(*relation)->columns};
	bool enabled, typed;

	if (setting_bool(config, "enabled", false, &enabled, err) < 0 ||
		setting_bool(config, "validate_data_types", false, &typed, err) < 0)
		return err_prefix(err, "output_field_config");
	if (!enabled || cJSON_GetArraySize(list) == 0)
		return 0;
	if (take_fields(&f, config, list, err) < 0 || write_relation(&f, relation, err) < 0 ||
		(typed && check_types(&f, &(*relation)->columns, err) < 0))
		return err_prefix(err, "output_field_config");
	return 0;
}
