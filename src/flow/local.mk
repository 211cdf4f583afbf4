# Flow files on the query engine, whose library is loaded at run time and is not needed to build.
noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	src/flow/columns.c \
	src/flow/duck.c
noinst_HEADERS += \
	include/flow/columns.h \
	include/flow/duck.h
libflow_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) \
	-DDUCKDB_LIBRARY=\"$(DUCKDB_LIBRARY)\"
FLOW_LIBS = $(CJSON_LIBS) $(YAML_LIBS) -ldl -lpthread
