#include "pg_cluster.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define BINDIRS "/usr/lib/postgresql/*/bin:/usr/pgsql-*/bin:/usr/local/pgsql/bin:/usr/bin"
#define ROLE "flowfile"

struct pg_cluster {
	char *bindir; /* of the server's programs */
	char *dir, *data, *log, *url;
	int keeper_pipe;
	pid_t keeper;
};

static void
die(const char *what)
{
	fprintf(stderr, "pg_cluster: %s\n", what);
	exit(2);
}

/* The newest that is installed; NULL: none. Owned. */
static char *
find_bindir(void)
{
	char *dirs = xstrdup(BINDIRS), *save = NULL, *found = NULL;

	for (char *dir = strtok_r(dirs, ":", &save); dir != NULL && found == NULL;
		dir = strtok_r(NULL, ":", &save)) {
		char *pattern = xasprintf("%s/initdb", dir);
		glob_t hits;

		if (glob(pattern, 0, NULL, &hits) == 0) {
			found = xstrdup(hits.gl_pathv[hits.gl_pathc - 1]);
			*strrchr(found, '/') = '\0';
		}
		globfree(&hits);
		free(pattern);
	}
	free(dirs);
	return found;
}

/* The server refuses to run as root. */
static const struct passwd *
server_user(void)
{
	return geteuid() == 0 ? getpwnam("postgres") : NULL;
}

static void
become_server_user(void)
{
	const struct passwd *pw = server_user();

	if (pw == NULL)
		return;
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		setuid(pw->pw_uid) < 0)
		_exit(126);
}

/* Runs a program of the server's, its output to the log. Whether it succeeded. */
static bool
run(const struct pg_cluster *pg, const char *program, const char *const *args)
{
	char *path = xasprintf("%s/%s", pg->bindir, program);
	const char *argv[16] = {path};
	int status;
	pid_t pid;

	for (int i = 0; args[i] != NULL; i++)
		argv[i + 1] = args[i];
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int fd;

		become_server_user();
		fd = open(pg->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (chdir(pg->dir) == 0)
			execv(path, (char *const *)argv);
		_exit(127);
	}
	free(path);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void
show_log(const struct pg_cluster *pg)
{
	FILE *f = fopen(pg->log, "r");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		fputs(line, stderr);
	if (f != NULL)
		fclose(f);
}

static void
run_or_die(const struct pg_cluster *pg, const char *program, const char *const *args)
{
	if (run(pg, program, args))
		return;
	show_log(pg);
	die(program);
}

void
pg_cluster_start(struct pg_cluster *pg)
{
	char *options = xasprintf("-c listen_addresses='' -c unix_socket_directories='%s' "
				  "-c fsync=off -c max_connections=40",
		pg->dir);

	run_or_die(pg, "pg_ctl",
		(const char *[]){
			"start", "-w", "-s", "-D", pg->data, "-l", pg->log, "-o", options, NULL});
	free(options);
}

void
pg_cluster_stop(struct pg_cluster *pg)
{
	run_or_die(pg, "pg_ctl",
		(const char *[]){"stop", "-w", "-s", "-m", "fast", "-D", pg->data, NULL});
}

/* Waits until nobody holds the pipe's other end any more, then cleans up. */
static void
keep(struct pg_cluster *pg, int pipe_fd)
{
	char c;
	int status;

	while (read(pipe_fd, &c, 1) > 0)
		;
	run(pg, "pg_ctl",
		(const char *[]){"stop", "-w", "-s", "-m", "immediate", "-D", pg->data, NULL});
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", pg->dir, (char *)NULL);
		_exit(127);
	}
	wait(&status);
	_exit(0);
}

static void
start_keeper(struct pg_cluster *pg)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	fflush(NULL);
	pg->keeper = fork();
	if (pg->keeper < 0)
		die("fork");
	if (pg->keeper == 0) {
		close(fds[1]);
		/* Not to be killed together with the tests, nor to hold their output open. */
		setsid();
		dup2(open("/dev/null", O_RDWR), 1);
		dup2(1, 2);
		keep(pg, fds[0]);
	}
	close(fds[0]);
	pg->keeper_pipe = fds[1];
}

static void
make_dir(struct pg_cluster *pg)
{
	char dir[] = "/tmp/ff-pg-XXXXXX";
	const struct passwd *pw = server_user();

	if (mkdtemp(dir) == NULL || (pw != NULL && chown(dir, pw->pw_uid, pw->pw_gid) < 0))
		die("no folder");
	/* Tests that run as somebody else reach the socket too. */
	if (chmod(dir, 0755) < 0)
		die("chmod");
	pg->dir = xstrdup(dir);
	pg->data = xasprintf("%s/data", dir);
	pg->log = xasprintf("%s/log", dir);
	pg->url = xasprintf("postgresql:///catalog?host=%s&user=" ROLE, dir);
}

struct pg_cluster *
pg_cluster_create(void)
{
	char *bindir = find_bindir();
	struct pg_cluster *pg;

	if (bindir == NULL) {
		fprintf(stderr, "pg_cluster: PostgreSQL's server is not installed\n");
		return NULL;
	}
	pg = xcalloc(1, sizeof(*pg));
	pg->bindir = bindir;
	make_dir(pg);
	start_keeper(pg);
	run_or_die(pg, "initdb",
		(const char *[]){"-D", pg->data, "-U", ROLE, "-A", "trust", "-E", "UTF8",
			"--locale=C", "--no-sync", NULL});
	pg_cluster_start(pg);
	run_or_die(pg, "createdb", (const char *[]){"-h", pg->dir, "-U", ROLE, "catalog", NULL});
	return pg;
}

void
pg_cluster_free(struct pg_cluster *pg)
{
	int status;

	if (pg == NULL)
		return;
	close(pg->keeper_pipe);
	waitpid(pg->keeper, &status, 0);
	free(pg->bindir);
	free(pg->dir);
	free(pg->data);
	free(pg->log);
	free(pg->url);
	free(pg);
}

const char *
pg_cluster_url(const struct pg_cluster *pg)
{
	return pg->url;
}
