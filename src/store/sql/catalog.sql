-- The catalog: src/catalog. A filter of 0 means "all"; the order by name is made in C, so that it is
-- binary on every database.

-- name: cat_flow_exists
SELECT id FROM flow_registrations WHERE id = $1;

-- name: cat_flow_path_get
SELECT flow_path FROM flow_registrations WHERE id = $1;

-- name: cat_artifacts_of_flow
SELECT id, name, version, status, description, python_type, python_module, serialization_format,
	size_bytes, sha256, tags, namespace_id, source_registration_id, source_flow_id,
	source_node_id, owner_id, created_at, updated_at
FROM global_artifacts WHERE source_registration_id = $1 AND status <> 'deleted';

-- name: cat_artifacts_list
SELECT id, name, version, status, description, python_type, python_module, serialization_format,
	size_bytes, sha256, tags, namespace_id, source_registration_id, source_flow_id,
	source_node_id, owner_id, created_at, updated_at
FROM global_artifacts WHERE namespace_id IS NOT NULL AND status <> 'deleted';

-- name: cat_notebooks_list
SELECT b.id, b.name, b.description, b.namespace_id, b.default_kernel_id, b.owner_id, b.created_at,
	b.updated_at, n.name
FROM catalog_notebooks b LEFT JOIN catalog_namespaces n ON n.id = b.namespace_id
ORDER BY b.updated_at DESC, b.id DESC;

-- name: cat_stats_counts
SELECT (SELECT count(*) FROM catalog_namespaces WHERE level = 0),
	(SELECT count(*) FROM flow_registrations),
	CAST($2 AS BIGINT),
	(SELECT count(*) FROM flow_favorites WHERE user_id = $1),
	(SELECT count(*) FROM table_favorites WHERE user_id = $1),
	(SELECT count(*) FROM global_artifacts WHERE status <> 'deleted'),
	(SELECT count(*) FROM catalog_tables),
	(SELECT count(*) FROM catalog_tables WHERE table_type = 'virtual'),
	(SELECT count(*) FROM flow_schedules);

-- name: cat_flow_name_taken
SELECT id FROM flow_registrations
WHERE name = $1 AND id <> $3
	AND (namespace_id = $2 OR (namespace_id IS NULL AND CAST($2 AS BIGINT) IS NULL));

-- name: cat_flow_insert
INSERT INTO flow_registrations (name, description, flow_path, namespace_id, owner_id, created_at,
	updated_at, flow_uuid, is_api_compatible)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
RETURNING id;

-- name: cat_flow_current
SELECT name, description, namespace_id FROM flow_registrations WHERE id = $1;

-- name: cat_flow_update
UPDATE flow_registrations SET name = $1, description = $2, namespace_id = $3, updated_at = $4
WHERE id = $5;

-- name: cat_flow_artifacts
SELECT count(*) FROM global_artifacts WHERE source_registration_id = $1 AND status <> 'deleted';

-- name: cat_flow_same_path
SELECT count(*) FROM flow_registrations
WHERE flow_path = (SELECT f.flow_path FROM flow_registrations f WHERE f.id = $1);

-- name: cat_flow_drop_favorites
DELETE FROM flow_favorites WHERE registration_id = $1;

-- name: cat_flow_drop_follows
DELETE FROM flow_follows WHERE registration_id = $1;

-- name: cat_flow_drop_read_links
DELETE FROM catalog_table_read_links WHERE registration_id = $1;

-- name: cat_flow_drop_schedule_links
DELETE FROM schedule_trigger_tables
WHERE schedule_id IN (SELECT id FROM flow_schedules WHERE registration_id = $1);

-- name: cat_flow_drop_schedules
DELETE FROM flow_schedules WHERE registration_id = $1;

-- name: cat_flow_drop_api_keys
DELETE FROM flow_api_keys
WHERE endpoint_id IN (SELECT id FROM flow_api_endpoints WHERE registration_id = $1);

-- name: cat_flow_drop_api_grants
DELETE FROM api_consumer_endpoints
WHERE endpoint_id IN (SELECT id FROM flow_api_endpoints WHERE registration_id = $1);

-- name: cat_flow_drop_api_endpoints
DELETE FROM flow_api_endpoints WHERE registration_id = $1;

-- name: cat_flow_drop_artifacts
DELETE FROM global_artifacts WHERE source_registration_id = $1;

-- name: cat_flow_drop_grants
DELETE FROM resource_grants WHERE resource_type = 'flow' AND resource_id = $1;

-- name: cat_flow_unlink_runs
UPDATE flow_runs SET registration_id = NULL WHERE registration_id = $1;

-- name: cat_flow_delete
DELETE FROM flow_registrations WHERE id = $1;

-- name: cat_namespaces_list
SELECT n.id, n.name, n.parent_id, n.level, n.description, n.owner_id, n.created_at, n.updated_at,
	n.storage_uri, n.storage_connection_name, p.name
FROM catalog_namespaces n LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE (CAST($1 AS BIGINT) = 0 OR n.id = $1)
	AND (CAST($2 AS BIGINT) = -1 OR n.parent_id = $2 OR ($2 = 0 AND n.parent_id IS NULL))
ORDER BY n.id;

-- name: cat_namespace_exists
SELECT id FROM catalog_namespaces WHERE id = $1;

-- name: cat_namespace_level
SELECT level FROM catalog_namespaces WHERE id = $1;

-- name: cat_namespace_name_taken
SELECT id FROM catalog_namespaces
WHERE name = $1 AND id <> $3
	AND (parent_id = $2 OR (parent_id IS NULL AND CAST($2 AS BIGINT) IS NULL));

-- name: cat_namespace_insert
INSERT INTO catalog_namespaces (name, parent_id, level, description, owner_id, created_at,
	updated_at, is_public, storage_uri, storage_connection_name)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)
RETURNING id;

-- name: cat_namespace_update
UPDATE catalog_namespaces SET name = $1, description = $2, storage_uri = $3,
	storage_connection_name = $4, updated_at = $5
WHERE id = $6;

-- name: cat_namespace_physical
SELECT count(*) FROM catalog_tables
WHERE table_type = 'physical' AND namespace_id IN (
	SELECT id FROM catalog_namespaces WHERE id = $1 OR parent_id = $1);

-- Whether it is for this provider; no row: there is none.
-- name: cat_cloud_connection
SELECT CASE WHEN storage_type = $3 THEN 1 ELSE 0 END FROM cloud_storage_connections
WHERE connection_name = $1 AND user_id = $2;

-- name: cat_namespace_content
SELECT (SELECT count(*) FROM catalog_namespaces WHERE parent_id = $1)
	+ (SELECT count(*) FROM flow_registrations WHERE namespace_id = $1)
	+ (SELECT count(*) FROM catalog_tables WHERE namespace_id = $1)
	+ (SELECT count(*) FROM catalog_notebooks WHERE namespace_id = $1);

-- name: cat_namespace_delete
DELETE FROM catalog_namespaces WHERE id = $1;

-- name: cat_namespace_drop_grants
DELETE FROM resource_grants WHERE resource_type = 'catalog_namespace' AND resource_id = $1;

-- name: cat_namespace_default
SELECT n.id FROM catalog_namespaces n JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE n.name = 'default' AND p.name = 'General' AND p.parent_id IS NULL
ORDER BY n.id LIMIT 1;

-- name: cat_tables_list
SELECT t.id, t.name, t.namespace_id, n.name, p.name, t.description, t.owner_id,
	EXISTS (SELECT 1 FROM table_favorites v WHERE v.table_id = t.id AND v.user_id = $3),
	t.schema_json, t.row_count, t.column_count, t.size_bytes, t.file_path,
	t.source_registration_id, s.name, t.source_run_id, t.table_type,
	t.producer_registration_id, q.name, t.is_optimized, t.sql_query, t.polars_plan,
	t.source_table_versions, t.partition_columns, t.scd2_config, t.prediction_table_id, d.name,
	t.created_at, t.updated_at
FROM catalog_tables t
	LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
	LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
	LEFT JOIN flow_registrations s ON s.id = t.source_registration_id
	LEFT JOIN flow_registrations q ON q.id = t.producer_registration_id
	LEFT JOIN catalog_tables d ON d.id = t.prediction_table_id
WHERE t.id BETWEEN CAST($1 AS BIGINT) AND CAST($4 AS BIGINT)
	AND (CAST($2 AS BIGINT) = 0 OR t.namespace_id = $2)
ORDER BY t.id;

-- name: cat_tables_readers
SELECT l.table_id, f.id, f.name
FROM catalog_table_read_links l JOIN flow_registrations f ON f.id = l.registration_id
WHERE l.table_id BETWEEN CAST($1 AS BIGINT) AND CAST($2 AS BIGINT)
ORDER BY l.table_id, f.id;

-- name: cat_table_exists
SELECT id FROM catalog_tables WHERE id = $1;

-- name: cat_table_name_taken
SELECT id FROM catalog_tables
WHERE name = $1 AND id <> $3
	AND (namespace_id = $2 OR (namespace_id IS NULL AND CAST($2 AS BIGINT) IS NULL));

-- name: cat_table_insert
INSERT INTO catalog_tables (name, namespace_id, description, owner_id, file_path, storage_format,
	row_count, size_bytes, source_registration_id, created_at, updated_at, table_type, is_optimized,
	schema_json, column_count, producer_registration_id, sql_query)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $12, $11, $13, $14, $15, $16)
RETURNING id;

-- name: cat_table_overwrite
UPDATE catalog_tables SET file_path = $1, storage_format = $2,
	schema_json = coalesce($3, schema_json), row_count = coalesce($4, row_count),
	column_count = coalesce($5, column_count), size_bytes = coalesce($6, size_bytes),
	description = coalesce($7, description), updated_at = $8
WHERE id = $9;

-- name: cat_table_any
SELECT id FROM catalog_tables LIMIT 1;

-- name: cat_table_places
SELECT file_path FROM catalog_tables WHERE file_path IS NOT NULL;

-- name: cat_table_set_size
UPDATE catalog_tables SET size_bytes = $1 WHERE id = $2;

-- name: cat_table_written
UPDATE catalog_tables SET file_path = coalesce($1, file_path),
	storage_format = CASE WHEN CAST($1 AS TEXT) IS NULL THEN storage_format ELSE 'delta' END,
	schema_json = coalesce($2, schema_json), row_count = coalesce($3, row_count),
	column_count = coalesce($4, column_count), size_bytes = coalesce($5, size_bytes),
	description = coalesce($6, description), updated_at = $7,
	source_registration_id = coalesce($8, source_registration_id), source_run_id = $9,
	partition_columns = coalesce($10, partition_columns), scd2_config = nullif(coalesce($12, scd2_config), '')
WHERE id = $11;

-- name: cat_table_add_read_link
INSERT INTO catalog_table_read_links (table_id, registration_id, created_at) VALUES ($1, $2, $3)
ON CONFLICT (table_id, registration_id) DO NOTHING;

-- name: cat_flow_of_id
SELECT flow_path, name FROM flow_registrations WHERE id = $1;

-- name: cat_flow_of_uuid
SELECT flow_path, name FROM flow_registrations WHERE flow_uuid = $1;

-- name: cat_flow_of_path
SELECT id FROM flow_registrations WHERE flow_path = $1 ORDER BY id LIMIT 1;

-- name: cat_table_drop_scd2
UPDATE catalog_tables SET scd2_config = NULL WHERE id = $1;

-- name: cat_table_set_producer
UPDATE catalog_tables SET producer_registration_id = $1, updated_at = $2 WHERE id = $3;

-- name: cat_table_set_query
UPDATE catalog_tables SET sql_query = $1, schema_json = $4, column_count = $5, updated_at = $2
WHERE id = $3;

-- name: cat_table_favorites
SELECT table_id FROM table_favorites WHERE user_id = $1 ORDER BY created_at DESC, id DESC;

-- name: cat_table_favorite_get
SELECT id, created_at FROM table_favorites WHERE user_id = $1 AND table_id = $2;

-- name: cat_table_favorite_add
INSERT INTO table_favorites (user_id, table_id, created_at) VALUES ($1, $2, $3)
ON CONFLICT (user_id, table_id) DO NOTHING;

-- name: cat_table_favorite_drop
DELETE FROM table_favorites WHERE user_id = $1 AND table_id = $2;

-- name: cat_table_updated_at
SELECT updated_at FROM catalog_tables WHERE id = $1;

-- name: cat_table_lock
SELECT updated_at FROM catalog_tables WHERE id = $1;

-- Two that write at once must not read the same stamp.
-- name: cat_table_lock postgres
SELECT updated_at FROM catalog_tables WHERE id = $1 FOR UPDATE;

-- name: cat_table_touch
UPDATE catalog_tables SET updated_at = $1, source_run_id = $2,
	row_count = coalesce($3, row_count), size_bytes = coalesce($4, size_bytes)
WHERE id = $5;

-- name: cat_table_current
SELECT name, description, namespace_id FROM catalog_tables WHERE id = $1;

-- name: cat_table_rename
UPDATE catalog_tables SET name = $1, namespace_id = $2 WHERE id = $3;

-- name: cat_table_describe
UPDATE catalog_tables SET description = $1 WHERE id = $2;

-- name: cat_table_set_path
UPDATE catalog_tables SET file_path = $1, storage_format = $2 WHERE id = $3;

-- name: cat_table_set_source
UPDATE catalog_tables SET source_registration_id = $1 WHERE id = $2;

-- name: cat_table_set_prediction
UPDATE catalog_tables SET prediction_table_id = $1 WHERE id = $2;

-- name: cat_table_drop_read_links
DELETE FROM catalog_table_read_links WHERE table_id = $1;

-- name: cat_table_drop_favorites
DELETE FROM table_favorites WHERE table_id = $1;

-- name: cat_table_drop_visualization_grants
DELETE FROM resource_grants WHERE resource_type = 'visualization'
	AND resource_id IN (SELECT id FROM catalog_visualizations WHERE catalog_table_id = $1);

-- name: cat_table_drop_visualizations
DELETE FROM catalog_visualizations WHERE catalog_table_id = $1;

-- name: cat_table_drop_grants
DELETE FROM resource_grants WHERE resource_type = 'catalog_table' AND resource_id = $1;

-- name: cat_table_drop_predictions
UPDATE catalog_tables SET prediction_table_id = NULL WHERE prediction_table_id = $1;

-- name: cat_table_disable_schedules
UPDATE flow_schedules SET enabled = $2, updated_at = $3
WHERE enabled IS TRUE AND ((schedule_type = 'table_trigger' AND trigger_table_id = $1)
	OR (schedule_type = 'table_set_trigger' AND id IN (
		SELECT schedule_id FROM schedule_trigger_tables WHERE table_id = $1)));

-- name: cat_table_delete
DELETE FROM catalog_tables WHERE id = $1;

-- name: cat_visualizations_list
SELECT v.id, v.name, v.description, v.chart_type, v.spec_json, v.spec_gw_version, v.source_type,
	v.catalog_table_id, v.sql_query, v.namespace_id, v.thumbnail_data_url, v.created_by,
	v.created_at, v.updated_at, t.name, tn.name, t.table_type, n.name
FROM catalog_visualizations v
	LEFT JOIN catalog_tables t ON t.id = v.catalog_table_id
	LEFT JOIN catalog_namespaces tn ON tn.id = t.namespace_id
	LEFT JOIN catalog_namespaces n ON n.id = v.namespace_id
WHERE v.id BETWEEN CAST($1 AS BIGINT) AND CAST($3 AS BIGINT)
	AND (CAST($2 AS BIGINT) = 0 OR v.catalog_table_id = $2)
ORDER BY v.created_at DESC, v.id DESC;

-- name: cat_visualization_insert
INSERT INTO catalog_visualizations (name, description, chart_type, spec_json, spec_gw_version,
	source_type, catalog_table_id, sql_query, thumbnail_data_url, namespace_id, created_by,
	created_at, updated_at, viz_uuid)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
RETURNING id;

-- name: cat_visualization_update
UPDATE catalog_visualizations SET name = $1, description = $2, chart_type = $3, spec_json = $4,
	spec_gw_version = $5, catalog_table_id = $6, sql_query = $7, thumbnail_data_url = $8,
	namespace_id = $9, updated_at = $10
WHERE id = $11;

-- name: cat_visualization_lock
SELECT id FROM catalog_visualizations WHERE id = $1;

-- Two that write at once must not find the same stamp.
-- name: cat_visualization_lock postgres
SELECT id FROM catalog_visualizations WHERE id = $1 FOR UPDATE;

-- name: cat_visualization_drop_grants
DELETE FROM resource_grants WHERE resource_type = 'visualization' AND resource_id = $1;

-- name: cat_visualization_delete
DELETE FROM catalog_visualizations WHERE id = $1;

-- name: cat_tables_resolve
SELECT t.id, t.name, t.namespace_id, n.name, p.name
FROM catalog_tables t
	LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
	LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE t.name = $1 AND (CAST($2 AS BIGINT) = 0 OR t.namespace_id = $2)
	AND (CAST($3 AS VARCHAR) IS NULL OR n.name = $3)
	AND (CAST($4 AS VARCHAR) IS NULL OR (p.name = $4 AND p.parent_id IS NULL))
ORDER BY coalesce(t.namespace_id, 0), t.id;

-- name: cat_tables_resolve_namespace
SELECT count(*) FROM catalog_namespaces n LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE n.name = $1 AND (CAST($2 AS VARCHAR) IS NULL OR (p.name = $2 AND p.parent_id IS NULL));

-- name: cat_schedules_list
SELECT s.id, s.registration_id, s.owner_id, s.enabled, s.name, s.description, s.schedule_type,
	s.interval_seconds, s.cron_expression, s.cron_timezone, s.trigger_table_id, t.name,
	t.namespace_id, n.name, s.last_triggered_at, s.last_trigger_table_updated_at,
	s.created_at, s.updated_at, f.name
FROM flow_schedules s
	LEFT JOIN flow_registrations f ON f.id = s.registration_id
	LEFT JOIN catalog_tables t ON t.id = s.trigger_table_id
	LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
WHERE s.id BETWEEN CAST($1 AS BIGINT) AND CAST($3 AS BIGINT)
	AND (CAST($2 AS BIGINT) = 0 OR s.registration_id = $2)
ORDER BY s.id;

-- name: cat_schedules_links
SELECT l.schedule_id, l.table_id, t.name, n.name
FROM schedule_trigger_tables l
	LEFT JOIN catalog_tables t ON t.id = l.table_id
	LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
WHERE l.schedule_id BETWEEN CAST($1 AS BIGINT) AND CAST($2 AS BIGINT)
ORDER BY l.schedule_id, l.id;

-- name: cat_table_last_write
SELECT last_write_at FROM scheduler_tables WHERE table_id = $1;

-- name: cat_table_last_name
SELECT t.name, n.name
FROM scheduler_tables t LEFT JOIN catalog_namespaces n ON n.id = t.namespace_id
WHERE t.table_id = $1 AND t.name IS NOT NULL;

-- name: cat_schedule_insert
INSERT INTO flow_schedules (registration_id, owner_id, enabled, name, description, schedule_type,
	interval_seconds, trigger_table_id, last_trigger_table_updated_at, created_at, updated_at,
	cron_expression, cron_timezone)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)
RETURNING id;

-- name: cat_schedule_link_insert
INSERT INTO schedule_trigger_tables (schedule_id, table_id, created_at) VALUES ($1, $2, $3);

-- name: cat_schedule_links_stamps
SELECT t.updated_at FROM schedule_trigger_tables l JOIN catalog_tables t ON t.id = l.table_id
WHERE l.schedule_id = $1;

-- name: cat_schedule_update
UPDATE flow_schedules SET enabled = $1, interval_seconds = $2, cron_expression = $3,
	cron_timezone = $4, name = $5, description = $6, updated_at = $7
WHERE id = $8;

-- name: cat_schedule_arm
UPDATE flow_schedules SET last_trigger_table_updated_at = $1 WHERE id = $2;

-- name: cat_schedule_drop_links
DELETE FROM schedule_trigger_tables WHERE schedule_id = $1;

-- name: cat_schedule_delete
DELETE FROM flow_schedules WHERE id = $1;

-- name: cat_history_total
SELECT CAST(coalesce(sum(runs), 0) AS BIGINT) FROM scheduler_history_groups;

-- name: cat_history_reused
SELECT count(*) FROM scheduler_history_groups g JOIN flow_schedules s ON s.id = g.schedule_id
WHERE g.schedule_id = $1 AND s.created_at > g.first_at;

-- name: cat_run_user
SELECT user_id FROM flow_runs WHERE id = $1;

-- name: cat_run_started_at
SELECT started_at FROM flow_runs WHERE id = $1 AND ended_at IS NULL;

-- name: cat_run_complete
UPDATE flow_runs SET ended_at = $1, success = $2, duration_seconds = $3, nodes_completed = $4,
	number_of_nodes = CASE WHEN CAST($5 AS BIGINT) > 0 THEN $5 ELSE number_of_nodes END
WHERE id = $6 AND ended_at IS NULL;

-- name: cat_run_progress
UPDATE flow_runs SET nodes_completed = $1, number_of_nodes = $2 WHERE id = $3 AND ended_at IS NULL;

-- name: cat_run_latest_spawned
SELECT id FROM flow_runs WHERE run_type <> 'in_designer_run' ORDER BY started_at DESC, id DESC LIMIT 1;

-- name: cat_user_local
SELECT id FROM users WHERE username = 'local_user' ORDER BY id LIMIT 1;

-- name: cat_user_get
SELECT id, username, disabled, is_admin FROM users WHERE id = $1;

-- name: cat_user_by_name
SELECT id, username, disabled, is_admin FROM users WHERE username = $1 ORDER BY id LIMIT 1;

-- name: cat_user_of_kernel
SELECT u.id, u.username, u.disabled, u.is_admin
FROM kernels k JOIN users u ON u.id = k.user_id WHERE k.id = $1;

-- name: cat_resolve_flow
SELECT f.id, f.name, n.name, p.name
FROM flow_registrations f
	LEFT JOIN catalog_namespaces n ON n.id = f.namespace_id
	LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE f.name = $1 ORDER BY f.id;

-- name: cat_resolve_flow_names
SELECT name FROM flow_registrations;

-- name: cat_resolve_table_names
SELECT name FROM catalog_tables;

-- name: cat_resolve_schedule
SELECT s.id, s.name, f.name, NULL
FROM flow_schedules s LEFT JOIN flow_registrations f ON f.id = s.registration_id
WHERE s.name = $1 ORDER BY s.id;

-- name: cat_resolve_schedule_names
SELECT name FROM flow_schedules WHERE name IS NOT NULL;

-- name: cat_resolve_namespace
SELECT n.id, n.name, p.name, NULL
FROM catalog_namespaces n LEFT JOIN catalog_namespaces p ON p.id = n.parent_id
WHERE n.name = $1 AND (CAST($2 AS VARCHAR) IS NULL OR p.name = $2)
ORDER BY n.id;

-- name: cat_resolve_namespace_names
SELECT name FROM catalog_namespaces;

-- name: cat_schedule_exists
SELECT id FROM flow_schedules WHERE id = $1;

-- name: cat_run_exists
SELECT id FROM flow_runs WHERE id = $1;

-- name: cat_status_lock
SELECT holder_id, started_at, heartbeat_at FROM scheduler_lock WHERE id = 1;

-- name: cat_status_instance
SELECT host, version, pid, boot_id, pid_start FROM scheduler_instances WHERE holder_id = $1;

-- name: cat_status_instances
SELECT holder_id, host, version, pid, started_at, seen_at, boot_id, pid_start
FROM scheduler_instances
ORDER BY seen_at DESC, holder_id;

-- name: cat_status_host_seen
SELECT max(seen_at) FROM scheduler_instances WHERE host = $1;

-- name: cat_status_counts
SELECT (SELECT count(*) FROM flow_runs WHERE ended_at IS NULL),
	(SELECT count(*) FROM flow_schedules),
	(SELECT count(*) FROM flow_schedules WHERE enabled IS TRUE);

-- name: cat_status_open_requests
SELECT count(*) FROM scheduler_requests WHERE outcome IS NULL;

-- name: cat_setting_put
INSERT INTO scheduler_settings (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: cat_request_insert
INSERT INTO scheduler_requests (kind, registration_id, schedule_id, run_id, user_id, requested_by,
	created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id;

-- name: cat_request_get
SELECT outcome, detail, run_id FROM scheduler_requests WHERE id = $1;

-- name: cat_request_withdraw
DELETE FROM scheduler_requests WHERE id = $1 AND outcome IS NULL;

-- name: cat_last_firing
SELECT f.fired_at, f.due_at, f.cause, f.covered, f.run_id
FROM scheduler_firings f WHERE f.schedule_id = $1 ORDER BY f.id DESC LIMIT 1;

-- Flows that failed each time, the last $1 times at least. A cancelled run is no failure of its flow.
-- name: cat_flows_failing
SELECT f.id, f.name
FROM flow_registrations f JOIN (
	SELECT r.id, r.flow_uuid, r.success,
		row_number() OVER (PARTITION BY r.flow_uuid ORDER BY r.started_at DESC, r.id DESC) AS place
	FROM flow_runs r LEFT JOIN scheduler_runs x ON x.run_id = r.id
	WHERE r.ended_at IS NOT NULL AND x.cancel_at IS NULL) l ON l.flow_uuid = f.flow_uuid AND l.place <= $1
GROUP BY f.id, f.name
HAVING count(*) = $1 AND count(CASE WHEN l.success IS FALSE THEN 1 END) = $1
ORDER BY f.id;

-- name: cat_latest_run
SELECT max(started_at) FROM flow_runs;
