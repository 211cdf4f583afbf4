# One program per module. Those of the core link only base and core, which is how the build holds
# the rule that the core touches nothing else.
if TESTS_BUILT
unit_base_ldadd = libbase.a $(CJSON_LIBS) $(CHECK_LIBS)
unit_core_ldadd = libcore.a $(unit_base_ldadd)

unit_tests = \
	tests/unit/test_auth \
	tests/unit/test_base \
	tests/unit/test_cli_catalog \
	tests/unit/test_command \
	tests/unit/test_config \
	tests/unit/test_decide \
	tests/unit/test_file \
	tests/unit/test_formula \
	tests/unit/test_flow_file \
	tests/unit/test_http_server \
	tests/unit/test_json \
	tests/unit/test_log \
	tests/unit/test_params \
	tests/unit/test_routes \
	tests/unit/test_runfiles \
	tests/unit/test_secure_store \
	tests/unit/test_timefmt \
	tests/unit/test_tz \
	tests/unit/test_cron \
	tests/unit/test_worker
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

check_PROGRAMS += tests/unit/api_page
tests_unit_api_page_SOURCES = tests/unit/api_page.c
tests_unit_api_page_LDADD = $(unit_http_ldadd)

tests_unit_test_auth_SOURCES = tests/unit/test_auth.c
tests_unit_test_auth_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_auth_LDADD = libhttp.a libcatalog.a librunner.a libstore.a $(unit_core_ldadd) \
	$(STORE_LIBS) $(EVENT_LIBS) $(HTTP_LIBS)

tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_base_LDADD = $(unit_base_ldadd)

tests_unit_test_cli_catalog_SOURCES = tests/unit/test_cli_catalog.c
tests_unit_test_cli_catalog_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_cli_catalog_LDADD = libcatalog.a libstore.a $(unit_core_ldadd) $(STORE_LIBS)

tests_unit_test_command_SOURCES = tests/unit/test_command.c
tests_unit_test_command_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_command_LDADD = librunner.a $(unit_base_ldadd)

tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DTEST_SRCDIR=\"$(abs_top_srcdir)\"
tests_unit_test_config_LDADD = libffconfig.a $(unit_base_ldadd)

tests_unit_test_decide_SOURCES = tests/unit/test_decide.c
tests_unit_test_decide_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_decide_LDADD = $(unit_core_ldadd)

tests_unit_test_file_SOURCES = tests/unit/test_file.c
tests_unit_test_file_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_file_LDADD = $(unit_base_ldadd)

tests_unit_test_flow_file_SOURCES = tests/unit/test_flow_file.c
tests_unit_test_flow_file_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_flow_file_LDADD = libflow.a libcatalog.a libstore.a $(unit_core_ldadd) $(STORE_LIBS) $(FLOW_LIBS)

tests_unit_test_formula_SOURCES = tests/unit/test_formula.c
tests_unit_test_formula_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_formula_LDADD = libflow.a $(unit_base_ldadd)

tests_unit_test_http_server_SOURCES = tests/unit/test_http_server.c
tests_unit_test_http_server_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_http_server_LDADD = libhttp.a $(unit_core_ldadd) $(EVENT_LIBS) $(HTTP_LIBS)

tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_json_LDADD = $(unit_base_ldadd)

tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_log_LDADD = $(unit_base_ldadd)

# The API's table of routes with all that its handlers need.
unit_http_ldadd = libhttp.a libengine.a libfeed.a libcatalog.a liblease.a librunner.a libstore.a \
	$(unit_core_ldadd) $(STORE_LIBS) $(EVENT_LIBS) $(HTTP_LIBS)

tests_unit_test_params_SOURCES = tests/unit/test_params.c
tests_unit_test_params_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_params_LDADD = $(unit_http_ldadd)

tests_unit_test_routes_SOURCES = tests/unit/test_routes.c
tests_unit_test_routes_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_routes_LDADD = $(unit_http_ldadd)

tests_unit_test_worker_SOURCES = tests/unit/test_worker.c
tests_unit_test_worker_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_worker_LDADD = $(unit_http_ldadd)

tests_unit_test_runfiles_SOURCES = tests/unit/test_runfiles.c
tests_unit_test_runfiles_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_runfiles_LDADD = librunner.a $(unit_base_ldadd)

tests_unit_test_secure_store_SOURCES = tests/unit/test_secure_store.c
tests_unit_test_secure_store_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_secure_store_LDADD = libhttp.a $(unit_base_ldadd) $(HTTP_LIBS)

tests_unit_test_timefmt_SOURCES = tests/unit/test_timefmt.c
tests_unit_test_timefmt_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_timefmt_LDADD = $(unit_base_ldadd)

# test_cron and test_tz replay vectors that the models beside them have written.
tests_unit_test_tz_SOURCES = tests/unit/test_tz.c tests/unit/zone_files.c tests/unit/zone_files.h
tests_unit_test_tz_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DVECTOR_DIR=\"$(srcdir)/tests/unit\"
tests_unit_test_tz_LDADD = $(unit_core_ldadd)

tests_unit_test_cron_SOURCES = tests/unit/test_cron.c tests/unit/zone_files.c tests/unit/zone_files.h
tests_unit_test_cron_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DVECTOR_DIR=\"$(srcdir)/tests/unit\"
tests_unit_test_cron_LDADD = $(unit_core_ldadd)
endif

EXTRA_DIST += \
	tests/unit/cron_model.py \
	tests/unit/cron_vectors.txt \
	tests/unit/tz_model.py \
	tests/unit/tz_vectors.txt

# The API's page, out of the table of routes.
.PHONY: api-page
api-page: tests/unit/api_page
	tests/unit/api_page >$(srcdir)/doc/api.md
