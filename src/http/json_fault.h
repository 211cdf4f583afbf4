/* What is wrong with a text that should be JSON (contract 5.1, "json_invalid"). */
#ifndef FF_HTTP_JSON_FAULT_H
#define FF_HTTP_JSON_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_FAULT_DEPTH_MAX 32 /* of arrays and objects in each other */

struct json_fault {
	int64_t offset; /* in characters */
	const char *why; /* static */
};

/* Whether there is a fault; the first one is in *fault. */
bool json_find_fault(const char *text, size_t len, struct json_fault *fault);

#endif
