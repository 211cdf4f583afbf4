# Flow files and queries, on the real engine; without its library they are skipped.
if TESTS_BUILT
flow_tests = \
	tests/flow/test_catalog_nodes \
	tests/flow/test_chart \
	tests/flow/test_checkpoint \
	tests/flow/test_delta \
	tests/flow/test_delta_edit \
	tests/flow/test_delta_race \
	tests/flow/test_delta_upkeep \
	tests/flow/test_delta_write \
	tests/flow/test_duck \
	tests/flow/test_flow_run \
	tests/flow/test_formula \
	tests/flow/test_nodes \
	tests/flow/test_nodes_compute \
	tests/flow/test_nodes_reshape \
	tests/flow/test_query \
	tests/flow/test_scd2 \
	tests/flow/test_similarity \
	tests/flow/test_subflow
check_PROGRAMS += $(flow_tests)
TESTS += $(flow_tests)
noinst_HEADERS += \
	tests/flow/catalog_test.h \
	tests/flow/delta_test.h \
	tests/flow/engine_test.h \
	tests/flow/node_test.h

flow_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
flow_ldadd = libflow.a libcatalog.a libstore.a libcore.a libbase.a $(STORE_LIBS) $(FLOW_LIBS) \
	$(CHECK_LIBS)

tests_flow_test_catalog_nodes_SOURCES = tests/flow/test_catalog_nodes.c
tests_flow_test_catalog_nodes_CPPFLAGS = $(flow_cppflags)
tests_flow_test_catalog_nodes_LDADD = libflow.a libcatalog.a libstore.a libcore.a libbase.a $(STORE_LIBS) \
	$(FLOW_LIBS) $(CHECK_LIBS)
tests_flow_test_chart_SOURCES = tests/flow/test_chart.c
tests_flow_test_chart_CPPFLAGS = $(flow_cppflags)
tests_flow_test_chart_LDADD = $(flow_ldadd)
tests_flow_test_checkpoint_SOURCES = tests/flow/test_checkpoint.c
tests_flow_test_checkpoint_CPPFLAGS = $(flow_cppflags) -DFAKE=\"$(abs_srcdir)/tests/flow/fake\"
tests_flow_test_checkpoint_LDADD = $(flow_ldadd)
tests_flow_test_delta_SOURCES = tests/flow/test_delta.c
tests_flow_test_delta_CPPFLAGS = $(flow_cppflags)
tests_flow_test_delta_LDADD = $(flow_ldadd)
tests_flow_test_delta_edit_SOURCES = tests/flow/test_delta_edit.c
tests_flow_test_delta_edit_CPPFLAGS = $(flow_cppflags)
tests_flow_test_delta_edit_LDADD = $(flow_ldadd)
tests_flow_test_delta_race_SOURCES = tests/flow/test_delta_race.c
tests_flow_test_delta_race_CPPFLAGS = $(flow_cppflags)
tests_flow_test_delta_race_LDADD = $(flow_ldadd)
tests_flow_test_delta_upkeep_SOURCES = tests/flow/test_delta_upkeep.c
tests_flow_test_delta_upkeep_CPPFLAGS = $(flow_cppflags)
tests_flow_test_delta_upkeep_LDADD = $(flow_ldadd)
tests_flow_test_delta_write_SOURCES = tests/flow/test_delta_write.c
tests_flow_test_delta_write_CPPFLAGS = $(flow_cppflags)
tests_flow_test_delta_write_LDADD = $(flow_ldadd)
tests_flow_test_duck_SOURCES = tests/flow/test_duck.c
tests_flow_test_duck_CPPFLAGS = $(flow_cppflags)
tests_flow_test_duck_LDADD = $(flow_ldadd)
tests_flow_test_flow_run_SOURCES = tests/flow/test_flow_run.c
tests_flow_test_flow_run_CPPFLAGS = $(flow_cppflags)
tests_flow_test_flow_run_LDADD = $(flow_ldadd)
tests_flow_test_formula_SOURCES = tests/flow/test_formula.c
tests_flow_test_formula_CPPFLAGS = $(flow_cppflags) -DCASES=\"$(abs_srcdir)/tests/flow/formula_cases.txt\" \
	-DMANUAL=\"$(abs_srcdir)/doc/formulas.md\"
tests_flow_test_formula_LDADD = $(flow_ldadd)
tests_flow_test_nodes_SOURCES = tests/flow/test_nodes.c
tests_flow_test_nodes_CPPFLAGS = $(flow_cppflags)
tests_flow_test_nodes_LDADD = $(flow_ldadd)
tests_flow_test_nodes_compute_SOURCES = tests/flow/test_nodes_compute.c
tests_flow_test_nodes_compute_CPPFLAGS = $(flow_cppflags)
tests_flow_test_nodes_compute_LDADD = $(flow_ldadd)
tests_flow_test_nodes_reshape_SOURCES = tests/flow/test_nodes_reshape.c
tests_flow_test_nodes_reshape_CPPFLAGS = $(flow_cppflags)
tests_flow_test_nodes_reshape_LDADD = $(flow_ldadd)
tests_flow_test_query_SOURCES = tests/flow/test_query.c
tests_flow_test_query_CPPFLAGS = $(flow_cppflags)
tests_flow_test_query_LDADD = $(flow_ldadd)
tests_flow_test_scd2_SOURCES = tests/flow/test_scd2.c
tests_flow_test_scd2_CPPFLAGS = $(flow_cppflags)
tests_flow_test_scd2_LDADD = $(flow_ldadd)
tests_flow_test_similarity_SOURCES = tests/flow/test_similarity.c
tests_flow_test_similarity_CPPFLAGS = $(flow_cppflags)
tests_flow_test_similarity_LDADD = $(flow_ldadd) -lm
tests_flow_test_subflow_SOURCES = tests/flow/test_subflow.c
tests_flow_test_subflow_CPPFLAGS = $(flow_cppflags)
tests_flow_test_subflow_LDADD = $(flow_ldadd)
endif
EXTRA_DIST += \
	doc/formulas.md \
	tests/flow/fake/polars.py \
	tests/flow/formula_cases.txt
