/* Credentials and access rules, as far as they need no catalog. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/http/access.h"
#include "../../src/http/jwt.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/auth.h"

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* --- every route ------------------------------------------------------------------------------------- */

START_TEST(every_id_that_a_route_takes_is_of_a_known_kind)
{
	const char *unknown = NULL;

	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			ck_assert_msg(access_knows(r, &unknown),
				"%s %s: access.c does not know what %s names, and refuses it to "
				"whoever is no "
				"administrator",
				r->method, r->path, unknown);
}
END_TEST

START_TEST(no_route_but_those_is_open_to_everybody)
{
	static const char *const open[] = {"/", "/healthz", "/readyz", "/metrics", "/openapi.json"};

	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++) {
			bool known = r->auth != AUTH_NONE;

			for (size_t k = 0; k < ARRAY_LEN(open); k++)
				known = known || !strcmp(r->path, open[k]);
			ck_assert_msg(known, "%s %s needs no credential", r->method, r->path);
		}
}
END_TEST

/* --- secrets ------------------------------------------------------------------------------------------- */

START_TEST(secrets_are_the_same_only_whole)
{
	ck_assert(auth_same(TOKEN, TOKEN));
	ck_assert(auth_same("", ""));
	ck_assert(!auth_same("", TOKEN));
	ck_assert(!auth_same(TOKEN, ""));
	ck_assert(!auth_same("a", "aa"));
	ck_assert(!auth_same("aa", "a"));
	ck_assert(!auth_same("ab", "ac"));
}
END_TEST

static char folder[64], path[96];

static void
setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/flowfile-test-auth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/token", folder);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(folder);
}

START_TEST(the_token_is_made_once_and_for_its_user_alone)
{
	char first[AUTH_TOKEN_SIZE], second[AUTH_TOKEN_SIZE];
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert_msg(auth_token_load(path, first, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), AUTH_TOKEN_SIZE - 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(auth_token_load(path, second, &err), 0);
	ck_assert_str_eq(first, second);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(auth_token_load(path, second, &err), -1);
	ck_assert_ptr_null(strstr(err.text, first));
}
END_TEST

static const char *const no_tokens[] = {"", "\n", "short", (TOKEN "0"), ("g" TOKEN)};

START_TEST(what_is_no_token_is_refused)
{
	char token[AUTH_TOKEN_SIZE];
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		file_write_atomic(path, no_tokens[_i], strlen(no_tokens[_i]), 0600, &err), 0);
	ck_assert_int_eq(auth_token_load(path, token, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
}
END_TEST

/* --- Flowfile's tokens ------------------------------------------------------------------------------------ */

/* {"sub":"ada","exp":2000,"type":"access"} and {"sub":"ada"}, signed by "secret-secret-secret-secret-secr". */
#define SECRET "secret-secret-secret-secret-secr"
#define ENDS                                                                                       \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                    \
	"eyJzdWIiOiJhZGEiLCJleHAiOjIwMDAsInR5cGUiOiJhY2Nlc3MifQ."                                  \
	"YskDJ6XgY8ogYncaMZXmwhq7J1h6SWaEi_Q8iakcu9M"
#define ENDLESS                                                                                    \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEifQ."                                 \
	"lQVqXdre3TGtUlPE9E5jUk9EuiojeW5s8Hq_3l-Lcj4"

START_TEST(a_token_names_its_user_until_it_ends)
{
	struct arena a = ARENA_INIT;

	ck_assert_pstr_eq(jwt_subject(ENDS, SECRET, 1999, &a), "ada");
	ck_assert_pstr_eq(jwt_subject(ENDS, SECRET, 2000, &a), NULL);
	ck_assert_pstr_eq(jwt_subject(ENDLESS, SECRET, INT64_C(1) << 40, &a), "ada");
	ck_assert_pstr_eq(jwt_subject(ENDS, "another-secret-another-secret-an", 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("..", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("a.b", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("a..c", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("a.b.c.d", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject(ENDS ".", SECRET, 1999, &a), NULL);
	ck_assert_pstr_eq(jwt_subject("=.=.=", SECRET, 1999, &a), NULL);
	arena_free(&a);
}
END_TEST

/* --- origins ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *host, *origin;
	int status;
} origins[] = {
	{"127.0.0.1:1", NULL, 0},
	{"localhost", NULL, 0},
	{"LOCALHOST:1", NULL, 0},
	{"[::1]:1", NULL, 0},
	{"10.0.0.7:1", NULL, 0},
	{"flows.example:1", NULL, 0},
	{NULL, NULL, 400},
	{"", NULL, 421},
	{"evil.example", NULL, 421},
	{"localhost.evil.example", NULL, 421},
	{"127.0.0.1.evil.example", NULL, 421},
	{"localhost:1", "http://localhost:1", 0},
	{"localhost:1", "http://localhost:2", 403},
	{"localhost:1", "null", 403},
	{"localhost:1", "", 403},
	{"localhost:1", "http://page.example", 0},
	{"localhost:1", "http://page.example.evil", 403},
	{"localhost:1", "http://any.example:77", 0},
	{"localhost:1", "http://any.example", 0},
	{"localhost:1", "http://any.example.evil:77", 403},
};

START_TEST(a_request_comes_by_a_name_and_from_a_page_that_are_known)
{
	static const char *const hosts[] = {"flows.example", NULL};
	static const char *const pages[] = {"http://page.example", "http://any.example:*", NULL};
	const struct auth_options o = {.hosts = hosts, .cors_origins = pages};
	static char host_name[] = "host", origin_name[] = "origin";
	struct http_header headers[2];
	struct http_request r = {.headers = headers};
	const char *why = NULL;
	char host[64], origin[64];

	if (origins[_i].host) {
		snprintf(host, sizeof(host), "%s", origins[_i].host);
		headers[r.n_headers++] = (struct http_header){host_name, host};
	}
	if (origins[_i].origin) {
		snprintf(origin, sizeof(origin), "%s", origins[_i].origin);
		headers[r.n_headers++] = (struct http_header){origin_name, origin};
	}
	ck_assert_int_eq(auth_check_origin(&o, &r, &why), origins[_i].status);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_id_that_a_route_takes_is_of_a_known_kind);
	tcase_add_test(tc, no_route_but_those_is_open_to_everybody);
	tcase_add_test(tc, secrets_are_the_same_only_whole);
	tcase_add_test(tc, the_token_is_made_once_and_for_its_user_alone);
	tcase_add_loop_test(tc, what_is_no_token_is_refused, 0, ARRAY_LEN(no_tokens));
	tcase_add_test(tc, a_token_names_its_user_until_it_ends);
	tcase_add_loop_test(tc, a_request_comes_by_a_name_and_from_a_page_that_are_known, 0,
		ARRAY_LEN(origins));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
