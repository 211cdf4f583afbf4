noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c \
	src/base/buf.c \
	src/base/clock.c \
	src/base/document.c \
	src/base/document_write.c \
	src/base/err.c \
	src/base/file.c \
	src/base/json.c \
	src/base/log.c \
	src/base/mem.c \
	src/base/metrics.c \
	src/base/nearest.c \
	src/base/paths.c \
	src/base/text.c \
	src/base/timefmt.c \
	src/base/units.c \
	src/base/uuid.c
noinst_HEADERS += \
	include/base/arena.h \
	include/base/buf.h \
	include/base/clock.h \
	include/base/document.h \
	include/base/err.h \
	include/base/file.h \
	include/base/json.h \
	include/base/log.h \
	include/base/mem.h \
	include/base/metrics.h \
	include/base/nearest.h \
	include/base/paths.h \
	include/base/process.h \
	include/base/text.h \
	include/base/timefmt.h \
	include/base/units.h \
	include/base/uuid.h
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS) $(YAML_CFLAGS)
