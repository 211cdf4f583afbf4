-- Made anew on each connection that serves restricted users (src/http/access.c). @ stands for the schema of Flowfile's
-- tables. A view is called as the table it stands before; what it shows is what the user in access_user may use.

CREATE TEMP TABLE access_user (user_id BIGINT NOT NULL);
INSERT INTO access_user VALUES (0);

CREATE TEMP VIEW access_grants AS
SELECT g.resource_type AS kind, g.resource_id AS id, g.permission = 'manage' AS manage
FROM @resource_grants g JOIN @user_group_memberships m ON m.group_id = g.group_id
WHERE m.user_id = (SELECT user_id FROM access_user);

-- A grant on a catalog goes for its schemas.
CREATE TEMP VIEW access_spaces AS
SELECT id, manage FROM access_grants WHERE kind = 'catalog_namespace'
UNION
SELECT n.id, g.manage FROM access_grants g JOIN @catalog_namespaces n ON n.parent_id = g.id
WHERE g.kind = 'catalog_namespace';

CREATE TEMP VIEW flow_registrations AS
SELECT * FROM @flow_registrations
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'flow')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW catalog_tables AS
SELECT * FROM @catalog_tables
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'catalog_table')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW catalog_notebooks AS
SELECT * FROM @catalog_notebooks
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'catalog_notebook')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW global_artifacts AS
SELECT * FROM @global_artifacts
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'global_artifact')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW catalog_visualizations AS
SELECT * FROM @catalog_visualizations
WHERE created_by = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'visualization')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW catalog_dashboards AS
SELECT * FROM @catalog_dashboards
WHERE created_by = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'dashboard')
	OR namespace_id IN (SELECT id FROM access_spaces);

CREATE TEMP VIEW flow_schedules AS
SELECT * FROM @flow_schedules
WHERE owner_id = (SELECT user_id FROM access_user)
	OR registration_id IN (SELECT id FROM flow_registrations);

CREATE TEMP VIEW flow_runs AS
SELECT * FROM @flow_runs
WHERE user_id = (SELECT user_id FROM access_user)
	OR registration_id IN (SELECT id FROM flow_registrations);

CREATE TEMP VIEW access_visible_spaces AS
SELECT id FROM access_spaces
UNION SELECT id FROM @catalog_namespaces
	WHERE owner_id = (SELECT user_id FROM access_user) OR is_public = TRUE
UNION SELECT namespace_id FROM flow_registrations WHERE namespace_id IS NOT NULL
UNION SELECT namespace_id FROM catalog_tables WHERE namespace_id IS NOT NULL;

-- What holds something that is visible is shown as its container, and so is the catalog around a schema.
CREATE TEMP VIEW catalog_namespaces AS
SELECT * FROM @catalog_namespaces
WHERE id IN (SELECT id FROM access_visible_spaces)
	OR id IN (SELECT s.parent_id FROM @catalog_namespaces s
		WHERE s.id IN (SELECT id FROM access_visible_spaces));

CREATE TEMP VIEW access_managed AS
SELECT 'flow' AS kind, id FROM @flow_registrations
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'flow' AND manage)
	OR namespace_id IN (SELECT id FROM access_spaces WHERE manage)
UNION ALL
SELECT 'catalog_table' AS kind, id FROM @catalog_tables
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'catalog_table' AND manage)
	OR namespace_id IN (SELECT id FROM access_spaces WHERE manage)
UNION ALL
SELECT 'visualization' AS kind, id FROM @catalog_visualizations
WHERE created_by = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'visualization' AND manage)
	OR namespace_id IN (SELECT id FROM access_spaces WHERE manage)
UNION ALL
SELECT 'catalog_namespace' AS kind, id FROM @catalog_namespaces
WHERE owner_id = (SELECT user_id FROM access_user)
	OR id IN (SELECT id FROM access_grants WHERE kind = 'catalog_namespace' AND manage)
UNION ALL
SELECT 'schedule' AS kind, s.id FROM @flow_schedules s
	LEFT JOIN @flow_registrations f ON f.id = s.registration_id
WHERE s.owner_id = (SELECT user_id FROM access_user)
	OR f.owner_id = (SELECT user_id FROM access_user)
	OR f.id IN (SELECT id FROM access_grants WHERE kind = 'flow' AND manage)
	OR f.namespace_id IN (SELECT id FROM access_spaces WHERE manage);

CREATE TEMP VIEW access_writable AS
SELECT id FROM @catalog_namespaces
WHERE owner_id = (SELECT user_id FROM access_user) OR is_public = TRUE
	OR id IN (SELECT id FROM access_spaces WHERE manage);
