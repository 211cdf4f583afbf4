/* Inside of the formula language: tokens and the tree that a text becomes. All of it lives in the arena of one translation. */
#ifndef FF_FLOW_FORMULA_TREE_H
#define FF_FLOW_FORMULA_TREE_H

#include <stdarg.h>

#include "flow/formula.h"

/* --- tokens --- */

enum token_kind {
	TOKEN_END,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_TEXT,
	TOKEN_COLUMN,
	TOKEN_NAME, /* a function's, or a word of the language */
	TOKEN_OPERATOR,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
};

struct token {
	enum token_kind kind;
	size_t at; /* its first byte in the text */
	const char *
		value; /* a text without quotes and escapes, a column without brackets, else what stands there */
};

struct lexer {
	const char *text;
	size_t pos;
	struct arena *a;
};

int token_next(struct lexer *l, struct token *out, struct err *err);

/* "column 12: ", then the message. Returns -1. */
int formula_error(const char *text, size_t at, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- tree --- */

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_TEXT,
	NODE_COLUMN,
	NODE_CALL,
	NODE_OPERATOR, /* two operands; "and" and "or" any number */
	NODE_IF, /* condition, value, condition, value, ..., the value otherwise */
};

struct node {
	enum node_kind kind;
	size_t at;
	unsigned height; /* of the tree below; at most FORMULA_DEPTH_MAX */
	const char *
		name; /* of a column, function or operator; the value of a text, number (with its sign) or true/false */
	struct node **items;
	size_t n;
};

/* The operators, and how close each binds: 0 for what is none. */
unsigned operator_level(const char *name);

int formula_parse(const char *text, struct arena *a, struct node **out, struct err *err);

#endif
