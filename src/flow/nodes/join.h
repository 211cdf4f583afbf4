/* What joins have in common: keys, and which columns of both sides go on under which names. */
#ifndef FF_FLOW_JOIN_H
#define FF_FLOW_JOIN_H

#include "nodes.h"

enum join_how {
	JOIN_INNER,
	JOIN_LEFT,
	JOIN_RIGHT,
	JOIN_FULL,
	JOIN_SEMI,
	JOIN_ANTI,
	JOIN_OUTER,
	JOIN_CROSS
};
extern const char *const join_ways[]; /* their names */

struct join {
	struct compiler *c;
	enum join_how how;
	bool keeps_keys; /* those of both sides go on, whatever is said of them */
	const char **keys[2]; /* of the left and the right input */
	const char **key_names[2]; /* what they go on as; NULL: they do not */
	size_t n_keys;
	struct columns out; /* names that are given already */
	struct buf sql;
};

/* The columns of join_mapping. */
int join_take_keys(struct join *j, const cJSON *input, struct err *err);
/* Writes the columns of the left (0) or the right (1) side, which are l and r in the statement. */
int join_add_side(struct join *j, const cJSON *input, int side, struct err *err);

#endif
