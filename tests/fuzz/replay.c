/* Without libFuzzer: every file of the corpora, once. In the form that Check has for what it counts. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "fuzz.h"

#define INPUT_MAX (1024 * 1024)

static const struct target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
} targets[] = {
#define TARGET(name) {#name, fuzz_##name},
	FUZZ_TARGETS(TARGET)
#undef TARGET
};

/* How many there are; an assertion of the target ends the program. */
static int
replay(const struct target *target)
{
	struct err err = ERR_INIT;
	struct dirent **names;
	char *folder = path_join(CORPUS, target->name);
	int n = scandir(folder, &names, NULL, alphasort), done = 0;

	for (int i = 0; i < n; i++) {
		char *path = path_join(folder, names[i]->d_name), *data = NULL;
		size_t len;

		if (names[i]->d_name[0] != '.' && !(data = file_read(path, INPUT_MAX, &len, &err)))
			fprintf(stderr, "%s\n", err.text);
		if (data) {
			printf("%s\n", path);
			fflush(stdout);
			target->run((const uint8_t *)data, len);
			done++;
		}
		free(data);
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	free(folder);
	return done;
}

int
main(void)
{
	int n = 0, without = 0;

	log_set_level(LOG_ERROR_LEVEL);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		int done = replay(&targets[i]);

		n += done;
		if (done == 0) {
			printf("%s: no input\n", targets[i].name);
			without++;
		}
	}
	printf("%d%%: Checks: %d, Failures: 0, Errors: %d\n", without ? 0 : 100, n + without,
		without);
	return without ? 1 : 0;
}
