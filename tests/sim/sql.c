/* The database as other programs see it: SQLite itself, on the connection that the daemons share. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "sim.h"
#include "store/schema.h"

/* SQLite hands over each new connection: the store does not show its own. */
static sqlite3 *newest;
static struct db *template_db;
static sqlite3 *template_sql;

static int
note_connection(sqlite3 *sql, char **err, const void *api)
{
	(void)err;
	(void)api;
	newest = sql;
	return SQLITE_OK;
}

static struct sim *clock_sim;

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_sim ? sim_wall(clock_sim) : 0;
}

static struct boottime
boot(void *arg)
{
	(void)arg;
	return (struct boottime){clock_sim ? clock_sim->T : 0};
}

static const struct clock database_clock = {wall, boot, NULL};

static void
must(int r, struct err *err)
{
	if (r < 0) {
		fprintf(stderr, "simulator: %s\n", err->text);
		abort();
	}
}

/* Rows that cannot be changed for a reason of their own: a trigger of somebody's, a damaged page. */
static const char refusals_sql[] =
	"CREATE TRIGGER sim_run BEFORE UPDATE ON flow_runs WHEN sim_refuses('r', OLD.id) "
	"BEGIN SELECT RAISE(ABORT, 'refused'); END;"
	"CREATE TRIGGER sim_run_state BEFORE UPDATE ON scheduler_runs WHEN sim_refuses('r', "
	"OLD.run_id) BEGIN SELECT RAISE(ABORT, 'refused'); END;"
	"CREATE TRIGGER sim_schedule BEFORE UPDATE ON flow_schedules WHEN sim_refuses('s', "
	"OLD.id) BEGIN SELECT RAISE(ABORT, 'refused'); END;"
	"CREATE TRIGGER sim_cursor BEFORE INSERT ON scheduler_cursors WHEN sim_refuses('s', "
	"NEW.schedule_id) BEGIN SELECT RAISE(ABORT, 'refused'); END;"
	"CREATE TRIGGER sim_consumed BEFORE INSERT ON scheduler_consumed WHEN sim_refuses('s', "
	"NEW.schedule_id) BEGIN SELECT RAISE(ABORT, 'refused'); END;"
	"CREATE TRIGGER sim_request BEFORE UPDATE ON scheduler_requests WHEN sim_refuses('q', "
	"OLD.id) BEGIN SELECT RAISE(ABORT, 'refused'); END;";

bool
sql_is_refused(const struct sim *s, char table, int64_t id)
{
	for (int i = 0; i < s->n_refused; i++)
		if (s->refused[i].table == table && s->refused[i].id == id)
			return true;
	return false;
}

void
sql_refuse(struct sim *s, char table, int64_t id)
{
	if (s->n_refused == REFUSED_MAX || sql_is_refused(s, table, id))
		return;
	s->refused[s->n_refused++] = (struct refused){table, id};
	TRACE(s, "row %lld of %c is refused from now on", (long long)id, table);
}

void
sql_refuse_no_more(struct sim *s, char table, int64_t id)
{
	for (int i = 0; i < s->n_refused; i++)
		if (s->refused[i].table == table && s->refused[i].id == id)
			s->refused[i--] = s->refused[--s->n_refused];
	TRACE(s, "row %lld of %c is not refused any more", (long long)id, table);
}

/* sim_refuses(table, id): to a daemon. sim_refused(table, id): at all. */
static void
refuses(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	struct sim *s = clock_sim;
	bool whoever = sqlite3_user_data(ctx) != NULL;

	(void)n;
	sqlite3_result_int(ctx,
		(whoever || s->author) &&
			sql_is_refused(s, (char)sqlite3_value_text(args[0])[0],
				sqlite3_value_int64(args[1])));
}

static void
make_template(void)
{
	struct err err = ERR_INIT;

	if (template_db)
		return;
	/* One thread: its locks and its accounts would only cost. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_auto_extension((void (*)(void))note_connection);
	db_set_clock(&database_clock);
	must(db_open(":memory:", NULL, &template_db, &err), &err);
	template_sql = newest;
	must(schema_prepare(template_db, &err), &err);
	must(db_script(template_db, refusals_sql, &err), &err);
}

void
sql_forget_template(void)
{
	db_close(template_db);
	template_db = NULL;
	sqlite3_reset_auto_extension();
	db_set_clock(NULL);
}

static void
on_update(void *arg, int op, const char *database, const char *table, sqlite3_int64 rowid)
{
	(void)database;
	judge_touch(arg, op, table, rowid);
}

static void
on_rollback(void *arg)
{
	judge_rolled_back(arg);
}

/* How much work the database does for whom, for P13. */
static int
on_progress(void *arg)
{
	struct sim *s = arg;

	if (s->author)
		s->author->vm_ops += 20;
	return 0;
}

void
sql_open(struct sim *s)
{
	struct err err = ERR_INIT;
	sqlite3_backup *copy;

	make_template();
	clock_sim = s;
	must(db_open(":memory:", NULL, &s->db, &err), &err);
	s->sql = newest;
	copy = sqlite3_backup_init(s->sql, "main", template_sql, "main");
	assert(copy);
	sqlite3_backup_step(copy, -1);
	sqlite3_backup_finish(copy);
	sqlite3_create_function(s->sql, "sim_refuses", 2, SQLITE_UTF8, NULL, refuses, NULL, NULL);
	sqlite3_create_function(s->sql, "sim_refused", 2, SQLITE_UTF8, s, refuses, NULL, NULL);
	sqlite3_update_hook(s->sql, on_update, s);
	sqlite3_rollback_hook(s->sql, on_rollback, s);
	sqlite3_progress_handler(s->sql, 20, on_progress, s);
}

void
sql_close(struct sim *s)
{
	sqlite3_update_hook(s->sql, NULL, NULL);
	sqlite3_rollback_hook(s->sql, NULL, NULL);
	db_close(s->db);
	clock_sim = NULL;
}

static sqlite3_stmt *
prepare(struct sim *s, const char *fmt, va_list ap)
{
	char *text = sqlite3_vmprintf(fmt, ap);
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->sql, text, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "simulator: %s: %s\n", text, sqlite3_errmsg(s->sql));
		abort();
	}
	sqlite3_free(text);
	return st;
}

void
sql_exec(struct sim *s, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;

	va_start(ap, fmt);
	st = prepare(s, fmt, ap);
	va_end(ap);
	while (sqlite3_step(st) == SQLITE_ROW)
		;
	if (sqlite3_finalize(st) != SQLITE_OK) {
		fprintf(stderr, "simulator: %s\n", sqlite3_errmsg(s->sql));
		abort();
	}
	if (sqlite3_get_autocommit(s->sql))
		judge_committed(s, NULL);
}

int64_t
sql_int(struct sim *s, int64_t none, const char *fmt, ...)
{
	sqlite3_stmt *st;
	int64_t value = none;
	va_list ap;

	va_start(ap, fmt);
	st = prepare(s, fmt, ap);
	va_end(ap);
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(st, 0);
	while (sqlite3_step(st) == SQLITE_ROW)
		;
	sqlite3_finalize(st);
	return value;
}

const char *
sql_stamp(int64_t us)
{
	static char ring[8][TIMEFMT_SIZE];
	static unsigned next;
	char *out = ring[next++ % 8];

	time_format_catalog(us, out);
	return out;
}
