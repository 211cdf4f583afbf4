#include "flow/query.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define TEXT_MAX (4 * 1024 * 1024)
#define DEPTH_MAX 1000

/* --- the syntax tree ------------------------------------------------------------------------------------ */

/* The names that a part of the query gives to queries of its own. */
struct names {
	const char *name;
	const struct names *outer;
};

struct tree {
	struct query *query;
	struct arena *arena;
	int depth;
};

static const char *
word(const cJSON *object, const char *field)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, field));

	return text != NULL && *text != '\0' ? text : NULL;
}

static const char *
word_copy(const struct tree *t, const cJSON *object, const char *field)
{
	return arena_strdup(t->arena, word(object, field));
}

static bool
is_named(const struct names *names, const char *name)
{
	for (; names != NULL; names = names->outer)
		if (text_equal_nocase(names->name, name))
			return true;
	return false;
}

static size_t
place(const cJSON *node)
{
	const cJSON *at = cJSON_GetObjectItemCaseSensitive(node, "query_location");

	return cJSON_IsNumber(at) ? (size_t)at->valuedouble : (size_t)-1;
}

static void *
grow(struct tree *t, void *items, size_t n, size_t size)
{
	char *more;

	if (n % 16 != 0)
		return items;
	more = arena_array(t->arena, n + 16, size);
	if (n > 0)
		memcpy(more, items, n * size);
	return more;
}

static int
take_table(struct tree *t, const cJSON *node, const struct names *names, struct err *err)
{
	struct query *q = t->query;
	struct query_table *table;

	if (cJSON_GetObjectItemCaseSensitive(node, "at_clause") != NULL)
		return err_set(err, ERR_USAGE,
			"AT: versions of tables cannot be read in a query; read that one with a "
			"catalog_reader");
	if (word(node, "schema_name") == NULL && is_named(names, word(node, "table_name")))
		return 0;
	q->tables = grow(t, q->tables, q->n_tables, sizeof(*q->tables));
	table = &q->tables[q->n_tables++];
	*table = (struct query_table){
		.catalog = word_copy(t, node, "catalog_name"),
		.schema = word_copy(t, node, "schema_name"),
		.name = word_copy(t, node, "table_name"),
		.at = place(node),
		.has_alias = word(node, "alias") != NULL,
	};
	return 0;
}

static void
take_column(struct tree *t, const cJSON *node)
{
	const cJSON *parts = cJSON_GetObjectItemCaseSensitive(node, "column_names"), *part;
	struct query *q = t->query;
	struct query_column *column;

	if (cJSON_GetArraySize(parts) < 3 || place(node) == (size_t)-1)
		return;
	q->columns = grow(t, q->columns, q->n_columns, sizeof(*q->columns));
	column = &q->columns[q->n_columns++];
	column->at = place(node);
	column->n = 0;
	column->parts =
		arena_array(t->arena, (size_t)cJSON_GetArraySize(parts), sizeof(*column->parts));
	cJSON_ArrayForEach(part, parts) column->parts[column->n++] =
		arena_strdup(t->arena, cJSON_GetStringValue(part));
}

static int
check_function(const cJSON *node, struct err *err)
{
	static const char *const harmless[] = {"range", "generate_series", "unnest"};
	const char *name =
		word(cJSON_GetObjectItemCaseSensitive(node, "function"), "function_name");

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(harmless); i++)
		if (strcmp(name, harmless[i]) == 0)
			return 0;
	return err_set(err, ERR_USAGE,
		"%s(): rows come from tables here, not from functions; name tables",
		name != NULL ? name : "function");
}

static int walk(struct tree *t, const cJSON *node, const struct names *names, struct err *err);

static bool
is_called(const cJSON *child, const char *name)
{
	return child->string != NULL && strcmp(child->string, name) == 0;
}

/* Only the right arm of a recursive one sees what it is called. */
static int
walk_children(struct tree *t, const cJSON *node, const struct names *names, struct err *err)
{
	const struct names itself = {word(node, "cte_name"), names};
	const cJSON *child;

	cJSON_ArrayForEach(child, node)
	{
		bool sees = itself.name != NULL && is_called(child, "right");

		if (is_called(child, "cte_map"))
			continue;
		if (walk(t, child, sees ? &itself : names, err) < 0)
			return -1;
	}
	return 0;
}

/* Each common table expression sees those before it, and what is behind them sees all. */
static int
walk_ctes(struct tree *t, const cJSON *node, const cJSON *left, const struct names *names,
	struct err *err)
{
	struct query *q = t->query;
	struct names mine = {.outer = names};

	if (left == NULL)
		return walk_children(t, node, names, err);
	mine.name = word(left, "key");
	if (mine.name == NULL || strchr(mine.name, '.') != NULL)
		return err_set(err, ERR_USAGE,
			"%s: what WITH defines may not have a dot in its name",
			mine.name != NULL ? mine.name : "WITH");
	q->ctes = grow(t, q->ctes, q->n_ctes, sizeof(*q->ctes));
	q->ctes[q->n_ctes++] = arena_strdup(t->arena, mine.name);
	if (walk(t, cJSON_GetObjectItemCaseSensitive(left, "value"), names, err) < 0)
		return -1;
	return walk_ctes(t, node, left->next, &mine, err);
}

static int
walk_node(struct tree *t, const cJSON *node, const struct names *names, struct err *err)
{
	const cJSON *ctes = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(node, "cte_map"), "map");
	const char *type = word(node, "type");

	if (type == NULL)
		return walk_children(t, node, names, err);
	if (strcmp(type, "BASE_TABLE") == 0)
		return take_table(t, node, names, err);
	if (strcmp(type, "TABLE_FUNCTION") == 0 && check_function(node, err) < 0)
		return -1;
	if (strcmp(type, "SHOW_REF") == 0)
		return err_set(err, ERR_USAGE,
			"SHOW, DESCRIBE and SUMMARIZE are not allowed here; use SELECT");
	if (strcmp(type, "COLUMN_REF") == 0)
		take_column(t, node);
	return walk_ctes(t, node, ctes != NULL ? ctes->child : NULL, names, err);
}

static int
walk(struct tree *t, const cJSON *node, const struct names *names, struct err *err)
{
	int rc;

	if (++t->depth > DEPTH_MAX)
		return err_set(err, ERR_USAGE, "it is nested too deep");
	rc = cJSON_IsObject(node) ? walk_node(t, node, names, err)
				  : walk_children(t, node, names, err);
	t->depth--;
	return rc;
}

/* --- parsing -------------------------------------------------------------------------------------------- */

static int
syntax_error(const char *text, const cJSON *answer, struct err *err)
{
	const char *message = word(answer, "error_message"), *position = word(answer, "position");
	size_t end = position != NULL ? (size_t)strtoull(position, NULL, 10) : 0;
	int line = 1, column = 1;

	if (message == NULL)
		message = "it cannot be understood";
	if (position == NULL)
		return err_set(err, ERR_USAGE, "%s",
			strstr(message, "Only SELECT") != NULL ? "only SELECT is allowed here"
							       : message);
	/* The position is in characters: bytes that go on with one count for nothing. */
	for (size_t i = 0, n = 0; text[i] != '\0'; i++) {
		if ((text[i] & 0xc0) == 0x80)
			continue;
		if (n++ == end)
			break;
		line += text[i] == '\n';
		column = text[i] == '\n' ? 1 : column + 1;
	}
	return err_set(err, ERR_USAGE, "line %d, column %d: %s", line, column, message);
}

static int
read_tree(const cJSON *answer, struct arena *a, struct query *q, struct err *err)
{
	const cJSON *statements = cJSON_GetObjectItemCaseSensitive(answer, "statements");
	struct tree t = {.query = q, .arena = a};

	if (!cJSON_IsArray(statements))
		return syntax_error(q->text, answer, err);
	if (cJSON_GetArraySize(statements) != 1)
		return err_set(err, ERR_USAGE,
			cJSON_GetArraySize(statements) == 0 ? "it is empty"
							    : "only one statement is allowed here");
	return walk(&t, statements->child, NULL, err);
}

int
query_parse(struct duck *d, const char *text, struct arena *a, struct query *out, struct err *err)
{
	struct duck_rows *rows;
	cJSON *answer = NULL;
	char *sql;
	int rc;

	if (strlen(text) > TEXT_MAX)
		return err_set(err, ERR_USAGE, "it is longer than %d MB", TEXT_MAX / 1024 / 1024);
	*out = (struct query){.text = query_normalize(text, a)};
	sql = xasprintf("SELECT json_serialize_sql(%s, skip_null := true, skip_empty := true, "
			"skip_default := true)",
		sql_literal(a, out->text));
	rc = duck_query(d, sql, &rows, err);
	free(sql);
	if (rc < 0)
		return -1;
	if (duck_rows_next(rows))
		answer = cJSON_Parse(duck_text_copy(rows, 0, a));
	rc = read_tree(answer, a, out, err);
	cJSON_Delete(answer);
	duck_rows_free(rows);
	return rc;
}

/* --- the text anew -------------------------------------------------------------------------------------- */

const char *
query_table_name(const struct query_table *t, struct arena *a)
{
	return arena_printf(a, "%s%s%s%s%s", t->catalog != NULL ? t->catalog : "",
		t->catalog != NULL ? "." : "", t->schema != NULL ? t->schema : "",
		t->schema != NULL ? "." : "", t->name);
}

/* Behind n names with dots between them, which must stand there; NULL: they do not. */
static const char *
skip_names(const char *p, const char *const *names, size_t n, struct arena *a)
{
	struct query_word w;

	for (size_t i = 0; i < n; i++) {
		w = query_word(p);
		if (i > 0) {
			if (!query_word_is(&w, "."))
				return NULL;
			w = query_word(w.at + w.len);
		}
		if (w.kind != QUERY_NAME && w.kind != QUERY_QUOTED && w.kind != QUERY_STRING)
			return NULL;
		if (!text_equal_nocase(query_word_text(&w, a), names[i]))
			return NULL;
		p = w.at + w.len;
	}
	return p;
}

/* The same, from a place in the text. */
static int
names_end(const struct query *q, size_t at, const char *const *names, size_t n, struct arena *a,
	size_t *end, struct err *err)
{
	const char *p = NULL;

	if (at < strlen(q->text) && query_word(q->text + at).at == q->text + at)
		p = skip_names(q->text + at, names, n, a);
	if (p == NULL)
		return err_set(err, ERR_USAGE,
			"%s: it is not found in the text; write its name in double quotes",
			names[n - 1]);
	*end = (size_t)(p - q->text);
	return 0;
}

struct edit {
	size_t from, to;
	const char *text;
	const char *alias; /* what the new name is called by; NULL: it has one */
};

static int
edit_by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static int
rename_table(const struct query *q, const struct query_table *t, struct arena *a, struct edit *out,
	struct err *err)
{
	const char *const parts[] = {t->catalog, t->schema, t->name};
	size_t n = t->catalog != NULL ? 3 : t->schema != NULL ? 2 : 1;

	*out = (struct edit){
		.from = t->at,
		.text = t->becomes,
		.alias = t->has_alias ? NULL : sql_quoted(a, t->name),
	};
	return names_end(q, t->at, parts + 3 - n, n, a, &out->to, err);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : text_equal_nocase(a, b);
}

/* How many of a column's first parts say where its table is: they are gone with the table's own name. */
static size_t
parts_before_table(const struct query *q, const struct query_column *c)
{
	for (size_t i = 0; i < q->n_tables; i++) {
		const struct query_table *t = &q->tables[i];

		if (t->becomes == NULL || t->schema == NULL || t->has_alias)
			continue;
		if (same(t->schema, c->parts[0]) && same(t->name, c->parts[1]))
			return 1;
		if (c->n > 3 && same(t->catalog, c->parts[0]) && same(t->schema, c->parts[1]) &&
			same(t->name, c->parts[2]))
			return 2;
	}
	return 0;
}

static int
shorten_column(const struct query *q, const struct query_column *c, size_t n, struct arena *a,
	struct edit *out, struct err *err)
{
	struct query_word dot;

	*out = (struct edit){.from = c->at, .text = ""};
	if (names_end(q, c->at, c->parts, n, a, &out->to, err) < 0)
		return -1;
	dot = query_word(q->text + out->to);
	if (!query_word_is(&dot, "."))
		return err_set(err, ERR_USAGE, "%s: no column of it follows", c->parts[n - 1]);
	dot = query_word(dot.at + dot.len);
	out->to = (size_t)(dot.at - q->text);
	return 0;
}

static int
find_edits(const struct query *q, struct arena *a, struct edit *edits, size_t *n, struct err *err)
{
	*n = 0;
	for (size_t i = 0; i < q->n_tables; i++)
		if (q->tables[i].becomes != NULL &&
			rename_table(q, &q->tables[i], a, &edits[(*n)++], err) < 0)
			return -1;
	for (size_t i = 0; i < q->n_columns; i++) {
		size_t parts = parts_before_table(q, &q->columns[i]);

		if (parts > 0 &&
			shorten_column(q, &q->columns[i], parts, a, &edits[(*n)++], err) < 0)
			return -1;
	}
	qsort(edits, *n, sizeof(*edits), edit_by_place);
	return 0;
}

/* A copy of the text from *at to the edit. TABLE takes no alias: it becomes FROM, which does. */
static void
copy_before(const struct query *q, const struct edit *edit, const char **at, struct buf *out)
{
	const char *end = q->text + edit->from;
	struct query_word w, last = {QUERY_END, end, 0};

	for (w = query_word(*at); w.at < end; w = query_word(w.at + w.len))
		last = w;
	if (edit->alias == NULL || !query_word_is(&last, "TABLE"))
		last = (struct query_word){QUERY_END, end, 0};
	buf_add(out, *at, (size_t)(last.at - *at));
	buf_puts(out, last.len > 0 ? "FROM" : "");
	buf_add(out, last.at + last.len, (size_t)(end - last.at - (ptrdiff_t)last.len));
	*at = q->text + edit->to;
}

int
query_bind(const struct query *q, struct arena *a, const char **text, struct err *err)
{
	struct edit *edits = arena_array(a, q->n_tables + q->n_columns + 1, sizeof(*edits));
	const char *at = q->text;
	struct buf b;
	size_t n;
	int rc = 0;

	if (find_edits(q, a, edits, &n, err) < 0)
		return -1;
	buf_init(&b, 2 * TEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		if (q->text + edits[i].from < at) /* the tree may have a name twice */
			continue;
		copy_before(q, &edits[i], &at, &b);
		buf_puts(&b, edits[i].text);
		if (edits[i].alias != NULL)
			buf_printf(&b, " AS %s", edits[i].alias);
	}
	buf_puts(&b, at);
	if (buf_failed(&b))
		rc = err_set(err, ERR_USAGE, "it is longer than %zu MB", b.max / 1024 / 1024);
	else
		*text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return rc;
}
