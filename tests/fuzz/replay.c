/* Without libFuzzer: every file of the corpus, once. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "fuzz.h"

int
main(void)
{
	struct err err = ERR_INIT;
	struct dirent **names;
	int n = scandir(CORPUS, &names, NULL, alphasort), done = 0;

	for (int i = 0; i < n; i++) {
		char *path = path_join(CORPUS, names[i]->d_name), *data = NULL;
		size_t len;

		if (names[i]->d_name[0] != '.' && !(data = file_read(path, 1 << 20, &len, &err)))
			fprintf(stderr, "%s: %s\n", path, err.text);
		if (data) {
			LLVMFuzzerTestOneInput((const uint8_t *)data, len);
			done++;
		}
		free(data);
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	printf("%d inputs\n", done);
	return done > 0 ? 0 : 1;
}
