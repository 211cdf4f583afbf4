#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_MIN 4096
#define TEMP_TRIES 16
#define TEMP_NAME_SIZE 32
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif

/*
 * Reads to the end, at most max bytes. The size that fstat gives is a hint only: files of /proc
 * say 0, and a file may grow meanwhile.
 */
static char *
read_all(int fd, size_t hint, size_t max, size_t *len, struct err *err)
{
	size_t cap = hint < max ? hint : max, n = 0;
	char *data;
	ssize_t got;

	/* One byte more than is allowed is asked for, which tells "too large" from "just fits". */
	cap = (cap < READ_MIN ? READ_MIN : cap) + 2;
	data = xmalloc(cap);
	for (;;) {
		got = read(fd, data + n, cap - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n > max)
			break;
		if (n == cap - 1) {
			cap *= 2;
			data = xrealloc(data, cap, 1);
		}
	}
	if (got < 0)
		err_errno(err, errno, "read");
	else if (n > max)
		err_set(err, ERR_FAILED, "larger than %zu bytes", max);
	if (got < 0 || n > max) {
		free(data);
		return NULL;
	}
	data[n] = '\0';
	*len = n;
	return data;
}

char *
file_read(const char *path, size_t max, size_t *len, struct err *err)
{
	size_t ignored;
	char *data = NULL;
	struct stat st;
	int fd;

	assert(max < SSIZE_MAX / 2);
	/* Without O_NONBLOCK a FIFO would hold us until somebody writes to it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, errno, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_FAILED, "%s: not a regular file", path);
		goto out;
	}
	data = read_all(fd, (size_t)st.st_size, max, len != NULL ? len : &ignored, err);
	if (data == NULL)
		err_prefix(err, "%s", path);
out:
	if (fd >= 0)
		close(fd);
	return data;
}

/* The name is short whatever the target's is, so that it cannot pass NAME_MAX. */
static int
temp_create(int dir, char name[TEMP_NAME_SIZE], mode_t mode)
{
	uint64_t random;
	int fd = -1;

	for (int i = 0; i < TEMP_TRIES && fd < 0; i++) {
		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -1;
		snprintf(name, TEMP_NAME_SIZE, ".tmp-%016" PRIx64, random);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

int
fd_fill_and_close(int fd, const void *data, size_t len)
{
	int saved;

	if (fd_write_all(fd, data, len) < 0 || fsync(fd) < 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return close(fd);
}

int
fd_sync_dir(int dir)
{
	return fsync(dir) < 0 && errno != EINVAL ? -1 : 0;
}

int
file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	const char *base = path_basename(path);
	char *dirname = path_dirname(path);
	char temp[TEMP_NAME_SIZE];
	int rc = -1, dir, fd;

	dir = open(dirname, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		err_errno(err, errno, "write %s", path);
		goto out;
	}
	fd = temp_create(dir, temp, mode);
	if (fd < 0) {
		err_errno(err, errno, "write %s: new file beside it", path);
		goto out;
	}
	if (fd_fill_and_close(fd, data, len) < 0 || renameat(dir, temp, dir, base) < 0) {
		err_errno(err, errno, "write %s", path);
		unlinkat(dir, temp, 0);
		goto out;
	}
	if (fd_sync_dir(dir) < 0) {
		err_errno(err, errno, "write %s: sync its directory", path);
		goto out;
	}
	rc = 0;
out:
	if (dir >= 0)
		close(dir);
	free(dirname);
	return rc;
}

/* Asks what is there only after mkdir failed, and whatever it failed with: a read-only file system
 * or a missing right does not matter for a directory that exists. */
static int
make_dir(const char *path, mode_t mode)
{
	struct stat st;
	int saved;

	if (mkdir(path, mode) == 0)
		return 0;
	saved = errno;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		saved = ENOTDIR;
	}
	errno = saved;
	return -1;
}

static int
remove_entry(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
file_remove_all(const char *path)
{
	return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

int
file_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char *copy = xstrdup(path), *p = copy;
	int rc = 0;

	p += strspn(p, "/");
	while (rc == 0 && (p = strchr(p, '/')) != NULL) {
		*p = '\0';
		/* The owner must be able to go on below, as with mkdir -p. */
		rc = make_dir(copy, mode | S_IWUSR | S_IXUSR);
		if (rc < 0)
			break;
		*p = '/';
		p += strspn(p, "/");
		if (*p == '\0') { /* slashes at the end */
			while (p > copy + 1 && p[-1] == '/')
				*--p = '\0';
			break;
		}
	}
	if (rc == 0)
		rc = make_dir(copy, mode);
	if (rc < 0)
		err_errno(err, errno, "make directory %s", copy);
	free(copy);
	return rc;
}

char *
path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	if (name[0] == '/' || len == 0)
		return xstrdup(name);
	if (name[0] == '\0')
		return xstrdup(dir);
	return xasprintf("%s%s%s", dir, dir[len - 1] == '/' ? "" : "/", name);
}

char *
path_dirname(const char *path)
{
	size_t len = (size_t)(path_basename(path) - path);

	if (len == 0)
		return xstrdup(".");
	while (len > 1 && path[len - 1] == '/')
		len--;
	return xstrndup(path, len);
}

const char *
path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* File systems where others write without this kernel knowing. */
static const struct {
	unsigned type;
	const char *name;
} remote_systems[] = {
	{NFS_SUPER_MAGIC, "NFS"},
	{CIFS_SUPER_MAGIC, "SMB"},
	{SMB2_SUPER_MAGIC, "SMB"},
	{SMB_SUPER_MAGIC, "SMB"},
	{FUSE_SUPER_MAGIC, "FUSE"},
	{V9FS_MAGIC, "9p"},
	{CEPH_SUPER_MAGIC, "Ceph"},
	{AFS_SUPER_MAGIC, "AFS"},
	{CODA_SUPER_MAGIC, "Coda"},
	{OCFS2_SUPER_MAGIC, "OCFS2"},
	{0x01161970, "GFS2"},
	{0x0BD00BD0, "Lustre"},
	{0x47504653, "GPFS"},
	{0x786F4256, "VirtualBox shared folder"},
	{0xBACBACBC, "VMware shared folder"},
};

int
file_system_remote(const char *path, const char **name)
{
	struct statfs fs;

	*name = NULL;
	if (statfs(path, &fs) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(remote_systems); i++)
		if (remote_systems[i].type == (unsigned)fs.f_type)
			*name = remote_systems[i].name;
	return 0;
}

char *
path_own_folder(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	return path_dirname(exe);
}
