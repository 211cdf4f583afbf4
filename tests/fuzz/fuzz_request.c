/*
 * A request against the router and the fields of a route, without a catalog: line 1 the method, line 2 the target,
 * then headers until an empty line, then the body. The first byte picks the route whose fields are checked when
 * the target is none's. Complaints must be JSON.
 */
#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/http/worker.h"
#include "base/mem.h"
#include "fuzz.h"

#define HEADERS 16

static const struct route *
pick_route(size_t n)
{
	size_t total = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; route_sets[i]; i++)
			for (const struct route *r = route_sets[i]->routes; r->method; r++) {
				if (pass == 0)
					total++;
				else if (n-- == 0)
					return r;
			}
		n = pass == 0 ? n % total : n;
	}
	return NULL;
}

/* The next line of the text, ended; NULL when there is none. */
static char *
take_line(char **p, char *end)
{
	char *line = *p, *stop;

	if (line >= end)
		return NULL;
	stop = memchr(line, '\n', (size_t)(end - line));
	*p = stop ? stop + 1 : end;
	if (stop)
		*stop = '\0';
	return line;
}

static void
read_headers(struct http_request *r, char **p, char *end)
{
	char *line, *colon;

	r->headers = arena_array(&r->arena, HEADERS, sizeof(*r->headers));
	while ((line = take_line(p, end)) && *line && r->n_headers < HEADERS) {
		if (!(colon = strchr(line, ':')))
			continue;
		*colon = '\0';
		r->headers[r->n_headers++] = (struct http_header){line, colon + 1};
	}
}

static void
read_body(struct http_request *r, const char *p, const char *end)
{
	r->body_len = (size_t)(end - p);
	r->body = xcalloc(1, r->body_len + 1);
	memcpy(r->body, p, r->body_len);
	r->has_body = r->body_len > 0;
}

static void
read_target(struct http_request *r, char *target)
{
	char *mark;

	r->target = target;
	r->path = arena_strdup(&r->arena, target);
	if ((mark = strchr(r->path, '?'))) {
		*mark = '\0';
		r->query = mark + 1;
	}
}

static void
check_complaint(struct call *c)
{
	cJSON *got;

	if (strlen(c->request->body) != c->request->body_len)
		return;
	got = cJSON_Parse(buf_str(&c->out));
	assert(!buf_failed(&c->out));
	assert(cJSON_HasObjectItem(got, "detail"));
	cJSON_Delete(got);
}

int
FUZZ_TARGET(request)(const uint8_t *data, size_t size)
{
	struct http_request *r = xcalloc(1, sizeof(*r));
	struct api_job *job = api_job_new(r);
	struct call *c = &job->call;
	const char **captures = NULL, *extra = NULL;
	char *text, *p, *end, *method, *target;

	text = arena_alloc(&r->arena, size + 1);
	memcpy(text, data, size);
	end = text + size;
	p = text + (size > 0);
	if ((method = take_line(&p, end)) && (target = take_line(&p, end))) {
		r->method = method;
		read_target(r, target);
		read_headers(r, &p, end);
		read_body(r, p, end);
		if (route_find(r, c->a, &c->route, &captures, &extra) != 0) {
			c->route = pick_route(data[0]);
			captures = arena_array(c->a, 4, sizeof(*captures));
			for (int i = 0; i < 4; i++)
				captures[i] = target;
		}
		url_decode(c->a, target, strlen(target), true);
		if (!params_read(c, captures))
			check_complaint(c);
	} else {
		r->body = xstrdup("");
	}
	api_job_free(job);
	return 0;
}
