noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/cron.c \
	src/core/cron_parse.c \
	src/core/tz.c \
	src/core/tz_impl.h \
	src/core/tz_rule.c \
	src/core/tzif.c
noinst_HEADERS += \
	include/core/cron.h \
	include/core/tz.h
