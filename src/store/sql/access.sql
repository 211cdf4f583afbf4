-- What a restricted user may do, asked on the connection whose views access.c makes: there, Flowfile's tables show
-- what may be used, and the managed_ and writable_ views what may be changed.

-- name: access_set_user
UPDATE access_user SET user_id = $1;

-- name: access_use_flow
SELECT id FROM flow_registrations WHERE id = $1;

-- name: access_use_table
SELECT id FROM catalog_tables WHERE id = $1;

-- name: access_use_namespace
SELECT id FROM catalog_namespaces WHERE id = $1;

-- name: access_use_schedule
SELECT id FROM flow_schedules WHERE id = $1;

-- name: access_use_run
SELECT id FROM flow_runs WHERE id = $1;

-- name: access_use_visualization
SELECT id FROM catalog_visualizations WHERE id = $1;

-- name: access_manage_flow
SELECT id FROM access_managed WHERE kind = 'flow' AND id = $1;

-- name: access_manage_table
SELECT id FROM access_managed WHERE kind = 'catalog_table' AND id = $1;

-- name: access_manage_namespace
SELECT id FROM access_managed WHERE kind = 'catalog_namespace' AND id = $1;

-- name: access_manage_schedule
SELECT id FROM access_managed WHERE kind = 'schedule' AND id = $1;

-- name: access_manage_visualization
SELECT id FROM access_managed WHERE kind = 'visualization' AND id = $1;

-- name: access_write_namespace
SELECT id FROM access_writable WHERE id = $1;
