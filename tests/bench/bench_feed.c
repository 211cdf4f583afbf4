/*
 * How long after another process's COMMIT returned the feed gives its hint, and whether every
 * commit is followed by one. A commit counts as heard of when a hint's receiver, reading at once,
 * sees it.
 *
 * Usage: bench_feed [COMMITS]
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../integration/pg_cluster.h"
#include "base/clock.h"
#include "base/mem.h"
#include "feed/feed.h"
#include "store/db.h"

#define COMMITS_DEFAULT 2000
#define COMMITS_MAX 1000000
#define GIVE_UP_SEC 5
#define SPACED_US 2000
#define CREATE_TABLE "CREATE TABLE IF NOT EXISTS commits (n INTEGER PRIMARY KEY)"
#define READ_VISIBLE "SELECT coalesce(max(n), 0) FROM commits"

struct scenario {
	const char *name;
	const char *journal, *synchronous; /* SQLite; NULL: PostgreSQL */
	int per_group; /* commits without a pause between them */
	int pause_us; /* between groups, on average */
};

static const struct scenario scenarios[] = {
	{"SQLite rollback journal", "delete", "full", 1, SPACED_US},
	{"  pairs", "delete", "full", 2, SPACED_US},
	{"  back to back", "delete", "full", 1, 0},
	{"SQLite truncated journal", "truncate", "full", 1, SPACED_US},
	{"SQLite WAL, full", "wal", "full", 1, SPACED_US},
	{"  pairs", "wal", "full", 2, SPACED_US},
	{"SQLite WAL, normal", "wal", "normal", 1, SPACED_US},
	{"  pairs", "wal", "normal", 2, SPACED_US},
	{"  back to back", "wal", "normal", 1, 0},
	{"PostgreSQL", NULL, NULL, 1, SPACED_US},
	{"  pairs", NULL, NULL, 2, SPACED_US},
};

/* One process's connection. */
struct conn {
	sqlite3 *sqlite;
	sqlite3_stmt *read;
	struct db *postgres;
};

struct bench {
	struct event_base *base;
	struct conn reader; /* of the hints' receiver */
	int commits;
	int heard;
	int64_t *committed_ns; /* shared with the writer; [n - 1] for commit n */
	int64_t *heard_ns;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_feed: %s: %s\n", what, why);
	exit(1);
}

/* ---- Connections ---- */

static void
sqlite_run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
}

/* SQLite's own handler sleeps longer and longer, which would be measured instead of the feed. */
static int
wait_a_little(void *arg, int tries)
{
	(void)arg;
	usleep(50);
	return tries < 200000;
}

static void
sqlite_open(struct conn *c, const char *path, const struct scenario *s)
{
	char *pragmas = sqlite3_mprintf(
		"PRAGMA journal_mode = %s; PRAGMA synchronous = %s", s->journal, s->synchronous);

	if (sqlite3_open(path, &c->sqlite) != SQLITE_OK)
		die(path, sqlite3_errmsg(c->sqlite));
	sqlite3_busy_handler(c->sqlite, wait_a_little, NULL);
	sqlite_run(c->sqlite, pragmas);
	sqlite_run(c->sqlite, CREATE_TABLE);
	if (sqlite3_prepare_v2(c->sqlite, READ_VISIBLE, -1, &c->read, NULL) != SQLITE_OK)
		die(READ_VISIBLE, sqlite3_errmsg(c->sqlite));
	sqlite3_free(pragmas);
}

static int
sqlite_read(struct conn *c)
{
	int n;

	if (sqlite3_step(c->read) != SQLITE_ROW)
		die(READ_VISIBLE, sqlite3_errmsg(c->sqlite));
	n = sqlite3_column_int(c->read, 0);
	sqlite3_reset(c->read);
	return n;
}

static void
postgres_run(struct db *db, const char *sql)
{
	struct err err = ERR_INIT;

	if (db_script(db, sql, &err) < 0)
		die(sql, err.text);
}

static int
postgres_read(struct db *db)
{
	struct stmt *st = db_stmt_text(db, READ_VISIBLE);
	struct err err = ERR_INIT;
	int64_t n;

	if (stmt_get_int(st, &n, &err) < 0)
		die(READ_VISIBLE, err.text);
	stmt_finish(st);
	return (int)n;
}

static void
conn_open(struct conn *c, const char *url, const struct scenario *s)
{
	struct err err = ERR_INIT;

	if (s->journal != NULL) {
		sqlite_open(c, url, s);
		return;
	}
	if (db_open(url, NULL, &c->postgres, &err) < 0)
		die(url, err.text);
	postgres_run(c->postgres, CREATE_TABLE);
}

static void
conn_close(struct conn *c)
{
	sqlite3_finalize(c->read);
	sqlite3_close(c->sqlite);
	db_close(c->postgres);
	*c = (struct conn){0};
}

static int
conn_read(struct conn *c)
{
	return c->postgres != NULL ? postgres_read(c->postgres) : sqlite_read(c);
}

static void
conn_run(struct conn *c, const char *sql)
{
	if (c->postgres != NULL)
		postgres_run(c->postgres, sql);
	else
		sqlite_run(c->sqlite, sql);
}

static void
conn_commit(struct conn *c, int n)
{
	char sql[160];

	if (c->postgres != NULL)
		snprintf(sql, sizeof(sql),
			"INSERT INTO commits VALUES (%d); NOTIFY flowfile_scheduler, '%d'", n, n);
	else
		snprintf(sql, sizeof(sql), "INSERT INTO commits VALUES (%d)", n);
	conn_run(c, sql);
}

static void
empty_table(const char *url, const struct scenario *s)
{
	struct conn c = {0};

	conn_open(&c, url, s);
	conn_run(&c, "DELETE FROM commits");
	conn_close(&c);
}

/* ---- The writer ---- */

static void
write_all(const char *url, const struct scenario *s, const struct bench *b)
{
	struct conn c = {0};

	conn_open(&c, url, s);
	for (int n = 1; n <= b->commits; n++) {
		conn_commit(&c, n);
		b->committed_ns[n - 1] = now_ns();
		if (s->pause_us > 0 && n % s->per_group == 0)
			usleep((useconds_t)(s->pause_us / 2 + rand() % s->pause_us));
	}
	conn_close(&c);
}

/* A process that writes once *go is closed; *done ends with it. */
static pid_t
start_writer(const char *url, const struct scenario *s, const struct bench *b, int *go, int *done)
{
	int go_fds[2], done_fds[2];
	char c;
	pid_t pid;

	if (pipe2(go_fds, O_CLOEXEC) < 0 || pipe2(done_fds, O_CLOEXEC) < 0)
		die("pipe", "failed");
	pid = fork();
	if (pid == 0) {
		close(go_fds[1]);
		close(done_fds[0]);
		(void)!read(go_fds[0], &c, 1);
		write_all(url, s, b);
		_exit(0);
	}
	close(go_fds[0]);
	close(done_fds[1]);
	*go = go_fds[1];
	*done = done_fds[0];
	return pid;
}

/* ---- The receiver ---- */

static void
on_hint(enum feed_hint hint, int64_t first_seq, void *arg)
{
	struct bench *b = arg;
	int64_t now = now_ns();
	int visible = conn_read(&b->reader);

	(void)hint;
	(void)first_seq;
	while (b->heard < visible)
		b->heard_ns[b->heard++] = now;
	if (b->heard == b->commits)
		event_base_loopbreak(b->base);
}

static void
on_writer_done(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	struct timeval wait = {GIVE_UP_SEC, 0};

	(void)fd;
	(void)what;
	event_base_loopexit(b->base, &wait);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
report(const struct bench *b, const struct scenario *s, const struct feed_stats *stats)
{
	int64_t *us = xcalloc((size_t)b->commits, sizeof(*us));
	int n = b->heard;

	for (int i = 0; i < n; i++)
		us[i] = (b->heard_ns[i] - b->committed_ns[i]) / 1000;
	qsort(us, (size_t)n, sizeof(*us), compare);
	printf("%-26s %7d %7d %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64
	       " %8" PRId64 "\n",
		s->name, b->commits, b->commits - n, us[n / 2], us[n * 99 / 100],
		us[n > 0 ? n - 1 : 0], stats->events, stats->checks, stats->hints);
	fflush(stdout);
	free(us);
}

static void
receive(struct bench *b, const char *url, const struct scenario *s, int go, int done,
	struct feed_stats *stats)
{
	struct event *writer_done = event_new(b->base, done, EV_READ, on_writer_done, b);
	struct err err = ERR_INIT;
	struct feed *feed;

	conn_open(&b->reader, url, s);
	if (feed_create(b->base, url, on_hint, b, &feed, &err) < 0)
		die("feed", err.text);
	event_add(writer_done, NULL);
	close(go);
	event_base_dispatch(b->base);
	feed_get_stats(feed, stats);
	feed_free(feed);
	conn_close(&b->reader);
	event_free(writer_done);
	close(done);
}

/* Returns how many commits were never heard of. */
static int
run(const char *url, const struct scenario *s, int commits)
{
	struct bench b = {.commits = commits, .base = event_base_new()};
	size_t size = (size_t)commits * sizeof(int64_t);
	struct feed_stats stats;
	int go, done, status;
	pid_t writer;

	b.committed_ns =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.committed_ns == MAP_FAILED)
		die("mmap", "failed");
	b.heard_ns = xmalloc(size);
	empty_table(url, s);
	writer = start_writer(url, s, &b, &go, &done);
	receive(&b, url, s, go, done, &stats);
	if (waitpid(writer, &status, 0) != writer || status != 0)
		die(s->name, "the writer failed");
	report(&b, s, &stats);
	event_base_free(b.base);
	munmap(b.committed_ns, size);
	free(b.heard_ns);
	return commits - b.heard;
}

int
main(int argc, char **argv)
{
	int commits = argc > 1 ? atoi(argv[1]) : COMMITS_DEFAULT, lost = 0;
	char dir[] = "/tmp/ff-bench-feed-XXXXXX";
	struct pg_cluster *pg = NULL;

	if (commits < 1 || commits > COMMITS_MAX || mkdtemp(dir) == NULL)
		die("usage", "bench_feed [COMMITS]");
#ifdef HAVE_POSTGRES
	pg = pg_cluster_create();
#endif
	printf("%-26s %7s %7s %8s %8s %8s %8s %8s %8s\n", "from COMMIT to hint, us", "commits",
		"lost", "median", "p99", "max", "events", "checks", "hints");
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		char *path = xasprintf("%s/%zu.db", dir, i);

		if (s->journal != NULL)
			lost += run(path, s, commits);
		else if (pg != NULL)
			lost += run(pg_cluster_url(pg), s, commits);
		unlink(path);
		free(path);
	}
	rmdir(dir);
	pg_cluster_free(pg);
	return lost == 0 ? 0 : 1;
}
