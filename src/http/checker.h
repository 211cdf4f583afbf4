/* One value after another of a request against what its field takes. What does not fit is written to the call's answer, in
 * the form and the words of contract 5.1. */
#ifndef FF_HTTP_CHECKER_H
#define FF_HTTP_CHECKER_H

#include <cjson/cJSON.h>

#include "http/route.h"

#define CHECKER_DEPTH_MAX 8

struct step {
	const char *name; /* NULL: an index */
	int index;
};

/* Of one request. */
struct checker {
	struct call *c;
	int found;
	struct step loc[CHECKER_DEPTH_MAX]; /* of what is being checked */
	int depth;
};

/* Into a member, or with name NULL an element of a list, and out again: where complaints say that they are. */
void checker_enter(struct checker *k, const char *name, int index);
void checker_leave(struct checker *k);

/* Opens one complaint, up to its input: what follows is the input, perhaps more members, and the end of the object. */
struct json *checker_complain(struct checker *k, const char *type, const char *msg);
/* The input is what the value is missing from. */
void checker_complain_missing(struct checker *k, const cJSON *object);
/* That it is no object, given as text or as JSON. */
void checker_complain_model(struct checker *k, const char *text, const cJSON *item);

/* From the path or the query; NULL: there was a NUL in it. */
void checker_take_text(struct checker *k, const struct field *f, const char *s, struct value *v);
void
checker_take_json(struct checker *k, const struct field *f, const cJSON *item, struct value *v);

#endif
