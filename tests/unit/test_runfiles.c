/* What a run leaves behind: its log, which may be cut while it grows, and its exit file. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/exitfile.h"
#include "runner/runlog.h"

#define LINE 12 /* "line 000001\n": what is at a position of the text can be told */
#define CAP (64 * 1024)

/* A file system that collapses and one that punches, if the machine has them as usual. */
static const char *const parents[] = {"/tmp", "/dev/shm"};

static char dir[64];
static char *path;
static int fd;

static void
open_in(const char *parent)
{
	struct err err = ERR_INIT;

	snprintf(dir, sizeof(dir), "%s/ff-runfiles-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = path_join(dir, "log");
	fd = runlog_open(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
}

static void
close_all(void)
{
	char command[128];

	close(fd);
	free(path);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
write_lines(int64_t first, int64_t last)
{
	char block[LINE * 100 + 1];
	size_t len = 0;

	for (int64_t i = first; i <= last; i++) {
		len += (size_t)snprintf(block + len, sizeof(block) - len, "line %06d\n", (int)i);
		if (len + LINE >= sizeof(block) || i == last) {
			ck_assert_int_eq(write(fd, block, len), (ssize_t)len);
			len = 0;
		}
	}
}

static char
text_at(int64_t pos)
{
	static const char line[] = "line      \n";
	static const int64_t powers[] = {100000, 10000, 1000, 100, 10, 1};
	const int64_t at = pos % LINE;

	if (at < 5 || at == LINE - 1)
		return line[at < 5 ? at : 10];
	return (char)('0' + (pos / LINE + 1) / powers[at - 5] % 10);
}

static int64_t
file_size(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_size;
}

static int64_t
disk_size(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_blocks * 512;
}

/* An assertion for each byte would cost more than all the rest. */
static void
check_text(const char *text, ssize_t n, int64_t from, int64_t end)
{
	for (ssize_t i = 0; i < n && from + i < end; i++)
		if (text[i] != text_at(from + i))
			ck_abort_msg("wrong text at position %lld", (long long)(from + i));
}

/*
 * Reads what there is and checks each byte up to `end` against what was written at its position.
 * The number of bytes that were left out.
 */
static int64_t
read_and_check(struct runlog_reader *reader, int64_t end)
{
	char buf[4096] = "";
	int64_t from = reader->pos, missing = 0;
	ssize_t n;

	while ((n = runlog_read(reader, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		if (reader->pos - from != n || strstr(buf, " bytes left out here ") != NULL) {
			/* the marking line alone; of what it stands for some may have been read before it was cut */
			ck_assert_int_lt(n, RUNLOG_MARK_MAX);
			ck_assert_ptr_nonnull(strstr(buf, " bytes left out here "));
			ck_assert_ptr_eq(strchr(buf + 1, '\n'), buf + n - 1);
			ck_assert_int_gt(reader->pos - from, 0);
			missing += reader->pos - from;
		} else {
			check_text(buf, n, from, end);
		}
		from = reader->pos;
	}
	ck_assert_int_ge(n, 0);
	return missing;
}

/* Reads all of a finished log, whose last line is "the end". */
static void
check_finished(int64_t max, int64_t end)
{
	struct runlog_reader reader;
	int in = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(in, 0);
	runlog_reader_init(&reader, in, max, 0);
	read_and_check(&reader, end);
	ck_assert_int_eq(reader.pos, end + (int64_t)sizeof("the end\n") - 1);
	close(in);
}

static int
open_reader(struct runlog_reader *reader, int64_t max, int64_t pos)
{
	int in = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(in, 0);
	runlog_reader_init(reader, in, max, pos);
	return in;
}

START_TEST(a_log_below_its_cap_is_left_alone)
{
	struct runlog log;
	char *text;

	open_in("/tmp");
	runlog_init(&log, fd, CAP);
	write_lines(1, CAP / LINE - 10);
	ck_assert_int_gt(runlog_watch(&log), 0);
	runlog_finish(&log, "last line");
	text = file_read(path, 2 * CAP, NULL, NULL);
	ck_assert_ptr_null(strstr(text, "left out"));
	ck_assert_ptr_nonnull(strstr(text, "\nlast line\n"));
	free(text);
	close_all();
}
END_TEST

START_TEST(a_log_without_a_cap_is_not_watched)
{
	struct runlog log;

	open_in("/tmp");
	runlog_init(&log, fd, 0);
	ck_assert_int_eq(runlog_watch(&log), -1);
	write_lines(1, 20000);
	runlog_finish(&log, "last line");
	ck_assert_int_eq(file_size(), 20000 * LINE + 10);
	close_all();
}
END_TEST

START_TEST(the_faster_it_grows_the_sooner_it_is_looked_at)
{
	struct runlog log;
	int calm, busy;

	open_in("/tmp");
	runlog_init(&log, fd, CAP);
	for (int i = 0; i < 10; i++)
		calm = runlog_watch(&log);
	for (int i = 0; i < 10; i++) {
		write_lines(1, CAP / LINE / 4);
		busy = runlog_watch(&log);
	}
	ck_assert_int_ge(calm, 1000);
	ck_assert_int_le(busy, 50);
	close_all();
}
END_TEST

START_TEST(a_growing_log_stays_about_as_large_as_its_cap)
{
	struct runlog_reader reader;
	struct runlog log;
	int64_t line = 1, missing;
	int in;

	open_in(parents[_i]);
	runlog_init(&log, fd, CAP);
	for (int i = 0; i < 100; i++, line += 1000) {
		write_lines(line, line + 999);
		runlog_watch(&log);
		ck_assert_int_le(disk_size(), CAP * 5 / 4 + 8192);
	}
	in = open_reader(&reader, CAP, 0);
	missing = read_and_check(&reader, INT64_MAX);
	ck_assert_int_eq(reader.pos, 100000 * LINE);
	ck_assert_int_ge(missing, 100000 * LINE - CAP * 5 / 4 - 8192);
	ck_assert_int_le(missing, 100000 * LINE - CAP / 2);

	runlog_finish(&log, "the end");
	ck_assert_int_le(file_size(), CAP);
	ck_assert_int_ge(file_size(), CAP - 8192 - 1024);
	check_finished(CAP, 100000 * LINE);
	close(in);
	close_all();
}
END_TEST

START_TEST(a_reader_goes_on_at_its_place_after_every_cut)
{
	struct runlog_reader reader, late;
	struct runlog log;
	char last[RUNLOG_MARK_MAX];
	int64_t line = 1;
	int in, in_late;

	open_in(parents[_i]);
	runlog_init(&log, fd, CAP);
	in = open_reader(&reader, CAP, 0);
	for (int i = 0; i < 200; i++, line += 500) {
		write_lines(line, line + 499);
		/* This one is quick enough to see every line. */
		ck_assert_int_eq(read_and_check(&reader, INT64_MAX), 0);
		ck_assert_int_eq(reader.pos, (line + 499) * LINE);
		runlog_watch(&log);
	}
	/* A position from before is still the same place, or one that is left out. */
	in_late = open_reader(&late, CAP, 1000);
	ck_assert_int_gt(read_and_check(&late, INT64_MAX), 0);
	ck_assert_int_eq(late.pos, reader.pos);
	close(in_late);
	in_late = open_reader(&late, CAP, reader.pos - 5000);
	ck_assert_int_eq(read_and_check(&late, INT64_MAX), 0);
	close(in_late);
	/* Where it was when the run ended, whatever the end does to the file. */
	runlog_finish(&log, "the end");
	ck_assert_int_eq(runlog_read(&reader, last, sizeof(last)), 8);
	ck_assert_mem_eq(last, "the end\n", 8);
	close(in);
	close_all();
}
END_TEST

/* Appends with all its might, as a flow would. */
static pid_t
start_writer(int64_t lines)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int64_t i = 1; i <= lines; i += 7)
			write_lines(i, i + 6 < lines ? i + 6 : lines);
		_exit(0);
	}
	return pid;
}

/* Looks and cuts without a rest until the pipe ends, and then finishes the log. */
static pid_t
start_cutter(int until[2])
{
	pid_t pid = fork();
	struct runlog log;
	char byte;

	if (pid == 0) {
		close(until[1]);
		runlog_init(&log, fd, CAP);
		while (read(until[0], &byte, 1) < 0)
			runlog_watch(&log);
		runlog_finish(&log, "the end");
		_exit(0);
	}
	return pid;
}

START_TEST(nothing_is_lost_or_moved_when_it_is_cut_while_it_grows)
{
	const int64_t lines = 150000;
	struct runlog_reader reader;
	int64_t missing = 0;
	pid_t writer, cutter;
	int in, until[2];

	open_in(parents[_i]);
	ck_assert_int_eq(pipe2(until, O_CLOEXEC | O_NONBLOCK), 0);
	in = open_reader(&reader, CAP, 0);
	cutter = start_cutter(until);
	writer = start_writer(lines);
	while (waitpid(writer, NULL, WNOHANG) == 0 || reader.pos < lines * LINE)
		missing += read_and_check(&reader, INT64_MAX);
	ck_assert_int_eq(reader.pos, lines * LINE);
	ck_assert_int_lt(missing, lines * LINE);
	close(until[0]);
	close(until[1]);
	ck_assert_int_eq(waitpid(cutter, NULL, 0), cutter);
	ck_assert_int_le(file_size(), CAP);
	check_finished(CAP, lines * LINE);
	close(in);
	close_all();
}
END_TEST

START_TEST(a_run_may_end_right_after_a_cut)
{
	struct runlog log;
	int64_t lines;

	for (int i = 0; i < 40; i++) {
		open_in(parents[_i]);
		runlog_init(&log, fd, CAP);
		lines = 7000 + i * 37;
		write_lines(1, lines);
		runlog_watch(&log);
		ck_assert_int_le(disk_size(), CAP + 8192);
		runlog_finish(&log, "the end");
		ck_assert_int_le(file_size(), CAP);
		check_finished(CAP, lines * LINE);
		close_all();
	}
}
END_TEST

static const int64_t caps[] = {1, RUNLOG_MAX_LEAST, 5000, 16384, 20000, 100000};

START_TEST(any_cap_is_held_at_the_end)
{
	const int64_t cap = caps[_i / 2] < RUNLOG_MAX_LEAST ? RUNLOG_MAX_LEAST : caps[_i / 2];
	struct runlog log;
	char *text;

	open_in(parents[_i % 2]);
	runlog_init(&log, fd, caps[_i / 2]);
	write_lines(1, 30000);
	runlog_finish(&log, "the end");
	ck_assert_int_le(file_size(), cap);
	ck_assert_int_ge(file_size(), cap - cap / 4 - 1024);
	text = file_read(path, (size_t)cap, NULL, NULL);
	ck_assert_ptr_nonnull(text);
	ck_assert(strncmp(text, "line 000001\n", LINE) == 0);
	ck_assert_ptr_nonnull(strstr(text, "line 030000\nthe end\n"));
	free(text);
	check_finished(caps[_i / 2], 30000 * LINE);
	close_all();
}
END_TEST

START_TEST(what_is_no_file_is_not_capped)
{
	struct err err = ERR_INIT;
	struct runlog log;
	int null = runlog_open("/dev/null", &err);
	struct stat st;

	ck_assert_int_ge(null, 0);
	runlog_init(&log, null, CAP);
	ck_assert_int_eq(runlog_watch(&log), -1);
	runlog_finish(&log, "x");
	ck_assert_int_eq(fstat(null, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666); /* and not changed */
	close(null);
}
END_TEST

START_TEST(a_link_to_a_log_that_is_not_there_yet_is_followed)
{
	struct err err = ERR_INIT;
	char *link, *target;
	int out;

	open_in("/tmp");
	link = path_join(dir, "link");
	target = path_join(dir, "target");
	ck_assert_int_eq(symlink("target", link), 0);
	out = runlog_open(link, &err);
	ck_assert_msg(out >= 0, "%s", err.text);
	ck_assert_int_eq(access(target, F_OK), 0);
	close(out);
	free(link);
	free(target);
	close_all();
}
END_TEST

/* ---- the exit file ----------------------------------------------------------------------- */

static struct exit_record
sample(void)
{
	struct exit_record record;

	exit_record_init(&record, 12, 3);
	record.shim = (struct proc_id){100, 5000};
	record.flow = (struct proc_id){101, 5001};
	record.exit = (struct run_exit){
		.known = true,
		.code = 3,
		.cpu_us = 1500000,
		.max_rss_kb = 2048,
		.started_us = INT64_C(1700000000000000),
		.ended_us = INT64_C(1700000001000000),
		.cancelled = true,
	};
	exit_set_reason(&record.exit, "two\nlines and a \x7f");
	return record;
}

START_TEST(an_exit_file_is_read_as_it_was_written)
{
	struct exit_record out = sample(), in;
	struct err err = ERR_INIT;
	struct run_exit exit;

	open_in("/tmp");
	ck_assert_int_eq(exit_record_read(dir, 12, 3, &in, &err), 0);
	ck_assert_int_eq(exit_record_write(dir, &out, &err), 0);
	ck_assert_int_eq(exit_record_read(dir, 12, 2, &in, &err), 0); /* of another attempt */
	ck_assert_int_eq(exit_record_read(dir, 12, 3, &in, &err), 1);
	ck_assert_int_eq(in.run_id, 12);
	ck_assert_int_eq(in.attempt, 3);
	ck_assert_int_eq(in.flow.pid, 101);
	ck_assert_uint_eq(in.shim.start, 5000);
	exit = in.exit;
	ck_assert(exit.known && exit.cancelled && !exit.killed);
	ck_assert_int_eq(exit.code, 3);
	ck_assert_int_eq(exit.cpu_us, 1500000);
	ck_assert_int_eq(exit.ended_us, INT64_C(1700000001000000));
	ck_assert_str_eq(exit.reason, "two lines and a  ");
	exit_files_remove(dir, 12, 2);
	ck_assert_int_eq(exit_record_read(dir, 12, 3, &in, &err), 1);
	exit_files_remove(dir, 12, 3);
	ck_assert_int_eq(exit_record_read(dir, 12, 3, &in, &err), 0);
	close_all();
}
END_TEST

START_TEST(no_time_is_none)
{
	struct exit_record out, in;
	char text[EXIT_TEXT_MAX];
	struct err err = ERR_INIT;

	exit_record_init(&out, 1, 1);
	exit_record_format(&out, text);
	ck_assert_ptr_nonnull(strstr(text, "\nstarted_us none\n"));
	ck_assert_int_eq(exit_record_parse(text, &in, &err), 0);
	ck_assert(in.exit.started_us == TIME_NONE);
	ck_assert_int_eq(in.exit.code, -1);
}
END_TEST

START_TEST(a_cut_exit_file_is_malformed)
{
	struct exit_record out = sample(), in;
	char text[EXIT_TEXT_MAX];
	size_t len = exit_record_format(&out, text);
	struct err err = ERR_INIT;

	ck_assert_int_eq(exit_record_parse(text, &in, &err), 0);
	while (len-- > 0) {
		text[len] = '\0';
		err_clear(&err);
		ck_assert_int_eq(exit_record_parse(text, &in, &err), -1);
		ck_assert_int_eq(err.code, ERR_FAILED);
	}
}
END_TEST

static const struct {
	const char *from, *to;
	int rc;
} edits[] = {
	{"flowfile-run-exit 1", "flowfile-run-exit 2", -1}, {"code 3", "code three", -1},
	{"code 3", "code 99999999999", -1}, {"known 1", "known 2", -1},
	{"flow_pid 101", "flow_pid -101", -1}, {"killed 0\n", "", -1}, {"killed 0", "killed", -1},
	{"killed 0", "killed 0\nio_bytes 17", 0}, /* a newer shim may say more */
};

START_TEST(an_exit_file_is_checked)
{
	struct exit_record out = sample(), in;
	char text[EXIT_TEXT_MAX], edited[EXIT_TEXT_MAX * 2], *at;
	struct err err = ERR_INIT;

	exit_record_format(&out, text);
	at = strstr(text, edits[_i].from);
	ck_assert_ptr_nonnull(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, edits[_i].to,
		at + strlen(edits[_i].from));
	ck_assert_int_eq(exit_record_parse(edited, &in, &err), edits[_i].rc);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
	struct run_exit exit;
	char long_text[600];

	for (size_t i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "\xC3\xA4", 3);
	exit_set_reason(&exit, "x%s", long_text);
	ck_assert_uint_le(strlen(exit.reason), sizeof(exit.reason) - 1);
	ck_assert_uint_eq(strlen(exit.reason) % 2, 1);
}
END_TEST

static const struct {
	const char *raw, *kept;
} bytes[] = {
	{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"caf\xe9", "caf?"},
	{"\xff\xfe x", "?? x"},
	{"cut \xe2\x82", "cut ?"},
	{"\xe2\x82/x", "?/x"},
	{"overlong \xc0\xaf", "overlong ??"},
	{"half a pair \xed\xa0\x80", "half a pair ???"},
	{"\xe9\n\x01\xe9", "?  ?"},
};

START_TEST(a_reason_is_text_that_a_database_takes)
{
	char text[EXIT_TEXT_MAX], *at;
	struct exit_record record = sample(), in;
	struct err err = ERR_INIT;

	exit_set_reason(&record.exit, "%s", bytes[_i].raw);
	ck_assert_str_eq(record.exit.reason, bytes[_i].kept);
	ck_assert(text_is_utf8(record.exit.reason, strlen(record.exit.reason)));
	/* A damaged file, too. */
	exit_set_reason(&record.exit, "@@@@");
	exit_record_format(&record, text);
	at = strstr(text, "@@@@");
	memcpy(at, "\xff\xfe\xe2\x82", 4);
	ck_assert_int_eq(exit_record_parse(text, &in, &err), 0);
	ck_assert_str_eq(in.exit.reason, "???");
}
END_TEST

START_TEST(files_of_runs_are_known_by_their_names)
{
	int64_t run_id = 0;
	int attempt = 0;

	ck_assert(exit_file_is("12.3.exit", &run_id, &attempt));
	ck_assert(run_id == 12 && attempt == 3);
	ck_assert(exit_file_is("4.1.started", &run_id, &attempt));
	ck_assert(run_id == 4 && attempt == 1);
	ck_assert(!exit_file_is("4.1.started~", &run_id, &attempt));
	ck_assert(!exit_file_is("4.exit", &run_id, &attempt));
	ck_assert(!exit_file_is(".", &run_id, &attempt));
}
END_TEST

START_TEST(a_mark_says_when_a_run_was_let_go)
{
	int64_t at = 0, now = clock_wall(&clock_real);
	struct err err = ERR_INIT;
	char *nowhere;

	open_in("/tmp");
	nowhere = path_join(dir, "nowhere");
	ck_assert_int_eq(started_read(dir, 12, 3, &at), 0);
	ck_assert_int_eq(started_mark(dir, 12, 3), 0);
	ck_assert_int_eq(started_read(dir, 12, 3, &at), 1);
	/* file times are of the last timer tick */
	ck_assert_int_ge(at, now - 20 * US_PER_MS);
	ck_assert_int_eq(started_mark(dir, 12, 3), -1); /* only once */
	/* A folder that is gone does not say that nothing ran. */
	ck_assert_int_eq(started_read(nowhere, 12, 3, &at), -1);
	ck_assert_int_eq(exit_record_write(nowhere, &(struct exit_record){.run_id = 1}, &err), -1);
	free(nowhere);
	close_all();
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("runfiles");
	TCase *log = tcase_create("log"), *exits = tcase_create("exit file");

	tcase_set_timeout(log, 60);
	tcase_add_test(log, a_log_below_its_cap_is_left_alone);
	tcase_add_test(log, a_log_without_a_cap_is_not_watched);
	tcase_add_test(log, the_faster_it_grows_the_sooner_it_is_looked_at);
	tcase_add_loop_test(
		log, a_growing_log_stays_about_as_large_as_its_cap, 0, ARRAY_LEN(parents));
	tcase_add_loop_test(
		log, a_reader_goes_on_at_its_place_after_every_cut, 0, ARRAY_LEN(parents));
	tcase_add_loop_test(
		log, nothing_is_lost_or_moved_when_it_is_cut_while_it_grows, 0, ARRAY_LEN(parents));
	tcase_add_loop_test(log, a_run_may_end_right_after_a_cut, 0, ARRAY_LEN(parents));
	tcase_add_loop_test(log, any_cap_is_held_at_the_end, 0, 2 * ARRAY_LEN(caps));
	tcase_add_test(log, what_is_no_file_is_not_capped);
	tcase_add_test(log, a_link_to_a_log_that_is_not_there_yet_is_followed);
	suite_add_tcase(s, log);
	tcase_add_test(exits, an_exit_file_is_read_as_it_was_written);
	tcase_add_test(exits, no_time_is_none);
	tcase_add_test(exits, a_cut_exit_file_is_malformed);
	tcase_add_loop_test(exits, an_exit_file_is_checked, 0, ARRAY_LEN(edits));
	tcase_add_test(exits, a_long_reason_is_cut_between_characters);
	tcase_add_loop_test(exits, a_reason_is_text_that_a_database_takes, 0, ARRAY_LEN(bytes));
	tcase_add_test(exits, a_mark_says_when_a_run_was_let_go);
	tcase_add_test(exits, files_of_runs_are_known_by_their_names);
	suite_add_tcase(s, exits);
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
