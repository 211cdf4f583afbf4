/* What handlers use of a call. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/route.h"

const struct value *
call_value(const struct call *c, const char *name)
{
	const struct field *f = c->route->fields;
	size_t i = 0;

	while (f[i].name && strcmp(f[i].name, name) != 0)
		i++;
	assert(f[i].name);
	return &c->values[i];
}

int64_t
call_int(const struct call *c, const char *name)
{
	const struct value *v = call_value(c, name);

	return v->null ? 0 : v->i;
}

bool
call_bool(const struct call *c, const char *name)
{
	return call_int(c, name) != 0;
}

const char *
call_string(const struct call *c, const char *name)
{
	const struct value *v = call_value(c, name);

	return v->null ? NULL : v->s;
}

bool
call_given(const struct call *c, const char *name)
{
	const struct value *v = call_value(c, name);

	return v->given && !v->null;
}

#define QUESTION_MAX (16 * 1024 * 1024)

struct json *
call_query_begin(struct call *c, const char *what)
{
	struct json *j = &c->question_json;

	buf_init(&c->question, QUESTION_MAX);
	json_init(j, &c->question);
	json_object(j);
	json_kv_string(j, "what", what);
	json_kv_int(j, "user_id", c->who.user_id);
	json_kv_bool(j, "restricted", c->who.restricted);
	return j;
}

int
call_query_end(struct call *c, route_handler then)
{
	json_object_end(&c->question_json);
	c->then = then;
	if (buf_failed(&c->question))
		return call_fail(c, 413, "The query is too long");
	return CALL_QUERY;
}

void
call_detail(struct call *c, const char *text)
{
	buf_reset(&c->out);
	json_init(&c->j, &c->out);
	json_object(&c->j);
	json_kv_string(&c->j, "detail", text);
	json_object_end(&c->j);
}

int
call_fail(struct call *c, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->err.text, sizeof(c->err.text), fmt, ap);
	va_end(ap);
	c->err.code = ERR_FAILED;
	c->error_status = status;
	return -1;
}

int
call_error_status(const struct err *err)
{
	switch (err->code) {
	case ERR_USAGE:
		return 422;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_BUSY:
	case ERR_LOST:
	case ERR_UNKNOWN:
		return 503;
	default:
		return 500;
	}
}

/* What is not written by us is cut at the first byte that could end the line. */
void
call_header(struct call *c, const char *name, const char *value)
{
	buf_puts(&c->headers, name);
	buf_puts(&c->headers, ": ");
	buf_add(&c->headers, value, strcspn(value, "\r\n"));
	buf_puts(&c->headers, "\r\n");
}
