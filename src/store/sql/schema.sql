-- What schema*.c asks of a catalog: its shape, its version, the seeds of a new one, and the
-- catch-up of our own tables.

-- Each table with its columns, blanks between them.
-- name: schema_shape sqlite
SELECT m.name, group_concat(c.name, ' ') FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' GROUP BY m.name;

-- name: schema_shape postgres
SELECT c.relname, string_agg(a.attname, ' ') FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema() GROUP BY c.relname;

-- name: schema_revision
SELECT max(version_num) FROM alembic_version;

-- Our triggers that are there and would fire: name, table.
-- name: schema_triggers sqlite
SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'scheduler\_%' ESCAPE '\';

-- name: schema_triggers postgres
SELECT t.tgname, c.relname FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname LIKE 'scheduler\_%' AND NOT t.tgisinternal AND t.tgenabled <> 'D'
	AND n.nspname = current_schema();

-- Statements that drop our triggers and what belongs to them, in order.
-- name: schema_drop_triggers sqlite
SELECT 'DROP TRIGGER "' || name || '"' FROM sqlite_master
WHERE type = 'trigger' AND name LIKE 'scheduler\_%' ESCAPE '\';

-- name: schema_drop_triggers postgres
SELECT text FROM (
	SELECT 1 AS step, format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname) AS text
	FROM pg_catalog.pg_trigger t
	JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE t.tgname LIKE 'scheduler\_%' AND NOT t.tgisinternal AND n.nspname = current_schema()
	UNION ALL
	SELECT 2, format('DROP FUNCTION %s', p.oid::regprocedure)
	FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
	WHERE p.proname LIKE 'scheduler\_%' AND n.nspname = current_schema()
) ours ORDER BY step;

-- The same for our view and tables. scheduler_lock is Flowfile's.
-- name: schema_drop_tables sqlite
SELECT 'DROP ' || type || ' "' || name || '"' FROM sqlite_master
WHERE type IN ('view', 'table') AND name LIKE 'scheduler\_%' ESCAPE '\' AND name <> 'scheduler_lock'
ORDER BY type DESC;

-- name: schema_drop_tables postgres
SELECT format('DROP %s %I.%I', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'r') AND c.relname LIKE 'scheduler\_%' AND c.relname <> 'scheduler_lock'
	AND n.nspname = current_schema()
ORDER BY c.relkind DESC;

-- One at a time: SQLite's BEGIN IMMEDIATE is enough.
-- name: schema_lock sqlite
SELECT 0;

-- name: schema_lock postgres
SELECT count(pg_advisory_xact_lock(7236254903771492707));

-- Functions that are made remember this path (until the end of the transaction).
-- name: schema_pin_path sqlite
SELECT 0;

-- name: schema_pin_path postgres
SELECT count(set_config('search_path', quote_ident(current_schema()) || ', pg_temp', TRUE));

-- name: schema_make_migrations sqlite
CREATE TABLE IF NOT EXISTS scheduler_migrations (
	name VARCHAR PRIMARY KEY,
	version INTEGER NOT NULL,
	checksum VARCHAR NOT NULL,
	applied_at DATETIME NOT NULL
);

-- name: schema_make_migrations postgres
CREATE TABLE IF NOT EXISTS scheduler_migrations (
	name VARCHAR PRIMARY KEY,
	version BIGINT NOT NULL,
	checksum VARCHAR NOT NULL,
	applied_at TIMESTAMPTZ NOT NULL
);

-- name: schema_migrations
SELECT name, version, checksum FROM scheduler_migrations ORDER BY version, name;

-- name: schema_note_migration
INSERT INTO scheduler_migrations (name, version, checksum, applied_at)
VALUES ($1, $2, $3, CURRENT_TIMESTAMP)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, checksum = excluded.checksum,
	applied_at = excluded.applied_at;

-- Seeds.

-- name: schema_seed_user
INSERT INTO users (username, email, full_name, hashed_password, disabled, is_admin, must_change_password)
VALUES ('local_user', 'local@flowfile.app', 'Local User', $1, FALSE, FALSE, FALSE) RETURNING id;

-- name: schema_seed_namespace
INSERT INTO catalog_namespaces (name, parent_id, level, description, owner_id, is_public)
VALUES ($1, $2, $3, $4, $5, TRUE) RETURNING id;

-- name: schema_seed_db_info
INSERT INTO db_info (id, app_version) VALUES (1, $1);

-- Catching up with what the triggers missed.

-- name: schema_clear_active
DELETE FROM scheduler_active;

-- name: schema_fill_active
INSERT INTO scheduler_active (run_id, registration_id, flow_uuid)
SELECT id, registration_id, flow_uuid FROM flow_runs WHERE ended_at IS NULL;

-- name: schema_clear_history
DELETE FROM scheduler_history;

-- name: schema_clear_history_groups
DELETE FROM scheduler_history_groups;

-- name: schema_fill_history_groups
INSERT INTO scheduler_history_groups (flow_uuid, schedule_id, run_type, flow_name, runs, successes,
	failures, first_at, last_at)
SELECT coalesce(flow_uuid, ''), coalesce(schedule_id, 0), run_type, flow_name, count(*),
	count(CASE WHEN success IS TRUE THEN 1 END), count(CASE WHEN success IS FALSE THEN 1 END),
	min(started_at), max(started_at)
FROM flow_runs GROUP BY coalesce(flow_uuid, ''), coalesce(schedule_id, 0), run_type, flow_name;

-- name: schema_fill_history
INSERT INTO scheduler_history (run_id, group_id, started_at)
SELECT r.id, g.id, r.started_at FROM flow_runs r JOIN scheduler_history_groups g
	ON g.flow_uuid = coalesce(r.flow_uuid, '') AND g.schedule_id = coalesce(r.schedule_id, 0)
		AND g.run_type = r.run_type AND g.flow_name = r.flow_name;

-- Rows of ours about schedules, links and runs that are gone.
-- name: schema_sweep_consumed
DELETE FROM scheduler_consumed WHERE NOT EXISTS (
	SELECT 1 FROM flow_schedules s WHERE s.id = scheduler_consumed.schedule_id
		AND s.schedule_type = 'table_trigger' AND s.trigger_table_id = scheduler_consumed.table_id)
AND NOT EXISTS (
	SELECT 1 FROM schedule_trigger_tables l JOIN flow_schedules s ON s.id = l.schedule_id
	WHERE l.schedule_id = scheduler_consumed.schedule_id AND l.table_id = scheduler_consumed.table_id);

-- name: schema_sweep_cursors
DELETE FROM scheduler_cursors WHERE schedule_id NOT IN (SELECT id FROM flow_schedules);

-- name: schema_sweep_firings
DELETE FROM scheduler_firings WHERE schedule_id NOT IN (SELECT id FROM flow_schedules);

-- name: schema_sweep_runs
DELETE FROM scheduler_runs WHERE run_id NOT IN (SELECT id FROM flow_runs);

-- name: schema_tables_seen
SELECT c.id, c.name, c.namespace_id, c.updated_at, c.created_at,
	t.table_id, t.name, t.namespace_id, t.stamp, t.last_write_at, t.last_seq
FROM catalog_tables c LEFT JOIN scheduler_tables t ON t.table_id = c.id ORDER BY c.id;

-- name: schema_journal_write
INSERT INTO scheduler_changes (kind, object_id) VALUES ('t', $1) RETURNING seq;

-- The catalog's own row is copied, so that stamp keeps its form.
-- name: schema_table_new
INSERT INTO scheduler_tables (table_id, last_seq, last_write_at, name, namespace_id, stamp)
SELECT id, $2, coalesce($3, CURRENT_TIMESTAMP), name, namespace_id, updated_at
FROM catalog_tables WHERE id = $1;

-- name: schema_table_written
UPDATE scheduler_tables SET last_seq = $2, last_write_at = coalesce($3, CURRENT_TIMESTAMP),
	generation = generation + $4,
	name = (SELECT name FROM catalog_tables WHERE id = $1),
	namespace_id = (SELECT namespace_id FROM catalog_tables WHERE id = $1),
	stamp = (SELECT updated_at FROM catalog_tables WHERE id = $1)
WHERE table_id = $1;

-- name: schema_table_renamed
UPDATE scheduler_tables SET
	name = (SELECT name FROM catalog_tables WHERE id = $1),
	namespace_id = (SELECT namespace_id FROM catalog_tables WHERE id = $1),
	stamp = (SELECT updated_at FROM catalog_tables WHERE id = $1)
WHERE table_id = $1;

-- Every schedule with every table it watches, its watermark, and what we know of both.
-- name: schema_watches
SELECT s.id, w.table_id, s.last_trigger_table_updated_at, c.updated_at,
	t.last_seq, t.generation, k.seq, k.generation
FROM (
	SELECT id AS schedule_id, trigger_table_id AS table_id FROM flow_schedules
	WHERE schedule_type = 'table_trigger' AND trigger_table_id IS NOT NULL
	UNION
	SELECT schedule_id, table_id FROM schedule_trigger_tables
) w
JOIN flow_schedules s ON s.id = w.schedule_id
LEFT JOIN catalog_tables c ON c.id = w.table_id
LEFT JOIN scheduler_tables t ON t.table_id = c.id
LEFT JOIN scheduler_consumed k ON k.schedule_id = s.id AND k.table_id = w.table_id
ORDER BY s.id, w.table_id;

-- name: schema_consumed_set
INSERT INTO scheduler_consumed (schedule_id, table_id, seq, generation) VALUES ($1, $2, $3, $4)
ON CONFLICT (schedule_id, table_id) DO UPDATE SET seq = excluded.seq, generation = excluded.generation;
