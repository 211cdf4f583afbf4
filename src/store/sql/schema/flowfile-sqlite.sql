-- The catalog as Flowfile 0.16 makes it with its 30 migrations: same tables, same indexes, same order and the
-- same text in sqlite_master, so that Flowfile's own migrations go on from here. Not to be edited.

CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE users (
	id INTEGER NOT NULL, 
	username VARCHAR, 
	email VARCHAR, 
	full_name VARCHAR, 
	hashed_password VARCHAR, 
	disabled BOOLEAN, 
	is_admin BOOLEAN, 
	must_change_password BOOLEAN, 
	PRIMARY KEY (id)
);

CREATE TABLE secrets (
	id INTEGER NOT NULL, 
	name VARCHAR, 
	encrypted_value TEXT, 
	iv VARCHAR, 
	user_id INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE database_connections (
	id INTEGER NOT NULL, 
	connection_name VARCHAR, 
	database_type VARCHAR, 
	username VARCHAR, 
	host VARCHAR, 
	port INTEGER, 
	"database" VARCHAR, 
	ssl_enabled BOOLEAN, 
	password_id INTEGER, 
	user_id INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(password_id) REFERENCES secrets (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE cloud_storage_connections (
	id INTEGER NOT NULL, 
	connection_name VARCHAR NOT NULL, 
	storage_type VARCHAR NOT NULL, 
	auth_method VARCHAR NOT NULL, 
	aws_region VARCHAR, 
	aws_access_key_id VARCHAR, 
	aws_secret_access_key_id INTEGER, 
	aws_session_token_id INTEGER, 
	aws_role_arn VARCHAR, 
	aws_allow_unsafe_html BOOLEAN, 
	azure_account_name VARCHAR, 
	azure_account_key_id INTEGER, 
	azure_tenant_id VARCHAR, 
	azure_client_id VARCHAR, 
	azure_client_secret_id INTEGER, 
	azure_sas_token_id INTEGER, 
	gcs_service_account_key_id INTEGER, 
	gcs_project_id VARCHAR, 
	endpoint_url VARCHAR, 
	extra_config TEXT, 
	verify_ssl BOOLEAN, 
	user_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(aws_secret_access_key_id) REFERENCES secrets (id), 
	FOREIGN KEY(aws_session_token_id) REFERENCES secrets (id), 
	FOREIGN KEY(azure_account_key_id) REFERENCES secrets (id), 
	FOREIGN KEY(azure_client_secret_id) REFERENCES secrets (id), 
	FOREIGN KEY(azure_sas_token_id) REFERENCES secrets (id), 
	FOREIGN KEY(gcs_service_account_key_id) REFERENCES secrets (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE cloud_storage_permissions (
	id INTEGER NOT NULL, 
	connection_id INTEGER NOT NULL, 
	resource_path VARCHAR NOT NULL, 
	can_read BOOLEAN, 
	can_write BOOLEAN, 
	can_delete BOOLEAN, 
	can_list BOOLEAN, 
	PRIMARY KEY (id), 
	FOREIGN KEY(connection_id) REFERENCES cloud_storage_connections (id)
);

CREATE TABLE catalog_namespaces (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	parent_id INTEGER, 
	level INTEGER NOT NULL, 
	description TEXT, 
	owner_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, is_public BOOLEAN DEFAULT '0' NOT NULL, storage_uri VARCHAR, storage_connection_name VARCHAR, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_namespace_name_parent UNIQUE (name, parent_id), 
	FOREIGN KEY(parent_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE TABLE flow_runs (
	id INTEGER NOT NULL, 
	registration_id INTEGER, 
	flow_name VARCHAR NOT NULL, 
	flow_path VARCHAR, 
	user_id INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	success BOOLEAN, 
	nodes_completed INTEGER, 
	number_of_nodes INTEGER, 
	duration_seconds FLOAT, 
	run_type VARCHAR DEFAULT 'in_designer_run' NOT NULL, 
	pid INTEGER, 
	schedule_id INTEGER, 
	flow_snapshot TEXT, 
	node_results_json TEXT, flow_uuid VARCHAR(36), 
	PRIMARY KEY (id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(schedule_id) REFERENCES flow_schedules (id)
);

CREATE TABLE flow_favorites (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	registration_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_user_favorite UNIQUE (user_id, registration_id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id)
);

CREATE TABLE flow_follows (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	registration_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_user_follow UNIQUE (user_id, registration_id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id)
);

CREATE TABLE "flow_schedules" (
	id INTEGER NOT NULL, 
	registration_id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	name VARCHAR, 
	description VARCHAR, 
	schedule_type VARCHAR NOT NULL, 
	interval_seconds INTEGER, 
	trigger_table_id INTEGER, 
	last_triggered_at DATETIME, 
	last_trigger_table_updated_at DATETIME, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, cron_expression VARCHAR, cron_timezone VARCHAR, last_cron_slot DATETIME, 
	PRIMARY KEY (id), 
	CONSTRAINT fk_flow_schedules_trigger_table_id FOREIGN KEY(trigger_table_id) REFERENCES catalog_tables (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id)
);

CREATE TABLE schedule_trigger_tables (
	id INTEGER NOT NULL, 
	schedule_id INTEGER NOT NULL, 
	table_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_schedule_trigger_table UNIQUE (schedule_id, table_id), 
	FOREIGN KEY(schedule_id) REFERENCES flow_schedules (id), 
	FOREIGN KEY(table_id) REFERENCES catalog_tables (id)
);

CREATE TABLE table_favorites (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	table_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_user_table_favorite UNIQUE (user_id, table_id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(table_id) REFERENCES catalog_tables (id)
);

CREATE TABLE global_artifacts (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	namespace_id INTEGER, 
	version INTEGER DEFAULT '1' NOT NULL, 
	status VARCHAR DEFAULT 'pending' NOT NULL, 
	owner_id INTEGER NOT NULL, 
	source_registration_id INTEGER NOT NULL, 
	source_flow_id INTEGER, 
	source_node_id INTEGER, 
	source_kernel_id VARCHAR, 
	python_type VARCHAR, 
	python_module VARCHAR, 
	serialization_format VARCHAR NOT NULL, 
	storage_key VARCHAR, 
	size_bytes INTEGER, 
	sha256 VARCHAR, 
	description TEXT, 
	tags TEXT, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_artifact_name_ns_version UNIQUE (name, namespace_id, version), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(source_registration_id) REFERENCES flow_registrations (id)
);

CREATE TABLE catalog_table_read_links (
	id INTEGER NOT NULL, 
	table_id INTEGER NOT NULL, 
	registration_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_table_read_link UNIQUE (table_id, registration_id), 
	FOREIGN KEY(table_id) REFERENCES catalog_tables (id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id)
);

CREATE TABLE scheduler_lock (
	id INTEGER NOT NULL, 
	holder_id VARCHAR NOT NULL, 
	started_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	heartbeat_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE kafka_connections (
	id INTEGER NOT NULL, 
	connection_name VARCHAR NOT NULL, 
	bootstrap_servers VARCHAR NOT NULL, 
	security_protocol VARCHAR DEFAULT 'PLAINTEXT' NOT NULL, 
	sasl_mechanism VARCHAR, 
	sasl_username VARCHAR, 
	sasl_password_id INTEGER, 
	ssl_ca_location VARCHAR, 
	ssl_cert_location VARCHAR, 
	ssl_key_id INTEGER, 
	schema_registry_url VARCHAR, 
	extra_config TEXT, 
	user_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(sasl_password_id) REFERENCES secrets (id), 
	FOREIGN KEY(ssl_key_id) REFERENCES secrets (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE db_info (
	id INTEGER NOT NULL, 
	app_version VARCHAR NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE google_analytics_connections (
	id INTEGER NOT NULL, 
	connection_name VARCHAR NOT NULL, 
	description TEXT, 
	default_property_id VARCHAR, 
	oauth_user_email VARCHAR, 
	credential_secret_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, auth_method VARCHAR DEFAULT 'oauth' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(credential_secret_id) REFERENCES secrets (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE "catalog_tables" (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	namespace_id INTEGER, 
	description TEXT, 
	owner_id INTEGER NOT NULL, 
	file_path VARCHAR, 
	storage_format VARCHAR DEFAULT 'delta' NOT NULL, 
	schema_json TEXT, 
	row_count INTEGER, 
	column_count INTEGER, 
	size_bytes INTEGER, 
	source_registration_id INTEGER, 
	source_run_id INTEGER, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	table_type VARCHAR DEFAULT 'physical' NOT NULL, 
	producer_registration_id INTEGER, 
	serialized_lazy_frame BLOB, 
	is_optimized BOOLEAN DEFAULT 0, 
	sql_query TEXT, 
	polars_plan TEXT, 
	source_table_versions TEXT, partition_columns TEXT, scd2_config TEXT, prediction_table_id INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_catalog_table_name_ns UNIQUE (name, namespace_id), 
	CONSTRAINT fk_catalog_tables_producer_registration_id_flow_registrations FOREIGN KEY(producer_registration_id) REFERENCES flow_registrations (id), 
	FOREIGN KEY(source_run_id) REFERENCES flow_runs (id), 
	FOREIGN KEY(source_registration_id) REFERENCES flow_registrations (id), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE TABLE "flow_registrations" (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	flow_path VARCHAR NOT NULL, 
	namespace_id INTEGER, 
	owner_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	flow_uuid VARCHAR(36) NOT NULL, is_api_compatible BOOLEAN DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_flow_registrations_flow_uuid UNIQUE (flow_uuid), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE TABLE ai_audit_events (
	id INTEGER NOT NULL, 
	session_id VARCHAR NOT NULL, 
	flow_id INTEGER, 
	user_id INTEGER NOT NULL, 
	tool_name VARCHAR NOT NULL, 
	tool_args TEXT, 
	result_status VARCHAR NOT NULL, 
	error TEXT, 
	provider VARCHAR, 
	model VARCHAR, 
	prompt_tokens INTEGER DEFAULT '0' NOT NULL, 
	completion_tokens INTEGER DEFAULT '0' NOT NULL, 
	total_tokens INTEGER DEFAULT '0' NOT NULL, 
	diff_action VARCHAR, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE ai_provider_credentials (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	provider VARCHAR NOT NULL, 
	api_key_secret_id INTEGER, 
	api_base VARCHAR, 
	default_model VARCHAR, 
	last_tested_at DATETIME, 
	last_test_status VARCHAR, 
	last_test_error TEXT, 
	models TEXT, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_ai_provider_per_user UNIQUE (user_id, provider), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(api_key_secret_id) REFERENCES secrets (id) ON DELETE SET NULL
);

CREATE TABLE "kernels" (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	user_id INTEGER NOT NULL, 
	packages TEXT, 
	cpu_cores FLOAT, 
	memory_gb FLOAT, 
	gpu BOOLEAN, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	image_flavour VARCHAR NOT NULL, 
	custom_image VARCHAR, 
	resolved_packages TEXT DEFAULT '[]' NOT NULL, 
	scratch_flow_registration_id INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT fk_kernels_scratch_flow_registration_id FOREIGN KEY(scratch_flow_registration_id) REFERENCES flow_registrations (id) ON DELETE SET NULL, 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE flow_api_endpoints (
	id INTEGER NOT NULL, 
	registration_id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	slug VARCHAR NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	response_node_id INTEGER, 
	param_schema_json TEXT, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_api_endpoint_slug UNIQUE (slug), 
	CONSTRAINT uq_api_endpoint_registration UNIQUE (registration_id), 
	FOREIGN KEY(registration_id) REFERENCES flow_registrations (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE TABLE api_consumers (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	owner_id INTEGER NOT NULL, 
	enabled BOOLEAN DEFAULT '1' NOT NULL, 
	is_implicit BOOLEAN DEFAULT '0' NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_api_consumer_owner_name UNIQUE (owner_id, name), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE TABLE api_consumer_endpoints (
	id INTEGER NOT NULL, 
	consumer_id INTEGER NOT NULL, 
	endpoint_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_consumer_endpoint UNIQUE (consumer_id, endpoint_id), 
	FOREIGN KEY(consumer_id) REFERENCES api_consumers (id) ON DELETE CASCADE, 
	FOREIGN KEY(endpoint_id) REFERENCES flow_api_endpoints (id) ON DELETE CASCADE
);

CREATE TABLE "flow_api_keys" (
	id INTEGER NOT NULL, 
	endpoint_id INTEGER, 
	owner_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	key_hash VARCHAR NOT NULL, 
	key_prefix VARCHAR NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	last_used_at DATETIME, 
	expires_at DATETIME, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	consumer_id INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_api_key_hash UNIQUE (key_hash), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(endpoint_id) REFERENCES flow_api_endpoints (id)
);

CREATE TABLE user_groups (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	created_by INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(created_by) REFERENCES users (id)
);

CREATE TABLE user_group_memberships (
	id INTEGER NOT NULL, 
	group_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	role VARCHAR DEFAULT 'member' NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_group_member UNIQUE (group_id, user_id), 
	FOREIGN KEY(group_id) REFERENCES user_groups (id), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE resource_grants (
	id INTEGER NOT NULL, 
	resource_type VARCHAR NOT NULL, 
	resource_id INTEGER NOT NULL, 
	group_id INTEGER NOT NULL, 
	permission VARCHAR DEFAULT 'use' NOT NULL, 
	granted_by INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_resource_group_grant UNIQUE (resource_type, resource_id, group_id), 
	FOREIGN KEY(group_id) REFERENCES user_groups (id), 
	FOREIGN KEY(granted_by) REFERENCES users (id)
);

CREATE TABLE "workspace_projects" (  id INTEGER NOT NULL,  name VARCHAR NOT NULL,  folder_path VARCHAR NOT NULL,  owner_id INTEGER NOT NULL,  is_active BOOLEAN DEFAULT 0 NOT NULL,  last_synced_head_sha VARCHAR(40),  created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL,  updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL,  track_data_artifacts BOOLEAN DEFAULT 1 NOT NULL,  PRIMARY KEY (id),  CONSTRAINT uq_project_owner_path UNIQUE (owner_id, folder_path),  FOREIGN KEY(owner_id) REFERENCES users (id));

CREATE TABLE "catalog_visualizations" (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	chart_type VARCHAR, 
	spec_json TEXT NOT NULL, 
	spec_gw_version VARCHAR, 
	source_type VARCHAR DEFAULT 'table' NOT NULL, 
	catalog_table_id INTEGER, 
	sql_query TEXT, 
	thumbnail_data_url TEXT, 
	namespace_id INTEGER, 
	created_by INTEGER, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	viz_uuid VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(catalog_table_id) REFERENCES catalog_tables (id), 
	FOREIGN KEY(created_by) REFERENCES users (id)
);

CREATE TABLE "catalog_dashboards" (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	layout_json TEXT NOT NULL, 
	layout_version INTEGER DEFAULT '1' NOT NULL, 
	namespace_id INTEGER, 
	created_by INTEGER, 
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL, 
	dashboard_uuid VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(created_by) REFERENCES users (id), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id)
);

CREATE TABLE catalog_notebooks (
	id INTEGER NOT NULL, 
	notebook_uuid VARCHAR(36) NOT NULL, 
	name VARCHAR NOT NULL, 
	description TEXT, 
	namespace_id INTEGER, 
	default_kernel_id VARCHAR, 
	owner_id INTEGER NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_catalog_notebook_name_ns UNIQUE (name, namespace_id), 
	FOREIGN KEY(namespace_id) REFERENCES catalog_namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);

CREATE UNIQUE INDEX ix_users_username ON users (username);

CREATE UNIQUE INDEX ix_users_email ON users (email);

CREATE INDEX ix_secrets_name ON secrets (name);

CREATE INDEX ix_database_connections_connection_name ON database_connections (connection_name);

CREATE INDEX ix_cloud_storage_connections_connection_name ON cloud_storage_connections (connection_name);

CREATE INDEX ix_catalog_namespaces_name ON catalog_namespaces (name);

CREATE INDEX ix_global_artifacts_name ON global_artifacts (name);

CREATE INDEX ix_kafka_connections_connection_name ON kafka_connections (connection_name);

CREATE INDEX ix_google_analytics_connections_connection_name ON google_analytics_connections (connection_name);

CREATE INDEX ix_google_analytics_connections_id ON google_analytics_connections (id);

CREATE INDEX ix_catalog_namespaces_id ON catalog_namespaces (id);

CREATE INDEX ix_catalog_table_read_links_id ON catalog_table_read_links (id);

CREATE INDEX ix_cloud_storage_connections_id ON cloud_storage_connections (id);

CREATE INDEX ix_cloud_storage_permissions_id ON cloud_storage_permissions (id);

CREATE INDEX ix_database_connections_id ON database_connections (id);

CREATE INDEX ix_flow_favorites_id ON flow_favorites (id);

CREATE INDEX ix_flow_follows_id ON flow_follows (id);

CREATE INDEX ix_flow_runs_id ON flow_runs (id);

CREATE INDEX ix_flow_schedules_id ON flow_schedules (id);

CREATE INDEX ix_global_artifacts_id ON global_artifacts (id);

CREATE INDEX ix_kafka_connections_id ON kafka_connections (id);

CREATE INDEX ix_schedule_trigger_tables_id ON schedule_trigger_tables (id);

CREATE INDEX ix_secrets_id ON secrets (id);

CREATE INDEX ix_table_favorites_id ON table_favorites (id);

CREATE INDEX ix_users_id ON users (id);

CREATE INDEX ix_catalog_tables_name ON catalog_tables (name);

CREATE INDEX ix_catalog_tables_id ON catalog_tables (id);

CREATE INDEX ix_flow_runs_flow_uuid ON flow_runs (flow_uuid);

CREATE INDEX ix_flow_registrations_name ON flow_registrations (name);

CREATE INDEX ix_flow_registrations_id ON flow_registrations (id);

CREATE INDEX ix_ai_audit_events_session_id ON ai_audit_events (session_id);

CREATE INDEX ix_ai_audit_events_user_id ON ai_audit_events (user_id);

CREATE INDEX ix_ai_audit_events_id ON ai_audit_events (id);

CREATE INDEX ix_ai_audit_events_flow_id ON ai_audit_events (flow_id);

CREATE INDEX ix_ai_audit_events_tool_name ON ai_audit_events (tool_name);

CREATE INDEX ix_ai_audit_events_created_at ON ai_audit_events (created_at);

CREATE INDEX ix_ai_provider_credentials_id ON ai_provider_credentials (id);

CREATE INDEX ix_ai_provider_credentials_user_id ON ai_provider_credentials (user_id);

CREATE INDEX ix_ai_provider_credentials_provider ON ai_provider_credentials (provider);

CREATE INDEX ix_kernels_id ON kernels (id);

CREATE INDEX ix_flow_api_endpoints_id ON flow_api_endpoints (id);

CREATE INDEX ix_flow_api_endpoints_slug ON flow_api_endpoints (slug);

CREATE INDEX ix_api_consumers_id ON api_consumers (id);

CREATE INDEX ix_api_consumers_owner_id ON api_consumers (owner_id);

CREATE INDEX ix_api_consumer_endpoints_id ON api_consumer_endpoints (id);

CREATE INDEX ix_api_consumer_endpoints_endpoint_id ON api_consumer_endpoints (endpoint_id);

CREATE INDEX ix_api_consumer_endpoints_consumer_id ON api_consumer_endpoints (consumer_id);

CREATE INDEX ix_flow_api_keys_endpoint_id ON flow_api_keys (endpoint_id);

CREATE INDEX ix_flow_api_keys_id ON flow_api_keys (id);

CREATE INDEX ix_flow_api_keys_key_hash ON flow_api_keys (key_hash);

CREATE INDEX ix_user_groups_id ON user_groups (id);

CREATE UNIQUE INDEX ix_user_groups_name ON user_groups (name);

CREATE INDEX ix_user_group_memberships_id ON user_group_memberships (id);

CREATE INDEX ix_user_group_memberships_user_id ON user_group_memberships (user_id);

CREATE INDEX ix_user_group_memberships_group_id ON user_group_memberships (group_id);

CREATE INDEX ix_resource_grants_id ON resource_grants (id);

CREATE INDEX ix_resource_grants_resource_type ON resource_grants (resource_type);

CREATE INDEX ix_resource_grants_group_id ON resource_grants (group_id);

CREATE INDEX ix_resource_grants_resource ON resource_grants (resource_type, resource_id);

CREATE INDEX ix_workspace_projects_id ON workspace_projects (id);

CREATE UNIQUE INDEX ix_workspace_projects_active_owner ON workspace_projects(owner_id) WHERE is_active = 1;

CREATE INDEX ix_catalog_visualizations_id ON catalog_visualizations (id);

CREATE INDEX ix_catalog_visualizations_catalog_table_id ON catalog_visualizations (catalog_table_id);

CREATE INDEX ix_catalog_visualizations_namespace_id ON catalog_visualizations (namespace_id);

CREATE UNIQUE INDEX ix_catalog_visualizations_viz_uuid ON catalog_visualizations (viz_uuid);

CREATE UNIQUE INDEX ix_catalog_dashboards_dashboard_uuid ON catalog_dashboards (dashboard_uuid);

CREATE INDEX ix_catalog_dashboards_namespace_id ON catalog_dashboards (namespace_id);

CREATE INDEX ix_catalog_dashboards_id ON catalog_dashboards (id);

CREATE INDEX ix_catalog_notebooks_id ON catalog_notebooks (id);

CREATE INDEX ix_catalog_notebooks_namespace_id ON catalog_notebooks (namespace_id);

CREATE UNIQUE INDEX ix_catalog_notebooks_notebook_uuid ON catalog_notebooks (notebook_uuid);

INSERT INTO alembic_version (version_num) VALUES ('030');
