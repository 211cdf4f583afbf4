/* Rows that are taken by chance, or go by it to one of several outputs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "nodes.h"

/* What the rows are shuffled by: with a seed it depends on nothing but their order. */
static int
take_chance(struct compiler *c, const char *row, const char **sql, struct err *err)
{
	int64_t seed;

	if (setting_int(c->settings, "seed", 0, INT64_MAX, -1, &seed, err) < 0)
		return -1;
	*sql = seed < 0 ? "random()"
			: arena_printf(c->arena, "hash(xor(hash(%s), hash(%" PRId64 "))), %s", row,
				  seed, row);
	return 0;
}

/* --- samples -------------------------------------------------------------------------------------------------- */

static int
emit_first(struct compiler *c, int64_t size, struct err *err)
{
	return node_emit(c, 0,
		arena_printf(c->arena, "SELECT * FROM %s LIMIT %" PRId64, c->in[0]->name, size),
		err);
}

/* With the last one first. */
static int
emit_last(struct compiler *c, int64_t size, struct err *err)
{
	const char *row = node_own_name(c, 0, "_row");

	return node_emit(c, 0,
		arena_printf(c->arena,
			"SELECT * EXCLUDE (%s) FROM (SELECT *, row_number() OVER () AS %s FROM %s) "
			"ORDER BY %s DESC LIMIT %" PRId64,
			row, row, c->in[0]->name, row, size),
		err);
}

static int
emit_random(struct compiler *c, int64_t size, struct err *err)
{
	const char *row = node_own_name(c, 0, "_row"), *chance;

	if (take_chance(c, row, &chance, err) < 0 ||
		node_emit(c, 0,
			arena_printf(c->arena,
				"SELECT * EXCLUDE (%s) FROM (SELECT *, row_number() OVER () AS %s "
				"FROM "
				"%s ORDER BY %s LIMIT %" PRId64 ") ORDER BY %s",
				row, row, c->in[0]->name, chance, size, row),
			err) < 0)
		return -1;
	node_set_once(c, 0);
	return 0;
}

static int
emit_fraction(struct compiler *c, struct err *err)
{
	const char *row = node_own_name(c, 0, "_row"), *place = node_own_name(c, 0, "_place");
	const char *total = node_own_name(c, 0, "_total"), *chance;
	double percent;

	if (setting_double(c->settings, "fraction", 0, 100, 10, &percent, err) < 0 ||
		take_chance(c, row, &chance, err) < 0)
		return -1;
	if (percent <= 0)
		return err_set(err, ERR_USAGE, "fraction: it is not more than 0");
	if (node_emit(c, 0,
		    arena_printf(c->arena,
			    "SELECT * EXCLUDE (%s, %s, %s) FROM (SELECT *, row_number() OVER "
			    "(ORDER "
			    "BY %s) AS %s, count(*) OVER () AS %s FROM (SELECT *, row_number() "
			    "OVER "
			    "() AS %s FROM %s)) WHERE %s <= round_even(%s * CAST(%.17g AS DOUBLE) "
			    "/ "
			    "100, 0) ORDER BY %s",
			    row, place, total, chance, place, total, row, c->in[0]->name, place,
			    total, percent, row),
		    err) < 0)
		return -1;
	node_set_once(c, 0);
	return 0;
}

/* What is taken by chance comes in the order that it had. */
int
node_sample(struct compiler *c, struct err *err)
{
	static const char *const methods[] = {
		"first", "last", "random", "random_fraction", "head", "tail", NULL};
	int64_t size;
	int method;

	if (setting_word(c->settings, "sample_method", methods, 0, c->arena, &method, err) < 0 ||
		setting_int(c->settings, "sample_size", 0, INT64_MAX, 1000, &size, err) < 0)
		return -1;
	switch (method) {
	case 2:
		return emit_random(c, size, err);
	case 3:
		return emit_fraction(c, err);
	default:
		return method % 4 == 0 ? emit_first(c, size, err) : emit_last(c, size, err);
	}
}

/* --- parts ---------------------------------------------------------------------------------------------------- */

struct parts {
	const char *names[FLOW_HANDLES_MAX];
	double percentages[FLOW_HANDLES_MAX];
	size_t n;
};

static int
add_part(struct parts *parts, const cJSON *item, struct arena *a, struct err *err)
{
	if (parts->n == FLOW_HANDLES_MAX)
		return err_set(err, ERR_USAGE, "there are at most %d", FLOW_HANDLES_MAX);
	if (setting_required(item, "name", a, &parts->names[parts->n], err) < 0 ||
		setting_double(item, "percentage", 0, 100, 0, &parts->percentages[parts->n], err) <
			0)
		return -1;
	if (parts->percentages[parts->n] <= 0)
		return err_set(err, ERR_USAGE, "percentage: it is not more than 0");
	for (size_t i = 0; i < parts->n; i++)
		if (strcmp(parts->names[i], parts->names[parts->n]) == 0)
			return err_set(
				err, ERR_USAGE, "name: another one is called %s", parts->names[i]);
	parts->n++;
	return 0;
}

static int
take_parts(const cJSON *settings, struct arena *a, struct parts *parts, struct err *err)
{
	const cJSON *list = setting_array(settings, "splits"), *item;
	double sum = 0;

	*parts = (struct parts){{"train", "test"}, {80, 20}, list == NULL ? 2 : 0};
	cJSON_ArrayForEach(item, list)
	{
		if (add_part(parts, item, a, err) < 0)
			return err_prefix(err, "splits[%zu]", parts->n);
	}
	for (size_t i = 0; i < parts->n; i++)
		sum += parts->percentages[i];
	if (fabs(sum - 100) > 0.01)
		return err_set(
			err, ERR_USAGE, "splits: the percentages add up to %g, not to 100", sum);
	return 0;
}

/* The input with each row's place and with how many there are. All parts are cut from this one: it is not computed for each of them. */
static int
shuffle(struct compiler *c, const char *place, const char *total, struct err *err)
{
	const char *row = node_own_name(c, 0, "_row"), *chance;
	struct relation **shuffled = arena_array(c->arena, 1, sizeof(struct relation *));

	if (take_chance(c, row, &chance, err) < 0 ||
		plan_relation(c->plan, c->scope,
			arena_printf(c->arena,
				"SELECT * EXCLUDE (%s), row_number() OVER (ORDER BY %s) AS %s, "
				"count(*) OVER () AS %s FROM (SELECT *, row_number() OVER () AS %s "
				"FROM "
				"%s)",
				row, chance, place, total, row, c->in[0]->name),
			c->in, c->n_in, shuffled, err) < 0)
		return -1;
	(*shuffled)->node = c->node;
	(*shuffled)->once = true;
	c->in = shuffled;
	c->n_in = 1;
	return 0;
}

/* Each part has as many rows as its percentage says, rounded as Python does, and the last what is left. */
int
node_random_split(struct compiler *c, struct err *err)
{
	const char *place = node_own_name(c, 0, "_place"), *total = node_own_name(c, 0, "_total");
	const char *from = "0", *to, *rows;
	struct parts parts;

	if (take_parts(c->settings, c->arena, &parts, err) < 0 || shuffle(c, place, total, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.n; i++) {
		to = arena_printf(c->arena, "%s + round_even(%s * CAST(%.17g AS DOUBLE) / 100, 0)",
			from, total, parts.percentages[i]);
		rows = arena_printf(c->arena, "SELECT * EXCLUDE (%s, %s) FROM %s WHERE %s > %s",
			place, total, c->in[0]->name, place, from);
		if (i + 1 < parts.n)
			rows = arena_printf(c->arena, "%s AND %s <= %s", rows, place, to);
		rows = arena_printf(c->arena, "%s ORDER BY %s", rows, place);
		if (node_emit(c, (int)i, rows, err) < 0)
			return -1;
		from = to;
	}
	return 0;
}
