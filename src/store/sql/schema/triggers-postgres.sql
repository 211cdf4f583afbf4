-- The triggers of triggers-sqlite.sql; what they mean is said there. Differences:
--
-- * Every row of scheduler_changes, whoever inserts it, is notified on channel flowfile_scheduler
--   when it is committed, its seq as the payload.
-- * seq is taken from a sequence before the commit. For one table the writes are in commit order all the same:
--   the trigger runs while the writer holds the lock on the row in catalog_tables, and it holds it until it
--   commits. That is what scheduler_tables and scheduler_consumed compare. Across objects a lower seq may be
--   committed after a higher one; the notifications come in commit order.
-- * A statement that stamps its own time is told by CURRENT_TIMESTAMP, which stands still in a transaction.
-- * The functions run as who made them: whoever may write to the catalog's tables need not be granted ours.
--   Their search path is the one of this script, pinned.

CREATE OR REPLACE FUNCTION scheduler_notify() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	PERFORM pg_notify('flowfile_scheduler', NEW.seq::text);
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_note(kind VARCHAR, object_id BIGINT, run_id BIGINT) RETURNS BIGINT
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
	INSERT INTO scheduler_changes (kind, object_id, run_id) VALUES ($1, $2, $3) RETURNING seq;
$$;

-- For triggers that only note: TG_ARGV[0] is the kind.
CREATE OR REPLACE FUNCTION scheduler_on_change() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		PERFORM scheduler_note(TG_ARGV[0], OLD.id, NULL);
	ELSE
		PERFORM scheduler_note(TG_ARGV[0], NEW.id, NULL);
	END IF;
	RETURN NULL;
END $$;

-- Arms one schedule for one table, replacing what was there.
CREATE OR REPLACE FUNCTION scheduler_arm(schedule BIGINT, watched BIGINT) RETURNS VOID
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
	INSERT INTO scheduler_consumed AS k (schedule_id, table_id, seq, generation)
	SELECT schedule, watched,
		coalesce((SELECT t.last_seq FROM scheduler_tables t WHERE t.table_id = watched), 0),
		coalesce((SELECT t.generation FROM scheduler_tables t WHERE t.table_id = watched), 0)
	ON CONFLICT (schedule_id, table_id)
		DO UPDATE SET seq = excluded.seq, generation = excluded.generation;
$$;

-- Only the trigger functions call these two, as who made them.
REVOKE ALL ON FUNCTION scheduler_note(VARCHAR, BIGINT, BIGINT) FROM PUBLIC;
REVOKE ALL ON FUNCTION scheduler_arm(BIGINT, BIGINT) FROM PUBLIC;

CREATE OR REPLACE FUNCTION scheduler_on_table_write() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	noted BIGINT;
	by_run BIGINT := NEW.source_run_id;
BEGIN
	-- source_run_id stays behind when somebody else writes later: it counts when it is new or
	-- still runs.
	IF TG_OP = 'UPDATE' THEN
		IF NEW.source_run_id IS NOT DISTINCT FROM OLD.source_run_id
			AND NOT EXISTS (SELECT 1 FROM scheduler_active a WHERE a.run_id = NEW.source_run_id) THEN
			by_run := NULL;
		END IF;
	END IF;
	noted := scheduler_note('t', NEW.id, by_run);
	INSERT INTO scheduler_tables AS t (table_id, last_seq, last_write_at, name, namespace_id, stamp)
	VALUES (NEW.id, noted, clock_timestamp(), NEW.name, NEW.namespace_id, NEW.updated_at)
	ON CONFLICT (table_id) DO UPDATE SET last_seq = excluded.last_seq,
		last_write_at = excluded.last_write_at, stamp = excluded.stamp,
		generation = t.generation + CASE WHEN TG_OP = 'INSERT' AND (t.name IS DISTINCT FROM excluded.name
			OR t.namespace_id IS DISTINCT FROM excluded.namespace_id) THEN 1 ELSE 0 END,
		name = excluded.name, namespace_id = excluded.namespace_id;
	IF TG_OP = 'INSERT' THEN
		UPDATE scheduler_consumed k SET seq = noted, generation = t.generation
		FROM scheduler_tables t
		WHERE k.table_id = NEW.id AND k.generation = 0 AND t.table_id = NEW.id;
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_table_rename() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	UPDATE scheduler_tables SET name = NEW.name, namespace_id = NEW.namespace_id, stamp = NEW.updated_at
	WHERE table_id = NEW.id;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_table_removal() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	-- Its id may come again, for another table.
	DELETE FROM scheduler_sources WHERE table_id = OLD.id OR source_id = OLD.id;
	PERFORM scheduler_note('d', OLD.id, NULL);
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_schedule() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP IN ('INSERT', 'DELETE') THEN
		DELETE FROM scheduler_cursors WHERE schedule_id = coalesce(NEW.id, OLD.id);
		DELETE FROM scheduler_firings WHERE schedule_id = coalesce(NEW.id, OLD.id);
	END IF;
	IF TG_OP = 'DELETE' THEN
		DELETE FROM scheduler_consumed WHERE schedule_id = OLD.id;
		PERFORM scheduler_note('s', OLD.id, NULL);
		RETURN NULL;
	END IF;
	IF NEW.schedule_type IS DISTINCT FROM 'table_set_trigger' THEN
		DELETE FROM scheduler_consumed WHERE schedule_id = NEW.id;
	END IF;
	IF NEW.schedule_type = 'table_trigger' AND NEW.trigger_table_id IS NOT NULL THEN
		PERFORM scheduler_arm(NEW.id, NEW.trigger_table_id);
	END IF;
	IF TG_OP = 'INSERT' THEN
		PERFORM scheduler_note('s', NEW.id, NULL);
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_schedule_enabled() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	PERFORM scheduler_arm(NEW.id, k.table_id) FROM scheduler_consumed k WHERE k.schedule_id = NEW.id;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_link() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM scheduler_consumed WHERE schedule_id = OLD.schedule_id AND table_id = OLD.table_id;
		PERFORM scheduler_note('s', OLD.schedule_id, NULL);
	ELSE
		PERFORM scheduler_arm(NEW.schedule_id, NEW.table_id);
		PERFORM scheduler_note('s', NEW.schedule_id, NULL);
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_run() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM scheduler_active WHERE run_id = OLD.id;
		DELETE FROM scheduler_runs WHERE run_id = OLD.id;
		UPDATE scheduler_firings SET run_id = NULL WHERE run_id = OLD.id;
		PERFORM scheduler_note('r', OLD.id, NULL);
		RETURN NULL;
	END IF;
	IF NEW.ended_at IS NULL THEN
		INSERT INTO scheduler_active (run_id, registration_id, flow_uuid)
		VALUES (NEW.id, NEW.registration_id, NEW.flow_uuid)
		ON CONFLICT (run_id) DO UPDATE
			SET registration_id = excluded.registration_id, flow_uuid = excluded.flow_uuid;
	ELSE
		DELETE FROM scheduler_active WHERE run_id = NEW.id;
	END IF;
	IF TG_OP = 'INSERT' AND NEW.run_type = 'scheduled' THEN
		UPDATE scheduler_consumed k SET seq = t.last_seq FROM scheduler_tables t
		WHERE k.schedule_id = NEW.schedule_id AND t.table_id = k.table_id AND t.last_seq > k.seq;
	END IF;
	PERFORM scheduler_note('r', NEW.id, NULL);
	RETURN NULL;
END $$;

-- A run joins its group, and leaves it.
CREATE OR REPLACE FUNCTION scheduler_history_add(run flow_runs) RETURNS VOID
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
	WITH joined AS (
		INSERT INTO scheduler_history_groups AS g
			(flow_uuid, schedule_id, run_type, flow_name, runs, successes, failures, first_at, last_at)
		VALUES (coalesce(run.flow_uuid, ''), coalesce(run.schedule_id, 0), run.run_type, run.flow_name, 1,
			CASE WHEN run.success IS TRUE THEN 1 ELSE 0 END, CASE WHEN run.success IS FALSE THEN 1 ELSE 0 END,
			run.started_at, run.started_at)
		ON CONFLICT (flow_uuid, schedule_id, run_type, flow_name) DO UPDATE SET runs = g.runs + 1,
			successes = g.successes + excluded.successes, failures = g.failures + excluded.failures,
			first_at = least(g.first_at, excluded.first_at), last_at = greatest(g.last_at, excluded.last_at)
		RETURNING g.id
	)
	INSERT INTO scheduler_history (run_id, group_id, started_at) SELECT run.id, joined.id, run.started_at FROM joined
	ON CONFLICT (run_id) DO UPDATE SET group_id = excluded.group_id, started_at = excluded.started_at;
$$;

CREATE OR REPLACE FUNCTION scheduler_history_drop(run flow_runs) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	of BIGINT;
BEGIN
	DELETE FROM scheduler_history WHERE run_id = run.id RETURNING group_id INTO of;
	UPDATE scheduler_history_groups g SET runs = runs - 1,
		successes = successes - CASE WHEN run.success IS TRUE THEN 1 ELSE 0 END,
		failures = failures - CASE WHEN run.success IS FALSE THEN 1 ELSE 0 END,
		first_at = (SELECT min(h.started_at) FROM scheduler_history h WHERE h.group_id = g.id),
		last_at = (SELECT max(h.started_at) FROM scheduler_history h WHERE h.group_id = g.id)
	WHERE id = of;
	DELETE FROM scheduler_history_groups WHERE id = of AND runs = 0;
END $$;

REVOKE ALL ON FUNCTION scheduler_history_add(flow_runs) FROM PUBLIC;
REVOKE ALL ON FUNCTION scheduler_history_drop(flow_runs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION scheduler_on_history() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		PERFORM scheduler_history_drop(OLD);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		PERFORM scheduler_history_add(NEW);
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_outcome() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	UPDATE scheduler_history_groups g SET
		successes = successes + CASE WHEN NEW.success IS TRUE THEN 1 ELSE 0 END
			- CASE WHEN OLD.success IS TRUE THEN 1 ELSE 0 END,
		failures = failures + CASE WHEN NEW.success IS FALSE THEN 1 ELSE 0 END
			- CASE WHEN OLD.success IS FALSE THEN 1 ELSE 0 END
	WHERE g.id = (SELECT group_id FROM scheduler_history WHERE run_id = NEW.id);
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION scheduler_on_setting() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	PERFORM scheduler_note('p', 0, NULL);
	RETURN NULL;
END $$;

CREATE TRIGGER scheduler_change_made AFTER INSERT ON scheduler_changes
	FOR EACH ROW EXECUTE FUNCTION scheduler_notify();

CREATE TRIGGER scheduler_table_written AFTER UPDATE OF updated_at ON catalog_tables
	FOR EACH ROW WHEN (NEW.updated_at IS NOT NULL AND (OLD.updated_at IS NULL
		OR NEW.updated_at > OLD.updated_at
		OR NEW.updated_at = CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' AS TIMESTAMP(6))))
	EXECUTE FUNCTION scheduler_on_table_write();
CREATE TRIGGER scheduler_table_renamed AFTER UPDATE OF name, namespace_id, updated_at ON catalog_tables
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_table_rename();
CREATE TRIGGER scheduler_table_added AFTER INSERT ON catalog_tables
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_table_write();
CREATE TRIGGER scheduler_table_removed AFTER DELETE ON catalog_tables
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_table_removal();

CREATE TRIGGER scheduler_schedule_added AFTER INSERT ON flow_schedules
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_schedule();
CREATE TRIGGER scheduler_schedule_enabled AFTER UPDATE OF enabled ON flow_schedules
	FOR EACH ROW WHEN (NEW.enabled AND NOT OLD.enabled) EXECUTE FUNCTION scheduler_on_schedule_enabled();
CREATE TRIGGER scheduler_schedule_retargeted AFTER UPDATE OF trigger_table_id, schedule_type ON flow_schedules
	FOR EACH ROW WHEN (NEW.trigger_table_id IS DISTINCT FROM OLD.trigger_table_id
		OR NEW.schedule_type IS DISTINCT FROM OLD.schedule_type)
	EXECUTE FUNCTION scheduler_on_schedule();
CREATE TRIGGER scheduler_schedule_changed AFTER UPDATE ON flow_schedules
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('s');
CREATE TRIGGER scheduler_schedule_removed AFTER DELETE ON flow_schedules
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_schedule();

CREATE TRIGGER scheduler_link_added AFTER INSERT ON schedule_trigger_tables
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_link();
CREATE TRIGGER scheduler_link_removed AFTER DELETE ON schedule_trigger_tables
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_link();

CREATE TRIGGER scheduler_flow_added AFTER INSERT ON flow_registrations
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('f');
CREATE TRIGGER scheduler_flow_changed AFTER UPDATE OF name, flow_path, flow_uuid ON flow_registrations
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('f');
CREATE TRIGGER scheduler_flow_removed AFTER DELETE ON flow_registrations
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('f');

CREATE TRIGGER scheduler_user_added AFTER INSERT ON users
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('u');
CREATE TRIGGER scheduler_user_changed AFTER UPDATE OF disabled ON users
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('u');
CREATE TRIGGER scheduler_user_removed AFTER DELETE ON users
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('u');

CREATE TRIGGER scheduler_run_added AFTER INSERT ON flow_runs
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_run();
CREATE TRIGGER scheduler_run_changed AFTER UPDATE OF ended_at, success, registration_id, flow_uuid, pid ON flow_runs
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_run();
CREATE TRIGGER scheduler_run_progressed AFTER UPDATE OF nodes_completed, number_of_nodes ON flow_runs
	FOR EACH ROW WHEN (NEW.ended_at IS NULL AND (NEW.nodes_completed IS DISTINCT FROM OLD.nodes_completed
		OR NEW.number_of_nodes IS DISTINCT FROM OLD.number_of_nodes))
	EXECUTE FUNCTION scheduler_on_change('n');
CREATE TRIGGER scheduler_run_removed AFTER DELETE ON flow_runs
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_run();

CREATE TRIGGER scheduler_request_added AFTER INSERT ON scheduler_requests
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('q');
CREATE TRIGGER scheduler_request_answered AFTER UPDATE OF outcome ON scheduler_requests
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('q');

CREATE TRIGGER scheduler_lock_taken AFTER INSERT ON scheduler_lock
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('l');
CREATE TRIGGER scheduler_lock_passed AFTER UPDATE OF holder_id ON scheduler_lock
	FOR EACH ROW WHEN (NEW.holder_id IS DISTINCT FROM OLD.holder_id) EXECUTE FUNCTION scheduler_on_change('l');
CREATE TRIGGER scheduler_lock_released AFTER DELETE ON scheduler_lock
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_change('l');

CREATE TRIGGER scheduler_setting_added AFTER INSERT ON scheduler_settings
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_setting();
CREATE TRIGGER scheduler_setting_changed AFTER UPDATE ON scheduler_settings
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_setting();
CREATE TRIGGER scheduler_setting_removed AFTER DELETE ON scheduler_settings
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_setting();

CREATE TRIGGER scheduler_history_added AFTER INSERT ON flow_runs
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_history();
CREATE TRIGGER scheduler_history_counted AFTER UPDATE OF success ON flow_runs
	FOR EACH ROW WHEN (NEW.success IS DISTINCT FROM OLD.success
		AND NEW.flow_uuid IS NOT DISTINCT FROM OLD.flow_uuid AND NEW.schedule_id IS NOT DISTINCT FROM OLD.schedule_id
		AND NEW.run_type = OLD.run_type AND NEW.flow_name = OLD.flow_name AND NEW.started_at = OLD.started_at)
	EXECUTE FUNCTION scheduler_on_outcome();
CREATE TRIGGER scheduler_history_moved AFTER UPDATE OF flow_uuid, schedule_id, run_type, flow_name, started_at ON flow_runs
	FOR EACH ROW WHEN (NOT (NEW.flow_uuid IS NOT DISTINCT FROM OLD.flow_uuid AND NEW.schedule_id IS NOT DISTINCT FROM OLD.schedule_id
		AND NEW.run_type = OLD.run_type AND NEW.flow_name = OLD.flow_name AND NEW.started_at = OLD.started_at))
	EXECUTE FUNCTION scheduler_on_history();
CREATE TRIGGER scheduler_history_removed AFTER DELETE ON flow_runs
	FOR EACH ROW EXECUTE FUNCTION scheduler_on_history();
