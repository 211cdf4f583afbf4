/*
 * JSON. Reading is cJSON's; writing is ours, because order, number forms and escaping are part of
 * the wire format (contract 5.1): compact, UTF-8 as it is, fields in the order they are written.
 */
#ifndef FF_BASE_JSON_H
#define FF_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 32

/* A writer onto a buffer. Commas are put by itself. */
struct json {
	struct buf *out;
	int depth;
	bool some[JSON_DEPTH_MAX]; /* whether this level has an element already */
	bool key; /* a key was just written */
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j);
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_string(struct json *j, const char *s); /* NULL gives null; bad UTF-8 becomes U+FFFD */
/* The same for bytes that may have a NUL among them, and only be the end of a text. */
void json_string_n(struct json *j, const char *s, size_t len);
void json_int(struct json *j, int64_t v);
void json_double(struct json *j, double v); /* as Python's repr: shortest; NaN and Inf: null */
void
json_put_double(struct buf *out, double v); /* the same, without a document; only finite ones */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j, const char *text); /* one whole value, as JSON already */
void json_time(struct json *j, int64_t us); /* the API's form; null for TIME_NONE */

/* key and value in one call */
void json_kv_string(struct json *j, const char *key, const char *s);
void json_kv_int(struct json *j, const char *key, int64_t v);
void json_kv_int_or_null(struct json *j, const char *key, int64_t v, int64_t none);
void json_kv_double(struct json *j, const char *key, double v);
void json_kv_bool(struct json *j, const char *key, bool v);
void json_kv_time(struct json *j, const char *key, int64_t us);
void json_kv_null(struct json *j, const char *key);

#endif
