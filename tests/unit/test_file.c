/* Files and paths, in a directory of each test's own. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static char dir[64];
static int fds_before;

/* The number of open descriptors, the one that counts them included. */
static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
count_entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* "dir/name", in one of a few places that take turns. */
static const char *
in_dir(const char *name)
{
	static char paths[4][PATH_MAX];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	return path;
}

static void
start(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.40s/test_file-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	umask(022);
	fds_before = count_fds();
}

static void
stop(void)
{
	char command[256];

	ck_assert_int_eq(count_fds(), fds_before);
	snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", dir, dir);
	ck_assert_int_eq(system(command), 0);
}

static void
check_content(const char *path, const char *want)
{
	struct err err = ERR_INIT;
	size_t len;
	char *data = file_read(path, 1 << 20, &len, &err);

	ck_assert_msg(data != NULL, "%s", err.text);
	ck_assert_str_eq(data, want);
	ck_assert_uint_eq(len, strlen(want));
	free(data);
}

/* ---- reading ---- */

START_TEST(a_file_is_read_up_to_its_maximum)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 4098, 100000};
	struct err err = ERR_INIT;
	char *content, *data;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		content = xmalloc(sizes[i]);
		memset(content, 'x', sizes[i]);
		ck_assert_int_eq(file_write_atomic(in_dir("f"), content, sizes[i], 0644, &err), 0);
		data = file_read(in_dir("f"), sizes[i], &len, &err);
		ck_assert_ptr_nonnull(data);
		ck_assert_uint_eq(len, sizes[i]);
		ck_assert_mem_eq(data, content, len);
		ck_assert_int_eq(data[len], '\0');
		free(data);
		if (sizes[i] > 0) {
			err_clear(&err);
			ck_assert_ptr_null(file_read(in_dir("f"), sizes[i] - 1, &len, &err));
			ck_assert_int_eq(err.code, ERR_FAILED);
			ck_assert_ptr_nonnull(strstr(err.text, "larger than"));
			ck_assert_ptr_nonnull(strstr(err.text, dir));
		}
		free(content);
	}
}
END_TEST

START_TEST(a_file_that_hides_its_size_is_read)
{
	struct err err = ERR_INIT;
	char *data = file_read("/proc/self/status", 1 << 20, NULL, &err);

	ck_assert_ptr_nonnull(data);
	ck_assert_ptr_nonnull(strstr(data, "VmPeak"));
	free(data);
	ck_assert_ptr_null(file_read("/proc/self/status", 10, NULL, &err));
}
END_TEST

START_TEST(what_cannot_be_read_says_why)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(file_read(in_dir("none"), 10, NULL, &err));
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.text, "/none: No such file or directory"));
	ck_assert_ptr_null(file_read(dir, 10, NULL, &err));
	ck_assert_int_eq(err.code, ERR_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	/* A FIFO without a writer must not hold us. */
	ck_assert_int_eq(mkfifo(in_dir("fifo"), 0600), 0);
	ck_assert_ptr_null(file_read(in_dir("fifo"), 10, NULL, &err));
	ck_assert_ptr_null(file_read("/dev/zero", 10, NULL, &err));
	ck_assert_ptr_null(file_read("/dev/zero", 10, NULL, NULL));
}
END_TEST

/* ---- writing ---- */

START_TEST(a_write_replaces_the_whole_file)
{
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert_int_eq(file_write_atomic(in_dir("f"), "first", 5, 0600, &err), 0);
	ck_assert_int_eq(stat(in_dir("f"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	check_content(in_dir("f"), "first");
	ck_assert_int_eq(file_write_atomic(in_dir("f"), "2", 1, 0640, &err), 0);
	ck_assert_int_eq(stat(in_dir("f"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	check_content(in_dir("f"), "2");
	ck_assert_int_eq(file_write_atomic(in_dir("f"), NULL, 0, 0640, &err), 0);
	check_content(in_dir("f"), "");
	ck_assert_int_eq(count_entries(dir), 1);
}
END_TEST

START_TEST(a_write_takes_the_longest_names)
{
	struct err err = ERR_INIT;
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = '\0';
	ck_assert_int_eq(file_write_atomic(in_dir(name), "x", 1, 0644, &err), 0);
	check_content(in_dir(name), "x");
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	ck_assert_int_eq(file_write_atomic(in_dir(name), "x", 1, 0644, &err), -1);
	ck_assert_int_eq(count_entries(dir), 1);
}
END_TEST

START_TEST(a_write_works_without_a_directory_part)
{
	struct err err = ERR_INIT;
	int home = open(".", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(file_write_atomic("f", "x", 1, 0644, &err), 0);
	check_content(in_dir("f"), "x");
	ck_assert_int_eq(fchdir(home), 0);
	close(home);
}
END_TEST

START_TEST(a_write_that_fails_leaves_nothing_behind)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write_atomic(in_dir("no/f"), "x", 1, 0644, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_int_eq(mkdir(in_dir("d"), 0755), 0);
	ck_assert_int_eq(file_write_atomic(in_dir("d"), "x", 1, 0644, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
	ck_assert_int_eq(file_write_atomic(in_dir("d/"), "x", 1, 0644, &err), -1);
	ck_assert_int_eq(count_entries(dir), 1);
	ck_assert_int_eq(count_entries(in_dir("d")), 0);
}
END_TEST

/* A file size limit stands in for a full disk. */
START_TEST(a_write_that_breaks_off_keeps_the_old_content)
{
	struct rlimit limit = {4096, RLIM_INFINITY}, before;
	struct err err = ERR_INIT;
	char *big = xcalloc(1, 100000);

	ck_assert_int_eq(file_write_atomic(in_dir("f"), "old", 3, 0644, &err), 0);
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(file_write_atomic(in_dir("f"), big, 100000, 0644, &err), -1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "File too large"));
	check_content(in_dir("f"), "old");
	ck_assert_int_eq(count_entries(dir), 1);
	free(big);
}
END_TEST

struct writer {
	const char *path;
	char letter;
};

static void *
write_many(void *arg)
{
	const struct writer *w = arg;
	char text[64];
	struct err err = ERR_INIT;
	intptr_t failed = 0;

	memset(text, w->letter, sizeof(text));
	for (int i = 0; i < 50; i++)
		failed |= file_write_atomic(w->path, text, sizeof(text), 0644, &err);
	return (void *)failed;
}

/* Whether all of a text is the same one letter. */
static bool
is_uniform(const char *text, size_t len)
{
	return len == 64 && (strspn(text, "a") == len || strspn(text, "b") == len);
}

START_TEST(a_reader_sees_one_writers_content_whole)
{
	struct err err = ERR_INIT;
	const char *path = in_dir("f");
	struct writer writers[] = {{path, 'a'}, {path, 'b'}};
	pthread_t threads[2];
	void *failed;
	char *data;
	size_t len;

	ck_assert_ptr_null(write_many(&writers[0]));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	do {
		data = file_read(path, 100, &len, &err);
		ck_assert_ptr_nonnull(data);
		ck_assert(is_uniform(data, len));
		free(data);
	} while (pthread_tryjoin_np(threads[0], &failed) != 0);
	ck_assert_ptr_null(failed);
	ck_assert_int_eq(pthread_join(threads[1], &failed), 0);
	ck_assert_ptr_null(failed);
	ck_assert_int_eq(count_entries(dir), 1);
}
END_TEST

/* ---- directories ---- */

START_TEST(directories_are_made_all_the_way)
{
	static const char *const cases[] = {"a", "b/c/d", "b/c/e/", "f//g///", "b/c/d"};
	struct err err = ERR_INIT;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(file_mkdirs(in_dir(cases[i]), 0700, &err) == 0, "%s", err.text);
		ck_assert_int_eq(stat(in_dir(cases[i]), &st), 0);
		ck_assert(S_ISDIR(st.st_mode));
		ck_assert_int_eq(st.st_mode & 0777, 0700);
	}
	ck_assert_int_eq(file_mkdirs("/", 0700, &err), 0);
	ck_assert_int_eq(file_mkdirs("//", 0700, &err), 0);
	ck_assert_int_eq(file_mkdirs(".", 0700, &err), 0);
	ck_assert_int_eq(symlink("b", in_dir("link")), 0);
	ck_assert_int_eq(file_mkdirs(in_dir("link/h"), 0700, &err), 0);
	ck_assert_int_eq(stat(in_dir("b/h"), &st), 0);
	ck_assert_int_eq(err.code, ERR_NONE);
}
END_TEST

START_TEST(a_mode_without_write_still_gets_to_the_end)
{
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert_int_eq(file_mkdirs(in_dir("r/s"), 0500, &err), 0);
	ck_assert_int_eq(stat(in_dir("r/s"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0500);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_says_why)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write_atomic(in_dir("f"), "", 0, 0644, &err), 0);
	ck_assert_int_eq(file_mkdirs(in_dir("f"), 0755, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/f: Not a directory"));
	err_clear(&err);
	ck_assert_int_eq(file_mkdirs(in_dir("f/a/b"), 0755, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "Not a directory"));
	ck_assert_int_eq(file_mkdirs("", 0755, &err), -1);
	ck_assert_int_eq(file_mkdirs("/proc/none/x", 0755, &err), -1);
}
END_TEST

/* ---- paths ---- */

START_TEST(paths_are_joined)
{
	static const char *const cases[][3] = {
		{"/a", "b", "/a/b"},
		{"/a/", "b", "/a/b"},
		{"/", "b", "/b"},
		{"a", "b/c", "a/b/c"},
		{"/a", "/b", "/b"},
		{"", "b", "b"},
		{"/a", "", "/a"},
		{"", "", ""},
	};
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		path = path_join(cases[i][0], cases[i][1]);
		ck_assert_str_eq(path, cases[i][2]);
		free(path);
	}
}
END_TEST

START_TEST(paths_are_taken_apart)
{
	static const char *const cases[][3] = {
		{"/a/b.yaml", "/a", "b.yaml"},
		{"b", ".", "b"},
		{"/b", "/", "b"},
		{"//b", "/", "b"},
		{"a//b", "a", "b"},
		{"a/", "a", ""},
		{"/", "/", ""},
		{"", ".", ""},
		{"..", ".", ".."},
	};
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		path = path_dirname(cases[i][0]);
		ck_assert_str_eq(path, cases[i][1]);
		free(path);
		ck_assert_str_eq(path_basename(cases[i][0]), cases[i][2]);
	}
}
END_TEST

/* ---- descriptors ---- */

static volatile sig_atomic_t *signals; /* shared with the child */

static void
count_signal(int sig)
{
	(void)sig;
	++*signals;
}

static void
signal_parent(pid_t parent)
{
	sig_atomic_t before = *signals;

	if (kill(parent, SIGUSR1) < 0)
		_exit(3);
	while (*signals == before)
		sched_yield();
}

/* The reader: lets signals come in while the pipe is full and again after each piece it takes. */
static void
read_slowly(int fd, pid_t parent, const char *want, size_t size)
{
	char part[60001];
	size_t at = 0;
	ssize_t n;

	for (int i = 0; i < 20; i++)
		signal_parent(parent);
	while ((n = read(fd, part, sizeof(part))) > 0) {
		if (memcmp(part, want + at, (size_t)n) != 0)
			_exit(1);
		at += (size_t)n;
		if (at < size)
			signal_parent(parent);
	}
	_exit(at == size ? 0 : 2);
}

START_TEST(a_local_file_system_is_not_remote)
{
	const char *name = "?";

	ck_assert_int_eq(file_system_remote("/proc", &name), 0);
	ck_assert_ptr_null(name);
	errno = 0;
	ck_assert_int_eq(file_system_remote("/no/such/path", &name), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_write_goes_through_short_writes_and_signals)
{
	struct sigaction sa = {.sa_handler = count_signal}; /* no SA_RESTART */
	const size_t size = 1 << 20;
	char *data = xmalloc(size);
	pid_t parent = getpid(), child;
	int fds[2], status;

	signals = mmap(
		NULL, sizeof(*signals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)signals, MAP_FAILED);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 % 251);
	ck_assert_int_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(fds[1]);
		read_slowly(fds[0], parent, data, size);
	}
	close(fds[0]);
	ck_assert_int_eq(fd_write_all(fds[1], data, size), 0);
	close(fds[1]);
	while (waitpid(child, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert_int_eq(status, 0);
	ck_assert_int_ge(*signals, 20);
	munmap((void *)signals, sizeof(*signals));
	free(data);
}
END_TEST

START_TEST(a_write_that_cannot_go_on_gives_errno)
{
	int fds[2];

	ck_assert_int_eq(fd_write_all(-1, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(fd_write_all(-1, "", 0), 0);
	ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	ck_assert_int_eq(fd_write_all(fds[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(fds[1]);
}
END_TEST

static Suite *
file_suite(void)
{
	Suite *s = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_file_is_read_up_to_its_maximum);
	tcase_add_test(tc, a_file_that_hides_its_size_is_read);
	tcase_add_test(tc, what_cannot_be_read_says_why);
	tcase_add_test(tc, a_write_replaces_the_whole_file);
	tcase_add_test(tc, a_write_takes_the_longest_names);
	tcase_add_test(tc, a_write_works_without_a_directory_part);
	tcase_add_test(tc, a_write_that_fails_leaves_nothing_behind);
	tcase_add_test(tc, a_write_that_breaks_off_keeps_the_old_content);
	tcase_add_test(tc, a_reader_sees_one_writers_content_whole);
	tcase_add_test(tc, directories_are_made_all_the_way);
	tcase_add_test(tc, a_mode_without_write_still_gets_to_the_end);
	tcase_add_test(tc, a_directory_that_cannot_be_made_says_why);
	tcase_add_test(tc, paths_are_joined);
	tcase_add_test(tc, paths_are_taken_apart);
	tcase_add_test(tc, a_local_file_system_is_not_remote);
	tcase_add_test(tc, a_write_goes_through_short_writes_and_signals);
	tcase_add_test(tc, a_write_that_cannot_go_on_gives_errno);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(file_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
