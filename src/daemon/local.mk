bin_PROGRAMS += flowfile_scheduler
flowfile_scheduler_SOURCES = \
	src/daemon/daemon.c \
	src/daemon/main.c \
	src/daemon/notify.c \
	src/daemon/upkeep.c \
	src/daemon/web.c \
	src/daemon/wake.c
flowfile_scheduler_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SYSTEMD_CFLAGS)
flowfile_scheduler_LDADD = \
	libhttp.a \
	libengine.a \
	libfeed.a \
	libflow.a \
	libcatalog.a \
	liblease.a \
	librunner.a \
	libstore.a \
	libffconfig.a \
	libcore.a \
	libbase.a \
	$(STORE_LIBS) $(EVENT_LIBS) $(CJSON_LIBS) $(HTTP_LIBS) $(SYSTEMD_LIBS) $(FLOW_LIBS)
noinst_HEADERS += \
	include/daemon/daemon.h \
	include/daemon/notify.h \
	include/daemon/upkeep.h \
	include/daemon/web.h \
	include/daemon/wake.h
