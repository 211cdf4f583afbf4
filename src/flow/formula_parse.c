/* Tokens as a tree: operators by how close they bind, `if` ... `endif`, calls. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "formula_tree.h"

struct parser {
	struct lexer lexer;
	struct token token; /* the next one */
	unsigned depth; /* of values that are open */
	struct err *err;
};

/*
 * As Flowfile has them: it writes == as =, for which, as for %, & and |, its table has no level, and what it does not
 * have binds closest. So [a] + 1 = 2 is [a] + (1 = 2).
 */
static const struct {
	const char *name;
	unsigned level;
} operators[] = {
	{"or", 1},
	{"and", 2},
	{"<", 3},
	{"<=", 3},
	{">", 3},
	{">=", 3},
	{"!=", 3},
	{"in", 3},
	{"+", 4},
	{"-", 4},
	{"*", 5},
	{"/", 5},
	{"=", 10},
	{"==", 10},
	{"%", 10},
	{"&", 10},
	{"|", 10},
};

static const char *const keywords[] = {"if", "then", "elseif", "else", "endif"};

unsigned
operator_level(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (strcmp(operators[i].name, name) == 0)
			return operators[i].level;
	return 0;
}

static int parse_value(struct parser *p, unsigned level, struct node **out);

static int
fail(struct parser *p, size_t at, const char *expected)
{
	return p->token.kind == TOKEN_END
		? formula_error(p->lexer.text, at, p->err, "expected %s, but the formula ends here",
			  expected)
		: formula_error(p->lexer.text, at, p->err, "expected %s, found %.40s", expected,
			  p->token.kind == TOKEN_TEXT             ? "a text"
				  : p->token.kind == TOKEN_COLUMN ? "a column"
								  : p->token.value);
}

static int
next(struct parser *p)
{
	return token_next(&p->lexer, &p->token, p->err);
}

static bool
is_keyword(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_NAME && strcmp(p->token.value, word) == 0;
}

static bool
is_any_keyword(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (p->token.kind == TOKEN_NAME && text_equal_nocase(p->token.value, keywords[i]))
			return true;
	return false;
}

static int
expect_keyword(struct parser *p, const char *word, const char *expected)
{
	if (!is_keyword(p, word)) {
		if (p->token.kind == TOKEN_NAME && text_equal_nocase(p->token.value, word))
			return formula_error(p->lexer.text, p->token.at, p->err,
				"%s is written in small letters: %s", word, word);
		return fail(p, p->token.at, expected);
	}
	return next(p);
}

/* --- the tree ---------------------------------------------------------------------------------------- */

static struct node *
node_new(struct parser *p, enum node_kind kind, size_t at, const char *name)
{
	struct node *node = arena_alloc(p->lexer.a, sizeof(*node));

	*node = (struct node){.kind = kind, .at = at, .name = name, .height = 1};
	return node;
}

static int
node_add(struct parser *p, struct node *node, struct node *item)
{
	struct node **items;

	/* Full when the number is a power of two. */
	if ((node->n & (node->n - 1)) == 0) {
		items = arena_array(p->lexer.a, node->n ? 2 * node->n : 1, sizeof(*items));
		if (node->n > 0)
			memcpy(items, node->items, node->n * sizeof(*items));
		node->items = items;
	}
	node->items[node->n++] = item;
	if (item->height + 1 > node->height)
		node->height = item->height + 1;
	if (node->height > FORMULA_DEPTH_MAX)
		return formula_error(p->lexer.text, item->at, p->err,
			"there are more than %d values in each other", FORMULA_DEPTH_MAX);
	return 0;
}

/* left and right under one operator. A chain of `and` or `or` is one node: its length has no bound but the text's. */
static int
node_join(struct parser *p, const struct token *op, struct node **left, struct node *right)
{
	struct node *node = *left;
	bool chains = strcmp(op->value, "and") == 0 || strcmp(op->value, "or") == 0;

	if (!chains || node->kind != NODE_OPERATOR || strcmp(node->name, op->value) != 0) {
		node = node_new(p, NODE_OPERATOR, op->at, op->value);
		if (node_add(p, node, *left) < 0)
			return -1;
	}
	*left = node;
	return node_add(p, node, right);
}

/* --- grammar ------------------------------------------------------------------------------------------ */

/* `and` and `or` may be written in capitals. */
static void
find_operator(struct parser *p)
{
	if (p->token.kind != TOKEN_NAME)
		return;
	for (size_t i = 0; i < 2; i++)
		if (text_equal_nocase(p->token.value, operators[i].name)) {
			p->token.kind = TOKEN_OPERATOR;
			p->token.value = operators[i].name;
			return;
		}
	if (strcmp(p->token.value, "in") == 0)
		p->token.kind = TOKEN_OPERATOR;
}

static int
parse_if(struct parser *p, struct node **out)
{
	struct node *item, *node = node_new(p, NODE_IF, p->token.at, "if");

	*out = node;
	do {
		if (next(p) < 0 || parse_value(p, 0, &item) < 0 || node_add(p, node, item) < 0 ||
			expect_keyword(p, "then", "then") < 0 || parse_value(p, 0, &item) < 0 ||
			node_add(p, node, item) < 0)
			return -1;
	} while (is_keyword(p, "elseif"));
	if (expect_keyword(p, "else", "elseif or else") < 0 || parse_value(p, 0, &item) < 0 ||
		node_add(p, node, item) < 0)
		return -1;
	return expect_keyword(p, "endif", "endif");
}

static int
parse_arguments(struct parser *p, struct node *call)
{
	struct node *item;

	if (next(p) < 0)
		return -1;
	if (p->token.kind == TOKEN_CLOSE)
		return next(p);
	for (;;) {
		if (parse_value(p, 0, &item) < 0 || node_add(p, call, item) < 0)
			return -1;
		if (p->token.kind == TOKEN_CLOSE)
			return next(p);
		if (p->token.kind != TOKEN_COMMA)
			return fail(p, p->token.at, ", or ) or an operator");
		if (next(p) < 0)
			return -1;
	}
}

/* The words that are values. Flowfile has no null but Python's None, which gets through. */
static const struct {
	const char *word;
	enum node_kind kind;
} words[] = {
	{"true", NODE_BOOL},
	{"false", NODE_BOOL},
	{"null", NODE_NULL},
	{"none", NODE_NULL},
};

static int
parse_name(struct parser *p, struct node **out)
{
	struct token name = p->token;

	if (is_keyword(p, "if"))
		return parse_if(p, out);
	if (is_any_keyword(p))
		return is_keyword(p, "then") || is_keyword(p, "elseif") || is_keyword(p, "else") ||
				is_keyword(p, "endif")
			? fail(p, name.at, "a value")
			: formula_error(p->lexer.text, name.at, p->err,
				  "%s is written in small letters", name.value);
	if (next(p) < 0)
		return -1;
	if (p->token.kind == TOKEN_OPEN) {
		*out = node_new(p, NODE_CALL, name.at, name.value);
		return parse_arguments(p, *out);
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (text_equal_nocase(name.value, words[i].word)) {
			*out = node_new(p, words[i].kind, name.at, words[i].word);
			return 0;
		}
	return formula_error(p->lexer.text, name.at, p->err,
		"%.40s is no value: a column is [%.40s], a text \"%.40s\", a call %.40s(...)",
		name.value, name.value, name.value, name.value);
}

static int
parse_parentheses(struct parser *p, struct node **out)
{
	size_t at = p->token.at;

	if (next(p) < 0 || parse_value(p, 0, out) < 0)
		return -1;
	if (p->token.kind == TOKEN_CLOSE)
		return next(p);
	if (p->token.kind == TOKEN_END)
		return formula_error(p->lexer.text, at, p->err, "this ( is not closed");
	return fail(p, p->token.at, ") or an operator");
}

/* The minus before a number is its sign; before anything else it calls negation(). It binds closer than any operator. */
static int
parse_minus(struct parser *p, struct node **out)
{
	size_t at = p->token.at;
	struct node *item;

	if (next(p) < 0 || parse_value(p, UINT32_MAX, &item) < 0)
		return -1;
	if ((item->kind == NODE_INT || item->kind == NODE_FLOAT) && item->name[0] != '-') {
		item->name = arena_printf(p->lexer.a, "-%s", item->name);
		item->at = at;
		*out = item;
		return 0;
	}
	*out = node_new(p, NODE_CALL, at, "negation");
	return node_add(p, *out, item);
}

static int
parse_operand(struct parser *p, struct node **out)
{
	static const struct {
		enum token_kind token;
		enum node_kind node;
	} literals[] = {
		{TOKEN_INT, NODE_INT},
		{TOKEN_FLOAT, NODE_FLOAT},
		{TOKEN_TEXT, NODE_TEXT},
		{TOKEN_COLUMN, NODE_COLUMN},
	};

	for (size_t i = 0; i < ARRAY_LEN(literals); i++)
		if (p->token.kind == literals[i].token) {
			*out = node_new(p, literals[i].node, p->token.at, p->token.value);
			return next(p);
		}
	if (p->token.kind == TOKEN_NAME)
		return parse_name(p, out);
	if (p->token.kind == TOKEN_OPEN)
		return parse_parentheses(p, out);
	if (p->token.kind == TOKEN_OPERATOR && strcmp(p->token.value, "-") == 0)
		return parse_minus(p, out);
	return fail(p, p->token.at, "a value");
}

/* A value of operators that bind at least as close as the level. */
static int
parse_value(struct parser *p, unsigned level, struct node **out)
{
	struct token op;
	struct node *right;

	if (++p->depth > FORMULA_DEPTH_MAX)
		return formula_error(p->lexer.text, p->token.at, p->err,
			"there are more than %d values in each other", FORMULA_DEPTH_MAX);
	if (parse_operand(p, out) < 0)
		return -1;
	for (;;) {
		find_operator(p);
		op = p->token;
		if (op.kind != TOKEN_OPERATOR || operator_level(op.value) < level)
			break;
		if (next(p) < 0 || parse_value(p, operator_level(op.value) + 1, &right) < 0 ||
			node_join(p, &op, out, right) < 0)
			return -1;
	}
	p->depth--;
	return 0;
}

int
formula_parse(const char *text, struct arena *a, struct node **out, struct err *err)
{
	struct parser p = {.lexer = {.text = text, .a = a}, .err = err};

	if (strlen(text) > FORMULA_TEXT_MAX)
		return err_set(err, ERR_USAGE, "a formula has at most %d bytes, this has %zu",
			FORMULA_TEXT_MAX, strlen(text));
	if (!text_is_utf8(text, strlen(text)))
		return err_set(err, ERR_USAGE, "a formula is UTF-8, this is not");
	if (next(&p) < 0)
		return -1;
	if (p.token.kind == TOKEN_END)
		return err_set(err, ERR_USAGE, "the formula is empty");
	if (parse_value(&p, 0, out) < 0)
		return -1;
	if (p.token.kind == TOKEN_CLOSE)
		return formula_error(text, p.token.at, err, "this ) closes nothing");
	if (p.token.kind != TOKEN_END)
		return fail(&p, p.token.at, "an operator");
	return 0;
}
