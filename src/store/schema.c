/* Making, checking and bringing up to date a catalog. One step is one transaction under a lock. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/schema.h"
#include "store/schema_parts.h"

#define FLOWFILE_REVISION 30
#define CHECKSUM_SIZE 17

/*
 * Our migrations, in order. A released one is never edited: a new one follows it. The triggers'
 * script is edited, and its version raised: a catalog whose triggers have a lower version, or the
 * same with another text, gets them anew; one with a higher version keeps them.
 */
struct migration {
	const char *name;
	int version;
};
static const struct migration migrations[] = {
	{"001-scheduler", 1},
	{"002-history", 2},
	{"003-sources", 3},
};
static const struct migration triggers = {"triggers", 3};

#define N_MIGRATIONS ((int)ARRAY_LEN(migrations))

struct applied {
	int version; /* of the highest migration; 0: none */
	char sums[ARRAY_LEN(migrations)][CHECKSUM_SIZE]; /* "": not applied */
	int triggers_version; /* 0: never made */
	char triggers_sum[CHECKSUM_SIZE];
};

/* All there is to know about a catalog before something is done to it. */
struct state {
	struct schema_info info;
	struct schema_shape shape;
	struct applied applied;
};

const char *
schema_script_text(const struct db *db, const char *base)
{
	const char *database = db_get_type(db) == DB_SQLITE ? "-sqlite" : "-postgres";
	size_t len = strlen(base);

	for (const struct schema_script *s = schema_scripts; s->name != NULL; s++)
		if (strncmp(s->name, base, len) == 0 && strcmp(s->name + len, database) == 0)
			return s->text;
	assert(false); /* a script is missing */
	return NULL;
}

static void
checksum(const char *text, char out[CHECKSUM_SIZE])
{
	snprintf(out, CHECKSUM_SIZE, "%016" PRIx64, text_hash(text));
}

static int
get_revision(struct db *db, struct schema_info *info, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_REVISION);
	int r = stmt_step(st, err);

	if (r > 0 && !col_null(st, 0))
		snprintf(info->revision, sizeof(info->revision), "%s", col_text(st, 0));
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

static void
applied_row(struct applied *applied, const char *name, int version, const char *sum)
{
	if (strcmp(name, triggers.name) == 0) {
		applied->triggers_version = version;
		snprintf(applied->triggers_sum, CHECKSUM_SIZE, "%s", sum);
		return;
	}
	if (version > applied->version)
		applied->version = version;
	for (int i = 0; i < N_MIGRATIONS; i++)
		if (migrations[i].version == version)
			snprintf(applied->sums[i], CHECKSUM_SIZE, "%s", sum);
}

static int
get_applied(struct db *db, struct applied *applied, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_MIGRATIONS);
	int r;

	while ((r = stmt_step(st, err)) > 0)
		applied_row(applied, col_text(st, 0), (int)col_int(st, 1), col_text(st, 2));
	return r;
}

/* Revisions are numbers so far; one that is not must come after them. */
static int64_t
revision_number(const char *revision)
{
	int64_t n;

	return text_to_int(revision, 0, INT32_MAX, &n) ? n : INT32_MAX;
}

static int
look(struct db *db, struct state *state, struct err *err)
{
	struct schema_info *info = &state->info;

	memset(state, 0, sizeof(*state));
	if (schema_get_shape(db, &state->shape, err) < 0)
		return -1;
	if (state->shape.revision_table && get_revision(db, info, err) < 0)
		return -1;
	if (state->shape.migrations_table && get_applied(db, &state->applied, err) < 0)
		return -1;
	if (schema_count_missing(db, &info->triggers_missing, err) < 0)
		return -1;
	info->empty = state->shape.n_tables == 0;
	info->our_version = state->applied.version;
	info->program_version = migrations[N_MIGRATIONS - 1].version;
	info->older_revision =
		info->revision[0] != '\0' && revision_number(info->revision) < FLOWFILE_REVISION;
	info->newer_revision = revision_number(info->revision) > FLOWFILE_REVISION &&
		info->revision[0] != '\0' && state->shape.missing[0] == '\0';
	return 0;
}

static int
look_once(struct db *db, struct state *state, struct err *err)
{
	bool own = !db_in_transaction(db);
	int r;

	if (own && db_begin_read(db, err) < 0)
		return -1;
	r = look(db, state, err);
	if (own)
		db_rollback(db);
	return r;
}

int
schema_inspect(struct db *db, struct schema_info *info, struct err *err)
{
	struct state state;

	if (look_once(db, &state, err) < 0)
		return -1;
	*info = state.info;
	return 0;
}

static int
check_flowfile(const struct state *state, struct err *err)
{
	const struct schema_info *info = &state->info;

	if (info->revision[0] == '\0')
		return err_set(err, ERR_FAILED,
			"it has tables but is no Flowfile catalog (no revision in "
			"alembic_version). If a Python "
			"scheduler made it before Flowfile was started, move it away and start "
			"again");
	if (info->older_revision)
		return err_set(err, ERR_FAILED,
			"its revision %s is older than %03d: start Flowfile 0.16 or newer on it "
			"once, which "
			"brings it up to date",
			info->revision, FLOWFILE_REVISION);
	if (state->shape.missing[0] != '\0')
		return err_set(err, ERR_FAILED, "%s is missing at revision %s%s",
			state->shape.missing, info->revision,
			revision_number(info->revision) > FLOWFILE_REVISION
				? ": this Flowfile is too new for this program; use a newer one"
				: ": the catalog is damaged; restore a backup");
	return 0;
}

static int
check_ours(const struct db *db, const struct state *state, struct err *err)
{
	const struct applied *applied = &state->applied;
	char sum[CHECKSUM_SIZE];

	if (applied->version > state->info.program_version)
		return err_set(err, ERR_FAILED,
			"it was used by a newer flowfile_scheduler (its tables have version %d, "
			"this program "
			"knows %d): use that one",
			applied->version, state->info.program_version);
	for (int i = 0; i < N_MIGRATIONS; i++) {
		checksum(schema_script_text(db, migrations[i].name), sum);
		if (applied->sums[i][0] != '\0' && strcmp(applied->sums[i], sum) != 0)
			return err_set(err, ERR_FAILED,
				"another build of flowfile_scheduler made its tables (migration %s "
				"has checksum "
				"%s, this program's is %s): use that build",
				migrations[i].name, applied->sums[i], sum);
	}
	return 0;
}

static int
check(const struct db *db, const struct state *state, struct err *err)
{
	if (state->info.empty)
		return 0;
	if (check_flowfile(state, err) < 0)
		return -1;
	return check_ours(db, state, err);
}

/* Whether the triggers must be made anew even if none is missing. */
static bool
triggers_old(const struct db *db, const struct applied *applied)
{
	char sum[CHECKSUM_SIZE];

	checksum(schema_script_text(db, triggers.name), sum);
	return applied->triggers_version < triggers.version ||
		(applied->triggers_version == triggers.version &&
			strcmp(applied->triggers_sum, sum) != 0);
}

static int
note_migration(struct db *db, const struct migration *m, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_NOTE_MIGRATION);
	char sum[CHECKSUM_SIZE];

	checksum(schema_script_text(db, m->name), sum);
	stmt_text(st, 1, m->name);
	stmt_int(st, 2, m->version);
	stmt_text(st, 3, sum);
	return stmt_exec(st, NULL, err);
}

static int
make_catalog(struct db *db, struct state *state, struct err *err)
{
	if (!state->info.empty)
		return 0;
	if (db_script(db, schema_script_text(db, "flowfile"), err) < 0 || schema_seed(db, err) < 0)
		return -1;
	log_info("Catalog created location=%s revision=%03d", db_display(db), FLOWFILE_REVISION);
	return 0;
}

static int
migrate(struct db *db, struct state *state, struct err *err)
{
	for (int i = 0; i < N_MIGRATIONS; i++) {
		if (migrations[i].version <= state->applied.version)
			continue;
		if (stmt_exec(db_stmt(db, SQL_SCHEMA_MAKE_MIGRATIONS), NULL, err) < 0 ||
			db_script(db, schema_script_text(db, migrations[i].name), err) < 0 ||
			note_migration(db, &migrations[i], err) < 0)
			return err_prefix(err, "migration %s", migrations[i].name);
		log_info("Scheduler tables migrated version=%d name=%s", migrations[i].version,
			migrations[i].name);
		return 1;
	}
	return 0;
}

static int
renew_triggers(struct db *db, struct state *state, struct err *err)
{
	if (state->info.triggers_missing == 0 && !triggers_old(db, &state->applied))
		return 0;
	/* A trigger that names a missing table would make every write of everybody's fail. */
	if (state->shape.ours_missing != NULL)
		return err_set(err, ERR_FAILED, "triggers: table %s is missing",
			state->shape.ours_missing);
	if (schema_make_triggers(db, err) < 0 || note_migration(db, &triggers, err) < 0 ||
		schema_catch_up(db, err) < 0)
		return err_prefix(err, "triggers");
	/* The first time all of them are. */
	if (state->info.triggers_missing > 0 && state->applied.triggers_version > 0)
		log_warning("Triggers were missing and are made anew; caught up missing=%d",
			state->info.triggers_missing);
	return 0;
}

/* One step: looks again under the lock, since another program may have done it meanwhile. Returns
 * what the step returned. */
typedef int (*step_cb)(struct db *db, struct state *state, struct err *err);

static int
run_step(struct db *db, step_cb step, struct err *err)
{
	bool own = !db_in_transaction(db);
	struct state state;
	int64_t ignored;
	int r = -1;

	if (own && db_begin(db, err) < 0)
		return -1;
	if (stmt_get_int(db_stmt(db, SQL_SCHEMA_LOCK), &ignored, err) >= 0 &&
		look(db, &state, err) >= 0 && check(db, &state, err) >= 0)
		r = step(db, &state, err);
	if (own && r >= 0 && db_commit(db, err) < 0)
		r = -1;
	if (own)
		db_rollback(db);
	return r;
}

static int
prepare(struct db *db, struct err *err)
{
	struct state state;
	int r;

	if (look_once(db, &state, err) < 0 || check(db, &state, err) < 0)
		return -1;
	if (state.info.newer_revision)
		log_warning("Catalog is newer than this program, but has all it needs "
			    "revision=%s known=%03d",
			state.info.revision, FLOWFILE_REVISION);
	if (state.info.empty && run_step(db, make_catalog, err) < 0)
		return -1;
	while (state.info.our_version < state.info.program_version) {
		if ((r = run_step(db, migrate, err)) < 0)
			return -1;
		if (r == 0)
			break;
	}
	if (state.info.triggers_missing == 0 && !triggers_old(db, &state.applied))
		return 0;
	return run_step(db, renew_triggers, err);
}

int
schema_prepare(struct db *db, struct err *err)
{
	if (prepare(db, err) < 0)
		return err_prefix(err, "catalog %s", db_display(db));
	return 0;
}

int
schema_ensure_triggers(struct db *db, struct err *err)
{
	int missing;

	if (schema_count_missing(db, &missing, err) < 0)
		return -1;
	if (missing > 0 && run_step(db, renew_triggers, err) < 0)
		return err_prefix(err, "catalog %s", db_display(db));
	return missing;
}

static int
remove_ours(struct db *db, struct state *state, struct err *err)
{
	(void)state;
	if (schema_run_rows(db, SQL_SCHEMA_DROP_TRIGGERS, err) < 0)
		return -1;
	return schema_run_rows(db, SQL_SCHEMA_DROP_TABLES, err);
}

int
schema_remove_ours(struct db *db, struct err *err)
{
	return run_step(db, remove_ours, err);
}
