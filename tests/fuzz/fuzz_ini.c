/* Configuration files: what is in them is taken, or refused with the file's name and, but for what concerns all of it, the line. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/config.h"
#include "fuzz.h"

int
FUZZ_TARGET(ini)(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct config *config;
	char path[64];

	if (!fuzz_file(path, "ini", data, size))
		return 0;
	if (config_load(path, &config, &err) == 0) {
		assert(config->heartbeat_s >= 1 && config->heartbeat_s <= 30);
		assert(config->database && config->http_auth);
		config_free(config);
	} else {
		assert(err.text[0] != '\0');
	}
	unlink(path);
	return 0;
}
