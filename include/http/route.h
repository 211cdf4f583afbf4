/*
 * Routes: the one table from which routing, checking of parameters, roles, GET /openapi.json and the API's page
 * of the documentation come.
 *
 * A route names what it takes (fields) and what it gives (a shape); its handler sees only checked values. Handlers
 * run in the worker's thread, one at a time, on a catalog of their own, and answer by writing JSON.
 */
#ifndef FF_HTTP_ROUTE_H
#define FF_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "http/server.h"

/* --- what a route takes ---------------------------------------------------------------------------- */

enum field_place { IN_PATH, IN_QUERY, IN_BODY };

enum field_kind {
	FIELD_INT,
	FIELD_BOOL,
	FIELD_STRING,
	FIELD_ENUM, /* one of `values` */
	FIELD_INTS, /* a list of integers */
	FIELD_STRINGS, /* a list of strings */
	FIELD_LISTS, /* a list of lists of anything */
	FIELD_OBJECT, /* of `members`, or of anything without them */
	FIELD_OBJECTS, /* a list of such */
	FIELD_MAPS, /* a list of objects whose values are strings */
	FIELD_DATETIME, /* wall microseconds in value.i */
	FIELD_JSON /* anything: the handler looks into call_json() */
};

struct field {
	const char *name;
	enum field_place place;
	enum field_kind kind;
	bool required;
	bool nullable; /* null is taken; it is told from an absent one by call_is_null() */
	int64_t preset; /* INT, BOOL: when absent */
	bool has_min, has_max;
	int64_t min, max; /* INT: of the number; lists: of their length */
	const char *const *values; /* ENUM: NULL-terminated */
	const struct field *members; /* OBJECT, OBJECTS: until one without a name */
	bool body_optional; /* BODY: there may be none at all; else {} is the least */
};

/* An id that nobody has: what a number out of the range of ids is read as, in a field named "id" or "..._id". In a query
 * and a body 0 is one, too: ID_NONE stands for an id that was not given. */
#define ID_NOBODY INT64_C(-2)

/* --- what it gives ------------------------------------------------------------------------------------ */

/* One member of an object, in the order of the wire. type: "integer", "string", "boolean", "number", "datetime", "any",
 * the name of a shape, or any of these in brackets for a list. */
struct member {
	const char *name, *type;
	bool nullable;
};

struct shape {
	const char *name;
	const struct member *members; /* until one without a name */
};

/* --- routes --------------------------------------------------------------------------------------------- */

enum route_auth {
	AUTH_NONE,
	AUTH_USER, /* contract 5: J */
	AUTH_ANY /* contract 5: A: also the internal token */
};

struct call;

/*
 * 0: answered, what was written is the body. -1: err says why, see call_fail(). CALL_WAIT: again later. CALL_QUERY: call_query_begin()
 * and call_query_end() say what a process of its own is to find out.
 */
#define CALL_WAIT 1
#define CALL_QUERY 2
typedef int (*route_handler)(struct call *c);

struct route {
	const char *method; /* "GET" */
	const char *path; /* "/catalog/flows/{id}": also served under /api */
	enum route_auth auth;
	int success; /* status */
	const struct field *fields; /* until one without a name; NULL: none */
	const char *response; /* type as in struct member, or a media type: a text; NULL: no body */
	route_handler handler;
	const char *summary; /* for the documentation */
	bool ours; /* not Flowfile's */
	bool local; /* answered in the server's thread, without the catalog: c->cat is NULL */
};

/* A file's routes and shapes; a list of them is routes.c's. */
struct route_set {
	const char *tag;
	const struct route *routes; /* until one without a method */
	const struct shape *shapes; /* until one without a name; may be NULL */
};
extern const struct route_set *const route_sets[]; /* NULL-terminated */

/* --- calls ------------------------------------------------------------------------------------------------ */

/* Who asks. */
struct identity {
	int64_t user_id;
	const char *username;
	bool admin;
	bool internal; /* by the internal token */
	bool restricted; /* contract 6.4: sees only what is theirs or shared with them */
};

struct value {
	bool given; /* there at all, if only as null */
	bool null;
	int64_t i; /* INT, BOOL, DATETIME */
	const char *s; /* STRING, ENUM */
	const void *json; /* cJSON of lists, objects and JSON; borrowed from the call */
};

struct api_context;

struct call {
	const struct api_context *api; /* what the daemon knows; see api.h */
	struct catalog *cat; /* user_id is the asker's */
	const struct http_request *request;
	const struct route *route;
	struct identity who;
	struct arena *a; /* of the call */
	struct value *values; /* in the order of route->fields */
	void *body; /* cJSON */

	/* the answer */
	int status; /* route->success unless the handler changes it */
	struct buf out;
	struct json j; /* onto out */
	const char *content_type; /* NULL: application/json */
	struct buf headers; /* lines, each with "\r\n" */
	struct err err;
	int error_status; /* 0: by the code of err */
	bool raw_error; /* out holds the error's body */

	/* CALL_WAIT: kept until the next try */
	int64_t wait_id;
	int64_t waited_ms;

	/* CALL_QUERY */
	struct buf question;
	struct json question_json;
	route_handler then; /* goes on with the result; NULL: that is the answer */
	const char *result; /* JSON */

	/* set: the connection goes on as a stream of this kind, see streams.h */
	int stream;
	int64_t stream_id, stream_offset;
};

/* Values by the field's name; it is a bug to ask for one the route does not take. */
const struct value *call_value(const struct call *c, const char *name);
int64_t call_int(const struct call *c, const char *name); /* the preset when absent, 0 when null */
bool call_bool(const struct call *c, const char *name);
const char *call_string(const struct call *c, const char *name); /* NULL when absent or null */
bool call_given(const struct call *c, const char *name); /* and not null */

/*
 * Begins a question to a query child (src/cli/query.h): "what" names a kind of it there. Further members are written into the returned JSON; end
 * returns CALL_QUERY. The result is the answer, or then() writes it, with c->result and what else the call has.
 */
struct json *call_query_begin(struct call *c, const char *what);
int call_query_end(struct call *c, route_handler then);

/* {"detail": text}, in place of what was written. */
void call_detail(struct call *c, const char *text);
/* Sets the error whose text is the API's detail; returns -1. */
int
call_fail(struct call *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The status of an error of the catalog. */
int call_error_status(const struct err *err);
/* "Name: value" onto the answer. */
void call_header(struct call *c, const char *name, const char *value);

/* Finds the route. 0; 404; 405 with the methods there are in allow; 307 with where in allow. *captures: values of the
 * path's parameters, still escaped, in the arena. */
int route_find(const struct http_request *r, struct arena *a, const struct route **route,
	const char ***captures, const char **allow);

/* The number of an element of an INTS list that was checked: it may be a text or a boolean. */
int64_t param_int(const void *element);

/* Checks what the request brings and fills c->values. False: the error's body is in c->out; its status is
 * c->error_status, or 422. */
bool params_read(struct call *c, const char *const *captures);

/* "%41" decoded, in the arena; '+' is a blank in a query. What is no escape stays, what is no UTF-8 becomes U+FFFD. NULL
 * when there is a NUL in it. */
const char *url_decode(struct arena *a, const char *s, size_t len, bool is_query);

#endif
