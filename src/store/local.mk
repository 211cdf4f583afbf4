# The store. Named statements: add the .sql file to store_sql. Scripts that make tables:
# store_schema_sql. Both are compiled in; store/sql.h and the two .c files are made in the build
# folder.
store_sql = \
	src/store/sql/access.sql \
	src/store/sql/catalog.sql \
	src/store/sql/engine.sql \
	src/store/sql/live.sql \
	src/store/sql/schema.sql \
	src/store/sql/sources.sql
store_schema_sql = \
	src/store/sql/schema/001-scheduler-postgres.sql \
	src/store/sql/schema/001-scheduler-sqlite.sql \
	src/store/sql/schema/002-history-postgres.sql \
	src/store/sql/schema/002-history-sqlite.sql \
	src/store/sql/schema/003-sources-postgres.sql \
	src/store/sql/schema/003-sources-sqlite.sql \
	src/store/sql/schema/access-views.sql \
	src/store/sql/schema/flowfile-postgres.sql \
	src/store/sql/schema/flowfile-sqlite.sql \
	src/store/sql/schema/triggers-postgres.sql \
	src/store/sql/schema/triggers-sqlite.sql

noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	src/store/claim.c \
	src/store/db.c \
	src/store/fence.c \
	src/store/load.c \
	src/store/runs.c \
	src/store/schema.c \
	src/store/schema_catchup.c \
	src/store/schema_seed.c \
	src/store/schema_shape.c \
	src/store/schema_triggers.c \
	src/store/sources.c \
	src/store/sqlite.c \
	src/store/sqlite_clock.c \
	src/store/stmt.c \
	src/store/url.c \
	src/store/views.c
nodist_libstore_a_SOURCES = \
	store/schema_gen.c \
	store/sql.h \
	store/sql_gen.c
if POSTGRES
libstore_a_SOURCES += \
	src/store/libpq.c \
	src/store/pg_conn.c \
	src/store/postgres.c \
	src/store/postgres_url.c
endif
noinst_HEADERS += \
	include/store/backend.h \
	include/store/claim.h \
	include/store/db.h \
	include/store/fence.h \
	include/store/libpq.h \
	include/store/load.h \
	include/store/pg_conn.h \
	include/store/runs.h \
	include/store/schema.h \
	include/store/schema_parts.h \
	include/store/sources.h \
	include/store/views.h
libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(PQ_CFLAGS)
# What a program that links libstore.a needs besides libbase.a. libpq is loaded at run time.
STORE_LIBS = $(SQLITE_LIBS)

EXTRA_DIST += $(store_sql) $(store_schema_sql) src/store/gen-sql.awk src/store/sql/README.md
BUILT_SOURCES += store/sql.h
CLEANFILES += store/sql.h store/sql_gen.c store/schema_gen.c
store_gen_sql = $(MKDIR_P) store && (cd $(srcdir) && $(AWK) -f src/store/gen-sql.awk

store/sql.h: $(store_sql) src/store/gen-sql.awk
	$(AM_V_GEN)$(store_gen_sql) -v mode=header $(store_sql)) >$@.tmp && mv $@.tmp $@
store/sql_gen.c: $(store_sql) src/store/gen-sql.awk
	$(AM_V_GEN)$(store_gen_sql) -v mode=source $(store_sql)) >$@.tmp && mv $@.tmp $@
store/schema_gen.c: $(store_schema_sql) src/store/gen-sql.awk
	$(AM_V_GEN)$(store_gen_sql) -v mode=scripts $(store_schema_sql)) >$@.tmp && mv $@.tmp $@
