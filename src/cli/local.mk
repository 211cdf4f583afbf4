bin_PROGRAMS += flowfile
flowfile_SOURCES = \
	src/cli/args.c \
	src/cli/cmd_cron.c \
	src/cli/cmd_doctor.c \
	src/cli/cmd_flows.c \
	src/cli/cmd_init.c \
	src/cli/cmd_run.c \
	src/cli/cmd_runs.c \
	src/cli/cmd_schedules.c \
	src/cli/cmd_scheduler.c \
	src/cli/cmd_sql.c \
	src/cli/cmd_tables.c \
	src/cli/flow_run.c \
	src/cli/flow_verbs.c \
	src/cli/follow.c \
	src/cli/help.c \
	src/cli/leader.c \
	src/cli/main.c \
	src/cli/open.c \
	src/cli/out.c \
	src/cli/progress.c \
	src/cli/query.h \
	src/cli/query_chart.c \
	src/cli/query_child.c \
	src/cli/query_edit.c \
	src/cli/query_rows.c \
	src/cli/query_seal.c \
	src/cli/query_sql.c \
	src/cli/query_table.c \
	src/cli/query_write.c \
	src/cli/request.c \
	src/cli/rows.c \
	src/cli/scheduler_open.c \
	src/cli/table_history.c \
	src/cli/table_preview.c \
	src/cli/unseen.c \
	src/cli/virtual_check.c
noinst_HEADERS += include/cli/cli.h include/cli/flow.h include/cli/progress.h
flowfile_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
flowfile_LDADD = libflow.a libcatalog.a libstore.a libffconfig.a librunner.a libcore.a libbase.a \
	$(STORE_LIBS) $(FLOW_LIBS)
