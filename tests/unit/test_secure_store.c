/* Fernet tokens, by the vectors of their specification, and the store that Flowfile keeps its secrets in. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/http/fernet.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/secure_store.h"

#define KEY "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
#define HELLO                                                                                      \
	"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_"                                            \
	"eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="

/* --- tokens ---------------------------------------------------------------------------------------------- */

START_TEST(a_token_is_opened_by_its_key)
{
	struct err err = ERR_INIT;
	size_t len = 0;
	char *text = fernet_open(KEY, HELLO, &len, &err);

	ck_assert_msg(text != NULL, "%s", err.text);
	ck_assert_str_eq(text, "hello");
	ck_assert_uint_eq(len, 5);
	free(text);
}
END_TEST

/* Those of the specification, and three of ours: of another version, of another key, cut off. */
static const struct {
	const char *key, *token, *why;
} invalid[] = {
	{KEY,
		"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-"
		"szkFVzXTuGb4hR8AKtwcaX1Ydyk"
		"QUFBQUFBQUFBQQ==",
		"its signature is not by this key"},
	{KEY, "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", "too short"},
	{KEY,
		"%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-"
		"szkFVzXTuGb4hR8AKtwcaX1Ydyk"
		"RtfsH-p1YsUD2Q==",
		"not base64url"},
	{KEY,
		"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-"
		"fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx"
		"_v7mrfyudzUm",
		"too short"},
	{KEY,
		"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-"
		"JkLPIpuiYRLQ3RtXatOYREu2FWke6C"
		"nJNYIbkuKNqOhw==",
		"it cannot be decrypted"},
	{KEY,
		"gQAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLKY7covSkDHw9ma-418Z5yfJ0bAi-"
		"R_"
		"TUVpW6VSXlO8JA==",
		"no Fernet token of version 128"},
	{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", HELLO, "its signature is not by this key"},
	{KEY, "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrh",
		"a part of it is missing"},
	{KEY, "", "no Fernet token"},
	{KEY, "====", "no Fernet token"},
	{KEY, "AA=A", "no Fernet token"},
	{"", HELLO, "its key is not 32 bytes"},
	{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", HELLO, "its key is not 32 bytes"},
	{"not a key", HELLO, "its key is not 32 bytes"},
};

START_TEST(any_other_is_refused)
{
	struct err err = ERR_INIT;
	size_t len = 0;

	ck_assert_ptr_null(fernet_open(invalid[_i].key, invalid[_i].token, &len, &err));
	ck_assert_msg(
		strstr(err.text, invalid[_i].why) != NULL, "%s, not %s", err.text, invalid[_i].why);
}
END_TEST

START_TEST(a_changed_token_is_refused_wherever_it_was_changed)
{
	char *token = xstrdup(HELLO);
	size_t len = 0;

	/* Not its last digit: two bits of that are nobody's. */
	for (size_t i = 0; i + 3 < strlen(token); i++) {
		token[i] = token[i] == 'A' ? 'B' : 'A';
		ck_assert_ptr_null(fernet_open(KEY, token, &len, NULL));
		token[i] = HELLO[i];
	}
	free(token);
}
END_TEST

/* --- the store --------------------------------------------------------------------------------------------- */

/* {"jwt_secret": "a secret of 32 characters or more", "internal_token": "internal-token-of-the-services",
 * "master_key": "m"} */
#define BOTH                                                                                       \
	"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODz3BqeWORjR1MBLMG2MQV5NcILcOIj630IqQiisdcmy4BjR8-Z5-UKi4" \
	"YS1EjP6goURCV8MpCVsT3c-mza6yPITh5a2HZ8yZaVq3Uz3YmvylZKPKMcp7cp0IAZ61lwfrmyejeXGF6h48z_Vn" \
	"OoqrOnzHGhEksKH4MJ6mopseteq4hJfHPQH5hOltiatr1vtrDWW4CtDCol7JywyjoKHwGzA="
/* {"jwt_secret": "another secret, which is as long as it"} */
#define ANOTHER                                                                                    \
	"gAAAAAAdwJ6wEBESExQVFhcYGRobHB0eHxVo-IlJJJETA4hQndX4cm6XQ0kq_bG-MXHouApdz2M0fevA4xZDrwC0" \
	"GtMVX3kfEi8EwVMAVZfxGyzWQd3bYEQ_B0PFTChqkx6wibYGB51yUPsECvnFRbeOzCMKFNUPYA=="
/* [1] */
#define LIST                                                                                       \
	"gAAAAAAdwJ6wICEiIyQlJicoKSorLC0uL9x3x8bbEADm9XKi5Mim5M68GF14U6WTOHRtgmionKAFdFsRzcmQumM3" \
	"gLrDE0Y-Tg=="

static char dir[64];

static void
put(const char *name, const char *text)
{
	char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	ck_assert_msg(file_write_atomic(path, text, strlen(text), 0600, &err) == 0, "%s", err.text);
	free(path);
}

static void
drop(const char *name)
{
	char *path = path_join(dir, name);

	unlink(path);
	free(path);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/flowfile-test-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	log_set_level(LOG_ERROR_LEVEL);
}

static void
teardown(void)
{
	drop("flowfile.json.enc");
	drop(".secret_key");
	rmdir(dir);
}

static void
cannot_be_read(const char *why)
{
	struct secure_secrets secrets;
	struct err err = ERR_INIT;

	ck_assert_int_eq(secure_store_read(dir, &secrets, &err), -1);
	ck_assert_msg(strstr(err.text, why) && strstr(err.text, dir), "%s, not %s", err.text, why);
	ck_assert_ptr_null(secrets.jwt_secret);
}

START_TEST(the_store_holds_both_secrets)
{
	struct secure_secrets secrets;
	struct err err = ERR_INIT;

	put(".secret_key", KEY "\n");
	put("flowfile.json.enc", BOTH);
	ck_assert_msg(secure_store_read(dir, &secrets, &err) == 0, "%s", err.text);
	ck_assert_str_eq(secrets.jwt_secret, "a secret of 32 characters or more");
	ck_assert_str_eq(secrets.internal_token, "internal-token-of-the-services");
	secure_secrets_free(&secrets);
}
END_TEST

START_TEST(what_is_wrong_with_a_store_is_said)
{
	cannot_be_read("flowfile.json.enc: No such file");
	put("flowfile.json.enc", BOTH);
	cannot_be_read(".secret_key: No such file");
	put(".secret_key", "");
	cannot_be_read("its key is not 32 bytes");
	put(".secret_key", KEY);
	put("flowfile.json.enc", "");
	cannot_be_read("flowfile.json.enc: no Fernet token");
	put("flowfile.json.enc", "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODz3B");
	cannot_be_read("flowfile.json.enc: too short");
	put(".secret_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	put("flowfile.json.enc", BOTH);
	cannot_be_read("flowfile.json.enc: its signature is not by this key");
	put(".secret_key", KEY);
	put("flowfile.json.enc", LIST);
	cannot_be_read("flowfile.json.enc: there is no JSON object in it");
}
END_TEST

START_TEST(a_store_that_changes_is_read_again)
{
	struct secure_store *s = secure_store_new(dir);

	ck_assert_ptr_null(secure_store_get(s)->jwt_secret);
	put("flowfile.json.enc", BOTH);
	ck_assert_ptr_null(secure_store_get(s)->jwt_secret);
	put(".secret_key", KEY);
	ck_assert_pstr_eq(secure_store_get(s)->jwt_secret, "a secret of 32 characters or more");
	put("flowfile.json.enc", ANOTHER);
	ck_assert_pstr_eq(
		secure_store_get(s)->jwt_secret, "another secret, which is as long as it");
	ck_assert_ptr_null(secure_store_get(s)->internal_token);
	/* Nobody is let in by what was there before. */
	put("flowfile.json.enc", "x");
	ck_assert_ptr_null(secure_store_get(s)->jwt_secret);
	put("flowfile.json.enc", BOTH);
	ck_assert_ptr_nonnull(secure_store_get(s)->jwt_secret);
	drop("flowfile.json.enc");
	ck_assert_ptr_null(secure_store_get(s)->jwt_secret);
	secure_store_free(s);
}
END_TEST

static const struct {
	const char *secure, *data, *home, *dir;
} places[] = {
	{"/s", "/d", "/h", "/s"},
	{"", "/d", "/h", "/d/flowfile"},
	{NULL, "", "/h", "/h/.config/flowfile"},
	{NULL, NULL, "/h", "/h/.config/flowfile"},
};

static void
set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

START_TEST(the_store_is_where_flowfile_has_it)
{
	char *found;

	set("FLOWFILE_SECURE_STORAGE_PATH", places[_i].secure);
	set("APPDATA", places[_i].data);
	set("HOME", places[_i].home);
	found = secure_store_dir();
	ck_assert_pstr_eq(found, places[_i].dir);
	free(found);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("secure store");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_token_is_opened_by_its_key);
	tcase_add_loop_test(tc, any_other_is_refused, 0, ARRAY_LEN(invalid));
	tcase_add_test(tc, a_changed_token_is_refused_wherever_it_was_changed);
	tcase_add_test(tc, the_store_holds_both_secrets);
	tcase_add_test(tc, what_is_wrong_with_a_store_is_said);
	tcase_add_test(tc, a_store_that_changes_is_read_again);
	tcase_add_loop_test(tc, the_store_is_where_flowfile_has_it, 0, ARRAY_LEN(places));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
