/* Waiting for a run, and its log. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "catalog/runs.h"
#include "cli/cli.h"
#include "runner/runlog.h"

#define LOOK_MS 200 /* how often the catalog is asked whether the run has ended */
#define VERDICT_MS                                                                                 \
	2000 /* how long the exit code may come behind a row that the flow closed itself */
#define UNSEEN_EVERY 5 /* looks */
#define CHUNK_SIZE (64 * 1024)
#define TAIL_SIZE 4096 /* in which the last line is looked for */

static void
pause_ms(int64_t ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* 1: still active, 0: ended or gone. A locked database counts as "not known yet". */
static int
is_active(struct cli *cli, int64_t run_id, struct err *err)
{
	struct stmt *st = db_stmt(cli->catalog.db, SQL_CAT_RUN_STARTED_AT);
	int r;

	stmt_int(st, 1, run_id);
	r = stmt_step(st, err);
	stmt_reset(st);
	if (r < 0 && err->code == ERR_BUSY) {
		err_clear(err);
		return 1;
	}
	return r < 0 ? -1 : r;
}

/* Somebody who waits for a run. */
struct waiter {
	struct cli *cli;
	int64_t run_id;
	int looks;
	bool told; /* that nobody watches the run */
	enum unseen unseen;
};

/* What became of the run if no scheduler is running. What a look needs is not kept for as long as the wait. */
static int
look_unseen(struct waiter *w, struct err *err)
{
	struct arena kept = w->cli->arena;
	struct run_info run;
	int rc;

	w->cli->arena = (struct arena)ARENA_INIT;
	rc = runs_get(&w->cli->catalog, w->run_id, &w->cli->arena, &run, err);
	if (rc == 0)
		rc = unseen_look(w->cli, &run, 1, &w->unseen, err);
	arena_free(&w->cli->arena);
	w->cli->arena = kept;
	if (rc < 0 && err->code == ERR_BUSY) {
		err_clear(err);
		return 0;
	}
	return rc;
}

/* As is_active; 0 also when it has ended, or its process is gone, and no scheduler is there to record it. */
static int
goes_on(struct waiter *w, struct err *err)
{
	int active = is_active(w->cli, w->run_id, err);

	if (active <= 0 || w->looks++ % UNSEEN_EVERY != 0)
		return active;
	if (look_unseen(w, err) < 0)
		return -1;
	if (w->unseen == UNSEEN_OPEN && !w->told) {
		fflush(stdout);
		fprintf(stderr, "No scheduler is running; run %lld goes on without it.\n",
			(long long)w->run_id);
		w->told = true;
	}
	return w->unseen == UNSEEN_NOTHING || w->unseen == UNSEEN_OPEN;
}

static int
is_lost(const struct waiter *w, struct err *err)
{
	return err_set(err, ERR_FAILED,
		"the process of run %lld is gone, and no scheduler is running that would record "
		"how it ended\nStart one with `flowfile run flowfile_scheduler`.",
		(long long)w->run_id);
}

static volatile sig_atomic_t interrupted;

static void
note_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* What was asked for goes on without whoever waits for it. */
static int
leave(struct cli *cli, int64_t run_id)
{
	fflush(stdout);
	fprintf(stderr, "%s\n",
		cli_hint(cli,
			arena_printf(&cli->arena,
				"Run %lld goes on; end it with `flowfile runs cancel %lld`.",
				(long long)run_id, (long long)run_id)));
	cli->status = 128 + SIGINT;
	return 1;
}

int
follow_run(struct cli *cli, int64_t run_id, struct run_info *run, struct err *err)
{
	struct waiter w = {.cli = cli, .run_id = run_id};
	const struct sigaction on_interrupt = {.sa_handler = note_interrupt};
	int64_t wait_ms = 10, waited_ms = 0;
	int r;

	sigaction(SIGINT, &on_interrupt, NULL);
	while ((r = goes_on(&w, err)) > 0) {
		if (interrupted)
			return leave(cli, run_id);
		pause_ms(wait_ms);
		wait_ms = wait_ms * 2 < LOOK_MS ? wait_ms * 2 : LOOK_MS;
	}
	for (wait_ms = 20; r == 0; waited_ms += wait_ms) {
		r = runs_get(&cli->catalog, run_id, &cli->arena, run, err);
		if (r < 0 || !runs_verdict_pending(run) || waited_ms >= VERDICT_MS)
			break;
		pause_ms(wait_ms);
	}
	if (r == 0 && run->ended_us == TIME_NONE)
		r = unseen_look(cli, run, 1, &w.unseen, err);
	return r == 0 && w.unseen == UNSEEN_LOST ? is_lost(&w, err) : r;
}

/* Opens the log; with follow it waits for one to appear as long as the run is active. */
static int
open_log(struct waiter *w, const char *path, bool follow, struct err *err)
{
	for (;;) {
		int active = follow ? goes_on(w, err) : 0;
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

		if (active < 0) {
			if (fd >= 0)
				close(fd);
			return -1;
		}
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			return err_errno(err, errno, "%s", path);
		if (active == 0)
			return err_set(err, ERR_NOT_FOUND,
				"run %lld has no log: there is no file %s", (long long)w->run_id,
				path);
		pause_ms(LOOK_MS);
	}
}

/* All there is now. */
static int
copy_log(struct runlog_reader *reader, const char *path, struct err *err)
{
	char chunk[CHUNK_SIZE];
	struct stat sb;
	ssize_t n;

	/* Begun anew: a log is emptied when its run is launched once more. */
	if (fstat(reader->fd, &sb) == 0 && sb.st_size == 0)
		reader->pos = 0;
	while ((n = runlog_read(reader, chunk, sizeof(chunk))) > 0)
		if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
			return err_errno(err, errno, "cannot write to standard output");
	if (n < 0)
		return err_errno(err, errno, "%s", path);
	if (fflush(stdout) != 0)
		return err_errno(err, errno, "cannot write to standard output");
	return 0;
}

/* Until the file changes or a while has passed. */
static void
wait_for_change(int inotify_fd)
{
	struct pollfd pfd = {.fd = inotify_fd, .events = POLLIN};
	char events[4096];

	if (poll(&pfd, inotify_fd >= 0 ? 1 : 0, LOOK_MS) > 0)
		while (read(inotify_fd, events, sizeof(events)) > 0)
			;
}

static int
follow_file(struct waiter *w, const char *path, struct runlog_reader *reader, struct err *err)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), active = 1, rc = 0;

	if (watch >= 0 && inotify_add_watch(watch, path, IN_MODIFY) < 0) {
		close(watch);
		watch = -1;
	}
	while (rc == 0 && active > 0) {
		wait_for_change(watch);
		/* Asked before the last look at the file, so that nothing is missed. */
		active = goes_on(w, err);
		rc = active < 0 ? -1 : copy_log(reader, path, err);
	}
	if (rc == 0 && w->unseen == UNSEEN_LOST)
		rc = is_lost(w, err);
	if (watch >= 0)
		close(watch);
	return rc;
}

int
follow_log(struct cli *cli, int64_t run_id, bool follow, struct err *err)
{
	struct waiter w = {.cli = cli, .run_id = run_id};
	char *path = paths_run_log(&cli->config->paths, run_id);
	struct runlog_reader reader;
	int fd, rc = -1;

	fd = open_log(&w, path, follow, err);
	if (fd < 0)
		goto out;
	runlog_reader_init(&reader, fd, cli->config->run_log_max_bytes, 0);
	rc = copy_log(&reader, path, err);
	if (rc == 0 && follow)
		rc = follow_file(&w, path, &reader, err);
	close(fd);
out:
	free(path);
	return rc;
}

/* Of a text's lines the last that says something and is not the scheduler's own; NULL: none. It is ended in place. */
static char *
last_line(char *text)
{
	static const char ours[] = "[flowfile_scheduler] ";
	char *found = NULL, *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (line[strspn(line, " \t\r")] != '\0' && !text_starts(line, ours))
			found = line;
	return found;
}

const char *
log_last_line(struct cli *cli, int64_t run_id)
{
	char *path = paths_run_log(&cli->config->paths, run_id), tail[TAIL_SIZE + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *line = NULL;
	struct stat sb;
	ssize_t n = -1;

	free(path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &sb) == 0)
		n = pread(fd, tail, TAIL_SIZE, sb.st_size > TAIL_SIZE ? sb.st_size - TAIL_SIZE : 0);
	close(fd);
	if (n > 0) {
		tail[n] = '\0';
		line = last_line(tail);
	}
	return line != NULL ? out_clean(&cli->arena, line) : NULL;
}
