-- The history of runs in the order in which it is read, kept by triggers, so that a page of it and its totals cost
-- the same however long it is: Flowfile's table has no index for that, and is not to get one.

-- All runs of one flow, schedule, type and name, counted. flow_uuid '' and schedule_id 0: none.
CREATE TABLE scheduler_history_groups (
	id INTEGER PRIMARY KEY,
	flow_uuid VARCHAR(36) NOT NULL,
	schedule_id INTEGER NOT NULL,
	run_type VARCHAR NOT NULL,
	flow_name VARCHAR NOT NULL,
	runs INTEGER NOT NULL DEFAULT 0,
	successes INTEGER NOT NULL DEFAULT 0,
	failures INTEGER NOT NULL DEFAULT 0,
	first_at DATETIME,
	last_at DATETIME,
	UNIQUE (flow_uuid, schedule_id, run_type, flow_name)
);
CREATE INDEX scheduler_ix_history_schedule ON scheduler_history_groups (schedule_id);

CREATE TABLE scheduler_history (
	run_id INTEGER PRIMARY KEY,
	group_id INTEGER NOT NULL,
	started_at DATETIME NOT NULL
);
CREATE INDEX scheduler_ix_history_at ON scheduler_history (started_at, run_id, group_id);
CREATE INDEX scheduler_ix_history_group ON scheduler_history (group_id, started_at, run_id);
