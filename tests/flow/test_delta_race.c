/* Several processes on one Delta table, and processes that are killed: the program calls itself for them. */
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "delta_test.h"

#define WRITERS 4
#define WRITES 15
#define KILLS 25
/* A random moment up to here: two rounds of the killed writer take about that. */
#define KILL_WITHIN_US 60000

extern char **environ;

/* --- in the other processes ------------------------------------------------------------------------------------- */

static int
open_own(void)
{
	struct duck_options options = {.threads = 1};
	struct err err = ERR_INIT;

	if (duck_open(&options, &d, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int
told(int rc, const struct err *err)
{
	if (rc < 0)
		fprintf(stderr, "pid %d: %s\n", (int)getpid(), err->text);
	return rc;
}

/* Appends rows (writer, 0), (writer, 1), ... */
static int
write_rows_of(const char *writer)
{
	struct delta_written written;
	struct err err = ERR_INIT;

	for (int i = 0; i < WRITES; i++)
		if (told(delta_append(d, table, text("SELECT %s AS writer, %d AS n", writer, i),
				 NULL, &written, &err),
			    &err) < 0)
			return 1;
	return 0;
}

/* Adds one to the number in the table, from what was read: again as long as another one did so meanwhile. */
static int
count_up(void)
{
	struct delta_written written;
	struct delta_snapshot s;
	struct delta_write_options options = {.expected_version = &s.version};
	struct err err = ERR_INIT;
	int rc;

	for (int i = 0; i < WRITES;) {
		if (told(delta_open(table, DELTA_LATEST, d, &a, &s, &err), &err) < 0)
			return 1;
		rc = delta_overwrite(d, table,
			text("SELECT n + 1 AS n FROM (%s)", delta_scan_sql(&s, &a)), &options,
			&written, &err);
		if (rc == 0)
			i++;
		else if (err.code != ERR_CONFLICT)
			return told(rc, &err), 1;
		err_clear(&err);
	}
	return 0;
}

/* Joins files while others append. */
static int
optimize_often(void)
{
	struct delta_written written;
	struct err err = ERR_INIT;

	for (int i = 0; i < WRITES; i++) {
		if (delta_optimize(d, table, NULL, &written, &err) < 0 && err.code != ERR_CONFLICT)
			return told(-1, &err), 1;
		err_clear(&err);
	}
	return 0;
}

static int
change(int i)
{
	const char *const key[] = {"id"};
	struct delta_names keys = {key, 1};
	struct delta_written written;
	struct delta_snapshot s;
	struct err err = ERR_INIT;
	int rc;

	rc = delta_append(d, table, text("SELECT %d AS id, 'new' AS v", i), NULL, &written, &err);
	if (rc == 0 && i % 3 == 1)
		rc = delta_merge(d, table, text("SELECT %d AS id, 'old' AS v", i / 2), DELTA_UPSERT,
			&keys, NULL, &written, &err);
	if (rc == 0 && i % 5 == 1)
		rc = delta_optimize(d, table, NULL, &written, &err);
	if (rc == 0 && i % 7 == 1)
		rc = delta_open(table, DELTA_LATEST, d, &a, &s, &err);
	if (rc == 0 && i % 7 == 1)
		rc = delta_overwrite(d, table, text("SELECT * FROM (%s)", delta_scan_sql(&s, &a)),
			NULL, &written, &err);
	return told(rc, &err);
}

/* Appends ids from the one given on, changing this and that, and says of each that it is there. Until it is killed. */
static int
write_until_killed(const char *first)
{
	for (int i = atoi(first);; i++) {
		if (change(i) < 0)
			return 1;
		if (write(STDOUT_FILENO, &i, sizeof(i)) != sizeof(i))
			return 1;
	}
}

static int
be_another(char **argv)
{
	table = argv[2];
	if (open_own() < 0)
		return 1;
	if (strcmp(argv[1], "append") == 0)
		return write_rows_of(argv[3]);
	if (strcmp(argv[1], "count") == 0)
		return count_up();
	if (strcmp(argv[1], "optimize") == 0)
		return optimize_often();
	return write_until_killed(argv[3]);
}

/* --- in the test ------------------------------------------------------------------------------------------------- */

/* out: where it writes to; -1: as we do. */
static pid_t
start(const char *what, const char *argument, int out)
{
	char *argv[] = {"test_delta_race", (char *)(uintptr_t)what, table,
		(char *)(uintptr_t)argument, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	ck_assert_int_eq(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
check_versions(int64_t n)
{
	struct delta_commit *commits;
	struct err err = ERR_INIT;
	int64_t current;
	size_t found;

	ck_assert_int_eq(delta_history(table, 0, &a, &commits, &found, &current, &err), 0);
	ck_assert_int_eq(current, n - 1);
	ck_assert_uint_eq(found, (size_t)n);
	for (size_t i = 0; i < found; i++)
		ck_assert_int_eq(commits[i].version, n - 1 - (int64_t)i);
}

START_TEST(appends_of_several_processes_are_all_there)
{
	pid_t pids[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		pids[i] = start("append", text("%d", i), -1);
	for (int i = 0; i < WRITERS; i++)
		wait_for(pids[i]);
	check_versions(WRITERS * WRITES);
	ck_assert_str_eq(
		rows_at(DELTA_LATEST, "count(*), count(DISTINCT (writer, n)), min(n), max(n)", ""),
		text("%d|%d|0|%d", WRITERS * WRITES, WRITERS * WRITES, WRITES - 1));
	ck_assert_str_eq(rows_at(WRITES, "count(*)", ""), text("%d", WRITES + 1));
	ck_assert_int_eq(count_files("_delta_log", "_commit_"), 0);
	ck_assert_int_eq(count_files("", ".write-"), 0);
}
END_TEST

START_TEST(no_change_of_what_was_read_is_lost)
{
	pid_t pids[WRITERS];
	struct delta_written written;
	struct err err = ERR_INIT;

	ck_assert_int_eq(delta_overwrite(d, table, "SELECT 0 AS n", NULL, &written, &err), 0);
	for (int i = 0; i < WRITERS; i++)
		pids[i] = start("count", NULL, -1);
	for (int i = 0; i < WRITERS; i++)
		wait_for(pids[i]);
	ck_assert_str_eq(table_rows(), text("%d", WRITERS * WRITES));
	check_versions(WRITERS * WRITES + 1);
	/* Those that lost deleted what they had written. */
	ck_assert_int_eq(count_files("", "part-"), WRITERS * WRITES + 1);
}
END_TEST

START_TEST(files_are_joined_while_others_append)
{
	pid_t pids[3];

	wait_for(start("append", "7", -1));
	pids[0] = start("append", "0", -1);
	pids[1] = start("optimize", NULL, -1);
	pids[2] = start("append", "1", -1);
	for (int i = 0; i < 3; i++)
		wait_for(pids[i]);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "count(*), count(DISTINCT (writer, n))", ""),
		text("%d|%d", 3 * WRITES, 3 * WRITES));
	ck_assert_uint_lt(open_at(DELTA_LATEST).n_files, 3 * WRITES);
}
END_TEST

/* The last id that a writer told of before it was killed at some moment; -1: none. */
static int
write_and_kill(int first)
{
	struct timespec moment = {.tv_nsec = (random() % KILL_WITHIN_US) * 1000};
	int pipes[2], last = first - 1, id, status;
	pid_t pid;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid = start("killed", text("%d", first), pipes[1]);
	close(pipes[1]);
	if (read(pipes[0], &id, sizeof(id)) == sizeof(id)) /* it is at work */
		last = id;
	nanosleep(&moment, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	while (read(pipes[0], &id, sizeof(id)) == sizeof(id))
		last = id;
	close(pipes[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return last;
}

static int64_t
count_parts(void)
{
	return strtoll(
		rows_of(text("SELECT count(*) FROM glob('%s/**/*.parquet') WHERE file NOT LIKE "
			     "'%%/_delta_log/%%'",
			table)),
		NULL, 10);
}

START_TEST(a_writer_that_is_killed_loses_nothing_and_breaks_nothing)
{
	struct delta_snapshot s;
	struct delta_names files;
	struct err err = ERR_INIT;
	const char *rows;
	int next = 0, last;

	srandom(20260329);
	for (int i = 0; i < KILLS; i++) {
		last = write_and_kill(next);
		/* All that it told of, and maybe one that it came not to tell of. */
		rows = rows_at(DELTA_LATEST, "count(*), count(DISTINCT id), max(id)", "");
		next = last + 1;
		if (strcmp(rows, text("%d|%d|%d", next, next, next - 1)) != 0) {
			next++;
			ck_assert_str_eq(rows, text("%d|%d|%d", next, next, next - 1));
		}
	}
	check_versions(open_at(DELTA_LATEST).version + 1);
	rows = table_rows();
	ck_assert_int_eq(
		system(text("find '%s' -mindepth 1 -exec touch -d '2 days ago' {} +", table)), 0);
	ck_assert_int_eq(delta_vacuum(d, table, 0, false, &a, &files, &err), 0);
	ck_assert_str_eq(table_rows(), rows);
	s = open_at(DELTA_LATEST);
	ck_assert_int_eq(count_parts(), (int64_t)s.n_files);
	ck_assert_int_eq(count_files("", ".write-"), 0);
	ck_assert_int_eq(count_files("_delta_log", "_commit_"), 0);
	ck_assert_int_eq(count_files("_delta_log", ".checkpoint-"), 0);
}
END_TEST

/* A hint that is behind the truth, ahead of it, or nothing at all. */
START_TEST(what_the_last_checkpoint_is_said_to_be_does_not_matter)
{
	static const char *const hints[] = {
		"{\"version\":3,\"size\":1}", "{\"version\":99}", "", "{"};
	struct delta_written written;
	struct err err = ERR_INIT;

	for (int i = 0; i < 11; i++)
		ck_assert_int_eq(
			delta_append(d, table, text("SELECT %d AS id", i), NULL, &written, &err),
			0);
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		put_file("_delta_log/_last_checkpoint", hints[i]);
		ck_assert_str_eq(rows_at(DELTA_LATEST, "count(*)", ""), "11");
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;

	if (argc > 1)
		return be_another(argv);
	suite = suite_create("delta_race");
	tc = tcase_create("processes");
	tcase_add_checked_fixture(tc, delta_test_set_up, delta_test_tear_down);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, appends_of_several_processes_are_all_there);
	tcase_add_test(tc, no_change_of_what_was_read_is_lost);
	tcase_add_test(tc, files_are_joined_while_others_append);
	tcase_add_test(tc, a_writer_that_is_killed_loses_nothing_and_breaks_nothing);
	tcase_add_test(tc, what_the_last_checkpoint_is_said_to_be_does_not_matter);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
