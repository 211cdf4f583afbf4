/* The command that runs a flow: contract section 9. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "runner/command.h"

#define WORDS_MAX 8

static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ff-command-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
teardown(void)
{
	char command[128];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
make_file(const char *path, mode_t mode)
{
	struct err err = ERR_INIT;

	ck_assert_msg(file_write_atomic(path, "#!/bin/sh\n", 10, mode, &err) == 0, "%s", err.text);
}

static const struct {
	const char *template, *flow_path;
	const char *words[WORDS_MAX];
} expansions[] = {
	{COMMAND_DEFAULT, "/f/a.yaml", {"flowfile", "run", "flow", "/f/a.yaml", "--run-id", "12"}},
	{"run {flow_path}", "/f/with blank.yaml", {"run", "/f/with blank.yaml"}},
	{"run {flow_path}", "/f/{run_id}.yaml", {"run", "/f/{run_id}.yaml"}},
	{"run {flow_path}", "/f/{flow_path}", {"run", "/f/{flow_path}"}},
	{"run {flow_path}", "/f/'quoted' $HOME \\x", {"run", "/f/'quoted' $HOME \\x"}},
	{"run --id={run_id}:{run_id} 'a b'", "x", {"run", "--id=12:12", "a b"}},
	{"run '{flow_path}'{run_id}", "x", {"run", "x12"}},
	{"run {run_id", "x", {"run", "{run_id"}},
	{"run {{run_id}}", "x", {"run", "{12}"}},
	{"run {other} $X * > y | z &", "x", {"run", "{other}", "$X", "*", ">", "y", "|"}},
	{"{flow_path} -v", "prog.yaml", {"prog.yaml", "-v"}},
	{"run ''", "x", {"run", ""}},
};

START_TEST(a_template_becomes_words)
{
	struct err err = ERR_INIT;
	char **argv = command_expand(expansions[_i].template, expansions[_i].flow_path, 12, &err);
	const char *const *want = expansions[_i].words;

	ck_assert_msg(argv != NULL, "%s", err.text);
	for (int i = 0; i < WORDS_MAX - 1 && want[i] != NULL; i++)
		ck_assert_str_eq(argv[i], want[i]);
	command_free(argv);
}
END_TEST

static const struct {
	const char *template, *text;
} refused[] = {
	{"", "run command: empty"},
	{"   ", "run command: empty"},
	{"'' x", "run command: empty"},
	{"run 'x", "run command: "},
	{"run x\\", "run command: "},
};

START_TEST(a_template_that_is_none_is_refused)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(command_check(refused[_i].template, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_msg(
		strncmp(err.text, refused[_i].text, strlen(refused[_i].text)) == 0, "%s", err.text);
	ck_assert_ptr_null(command_expand(refused[_i].template, "x", 1, &err));
	ck_assert_int_eq(command_check(COMMAND_DEFAULT, &err), 0);
}
END_TEST

START_TEST(a_word_has_a_bound)
{
	struct err err = ERR_INIT;
	char *path = xmalloc(40000);

	memset(path, 'x', 39999);
	path[39999] = '\0';
	ck_assert_ptr_null(command_expand("run {flow_path}", path, 1, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	free(path);
}
END_TEST

static const struct {
	const char *name;
	mode_t mode;
	bool direct;
} flow_files[] = {
	{"job.sh", 0755, true},
	{"job", 0755, true},
	{"job.yaml.sh", 0755, true},
	{"job.sh", 0644, false},
	{"job.yaml", 0755, false},
	{"job.YML", 0755, false},
	{"job.Json", 0755, false},
	{".yaml", 0755, false},
};

START_TEST(a_program_is_run_directly)
{
	char *path = path_join(dir, flow_files[_i].name);
	struct err err = ERR_INIT;
	char **argv;

	make_file(path, flow_files[_i].mode);
	ck_assert_int_eq(command_is_direct(path), flow_files[_i].direct);
	argv = command_expand("run {flow_path}", path, 1, &err);
	ck_assert_ptr_nonnull(argv);
	ck_assert_str_eq(argv[0], flow_files[_i].direct ? path : "run");
	ck_assert_int_eq(argv[1] == NULL, flow_files[_i].direct);
	command_free(argv);
	free(path);
}
END_TEST

START_TEST(a_program_without_a_folder_is_not_sought_in_path)
{
	struct err err = ERR_INIT;
	char **argv;

	make_file("job", 0755);
	argv = command_expand("run", "job", 1, &err);
	ck_assert_str_eq(argv[0], "./job");
	command_free(argv);
}
END_TEST

START_TEST(what_is_no_program_is_not_run_directly)
{
	ck_assert_int_eq(mkdir("folder", 0755), 0);
	ck_assert(!command_is_direct("folder"));
	ck_assert(!command_is_direct("missing"));
}
END_TEST

static void
expect_resolved(const char *program, const char *want)
{
	struct err err = ERR_INIT;
	char *path = command_resolve(program, &err);

	ck_assert_msg(path != NULL, "%s", err.text);
	ck_assert_str_eq(path, want);
	free(path);
}

static void
expect_unresolved(const char *program, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(command_resolve(program, &err));
	ck_assert_str_eq(err.text, text);
}

START_TEST(a_program_is_found_as_execvp_would)
{
	char path[256], want[160];

	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("b", 0755), 0);
	make_file("a/plain", 0644);
	make_file("b/plain", 0755);
	make_file("a/none", 0644);
	make_file("here", 0755);
	ck_assert_int_eq(mkdir("a/tool", 0755), 0); /* a folder is no program */
	make_file("b/tool", 0755);
	snprintf(path, sizeof(path), "%s/a:%s/missing:%s/b", dir, dir, dir);
	setenv("PATH", path, 1);
	snprintf(want, sizeof(want), "%s/b/plain", dir);
	expect_resolved("plain", want);
	snprintf(want, sizeof(want), "%s/b/tool", dir);
	expect_resolved("tool", want);
	expect_resolved("./here", "./here");
	expect_unresolved("here", "run command 'here': not found in PATH");
	snprintf(want, sizeof(want), "run command '%s/a/none': not executable by this user", dir);
	expect_unresolved("none", want);
	expect_unresolved("a/tool", "run command 'a/tool': Is a directory");
	expect_unresolved("a/nothing", "run command 'a/nothing': No such file or directory");
	expect_unresolved("", "run command: empty");
	setenv("PATH", "/nowhere:", 1); /* the empty one is the current folder */
	expect_resolved("here", "./here");
	unsetenv("PATH");
	expect_resolved("sh", "/usr/bin/sh");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("command");
	TCase *tc = tcase_create("command");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_template_becomes_words, 0, ARRAY_LEN(expansions));
	tcase_add_loop_test(tc, a_template_that_is_none_is_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, a_word_has_a_bound);
	tcase_add_loop_test(tc, a_program_is_run_directly, 0, ARRAY_LEN(flow_files));
	tcase_add_test(tc, a_program_without_a_folder_is_not_sought_in_path);
	tcase_add_test(tc, what_is_no_program_is_not_run_directly);
	tcase_add_test(tc, a_program_is_found_as_execvp_would);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
