/* Lines of headers against the checks of origins and credentials. Nothing here knows a secret, so nothing may pass. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/http/jwt.h"
#include "base/mem.h"
#include "fuzz.h"
#include "http/auth.h"

static char names[][16] = {"authorization", "cookie", "host", "origin", "x-internal-token"};

int
FUZZ_TARGET(auth)(const uint8_t *data, size_t size)
{
	static const char *const pages[] = {"http://localhost:*", "https://flows.example", NULL};
	static const char *const hosts[] = {"flows.example", NULL};
	const struct auth_options o = {
		.token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.hosts = hosts,
		.cors_origins = pages};
	struct arena a = ARENA_INIT;
	struct http_header headers[5];
	struct http_request r = {.headers = headers};
	char *text = xcalloc(1, size + 1), *p = text;
	const char *why = NULL;
	int status;

	memcpy(text, data, size);
	for (; p && r.n_headers < 5; r.n_headers++)
		headers[r.n_headers] = (struct http_header){names[r.n_headers], strsep(&p, "\n")};
	status = auth_check_origin(&o, &r, &why);
	assert(status == 0 || why);
	why = auth_cors_headers(&o, &r, &a);
	assert(!why || !strstr(why, "\n\n"));
	if (!memmem(data, size, o.token, sizeof(o.token) - 1))
		assert(!auth_has_token(&o, &r));
	if (r.n_headers > 0)
		assert(!jwt_subject(headers[0].value, "a secret that no input knows", 1, &a));
	arena_free(&a);
	free(text);
	return 0;
}
