/*
 * Rows whose texts are alike. For each pair of columns the different texts of both sides are compared, each with each, and the pairs that are near enough
 * become a table; the rows are joined over these. Texts are compared here and not by the engine, whose distances are those of bytes.
 */
#include <inttypes.h>
#include <string.h>

#include "flow/similarity.h"
#include "join.h"

#define PAIRS_TOLD                                                                                 \
	100000000 /* comparisons that take so long that the log should say what is done */

struct mapping {
	enum similarity_method method;
	double distance_max;
	struct relation *texts[2]; /* (text, id): those of a side, from 0 */
	struct relation *pairs; /* (l, r, score): ids, and 1 less the distance */
};

struct fuzzy {
	struct join join;
	struct mapping *mappings; /* for each key of the join */
};

/* --- settings -------------------------------------------------------------------------------------------------- */

static int
check_text(struct fuzzy *f, int side, const char *name, const char *field, struct err *err)
{
	const struct column *column = columns_find(&f->join.c->in[side]->columns, name);

	if (type_classify(column->type) == TYPE_TEXT)
		return 0;
	return err_set(err, ERR_USAGE, "%s: column %s is no text but %s; a select can make it one",
		field, name, type_to_polars(column->type, f->join.c->arena));
}

/* Of a threshold only the whole percents count, as in Flowfile. */
static int
take_mapping(struct fuzzy *f, size_t at, const cJSON *item, struct err *err)
{
	struct mapping *mapping = &f->mappings[at];
	double threshold;
	int method;

	if (check_text(f, 0, f->join.keys[0][at], "left_col", err) < 0 ||
		check_text(f, 1, f->join.keys[1][at], "right_col", err) < 0 ||
		setting_word(item, "fuzzy_type", similarity_names, SIMILARITY_LEVENSHTEIN,
			f->join.c->arena, &method, err) < 0 ||
		setting_double(item, "threshold_score", 0, 100, 80, &threshold, err) < 0)
		return -1;
	mapping->method = (enum similarity_method)method;
	mapping->distance_max = (100 - (int)threshold) / 100.0;
	return 0;
}

static int
take_settings(struct fuzzy *f, const cJSON *input, struct err *err)
{
	struct compiler *c = f->join.c;
	const cJSON *item;
	size_t i = 0;
	int how;

	if (input == NULL)
		return err_set(err, ERR_USAGE, "it is missing");
	if (setting_word(input, "how", join_ways, JOIN_INNER, c->arena, &how, err) < 0 ||
		join_take_keys(&f->join, input, err) < 0)
		return -1;
	if (how != JOIN_INNER)
		plan_say(c->plan,
			"node %" PRId64 " (fuzzy_match): how is %s, and is taken as inner, as "
			"Flowfile does",
			c->node->id, join_ways[how]);
	f->mappings = arena_array(c->arena, f->join.n_keys, sizeof(*f->mappings));
	cJSON_ArrayForEach(item, setting_array(input, "join_mapping"))
	{
		if (take_mapping(f, i, item, err) < 0)
			return err_prefix(err, "join_mapping[%zu]", i);
		i++;
	}
	return 0;
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

static const char *
text_of(struct fuzzy *f, int side, size_t at)
{
	return arena_printf(f->join.c->arena, "lower(%c.%s)", side == 0 ? 'l' : 'r',
		sql_quoted(f->join.c->arena, f->join.keys[side][at]));
}

static int
make_texts(struct fuzzy *f, int side, size_t at, struct err *err)
{
	struct compiler *c = f->join.c;
	struct relation **texts = &f->mappings[at].texts[side];
	const char *sql = arena_printf(c->arena,
		"SELECT text, row_number() OVER () - 1 AS id FROM (SELECT DISTINCT %s AS text FROM "
		"%s AS %c) WHERE text IS NOT NULL",
		text_of(f, side, at), c->in[side]->name, side == 0 ? 'l' : 'r');

	if (plan_relation(c->plan, c->scope, sql, &c->in[side], 1, texts, err) < 0)
		return -1;
	return node_store(c, *texts, err);
}

static int
add_texts(struct fuzzy *f, struct relation *texts, struct similarity *s, size_t *n, struct err *err)
{
	struct duck_rows *rows;
	const char *text;
	size_t len;

	if (duck_query(f->join.c->plan->duck,
		    arena_printf(f->join.c->arena, "SELECT text FROM %s ORDER BY id", texts->name),
		    &rows, err) < 0)
		return -1;
	for (*n = 0; duck_rows_next(rows); ++*n) {
		text = duck_text(rows, 0, &len);
		similarity_add(s, text, len);
	}
	duck_rows_free(rows);
	return 0;
}

/* --- pairs ------------------------------------------------------------------------------------------------------ */

/* Both sides' texts are added, the left ones first. */
static int
compare(struct fuzzy *f, const struct mapping *mapping, struct similarity *s, size_t n_left,
	size_t n_right, struct err *err)
{
	struct duck *d = f->join.c->plan->duck;
	struct duck_appender *appender;
	double distance;

	if (duck_append_begin(d, mapping->pairs->name, &appender, err) < 0)
		return -1;
	for (size_t l = 0; l < n_left && !duck_interrupted(d); l++) {
		similarity_hold(s, l);
		for (size_t r = 0; r < n_right; r++) {
			distance = similarity_distance(s, n_left + r);
			if (distance > mapping->distance_max)
				continue;
			duck_append_int(appender, (int64_t)l);
			duck_append_int(appender, (int64_t)r);
			duck_append_double(appender, 1 - distance);
			duck_append_row(appender);
		}
	}
	if (duck_append_end(appender, err) < 0)
		return -1;
	return duck_interrupted(d) ? err_set(err, ERR_FAILED, "interrupted") : 0;
}

static int
find_pairs(struct fuzzy *f, const struct mapping *mapping, struct err *err)
{
	struct similarity *s = similarity_create(mapping->method, mapping->distance_max);
	size_t n_left, n_right;
	int rc;

	rc = add_texts(f, mapping->texts[0], s, &n_left, err);
	if (rc == 0)
		rc = add_texts(f, mapping->texts[1], s, &n_right, err);
	if (rc == 0 && (double)n_left * (double)n_right > PAIRS_TOLD)
		plan_say(f->join.c->plan,
			"node %" PRId64 " (fuzzy_match): comparing each of %zu texts with each of "
			"%zu",
			f->join.c->node->id, n_left, n_right);
	if (rc == 0)
		rc = compare(f, mapping, s, n_left, n_right, err);
	similarity_free(s);
	return rc;
}

static int
make_pairs(struct fuzzy *f, size_t at, struct err *err)
{
	struct compiler *c = f->join.c;
	struct mapping *mapping = &f->mappings[at];
	struct columns columns = {0};

	columns_add(&columns, c->arena, "l", "BIGINT");
	columns_add(&columns, c->arena, "r", "BIGINT");
	columns_add(&columns, c->arena, "score", "DOUBLE");
	if (make_texts(f, 0, at, err) < 0 || make_texts(f, 1, at, err) < 0 ||
		node_make_table(c, &columns, &mapping->pairs, err) < 0)
		return -1;
	return c->plan->explains ? 0 : find_pairs(f, mapping, err);
}

static int
make_all_pairs(struct fuzzy *f, struct err *err)
{
	struct compiler *c = f->join.c;

	if (node_store(c, c->in[0], err) < 0 || node_store(c, c->in[1], err) < 0)
		return -1;
	for (size_t i = 0; i < f->join.n_keys; i++)
		if (make_pairs(f, i, err) < 0)
			return -1;
	return 0;
}

/* --- the join --------------------------------------------------------------------------------------------------- */

/* "left_vs_right_levenshtein", of the columns' new names; what comes again is numbered. */
static void
add_scores(struct fuzzy *f)
{
	struct arena *a = f->join.c->arena;
	const char **names = arena_array(a, f->join.n_keys, sizeof(*names));

	for (size_t i = 0; i < f->join.n_keys; i++) {
		size_t before = 0;

		names[i] = arena_printf(a, "%s_vs_%s_%s", f->join.key_names[0][i],
			f->join.key_names[1][i], similarity_names[f->mappings[i].method]);
		for (size_t k = 0; k < i; k++)
			before += strcmp(names[k], names[i]) == 0;
		buf_printf(&f->join.sql, ", m%zu.score AS ", i);
		sql_ident(&f->join.sql,
			before > 0 ? arena_printf(a, "%s_%zu", names[i], before) : names[i]);
	}
}

/* From the left row by its text to the pairs, to the right text and its rows. Of further pairs both rows are known. */
static void
add_joins(struct fuzzy *f)
{
	struct compiler *c = f->join.c;
	struct buf *sql = &f->join.sql;

	buf_printf(sql, " FROM %s AS l", c->in[0]->name);
	for (size_t i = 0; i < f->join.n_keys; i++) {
		const struct mapping *m = &f->mappings[i];

		buf_printf(sql, " JOIN %s AS x%zu ON x%zu.text = %s", m->texts[0]->name, i, i,
			text_of(f, 0, i));
		buf_printf(sql, " JOIN %s AS m%zu ON m%zu.l = x%zu.id", m->pairs->name, i, i, i);
		buf_printf(sql, " JOIN %s AS y%zu ON y%zu.id = m%zu.r", m->texts[1]->name, i, i, i);
		if (i == 0)
			buf_printf(sql, " JOIN %s AS r ON %s = y0.text", c->in[1]->name,
				text_of(f, 1, i));
		else
			buf_printf(sql, " AND %s = y%zu.text", text_of(f, 1, i), i);
	}
}

static int
emit(struct fuzzy *f, struct err *err)
{
	struct compiler *c = f->join.c;
	struct relation **inputs =
		arena_array(c->arena, 2 + 3 * f->join.n_keys, sizeof(struct relation *));

	add_joins(f);
	inputs[0] = c->in[0];
	inputs[1] = c->in[1];
	for (size_t i = 0; i < f->join.n_keys; i++) {
		inputs[2 + 3 * i] = f->mappings[i].texts[0];
		inputs[3 + 3 * i] = f->mappings[i].texts[1];
		inputs[4 + 3 * i] = f->mappings[i].pairs;
	}
	c->in = inputs;
	c->n_in = 2 + 3 * f->join.n_keys;
	return node_emit_sql(c, 0, &f->join.sql, err);
}

int
node_fuzzy_match(struct compiler *c, struct err *err)
{
	const cJSON *input = setting_object(c->settings, "join_input");
	struct fuzzy f = {.join = {.c = c, .keeps_keys = true}};

	if (take_settings(&f, input, err) < 0)
		return err_prefix(err, "join_input");
	node_begin_sql(&f.join.sql);
	buf_puts(&f.join.sql, "SELECT ");
	if (join_add_side(&f.join, input, 0, err) < 0 ||
		join_add_side(&f.join, input, 1, err) < 0) {
		buf_free(&f.join.sql);
		return err_prefix(err, "join_input");
	}
	add_scores(&f);
	if (make_all_pairs(&f, err) < 0) {
		buf_free(&f.join.sql);
		return -1;
	}
	return emit(&f, err);
}
