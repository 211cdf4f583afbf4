#include "runner/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

int
host_id_get(struct host_id *id, struct err *err)
{
	char *text;

	memset(id, 0, sizeof(*id));
	if (gethostname(id->host, sizeof(id->host) - 1) < 0)
		return err_errno(err, errno, "host name");
	text = file_read(BOOT_ID, 256, NULL, err);
	if (text == NULL)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (strlen(text) != sizeof(id->boot_id) - 1) {
		free(text);
		return err_set(err, ERR_FAILED, BOOT_ID ": not a boot id");
	}
	snprintf(id->boot_id, sizeof(id->boot_id), "%s", text);
	free(text);
	return 0;
}

char *
runner_find_shim(void)
{
	const char *named = text_env("FLOWFILE_SHIM");
	char *dir, *path;

	if (named != NULL)
		return xstrdup(named);
	dir = path_own_folder();
	if (dir != NULL) {
		path = path_join(dir, "flowfile-shim");
		free(dir);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup(PKGLIBEXECDIR "/flowfile-shim");
}
