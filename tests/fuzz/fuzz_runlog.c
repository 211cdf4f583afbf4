/* Places in the log of a run: from wherever a reader starts, it comes to the end and never goes back. Four bytes are the place, one the
 * cap, the rest is the log. */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "runner/runlog.h"

static void
read_all(int fd, int64_t max_bytes, int64_t pos, size_t size)
{
	struct runlog_reader reader;
	char text[RUNLOG_MARK_MAX];
	size_t total = 0;
	ssize_t n;

	runlog_reader_init(&reader, fd, max_bytes, pos);
	while ((n = runlog_read(&reader, text, sizeof(text))) > 0) {
		assert((size_t)n <= sizeof(text) && reader.pos > pos);
		pos = reader.pos;
		total += (size_t)n;
		assert(total <= size + RUNLOG_MARK_MAX);
	}
	assert(n == 0 && reader.pos >= pos);
}

int
FUZZ_TARGET(runlog)(const uint8_t *data, size_t size)
{
	static int fd = -1;
	int32_t pos;

	if (size < 5)
		return 0;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	memcpy(&pos, data, 4);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data + 5, size - 5, 0) != (ssize_t)(size - 5))
		return 0;
	read_all(fd, 0, 0, size);
	read_all(fd, 256 * data[4], pos < 0 ? 0 : pos, size);
	return 0;
}
