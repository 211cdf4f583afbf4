/* A query over the node's inputs, which are called input_1, input_2 and so on in it. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "flow/catalog_sql.h"
#include "nodes.h"

#define INPUT "input_"

static int
find_input(const struct compiler *c, const struct query_table *t, size_t *at, struct err *err)
{
	int64_t n;

	if (t->schema == NULL && strncasecmp(t->name, INPUT, strlen(INPUT)) == 0 &&
		text_to_int(t->name + strlen(INPUT), 1, (int64_t)c->n_in, &n)) {
		*at = (size_t)n - 1;
		return 0;
	}
	if (c->n_in == 0)
		return err_set(err, ERR_USAGE,
			"it has no input, and reads %s; a table of the catalog is read by a "
			"catalog_reader",
			t->name);
	return err_set(err, ERR_USAGE, "there is no %s; its inputs are " INPUT "1%s", t->name,
		c->n_in == 1 ? "" : arena_printf(c->arena, " to " INPUT "%zu", c->n_in));
}

static int
bind_inputs(struct compiler *c, struct query *query, struct err *err)
{
	struct relation **in = arena_array(c->arena, query->n_tables + 1, sizeof(*in));
	const char *sql;
	size_t at = 0;

	for (size_t i = 0; i < query->n_tables; i++) {
		if (find_input(c, &query->tables[i], &at, err) < 0)
			return -1;
		in[i] = c->in[at];
		if (catalog_sql_bind(c->plan, c->scope, query, &query->tables[i], &in[i], err) < 0)
			return -1;
	}
	c->in = in;
	c->n_in = query->n_tables;
	return query_bind(query, c->arena, &sql, err) < 0 ? -1 : node_emit(c, 0, sql, err);
}

int
node_sql_query(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "sql_query_input");
	struct query query;
	const char *sql;

	if (setting_required(input, "sql_code", c->arena, &sql, err) < 0)
		return err_prefix(err, "sql_query_input");
	if (query_parse(c->plan->shapes, sql, c->arena, &query, err) < 0 ||
		bind_inputs(c, &query, err) < 0)
		return err_prefix(err, "sql_query_input: sql_code");
	return 0;
}
