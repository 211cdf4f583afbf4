/*
 * The log. Stderr is a packet socket here: each write to it arrives as one packet, so that a line
 * in two writes would show.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define PREFIX "2026-05-20 10:00:05,123 [INFO] flowfile.scheduler: "

static int real_stderr;
static int other_end;
static int64_t now_us; /* of both clocks */

static int64_t
test_wall(void *arg)
{
	(void)arg;
	return now_us;
}

static struct boottime
test_boot(void *arg)
{
	(void)arg;
	return (struct boottime){now_us};
}

static const struct clock test_clock = {test_wall, test_boot, NULL};

static void
start(void)
{
	int ends[2];

	setenv("TZ", "XST-2", 1); /* two hours east of Greenwich */
	tzset();
	now_us = INT64_C(1779264005123456); /* 2026-05-20 08:00:05 UTC */
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_ge(real_stderr, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[0], STDERR_FILENO), STDERR_FILENO);
	close(ends[0]);
	other_end = ends[1];
	log_set_clock(&test_clock);
}

static void
stop(void)
{
	log_set_clock(NULL);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(other_end);
}

/* The next packet; "" when there is none. */
static const char *
next_packet(void)
{
	static char line[2 * PIPE_BUF];
	ssize_t n = recv(other_end, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void
check_line(const char *want)
{
	ck_assert_str_eq(next_packet(), want);
}

START_TEST(a_line_has_local_time_level_name_and_text)
{
	log_info("Run started run=%d flow=%d", 12, 3);
	check_line(PREFIX "Run started run=12 flow=3\n");
	now_us += INT64_C(13) * US_PER_HOUR + 59 * US_PER_MIN + 54 * US_PER_SEC + 876543;
	log_warning("x");
	check_line("2026-05-20 23:59:59,999 [WARNING] flowfile.scheduler: x\n");
	now_us += 1;
	log_set_name("flowfile.subprocess");
	log_error("y");
	check_line("2026-05-21 00:00:00,000 [ERROR] flowfile.subprocess: y\n");
	now_us = -1;
	log_error("z");
	check_line("1970-01-01 01:59:59,999 [ERROR] flowfile.subprocess: z\n");
	check_line("");
}
END_TEST

START_TEST(lines_below_the_level_are_left_out)
{
	ck_assert_int_eq(log_get_level(), LOG_INFO_LEVEL);
	log_debug("no");
	check_line("");
	log_set_level(LOG_DEBUG_LEVEL);
	log_debug("yes");
	check_line("2026-05-20 10:00:05,123 [DEBUG] flowfile.scheduler: yes\n");
	log_set_level(LOG_ERROR_LEVEL);
	log_warning("no");
	check_line("");
	ck_assert_int_eq(log_get_level(), LOG_ERROR_LEVEL);
}
END_TEST

START_TEST(levels_are_read_by_name)
{
	enum log_level level = LOG_INFO_LEVEL;

	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	ck_assert_int_eq(level, LOG_DEBUG_LEVEL);
	ck_assert_int_eq(log_level_parse("Warning", &level), 0);
	ck_assert_int_eq(level, LOG_WARNING_LEVEL);
	ck_assert_int_eq(log_level_parse("ERROR", &level), 0);
	ck_assert_int_eq(level, LOG_ERROR_LEVEL);
	ck_assert_int_eq(log_level_parse("info", &level), 0);
	ck_assert_int_eq(level, LOG_INFO_LEVEL);
	ck_assert_int_eq(log_level_parse("", &level), -1);
	ck_assert_int_eq(log_level_parse("warn", &level), -1);
	ck_assert_int_eq(level, LOG_INFO_LEVEL);
}
END_TEST

START_TEST(a_message_stays_one_line)
{
	log_info("%s", "connection lost\nserver closed\tit\r\n\n");
	check_line(PREFIX "connection lost server closed it\n");
	log_info("\x1b[31mred\x7f %s", "\xC3\xA4");
	check_line(PREFIX " [31mred  \xC3\xA4\n");
	log_info("%s", "");
	check_line(PREFIX "\n");
}
END_TEST

START_TEST(a_long_line_is_cut_so_that_a_pipe_takes_it_whole)
{
	char text[3 * PIPE_BUF];
	const char *line;
	size_t len;

	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 <= sizeof(text); i += 3)
			memcpy(text + i, "\xE2\x82\xAC", 4);
		log_info("%s", text);
		line = next_packet();
		len = strlen(line);
		ck_assert_uint_le(len, PIPE_BUF);
		ck_assert_uint_gt(len, PIPE_BUF - 4);
		ck_assert_str_eq(line + len - 4, "...\n");
		ck_assert(text_is_utf8(line, len));
	}
	/* One that just fits is not cut. */
	len = PIPE_BUF - strlen(PREFIX) - 1;
	memset(text, 'x', len);
	text[len] = '\0';
	log_info("%s", text);
	line = next_packet();
	ck_assert_uint_eq(strlen(line), PIPE_BUF);
	ck_assert_str_eq(line + PIPE_BUF - 4, "xxx\n");
	check_line("");
}
END_TEST

START_TEST(a_long_name_leaves_room_for_the_message)
{
	char name[PIPE_BUF];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_set_name(name);
	log_info("message");
	ck_assert_ptr_nonnull(strstr(next_packet(), "nnn: message\n"));
}
END_TEST

START_TEST(the_same_line_again_is_counted)
{
	log_info("same %d", 1);
	check_line(PREFIX "same 1\n");
	for (int i = 0; i < 3; i++)
		log_info("same %d", 1);
	check_line("");
	log_info("same %d", 2);
	check_line(PREFIX "Last message repeated 3 times\n");
	check_line(PREFIX "same 2\n");
	log_info("same 2");
	log_warning("same 2"); /* another level, another line */
	check_line(PREFIX "Last message repeated 1 time\n");
	check_line("2026-05-20 10:00:05,123 [WARNING] flowfile.scheduler: same 2\n");
	log_info("same 2");
	check_line(PREFIX "same 2\n");
	check_line("");
}
END_TEST

START_TEST(a_line_that_goes_on_is_counted_out_every_minute)
{
	log_info("down");
	check_line(PREFIX "down\n");
	for (int s = 1; s < 60; s++) {
		now_us += US_PER_SEC;
		log_info("down");
		check_line("");
	}
	now_us += US_PER_SEC;
	log_info("down");
	check_line("2026-05-20 10:01:05,123 [INFO] flowfile.scheduler: Last message repeated 60 "
		   "times\n");
	now_us += 10 * US_PER_SEC;
	log_info("down");
	check_line("");
	log_info("up");
	check_line("2026-05-20 10:01:15,123 [INFO] flowfile.scheduler: Last message repeated 1 "
		   "time\n");
	check_line("2026-05-20 10:01:15,123 [INFO] flowfile.scheduler: up\n");
}
END_TEST

START_TEST(what_was_counted_is_told_at_exit)
{
	pid_t child;
	int status;

	child = fork();
	if (child == 0) {
		log_info("bye");
		log_info("bye");
		exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	check_line(PREFIX "bye\n");
	check_line(PREFIX "Last message repeated 1 time\n");
	check_line("");
}
END_TEST

struct seen {
	int n;
	enum log_level level;
	char line[128];
	bool talks;
};

static void
keep(enum log_level level, const char *line, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->level = level;
	snprintf(seen->line, sizeof(seen->line), "%s", line);
	if (seen->talks)
		log_info("from the sink");
}

START_TEST(a_sink_gets_every_message_as_it_is)
{
	struct seen seen = {0};

	log_info("before");
	log_info("before");
	check_line(PREFIX "before\n");
	log_set_sink(keep, &seen);
	check_line(PREFIX "Last message repeated 1 time\n");
	log_warning("a=%d\n", 1);
	log_warning("a=%d\n", 1);
	ck_assert_int_eq(seen.n, 2);
	ck_assert_int_eq(seen.level, LOG_WARNING_LEVEL);
	ck_assert_str_eq(seen.line, "a=1");
	log_debug("too low");
	ck_assert_int_eq(seen.n, 2);
	check_line("");
	seen.talks = true;
	log_info("b");
	ck_assert_int_eq(seen.n, 3);
	check_line(PREFIX "from the sink\n");
	log_set_sink(NULL, NULL);
	log_info("after");
	ck_assert_int_eq(seen.n, 3);
	check_line(PREFIX "after\n");
}
END_TEST

START_TEST(errno_is_left_alone)
{
	errno = ENOENT;
	log_info("why: %m");
	ck_assert_int_eq(errno, ENOENT);
	check_line(PREFIX "why: No such file or directory\n");
	close(STDERR_FILENO);
	log_info("nobody hears this");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_full_stderr_that_does_not_block_is_given_up_on)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL), lines = 0;

	ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK), 0);
	while (send(STDERR_FILENO, "x", 1, MSG_DONTWAIT) == 1)
		lines++;
	log_info("lost");
	while (strcmp(next_packet(), "") != 0)
		lines--;
	ck_assert_int_eq(lines, 0);
	log_info("heard");
	check_line(PREFIX "heard\n");
}
END_TEST

#define THREADS 4
#define LINES 500

static void *
talk(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread=%d line=%d", *(int *)arg, i);
	return NULL;
}

START_TEST(threads_do_not_mix_their_lines)
{
	pthread_t threads[THREADS];
	int ids[THREADS], next[THREADS] = {0}, id, line;
	char end;

	for (int i = 0; i < THREADS; i++) {
		ids[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, talk, &ids[i]), 0);
	}
	for (int i = 0; i < THREADS * LINES; i++) {
		char packet[256];
		ssize_t n = recv(other_end, packet, sizeof(packet) - 1, 0);

		ck_assert_int_gt(n, 0);
		packet[n] = '\0';
		ck_assert_int_eq(sscanf(packet, PREFIX "thread=%d line=%d%c", &id, &line, &end), 3);
		ck_assert_int_eq(end, '\n');
		ck_assert_int_eq(line, next[id]++);
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	check_line("");
}
END_TEST

/* ---- text from outside ---- */

START_TEST(text_from_outside_is_quoted)
{
	static const char *const cases[][2] = {
		{"", "\"\""},
		{"plain \xC3\xA4 \xE2\x82\xAC", "\"plain \xC3\xA4 \xE2\x82\xAC\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"a\nb\rc\td", "\"a\\nb\\rc\\td\""},
		{"\x1b[2J\x7f\x01", "\"\\x1b[2J\\x7f\\x01\""},
		{"\xFF\xC3", "\"\\xff\\xc3\""},
		{"\xC2\x9B", "\"\\xc2\\x9b\""}, /* CSI, as one character */
		{"\xC2\xA0", "\"\xC2\xA0\""}, /* a blank is fine */
		{"\xE2\x80\xA8", "\"\\xe2\\x80\\xa8\""}, /* line separator */
		{"\xE2\x80\xAE", "\"\\xe2\\x80\\xae\""}, /* right-to-left override */
		{"\xE2\x81\xA6", "\"\\xe2\\x81\\xa6\""}, /* isolate */
		{"\xE2\x80\x93\xF0\x9F\x98\x80", "\"\xE2\x80\x93\xF0\x9F\x98\x80\""},
		{NULL, "null"},
	};
	char out[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_ptr_eq(log_text(cases[i][0], out, sizeof(out)), out);
		ck_assert_str_eq(out, cases[i][1]);
	}
}
END_TEST

START_TEST(text_from_outside_is_cut_to_size)
{
	static const char *const texts[] = {"abcdefghijklmnop", "\n\n\n\n\n\n\n\n",
		"\x01\x01\x01\x01\x01", "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"};
	char whole[64], *out;
	size_t len;

	log_text("abcdef", whole, 9);
	ck_assert_str_eq(whole, "\"abcdef\"");
	log_text("abcdefg", whole, 9);
	ck_assert_str_eq(whole, "\"abc...\"");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		log_text(texts[i], whole, sizeof(whole));
		for (size_t size = 8; size < 40; size++) {
			out = xmalloc(size); /* to the byte, so that a byte too many is found */
			log_text(texts[i], out, size);
			len = strlen(out);
			ck_assert_uint_lt(len, size);
			ck_assert(text_is_utf8(out, len));
			if (size > strlen(whole))
				ck_assert_str_eq(out, whole);
			else
				ck_assert_str_eq(out + len - 4, "...\"");
			free(out);
		}
	}
}
END_TEST

static Suite *
log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_line_has_local_time_level_name_and_text);
	tcase_add_test(tc, lines_below_the_level_are_left_out);
	tcase_add_test(tc, levels_are_read_by_name);
	tcase_add_test(tc, a_message_stays_one_line);
	tcase_add_test(tc, a_long_line_is_cut_so_that_a_pipe_takes_it_whole);
	tcase_add_test(tc, a_long_name_leaves_room_for_the_message);
	tcase_add_test(tc, the_same_line_again_is_counted);
	tcase_add_test(tc, a_line_that_goes_on_is_counted_out_every_minute);
	tcase_add_test(tc, what_was_counted_is_told_at_exit);
	tcase_add_test(tc, a_sink_gets_every_message_as_it_is);
	tcase_add_test(tc, errno_is_left_alone);
	tcase_add_test(tc, a_full_stderr_that_does_not_block_is_given_up_on);
	tcase_add_test(tc, threads_do_not_mix_their_lines);
	tcase_add_test(tc, text_from_outside_is_quoted);
	tcase_add_test(tc, text_from_outside_is_cut_to_size);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(log_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
