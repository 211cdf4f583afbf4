-- Our own tables, beside Flowfile's. Keep in step with 001-scheduler-sqlite.sql.

-- Everything the engine has to hear of, filled by triggers. seq is allocated before the commit, so
-- across objects a lower one may appear after a higher one; for one table it is in commit order,
-- because its writers hold the lock on its row in catalog_tables from before seq is allocated until
-- they commit. kind:
--   t a table was written or made   d a table was deleted       s schedule, or a table it watches
--   f flow                          r run                       q request
--   u user                          l scheduler_lock changed hands or was released
--   p scheduler_settings, such as paused (object_id 0)
CREATE TABLE scheduler_changes (
	seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind VARCHAR(1) NOT NULL,
	object_id BIGINT NOT NULL,
	at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	run_id BIGINT
);
CREATE INDEX scheduler_ix_table_writes ON scheduler_changes (object_id, seq) WHERE kind = 't';
CREATE VIEW scheduler_table_writes AS
	SELECT seq, object_id AS table_id, at, run_id FROM scheduler_changes WHERE kind = 't';

-- The last write of each table; rows stay when the table is deleted. generation moves when an id is
-- used again for another table, so that a schedule of the old one does not watch the new one.
-- stamp: updated_at as last seen (in UTC, without a zone, as there), so that a poll can tell what
-- the triggers missed.
CREATE TABLE scheduler_tables (
	table_id BIGINT PRIMARY KEY,
	last_seq BIGINT NOT NULL,
	last_write_at TIMESTAMPTZ NOT NULL,
	generation BIGINT NOT NULL DEFAULT 1,
	name VARCHAR,
	namespace_id BIGINT,
	stamp TIMESTAMP(6)
);

-- Per data-triggered schedule and table it watches (the trigger table, or each link of a set): the
-- last write that a run consumed. A write is pending when last_seq > seq and the generations are
-- equal. generation 0: the table did not exist when it was to be armed; it is when the table is
-- made.
CREATE TABLE scheduler_consumed (
	schedule_id BIGINT NOT NULL,
	table_id BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	PRIMARY KEY (schedule_id, table_id)
);
CREATE INDEX scheduler_ix_consumed_table ON scheduler_consumed (table_id);

-- Our cursor per interval and cron schedule. spec: what it was computed from; when the row in
-- flow_schedules says otherwise, the cursor is seeded anew. triggered_at: last_triggered_at as we
-- left it; when the row says otherwise, somebody else fired it.
CREATE TABLE scheduler_cursors (
	schedule_id BIGINT PRIMARY KEY,
	spec VARCHAR NOT NULL,
	anchor_at TIMESTAMPTZ,
	slot_at TIMESTAMPTZ,
	triggered_at TIMESTAMPTZ
);

-- One row per slot or set of writes that was acted on. slot_key: "2026-05-20T08:00:00Z" for a slot,
-- "3:17" or "3:17,5:12" (table:seq) for writes. covered: how many slots or writes it stands for.
CREATE TABLE scheduler_firings (
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	schedule_id BIGINT NOT NULL,
	slot_key VARCHAR NOT NULL,
	due_at TIMESTAMPTZ NOT NULL,
	fired_at TIMESTAMPTZ NOT NULL,
	run_id BIGINT,
	covered BIGINT NOT NULL DEFAULT 1,
	cause VARCHAR NOT NULL,
	UNIQUE (schedule_id, slot_key)
);
CREATE INDEX scheduler_ix_firings_at ON scheduler_firings (fired_at);
CREATE INDEX scheduler_ix_firings_run ON scheduler_firings (run_id) WHERE run_id IS NOT NULL;

-- What flow_runs has no column for. state: claimed, recorded, ended. state_dir: where the supervisor leaves
-- its files on that host (a later daemon there may be configured with another folder).
CREATE TABLE scheduler_runs (
	run_id BIGINT PRIMARY KEY,
	state VARCHAR NOT NULL,
	holder_id VARCHAR,
	host VARCHAR,
	boot_id VARCHAR,
	shim_pid BIGINT,
	shim_start BIGINT,
	flow_pid BIGINT,
	flow_start BIGINT,
	state_dir VARCHAR,
	attempt BIGINT NOT NULL DEFAULT 1,
	cause VARCHAR,
	due_at TIMESTAMPTZ,
	claimed_at TIMESTAMPTZ,
	started_at TIMESTAMPTZ,
	cancel_at TIMESTAMPTZ,
	cancel_by VARCHAR,
	exit_code BIGINT,
	exit_signal BIGINT,
	reason VARCHAR,
	cpu_us BIGINT,
	max_rss_kb BIGINT
);
CREATE INDEX scheduler_ix_runs_open ON scheduler_runs (run_id) WHERE state IN ('claimed', 'recorded');

-- The open rows of flow_runs, kept by triggers: the guard of "one active run per flow" stays cheap
-- however long the history is.
CREATE TABLE scheduler_active (
	run_id BIGINT PRIMARY KEY,
	registration_id BIGINT,
	flow_uuid VARCHAR(36)
);
CREATE INDEX scheduler_ix_active_registration ON scheduler_active (registration_id);
CREATE INDEX scheduler_ix_active_uuid ON scheduler_active (flow_uuid);

-- Run-now, cancel, and exits seen by a daemon that does not lead. kind: run, cancel, exited.
-- outcome: NULL while open; done, refused. detail: why, or the exit (runs.c).
CREATE TABLE scheduler_requests (
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind VARCHAR NOT NULL,
	registration_id BIGINT,
	schedule_id BIGINT,
	run_id BIGINT,
	user_id BIGINT,
	requested_by VARCHAR,
	created_at TIMESTAMPTZ NOT NULL,
	outcome VARCHAR,
	detail VARCHAR,
	done_at TIMESTAMPTZ
);
CREATE INDEX scheduler_ix_requests_open ON scheduler_requests (id) WHERE outcome IS NULL;

-- Daemons of ours, alive or lately so.
CREATE TABLE scheduler_instances (
	holder_id VARCHAR PRIMARY KEY,
	host VARCHAR NOT NULL,
	boot_id VARCHAR NOT NULL,
	pid BIGINT NOT NULL,
	pid_start BIGINT NOT NULL,
	version VARCHAR NOT NULL,
	started_at TIMESTAMPTZ NOT NULL,
	seen_at TIMESTAMPTZ NOT NULL,
	guarded INTEGER NOT NULL DEFAULT 0
);

-- Single values: paused ("1"), ...
CREATE TABLE scheduler_settings (
	name VARCHAR PRIMARY KEY,
	value VARCHAR NOT NULL
);
