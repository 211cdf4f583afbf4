/*
 * A session advisory lock. It belongs to the connection: the server gives it up when the connection
 * ends, and the server's own keepalives end it when our host is gone.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lease/guard_backend.h"
#include "store/db.h"

/* How long one step may hold up the caller; connecting is one, asking another. */
#define STEP_MS 500
/* An attempt to connect that took long is not repeated before this. */
#define ATTEMPT_SLOW_US (200 * US_PER_MS)
#define ATTEMPT_WAIT_US (5 * US_PER_SEC)

/*
 * The key is "flowfile" in ASCII, one per database. A lock that we hold is not taken again: they
 * would be counted. Asking pg_locks also shows a pooler that gave our session to somebody else.
 */
static const char acquire_sql[] =
	"SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"
	" AND classid = 1718382455 AND objid = 1718185061 AND objsubid = 1 AND granted"
	" AND pid = pg_backend_pid()) THEN 1"
	" WHEN pg_try_advisory_lock(7380396447963376741) THEN 1 ELSE 0 END";

static const char release_sql[] = "SELECT pg_advisory_unlock(7380396447963376741)";

/* Keepalives so that the server notices in some ten seconds that our host is gone, and no end
 * because the session is idle. A setting that the server does not have is left out. */
static const char session_sql[] =
	"SELECT set_config(s.name, w.value, false) FROM (VALUES"
	" ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),"
	" ('tcp_keepalives_count', '3'), ('idle_session_timeout', '0')) AS w (name, value)"
	" JOIN pg_settings s ON s.name = w.name";

struct postgres_guard {
	struct guard guard;
	char *url;
	struct db *db; /* NULL: not connected */
	struct stmt *acquire, *release;
	bool held; /* as far as we know */
	struct boottime not_before; /* the next attempt to connect */
};

static struct postgres_guard *
of(struct guard *g)
{
	return (struct postgres_guard *)g;
}

/* Without its connection it is not held. */
static void
close_session(struct postgres_guard *g)
{
	if (g->db == NULL)
		return;
	stmt_finish(g->acquire);
	stmt_finish(g->release);
	db_close(g->db);
	g->acquire = g->release = NULL;
	g->db = NULL;
	g->held = false;
}

/* The server would notice the end of the connection, too, but a little later. */
static void
postgres_release(struct guard *guard)
{
	struct postgres_guard *g = of(guard);
	struct err ignored = ERR_INIT;
	int64_t released;

	if (g->held && stmt_get_int(g->release, &released, &ignored) < 0)
		close_session(g);
	g->held = false;
}

static int
open_session(struct postgres_guard *g, struct err *err)
{
	static const struct db_options options = {.connect_timeout_ms = STEP_MS,
		.statement_timeout_ms = STEP_MS,
		.application_name = "flowfile_scheduler guard"};
	struct db *db;

	if (db_open(g->url, &options, &db, err) < 0)
		return -1;
	if (db_script(db, session_sql, err) < 0) {
		db_close(db);
		return -1;
	}
	g->db = db;
	g->acquire = db_stmt_text(db, acquire_sql);
	g->release = db_stmt_text(db, release_sql);
	return 0;
}

static int
ensure_session(struct postgres_guard *g, struct err *err)
{
	struct boottime before = clock_boot(&clock_real), after;

	if (g->db != NULL)
		return 0;
	if (boottime_diff(before, g->not_before) < 0)
		return err_set(err, ERR_LOST, "the database did not answer lately");
	if (open_session(g, err) == 0)
		return 0;
	after = clock_boot(&clock_real);
	if (boottime_diff(after, before) > ATTEMPT_SLOW_US)
		g->not_before = boottime_add(after, ATTEMPT_WAIT_US);
	return -1;
}

static int
postgres_acquire(struct guard *guard, struct err *err)
{
	struct postgres_guard *g = of(guard);
	int64_t held;

	if (ensure_session(g, err) < 0)
		return err_prefix(err, "guard");
	if (stmt_get_int(g->acquire, &held, err) < 0) {
		/* A server that is only slow has not lost our session. */
		if (g->held && err->code == ERR_BUSY) {
			err_clear(err);
			return 1;
		}
		/* Whether we hold it cannot be told: let go of it. */
		close_session(g);
		return err_prefix(err, "guard");
	}
	g->held = held == 1;
	return g->held ? 1 : 0;
}

static void
postgres_free(struct guard *guard)
{
	close_session(of(guard));
	free(of(guard)->url);
	free(guard);
}

static const struct guard_backend postgres_backend = {
	postgres_acquire, postgres_release, postgres_free};

/* Connects when the lock is first asked for: the database may be away at the start. */
struct guard *
guard_postgres_create(const char *url)
{
	struct postgres_guard *g = xcalloc(1, sizeof(*g));

	g->guard.backend = &postgres_backend;
	g->url = xstrdup(url);
	g->not_before = clock_boot(&clock_real);
	return &g->guard;
}
