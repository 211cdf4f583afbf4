/* Prints doc/api.md out of the table of routes. `make api-page` writes it, test_api_page.sh compares. */
#include <stdio.h>
#include <string.h>

#include "http/route.h"

static const char preface[] =
	"# The API\n"
	"\n"
	"Written from the table of routes by `make api-page`. Paths under `/catalog` are "
	"Flowfile's, "
	"also under\n"
	"`/api/catalog`; `GET /openapi.json` says the same for programs. See "
	"[credentials.md](credentials.md) for who\n"
	"may ask, [live.md](live.md) for the streams and [metrics.md](metrics.md) for the figures. "
	"A "
	"type with `?` may be\n"
	"null, one in brackets is a list. Times are UTC, without a zone: `2026-05-25T10:00:00`, "
	"with "
	"six digits of a fraction\n"
	"where there is one. A body is JSON, and says so: `Content-Type: application/json`.\n"
	"\n"
	"An error is `{\"detail\": \"a text\"}`. 404: it is not there. 409: it is busy, taken, or "
	"was "
	"changed meanwhile. 422: a\n"
	"rule forbids it; where a parameter is no such value at all, `detail` is a list with an "
	"object "
	"for each that is wrong,\n"
	"`{\"type\", \"loc\", \"msg\", \"input\"}`. 503: the catalog is away or busy, come again. "
	"504: no "
	"scheduler leads, or it did\n"
	"not answer within 10 seconds; what was asked for is kept, and done when one does. "
	"[queries.md](queries.md)\n"
	"is on what reads the data of tables, its limits and its errors.\n";

static const char *
kind_name(const struct field *f)
{
	static const char *const names[] = {
		[FIELD_INT] = "integer",
		[FIELD_BOOL] = "boolean",
		[FIELD_STRING] = "string",
		[FIELD_ENUM] = "one of",
		[FIELD_INTS] = "[integer]",
		[FIELD_STRINGS] = "[string]",
		[FIELD_LISTS] = "[list]",
		[FIELD_OBJECT] = "object",
		[FIELD_OBJECTS] = "[object]",
		[FIELD_MAPS] = "[object]",
		[FIELD_DATETIME] = "datetime",
		[FIELD_JSON] = "any",
	};

	return names[f->kind];
}

static void
print_fields(const struct field *f, enum field_place place, const char *title)
{
	bool some = false;

	for (; f && f->name; f++) {
		if (f->place != place)
			continue;
		printf("%s`%s` %s", some ? ", " : title, f->name, kind_name(f));
		for (size_t i = 0; f->kind == FIELD_ENUM && f->values[i]; i++)
			printf("%s`%s`", i ? "/" : " ", f->values[i]);
		if (f->has_min && f->has_max)
			printf(" %lld..%lld", (long long)f->min, (long long)f->max);
		else if (f->has_min)
			printf(" from %lld", (long long)f->min);
		if (f->required)
			printf(" (required)");
		else if (f->kind == FIELD_BOOL && !f->nullable)
			printf(" (%s)", f->preset ? "true" : "false");
		else if (f->kind == FIELD_INT && f->preset)
			printf(" (%lld)", (long long)f->preset);
		some = true;
	}
	if (some)
		puts(".");
}

static void
print_route(const struct route *r)
{
	static const char *const who[] = {[AUTH_NONE] = "anybody",
		[AUTH_USER] = "a user",
		[AUTH_ANY] = "a user or a service"};

	printf("\n### %s %s\n\n%s. For %s; answers %d", r->method, r->path, r->summary,
		who[r->auth], r->success);
	if (r->response)
		printf(" with `%s`", r->response);
	printf(".%s\n", r->ours ? " Not Flowfile's." : "");
	print_fields(r->fields, IN_QUERY, "Query: ");
	print_fields(r->fields, IN_BODY, "Body: ");
}

static void
print_shape(const struct shape *s)
{
	printf("\n### %s\n\n", s->name);
	for (const struct member *m = s->members; m->name; m++)
		printf("%s`%s` %s%s", m == s->members ? "" : ", ", m->name, m->type,
			m->nullable ? "?" : "");
	puts(".");
}

int
main(void)
{
	fputs(preface, stdout);
	for (size_t i = 0; route_sets[i]; i++) {
		printf("\n## %s\n", route_sets[i]->tag);
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			print_route(r);
	}
	puts("\n## Shapes");
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct shape *s = route_sets[i]->shapes; s && s->name; s++)
			print_shape(s);
	return 0;
}
