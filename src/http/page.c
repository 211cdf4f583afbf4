/* "/": what this is, and how a browser gets its cookie. */
#include <string.h>

#include "api_impl.h"
#include "routes.h"

#define POLICY "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"

#define PAGE_HEAD                                                                                  \
	"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"                            \
	"<title>flowfile_scheduler</title>\n"                                                      \
	"<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}"       \
	"</style>\n<h1>flowfile_scheduler</h1>\n"

static const char page_text[] = PAGE_HEAD
	"<p>This is the API of a scheduler for Flowfile's flows.</p>\n"
	"<ul>\n<li><a href=\"/openapi.json\">openapi.json</a>: every route</li>\n"
	"<li><a href=\"/catalog/flows\">flows</a>, <a href=\"/catalog/schedules\">schedules</a>, "
	"<a href=\"/catalog/runs\">runs</a></li>\n"
	"<li><a href=\"/readyz\">readyz</a>: whether it is of use</li>\n</ul>\n"
	"<p>A browser is let in by <code>flowfile scheduler open</code>, a program by the token in "
	"the scheduler's token file: <code>Authorization: Bearer &hellip;</code></p>\n";

static const char refused_text[] =
	PAGE_HEAD "<p>That token is not this scheduler's. Ask for the right address with "
		  "<code>flowfile scheduler open</code>.</p>\n";

/* The value of token= in a query or a form; it is hex, so that nothing is escaped. NULL: there is none. */
static const char *
given_token(struct call *c)
{
	const char *p = !strcmp(c->request->method, "POST") ? c->request->body : c->request->query;

	while (p && strncmp(p, "token=", 6) != 0) {
		p = strchr(p, '&');
		p += p != NULL;
	}
	return p ? arena_printf(c->a, "%.*s", (int)strcspn(p + 6, "&"), p + 6) : NULL;
}

/* The cookie is for this server alone, for pages of it alone, and no script sees it. */
static void
let_in(struct call *c, const char *token)
{
	call_header(c, "set-cookie",
		arena_printf(c->a, AUTH_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict", token));
	call_header(c, "location", "/");
	c->status = 303;
}

static int
get_page(struct call *c)
{
	const struct auth_options *auth = &c->api->api->options.auth;
	const char *token = given_token(c);
	bool right = token && auth->token[0] && auth_same(token, auth->token);

	c->content_type = "text/html; charset=utf-8";
	call_header(c, "content-security-policy", POLICY);
	call_header(c, "referrer-policy", "no-referrer");
	call_header(c, "x-frame-options", "DENY");
	if (right)
		let_in(c, auth->token);
	else if (token && auth->mode != AUTH_MODE_ALL)
		c->status = 401;
	buf_puts(&c->out, c->status == 401 ? refused_text : right ? "" : page_text);
	return 0;
}

static const struct route routes[] = {
	{"GET", "/", AUTH_NONE, 200, NULL, NULL, get_page,
		"What this is; with ?token= a browser gets its cookie", true, true},
	{"POST", "/", AUTH_NONE, 200, NULL, NULL, get_page, "The same, the token in a form", true,
		true},
	{0},
};

const struct route_set routes_page = {"Page", routes, NULL};
