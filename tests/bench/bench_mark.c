/* The flow of the benchmark: notes when it started and for which cause, and ends. Static and small, so that
 * what is measured is the scheduler and not the start of an interpreter. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main(void)
{
	const char *out = getenv("FLOWFILE_BENCH_OUT"), *cause = getenv("FLOWFILE_RUN_CAUSE");
	struct timespec now;
	char line[512];
	int fd, n;

	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof(line), "%lld%09ld %s\n", (long long)now.tv_sec, now.tv_nsec,
		cause ? cause : "-");
	if (!out || n < 0 || n >= (int)sizeof(line) ||
		(fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0)
		return 1;
	return write(fd, line, (size_t)n) == n ? 0 : 1;
}
