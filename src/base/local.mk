noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c \
	src/base/buf.c \
	src/base/clock.c \
	src/base/err.c \
	src/base/file.c \
	src/base/json.c \
	src/base/log.c \
	src/base/mem.c \
	src/base/text.c \
	src/base/timefmt.c
noinst_HEADERS += \
	include/base/arena.h \
	include/base/buf.h \
	include/base/clock.h \
	include/base/err.h \
	include/base/file.h \
	include/base/json.h \
	include/base/log.h \
	include/base/mem.h \
	include/base/text.h \
	include/base/timefmt.h
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
