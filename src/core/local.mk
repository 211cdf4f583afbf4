noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/cron.c \
	src/core/tz.c
noinst_HEADERS += \
	include/core/cron.h \
	include/core/tz.h
