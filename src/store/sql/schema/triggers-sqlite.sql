-- Flowfile's programs, sqlite3 and ours write; these journal what the engine must hear of. They
-- run inside the writer's transaction, so that what is committed is journalled.
--
-- In trigger bodies there is no upsert: an outer INSERT OR ... would override its conflict rule.

-- A data write moves updated_at (contract 4.10). Two within a second, or one by a clock that went
-- back, leave it equal or smaller, but then it is the statement's own CURRENT_TIMESTAMP. Rename,
-- optimize and vacuum write back an old value, with a fraction: no write.
CREATE TRIGGER scheduler_table_written AFTER UPDATE OF updated_at ON catalog_tables
WHEN NEW.updated_at IS NOT NULL AND (OLD.updated_at IS NULL
	OR substr(replace(NEW.updated_at, 'T', ' ') || CASE WHEN instr(NEW.updated_at, '.') THEN '000000' ELSE '.000000' END, 1, 26)
	> substr(replace(OLD.updated_at, 'T', ' ') || CASE WHEN instr(OLD.updated_at, '.') THEN '000000' ELSE '.000000' END, 1, 26)
	OR NEW.updated_at = CURRENT_TIMESTAMP)
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at, run_id)
	VALUES ('t', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'), NEW.source_run_id);
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
	UPDATE scheduler_tables SET name = NEW.name, namespace_id = NEW.namespace_id,
		stamp = NEW.updated_at
	WHERE table_id = NEW.id;
END;

-- A new table. An id that was used before by a table of another name starts a new generation.
CREATE TRIGGER scheduler_table_added AFTER INSERT ON catalog_tables
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at, run_id)
	VALUES ('t', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'), NEW.source_run_id);
	UPDATE scheduler_tables SET last_seq = (SELECT max(seq) FROM scheduler_changes),
		last_write_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
		generation = generation + (name IS NOT NEW.name OR namespace_id IS NOT NEW.namespace_id),
		name = NEW.name, namespace_id = NEW.namespace_id, stamp = NEW.updated_at
	WHERE table_id = NEW.id;
	INSERT INTO scheduler_tables (table_id, last_seq, last_write_at, name, namespace_id, stamp)
	SELECT NEW.id, (SELECT max(seq) FROM scheduler_changes), strftime('%Y-%m-%d %H:%M:%f000', 'now'),
		NEW.name, NEW.namespace_id, NEW.updated_at
	WHERE NOT EXISTS (SELECT 1 FROM scheduler_tables WHERE table_id = NEW.id);
END;

CREATE TRIGGER scheduler_table_removed AFTER DELETE ON catalog_tables
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('t', OLD.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

-- Schedules. A new one, and one that is enabled again, is armed: what was written before does not
-- count (contract 4.9).
CREATE TRIGGER scheduler_schedule_added AFTER INSERT ON flow_schedules
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = NEW.id;
	DELETE FROM scheduler_cursors WHERE schedule_id = NEW.id;
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.id, table_id, last_seq, generation FROM scheduler_tables
	WHERE NEW.schedule_type = 'table_trigger' AND table_id = NEW.trigger_table_id;
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('s', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_schedule_enabled AFTER UPDATE OF enabled ON flow_schedules
WHEN NEW.enabled IS 1 AND OLD.enabled IS NOT 1
BEGIN
	UPDATE scheduler_consumed SET
		seq = (SELECT last_seq FROM scheduler_tables t WHERE t.table_id = scheduler_consumed.table_id),
		generation = (SELECT generation FROM scheduler_tables t WHERE t.table_id = scheduler_consumed.table_id)
	WHERE schedule_id = NEW.id
		AND EXISTS (SELECT 1 FROM scheduler_tables t WHERE t.table_id = scheduler_consumed.table_id);
END;

-- Another table to watch (only SQL can do that): armed as a new one.
CREATE TRIGGER scheduler_schedule_retargeted AFTER UPDATE OF trigger_table_id, schedule_type ON flow_schedules
WHEN NEW.trigger_table_id IS NOT OLD.trigger_table_id OR NEW.schedule_type IS NOT OLD.schedule_type
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = NEW.id AND NEW.schedule_type IS NOT 'table_set_trigger';
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.id, table_id, last_seq, generation FROM scheduler_tables
	WHERE NEW.schedule_type = 'table_trigger' AND table_id = NEW.trigger_table_id;
END;

CREATE TRIGGER scheduler_schedule_changed AFTER UPDATE ON flow_schedules
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('s', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_schedule_removed AFTER DELETE ON flow_schedules
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = OLD.id;
	DELETE FROM scheduler_cursors WHERE schedule_id = OLD.id;
	DELETE FROM scheduler_firings WHERE schedule_id = OLD.id;
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('s', OLD.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_link_added AFTER INSERT ON schedule_trigger_tables
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = NEW.schedule_id AND table_id = NEW.table_id;
	INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation)
	SELECT NEW.schedule_id, table_id, last_seq, generation FROM scheduler_tables
	WHERE table_id = NEW.table_id;
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('s', NEW.schedule_id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_link_removed AFTER DELETE ON schedule_trigger_tables
BEGIN
	DELETE FROM scheduler_consumed WHERE schedule_id = OLD.schedule_id AND table_id = OLD.table_id;
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('s', OLD.schedule_id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

-- Flows and users, as far as they decide whether a schedule may launch.
CREATE TRIGGER scheduler_flow_added AFTER INSERT ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('f', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
CREATE TRIGGER scheduler_flow_changed AFTER UPDATE OF flow_path, flow_uuid ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('f', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
CREATE TRIGGER scheduler_flow_removed AFTER DELETE ON flow_registrations
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('f', OLD.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
CREATE TRIGGER scheduler_user_added AFTER INSERT ON users
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('u', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
CREATE TRIGGER scheduler_user_changed AFTER UPDATE OF disabled ON users
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('u', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
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
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('r', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_run_changed AFTER UPDATE OF ended_at, registration_id, flow_uuid, pid ON flow_runs
BEGIN
	DELETE FROM scheduler_active WHERE run_id = NEW.id AND NEW.ended_at IS NOT NULL;
	UPDATE scheduler_active SET registration_id = NEW.registration_id, flow_uuid = NEW.flow_uuid
	WHERE run_id = NEW.id;
	INSERT INTO scheduler_active (run_id, registration_id, flow_uuid)
	SELECT NEW.id, NEW.registration_id, NEW.flow_uuid
	WHERE NEW.ended_at IS NULL AND OLD.ended_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM scheduler_active WHERE run_id = NEW.id);
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('r', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_run_removed AFTER DELETE ON flow_runs
BEGIN
	DELETE FROM scheduler_active WHERE run_id = OLD.id;
	DELETE FROM scheduler_runs WHERE run_id = OLD.id;
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('r', OLD.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;

CREATE TRIGGER scheduler_request_added AFTER INSERT ON scheduler_requests
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('q', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
CREATE TRIGGER scheduler_request_answered AFTER UPDATE OF outcome ON scheduler_requests
BEGIN
	INSERT INTO scheduler_changes (kind, object_id, at)
	VALUES ('q', NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
END;
