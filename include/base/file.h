/* Files: reading with a bound, writing that is whole or not at all. */
#ifndef FF_BASE_FILE_H
#define FF_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The whole regular file, NUL-terminated, owned by the caller; NULL with err when it cannot be read
 * or is larger than max bytes. *len (may be NULL) is its length. */
char *file_read(const char *path, size_t max, size_t *len, struct err *err);

/* Writes data aside, syncs, renames over path and syncs the directory: after a crash there is the
 * old content or the new, and nothing else. mode is narrowed by the umask. An error may come
 * after the rename (the directory could not be synced): then the new content is there, but may not
 * last. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* mkdir -p; new directories get mode. An existing directory is fine. */
int file_mkdirs(const char *path, mode_t mode, struct err *err);

/* A file, or a folder with all that is in it; links are removed, not followed. 0, or -1 with errno: some of it may be gone. */
int file_remove_all(const char *path);

/* "dir/name", owned by the caller. An absolute name stays as it is. */
char *path_join(const char *dir, const char *name);
/* What is before the last '/': "." when there is none. Owned by the caller. */
char *path_dirname(const char *path);
/* The part after the last '/'. Borrowed. */
const char *path_basename(const char *path);

/* The kind of network or shared file system that path is on ("NFS"), where others write without this kernel
 * knowing and locks may not hold; *name NULL: none that is known. 0, or -1 with errno. */
int file_system_remote(const char *path, const char **name);

/* The folder of the running program, owned by the caller; NULL where /proc does not say it. */
char *path_own_folder(void);

/* Writes all bytes, through EINTR and short writes. 0, or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t len);
/* Writes, syncs and closes the file. 0, or -1 with errno; closed in any case. */
int fd_fill_and_close(int fd, const void *data, size_t len);
/* Syncs a directory. Some file systems cannot and say EINVAL; then there is nothing to wait for. 0, or -1
 * with errno. */
int fd_sync_dir(int dir);

#endif
