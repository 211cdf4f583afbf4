# The API: server, routes, one file per resource.
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/api.c \
	src/http/api_impl.h \
	src/http/access.c \
	src/http/access.h \
	src/http/auth.c \
	src/http/call.c \
	src/http/checker.c \
	src/http/checker.h \
	src/http/conn.c \
	src/http/conn.h \
	src/http/events.c \
	src/http/fernet.c \
	src/http/fernet.h \
	src/http/journal.c \
	src/http/journal.h \
	src/http/logtail.c \
	src/http/metrics.c \
	src/http/metrics.h \
	src/http/jwt.c \
	src/http/jwt.h \
	src/http/page.c \
	src/http/json_fault.c \
	src/http/json_fault.h \
	src/http/openapi.c \
	src/http/params.c \
	src/http/router.c \
	src/http/queries.c \
	src/http/queries.h \
	src/http/routes.c \
	src/http/routes.h \
	src/http/routes_charts.c \
	src/http/routes_edits.c \
	src/http/routes_engine.c \
	src/http/routes_flows.c \
	src/http/routes_health.c \
	src/http/routes_live.c \
	src/http/routes_namespaces.c \
	src/http/routes_runs.c \
	src/http/routes_scheduler.c \
	src/http/routes_schedules.c \
	src/http/routes_sql.c \
	src/http/routes_stats.c \
	src/http/routes_tables.c \
	src/http/routes_virtual.c \
	src/http/routes_visualizations.c \
	src/http/run_now.c \
	src/http/secure_store.c \
	src/http/server.c \
	src/http/streams.h \
	src/http/table_routes.h \
	src/http/worker.c \
	src/http/worker.h
libhttp_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CJSON_CFLAGS) $(JWT_CFLAGS) $(CRYPTO_CFLAGS)
noinst_HEADERS += \
	include/http/api.h \
	include/http/auth.h \
	include/http/route.h \
	include/http/secure_store.h \
	include/http/server.h
HTTP_LIBS = -lhttp_parser $(JWT_LIBS) $(CRYPTO_LIBS) $(YAML_LIBS) -lpthread
