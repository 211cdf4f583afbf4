# The built programs as a user runs them.
e2e_tests = \
	tests/e2e/test_api_live.sh \
	tests/e2e/test_api_page.sh \
	tests/e2e/test_api_auth.sh \
	tests/e2e/test_api_auth_postgres.sh \
	tests/e2e/test_api_flows.sh \
	tests/e2e/test_api_flows_postgres.sh \
	tests/e2e/test_api_runs.sh \
	tests/e2e/test_api_runs_postgres.sh \
	tests/e2e/test_api_session.sh \
	tests/e2e/test_api_schedules.sh \
	tests/e2e/test_api_schedules_postgres.sh \
	tests/e2e/test_api_tables.sh \
	tests/e2e/test_api_tables_postgres.sh \
	tests/e2e/test_api_malformed.sh \
	tests/e2e/test_api_queries.sh \
	tests/e2e/test_api_queries_postgres.sh \
	tests/e2e/test_api_writes.sh \
	tests/e2e/test_api_writes_postgres.sh \
	tests/e2e/test_cli.sh \
	tests/e2e/test_cli_change.sh \
	tests/e2e/test_cli_daemon.sh \
	tests/e2e/test_cli_states.sh \
	tests/e2e/test_cli_tables.sh \
	tests/e2e/test_demo.sh \
	tests/e2e/test_demo_flows.sh \
	tests/e2e/test_flow_check.sh \
	tests/e2e/test_flow_checkpoint.sh \
	tests/e2e/test_flow_limits.sh \
	tests/e2e/test_flow_doc.sh \
	tests/e2e/test_flow_parts.sh \
	tests/e2e/test_flow_run.sh \
	tests/e2e/test_entrypoint.sh \
	tests/e2e/test_handover.sh \
	tests/e2e/test_install.sh \
	tests/e2e/test_manual.sh \
	tests/e2e/test_readme.sh \
	tests/e2e/test_virtual_tables.sh
dist_check_SCRIPTS += $(e2e_tests)
EXTRA_DIST += \
	tests/e2e/test_api_auth.py \
	tests/e2e/test_api_malformed.py \
	tests/e2e/test_api_queries.py \
	tests/e2e/test_api_writes.py \
	tests/e2e/api_client.py \
	tests/e2e/api_client.sh \
	tests/e2e/api_engine.py \
	tests/e2e/api_store.py \
	tests/e2e/test_api_flows.py \
	tests/e2e/test_api_runs.py \
	tests/e2e/cli_lib.sh \
	tests/e2e/demo_expected.sh \
	tests/e2e/engine_lib.sh \
	tests/e2e/handover.py \
	tests/e2e/python_peer.py \
	tests/e2e/test_api_live.py \
	tests/e2e/test_api_schedules.py \
	tests/e2e/test_api_session.py \
	tests/e2e/test_api_tables.py
TESTS += $(e2e_tests)

# A real catalog of Flowfile 0.16.0, made by its own migrations and services; a few KiB packed.
EXTRA_DIST += tests/fixtures/flowfile-0.16-catalog.db.gz
check_PROGRAMS += tests/e2e/catalog_sql
tests_e2e_catalog_sql_SOURCES = tests/e2e/catalog_sql.c
tests_e2e_catalog_sql_LDADD = libstore.a libcore.a libbase.a $(STORE_LIBS) $(CJSON_LIBS)
