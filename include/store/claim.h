/*
 * Claims: the statements that turn a decision into a run, inside a fenced transaction that the caller
 * began. Everything a claim depends on is read again here, so that the world may be behind.
 */
#ifndef FF_STORE_CLAIM_H
#define FF_STORE_CLAIM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "core/decide.h"
#include "store/db.h"

enum claim_outcome {
	CLAIM_DONE, /* the run's row is in; it counts once the transaction is committed */
	CLAIM_BUSY, /* the flow has an active run: run_id says which */
	CLAIM_STALE, /* the row is not what was decided on, or nothing is due: read it again */
	CLAIM_BLOCKED, /* block says why */
};

struct claim {
	enum claim_outcome outcome;
	enum block_reason block;
	int64_t run_id;
	int64_t flow_id, schedule_id; /* schedule_id 0: none */
	/* in the arena */
	const char *flow_path, *cause;
};

/* Who claims, for scheduler_runs. */
struct claimant {
	const char *holder_id, *host, *boot_id;
};

int claim_launch(struct db *db, const struct launch *launch, const struct claimant *who,
	int64_t now_us, struct arena *arena, struct claim *out, struct err *err);

/* Answers a request; a request that is answered already is left alone. run_id 0: none. */
int claim_answer(struct db *db, int64_t request_id, bool done, int64_t run_id, const char *detail,
	int64_t now_us, struct err *err);

/* Takes over a run that was claimed and never started: attempt + 1, ours now. 1 and *attempt; 0 if it ended
 * or was cancelled meanwhile. */
int claim_again(struct db *db, int64_t run_id, const struct claimant *who, int64_t now_us,
	int *attempt, struct err *err);

/* A recorded attempt certainly never began: it is a claim again, to be taken over. */
int claim_back(struct db *db, int64_t run_id, struct err *err);

/* Stores a schedule's new cursor (see world_put_schedule's reseed). */
int claim_reseed(struct db *db, int64_t schedule_id, const char *spec, int64_t anchor_us,
	int64_t slot_us, int64_t triggered_us, struct err *err);
/* Arms the tables of a schedule that have no watermark of ours yet (contract 4.7, 4.8: W NULL arms). */
int claim_arm(struct db *db, int64_t schedule_id, struct err *err);

#endif
