-- What the engine reads and writes. Times are parameters, so that a turn has one now.

-- --- the lock ------------------------------------------------------------------------------------

-- name: fence_check
SELECT 1 FROM scheduler_lock WHERE id = 1 AND holder_id = $1;

-- The share lock makes a take-over wait for our commit.
-- name: fence_check postgres
SELECT 1 FROM scheduler_lock WHERE id = 1 AND holder_id = $1 FOR SHARE;

-- name: lock_read
SELECT l.holder_id, l.heartbeat_at, CAST(l.heartbeat_at AS VARCHAR), NULL,
	coalesce((SELECT i.guarded FROM scheduler_instances i WHERE i.holder_id = l.holder_id), 0)
FROM scheduler_lock l WHERE l.id = 1;

-- name: lock_read postgres
SELECT l.holder_id, l.heartbeat_at, CAST(l.heartbeat_at AS VARCHAR),
	CAST(EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC') - l.heartbeat_at) * 1000000 AS BIGINT),
	coalesce((SELECT i.guarded FROM scheduler_instances i WHERE i.holder_id = l.holder_id), 0)
FROM scheduler_lock l WHERE l.id = 1;

-- name: lock_insert
INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at) VALUES (1, $1, $2, $2)
ON CONFLICT (id) DO NOTHING;

-- name: lock_insert postgres
INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)
VALUES (1, $1, $2, clock_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT (id) DO NOTHING;

-- name: lock_replace
UPDATE scheduler_lock SET holder_id = $1, started_at = $2, heartbeat_at = $2
WHERE id = 1 AND holder_id = $3 AND CAST(heartbeat_at AS VARCHAR) = $4;

-- name: lock_replace postgres
UPDATE scheduler_lock SET holder_id = $1, started_at = $2,
	heartbeat_at = clock_timestamp() AT TIME ZONE 'UTC'
WHERE id = 1 AND holder_id = $3 AND CAST(heartbeat_at AS VARCHAR) = $4;

-- name: lock_renew
UPDATE scheduler_lock SET heartbeat_at = $2 WHERE id = 1 AND holder_id = $1;

-- name: lock_renew postgres
UPDATE scheduler_lock SET heartbeat_at = clock_timestamp() AT TIME ZONE 'UTC'
WHERE id = 1 AND holder_id = $1 AND CAST($2 AS VARCHAR) IS NOT NULL;

-- name: lock_drop
DELETE FROM scheduler_lock WHERE id = 1 AND holder_id = $1;

-- name: instance_put
INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version, started_at, seen_at,
	guarded)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (holder_id) DO UPDATE SET seen_at = excluded.seen_at, guarded = excluded.guarded;

-- name: instance_drop
DELETE FROM scheduler_instances WHERE holder_id = $1;

-- name: instance_alive
SELECT 1 FROM scheduler_instances WHERE holder_id = $1 AND seen_at > $2 AND seen_at < $3;

-- name: instance_host_seen
SELECT seen_at FROM scheduler_instances WHERE host = $1;

-- name: instance_prune
DELETE FROM scheduler_instances WHERE seen_at < $1;

-- --- reading the world ---------------------------------------------------------------------------

-- name: load_last_seq
SELECT coalesce(max(seq), 0) FROM scheduler_changes;

-- name: load_schedules
SELECT s.id, s.registration_id, s.owner_id, s.enabled, s.schedule_type, s.interval_seconds,
	s.cron_expression, s.cron_timezone, s.last_triggered_at, s.created_at, s.updated_at,
	c.spec, c.anchor_at, c.slot_at, c.triggered_at
FROM flow_schedules s LEFT JOIN scheduler_cursors c ON c.schedule_id = s.id
ORDER BY s.id;

-- name: load_schedule
SELECT s.id, s.registration_id, s.owner_id, s.enabled, s.schedule_type, s.interval_seconds,
	s.cron_expression, s.cron_timezone, s.last_triggered_at, s.created_at, s.updated_at,
	c.spec, c.anchor_at, c.slot_at, c.triggered_at
FROM flow_schedules s LEFT JOIN scheduler_cursors c ON c.schedule_id = s.id
WHERE s.id = $1;

-- name: load_watches
SELECT w.schedule_id, w.table_id, c.seq, c.generation, t.last_seq, t.last_write_at, t.generation,
	CASE WHEN x.id IS NOT NULL AND x.updated_at IS NOT NULL THEN 1 ELSE 0 END,
	CASE WHEN t.last_seq > c.seq THEN coalesce((SELECT j.at FROM scheduler_changes j
		WHERE j.kind = 't' AND j.object_id = w.table_id AND j.seq > c.seq ORDER BY j.seq LIMIT 1),
		t.last_write_at) END
FROM (SELECT s.id AS schedule_id, s.trigger_table_id AS table_id FROM flow_schedules s
		WHERE s.schedule_type = 'table_trigger' AND s.trigger_table_id IS NOT NULL
	UNION ALL SELECT l.schedule_id, l.table_id FROM schedule_trigger_tables l
		JOIN flow_schedules s ON s.id = l.schedule_id AND s.schedule_type = 'table_set_trigger') w
	LEFT JOIN scheduler_consumed c ON c.schedule_id = w.schedule_id AND c.table_id = w.table_id
	LEFT JOIN scheduler_tables t ON t.table_id = w.table_id
	LEFT JOIN catalog_tables x ON x.id = w.table_id
ORDER BY w.schedule_id, w.table_id;

-- name: load_schedule_watches
SELECT w.schedule_id, w.table_id, c.seq, c.generation, t.last_seq, t.last_write_at, t.generation,
	CASE WHEN x.id IS NOT NULL AND x.updated_at IS NOT NULL THEN 1 ELSE 0 END,
	CASE WHEN t.last_seq > c.seq THEN coalesce((SELECT j.at FROM scheduler_changes j
		WHERE j.kind = 't' AND j.object_id = w.table_id AND j.seq > c.seq ORDER BY j.seq LIMIT 1),
		t.last_write_at) END
FROM (SELECT s.id AS schedule_id, s.trigger_table_id AS table_id FROM flow_schedules s
		WHERE s.id = $1 AND s.schedule_type = 'table_trigger' AND s.trigger_table_id IS NOT NULL
	UNION ALL SELECT l.schedule_id, l.table_id FROM schedule_trigger_tables l
		JOIN flow_schedules s ON s.id = l.schedule_id AND s.schedule_type = 'table_set_trigger'
		WHERE l.schedule_id = $1) w
	LEFT JOIN scheduler_consumed c ON c.schedule_id = w.schedule_id AND c.table_id = w.table_id
	LEFT JOIN scheduler_tables t ON t.table_id = w.table_id
	LEFT JOIN catalog_tables x ON x.id = w.table_id
ORDER BY w.table_id;

-- name: load_table
SELECT t.last_seq, t.last_write_at, t.generation,
	CASE WHEN x.id IS NOT NULL AND x.updated_at IS NOT NULL THEN 1 ELSE 0 END
FROM scheduler_tables t LEFT JOIN catalog_tables x ON x.id = t.table_id
WHERE t.table_id = $1;

-- Open rows, and rows that somebody closed while we still know of their process.
-- name: load_active_runs
SELECT r.id, r.registration_id, f.id, r.run_type, r.pid, r.started_at, r.flow_path, r.schedule_id,
	x.state, x.host, x.boot_id, x.holder_id, x.shim_pid, x.shim_start, x.flow_pid, x.flow_start,
	x.cancel_at, x.cause, x.attempt, CASE WHEN r.ended_at IS NULL THEN 1 ELSE 0 END, x.state_dir
FROM (SELECT run_id FROM scheduler_active
		UNION SELECT run_id FROM scheduler_runs WHERE state IN ('claimed', 'recorded')) a
	JOIN flow_runs r ON r.id = a.run_id
	LEFT JOIN flow_registrations f ON f.flow_uuid = r.flow_uuid
	LEFT JOIN scheduler_runs x ON x.run_id = r.id
ORDER BY r.id;

-- name: load_active_run
SELECT r.id, r.registration_id, f.id, r.run_type, r.pid, r.started_at, r.flow_path, r.schedule_id,
	x.state, x.host, x.boot_id, x.holder_id, x.shim_pid, x.shim_start, x.flow_pid, x.flow_start,
	x.cancel_at, x.cause, x.attempt, CASE WHEN r.ended_at IS NULL THEN 1 ELSE 0 END, x.state_dir
FROM flow_runs r
	LEFT JOIN flow_registrations f ON f.flow_uuid = r.flow_uuid
	LEFT JOIN scheduler_runs x ON x.run_id = r.id
WHERE r.id = $1 AND (r.ended_at IS NULL OR x.state IN ('claimed', 'recorded'));

-- name: load_requests
SELECT id, kind, registration_id, run_id, user_id, created_at, requested_by, detail
FROM scheduler_requests WHERE outcome IS NULL ORDER BY id;

-- name: load_request
SELECT id, kind, registration_id, run_id, user_id, created_at, requested_by, detail
FROM scheduler_requests WHERE id = $1 AND outcome IS NULL;

-- name: load_changes
SELECT seq, kind, object_id FROM scheduler_changes WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: load_paused
SELECT value FROM scheduler_settings WHERE name = 'paused';

-- name: load_push_seen
SELECT value FROM scheduler_settings WHERE name = 'flowfile_push_seen';

-- name: put_push_seen
INSERT INTO scheduler_settings (name, value) VALUES ('flowfile_push_seen', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- --- claims --------------------------------------------------------------------------------------

-- name: claim_schedule
SELECT s.enabled, s.schedule_type, s.interval_seconds, s.cron_expression, s.cron_timezone,
	s.owner_id, s.registration_id, f.id, f.name, f.flow_path, f.flow_uuid, u.id, u.disabled
FROM flow_schedules s
	LEFT JOIN flow_registrations f ON f.id = s.registration_id
	LEFT JOIN users u ON u.id = s.owner_id
WHERE s.id = $1;

-- name: claim_request
SELECT q.schedule_id, q.user_id, f.id, f.name, f.flow_path, f.flow_uuid, q.requested_by
FROM scheduler_requests q LEFT JOIN flow_registrations f ON f.id = q.registration_id
WHERE q.id = $1 AND q.kind = 'run' AND q.outcome IS NULL;

-- name: claim_active
SELECT run_id FROM scheduler_active WHERE registration_id = $1 OR flow_uuid = $2 LIMIT 1;

-- name: claim_watches
SELECT w.table_id, c.seq, c.generation, t.last_seq, t.generation, x.updated_at, x.name
FROM (SELECT s.trigger_table_id AS table_id FROM flow_schedules s
		WHERE s.id = $1 AND s.schedule_type = 'table_trigger' AND s.trigger_table_id IS NOT NULL
	UNION ALL SELECT l.table_id FROM schedule_trigger_tables l
		JOIN flow_schedules s ON s.id = l.schedule_id AND s.schedule_type = 'table_set_trigger'
		WHERE l.schedule_id = $1) w
	LEFT JOIN scheduler_consumed c ON c.schedule_id = $1 AND c.table_id = w.table_id
	LEFT JOIN scheduler_tables t ON t.table_id = w.table_id
	LEFT JOIN catalog_tables x ON x.id = w.table_id
ORDER BY w.table_id;

-- name: claim_fired
SELECT 1 FROM scheduler_firings WHERE schedule_id = $1 AND slot_key = $2;

-- name: claim_insert_run
INSERT INTO flow_runs (registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,
	nodes_completed, number_of_nodes, run_type, schedule_id)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8)
RETURNING id;

-- An earlier run of this id may have left a row, if its flow_runs row was deleted while our triggers were missing.
-- name: claim_insert_run_state
INSERT INTO scheduler_runs (run_id, state, holder_id, host, boot_id, cause, due_at, claimed_at)
VALUES ($1, 'claimed', $2, $3, $4, $5, $6, $7)
ON CONFLICT (run_id) DO UPDATE SET state = excluded.state, holder_id = excluded.holder_id,
	host = excluded.host, boot_id = excluded.boot_id, cause = excluded.cause, due_at = excluded.due_at,
	claimed_at = excluded.claimed_at, attempt = 1, shim_pid = NULL, shim_start = NULL, flow_pid = NULL,
	flow_start = NULL, state_dir = NULL, started_at = NULL, cancel_at = NULL, cancel_by = NULL, exit_code = NULL,
	exit_signal = NULL, reason = NULL, cpu_us = NULL, max_rss_kb = NULL;

-- name: claim_insert_firing
INSERT INTO scheduler_firings (schedule_id, slot_key, due_at, fired_at, run_id, covered, cause)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: claim_stamp_schedule
UPDATE flow_schedules SET last_triggered_at = $2,
	last_trigger_table_updated_at = coalesce($3, last_trigger_table_updated_at),
	last_cron_slot = coalesce($4, last_cron_slot)
WHERE id = $1;

-- name: claim_put_cursor
INSERT INTO scheduler_cursors (schedule_id, spec, anchor_at, slot_at, triggered_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (schedule_id) DO UPDATE SET spec = excluded.spec, anchor_at = excluded.anchor_at,
	slot_at = excluded.slot_at, triggered_at = excluded.triggered_at;

-- name: claim_consume
UPDATE scheduler_consumed SET seq = $3 WHERE schedule_id = $1 AND table_id = $2 AND seq < $3;

-- name: claim_answer
UPDATE scheduler_requests SET outcome = $2, run_id = coalesce($3, run_id), detail = $4, done_at = $5
WHERE id = $1 AND outcome IS NULL;

-- name: claim_again
UPDATE scheduler_runs SET state = 'claimed', holder_id = $2, host = $3, boot_id = $4, claimed_at = $5,
	attempt = attempt + 1, shim_pid = NULL, shim_start = NULL, flow_pid = NULL, flow_start = NULL,
	state_dir = NULL, started_at = NULL
WHERE run_id = $1 AND state IN ('claimed', 'recorded') AND cancel_at IS NULL
	AND EXISTS (SELECT 1 FROM flow_runs r WHERE r.id = $1 AND r.ended_at IS NULL)
RETURNING attempt;

-- name: claim_back
UPDATE scheduler_runs SET state = 'claimed', shim_pid = NULL, shim_start = NULL, flow_pid = NULL,
	flow_start = NULL, state_dir = NULL, started_at = NULL
WHERE run_id = $1 AND state = 'recorded';

-- name: claim_again_run
UPDATE flow_runs SET pid = NULL WHERE id = $1 AND ended_at IS NULL;

-- name: claim_arm
INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
SELECT CAST($1 AS BIGINT), t.table_id, t.last_seq, t.generation
FROM scheduler_tables t
WHERE t.table_id IN (SELECT s.trigger_table_id FROM flow_schedules s
		WHERE s.id = $1 AND s.schedule_type = 'table_trigger'
	UNION SELECT l.table_id FROM schedule_trigger_tables l WHERE l.schedule_id = $1)
	AND NOT EXISTS (SELECT 1 FROM scheduler_consumed c
		WHERE c.schedule_id = $1 AND c.table_id = t.table_id);

-- --- runs ----------------------------------------------------------------------------------------

-- name: run_set_pid
UPDATE flow_runs SET pid = $2 WHERE id = $1 AND ended_at IS NULL;

-- name: run_recorded
UPDATE scheduler_runs SET state = 'recorded', shim_pid = $2, shim_start = $3, flow_pid = $4,
	flow_start = $5, started_at = $6, state_dir = $7
WHERE run_id = $1;

-- name: run_note_cancel
UPDATE scheduler_runs SET cancel_at = $2, cancel_by = $3 WHERE run_id = $1 AND cancel_at IS NULL;

-- name: run_read
SELECT r.started_at, r.ended_at, r.success, x.cancel_at
FROM flow_runs r LEFT JOIN scheduler_runs x ON x.run_id = r.id WHERE r.id = $1;

-- name: run_close
UPDATE flow_runs SET ended_at = $2, success = $3, duration_seconds = $4
WHERE id = $1 AND ended_at IS NULL;

-- name: run_unsucceed
UPDATE flow_runs SET success = $2 WHERE id = $1;

-- The first verdict stands: a second daemon of the host may have seen the end as well.
-- name: run_ended
INSERT INTO scheduler_runs (run_id, state, exit_code, exit_signal, reason, cpu_us, max_rss_kb)
VALUES ($1, 'ended', $2, $3, $4, $5, $6)
ON CONFLICT (run_id) DO UPDATE SET state = excluded.state, exit_code = excluded.exit_code,
	exit_signal = excluded.exit_signal, reason = excluded.reason, cpu_us = excluded.cpu_us,
	max_rss_kb = excluded.max_rss_kb
WHERE scheduler_runs.state <> 'ended';

-- Whether a run's files in this folder are of no use any more.
-- name: run_files_over
SELECT 1 FROM scheduler_runs WHERE run_id = $1 AND state_dir = $2 AND state = 'ended';

-- name: run_report_exit
INSERT INTO scheduler_requests (kind, run_id, created_at, detail, requested_by)
VALUES ('exited', $1, $2, $3, $4);

-- --- housekeeping ---------------------------------------------------------------------------------

-- name: prune_changes
DELETE FROM scheduler_changes WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM scheduler_changes
	ORDER BY seq LIMIT $2) AS oldest WHERE at < $1);

-- name: prune_firings
DELETE FROM scheduler_firings WHERE id IN (SELECT id FROM scheduler_firings
	WHERE fired_at < $1 ORDER BY fired_at LIMIT $2);

-- name: prune_requests
DELETE FROM scheduler_requests WHERE id IN (SELECT id FROM (SELECT id, done_at FROM scheduler_requests
	ORDER BY id LIMIT $2) AS oldest WHERE done_at < $1);
