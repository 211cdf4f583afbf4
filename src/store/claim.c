#include "store/claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/timefmt.h"

/* What a claim learns about its job before it writes anything. */
struct facts {
	int64_t user_id;
	const char *flow_name, *flow_uuid, *run_type; /* in the arena */
	char spec[512];
	const char *slot_key; /* NULL for a request */
	int64_t stamp_us; /* newest updated_at of the tables watched; TIME_NONE */
	int64_t local_slot_us; /* what last_cron_slot becomes; TIME_NONE */
	int64_t covered;
	bool done_already; /* this slot, or these writes, had their run */
};

static int
out_blocked(struct claim *out, enum block_reason why)
{
	out->outcome = CLAIM_BLOCKED;
	out->block = why;
	return 0;
}

static int
out_stale(struct claim *out)
{
	out->outcome = CLAIM_STALE;
	return 0;
}

/* Any active run of the flow, whoever started it: contract 4.3, by id or uuid (D-27). */
static int
check_busy(struct db *db, const struct facts *facts, struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_ACTIVE);
	int r;

	stmt_int(st, 1, out->flow_id);
	stmt_text(st, 2, facts->flow_uuid);
	r = stmt_get_int(st, &out->run_id, err);
	if (r > 0)
		out->outcome = CLAIM_BUSY;
	return r < 0 ? err_prefix(err, "look for an active run") : 0;
}

static void
take_flow(const struct stmt *st, int c, struct arena *arena, struct facts *facts, struct claim *out)
{
	out->flow_id = col_int(st, c);
	facts->flow_name = arena_strdup(arena, col_text(st, c + 1));
	out->flow_path = arena_strdup(arena, col_text(st, c + 2));
	facts->flow_uuid = arena_strdup(arena, col_text(st, c + 3));
}

static int
read_schedule(struct db *db, const struct launch *launch, struct arena *arena, struct facts *facts,
	struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_SCHEDULE);
	struct schedule_row row = {0};
	int r;

	stmt_int(st, 1, launch->id);
	if ((r = stmt_step(st, err)) <= 0) {
		stmt_reset(st);
		return r < 0 ? -1 : out_stale(out);
	}
	row.type = col_text(st, 1);
	row.interval_s = col_int(st, 2);
	row.cron_expression = col_text(st, 3);
	row.cron_timezone = col_text(st, 4);
	schedule_spec(&row, facts->spec, sizeof(facts->spec));
	facts->user_id = col_int(st, 5);
	out->schedule_id = launch->id;
	facts->run_type = "scheduled";
	take_flow(st, 7, arena, facts, out);
	if (!col_bool(st, 0) || schedule_spec_hash(facts->spec) != launch->spec_hash ||
		col_int(st, 6) != launch->flow_id)
		out_stale(out);
	else if (col_null(st, 7))
		out_blocked(out, BLOCK_FLOW_GONE);
	else if (col_null(st, 11))
		out_blocked(out, BLOCK_OWNER_GONE);
	else if (col_bool(st, 12))
		out_blocked(out, BLOCK_OWNER_DISABLED);
	stmt_reset(st);
	return 0;
}

/* Every table must have a write that no run consumed (P3). The key names the newest of each. */
static int
read_watches(struct db *db, const struct launch *launch, struct arena *arena, struct facts *facts,
	struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_WATCHES);
	struct buf key, cause;
	int64_t stamp_us;
	int r, n = 0;

	buf_init(&key, 64 * 1024);
	buf_init(&cause, 2000);
	stmt_int(st, 1, launch->id);
	while ((r = stmt_step(st, err)) > 0 && out->outcome == CLAIM_DONE) {
		int64_t seq = col_int_or(st, 3, -1);
		const char *name = col_text(st, 6);

		if (col_null(st, 1) || seq <= col_int(st, 1) || col_int(st, 2) != col_int(st, 4) ||
			!name)
			out_stale(out);
		if (col_time(st, 5, &stamp_us) > 0 && stamp_us > facts->stamp_us)
			facts->stamp_us = stamp_us;
		buf_printf(&key, "%s%" PRId64 ":%" PRId64, n ? "," : "", col_int(st, 0), seq);
		buf_printf(&cause, "%s%s", n ? ", " : "written: ", name ? name : "?");
		n++;
	}
	stmt_reset(st);
	facts->slot_key = arena_strdup(arena, buf_str(&key));
	out->cause =
		buf_failed(&cause) ? "written: many tables" : arena_strdup(arena, buf_str(&cause));
	if (n == 0)
		out_stale(out);
	buf_free(&key);
	buf_free(&cause);
	return r < 0 ? err_prefix(err, "read the watched tables") : 0;
}

static int
read_slot(const struct launch *launch, int64_t now_us, struct arena *arena, struct facts *facts,
	struct claim *out)
{
	char slot[TIMEFMT_SIZE];

	time_format_utc(launch->slot_us, slot);
	facts->slot_key = arena_strdup(arena, slot);
	facts->covered = launch->covered;
	if (launch->covered > 1)
		out->cause = arena_printf(
			arena, "slot %s, standing for %" PRId64 " slots", slot, launch->covered);
	else
		out->cause = arena_printf(arena, "slot %s", slot);
	if (launch->type == SCHEDULE_CRON)
		facts->local_slot_us = now_us + launch->local_offset_us;
	return 0;
}

static int
check_fired(struct db *db, struct facts *facts, const struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_FIRED);
	int64_t one;
	int r;

	stmt_int(st, 1, out->schedule_id);
	stmt_text(st, 2, facts->slot_key);
	r = stmt_get_int(st, &one, err);
	facts->done_already = r > 0;
	return r < 0 ? err_prefix(err, "look for an earlier firing") : 0;
}

static int
insert_run(struct db *db, const struct facts *facts, int64_t now_us, struct claim *out,
	struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_INSERT_RUN);
	int r;

	stmt_int(st, 1, out->flow_id);
	stmt_text(st, 2, facts->flow_uuid);
	stmt_text(st, 3, facts->flow_name);
	stmt_text(st, 4, out->flow_path);
	stmt_int(st, 5, facts->user_id);
	stmt_time(st, 6, now_us);
	stmt_text(st, 7, facts->run_type);
	stmt_int_or_null(st, 8, out->schedule_id, 0);
	r = stmt_get_int(st, &out->run_id, err);
	if (r == 0)
		return err_set(err, ERR_FAILED, "the run's row was not inserted");
	return r < 0 ? err_prefix(err, "insert the run") : 0;
}

static int
insert_run_state(struct db *db, const struct launch *launch, const struct claimant *who,
	int64_t now_us, const struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_INSERT_RUN_STATE);

	stmt_int(st, 1, out->run_id);
	stmt_text(st, 2, who->holder_id);
	stmt_text(st, 3, who->host);
	stmt_text(st, 4, who->boot_id);
	stmt_text(st, 5, out->cause);
	stmt_time(st, 6, launch->due_us);
	stmt_time(st, 7, now_us);
	return stmt_post(st, err);
}

static int
insert_firing(struct db *db, const struct launch *launch, const struct facts *facts, int64_t now_us,
	const struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_INSERT_FIRING);

	stmt_int(st, 1, launch->id);
	stmt_text(st, 2, facts->slot_key);
	stmt_time(st, 3, launch->due_us);
	stmt_time(st, 4, now_us);
	stmt_int(st, 5, out->run_id);
	stmt_int(st, 6, facts->covered);
	stmt_text(st, 7, out->cause);
	return stmt_post(st, err);
}

/* Flowfile's own columns, so that its scheduler can take over at any moment (contract 1.6, 4.5, 4.7). */
static int
stamp_schedule(struct db *db, const struct launch *launch, const struct facts *facts,
	int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_STAMP_SCHEDULE);

	stmt_int(st, 1, launch->id);
	stmt_time(st, 2, now_us);
	stmt_time(st, 3, facts->stamp_us);
	stmt_time(st, 4, facts->local_slot_us);
	return stmt_post(st, err);
}

int
claim_reseed(struct db *db, int64_t schedule_id, const char *spec, int64_t anchor_us,
	int64_t slot_us, int64_t triggered_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_PUT_CURSOR);

	stmt_int(st, 1, schedule_id);
	stmt_text(st, 2, spec);
	stmt_time(st, 3, anchor_us);
	stmt_time(st, 4, slot_us);
	stmt_time(st, 5, triggered_us);
	if (stmt_post(st, err) < 0)
		return err_prefix(err, "store the cursor of schedule %" PRId64, schedule_id);
	return 0;
}

/* "3:17,5:12": each table's watermark moves to the write that the key names. */
static int
consume(struct db *db, int64_t schedule_id, const char *key, struct err *err)
{
	int64_t table_id, seq;
	int used;

	while (sscanf(key, "%" SCNd64 ":%" SCNd64 "%n", &table_id, &seq, &used) == 2) {
		struct stmt *st = db_stmt(db, SQL_CLAIM_CONSUME);

		stmt_int(st, 1, schedule_id);
		stmt_int(st, 2, table_id);
		stmt_int(st, 3, seq);
		if (stmt_post(st, err) < 0)
			return err_prefix(err, "store the watermark");
		key += used;
		if (*key == ',')
			key++;
	}
	return 0;
}

static int
write_schedule(struct db *db, const struct launch *launch, const struct facts *facts,
	int64_t now_us, const struct claim *out, struct err *err)
{
	if (stamp_schedule(db, launch, facts, now_us, err) < 0 ||
		insert_firing(db, launch, facts, now_us, out, err) < 0)
		return -1;
	if (launch->slot_us != TIME_NONE)
		return claim_reseed(db, launch->id, facts->spec, launch->anchor_us, launch->slot_us,
			now_us, err);
	return consume(db, launch->id, facts->slot_key, err);
}

static int
claim_schedule(struct db *db, const struct launch *launch, const struct claimant *who,
	int64_t now_us, struct arena *arena, struct claim *out, struct err *err)
{
	struct facts facts = {
		.stamp_us = TIME_NONE, .local_slot_us = TIME_NONE, .covered = launch->covered};

	if (read_schedule(db, launch, arena, &facts, out, err) < 0)
		return -1;
	if (out->outcome == CLAIM_DONE && check_busy(db, &facts, out, err) < 0)
		return -1;
	if (out->outcome != CLAIM_DONE)
		return 0;
	if (launch->slot_us != TIME_NONE)
		read_slot(launch, now_us, arena, &facts, out);
	else if (read_watches(db, launch, arena, &facts, out, err) < 0)
		return -1;
	if (out->outcome != CLAIM_DONE)
		return 0;
	if (check_fired(db, &facts, out, err) < 0)
		return -1;
	if (facts.done_already) {
		/* The clock went back over this slot: pass it by (P4). */
		out_stale(out);
		return launch->slot_us == TIME_NONE
			? consume(db, launch->id, facts.slot_key, err)
			: claim_reseed(db, launch->id, facts.spec, launch->anchor_us,
				  launch->slot_us, launch->triggered_us, err);
	}
	if (insert_run(db, &facts, now_us, out, err) < 0 ||
		insert_run_state(db, launch, who, now_us, out, err) < 0)
		return -1;
	return write_schedule(db, launch, &facts, now_us, out, err);
}

static int
claim_request(struct db *db, const struct launch *launch, const struct claimant *who,
	int64_t now_us, struct arena *arena, struct claim *out, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_REQUEST);
	struct facts facts = {.stamp_us = TIME_NONE};
	int r;

	stmt_int(st, 1, launch->id);
	if ((r = stmt_step(st, err)) <= 0) {
		stmt_reset(st);
		return r < 0 ? -1 : out_stale(out);
	}
	out->schedule_id = col_int(st, 0);
	facts.run_type = out->schedule_id ? "on_demand" : "manual";
	facts.user_id = col_int(st, 1);
	if (col_null(st, 2))
		out_blocked(out, BLOCK_FLOW_GONE);
	take_flow(st, 2, arena, &facts, out);
	out->cause = arena_printf(arena, "run now%s%s", col_null(st, 6) ? "" : " by ",
		col_null(st, 6) ? "" : col_text(st, 6));
	stmt_reset(st);
	if (out->outcome == CLAIM_DONE && check_busy(db, &facts, out, err) < 0)
		return -1;
	if (out->outcome != CLAIM_DONE)
		return 0;
	if (insert_run(db, &facts, now_us, out, err) < 0 ||
		insert_run_state(db, launch, who, now_us, out, err) < 0)
		return -1;
	return claim_answer(db, launch->id, true, out->run_id, NULL, now_us, err);
}

int
claim_launch(struct db *db, const struct launch *launch, const struct claimant *who, int64_t now_us,
	struct arena *arena, struct claim *out, struct err *err)
{
	int r;

	memset(out, 0, sizeof(*out));
	out->outcome = CLAIM_DONE;
	r = launch->kind == JOB_SCHEDULE ? claim_schedule(db, launch, who, now_us, arena, out, err)
					 : claim_request(db, launch, who, now_us, arena, out, err);
	if (r < 0)
		return err_prefix(err, "claim %s %" PRId64,
			launch->kind == JOB_SCHEDULE ? "schedule" : "request", launch->id);
	return 0;
}

int
claim_answer(struct db *db, int64_t request_id, bool done, int64_t run_id, const char *detail,
	int64_t now_us, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_ANSWER);

	stmt_int(st, 1, request_id);
	stmt_text(st, 2, done ? "done" : "refused");
	stmt_int_or_null(st, 3, run_id, 0);
	stmt_text(st, 4, detail);
	stmt_time(st, 5, now_us);
	if (stmt_post(st, err) < 0)
		return err_prefix(err, "answer request %" PRId64, request_id);
	return 0;
}

static int
drop_pid(struct db *db, int64_t run_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_AGAIN_RUN);

	stmt_int(st, 1, run_id);
	if (stmt_exec(st, NULL, err) < 0)
		return err_prefix(err, "take the process from run %" PRId64, run_id);
	return 0;
}

int
claim_again(struct db *db, int64_t run_id, const struct claimant *who, int64_t now_us, int *attempt,
	struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_AGAIN);
	int r;

	stmt_int(st, 1, run_id);
	stmt_text(st, 2, who->holder_id);
	stmt_text(st, 3, who->host);
	stmt_text(st, 4, who->boot_id);
	stmt_time(st, 5, now_us);
	if ((r = stmt_step(st, err)) > 0)
		*attempt = (int)col_int(st, 0);
	stmt_reset(st);
	if (r < 0)
		return err_prefix(err, "claim run %" PRId64 " again", run_id);
	return r == 0 ? 0 : drop_pid(db, run_id, err) < 0 ? -1 : 1;
}

int
claim_back(struct db *db, int64_t run_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_BACK);

	stmt_int(st, 1, run_id);
	if (stmt_exec(st, NULL, err) < 0)
		return err_prefix(err, "make run %" PRId64 " a claim again", run_id);
	return drop_pid(db, run_id, err);
}

int
claim_arm(struct db *db, int64_t schedule_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_CLAIM_ARM);

	stmt_int(st, 1, schedule_id);
	if (stmt_post(st, err) < 0)
		return err_prefix(err, "arm schedule %" PRId64, schedule_id);
	return 0;
}
