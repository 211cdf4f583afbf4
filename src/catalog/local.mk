noinst_LIBRARIES += libcatalog.a
libcatalog_a_SOURCES = \
	src/catalog/artifacts.c \
	src/catalog/catalog.c \
	src/catalog/explain.c \
	src/catalog/favorites.c \
	src/catalog/flow_interface.c \
	src/catalog/flows.c \
	src/catalog/history.c \
	src/catalog/namespaces.c \
	src/catalog/requests.c \
	src/catalog/resolve.c \
	src/catalog/runs.c \
	src/catalog/schedules.c \
	src/catalog/stats.c \
	src/catalog/status.c \
	src/catalog/table_data.c \
	src/catalog/table_write.c \
	src/catalog/tables.c \
	src/catalog/tree.c \
	src/catalog/users.c \
	src/catalog/virtual.c \
	src/catalog/visualizations.c \
	src/catalog/zones.c
noinst_HEADERS += \
	include/catalog/artifacts.h \
	include/catalog/catalog.h \
	include/catalog/explain.h \
	include/catalog/favorites.h \
	include/catalog/flow_interface.h \
	include/catalog/flows.h \
	include/catalog/history.h \
	include/catalog/namespaces.h \
	include/catalog/requests.h \
	include/catalog/resolve.h \
	include/catalog/runs.h \
	include/catalog/schedules.h \
	include/catalog/stats.h \
	include/catalog/status.h \
	include/catalog/table_write.h \
	include/catalog/tables.h \
	include/catalog/tree.h \
	include/catalog/users.h \
	include/catalog/virtual.h \
	include/catalog/visualizations.h \
	include/catalog/zones.h
libcatalog_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
