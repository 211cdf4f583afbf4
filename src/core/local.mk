noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	src/core/cron.c \
	src/core/cron_parse.c \
	src/core/decide.c \
	src/core/heap.c \
	src/core/idmap.c \
	src/core/schedule_text.c \
	src/core/slots.c \
	src/core/tz.c \
	src/core/tz_impl.h \
	src/core/tz_rule.c \
	src/core/tzif.c \
	src/core/world.c
noinst_HEADERS += \
	include/core/cron.h \
	include/core/decide.h \
	include/core/heap.h \
	include/core/idmap.h \
	include/core/slots.h \
	include/core/tz.h \
	include/core/world.h
