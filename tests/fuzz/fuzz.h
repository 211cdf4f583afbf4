/*
 * Targets of fuzzing: each reads one input, and asserts what holds for all. Alone with libFuzzer (FUZZ_ALONE), or all in one program that
 * replays the corpora.
 */
#ifndef FF_FUZZ_H
#define FF_FUZZ_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define FUZZ_TARGETS(X)                                                                            \
	X(auth)                                                                                    \
	X(command)                                                                                 \
	X(conn)                                                                                    \
	X(cron)                                                                                    \
	X(delta)                                                                                   \
	X(exitfile)                                                                                \
	X(flow)                                                                                    \
	X(formula)                                                                                 \
	X(ini)                                                                                     \
	X(query)                                                                                   \
	X(request)                                                                                 \
	X(runlog)                                                                                  \
	X(zone)

#ifdef FUZZ_ALONE
#define FUZZ_TARGET(name) LLVMFuzzerTestOneInput
__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#else
#define FUZZ_TARGET(name) fuzz_##name
#define FUZZ_DECLARE(name) int FUZZ_TARGET(name)(const uint8_t *data, size_t size);
FUZZ_TARGETS(FUZZ_DECLARE)
#endif

/* Puts an input where its reader looks for it: a file of this process, written anew and never synced. False: it could not be. */
static inline bool
fuzz_file(char path[64], const char *name, const void *data, size_t size)
{
	int fd;
	ssize_t n;

	snprintf(path, 64, "%s/fuzz.%d.%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		(int)getpid(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	n = write(fd, data, size);
	close(fd);
	return n == (ssize_t)size;
}

#endif
