/* flowfile scheduler open */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"

#define TOKEN_LEN 64

extern char **environ;

/* The first address of http_listen as a browser on this machine reaches it. */
static const char *
own_address(struct cli *cli, struct err *err)
{
	static const struct {
		const char *listen, *reach;
	} everywhere[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
	const char *listen = cli->config->http_listen;
	const char *address;

	if (!listen || !*listen || !strcmp(listen, "none")) {
		err_set(err, ERR_FAILED,
			"the scheduler has no address that a browser reaches: http_listen is none");
		return NULL;
	}
	address = arena_printf(&cli->arena, "%.*s", (int)strcspn(listen, ", \t"), listen);
	for (size_t i = 0; i < ARRAY_LEN(everywhere); i++)
		if (text_starts(address, everywhere[i].listen))
			address = arena_printf(&cli->arena, "%s%s", everywhere[i].reach,
				address + strlen(everywhere[i].listen));
	if (!strcmp(strrchr(address, ':') ? strrchr(address, ':') : "", ":0")) {
		err_set(err, ERR_FAILED,
			"http_listen is %s: the port is another one at each start, and named in "
			"the scheduler's log",
			listen);
		return NULL;
	}
	return address;
}

/* Read, and never made: that is the scheduler's. */
static const char *
read_token(struct cli *cli, struct err *err)
{
	const struct config *config = cli->config;
	char *path = config->http_token_file ? xstrdup(config->http_token_file)
					     : path_join(config->paths.base, "scheduler_token");
	char *text = file_read(path, 4096, NULL, err);
	const char *token = NULL;

	if (!text && err->code == ERR_NOT_FOUND)
		err_set(err, ERR_NOT_FOUND,
			"there is no token file %s\nThe scheduler makes it when it starts: "
			"`flowfile run flowfile_scheduler`.",
			path);
	if (text) {
		text[strcspn(text, " \t\r\n")] = '\0';
		if (strlen(text) != TOKEN_LEN ||
			strspn(text, "0123456789abcdef") != (size_t)TOKEN_LEN)
			err_set(err, ERR_FAILED, "token file %s: not 64 hex digits", path);
		else
			token = arena_strdup(&cli->arena, text);
	}
	free(text);
	free(path);
	return token;
}

/* A file of one's own that leads to the address: every user of the machine can read the arguments of a program. */
static const char *
write_door(struct cli *cli, const char *url, struct err *err)
{
	char *path = path_join(cli->config->paths.base, "scheduler_open.html");
	const char *result = arena_strdup(&cli->arena, path);
	const char *text = arena_printf(&cli->arena,
		"<!doctype html>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<meta http-equiv=\"refresh\" content=\"0; url=%s\">\n"
		"<title>flowfile_scheduler</title>\n<a href=\"%s\">flowfile_scheduler</a>\n",
		url, url);

	free(path);
	return file_write_atomic(result, text, strlen(text), 0600, err) < 0 ? NULL : result;
}

/* False where there is no display or no browser: the address is printed in any case. */
static bool
start_browser(struct cli *cli, const char *url)
{
	struct err err = ERR_INIT;
	posix_spawn_file_actions_t actions;
	const char *door;
	pid_t pid;
	int rc, status;

	if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
		return false;
	door = write_door(cli, url, &err);
	if (!door)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, "xdg-open", &actions, NULL,
		(char *[]){arena_strdup(&cli->arena, "xdg-open"), arena_strdup(&cli->arena, door),
			NULL},
		environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
scheduler_open_run(struct cli *cli, struct err *err)
{
	const char *address, *token, *url;
	struct json *j;
	bool opened;

	if (cli_configure(cli, err) < 0 || !(address = own_address(cli, err)))
		return -1;
	if (!strcmp(cli->config->http_auth, "none")) {
		url = arena_printf(&cli->arena, "http://%s/", address);
	} else {
		if (!(token = read_token(cli, err)))
			return -1;
		url = arena_printf(&cli->arena, "http://%s/?token=%s", address, token);
	}
	opened = !cli->json && start_browser(cli, url);
	if (cli->json) {
		j = out_json_begin(cli);
		json_object(j);
		json_kv_string(j, "url", url);
		json_object_end(j);
		return out_json_end(cli, err);
	}
	puts(url);
	if (!opened)
		fprintf(stderr, "Open this address in a browser on this machine.\n");
	return 0;
}
