#include "flow/query.h"

#include <cjson/cJSON.h>
#include <ctype.h>
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

static int
walk_children(struct tree *t, const cJSON *node, const struct names *names, struct err *err)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, node)
	{
		if (child->string != NULL && strcmp(child->string, "cte_map") == 0)
			continue;
		if (walk(t, child, names, err) < 0)
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
	struct names itself = {.outer = names};

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
	if (strcmp(type, "RECURSIVE_CTE_NODE") == 0) {
		itself.name = word(node, "cte_name");
		names = &itself;
	}
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

/* --- the text ---------------------------------------------------------------------------------------------- */

const char *
query_skip_blank(const char *p)
{
	const char *end;

	for (;;) {
		if (isspace((unsigned char)*p))
			p++;
		else if (p[0] == '-' && p[1] == '-')
			p += strcspn(p, "\n");
		else if (p[0] == '/' && p[1] == '*')
			p = (end = strstr(p + 2, "*/")) != NULL ? end + 2 : p + strlen(p);
		else
			return p;
	}
}

/* Behind one name, quoted or not. */
static const char *
skip_name(const char *p)
{
	char quote = *p;

	if (quote != '"' && quote != '\'') {
		while (isalnum((unsigned char)*p) || *p == '_' || *p == '$' || (*p & 0x80) != 0)
			p++;
		return p;
	}
	for (p++; *p != '\0'; p++)
		if (*p == quote && *++p != quote)
			return p;
	return p;
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

/* The text without the semicolon that may end it: it becomes a part of a longer one. */
static const char *
without_end(const char *text, struct arena *a)
{
	char *copy = arena_strdup(a, text), *p = copy;

	while (*(p = (char *)query_skip_blank(p)) != '\0') {
		if (*p == ';' && *query_skip_blank(p + 1) == '\0')
			*p = '\0';
		else if (*p == '"' || *p == '\'')
			p = (char *)skip_name(p);
		else
			p++;
	}
	return copy;
}

int
query_parse(struct duck *d, const char *text, struct arena *a, struct query *out, struct err *err)
{
	struct duck_rows *rows;
	cJSON *answer = NULL;
	char *sql;
	int rc;

	*out = (struct query){.text = without_end(text, a)};
	if (strlen(text) > TEXT_MAX)
		return err_set(err, ERR_USAGE, "it is longer than %d MB", TEXT_MAX / 1024 / 1024);
	sql = xasprintf("SELECT json_serialize_sql(%s, skip_null := true, skip_empty := true, "
			"skip_default := true)",
		sql_literal(a, text));
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

/* Behind n names with dots between them. */
static const char *
skip_names(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			p = query_skip_blank(query_skip_blank(p) + 1);
		p = skip_name(p);
	}
	return p;
}

struct edit {
	size_t from, to;
	const char *text;
};

static int
edit_by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static struct edit
rename_table(const struct query *q, const struct query_table *t, struct arena *a)
{
	size_t parts = t->catalog != NULL ? 3 : t->schema != NULL ? 2 : 1;

	return (struct edit){
		.from = t->at,
		.to = (size_t)(skip_names(q->text + t->at, parts) - q->text),
		.text = t->has_alias
			? t->becomes
			: arena_printf(a, "%s AS %s", t->becomes, sql_quoted(a, t->name)),
	};
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

static struct edit
shorten_column(const struct query *q, const struct query_column *c)
{
	size_t n = parts_before_table(q, c);
	const char *start = q->text + c->at, *end = start;

	if (n > 0)
		end = query_skip_blank(query_skip_blank(skip_names(start, n)) + 1);
	return (struct edit){c->at, (size_t)(end - q->text), ""};
}

const char *
query_bind(const struct query *q, struct arena *a)
{
	struct edit *edits = arena_array(a, q->n_tables + q->n_columns + 1, sizeof(*edits));
	size_t n = 0, at = 0, len = strlen(q->text);
	struct buf b;
	const char *result;

	for (size_t i = 0; i < q->n_tables; i++)
		if (q->tables[i].becomes != NULL)
			edits[n++] = rename_table(q, &q->tables[i], a);
	for (size_t i = 0; i < q->n_columns; i++)
		edits[n++] = shorten_column(q, &q->columns[i]);
	qsort(edits, n, sizeof(*edits), edit_by_place);
	buf_init(&b, 2 * TEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		if (edits[i].from < at || edits[i].to > len)
			continue;
		buf_add(&b, q->text + at, edits[i].from - at);
		buf_puts(&b, edits[i].text);
		at = edits[i].to;
	}
	buf_puts(&b, q->text + at);
	result = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return result;
}
