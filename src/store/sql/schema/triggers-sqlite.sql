-- Flowfile's programs, sqlite3 and ours write; these journal what the engine must hear of. They run
-- inside the writer's transaction, so that what is committed is journalled.
--
-- Three rules hold them together:
-- * A body names no table but ours. SQLite checks all triggers when a table is renamed, and Flowfile's migrations
--   rebuild tables (make anew, copy, drop, rename): a body that named the dropped table would make them fail.
-- * No upsert in a body: an outer INSERT OR ... overrides the conflict rule of what its triggers do.
-- * Order does not matter where two triggers fire for one statement: they set a column to the same value.

-- A data write moves updated_at (contract 4.10). Two within a second, or one by a clock that went
-- back, leave it equal or smaller, but then it is the statement's own time: CURRENT_TIMESTAMP, or
-- 'now' in six digits. Rename, optimize and vacuum write an old value back, and with a fraction: no
-- write. The long expressions make both forms comparable (contract 1.2).
CREATE TRIGGER scheduler_table_written AFTER UPDATE OF updated_at ON catalog_tables
WHEN NEW.updated_at IS NOT NULL AND (OLD.updated_at IS NULL
	OR substr(replace(NEW.updated_at, 'T', ' ') || CASE WHEN instr(NEW.updated_at, '.') THEN '000000' ELSE '.000000' END, 1, 26)
	> substr(replace(OLD.updated_at, 'T', ' ') || CASE WHEN instr(OLD.updated_at, '.') THEN '000000' ELSE '.000000' END, 1, 26)
	OR NEW.updated_at IN (CURRENT_TIMESTAMP, strftime('%Y-%m-%d %H:%M:%f000', 'now')))
BEGIN
	-- source_run_id stays behind when somebody else writes later: it counts when it is new or
	-- still runs.
	INSERT INTO scheduler_changes (kind, object_id, run_id)
	SELECT 't', NEW.id, CASE WHEN NEW.source_run_id IS NOT OLD.source_run_id
		OR EXISTS (SELECT 1 FROM scheduler_active WHERE run_id = NEW.source_run_id)
		THEN NEW.source_run_id END;
	UPDATE scheduler_tables SET last_seq = (SELECT max(seq) FROM scheduler_changes),
		last_write_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'), name = NEW.name,
		namespace_id = NEW.namespace_id, stamp = NEW.updated_at
	WHERE table_id = NEW.id;
	INSERT INTO scheduler_tables (table_id, last_seq, last_write_at, name, namespace_id, stamp)
	SELECT NEW.id, (SELECT max(seq) FROM scheduler_changes), strftime('%Y-%m-%d %H:%M:%f000', 'now'),
		NEW.name, NEW.namespace_id, NEW.updated_at
	WHERE NOT EXISTS (SELECT 1 FROM scheduler_tables WHERE table_id = NEW.id);
END;

-- Renamed or moved, or a stamp written back: remember what it is called now.
CREATE TRIGGER scheduler_table_renamed AFTER UPDATE OF name, namespace_id, updated_at ON catalog_tables
BEGIN
	UPDATE scheduler_tables SET name = NEW.name, namespace_id = NEW.namespace_id, stamp = NEW.updated_at
	WHERE table_id = NEW.id;
END;

-- A new table. An id that was used before by a table of another name starts a new generation. Who
-- waited for a table with this id to exist is armed now.
CREATE TRIGGER scheduler_table_added AFTER INSERT ON catalog_tables
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, run_id) VALUES ('t', NEW.id, NEW.source_run_id);
	UPDATE scheduler_tables SET last_seq = (SELECT max(seq) FROM scheduler_changes),
		last_write_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
		generation = generation + (name IS NOT NEW.name OR namespace_id IS NOT NEW.namespace_id),
		name = NEW.name, namespace_id = NEW.namespace_id, stamp = NEW.updated_at
	WHERE table_id = NEW.id;
	INSERT INTO scheduler_tables (table_id, last_seq, last_write_at, name, namespace_id, stamp)
	SELECT NEW.id, (SELECT max(seq) FROM scheduler_changes), strftime('%Y-%m-%d %H:%M:%f000', 'now'),
		NEW.name, NEW.namespace_id, NEW.updated_at
	WHERE NOT EXISTS (SELECT 1 FROM scheduler_tables WHERE table_id = NEW.id);
	UPDATE scheduler_consumed SET seq = (SELECT max(seq) FROM scheduler_changes),
		generation = (SELECT generation FROM scheduler_tables WHERE table_id = NEW.id)
	WHERE table_id = NEW.id AND generation = 0;
END;

CREATE TRIGGER scheduler_table_removed AFTER DELETE ON catalog_tables
BEGIN
	-- Its id may come again, for another table.
	DELETE FROM scheduler_sources WHERE table_id = OLD.id OR source_id = OLD.id;
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('d', OLD.id);
END;

-- Schedules. A new one, and one that is enabled again, is armed: what was written before does not
-- count (contract 4.9). The links of a set may be written before or after it: they arm themselves.
CREATE TRIGGER scheduler_schedule_added AFTER INSERT ON flow_schedules
BEGIN
	DELETE FROM scheduler_consumed
	WHERE schedule_id = NEW.id AND NEW.schedule_type IS NOT 'table_set_trigger';
	DELETE FROM scheduler_cursors WHERE schedule_id = NEW.id;
	DELETE FROM scheduler_firings WHERE schedule_id = NEW.id;
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.id, NEW.trigger_table_id,
		coalesce((SELECT last_seq FROM scheduler_tables WHERE table_id = NEW.trigger_table_id), 0),
		coalesce((SELECT generation FROM scheduler_tables WHERE table_id = NEW.trigger_table_id), 0)
	WHERE NEW.schedule_type = 'table_trigger' AND NEW.trigger_table_id IS NOT NULL;
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('s', NEW.id);
END;

CREATE TRIGGER scheduler_schedule_enabled AFTER UPDATE OF enabled ON flow_schedules
WHEN NEW.enabled IS 1 AND OLD.enabled IS NOT 1
BEGIN
	UPDATE scheduler_consumed SET
		seq = coalesce((SELECT last_seq FROM scheduler_tables t
			WHERE t.table_id = scheduler_consumed.table_id), 0),
		generation = coalesce((SELECT generation FROM scheduler_tables t
			WHERE t.table_id = scheduler_consumed.table_id), 0)
	WHERE schedule_id = NEW.id;
END;

-- Another table to watch (only SQL can do that): armed as a new one.
CREATE TRIGGER scheduler_schedule_retargeted AFTER UPDATE OF trigger_table_id, schedule_type ON flow_schedules
WHEN NEW.trigger_table_id IS NOT OLD.trigger_table_id OR NEW.schedule_type IS NOT OLD.schedule_type
BEGIN
	DELETE FROM scheduler_consumed
	WHERE schedule_id = NEW.id AND NEW.schedule_type IS NOT 'table_set_trigger';
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.id, NEW.trigger_table_id,
		coalesce((SELECT last_seq FROM scheduler_tables WHERE table_id = NEW.trigger_table_id), 0),
		coalesce((SELECT generation FROM scheduler_tables WHERE table_id = NEW.trigger_table_id), 0)
	WHERE NEW.schedule_type = 'table_trigger' AND NEW.trigger_table_id IS NOT NULL;
END;

CREATE TRIGGER scheduler_schedule_changed AFTER UPDATE ON flow_schedules
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('s', NEW.id);
END;

CREATE TRIGGER scheduler_schedule_removed AFTER DELETE ON flow_schedules
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = OLD.id;
	DELETE FROM scheduler_cursors WHERE schedule_id = OLD.id;
	DELETE FROM scheduler_firings WHERE schedule_id = OLD.id;
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('s', OLD.id);
END;

CREATE TRIGGER scheduler_link_added AFTER INSERT ON schedule_trigger_tables
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = NEW.schedule_id AND table_id = NEW.table_id;
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.schedule_id, NEW.table_id,
		coalesce((SELECT last_seq FROM scheduler_tables WHERE table_id = NEW.table_id), 0),
		coalesce((SELECT generation FROM scheduler_tables WHERE table_id = NEW.table_id), 0);
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('s', NEW.schedule_id);
END;

CREATE TRIGGER scheduler_link_removed AFTER DELETE ON schedule_trigger_tables
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = OLD.schedule_id AND table_id = OLD.table_id;
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('s', OLD.schedule_id);
END;

-- Flows and users, as far as they decide whether and what a schedule may launch.
CREATE TRIGGER scheduler_flow_added AFTER INSERT ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('f', NEW.id);
END;

CREATE TRIGGER scheduler_flow_changed AFTER UPDATE OF name, flow_path, flow_uuid ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('f', NEW.id);
END;

CREATE TRIGGER scheduler_flow_removed AFTER DELETE ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('f', OLD.id);
END;

CREATE TRIGGER scheduler_user_added AFTER INSERT ON users
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('u', NEW.id);
END;

CREATE TRIGGER scheduler_user_changed AFTER UPDATE OF disabled ON users
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('u', NEW.id);
END;

CREATE TRIGGER scheduler_user_removed AFTER DELETE ON users
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('u', OLD.id);
END;

-- Runs, whoever makes them. A scheduled run consumes what was committed before it was inserted:
-- also one that Flowfile's push path or its Python scheduler made.
CREATE TRIGGER scheduler_run_added AFTER INSERT ON flow_runs
BEGIN
	DELETE FROM scheduler_active WHERE run_id = NEW.id;
	INSERT INTO scheduler_active (run_id, registration_id, flow_uuid)
	SELECT NEW.id, NEW.registration_id, NEW.flow_uuid WHERE NEW.ended_at IS NULL;
	UPDATE scheduler_consumed SET
		seq = (SELECT last_seq FROM scheduler_tables t WHERE t.table_id = scheduler_consumed.table_id)
	WHERE NEW.run_type = 'scheduled' AND schedule_id = NEW.schedule_id
		AND EXISTS (SELECT 1 FROM scheduler_tables t
			WHERE t.table_id = scheduler_consumed.table_id AND t.last_seq > scheduler_consumed.seq);
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('r', NEW.id);
END;

CREATE TRIGGER scheduler_run_changed AFTER UPDATE OF ended_at, success, registration_id, flow_uuid, pid ON flow_runs
BEGIN
	DELETE FROM scheduler_active WHERE run_id = NEW.id AND NEW.ended_at IS NOT NULL;
	UPDATE scheduler_active SET registration_id = NEW.registration_id, flow_uuid = NEW.flow_uuid
	WHERE run_id = NEW.id;
	INSERT INTO scheduler_active (run_id, registration_id, flow_uuid)
	SELECT NEW.id, NEW.registration_id, NEW.flow_uuid
	WHERE NEW.ended_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM scheduler_active WHERE run_id = NEW.id);
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('r', NEW.id);
END;

-- How far a run is, for those who watch it (kind n): the engine has no use for it.
CREATE TRIGGER scheduler_run_progressed AFTER UPDATE OF nodes_completed, number_of_nodes ON flow_runs
WHEN NEW.ended_at IS NULL AND (NEW.nodes_completed IS NOT OLD.nodes_completed OR NEW.number_of_nodes IS NOT OLD.number_of_nodes)
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('n', NEW.id);
END;

-- The id may come again: nothing of ours may speak of the old run then.
CREATE TRIGGER scheduler_run_removed AFTER DELETE ON flow_runs
BEGIN
	DELETE FROM scheduler_active WHERE run_id = OLD.id;
	DELETE FROM scheduler_runs WHERE run_id = OLD.id;
	UPDATE scheduler_firings SET run_id = NULL WHERE run_id = OLD.id;
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('r', OLD.id);
END;

CREATE TRIGGER scheduler_request_added AFTER INSERT ON scheduler_requests
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('q', NEW.id);
END;

CREATE TRIGGER scheduler_request_answered AFTER UPDATE OF outcome ON scheduler_requests
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('q', NEW.id);
END;

-- The lock: taken, taken over, released. A heartbeat is no news.
CREATE TRIGGER scheduler_lock_taken AFTER INSERT ON scheduler_lock
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('l', NEW.id);
END;

CREATE TRIGGER scheduler_lock_passed AFTER UPDATE OF holder_id ON scheduler_lock
WHEN NEW.holder_id IS NOT OLD.holder_id
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('l', NEW.id);
END;

CREATE TRIGGER scheduler_lock_released AFTER DELETE ON scheduler_lock
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('l', OLD.id);
END;

CREATE TRIGGER scheduler_setting_added AFTER INSERT ON scheduler_settings
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('p', 0);
END;

CREATE TRIGGER scheduler_setting_changed AFTER UPDATE ON scheduler_settings
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('p', 0);
END;

CREATE TRIGGER scheduler_setting_removed AFTER DELETE ON scheduler_settings
BEGIN
	INSERT INTO scheduler_changes (kind, object_id) VALUES ('p', 0);
END;

-- The history: a run joins its group, its outcome is counted, it moves or goes.
CREATE TRIGGER scheduler_history_added AFTER INSERT ON flow_runs
BEGIN
	INSERT INTO scheduler_history_groups (flow_uuid, schedule_id, run_type, flow_name)
	SELECT coalesce(NEW.flow_uuid, ''), coalesce(NEW.schedule_id, 0), NEW.run_type, NEW.flow_name
	WHERE NOT EXISTS (SELECT 1 FROM scheduler_history_groups
		WHERE flow_uuid = coalesce(NEW.flow_uuid, '') AND schedule_id = coalesce(NEW.schedule_id, 0)
			AND run_type = NEW.run_type AND flow_name = NEW.flow_name);
	DELETE FROM scheduler_history WHERE run_id = NEW.id;
	INSERT INTO scheduler_history (run_id, group_id, started_at)
	SELECT NEW.id, id, NEW.started_at FROM scheduler_history_groups
	WHERE flow_uuid = coalesce(NEW.flow_uuid, '') AND schedule_id = coalesce(NEW.schedule_id, 0)
		AND run_type = NEW.run_type AND flow_name = NEW.flow_name;
	UPDATE scheduler_history_groups SET runs = runs + 1, successes = successes + (NEW.success IS 1),
		failures = failures + (NEW.success IS 0),
		first_at = min(coalesce(first_at, NEW.started_at), NEW.started_at),
		last_at = max(coalesce(last_at, NEW.started_at), NEW.started_at)
	WHERE id = (SELECT group_id FROM scheduler_history WHERE run_id = NEW.id);
END;

CREATE TRIGGER scheduler_history_counted AFTER UPDATE OF success ON flow_runs
WHEN NEW.success IS NOT OLD.success AND NEW.flow_uuid IS OLD.flow_uuid AND NEW.schedule_id IS OLD.schedule_id
	AND NEW.run_type IS OLD.run_type AND NEW.flow_name IS OLD.flow_name AND NEW.started_at IS OLD.started_at
BEGIN
	UPDATE scheduler_history_groups SET successes = successes + (NEW.success IS 1) - (OLD.success IS 1),
		failures = failures + (NEW.success IS 0) - (OLD.success IS 0)
	WHERE id = (SELECT group_id FROM scheduler_history WHERE run_id = NEW.id);
END;

CREATE TRIGGER scheduler_history_moved AFTER UPDATE OF flow_uuid, schedule_id, run_type, flow_name, started_at ON flow_runs
WHEN NEW.flow_uuid IS NOT OLD.flow_uuid OR NEW.schedule_id IS NOT OLD.schedule_id
	OR NEW.run_type IS NOT OLD.run_type OR NEW.flow_name IS NOT OLD.flow_name OR NEW.started_at IS NOT OLD.started_at
BEGIN
	UPDATE scheduler_history_groups SET runs = runs - 1, successes = successes - (OLD.success IS 1),
		failures = failures - (OLD.success IS 0),
		first_at = (SELECT h.started_at FROM scheduler_history h
			WHERE h.group_id = scheduler_history_groups.id AND h.run_id <> OLD.id
			ORDER BY h.started_at LIMIT 1),
		last_at = (SELECT h.started_at FROM scheduler_history h
			WHERE h.group_id = scheduler_history_groups.id AND h.run_id <> OLD.id
			ORDER BY h.started_at DESC LIMIT 1)
	WHERE id = (SELECT group_id FROM scheduler_history WHERE run_id = OLD.id);
	DELETE FROM scheduler_history_groups
	WHERE runs = 0 AND id = (SELECT group_id FROM scheduler_history WHERE run_id = OLD.id);
	INSERT INTO scheduler_history_groups (flow_uuid, schedule_id, run_type, flow_name)
	SELECT coalesce(NEW.flow_uuid, ''), coalesce(NEW.schedule_id, 0), NEW.run_type, NEW.flow_name
	WHERE NOT EXISTS (SELECT 1 FROM scheduler_history_groups
		WHERE flow_uuid = coalesce(NEW.flow_uuid, '') AND schedule_id = coalesce(NEW.schedule_id, 0)
			AND run_type = NEW.run_type AND flow_name = NEW.flow_name);
	DELETE FROM scheduler_history WHERE run_id = OLD.id;
	INSERT INTO scheduler_history (run_id, group_id, started_at)
	SELECT NEW.id, id, NEW.started_at FROM scheduler_history_groups
	WHERE flow_uuid = coalesce(NEW.flow_uuid, '') AND schedule_id = coalesce(NEW.schedule_id, 0)
		AND run_type = NEW.run_type AND flow_name = NEW.flow_name;
	UPDATE scheduler_history_groups SET runs = runs + 1, successes = successes + (NEW.success IS 1),
		failures = failures + (NEW.success IS 0),
		first_at = min(coalesce(first_at, NEW.started_at), NEW.started_at),
		last_at = max(coalesce(last_at, NEW.started_at), NEW.started_at)
	WHERE id = (SELECT group_id FROM scheduler_history WHERE run_id = NEW.id);
END;

CREATE TRIGGER scheduler_history_removed AFTER DELETE ON flow_runs
BEGIN
	UPDATE scheduler_history_groups SET runs = runs - 1, successes = successes - (OLD.success IS 1),
		failures = failures - (OLD.success IS 0),
		first_at = (SELECT h.started_at FROM scheduler_history h
			WHERE h.group_id = scheduler_history_groups.id AND h.run_id <> OLD.id
			ORDER BY h.started_at LIMIT 1),
		last_at = (SELECT h.started_at FROM scheduler_history h
			WHERE h.group_id = scheduler_history_groups.id AND h.run_id <> OLD.id
			ORDER BY h.started_at DESC LIMIT 1)
	WHERE id = (SELECT group_id FROM scheduler_history WHERE run_id = OLD.id);
	DELETE FROM scheduler_history_groups
	WHERE runs = 0 AND id = (SELECT group_id FROM scheduler_history WHERE run_id = OLD.id);
	DELETE FROM scheduler_history WHERE run_id = OLD.id;
END;
