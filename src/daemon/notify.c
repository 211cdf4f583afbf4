#include "daemon/notify.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
static int
sd_notify(int unset, const char *state)
{
	(void)unset;
	(void)state;
	return 0;
}
#endif

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *text)
{
	static char last[256];
	char line[300];

	if (!strcmp(text, last))
		return;
	snprintf(last, sizeof(last), "%s", text);
	snprintf(line, sizeof(line), "STATUS=%s", text);
	sd_notify(0, line);
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void
notify_patience(int seconds)
{
	char line[64];

	snprintf(line, sizeof(line), "EXTEND_TIMEOUT_USEC=%d000000", seconds);
	sd_notify(0, line);
}
