/* For the tests: zones from the system's tz database. */
#ifndef FF_TESTS_ZONE_FILES_H
#define FF_TESTS_ZONE_FILES_H

#include "core/tz.h"

/* The bytes of a zone file, owned by the caller. Fails the test when there is none. */
char *zone_file_read(const char *name, size_t *len);
/* A zone that stays loaded until zone_files_free(). Fails the test when there is none. */
const struct tz *zone_file(const char *name);
void zone_files_free(void);

#endif
