/*
 * The floor under a flow: a program that does nothing but load the engine and run what its arguments say, one statement after another, with the
 * same limits that flows have.
 */
#include <stdio.h>
#include <stdlib.h>

#include "flow/duck.h"

int
main(int argc, char **argv)
{
	const char *threads = getenv("FLOWFILE_ENGINE_THREADS");
	struct duck_options options = {.threads = threads != NULL ? atoi(threads) : 0};
	struct err err = ERR_INIT;
	struct duck *d;

	if (duck_open(&options, &d, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		if (duck_exec(d, argv[i], NULL, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
	duck_close(d);
	return 0;
}
