-- What virtual tables are computed from.

-- name: sources_pending
SELECT s.table_id, s.source_id, t.last_seq,
	(SELECT c.run_id FROM scheduler_changes c WHERE c.kind = 't' AND c.object_id = t.table_id AND c.seq = t.last_seq)
FROM scheduler_sources s JOIN scheduler_tables t ON t.table_id = s.source_id
WHERE t.last_seq > s.seq
ORDER BY s.table_id, s.source_id;

-- A table's writes are numbered while its row in catalog_tables is locked: then they are in the order of their commits.
-- name: sources_lock
SELECT id FROM catalog_tables WHERE id = $1;

-- name: sources_lock postgres
SELECT id FROM catalog_tables WHERE id = $1 FOR UPDATE;

-- name: sources_note
INSERT INTO scheduler_changes (kind, object_id, run_id) VALUES ('t', $1, $2) RETURNING seq;

-- name: sources_stamp
UPDATE scheduler_tables SET last_seq = $2, last_write_at = strftime('%Y-%m-%d %H:%M:%f000', 'now')
WHERE table_id = $1;

-- name: sources_stamp postgres
UPDATE scheduler_tables SET last_seq = $2, last_write_at = clock_timestamp() WHERE table_id = $1;

-- name: sources_passed_on
UPDATE scheduler_sources SET seq = $3 WHERE table_id = $1 AND source_id = $2;

-- A virtual table that was noted is a source of others. They are computed from the same writes, so they know; not of what else was
-- written there.
-- name: sources_settle
UPDATE scheduler_sources SET seq = $2 WHERE source_id = $1 AND seq >= $3;

-- name: sources_known
SELECT count(*) FROM scheduler_sources WHERE table_id = 0;

-- name: sources_count_virtual
SELECT (SELECT count(*) FROM catalog_tables WHERE table_type = 'virtual')
	+ (SELECT count(*) FROM scheduler_sources WHERE table_id > 0);

-- name: sources_tables
SELECT t.id, t.name, t.namespace_id, n.name, p.name, t.table_type, t.sql_query, r.flow_path
FROM catalog_tables t
LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
LEFT JOIN flow_registrations r ON r.id = t.producer_registration_id
ORDER BY t.id;

-- name: sources_list
SELECT table_id, source_id FROM scheduler_sources WHERE table_id > 0 ORDER BY table_id, source_id;

-- name: sources_written
SELECT last_seq, last_write_at FROM scheduler_tables WHERE table_id = $1;

-- name: sources_of
SELECT s.source_id, t.name, n.name FROM scheduler_sources s
JOIN catalog_tables t ON t.id = s.source_id
LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
WHERE s.table_id = $1 ORDER BY t.name, t.id;

-- name: sources_add
INSERT INTO scheduler_sources (table_id, source_id, seq) VALUES ($1, $2, $3)
ON CONFLICT (table_id, source_id) DO NOTHING;

-- name: sources_remove
DELETE FROM scheduler_sources WHERE table_id = $1 AND source_id = $2;
