noinst_LIBRARIES += libfeed.a
libfeed_a_SOURCES = \
	src/feed/feed.c \
	src/feed/feed_postgres.c \
	src/feed/feed_sqlite.c \
	src/feed/watch.c
noinst_HEADERS += \
	include/feed/backend.h \
	include/feed/feed.h \
	include/feed/watch.h
libfeed_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
