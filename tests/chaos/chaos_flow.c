/*
 * The flow of the chaos test: does nothing for a while and keeps a journal of its own, from which the
 * checker judges the scheduler without believing its catalog.
 *
 * The file beside it, <flow>.journal, gets one line per thing that happened, each in one write:
 *
 *	S <time_us> <pid> <run>                  it starts
 *	O <time_us> <pid> <run> <pid> <run>      ... while another run of the flow lives
 *	B <time_us> <pid> <run>                  it is about to write its table, if it has one
 *	W <time_us> <pid> <run>                  it has
 *	E <time_us> <pid> <run> <code>           it ends, with this exit code
 *
 * As long as any process of the run lives, <flow>.lock is locked: the kernel lets go of it, whatever
 * kills them. What a run does is drawn from its id, so that it can be told afterwards.
 *
 * FLOWFILE_TEST_FLOW_MS: how long it takes, on the average. <flow>.table: the name of the table it writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct self {
	const char *path;
	const char *run;
	int journal;
	uint64_t draw;
};

static int
open_beside(const struct self *self, const char *suffix, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.%s", self->path, suffix);
	return open(path, flags | O_CLOEXEC, 0644);
}

static void
note(const struct self *self, char what, const char *more)
{
	struct timespec now;
	char line[256];
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof(line), "%c %" PRId64 " %d %s%s%s\n", what,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, (int)getpid(), self->run,
		*more ? " " : "", more);
	if (write(self->journal, line, (size_t)n) != n)
		_exit(99);
}

/* From 0 to n - 1. */
static unsigned
draw(struct self *self, unsigned n)
{
	self->draw = self->draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(self->draw >> 33) % n;
}

static void
pause_ms(unsigned ms)
{
	struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Held by whoever has the descriptor, so also by a child that outlives the flow. */
static void
take_lock(const struct self *self)
{
	int fd = open_beside(self, "lock", O_RDWR | O_CREAT);
	char who[64] = "";
	ssize_t n;

	if (fd < 0)
		_exit(99);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(fd, who, sizeof(who) - 1, 0);
		who[n > 0 ? n : 0] = '\0';
		note(self, 'O', who);
		_exit(98);
	}
	n = snprintf(who, sizeof(who), "%d %s", (int)getpid(), self->run);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, who, (size_t)n, 0) != n)
		_exit(99);
}

/* A helper of the same process group that stays a little longer than the flow. */
static void
leave_child(struct self *self, unsigned ms)
{
	if (fork() != 0)
		return;
	pause_ms(ms + draw(self, 300));
	_exit(0);
}

static bool
write_table(const struct self *self)
{
	int fd = open_beside(self, "table", O_RDONLY), status;
	char name[128];
	ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : 0;
	pid_t pid;

	if (n <= 0)
		return true;
	close(fd);
	name[n] = '\0';
	note(self, 'B', "");
	pid = fork();
	if (pid == 0) {
		execl(getenv("FLOWFILE_CLI"), "flowfile", "tables", "touch", name, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return false;
	note(self, 'W', "");
	return true;
}

int
main(int argc, char **argv)
{
	const char *mean = getenv("FLOWFILE_TEST_FLOW_MS"), *run = getenv("FLOWFILE_RUN_ID");
	struct self self = {.path = argv[0], .run = run ? run : "0"};
	unsigned ms;
	int code = 0;

	(void)argc;
	self.journal = open_beside(&self, "journal", O_WRONLY | O_CREAT | O_APPEND);
	if (self.journal < 0)
		return 99;
	self.draw = strtoull(self.run, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15);
	draw(&self, 2);
	note(&self, 'S', "");
	take_lock(&self);
	ms = draw(&self, 2 * (mean ? (unsigned)atoi(mean) : 300) + 1);
	if (draw(&self, 8) == 0)
		ms = 0;
	if (draw(&self, 12) == 0)
		signal(SIGTERM, SIG_IGN);
	if (draw(&self, 5) == 0)
		leave_child(&self, ms);
	printf("run %s takes %u ms\n", self.run, ms);
	fflush(stdout);
	pause_ms(ms);
	if (draw(&self, 10) == 0)
		code = 3;
	else if (!write_table(&self))
		code = 4;
	note(&self, 'E', (const char *[]){"0", "", "", "3", "4"}[code]);
	return code;
}
