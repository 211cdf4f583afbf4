/* Inside of the formula language: values while they become SQL. */
#ifndef FF_FLOW_FORMULA_VALUE_H
#define FF_FLOW_FORMULA_VALUE_H

#include "formula_tree.h"

/* One translation: what it reads, and where its SQL lives. */
struct translation {
	const char *text;
	const struct columns *columns;
	struct arena *a;
	struct err *err;
};

struct value {
	const char *sql; /* an operand that needs no parentheses */
	enum type_class type;
	const struct node *node; /* where it stands, and what is written there */
};

/* "a text", for messages. */
const char *type_described(enum type_class type);
/* Whether a value of the type may stand where one of the others is wanted, as far as is known. */
bool type_fits(enum type_class type, unsigned types);
#define TYPE_BIT(type) (1u << (type))
#define TYPES_NUMBER (TYPE_BIT(TYPE_INT) | TYPE_BIT(TYPE_FLOAT) | TYPE_BIT(TYPE_DECIMAL))
#define TYPES_DAY (TYPE_BIT(TYPE_DATE) | TYPE_BIT(TYPE_DATETIME))

/* Replaces a NULL without a type by one of this type. */
void value_type_null(struct value *v, enum type_class type);
/* As Polars writes it. */
void value_to_text(struct translation *t, struct value *v);
/* true and false as 1 and 0; others stay. */
void value_to_number(struct translation *t, struct value *v);
/*
 * Gives values one type that holds all: numbers, dates with times, and text when text is among them and mixing is allowed.
 */
int values_unite(
	struct translation *t, struct value *values, size_t n, bool mix_text, enum type_class *out);
/* The remainder of $1 by $2 with the sign of $2, as Polars calculates it; the type is what holds both. */
const char *remainder_sql(enum type_class type);
/* Fails when they are of types that have no order in common; makes numbers of true and false beside numbers. */
int values_compare(struct translation *t, struct value *left, struct value *right);

/* $1 to $9: those values; $*: all of them, with commas; $|: all of them, joined as text. */
int sql_expand(struct translation *t, const char *sql, const struct value *values, size_t n,
	const char **out);

/* What was written to the buffer, which it frees, in the arena; fails when that is too long. */
int sql_take(struct translation *t, struct buf *b, const char **out);

/* An error at the node. */
int value_error(struct translation *t, const struct node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- what the modules give each other --- */

int node_translate(struct translation *t, const struct node *node, struct value *out);
/* Calls the function with values that are translated already. */
int function_call(struct translation *t, const char *name, const struct node *call,
	struct value *values, size_t n, struct value *out);

/* The formats of dates, as Polars has them (chrono's), and the lengths of time "1mo", "15m". */
int format_write(struct translation *t, const struct value *date, const struct value *format,
	const char **sql);
/* A list of formats for the engine's try_strptime(). */
int format_read(struct translation *t, const struct value *format, const char **sql);
int truncate_to(struct translation *t, const struct value *date, const struct value *unit,
	const char **sql);

#endif
