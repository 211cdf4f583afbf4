# Flow files on the query engine, whose library is loaded at run time and is not needed to build.
noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	src/flow/advice.c \
	src/flow/broken.c \
	src/flow/catalog_sql.c \
	src/flow/child.c \
	src/flow/cells.c \
	src/flow/chart.c \
	src/flow/columns.c \
	src/flow/delta_checkpoint.c \
	src/flow/delta_commit.c \
	src/flow/delta_files.c \
	src/flow/delta_log.c \
	src/flow/delta_maintain.c \
	src/flow/delta_merge.c \
	src/flow/delta_schema.c \
	src/flow/delta_snapshot.c \
	src/flow/delta_write.c \
	src/flow/duck.c \
	src/flow/eval.c \
	src/flow/flow.c \
	src/flow/formula.c \
	src/flow/formula_formats.c \
	src/flow/formula_functions.c \
	src/flow/formula_parse.c \
	src/flow/formula_tokens.c \
	src/flow/formula_tree.h \
	src/flow/formula_value.c \
	src/flow/formula_value.h \
	src/flow/kinds.c \
	src/flow/lineage.c \
	src/flow/nodes/aggregate.c \
	src/flow/nodes/catalog_read.c \
	src/flow/nodes/catalog_write.c \
	src/flow/nodes/checkpoint.c \
	src/flow/nodes/command.c \
	src/flow/nodes/chance.c \
	src/flow/nodes/fields.c \
	src/flow/nodes/filter.c \
	src/flow/nodes/formula.c \
	src/flow/nodes/fuzzy.c \
	src/flow/nodes/graph.c \
	src/flow/nodes/group_by.c \
	src/flow/nodes/input.c \
	src/flow/nodes/join.c \
	src/flow/nodes/join.h \
	src/flow/nodes/nodes.h \
	src/flow/nodes/output.c \
	src/flow/nodes/pass.c \
	src/flow/nodes/pivot.c \
	src/flow/nodes/program.h \
	src/flow/nodes/python.c \
	src/flow/nodes/read.c \
	src/flow/nodes/rename.c \
	src/flow/nodes/reshape.c \
	src/flow/nodes/rows.c \
	src/flow/nodes/run_flow.c \
	src/flow/nodes/scd2.c \
	src/flow/nodes/scd2.h \
	src/flow/nodes/sql_query.c \
	src/flow/nodes/window.c \
	src/flow/param.c \
	src/flow/plan.c \
	src/flow/query.c \
	src/flow/query_names.c \
	src/flow/query_words.c \
	src/flow/run.c \
	src/flow/setting.c \
	src/flow/similarity.c \
	src/flow/subflow.c \
	src/flow/table_data.c
nodist_libflow_a_SOURCES = flow/python_driver.c
noinst_HEADERS += \
	include/flow/catalog_sql.h \
	include/flow/checkpoint.h \
	include/flow/child.h \
	include/flow/cells.h \
	include/flow/chart.h \
	include/flow/columns.h \
	include/flow/delta.h \
	include/flow/duck.h \
	include/flow/eval.h \
	include/flow/flow.h \
	include/flow/formula.h \
	include/flow/lineage.h \
	include/flow/node.h \
	include/flow/param.h \
	include/flow/plan.h \
	include/flow/query.h \
	include/flow/run.h \
	include/flow/similarity.h \
	include/flow/subflow.h \
	include/flow/table_data.h \
	src/flow/delta_impl.h
libflow_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	-DDUCKDB_LIBRARY=\"$(DUCKDB_LIBRARY)\"
FLOW_LIBS = $(CJSON_LIBS) $(YAML_LIBS) -ldl -lpthread

# What runs Python code of flows is compiled in.
EXTRA_DIST += src/flow/driver.py src/flow/gen-text.awk
CLEANFILES += flow/python_driver.c
flow/python_driver.c: src/flow/driver.py src/flow/gen-text.awk
	$(AM_V_GEN)$(MKDIR_P) flow && $(AWK) -v name=python_driver -f $(srcdir)/src/flow/gen-text.awk \
		$(srcdir)/src/flow/driver.py >$@.tmp && mv $@.tmp $@
