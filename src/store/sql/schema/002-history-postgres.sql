-- Keep in step with 002-history-sqlite.sql, where it is explained.

-- All runs of one flow, schedule, type and name, counted. flow_uuid '' and schedule_id 0: none.
CREATE TABLE scheduler_history_groups (
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	flow_uuid VARCHAR(36) NOT NULL,
	schedule_id BIGINT NOT NULL,
	run_type VARCHAR NOT NULL,
	flow_name VARCHAR NOT NULL,
	runs BIGINT NOT NULL DEFAULT 0,
	successes BIGINT NOT NULL DEFAULT 0,
	failures BIGINT NOT NULL DEFAULT 0,
	first_at TIMESTAMP(6),
	last_at TIMESTAMP(6),
	UNIQUE (flow_uuid, schedule_id, run_type, flow_name)
);
CREATE INDEX scheduler_ix_history_schedule ON scheduler_history_groups (schedule_id);

CREATE TABLE scheduler_history (
	run_id BIGINT PRIMARY KEY,
	group_id BIGINT NOT NULL,
	started_at TIMESTAMP(6) NOT NULL
);
CREATE INDEX scheduler_ix_history_at ON scheduler_history (started_at, run_id, group_id);
CREATE INDEX scheduler_ix_history_group ON scheduler_history (group_id, started_at, run_id);
