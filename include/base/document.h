/* Documents of people and programs, JSON and YAML alike, as one tree of JSON. */
#ifndef FF_BASE_DOCUMENT_H
#define FF_BASE_DOCUMENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DOCUMENT_MAX_BYTES (16 * 1024 * 1024)
#define DOCUMENT_DEPTH_MAX 64

/* Whether the name of a file ends in .json, .yaml or .yml, in any case. */
bool document_is_named(const char *path);

/*
 * The tree of a file, by its name's end; owned by the caller (cJSON_Delete). In YAML a plain scalar is what Python's reader takes it for, a
 * null, a truth value or a number, and a quoted one is text; tags are not looked at. A number that a double does not hold exactly is
 * text, in YAML. NULL with err: ERR_NOT_FOUND when there is no file, else ERR_USAGE with the line and column of what is wrong.
 */
cJSON *document_read(const char *path, struct err *err);

/* The same of a text; a NUL among its bytes is an error. name is for errors. */
cJSON *document_parse_json(const char *text, size_t len, const char *name, struct err *err);
cJSON *document_parse_yaml(const char *text, size_t len, const char *name, struct err *err);

/*
 * Writes a tree with all digits of its numbers, which cJSON's own printing rounds. What is nested too deep for the writer is
 * written by that.
 */
struct json;
void document_write(struct json *j, const cJSON *tree);

#endif
