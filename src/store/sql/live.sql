-- What the API's event streams are made of: the journal with what it is about.

-- name: live_changes
SELECT c.seq, c.kind, c.object_id, c.at, c.run_id, t.name, t.namespace_id, x.owner_id
FROM scheduler_changes c
	LEFT JOIN scheduler_tables t ON c.kind IN ('t', 'd') AND t.table_id = c.object_id
	LEFT JOIN catalog_tables x ON c.kind = 't' AND x.id = c.object_id
WHERE c.seq > $1 ORDER BY c.seq LIMIT $2;

-- Runs that are open, and whether their processes are yet to start.
-- name: live_open_runs
SELECT a.run_id, CASE WHEN x.state = 'claimed' THEN 1 ELSE 0 END
FROM scheduler_active a LEFT JOIN scheduler_runs x ON x.run_id = a.run_id;
